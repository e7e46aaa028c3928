# Who holds a lock on a table of their own is in nobody's way: commands of others don't wait for it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE ROLE mallory LOGIN;
	CREATE ROLE bob LOGIN;
	CREATE SCHEMA mal AUTHORIZATION mallory;
	CREATE SCHEMA bob AUTHORIZATION bob;
	GRANT USAGE ON SCHEMA bob TO mallory;
});
$node->safe_psql('postgres', q{CREATE FUNCTION bob.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'},
	extra_params => [ '-U', 'bob' ]);
$node->safe_psql('postgres', q{
	CREATE TABLE mal.people (id integer PRIMARY KEY, email text);
	SELECT segments.attach('mal.people');
	SELECT segments.define_field('mal.people', 'f', expression => 'bob.f(email)');
	SELECT segments.create_segment('Some', '[{"field": "f", "operator": "=", "properties": {"filter": "a"}}]');
}, extra_params => [ '-U', 'mallory' ]);

my $commands = q{
	SET statement_timeout = '30s';
	CREATE TABLE bob.other (f text);
	ALTER TABLE bob.other ADD COLUMN note text;
	ALTER TABLE bob.other DROP COLUMN f;
	DROP TABLE bob.other;
	CREATE TYPE bob.mood AS ENUM ('a');
	ALTER TYPE bob.mood ADD VALUE 'b';
	ALTER TYPE bob.mood RENAME TO f;
	DROP TYPE bob.f;
	ALTER FUNCTION bob.f(text) COST 5;
};
$node->safe_psql('postgres', $commands, extra_params => [ '-U', 'bob' ]);

my ($in, $out) = ('', '');
my $timer = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
my $holder = IPC::Run::start([ 'psql', '-XAtq', '-U', 'mallory', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, $timer);
$in .= "BEGIN;\nLOCK TABLE mal.people;\n\\echo locked\n";
IPC::Run::pump($holder) until $out =~ /locked/;
$node->safe_psql('postgres', $commands, extra_params => [ '-U', 'bob' ]);
pass('commands of others go on');
$in .= "ROLLBACK;\n\\q\n";
$holder->finish;

my ($status, $stdout, $stderr) = $node->psql('postgres', 'DROP FUNCTION bob.f(text)', extra_params => [ '-U', 'bob' ]);
like($stderr, qr/cannot drop function .* because field "f" of object lead depends on it/, 'and what is needed stays');
is($node->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', 'all is right');

# What somebody leaves behind keeps nothing of others from being restored.
$node->safe_psql('postgres', q{
	CREATE TABLE mal.visit (id integer PRIMARY KEY, person integer);
	CREATE FUNCTION mal.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
	SELECT segments.define_field('mal.people', 'mine', expression => 'mal.f(email)');
	SELECT segments.attach_related('mal.people', 'visits', 'mal.visit', 'person');
	REVOKE ALL ON mal.visit FROM mallory;
	REVOKE ALL ON FUNCTION mal.f(text) FROM mallory, PUBLIC;
	DROP TABLE mal.visit;
	DROP FUNCTION mal.f(text);
	CREATE TABLE mal.more (id integer PRIMARY KEY);
	SELECT segments.attach('mal.more');
	DROP TRIGGER segments_after_update ON mal.more;
}, extra_params => [ '-U', 'mallory' ]);
$node->safe_psql('postgres', q{
	CREATE TABLE bob.people (id integer PRIMARY KEY, age integer);
	CREATE TABLE bob.visit (id integer PRIMARY KEY, person integer);
	SELECT segments.attach('bob.people');
	SELECT segments.attach_related('bob.people', 'visits', 'bob.visit', 'person');
	SELECT segments.define_field('bob.people', 'half', expression => 'age / 2');
}, extra_params => [ '-U', 'bob' ]);
# as it was left where no event trigger was
$node->safe_psql('postgres', q{
	SET session_replication_role = replica;
	ALTER TABLE mal.more_segment_member ALTER contact_id TYPE text;
	INSERT INTO segments.relation (contact_table, name, related_table, contact_column) VALUES ('mal.people', 'gone', 4000000, 'person');
});
my $dump = $node->basedir . '/strangers.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
foreach my $how ([], [ '-j', '2', '--use-set-session-authorization' ], [ '--clean', '--if-exists' ])
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS copy') if !grep { $_ eq '--clean' } @$how;
	$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0; GRANT CREATE ON DATABASE copy TO mallory, bob') if !grep { $_ eq '--clean' } @$how;
	$node->command_ok([ 'pg_restore', '--exit-on-error', @$how, '-d', $node->connstr('copy'), $dump ], "pg_restore @$how");
	is($node->safe_psql('copy', q{
		SELECT contact_table FROM segments.contact_table ORDER BY contact_table::text;
		SELECT contact_table, name FROM segments.relation;
		SELECT contact_table, field FROM segments.field_definition ORDER BY contact_table::text, field}),
		"bob.people\nmal.people\nbob.people|visits\nbob.people|half\nmal.people|f\nmal.people|mine", "all but what isn't there @$how");
}

done_testing();
