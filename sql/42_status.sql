-- ---------------------------------------------------------------------------
-- What there is to know about segments
-- ---------------------------------------------------------------------------

-- What there is to know about segments.  A function, since a view reads its
-- tables with the rights of its owner.

CREATE FUNCTION segments_internal.unfollowed_fields(contact_table regclass) RETURNS TABLE (segment_id bigint, fields text[])
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.id, array_agg(DISTINCT d.field ORDER BY d.field)
    FROM segments.field_definition AS d
        LEFT JOIN segments.relation AS r
            ON (r.contact_table, r.name) = (d.contact_table, coalesce(d.relation, CASE WHEN d.object LIKE 'company%' THEN d.object END))
        JOIN segments.segment AS s ON s.contact_table = d.contact_table AND segments_internal.mentions(s.filters, ARRAY[d.field])
    WHERE d.contact_table = unfollowed_fields.contact_table AND (d.unfollowed OR r.unfollowed)
    GROUP BY s.id
$function$;
COMMENT ON FUNCTION segments_internal.unfollowed_fields(regclass) IS 'fields in segments'' filters that depend on what segments do not follow';

CREATE FUNCTION segments_internal.segment_costs(contact_table regclass)
    RETURNS TABLE (segment_id bigint, evaluations bigint, evaluation_time interval)
    LANGUAGE c VOLATILE STRICT ROWS 1000 AS 'MODULE_PATHNAME', 'segments_segment_costs';
COMMENT ON FUNCTION segments_internal.segment_costs(regclass) IS
    'how often segments of a contact table were evaluated for a contact, and an estimate of how long that took, since the server started; no rows where the library is not preloaded; for who may read the contact table';

CREATE FUNCTION segments_internal.status_of(
    contact_tables regclass[],
    OUT id bigint, OUT alias text, OUT name text, OUT contact_table regclass, OUT is_published boolean, OUT state text,
    OUT error text, OUT members bigint, OUT joins bigint, OUT leaves bigint, OUT last_change timestamptz,
    OUT evaluated_at timestamptz, OUT next_move timestamptz, OUT built_at timestamptz, OUT build_time interval,
    OUT refresh_failed_at timestamptz, OUT refresh_error text, OUT unfollowed text[],
    OUT evaluations bigint, OUT evaluation_time interval)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table;
BEGIN
    FOR tables IN
        SELECT t.* FROM segments.contact_table AS t
        WHERE t.contact_table = ANY (status_of.contact_tables) AND has_table_privilege(t.contact_table, 'SELECT')
        ORDER BY t.contact_table::oid
    LOOP
        RETURN QUERY EXECUTE format($query$
            SELECT s.id, s.alias, s.name, s.contact_table, s.is_published,
                   CASE WHEN f.error IS NOT NULL AND s.state <> 'building' THEN 'failed' ELSE s.state END,
                   CASE WHEN s.state <> 'building' THEN coalesce(s.error, f.error) END,
                   coalesce(c.members, 0), coalesce(c.joins, 0), coalesce(c.leaves, 0), c.last_change,
                   k.evaluated_at, greatest(k.next_move, k.evaluated_at), s.built_at, s.build_time,
                   h.failed_at, h.error, u.fields, e.evaluations, e.evaluation_time
            FROM segments.segment AS s
            LEFT JOIN segments.contact_clock AS h ON h.contact_table = s.contact_table
            LEFT JOIN (SELECT DISTINCT ON (f.segment_id) f.segment_id, f.error FROM segments.segment_failure AS f
                       ORDER BY f.segment_id, f.failed_at DESC, f.number) AS f ON f.segment_id = s.id
            LEFT JOIN segments_internal.member_counts(%1$s::oid) AS c ON c.segment_id = s.id
            LEFT JOIN (SELECT k.segment_id, k.next_move, coalesce(k.evaluated_at, t.evaluated_at) AS evaluated_at
                       FROM segments.segment_clock AS k
                       LEFT JOIN segments.contact_clock AS t ON t.contact_table = k.contact_table) AS k ON k.segment_id = s.id
            LEFT JOIN segments_internal.unfollowed_fields(%1$s::oid) AS u ON u.segment_id = s.id
            LEFT JOIN segments_internal.segment_costs(%1$s::oid) AS e ON e.segment_id = s.id
            WHERE s.contact_table = %1$s::oid ORDER BY s.id$query$, tables.contact_table::oid);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.status_of(regclass[]) IS 'rows of segments.status, of the segments that the current role sees';

