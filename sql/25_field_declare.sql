-- ---------------------------------------------------------------------------
-- Declaring fields
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.check_definition(definition segments.field_definition) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What can be said without looking at the value.
 */
DECLARE
    has_rows boolean := definition.relation IS NOT NULL OR definition.object IN ('company', 'company_all');
    problem text;
BEGIN
    IF definition.object IS NULL OR definition.object NOT IN ('lead', 'company', 'company_all', 'behaviors', 'groups') THEN
        RAISE EXCEPTION 'unrecognized object "%"', definition.object
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Objects are lead, company, company_all, behaviors and groups.';
    ELSIF coalesce(definition.field, '') = '' OR octet_length(definition.field) > 128 THEN
        RAISE EXCEPTION 'name of a field must have 1 to 128 bytes' USING ERRCODE = 'invalid_parameter_value';
    ELSIF definition.field = 'leadlist' AND definition.object = 'lead' THEN
        RAISE EXCEPTION 'field name "leadlist" is reserved'
            USING ERRCODE = 'reserved_name', DETAIL = 'It is membership of segments.';
    ELSIF definition.type NOT IN ('text', 'email', 'url', 'tel', 'number', 'boolean', 'date', 'datetime', 'time', 'select',
                                  'multiselect', 'country', 'region', 'locale', 'timezone', 'lookup', 'id') THEN
        RAISE EXCEPTION 'unrecognized field type "%"', definition.type
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Types are text, email, url, tel, number, boolean, date, datetime, time, select, multiselect, '
                         'country, region, locale, timezone, lookup and id.';
    ELSIF definition.aggregate NOT IN ('exists', 'count', 'sum', 'min', 'max', 'latest') THEN
        RAISE EXCEPTION 'unrecognized aggregate "%"', definition.aggregate
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Aggregates are exists, count, sum, min, max and latest.';
    ELSIF definition.available IS NULL THEN
        RAISE EXCEPTION 'available must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;

    problem := CASE
        WHEN definition.relation IS NOT NULL AND definition.object IN ('company', 'company_all')
            THEN format('object %s is a relation itself', definition.object)
        WHEN definition.relation IN ('company', 'company_all')
            THEN format('fields of companies have object %s', definition.relation)
        WHEN definition.column_name IS NOT NULL AND definition.expression IS NOT NULL
            THEN 'it has either column_name or expression'
        WHEN definition.aggregate IS NOT NULL AND NOT has_rows THEN format('aggregate %s needs a relation', definition.aggregate)
        WHEN definition.condition IS NOT NULL AND NOT has_rows THEN 'a condition needs a relation'
        WHEN definition.aggregate = 'latest' AND definition.order_by IS NULL THEN 'aggregate latest needs order_by'
        WHEN definition.order_by IS NOT NULL AND definition.aggregate IS DISTINCT FROM 'latest'
            THEN 'argument order_by goes with aggregate latest only'
        WHEN definition.aggregate = 'exists' AND definition.type <> 'boolean' THEN 'aggregate exists gives type boolean'
        WHEN definition.aggregate IN ('count', 'sum') AND definition.type <> 'number'
            THEN format('aggregate %s gives type number', definition.aggregate)
        WHEN definition.field LIKE '%*' AND (definition.condition ~ '[$]1(?![0-9])') IS NOT TRUE
            THEN 'a name that ends in * needs a condition that uses $1'
        WHEN definition.field NOT LIKE '%*' AND definition.condition ~ '[$][0-9]'
            THEN '$1 in a condition needs a name that ends in *'
        WHEN definition.default_prefix = '' THEN 'argument default_prefix cannot be empty' END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'invalid definition of field "%"', definition.field
            USING ERRCODE = 'invalid_parameter_value', DETAIL = upper(left(problem, 1)) || substr(problem, 2) || '.';
    END IF;
    IF definition.timezone IS NOT NULL THEN
        PERFORM segments_internal.check_timezone(definition.timezone);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_definition(segments.field_definition) IS 'refuse a definition that contradicts itself';

