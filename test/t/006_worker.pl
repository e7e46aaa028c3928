# Time by itself: workers bring segments forward, also after errors, crashes and promotion, and are in nobody's way.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $set_up = q{
	CREATE EXTENSION segments;
	CREATE TABLE contact (id bigint PRIMARY KEY, due timestamptz);
	SELECT segments.attach('contact');
	SELECT segments.create_segment('Late', '[{"field": "due", "operator": "lte", "properties": {"filter": "0 seconds"}}]');
};
my $insert = q{INSERT INTO contact VALUES ((SELECT coalesce(max(id), 0) + 1 FROM contact), now() + interval '1 second') RETURNING id};
my $number = 0;

# A contact that is due in a second becomes a member by itself.
sub comes_by_itself
{
	my ($node, $database, $what) = @_;
	my $id = $node->safe_psql($database, $insert);
	ok($node->poll_query_until($database, "SELECT segments.is_member('late', ${id}::bigint)"), "$what: comes by itself");
	is($node->safe_psql($database, 'SELECT count(*) FROM segments.check()'), '0', "$what: members are right");
}

my $node = PostgreSQL::Test::Cluster->new('preloaded');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'segments'\nsegments.worker_naptime = '200ms'\nmax_worker_processes = 12");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('postgres', 'CREATE DATABASE empty');
$node->safe_psql($_, $set_up) for ('postgres', 'other');
comes_by_itself($node, $_, "preloaded, $_") for ('postgres', 'other');
# two visits within three seconds: one leaves the window, and the contact the segment, at the instant that is said
$node->safe_psql('postgres', q{
	CREATE TABLE visit (contact_id bigint REFERENCES contact, at timestamptz);
	CREATE INDEX ON visit (contact_id);
	CREATE INDEX ON visit (at);
	SELECT segments.attach_related('contact', 'visit', 'visit', 'contact_id');
	SELECT segments.create_segment('Busy', '[{"rows": "visit", "aggregate": "count", "operator": "gte", "properties": {"filter": 2},
		"filters": [{"field": "at", "operator": "inLast", "properties": {"filter": "3 seconds"}}]}]')});
is($node->safe_psql('postgres', q{
	BEGIN;
	INSERT INTO visit SELECT 1, now() FROM generate_series(1, 2);
	SELECT segments.is_member('busy', 1::bigint);
	COMMIT}), 't', 'two rows count at once');
ok($node->poll_query_until('postgres', q{SELECT NOT segments.is_member('busy', 1::bigint)}), 'until they are too old, by themselves');
my $late = $node->safe_psql('postgres', q{SELECT extract(epoch FROM c.at - v.at) - 3
	FROM contact_segment_change AS c, (SELECT min(at) AS at FROM visit) AS v WHERE NOT c.joined ORDER BY c.at DESC LIMIT 1});
note("$late seconds late");
cmp_ok($late, '>=', 0, 'not before');
is($node->safe_psql('postgres', 'SELECT count(*) FROM segments.check()'), '0', 'members are right');

is($node->safe_psql('postgres', q{SELECT string_agg(database, ' ' ORDER BY database) FROM segments.worker}), 'other postgres', 'a worker for each database that has contact tables');
is($node->safe_psql('postgres', 'SELECT segments.start_worker()'), 'f', 'where the library is preloaded there is one already');
ok($node->poll_query_until('postgres', q{SELECT last_run > now() - interval '5 seconds' AND changes > 0 AND duration IS NOT NULL AND last_error IS NULL
	FROM segments.worker WHERE database = 'postgres'}), 'it shows what it does');

# a database with a worker is dropped without force
$node->safe_psql('postgres', 'DROP DATABASE other');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM segments.worker}), 'its worker is gone with it');

# an error is reported, and tried again
$node->safe_psql('postgres', q{
	ALTER FUNCTION segments.refresh_due(timestamptz) RENAME TO refresh_later;
	CREATE FUNCTION segments.refresh_due(at timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE ''out of order''; END'});
ok($node->poll_query_until('postgres', q{SELECT last_error = 'out of order' AND state = 'failing' FROM segments.worker}), 'an error is shown');
$node->safe_psql('postgres', q{
	DROP FUNCTION segments.refresh_due(timestamptz);
	ALTER FUNCTION segments.refresh_later(timestamptz) RENAME TO refresh_due});
comes_by_itself($node, 'postgres', 'after an error');
ok($node->poll_query_until('postgres', q{SELECT last_error IS NULL FROM segments.worker}), 'and forgotten when it has succeeded');

# a worker that is killed comes back, and so does all after a crash
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM segments.worker});
comes_by_itself($node, 'postgres', 'after its end');
$node->stop('immediate');
$node->start;
comes_by_itself($node, 'postgres', 'after a crash');

# off and on
$node->safe_psql('postgres', 'ALTER SYSTEM SET segments.worker = off');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM segments.worker}), 'segments.worker = off ends it');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET segments.worker');
$node->reload;
comes_by_itself($node, 'postgres', 'switched on again');

# it settles counts where everybody's transactions are serializable, as these don't
$node->safe_psql('postgres', 'CREATE DATABASE strict');
$node->safe_psql('postgres', "ALTER DATABASE strict SET default_transaction_isolation = 'serializable'");
$node->safe_psql('strict', $set_up);
comes_by_itself($node, 'strict', 'serializable');
ok($node->poll_query_until('strict', 'SELECT high IS NOT NULL FROM segments.count_state'), 'counts are settled');
is($node->safe_psql('strict', q{SELECT segments.count('late') = (SELECT count(*) FROM contact_segment_member)}), 't', 'and right');
$node->safe_psql('postgres', 'DROP DATABASE strict');

# a standby has none until it is promoted
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
sleep 2;
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'segments%'}), '0', 'nothing runs on a standby');
$standby->promote;
comes_by_itself($standby, 'postgres', 'promoted');
$standby->stop;
$node->stop;

# not preloaded: started by hand, until it is stopped
my $plain = PostgreSQL::Test::Cluster->new('plain');
$plain->init;
$plain->append_conf('postgresql.conf', "restart_after_crash = on");
$plain->start;
$plain->safe_psql('postgres', $set_up);
is($plain->safe_psql('postgres', 'SELECT segments.start_worker()'), 't', 'a worker is started by hand');
comes_by_itself($plain, 'postgres', 'started by hand');
is($plain->safe_psql('postgres', 'SELECT segments.start_worker()'), 'f', 'and only one');
$plain->safe_psql('postgres', 'CREATE ROLE anybody');
my ($status, $out, $error) = $plain->psql('postgres', 'SET ROLE anybody; SELECT segments.stop_worker()');
like($error, qr/permission denied/, 'not everybody may stop it');
is($plain->safe_psql('postgres', 'SELECT segments.stop_worker()'), 't', 'it is stopped');
ok($plain->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'segments%'}), 'nothing is left of it');
is($plain->safe_psql('postgres', 'SELECT segments.stop_worker()'), 'f', 'there is none any more');
$plain->stop;

done_testing();