CREATE FUNCTION segments_internal.status_of_all(contact_tables regclass[]) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.status_of(contact_tables)';
COMMENT ON FUNCTION segments_internal.status_of_all(regclass[]) IS 'rows of segments.status, of all segments, for whoever watches the server';
REVOKE EXECUTE ON FUNCTION segments_internal.status_of_all(regclass[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segments_internal.status_of_all(regclass[]) TO pg_monitor;

CREATE FUNCTION segments_internal.segment_status(
    OUT id bigint, OUT alias text, OUT name text, OUT contact_table regclass, OUT is_published boolean, OUT state text,
    OUT error text, OUT members bigint, OUT joins bigint, OUT leaves bigint, OUT last_change timestamptz,
    OUT evaluated_at timestamptz, OUT next_move timestamptz, OUT built_at timestamptz, OUT build_time interval,
    OUT refresh_failed_at timestamptz, OUT refresh_error text, OUT unfollowed text[],
    OUT evaluations bigint, OUT evaluation_time interval)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    all_tables regclass[] := ARRAY(SELECT t.contact_table FROM segments.contact_table AS t ORDER BY t.contact_table::oid);
BEGIN
    IF pg_has_role('pg_monitor', 'USAGE') THEN
        RETURN QUERY SELECT * FROM segments_internal.status_of_all(all_tables) AS s (
            id bigint, alias text, name text, contact_table regclass, is_published boolean, state text, error text, members bigint,
            joins bigint, leaves bigint, last_change timestamptz, evaluated_at timestamptz, next_move timestamptz,
            built_at timestamptz, build_time interval, refresh_failed_at timestamptz, refresh_error text, unfollowed text[],
            evaluations bigint, evaluation_time interval);
    ELSE
        RETURN QUERY SELECT * FROM segments_internal.status_of(all_tables);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_status() IS 'the rows of segments.status';

CREATE VIEW segments.status AS SELECT * FROM segments_internal.segment_status();
COMMENT ON VIEW segments.status IS 'Segments that one sees: how many members, what changed, when they next move with time, what failed and why';
COMMENT ON COLUMN segments.status.id IS 'id';
COMMENT ON COLUMN segments.status.alias IS 'alias';
COMMENT ON COLUMN segments.status.name IS 'name';
COMMENT ON COLUMN segments.status.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.status.is_published IS 'whether it is kept up to date';
COMMENT ON COLUMN segments.status.state IS 'building, ready or failed: set aside with the members that it had, until segments.rebuild()';
COMMENT ON COLUMN segments.status.error IS 'why it failed';
COMMENT ON COLUMN segments.status.members IS 'number of members, exact';
COMMENT ON COLUMN segments.status.joins IS 'how often contacts joined, also if the log has lost it since; after a dump was restored, or the table of members or the log got another file (VACUUM FULL, CLUSTER, TRUNCATE): since the oldest entry of the log';
COMMENT ON COLUMN segments.status.leaves IS 'how often contacts left, likewise';
COMMENT ON COLUMN segments.status.last_change IS 'instant of the last join or leave';
COMMENT ON COLUMN segments.status.evaluated_at IS 'the instant it was last brought forward to, if its filters move with time';
COMMENT ON COLUMN segments.status.next_move IS 'the next instant at which its filters can stand for something else';
COMMENT ON COLUMN segments.status.built_at IS 'when its members were last computed as a whole';
COMMENT ON COLUMN segments.status.build_time IS 'how long that took';
COMMENT ON COLUMN segments.status.refresh_failed_at IS 'when the last segments.refresh_due() failed for its contact table; null: it did not';
COMMENT ON COLUMN segments.status.refresh_error IS 'why';
COMMENT ON COLUMN segments.status.unfollowed IS 'fields of its filters whose SQL depends on more than the row, so that members do not follow; null: none';
COMMENT ON COLUMN segments.status.evaluations IS 'how often its filter was evaluated for a contact since the server started; null: never, or the library is not preloaded';
COMMENT ON COLUMN segments.status.evaluation_time IS 'how long that took, estimated from one evaluation in 64; what is read for several segments at once counts for the first of them';
GRANT SELECT ON segments.status TO PUBLIC;
