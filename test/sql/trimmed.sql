-- How far back the log reaches: whoever took entries from it, and whatever became of its file since.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA cut;
CREATE TABLE cut.person (id integer PRIMARY KEY);
SELECT segments.attach('cut.person');
INSERT INTO cut.person SELECT generate_series(1, 5);
SELECT segments.create_segment('A', contact_table => 'cut.person') AS a, segments.create_segment('B', contact_table => 'cut.person') AS b \gset
SET segments.now = '2026-03-01 12:00+00';
SELECT segments.add_contacts('a', '{1,2}'::integer[]), segments.add_contact('b', 3);
SET segments.now = '2026-03-02 12:00+00';
SELECT segments.remove_contact('a', 1);
SET segments.now = '2026-03-03 12:00+00';
SELECT segments.add_contact('a', 4);
SET segments.now = '2026-03-04 12:00+00';
CREATE FUNCTION cut.at(segment text, at timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN (SELECT coalesce(string_agg(k::text, ',' ORDER BY k), 'nobody') FROM segments.members_at(segment, at, NULL::integer) AS k);
EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN 'error'; END $$;
CREATE FUNCTION cut.joined(segment text, since timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN (SELECT joined || '+' || "left" || '-' || total FROM segments.growth(segment, since, '2026-04-01', '1 year'));
EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN 'error'; END $$;
CREATE VIEW cut.reach AS
SELECT t.at, cut.at('a', t.at) AS a, cut.at('b', t.at) AS b, cut.joined('a', t.at) AS growth_a, cut.joined('b', t.at) AS growth_b
FROM generate_series(timestamptz '2026-03-01 00:00+00', '2026-03-04 00:00+00', '12 hours') AS t (at);
SET timezone = 'UTC';
TABLE cut.reach;
VACUUM FULL cut.person_segment_change;
VACUUM FULL cut.person_segment_member;
SELECT bool_and(a <> 'error' AND b <> 'error') AS whole FROM cut.reach;

-- what is newer is deleted, what is older is not
DELETE FROM cut.person_segment_change WHERE contact_id = 1 AND NOT joined;
TABLE cut.reach;
SELECT segments.members_at('a', '2026-03-02 11:00+00', NULL::integer);
SELECT * FROM segments.growth('a', '2026-03-02 12:00+00', '2026-03-05 00:00+00');
VACUUM FULL cut.person_segment_change;
VACUUM FULL cut.person_segment_member;
TABLE cut.reach;
SELECT joins, leaves FROM segments.status WHERE alias = 'a';

-- all that there is
SELECT segments.trim_changes('0 s', 'cut.person') AS trimmed;
TABLE cut.reach;
VACUUM FULL cut.person_segment_member;
TABLE cut.reach;
-- a segment that came later has lost nothing
SELECT segments.create_segment('C', contact_table => 'cut.person') AS c \gset
SELECT segments.add_contact('c', 5), segments.add_contact('a', 5);
SELECT cut.at('a', '2026-03-03 00:00+00'), cut.at('c', '2026-03-01 00:00+00'), cut.at('c', '2026-03-05 00:00+00');
-- what is rolled back is not lost
BEGIN;
DELETE FROM cut.person_segment_change;
SELECT cut.at('c', '2026-03-01 00:00+00');
ROLLBACK;
SELECT cut.at('c', '2026-03-01 00:00+00');
DELETE FROM cut.person_segment_change WHERE false;
TRUNCATE cut.person_segment_change;
SELECT cut.at('c', '2026-03-01 00:00+00'), cut.at('c', '2026-03-03 00:00+00');
RESET segments.now;
SELECT cut.at('c', now()), cut.joined('c', '2026-03-01 00:00+00');

-- who may see and write it
SELECT contact_table, segment_id = :a AS a, segment_id = :b AS b, segment_id = :c AS c, segment_id = 0 AS every, CASE WHEN segment_id > 0 THEN at END AS at FROM segments.log_trimmed ORDER BY segment_id;
CREATE ROLE regress_cut;
GRANT USAGE ON SCHEMA cut TO regress_cut;
SET ROLE regress_cut;
SELECT count(*) FROM segments.log_trimmed;
SELECT segments_internal.trimmed_until('cut.person', :a);
DELETE FROM segments.log_trimmed;
INSERT INTO segments.log_trimmed VALUES ('cut.person', :a, now());
RESET ROLE;
-- on another table the trigger's function does nothing
CREATE TABLE cut.other (segment_id bigint, at timestamptz);
CREATE TRIGGER other AFTER DELETE ON cut.other REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.after_trim();
INSERT INTO cut.other VALUES (:a, now());
DELETE FROM cut.other;
CREATE TRIGGER other BEFORE DELETE ON cut.person_segment_change FOR EACH STATEMENT EXECUTE FUNCTION segments_internal.after_trim();
DELETE FROM cut.person_segment_change;
DROP TRIGGER other ON cut.person_segment_change;
SELECT segments_internal.after_trim();

-- it goes with the segment, and with the contact table
SELECT count(*) FROM segments.log_trimmed;
SELECT segments.delete_segment('a');
SELECT count(*) FROM segments.log_trimmed;
SELECT * FROM segments.check();
SELECT segments.detach('cut.person');
SELECT count(*) FROM segments.log_trimmed;
DROP SCHEMA cut CASCADE;
DROP ROLE regress_cut;
