# Prepared transactions, recovery to a point in time, and servers that are killed while they are written.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $kills = $ENV{SEGMENTS_KILLS} // 20;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(has_archiving => 1, allows_streaming => 1);
$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE TABLE company (id bigint PRIMARY KEY, city text);
	CREATE TABLE contact (id bigint PRIMARY KEY, city text, points integer, seen timestamptz, company_id bigint);
	CREATE TABLE hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint, url text, at timestamptz DEFAULT now());
	CREATE INDEX ON hit (contact_id);
	SELECT segments.attach('contact');
	SELECT segments.attach_company('contact', 'company', 'company_id');
	SELECT segments.attach_related('contact', 'hit', 'hit', 'contact_id');
	SELECT segments.define_field('contact', 'hits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count');
	INSERT INTO company SELECT n, CASE WHEN n % 2 = 0 THEN 'Rome' ELSE 'Oslo' END FROM generate_series(1, 10) AS n;
	INSERT INTO contact SELECT n, 'Oslo', n % 100, now() - n * interval '1 hour', n % 10 + 1 FROM generate_series(1, 1000) AS n;
	INSERT INTO hit (contact_id, url) SELECT n % 300, '/a' FROM generate_series(1, 1000) AS n;
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Visited', '[{"object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 3}}]');
	SELECT segments.create_segment('Roman', '[{"object": "company", "field": "city", "operator": "=", "properties": {"filter": "rome"}}]');
	SELECT segments.create_segment('Recent', '[{"field": "seen", "operator": "inLast", "properties": {"filter": "2 days"}}]');
	SELECT segments.create_segment('Both', '[{"field": "leadlist", "operator": "includingAll", "properties": {"filter": ["rich", "visited"]}}]');
	SELECT segments.create_segment('Friends');
	CREATE TABLE consumed (xact bigint, n integer, segment_id bigint, contact_id bigint, joined boolean, PRIMARY KEY (xact, n));
	INSERT INTO consumed SELECT xact, n, segment_id, contact_id, joined FROM segments.read_changes('mailer', 1000000);
});
# Time may have moved somebody since the last refresh: both are of one transaction, so of one instant.
my $differences = q{
	BEGIN;
	SELECT segments.refresh_due() \\g /dev/null
	SELECT * FROM segments.check();
	COMMIT};
my $miscounted = q{SELECT s.alias FROM segments.segment AS s
	WHERE segments.count(s.alias) <> (SELECT count(*) FROM contact_segment_member AS m WHERE m.segment_id = s.id)};
my $read = q{INSERT INTO consumed SELECT xact, n, segment_id, contact_id, joined FROM segments.read_changes('mailer', 1000000)};
# who joined more often than they left is a member
my $astray = q{SELECT segment_id, contact_id FROM (
		SELECT segment_id, contact_id, CASE WHEN joined THEN 1 ELSE -1 END AS n FROM consumed
		UNION ALL SELECT segment_id, contact_id, -1 FROM contact_segment_member) AS e GROUP BY 1, 2 HAVING sum(n) <> 0};

sub examine
{
	my ($server, $how) = @_;

	is($server->safe_psql('postgres', $differences), '', "$how: right");
	is($server->safe_psql('postgres', $miscounted), '', "$how: counts");
	$server->safe_psql('postgres', $read);
	is($server->safe_psql('postgres', $astray), '', "$how: a consumer has the members");
}

# While who was killed is not gone, the server takes itself for running.
sub start_again
{
	my ($killed) = @_;

	foreach (1 .. 300)
	{
		last unless kill(0, $killed);
		select(undef, undef, undef, 0.1);
	}
	$node->start;
}

# A prepared transaction is one that is open, for others and for who reads the log.
$node->safe_psql('postgres', q{
	BEGIN;
	UPDATE contact SET points = 99 WHERE id IN (1, 2);
	INSERT INTO hit (contact_id, url) SELECT 400, '/p' FROM generate_series(1, 3);
	SELECT segments.add_contact('friends', 3::bigint);
	PREPARE TRANSACTION 'one';
	BEGIN;
	UPDATE contact SET points = 98 WHERE id IN (11, 12);
	PREPARE TRANSACTION 'two';
	UPDATE contact SET points = 97 WHERE id IN (21, 22);
});
examine($node, 'two are prepared');
is($node->safe_psql('postgres', q{SELECT count(*) FROM contact_segment_member WHERE contact_id IN (1, 2, 3, 11, 12) AND segment_id IN (SELECT id FROM segments.segment WHERE alias IN ('rich', 'friends'))}),
	'0', 'what is prepared is not seen');
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', q{COMMIT PREPARED 'one'});
examine($node, 'one is committed, after a crash');
is($node->safe_psql('postgres', q{SELECT string_agg(contact_id::text, ' ' ORDER BY contact_id) FROM contact_segment_member JOIN segments.segment AS s ON s.id = segment_id WHERE s.alias = 'rich' AND contact_id IN (1, 2, 11, 12)}),
	'1 2', 'what was committed is there');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'two'});
