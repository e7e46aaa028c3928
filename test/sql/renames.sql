-- SQL that was declared goes on meaning what it meant when what it names gets another name, and members follow what it does otherwise.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:30:00+00';
CREATE SCHEMA ren;
CREATE TYPE ren.mood AS ENUM ('fine', 'bad');
CREATE TABLE ren.person (id bigint PRIMARY KEY, a integer, b text, mood ren.mood, points integer);
CREATE TABLE ren.hit (id bigint PRIMARY KEY, person_id bigint, url text, at timestamptz);
CREATE FUNCTION ren.worth(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION ren.has(t text, u text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t LIKE u';
CREATE OPERATOR ren.~? (FUNCTION = ren.has, LEFTARG = text, RIGHTARG = text);
CREATE DOMAIN ren.score AS integer;
INSERT INTO ren.person SELECT n, n, 'b' || n, 'fine', n FROM generate_series(1, 10) AS n;
INSERT INTO ren.hit SELECT n, n % 5 + 1, 'u' || n, '2026-03-01 10:00+00'::timestamptz + n * interval '7 minutes' FROM generate_series(1, 30) AS n;
SELECT segments.attach('ren.person'),
       segments.attach_related('ren.person', 'hit', 'ren.hit', 'person_id', condition => 'url OPERATOR(ren.~?) ''u%'' AND hit.id > 0'),
       segments.define_field('ren.person', 'worth', 'number', expression => 'ren.worth(a) + points::ren.score'),
       segments.define_field('ren.person', 'whole', 'text', expression => 'person::text'),
       segments.define_field('ren.person', 'label', 'text', expression => 'mood || b'),
       segments.define_field('ren.person', 'visits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count', condition =>
           'NOT EXISTS (SELECT FROM ren.hit AS h WHERE h.person_id = hit.person_id AND h.at < hit.at AND h.at > hit.at - interval ''30 minutes'')'),
       segments.define_field('ren.person', 'n_*', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count', condition => 'id % 7 = $1');
SELECT segments.create_segment('Worthy', '[{"field": "worth", "operator": "gte", "properties": {"filter": 15}}]') IS NOT NULL AS made,
       segments.create_segment('Whole', '[{"field": "whole", "operator": "like", "properties": {"filter": "%fine%"}}]') IS NOT NULL,
       segments.create_segment('Labelled', '[{"field": "label", "operator": "startsWith", "properties": {"filter": "fine"}}]') IS NOT NULL,
       segments.create_segment('Fine', '[{"field": "mood", "operator": "=", "properties": {"filter": "fine"}}]') IS NOT NULL,
       segments.create_segment('Visits', '[{"object": "behaviors", "field": "visits", "operator": "gte", "properties": {"filter": 2}}]') IS NOT NULL,
       segments.create_segment('Third', '[{"object": "behaviors", "field": "n_3", "operator": "gte", "properties": {"filter": 1}}]') IS NOT NULL;
CREATE VIEW declared AS
SELECT d.field, d.column_name, d.expression, d.condition FROM segments.field_definition AS d
UNION ALL SELECT r.name, r.contact_column, NULL, r.condition FROM segments.relation AS r;
CREATE VIEW members AS SELECT alias, members FROM segments.status;
CREATE TABLE before AS TABLE members;
CREATE VIEW different AS ((TABLE members EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE members)) ORDER BY 1, 2;
SELECT * FROM declared ORDER BY 1;

-- everything gets another name
ALTER SCHEMA ren RENAME TO nam;
ALTER FUNCTION nam.worth(integer) RENAME TO value_of;
ALTER FUNCTION nam.has(text, text) SET SCHEMA public;
ALTER OPERATOR nam.~? (text, text) SET SCHEMA public;
ALTER DOMAIN nam.score RENAME TO number;
ALTER TYPE nam.mood RENAME TO spirits;
ALTER TABLE nam.hit RENAME TO page_hit;
ALTER TABLE nam.page_hit RENAME COLUMN person_id TO who;
ALTER TABLE nam.page_hit RENAME COLUMN at TO seen_at;
ALTER TABLE nam.person RENAME TO human;
ALTER TABLE nam.human RENAME COLUMN a TO amount;
ALTER TABLE nam.human RENAME COLUMN b TO body;
ALTER TABLE nam.human RENAME COLUMN points TO score;
ALTER TABLE nam.human SET SCHEMA public;
ALTER TABLE nam.page_hit SET SCHEMA public;
SELECT * FROM declared ORDER BY 1;
TABLE different;
INSERT INTO page_hit SELECT n, n % 5 + 6, 'u' || n, '2026-03-01 10:00+00'::timestamptz + n * interval '7 minutes' FROM generate_series(31, 50) AS n;
UPDATE human SET amount = 11 - amount, score = 11 - score;
SELECT * FROM members ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
-- the tables beside move along, by commands of their own
CREATE SCHEMA third;
CREATE FUNCTION third.of(human) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).body';
SELECT segments.define_field('human', 'of', expression => 'third.of(human)');
ALTER TABLE human SET SCHEMA third;
ALTER TABLE third.human RENAME TO being;
ALTER TABLE third.being SET SCHEMA public;
ALTER TABLE being RENAME TO human;
SELECT expression FROM declared WHERE field IN ('of', 'whole') ORDER BY 1;

-- several at once, and what is rolled back
BEGIN;
ALTER TABLE human RENAME COLUMN amount TO a1;
SAVEPOINT s;
ALTER TABLE human RENAME COLUMN a1 TO a2;
ALTER FUNCTION nam.value_of(integer) RENAME TO v;
ROLLBACK TO s;
ALTER SCHEMA nam RENAME TO other;
COMMIT;
SELECT expression FROM declared WHERE field = 'worth';
SELECT count(*) AS differences FROM segments.check();

-- another body, another label
CREATE OR REPLACE FUNCTION other.value_of(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 3';
SELECT count(*) AS differences FROM segments.check();
CREATE OR REPLACE FUNCTION other.value_of(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT n * 3';
CREATE OR REPLACE FUNCTION public.has(t text, u text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t NOT LIKE u';
SELECT count(*) AS differences FROM segments.check();
ALTER TYPE other.spirits RENAME VALUE 'fine' TO 'great';
SELECT * FROM members ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
ALTER TYPE other.spirits ADD VALUE 'fine';
SELECT count(*) AS differences FROM segments.check();

-- a command that another one runs, and whose failure is caught, is none that is still running
CREATE FUNCTION third.nosy() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE nowhere RENAME TO elsewhere;
EXCEPTION WHEN undefined_table THEN RETURN;
END $$;
CREATE EVENT TRIGGER nosy ON ddl_command_end WHEN TAG IN ('ALTER FUNCTION') EXECUTE FUNCTION third.nosy();
BEGIN;
ALTER FUNCTION other.value_of(integer) RENAME TO once;
ALTER FUNCTION other.once(integer) RENAME TO twice;
ALTER TABLE human RENAME COLUMN a1 TO a3;
COMMIT;
DROP EVENT TRIGGER nosy;
DROP FUNCTION third.nosy;
SELECT expression FROM declared WHERE field = 'worth';
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('human');
DROP VIEW declared, different, members;
DROP FUNCTION third.of;
DROP TABLE before, human, page_hit;
DROP SCHEMA third;
DROP SCHEMA other CASCADE;
DROP FUNCTION public.has CASCADE;

-- Columns that row groups name, in filters, aggregates and spans; relations over one table each have a field to be declared.
CREATE SCHEMA rows;
SET search_path = rows;
CREATE TABLE person (id int PRIMARY KEY, a int, b text);
CREATE TABLE hit (id int PRIMARY KEY, person_id int REFERENCES person, kind text, other text, at timestamptz, amount int);
CREATE INDEX ON hit (person_id);
SELECT segments.attach('person');
SELECT segments.attach_related('person', 'hit', 'hit', 'person_id'), segments.attach_related('person', 'again', 'hit', 'person_id');
SELECT segments.create_segment('Twice', '[{"rows": "hit", "filters": [{"field": "kind", "operator": "=", "properties": {"filter": "x"}},
    {"rows": "again", "within": {"date": "at", "of": "at", "from": "1 second", "to": "1 day"}, "filters": [{"field": "amount", "operator": "gt", "properties": {"filter": 3}}]}]}]') > 0,
    segments.create_segment('Much', '[{"rows": "hit", "aggregate": "sum", "of": "amount", "operator": "gt", "properties": {"filter": 5}}]') > 0;
INSERT INTO person VALUES (1, 1, 'x'), (2, 2, 'y');
INSERT INTO hit VALUES (1, 1, 'x', 'y', '2026-01-01', 2), (2, 1, 'z', 'x', '2026-01-01 12:00', 4), (3, 2, 'x', NULL, '2026-01-01', 5);
CREATE VIEW members AS SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) AS members FROM person_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1;
SELECT * FROM members ORDER BY 1;
-- no name of a row is that of a contact's column
ALTER TABLE person RENAME COLUMN a TO c;
SELECT count(*) FROM segments.field_definition WHERE contact_table = 'person'::regclass;
ALTER TABLE hit RENAME COLUMN kind TO sort;
ALTER TABLE hit RENAME COLUMN amount TO money;
ALTER TABLE hit RENAME COLUMN at TO seen_at;
SELECT object, field, relation, column_name FROM segments.field_definition WHERE contact_table = 'person'::regclass ORDER BY 1, 2;
SELECT * FROM segments.check();
UPDATE hit SET money = 6 WHERE id = 3;
UPDATE hit SET seen_at = '2026-01-03' WHERE id = 2;
SELECT * FROM members ORDER BY 1;
ALTER TABLE hit RENAME COLUMN sort TO kind;
SELECT * FROM segments.check();
-- a field that is not the column of its name is not forgotten while a row group names it
SELECT segments.define_field('person', 'kind', object => 'behaviors', relation => 'hit', column_name => 'other');
SELECT * FROM members ORDER BY 1;
SELECT segments.drop_field('person', 'kind', object => 'behaviors');
SELECT segments.define_field('person', 'kind', object => 'behaviors', relation => 'hit', column_name => 'kind');
SELECT segments.drop_field('person', 'kind', object => 'behaviors');
SELECT * FROM segments.check();
DROP VIEW members;
SELECT segments.detach('person');
RESET search_path;
DROP SCHEMA rows CASCADE;

-- A filter that names a behaviour without its object, and a company's column that has the same name: each follows for itself.
CREATE SCHEMA names;
SET search_path = names;
CREATE TABLE firm (id int PRIMARY KEY, a int);
CREATE TABLE person (id int PRIMARY KEY, firm_id int);
CREATE TABLE hit (person_id int, a int);
CREATE INDEX ON hit (person_id);
SELECT segments.attach('person'), segments.attach_company('person', 'firm', 'firm_id'), segments.attach_related('person', 'hit', 'hit', 'person_id');
SELECT segments.define_field('person', 'a', 'number', object => 'behaviors', relation => 'hit');
SELECT segments.create_segment('Both', '[{"object": "lead", "field": "a", "operator": "=", "properties": {"filter": 1}},
    {"object": "company", "field": "a", "operator": "=", "properties": {"filter": 2}}]') > 0;
INSERT INTO firm VALUES (1, 2), (2, 3);
INSERT INTO person VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO hit VALUES (1, 1), (2, 3), (3, 1);
ALTER TABLE firm RENAME COLUMN a TO b;
SELECT object, field, relation, column_name FROM segments.field_definition WHERE contact_table = 'person'::regclass ORDER BY 1, 2;
ALTER TABLE hit RENAME COLUMN a TO b;
SELECT object, field, relation, column_name FROM segments.field_definition WHERE contact_table = 'person'::regclass ORDER BY 1, 2;
INSERT INTO hit VALUES (2, 1);
UPDATE firm SET b = 2 WHERE id = 2;
SELECT contact_id FROM segments.members('both');
SELECT * FROM segments.check();
SELECT segments.detach('person');
RESET search_path;
DROP SCHEMA names CASCADE;
