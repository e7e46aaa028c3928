-- ---------------------------------------------------------------------------
-- Event triggers: what DDL means for segments
-- ---------------------------------------------------------------------------

/*
 * Dropping a contact table takes its segments along; dropping or altering
 * what a stored filter needs is refused, also for CASCADE, which an event
 * trigger cannot tell from RESTRICT.  Commands on other tables leave once it is
 * known whose definitions count, and so do all of a restore while a contact table lacks its triggers.  pg_restore -j adds
 * constraints to several tables at a time, also after the triggers; looking at
 * the others then would be a deadlock, so where no column changed nobody looks.
 *
 * What touches the user's own tables runs with the user's rights, what reads
 * segments with those of the extension's owner; hence separate triggers, which
 * run in the order of their names.
 *
 * Nobody's commands fail, and nothing is done, because of what others declared:
 * a contact table whose definitions have no meaning before the command, or
 * are over what its owner may not read, call or look at, doesn't count, but for
 * commands on that table itself.  That is found out when a command begins.
 */

-- Before a command -------------------------------------------------------------

CREATE FUNCTION segments_internal.remember_broken(contact_tables oid[], busy oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_remember_broken';
COMMENT ON FUNCTION segments_internal.remember_broken(oid[], oid[]) IS 'contact tables that don''t count for the command that begins, and those that a lock keeps from being looked at';
REVOKE EXECUTE ON FUNCTION segments_internal.remember_broken(oid[], oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.is_broken(contact_table regclass) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_is_broken';
COMMENT ON FUNCTION segments_internal.is_broken(regclass) IS 'was this contact table declared to be without meaning when the present command began, or locked by another than whoever gives it?';

CREATE FUNCTION segments_internal.is_busy(contact_table regclass) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_is_busy';
COMMENT ON FUNCTION segments_internal.is_busy(regclass) IS 'did a lock keep this contact table from being looked at when the present command began?';

CREATE FUNCTION segments_internal.begin_command(renames boolean) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_begin_command';
COMMENT ON FUNCTION segments_internal.begin_command(boolean) IS 'a command begins, which may give something another name; false: another command runs it';
CREATE FUNCTION segments_internal.end_command() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_end_command';
COMMENT ON FUNCTION segments_internal.end_command() IS 'a command that may have given something another name has ended';
CREATE FUNCTION segments_internal.keep_expression(expression text, relation regclass, role oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_keep_expression';
COMMENT ON FUNCTION segments_internal.keep_expression(text, regclass, oid) IS 'keeps what an expression means until the command that began ends';
CREATE FUNCTION segments_internal.followed_expression(expression text, relation regclass) RETURNS text
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'segments_followed_expression';
COMMENT ON FUNCTION segments_internal.followed_expression(text, regclass) IS 'how what was kept of an expression is written now; null: as before';
CREATE FUNCTION segments_internal.used_function(expression text, relation regclass, function oid) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'segments_used_function';
COMMENT ON FUNCTION segments_internal.used_function(text, regclass, oid) IS 'did what was kept of an expression call this function?';
CREATE FUNCTION segments_internal.lost_column(expression text, relation regclass) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'segments_lost_column';
COMMENT ON FUNCTION segments_internal.lost_column(text, regclass) IS 'did what was kept of an expression name a column that is dropped by now?';
REVOKE EXECUTE ON FUNCTION segments_internal.lost_column(text, regclass), segments_internal.used_function(text, regclass, oid), segments_internal.begin_command(boolean), segments_internal.end_command(), segments_internal.keep_expression(text, regclass, oid),
    segments_internal.followed_expression(text, regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.declared_expressions() RETURNS TABLE (contact_table regclass, relation regclass, sql text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT d.contact_table, coalesce(r.related_table, d.contact_table), d.sql
    FROM (SELECT DISTINCT d.contact_table, coalesce(d.relation, CASE WHEN d.object LIKE 'company%' THEN d.object END) AS relation, s AS sql
          FROM segments.field_definition AS d, unnest(ARRAY[d.expression, d.condition]) AS s WHERE s IS NOT NULL) AS d
        LEFT JOIN segments.relation AS r ON (r.contact_table, r.name) = (d.contact_table, d.relation)
    UNION ALL
    SELECT r.contact_table, r.related_table, r.condition FROM segments.relation AS r WHERE r.condition IS NOT NULL
$function$;
COMMENT ON FUNCTION segments_internal.declared_expressions() IS 'all that is declared in SQL, with the table over whose rows it is';

CREATE FUNCTION segments_internal.examine_definitions(contact_table regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * All that is declared in SQL for a contact table (null: for every one); an
 * error when something has no meaning, or is not its owner's to read.
 */
DECLARE
    barred text;
BEGIN
    SELECT min(r.name) INTO barred
    FROM segments.relation AS r JOIN pg_class AS c ON c.oid = r.contact_table,
        unnest(array_remove(ARRAY[r.related_table, r.link_table], NULL)) AS u (related)
    WHERE (examine_definitions.contact_table IS NULL OR r.contact_table = examine_definitions.contact_table)
      AND has_table_privilege(c.relowner, u.related, 'SELECT') IS NOT TRUE;
    IF barred IS NOT NULL THEN
        RAISE EXCEPTION 'owner of the contact table cannot read relation "%"', barred USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM segments_internal.check_expression(regexp_replace(e.sql, '[$]1(?![0-9])', '1', 'g'), e.relation, c.relowner, false),
            segments_internal.keep_expression(e.sql, e.relation, c.relowner)
    FROM segments_internal.declared_expressions() AS e JOIN pg_class AS c ON c.oid = e.contact_table
    WHERE examine_definitions.contact_table IS NULL OR e.contact_table = examine_definitions.contact_table;
END
$function$;
COMMENT ON FUNCTION segments_internal.examine_definitions(regclass) IS 'an error when something that is declared for a contact table (null: any) has no meaning, or is not its owner''s to read';
REVOKE EXECUTE ON FUNCTION segments_internal.examine_definitions(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.is_examined(contact_table regclass) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Always rolled back, so that no lock stays.  That somebody holds a lock says
 * nothing of what a contact table declares.
 */
BEGIN
    PERFORM segments_internal.examine_definitions(is_examined.contact_table);
    RAISE EXCEPTION USING ERRCODE = 'SG001';
EXCEPTION
    WHEN SQLSTATE 'SG001' THEN
        RETURN true;
    WHEN lock_not_available THEN
        RETURN NULL;
    WHEN OTHERS THEN
        RETURN false;
END
$function$;
COMMENT ON FUNCTION segments_internal.is_examined(regclass) IS 'does all that is declared for a contact table (null: for every one) have a meaning? null: it is locked';
REVOKE EXECUTE ON FUNCTION segments_internal.is_examined(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.before_ddl() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
AS $function$
/*
 * All at once first.  Nobody waits here for whoever holds a lock on a table of
 * their own: that contact table counts for its owner, and for commands on what it reads.
 */
DECLARE
    broken oid[];
    busy oid[];
BEGIN
    IF NOT segments_internal.begin_command(TG_TAG NOT LIKE 'DROP %') THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM segments.contact_table) OR segments_internal.is_restore_session() OR segments_internal.is_examined(NULL) THEN
        PERFORM segments_internal.remember_broken('{}', '{}');
    ELSE
        SELECT coalesce(array_agg(e.contact_table::oid) FILTER (WHERE NOT e.is_examined), '{}'),
               coalesce(array_agg(e.contact_table::oid) FILTER (WHERE e.is_examined IS NULL), '{}')
        INTO broken, busy
        FROM (SELECT t.contact_table, segments_internal.is_examined(t.contact_table) FROM segments.contact_table AS t OFFSET 0) AS e;
        PERFORM segments_internal.remember_broken(broken, busy);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.before_ddl() IS 'event trigger function; finds out which contact tables don''t count for the command that begins';

CREATE EVENT TRIGGER segments_0_before_ddl ON ddl_command_start
    WHEN TAG IN ('CREATE FUNCTION', 'CREATE AGGREGATE', 'CREATE OPERATOR', 'CREATE CAST', 'ALTER TABLE', 'ALTER SCHEMA', 'ALTER FUNCTION', 'ALTER ROUTINE',
                 'ALTER AGGREGATE', 'ALTER OPERATOR', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
                 'ALTER INDEX', 'ALTER COLLATION', 'ALTER EXTENSION', 'ALTER TEXT SEARCH CONFIGURATION', 'ALTER TEXT SEARCH DICTIONARY',
                 'DROP TABLE', 'DROP VIEW', 'DROP MATERIALIZED VIEW', 'DROP FOREIGN TABLE', 'DROP FUNCTION', 'DROP AGGREGATE',
                 'DROP PROCEDURE', 'DROP ROUTINE', 'DROP OPERATOR', 'DROP OPERATOR CLASS', 'DROP OPERATOR FAMILY', 'DROP COLLATION',
                 'DROP SEQUENCE', 'DROP LANGUAGE', 'DROP ACCESS METHOD', 'DROP SERVER', 'DROP FOREIGN DATA WRAPPER',
                 'DROP TEXT SEARCH CONFIGURATION', 'DROP TEXT SEARCH DICTIONARY', 'DROP TEXT SEARCH PARSER', 'DROP TEXT SEARCH TEMPLATE', 'DROP TYPE', 'DROP DOMAIN', 'DROP CAST', 'DROP SCHEMA', 'DROP EXTENSION', 'DROP OWNED')
    EXECUTE FUNCTION segments_internal.before_ddl();
COMMENT ON EVENT TRIGGER segments_0_before_ddl IS 'finds out whose definitions have no meaning, so that they are in nobody''s way';

-- DROP ----------------------------------------------------------------------

CREATE FUNCTION segments_internal.drop_tables_beside() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_commander';
COMMENT ON FUNCTION segments_internal.drop_tables_beside() IS 'event trigger function; members, overrides and changes go with their contact table';

CREATE FUNCTION segments_internal.tables_left_beside() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT c.oid FROM pg_event_trigger_dropped_objects() AS d
        JOIN segments.contact_table AS t ON t.contact_table = d.objid
        JOIN pg_class AS c ON c.oid IN (t.member_table, t.override_table, t.change_table)
    WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND segments_internal.layout_problem(t) IS NULL
$function$;
COMMENT ON FUNCTION segments_internal.tables_left_beside() IS 'tables beside contact tables that the present command drops';

CREATE FUNCTION segments_internal.drop_tables_beside_due() RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM segments_internal.tables_left_beside())';
COMMENT ON FUNCTION segments_internal.drop_tables_beside_due() IS 'is there something for drop_tables_beside()?';
REVOKE EXECUTE ON FUNCTION segments_internal.drop_tables_beside_due() FROM PUBLIC;

CREATE FUNCTION segments_internal.drop_tables_beside_as_user() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    beside regclass;
BEGIN
    FOR beside IN SELECT segments_internal.tables_left_beside() LOOP
        EXECUTE format('DROP TABLE %s', beside);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.drop_tables_beside_as_user() IS 'what drop_tables_beside() does';

CREATE FUNCTION segments_internal.forget_dropped_tables(dropped oid[], names text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Contact tables with all their segments; then relations over other tables,
 * which triggers on the catalogue refuse to lose if they are needed by what counts.
 */
DECLARE
    contact_name name;
    message text;
    detail text;
    hint text;
BEGIN
    DELETE FROM segments.contact_table WHERE contact_table = ANY (dropped);
    SELECT c.relname INTO contact_name FROM segments.contact_table AS t JOIN pg_class AS c ON c.oid = t.contact_table
    WHERE dropped && ARRAY[t.member_table, t.override_table, t.change_table]::oid[] AND segments_internal.is_maintained(t.contact_table);
    IF FOUND THEN
        RAISE EXCEPTION 'cannot drop % because contact table "%" depends on it', names, contact_name
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'Members, overrides and the log stay beside their contact table.';
    END IF;
    BEGIN
        DELETE FROM segments.relation WHERE related_table = ANY (dropped) OR link_table = ANY (dropped);
    EXCEPTION WHEN dependent_objects_still_exist THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE EXCEPTION 'cannot drop % %', names, substring(message, 'because .*')
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = detail, HINT = hint;
    END;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_dropped_tables(oid[], text) IS 'take dropped tables out of the catalogue';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_dropped_tables(oid[], text) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_replaced_columns(relation regclass, columns name[], refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Columns that one command drops and makes anew are others, which filters and
 * expressions would mean from now on.
 */
DECLARE
    replaced text[] := ARRAY(SELECT c FROM unnest(check_replaced_columns.columns) AS c
                             WHERE segments_internal.has_column(check_replaced_columns.relation, c));
    needed text;
BEGIN
    SELECT string_agg(DISTINCT segments_internal.told(s, format('field "%s" would mean another', n.field)), E'\n') INTO needed
    FROM segments_internal.contact_tables_reading(check_replaced_columns.relation) AS t (contact_table)
        JOIN segments.segment AS s ON s.contact_table = t.contact_table
        CROSS JOIN LATERAL segments_internal.named_fields(s.filters) AS n
        LEFT JOIN segments.relation AS r ON r.contact_table = s.contact_table
            AND r.name = coalesce(n.relation, CASE WHEN n.object LIKE 'company%' THEN n.object END)
    WHERE n.field = ANY (replaced) AND NOT segments_internal.has_failed(s.id)
      AND coalesce(r.related_table, CASE WHEN n.object = 'lead' THEN s.contact_table END) = check_replaced_columns.relation
      AND NOT EXISTS (SELECT FROM segments.field_definition AS d
                      WHERE d.contact_table = s.contact_table AND d.field = n.field
                        AND (d.object IN (n.object, CASE n.object WHEN 'company_all' THEN 'company' END) OR d.relation = n.relation)
                        AND (d.expression IS NOT NULL OR d.column_name <> ALL (replaced)));
    IF needed IS NOT NULL THEN
        RAISE EXCEPTION '% because segments depend on it', refusal
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = needed, HINT = 'Change or delete the segments first.';
    END IF;
    SELECT min(e.sql) INTO needed FROM segments_internal.declared_expressions() AS e
    WHERE e.relation = check_replaced_columns.relation AND replaced <> '{}'
      AND e.contact_table IN (SELECT segments_internal.contact_tables_reading(check_replaced_columns.relation))
      AND segments_internal.lost_column(e.sql, e.relation);
    IF needed IS NOT NULL THEN
        RAISE EXCEPTION '% because what is declared depends on it', refusal
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('Expression "%s" would mean another.', needed),
                  HINT = 'Change the field with segments.define_field() or the relation with segments.attach_related() first.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_replaced_columns(regclass, name[], text) IS 'refuse to lose columns that something needs for others of the same names';
REVOKE EXECUTE ON FUNCTION segments_internal.check_replaced_columns(regclass, name[], text) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_dropped_columns(relation regclass, columns name[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    refusal text := format('cannot drop %s of relation "%s"',
                           (SELECT string_agg(format('column "%s"', c), ', ') FROM unnest(forget_dropped_columns.columns) AS c),
                           (SELECT relname FROM pg_class WHERE oid = forget_dropped_columns.relation));
    reader record;
BEGIN
    IF EXISTS (SELECT FROM segments.contact_table AS t
               WHERE t.contact_table = forget_dropped_columns.relation AND t.key_column = ANY (forget_dropped_columns.columns)) THEN
        RAISE EXCEPTION '% because it is the key of contacts', refusal
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'Members, overrides and the log know contacts by it.';
    END IF;
    IF EXISTS (SELECT FROM segments.point_trigger AS t
               WHERE t.contact_table = forget_dropped_columns.relation AND t.field = ANY (forget_dropped_columns.columns)) THEN
        RAISE EXCEPTION '% because it holds the points of a point trigger', refusal
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Change or delete the point trigger first.';
    END IF;
    FOR reader IN
        SELECT r.contact_table, r.name FROM segments.relation AS r
        WHERE r.contact_table IN (SELECT segments_internal.contact_tables_reading(forget_dropped_columns.relation)) AND (
              (r.related_table = forget_dropped_columns.relation
               AND (r.key_column = ANY (forget_dropped_columns.columns)
                    OR r.link_table IS NULL AND r.contact_column = ANY (forget_dropped_columns.columns)))
           OR (r.link_table = forget_dropped_columns.relation
               AND forget_dropped_columns.columns && ARRAY[r.contact_column, r.link_column, r.primary_column])
           OR (r.contact_table = forget_dropped_columns.relation AND r.contact_reference = ANY (forget_dropped_columns.columns)))
        ORDER BY r.contact_table, r.name
    LOOP
        RAISE EXCEPTION '% because relation "%" depends on it', refusal, reader.name
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('Relation "%s" belongs to contact table "%s".', reader.name, reader.contact_table),
                  HINT = 'Use segments.detach_related() first.';
    END LOOP;

    PERFORM segments_internal.check_replaced_columns(forget_dropped_columns.relation, forget_dropped_columns.columns, refusal);

    -- a field that is a column goes with it, as one that nothing was declared for does: all of a
    -- command, before anything else is looked at
    FOR reader IN
        SELECT f.contact_table, f.object, f.field
        FROM segments.field_definition AS f
            LEFT JOIN segments.relation AS r
                ON r.contact_table = f.contact_table
               AND r.name = coalesce(f.relation, CASE WHEN f.object LIKE 'company%' THEN f.object END)
        WHERE coalesce(r.related_table, f.contact_table) = forget_dropped_columns.relation
          AND f.contact_table IN (SELECT segments_internal.contact_tables_reading(forget_dropped_columns.relation))
          AND coalesce(f.column_name, f.field) = ANY (forget_dropped_columns.columns) AND f.expression IS NULL
          AND (f.column_name IS NOT NULL OR coalesce(f.aggregate, '') NOT IN ('exists', 'count'))
    LOOP
        PERFORM segments_internal.invalidate(reader.contact_table);
        PERFORM segments_internal.check_segments(reader.contact_table, ARRAY[reader.field], refusal);
        DELETE FROM segments.field_definition AS d
        WHERE d.contact_table = reader.contact_table AND d.object = reader.object AND d.field = reader.field;
    END LOOP;

    FOR reader IN SELECT * FROM segments_internal.contact_tables_reading(forget_dropped_columns.relation) AS t (contact_table) LOOP
        PERFORM segments_internal.invalidate(reader.contact_table);
        PERFORM segments_internal.check_segments(reader.contact_table, NULL, refusal);
        PERFORM segments_internal.check_definitions(reader.contact_table, refusal);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_dropped_columns(regclass, name[]) IS 'refuse to lose columns that something needs, and take them out of the catalogue';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_dropped_columns(regclass, name[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.contact_tables_reading(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- not while a dump is restored, when triggers come last
    SELECT t.contact_table FROM segments.contact_table AS t
    WHERE segments_internal.is_maintained(t.contact_table)
      AND (t.contact_table = contact_tables_reading.relation
           OR (NOT segments_internal.is_broken(t.contact_table) OR segments_internal.is_busy(t.contact_table)) AND EXISTS (
                      SELECT FROM segments.relation AS r
                      WHERE r.contact_table = t.contact_table
                        AND contact_tables_reading.relation IN (r.related_table, r.link_table)))
$function$;
COMMENT ON FUNCTION segments_internal.contact_tables_reading(regclass) IS 'contact tables whose segments can depend on a table';

CREATE FUNCTION segments_internal.check_dropped_names(names text[], refusal text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Expressions are kept as text, without dependencies: whatever has a name
 * that stands in one may be needed.  A cast has none (null).
 */
DECLARE
    contact_table regclass;
BEGIN
    FOR contact_table IN
        SELECT DISTINCT e.contact_table
        FROM (SELECT d.contact_table, concat_ws(' ', d.expression, d.condition) AS sql FROM segments.field_definition AS d
              UNION ALL
              SELECT r.contact_table, r.condition FROM segments.relation AS r) AS e
        WHERE e.sql <> '' AND EXISTS (SELECT FROM unnest(check_dropped_names.names) AS n
                      WHERE n IS NULL OR CASE WHEN n ~ E'^\\w+$' THEN e.sql ~ (E'\\m' || n || E'\\M') ELSE strpos(e.sql, replace(n, '"', '""')) > 0 END)
          AND segments_internal.is_maintained(e.contact_table) AND NOT segments_internal.is_broken(e.contact_table)
    LOOP
        PERFORM segments_internal.invalidate(contact_table);
        PERFORM segments_internal.check_definitions(contact_table, check_dropped_names.refusal);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_dropped_names(text[], text) IS 'refuse to lose what the expression of a field needs';
REVOKE EXECUTE ON FUNCTION segments_internal.check_dropped_names(text[], text) FROM PUBLIC;

CREATE FUNCTION segments_internal.dropped_names() RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- what goes with an extension is neither original nor normal
    SELECT CASE WHEN d.object_type <> 'cast' THEN d.address_names[cardinality(d.address_names)] END
    FROM pg_event_trigger_dropped_objects() AS d
    WHERE NOT d.is_temporary
      AND d.object_type IN ('table', 'view', 'materialized view', 'foreign table', 'function', 'aggregate', 'operator', 'type', 'cast',
                            'collation', 'text search configuration', 'text search dictionary')
$function$;
COMMENT ON FUNCTION segments_internal.dropped_names() IS 'names of what the present command drops that declared SQL may need; a cast has none (null)';

CREATE FUNCTION segments_internal.after_drop() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables oid[];
    names text[];
    dropped record;
BEGIN
    IF segments_internal.keeps_snapshot() THEN
        PERFORM segments_internal.check_tables_seen(ARRAY(SELECT d.objid FROM pg_event_trigger_dropped_objects() AS d
                                                          WHERE d.classid = 'pg_class'::regclass AND NOT d.is_temporary));
        PERFORM segments_internal.check_sql_seen(ARRAY(SELECT coalesce(n, '') FROM segments_internal.dropped_names() AS n));
    END IF;
    IF NOT EXISTS (SELECT FROM segments.contact_table) THEN
        RETURN;
    END IF;
    tables := ARRAY(SELECT d.objid FROM pg_event_trigger_dropped_objects() AS d
                    WHERE d.object_type = 'table' AND NOT d.is_temporary);
    IF EXISTS (SELECT FROM segments.contact_table AS t
               WHERE tables && ARRAY[t.contact_table, t.member_table, t.override_table, t.change_table]::oid[])
        OR EXISTS (SELECT FROM segments.relation AS r WHERE r.related_table = ANY (tables) OR r.link_table = ANY (tables)) THEN
        PERFORM segments_internal.forget_dropped_tables(tables, (
            SELECT string_agg(format('%s %s', d.object_type, d.object_identity), ', ')
            FROM pg_event_trigger_dropped_objects() AS d WHERE d.original));
    END IF;

    FOR dropped IN SELECT DISTINCT p.attached FROM segments.table_part AS p WHERE p.part = ANY (tables) LOOP
        PERFORM segments_internal.sync_parts(dropped.attached);
    END LOOP;

    FOR dropped IN
        SELECT d.objid::regclass AS relation, array_agg(d.address_names[3]::name ORDER BY d.objsubid) AS columns
        FROM pg_event_trigger_dropped_objects() AS d
        WHERE d.object_type = 'table column' AND NOT d.is_temporary
          AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = d.objid)
          AND EXISTS (SELECT FROM segments_internal.contact_tables_reading(d.objid))
        GROUP BY d.objid
    LOOP
        PERFORM segments_internal.forget_dropped_columns(dropped.relation, dropped.columns);
    END LOOP;

    FOR dropped IN
        SELECT c.relname AS name
        FROM pg_event_trigger_dropped_objects() AS d
            JOIN pg_namespace AS n ON n.nspname = d.address_names[1]
            JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]
        WHERE d.object_type = 'trigger' AND d.original AND d.address_names[3] ^@ 'segments_after_'
          AND segments_internal.is_read(c.oid)
    LOOP
        RAISE WARNING 'segments no longer follow table "%"', dropped.name
            USING HINT = 'segments.attach() and its like create the trigger again.';
    END LOOP;

    names := ARRAY(SELECT segments_internal.dropped_names());
    IF names <> '{}' THEN
        PERFORM segments_internal.check_dropped_names(names, format('cannot drop %s', (
            SELECT string_agg(format('%s %s', d.object_type, d.object_identity), ', ')
            FROM pg_event_trigger_dropped_objects() AS d WHERE d.original)));
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.after_drop() IS 'event trigger function; forgets what was dropped, refuses to lose what stored filters need';

CREATE EVENT TRIGGER segments_1_drop_tables_beside ON sql_drop EXECUTE FUNCTION segments_internal.drop_tables_beside();
CREATE EVENT TRIGGER segments_2_after_drop ON sql_drop EXECUTE FUNCTION segments_internal.after_drop();
COMMENT ON EVENT TRIGGER segments_1_drop_tables_beside IS 'tables of members go with their contact table';
COMMENT ON EVENT TRIGGER segments_2_after_drop IS 'segments go with their contact table; what stored filters need is not dropped';
