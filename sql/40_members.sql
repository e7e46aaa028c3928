-- ---------------------------------------------------------------------------
-- Segments by name, and their members
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

CREATE FUNCTION segments.segment_word(segment bigint) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_segment_word';
COMMENT ON FUNCTION segments.segment_word(bigint) IS 'internal: the id of a segment in digits; an error when there is none with this id that one sees';

CREATE FUNCTION segments.hidden_segments(contact_table regclass) RETURNS bigint[]
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_hidden_segments';
COMMENT ON FUNCTION segments.hidden_segments(regclass) IS 'internal: ids of the segments of a contact table that the current role does not see; null for who may not read the contact table';

CREATE FUNCTION segments.ask_beside(contact_table regclass, question text, VARIADIC arguments "any") RETURNS SETOF record
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_ask_beside';
COMMENT ON FUNCTION segments.ask_beside(regclass, text, "any") IS 'internal: answers one of a few questions about members, overrides and the log of a contact table that the caller may read, as the owner of these tables, without segments that the caller does not see';

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
                       '(SELECT segments.hidden_segments(t.contact_table) FROM segments.contact_table AS t'
                       ' WHERE t.%2$s = %1$L::regclass)::bigint[]))', beside.column1, beside.column2);
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', beside.column1);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.open_to_readers(regclass) IS
    'lets everybody who may read a contact table read its members, overrides and log, of segments that they see; for their owner';

CREATE FUNCTION segments.find_segment(segment text, OUT id bigint, OUT is_static boolean, OUT tables segments.contact_table)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.id, segments.is_static(s.filters), t
    FROM segments.segment AS s JOIN segments.contact_table AS t USING (contact_table)
    WHERE s.id = segments.resolve_segment(segment)
$function$;
COMMENT ON FUNCTION segments.find_segment(text) IS 'internal: a segment and the tables its members are in';

CREATE FUNCTION segments.tables_of(contact_table regclass) RETURNS segments.contact_table
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    wanted regclass := coalesce(contact_table, segments.default_contact_table());
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
COMMENT ON FUNCTION segments.tables_of(regclass) IS 'internal: an attached contact table, null: the only one';

CREATE FUNCTION segments.base_type(type regtype) RETURNS regtype
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_base_type';
COMMENT ON FUNCTION segments.base_type(regtype) IS 'internal: the type that a domain is over, else the type itself';

CREATE FUNCTION segments.check_key_type(tables segments.contact_table, given regtype) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key_type regtype;
BEGIN
    IF given = tables.key_type THEN
        RETURN;
    END IF;
    key_type := segments.base_type(tables.key_type);
    given := segments.base_type(given);
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
COMMENT ON FUNCTION segments.check_key_type(segments.contact_table, regtype) IS 'internal: an error when keys of a contact table cannot be given, or wanted, in a type; text is for all';

CREATE FUNCTION segments.check_key_is_null(key anyelement) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF key IS NOT NULL THEN
        RAISE EXCEPTION 'key must be null' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'Only its type counts, in which keys are wanted.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.check_key_is_null(anyelement) IS 'internal: an error when more than a type was given';

CREATE FUNCTION segments.key_in(contact_table regclass, key text, type anyelement) RETURNS anyelement
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_key_in';
COMMENT ON FUNCTION segments.key_in(regclass, text, anyelement) IS 'internal: a text as a key of a contact table, in the base type of its keys, of which type is any null; what that runs runs as the owner of the table';

CREATE FUNCTION segments.key_from_text(tables segments.contact_table, key text) RETURNS text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT format('segments.key_in(%L::regclass, %L, NULL::%s)', tables.contact_table::oid, key, segments.base_type(tables.key_type)) $$;
COMMENT ON FUNCTION segments.key_from_text(segments.contact_table, text) IS 'internal: SQL for a contact''s key that is given as text';

CREATE FUNCTION segments.key_text(tables segments.contact_table, contact anyelement) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments.check_key_type(tables, pg_typeof(contact));
    IF contact IS NULL THEN
        RAISE EXCEPTION 'contact must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN format('%s', contact);
END
$function$;
COMMENT ON FUNCTION segments.key_text(segments.contact_table, anyelement) IS 'internal: a contact''s key as text; an error when keys cannot be given in its type';