CREATE FUNCTION segments_internal.qualify_condition(condition text, relation regclass, with_number boolean) RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $function$
/*
 * $1 is no parameter that an expression could have: a number in its place
 * while names are qualified.  In the caller's search path, like
 * qualify_expression, so that every other name is qualified here.
 */
DECLARE
    stand_in integer := 917263548;
BEGIN
    IF NOT with_number THEN
        RETURN segments_internal.qualify_expression(condition, relation);
    END IF;
    WHILE pg_catalog.strpos(condition, stand_in::pg_catalog.text) OPERATOR(pg_catalog.>) 0 LOOP
        stand_in := stand_in OPERATOR(pg_catalog.+) 1;
    END LOOP;
    RETURN pg_catalog.replace(
        segments_internal.qualify_expression(
            pg_catalog.regexp_replace(condition, '[$]1(?![0-9])', stand_in::pg_catalog.text, 'g'), relation),
        stand_in::pg_catalog.text, '$1');
END
$function$;
COMMENT ON FUNCTION segments_internal.qualify_condition(text, regclass, boolean) IS 'a condition, perhaps with the number $1 of a field''s name, with its names qualified';

CREATE FUNCTION segments_internal.store_field(definition segments.field_definition) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    row_table regclass := segments_internal.field_table(definition.contact_table, definition.object, definition.relation);
    value_type regtype;
BEGIN
    IF definition.condition IS NOT NULL THEN
        PERFORM segments_internal.check_condition(regexp_replace(definition.condition, '[$]1(?![0-9])', '1', 'g'), row_table);
    END IF;
    IF definition.order_by IS NOT NULL THEN
        PERFORM segments_internal.column_type(row_table, definition.order_by);
    END IF;
    IF definition.expression IS NOT NULL THEN
        value_type := segments_internal.expression_type(definition.expression, row_table);
    ELSIF definition.column_name IS NOT NULL OR coalesce(definition.aggregate, '') NOT IN ('exists', 'count') THEN
        value_type := segments_internal.column_type(row_table, coalesce(definition.column_name, definition.field));
    END IF;
    IF definition.type IS NULL AND coalesce(definition.aggregate, '') NOT IN ('exists', 'count', 'sum') THEN
        IF segments.inferred_type(value_type) IS NULL THEN
            RAISE EXCEPTION 'type of field "%" cannot be inferred', definition.field
                USING ERRCODE = 'datatype_mismatch', DETAIL = format('Its value is of type %s.', value_type),
                      HINT = 'Give it in argument type, or use an expression that casts the value.';
        ELSIF definition.expression IS NOT NULL THEN
            -- the type of a column is followed, that of an expression is kept
            definition.type := segments.inferred_type(value_type);
        END IF;
    END IF;

    PERFORM segments_internal.store_definition(definition);
END
$function$;
COMMENT ON FUNCTION segments_internal.store_field(segments.field_definition) IS 'define_field, its expressions with qualified names';

CREATE FUNCTION segments_internal.complete_definition(given segments.field_definition) RETURNS segments.field_definition
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * An expression takes the place of a column and the other way round, and
 * the order of another aggregate goes.  Two who change one field take turns.
 */
DECLARE
    stored segments.field_definition;
BEGIN
    PERFORM segments_internal.check_contact_table(given.contact_table);
    PERFORM segments_internal.lock_definitions(given.contact_table);
    SELECT * INTO stored FROM segments.field_definition AS d
    WHERE (d.contact_table, d.object, d.field) = (given.contact_table, given.object, given.field);
    given.column_name := coalesce(given.column_name, CASE WHEN given.expression IS NULL THEN stored.column_name END);
    given.expression := coalesce(given.expression, CASE WHEN given.column_name IS NULL THEN stored.expression END);
    given.order_by := coalesce(given.order_by, CASE WHEN coalesce(given.aggregate, 'latest') = 'latest' THEN stored.order_by END);
    given.aggregate := coalesce(given.aggregate, stored.aggregate);
    given.type := coalesce(given.type, stored.type);
    given.label := coalesce(given.label, stored.label);
    given.available := coalesce(given.available, stored.available, true);
    given.relation := coalesce(given.relation, stored.relation);
    given.condition := coalesce(given.condition, stored.condition);
    given.options := coalesce(given.options, stored.options);
    given.case_sensitive := coalesce(given.case_sensitive, stored.case_sensitive);
    given.timezone := coalesce(given.timezone, stored.timezone);
    given.default_prefix := coalesce(given.default_prefix, stored.default_prefix);
    given.unfollowed := coalesce(given.unfollowed, stored.unfollowed);
    RETURN given;
