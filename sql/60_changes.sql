-- ---------------------------------------------------------------------------
-- The log of joins and leaves
-- ---------------------------------------------------------------------------

-- A transaction's number in the log is its id in the lower 48 bits and, above, an
-- era: one for each cluster that the database was restored into (src/log/change_log.c).
CREATE TABLE segments.log_era (
    era integer NOT NULL,
    system_identifier bigint NOT NULL
);
COMMENT ON TABLE segments.log_era IS 'Which clusters have written to the logs; rows may be there twice; written by the engine';
COMMENT ON COLUMN segments.log_era.era IS 'upper 16 bits of the numbers in the logs: all that is in a lower era ended before';
COMMENT ON COLUMN segments.log_era.system_identifier IS 'the cluster';
ALTER TABLE segments.log_era REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('segments.log_era', '');
GRANT SELECT ON segments.log_era TO PUBLIC;

CREATE FUNCTION segments_internal.log_era_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.invalidate('segments.log_era');
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.log_era_added() IS 'trigger function; everybody looks again which era it is';
CREATE TRIGGER log_era_added AFTER INSERT ON segments.log_era
    FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.log_era_added();
COMMENT ON TRIGGER log_era_added ON segments.log_era IS 'makes everybody look again which era it is';

CREATE FUNCTION segments_internal.log_number(xact bigint) RETURNS bigint
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_log_number';
COMMENT ON FUNCTION segments_internal.log_number(bigint) IS 'the number in the log of a transaction of this cluster';

CREATE FUNCTION segments_internal.log_horizon(OUT high bigint, OUT in_progress bigint[])
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'segments_log_horizon';
COMMENT ON FUNCTION segments_internal.log_horizon() IS 'what the statement sees of the logs: all that other transactions with lower numbers wrote, but for these';

-- Not dumped: a restored copy has readers of its own.
CREATE TABLE segments.consumer (
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 128),
    contact_table regclass NOT NULL,
    low bigint NOT NULL DEFAULT 0,
    high bigint NOT NULL DEFAULT 0,
    lsn pg_lsn NOT NULL DEFAULT '0/0',
    n integer NOT NULL DEFAULT 0,
    read_at timestamptz,
    xact bigint NOT NULL DEFAULT 0,
    role regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
    low_in_progress bigint[] NOT NULL DEFAULT '{}',
    in_progress bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (role, name, contact_table)
);
CREATE TRIGGER check_contact_table AFTER INSERT OR UPDATE OF contact_table ON segments.consumer
    FOR EACH ROW EXECUTE FUNCTION segments_internal.check_declared();
COMMENT ON TRIGGER check_contact_table ON segments.consumer IS 'refuses a consumer of a table that is not attached';
COMMENT ON TABLE segments.consumer IS 'Who reads the log of a contact table, and how far they are; written by segments.read_changes()';
COMMENT ON COLUMN segments.consumer.name IS 'name of the consumer, among those of its role';
COMMENT ON COLUMN segments.consumer.role IS 'the role that made it, and reads by it';
COMMENT ON COLUMN segments.consumer.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.consumer.low IS 'all transactions below were read';
COMMENT ON COLUMN segments.consumer.low_in_progress IS 'but for these, in ascending order';
COMMENT ON COLUMN segments.consumer.high IS 'others below this one are being read, in the order they wrote';
COMMENT ON COLUMN segments.consumer.in_progress IS 'but for these, in ascending order';
COMMENT ON COLUMN segments.consumer.lsn IS 'where the last entry that was read was written';
COMMENT ON COLUMN segments.consumer.xact IS 'its transaction: two can write at the same place';
COMMENT ON COLUMN segments.consumer.n IS 'number of the last entry that was read in its transaction';
COMMENT ON COLUMN segments.consumer.read_at IS 'when it last read';
ALTER TABLE segments.consumer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON segments.consumer USING (role = quote_ident(current_user)::regrole AND has_table_privilege(contact_table, 'SELECT'));
COMMENT ON POLICY own ON segments.consumer IS 'one''s own, of contact tables that one may read';
CREATE POLICY watched ON segments.consumer FOR SELECT USING (segments.owns(contact_table));
COMMENT ON POLICY watched ON segments.consumer IS 'all of one''s contact tables';
-- UPDATE or DELETE of a whole table would come with its locks (90_rights.sql)
GRANT SELECT, INSERT, UPDATE (low, low_in_progress, high, in_progress, lsn, xact, n, read_at) ON segments.consumer TO PUBLIC;

