-- Actions of campaigns, forms and batches: what says by what members are changed.
\set SHOW_CONTEXT never
CREATE SCHEMA act;
CREATE TABLE act.people (id bigint PRIMARY KEY, points integer, country text);
SELECT segments.attach('act.people');
INSERT INTO act.people SELECT g, g, CASE WHEN g % 2 = 0 THEN 'France' ELSE 'Spain' END FROM generate_series(1, 6) AS g;
SELECT segments.create_segment('Friends', alias => 'act-friends', contact_table => 'act.people') AS friends \gset
SELECT segments.create_segment('French', '[{"glue":"and","object":"lead","field":"country","operator":"=","properties":{"filter":"France"}}]',
    alias => 'act-french', contact_table => 'act.people') AS french \gset
SELECT segments.create_segment('Asleep', alias => 'act-asleep', contact_table => 'act.people', is_published => false) > 0 AS created;
CREATE VIEW act.log AS
    SELECT s.alias, c.contact_id, c.joined, c.cause, c.source, c.reference
    FROM act.people_segment_change AS c JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY c.xact, c.n;
CREATE VIEW act.by_hand AS
    SELECT s.alias, o.contact_id, o.included, o.source, o.reference
    FROM act.people_segment_override AS o JOIN segments.segment AS s ON s.id = o.segment_id ORDER BY 1, 2;

-- one answer a contact; missing ones are said so, and repeated ones count once
SELECT * FROM segments.change_segments('{1,2,99,2}'::bigint[], '{act-friends}', '{act-french}', 'campaign', 'Spring');
SELECT * FROM act.by_hand;
SELECT * FROM act.log WHERE source IS NOT NULL;
SELECT alias, contact_id, cause FROM act.log WHERE source IS NULL;
-- what is so already stays with its source
SELECT * FROM segments.change_segments('{1,3}'::integer[], add => ARRAY['act-friends'], source => 'form');
SELECT * FROM segments.change_segments('{4}'::bigint[], '{act-friends}');
SELECT * FROM act.by_hand;
-- first added, then removed
SELECT * FROM segments.change_segments('{5}'::bigint[], '{act-friends,act-french}', '{act-french}');
SELECT * FROM act.by_hand WHERE contact_id = 5;
SELECT * FROM act.log WHERE contact_id = 5 AND cause = 'manual';
-- all or nothing
SELECT segments.change_segments('{6}'::bigint[], '{act-friends,act-asleep}');
SELECT segments.change_segments('{6}'::bigint[], '{act-friends}', '{act-nobody}');
SELECT segments.change_segments('{6}'::bigint[], '{act-friends}', source => 'magic');
SELECT segments.is_member('act-friends', 6);
-- nothing to do
SELECT * FROM segments.change_segments('{6}'::bigint[]);
SELECT * FROM segments.change_segments('{}'::bigint[], '{act-friends}');
-- segments of one contact table only
CREATE TABLE act.others (id bigint PRIMARY KEY);
SELECT segments.attach('act.others');
SELECT segments.create_segment('Others', alias => 'act-others', contact_table => 'act.others') > 0 AS created;
SELECT segments.change_segments('{6}'::bigint[], '{act-friends,act-others}');

-- the log shows it to consumers
SELECT segment, contact_id, joined, cause, source, reference FROM segments.read_changes('act', contact_table => 'act.people') WHERE cause = 'manual';
-- other doors
SELECT segments.add_contact('act-friends', 6);
SELECT status FROM segments.rest('POST', format('/segments/%s/contact/%s/remove', :friends, 6), contact_table => 'act.people');
UPDATE segments.segment SET is_preference_center = true WHERE alias = 'act-friends';
SELECT segments.set_preferences(6::bigint, '{act-friends}', 'act.people');
SELECT * FROM act.log WHERE contact_id = 6 AND cause = 'manual';
-- a contact that gets another key keeps what was done
UPDATE act.people SET id = 60 WHERE id = 6;
SELECT * FROM act.by_hand WHERE contact_id = 60;

