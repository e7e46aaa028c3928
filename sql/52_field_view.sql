-- ---------------------------------------------------------------------------
-- The field catalogue, to be read
-- ---------------------------------------------------------------------------

-- Keep in step with resolve_field() in src/definition/field.c.
CREATE VIEW segments.field AS
WITH definition AS (
    SELECT d.*, coalesce(r.related_table, d.contact_table) AS row_table
    FROM (SELECT d.contact_table, d.object, d.field, d.type, d.label, d.available, d.relation, d.column_name, d.expression,
                 d.condition, d.aggregate, d.options
          FROM segments.field_definition AS d
          UNION ALL
          -- what was declared for companies holds for all of a contact's companies
          SELECT d.contact_table, 'company_all', d.field, d.type, d.label, d.available, d.relation, d.column_name, d.expression,
                 d.condition, d.aggregate, d.options
          FROM segments.field_definition AS d
          WHERE d.object = 'company'
            AND NOT EXISTS (SELECT FROM segments.field_definition AS o
                            WHERE o.contact_table = d.contact_table AND o.object = 'company_all' AND o.field = d.field)
    ) AS d
    LEFT JOIN segments.relation AS r
        ON r.contact_table = d.contact_table
       AND r.name = coalesce(d.relation, CASE WHEN d.object LIKE 'company%' THEN d.object END)
), row_source AS (
    SELECT t.contact_table, 'lead' AS object, t.contact_table AS row_table FROM segments.contact_table AS t
    UNION ALL
    SELECT r.contact_table, r.name, r.related_table FROM segments.relation AS r WHERE r.name IN ('company', 'company_all')
), field AS (
    SELECT d.contact_table, d.object, d.field, d.label,
           coalesce(d.type,
                    CASE WHEN d.aggregate = 'exists' THEN 'boolean' WHEN d.aggregate IN ('count', 'sum') THEN 'number' END,
                    (SELECT segments.inferred_type(a.atttypid) FROM pg_catalog.pg_attribute AS a
                     WHERE a.attrelid = d.row_table AND a.attname = coalesce(d.column_name, d.field) AND NOT a.attisdropped)) AS type,
           d.available, d.relation, d.column_name, d.expression, d.condition, d.aggregate, d.options, 'defined' AS source
    FROM definition AS d
    UNION ALL
    SELECT s.contact_table, s.object, a.attname, NULL, segments.inferred_type(a.atttypid),
           true, NULL, a.attname, NULL, NULL, NULL, NULL, 'column'
    FROM row_source AS s JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.row_table AND a.attnum > 0 AND NOT a.attisdropped
    WHERE segments.inferred_type(a.atttypid) IS NOT NULL
      AND (s.object, a.attname) <> ('lead', 'leadlist')
      AND NOT EXISTS (SELECT FROM segments.field_definition AS d
                      WHERE d.contact_table = s.contact_table
                        AND d.object IN (s.object, CASE s.object WHEN 'company_all' THEN 'company' END)
                        AND d.field = a.attname)
      AND NOT EXISTS (SELECT FROM segments.field_definition AS d
                      WHERE d.contact_table = s.contact_table
                        AND d.object IN (s.object, CASE s.object WHEN 'company_all' THEN 'company' END)
                        AND right(d.field, 1) = '*' AND segments_internal.name_covers(d.field, a.attname))
    UNION ALL
    SELECT t.contact_table, 'lead', 'leadlist', NULL, 'segment', true, NULL, NULL, NULL, NULL, NULL, NULL, 'defined'
    FROM segments.contact_table AS t
)
SELECT f.contact_table, f.object, f.field, f.label, f.type, f.available, f.relation, f.column_name, f.expression,
       f.condition, f.aggregate, f.options,
       segments_internal.offered_operators(f.contact_table, f.object, regexp_replace(f.field, '[*]$', '1')) AS operators,
       f.source
FROM field AS f
WHERE has_table_privilege(f.contact_table, 'SELECT') OR segments.owns(f.contact_table);
COMMENT ON VIEW segments.field IS 'Every field that filters of a contact table that one may read can name: what was declared, and columns as they are';
COMMENT ON COLUMN segments.field.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.field.object IS 'lead, company, company_all, behaviors or groups';
COMMENT ON COLUMN segments.field.field IS 'name in filters; one that ends in * stands for every whole number';
COMMENT ON COLUMN segments.field.label IS 'name for people, or null';
COMMENT ON COLUMN segments.field.type IS 'field type, as declared or inferred';
COMMENT ON COLUMN segments.field.available IS 'whether new filters can use it';
COMMENT ON COLUMN segments.field.relation IS 'relation whose rows it looks at, or null: the row of its object';
COMMENT ON COLUMN segments.field.column_name IS 'column that holds the value, or null: the one named like the field';
COMMENT ON COLUMN segments.field.expression IS 'SQL expression over the row in place of a column, or null';
COMMENT ON COLUMN segments.field.condition IS 'SQL condition that a related row must satisfy to count, or null';
COMMENT ON COLUMN segments.field.aggregate IS 'what is computed over the related rows, or null: some row satisfies the filter';
COMMENT ON COLUMN segments.field.options IS 'values offered for a select or multiselect';
COMMENT ON COLUMN segments.field.operators IS 'operators that it takes; null: it has no meaning as it is';
COMMENT ON COLUMN segments.field.source IS 'defined: by define_field or built in; column: nothing was declared for it';
GRANT SELECT ON segments.field TO PUBLIC;
