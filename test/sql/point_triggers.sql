-- Point triggers: contacts that reach so many points change their segments, once.
\set SHOW_CONTEXT never
-- messages have their numbers
ALTER SEQUENCE segments.point_trigger_id_seq RESTART WITH 1001;
SET client_min_messages = warning;
SELECT segments.create_mautic_schema('pts');
INSERT INTO pts.leads (id, points, email) SELECT g, 10 * g, 'p' || g || '@example.com' FROM generate_series(1, 12) AS g;
SELECT segments.create_segment('Hot', alias => 'pt-hot', contact_table => 'pts.leads') AS hot \gset
SELECT segments.create_segment('Cold', alias => 'pt-cold', contact_table => 'pts.leads') AS cold \gset
SELECT segments.create_segment('Asleep', alias => 'pt-asleep', contact_table => 'pts.leads', is_published => false) > 0 AS created;
SELECT segments.create_segment('Of hot', ('[{"glue":"and","object":"lead","field":"leadlist","type":"leadlist","operator":"in","properties":{"filter":[' || :hot || ']}}]')::segments.filter,
    alias => 'pt-of-hot', contact_table => 'pts.leads') > 0 AS created;
CREATE VIEW pts.members AS
    SELECT s.alias, string_agg(m.contact_id::text, ' ' ORDER BY m.contact_id) AS members
    FROM pts.leads_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY s.alias ORDER BY s.alias;
CREATE VIEW pts.acted AS
    SELECT t.name, string_agg(l.contact, ' ' ORDER BY length(l.contact), l.contact) AS contacts
    FROM segments.point_trigger_log AS l JOIN segments.point_trigger AS t ON t.id = l.trigger_id GROUP BY t.name ORDER BY t.name;
SELECT segments.add_contacts('pt-cold', ARRAY(SELECT id FROM pts.leads)) IS NOT NULL AS added LIMIT 1;

-- from then on only
SELECT segments.create_point_trigger('Hot at 100', 100, '{pt-hot}', '{pt-cold}', contact_table => 'pts.leads') AS hot100 \gset
SELECT name, points, field, add_segments = ARRAY[:'hot'] AS adds, remove_segments = ARRAY[:'cold'] AS removes, is_published, apply_to_existing
FROM segments.point_trigger;
SELECT * FROM pts.members;
UPDATE pts.leads SET points = 99 WHERE id = 1;
UPDATE pts.leads SET points = 100 WHERE id = 2;
UPDATE pts.leads SET points = 150 WHERE id = 12;
INSERT INTO pts.leads (id, points) VALUES (21, 100), (22, 99), (23, 500);
SELECT * FROM pts.members;
SELECT * FROM pts.acted;
SELECT s.alias, c.contact_id, c.joined, c.cause, c.source, c.reference = :'hot100' AS by_trigger
FROM pts.leads_segment_change AS c JOIN segments.segment AS s ON s.id = c.segment_id
WHERE c.contact_id IN (2, 21) AND c.cause <> 'definition' ORDER BY c.xact, c.n;

-- never twice
SELECT segments.remove_contact('pt-hot', 2::bigint);
UPDATE pts.leads SET points = 0 WHERE id = 2;
UPDATE pts.leads SET points = 200 WHERE id = 2;
SELECT segments.is_member('pt-hot', 2::bigint);
-- twice in one statement's reach, and rolled back
BEGIN;
UPDATE pts.leads SET points = 100 WHERE id = 3;
SELECT segments.is_member('pt-hot', 3::bigint);
SAVEPOINT s;
UPDATE pts.leads SET points = 100 WHERE id = 4;
ROLLBACK TO s;
COMMIT;
SELECT * FROM pts.acted;

-- NULL counts as below
ALTER TABLE pts.leads ADD COLUMN score double precision;
SELECT segments.create_point_trigger('Score', -1.5, '{pt-hot}', field => 'score', contact_table => 'pts.leads') AS score \gset
UPDATE pts.leads SET score = -1.6 WHERE id = 5;
UPDATE pts.leads SET score = NULL WHERE id = 5;
SELECT count(*) FROM segments.point_trigger_log WHERE trigger_id = :score;
UPDATE pts.leads SET score = -1.5 WHERE id = 5;
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :score;

