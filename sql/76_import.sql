-- ---------------------------------------------------------------------------
-- Importing contacts into a segment
-- ---------------------------------------------------------------------------

/*
 * Set-wise: the rows are staged as text, merged by their identifier, matched
 * with the contacts by one join, and written by one UPDATE and one INSERT.
 * What the contact table refuses is found by halves, so it costs where it
 * occurs.  Everything runs with the rights of the caller.
 */

CREATE TABLE segments.import (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    segment_id bigint NOT NULL,
    contact_table regclass NOT NULL,
    source text NOT NULL,
    options jsonb NOT NULL,
    made_by regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    lines bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    created bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE segments.import IS 'Imports of contacts, one row each; written by segments.import_contacts() and segments.import_csv()';
COMMENT ON COLUMN segments.import.id IS 'id';
COMMENT ON COLUMN segments.import.segment_id IS 'the segment that the contacts were added to';
COMMENT ON COLUMN segments.import.contact_table IS 'its contact table';
COMMENT ON COLUMN segments.import.source IS 'the staging table, or the file';
COMMENT ON COLUMN segments.import.options IS 'match_on, columns, blank, batch, delimiter and encoding as given';
COMMENT ON COLUMN segments.import.made_by IS 'the role that imports, whatever it is called later';
COMMENT ON COLUMN segments.import.started IS 'when it began';
COMMENT ON COLUMN segments.import.finished IS 'when it ended; null: it has not, and can be resumed where it was made in batches';
COMMENT ON COLUMN segments.import.lines IS 'number of rows';
COMMENT ON COLUMN segments.import.done IS 'how many of them, from the first, have been dealt with';
COMMENT ON COLUMN segments.import.created IS 'contacts created';
COMMENT ON COLUMN segments.import.updated IS 'contacts updated';
COMMENT ON COLUMN segments.import.unchanged IS 'contacts that were as the rows say';
COMMENT ON COLUMN segments.import.added IS 'contacts that were no members before';
COMMENT ON COLUMN segments.import.rejected IS 'rows that could not be stored: see segments.import_rejected';

CREATE TABLE segments.import_rejected (
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    reason text NOT NULL,
    "row" jsonb NOT NULL,
    PRIMARY KEY (import_id, line)
);
COMMENT ON TABLE segments.import_rejected IS 'Rows of imports that could not be stored';
COMMENT ON COLUMN segments.import_rejected.import_id IS 'the import';
COMMENT ON COLUMN segments.import_rejected.line IS 'number of the row, from 1';
COMMENT ON COLUMN segments.import_rejected.reason IS 'why';
COMMENT ON COLUMN segments.import_rejected."row" IS 'its values, under the names of the contact''s columns';

CREATE FUNCTION segments_internal.import_is_visible(import_id bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM segments.import AS i WHERE i.id = import_id)';
COMMENT ON FUNCTION segments_internal.import_is_visible(bigint) IS 'does the current role see an import?';
ALTER TABLE segments.import ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON segments.import FOR SELECT USING (made_by = quote_ident(current_user)::regrole);
CREATE POLICY changed ON segments.import FOR UPDATE USING (made_by = quote_ident(current_user)::regrole);
CREATE POLICY made ON segments.import FOR INSERT WITH CHECK (made_by = quote_ident(current_user)::regrole
    AND EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id AND s.contact_table = import.contact_table)
    AND has_any_column_privilege(contact_table, 'INSERT') AND has_any_column_privilege(contact_table, 'UPDATE'));
CREATE POLICY owned ON segments.import FOR SELECT USING (segments.owns(contact_table));
COMMENT ON POLICY own ON segments.import IS 'those that one makes';
COMMENT ON POLICY changed ON segments.import IS 'those that one makes';
COMMENT ON POLICY made ON segments.import IS 'for segments that one sees, and contact tables that one may write';
COMMENT ON POLICY owned ON segments.import IS 'those into contact tables that one owns';
ALTER TABLE segments.import_rejected ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.import_rejected USING (segments_internal.import_is_visible(import_id));
COMMENT ON POLICY visible ON segments.import_rejected IS 'those of imports that one sees';
-- ids are the sequence's, and who imports is who does
GRANT SELECT, INSERT (segment_id, contact_table, source, options),
    UPDATE (finished, lines, done, created, updated, unchanged, added, rejected) ON segments.import TO PUBLIC;
GRANT SELECT, INSERT ON segments.import_rejected TO PUBLIC;