CREATE FUNCTION segments.key_literal(tables segments.contact_table, contact anyelement) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT segments.key_from_text(tables, segments.key_text(tables, contact)) $$;
COMMENT ON FUNCTION segments.key_literal(segments.contact_table, anyelement) IS 'internal: a contact''s key as SQL, of the base type of the contact table''s keys';

-- Making and changing segments.

CREATE FUNCTION segments.check_alias(alias text) RETURNS void
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
COMMENT ON FUNCTION segments.check_alias(text) IS 'internal: an error when a segment that one sees has this alias; of others the unique index tells';

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
    row.contact_table := coalesce(row.contact_table, segments.default_contact_table());
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
        PERFORM segments.check_alias(segments.make_alias(create_segment.alias));
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

CREATE FUNCTION segments.refuse_change(segment text, privilege text) RETURNS void
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
COMMENT ON FUNCTION segments.refuse_change(text, text) IS 'internal: an error when the current role may not change a segment';

CREATE FUNCTION segments.update_segment(segment text, name text DEFAULT NULL, filters segments.filter DEFAULT NULL,
                                        alias text DEFAULT NULL, public_name text DEFAULT NULL,
                                        description text DEFAULT NULL, category_id bigint DEFAULT NULL,
                                        is_published boolean DEFAULT NULL, is_global boolean DEFAULT NULL,
                                        is_preference_center boolean DEFAULT NULL, clear text[] DEFAULT '{}')
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    cleared text[] := coalesce(clear, '{}');
BEGIN
    IF NOT cleared <@ '{description,category_id}' THEN
        RAISE EXCEPTION 'only description and category_id can be cleared' USING ERRCODE = 'invalid_parameter_value';
    END IF;
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
    WHERE s.id = segments.resolve_segment(segment);
    IF NOT FOUND THEN
        PERFORM segments.refuse_change(segment, 'UPDATE');
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.update_segment(text, text, segments.filter, text, text, text, bigint, boolean, boolean, boolean, text[]) IS
    'changes what is given of a segment, and its members with it; null leaves as it is, alias '''' makes one from the name, clear empties description and category_id';

CREATE FUNCTION segments.delete_segment(segment text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.segment AS s WHERE s.id = segments.resolve_segment(segment);
    IF NOT FOUND THEN
        PERFORM segments.refuse_change(segment, 'DELETE');
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.delete_segment(text) IS 'deletes a segment and its members; refused while others refer to it';

-- Reading members.

-- Two functions: where there are several columns, the parser takes the type of
-- key neither from a default value nor from another place than its own, so it
-- is second.

CREATE FUNCTION segments.members(segment text, key anyelement, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, since timestamptz, source text)
    LANGUAGE c STABLE ROWS 1000 AS 'MODULE_PATHNAME', 'segments_members';
COMMENT ON FUNCTION segments.members(text, anyelement, text, bigint) IS
    'members, with keys in the type of key, which is any null and always second: members(''vip'', key => NULL::uuid, max => 10)';

CREATE FUNCTION segments.members(segment text, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id bigint, since timestamptz, source text)
    LANGUAGE sql STABLE ROWS 1000
    AS 'SELECT * FROM segments.members(segment, NULL::bigint, after, max)';
COMMENT ON FUNCTION segments.members(text, text, bigint) IS
    'members in the order of their keys, since when, and whether by filter or manual; for pages, after is the last key of the page before and max the size';

CREATE FUNCTION segments.member_keys(segment text, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS TABLE (contact_id text, since timestamptz, source text)
    LANGUAGE sql STABLE ROWS 1000
    AS 'SELECT * FROM segments.members(segment, NULL::text, after, max)';
COMMENT ON FUNCTION segments.member_keys(text, text, bigint) IS
    'members(), with keys as text: for contact tables with keys of any type';

CREATE FUNCTION segments.contacts(segment text, contact anyelement, after text DEFAULT NULL, max bigint DEFAULT NULL)
    RETURNS SETOF anyelement LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found record;
    tables segments.contact_table;
BEGIN
    SELECT * INTO found FROM segments.find_segment(segment);
    tables := found.tables;
    IF NOT EXISTS (SELECT FROM pg_type WHERE oid = pg_typeof(contact) AND typrelid = tables.contact_table) THEN
        RAISE EXCEPTION 'segment "%" has contacts of type %, not %', segment, tables.contact_table, pg_typeof(contact)
            USING ERRCODE = 'datatype_mismatch', HINT = format('Give NULL::%s.', tables.contact_table);
    END IF;
    RETURN QUERY EXECUTE format('SELECT c.* FROM %1$s AS c JOIN %2$s AS m ON m.contact_id = c.%3$I '
                                'WHERE m.segment_id = %4$s %5$s ORDER BY m.contact_id LIMIT %6$L::bigint',
        tables.contact_table, tables.member_table, tables.key_column, found.id,
        'AND m.contact_id > ' || segments.key_from_text(tables, after), max);
END
$function$;
COMMENT ON FUNCTION segments.contacts(text, anyelement, text, bigint) IS
    'members as rows of the contact table, of which contact is any null row, in the order of their keys; pages as for members()';

CREATE FUNCTION segments.memberships(tables segments.contact_table, key text) RETURNS TABLE (segment_id bigint, since timestamptz, included boolean)
    LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM segments.ask_beside(tables.contact_table, 'memberships', key) AS m (segment_id bigint, since timestamptz, included boolean) $$;
COMMENT ON FUNCTION segments.memberships(segments.contact_table, text) IS 'internal: segments that a contact, by its key as text, is a member of and that one sees, since when, and whether it was included by hand';

CREATE FUNCTION segments.segments_of(tables segments.contact_table, key text) RETURNS SETOF segments.segment
    LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.* FROM segments.memberships(tables, key) AS m JOIN segments.segment AS s ON s.id = m.segment_id ORDER BY s.name, s.id
$function$;
COMMENT ON FUNCTION segments.segments_of(segments.contact_table, text) IS 'internal: segments of the contact with this key';

CREATE FUNCTION segments.contact_segments(contact anyelement, contact_table regclass DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments.segments_of(tables, segments.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.contact_segments(anyelement, regclass) IS 'segments that a contact is a member of and that one sees, by name';

CREATE FUNCTION segments.contact_segments(contact text, contact_table regclass DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments.tables_of(contact_table);
BEGIN
    RETURN QUERY SELECT * FROM segments.segments_of(tables, segments.key_text(tables, contact));
END
$function$;
COMMENT ON FUNCTION segments.contact_segments(text, regclass) IS 'segments that a contact is a member of and that one sees, by name; the key as text';

CREATE FUNCTION segments.count(segment text) RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'segments_count';
COMMENT ON FUNCTION segments.count(text) IS 'number of members, exact; as fast for many as for few where segments.refresh_due() is called now and then';

CREATE FUNCTION segments.member_counts(contact_table regclass)
    RETURNS TABLE (segment_id bigint, members bigint, joins bigint, leaves bigint, last_change timestamptz)
    LANGUAGE c STABLE STRICT ROWS 1000 AS 'MODULE_PATHNAME', 'segments_member_counts';
COMMENT ON FUNCTION segments.member_counts(regclass) IS 'internal: members, joins and leaves of the segments of a contact table, without those that never had any; for who may read the contact table';

-- Changing members by hand.

CREATE FUNCTION segments.change_by_hand(segment_id bigint, contacts anyarray, action text) RETURNS boolean[]
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_change_by_hand';
COMMENT ON FUNCTION segments.change_by_hand(bigint, anyarray, text) IS
    'includes, excludes or resets contacts by hand; for each, whether it exists.  EXECUTE on it is the right to change members by hand, by add_contact() and all its like, of segments that one sees; owners of contact tables need none';
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM PUBLIC;

CREATE FUNCTION segments.by_hand(segment_id bigint, contacts anyarray, action text, source text, reference text) RETURNS boolean[]
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_change_by_hand';
COMMENT ON FUNCTION segments.by_hand(bigint, anyarray, text, text, text) IS
    'internal: change_by_hand(), which lets in the owner of the contact table, and who may execute that; with what does it, and which one, or nulls';

CREATE FUNCTION segments.change_contact(segment text, contact anyelement, action text, source text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found record;
    tables segments.contact_table;
    answer boolean[];
BEGIN
    SELECT * INTO found FROM segments.find_segment(segment);
    tables := found.tables;
    EXECUTE format('SELECT segments.by_hand(%s, ARRAY[%s], %L, %L, NULL)',
                   found.id, segments.key_literal(tables, contact), action, source) INTO answer;
    IF NOT answer[1] THEN
        RAISE EXCEPTION 'contact % does not exist in "%"', contact,
            (SELECT relname FROM pg_class WHERE oid = tables.contact_table) USING ERRCODE = 'no_data_found';
    END IF;
    RETURN true;
END
$function$;
COMMENT ON FUNCTION segments.change_contact(text, anyelement, text, text) IS 'internal: includes, excludes or resets one contact; an error when there is no such contact';

CREATE FUNCTION segments.change_contacts(segment text, contacts anyarray, action text,
                                         source text DEFAULT NULL, reference text DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found record;
    tables segments.contact_table;
    base regtype;
    asked contacts%TYPE;
    answer boolean[];
BEGIN
    SELECT * INTO found FROM segments.find_segment(segment);
    tables := found.tables;
    base := segments.base_type(tables.key_type);
    PERFORM segments.check_key_type(tables, pg_typeof(contact_id));
    asked := ARRAY(SELECT u.c FROM (SELECT c, min(number) AS number FROM unnest(contacts) WITH ORDINALITY AS e (c, number)
                                    WHERE c IS NOT NULL GROUP BY c) AS u
                   ORDER BY u.number);
    EXECUTE format(CASE WHEN base = segments.base_type(pg_typeof(contact_id)) THEN 'SELECT segments.by_hand($1, $2::%2$s[], $3, $4, $5)'
                        ELSE 'SELECT segments.by_hand($1, ARRAY(SELECT segments.key_in(%1$L::regclass, u.k::text, NULL::%2$s) '
                             'FROM unnest($2) WITH ORDINALITY AS u (k, n) ORDER BY u.n), $3, $4, $5)' END,
                   tables.contact_table::oid, base)
    INTO answer USING found.id, asked, action, source, reference;
    RETURN QUERY SELECT t.c, t.s FROM unnest(asked, answer) AS t (c, s);
END
$function$;
COMMENT ON FUNCTION segments.change_contacts(text, anyarray, text, text, text) IS 'internal: includes, excludes or resets contacts';

CREATE FUNCTION segments.add_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''include'')';
COMMENT ON FUNCTION segments.add_contact(text, anyelement) IS 'includes a contact by hand: it stays a member whatever the filters say; true, also when it was included before';

CREATE FUNCTION segments.add_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''include'')';
COMMENT ON FUNCTION segments.add_contact(text, text) IS 'includes a contact by hand; the key as text';

CREATE FUNCTION segments.remove_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contact(text, anyelement) IS 'takes a member out by hand, and keeps it out whatever the filters say; true, also when it was no member';

CREATE FUNCTION segments.remove_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contact(text, text) IS 'takes a member out by hand; the key as text';

CREATE FUNCTION segments.reset_contact(segment text, contact anyelement) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''reset'')';
COMMENT ON FUNCTION segments.reset_contact(text, anyelement) IS 'forgets that a contact was included or excluded by hand: the filters decide again';

CREATE FUNCTION segments.reset_contact(segment text, contact text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT segments.change_contact(segment, contact, ''reset'')';
COMMENT ON FUNCTION segments.reset_contact(text, text) IS 'forgets that a contact was included or excluded by hand; the key as text';

CREATE FUNCTION segments.add_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts, ''include'')';
COMMENT ON FUNCTION segments.add_contacts(text, anyarray) IS 'includes contacts by hand, in one step; success is false for those that do not exist; repeated ones count once';

CREATE FUNCTION segments.add_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts::text[], ''include'')';
COMMENT ON FUNCTION segments.add_contacts(text, text) IS 'add_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments.remove_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts, ''exclude'')';
COMMENT ON FUNCTION segments.remove_contacts(text, anyarray) IS 'takes contacts out by hand, in one step; success is false for those that do not exist; repeated ones count once';

CREATE FUNCTION segments.remove_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts::text[], ''exclude'')';
COMMENT ON FUNCTION segments.remove_contacts(text, text) IS 'remove_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments.reset_contacts(segment text, contacts anyarray) RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts, ''reset'')';
COMMENT ON FUNCTION segments.reset_contacts(text, anyarray) IS 'forgets that contacts were included or excluded by hand, in one step; success is false for those that do not exist';

CREATE FUNCTION segments.reset_contacts(segment text, contacts text) RETURNS TABLE (contact_id text, success boolean)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.change_contacts(segment, contacts::text[], ''reset'')';
COMMENT ON FUNCTION segments.reset_contacts(text, text) IS 'reset_contacts() of an array that is given as text: ''{1,2}''; keys are returned as text';

CREATE FUNCTION segments.check_published(segment text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found bigint := segments.resolve_segment(segment);
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'segment must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = found AND s.is_published) THEN
        RAISE EXCEPTION 'segment "%" is not published', segment USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION segments.check_published(text) IS 'internal: id of a published segment; an error when there is none that one sees, or it is not published';

CREATE FUNCTION segments.change_segments(contacts anyarray, add text[] DEFAULT '{}', remove text[] DEFAULT '{}',
                                         source text DEFAULT 'batch', reference text DEFAULT NULL)
    RETURNS TABLE (contact_id anyelement, success boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The contacts are locked for the first segment, in the order of their keys, so
 * that two who change the same ones take turns.
 */
DECLARE
    change record;
BEGIN
    IF contacts IS NULL OR array_position(contacts, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'contact must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR change IN
        SELECT c.id, c.action, row_number() OVER (ORDER BY c.action DESC, c.id) AS number,
               count(*) OVER () AS changes, s.contact_table,
               min(s.contact_table::oid) OVER () <> max(s.contact_table::oid) OVER () AS is_mixed
        FROM (SELECT DISTINCT segments.check_published(a) AS id, 'include' AS action FROM unnest(add) AS a
              UNION ALL
              SELECT DISTINCT segments.check_published(r), 'exclude' FROM unnest(remove) AS r) AS c
            JOIN segments.segment AS s ON s.id = c.id
        ORDER BY number
    LOOP
        IF change.is_mixed THEN
            RAISE EXCEPTION 'segments of different contact tables cannot be changed together' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF change.number < change.changes THEN
            PERFORM segments.change_contacts(change.id::text, contacts, change.action, source, reference);
        ELSE
            RETURN QUERY SELECT * FROM segments.change_contacts(change.id::text, contacts, change.action, source, reference);
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.change_segments(anyarray, text[], text[], text, text) IS
    'the action of a campaign, a form or a batch: includes contacts by hand in the segments of add, then takes them out of those of remove, all or nothing; only published segments; success is false for contacts that do not exist; source says by what: campaign, form, batch, import, point trigger, preference or api, reference which one';

-- What there is to know about segments.  A function, since a view reads its
-- tables with the rights of its owner.

CREATE FUNCTION segments.status_of(
    contact_tables regclass[],
    OUT id bigint, OUT alias text, OUT name text, OUT contact_table regclass, OUT is_published boolean, OUT state text,
    OUT error text, OUT members bigint, OUT joins bigint, OUT leaves bigint, OUT last_change timestamptz,
    OUT evaluated_at timestamptz, OUT next_move timestamptz, OUT built_at timestamptz, OUT build_time interval,
    OUT refresh_failed_at timestamptz, OUT refresh_error text)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table;
BEGIN
    FOR tables IN
        SELECT t.* FROM segments.contact_table AS t
        WHERE t.contact_table = ANY (status_of.contact_tables) AND has_table_privilege(t.contact_table, 'SELECT')
        ORDER BY t.contact_table::oid
    LOOP
        RETURN QUERY EXECUTE format($query$
            SELECT s.id, s.alias, s.name, s.contact_table, s.is_published,
                   CASE WHEN f.error IS NOT NULL AND s.state <> 'building' THEN 'failed' ELSE s.state END,
                   CASE WHEN s.state <> 'building' THEN coalesce(s.error, f.error) END,
                   coalesce(c.members, 0), coalesce(c.joins, 0), coalesce(c.leaves, 0), c.last_change,
                   k.evaluated_at, greatest(k.next_move, k.evaluated_at), s.built_at, s.build_time,
                   h.failed_at, h.error
            FROM segments.segment AS s
            LEFT JOIN segments.contact_clock AS h ON h.contact_table = s.contact_table
            LEFT JOIN (SELECT DISTINCT ON (f.segment_id) f.segment_id, f.error FROM segments.segment_failure AS f
                       ORDER BY f.segment_id, f.failed_at DESC, f.number) AS f ON f.segment_id = s.id
            LEFT JOIN segments.member_counts(%1$s::oid) AS c ON c.segment_id = s.id
            LEFT JOIN (SELECT k.segment_id, k.next_move, coalesce(k.evaluated_at, t.evaluated_at) AS evaluated_at
                       FROM segments.segment_clock AS k
                       LEFT JOIN segments.contact_clock AS t ON t.contact_table = k.contact_table) AS k ON k.segment_id = s.id
            WHERE s.contact_table = %1$s::oid ORDER BY s.id$query$, tables.contact_table::oid);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.status_of(regclass[]) IS 'internal: rows of segments.status, of the segments that the current role sees';

CREATE FUNCTION segments.status_of_all(contact_tables regclass[]) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM segments.status_of(contact_tables)';
COMMENT ON FUNCTION segments.status_of_all(regclass[]) IS 'internal: rows of segments.status, of all segments, for who watches the server';
REVOKE EXECUTE ON FUNCTION segments.status_of_all(regclass[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segments.status_of_all(regclass[]) TO pg_monitor;

CREATE FUNCTION segments.segment_status(
    OUT id bigint, OUT alias text, OUT name text, OUT contact_table regclass, OUT is_published boolean, OUT state text,
    OUT error text, OUT members bigint, OUT joins bigint, OUT leaves bigint, OUT last_change timestamptz,
    OUT evaluated_at timestamptz, OUT next_move timestamptz, OUT built_at timestamptz, OUT build_time interval,
    OUT refresh_failed_at timestamptz, OUT refresh_error text)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    all_tables regclass[] := ARRAY(SELECT t.contact_table FROM segments.contact_table AS t ORDER BY t.contact_table::oid);
BEGIN
    IF pg_has_role('pg_monitor', 'USAGE') THEN
        RETURN QUERY SELECT * FROM segments.status_of_all(all_tables) AS s (
            id bigint, alias text, name text, contact_table regclass, is_published boolean, state text, error text, members bigint,
            joins bigint, leaves bigint, last_change timestamptz, evaluated_at timestamptz, next_move timestamptz,
            built_at timestamptz, build_time interval, refresh_failed_at timestamptz, refresh_error text);
    ELSE
        RETURN QUERY SELECT * FROM segments.status_of(all_tables);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.segment_status() IS 'internal: the rows of segments.status';

CREATE VIEW segments.status AS SELECT * FROM segments.segment_status();
COMMENT ON VIEW segments.status IS 'Segments that one sees: how many members, what changed, when they next move with time, what failed and why';
COMMENT ON COLUMN segments.status.id IS 'id';
COMMENT ON COLUMN segments.status.alias IS 'alias';
COMMENT ON COLUMN segments.status.name IS 'name';
COMMENT ON COLUMN segments.status.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.status.is_published IS 'whether it is kept up to date';
COMMENT ON COLUMN segments.status.state IS 'building, ready or failed: set aside with the members that it had, until segments.rebuild()';
COMMENT ON COLUMN segments.status.error IS 'why it failed';
COMMENT ON COLUMN segments.status.members IS 'number of members, exact';
COMMENT ON COLUMN segments.status.joins IS 'how often contacts joined, also if the log has lost it since; after a dump was restored: since the oldest entry of its log';
COMMENT ON COLUMN segments.status.leaves IS 'how often contacts left, likewise';
COMMENT ON COLUMN segments.status.last_change IS 'instant of the last join or leave';
COMMENT ON COLUMN segments.status.evaluated_at IS 'the instant it was last brought forward to, if its filters move with time';
COMMENT ON COLUMN segments.status.next_move IS 'the next instant at which its filters can stand for something else';
COMMENT ON COLUMN segments.status.built_at IS 'when its members were last computed as a whole';
COMMENT ON COLUMN segments.status.build_time IS 'how long that took';
COMMENT ON COLUMN segments.status.refresh_failed_at IS 'when the last segments.refresh_due() failed for its contact table; null: it did not';
COMMENT ON COLUMN segments.status.refresh_error IS 'why';
GRANT SELECT ON segments.status TO PUBLIC;
