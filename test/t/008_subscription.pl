# Logical replication between two servers.  Members that are published arrive as they are, whatever was done to them; a
# subscriber that is told to follows what arrives and keeps members of its own.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', "autovacuum = off\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "autovacuum = off\n");
$subscriber->start;

my $tables = q{
	CREATE TABLE company (id bigint PRIMARY KEY, city text);
	CREATE TABLE contact (id bigint PRIMARY KEY, city text, points integer, company_id bigint);
	CREATE TABLE hit (id bigint PRIMARY KEY, contact_id bigint, url text);
	CREATE INDEX ON hit (contact_id);
	CREATE TABLE tag (id bigint PRIMARY KEY, tag text);
	CREATE TABLE contact_tag (contact_id bigint, tag_id bigint, PRIMARY KEY (contact_id, tag_id));
};
my $attach = q{
	CREATE EXTENSION segments;
	SELECT segments.attach('contact' %s);
	SELECT segments.attach_company('contact', 'company', 'company_id');
	SELECT segments.attach_related('contact', 'hit', 'hit', 'contact_id');
	SELECT segments.attach_related('contact', 'tag', 'tag', 'contact_id', link_table => 'contact_tag', link_column => 'tag_id');
	SELECT segments.define_field('contact', 'hits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count');
	SELECT segments.define_field('contact', 'tag', object => 'behaviors', relation => 'tag');
	SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]');
	SELECT segments.create_segment('Visited', '[{"object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 2}}]');
	SELECT segments.create_segment('Roman firm', '[{"object": "company", "field": "city", "operator": "=", "properties": {"filter": "Rome"}}]');
	SELECT segments.create_segment('Tagged', '[{"object": "behaviors", "field": "tag", "operator": "=", "properties": {"filter": "blue"}}]');
	SELECT segments.create_segment('Both', '[{"field": "leadlist", "operator": "includingAll", "properties": {"filter": ["rich", "visited"]}}]');
	SELECT segments.create_segment('Friends');
};
$publisher->safe_psql('postgres', $tables . sprintf($attach, ''));
$publisher->safe_psql('postgres', q{
	INSERT INTO company VALUES (1, 'Rome'), (2, 'Oslo');
	INSERT INTO tag VALUES (1, 'blue'), (2, 'red');
	INSERT INTO contact SELECT n, 'Oslo', n, n % 2 + 1 FROM generate_series(1, 100) AS n;
	INSERT INTO hit SELECT n, n % 40, 'u' FROM generate_series(1, 60) AS n;
	INSERT INTO contact_tag SELECT n, n % 2 + 1 FROM generate_series(1, 20) AS n;
	SELECT segments.add_contact('friends', 7::bigint);
});

# A table that cannot be updated where everything is published: none of ours.
is($publisher->safe_psql('postgres', q{
	SELECT c.oid::regclass FROM pg_class AS c
	WHERE c.relkind IN ('r', 'p') AND (c.relnamespace = 'segments'::regnamespace OR c.relname ~ '^contact_segment_')
	  AND c.relreplident <> 'f'
	  AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND (i.indisprimary AND c.relreplident = 'd' OR i.indisreplident))}),
	'', 'every table has a replica identity');

# A warehouse has the members, and knows nothing of segments.
my $plain = q{
	CREATE TABLE contact_segment_member (segment_id bigint, contact_id bigint, since timestamptz, PRIMARY KEY (segment_id, contact_id));
	CREATE TABLE contact_segment_override (segment_id bigint, contact_id bigint, included boolean, since timestamptz, by_user text, source text, reference text,
		PRIMARY KEY (segment_id, contact_id));
	CREATE TABLE contact_segment_change (xact bigint, n integer, segment_id bigint, contact_id bigint, joined boolean, cause text, at timestamptz,
		lsn pg_lsn, source text, reference text);
};
$subscriber->safe_psql('postgres', 'CREATE DATABASE warehouse');
$subscriber->safe_psql('warehouse', $plain);
$publisher->safe_psql('postgres', 'CREATE PUBLICATION members FOR TABLE contact_segment_member, contact_segment_override, contact_segment_change');
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
my $address = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('warehouse', "CREATE SUBSCRIPTION warehouse CONNECTION '$address' PUBLICATION members");

# Another application has segments of its own over the same rows.
$subscriber->safe_psql('postgres', $tables . sprintf($attach, ', on_replica => true'));
$publisher->safe_psql('postgres', 'CREATE PUBLICATION rows FOR TABLE company, contact, hit, tag, contact_tag');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION rows CONNECTION '$address' PUBLICATION rows");
foreach my $database (qw(warehouse postgres))
{
	$subscriber->poll_query_until($database, q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}) or die;
}

my $members = q{SELECT s.alias, m.contact_id FROM contact_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id WHERE s.alias <> 'friends' ORDER BY 1, 2};
my %all = map { $_ => "SELECT * FROM contact_segment_$_ ORDER BY " . ($_ eq 'change' ? 'xact, n' : '1, 2') } qw(member override change);

