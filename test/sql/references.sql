-- References between segments, many definitions in one statement, and names that cover others.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA refs;
CREATE TABLE refs.person (id bigint PRIMARY KEY, points int, joined date);
SELECT segments.attach('refs.person');
INSERT INTO refs.person SELECT i, i, date '2026-01-01' + i FROM generate_series(1, 20) AS i;

-- Forty layers of two segments, each of which names both of the layer below:
-- 2^40 ways lead down, and each segment is met once.
SELECT segments.create_segment(n, '[{"field":"points","operator":"gt","properties":{"filter":10}}]') IS NOT NULL AS created
FROM unnest(ARRAY['a0', 'b0']) AS n;
DO $$
BEGIN
    FOR i IN 1..40 LOOP
        PERFORM segments.create_segment(l || i, format(
            '[{"field":"leadlist","operator":"in","properties":{"filter":["a%1$s","b%1$s"]}}]', i - 1)::segments.filter)
        FROM unnest(ARRAY['a', 'b']) AS l;
    END LOOP;
END $$;
SELECT segments.count('a40'), segments.count('b20');
SELECT segments.update_segment('a20', filters => '[{"field":"leadlist","operator":"in","properties":{"filter":["b19","a19"]}}]');
SELECT segments.update_segment('a0', filters => '[{"field":"leadlist","operator":"in","properties":{"filter":["b40"]}}]');
\set VERBOSITY default
\set SHOW_CONTEXT never
-- the shortest way is shown
SELECT segments.update_segment('a0', filters => '[{"field":"leadlist","operator":"in","properties":{"filter":["b2"]}}]');
\set VERBOSITY terse
ALTER TABLE refs.person ADD COLUMN note text;
-- all of them move with time now, and are asked for another day
SELECT segments.update_segment('a0', filters => '[{"field":"joined","operator":"gt","properties":{"filter":"-7 days"}}]');
SELECT segments.update_segment('b0', filters => '[{"field":"joined","operator":"lt","properties":{"filter":"-30 days"}}]');
SELECT segments.add_contact('b0', 1::bigint), segments.remove_contact('a0', 20::bigint);
SELECT k FROM segments.matching('[{"field":"leadlist","operator":"in","properties":{"filter":["a40"]}}]', at => '2026-01-25 12:00+00') AS k ORDER BY k;
SET segments.now = '2026-01-25 12:00+00';
SELECT exact_count FROM segments.preview('[{"field":"leadlist","operator":"!in","properties":{"filter":["a40"]}}]', exact => true);
RESET segments.now;
SELECT count(*) FROM segments.check();

-- Many definitions changed by one statement: filters, emptied filters, published and unpublished.
DELETE FROM segments.segment;
INSERT INTO segments.segment (name, filters)
SELECT 's' || i, format('[{"field":"points","operator":"gt","properties":{"filter":%s}}]', i)::segments.filter FROM generate_series(1, 12) AS i;
SELECT segments.create_segment('top', '[{"field":"leadlist","operator":"in","properties":{"filter":["s11","s12"]}}]') IS NOT NULL AS created;
UPDATE segments.segment SET
    filters = CASE WHEN alias IN ('s1', 's2') THEN '[]'
                   WHEN alias <> 'top' THEN format('[{"field":"points","operator":"lte","properties":{"filter":%s}}]', substr(alias, 2))::segments.filter
                   ELSE filters END,
    is_published = alias NOT IN ('s2', 's3');
SELECT alias, is_published, state, segments.count(alias) FROM segments.segment ORDER BY length(alias), alias;
SELECT count(*) FROM segments.segment_reference;
SELECT count(*) FROM segments.check();
-- what is unpublished is frozen, what is published again is brought up to date
INSERT INTO refs.person SELECT i, i FROM generate_series(-4, 0) AS i;
SELECT segments.count('s3'), segments.count('s4');
UPDATE segments.segment SET is_published = true WHERE NOT is_published;
SELECT segments.count('s2'), segments.count('s3');
UPDATE segments.segment SET is_published = false;
UPDATE segments.segment SET is_published = false WHERE alias NOT IN ('s11', 's12');
UPDATE segments.segment SET is_published = true;
SELECT count(*) FROM segments.check();
SELECT segments.detach('refs.person');

-- The very name comes before the longest name with a *, in whatever order they were declared.
CREATE TABLE refs.score (contact_id bigint, grp int, score int);
SELECT segments.attach('refs.person');
SELECT segments.attach_related('refs.person', 'score', 'refs.score', 'contact_id');
SELECT segments.define_field('refs.person', 'p_*', 'number', object => 'groups', relation => 'score', column_name => 'score', condition => 'grp = $1');
SELECT segments.define_field('refs.person', 'p_7', 'number', object => 'groups', relation => 'score', column_name => 'score', condition => 'grp = 700');
SELECT segments.define_field('refs.person', 'p_7*', 'number', object => 'groups', relation => 'score', column_name => 'score', condition => 'grp = 7000 + $1');
INSERT INTO refs.score VALUES (1, 7, 5), (2, 700, 5), (3, 7001, 5), (4, 71, 5);
SELECT segments.create_segment('Seven', '[{"object":"groups","field":"p_7","operator":"=","properties":{"filter":5}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Seventy-one', '[{"object":"groups","field":"p_71","operator":"=","properties":{"filter":5}}]') IS NOT NULL AS created;
SELECT alias, contact_id FROM segments.segment, segments.members(alias) ORDER BY alias;
SELECT segments.define_field('refs.person', 'p_*', 'number', object => 'groups', relation => 'score', column_name => 'score', condition => 'grp = $1', label => 'Score');
SELECT alias, contact_id FROM segments.segment, segments.members(alias) ORDER BY alias;
SELECT count(*) FROM segments.check();
SELECT segments.detach('refs.person');

-- Who owns the contacts and may only read the companies writes contacts that point at them.
CREATE ROLE regress_refs_owner;
CREATE ROLE regress_refs_firms;
GRANT ALL ON SCHEMA refs TO regress_refs_owner, regress_refs_firms;
SET ROLE regress_refs_firms;
CREATE TABLE refs.firm (id bigint PRIMARY KEY, country text);
INSERT INTO refs.firm VALUES (1, 'France');
GRANT SELECT, TRIGGER ON refs.firm TO regress_refs_owner;
SET ROLE regress_refs_owner;
CREATE TABLE refs.worker (id bigint PRIMARY KEY, firm_id bigint);
SELECT segments.attach('refs.worker');
SELECT segments.attach_company('refs.worker', 'refs.firm', 'firm_id');
SELECT segments.create_segment('French', '[{"object":"company","field":"country","operator":"=","properties":{"filter":"France"}}]') IS NOT NULL AS created;
INSERT INTO refs.worker VALUES (1, 1), (2, NULL);
UPDATE refs.worker SET firm_id = 1 WHERE id = 2;
SELECT contact_id FROM segments.members('french') ORDER BY 1;
RESET ROLE;
SELECT count(*) FROM segments.check();
SELECT segments.detach('refs.worker');
DROP SCHEMA refs CASCADE;
DROP ROLE regress_refs_owner, regress_refs_firms;
