-- refresh_due: rows that a boundary passed lead to their contacts by what they say themselves: rows of nobody, of
-- another type, through links, with keys that are equal and not the same.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA shop;
CREATE TABLE shop.person (id numeric PRIMARY KEY, city text, photo text);
ALTER TABLE shop.person ALTER photo SET STORAGE EXTERNAL;
CREATE TABLE shop.visit (person numeric, at timestamptz);
CREATE TABLE shop.call (person int8, at timestamptz);
CREATE TABLE shop.firm (id int PRIMARY KEY, founded timestamptz);
CREATE TABLE shop.works (firm int, person numeric);
CREATE INDEX ON shop.visit (person);
CREATE INDEX ON shop.visit (at);
CREATE INDEX ON shop.call (person);
CREATE INDEX ON shop.call (at);
CREATE INDEX ON shop.works (person);
CREATE INDEX ON shop.works (firm);
CREATE INDEX ON shop.firm (founded);
SET segments.now = '2026-01-15 10:00+00';
SELECT segments.attach('shop.person', timezone => 'UTC');
SELECT segments.attach_related('shop.person', 'visit', 'shop.visit', 'person');
SELECT segments.attach_related('shop.person', 'call', 'shop.call', 'person');
SELECT segments.attach_related('shop.person', 'firm', 'shop.firm', 'person', link_table => 'shop.works', link_column => 'firm', key_column => 'id');

CREATE FUNCTION pg_temp.recent(relation text, date_column text, city text) RETURNS segments.filter LANGUAGE sql AS $$
    SELECT jsonb_build_array(
        jsonb_build_object('rows', relation, 'filters', jsonb_build_array(jsonb_build_object('field', date_column, 'operator', 'inLast',
            'properties', jsonb_build_object('filter', '2 days'))), 'aggregate', 'count', 'operator', 'gte', 'properties', '{"filter": 1}'::jsonb),
        jsonb_build_object('glue', 'and', 'object', 'lead', 'field', 'city', 'operator', '=', 'properties', jsonb_build_object('filter', city)))::segments.filter $$;
SELECT segments.create_segment('visitors', pg_temp.recent('visit', 'at', 'Graz')) > 0;
SELECT segments.create_segment('callers', pg_temp.recent('call', 'at', 'Graz')) > 0;
SELECT segments.create_segment('young firms', pg_temp.recent('firm', 'founded', 'Graz')) > 0;
INSERT INTO shop.person SELECT n, CASE WHEN n % 2 = 0 THEN 'Graz' ELSE 'Linz' END, repeat('x', 5000) FROM generate_series(1, 8) AS n;
INSERT INTO shop.firm VALUES (1, '2026-01-14 09:00+00'), (2, '2026-01-15 09:00+00');
INSERT INTO shop.works VALUES (1, 2), (1, 3), (1, 77), (1, NULL), (2, 4.0), (2, 78);
INSERT INTO shop.visit VALUES (2.00, '2026-01-14 09:00+00'), (2, '2026-01-14 09:01+00'), (3, '2026-01-14 09:00+00'), (6.0, '2026-01-15 09:00+00'),
    (NULL, '2026-01-14 09:00+00'), (99, '2026-01-14 09:00+00');
INSERT INTO shop.call VALUES (4, '2026-01-14 09:00+00'), (5, '2026-01-14 09:00+00'), (8, '2026-01-15 09:00+00'),
    (NULL, '2026-01-14 09:00+00'), (9223372036854775807, '2026-01-14 09:00+00');
CREATE VIEW pg_temp.members AS
    SELECT s.name, m.contact_id FROM shop.person_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id;
CREATE FUNCTION pg_temp.refresh(at timestamptz, OUT changes bigint, OUT looked_up bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_stat_get_xact_numscans('shop.person_pkey'::regclass);
BEGIN
    PERFORM set_config('segments.now', at::text, false);
    changes := segments.refresh_due();
    looked_up := pg_stat_get_xact_numscans('shop.person_pkey'::regclass) - before;
    wrong := (SELECT count(*) FROM segments.check());
END $$;

-- while transactions go on that were running at the last refresh, anywhere in the cluster, what it passed is passed again
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT pending_xmax FROM segments.contact_clock WHERE contact_table = 'shop.person'::regclass)
        > pg_snapshot_xmin(pg_current_snapshot())::text::bigint LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;

SELECT * FROM pg_temp.members ORDER BY 1, 2;
-- nobody's rows are passed, and those of contacts elsewhere
SELECT changes, wrong FROM pg_temp.refresh('2026-01-16 08:59+00');
SELECT changes, wrong FROM pg_temp.refresh('2026-01-16 09:01:30+00');
SELECT * FROM pg_temp.members ORDER BY 1, 2;
SELECT changes, wrong FROM pg_temp.refresh('2026-01-17 09:01:30+00');
SELECT * FROM pg_temp.members ORDER BY 1, 2;
SELECT s.name, c.contact_id, c.joined, c.cause FROM shop.person_segment_change AS c JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY 1, 2, 3;
-- a contact is looked up once, however many of its rows were passed
DELETE FROM segments.segment WHERE name = 'callers';
CALL pg_temp.settle();
SELECT changes, wrong FROM pg_temp.refresh('2026-01-18 09:00+00');
CALL pg_temp.settle();
SELECT changes, wrong FROM pg_temp.refresh('2026-01-18 09:01+00');
CALL pg_temp.settle();
INSERT INTO shop.visit SELECT n, timestamptz '2026-01-17 10:00+00' + m * interval '1 second' FROM generate_series(1, 7, 2) AS n, generate_series(1, 5) AS m;
SELECT * FROM pg_temp.refresh('2026-01-19 10:01+00');
SELECT count(*) FROM segments.check();
DROP VIEW pg_temp.members;
SELECT segments.detach('shop.person');
DROP SCHEMA shop CASCADE;
