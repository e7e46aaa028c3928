-- SQL whose value changes while the row doesn't is refused, or taken when it is said to be.
\set SHOW_CONTEXT never
SET segments.now = '2026-03-18 10:30:00+00';
CREATE SCHEMA uf;
SET search_path = uf, public;
CREATE TABLE c (id bigint PRIMARY KEY, a integer, b text, seen timestamptz, tags text[], attributes jsonb);
CREATE TABLE hit (id bigint PRIMARY KEY, c_id bigint, url text, at timestamptz);
CREATE TABLE rate (a integer PRIMARY KEY, factor numeric);
CREATE FUNCTION reads(n integer) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT factor FROM uf.rate WHERE a = n';
CREATE FUNCTION pure(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + 1';
CREATE TYPE mood AS ENUM ('fine', 'bad');
ALTER TABLE c ADD mood mood;
INSERT INTO c SELECT n, n, 'b' || n, '2026-03-01 10:00+00', ARRAY['x'], '{"plan": "pro"}', 'fine' FROM generate_series(1, 5) AS n;
INSERT INTO rate VALUES (1, 10), (2, 1);
SELECT segments.attach('c'), segments.attach_related('c', 'hit', 'hit', 'c_id');
CREATE PROCEDURE pg_temp.refused(statement text) LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RAISE WARNING 'taken: %', statement;
EXCEPTION WHEN invalid_object_definition THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE INFO '% | % | %', SQLERRM, detail, hint;
END
$$;

-- the clock, settings
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''now() - seen > interval ''''7 days'''' '')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''seen::date = current_date'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''age(seen)::text'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''extract(day FROM segments.now())'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''b || current_setting(''''timezone'''')'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''b = current_user'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''to_tsvector(b)::text'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''a::regclass::text'')');
CALL pg_temp.refused($q$SELECT segments.define_field('c', 'f', expression => $$seen > 'today'$$)$q$);
CALL pg_temp.refused($q$SELECT segments.define_field('c', 'f', expression => $$date ' Yesterday' + a$$)$q$);
CALL pg_temp.refused($q$SELECT segments.define_field('c', 'f', expression => $$seen - timestamptz 'now'$$, unfollowed => true)$q$);
CALL pg_temp.refused($q$SELECT segments.attach_related('c', 'fresh', 'hit', 'c_id', condition => $$at > 'tomorrow'$$)$q$);
-- texts that say so, and words that only begin so
SELECT segments.define_field('c', 'said', 'boolean', expression => 'b IN (''today'', ''now'', ''nowhere'')');
SELECT segments.drop_field('c', 'said');
-- rows of others, functions that may read them
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''(SELECT count(*) FROM c AS o WHERE o.b = c.b)'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''(SELECT count(*) FROM hit WHERE c_id = c.id)'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''a * (SELECT factor FROM rate WHERE rate.a = c.a)'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''CASE WHEN EXISTS (SELECT FROM unnest(tags) AS t WHERE t IN (SELECT relname FROM pg_class)) THEN 1 END'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''reads(a)'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', ''number'', object => ''behaviors'', relation => ''hit'', aggregate => ''count'', condition => ''at > now()'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f_*'', ''number'', object => ''behaviors'', relation => ''hit'', aggregate => ''count'', condition => ''id = $1 AND c_id IN (SELECT id FROM c)'')');
CALL pg_temp.refused('SELECT segments.attach_related(''c'', ''fresh'', ''hit'', ''c_id'', condition => ''at > localtimestamp'')');

-- related rows of the same contact, and those of others
SELECT segments.define_field('c', 'visits', 'number', object => 'behaviors', relation => 'hit', aggregate => 'count', condition =>
    'NOT EXISTS (SELECT FROM hit AS earlier WHERE earlier.c_id = hit.c_id AND earlier.at < hit.at AND earlier.at > hit.at - interval ''30 minutes'')');
SELECT segments.create_segment('Came twice', '[{"object": "behaviors", "field": "visits", "operator": "gte", "properties": {"filter": 2}}]') IS NOT NULL AS made;
INSERT INTO hit SELECT n, n % 3, 'u', '2026-03-01 10:00+00'::timestamptz + n * interval '10 minutes' FROM generate_series(1, 20) AS n;
DELETE FROM hit WHERE id BETWEEN 7 AND 15;
UPDATE hit SET c_id = 2 WHERE id = 18;
SELECT contact_id FROM segments.members('came-twice') ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', ''number'', object => ''behaviors'', relation => ''hit'', aggregate => ''count'', condition => ''NOT EXISTS (SELECT FROM hit AS other WHERE other.url = hit.url AND (other.c_id = hit.c_id OR other.id > 5))'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', ''number'', object => ''behaviors'', relation => ''hit'', aggregate => ''count'', condition => ''NOT EXISTS (SELECT FROM hit AS other WHERE other.id = hit.id)'')');

