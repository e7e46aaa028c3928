-- ---------------------------------------------------------------------------
-- Event triggers: what ALTER means for segments
-- ---------------------------------------------------------------------------

-- What the command is that an event trigger is told of.

CREATE FUNCTION segments_internal.former_name(command pg_ddl_command) RETURNS name
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_former_name';
COMMENT ON FUNCTION segments_internal.former_name(pg_ddl_command) IS 'name that a column had before the command; null: it renames none';
CREATE FUNCTION segments_internal.redefines(command pg_ddl_command) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_redefines';
COMMENT ON FUNCTION segments_internal.redefines(pg_ddl_command) IS 'does an ALTER FUNCTION change how the function is called, and perhaps its values?';
CREATE FUNCTION segments_internal.recomputes(command pg_ddl_command, relation regclass, column_number smallint) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_recomputes';
COMMENT ON FUNCTION segments_internal.recomputes(pg_ddl_command, regclass, smallint) IS 'does an ALTER TABLE compute a column''s values by an expression that is more than the column?';
REVOKE EXECUTE ON FUNCTION segments_internal.redefines(pg_ddl_command), segments_internal.recomputes(pg_ddl_command, regclass, smallint) FROM PUBLIC;

CREATE FUNCTION segments_internal.is_wider_key(former regtype, present regtype) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT former = ANY ('{smallint,integer}'::regtype[]) AND present = ANY ('{integer,bigint}'::regtype[]) AND former <> present $$;
COMMENT ON FUNCTION segments_internal.is_wider_key(regtype, regtype) IS 'has a key of the second type all values of the first, and the same text?';

CREATE FUNCTION segments_internal.present_key_type(tables segments.contact_table) RETURNS regtype
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- what it is registered with, or wider just now: the tables beside follow
    SELECT coalesce((SELECT a.atttypid FROM pg_attribute AS a
                     WHERE a.attrelid = tables.contact_table AND a.attname = tables.key_column
                       AND segments_internal.is_wider_key(tables.key_type, a.atttypid)), tables.key_type)
$function$;
COMMENT ON FUNCTION segments_internal.present_key_type(segments.contact_table) IS 'type of the key after an ALTER TABLE that the catalogue follows';

CREATE FUNCTION segments_internal.is_wider_typmod(type regtype, former integer, present integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    -- that of a numeric holds precision and scale
    SELECT former <> present AND former >= 0 AND CASE type
        WHEN 'varchar'::regtype THEN present < 0 OR present > former
        WHEN 'numeric'::regtype THEN present < 0 OR present > former AND (present - 4) & 65535 = (former - 4) & 65535
        ELSE false END $$;
COMMENT ON FUNCTION segments_internal.is_wider_typmod(regtype, integer, integer) IS 'has a key with the second modifier of its type all values of one with the first?';

CREATE FUNCTION segments_internal.key_typmod(relation regclass, column_name name) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT a.atttypmod FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = column_name AND NOT a.attisdropped
$function$;
COMMENT ON FUNCTION segments_internal.key_typmod(regclass, name) IS 'length or precision of a key';

CREATE FUNCTION segments_internal.wider_key(tables segments.contact_table) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format_type(a.atttypid, a.atttypmod)
           || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
                        FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                        WHERE c.oid = a.attcollation AND c.collname <> 'default'), '')
    FROM pg_attribute AS a
    WHERE a.attrelid = tables.contact_table AND a.attname = tables.key_column
      AND (segments_internal.is_wider_key(tables.key_type, a.atttypid)
           OR a.atttypid = tables.key_type
              AND segments_internal.is_wider_typmod(a.atttypid, segments_internal.key_typmod(tables.member_table, 'contact_id'), a.atttypmod))
$function$;
COMMENT ON FUNCTION segments_internal.wider_key(segments.contact_table) IS 'declaration of the key after an ALTER TABLE that has made it wider than in the tables beside, or null';

