-- ---------------------------------------------------------------------------
-- Writing the catalogue: what a row must be, and who may write it
-- ---------------------------------------------------------------------------

/*
 * A row of the catalogue makes the extension open tables, follow them and drop
 * them; so whatever writes one, a restore's COPY too, meets the triggers below.
 * They analyse what the row says, as the owner of the contact table.  In a dump tables
 * come before rows, rights and primary keys after them: what depends
 * on those is left to who uses the row.
 */

-- The tables beside a contact table ------------------------------------------

CREATE FUNCTION segments_internal.column_problem(relation regclass, key_type regtype, columns text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- columns: "name type", in order; type key is that of the contact's key
    SELECT min(problem) FROM (
        SELECT format('column "%s" must be column %s, of type %s and NOT NULL', split_part(w.word, ' ', 1), w.number,
                      CASE split_part(w.word, ' ', 2) WHEN 'key' THEN key_type ELSE split_part(w.word, ' ', 2)::regtype END) AS problem
        FROM unnest(columns) WITH ORDINALITY AS w (word, number)
        WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                          WHERE a.attrelid = relation AND a.attnum = w.number AND NOT a.attisdropped
                            AND a.attname = split_part(w.word, ' ', 1)
                            AND (a.attnotnull OR split_part(w.word, ' ', 3) = 'null') AND a.attgenerated = ''
                            AND a.atttypid = CASE split_part(w.word, ' ', 2) WHEN 'key' THEN key_type
                                                                            ELSE split_part(w.word, ' ', 2)::regtype END)
        UNION ALL
        SELECT format('column "%s" has no default, and is NOT NULL', a.attname) FROM pg_attribute AS a
        WHERE a.attrelid = relation AND a.attnum > cardinality(columns) AND NOT a.attisdropped
          AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    ) AS p
$function$;
COMMENT ON FUNCTION segments_internal.column_problem(regclass, regtype, text[]) IS 'what is wrong with the columns of a table beside a contact table, or null';

