-- Who stores a filter cannot make a write fail, or cost more than some bounded
-- time: what is dear is refused when it is stored, what is left never raises.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA bounds;
SET search_path = bounds, public;
CREATE TABLE contact (id bigint PRIMARY KEY, t text, m text, n numeric, f float8, ts timestamp, tz timestamptz, d date, plain timestamp);
SELECT segments.attach('contact', timezone => 'America/New_York');
SELECT segments.define_field('contact', 'ts', 'datetime', timezone => 'America/New_York');
SELECT segments.define_field('contact', 'm', 'multiselect');

CREATE FUNCTION one(field text, operator text, value anyelement) RETURNS segments.filter LANGUAGE sql AS $$
    SELECT json_build_array(json_build_object('field', field, 'operator', operator, 'properties', json_build_object('filter', value)))::text::segments.filter
$$;
CREATE FUNCTION store(operator text, value text, field text DEFAULT 't') RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    PERFORM segments.create_segment('tried', one(field, operator, value), contact_table => 'contact');
    DELETE FROM segments.segment WHERE name = 'tried';
    RETURN 'stored';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, detail);
END $$;

-- patterns
SELECT left(value, 20) AS value, length(value), store(operator, value)
FROM (VALUES ('like', repeat('%a', 50000) || '%b'), ('like', repeat('%aaaaaaaaaaaaaaab', 300)), ('like', repeat('_', 65)), ('like', repeat('_', 64)),
             ('like', '%' || repeat('a', 1500) || '%b%'), ('like', '%' || repeat('a', 1500) || '%'), ('contains', repeat('%', 3000)),
             ('contains', repeat('x', 10000)), ('contains', repeat('_', 100)), ('startsWith', repeat('x', 10001))) AS v (operator, value);

