-- Reading the log of joins and leaves costs what is given, however long it is and whatever became of its space: counted in pages, no timing.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:00:00+00';
CREATE SCHEMA far;
CREATE TABLE far.person (id bigint PRIMARY KEY, points int);
SELECT segments.attach('far.person');
SELECT count(segments.create_segment('S' || n, '[{"field": "points", "operator": "gt", "properties": {"filter": 0}}]', contact_table => 'far.person'))
FROM generate_series(1, 10) AS n;
CREATE FUNCTION far.pages(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || statement INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $$;
-- what the next ten entries take, and the first ten, which the second who asks is told of
CREATE FUNCTION far.next_ten(consumer text) RETURNS bigint LANGUAGE sql AS
    $$ SELECT far.pages(format('SELECT FROM segments.read_changes(%L, 10, ''far.person'')', consumer)) $$;
CREATE FUNCTION far.first_ten() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE result bigint;
BEGIN
    PERFORM far.next_ten('helper');
    PERFORM segments.drop_consumer('helper', 'far.person');
    result := far.next_ten('new');
    PERFORM segments.drop_consumer('new', 'far.person');
    RETURN result;
END $$;
-- all that a new consumer is given, in pages: how many, and how many are not what comes next
CREATE FUNCTION far.read_all(size integer, OUT entries bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE given integer;
BEGIN
    CREATE TEMPORARY TABLE given (place bigint GENERATED ALWAYS AS IDENTITY, xact bigint, n integer);
    LOOP
        INSERT INTO given (xact, n) SELECT xact, n FROM segments.read_changes('all', size, 'far.person');
        GET DIAGNOSTICS given = ROW_COUNT;
        EXIT WHEN given = 0;
    END LOOP;
    SELECT count(g), count(*) FILTER (WHERE g IS NULL OR l IS NULL) INTO entries, wrong
    FROM given AS g FULL JOIN (SELECT row_number() OVER (ORDER BY lsn, xact, n) AS place, xact, n FROM far.person_segment_change) AS l USING (place, xact, n);
    DROP TABLE given;
    PERFORM segments.drop_consumer('all', 'far.person');
END $$;
-- whoever vacuums it tells the index
ALTER TABLE far.person_segment_change SET (autovacuum_enabled = off);
CREATE VIEW far.log AS SELECT pg_relation_size('far.person_segment_change') / current_setting('block_size')::bigint AS pages;

-- a long log of which the index knows nothing yet
INSERT INTO far.person SELECT n, 1 FROM generate_series(1, 12000) AS n;
SELECT count(*) FROM segments.read_changes('end', 119980, 'far.person');
SELECT far.next_ten('end') AS few \gset
SELECT pages AS long FROM far.log \gset
SELECT :long > 1000 AS is_long, :few < 300 AS few, far.first_ten() < 300 AS first_ten, far.next_ten('end') < 300 AS last_ten;
SELECT * FROM far.read_all(50000);

-- nearly all of it goes
SET segments.now = '2026-05-18 10:00:00+00';
UPDATE far.person SET points = 0 WHERE id <= 1000;
SELECT segments.trim_changes('30 days', 'far.person', keep_unread => false) AS trimmed;
VACUUM far.person_segment_change;
SELECT far.first_ten() < 300 AS first_ten;
SELECT * FROM far.read_all(3000);

-- its space is used again
SELECT pages AS before FROM far.log \gset
UPDATE far.person SET points = 1 WHERE id <= 1000;
UPDATE far.person SET points = 0 WHERE id > 3000;
SELECT pages = :before AS used_again, far.first_ten() < 300 AS first_ten FROM far.log;
SELECT * FROM far.read_all(7000);
-- all but what was written last goes, and the index is wide where both were
SET segments.now = '2026-07-18 10:00:00+00';
UPDATE far.person SET points = 2 - points WHERE id BETWEEN 2500 AND 3500;
SELECT segments.trim_changes('30 days', 'far.person', keep_unread => false) AS trimmed;
VACUUM far.person_segment_change;
UPDATE far.person SET points = 1 WHERE id > 3500;
SELECT far.first_ten() < 300 AS first_ten FROM far.log;
SELECT * FROM far.read_all(20000);

-- Indexes that attach() did not make ------------------------------------------

CREATE FUNCTION far.less(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > $2';
CREATE OPERATOR far.<< (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = far.less);
CREATE FUNCTION far.more(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE OPERATOR far.>> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = far.more);
CREATE OPERATOR CLASS far.backwards FOR TYPE bigint USING brin AS OPERATOR 1 far.<<, OPERATOR 5 far.>>,
    FUNCTION 1 brin_minmax_opcinfo(internal), FUNCTION 2 brin_minmax_add_value(internal, internal, internal, internal),
    FUNCTION 3 brin_minmax_consistent(internal, internal, internal), FUNCTION 4 brin_minmax_union(internal, internal, internal);
CREATE TABLE far.index_tried (place integer PRIMARY KEY, definition text, is_used boolean);
INSERT INTO far.index_tried VALUES
    (1, NULL, false),
    (2, 'btree (xact, lsn)', false),
    (3, 'brin (xact)', false),
    (4, 'brin (xact, at)', false),
    (5, 'brin (lsn, xact)', false),
    (6, 'brin (xact int8_minmax_multi_ops, lsn)', false),
    (7, 'brin (xact, lsn pg_lsn_minmax_multi_ops)', false),
    (8, 'brin (xact int8_bloom_ops, lsn pg_lsn_bloom_ops)', false),
    (9, 'brin (xact far.backwards, lsn)', false),
    (10, 'brin (xact, lsn) WITH (pages_per_range = 7)', true),
    -- all of the third one is null
    (11, 'brin (xact, lsn, source)', true),
    (12, 'brin (xact, lsn, at, cause) WITH (pages_per_range = 32)', true);
CREATE FUNCTION far.try(definition text, OUT entries bigint, OUT wrong bigint, OUT is_used boolean) LANGUAGE plpgsql AS $$
BEGIN
    DROP INDEX IF EXISTS far.person_segment_change_xact_lsn_idx;
    IF definition IS NOT NULL THEN
        EXECUTE 'CREATE INDEX person_segment_change_xact_lsn_idx ON far.person_segment_change USING ' || definition;
    END IF;
    SELECT r.entries, r.wrong INTO entries, wrong FROM far.read_all(30000) AS r;
    is_used := far.first_ten() < 300;
END $$;
SELECT definition, entries, wrong FROM far.index_tried AS t, far.try(definition) AS r WHERE t.is_used IS DISTINCT FROM r.is_used OR wrong > 0 ORDER BY place;
-- the option is for the next index
ALTER INDEX far.person_segment_change_xact_lsn_idx SET (pages_per_range = 3);
SELECT * FROM far.read_all(30000);
SELECT count(*) FROM segments.read_changes('unread', 1, 'far.person');
SELECT value::bigint = (SELECT count(*) - 1 FROM far.person_segment_change) AS others_unread FROM segments.health WHERE kind = 'unread' AND name ~ '^unread';

-- the last entries are in ranges that are known already
SELECT brin_summarize_new_values('far.person_segment_change_xact_lsn_idx') >= 0 AS summarized;
INSERT INTO far.person SELECT n, 1 FROM generate_series(20001, 20010) AS n;
SELECT * FROM far.read_all(30000);

-- tables that a crash empties, and one's own
CREATE UNLOGGED TABLE far.fleeting (id bigint PRIMARY KEY, points int);
SELECT segments.attach('far.fleeting');
SELECT segments.create_segment('F', '[{"field": "points", "operator": "gt", "properties": {"filter": 0}}]', contact_table => 'far.fleeting') > 0 AS made;
INSERT INTO far.fleeting SELECT n, 1 FROM generate_series(1, 20000) AS n;
SELECT count(DISTINCT contact_id) FROM segments.read_changes('a', 15000, 'far.fleeting');
SELECT count(DISTINCT contact_id) FROM segments.read_changes('a', 15000, 'far.fleeting');
SELECT * FROM segments.check();
SELECT segments.detach('far.fleeting');
DROP VIEW far.log;
SELECT segments.detach('far.person');
DROP SCHEMA far CASCADE;
