-- One contact table that fails, or one segment that can't be evaluated, stops
-- nobody else: it is reported, set aside, and comes back.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-11-26 12:00+00';
CREATE ROLE regress_failures_owner;
CREATE ROLE regress_failures_reader;
CREATE SCHEMA good;
CREATE SCHEMA bad AUTHORIZATION regress_failures_owner;
GRANT USAGE ON SCHEMA good, bad TO regress_failures_reader;
SET client_min_messages = notice;

-- two contact tables, of different owners
SET ROLE regress_failures_owner;
CREATE TABLE bad.people (id bigint PRIMARY KEY, seen timestamptz);
INSERT INTO bad.people SELECT i, segments.now() - i * interval '1 hour' FROM generate_series(1, 20) AS i;
SELECT segments.attach('bad.people');
SELECT segments.create_segment('Bad', '[{"field":"seen","operator":"inLast","properties":{"filter":"5 hours"}}]') > 0 AS created;
CREATE FUNCTION bad.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'secret of row %', OLD.contact_id; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON bad.people_segment_member FOR EACH ROW EXECUTE FUNCTION bad.refuse();
RESET ROLE;
CREATE TABLE good.people (id bigint PRIMARY KEY, name text, city text, seen timestamptz, n integer);
INSERT INTO good.people SELECT i, 'p' || i, 'Rome', segments.now() - i * interval '1 day', i FROM generate_series(1, 10) AS i;
GRANT SELECT ON good.people TO regress_failures_reader;
SELECT segments.attach('good.people');
SELECT segments.create_segment('Recent', '[{"field":"seen","operator":"inLast","properties":{"filter":"5 days"}}]', contact_table => 'good.people') > 0 AS created;

-- a refresh: the failing table is told of, and the other is done
SET segments.now = '2026-11-28 12:00+00';
SET ROLE regress_failures_reader;
SELECT segments.refresh_due();
SELECT alias, members, refresh_failed_at, refresh_error FROM segments.status;
RESET ROLE;
SELECT alias, members, evaluated_at, refresh_failed_at, refresh_error FROM segments.status ORDER BY alias;
SELECT count(*) FROM segments.check('recent');
CALL segments.rebuild_all();
SELECT alias, state, error FROM segments.status ORDER BY alias;
SELECT segment_id = (SELECT id FROM segments.segment WHERE alias = 'bad') AS is_bad, count(*) FROM segments.check() GROUP BY 1;
-- mended
SET ROLE regress_failures_owner;
DROP TRIGGER refuse ON bad.people_segment_member;
RESET ROLE;
SELECT segments.refresh_due();
SELECT alias, members, evaluated_at, refresh_failed_at, refresh_error FROM segments.status ORDER BY alias;
SELECT * FROM segments.check();

-- members of a table that can't be read: the others are shown, and checked
ALTER EVENT TRIGGER segments_1_alter_tables_beside DISABLE;
ALTER EVENT TRIGGER segments_2_after_alter DISABLE;
ALTER TABLE bad.people_segment_member RENAME COLUMN contact_id TO hidden;
SELECT alias, state FROM segments.status ORDER BY alias;
SELECT * FROM segments.check();
DO $$ BEGIN PERFORM segments.check('bad'); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE 'named, it is an error'; END $$;
CALL segments.rebuild_all();
ALTER TABLE bad.people_segment_member RENAME COLUMN hidden TO contact_id;
ALTER EVENT TRIGGER segments_1_alter_tables_beside ENABLE;
ALTER EVENT TRIGGER segments_2_after_alter ENABLE;
SELECT alias, state, members FROM segments.status ORDER BY alias;
SELECT * FROM segments.check();

