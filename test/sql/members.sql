-- Reading members: pages, sources, key types, counts, contacts, segments of a contact.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:00:00+00';
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id integer PRIMARY KEY, country text);
SELECT segments.attach('crm.leads');
INSERT INTO crm.leads SELECT n, CASE WHEN n % 3 = 0 THEN 'France' ELSE 'Spain' END FROM generate_series(1, 12) AS n;
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') AS french \gset
SELECT segments.create_segment('Friends') AS friends \gset
SELECT segments.add_contact('french', 1), segments.add_contact('french', 3::smallint), segments.add_contact(:'friends', 3::bigint);

SELECT * FROM segments.members('french');
SELECT * FROM segments.members('french', NULL::bigint, max => 1);
SELECT * FROM segments.members('french', 5);
SELECT pg_typeof(contact_id) FROM segments.members('french', key => NULL::integer) LIMIT 1;
SELECT contact_id FROM segments.members('french', max => 2);
SELECT contact_id FROM segments.members('french', after => '3', max => 2);
SELECT contact_id FROM segments.members('french', after => '12');
SELECT * FROM segments.members(:'friends');
SELECT segments.count('french'), segments.count('friends');
SELECT * FROM segments.contacts('french', NULL::crm.leads);
SELECT id FROM segments.contacts('french', NULL::crm.leads, after => '6', max => 1);
SELECT id, segments.is_member('french', id) FROM crm.leads WHERE id < 5 ORDER BY id;
SELECT segments.is_member('french', 3::bigint), segments.is_member('french', 3000000000), segments.is_member('french', 3::smallint);
SELECT alias FROM segments.contact_segments(3);
SELECT alias FROM segments.contact_segments(3::bigint, 'crm.leads');
SELECT alias FROM segments.contact_segments(99);

-- joined directly
SELECT c.id FROM crm.leads AS c JOIN crm.leads_segment_member AS m ON m.contact_id = c.id
WHERE m.segment_id = segments.resolve_segment('french') ORDER BY c.id;

-- what isn't there
SELECT * FROM segments.members('nobody');
SELECT segments.is_member('nobody', 1);
SELECT segments.count('999999');
SELECT segments.resolve_segment('99999999999999999999');
SELECT * FROM segments.members('french', key => NULL::uuid);
SELECT segments.is_member('french', 'x'::text);
SELECT segments.add_contact('french', 'x'::text);
SELECT segments.add_contact('french', NULL::integer);
SELECT * FROM segments.contacts('french', NULL::segments.segment);
SELECT segments.contact_segments(1, 'pg_class');

-- ids come before aliases
SELECT segments.create_segment('2026') AS year \gset
SELECT segments.resolve_segment('segment-2026') = :year AS by_alias, segments.resolve_segment(:'french') = :french AS by_id;

