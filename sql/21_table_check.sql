-- ---------------------------------------------------------------------------
-- What a table must be to be attached
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.is_own_table(relation regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM pg_class WHERE oid = relation AND relnamespace = 'segments'::regnamespace)
        OR EXISTS (SELECT FROM segments.contact_table
                   WHERE relation IN (member_table, override_table, change_table))
$function$;
COMMENT ON FUNCTION segments_internal.is_own_table(regclass) IS 'is this a table of the extension, or one that it keeps beside a contact table?';

CREATE FUNCTION segments_internal.is_attached(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM segments.contact_table WHERE contact_table = is_attached.relation)
        OR EXISTS (SELECT FROM segments.relation AS r WHERE is_attached.relation IN (r.related_table, r.link_table))
$function$;
COMMENT ON FUNCTION segments_internal.is_attached(regclass) IS 'was this very table attached, as one of contacts, companies, links or related rows?';

CREATE FUNCTION segments_internal.parts_of(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- one that is being detached concurrently has left for all queries
    WITH RECURSIVE part AS (
        SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = parts_of.relation AND NOT i.inhdetachpending
        UNION
        SELECT i.inhrelid FROM part AS p JOIN pg_inherits AS i ON i.inhparent = p.inhrelid AND NOT i.inhdetachpending
    )
    SELECT inhrelid::regclass FROM part
$function$;
COMMENT ON FUNCTION segments_internal.parts_of(regclass) IS 'partitions of a table, and tables that inherit from it, however far below it';

CREATE FUNCTION segments_internal.tables_above(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE above AS (
        SELECT i.inhparent FROM pg_inherits AS i WHERE i.inhrelid = tables_above.relation AND NOT i.inhdetachpending
        UNION
        SELECT i.inhparent FROM above AS a JOIN pg_inherits AS i ON i.inhrelid = a.inhparent AND NOT i.inhdetachpending
    )
    SELECT inhparent::regclass FROM above
$function$;
COMMENT ON FUNCTION segments_internal.tables_above(regclass) IS 'tables that one is a partition of, or inherits from, however far above it';

CREATE FUNCTION segments_internal.generates_alone(part regclass, whole regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- servers refuse it since 16; up to then triggers are shown what was given for the column
    SELECT EXISTS (SELECT FROM pg_class WHERE oid = generates_alone.whole AND relkind = 'p')
       AND EXISTS (SELECT FROM pg_attribute AS a JOIN pg_attribute AS w ON w.attname = a.attname
                   WHERE a.attrelid = generates_alone.part AND w.attrelid = generates_alone.whole
                     AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> '' AND w.attgenerated = '')
$function$;
COMMENT ON FUNCTION segments_internal.generates_alone(regclass, regclass) IS 'does a partition compute a column that is an ordinary one of the partitioned table?';

CREATE FUNCTION segments_internal.check_parts(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Every row of the table must be seen when it changes, and be there after a
 * crash if the table's own are.
 */
DECLARE
    whole pg_class;
    problem record;
BEGIN
    SELECT * INTO whole FROM pg_class WHERE oid = check_parts.relation;
    SELECT c.relname, CASE
        WHEN c.relkind NOT IN ('r', 'p') THEN 'It is a foreign table, whose rows change unnoticed.'
        WHEN c.relpersistence = 't' THEN 'It is a temporary table, and segments outlive the session.'
        WHEN c.relpersistence = 'u' AND whole.relpersistence <> 'u' THEN 'It is unlogged: after a crash its rows would be gone and the members would not.'
        WHEN segments_internal.is_own_table(c.oid) THEN 'It belongs to segments.'
        WHEN segments_internal.is_attached(c.oid) THEN 'It is attached itself.'
        WHEN segments_internal.generates_alone(c.oid, whole.oid) THEN 'It computes a column that the other table does not.'
        ELSE 'It inherits from another table too, and rows written through that would go unnoticed.' END AS reason
    INTO problem
    FROM segments_internal.parts_of(whole.oid) AS p (oid) JOIN pg_class AS c ON c.oid = p.oid
    WHERE c.relkind NOT IN ('r', 'p') OR c.relpersistence = 't' OR (c.relpersistence = 'u' AND whole.relpersistence <> 'u')
       OR segments_internal.is_own_table(c.oid) OR segments_internal.is_attached(c.oid) OR segments_internal.generates_alone(c.oid, whole.oid)
       OR EXISTS (SELECT FROM segments_internal.tables_above(c.oid) AS a WHERE a <> whole.oid AND a NOT IN (SELECT segments_internal.parts_of(whole.oid)))
    ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'segments cannot follow table "%", which holds rows of table "%"', problem.relname, whole.relname
            USING ERRCODE = 'feature_not_supported', DETAIL = problem.reason;
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_parts(regclass) IS 'refuse a table some of whose rows are where their changes would not be seen';

CREATE FUNCTION segments_internal.check_table(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    class pg_class;
    parent name;
BEGIN
    IF check_table.relation IS NULL THEN
        RAISE EXCEPTION 'table must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO class FROM pg_class WHERE oid = check_table.relation;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation with OID % does not exist', check_table.relation::oid
            USING ERRCODE = 'undefined_table';
    END IF;

    IF class.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is not a table', class.relname
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = CASE class.relkind
                               WHEN 'v' THEN 'It is a view.'
                               WHEN 'm' THEN 'It is a materialized view.'
                               WHEN 'f' THEN 'It is a foreign table.'
                               WHEN 'i' THEN 'It is an index.'
                               WHEN 'S' THEN 'It is a sequence.'
                               WHEN 'c' THEN 'It is a composite type.'
                               ELSE 'It holds no rows of its own.' END,
                  HINT = 'Only ordinary and partitioned tables can be attached.';
    ELSIF class.relpersistence = 't' THEN
        RAISE EXCEPTION 'cannot attach temporary table "%"', class.relname
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Segments outlive the session.';
    END IF;
    SELECT relname INTO parent FROM segments_internal.tables_above(class.oid) AS a (oid) JOIN pg_class AS c ON c.oid = a.oid
    WHERE NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot attach table "%" because it % table "%"', class.relname,
            CASE WHEN class.relispartition THEN 'is a partition of' ELSE 'inherits from' END, parent
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Rows written through that table would go unnoticed.',
                  HINT = format('Attach table "%s".', parent);
    ELSIF segments_internal.is_own_table(class.oid) THEN
        RAISE EXCEPTION 'cannot attach table "%" because it belongs to segments', class.relname
            USING ERRCODE = 'wrong_object_type';
    ELSIF class.oid < 16384 THEN
        RAISE EXCEPTION 'cannot attach system catalog "%"', class.relname
            USING ERRCODE = 'wrong_object_type';
    END IF;
    PERFORM segments_internal.check_parts(class.oid);
END
$function$;
COMMENT ON FUNCTION segments_internal.check_table(regclass) IS 'refuse what cannot be a contact table or a related table';

CREATE FUNCTION segments_internal.check_owner(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT segments.owns(check_owner.relation) THEN
        RAISE EXCEPTION 'must be owner of table %', (SELECT relname FROM pg_class WHERE oid = check_owner.relation)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_owner(regclass) IS 'refuse who does not have the rights of a table''s owner';

CREATE FUNCTION segments_internal.check_contact_table(contact_table regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF check_contact_table.contact_table IS NULL THEN
        RAISE EXCEPTION 'contact table must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM segments.contact_table AS t WHERE t.contact_table = check_contact_table.contact_table) THEN
        RAISE EXCEPTION 'table "%" is not a contact table',
            coalesce((SELECT relname FROM pg_class WHERE oid = check_contact_table.contact_table),
                     check_contact_table.contact_table::text)
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Attach it with segments.attach().';
    END IF;
    PERFORM segments_internal.check_owner(check_contact_table.contact_table);
END
$function$;
COMMENT ON FUNCTION segments_internal.check_contact_table(regclass) IS 'refuse a table that is not attached, or that the caller does not own';

CREATE FUNCTION segments_internal.check_timezone(timezone text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- the same rules as where phrases are computed
    PERFORM segments.phrase_start('today', check_timezone.timezone, now());
END
$function$;
COMMENT ON FUNCTION segments_internal.check_timezone(text) IS 'refuse a name that is no time zone';

CREATE FUNCTION segments_internal.is_hashable(type regtype) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- down to what domains, arrays and ranges are made of
    WITH RECURSIVE part AS (
        SELECT t.* FROM pg_type AS t WHERE t.oid = is_hashable.type
        UNION
        SELECT t.* FROM part AS p
            JOIN pg_type AS t ON t.oid = CASE WHEN p.typtype = 'd' THEN p.typbasetype
                                              WHEN p.typtype = 'r' THEN (SELECT rngsubtype FROM pg_range WHERE rngtypid = p.oid)
                                              WHEN p.typcategory = 'A' AND p.typelem <> 0 THEN p.typelem END
    )
    SELECT bool_and(
        p.typtype IN ('d', 'e', 'r', 'c') OR (p.typcategory = 'A' AND p.typelem <> 0)
        OR EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS a ON a.oid = o.opcmethod AND a.amname = 'hash'
                   WHERE o.opcdefault AND (o.opcintype = p.oid
                         OR EXISTS (SELECT FROM pg_cast AS c
                                    WHERE c.castsource = p.oid AND c.casttarget = o.opcintype AND c.castmethod = 'b'))))
    FROM part AS p
$function$;
COMMENT ON FUNCTION segments_internal.is_hashable(regtype) IS 'can values of this type be found by hash?';

CREATE FUNCTION segments_internal.is_array(type regtype) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    -- such values are not the elements of arrays, in which keys are passed to queries
    SELECT typarray = 0 FROM pg_type WHERE oid = segments_internal.base_type(is_array.type)
$function$;
COMMENT ON FUNCTION segments_internal.is_array(regtype) IS 'is this the type of an array, or a domain over one?';

CREATE FUNCTION segments_internal.check_key(relation regclass, OUT key_column name, OUT key_type regtype, OUT declaration text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The declaration is what a column of another table needs to hold the key.
 */
DECLARE
    table_name name := (SELECT relname FROM pg_class WHERE oid = check_key.relation);
    key pg_index;
    col pg_attribute;
    part name;
BEGIN
    SELECT * INTO key FROM pg_index WHERE indrelid = check_key.relation AND indisprimary;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation "%" has no primary key', table_name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Add a primary key of one column.';
    ELSIF key.indnkeyatts <> 1 THEN
        RAISE EXCEPTION 'primary key of relation "%" has more than one column', table_name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'A contact needs a key of one column.';
    ELSIF NOT key.indimmediate THEN
        RAISE EXCEPTION 'primary key of relation "%" is deferrable', table_name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'A key must be unique after every statement.';
    END IF;
    SELECT * INTO col FROM pg_attribute WHERE attrelid = key.indrelid AND attnum = key.indkey[0];
    SELECT min(c.relname) INTO part FROM segments_internal.parts_of(check_key.relation) AS p (oid) JOIN pg_class AS c ON c.oid = p.oid
    WHERE NOT c.relispartition AND NOT EXISTS (
                      SELECT FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
                        AND i.indpred IS NULL AND i.indexprs IS NULL AND a.attname = col.attname);
    IF FOUND AND part IS NOT NULL THEN
        RAISE EXCEPTION 'table "%" has no unique index over the primary key of table "%", from which it inherits', part, table_name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Use ALTER TABLE ... ADD PRIMARY KEY (%I).', col.attname);
    END IF;
    IF NOT segments_internal.is_hashable(col.atttypid) THEN
        RAISE EXCEPTION 'could not identify a hash function for type %', format_type(col.atttypid, NULL)
            USING ERRCODE = 'undefined_function', DETAIL = format('The primary key of relation "%s" has this type.', table_name);
    ELSIF EXISTS (SELECT FROM pg_collation WHERE oid = col.attcollation AND NOT collisdeterministic) THEN
        RAISE EXCEPTION 'primary key of relation "%" has a nondeterministic collation', table_name
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Different keys would count as equal.';
    ELSIF EXISTS (SELECT FROM pg_type AS t LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
                  WHERE t.oid = col.atttypid AND coalesce(b.typtype, t.typtype) = 'b'
                  AND coalesce(b.typnamespace, t.typnamespace) <> 'pg_catalog'::regnamespace) THEN
        RAISE EXCEPTION 'primary key of relation "%" is of type %, which extensions or users define',
            table_name, format_type(col.atttypid, NULL)
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Keys are compared by the server''s own operators.';
    ELSIF (SELECT typtype FROM pg_type WHERE oid = segments_internal.base_type(col.atttypid)) = 'c' THEN
        RAISE EXCEPTION 'primary key of relation "%" is of composite type %', table_name, format_type(col.atttypid, NULL)
            USING ERRCODE = 'feature_not_supported', DETAIL = 'A key is one value.';
    ELSIF segments_internal.is_array(col.atttypid) THEN
        RAISE EXCEPTION 'primary key of relation "%" is of array type %', table_name, format_type(col.atttypid, NULL)
            USING ERRCODE = 'feature_not_supported', DETAIL = 'A key is one value.';
    END IF;

    check_key.key_column := col.attname;
    check_key.key_type := col.atttypid;
    check_key.declaration := format_type(col.atttypid, col.atttypmod)
        || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
                     FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                     WHERE c.oid = col.attcollation AND c.collname <> 'default'), '');
END
$function$;
COMMENT ON FUNCTION segments_internal.check_key(regclass) IS 'the single column of a primary key and its type; refuses a table without one';

CREATE FUNCTION segments_internal.column_type(relation regclass, column_name name) RETURNS regtype
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    type regtype := (SELECT atttypid FROM pg_attribute
                     WHERE attrelid = column_type.relation AND attname = column_type.column_name
                       AND attnum > 0 AND NOT attisdropped);
BEGIN
    IF type IS NULL THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', column_type.column_name,
            (SELECT relname FROM pg_class WHERE oid = column_type.relation)
            USING ERRCODE = 'undefined_column';
    END IF;
    RETURN type;
END
$function$;
COMMENT ON FUNCTION segments_internal.column_type(regclass, name) IS 'type of a column; refuses a column that does not exist';

CREATE FUNCTION segments_internal.check_stored(relation regclass, column_name name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = check_stored.relation AND attname = check_stored.column_name AND attgenerated = 'v') THEN
        RAISE EXCEPTION 'column "%" of relation "%" is computed when it is read', check_stored.column_name,
            (SELECT relname FROM pg_class WHERE oid = check_stored.relation)
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Rows are found by columns that are stored.',
                  HINT = 'Use a column that is stored.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_stored(regclass, name) IS 'refuse a virtual generated column where rows have to be found by it';

CREATE FUNCTION segments_internal.types_meet_by_server(type regtype, other regtype) RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_types_meet_by_server';
COMMENT ON FUNCTION segments_internal.types_meet_by_server(regtype, regtype) IS 'are values of two types compared, if at all, without a cast of whoever owns one of them?';

CREATE FUNCTION segments_internal.check_comparable(relation regclass, column_name name, other regclass, other_column name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    type regtype := segments_internal.column_type(check_comparable.relation, check_comparable.column_name);
    other_type regtype := segments_internal.column_type(check_comparable.other, check_comparable.other_column);
BEGIN
    PERFORM segments_internal.check_stored(check_comparable.relation, check_comparable.column_name);
    IF EXISTS (SELECT FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
               WHERE (a.attrelid, a.attname) IN ((check_comparable.relation, check_comparable.column_name), (check_comparable.other, check_comparable.other_column))
                 AND NOT c.collisdeterministic) THEN
        RAISE EXCEPTION 'column "%" of relation "%" cannot refer to column "%" of relation "%"',
            check_comparable.column_name, (SELECT relname FROM pg_class WHERE oid = check_comparable.relation),
            check_comparable.other_column, (SELECT relname FROM pg_class WHERE oid = check_comparable.other)
            USING ERRCODE = 'datatype_mismatch', DETAIL = 'Its collation is nondeterministic: different keys would count as equal.';
    END IF;
    IF segments_internal.is_array(type) OR segments_internal.is_array(other_type) THEN
        RAISE EXCEPTION 'column "%" of relation "%" cannot refer to column "%" of relation "%"',
            check_comparable.column_name, (SELECT relname FROM pg_class WHERE oid = check_comparable.relation),
            check_comparable.other_column, (SELECT relname FROM pg_class WHERE oid = check_comparable.other)
            USING ERRCODE = 'feature_not_supported', DETAIL = 'A key is one value, not an array.';
    END IF;
    -- analysed, but never evaluated: domains have conditions
    PERFORM segments_internal.qualify_expression(format('NULL::%s = NULL::%s', type, other_type), check_comparable.relation);
    IF NOT segments_internal.types_meet_by_server(type, other_type) THEN
        RAISE EXCEPTION 'column "%" of relation "%" cannot refer to column "%" of relation "%"',
            check_comparable.column_name, (SELECT relname FROM pg_class WHERE oid = check_comparable.relation),
            check_comparable.other_column, (SELECT relname FROM pg_class WHERE oid = check_comparable.other)
            USING ERRCODE = 'datatype_mismatch', HINT = 'Give both columns one type.',
                  DETAIL = format('Types %s and %s are compared by a cast that whoever owns one of them can change.', type, other_type);
    END IF;
EXCEPTION WHEN undefined_function OR ambiguous_function THEN
    RAISE EXCEPTION 'column "%" of relation "%" cannot refer to column "%" of relation "%"',
        check_comparable.column_name, (SELECT relname FROM pg_class WHERE oid = check_comparable.relation),
        check_comparable.other_column, (SELECT relname FROM pg_class WHERE oid = check_comparable.other)
        USING ERRCODE = 'datatype_mismatch', DETAIL = format('Types %s and %s cannot be compared.', type, other_type);
END
$function$;
COMMENT ON FUNCTION segments_internal.check_comparable(regclass, name, regclass, name) IS 'refuse a reference between columns whose types cannot be compared';

CREATE FUNCTION segments_internal.check_holds_key(relation regclass, column_name name, contact_table regclass, key_column name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What = takes for one key must be one key as a value of its type: not so what
 * is rounded, cut off, or read in a time zone.
 */
DECLARE
    type regtype := segments_internal.base_type(segments_internal.column_type(check_holds_key.relation, check_holds_key.column_name));
    key_type regtype := segments_internal.base_type(segments_internal.column_type(check_holds_key.contact_table, check_holds_key.key_column));
BEGIN
    PERFORM segments_internal.check_comparable(check_holds_key.relation, check_holds_key.column_name, check_holds_key.contact_table,
                                               check_holds_key.key_column);
    IF NOT (type = key_type
            OR ARRAY[type, key_type] <@ '{smallint,integer,bigint,numeric}'::regtype[]
            OR key_type = ANY ('{text,varchar}'::regtype[]) AND type = ANY ('{text,varchar,bpchar,name}'::regtype[])) THEN
        RAISE EXCEPTION 'column "%" of relation "%" cannot hold keys of contact table "%"', check_holds_key.column_name,
            (SELECT relname FROM pg_class WHERE oid = check_holds_key.relation), (SELECT relname FROM pg_class WHERE oid = check_holds_key.contact_table)
            USING ERRCODE = 'datatype_mismatch', DETAIL = format('Not every value of type %s is one of type %s, or none.', type, key_type),
                  HINT = 'Give it the type of the key.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_holds_key(regclass, name, regclass, name) IS 'refuse a column that does not tell for certain which contact it points at';

CREATE FUNCTION segments_internal.reference_column(relation regclass, referenced regclass) RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN count(DISTINCT a.attname) = 1 THEN min(a.attname::text)::name END
    FROM pg_constraint AS f JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    WHERE f.contype = 'f' AND f.conrelid = relation AND f.confrelid = referenced AND cardinality(f.conkey) = 1
$function$;
COMMENT ON FUNCTION segments_internal.reference_column(regclass, regclass) IS 'the only column with a foreign key from one table to another, or null';

CREATE FUNCTION segments_internal.asker_may_follow(relation regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_asker_may_follow';
COMMENT ON FUNCTION segments_internal.asker_may_follow(regclass) IS 'has the role that the session acts for the privilege TRIGGER on a table?';

CREATE FUNCTION segments_internal.check_related(contact_table regclass, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Segments are evaluated with the rights of the contact table's owner, who
 * must see every row.
 */
DECLARE
    contacts pg_class;
    related pg_class;
BEGIN
    PERFORM segments_internal.check_table(check_related.relation);
    SELECT * INTO contacts FROM pg_class WHERE oid = check_related.contact_table;
    SELECT * INTO related FROM pg_class WHERE oid = check_related.relation;
    IF NOT has_table_privilege(contacts.relowner, related.oid, 'SELECT') THEN
        RAISE EXCEPTION 'permission denied for table %', related.relname
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('Owner "%s" of contact table "%s" cannot read it.', pg_get_userbyid(contacts.relowner), contacts.relname),
                  HINT = format('Use GRANT SELECT ON %s TO %I.', related.oid::regclass, pg_get_userbyid(contacts.relowner));
    ELSIF related.relrowsecurity AND NOT pg_has_role(contacts.relowner, related.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = contacts.relowner AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'row security of table "%" hides rows from the owner of contact table "%"',
            related.relname, contacts.relname
            USING ERRCODE = 'insufficient_privilege', HINT = 'Give both tables the same owner.';
    ELSIF related.relpersistence = 'u' AND contacts.relpersistence <> 'u' THEN
        RAISE EXCEPTION 'cannot attach unlogged table "%" to logged contact table "%"', related.relname, contacts.relname
            USING ERRCODE = 'wrong_object_type', DETAIL = 'After a crash its rows would be gone and the members would not.',
                  HINT = format('Use ALTER TABLE %s SET LOGGED.', related.oid::regclass);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_related(regclass, regclass) IS 'refuse a table whose rows cannot belong to contacts';
