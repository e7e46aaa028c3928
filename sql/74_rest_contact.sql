-- ---------------------------------------------------------------------------
-- REST: contacts
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_fields(tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(f.field, jsonb_build_object('alias', f.field, 'label', coalesce(f.label, f.field), 'type', f.type, 'group', 'core')), '{}')
        FROM segments.field AS f
        WHERE f.contact_table = tables.contact_table AND f.object = 'lead' AND f.relation IS NULL AND f.expression IS NULL
          AND f.field = coalesce(f.column_name, f.field) AND f.field <> tables.key_column
          AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = tables.contact_table AND a.attname = f.field AND a.attnum > 0 AND NOT a.attisdropped
                      AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')));
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_fields(segments.contact_table) IS 'columns of a contact that are fields and that the caller may read, as answers have them';

CREATE FUNCTION segments_internal.rest_contact_id(tables segments.contact_table) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a text of digits is a text: '007' and '7' are two
    SELECT format(CASE WHEN segments_internal.base_type(tables.key_type) IN ('smallint', 'integer', 'bigint', 'numeric') THEN 'to_jsonb(c.%I)'
                       ELSE 'to_jsonb(segments_internal.value_text(c.%I))' END, tables.key_column)
$function$;
COMMENT ON FUNCTION segments_internal.rest_contact_id(segments.contact_table) IS 'SQL for the key of contact c as answers have it';