-- beyond the present: for the owner, and back
SET ROLE regress_failures_reader;
SELECT segments.refresh_due('9999-01-01');
SELECT segments.reset_clock('good.people');
RESET ROLE;
SET ROLE regress_failures_owner;
SELECT segments.refresh_due('9999-01-01');
SELECT alias, members, evaluated_at FROM segments.status ORDER BY alias;
RESET ROLE;
SELECT alias, members, evaluated_at FROM segments.status ORDER BY alias;
SET ROLE regress_failures_owner;
UPDATE bad.people SET seen = segments.now() WHERE id < 4;
SELECT segments.count('bad');
SELECT segments.reset_clock('bad.people');
SELECT alias, members, evaluated_at FROM segments.status ORDER BY alias;
INSERT INTO bad.people VALUES (100, segments.now());
SELECT segments.count('bad');
SELECT segments.refresh_due('2026-11-28 18:00+00'), segments.count('bad');
SELECT segments.reset_clock('bad.people'), segments.count('bad');
SELECT segments.reset_clock(NULL) IS NULL AS nothing;
RESET ROLE;
SELECT segments.reset_clock('pg_class');
SELECT * FROM segments.check();

-- a right is taken away: the segment is set aside, writes and the others go on
CREATE TABLE good.visits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact bigint, page text);
ALTER TABLE good.people OWNER TO regress_failures_owner;
GRANT USAGE, CREATE ON SCHEMA good TO regress_failures_owner;
GRANT SELECT ON good.visits TO regress_failures_owner;
SELECT segments.attach_related('good.people', 'visits', 'good.visits', 'contact');
SELECT segments.define_field('good.people', 'page', object => 'behaviors', relation => 'visits', column_name => 'page');
INSERT INTO good.visits (contact, page) VALUES (1, 'a'), (2, 'b');
SELECT segments.create_segment('Visitors', '[{"object":"behaviors","field":"page","operator":"=","properties":{"filter":"a"}}]', contact_table => 'good.people') > 0 AS created;
SELECT segments.create_segment('Refers', '[{"field":"leadlist","operator":"in","properties":{"filter":["visitors"]}}]', contact_table => 'good.people') > 0 AS created;
SELECT segments.create_segment('Named', '[{"field":"name","operator":"like","properties":{"filter":"p%"}}]', contact_table => 'good.people') > 0 AS created;
REVOKE SELECT ON good.visits FROM regress_failures_owner;
BEGIN;
SAVEPOINT here;
INSERT INTO good.people (id, name) VALUES (11, 'p11'), (12, 'p12');
INSERT INTO good.visits (contact, page) VALUES (3, 'a');
SELECT alias, state, error, members FROM segments.status WHERE contact_table = 'good.people'::regclass ORDER BY alias;
-- as if nothing had been
ROLLBACK TO here;
SELECT alias, state, error, members FROM segments.status WHERE state <> 'ready';
INSERT INTO good.people (id, name) VALUES (11, 'p11');
COMMIT;
INSERT INTO good.visits (contact, page) VALUES (3, 'a'), (4, 'a');
INSERT INTO good.people (id, name) VALUES (12, 'p12');
SELECT alias, state, error FROM segments.segment WHERE state <> 'ready';
SELECT alias, state, error, members FROM segments.status WHERE contact_table = 'good.people'::regclass ORDER BY alias;
SELECT * FROM segments.check();
-- its members are changed by hand still, and segments that refer to it follow
SELECT segments.add_contact('visitors', 2);
SELECT segments.is_member('refers', 2);
SELECT segments.reset_contact('visitors', 2);
SELECT segments.is_member('refers', 2);
-- it does not come back before the cause is gone
SELECT segments.rebuild('visitors');
CALL segments.rebuild_all();
SELECT segments.update_segment('visitors', filters => '[{"object":"behaviors","field":"page","operator":"=","properties":{"filter":"b"}}]');
SELECT segments.rebuild('named');
SELECT alias, state FROM segments.status WHERE state <> 'ready';
SELECT * FROM segments.check();
-- found among many as well as among few
BEGIN;
SELECT count(segments.create_segment('Many ' || n, '[{"field":"name","operator":"=","properties":{"filter":"p11"}}]', contact_table => 'good.people')) FROM generate_series(1, 70) AS n;
SELECT * FROM segments.check();
CALL segments.rebuild_all();
SELECT alias, state FROM segments.status WHERE state <> 'ready';
ROLLBACK;
-- and then by any of these
GRANT SELECT ON good.visits TO regress_failures_owner;
SELECT contact_id, stored, evaluated FROM segments.check('visitors') ORDER BY contact_id;
BEGIN;
CALL segments.rebuild_all();
SELECT alias, state, error, members FROM segments.status WHERE alias IN ('visitors', 'refers') ORDER BY alias;
SELECT * FROM segments.check();
ROLLBACK;
BEGIN;
SELECT segments.update_segment('visitors', filters => '[{"object":"behaviors","field":"page","operator":"=","properties":{"filter":"b"}}]');
SELECT alias, state, error, members FROM segments.status WHERE alias IN ('visitors', 'refers') ORDER BY alias;
SELECT * FROM segments.check();
ROLLBACK;
SELECT segments.rebuild('visitors');
SELECT alias, state, error, members FROM segments.status WHERE alias IN ('visitors', 'refers') ORDER BY alias;
SELECT * FROM segments.check();
SELECT count(*) FROM segments.segment_failure;
INSERT INTO good.visits (contact, page) VALUES (5, 'a');
SELECT segments.is_member('visitors', 5), segments.is_member('refers', 5);