examine($node, 'the other is rolled back');
# Definitions, too.
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT segments.create_segment('Poor', '[{"field": "points", "operator": "lt", "properties": {"filter": 10}}]');
	SELECT segments.update_segment('rich', filters => '[{"field": "points", "operator": "gte", "properties": {"filter": 60}}]');
	PREPARE TRANSACTION 'three';
});
$node->safe_psql('postgres', q{COMMIT PREPARED 'three'});
$node->safe_psql('postgres', 'UPDATE contact SET points = 100 - points WHERE id < 100');
examine($node, 'definitions were prepared');

# To a point in time: what came after it is gone, with its members.
$node->backup('base');
$node->safe_psql('postgres', 'UPDATE contact SET points = 100 - points WHERE id BETWEEN 100 AND 200');
my $state = q{SELECT count(*), sum(hashtext(m::text)) FROM (SELECT segment_id, contact_id FROM contact_segment_member) AS m};
my $then = $node->safe_psql('postgres', $state);
$node->safe_psql('postgres', q{SELECT pg_create_restore_point('there')});
$node->safe_psql('postgres', q{UPDATE contact SET points = 100 - points; DELETE FROM hit; SELECT segments.delete_segment('friends'); SELECT pg_switch_wal()});
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'base', has_restoring => 1);
$copy->append_conf('postgresql.conf', "recovery_target_name = 'there'\nrecovery_target_action = 'promote'\n");
$copy->start;
$copy->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
is($copy->safe_psql('postgres', $state), $then, 'members of that point');
examine($copy, 'recovered to a point');
$copy->safe_psql('postgres', 'UPDATE contact SET points = 7 WHERE id % 3 = 0; INSERT INTO hit (contact_id) SELECT 1 FROM generate_series(1, 5)');
examine($copy, 'and written on');
$copy->stop;

# Killed while eight connections write, and settle, and read.
my $script = $node->basedir . '/load.sql';
append_to_file($script, q{
\set id random(1, 1500)
\set what random(1, 12)
\if :what <= 4
	UPDATE contact SET points = (random() * 100)::integer, seen = now() - random() * interval '4 days' WHERE id = :id;
\elif :what = 5
	UPDATE contact SET seen = now() - interval '2 days' + random() * interval '5 seconds' WHERE id = :id;
\elif :what <= 6
	INSERT INTO hit (contact_id, url) VALUES (:id, '/k');
\elif :what = 7
	DELETE FROM hit WHERE contact_id = :id;
\elif :what = 8
	INSERT INTO contact VALUES (:id, 'Bonn', 70, now(), 1) ON CONFLICT (id) DO UPDATE SET city = 'Bonn';
\elif :what = 9
	BEGIN;
	UPDATE contact SET points = points + 1 WHERE id BETWEEN :id AND :id + 20;
	SELECT segments.add_contact('visited', :id) WHERE EXISTS (SELECT FROM contact WHERE id = :id);
	COMMIT;
\elif :what = 10
	DELETE FROM contact WHERE id = :id;
\elif :what = 11
	UPDATE company SET city = CASE city WHEN 'Rome' THEN 'Oslo' ELSE 'Rome' END WHERE id = :id % 10 + 1;
\else
	SELECT segments.refresh_due();
	INSERT INTO consumed SELECT xact, n, segment_id, contact_id, joined FROM segments.read_changes('mailer', 500);
\endif
});
# since 15; before, a connection ends with its first error
my @tries = `pgbench --help` =~ /--max-tries/ ? ('--max-tries=100') : ();
my $transactions = 0;
foreach my $round (1 .. $kills)
{
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start([ 'pgbench', '-n', '-c', '8', '-j', '2', '-T', '60', @tries, '-f', $script, $node->connstr('postgres') ],
		'<', \undef, '>', \$out, '2>', \$err);
	my $before = $node->safe_psql('postgres', 'SELECT pg_snapshot_xmax(pg_current_snapshot())');

	select(undef, undef, undef, 0.5 + rand(1.5));
	$transactions += $node->safe_psql('postgres', 'SELECT pg_snapshot_xmax(pg_current_snapshot())') - $before;
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	$node->kill9;
	eval { $load->finish; };
	start_again($postmaster);
	my $found = $node->safe_psql('postgres', $differences) . $node->safe_psql('postgres', $miscounted);
	$node->safe_psql('postgres', $read);
	is($found . $node->safe_psql('postgres', $astray), '', "killed for the ${round}th time");
}
note("$transactions transactions were written meanwhile");
cmp_ok($transactions, '>', $kills, 'it was written');
examine($node, 'at last');
$node->stop;
done_testing();
