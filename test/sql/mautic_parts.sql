-- A part of Mautic's tables and columns is attached as well: what needs others is passed over.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE SCHEMA parts;
CREATE TABLE parts.leads (id bigint PRIMARY KEY);
SELECT segments.attach_mautic_schema('parts');
SELECT object, field, source FROM segments.field WHERE contact_table = 'parts.leads'::regclass ORDER BY field;
SELECT segments.create_segment('Nobody', '[{"field": "id", "operator": "gt", "properties": {"filter": 1}}]', contact_table => 'parts.leads') > 0 AS created;
INSERT INTO parts.leads VALUES (1), (2);
SELECT segments.count('nobody');
SELECT count(*) FROM segments.check();
SELECT segments.detach('parts.leads');
DROP SCHEMA parts CASCADE;

-- what is lost when a column is
SELECT segments_internal.create_mautic_tables('parts');
CREATE FUNCTION pg_temp.fields() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(d.object || '.' || d.field ORDER BY d.object, d.field) FROM segments.field_definition AS d WHERE d.contact_table = 'parts.leads'::regclass
$$;
CREATE FUNCTION pg_temp.relations() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(r.name || coalesce(' by ' || r.primary_column, '') || coalesce(' where ' || r.condition, '') ORDER BY r.name)
    FROM segments.relation AS r WHERE r.contact_table = 'parts.leads'::regclass
$$;
CREATE FUNCTION pg_temp.attached(change text DEFAULT NULL) RETURNS text[][] LANGUAGE plpgsql AS $$
DECLARE
    fields text[];
    relations text[];
BEGIN
    IF change IS NOT NULL THEN
        EXECUTE change;
    END IF;
    PERFORM segments.attach_mautic_schema('parts');
    fields := pg_temp.fields();
    relations := pg_temp.relations();
    RAISE EXCEPTION 'undone' USING ERRCODE = 'UNDO1';
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN
    RETURN ARRAY[fields::text, relations::text];
END
$$;
CREATE TEMP TABLE whole AS SELECT a[1]::text[] AS fields, a[2]::text[] AS relations FROM pg_temp.attached() AS a;
SELECT cardinality(fields) AS fields, unnest(relations) AS relation FROM whole;
\pset format unaligned
SELECT p.relation, p.column_name, ARRAY(SELECT unnest(w.fields) EXCEPT SELECT unnest(a[1]::text[]) ORDER BY 1 LIMIT 9) AS lost,
       ARRAY(SELECT unnest(w.relations) EXCEPT SELECT unnest(a[2]::text[]) ORDER BY 1) AS relations,
       ARRAY(SELECT unnest(a[2]::text[]) EXCEPT SELECT unnest(w.relations) ORDER BY 1) AS others
FROM whole AS w, (VALUES ('leads', 'email'), ('companies_leads', 'is_primary'), ('companies_leads', 'company_id'), ('lead_categories', 'manually_removed'),
    ('email_stats', 'is_read'), ('push_ids', 'lead_id'), ('page_hits', 'redirect_id'), ('lead_donotcontact', 'channel'), ('point_group_contact_score', 'group_id'),
    ('integration_entity', 'internal_entity')) AS p (relation, column_name),
    pg_temp.attached(format('ALTER TABLE parts.%I DROP COLUMN %I CASCADE', p.relation, p.column_name)) AS a;
DROP SCHEMA parts CASCADE;
