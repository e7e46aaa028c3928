-- The owner of a contact table stops seeing all related rows: row security was on before, and only the role has changed.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_hidden_owner BYPASSRLS;
CREATE ROLE regress_hidden_other;
CREATE SCHEMA hid;
GRANT ALL ON SCHEMA hid TO regress_hidden_owner, regress_hidden_other;
SET ROLE regress_hidden_other;
CREATE TABLE hid.event (id int PRIMARY KEY, contact_id int, kind text);
CREATE INDEX ON hid.event (contact_id);
ALTER TABLE hid.event ENABLE ROW LEVEL SECURITY;
GRANT SELECT, TRIGGER ON hid.event TO regress_hidden_owner;
SET ROLE regress_hidden_owner;
CREATE TABLE hid.contact (id int PRIMARY KEY, city text);
SELECT segments.attach('hid.contact');
SELECT segments.attach_related('hid.contact', 'event', 'hid.event', 'contact_id');
SELECT segments.define_field('hid.contact', 'kind', object => 'behaviors', relation => 'event');
SELECT segments.create_segment('Is x', '[{"object": "behaviors", "field": "kind", "operator": "=", "properties": {"filter": "x"}}]', contact_table => 'hid.contact') IS NOT NULL AS created;
SELECT segments.create_segment('Not x', '[{"object": "behaviors", "field": "kind", "operator": "!=", "properties": {"filter": "x"}}]', contact_table => 'hid.contact') IS NOT NULL AS created;
SELECT segments.create_segment('Two', '[{"rows": "event", "aggregate": "count", "operator": "gte", "properties": {"filter": 2}}]', contact_table => 'hid.contact') IS NOT NULL AS created;
SELECT segments.create_segment('Oslo', '[{"field": "city", "operator": "=", "properties": {"filter": "Oslo"}}]', contact_table => 'hid.contact') IS NOT NULL AS created;
INSERT INTO hid.contact SELECT n, 'Oslo' FROM generate_series(1, 4) AS n;
RESET ROLE;
INSERT INTO hid.event VALUES (1, 1, 'x'), (2, 2, 'x');
CREATE VIEW hid.now AS
    SELECT s.alias, s.state, s.error, (SELECT array_agg(m.contact_id ORDER BY m.contact_id) FROM segments.members(s.alias, key => NULL::int) AS m) AS members
    FROM segments.segment AS s WHERE s.contact_table = 'hid.contact'::regclass ORDER BY s.alias;
TABLE hid.now;

-- asked before anything is written: an error, and not an answer that is wrong
ALTER ROLE regress_hidden_owner NOBYPASSRLS;
SELECT segments.rebuild('not-x');
SELECT count(*) FROM segments.check('is-x', key => NULL::int);
SELECT count(*) FROM segments.check('oslo', key => NULL::int);
TABLE hid.now;

-- written: segments that read the rows are set aside and keep their members, others go on
INSERT INTO hid.event VALUES (3, 3, 'x');
UPDATE hid.event SET kind = 'y' WHERE contact_id = 1;
INSERT INTO hid.contact VALUES (5, 'Oslo');
TABLE hid.now;
SELECT count(*) FROM segments.check(NULL, key => NULL::int);
SELECT segments.rebuild('not-x');
SELECT segments.create_segment('New', '[{"object": "behaviors", "field": "kind", "operator": "=", "properties": {"filter": "x"}}]', contact_table => 'hid.contact');

-- the right comes back
ALTER ROLE regress_hidden_owner BYPASSRLS;
SELECT segments.rebuild(a) FROM unnest(ARRAY['is-x', 'not-x', 'two']) AS a;
TABLE hid.now;
SELECT count(*) FROM segments.check(NULL, key => NULL::int);

-- a member of the role that owns the rows, and then none, as a new connection finds it
ALTER ROLE regress_hidden_owner NOBYPASSRLS;
GRANT regress_hidden_other TO regress_hidden_owner;
INSERT INTO hid.event VALUES (4, 4, 'x');
TABLE hid.now;
REVOKE regress_hidden_other FROM regress_hidden_owner;
\c -
SET client_min_messages = warning;
INSERT INTO hid.event VALUES (5, 5, 'x');
TABLE hid.now;

-- many segments are looked for in one scan
GRANT regress_hidden_other TO regress_hidden_owner;
SELECT count(segments.create_segment('More ' || n, '[{"rows": "event", "aggregate": "count", "operator": "gte", "properties": {"filter": 1}}]', contact_table => 'hid.contact')) FROM generate_series(1, 9) AS n;
SELECT segments.rebuild(a) FROM unnest(ARRAY['is-x', 'not-x', 'two']) AS a;
SELECT count(*) FROM segments.check(NULL, key => NULL::int);
SELECT segments.count('more-1');
REVOKE regress_hidden_other FROM regress_hidden_owner;
SET client_min_messages = error;
CALL segments.rebuild_all();
SELECT count(*) FROM segments.check(NULL, key => NULL::int);
SELECT segments.count('more-1');
SELECT segments.refresh_due();
SELECT state, count(*) FROM segments.segment GROUP BY state ORDER BY state;

DROP SCHEMA hid CASCADE;
DROP ROLE regress_hidden_owner, regress_hidden_other;
