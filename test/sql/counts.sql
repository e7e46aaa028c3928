-- count() is what counting rows gives, whatever was settled when.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, points integer);
SELECT segments.attach('crm.leads');
SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]') AS rich \gset
SELECT segments.create_segment('Poor', '[{"field": "points", "operator": "lt", "properties": {"filter": 50}}]') AS poor \gset
SELECT segments.create_segment('Friends') AS friends \gset

-- counts and rows of all segments, and status; nothing: they are the same
CREATE FUNCTION pg_temp.differences() RETURNS TABLE (alias text, counted bigint, shown bigint, stored bigint) LANGUAGE sql AS $$
    SELECT s.alias, segments.count(s.alias), t.members, n.n
    FROM segments.segment AS s JOIN segments.status AS t USING (id),
    LATERAL (SELECT count(*) AS n FROM crm.leads_segment_member AS m WHERE m.segment_id = s.id) AS n
    WHERE segments.count(s.alias) <> n.n OR t.members <> n.n
$$;
-- what is settled: numbers start from there, or rows are counted
CREATE FUNCTION pg_temp.is_settled() RETURNS boolean LANGUAGE sql AS $$
    SELECT s.high IS NOT NULL AND s.member_file = pg_relation_filenode(t.member_table)
        AND s.change_file = pg_relation_filenode(t.change_table)
    FROM segments.count_state AS s JOIN segments.contact_table AS t USING (contact_table)
    WHERE s.contact_table = 'crm.leads'::regclass
$$;
CREATE FUNCTION pg_temp.settled() RETURNS TABLE (alias text, members bigint, joins bigint, leaves bigint) LANGUAGE sql AS $$
    SELECT coalesce(s.alias, 'gone'), c.members, c.joins, c.leaves
    FROM segments.member_count AS c LEFT JOIN segments.segment AS s ON s.id = c.segment_id ORDER BY c.segment_id
$$;
-- other transactions in the cluster can hold settling back for a moment
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT max(xact) FROM crm.leads_segment_change) >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint LOOP
        PERFORM pg_sleep(0.01);
        COMMIT;
    END LOOP;
    PERFORM segments.refresh_due();
END
$$;

SELECT pg_temp.is_settled();
SELECT segments.count('rich'), segments.count('friends');
INSERT INTO crm.leads SELECT n, n FROM generate_series(1, 100) AS n;
SELECT segments.count('rich'), segments.count('poor');
SELECT * FROM pg_temp.differences();
SELECT * FROM pg_temp.settled();
CALL pg_temp.settle();
SELECT * FROM pg_temp.settled();
UPDATE crm.leads SET points = points + 10;
DELETE FROM crm.leads WHERE id > 95;
SELECT segments.add_contact('friends', 3), segments.remove_contact('rich', 60);
SELECT segments.count('rich'), segments.count('poor'), segments.count('friends');
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT * FROM pg_temp.settled();
SELECT * FROM pg_temp.differences();
-- nothing new: nothing is written
SELECT ctid AS before FROM segments.count_state \gset
SELECT segments.refresh_due();
SELECT ctid = :'before' AS same FROM segments.count_state;

-- our own changes, seen at once; what is rolled back is not
BEGIN;
UPDATE crm.leads SET points = 0 WHERE id <= 80;
SAVEPOINT a;
UPDATE crm.leads SET points = 99 WHERE id <= 10;
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
SAVEPOINT b;
INSERT INTO crm.leads VALUES (201, 99), (202, 1);
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
ROLLBACK TO b;
SELECT * FROM pg_temp.differences();
SELECT segments.refresh_due();
ROLLBACK TO a;
SELECT * FROM pg_temp.differences();
UPDATE crm.leads SET points = 50 WHERE id = 1;
SELECT segments.refresh_due();
UPDATE crm.leads SET points = 50 WHERE id = 2;
SELECT * FROM pg_temp.differences();
COMMIT;
SELECT * FROM pg_temp.differences();
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE crm.leads SET points = 77 WHERE id = 5;
SELECT segments.refresh_due();
UPDATE crm.leads SET points = 77 WHERE id = 6;
SELECT * FROM pg_temp.differences();
COMMIT;
SELECT * FROM pg_temp.differences();
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE crm.leads SET points = 7 WHERE id = 5;
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
COMMIT;
SELECT * FROM pg_temp.differences();
-- a cursor sees what its statement saw
BEGIN;
DECLARE c CURSOR FOR SELECT (SELECT count(*) FROM crm.leads_segment_member WHERE segment_id = :rich) = segments.count('rich') FROM generate_series(1, 2);
FETCH 1 FROM c;
UPDATE crm.leads SET points = 100;
SELECT segments.refresh_due();
FETCH 1 FROM c;
COMMIT;
-- where nothing may be written, nothing is
BEGIN READ ONLY;
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
COMMIT;

