-- ---------------------------------------------------------------------------
-- What follows when something gets another name, another body or other labels
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.keeps_meaning(expression text, relation regclass, role oid) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'segments_keeps_meaning';
COMMENT ON FUNCTION segments_internal.keeps_meaning(text, regclass, oid) IS 'does what was kept of an expression call the same functions when it is read anew?';
REVOKE EXECUTE ON FUNCTION segments_internal.keeps_meaning(text, regclass, oid) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_captured(tag text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A function, an operator or a cast that fits better is what an expression would
 * call when it is read again, with the rights of the contact table's owner.
 */
DECLARE
    captured name;
BEGIN
    SELECT c.relname INTO captured FROM segments_internal.declared_expressions() AS e JOIN pg_class AS c ON c.oid = e.contact_table
    WHERE segments_internal.is_maintained(e.contact_table) AND NOT segments_internal.is_broken(e.contact_table)
      AND NOT segments_internal.keeps_meaning(e.sql, e.relation, c.relowner)
    ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot % because what is declared for contact table "%" would mean another', lower(check_captured.tag), captured
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'An expression of a field, or a condition, would call it in place of what it calls.',
                  HINT = 'Use another name or schema, or declare the field with casts to the types of the arguments.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_captured(text) IS 'refuse what expressions would call in place of what they call';
REVOKE EXECUTE ON FUNCTION segments_internal.check_captured(text) FROM PUBLIC;

CREATE FUNCTION segments_internal.names_of_renamed(relation regclass, former_name name) RETURNS TABLE (contact_table regclass, object text, field text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    /*
     * A field of the old name is to be declared for the column that filters
     * name so.
     */
    SELECT DISTINCT s.contact_table, n.object, n.field
    FROM segments_internal.contact_tables_reading(names_of_renamed.relation) AS t (contact_table)
        JOIN segments.segment AS s ON s.contact_table = t.contact_table, segments_internal.named_fields(s.filters) AS n
    WHERE NOT segments_internal.has_failed(s.id) AND n.relation IS NULL
      AND CASE n.object WHEN 'lead' THEN s.contact_table = names_of_renamed.relation
                        ELSE EXISTS (SELECT FROM segments.relation AS r
                                     WHERE (r.contact_table, r.related_table) = (s.contact_table, names_of_renamed.relation)
                                       AND r.name = n.object AND r.name IN ('company', 'company_all')) END
      AND n.field = former_name
      AND CASE
          -- what is declared follows by itself
          WHEN EXISTS (SELECT FROM segments.field_definition AS d
                       WHERE d.contact_table = s.contact_table AND segments_internal.name_covers(d.field, n.field)
                         AND d.object IN (n.object, CASE n.object WHEN 'company_all' THEN 'company' END)) THEN false
          WHEN n.object = 'lead' AND ARRAY['behaviors.' || n.field, 'groups.' || n.field] && s.other_objects THEN false
          WHEN n.object = 'lead'
               AND EXISTS (SELECT FROM segments.field_definition AS d
                           WHERE d.contact_table = s.contact_table AND d.object IN ('behaviors', 'groups')
                             AND segments_internal.name_covers(d.field, n.field)) THEN true
          ELSE segments.field_operators(s.contact_table, n.object, n.field) IS NULL END
$function$;
COMMENT ON FUNCTION segments_internal.names_of_renamed(regclass, name) IS 'names by which filters mean a column that has another name now';
REVOKE EXECUTE ON FUNCTION segments_internal.names_of_renamed(regclass, name) FROM PUBLIC;

CREATE FUNCTION segments_internal.row_names_of_renamed(row_table regclass, former_name name)
    RETURNS TABLE (contact_table regclass, object text, field text, relation text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    /*
     * Likewise in row groups.  Relations over one table can have the same name
     * to be declared; there are as many as there are objects for it.
     */
    WITH lost AS (
        SELECT DISTINCT r.contact_table, n.field, r.name AS relation
        FROM segments_internal.contact_tables_reading(row_table) AS t (contact_table)
            JOIN segments.relation AS r ON r.contact_table = t.contact_table
            JOIN segments.segment AS s ON s.contact_table = t.contact_table,
            segments_internal.named_fields(s.filters) AS n
        WHERE r.related_table = row_table AND n.relation = r.name AND NOT segments_internal.has_failed(s.id)
          AND n.field = former_name
          AND NOT EXISTS (SELECT FROM segments.field_definition AS d
                          WHERE d.contact_table = r.contact_table AND d.aggregate IS NULL
                            AND coalesce(d.relation, CASE WHEN d.object LIKE 'company%' THEN d.object END) = r.name
                            AND segments_internal.name_covers(d.field, n.field))
    ), numbered AS (
        SELECT l.*, row_number() OVER (PARTITION BY l.contact_table, l.field ORDER BY l.relation COLLATE "C") AS n FROM lost AS l
    )
    SELECT l.contact_table, o.object, l.field, CASE WHEN l.relation NOT IN ('company', 'company_all') THEN l.relation END
    FROM numbered AS l, LATERAL (
        SELECT p.object, row_number() OVER (ORDER BY p.n) AS n
        FROM unnest(CASE WHEN l.relation IN ('company', 'company_all') THEN ARRAY[l.relation] ELSE '{behaviors,groups}' END) WITH ORDINALITY AS p (object, n)
        WHERE NOT EXISTS (SELECT FROM segments.field_definition AS d
                          WHERE (d.contact_table, d.object, d.field) = (l.contact_table, p.object, l.field))) AS o
    WHERE o.n = CASE WHEN l.relation IN ('company', 'company_all') THEN 1 ELSE l.n END
$function$;
COMMENT ON FUNCTION segments_internal.row_names_of_renamed(regclass, name) IS 'names by which row groups mean a column that has another name now, and what they can be declared as';
REVOKE EXECUTE ON FUNCTION segments_internal.row_names_of_renamed(regclass, name) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_renamed_column(relation regclass, former_name name, new_name name) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
    -- in one statement: a filter can name the column and a declared field over it
    WITH reader AS (
        SELECT t AS contact_table FROM segments_internal.contact_tables_reading(follow_renamed_column.relation) AS t
    ), present AS (
        SELECT r.contact_table, r.name,
               CASE WHEN (coalesce(r.link_table, r.related_table), r.contact_column) = (follow_renamed_column.relation, former_name) THEN new_name ELSE r.contact_column END AS contact_column,
               CASE WHEN (r.related_table, r.key_column) = (follow_renamed_column.relation, former_name) THEN new_name ELSE r.key_column END AS key_column,
               CASE WHEN (r.link_table, r.link_column) = (follow_renamed_column.relation, former_name) THEN new_name ELSE r.link_column END AS link_column,
               CASE WHEN (r.link_table, r.primary_column) = (follow_renamed_column.relation, former_name) THEN new_name ELSE r.primary_column END AS primary_column,
               CASE WHEN (r.contact_table, r.contact_reference) = (follow_renamed_column.relation, former_name) THEN new_name ELSE r.contact_reference END AS contact_reference,
               coalesce(segments_internal.followed_expression(r.condition, r.related_table), r.condition) AS condition
        FROM segments.relation AS r JOIN reader ON reader.contact_table = r.contact_table
        WHERE follow_renamed_column.relation IN (r.contact_table, r.related_table, r.link_table)
    ), renamed_relation AS (
        UPDATE segments.relation AS r
        SET contact_column = p.contact_column, key_column = p.key_column, link_column = p.link_column, primary_column = p.primary_column,
            contact_reference = p.contact_reference, condition = p.condition
        FROM present AS p
        WHERE (r.contact_table, r.name) = (p.contact_table, p.name)
          AND (r.contact_column, r.key_column, r.link_column, r.primary_column, r.contact_reference, r.condition)
              IS DISTINCT FROM (p.contact_column, p.key_column, p.link_column, p.primary_column, p.contact_reference, p.condition)
    ), field AS (
        SELECT d.contact_table, d.object, d.field, segments_internal.row_table(d) AS row_table,
               CASE WHEN d.expression IS NULL AND (d.column_name IS NOT NULL OR coalesce(d.aggregate, '') NOT IN ('exists', 'count'))
                    THEN coalesce(d.column_name, d.field) END AS column_name
        FROM segments.field_definition AS d JOIN reader ON reader.contact_table = d.contact_table
        WHERE segments_internal.row_table(d) = follow_renamed_column.relation
    ), named AS (
        INSERT INTO segments.field_definition (contact_table, object, field, column_name)
        SELECT n.contact_table, n.object, n.field, new_name FROM segments_internal.names_of_renamed(follow_renamed_column.relation, former_name) AS n
    ), named_in_rows AS (
        INSERT INTO segments.field_definition (contact_table, object, field, relation, column_name)
        SELECT n.contact_table, n.object, n.field, n.relation, new_name FROM segments_internal.row_names_of_renamed(follow_renamed_column.relation, former_name) AS n
    ), point_trigger AS (
        UPDATE segments.point_trigger AS t SET field = new_name
        WHERE t.contact_table = follow_renamed_column.relation AND t.field !~ '^group_points_' AND t.field = former_name
    )
    UPDATE segments.field_definition AS d
    SET column_name = CASE WHEN f.column_name = former_name THEN new_name ELSE d.column_name END,
        order_by = CASE WHEN d.order_by = former_name THEN new_name ELSE d.order_by END,
        expression = coalesce(segments_internal.followed_expression(d.expression, f.row_table), d.expression),
        condition = coalesce(segments_internal.followed_expression(d.condition, f.row_table), d.condition)
    FROM field AS f
    WHERE (d.contact_table, d.object, d.field) = (f.contact_table, f.object, f.field)
      AND (f.column_name = former_name OR d.order_by = former_name
           OR segments_internal.followed_expression(d.expression, f.row_table) IS NOT NULL
           OR segments_internal.followed_expression(d.condition, f.row_table) IS NOT NULL)
$function$;
COMMENT ON FUNCTION segments_internal.follow_renamed_column(regclass, name, name) IS 'relations and declared fields keep the column that they mean when it gets another name';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_renamed_column(regclass, name, name) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_renamed_names() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
    -- one statement: triggers see both
    WITH relation AS (
        UPDATE segments.relation AS r SET condition = segments_internal.followed_expression(r.condition, r.related_table)
        WHERE segments_internal.followed_expression(r.condition, r.related_table) IS NOT NULL AND NOT segments_internal.is_broken(r.contact_table)
    )
    UPDATE segments.field_definition AS d
    SET expression = coalesce(segments_internal.followed_expression(d.expression, segments_internal.row_table(d)), d.expression),
        condition = coalesce(segments_internal.followed_expression(d.condition, segments_internal.row_table(d)), d.condition)
    WHERE (segments_internal.followed_expression(d.expression, segments_internal.row_table(d)) IS NOT NULL
           OR segments_internal.followed_expression(d.condition, segments_internal.row_table(d)) IS NOT NULL)
      AND NOT segments_internal.is_broken(d.contact_table)
$function$;
COMMENT ON FUNCTION segments_internal.follow_renamed_names() IS 'what is declared in SQL keeps what it means when that gets another name';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_renamed_names() FROM PUBLIC;

CREATE FUNCTION segments_internal.lock_functions(functions oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_lock_functions';
COMMENT ON FUNCTION segments_internal.lock_functions(oid[]) IS 'wait for those who are about to declare what calls these functions, and make others wait';
REVOKE EXECUTE ON FUNCTION segments_internal.lock_functions(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.calling_functions(functions oid[]) RETURNS TABLE (contact_table regclass, name name, function name)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT e.contact_table, c.relname, p.proname
    FROM segments_internal.declared_expressions() AS e JOIN pg_class AS c ON c.oid = e.contact_table
        JOIN pg_proc AS p ON p.oid = ANY (functions) AND pg_has_role(p.proowner, c.relowner, 'USAGE')
    WHERE segments_internal.used_function(e.sql, e.relation, p.oid)
      AND segments_internal.is_maintained(e.contact_table) AND NOT segments_internal.is_broken(e.contact_table)
$function$;
COMMENT ON FUNCTION segments_internal.calling_functions(oid[]) IS 'contact tables whose declared SQL calls one of these functions, where who owns it may act as their owner';
REVOKE EXECUTE ON FUNCTION segments_internal.calling_functions(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.lock_calling(functions oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * In the order of who declares: the contact table, then functions.  Who had them
 * may have declared more, which was not there to be kept when the command began.
 */
BEGIN
    PERFORM segments_internal.lock_definitions(t.contact_table)
    FROM (SELECT DISTINCT c.contact_table FROM segments_internal.calling_functions(functions) AS c ORDER BY c.contact_table) AS t;
    PERFORM segments_internal.lock_functions(functions);
    PERFORM segments_internal.check_sql_seen(ARRAY(SELECT p.proname::text FROM pg_proc AS p WHERE p.oid = ANY (functions)));
    PERFORM segments_internal.keep_expression(e.sql, e.relation, c.relowner)
    FROM segments_internal.declared_expressions() AS e JOIN pg_class AS c ON c.oid = e.contact_table
    WHERE segments_internal.is_maintained(e.contact_table) AND NOT segments_internal.is_broken(e.contact_table)
      AND EXISTS (SELECT FROM pg_proc AS p WHERE p.oid = ANY (functions) AND pg_has_role(p.proowner, c.relowner, 'USAGE'));
    PERFORM segments_internal.lock_definitions(t.contact_table)
    FROM (SELECT DISTINCT c.contact_table FROM segments_internal.calling_functions(functions) AS c ORDER BY c.contact_table) AS t;
END
$function$;
COMMENT ON FUNCTION segments_internal.lock_calling(oid[]) IS 'those who create segments over what calls functions that were replaced are waited for, and wait';
REVOKE EXECUTE ON FUNCTION segments_internal.lock_calling(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.follow_functions(functions oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Functions that have another body now.  Only where their owner may act as that of the contact
 * table; others are for segments.rebuild().
 */
DECLARE
    concerned record;
    reason text;
BEGIN
    IF functions = '{}' OR segments_internal.is_restore_session() THEN
        RETURN;
    END IF;
    PERFORM segments_internal.lock_calling(functions);
    FOR concerned IN SELECT * FROM segments_internal.calling_functions(functions) LOOP
        PERFORM segments_internal.invalidate(concerned.contact_table);
        PERFORM segments_internal.check_definitions(concerned.contact_table, format('cannot replace function "%s"', concerned.function));
        PERFORM segments_internal.check_segments(concerned.contact_table, NULL, format('cannot replace function "%s"', concerned.function));
        BEGIN
            PERFORM segments_internal.rebuild_segments(concerned.contact_table, NULL, 'definition');
        EXCEPTION
            /* of the moment, and not of the function */
            WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR program_limit_exceeded
                 OR operator_intervention OR system_error THEN
                RAISE;
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT;
                RAISE WARNING 'segments of contact table "%" do not follow function "%": %', concerned.name, concerned.function, reason
                    USING HINT = 'Use segments.rebuild() when it can be evaluated.';
        END;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_functions(oid[]) IS 'bring members up to date where a function that a field calls was replaced; refuse one that cannot be followed';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_functions(oid[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.types_of(types oid[]) RETURNS SETOF oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE made AS (
        SELECT unnest(types_of.types) AS oid
        UNION
        SELECT y.oid FROM made AS m, LATERAL (
            SELECT t.oid FROM pg_type AS t WHERE t.typbasetype = m.oid OR t.typelem = m.oid
            UNION ALL SELECT r.rngtypid FROM pg_range AS r WHERE r.rngsubtype = m.oid
            UNION ALL SELECT r.rngmultitypid FROM pg_range AS r WHERE r.rngsubtype = m.oid
            UNION ALL SELECT c.reltype FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                      WHERE a.atttypid = m.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0) AS y
    )
    SELECT m.oid FROM made AS m
$function$;
COMMENT ON FUNCTION segments_internal.types_of(oid[]) IS 'types that are these, or made of them: domains, arrays, ranges, rows';

CREATE FUNCTION segments_internal.follow_types(types oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Labels of an enum are what filters compare, and what expressions may make text of.
 */
DECLARE
    contact_tables regclass[] := ARRAY(
        SELECT t.contact_table FROM segments.contact_table AS t
        WHERE follow_types.types <> '{}' AND segments_internal.is_maintained(t.contact_table) AND NOT segments_internal.is_broken(t.contact_table)
          AND (EXISTS (SELECT FROM segments_internal.tables_read(t.contact_table) AS r JOIN pg_attribute AS a ON a.attrelid = r AND a.attnum > 0
                       WHERE a.atttypid IN (SELECT segments_internal.types_of(follow_types.types)))
               OR EXISTS (SELECT FROM segments_internal.declared_expressions() AS e WHERE e.contact_table = t.contact_table))
        ORDER BY t.contact_table);
    concerned regclass;
BEGIN
    -- who creates a segment over them is waited for, and waits
    PERFORM segments_internal.lock_definitions(t) FROM unnest(contact_tables) AS t;
    FOREACH concerned IN ARRAY contact_tables LOOP
        PERFORM segments_internal.invalidate(concerned);
        PERFORM segments_internal.rebuild_segments(concerned, NULL, 'definition');
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.follow_types(oid[]) IS 'bring members up to date where labels of an enum were changed';
REVOKE EXECUTE ON FUNCTION segments_internal.follow_types(oid[]) FROM PUBLIC;
