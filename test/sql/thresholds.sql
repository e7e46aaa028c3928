-- Many thresholds over one value that is made of related rows: what a statement passes is looked at, and no less.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS segments;
CREATE SCHEMA t;
CREATE TABLE t.contact (id bigint PRIMARY KEY, points int);
CREATE TABLE t.hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint REFERENCES t.contact ON DELETE CASCADE ON UPDATE CASCADE, url text, n int, amount numeric, at timestamptz, counts boolean DEFAULT true);
CREATE INDEX ON t.hit (contact_id);
SELECT segments.attach('t.contact');
SELECT segments.attach_related('t.contact', 'hit', 't.hit', 'contact_id');
SELECT count(segments.define_field('t.contact', field, object => 'behaviors', relation => 'hit', column_name => column_name, aggregate => aggregate, condition => condition, order_by => order_by))
FROM (VALUES ('hits', NULL::name, 'count', NULL, NULL::name), ('counted', NULL, 'count', 'counts', NULL), ('total', 'amount', 'sum', NULL, NULL), ('whole', 'n', 'sum', 'counts', NULL),
    ('least', 'n', 'min', NULL, NULL), ('most', 'amount', 'max', NULL, NULL), ('latest', 'n', 'latest', NULL, 'id'), ('last', 'at', 'max', NULL, NULL)) AS f(field, column_name, aggregate, condition, order_by);

