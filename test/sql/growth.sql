-- What the work of a statement grows with, counted in rows and pages that are read: no timing.
SET client_min_messages = warning;
CREATE SCHEMA growth;
CREATE TABLE growth.person (id bigint PRIMARY KEY, points int);
SELECT segments.attach('growth.person');
-- what the transaction has read of the catalogue so far: rows by index, and pages of tables from end to end
CREATE FUNCTION growth.reads() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(coalesce(idx_tup_fetch, 0) + seq_scan * pg_relation_size(relid) / current_setting('block_size')::integer)::bigint
    FROM pg_stat_xact_user_tables WHERE schemaname = 'segments'
$$;
CREATE FUNCTION growth.read_by(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := growth.reads();
BEGIN EXECUTE statement; RETURN growth.reads() - before; END $$;
CREATE FUNCTION growth.filter(number bigint) RETURNS segments.filter LANGUAGE sql AS $$
    SELECT format('[{"field": "points", "operator": "gt", "properties": {"filter": %s}}]', number)::segments.filter
$$;
SELECT segments.create_segment('Base', growth.filter(1), contact_table => 'growth.person') > 0;

-- definitions: four times as many in one statement read about four times as much, not sixteen times; five or six times where statistics come meanwhile
SELECT growth.read_by($$INSERT INTO segments.segment (name, contact_table, filters)
    SELECT 'A' || i, 'growth.person', growth.filter(i) FROM generate_series(1, 200) AS i$$) AS few \gset
SELECT growth.read_by($$UPDATE segments.segment SET filters = growth.filter(id + 1) WHERE name ~ '^A'$$) AS few_updated \gset
SELECT growth.read_by($$INSERT INTO segments.segment (name, contact_table, filters)
    SELECT 'N' || i, 'growth.person', growth.filter(i) FROM generate_series(1, 800) AS i$$) AS many \gset
SELECT growth.read_by($$UPDATE segments.segment SET filters = growth.filter(id + 1) WHERE name ~ '^N'$$) AS many_updated \gset
SELECT :few > 0 AND :many <= 10 * :few AS inserted, :few_updated > 0 AND :many_updated <= 10 * :few_updated AS updated;

-- compiling all segments: those that others name by alias are found by index
UPDATE segments.segment SET filters = '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["base"]}}]' WHERE name ~ '^N';
SELECT count(*) AS segments FROM segments.segment \gset
\c
SET client_min_messages = warning;
BEGIN;
INSERT INTO segments.segment (name, contact_table, filters) VALUES ('Another', 'growth.person', growth.filter(2));
-- its definitions are not those that are shared
SELECT growth.reads() <= 8 * :segments AS compiled;
COMMIT;
INSERT INTO growth.person VALUES (1, 5);
SELECT segments.count('base'), segments.count('n800');

-- an event has those segments evaluated that it can reach (counted where the library is preloaded), not all over its table
CREATE TABLE growth.score (person_id bigint REFERENCES growth.person, grp int, score int);
CREATE INDEX ON growth.score (person_id);
SELECT segments.attach_related('growth.person', 'score', 'growth.score', 'person_id');
SELECT segments.define_field('growth.person', 'in_*', 'number', object => 'groups', relation => 'score', column_name => 'score', condition => 'grp = $1');
INSERT INTO segments.segment (name, contact_table, filters)
SELECT 'G' || i, 'growth.person', format('[{"object": "groups", "field": "in_%s", "operator": "gt", "properties": {"filter": 5}}]', i)::segments.filter
FROM generate_series(1, 500) AS i;
CREATE VIEW growth.cost AS SELECT sum(evaluations) AS evaluations FROM segments.status WHERE name ~ '^G' AND contact_table = 'growth.person'::regclass;
SELECT coalesce(evaluations, 0) AS before FROM growth.cost \gset
INSERT INTO growth.score VALUES (1, 7, 9), (1, 600, 9), (1, 8, 3);
SELECT coalesce(evaluations, 0) - :before <= 3 AS reached FROM growth.cost;
SELECT alias FROM segments.segment AS s WHERE name ~ '^G' AND segments.count(s.id) > 0;
SELECT * FROM segments.check();
SELECT segments.detach('growth.person');
DROP SCHEMA growth CASCADE;
