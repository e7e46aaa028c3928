-- ---------------------------------------------------------------------------
-- What a monitor asks
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.count_unread(contact_table regclass, low bigint, low_in_progress bigint[], high bigint, in_progress bigint[],
                                      lsn pg_lsn, xact bigint, n integer) RETURNS double precision
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A log that can't be read is told of, and in nobody else's way.
 */
BEGIN
    RETURN segments_internal.unread_entries(contact_table, low, low_in_progress, high, in_progress, lsn, xact, n);
EXCEPTION
    /* of the moment, and not of the table */
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        RAISE WARNING 'entries of the log of contact table "%" could not be counted: %',
            (SELECT relname FROM pg_class WHERE oid = count_unread.contact_table), SQLERRM;
        RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.count_unread(regclass, bigint, bigint[], bigint, bigint[], pg_lsn, bigint, integer) IS
    'unread_entries(), null with a warning where the log can''t be read';

CREATE FUNCTION segments_internal.missing_indexes(asked regclass) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Of the segments that move with time, as segments.explain() tells.
 */
DECLARE
    moving record;
    advice text;
BEGIN
    FOR moving IN
        SELECT s.filters FROM segments.segment_clock AS k JOIN segments.segment AS s ON s.id = k.segment_id
        WHERE k.contact_table = asked AND s.state = 'ready' ORDER BY s.id
    LOOP
        BEGIN
            FOR advice IN SELECT (regexp_matches(segments.explain(moving.filters, asked), E'CREATE INDEX ON [^\n]*', 'g'))[1] LOOP
                RETURN NEXT rtrim(advice, ' .;') || ';';
            END LOOP;
        EXCEPTION
            /* of the moment, and not of the filter */
            WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
                 OR operator_intervention OR system_error THEN
                RAISE;
            WHEN OTHERS THEN
                CONTINUE;   -- one that can't be evaluated is told of as failed
        END;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.missing_indexes(regclass) IS 'indexes that refresh_due() of a contact table would use, as statements';

CREATE FUNCTION segments_internal.health_of(tables segments.contact_table)
    RETURNS TABLE (contact_table regclass, kind text, name text, value double precision, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    asked regclass := tables.contact_table;
BEGIN
    RETURN QUERY
    SELECT asked, 'lag', NULL::text,
           coalesce(extract(epoch FROM max(segments.now() - greatest(k.next_move, k.evaluated_at)) FILTER (
               WHERE k.next_move <= segments.now())), 0)::double precision,
           CASE WHEN bool_or(greatest(k.next_move, k.evaluated_at) < segments.now()) THEN 'Segments have moved since; segments.refresh_due() brings them forward.' END
    FROM (SELECT k.next_move, coalesce(k.evaluated_at, t.evaluated_at) AS evaluated_at
          FROM segments.segment_clock AS k LEFT JOIN segments.contact_clock AS t ON t.contact_table = k.contact_table
          WHERE k.contact_table = asked) AS k;
    RETURN QUERY
    SELECT asked, 'refresh failed', NULL::text, 1::double precision, h.error
    FROM segments.contact_clock AS h WHERE h.contact_table = asked AND h.failed_at IS NOT NULL;
    RETURN QUERY
    SELECT asked, 'failed', s.alias::text, 1::double precision, s.error
    FROM segments_internal.status_of(ARRAY[asked]) AS s WHERE s.state = 'failed' ORDER BY s.id;
    RETURN QUERY
    SELECT asked, 'unread', format('%s of %s', c.name, c.role),
           segments_internal.count_unread(asked, c.low, c.low_in_progress, c.high, c.in_progress, c.lsn, c.xact, c.n),
           'last read: ' || coalesce(c.read_at::text, 'never')
    FROM segments.consumer AS c WHERE c.contact_table = asked ORDER BY c.role::text, c.name;
    IF has_table_privilege('segments.count_state', 'SELECT') THEN
        RETURN QUERY
        SELECT asked, 'unsettled', NULL::text,
               segments_internal.count_unread(asked, coalesce(c.high, 0), coalesce(c.in_progress, '{}'), coalesce(c.high, 0), coalesce(c.in_progress, '{}'), '0/0', 0, 0),
               CASE WHEN c.high IS NULL THEN 'Nothing is settled: counts read the members.' END
        FROM segments.count_state AS c WHERE c.contact_table = asked;
    END IF;
    RETURN QUERY
    SELECT DISTINCT asked, 'missing index', NULL::text, 1::double precision, i FROM segments_internal.missing_indexes(asked) AS i ORDER BY i;
END
$function$;
COMMENT ON FUNCTION segments_internal.health_of(segments.contact_table) IS 'rows of segments.health about a contact table';

CREATE FUNCTION segments_internal.health_of_all()
    RETURNS TABLE (contact_table regclass, kind text, name text, value double precision, detail text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT h.* FROM segments.contact_table AS t, segments_internal.health_of(t) AS h
    UNION ALL
    SELECT NULL, 'worker failed', NULL, 1, e.message FROM segments.worker_error AS e
$function$;
COMMENT ON FUNCTION segments_internal.health_of_all() IS 'rows of segments.health, of all contact tables, for whoever watches the server';
REVOKE EXECUTE ON FUNCTION segments_internal.health_of_all() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segments_internal.health_of_all() TO pg_monitor;

CREATE FUNCTION segments_internal.segment_health()
    RETURNS TABLE (contact_table regclass, kind text, name text, value double precision, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF pg_has_role('pg_monitor', 'USAGE') THEN
        RETURN QUERY SELECT * FROM segments_internal.health_of_all();
    ELSE
        RETURN QUERY
        SELECT h.* FROM segments.contact_table AS t, segments_internal.health_of(t) AS h WHERE has_table_privilege(t.contact_table, 'SELECT');
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_health() IS 'the rows of segments.health';

CREATE VIEW segments.health AS SELECT * FROM segments_internal.segment_health();
COMMENT ON VIEW segments.health IS 'What a monitor asks, of contact tables that one may read, all for pg_monitor: how late, how much unread and unsettled, what failed, which indexes are missing';
COMMENT ON COLUMN segments.health.contact_table IS 'the contact table; null: the database';
COMMENT ON COLUMN segments.health.kind IS 'lag, unread and unsettled are there always; refresh failed, failed, missing index and worker failed where there is something to do';
COMMENT ON COLUMN segments.health.name IS 'of unread: the consumer and its role; of failed: the segment''s alias';
COMMENT ON COLUMN segments.health.value IS 'lag: seconds since the first move that members have not followed; unread: entries of the log that the consumer has not read; unsettled: entries that segments.count() adds up each time, both about where there are more than some 100,000; else 1';
COMMENT ON COLUMN segments.health.detail IS 'the error; of a missing index the statement that makes it';
GRANT SELECT ON segments.health TO PUBLIC;
