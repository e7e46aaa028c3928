-- ---------------------------------------------------------------------------
-- What a change of the catalogue means for fields and segments
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
        WHERE declared = word #>> '{}' OR segments_internal.name_covers(declared, word #>> '{}'))
$function$;
COMMENT ON FUNCTION segments_internal.mentions(segments.filter, text[]) IS 'does a filter name one of these fields? null: any';

CREATE FUNCTION segments_internal.named_fields(filters segments.filter) RETURNS TABLE (relation text, object text, field text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE part (relation, element) AS (
        SELECT NULL::text, e FROM jsonb_array_elements(filters::jsonb) AS e
        UNION ALL
        SELECT coalesce(p.element ->> 'rows', p.relation), e FROM part AS p, jsonb_array_elements(p.element -> 'filters') AS e
    )
    SELECT p.relation, CASE WHEN p.relation IS NULL THEN coalesce(p.element ->> 'object', 'lead') END, p.element ->> 'field'
    FROM part AS p WHERE p.element ? 'field'
    UNION ALL
    SELECT n.relation, NULL, n.field
    FROM part AS p, LATERAL (VALUES (p.element ->> 'rows', p.element ->> 'of'), (p.element ->> 'rows', p.element #>> '{within,date}'),
                                    (p.relation, p.element #>> '{within,of}')) AS n (relation, field)
    WHERE n.field IS NOT NULL
$function$;
COMMENT ON FUNCTION segments_internal.named_fields(segments.filter) IS 'the fields that a filter names: those of the rows of a relation, in row groups, or else those of an object';

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
        SELECT s AS itself, s.* FROM segments.segment AS s
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
                broken := broken || segments_internal.told(stored.itself, concat_ws('; ', reason, nullif(rtrim(detail, '.'), '')));
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

CREATE FUNCTION segments_internal.check_conditions(contact_table regclass, refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    declared segments.relation;
    reason text;
    detail text;
BEGIN
    FOR declared IN
        SELECT r.* FROM segments.relation AS r
        WHERE r.contact_table = check_conditions.contact_table AND r.condition IS NOT NULL ORDER BY r.name COLLATE "C"
    LOOP
        BEGIN
            PERFORM segments_internal.verify_condition(declared);
        EXCEPTION
            /* of the moment, and not of the condition */
            WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
                 OR operator_intervention OR system_error THEN
                RAISE;
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
                RAISE EXCEPTION '% because relation "%" depends on it', check_conditions.refusal, declared.name
                    USING ERRCODE = 'dependent_objects_still_exist', DETAIL = concat_ws(E'\n', reason, nullif(detail, '')),
                          HINT = 'Change the relation with segments.attach_related() or drop it with segments.detach_related() first.';
        END;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_conditions(regclass, text) IS 'refuse a change after which the condition of a relation has no value';

CREATE FUNCTION segments_internal.check_definitions(contact_table regclass, refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    declared segments.field_definition;
    reason text;
    detail text;
BEGIN
    FOR declared IN
        SELECT d.* FROM segments.field_definition AS d
        WHERE d.contact_table = check_definitions.contact_table
        ORDER BY d.object COLLATE "C", d.field COLLATE "C"
    LOOP
        BEGIN
            IF NOT declared.unfollowed AND coalesce(declared.expression, declared.condition) IS NOT NULL THEN
                PERFORM segments_internal.is_field_followed(declared, false);
            END IF;
            PERFORM segments.field_operators(check_definitions.contact_table, declared.object,
                                             regexp_replace(declared.field, '[*]$', '1'));
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
    PERFORM segments_internal.check_conditions(check_definitions.contact_table, check_definitions.refusal);
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
    segments_internal.check_conditions(regclass, text),
    segments_internal.rebuild_segments(regclass, text[], text) FROM PUBLIC;

/*
 * These see every segment, whoever changes the catalogue.  While a dump is restored, rows
 * come in any order, perhaps before the triggers, and with their members: then there is nothing to do.
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
        DELETE FROM segments.definition_change AS d WHERE d.relation = OLD.contact_table;
        DELETE FROM segments.table_part AS p WHERE p.attached = OLD.contact_table
            AND NOT EXISTS (SELECT FROM segments.relation AS r WHERE p.attached IN (r.related_table, r.link_table) AND r.contact_table <> OLD.contact_table);
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.contact_table <> OLD.contact_table THEN
        RAISE EXCEPTION 'cannot make contact table "%" another table', OLD.contact_table
            USING ERRCODE = 'feature_not_supported', HINT = 'Use segments.detach() and segments.attach().';
    END IF;
    IF NOT segments_internal.is_restore_session() THEN
        PERFORM segments_internal.check_timezone(NEW.timezone);
    END IF;
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
        DELETE FROM segments.definition_change AS d WHERE NOT segments_internal.is_attached(d.relation);
    END IF;
    FOREACH reader IN ARRAY concerned LOOP
        PERFORM segments_internal.invalidate(reader) FROM pg_class WHERE oid = reader;
        CONTINUE WHEN TG_OP = 'INSERT' OR NOT segments_internal.is_maintained(reader);
        -- whoever drops a table is not kept from it by what doesn't count
        CONTINUE WHEN TG_OP = 'DELETE' AND segments_internal.is_broken(reader) AND EXISTS (
            SELECT FROM old_rows AS o, unnest(array_remove(ARRAY[o.related_table, o.link_table], NULL)) AS t
            WHERE o.contact_table = reader AND NOT EXISTS (SELECT FROM pg_class WHERE oid = t));
        SELECT format('cannot change relations of contact table "%s"', relname) INTO refusal
        FROM pg_class WHERE oid = reader;
        PERFORM segments_internal.check_segments(reader, NULL, refusal);
        IF TG_OP = 'DELETE' THEN
            -- other fields over the relation are gone
            DELETE FROM segments.field_definition AS d USING old_rows AS o
            WHERE d.contact_table = o.contact_table AND d.object = o.name AND o.name IN ('company', 'company_all') AND o.contact_table = reader;
        END IF;
        PERFORM segments_internal.check_definitions(reader, refusal);
        CONTINUE WHEN TG_OP = 'DELETE';
        PERFORM segments_internal.rebuild_segments(reader, NULL, 'definition');
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.relation_changed() IS 'trigger function; what a change of relation means for segments';

CREATE FUNCTION segments_internal.check_uncovered(contact_table regclass, object text, relation text, field text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A declared field of an object, or of the rows of a relation, is gone, which was not the
 * column of its name: filters that name it would mean that column from now on.
 */
DECLARE
    row_table regclass := CASE WHEN check_uncovered.relation IS NULL AND check_uncovered.object = 'lead' THEN check_uncovered.contact_table ELSE (
        SELECT r.related_table FROM segments.relation AS r
        WHERE (r.contact_table, r.name) = (check_uncovered.contact_table, coalesce(check_uncovered.relation, check_uncovered.object))) END;
    aliases text;
BEGIN
    SELECT string_agg(DISTINCT segments_internal.told(s.segment, format('field "%s" of %s would mean another', check_uncovered.field,
                             coalesce('relation ' || quote_ident(check_uncovered.relation), 'object ' || check_uncovered.object))), E'\n') INTO aliases
    FROM (SELECT s AS segment FROM segments.segment AS s
          WHERE s.contact_table = check_uncovered.contact_table AND NOT segments_internal.has_failed(s.id)
            AND segments_internal.has_column(row_table, check_uncovered.field::name)
            AND EXISTS (SELECT FROM segments_internal.named_fields(s.filters) AS n
                        WHERE segments_internal.name_covers(check_uncovered.field, n.field)
                          AND CASE WHEN check_uncovered.relation IS NOT NULL THEN n.relation = check_uncovered.relation
                                   WHEN check_uncovered.object = 'lead' THEN n.object = 'lead'
                                   ELSE coalesce(n.relation, n.object) IN (check_uncovered.object, CASE check_uncovered.object WHEN 'company' THEN 'company_all' END) END)
          ORDER BY s.alias LIMIT 10) AS s;
    IF aliases IS NOT NULL THEN
        RAISE EXCEPTION 'cannot change field "%" because segments depend on it', check_uncovered.field
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = aliases, HINT = 'Change or delete the segments first.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_uncovered(regclass, text, text, text) IS 'refuse to forget a field whose filters would mean a column of its name';
REVOKE EXECUTE ON FUNCTION segments_internal.check_uncovered(regclass, text, text, text) FROM PUBLIC;

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
        CONTINUE WHEN TG_NAME = 'after_restore' OR NOT segments_internal.is_maintained(concerned.contact_table);
        PERFORM segments_internal.check_segments(concerned.contact_table, concerned.fields, concerned.refusal);
        IF TG_OP = 'DELETE' THEN
            PERFORM segments_internal.check_uncovered(c.contact_table, c.object, NULL, c.field) FROM unnest(changed) AS c
            WHERE c.contact_table = concerned.contact_table AND c.object IN ('lead', 'company', 'company_all')
              AND (c.expression IS NOT NULL OR c.relation IS NOT NULL OR coalesce(c.column_name, c.field::name) <> c.field::name);
            PERFORM segments_internal.check_uncovered(c.contact_table, NULL, c.relation, c.field) FROM unnest(changed) AS c
            WHERE c.contact_table = concerned.contact_table AND c.relation IS NOT NULL AND c.aggregate IS NULL
              AND (c.expression IS NOT NULL OR coalesce(c.column_name, c.field::name) <> c.field::name);
        END IF;
        PERFORM segments_internal.rebuild_segments(concerned.contact_table, concerned.fields, 'definition');
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.field_definition_changed() IS 'trigger function; what a change of field_definition means for segments';

-- before forget_declared, which finds segments that it did not see; nobody looks after members any more
CREATE TRIGGER forget_all_segments AFTER DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.contact_table_changed();
CREATE TRIGGER update_segments
    AFTER INSERT OR UPDATE OF contact_table, key_column, key_type, timezone, case_sensitive, member_table, override_table, change_table ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.contact_table_changed();
CREATE TRIGGER after_insert AFTER INSERT ON segments.relation REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_update AFTER UPDATE ON segments.relation REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_delete AFTER DELETE ON segments.relation REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.relation_changed();
CREATE TRIGGER after_insert AFTER INSERT ON segments.field_definition REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.field_definition_changed();
CREATE TRIGGER after_restore AFTER INSERT ON segments.field_definition REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.field_definition_changed();
CREATE TRIGGER after_update AFTER UPDATE ON segments.field_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.field_definition_changed();
CREATE TRIGGER after_delete AFTER DELETE ON segments.field_definition REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.field_definition_changed();
COMMENT ON TRIGGER forget_all_segments ON segments.contact_table IS 'deletes the segments of a contact table that is detached';
COMMENT ON TRIGGER update_segments ON segments.contact_table IS 'brings segments in line with a changed contact table';
COMMENT ON TRIGGER after_insert ON segments.relation IS 'makes a new relation known';
COMMENT ON TRIGGER after_update ON segments.relation IS 'brings segments in line with changed relations';
COMMENT ON TRIGGER after_delete ON segments.relation IS 'refuses to lose a relation that segments need';
COMMENT ON TRIGGER after_insert ON segments.field_definition IS 'brings segments in line with new fields';
COMMENT ON TRIGGER after_restore ON segments.field_definition IS 'makes restored fields known; their members are restored too';
COMMENT ON TRIGGER after_update ON segments.field_definition IS 'brings segments in line with changed fields';
COMMENT ON TRIGGER after_delete ON segments.field_definition IS 'refuses to lose a field that segments need';
