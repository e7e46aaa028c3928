-- The log: each join and leave once, in order, once per consumer.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:00:00+00';
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, country text);
SELECT segments.attach('crm.leads');
INSERT INTO crm.leads SELECT n, CASE WHEN n < 3 THEN 'France' ELSE 'Spain' END FROM generate_series(1, 5) AS n;
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') AS french \gset
SELECT segments.create_segment('Friends') AS friends \gset
SELECT segments.add_contact('friends', 5);
UPDATE crm.leads SET country = 'France' WHERE id IN (4, 5);
UPDATE crm.leads SET country = NULL WHERE id = 1;
CREATE FUNCTION pg_temp.read(consumer text, max integer DEFAULT 1000) RETURNS TABLE (segment text, contact_id bigint, joined boolean, cause text)
LANGUAGE sql AS 'SELECT segment, contact_id, joined, cause FROM segments.read_changes(consumer, max)';
-- other transactions in the cluster can hold entries back for a moment
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT max(xact) FROM crm.leads_segment_change) >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;

CALL pg_temp.settle();
SELECT * FROM pg_temp.read('mailer', 2);
SELECT * FROM pg_temp.read('mailer', 3);
SELECT * FROM pg_temp.read('mailer');
SELECT * FROM pg_temp.read('mailer');
SELECT * FROM pg_temp.read('other', 1);
SELECT name, read_at IS NOT NULL AS has_read FROM segments.consumer ORDER BY 1;

-- what is rolled back is read again
SELECT segments.remove_contact('friends', 5);
CALL pg_temp.settle();
BEGIN;
SELECT * FROM pg_temp.read('mailer');
ROLLBACK;
SELECT * FROM pg_temp.read('mailer');
-- what is not committed is not read
BEGIN;
SELECT segments.add_contact('friends', 1);
SELECT * FROM pg_temp.read('mailer');
COMMIT;
CALL pg_temp.settle();
SELECT * FROM pg_temp.read('mailer');

-- errors
SELECT * FROM segments.read_changes('mailer', 0);
SELECT * FROM segments.read_changes('');
SELECT * FROM segments.read_changes('mailer', key => NULL::uuid);
-- the type of keys goes by name: a whole number, null or not, is max
SELECT * FROM segments.read_changes('mailer', NULL::int);
SELECT pg_typeof(contact_id) FROM segments.read_changes('typed', key => NULL::int, max => 1);
SELECT pg_typeof(contact_id) FROM segments.read_changes('typed', key => NULL::smallint, max => 1);
SELECT segments.drop_consumer('typed');
SELECT * FROM segments.read_changes('mailer', contact_table => 'pg_class');

-- trimming keeps what some consumer has not read
SELECT segments.trim_changes();
SET segments.now = '2026-05-18 10:00:00+00';
SELECT segments.trim_changes();
SELECT segments.trim_changes('100 days');
SELECT count(*) > 0 AS has_unread FROM segments.read_changes('other');
SELECT segments.drop_consumer('nobody'), segments.drop_consumer('mailer');
SELECT segments.trim_changes() > 0 AS trimmed;
SELECT count(*) FROM crm.leads_segment_change;
SELECT segments.add_contact('friends', 2);
CALL pg_temp.settle();
SELECT * FROM pg_temp.read('other');
SELECT segments.add_contact('friends', 3);
SET segments.now = '2026-08-18 10:00:00+00';
SELECT segments.trim_changes();
SELECT segments.trim_changes(keep_unread => false);
SELECT * FROM pg_temp.read('other');

-- a log that is longer than what is looked at at once, read in pages while others write, and after its space was used again
SELECT segments.create_segment('Share ' || n, format('[{"field": "country", "operator": "like", "properties": {"filter": "%%%s%%"}}]', n)::segments.filter) IS NOT NULL AS made
FROM generate_series(1, 4) AS n;
CREATE PROCEDURE pg_temp.read_in_pages(consumer text, size integer, INOUT entries bigint DEFAULT 0, INOUT out_of_order bigint DEFAULT 0)
LANGUAGE plpgsql AS $$
DECLARE
    former bigint[] := '{0,0,0}';
    entry record;
    given integer;
BEGIN
    LOOP
        given := 0;
        FOR entry IN SELECT r.xact, r.n, c.lsn FROM segments.read_changes(consumer, size) WITH ORDINALITY AS r
                     JOIN crm.leads_segment_change AS c USING (xact, n) ORDER BY r.ordinality LOOP
            given := given + 1;
            IF ARRAY[entry.lsn - '0/0'::pg_lsn, entry.xact, entry.n]::bigint[] <= former THEN
                out_of_order := out_of_order + 1;
            END IF;
            former := ARRAY[entry.lsn - '0/0'::pg_lsn, entry.xact, entry.n];
        END LOOP;
        entries := entries + given;
        EXIT WHEN given = 0;
        UPDATE crm.leads SET country = country || 'x' WHERE id = 1;
    END LOOP;
END
$$;
INSERT INTO crm.leads SELECT n, '1234' FROM generate_series(10, 5009) AS n;
UPDATE crm.leads SET country = '' WHERE id > 9;
CALL pg_temp.settle();
CALL pg_temp.read_in_pages('pages', 3000);
CALL pg_temp.read_in_pages('other', 100000);
SET segments.now = '2027-08-18 10:00:00+00';
SELECT segments.trim_changes();
VACUUM crm.leads_segment_change;
UPDATE crm.leads SET country = '12' WHERE id > 9;
UPDATE crm.leads SET country = '34' WHERE id > 9;
CALL pg_temp.settle();
CALL pg_temp.read_in_pages('pages', 10000);
CALL pg_temp.read_in_pages('other', 4999);
SELECT split_part(name, ' ', 1) AS consumer, value FROM segments.health WHERE kind = 'unread';
DELETE FROM crm.leads WHERE id > 9;
SELECT split_part(name, ' ', 1) AS consumer, value FROM segments.health WHERE kind = 'unread';
SELECT segments.delete_segment(alias) FROM segments.segment WHERE alias LIKE 'share%';

-- deleted segments leave their leaves
SELECT segments.delete_segment('friends');
CALL pg_temp.settle();
SELECT count(*) FROM pg_temp.read('other', 100000);
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('crm.leads');
DROP SCHEMA crm CASCADE;
