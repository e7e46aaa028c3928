-- Columns that point at contacts: what they hold is one contact's key for certain, or none, and whoever writes them gets no error.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA keys;
SET search_path = keys;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE p (id integer PRIMARY KEY, a integer);
CREATE TABLE by_bigint (p_id bigint, k text);
CREATE TABLE by_numeric (p_id numeric, k text);
CREATE TABLE by_smallint (p_id smallint, k text);
CREATE TABLE link (p_id numeric, tag_id integer);
CREATE TABLE tag (id integer PRIMARY KEY, k text);
SELECT segments.attach('p'),
       segments.attach_related('p', 'by_bigint', 'by_bigint', 'p_id'), segments.attach_related('p', 'by_numeric', 'by_numeric', 'p_id'),
       segments.attach_related('p', 'by_smallint', 'by_smallint', 'p_id'), segments.attach_related('p', 'tag', 'tag', 'p_id', link_table => 'link', link_column => 'tag_id');
SELECT count(segments.define_field('p', 'some ' || r, object => 'behaviors', relation => r, column_name => 'k')) FROM unnest('{by_bigint,by_numeric,by_smallint,tag}'::text[]) AS r;
SELECT count(segments.define_field('p', 'all ' || r, 'number', object => 'behaviors', relation => r, aggregate => 'count')) FROM unnest('{by_bigint,by_numeric,by_smallint,tag}'::text[]) AS r;
SELECT count(segments.create_segment('Some ' || r, format('[{"object": "behaviors", "field": "some %s", "operator": "=", "properties": {"filter": "x"}}]', r)::segments.filter)),
       count(segments.create_segment('All ' || r, format('[{"object": "behaviors", "field": "all %s", "operator": "gte", "properties": {"filter": 2}}]', r)::segments.filter))
FROM unnest('{by_bigint,by_numeric,by_smallint,tag}'::text[]) AS r;
CREATE VIEW members AS
SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) AS contacts FROM p_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1;
INSERT INTO p VALUES (1), (2), (3), (2147483647);
INSERT INTO by_bigint VALUES (1, 'x'), (1, 'y'), (3000000000, 'x'), (-9000000000, 'x'), (2147483647, 'x'), (NULL, 'x');
INSERT INTO by_numeric VALUES (1.0, 'x'), (1, 'x'), (1.5, 'x'), (2.4, 'x'), ('NaN', 'x'), (1e40, 'x'), ('-Infinity', 'x'), (2147483647.00, 'x');
INSERT INTO by_smallint VALUES (1, 'x'), (2, 'x'), (2, 'x');
INSERT INTO tag VALUES (1, 'x'), (2, 'y');
INSERT INTO link VALUES (1, 1), (1.00, 2), (1.5, 1), ('NaN', 1), (1e40, 1), (2147483647, 1), (NULL, 1);
TABLE members;
SELECT count(*) AS differences FROM segments.check();
-- from a contact to none and back
UPDATE by_numeric SET p_id = p_id + 0.3;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
UPDATE by_numeric SET p_id = p_id - 0.3;
UPDATE by_bigint SET p_id = 3000000000 - p_id;
UPDATE tag SET k = 'x';
UPDATE link SET p_id = p_id + 1.00;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
UPDATE by_bigint SET p_id = 3000000000 - p_id;
INSERT INTO p VALUES (4), (5);
DELETE FROM by_numeric WHERE p_id = 1.0;
DELETE FROM link WHERE p_id > 3;
TABLE members;
SELECT count(*) AS differences FROM segments.check();
DROP VIEW members;
SELECT segments.detach('p');

-- a key whose domain refuses what is written beside
ALTER TABLE p ALTER id TYPE positive;
SELECT segments.attach('p'), segments.attach_related('p', 'by_bigint', 'by_bigint', 'p_id');
SELECT segments.define_field('p', 'k', object => 'behaviors', relation => 'by_bigint');
SELECT segments.create_segment('K', '[{"object": "behaviors", "field": "k", "operator": "=", "properties": {"filter": "x"}}]') IS NOT NULL AS made;
INSERT INTO by_bigint VALUES (-1, 'x'), (0, 'x'), (2, 'x'), (-8000000000, 'x');
SELECT contact_id FROM segments.members('k') ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('p');

-- what does not tell keys apart
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE by_name (id text PRIMARY KEY);
CREATE TABLE folded (p_id text COLLATE any_case);
CREATE TABLE padded (p_id char(6), k text);
CREATE TABLE by_float (p_id double precision);
CREATE TABLE by_time (id timestamptz PRIMARY KEY);
CREATE TABLE by_day (p_id date);
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE by_pair (id pair PRIMARY KEY);
SELECT segments.attach('by_pair');
-- nor is an array, here and where tables refer to one another
CREATE DOMAIN ids AS integer[];
CREATE TABLE by_array (id ids PRIMARY KEY, name text);
SELECT segments.attach('by_array');
CREATE TABLE array_contact (id integer PRIMARY KEY, of_array ids);
CREATE TABLE array_link (contact_id integer, of_array integer[]);
SELECT segments.attach('array_contact');
SELECT segments.attach_company('array_contact', 'by_array', 'of_array');
SELECT segments.attach_related('array_contact', 'by_array', 'by_array', 'contact_id', link_table => 'array_link', link_column => 'of_array', key_column => 'id');
SELECT segments.detach('array_contact');
SELECT segments.attach('p'), segments.attach('by_name'), segments.attach('by_time');
SELECT segments.attach_related('by_name', 'folded', 'folded', 'p_id');
SELECT segments.attach_related('p', 'by_float', 'by_float', 'p_id');
SELECT segments.attach_related('p', 'by_float', 'by_float', 'p_id', link_table => 'link', link_column => 'tag_id', key_column => 'p_id');
SELECT segments.detach_related('p', 'by_float');
SELECT segments.attach_related('by_time', 'by_day', 'by_day', 'p_id');
SELECT segments.attach_related('p', 'by_bigint', 'by_bigint', 'p_id');
ALTER TABLE by_bigint ALTER p_id TYPE double precision;
ALTER TABLE by_bigint ALTER p_id TYPE text;
ALTER TABLE by_bigint ALTER p_id TYPE numeric;
SELECT segments.attach_related('by_name', 'padded', 'padded', 'p_id');
SELECT segments.define_field('by_name', 'k', object => 'behaviors', relation => 'padded');
SELECT segments.create_segment('Padded', '[{"object": "behaviors", "field": "k", "operator": "=", "properties": {"filter": "x"}}]', contact_table => 'by_name') IS NOT NULL AS made;
INSERT INTO by_name VALUES ('ab'), ('ab '), ('AB'), ('');
INSERT INTO padded VALUES ('ab', 'x'), ('', 'y');
UPDATE padded SET k = 'x';
SELECT '"' || contact_id || '"' FROM segments.members('padded', key => NULL::text) ORDER BY 1;
ALTER TABLE padded ALTER p_id TYPE text COLLATE any_case;
UPDATE padded SET p_id = 'AB' WHERE p_id = 'ab';
SELECT '"' || contact_id || '"' FROM segments.members('padded', key => NULL::text) ORDER BY 1;
SELECT count(*) AS differences FROM segments.check(NULL, NULL::text);
SELECT segments.detach('p'), segments.detach('by_name'), segments.detach('by_time');
DROP SCHEMA keys CASCADE;
