-- Keys as text: the same whatever the session's settings, and no code of whoever owns their type.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE key_owner;
CREATE SCHEMA key_text;
GRANT ALL ON SCHEMA key_text TO key_owner;
SET search_path = key_text;

-- keys that print as a session's settings say
CREATE TABLE days (k date PRIMARY KEY, e text);
CREATE TABLE instants (k timestamptz PRIMARY KEY);
CREATE TABLE floats (k double precision PRIMARY KEY);
CREATE TABLE spans (k interval PRIMARY KEY);
CREATE TABLE bytes (k bytea PRIMARY KEY);
SELECT count(segments.attach(t)) FROM unnest('{days,instants,floats,spans,bytes}'::regclass[]) AS t;
INSERT INTO days VALUES ('2026-02-01'), ('2026-01-02'), ('0044-03-15 BC');
INSERT INTO instants VALUES ('2026-02-01 10:00+00'), ('2026-01-02 10:00:00.123456+00');
INSERT INTO floats VALUES (0.1::float8 + 0.2::float8), (0.3), (1e300);
INSERT INTO spans VALUES ('-1 mons +2 days -03:00:00'), ('-1 mons -2 days -03:00:00'), ('1 day');
INSERT INTO bytes VALUES ('\x00ff'), ('\\x');
SELECT count(segments.create_segment(t, contact_table => t::regclass)) FROM unnest('{days,instants,floats,spans,bytes}'::text[]) AS t;
CREATE FUNCTION calls(segment text, key anyelement, relation regclass) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    alone bigint;
BEGIN
    -- one at a time: what is done to one contact is done to no other
    PERFORM segments.add_contact(segment, key);
    alone := segments.count(segment);
    RETURN alone = 1 AND segments.is_member(segment, key)
        AND segments.why(segment, key) @> '{"exists": true, "member": true, "override": "included"}'
        AND (SELECT segments.why(segment, m.contact_id) ->> 'contact' = m.contact_id FROM segments.member_keys(segment) AS m)
        AND EXISTS (SELECT FROM segments.contact_segments(key, relation))
        AND (SELECT s = segments_internal.value_text(key) FROM segments.search(format('ids:"%s"', segments_internal.value_text(key)), relation, NULL::text) AS s)
        AND segments.remove_contact(segment, key)
        AND (SELECT bool_and(s.success) FROM segments.change_segments(ARRAY[key], add => ARRAY[segment]) AS s)
        AND (SELECT bool_and(s.success) FROM segments.change_segments(ARRAY[key], remove => ARRAY[segment]) AS s);
END
$$;
SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo'; SET intervalstyle = sql_standard; SET extra_float_digits = -5; SET bytea_output = escape;
SELECT 'days' AS relation, count(*) FILTER (WHERE calls('days', k, 'days')) AS exact, count(*) FROM days;
SELECT 'instants' AS relation, count(*) FILTER (WHERE calls('instants', k, 'instants')) AS exact, count(*) FROM instants;
SELECT 'floats' AS relation, count(*) FILTER (WHERE calls('floats', k, 'floats')) AS exact, count(*) FROM floats;
SELECT 'spans' AS relation, count(*) FILTER (WHERE calls('spans', k, 'spans')) AS exact, count(*) FROM spans;
SELECT 'bytes' AS relation, count(*) FILTER (WHERE calls('bytes', k, 'bytes')) AS exact, count(*) FROM bytes;
-- a text is read as the session writes it
SELECT segments.why('days', '01/02/2026') ->> 'contact' AS contact, segments.why('days', '01/02/2026') -> 'exists' AS exists;
SELECT k FROM segments.search('', 'days', NULL::text) AS k;
SELECT k FROM segments.search('', 'instants', NULL::text) AS k;
SELECT k FROM segments.search('', 'floats', NULL::text) AS k;
SELECT k FROM segments.matching('[{"field": "bucket_1", "operator": "gte", "filter": 0}]', 'floats', key => NULL::text) AS k ORDER BY 1;
ANALYZE floats;
SELECT sample_keys FROM segments.preview('[{"field": "bucket_1", "operator": "gte", "filter": 0}]', 'floats', sample => 5);
SELECT jsonb_object_keys(body -> 'contacts') FROM segments.rest('GET', 'contacts', contact_table => 'floats');
SELECT jsonb_object_keys(body -> 'contacts') FROM segments.rest('GET', 'contacts', contact_table => 'days');
SELECT status, body #>> '{contact,id}' AS id FROM segments.rest('POST', 'contacts/new', body => '{"k": "2026-02-03"}', contact_table => 'days');
SELECT status, body #>> '{contact,id}' AS id FROM segments.rest('GET', 'contacts/2026-02-03', contact_table => 'days');
-- what a line of an import says is what arrives
CREATE TABLE staged (k date, e double precision);
INSERT INTO staged VALUES ('2026-02-03', 0.1::float8 + 0.2::float8);
SELECT updated FROM segments.import_contacts('days', 'staged', match_on => 'k');
RESET ALL;
SET client_min_messages = warning;
SET search_path = key_text;
SELECT k, e FROM days WHERE e <> '';
SELECT count(*) AS differences FROM segments.check(NULL, NULL::text);
SELECT count(segments.detach(t)) FROM unnest('{days,instants,floats,spans,bytes}'::regclass[]) AS t;

