-- ---------------------------------------------------------------------------
-- What a change of segments means: triggers of segments.segment
-- ---------------------------------------------------------------------------

-- What the triggers need.  Functions that look for one row set enable_seqscan
-- off: their plans are made when a session first stores a segment, and kept, and
-- the ten thousandth of one statement must not read all that came before it.

CREATE FUNCTION segments_internal.forget_members(contact_table regclass, segment_id bigint) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_forget_members';
COMMENT ON FUNCTION segments_internal.forget_members(regclass, bigint) IS 'removes members and overrides of a segment that was deleted, and logs the leaves';
REVOKE ALL ON FUNCTION segments_internal.forget_members(regclass, bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.keep_members(contact_table regclass, segment_id bigint) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_keep_members';
COMMENT ON FUNCTION segments_internal.keep_members(regclass, bigint) IS 'makes the present members inclusions by hand';
REVOKE ALL ON FUNCTION segments_internal.keep_members(regclass, bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.reference_cycle(segment_id bigint) RETURNS bigint[]
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_reference_cycle';
COMMENT ON FUNCTION segments_internal.reference_cycle(bigint) IS 'the shortest way from a segment through references back to itself, or null';
REVOKE ALL ON FUNCTION segments_internal.reference_cycle(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.is_alias_taken(alias text, segment_id bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
    SELECT EXISTS (SELECT FROM segments.segment AS s WHERE s.alias = is_alias_taken.alias AND s.id <> is_alias_taken.segment_id)
$function$;
COMMENT ON FUNCTION segments_internal.is_alias_taken(text, bigint) IS 'does another segment have this alias?';
REVOKE ALL ON FUNCTION segments_internal.is_alias_taken(text, bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_alias_is_word(alias text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF alias ~ '^[0-9]+$' THEN
        RAISE EXCEPTION 'segment alias "%" is all digits', alias
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A text of digits is the id of a segment.',
                  HINT = format('Use another, such as "segment-%s".', alias);
    END IF;
    RETURN alias;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_alias_is_word(text) IS 'the alias; an error when it is all digits';

CREATE FUNCTION segments_internal.choose_alias(given text, name text, segment_id bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
/*
 * A given alias must be free, and not all digits; one made from the name gets
 * a number when it is taken, and a word before its digits.  All segments count, those that the user doesn't see too: that an alias
 * is taken can be learnt, and nothing else.  The number is looked for in doubled
 * steps, then by halves: a few look-ups however many have the name.
 */
DECLARE
    is_given boolean := coalesce(given, '') <> '';
    stem text := segments.make_alias(CASE WHEN is_given THEN given ELSE name END);
    taken bigint := 0;
    free bigint := 1;
    middle bigint;
BEGIN
    IF stem = '' THEN
        SELECT string_agg(chr(97 + floor(random() * 26)::integer), '') INTO stem FROM generate_series(1, 5);
        is_given := false;
    ELSIF is_given THEN
        PERFORM segments_internal.check_alias_is_word(stem);
    ELSIF stem ~ '^[0-9]+$' THEN
        stem := 'segment-' || stem;
    END IF;
    IF NOT segments_internal.is_alias_taken(stem, segment_id) THEN
        RETURN stem;
    ELSIF is_given THEN
        RAISE EXCEPTION 'segment alias "%" is already in use', stem
            USING ERRCODE = 'unique_violation', HINT = 'Choose another, or leave it out to have one made from the name.';
    END IF;
    WHILE segments_internal.is_alias_taken(stem || free, segment_id) LOOP
        taken := free;
        free := free * 2;
    END LOOP;
    WHILE taken + 1 < free LOOP
        middle := (taken + free) / 2;
        IF segments_internal.is_alias_taken(stem || middle, segment_id) THEN
            taken := middle;
        ELSE
            free := middle;
        END IF;
    END LOOP;
    RETURN stem || free;
END
$function$;
COMMENT ON FUNCTION segments_internal.choose_alias(text, text, bigint) IS 'the alias of a new or renamed segment';
REVOKE ALL ON FUNCTION segments_internal.choose_alias(text, text, bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.asker_may_see(contact_table regclass, is_global boolean, created_by bigint, created_by_user text) RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segments_asker_may_see';
COMMENT ON FUNCTION segments_internal.asker_may_see(regclass, boolean, bigint, text) IS 'may_see() of the role that the session acts for, in functions that run with the rights of others';
REVOKE ALL ON FUNCTION segments_internal.asker_may_see(regclass, boolean, bigint, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.told(segment segments.segment, reason text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- the reason can quote the filter
    RETURN CASE WHEN segments_internal.asker_may_see(segment.contact_table, segment.is_global, segment.created_by, segment.created_by_user)
                THEN format('segment "%s": %s', segment.alias, reason) ELSE 'a segment that you do not see' END;
END
$function$;
COMMENT ON FUNCTION segments_internal.told(segments.segment, text) IS 'what is wrong with a segment, for messages to who asks';
REVOKE ALL ON FUNCTION segments_internal.told(segments.segment, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.names_of(segment_ids bigint[]) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT concat_ws(' and ', string_agg(format('"%s"', s.name), ', ' ORDER BY s.name, s.id) FILTER (WHERE s.is_seen),
                     CASE WHEN NOT bool_and(s.is_seen) THEN 'others that you do not see' END)
    FROM (SELECT s.id, s.name, segments_internal.asker_may_see(s.contact_table, s.is_global, s.created_by, s.created_by_user) AS is_seen
          FROM segments.segment AS s WHERE s.id = ANY (segment_ids)) AS s
$function$;
COMMENT ON FUNCTION segments_internal.names_of(bigint[]) IS 'names of segments, for messages, without those that who asks does not see';
REVOKE ALL ON FUNCTION segments_internal.names_of(bigint[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.store_references(segment_id bigint, contact_table regclass, referenced bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
/*
 * Two transactions that store one half of a cycle each take turns here, until
 * they end; writers of contacts are in nobody's way.  The search reads as last
 * committed, so the second one sees the first one's half.
 */
DECLARE
    cycle bigint[];
BEGIN
    DELETE FROM segments.segment_reference AS r
    WHERE r.segment_id = store_references.segment_id AND r.referenced_id <> ALL (referenced);
    IF cardinality(referenced) = 0 THEN
        RETURN;
    END IF;
    PERFORM FROM segments.contact_table AS t WHERE t.contact_table = store_references.contact_table FOR NO KEY UPDATE;
    -- whoever unpublishes or deletes one of them meanwhile has to wait, or we had to
    PERFORM FROM segments.segment AS s WHERE s.id = ANY (referenced) ORDER BY s.id FOR SHARE;
    IF EXISTS (SELECT FROM unnest(referenced) AS r (id)
               WHERE NOT EXISTS (SELECT FROM segments.segment AS s WHERE s.id = r.id AND s.is_published)) THEN
        RAISE EXCEPTION 'a segment that the filter refers to was deleted or unpublished concurrently'
            USING ERRCODE = 'serialization_failure';
    END IF;
    -- and now that they are locked, their aliases stay
    IF (SELECT NOT (b.ids <@ referenced AND b.ids @> referenced)
        FROM (SELECT segments_internal.bind_check(s.filters, s.contact_table, s.id, false) AS ids
              FROM segments.segment AS s WHERE s.id = store_references.segment_id OFFSET 0) AS b) THEN
        RAISE EXCEPTION 'a segment that the filter refers to was renamed concurrently'
            USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO segments.segment_reference (segment_id, referenced_id)
    SELECT store_references.segment_id, unnest(referenced) ON CONFLICT DO NOTHING;
    cycle := segments_internal.reference_cycle(segment_id);
    IF cycle IS NOT NULL THEN
        RAISE EXCEPTION 'a segment cannot refer to itself'
            USING ERRCODE = 'invalid_recursion',
                  DETAIL = (SELECT string_agg(CASE WHEN segments_internal.asker_may_see(s.contact_table, s.is_global, s.created_by, s.created_by_user)
                                                   THEN s.alias ELSE '...' END, ' -> ' ORDER BY step.number) || '.'
                            FROM unnest(cycle) WITH ORDINALITY AS step (id, number)
                            JOIN segments.segment AS s ON s.id = step.id);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.store_references(bigint, regclass, bigint[]) IS 'stores which segments a segment refers to; refuses cycles';
REVOKE ALL ON FUNCTION segments_internal.store_references(bigint, regclass, bigint[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.check_unreferenced(segment_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
DECLARE
    users bigint[] := ARRAY(SELECT r.segment_id FROM segments.segment_reference AS r
                            JOIN segments.segment AS s ON s.id = r.segment_id
                            WHERE r.referenced_id = check_unreferenced.segment_id);
BEGIN
    IF cardinality(users) > 0 THEN
        RAISE EXCEPTION 'cannot unpublish segment "%" because other segments refer to it',
            (SELECT s.name FROM segments.segment AS s WHERE s.id = check_unreferenced.segment_id)
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('It is used in %s.', segments_internal.names_of(users)),
                  HINT = 'Change their filters first.';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_unreferenced(bigint) IS 'an error when other segments refer to a segment';
REVOKE ALL ON FUNCTION segments_internal.check_unreferenced(bigint) FROM PUBLIC;

CREATE FUNCTION segments_internal.contact_date_field(contact_table regclass, field text) RETURNS text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT a.attname FROM pg_attribute AS a
    WHERE a.attrelid = contact_date_field.contact_table AND a.attname = contact_date_field.field AND a.attnum > 0
      AND NOT a.attisdropped AND a.atttypid = 'date'::regtype
$function$;
COMMENT ON FUNCTION segments_internal.contact_date_field(regclass, text) IS 'a column of contacts if it holds dates';

CREATE FUNCTION segments_internal.notice_future_dates(contact_table regclass, segment_ids bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Birthdays have years that are past: inNext finds nobody, and says nothing.
 */
DECLARE
    asked record;
BEGIN
    FOR asked IN
        SELECT s.id, s.name, d.field
        FROM segments.segment AS s,
             jsonb_path_query(s.filters::jsonb, 'strict $.** ? (@.operator == "inNext" && @.object == "lead")') AS f,
             segments_internal.contact_date_field(s.contact_table, f ->> 'field') AS d (field)
        WHERE s.id = ANY (segment_ids) AND s.filters::text LIKE '%"inNext"%' AND d.field IS NOT NULL
        ORDER BY s.id, d.field
    LOOP
        IF pg_relation_size(notice_future_dates.contact_table) > 0 AND segments.count(asked.id) = 0 THEN
            RAISE NOTICE 'nobody is in segment "%" now: "%" is looked for in the time to come, with its year', asked.name, asked.field
                USING HINT = 'For birthdays use the operator = with "birthday", or "birthday +7 days".';
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION segments_internal.notice_future_dates(regclass, bigint[]) IS 'a notice about dates in the time to come that no contact has';
REVOKE ALL ON FUNCTION segments_internal.notice_future_dates(regclass, bigint[]) FROM PUBLIC;

CREATE FUNCTION segments_internal.build_stored(contact_table regclass, segment_ids bigint[], fresh boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    begun timestamptz := clock_timestamp();
BEGIN
    PERFORM segments_internal.build(contact_table, segment_ids, 'definition', fresh);
    UPDATE segments.segment SET state = 'ready', error = NULL, built_at = segments.now(),
        build_time = (clock_timestamp() - begun) / cardinality(segment_ids)
    WHERE id = ANY (segment_ids);
    -- what others ran into before writers were shut out is mended
    PERFORM segments_internal.invalidate(build_stored.contact_table)
    FROM unnest(segment_ids) AS i (id) WHERE NOT fresh AND segments_internal.forget_failures(i.id);
    PERFORM segments_internal.notice_future_dates(contact_table, segment_ids);
END
$function$;
COMMENT ON FUNCTION segments_internal.build_stored(regclass, bigint[], boolean) IS 'builds segments of a contact table, fresh: new ones, and says so in their rows';
REVOKE ALL ON FUNCTION segments_internal.build_stored(regclass, bigint[], boolean) FROM PUBLIC;

-- Triggers.

CREATE FUNCTION segments_internal.segment_check_name(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF name IS NULL OR name !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a segment needs a name' USING ERRCODE = 'check_violation';
    END IF;
    RETURN btrim(name);
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_check_name(text) IS 'a name without blanks at its ends; an error when nothing is left';

CREATE FUNCTION segments_internal.check_length(value text, property text, most integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF char_length(value) > most THEN
        RAISE EXCEPTION '% is too long', property
            USING ERRCODE = 'string_data_right_truncation', DETAIL = format('It has %s characters, of which there may be %s.', char_length(value), most);
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_length(text, text, integer) IS 'an error when a text has more characters than are stored';

CREATE FUNCTION segments_internal.check_lengths(segment segments.segment) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.check_length(segment.name, 'name', 255);
    PERFORM segments_internal.check_length(segment.public_name, 'public name', 255);
    PERFORM segments_internal.check_length(segment.alias, 'alias', 255);
    PERFORM segments_internal.check_length(segment.created_by_user, 'name of the user', 255);
    PERFORM segments_internal.check_length(segment.description, 'description', 65535);
END
$function$;
COMMENT ON FUNCTION segments_internal.check_lengths(segments.segment) IS 'an error when a text of a segment has more characters than are stored';

CREATE FUNCTION segments_internal.segment_before_insert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.contact_table := coalesce(NEW.contact_table, segments_internal.default_contact_table());
    PERFORM segments_internal.check_lengths(NEW);
    NEW.name := segments_internal.segment_check_name(NEW.name);
    NEW.public_name := coalesce(nullif(btrim(NEW.public_name), ''), NEW.name);
    -- one that is given and in use is left to the unique index, for ON CONFLICT (alias)
    NEW.alias := CASE WHEN segments.make_alias(NEW.alias) <> '' THEN segments_internal.check_alias_is_word(segments.make_alias(NEW.alias))
                      ELSE segments_internal.choose_alias(NEW.alias, NEW.name, NEW.id) END;
    NEW.date_added := coalesce(NEW.date_added, segments.now());
    NEW.created_by := coalesce(NEW.created_by, segments.user_id());
    NEW.created_by_user := coalesce(NEW.created_by_user, segments.user_name());
    PERFORM segments_internal.bind_check(NEW.filters, NEW.contact_table, NEW.id, true);
    NEW.other_objects := segments_internal.other_objects(NEW.filters, NEW.contact_table);
    NEW.state := 'building';
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_before_insert() IS 'completes and checks a new segment';

CREATE FUNCTION segments_internal.segment_before_accept() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * With the rights of whoever stores the filters, unlike the other triggers: nobody
 * learns of a segment by naming it.  What is stored is kept whoever looks.
 */
BEGIN
    PERFORM segments_internal.check_references(NEW.filters, coalesce(NEW.contact_table, segments_internal.default_contact_table()));
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_before_accept() IS 'refuses filters that name segments which their author does not see';

CREATE FUNCTION segments_internal.segment_after_insert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    added record;
BEGIN
    PERFORM segments_internal.invalidate(n.contact_table)
    FROM (SELECT DISTINCT contact_table FROM segments_new) AS n;
    -- what it refers to may come with it in the same statement
    FOR added IN
        SELECT n.id, n.contact_table, n.referenced
        FROM (SELECT id, contact_table, segments_internal.bind_check(filters, contact_table, id, true) AS referenced
              FROM segments_new WHERE state = 'building' OFFSET 0) AS n
        WHERE cardinality(n.referenced) > 0 ORDER BY n.id
    LOOP
        PERFORM segments_internal.store_references(added.id, added.contact_table, added.referenced);
    END LOOP;
    UPDATE segments.segment AS s SET state = 'ready' FROM segments_new AS n
    WHERE n.state = 'building' AND NOT n.is_published AND s.id = n.id;
    FOR added IN SELECT contact_table, array_agg(id ORDER BY id) AS ids FROM segments_new
                 WHERE state = 'building' AND is_published GROUP BY contact_table ORDER BY contact_table LOOP
        PERFORM segments_internal.build_stored(added.contact_table, added.ids, true);
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_after_insert() IS 'builds new segments';

CREATE FUNCTION segments_internal.segment_before_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    has_new_filters boolean := NEW.filters OPERATOR(segments.<>) OLD.filters;
    is_published_again boolean := NEW.is_published AND NOT OLD.is_published;
BEGIN
    IF NEW.id <> OLD.id OR NEW.contact_table <> OLD.contact_table THEN
        RAISE EXCEPTION 'cannot change the % of segment "%"',
            CASE WHEN NEW.id <> OLD.id THEN 'id' ELSE 'contact table' END, OLD.name
            USING ERRCODE = 'feature_not_supported', HINT = 'Create another segment with the same filters.';
    END IF;
    IF ROW(NEW.name, NEW.public_name, NEW.alias, NEW.description, NEW.created_by_user)
        IS DISTINCT FROM ROW(OLD.name, OLD.public_name, OLD.alias, OLD.description, OLD.created_by_user) THEN
        PERFORM segments_internal.check_lengths(NEW);
    END IF;
    NEW.name := segments_internal.segment_check_name(NEW.name);
    NEW.public_name := coalesce(nullif(btrim(NEW.public_name), ''), NEW.name);
    IF NEW.alias IS DISTINCT FROM OLD.alias THEN
        NEW.alias := segments_internal.choose_alias(NEW.alias, NEW.name, NEW.id);
    END IF;
    NEW.date_modified := segments.now();
    NEW.modified_by := segments.user_id();
    NEW.modified_by_user := segments.user_name();
    IF has_new_filters OR is_published_again THEN
        PERFORM segments_internal.bind_check(NEW.filters, NEW.contact_table, NEW.id, has_new_filters);
        NEW.other_objects := segments_internal.other_objects(NEW.filters, NEW.contact_table);
        IF NEW.is_published THEN
            NEW.state := 'building';
            NEW.error := NULL;
        END IF;
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_before_update() IS 'completes and checks a changed segment';

CREATE FUNCTION segments_internal.segment_after_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * All segments of the statement together: each building compiles all segments
 * of a contact table anew.  EXECUTE, as the plan that suits one row doesn't suit
 * thousands.
 */
DECLARE
    changed record;
    concerned bigint[];
    published bigint[];
    unpublished bigint[];
    kept bigint[];
BEGIN
    EXECUTE 'SELECT array_agg(n.id ORDER BY n.id),
                    array_agg(n.id ORDER BY n.id) FILTER (WHERE n.is_published),
                    array_agg(n.id ORDER BY n.id) FILTER (WHERE o.is_published AND NOT n.is_published),
                    array_agg(n.id ORDER BY n.id) FILTER (WHERE segments.is_static(n.filters) AND NOT segments.is_static(o.filters))
             FROM segments_old AS o JOIN segments_new AS n ON n.id = o.id
             WHERE o.is_published <> n.is_published OR o.filters OPERATOR(segments.<>) n.filters'
    INTO concerned, published, unpublished, kept;
    IF concerned IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM segments_internal.forget_failures(s.id) FROM segments.segment AS s WHERE s.id = ANY (concerned) AND s.state = 'building';
    PERFORM segments_internal.invalidate(s.contact_table)
    FROM (SELECT DISTINCT contact_table FROM segments.segment WHERE id = ANY (concerned)) AS s;
    -- an unpublished segment whose filters are as they were keeps its references
    FOR changed IN EXECUTE
        'SELECT n.id, n.contact_table, n.filters FROM segments_old AS o JOIN segments_new AS n ON n.id = o.id
         WHERE n.id = ANY ($1) AND (n.is_published OR o.filters OPERATOR(segments.<>) n.filters) ORDER BY n.id' USING concerned
    LOOP
        PERFORM segments_internal.store_references(changed.id, changed.contact_table,
            segments_internal.bind_check(changed.filters, changed.contact_table, changed.id, false));
    END LOOP;
    PERFORM segments_internal.check_unreferenced(id) FROM unnest(unpublished) AS u (id);
    PERFORM segments_internal.keep_members(s.contact_table, s.id)
    FROM (SELECT contact_table, id FROM segments.segment WHERE id = ANY (kept) ORDER BY contact_table, id) AS s;
    DELETE FROM segments.segment_clock AS c USING segments.segment AS s
    WHERE c.segment_id = ANY (concerned) AND s.id = c.segment_id AND (NOT s.is_published OR segments.is_static(s.filters));
    FOR changed IN SELECT contact_table, array_agg(id ORDER BY id) AS ids FROM segments.segment
                   WHERE id = ANY (published) GROUP BY contact_table ORDER BY contact_table LOOP
        PERFORM segments_internal.build_stored(changed.contact_table, changed.ids, false);
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_after_update() IS 'brings members in line with a changed definition';

CREATE FUNCTION segments_internal.segment_after_rename() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Filters may name segments by their aliases: those of others must mean what
 * they meant.
 */
DECLARE
    other segments.segment;
    referenced bigint[];
BEGIN
    FOR other IN
        SELECT s.* FROM segments.segment_reference AS r JOIN segments.segment AS s ON s.id = r.segment_id
        WHERE r.referenced_id = NEW.id
    LOOP
        BEGIN
            referenced := segments_internal.bind_check(other.filters, other.contact_table, other.id, false);
        EXCEPTION WHEN undefined_object OR invalid_parameter_value THEN
            referenced := '{}';
        END;
        IF NEW.id <> ALL (referenced) THEN
            RAISE EXCEPTION 'cannot change the alias of segment "%" because other segments name it', NEW.name
                USING ERRCODE = 'dependent_objects_still_exist',
                      DETAIL = format('The filters of %s name "%s".', segments_internal.names_of(ARRAY[other.id]), OLD.alias),
                      HINT = 'Name it by its id there.';
        END IF;
    END LOOP;
    PERFORM segments_internal.invalidate(NEW.contact_table);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_after_rename() IS 'refuses to take an alias away that filters of other segments name';

CREATE FUNCTION segments_internal.segment_after_hide() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.invalidate(NEW.contact_table);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_after_hide() IS 'plans that are kept forget a segment that is for everybody no longer';

CREATE FUNCTION segments_internal.segment_after_delete() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    deleted record;
BEGIN
    SELECT o.name, array_agg(r.segment_id) AS users INTO deleted
    FROM segments_old AS o JOIN segments.segment_reference AS r ON r.referenced_id = o.id
        JOIN segments.segment AS s ON s.id = r.segment_id
    GROUP BY o.contact_table, o.id, o.name ORDER BY o.contact_table, o.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot delete segment "%" because other segments refer to it', deleted.name
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('It is used in %s.', segments_internal.names_of(deleted.users)),
                  HINT = 'Change their filters first, or delete them too.';
    END IF;
    DELETE FROM segments.segment_reference AS r USING segments_old AS o WHERE r.segment_id = o.id;
    PERFORM segments_internal.invalidate(o.contact_table)
    FROM (SELECT DISTINCT contact_table FROM segments_old) AS o;
    PERFORM segments_internal.forget_members(o.contact_table, o.id)
    FROM (SELECT contact_table, id FROM segments_old ORDER BY contact_table, id) AS o;
    -- now that nobody can be building them
    DELETE FROM segments.segment_clock AS c USING segments_old AS o WHERE c.segment_id = o.id;
    DELETE FROM segments.segment_failure AS f USING segments_old AS o WHERE f.segment_id = o.id;
    DELETE FROM segments.log_trimmed AS l USING segments_old AS o WHERE (l.contact_table, l.segment_id) = (o.contact_table, o.id);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.segment_after_delete() IS 'removes what belonged to deleted segments; refuses while others refer to them';

CREATE FUNCTION segments_internal.check_segment_id() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
BEGIN
    PERFORM FROM segments.segment AS s WHERE s.id = NEW.segment_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segment % does not exist', NEW.segment_id USING ERRCODE = 'undefined_object';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_segment_id() IS 'trigger function; refuses a row that belongs to no segment';

CREATE FUNCTION segments_internal.check_referenced() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $function$
/*
 * Written, not only locked: who deletes or unpublishes it meanwhile waits and
 * then sees the reference, or fails with 40001 where its snapshot is older.
 */
BEGIN
    UPDATE segments.segment AS s SET state = s.state WHERE s.id = NEW.referenced_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segment % does not exist', NEW.referenced_id USING ERRCODE = 'undefined_object';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_referenced() IS 'trigger function; refuses a reference to a segment that does not exist';

-- Rows that come with another state than new were built before: they come from
-- a dump, like their references and members.
CREATE TRIGGER segment_before_insert BEFORE INSERT ON segments.segment
    FOR EACH ROW WHEN (NEW.state = 'new') EXECUTE FUNCTION segments_internal.segment_before_insert();
CREATE TRIGGER segment_after_insert AFTER INSERT ON segments.segment
    REFERENCING NEW TABLE AS segments_new
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.segment_after_insert();
CREATE TRIGGER segment_before_update BEFORE UPDATE ON segments.segment
    FOR EACH ROW WHEN (ROW(OLD.id, OLD.contact_table, OLD.name, OLD.public_name, OLD.alias, OLD.description,
                           OLD.category_id, OLD.is_published, OLD.is_global, OLD.is_preference_center)
                       IS DISTINCT FROM
                       ROW(NEW.id, NEW.contact_table, NEW.name, NEW.public_name, NEW.alias, NEW.description,
                           NEW.category_id, NEW.is_published, NEW.is_global, NEW.is_preference_center)
                       OR OLD.filters OPERATOR(segments.<>) NEW.filters)
    EXECUTE FUNCTION segments_internal.segment_before_update();
-- before segment_before_insert and segment_before_update, which see all segments
CREATE TRIGGER segment_before_accept_new BEFORE INSERT ON segments.segment
    FOR EACH ROW WHEN (NEW.state = 'new') EXECUTE FUNCTION segments_internal.segment_before_accept();
CREATE TRIGGER segment_before_accept BEFORE UPDATE ON segments.segment
    FOR EACH ROW WHEN (OLD.filters OPERATOR(segments.<>) NEW.filters) EXECUTE FUNCTION segments_internal.segment_before_accept();
CREATE TRIGGER segment_after_rename AFTER UPDATE ON segments.segment
    FOR EACH ROW WHEN (OLD.alias <> NEW.alias) EXECUTE FUNCTION segments_internal.segment_after_rename();
CREATE TRIGGER segment_after_update AFTER UPDATE ON segments.segment
    REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.segment_after_update();
CREATE TRIGGER segment_after_hide AFTER UPDATE ON segments.segment
    FOR EACH ROW WHEN (OLD.is_global AND NOT NEW.is_global) EXECUTE FUNCTION segments_internal.segment_after_hide();
CREATE TRIGGER segment_after_delete AFTER DELETE ON segments.segment
    REFERENCING OLD TABLE AS segments_old
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.segment_after_delete();
CREATE TRIGGER segment_before_truncate BEFORE TRUNCATE ON segments.segment
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.refuse_truncate('Use DELETE, which removes the members too.');
CREATE TRIGGER check_contact_table AFTER INSERT ON segments.segment
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_declared();
CREATE TRIGGER check_segment AFTER INSERT OR UPDATE OF segment_id ON segments.segment_reference
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_segment_id();
CREATE TRIGGER check_referenced AFTER INSERT OR UPDATE OF referenced_id ON segments.segment_reference
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_referenced();
CREATE TRIGGER check_segment AFTER INSERT OR UPDATE OF segment_id ON segments.segment_clock
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_segment_id();
CREATE TRIGGER check_contact_table AFTER INSERT OR UPDATE OF contact_table ON segments.contact_clock
    FOR EACH ROW WHEN (NOT segments_internal.is_restoring()) EXECUTE FUNCTION segments_internal.check_declared();
COMMENT ON TRIGGER segment_before_insert ON segments.segment IS 'completes and checks a new segment';
COMMENT ON TRIGGER segment_before_accept_new ON segments.segment IS 'refuses filters that name segments which their author does not see';
COMMENT ON TRIGGER segment_before_accept ON segments.segment IS 'refuses filters that name segments which their author does not see';
COMMENT ON TRIGGER segment_after_insert ON segments.segment IS 'builds new segments';
COMMENT ON TRIGGER segment_before_update ON segments.segment IS 'completes and checks a changed segment';
COMMENT ON TRIGGER segment_after_rename ON segments.segment IS 'refuses to take an alias away that filters of other segments name';
COMMENT ON TRIGGER segment_after_update ON segments.segment IS 'brings members in line with a changed definition';
COMMENT ON TRIGGER segment_after_hide ON segments.segment IS 'plans that are kept forget a segment that is for everybody no longer';
COMMENT ON TRIGGER segment_after_delete ON segments.segment IS 'removes what belonged to deleted segments';
COMMENT ON TRIGGER segment_before_truncate ON segments.segment IS 'refuses TRUNCATE';
COMMENT ON TRIGGER check_contact_table ON segments.segment IS 'refuses a segment of a table that is not attached';
COMMENT ON TRIGGER check_segment ON segments.segment_reference IS 'refuses references of a segment that does not exist';
COMMENT ON TRIGGER check_referenced ON segments.segment_reference IS 'refuses references to a segment that does not exist';
COMMENT ON TRIGGER check_segment ON segments.segment_clock IS 'refuses the clock of a segment that does not exist';
COMMENT ON TRIGGER check_contact_table ON segments.contact_clock IS 'refuses the clock of a table that is not attached';
