-- ---------------------------------------------------------------------------
-- What people choose from: the preference centre, and a user's segments
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments.is_own(created_by bigint, created_by_user text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(CASE WHEN segments.user_id() IS NOT NULL THEN created_by = segments.user_id()
                         ELSE created_by_user = segments.user_name() END, false)
$function$;
COMMENT ON FUNCTION segments.is_own(bigint, text) IS 'whether the application''s user created a segment with these properties';

CREATE FUNCTION segments.user_segments(contact_table regclass DEFAULT NULL)
    RETURNS TABLE (id bigint, name text, alias text)
    LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.id, s.name, s.alias FROM segments.segment AS s
    WHERE s.contact_table = (segments_internal.tables_of(user_segments.contact_table)).contact_table
      AND segments_internal.is_for_user(s)
    ORDER BY s.name, s.id
$function$;
COMMENT ON FUNCTION segments.user_segments(regclass) IS
    'the segments that a user chooses from, by name: published ones that are global, and one''s own even when they are not published; all published ones for the owner of the contact table who acts for no user';

CREATE FUNCTION segments_internal.offered_segments(contact_table regclass)
    RETURNS TABLE (id bigint, alias text, public_name text, description text)
    LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.id, s.alias, s.public_name, s.description FROM segments.segment AS s
    WHERE s.contact_table = offered_segments.contact_table AND s.is_published AND s.is_global AND s.is_preference_center
    ORDER BY s.name, s.id
$function$;
COMMENT ON FUNCTION segments_internal.offered_segments(regclass) IS 'segments that contacts are offered in their preferences, by name';

CREATE FUNCTION segments_internal.preferences_of(tables segments.contact_table, key text)
    RETURNS TABLE (segment_id bigint, alias text, public_name text, description text, subscribed boolean)
    LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT o.id, o.alias, o.public_name, o.description, m.segment_id IS NOT NULL
    FROM segments_internal.offered_segments(tables.contact_table) WITH ORDINALITY AS o (id, alias, public_name, description, number)
        LEFT JOIN segments_internal.memberships(tables, key) AS m ON m.segment_id = o.id
    ORDER BY o.number
$function$;
COMMENT ON FUNCTION segments_internal.preferences_of(segments.contact_table, text) IS 'preference_center() of the contact with this key';

CREATE FUNCTION segments.preference_center(contact anyelement, contact_table regclass DEFAULT NULL)
    RETURNS TABLE (segment_id bigint, alias text, public_name text, description text, subscribed boolean)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments_internal.preferences_of(tables, segments_internal.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.preference_center(anyelement, regclass) IS
    'what a contact is offered in its preferences: published, global segments with is_preference_center, by name, and whether it is a member';

CREATE FUNCTION segments.preference_center(contact text, contact_table regclass DEFAULT NULL)
    RETURNS TABLE (segment_id bigint, alias text, public_name text, description text, subscribed boolean)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments_internal.preferences_of(tables, segments_internal.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.preference_center(text, regclass) IS 'preference_center() with the key as text';

CREATE FUNCTION segments_internal.change_preferences(tables segments.contact_table, contact anyelement, ticked text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Segments in the order of their ids.  What is ticked and not offered (any more) is left alone: the page may be old.
 */
DECLARE
    ticked_ids bigint[] := ARRAY(SELECT segments_internal.word_id(w) FROM unnest(ticked) AS w WHERE segments_internal.word_id(w) IS NOT NULL);
    change record;
BEGIN
    FOR change IN
        SELECT p.segment_id, p.subscribed
        FROM segments_internal.preferences_of(tables, segments_internal.key_text(tables, contact)) AS p
        WHERE coalesce(p.alias = ANY (ticked) OR p.segment_id = ANY (ticked_ids), false) <> p.subscribed
        ORDER BY p.segment_id
    LOOP
        IF change.subscribed THEN
            PERFORM segments_internal.change_contact(change.segment_id::text, contact, 'exclude', 'preference');
        ELSE
            PERFORM segments_internal.change_contact(change.segment_id::text, contact, 'include', 'preference');
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.change_preferences(segments.contact_table, anyelement, text[]) IS 'set_preferences() in a contact table';

CREATE FUNCTION segments.set_preferences(contact anyelement, segments text[], contact_table regclass DEFAULT NULL) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments_internal.change_preferences(segments_internal.tables_of(contact_table), contact, coalesce(segments, '{}')) $$;
COMMENT ON FUNCTION segments.set_preferences(anyelement, text[], regclass) IS
    'what a contact has ticked of the segments it is offered, by alias or id: adds it by hand to those it is not a member of, takes it out of those that are not ticked; touches nothing that is not offered';

CREATE FUNCTION segments.set_preferences(contact text, segments text[], contact_table regclass DEFAULT NULL) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments_internal.change_preferences(segments_internal.tables_of(contact_table), contact, coalesce(segments, '{}')) $$;
COMMENT ON FUNCTION segments.set_preferences(text, text[], regclass) IS 'set_preferences() with the key as text';