-- casts of another role, whose functions would run as whoever calls: here a superuser
SET ROLE key_owner;
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TYPE pair AS (c color, n integer);
CREATE FUNCTION spy(color) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'a cast to text ran as %', current_user; END $$;
CREATE FUNCTION spy_json(color) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'a cast to JSON ran as %', current_user; END $$;
CREATE CAST (color AS text) WITH FUNCTION spy AS ASSIGNMENT;
CREATE CAST (color AS json) WITH FUNCTION spy_json;
CREATE TABLE colored (k color PRIMARY KEY, email color, several color[], both_in pair, note text);
INSERT INTO colored VALUES ('red', 'red', '{red,blue}', '(red,1)', 'x'), ('green', NULL, NULL, NULL, NULL);
SELECT segments.attach('colored');
SELECT segments.create_segment('Colored', contact_table => 'colored') IS NOT NULL AS made;
RESET ROLE;
SELECT segments.add_contact('colored', 'red'::color), segments.add_contact('colored', 'green'), segments.remove_contact('colored', 'green'::color);
SELECT segments.why('colored', 'red'::color) -> 'member' AS red, segments.why('colored', 'green') -> 'member' AS green;
SELECT segments.is_member('colored', 'red'::color), segments.is_member('colored', 'green');
SELECT alias FROM segments.contact_segments('red'::color, 'colored');
SELECT * FROM segments.add_contacts('colored', '{green,blue}'::color[]);
SELECT contact_id FROM segments.member_keys('colored');
SELECT k FROM segments.search('', 'colored', NULL::text) AS k;
SELECT k FROM segments.search('is:anonymous', 'colored', NULL::color) AS k;
SELECT k FROM segments.search('ids:red,green', 'colored', NULL::text) AS k;
ANALYZE colored;
SELECT sample_keys FROM segments.preview('[{"field": "note", "operator": "=", "filter": "x"}]', 'colored', sample => 3);
SELECT contact_id, joined FROM segments.read_changes('reader', NULL::text, contact_table => 'colored');
SELECT status, body #> '{contact,id}' AS id, body #> '{contact,fields,all}' AS fields FROM segments.rest('GET', 'contacts/red', contact_table => 'colored');
SELECT status, jsonb_object_keys(body -> 'contacts') FROM segments.rest('GET', 'contacts', contact_table => 'colored');
SELECT status, body #> '{contact,id}' AS id FROM segments.rest('POST', 'contacts/new', body => '{"k": "blue", "email": "red"}', contact_table => 'colored');
SELECT status, body FROM segments.rest('POST', format('segments/%s/contacts/remove', segments.resolve_segment('colored')), body => '["blue", "red"]', contact_table => 'colored');
CREATE TABLE staged_color (k text, email color, note text);
INSERT INTO staged_color VALUES ('red', 'blue', 'y'), ('green', 'red', 'z');
SELECT created, updated, unchanged, rejected FROM segments.import_contacts('colored', 'staged_color', match_on => 'k');
SELECT k, email, note FROM colored ORDER BY k;
SELECT count(*) AS differences FROM segments.check('colored', NULL::text);
SELECT segments.detach('colored');
DROP SCHEMA key_text CASCADE;
DROP ROLE key_owner;
