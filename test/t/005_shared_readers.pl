# Whom a table's rows matter for is known in shared memory: whatever is declared, the next connection writes for the right ones.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SEGMENTS_SEED} // 1 + int(rand(1000000));
srand($seed);
note("seed $seed");

my @contact_tables = qw(person client);
my @related = qw(hit mail);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'segments'\nsegments.worker = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION segments');
$node->safe_psql('postgres', "CREATE TABLE $_ (id bigint PRIMARY KEY, points int DEFAULT 0, seen timestamptz); INSERT INTO $_ SELECT generate_series(1, 20)")
	foreach @contact_tables;
$node->safe_psql('postgres', "CREATE TABLE $_ (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint); CREATE INDEX ON $_ (contact_id)")
	foreach @related;

# What is declared now: contact tables, relations of these, point triggers.
my (%attached, %reads, %points);

sub segment
{
	my ($alias, $table, $filter) = @_;
	return "SELECT segments.create_segment('$alias', '[$filter]', alias => '$alias', contact_table => '$table');";
}

sub attach
{
	my ($table) = @_;
	my $zone = ('UTC', 'Europe/Paris', 'Asia/Tokyo')[rand 3];
	my $again = $attached{$table}++;
	return "SELECT segments.attach('$table', timezone => '$zone');" .
		($again ? '' : segment("rich-$table", $table, '{"field": "points", "operator": "gte", "properties": {"filter": 50}}') .
		segment("gold-$table", $table, ''));
}

sub detach
{
	my ($table) = @_;
	delete $attached{$table};
	delete $reads{"$table $_"} foreach @related;
	delete $points{$table};
	return "SELECT segments.detach('$table');";
}

sub relate
{
	my ($table, $rows) = @_;
	$reads{"$table $rows"} = 1;
	return "SELECT segments.attach_related('$table', '$rows', '$rows', 'contact_id');
		SELECT segments.define_field('$table', '${rows}s', 'number', object => 'behaviors', relation => '$rows', aggregate => 'count');" .
		segment("${rows}-$table", $table, qq({"object": "behaviors", "field": "${rows}s", "operator": "gte", "properties": {"filter": 2}}));
}

sub unrelate
{
	my ($table, $rows) = @_;
	delete $reads{"$table $rows"};
	return "SELECT segments.delete_segment('${rows}-$table'); SELECT segments.drop_field('$table', '${rows}s', 'behaviors');
		SELECT segments.detach_related('$table', '$rows');";
}

sub trigger
{
	my ($table) = @_;
	$points{$table} = 1;
	return "SELECT segments.create_point_trigger('gold', 90, add => '{gold-$table}', contact_table => '$table');";
}

# Something that can be declared or taken back now.
sub declaration
{
	my $table = $contact_tables[rand @contact_tables];
	my $rows = $related[rand @related];
	return attach($table) if !$attached{$table} || rand() < 0.2;
	return detach($table) if rand() < 0.1;
	return trigger($table) if !$points{$table} && rand() < 0.2;
	return $reads{"$table $rows"} ? unrelate($table, $rows) : relate($table, $rows);
}

# A connection for each table: the first thing that it does is to write.
sub write_all
{
	$node->safe_psql('postgres', "INSERT INTO $_ (contact_id) SELECT 1 + random() * 19 FROM generate_series(1, 3); DELETE FROM $_ WHERE random() < 0.2")
		foreach @related;
	$node->safe_psql('postgres', "UPDATE $_ SET points = random() * 100 WHERE random() < 0.3") foreach @contact_tables;
}

foreach my $round (1 .. 40)
{
	my %before = (attached => {%attached}, reads => {%reads}, points => {%points});
	my $declared = declaration();
	my $taken_back = rand() < 0.3;

	$node->safe_psql('postgres', $taken_back ? "BEGIN; $declared UPDATE person SET points = points; ROLLBACK" : $declared);
	if ($taken_back)
	{
		%attached = %{$before{attached}};
		%reads = %{$before{reads}};
		%points = %{$before{points}};
	}
	write_all();
	my $wrong = $node->safe_psql('postgres', 'SELECT * FROM segments.check()');
	foreach my $table (grep { $points{$_} } @contact_tables)
	{
		$node->safe_psql('postgres', "UPDATE $table SET points = 0 WHERE id = $round % 20 + 1");
		$node->safe_psql('postgres', "UPDATE $table SET points = 95 WHERE id = $round % 20 + 1");
		$wrong .= $node->safe_psql('postgres', "SELECT 'not gold', $round % 20 + 1 WHERE NOT segments.is_member('gold-$table', ($round % 20 + 1)::bigint)");
	}
	is($wrong, '', "$round: $declared" . ($taken_back ? ' taken back' : '')) or last;
}
$node->stop;
done_testing();
