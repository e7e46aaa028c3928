# A dump restored into another cluster, whose transaction ids are lower: consumers can read the log at once and in
# order, counts are right before and after they are settled, and so on into a third cluster, and back.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub start
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "autovacuum = off\n");
	$node->start;
	return $node;
}

# Ids that the other clusters won't reach during the test.
sub burn_ids
{
	my ($node, $n) = @_;
	$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1..$n LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END \$\$");
	return;
}

# The log as a new consumer reads it, replayed, gives the members; and what counts say.
my $replayed = q{
	SELECT string_agg(segment_id || ' ' || contact_id, ',' ORDER BY segment_id, contact_id) FROM (
		SELECT DISTINCT ON (segment_id, contact_id) segment_id, contact_id, joined
		FROM segments.read_changes('%s', 100000) WITH ORDINALITY AS c (xact, n, segment_id, segment, contact_id, joined, cause, at, source, reference, number)
		ORDER BY segment_id, contact_id, number DESC) AS l WHERE joined};
my $members = q{SELECT string_agg(segment_id || ' ' || contact_id, ',' ORDER BY segment_id, contact_id) FROM contact_segment_member};
my $wrong = q{
	SELECT s.alias, segments.count(s.alias), t.members, n.n FROM segments.segment AS s JOIN segments.status AS t USING (id),
	LATERAL (SELECT count(*) AS n FROM contact_segment_member AS m WHERE m.segment_id = s.id) AS n
	WHERE n.n <> segments.count(s.alias) OR n.n <> t.members};

sub examine
{
	my ($node, $database, $how) = @_;
	my $stored = $node->safe_psql($database, $members);

	is($node->safe_psql($database, sprintf($replayed, "new $how")), $stored, "$how: a new consumer reads the whole log");
	is($node->safe_psql($database, $wrong), '', "$how: counts");
	is($node->safe_psql($database, 'SELECT * FROM segments.check()'), '', "$how: right");
	return;
}

sub write_some
{
	my ($node, $database, $points) = @_;
	$node->safe_psql($database, "UPDATE contact SET points = $points WHERE id % 7 = 0");
	$node->safe_psql($database, 'UPDATE contact SET points = 100 - points WHERE id % 3 = 0');
	$node->safe_psql($database, 'INSERT INTO contact SELECT max(id) + 1, 70 FROM contact');
	return;
}

sub restore
{
	my ($from, $from_database, $to, $to_database) = @_;
	my $file = $from->basedir . "/$from_database.dump";

	$to->safe_psql('postgres', "CREATE DATABASE $to_database TEMPLATE template0");
	command_ok([ 'pg_dump', '-Fc', '-f', $file, $from->connstr($from_database) ], "dump $from_database");
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $to->connstr($to_database), $file ], "restore $to_database");
	return;
}

my ($first, $second) = (start('first'), start('second'));
burn_ids($first, 20000);

$first->safe_psql('postgres', 'CREATE DATABASE one');
$first->safe_psql('one', q{
	CREATE EXTENSION segments;
	CREATE TABLE contact (id bigint PRIMARY KEY, points integer);
	SELECT segments.attach('contact');
	INSERT INTO contact SELECT n, n FROM generate_series(1, 100) AS n;
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Poor', '[{"field": "points", "operator": "lt", "properties": {"filter": 30}}]');
});
write_some($first, 'one', 10);
$first->safe_psql('one', 'SELECT segments.refresh_due()');
write_some($first, 'one', 90);
examine($first, 'one', 'first');
is($first->safe_psql('one', 'SELECT max(xact >> 48) FROM contact_segment_change'), '0', 'the first cluster writes era 0');

# read before anybody has written there, also where nobody may
restore($first, 'one', $second, 'two');
cmp_ok($second->safe_psql('two', 'SELECT pg_current_xact_id()'), '<',
	$first->safe_psql('one', 'SELECT min(xact) FROM contact_segment_change'), 'ids are lower');
examine($second, 'two', 'restored');
is($second->safe_psql('two', q{BEGIN READ ONLY; SELECT count(*) FROM segments.log_era; COMMIT;}), '1', 'reading adds no era');
write_some($second, 'two', 20);
examine($second, 'two', 'restored, and written to');
is($second->safe_psql('two', q{SELECT count(*) FROM segments.read_changes('new restored')}),
	$second->safe_psql('two', q{SELECT count(*) FROM contact_segment_change WHERE xact >> 48 = 1}),
	'the consumer goes on with what came after, once');
$second->safe_psql('two', 'SELECT segments.refresh_due()');
write_some($second, 'two', 60);
examine($second, 'two', 'restored and settled');
$second->safe_psql('two', q{SELECT segments.trim_changes('-1 day', keep_unread => false)});
is($second->safe_psql('two', $wrong), '', 'counts after trimming');
write_some($second, 'two', 10);

# and back, where ids are higher again
restore($second, 'two', $first, 'three');
$first->safe_psql('three', 'DELETE FROM contact');
$first->safe_psql('three', 'INSERT INTO contact SELECT n, n FROM generate_series(1, 100) AS n');
is($first->safe_psql('three', 'SELECT max(xact >> 48) FROM contact_segment_change'), '2', 'the third era');
is($first->safe_psql('three', $wrong), '', 'counts in the third era');
is($first->safe_psql('three', q{SELECT bool_and(coalesce(xact >= before, true)) FROM (
	SELECT xact >> 48 AS xact, lag(xact >> 48) OVER () AS before FROM segments.read_changes('new', 100000)) AS c}), 't', 'eras are read in order');

# the same cluster goes on in its own era
restore($first, 'three', $first, 'four');
examine($first, 'four', 'another database');
write_some($first, 'four', 10);
examine($first, 'four', 'another database, written to');
is($first->safe_psql('four', 'SELECT max(xact >> 48) FROM contact_segment_change'), '2', 'no new era');

done_testing();
