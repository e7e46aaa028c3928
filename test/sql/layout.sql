-- The tables beside a contact table are what attach() made, whoever altered
-- them; and what was compiled is run only on the columns it was compiled for.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE regress_layout_owner;
-- what refuses to alter these tables is off
ALTER EVENT TRIGGER segments_1_alter_tables_beside DISABLE;
ALTER EVENT TRIGGER segments_2_after_alter DISABLE;
CREATE SCHEMA lay AUTHORIZATION regress_layout_owner;
SET SESSION AUTHORIZATION regress_layout_owner;

CREATE TABLE lay.t (id text PRIMARY KEY, email text);
SELECT segments.attach('lay.t');
SELECT segments.create_segment('u', '[{"field":"email","operator":"=","properties":{"filter":"a"}}]') > 0;
INSERT INTO lay.t VALUES ('1','a'),('2','a');
SELECT segments.count('u');

-- what a test asks of each state
CREATE FUNCTION lay.try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE sql;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE FUNCTION lay.all() RETURNS TABLE (what text, outcome text) LANGUAGE sql AS $$
    SELECT w, split_part(lay.try(w), E'\n', 1) FROM unnest(ARRAY[
        'INSERT INTO lay.t VALUES (''3'', ''a'')', 'UPDATE lay.t SET email = ''b'' WHERE id = ''1''', 'DELETE FROM lay.t WHERE id = ''2''',
        'SELECT segments.count(''u'')', 'SELECT * FROM segments_internal.member_counts(''lay.t'')', 'SELECT segments.is_member(''u'', ''1''::text)',
        'SELECT * FROM segments.members(''u'', NULL::text, NULL, 5)', 'SELECT segments.add_contact(''u'', ''2''::text)',
        'SELECT * FROM segments.check(''u'', NULL::text)', 'SELECT segments.rebuild(''u'')', 'SELECT segments.refresh_due()',
        'SELECT * FROM segments.status']) WITH ORDINALITY AS o (w, n) ORDER BY n $$;

-- the log, altered; its event trigger may be off
ALTER TABLE lay.t_segment_change ALTER COLUMN at TYPE text, ALTER COLUMN n TYPE text;
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
BEGIN; SELECT * FROM lay.all(); ROLLBACK;
ALTER TABLE lay.t_segment_change ALTER COLUMN at TYPE timestamptz USING at::timestamptz, ALTER COLUMN n TYPE integer USING n::integer;
-- the policy of readers is over this column
ALTER TABLE lay.t_segment_change ALTER COLUMN segment_id TYPE text;
DROP POLICY segments_readers ON lay.t_segment_change;
ALTER TABLE lay.t_segment_change ALTER COLUMN segment_id TYPE text;
SELECT lay.try('SELECT * FROM segments_internal.member_counts(''lay.t'')');
ALTER TABLE lay.t_segment_change ALTER COLUMN segment_id TYPE bigint USING segment_id::bigint;
ALTER TABLE lay.t_segment_change ALTER COLUMN cause DROP NOT NULL;
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
ALTER TABLE lay.t_segment_change ALTER COLUMN cause SET NOT NULL;
BEGIN;
ALTER TABLE lay.t_segment_change DROP COLUMN joined;
SELECT lay.try('SELECT segments.count(''u'')');
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
ROLLBACK;
BEGIN;
ALTER TABLE lay.t_segment_change RENAME COLUMN joined TO went;
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
ROLLBACK;

-- members and overrides
BEGIN;
DROP POLICY segments_readers ON lay.t_segment_member;
ALTER TABLE lay.t_segment_member ALTER COLUMN segment_id TYPE text;
SELECT * FROM lay.all();
ROLLBACK;
BEGIN;
ALTER TABLE lay.t_segment_member ALTER COLUMN contact_id TYPE bigint USING contact_id::bigint;
SELECT * FROM lay.all();
ROLLBACK;
BEGIN;
ALTER TABLE lay.t_segment_override ALTER COLUMN included TYPE text;
SELECT * FROM lay.all();
ROLLBACK;
BEGIN;
ALTER TABLE lay.t_segment_member DROP CONSTRAINT t_segment_member_pkey;
SELECT lay.try('SELECT segments.is_member(''u'', ''1''::text)');
ROLLBACK;

-- columns behind ours are the owner's own
BEGIN;
ALTER TABLE lay.t_segment_member ADD COLUMN note text;
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
SELECT segments.count('u');
ROLLBACK;

-- tables of another owner
RESET SESSION AUTHORIZATION;
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE lay.t_segment_member OWNER TO CURRENT_USER;
SET LOCAL session_replication_role = origin;
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')') ~ 'belongs to another role';
ROLLBACK;

-- a key of another type than was registered
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE segments.contact_table SET key_type = 'bigint' WHERE contact_table = 'lay.t'::regclass;
SET LOCAL session_replication_role = origin;
SELECT segments_internal.invalidate('lay.t');
SELECT lay.try('INSERT INTO lay.t VALUES (''3'', ''a'')');
SELECT lay.try('SELECT segments.count(''u'')');
ROLLBACK;
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE lay.t ALTER COLUMN id TYPE bigint USING id::bigint;
SET LOCAL session_replication_role = origin;
SELECT lay.try('INSERT INTO lay.t VALUES (3, ''a'')');
ROLLBACK;
SELECT segments_internal.check_layout('lay.t');
SELECT * FROM segments.check('u', NULL::text);

