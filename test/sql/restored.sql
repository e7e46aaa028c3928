-- What one contact table's owner leaves behind keeps nobody else's declarations
-- from being restored.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE SCHEMA mal AUTHORIZATION regress_mallory;
CREATE TABLE person (id bigint PRIMARY KEY, age integer);
CREATE TABLE visit (id bigint PRIMARY KEY, person bigint);
SELECT segments.attach('person');
SELECT segments.attach_related('person', 'visits', 'visit', 'person');
SELECT segments.define_field('person', 'half', expression => 'age / 2');

-- Rows of relations go with their tables, also where their owner has no right to them any more.
SET ROLE regress_mallory;
CREATE TABLE mal.mc (id bigint PRIMARY KEY, v text);
CREATE TABLE mal.me (id bigint PRIMARY KEY, person bigint, amount integer);
CREATE TABLE mal.company (id bigint PRIMARY KEY, name text);
ALTER TABLE mal.mc ADD COLUMN company bigint REFERENCES mal.company;
SELECT segments.attach('mal.mc');
SELECT segments.attach_related('mal.mc', 'events', 'mal.me', 'person');
SELECT segments.attach_company('mal.mc', 'mal.company');
SELECT segments.define_field('mal.mc', 'amount', object => 'behaviors', relation => 'events');
SELECT segments.define_field('mal.mc', 'name', 'text', object => 'company');
SELECT segments.create_segment('Spent', '[{"object": "behaviors", "field": "amount", "operator": "gt", "properties": {"filter": 1}}]', contact_table => 'mal.mc') IS NOT NULL AS created;
DROP TABLE mal.me;
REVOKE ALL ON mal.me, mal.company FROM regress_mallory;
DROP TABLE mal.me;
DROP TABLE mal.company CASCADE;
SELECT contact_table, name FROM segments.relation ORDER BY 1, 2;
-- what is left is for its owner to mend
INSERT INTO mal.mc VALUES (1, 'a');
ALTER TABLE mal.mc ADD COLUMN w text;
SELECT segments.delete_segment('spent');
SELECT segments.drop_field('mal.mc', 'name', 'company');
ALTER TABLE mal.mc ADD COLUMN x text;

-- What a session leaves behind isn't declared.
CREATE FUNCTION pg_temp.tf(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TYPE pg_temp.mood AS ENUM ('a', 'b');
CREATE DOMAIN pg_temp.word AS text;
CREATE TEMP TABLE tt (v text);
SELECT segments.define_field('mal.mc', 'temporary', expression => 'pg_temp.tf(v)');
SELECT segments.define_field('mal.mc', 'temporary', 'text', expression => '(v::pg_temp.mood)::text');
SELECT segments.define_field('mal.mc', 'temporary', 'text', expression => 'CASE WHEN ''a'' = ANY (ARRAY[v::pg_temp.word]) THEN v END');
SELECT segments.define_field('mal.mc', 'temporary', 'number', expression => '(SELECT count(*) FROM tt)', unfollowed => true);

-- Who drops a trigger is not restoring.
DROP TRIGGER segments_after_update ON mal.mc;
ALTER TABLE mal.mc_segment_member ALTER contact_id TYPE text;
DROP TABLE mal.mc_segment_member;
ALTER TABLE mal.mc ALTER id TYPE text;
SELECT segments.attach('mal.mc');

SELECT segments.define_field('mal.mc', 'f', expression => 'lower(v)');
SELECT segments.create_segment('F', '[{"field": "f", "operator": "=", "properties": {"filter": "a"}}]', contact_table => 'mal.mc') IS NOT NULL AS created;

-- What names something that isn't there is left out of a restore, the rest is not.
RESET ROLE;
CREATE TABLE mal.other (id bigint PRIMARY KEY, v text);
SET session_replication_role = replica;
DELETE FROM segments.field_definition WHERE field = 'f';
SET session_replication_role = origin;
SET check_function_bodies = off;
COPY segments.contact_table (contact_table, key_column, key_type, member_table, override_table, change_table) FROM STDIN;
mal.other	id	bigint	4000000000	4000000001	4000000002
\.
COPY segments.relation (contact_table, name, related_table, contact_column) FROM STDIN;
mal.mc	gone	4000000000	person
mal.mc	column	public.visit	nothing
public.person	more	public.visit	person
\.
COPY segments.field_definition (contact_table, object, field, type, expression, aggregate) FROM STDIN;
mal.mc	lead	broken	text	no_such(v)	\N
mal.mc	lead	f	text	no_such(v)	\N
mal.mc	lead	contradicts	text	v	count
public.person	lead	third	number	age / 3	\N
\.
RESET check_function_bodies;
SELECT contact_table FROM segments.contact_table ORDER BY 1;
SELECT contact_table, name FROM segments.relation ORDER BY 1, 2;
SELECT contact_table, field, expression FROM segments.field_definition ORDER BY 1, 2;
-- and what has no meaning is in nobody's way
CREATE FUNCTION no_such2(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
DROP FUNCTION no_such2(text);
ALTER TABLE person ADD COLUMN note text;
SELECT * FROM segments.check();
SELECT segments.refresh_due();

DROP TABLE person, visit;
DROP SCHEMA mal CASCADE;
DROP OWNED BY regress_mallory;
DROP ROLE regress_mallory;
