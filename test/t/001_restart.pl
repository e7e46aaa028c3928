# A crash: what was committed is there with its members, what was not is not, and writes go on being maintained.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = on\nautovacuum = off\n");
$node->start;

$node->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE TABLE contact (id bigint PRIMARY KEY, city text, points integer, seen timestamptz);
	CREATE TABLE hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint REFERENCES contact ON DELETE CASCADE, url text);
	SELECT segments.attach('contact');
	SELECT segments.attach_related('contact', 'hit', 'hit', 'contact_id');
	SELECT segments.define_field('contact', 'hits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count');
	INSERT INTO contact SELECT n, 'Oslo', n, now() - n * interval '1 hour' FROM generate_series(1, 1000) AS n;
	INSERT INTO hit (contact_id, url) SELECT n, '/a' FROM generate_series(1, 1000, 7) AS n;
	SELECT segments.create_segment('Rich', '[{"glue": "and", "object": "lead", "field": "points", "operator": "gte", "properties": {"filter": 500}}]');
	SELECT segments.create_segment('Visited', '[{"glue": "and", "object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 1}}]');
	SELECT segments.create_segment('Recent', '[{"glue": "and", "object": "lead", "field": "seen", "operator": "inLast", "properties": {"filter": "2 days"}}]');
	SELECT segments.create_segment('Both', '[{"glue": "and", "object": "lead", "field": "leadlist", "operator": "includingAll", "properties": {"filter": ["rich", "visited"]}}]');
	SELECT segments.create_segment('Friends');
	SELECT segments.add_contact('friends', 3::bigint), segments.add_contact('rich', 4::bigint), segments.remove_contact('rich', 900::bigint);
	UPDATE contact SET points = points + 100 WHERE id < 450;
	DELETE FROM contact WHERE id > 990;
});

my $members = q{
	SELECT string_agg(s.alias || ' ' || m.contact_id || ' ' || m.since, ',' ORDER BY s.alias, m.contact_id)
	FROM contact_segment_member m JOIN segments.segment s ON s.id = m.segment_id};
my $log = q{SELECT count(*), sum(hashtext(c::text)) FROM contact_segment_change c};
my $check = 'SELECT count(*) FROM segments.check()';

is($node->safe_psql('postgres', $check), '0', 'right before the crash');
my ($members_before, $log_before) = map { $node->safe_psql('postgres', $_) } ($members, $log);

# One transaction is open when the server dies.
my ($in, $out) = ('', '');
my $open = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
	'<', \$in, '>', \$out, '2>', '/dev/null',
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$in .= "BEGIN; UPDATE contact SET points = 1; SELECT segments.add_contact('friends', 5::bigint); SELECT 'written';\n";
$open->pump until $out =~ /written/;

$node->stop('immediate');
eval { $open->finish; };
$node->start;

is($node->safe_psql('postgres', $members), $members_before, 'the members are there after the crash');
is($node->safe_psql('postgres', $log), $log_before, 'the log is there after the crash');
is($node->safe_psql('postgres', $check), '0', 'right after the crash');
my $miscounted = q{SELECT s.alias FROM segments.segment AS s
	WHERE segments.count(s.alias) <> (SELECT count(*) FROM contact_segment_member AS m WHERE m.segment_id = s.id)};
is($node->safe_psql('postgres', $miscounted), '', 'counts after the crash');

$node->safe_psql('postgres', q{
	UPDATE contact SET points = 600 WHERE id = 10;
	INSERT INTO hit (contact_id, url) VALUES (10, '/b');
	INSERT INTO contact VALUES (2000, 'Paris', 700, now());
});
is($node->safe_psql('postgres', q{SELECT string_agg(s.alias, ' ' ORDER BY s.alias)
	FROM contact_segment_member m JOIN segments.segment s ON s.id = m.segment_id WHERE m.contact_id = 10}),
	'both recent rich visited', 'writes are maintained after the crash');
is($node->safe_psql('postgres', q{SELECT segments.is_member('recent', 2000::bigint)}), 't', 'and inserts');
is($node->safe_psql('postgres', $check), '0', 'right after more writes');
$node->safe_psql('postgres', 'SELECT segments.refresh_due()');
is($node->safe_psql('postgres', $miscounted), '', 'counts after more writes');

# An ordinary restart, with segments changed just before it.
$node->safe_psql('postgres', q{UPDATE segments.segment SET filters = '[{"glue": "and", "object": "lead", "field": "points", "operator": "lt", "properties": {"filter": 500}}]' WHERE alias = 'rich'});
$node->restart;
$node->safe_psql('postgres', 'UPDATE contact SET points = 1 WHERE id = 10');
is($node->safe_psql('postgres', q{SELECT segments.is_member('rich', 10::bigint)}), 't', 'a redefined segment is maintained after a restart');
is($node->safe_psql('postgres', $check), '0', 'right after a restart');

done_testing();
