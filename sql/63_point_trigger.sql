-- ---------------------------------------------------------------------------
-- Point triggers: contacts that reach so many points change their segments
-- ---------------------------------------------------------------------------

/*
 * Whoever crosses a trigger's points is found by the engine in the statement that
 * makes them do so (src/maintain/point_trigger.c), after the members that follow
 * from filters.  point_trigger_log has whom a trigger acted on: its primary key
 * is what makes that once.  Keys stand there as text, in the form that the
 * engine's fixed settings give them: one table for all contact tables, which the
 * engine alone writes.
 */

-- Columns are found by number in src/maintain/point_trigger.c: new ones go to the end.
CREATE TABLE segments.point_trigger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_table regclass NOT NULL,
    name text NOT NULL,
    description text,
    points numeric NOT NULL,
    field text NOT NULL DEFAULT 'points',
    add_segments text[] NOT NULL DEFAULT '{}',
    remove_segments text[] NOT NULL DEFAULT '{}',
    is_published boolean NOT NULL DEFAULT true,
    apply_to_existing boolean NOT NULL DEFAULT false,
    date_added timestamptz NOT NULL,
    created_by bigint,
    created_by_user text,
    date_modified timestamptz,
    modified_by bigint,
    modified_by_user text
);
COMMENT ON TABLE segments.point_trigger IS 'What happens to contacts that reach so many points; INSERT, UPDATE and DELETE do what create_point_trigger() does';
COMMENT ON COLUMN segments.point_trigger.id IS 'id';
COMMENT ON COLUMN segments.point_trigger.contact_table IS 'table of the contacts; default: the only attached one; never changes';
COMMENT ON COLUMN segments.point_trigger.name IS 'name';
COMMENT ON COLUMN segments.point_trigger.description IS 'anything';
COMMENT ON COLUMN segments.point_trigger.points IS 'how many have to be reached, from below or at creation';
COMMENT ON COLUMN segments.point_trigger.field IS 'a number column of the contact table, or group_points_N: the score in a point group';
COMMENT ON COLUMN segments.point_trigger.add_segments IS 'segments that contacts are added to, by alias or id; kept as ids';
COMMENT ON COLUMN segments.point_trigger.remove_segments IS 'segments that contacts are taken out of, after that; likewise';
COMMENT ON COLUMN segments.point_trigger.is_published IS 'whether it does anything';
COMMENT ON COLUMN segments.point_trigger.apply_to_existing IS 'whether contacts that have the points when it is created or published are acted on at once';
COMMENT ON COLUMN segments.point_trigger.date_added IS 'when it was created';
COMMENT ON COLUMN segments.point_trigger.created_by IS 'id of the user who created it';
COMMENT ON COLUMN segments.point_trigger.created_by_user IS 'name of the user who created it';
COMMENT ON COLUMN segments.point_trigger.date_modified IS 'when it was last changed';
COMMENT ON COLUMN segments.point_trigger.modified_by IS 'id of the user who last changed it';
COMMENT ON COLUMN segments.point_trigger.modified_by_user IS 'name of the user who last changed it';