-- entries without a source end before it; where somebody looks for it they don't
SELECT count(DISTINCT pg_column_size(c.*)) > 1 AS differ FROM act.people_segment_change AS c;
CREATE INDEX ON act.people_segment_change (source);
UPDATE act.people SET country = 'Spain' WHERE id = 4;
SET enable_seqscan = off;
SELECT count(*) FROM act.people_segment_change WHERE source IS NULL AND NOT joined AND contact_id = 4;
RESET enable_seqscan;
-- through the executor too
CREATE FUNCTION act.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing AFTER INSERT ON act.people_segment_change FOR EACH ROW EXECUTE FUNCTION act.nothing();
SELECT * FROM segments.change_segments('{3}'::bigint[], '{act-french}', '{act-friends}', 'batch', 'slow');
SELECT * FROM act.log WHERE reference = 'slow';
DROP TRIGGER nothing ON act.people_segment_change;

-- many at a time
INSERT INTO act.people SELECT g, g, 'Spain' FROM generate_series(1001, 3000) AS g;
SELECT count(*), count(*) FILTER (WHERE success)
FROM segments.change_segments(ARRAY(SELECT g::bigint FROM generate_series(1001, 3100) AS g), '{act-friends,act-french}', '{}', 'batch', 'many');
SELECT alias, count(*) FROM act.log WHERE reference = 'many' GROUP BY alias ORDER BY alias;

-- a transaction that may not write
INSERT INTO act.people SELECT g, g, 'Spain' FROM generate_series(4001, 4100) AS g;
BEGIN READ ONLY;
SELECT segments.add_contact('act-friends', 4001);
ROLLBACK;
BEGIN READ ONLY;
SELECT segments.add_contacts('act-friends', ARRAY(SELECT g::bigint FROM generate_series(4001, 4100) AS g));
ROLLBACK;
BEGIN READ ONLY;
SELECT segments.change_segments('{4001}'::bigint[], '{act-friends}');
COMMIT;
SELECT segments.is_member('act-friends', 4001);
-- who may not change members by hand may not do so by an action
CREATE ROLE regress_act_reader;
GRANT USAGE ON SCHEMA act TO regress_act_reader;
GRANT SELECT ON act.people TO regress_act_reader;
SET ROLE regress_act_reader;
SELECT segments.change_segments('{1}'::bigint[], '{act-french}');
SELECT segments_internal.by_hand(:french, '{1}'::bigint[], 'include', 'api', NULL);
SELECT segments_internal.include_by_hand(:french, '{1}'::bigint[], 'api', NULL);
RESET ROLE;
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO regress_act_reader;
SET ROLE regress_act_reader;
SELECT * FROM segments.change_segments('{1}'::bigint[], '{act-french}', source => 'form', reference => 'Sign up');
RESET ROLE;
SELECT * FROM act.by_hand WHERE reference = 'Sign up';
-- nor forget what others have registered
SELECT segments.register_usage('act-french', 'email', 'News');
SET ROLE regress_act_reader;
SELECT segments.forget_usage('act-french', 'email', 'News');
SELECT segments.forget_usage('act-nobody', 'email', 'News');
RESET ROLE;
SELECT segments.forget_usage('act-french', 'email', 'News');
SELECT segments.forget_usage('act-french', 'email', 'News');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT segments.forget_usage('act-nobody', 'email', 'News');
RESET enable_indexscan;
RESET enable_bitmapscan;
-- who sees no segment at all is told so too
REVOKE SELECT ON act.people FROM regress_act_reader;
SET ROLE regress_act_reader;
SELECT segments.change_segments('{1}'::bigint[], '{act-french}');
SELECT segments.change_segments('{1}'::bigint[], remove => '{act-nobody}');
RESET ROLE;
REVOKE ALL ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM regress_act_reader;
SELECT segments_internal.by_hand(NULL, '{1}'::bigint[], 'include', NULL, NULL) IS NULL AS nothing;

SELECT * FROM segments.check();
DROP VIEW act.log, act.by_hand;
SET client_min_messages = warning;
SELECT segments.detach('act.people'), segments.detach('act.others');
DROP SCHEMA act CASCADE;
DROP OWNED BY regress_act_reader;
DROP ROLE regress_act_reader;
