-- ---------------------------------------------------------------------------
-- Who sees and who changes segments
-- ---------------------------------------------------------------------------

/*
 * Whoever may read a contact table sees its global segments and their
 * own.  Whoever owns it changes them; others need INSERT, UPDATE, DELETE on
 * segments.segment, which is granted to nobody at first.  The server asks for
 * those of owners too, so they are granted INSERT and UPDATE of the columns
 * that are users', and DELETE: by these nobody can change segments of other
 * contact tables, as row security asks for INSERT and UPDATE of the whole
 * table.  State is the engine's to write.
 */

CREATE FUNCTION segments_internal.share_segments() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * To a role that owns contact tables no more, DELETE is left where it came with
 * INSERT or UPDATE of the whole table.
 */
DECLARE
    columns constant text[] := '{contact_table,name,public_name,alias,description,category_id,filters,is_published,is_global,is_preference_center,created_by,created_by_user}';
    role record;
BEGIN
    FOR role IN
        WITH owner AS (
            SELECT DISTINCT r.oid FROM segments.contact_table AS t JOIN pg_class AS c ON c.oid = t.contact_table
                JOIN pg_roles AS r ON r.oid = c.relowner
            WHERE NOT r.rolsuper
        ), grantee AS (
            SELECT DISTINCT a.grantee AS oid FROM pg_attribute AS c, aclexplode(c.attacl) AS a
            WHERE c.attrelid = 'segments.segment'::regclass AND c.attname = 'created_by_user' AND a.privilege_type = 'INSERT' AND a.grantee <> 0
        )
        SELECT oid, pg_get_userbyid(oid) AS name, true AS is_owner FROM (TABLE owner EXCEPT TABLE grantee) AS o
        UNION ALL
        SELECT oid, pg_get_userbyid(oid), false FROM (TABLE grantee EXCEPT TABLE owner) AS g
        WHERE oid IN (SELECT oid FROM pg_roles)
    LOOP
        -- two who change the rights at a time take turns
        LOCK TABLE segments.segment IN SHARE UPDATE EXCLUSIVE MODE;
        IF role.is_owner THEN
            EXECUTE format('GRANT INSERT (%1$s, date_added), UPDATE (%1$s), DELETE ON segments.segment TO %2$I',
                           array_to_string(columns, ', '), role.name);
            EXECUTE format('GRANT DELETE ON segments.point_trigger TO %I', role.name);
        ELSE
            EXECUTE format('REVOKE INSERT (%1$s, date_added), UPDATE (%1$s) ON segments.segment FROM %2$I',
                           array_to_string(columns, ', '), role.name);
            IF NOT EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
                           WHERE c.oid = 'segments.segment'::regclass AND a.grantee = role.oid AND a.privilege_type IN ('INSERT', 'UPDATE')) THEN
                EXECUTE format('REVOKE DELETE ON segments.segment, segments.point_trigger FROM %I', role.name);
            END IF;
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.share_segments() IS 'lets owners of contact tables, and nobody who was one, change rows of segments.segment, and delete rows of segments.point_trigger';
REVOKE EXECUTE ON FUNCTION segments_internal.share_segments() FROM PUBLIC;

CREATE FUNCTION segments_internal.contact_tables_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.share_segments();
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.contact_tables_changed() IS 'trigger function; owners of contact tables may change segments';
CREATE TRIGGER share_segments AFTER INSERT OR DELETE ON segments.contact_table
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.contact_tables_changed();
COMMENT ON TRIGGER share_segments ON segments.contact_table IS 'owners of contact tables may change segments';

