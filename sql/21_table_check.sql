-- ---------------------------------------------------------------------------
-- What a table must be to be attached
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments.is_own_table(relation regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM pg_class WHERE oid = relation AND relnamespace = 'segments'::regnamespace)
        OR EXISTS (SELECT FROM segments.contact_table
                   WHERE relation IN (member_table, override_table, change_table))
$function$;
COMMENT ON FUNCTION segments.is_own_table(regclass) IS 'internal: is this a table of the extension, or one that it keeps beside a contact table?';

CREATE FUNCTION segments.check_table(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    class pg_class;
BEGIN
    IF check_table.relation IS NULL THEN
        RAISE EXCEPTION 'table must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO class FROM pg_class WHERE oid = check_table.relation;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation with OID % does not exist', check_table.relation::oid
            USING ERRCODE = 'undefined_table';
    END IF;

    -- a statement trigger sees only what is written through its own table
    IF class.relkind = 'p' THEN
        RAISE EXCEPTION 'cannot attach partitioned table "%"', class.relname
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Partitioned tables are not supported yet.';
    ELSIF class.relkind <> 'r' THEN
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
                  HINT = 'Only ordinary tables can be attached.';
    ELSIF class.relpersistence = 't' THEN
        RAISE EXCEPTION 'cannot attach temporary table "%"', class.relname
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Segments outlive the session.';
    ELSIF class.relispartition THEN
        RAISE EXCEPTION 'cannot attach partition "%"', class.relname
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Partitioned tables are not supported yet.';
    ELSIF EXISTS (SELECT FROM pg_inherits WHERE class.oid IN (inhrelid, inhparent)) THEN
        RAISE EXCEPTION 'cannot attach table "%" because it takes part in inheritance', class.relname
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = 'Rows written through another table of the hierarchy would go unnoticed.';
    ELSIF segments.is_own_table(class.oid) THEN
        RAISE EXCEPTION 'cannot attach table "%" because it belongs to segments', class.relname
            USING ERRCODE = 'wrong_object_type';
    ELSIF class.oid < 16384 THEN
        RAISE EXCEPTION 'cannot attach system catalog "%"', class.relname
            USING ERRCODE = 'wrong_object_type';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.check_table(regclass) IS 'internal: refuse what cannot be a contact table or a related table';

CREATE FUNCTION segments.check_owner(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT segments.owns(check_owner.relation) THEN
        RAISE EXCEPTION 'must be owner of table %', (SELECT relname FROM pg_class WHERE oid = check_owner.relation)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments.check_owner(regclass) IS 'internal: refuse who does not have the rights of a table''s owner';

CREATE FUNCTION segments.check_contact_table(contact_table regclass) RETURNS void
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
    PERFORM segments.check_owner(check_contact_table.contact_table);
END
$function$;
COMMENT ON FUNCTION segments.check_contact_table(regclass) IS 'internal: refuse a table that is not attached, or that the caller does not own';

CREATE FUNCTION segments.check_timezone(timezone text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- the same rules as where phrases are computed
    PERFORM segments.phrase_start('today', check_timezone.timezone, now());
END
$function$;
COMMENT ON FUNCTION segments.check_timezone(text) IS 'internal: refuse a name that is no time zone';

CREATE FUNCTION segments.is_hashable(type regtype) RETURNS boolean
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
COMMENT ON FUNCTION segments.is_hashable(regtype) IS 'internal: can values of this type be found by hash?';

CREATE FUNCTION segments.check_key(relation regclass, OUT key_column name, OUT key_type regtype, OUT declaration text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The declaration is what a column of another table needs to hold the key.
 */
DECLARE
    table_name name := (SELECT relname FROM pg_class WHERE oid = check_key.relation);
    key pg_index;
    col pg_attribute;
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
    IF NOT segments.is_hashable(col.atttypid) THEN
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
    END IF;

    check_key.key_column := col.attname;
    check_key.key_type := col.atttypid;
    check_key.declaration := format_type(col.atttypid, col.atttypmod)
        || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
                     FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                     WHERE c.oid = col.attcollation AND c.collname <> 'default'), '');
END
$function$;
COMMENT ON FUNCTION segments.check_key(regclass) IS 'internal: the single column of a primary key and its type; refuses a table without one';

CREATE FUNCTION segments.column_type(relation regclass, column_name name) RETURNS regtype
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
COMMENT ON FUNCTION segments.column_type(regclass, name) IS 'internal: type of a column; refuses a column that does not exist';

CREATE FUNCTION segments.check_stored(relation regclass, column_name name) RETURNS void
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
COMMENT ON FUNCTION segments.check_stored(regclass, name) IS 'internal: refuse a virtual generated column where rows have to be found by it';

CREATE FUNCTION segments.check_comparable(relation regclass, column_name name, other regclass, other_column name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    type regtype := segments.column_type(check_comparable.relation, check_comparable.column_name);
    other_type regtype := segments.column_type(check_comparable.other, check_comparable.other_column);
BEGIN
    PERFORM segments.check_stored(check_comparable.relation, check_comparable.column_name);
    -- analysed, but never evaluated: domains have conditions
    PERFORM segments.qualify_expression(format('NULL::%s = NULL::%s', type, other_type), check_comparable.relation);
EXCEPTION WHEN undefined_function OR ambiguous_function THEN
    RAISE EXCEPTION 'column "%" of relation "%" cannot refer to column "%" of relation "%"',
        check_comparable.column_name, (SELECT relname FROM pg_class WHERE oid = check_comparable.relation),
        check_comparable.other_column, (SELECT relname FROM pg_class WHERE oid = check_comparable.other)
        USING ERRCODE = 'datatype_mismatch', DETAIL = format('Types %s and %s cannot be compared.', type, other_type);
END
$function$;
COMMENT ON FUNCTION segments.check_comparable(regclass, name, regclass, name) IS 'internal: refuse a reference between columns whose types cannot be compared';

CREATE FUNCTION segments.reference_column(relation regclass, referenced regclass) RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN count(DISTINCT a.attname) = 1 THEN min(a.attname::text)::name END
    FROM pg_constraint AS f JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    WHERE f.contype = 'f' AND f.conrelid = relation AND f.confrelid = referenced AND cardinality(f.conkey) = 1
$function$;
COMMENT ON FUNCTION segments.reference_column(regclass, regclass) IS 'internal: the only column with a foreign key from one table to another, or null';

CREATE FUNCTION segments.check_related(contact_table regclass, relation regclass) RETURNS void
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
    PERFORM segments.check_table(check_related.relation);
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
COMMENT ON FUNCTION segments.check_related(regclass, regclass) IS 'internal: refuse a table whose rows cannot belong to contacts';
