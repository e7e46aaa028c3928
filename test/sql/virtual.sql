-- Columns that are computed when they are read (PostgreSQL 18 and later; before, the same columns are stored): nothing
-- of them is in a row, so the expression is computed wherever rows are read in memory.
SET client_min_messages = warning;
SELECT CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN 'VIRTUAL' ELSE 'STORED' END AS kept \gset
CREATE TABLE company (id bigint PRIMARY KEY, name text, shout text GENERATED ALWAYS AS (name || '!') :kept);
CREATE TABLE person (id bigint PRIMARY KEY, a integer, b integer, company_id bigint, total integer GENERATED ALWAYS AS (a + b) :kept);
CREATE TABLE visit (id bigint PRIMARY KEY, person_id bigint, n integer, twice integer GENERATED ALWAYS AS (n * 2) :kept);
CREATE INDEX ON visit (person_id);
SELECT segments.attach('person');
SELECT segments.attach_company('person', 'company', 'company_id');
SELECT segments.attach_related('person', 'visit', 'visit', 'person_id');
SELECT segments.define_field('person', 'twice', 'number', object => 'behaviors', relation => 'visit', aggregate => 'sum');
SELECT segments.define_field('person', 'tenfold', 'number', expression => 'total * 10');
SELECT segments.create_segment('Total', '[{"field": "total", "operator": "gt", "properties": {"filter": "10"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Tenfold', '[{"field": "tenfold", "operator": "gt", "properties": {"filter": "100"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Visits', '[{"object": "behaviors", "field": "twice", "operator": "gte", "properties": {"filter": "4"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Company', '[{"object": "company", "field": "shout", "operator": "=", "properties": {"filter": "acme!"}}]') IS NOT NULL AS created;
INSERT INTO company VALUES (1, 'acme');
INSERT INTO person (id, a, b, company_id) SELECT n, n, 5, 1 FROM generate_series(1, 10) AS n;
INSERT INTO visit (id, person_id, n) VALUES (1, 1, 1), (2, 1, 1), (3, 2, 1);
CREATE VIEW members AS
    SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) FROM person_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id
    GROUP BY 1 ORDER BY 1;
SELECT * FROM members;
SELECT * FROM segments.check();
UPDATE person SET b = 0 WHERE id > 8;
UPDATE visit SET n = 0 WHERE id = 1;
UPDATE company SET name = 'other';
SELECT * FROM members;
SELECT * FROM segments.check();
SELECT id FROM person WHERE segments.matches(person, '[{"field": "total", "operator": "gt", "properties": {"filter": "10"}}]') ORDER BY id;
-- rows are not found by such a column
DO $$ BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE 'ALTER TABLE person ADD COLUMN echo bigint GENERATED ALWAYS AS (company_id) VIRTUAL';
        EXECUTE 'ALTER TABLE visit ADD COLUMN echo bigint GENERATED ALWAYS AS (person_id) VIRTUAL';
        BEGIN
            PERFORM segments.attach_company('person', 'company', 'echo');
            RAISE WARNING 'taken for a company';
        EXCEPTION WHEN feature_not_supported THEN NULL;
        END;
        BEGIN
            PERFORM segments.attach_related('person', 'other', 'visit', 'echo');
            RAISE WARNING 'taken for a contact';
        EXCEPTION WHEN feature_not_supported THEN NULL;
        END;
    END IF;
END $$;
SELECT * FROM segments.check();
DROP VIEW members;
SELECT segments.detach('person');
DROP TABLE company, person, visit;
