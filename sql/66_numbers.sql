-- ---------------------------------------------------------------------------
-- Numbers for people: growth, overlap, members at an earlier instant; export
-- ---------------------------------------------------------------------------

/*
 * What was is found by going back from what is: the present members and their
 * number, less the joins and leaves that the log holds since.  All of it is
 * read by one snapshot, so it is exact as far back as the log reaches.
 */

CREATE FUNCTION segments_internal.log_reaches(tables segments.contact_table, segment_id bigint) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    entries bigint;
    oldest timestamptz;
    more bigint;
    changes bigint;
    members bigint;
    last_change timestamptz;
BEGIN
    SELECT c.joins + c.leaves, c.members, c.last_change INTO changes, members, last_change FROM segments_internal.member_counts(tables.contact_table) AS c
    WHERE c.segment_id = log_reaches.segment_id;
    SELECT r.entries, r.oldest, r.more INTO entries, oldest, more
    FROM segments_internal.ask_beside(tables.contact_table, 'reach', log_reaches.segment_id) AS r (entries bigint, oldest timestamptz, more bigint);
    -- a segment begins without members, so those of a whole log make those of now; in a database that was restored, or
    -- an unlogged table, all changes that are known are those of the log.
    -- without entries nothing has happened since the last change, where that is known
    RETURN CASE WHEN entries >= coalesce(changes, 0) AND more = coalesce(members, 0) THEN '-infinity'
                ELSE coalesce(oldest, CASE WHEN isfinite(last_change) THEN last_change END, segments.now()) END;
END
$function$;
COMMENT ON FUNCTION segments_internal.log_reaches(segments.contact_table, bigint) IS
    'the instant since which the log holds every join and leave of a segment; -infinity: all that ever were';