CREATE FUNCTION segments_internal.is_beside(tables segments.contact_table) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- the contact table may have got another owner just now, the others agree
    SELECT segments_internal.beside_problem(tables.member_table, tables.key_type, 'member') IS NULL
       AND segments_internal.beside_problem(tables.override_table, tables.key_type, 'override') IS NULL
       AND segments_internal.beside_problem(tables.change_table, tables.key_type, 'change') IS NULL
       AND (SELECT count(DISTINCT relowner) = 1 FROM pg_class
            WHERE oid IN (tables.member_table, tables.override_table, tables.change_table))
$function$;
COMMENT ON FUNCTION segments_internal.is_beside(segments.contact_table) IS 'are the tables beside a contact table those that attach() made?';

CREATE FUNCTION segments_internal.code_problem(relation oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- who reads members reads the table, and would plan and run that as themselves
    SELECT CASE
        WHEN EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = relation AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
            THEN 'it must have no index over expressions or with a predicate'
        WHEN EXISTS (SELECT FROM pg_statistic_ext AS s WHERE s.stxrelid = relation AND s.stxexprs IS NOT NULL)
            THEN 'it must have no statistics over expressions'
        WHEN EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = relation AND c.contype = 'c')
            THEN 'it must have no check constraint'
        WHEN EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = relation AND (p.polname <> 'segments_readers'
                     OR p.polcmd <> 'r' OR EXISTS (SELECT FROM pg_depend AS d
                         WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass
                           AND d.refobjid <> 'segments_internal.hidden_segments(regclass)'::regprocedure)
                     OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                                AND d.refclassid = 'pg_class'::regclass AND d.refobjid NOT IN (relation, 'segments.contact_table'::regclass))
                     OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                                AND d.refclassid IN ('pg_operator'::regclass, 'pg_type'::regclass))))
            THEN 'it must have no policy but its own' END
$function$;
COMMENT ON FUNCTION segments_internal.code_problem(oid) IS 'what on a table beside a contact table would run as whoever reads members, or null';

