-- ---------------------------------------------------------------------------
-- REST: what answers are made of
-- ---------------------------------------------------------------------------

/*
 * The Segments REST API of Mautic over the public calls, with the rights of the
 * caller: row security decides what is seen, so what a role does not see is not
 * found.  A handler raises PTnnn for a status of its own; errors of SQL become
 * statuses in one place, segments_internal.rest_error().
 */

CREATE FUNCTION segments_internal.rest_errors(code integer, message text, details jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_build_object('errors', jsonb_build_array(jsonb_build_object(
        'code', code, 'message', message, 'details', coalesce(details, '{}'), 'type', NULL)))
$function$;
COMMENT ON FUNCTION segments_internal.rest_errors(integer, text, jsonb) IS 'body of an answer that is an error';

CREATE FUNCTION segments_internal.rest_field(message text, detail text, column_name text, constraint_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN nullif(column_name, '') IS NOT NULL THEN column_name
                WHEN detail ~ '^At [$]' OR message ~ '^(filter|segment ".*" does not exist|a segment cannot refer to itself)' THEN 'filters'
                WHEN message ~ 'alias' OR constraint_name ~ 'alias' THEN 'alias'
                WHEN message ~ 'needs a name' THEN 'name'
                WHEN message ~ '^(name|public name|description) is too long$' THEN CASE WHEN message ~ '^public' THEN 'publicName' ELSE split_part(message, ' ', 1) END END
$function$;
COMMENT ON FUNCTION segments_internal.rest_field(text, text, text, text) IS 'which property of a request an error is about, or null';

CREATE FUNCTION segments_internal.rest_error(state text, message text, detail text, column_name text, constraint_name text,
                                    OUT status integer, OUT body jsonb)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    field text := segments_internal.rest_field(message, detail, column_name, constraint_name);
    -- not the whole row
    more text := CASE WHEN left(state, 2) <> '23' OR detail !~ '^Failing row contains' THEN nullif(detail, '') END;
    texts text := CASE WHEN more IS NULL THEN message ELSE rtrim(message, '.') || '. ' || more END;
BEGIN
    status := CASE
        WHEN state ~ '^PT[45][0-9]{2}$' THEN substr(state, 3)::integer
        WHEN state = '42501' THEN 403
        WHEN state IN ('02000', 'P0002') THEN 404
        WHEN state = '23505' THEN 409
        WHEN state = '2BP01' THEN 422
        -- connections, transactions, resources, operators, files, foreign servers, bugs; others are of what was sent, or
        -- what users' triggers say of it, in whatever state they like
        WHEN left(state, 2) NOT IN ('08', '25', '40', '53', '57', '58', 'F0', 'HV', 'XX') AND state <> '55P03' THEN 400 END;
    body := CASE
        WHEN state = '42501' THEN segments_internal.rest_errors(403, 'You do not have access to the requested area/action.')
        WHEN field IS NULL OR status = 404 THEN segments_internal.rest_errors(status, texts)
        ELSE segments_internal.rest_errors(status, field || ': ' || texts, jsonb_build_object(field, jsonb_build_array(texts))) END;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_error(text, text, text, text, text) IS
    'the answer to an error of SQL; no status: one that no client has caused';

CREATE FUNCTION segments_internal.rest_constraint_column(relation regclass, constraint_name text) RETURNS name
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT a.attname
    FROM (SELECT c.conkey AS numbers FROM pg_constraint AS c WHERE c.conrelid = relation AND c.conname = constraint_name
          UNION ALL
          SELECT i.indkey FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid WHERE i.indrelid = relation AND x.relname = constraint_name) AS k
        JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = ALL (k.numbers)
    LIMIT 1
$function$;
COMMENT ON FUNCTION segments_internal.rest_constraint_column(regclass, text) IS 'the column that a constraint or a unique index of a table is about, if it is one';

-- Values of requests ----------------------------------------------------------

CREATE FUNCTION segments_internal.rest_refuse(field text, message text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION '%', message USING ERRCODE = 'PT400', COLUMN = field;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_refuse(text, text) IS 'answer 400 for a property';

CREATE FUNCTION segments_internal.rest_boolean(value jsonb, field text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    word text := lower(btrim(coalesce(value #>> '{}', '')));
BEGIN
    IF word IN ('1', 'true', 'yes', 'on', 't', 'y') THEN
        RETURN true;
    ELSIF word NOT IN ('', '0', 'false', 'no', 'off', 'f', 'n') THEN
        PERFORM segments_internal.rest_refuse(field, 'This value is not valid.');
    END IF;
    RETURN false;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_boolean(jsonb, text) IS 'yes or no as JSON or a form says it; null and blank are no; else answer 400';

CREATE FUNCTION segments_internal.rest_integer(value jsonb, field text) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    word text := btrim(coalesce(value #>> '{}', ''));
BEGIN
    IF word = '' THEN
        RETURN NULL;
    ELSIF word !~ '^[0-9]{1,18}$' THEN
        PERFORM segments_internal.rest_refuse(field, 'This value is not valid.');
    END IF;
    RETURN word::bigint;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_integer(jsonb, text) IS 'a whole number as JSON or a form says it; null and blank are null; else answer 400';

CREATE FUNCTION segments_internal.rest_text(body jsonb, property text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF jsonb_typeof(body -> property) IN ('object', 'array') THEN
        PERFORM segments_internal.rest_refuse(property, 'This value is not valid.');
    END IF;
    RETURN body ->> property;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_text(jsonb, text) IS 'a text in a request, or null; of a list or an object answer 400';

CREATE FUNCTION segments_internal.rest_list(value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- forms have lists as objects of numbers
    SELECT CASE WHEN jsonb_typeof(value) = 'object'
                     AND NOT EXISTS (SELECT FROM jsonb_object_keys(value) AS k WHERE k !~ '^[0-9]{1,9}$')
                THEN coalesce((SELECT jsonb_agg(e.value ORDER BY e.key::integer) FROM jsonb_each(value) AS e), '[]')
                ELSE value END
$function$;
COMMENT ON FUNCTION segments_internal.rest_list(jsonb) IS 'a list, also where a form has it as an object with numbers as keys; anything else as it is';

CREATE FUNCTION segments_internal.rest_words(value jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE jsonb_typeof(segments_internal.rest_list(value))
               WHEN 'array' THEN ARRAY(SELECT e.value #>> '{}' FROM jsonb_array_elements(segments_internal.rest_list(value)) WITH ORDINALITY AS e (value, n)
                                       ORDER BY e.n)
               WHEN 'null' THEN NULL
               ELSE ARRAY(SELECT btrim(w) FROM unnest(string_to_array(value #>> '{}', ',')) WITH ORDINALITY AS u (w, n) WHERE btrim(w) <> '' ORDER BY n) END
$function$;
COMMENT ON FUNCTION segments_internal.rest_words(jsonb) IS 'words of a list, as they are, or of a text with commas and blanks between them; null: none were given';

CREATE FUNCTION segments_internal.rest_document(value jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A form has lists as objects of numbers, at any depth, and an empty object as
 * a blank.
 */
BEGIN
    RETURN CASE jsonb_typeof(segments_internal.rest_list(value))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(segments_internal.rest_document(e.value) ORDER BY e.n), '[]')
                           FROM jsonb_array_elements(segments_internal.rest_list(value)) WITH ORDINALITY AS e (value, n))
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(e.key, CASE WHEN e.key = 'properties' AND e.value = '""' THEN '{}'
                                                                         ELSE segments_internal.rest_document(e.value) END), '{}')
                            FROM jsonb_each(value) AS e)
        ELSE value END;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_document(jsonb) IS 'filters of a form as JSON has them';

CREATE FUNCTION segments_internal.rest_filters(value jsonb) RETURNS segments.filter
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF value IS NULL OR value IN ('null', '""', '{}') THEN
        RETURN '[]';
    ELSIF jsonb_typeof(value) = 'string' THEN
        RETURN (value #>> '{}')::segments.filter;
    END IF;
    RETURN segments_internal.rest_document(value)::text::segments.filter;
EXCEPTION WHEN invalid_text_representation THEN
    PERFORM segments_internal.rest_refuse('filters', SQLERRM);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_filters(jsonb) IS 'filters of a request; null and blank are none';

-- Segments --------------------------------------------------------------------

CREATE FUNCTION segments_internal.rest_instant(instant timestamptz) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $function$BEGIN RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'); END$function$;
COMMENT ON FUNCTION segments_internal.rest_instant(timestamptz) IS 'an instant as answers have it';

CREATE FUNCTION segments_internal.rest_category(contact_table regclass, category_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Categories are the application's.  Where a table of that name stands beside
 * the contact table, as in Mautic's schema, it tells more than the id.
 */
DECLARE
    categories regclass;
    answer jsonb;
BEGIN
    IF category_id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT c.oid INTO categories FROM pg_class AS c
    WHERE c.relname = 'categories' AND c.relkind = 'r' AND NOT c.relhassubclass
      AND c.relnamespace = (SELECT t.relnamespace FROM pg_class AS t WHERE t.oid = rest_category.contact_table)
      AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'id' AND a.atttypid IN ('int'::regtype, 'bigint'::regtype))
      AND has_table_privilege(c.oid, 'SELECT')
      -- nobody asked for this table: nothing of its owner's is to run as the caller
      AND segments_internal.code_problem(c.oid) IS NULL
      AND NOT EXISTS (SELECT FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace <> 'pg_catalog'::regnamespace);
    IF FOUND THEN
        EXECUTE format('SELECT jsonb_object_agg(e.key, e.value) FROM %s AS c, jsonb_each(to_jsonb(c)) AS e '
                       'WHERE c.id = $1 AND e.key IN (''id'', ''title'', ''alias'', ''description'', ''color'', ''bundle'')', categories) INTO answer USING category_id;
    END IF;
    RETURN coalesce(answer, jsonb_build_object('id', category_id));
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_category(regclass, bigint) IS 'a category as answers have it';

CREATE FUNCTION segments_internal.rest_edited_filters(filters jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- groups have neither there
    SELECT coalesce(jsonb_agg(CASE WHEN f.filter ? 'field'
                                   THEN f.filter || jsonb_build_object('filter', f.filter #> '{properties,filter}', 'display', f.filter #> '{properties,display}')
                                   ELSE f.filter END ORDER BY f.n), '[]')
    FROM jsonb_array_elements(filters) WITH ORDINALITY AS f (filter, n)
$function$;
COMMENT ON FUNCTION segments_internal.rest_edited_filters(jsonb) IS
    'filters of a segment that has been edited: each has its value and its display in their older place too, as Mautic answers';

CREATE FUNCTION segments_internal.rest_segment(segment segments.segment, is_edited boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN jsonb_build_object(
        'id', segment.id, 'name', segment.name, 'publicName', segment.public_name, 'alias', segment.alias,
        'description', segment.description, 'category',
        CASE WHEN segment.category_id IS NOT NULL THEN segments_internal.rest_category(segment.contact_table, segment.category_id) END,
        'filters', CASE WHEN segment.date_modified IS NULL AND NOT is_edited THEN segment.filters::jsonb
                        ELSE segments_internal.rest_edited_filters(segment.filters::jsonb) END, 'isPublished', segment.is_published, 'isGlobal', segment.is_global,
        'isPreferenceCenter', segment.is_preference_center,
        'dateAdded', segments_internal.rest_instant(segment.date_added), 'createdBy', segment.created_by, 'createdByUser', segment.created_by_user,
        'dateModified', segments_internal.rest_instant(segment.date_modified), 'modifiedBy', segment.modified_by,
        'modifiedByUser', segment.modified_by_user);
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_segment(segments.segment, boolean) IS 'a segment as answers have it; is_edited: after an edit that may have changed nothing';

CREATE FUNCTION segments_internal.rest_find_segment(word text, contact_table regclass) RETURNS segments.segment
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found_segment segments.segment;
BEGIN
    SELECT s.* INTO found_segment FROM segments.segment AS s
    WHERE s.id = segments_internal.word_id(word)
      AND s.contact_table = coalesce(rest_find_segment.contact_table, s.contact_table);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Item was not found.' USING ERRCODE = 'PT404';
    END IF;
    RETURN found_segment;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_find_segment(text, regclass) IS 'a segment by the id in a path; else answer 404';

CREATE FUNCTION segments_internal.rest_tables(contact_table regclass, query jsonb) RETURNS segments.contact_table
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table;
BEGIN
    IF contact_table IS NOT NULL OR query ->> 'contact_table' IS NULL THEN
        RETURN segments_internal.tables_of(contact_table);
    END IF;
    SELECT t.* INTO tables FROM segments.contact_table AS t WHERE t.contact_table = to_regclass(query ->> 'contact_table');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'contact_table: "%" is not a contact table', query ->> 'contact_table' USING ERRCODE = 'PT400';
    END IF;
    RETURN tables;
END
$function$;
COMMENT ON FUNCTION segments_internal.rest_tables(regclass, jsonb) IS
    'the contact table of a request: the given one, else the one that a front names, with its schema, in the query, else the only one';
