-- ---------------------------------------------------------------------------
-- Attaching tables: contacts, companies, related rows
-- ---------------------------------------------------------------------------

/*
 * Everything here runs with the rights of the caller, who must own the contact
 * table: the server's own checks on CREATE TRIGGER and DROP TABLE decide, and
 * the functions that write the catalogue (23_catalogue_checks.sql).  What a
 * change means for stored segments, which the caller may not see, is done by
 * triggers on the catalogue (24_field.sql).
 *
 * Lock order: contact table, related tables, catalogue rows.
 */

-- Triggers ------------------------------------------------------------------

CREATE FUNCTION segments_internal.create_triggers(relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A statement fires the triggers of the table that it names only: so each that
 * holds rows has its own.
 */
DECLARE
    word record;
BEGIN
    FOR word IN
        SELECT * FROM (VALUES
            ('insert', 'REFERENCING NEW TABLE AS segments_new'),
            ('update', 'REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new'),
            ('delete', 'REFERENCING OLD TABLE AS segments_old'),
            ('truncate', '')) AS t (event, rows),
            (SELECT create_triggers.relation UNION ALL SELECT segments_internal.parts_of(create_triggers.relation)) AS p (part)
        WHERE NOT EXISTS (SELECT FROM pg_trigger
                          WHERE tgrelid = p.part AND tgname = 'segments_after_' || t.event
                            AND tgfoid = 'segments_internal.maintain()'::regprocedure)
    LOOP
        EXECUTE format('CREATE TRIGGER segments_after_%s AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.maintain()',
                       word.event, upper(word.event), word.part, word.rows);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.create_triggers(regclass) IS 'create those maintenance triggers of a table and its parts that they do not have yet';

CREATE FUNCTION segments_internal.is_on_replica(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = 'segments_replicated' AND tgfoid = 'segments_internal.maintain()'::regprocedure)
$function$;
COMMENT ON FUNCTION segments_internal.is_on_replica(regclass) IS 'is a table followed when a subscription brings its rows?';

CREATE FUNCTION segments_internal.follow_replication(relation regclass, wanted boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A subscription's worker fires triggers of rows, and of TRUNCATE, that are enabled for it.
 * Partitions get the former from their table; what inherits does not.
 */
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT follow_replication.relation UNION ALL SELECT segments_internal.parts_of(follow_replication.relation) LOOP
        IF wanted AND NOT segments_internal.is_on_replica(part) THEN
            EXECUTE format('CREATE TRIGGER segments_replicated AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION segments_internal.maintain()', part);
            EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER segments_replicated', part);
        ELSIF NOT wanted AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = part AND tgname = 'segments_replicated' AND tgparentid = 0) THEN
            EXECUTE format('DROP TRIGGER segments_replicated ON %s', part);
        END IF;
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = part AND tgname = 'segments_replicated' AND tgenabled <> 'R') THEN
            EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER segments_replicated', part);
        END IF;
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = part AND tgname = 'segments_after_truncate' AND (tgenabled = 'A') <> wanted) THEN
            EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER segments_after_truncate', part, CASE WHEN wanted THEN 'ALWAYS' ELSE '' END);
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_replication(regclass, boolean) IS 'follow a table, or not, when a subscription brings its rows';

CREATE FUNCTION segments_internal.is_read(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT segments_internal.is_attached(is_read.relation)
        OR EXISTS (SELECT FROM segments_internal.tables_above(is_read.relation) AS a WHERE segments_internal.is_attached(a))
$function$;
COMMENT ON FUNCTION segments_internal.is_read(regclass) IS 'can a segment depend on this table''s rows?';

CREATE FUNCTION segments_internal.drop_triggers(relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgname AS name, t.tgrelid::regclass AS part
        FROM (SELECT drop_triggers.relation UNION ALL SELECT segments_internal.parts_of(drop_triggers.relation)) AS p (part)
            JOIN pg_trigger AS t ON t.tgrelid = p.part AND t.tgfoid = 'segments_internal.maintain()'::regprocedure AND t.tgparentid = 0
        -- what stays on another owner's table does nothing: it finds no contact table
        WHERE NOT segments_internal.is_read(p.part) AND segments.owns(p.part)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger.name, trigger.part);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.drop_triggers(regclass) IS 'drop the maintenance triggers of a table and its parts that no segment reads any more';

CREATE FUNCTION segments_internal.is_maintained(contact_table regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM segments.contact_table AS t WHERE t.contact_table = is_maintained.contact_table)
       -- an owner who drops a trigger does not restore by that; one who restores over a table is believed, of this table
       AND (NOT segments_internal.is_said_to_restore()
            OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = is_maintained.contact_table
                       AND tgname = 'segments_after_update' AND tgfoid = 'segments_internal.maintain()'::regprocedure))
