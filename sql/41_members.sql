-- ---------------------------------------------------------------------------
-- Members: read, and changed by hand
-- ---------------------------------------------------------------------------

-- Reading members.

-- Two functions: where there are several columns, the parser takes the type of
-- key neither from a default value nor from another place than its own, so it
-- is second.

CREATE FUNCTION segments.members(segment text, key anyelement, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, since timestamptz, source text)
    LANGUAGE c STABLE ROWS 1000 AS 'MODULE_PATHNAME', 'segments_members';
COMMENT ON FUNCTION segments.members(text, anyelement, text, bigint) IS
    'members, with keys in the type of key, which is any null and always second: members(''vip'', key => NULL::uuid, max => 10)';

CREATE FUNCTION segments.members(segment text, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id bigint, since timestamptz, source text)
    LANGUAGE sql STABLE ROWS 1000
    AS 'SELECT * FROM segments.members(segment, NULL::bigint, after, max)';
COMMENT ON FUNCTION segments.members(text, text, bigint) IS
    'members in the order of their keys, since when, and whether by filter or manual; for pages, after is the last key of the page before and max the size';

CREATE FUNCTION segments.member_keys(segment text, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id text, since timestamptz, source text)
    LANGUAGE sql STABLE ROWS 1000
    AS 'SELECT * FROM segments.members(segment, NULL::text, after, max)';
COMMENT ON FUNCTION segments.member_keys(text, text, bigint) IS
    'members(), with keys as text: for contact tables with keys of any type';

