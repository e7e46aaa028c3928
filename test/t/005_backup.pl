# Who may back up: the owner of the database and a role with pg_read_all_data get everything, or an error;
# who merely reads the contacts never gets a dump that lacks what row security hides.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->basedir;

$node->safe_psql('postgres', q{
	CREATE ROLE boss LOGIN;
	CREATE ROLE keeper LOGIN;
	CREATE ROLE writer LOGIN;
	CREATE ROLE reader LOGIN;
	GRANT pg_read_all_data TO keeper;
	CREATE DATABASE own OWNER boss;
});
$node->safe_psql('own', q{
	CREATE EXTENSION segments;
	GRANT INSERT, UPDATE, DELETE ON segments.segment TO writer;
	GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO writer;
});
$node->safe_psql('own', q{
	CREATE TABLE contact (id integer PRIMARY KEY, points integer);
	SELECT segments.attach('contact');
	INSERT INTO contact SELECT n, n FROM generate_series(1, 100) AS n;
	GRANT SELECT ON contact TO writer, reader;
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gt", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Private of the owner', is_global => false);
}, extra_params => [ '-U', 'boss' ]);
$node->safe_psql('own', q{
	SELECT segments.create_segment('Private of the writer', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["rich"]}}]', is_global => false);
	SELECT segments.add_contact('private-of-the-writer', 3);
}, extra_params => [ '-U', 'writer' ]);
$node->safe_psql('own', q{
	SET segments.user_id = 7;
	SELECT segments.create_segment('Private of user 7', is_global => false);
});

my $state = q{
	SELECT 'segment', id::text, alias, filters::text, is_global::text, created_by_user FROM segments.segment
	UNION ALL SELECT 'member', segment_id::text, contact_id::text, since::text, '', '' FROM contact_segment_member
	UNION ALL SELECT 'override', segment_id::text, contact_id::text, included::text, '', '' FROM contact_segment_override
	UNION ALL SELECT 'change', xact::text, n::text, segment_id::text, contact_id::text, joined::text FROM contact_segment_change
	UNION ALL SELECT 'reference', segment_id::text, referenced_id::text, '', '', '' FROM segments.segment_reference
	ORDER BY 1, 2, 3, 4};
my $before = $node->safe_psql('own', $state);

# What is not dumped may be locked, as pg_dump of 14 does, but not seen.
$node->safe_psql('own', 'SELECT segments.refresh_due()');
isnt($node->safe_psql('own', 'SELECT count(*) FROM segments.member_count'), '0', 'there are settled counts');
is($node->safe_psql('own', q{
	SELECT (SELECT count(*) FROM segments.member_count) + (SELECT count(*) FROM segments.count_state) + (SELECT count(*) FROM segments.worker_error);
}, extra_params => [ '-U', 'boss' ]), '0', 'the owner of the database sees no row of what is not dumped');

# By default pg_dump refuses to be subject to row security: an error, and it says so.
foreach my $role (qw(boss keeper reader))
{
	$node->command_checks_all([ 'pg_dump', '-U', $role, '-f', "$dir/refused.sql", $node->connstr('own') ], 1,
		[], [qr/row-level security policy|permission denied|lack SELECT privilege/], "$role without --enable-row-security gets an error");
}
$node->command_checks_all([ 'pg_dump', '-U', 'reader', '--enable-row-security', '-f', "$dir/refused.sql", $node->connstr('own') ], 1,
	[], [qr/permission denied|lack SELECT privilege/], 'who reads the contacts gets no dump that lacks segments');
$node->command_checks_all([ 'pg_dump', '-U', 'writer', '--enable-row-security', '-f', "$dir/refused.sql", $node->connstr('own') ], 1,
	[], [qr/permission denied|lack SELECT privilege/], 'nor does who changes segments');

foreach my $role (qw(boss keeper))
{
	$node->command_ok([ 'pg_dump', '-U', $role, '--enable-row-security', '-Fc', '-f', "$dir/$role.dump", $node->connstr('own') ],
		"$role dumps");
	$node->safe_psql('postgres', "CREATE DATABASE from_$role TEMPLATE template0 OWNER boss");
	$node->command_checks_all([ 'pg_restore', '--exit-on-error', '-U', 'boss', '-d', $node->connstr("from_$role"), "$dir/$role.dump" ], 1,
		[], [qr/permission denied to create extension|must be member of role|must be able to SET ROLE/], 'restoring takes a superuser, as the extension does');
	$node->safe_psql('postgres', "DROP DATABASE from_$role");
	$node->safe_psql('postgres', "CREATE DATABASE from_$role TEMPLATE template0 OWNER boss");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("from_$role"), "$dir/$role.dump" ], "the dump of $role is restored");
	is($node->safe_psql("from_$role", $state), $before, "everything is in the dump of $role");
	is($node->safe_psql("from_$role", 'SELECT * FROM segments.check()'), '', 'and it is right');
	is($node->safe_psql("from_$role", q{
		UPDATE contact SET points = 99 WHERE id = 1;
		SELECT segments.is_member('rich', 1);
		INSERT INTO segments.segment (name) VALUES ('After') RETURNING alias;
		SELECT segments.delete_segment('after');
	}, extra_params => [ '-U', 'boss' ]), "t\nafter\n", 'and the owner goes on as before');
	is($node->safe_psql("from_$role", q{
		SELECT segments.add_contact('private-of-the-writer', 4);
		SELECT segments.create_segment('Also') IS NOT NULL;
	}, extra_params => [ '-U', 'writer' ]), "t\nt", 'and so does who was granted it');
	is($node->safe_psql("from_$role", 'SELECT * FROM segments.check()'), '', 'and it stays right');
}

# Without rights and owners, all is the superuser's, who restores it.
$node->safe_psql('postgres', 'CREATE DATABASE bare TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-O', '-x', '-d', $node->connstr('bare'), "$dir/boss.dump" ], 'without owners and rights');
is($node->safe_psql('bare', $state), $before, 'everything is there');
# Where only rights are left out, owners of contact tables have theirs all the same.
$node->safe_psql('postgres', 'CREATE DATABASE without_rights TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-x', '-d', $node->connstr('without_rights'), "$dir/boss.dump" ], 'without rights');
is($node->safe_psql('without_rights', q{SELECT segments.create_segment('Again') IS NOT NULL}, extra_params => [ '-U', 'boss' ]), 't',
	'owners of contact tables change segments');

# A role that owned a contact table can go.
$node->safe_psql('without_rights', q{
	CREATE ROLE leaving; GRANT CREATE ON SCHEMA public TO leaving; SET ROLE leaving;
	CREATE TABLE theirs (id integer PRIMARY KEY); SELECT segments.attach('theirs');
	SELECT segments.create_segment('Theirs', contact_table => 'theirs');
	RESET ROLE;
	DROP OWNED BY leaving; DROP ROLE leaving;
});
is($node->safe_psql('without_rights', q{SELECT count(*) FROM segments.contact_table}), '1', 'with all that was theirs');

done_testing();
