-- ---------------------------------------------------------------------------
-- Evaluating filters, and keeping members
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments.elements(value text, fold boolean DEFAULT true) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_elements_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.elements(text, boolean) IS 'elements of a multi-select a|b|c, folded unless fold is false, without blank ones; null gives null';

CREATE FUNCTION segments.elements(value text[], fold boolean DEFAULT true) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_elements_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.elements(text[], boolean) IS 'elements of a multi-select array, folded unless fold is false, without nulls and blank ones; null gives null';

CREATE FUNCTION segments.matching(filter segments.filter, contact_table regclass DEFAULT NULL, at timestamptz DEFAULT NULL,
                                  key anyelement DEFAULT NULL::bigint) RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'segments_matching' LANGUAGE C STABLE ROWS 1000 COST 10000;
COMMENT ON FUNCTION segments.matching(segments.filter, regclass, timestamptz, anyelement) IS 'keys of the contacts that match a filter at an instant (null: now); contact_table null: the only attached one; key: any null of the type the keys are wanted in';

CREATE FUNCTION segments.explain(filter segments.filter, contact_table regclass DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_explain' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments.explain(segments.filter, regclass) IS 'the filter as SQL, the tables it reads, and when it next moves with time';

CREATE FUNCTION segments.bind_check(filters segments.filter, contact_table regclass, segment_id bigint, storing boolean)
    RETURNS bigint[] AS 'MODULE_PATHNAME', 'segments_bind_check' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.bind_check(segments.filter, regclass, bigint, boolean) IS 'internal: raises when a filter has no meaning for a contact table; else the segments it refers to';

CREATE FUNCTION segments.check_references(filters segments.filter, contact_table regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_check_references' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.check_references(segments.filter, regclass) IS 'internal: raises when a filter names a segment that the current role does not see';

CREATE FUNCTION segments.field_operators(contact_table regclass, object text, field text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segments_field_operators' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.field_operators(regclass, text, text) IS 'operators that a field takes, or null when there is no such field';

CREATE FUNCTION segments.qualify_expression(expression text, relation regclass) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_qualify_expression' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.qualify_expression(text, regclass) IS 'internal: an SQL expression over a relation with its names qualified; refuses volatile functions';

CREATE FUNCTION segments.matches_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'segments_matches_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.matches_support(internal) IS 'internal: planner support of segments.matches()';

CREATE FUNCTION segments.matches(contact anyelement, filter segments.filter) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segments_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT segments.matches_support;
COMMENT ON FUNCTION segments.matches(anyelement, segments.filter) IS 'whether a contact, given as a row of its table, matches a filter now; planned like the condition written by hand; null row or filter gives null';

CREATE FUNCTION segments.maintain() RETURNS trigger
    AS 'MODULE_PATHNAME', 'segments_maintain' LANGUAGE C;
COMMENT ON FUNCTION segments.maintain() IS 'internal: statement trigger that keeps members right on the contact table and every table its segments read';

CREATE FUNCTION segments.invalidate(contact_table regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_invalidate' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.invalidate(regclass) IS 'internal: compiled segments of a contact table are compiled again, in every backend';

CREATE FUNCTION segments.build(segment_id bigint, cause text) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_build' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.build(bigint, text) IS 'internal: brings the members of a segment, and of those that refer to it, in line with its definition; shuts out writers of the tables it reads until the transaction ends';
REVOKE ALL ON FUNCTION segments.build(bigint, text) FROM PUBLIC;

CREATE FUNCTION segments.build_new(contact_table regclass, segment_ids bigint[], cause text) RETURNS void
    AS 'MODULE_PATHNAME', 'segments_build_new' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.build_new(regclass, bigint[], text) IS 'internal: fills new segments, which have no members yet, in one scan of the contact table; locks as segments.build() does';
REVOKE ALL ON FUNCTION segments.build_new(regclass, bigint[], text) FROM PUBLIC;

CREATE FUNCTION segments.change_members(segment_id bigint, contacts anyarray, action text) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'segments_change_members' LANGUAGE C STRICT;
COMMENT ON FUNCTION segments.change_members(bigint, anyarray, text) IS 'internal: includes, excludes or resets contacts by hand; for each, whether it exists';
REVOKE ALL ON FUNCTION segments.change_members(bigint, anyarray, text) FROM PUBLIC;

CREATE FUNCTION segments.refresh_due(at timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'segments_refresh_due' LANGUAGE C;
COMMENT ON FUNCTION segments.refresh_due(timestamptz) IS 'brings segments whose filters move with time forward to an instant (null: now); returns how many joins and leaves that made; settles the numbers that segments.count() starts from, except at SERIALIZABLE; safe to call as often as wanted, by several at a time';

CREATE FUNCTION segments.check_segment(id bigint, key anyelement)
    RETURNS TABLE (segment_id bigint, contact_id anyelement, stored boolean, evaluated boolean, reason text)
    AS 'MODULE_PATHNAME', 'segments_check_segment' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments.check_segment(bigint, anyelement) IS 'internal: segments.check() by id; null: all';

CREATE FUNCTION segments.check(segment text, key anyelement)
    RETURNS TABLE (segment_id bigint, contact_id anyelement, stored boolean, evaluated boolean, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM segments.check_segment(CASE WHEN segment IS NULL THEN NULL ELSE segments.resolve_segment(segment) END, key) $$;
COMMENT ON FUNCTION segments.check(text, anyelement) IS 'segments.check(), with keys in the type of key, which is any null';

CREATE FUNCTION segments.check(segment text DEFAULT NULL)
    RETURNS TABLE (segment_id bigint, contact_id bigint, stored boolean, evaluated boolean, reason text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    difference record;
BEGIN
    FOR difference IN
        SELECT c.*, s.alias, t.contact_table, t.key_type
        FROM segments.check(segment, NULL::text) AS c
            JOIN segments.segment AS s ON s.id = c.segment_id JOIN segments.contact_table AS t USING (contact_table)
    LOOP
        IF segments.base_type(difference.key_type) <> ALL ('{smallint,integer,bigint}'::regtype[]) THEN
            RAISE EXCEPTION 'keys of contact table "%" are of type %, not bigint',
                (SELECT relname FROM pg_class WHERE oid = difference.contact_table), difference.key_type
                USING ERRCODE = 'datatype_mismatch',
                      DETAIL = format('Contact %s of segment "%s" differs: it %s.', difference.contact_id, difference.alias, difference.reason),
                      HINT = format('Use segments.check(%L, NULL::%s).', segment, difference.key_type);
        END IF;
        segment_id := difference.segment_id;
        contact_id := difference.contact_id;
        stored := difference.stored;
        evaluated := difference.evaluated;
        reason := difference.reason;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION segments.check(text) IS 'evaluates a segment (null: every published one) afresh, now, and returns every contact whose stored membership differs, and why; no rows: all is right';

CREATE FUNCTION segments.rebuild(segment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found record;
    is_counted boolean;
BEGIN
    SELECT * INTO found FROM segments.find_segment(segment);
    PERFORM segments.build(found.id, 'definition');
    -- whoever changed members behind our back did not log it
    EXECUTE format('SELECT segments.count($1) = (SELECT count(*) FROM %s WHERE segment_id = $2)', (found.tables).member_table)
    INTO is_counted USING found.id::text, found.id;
    IF NOT is_counted THEN
        PERFORM segments.settle_counts((found.tables).contact_table, 'anew');
    END IF;
END $$;
COMMENT ON FUNCTION segments.rebuild(text) IS 'evaluates a segment afresh and brings its members in line; normally there is nothing to do';

CREATE PROCEDURE segments.rebuild_all()
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    due record;
BEGIN
    FOR due IN SELECT id FROM segments.segment WHERE is_published AND NOT segments.is_static(filters) ORDER BY id LOOP
        PERFORM segments.rebuild(due.id::text);
    END LOOP;
END $$;
COMMENT ON PROCEDURE segments.rebuild_all() IS 'rebuilds every published segment';

CREATE FUNCTION segments.why_contact(segment_id bigint, contact text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segments_why_contact' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION segments.why_contact(bigint, text) IS 'internal: segments.why() by id and key as text';

CREATE FUNCTION segments.why(segment text, contact anyelement) RETURNS jsonb
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments.why_contact(segments.resolve_segment(segment), contact::text) $$;
COMMENT ON FUNCTION segments.why(text, anyelement) IS 'why a contact is a member or not: the filter tree with each leaf''s value (of related rows, up to ten) and truth, now, and what was done by hand';

CREATE FUNCTION segments.preview(filter segments.filter, contact_table regclass DEFAULT NULL, exact boolean DEFAULT false,
                                 sample integer DEFAULT 0)
    RETURNS TABLE (estimate bigint, exact_count bigint, sample_keys text[])
    AS 'MODULE_PATHNAME', 'segments_preview' LANGUAGE C STABLE;
COMMENT ON FUNCTION segments.preview(segments.filter, regclass, boolean, integer) IS 'how many contacts a filter would match: the planner''s estimate at once, the exact number when asked for, and the keys of a sample';