CREATE FUNCTION segments_internal.rest_contact(id jsonb, contact jsonb, fields jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN jsonb_build_object(
        'id', id,
        -- columns of these names may be anything
        'dateAdded', CASE WHEN fields #>> '{date_added,type}' IN ('date', 'datetime') THEN segments_internal.rest_instant((contact ->> 'date_added')::timestamptz) END,
        'dateModified', CASE WHEN fields #>> '{date_modified,type}' IN ('date', 'datetime') THEN segments_internal.rest_instant((contact ->> 'date_modified')::timestamptz) END,
        'points', coalesce(nullif(contact -> 'points', 'null'), '0'),
        'fields', jsonb_build_object(
            'core', (SELECT coalesce(jsonb_object_agg(f.key, f.value || jsonb_build_object('value', contact -> f.key)), '{}') FROM jsonb_each(fields) AS f),
            'all', (SELECT coalesce(jsonb_object_agg(f.key, contact -> f.key), '{}') FROM jsonb_each(fields) AS f)
                   || jsonb_build_object('id', id)));
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_contact(jsonb, jsonb, jsonb) IS 'a contact as answers have it';

CREATE FUNCTION segments_internal.rest_contact_columns(tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- a function takes at most 100 arguments
    RETURN (
        SELECT coalesce(string_agg(part.row, ' || '), '''{}''::jsonb')
        FROM (SELECT format('jsonb_build_object(%s)', string_agg(format(CASE WHEN a.atttypid >= 16384 AND segments_internal.runs_json_cast(a.atttypid) THEN '%L, segments_internal.value_text(c.%I)' ELSE '%L, c.%I' END, a.attname, a.attname), ', ' ORDER BY a.attnum)) AS row
              FROM pg_attribute AS a
              WHERE a.attrelid = tables.contact_table AND a.attnum > 0 AND NOT a.attisdropped
                AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
              GROUP BY a.attnum / 40) AS part);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_contact_columns(segments.contact_table) IS 'SQL for contact c as a JSON object, of the columns that the caller may read';

CREATE FUNCTION segments_internal.rest_get_contact(word text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    answer jsonb;
BEGIN
    IF segments_internal.rest_is_key(word, tables) THEN
        EXECUTE format('SELECT segments_internal.rest_contact(%5$s, %2$s, $1) FROM %3$s AS c WHERE c.%1$I = %4$s',
                       tables.key_column, segments_internal.rest_contact_columns(tables), tables.contact_table, segments_internal.key_from_text(tables, word),
                       segments_internal.rest_contact_id(tables))
        INTO answer USING segments_internal.rest_fields(tables);
    END IF;
    IF answer IS NULL THEN
        RAISE EXCEPTION 'Item was not found.' USING ERRCODE = 'PT404';
    END IF;
    RETURN answer;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_get_contact(text, segments.contact_table) IS 'one contact; else answer 404';

CREATE FUNCTION segments_internal.rest_list_contacts(query jsonb, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    page record := segments_internal.rest_page(query);
    condition text := coalesce(segments_internal.search_condition(segments_internal.parse_search(coalesce(query ->> 'search', '')), tables), 'true');
    order_by name := nullif(btrim(query ->> 'orderBy'), '');
    total bigint;
    items jsonb[];
BEGIN
    -- dateAdded or date_added; a field that is none of the contact's columns is refused
    order_by := coalesce((SELECT a.attname FROM pg_attribute AS a
                          WHERE a.attrelid = tables.contact_table AND a.attnum > 0 AND NOT a.attisdropped
                            AND a.attname IN (order_by, lower(regexp_replace(order_by, '([a-z])([A-Z])', E'\\1_\\2', 'g')))
                          ORDER BY a.attname = order_by DESC LIMIT 1),
                         CASE WHEN order_by IS NULL OR order_by = 'id' THEN tables.key_column END);
    IF order_by IS NULL THEN
        RAISE EXCEPTION 'contacts have no property "%"', query ->> 'orderBy' USING ERRCODE = 'PT400';
    END IF;
    EXECUTE format('SELECT count(*) FROM %s AS c WHERE %s', tables.contact_table, condition) INTO total;
    EXECUTE format('SELECT ARRAY(SELECT segments_internal.rest_contact(%9$s, %2$s, $1) FROM %3$s AS c WHERE %4$s '
                   'ORDER BY c.%5$I %6$s, c.%1$I LIMIT %7$L::bigint OFFSET %8$s)',
                   tables.key_column, segments_internal.rest_contact_columns(tables), tables.contact_table, condition, order_by,
                   segments_internal.rest_direction(query ->> 'orderByDir'), page.size, page.start,
                   segments_internal.rest_contact_id(tables))
    INTO items USING segments_internal.rest_fields(tables);
    RETURN segments_internal.rest_page_of_items('contacts', items, total);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_list_contacts(jsonb, segments.contact_table) IS 'GET /contacts';

CREATE FUNCTION segments_internal.rest_contact_segments(word text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    lists jsonb;
BEGIN
    PERFORM segments_internal.rest_get_contact(word, tables);
    SELECT jsonb_object_agg(s.id::text, jsonb_build_object(
        'id', s.id, 'name', s.name, 'alias', s.alias, 'dateAdded', segments_internal.rest_instant(m.since),
        'manuallyAdded', m.included OR segments.is_static(s.filters), 'manuallyRemoved', false)) INTO lists
    FROM segments_internal.memberships(tables, word) AS m JOIN segments.segment AS s ON s.id = m.segment_id;
    RETURN jsonb_build_object('total', (SELECT count(*) FROM jsonb_object_keys(coalesce(lists, '{}'))), 'lists', coalesce(lists, '[]'));
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_contact_segments(text, segments.contact_table) IS 'GET /contacts/ID/segments';

-- Writing ---------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_contact_values(body jsonb, tables segments.contact_table, with_key boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a blank is no value but for text; a list is an array, or a|b as text
    SELECT coalesce(jsonb_object_agg(a.attname, CASE
        WHEN e.value #>> '{}' = '' AND t.typcategory <> 'S' THEN 'null'
        WHEN t.typcategory = 'S' AND jsonb_typeof(segments_internal.rest_list(e.value)) = 'object' THEN to_jsonb(segments_internal.rest_text(body, e.key))
        WHEN t.typcategory = 'S' AND jsonb_typeof(segments_internal.rest_list(e.value)) = 'array' THEN
            to_jsonb((SELECT string_agg(i #>> '{}', '|' ORDER BY n) FROM jsonb_array_elements(segments_internal.rest_list(e.value)) WITH ORDINALITY AS l (i, n)))
        WHEN t.typcategory = 'A' AND jsonb_typeof(e.value) = 'string' THEN to_jsonb(string_to_array(e.value #>> '{}', '|'))
        WHEN t.typcategory = 'B' THEN CASE WHEN e.value = 'null' THEN e.value ELSE to_jsonb(segments_internal.rest_boolean(e.value, e.key)) END
        ELSE segments_internal.rest_list(e.value) END), '{}')
    FROM jsonb_each(body) AS e
        JOIN pg_attribute AS a ON a.attrelid = tables.contact_table AND a.attname = e.key AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated = '' AND a.attidentity <> 'a'
        JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attname <> tables.key_column OR with_key AND NOT a.atthasdef AND a.attidentity = ''
$function$;
COMMENT ON FUNCTION segments_internal.rest_contact_values(jsonb, segments.contact_table, boolean) IS
    'those values of a request that are columns of a contact and can be written';

CREATE FUNCTION segments_internal.rest_check_values(given jsonb, tables segments.contact_table) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    field text;
BEGIN
    FOR field IN SELECT k FROM jsonb_object_keys(given) AS k ORDER BY k LOOP
        BEGIN
            EXECUTE format('SELECT jsonb_populate_record(NULL::%s, $1)', tables.contact_table) USING jsonb_build_object(field, given -> field);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM segments_internal.rest_refuse(field, SQLERRM);
        END;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_check_values(jsonb, segments.contact_table) IS 'answer 400 for the first value that its column does not take';

CREATE FUNCTION segments_internal.rest_create_contact(body jsonb, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    given jsonb;
    columns text;
    key text;
BEGIN
    PERFORM segments_internal.rest_check_body(body);
    given := segments_internal.rest_contact_values(body, tables, true);
    SELECT string_agg(quote_ident(k), ', ' ORDER BY k) INTO columns FROM jsonb_object_keys(given) AS k;
    BEGIN
        EXECUTE CASE WHEN columns IS NULL THEN format('INSERT INTO %s AS c DEFAULT VALUES RETURNING segments_internal.value_text(c.%I)', tables.contact_table, tables.key_column)
                     ELSE format('INSERT INTO %1$s AS c (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1) RETURNING segments_internal.value_text(c.%3$I)',
                                 tables.contact_table, columns, tables.key_column) END
        INTO key USING given;
    EXCEPTION WHEN data_exception OR check_violation THEN
        PERFORM segments_internal.rest_check_values(given, tables);
        RAISE;
    END;
    RETURN segments_internal.rest_get_contact(key, tables);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_create_contact(jsonb, segments.contact_table) IS 'POST /contacts/new';

CREATE FUNCTION segments_internal.rest_edit_contact(word text, body jsonb, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    given jsonb;
    columns text;
    written bigint;
BEGIN
    PERFORM segments_internal.rest_check_body(body);
    PERFORM segments_internal.rest_get_contact(word, tables);
    given := segments_internal.rest_contact_values(body, tables, false);
    SELECT string_agg(format('%1$I = v.%1$I', k), ', ' ORDER BY k) INTO columns FROM jsonb_object_keys(given) AS k;
    IF columns IS NOT NULL THEN
        BEGIN
            EXECUTE format('UPDATE %1$s AS c SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS v WHERE c.%3$I = %4$s',
                           tables.contact_table, columns, tables.key_column, segments_internal.key_from_text(tables, word)) USING given;
            GET DIAGNOSTICS written = ROW_COUNT;
        EXCEPTION WHEN data_exception OR check_violation THEN
            PERFORM segments_internal.rest_check_values(given, tables);
            RAISE;
        END;
        IF written = 0 THEN
            RAISE EXCEPTION 'permission denied to change the contact' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN segments_internal.rest_get_contact(word, tables);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_edit_contact(text, jsonb, segments.contact_table) IS 'PATCH and PUT of a contact: only what is given';

CREATE FUNCTION segments_internal.rest_delete_contact(word text, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present jsonb := segments_internal.rest_get_contact(word, tables);
    written bigint;
BEGIN
    EXECUTE format('DELETE FROM %s AS c WHERE c.%I = %s', tables.contact_table, tables.key_column, segments_internal.key_from_text(tables, word));
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written = 0 THEN
        RAISE EXCEPTION 'permission denied to delete the contact' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN present || '{"id": null}';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_delete_contact(text, segments.contact_table) IS 'DELETE of a contact; gives it as it was';
