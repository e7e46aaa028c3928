-- ---------------------------------------------------------------------------
-- Segments by name, made and changed by calls
-- ---------------------------------------------------------------------------

-- A segment is named by its alias, or by its id in digits.

CREATE FUNCTION segments.resolve_segment(segment text) RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_resolve_segment';
COMMENT ON FUNCTION segments.resolve_segment(text) IS 'id of the segment with this id, in digits, or alias; an error when there is none that one sees';

CREATE FUNCTION segments.is_member(segment text, contact anyelement) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'segments_is_member';
COMMENT ON FUNCTION segments.is_member(text, anyelement) IS 'whether the contact with this key is a member';

-- Literals and the parameters of drivers that leave types to the server are
-- text here: anyelement alone would refuse them.
CREATE FUNCTION segments.is_member(segment text, contact text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'segments_is_member';
COMMENT ON FUNCTION segments.is_member(text, text) IS 'whether the contact with this key, as text, is a member';

CREATE FUNCTION segments_internal.segment_word(segment bigint) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_segment_word';
COMMENT ON FUNCTION segments_internal.segment_word(bigint) IS 'the id of a segment in digits; an error when there is none with this id that one sees';

CREATE FUNCTION segments_internal.hidden_segments(contact_table regclass) RETURNS bigint[]
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_hidden_segments';
COMMENT ON FUNCTION segments_internal.hidden_segments(regclass) IS 'ids of the segments of a contact table that the current role does not see; null for those who may not read the contact table';

CREATE FUNCTION segments_internal.ask_beside(contact_table regclass, question text, VARIADIC arguments "any") RETURNS SETOF record
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_ask_beside';
COMMENT ON FUNCTION segments_internal.ask_beside(regclass, text, "any") IS 'answers one of a few questions about members, overrides and the log of a contact table that the caller may read, as the owner of these tables, without segments that the caller does not see';

CREATE FUNCTION segments.open_to_readers(contact_table regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The condition is computed once per query, but for a comparison with what is
 * nothing for most.  It names the table itself, not the contact table, which
 * could not be dropped otherwise.
 */
DECLARE
    tables segments.contact_table;
    beside record;
BEGIN
    SELECT * INTO STRICT tables FROM segments.contact_table AS t WHERE t.contact_table = open_to_readers.contact_table;
    FOR beside IN VALUES (tables.member_table, 'member_table'), (tables.override_table, 'override_table'),
                         (tables.change_table, 'change_table')
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_policy WHERE polrelid = beside.column1 AND polname = 'segments_readers');
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', beside.column1);
        EXECUTE format('CREATE POLICY segments_readers ON %1$s FOR SELECT USING (segment_id <> ALL ('
                       '(SELECT segments_internal.hidden_segments(t.contact_table) FROM segments.contact_table AS t'
                       ' WHERE t.%2$s = %1$L::regclass)::bigint[]))', beside.column1, beside.column2);
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', beside.column1);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.open_to_readers(regclass) IS
    'lets everybody who may read a contact table read its members, overrides and log, of segments that they see; for their owner';

CREATE FUNCTION segments_internal.find_segment(segment_id bigint, OUT id bigint, OUT is_static boolean, OUT tables segments.contact_table)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    segment segments.segment;
BEGIN
    IF segment_id IS NULL THEN
        RAISE EXCEPTION 'segment must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO segment FROM segments.segment AS s WHERE s.id = find_segment.segment_id;
    id := segment.id;
    is_static := segments.is_static(segment.filters);
    SELECT * INTO tables FROM segments.contact_table AS t WHERE t.contact_table = segment.contact_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segment % does not exist', segment_id USING ERRCODE = 'undefined_object';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.find_segment(bigint) IS
    'a segment and the tables its members are in; who calls resolves it in a declaration, so that an error about its name has one line of context';

CREATE FUNCTION segments_internal.tables_of(contact_table regclass) RETURNS segments.contact_table
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    wanted regclass := coalesce(contact_table, segments_internal.default_contact_table());
    tables segments.contact_table;
BEGIN
    SELECT * INTO tables FROM segments.contact_table AS t WHERE t.contact_table = wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table "%" is not a contact table', (SELECT relname FROM pg_class WHERE oid = wanted)
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Attach it with segments.attach().';
    END IF;
    RETURN tables;
END
$function$;
COMMENT ON FUNCTION segments_internal.tables_of(regclass) IS 'an attached contact table, null: the only one';

CREATE FUNCTION segments_internal.base_type(type regtype) RETURNS regtype
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_base_type';
COMMENT ON FUNCTION segments_internal.base_type(regtype) IS 'the type that a domain is over, else the type itself';

CREATE FUNCTION segments_internal.check_key_type(tables segments.contact_table, given regtype) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key_type regtype;
BEGIN
    IF given = tables.key_type THEN
        RETURN;
    END IF;
    key_type := segments_internal.base_type(tables.key_type);
    given := segments_internal.base_type(given);
    IF given = key_type
        OR given = ANY ('{smallint,integer,bigint}'::regtype[]) AND key_type = ANY ('{smallint,integer,bigint}'::regtype[])
        OR given = ANY ('{text,varchar,bpchar,name}'::regtype[])
    THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'keys of contact table "%" are of type %, not %',
        (SELECT relname FROM pg_class WHERE oid = tables.contact_table), tables.key_type, given
        USING ERRCODE = 'datatype_mismatch',
              HINT = format('Give keys of that type, or as text; where keys are returned, add key => NULL::%s.', tables.key_type);
END
$function$;
COMMENT ON FUNCTION segments_internal.check_key_type(segments.contact_table, regtype) IS 'an error when keys of a contact table cannot be given, or wanted, in a type; text is for all';

CREATE FUNCTION segments_internal.check_key_is_null(key anyelement) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF key IS NOT NULL THEN
        RAISE EXCEPTION 'key must be null' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'Only its type counts, in which keys are wanted.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_key_is_null(anyelement) IS 'an error when more than a type was given';

CREATE FUNCTION segments_internal.key_in(contact_table regclass, key text, type anyelement) RETURNS anyelement
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_key_in';
COMMENT ON FUNCTION segments_internal.key_in(regclass, text, anyelement) IS 'a text as a key of a contact table, in the base type of its keys, of which type is any null; what that runs runs as the owner of the table';

CREATE FUNCTION segments_internal.key_from_text(tables segments.contact_table, key text) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN RETURN format('segments_internal.key_in(%L::regclass, %L, NULL::%s)', tables.contact_table::oid, key, segments_internal.base_type(tables.key_type)); END $$;
COMMENT ON FUNCTION segments_internal.key_from_text(segments.contact_table, text) IS 'SQL for a contact''s key that is given as text';

CREATE FUNCTION segments_internal.key_text(tables segments.contact_table, contact anyelement) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.check_key_type(tables, pg_typeof(contact));
    IF contact IS NULL THEN
        RAISE EXCEPTION 'contact must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN format('%s', contact);
END
$function$;
COMMENT ON FUNCTION segments_internal.key_text(segments.contact_table, anyelement) IS 'a contact''s key as text; an error when keys cannot be given in its type';

CREATE FUNCTION segments_internal.key_literal(tables segments.contact_table, contact anyelement) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments_internal.key_from_text(tables, segments_internal.key_text(tables, contact)) $$;
COMMENT ON FUNCTION segments_internal.key_literal(segments.contact_table, anyelement) IS 'a contact''s key as SQL, of the base type of the contact table''s keys';

-- Making and changing segments.

CREATE FUNCTION segments_internal.check_alias(alias text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM segments.segment AS s WHERE s.alias = check_alias.alias AND s.alias <> '') THEN
        RAISE EXCEPTION 'segment alias "%" is already in use', alias
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another, leave it out to have one made from the name, or say or_replace => true.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_alias(text) IS 'an error when a segment that one sees has this alias; of others the unique index tells';

CREATE FUNCTION segments.create_segment(name text, filters segments.filter DEFAULT '[]', alias text DEFAULT NULL,
                                        contact_table regclass DEFAULT NULL, public_name text DEFAULT NULL,
                                        description text DEFAULT NULL, category_id bigint DEFAULT NULL,
                                        is_published boolean DEFAULT true, is_global boolean DEFAULT true,
                                        is_preference_center boolean DEFAULT false, or_replace boolean DEFAULT false)
    RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A segment that is replaced knows its contact table.
 */
DECLARE
    new_id bigint;
    wanted text := segments.make_alias(coalesce(nullif(create_segment.alias, ''), create_segment.name));
    row segments.segment;
BEGIN
    IF coalesce(create_segment.alias, '') = '' AND wanted ~ '^[0-9]+$' THEN
        wanted := 'segment-' || wanted;     -- as choose_alias() has it
    END IF;
    row.name := create_segment.name;
    row.filters := coalesce(create_segment.filters, '[]');
    row.alias := CASE WHEN or_replace AND wanted <> '' THEN wanted ELSE create_segment.alias END;
    row.is_published := coalesce(create_segment.is_published, true);
    row.is_global := coalesce(create_segment.is_global, true);
    row.is_preference_center := coalesce(create_segment.is_preference_center, false);
    row.contact_table := create_segment.contact_table;
    IF row.contact_table IS NULL AND or_replace THEN
        SELECT s.contact_table INTO row.contact_table FROM segments.segment AS s WHERE s.alias = wanted;
    END IF;
    row.contact_table := coalesce(row.contact_table, segments_internal.default_contact_table());
    PERFORM segments_internal.check_references(row.filters, row.contact_table);      -- here too, for a short context
    IF or_replace THEN
        INSERT INTO segments.segment AS s (name, filters, alias, contact_table, public_name, description, category_id,
                                           is_published, is_global, is_preference_center)
        VALUES (row.name, row.filters, row.alias, row.contact_table, create_segment.public_name, create_segment.description,
                create_segment.category_id, row.is_published, row.is_global, row.is_preference_center)
        ON CONFLICT ON CONSTRAINT segment_alias_key DO UPDATE
        SET name = excluded.name, filters = excluded.filters, contact_table = excluded.contact_table,
            public_name = excluded.public_name, description = excluded.description, category_id = excluded.category_id,
            is_published = excluded.is_published, is_global = excluded.is_global,
            is_preference_center = excluded.is_preference_center
        RETURNING s.id INTO new_id;
    ELSE
        PERFORM segments_internal.check_alias(segments.make_alias(create_segment.alias));
        INSERT INTO segments.segment AS s (name, filters, alias, contact_table, public_name, description, category_id,
                                           is_published, is_global, is_preference_center)
        VALUES (row.name, row.filters, row.alias, row.contact_table, create_segment.public_name, create_segment.description,
                create_segment.category_id, row.is_published, row.is_global, row.is_preference_center)
        RETURNING s.id INTO new_id;
    END IF;
    RETURN new_id;
END
$function$;
COMMENT ON FUNCTION segments.create_segment(text, segments.filter, text, regclass, text, text, bigint, boolean, boolean, boolean, boolean) IS
    'creates a segment and its members; gives its id.  Without filters its members are chosen by hand; null stands for the default.  or_replace: a segment with this alias, or the one made from the name, gets these properties instead';

CREATE FUNCTION segments_internal.refuse_change(segment text, privilege text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Row security leaves rows out in silence; who names one wants to know.  A
 * segment that is gone meanwhile is none.
 */
BEGIN
    IF EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segments.resolve_segment(segment)
               AND NOT segments.may_change(s.contact_table, privilege)) THEN
        RAISE EXCEPTION 'permission denied for segment "%"', segment
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('It takes ownership of the contact table, or %s on segments.segment.', privilege);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.refuse_change(text, text) IS 'an error when the current role may not change a segment';

CREATE FUNCTION segments.update_segment(segment text, name text DEFAULT NULL, filters segments.filter DEFAULT NULL,
                                        alias text DEFAULT NULL, public_name text DEFAULT NULL,
                                        description text DEFAULT NULL, category_id bigint DEFAULT NULL,
                                        is_published boolean DEFAULT NULL, is_global boolean DEFAULT NULL,
                                        is_preference_center boolean DEFAULT NULL, clear text[] DEFAULT '{}')
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    cleared text[] := coalesce(clear, '{}');
BEGIN
    IF NOT cleared <@ '{description,category_id}' THEN
        RAISE EXCEPTION 'only description and category_id can be cleared' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- here too, for a short context; those that are stored are kept whatever was withdrawn
    PERFORM segments_internal.check_references(update_segment.filters, s.contact_table) FROM segments.segment AS s WHERE s.id = named_id AND s.filters OPERATOR(segments.<>) update_segment.filters;
    UPDATE segments.segment AS s
    SET name = coalesce(update_segment.name, s.name),
        filters = coalesce(update_segment.filters, s.filters),
        alias = coalesce(update_segment.alias, s.alias),
        public_name = coalesce(update_segment.public_name, s.public_name),
        description = coalesce(update_segment.description, CASE WHEN 'description' <> ALL (cleared) THEN s.description END),
        category_id = coalesce(update_segment.category_id, CASE WHEN 'category_id' <> ALL (cleared) THEN s.category_id END),
        is_published = coalesce(update_segment.is_published, s.is_published),
        is_global = coalesce(update_segment.is_global, s.is_global),
        is_preference_center = coalesce(update_segment.is_preference_center, s.is_preference_center)
    WHERE s.id = named_id;
    IF NOT FOUND THEN
        PERFORM segments_internal.refuse_change(segment, 'UPDATE');
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.update_segment(text, text, segments.filter, text, text, text, bigint, boolean, boolean, boolean, text[]) IS
    'changes what is given of a segment, and its members with it; null leaves as it is, alias '''' makes one from the name, clear empties description and category_id';

CREATE FUNCTION segments.delete_segment(segment text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
BEGIN
    DELETE FROM segments.segment AS s WHERE s.id = named_id;
    IF NOT FOUND THEN
        PERFORM segments_internal.refuse_change(segment, 'DELETE');
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.delete_segment(text) IS 'deletes a segment and its members; refused while others refer to it';
