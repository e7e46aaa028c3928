-- ---------------------------------------------------------------------------
-- Searching contacts
-- ---------------------------------------------------------------------------

/*
 * A query becomes a condition on the contact's row: words and fields as filters
 * by segments.matches(), which the planner replaces by what a person would
 * write, memberships as EXISTS.  It runs with the rights of the caller.
 */

CREATE FUNCTION segments_internal.parse_search(query text) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_parse_search';
COMMENT ON FUNCTION segments_internal.parse_search(text) IS
    'the tree of a search: {"any": [...]}, {"all": [...]} or {"text", "command", "source", "exact", "not"}';

CREATE FUNCTION segments_internal.search_filter(field text, operator text, value jsonb, object text DEFAULT 'lead') RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_build_object('object', object, 'field', field, 'operator', operator, 'properties', jsonb_build_object('filter', value))
$function$;
COMMENT ON FUNCTION segments_internal.search_filter(text, text, jsonb, text) IS 'one filter';

CREATE FUNCTION segments_internal.filter_condition(filters jsonb, tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A value that the field does not take is not an error: no contact has it.
 */
BEGIN
    IF jsonb_array_length(filters) = 0 THEN
        RETURN 'false';
    END IF;
    PERFORM segments.explain(filters::text::segments.filter, tables.contact_table);
    RETURN format('segments.matches(c, %L::segments.filter)', filters::text);
EXCEPTION
    WHEN invalid_parameter_value OR invalid_text_representation OR numeric_value_out_of_range OR datetime_field_overflow
        OR invalid_datetime_format OR undefined_column OR undefined_function OR invalid_regular_expression
        OR program_limit_exceeded OR invalid_escape_sequence OR undefined_object OR datatype_mismatch THEN
        RETURN 'false';
END
$function$;
COMMENT ON FUNCTION segments_internal.filter_condition(jsonb, segments.contact_table) IS 'filters as a condition on contact c; false where they cannot be satisfied';

CREATE FUNCTION segments_internal.word_condition(word text, is_exact boolean, tables segments.contact_table) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.filter_condition(coalesce(
        (SELECT jsonb_agg(segments_internal.search_filter(f.field, CASE WHEN is_exact THEN '=' WHEN word ~ '%' THEN 'like' ELSE 'contains' END,
                                                 to_jsonb(word)) || '{"glue": "or"}' ORDER BY f.field)
         FROM segments.field AS f
         WHERE f.contact_table = tables.contact_table AND f.object = 'lead' AND f.available AND f.relation IS NULL AND f.expression IS NULL
           AND f.type IN ('text', 'email', 'url', 'tel', 'lookup', 'country', 'region')), '[]'), tables)
$function$;
COMMENT ON FUNCTION segments_internal.word_condition(text, boolean, segments.contact_table) IS
    'a word anywhere in the text columns of a contact, as a condition on contact c';

CREATE FUNCTION segments_internal.field_condition(field text, object text, type text, value text, is_exact boolean, tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    symbol text := (regexp_match(value, '^(>=|<=|>|<)'))[1];
    operator text := CASE symbol WHEN '>=' THEN 'gte' WHEN '<=' THEN 'lte' WHEN '>' THEN 'gt' WHEN '<' THEN 'lt' END;
    wanted jsonb := to_jsonb(value);
BEGIN
    IF type IN ('number', 'date', 'datetime', 'time') THEN
        operator := coalesce(operator, '=');
        wanted := to_jsonb(substr(value, 1 + coalesce(length(symbol), 0)));
    ELSIF type = 'boolean' THEN
        operator := '=';
        wanted := to_jsonb(lower(value));
    ELSIF type IN ('multiselect', 'id') THEN
        operator := 'in';
        wanted := to_jsonb(ARRAY[value]);
    ELSE
        operator := CASE WHEN is_exact THEN '=' WHEN value ~ '%' THEN 'like' ELSE 'contains' END;
    END IF;
    RETURN segments_internal.filter_condition(jsonb_build_array(segments_internal.search_filter(field, operator, wanted, object)), tables);
END
$function$;
COMMENT ON FUNCTION segments_internal.field_condition(text, text, text, text, boolean, segments.contact_table) IS
    'a value of a field, after a comparison perhaps, as a condition on contact c';

CREATE FUNCTION segments_internal.search_field(command text, tables segments.contact_table, OUT field text, OUT object text, OUT type text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The field of exactly this name, else one that folds like it; the contact's own
 * before others of the same name.  Numbered fields stand in no catalogue.
 */
DECLARE
    folded text := segments.fold(command);
BEGIN
    SELECT f.field, f.object, f.type INTO search_field.field, search_field.object, search_field.type FROM segments.field AS f
    WHERE f.contact_table = tables.contact_table AND f.available AND segments.fold(f.field) = folded AND f.type IS NOT NULL AND f.field <> 'leadlist'
    ORDER BY f.field <> command, f.object <> 'lead', f.object COLLATE "C", f.field COLLATE "C" LIMIT 1;
    IF NOT FOUND AND folded ~ '^(bucket|group_points)_[0-9]+$'
        AND segments.field_operators(tables.contact_table, 'lead', folded) IS NOT NULL THEN
        field := folded;
        object := 'lead';
        type := 'number';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.search_field(text, segments.contact_table) IS 'the field that a command of a search names, or nulls';

CREATE FUNCTION segments_internal.member_condition(word text, tables segments.contact_table) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(
        (SELECT format('EXISTS (SELECT FROM %s AS m WHERE m.segment_id = %s AND m.contact_id = c.%I)',
                       tables.member_table, s.id, tables.key_column)
         FROM segments.segment AS s
         WHERE s.contact_table = tables.contact_table
           AND (s.id = segments_internal.word_id(word) OR s.alias = lower(word) OR s.alias = word)
         -- an alias is never all digits
         ORDER BY s.alias = word DESC LIMIT 1), 'false')
$function$;
COMMENT ON FUNCTION segments_internal.member_condition(text, segments.contact_table) IS
    'membership of a segment, published or not, as a condition on contact c; nobody is a member of one that is not seen';

CREATE FUNCTION segments_internal.anonymous_condition(tables segments.contact_table) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- who was never identified; without such a column, who has no name and no address
    SELECT CASE WHEN bool_or(a.attname = 'date_identified') THEN 'c.date_identified IS NULL'
                WHEN count(*) > 0 THEN string_agg(format('coalesce(%s, '''') = ''''', segments_internal.column_text('c', a.attrelid, a.attname)), ' AND ' ORDER BY a.attname)
                ELSE 'false' END
    FROM pg_attribute AS a
    WHERE a.attrelid = tables.contact_table AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname IN ('date_identified', 'email', 'name', 'firstname', 'first_name', 'lastname', 'last_name', 'company')
$function$;
COMMENT ON FUNCTION segments_internal.anonymous_condition(segments.contact_table) IS 'nobody knows who it is, as a condition on contact c';

CREATE FUNCTION segments_internal.key_condition(words text[], tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    word text;
    keys text := '';
    key text;
BEGIN
    FOREACH word IN ARRAY words LOOP
        key := segments_internal.key_from_text(tables, word);
        BEGIN
            EXECUTE 'SELECT ' || key;
            keys := concat_ws(', ', nullif(keys, ''), key);
        EXCEPTION WHEN data_exception THEN
            CONTINUE;   -- no contact has this key
        END;
    END LOOP;
    RETURN CASE WHEN keys = '' THEN 'false' ELSE format('c.%I = ANY (ARRAY[%s])', tables.key_column, keys) END;
END
$function$;
COMMENT ON FUNCTION segments_internal.key_condition(text[], segments.contact_table) IS 'one of these keys, as a condition on contact c';

CREATE FUNCTION segments_internal.command_condition(node jsonb, tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    command text := segments.fold(node ->> 'command');
    word text := node ->> 'text';
    is_exact boolean := (node ->> 'exact')::boolean;
    field record;
BEGIN
    IF command = 'segment' THEN
        RETURN segments_internal.member_condition(word, tables);
    ELSIF command = 'common' THEN
        RETURN coalesce((SELECT string_agg(segments_internal.member_condition(w, tables), ' AND ') FROM unnest(string_to_array(word, '+')) AS w), 'false');
    ELSIF command = 'ids' THEN
        RETURN segments_internal.key_condition(string_to_array(word, ','), tables);
    ELSIF command = 'is' AND lower(word) = 'anonymous' THEN
        RETURN segments_internal.anonymous_condition(tables);
    END IF;
    SELECT * INTO field FROM segments_internal.search_field(node ->> 'command', tables);
    IF field.field IS NOT NULL THEN
        RETURN segments_internal.field_condition(field.field, field.object, field.type, word, is_exact, tables);
    END IF;
    RETURN segments_internal.word_condition(node ->> 'source', is_exact, tables);
END
$function$;
COMMENT ON FUNCTION segments_internal.command_condition(jsonb, segments.contact_table) IS 'a word of a search with its command, as a condition on contact c';

CREATE FUNCTION segments_internal.search_condition(node jsonb, tables segments.contact_table) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := CASE WHEN node ? 'any' THEN 'any' WHEN node ? 'all' THEN 'all' END;
    condition text;
BEGIN
    IF kind IS NOT NULL THEN
        -- a group of nothing is no condition
        SELECT string_agg('(' || c.condition || ')', CASE kind WHEN 'any' THEN ' OR ' ELSE ' AND ' END ORDER BY c.number) INTO condition
        FROM (SELECT segments_internal.search_condition(e.value, tables) AS condition, e.number
              FROM jsonb_array_elements(node -> kind) WITH ORDINALITY AS e (value, number)) AS c
        WHERE c.condition IS NOT NULL;
    ELSIF node ? 'command' THEN
        condition := segments_internal.command_condition(node, tables);
    ELSIF node ->> 'text' <> '' THEN
        condition := segments_internal.word_condition(node ->> 'text', (node ->> 'exact')::boolean, tables);
    END IF;
    RETURN CASE WHEN condition IS NULL THEN NULL
                WHEN (node ->> 'not')::boolean THEN format('(%s) IS NOT TRUE', condition) ELSE condition END;
END
$function$;
COMMENT ON FUNCTION segments_internal.search_condition(jsonb, segments.contact_table) IS 'the tree of a search as a condition on contact c; null: all contacts';

CREATE FUNCTION segments.search(query text, contact_table regclass DEFAULT NULL, key anyelement DEFAULT NULL::bigint,
                                after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS SETOF anyelement LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
BEGIN
    PERFORM segments_internal.check_key_is_null(key);
    PERFORM segments_internal.check_key_type(tables, pg_typeof(key));
    RETURN QUERY EXECUTE format('SELECT %1$s::%2$s FROM %3$s AS c WHERE (%4$s) %5$s ORDER BY c.%7$I LIMIT %6$L::bigint',
        -- in another type it is a whole number or a text
        CASE WHEN segments_internal.base_type(pg_typeof(key)) IN (segments_internal.base_type(tables.key_type), 'smallint', 'integer', 'bigint')
             THEN format('c.%I', tables.key_column) ELSE format('segments_internal.value_text(c.%I)', tables.key_column) END,
        segments_internal.type_name(pg_typeof(key)), tables.contact_table,
        coalesce(segments_internal.search_condition(segments_internal.parse_search(coalesce(query, '')), tables), 'true'),
        CASE WHEN after IS NOT NULL THEN format('AND c.%I > %s', tables.key_column, segments_internal.key_from_text(tables, after)) END,
        max, tables.key_column);
END
$function$;
COMMENT ON FUNCTION segments.search(text, regclass, anyelement, text, bigint) IS
    'keys of the contacts that a query finds, in their order and in the type of key, which is any null: words, field:value, segment:alias, common:a+b, ids:1,2, is:anonymous, +exact, !not, AND, OR, parentheses; pages: after is the last key of the page before, max the size';
