-- A schema of that name which others can put objects into is not made ours.
\set VERBOSITY terse
SELECT current_database() AS here \gset
CREATE ROLE regress_install;
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
CREATE EXTENSION segments;
-- where the encoding has few letters all works as well
CREATE TABLE person (id int PRIMARY KEY, name text);
SELECT segments.attach('person');
SELECT segments.create_segment('Été', '[{"field":"name","operator":"=","properties":{"filter":"ete"}}]') > 0 AS created;
INSERT INTO person VALUES (1, 'Été'), (2, 'Hiver');
SELECT contact_id FROM segments.members('ete');
SELECT count(*) FROM segments.check();
\c :here
DROP DATABASE regress_install;
DROP ROLE regress_install;