$function$;
COMMENT ON FUNCTION segments_internal.is_maintained(regclass) IS 'is this an attached contact table? not while a dump is being restored, before its triggers are';

-- The contact table ---------------------------------------------------------

CREATE FUNCTION segments_internal.check_layout(contact_table regclass) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_check_layout';
COMMENT ON FUNCTION segments_internal.check_layout(regclass) IS 'refuses a contact table whose key has another type than it was attached with, or beside which a table is not as attach() makes it';
REVOKE EXECUTE ON FUNCTION segments_internal.check_layout(regclass) FROM PUBLIC;

CREATE FUNCTION segments_internal.table_beside(contact_table regclass, number text, suffix text) RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    base text := (SELECT relname FROM pg_class WHERE oid = table_beside.contact_table);
BEGIN
    -- a name has 63 bytes
    WHILE octet_length(base || table_beside.suffix || table_beside.number) > 63 LOOP
        base := left(base, -1);
    END LOOP;
    RETURN base || table_beside.suffix || table_beside.number;
END
$function$;
COMMENT ON FUNCTION segments_internal.table_beside(regclass, text, text) IS 'name for a table that is kept beside a contact table';

CREATE FUNCTION segments_internal.create_tables(contact_table regclass, key_declaration text,
                                       OUT member_table regclass, OUT override_table regclass, OUT change_table regclass)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    contacts record;
    number text := '';
    names name[];
    member text;
    override text;
    change text;
BEGIN
    SELECT c.oid, c.relname, c.relnamespace, n.nspname, c.relowner, pg_get_userbyid(c.relowner) AS owner,
           CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE '' END AS persistence
    INTO contacts
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = create_tables.contact_table;
    LOOP
        names := ARRAY[segments_internal.table_beside(contacts.oid, number, '_segment_member'),
                       segments_internal.table_beside(contacts.oid, number, '_segment_override'),
                       segments_internal.table_beside(contacts.oid, number, '_segment_change')];
        EXIT WHEN NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = contacts.relnamespace AND relname = ANY (names))
            AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = contacts.relnamespace AND typname = ANY (names));
        number := (coalesce(nullif(number, ''), '1')::integer + 1)::text;
    END LOOP;
    member := format('%I.%I', contacts.nspname, names[1]);
    override := format('%I.%I', contacts.nspname, names[2]);
    change := format('%I.%I', contacts.nspname, names[3]);

    EXECUTE format($ddl$
CREATE %1$s TABLE %2$s (
    segment_id bigint NOT NULL,
    contact_id %5$s NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (segment_id, contact_id)
);
CREATE INDEX ON %2$s (contact_id, segment_id);
CREATE %1$s TABLE %3$s (
    segment_id bigint NOT NULL,
    contact_id %5$s NOT NULL,
    included boolean NOT NULL,
    since timestamptz NOT NULL,
    by_user text,
    source text,
    reference text,
    PRIMARY KEY (segment_id, contact_id)
);
CREATE INDEX ON %3$s (contact_id);
CREATE %1$s TABLE %4$s (
    xact bigint NOT NULL,
    n integer NOT NULL,
    segment_id bigint NOT NULL,
    contact_id %5$s NOT NULL,
    joined boolean NOT NULL,
    cause text NOT NULL,
    at timestamptz NOT NULL,
    lsn pg_lsn NOT NULL DEFAULT pg_catalog.pg_current_wal_insert_lsn(),
    source text,
    reference text
);
ALTER TABLE %4$s REPLICA IDENTITY FULL;
CREATE INDEX ON %4$s USING brin (xact, lsn) WITH (pages_per_range = 16);
CREATE TRIGGER segments_before_delete BEFORE DELETE ON %4$s FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.before_trim();
CREATE TRIGGER segments_after_delete AFTER DELETE ON %4$s
    REFERENCING OLD TABLE AS segments_old FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.after_trim();
CREATE TRIGGER segments_before_truncate BEFORE TRUNCATE ON %4$s FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.before_trim();
    $ddl$, contacts.persistence, member, override, change, create_tables.key_declaration);
    EXECUTE format('COMMENT ON TABLE %s IS %L', member, format('Present members of the segments of table %s', contacts.relname));
    EXECUTE format('COMMENT ON TABLE %s IS %L', override, format('Contacts of table %s included in or excluded from segments by hand', contacts.relname));
    EXECUTE format('COMMENT ON TABLE %s IS %L', change, format('Log of joins and leaves of the segments of table %s', contacts.relname));

    create_tables.member_table := member::regclass;
    create_tables.override_table := override::regclass;
    create_tables.change_table := change::regclass;
    IF contacts.owner <> current_user THEN
        EXECUTE format('ALTER TABLE %s OWNER TO %I', member, contacts.owner);
        EXECUTE format('ALTER TABLE %s OWNER TO %I', override, contacts.owner);
        EXECUTE format('ALTER TABLE %s OWNER TO %I', change, contacts.owner);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.create_tables(regclass, text) IS 'create the tables of members, overrides and changes beside a contact table';