CREATE FUNCTION segments_internal.check_log_reaches(tables segments.contact_table, segment_id bigint, at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    reaches timestamptz := segments_internal.log_reaches(tables, segment_id);
BEGIN
    IF at < reaches THEN
        RAISE EXCEPTION 'the log does not reach back to %', at
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('It was trimmed, and reaches back to %s.', reaches);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_log_reaches(segments.contact_table, bigint, timestamptz) IS
    'an error when the log of a segment was trimmed after an instant';

CREATE FUNCTION segments_internal.growth_bounds(first timestamptz, last timestamptz, step interval, timezone text) RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * By multiples, which come to an end for a step that goes back as well
 * ('1 month -31 days'), and keep to the ends of months.  One that is beyond what
 * timestamps reach is beyond the period.
 */
DECLARE
    local_first timestamp := first AT TIME ZONE timezone;
    bound timestamptz;
    bounds timestamptz[] := ARRAY[first];
    is_forward boolean := step > interval '0';
BEGIN
    BEGIN
        is_forward := local_first + step > local_first;
        FOR n IN 1..10000 LOOP
            bound := (local_first + step * n) AT TIME ZONE timezone;
            IF bound >= first AND bound < last THEN
                bounds := array_append(bounds, bound);
            END IF;
        END LOOP;
    EXCEPTION WHEN datetime_field_overflow THEN
        bound := CASE WHEN step > interval '0' THEN 'infinity' ELSE '-infinity' END;
    END;
    IF is_forward IS NOT TRUE OR bound >= last IS NOT TRUE THEN
        RAISE EXCEPTION 'step must be positive, and not below a ten thousandth of the period' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN ARRAY(SELECT DISTINCT b FROM unnest(bounds) AS b ORDER BY 1);
END
$function$;
COMMENT ON FUNCTION segments_internal.growth_bounds(timestamptz, timestamptz, interval, text) IS 'where the steps of a period begin, on a zone''s clock';

CREATE FUNCTION segments.growth(segment text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, step interval DEFAULT '1 day')
    RETURNS TABLE ("from" timestamptz, joined bigint, "left" bigint, total bigint)
    LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Steps are counted on the local clock of the contact table, so a day has 23
 * hours where clocks change.  The last step ends at until.
 */
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    found record;
    tables segments.contact_table;
    first timestamptz;
    last timestamptz := coalesce(growth.until, segments.now());
    bounds timestamptz[];
BEGIN
    SELECT * INTO found FROM segments_internal.find_segment(named_id);
    tables := found.tables;
    first := coalesce(growth.since, date_trunc('day', last AT TIME ZONE tables.timezone - interval '29 days') AT TIME ZONE tables.timezone);
    IF NOT isfinite(first) OR NOT isfinite(last) OR first >= last THEN
        RAISE EXCEPTION 'since must be before until' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    bounds := segments_internal.growth_bounds(first, last, step, tables.timezone);
    PERFORM segments_internal.check_log_reaches(tables, found.id, first);
    RETURN QUERY
        WITH change AS MATERIALIZED (
            SELECT c.number, c.joined, c."left"
            FROM segments_internal.ask_beside(tables.contact_table, 'growth', found.id, bounds, last) AS c (number integer, joined bigint, "left" bigint)
        )
        SELECT b."from", coalesce(c.joined, 0), coalesce(c."left", 0),
               -- what came after is taken back
               segments.count(found.id::text) - coalesce((SELECT sum(d.joined - d."left") FROM change AS d WHERE d.number > b.number), 0)::bigint
        FROM unnest(bounds) WITH ORDINALITY AS b ("from", number) LEFT JOIN change AS c ON c.number = b.number
        ORDER BY b.number;
END
$function$;
COMMENT ON FUNCTION segments.growth(text, timestamptz, timestamptz, interval) IS
    'joins and leaves of a segment in each step of a period, and its members at the end of the step; by default the last thirty days by day, in the contact table''s time zone.  An error where the log does not reach back that far';

CREATE FUNCTION segments.members_at(segment text, at timestamptz, key anyelement DEFAULT NULL::bigint) RETURNS SETOF anyelement
    LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    found record;
    tables segments.contact_table;
BEGIN
    IF at IS NULL THEN
        RAISE EXCEPTION 'at must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM segments_internal.check_key_is_null(key);
    SELECT * INTO found FROM segments_internal.find_segment(named_id);
    tables := found.tables;
    PERFORM segments_internal.check_key_type(tables, pg_typeof(key));
    PERFORM segments_internal.check_log_reaches(tables, found.id, at);
    RETURN QUERY EXECUTE format('SELECT m.contact_id::%s FROM segments_internal.ask_beside($1, ''members at'', $2, $3) AS m (contact_id %s)',
                                pg_typeof(key), segments_internal.base_type(pg_typeof(key)))
    USING tables.contact_table, found.id, at;
END
$function$;
COMMENT ON FUNCTION segments.members_at(text, timestamptz, anyelement) IS
    'keys of those who were members at an earlier instant, with keys in the type of key, which is any null; those who have been deleted since too.  An error where the log does not reach back that far';

CREATE FUNCTION segments.overlap(segments text[])
    RETURNS TABLE (a text, b text, "both" bigint, only_a bigint, only_b bigint)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * One pass over the members for all pairs; how many are in one of the two only
 * follows from the numbers of members.
 */
DECLARE
    tables segments.contact_table;
    ids bigint[] := ARRAY(SELECT segments.resolve_segment(w.word) FROM unnest(overlap.segments) WITH ORDINALITY AS w (word, number)
                          GROUP BY 1 ORDER BY min(w.number));
BEGIN
    IF (SELECT count(DISTINCT s.contact_table) FROM segments.segment AS s WHERE s.id = ANY (ids)) > 1 THEN
        RAISE EXCEPTION 'segments are of several contact tables' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'A contact is a member of segments of its own contact table.';
    ELSIF array_position(ids, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'segment must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT t.* INTO tables FROM segments.segment AS s JOIN segments.contact_table AS t USING (contact_table) WHERE s.id = ids[1];
    IF cardinality(ids) < 2 THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH segment AS MATERIALIZED (
            SELECT s.id, s.alias, w.number, segments.count(s.id::text) AS members
            FROM unnest(ids) WITH ORDINALITY AS w (id, number) JOIN segments.segment AS s ON s.id = w.id
        ), pair AS (
            SELECT i AS a, j AS b, sum(k.n) AS n
            -- contacts of the same segments are alike
            FROM segments_internal.ask_beside(tables.contact_table, 'overlap', ids) AS k (ids bigint[], n bigint), unnest(k.ids) AS i, unnest(k.ids) AS j
            GROUP BY i, j
        )
        SELECT f.alias, g.alias, coalesce(p.n, 0)::bigint, (f.members - coalesce(p.n, 0))::bigint, (g.members - coalesce(p.n, 0))::bigint
        FROM segment AS f JOIN segment AS g ON f.number < g.number LEFT JOIN pair AS p ON p.a = f.id AND p.b = g.id
        ORDER BY f.number, g.number;
END
$function$;
COMMENT ON FUNCTION segments.overlap(text[]) IS
    'for each pair of these segments, in their order: how many contacts are members of both, of the first only, and of the second only';

CREATE FUNCTION segments.export(segment text, columns text[] DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    named_id bigint := segments.resolve_segment(segment);
    named record;
    tables segments.contact_table;
    missing text;
BEGIN
    SELECT * INTO named FROM segments_internal.find_segment(named_id);
    tables := named.tables;
    SELECT w.name INTO missing FROM unnest(columns) WITH ORDINALITY AS w (name, number)
    WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                      WHERE a.attrelid = tables.contact_table AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped)
    ORDER BY w.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', missing, (SELECT relname FROM pg_class WHERE oid = tables.contact_table)
            USING ERRCODE = 'undefined_column';
    END IF;
    RETURN format('SELECT %s FROM %s AS c JOIN %s AS m ON m.contact_id OPERATOR(pg_catalog.=) c.%I WHERE m.segment_id OPERATOR(pg_catalog.=) %s',
        coalesce((SELECT string_agg(format('c.%I', w.name), ', ' ORDER BY w.number)
                  FROM unnest(columns) WITH ORDINALITY AS w (name, number)), 'c.*'),
        tables.contact_table, tables.member_table, tables.key_column, named.id);
END
$function$;
COMMENT ON FUNCTION segments.export(text, text[]) IS
    'the query for COPY (...) TO STDOUT WITH (FORMAT csv, HEADER): members of a segment with these columns of the contact table, null: all';