CREATE FUNCTION segments_internal.check_may_read(relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF has_table_privilege(relation, 'SELECT') IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied for table %', (SELECT relname FROM pg_class WHERE oid = relation)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.check_may_read(regclass) IS 'refuse who may not SELECT a table';

CREATE FUNCTION segments_internal.next_entries(contact_table regclass, low bigint, low_in_progress bigint[], high bigint, in_progress bigint[],
                                      INOUT lsn pg_lsn, INOUT xact bigint, INOUT n integer, max integer,
                                      OUT entries tid[], OUT is_more boolean)
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_next_entries';
COMMENT ON FUNCTION segments_internal.next_entries(regclass, bigint, bigint[], bigint, bigint[], pg_lsn, bigint, integer, integer) IS
    'where the next entries of a log are for a consumer that is so far, and how far it is then; is_more: perhaps there are others';

CREATE FUNCTION segments_internal.unread_entries(contact_table regclass, low bigint, low_in_progress bigint[], high bigint, in_progress bigint[],
                                        lsn pg_lsn, xact bigint, n integer) RETURNS bigint
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_unread_entries';
COMMENT ON FUNCTION segments_internal.unread_entries(regclass, bigint, bigint[], bigint, bigint[], pg_lsn, bigint, integer) IS
    'how many entries of a log a consumer that is so far has not read; of many, about';

CREATE FUNCTION segments.read_changes(consumer text, key anyelement, max integer DEFAULT 1000,
                                      contact_table regclass DEFAULT NULL)
    RETURNS TABLE (xact bigint, n integer, segment_id bigint, segment text, contact_id anyelement, joined boolean,
                   cause text, at timestamptz, source text, reference text)
    LANGUAGE plpgsql ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * In which order, and how, is told in src/log/change_read.c.  The consumer's row stays locked
 * until the reader commits: what it rolls back is read again, and two readers take turns.
 */
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
    reader segments.consumer;
    next record;
    horizon record;
    is_last boolean := false;
    given integer := 0;
BEGIN
    PERFORM segments_internal.check_key_is_null(key);
    PERFORM segments_internal.check_key_type(tables, pg_typeof(key));
    IF max IS NULL THEN
        RAISE EXCEPTION 'max must not be null' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'If this null is to tell the type of keys, name it: key => NULL::integer.';
    ELSIF max < 1 THEN
        RAISE EXCEPTION 'max must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF coalesce(consumer, '') = '' THEN
        RAISE EXCEPTION 'a consumer needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM segments_internal.check_may_read(tables.contact_table);
    INSERT INTO segments.consumer (name, contact_table) VALUES (consumer, tables.contact_table) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT reader FROM segments.consumer AS c
    WHERE c.role = quote_ident(current_user)::regrole AND c.name = consumer AND c.contact_table = tables.contact_table FOR UPDATE;

    LOOP
        SELECT * INTO next
        FROM segments_internal.next_entries(tables.contact_table, reader.low, reader.low_in_progress, reader.high, reader.in_progress,
                                   reader.lsn, reader.xact, reader.n, max - given);
        RETURN QUERY EXECUTE format(
            'SELECT c.xact, c.n, c.segment_id, s.alias, c.contact_id::%s, c.joined, c.cause, c.at, c.source, c.reference '
            'FROM segments_internal.ask_beside($1, ''entries'', $2) AS c (contact_id %s, xact bigint, n integer, segment_id bigint, joined boolean, '
            'cause text, at timestamptz, source text, reference text, place bigint) '
            'LEFT JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY c.place',
            segments_internal.type_name(pg_typeof(key)), segments_internal.type_name(segments_internal.base_type(pg_typeof(key))))
        USING tables.contact_table, next.entries;
        given := given + cardinality(next.entries);
        reader.lsn := next.lsn;
        reader.xact := next.xact;
        reader.n := next.n;
        EXIT WHEN next.is_more;
        -- all of it is read: what has been committed since
        reader.low := reader.high;
        reader.low_in_progress := reader.in_progress;
        reader.lsn := '0/0';
        reader.xact := 0;
        reader.n := 0;
        EXIT WHEN given >= max OR is_last;
        SELECT * INTO horizon FROM segments_internal.log_horizon();
        EXIT WHEN (horizon.high, horizon.in_progress) = (reader.low, reader.low_in_progress);
        -- what another cluster wrote has no place among our entries: one era at a time
        is_last := horizon.high >> 48 = reader.low >> 48;
        IF NOT is_last THEN
            horizon.high := (reader.low >> 48) + 1 << 48;
            horizon.in_progress := '{}';
        END IF;
        reader.high := horizon.high;
        reader.in_progress := horizon.in_progress;
    END LOOP;
    UPDATE segments.consumer AS c
    SET low = reader.low, low_in_progress = reader.low_in_progress, high = reader.high, in_progress = reader.in_progress,
        lsn = reader.lsn, xact = reader.xact, n = reader.n, read_at = clock_timestamp()
    WHERE c.role = quote_ident(current_user)::regrole AND c.name = consumer AND c.contact_table = tables.contact_table;
END
$function$;
COMMENT ON FUNCTION segments.read_changes(text, anyelement, integer, regclass) IS
    'the next joins and leaves, with keys in the type of key, which is any null and always second: read_changes(''mailer'', key => NULL::uuid, max => 10)';

CREATE FUNCTION segments.read_changes(consumer text, max integer DEFAULT 1000, contact_table regclass DEFAULT NULL)
    RETURNS TABLE (xact bigint, n integer, segment_id bigint, segment text, contact_id bigint, joined boolean,
                   cause text, at timestamptz, source text, reference text)
    LANGUAGE sql ROWS 1000
    AS 'SELECT * FROM segments.read_changes(consumer, NULL::bigint, max, contact_table)';
COMMENT ON FUNCTION segments.read_changes(text, integer, regclass) IS
    'the next joins and leaves, at most max, each once per consumer, in the order in which they were written; a new consumer starts with the oldest that is kept; they count as read when the caller commits';

CREATE FUNCTION segments_internal.forget_consumer(contact_table regclass, role regrole, consumer text) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_as_permitted';
COMMENT ON FUNCTION segments_internal.forget_consumer(regclass, regrole, text) IS 'deletes a consumer that the caller sees; whether there was one';

CREATE FUNCTION segments_internal.forget_consumer_permitted(contact_table regclass, role regrole, consumer text) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT EXISTS (SELECT FROM segments.consumer AS c
                   WHERE (c.contact_table, c.role, c.name) = (forget_consumer_permitted.contact_table, forget_consumer_permitted.role, consumer))
$function$;
COMMENT ON FUNCTION segments_internal.forget_consumer_permitted(regclass, regrole, text) IS 'whether the current role sees a consumer';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_consumer_permitted(regclass, regrole, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.forget_consumer_checked(contact_table regclass, role regrole, consumer text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    DELETE FROM segments.consumer AS c
    WHERE (c.contact_table, c.role, c.name) = (forget_consumer_checked.contact_table, forget_consumer_checked.role, consumer);
    RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION segments_internal.forget_consumer_checked(regclass, regrole, text) IS 'what forget_consumer() does for those who may';
REVOKE EXECUTE ON FUNCTION segments_internal.forget_consumer_checked(regclass, regrole, text) FROM PUBLIC;

CREATE FUNCTION segments.drop_consumer(consumer text, contact_table regclass DEFAULT NULL, role regrole DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments_internal.tables_of(contact_table);
    reader regrole := coalesce(role, quote_ident(current_user)::regrole);
BEGIN
    IF reader <> quote_ident(current_user)::regrole THEN
        PERFORM segments_internal.check_owner(tables.contact_table);
    END IF;
    RETURN segments_internal.forget_consumer(tables.contact_table, reader, consumer);
END
$function$;
COMMENT ON FUNCTION segments.drop_consumer(text, regclass, regrole) IS 'forgets a consumer, for which the log is kept no longer; whether there was one; role: whose, for the owner of the contact table, null: one''s own';

CREATE FUNCTION segments.trim_changes(older_than interval DEFAULT '30 days', contact_table regclass DEFAULT NULL,
                                      keep_unread boolean DEFAULT true) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_trim_changes';
COMMENT ON FUNCTION segments.trim_changes(interval, regclass, boolean) IS
    'deletes entries of the log that are older than this; those that some consumer has not read, whose role may still read the contact table, stay unless keep_unread is false; gives their number; for the owner of the contact table';

-- What is before cannot be told by going back from the present (src/log/trimmed.c).
CREATE TABLE segments.log_trimmed (
    contact_table regclass NOT NULL,
    segment_id bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (contact_table, segment_id)
);
COMMENT ON TABLE segments.log_trimmed IS 'Up to when entries were deleted from the logs; written by the engine';
COMMENT ON COLUMN segments.log_trimmed.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.log_trimmed.segment_id IS 'the segment; 0: all, since the log was truncated';
COMMENT ON COLUMN segments.log_trimmed.at IS 'the latest instant of an entry that is missing';
SELECT pg_catalog.pg_extension_config_dump('segments.log_trimmed', '');
ALTER TABLE segments.log_trimmed ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON segments.log_trimmed FOR SELECT
    USING (has_table_privilege(contact_table, 'SELECT')
           AND (segment_id = 0 OR EXISTS (SELECT FROM segments.segment AS s WHERE s.id = segment_id)));
COMMENT ON POLICY visible ON segments.log_trimmed IS 'those of visible segments';
GRANT SELECT ON segments.log_trimmed TO PUBLIC;

CREATE FUNCTION segments_internal.after_trim() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_after_trim';
COMMENT ON FUNCTION segments_internal.after_trim() IS 'trigger function of the logs; keeps up to when entries were deleted';

CREATE FUNCTION segments_internal.trimmed_until(contact_table regclass, segment_id bigint) RETURNS timestamptz
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segments_trimmed_until';
COMMENT ON FUNCTION segments_internal.trimmed_until(regclass, bigint) IS
    'the instant after which no entry of a segment was deleted from the log, as last committed; -infinity: none ever was';

-- ---------------------------------------------------------------------------
-- Numbers of members (src/log/member_count.c, member_settle.c)
-- ---------------------------------------------------------------------------

-- Not dumped: they hold for the tables' files and for this cluster's transactions.
CREATE TABLE segments.count_state (
    contact_table regclass PRIMARY KEY,
    member_file oid,
    change_file oid,
    high bigint,
    in_progress bigint[]
);
COMMENT ON TABLE segments.count_state IS 'Up to where the logs are settled in segments.member_count: the snapshot under which this was done; nulls: not at all; written by the engine';
COMMENT ON COLUMN segments.count_state.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.count_state.member_file IS 'relfilenode of the member table; of another one nothing is known';
COMMENT ON COLUMN segments.count_state.change_file IS 'relfilenode of the log, likewise';
COMMENT ON COLUMN segments.count_state.high IS 'all transactions with lower numbers had ended';
COMMENT ON COLUMN segments.count_state.in_progress IS 'but for these, in ascending order';
-- pg_dump of 14 locks also what it does not dump; who owns the database may do so and sees no row.
ALTER TABLE segments.count_state ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON segments.count_state TO pg_database_owner;

CREATE TABLE segments.member_count (
    contact_table regclass NOT NULL,
    segment_id bigint NOT NULL,
    members bigint NOT NULL,
    joins bigint NOT NULL,
    leaves bigint NOT NULL,
    last_change timestamptz NOT NULL,
    PRIMARY KEY (contact_table, segment_id)
);
COMMENT ON TABLE segments.member_count IS 'Numbers of members as of segments.count_state; written by the engine, to be read through segments.count() and segments.status';
COMMENT ON COLUMN segments.member_count.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.member_count.segment_id IS 'the segment; one that is not there has no members';
COMMENT ON COLUMN segments.member_count.members IS 'number of members';
COMMENT ON COLUMN segments.member_count.joins IS 'how often contacts joined';
COMMENT ON COLUMN segments.member_count.leaves IS 'how often contacts left';
COMMENT ON COLUMN segments.member_count.last_change IS 'when that was last; -infinity: it is not known';
ALTER TABLE segments.member_count ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON segments.member_count TO pg_database_owner;

CREATE FUNCTION segments_internal.settle_counts(contact_table regclass, purpose text) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'segments_settle_counts';
COMMENT ON FUNCTION segments_internal.settle_counts(regclass, text) IS
    'brings segments.member_count up to date: for upkeep, unless somebody else is doing so; for trim, before entries of the log go; anew: rows are counted next time';
REVOKE ALL ON FUNCTION segments_internal.settle_counts(regclass, text) FROM PUBLIC;

CREATE FUNCTION segments_internal.keep_counts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM segments.count_state AS s WHERE s.contact_table = OLD.contact_table;
        DELETE FROM segments.member_count AS c WHERE c.contact_table = OLD.contact_table;
        DELETE FROM segments.log_trimmed AS l WHERE l.contact_table = OLD.contact_table;
        RETURN NULL;
    END IF;
    INSERT INTO segments.count_state (contact_table) VALUES (NEW.contact_table) ON CONFLICT DO NOTHING;
    IF NOT segments_internal.is_restore_session() THEN
        PERFORM segments_internal.settle_counts(NEW.contact_table, 'upkeep');
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.keep_counts() IS 'trigger function; numbers of members are kept for every contact table, and go with it';
-- after update_segments, which checks the row
CREATE TRIGGER update_segments_counts AFTER INSERT OR DELETE ON segments.contact_table
    FOR EACH ROW EXECUTE FUNCTION segments_internal.keep_counts();
COMMENT ON TRIGGER update_segments_counts ON segments.contact_table IS 'numbers of members are kept for every contact table';

CREATE FUNCTION segments_internal.before_trim() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM segments_internal.settle_counts(t.contact_table, CASE TG_OP WHEN 'DELETE' THEN 'trim' ELSE 'anew' END)
    FROM segments.contact_table AS t WHERE t.change_table = TG_RELID;
    IF TG_OP = 'TRUNCATE' THEN
        -- of all, also of segments that an older snapshot does not see; nobody else has the log open
        INSERT INTO segments.log_trimmed AS l (contact_table, segment_id, at)
        SELECT t.contact_table, 0, greatest(clock_timestamp(), segments.now()) FROM segments.contact_table AS t WHERE t.change_table = TG_RELID
        ON CONFLICT ON CONSTRAINT log_trimmed_pkey DO UPDATE SET at = greatest(l.at, EXCLUDED.at);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION segments_internal.before_trim() IS 'trigger function of the logs; what is deleted is counted before, and when all was is kept';