CREATE FUNCTION segments.contacts(segment text, contact anyelement, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS SETOF anyelement LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    found record;
    tables segments.contact_table;
BEGIN
    SELECT * INTO found FROM segments_internal.find_segment(named_id);
    tables := found.tables;
    IF NOT EXISTS (SELECT FROM pg_type WHERE oid = pg_typeof(contact) AND typrelid = tables.contact_table) THEN
        RAISE EXCEPTION 'segment "%" has contacts of type %, not %', segment, tables.contact_table, pg_typeof(contact)
            USING ERRCODE = 'datatype_mismatch', HINT = format('Give NULL::%s.', tables.contact_table);
    END IF;
    RETURN QUERY EXECUTE format('SELECT c.* FROM %1$s AS c JOIN %2$s AS m ON m.contact_id = c.%3$I '
                                'WHERE m.segment_id = %4$s %5$s ORDER BY m.contact_id LIMIT %6$L::bigint',
        tables.contact_table, tables.member_table, tables.key_column, found.id,
        'AND m.contact_id > ' || segments_internal.key_from_text(tables, after), max);
END
$function$;
COMMENT ON FUNCTION segments.contacts(text, anyelement, text, bigint) IS
    'members as rows of the contact table, of which contact is any null row, in the order of their keys; pages as for members()';

CREATE FUNCTION segments_internal.memberships(tables segments.contact_table, key text) RETURNS TABLE (segment_id bigint, since timestamptz, included boolean)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- who may not read the contacts sees no segments
    IF segments_internal.hidden_segments(tables.contact_table) IS NOT NULL THEN
        RETURN QUERY SELECT m.* FROM segments_internal.ask_beside(tables.contact_table, 'memberships', key) AS m (segment_id bigint, since timestamptz, included boolean);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.memberships(segments.contact_table, text) IS 'segments that a contact, by its key as text, is a member of and that one sees, since when, and whether it was included by hand';

CREATE FUNCTION segments_internal.segments_of(tables segments.contact_table, key text) RETURNS SETOF segments.segment
    LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.* FROM segments_internal.memberships(tables, key) AS m JOIN segments.segment AS s ON s.id = m.segment_id ORDER BY s.name, s.id
$function$;
COMMENT ON FUNCTION segments_internal.segments_of(segments.contact_table, text) IS 'segments of the contact with this key';

CREATE FUNCTION segments.contact_segments(contact anyelement, contact_table regclass DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments_internal.segments_of(tables, segments_internal.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.contact_segments(anyelement, regclass) IS 'segments that a contact is a member of and that one sees, by name';

CREATE FUNCTION segments.contact_segments(contact text, contact_table regclass DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments_internal.segments_of(tables, segments_internal.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.contact_segments(text, regclass) IS 'segments that a contact is a member of and that one sees, by name; the key as text';

CREATE FUNCTION segments.count(segment text) RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'segments_count';
COMMENT ON FUNCTION segments.count(text) IS 'number of members, exact; as fast for many as for few where segments.refresh_due() is called now and then';

CREATE FUNCTION segments_internal.member_counts(contact_table regclass)
    RETURNS TABLE (segment_id bigint, members bigint, joins bigint, leaves bigint, last_change timestamptz)
    LANGUAGE c STABLE STRICT ROWS 1000 AS 'MODULE_PATHNAME', 'segments_member_counts';
COMMENT ON FUNCTION segments_internal.member_counts(regclass) IS 'members, joins and leaves of the segments of a contact table, without those that never had any; for those who may read the contact table';

-- Changing members by hand.

CREATE FUNCTION segments.change_by_hand(segment_id bigint, contacts anyarray, action text) RETURNS boolean[]
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_change_by_hand';
COMMENT ON FUNCTION segments.change_by_hand(bigint, anyarray, text) IS
    'includes, excludes or resets contacts by hand; for each, whether it exists.  EXECUTE on it is the right to change members by hand, by add_contact() and all its like, of segments that one sees; owners of contact tables need none';
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.by_hand(segment_id bigint, contacts anyarray, action text, source text, reference text) RETURNS boolean[]
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_change_by_hand';
COMMENT ON FUNCTION segments_internal.by_hand(bigint, anyarray, text, text, text) IS
    'change_by_hand(), which lets in the owner of the contact table, and who may execute that; with what does it, and which one, or nulls';

CREATE FUNCTION segments_internal.include_by_hand(segment_id bigint, contacts anyarray, source text, reference text) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_include_by_hand';
COMMENT ON FUNCTION segments_internal.include_by_hand(bigint, anyarray, text, text) IS
    'by_hand() that includes, and tells how many were no members';

CREATE FUNCTION segments_internal.change_contact(segment text, contact anyelement, action text, source text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    found record;
    tables segments.contact_table;
    answer boolean[];
BEGIN
    SELECT * INTO found FROM segments_internal.find_segment(named_id);
    tables := found.tables;
    EXECUTE format('SELECT segments_internal.by_hand(%s, ARRAY[%s], %L, %L, NULL)',
                   found.id, segments_internal.key_literal(tables, contact), action, source) INTO answer;
    IF NOT answer[1] THEN
        RAISE EXCEPTION 'contact % does not exist in "%"', contact,
            (SELECT relname FROM pg_class WHERE oid = tables.contact_table) USING ERRCODE = 'no_data_found';
    END IF;
    RETURN true;
END
$function$;
COMMENT ON FUNCTION segments_internal.change_contact(text, anyelement, text, text) IS 'includes, excludes or resets one contact; an error when there is no such contact';

CREATE FUNCTION segments_internal.change_contacts(segment text, contacts anyarray, action text,
                                         source text DEFAULT NULL, reference text DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    found record;
    tables segments.contact_table;
    base regtype;
    asked contacts%TYPE;
    answer boolean[];
BEGIN
    SELECT * INTO found FROM segments_internal.find_segment(named_id);
    tables := found.tables;
    base := segments_internal.base_type(tables.key_type);
    PERFORM segments_internal.check_key_type(tables, pg_typeof(contact_id));
    asked := ARRAY(SELECT u.c FROM (SELECT c, min(number) AS number FROM unnest(contacts) WITH ORDINALITY AS e (c, number)
                                    WHERE c IS NOT NULL GROUP BY c) AS u
                   ORDER BY u.number);
    EXECUTE format(CASE WHEN base = segments_internal.base_type(pg_typeof(contact_id)) THEN 'SELECT segments_internal.by_hand($1, $2::%2$s[], $3, $4, $5)'
                        ELSE 'SELECT segments_internal.by_hand($1, ARRAY(SELECT segments_internal.key_in(%1$L::regclass, u.k::text, NULL::%2$s) '
                             'FROM unnest($2) WITH ORDINALITY AS u (k, n) ORDER BY u.n), $3, $4, $5)' END,
                   tables.contact_table::oid, segments_internal.type_name(base))
    INTO answer USING found.id, asked, action, source, reference;
    RETURN QUERY SELECT t.c, t.s FROM unnest(asked, answer) AS t (c, s);
END
$function$;
COMMENT ON FUNCTION segments_internal.change_contacts(text, anyarray, text, text, text) IS 'includes, excludes or resets contacts';

CREATE FUNCTION segments.add_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''include'')';
COMMENT ON FUNCTION segments.add_contact(text, anyelement) IS 'includes a contact by hand: it stays a member whatever the filters say; true, also when it was included before';

CREATE FUNCTION segments.add_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''include'')';
COMMENT ON FUNCTION segments.add_contact(text, text) IS 'includes a contact by hand; the key as text';

CREATE FUNCTION segments.remove_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contact(text, anyelement) IS 'takes a member out by hand, and keeps it out whatever the filters say; true, also when it was not a member';

CREATE FUNCTION segments.remove_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contact(text, text) IS 'takes a member out by hand; the key as text';

CREATE FUNCTION segments.reset_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''reset'')';
COMMENT ON FUNCTION segments.reset_contact(text, anyelement) IS 'forgets that a contact was included or excluded by hand: the filters decide again';

CREATE FUNCTION segments.reset_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments_internal.change_contact(segment, contact, ''reset'')';
COMMENT ON FUNCTION segments.reset_contact(text, text) IS 'forgets that a contact was included or excluded by hand; the key as text';

CREATE FUNCTION segments.add_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts, ''include'')';
COMMENT ON FUNCTION segments.add_contacts(text, anyarray) IS 'includes contacts by hand, in one step; success is false for those that do not exist; repeated ones count once';

CREATE FUNCTION segments.add_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts::text[], ''include'')';
COMMENT ON FUNCTION segments.add_contacts(text, text) IS 'add_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments.remove_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contacts(text, anyarray) IS 'takes contacts out by hand, in one step; success is false for those that do not exist; repeated ones count once';

CREATE FUNCTION segments.remove_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts::text[], ''exclude'')';
COMMENT ON FUNCTION segments.remove_contacts(text, text) IS 'remove_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments.reset_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts, ''reset'')';
COMMENT ON FUNCTION segments.reset_contacts(text, anyarray) IS 'forgets that contacts were included or excluded by hand, in one step; success is false for those that do not exist';

CREATE FUNCTION segments.reset_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments_internal.change_contacts(segment, contacts::text[], ''reset'')';
COMMENT ON FUNCTION segments.reset_contacts(text, text) IS 'reset_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments_internal.is_for_user(segment segments.segment) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Who owns the contact table sees what is everybody's, but not on behalf of one
 * user of the application.
 */
BEGIN
    RETURN segments.is_own(segment.created_by, segment.created_by_user)
        OR segment.is_published
           AND (segment.is_global
                OR concat(current_setting('segments.user_id', true), current_setting('segments.user_name', true)) = '' AND segments.owns(segment.contact_table));
END
$function$;
COMMENT ON FUNCTION segments_internal.is_for_user(segments.segment) IS
    'is a segment that one sees among those that the application''s user works with: their own, and published ones that are global; all published ones for the owner of the contact table who acts for nobody else';

CREATE FUNCTION segments_internal.check_published(segment text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    named segments.segment;
BEGIN
    IF named_id IS NULL THEN
        RAISE EXCEPTION 'segment must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT s.* INTO named FROM segments.segment AS s WHERE s.id = named_id;
    IF named.is_published IS NOT TRUE THEN
        RAISE EXCEPTION 'segment "%" is not published', segment USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF NOT segments_internal.is_for_user(named) THEN
        RAISE EXCEPTION 'permission denied to use segment "%"', segment USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'It is for the user who created it.';
    END IF;
    RETURN named_id;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_published(text) IS 'id of a published segment; an error when there is none that one sees, it is not published, or it is another user''s alone';

CREATE FUNCTION segments.change_segments(contacts anyarray, add text[] DEFAULT '{}', remove text[] DEFAULT '{}',
                                         source text DEFAULT 'batch', reference text DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The contacts are locked for the first segment, in the order of their keys, so
 * that two who change the same ones take turns.
 */
DECLARE
    change record;
    word text;
    includes bigint[];
    excludes bigint[];
BEGIN
    IF contacts IS NULL OR array_position(contacts, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'contact must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- by themselves: a join with the segments that one sees, of which there may be none, need not look at them
    FOREACH word IN ARRAY coalesce(add, '{}') LOOP
        includes := includes || segments_internal.check_published(word);
    END LOOP;
    FOREACH word IN ARRAY coalesce(remove, '{}') LOOP
        excludes := excludes || segments_internal.check_published(word);
    END LOOP;
    FOR change IN
        SELECT c.id, c.action, row_number() OVER (ORDER BY c.action DESC, c.id) AS number,
               count(*) OVER () AS changes, s.contact_table,
               min(s.contact_table::oid) OVER () <> max(s.contact_table::oid) OVER () AS is_mixed
        FROM (SELECT DISTINCT u.id, 'include' AS action FROM unnest(includes) AS u (id)
              UNION ALL
              SELECT DISTINCT u.id, 'exclude' FROM unnest(excludes) AS u (id)) AS c
            JOIN segments.segment AS s ON s.id = c.id
        ORDER BY number
    LOOP
        IF change.is_mixed THEN
            RAISE EXCEPTION 'segments of different contact tables cannot be changed together' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF change.number < change.changes THEN
            PERFORM segments_internal.change_contacts(change.id::text, contacts, change.action, source, reference);
        ELSE
            RETURN QUERY SELECT * FROM segments_internal.change_contacts(change.id::text, contacts, change.action, source, reference);
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.change_segments(anyarray, text[], text[], text, text) IS
    'the action of a campaign, a form or a batch: includes contacts by hand in the segments of add, then takes them out of those of remove, all or nothing; only published segments; success is false for contacts that do not exist; source says by what: campaign, form, batch, import, point trigger, preference or api, reference which one';

CREATE FUNCTION segments.change_segments(contacts text, add text[] DEFAULT '{}', remove text[] DEFAULT '{}',
                                         source text DEFAULT 'batch', reference text DEFAULT NULL)
    RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_segments(contacts::text[], add, remove, source, reference)';
COMMENT ON FUNCTION segments.change_segments(text, text[], text[], text, text) IS 'change_segments() of an array that is given as text: ''{1,2}''; keys are returned as text';
