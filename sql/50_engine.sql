-- ---------------------------------------------------------------------------
-- Evaluating filters, and keeping members
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments.elements(value text, fold boolean DEFAULT true) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_elements_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.elements(text, boolean) IS 'elements of a multi-select a|b|c, folded unless fold is false, without blank ones; null gives null';

CREATE FUNCTION segments.elements(value text[], fold boolean DEFAULT true) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_elements_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.elements(text[], boolean) IS 'elements of a multi-select array, folded unless fold is false, without nulls and blank ones; null gives null';

CREATE FUNCTION segments_internal.element_set(elements text[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_element_set' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments_internal.element_set(text[]) IS 'what segments.elements() gives as one value: equal for equal sets, whatever the order of their elements and however often one is there';

CREATE FUNCTION segments.matching(filter segments.filter, contact_table regclass DEFAULT NULL, at timestamptz DEFAULT NULL,
                                  key anyelement DEFAULT NULL::bigint) RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'segments_matching' LANGUAGE C STABLE ROWS 1000 COST 10000;
COMMENT ON FUNCTION segments.matching(segments.filter, regclass, timestamptz, anyelement) IS 'keys of the contacts that match a filter at an instant (null: now); contact_table null: the only attached one; key: any null of the type the keys are wanted in';

CREATE FUNCTION segments.explain(filter segments.filter, contact_table regclass DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_explain' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments.explain(segments.filter, regclass) IS 'the filter as SQL, the tables it reads, and when it next moves with time';

CREATE FUNCTION segments_internal.bind_check(filters segments.filter, contact_table regclass, segment_id bigint, storing boolean)
    RETURNS bigint[] AS 'MODULE_PATHNAME', 'segments_bind_check' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments_internal.bind_check(segments.filter, regclass, bigint, boolean) IS 'raises when a filter has no meaning for a contact table; else the segments it refers to; for those who may read the contacts';

CREATE FUNCTION segments_internal.check_references(filters segments.filter, contact_table regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_check_references' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments_internal.check_references(segments.filter, regclass) IS 'raises when a filter names a segment that the current role does not see';

CREATE FUNCTION segments.field_operators(contact_table regclass, object text, field text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_field_operators' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.field_operators(regclass, text, text) IS 'operators that a field takes, or null when there is no such field, or one may not read the contacts';

CREATE FUNCTION segments_internal.offered_operators(contact_table regclass, object text, field text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_offered_operators' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments_internal.offered_operators(regclass, text, text) IS 'field_operators(), null also where the field has no meaning';

CREATE FUNCTION segments_internal.qualify_expression(expression text, relation regclass) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_qualify_expression' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments_internal.qualify_expression(text, regclass) IS 'an SQL expression over a relation with its names qualified; refuses volatile functions';

CREATE FUNCTION segments_internal.matches_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'segments_matches_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments_internal.matches_support(internal) IS 'planner support of segments.matches()';

CREATE FUNCTION segments.matches(contact anyelement, filter segments.filter) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segments_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT segments_internal.matches_support;
COMMENT ON FUNCTION segments.matches(anyelement, segments.filter) IS 'whether a contact, given as a row of its table, matches a filter now; planned like the condition written by hand; null row or filter gives null';

CREATE FUNCTION segments_internal.maintain() RETURNS trigger
    AS 'MODULE_PATHNAME', 'segments_maintain' LANGUAGE C;
COMMENT ON FUNCTION segments_internal.maintain() IS 'statement trigger that keeps members right on the contact table and every table its segments read';

CREATE FUNCTION segments_internal.invalidate(contact_table regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_invalidate' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments_internal.invalidate(regclass) IS 'compiled segments of a contact table are compiled again, in every backend';
REVOKE EXECUTE ON FUNCTION segments_internal.invalidate(regclass) FROM PUBLIC;
CREATE FUNCTION segments_internal.readers_changed(relation regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_readers_changed';
COMMENT ON FUNCTION segments_internal.readers_changed(regclass) IS 'sessions that write a table find out again which contact tables its rows matter for';
REVOKE EXECUTE ON FUNCTION segments_internal.readers_changed(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.compiled_program(contact_table regclass, OUT segments integer, OUT atoms integer, OUT image_bytes bigint,
                                          OUT shared boolean, OUT build_ms double precision, OUT backend_bytes bigint)
    AS 'MODULE_PATHNAME', 'segments_compiled_program' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION segments_internal.compiled_program(regclass) IS 'sizes of the compiled segments of a contact table (see the view compiled)';

CREATE VIEW segments.compiled AS
SELECT t.contact_table, c.segments, c.atoms, c.image_bytes, c.shared, c.build_ms, c.backend_bytes
FROM segments.contact_table AS t, LATERAL segments_internal.compiled_program(t.contact_table) AS c
WHERE c.segments IS NOT NULL;
COMMENT ON VIEW segments.compiled IS 'What the compiled segments of each contact table that one may read cost this connection; they are compiled if they are not yet; all for pg_monitor';
COMMENT ON COLUMN segments.compiled.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.compiled.segments IS 'published segments with filters';
COMMENT ON COLUMN segments.compiled.atoms IS 'different conditions that they are made of';
COMMENT ON COLUMN segments.compiled.image_bytes IS 'size of the compiled image';
COMMENT ON COLUMN segments.compiled.shared IS 'the image is in shared memory, once for all connections; else this connection has its own';
COMMENT ON COLUMN segments.compiled.build_ms IS 'milliseconds that compiling took, in the connection that did it';
COMMENT ON COLUMN segments.compiled.backend_bytes IS 'memory of this connection alone';
GRANT SELECT ON segments.compiled TO PUBLIC;

CREATE FUNCTION segments_internal.build(contact_table regclass, segment_ids bigint[], cause text, fresh boolean) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_build' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments_internal.build(regclass, bigint[], text, boolean) IS 'brings the members of published segments of a contact table, and of those that refer to them, in line with their definitions; fresh: they are new and have no members yet; writers of the tables they read are shut out when it returns, until the transaction ends';
REVOKE ALL ON FUNCTION segments_internal.build(regclass, bigint[], text, boolean) FROM PUBLIC;

CREATE FUNCTION segments.refresh_due(at timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'segments_refresh_due' LANGUAGE C;
COMMENT ON FUNCTION segments.refresh_due(timestamptz) IS 'brings segments whose filters move with time forward to an instant (null: now; a later one: those of contact tables that one owns); contact tables one by one, with a warning for each that fails; returns how many joins and leaves that made; settles the numbers that segments.count() starts from, except at SERIALIZABLE; safe to call as often as wanted, by several at a time';

CREATE FUNCTION segments.reset_clock(contact_table regclass) RETURNS bigint
    AS 'MODULE_PATHNAME', 'segments_reset_clock' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.reset_clock(regclass) IS 'takes segments that were brought beyond the present back to now, and builds them anew; returns how many joins and leaves that made; for the owner of the contact table; writers are shut out until the transaction ends';

CREATE FUNCTION segments_internal.check_segments(ids bigint[], key anyelement, by_query boolean)
    RETURNS TABLE (segment_id bigint, contact_id anyelement, stored boolean, evaluated boolean, reason text)
    AS 'MODULE_PATHNAME', 'segments_check_segments' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments_internal.check_segments(bigint[], anyelement, boolean) IS 'segments.check() by ids; null: all';

CREATE FUNCTION segments.check(segment text, key anyelement, by_query boolean DEFAULT NULL)
    RETURNS TABLE (segment_id bigint, contact_id anyelement, stored boolean, evaluated boolean, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT * FROM segments_internal.check_segments(CASE WHEN segment IS NULL THEN NULL ELSE ARRAY[segments.resolve_segment(segment)] END,
                                          key, by_query)
    $$;
COMMENT ON FUNCTION segments.check(text, anyelement, boolean) IS 'segments.check(), with keys in the type of key, which is any null';

CREATE FUNCTION segments.check(segment text DEFAULT NULL, by_query boolean DEFAULT NULL)
    RETURNS TABLE (segment_id bigint, contact_id bigint, stored boolean, evaluated boolean, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM segments.check(segment, NULL::bigint, by_query) $$;
COMMENT ON FUNCTION segments.check(text, boolean) IS 'evaluates a segment (null: every published one) afresh, now, and returns every contact whose stored membership differs, and why; no rows: all is right; by_query: true evaluates each segment by its SQL, false all of them in one scan by what maintains them, null chooses: one scan for eight segments or more of a large table, but for those that cost less by query; without a name a segment that can''t be evaluated is a warning';

CREATE FUNCTION segments.rebuild(segment_ids bigint[]) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_rebuild' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.rebuild(bigint[]) IS 'evaluates segments afresh, those of a contact table in one scan, and brings their members in line; shuts nobody out, and locks only contacts that differ; brings back those that were set aside; for those who may change them';

CREATE FUNCTION segments.rebuild(segment text) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_rebuild_segment' LANGUAGE C;
COMMENT ON FUNCTION segments.rebuild(text) IS 'evaluates a segment afresh and brings its members in line; normally there is nothing to do, and nothing is written; for those who may change it';

CREATE FUNCTION segments_internal.rebuild_guarded(contact_table regclass, segment_ids bigint[], failed bigint[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_rebuild_guarded';
COMMENT ON FUNCTION segments_internal.rebuild_guarded(regclass, bigint[], bigint[]) IS 'segments.rebuild() of segments of a contact table, and one by one of those that were set aside; an error is a warning, and segments that can''t be evaluated are set aside';

CREATE PROCEDURE segments.rebuild_all()
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    concerned record;
BEGIN
    FOR concerned IN
        SELECT s.contact_table, coalesce(array_agg(s.id ORDER BY s.id) FILTER (WHERE NOT s.failed), '{}') AS ids,
               coalesce(array_agg(s.id ORDER BY s.id) FILTER (WHERE s.failed), '{}') AS failed
        FROM (SELECT s.contact_table, s.id,
                     s.state = 'failed' OR EXISTS (SELECT FROM segments.segment_failure AS f WHERE f.segment_id = s.id) AS failed
              FROM segments.segment AS s WHERE s.is_published) AS s
        WHERE segments.may_change(s.contact_table, 'UPDATE')
        GROUP BY s.contact_table ORDER BY min(s.id)
    LOOP
        PERFORM segments_internal.rebuild_guarded(concerned.contact_table, concerned.ids, concerned.failed);
    END LOOP;
END $$;
COMMENT ON PROCEDURE segments.rebuild_all() IS 'rebuilds every published segment that one may change, those of a contact table in one scan; contact tables one by one, with a warning for each that fails, and for each segment that can''t be evaluated and is set aside';

CREATE FUNCTION segments_internal.backend_progress(
    OUT pid integer, OUT contact_table regclass, OUT command text, OUT phase text, OUT segments bigint,
    OUT contacts_total bigint, OUT contacts_done bigint, OUT changes bigint, OUT started timestamptz)
    RETURNS SETOF record AS 'MODULE_PATHNAME', 'segments_backend_progress' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION segments_internal.backend_progress() IS 'the rows of segments.progress';

CREATE VIEW segments.progress AS
SELECT p.pid, current_database() AS database, p.contact_table, p.command, p.phase, p.segments, p.contacts_total,
       p.contacts_done, p.changes, p.started
FROM segments_internal.backend_progress() AS p;
COMMENT ON VIEW segments.progress IS 'Building, rebuilding and checking that sessions of this database are at, for contact tables that one may read (all for pg_monitor), where track_activities is on; pg_cancel_backend(pid) stops it and everything is as before';
COMMENT ON COLUMN segments.progress.pid IS 'process of the session';
COMMENT ON COLUMN segments.progress.database IS 'the database';
COMMENT ON COLUMN segments.progress.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.progress.command IS 'create: new segments; rebuild: others; check';
COMMENT ON COLUMN segments.progress.phase IS 'evaluating, comparing with the members, waiting for writers, catching up with what they wrote, or writing; null: preparing';
COMMENT ON COLUMN segments.progress.segments IS 'number of segments it is about';
COMMENT ON COLUMN segments.progress.contacts_total IS 'contacts that the present scan reads, as last estimated; null: there is none';
COMMENT ON COLUMN segments.progress.contacts_done IS 'contacts that it has read';
COMMENT ON COLUMN segments.progress.changes IS 'joins and leaves written so far, or differences found';
COMMENT ON COLUMN segments.progress.started IS 'when it began';
GRANT SELECT ON segments.progress TO PUBLIC;

CREATE FUNCTION segments_internal.why_contact(segment_id bigint, contact text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segments_why_contact' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments_internal.why_contact(bigint, text) IS 'segments.why() by id and key as text';

CREATE FUNCTION segments.why(segment text, contact anyelement) RETURNS jsonb
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments_internal.why_contact(segments.resolve_segment(segment), segments_internal.value_text(contact)) $$;
COMMENT ON FUNCTION segments.why(text, anyelement) IS 'why a contact is a member or not: the filter tree with each leaf''s value (of related rows, up to ten) and truth, now, and what was done by hand';

CREATE FUNCTION segments.why(segment text, contact text) RETURNS jsonb
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments_internal.why_contact(segments.resolve_segment(segment), contact) $$;
COMMENT ON FUNCTION segments.why(text, text) IS 'why a contact is a member or not; the key as text';

CREATE FUNCTION segments.preview(filter segments.filter, contact_table regclass DEFAULT NULL, exact boolean DEFAULT false,
                                 sample integer DEFAULT 0)
    RETURNS TABLE (estimate bigint, exact_count bigint, sample_keys text[])
    AS 'MODULE_PATHNAME', 'segments_preview' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments.preview(segments.filter, regclass, boolean, integer) IS 'how many contacts a filter would match: an estimate at once, from a sample, the exact number when asked for, and the keys of a sample';
