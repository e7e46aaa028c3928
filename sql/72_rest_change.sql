-- ---------------------------------------------------------------------------
-- REST: creating, changing and deleting segments
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_check_name(body jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF coalesce(segments_internal.rest_text(body, 'name'), '') !~ '[^[:space:]]' THEN
        PERFORM segments_internal.rest_refuse('name', 'A name is required.');
    END IF;
    RETURN body ->> 'name';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_check_name(jsonb) IS 'the name in a request; without one answer 400';

CREATE FUNCTION segments_internal.rest_flag(body jsonb, property text, missing boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $function$SELECT CASE WHEN body ? property THEN segments_internal.rest_boolean(body -> property, property) ELSE missing END$function$;
COMMENT ON FUNCTION segments_internal.rest_flag(jsonb, text, boolean) IS 'yes or no in a request, or what is meant where it says nothing';

CREATE FUNCTION segments_internal.rest_check_body(body jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF coalesce(jsonb_typeof(body), 'null') <> 'object' THEN
        RAISE EXCEPTION 'This is a bad request.' USING ERRCODE = 'PT400', DETAIL = 'The body is not an object.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_check_body(jsonb) IS 'answer 400 for a body that is not an object';

CREATE FUNCTION segments_internal.rest_create_segment(body jsonb, tables segments.contact_table, missing boolean DEFAULT true) RETURNS segments.segment
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    new_id bigint;
    created segments.segment;
BEGIN
    PERFORM segments_internal.rest_check_body(body);
    new_id := segments.create_segment(
        name => segments_internal.rest_check_name(body), filters => segments_internal.rest_filters(body -> 'filters'), alias => nullif(segments_internal.rest_text(body, 'alias'), ''),
        contact_table => tables.contact_table, public_name => segments_internal.rest_text(body, 'publicName'), description => segments_internal.rest_text(body, 'description'),
        category_id => nullif(segments_internal.rest_integer(body -> 'category', 'category'), 0),
        is_published => segments_internal.rest_flag(body, 'isPublished', missing), is_global => segments_internal.rest_flag(body, 'isGlobal', missing),
        is_preference_center => segments_internal.rest_flag(body, 'isPreferenceCenter', false));
    SELECT s.* INTO created FROM segments.segment AS s WHERE s.id = new_id;
    RETURN created;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_create_segment(jsonb, segments.contact_table, boolean) IS
    'creates a segment of a request; missing: whether it is published and global where the request says nothing';

CREATE FUNCTION segments_internal.rest_replace_segment(segment_id bigint, body jsonb) RETURNS segments.segment
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * PUT stores what it says and nothing of what was: a flag that is left out is
 * off.  Only a category stays, as an application cannot name none.
 */
DECLARE
    changed segments.segment;
BEGIN
    PERFORM segments_internal.rest_check_body(body);
    UPDATE segments.segment AS s
    SET name = segments_internal.rest_check_name(body), filters = segments_internal.rest_filters(body -> 'filters'),
        alias = coalesce(segments_internal.rest_text(body, 'alias'), ''), public_name = coalesce(segments_internal.rest_text(body, 'publicName'), ''), description = segments_internal.rest_text(body, 'description'),
        category_id = coalesce(nullif(segments_internal.rest_integer(body -> 'category', 'category'), 0), s.category_id),
        is_published = segments_internal.rest_flag(body, 'isPublished', false), is_global = segments_internal.rest_flag(body, 'isGlobal', false),
        is_preference_center = segments_internal.rest_flag(body, 'isPreferenceCenter', false)
    WHERE s.id = segment_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied to change the segment' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT s.* INTO changed FROM segments.segment AS s WHERE s.id = segment_id;
    RETURN changed;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_replace_segment(bigint, jsonb) IS 'PUT of a segment that is there';

CREATE FUNCTION segments_internal.rest_patch_segment(segment_id bigint, body jsonb) RETURNS segments.segment
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    changed segments.segment;
BEGIN
    PERFORM segments_internal.rest_check_body(body);
    UPDATE segments.segment AS s
    SET name = CASE WHEN body ? 'name' THEN segments_internal.rest_check_name(body) ELSE s.name END,
        filters = CASE WHEN body ? 'filters' THEN segments_internal.rest_filters(body -> 'filters') ELSE s.filters END,
        alias = CASE WHEN body ? 'alias' THEN coalesce(segments_internal.rest_text(body, 'alias'), '') ELSE s.alias END,
        public_name = CASE WHEN body ? 'publicName' THEN coalesce(segments_internal.rest_text(body, 'publicName'), '') ELSE s.public_name END,
        description = CASE WHEN body ? 'description' THEN segments_internal.rest_text(body, 'description') ELSE s.description END,
        category_id = coalesce(nullif(segments_internal.rest_integer(body -> 'category', 'category'), 0), s.category_id),
        is_published = segments_internal.rest_flag(body, 'isPublished', s.is_published), is_global = segments_internal.rest_flag(body, 'isGlobal', s.is_global),
        is_preference_center = segments_internal.rest_flag(body, 'isPreferenceCenter', s.is_preference_center)
    WHERE s.id = segment_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied to change the segment' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT s.* INTO changed FROM segments.segment AS s WHERE s.id = segment_id;
    RETURN changed;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_patch_segment(bigint, jsonb) IS 'PATCH of a segment: only what is given';

CREATE FUNCTION segments_internal.rest_edit_segment(method text, word text, body jsonb, tables segments.contact_table, OUT status integer, OUT body_out jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present segments.segment;
    named_id bigint := segments_internal.word_id(word);
BEGIN
    IF method = 'PUT' AND named_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = named_id AND s.contact_table = tables.contact_table) THEN
        status := 201;
        body_out := segments_internal.rest_segment(segments_internal.rest_create_segment(body, tables, false));
        RETURN;
    END IF;
    present := segments_internal.rest_find_segment(word, tables.contact_table);
    status := 200;
    body_out := segments_internal.rest_segment(CASE method WHEN 'PUT' THEN segments_internal.rest_replace_segment(present.id, body)
                                                  ELSE segments_internal.rest_patch_segment(present.id, body) END, true);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_edit_segment(text, text, jsonb, segments.contact_table) IS 'PUT or PATCH of a segment; PUT of one that is not there creates another, with the same properties';

CREATE FUNCTION segments_internal.rest_delete_segment(word text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present segments.segment := segments_internal.rest_find_segment(word, tables.contact_table);
BEGIN
    DELETE FROM segments.segment AS s WHERE s.id = present.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied to delete the segment' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN segments_internal.rest_segment(present, true);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_delete_segment(text, segments.contact_table) IS 'deletes a segment; gives it as it was';

-- Many at once ----------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_batch_item(action text, method text, item jsonb, tables segments.contact_table, OUT status integer, OUT answer jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * One of a batch: what goes wrong with it leaves the others alone.  The answer
 * is the segment, or the error.
 */
DECLARE
    state text; message text; detail text; column_name text; constraint_name text;
    failure record;
BEGIN
    IF action <> 'delete' THEN
        PERFORM segments_internal.rest_check_body(item);
    END IF;
    IF action = 'new' THEN
        status := 201;
        answer := segments_internal.rest_segment(segments_internal.rest_create_segment(item, tables));
    ELSIF action = 'delete' THEN
        status := 200;
        answer := segments_internal.rest_delete_segment(item #>> '{}', tables);
    ELSIF coalesce(segments_internal.rest_text(item, 'id'), '') = '' THEN
        RAISE EXCEPTION 'ID is missing from the payload.' USING ERRCODE = 'PT400';
    ELSE
        SELECT e.status, e.body_out INTO status, answer FROM segments_internal.rest_edit_segment(method, item ->> 'id', item, tables) AS e;
    END IF;
EXCEPTION
    /* of the moment, and not of the request */
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        column_name = COLUMN_NAME, constraint_name = CONSTRAINT_NAME;
    failure := segments_internal.rest_error(state, message, detail, column_name, constraint_name);
    IF failure.status IS NULL THEN
        RAISE;
    END IF;
    status := failure.status;
    answer := failure.body -> 'errors' -> 0;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_batch_item(text, text, jsonb, segments.contact_table) IS 'one segment of a batch';

CREATE FUNCTION segments_internal.rest_sequence(items jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a list with gaps is one by key
    SELECT CASE WHEN (SELECT coalesce(max(k::bigint), -1) = count(*) - 1 FROM jsonb_object_keys(items) AS k)
                THEN segments_internal.rest_list(items) ELSE items END
$function$;
COMMENT ON FUNCTION segments_internal.rest_sequence(jsonb) IS 'a list of what has the numbers from 0 as keys; with gaps, as it is';

CREATE FUNCTION segments_internal.rest_batch(action text, method text, items jsonb, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The keys of the request, in a list or by name, are those of the answer.
 */
DECLARE
    item record;
    done record;
    lists jsonb := '{}';
    codes jsonb := '{}';
    errors jsonb := '{}';
    is_list boolean := jsonb_typeof(items) = 'array';
BEGIN
    IF coalesce(jsonb_typeof(items), 'null') NOT IN ('array', 'object') THEN
        RAISE EXCEPTION 'This is a bad request.' USING ERRCODE = 'PT400';
    ELSIF (SELECT count(*) FROM jsonb_path_query(items, '$.*') WHERE NOT is_list) > 200 OR is_list AND jsonb_array_length(items) > 200 THEN
        RAISE EXCEPTION 'A max of 200 entities are supported at a time.' USING ERRCODE = 'PT400';
    END IF;
    FOR item IN
        SELECT (e.n - 1)::text AS key, e.value, e.n FROM jsonb_array_elements(CASE WHEN is_list THEN items ELSE '[]' END) WITH ORDINALITY AS e (value, n)
        UNION ALL
        SELECT e.key, e.value, row_number() OVER () FROM jsonb_each(CASE WHEN is_list THEN '{}' ELSE items END) AS e
        ORDER BY n
    LOOP
        done := segments_internal.rest_batch_item(action, method, item.value, tables);
        CONTINUE WHEN action = 'delete' AND done.status = 404;
        codes := codes || jsonb_build_object(item.key, done.status);
        IF done.status < 300 THEN
            lists := lists || jsonb_build_object(item.key, done.answer);
        ELSE
            errors := errors || jsonb_build_object(item.key, done.answer);
        END IF;
    END LOOP;
    RETURN jsonb_build_object('lists', CASE WHEN is_list AND errors = '{}' THEN segments_internal.rest_sequence(lists) ELSE lists END,
                              'statusCodes', CASE WHEN is_list THEN segments_internal.rest_sequence(codes) ELSE codes END)
        || CASE WHEN errors = '{}' THEN '{}' ELSE jsonb_build_object('errors', errors) END;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_batch(text, text, jsonb, segments.contact_table) IS 'creates, edits or deletes many segments, each by itself';

CREATE FUNCTION segments_internal.rest_batch_ids(query jsonb, body jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * ids=1,2 and ids[]=1, and bare numbers as Mautic's library sends them.
 */
DECLARE
    given jsonb := coalesce(nullif(query -> 'ids', 'null'), CASE jsonb_typeof(body) WHEN 'object' THEN nullif(body -> 'ids', 'null') WHEN 'array' THEN body END,
        (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(query) AS e WHERE e.key ~ '^[0-9]+$'));
    words text[] := ARRAY(SELECT btrim(w) FROM unnest(segments_internal.rest_words(given)) WITH ORDINALITY AS u (w, n) ORDER BY n);
BEGIN
    IF words = '{}' OR EXISTS (SELECT FROM unnest(words) AS w WHERE segments_internal.word_id(w) IS NULL) THEN
        RAISE EXCEPTION 'ID is missing from the payload.' USING ERRCODE = 'PT400';
    END IF;
    RETURN to_jsonb(words);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_batch_ids(jsonb, jsonb) IS 'the ids that a request names, as a list of texts';