-- a contact with another key is the same; one that comes after another is not
UPDATE pts.leads SET id = id + 100 WHERE id IN (2, 12);
UPDATE pts.leads SET points = 0 WHERE id = 102;
UPDATE pts.leads SET points = 300 WHERE id = 102;
SELECT * FROM pts.acted;
DELETE FROM pts.leads WHERE id = 23;
INSERT INTO pts.leads (id, points) VALUES (23, 100);
SELECT * FROM pts.acted;
INSERT INTO pts.leads (id, points) VALUES (24, 0), (25, 99) ON CONFLICT DO NOTHING;
INSERT INTO pts.leads AS l (id, points) VALUES (24, 100), (26, 100) ON CONFLICT (id) DO UPDATE SET points = l.points + 100;
SELECT * FROM pts.acted;

-- point groups: a row that comes, changes, moves
SELECT segments.create_point_trigger('Group 3', 50, '{pt-hot}', field => 'group_points_3', contact_table => 'pts.leads') AS grp \gset
INSERT INTO pts.point_group_contact_score (contact_id, group_id, score) VALUES (4, 3, 49), (5, 4, 60), (6, 3, 50), (7, 3, 10);
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :grp ORDER BY 1;
UPDATE pts.point_group_contact_score SET score = score + 1 WHERE group_id = 3;
UPDATE pts.point_group_contact_score SET group_id = 3 WHERE contact_id = 5;
DELETE FROM pts.point_group_contact_score WHERE contact_id = 6;
INSERT INTO pts.point_group_contact_score (contact_id, group_id, score) VALUES (6, 3, 90);
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :grp ORDER BY 1;
-- the least number there is
INSERT INTO pts.point_group_contact_score (contact_id, group_id, score) VALUES (1, 3, -2147483648);
UPDATE pts.point_group_contact_score SET score = 0 WHERE score < 0;
SELECT count(*) FROM segments.point_trigger_log WHERE trigger_id = :grp;
DELETE FROM pts.point_group_contact_score WHERE contact_id = 1;

-- unpublished ones do nothing; published again, those that have the points are acted on where asked for
SELECT segments.create_point_trigger('Later', 70, '{pt-hot}', is_published => false, apply_to_existing => true, contact_table => 'pts.leads') AS later \gset
UPDATE pts.leads SET points = 80 WHERE id = 1;
UPDATE pts.leads SET points = 75 WHERE id = 1;
SELECT count(*) FROM segments.point_trigger_log WHERE trigger_id = :later;
UPDATE segments.point_trigger SET is_published = true WHERE id = :later;
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :later ORDER BY contact::bigint;
UPDATE segments.point_trigger SET is_published = false WHERE id = :later;
UPDATE pts.leads SET points = 70 WHERE id = 4;
UPDATE segments.point_trigger SET is_published = true, name = 'Later again', points = 65 WHERE id = :later;
SELECT string_agg(contact, ' ' ORDER BY contact::bigint) FROM segments.point_trigger_log WHERE trigger_id = :later;
SELECT segments.create_point_trigger('All of group 3', 50, '{pt-cold}', field => 'group_points_3', apply_to_existing => true, contact_table => 'pts.leads') AS all3 \gset
SELECT string_agg(contact, ' ' ORDER BY contact::bigint) FROM segments.point_trigger_log WHERE trigger_id = :all3;
-- a plain row does the same
INSERT INTO segments.point_trigger (contact_table, name, points, add_segments, apply_to_existing) VALUES ('pts.leads', 'Row', 300, '{pt-cold}', true);
SELECT * FROM pts.acted WHERE name = 'Row';

-- in bulk
INSERT INTO pts.leads (id, points) SELECT g, 0 FROM generate_series(10001, 30000) AS g;
UPDATE pts.leads SET points = CASE WHEN id % 2 = 0 THEN 100 ELSE 60 END WHERE id > 10000;
SELECT count(*) FROM segments.point_trigger_log WHERE trigger_id = :hot100 AND contact::bigint > 10000;
SELECT segments.count('pt-hot') - 10000 AS others;
COPY pts.leads (id, points) FROM STDIN;
40001	99
40002	100
\.
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :hot100 AND contact::bigint > 40000;

