-- ---------------------------------------------------------------------------
-- Partitions, and tables that inherit: their rows are those of the attached table
-- ---------------------------------------------------------------------------

/*
 * Which tables hold rows of an attached one is noted in table_part, so that it
 * is known which came and which went, however a command says so, and whatever
 * is left of what went.  A table that comes with rows is brought in as they were
 * inserted, and one that goes takes its rows along, in the same transaction.
 */

CREATE FUNCTION segments_internal.forget_missing(contact_table regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_forget_missing';
COMMENT ON FUNCTION segments_internal.forget_missing(regclass) IS 'contacts that were taken away with the table that they were in lose their memberships';

CREATE FUNCTION segments_internal.build_reading(contact_table regclass, relation regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_build_reading';
COMMENT ON FUNCTION segments_internal.build_reading(regclass, regclass) IS 'bring the members of the segments that read a table of companies, links or related rows in line with its rows';

CREATE FUNCTION segments_internal.rows_came(contact_table regclass, attached regclass, part regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_rows_came';
COMMENT ON FUNCTION segments_internal.rows_came(regclass, regclass, regclass) IS 'point triggers act on the rows of a table that came with them';

CREATE FUNCTION segments_internal.check_keys_differ(contact_table regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_check_keys_differ';
COMMENT ON FUNCTION segments_internal.check_keys_differ(regclass) IS 'refuses contacts with one key, in tables that inherit from one another';

REVOKE EXECUTE ON FUNCTION segments_internal.check_keys_differ(regclass), segments_internal.forget_missing(regclass), segments_internal.build_reading(regclass, regclass),
    segments_internal.rows_came(regclass, regclass, regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_rows(attached regclass, came regclass[], went regclass[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    reader regclass;
BEGIN
    FOR reader IN SELECT segments_internal.contact_tables_reading(follow_rows.attached) LOOP
        IF reader = follow_rows.attached AND follow_rows.went <> '{}' THEN
            PERFORM segments_internal.forget_missing(reader);
        END IF;
        IF reader = follow_rows.attached AND follow_rows.came <> '{}' THEN
            PERFORM segments_internal.check_keys_differ(reader);
            PERFORM segments_internal.rebuild_segments(reader, NULL, 'filter');
        ELSE
            PERFORM segments_internal.build_reading(reader, follow_rows.attached);
        END IF;
        IF EXISTS (SELECT FROM segments.point_trigger AS t WHERE t.contact_table = reader AND t.is_published) THEN
            PERFORM segments_internal.rows_came(reader, follow_rows.attached, part) FROM unnest(follow_rows.came) AS part;
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_rows(regclass, regclass[], regclass[]) IS 'what it means for members that tables with rows of an attached table came and went';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_rows(regclass, regclass[], regclass[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.sync_parts(attached regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What holds no blocks holds no rows, and never did since it was last emptied;
 * what was dropped is not there to tell.
 */
DECLARE
    present regclass[] := ARRAY(SELECT segments_internal.parts_of(sync_parts.attached));
    came regclass[];
    went regclass[];
BEGIN
    IF NOT segments_internal.is_attached(sync_parts.attached) THEN
        DELETE FROM segments.table_part AS p WHERE p.attached = sync_parts.attached;
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM segments.table_part AS p WHERE p.attached = sync_parts.attached AND p.part <> ALL (present)
        RETURNING p.part)
    SELECT coalesce(array_agg(g.part), '{}') INTO went FROM gone AS g
    WHERE CASE WHEN EXISTS (SELECT FROM pg_class WHERE oid = g.part) THEN pg_relation_size(g.part) > 0 ELSE true END;
    WITH new AS (
        INSERT INTO segments.table_part AS p (attached, part)
        SELECT sync_parts.attached, t FROM unnest(present) AS t ON CONFLICT (part) DO UPDATE SET attached = excluded.attached
        WHERE p.attached <> excluded.attached
        RETURNING p.part)
    SELECT coalesce(array_agg(n.part), '{}') INTO came FROM new AS n WHERE pg_relation_size(n.part) > 0;
    IF came <> '{}' OR went <> '{}' THEN
        PERFORM segments_internal.follow_rows(sync_parts.attached, came, went);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.sync_parts(regclass) IS 'note which tables hold rows of an attached table, and bring members up to date with those that came and went';
REVOKE EXECUTE ON FUNCTION segments_internal.sync_parts(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.hold_enum(type oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_hold_enum';
COMMENT ON FUNCTION segments_internal.hold_enum(oid) IS 'keep the labels of an enum from getting other names until the transaction ends';

CREATE FUNCTION segments_internal.hold_enums(tables oid[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE part (oid) AS (
        SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = ANY (tables) AND a.attnum > 0 AND NOT a.attisdropped
        UNION
        SELECT y.oid FROM part AS p JOIN pg_type AS t ON t.oid = p.oid, LATERAL (
            SELECT unnest(ARRAY[t.typbasetype, t.typelem])
            UNION ALL SELECT r.rngsubtype FROM pg_range AS r WHERE t.typtype IN ('r', 'm') AND t.oid IN (r.rngtypid, r.rngmultitypid)
            UNION ALL SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS y (oid)
    )
    SELECT segments_internal.hold_enum(t.oid) FROM part AS p JOIN pg_type AS t ON t.oid = p.oid WHERE t.typtype = 'e'
$function$;
COMMENT ON FUNCTION segments_internal.hold_enums(oid[]) IS 'hold_enum() for all that columns of tables are made of, before others can see the tables or columns';
REVOKE EXECUTE ON FUNCTION segments_internal.hold_enum(oid), segments_internal.hold_enums(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_parts(contact_table regclass) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_owner';
COMMENT ON FUNCTION segments_internal.follow_parts(regclass) IS 'follow the tables that hold rows of what was attached, for the owner of the contact table';
CREATE FUNCTION segments_internal.follow_parts_checked(contact_table regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.hold_enums(ARRAY(SELECT t FROM segments_internal.tables_read(follow_parts_checked.contact_table) AS t));
    PERFORM segments_internal.sync_parts(t) FROM segments_internal.tables_read(follow_parts_checked.contact_table) AS t WHERE t IS NOT NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_parts_checked(regclass) IS 'what follow_parts() does for those who may';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_parts_checked(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.attached_with(relations oid[]) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT a.attached
    FROM unnest(attached_with.relations) AS r (oid),
        LATERAL (SELECT r.oid::regclass UNION ALL SELECT segments_internal.tables_above(r.oid)
                 UNION ALL SELECT p.attached FROM segments.table_part AS p WHERE p.part = r.oid) AS a (attached)
    WHERE segments_internal.is_attached(a.attached)
$function$;
COMMENT ON FUNCTION segments_internal.attached_with(oid[]) IS 'attached tables that these are, hold rows of, or did';

CREATE FUNCTION segments_internal.follow_recomputed(attached regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A command that names the whole is followed by check_altered_table().
 */
DECLARE
    key segments.contact_table;
    recomputed name[] := ARRAY(
        SELECT a.attname FROM segments_internal.parts_of(follow_recomputed.attached) AS p (oid)
            JOIN pg_event_trigger_ddl_commands() AS d ON d.classid = 'pg_class'::regclass AND d.objid = p.oid
            JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE segments_internal.recomputes(d.command, p.oid, a.attnum));
BEGIN
    IF recomputed = '{}' THEN
        RETURN;
    END IF;
    SELECT * INTO key FROM segments.contact_table AS t WHERE t.contact_table = follow_recomputed.attached;
    IF key.key_column = ANY (recomputed) THEN
        RAISE EXCEPTION 'values of key "%" of contact table "%" cannot change', key.key_column, (SELECT relname FROM pg_class WHERE oid = key.contact_table)
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'Members, overrides and the log know contacts by them.';
    END IF;
    PERFORM segments_internal.rebuild_segments(t, NULL, 'definition') FROM segments_internal.contact_tables_reading(follow_recomputed.attached) AS t;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_recomputed(regclass) IS 'bring members up to date where the present command computes a column of a partition alone by another expression';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_recomputed(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_commands() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Called by an event trigger, after what its user may do was done for the user.
 */
DECLARE
    relations oid[] := ARRAY(SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d WHERE d.classid = 'pg_class'::regclass);
    whole regclass;
BEGIN
    PERFORM segments_internal.check_children(relations);
    FOR whole IN SELECT segments_internal.attached_with(relations) LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM segments_internal.contact_tables_reading(whole));
        PERFORM segments_internal.check_parts(whole);
        -- a parallel restore may make keys after the triggers
        IF EXISTS (SELECT FROM segments.contact_table AS t WHERE t.contact_table = whole) AND NOT segments_internal.is_restore_session() THEN
            PERFORM segments_internal.check_key(whole);
        END IF;
        PERFORM segments_internal.sync_parts(whole);
        PERFORM segments_internal.follow_recomputed(whole);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_commands() IS 'follow the tables that the present command put under attached ones, or took from there';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_commands() FROM PUBLIC;

CREATE FUNCTION segments_internal.give_triggers() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_commander';
COMMENT ON FUNCTION segments_internal.give_triggers() IS 'event trigger function; tables that come under an attached one get its triggers, those that leave lose them';

CREATE FUNCTION segments_internal.wholes_of_command() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- not while a dump is restored, when triggers come last
    SELECT w FROM segments_internal.attached_with(ARRAY(SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d
                                                        WHERE d.classid = 'pg_class'::regclass)) AS w
    WHERE EXISTS (SELECT FROM segments_internal.contact_tables_reading(w))
$function$;
COMMENT ON FUNCTION segments_internal.wholes_of_command() IS 'attached tables whose parts the present command may have changed';

CREATE FUNCTION segments_internal.give_triggers_due() RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM segments_internal.wholes_of_command())';
COMMENT ON FUNCTION segments_internal.give_triggers_due() IS 'is there something for give_triggers()?';
REVOKE EXECUTE ON FUNCTION segments_internal.give_triggers_due() FROM PUBLIC;

CREATE FUNCTION segments_internal.give_triggers_as_user() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * With the rights of whoever gives the command, who owns both tables.
 */
DECLARE
    whole regclass;
BEGIN
    FOR whole IN SELECT segments_internal.wholes_of_command() LOOP
        PERFORM segments_internal.check_parts(whole);
        PERFORM segments_internal.create_triggers(p) FROM segments_internal.parts_of(whole) AS p
        WHERE NOT EXISTS (SELECT FROM segments.table_part AS t WHERE t.part = p);
        IF segments_internal.is_on_replica(whole) THEN
            PERFORM segments_internal.follow_replication(whole, true);
        END IF;
        PERFORM segments_internal.drop_triggers(t.part) FROM segments.table_part AS t
        WHERE t.attached = whole AND t.part NOT IN (SELECT segments_internal.parts_of(whole))
          AND EXISTS (SELECT FROM pg_class WHERE oid = t.part);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.give_triggers_as_user() IS 'what give_triggers() does';

CREATE EVENT TRIGGER segments_1_give_triggers ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'ALTER TABLE', 'ALTER FOREIGN TABLE')
    EXECUTE FUNCTION segments_internal.give_triggers();
COMMENT ON EVENT TRIGGER segments_1_give_triggers IS 'partitions, and tables that inherit, are followed like the table that they hold rows of';
