-- ---------------------------------------------------------------------------
-- Rights of the functions of triggers, and on tables
-- ---------------------------------------------------------------------------

/*
 * Whoever may execute a trigger function can put it on a table of their own, with
 * rows as they like; one with the rights of the extension's owner believes its
 * rows.  Nobody needs the right: triggers that are there don't ask for it.
 * Everybody needs that on maintain(), before_trim() and after_trim(), which attach()
 * puts on tables of its caller; they go by the table that they are on.
 */
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'segments_internal'::pg_catalog.regnamespace
          AND p.prorettype IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
          AND p.proname NOT IN ('maintain', 'before_trim', 'after_trim')
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
END
$$;

/*
 * On tables PUBLIC never holds UPDATE, DELETE or TRUNCATE: their holders may
 * LOCK a table in any mode, and so hold up everybody whose writes read it, which
 * UPDATE of columns does not allow.  Rows of one's own are deleted by functions
 * (src/definition/catalogue_gate.c).
 */

-- those of 00_header.sql
ALTER DEFAULT PRIVILEGES IN SCHEMA segments, segments_internal REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA segments, segments_internal REVOKE USAGE ON TYPES FROM PUBLIC;
