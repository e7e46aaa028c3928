-- Whole tables: what is computed of related rows, of all contacts in one pass.
SET client_min_messages = warning;
SET segments.now = '2026-01-20 10:00+00';
CREATE SCHEMA w;
CREATE TABLE w.company (id int PRIMARY KEY, size int);
CREATE TABLE w.contact (id bigint PRIMARY KEY, city text, points int, company_id int);
CREATE TABLE w.event (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id int, kind text, n smallint, amount numeric, ratio float8, at timestamptz, day date);
CREATE TABLE w.tag (id int PRIMARY KEY, weight int);
CREATE TABLE w.tagging (contact_id bigint, tag_id int, main boolean, PRIMARY KEY (contact_id, tag_id));
INSERT INTO w.company SELECT n, n * 10 FROM generate_series(1, 5) AS n;
INSERT INTO w.contact SELECT n, CASE WHEN n % 2 = 0 THEN 'Oslo' ELSE 'Paris' END, n % 10, CASE WHEN n % 4 > 0 THEN 1 + n % 5 END FROM generate_series(1, 200) AS n;
INSERT INTO w.tag SELECT n, n * n FROM generate_series(1, 9) AS n;
INSERT INTO w.tagging SELECT 1 + (n * n) % 200, 1 + n % 9, n % 3 = 0 FROM generate_series(1, 300) AS n ON CONFLICT DO NOTHING;
-- some rows of nobody, and some of contacts that don't exist
INSERT INTO w.event (contact_id, kind, n, amount, ratio, at, day)
    SELECT CASE WHEN i % 50 > 0 THEN 1 + (i * i) % 230 END, (ARRAY['buy', 'sell', NULL, 'look'])[1 + i % 4], i % 9 - 4, CASE WHEN i % 5 > 0 THEN i / 3.0 END, i / 10.0,
        CASE WHEN i % 7 > 0 THEN timestamptz '2025-12-20 00:00+00' + i * interval '1 hour' END, date '2025-12-20' + i / 20 FROM generate_series(1, 700) AS i;
SELECT segments.attach('w.contact');
SELECT segments.attach_company('w.contact', 'w.company', company_column => 'company_id');
SELECT segments.attach_related('w.contact', 'event', 'w.event', 'contact_id');
SELECT segments.attach_related('w.contact', 'tag', 'w.tag', 'contact_id', link_table => 'w.tagging', link_column => 'tag_id', key_column => 'id');
SELECT count(segments.define_field('w.contact', field, object => 'behaviors', relation => 'event', column_name => column_name,
    aggregate => aggregate, condition => condition, order_by => order_by))
FROM (VALUES ('events', NULL::name, 'count', NULL, NULL::name), ('buys', NULL, 'count', 'kind = ''buy''', NULL),
    ('sum_n', 'n', 'sum', NULL, NULL), ('spent', 'amount', 'sum', 'kind = ''buy''', NULL), ('sum_ratio', 'ratio', 'sum', NULL, NULL),
    ('min_n', 'n', 'min', NULL, NULL), ('max_amount', 'amount', 'max', NULL, NULL), ('last_at', 'at', 'max', NULL, NULL),
    ('first_day', 'day', 'min', NULL, NULL), ('latest_n', 'n', 'latest', NULL, 'at'), ('max_kind', 'kind', 'max', NULL, NULL)) AS f (field, column_name, aggregate, condition, order_by);
SELECT count(segments.define_field('w.contact', field, type, object => 'behaviors', relation => relation, column_name => column_name, aggregate => aggregate, expression => expression))
FROM (VALUES ('tags', 'number', 'tag', NULL::name, 'count', NULL), ('weight', 'number', 'tag', 'weight', 'sum', NULL), ('heaviest', 'number', 'tag', 'weight', 'max', NULL),
    ('firsts', 'number', 'event', NULL, 'sum',
     'CASE WHEN EXISTS (SELECT FROM w.event AS e WHERE e.contact_id = event.contact_id AND e.id < event.id) THEN 0 ELSE 1 END')) AS f (field, type, relation, column_name, aggregate, expression);
