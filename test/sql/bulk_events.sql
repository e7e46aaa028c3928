-- Events of many contacts in one statement: members are read together, and rows of contacts that have too few of them are only counted.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS segments;
CREATE SCHEMA b;
CREATE TABLE b.contact (id bigint PRIMARY KEY, points int);
CREATE TABLE b.person (name text PRIMARY KEY, points int);
CREATE TABLE b.hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint REFERENCES b.contact ON DELETE CASCADE, name text REFERENCES b.person ON DELETE CASCADE, url text, counts boolean NOT NULL);
CREATE INDEX ON b.hit (contact_id);
CREATE INDEX ON b.hit (name);
SELECT segments.attach(t) FROM unnest(ARRAY['b.contact', 'b.person']::regclass[]) AS t;
SELECT segments.attach_related('b.contact', 'hit', 'b.hit', 'contact_id'), segments.attach_related('b.person', 'hit', 'b.hit', 'name');
SELECT count(segments.define_field(t, field, object => 'behaviors', relation => 'hit', column_name => column_name, aggregate => aggregate, condition => condition))
FROM unnest(ARRAY['b.contact', 'b.person']::regclass[]) AS t, (VALUES ('hits', NULL::name, 'count', NULL), ('counted', NULL, 'count', 'counts'), ('url', 'url', NULL, NULL)) AS f(field, column_name, aggregate, condition);
CREATE FUNCTION b.f(object text, field text, op text, value text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('glue', 'and', 'object', object, 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', value));
CREATE FUNCTION b.wrong() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM segments.check(NULL, NULL::bigint));

-- Of these no contact with one row or two passes any; the second kind also asks the contact's own row.
SELECT count(segments.create_segment(format('%s %s %s', t, field, k), jsonb_build_array(b.f('behaviors', field, 'gte', k::text))::segments.filter, contact_table => t))
FROM unnest(ARRAY['b.contact', 'b.person']::regclass[]) AS t, unnest(ARRAY['hits', 'counted']) AS field, generate_series(3, 14) AS k;
SELECT count(segments.create_segment(format('%s five', t), jsonb_build_array(b.f('behaviors', 'hits', '=', '5'))::segments.filter, contact_table => t)) FROM unnest(ARRAY['b.contact', 'b.person']::regclass[]) AS t;
SELECT count(segments.create_segment(format('%s %s', t, page), jsonb_build_array(b.f('behaviors', 'url', 'contains', page), b.f('lead', 'points', op, '2'))::segments.filter, contact_table => t))
FROM unnest(ARRAY['b.contact', 'b.person']::regclass[]) AS t, (VALUES ('/a', 'gte'), ('/ab', '!='), ('/abcdefgh', 'lt'), ('/ABCDEFGHI', 'lt'), ('x', 'gte')) AS p(page, op);
INSERT INTO b.contact SELECT n, n % 5 FROM generate_series(1, 400) AS n;
INSERT INTO b.person SELECT (ARRAY['a', 'B', 'c', 'D', 'Z', 'z', 'É'])[1 + n % 7] || n, n % 5 FROM generate_series(1, 400) AS n;
CREATE FUNCTION b.hits(first integer, last integer, page text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO b.hit (contact_id, name, url, counts)
    SELECT n, (SELECT name FROM b.person WHERE name LIKE '%' || n AND ltrim(name, 'aBcDZzÉ') = n::text), page, n % 3 > 0 FROM generate_series(first, last) AS n;
END;

SELECT b.hits(1, 400, 'https://a.example/ab');
SELECT b.hits(30, 330, 'https://a.example/abcdefghi');
SELECT b.wrong();
-- Three and more; every page has been seen by somebody already.
SELECT b.hits(1, 200, 'https://a.example/ab'), b.hits(100, 300, 'x'), b.hits(150, 160, NULL);
SELECT b.wrong();
SELECT b.hits(n, n + 40, '/Abcdefghi') FROM generate_series(1, 350, 70) AS n;
SELECT b.wrong();
-- Rows that are gone still lead from the index.
DELETE FROM b.hit WHERE id % 3 = 0;
SELECT b.hits(1, 400, '/a');
SELECT b.wrong();
UPDATE b.hit SET contact_id = contact_id % 400 + 1, counts = NOT counts WHERE id % 4 = 1;
DELETE FROM b.hit WHERE contact_id BETWEEN 50 AND 120;
SELECT b.wrong();
-- One contact, again and again, through all of them.
DO $$ BEGIN FOR i IN 1 .. 9 LOOP PERFORM b.hits(77, 77, '/a'); END LOOP; END $$;
SELECT b.wrong();
DO $$ BEGIN FOR i IN 1 .. 7 LOOP DELETE FROM b.hit WHERE id = (SELECT max(id) FROM b.hit WHERE contact_id = 77); END LOOP; END $$;
SELECT b.wrong();
-- The key of the contacts by another index.
ALTER TABLE b.hit DROP CONSTRAINT hit_contact_id_fkey;
ALTER TABLE b.contact DROP CONSTRAINT contact_pkey, ADD CONSTRAINT contact_by_id PRIMARY KEY (id);
SELECT b.hits(1, 400, '/x');
SELECT b.wrong();
SELECT count(*) > 1000 AS members FROM b.contact_segment_member;
DROP SCHEMA b CASCADE;
