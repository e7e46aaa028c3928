-- What a name in a filter means is fixed when the filter is stored.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA meaning;
SET search_path = meaning;
CREATE TABLE person (id int PRIMARY KEY, firm_id int, source text, v int, a text, b text, d text);
CREATE TABLE firm (id int PRIMARY KEY, city text, fax text, tel text);
CREATE TABLE hit (id int PRIMARY KEY, person_id int, source text, url text, title text);
SELECT segments.attach('person');
SELECT segments.attach_company('person', 'firm', 'firm_id');
SELECT segments.attach_related('person', 'hit', 'hit', 'person_id');
SELECT segments.define_field('person', f, 'text', object => 'behaviors', relation => 'hit', column_name => f) FROM unnest('{source,url,title}'::text[]) AS f;
INSERT INTO firm VALUES (1, 'Oslo', '1', '2');
INSERT INTO person SELECT i, 1, CASE WHEN i < 5 THEN 'web' END, i, 'a', 'b', 'd' FROM generate_series(1, 10) AS i;
INSERT INTO hit SELECT i, i, 'web', '/' || i, 't' FROM generate_series(4, 8) AS i;
CREATE FUNCTION filters(field text, value text, object text DEFAULT 'lead') RETURNS segments.filter LANGUAGE sql AS
    $$ SELECT jsonb_build_array(jsonb_build_object('object', object, 'field', field, 'operator', '=', 'properties', jsonb_build_object('filter', value)))::segments.filter $$;
CREATE FUNCTION members() RETURNS TABLE (alias text, other_objects text[], members text) LANGUAGE sql AS $$
    SELECT s.alias, s.other_objects, string_agg(m.contact_id::text, ' ' ORDER BY m.contact_id)
    FROM segments.segment AS s LEFT JOIN person_segment_member AS m ON m.segment_id = s.id GROUP BY s.id ORDER BY s.alias $$;
INSERT INTO segments.segment (name, filters) VALUES
    ('From web', filters('source', 'web')), ('Url', filters('url', '/7')), ('By object', filters('title', 't', 'behaviors')),
    ('In Oslo', filters('city', 'Oslo', 'company'));
INSERT INTO segments.segment (name, filters) VALUES ('Segment', filters('leadlist', 'url'));
SELECT * FROM members();

-- a field of the contact goes, and the name would be that of a behaviour
\set VERBOSITY default
\set SHOW_CONTEXT never
ALTER TABLE person DROP COLUMN source;
\set VERBOSITY terse
ALTER TABLE person ALTER COLUMN source TYPE bytea USING NULL;
-- a field of the contact comes, and the name was that of a behaviour
\set VERBOSITY default
ALTER TABLE person ADD COLUMN url text;
\set VERBOSITY terse
ALTER TABLE person RENAME COLUMN d TO url;
ALTER TABLE person ADD COLUMN more int, ADD COLUMN url text;
SELECT segments.define_field('person', 'url', 'text', expression => 'a');
-- which nobody names, and which is no field
ALTER TABLE person ADD COLUMN title text, ADD COLUMN extra int;
ALTER TABLE person ADD COLUMN url bytea;
ALTER TABLE person DROP COLUMN url;
-- membership of segments is that, whatever columns there are
ALTER TABLE person ADD COLUMN leadlist text DEFAULT 'url';
SELECT field, type, source FROM segments.field WHERE field = 'leadlist';
SELECT segments.create_segment('Segment too', filters('leadlist', 'url')) IS NOT NULL AS created;
ALTER TABLE person DROP COLUMN leadlist;
-- declared, and forgotten
SELECT segments.define_field('person', 'hitting', 'text', object => 'behaviors', relation => 'hit', column_name => 'url');
SELECT segments.define_field('person', 'hitting', 'text', expression => 'a');
INSERT INTO segments.segment (name, filters) VALUES ('Hitting', filters('hitting', 'a'));
SELECT segments.drop_field('person', 'hitting');
UPDATE segments.segment SET filters = filters('hitting', '/8') WHERE alias = 'hitting';
SELECT segments.drop_field('person', 'hitting', 'behaviors');
UPDATE segments.segment SET filters = filters('hitting', '/8', 'behaviors') WHERE alias = 'hitting';
SELECT segments.drop_field('person', 'hitting');
SELECT segments.define_field('person', 'hitting', 'text', expression => 'b');
SELECT segments.drop_field('person', 'hitting');
SELECT * FROM members();
-- a declared field goes that hid a column of its name
SELECT segments.define_field('person', 'b', 'text', expression => 'upper(d)'), segments.define_field('person', 'fax', 'text', object => 'company', column_name => 'tel');
INSERT INTO segments.segment (name, alias, filters) VALUES ('Upper', 'upper', filters('b', 'd')), ('Tel', 'tel', filters('fax', '2', 'company'));
\set VERBOSITY default
SELECT segments.drop_field('person', 'b');
\set VERBOSITY terse
SELECT segments.drop_field('person', 'fax', 'company');
SELECT alias, members FROM members() WHERE alias IN ('upper', 'tel');
DELETE FROM segments.segment WHERE alias IN ('upper', 'tel');
SELECT segments.drop_field('person', 'b'), segments.drop_field('person', 'fax', 'company');
-- only the engine writes what was meant
UPDATE segments.segment SET filters = filters('v', '3') WHERE alias = 'hitting';
SELECT other_objects FROM segments.segment WHERE alias = 'hitting';
SELECT segments.drop_field('person', 'hitting');
SELECT count(*) FROM segments.check();