-- related tables altered past the event triggers
CREATE TABLE lay.c (id bigint PRIMARY KEY, n int);
CREATE TABLE lay.e (contact_id bigint REFERENCES lay.c ON DELETE CASCADE, page text, score int, ok boolean);
CREATE INDEX ON lay.e (contact_id);
SELECT segments.attach('lay.c');
SELECT segments.attach_related('lay.c', 'e', 'lay.e', 'contact_id');
SELECT segments.define_field('lay.c', 'page', 'text', object => 'behaviors', relation => 'e', column_name => 'page');
SELECT segments.define_field('lay.c', 'score', 'number', object => 'behaviors', relation => 'e', column_name => 'score', aggregate => 'sum');
SELECT segments.create_segment('visits', '[{"object":"behaviors","field":"page","operator":"=","properties":{"filter":"x"}},
    {"glue":"or","object":"behaviors","field":"score","operator":"gt","properties":{"filter":5}}]', contact_table => 'lay.c') > 0;
INSERT INTO lay.c SELECT i, i FROM generate_series(1, 5) i;
INSERT INTO lay.e SELECT i, CASE WHEN i < 3 THEN 'x' ELSE 'y' END, i, true FROM generate_series(1, 5) i;
SELECT segments.count('visits');
SET session_replication_role = replica;
ALTER TABLE lay.e DROP COLUMN ok, ADD COLUMN score2 bigint, ALTER COLUMN score TYPE text;
ALTER TABLE lay.e DROP COLUMN score;
ALTER TABLE lay.e RENAME COLUMN score2 TO score;
SET session_replication_role = origin;
UPDATE lay.c SET n = n + 1;
INSERT INTO lay.e (contact_id, page, score) VALUES (5, 'x', 1), (4, 'y', 9);
UPDATE lay.e SET score = 0 WHERE contact_id = 1;
SELECT segments.count('visits');
SELECT * FROM segments.check('visits');

-- an index in an order of its owner's is not probed
CREATE FUNCTION lay.backwards(int8, int8) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT -btint8cmp($1, $2)';
CREATE OPERATOR CLASS lay.backwards_ops FOR TYPE int8 USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 lay.backwards(int8, int8);
DROP INDEX lay.e_contact_id_idx;
CREATE INDEX ON lay.e (contact_id lay.backwards_ops);
ALTER TABLE lay.c ADD COLUMN other text;
INSERT INTO lay.e (contact_id, page, score) VALUES (3, 'x', 1);
DELETE FROM lay.e WHERE contact_id = 1;
SELECT contact_id FROM segments.members('visits') ORDER BY 1;
SELECT * FROM segments.check('visits');
SELECT segments.detach('lay.c');
DROP TABLE lay.e, lay.c;
DROP OPERATOR FAMILY lay.backwards_ops USING btree;

-- a key that got another name: nobody writes past the segments, in whatever session, until that is known or taken back
CREATE TABLE lay.k (id bigint PRIMARY KEY, email text);
SELECT segments.attach('lay.k');
SELECT segments.create_segment('k', '[{"field":"email","operator":"=","properties":{"filter":"a"}}]', contact_table => 'lay.k') > 0;
INSERT INTO lay.k VALUES (1, 'a');
\c -
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO lay.k VALUES (2, 'a');
ALTER TABLE lay.k RENAME id TO number;
INSERT INTO lay.k VALUES (3, 'a');
\c -
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO lay.k VALUES (3, 'a');
SELECT * FROM segments.check('k');
ALTER TABLE lay.k RENAME number TO id;
INSERT INTO lay.k VALUES (3, 'a');
ALTER TABLE lay.k RENAME id TO number;
SELECT segments.attach('lay.k');
INSERT INTO lay.k VALUES (4, 'a');
SELECT contact_id FROM segments.members('k') ORDER BY 1;
SELECT * FROM segments.check('k');

-- One that is missing, or not what it was, holds up nobody else; detach() is the way out.
SELECT segments.detach('lay.t');
CREATE TABLE lay.other (id bigint PRIMARY KEY, v text);
SELECT segments.attach('lay.other');
SELECT segments.create_segment('o', '[{"field":"v","operator":"=","properties":{"filter":"a"}}]', contact_table => 'lay.other') > 0;
CREATE TABLE lay.wide (id bigint PRIMARY KEY, v text);
SELECT segments.attach('lay.wide');
SELECT segments.create_segment('w', '[{"field":"v","operator":"=","properties":{"filter":"a"}}]', contact_table => 'lay.wide') > 0;
INSERT INTO lay.wide VALUES (1, 'a');
ALTER TABLE lay.wide_segment_member ALTER contact_id TYPE text;
ALTER EVENT TRIGGER segments_2_after_drop DISABLE;
DROP TABLE lay.k_segment_member;
ALTER EVENT TRIGGER segments_2_after_drop ENABLE;
SELECT segments_internal.invalidate(contact_table) FROM segments.contact_table;
SELECT contact_table, segments FROM segments.compiled ORDER BY 1;
SELECT contact_table, field, operators IS NOT NULL AS has_operators FROM segments.field WHERE source = 'column' ORDER BY 1, 2;
INSERT INTO lay.other VALUES (1, 'a');
SELECT segments.refresh_due();
SELECT segments.count('o');
SELECT segments.count('k');
SELECT segments.detach('lay.k');
SELECT segments.detach('lay.wide');
SELECT segments.attach('lay.wide');
SELECT segments.detach('lay.wide');
SELECT relname FROM pg_class WHERE relnamespace = 'lay'::regnamespace AND relname LIKE '%segment%' AND relkind = 'r' ORDER BY 1;
SELECT segments.detach('lay.other');
SELECT count(*) FROM segments.segment;
DROP SCHEMA lay CASCADE;
DROP ROLE regress_layout_owner;
ALTER EVENT TRIGGER segments_1_alter_tables_beside ENABLE;
ALTER EVENT TRIGGER segments_2_after_alter ENABLE;
