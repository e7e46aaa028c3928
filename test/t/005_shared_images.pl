# Compiled segments in shared memory: there once for all backends, and gone when nobody can ask for them again.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'segments'\ndynamic_shared_memory_type = mmap\nautovacuum = off\n");
$node->start;

# Segments of shared memory are files here; the server has some of its own.
sub segments
{
	my @files = glob($node->data_dir . '/pg_dynshmem/mmap.*');
	return scalar(@files);
}

# What is gone stays until the last session that has it is gone, for which its client does not wait.
sub settle_at
{
	my ($wanted, $name) = @_;
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if segments() == $wanted;
		select(undef, undef, undef, 0.1);
	}
	is(segments(), $wanted, $name);
}

sub database
{
	my ($name, @tables) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION segments');
	for my $table (@tables)
	{
		$node->safe_psql($name, qq{
			CREATE TABLE $table (id bigint PRIMARY KEY, points int);
			SELECT segments.attach('$table');
			SELECT segments.create_segment('$table', '[{"field":"points","operator":"gt","properties":{"filter":1}}]', contact_table => '$table');
		});
		$node->safe_psql($name, "INSERT INTO $table VALUES (1, 1)");
	}
}

# The registry of images may come with the first of them, and stays.
database('none', 'a');
$node->safe_psql('postgres', 'DROP DATABASE none');
my $own = segments();
database('first', qw(a b c));
settle_at($own + 3, 'one for each contact table');

$node->safe_psql('first', 'INSERT INTO a VALUES (2, 2)');
settle_at($own + 3, 'another backend uses the same');

$node->safe_psql('first', 'BEGIN; SELECT segments.detach(\'a\'); ROLLBACK');
settle_at($own + 3, 'there after a detach that was rolled back');

$node->safe_psql('first', q{SELECT segments.update_segment('a', filters => '[{"field":"points","operator":"gt","properties":{"filter":0}}]')});
settle_at($own + 2, 'gone when the definitions change');
$node->safe_psql('first', 'INSERT INTO a VALUES (3, 2)');
settle_at($own + 3, 'and there again after the next write');

$node->safe_psql('first', q{SELECT segments.detach('a')});
settle_at($own + 2, 'gone after detach');

$node->safe_psql('first', 'DROP TABLE b CASCADE');
settle_at($own + 1, 'gone after DROP TABLE');

is($node->safe_psql('first', 'SELECT count(*) FROM segments.check()'), '0', 'members are right');

$node->safe_psql('first', 'DROP EXTENSION segments CASCADE');
settle_at($own, 'gone after DROP EXTENSION');

database('second', qw(a b));
settle_at($own + 2, 'another database');
is($node->safe_psql('second', 'SELECT count(*) FROM segments.check()'), '0', 'members are right there');
$node->safe_psql('postgres', 'DROP DATABASE second');
settle_at($own, 'gone after DROP DATABASE');

my $log = slurp_file($node->logfile);
unlike($log, qr/leak|PANIC|TRAP/, 'nothing leaked');

done_testing();
