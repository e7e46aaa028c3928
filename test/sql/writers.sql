-- Members don't depend on the settings of who writes: expressions over functions that are called immutable and read settings.
SET client_min_messages = warning;
CREATE TABLE writer (id int PRIMARY KEY, b bytea, p point, c circle, q text, ts timestamp, tz timestamptz);
SELECT segments.attach('writer'), segments.define_field('writer', 'b', 'text'), segments.define_field('writer', 'p', 'text'), segments.define_field('writer', 'c', 'text'),
    segments.define_field('writer', 'quoted', 'text', expression => 'quote_ident(q)'),
    segments.define_field('writer', 'abbreviated', 'datetime', expression => 'ts at time zone ''IST'''),
    segments.define_field('writer', 'named', 'datetime', expression => 'ts at time zone ''Asia/Kolkata'''),
    segments.define_field('writer', 'aged', 'boolean', expression => 'age(tz, ''2026-03-01 00:00+00'') = ''1 mon''::interval');
CREATE TABLE asked (name text, filters segments.filter);
INSERT INTO asked SELECT name, json_build_array(json_build_object('field', name, 'operator', operator, 'properties', json_build_object('filter', value)))::text::segments.filter
FROM (VALUES ('b', 'contains', 'dead'), ('p', 'contains', '0.30000000000000004'), ('c', 'contains', '0.30000000000000004'), ('quoted', '=', 'abc'), ('abbreviated', 'gte', '2026-03-01 12:00'),
    ('named', 'lt', '2026-03-01 12:00'), ('aged', '=', '1')) AS a (name, operator, value);
SELECT count(segments.create_segment('By ' || name, filters, contact_table => 'writer')) FROM asked;
SET bytea_output = escape; SET extra_float_digits = 0; SET quote_all_identifiers = on; SET timezone_abbreviations = 'India'; SET timezone = 'America/New_York';
INSERT INTO writer VALUES (1, '\xdeadbeef', point(0.1::float8 + 0.2::float8, 1), circle(point(0.1::float8 + 0.2::float8, 1), 1), 'abc', '2026-03-01 15:00', '2026-04-01 00:00+00');
SELECT name, segments.is_member('by-' || name, 1) AS member, segments.matches(w, filters) AS call, (SELECT count(*) FROM segments.matching(filters, 'writer') AS k) AS found
FROM asked, writer AS w ORDER BY name;
-- the same with the filter in the statement, where the call may become the condition
SELECT segments.matches(w, '[{"field":"b","operator":"contains","properties":{"filter":"dead"}}]') AS bytes,
    segments.matches(w, '[{"field":"p","operator":"contains","properties":{"filter":"0.30000000000000004"}}]') AS point,
    segments.matches(w, '[{"field":"quoted","operator":"=","properties":{"filter":"abc"}}]') AS name,
    segments.matches(w, '[{"field":"abbreviated","operator":"gte","properties":{"filter":"2026-03-01 12:00"}}]') AS abbreviation,
    segments.matches(w, '[{"field":"aged","operator":"=","properties":{"filter":1}}]') AS age
FROM writer AS w;
RESET ALL;
SELECT s.alias, c.contact_id, c.stored, c.evaluated FROM segments.check() AS c JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY 1;
-- what names its zone in full is planned like the condition written by hand
EXPLAIN (COSTS OFF) SELECT id FROM writer AS w WHERE segments.matches(w, '[{"field":"named","operator":"lt","properties":{"filter":"2026-03-01 12:00"}}]');
SELECT segments.detach('writer');
DROP TABLE writer, asked;