CREATE TABLE segments.point_trigger_log (
    trigger_id bigint NOT NULL,
    contact text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (trigger_id, contact)
);
COMMENT ON TABLE segments.point_trigger_log IS 'On whom a point trigger has acted, which it does once; written by the engine';
COMMENT ON COLUMN segments.point_trigger_log.trigger_id IS 'the point trigger';
COMMENT ON COLUMN segments.point_trigger_log.contact IS 'the contact''s key, as text';
COMMENT ON COLUMN segments.point_trigger_log.at IS 'when';
SELECT pg_catalog.pg_extension_config_dump('segments.point_trigger', '');
SELECT pg_catalog.pg_extension_config_dump('segments.point_trigger_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('segments.point_trigger_log', '');
GRANT SELECT ON SEQUENCE segments.point_trigger_id_seq TO pg_database_owner;

CREATE FUNCTION segments_internal.may_act(contact_table regclass, privilege text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments.may_change(contact_table, privilege)
       AND (segments.owns(contact_table) OR has_function_privilege('segments.change_by_hand(bigint, anyarray, text)', 'EXECUTE'))
$function$;
COMMENT ON FUNCTION segments_internal.may_act(regclass, text) IS 'whether the current role may write point triggers of a contact table: it may change its segments, and members by hand';

CREATE FUNCTION segments_internal.may_see_named(contact_table regclass, named text[]) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS 'SELECT NOT named && segments_internal.hidden_segments(contact_table)::text[]';
COMMENT ON FUNCTION segments_internal.may_see_named(regclass, text[]) IS 'whether the current role sees segments of a contact table that are given by their ids as text';

-- What SELECT shows is asked for UPDATE and DELETE as well: without WHERE the server doesn't.
ALTER TABLE segments.point_trigger ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.point_trigger FOR SELECT
    USING (segments_internal.may_see_named(contact_table, add_segments || remove_segments));
CREATE POLICY created ON segments.point_trigger FOR INSERT WITH CHECK (segments_internal.may_act(contact_table, 'INSERT'));
CREATE POLICY changed ON segments.point_trigger FOR UPDATE
    USING (segments_internal.may_act(contact_table, 'UPDATE') AND segments_internal.may_see_named(contact_table, add_segments || remove_segments));
CREATE POLICY deleted ON segments.point_trigger FOR DELETE
    USING (segments_internal.may_act(contact_table, 'DELETE') AND segments_internal.may_see_named(contact_table, add_segments || remove_segments));
COMMENT ON POLICY visible ON segments.point_trigger IS 'those of contact tables that one may read, unless they name a segment that one does not see';
COMMENT ON POLICY created ON segments.point_trigger IS 'by those who may create segments of the contact table, and change members by hand';
COMMENT ON POLICY changed ON segments.point_trigger IS 'visible ones, by those who may change segments of the contact table, and members by hand';
COMMENT ON POLICY deleted ON segments.point_trigger IS 'visible ones, by those who may delete segments of the contact table, and change members by hand';
ALTER TABLE segments.point_trigger_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.point_trigger_log FOR SELECT
    USING (EXISTS (SELECT FROM segments.point_trigger AS t WHERE t.id = trigger_id));
COMMENT ON POLICY visible ON segments.point_trigger_log IS 'those of point triggers that one sees';
-- DELETE comes with a contact table: share_segments()
GRANT SELECT,
    INSERT (contact_table, name, description, points, field, add_segments, remove_segments, is_published, apply_to_existing, created_by, created_by_user),
    UPDATE (name, description, points, field, add_segments, remove_segments, is_published, apply_to_existing)
    ON segments.point_trigger TO PUBLIC;
GRANT SELECT ON segments.point_trigger_log TO PUBLIC;

-- What the triggers need.

CREATE FUNCTION segments_internal.point_field_problem(contact_table regclass, field text) RETURNS text
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_point_field_problem';
COMMENT ON FUNCTION segments_internal.point_field_problem(regclass, text) IS 'why a field cannot stand for points, or null';
REVOKE EXECUTE ON FUNCTION segments_internal.point_field_problem(regclass, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.point_triggers_changed(contact_table regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_point_triggers_changed';
COMMENT ON FUNCTION segments_internal.point_triggers_changed(regclass) IS 'everybody reads the point triggers of a contact table anew';
REVOKE EXECUTE ON FUNCTION segments_internal.point_triggers_changed(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.apply_point_trigger(contact_table regclass, trigger_id bigint) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_apply_point_trigger';
COMMENT ON FUNCTION segments_internal.apply_point_trigger(regclass, bigint) IS 'acts on all contacts that have the points of a point trigger; writers of contacts and scores are shut out until the transaction ends';
REVOKE EXECUTE ON FUNCTION segments_internal.apply_point_trigger(regclass, bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.point_segments(contact_table regclass, given text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    ids bigint[] := ARRAY(SELECT DISTINCT segments_internal.check_published(g) FROM unnest(given) AS g ORDER BY 1);
    stray text;
BEGIN
    SELECT s.alias INTO stray FROM segments.segment AS s
    WHERE s.id = ANY (ids) AND s.contact_table <> point_segments.contact_table ORDER BY s.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'segment "%" belongs to another contact table', stray USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN ids::text[];
END
$function$;
COMMENT ON FUNCTION segments_internal.point_segments(regclass, text[]) IS 'ids of published segments of a contact table that are given by alias or id';

CREATE FUNCTION segments_internal.point_trigger_admit() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * With the rights of whoever writes: nobody names segments that they do not see.
 */
BEGIN
    NEW.contact_table := coalesce(NEW.contact_table, segments_internal.default_contact_table());
    IF NOT (segments_internal.owns_extension() OR segments_internal.may_act(NEW.contact_table, TG_OP)) THEN
        RAISE EXCEPTION 'permission denied for point triggers of table %',
            coalesce((SELECT relname FROM pg_class WHERE oid = NEW.contact_table), NEW.contact_table::oid::text)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'It takes ownership of the contact table, or the rights to change its segments and, by segments.change_by_hand(), their members.';
    ELSIF TG_OP = 'UPDATE' AND (NEW.contact_table <> OLD.contact_table OR NEW.id <> OLD.id) THEN
        RAISE EXCEPTION 'cannot change the % of a point trigger', CASE WHEN NEW.id <> OLD.id THEN 'id' ELSE 'contact table' END
            USING ERRCODE = 'feature_not_supported', HINT = 'Create another point trigger.';
    END IF;
    IF TG_OP = 'INSERT' OR (NEW.add_segments, NEW.remove_segments) IS DISTINCT FROM (OLD.add_segments, OLD.remove_segments) THEN
        NEW.add_segments := segments_internal.point_segments(NEW.contact_table, coalesce(NEW.add_segments, '{}'));
        NEW.remove_segments := segments_internal.point_segments(NEW.contact_table, coalesce(NEW.remove_segments, '{}'));
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.point_trigger_admit() IS 'trigger function; refuses point triggers of those who may not write them, or that name segments they do not see';

CREATE FUNCTION segments_internal.point_trigger_complete() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    problem text;
BEGIN
    IF coalesce(NEW.name, '') !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a point trigger needs a name' USING ERRCODE = 'check_violation';
    ELSIF NEW.points IS NULL OR NEW.points IN ('NaN', 'Infinity', '-Infinity') THEN
        RAISE EXCEPTION 'a point trigger needs a number of points' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM segments_internal.check_length(NEW.name, 'name', 255);
    PERFORM segments_internal.check_length(NEW.created_by_user, 'name of the user', 255);
    PERFORM segments_internal.check_length(NEW.description, 'description', 65535);
    IF cardinality(NEW.add_segments || NEW.remove_segments) > 1000 THEN
        RAISE EXCEPTION 'a point trigger changes at most 1000 segments' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    NEW.name := btrim(NEW.name);
    NEW.field := coalesce(NEW.field, 'points');
    NEW.is_published := coalesce(NEW.is_published, true);
    NEW.apply_to_existing := coalesce(NEW.apply_to_existing, false);
    problem := segments_internal.point_field_problem(NEW.contact_table, NEW.field);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'field "%" cannot stand for points', NEW.field USING ERRCODE = 'invalid_parameter_value', DETAIL = problem,
            HINT = 'Name a number column of the contact table, or group_points_N.';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.date_added := segments.now();
        NEW.created_by := coalesce(NEW.created_by, segments.user_id());
        NEW.created_by_user := coalesce(NEW.created_by_user, segments.user_name());
    ELSE
        NEW.date_modified := segments.now();
        NEW.modified_by := segments.user_id();
        NEW.modified_by_user := segments.user_name();
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.point_trigger_complete() IS 'trigger function; completes and checks a point trigger';

CREATE FUNCTION segments_internal.point_trigger_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Segments are written, not only locked: transactions that delete or unpublish
 * one meanwhile wait and then see the trigger, or fail with 40001 where their
 * snapshot is older.
 */
DECLARE
    used bigint[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM segments.point_trigger_log AS l WHERE l.trigger_id = OLD.id;
        PERFORM segments_internal.point_triggers_changed(OLD.contact_table);
        RETURN NULL;
    END IF;
    used := (NEW.add_segments || NEW.remove_segments)::bigint[];
    IF TG_OP = 'INSERT' OR (OLD.add_segments, OLD.remove_segments) <> (NEW.add_segments, NEW.remove_segments) THEN
        PERFORM FROM segments.segment AS s WHERE s.id = ANY (used) ORDER BY s.id FOR UPDATE;
        UPDATE segments.segment AS s SET state = s.state WHERE s.id = ANY (used);
        IF EXISTS (SELECT FROM unnest(used) AS u (id)
                   WHERE NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = u.id AND s.is_published)) THEN
            RAISE EXCEPTION 'a segment that the point trigger names was deleted or unpublished concurrently'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    PERFORM segments_internal.point_triggers_changed(NEW.contact_table);
    IF NEW.is_published AND NEW.apply_to_existing AND (TG_OP = 'INSERT' OR NOT OLD.is_published) THEN
        PERFORM segments_internal.apply_point_trigger(NEW.contact_table, NEW.id);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.point_trigger_changed() IS 'trigger function; what a new, changed or deleted point trigger means';

CREATE FUNCTION segments_internal.mark_contact_table() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE segments.contact_table AS t SET has_point_triggers = true
    WHERE t.contact_table = NEW.contact_table AND NOT t.has_point_triggers;
    IF FOUND THEN
        PERFORM segments_internal.invalidate(NEW.contact_table);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.mark_contact_table() IS 'trigger function; a contact table has a point trigger from now on';

CREATE TRIGGER point_trigger_0_admit BEFORE INSERT OR UPDATE ON segments.point_trigger
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.point_trigger_admit();
CREATE TRIGGER point_trigger_1_complete BEFORE INSERT OR UPDATE ON segments.point_trigger
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.point_trigger_complete();
CREATE TRIGGER point_trigger_changed AFTER INSERT OR UPDATE OR DELETE ON segments.point_trigger
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.point_trigger_changed();
CREATE TRIGGER point_trigger_before_truncate BEFORE TRUNCATE ON segments.point_trigger
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.refuse_truncate('Use DELETE.');
COMMENT ON TRIGGER point_trigger_0_admit ON segments.point_trigger IS 'refuses point triggers of those who may not write them, or that name segments they do not see';
COMMENT ON TRIGGER point_trigger_1_complete ON segments.point_trigger IS 'completes and checks a point trigger';
COMMENT ON TRIGGER point_trigger_changed ON segments.point_trigger IS 'acts on existing contacts, where asked for, and tells the engine';
COMMENT ON TRIGGER point_trigger_before_truncate ON segments.point_trigger IS 'refuses TRUNCATE';
-- before point_trigger_changed, which acts; when a dump is restored too, as parts of one can be
CREATE TRIGGER mark_contact_table AFTER INSERT ON segments.point_trigger
    FOR EACH ROW EXECUTE FUNCTION segments_internal.mark_contact_table();
COMMENT ON TRIGGER mark_contact_table ON segments.point_trigger IS 'notes with the contact table that it has one';
CREATE TRIGGER check_contact_table AFTER INSERT ON segments.point_trigger
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_declared();
COMMENT ON TRIGGER check_contact_table ON segments.point_trigger IS 'refuses a point trigger of a table that is not attached';

CREATE FUNCTION segments.create_point_trigger(name text, points numeric, add text[] DEFAULT '{}', remove text[] DEFAULT '{}',
                                              apply_to_existing boolean DEFAULT false, contact_table regclass DEFAULT NULL,
                                              field text DEFAULT 'points', description text DEFAULT NULL,
                                              is_published boolean DEFAULT true)
    RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    new_id bigint;
    word text;
BEGIN
    FOREACH word IN ARRAY coalesce(add, '{}') || coalesce(remove, '{}') LOOP        -- here too, for a short context
        new_id := segments_internal.check_published(word);
    END LOOP;
    INSERT INTO segments.point_trigger AS t (contact_table, name, description, points, field, add_segments, remove_segments,
                                             is_published, apply_to_existing)
    VALUES (coalesce(create_point_trigger.contact_table, segments_internal.default_contact_table()), create_point_trigger.name,
            create_point_trigger.description, create_point_trigger.points, create_point_trigger.field, add, remove,
            create_point_trigger.is_published, create_point_trigger.apply_to_existing)
    RETURNING t.id INTO new_id;
    RETURN new_id;
END
$function$;
COMMENT ON FUNCTION segments.create_point_trigger(text, numeric, text[], text[], boolean, regclass, text, text, boolean) IS
    'creates a point trigger: a contact whose points reach a number is added to segments, and taken out of others, once for ever; apply_to_existing: those that have them already too; field: another number column, or group_points_N; gives its id';

-- They go with their contact table, before its segments.

CREATE FUNCTION segments_internal.forget_point_triggers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.point_trigger AS t WHERE t.contact_table = OLD.contact_table;
    RETURN OLD;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_point_triggers() IS 'trigger function; point triggers go with their contact table';
CREATE TRIGGER forget_point_triggers BEFORE DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.forget_point_triggers();
COMMENT ON TRIGGER forget_point_triggers ON segments.contact_table IS 'point triggers go with their contact table';

-- Segments that they name stay, and stay published.

CREATE FUNCTION segments_internal.check_point_triggers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    used record;
BEGIN
    SELECT o.name, concat_ws(' and ', string_agg(format('"%s"', t.name), ', ' ORDER BY t.id) FILTER (WHERE t.is_seen),
                             CASE WHEN NOT bool_and(t.is_seen) THEN 'others that you do not see' END) AS triggers INTO used
    FROM segments_old AS o JOIN (
        -- who does not see a segment does not see what names it
        SELECT t.id, t.name, t.add_segments || t.remove_segments AS named,
               NOT EXISTS (SELECT FROM segments.segment AS s
                           WHERE s.id::text = ANY (t.add_segments || t.remove_segments)
                             AND NOT segments_internal.asker_may_see(s.contact_table, s.is_global, s.created_by, s.created_by_user)) AS is_seen
        FROM segments.point_trigger AS t) AS t ON o.id::text = ANY (t.named)
    WHERE TG_OP = 'DELETE'
       OR o.is_published AND EXISTS (SELECT FROM segments.segment AS n WHERE n.id = o.id AND NOT n.is_published)
    GROUP BY o.id, o.name ORDER BY o.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot % segment "%" because point triggers use it', CASE TG_OP WHEN 'DELETE' THEN 'delete' ELSE 'unpublish' END, used.name
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('It is used by %s.', used.triggers),
                  HINT = 'Change or delete the point triggers first.';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_point_triggers() IS 'trigger function; refuses to delete or unpublish a segment that point triggers name';
CREATE TRIGGER check_point_triggers_deleted AFTER DELETE ON segments.segment
    REFERENCING OLD TABLE AS segments_old
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.check_point_triggers();
CREATE TRIGGER check_point_triggers_unpublished AFTER UPDATE ON segments.segment
    REFERENCING OLD TABLE AS segments_old
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.check_point_triggers();
COMMENT ON TRIGGER check_point_triggers_deleted ON segments.segment IS 'refuses to delete a segment that point triggers name';
COMMENT ON TRIGGER check_point_triggers_unpublished ON segments.segment IS 'refuses to unpublish a segment that point triggers name';

-- Who uses a segment (62_usage.sql).

CREATE FUNCTION segments_internal.segment_usage(OUT segment_id bigint, OUT kind text, OUT name text, OUT blocks boolean)
    RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a function, since a view reads its tables with the rights of its owner
    SELECT r.referenced_id, 'segment', s.alias, true
    FROM segments.segment_reference AS r JOIN segments.segment AS s ON s.id = r.segment_id
    UNION ALL
    SELECT s.id, 'point trigger', t.name, true
    FROM segments.point_trigger AS t JOIN segments.segment AS s ON s.id::text = ANY (t.add_segments || t.remove_segments)
    UNION ALL
    SELECT u.segment_id, u.kind, u.name, u.blocks FROM segments.registered_usage AS u
$function$;
COMMENT ON FUNCTION segments_internal.segment_usage() IS 'the rows of segments.usage';

CREATE VIEW segments.usage AS SELECT * FROM segments_internal.segment_usage();
COMMENT ON VIEW segments.usage IS 'What uses the segments that one sees: filters of other segments, point triggers, and what applications have registered';
COMMENT ON COLUMN segments.usage.segment_id IS 'the segment';
COMMENT ON COLUMN segments.usage.kind IS 'segment, point trigger, or what an application has registered';
COMMENT ON COLUMN segments.usage.name IS 'alias of the segment, name of the trigger or of what was registered';
COMMENT ON COLUMN segments.usage.blocks IS 'whether the segment cannot be deleted or unpublished meanwhile';
GRANT SELECT ON segments.usage TO PUBLIC;
