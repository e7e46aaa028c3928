-- ---------------------------------------------------------------------------
-- REST: requests
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_not_allowed(method text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'No route found for method %.', method USING ERRCODE = 'PT405';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_not_allowed(text) IS 'answer 405';

CREATE FUNCTION segments_internal.rest_route_segments(method text, parts text[], query jsonb, body jsonb, tables segments.contact_table,
                                             OUT status integer, OUT answer jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    path text := array_to_string(parts, '/');
    is_edit boolean := method IN ('PUT', 'PATCH');
    edited record;
BEGIN
    status := 200;
    -- what is asked for most is looked for first: the first use of each condition in a transaction costs some
    CASE
        WHEN path ~ '^segments/[^/]+$' AND method = 'GET' THEN
            answer := jsonb_build_object('list', segments_internal.rest_segment(segments_internal.rest_find_segment(parts[2], tables.contact_table)));
        WHEN path = 'segments' AND method = 'GET' THEN
            answer := segments_internal.rest_list_segments(query, tables);
        WHEN path = 'segments/new' AND method = 'POST' THEN
            status := 201;
            answer := jsonb_build_object('list', segments_internal.rest_segment(segments_internal.rest_create_segment(body, tables)));
        WHEN path = 'segments/batch/new' AND method = 'POST' THEN
            status := 201;
            answer := segments_internal.rest_batch('new', method, body, tables);
        WHEN path = 'segments/batch/edit' AND is_edit THEN
            answer := segments_internal.rest_batch('edit', method, body, tables);
        WHEN path = 'segments/batch/delete' AND method = 'DELETE' THEN
            answer := segments_internal.rest_batch('delete', method, segments_internal.rest_batch_ids(query, body), tables);
        WHEN path ~ '^segments/[^/]+/edit$' AND is_edit THEN
            edited := segments_internal.rest_edit_segment(method, parts[2], body, tables);
            status := edited.status;
            answer := jsonb_build_object('list', edited.body_out);
        WHEN path ~ '^segments/[^/]+/delete$' AND method = 'DELETE' THEN
            answer := jsonb_build_object('list', segments_internal.rest_delete_segment(parts[2], tables) || '{"id": null}');
        WHEN path ~ '^segments/[^/]+/contact/[^/]+/(add|remove)$' AND method = 'POST' THEN
            answer := segments_internal.rest_change_member(parts[2], parts[4], CASE parts[5] WHEN 'add' THEN 'include' ELSE 'exclude' END, tables);
        WHEN path ~ '^segments/[^/]+/contacts/(add|remove)$' AND method = 'POST' THEN
            answer := segments_internal.rest_change_many(parts[2], body, CASE parts[4] WHEN 'add' THEN 'include' ELSE 'exclude' END, tables);
        WHEN path ~ '^segments(/new|/batch/(new|edit|delete)|/[^/]+(/edit|/delete|/contact/[^/]+/(add|remove)|/contacts/(add|remove))?)?$' THEN
            PERFORM segments_internal.rest_not_allowed(method);
        ELSE
            RAISE EXCEPTION 'No route found for "%".', path USING ERRCODE = 'PT404';
    END CASE;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_route_segments(text, text[], jsonb, jsonb, segments.contact_table) IS 'requests under /segments';

CREATE FUNCTION segments_internal.rest_route_contacts(method text, parts text[], query jsonb, body jsonb, tables segments.contact_table,
                                             OUT status integer, OUT answer jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    path text := array_to_string(parts, '/');
BEGIN
    status := 200;
    CASE
        WHEN path ~ '^contacts/[^/]+$' AND method = 'GET' THEN
            answer := jsonb_build_object('contact', segments_internal.rest_get_contact(parts[2], tables));
        WHEN path = 'contacts' AND method = 'GET' THEN
            answer := segments_internal.rest_list_contacts(query, tables);
        WHEN path = 'contacts/list/segments' AND method = 'GET' THEN
            answer := segments_internal.rest_user_segments(tables);
        WHEN path = 'contacts/new' AND method = 'POST' THEN
            status := 201;
            answer := jsonb_build_object('contact', segments_internal.rest_create_contact(body, tables));
        WHEN path ~ '^contacts/[^/]+/segments$' AND method = 'GET' THEN
            answer := segments_internal.rest_contact_segments(parts[2], tables);
        WHEN path ~ '^contacts/[^/]+/edit$' AND method IN ('PUT', 'PATCH') THEN
            answer := jsonb_build_object('contact', segments_internal.rest_edit_contact(parts[2], body, tables));
        WHEN path ~ '^contacts/[^/]+/delete$' AND method = 'DELETE' THEN
            answer := jsonb_build_object('contact', segments_internal.rest_delete_contact(parts[2], tables));
        WHEN path ~ '^contacts(/new|/list/segments|/[^/]+(/segments|/edit|/delete)?)?$' THEN
            PERFORM segments_internal.rest_not_allowed(method);
        ELSE
            RAISE EXCEPTION 'No route found for "%".', path USING ERRCODE = 'PT404';
    END CASE;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_route_contacts(text, text[], jsonb, jsonb, segments.contact_table) IS 'requests under /contacts';

CREATE FUNCTION segments_internal.rest_answer(method text, path text, query jsonb, body jsonb, contact_table regclass, OUT status integer, OUT answer jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, MDY'
AS $function$
/*
 * Dates in requests and answers are in UTC, whatever the session's zone.
 * The block is a subtransaction: an answer that is an error leaves nothing
 * behind.  A front says which contact table it serves in the query, as it has no
 * other place for it.
 */
DECLARE
    parts text[] := string_to_array(btrim(regexp_replace(split_part(coalesce(path, ''), '?', 1), '^/*(api/+)?', ''), '/'), '/');
    verb text := CASE upper(method) WHEN 'HEAD' THEN 'GET' ELSE upper(method) END;
    asked jsonb := CASE jsonb_typeof(query) WHEN 'object' THEN query - 'contact_table' ELSE '{}' END;
    tables segments.contact_table;
    made record;
    state text; message text; detail text; column_name text; constraint_name text; table_name text; schema_name text;
BEGIN
    tables := segments_internal.rest_tables(rest_answer.contact_table, query);
    IF parts[1] = 'segments' THEN
        made := segments_internal.rest_route_segments(verb, parts, asked, body, tables);
    ELSIF parts[1] = 'contacts' THEN
        made := segments_internal.rest_route_contacts(verb, parts, asked, body, tables);
    ELSE
        RAISE EXCEPTION 'No route found for "%".', array_to_string(parts, '/') USING ERRCODE = 'PT404';
    END IF;
    status := made.status;
    answer := made.answer;
EXCEPTION
    /* of the moment, and not of the request: who asks again may get another answer */
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        column_name = COLUMN_NAME, constraint_name = CONSTRAINT_NAME, table_name = TABLE_NAME, schema_name = SCHEMA_NAME;
    IF column_name = '' AND constraint_name <> '' AND to_regclass(format('%I.%I', schema_name, table_name)) = tables.contact_table THEN
        column_name := segments_internal.rest_constraint_column(tables.contact_table, constraint_name);
    END IF;
    SELECT e.status, e.body INTO rest_answer.status, rest_answer.answer
    FROM segments_internal.rest_error(state, message, detail, column_name, constraint_name) AS e;
    IF rest_answer.status IS NULL THEN
        RAISE;
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_answer(text, text, jsonb, jsonb, regclass) IS 'segments.rest()';

CREATE FUNCTION segments.rest(method text, path text, query jsonb DEFAULT '{}', body jsonb DEFAULT NULL, contact_table regclass DEFAULT NULL)
    RETURNS TABLE (status integer, body jsonb)
    LANGUAGE sql ROWS 1 SET search_path = pg_catalog, pg_temp
    AS $$SELECT a.status, a.answer - 'order' FROM segments_internal.rest_answer($1, $2, $3, $4, $5) AS a$$;
COMMENT ON FUNCTION segments.rest(text, text, jsonb, jsonb, regclass) IS
    'one request of the REST API of segments and contacts, with the rights of the caller: path with or without /api, query as an object of parameters, body as JSON; gives the status and the body of the answer.  Errors are answers, but those of the moment (a cancel, a serialization failure, lack of memory), which are for those who can ask again.  Without contact_table, the one of parameter contact_table of the query, else the only one';

CREATE FUNCTION segments_internal.rest_in_order(answer jsonb) RETURNS json
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (SELECT format('{%s}', string_agg(format('%s: %s', to_json(e.key), CASE WHEN jsonb_typeof(e.value) = 'object'
                THEN (SELECT format('{%s}', string_agg(format('%s: %s', to_json(o.id), e.value -> o.id), ', ' ORDER BY o.n))
                      FROM jsonb_array_elements_text(answer -> 'order') WITH ORDINALITY AS o (id, n))
                ELSE e.value::text END), ', ' ORDER BY e.key DESC))
            FROM jsonb_each(answer - 'order') AS e)::json;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_in_order(jsonb) IS 'an answer with the items of its page in their order';

CREATE FUNCTION segments.rest_json(method text, path text, query jsonb DEFAULT '{}', document jsonb DEFAULT NULL, contact_table regclass DEFAULT NULL,
                                   OUT status integer, OUT body json)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The front over HTTP calls this for each request.  A function in SQL would be
 * planned anew by each; the plans of this one last as long as the session.
 */
DECLARE
    made record := segments_internal.rest_answer(method, path, query, document, contact_table);
BEGIN
    status := made.status;
    body := CASE WHEN made.answer ? 'order' THEN segments_internal.rest_in_order(made.answer) ELSE made.answer::json END;
END
$function$;
COMMENT ON FUNCTION segments.rest_json(text, text, jsonb, jsonb, regclass) IS
    'rest(), with the body as json, in which lists are in the order that was asked for; jsonb sorts their keys, the ids';