CREATE FUNCTION segments_internal.beside_problem(relation regclass, key_type regtype, kind text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Primary keys come late in a restore, so that a missing one is for whoever opens
 * the table.
 */
DECLARE
    class pg_class;
BEGIN
    SELECT * INTO class FROM pg_class WHERE oid = beside_problem.relation;
    RETURN CASE
        WHEN class.oid IS NULL THEN format('relation with OID %s does not exist', coalesce(beside_problem.relation::oid, 0))
        WHEN class.relkind <> 'r' THEN format('"%s" is not a table', class.relname)
        WHEN class.oid < 16384 OR class.relnamespace = 'segments'::regnamespace THEN format('table "%s" is not a user''s', class.relname)
        WHEN class.relpersistence = 't' THEN format('table "%s" is temporary', class.relname)
        WHEN class.relhasrules THEN format('table "%s" has rules', class.relname)
        WHEN class.relforcerowsecurity THEN format('row security of table "%s" is forced on its owner', class.relname)
        WHEN class.relispartition OR EXISTS (SELECT FROM pg_inherits WHERE class.oid IN (inhrelid, inhparent))
            THEN format('table "%s" takes part in inheritance', class.relname)
        ELSE segments_internal.column_problem(class.oid, beside_problem.key_type, CASE beside_problem.kind
            WHEN 'member' THEN '{segment_id bigint,contact_id key,since timestamptz}'
            WHEN 'override' THEN '{segment_id bigint,contact_id key,included boolean,since timestamptz,by_user text null,source text null,reference text null}'
            ELSE '{xact bigint,n integer,segment_id bigint,contact_id key,joined boolean,cause text,at timestamptz,lsn pg_lsn,source text null,reference text null}'
            END::text[]) END;
END
$function$;
COMMENT ON FUNCTION segments_internal.beside_problem(regclass, regtype, text) IS 'why a table cannot be the one of members, overrides or changes beside a contact table, or null';

CREATE FUNCTION segments_internal.has_member_key(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = relation AND i.indisprimary AND i.indimmediate AND i.indisvalid
                   AND i.indkey::text = '1 2')
$function$;
COMMENT ON FUNCTION segments_internal.has_member_key(regclass) IS 'is the primary key of a table beside a contact table (segment_id, contact_id)?';

CREATE FUNCTION segments_internal.layout_problem(tables segments.contact_table) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A table that belongs to another owner is never ours.
 */
DECLARE
    owner oid := (SELECT relowner FROM pg_class WHERE oid = tables.contact_table);
    beside regclass[] := ARRAY[tables.member_table, tables.override_table, tables.change_table];
    problem text;
BEGIN
    problem := coalesce(segments_internal.beside_problem(tables.member_table, tables.key_type, 'member'),
                        segments_internal.beside_problem(tables.override_table, tables.key_type, 'override'),
                        segments_internal.beside_problem(tables.change_table, tables.key_type, 'change'));
    IF problem IS NOT NULL THEN
        RETURN problem;
    ELSIF (SELECT count(DISTINCT t) FROM unnest(beside || tables.contact_table) AS t) <> 4 THEN
        RETURN 'one table cannot be two of them';
    END IF;
    -- a contact table that was dropped has none, the others must agree
    RETURN (SELECT min(format('table "%s" has another owner', c.relname)) FROM pg_class AS c
            WHERE c.oid = ANY (beside)
              AND c.relowner <> coalesce(owner, (SELECT relowner FROM pg_class WHERE oid = tables.member_table)));
END
$function$;
COMMENT ON FUNCTION segments_internal.layout_problem(segments.contact_table) IS 'why the tables beside a contact table are not what attach() makes, or null';

-- Rows of the catalogue --------------------------------------------------------

CREATE FUNCTION segments_internal.check_layouts(tables segments.contact_table) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    problem text;
BEGIN
    PERFORM segments_internal.check_table(tables.contact_table);
    IF segments_internal.column_type(tables.contact_table, tables.key_column) <> tables.key_type THEN
        RAISE EXCEPTION 'key of contact table "%" is of type %, not %', tables.contact_table::regclass,
            segments_internal.column_type(tables.contact_table, tables.key_column), tables.key_type
            USING ERRCODE = 'datatype_mismatch';
    END IF;
    problem := coalesce(segments_internal.layout_problem(tables), (
        SELECT min(format('they belong to contact table "%s"', t.contact_table)) FROM segments.contact_table AS t
        WHERE t.contact_table <> tables.contact_table
          AND ARRAY[t.contact_table, t.member_table, t.override_table, t.change_table]
              && ARRAY[tables.contact_table, tables.member_table, tables.override_table, tables.change_table]));
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'tables beside contact table "%" are not those that attach() makes', tables.contact_table::regclass
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = upper(left(problem, 1)) || substr(problem, 2) || '.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_layouts(segments.contact_table) IS 'refuse a contact table whose key or tables beside it are not what attach() makes';

CREATE FUNCTION segments_internal.verify_contact_table() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.check_layouts(NEW);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_contact_table() IS 'trigger function; refuses a contact table whose key or tables beside it are not what attach() makes';

CREATE FUNCTION segments_internal.verify_key() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key record;
BEGIN
    SELECT * INTO key FROM segments_internal.check_key(NEW.contact_table);
    IF (key.key_column, key.key_type) <> (NEW.key_column, NEW.key_type) THEN
        RAISE EXCEPTION 'key of contact table "%" is column "%" of type %', NEW.contact_table::regclass, key.key_column, key.key_type
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF NOT (segments_internal.has_member_key(NEW.member_table) AND segments_internal.has_member_key(NEW.override_table)) THEN
        RAISE EXCEPTION 'tables beside contact table "%" have no primary key', NEW.contact_table::regclass
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM segments_internal.check_timezone(NEW.timezone);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_key() IS 'trigger function; refuses a contact table whose primary key is another, or cannot be one of contacts';

CREATE FUNCTION segments_internal.check_named(declared segments.relation) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named record;
BEGIN
    PERFORM segments_internal.check_table(declared.related_table);
    IF declared.link_table IS NOT NULL THEN
        PERFORM segments_internal.check_table(declared.link_table);
    END IF;
    FOR named IN
        SELECT * FROM (VALUES (coalesce(declared.link_table, declared.related_table), declared.contact_column), (declared.related_table, declared.key_column),
                              (declared.link_table, declared.link_column), (declared.link_table, declared.primary_column),
                              (declared.contact_table, declared.contact_reference)) AS c (relation, name)
        WHERE c.name IS NOT NULL
    LOOP
        PERFORM segments_internal.column_type(named.relation, named.name);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_named(segments.relation) IS 'refuse a relation over tables or columns that do not exist, or cannot be attached';

CREATE FUNCTION segments_internal.verify_relation() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.check_named(NEW);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_relation() IS 'trigger function; refuses a relation over what does not exist';

CREATE FUNCTION segments_internal.check_references(declared segments.relation) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * How rows are found, in the three ways that attach_company() and
 * attach_related() write: by the contact, by the related row, by a link.
 */
DECLARE
    contact_key name := (SELECT key_column FROM segments.contact_table WHERE contact_table = declared.contact_table);
BEGIN
    IF declared.contact_reference IS NOT NULL THEN
        PERFORM segments_internal.check_comparable(declared.contact_table, declared.contact_reference, declared.related_table, declared.key_column);
    ELSIF declared.link_table IS NULL THEN
        PERFORM segments_internal.check_holds_key(declared.related_table, declared.contact_column, declared.contact_table, contact_key);
    ELSE
        PERFORM segments_internal.check_holds_key(declared.link_table, declared.contact_column, declared.contact_table, contact_key);
        PERFORM segments_internal.check_stored(declared.link_table, declared.primary_column);
        PERFORM segments_internal.check_comparable(declared.link_table, declared.link_column, declared.related_table, declared.key_column);
        IF declared.primary_column IS NOT NULL AND segments_internal.column_type(declared.link_table, declared.primary_column) <> 'boolean'::regtype THEN
            RAISE EXCEPTION 'column "%" must be of type boolean', declared.primary_column USING ERRCODE = 'datatype_mismatch';
        END IF;
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_references(segments.relation) IS 'refuse a relation whose rows cannot be found by the columns that it names';

CREATE FUNCTION segments_internal.verify_related() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass;
BEGIN
    FOREACH relation IN ARRAY array_remove(ARRAY[NEW.related_table, NEW.link_table], NULL) LOOP
        PERFORM segments_internal.check_related(NEW.contact_table, relation);
        -- every write of it costs more from now on, as with any trigger; that others have made ours doesn't give the right
        IF (TG_OP = 'INSERT' OR relation <> ALL (array_remove(ARRAY[OLD.related_table, OLD.link_table], NULL)))
            AND NOT segments_internal.asker_may_follow(relation) THEN
            RAISE EXCEPTION 'permission denied for table %', (SELECT relname FROM pg_class WHERE oid = relation)
                USING ERRCODE = 'insufficient_privilege', DETAIL = 'Segments follow a table by triggers, which need the privilege TRIGGER.';
        END IF;
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgfoid = 'segments_internal.maintain()'::regprocedure) THEN
            RAISE EXCEPTION 'segments do not follow table "%"', relation
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Use segments.attach_related() or segments.attach_company().';
        END IF;
    END LOOP;
    PERFORM segments_internal.check_references(NEW);
    PERFORM segments_internal.verify_condition(NEW);
    PERFORM segments_internal.hold_expressions(NEW.contact_table, ARRAY[NEW.condition], NEW.related_table);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_related() IS 'trigger function; refuses a relation over tables that the owner of the contact table may not read, or that are not followed';