CREATE FUNCTION segments_internal.check_altered_beside(relations oid[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    altered record;
    problem text;
BEGIN
    FOR altered IN
        SELECT c.oid, c.relname, c.relowner, t.contact_table, segments_internal.present_key_type(t) AS key_type, b.kind
        FROM segments.contact_table AS t, LATERAL (VALUES (t.member_table, 'member'), (t.override_table, 'override'),
                                                          (t.change_table, 'change')) AS b (relation, kind)
            JOIN pg_class AS c ON c.oid = b.relation
        WHERE c.oid = ANY (check_altered_beside.relations) AND segments_internal.is_maintained(t.contact_table)
    LOOP
        problem := coalesce(
            segments_internal.beside_problem(altered.oid, altered.key_type, altered.kind),
            -- a parallel restore may make the triggers first
            CASE WHEN altered.kind <> 'change' AND NOT segments_internal.has_member_key(altered.oid) AND NOT segments_internal.is_restore_session()
                 THEN 'its primary key must be (segment_id, contact_id)' END,
            segments_internal.code_problem(altered.oid),
            (SELECT 'it must have the same owner' FROM pg_class WHERE oid = altered.contact_table AND relowner <> altered.relowner));
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'cannot alter table "%" because contact table "%" depends on it', altered.relname, altered.contact_table
                USING ERRCODE = 'dependent_objects_still_exist', DETAIL = upper(left(problem, 1)) || substr(problem, 2) || '.',
                      HINT = 'Indexes of columns, triggers and columns that may be null can be added.';
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_altered_beside(oid[]) IS 'refuse to alter a table beside a contact table to what is not made by attach()';

CREATE FUNCTION segments_internal.drop_concurrent_code() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * An index that was made concurrently is committed: an error would leave it
 * behind, and REINDEX makes it valid.
 */
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT i.indexrelid::regclass AS index, b.relation, t.contact_table
        FROM pg_event_trigger_ddl_commands() AS d JOIN pg_index AS i ON i.indexrelid = d.objid
            JOIN pg_class AS c ON c.oid = i.indexrelid AND age(c.xmin) > 0
            JOIN segments.contact_table AS t ON i.indrelid IN (t.member_table, t.override_table, t.change_table),
            LATERAL (SELECT relname AS relation FROM pg_class WHERE oid = i.indrelid) AS b
        WHERE d.classid = 'pg_class'::regclass AND segments_internal.is_maintained(t.contact_table)
          AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
    LOOP
        EXECUTE format('DROP INDEX %s', made.index);
        RAISE WARNING 'index on table "%" was dropped because contact table "%" depends on the table', made.relation, made.contact_table
            USING DETAIL = 'It must have no index over expressions or with a predicate.';
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.drop_concurrent_code() IS 'drops an index just made concurrently on a table beside a contact table, where it would run code as whoever reads members';
REVOKE EXECUTE ON FUNCTION segments_internal.drop_concurrent_code() FROM PUBLIC;

CREATE FUNCTION segments_internal.altered_tables() RETURNS TABLE (relation regclass, former_name name, new_name name)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a table that is of a type is altered with it
    SELECT DISTINCT t.oid::regclass, CASE WHEN d.objsubid <> 0 THEN segments_internal.former_name(d.command) END, a.attname
    FROM pg_event_trigger_ddl_commands() AS d
        JOIN pg_class AS c ON c.oid = d.objid
        JOIN pg_class AS t ON t.oid = c.oid OR t.reloftype = c.reltype AND c.relkind = 'c'
        LEFT JOIN pg_attribute AS a ON a.attrelid = d.objid AND a.attnum = d.objsubid AND d.objsubid <> 0
    WHERE d.classid = 'pg_class'::regclass AND t.relkind IN ('r', 'p')
$function$;
COMMENT ON FUNCTION segments_internal.altered_tables() IS 'tables that the present command alters, with the former and the new name of a column that it renames';

CREATE FUNCTION segments_internal.move_beside(relation regclass, place name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    reason text;
BEGIN
    EXECUTE format('ALTER TABLE %s SET SCHEMA %I', move_beside.relation, move_beside.place);
EXCEPTION WHEN duplicate_table OR duplicate_object THEN
    GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT;
    RAISE EXCEPTION 'cannot move table "%" to schema "%" along with its contact table',
        (SELECT relname FROM pg_class WHERE oid = move_beside.relation), move_beside.place
        USING ERRCODE = 'duplicate_table', DETAIL = upper(left(reason, 1)) || substr(reason, 2) || '.',
              HINT = 'Give one of the two another name first.';
END
$function$;
COMMENT ON FUNCTION segments_internal.move_beside(regclass, name) IS 'a table beside a contact table follows it to another schema';

CREATE FUNCTION segments_internal.alter_tables_beside() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_commander';
COMMENT ON FUNCTION segments_internal.alter_tables_beside() IS 'event trigger function; members, overrides and changes have the owner, the schema and the type of key of their contact table';

CREATE FUNCTION segments_internal.tables_behind() RETURNS TABLE (relation regclass, owned boolean, owner name, placed boolean, place name,
                                                        kept boolean, is_logged boolean, wider_key text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT beside.oid::regclass, beside.relowner <> c.relowner, pg_get_userbyid(c.relowner),
           beside.relnamespace <> c.relnamespace, n.nspname,
           beside.relpersistence <> c.relpersistence, c.relpersistence = 'p',
           segments_internal.wider_key(t)
    FROM segments_internal.altered_tables() AS d
        JOIN segments.contact_table AS t ON t.contact_table = d.relation
        JOIN pg_class AS c ON c.oid = t.contact_table
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_class AS beside ON beside.oid IN (t.member_table, t.override_table, t.change_table)
    WHERE segments_internal.is_beside(t)
      AND (beside.relowner <> c.relowner OR beside.relnamespace <> c.relnamespace OR beside.relpersistence <> c.relpersistence
           OR segments_internal.wider_key(t) IS NOT NULL)
$function$;
COMMENT ON FUNCTION segments_internal.tables_behind() IS 'tables beside contact tables that are not yet what the present command makes of these, and in what';

CREATE FUNCTION segments_internal.alter_tables_beside_due() RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM segments_internal.tables_behind())';
COMMENT ON FUNCTION segments_internal.alter_tables_beside_due() IS 'is there something for alter_tables_beside()?';
REVOKE EXECUTE ON FUNCTION segments_internal.alter_tables_beside_due() FROM PUBLIC;

CREATE FUNCTION segments_internal.alter_tables_beside_as_user() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    moved record;
BEGIN
    FOR moved IN SELECT * FROM segments_internal.tables_behind() LOOP
        IF moved.owned THEN
            EXECUTE format('ALTER TABLE %s OWNER TO %I', moved.relation, moved.owner);
        END IF;
        IF moved.placed THEN
            PERFORM segments_internal.move_beside(moved.relation, moved.place);
        END IF;
        IF moved.wider_key IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN contact_id TYPE %s', moved.relation, moved.wider_key);
        END IF;
        IF moved.kept THEN
            EXECUTE format('ALTER TABLE %s SET %s', moved.relation, CASE WHEN moved.is_logged THEN 'LOGGED' ELSE 'UNLOGGED' END);
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.alter_tables_beside_as_user() IS 'what alter_tables_beside() does';

CREATE FUNCTION segments_internal.changed_fields(contact_table regclass, relation regclass) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Fields over columns that this transaction has altered, null for all.  No
 * command says whether a column's type changed, but its row in pg_attribute
 * is as young as the transaction.  A row as a whole has all columns: it is
 * written name.* in what is declared, and one that goes changes it too.
 */
DECLARE
    is_row_changed boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = changed_fields.relation AND attnum > 0 AND age(xmin) <= 0);
    columns name[] := ARRAY(SELECT attname FROM pg_attribute
                            WHERE attrelid = changed_fields.relation AND attnum > 0 AND NOT attisdropped AND age(xmin) <= 0);
BEGIN
    IF EXISTS (SELECT FROM segments.relation AS r
               WHERE r.contact_table = changed_fields.contact_table
                 AND (changed_fields.relation IN (r.related_table, r.link_table)
                      AND columns && ARRAY[r.contact_column, r.key_column, r.link_column, r.primary_column]
                      OR r.contact_table = changed_fields.relation AND r.contact_reference = ANY (columns)
                      OR is_row_changed AND changed_fields.relation = r.related_table AND strpos(r.condition, '.*') > 0
                      OR EXISTS (SELECT FROM unnest(columns) AS c WHERE strpos(r.condition, replace(c, '"', '""')) > 0))) THEN
        RETURN NULL;
    END IF;
    RETURN columns::text[] || ARRAY(
        SELECT d.field FROM segments.field_definition AS d
        WHERE d.contact_table = changed_fields.contact_table
          AND (d.column_name = ANY (columns) OR d.order_by = ANY (columns)
               OR is_row_changed AND strpos(concat_ws(' ', d.expression, d.condition), '.*') > 0
               OR EXISTS (SELECT FROM unnest(columns) AS c WHERE strpos(concat_ws(' ', d.expression, d.condition), replace(c, '"', '""')) > 0)));
END
$function$;
COMMENT ON FUNCTION segments_internal.changed_fields(regclass, regclass) IS 'fields of a contact table whose values an ALTER TABLE may have changed; null: any';

CREATE FUNCTION segments_internal.has_column(relation regclass, column_name name) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT column_name IS NULL
        OR EXISTS (SELECT FROM pg_attribute AS a
                   WHERE a.attrelid = relation AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped)
$function$;
COMMENT ON FUNCTION segments_internal.has_column(regclass, name) IS 'is there such a column? null: yes';

CREATE FUNCTION segments_internal.check_same_keys(tables segments.contact_table, key_column name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The tables beside are as wide as the key by now.
 */
DECLARE
    key pg_attribute;
BEGIN
    SELECT * INTO key FROM pg_attribute AS a
    WHERE a.attrelid = tables.contact_table AND a.attname = check_same_keys.key_column AND NOT a.attisdropped;
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS d WHERE segments_internal.recomputes(d.command, tables.contact_table, key.attnum)) THEN
        RAISE EXCEPTION 'values of key "%" of contact table "%" cannot change', key.attname, (SELECT relname FROM pg_class WHERE oid = tables.contact_table)
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'Members, overrides and the log know contacts by them.';
    ELSIF key.atttypmod <> segments_internal.key_typmod(tables.member_table, 'contact_id') THEN
        RAISE EXCEPTION 'key of contact table "%" cannot change from type % to type %', (SELECT relname FROM pg_class WHERE oid = tables.contact_table),
            format_type(tables.key_type, segments_internal.key_typmod(tables.member_table, 'contact_id')), format_type(key.atttypid, key.atttypmod)
            USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_same_keys(segments.contact_table, name) IS 'refuse an ALTER TABLE after which contacts have other keys than before';

CREATE FUNCTION segments_internal.check_altered_contact_table(contact_table regclass, new_name name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Members, overrides and the log know contacts by their keys.  A wider type
 * keeps them, and alter_tables_beside() has seen to it; a key that is another
 * column, or read as another type, would be other people's.
 */
DECLARE
    key record;
    attached segments.contact_table;
    points text;
BEGIN
    SELECT min(t.field) INTO points FROM segments.point_trigger AS t
    WHERE t.contact_table = check_altered_contact_table.contact_table AND segments_internal.has_column(t.contact_table, t.field::name)
      AND segments_internal.point_field_problem(t.contact_table, t.field) IS NOT NULL;
    IF points IS NOT NULL THEN
        RAISE EXCEPTION 'cannot alter column "%" because it holds the points of a point trigger', points
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'It must be of a number type.',
                  HINT = 'Change or delete the point trigger first.';
    END IF;
    SELECT * INTO key FROM segments_internal.check_key(check_altered_contact_table.contact_table);
    SELECT * INTO attached FROM segments.contact_table AS t WHERE t.contact_table = check_altered_contact_table.contact_table;
    IF key.key_column <> attached.key_column AND key.key_column IS DISTINCT FROM check_altered_contact_table.new_name THEN
        RAISE EXCEPTION 'key of contact table "%" cannot change from column "%" to column "%"',
            (SELECT relname FROM pg_class WHERE oid = check_altered_contact_table.contact_table), attached.key_column, key.key_column
            USING ERRCODE = 'dependent_objects_still_exist';
    ELSIF key.key_type <> attached.key_type AND NOT segments_internal.is_wider_key(attached.key_type, key.key_type) THEN
        RAISE EXCEPTION 'key of contact table "%" cannot change from type % to type %',
            (SELECT relname FROM pg_class WHERE oid = check_altered_contact_table.contact_table), attached.key_type, key.key_type
            USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    PERFORM segments_internal.check_same_keys(attached, key.key_column);
    IF key.key_type <> attached.key_type THEN
        UPDATE segments.contact_table AS t SET key_type = key.key_type
        WHERE t.contact_table = check_altered_contact_table.contact_table;
    ELSIF key.key_column <> attached.key_column THEN
        UPDATE segments.contact_table AS t SET key_column = key.key_column
        WHERE t.contact_table = check_altered_contact_table.contact_table;
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_altered_contact_table(regclass, name) IS 'refuse an ALTER TABLE after which a contact has no key, or another; follow the key to another name or a wider type';
REVOKE EXECUTE ON FUNCTION segments_internal.check_altered_contact_table(regclass, name) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_altered_table(relation regclass, former_name name, new_name name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    refusal text := format('cannot alter table "%s"', (SELECT relname FROM pg_class WHERE oid = check_altered_table.relation));
    reader regclass;
    message text;
BEGIN
    FOR reader IN SELECT segments_internal.contact_tables_reading(check_altered_table.relation) LOOP
        PERFORM segments_internal.invalidate(reader);
        BEGIN
            PERFORM segments_internal.check_table(check_altered_table.relation);
            IF reader = check_altered_table.relation THEN
                PERFORM segments_internal.check_altered_contact_table(reader, check_altered_table.new_name);
                PERFORM segments_internal.check_related(reader, t) FROM segments.relation AS r, unnest(ARRAY[r.related_table, r.link_table]) AS t
                WHERE r.contact_table = check_altered_table.relation AND t IS NOT NULL;
            ELSE
                PERFORM segments_internal.check_related(reader, check_altered_table.relation);
            END IF;
            IF check_altered_table.new_name IS NOT NULL THEN
                PERFORM segments_internal.follow_renamed_column(check_altered_table.relation, check_altered_table.former_name, check_altered_table.new_name);
            END IF;
            PERFORM segments_internal.check_references(r) FROM segments.relation AS r
            WHERE r.contact_table = reader AND check_altered_table.relation IN (r.contact_table, r.related_table, r.link_table);
        EXCEPTION
            /* of the class of what follows, and of the moment */
            WHEN lock_not_available OR object_in_use THEN
                RAISE;
            WHEN wrong_object_type OR feature_not_supported OR object_not_in_prerequisite_state OR undefined_function
                 OR insufficient_privilege OR datatype_mismatch OR dependent_objects_still_exist THEN
                GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
                RAISE EXCEPTION '% because segments depend on it', refusal
                    USING ERRCODE = 'dependent_objects_still_exist', DETAIL = message;
        END;
        PERFORM segments_internal.check_segments(reader, NULL, refusal);
        PERFORM segments_internal.check_definitions(reader, refusal);
        PERFORM segments_internal.rebuild_segments(reader, segments_internal.changed_fields(reader, check_altered_table.relation), 'definition');
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_altered_table(regclass, name, name) IS 'refuse an ALTER TABLE after which a filter has no meaning; bring segments up to date where values changed';
REVOKE EXECUTE ON FUNCTION segments_internal.check_altered_table(regclass, name, name) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_children(relations oid[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    related record;
BEGIN
    FOR related IN
        SELECT i.inhrelid::regclass AS child, i.inhparent::regclass AS parent
        FROM pg_inherits AS i
        WHERE (i.inhrelid = ANY (check_children.relations) OR i.inhparent = ANY (check_children.relations))
          AND (i.inhrelid IN (SELECT c.contact_table FROM segments.contact_table AS c)
               OR i.inhrelid IN (SELECT u.related FROM segments.relation AS r JOIN pg_class AS c ON c.oid = r.contact_table,
                                     unnest(ARRAY[r.related_table, r.link_table]) AS u (related)
                                 WHERE has_table_privilege(c.relowner, u.related, 'SELECT')))
    LOOP
        RAISE EXCEPTION 'table "%" cannot inherit from, or be a partition of, table "%" because segments are kept over it',
            related.child, related.parent
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Rows written through the other table would go unnoticed.';
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_children(oid[]) IS 'refuses to put a table that segments read under another';
REVOKE EXECUTE ON FUNCTION segments_internal.check_children(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_altered_tables() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    altered record;
BEGIN
    -- with a column, what else names it has another name
    IF NOT EXISTS (SELECT FROM segments_internal.altered_tables() AS a WHERE a.new_name IS NOT NULL) THEN
        PERFORM segments_internal.follow_renamed_names();
    END IF;
    FOR altered IN
        SELECT a.* FROM segments_internal.altered_tables() AS a
        WHERE EXISTS (SELECT FROM segments_internal.contact_tables_reading(a.relation))
          AND NOT (segments_internal.is_restore_session()
                   AND NOT EXISTS (SELECT FROM pg_attribute AS c WHERE c.attrelid = a.relation AND age(c.xmin) <= 0))
    LOOP
        PERFORM segments_internal.hold_enums(ARRAY[altered.relation]);
        PERFORM segments_internal.check_altered_table(altered.relation, altered.former_name, altered.new_name);
    END LOOP;
    PERFORM segments_internal.follow_renamed_names();
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_altered_tables() IS 'refuse what the present command does to tables that stored filters need, or follow it';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_altered_tables() FROM PUBLIC;

CREATE FUNCTION segments_internal.relabelled_enums() RETURNS SETOF oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT e.enumtypid FROM pg_event_trigger_ddl_commands() AS d JOIN pg_enum AS e ON e.enumtypid = d.objid
    WHERE d.classid = 'pg_type'::regclass AND age(e.xmin) <= 0
$function$;
COMMENT ON FUNCTION segments_internal.relabelled_enums() IS 'enums whose labels the present command has changed';

CREATE FUNCTION segments_internal.follow_altered_code(tag text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Something that an expression may name has another name now.
 */
DECLARE
    contact_table regclass;
BEGIN
    FOR contact_table IN
        SELECT DISTINCT e.contact_table FROM segments_internal.declared_expressions() AS e
        WHERE segments_internal.is_maintained(e.contact_table) AND NOT segments_internal.is_broken(e.contact_table)
    LOOP
        PERFORM segments_internal.invalidate(contact_table);
        PERFORM segments_internal.check_definitions(contact_table, format('cannot %s', lower(follow_altered_code.tag)));
    END LOOP;
    PERFORM segments_internal.follow_functions(ARRAY(
        SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d
        WHERE d.classid = 'pg_proc'::regclass AND segments_internal.redefines(d.command)));
    PERFORM segments_internal.follow_types(ARRAY(SELECT segments_internal.relabelled_enums()));
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_altered_code(text) IS 'what an ALTER of something else than a table means for what is declared in SQL';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_altered_code(text) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_commands_seen(tag text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What got another name may stand in declared SQL under the former one.
 */
BEGIN
    PERFORM segments_internal.check_tables_seen(ARRAY(
        SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d WHERE d.classid = 'pg_class'::regclass
        UNION SELECT a.relation FROM segments_internal.altered_tables() AS a));
    IF tag = 'CREATE FUNCTION' THEN
        PERFORM segments_internal.check_sql_seen(ARRAY(
            SELECT p.proname::text FROM pg_event_trigger_ddl_commands() AS d JOIN pg_proc AS p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass));
    ELSIF tag IN ('CREATE AGGREGATE', 'CREATE OPERATOR', 'CREATE CAST')
        OR tag LIKE 'ALTER %' AND tag NOT IN ('ALTER TABLE', 'ALTER FOREIGN TABLE', 'ALTER INDEX', 'ALTER POLICY') THEN
        PERFORM segments_internal.check_sql_seen(ARRAY[
            CASE WHEN NOT EXISTS (SELECT FROM segments_internal.relabelled_enums()) THEN '' END]);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_commands_seen(text) IS 'above READ COMMITTED: an error when the present command concerns definitions that were changed since the snapshot';
REVOKE EXECUTE ON FUNCTION segments_internal.check_commands_seen(text) FROM PUBLIC;

CREATE FUNCTION segments_internal.after_alter() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF to_regclass('segments.contact_table') IS NULL OR to_regnamespace('segments_internal') IS NULL THEN
        RAISE EXCEPTION 'cannot rename schema "%" because extension segments needs it',
            CASE WHEN to_regclass('segments.contact_table') IS NULL THEN 'segments' ELSE 'segments_internal' END
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'The functions of the extension name it.';
    END IF;
    IF TG_TAG IN ('CREATE FUNCTION', 'CREATE AGGREGATE', 'CREATE OPERATOR', 'CREATE CAST') OR TG_TAG LIKE 'ALTER %' AND TG_TAG <> 'ALTER POLICY' THEN
        PERFORM segments_internal.end_command();
    END IF;
    IF segments_internal.keeps_snapshot() THEN
        PERFORM segments_internal.check_commands_seen(TG_TAG);
    END IF;
    IF NOT EXISTS (SELECT FROM segments.contact_table) THEN
        RETURN;
    END IF;
    IF TG_TAG IN ('CREATE INDEX', 'CREATE STATISTICS', 'CREATE POLICY', 'ALTER POLICY') THEN
        PERFORM segments_internal.drop_concurrent_code();
        PERFORM segments_internal.check_altered_beside(ARRAY(
            SELECT i.indrelid FROM pg_event_trigger_ddl_commands() AS d JOIN pg_index AS i ON i.indexrelid = d.objid
            WHERE d.classid = 'pg_class'::regclass
            UNION ALL
            SELECT s.stxrelid FROM pg_event_trigger_ddl_commands() AS d JOIN pg_statistic_ext AS s ON s.oid = d.objid
            WHERE d.classid = 'pg_statistic_ext'::regclass
            UNION ALL
            SELECT p.polrelid FROM pg_event_trigger_ddl_commands() AS d JOIN pg_policy AS p ON p.oid = d.objid
            WHERE d.classid = 'pg_policy'::regclass));
        RETURN;
    ELSIF TG_TAG IN ('CREATE TABLE', 'CREATE RULE') THEN
        PERFORM segments_internal.check_altered_beside(ARRAY(
            SELECT i.inhparent FROM pg_event_trigger_ddl_commands() AS d JOIN pg_inherits AS i ON i.inhrelid = d.objid
            WHERE d.classid = 'pg_class'::regclass
            UNION ALL
            SELECT r.ev_class FROM pg_event_trigger_ddl_commands() AS d JOIN pg_rewrite AS r ON r.oid = d.objid
            WHERE d.classid = 'pg_rewrite'::regclass));
        PERFORM segments_internal.follow_commands();
        RETURN;
    ELSIF TG_TAG IN ('CREATE FOREIGN TABLE', 'CREATE SCHEMA') THEN
        PERFORM segments_internal.follow_commands();
        RETURN;
    END IF;
    IF TG_TAG = 'ALTER TABLE' THEN
        PERFORM segments_internal.share_segments();
        PERFORM segments_internal.check_altered_beside(ARRAY(
            SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d WHERE d.classid = 'pg_class'::regclass
            UNION
            SELECT i.inhparent FROM pg_event_trigger_ddl_commands() AS d JOIN pg_inherits AS i ON i.inhrelid = d.objid
            WHERE d.classid = 'pg_class'::regclass));
    END IF;
    IF TG_TAG NOT IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER TYPE', 'ALTER DOMAIN') AND TG_TAG NOT LIKE '%VIEW' THEN
        PERFORM segments_internal.check_captured(TG_TAG);
    END IF;
    IF TG_TAG LIKE 'ALTER %' THEN
        PERFORM segments_internal.follow_altered_tables();
    END IF;
    IF TG_TAG IN ('ALTER TABLE', 'ALTER FOREIGN TABLE') THEN
        PERFORM segments_internal.follow_commands();
    ELSIF TG_TAG = 'CREATE FUNCTION' THEN
        PERFORM segments_internal.follow_functions(ARRAY(SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d WHERE d.classid = 'pg_proc'::regclass));
    ELSIF TG_TAG LIKE 'ALTER %' AND TG_TAG <> 'ALTER INDEX' THEN
        PERFORM segments_internal.follow_altered_code(TG_TAG);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.after_alter() IS 'event trigger function; refuses to alter what stored filters need, follows what can be followed';

CREATE EVENT TRIGGER segments_1_alter_tables_beside ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE')
    EXECUTE FUNCTION segments_internal.alter_tables_beside();
CREATE EVENT TRIGGER segments_2_after_alter ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FUNCTION', 'CREATE AGGREGATE', 'CREATE OPERATOR', 'CREATE CAST', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'CREATE RULE',
                 'CREATE INDEX', 'CREATE STATISTICS', 'CREATE POLICY', 'ALTER POLICY', 'ALTER TABLE', 'ALTER SCHEMA', 'ALTER FUNCTION', 'ALTER ROUTINE',
                 'ALTER AGGREGATE', 'ALTER OPERATOR', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
                 'ALTER INDEX', 'ALTER COLLATION', 'ALTER EXTENSION', 'ALTER TEXT SEARCH CONFIGURATION', 'ALTER TEXT SEARCH DICTIONARY')
    EXECUTE FUNCTION segments_internal.after_alter();
COMMENT ON EVENT TRIGGER segments_1_alter_tables_beside IS 'tables of members follow their contact table to another owner, schema or wider key';
COMMENT ON EVENT TRIGGER segments_2_after_alter IS 'what stored filters need is not altered away; members follow altered columns';
