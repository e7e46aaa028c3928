-- What errors leave behind, and what of the session reaches an evaluation.
SET client_min_messages = warning;
CREATE SCHEMA i;
CREATE TABLE i.c (id bigint PRIMARY KEY, points int DEFAULT 0, other int);
SELECT segments.attach('i.c');
INSERT INTO i.c SELECT n, 0 FROM generate_series(1, 5) AS n;
CREATE FUNCTION i.at_least(points int) RETURNS segments.filter LANGUAGE sql IMMUTABLE AS
    $$SELECT format('[{"field":"points","operator":"gte","properties":{"filter":%s}}]', points)::segments.filter$$;
SELECT count(segments.create_segment('p' || n, i.at_least(n), contact_table => 'i.c')) FROM generate_series(1, 2) AS n;

-- Errors inside a write, which are caught inside it, leave no memory.
CREATE FUNCTION i.bad() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.contact_id = 1 THEN
        FOR n IN 1..200 LOOP
            BEGIN UPDATE i.c SET points = 2 WHERE id = 2; EXCEPTION WHEN raise_exception THEN NULL; END;
        END LOOP;
    ELSE
        RAISE EXCEPTION 'no';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bad AFTER INSERT ON i.c_segment_member FOR EACH ROW EXECUTE FUNCTION i.bad();
UPDATE i.c SET other = 1 WHERE id = 3;
CREATE TEMP TABLE before AS SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'ExprContext';
BEGIN;
UPDATE i.c SET points = 1 WHERE id = 1;
SELECT count(*) - (SELECT count FROM before) < 20 AS none_left FROM pg_backend_memory_contexts WHERE name = 'ExprContext';
COMMIT;
SELECT segment_id IS NOT NULL AS is_member, contact_id FROM i.c_segment_member;
DROP TRIGGER bad ON i.c_segment_member;

-- A build inside of which an error was caught still ends: nothing is shown as at work.
CREATE FUNCTION i.fails(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
    BEGIN RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN RETURN n; END;
END $$;
SELECT segments.define_field('i.c', 'failing', 'number', expression => 'i.fails(points)', unfollowed => true);
BEGIN;
SELECT segments.create_segment('failing', replace(i.at_least(0)::text, 'points', 'failing')::segments.filter, contact_table => 'i.c') IS NOT NULL AS created;
SELECT segments.rebuild('failing');
SELECT * FROM segments.progress;
COMMIT;
SELECT segments.count('failing');

-- A filter that changes with every row keeps no copies.
CREATE FUNCTION i.bytes() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
CREATE TABLE i.filters AS SELECT n, (SELECT json_agg(json_build_object('field', 'points', 'operator', '=', 'glue', 'or',
    'properties', json_build_object('filter', n * 100 + m)))::text::segments.filter AS filter FROM generate_series(1, 60) AS m) FROM generate_series(1, 401) AS n;
SELECT count(matches) AS asked, max(used) - min(used) < 500000 AS kept_none
FROM (SELECT segments.matches(c, f.filter), CASE WHEN f.n % 200 = 1 THEN i.bytes() END AS used
      FROM i.filters AS f, i.c WHERE c.id = 1 OFFSET 0) AS s;

-- Expressions are not compiled by the server, and mean the same, whatever the session says.
SELECT segments.define_field('i.c', 'fixed', 'text', expression => 'concat_ws('' '', current_setting(''jit''), ''\x61''::bytea, array_to_string(''{null}''::text[], '','', ''none''))', unfollowed => true);
SET jit = on;
SET bytea_output = escape;
SET array_nulls = off;
SELECT segments.create_segment('fixed', '[{"field":"fixed","operator":"=","properties":{"filter":"off \\x61 none"}}]', contact_table => 'i.c') IS NOT NULL AS created;
INSERT INTO i.c VALUES (6, 0);
SELECT segments.count('fixed');
RESET jit;
RESET bytea_output;
RESET array_nulls;

-- An expression that can't be read any more: the planner leaves the call, with no reference to a table left open.
CREATE ROLE regress_interrupt;
CREATE SCHEMA j AUTHORIZATION regress_interrupt;
CREATE FUNCTION i.plus(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + 1';
GRANT USAGE ON SCHEMA i TO regress_interrupt;
SET ROLE regress_interrupt;
CREATE TABLE j.k (id bigint PRIMARY KEY, points int);
SELECT segments.attach('j.k');
SELECT segments.define_field('j.k', 'more', 'number', expression => 'i.plus(points)');
RESET ROLE;
REVOKE USAGE ON SCHEMA i FROM regress_interrupt;
EXPLAIN (COSTS OFF) SELECT id FROM j.k WHERE segments.matches(k, '[{"field":"more","operator":"gt","properties":{"filter":0}}]');
DROP SCHEMA j CASCADE;
DROP ROLE regress_interrupt;

SELECT * FROM segments.check();
DROP SCHEMA i CASCADE;
