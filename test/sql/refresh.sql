-- refresh_due: which contacts it looks at, by which indexes, and what it writes.
-- After every step nothing may differ from a fresh evaluation.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA shop;
CREATE TABLE shop.customer (
    id int PRIMARY KEY, city text, points int DEFAULT 0, seen timestamptz, paid timestamp, signed timestamp, born date, due date);
CREATE TABLE shop.visit (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES shop.customer, at timestamp, booked date);
CREATE INDEX customer_seen ON shop.customer (seen);
CREATE INDEX customer_paid ON shop.customer (paid);
CREATE INDEX customer_signed ON shop.customer (segments.instant(signed, 'America/New_York'));
CREATE INDEX customer_born ON shop.customer (segments.month_day(born));
CREATE INDEX customer_due ON shop.customer (due);
CREATE INDEX visit_customer ON shop.visit (customer);
CREATE INDEX visit_at ON shop.visit (segments.instant(at, 'America/New_York'));
CREATE INDEX visit_booked ON shop.visit (booked);
SET segments.now = '2026-01-15 10:00+00';
SELECT segments.attach('shop.customer', timezone => 'Europe/Berlin');
SELECT segments.define_field('shop.customer', 'signed', 'datetime', timezone => 'America/New_York');
SELECT segments.attach_related('shop.customer', 'visit', 'shop.visit', 'customer');
SELECT segments.define_field('shop.customer', 'booked', 'date', object => 'behaviors', relation => 'visit', column_name => 'booked');
SELECT segments.define_field('shop.customer', 'visited', 'datetime', object => 'behaviors', relation => 'visit', column_name => 'at',
                             timezone => 'America/New_York');
SELECT segments.define_field('shop.customer', 'last_visit', 'datetime', object => 'behaviors', relation => 'visit', column_name => 'at',
                             aggregate => 'max', timezone => 'America/New_York');
SELECT segments.define_field('shop.customer', 'last_booked', 'date', object => 'behaviors', relation => 'visit', column_name => 'booked',
                             aggregate => 'max');

