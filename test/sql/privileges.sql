-- Who sees and changes which segments.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE segments_owner;
CREATE ROLE segments_ada;
CREATE ROLE segments_bob;
CREATE ROLE segments_eve;
CREATE SCHEMA crm AUTHORIZATION segments_owner;
GRANT USAGE ON SCHEMA crm TO segments_ada, segments_bob, segments_eve;
SET ROLE segments_owner;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, country text);
GRANT SELECT ON crm.leads TO segments_ada, segments_bob;
SELECT segments.attach('crm.leads');
SELECT segments.open_to_readers('crm.leads');
INSERT INTO crm.leads VALUES (1, 'France'), (2, 'Spain'), (3, 'France');
SELECT segments.create_segment('All French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('The owner''s', is_global => false) IS NOT NULL AS created;

-- who may only read changes nothing
SET ROLE segments_ada;
SELECT alias FROM segments.segment ORDER BY id;
SELECT segments.create_segment('Ada''s');
SELECT segments.update_segment('all-french', description => 'changed by Ada');
SELECT segments.delete_segment('all-french');
SELECT segments.add_contact('all-french', 2);
SELECT segments.remove_contact('all-french', 1);
SELECT segments.reset_contact('all-french', 1);
SELECT * FROM segments.add_contacts('all-french', '{2}'::bigint[]);
SELECT * FROM segments.remove_contacts('all-french', '{1}'::bigint[]);
SELECT * FROM segments.reset_contacts('all-french', '{1}'::bigint[]);
SELECT segments.change_segments('{2}'::bigint[], add => '{all-french}');
SELECT segments.change_by_hand((SELECT id FROM segments.segment WHERE alias = 'all-french'), '{2}'::bigint[], 'include');
SELECT segments_internal.by_hand((SELECT id FROM segments.segment WHERE alias = 'all-french'), '{2}'::bigint[], 'include', NULL, NULL);
INSERT INTO segments.segment (name) VALUES ('x');
UPDATE segments.segment SET name = 'x';
DELETE FROM segments.segment;
RESET ROLE;
SELECT alias, description FROM segments.segment ORDER BY id;
SELECT count(*) FROM crm.leads_segment_override;
SELECT count(*) FROM crm.leads_segment_member;
-- what it takes
GRANT INSERT, UPDATE, DELETE ON segments.segment TO segments_ada, segments_bob;
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO segments_ada, segments_bob;

-- a reader: global segments and their own
SET ROLE segments_ada;
SELECT segments.create_segment('Ada''s', '[{"field": "country", "operator": "=", "properties": {"filter": "Spain"}}]', is_global => false) IS NOT NULL AS created;
SELECT alias, created_by_user FROM segments.segment ORDER BY id;
SELECT contact_id, source FROM segments.members('all-french');
SELECT contact_id, source FROM segments.members('adas');
SELECT segments.add_contact('adas', 3);
SELECT segments.count('adas'), segments.is_member('adas', 3);
SELECT count(*) FROM crm.leads_segment_member;
SELECT segments.update_segment('all-french', description => 'changed by Ada');
SELECT segments.count('the-owners');
SELECT segments.is_member('the-owners', 1);
SELECT segments.add_contact('the-owners', 1);
SELECT segments.update_segment('the-owners', name => 'x');
SELECT segments.delete_segment('the-owners');
DELETE FROM segments.segment WHERE name = 'The owner''s';
UPDATE segments.segment SET state = 'failed';
UPDATE segments.segment SET date_added = now();
INSERT INTO segments.segment (name, state) VALUES ('x', 'ready');
INSERT INTO segments.segment (name, built_at) VALUES ('x', now());
-- ids are the sequence's
INSERT INTO segments.segment (id, name) VALUES (1000, 'x');
INSERT INTO segments.segment (id, name) OVERRIDING USER VALUE VALUES (1000, 'x') RETURNING id < 1000 AS given;
DELETE FROM segments.segment WHERE name = 'x';
SELECT nextval('segments.segment_id_seq');
INSERT INTO segments.segment (name, is_global, created_by_user) VALUES ('x', false, 'somebody else');
INSERT INTO crm.leads_segment_member VALUES (1, 2);
DELETE FROM crm.leads_segment_change;
SELECT segments_internal.build('crm.leads', '{1}', 'definition', false);
SELECT segments_internal.forget_members('crm.leads', 1);
SELECT alias FROM segments.contact_segments(3);
SELECT alias, members FROM segments.status;
SELECT segment, contact_id, joined FROM segments.read_changes('ada');
SELECT segments.trim_changes();

-- another reader
SET ROLE segments_bob;
SELECT alias FROM segments.segment ORDER BY id;
SELECT segments.count('adas');
SELECT segments.create_segment('Bob refers to it', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["all-french"]}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Bob looks', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SET ROLE segments_ada;
SELECT segments.update_segment('adas', is_published => false);
SET ROLE segments_bob;
SELECT segments.create_segment('Bob looks', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SET ROLE segments_ada;
SELECT segments.create_segment('Ada looks', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SELECT segments.update_segment('adas', is_published => true);
SET ROLE segments_bob;
SELECT segments.update_segment('bob-refers-to-it', filters => '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["all-french", "adas"]}}]');
SELECT * FROM segments.matching('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SELECT * FROM segments.preview('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SELECT segments.explain('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
SELECT id FROM crm.leads AS l WHERE segments.matches(l, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]');
-- a filter that cannot be planned leaves nobody with the owner's rights
SELECT id FROM crm.leads AS l WHERE id < 0 AND segments.matches(l, '[{"field": "nothing", "operator": "=", "properties": {"filter": "a"}}]');
SELECT current_user;
SET ROLE segments_ada;
SELECT segments.create_segment('Ada refers to hers', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]') IS NOT NULL AS created;
SELECT k FROM segments.matching('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]') AS k ORDER BY k;
SELECT id FROM crm.leads AS l WHERE segments.matches(l, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["adas"]}}]') ORDER BY id;
SET ROLE segments_bob;
-- what others stored goes on working, and can be renamed, stored as it is, published
SELECT contact_id FROM segments.members('ada-refers-to-hers');
SELECT segments.update_segment('ada-refers-to-hers', description => 'seen by Bob', is_published => false);
SELECT segments.update_segment('ada-refers-to-hers', is_published => true);
UPDATE segments.segment SET filters = filters WHERE alias = 'ada-refers-to-hers';
SELECT segments.rebuild('ada-refers-to-hers');
SELECT contact_id FROM segments.members('ada-refers-to-hers');
SELECT segments.delete_segment('ada-refers-to-hers');
INSERT INTO segments.segment (name, alias) VALUES ('Taken, though unseen', 'adas');
SELECT segments.create_segment('Ada''s') IS NOT NULL AS created;
SELECT alias FROM segments.segment ORDER BY id;

-- the application's user, when it says who that is
SET segments.user_id = '7';
SELECT segments.create_segment('Seven''s', is_global => false) IS NOT NULL AS created;
SET segments.user_id = '8';
SELECT alias FROM segments.segment ORDER BY id;
RESET segments.user_id;
SET segments.user_name = 'segments_ada';
SELECT alias FROM segments.segment ORDER BY id;
RESET segments.user_name;

-- who may not read the contacts
SET ROLE segments_eve;
SELECT alias FROM segments.segment;
SELECT segments.count('all-french');
SELECT segments.is_member('all-french', 1);
SELECT segments.create_segment('Eve''s', contact_table => 'crm.leads');
SELECT count(*) FROM crm.leads_segment_member;
SELECT alias FROM segments.contact_segments(1);
SELECT * FROM segments.read_changes('eve');
SELECT count(*) FROM segments.status;

-- the owner sees all
SET ROLE segments_owner;
SELECT alias, created_by_user FROM segments.segment ORDER BY id;
SELECT segments.count('adas');
SELECT segments.trim_changes('0 seconds', keep_unread => false) > 0 AS trimmed;
RESET ROLE;

-- rows beside the contact table are written with its owner's rights
CREATE FUNCTION crm.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'as %', current_user; RETURN NULL; END $$;
CREATE TRIGGER note AFTER DELETE ON crm.leads_segment_member FOR EACH STATEMENT EXECUTE FUNCTION crm.note();
SELECT segments.delete_segment('all-french');
SELECT segments.delete_segment(alias) FROM segments.segment WHERE name = 'Bob refers to it';
SELECT segments.delete_segment('all-french');
DROP TRIGGER note ON crm.leads_segment_member;

-- who holds nothing holds up nobody: no lock that a reader or a writer waits for
SET ROLE segments_eve;
CREATE FUNCTION pg_temp.locked(relation regclass, mode text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('LOCK TABLE %s IN %s MODE', relation, mode);
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN false;
END
$$;
SELECT d.objid::regclass AS lockable, mode
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'segments'
    JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind IN ('r', 'v'),
    unnest('{SHARE UPDATE EXCLUSIVE,SHARE,SHARE ROW EXCLUSIVE,EXCLUSIVE,ACCESS EXCLUSIVE}'::text[]) AS mode
WHERE pg_temp.locked(d.objid, mode) ORDER BY 1, 2;
DROP FUNCTION pg_temp.locked(regclass, text);
RESET ROLE;

-- owners need no grant, and by what they are given nobody changes what others own
CREATE SCHEMA ada AUTHORIZATION segments_ada;
SET ROLE segments_ada;
CREATE TABLE ada.people (id bigint PRIMARY KEY, country text);
SELECT segments.attach('ada.people');
RESET ROLE;
REVOKE INSERT, UPDATE, DELETE ON segments.segment FROM segments_ada, segments_bob;
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM segments_ada, segments_bob;
SET ROLE segments_ada;
-- the grants of an owner went with those of the whole table: attach() gives them again
SELECT segments.attach('ada.people');
INSERT INTO ada.people VALUES (1, 'France');
SELECT segments.create_segment('French people', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]', contact_table => 'ada.people') IS NOT NULL AS created;
INSERT INTO segments.segment (name, contact_table) VALUES ('By hand', 'ada.people') RETURNING alias;
UPDATE segments.segment SET description = 'mine' WHERE alias = 'by-hand';
SELECT segments.add_contact('by-hand', 1);
SELECT segments.update_segment('by-hand', name => 'By hands');
SELECT segments.create_segment('Not mine', contact_table => 'crm.leads');
INSERT INTO segments.segment (name, contact_table) VALUES ('Not mine', 'crm.leads');
SET ROLE segments_owner;
SELECT segments.create_segment('Theirs', contact_table => 'crm.leads') IS NOT NULL AS created;
SET ROLE segments_ada;
SELECT segments.update_segment('theirs', name => 'x');
SELECT segments.delete_segment('theirs');
SELECT segments.add_contact('theirs', 1);
UPDATE segments.segment SET description = 'taken' WHERE alias = 'theirs';
DELETE FROM segments.segment WHERE alias = 'theirs';
SELECT alias, description FROM segments.segment ORDER BY alias COLLATE "C";
-- DELETE alone may be what an owner was given
RESET ROLE;
GRANT UPDATE ON segments.segment TO segments_ada;
SET ROLE segments_ada;
SELECT segments.update_segment('theirs', description => 'by Ada');
SELECT segments.delete_segment('theirs');
SELECT segments.delete_segment('by-hand');
-- point triggers too: of one's own contact tables
SELECT segments.create_point_trigger('Mine', 5, contact_table => 'ada.people', field => 'id') > 0 AS created;
SET ROLE segments_owner;
SELECT segments.create_point_trigger('Theirs', 5, contact_table => 'crm.leads', field => 'id') > 0 AS created;
SET ROLE segments_ada;
DELETE FROM segments.point_trigger;
RESET ROLE;
SELECT name FROM segments.point_trigger;
REVOKE UPDATE ON segments.segment FROM segments_ada;
-- a table that gets another owner
GRANT ALL ON SCHEMA ada TO segments_bob;
ALTER TABLE ada.people OWNER TO segments_bob;
SELECT has_column_privilege(r, 'segments.segment', 'name', 'INSERT') AS may_insert, has_table_privilege(r, 'segments.segment', 'DELETE') AS may_delete,
       has_table_privilege(r, 'segments.point_trigger', 'DELETE') AS may_delete_triggers, r AS role
FROM unnest('{segments_ada,segments_bob,segments_owner,segments_eve}'::name[]) AS r;
SET ROLE segments_bob;
SELECT segments.detach('ada.people');
RESET ROLE;
SELECT has_column_privilege('segments_bob', 'segments.segment', 'name', 'INSERT') AS may_insert, has_table_privilege('segments_bob', 'segments.segment', 'DELETE') AS may_delete,
       has_table_privilege('segments_bob', 'segments.point_trigger', 'DELETE') AS may_delete_triggers;
DROP SCHEMA ada CASCADE;

-- whoever may change what they see changes nothing else, with WHERE or without: point triggers over segments that
-- they don't see, segments, uses, consumers
SET ROLE segments_owner;
DELETE FROM segments.point_trigger;
SELECT segments.create_segment('Hidden', is_global => false) IS NOT NULL AS created;
SELECT segments.create_point_trigger('Hidden', 5, add => '{hidden}', field => 'id') > 0 AS created;
SELECT segments.create_segment('Open') IS NOT NULL AS created;
SELECT segments.create_point_trigger('Shown', 5, add => '{open}', field => 'id') > 0 AS created;
SELECT segments.register_usage('hidden', 'email', 'Hidden');
SELECT count(*) > 0 AS has_read FROM segments.read_changes('mine');
RESET ROLE;
GRANT INSERT, UPDATE, DELETE ON segments.segment, segments.point_trigger, segments.registered_usage, segments.consumer TO segments_bob;
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO segments_bob;
SET ROLE segments_bob;
SELECT name FROM segments.point_trigger;
SELECT name FROM segments.segment ORDER BY id;
UPDATE segments.point_trigger SET points = 6;
UPDATE segments.segment SET description = 'by Bob';
UPDATE segments.registered_usage SET blocks = true;
UPDATE segments.consumer SET read_at = NULL;
RESET ROLE;
SELECT name, points FROM segments.point_trigger ORDER BY id;
SELECT name FROM segments.segment WHERE description = 'by Bob' ORDER BY id;
SELECT name FROM segments.registered_usage WHERE blocks;
SELECT name FROM segments.consumer WHERE read_at IS NULL;
SET ROLE segments_bob;
DELETE FROM segments.point_trigger;
DELETE FROM segments.registered_usage;
DELETE FROM segments.consumer;
RESET ROLE;
SELECT name FROM segments.point_trigger;
SELECT name FROM segments.registered_usage;
SELECT name FROM segments.consumer;
SET ROLE segments_owner;
DELETE FROM segments.point_trigger;
RESET ROLE;

SELECT count(*) AS differences FROM segments.check();
REVOKE ALL ON segments.segment, segments.point_trigger, segments.registered_usage, segments.consumer FROM segments_bob;
REVOKE ALL ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM segments_bob;
SELECT segments.detach('crm.leads');
DROP SCHEMA crm CASCADE;
DROP ROLE segments_owner, segments_ada, segments_bob, segments_eve;
