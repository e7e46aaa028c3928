# A hot standby: members, counts and look-ups are those of what was replayed, also when it was settled meanwhile.
# After promotion all goes on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE TABLE contact (id bigint PRIMARY KEY, points integer);
	SELECT segments.attach('contact');
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Poor', '[{"field": "points", "operator": "lt", "properties": {"filter": 30}}]');
	INSERT INTO contact SELECT n, n FROM generate_series(1, 100) AS n;
	INSERT INTO contact SELECT n, n FROM generate_series(1001, 21000) AS n;
	SELECT segments.refresh_due();
	VACUUM contact_segment_change;
});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $wrong = q{
	SELECT s.alias, segments.count(s.alias), t.members, n.n FROM segments.segment AS s JOIN segments.status AS t USING (id),
	LATERAL (SELECT count(*) AS n FROM contact_segment_member AS m WHERE m.segment_id = s.id) AS n
	WHERE n.n <> segments.count(s.alias) OR n.n <> t.members};

sub examine
{
	my ($how, $rich) = @_;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	is($standby->safe_psql('postgres', $wrong), '', "$how: counts");
	is($standby->safe_psql('postgres', q{SELECT segments.count('rich')}), $rich, "$how: the number");
	return;
}

examine('settled', 20051);
# one transaction is open from here on
my ($in, $out) = ('', '');
my $timer = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $primary->connstr('postgres') ], '<', \$in, '>', \$out, $timer);
$in .= "BEGIN; UPDATE contact SET points = 99 WHERE id = 1; SELECT 'written';\n";
$session->pump until $out =~ /written/;
$primary->safe_psql('postgres', 'UPDATE contact SET points = 99 WHERE id IN (2, 3)');
examine('with entries that are not settled', 20053);
# it becomes an old one, far back in the log
$primary->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 1..1200 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
$primary->safe_psql('postgres', 'UPDATE contact SET points = 0 WHERE id > 1000');
$primary->safe_psql('postgres', 'VACUUM contact_segment_change');
examine('it is far back', 53);
$primary->safe_psql('postgres', 'SELECT segments.refresh_due()');
examine('settled while one writes', 53);
cmp_ok($primary->safe_psql('postgres', 'SELECT high - in_progress[1] FROM segments.count_state'), '>', 1000, 'it was in progress');
$in .= "UPDATE contact SET points = 99 WHERE id = 4; COMMIT; SELECT 'committed';\n";
$session->pump until $out =~ /committed/;
examine('that one has committed', 55);
$in .= "\\q\n";
$session->finish;
$primary->safe_psql('postgres', q{SELECT segments.trim_changes('-1 day')});
examine('trimmed', 55);
is($standby->safe_psql('postgres', 'SELECT segments.refresh_due()'), '0', 'refresh_due has nothing to do there');
is($standby->safe_psql('postgres', q{SELECT segments.is_member('rich', 4::bigint)}), 't', 'is_member');

$primary->stop;
$standby->promote;
$standby->safe_psql('postgres', 'UPDATE contact SET points = 0 WHERE id < 4');
is($standby->safe_psql('postgres', $wrong), '', 'counts after promotion');
is($standby->safe_psql('postgres', 'SELECT max(xact >> 48) FROM contact_segment_change'), '0', 'it is the same era');
$standby->safe_psql('postgres', 'SELECT segments.refresh_due()');
is($standby->safe_psql('postgres', $wrong), '', 'counts after settling there');
is($standby->safe_psql('postgres', q{SELECT segments.count('rich')}), '52', 'the number');
is($standby->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', 'right');

done_testing();
