-- What evaluating segments costs, where the library is preloaded.
SELECT current_setting('shared_preload_libraries') !~ 'segments' AS not_preloaded \gset
\if :not_preloaded
\quit
\endif
SET client_min_messages = warning;
CREATE SCHEMA cost;
CREATE TABLE cost.person (id int PRIMARY KEY, country text, points int);
SELECT segments.attach('cost.person');
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]', contact_table => 'cost.person') > 0,
       segments.create_segment('Rich', '[{"field": "points", "operator": "gt", "properties": {"filter": 50}}]', contact_table => 'cost.person') > 0,
       segments.create_segment('Mine', '[{"field": "points", "operator": "gt", "properties": {"filter": 70}}]', contact_table => 'cost.person', is_global => false) > 0;
CREATE VIEW cost.now AS SELECT alias, evaluations, evaluation_time FROM segments.status WHERE contact_table = 'cost.person'::regclass;
CREATE TABLE cost.before AS TABLE cost.now;
CREATE FUNCTION cost.since() RETURNS TABLE (alias text, more bigint) LANGUAGE sql AS $$
    SELECT n.alias, coalesce(n.evaluations, 0) - coalesce(b.evaluations, 0) FROM cost.now AS n JOIN cost.before AS b USING (alias) ORDER BY 1
$$;
-- what a row does not concern is not evaluated for it
INSERT INTO cost.person SELECT i, CASE WHEN i % 2 = 0 THEN 'France' END, i FROM generate_series(1, 100) AS i;
SELECT alias, more > 0 AND more <= 100 AS some FROM cost.since();
SELECT alias, more FROM cost.since() WHERE alias = 'french';
TRUNCATE cost.before;
INSERT INTO cost.before TABLE cost.now;
UPDATE cost.person SET country = 'Spain' WHERE id <= 10;
SELECT * FROM cost.since();
-- what is rolled back was evaluated
BEGIN;
UPDATE cost.person SET country = 'France' WHERE id <= 10;
ROLLBACK;
SELECT * FROM cost.since();
-- many evaluations take some time
DO $$ BEGIN FOR i IN 1 .. 50 LOOP UPDATE cost.person SET points = 101 - points; END LOOP; END $$;
SELECT alias, evaluation_time > '0' AND evaluation_time < '10 minutes' AS timed FROM cost.now WHERE alias <> 'french' ORDER BY 1;
-- others see what they see of segments
CREATE ROLE regress_cost;
GRANT USAGE ON SCHEMA cost TO regress_cost;
SET ROLE regress_cost;
SELECT * FROM segments_internal.segment_costs('cost.person');
RESET ROLE;
GRANT SELECT ON cost.person TO regress_cost;
SET ROLE regress_cost;
SELECT count(*) FROM segments_internal.segment_costs('cost.person');
RESET ROLE;
SELECT count(*) FROM segments_internal.segment_costs('cost.person');
SELECT count(*) FROM segments.check();
-- attached again, everything begins anew, under whatever numbers
SELECT segments.detach('cost.person');
SELECT segments.attach('cost.person');
SELECT count(*) FROM segments_internal.segment_costs('cost.person');
SELECT segments.detach('cost.person');
DROP SCHEMA cost CASCADE;
DROP ROLE regress_cost;
