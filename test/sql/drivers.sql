-- What drivers and people write: keys and ids in whatever type they have them.
SET segments.now = '2026-03-18 10:30:00+00';
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE SCHEMA d;
CREATE TABLE d.person (id uuid PRIMARY KEY, country text);
CREATE TABLE d.number (id integer PRIMARY KEY, country text);
CREATE DOMAIN d.code AS text CHECK (VALUE ~ '^[A-Z]+$');
CREATE TABLE d.coded (id d.code PRIMARY KEY, country text);
CREATE TYPE d.suit AS ENUM ('hearts', 'spades');
CREATE TABLE d.card (id d.suit PRIMARY KEY, country text);
SELECT segments.attach(t) FROM unnest('{d.person,d.number,d.coded,d.card}'::regclass[]) AS t;
INSERT INTO d.person VALUES ('11111111-0000-4000-8000-000000000001', 'France'), ('11111111-0000-4000-8000-000000000002', 'Spain');
INSERT INTO d.number VALUES (1, 'France'), (2, 'Spain');
INSERT INTO d.coded VALUES ('A', 'France'), ('B', 'Spain');
INSERT INTO d.card VALUES ('hearts', 'France'), ('spades', 'Spain');

-- documents in json and jsonb need no cast
CREATE TABLE d.document (j json, b jsonb);
INSERT INTO d.document SELECT f, f FROM json_build_array(json_build_object('field', 'country', 'operator', '=', 'properties', json_build_object('filter', 'France'))) AS f;
SELECT segments.create_segment('Persons', j, contact_table => 'd.person') AS person FROM d.document \gset
SELECT segments.create_segment('Numbers', b, contact_table => 'd.number') AS number FROM d.document \gset
SELECT segments.create_segment('Codes', b, contact_table => 'd.coded') AS code FROM d.document \gset
SELECT segments.create_segment('Cards', b, contact_table => 'd.card') AS card FROM d.document \gset
SELECT count(*) FROM d.number AS n, d.document WHERE segments.matches(n, b);
SELECT segments.update_segment(:number, filters => j) FROM d.document;
-- nor do strings of a known type
SELECT segments.update_segment(:number, filters => b::text) FROM d.document;
SELECT segments.update_segment(:number, filters => b::varchar) FROM d.document;
UPDATE segments.segment SET filters = b::varchar FROM d.document WHERE id = :number;

-- keys as text, of any type
SELECT segments.is_member('persons', '11111111-0000-4000-8000-000000000001'), segments.is_member('numbers', '2'),
    segments.is_member('codes', 'A'), segments.is_member('cards', 'spades'), segments.is_member('cards', 'hearts'::d.suit);
SELECT segments.is_member('numbers', 1), segments.is_member('numbers', 1::smallint), segments.is_member('numbers', '1'::varchar);
SELECT segments.is_member('persons', '5');
SELECT segments.is_member('codes', 'a');
SELECT segments.is_member('cards', 'clubs');
SELECT segments.is_member('persons', 5);
SELECT segments.add_contact('persons', '11111111-0000-4000-8000-000000000002'), segments.remove_contact('numbers', '1'), segments.add_contact('codes', 'B');
SELECT segments.reset_contact('codes', 'B');
SELECT * FROM segments.add_contacts('numbers', '{1,2,3}');
SELECT * FROM segments.add_contacts('persons', ARRAY['11111111-0000-4000-8000-000000000001']);
SELECT * FROM segments.remove_contacts('persons', '{11111111-0000-4000-8000-000000000002}');
SELECT * FROM segments.reset_contacts('numbers', '{1,2}');
SELECT * FROM segments.add_contacts('numbers', '{1,x}');
SELECT * FROM segments.change_segments('{1,3}', add => '{numbers}');
SELECT * FROM segments.change_segments('{1}', remove => '{numbers}');
SELECT * FROM segments.reset_contacts('numbers', '{1}');
SELECT segments.why('persons', '11111111-0000-4000-8000-000000000002') -> 'override';
SELECT alias FROM segments.contact_segments('11111111-0000-4000-8000-000000000001', 'd.person');
SELECT alias FROM segments.contact_segments('11111111-0000-4000-8000-000000000001'::uuid, 'd.person');
SELECT segments.update_segment('persons', is_preference_center => true);
SELECT alias, subscribed FROM segments.preference_center('11111111-0000-4000-8000-000000000002', 'd.person');
SELECT segments.set_preferences('11111111-0000-4000-8000-000000000002', '{persons}', 'd.person');
SELECT alias, subscribed FROM segments.preference_center('11111111-0000-4000-8000-000000000002', 'd.person');