CREATE FUNCTION segments_internal.verify_expression(contact_table regclass, expression text, relation regclass, is_condition boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A number stands for $1, which is no parameter here.
 */
DECLARE
    owner oid := (SELECT relowner FROM pg_class WHERE oid = verify_expression.contact_table);
    sql text := regexp_replace(verify_expression.expression, '[$]1(?![0-9])', '1', 'g');
BEGIN
    PERFORM segments_internal.check_expression(sql, verify_expression.relation, owner, verify_expression.is_condition);
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_expression(regclass, text, regclass, boolean) IS 'refuse SQL that has no meaning over a table, or that the owner of the contact table may not evaluate';

CREATE FUNCTION segments_internal.check_expression(expression text, relation regclass, role oid, is_condition boolean) RETURNS void
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_check_expression';
COMMENT ON FUNCTION segments_internal.check_expression(text, regclass, oid, boolean) IS 'an error when an expression has no meaning over a table, or a role may not call a function, or read a table, of it; done as that role';

CREATE FUNCTION segments_internal.hold_functions(expression text, relation regclass, role oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_hold_functions';
COMMENT ON FUNCTION segments_internal.hold_functions(text, regclass, oid) IS 'keep the functions that an expression calls, as a role reads it, from being replaced by who may act as the role, until the transaction ends';

CREATE FUNCTION segments_internal.hold_expressions(contact_table regclass, expressions text[], relation regclass) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.hold_functions(regexp_replace(e, '[$]1(?![0-9])', '1', 'g'), relation, c.relowner)
    FROM pg_class AS c, unnest(expressions) AS e WHERE c.oid = contact_table AND e IS NOT NULL
$function$;
COMMENT ON FUNCTION segments_internal.hold_expressions(regclass, text[], regclass) IS 'hold_functions() for what is declared for a contact table';
REVOKE EXECUTE ON FUNCTION segments_internal.hold_functions(text, regclass, oid), segments_internal.hold_expressions(regclass, text[], regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.unfollowed_part(expression text, relation regclass, contact_table regclass, contact_column name,
                                                  OUT kind text, OUT name text)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_unfollowed_part';
COMMENT ON FUNCTION segments_internal.unfollowed_part(text, regclass, regclass, name) IS 'what an expression takes from elsewhere than the row, and the rows with the same value of contact_column: clock, session, function, contacts, related or table, and its name; or nulls';

CREATE FUNCTION segments_internal.is_followed(name text, expressions text[], relation regclass, contact_table regclass, contact_column name, allowed boolean)
    RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Refused unless it is allowed; then there is a notice.
 */
DECLARE
    part record;
    detail text;
    hint text;
BEGIN
    SELECT p.* INTO part
    FROM unnest(is_followed.expressions) AS e,
        segments_internal.unfollowed_part(regexp_replace(e, '[$]1(?![0-9])', '1', 'g'), is_followed.relation, is_followed.contact_table,
                                          coalesce(is_followed.contact_column, '')) AS p
    WHERE e IS NOT NULL AND p.kind IS NOT NULL;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    CASE part.kind
        WHEN 'clock' THEN
            detail := format('Its SQL uses the clock: %s.', part.name);
            hint := 'Compare with a date phrase in the filter, or, of related rows, in a row group.';
        WHEN 'session' THEN
            detail := format('Its SQL depends on the session or the catalogs: %s.', part.name);
            hint := 'Use what depends on the row alone.';
        WHEN 'function' THEN
            detail := format('Its SQL calls function "%s", which is STABLE: it may read tables or settings.', part.name);
            hint := 'Declare the function IMMUTABLE if its result depends on its arguments alone.';
        WHEN 'contacts' THEN
            detail := format('Its SQL reads other rows of contact table "%s".', part.name);
            hint := 'Keep what it computes in a column.';
        WHEN 'related' THEN
            detail := format('Its SQL reads table "%s" in a subquery.', part.name);
            hint := 'Declare a field over the relation, with an aggregate.';
        ELSE
            detail := format('Its SQL reads table "%s", which is not attached.', part.name);
            hint := 'Attach it with segments.attach_related() and declare a field over the relation.';
    END CASE;
    IF is_followed.allowed THEN
        RAISE NOTICE '% is not followed', is_followed.name USING DETAIL = detail,
            HINT = 'Its value is looked at when the row is written, and by segments.rebuild().';
        RETURN false;
    END IF;
    RAISE EXCEPTION '% cannot be followed', is_followed.name
        USING ERRCODE = 'invalid_object_definition', DETAIL = detail, HINT = hint || ' With unfollowed => true it is taken as it is.';
END
$function$;
COMMENT ON FUNCTION segments_internal.is_followed(text, text[], regclass, regclass, name, boolean) IS 'do SQL expressions over a table depend on the row alone? an error if they do not, or where that is allowed a notice';

CREATE FUNCTION segments_internal.row_table(definition segments.field_definition) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN definition.relation IS NULL AND definition.object NOT IN ('company', 'company_all') THEN definition.contact_table
                ELSE (SELECT r.related_table FROM segments.relation AS r
                      WHERE r.contact_table = definition.contact_table
                        AND r.name = coalesce(definition.relation, definition.object)) END
$function$;
COMMENT ON FUNCTION segments_internal.row_table(segments.field_definition) IS 'table whose rows a declared field looks at; null: its relation is not declared';

CREATE FUNCTION segments_internal.row_contact_column(definition segments.field_definition) RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT r.contact_column FROM segments.relation AS r
    WHERE r.contact_table = definition.contact_table AND r.link_table IS NULL
      AND r.name = coalesce(definition.relation, CASE WHEN definition.object LIKE 'company%' THEN definition.object END)
$function$;
COMMENT ON FUNCTION segments_internal.row_contact_column(segments.field_definition) IS 'column with the contact''s key in the rows that a declared field looks at; null: they have none';

CREATE FUNCTION segments_internal.is_field_followed(definition segments.field_definition, allowed boolean) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.is_followed(format('field "%s"', definition.field), ARRAY[definition.expression, definition.condition],
                                         segments_internal.row_table(definition), definition.contact_table,
                                         segments_internal.row_contact_column(definition), allowed)
$function$;
COMMENT ON FUNCTION segments_internal.is_field_followed(segments.field_definition, boolean) IS 'is_followed() for a declared field';

CREATE FUNCTION segments_internal.is_relation_followed(declared segments.relation, allowed boolean) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.is_followed(format('relation "%s"', declared.name), ARRAY[declared.condition], declared.related_table, declared.contact_table,
                                         CASE WHEN declared.link_table IS NULL THEN declared.contact_column END, allowed)
$function$;
COMMENT ON FUNCTION segments_internal.is_relation_followed(segments.relation, boolean) IS 'is_followed() for the condition of a relation';

CREATE FUNCTION segments_internal.verify_condition(declared segments.relation) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.verify_expression(declared.contact_table, declared.condition, declared.related_table, true);
    IF NOT declared.unfollowed THEN
        PERFORM segments_internal.is_relation_followed(declared, false);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_condition(segments.relation) IS 'refuse a relation whose condition has no meaning, may not be called by the owner of the contact table, or cannot be followed and was not said to be so';

CREATE FUNCTION segments_internal.verify_definition() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    row_table regclass := segments_internal.row_table(NEW);
BEGIN
    PERFORM segments_internal.check_definition(NEW);
    -- a relation may come after its fields when a dump is restored; else another trigger refuses
    IF row_table IS NOT NULL THEN
        PERFORM segments_internal.verify_expression(NEW.contact_table, NEW.expression, row_table, false);
        PERFORM segments_internal.verify_expression(NEW.contact_table, NEW.condition, row_table, true);
        PERFORM segments_internal.hold_expressions(NEW.contact_table, ARRAY[NEW.expression, NEW.condition], row_table);
        IF NOT NEW.unfollowed THEN
            PERFORM segments_internal.is_field_followed(NEW, false);
        END IF;
        IF NEW.order_by IS NOT NULL THEN
            PERFORM segments_internal.column_type(row_table, NEW.order_by);
        END IF;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.verify_definition() IS 'trigger function; refuses a field that contradicts itself, or whose SQL has no meaning or is not its owner''s to evaluate';

CREATE FUNCTION segments_internal.admit_restored() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A COPY fails as a whole, and one contact table's row must not take those of
 * all others along: what names something that isn't there, or is not what it
 * was, is left out.  SQL is kept as it is and found out about by who uses it:
 * rights and primary keys come later, and analysing it would run its owner's code.
 */
DECLARE
    reason text;
    detail text;
BEGIN
    IF TG_TABLE_NAME = 'contact_table' THEN
        PERFORM segments_internal.check_timezone(NEW.timezone);
        PERFORM segments_internal.check_layouts(NEW);
    ELSIF TG_TABLE_NAME = 'relation' THEN
        PERFORM segments_internal.check_named(NEW);
    ELSE
        PERFORM segments_internal.check_definition(NEW);
    END IF;
    RETURN NEW;
EXCEPTION
    /* of the moment, and not of the row */
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
         OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
        RAISE WARNING '% of contact table "%" is not restored',
            CASE TG_TABLE_NAME WHEN 'contact_table' THEN 'attachment'
                               WHEN 'relation' THEN format('relation "%s"', to_jsonb(NEW)->>'name')
                               ELSE format('field "%s"', to_jsonb(NEW)->>'field') END, NEW.contact_table
            USING DETAIL = concat_ws(E'\n', reason, nullif(detail, '')),
                  HINT = CASE TG_TABLE_NAME WHEN 'contact_table' THEN 'Use segments.attach(), and segments.rebuild_all().'
                                            WHEN 'relation' THEN 'Use segments.attach_company() or segments.attach_related().'
                                            ELSE 'Use segments.define_field().' END;
        RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.admit_restored() IS 'trigger function; while a dump is restored, leaves out with a warning what would be refused otherwise';

-- before update_segments, which believes the row
CREATE TRIGGER check_tables AFTER INSERT OR UPDATE OF key_column, key_type, member_table, override_table, change_table
    ON segments.contact_table FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.verify_contact_table();
CREATE TRIGGER check_tables_key AFTER INSERT OR UPDATE OF key_column, key_type ON segments.contact_table
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.verify_key();
CREATE TRIGGER verify AFTER INSERT OR UPDATE ON segments.relation
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.verify_relation();
CREATE TRIGGER verify_related AFTER INSERT OR UPDATE ON segments.relation
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.verify_related();
CREATE TRIGGER verify AFTER INSERT OR UPDATE ON segments.field_definition
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.verify_definition();
CREATE TRIGGER admit_restored BEFORE INSERT OR UPDATE OF key_column, key_type, member_table, override_table, change_table
    ON segments.contact_table FOR EACH ROW WHEN (segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.admit_restored();
CREATE TRIGGER admit_restored BEFORE INSERT OR UPDATE ON segments.relation
    FOR EACH ROW WHEN (segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.admit_restored();
CREATE TRIGGER admit_restored BEFORE INSERT OR UPDATE ON segments.field_definition
    FOR EACH ROW WHEN (segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.admit_restored();
COMMENT ON TRIGGER check_tables ON segments.contact_table IS 'refuses tables beside a contact table that are not its owner''s, or not what attach() makes';
COMMENT ON TRIGGER check_tables_key ON segments.contact_table IS 'refuses a key that is not the primary key';
COMMENT ON TRIGGER verify ON segments.relation IS 'refuses a relation over what does not exist';
COMMENT ON TRIGGER verify_related ON segments.relation IS 'refuses a relation over what is not its owner''s to read';
COMMENT ON TRIGGER verify ON segments.field_definition IS 'refuses a field that has no meaning, or is not its owner''s to evaluate';
COMMENT ON TRIGGER admit_restored ON segments.contact_table IS 'leaves out of a restore what would be refused otherwise';
COMMENT ON TRIGGER admit_restored ON segments.relation IS 'leaves out of a restore what would be refused otherwise';
COMMENT ON TRIGGER admit_restored ON segments.field_definition IS 'leaves out of a restore what would be refused otherwise';

-- Writing, for the owner of a contact table -------------------------------------

/*
 * Two functions each: see src/definition/catalogue_gate.c.
 */

CREATE FUNCTION segments_internal.store_contact_table(new_row segments.contact_table) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.store_contact_table(segments.contact_table) IS 'attach a table, for its owner';
CREATE FUNCTION segments_internal.store_contact_table_checked(new_row segments.contact_table) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN INSERT INTO segments.contact_table VALUES (new_row.*); END $$;
COMMENT ON FUNCTION segments_internal.store_contact_table_checked(segments.contact_table) IS 'what store_contact_table() does for those who may';

CREATE FUNCTION segments_internal.change_contact_table(contact_table regclass, key_column name, timezone text, case_sensitive boolean) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.change_contact_table(regclass, name, text, boolean) IS 'set what attach() can set again, for the owner';
CREATE FUNCTION segments_internal.change_contact_table_checked(contact_table regclass, key_column name, timezone text, case_sensitive boolean)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    UPDATE segments.contact_table AS t SET key_column = change_contact_table_checked.key_column
    WHERE t.contact_table = change_contact_table_checked.contact_table AND t.key_column <> change_contact_table_checked.key_column;
    UPDATE segments.contact_table AS t
    SET timezone = change_contact_table_checked.timezone, case_sensitive = change_contact_table_checked.case_sensitive
    WHERE t.contact_table = change_contact_table_checked.contact_table;
    PERFORM segments_internal.share_segments();
END $$;
COMMENT ON FUNCTION segments_internal.change_contact_table_checked(regclass, name, text, boolean) IS 'what change_contact_table() does for those who may';

CREATE FUNCTION segments_internal.forget_contact_table(contact_table regclass) RETURNS segments.contact_table
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.forget_contact_table(regclass) IS 'detach a table, for its owner; gives what was attached';
CREATE FUNCTION segments_internal.forget_contact_table_checked(contact_table regclass) RETURNS segments.contact_table
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    attached segments.contact_table;
BEGIN
    DELETE FROM segments.contact_table AS t WHERE t.contact_table = forget_contact_table_checked.contact_table
    RETURNING * INTO attached;
    RETURN attached;
END $$;
COMMENT ON FUNCTION segments_internal.forget_contact_table_checked(regclass) IS 'what forget_contact_table() does for those who may';

CREATE FUNCTION segments_internal.store_relation(new_row segments.relation) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.store_relation(segments.relation) IS 'declare a relation, or declare it anew, for the owner of the contact table';
CREATE FUNCTION segments_internal.store_relation_checked(new_row segments.relation) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    new_row.unfollowed := coalesce(new_row.unfollowed, false)
        AND NOT segments_internal.is_relation_followed(new_row, true);
    INSERT INTO segments.relation AS r VALUES (new_row.*)
    ON CONFLICT ON CONSTRAINT relation_pkey DO UPDATE
    SET related_table = excluded.related_table, contact_column = excluded.contact_column, key_column = excluded.key_column,
        link_table = excluded.link_table, link_column = excluded.link_column, primary_column = excluded.primary_column,
        only_primary = excluded.only_primary, contact_reference = excluded.contact_reference, condition = excluded.condition,
        unfollowed = excluded.unfollowed;
END $$;
COMMENT ON FUNCTION segments_internal.store_relation_checked(segments.relation) IS 'what store_relation() does for those who may';

CREATE FUNCTION segments_internal.forget_relation(contact_table regclass, name text) RETURNS regclass[]
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.forget_relation(regclass, text) IS 'forget a relation, for the owner of the contact table; gives its tables, or null';
CREATE FUNCTION segments_internal.forget_relation_checked(contact_table regclass, name text) RETURNS regclass[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    former regclass[];
BEGIN
    WITH gone AS (
        DELETE FROM segments.relation AS r
        WHERE r.contact_table = forget_relation_checked.contact_table
          AND (r.name = forget_relation_checked.name
               OR forget_relation_checked.name IN ('company', 'company_all') AND r.name IN ('company', 'company_all'))
        RETURNING ARRAY[r.related_table, r.link_table] AS tables
    )
    SELECT array_agg(DISTINCT t) FILTER (WHERE t IS NOT NULL) INTO former FROM gone, unnest(tables) AS t;
    RETURN former;
END $$;
COMMENT ON FUNCTION segments_internal.forget_relation_checked(regclass, text) IS 'what forget_relation() does for those who may';

CREATE FUNCTION segments_internal.store_definition(definition segments.field_definition) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.store_definition(segments.field_definition) IS 'declare a field, or declare it anew, for the owner of the contact table';
CREATE FUNCTION segments_internal.store_definition_checked(definition segments.field_definition) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    definition.unfollowed := coalesce(definition.unfollowed, false)
        AND NOT segments_internal.is_field_followed(definition, true);
    INSERT INTO segments.field_definition AS d VALUES (definition.*)
    ON CONFLICT ON CONSTRAINT field_definition_pkey DO UPDATE
    SET type = excluded.type, label = excluded.label, available = excluded.available, relation = excluded.relation,
        column_name = excluded.column_name, expression = excluded.expression, condition = excluded.condition,
        aggregate = excluded.aggregate, order_by = excluded.order_by, options = excluded.options,
        case_sensitive = excluded.case_sensitive, timezone = excluded.timezone, default_prefix = excluded.default_prefix,
        unfollowed = excluded.unfollowed;
    -- the engine has the last word on whether type and value go together
    PERFORM segments.field_operators(definition.contact_table, definition.object, regexp_replace(definition.field, '[*]$', '1'));
END $$;
COMMENT ON FUNCTION segments_internal.store_definition_checked(segments.field_definition) IS 'what store_definition() does for those who may';

CREATE FUNCTION segments_internal.forget_definition(contact_table regclass, object text, field text) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.forget_definition(regclass, text, text) IS 'forget what was declared for a field, for the owner of the contact table; whether there was anything';
CREATE FUNCTION segments_internal.forget_definition_checked(contact_table regclass, object text, field text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    DELETE FROM segments.field_definition AS d
    WHERE d.contact_table = forget_definition_checked.contact_table AND d.object = forget_definition_checked.object
      AND d.field = forget_definition_checked.field;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION segments_internal.forget_definition_checked(regclass, text, text) IS 'what forget_definition() does for those who may';

REVOKE EXECUTE ON FUNCTION segments_internal.store_contact_table_checked(segments.contact_table),
    segments_internal.change_contact_table_checked(regclass, name, text, boolean), segments_internal.forget_contact_table_checked(regclass),
    segments_internal.store_relation_checked(segments.relation), segments_internal.forget_relation_checked(regclass, text),
    segments_internal.store_definition_checked(segments.field_definition), segments_internal.forget_definition_checked(regclass, text, text),
    segments_internal.verify_expression(regclass, text, regclass, boolean), segments_internal.check_expression(text, regclass, oid, boolean),
    segments_internal.unfollowed_part(text, regclass, regclass, name), segments_internal.is_followed(text, text[], regclass, regclass, name, boolean),
    segments_internal.is_field_followed(segments.field_definition, boolean), segments_internal.is_relation_followed(segments.relation, boolean),
    segments_internal.verify_condition(segments.relation) FROM PUBLIC;
