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
