# What doesn't change isn't written: who decodes the WAL sees no key come or go while its row stays.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;

$node->safe_psql('postgres', q{
	CREATE EXTENSION segments;
	CREATE TABLE contact (id bigint PRIMARY KEY, city text, points integer, seen timestamptz);
	CREATE TABLE hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint, url text);
	SELECT segments.attach('contact');
	SELECT segments.attach_related('contact', 'hit', 'hit', 'contact_id');
	SELECT segments.define_field('contact', 'hits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count');
	INSERT INTO contact SELECT n, 'Oslo', n, now() - n * interval '1 hour' FROM generate_series(1, 100) AS n;
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Visited', '[{"object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 1}}]');
	SELECT segments.create_segment('Recent', '[{"field": "seen", "operator": "inLast", "properties": {"filter": "2 days"}}]');
	SELECT segments.create_segment('Both', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["rich", "visited"]}}]');
	SELECT segments.create_segment('Friends');
	SELECT pg_create_logical_replication_slot('decoding', 'test_decoding');
});

# What the statement makes of the tables of members and overrides, in words.
sub decoded
{
	my ($sql, @options) = @_;

	$node->safe_psql('postgres', $sql, @options);
	return $node->safe_psql('postgres', q{
		SELECT coalesce(string_agg(regexp_replace(data, '^table public\.contact_segment_| since.*$|\[[^\]]*\]', '', 'g'), '; '), '')
		FROM pg_logical_slot_get_changes('decoding', NULL, NULL) WHERE data ~ 'contact_segment_(member|override)'});
}

# No row of a key is inserted where one is, and none goes that was not there.
sub replays
{
	my ($sql, $name) = @_;
	my %rows;
	my $all = q{SELECT (segment_id || ' ' || contact_id) COLLATE "C" FROM contact_segment_member ORDER BY 1};

	$rows{$_} = 1 foreach split(/\n/, $node->safe_psql('postgres', $all));
	$node->safe_psql('postgres', $sql);
	my @changes = split(/\n/, $node->safe_psql('postgres', q{
		SELECT concat_ws(' ', m[1], m[2], m[3]) FROM pg_logical_slot_get_changes('decoding', NULL, NULL),
			regexp_match(data, 'contact_segment_member: (INSERT|DELETE|UPDATE): segment_id\[bigint\]:(\d+) contact_id\[bigint\]:(\d+)') AS m
		WHERE m IS NOT NULL}));
	my ($wrong, %touched) = (0);

	foreach (@changes)
	{
		my ($what, $key) = /^(\w+) (.*)$/;

		$wrong++ if $touched{$key}++;
		$wrong++ if $what eq 'UPDATE' || ($what eq 'INSERT') == !!$rows{$key};
		$rows{$key} = 1 if $what eq 'INSERT';
		delete $rows{$key} if $what eq 'DELETE';
	}
	is($wrong, 0, "$name: each key changes once, and as it must");
	is(join("\n", sort keys %rows), $node->safe_psql('postgres', $all), "$name: a reader has the same members");
}

# By hand.
is(decoded(q{SELECT segments.add_contact('rich', 60::bigint)}), 'override: INSERT: segment_id:1 contact_id:60 included:true', 'a member that is added again');
is(decoded(q{SELECT segments.add_contact('rich', 60::bigint)}), '', 'and again');
like(decoded(q{SELECT segments.add_contact('rich', 1::bigint)}), qr/member: INSERT: segment_id:1 contact_id:1/, 'who is no member joins');
is(decoded(q{SELECT segments.add_contacts('rich', ARRAY[1, 60]::bigint[])}), '', 'several, all of whom are members by hand');
is(decoded(q{SELECT segments.reset_contact('rich', 60::bigint)}), 'override: DELETE: segment_id:1 contact_id:60', 'forgotten, and still a member');
is(decoded(q{SELECT segments.reset_contact('rich', 60::bigint)}), '', 'nothing to forget');
is(decoded(q{SELECT segments.remove_contact('friends', 5::bigint)}), '', 'no member is removed');
replays(q{SELECT segments.add_contact('rich', 2::bigint); UPDATE contact SET points = 90 WHERE id = 2; SELECT segments.reset_contact('rich', 2::bigint)},
	'one who was pinned and matches now');
replays(q{SELECT segments.add_contacts('friends', array_agg(id)) FROM contact; SELECT segments.add_contacts('friends', array_agg(id)) FROM contact}, 'many by hand, twice');
replays(q{SELECT segments.add_contacts('rich', array_agg(id)) FROM contact}, 'many by hand, of whom some are members');
replays(q{SELECT segments.reset_contact('rich', id) FROM contact}, 'all forgotten');

# Written, rebuilt, defined anew, brought forward.
replays(q{UPDATE contact SET points = points}, 'a write that changes nothing');
replays(q{UPDATE contact SET points = points + 10}, 'a write');
replays(q{INSERT INTO hit (contact_id, url) SELECT n, '/a' FROM generate_series(1, 100, 3) AS n}, 'related rows');
replays(q{SELECT segments.rebuild('rich'); CALL segments.rebuild_all()}, 'rebuilt');
replays(q{SELECT segments.attach('contact')}, 'attached again');
replays(q{SELECT segments.update_segment('rich', filters => '[{"field": "points", "operator": "gte", "properties": {"filter": 40}}]')}, 'another filter');
replays(q{UPDATE segments.segment SET is_published = false WHERE alias = 'both'}, 'unpublished');
replays(q{UPDATE segments.segment SET is_published = true WHERE alias = 'both'}, 'published');
replays(q{SELECT segments.update_segment('both', filters => '[]')}, 'filters emptied');
replays(q{SELECT segments.update_segment('both', filters => '[{"field": "points", "operator": "lt", "properties": {"filter": 70}}]')}, 'filters given again');
replays(q{SELECT segments.refresh_due()}, 'refreshed');
replays(q{SET segments.now = '2099-01-01 00:00+00'; SELECT segments.refresh_due('2099-01-01 00:00+00')}, 'refreshed, much later');
replays(q{SELECT segments.reset_clock('contact')}, 'the clock set back');
replays(q{DELETE FROM contact WHERE id > 90}, 'contacts deleted');
replays(q{DELETE FROM segments.segment WHERE alias = 'friends'}, 'a segment deleted');
# on a member table that isn't as it was made, statements do it
replays(q{CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER after_member AFTER INSERT ON contact_segment_member FOR EACH ROW EXECUTE FUNCTION nothing();
	SELECT segments.add_contacts('rich', array_agg(id)) FROM contact}, 'by statements');

is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class AS c, segments.contact_table AS t
	WHERE c.oid IN (t.member_table, t.override_table, t.change_table) AND c.relreplident <> 'f'
		AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)}), '0', 'every table beside has a replica identity');
is($node->safe_psql('postgres', 'SELECT count(*) FROM segments.check()'), '0', 'nothing differs');

$node->stop;
done_testing();
