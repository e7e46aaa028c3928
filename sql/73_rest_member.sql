-- ---------------------------------------------------------------------------
-- REST: members
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_is_key(word text, tables segments.contact_table) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    type regtype := segments_internal.base_type(tables.key_type);
BEGIN
    IF word IS NULL THEN
        RETURN false;
    ELSIF type IN ('smallint', 'integer', 'bigint') AND word !~ '^[[:space:]]*-?[0-9]{1,18}[[:space:]]*$' THEN
        RETURN false;
    ELSIF type IN ('text', 'varchar', 'bpchar') THEN
        RETURN true;
    END IF;
    EXECUTE 'SELECT ' || segments_internal.key_from_text(tables, word);
    RETURN true;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_is_key(text, segments.contact_table) IS 'can this be a contact''s key?';

CREATE FUNCTION segments_internal.rest_check_usable(segment segments.segment) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT EXISTS (SELECT FROM segments.user_segments(segment.contact_table) AS u WHERE u.id = segment.id) THEN
        RAISE EXCEPTION 'permission denied to use the segment' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_check_usable(segments.segment) IS 'answer 403 for a segment that is not among the user''s';

CREATE FUNCTION segments_internal.rest_seen_contacts(words text[], tables segments.contact_table) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Members are changed by who may, with no regard to row security; here it
 * decides whom a request can be about.
 */
DECLARE
    keys text[] := ARRAY(SELECT DISTINCT w FROM unnest(words) AS w WHERE segments_internal.rest_is_key(w, tables));
    seen text[];
BEGIN
    EXECUTE format('SELECT ARRAY(SELECT u.k FROM unnest($1) AS u (k) WHERE EXISTS (SELECT FROM %s AS c WHERE c.%I = segments_internal.key_in(%L::regclass, u.k, NULL::%s)))',
                   tables.contact_table, tables.key_column, tables.contact_table::oid, segments_internal.type_name(segments_internal.base_type(tables.key_type)))
    INTO seen USING keys;
    RETURN seen;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_seen_contacts(text[], segments.contact_table) IS 'those of some texts that are keys of contacts that the caller sees';

CREATE FUNCTION segments_internal.rest_change_members(segment segments.segment, keys text[], action text, tables segments.contact_table)
    RETURNS TABLE (contact text, success boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY EXECUTE format('SELECT segments_internal.value_text(c.contact_id), c.success FROM segments_internal.change_contacts($1, '
                                'ARRAY(SELECT segments_internal.key_in(%L::regclass, k, NULL::%s) FROM unnest($2) AS k), $3, ''api'') AS c',
                                tables.contact_table::oid, segments_internal.type_name(segments_internal.base_type(tables.key_type)))
    USING segment.id::text, keys, action;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_change_members(segments.segment, text[], text, segments.contact_table) IS
    'includes or excludes contacts by keys as text';

CREATE FUNCTION segments_internal.rest_change_member(word text, contact text, action text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    segment segments.segment := segments_internal.rest_find_segment(word, tables.contact_table);
    keys text[] := segments_internal.rest_seen_contacts(ARRAY[contact], tables);
BEGIN
    IF keys = '{}' THEN
        RAISE EXCEPTION 'Contact not found.' USING ERRCODE = 'PT404';
    END IF;
    PERFORM segments_internal.rest_check_usable(segment);
    PERFORM segments_internal.rest_change_members(segment, keys, action, tables);
    RETURN '{"success": 1}';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_change_member(text, text, text, segments.contact_table) IS 'adds or removes one contact';

CREATE FUNCTION segments_internal.rest_change_many(word text, body jsonb, action text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    segment segments.segment := segments_internal.rest_find_segment(word, tables.contact_table);
    given jsonb := CASE jsonb_typeof(body) WHEN 'array' THEN body
                   WHEN 'object' THEN coalesce(nullif(body -> 'ids', 'null'), nullif(body -> 'contactIds', 'null'), nullif(segments_internal.rest_list(body), body)) END;
    words text[] := segments_internal.rest_words(given);
    keys text[];
BEGIN
    IF words IS NULL OR words = '{}' THEN
        RAISE EXCEPTION 'This is a bad request.' USING ERRCODE = 'PT400';
    END IF;
    PERFORM segments_internal.rest_check_usable(segment);
    keys := segments_internal.rest_seen_contacts(words, tables);
    RETURN jsonb_build_object('success', 1, 'details',
        (SELECT coalesce(jsonb_object_agg(c.contact, jsonb_build_object('success', c.success)), '{}')
         FROM (SELECT DISTINCT w, false FROM unnest(words) AS w WHERE w <> ALL (keys)
               UNION ALL
               SELECT * FROM segments_internal.rest_change_members(segment, keys, action, tables)) AS c (contact, success)));
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_change_many(text, jsonb, text, segments.contact_table) IS 'adds or removes many contacts; what is no key of one that is seen is not a contact';

CREATE FUNCTION segments_internal.rest_user_segments(tables segments.contact_table) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(jsonb_object_agg(u.id::text, to_jsonb(u)), '[]') FROM segments.user_segments(tables.contact_table) AS u
$function$;
COMMENT ON FUNCTION segments_internal.rest_user_segments(segments.contact_table) IS 'GET /contacts/list/segments';
