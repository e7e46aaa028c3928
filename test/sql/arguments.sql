-- Whatever a function is called with: an answer, or an error that says what is wrong.  Never an internal error, but that there is no such
-- object, nor a crash.
SET client_min_messages = warning;
CREATE ROLE regress_reader;
CREATE SCHEMA arg;
GRANT USAGE ON SCHEMA arg TO regress_reader;
CREATE TABLE arg.person (id bigint PRIMARY KEY, name text, points integer, email text);
INSERT INTO arg.person VALUES (1, 'a', 5, 'a@x'), (2, 'b', 6, 'b@x');
GRANT SELECT ON arg.person TO regress_reader;
SELECT segments.attach('arg.person');
SELECT segments.create_segment('Named', '[{"field": "name", "operator": "=", "properties": {"filter": "a"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Hand') IS NOT NULL AS created;
SELECT segments.create_point_trigger('Many', 100, '{hand}') IS NOT NULL AS created;

-- values to call with, the first of each type: null
CREATE TABLE arg.value (type text, number int, sql text, PRIMARY KEY (type, number));
INSERT INTO arg.value
SELECT v.type, o.number, o.sql FROM (VALUES
    ('text', ARRAY[$$'named'$$, $$''$$, $$repeat('x', 100000)$$, $$'\'$$, $$'9223372036854775808'$$, $$'-1'$$, $$'{"a": 1}'$$, $$'(a OR b'$$, $$'%'$$]),
    ('bigint', ARRAY['1', '0', '-1', '9223372036854775807', '(-9223372036854775808)']),
    ('integer', ARRAY['1', '0', '-1', '2147483647', '(-2147483648)']),
    ('smallint', ARRAY['1::smallint', '(-32768)::smallint']),
    ('regclass', ARRAY[$$'arg.person'::regclass$$, '0::regclass', $$'pg_class'::regclass$$, $$'arg.person_segment_member'::regclass$$, '4294967295::regclass']),
    ('oid', ARRAY[$$'arg.person'::regclass::oid$$, '0::oid']),
    ('boolean', ARRAY['true', 'false']),
    ('json', ARRAY[$$'{}'::json$$, $$'[1]'::json$$]),
    ('jsonb', ARRAY[$$'{}'::jsonb$$, $$'[]'::jsonb$$, $$'null'::jsonb$$, $$'{"any": [{"text": "x", "not": true}]}'::jsonb$$,
                    $$'{"id": 1, "start": -1, "limit": 99999999999, "where": [{"col": "id", "expr": "eq", "val": "x"}]}'::jsonb$$, $$'"x"'::jsonb$$]),
    ('timestamp with time zone', ARRAY[$$'infinity'::timestamptz$$, $$'-infinity'::timestamptz$$, $$'2026-01-01'::timestamptz$$, $$'294276-12-31'::timestamptz$$, $$'4713-01-01 BC'::timestamptz$$]),
    ('interval', ARRAY[$$'1 day'::interval$$, $$'-1 day'::interval$$, $$'178000000 years'::interval$$, $$'0'::interval$$]),
    ('bigint[]', ARRAY[$$'{1,2}'::bigint[]$$, $$'{NULL}'::bigint[]$$, $$'{{1,2},{3,4}}'::bigint[]$$, $$'{}'::bigint[]$$, $$'[5:6]={1,2}'::bigint[]$$]),
    ('text[]', ARRAY[$$'{named}'::text[]$$, $$'{NULL}'::text[]$$, $$'{{a,b}}'::text[]$$, $$'{}'::text[]$$]),
    ('oid[]', ARRAY[$$'{0}'::oid[]$$, $$'{NULL}'::oid[]$$]),
    ('name', ARRAY[$$'name'::name$$, $$'id'::name$$, $$''::name$$, $$'email'::name$$]),
    ('regtype', ARRAY[$$'bigint'::regtype$$, '0::regtype', $$'arg.person'::regtype$$]),
    ('numeric', ARRAY['1.5', $$'NaN'::numeric$$, $$'Infinity'::numeric$$, '1e1000']),
    ('pg_lsn', ARRAY[$$'0/0'::pg_lsn$$, $$'FFFFFFFF/FFFFFFFF'::pg_lsn$$]),
    ('segments.filter', ARRAY[$$'[]'::segments.filter$$, $$'[{"field": "name", "operator": "like", "properties": {"filter": "a"}}]'::segments.filter$$,
                              $$'[{"field": "leadlist", "operator": "in", "properties": {"filter": ["named"]}}]'::segments.filter$$]),
    ('segments.contact_table', ARRAY['(SELECT t FROM segments.contact_table AS t LIMIT 1)', $$ROW(0, 'a', 0, 'UTC', false, 0, 0, 0, false)::segments.contact_table$$]),
    ('segments.segment', ARRAY['(SELECT s FROM segments.segment AS s ORDER BY s.id LIMIT 1)']),
    ('anyelement', ARRAY['1::bigint', 'NULL::bigint', $$'x'::text$$, 'ROW(1, 2)', 'NULL::arg.person', $$ROW(1, 'a', 2, 'e')::arg.person$$, 'ARRAY[1]', $$'1'::"char"$$, '1.5']),
    ('anyarray', ARRAY[$$'{1,2}'::bigint[]$$, 'NULL::bigint[]', $$'{NULL}'::bigint[]$$, $$'{{1,2},{3,4}}'::bigint[]$$, $$'{a}'::text[]$$, 'ARRAY[ROW(1, 2)]']),
    ('"any"', ARRAY[$$'1'::text$$, '1::bigint', 'NULL::text'])) AS v (type, sql),
    unnest(v.sql) WITH ORDINALITY AS o (sql, number);

CREATE FUNCTION arg.value_of(type text, number bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT v.sql FROM arg.value AS v
                     WHERE v.type = value_of.type AND v.number = 1 + value_of.number % (SELECT nullif(count(*), 0) FROM arg.value AS c WHERE c.type = value_of.type)),
                    'NULL::' || type)
$$;
-- all functions, but what starts processes and what triggers call; round 0: with nulls
CREATE FUNCTION arg.calls(round int) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT format('%s %s.%I(%s)%s', CASE WHEN p.proretset THEN 'SELECT count(*) FROM' ELSE 'SELECT' END, p.pronamespace::regnamespace, p.proname,
                  (SELECT string_agg(CASE WHEN round = 0 AND t <> ALL ('{anyelement,anyarray,"\"any\""}') THEN 'NULL::' || t
                                          WHEN round = 0 THEN CASE t WHEN 'anyarray' THEN 'NULL::bigint[]' ELSE 'NULL::bigint' END
                                          -- as often as not, what makes sense
                                          ELSE arg.value_of(t, CASE WHEN (round + n) % 2 = 0 THEN 0 ELSE round * 7 + n * 3 + length(p.proname) END) END, ', ' ORDER BY n)
                   FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n), format_type(a.type, NULL) AS t),
                  CASE WHEN p.proretset AND p.prorettype = 'record'::regtype AND p.proallargtypes IS NULL THEN ' AS r (a bigint)' END)
    FROM pg_proc AS p
    WHERE p.pronamespace IN ('segments'::regnamespace, 'segments_internal'::regnamespace) AND p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND NOT ('{internal,cstring}'::regtype[]::oid[] && p.proargtypes::oid[])
      AND p.proname NOT IN ('start_worker', 'stop_worker', 'start_launcher', 'create_mautic_schema')
    ORDER BY p.oid
$$;
-- each in a transaction of its own, as far as it can be; nothing stays
CREATE TABLE arg.wrong (call text, state text, message text);
GRANT INSERT ON arg.wrong TO regress_reader;
CREATE PROCEDURE arg.call_all(rounds int) LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
    call text;
BEGIN
    FOR round IN 0 .. rounds LOOP
        FOR call IN SELECT * FROM arg.calls(round) LOOP
            BEGIN
                EXECUTE call;
                RAISE EXCEPTION USING ERRCODE = 'AR000';
            EXCEPTION WHEN OTHERS OR assert_failure THEN
                IF SQLSTATE = 'P0004' OR SQLSTATE LIKE 'XX%' AND SQLERRM !~ '^(cache lookup failed for type 0|could not open relation with OID (0|4294967295))$' THEN
                    INSERT INTO arg.wrong VALUES (left(call, 500), SQLSTATE, SQLERRM);
                END IF;
            END;
        END LOOP;
    END LOOP;
END $$;
GRANT SELECT ON arg.value TO regress_reader;
\set VERBOSITY terse
SELECT count(*) > 400 AS many, count(*) FILTER (WHERE c NOT LIKE '%NULL%') > 200 AS with_values FROM arg.calls(1) AS c;
CALL arg.call_all(2);
SET ROLE regress_reader;
CALL arg.call_all(1);
RESET ROLE;
SELECT * FROM arg.wrong;
SELECT alias, segments.count(alias) FROM segments.segment ORDER BY id;
SELECT count(*) FROM segments.check();
SELECT segments.detach('arg.person');
DROP SCHEMA arg CASCADE;
DROP ROLE regress_reader;
