-- ---------------------------------------------------------------------------
-- Definitions as statements, to be kept beside the application's code
-- ---------------------------------------------------------------------------

/*
 * Each function gives the statements of one kind, as whoever asks may see them.
 * They can be run again and again: attach() and its like change what is given.
 */

CREATE FUNCTION segments_internal.named_arguments(VARIADIC arguments text[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- name, value, name, value ...; those without a value are left out
    SELECT string_agg(format(', %s => %s', arguments[n], arguments[n + 1]), '' ORDER BY n)
    FROM generate_series(1, cardinality(arguments), 2) AS n WHERE arguments[n + 1] IS NOT NULL
$function$;
COMMENT ON FUNCTION segments_internal.named_arguments(text[]) IS 'arguments of a call, from names and literals in turn; null literals are left out';

CREATE FUNCTION segments_internal.literal(value anyelement) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN pg_typeof(value) = 'boolean'::regtype THEN value::text ELSE quote_literal(value) END $$;
COMMENT ON FUNCTION segments_internal.literal(anyelement) IS 'a value as it is written in a statement';

CREATE FUNCTION segments_internal.table_literal(relation regclass) RETURNS text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT quote_literal(format('%I.%I', n.nspname, c.relname)) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation $$;
COMMENT ON FUNCTION segments_internal.table_literal(regclass) IS 'a table''s qualified name as a literal';

CREATE FUNCTION segments_internal.relation_sql(relation segments.relation) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE relation.name
        WHEN 'company' THEN format('SELECT segments.attach_company(%s, %s%s);', segments_internal.table_literal(relation.contact_table),
            segments_internal.table_literal(relation.related_table),
            segments_internal.named_arguments('company_column', segments_internal.literal(relation.contact_reference::text),
                'link_table', segments_internal.table_literal(relation.link_table),
                'link_contact_column', segments_internal.literal(relation.contact_column::text),
                'link_company_column', segments_internal.literal(relation.link_column::text),
                'primary_column', segments_internal.literal(relation.primary_column::text)))
        ELSE format('SELECT segments.attach_related(%s, %L, %s, %L%s);', segments_internal.table_literal(relation.contact_table), relation.name,
            segments_internal.table_literal(relation.related_table), relation.contact_column,
            segments_internal.named_arguments('condition', segments_internal.literal(relation.condition),
                'link_table', segments_internal.table_literal(relation.link_table),
                'link_column', segments_internal.literal(relation.link_column::text),
                'key_column', CASE WHEN relation.link_table IS NOT NULL THEN segments_internal.literal(relation.key_column::text) END,
                'unfollowed', CASE WHEN relation.unfollowed THEN 'true' END)) END
$function$;
COMMENT ON FUNCTION segments_internal.relation_sql(segments.relation) IS 'the statement that declares a relation';

CREATE FUNCTION segments_internal.field_sql(field segments.field_definition) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- segments that are created next may use it, whether others may or not
    SELECT format('SELECT segments.define_field(%s, %L%s);', segments_internal.table_literal(field.contact_table), field.field,
        segments_internal.named_arguments('type', segments_internal.literal(field.type),
            'object', segments_internal.literal(nullif(field.object, 'lead')), 'label', segments_internal.literal(field.label), 'available', 'true',
            'relation', segments_internal.literal(field.relation::text), 'column_name', segments_internal.literal(field.column_name::text),
            'expression', segments_internal.literal(field.expression), 'condition', segments_internal.literal(field.condition),
            'aggregate', segments_internal.literal(field.aggregate), 'order_by', segments_internal.literal(field.order_by::text),
            'options', segments_internal.literal(field.options), 'case_sensitive', segments_internal.literal(field.case_sensitive),
            'timezone', segments_internal.literal(field.timezone), 'default_prefix', segments_internal.literal(field.default_prefix),
            'unfollowed', CASE WHEN field.unfollowed THEN 'true' END))
$function$;
COMMENT ON FUNCTION segments_internal.field_sql(segments.field_definition) IS 'the statement that declares a field';

CREATE FUNCTION segments_internal.alias_of(word text) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce((SELECT s.alias FROM segments.segment AS s WHERE word ~ '^[0-9]{1,18}$' AND s.id = word::bigint), word)
$function$;
COMMENT ON FUNCTION segments_internal.alias_of(text) IS 'the alias of a segment by its id in digits; anything else as it is';

CREATE FUNCTION segments_internal.aliases_of(words text[]) RETURNS text[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    -- ids have another order elsewhere
    SELECT ARRAY(SELECT segments_internal.alias_of(w) COLLATE "C" FROM unnest(words) AS w ORDER BY 1)
$function$;
COMMENT ON FUNCTION segments_internal.aliases_of(text[]) IS 'the aliases of segments by their ids in digits, sorted';

CREATE FUNCTION segments_internal.with_aliases(value jsonb) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE jsonb_typeof(value)
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(segments_internal.with_aliases(e) ORDER BY n), '[]') FROM jsonb_array_elements(value) WITH ORDINALITY AS t (e, n))
        WHEN 'number' THEN to_jsonb(segments_internal.alias_of(value #>> '{}'))
        -- a text is a list, too
        WHEN 'string' THEN to_jsonb((SELECT string_agg(segments_internal.alias_of(e), '|' ORDER BY n)
                                     FROM string_to_table(value #>> '{}', '|') WITH ORDINALITY AS t (e, n)))
        ELSE value END
$function$;
COMMENT ON FUNCTION segments_internal.with_aliases(jsonb) IS 'the value of a filter over segments, by their aliases';

CREATE FUNCTION segments_internal.portable_filters(filters jsonb, relation text DEFAULT '') RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Ids mean something in one database only.  Two fields are of segments: any
 * other may have the name of one of them, and values that look like ids.
 */
DECLARE
    place text[];
BEGIN
    IF jsonb_typeof(filters) = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(segments_internal.portable_filters(e, relation) ORDER BY n), '[]')
                FROM jsonb_array_elements(filters) WITH ORDINALITY AS t (e, n));
    ELSIF filters ? 'filters' THEN
        filters := jsonb_set(filters, '{filters}',
            segments_internal.portable_filters(filters -> 'filters', coalesce(filters ->> 'rows', relation)));
    ELSIF (relation, coalesce(filters ->> 'object', 'lead'), filters ->> 'field') IN (('', 'lead', 'leadlist'), ('memberships', 'lead', 'segment')) THEN
        place := CASE WHEN filters -> 'properties' ? 'filter' THEN '{properties,filter}' ELSE '{filter}' END;
        IF filters #> place IS NOT NULL THEN
            filters := jsonb_set(filters, place, segments_internal.with_aliases(filters #> place));
        END IF;
    END IF;
    RETURN filters;
END
$function$;
COMMENT ON FUNCTION segments_internal.portable_filters(jsonb, text) IS 'a filter document that names segments by their aliases; relation: whose rows it is over, none: contacts';

CREATE FUNCTION segments_internal.filters_literal(filters segments.filter) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    -- as it was stored, unless it names segments by id; a line for each filter
    SELECT quote_literal(coalesce(E'[\n    ' || string_agg(e.value::text, E',\n    ' ORDER BY e.ordinality) || ']', '[]'))
    FROM json_array_elements(CASE WHEN segments_internal.portable_filters(filters::jsonb) = filters::jsonb THEN filters::json
                                  ELSE segments_internal.portable_filters(filters::jsonb)::segments.filter::json END) WITH ORDINALITY AS e
$function$;
COMMENT ON FUNCTION segments_internal.filters_literal(segments.filter) IS 'a filter as it is written in a statement';

CREATE FUNCTION segments_internal.segment_sql(segment segments.segment) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format('SELECT segments.create_segment(%L%s, or_replace => true);', segment.name,
        segments_internal.named_arguments('alias', segments_internal.literal(segment.alias), 'contact_table', segments_internal.table_literal(segment.contact_table),
            'filters', segments_internal.filters_literal(nullif(segment.filters::text, '[]')::segments.filter),
            'public_name', segments_internal.literal(segment.public_name), 'description', segments_internal.literal(segment.description),
            'category_id', segment.category_id::text, 'is_published', CASE WHEN NOT segment.is_published THEN 'false' END,
            'is_global', CASE WHEN NOT segment.is_global THEN 'false' END,
            'is_preference_center', CASE WHEN segment.is_preference_center THEN 'true' END))
$function$;
COMMENT ON FUNCTION segments_internal.segment_sql(segments.segment) IS 'the statement that creates a segment, or makes it what it is';

CREATE FUNCTION segments_internal.segments_in_order(contact_table regclass) RETURNS SETOF segments.segment
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Those that are referred to come first.
 */
DECLARE
    given bigint[] := '{}';
    next bigint[];
BEGIN
    LOOP
        next := ARRAY(
            SELECT s.id FROM segments.segment AS s
            WHERE s.contact_table = segments_in_order.contact_table AND s.id <> ALL (given)
              AND NOT EXISTS (SELECT FROM segments.segment_reference AS r JOIN segments.segment AS u ON u.id = r.referenced_id
                              WHERE r.segment_id = s.id AND r.referenced_id <> ALL (given)));
        EXIT WHEN next = '{}';
        RETURN QUERY SELECT s.* FROM segments.segment AS s WHERE s.id = ANY (next) ORDER BY s.alias;
        given := given || next;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.segments_in_order(regclass) IS 'segments of a contact table that one sees, each after those that it refers to';

CREATE FUNCTION segments_internal.point_trigger_call(point_trigger segments.point_trigger) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format('segments.create_point_trigger(%L, %s%s)', point_trigger.name, point_trigger.points,
        segments_internal.named_arguments(
            'add', segments_internal.literal(nullif(segments_internal.aliases_of(point_trigger.add_segments), '{}')),
            'remove', segments_internal.literal(nullif(segments_internal.aliases_of(point_trigger.remove_segments), '{}')),
            'apply_to_existing', CASE WHEN point_trigger.apply_to_existing THEN 'true' END,
            'contact_table', segments_internal.table_literal(point_trigger.contact_table),
            'field', segments_internal.literal(nullif(point_trigger.field, 'points')), 'description', segments_internal.literal(point_trigger.description),
            'is_published', CASE WHEN NOT point_trigger.is_published THEN 'false' END))
$function$;
COMMENT ON FUNCTION segments_internal.point_trigger_call(segments.point_trigger) IS 'the call that creates a point trigger';

CREATE FUNCTION segments_internal.point_trigger_statements(contact_table regclass) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- A name is not unique.  As many are made as are missing of the name, of those that are alike: what was changed
    -- since under the same name stays as it is.
    SELECT format(E'SELECT %1$s\nWHERE (SELECT count(*) < %2$s%3$s FROM segments.point_trigger AS t WHERE t.name = %4$L AND t.contact_table = %5$s::regclass);',
        t.call, t.named,
        CASE WHEN t.named > 1 THEN format(' AND count(*) FILTER (WHERE segments_internal.point_trigger_call(t) = %L) < %s', t.call, t.number) END,
        t.name, segments_internal.table_literal(point_trigger_statements.contact_table))
    FROM (SELECT p.id, p.name, c.call, count(*) OVER (PARTITION BY p.name) AS named, row_number() OVER (PARTITION BY c.call ORDER BY p.id) AS number
          FROM segments.point_trigger AS p, segments_internal.point_trigger_call(p) AS c (call)
          WHERE p.contact_table = point_trigger_statements.contact_table) AS t
    ORDER BY t.name, t.id
$function$;
COMMENT ON FUNCTION segments_internal.point_trigger_statements(regclass) IS 'the statements that create the point triggers of a contact table where they are missing';

CREATE FUNCTION segments_internal.definition_statements(asked segments.contact_table) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN NEXT format('SELECT segments.attach(%s, timezone => %L, case_sensitive => %s%s);', segments_internal.table_literal(asked.contact_table),
                       asked.timezone, asked.case_sensitive::text,
                       CASE WHEN segments_internal.is_on_replica(asked.contact_table) THEN ', on_replica => true' END);
    RETURN QUERY SELECT segments_internal.relation_sql(r) FROM segments.relation AS r
                 WHERE r.contact_table = asked.contact_table AND r.name <> 'company_all' ORDER BY r.name <> 'company', r.name;
    RETURN QUERY SELECT segments_internal.field_sql(d) FROM segments.field_definition AS d
                 WHERE d.contact_table = asked.contact_table ORDER BY d.object, d.field;
    RETURN QUERY SELECT segments_internal.segment_sql(s) FROM segments_internal.segments_in_order(asked.contact_table) AS s;
    RETURN QUERY SELECT format('SELECT segments.define_field(%s, %L%s, available => false);', segments_internal.table_literal(d.contact_table), d.field,
                               segments_internal.named_arguments('object', segments_internal.literal(nullif(d.object, 'lead'))))
                 FROM segments.field_definition AS d
                 WHERE d.contact_table = asked.contact_table AND NOT d.available ORDER BY d.object, d.field;
    RETURN QUERY SELECT segments_internal.point_trigger_statements(asked.contact_table);
END
$function$;
COMMENT ON FUNCTION segments_internal.definition_statements(segments.contact_table) IS 'the statements of segments.definition_sql() about one contact table';

CREATE FUNCTION segments.definition_sql(contact_table regclass DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF definition_sql.contact_table IS NOT NULL THEN
        PERFORM segments_internal.tables_of(definition_sql.contact_table);
        PERFORM segments_internal.check_may_read(definition_sql.contact_table);
    END IF;
    RETURN coalesce((
        SELECT string_agg(d.statement, E'\n' ORDER BY segments_internal.table_literal(t.contact_table) COLLATE "C", d.n) || E'\n'
        FROM segments.contact_table AS t, segments_internal.definition_statements(t) WITH ORDINALITY AS d (statement, n)
        WHERE t.contact_table = coalesce(definition_sql.contact_table, t.contact_table) AND has_table_privilege(t.contact_table, 'SELECT')), '');
END
$function$;
COMMENT ON FUNCTION segments.definition_sql(regclass) IS
    'what is declared for a contact table (null: for all that one may read) as SQL statements: attach() and its like, fields, segments that one sees, point triggers, without members; to be run where the tables are there, as often as wanted';