-- regular expressions
SELECT left(value, 40) AS value, store('regexp', value)
FROM unnest(ARRAY['^(.*)(.*)(.*)(.*)\1$', '(?=a+b)a', '(?<!a)b', '(a{1,120}){1,120}', '((a{10}){11}){12}', repeat('(', 2000) || 'a' || repeat(')', 2000),
                  repeat('(', 60) || 'a' || repeat(')', 60), repeat('(', 40) || 'a' || repeat(')', 40), '(\ya?)*', '(^|a|$){20}', '((^a)b|c)+', '(^|,)vip(,|$)',
                  '[[:<:]]*', '(?#[)(\ya?)*(?#])', '[[.].][](\ya?)*[]]', '(?x)(\ya? #[', '(?x)a b', '(?i)abc|d', '***=(\ya?)', repeat('a?', 200), repeat('a?', 30),
                  '^[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,255}\.[a-z]{2,24}$', '[', '(a|b)*a(a|b){200}c', '\d{4}-\d{2}', '{', 'a{', '(', ')', '\']) AS value;
SET segments.allow_expensive_regexps = on;
SELECT store('regexp', '(a)\1');
SELECT segments.create_segment('echo', one('t', 'regexp', '^(a+)b\1$'::text), contact_table => 'contact') > 0;
RESET segments.allow_expensive_regexps;
\set VERBOSITY terse
SELECT segments.create_segment('many', ('[' || string_agg(format('{"glue":"or","field":"t","operator":"regexp","properties":{"filter":"%s"}}', repeat('a?', 40)), ',') || ']')::segments.filter,
                               contact_table => 'contact') FROM generate_series(1, 100);
DO $$ BEGIN
    CREATE ROLE regress_bounds;
    SET LOCAL ROLE regress_bounds;
    SET segments.allow_expensive_regexps = on;
EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING '%', SQLERRM;
END $$;

-- a cancel while a regular expression is compiled is a cancel
SET statement_timeout = '50ms';
SELECT store('regexp', '(' || string_agg(chr(97 + i % 26) || '?', '') || '){20}') FROM generate_series(1, 26) AS i;
DO $$ BEGIN
    PERFORM segments.create_segment('tried', one('t', 'regexp', (SELECT '(' || string_agg(chr(97 + i % 26) || '?', '') || '){20}' FROM generate_series(1, 26) AS i)), contact_table => 'contact');
END $$;
RESET statement_timeout;

-- patterns mean what LIKE makes of them
SELECT count(segments.create_segment('like ' || n, one('t', 'like', p), contact_table => 'contact')) AS stored
FROM unnest(ARRAY['a%b', '%a_c%', '__', '%_', '_%', 'a', '%', '%%', 'a%', '%é_', '%\%%', 'ab%ba', '%ab%ab%', '%x_y%_z', '', '%_é%a', '\__\\%']) WITH ORDINALITY AS v (p, n);
INSERT INTO contact (id, t)
SELECT i, (SELECT string_agg(substr('abcxyzé%_\', 1 + abs(hashint4(i * 31 + j)) % 10, 1), '') FROM generate_series(1, i % 8) AS j) FROM generate_series(1, 2000) AS i;
INSERT INTO contact (id, t) SELECT 5000 + n, t FROM unnest(ARRAY['', 'a', 'ab', 'aba', 'abab', 'abba', 'a%b', 'é', 'aé', 'ébc', 'xay', 'xyyzz', 'aac', 'aaba', 'aabaa']) WITH ORDINALITY AS v (t, n);
SELECT segments.count('echo'), (SELECT count(*) FROM contact WHERE t ~* '^(a+)b\1$') AS by_query;

-- long texts
SELECT segments.create_segment('equal', one('t', '=', 'x'::text), contact_table => 'contact') > 0,
       segments.create_segment('contains', one('t', 'contains', 'zzz'::text), contact_table => 'contact') > 0,
       segments.create_segment('slow', one('t', 'regexp', '(a|b)*a(a|b){200}c'::text), contact_table => 'contact') > 0,
       segments.create_segment('set', one('m', 'in', '{a}'::text[]), contact_table => 'contact') > 0;
INSERT INTO contact (id, t) VALUES (10001, repeat('a', 20000) || 'é'), (10002, repeat(U&'\FDFA', 30000));
INSERT INTO contact (id, m) VALUES (10003, repeat('a|', 1500000));
SELECT cardinality(segments.elements(m)) FROM contact WHERE id = 10003;

-- both ends of every calendar
SELECT count(segments.create_segment(field || operator || value, one(field, operator, value), contact_table => 'contact')) AS stored
FROM unnest(ARRAY['ts', 'tz', 'd', 'plain']) AS field,
     (VALUES ('gt', 'today'), ('like', '20%'), ('=', 'birthday'), ('inLast', '5 days'), ('inNext', '10000 years'), ('inLast', '10000 years'), ('lt', '-10000 years'),
             ('gte', '+10000 years'), ('=', 'last month'), ('lte', '9999-12-31'), ('gt', '0001-01-01')) AS o (operator, value);
INSERT INTO contact (id, ts, tz, d, plain) VALUES
    (20050, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '5874897-12-31', '294276-12-31 23:59:59.999999'),
    (20051, '4714-11-24 00:00:00 BC', '4714-11-24 00:00:00+00 BC', '4714-11-24 BC', '4714-11-24 00:00:00 BC'),
    (20052, 'infinity', 'infinity', 'infinity', 'infinity'), (20053, '-infinity', '-infinity', '-infinity', '-infinity');
UPDATE contact SET ts = NULL, tz = NULL, d = NULL, plain = NULL WHERE id = 20053;

-- every phrase has a meaning at every instant
SELECT count(*) AS meanings,
       count(*) FILTER (WHERE segments.phrase_start(p, zone, now) > segments.phrase_end(p, zone, now)) AS turned_round,
       count(*) FILTER (WHERE segments.phrase_next_move(p, zone, now) < now) AS moves_back,
       count(*) FILTER (WHERE segments.phrase_first_day(p, zone, now) > segments.phrase_last_day(p, zone, now)) AS days_turned_round
FROM unnest(ARRAY['today', 'yesterday', 'tomorrow', 'last week', 'next week', 'last month', 'next month', 'last quarter', 'next quarter', 'last year', 'next year',
                  '+10000 years', '-10000 years', '+1 month -2 days', '-3652000 days', '+3652000 days', '5 hours ago', '+87600000 hours', '-87600000 hours',
                  'first day of next month', 'last day of previous month', 'last day of february', 'first day of january 9999', '9999-12-31 23:59', '0001-01-01']) AS p,
     unnest(ARRAY['UTC', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu']) AS zone,
     unnest(ARRAY['-infinity', '4714-11-24 00:00:00+00 BC', '4714-12-31 12:00:00+00 BC', '0001-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '2024-02-29 12:00:00+00',
                  '9999-12-31 23:59:59+00', '294276-12-31 23:59:59.999999+00', 'infinity']::timestamptz[]) AS now;

-- numbers, and sums of them
SELECT left(value, 12) AS value, store('gt', value, 'n') FROM unnest(ARRAY['1e10000', '1e-10000', '1e100000', '1e99999999999999999999', repeat('9', 1000), repeat('9', 1001), '-0', '1e']) AS value;
SELECT segments.create_segment('n' || operator || value, one('n', operator, value), contact_table => 'contact') > 0,
       segments.create_segment('f' || operator || value, one('f', operator, value), contact_table => 'contact') > 0
FROM unnest(ARRAY['gt', '=', 'like']) AS operator, unnest(ARRAY['1e10000', '-1e-10000', '0']) AS value;
INSERT INTO contact (id, n, f) VALUES (20060, 'NaN', 'NaN'), (20061, '9e131071', '1.7976931348623157e308'), (20062, '-9e131071', '-1.7976931348623157e308'),
    (20063, 'Infinity', 'Infinity'), (20064, '-Infinity', '-Infinity'), (20065, '1e-16383', '4.9e-324');
CREATE TABLE part (contact_id bigint REFERENCES contact ON DELETE CASCADE, n numeric, f float8, r float4, i bigint);
CREATE INDEX ON part (contact_id);
SELECT segments.attach_related('contact', 'part', 'part', 'contact_id');
SELECT segments.define_field('contact', 'sum_' || c, 'number', object => 'behaviors', relation => 'part', column_name => c, aggregate => 'sum') FROM unnest(ARRAY['n', 'f', 'r', 'i']) AS c;
SELECT segments.create_segment('sum ' || c, replace(one('sum_' || c, 'gt', 5)::text, '{"field"', '{"object": "behaviors", "field"')::segments.filter, contact_table => 'contact') > 0
FROM unnest(ARRAY['n', 'f', 'r', 'i']) AS c;
INSERT INTO part SELECT 20061, '9e131071', '1.7e308', '3e38', 9223372036854775807 FROM generate_series(1, 3);
INSERT INTO part SELECT 20062, '-9e131071', '-1.7e308', '-3e38', -9223372036854775808 FROM generate_series(1, 3);
INSERT INTO part SELECT 20063, '9e131071', '1.7e308', '3e38', 9223372036854775807 FROM generate_series(1, 300);
SELECT c, segments.count('sum-' || c) FROM unnest(ARRAY['n', 'f', 'r', 'i']) AS c;

-- many conditions over related rows are planned as fast as they are many
CREATE TABLE tagged (contact_id bigint REFERENCES contact ON DELETE CASCADE, tag integer);
CREATE INDEX ON tagged (contact_id);
INSERT INTO tagged SELECT 1, i FROM generate_series(1, 1000) AS i;
INSERT INTO tagged SELECT 2, i FROM generate_series(1, 999) AS i;
SELECT segments.attach_related('contact', 'tagged', 'tagged', 'contact_id');
SELECT segments.define_field('contact', 'tag', 'id', object => 'behaviors', relation => 'tagged', column_name => 'tag');
SET statement_timeout = '10min';
SELECT array_agg(k) FROM segments.matching(replace(one('tag', 'includingAll', (SELECT array_agg(i) FROM generate_series(1, 1000) AS i))::text, '{"field"', '{"object": "behaviors", "field"')::segments.filter, 'contact') AS k;
RESET statement_timeout;

SELECT * FROM segments.check();
SELECT * FROM segments.check(by_query => true);
SELECT segments.detach('contact');
DROP SCHEMA bounds CASCADE;
