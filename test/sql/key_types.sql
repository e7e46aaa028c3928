-- Keys whose type is cut by a cast to its bare name: a type is never written without saying that it has no modifier.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA key_types;
SET search_path = key_types;
CREATE TABLE firm (code char(4) PRIMARY KEY, name text);
CREATE TABLE q (k char(3) PRIMARY KEY, e text, firm char(4));
CREATE TABLE visit (who char(3), day date);
CREATE TABLE works (who char(3), firm char(4));
SELECT segments.attach('q'), segments.attach_related('q', 'visit', 'visit', 'who'),
       segments.attach_company('q', 'firm', link_table => 'works', link_contact_column => 'who', link_company_column => 'firm');
INSERT INTO firm VALUES ('acme', 'Acme'), ('a', 'Other');
INSERT INTO q VALUES ('a', 'x'), ('ab', 'z'), ('abc', 'y');
SELECT count(segments.create_segment(n, f)) FROM (VALUES ('hand', '[]'), ('visitor', '[{"rows": "visit"}]'),
    ('recent', '[{"rows": "visit", "filters": [{"field": "day", "operator": "inLast", "properties": {"filter": "3 days"}}]}]'),
    ('acme', '[{"object": "company", "field": "name", "operator": "=", "properties": {"filter": "acme"}}]')) AS s (n, f);
CREATE FUNCTION members() RETURNS TABLE (alias text, contacts text) LANGUAGE sql AS $$
    SELECT s.alias, string_agg(m.contact_id, ' ' ORDER BY m.contact_id)
    FROM key_types.q_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1 $$;
INSERT INTO visit VALUES ('abc', current_date), ('ab', current_date);
INSERT INTO works VALUES ('abc', 'acme'), ('a', 'a');
SELECT * FROM members();
SELECT count(*) AS differences FROM segments.check(NULL, NULL::text);
SELECT * FROM segments.refresh_due(segments.now() + interval '10 days') AS changes;
SELECT * FROM members();
SELECT segments.reset_clock('q') AS changes;
SELECT segments.rebuild('visitor');
DELETE FROM visit WHERE who = 'abc';
UPDATE works SET who = 'ab' WHERE who = 'abc';
SELECT * FROM members();
SELECT count(*) AS differences FROM segments.check(NULL, NULL::text);
-- by hand, in the key's type, as text, several at a time
SELECT * FROM segments.add_contacts('hand', ARRAY(SELECT k FROM q WHERE k = 'abc'));
SELECT * FROM segments.remove_contacts('hand', '{abc,a,no}');
SELECT * FROM segments.add_contacts('hand', ARRAY['ab', 'abc']::char(3)[]);
SELECT * FROM segments.change_segments(ARRAY(SELECT k FROM q WHERE k = 'ab'), remove => '{hand}');
SELECT segments.add_contact('hand', 'a'), segments.add_contact('hand', 'ab'::char(3)), segments.reset_contact('hand', 'ab');
SELECT segments.is_member('hand', 'abc'), segments.is_member('hand', 'ab');
SELECT alias FROM segments.contact_segments('abc');
SELECT * FROM members();
SELECT status, body FROM segments.rest('POST', format('segments/%s/contact/abc/remove', segments.resolve_segment('hand')));
SELECT status, body FROM segments.rest('POST', format('segments/%s/contacts/add', segments.resolve_segment('hand')), body => '{"ids": ["ab", "abc", "abd"]}');
SELECT * FROM members();
-- read in any type that takes them
SELECT k FROM segments.members_at('hand', now(), NULL::bpchar) AS k ORDER BY 1;
SELECT k FROM segments.members_at('hand', now(), NULL::text) AS k ORDER BY 1;
SELECT contact_id FROM segments.members('hand', key => NULL::bpchar) ORDER BY 1;
SELECT k FROM segments.search('', key => NULL::bpchar) AS k;
SELECT k FROM segments.search('ids:abc', key => NULL::text) AS k;
SELECT k FROM segments.matching('[{"field": "e", "operator": "=", "filter": "y"}]', key => NULL::bpchar) AS k;
SELECT count(*), bool_and(c.contact_id IN (SELECT k FROM q)) AS all_are_contacts FROM segments.read_changes('reader', NULL::bpchar) AS c;
SELECT w -> 'contact' AS contact, w -> 'exists' AS there, w #> '{filters,filters,0,matches}' AS matches, w -> 'member' AS member
FROM (VALUES (segments.why('visitor', 'ab')), (segments.why('visitor', 'ab'::char(3))), (segments.why('visitor', 'abc')), (segments.why('visitor', 'a')), (segments.why('visitor', 'abd'))) AS v (w);
-- imported
CREATE TABLE staged (k text, e text);
INSERT INTO staged VALUES ('abc', 'new'), ('abd', 'newer'), ('abcd', 'too long');
SELECT created, updated, rejected, added FROM segments.import_contacts('visitor', 'staged', match_on => 'k');
SELECT line, reason FROM segments.import_rejected ORDER BY 1;
SELECT k, e FROM q ORDER BY 1;
SELECT * FROM members();
SELECT count(*) AS differences FROM segments.check(NULL, NULL::text);
DELETE FROM q WHERE k IN ('abc', 'ab');
SELECT * FROM members();
SELECT count(*) AS differences FROM segments.check(NULL, NULL::bpchar);
SELECT segments.detach('q');
DROP SCHEMA key_types CASCADE;
