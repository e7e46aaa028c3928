-- ---------------------------------------------------------------------------
-- The log of joins and leaves
-- ---------------------------------------------------------------------------

-- Not dumped: transaction numbers mean nothing in another cluster.
CREATE TABLE segments.consumer (
    name text NOT NULL,
    contact_table regclass NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    lsn pg_lsn NOT NULL,
    n integer NOT NULL,
    read_at timestamptz,
    PRIMARY KEY (name, contact_table)
);
CREATE TRIGGER check_contact_table AFTER INSERT OR UPDATE OF contact_table ON segments.consumer
    FOR EACH ROW EXECUTE FUNCTION segments.check_declared();
COMMENT ON TRIGGER check_contact_table ON segments.consumer IS 'refuses a consumer of a table that is not attached';
COMMENT ON TABLE segments.consumer IS 'Who reads the log of a contact table, and how far they are; written by segments.read_changes()';
COMMENT ON COLUMN segments.consumer.name IS 'name of the consumer';
COMMENT ON COLUMN segments.consumer.contact_table IS 'the contact table';
COMMENT ON COLUMN segments.consumer.low IS 'all transactions below were read';
COMMENT ON COLUMN segments.consumer.high IS 'those from low to below this one are being read, in the order they wrote';
COMMENT ON COLUMN segments.consumer.lsn IS 'where the last entry that was read was written';
COMMENT ON COLUMN segments.consumer.n IS 'number of the last entry that was read in its transaction';
COMMENT ON COLUMN segments.consumer.read_at IS 'when it last read';
ALTER TABLE segments.consumer ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON segments.consumer USING (has_table_privilege(contact_table, 'SELECT'));
COMMENT ON POLICY readers ON segments.consumer IS 'those of contact tables that one may read';
GRANT SELECT, INSERT, UPDATE, DELETE ON segments.consumer TO PUBLIC;

CREATE FUNCTION segments.read_changes(consumer text, key anyelement, max integer DEFAULT 1000,
                                      contact_table regclass DEFAULT NULL)
    RETURNS TABLE (xact bigint, n integer, segment_id bigint, segment text, contact_id anyelement, joined boolean,
                   cause text, at timestamptz)
    LANGUAGE plpgsql ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $function$
/*
 * Transactions commit in another order than they begin, and a contact that two
 * of them changed must be given out in the order in which they wrote.  So
 * entries come in windows of transactions that have all ended (nothing can
 * appear there any more), each window in the order of writing.  The consumer's
 * row stays locked until the reader commits: what it rolls back is read again,
 * and two readers take turns.
 */
DECLARE
    tables segments.contact_table := segments.tables_of(contact_table);
    reader segments.consumer;
    ended bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    last pg_lsn;
    given integer := 0;
BEGIN
    PERFORM segments.check_key_is_null(key);
    PERFORM segments.check_key_type(tables, pg_typeof(key));
    IF max IS NULL OR max < 1 THEN
        RAISE EXCEPTION 'max must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF coalesce(consumer, '') = '' THEN
        RAISE EXCEPTION 'a consumer needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO segments.consumer (name, contact_table, low, high, lsn, n)
    VALUES (consumer, tables.contact_table, 0, 0, '0/0', 0) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT reader FROM segments.consumer AS c
    WHERE c.name = consumer AND c.contact_table = tables.contact_table FOR UPDATE;

    WHILE given < max LOOP
        FOR xact, n, segment_id, segment, contact_id, joined, cause, at, last IN
            EXECUTE format('SELECT c.xact, c.n, c.segment_id, s.alias, c.contact_id::%s, c.joined, c.cause, c.at, c.lsn '
                           'FROM (SELECT * FROM %s WHERE xact >= $1 AND xact < $2 AND (lsn, n) > ($3, $4) '
                           'ORDER BY lsn, n LIMIT $5) AS c '
                           'LEFT JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY c.lsn, c.n',
                           pg_typeof(key), tables.change_table)
            USING reader.low, reader.high, reader.lsn, reader.n, max - given
        LOOP
            reader.lsn := last;
            reader.n := n;
            given := given + 1;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN given >= max OR reader.high >= ended;
        reader.low := reader.high;
        reader.high := ended;
        reader.lsn := '0/0';
        reader.n := 0;
    END LOOP;
    UPDATE segments.consumer AS c
    SET low = reader.low, high = reader.high, lsn = reader.lsn, n = reader.n, read_at = clock_timestamp()
    WHERE c.name = consumer AND c.contact_table = tables.contact_table;
END
$function$;
COMMENT ON FUNCTION segments.read_changes(text, anyelement, integer, regclass) IS
    'the next joins and leaves, with keys in the type of key, which is any null and always second: read_changes(''mailer'', key => NULL::uuid, max => 10)';

CREATE FUNCTION segments.read_changes(consumer text, max integer DEFAULT 1000, contact_table regclass DEFAULT NULL)
    RETURNS TABLE (xact bigint, n integer, segment_id bigint, segment text, contact_id bigint, joined boolean,
                   cause text, at timestamptz)
    LANGUAGE sql ROWS 1000
    AS 'SELECT * FROM segments.read_changes(consumer, NULL::bigint, max, contact_table)';
COMMENT ON FUNCTION segments.read_changes(text, integer, regclass) IS
    'the next joins and leaves, at most max, each once per consumer, those of a transaction together; a new consumer starts with the oldest that is kept; they count as read when the caller commits';

CREATE FUNCTION segments.drop_consumer(consumer text, contact_table regclass DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments.tables_of(contact_table);
BEGIN
    DELETE FROM segments.consumer AS c WHERE c.name = consumer AND c.contact_table = tables.contact_table;
    RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION segments.drop_consumer(text, regclass) IS 'forgets a consumer, for which the log is kept no longer; whether there was one';

CREATE FUNCTION segments.trim_changes(older_than interval DEFAULT '30 days', contact_table regclass DEFAULT NULL,
                                      keep_unread boolean DEFAULT true) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    tables segments.contact_table := segments.tables_of(contact_table);
    trimmed bigint;
BEGIN
    EXECUTE format('DELETE FROM %s AS l WHERE l.at < $1 AND (NOT $2 OR NOT EXISTS ('
                   'SELECT FROM segments.consumer AS c WHERE c.contact_table = $3 AND (l.xact >= c.high OR l.xact >= c.low AND (l.lsn, l.n) > (c.lsn, c.n))))',
                   tables.change_table)
    USING segments.now() - older_than, coalesce(keep_unread, true), tables.contact_table;
    GET DIAGNOSTICS trimmed = ROW_COUNT;
    RETURN trimmed;
END
$function$;
COMMENT ON FUNCTION segments.trim_changes(interval, regclass, boolean) IS
    'deletes entries of the log that are older than this; those that some consumer has not read stay unless keep_unread is false; gives their number; for the owner of the contact table';
