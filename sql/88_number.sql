-- ---------------------------------------------------------------------------
-- Segments by number
-- ---------------------------------------------------------------------------

/*
 * Every public function whose first argument is a segment by its alias, or by
 * its id in digits, takes the id as a number too: an overload with bigint in the
 * place of text, with the same names, defaults and result.  Literals in quotes,
 * and parameters whose type is left to the server, stay text.  They are made of
 * what there is, so that none is forgotten.
 */
DO $$
DECLARE
    path text := pg_catalog.current_setting('search_path');
    quoting text := pg_catalog.current_setting('quote_all_identifiers');
    named record;
    body text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    FOR named IN
        SELECT p.oid, p.proname, p.prokind = 'p' AS is_procedure, p.proretset, p.prorows,
               CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
               CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END AS parallel,
               regexp_replace(pg_get_function_arguments(p.oid), '^(IN )?segment text( DEFAULT NULL::text)?', E'\\1segment bigint') AS arguments,
               pg_get_function_result(p.oid) AS result,
               oidvectortypes(p.proargtypes) AS types,
               CASE p.prokind WHEN 'p'
                    THEN (SELECT string_agg(', ' || quote_ident(p.proargnames[n]), '' ORDER BY n) FROM generate_series(2, p.pronargs) AS n)
                    ELSE (SELECT string_agg(', $' || n, '' ORDER BY n) FROM generate_series(2, p.pronargs) AS n)
               END AS others
        FROM pg_proc AS p
        WHERE p.pronamespace = 'segments'::regnamespace AND p.proargnames[1] = 'segment' AND p.proargtypes[0] = 'text'::regtype
        ORDER BY p.oid::regprocedure::text
    LOOP
        IF named.is_procedure THEN
            EXECUTE format('CREATE PROCEDURE segments.%I(%s) LANGUAGE plpgsql AS %L', named.proname, named.arguments,
                           format('BEGIN CALL segments.%I(segments_internal.segment_word(segment)%s); END', named.proname, named.others));
        ELSE
            body := format('%s segments.%I(segments_internal.segment_word($1)%s)',
                           CASE WHEN named.proretset THEN 'SELECT * FROM' ELSE 'SELECT' END, named.proname, named.others);
            EXECUTE format('CREATE FUNCTION segments.%I(%s) RETURNS %s LANGUAGE sql %s PARALLEL %s %s AS %L',
                           named.proname, named.arguments, named.result, named.volatility, named.parallel,
                           CASE WHEN named.proretset THEN format('ROWS %s', named.prorows) END, body);
        END IF;
        EXECUTE format('COMMENT ON %s segments.%I(%s) IS %L', CASE WHEN named.is_procedure THEN 'PROCEDURE' ELSE 'FUNCTION' END,
                       named.proname, regexp_replace(named.types, '^text', 'bigint'),
                       format('%s() of the segment with this id', named.proname));
    END LOOP;
    PERFORM pg_catalog.set_config('search_path', path, true), pg_catalog.set_config('quote_all_identifiers', quoting, true);
END
$$;
