-- Segments as rows: names and aliases, stamps, references, publishing,
-- deleting, and what a dump brings.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:00:00+00';
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, country text, points integer);
SELECT segments.create_segment('Too early');
SELECT segments.attach('crm.leads');
INSERT INTO crm.leads SELECT n, CASE WHEN n % 2 = 0 THEN 'France' ELSE 'Spain' END, n * 10 FROM generate_series(1, 10) AS n;

-- aliases
SELECT name, segments.make_alias(name) AS alias FROM (VALUES
    ('My_Seg & Co'), ('Émile Été'), ('Привет'), ('Йога для всех'), ('Αθήνα'), ('Άγγελος αυτός'), ('straße ĲØ'),
    ('Łódź'), ('Þór Æsir œuvre đ'), ('გამარჯობა'), ('Բարեւ'), ('שלום'), ('مرحبا'), ('  a  b '), (E'tab\there'),
    ('a – b'), ('ﬁn ½'), ('中文'), ('!!!'), ('') ) AS v (name);

SELECT segments.create_segment('French people', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') IS NOT NULL AS created;
INSERT INTO segments.segment (name) VALUES ('French people'), ('  French People '), ('VIP') RETURNING name, alias;
INSERT INTO segments.segment (name, alias) VALUES ('Other', 'FRENCH people');
INSERT INTO segments.segment (name, alias) VALUES ('Other', 'Özel VIP') RETURNING alias;
INSERT INTO segments.segment (name, alias, is_published) VALUES ('Letters', '!!!', false) RETURNING alias ~ '^[a-z]{5}$' AS five_letters;
INSERT INTO segments.segment (name) VALUES ('中文') RETURNING alias ~ '^[a-z]{5}$' AS five_letters;
INSERT INTO segments.segment (name) VALUES (E' \t ');
INSERT INTO segments.segment (filters) VALUES ('[]');
SELECT name, public_name, alias, is_published, is_global, is_preference_center, state, date_added, created_by,
       date_modified, contact_table
FROM segments.segment WHERE alias = 'french-people';

-- stamps
SET segments.user_id = '7';
SET segments.user_name = 'Ada Lovelace';
SELECT segments.create_segment('Stamped', description => 'x', category_id => 3, public_name => 'For you', is_preference_center => true) AS stamped \gset
SET segments.user_id = '8';
SET segments.user_name = 'Grace Hopper';
SET segments.now = '2026-03-19 10:00:00+00';
UPDATE segments.segment SET name = name WHERE id = :stamped;
SELECT date_modified FROM segments.segment WHERE id = :stamped;
SELECT segments.update_segment('stamped', description => 'y', is_global => false);
SELECT date_added, created_by, created_by_user, date_modified, modified_by, modified_by_user, description, category_id, is_global
FROM segments.segment WHERE id = :stamped;
SELECT segments.update_segment('stamped', clear => '{description,category_id}', public_name => '');
SELECT segments.update_segment('stamped', clear => '{name}');
SELECT public_name, description, category_id FROM segments.segment WHERE id = :stamped;
SET segments.user_id = 'seven';
SELECT segments.user_id();
RESET segments.user_id;
RESET segments.user_name;
SELECT segments.update_segment('stamped', name => 'Renamed', alias => '');
SELECT alias FROM segments.segment WHERE id = :stamped;
SELECT segments.update_segment('renamed', alias => 'vip');
UPDATE segments.segment SET id = 1000 WHERE id = :stamped;
UPDATE segments.segment SET contact_table = 'crm.leads_segment_member' WHERE id = :stamped;
TRUNCATE segments.segment CASCADE;

-- filters decide who is a member, now and when they change
SELECT segments.count('french-people');
SELECT segments.update_segment('french-people', filters => '[{"field": "points", "operator": "gt", "properties": {"filter": 70}}]');
SELECT * FROM segments.members('french-people');
SELECT segments.create_segment('Wrong', '[{"field": "colour", "operator": "=", "properties": {"filter": "red"}}]');
UPDATE segments.segment SET filters = '[{"field": "points", "operator": "gt", "properties": {"filter": "many"}}]' WHERE alias = 'french-people';
SELECT segments.count('french-people');

-- filters taken away: the members stay, by hand
SELECT segments.remove_contact('french-people', 9);
SELECT segments.update_segment('french-people', filters => '[]');
SELECT * FROM segments.members('french-people');
SELECT contact_id, included FROM crm.leads_segment_override ORDER BY 1;
SELECT segments.update_segment('french-people', filters => '[{"field": "country", "operator": "=", "properties": {"filter": "Spain"}}]');
SELECT * FROM segments.members('french-people');

-- references
SELECT segments.create_segment('A', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["french-people"]}}]') AS a \gset
SELECT segments.create_segment('B', '[{"field": "leadlist", "operator": "!in", "properties": {"filter": ["a"]}}]') AS b \gset
SELECT s.alias, r.alias AS referenced FROM segments.segment_reference
JOIN segments.segment AS s ON s.id = segment_id JOIN segments.segment AS r ON r.id = referenced_id ORDER BY 1, 2;
UPDATE segments.segment SET filters = '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["b"]}}]' WHERE alias = 'french-people';
UPDATE segments.segment SET filters = '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["a"]}}]' WHERE alias = 'a';
SELECT segments.create_segment('C', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["missing"]}}]');
UPDATE segments.segment SET is_published = false WHERE alias = 'french-people';
UPDATE segments.segment SET alias = 'french' WHERE alias = 'french-people';
DELETE FROM segments.segment WHERE alias = 'a';
SELECT segments.delete_segment('french-people');
SELECT segments.delete_segment('nobody');
SELECT count(*) FROM segments.segment WHERE alias IN ('a', 'b', 'french-people');
SELECT count(*) AS differences FROM segments.check();