-- A column gets another name: filters follow it.
ALTER TABLE person RENAME COLUMN v TO points;
ALTER TABLE person RENAME COLUMN source TO origin;
ALTER TABLE firm RENAME COLUMN city TO town;
SELECT object, field, column_name FROM segments.field_definition WHERE field IN ('v', 'source', 'city') ORDER BY 1, 2;
UPDATE person SET points = 11 - points, origin = CASE WHEN id > 8 THEN 'web' END;
SELECT * FROM members();
ALTER TABLE person RENAME COLUMN origin TO source;
ALTER TABLE person RENAME COLUMN points TO v;
ALTER TABLE person RENAME COLUMN v TO url;
SELECT count(*) FROM segments.check();
ALTER TABLE person DROP COLUMN source;
ALTER SCHEMA meaning RENAME TO sense;
SET search_path = sense;
INSERT INTO person (id, v, source, firm_id) VALUES (20, 3, 'web', 1);
SELECT * FROM members();
SELECT count(*) FROM segments.check();

-- one filter by the column's name and by that of a field declared for it
SELECT segments.define_field('person', 'points', column_name => 'v');
INSERT INTO segments.segment (name, alias, filters) VALUES ('Twice', 'twice', '[{"field": "v", "operator": "lt", "properties": {"filter": 6}}, {"field": "points", "operator": "gte", "properties": {"filter": 3}}]');
ALTER TABLE person RENAME COLUMN v TO score;
SELECT object, field, column_name FROM segments.field_definition WHERE field IN ('v', 'points') ORDER BY 1, 2;
SELECT members FROM members() WHERE alias = 'twice';
SELECT count(*) FROM segments.check();
ALTER TABLE person RENAME COLUMN score TO v;
DELETE FROM segments.segment WHERE alias = 'twice';
SELECT segments.drop_field('person', 'points');

-- Several columns dropped by one command: as one by one.
SELECT segments.define_field('person', f, 'select') FROM unnest('{a,b,d}'::text[]) AS f;
SELECT segments.define_field('person', f, 'select', object => 'company') FROM unnest('{fax,tel}'::text[]) AS f;
SELECT segments.define_field('person', 'ab', 'text', expression => 'a || b');
ALTER TABLE person DROP COLUMN a, DROP COLUMN b;
SELECT segments.drop_field('person', 'ab');
SELECT segments.create_segment('D', filters('d', 'd')) IS NOT NULL AS created;
ALTER TABLE person DROP COLUMN a, DROP COLUMN d, DROP COLUMN b;
ALTER TABLE person DROP COLUMN a, DROP COLUMN b;
ALTER TABLE firm DROP COLUMN fax, DROP COLUMN tel;
SELECT field FROM segments.field_definition WHERE object <> 'behaviors' ORDER BY 1;
SELECT count(*) FROM segments.check();