-- keys of other types
CREATE TABLE crm.people (key uuid PRIMARY KEY, name text);
SELECT segments.attach('crm.people');
INSERT INTO crm.people SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'P' || n FROM generate_series(1, 3) AS n;
SELECT segments.create_segment('Ambiguous');
SELECT segments.create_segment('P1', '[{"field": "name", "operator": "=", "properties": {"filter": "p1"}}]', contact_table => 'crm.people') AS p1 \gset
SELECT segments.add_contact('p1', '00000000-0000-0000-0000-000000000003'::uuid);
SELECT contact_id, source FROM segments.members('p1', key => NULL::uuid);
SELECT contact_id, source FROM segments.members('p1', key => NULL::uuid, after => '00000000-0000-0000-0000-000000000001');
SELECT * FROM segments.members('p1');
SELECT segments.is_member('p1', '00000000-0000-0000-0000-000000000003'::uuid);
SELECT segments.is_member('p1', 3);
SELECT name FROM segments.contacts('p1', NULL::crm.people);
SELECT alias FROM segments.contact_segments('00000000-0000-0000-0000-000000000003'::uuid, 'crm.people');
CREATE DOMAIN crm.code AS varchar(10) COLLATE "C";
CREATE TABLE crm.codes (code crm.code PRIMARY KEY, n integer);
SELECT segments.attach('crm.codes');
INSERT INTO crm.codes VALUES ('a', 1), ('B', 2), ('c', 3);
SELECT segments.create_segment('Codes', '[{"field": "n", "operator": "lt", "properties": {"filter": 3}}]', contact_table => 'crm.codes') AS codes \gset
SELECT contact_id, source FROM segments.members('codes', key => NULL::text);
SELECT contact_id FROM segments.members('codes', key => NULL::crm.code);
SELECT segments.is_member('codes', 'B'::text), segments.is_member('codes', 'b'::text), segments.is_member('codes', 'a'::crm.code), segments.is_member('codes', 'a'::varchar);
SELECT segments.add_contact('codes', 'c'::text);
SELECT segments.count('codes');
SELECT * FROM segments.add_contacts('codes', '{c,d,a,c}'::text[]);
SELECT * FROM segments.add_contacts('p1', '{00000000-0000-0000-0000-000000000002}'::uuid[]);

-- several segments at once, all or nothing
SELECT segments.create_segment('Called', contact_table => 'crm.leads') AS called \gset
SELECT segments.create_segment('Asleep', contact_table => 'crm.leads', is_published => false) AS asleep \gset
SELECT segments.change_segments('{1,2,2,6}'::integer[], '{called,friends}', '{french}');
SELECT s.alias, m.contact_id FROM crm.leads_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id ORDER BY s.id, m.contact_id;
SELECT segments.change_segments('{1,6}'::bigint[], remove => ARRAY['friends', :'called', 'called']);
SELECT segments.change_segments('{6}'::bigint[], '{french}');
SELECT segments.change_segments(ARRAY['00000000-0000-0000-0000-000000000003'::uuid], remove => '{p1}');
SELECT segments.change_segments(ARRAY['a'::text], remove => '{codes}');
SELECT segments.change_segments('{}'::integer[], '{called}'), segments.change_segments('{5}'::integer[]), segments.change_segments('{5}'::integer[], NULL, NULL);
SELECT segments.change_segments('{5}'::integer[], '{called}', ARRAY['french', :'called']);
SELECT segments.change_segments('{5}'::integer[], '{called,nobody}');
SELECT segments.change_segments('{5}'::integer[], '{called}', '{asleep}');
SELECT segments.change_segments('{5}'::integer[], '{called,NULL}');
SELECT segments.change_segments('{5,99,98}'::integer[], '{called}');
SELECT segments.change_segments('{5,NULL}'::integer[], '{called}');
SELECT segments.change_segments(NULL::integer[], '{called}');
SELECT segments.change_segments('{5}'::integer[], '{called,p1}');
SELECT s.alias, m.contact_id FROM crm.leads_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id ORDER BY s.id, m.contact_id;
SELECT s.alias, count(*) FROM crm.people_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY s.alias;

-- differences, by keys of other types
DELETE FROM crm.people_segment_member WHERE contact_id = '00000000-0000-0000-0000-000000000001';
SELECT * FROM segments.check('p1');
SELECT * FROM segments.check();
SELECT contact_id, reason FROM segments.check(NULL, NULL::uuid);
SELECT contact_id, reason FROM segments.check('p1', key => NULL::text);
SELECT segments.rebuild('p1');
DELETE FROM crm.leads_segment_member WHERE segment_id = :french AND contact_id = 3;
SELECT contact_id, stored, evaluated, reason FROM segments.check('french');
SELECT segments.rebuild('french');

-- status
SELECT alias, contact_table, state, members, joins, leaves, last_change, next_move FROM segments.status;

SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach(t.contact_table) FROM segments.contact_table AS t;
DROP SCHEMA crm CASCADE;
