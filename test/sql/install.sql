-- A schema of that name which others can put objects into is not made ours.
\set VERBOSITY terse
SELECT current_database() AS here \gset
SELECT md5(string_agg(concat_ws(' ', p.oid::regprocedure, p.proacl), ',' ORDER BY p.oid::regprocedure::text COLLATE "C")) AS rights
FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^segments' \gset
CREATE ROLE regress_install;
CREATE ROLE regress_install_stranger;
CREATE DATABASE regress_install TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_install
SET client_min_messages = warning;
CREATE SCHEMA segments AUTHORIZATION regress_install;
CREATE EXTENSION segments;
ALTER SCHEMA segments OWNER TO current_user;
GRANT CREATE ON SCHEMA segments TO regress_install;
CREATE EXTENSION segments;
REVOKE ALL ON SCHEMA segments FROM regress_install;
CREATE FUNCTION segments.fold(value varchar) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE EXTENSION segments;
DROP FUNCTION segments.fold(varchar);
-- rights on functions are the same where new ones are nobody's
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
CREATE EXTENSION segments;
SELECT md5(string_agg(concat_ws(' ', p.oid::regprocedure, p.proacl), ',' ORDER BY p.oid::regprocedure::text COLLATE "C")) = :'rights' AS as_elsewhere
FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^segments';
SELECT t.oid::regtype AS type, t.typacl FROM pg_type AS t WHERE t.typnamespace::regnamespace::text ~ '^segments' AND t.typacl IS NOT NULL;
SELECT defaclnamespace::regnamespace AS schema, defaclobjtype AS kind FROM pg_default_acl ORDER BY 2;
-- where the encoding has few letters all works as well
CREATE TABLE person (id int PRIMARY KEY, name text);
SELECT segments.attach('person');
SELECT segments.create_segment('Été', '[{"field":"name","operator":"=","properties":{"filter":"ete"}}]') > 0 AS created;
INSERT INTO person VALUES (1, 'Été'), (2, 'Hiver');
SELECT contact_id FROM segments.members('ete');
SELECT count(*) FROM segments.check();

-- who needs nothing of it needs no right on it: DDL, and writes of what others' segments read
CREATE SCHEMA s AUTHORIZATION regress_install;
GRANT USAGE ON SCHEMA s TO regress_install_stranger;
CREATE SCHEMA strange AUTHORIZATION regress_install_stranger;
SET ROLE regress_install;
CREATE TABLE s.person (id int PRIMARY KEY, name text);
CREATE TABLE s.event (person_id int, kind text);
CREATE TABLE s.whole (person_id int, kind text) PARTITION BY LIST (kind);
SELECT segments.attach('s.person');
SELECT segments.attach_related('s.person', 'events', 's.event', 'person_id');
SELECT segments.attach_related('s.person', 'wholes', 's.whole', 'person_id');
SELECT segments.create_segment('Clicked', '[{"rows": "events", "filters": [{"field": "kind", "operator": "=", "properties": {"filter": "click"}}]}]', contact_table => 's.person') > 0 AS created;
SELECT segments.create_point_trigger('Second', 2, add => '{clicked}', contact_table => 's.person', field => 'id') > 0 AS created;
GRANT SELECT, INSERT, UPDATE, DELETE ON s.person, s.event TO regress_install_stranger;
RESET ROLE;
REVOKE USAGE ON SCHEMA segments, segments_internal FROM PUBLIC;
REVOKE SELECT ON segments.contact_table FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA segments, segments_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA segments, segments_internal TO regress_install;
GRANT SELECT ON segments.contact_table TO regress_install;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA segments, segments_internal TO regress_install;
\c
SET ROLE regress_install_stranger;
CREATE TABLE strange.t (a int, b int);
CREATE TEMP TABLE t (a int);
CREATE TABLE strange.parts (a int) PARTITION BY LIST (a);
CREATE TABLE strange.part PARTITION OF strange.parts FOR VALUES IN (1);
ALTER TABLE strange.t ADD COLUMN c int, DROP COLUMN b;
ALTER TABLE strange.t RENAME COLUMN a TO d;
ALTER TABLE strange.t RENAME TO u;
CREATE FUNCTION strange.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION strange.f() RENAME TO g;
DROP FUNCTION strange.g();
DROP TABLE strange.u, strange.parts, t;
INSERT INTO s.person VALUES (1, 'a'), (2, 'b');
INSERT INTO s.event VALUES (1, 'click'), (2, 'click');
UPDATE s.person SET name = 'c' WHERE id = 1;
UPDATE s.event SET kind = 'view' WHERE person_id = 2;
DELETE FROM s.event WHERE person_id = 2;
DELETE FROM s.person WHERE id = 2;
RESET ROLE;
SELECT contact_id FROM segments.members('clicked');
SELECT count(*) FROM segments.check();
SET ROLE regress_install;
ALTER TABLE s.person ADD COLUMN city text;
DROP TABLE s.person, s.event, s.whole;
RESET ROLE;
SELECT contact_table FROM segments.contact_table;
\c :here
DROP DATABASE regress_install;
DROP ROLE regress_install, regress_install_stranger;
