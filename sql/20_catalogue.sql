-- ---------------------------------------------------------------------------
-- Catalogue: contact tables, the rows related to a contact, and fields
-- ---------------------------------------------------------------------------

CREATE TABLE segments.contact_table (
    contact_table regclass PRIMARY KEY,
    key_column name NOT NULL,
    key_type regtype NOT NULL,
    timezone text NOT NULL DEFAULT 'UTC',
    case_sensitive boolean NOT NULL DEFAULT false,
    member_table regclass NOT NULL,
    override_table regclass NOT NULL,
    change_table regclass NOT NULL
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

CREATE TABLE segments.relation (
    contact_table regclass NOT NULL REFERENCES segments.contact_table ON DELETE CASCADE,
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

CREATE TABLE segments.field_definition (
    contact_table regclass NOT NULL REFERENCES segments.contact_table ON DELETE CASCADE,
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
    PRIMARY KEY (contact_table, object, field),
    FOREIGN KEY (contact_table, relation) REFERENCES segments.relation (contact_table, name) ON DELETE CASCADE
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

SELECT pg_catalog.pg_extension_config_dump('segments.contact_table', '');
SELECT pg_catalog.pg_extension_config_dump('segments.relation', '');
SELECT pg_catalog.pg_extension_config_dump('segments.field_definition', '');

-- Whoever owns a contact table may change what is declared for it.
CREATE FUNCTION segments.owns(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'SELECT pg_catalog.pg_has_role(c.relowner, ''USAGE'') FROM pg_catalog.pg_class c WHERE c.oid = relation';
COMMENT ON FUNCTION segments.owns(regclass) IS 'whether the current role owns a table or has the rights of its owner; null when there is no such table';

ALTER TABLE segments.contact_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE segments.relation ENABLE ROW LEVEL SECURITY;
ALTER TABLE segments.field_definition ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON segments.contact_table FOR SELECT USING (true);
CREATE POLICY readable ON segments.relation FOR SELECT USING (true);
CREATE POLICY readable ON segments.field_definition FOR SELECT USING (true);
CREATE POLICY owned ON segments.contact_table USING (segments.owns(contact_table));
CREATE POLICY owned ON segments.relation USING (segments.owns(contact_table));
CREATE POLICY owned ON segments.field_definition USING (segments.owns(contact_table));
GRANT USAGE ON SCHEMA segments TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON segments.contact_table, segments.relation, segments.field_definition TO PUBLIC;
