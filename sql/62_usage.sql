-- ---------------------------------------------------------------------------
-- Who uses a segment
-- ---------------------------------------------------------------------------

-- Filters of other segments use a segment by segments.segment_reference; what
-- applications use it for is registered here.
CREATE TABLE segments.registered_usage (
    segment_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind <> '' AND kind NOT IN ('segment', 'point trigger')),
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    blocks boolean NOT NULL DEFAULT false,
    PRIMARY KEY (segment_id, kind, name),
    CONSTRAINT at_most_255_characters CHECK (char_length(kind) <= 255 AND char_length(name) <= 255)
);
COMMENT ON TABLE segments.registered_usage IS 'Uses of segments that applications have told of; written by segments.register_usage()';
COMMENT ON COLUMN segments.registered_usage.segment_id IS 'the segment';
COMMENT ON COLUMN segments.registered_usage.kind IS 'what uses it: email, campaign, report, ...';
COMMENT ON COLUMN segments.registered_usage.name IS 'which one';
COMMENT ON COLUMN segments.registered_usage.blocks IS 'whether the segment cannot be deleted or unpublished meanwhile';
SELECT pg_catalog.pg_extension_config_dump('segments.registered_usage', '');

CREATE FUNCTION segments_internal.check_used_segment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
/*
 * Written, not only locked: who deletes or unpublishes it meanwhile waits and
 * then sees the use, or fails with 40001 where its snapshot is older.
 */
BEGIN
    UPDATE segments.segment AS s SET state = s.state WHERE s.id = NEW.segment_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segment % does not exist', NEW.segment_id USING ERRCODE = 'undefined_object';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_used_segment() IS 'trigger function; refuses the use of a segment that does not exist';
CREATE TRIGGER check_segment AFTER INSERT OR UPDATE ON segments.registered_usage
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_used_segment();
COMMENT ON TRIGGER check_segment ON segments.registered_usage IS 'refuses the use of a segment that does not exist';

-- Who sees a segment sees its uses; who may change it says what it is used for.
ALTER TABLE segments.registered_usage ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.registered_usage FOR SELECT
    USING (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id));
COMMENT ON POLICY visible ON segments.registered_usage IS 'those of segments that one sees';
CREATE POLICY changed ON segments.registered_usage
    USING (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id AND segments.may_change(s.contact_table, 'UPDATE')))
    WITH CHECK (EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id AND segments.may_change(s.contact_table, 'UPDATE')));
COMMENT ON POLICY changed ON segments.registered_usage IS 'those of segments that one may change';
GRANT SELECT, INSERT, UPDATE (blocks) ON segments.registered_usage TO PUBLIC;

CREATE FUNCTION segments.register_usage(segment text, kind text, name text, blocks boolean DEFAULT false) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.check_length(kind, 'kind', 255), segments_internal.check_length(name, 'name', 255);
    INSERT INTO segments.registered_usage AS u (segment_id, kind, name, blocks)
    SELECT f.id, kind, name, coalesce(blocks, false) FROM segments_internal.find_segment(segments.resolve_segment(segment)) AS f
    ON CONFLICT ON CONSTRAINT registered_usage_pkey DO UPDATE SET blocks = excluded.blocks
    WHERE u.blocks <> excluded.blocks
$function$;
COMMENT ON FUNCTION segments.register_usage(text, text, text, boolean) IS
    'says that an application uses a segment: kind and name of what does; with blocks the segment cannot be deleted or unpublished meanwhile.  Again: changes blocks.  For who may change the segment';

CREATE FUNCTION segments_internal.forget_usage(segment_id bigint, kind text, name text) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_permitted';
COMMENT ON FUNCTION segments_internal.forget_usage(bigint, text, text) IS 'deletes a registered use that the caller may change; whether there was one';

CREATE FUNCTION segments_internal.forget_usage_permitted(segment_id bigint, kind text, name text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $function$
    -- a row that may be locked so is one that may be changed
    SELECT EXISTS (SELECT FROM segments.registered_usage AS u
                   WHERE (u.segment_id, u.kind, u.name)
                       = (forget_usage_permitted.segment_id, forget_usage_permitted.kind, forget_usage_permitted.name) FOR UPDATE)
$function$;
COMMENT ON FUNCTION segments_internal.forget_usage_permitted(bigint, text, text) IS 'whether the current role may change a registered use';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_usage_permitted(bigint, text, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_usage_checked(segment_id bigint, kind text, name text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.registered_usage AS u
    WHERE (u.segment_id, u.kind, u.name) = (forget_usage_checked.segment_id, forget_usage_checked.kind, forget_usage_checked.name);
    RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_usage_checked(bigint, text, text) IS 'what forget_usage() does for those who may';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_usage_checked(bigint, text, text) FROM PUBLIC;

CREATE FUNCTION segments.forget_usage(segment text, kind text, name text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF segments_internal.forget_usage(segments.resolve_segment(segment), kind, name) THEN
        RETURN true;
    END IF;
    PERFORM segments_internal.refuse_change(segment, 'UPDATE');
    RETURN false;
END
$function$;
COMMENT ON FUNCTION segments.forget_usage(text, text, text) IS 'forgets a use that was registered; whether there was one';

CREATE FUNCTION segments_internal.check_registered_usage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Uses that do not block are told of when their segment goes, and go with it.
 */
DECLARE
    used record;
    purpose text := CASE TG_OP WHEN 'DELETE' THEN 'delete' ELSE 'unpublish' END;
BEGIN
    FOR used IN
        SELECT s.id, s.name, bool_or(u.blocks) AS blocks,
               string_agg(format('%s "%s"', u.kind, u.name), ', ' ORDER BY u.kind, u.name)
                   FILTER (WHERE u.blocks OR NOT s.any_blocks) AS uses
        FROM (SELECT o.id, o.name, EXISTS (SELECT FROM segments.registered_usage AS b WHERE b.segment_id = o.id AND b.blocks) AS any_blocks
              FROM segments_old AS o
              WHERE TG_OP = 'DELETE'
                 OR o.is_published AND EXISTS (SELECT FROM segments.segment AS n WHERE n.id = o.id AND NOT n.is_published)) AS s
            JOIN segments.registered_usage AS u ON u.segment_id = s.id
        GROUP BY s.id, s.name ORDER BY s.id
    LOOP
        IF used.blocks THEN
            RAISE EXCEPTION 'cannot % segment "%" because it is in use', purpose, used.name
                USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('It is used by %s.', used.uses),
                      HINT = 'What uses it registered that; segments.forget_usage() forgets it.';
        END IF;
        RAISE NOTICE 'segment "%" is used by %', used.name, used.uses;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM segments.registered_usage AS u USING segments_old AS o WHERE u.segment_id = o.id;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_registered_usage() IS 'trigger function; refuses to delete or unpublish a segment whose use blocks that';

-- before segment_after_delete and segment_after_update: names sort first
CREATE TRIGGER check_usage_deleted AFTER DELETE ON segments.segment
    REFERENCING OLD TABLE AS segments_old
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.check_registered_usage();
CREATE TRIGGER check_usage_unpublished AFTER UPDATE ON segments.segment
    REFERENCING OLD TABLE AS segments_old
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.check_registered_usage();
COMMENT ON TRIGGER check_usage_deleted ON segments.segment IS 'refuses to delete a segment whose use blocks that; registered uses go with it';
COMMENT ON TRIGGER check_usage_unpublished ON segments.segment IS 'refuses to unpublish a segment whose use blocks that';
