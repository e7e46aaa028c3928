-- What is taken and cannot work is told when it is declared or stored.
SET segments.now = '2026-03-18 10:30:00+00';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE SCHEMA s;
CREATE TYPE s.plan AS ENUM ('free', 'Pro', 'team');
CREATE TABLE s.person (id bigint PRIMARY KEY, plan s.plan, birthday date, seen timestamptz, country text);
CREATE TABLE s.visit (id bigint PRIMARY KEY, person_id bigint, plan s.plan, at timestamptz);
CREATE INDEX ON s.visit (person_id);
INSERT INTO s.person VALUES (1, 'free', '1990-03-20', '2026-03-18', 'France'), (2, 'Pro', '1980-12-24', NULL, 'Spain');
SELECT segments.attach('s.person');
SELECT segments.attach_related('s.person', 'visits', 's.visit', 'person_id');
SELECT segments.define_field('s.person', 'visit_plan', object => 'behaviors', relation => 'visits', column_name => 'plan');

-- labels that an enum does not have
SELECT segments.create_segment('Gold', '[{"field": "plan", "operator": "=", "properties": {"filter": "gold"}}]');
SELECT segments.create_segment('Gold', '[{"field": "plan", "operator": "!=", "properties": {"filter": "gold"}}]');
SELECT segments.create_segment('Gold', '[{"filters": [{"field": "plan", "operator": "in", "properties": {"filter": ["free", "gold"]}}]}]');
SELECT segments.create_segment('Gold', '[{"field": "plan", "operator": "!in", "properties": {"filter": "free|gold"}}]');
SELECT segments.create_segment('Gold', '[{"field": "plan", "operator": "=", "properties": {"filter": ""}}]');
SELECT segments.create_segment('Gold', '[{"object": "behaviors", "field": "visit_plan", "operator": "includingAll", "properties": {"filter": ["gold"]}}]');
INSERT INTO segments.segment (name, filters) VALUES ('Gold', '[{"field": "plan", "operator": "=", "properties": {"filter": "gold"}}]');
-- case is ignored as ever, patterns are patterns; who only asks is told too
SELECT segments.create_segment('Paying', '[{"field": "plan", "operator": "in", "properties": {"filter": ["PRO", "team"]}}]') > 0 AS made;
SELECT segments.create_segment('P', '[{"field": "plan", "operator": "startsWith", "properties": {"filter": "gold"}}]') > 0 AS made;
SELECT count(*) FROM segments.matching('[{"field": "plan", "operator": "=", "properties": {"filter": "gold"}}]');
SELECT segments.update_segment('paying', filters => '[{"field": "plan", "operator": "=", "properties": {"filter": "gold"}}]');
SELECT segments.define_field('s.person', 'plan', 'select', case_sensitive => true);
SELECT segments.create_segment('Cased', '[{"field": "plan", "operator": "=", "properties": {"filter": "pro"}}]');
SELECT segments.create_segment('Cased', '[{"field": "plan", "operator": "=", "properties": {"filter": "Pro"}}]') > 0 AS made;
-- labels that come later
ALTER TYPE s.plan ADD VALUE 'gold';
SELECT segments.create_segment('Gold', '[{"field": "plan", "operator": "=", "properties": {"filter": "gold"}}]') > 0 AS made;

-- birthdays are past
SELECT segments.create_segment('Soon', '[{"field": "birthday", "operator": "inNext", "properties": {"filter": "7 days"}}]') > 0 AS made;
SELECT segments.update_segment('soon', filters => '[{"field": "birthday", "operator": "=", "properties": {"filter": "birthday +2 days"}}]');
SELECT contact_id FROM segments.members('soon');
SELECT segments.create_segment('Seen soon', '[{"field": "seen", "operator": "inNext", "properties": {"filter": "7 days"}}]') > 0 AS made;
INSERT INTO s.person (id, birthday) VALUES (3, '2026-03-20');
SELECT segments.create_segment('Born soon', '[{"field": "birthday", "operator": "inNext", "properties": {"filter": "7 days"}}]') > 0 AS made;

-- indexes that cannot be made are not proposed
SELECT segments.define_field('s.person', 'last', expression => '(SELECT max(v.at) FROM s.visit AS v WHERE v.person_id = person.id)', unfollowed => true);
\pset format unaligned
SELECT segments.explain('[{"field": "last", "operator": "inLast", "properties": {"filter": "7 days"}}]') ~ 'CREATE INDEX' AS proposed;
SELECT segments.explain('[{"field": "seen", "operator": "inLast", "properties": {"filter": "7 days"}}]') ~ 'CREATE INDEX' AS proposed;
\pset format aligned

-- tables that are there
SELECT segments.create_mautic_schema('s_mautic');
SELECT segments.create_mautic_schema('s_mautic');
CREATE SCHEMA s_other;
CREATE TABLE s_other.users (id bigint);
SELECT segments.create_mautic_schema('s_other');
SELECT to_regclass('s_other.leads');
SELECT segments.attach_mautic_schema('s_other');
-- nothing in a hint deletes anything
CREATE TABLE s.archive (LIKE s.visit) PARTITION BY LIST (id);
-- some releases refuse it themselves, as they take our triggers for triggers of rows
DO $$ BEGIN
    ALTER TABLE s.archive ATTACH PARTITION s.visit DEFAULT;
EXCEPTION WHEN feature_not_supported THEN
    RAISE WARNING '%', regexp_replace(SQLERRM, '^trigger "segments_after_\w+" prevents table .*',
        'table "s.visit" cannot inherit from, or be a partition of, table "s.archive" because segments are kept over it');
END $$;
-- a change of no segment is one that somebody forgot to name
SELECT segments.update_segment(NULL, name => 'x');
SELECT segments.delete_segment(NULL);
SELECT segments.rebuild(NULL::text);
SELECT segments.forget_usage(NULL, 'email', 'x');
SELECT segments.register_usage(NULL, 'email', 'x');

SELECT * FROM segments.check();
SET client_min_messages = warning;
SELECT segments.detach('s.person'), segments.detach('s_mautic.leads');
DROP SCHEMA s, s_other, s_mautic CASCADE;