CREATE FUNCTION t.f(field text, op text, value text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('glue', 'and', 'object', 'behaviors', 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', value));
CREATE FUNCTION t.g(filters jsonb, aggregate text, of_field text, op text, value text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_strip_nulls(jsonb_build_object('glue', 'and', 'rows', 'hit', 'filters', filters, 'aggregate', aggregate, 'of', of_field, 'operator', op, 'properties', jsonb_build_object('filter', value)));
CREATE FUNCTION t.add(name text, filters jsonb) RETURNS void LANGUAGE sql
BEGIN ATOMIC SELECT segments.create_segment(name, filters::segments.filter, contact_table => 't.contact'); END;

-- Every value that is told apart, under each comparison.
SELECT count(t.add(format('%s %s %s', field, op, k), jsonb_build_array(t.f(field, op, k::text))))
FROM unnest(ARRAY['hits', 'total', 'whole', 'least', 'most', 'latest']) AS field, unnest(ARRAY['gte', 'lt', '=']) AS op, unnest(ARRAY[0, 1, 2, 4]) AS k;
SELECT count(t.add(format('%s empty', field), jsonb_build_array(t.f(field, 'empty', NULL) - 'properties'))) FROM unnest(ARRAY['hits', 'total', 'least', 'latest', 'last']) AS field;
SELECT count(t.add(format('between %s', k), jsonb_build_array(jsonb_set(t.f('hits', 'between', ''), '{properties,filter}', jsonb_build_array(k, k + 2))))) FROM generate_series(0, 9) AS k;
SELECT count(t.add(format('last %s', k), jsonb_build_array(t.f('last', op, k || ' days')))) FROM generate_series(1, 6) AS k, unnest(ARRAY['inLast', 'inNext']) AS op;
SELECT count(t.add(format('group %s %s %s', aggregate, op, k), jsonb_build_array(t.g(jsonb_build_array(t.f('url', 'contains', 'pri') - 'object'), aggregate, of_field, op, k::text))))
FROM (VALUES ('count', NULL), ('sum', 'n'), ('min', 'amount'), ('distinct', 'n'), ('avg', 'n')) AS a(aggregate, of_field), unnest(ARRAY['gte', '=']) AS op, generate_series(0, 4) AS k WHERE a.aggregate NOT IN ('distinct', 'avg') OR k = 2;
SELECT count(t.add(format('window %s %s', aggregate, k), jsonb_build_array(t.g(jsonb_build_array(t.f('at', 'inLast', '2 days') - 'object'), aggregate, of_field, 'gte', k::text))))
FROM (VALUES ('count', NULL), ('sum', 'n')) AS a(aggregate, of_field), generate_series(1, 10) AS k;
-- With other conditions, on the contact and on other values.
SELECT count(t.add(format('both %s', k), jsonb_build_array(t.f('hits', 'gte', k::text), jsonb_build_object('glue', 'and', 'object', 'lead', 'field', 'points', 'operator', 'gt', 'properties', jsonb_build_object('filter', k)), t.f('most', 'lt', '5')))) FROM generate_series(1, 9) AS k;
SELECT count(t.add(format('either %s', k), jsonb_build_array(t.f('hits', '=', k::text), t.f('whole', 'gte', k::text) || '{"glue": "or"}', jsonb_build_object('glue', 'or', 'negate', true, 'filters', jsonb_build_array(t.f('least', 'lt', k::text)))))) FROM generate_series(1, 9) AS k;

CREATE FUNCTION t.wrong() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM segments.check(NULL, NULL::bigint));
INSERT INTO t.contact SELECT n, n % 7 FROM generate_series(1, 30) AS n;
SELECT set_config('segments.now', '2026-03-10 12:00+00', false);

-- One by one, many at once, for some contacts and for all.
DO $$ BEGIN FOR i IN 1 .. 90 LOOP INSERT INTO t.hit (contact_id, url, n, amount, at, counts) VALUES (i * i % 23 + 1, CASE i % 3 WHEN 0 THEN '/pricing' END, i % 6 - 1, i % 5, timestamptz '2026-03-10 12:00+00' - i * interval '1 hour', i % 4 > 0); END LOOP; END $$;
INSERT INTO t.hit (contact_id, url, n, amount, at) SELECT k % 30 + 1, '/price', nullif(k % 9, 8), nullif(k % 7, 6), timestamptz '2026-03-09 12:00+00' + k * interval '17 minutes' FROM generate_series(1, 100) AS k;
SELECT t.wrong();
UPDATE t.hit SET n = n + 1 WHERE id % 3 = 0;
UPDATE t.hit SET counts = NOT counts, url = reverse(url) WHERE id % 5 = 0;
UPDATE t.hit SET contact_id = nullif(contact_id % 30 + 1, 7) WHERE id % 4 = 0;
DO $$ DECLARE k bigint; BEGIN FOR k IN SELECT id FROM t.hit WHERE id % 6 = 1 ORDER BY id LOOP DELETE FROM t.hit WHERE id = k; END LOOP; END $$;
DELETE FROM t.hit WHERE id % 7 = 2;
SELECT t.wrong();
-- From no row to some, and back.
DELETE FROM t.hit WHERE contact_id <= 10;
INSERT INTO t.hit (contact_id, n, amount) SELECT c, 2, NULL FROM generate_series(1, 10) AS c;
SELECT t.wrong();

-- Several kinds of changes in one statement.
WITH gone AS (DELETE FROM t.hit WHERE id % 3 = 0 RETURNING contact_id, n, amount), changed AS (UPDATE t.hit SET n = n - 1 WHERE id % 3 = 1), more AS (INSERT INTO t.hit (contact_id, n, amount) SELECT contact_id, n + 1, amount FROM gone)
INSERT INTO t.hit (contact_id, n, amount) SELECT contact_id, n, amount + 1 FROM gone;
SELECT t.wrong();
SELECT current_setting('server_version_num')::integer >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO t.hit AS h USING (SELECT id, id % 4 AS what FROM t.hit UNION ALL SELECT -k, 9 FROM generate_series(1, 20) AS k) AS s ON s.id = h.id
WHEN MATCHED AND what = 0 THEN DELETE WHEN MATCHED AND what = 1 THEN UPDATE SET contact_id = h.contact_id % 30 + 1, amount = h.amount + 2 WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (contact_id, n, amount, url) VALUES (-s.id, 3, 3, 'price');
\endif
INSERT INTO t.hit (id, contact_id, n, amount) OVERRIDING SYSTEM VALUE SELECT k, k % 30 + 1, k % 5, k % 6 FROM generate_series(1, 120) AS k ON CONFLICT (id) DO UPDATE SET n = excluded.n, contact_id = excluded.contact_id;
SELECT t.wrong();

-- Statements inside others: what the inner one sees of the outer one is not all that is stored.
CREATE FUNCTION t.more(c bigint) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t.hit (contact_id, n, amount) VALUES (c, 1, 1); RETURN 0; END $$;
CREATE FUNCTION t.less(c bigint) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t.hit WHERE id IN (SELECT id FROM t.hit WHERE contact_id = c ORDER BY id DESC LIMIT 2); RETURN 0; END $$;
INSERT INTO t.hit (contact_id, n, amount) SELECT k % 3 + 1, t.more(k % 3 + 1), 1 FROM generate_series(1, 9) AS k;
INSERT INTO t.hit (contact_id, n, amount) SELECT 1, CASE WHEN k % 3 = 0 THEN t.less(1) ELSE t.more(1) END, 1 FROM generate_series(1, 9) AS k;
SELECT t.wrong();
UPDATE t.hit SET n = t.more(contact_id) WHERE contact_id IN (2, 3) AND id % 2 = 0;
DELETE FROM t.hit WHERE contact_id = 2 AND t.more(2) = 0;
SELECT t.wrong();
CREATE FUNCTION t.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF pg_trigger_depth() < 3 THEN INSERT INTO t.hit (contact_id, n, amount) VALUES (NEW.contact_id, NEW.n - 2, 1); DELETE FROM t.hit WHERE id = (SELECT min(id) FROM t.hit WHERE contact_id = NEW.contact_id); END IF; RETURN NULL; END $$;
CREATE TRIGGER again AFTER INSERT ON t.hit FOR EACH ROW EXECUTE FUNCTION t.again();
INSERT INTO t.hit (contact_id, n, amount) SELECT k % 4 + 1, k, k FROM generate_series(1, 8) AS k;
DO $$ BEGIN FOR i IN 1 .. 20 LOOP INSERT INTO t.hit (contact_id, n, amount) VALUES (i % 4 + 5, i % 3, 1); END LOOP; END $$;
SELECT t.wrong();
DROP TRIGGER again ON t.hit;

-- What is taken back, and what follows it.
BEGIN;
INSERT INTO t.hit (contact_id, n, amount) SELECT 11, 1, 1 FROM generate_series(1, 3);
SAVEPOINT s;
INSERT INTO t.hit (contact_id, n, amount) SELECT 11, 1, 1 FROM generate_series(1, 3);
ROLLBACK TO s;
INSERT INTO t.hit (contact_id, n, amount) VALUES (11, 1, 1);
DELETE FROM t.hit WHERE id = (SELECT max(id) FROM t.hit WHERE contact_id = 11);
UPDATE t.contact SET points = points + 3 WHERE id = 11;
INSERT INTO t.hit (contact_id, n, amount) SELECT 11, 1, 1 FROM generate_series(1, 2);
COMMIT;
UPDATE t.contact SET id = id + 100 WHERE id IN (12, 13);
DELETE FROM t.contact WHERE id IN (14, 15);
SELECT t.wrong();

-- Time passes between writes.
SELECT set_config('segments.now', '2026-03-10 18:00+00', false);
INSERT INTO t.hit (contact_id, n, amount, at) SELECT k, 1, 1, '2026-03-10 17:00+00' FROM generate_series(16, 22) AS k;
SELECT count(*) FROM (SELECT segments.refresh_due()) AS r;
SELECT t.wrong();
SELECT set_config('segments.now', '2026-03-11 18:30+00', false);
INSERT INTO t.hit (contact_id, n, amount, at) SELECT k, 1, 1, '2026-03-11 17:00+00' FROM generate_series(16, 24) AS k;
SELECT set_config('segments.now', '2026-03-12 17:30+00', false);
INSERT INTO t.hit (contact_id, n, amount, at) SELECT k, 1, 1, '2026-03-12 17:00+00' FROM generate_series(20, 30) AS k;
DELETE FROM t.hit WHERE contact_id = 25;
SELECT count(*) FROM (SELECT segments.refresh_due()) AS r;
SELECT t.wrong();

-- More rows than are read one by one.
INSERT INTO t.hit (contact_id, n, amount, at, url) SELECT 26, 0, k % 3, '2026-03-12 17:00+00', '/pricing' FROM generate_series(1, 400) AS k;
SELECT count(t.add(format('many %s', k), jsonb_build_array(t.f('hits', 'gte', k::text)))) FROM generate_series(398, 406) AS k;
DO $$ BEGIN FOR i IN 1 .. 6 LOOP INSERT INTO t.hit (contact_id, n, amount, url) VALUES (26, i, 1, 'price'); END LOOP; END $$;
DELETE FROM t.hit WHERE id = (SELECT max(id) FROM t.hit);
SELECT t.wrong();

-- Without indexes it is the same, and without an index of the rows.
SET segments.plain_evaluation = on;
INSERT INTO t.hit (contact_id, n, amount) SELECT c, 2, 1 FROM generate_series(1, 10) AS c;
RESET segments.plain_evaluation;
DROP INDEX t.hit_contact_id_idx;
INSERT INTO t.hit (contact_id, n, amount) SELECT c, 3, 1 FROM generate_series(1, 10) AS c;
DELETE FROM t.hit WHERE id % 4 = 0;
SELECT t.wrong();

SELECT segments.detach('t.contact');
DROP SCHEMA t CASCADE;