END
$function$;
COMMENT ON FUNCTION segments_internal.complete_definition(segments.field_definition) IS 'what is not given of a definition is as it was declared before';

CREATE FUNCTION segments.define_field(contact_table regclass, field text, type text DEFAULT NULL, object text DEFAULT 'lead',
                                      label text DEFAULT NULL, available boolean DEFAULT NULL, relation text DEFAULT NULL,
                                      column_name name DEFAULT NULL, expression text DEFAULT NULL, condition text DEFAULT NULL,
                                      aggregate text DEFAULT NULL, order_by name DEFAULT NULL, options text[] DEFAULT NULL,
                                      case_sensitive boolean DEFAULT NULL, timezone text DEFAULT NULL,
                                      default_prefix text DEFAULT NULL, unfollowed boolean DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $function$
/*
 * Reads expression and condition in the caller's search path: so every name
 * is qualified here.
 */
DECLARE
    definition segments.field_definition;
    row_table pg_catalog.regclass;
BEGIN
    definition.contact_table := define_field.contact_table;
    definition.object := define_field.object;
    definition.field := define_field.field;
    definition.type := define_field.type;
    definition.label := define_field.label;
    definition.available := define_field.available;
    definition.relation := define_field.relation;
    definition.column_name := define_field.column_name;
    definition.expression := define_field.expression;
    definition.condition := define_field.condition;
    definition.aggregate := define_field.aggregate;
    definition.order_by := define_field.order_by;
    definition.options := define_field.options;
    definition.case_sensitive := define_field.case_sensitive;
    definition.timezone := define_field.timezone;
    definition.default_prefix := define_field.default_prefix;
    definition.unfollowed := define_field.unfollowed;
    definition := segments_internal.complete_definition(definition);
    PERFORM segments_internal.check_definition(definition);

    row_table := segments_internal.field_table(define_field.contact_table, define_field.object, definition.relation);
    IF define_field.expression IS NOT NULL THEN
        definition.expression := segments_internal.qualify_expression(define_field.expression, row_table);
    END IF;
    IF define_field.condition IS NOT NULL THEN
        definition.condition := segments_internal.qualify_condition(define_field.condition, row_table,
            pg_catalog.right(define_field.field, 1) OPERATOR(pg_catalog.=) '*');
    END IF;
    PERFORM segments_internal.store_field(definition);
END
$function$;
COMMENT ON FUNCTION segments.define_field(regclass, text, text, text, text, boolean, text, name, text, text, text, name, text[], boolean, text, text, boolean) IS
    'declare a field: what cannot be inferred of a column, a field computed by an SQL expression over the row, or one over the rows of a relation; SQL that depends on more than the row (the clock, settings, other rows) is refused, or with unfollowed taken as it is; again: change what is given, and bring the segments that use it up to date';

CREATE FUNCTION segments.drop_field(contact_table regclass, field text, object text DEFAULT 'lead') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.check_contact_table(drop_field.contact_table);
    PERFORM segments_internal.lock_definitions(drop_field.contact_table);
    IF NOT segments_internal.forget_definition(drop_field.contact_table, drop_field.object, drop_field.field) THEN
        RAISE EXCEPTION 'nothing is declared for field "%" of object %', drop_field.field, drop_field.object
            USING ERRCODE = 'undefined_object';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.drop_field(regclass, text, text) IS 'undo define_field; a column is again a field as it is; refused while a segment''s filters need the declaration';
