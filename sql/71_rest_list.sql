-- ---------------------------------------------------------------------------
-- REST: lists of segments
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_column(property text) RETURNS name
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- dateAdded, date_added, and l.dateAdded as some clients write it
    wanted text := lower(regexp_replace(regexp_replace(btrim(property), '^[a-z]+[.]', ''), '([a-z])([A-Z])', E'\\1_\\2', 'g'));
BEGIN
    IF wanted IN ('id', 'name', 'public_name', 'alias', 'description', 'is_published', 'is_global', 'is_preference_center',
                  'date_added', 'created_by', 'created_by_user', 'date_modified', 'modified_by', 'modified_by_user') THEN
        RETURN wanted;
    ELSIF wanted IN ('category', 'category_id') THEN
        RETURN 'category_id';
    END IF;
    RAISE EXCEPTION 'segments have no property "%"', property USING ERRCODE = 'PT400';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_column(text) IS 'column of segments.segment by its name in either spelling; else answer 400';

CREATE FUNCTION segments_internal.rest_pattern(word text, is_exact boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN is_exact THEN replace(replace(replace(f.word, E'\\', E'\\\\'), '%', E'\\%'), '_', E'\\_')
                WHEN f.word ~ '%' THEN f.word
                ELSE '%' || replace(replace(f.word, E'\\', E'\\\\'), '_', E'\\_') || '%' END
    FROM (SELECT segments.fold(rest_pattern.word) AS word) AS f
$function$;
COMMENT ON FUNCTION segments_internal.rest_pattern(text, boolean) IS 'pattern, over folded text, of a word in a search: anywhere, unless it has % or is exact';

CREATE FUNCTION segments_internal.rest_word_condition(node jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    command text := lower(node ->> 'command');
    word text := node ->> 'text';
    pattern text := segments_internal.rest_pattern(word, (node ->> 'exact')::boolean);
BEGIN
    CASE
        WHEN command = 'is' AND lower(word) = 'published' THEN RETURN 's.is_published';
        WHEN command = 'is' AND lower(word) = 'unpublished' THEN RETURN 'NOT s.is_published';
        WHEN command = 'is' AND lower(word) = 'mine' THEN RETURN 'segments.is_own(s.created_by, s.created_by_user)';
        WHEN command = 'is' AND lower(word) = 'global' THEN RETURN 's.is_global';
        WHEN command = 'name' THEN RETURN format('segments.fold(s.name) LIKE %L', pattern);
        WHEN command = 'category' THEN
            RETURN format('segments.fold(segments_internal.rest_category(s.contact_table, s.category_id) ->> ''alias'') LIKE %L',
                          segments_internal.rest_pattern(word, word !~ '%'));
        WHEN command = 'ids' THEN
            RETURN format('s.id = ANY (%L::bigint[])', ARRAY(SELECT segments_internal.word_id(w) FROM unnest(string_to_array(replace(word, ' ', ''), ',')) AS w));
        ELSE
            pattern := segments_internal.rest_pattern(node ->> 'source', (node ->> 'exact')::boolean);
            RETURN format('(segments.fold(s.name) LIKE %1$L OR s.alias LIKE %1$L)', pattern);
    END CASE;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_word_condition(jsonb) IS 'a word of a search as a condition on segment s';

CREATE FUNCTION segments_internal.rest_search_condition(node jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := CASE WHEN node ? 'any' THEN 'any' WHEN node ? 'all' THEN 'all' END;
    condition text;
BEGIN
    IF kind IS NOT NULL THEN
        SELECT string_agg('(' || c.condition || ')', CASE kind WHEN 'any' THEN ' OR ' ELSE ' AND ' END ORDER BY c.number) INTO condition
        FROM (SELECT segments_internal.rest_search_condition(e.value) AS condition, e.number
              FROM jsonb_array_elements(node -> kind) WITH ORDINALITY AS e (value, number)) AS c
        WHERE c.condition IS NOT NULL;
    ELSIF node ? 'command' OR node ->> 'text' <> '' THEN
        condition := segments_internal.rest_word_condition(node);
    END IF;
    RETURN CASE WHEN condition IS NULL THEN NULL
                WHEN (node ->> 'not')::boolean THEN format('(%s) IS NOT TRUE', condition) ELSE condition END;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_search_condition(jsonb) IS 'the tree of a search as a condition on segment s; null: all';

CREATE FUNCTION segments_internal.rest_comparison(item jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Both sides as text but for order, which is that of the column's type.
 */
DECLARE
    expr text := coalesce(item ->> 'expr', 'eq');
    column_name name := segments_internal.rest_column(coalesce(item ->> 'col', item ->> 'column', ''));
    side text := format('s.%I', column_name);
    value text := CASE WHEN column_name ~ '^is_' AND jsonb_typeof(item -> 'val') IS NOT NULL AND jsonb_typeof(item -> 'val') <> 'array'
                       THEN segments_internal.rest_boolean(item -> 'val', 'where')::text ELSE item ->> 'val' END;
    type text := CASE WHEN column_name ~ '^is_' THEN 'boolean' WHEN column_name ~ '^date_' THEN 'timestamptz'
                      WHEN column_name IN ('id', 'category_id', 'created_by', 'modified_by') THEN 'bigint' ELSE 'text' END;
    words text[];
BEGIN
    IF expr IN ('eq', 'neq', 'lt', 'lte', 'gt', 'gte') THEN
        RETURN format('%s %s %L::%s', side,
            CASE expr WHEN 'eq' THEN '=' WHEN 'neq' THEN '<>' WHEN 'lt' THEN '<' WHEN 'lte' THEN '<=' WHEN 'gt' THEN '>' ELSE '>=' END, value, type);
    ELSIF expr IN ('like', 'notLike') THEN
        RETURN format('segments.fold(%s::text) %s %L', side, CASE expr WHEN 'like' THEN 'LIKE' ELSE 'NOT LIKE' END, segments.fold(value));
    ELSIF expr IN ('in', 'notIn', 'between', 'notBetween') THEN
        words := segments_internal.rest_words(item -> 'val');
        IF expr IN ('in', 'notIn') THEN
            RETURN format('%s(%s = ANY (%L::%s[]))', CASE expr WHEN 'notIn' THEN 'NOT ' END, side, coalesce(words, '{}'), type);
        ELSIF coalesce(cardinality(words), 0) <> 2 THEN
            RAISE EXCEPTION 'where: % takes two values', expr USING ERRCODE = 'PT400';
        END IF;
        RETURN format('%s%s BETWEEN %L::%s AND %L::%s', CASE expr WHEN 'notBetween' THEN 'NOT ' END, side, words[1], type, words[2], type);
    ELSIF expr IN ('isNull', 'isNotNull') THEN
        RETURN format('%s IS %s', side, CASE expr WHEN 'isNull' THEN 'NULL' ELSE 'NOT NULL' END);
    ELSIF expr IN ('isEmpty', 'isNotEmpty') THEN
        RETURN format('coalesce(%s::text, '''') %s ''''', side, CASE expr WHEN 'isEmpty' THEN '=' ELSE '<>' END);
    END IF;
    RAISE EXCEPTION 'where: unrecognized expression "%"', expr USING ERRCODE = 'PT400';
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_comparison(jsonb) IS 'one comparison of parameter where as a condition on segment s';

CREATE FUNCTION segments_internal.rest_where_condition(items jsonb, glue text DEFAULT ' AND ') RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    list jsonb := segments_internal.rest_list(items);
    conditions text[] := '{}';
    item jsonb;
BEGIN
    IF jsonb_typeof(list) <> 'array' THEN
        RAISE EXCEPTION 'where is not a list' USING ERRCODE = 'PT400';
    END IF;
    FOR item IN SELECT e.value FROM jsonb_array_elements(list) AS e (value) LOOP
        IF jsonb_typeof(item) <> 'object' THEN
            RAISE EXCEPTION 'where holds what is not a condition' USING ERRCODE = 'PT400';
        ELSIF item ->> 'expr' IN ('andX', 'orX') THEN
            conditions := conditions || coalesce('(' || segments_internal.rest_where_condition(
                coalesce(item -> 'val', '[]'), CASE item ->> 'expr' WHEN 'andX' THEN ' AND ' ELSE ' OR ' END) || ')', 'true');
        ELSE
            conditions := conditions || ('(' || segments_internal.rest_comparison(item) || ')');
        END IF;
    END LOOP;
    RETURN nullif(array_to_string(conditions, glue), '');
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_where_condition(jsonb, text) IS 'parameter where as a condition on segment s; null: all';

CREATE FUNCTION segments_internal.rest_direction(word text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF upper(coalesce(word, 'ASC')) NOT IN ('', 'ASC', 'DESC') THEN
        RAISE EXCEPTION 'a direction is ASC or DESC, not "%"', word USING ERRCODE = 'PT400';
    END IF;
    RETURN CASE upper(word) WHEN 'DESC' THEN 'DESC NULLS LAST' ELSE 'ASC NULLS FIRST' END;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_direction(text) IS 'ASC or DESC, blank: ASC; else answer 400';

CREATE FUNCTION segments_internal.rest_order(query jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    keys text;
BEGIN
    IF query ? 'order' THEN
        SELECT string_agg(format('s.%I %s', segments_internal.rest_column(coalesce(e.value ->> 'col', '')), segments_internal.rest_direction(e.value ->> 'dir')), ', ' ORDER BY e.n)
        INTO keys FROM jsonb_array_elements(segments_internal.rest_list(query -> 'order')) WITH ORDINALITY AS e (value, n);
    ELSE
        SELECT string_agg(format('s.%I %s', segments_internal.rest_column(w.word), segments_internal.rest_direction(query ->> 'orderByDir')), ', ' ORDER BY w.n)
        INTO keys FROM unnest(string_to_array(coalesce(nullif(query ->> 'orderBy', ''), 'name'), ',')) WITH ORDINALITY AS w (word, n);
    END IF;
    RETURN concat_ws(', ', keys, 's.id');
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_order(jsonb) IS 'ORDER BY of a list of segments';

CREATE FUNCTION segments_internal.rest_properties(query jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN coalesce(query ->> 'select', '') <> '' OR jsonb_typeof(query -> 'select') IN ('array', 'object')
                THEN ARRAY['id'] || ARRAY(SELECT lower(replace(btrim(w), '_', '')) FROM unnest(segments_internal.rest_words(query -> 'select')) AS w)
                WHEN segments_internal.rest_boolean(query -> 'minimal', 'minimal')
                THEN '{id,name,publicname,alias,category,description}'::text[] END
$function$;
COMMENT ON FUNCTION segments_internal.rest_properties(jsonb) IS 'which properties an answer has, in lower case, as publicName and public_name are one; null: all';

CREATE FUNCTION segments_internal.rest_pick(item jsonb, properties text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN properties IS NULL THEN item
                ELSE (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(item) AS e WHERE lower(e.key) = ANY (properties)) END
$function$;
COMMENT ON FUNCTION segments_internal.rest_pick(jsonb, text[]) IS 'some properties of an item';

CREATE FUNCTION segments_internal.rest_by_id(items jsonb[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $function$SELECT coalesce(jsonb_object_agg(i ->> 'id', i), '[]') FROM unnest(items) AS i$function$;
COMMENT ON FUNCTION segments_internal.rest_by_id(jsonb[]) IS 'items under their ids; an empty list where there are none, as Mautic has it';

CREATE FUNCTION segments_internal.rest_page_of_items(name text, items jsonb[], total bigint) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $function$SELECT jsonb_build_object('total', total, name, segments_internal.rest_by_id(items), 'order', ARRAY(SELECT i ->> 'id' FROM unnest(items) AS i))$function$;
COMMENT ON FUNCTION segments_internal.rest_page_of_items(text, jsonb[], bigint) IS 'a page of a list; order has the ids as they come, which no keys of jsonb can tell, for rest_json()';

CREATE FUNCTION segments_internal.rest_page(query jsonb, OUT start bigint, OUT size bigint)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(segments_internal.rest_integer(query -> 'start', 'start'), 0),
           nullif(coalesce(segments_internal.rest_integer(query -> 'limit', 'limit'), 30), 0)
$function$;
COMMENT ON FUNCTION segments_internal.rest_page(jsonb) IS 'which part of a list; size null: all';

CREATE FUNCTION segments_internal.rest_list_segments(query jsonb, tables segments.contact_table) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    page record := segments_internal.rest_page(query);
    condition text := concat_ws(' AND ',
        format('s.contact_table = %s::oid', tables.contact_table::oid),
        '(' || segments_internal.rest_search_condition(segments_internal.parse_search(query ->> 'search')) || ')',
        '(' || CASE WHEN query ? 'where' THEN segments_internal.rest_where_condition(query -> 'where') END || ')',
        CASE WHEN segments_internal.rest_boolean(query -> 'published', 'published')
                  OR segments_internal.rest_boolean(query -> 'publishedOnly', 'publishedOnly') THEN 's.is_published' END);
    total bigint;
    items jsonb[];
BEGIN
    EXECUTE format('SELECT count(*) FROM segments.segment AS s WHERE %s', condition) INTO total;
    EXECUTE format('SELECT ARRAY(SELECT segments_internal.rest_pick(segments_internal.rest_segment(s), $1) FROM segments.segment AS s '
                   'WHERE %s ORDER BY %s LIMIT %L::bigint OFFSET %s)', condition, segments_internal.rest_order(query), page.size, page.start)
    INTO items USING segments_internal.rest_properties(query);
    RETURN segments_internal.rest_page_of_items('lists', items, total);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_list_segments(jsonb, segments.contact_table) IS 'GET /segments';
