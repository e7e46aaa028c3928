-- Answers, and what installing makes, are the same under any settings of a session.
\set VERBOSITY terse
SELECT current_database() AS here \gset
CREATE DATABASE regress_settings TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_settings
-- what is public, and how
CREATE FUNCTION made() RETURNS TABLE (object text) LANGUAGE sql SET search_path = pg_catalog SET intervalstyle = postgres SET quote_all_identifiers = off SET standard_conforming_strings = on AS $$
    SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text IN ('segments', 'segments_internal') AND p.prokind <> 'a'
    UNION ALL
    SELECT format('%s %s %s %s', c.relname, a.attname, a.atttypid::regtype, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace::regnamespace::text = 'segments' AND c.relkind IN ('r', 'v')
    UNION ALL
    SELECT pg_get_viewdef(c.oid) FROM pg_class AS c WHERE c.relnamespace::regnamespace::text = 'segments' AND c.relkind = 'v'
    UNION ALL
    SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c WHERE c.connamespace::regnamespace::text = 'segments'
    UNION ALL
    SELECT concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
    WHERE c.relnamespace::regnamespace::text = 'segments'
$$;
-- what is asked in each: the same whatever is set
CREATE FUNCTION asked() RETURNS TABLE (n bigint, answer text) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    statement text;
BEGIN
    n := 0;
    FOREACH statement IN ARRAY ARRAY[
        $q$SELECT segments.attach('public.person'), segments.attach_related('public.person', 'visit', 'public.visit', 'person_id')$q$,
        $q$SELECT segments.define_field('public.person', 'visits', 'number', object => 'behaviors', relation => 'visit', aggregate => 'count')$q$,
        $q$SELECT segments.define_field('public.person', 'visits_*', 'number', object => 'behaviors', relation => 'visit', aggregate => 'count', condition => 'page = $1')$q$,
        $q$SELECT segments.define_field('public.person', 'bad', 'number', object => 'behaviors', relation => 'visit', aggregate => 'count', condition => 'page = $1')$q$,
        $q$SELECT segments.define_field('public.person', 'bad_*', 'number', object => 'behaviors', relation => 'visit', aggregate => 'count', condition => 'page = 1')$q$,
        $q$SELECT 0 < segments.create_segment(E'Back\\slash', $j$[{"field": "name", "operator": "contains", "properties": {"filter": "a\\b"}}]$j$)$q$,
        $q$SELECT 0 < segments.create_segment('Visited', '[{"object": "behaviors", "field": "visits_2", "operator": "gt", "properties": {"filter": 0}}]', description => E'tab\tand \\')$q$,
        $q$SELECT 0 < segments.create_segment('Static', is_preference_center => true)$q$,
        $q$SELECT 0 < segments.create_segment(' ')$q$,
        $q$SELECT 0 < segments.create_segment(E'\t')$q$,
        $q$SELECT 0 < segments.create_segment('ss')$q$,
        $q$SELECT 0 < segments.create_point_trigger('s', 10, '{static}')$q$,
        $q$SELECT 0 < segments.create_point_trigger(E' \n', 10, '{static}')$q$,
        $q$UPDATE public.person SET points = 20 WHERE id = 2$q$,
        $q$SELECT s.alias, m.contact_id FROM segments.segment AS s, segments.members(s.alias) AS m ORDER BY 1, 2$q$,
        $q$SELECT segments.explain($j$[{"field": "name", "operator": "like", "properties": {"filter": "50\\%%"}}, {"field": "born", "operator": "lt", "properties": {"filter": "-18 years"}}]$j$)$q$,
        $q$SELECT k FROM segments.search($j$"a\b"$j$) AS k$q$,
        $q$SELECT k FROM segments.search('name:_ OR 50%') AS k$q$,
        $q$SELECT status, (body -> 'list') - 'dateAdded' - 'id' FROM segments.rest('POST', 'segments/new', '{}', '{"name": "sS_x% y"}')$q$,
        $q$SELECT status, body FROM segments.rest('POST', 'segments/new', '{}', $j${"name": "\t"}$j$)$q$,
        $q$SELECT status, body FROM segments.rest('POST', 'segments/new', '{}', '{"name": "x", "filters": [{"field": "name"}]}')$q$,
        $q$SELECT status, body -> 'total' FROM segments.rest('GET', 'segments', '{"search": "S_x", "orderBy": "dateAdded,isPublished"}')$q$,
        $q$SELECT status, body -> 'total' FROM segments.rest('GET', 'segments', $j${"search": "name:+back\\slash"}$j$)$q$,
        $q$SELECT status, body -> 'total' FROM segments.rest('GET', 'contacts', $j${"search": "a\\b", "orderBy": "birthDay"}$j$)$q$,
        $q$SELECT status, body FROM segments.rest('PATCH', 'contacts/1/edit', '{}', '{"born": "03/04/2001", "name": null}')$q$,
        $q$SELECT segments.export('visited', '{id,name}')$q$,
        $q$SELECT segments.definition_sql()$q$,
        $q$SELECT operators FROM segments.field WHERE field IN ('visits_*', 'name') ORDER BY field$q$,
        $q$SELECT line, reason, row FROM segments.import_rejected ORDER BY line$q$,
        $q$SELECT created, updated, rejected FROM segments.import_contacts('static', 'public.staging', match_on => 'name')$q$,
        $q$SELECT line, reason, row FROM segments.import_rejected ORDER BY line$q$,
        $q$ALTER TABLE public.visit RENAME page TO sheet$q$,
        $q$ALTER TABLE public.visit DROP COLUMN sheet$q$,
        $q$SELECT name FROM segments.health WHERE kind = 'advice' ORDER BY name$q$,
        $q$SELECT alias, segments.why(alias, 1) - 'at' FROM segments.segment ORDER BY alias$q$,
        $q$SELECT count(*) FROM segments.check()$q$,
        $q$SELECT segments.detach('public.person')$q$]
    LOOP
        n := n + 1;
        BEGIN
            IF statement ~ '^SELECT' THEN
                EXECUTE format('SELECT string_agg(to_json(a)::text, '' '') FROM (%s) AS a', statement) INTO answer;
            ELSE
                EXECUTE statement;
                answer := 'done';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
            answer := concat_ws(' ', SQLSTATE, SQLERRM, answer);
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE PROCEDURE fresh() LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS public.person, public.visit, public.staging CASCADE;
    DROP EXTENSION IF EXISTS segments CASCADE;
    CREATE EXTENSION segments;
    CREATE TABLE public.person (id bigint PRIMARY KEY, name text, points int, born date, "birth_day" text);
    CREATE TABLE public.visit (id bigint PRIMARY KEY, person_id bigint, page int);
    CREATE TABLE public.staging (name text, points text, born text);
    INSERT INTO public.person VALUES (1, E'a\\b'), (2, '50%'), (3, 's');
    INSERT INTO public.visit VALUES (1, 1, 2), (2, 2, 3);
    INSERT INTO public.staging VALUES ('s', '5', NULL), (E'\\N', '1', '2001-02-03'), (E'a\\b', E'x\\y', NULL), (NULL, NULL, NULL);
END
$$;
SET client_min_messages = error; SET segments.now = '2026-03-18 10:30:00+00';
CALL fresh();
CREATE TABLE usual AS SELECT * FROM asked();
CREATE TABLE objects AS SELECT * FROM made();
SELECT count(*) > 400 AS many FROM objects;
SELECT * FROM usual WHERE answer ~ '^[0-9A-Z]{5} ' ORDER BY n;
-- one connection each: functions keep how they were read
\c
SET client_min_messages = error; SET segments.now = '2026-03-18 10:30:00+00';
-- from 19 on the server knows nothing else
DO $$ BEGIN SET standard_conforming_strings = off; SET escape_string_warning = off; EXCEPTION WHEN OTHERS THEN NULL; END $$;
SET backslash_quote = off;
CALL fresh();
SELECT * FROM asked() EXCEPT SELECT * FROM usual ORDER BY n;
SELECT * FROM made() EXCEPT SELECT * FROM objects;
\c
SET client_min_messages = error; SET segments.now = '2026-03-18 10:30:00+00';
SET quote_all_identifiers = on; SET array_nulls = off; SET transform_null_equals = on; SET check_function_bodies = off; SET bytea_output = escape;
CALL fresh();
-- SQL that is made for people has the quotes that were asked for
SELECT n, replace(answer, E'\\"', '') FROM asked() EXCEPT SELECT n, replace(answer, E'\\"', '') FROM usual ORDER BY n;
SELECT * FROM made() EXCEPT SELECT * FROM objects;
\c
SET client_min_messages = error; SET segments.now = '2026-03-18 10:30:00+00';
SET datestyle = 'German'; SET intervalstyle = sql_standard; SET timezone = 'Asia/Kathmandu'; SET extra_float_digits = -5; SET search_path = ''; SET default_transaction_isolation = serializable;
CALL public.fresh();
SELECT * FROM public.asked() EXCEPT SELECT * FROM public.usual ORDER BY n;
SELECT * FROM public.made() EXCEPT SELECT * FROM public.objects;
\c :here
DROP DATABASE regress_settings;