-- what is refused
SELECT segments.create_point_trigger('No column', 1, '{pt-hot}', field => 'nothing', contact_table => 'pts.leads');
SELECT segments.create_point_trigger('No number', 1, '{pt-hot}', field => 'email', contact_table => 'pts.leads');
SELECT segments.create_point_trigger('No group', 1, '{pt-hot}', field => 'group_points_x', contact_table => 'pts.leads');
SELECT segments.create_point_trigger(' ', 1, '{pt-hot}', contact_table => 'pts.leads');
SELECT segments.create_point_trigger('NaN', 'NaN', '{pt-hot}', contact_table => 'pts.leads');
SELECT segments.create_point_trigger('Asleep', 1, '{pt-asleep}', contact_table => 'pts.leads');
SELECT segments.create_point_trigger('Nobody', 1, '{pt-nobody}', contact_table => 'pts.leads');
UPDATE segments.point_trigger SET contact_table = 'pts.companies' WHERE id = :hot100;
TRUNCATE segments.point_trigger;
ALTER TABLE pts.leads DROP COLUMN score;
ALTER TABLE pts.leads ALTER COLUMN score TYPE text;
ALTER TABLE pts.leads RENAME COLUMN score TO rating;
SELECT field FROM segments.point_trigger WHERE id = :score;
UPDATE pts.leads SET rating = 5 WHERE id = 8;
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :score ORDER BY contact;

-- a group that is not there any more is in nobody's way
BEGIN;
SELECT segments.detach_related('pts.leads', 'point_group_contact_score');
SET LOCAL client_min_messages = warning;
UPDATE pts.leads SET points = 5 WHERE id = 8;
ROLLBACK;
-- guards of segments
SELECT kind, name, blocks FROM segments.usage WHERE segment_id = :cold ORDER BY 1, 2;
SELECT segments.delete_segment('pt-cold');
SELECT segments.update_segment('pt-cold', is_published => false);
SELECT segments.update_segment('pt-cold', name => 'Colder');

-- rights
CREATE ROLE regress_pt_reader;
GRANT USAGE ON SCHEMA pts TO regress_pt_reader;
GRANT SELECT ON pts.leads TO regress_pt_reader;
GRANT UPDATE ON pts.leads TO regress_pt_reader;
SET ROLE regress_pt_reader;
SELECT count(*) FROM segments.point_trigger;
SELECT segments.create_point_trigger('Mine', 1, '{pt-hot}', contact_table => 'pts.leads');
UPDATE segments.point_trigger SET points = 0;
DELETE FROM segments.point_trigger;
DELETE FROM segments.point_trigger_log;
INSERT INTO segments.point_trigger (id, contact_table, name, points) OVERRIDING SYSTEM VALUE VALUES (1, 'pts.leads', 'Id', 1);
SELECT segments_internal.apply_point_trigger('pts.leads', 1);
-- who writes the contact doesn't matter
UPDATE pts.leads SET points = 100 WHERE id = 9;
RESET ROLE;
SELECT contact FROM segments.point_trigger_log WHERE trigger_id = :hot100 AND contact = '9';
RESET ROLE;
GRANT INSERT ON segments.segment TO regress_pt_reader;
SET ROLE regress_pt_reader;
SELECT segments.create_point_trigger('Mine', 1000, '{pt-hot}', contact_table => 'pts.leads');
RESET ROLE;
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO regress_pt_reader;
SET ROLE regress_pt_reader;
SELECT segments.create_point_trigger('Mine', 1000, '{pt-hot}', contact_table => 'pts.leads') > 0 AS created;
RESET ROLE;
SELECT name, created_by_user FROM segments.point_trigger WHERE name = 'Mine';

-- members stay when a trigger goes
DELETE FROM segments.point_trigger WHERE id = :hot100;
SELECT segments.is_member('pt-hot', 21::bigint), (SELECT count(*) FROM segments.point_trigger_log WHERE trigger_id = :hot100) AS log;
SELECT * FROM segments.check();
TRUNCATE pts.leads CASCADE;
SELECT count(*) FROM segments.point_trigger_log;
SELECT * FROM segments.check();

-- and go with their contact table
DROP VIEW pts.members, pts.acted;
SELECT segments.detach('pts.leads');
SELECT count(*) FROM segments.point_trigger;
REVOKE INSERT ON segments.segment FROM regress_pt_reader;
REVOKE ALL ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM regress_pt_reader;
DROP SCHEMA pts CASCADE;
DROP OWNED BY regress_pt_reader;
DROP ROLE regress_pt_reader;
