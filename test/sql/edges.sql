-- What was found by trying to break it: triggers in the middle of a statement, entries at one place, very long lists.
-- user triggers of the member table that change contacts in the middle of a large statement, and of a build
SET client_min_messages = warning;
CREATE TABLE crowd (id bigint PRIMARY KEY, city text);
SELECT segments.attach('crowd');
SELECT segments.create_segment('Crowd in Oslo', '[{"object":"lead","field":"city","operator":"=","properties":{"filter":"Oslo"}}]', contact_table => 'crowd') IS NOT NULL AS created;
INSERT INTO crowd SELECT n, 'Rome' FROM generate_series(1, 20000) AS n;
CREATE FUNCTION send_one_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.contact_id = 1 THEN
        UPDATE public.crowd SET city = 'Bergen' WHERE id = 19999;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER away AFTER INSERT ON crowd_segment_member FOR EACH ROW EXECUTE FUNCTION send_one_away();
SET work_mem = '64kB';
UPDATE crowd SET city = 'Oslo';
SELECT city FROM crowd WHERE id = 19999;
SELECT * FROM segments.check('crowd-in-oslo', by_query => true);
UPDATE crowd SET city = 'Oslo' WHERE id = 19999;
SELECT segments.create_segment('Crowd again', '[{"object":"lead","field":"city","operator":"=","properties":{"filter":"oslo"}}]', contact_table => 'crowd') IS NOT NULL AS created;
SELECT city FROM crowd WHERE id = 19999;
SELECT * FROM segments.check(by_query => true);
RESET work_mem;
SELECT segments.detach('crowd');
DROP TABLE crowd;
DROP FUNCTION send_one_away;
-- entries of the log that were written at the same place: of an unlogged table all are
CREATE UNLOGGED TABLE fleeting (id bigint PRIMARY KEY, city text);
INSERT INTO fleeting SELECT n, 'Rome' FROM generate_series(1, 40) AS n;
SELECT segments.attach('fleeting');
SELECT segments.create_segment('Fleeting', '[{"object":"lead","field":"city","operator":"=","properties":{"filter":"Oslo"}}]', contact_table => 'fleeting') IS NOT NULL AS created;
UPDATE fleeting_segment_change SET lsn = lsn;
UPDATE fleeting SET city = 'Oslo' WHERE id <= 20;
UPDATE fleeting SET city = 'Oslo' WHERE id > 20;
UPDATE fleeting_segment_change SET lsn = '0/1';
SELECT count(contact_id) AS first FROM segments.read_changes('one', max => 1, contact_table => 'fleeting');
SELECT count(contact_id) AS rest, count(DISTINCT contact_id) AS different FROM segments.read_changes('one', contact_table => 'fleeting');
-- the tables beside a contact table last as long as it
ALTER TABLE fleeting SET LOGGED;
SELECT relname, relpersistence FROM pg_class WHERE relname LIKE 'fleeting%' AND relkind = 'r' ORDER BY 1;
SELECT segments.detach('fleeting');
DROP TABLE fleeting;
-- a filter of very many values is not a very deep one
CREATE TABLE chooser (id bigint PRIMARY KEY, wishes text[]);
SELECT segments.attach('chooser');
SELECT segments.create_segment('Wishes for everything', jsonb_build_array(jsonb_build_object('object', 'lead', 'field', 'wishes', 'operator', 'includingAll',
    'properties', jsonb_build_object('filter', (SELECT jsonb_agg('v' || n) FROM generate_series(1, 65600) AS n))))::text::segments.filter,
    contact_table => 'chooser') IS NOT NULL AS created;
INSERT INTO chooser SELECT 1, array_agg('v' || n) FROM generate_series(1, 65600) AS n;
INSERT INTO chooser VALUES (2, '{v1}');
SELECT contact_id FROM segments.members('wishes-for-everything');
SELECT segments.detach('chooser');
DROP TABLE chooser;

-- text forms of numbers are compared without case too
CREATE TABLE edge_number (id int PRIMARY KEY, v numeric, f float8, n int);
SELECT segments.attach('edge_number');
SELECT segments.create_segment('Like ' || field || ' ' || n, json_build_array(json_build_object('field', field, 'operator', operator, 'properties', json_build_object('filter', v)))::text::segments.filter,
                               contact_table => 'edge_number') IS NOT NULL AS created
FROM (VALUES ('v', 'like', 'nan'), ('v', 'startsWith', 'INF'), ('v', '!like', 'Infinity'), ('v', 'contains', '.5'), ('f', 'contains', 'NaN'), ('f', 'endsWith', 'ITY'), ('f', 'regexp', '^nan$'), ('n', 'like', '1%')) AS f (field, operator, v),
    LATERAL (SELECT operator || ' ' || v) AS a (n);
INSERT INTO edge_number VALUES (1, 'NaN', 'NaN', 1), (2, 'Infinity', '-Infinity', 12), (3, 1.50, 1.5, -1), (4, NULL, NULL, NULL);
SELECT s.name, ARRAY(SELECT m.contact_id FROM segments.members(s.alias) AS m ORDER BY 1) AS contacts
FROM segments.segment AS s WHERE s.contact_table = 'edge_number'::regclass ORDER BY s.name COLLATE "C";
SELECT count(*) FROM segments.check();
SELECT count(*) FROM segments.check(by_query => true);
SELECT segments.detach('edge_number');
DROP TABLE edge_number;
