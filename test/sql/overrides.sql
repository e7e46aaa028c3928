-- Including and excluding by hand: every state, every call.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:00:00+00';
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, country text);
SELECT segments.attach('crm.leads');
INSERT INTO crm.leads VALUES (1, 'France'), (2, 'Spain'), (3, 'France'), (4, 'Spain'), (5, 'France');
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') AS french \gset
SELECT segments.create_segment('Friends') AS friends \gset
CREATE VIEW states AS
SELECT s.alias, c.id, m.contact_id IS NOT NULL AS member, o.included
FROM segments.segment AS s CROSS JOIN crm.leads AS c
LEFT JOIN crm.leads_segment_member AS m ON m.segment_id = s.id AND m.contact_id = c.id
LEFT JOIN crm.leads_segment_override AS o ON o.segment_id = s.id AND o.contact_id = c.id;

-- add: not a member, by filter, included, excluded
SELECT segments.remove_contact('french', 5);
SELECT segments.add_contact('french', 2), segments.add_contact('french', 1), segments.add_contact('french', 2), segments.add_contact('french', 5);
SELECT * FROM states WHERE alias = 'french' ORDER BY id;
-- pinned: stays when the filter stops matching
UPDATE crm.leads SET country = 'Spain' WHERE id IN (1, 3);
SELECT * FROM states WHERE alias = 'french' ORDER BY id;
UPDATE crm.leads SET country = 'France' WHERE id IN (1, 3);

-- remove: not a member, by filter, included, excluded
SELECT segments.remove_contact('french', 4), segments.remove_contact('french', 3), segments.remove_contact('french', 2), segments.remove_contact('french', 3);
SELECT * FROM states WHERE alias = 'french' ORDER BY id;
-- an exclusion lasts, whatever happens in between
UPDATE crm.leads SET country = 'Spain' WHERE id = 3;
UPDATE crm.leads SET country = 'France' WHERE id = 3;
SELECT * FROM states WHERE alias = 'french' AND id = 3;

-- reset
SELECT segments.reset_contact('french', 1), segments.reset_contact('french', 2), segments.reset_contact('french', 3), segments.reset_contact('french', 4);
SELECT * FROM states WHERE alias = 'french' ORDER BY id;

-- static segments
SELECT segments.add_contact('friends', 1), segments.add_contact('friends', 2), segments.remove_contact('friends', 2), segments.remove_contact('friends', 3);
SELECT * FROM states WHERE alias = 'friends' AND (member OR included IS NOT NULL) ORDER BY id;
SELECT segments.reset_contact('friends', 1);
SELECT segments.count('friends');

-- bulk
SELECT * FROM segments.add_contacts('friends', '{3,99,1,3,NULL}'::integer[]);
SELECT * FROM segments.add_contacts('friends', '{}'::bigint[]);
SELECT * FROM segments.remove_contacts('friends', '{1,99}'::bigint[]);
SELECT * FROM segments.reset_contacts('friends', ARRAY[3, 98]);
SELECT segments.count('friends');

-- in bulk, some included already, some excluded; who was included stays so since then, by whom it was
BEGIN;
CREATE VIEW by_hand AS
SELECT o.contact_id, o.included, o.by_user = 'somebody' AS kept, o.source, o.reference, m.contact_id IS NOT NULL AS member
FROM crm.leads_segment_override AS o LEFT JOIN crm.leads_segment_member AS m USING (segment_id, contact_id) WHERE segment_id = (SELECT id FROM segments.segment WHERE alias = 'french');
SELECT count(*) FROM segments.add_contacts('french', '{1,2}'::bigint[]);
SELECT count(*) FROM segments.remove_contacts('french', '{3,4}'::bigint[]);
UPDATE crm.leads_segment_override SET by_user = 'somebody';
SELECT * FROM segments.change_segments('{5,4,3,2,1}'::bigint[], add => '{french}', source => 'form', reference => 'f1');
SELECT * FROM by_hand ORDER BY 1;
UPDATE crm.leads_segment_override SET by_user = 'somebody';
SELECT count(*) FROM segments.remove_contacts('french', '{1,2,3,4,5}'::bigint[]);
SELECT * FROM by_hand ORDER BY 1;
SELECT count(*) FROM segments.check();
ROLLBACK;
-- more than are written at a time, twice, into a table that others' rows are in too
BEGIN;
INSERT INTO crm.leads SELECT n, 'France' FROM generate_series(100, 2700) AS n;
SELECT count(*) FROM segments.remove_contacts('french', ARRAY(SELECT generate_series(100, 2700, 7)));
SELECT count(*) FROM segments.add_contacts('friends', ARRAY(SELECT generate_series(2000, 100, -1)));
SELECT count(*) FROM segments.add_contacts('friends', ARRAY(SELECT generate_series(2700, 1500, -1)));
SELECT count(*) FROM segments.add_contacts('french', ARRAY(SELECT generate_series(100, 2700, 2)));
SELECT alias, member, included, count(*), min(id), max(id) FROM states WHERE id >= 100 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) FROM segments.check();
ROLLBACK;
-- rows of a table with a trigger of its owner go by it
BEGIN;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% of %: %', TG_OP, NEW.contact_id, NEW.included; RETURN NEW; END $$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON crm.leads_segment_override FOR EACH ROW EXECUTE FUNCTION shout();
SELECT count(*) FROM segments.add_contacts('friends', '{1,2}'::bigint[]);
SELECT segments.remove_contact('french', 1);
SELECT segments.reset_contact('french', 1);
SELECT * FROM states WHERE id IN (1, 2) ORDER BY 1, 2;
SELECT count(*) FROM segments.check();
ROLLBACK;

-- contacts that don't exist
SELECT segments.add_contact('friends', 99);
SELECT segments.remove_contact('friends', 99);
SELECT segments.add_contact('nobody', 1);

-- filters taken away and given again
SELECT segments.add_contact('french', 2), segments.remove_contact('french', 3);
SELECT segments.update_segment('french', filters => '[]');
SELECT * FROM states WHERE alias = 'french' AND (member OR included IS NOT NULL) ORDER BY id;
SELECT segments.update_segment('french', filters => '[{"field": "country", "operator": "=", "properties": {"filter": "Spain"}}]');
SELECT * FROM states WHERE alias = 'french' AND (member OR included IS NOT NULL) ORDER BY id;

-- a contact goes, and its rows with it
DELETE FROM crm.leads WHERE id = 2;
SELECT count(*) FROM crm.leads_segment_override WHERE contact_id = 2;
SELECT segment_id = :french AS is_french, contact_id, joined, cause FROM crm.leads_segment_change ORDER BY xact, n;

SELECT count(*) AS differences FROM segments.check();
DROP VIEW states;
SELECT segments.detach('crm.leads');
DROP SCHEMA crm CASCADE;
