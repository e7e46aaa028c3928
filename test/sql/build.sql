-- Whole segments: built together, rebuilt, checked in two ways.
CREATE FUNCTION f(VARIADIC conditions text[]) RETURNS segments.filter LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('glue', CASE WHEN w[1] = 'or ' THEN 'or' ELSE 'and' END, 'object', w[2], 'field', w[3], 'operator', w[4], 'properties',
                                        CASE WHEN w[5] IS NULL THEN '{}' ELSE jsonb_build_object('filter', CASE WHEN w[5] LIKE '[%' THEN w[5]::jsonb ELSE to_jsonb(w[5]) END) END))::segments.filter
    FROM unnest(conditions) AS c, regexp_match(c, '^(or )?(\S+) (\S+) (\S+)(?: (.*))?$') AS w
$$;
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, city text COLLATE "C", points integer, tags text[], seen timestamptz, born date);
CREATE TABLE crm.hits (id bigint GENERATED ALWAYS AS IDENTITY, lead_id bigint REFERENCES crm.leads ON DELETE CASCADE, url text);
INSERT INTO crm.leads
SELECT n, (ARRAY['Oslo', 'Rome', 'Bonn', NULL])[1 + n % 4], nullif(n % 50, 7), string_to_array(left('abc', n % 4), NULL),
       timestamptz '2026-01-10 12:00+00' - n * interval '1 hour', date '1980-01-01' + n % 400
FROM generate_series(1, 6000) AS n;
INSERT INTO crm.hits (lead_id, url) SELECT n, '/' || n % 3 FROM generate_series(1, 6000, 4) AS n;
SELECT segments.attach('crm.leads');
SELECT segments.attach_related('crm.leads', 'hits', 'crm.hits', 'lead_id');
SELECT segments.define_field('crm.leads', 'hits', 'number', object => 'behaviors', relation => 'hits', aggregate => 'count');
SELECT segments.define_field('crm.leads', 'url', object => 'behaviors', relation => 'hits', column_name => 'url');
SELECT segments.define_field('crm.leads', 'tags', 'multiselect');
SET segments.now = '2026-01-10 12:00:00+00';
CREATE FUNCTION log() RETURNS TABLE (alias text, contact_id bigint, joined boolean, cause text) LANGUAGE sql AS $$
    SELECT s.alias, c.contact_id, c.joined, c.cause FROM crm.leads_segment_change AS c JOIN segments.segment AS s ON s.id = c.segment_id
    WHERE c.xact = (SELECT max(xact) FROM crm.leads_segment_change) ORDER BY c.n
$$;
-- both ways of checking find the same
CREATE FUNCTION checked() RETURNS TABLE (found text, alias text, contact_id bigint, stored boolean, evaluated boolean, reason text) LANGUAGE sql AS $$
    SELECT coalesce(q.way || ' and ' || s.way, q.way, s.way), g.alias, contact_id, coalesce(q.stored, s.stored),
           coalesce(q.evaluated, s.evaluated), coalesce(q.reason, s.reason)
    FROM (SELECT 'query' AS way, * FROM segments.check(by_query => true)) AS q
    FULL JOIN (SELECT 'scan' AS way, * FROM segments.check(by_query => false)) AS s USING (segment_id, contact_id, stored, evaluated, reason)
    JOIN segments.segment AS g ON g.id = segment_id ORDER BY 2, 3
$$;

-- many at once: every kind of condition, and references among them
INSERT INTO segments.segment (name, filters) VALUES
    ('Oslo', f('lead city = oslo')), ('Not Oslo', f('lead city != oslo')), ('Points', f('lead points between [10, 20]')),
    ('Few', f('lead points lt 5', 'or lead city empty')), ('Tags', f('lead tags in ["a","c"]')), ('All tags', f('lead tags includingAll ["a","b"]')),
    ('Like', f('lead city contains o')), ('Regexp', f('lead city regexp ^[br]')), ('Hits', f('behaviors hits gte 1')),
    ('Url', f('behaviors url in /1', 'lead points gte 25')), ('No url', f('behaviors url !in /1', 'lead city in rome')),
    ('Recent', f('lead seen inLast 2 days')), ('Birthday', f('lead born = anniversary')), ('Everybody', f('lead points !empty', 'or lead points empty')),
    ('Referring', f('lead leadlist in ["oslo","tags"]', 'lead leadlist !in hits')), ('Deep', f('lead leadlist in referring')), ('By hand', '[]');
SELECT alias, count(m.contact_id), s.state FROM segments.segment AS s LEFT JOIN crm.leads_segment_member AS m ON m.segment_id = s.id GROUP BY s.id ORDER BY s.id;
SELECT * FROM checked();
SELECT count(*), count(DISTINCT (segment_id, contact_id)), bool_and(joined), string_agg(DISTINCT cause, ' ') FROM crm.leads_segment_change;