-- segments come, change and go
SELECT segments.create_segment('Odd', '[{"field": "points", "operator": "gte", "properties": {"filter": 1}}]') AS odd \gset
SELECT segments.count('odd');
SELECT segments.update_segment('odd', filters => '[{"field": "points", "operator": "lt", "properties": {"filter": 1}}]');
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT segments.delete_segment('odd');
CALL pg_temp.settle();
SELECT * FROM pg_temp.settled();
INSERT INTO segments.segment (id, name, filters) VALUES (:odd, 'Odd', '[{"field": "points", "operator": "gte", "properties": {"filter": 1}}]');
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT * FROM pg_temp.differences();
UPDATE crm.leads SET id = id + 1000 WHERE id < 50;
SELECT * FROM pg_temp.differences();

-- the log is trimmed: joins and leaves stay
CALL pg_temp.settle();
SELECT joins, leaves FROM segments.status WHERE alias = 'rich';
INSERT INTO crm.leads VALUES (301, 99), (302, 99);
SELECT segments.trim_changes('-1 day') > 0 AS trimmed;
SELECT count(*) FROM crm.leads_segment_change;
SELECT joins, leaves FROM segments.status WHERE alias = 'rich';
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
-- by hand too
INSERT INTO crm.leads VALUES (303, 99), (304, 99);
DELETE FROM crm.leads_segment_change;
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
-- what the deleting transaction has written itself cannot be settled: rows are counted, once for all next time
BEGIN;
INSERT INTO crm.leads VALUES (305, 99), (306, 99);
SELECT segments.refresh_due();
DELETE FROM crm.leads_segment_change;
SELECT * FROM pg_temp.differences();
COMMIT;
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
BEGIN;
SAVEPOINT a;
DELETE FROM crm.leads_segment_change;
INSERT INTO crm.leads VALUES (307, 99), (308, 99);
SELECT * FROM pg_temp.differences();
ROLLBACK TO a;
SELECT * FROM pg_temp.differences();
COMMIT;
INSERT INTO crm.leads VALUES (309, 99);
TRUNCATE crm.leads_segment_change;
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT pg_temp.is_settled();
INSERT INTO crm.leads VALUES (310, 99);
SELECT * FROM pg_temp.differences();
-- without its index the log is read as a whole
DROP INDEX crm.leads_segment_change_xact_lsn_idx;
SELECT * FROM pg_temp.differences();
CREATE INDEX ON crm.leads_segment_change USING brin (xact int8_minmax_multi_ops);
SELECT * FROM pg_temp.differences();
-- files are written anew
VACUUM FULL crm.leads_segment_member;
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT pg_temp.is_settled();
-- members that somebody changed without the log are found by a rebuild
DELETE FROM crm.leads_segment_member WHERE segment_id = :rich AND contact_id < 90;
SELECT segments.rebuild('rich');
SELECT * FROM pg_temp.differences();
CALL pg_temp.settle();
SELECT pg_temp.is_settled();
SELECT * FROM pg_temp.differences();
SELECT count(*) AS wrong FROM segments.check();

-- whoever writes a lot settles when it commits
INSERT INTO crm.leads SELECT n, 99 FROM generate_series(10001, 70000) AS n;
SELECT members > 60000 AS settled FROM segments.member_count WHERE segment_id = :rich;
SELECT * FROM pg_temp.differences();
BEGIN;
DELETE FROM crm.leads WHERE id BETWEEN 10001 AND 40000;
SELECT segments.refresh_due();
SELECT * FROM pg_temp.differences();
DELETE FROM crm.leads WHERE id BETWEEN 40001 AND 69000;
SELECT * FROM pg_temp.differences();
COMMIT;
SELECT members BETWEEN 1000 AND 2000 AS settled FROM segments.member_count WHERE segment_id = :rich;
SELECT * FROM pg_temp.differences();
TRUNCATE crm.leads;
SELECT * FROM pg_temp.differences();
SELECT sum(members) FROM segments.status;
SELECT segments.count(NULL);
SELECT segments.count('nobody');

