-- ---------------------------------------------------------------------------
-- Catalogue: contact tables, the rows related to a contact, and fields
-- ---------------------------------------------------------------------------

/*
 * What refers to another row of the extension has no foreign key: pg_restore
 * -j loads these tables in any order.  Triggers do what foreign keys would,
 * except while a dump is restored.
 */

CREATE TABLE segments.contact_table (
    contact_table regclass PRIMARY KEY,
    key_column name NOT NULL,
    key_type regtype NOT NULL,
    timezone text NOT NULL DEFAULT 'UTC',
    case_sensitive boolean NOT NULL DEFAULT false,
    member_table regclass NOT NULL,
    override_table regclass NOT NULL,
    change_table regclass NOT NULL,
    has_point_triggers boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE segments.contact_table IS 'Attached contact tables, one row each; written by segments.attach()';
COMMENT ON COLUMN segments.contact_table.contact_table IS 'the table whose rows are contacts';
COMMENT ON COLUMN segments.contact_table.key_column IS 'the single column of its primary key';
COMMENT ON COLUMN segments.contact_table.key_type IS 'type of the key';
COMMENT ON COLUMN segments.contact_table.timezone IS 'time zone in which date phrases are computed';
COMMENT ON COLUMN segments.contact_table.case_sensitive IS 'whether text is compared by code point instead of folded';
COMMENT ON COLUMN segments.contact_table.member_table IS 'table of present members, beside the contact table';
COMMENT ON COLUMN segments.contact_table.override_table IS 'table of contacts included and excluded by hand';
COMMENT ON COLUMN segments.contact_table.change_table IS 'log of joins and leaves';
COMMENT ON COLUMN segments.contact_table.has_point_triggers IS 'whether there ever was a point trigger for it: if not, writers need not look';

CREATE TABLE segments.relation (
    contact_table regclass NOT NULL,
    name name NOT NULL,
    related_table regclass NOT NULL,
    contact_column name,
    key_column name,
    link_table regclass,
    link_column name,
    primary_column name,
    only_primary boolean NOT NULL DEFAULT false,
    contact_reference name,
    condition text,
    unfollowed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (contact_table, name)
);
COMMENT ON TABLE segments.relation IS 'Rows that belong to a contact: companies, events, tags; written by segments.attach_company() and segments.attach_related()';
COMMENT ON COLUMN segments.relation.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.relation.name IS 'name of the relation; company and company_all are the companies';
COMMENT ON COLUMN segments.relation.related_table IS 'table of the related rows';
COMMENT ON COLUMN segments.relation.contact_column IS 'column that holds the contact''s key: of the link table where there is one, else of the related table';
COMMENT ON COLUMN segments.relation.key_column IS 'column of the related table that a link or a contact points at';
COMMENT ON COLUMN segments.relation.link_table IS 'table between contacts and related rows, or null';
COMMENT ON COLUMN segments.relation.link_column IS 'column of the link table that points at the related row';
COMMENT ON COLUMN segments.relation.primary_column IS 'boolean column of the link table that marks the primary one';
COMMENT ON COLUMN segments.relation.only_primary IS 'whether only the primary related row counts (the lowest key where several are marked)';
COMMENT ON COLUMN segments.relation.contact_reference IS 'column of the contact table that points at the related row, or null';
COMMENT ON COLUMN segments.relation.condition IS 'SQL condition that a related row must satisfy, or null';
COMMENT ON COLUMN segments.relation.unfollowed IS 'whether the condition depends on what segments do not follow';

CREATE TABLE segments.field_definition (
    contact_table regclass NOT NULL,
    object text NOT NULL CHECK (object IN ('lead', 'company', 'company_all', 'behaviors', 'groups')),
    field text NOT NULL CHECK (field <> ''),
    type text CHECK (type IN ('text', 'email', 'url', 'tel', 'number', 'boolean', 'date', 'datetime', 'time', 'select',
                              'multiselect', 'country', 'region', 'locale', 'timezone', 'lookup', 'id')),
    label text,
    available boolean NOT NULL DEFAULT true,
    relation name,
    column_name name,
    expression text,
    condition text,
    aggregate text CHECK (aggregate IN ('exists', 'count', 'sum', 'min', 'max', 'latest')),
    order_by name,
    options text[],
    case_sensitive boolean,
    timezone text,
    default_prefix text,
    unfollowed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (contact_table, object, field)
);
COMMENT ON TABLE segments.field_definition IS 'What segments.define_field() declared; columns that nothing was declared for are fields as they are (see segments.field)';
COMMENT ON COLUMN segments.field_definition.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.field_definition.object IS 'lead, company, company_all, behaviors or groups';
COMMENT ON COLUMN segments.field_definition.field IS 'name in filters; one that ends in * stands for every whole number, which is $1 in the condition';
COMMENT ON COLUMN segments.field_definition.type IS 'field type, or null: inferred from the column';
COMMENT ON COLUMN segments.field_definition.label IS 'name for people';
COMMENT ON COLUMN segments.field_definition.available IS 'whether new filters can use it';
COMMENT ON COLUMN segments.field_definition.relation IS 'relation whose rows it looks at, or null: the row of its object';
COMMENT ON COLUMN segments.field_definition.column_name IS 'column that holds the value, or null: the one named like the field';
COMMENT ON COLUMN segments.field_definition.expression IS 'SQL expression over the row in place of a column, or null';
COMMENT ON COLUMN segments.field_definition.condition IS 'SQL condition that a related row must satisfy to count, or null';
COMMENT ON COLUMN segments.field_definition.aggregate IS 'what is computed over the related rows, or null: some row satisfies the filter';
COMMENT ON COLUMN segments.field_definition.order_by IS 'column that orders the rows for aggregate latest';
COMMENT ON COLUMN segments.field_definition.options IS 'values offered for a select or multiselect; not enforced';
COMMENT ON COLUMN segments.field_definition.case_sensitive IS 'compare by code point, or null: as the contact table says';
COMMENT ON COLUMN segments.field_definition.timezone IS 'zone of a column without time zone, or null: UTC';
COMMENT ON COLUMN segments.field_definition.default_prefix IS 'put before a value that holds no ::, or null';
COMMENT ON COLUMN segments.field_definition.unfollowed IS 'whether expression or condition depend on what segments do not follow';

CREATE TABLE segments.table_part (
    attached regclass NOT NULL,
    part regclass PRIMARY KEY
);
COMMENT ON TABLE segments.table_part IS 'Partitions of attached tables, and tables that inherit from them: those whose rows members follow; written by event triggers';
COMMENT ON COLUMN segments.table_part.attached IS 'the contact table, or the table of companies, links or related rows';
COMMENT ON COLUMN segments.table_part.part IS 'the table whose rows are rows of that one, however far below it';

SELECT pg_catalog.pg_extension_config_dump('segments.contact_table', '');
SELECT pg_catalog.pg_extension_config_dump('segments.relation', '');
SELECT pg_catalog.pg_extension_config_dump('segments.table_part', '');
SELECT pg_catalog.pg_extension_config_dump('segments.field_definition', '');

CREATE TABLE segments.definition_change (
    relation regclass,
    number bigint,
    PRIMARY KEY (relation, number)
);
COMMENT ON TABLE segments.definition_change IS 'Which state the definitions of a contact table, or of a table that is read for contact tables, are in: the XOR of its numbers tells it from every other';
COMMENT ON COLUMN segments.definition_change.relation IS 'the table';
COMMENT ON COLUMN segments.definition_change.number IS 'random; of one transaction that changed definitions, or of several folded together';
SELECT pg_catalog.pg_extension_config_dump('segments.definition_change', '');
GRANT SELECT ON segments.definition_change TO pg_database_owner;

-- Definitions that others changed meanwhile (src/definition/unseen_change.c).

CREATE FUNCTION segments_internal.keeps_snapshot() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT current_setting('transaction_isolation') NOT LIKE 'read %' $$;
COMMENT ON FUNCTION segments_internal.keeps_snapshot() IS 'is this transaction above READ COMMITTED, so that its queries show definitions as they were?';
CREATE FUNCTION segments_internal.check_declared_seen(tables oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_check_declared_seen';
COMMENT ON FUNCTION segments_internal.check_declared_seen(oid[]) IS 'above READ COMMITTED: an error when the definitions of one of these tables were changed since the snapshot';
CREATE FUNCTION segments_internal.check_tables_seen(tables oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_check_tables_seen';
COMMENT ON FUNCTION segments_internal.check_tables_seen(oid[]) IS 'the same of all that can depend on tables that a command has altered or dropped';
CREATE FUNCTION segments_internal.check_sql_seen(names text[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_check_sql_seen';
COMMENT ON FUNCTION segments_internal.check_sql_seen(text[]) IS 'the same of all that declares SQL in which one of these names stands; null: of every contact table';
REVOKE EXECUTE ON FUNCTION segments_internal.check_tables_seen(oid[]), segments_internal.check_sql_seen(text[]) FROM PUBLIC;

-- References among these tables and those of segments.

-- pg_dump and pg_restore say what they are by two settings, but so can
-- everybody: only who owns the extension is believed (src/definition/catalogue_gate.c).
CREATE FUNCTION segments_internal.is_restoring() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_is_restoring';
COMMENT ON FUNCTION segments_internal.is_restoring() IS 'does this statement restore a dump, where things come before what they need? only of the owner of the extension, and never in a function with another''s rights';

CREATE FUNCTION segments_internal.is_restore_session() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_is_restore_session';
COMMENT ON FUNCTION segments_internal.is_restore_session() IS 'is the owner of the extension restoring a dump in this session?';

CREATE FUNCTION segments_internal.is_said_to_restore() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_is_said_to_restore';
COMMENT ON FUNCTION segments_internal.is_said_to_restore() IS 'does this session have the settings of a restore? which anybody can make';

CREATE FUNCTION segments_internal.check_declared() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * The lock makes who detaches the contact table meanwhile wait, and then see
 * the new row.
 */
BEGIN
    PERFORM FROM segments.contact_table AS t WHERE t.contact_table = NEW.contact_table FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table "%" is not a contact table',
            coalesce((SELECT relname FROM pg_class WHERE oid = NEW.contact_table), NEW.contact_table::text)
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Attach it with segments.attach().';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_declared() IS 'trigger function; refuses a row that belongs to a table that is not attached';

CREATE FUNCTION segments_internal.check_relation() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM FROM segments.relation AS r WHERE (r.contact_table, r.name) = (NEW.contact_table, NEW.relation) FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation "%" of contact table "%" does not exist', NEW.relation,
            (SELECT relname FROM pg_class WHERE oid = NEW.contact_table)
            USING ERRCODE = 'undefined_object', HINT = 'Declare it with segments.attach_related().';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_relation() IS 'trigger function; refuses a field over a relation that does not exist';

CREATE FUNCTION segments_internal.has_declarations(contact_table regclass) RETURNS boolean
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_has_declarations';
COMMENT ON FUNCTION segments_internal.has_declarations(regclass) IS 'do segments, relations, fields or consumers of a contact table exist as last committed?';

CREATE FUNCTION segments_internal.forget_declared() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What was declared after the snapshot of a transaction at a higher isolation
 * level is not seen by DELETE, and would stay behind.
 */
BEGIN
    DELETE FROM segments.field_definition AS d WHERE d.contact_table = OLD.contact_table;
    DELETE FROM segments.relation AS r WHERE r.contact_table = OLD.contact_table;
    DELETE FROM segments.consumer AS c WHERE c.contact_table = OLD.contact_table;
    DELETE FROM segments.contact_clock AS c WHERE c.contact_table = OLD.contact_table;
    IF segments_internal.has_declarations(OLD.contact_table) THEN
        RAISE EXCEPTION 'could not detach contact table due to concurrent update' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_declared() IS 'trigger function; what was declared for a contact table goes with it';

CREATE FUNCTION segments_internal.forget_fields() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.field_definition AS d WHERE (d.contact_table, d.relation) = (OLD.contact_table, OLD.name);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_fields() IS 'trigger function; fields over a relation go with it';

CREATE FUNCTION segments_internal.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'cannot truncate table "%.%"', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported', HINT = TG_ARGV[0];
END
$function$;
COMMENT ON FUNCTION segments_internal.refuse_truncate() IS 'trigger function; refuses TRUNCATE, its argument is the hint';

CREATE TRIGGER check_contact_table AFTER INSERT OR UPDATE OF contact_table ON segments.relation
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_declared();
CREATE TRIGGER check_contact_table AFTER INSERT OR UPDATE OF contact_table ON segments.field_definition
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_declared();
CREATE TRIGGER check_relation AFTER INSERT OR UPDATE OF contact_table, relation ON segments.field_definition
    FOR EACH ROW WHEN (NEW.relation IS NOT NULL AND NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_relation();
CREATE TRIGGER forget_declared AFTER DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.forget_declared();
CREATE TRIGGER forget_fields AFTER DELETE ON segments.relation
    FOR EACH ROW EXECUTE FUNCTION segments_internal.forget_fields();
CREATE TRIGGER before_truncate BEFORE TRUNCATE ON segments.contact_table
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.refuse_truncate('Use segments.detach().');
CREATE TRIGGER before_truncate BEFORE TRUNCATE ON segments.relation
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.refuse_truncate('Use segments.detach_related().');
COMMENT ON TRIGGER check_contact_table ON segments.relation IS 'refuses a relation of a table that is not attached';
COMMENT ON TRIGGER check_contact_table ON segments.field_definition IS 'refuses a field of a table that is not attached';
COMMENT ON TRIGGER check_relation ON segments.field_definition IS 'refuses a field over a relation that does not exist';
COMMENT ON TRIGGER forget_declared ON segments.contact_table IS 'relations, fields, consumers and the clock go with their contact table';
COMMENT ON TRIGGER forget_fields ON segments.relation IS 'fields over a relation go with it';
COMMENT ON TRIGGER before_truncate ON segments.contact_table IS 'refuses TRUNCATE';
COMMENT ON TRIGGER before_truncate ON segments.relation IS 'refuses TRUNCATE';

-- Whoever owns a contact table may change what is declared for it, through functions.
CREATE FUNCTION segments.owns(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'SELECT pg_catalog.pg_has_role(c.relowner, ''USAGE'') FROM pg_catalog.pg_class c WHERE c.oid = relation';
COMMENT ON FUNCTION segments.owns(regclass) IS 'whether the current role owns a table or has the rights of its owner; null when there is no such table';

-- Everybody reads these, nobody but the owner of the extension writes them: see
-- 23_catalogue_checks.sql for how owners of contact tables do.
GRANT USAGE ON SCHEMA segments TO PUBLIC;
GRANT SELECT ON segments.contact_table, segments.table_part, segments.relation, segments.field_definition TO PUBLIC;