-- where a row is, or was written by
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''tableoid::bigint'')');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', expression => ''(SELECT max(n) FROM generate_series(1, 3) AS n WHERE c.xmin IS NOT NULL)'', unfollowed => true)');
CALL pg_temp.refused('SELECT segments.attach_related(''c'', ''fresh'', ''hit'', ''c_id'', condition => ''xmin IS NOT NULL'')');
-- rows that are the same contact's by another column than the relation's
ALTER TABLE hit ADD to_id bigint;
SELECT segments.attach_related('c', 'sent_to', 'hit', 'to_id');
CALL pg_temp.refused('SELECT segments.define_field(''c'', ''f'', ''number'', object => ''behaviors'', relation => ''hit'', aggregate => ''count'', condition => ''NOT EXISTS (SELECT FROM hit AS h WHERE h.to_id = hit.to_id AND h.at < hit.at)'')');
CALL pg_temp.refused('SELECT segments.attach_related(''c'', ''again'', ''hit'', ''c_id'', condition => ''NOT EXISTS (SELECT FROM hit AS h WHERE h.to_id = hit.to_id AND h.at < hit.at)'')');
SELECT segments.define_field('c', 'got', 'number', object => 'behaviors', relation => 'sent_to', aggregate => 'count', condition => 'NOT EXISTS (SELECT FROM hit AS h WHERE h.to_id = hit.to_id AND h.at < hit.at)');
SELECT segments.drop_field('c', 'got', object => 'behaviors'), segments.detach_related('c', 'sent_to');

-- what depends on the row alone, whatever the session's zone and styles
SELECT segments.define_field('c', 'day', expression => 'seen::date'),
       segments.define_field('c', 'words', 'text', expression => 'concat_ws('' '', b, seen, mood, tags, attributes ->> ''plan'', to_char(a, ''FM000''), pure(a))'),
       segments.define_field('c', 'row', 'text', expression => 'c::text'),
       segments.define_field('c', 'json', 'text', expression => 'to_jsonb(c) ->> ''mood'''),
       segments.define_field('c', 'longest', 'number', expression => '(SELECT max(length(t)) FROM unnest(tags) AS t)'),
       segments.define_field('c', 'since', expression => 'timestamptz ''2026-01-01'' + a * interval ''1 day''');
SELECT field, type FROM segments.field WHERE contact_table = 'c'::regclass AND expression IS NOT NULL ORDER BY field;

-- it is said to be
SELECT segments.define_field('c', 'worth', 'number', expression => 'a * reads(a)', unfollowed => true);
SELECT segments.define_field('c', 'worth', label => 'Worth');
SELECT segments.attach_related('c', 'fresh', 'hit', 'c_id', condition => 'at > now()', unfollowed => true);
SELECT segments.define_field('c', 'hits', 'number', object => 'behaviors', relation => 'fresh', aggregate => 'count');
SELECT segments.define_field('c', 'plain', 'number', expression => 'a + 1', unfollowed => true);
SELECT name, unfollowed FROM segments.relation ORDER BY name;
SELECT field, unfollowed FROM segments.field_definition WHERE field IN ('worth', 'plain', 'hits') ORDER BY field;
SELECT segments.explain('[{"field": "worth", "operator": "gte", "properties": {"filter": 5}},
    {"object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 1}}, {"field": "plain", "operator": "gt", "properties": {"filter": 1}}]', 'c');
SELECT segments.delete_segment('came-twice');
SELECT segments.create_segment('Worthy', '[{"field": "worth", "operator": "gte", "properties": {"filter": 5}}]') IS NOT NULL AS worthy,
       segments.create_segment('Fresh', '[{"object": "behaviors", "field": "hits", "operator": "gte", "properties": {"filter": 1}}]') IS NOT NULL AS fresh,
       segments.create_segment('Plain', '[{"field": "plain", "operator": "gte", "properties": {"filter": 5}}]') IS NOT NULL AS plain;
SELECT alias, members, unfollowed FROM segments.status ORDER BY alias;
UPDATE rate SET factor = 20;
SELECT alias, contact_id, reason FROM segments.check() AS c JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY 1, 2;
SELECT segments.rebuild('worthy');
SELECT count(*) AS differences FROM segments.check();

-- what was followed stays so
SELECT segments.define_field('c', 'more', 'number', expression => 'pure(a)');
ALTER FUNCTION pure(integer) STABLE;
-- another expression is looked at anew
SELECT segments.define_field('c', 'worth', expression => 'a * 3', unfollowed => false);
SELECT alias, unfollowed FROM segments.status ORDER BY alias;
SELECT segments.define_field('c', 'worth', expression => 'a * reads(a)');
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('c');
DROP SCHEMA uf CASCADE;
