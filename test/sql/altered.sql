-- Whatever a command does to what segments need, and by whatever name the command goes: followed exactly, or refused.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA alt;
CREATE SCHEMA other;
SET search_path = alt;
CREATE VIEW members AS SELECT s.alias, s.members FROM segments.status AS s ORDER BY s.alias;
CREATE VIEW declared AS
SELECT d.field, d.column_name, d.expression, d.condition FROM segments.field_definition AS d
UNION ALL SELECT r.name, r.contact_column, NULL, r.condition FROM segments.relation AS r ORDER BY 1;

-- The key: a wider one takes members, overrides and log along; no value becomes another.
CREATE TABLE k (id integer PRIMARY KEY, a integer, code varchar(3));
SELECT segments.attach('k');
SELECT segments.create_segment('Some', '[{"field": "a", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made;
INSERT INTO k SELECT n, n, n FROM generate_series(1, 8) AS n;
SELECT segments.add_contact('some', 3), segments.remove_contact('some', 7);
ALTER TABLE k ALTER id TYPE integer USING id + 100;
ALTER TABLE k ALTER id TYPE bigint USING 9 - id;
ALTER TABLE k ALTER id TYPE integer USING CASE id WHEN 1 THEN 10 ELSE id END, ALTER a TYPE integer USING a * 2;
ALTER TABLE k ALTER a TYPE integer USING a - 1, ALTER id SET STATISTICS 10;
ALTER TABLE k ALTER id TYPE integer USING id::bigint;
ALTER TABLE k ALTER id TYPE bigint USING id::bigint;
SELECT atttypid::regtype FROM pg_attribute WHERE attrelid IN ('k_segment_member'::regclass, 'k_segment_override'::regclass, 'k_segment_change'::regclass) AND attname = 'contact_id';
SELECT contact_id, included FROM k_segment_override ORDER BY 1;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('k');
ALTER TABLE k DROP CONSTRAINT k_pkey, ADD PRIMARY KEY (code);
SELECT segments.attach('k');
SELECT segments.create_segment('Some', '[{"field": "a", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made;
ALTER TABLE k ALTER code TYPE varchar(2);
ALTER TABLE k ALTER code TYPE text;
ALTER TABLE k ALTER code TYPE varchar(10) USING code || 'x';
ALTER TABLE k ALTER code TYPE varchar(10);
INSERT INTO k VALUES (20, 20, 'abcdefgh'), (21, 21, 'ijklmnop');
SELECT segments.remove_contact('some', 'abcdefgh'::varchar), segments.rebuild('some');
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid IN ('k_segment_member'::regclass, 'k_segment_override'::regclass, 'k_segment_change'::regclass) AND attname = 'contact_id';
ALTER TABLE k ALTER code TYPE varchar;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('k');
ALTER TABLE k ALTER code TYPE numeric(6, 2) USING id;
SELECT segments.attach('k');
ALTER TABLE k ALTER code TYPE numeric(6, 1);
ALTER TABLE k ALTER code TYPE numeric(8, 2);
SELECT DISTINCT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid IN ('k_segment_member'::regclass, 'k_segment_override'::regclass, 'k_segment_change'::regclass) AND attname = 'contact_id';
SELECT segments.detach('k');
DROP TABLE k;

-- Names that are written with quotes, or like one that stands for numbers.
CREATE TABLE n (id integer PRIMARY KEY, "a""b" integer, "rate*" integer);
SELECT segments.attach('n'), segments.define_field('n', 'next', 'number', expression => '"a""b" + 1');
SELECT segments.create_segment('Next', '[{"field": "next", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made,
       segments.create_segment('Rate', '[{"field": "rate*", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made;
INSERT INTO n SELECT g, g, g FROM generate_series(1, 8) AS g;
ALTER TABLE n ALTER "a""b" TYPE integer USING "a""b" * 2;
ALTER TABLE n ALTER "rate*" TYPE integer USING "rate*" * 2;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('n');
DROP TABLE n;

-- A table of a type is altered with it.
CREATE TYPE person_type AS (id integer, a integer, b integer, firm_id integer);
CREATE TYPE firm_type AS (id integer, name text);
CREATE TABLE person OF person_type (PRIMARY KEY (id));
CREATE TABLE firm OF firm_type (PRIMARY KEY (id));
SELECT segments.attach('person'), segments.attach_company('person', 'firm', 'firm_id'), segments.define_field('person', 'next', 'number', expression => 'b + 1');
SELECT segments.create_segment('Plain', '[{"field": "a", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made,
       segments.create_segment('Next', '[{"field": "next", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made,
       segments.create_segment('Acme', '[{"object": "company", "field": "name", "operator": "=", "properties": {"filter": "acme"}}]') IS NOT NULL AS made;
INSERT INTO firm VALUES (1, 'Acme'), (2, 'Bolt');
INSERT INTO person SELECT g, g, g, g % 2 + 1 FROM generate_series(1, 8) AS g;
ALTER TYPE person_type RENAME ATTRIBUTE a TO amount CASCADE;
ALTER TYPE person_type RENAME ATTRIBUTE b TO body CASCADE;
ALTER TYPE person_type RENAME ATTRIBUTE firm_id TO employer CASCADE;
ALTER TYPE firm_type RENAME ATTRIBUTE name TO title CASCADE;
ALTER TYPE person_type RENAME ATTRIBUTE id TO number CASCADE;
TABLE declared;
SELECT contact_reference FROM segments.relation ORDER BY name;
ALTER TYPE person_type ALTER ATTRIBUTE amount TYPE text CASCADE;
ALTER TYPE person_type DROP ATTRIBUTE body CASCADE;
ALTER TYPE person_type ALTER ATTRIBUTE number TYPE text CASCADE;
ALTER TYPE person_type ALTER ATTRIBUTE number TYPE bigint CASCADE;
ALTER TYPE person_type ALTER ATTRIBUTE body TYPE bigint CASCADE, ADD ATTRIBUTE added text CASCADE;
INSERT INTO person VALUES (9, 9, 9, 1);
TABLE members;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('person');
DROP TABLE person, firm;
DROP TYPE person_type, firm_type;

-- A column that is dropped and made anew by one command is another.
CREATE TABLE c (id integer PRIMARY KEY, a integer, b integer, c integer, d integer, firm_id integer);
CREATE TABLE firm (id integer PRIMARY KEY, name text, city text);
CREATE TABLE company_visit (c_id integer, page text, n integer);
SELECT segments.attach('c'), segments.attach_company('c', 'firm', 'firm_id'),
       segments.attach_related('c', 'company_visit', 'company_visit', 'c_id'), segments.attach_related('c', 'lead', 'company_visit', 'c_id');
SELECT segments.define_field('c', 'sum', 'number', expression => 'a + b'), segments.define_field('c', 'd', 'number', expression => 'a * 10'),
       segments.define_field('c', 'place', 'text', object => 'company', column_name => 'city'),
       segments.define_field('c', 'unused', 'number', object => 'behaviors', relation => 'lead', column_name => 'n');
SELECT segments.create_segment('Sum', '[{"field": "sum", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made,
       segments.create_segment('C', '[{"field": "c", "operator": "gt", "properties": {"filter": 5}}, {"field": "d", "operator": "gt", "properties": {"filter": 5}}]') IS NOT NULL AS made,
       segments.create_segment('Firm', '[{"object": "company_all", "field": "name", "operator": "=", "properties": {"filter": "acme"}}, {"object": "company", "field": "place", "operator": "!empty"}]') IS NOT NULL AS made,
       segments.create_segment('Pages', '[{"rows": "company_visit", "filters": [{"field": "page", "operator": "=", "properties": {"filter": "a"}}]},
           {"rows": "lead", "filters": [{"field": "page", "operator": "!=", "properties": {"filter": "b"}}]}]') IS NOT NULL AS made;
INSERT INTO firm VALUES (1, 'Acme', 'Oslo');
INSERT INTO c SELECT g, g, g, g, NULL, 1 FROM generate_series(1, 8) AS g;
INSERT INTO company_visit VALUES (1, 'a'), (2, 'b'), (3, 'a'), (3, 'b');
ALTER TABLE c DROP a, ADD a integer;
ALTER TABLE c ADD c integer DEFAULT 9, DROP c;
ALTER TABLE firm DROP name, ADD name text DEFAULT 'Acme';
ALTER TABLE firm DROP city, ADD city text DEFAULT 'Rome';
ALTER TABLE company_visit DROP page, ADD page text DEFAULT 'a';
ALTER TABLE c DROP d, ADD d integer DEFAULT 3;
ALTER TABLE company_visit DROP n, ADD n integer;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
-- relations may be named like objects
ALTER TABLE company_visit RENAME page TO url;
SELECT object, field, relation, column_name FROM segments.field_definition WHERE relation IS NOT NULL ORDER BY 1, 2, 3;
INSERT INTO company_visit (c_id, url) VALUES (4, 'a'), (2, 'a');
TABLE members;
SELECT segments.delete_segment('pages'), segments.detach_related('c', 'lead');
SELECT object, field FROM segments.field_definition ORDER BY 1, 2;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('c');
DROP TABLE c, firm, company_visit;

-- Names: by whatever command.
CREATE FUNCTION double(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION "f""3"(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + 3';
CREATE FUNCTION known(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(n, 100)';
CREATE FUNCTION counts(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n > 0';
CREATE FUNCTION plus(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(a, 0) + coalesce(b, 0)';
CREATE AGGREGATE total(integer) (SFUNC = plus, STYPE = integer);
CREATE COLLATION words FROM "C";
CREATE TEXT SEARCH CONFIGURATION search (COPY = pg_catalog.simple);
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE FUNCTION mood_of(n integer) RETURNS mood LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN n > 5 THEN enum_first(NULL::alt.mood) ELSE enum_last(NULL::alt.mood) END$$;
CREATE CAST (integer AS mood) WITH FUNCTION mood_of(integer);
CREATE TYPE state AS (mood mood, since date);
CREATE DOMAIN feeling AS mood;
CREATE DOMAIN deep_feeling AS feeling;
CREATE EXTENSION citext SCHEMA other;
CREATE MATERIALIZED VIEW rate AS SELECT 1 AS x;
CREATE TABLE p (id integer PRIMARY KEY, a integer, b text, state state, feeling deep_feeling, numbers integer[]);
CREATE TABLE hit (id integer PRIMARY KEY, p_id integer, k integer);
SELECT segments.attach('p'), segments.attach_related('p', 'hit', 'hit', 'p_id', condition => 'counts(k)');
SELECT segments.define_field('p', 'double', 'number', expression => 'double(a)'),
       segments.define_field('p', 'f3', 'number', expression => '"f""3"(a)'),
       segments.define_field('p', 'known', 'number', expression => 'known(a)'),
       segments.define_field('p', 'total', 'number', expression => '(SELECT total(x) FROM unnest(numbers) AS x)'),
       segments.define_field('p', 'word', 'boolean', expression => 'b COLLATE words < ''x5'''),
       segments.define_field('p', 'found', 'boolean', expression => 'to_tsvector(''search''::regconfig, b) @@ to_tsquery(''search''::regconfig, ''x5'')'),
       segments.define_field('p', 'mood', 'text', expression => '(a::mood)::text'),
       segments.define_field('p', 'state_mood', 'text', expression => '(state).mood::text'),
       segments.define_field('p', 'same', 'boolean', expression => 'b::other.citext OPERATOR(other.=) ''X5''::other.citext'),
       segments.define_field('p', 'whole', 'text', expression => 'p::text'),
       segments.define_field('p', 'rated', 'number', expression => 'a * (SELECT x FROM rate)', unfollowed => true);
SELECT count(segments.create_segment(initcap(f), format('[{"field": "%s", "operator": "gt", "properties": {"filter": 5}}]', f)::segments.filter)) FROM unnest('{double,f3,known,total,rated}'::text[]) AS f;
SELECT count(segments.create_segment(initcap(f), format('[{"field": "%s", "operator": "=", "properties": {"filter": 1}}]', f)::segments.filter)) FROM unnest('{word,found,same}'::text[]) AS f;
SELECT count(segments.create_segment(initcap(f), format('[{"field": "%s", "operator": "contains", "properties": {"filter": "fine"}}]', f)::segments.filter)) FROM unnest('{mood,state_mood,feeling,whole}'::text[]) AS f;
SELECT segments.create_segment('Hits', '[{"rows": "hit", "aggregate": "count", "operator": "gte", "properties": {"filter": 2}}]') IS NOT NULL AS made;
INSERT INTO p SELECT g, nullif(g, 2), 'x' || g, ROW ('fine', NULL)::state, 'fine', ARRAY[g, 1] FROM generate_series(1, 8) AS g;
INSERT INTO hit SELECT g, g % 4, g % 3 FROM generate_series(1, 20) AS g;
TABLE members;
ALTER ROUTINE double(integer) RENAME TO twice;
ALTER AGGREGATE total(integer) SET SCHEMA other;
ALTER COLLATION words RENAME TO letters;
ALTER TEXT SEARCH CONFIGURATION search RENAME TO simplest;
ALTER MATERIALIZED VIEW rate RENAME TO rates;
ALTER EXTENSION citext SET SCHEMA alt;
ALTER INDEX p RENAME TO contact;
ALTER VIEW contact RENAME COLUMN b TO body;
ALTER FUNCTION counts(integer) SET SCHEMA other;
TABLE declared;
UPDATE contact SET a = a + 1;
UPDATE hit SET k = k + 1 WHERE id > 10;
TABLE members;
SELECT count(*) AS differences FROM segments.check();

-- What is needed is not dropped, whatever it is and however its name is written.
DROP FUNCTION twice(integer);
DROP FUNCTION "f""3"(integer);
DROP FUNCTION other.counts(integer);
DROP AGGREGATE other.total(integer);
DROP COLLATION letters;
DROP TEXT SEARCH CONFIGURATION simplest;
DROP CAST (integer AS mood);
DROP MATERIALIZED VIEW rates;
DROP EXTENSION citext;
ALTER TYPE state DROP ATTRIBUTE mood;
ALTER FUNCTION other.counts(integer) VOLATILE;
ALTER FUNCTION known(integer) STABLE;
CREATE COLLATION unused FROM "C";
DROP COLLATION unused;

-- Functions and labels that mean something else now.
SELECT members FROM members WHERE alias = 'known';
ALTER FUNCTION known(integer) STRICT;
SELECT members FROM members WHERE alias = 'known';
ALTER ROUTINE other.counts(integer) STRICT;
ALTER TYPE mood RENAME VALUE 'fine' TO 'great';
TABLE members;
SELECT count(*) AS differences FROM segments.check();
CREATE OR REPLACE FUNCTION other.counts(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n > 1' STRICT;
SELECT members FROM members WHERE alias = 'hits';
SELECT count(*) AS differences FROM segments.check();

-- What comes beside it is not called in its place.
CREATE FUNCTION wide(n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION any_of(n anyelement) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION sum_of(n bigint, m bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n + m';
CREATE OPERATOR +! (FUNCTION = sum_of, LEFTARG = bigint, RIGHTARG = bigint);
SELECT segments.define_field('contact', 'wide', 'number', expression => 'wide(a)'), segments.define_field('contact', 'any', 'number', expression => 'any_of(a)'),
       segments.define_field('contact', 'sum', 'number', expression => 'a OPERATOR(alt.+!) id');
CREATE FUNCTION wide(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION any_of(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION narrow(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
ALTER FUNCTION narrow(integer) RENAME TO any_of;
CREATE OPERATOR +! (FUNCTION = plus, LEFTARG = integer, RIGHTARG = integer);
CREATE FUNCTION wide(n text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE OR REPLACE FUNCTION wide(n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 4';
UPDATE contact SET a = a - 1;
SELECT count(*) AS differences FROM segments.check();

SELECT segments.detach('contact');
DROP EXTENSION citext;
DROP SCHEMA alt, other CASCADE;