CREATE FUNCTION segments_internal.is_granted(privilege text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH granted AS (
        SELECT a.grantee, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid = 'segments.segment'::regclass
    )
    SELECT EXISTS (
        SELECT FROM granted AS g
        WHERE g.privilege_type = is_granted.privilege AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE'))
          -- DELETE may be what comes with a contact table
          AND (g.privilege_type <> 'DELETE'
               OR NOT EXISTS (SELECT FROM segments.contact_table AS t JOIN pg_class AS c ON c.oid = t.contact_table
                              WHERE c.relowner = g.grantee)
               OR EXISTS (SELECT FROM granted AS o WHERE o.grantee = g.grantee AND o.privilege_type IN ('INSERT', 'UPDATE'))))
$function$;
COMMENT ON FUNCTION segments_internal.is_granted(text) IS 'does the current role hold INSERT, UPDATE or DELETE on segments.segment as a whole, for contact tables of others?';

CREATE FUNCTION segments.may_change(contact_table regclass, privilege text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(segments.owns(contact_table)
                    OR has_table_privilege(contact_table, 'SELECT') AND segments_internal.is_granted(privilege), false)
$function$;
COMMENT ON FUNCTION segments.may_change(regclass, text) IS 'whether the current role may INSERT, UPDATE or DELETE segments of a contact table: it owns that, or may read it and holds the privilege on segments.segment';

CREATE FUNCTION segments_internal.owns_extension() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'segments.segment'::regclass
$function$;
COMMENT ON FUNCTION segments_internal.owns_extension() IS 'has the current role the rights of the extension''s owner?';

CREATE FUNCTION segments_internal.last_segment_id() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN currval('segments.segment_id_seq');
EXCEPTION
    WHEN lock_not_available THEN
        RAISE;
    WHEN object_not_in_prerequisite_state THEN
        RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.last_segment_id() IS 'the id that the sequence gave last in this session, or null';

CREATE FUNCTION segments_internal.segment_admit() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * With the rights of whoever writes, before anything is looked at for them.
 */
BEGIN
    IF segments_internal.owns_extension() THEN
        RETURN NEW;
    END IF;
    NEW.contact_table := coalesce(NEW.contact_table, segments_internal.default_contact_table());
    IF NOT segments.may_change(NEW.contact_table, TG_OP) THEN
        RAISE EXCEPTION 'permission denied for segments of table %',
            coalesce((SELECT relname FROM pg_class WHERE oid = NEW.contact_table), NEW.contact_table::oid::text)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'It takes ownership of the contact table, or SELECT on it and the privilege on segments.segment.';
    ELSIF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'permission denied for the state of a segment'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'Columns state, error, built_at, build_time, other_objects and date_added are not changed by hand.';
    ELSIF NEW.state <> 'new' OR num_nonnulls(NEW.error, NEW.built_at, NEW.build_time) > 0
        OR NEW.other_objects <> '{}' THEN
        RAISE EXCEPTION 'permission denied for the state of a segment'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'Columns state, error, built_at, build_time and other_objects are not given by hand.';
    ELSIF NEW.id IS DISTINCT FROM segments_internal.last_segment_id() THEN
        RAISE EXCEPTION 'permission denied for the id of a segment'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'Ids are given by the sequence.';
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_admit() IS 'trigger function; refuses segments of those who may not change those of the contact table, and what only the engine writes';

-- the first of all
CREATE TRIGGER segment_admit BEFORE INSERT ON segments.segment
    FOR EACH ROW EXECUTE FUNCTION segments_internal.segment_admit();
CREATE TRIGGER segment_admit_state BEFORE UPDATE ON segments.segment
    FOR EACH ROW WHEN (ROW(OLD.state, OLD.error, OLD.built_at, OLD.build_time, OLD.date_added, OLD.other_objects)
                       IS DISTINCT FROM ROW(NEW.state, NEW.error, NEW.built_at, NEW.build_time, NEW.date_added, NEW.other_objects))
    EXECUTE FUNCTION segments_internal.segment_admit();
COMMENT ON TRIGGER segment_admit ON segments.segment IS 'refuses segments of those who may not change those of the contact table, and chosen ids';
COMMENT ON TRIGGER segment_admit_state ON segments.segment IS 'refuses to change by hand what only the engine writes';

ALTER TABLE segments.segment ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.segment FOR SELECT
    USING (segments.may_see(contact_table, is_global, created_by, created_by_user));
CREATE POLICY created ON segments.segment FOR INSERT
    WITH CHECK ((segments.owns(contact_table) OR (SELECT segments_internal.is_granted('INSERT')))
                AND segments.may_see(contact_table, is_global, created_by, created_by_user));
CREATE POLICY changed ON segments.segment FOR UPDATE
    USING ((segments.owns(contact_table) OR (SELECT segments_internal.is_granted('UPDATE')))
           AND segments.may_see(contact_table, is_global, created_by, created_by_user));
CREATE POLICY deleted ON segments.segment FOR DELETE
    USING ((segments.owns(contact_table) OR (SELECT segments_internal.is_granted('DELETE')))
           AND segments.may_see(contact_table, is_global, created_by, created_by_user));
COMMENT ON POLICY visible ON segments.segment IS 'global segments and one''s own, of contact tables that one may read; all for the owner of the contact table, and for whoever backs up';
COMMENT ON POLICY created ON segments.segment IS 'by the owner of the contact table, and by whoever holds INSERT on the whole table';
COMMENT ON POLICY changed ON segments.segment IS 'visible ones, by the owner of the contact table, and by whoever holds UPDATE on the whole table';
COMMENT ON POLICY deleted ON segments.segment IS 'visible ones, by the owner of the contact table, and by whoever holds DELETE';
ALTER TABLE segments.segment_reference ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.segment_reference FOR SELECT
    USING (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id));
COMMENT ON POLICY visible ON segments.segment_reference IS 'those of visible segments';
ALTER TABLE segments.segment_clock ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.segment_clock FOR SELECT
    USING (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id));
COMMENT ON POLICY visible ON segments.segment_clock IS 'those of visible segments';
ALTER TABLE segments.contact_clock ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON segments.contact_clock FOR SELECT USING (has_table_privilege(contact_table, 'SELECT'));
COMMENT ON POLICY readers ON segments.contact_clock IS 'those of contact tables that one may read';

GRANT SELECT ON segments.segment, segments.segment_reference, segments.contact_clock, segments.segment_clock TO PUBLIC;
-- Who reads only what row security lets them must not take it for a dump: pg_dump
-- reads the sequence too, and fails without this right.
GRANT SELECT ON SEQUENCE segments.segment_id_seq TO pg_database_owner;