-- what differs is found in both ways, and rebuilt; what does not is left alone
SELECT segments.add_contact('oslo', 1::bigint), segments.add_contact('by-hand', 2::bigint), segments.remove_contact('oslo', 4::bigint), segments.remove_contact('oslo', 8::bigint);
SELECT * FROM checked();
DELETE FROM crm.leads_segment_member WHERE contact_id IN (1, 2, 3, 12);
INSERT INTO crm.leads_segment_member (segment_id, contact_id) SELECT id, k FROM segments.segment, unnest('{4,9,99999}'::bigint[]) AS k WHERE alias IN ('oslo', 'tags', 'hits') ON CONFLICT DO NOTHING;
SELECT * FROM checked();
BEGIN;
CALL segments.rebuild_all();
SELECT * FROM log() ORDER BY alias, contact_id;
SELECT * FROM checked();
COMMIT;
SELECT max(xact) AS before FROM crm.leads_segment_change \gset
CALL segments.rebuild_all();
SELECT segments.rebuild('oslo');
SELECT max(xact) = :before AS nothing_written FROM crm.leads_segment_change;
SELECT segments.rebuild('nobody');

-- time: segments that were brought further than now are evaluated there
SELECT segments.refresh_due('2026-01-13 00:00+00') > 0 AS moved;
SELECT * FROM checked();
CALL segments.rebuild_all();
SELECT * FROM checked();
UPDATE segments.segment SET filters = f('lead seen inLast 1 day') WHERE alias = 'recent';
SELECT * FROM checked();

-- references are followed by rank, whatever the order of ids: each segment once
INSERT INTO segments.segment (name, filters) VALUES ('Base', f('lead points = 49'));
INSERT INTO segments.segment (name, filters) VALUES ('Left', f('lead leadlist in base'));
INSERT INTO segments.segment (name, filters) VALUES ('Bottom', f('lead leadlist in left'));
INSERT INTO segments.segment (name, filters) VALUES ('Right', f('lead leadlist in base'));
UPDATE segments.segment SET filters = f('lead leadlist in left', 'lead leadlist !in right') WHERE alias = 'bottom';
SELECT alias, count(m.contact_id) FROM segments.segment AS s LEFT JOIN crm.leads_segment_member AS m ON m.segment_id = s.id
WHERE alias IN ('base', 'left', 'right', 'bottom') GROUP BY alias ORDER BY alias;
UPDATE segments.segment SET filters = f('lead points = 48') WHERE alias = 'base';
SELECT alias, joined, cause, count(*) FROM log() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM checked();
-- a field that they read is defined anew
SELECT segments.define_field('crm.leads', 'points', 'number', expression => '49 - points');
SELECT alias, joined, cause, count(*) FROM log() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM checked();
TRUNCATE crm.hits;
SELECT alias, joined, cause, count(*) FROM log() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM checked();

-- what a function calls is not watched: rebuilding knows its new body
CREATE FUNCTION crm.factor() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION crm.worth(points integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT points * crm.factor()';
SELECT segments.define_field('crm.leads', 'worth', 'number', expression => 'crm.worth(points)');
SELECT segments.create_segment('Worthy', f('lead worth gte 90')) IS NOT NULL AS created;
CREATE OR REPLACE FUNCTION crm.factor() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3';
SELECT count(*) FROM checked() WHERE alias = 'worthy';
SELECT segments.rebuild('worthy');
SELECT * FROM checked();
UPDATE crm.leads SET points = 31 WHERE id = 1;
SELECT * FROM checked();

-- in one transaction with what it reads
BEGIN;
INSERT INTO crm.leads SELECT n, 'Oslo', 1 FROM generate_series(7001, 7100) AS n;
UPDATE crm.leads SET city = 'Rome' WHERE id <= 100;
DELETE FROM crm.leads WHERE id BETWEEN 200 AND 220;
SAVEPOINT s;
UPDATE crm.leads SET city = 'Bonn' WHERE id BETWEEN 101 AND 110;
ROLLBACK TO s;
INSERT INTO segments.segment (name, filters) SELECT 'Late ' || n, f('lead city = rome', 'lead points lt ' || n * 5) FROM generate_series(1, 9) AS n;
SELECT segments.create_segment('Latest', f('lead city = rome', 'behaviors hits = 0')) IS NOT NULL AS created;
UPDATE segments.segment SET filters = f('lead city = bonn') WHERE alias = 'oslo';
SELECT * FROM checked();
COMMIT;
SELECT * FROM checked();
SELECT * FROM segments.progress;

RESET segments.now;
SELECT segments.detach('crm.leads');
DROP TABLE crm.hits, crm.leads;
DROP FUNCTION crm.worth, crm.factor;
DROP SCHEMA crm;
DROP FUNCTION f, log(), checked;