-- the same where contacts point at companies
CREATE TABLE good.firm (id bigint PRIMARY KEY, city text);
INSERT INTO good.firm VALUES (1, 'Rome');
GRANT SELECT, UPDATE ON good.firm TO regress_failures_owner;
ALTER TABLE good.people ADD COLUMN firm bigint;
SELECT segments.attach_company('good.people', 'good.firm', 'firm');
SELECT segments.create_segment('Firms', '[{"object":"company","field":"city","operator":"=","properties":{"filter":"rome"}}]', contact_table => 'good.people') > 0 AS created;
UPDATE good.people SET firm = 1 WHERE id = 1;
REVOKE ALL ON good.firm FROM regress_failures_owner;
UPDATE good.people SET firm = 1 WHERE id = 2;
UPDATE good.firm SET city = 'Oslo';
SELECT alias, state, error, members FROM segments.status WHERE state <> 'ready';
GRANT SELECT, UPDATE ON good.firm TO regress_failures_owner;
SELECT segments.rebuild('firms');
UPDATE good.firm SET city = 'Rome';
SELECT segments.count('firms');
REVOKE ALL ON good.firm FROM regress_failures_owner;
UPDATE good.firm SET city = 'Oslo';
GRANT SELECT, UPDATE ON good.firm TO regress_failures_owner;
CALL segments.rebuild_all();
SELECT segments.count('firms');
SELECT * FROM segments.check();

-- at REPEATABLE READ nobody has to try again
REVOKE SELECT ON good.visits FROM regress_failures_owner;
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO good.people (id, name) VALUES (13, 'p13');
INSERT INTO good.people (id, name) VALUES (14, 'p14');
SELECT state FROM segments.segment WHERE alias = 'visitors';
SELECT state FROM segments.status WHERE alias = 'visitors';
COMMIT;
SELECT segments.refresh_due();
SELECT state, error FROM segments.segment WHERE alias = 'visitors';
GRANT SELECT ON good.visits TO regress_failures_owner;
SELECT segments.rebuild('visitors');
SELECT * FROM segments.check();

-- what the owner declares may refuse a row, which sets nothing aside
SELECT segments.define_field('good.people', 'share', expression => '100 / n', type => 'number');
SELECT segments.create_segment('Share', '[{"field":"share","operator":"gt","properties":{"filter":10}}]', contact_table => 'good.people') > 0 AS created;
DO $$ BEGIN INSERT INTO good.people (id, n) VALUES (15, 0); EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'refused'; END $$;
SELECT count(*) FROM segments.segment WHERE state = 'failed';
SELECT segments.delete_segment('share');
SELECT segments.drop_field('good.people', 'share');

