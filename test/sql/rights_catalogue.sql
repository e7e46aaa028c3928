-- The catalogue among strangers: nothing is written past the checks, nobody is
-- in the way of others, nothing of others' is given away or dropped.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE ROLE regress_bob;
CREATE ROLE regress_reader;
CREATE ROLE "regress Big";
CREATE SCHEMA mal AUTHORIZATION regress_mallory;
CREATE SCHEMA bob AUTHORIZATION regress_bob;
GRANT USAGE ON SCHEMA bob TO PUBLIC;
GRANT USAGE ON SCHEMA mal TO regress_reader, regress_bob, "regress Big";
SET ROLE regress_bob;
CREATE TABLE bob.orders (id bigint PRIMARY KEY, customer bigint, amount numeric);
CREATE TABLE bob.users (id integer);
CREATE FUNCTION bob.calc() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION bob.calc() FROM PUBLIC;
CREATE FUNCTION bob.lent(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TYPE bob.mood AS ENUM ('a');
CREATE TABLE bob.all_logs (id integer, d date) PARTITION BY RANGE (d);
CREATE TABLE bob.logs PARTITION OF bob.all_logs DEFAULT;
RESET ROLE;

-- Tables and functions of strangers aren't declared.
SET ROLE regress_mallory;
CREATE TABLE mal.people (id bigint PRIMARY KEY, email text, age integer);
CREATE TABLE mal.event (id bigint PRIMARY KEY, person bigint);
SELECT segments.attach('mal.people');
SELECT segments.attach_related('mal.people', 'orders', 'bob.orders', 'customer');
SELECT segments.define_field('mal.people', 'calc', expression => 'bob.calc() + age');
SELECT segments.define_field('mal.people', 'users', expression => '(SELECT count(*) FROM bob.users)');
SELECT segments.define_field('mal.people', 'broken', 'text', expression => 'no_such(users, orders, calc)');
-- nor past the functions, whatever a session says that it does
INSERT INTO segments.relation (contact_table, name, related_table, contact_column) VALUES ('mal.people', 'r', 'bob.orders', 'customer');
INSERT INTO segments.field_definition (contact_table, object, field, type, expression) VALUES ('mal.people', 'lead', 'broken', 'text', 'no_such()');
UPDATE segments.contact_table SET member_table = 'bob.orders';
DELETE FROM segments.contact_table;
SET check_function_bodies = off;
SELECT segments_internal.is_restoring(), segments_internal.is_restore_session();
INSERT INTO segments.contact_table VALUES ('mal.event', 'id', 'bigint', 'UTC', false, 4000000000, 4000000001, 4000000002);
\copy segments.field_definition (contact_table, object, field, type, expression) FROM /dev/null
SELECT segments_internal.store_contact_table(ROW('mal.event', 'id', 'bigint', 'UTC', false, 4000000000, 4000000001, 4000000002, false)::segments.contact_table);
SELECT segments_internal.store_contact_table(ROW('mal.event', 'id', 'bigint', 'UTC', false, 'bob.orders', 'mal.people_segment_override', 'mal.people_segment_change', false)::segments.contact_table);
SELECT segments_internal.store_contact_table(ROW('mal.event', 'id', 'bigint', 'UTC', false, 'mal.people_segment_member', 'mal.people_segment_override', 'mal.people_segment_change', false)::segments.contact_table);
SELECT segments_internal.store_contact_table(ROW('mal.event', 'person', 'text', 'UTC', false, 'mal.people_segment_member', 'mal.people_segment_override', 'mal.people_segment_change', false)::segments.contact_table);
SELECT segments_internal.store_contact_table(ROW('bob.orders', 'id', 'bigint', 'UTC', false, 'mal.people_segment_member', 'mal.people_segment_override', 'mal.people_segment_change', false)::segments.contact_table);
SELECT segments_internal.store_contact_table(NULL);
SELECT segments_internal.store_relation(ROW('mal.people', 'r', 'bob.orders', 'customer', NULL, NULL, NULL, NULL, false, NULL, NULL, false)::segments.relation);
SELECT segments_internal.store_relation(ROW('mal.people', 'r', 'bob.logs', 'id', NULL, NULL, NULL, NULL, false, NULL, NULL, false)::segments.relation);
SELECT segments_internal.store_relation(ROW('mal.people', 'r', 'mal.event', 'nothing', NULL, NULL, NULL, NULL, false, NULL, NULL, false)::segments.relation);
SELECT segments_internal.store_relation(ROW('mal.people', 'r', 'mal.event', 'person', NULL, NULL, NULL, NULL, false, NULL, NULL, false)::segments.relation);
SELECT segments_internal.store_definition(ROW('mal.people', 'lead', 'broken', 'text', NULL, true, NULL, NULL, 'no_such(users)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::segments.field_definition);
SELECT segments_internal.store_definition(ROW('mal.people', 'lead', 'calc', 'number', NULL, true, NULL, NULL, 'bob.calc()', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::segments.field_definition);
SELECT segments_internal.store_definition(ROW('bob.orders', 'lead', 'x', 'number', NULL, true, NULL, NULL, '1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::segments.field_definition);
SELECT segments_internal.forget_contact_table('bob.orders');
SELECT segments_internal.store_relation_checked(ROW('mal.people', 'r', 'mal.event', 'person', NULL, NULL, NULL, NULL, false, NULL, NULL, false)::segments.relation);
SELECT segments_internal.share_segments();
CREATE TABLE mal.fake (contact_table regclass, name name);
CREATE TRIGGER t AFTER DELETE ON mal.fake FOR EACH ROW EXECUTE FUNCTION segments_internal.forget_declared();
CREATE TRIGGER t BEFORE DELETE ON mal.fake FOR EACH ROW EXECUTE FUNCTION segments_internal.contact_table_changed();
DROP TABLE mal.fake;
INSERT INTO segments.definition_change VALUES ('mal.people', 1);
INSERT INTO segments.segment_reference VALUES (1, 1);
INSERT INTO segments.contact_clock VALUES ('mal.people', now(), now());
INSERT INTO segments.segment_clock VALUES (1, 'mal.people', now());
INSERT INTO segments.count_state VALUES ('mal.people');
INSERT INTO segments.member_count VALUES ('mal.people', 1, 1, 1, 1, now());
INSERT INTO segments.log_era VALUES (1, 1);
SELECT nextval('segments.segment_id_seq');
RESET check_function_bodies;
SELECT contact_table, name FROM segments.relation;
SELECT contact_table, field FROM segments.field_definition;

-- Literals of arrays and rows evaluate domains when they are analysed: as the owner.
CREATE FUNCTION mal.as_owner(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_mallory' THEN
        RAISE EXCEPTION 'evaluated as %', current_user;
    END IF;
    RETURN true;
END $$;
CREATE DOMAIN mal.trap AS integer CHECK (mal.as_owner(VALUE));
SELECT segments.define_field('mal.people', 'trap', 'boolean', expression => 'age = ANY (''{1}''::mal.trap[])');
RESET ROLE;
CREATE FUNCTION mal.any() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION mal.any() COST 5;
DROP FUNCTION mal.any();
SET check_function_bodies = off;
UPDATE segments.field_definition SET label = 'x' WHERE field = 'trap';
RESET check_function_bodies;
UPDATE segments.field_definition SET label = 'y' WHERE field = 'trap';
SET ROLE regress_mallory;
SELECT segments.drop_field('mal.people', 'trap');

-- A restore is checked too: what isn't there is left out; SQL is kept, and found out about later.
RESET ROLE;
SET check_function_bodies = off;
SELECT segments_internal.is_restoring(), segments_internal.is_restore_session();
INSERT INTO segments.contact_table VALUES ('mal.event', 'id', 'bigint', 'UTC', false, 4000000000, 4000000001, 4000000002);
INSERT INTO segments.contact_table VALUES ('mal.event', 'id', 'bigint', 'UTC', false, 'bob.orders', 'mal.people_segment_override', 'mal.people_segment_change');
INSERT INTO segments.relation (contact_table, name, related_table, contact_column) VALUES ('mal.people', 'r', 4000000000, 'customer');
INSERT INTO segments.relation (contact_table, name, related_table, contact_column) VALUES ('mal.people', 'r', 'bob.logs', 'id');
COPY segments.field_definition (contact_table, object, field, type, expression) FROM STDIN;
mal.people	lead	broken	text	no_such()
\.
DELETE FROM segments.field_definition WHERE field = 'broken';
-- in a function with another's rights nobody restores
CREATE FUNCTION mal.restoring() RETURNS boolean LANGUAGE sql SECURITY DEFINER SET check_function_bodies = off AS 'SELECT segments_internal.is_restoring()';
SELECT mal.restoring();
DROP FUNCTION mal.restoring();
RESET check_function_bodies;

-- Who has the right to something holds on to it, as long as it has the right.
SET ROLE regress_bob;
GRANT SELECT, TRIGGER ON bob.orders TO regress_mallory;
SET ROLE regress_mallory;
SELECT segments.attach_related('mal.people', 'orders', 'bob.orders', 'customer');
SELECT segments.define_field('mal.people', 'amount', object => 'behaviors', relation => 'orders');
SELECT segments.define_field('mal.people', 'lent', expression => 'bob.lent(email)');
SELECT segments.create_segment('Lent', '[{"field": "lent", "operator": "=", "properties": {"filter": "a"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Spent', '[{"object": "behaviors", "field": "amount", "operator": "gt", "properties": {"filter": 1}}]') IS NOT NULL AS created;
SET ROLE regress_bob;
ALTER FUNCTION bob.lent(text) RENAME TO given;
ALTER FUNCTION bob.given(text) RENAME TO lent;
DROP FUNCTION bob.lent(text);
ALTER TABLE bob.orders DROP COLUMN amount;
DROP TABLE bob.orders;
CREATE TABLE bob.more_orders () INHERITS (bob.orders);
DROP TABLE bob.more_orders;
REVOKE EXECUTE ON FUNCTION bob.lent(text) FROM PUBLIC;
ALTER FUNCTION bob.lent(text) RENAME TO given;
DROP FUNCTION bob.given(text);
ALTER FUNCTION bob.calc() COST 5;
ALTER TYPE bob.mood ADD VALUE 'b';
CREATE SCHEMA AUTHORIZATION regress_bob;
RESET ROLE;
CREATE SCHEMA other;
ALTER SCHEMA other RENAME TO other2;
DROP SCHEMA other2;
SET ROLE regress_mallory;
UPDATE segments.segment SET is_published = false WHERE alias = 'lent';
DELETE FROM segments.segment WHERE alias = 'lent';
SELECT segments.drop_field('mal.people', 'lent');
SET ROLE regress_bob;
REVOKE ALL ON bob.orders FROM regress_mallory;
ALTER TABLE bob.orders ADD COLUMN note text;
ALTER TABLE bob.orders DROP COLUMN amount;
CREATE TABLE bob.more_orders () INHERITS (bob.orders);
DROP TABLE bob.more_orders;
DROP TABLE bob.orders;
DROP TABLE bob.users;
DROP FUNCTION bob.calc();
CREATE TEMP TABLE anything (i integer);
ALTER TABLE anything ADD COLUMN j integer;
DROP TABLE anything;
-- what is left is for its owner to mend
SET ROLE regress_mallory;
SELECT alias FROM segments.segment;
SELECT segments.delete_segment('spent');
SELECT segments.detach_related('mal.people', 'orders');
ALTER TABLE mal.people ADD COLUMN note text;

-- Tables beside a contact table stay what they are.
ALTER TABLE mal.people_segment_member ALTER COLUMN since TYPE text;
ALTER TABLE mal.people_segment_member ALTER COLUMN contact_id TYPE integer;
ALTER TABLE mal.people_segment_member DROP COLUMN since;
ALTER TABLE mal.people_segment_member RENAME COLUMN since TO till;
ALTER TABLE mal.people_segment_member DROP CONSTRAINT people_segment_member_pkey;
ALTER TABLE mal.people_segment_member ADD COLUMN x integer NOT NULL;
ALTER TABLE mal.people_segment_override ALTER COLUMN included DROP NOT NULL;
ALTER TABLE mal.people_segment_override FORCE ROW LEVEL SECURITY;
ALTER TABLE mal.people_segment_change INHERIT mal.event;
CREATE TABLE mal.child () INHERITS (mal.people_segment_change);
CREATE RULE r AS ON DELETE TO mal.people_segment_member DO INSTEAD NOTHING;
DROP TABLE mal.people_segment_member;
ALTER TABLE mal.people_segment_member ADD COLUMN note text;
CREATE INDEX ON mal.people_segment_member (note);
ALTER TABLE mal.people_segment_override ADD FOREIGN KEY (contact_id) REFERENCES mal.people ON DELETE CASCADE;
ALTER TABLE mal.people_segment_override DROP CONSTRAINT people_segment_override_contact_id_fkey;
RESET ROLE;
ALTER TABLE mal.people_segment_member OWNER TO regress_bob;
-- and follow their contact table
ALTER TABLE mal.people OWNER TO regress_bob;
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'mal'::regnamespace AND relkind = 'r' ORDER BY relname;
ALTER TABLE mal.people OWNER TO regress_mallory;

-- Where no event trigger was, a row that says what isn't does nothing to others.
ALTER EVENT TRIGGER segments_2_after_alter DISABLE;
CREATE TABLE bob.important (segment_id bigint, contact_id bigint, since timestamptz);
ALTER TABLE mal.people_segment_member OWNER TO regress_bob;
ALTER EVENT TRIGGER segments_2_after_alter ENABLE;
ALTER TABLE mal.people OWNER TO regress_bob;
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'mal'::regnamespace AND relkind = 'r' ORDER BY relname;
ALTER TABLE mal.people OWNER TO regress_mallory;
DROP TABLE mal.people CASCADE;
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'mal'::regnamespace AND relkind = 'r' ORDER BY relname;
SELECT count(*) FROM segments.contact_table;
DROP TABLE mal.people_segment_member, mal.people_segment_override, mal.people_segment_change, mal.event, bob.important;

-- A broken definition of one concerns nobody else.
SET ROLE regress_mallory;
CREATE FUNCTION mal.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE mal.people (id bigint PRIMARY KEY, email text);
SELECT segments.attach('mal.people');
SELECT segments.define_field('mal.people', 'f', expression => 'mal.f(email)');
RESET ROLE;
ALTER EVENT TRIGGER segments_2_after_drop DISABLE;
DROP FUNCTION mal.f(text);
ALTER EVENT TRIGGER segments_2_after_drop ENABLE;
SET ROLE regress_bob;
CREATE FUNCTION bob.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION bob.f() COST 5;
ALTER FUNCTION bob.f() RENAME TO email;
DROP FUNCTION bob.email();
CREATE TABLE bob.f (f text);
ALTER TABLE bob.f RENAME TO email;
DROP TABLE bob.email;
ALTER TYPE bob.mood RENAME TO f;
DROP TYPE bob.f;
RESET ROLE;

-- The schemas keep their names.
ALTER SCHEMA segments RENAME TO elsewhere;
ALTER SCHEMA segments_internal RENAME TO elsewhere;

-- Consumers are their role's.
SET ROLE regress_mallory;
SELECT segments.drop_field('mal.people', 'f');
GRANT SELECT ON mal.people TO regress_reader, regress_bob, "regress Big";
INSERT INTO mal.people VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT segments.create_segment('All', '[{"field": "email", "operator": "!empty"}]') IS NOT NULL AS created;
SET ROLE regress_bob;
SELECT contact_id FROM segments.read_changes('mailer', max => 2);
SET ROLE regress_reader;
SELECT name, contact_table FROM segments.consumer;
UPDATE segments.consumer SET low = 281474976710655, high = 281474976710655;
DELETE FROM segments.consumer;
SELECT segments.drop_consumer('mailer');
SELECT segments.drop_consumer('mailer', role => 'regress_bob');
INSERT INTO segments.consumer (name, contact_table, low, high, lsn, n, role) VALUES ('x', 'mal.people', 0, 0, '0/0', 0, 'regress_bob');
INSERT INTO segments.consumer (name, contact_table, low, high, lsn, n) VALUES (repeat('x', 1000), 'mal.people', 0, 0, '0/0', 0);
SELECT contact_id FROM segments.read_changes('mailer', max => 1);
SET ROLE "regress Big";
SELECT contact_id FROM segments.read_changes('mailer', max => 1);
SELECT segments.drop_consumer('mailer');
SET ROLE regress_bob;
SELECT contact_id FROM segments.read_changes('mailer');
-- the owner sees them, and drops them
SET ROLE regress_mallory;
SELECT name, role FROM segments.consumer ORDER BY role::text COLLATE "C";
SELECT segments.trim_changes('0 seconds');
INSERT INTO mal.people VALUES (4, 'd');
-- who may read no more pins nothing, and reads nothing
REVOKE SELECT ON mal.people FROM regress_reader;
SELECT segments.drop_consumer('mailer', role => 'regress_bob');
SELECT segments.trim_changes('0 seconds');
SET ROLE regress_reader;
SELECT contact_id FROM segments.read_changes('mailer');
SELECT contact_id FROM segments.read_changes('other');
SELECT name, contact_table FROM segments.consumer;
RESET ROLE;

-- Who watches the server sees how things are, and no filters.
GRANT pg_monitor TO regress_reader;
SET ROLE regress_mallory;
SELECT segments.create_segment('Hidden', '[{"field": "email", "operator": "!empty"}]', is_global => false) IS NOT NULL AS created;
SET ROLE regress_reader;
SELECT alias, members FROM segments.status ORDER BY id;
SELECT segments FROM segments.compiled;
SELECT count(*) FROM segments.progress;
SELECT count(*) FROM segments.segment;
RESET ROLE;
REVOKE pg_monitor FROM regress_reader;
SET ROLE regress_reader;
SELECT alias FROM segments.status;
SELECT segments FROM segments.compiled;
SELECT segments FROM segments_internal.compiled_program('mal.people'::regclass::oid);
RESET ROLE;

-- An id of the user that is no number is refused where it is set.
SET segments.user_id = 'abc';
SET segments.user_id = '99999999999999999999';
SET segments.user_id = ' 7';
SET segments.user_id = '-7';
SELECT segments.user_id();
RESET segments.user_id;

-- The log under a publication of all tables is trimmed.
SET client_min_messages = error;
CREATE PUBLICATION regress_all FOR ALL TABLES;
SET ROLE regress_mallory;
INSERT INTO mal.people VALUES (5, 'e');
UPDATE mal.people SET email = NULL WHERE id = 1;
SELECT segments.trim_changes('0 seconds', keep_unread => false) > 0 AS trimmed;
SELECT segments.delete_segment('hidden');
RESET ROLE;
DROP PUBLICATION regress_all;
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace IN ('segments'::regnamespace, 'mal'::regnamespace) AND c.relreplident <> 'f'
  AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary);

-- Many of one name.
SET ROLE regress_mallory;
INSERT INTO segments.segment (name, contact_table) SELECT 'Same', 'mal.people' FROM generate_series(1, 40);
SELECT alias FROM segments.segment WHERE name = 'Same' ORDER BY id DESC LIMIT 3;
DELETE FROM segments.segment WHERE alias = 'same7';
SELECT segments.create_segment('Same') IS NOT NULL AS created;
SELECT count(DISTINCT alias) FROM segments.segment WHERE name = 'Same';
RESET ROLE;

SELECT count(*) AS differences FROM segments.check();
SET client_min_messages = error;
DROP SCHEMA mal, bob CASCADE;
DROP ROLE regress_mallory, regress_bob, regress_reader, "regress Big";
SELECT count(*) FROM segments.contact_table;
