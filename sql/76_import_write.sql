-- ---------------------------------------------------------------------------
-- Importing: contacts written, lines rejected
-- ---------------------------------------------------------------------------

CREATE FUNCTION segments_internal.import_update(tables segments.contact_table, columns segments.import_column[], blank boolean, first bigint, last bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What differs and is not written either has been kept by row security or a
 * trigger, or was changed or has gone meanwhile.  Which rows are written is known
 * only from the statement itself: a trigger may have made their contacts differ
 * again.  One row that is left is refused, of several each is tried by itself.
 */
DECLARE
    written bigint;
    left_over bigint := 0;
    -- the identifier found the contact: it is left as the contact has it
    cells segments.import_column[] := columns[2:];
    rows text := format('(SELECT r.line, r.key, %s FROM pg_temp.segments_import_row AS r WHERE r.line BETWEEN %s AND %s AND r.key IS NOT NULL) AS n',
        (SELECT string_agg(format('r.v%1$s::%2$s AS v%1$s', c.number, c.type), ', ') FROM unnest(cells) AS c), first, last);
    differs text := (SELECT string_agg(format(CASE WHEN c.is_comparable THEN '%1$s c.%2$I IS DISTINCT FROM n.v%3$s'
                                                   ELSE '%1$s segments_internal.value_text(c.%2$I) IS DISTINCT FROM segments_internal.value_text(n.v%3$s)' END,
                                              CASE WHEN NOT blank THEN format('n.v%s IS NOT NULL AND', c.number) END, c.target, c.number), ' OR ') FROM unnest(cells) AS c);
BEGIN
    IF cells = '{}' THEN
        RETURN 0;
    END IF;
    EXECUTE format('WITH written AS (UPDATE %1$s AS c SET %2$s FROM %3$s WHERE c.%4$I = n.key AND (%5$s) RETURNING n.line) '
        'INSERT INTO pg_temp.segments_import_written SELECT w.line, true FROM written AS w',
        tables.contact_table,
        (SELECT string_agg(format('%I = %s', c.target, CASE WHEN blank THEN format('n.v%s', c.number)
                                                           ELSE format('COALESCE(n.v%s, c.%I)', c.number, c.target) END), ', ') FROM unnest(cells) AS c),
        rows, tables.key_column, differs);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written < (SELECT count(*) FROM pg_temp.segments_import_row AS r WHERE r.line BETWEEN first AND last AND r.key IS NOT NULL) THEN
        EXECUTE format('INSERT INTO pg_temp.segments_import_written SELECT n.line, false FROM %2$s '
            'WHERE NOT EXISTS (SELECT FROM pg_temp.segments_import_written AS w WHERE w.line = n.line AND w.is_written) '
            'AND NOT EXISTS (SELECT FROM %1$s AS c WHERE c.%3$I = n.key AND NOT (%4$s))', tables.contact_table, rows, tables.key_column, differs);
        GET DIAGNOSTICS left_over = ROW_COUNT;
    END IF;
    IF left_over > 0 AND first = last THEN
        RAISE EXCEPTION 'the contact is not updated: row security or a trigger keeps it as it is, or it has gone' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN written;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_update(segments.contact_table, segments.import_column[], boolean, bigint, bigint) IS
    'updates contacts that differ from their rows; how many; an error if the only one is not updated';

CREATE FUNCTION segments_internal.import_insert(tables segments.contact_table, columns segments.import_column[], first bigint, last bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    written bigint;
    expected bigint := (SELECT count(*) FROM pg_temp.segments_import_row AS r WHERE r.line BETWEEN first AND last AND r.key IS NULL);
BEGIN
    IF expected = 0 THEN
        RETURN 0;
    END IF;
    EXECUTE format('WITH added AS (INSERT INTO %1$s AS c (%2$s) SELECT %3$s FROM pg_temp.segments_import_row AS r '
        'WHERE r.line BETWEEN %4$s AND %5$s AND r.key IS NULL ORDER BY r.line RETURNING c.%6$I AS key) '
        'INSERT INTO pg_temp.segments_import_key SELECT a.key FROM added AS a',
        tables.contact_table,
        (SELECT string_agg(quote_ident(c.target), ', ' ORDER BY c.number) FROM unnest(columns) AS c),
        (SELECT string_agg(format('CASE WHEN r.v%1$s IS NULL THEN %2$s ELSE %3$s::%4$s END', c.number, c.missing,
                                  CASE c.number WHEN 1 THEN 'btrim(r.v1)' ELSE format('r.v%s', c.number) END, c.type), ', ' ORDER BY c.number) FROM unnest(columns) AS c),
        first, last, tables.key_column);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written < expected THEN
        RAISE EXCEPTION 'the contact is not created: a trigger does not let it' USING ERRCODE = 'triggered_action_exception';
    END IF;
    RETURN written;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_insert(segments.contact_table, segments.import_column[], bigint, bigint) IS
    'creates the contacts of rows that are none yet; how many; an error if one is not created';

CREATE FUNCTION segments_internal.import_check_deferred(tables segments.contact_table) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * What is checked now is not checked again when the transaction ends; what
 * comes later is deferred, as declared.  A name stands for all constraints of
 * a schema that have it, so those that one which cannot be deferred shares are
 * left to the end.
 */
DECLARE
    deferred text := (
        SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ')
        FROM pg_constraint AS c JOIN pg_namespace AS n ON n.oid = c.connamespace AND has_schema_privilege(n.oid, 'USAGE')
        WHERE c.condeferred AND (c.confrelid = tables.contact_table OR c.conrelid = tables.contact_table
                                 OR c.conrelid IN (SELECT p.part FROM segments.table_part AS p WHERE p.attached = tables.contact_table))
          AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conname = c.conname AND o.connamespace = c.connamespace AND NOT o.condeferrable));
BEGIN
    IF deferred IS NOT NULL THEN
        EXECUTE format('SET CONSTRAINTS %s IMMEDIATE', deferred);
        EXECUTE format('SET CONSTRAINTS %s DEFERRED', deferred);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_check_deferred(segments.contact_table) IS
    'an error if a constraint of the contact table that is deferred to the end of the transaction does not hold now';

CREATE FUNCTION segments_internal.import_store(tables segments.contact_table, columns segments.import_column[], blank boolean, first bigint, last bigint,
                                               OUT created bigint, OUT updated bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    updated := segments_internal.import_update(tables, columns, blank, first, last);
    created := segments_internal.import_insert(tables, columns, first, last);
    PERFORM segments_internal.import_check_deferred(tables);
END
$function$;
COMMENT ON FUNCTION segments_internal.import_store(segments.contact_table, segments.import_column[], boolean, bigint, bigint) IS
    'updates and creates the contacts of rows, from line to line; an error if one of them cannot be stored, but for those that an update leaves over';

CREATE FUNCTION segments_internal.import_reject(import_id bigint, columns segments.import_column[], condition text, reason text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    written bigint;
BEGIN
    EXECUTE format('INSERT INTO segments.import_rejected (import_id, line, reason, "row") '
        'SELECT $1, l.line, coalesce(l.problem, $2), %s FROM pg_temp.segments_import_line AS l WHERE %s',
        (SELECT string_agg(format('jsonb_build_object(%L, l.v%s)', c.target, c.number), ' || ') FROM unnest(columns) AS c), condition)
    USING import_id, reason;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_reject(bigint, segments.import_column[], text, text) IS 'keeps lines that cannot be stored, with the reason; how many';

CREATE FUNCTION segments_internal.import_reject_line(import_id bigint, columns segments.import_column[], refused bigint, reason text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    written bigint := segments_internal.import_reject(import_id, columns, format('l.line = %s', refused), reason);
BEGIN
    UPDATE pg_temp.segments_import_line AS l SET ident = NULL WHERE l.line = refused;
    RETURN written;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_reject_line(bigint, segments.import_column[], bigint, text) IS 'keeps one line that cannot be stored, and leaves it out';

CREATE FUNCTION segments_internal.import_check_lines(import_id bigint, columns segments.import_column[], lines bigint[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * A value that its column refuses rejects its line, also where another line
 * of the contact replaces it.
 */
DECLARE
    message text;
    middle integer := cardinality(lines) / 2;
BEGIN
    BEGIN
        -- assigned as to the contact table: casts cut off
        EXECUTE format('INSERT INTO pg_temp.segments_import_check SELECT %s FROM pg_temp.segments_import_line AS l WHERE l.line = ANY ($1)',
            (SELECT string_agg(format('NULLIF(%s, '''')::%s', CASE c.number WHEN 1 THEN 'btrim(l.v1)' ELSE format('l.v%s', c.number) END, c.type), ', ' ORDER BY c.number)
             FROM unnest(columns) AS c)) USING lines;
        RETURN 0;
    EXCEPTION
        /* of the moment, and not of the value */
        WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error OR internal_error THEN
            RAISE;
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    END;
    IF cardinality(lines) = 1 THEN
        RETURN segments_internal.import_reject_line(import_id, columns, lines[1], message);
    END IF;
    RETURN segments_internal.import_check_lines(import_id, columns, lines[:middle]) + segments_internal.import_check_lines(import_id, columns, lines[middle + 1:]);
END
$function$;
COMMENT ON FUNCTION segments_internal.import_check_lines(bigint, segments.import_column[], bigint[]) IS 'rejects those of some lines that have a value which its column refuses; how many';

CREATE FUNCTION segments_internal.import_take_lines(columns segments.import_column[], blank boolean, row_line bigint, lines bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('UPDATE pg_temp.segments_import_row AS r SET %s FROM (SELECT %s FROM pg_temp.segments_import_line AS l WHERE l.line = ANY ($1)) AS n WHERE r.line = $2',
        (SELECT string_agg(format('v%1$s = n.v%1$s', c.number), ', ') FROM unnest(columns) AS c),
        segments_internal.import_last_values(columns, blank)) USING lines, row_line;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_take_lines(segments.import_column[], boolean, bigint, bigint[]) IS 'gives a row the values of some of its lines';

CREATE FUNCTION segments_internal.import_refusal(tables segments.contact_table, columns segments.import_column[], blank boolean, row_line bigint, line bigint) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    message text;
BEGIN
    PERFORM segments_internal.import_take_lines(columns, blank, row_line, ARRAY[line]);
    PERFORM segments_internal.import_store(tables, columns, blank, row_line, row_line);
    RAISE EXCEPTION 'it was only tried' USING ERRCODE = 'SGTRY';
EXCEPTION
    WHEN SQLSTATE 'SGTRY' THEN
        RETURN NULL;
    /* of the moment, and not of the line */
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error OR internal_error THEN
        RAISE;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
        RETURN message;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_refusal(segments.contact_table, segments.import_column[], boolean, bigint, bigint) IS 'why a line by itself cannot be stored, or null; stores nothing';

CREATE FUNCTION segments_internal.import_reject_row(import_id bigint, tables segments.contact_table, columns segments.import_column[], blank boolean,
                                                    row_line bigint, reason text, OUT is_left boolean, OUT rejected bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Of a contact of several lines those are rejected that are refused by
 * themselves; where that is none, all are.
 */
DECLARE
    lines bigint[];
    refused record;
BEGIN
    rejected := 0;
    lines := ARRAY(SELECT l.line FROM pg_temp.segments_import_line AS l
                   WHERE l.ident = (SELECT r.ident FROM pg_temp.segments_import_row AS r WHERE r.line = row_line)
                     AND l.line BETWEEN (SELECT i.done + 1 FROM segments.import AS i WHERE i.id = import_id) AND row_line
                   ORDER BY l.line);
    IF cardinality(lines) > 1 THEN
        FOR refused IN SELECT u.line, segments_internal.import_refusal(tables, columns, blank, row_line, u.line) AS reason FROM unnest(lines) AS u (line) LOOP
            IF refused.reason IS NOT NULL THEN
                rejected := rejected + segments_internal.import_reject_line(import_id, columns, refused.line, refused.reason);
                lines := array_remove(lines, refused.line);
            END IF;
        END LOOP;
    END IF;
    is_left := rejected > 0 AND lines <> '{}';
    IF is_left THEN
        PERFORM segments_internal.import_take_lines(columns, blank, row_line, lines);
    ELSE
        SELECT rejected + coalesce(sum(segments_internal.import_reject_line(import_id, columns, u.line, reason)), 0) INTO rejected FROM unnest(lines) AS u (line);
        EXECUTE format('DELETE FROM pg_temp.segments_import_row WHERE line = %s', row_line);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_reject_row(bigint, segments.contact_table, segments.import_column[], boolean, bigint, text) IS
    'rejects the lines of a row that is refused, or some of them; is_left: others are left, to be tried again';

CREATE FUNCTION segments_internal.import_index() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF to_regclass('pg_temp.segments_import_row_line') IS NULL THEN
        CREATE INDEX segments_import_row_line ON pg_temp.segments_import_row (line);
        CREATE INDEX segments_import_written_line ON pg_temp.segments_import_written (line);
    END IF;
    IF to_regclass('pg_temp.segments_import_line_line') IS NULL THEN
        CREATE INDEX segments_import_line_line ON pg_temp.segments_import_line (line);
        -- identifiers can be longer than a btree takes
        CREATE INDEX segments_import_line_ident ON pg_temp.segments_import_line USING hash (ident);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_index() IS 'indexes by which the lines and rows of an import are found, once some are refused; those of a batch are scanned';

CREATE FUNCTION segments_internal.import_write(import_id bigint, tables segments.contact_table, columns segments.import_column[], blank boolean,
                                      first bigint, last bigint, OUT created bigint, OUT updated bigint, OUT rejected bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * All of them at once; where that fails, each half by itself, down to the row
 * that is refused.
 */
DECLARE
    message text;
    half record;
    middle bigint := (first + last) / 2;
    refused record;
BEGIN
    rejected := 0;
    IF (first <= last) IS NOT TRUE THEN
        created := 0;
        updated := 0;
        RETURN;
    END IF;
    BEGIN
        SELECT w.created, w.updated INTO created, updated FROM segments_internal.import_store(tables, columns, blank, first, last) AS w;
        PERFORM segments_internal.report_import(tables.contact_table, 'writing', NULL, last - first + 1);
        RETURN;
    EXCEPTION
        /* of the moment, and not of the row */
        WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error OR internal_error THEN
            RAISE;
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    END;
    PERFORM segments_internal.import_index();
    created := 0;
    updated := 0;
    IF first = last THEN
        refused := segments_internal.import_reject_row(import_id, tables, columns, blank, first, message);
        IF refused.is_left THEN
            SELECT w.created, w.updated, w.rejected INTO created, updated, rejected
            FROM segments_internal.import_write(import_id, tables, columns, blank, first, last) AS w;
        END IF;
        rejected := rejected + refused.rejected;
        RETURN;
    END IF;
    FOR half IN SELECT w.* FROM (VALUES (first, middle), (middle + 1, last)) AS h (first, last),
                    LATERAL segments_internal.import_write(import_id, tables, columns, blank, h.first, h.last) AS w LOOP
        created := created + half.created;
        updated := updated + half.updated;
        rejected := rejected + half.rejected;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_write(bigint, segments.contact_table, segments.import_column[], boolean, bigint, bigint) IS
    'updates and creates the contacts of rows, from line to line; keeps those that are refused';

CREATE FUNCTION segments_internal.import_add(import_id bigint, segment_id bigint, tables segments.contact_table) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    added bigint;
BEGIN
    PERFORM segments_internal.report_import(tables.contact_table, 'adding', NULL, 0);
    EXECUTE 'SELECT segments_internal.include_by_hand($1, ARRAY(SELECT k.key FROM pg_temp.segments_import_key AS k), ''import'', $2)'
    INTO added USING segment_id, import_id::text;
    RETURN added;
END
$function$;
COMMENT ON FUNCTION segments_internal.import_add(bigint, bigint, segments.contact_table) IS 'adds the contacts of an import to its segment; how many were no members';
