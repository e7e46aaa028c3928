-- ---------------------------------------------------------------------------
-- Segments that could not be evaluated (src/maintain/set_aside.c)
-- ---------------------------------------------------------------------------

/*
 * A row here, or the state failed: a segment is set aside.  Whoever runs into it
 * adds a row and waits for nobody; the segment's own row follows when it is free.
 */
CREATE TABLE segments.segment_failure (
    segment_id bigint,
    number bigint,
    failed_at timestamptz NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (segment_id, number)
);
COMMENT ON TABLE segments.segment_failure IS 'Segments that could not be evaluated and are set aside until segments.rebuild()';
COMMENT ON COLUMN segments.segment_failure.segment_id IS 'the segment';
COMMENT ON COLUMN segments.segment_failure.number IS 'random; of one transaction that ran into it';
COMMENT ON COLUMN segments.segment_failure.failed_at IS 'when';
COMMENT ON COLUMN segments.segment_failure.error IS 'why; of errors that can hold values of rows only the SQLSTATE';
SELECT pg_catalog.pg_extension_config_dump('segments.segment_failure', '');

ALTER TABLE segments.segment_failure ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.segment_failure FOR SELECT
    USING (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id));
COMMENT ON POLICY visible ON segments.segment_failure IS 'those of visible segments';
GRANT SELECT ON segments.segment_failure TO PUBLIC;

CREATE FUNCTION segments_internal.has_failed(segment_id bigint) RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_has_failed';
COMMENT ON FUNCTION segments_internal.has_failed(bigint) IS 'is a segment set aside?';
REVOKE ALL ON FUNCTION segments_internal.has_failed(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.note_failures(contact_table regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Rows that somebody else has locked are left to the next one: a write of
 * contacts must wait for nobody who changes a segment, as that one waits for it.
 */
BEGIN
    WITH free AS (
        SELECT s.id FROM segments.segment AS s
        WHERE s.state IN ('ready', 'new') AND (s.contact_table = note_failures.contact_table OR note_failures.contact_table IS NULL)
          AND EXISTS (SELECT FROM segments.segment_failure AS f WHERE f.segment_id = s.id)
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE segments.segment AS s
    SET state = 'failed', error = (SELECT f.error FROM segments.segment_failure AS f WHERE f.segment_id = s.id
                                   ORDER BY f.failed_at DESC, f.number LIMIT 1)
    FROM free WHERE s.id = free.id;
END
$function$;
COMMENT ON FUNCTION segments_internal.note_failures(regclass) IS 'says in the rows of segments of a contact table (null: of all) that they are set aside';
REVOKE ALL ON FUNCTION segments_internal.note_failures(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_aside(segment_id bigint) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_forget_aside';
COMMENT ON FUNCTION segments_internal.forget_aside(bigint) IS 'this transaction evaluates a segment again';
REVOKE ALL ON FUNCTION segments_internal.forget_aside(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_failures(segment_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.forget_aside(forget_failures.segment_id);
    DELETE FROM segments.segment_failure AS f WHERE f.segment_id = forget_failures.segment_id;
    RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_failures(bigint) IS 'a segment is set aside no longer; had it failed?';
REVOKE ALL ON FUNCTION segments_internal.forget_failures(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.bring_back(contact_table regclass, segment_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Nobody has kept it up to date, so it is built as one with new filters is:
 * writers are shut out at the end.
 */
BEGIN
    UPDATE segments.segment AS s SET state = 'building', error = NULL WHERE s.id = bring_back.segment_id;
    PERFORM segments_internal.forget_failures(bring_back.segment_id);
    PERFORM segments_internal.invalidate(bring_back.contact_table);
    PERFORM segments_internal.build_stored(bring_back.contact_table, ARRAY[bring_back.segment_id], false);
END
$function$;
COMMENT ON FUNCTION segments_internal.bring_back(regclass, bigint) IS 'builds a segment that was set aside';
REVOKE ALL ON FUNCTION segments_internal.bring_back(regclass, bigint) FROM PUBLIC;