CREATE FUNCTION segments_internal.tables_read(contact_table regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT tables_read.contact_table
    UNION SELECT t FROM segments.relation AS r, unnest(ARRAY[r.related_table, r.link_table]) AS t
          WHERE r.contact_table = tables_read.contact_table AND t IS NOT NULL
$function$;
COMMENT ON FUNCTION segments_internal.tables_read(regclass) IS 'a contact table and the tables of its relations';

CREATE FUNCTION segments_internal.lock_definitions(contact_table regclass, mode text DEFAULT 'SHARE UPDATE EXCLUSIVE') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('LOCK TABLE %s IN %s MODE', lock_definitions.contact_table, lock_definitions.mode);
    PERFORM segments_internal.check_declared_seen(ARRAY(SELECT segments_internal.tables_read(lock_definitions.contact_table)::oid));
END
$function$;
COMMENT ON FUNCTION segments_internal.lock_definitions(regclass, text) IS 'about to change what is declared for a contact table: nobody else does, and queries of this transaction see all of it';

CREATE FUNCTION segments.attach(contact_table regclass, timezone text DEFAULT NULL, case_sensitive boolean DEFAULT NULL,
                                on_replica boolean DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key record;
    attached segments.contact_table;
    tables record;
BEGIN
    PERFORM segments_internal.check_table(attach.contact_table);
    PERFORM segments_internal.check_owner(attach.contact_table);
    PERFORM segments_internal.check_timezone(attach.timezone);
    PERFORM segments_internal.lock_definitions(attach.contact_table, 'SHARE ROW EXCLUSIVE');
    SELECT * INTO key FROM segments_internal.check_key(attach.contact_table);

    SELECT * INTO attached FROM segments.contact_table AS t WHERE t.contact_table = attach.contact_table;
    IF FOUND THEN
        IF attached.key_column <> key.key_column AND EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = attach.contact_table AND attname = attached.key_column AND NOT attisdropped) THEN
            RAISE EXCEPTION 'primary key of relation "%" is column "%", and was column "%" when it was attached',
                (SELECT relname FROM pg_class WHERE oid = attach.contact_table), key.key_column, attached.key_column
                USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Members are known by the former.';
        END IF;
        IF attached.key_type <> key.key_type THEN
            RAISE EXCEPTION 'primary key of relation "%" is of type %, and was of type % when it was attached',
                (SELECT relname FROM pg_class WHERE oid = attach.contact_table), key.key_type, attached.key_type
                USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Members are known by the former.';
        END IF;
        PERFORM segments_internal.create_triggers(attach.contact_table);
        PERFORM segments_internal.follow_parts(attach.contact_table);
        PERFORM segments_internal.follow_replication(t, attach.on_replica) FROM segments_internal.tables_read(attach.contact_table) AS t;
        -- a trigger brings the members up to date
        PERFORM segments_internal.change_contact_table(attach.contact_table, key.key_column, coalesce(attach.timezone, attached.timezone),
            coalesce(attach.case_sensitive, attached.case_sensitive));
        RETURN;
    END IF;

    SELECT * INTO tables FROM segments_internal.create_tables(attach.contact_table, key.declaration);
    PERFORM segments_internal.store_contact_table(ROW(
        attach.contact_table, key.key_column, key.key_type, coalesce(attach.timezone, 'UTC'), coalesce(attach.case_sensitive, false),
        tables.member_table, tables.override_table, tables.change_table, false)::segments.contact_table);
    PERFORM segments.open_to_readers(attach.contact_table);
    PERFORM segments_internal.create_triggers(attach.contact_table);
    PERFORM segments_internal.follow_parts(attach.contact_table);
    PERFORM segments_internal.follow_replication(attach.contact_table, attach.on_replica);
END
$function$;
COMMENT ON FUNCTION segments.attach(regclass, text, boolean, boolean) IS 'make the rows of a table contacts, every column of a usable type a field; on_replica: members follow rows that a subscription brings, too; again: set the time zone, the case-sensitivity and the following of a subscription that are given, create missing triggers, and bring all members up to date';

CREATE FUNCTION segments.detach(contact_table regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    attached segments.contact_table;
    relations regclass[];
    relation regclass;
    beside text;
BEGIN
    PERFORM segments_internal.check_contact_table(detach.contact_table);
    PERFORM segments_internal.lock_definitions(detach.contact_table, 'ACCESS EXCLUSIVE');
    relations := ARRAY(SELECT segments_internal.tables_read(detach.contact_table));

    -- a trigger deletes the segments
    attached := segments_internal.forget_contact_table(detach.contact_table);
    -- a way out also where one is missing, or is not what it was
    SELECT string_agg(c.oid::regclass::text, ', ') INTO beside
    FROM pg_class AS c WHERE c.oid IN (attached.member_table, attached.override_table, attached.change_table);
    IF beside IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', beside);
    END IF;
    FOREACH relation IN ARRAY relations LOOP
        PERFORM segments_internal.drop_triggers(relation);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.detach(regclass) IS 'undo attach: deletes every segment of the contact table with its members, overrides and log, and all that was declared for it; contacts and related rows stay as they are';

-- Related rows --------------------------------------------------------------

CREATE FUNCTION segments_internal.change_relations(contact_table regclass, rows segments.relation[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Triggers come before the rows that make segments depend on them, and go
 * when nothing does.
 */
DECLARE
    former regclass[] := ARRAY(SELECT unnest(ARRAY[r.related_table, r.link_table]) FROM segments.relation AS r
                               WHERE r.contact_table = change_relations.contact_table
                                 AND r.name IN (SELECT name FROM unnest(change_relations.rows)));
    new_row segments.relation;
    relation regclass;
BEGIN
    FOR relation IN
        SELECT DISTINCT t FROM unnest(change_relations.rows) AS r, unnest(ARRAY[r.related_table, r.link_table]) AS t
        WHERE t IS NOT NULL
    LOOP
        PERFORM segments_internal.check_related(change_relations.contact_table, relation);
        PERFORM segments_internal.create_triggers(relation);
        IF segments_internal.is_on_replica(change_relations.contact_table) THEN
            PERFORM segments_internal.follow_replication(relation, true);
        END IF;
    END LOOP;
    FOREACH new_row IN ARRAY change_relations.rows LOOP
        PERFORM segments_internal.store_relation(new_row);
    END LOOP;
    PERFORM segments_internal.follow_parts(change_relations.contact_table);
    FOREACH relation IN ARRAY former LOOP
        PERFORM segments_internal.drop_triggers(relation);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.change_relations(regclass, segments.relation[]) IS 'declare relations of a contact table, with the triggers they need';

CREATE FUNCTION segments_internal.given_column(argument text, given name, relation regclass, referenced regclass) RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    found name := coalesce(given_column.given, segments_internal.reference_column(given_column.relation, given_column.referenced));
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'could not determine which column of relation "%" refers to relation "%"',
            (SELECT relname FROM pg_class WHERE oid = given_column.relation),
            (SELECT relname FROM pg_class WHERE oid = given_column.referenced)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'There is no foreign key, or more than one.',
                  HINT = format('Name the column in argument %s.', given_column.argument);
    END IF;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION segments_internal.given_column(text, name, regclass, regclass) IS 'the column named in an argument, else the one with the foreign key';

CREATE FUNCTION segments.attach_company(contact_table regclass, company_table regclass, company_column name DEFAULT NULL,
                                        link_table regclass DEFAULT NULL, link_contact_column name DEFAULT NULL,
                                        link_company_column name DEFAULT NULL, primary_column name DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    contact_key name;
    company segments.relation;
    company_all segments.relation;
BEGIN
    PERFORM segments_internal.check_contact_table(attach_company.contact_table);
    PERFORM segments_internal.check_related(attach_company.contact_table, attach_company.company_table);
    PERFORM segments_internal.lock_definitions(attach_company.contact_table);
    company.contact_table := attach_company.contact_table;
    company.name := 'company';
    company.related_table := attach_company.company_table;
    company.key_column := (segments_internal.check_key(attach_company.company_table)).key_column;
    company.only_primary := true;

    IF attach_company.link_table IS NULL THEN
        IF attach_company.link_contact_column IS NOT NULL OR attach_company.link_company_column IS NOT NULL
            OR attach_company.primary_column IS NOT NULL THEN
            RAISE EXCEPTION 'columns of a link table need argument link_table' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        company.contact_reference := segments_internal.given_column('company_column', attach_company.company_column,
            attach_company.contact_table, attach_company.company_table);
        PERFORM segments_internal.check_comparable(attach_company.contact_table, company.contact_reference,
            attach_company.company_table, company.key_column);
    ELSIF attach_company.company_column IS NOT NULL THEN
        RAISE EXCEPTION 'companies are found by a column or by a link table, not by both'
            USING ERRCODE = 'invalid_parameter_value';
    ELSE
        PERFORM segments_internal.check_related(attach_company.contact_table, attach_company.link_table);
        contact_key := (segments_internal.check_key(attach_company.contact_table)).key_column;
        company.link_table := attach_company.link_table;
        company.contact_column := segments_internal.given_column('link_contact_column', attach_company.link_contact_column,
            attach_company.link_table, attach_company.contact_table);
        company.link_column := segments_internal.given_column('link_company_column', attach_company.link_company_column,
            attach_company.link_table, attach_company.company_table);
        PERFORM segments_internal.check_holds_key(attach_company.link_table, company.contact_column, attach_company.contact_table, contact_key);
        PERFORM segments_internal.check_comparable(attach_company.link_table, company.link_column, attach_company.company_table, company.key_column);
        company.primary_column := attach_company.primary_column;
        PERFORM segments_internal.check_stored(attach_company.link_table, company.primary_column);
        IF company.primary_column IS NOT NULL
            AND segments_internal.column_type(attach_company.link_table, company.primary_column) <> 'boolean'::regtype THEN
            RAISE EXCEPTION 'column "%" must be of type boolean, not type %', company.primary_column,
                segments_internal.column_type(attach_company.link_table, company.primary_column)
                USING ERRCODE = 'datatype_mismatch', DETAIL = 'It marks the primary company.';
        END IF;
    END IF;

    company_all := company;
    company_all.name := 'company_all';
    company_all.only_primary := false;
    PERFORM segments_internal.change_relations(attach_company.contact_table, ARRAY[company, company_all]);
END
$function$;
COMMENT ON FUNCTION segments.attach_company(regclass, regclass, name, regclass, name, name, name) IS
    'declare the companies of contacts: by a column of the contact table, or by a link table, where primary_column marks the primary company (null: the lowest key is); columns not given are those with the foreign keys; again: declare them anew';

CREATE FUNCTION segments_internal.store_related(contact_table regclass, name text, related_table regclass, contact_column name,
                                       condition text, link_table regclass, link_column name, key_column name, unfollowed boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    contact_key name;
    related segments.relation;
BEGIN
    PERFORM segments_internal.check_contact_table(store_related.contact_table);
    PERFORM segments_internal.check_related(store_related.contact_table, store_related.related_table);
    PERFORM segments_internal.lock_definitions(store_related.contact_table);
    IF coalesce(store_related.name, '') = '' OR octet_length(store_related.name) > 63 THEN
        RAISE EXCEPTION 'name of a relation must have 1 to 63 bytes' USING ERRCODE = 'invalid_parameter_value';
    ELSIF store_related.name IN ('company', 'company_all', 'memberships') THEN
        RAISE EXCEPTION 'relation name "%" is reserved', store_related.name
            USING ERRCODE = 'reserved_name', HINT = 'Use segments.attach_company() for companies.';
    ELSIF store_related.contact_column IS NULL THEN
        RAISE EXCEPTION 'contact_column must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    contact_key := (segments_internal.check_key(store_related.contact_table)).key_column;
    related.contact_table := store_related.contact_table;
    related.name := store_related.name;
    related.related_table := store_related.related_table;
    related.contact_column := store_related.contact_column;
    related.condition := store_related.condition;
    related.unfollowed := store_related.unfollowed;
    related.only_primary := false;

    IF store_related.link_table IS NULL THEN
        IF store_related.link_column IS NOT NULL OR store_related.key_column IS NOT NULL THEN
            RAISE EXCEPTION 'link_column and key_column need argument link_table' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        PERFORM segments_internal.check_holds_key(store_related.related_table, store_related.contact_column, store_related.contact_table, contact_key);
    ELSE
        PERFORM segments_internal.check_related(store_related.contact_table, store_related.link_table);
        related.link_table := store_related.link_table;
        related.link_column := segments_internal.given_column('link_column', store_related.link_column,
            store_related.link_table, store_related.related_table);
        related.key_column := coalesce(store_related.key_column, (segments_internal.check_key(store_related.related_table)).key_column);
        PERFORM segments_internal.check_holds_key(store_related.link_table, store_related.contact_column, store_related.contact_table, contact_key);
        PERFORM segments_internal.check_comparable(store_related.link_table, related.link_column, store_related.related_table, related.key_column);
    END IF;
    IF related.condition IS NOT NULL THEN
        PERFORM segments_internal.check_condition(related.condition, related.related_table);
    END IF;
    PERFORM segments_internal.change_relations(store_related.contact_table, ARRAY[related]);
END
$function$;
COMMENT ON FUNCTION segments_internal.store_related(regclass, text, regclass, name, text, regclass, name, name, boolean) IS 'attach_related, its condition with qualified names';

CREATE FUNCTION segments.attach_related(contact_table regclass, name text, related_table regclass, contact_column name,
                                        condition text DEFAULT NULL, link_table regclass DEFAULT NULL,
                                        link_column name DEFAULT NULL, key_column name DEFAULT NULL,
                                        unfollowed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $function$
/*
 * Reads the condition in the caller's search path: so there is nothing else
 * here that a search path could change.
 */
BEGIN
    condition := segments_internal.qualify_expression(condition, related_table);
    PERFORM segments_internal.store_related(contact_table, name, related_table, contact_column, condition, link_table, link_column, key_column, unfollowed);
END
$function$;
COMMENT ON FUNCTION segments.attach_related(regclass, text, regclass, name, text, regclass, name, name, boolean) IS
    'declare rows that belong to contacts, for fields over them: contact_column of the related table (of the link table, where there is one) holds the contact''s key; only rows that satisfy the SQL condition count, which is refused if it depends on more than the row, or with unfollowed taken as it is; again: declare them anew';

CREATE FUNCTION segments.detach_related(contact_table regclass, name text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    former regclass[];
    relation regclass;
BEGIN
    PERFORM segments_internal.check_contact_table(detach_related.contact_table);
    PERFORM segments_internal.lock_definitions(detach_related.contact_table);
    former := segments_internal.forget_relation(detach_related.contact_table, detach_related.name);
    IF former IS NULL THEN
        RAISE EXCEPTION 'relation "%" of contact table "%" does not exist', detach_related.name,
            (SELECT relname FROM pg_class WHERE oid = detach_related.contact_table)
            USING ERRCODE = 'undefined_object';
    END IF;
    FOREACH relation IN ARRAY former LOOP
        PERFORM segments_internal.drop_triggers(relation);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments.detach_related(regclass, text) IS 'undo attach_related or attach_company: forgets the relation and the fields over it; refused while a segment''s filters need one';