-- keys that come back: as text where the type is not told
SELECT * FROM segments.member_keys('persons');
SELECT contact_id FROM segments.member_keys('numbers', after => '1');
SELECT contact_id FROM segments.members('persons', key => NULL::text, max => 1);
SELECT * FROM segments.members_at('persons', now(), key => NULL::text) AS k ORDER BY k;
SELECT * FROM segments.search('france', 'd.person', key => NULL::text);
SELECT * FROM segments.matching('[]', 'd.person', key => NULL::text) AS k ORDER BY k;
SELECT contact_id, joined FROM segments.read_changes('mailer', NULL::text, contact_table => 'd.card');
SELECT segments.members('persons');

-- prepared, with types left to the server, and with those of the driver
PREPARE unknown AS SELECT segments.is_member($1, $2);
EXECUTE unknown ('persons', '11111111-0000-4000-8000-000000000001');
EXECUTE unknown (:'number', '1');
PREPARE typed(bigint, uuid) AS SELECT segments.is_member($1, $2);
EXECUTE typed (:person, '11111111-0000-4000-8000-000000000001');
PREPARE short(integer, smallint) AS SELECT segments.is_member($1, $2);
EXECUTE short (:number, 2);
PREPARE many AS SELECT * FROM segments.remove_contacts($1, $2);
EXECUTE many ('numbers', '{2}');
DEALLOCATE ALL;

-- a segment's id as a number, with arguments by name too
SELECT segments.is_member(:person, '11111111-0000-4000-8000-000000000001'), segments.count(:number), segments.count(segment => :person),
    segments.is_member(contact => 1, segment => :number);
SELECT contact_id FROM segments.members(:number);
SELECT contact_id FROM segments.members(:person, key => NULL::uuid, max => 1);
SELECT contact_id FROM segments.member_keys(segment => :card);
SELECT id FROM segments.contacts(:number, NULL::d.number);
SELECT segments.add_contact(:number, 2), segments.reset_contact(:number, '2');
SELECT * FROM segments.add_contacts(:number, '{1}'::integer[]);
SELECT segments.rebuild(:number);
SELECT * FROM segments.check(:number);
SELECT * FROM segments.check(:person, NULL::uuid);
SELECT segments.why(:number, 1) -> 'member', segments.export(:number) ~ 'd.number';
SELECT segments.register_usage(:number, 'email', 'welcome'), segments.forget_usage(:number, 'email', 'welcome');
SELECT segments.update_segment(:number, description => 'by number');
SELECT segments.resolve_segment(:number) = segments.resolve_segment('numbers');
-- what is unknown is an error as ever, and digits are no alias
SELECT segments.count(987654321);
SELECT segments.delete_segment(987654321);
SELECT segments.create_segment('Digits', alias => '987654321', contact_table => 'd.number');
INSERT INTO segments.segment (name, alias, contact_table) VALUES ('Digits', '987654321', 'd.number');
SELECT segments.create_segment('2026', contact_table => 'd.number', or_replace => true) = segments.create_segment('2026', or_replace => true) AS same;
SELECT alias FROM segments.segment WHERE name = '2026';
SELECT segments.is_member(-1, 1);
SELECT segments.count(NULL::bigint);

-- or_replace: the same id, all that is not given as in a new segment
SELECT segments.create_segment('Numbers', '[]', or_replace => true) = :number AS same;
SELECT segments.create_segment('Others', contact_table => 'd.number', or_replace => true) <> :number AS other;
SELECT alias, description, filters FROM segments.segment WHERE id = :number;
SELECT segments.create_segment('Any name', b, alias => 'numbers', or_replace => true) = :number FROM d.document;
SELECT name, public_name, date_modified FROM segments.segment WHERE id = :number;
SELECT segments.create_segment('Other', alias => 'numbers', contact_table => 'd.card', or_replace => true);
SELECT segments.create_segment('Other', alias => 'numbers', contact_table => 'd.card');
SELECT contact_id FROM segments.members('numbers');

-- INSERT … ON CONFLICT
INSERT INTO segments.segment (name, alias, contact_table, filters)
SELECT 'Upserted', 'Numbers', 'd.number', '[{"field": "country", "operator": "=", "properties": {"filter": "Spain"}}]'
ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters RETURNING id = :number AS same;
INSERT INTO segments.segment (name, alias, contact_table) VALUES ('Upserted', 'numbers', 'd.number') ON CONFLICT DO NOTHING;
\set VERBOSITY terse
INSERT INTO segments.segment (name, alias, contact_table) VALUES ('Upserted', 'numbers', 'd.number');
SELECT name, contact_id FROM segments.segment AS s, segments.members(s.id) WHERE s.id = :number;
-- filters compare without the schema in search_path
SELECT alias FROM segments.segment WHERE filters OPERATOR(segments.=) '[]' ORDER BY alias;
SELECT alias FROM segments.segment WHERE segments.is_static(filters) ORDER BY alias;

SELECT * FROM segments.check(NULL, NULL::text);
SET client_min_messages = warning;
SELECT segments.detach(t) FROM unnest('{d.person,d.number,d.coded,d.card}'::regclass[]) AS t;
DROP SCHEMA d CASCADE;
