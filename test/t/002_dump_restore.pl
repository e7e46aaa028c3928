# Dump and restore, in every way people do it: definitions, members, overrides, log and triggers arrive,
# check() finds nothing, and writes are maintained afterwards.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->basedir;

# It is about noon there, so that no day ends before the test does.
my $zone = sprintf('Etc/GMT%+d', (gmtime)[2] - 12);

$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE EXTENSION segments;
	SELECT segments.create_mautic_schema('crm');
	SELECT segments.attach('crm.leads', '} . $zone . q{');
	ALTER TABLE crm.leads ADD COLUMN plan text;
	SELECT segments.define_field('crm.leads', 'plan', 'select', options => '{free,pro}');
	CREATE SCHEMA other;
	CREATE TABLE other."Odd person" ("the id" uuid PRIMARY KEY, city text, seen timestamptz) PARTITION BY HASH ("the id");
	CREATE TABLE other."Odd person 0" PARTITION OF other."Odd person" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE other."Odd person 1" (seen timestamptz, "the id" uuid PRIMARY KEY, city text);
	ALTER TABLE other."Odd person" ATTACH PARTITION other."Odd person 1" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	SELECT segments.attach('other."Odd person"', 'Europe/Berlin', true);
	INSERT INTO crm.leads (firstname, points, plan, email) SELECT 'n' || n, n, CASE WHEN n % 3 = 0 THEN 'pro' END, 'a@b.c'
	FROM generate_series(1, 300) AS n;
	INSERT INTO crm.companies (companyname) VALUES ('Acme'), ('Other');
	INSERT INTO crm.companies_leads (company_id, lead_id, is_primary) SELECT n % 2 + 1, n, true FROM generate_series(1, 200) AS n;
	INSERT INTO crm.page_hits (lead_id, url) SELECT n, '/pricing' FROM generate_series(1, 300, 5) AS n;
	INSERT INTO other."Odd person" SELECT md5(n::text)::uuid, CASE WHEN n % 2 = 0 THEN 'Paris' ELSE 'paris' END, now() FROM generate_series(1, 20) AS n;
	SELECT segments.create_segment('Rich', '[{"glue": "and", "object": "lead", "field": "points", "operator": "gte", "properties": {"filter": 100}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('Pro at Acme', '[{"glue": "and", "object": "company", "field": "companyname", "operator": "=", "properties": {"filter": "acme"}},
		{"glue": "and", "object": "lead", "field": "plan", "operator": "in", "properties": {"filter": ["pro"]}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('Saw prices', '[{"glue": "and", "object": "behaviors", "field": "hit_url", "operator": "contains", "properties": {"filter": "pric"}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('Rich who saw', '[{"glue": "and", "object": "lead", "field": "leadlist", "operator": "includingAll", "properties": {"filter": ["rich", "saw-prices"]}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('New', '[{"glue": "and", "object": "lead", "field": "date_added", "operator": "inLast", "properties": {"filter": "1 day"}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('Friends', contact_table => 'crm.leads');
	SELECT segments.create_segment('Asleep', '[{"glue": "and", "object": "lead", "field": "points", "operator": "lt", "properties": {"filter": 10}}]', contact_table => 'crm.leads');
	SELECT segments.create_segment('Parisians', '[{"glue": "and", "object": "lead", "field": "city", "operator": "=", "properties": {"filter": "Paris"}}]', contact_table => 'other."Odd person"');
	UPDATE segments.segment SET is_published = false WHERE alias = 'asleep';
	SELECT segments.add_contact('friends', 7::bigint), segments.add_contact('rich', 8::bigint), segments.remove_contact('rich', 200::bigint);
	SELECT segments.change_segments('{7}'::bigint[], '{rich}', '{}', 'campaign', 'Spring');
	SELECT segments.create_point_trigger('Twohundred', 200, add => '{friends}', remove => '{rich}', apply_to_existing => true, contact_table => 'crm.leads');
	SELECT segments.register_usage('friends', 'email', 'Spring', true), segments.register_usage('rich', 'report', 'Weekly');
	SELECT segments.create_segment('News', is_preference_center => true, contact_table => 'crm.leads');
	SELECT segments.set_preferences(9::bigint, '{news}', 'crm.leads');
	UPDATE crm.leads SET points = points * 2 WHERE id < 150;
	SELECT segments.refresh_due();
	DELETE FROM crm.leads_segment_change WHERE contact_id = 160;
	SELECT segments.create_segment('Newer', '[{"glue": "and", "object": "lead", "field": "date_added", "operator": "gte", "properties": {"filter": "today"}}]', contact_table => 'crm.leads');
});

# Everything that must arrive; object ids don't count.
my $state = q{
	SELECT 'segment', s.alias, s.name, s.filters::text, s.is_published::text, s.contact_table::text, s.state, '' FROM segments.segment s
	UNION ALL SELECT 'member', s.alias, m.contact_id::text, m.since::text, '', '', '', '' FROM crm.leads_segment_member m JOIN segments.segment s ON s.id = m.segment_id
	UNION ALL SELECT 'odd', s.alias, m.contact_id::text, m.since::text, '', '', '', '' FROM other."Odd person_segment_member" m JOIN segments.segment s ON s.id = m.segment_id
	UNION ALL SELECT 'override', s.alias, o.contact_id::text, o.included::text, o.since::text, o.by_user, o.source, o.reference FROM crm.leads_segment_override o JOIN segments.segment s ON s.id = o.segment_id
	UNION ALL SELECT 'change', c.xact::text, c.n::text, c.segment_id::text, c.contact_id::text, c.joined::text, c.cause, c.at::text FROM crm.leads_segment_change c
	UNION ALL SELECT 'origin', c.xact::text, c.n::text, c.source, c.reference, '', '', '' FROM crm.leads_segment_change c
	UNION ALL SELECT 'trimmed', s.alias, l.contact_table::text, l.at::text, '', '', '', '' FROM segments.log_trimmed l JOIN segments.segment s ON s.id = l.segment_id
	UNION ALL SELECT 'table', t.contact_table::text, t.key_column, t.key_type::text, t.timezone, t.case_sensitive::text, t.member_table::text, '' FROM segments.contact_table t
	UNION ALL SELECT 'part', p.attached::text, p.part::text, '', '', '', '', '' FROM segments.table_part p
	UNION ALL SELECT 'relation', r.contact_table::text, r.name, r.related_table::text, r.contact_column, r.link_table::text, r.condition, '' FROM segments.relation r
	UNION ALL SELECT 'field', f.contact_table::text, f.object, f.field, f.type, f.relation, f.expression, f.condition FROM segments.field_definition f
	UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, '', '', '', '' FROM pg_trigger WHERE tgname LIKE 'segments%'
	UNION ALL SELECT 'point trigger', t.name, t.points::text, t.field, t.add_segments::text, t.remove_segments::text, t.is_published::text, '' FROM segments.point_trigger t
	UNION ALL SELECT 'acted', t.name, e.contact, e.at::text, '', '', '', '' FROM segments.point_trigger_log e JOIN segments.point_trigger t ON t.id = e.trigger_id
	UNION ALL SELECT 'usage', s.alias, u.kind, u.name, u.blocks::text, '', '', '' FROM segments.usage u JOIN segments.segment s ON s.id = u.segment_id
	UNION ALL SELECT 'reference', a.alias, b.alias, '', '', '', '', '' FROM segments.segment_reference r
		JOIN segments.segment a ON a.id = r.segment_id JOIN segments.segment b ON b.id = r.referenced_id
	UNION ALL SELECT 'clock', c.contact_table::text, c.evaluated_at::text, c.covered_until::text, c.pending_at::text, c.pending_xmax::text, '', '' FROM segments.contact_clock c
	UNION ALL SELECT 'moving', s.alias, k.contact_table::text, k.next_move::text, '', '', '', ''
		FROM segments.segment_clock k JOIN segments.segment s ON s.id = k.segment_id
	ORDER BY 1, 2, 3, 4, 5, 6};

my $before = $node->safe_psql('source', $state);

# Lines that only one of two texts has; empty when they are the same.
sub differing
{
	my ($one, $other) = @_;
	my %count;
	$count{$_}++ foreach split /\n/, $one;
	$count{$_}-- foreach split /\n/, $other;
	my @lines = grep { $count{$_} != 0 } sort keys %count;
	return join "\n", map { ($count{$_} > 0 ? 'only restored: ' : 'only dumped: ') . $_ } @lines[ 0 .. ($#lines < 20 ? $#lines : 20) ];
}

sub examine
{
	my ($database, $how) = @_;

	is(differing($node->safe_psql($database, $state), $before), '', "$how: everything is there");
	is($node->safe_psql($database, 'SELECT * FROM segments.check()'), '', "$how: right");
	# whatever fails here shows in what is asked below
	$node->psql($database, q{
		UPDATE crm.leads SET points = 500, plan = 'pro' WHERE id = 2;
		UPDATE crm.companies SET companyname = 'Acme' WHERE id = 2;
		INSERT INTO crm.page_hits (lead_id, url) VALUES (2, '/pricing');
		DELETE FROM crm.leads WHERE id = 100;
		UPDATE other."Odd person" SET city = 'Rome' WHERE city = 'Paris' AND "the id"::text < '8';
		INSERT INTO crm.leads (firstname, points) VALUES ('later', 1000);
		SELECT segments.create_segment('Later', '[{"glue": "and", "object": "lead", "field": "firstname", "operator": "=", "properties": {"filter": "LATER"}}]', contact_table => 'crm.leads');
		SELECT segments.add_contact('friends', 9::bigint);
	});
	is($node->safe_psql($database, q{SELECT string_agg(s.alias, ' ' ORDER BY s.alias)
		FROM crm.leads_segment_member m JOIN segments.segment s ON s.id = m.segment_id WHERE m.contact_id = 2}),
		'asleep friends new newer pro-at-acme saw-prices', "$how: writes are maintained, and point triggers act");
	is($node->safe_psql($database, q{SELECT m.contact_id = (SELECT max(id) FROM crm.leads)
		FROM crm.leads_segment_member m JOIN segments.segment s ON s.id = m.segment_id WHERE s.alias = 'later'}), 't', "$how: segments can be created");
	is($node->safe_psql($database, 'SELECT * FROM segments.check()'), '', "$how: right after writes");
	is($node->safe_psql($database, 'SELECT xact < (SELECT max(xact) FROM crm.leads_segment_change) FROM crm.leads_segment_change ORDER BY at LIMIT 1'),
		't', "$how: the log goes on after what it held");
	is($node->safe_psql($database, q{SET segments.now = '2090-01-01 00:00+00'; SELECT segments.refresh_due() > 0; SELECT * FROM segments.check()}),
		't', "$how: time goes on");
}

sub fresh
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	return $node->connstr($database);
}

my $source = $node->connstr('source');
is($node->safe_psql('source', 'SELECT * FROM segments.check()'), '', 'right before');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", $source ], 'pg_dump -Fc');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', fresh('custom'), "$dir/custom.dump" ], 'pg_restore');
examine('custom', 'pg_restore');

$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', '3', '-d', fresh('parallel'), "$dir/custom.dump" ], 'pg_restore -j');
examine('parallel', 'pg_restore -j');

$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", $source ], 'pg_dump, plain');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/plain.sql", '-d', fresh('plain') ], 'psql');
examine('plain', 'psql');

$node->command_ok([ 'pg_dump', '--inserts', '-f', "$dir/inserts.sql", $source ], 'pg_dump --inserts');
$node->command_ok([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/inserts.sql", '-d', fresh('inserts') ], 'psql -1');
examine('inserts', 'one transaction of INSERTs');

# Schema first, data later: the triggers are there when the rows arrive.
fresh('halves');
$node->command_ok([ 'pg_dump', '--schema-only', '-f', "$dir/schema.sql", $source ], 'pg_dump --schema-only');
$node->command_ok([ 'pg_dump', '--data-only', '-f', "$dir/data.sql", $source ], 'pg_dump --data-only');
my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $node->connstr('halves'));
$node->command_ok([ @psql, '-f', "$dir/schema.sql" ], 'the schema');
$node->command_ok([ @psql, '-f', "$dir/data.sql" ], 'the data');
examine('halves', 'schema, then data');

fresh('quiet');
$node->command_ok([ 'pg_dump', '--data-only', '--disable-triggers', '-f', "$dir/quiet.sql", $source ], 'pg_dump --disable-triggers');
@psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $node->connstr('quiet'));
$node->command_ok([ @psql, '-f', "$dir/schema.sql" ], 'the schema again');
$node->command_ok([ @psql, '-f', "$dir/quiet.sql" ], 'the data without triggers');
examine('quiet', 'schema, then data without triggers');

# Where event triggers do not fire; with psql, as a plain dump is restored.
my $off = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name = 'event_triggers'}) ? 'event_triggers=off' : 'session_replication_role=replica';
{
	local $ENV{PGOPTIONS} = "-c $off";
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', fresh('silent'), "$dir/custom.dump" ], "pg_restore with $off");
}
examine('silent', 'pg_restore without event triggers');

# Schemas and the extension: all that is declared comes along, also of tables that do not.
$node->command_ok([ 'pg_dump', '-Fc', '-n', 'crm', '-n', 'other', '-n', 'segments', '--extension=segments', '-f', "$dir/schemas.dump", $source ], 'pg_dump of schemas');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', fresh('schemas'), "$dir/schemas.dump" ], 'pg_restore of schemas');
examine('schemas', 'schemas and the extension');

# Tables alone, and the definitions as statements: members follow from the rows.
$node->command_ok([ 'pg_dump', '-n', 'crm', '-n', 'other', '-T', '*_segment_*', '-f', "$dir/tables.sql", $source ], 'pg_dump of tables');
$node->command_ok([ 'psql', '-XAtq', '-c', 'SELECT segments.definition_sql()', '-o', "$dir/definitions.sql", $source ], 'definition_sql');
fresh('definitions');
$node->safe_psql('definitions', 'CREATE EXTENSION segments');
@psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $node->connstr('definitions'));
my $tables = slurp_file("$dir/tables.sql");
# triggers of the dump are made by attach()
$tables =~ s/^CREATE TRIGGER segments_after_.*$//mg;
append_to_file("$dir/bare.sql", $tables);
$node->command_ok([ @psql, '-f', "$dir/bare.sql" ], 'the tables');
$node->command_ok([ @psql, '-f', "$dir/definitions.sql" ], 'the definitions') foreach 1 .. 2;
is($node->safe_psql('definitions', 'SELECT * FROM segments.check()'), '', 'definitions: right');
is($node->safe_psql('definitions', 'SELECT segments.definition_sql()'), $node->safe_psql('source', 'SELECT segments.definition_sql()'), 'definitions: the same');

# numbers of members are settled in every copy, also where no trigger saw the catalogue's rows
foreach my $database (qw(custom parallel plain inserts halves quiet silent schemas))
{
	$node->safe_psql($database, 'SELECT segments.refresh_due()') foreach 1 .. 2;
	is($node->safe_psql($database, 'SELECT count(*), count(high) FROM segments.count_state'), '2|2', "$database: settled");
	is($node->safe_psql($database, q{SELECT s.alias FROM segments.segment AS s WHERE s.contact_table = 'crm.leads'::regclass
		AND segments.count(s.alias) <> (SELECT count(*) FROM crm.leads_segment_member AS m WHERE m.segment_id = s.id)}), '', "$database: counts");
}

done_testing();
