-- Random filters, nested, over what moves with time and what has to be looked up, while time passes and rows are written:
-- companies are those that a column of the contact leads to.  Nothing may differ after a refresh.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA nest;
SET search_path = nest;
CREATE TABLE firm (id int PRIMARY KEY, name text, founded timestamptz);
CREATE TABLE person (id int PRIMARY KEY, points int, city text, seen timestamptz, born date, firm int);
CREATE TABLE visit (person int, kind text, at timestamptz, spent int);
CREATE INDEX ON person (seen);
CREATE INDEX ON person (firm);
CREATE INDEX ON visit (person);
CREATE INDEX ON visit (at);
SET segments.now = '2026-01-01 00:00+00';
SELECT segments.attach('person'), segments.attach_related('person', 'visit', 'visit', 'person'), segments.attach_company('person', 'firm', 'firm');
SELECT segments.define_field('person', 'kind', object => 'behaviors', relation => 'visit'),
       segments.define_field('person', 'visited', object => 'behaviors', relation => 'visit', column_name => 'at'),
       segments.define_field('person', 'spent', 'number', object => 'behaviors', relation => 'visit', aggregate => 'sum'),
       segments.define_field('person', 'last', 'datetime', object => 'behaviors', relation => 'visit', column_name => 'at', aggregate => 'max');

CREATE FUNCTION pick(VARIADIC items text[]) RETURNS text LANGUAGE sql AS $$ SELECT items[1 + floor(random() * cardinality(items))::int] $$;
CREATE FUNCTION days() RETURNS text LANGUAGE sql AS $$ SELECT 1 + floor(random() * 9) || ' days' $$;
CREATE FUNCTION test(field text, operator text, value text, object text DEFAULT 'lead') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('object', object, 'field', field, 'operator', operator, 'properties', jsonb_build_object('filter', value)) $$;
CREATE FUNCTION leaf() RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE floor(random() * 12)
        WHEN 0 THEN test('points', pick('gt', 'lt', '=', '!='), floor(random() * 6)::text)
        WHEN 1 THEN test('city', pick('=', '!='), pick('a', 'b', 'q'))
        WHEN 2 THEN test('seen', pick('inLast', 'inNext'), days())
        WHEN 3 THEN test('seen', pick('gt', 'lt'), '-' || floor(random() * 99) || ' hours')
        WHEN 4 THEN test('born', pick('=', '!='), 'anniversary')
        WHEN 5 THEN test('kind', pick('=', '!='), pick('x', 'y', 'z'), 'behaviors')
        WHEN 6 THEN test('visited', pick('inLast', 'inNext'), days(), 'behaviors')
        WHEN 7 THEN test('spent', pick('gt', 'lt'), floor(random() * 9)::text, 'behaviors')
        WHEN 8 THEN test('last', pick('gt', 'lt'), '-' || days(), 'behaviors')
        WHEN 9 THEN test('founded', 'inLast', days(), pick('company', 'company_all'))
        WHEN 10 THEN test('name', pick('=', '!='), pick('n0', 'n1'), 'company')
        ELSE jsonb_build_object('rows', 'visit', 'negate', random() < 0.5, 'filters', jsonb_build_array(
            test('kind', '=', 'x') - 'object', (test('at', 'inLast', days()) - 'object') || jsonb_build_object('glue', pick('and', 'or')))) END $$;
CREATE FUNCTION node(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    parts jsonb := '[]';
BEGIN
    IF depth = 0 OR random() < 0.25 THEN
        RETURN leaf() || jsonb_build_object('glue', pick('and', 'or'));
    END IF;
    FOR i IN 1 .. 2 + floor(random() * 3) LOOP
        parts := parts || node(depth - 1);
    END LOOP;
    RETURN jsonb_build_object('glue', pick('and', 'or'), 'negate', random() < 0.3, 'filters', parts);
END $$;
CREATE FUNCTION around(at timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT at + (random() * 20 - 10) * interval '1 day' $$;
CREATE FUNCTION write(at timestamptz, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE person SET seen = around(at) WHERE id % 40 = n;
    UPDATE person SET points = (points + 1) % 6, firm = (firm + 1) % 9, city = pick('a', 'b', 'q') WHERE id % 19 = n;
    UPDATE visit SET person = (person + 7) % 120, at = around(write.at) WHERE person % 30 = n;
    UPDATE firm SET founded = around(at) WHERE id = n;
    DELETE FROM person WHERE id = n * 3;
    INSERT INTO person VALUES (n, 1, 'a', at, at, 1) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, points = 5;
    INSERT INTO visit VALUES (n * 2, 'x', at, 1);
END $$;

SELECT setseed(0.1);
INSERT INTO firm SELECT i, 'n' || i % 3, around('2026-01-01') FROM generate_series(1, 9) AS i;
INSERT INTO person SELECT i, i % 6, pick('a', 'b', 'c'), around('2026-01-01'), '1990-01-01'::date + i * 3, i % 10 FROM generate_series(1, 120) AS i;
INSERT INTO visit SELECT floor(random() * 120), pick('x', 'y', 'z'), around('2026-01-01'), i % 6 FROM generate_series(1, 200) AS i;
SELECT count(segments.create_segment('S' || i, jsonb_build_array(node(3), node(3))::text::segments.filter)) FROM generate_series(1, 40) AS i;
DO $$
DECLARE
    at timestamptz := '2026-01-01 00:00+00';
    differing bigint;
BEGIN
    FOR i IN 1 .. 24 LOOP
        at := at + random() * interval '20 hours';
        PERFORM set_config('segments.now', at::text, false), write(at, i);
        CONTINUE WHEN i % 3 = 1;
        PERFORM segments.refresh_due();
        SELECT count(*) INTO differing FROM segments.check();
        IF differing > 0 THEN
            RAISE WARNING '% memberships differ after step %', differing, i;
        END IF;
    END LOOP;
END $$;
SELECT count(*) > 500 AS many_changes FROM person_segment_change;
SELECT * FROM segments.check(by_query => false);
SELECT segments.detach('person');
DROP SCHEMA nest CASCADE;