-- who may not read the contacts learns no numbers
CREATE ROLE segments_count_reader;
GRANT USAGE ON SCHEMA crm TO segments_count_reader;
SET ROLE segments_count_reader;
SELECT segments.count('rich');
SELECT * FROM segments_internal.member_counts('crm.leads');
SELECT * FROM segments.member_count;
SELECT segments_internal.settle_counts('crm.leads', 'anew');
RESET ROLE;
GRANT SELECT ON crm.leads TO segments_count_reader;
INSERT INTO crm.leads VALUES (1, 99);
SET ROLE segments_count_reader;
SELECT segments.count('rich'), (SELECT members FROM segments.status WHERE alias = 'rich');
RESET ROLE;

-- unlogged tables: rows are counted
SELECT segments.detach('crm.leads');
SELECT count(*) FROM segments.count_state;
SELECT count(*) FROM segments.member_count;
CREATE UNLOGGED TABLE crm.quick (id bigint PRIMARY KEY, points integer);
SELECT segments.attach('crm.quick');
SELECT segments.create_segment('Rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]') > 0 AS created;
INSERT INTO crm.quick SELECT n, n FROM generate_series(1, 100) AS n;
SELECT segments.refresh_due();
SELECT segments.count('rich'), (SELECT members FROM segments.status WHERE alias = 'rich');
SELECT high FROM segments.count_state;
SELECT segments.detach('crm.quick');
DROP SCHEMA crm CASCADE;
DROP ROLE segments_count_reader;

-- What the log loses is counted before, where nobody has done so until then: no transaction but serializable ones, a
-- dump restored without triggers; of an unlogged table it is known that it is lost.
CREATE SCHEMA crm;
SET default_transaction_isolation = serializable;
CREATE TABLE crm.strict (id bigint PRIMARY KEY, points integer);
CREATE TABLE crm.restored (id bigint PRIMARY KEY, points integer);
CREATE UNLOGGED TABLE crm.quick (id bigint PRIMARY KEY, points integer);
SELECT segments.attach('crm.strict'), segments.attach('crm.restored'), segments.attach('crm.quick');
SELECT segments.create_segment(t, '[{"field": "points", "operator": "gte", "properties": {"filter": 50}}]', contact_table => ('crm.' || t)::regclass) > 0 AS created
FROM unnest('{strict,restored,quick}'::text[]) AS t;
INSERT INTO crm.strict SELECT n, 40 + n FROM generate_series(1, 20) AS n;
INSERT INTO crm.restored SELECT * FROM crm.strict;
INSERT INTO crm.quick SELECT * FROM crm.strict;
UPDATE crm.strict SET points = 0 WHERE id > 18;
UPDATE crm.restored SET points = 0 WHERE id > 18;
UPDATE crm.quick SET points = 0 WHERE id > 18;
UPDATE crm.strict_segment_change SET at = '2026-01-01';
UPDATE crm.restored_segment_change SET at = '2026-01-01';
UPDATE crm.quick_segment_change SET at = '2026-01-01';
SELECT segments.trim_changes('1 day', 'crm.strict') AS trimmed;
RESET default_transaction_isolation;
DELETE FROM segments.member_count WHERE contact_table = 'crm.restored'::regclass;
DELETE FROM segments.count_state WHERE contact_table = 'crm.restored'::regclass;
SELECT segments.trim_changes('1 day', t::regclass) AS trimmed FROM unnest('{crm.restored,crm.quick}'::text[]) AS t;
SELECT alias, members, joins, leaves, last_change = '2026-01-01' AS last FROM segments.status WHERE alias <> 'quick' ORDER BY alias;
SELECT segments.members_at('strict', '2025-12-01');
SELECT segments.members_at('restored', '2025-12-01');
SET segments.now = '2026-03-18 10:30+00';
SELECT segments.members_at('quick', '2025-12-01');
RESET segments.now;
SELECT count(*) FROM segments.members_at('strict', '2026-01-02');
SELECT count(*) FROM segments.check(NULL);
SELECT segments.detach(t::regclass) FROM unnest('{crm.strict,crm.restored,crm.quick}'::text[]) AS t;
DROP SCHEMA crm CASCADE;
