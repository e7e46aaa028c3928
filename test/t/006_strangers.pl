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

done_testing();
