-- ---------------------------------------------------------------------------
-- Importing CSV files of the server
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.csv_header(file text, delimiter text, encoding text) RETURNS text[]
    LANGUAGE c STRICT VOLATILE AS 'MODULE_PATHNAME', 'segments_csv_header';
COMMENT ON FUNCTION segments_internal.csv_header(text, text, text) IS 'names in the first line of a CSV file of the server; for those who may read such files, like COPY';

CREATE FUNCTION segments_internal.csv_rows(file text, delimiter text, encoding text) RETURNS SETOF record
    LANGUAGE c STRICT VOLATILE AS 'MODULE_PATHNAME', 'segments_csv_rows';
COMMENT ON FUNCTION segments_internal.csv_rows(text, text, text) IS
    'the other lines: what is wrong with one, else null, and its values, all as text; for those who may read such files';

CREATE FUNCTION segments_internal.load_csv(file text, delimiter text, encoding text) RETURNS regclass
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    names text[] := segments_internal.csv_header(file, delimiter, encoding);
BEGIN
    IF cardinality(names) <> (SELECT count(DISTINCT n::name) FROM unnest(names) AS n WHERE n <> '') THEN
        RAISE EXCEPTION 'the first line of "%" has blank or repeated names', file USING ERRCODE = 'bad_copy_file_format';
    END IF;
    -- nor what columns of a table cannot be named, and what one is named already
    IF segments_internal.csv_problem() = ANY (names) OR EXISTS (SELECT FROM pg_attribute AS a
                                                                WHERE a.attrelid = 'pg_class'::regclass AND a.attnum < 0 AND a.attname = ANY (names)) THEN
        RAISE EXCEPTION 'the first line of "%" has reserved names', file USING ERRCODE = 'bad_copy_file_format',
            DETAIL = 'Names of system columns are, as ctid, and "what is wrong with the line".';
    END IF;
    PERFORM segments_internal.drop_staged('segments_import_file');
    EXECUTE format('CREATE TEMP TABLE segments_import_file AS SELECT * FROM segments_internal.csv_rows(%L, %L, %L) AS r (%I text, %s)',
                   file, delimiter, encoding, segments_internal.csv_problem(),
                   (SELECT string_agg(format('%I text', n), ', ' ORDER BY o) FROM unnest(names) WITH ORDINALITY AS u (n, o)));
    RETURN 'pg_temp.segments_import_file'::regclass;
END
$function$;
COMMENT ON FUNCTION segments_internal.load_csv(text, text, text) IS 'a CSV file of the server as a temporary table of texts, and of what is wrong with a line';

CREATE PROCEDURE segments_internal.run_import(import_id bigint, batch integer)
    LANGUAGE plpgsql
AS $procedure$
/*
 * No search_path of its own: a procedure that has one cannot commit.  What it
 * calls has.
 */
DECLARE
    import segments.import;
BEGIN
    LOOP
        SELECT i.* INTO STRICT import FROM segments.import AS i WHERE i.id OPERATOR(pg_catalog.=) import_id;
        EXIT WHEN import.done OPERATOR(pg_catalog.>=) import.lines;
        PERFORM segments_internal.import_lines(import_id, import.done OPERATOR(pg_catalog.+) 1,
            LEAST(import.lines, import.done OPERATOR(pg_catalog.+) COALESCE(batch::bigint, import.lines)));
        IF batch IS NOT NULL THEN
            COMMIT;
        END IF;
    END LOOP;
    PERFORM segments_internal.end_import(import_id);
END
$procedure$;
COMMENT ON PROCEDURE segments_internal.run_import(bigint, integer) IS 'imports the staged lines that are left, a batch a transaction';

CREATE PROCEDURE segments.import_csv(segment text, file text, match_on name DEFAULT 'email', columns jsonb DEFAULT NULL, blank boolean DEFAULT false,
                                     batch integer DEFAULT NULL, INOUT import_id bigint DEFAULT NULL,
                                     delimiter text DEFAULT ',', encoding text DEFAULT NULL)
    LANGUAGE plpgsql
AS $procedure$
BEGIN
    IF batch OPERATOR(pg_catalog.<) 1 THEN
        RAISE EXCEPTION 'batch must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF file IS NULL THEN
        RAISE EXCEPTION 'file must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF delimiter IS NULL THEN
        RAISE EXCEPTION 'delimiter must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    encoding := COALESCE(encoding, pg_catalog.pg_client_encoding());
    import_id := segments_internal.begin_import(segment, segments_internal.load_csv(file, delimiter, encoding), file, match_on, columns, blank,
        pg_catalog.jsonb_build_object('file', file, 'batch', batch, 'delimiter', delimiter, 'encoding', encoding));
    DROP TABLE pg_temp.segments_import_file;
    CALL segments_internal.run_import(import_id, batch);
END
$procedure$;
COMMENT ON PROCEDURE segments.import_csv(text, text, name, jsonb, boolean, integer, bigint, text, text) IS
    'import_contacts() of a CSV file of the server with a line of names, in the client''s encoding unless one is named, for those who may read such files; with batch that many lines a transaction, so that it can be resumed; gives the import''s id';

CREATE PROCEDURE segments.resume_import(import_id bigint)
    LANGUAGE plpgsql
AS $procedure$
DECLARE
    import segments.import;
    staged bigint;
BEGIN
    SELECT i.* INTO import FROM segments.import AS i WHERE i.id OPERATOR(pg_catalog.=) import_id AND i.made_by OPERATOR(pg_catalog.=) CURRENT_USER;
    IF NOT FOUND OR import.finished IS NOT NULL OR NOT (import.options OPERATOR(pg_catalog.?) 'file') THEN
        RAISE EXCEPTION 'import % cannot be resumed', import_id USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'It does not exist, is done, was not made of a file, or was made by another role.';
    END IF;
    staged := segments_internal.restage_import(import_id);
    CALL segments_internal.run_import(import_id, (import.options OPERATOR(pg_catalog.->>) 'batch')::integer);
END
$procedure$;
COMMENT ON PROCEDURE segments.resume_import(bigint) IS 'goes on with an import of a CSV file in batches where it stopped; the file must be as it was';

CREATE FUNCTION segments_internal.restage_import(import_id bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    import segments.import;
    staged bigint;
BEGIN
    SELECT * INTO STRICT import FROM segments.import AS i WHERE i.id = import_id AND i.made_by = current_user;
    staged := segments_internal.import_stage(segments_internal.load_csv(import.options ->> 'file', import.options ->> 'delimiter', import.options ->> 'encoding'),
        ARRAY(SELECT jsonb_populate_record(NULL::segments.import_column, e.value)
              FROM jsonb_array_elements(import.options -> 'import_columns') WITH ORDINALITY AS e (value, n) ORDER BY e.n));
    DROP TABLE pg_temp.segments_import_file;
    IF staged <> import.lines THEN
        RAISE EXCEPTION 'file "%" has % lines, not %', import.source, staged, import.lines USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'It was changed since the import began.';
    END IF;
    RETURN staged;
END
$function$;
COMMENT ON FUNCTION segments_internal.restage_import(bigint) IS 'the lines of an import''s file again; how many';