sub examine
{
	my ($how) = @_;

	$publisher->wait_for_catchup($_) foreach qw(warehouse rows);
	foreach my $table (sort keys %all)
	{
		is($subscriber->safe_psql('warehouse', $all{$table}), $publisher->safe_psql('postgres', $all{$table}), "$how: table of ${table}s");
	}
	# who is pinned on one of them only differs
	is($subscriber->safe_psql('postgres', $members), $publisher->safe_psql('postgres', $members), "$how: the subscriber's own members")
		unless $how =~ /^(an add of a member|a pin)$/;
	is($subscriber->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', "$how: right");
	is($publisher->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', "$how: right there, too");
}

examine('initial copy');

my $statements = 0;
foreach (
	[ 'an add of no member',     q{SELECT segments.add_contact('friends', 8::bigint)} ],
	[ 'an add of a member',      q{SELECT segments.add_contact('rich', 60::bigint)} ],
	[ 'a pin',                   q{SELECT segments.add_contact('rich', 61::bigint); UPDATE contact SET points = 0 WHERE id = 61} ],
	[ 'a pin that is forgotten', q{SELECT segments.reset_contact('rich', 61::bigint), segments.reset_contact('rich', 60::bigint)} ],
	[ 'a removal',               q{SELECT segments.remove_contact('rich', 70::bigint); SELECT segments.reset_contact('rich', 70::bigint)} ],
	[ 'an update',               q{UPDATE contact SET points = 99 WHERE id IN (3, 5)} ],
	[ 'an update of many',       q{UPDATE contact SET points = 101 - points} ],
	[ 'one that changes nothing', q{UPDATE contact SET points = points; UPDATE hit SET url = url} ],
	[ 'events',                  q{INSERT INTO hit SELECT n, n % 100, 'v' FROM generate_series(100, 300) AS n; DELETE FROM hit WHERE id % 3 = 0; UPDATE hit SET contact_id = contact_id + 1 WHERE id % 7 = 0} ],
	[ 'a company',               q{UPDATE company SET city = CASE city WHEN 'Rome' THEN 'Bonn' ELSE 'Rome' END} ],
	[ 'links',                   q{INSERT INTO contact_tag SELECT n, 1 FROM generate_series(30, 40) AS n; DELETE FROM contact_tag WHERE contact_id < 10; UPDATE tag SET tag = 'blue' WHERE id = 2} ],
	[ 'contacts that come and go', q{INSERT INTO contact SELECT n, 'Rome', n, 1 FROM generate_series(201, 220) AS n; DELETE FROM contact WHERE id % 10 = 0; UPDATE contact SET id = id + 1000 WHERE id = 5} ],
	[ 'several in one transaction', q{BEGIN; UPDATE contact SET points = 0 WHERE id = 7; SAVEPOINT a; DELETE FROM contact WHERE id = 7; ROLLBACK TO a; UPDATE contact SET points = 90 WHERE id = 7; INSERT INTO hit VALUES (900, 7, 'x'); COMMIT} ],
	[ 'a rebuild',               q{CALL segments.rebuild_all()} ],
	[ 'a trim',                  q{SET segments.now = '2100-01-01'; SELECT segments.trim_changes()} ],
	[ 'TRUNCATE',                q{TRUNCATE hit} ],
	[ 'a segment that goes',     q{SELECT segments.delete_segment('friends')} ])
{
	my ($how, $sql) = @$_;

	$publisher->safe_psql('postgres', $sql);
	examine($how);
}
is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM segments.read_changes('mailer', 100000) WHERE cause NOT IN ('filter', 'definition', 'segment')}), '0',
	'the subscriber logs what arrives');

# Writes of its own are followed as everywhere; and no more, when it is told so.
$subscriber->safe_psql('postgres', 'UPDATE contact SET points = 60 WHERE id = 33');
is($subscriber->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', 'a write of its own');
like($subscriber->safe_psql('postgres', 'SELECT segments.definition_sql()'), qr/on_replica => true/, 'it is part of the definition');
$subscriber->safe_psql('postgres', q{SELECT segments.attach('contact', on_replica => false)});
$publisher->safe_psql('postgres', 'UPDATE contact SET points = 100 - points; DELETE FROM contact_tag');
$publisher->wait_for_catchup('rows');
isnt($subscriber->safe_psql('postgres', 'SELECT count(*) FROM segments.check()'), '0', 'not followed');
$subscriber->safe_psql('postgres', q{SELECT segments.attach('contact', on_replica => true)});
is($subscriber->safe_psql('postgres', 'SELECT * FROM segments.check()'), '', 'followed again, all is brought up to date');

# Tables that are copied at the same time may wait for each other; that copy is tried again.
foreach my $server ($publisher, $subscriber)
{
	my @errors = grep { /ERROR:|PANIC|TRAP/ && !/deadlock detected/ } split(/\n/, slurp_file($server->logfile));
	is(join("\n", @errors), '', $server->name . ' met no error');
}
$subscriber->stop;
$publisher->stop;
done_testing();