-- The key: another name or a wider type is followed, another column or a narrower type refused.
SELECT segments.add_contact('d', 1), segments.remove_contact('from-web', 9), segments.add_contact('url', 2);
ALTER TABLE person ADD COLUMN other int;
UPDATE person SET other = 100 - id;
ALTER TABLE person ALTER COLUMN other SET NOT NULL;
\set VERBOSITY default
ALTER TABLE person DROP CONSTRAINT person_pkey, ADD PRIMARY KEY (other);
\set VERBOSITY terse
ALTER TABLE person RENAME COLUMN id TO person_id;
ALTER TABLE person ALTER COLUMN person_id TYPE text;
ALTER TABLE person ALTER COLUMN person_id TYPE smallint;
ALTER TABLE person ALTER COLUMN person_id TYPE bigint;
SELECT key_column, key_type FROM segments.contact_table;
SELECT attrelid::regclass, atttypid::regtype FROM pg_attribute WHERE attname = 'contact_id' AND attrelid::regclass::text ~ '^person_segment_(member|override|change)$' ORDER BY 1;
ALTER TABLE person_segment_member ALTER COLUMN contact_id TYPE int;
INSERT INTO person (person_id, v, source, firm_id, other) VALUES (5000000000, 3, 'web', 1, 0);
SELECT segments.add_contact('d', 5000000000), segments.remove_contact('from-web', 20::bigint);
SELECT * FROM members();
SELECT bool_and(segments.count(alias) = coalesce(cardinality(string_to_array(members, ' ')), 0)) AS counted FROM members();
SELECT alias, contact_id, included FROM person_segment_override AS o JOIN segments.segment AS s ON s.id = o.segment_id ORDER BY 1, 2;
SELECT count(*) > 20 AS logged FROM segments.read_changes('reader', 100);
CALL segments.rebuild_all();
SELECT count(*) FROM segments.check();
ALTER TABLE person ALTER COLUMN person_id TYPE int USING person_id % 1000000;
SELECT segments.detach('person');

-- An expression over the row as a whole follows what becomes of its columns.
CREATE TABLE c (id int PRIMARY KEY, first text, last text);
CREATE TABLE e (id int PRIMARY KEY, c_id int, kind text);
CREATE FUNCTION full_name(c) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.first || ' ' || $1.last $$;
INSERT INTO c VALUES (1, 'Ada', 'Byron'), (2, 'Max', 'Frisch');
INSERT INTO e VALUES (1, 1, 'x'), (2, 2, 'y');
SELECT segments.attach('c');
SELECT segments.attach_related('c', 'e', 'e', 'c_id', condition => 'length(e::text) < 10');
SELECT segments.define_field('c', 'full_name', 'text', expression => 'full_name(c)');
SELECT segments.define_field('c', 'size', 'number', expression => 'length(c::text)');
SELECT segments.define_field('c', 'kind', 'text', object => 'behaviors', relation => 'e');
INSERT INTO segments.segment (name, filters) VALUES ('Ada', filters('full_name', 'ada byron')), ('Kind', filters('kind', 'x', 'behaviors'));
SELECT segments.create_segment('Long', '[{"field":"size","operator":"gt","properties":{"filter":30}}]') IS NOT NULL AS created;
CREATE FUNCTION counts() RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(alias || ' ' || segments.count(alias), ', ' ORDER BY alias) || ', wrong ' || (SELECT count(*) FROM segments.check()) FROM segments.segment $$;
SELECT counts();
ALTER TABLE c ALTER last TYPE varchar(20) USING upper(left(last, 3));
SELECT counts();
ALTER TABLE c DROP COLUMN last, ADD COLUMN last text DEFAULT 'Byron';
SELECT counts();
ALTER TABLE c ADD COLUMN note text DEFAULT 'a default that makes rows longer';
SELECT counts();
ALTER TABLE e ADD COLUMN more text DEFAULT 'more and more';
SELECT counts();
ALTER TABLE c DROP COLUMN note;
SELECT counts();
ALTER TABLE e DROP COLUMN more;
SELECT counts();
SELECT segments.detach('c');
DROP SCHEMA sense CASCADE;
