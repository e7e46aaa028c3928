# What segments cost: counted for all sessions while the server runs, where the library is preloaded.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'segments'\nsegments.worker = off\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE TABLE person (id bigint PRIMARY KEY, points int);
	SELECT segments.attach('person');
	INSERT INTO segments.segment (name, contact_table, filters)
	SELECT 'S' || i, 'person', format('[{"field":"points","operator":"=","properties":{"filter":%s}}]', i)::segments.filter
	FROM generate_series(1, 5000) AS i;
});

my $counts = 'SELECT count(evaluations), sum(evaluations) FROM segments.status';

sub counted
{
	return $node->safe_psql('postgres', $counts);
}

# A client does not wait until the end of its session.
sub counts_to
{
	my ($wanted, $name) = @_;
	ok($node->poll_query_until('postgres', $counts, $wanted), $name);
}

$node->safe_psql('postgres', 'INSERT INTO person VALUES (1, 1), (2, 2), (3, 2)');
is(counted(), '2|3', 'what a session counted is there when it has ended');

my $ask = q{psql -XAt -d "} . $node->connstr('postgres') . q{" -c "SELECT evaluations FROM segments.status WHERE alias = 's3'"};
is($node->safe_psql('postgres', "INSERT INTO person VALUES (4, 3);\n\\! $ask\nINSERT INTO person VALUES (5, 3);\n"),
	'1', 'the first transaction of a session tells at once');
counts_to('3|5', 'and the others when it ends, at the latest');

# thousands of segments in one transaction
$node->safe_psql('postgres', 'INSERT INTO person SELECT i, i FROM generate_series(10, 5000) AS i');
is(counted(), '4994|4996', 'each is counted');

# segments that want the same place in a backend's table
$node->safe_psql('postgres', q{
	INSERT INTO segments.segment (id, name, contact_table, filters)
	SELECT s.id + i * 65536, 'Far ' || i, 'person', s.filters FROM segments.segment AS s, generate_series(1, 3) AS i WHERE s.alias = 's7';
	INSERT INTO person SELECT i, 7 FROM generate_series(20001, 20010) AS i;
});
counts_to('4998|5036', 'nothing of them is lost');

# a database that has the same numbers
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', q{
	CREATE EXTENSION segments;
	CREATE TABLE person (id bigint PRIMARY KEY, points int);
	SELECT segments.attach('person');
	SELECT segments.create_segment('S1', '[{"field":"points","operator":"=","properties":{"filter":1}}]');
	INSERT INTO person VALUES (1, 1);
});
ok($node->poll_query_until('other', 'SELECT evaluations FROM segments.status', '1'), 'of another database');
is(counted(), '4998|5036', 'which are no others');

$node->safe_psql('postgres', 'DELETE FROM person WHERE id > 20');
is($node->safe_psql('postgres', 'SELECT count(*) FROM segments.check()'), '0', 'members are right');
$node->restart;
is(counted(), '0|', 'from the start of the server');

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
$node->safe_psql('postgres', 'UPDATE person SET points = 7 WHERE id = 1');
is(counted(), '0|', 'nothing where it is not preloaded');
is($node->safe_psql('postgres', 'SELECT count(*) FROM segments.check()'), '0', 'and members are right');

my $log = slurp_file($node->logfile);
unlike($log, qr/leak|PANIC|TRAP/, 'nothing leaked');
$node->stop;

done_testing();
