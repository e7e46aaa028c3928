-- ---------------------------------------------------------------------------
-- Declaring fields, and what a change of the catalogue means for segments
-- ---------------------------------------------------------------------------

-- Types ---------------------------------------------------------------------

CREATE FUNCTION segments.inferred_type(type regtype) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_inferred_type';
COMMENT ON FUNCTION segments.inferred_type(regtype) IS 'field type that a column of this type has when nothing is declared for it, or null: it cannot be a field';

CREATE FUNCTION segments_internal.expression_type(expression text, relation regclass) RETURNS regtype
    LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'segments_expression_type';
COMMENT ON FUNCTION segments_internal.expression_type(text, regclass) IS 'type of a qualified expression over a relation';

CREATE FUNCTION segments_internal.check_condition(condition text, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    type regtype := segments_internal.expression_type(check_condition.condition, check_condition.relation);
BEGIN
    IF type <> 'boolean'::regtype THEN
        RAISE EXCEPTION 'condition must be of type boolean, not type %', type
            USING ERRCODE = 'datatype_mismatch', DETAIL = format('The condition is %s.', check_condition.condition);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_condition(text, regclass) IS 'refuse a condition that is not boolean';

-- Names ---------------------------------------------------------------------

CREATE FUNCTION segments_internal.name_covers(declared text, field text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_name_covers';
COMMENT ON FUNCTION segments_internal.name_covers(text, text) IS 'does a declared field name, perhaps with * for a whole number, mean this name?';

CREATE FUNCTION segments_internal.mentions(filters segments.filter, fields text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT fields IS NULL OR EXISTS (
        SELECT FROM (SELECT jsonb_path_query(filters::jsonb, '$.**.field')
                     UNION ALL SELECT jsonb_path_query(filters::jsonb, '$.**.of')
                     UNION ALL SELECT jsonb_path_query(filters::jsonb, '$.**.within.date')) AS named (word),
            unnest(fields) AS declared
        WHERE segments_internal.name_covers(declared, word #>> '{}'))
$function$;
COMMENT ON FUNCTION segments_internal.mentions(segments.filter, text[]) IS 'does a filter name one of these fields? null: any';

CREATE FUNCTION segments_internal.field_table(contact_table regclass, object text, relation text) RETURNS regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation_name text := coalesce(field_table.relation,
        CASE WHEN field_table.object IN ('company', 'company_all') THEN field_table.object END);
    found regclass;
BEGIN
    PERFORM segments_internal.check_contact_table(field_table.contact_table);
    IF relation_name IS NULL THEN
        RETURN field_table.contact_table;
    END IF;
    SELECT r.related_table INTO found FROM segments.relation AS r
    WHERE r.contact_table = field_table.contact_table AND r.name = relation_name;
    IF found IS NULL THEN
        RAISE EXCEPTION 'relation "%" of contact table "%" does not exist', relation_name,
            (SELECT relname FROM pg_class WHERE oid = field_table.contact_table)
            USING ERRCODE = 'undefined_object',
                  HINT = format('Declare it with segments.%s().',
                                CASE WHEN relation_name IN ('company', 'company_all') THEN 'attach_company' ELSE 'attach_related' END);
    END IF;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION segments_internal.field_table(regclass, text, text) IS 'table whose rows a field looks at';

-- Segments that depend on the catalogue ---------------------------------------

CREATE FUNCTION segments_internal.other_objects(filters segments.filter, contact_table regclass) RETURNS text[]
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_other_objects';
COMMENT ON FUNCTION segments_internal.other_objects(segments.filter, regclass) IS 'fields of other objects that a filter names under lead, as object.field';

CREATE FUNCTION segments_internal.changed_names(filters segments.filter, contact_table regclass, other_objects text[]) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH now AS (SELECT n FROM unnest(segments_internal.other_objects(filters, contact_table)) AS n), stored AS (SELECT n FROM unnest(other_objects) AS n)
    SELECT coalesce(array_agg(DISTINCT substr(c.n, strpos(c.n, '.') + 1)), '{}')
    FROM ((TABLE now EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE now)) AS c
$function$;
COMMENT ON FUNCTION segments_internal.changed_names(segments.filter, regclass, text[]) IS 'names in a filter that mean a field of another object than when it was stored';

CREATE FUNCTION segments_internal.check_meaning(filters segments.filter, contact_table regclass, other_objects text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    changed text[] := segments_internal.changed_names(filters, contact_table, other_objects);
BEGIN
    IF changed <> '{}' THEN
        RAISE EXCEPTION '%', (SELECT string_agg(format('field "%s"', c), ', ') FROM unnest(changed) AS c)
                             || ' of object lead would mean another'
            USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_meaning(segments.filter, regclass, text[]) IS 'an error when a name in a segment''s filters means another field than when they were stored';

CREATE FUNCTION segments_internal.check_segments(contact_table regclass, fields text[], refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * All at once first: a subtransaction for each segment only when there is
 * something to report.
 */
DECLARE
    stored record;
    broken text[];
    reason text;
    detail text;
BEGIN
    BEGIN
        PERFORM segments_internal.bind_check(s.filters, s.contact_table, s.id, false) FROM segments.segment AS s
        WHERE s.contact_table = check_segments.contact_table AND NOT segments.is_static(s.filters)
          AND segments_internal.mentions(s.filters, check_segments.fields) AND NOT segments_internal.has_failed(s.id);
        PERFORM segments_internal.check_meaning(s.filters, s.contact_table, s.other_objects) FROM segments.segment AS s
        WHERE s.contact_table = check_segments.contact_table AND NOT segments.is_static(s.filters)
          AND segments_internal.mentions(s.filters, check_segments.fields) AND NOT segments_internal.has_failed(s.id)
          AND s.other_objects <> segments_internal.other_objects(s.filters, s.contact_table);
        RETURN;
    EXCEPTION
        /* of the moment, and not of the filter */
        WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
             OR operator_intervention OR system_error THEN
            RAISE;
        WHEN OTHERS THEN
            NULL;
    END;
    FOR stored IN
        SELECT s.* FROM segments.segment AS s
        WHERE s.contact_table = check_segments.contact_table AND NOT segments.is_static(s.filters)
          AND segments_internal.mentions(s.filters, check_segments.fields) AND NOT segments_internal.has_failed(s.id)
        ORDER BY s.alias
    LOOP
        BEGIN
            PERFORM segments_internal.bind_check(stored.filters, check_segments.contact_table, stored.id, false);
            PERFORM segments_internal.check_meaning(stored.filters, stored.contact_table, stored.other_objects);
        EXCEPTION
            /* of the moment, and not of the filter */
            WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
                 OR operator_intervention OR system_error THEN
                RAISE;
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
                broken := broken || format('segment "%s": %s', stored.alias,
                                           concat_ws('; ', reason, nullif(rtrim(detail, '.'), '')));
                EXIT WHEN cardinality(broken) = 10;
        END;
    END LOOP;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '% because segments depend on it', check_segments.refusal
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = array_to_string(broken, E'\n'),
                  HINT = 'Change or delete the segments first.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_segments(regclass, text[], text) IS 'refuse a change after which a stored filter, one that names one of the fields (null: any), has no meaning';

CREATE FUNCTION segments_internal.check_definitions(contact_table regclass, refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    declared record;
    reason text;
    detail text;
BEGIN
    FOR declared IN
        SELECT d.object, d.field, NOT d.unfollowed AND coalesce(d.expression, d.condition) IS NOT NULL AS is_followed,
               ARRAY[d.expression, d.condition] AS expressions, segments_internal.row_table(d) AS row_table
        FROM segments.field_definition AS d
        WHERE d.contact_table = check_definitions.contact_table
        ORDER BY d.object COLLATE "C", d.field COLLATE "C"
    LOOP
        BEGIN
            IF declared.is_followed THEN
                PERFORM segments_internal.is_followed(format('field "%s"', declared.field), declared.expressions, declared.row_table,
                                             check_definitions.contact_table, false);
            END IF;
            PERFORM segments.field_operators(check_definitions.contact_table, declared.object,
                                             regexp_replace(declared.field, '\*$', '1'));
        EXCEPTION
            /* of the moment, and not of the filter */
            WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
                 OR operator_intervention OR system_error THEN
                RAISE;
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
                RAISE EXCEPTION '% because field "%" of object % depends on it', check_definitions.refusal, declared.field, declared.object
                    USING ERRCODE = 'dependent_objects_still_exist', DETAIL = concat_ws(E'\n', reason, nullif(detail, '')),
                          HINT = 'Change the field with segments.define_field() or drop it with segments.drop_field() first.';
        END;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_definitions(regclass, text) IS 'refuse a change after which a declared field has no value';

CREATE FUNCTION segments_internal.rebuild_segments(contact_table regclass, fields text[], cause text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    concerned bigint[] := ARRAY(
        SELECT s.id FROM segments.segment AS s
        WHERE s.contact_table = rebuild_segments.contact_table AND s.is_published AND NOT segments.is_static(s.filters)
          AND segments_internal.mentions(s.filters, rebuild_segments.fields)
        ORDER BY s.id);
BEGIN
    IF cardinality(concerned) > 0 THEN
        PERFORM segments_internal.build(rebuild_segments.contact_table, concerned, rebuild_segments.cause, false);
        -- whoever changes one now has its row, and waits for the contact table that we have
        UPDATE segments.segment AS s SET state = 'ready', error = NULL, built_at = segments.now()
        WHERE s.id IN (SELECT id FROM segments.segment WHERE id = ANY (concerned) FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.rebuild_segments(regclass, text[], text) IS 'bring the members of the published segments whose filters name one of the fields (null: any) in line with them';

REVOKE EXECUTE ON FUNCTION segments_internal.check_segments(regclass, text[], text), segments_internal.check_definitions(regclass, text),
    segments_internal.rebuild_segments(regclass, text[], text) FROM PUBLIC;

/*
 * These see every segment, whoever changes the catalogue.  While a dump is restored, rows
 * come in any order and before the triggers: then there is nothing to do.
 */
CREATE FUNCTION segments_internal.contact_table_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- first, as there is nothing to look after any more
        PERFORM segments_internal.invalidate(OLD.contact_table) FROM pg_class WHERE oid = OLD.contact_table;
        -- that they refer to each other is no reason to keep them
        DELETE FROM segments.segment_reference AS r USING segments.segment AS s
        WHERE s.id = r.segment_id AND s.contact_table = OLD.contact_table;
        DELETE FROM segments.segment AS s WHERE s.contact_table = OLD.contact_table;
        DELETE FROM segments.definition_change AS d WHERE d.contact_table = OLD.contact_table;
        DELETE FROM segments.table_part AS p WHERE p.attached = OLD.contact_table
            AND NOT EXISTS (SELECT FROM segments.relation AS r WHERE p.attached IN (r.related_table, r.link_table) AND r.contact_table <> OLD.contact_table);
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.contact_table <> OLD.contact_table THEN
        RAISE EXCEPTION 'cannot make contact table "%" another table', OLD.contact_table
            USING ERRCODE = 'feature_not_supported', HINT = 'Use segments.detach() and segments.attach().';
    END IF;
    PERFORM segments_internal.check_timezone(NEW.timezone);
    PERFORM segments_internal.invalidate(NEW.contact_table);
    -- that the key has another name or a wider type changes nobody's membership
    IF TG_OP = 'UPDATE' AND (NEW.key_column, NEW.key_type) = (OLD.key_column, OLD.key_type) AND segments_internal.is_maintained(NEW.contact_table) THEN
        PERFORM segments_internal.rebuild_segments(NEW.contact_table, NULL, 'definition');
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.contact_table_changed() IS 'trigger function; what a change of contact_table means for segments';

CREATE FUNCTION segments_internal.relation_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    concerned regclass[];
    reader regclass;
    refusal text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        concerned := ARRAY(SELECT DISTINCT n.contact_table FROM new_rows AS n);
    ELSIF TG_OP = 'DELETE' THEN
        concerned := ARRAY(SELECT DISTINCT o.contact_table FROM old_rows AS o);
    ELSE
        concerned := ARRAY(SELECT c.contact_table FROM ((TABLE old_rows EXCEPT TABLE new_rows)
                                                        UNION ALL (TABLE new_rows EXCEPT TABLE old_rows)) AS c
                           GROUP BY c.contact_table);
    END IF;
    -- sessions that write these tables know for whom
    IF TG_OP <> 'INSERT' THEN
        PERFORM segments_internal.readers_changed(t) FROM old_rows AS o, unnest(ARRAY[o.related_table, o.link_table]) AS t;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM segments_internal.readers_changed(t) FROM new_rows AS n, unnest(ARRAY[n.related_table, n.link_table]) AS t;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM segments.table_part AS p WHERE NOT segments_internal.is_attached(p.attached);
    END IF;
    FOREACH reader IN ARRAY concerned LOOP
        PERFORM segments_internal.invalidate(reader) FROM pg_class WHERE oid = reader;
        CONTINUE WHEN TG_OP = 'INSERT' OR NOT segments_internal.is_maintained(reader);
        SELECT format('cannot change relations of contact table "%s"', relname) INTO refusal
        FROM pg_class WHERE oid = reader;
        PERFORM segments_internal.check_segments(reader, NULL, refusal);
        IF TG_OP = 'DELETE' THEN
            -- other fields over the relation are gone
            DELETE FROM segments.field_definition AS d USING old_rows AS o
            WHERE d.contact_table = o.contact_table AND d.object = o.name AND o.contact_table = reader;
        END IF;
        PERFORM segments_internal.check_definitions(reader, refusal);
        CONTINUE WHEN TG_OP = 'DELETE';
        PERFORM segments_internal.rebuild_segments(reader, NULL, 'definition');
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.relation_changed() IS 'trigger function; what a change of relation means for segments';

CREATE FUNCTION segments_internal.check_uncovered(contact_table regclass, object text, field text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A declared field is gone, which was not the column of its name: filters that
 * name it would mean that column from now on.
 */
DECLARE
    row_table regclass := CASE check_uncovered.object WHEN 'lead' THEN check_uncovered.contact_table ELSE (
        SELECT r.related_table FROM segments.relation AS r
        WHERE (r.contact_table, r.name) = (check_uncovered.contact_table, check_uncovered.object)) END;
    aliases text;
BEGIN
    SELECT string_agg(format('segment "%s": field "%s" of object %s would mean another', s.alias, check_uncovered.field, check_uncovered.object),
                      E'\n' ORDER BY s.alias) INTO aliases
    FROM (SELECT s.alias FROM segments.segment AS s
          WHERE s.contact_table = check_uncovered.contact_table AND NOT segments_internal.has_failed(s.id)
            AND segments_internal.has_column(row_table, check_uncovered.field::name)
            AND EXISTS (SELECT FROM jsonb_path_query(s.filters::jsonb, '$.** ? (exists (@.field) && exists (@.operator))') AS e
                        WHERE segments_internal.name_covers(check_uncovered.field, e ->> 'field')
                          AND coalesce(e ->> 'object', 'lead') IN (check_uncovered.object,
                                                                   CASE check_uncovered.object WHEN 'company' THEN 'company_all' END))
          ORDER BY s.alias LIMIT 10) AS s;
    IF aliases IS NOT NULL THEN
        RAISE EXCEPTION 'cannot change field "%" because segments depend on it', check_uncovered.field
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = aliases, HINT = 'Change or delete the segments first.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_uncovered(regclass, text, text) IS 'refuse to forget a field whose filters would mean a column of its name';
REVOKE EXECUTE ON FUNCTION segments_internal.check_uncovered(regclass, text, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.field_definition_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    changed segments.field_definition[];
    concerned record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT n FROM new_rows AS n);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT o FROM old_rows AS o);
    ELSE
        changed := ARRAY(SELECT c::segments.field_definition FROM ((TABLE old_rows EXCEPT TABLE new_rows)
                                                                   UNION ALL (TABLE new_rows EXCEPT TABLE old_rows)) AS c);
    END IF;
    FOR concerned IN
        SELECT c.contact_table, array_agg(DISTINCT c.field) AS fields,
               'cannot change field ' || string_agg(DISTINCT format('"%s"', c.field), ', ') AS refusal
        FROM unnest(changed) AS c JOIN pg_class ON pg_class.oid = c.contact_table
        -- fields that go with their relation are the business of relation_changed()
        WHERE c.relation IS NULL
           OR EXISTS (SELECT FROM segments.relation AS r WHERE (r.contact_table, r.name) = (c.contact_table, c.relation))
        GROUP BY c.contact_table
    LOOP
        PERFORM segments_internal.invalidate(concerned.contact_table);
        CONTINUE WHEN NOT segments_internal.is_maintained(concerned.contact_table);
        PERFORM segments_internal.check_segments(concerned.contact_table, concerned.fields, concerned.refusal);
        IF TG_OP = 'DELETE' THEN
            PERFORM segments_internal.check_uncovered(c.contact_table, c.object, c.field) FROM unnest(changed) AS c
            WHERE c.contact_table = concerned.contact_table AND c.object IN ('lead', 'company', 'company_all')
              AND (c.expression IS NOT NULL OR c.relation IS NOT NULL OR coalesce(c.column_name, c.field::name) <> c.field::name);
        END IF;
        PERFORM segments_internal.rebuild_segments(concerned.contact_table, concerned.fields, 'definition');
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.field_definition_changed() IS 'trigger function; what a change of field_definition means for segments';

CREATE TRIGGER forget_segments BEFORE DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.contact_table_changed();
CREATE TRIGGER update_segments AFTER INSERT OR UPDATE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.contact_table_changed();
CREATE TRIGGER after_insert AFTER INSERT ON segments.relation REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_update AFTER UPDATE ON segments.relation REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_delete AFTER DELETE ON segments.relation REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_insert AFTER INSERT ON segments.field_definition REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.field_definition_changed();
CREATE TRIGGER after_update AFTER UPDATE ON segments.field_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.field_definition_changed();
CREATE TRIGGER after_delete AFTER DELETE ON segments.field_definition REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.field_definition_changed();
COMMENT ON TRIGGER forget_segments ON segments.contact_table IS 'deletes the segments of a contact table that is detached';
COMMENT ON TRIGGER update_segments ON segments.contact_table IS 'brings segments in line with a changed contact table';
COMMENT ON TRIGGER after_insert ON segments.relation IS 'makes a new relation known';
COMMENT ON TRIGGER after_update ON segments.relation IS 'brings segments in line with changed relations';
COMMENT ON TRIGGER after_delete ON segments.relation IS 'refuses to lose a relation that segments need';
COMMENT ON TRIGGER after_insert ON segments.field_definition IS 'brings segments in line with new fields';
COMMENT ON TRIGGER after_update ON segments.field_definition IS 'brings segments in line with changed fields';
COMMENT ON TRIGGER after_delete ON segments.field_definition IS 'refuses to lose a field that segments need';

-- Declaring -----------------------------------------------------------------

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
        WHEN definition.field LIKE '%*' AND (definition.condition ~ '\$1(?![0-9])') IS NOT TRUE
            THEN 'a name that ends in * needs a condition that uses $1'
        WHEN definition.field NOT LIKE '%*' AND definition.condition ~ '\$[0-9]'
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
            pg_catalog.regexp_replace(condition, '\$1(?![0-9])', stand_in::pg_catalog.text, 'g'), relation),
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
        PERFORM segments_internal.check_condition(regexp_replace(definition.condition, '\$1(?![0-9])', '1', 'g'), row_table);
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
    EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', given.contact_table);
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
    EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', drop_field.contact_table);
    IF NOT segments_internal.forget_definition(drop_field.contact_table, drop_field.object, drop_field.field) THEN
        RAISE EXCEPTION 'nothing is declared for field "%" of object %', drop_field.field, drop_field.object
            USING ERRCODE = 'undefined_object';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.drop_field(regclass, text, text) IS 'undo define_field; a column is again a field as it is; refused while a segment''s filters need the declaration';