SELECT segments.define_field('w.contact', 'looked up', 'number', expression => '(SELECT max(t.weight) FROM w.tag AS t WHERE t.id = contact.points)', unfollowed => true) IS NOT NULL AS defined;
CREATE FUNCTION f(field text, op text, v text, glue text DEFAULT 'and', object text DEFAULT 'behaviors') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('glue', glue, 'object', object, 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', v)) $$;
CREATE TABLE w.filter (name text, filters jsonb);
INSERT INTO w.filter SELECT concat_ws(' ', field, op, v), jsonb_build_array(f(field, op, v))
FROM (VALUES ('events', 'gte', '3'), ('events', 'lt', '3'), ('events', '=', '0'), ('events', '!=', '2'), ('events', 'gt', '0'), ('events', 'gte', '0'), ('events', 'empty', NULL), ('events', '!empty', NULL),
    ('buys', 'lte', '1'), ('buys', '!=', '2'), ('sum_n', 'gt', '-3'), ('sum_n', '=', '0'), ('sum_n', 'lte', '-1'), ('spent', 'gte', '80.5'), ('spent', 'lt', '1'), ('sum_ratio', 'gt', '99.5'),
    ('min_n', 'lt', '0'), ('min_n', 'empty', NULL), ('min_n', '!=', '-4'), ('max_amount', 'gt', '150'), ('max_amount', '!empty', NULL), ('last_at', 'gte', '2026-01-10'), ('last_at', 'empty', NULL),
    ('last_at', 'inLast', '3 days'), ('first_day', 'lt', '2026-01-01'), ('latest_n', '=', '3'), ('latest_n', 'empty', NULL), ('max_kind', '=', 'sell'), ('max_kind', '!=', 'sell'), ('max_kind', 'empty', NULL),
    ('tags', 'gte', '2'), ('tags', '=', '0'), ('weight', 'lt', '30'), ('heaviest', '=', '81'), ('heaviest', '!=', '81'), ('firsts', '=', '1')) AS v (field, op, v);
INSERT INTO w.filter VALUES
    ('two of one relation', jsonb_build_array(f('events', 'gte', '2'), f('spent', 'gt', '20'))),
    ('the same twice', jsonb_build_array(f('events', 'gte', '2'), f('events', 'lt', '4'))),
    ('Oslo or many', jsonb_build_array(f('city', '=', 'Oslo', 'and', 'lead'), f('events', 'gte', '4', 'or'))),
    ('Oslo or none', jsonb_build_array(f('city', '=', 'Oslo', 'and', 'lead'), f('events', 'lt', '2', 'or'), f('latest_n', 'gt', '2'))),
    ('large company', jsonb_build_array(f('size', 'gte', '30', 'and', 'company'), f('buys', '=', '0'), f('tags', 'gte', '1'))),
    ('looked up', jsonb_build_array(f('looked up', 'gte', '30', 'and', 'lead'))),
    ('looked up, and counted', jsonb_build_array(f('looked up', 'gte', '9', 'and', 'lead'), f('events', 'lt', '9'))),
    ('more than are joined', (SELECT jsonb_agg(f(field, 'gte', '-1000', 'or')) FROM unnest(ARRAY['events', 'buys', 'sum_n', 'spent', 'sum_ratio', 'min_n', 'tags', 'weight', 'heaviest', 'latest_n']) AS field)
        || f('points', '=', '3', 'and', 'lead'));

-- One by one, each related row looked up: there are indexes.
CREATE INDEX event_contact ON w.event (contact_id);
ANALYZE;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(segments.create_segment(name, filters::segments.filter)) FROM w.filter;
CREATE TABLE w.one_by_one AS SELECT g.name, array_agg(m.contact_id ORDER BY m.contact_id) AS members
    FROM segments.segment AS g LEFT JOIN w.contact_segment_member AS m ON m.segment_id = g.id GROUP BY g.name;
SELECT name, cardinality(array_remove(members, NULL)) AS members FROM w.one_by_one ORDER BY name COLLATE "C";
SELECT * FROM segments.check(by_query => true);
SELECT * FROM segments.check(by_query => false);

-- All in one pass: no index leads from a contact to its rows.
DROP INDEX w.event_contact;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_seqscan;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT * FROM segments.check(by_query => true);
DELETE FROM segments.segment;
SELECT count(segments.create_segment(name, filters::segments.filter)) FROM w.filter;
SELECT * FROM w.one_by_one EXCEPT
    SELECT g.name, array_agg(m.contact_id ORDER BY m.contact_id)
    FROM segments.segment AS g LEFT JOIN w.contact_segment_member AS m ON m.segment_id = g.id GROUP BY g.name;
-- together, of a table that is not small: scan and queries
INSERT INTO w.contact SELECT n, repeat('x', 400) FROM generate_series(1001, 2000) AS n;
ANALYZE w.contact;
SELECT * FROM segments.check();
SELECT * FROM segments.check(by_query => false);
ALTER TABLE w.event DISABLE TRIGGER USER;
UPDATE w.event SET n = n + 1, amount = amount - 50 WHERE id % 7 = 0;
ALTER TABLE w.event ENABLE TRIGGER USER;
SELECT count(*) FROM segments.check();
SELECT count(*) FROM segments.segment AS g, segments.rebuild(g.alias) AS r;
SELECT * FROM segments.check();
SELECT segments.detach('w.contact');
DROP SCHEMA w CASCADE;
DROP FUNCTION f;