-- things go while event triggers are off: a column, a function
CREATE FUNCTION good.len(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN length($1); END';
GRANT EXECUTE ON FUNCTION good.len(text) TO PUBLIC;
SELECT segments.define_field('good.people', 'len', expression => 'good.len(name)');
SELECT segments.create_segment('Len', '[{"field":"len","operator":"=","properties":{"filter":2}}]', contact_table => 'good.people') > 0 AS created;
SELECT segments.create_segment('Romans', '[{"field":"city","operator":"=","properties":{"filter":"rome"}}]', contact_table => 'good.people') > 0 AS created;
SET session_replication_role = replica;
ALTER TABLE good.people DROP COLUMN city;
DROP FUNCTION good.len(text);
RESET session_replication_role;
INSERT INTO good.people (id, name) VALUES (16, 'x6');
-- once, and not for every connection
\c
\set VERBOSITY terse
SET segments.now = '2026-11-28 12:00+00';
INSERT INTO good.people (id, name) VALUES (17, 'p17');
SELECT alias, state, error, members FROM segments.status WHERE contact_table = 'good.people'::regclass ORDER BY alias;
SELECT * FROM segments.check();
-- a segment that has failed stands in the way of nobody's DDL
CREATE FUNCTION good.len(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN length($1); END';
ALTER TABLE good.people ADD COLUMN town text DEFAULT 'Rome';
ALTER TABLE good.people RENAME COLUMN n TO number;
ALTER TABLE good.people RENAME COLUMN town TO city;
SELECT segments.attach('good.people', case_sensitive => true);
SELECT alias, state, error FROM segments.status WHERE state <> 'ready' ORDER BY alias;
CALL segments.rebuild_all();
SELECT segments.attach('good.people', case_sensitive => false);
CALL segments.rebuild_all();
SELECT alias, state, error, members FROM segments.status WHERE contact_table = 'good.people'::regclass ORDER BY alias;
SELECT * FROM segments.check();

-- what moves with time loses its column: a refresh goes on without it
SET session_replication_role = replica;
ALTER TABLE good.people RENAME COLUMN seen TO seen_at;
RESET session_replication_role;
SET segments.now = '2026-12-28 12:00+00';
SELECT segments.refresh_due();
SELECT segments.refresh_due();
SELECT alias, state, error, members, refresh_error FROM segments.status WHERE state <> 'ready';
SET session_replication_role = replica;
ALTER TABLE good.people RENAME COLUMN seen_at TO seen;
RESET session_replication_role;
CALL segments.rebuild_all();
SELECT alias, state, members FROM segments.status ORDER BY alias;
SELECT * FROM segments.check();

-- a function that raises: the segment over its value is set aside by a refresh and by
-- rebuild_all, as there is no row to refuse
SELECT segments.define_field('good.people', 'later', expression => 'good.later(seen)') IS NULL AS failed;
CREATE FUNCTION good.later(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + interval ''1 day''; END';
SELECT segments.define_field('good.people', 'later', expression => 'good.later(seen)');
SELECT segments.create_segment('Later', '[{"field":"later","operator":"inLast","properties":{"filter":"9 days"}}]', contact_table => 'good.people') > 0 AS created;
CREATE OR REPLACE FUNCTION good.later(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''value %'', $1; END';
SET segments.now = '2027-01-28 12:00+00';
SELECT segments.refresh_due();
SELECT alias, state, error, refresh_error FROM segments.status WHERE state <> 'ready' OR refresh_error IS NOT NULL;
INSERT INTO good.people (id, name, seen) VALUES (18, 'p18', segments.now());
SELECT * FROM segments.check();
CREATE OR REPLACE FUNCTION good.later(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + interval ''1 day''; END';
SELECT segments.rebuild('later');
CREATE OR REPLACE FUNCTION good.later(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''value %'', $1; END';
CALL segments.rebuild_all();
SELECT alias, state, error FROM segments.status WHERE state <> 'ready';
SELECT * FROM segments.check();
-- deleted, it leaves nothing behind
DELETE FROM segments.segment WHERE alias = 'later';
SELECT count(*) FROM segments.segment_failure;
SELECT * FROM segments.check();

SET client_min_messages = warning;
DROP SCHEMA good, bad CASCADE;
DROP ROLE regress_failures_owner, regress_failures_reader;