CREATE FUNCTION pg_temp.item(object text, field text, operator text, value text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('glue', 'and', 'object', object, 'field', field, 'operator', operator,
                              'properties', jsonb_build_object('filter', value)) $$;
CREATE FUNCTION pg_temp.segment(name text, VARIADIC items jsonb[]) RETURNS void LANGUAGE sql AS $$
    SELECT segments.create_segment(name, to_jsonb(items)::segments.filter) $$;
-- Refresh at an instant; what is wrong afterwards, and what changed.
CREATE FUNCTION pg_temp.refresh(at timestamptz, OUT changes bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('segments.now', at::text, false);
    changes := segments.refresh_due();
    wrong := (SELECT count(*) FROM segments.check());
END $$;
-- Refresh, and count scans of tables, in full and by each index, and rows of the clocks that were written.
CREATE FUNCTION pg_temp.scans(relation text) RETURNS bigint LANGUAGE sql AS $$ SELECT pg_stat_get_xact_numscans(to_regclass('shop.' || relation)) $$;
CREATE FUNCTION pg_temp.counts() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('contact_clocks', pg_stat_get_xact_tuples_updated('segments.contact_clock'::regclass),
                              'segment_clocks', pg_stat_get_xact_tuples_updated('segments.segment_clock'::regclass))
        || (SELECT jsonb_object_agg(i, pg_temp.scans(i))
            FROM unnest('{customer,visit,customer_seen,customer_paid,customer_signed,customer_born,customer_due,visit_at,visit_booked}'::text[]) AS i)
$$;
CREATE FUNCTION pg_temp.counted(at timestamptz, OUT changes bigint, OUT counts jsonb) LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := pg_temp.counts();
BEGIN
    changes := segments.refresh_due(at);
    counts := (SELECT jsonb_object_agg(key, value::bigint - (before ->> key)::bigint) FROM jsonb_each_text(pg_temp.counts())
               WHERE value::bigint > (before ->> key)::bigint);
END $$;

INSERT INTO shop.customer (id, city, points, seen, paid, signed, born, due)
SELECT n, 'City ' || n % 7, n % 50, '2026-01-15 10:00+00'::timestamptz - n * interval '7 minutes', '2026-01-15 10:00'::timestamp - n * interval '11 minutes',
       '2026-01-15 05:00'::timestamp - n * interval '13 minutes', '1980-01-01'::date + n, '2026-01-01'::date + n / 100
FROM generate_series(1, 6000) AS n;
INSERT INTO shop.visit (customer, at, booked)
SELECT 1 + n % 900, '2026-01-15 05:00'::timestamp - n * interval '17 minutes', '2025-12-20'::date + n / 100 FROM generate_series(1, 3000) AS n;
ANALYZE shop.customer, shop.visit;

SELECT pg_temp.segment('Seen', pg_temp.item('lead', 'seen', 'inLast', '1 day'), pg_temp.item('lead', 'points', 'gte', '5'));
SELECT pg_temp.segment('Paid', pg_temp.item('lead', 'paid', 'inLast', '3 hours'));
SELECT pg_temp.segment('Signed', pg_temp.item('lead', 'signed', 'inLast', '2 days'), pg_temp.item('lead', 'city', '=', 'City 3'));
SELECT pg_temp.segment('Visited', pg_temp.item('behaviors', 'visited', 'inLast', '1 day'));
SELECT pg_temp.segment('Late', pg_temp.item('lead', 'due', 'lt', 'today'));
SELECT pg_temp.segment('Booked', pg_temp.item('behaviors', 'booked', '=', 'today'));
SELECT pg_temp.segment('Birthday', pg_temp.item('lead', 'born', '=', 'birthday'));
SELECT pg_temp.segment('Seen late', pg_temp.item('lead', 'leadlist', 'in', 'seen'), pg_temp.item('lead', 'due', 'lt', 'today'));
SELECT alias, next_move, evaluated_at FROM segments.status ORDER BY id;
SELECT * FROM pg_temp.refresh('2026-01-15 10:01+00');

-- A minute later: values that move all the time are looked for by their indexes, and nothing else is read; one
-- row of the clock is written, whatever the number of segments.
SELECT changes, key AS used FROM pg_temp.counted('2026-01-15 10:09+00'), jsonb_object_keys(counts) AS key ORDER BY key COLLATE "C";
SELECT * FROM pg_temp.refresh('2026-01-15 10:09+00');

-- Midnight: the others too.
SELECT * FROM pg_temp.refresh('2026-01-15 22:59+00');
SELECT * FROM pg_temp.refresh('2026-01-15 22:59:30+00');
SELECT changes, key AS used FROM pg_temp.counted('2026-01-15 23:00+00'), jsonb_object_keys(counts) AS key ORDER BY key COLLATE "C";
SELECT * FROM pg_temp.refresh('2026-01-15 23:00+00');
SELECT alias, next_move, evaluated_at FROM segments.status ORDER BY id;
-- Until it is sure that nobody was missed at midnight, midnight is due again.
SELECT * FROM pg_temp.refresh('2026-01-15 23:01+00');
SELECT * FROM pg_temp.refresh('2026-01-15 23:02+00');
SELECT * FROM pg_temp.refresh('2026-01-15 23:03+00');
SELECT alias, next_move IN (evaluated_at, '2026-01-16 23:00+00') AS right, evaluated_at FROM segments.status ORDER BY id;

-- A boundary is looked for once, however many segments have it; one that is contained in another, too.
BEGIN;
SELECT changes, counts -> 'customer_seen' AS ranges FROM pg_temp.counted('2026-01-15 23:04+00');
ROLLBACK;
INSERT INTO segments.segment (name, filters)
SELECT 'Copy ' || n, jsonb_build_array(pg_temp.item('lead', 'seen', 'inLast', '1 day'), pg_temp.item('lead', 'points', '=', n::text))::segments.filter
FROM generate_series(1, 100) AS n;
SELECT * FROM pg_temp.refresh('2026-01-15 23:03:30+00');
BEGIN;
SELECT changes, counts -> 'customer_seen' AS ranges FROM pg_temp.counted('2026-01-15 23:04+00');
ROLLBACK;
SELECT * FROM pg_temp.refresh('2026-01-15 23:04+00');
DELETE FROM segments.segment WHERE name LIKE 'Copy%';

-- Without an index the table is read once, not once for each boundary.
DROP INDEX shop.customer_seen;
SELECT pg_temp.segment('Seen ' || n, pg_temp.item('lead', 'seen', 'inLast', n || ' hours')) FROM generate_series(1, 9) AS n;
SELECT * FROM pg_temp.refresh('2026-01-15 23:05+00');
SELECT changes, counts -> 'customer' AS customers FROM pg_temp.counted('2026-01-15 23:12+00');
SELECT * FROM pg_temp.refresh('2026-01-15 23:12+00');
DELETE FROM segments.segment WHERE name LIKE 'Seen _';
CREATE INDEX customer_seen ON shop.customer (seen);

-- The latest of instants that are written in another zone.
SELECT pg_temp.segment('Back', pg_temp.item('behaviors', 'last_visit', 'inLast', '6 hours'));
SELECT pg_temp.segment('Born', pg_temp.item('behaviors', 'last_booked', '=', 'anniversary'));
SELECT * FROM pg_temp.refresh('2026-01-15 23:13+00');
INSERT INTO shop.visit (customer, at) VALUES (901, '2026-01-15 18:00'), (902, '2026-01-15 12:20');
INSERT INTO shop.visit (customer, booked) VALUES (903, '2020-01-17'), (903, '2021-02-03');
SELECT * FROM pg_temp.refresh('2026-01-15 23:19+00');
SELECT * FROM pg_temp.refresh('2026-01-15 23:21+00');
SELECT * FROM pg_temp.refresh('2026-01-16 05:05+00');
SELECT * FROM pg_temp.refresh('2026-01-16 23:05+00');
SELECT * FROM pg_temp.refresh('2026-02-03 00:05+00');

-- Segments that stand apart: built at another instant than the others were brought to, behind or ahead of them.
SELECT * FROM pg_temp.refresh('2026-02-03 12:00+00');
SET segments.now = '2026-02-03 09:00+00';
SELECT pg_temp.segment('Behind', pg_temp.item('lead', 'seen', 'inLast', '500 hours'));
SET segments.now = '2026-02-03 15:00+00';
SELECT pg_temp.segment('Ahead', pg_temp.item('lead', 'seen', 'inLast', '500 hours'));
SELECT alias, evaluated_at, next_move = evaluated_at AS due FROM segments.status WHERE alias IN ('seen', 'behind', 'ahead') ORDER BY id;
SELECT * FROM pg_temp.refresh('2026-02-03 11:00+00');
SELECT alias, evaluated_at, next_move = evaluated_at AS due FROM segments.status WHERE alias IN ('seen', 'behind', 'ahead') ORDER BY id;
UPDATE shop.customer SET seen = seen + interval '3 minutes' WHERE id < 3000;
SELECT count(*) FROM segments.check();
SELECT * FROM pg_temp.refresh('2026-02-03 13:00+00');
SELECT alias, evaluated_at, next_move = evaluated_at AS due FROM segments.status WHERE alias IN ('seen', 'behind', 'ahead') ORDER BY id;
SELECT * FROM pg_temp.refresh('2026-02-03 16:00+00');
SELECT alias, evaluated_at, next_move = evaluated_at AS due FROM segments.status WHERE alias IN ('seen', 'behind', 'ahead') ORDER BY id;
SELECT * FROM pg_temp.refresh('2026-02-04 16:00+00');
DELETE FROM segments.segment WHERE alias IN ('behind', 'ahead');

-- What was done by hand stays.
SELECT segments.add_contact('paid', 5000), segments.remove_contact('birthday', 40);
SELECT * FROM pg_temp.refresh('2026-02-08 23:30+00');
SELECT * FROM pg_temp.refresh('2026-02-09 23:30+00');
SELECT (SELECT count(*) FROM shop.customer_segment_member WHERE contact_id = 5000 AND segment_id = s.id) AS included FROM segments.segment AS s WHERE alias = 'paid';

-- A contact table that follows another clock.
CREATE TABLE shop.lead (id uuid PRIMARY KEY, seen timestamptz);
SELECT segments.attach('shop.lead', timezone => 'Asia/Tokyo');
INSERT INTO shop.lead SELECT md5(n::text)::uuid, '2026-02-09 23:30+00'::timestamptz - n * interval '1 hour' FROM generate_series(1, 50) AS n;
SELECT segments.create_segment('Lead', to_jsonb(ARRAY[pg_temp.item('lead', 'seen', 'gte', 'today')])::segments.filter, contact_table => 'shop.lead') > 0;
SELECT segments.refresh_due('2026-02-10 15:00+00'), (SELECT count(*) FROM shop.lead_segment_member);
SELECT segments.refresh_due('2026-02-10 15:00+00');
SELECT segments.detach('shop.lead');

-- Clocks that are changed, and ends of months: boundaries that go back on their way.
CREATE TABLE shop.dense (id int PRIMARY KEY, at timestamptz, local timestamp, day date);
CREATE INDEX ON shop.dense (at);
CREATE INDEX ON shop.dense (local);
CREATE INDEX ON shop.dense (day);
SELECT segments.detach('shop.customer');
CREATE FUNCTION pg_temp.walk(zone text, start timestamptz, step interval, steps int, VARIADIC phrases text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := start;
    moved bigint := 0;
    differing text := '';
    step_result record;
BEGIN
    PERFORM set_config('segments.now', start::text, false);
    TRUNCATE shop.dense;
    PERFORM segments.attach('shop.dense', timezone => zone);
    PERFORM segments.create_segment(concat(field, ' ', phrase),
                to_jsonb(ARRAY[pg_temp.item('lead', field, split_part(phrase, ' ', 1), substr(phrase, strpos(phrase, ' ') + 1))])::segments.filter)
    FROM unnest(phrases) AS phrase, unnest('{at,local,day}'::text[]) AS field
    WHERE field <> 'day' OR phrase !~ 'hour|minute';
    INSERT INTO shop.dense SELECT row_number() OVER (), i, i AT TIME ZONE 'UTC', (i AT TIME ZONE zone)::date
    FROM generate_series(start - interval '34 days', start + interval '40 days', interval '47 minutes') AS i;
    FOR n IN 1 .. steps LOOP
        at := at + step;
        step_result := pg_temp.refresh(at);
        moved := moved + step_result.changes;
        IF step_result.wrong > 0 THEN
            differing := differing || format(' %s at %s', step_result.wrong, at);
        END IF;
    END LOOP;
    PERFORM segments.detach('shop.dense');
    RETURN CASE WHEN moved > 0 THEN 'moved' ELSE 'nothing moved' END || CASE WHEN differing = '' THEN ', all right' ELSE differing END;
END $$;
SELECT pg_temp.walk('Europe/Berlin', '2026-03-28 22:00+00', '31 minutes', 14, 'inLast 1 day', 'inNext 1 day', 'inLast 3 hours', 'gt -1 day', 'gte +1 day -2 hours', 'gt -90 minutes');
SELECT pg_temp.walk('Europe/Berlin', '2026-03-29 22:10+00', '31 minutes', 12, 'inLast 1 day', 'inLast 1 month', 'lt -1 day');
SELECT pg_temp.walk('Europe/Berlin', '2026-10-24 21:40+00', '33 minutes', 14, 'inLast 1 day', 'inNext 1 day', 'inLast 3 hours', 'lte +1 day +1 hour', 'gt today');
SELECT pg_temp.walk('America/Havana', '2026-11-01 02:30+00', '29 minutes', 12, 'inLast 1 day', 'gte today', 'lt +1 day', 'inLast 2 hours');
SELECT pg_temp.walk('UTC', '2026-01-28 12:00+00', '5 hours', 16, 'inNext 1 month', 'lt +1 month', 'gt +1 month -2 days', 'lte +1 month +1 hour');
SELECT pg_temp.walk('Europe/Paris', '2026-03-26 20:00+00', '7 hours', 20, 'inLast 1 month', 'gte -1 month', 'lt -1 month +1 hour', 'inLast 1 quarter');

-- What would have to be looked up, and is met before what decides without it: the row alone tells, after the boundary as before.
CREATE TABLE shop.nested (id int PRIMARY KEY, seen timestamptz, city text, points int);
CREATE INDEX ON shop.nested (seen);
CREATE TABLE shop.call (nested int, kind text);
CREATE INDEX ON shop.call (nested);
SET segments.now = '2026-01-15 10:00+00';
SELECT segments.attach('shop.nested');
SELECT segments.attach_related('shop.nested', 'call', 'shop.call', 'nested');
SELECT segments.define_field('shop.nested', 'kind', object => 'behaviors', relation => 'call');
INSERT INTO shop.nested SELECT i, '2026-01-15 09:00+00'::timestamptz + i * interval '1 minute', 'Oslo', i FROM generate_series(1, 50) AS i;
INSERT INTO shop.call VALUES (3, 'a'), (4, 'b'), (5, 'a'), (5, 'b');
SELECT pg_temp.segment('Nested', pg_temp.item('lead', 'seen', 'inLast', '1 day'), jsonb_build_object('glue', 'or', 'filters', jsonb_build_array(
    jsonb_build_object('filters', jsonb_build_array(pg_temp.item('behaviors', 'kind', '=', 'a'), pg_temp.item('lead', 'points', '=', '100') || '{"glue": "or"}')),
    jsonb_build_object('filters', jsonb_build_array(pg_temp.item('lead', 'points', '=', '200'),
        pg_temp.item('behaviors', 'kind', '=', 'b') || '{"glue": "or"}', pg_temp.item('lead', 'city', '=', 'Rome'))))));
UPDATE shop.nested SET city = 'Rome' WHERE id IN (2, 5);
SELECT * FROM pg_temp.refresh('2026-01-16 09:10+00');
SELECT * FROM pg_temp.refresh('2026-01-16 09:30+00');
SELECT array_agg(contact_id ORDER BY contact_id) FROM shop.nested_segment_member;
-- Companies that a column of the contact leads to are read by it.
CREATE TABLE shop.firm (id int PRIMARY KEY, name text, founded timestamptz);
INSERT INTO shop.firm VALUES (1, 'A', '2026-01-15 10:00+00'), (2, 'B', '2026-01-14 10:00+00');
ALTER TABLE shop.nested ADD COLUMN firm int;
CREATE INDEX ON shop.nested (firm);
SELECT segments.attach_company('shop.nested', 'shop.firm', 'firm');
UPDATE shop.nested SET firm = id % 4;
SELECT pg_temp.segment('Of A', pg_temp.item('lead', 'seen', 'inLast', '1 day'), pg_temp.item('company', 'name', '=', 'a')),
       pg_temp.segment('Old or of B', pg_temp.item('lead', 'seen', 'lt', '-1 day -5 hours'), pg_temp.item('company', 'name', '!=', 'b') || '{"glue": "or"}'),
       pg_temp.segment('Founded', pg_temp.item('lead', 'points', 'gt', '1'), pg_temp.item('company', 'founded', 'inLast', '2 days'), pg_temp.item('behaviors', 'kind', '!=', 'a'),
                       pg_temp.item('lead', 'seen', 'gt', '-36 hours'));
SELECT * FROM pg_temp.refresh('2026-01-16 09:40+00');
SELECT * FROM pg_temp.refresh('2026-01-16 11:30+00');
SELECT * FROM pg_temp.refresh('2026-01-16 21:30+00');
SELECT alias, members FROM segments.status WHERE contact_table = 'shop.nested'::regclass ORDER BY 1;
SELECT segments.detach('shop.nested');

-- The index that is missing is named.
SELECT segments.attach('shop.dense');
SELECT segments.explain('[{"field": "at", "operator": "inLast", "properties": {"filter": "1 day"}}]');
DROP INDEX shop.dense_at_idx, shop.dense_day_idx;
SELECT segments.explain('[{"field": "at", "operator": "inLast", "properties": {"filter": "1 day"}},
    {"glue": "or", "field": "at", "operator": "gt", "properties": {"filter": "today"}},
    {"glue": "or", "field": "day", "operator": "=", "properties": {"filter": "birthday"}},
    {"glue": "or", "field": "day", "operator": "=", "properties": {"filter": "2026-01-01"}}]');
SELECT segments.detach('shop.dense');

-- Mautic's tables have the indexes; but for instants that most writes change, and those of companies, which are few.
SELECT segments.create_mautic_schema('crm');
SELECT object, field, split_part(text, 'Missing for refresh_due: ', 2) AS missing
FROM segments.field, segments.explain(jsonb_build_array(pg_temp.item(object, field, 'lt', 'today'))::segments.filter) AS text
WHERE type IN ('date', 'datetime') AND text LIKE '%Missing%' ORDER BY 1, 2;
SELECT segments.detach('crm.leads');

DROP SCHEMA shop, crm CASCADE;