CREATE FUNCTION segments.forget_import(import_id bigint) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_permitted';
COMMENT ON FUNCTION segments.forget_import(bigint) IS 'deletes what is known of an import that the current role made, with the rows that it rejected; whether there was one';

CREATE FUNCTION segments_internal.forget_import_permitted(import_id bigint) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    -- a row that may be locked so is one that may be changed
    AS 'SELECT EXISTS (SELECT FROM segments.import AS i WHERE i.id = import_id FOR UPDATE)';
COMMENT ON FUNCTION segments_internal.forget_import_permitted(bigint) IS 'whether the current role made an import';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_import_permitted(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_import_checked(import_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.import_rejected AS r WHERE r.import_id = forget_import_checked.import_id;
    DELETE FROM segments.import AS i WHERE i.id = import_id;
    RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_import_checked(bigint) IS 'what forget_import() does for those who may';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_import_checked(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_imports() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    WITH gone AS (DELETE FROM segments.import AS i WHERE i.contact_table = OLD.contact_table RETURNING i.id)
    DELETE FROM segments.import_rejected AS r USING gone AS g WHERE r.import_id = g.id;
    RETURN OLD;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_imports() IS 'trigger function; imports go with their contact table';
CREATE TRIGGER forget_imports BEFORE DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.forget_imports();
COMMENT ON TRIGGER forget_imports ON segments.contact_table IS 'imports go with their contact table';

CREATE FUNCTION segments_internal.report_import(contact_table regclass, phase text, total bigint, more bigint) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'segments_report_import';
COMMENT ON FUNCTION segments_internal.report_import(regclass, text, bigint, bigint) IS
    'shows in segments.progress what an import is at, of how many rows, and how many more are done; phase null: it ends';

-- What goes where -------------------------------------------------------------

CREATE TYPE segments.import_column AS (number integer, source name, target name, stored text, type text, missing text, is_comparable boolean, is_exact boolean);
COMMENT ON TYPE segments.import_column IS 'a column of an import: of the staging table, of the contact table, its type there, the type that its texts are cast to, what a new contact has without it, whether values compare by =, and whether by code point where they tell who is a contact';

CREATE FUNCTION segments_internal.import_targets(tables segments.contact_table, staging regclass, match_on name, columns jsonb)
    RETURNS TABLE (source name, target name)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT a.attname, CASE WHEN columns IS NULL THEN a.attname ELSE columns ->> a.attname::text END::name
    FROM pg_attribute AS a
    WHERE a.attrelid = staging AND a.attnum > 0 AND NOT a.attisdropped
      AND CASE WHEN columns IS NULL
               THEN EXISTS (SELECT FROM pg_attribute AS c
                            WHERE c.attrelid = tables.contact_table AND c.attname = a.attname AND c.attnum > 0 AND NOT c.attisdropped
                              -- what tells who a contact is is read only
                              AND (c.attname = match_on OR c.attgenerated = '' AND c.attidentity <> 'a' AND c.attname <> tables.key_column))
               ELSE columns ? a.attname::text END
$function$;
COMMENT ON FUNCTION segments_internal.import_targets(segments.contact_table, regclass, name, jsonb) IS 'columns of a staging table and those of the contact table that they go to';

CREATE FUNCTION segments_internal.check_import_columns(tables segments.contact_table, staging regclass, match_on name, columns jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    wrong text;
BEGIN
    IF staging IS NULL OR match_on IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN staging IS NULL THEN 'staging' ELSE 'match_on' END USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF columns IS NOT NULL AND jsonb_typeof(columns) <> 'object' THEN
        RAISE EXCEPTION 'columns must be an object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'It maps columns of the staging table to columns of the contact table: {"mail": "email"}.';
    END IF;
    SELECT e.key INTO wrong FROM jsonb_each_text(columns) AS e
    WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = staging AND a.attname = e.key AND a.attnum > 0 AND NOT a.attisdropped) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', wrong, (SELECT relname FROM pg_class WHERE oid = staging) USING ERRCODE = 'undefined_column';
    END IF;
    SELECT e.value INTO wrong FROM jsonb_each_text(columns) AS e
    WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = tables.contact_table AND a.attname = e.value AND a.attnum > 0
                      AND NOT a.attisdropped AND (a.attname = match_on OR a.attgenerated = '' AND a.attidentity <> 'a')) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist or cannot be written', coalesce(wrong, 'null'),
            (SELECT relname FROM pg_class WHERE oid = tables.contact_table) USING ERRCODE = 'undefined_column';
    END IF;
    SELECT e.value INTO wrong FROM jsonb_each_text(columns) AS e GROUP BY e.value HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'two columns go to column "%"', wrong USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM segments_internal.import_targets(tables, staging, match_on, columns) AS t WHERE t.target = match_on) THEN
        RAISE EXCEPTION 'no column goes to the unique identifier "%"', match_on USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Name the unique identifier in match_on, and the column that holds it in columns.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_import_columns(segments.contact_table, regclass, name, jsonb) IS 'refuses what cannot be mapped';

CREATE FUNCTION segments_internal.import_columns(tables segments.contact_table, staging regclass, match_on name, columns jsonb) RETURNS segments.import_column[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
    -- a cast to varchar(n) would cut off what an assignment refuses, as one to every type whose length is given by a function that is
    -- told whether a cast is explicit: these come without the length, and the assignment looks after it; other types are rounded
    SELECT array_agg(ROW(t.number, t.source, t.target, format_type(a.atttypid, a.atttypmod),
                         CASE WHEN EXISTS (SELECT FROM pg_cast AS l JOIN pg_proc AS f ON f.oid = l.castfunc
                                           WHERE l.castsource = e.oid AND l.casttarget = e.oid AND f.pronargs = 3)
                              THEN format_type(y.oid, -1) ELSE format_type(a.atttypid, a.atttypmod) END,
                         CASE WHEN a.attidentity = '' AND a.attgenerated = '' AND a.atthasdef THEN pg_get_expr(d.adbin, d.adrelid) ELSE 'NULL' END,
                         EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                                 WHERE o.opcintype = e.oid AND o.opcdefault)
                         OR e.typcategory IN ('S', 'E'),
                         coalesce((SELECT f.case_sensitive FROM segments.field_definition AS f
                                   WHERE (f.contact_table, f.object, f.field) = (tables.contact_table, 'lead', a.attname)), tables.case_sensitive))::segments.import_column
                     ORDER BY t.number)
    FROM (SELECT (row_number() OVER (ORDER BY t.target <> match_on, t.target))::integer AS number, t.source, t.target
          FROM segments_internal.import_targets(tables, staging, match_on, columns) AS t) AS t
        JOIN pg_attribute AS a ON a.attrelid = tables.contact_table AND a.attname = t.target
        JOIN pg_type AS y ON y.oid = segments_internal.base_type(a.atttypid)
        -- of an array, its elements
        JOIN pg_type AS e ON e.oid = segments_internal.base_type(CASE WHEN y.typcategory = 'A' AND y.typelem <> 0 THEN y.typelem ELSE y.oid END)
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
$function$;
COMMENT ON FUNCTION segments_internal.import_columns(segments.contact_table, regclass, name, jsonb) IS 'the columns of an import, that of the unique identifier first';

CREATE FUNCTION segments_internal.import_identifier(value text, is_exact boolean) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format(CASE WHEN is_exact THEN 'NULLIF(pg_catalog.btrim(%s), '''') COLLATE pg_catalog."C"'
                       ELSE 'NULLIF(segments.fold(pg_catalog.btrim(%s)), '''')' END, value)
$function$;
COMMENT ON FUNCTION segments_internal.import_identifier(text, boolean) IS
    'SQL for what identifies a contact, of its text: without blanks at its ends, and folded unless is_exact';

-- Staging -----------------------------------------------------------------------

CREATE FUNCTION segments_internal.drop_staged(name text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- DROP TABLE IF EXISTS would tell the client that there is none
    IF to_regclass('pg_temp.' || quote_ident(name)) IS NOT NULL THEN
        EXECUTE format('DROP TABLE pg_temp.%I', name);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.drop_staged(text) IS 'drops a temporary table of an import, if there is one';

CREATE FUNCTION segments_internal.csv_problem() RETURNS name
    LANGUAGE sql IMMUTABLE AS $function$SELECT 'what is wrong with the line'::pg_catalog.name$function$;
COMMENT ON FUNCTION segments_internal.csv_problem() IS 'the column of a file''s temporary table that says what is wrong with a line; files that have such a name are refused';

CREATE FUNCTION segments_internal.import_stage(staging regclass, columns segments.import_column[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET synchronize_seqscans = off SET max_parallel_workers_per_gather = 0 SET default_statistics_target = 10
    SET datestyle = 'ISO, YMD' SET extra_float_digits = 1
AS $function$
/*
 * In the order of the table, as numbered: no parallel scan, none that begins
 * in the middle.  Values as texts that are read as the same values.
 */
DECLARE
    number_of_lines bigint;
    problem text := CASE WHEN staging = to_regclass('pg_temp.segments_import_file') THEN format('s.%I', segments_internal.csv_problem()) ELSE 'NULL::text' END;
BEGIN
    PERFORM segments_internal.drop_staged('segments_import_line');
    EXECUTE format('CREATE TEMP TABLE segments_import_line AS SELECT row_number() OVER () AS line, %1$s AS problem, CASE WHEN %1$s IS NULL THEN %2$s END AS ident, %3$s FROM %4$s AS s',
        problem, segments_internal.import_identifier(segments_internal.column_text('s', staging, columns[1].source) || ' COLLATE "default"', columns[1].is_exact),
        (SELECT string_agg(format('%s COLLATE "default" AS v%s', segments_internal.column_text('s', staging, c.source), c.number), ', ' ORDER BY c.number) FROM unnest(columns) AS c), staging);
    GET DIAGNOSTICS number_of_lines = ROW_COUNT;
    ANALYZE pg_temp.segments_import_line (line, ident);
    RETURN number_of_lines;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_stage(regclass, segments.import_column[]) IS 'the rows to import as text, with their numbers, what is wrong with them and their identifiers';

CREATE FUNCTION segments_internal.import_find_twice(first bigint, last bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET default_statistics_target = 10
AS $function$
DECLARE
    found bigint;
BEGIN
    PERFORM segments_internal.drop_staged('segments_import_twice');
    EXECUTE format('CREATE TEMP TABLE segments_import_twice AS SELECT l.ident FROM pg_temp.segments_import_line AS l '
        'WHERE l.line BETWEEN %s AND %s AND l.ident IS NOT NULL GROUP BY l.ident HAVING count(*) > 1', first, last);
    GET DIAGNOSTICS found = ROW_COUNT;
    ANALYZE pg_temp.segments_import_twice;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_find_twice(bigint, bigint) IS 'the identifiers of several lines; how many';

CREATE FUNCTION segments_internal.import_last_values(columns segments.import_column[], blank boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT string_agg(format('(array_agg(NULLIF(l.v%1$s, '''') ORDER BY l.line DESC)' || CASE WHEN NOT blank THEN ' FILTER (WHERE l.v%1$s <> '''')' ELSE '' END || ')[1] AS v%1$s',
                             c.number), ', ' ORDER BY c.number)
    FROM unnest(columns) AS c
$function$;
COMMENT ON FUNCTION segments_internal.import_last_values(segments.import_column[], boolean) IS 'aggregates over lines l, as SQL: the last value of each cell, which a blank is only when blank';

CREATE FUNCTION segments_internal.import_merge(tables segments.contact_table, columns segments.import_column[], blank boolean, first bigint, last bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET default_statistics_target = 10
    SET datestyle = 'ISO, YMD' SET extra_float_digits = 1       -- as lines were staged
AS $function$
/*
 * One row for each identifier: the number of its last line, the last value of
 * each cell, and the contact that it is, of several the one with the lowest
 * key.  Hardly any identifier comes twice, which the planner must know; and
 * rows are sorted and joined by their numbers, as texts cost more.
 */
DECLARE
    key_type text := segments_internal.type_name(segments_internal.base_type(tables.key_type));
BEGIN
    PERFORM segments_internal.drop_staged('segments_import_row');
    EXECUTE format('CREATE TEMP TABLE segments_import_row AS '
        'WITH line AS NOT MATERIALIZED (SELECT l.* FROM pg_temp.segments_import_line AS l WHERE l.line BETWEEN %1$s AND %2$s AND l.ident IS NOT NULL), '
        '     contact AS NOT MATERIALIZED (SELECT DISTINCT ON (l.line) l.line, c.%5$I::%6$s AS key FROM %7$s AS c JOIN line AS l ON l.ident = %8$s ORDER BY l.line, c.%5$I), '
        '     merged AS (SELECT line, ident, %3$s FROM line AS l WHERE NOT EXISTS (SELECT FROM pg_temp.segments_import_twice AS t WHERE t.ident = l.ident) '
        '                UNION ALL SELECT max(line), ident, %4$s FROM line AS l WHERE EXISTS (SELECT FROM pg_temp.segments_import_twice AS t WHERE t.ident = l.ident) GROUP BY ident) '
        'SELECT c.key, m.* FROM merged AS m LEFT JOIN contact AS c ON c.line = m.line',
        first, last,
        (SELECT string_agg(format('NULLIF(v%1$s, '''') AS v%1$s', c.number), ', ' ORDER BY c.number) FROM unnest(columns) AS c),
        segments_internal.import_last_values(columns, blank),
        tables.key_column, key_type, tables.contact_table,
        segments_internal.import_identifier(segments_internal.column_text('c', tables.contact_table, columns[1].target), columns[1].is_exact));
    ANALYZE pg_temp.segments_import_row (line, key);
    DROP TABLE pg_temp.segments_import_twice;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_merge(segments.contact_table, segments.import_column[], boolean, bigint, bigint) IS
    'rows of some lines, one for each identifier, with the contacts that they are';

-- All together ------------------------------------------------------------------

CREATE FUNCTION segments_internal.import_lines(import_id bigint, first bigint, last bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Some lines that are staged, from the first to the last.
 */
DECLARE
    import segments.import;
    tables segments.contact_table;
    columns segments.import_column[];
    written record;
    again record;
    left_over bigint[];
    line bigint;
    matched bigint;
    missing bigint;
    refused bigint := 0;
BEGIN
    -- options hold SQL, which runs as its author: row security does not stop superusers
    SELECT * INTO STRICT import FROM segments.import AS i WHERE i.id = import_id AND i.made_by = quote_ident(current_user)::regrole FOR UPDATE;
    IF import.done <> first - 1 THEN
        RAISE EXCEPTION 'import % goes on in another session', import_id USING ERRCODE = 'object_in_use';
    END IF;
    -- it may have been unpublished since the batch before
    PERFORM segments_internal.check_published(coalesce((SELECT s.alias FROM segments.segment AS s WHERE s.id = import.segment_id), import.segment_id::text));
    SELECT * INTO STRICT tables FROM segments.contact_table AS t WHERE t.contact_table = import.contact_table;
    -- what others have left to the end of the transaction is no fault of a row
    PERFORM segments_internal.import_check_deferred(tables);
    columns := ARRAY(SELECT jsonb_populate_record(NULL::segments.import_column, e.value)
                     FROM jsonb_array_elements(import.options -> 'import_columns') WITH ORDINALITY AS e (value, n) ORDER BY e.n);
    missing := segments_internal.import_reject(import_id, columns, format('l.ident IS NULL AND l.line BETWEEN %s AND %s', first, last), 'the unique identifier is missing');
    PERFORM segments_internal.report_import(tables.contact_table, 'matching', import.lines, 0);
    IF segments_internal.import_find_twice(first, last) > 0 THEN
        PERFORM segments_internal.drop_staged('segments_import_check');
        EXECUTE format('CREATE TEMP TABLE segments_import_check (%s)', (SELECT string_agg(format('v%s %s', c.number, c.stored), ', ' ORDER BY c.number) FROM unnest(columns) AS c));
        refused := segments_internal.import_check_lines(import_id, columns, ARRAY(
            SELECT l.line FROM pg_temp.segments_import_line AS l JOIN pg_temp.segments_import_twice AS t ON t.ident = l.ident
            WHERE l.line BETWEEN first AND last ORDER BY l.line));
        DROP TABLE pg_temp.segments_import_check;
    END IF;
    PERFORM segments_internal.import_merge(tables, columns, (import.options ->> 'blank')::boolean, first, last);
    PERFORM segments_internal.drop_staged('segments_import_key');
    EXECUTE format('CREATE TEMP TABLE segments_import_key (key %s)', segments_internal.type_name(segments_internal.base_type(tables.key_type)));
    PERFORM segments_internal.drop_staged('segments_import_written');
    CREATE TEMP TABLE segments_import_written (line bigint, is_written boolean);
    written := segments_internal.import_write(import_id, tables, columns, (import.options ->> 'blank')::boolean, first, last);
    left_over := ARRAY(SELECT l.line FROM pg_temp.segments_import_written AS l WHERE NOT l.is_written ORDER BY l.line);
    FOREACH line IN ARRAY left_over LOOP
        again := segments_internal.import_write(import_id, tables, columns, (import.options ->> 'blank')::boolean, line, line);
        written.updated := written.updated + again.updated;
        written.rejected := written.rejected + again.rejected;
    END LOOP;
    -- what was refused is gone from the rows
    SELECT count(r.key) INTO matched FROM pg_temp.segments_import_row AS r;
    INSERT INTO pg_temp.segments_import_key SELECT r.key FROM pg_temp.segments_import_row AS r WHERE r.key IS NOT NULL;
    UPDATE segments.import AS i
    SET done = last, created = i.created + written.created, updated = i.updated + written.updated,
        unchanged = i.unchanged + matched - written.updated, rejected = i.rejected + missing + refused + written.rejected,
        added = i.added + segments_internal.import_add(import_lines.import_id, import.segment_id, tables)
    WHERE i.id = import_id;
    DROP TABLE pg_temp.segments_import_row, pg_temp.segments_import_key, pg_temp.segments_import_written;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_lines(bigint, bigint, bigint) IS 'imports staged lines';

CREATE FUNCTION segments_internal.begin_import(segment text, staging regclass, source text, match_on name, columns jsonb, blank boolean, options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    named record;
    tables segments.contact_table;
    mapped segments.import_column[];
    new_id bigint;
    number_of_lines bigint;
BEGIN
    PERFORM segments_internal.check_published(segment);
    SELECT * INTO named FROM segments_internal.find_segment(named_id);
    tables := named.tables;
    IF NOT has_any_column_privilege(tables.contact_table, 'INSERT') OR NOT has_any_column_privilege(tables.contact_table, 'UPDATE') THEN
        RAISE EXCEPTION 'permission denied for table %', (SELECT relname FROM pg_class WHERE oid = tables.contact_table)
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'An import creates and updates contacts.';
    END IF;
    PERFORM segments_internal.check_import_columns(tables, staging, match_on, columns);
    mapped := segments_internal.import_columns(tables, staging, match_on, columns);
    INSERT INTO segments.import AS i (segment_id, contact_table, source, options)
    VALUES (named.id, tables.contact_table, source, options || jsonb_build_object('match_on', match_on, 'columns', columns,
            'blank', coalesce(blank, false), 'import_columns', to_jsonb(mapped)))
    RETURNING i.id INTO new_id;
    PERFORM segments_internal.report_import(tables.contact_table, 'reading', NULL, 0);
    number_of_lines := segments_internal.import_stage(staging, mapped);
    UPDATE segments.import AS i SET lines = number_of_lines WHERE i.id = new_id;
    RETURN new_id;
END
$function$;
COMMENT ON FUNCTION segments_internal.begin_import(text, regclass, text, name, jsonb, boolean, jsonb) IS 'a new import, with its rows staged';

CREATE FUNCTION segments_internal.end_import(import_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE segments.import AS i SET finished = clock_timestamp() WHERE i.id = import_id;
    PERFORM segments_internal.drop_staged('segments_import_line');
    PERFORM segments_internal.report_import(NULL, NULL, NULL, NULL);
END
$function$;
COMMENT ON FUNCTION segments_internal.end_import(bigint) IS 'an import is done';

CREATE FUNCTION segments.import_contacts(segment text, staging regclass, match_on name DEFAULT 'email', columns jsonb DEFAULT NULL, blank boolean DEFAULT false)
    RETURNS TABLE (created bigint, updated bigint, unchanged bigint, added bigint, rejected bigint, import_id bigint)
    LANGUAGE plpgsql ROWS 1 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    new_id bigint := segments_internal.begin_import(segment, staging, staging::text, match_on, columns, blank, '{}');
BEGIN
    PERFORM segments_internal.import_lines(new_id, 1, (SELECT i.lines FROM segments.import AS i WHERE i.id = new_id));
    PERFORM segments_internal.end_import(new_id);
    RETURN QUERY SELECT i.created, i.updated, i.unchanged, i.added, i.rejected, i.id FROM segments.import AS i WHERE i.id = new_id;
END
$function$;
COMMENT ON FUNCTION segments.import_contacts(text, regclass, name, jsonb, boolean) IS
    'makes contacts of the rows of a staging table and adds them to a published segment by hand: a row whose match_on, without blanks at its ends and folded unless it is case-sensitive, is that of a contact updates it, another creates one.  columns maps {"staging column": "contact column"}, null: those of the same name; a blank leaves what is there, unless blank.  Rows that are refused are kept in segments.import_rejected.  One transaction';