-- unpublished: frozen; published again: up to date
SELECT segments.update_segment('b', is_published => false);
SELECT segments.create_segment('C', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["b"]}}]');
SELECT segments.count('b'), segments.count('a');
SELECT segments.update_segment('b', filters => '[{"field": "points", "operator": "lte", "properties": {"filter": 30}}]');
SELECT segments.count('b');
SELECT segments.update_segment('b', is_published => true);
SELECT segments.count('b');

-- never published, never built
SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gt", "properties": {"filter": 50}}]', is_published => false) IS NOT NULL AS created;
SELECT state, segments.count('rich') FROM segments.segment WHERE alias = 'rich';
SELECT segments.update_segment('rich', is_published => true);
SELECT state, segments.count('rich') FROM segments.segment WHERE alias = 'rich';

-- deleted together with what refers to it
DELETE FROM segments.segment WHERE alias IN ('a', 'french-people');
SELECT count(*) FROM crm.leads_segment_member AS m WHERE NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = m.segment_id);
SELECT count(*) FROM crm.leads_segment_override AS m WHERE NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = m.segment_id);
SELECT segment_id = :a AS is_a, contact_id, joined, cause FROM crm.leads_segment_change
WHERE xact = (SELECT max(xact) FROM crm.leads_segment_change) ORDER BY n;
SELECT count(*), count(DISTINCT n) = count(*) AS numbered FROM (SELECT * FROM crm.leads_segment_change
WHERE xact = (SELECT max(xact) FROM crm.leads_segment_change)) AS c;

-- many at once
BEGIN;
INSERT INTO segments.segment (name, filters)
SELECT 'Above', format('[{"field": "points", "operator": "gt", "properties": {"filter": %s}}]', n)::segments.filter
FROM generate_series(0, 90, 30) AS n;
SELECT alias, segments.count(alias), state FROM segments.segment WHERE name = 'Above' ORDER BY id;
ROLLBACK;

-- a row that was built before is taken as it is
INSERT INTO segments.segment (id, contact_table, name, public_name, alias, filters, date_added, state)
VALUES (500, 'crm.leads', 'Restored', 'Restored', 'restored', '[{"field": "leadlist", "operator": "in", "properties": {"filter": [501]}}]', '2020-01-01', 'ready');
SELECT state, date_added, segments.count('restored') FROM segments.segment WHERE id = 500;
DELETE FROM segments.segment WHERE id = 500;

-- texts are bounded
SELECT segments.create_segment(repeat('x', 256));
SELECT segments.create_segment('x', alias => repeat('x', 256));
SELECT segments.create_segment('x', public_name => repeat('x', 1000000));
SELECT segments.create_segment('x', description => repeat('x', 65536));
INSERT INTO segments.segment (name, created_by_user) VALUES ('x', repeat('x', 256));
SELECT segments.create_segment(repeat('ж', 255)) IS NOT NULL AS created;
UPDATE segments.segment SET name = repeat('x', 256) WHERE name LIKE 'жж%';
SELECT segments.update_segment(alias, alias => repeat('x', 256)) FROM segments.segment WHERE name LIKE 'жж%';
DELETE FROM segments.segment WHERE name LIKE 'жж%';
SELECT set_config('segments.user_name', repeat('x', 256), false);
SELECT segments.create_segment('Bounded') IS NOT NULL AS created;
SELECT segments.change_segments('{1}'::bigint[], add => '{bounded}', reference => repeat('x', 256));
SELECT segments.register_usage('bounded', 'report', repeat('x', 256));
SELECT segments.create_point_trigger(repeat('x', 256), 10, '{bounded}');
SELECT segments.create_point_trigger('x', 10, '{bounded}', description => repeat('x', 65536));
SELECT segments.delete_segment('bounded');

SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('crm.leads');
DROP SCHEMA crm CASCADE;
