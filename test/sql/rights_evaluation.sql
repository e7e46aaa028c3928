-- What the owner of a contact table owns or wrote runs with the owner's rights, whoever asks; what a caller may not
-- read stays unread.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE ROLE regress_other;
CREATE ROLE regress_reader;
CREATE ROLE regress_reader2;
CREATE ROLE regress_nobody;
CREATE SCHEMA mal AUTHORIZATION regress_mallory;
CREATE SCHEMA other AUTHORIZATION regress_other;
GRANT USAGE ON SCHEMA mal, other TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON segments.segment TO regress_reader;

-- Functions that tell when they run as somebody else than their owner.
SET ROLE regress_mallory;
CREATE FUNCTION mal.tell() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN IF current_user <> 'regress_mallory' THEN RAISE WARNING 'runs with the rights of somebody else'; END IF; END $$;
CREATE FUNCTION mal.spy(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM mal.tell(); RETURN value; END $$;
CREATE FUNCTION mal.accepts(value bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM mal.tell(); RETURN true; END $$;
CREATE FUNCTION mal.spy_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.tell(); RETURN coalesce(NEW, OLD); END $$;
CREATE DOMAIN mal.key AS bigint CHECK (mal.accepts(VALUE));
SELECT mal.spy('a');
RESET ROLE;
-- they do tell
SELECT mal.spy('a');
SELECT '{1}'::mal.key[];

SET ROLE regress_mallory;
CREATE TABLE mal.contact (id mal.key PRIMARY KEY, email text, seen timestamptz);
CREATE TABLE mal.visit (id bigserial PRIMARY KEY, contact_id mal.key, url text);
CREATE INDEX ON mal.visit (contact_id);
INSERT INTO mal.contact VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-01-02'), (3, 'a', '2026-01-03');
SELECT segments.attach('mal.contact');
RESET ROLE;
-- also when somebody else attaches
SELECT segments.attach_related('mal.contact', 'visit', 'mal.visit', 'contact_id');
SET ROLE regress_mallory;
SELECT segments.define_field('mal.contact', 'spied', expression => 'mal.spy(email)');
SELECT segments.define_field('mal.contact', 'read', 'datetime', expression => 'CASE WHEN (''{1}''::mal.key[])[1] > 0 THEN seen END');
SELECT segments.define_field('mal.contact', 'visited', object => 'behaviors', relation => 'visit', condition => 'mal.spy(url) <> ''''', aggregate => 'count');
SELECT segments.define_field('mal.contact', 'url', object => 'behaviors', relation => 'visit');
SELECT segments.create_segment('Spied', '[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Visited', '[{"object": "behaviors", "field": "visited", "operator": "gt", "properties": {"filter": 0}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Read', '[{"field": "read", "operator": "gte", "properties": {"filter": "-7 days"}}]') IS NOT NULL AS created;
-- tables beside: what whoever reads them would run is refused
CREATE INDEX ON mal.contact_segment_member ((mal.spy('constant')), contact_id);
CREATE INDEX ON mal.contact_segment_override (contact_id) WHERE mal.spy('constant') = 'a';
CREATE INDEX CONCURRENTLY beside ON mal.contact_segment_member ((mal.spy('constant')), contact_id);
SELECT to_regclass('mal.beside');
CREATE STATISTICS mal.beside ON (mal.spy(cause)), segment_id FROM mal.contact_segment_change;
ALTER TABLE mal.contact_segment_member ADD CHECK (mal.spy('constant') IS NOT NULL);
CREATE POLICY spy ON mal.contact_segment_change USING (mal.spy(cause) = 'a');
ALTER POLICY segments_readers ON mal.contact_segment_change USING (mal.spy(cause) = 'a');
-- and, where it came past that, runs as the owner in what the engine does
RESET ROLE;
ALTER EVENT TRIGGER segments_2_after_alter DISABLE;
SET ROLE regress_mallory;
CREATE INDEX ON mal.contact_segment_member ((mal.spy('constant')), contact_id);
CREATE STATISTICS mal.beside ON (mal.spy(cause)), segment_id FROM mal.contact_segment_change;
RESET ROLE;
ALTER EVENT TRIGGER segments_2_after_alter ENABLE;
SET ROLE regress_mallory;
CREATE TRIGGER spy BEFORE INSERT OR UPDATE OR DELETE ON mal.contact_segment_member FOR EACH ROW EXECUTE FUNCTION mal.spy_row();
CREATE TRIGGER spy BEFORE INSERT OR UPDATE OR DELETE ON mal.contact_segment_override FOR EACH ROW EXECUTE FUNCTION mal.spy_row();
CREATE TRIGGER spy BEFORE INSERT OR UPDATE OR DELETE ON mal.contact_segment_change FOR EACH ROW EXECUTE FUNCTION mal.spy_row();
RESET ROLE;

-- a table that the answers of REST look into by themselves
SET ROLE regress_mallory;
CREATE TABLE mal.categories (id bigint PRIMARY KEY, title text);
INSERT INTO mal.categories VALUES (1, 'Spies');
UPDATE segments.segment SET category_id = 1 WHERE alias = 'read';
RESET ROLE;
SELECT body #>> ARRAY['lists', (SELECT id::text FROM segments.segment WHERE alias = 'read'), 'category', 'title'] AS title FROM segments.rest('GET', 'segments', contact_table => 'mal.contact');
SET ROLE regress_mallory;
CREATE INDEX ON mal.categories ((mal.spy('constant')));
RESET ROLE;

-- no warning from here on: a superuser does everything
SELECT body #> ARRAY['lists', (SELECT id::text FROM segments.segment WHERE alias = 'read'), 'category'] AS category FROM segments.rest('GET', 'segments', contact_table => 'mal.contact');
SELECT segments.rebuild('spied');
SELECT segments.rebuild(ARRAY(SELECT id FROM segments.segment ORDER BY id));
CALL segments.rebuild_all();
SELECT count(*) FROM segments.check();
SELECT segments.count('spied');
SELECT alias, members FROM segments.status ORDER BY id;
SELECT count(*) FROM segments.compiled;
SELECT segments.refresh_due() >= 0 AS refreshed;
SELECT segments.is_member('spied', 1);
-- members, overrides and the log are read as their owner
CREATE TEMP TABLE staged (email text);
INSERT INTO staged VALUES ('a');
ALTER TABLE mal.contact ALTER COLUMN id SET DEFAULT 9;
SELECT contact_id, source FROM segments.members('spied');
SELECT contact_id, source FROM segments.members('spied', NULL::text, after => '1', max => 1);
SELECT count(*) FROM segments.member_keys('visited');
SELECT alias FROM segments.contact_segments(1) ORDER BY id;
SELECT count(*) FROM segments.preference_center(1);
SELECT count(*) FROM segments.read_changes('spy', 1000, 'mal.contact');
SELECT segments.drop_consumer('spy', 'mal.contact');
SELECT sum(joined) FROM segments.growth('spied', segments.now() - interval '1 day', segments.now() + interval '1 day');
SELECT segments.members_at('spied', segments.now() - interval '1 day');
SELECT * FROM segments.overlap('{spied,visited}');
SELECT kind, name FROM segments.health WHERE contact_table = 'mal.contact'::regclass ORDER BY kind COLLATE "C";
SELECT body -> 'total' AS total FROM segments.rest('GET', 'contacts/1/segments', contact_table => 'mal.contact');
SELECT body -> 'success' AS done FROM segments.rest('POST', (SELECT format('segments/%s/contact/1/add', id) FROM segments.segment WHERE alias = 'spied'), contact_table => 'mal.contact');
SELECT body -> 'details' AS done FROM segments.rest('POST', (SELECT format('segments/%s/contacts/add', id) FROM segments.segment WHERE alias = 'spied'), body => '{"ids": [1, "01", 99, "x"]}', contact_table => 'mal.contact');
SELECT segments.search('ids:1,x', 'mal.contact', after => '0');
SELECT updated + unchanged AS matched, added FROM segments.import_contacts('spied', 'staged');
SELECT segments.reset_contact('spied', 1);
DROP TABLE staged;
SELECT k FROM segments.matching('[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]', key => NULL::bigint) AS k ORDER BY k;
SELECT exact_count FROM segments.preview('[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]', exact => true);
SELECT segments.why('spied', 1) -> 'matches' IS NULL AS told;
SELECT segments.explain('[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]') LIKE 'SELECT%' AS told;
SELECT segments_internal.settle_counts('mal.contact', 'upkeep');
SELECT segments.trim_changes('0 seconds', keep_unread => false) > 0 AS trimmed;
SELECT segments.update_segment('spied', filters => '[{"field": "spied", "operator": "!=", "properties": {"filter": "a"}}]');
SELECT segments.update_segment('spied', filters => '[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]');
ALTER TABLE mal.contact ADD COLUMN added text;
SELECT segments.define_field('mal.contact', 'twice', expression => 'mal.spy(email) || mal.spy(email)');

-- matches(): put into the plan where it is the same for all, else evaluated as the owner
SELECT id FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]') ORDER BY id;
SELECT id FROM mal.contact AS c WHERE segments.matches(c, '[{"object": "behaviors", "field": "visited", "operator": "=", "properties": {"filter": 0}}]') ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "spied", "operator": "=", "properties": {"filter": "a"}}]');
EXPLAIN (COSTS OFF) SELECT id FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "email", "operator": "=", "properties": {"filter": "a"}}]');
-- servers choose among several plans, and name subqueries in several ways
DO $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT id FROM mal.contact AS c WHERE segments.matches(c, '[{"object": "behaviors", "field": "url", "operator": "=", "properties": {"filter": "a"}}]') LOOP
        plan := plan || line || E'\n';
    END LOOP;
    IF plan !~ ' on visit r' OR plan !~ 'Filter: \(segments.fold\(url\) = ''a''::text\)' OR plan ~ 'matches' THEN
        RAISE WARNING 'the condition is not in the plan: %', plan;
    END IF;
END
$$;

-- nor do others run theirs as the owner, by a type that they want keys in
GRANT SELECT ON mal.contact TO regress_other;
SET ROLE regress_other;
CREATE FUNCTION other.accepts(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF current_user <> 'regress_other' THEN RAISE WARNING 'runs with the rights of somebody else'; END IF; RETURN value <> '3'; END $$;
CREATE DOMAIN other.number AS bigint CHECK (other.accepts(VALUE::text));
CREATE DOMAIN other.word AS text CHECK (other.accepts(VALUE));
CREATE TYPE other.odd AS (key text);
CREATE FUNCTION other.to_odd(value bigint) RETURNS other.odd LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'as %', current_user; RETURN NULL; END $$;
CREATE CAST (bigint AS other.odd) WITH FUNCTION other.to_odd(bigint) AS ASSIGNMENT;
SELECT k FROM segments.matching('[{"field": "email", "operator": "=", "properties": {"filter": "b"}}]', key => NULL::other.number) AS k;
SELECT k FROM segments.matching('[{"field": "email", "operator": "=", "properties": {"filter": "b"}}]', key => NULL::other.word) AS k;
SELECT k FROM segments.matching('[{"field": "email", "operator": "=", "properties": {"filter": "a"}}]', key => NULL::other.number) AS k;
SELECT k FROM segments.matching('[{"field": "email", "operator": "=", "properties": {"filter": "a"}}]', key => NULL::other.odd) AS k;
SELECT k FROM segments.matching('[{"field": "email", "operator": "=", "properties": {"filter": "b"}}]', key => NULL::varchar) AS k;
SELECT contact_id FROM segments.members('spied', NULL::other.word, max => 1);
SELECT contact_id FROM segments.members('spied', NULL::other.number);
SET ROLE regress_mallory;
DELETE FROM mal.contact_segment_member WHERE contact_id = 1 AND segment_id = (SELECT id FROM segments.segment WHERE alias = 'spied');
SET ROLE regress_other;
SELECT contact_id FROM segments.check(NULL, key => NULL::other.number);
SELECT contact_id FROM segments.check(NULL, key => NULL::other.word);
SELECT contact_id FROM segments.check(NULL, key => NULL::other.odd);
RESET ROLE;
SELECT segments.rebuild('spied');
SELECT count(*) FROM segments.check();
REVOKE SELECT ON mal.contact FROM regress_other;

-- keys that are given as text, or in another type: no constraint of a domain is run as the caller
SELECT contact_id FROM segments.members('spied', after => '1');
SELECT count(*) FROM segments.contacts('spied', NULL::mal.contact, after => '1');
SELECT alias FROM segments.contact_segments(1) ORDER BY id;
SELECT segments.add_contact('spied', 2);
SELECT segments.remove_contact('spied', 2::smallint);
SELECT * FROM segments.add_contacts('spied', '{2,9}'::bigint[]);
SELECT * FROM segments.reset_contacts('spied', '{2}'::int[]);
SELECT segments.change_segments('{1}'::bigint[], add => '{visited}');
SELECT segments.change_segments('{1}'::bigint[], remove => '{visited}');
SELECT segments.add_contact('spied', 77);
SELECT count(*) FROM segments.check();

-- row security of what a subquery reads is that of the owner; views are expanded
SET ROLE regress_other;
CREATE TABLE other.secret (id int, reader name, word text);
INSERT INTO other.secret VALUES (1, 'regress_mallory', 'open'), (2, 'regress_other', 'secret');
ALTER TABLE other.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON other.secret USING (reader = current_user);
CREATE VIEW other.shown AS SELECT word FROM other.secret WHERE reader = 'regress_mallory';
GRANT SELECT ON other.secret, other.shown TO regress_mallory;
SET ROLE regress_mallory;
SELECT segments.define_field('mal.contact', 'word', expression => '(SELECT max(s.word) FROM other.secret s)', unfollowed => true);
SELECT segments.define_field('mal.contact', 'shown', expression => '(SELECT max(s.word) FROM other.shown s)', unfollowed => true);
SELECT segments.define_field('mal.contact', 'own', expression => '(SELECT max(v.url) FROM mal.visit v)', unfollowed => true);
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "word", "operator": "=", "properties": {"filter": "secret"}}]');
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "word", "operator": "=", "properties": {"filter": "open"}}]');
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "shown", "operator": "=", "properties": {"filter": "open"}}]');
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "own", "operator": "empty"}]');
-- whatever the session's setting says
SELECT segments.create_segment('Word', '[{"field": "word", "operator": "=", "properties": {"filter": "open"}}]') IS NOT NULL AS created;
RESET ROLE;
SET row_security = off;
UPDATE mal.contact SET email = 'c' WHERE id = 2;
SELECT segments.count('word'), count(*) AS differences FROM segments.check();
RESET row_security;
-- nor can code be left behind for the end of the transaction, which is not the owner's
SET ROLE regress_mallory;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON mal.contact_segment_member DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mal.spy_row();
RESET ROLE;
SELECT segments.add_contact('visited', 2);
SET ROLE regress_mallory;
DROP TRIGGER later ON mal.contact_segment_member;
-- a plan that is kept is the same for all: a private segment is not in it
GRANT SELECT ON mal.contact TO regress_reader, regress_reader2;
SET ROLE regress_reader;
SELECT segments.create_segment('Mine', '[{"field": "email", "operator": "=", "properties": {"filter": "a"}}]', is_global => false) IS NOT NULL AS created;
PREPARE kept AS SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["mine"]}}]');
EXECUTE kept;
SET ROLE regress_reader2;
EXECUTE kept;
DEALLOCATE kept;
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["mine"]}}]');
SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["none"]}}]');
-- nor one whose memberships are read as rows
SET ROLE regress_reader;
PREPARE kept AS SELECT count(*) FROM mal.contact AS c WHERE segments.matches(c, '[{"rows": "memberships", "filters": [{"field": "segment", "operator": "in", "properties": {"filter": ["mine"]}}]}]');
EXECUTE kept;
SET ROLE regress_reader2;
EXECUTE kept;
DEALLOCATE kept;
RESET ROLE;
-- nor in a function that goes on in the same transaction, for another role or another user of the application
CREATE FUNCTION public.is_mine(contact mal.contact) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    answer boolean := segments.matches(contact, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["mine"]}}]');
BEGIN
    RETURN answer;
END
$$;
BEGIN;
SET LOCAL ROLE regress_reader;
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
SAVEPOINT reader;
SET LOCAL segments.user_id = 12345;
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
ROLLBACK TO reader;
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
SET LOCAL segments.user_name = 'somebody else';
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
ROLLBACK TO reader;
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
SET LOCAL ROLE regress_reader2;
SELECT public.is_mine(c) IS NOT NULL AS told FROM mal.contact AS c WHERE id = 1;
ROLLBACK;
DROP FUNCTION public.is_mine(mal.contact);
-- nor are its members in the tables beside, in what functions tell of them, and in what names it
SELECT id AS mine FROM segments.segment WHERE alias = 'mine' \gset
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO regress_reader;
SET ROLE regress_reader;
SELECT segments.add_contact('mine', 2);
INSERT INTO segments.point_trigger (name, contact_table, points, field, add_segments) VALUES ('Secret', 'mal.contact', 1000, 'id', '{mine,visited}');
SELECT count(*) FROM mal.contact_segment_member WHERE segment_id = :mine;
SELECT count(*) FROM mal.contact_segment_override WHERE segment_id = :mine;
SELECT count(*) > 0 AS told FROM mal.contact_segment_change WHERE segment_id = :mine;
SELECT count(*) FROM segments.contact_segments(1) AS s WHERE s.id = :mine;
SELECT count(*) FROM segments.point_trigger;
SET ROLE regress_reader2;
SELECT count(*) FROM mal.contact_segment_member WHERE segment_id = :mine;
SELECT count(*) FROM mal.contact_segment_override WHERE segment_id = :mine;
SELECT count(*) FROM mal.contact_segment_change WHERE segment_id = :mine;
SELECT count(*) > 0 AS others FROM mal.contact_segment_member;
SELECT count(*) FROM segments.read_changes('r', 1000, 'mal.contact') AS c WHERE c.segment_id = :mine;
SELECT count(*) FROM segments.contact_segments(1) AS s WHERE s.id = :mine;
SELECT count(*) FROM segments_internal.ask_beside('mal.contact', 'members', :mine::bigint, NULL::text, NULL::bigint) AS m (contact_id bigint, since timestamptz, source text);
SELECT count(*) FROM segments_internal.ask_beside('mal.contact', 'memberships', '1'::text) AS m (segment_id bigint, since timestamptz, included boolean) WHERE segment_id = :mine;
SELECT * FROM segments_internal.ask_beside('mal.contact', 'reach', :mine::bigint) AS r (entries bigint, oldest timestamptz, more bigint);
SELECT * FROM segments_internal.ask_beside('mal.contact', 'overlap', ARRAY[:mine::bigint]) AS o (ids bigint[], n bigint);
SELECT segments_internal.hidden_segments('mal.contact') = ARRAY[:mine::bigint] AS hidden;
SELECT count(*) FROM segments.point_trigger;
RESET ROLE;
GRANT UPDATE, DELETE ON segments.segment TO regress_reader2;
SET ROLE regress_reader2;
DELETE FROM segments.segment WHERE alias = 'visited';
UPDATE segments.segment SET is_published = false WHERE alias = 'visited';
RESET ROLE;
REVOKE UPDATE, DELETE ON segments.segment FROM regress_reader2;
SET ROLE regress_nobody;
SELECT count(*) FROM mal.contact_segment_member;
SELECT * FROM segments_internal.ask_beside('mal.contact', 'reach', :mine::bigint) AS r (entries bigint, oldest timestamptz, more bigint);
SELECT segments_internal.hidden_segments('mal.contact') IS NULL AS nothing;
SET ROLE regress_mallory;
SELECT count(*) FROM mal.contact_segment_member WHERE segment_id = :mine;
-- its own answers only, with arguments of their types
SELECT * FROM segments_internal.ask_beside('mal.contact', 'anything', 1) AS r (entries bigint);
SELECT * FROM segments_internal.ask_beside('mal.contact', 'reach', 1::bigint, 2::bigint) AS r (entries bigint);
SELECT * FROM segments_internal.ask_beside('mal.contact', 'reach', 1) AS r (entries bigint);
SELECT * FROM segments_internal.ask_beside('mal.contact', 'reach', 1::bigint) AS r (entries bigint);
SELECT segments_internal.ask_beside('mal.contact', 'reach', 1::bigint);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM regress_reader;
-- another filter for each row takes no memory that stays
SELECT max(bytes) - min(bytes) < 1000000 AS bounded FROM (
    SELECT i, segments.matches(c, ('[{"field": "email", "operator": "=", "properties": {"filter": "' || repeat(i::text, 500) || '"}}]')::segments.filter) AS matches,
           CASE WHEN i IN (100, 2000) THEN (SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE i > 0) END AS bytes
    FROM mal.contact AS c, generate_series(1, 2000) AS i WHERE c.id = 1) AS s;
SELECT segments.detach('mal.contact');

-- What a caller may not SELECT never comes out.
SET ROLE regress_mallory;
CREATE TABLE mal.lead (id int PRIMARY KEY, email text, salary int, seen_by name);
INSERT INTO mal.lead SELECT i, 'e' || i, i * 100, CASE WHEN i % 2 = 0 THEN 'regress_reader' ELSE 'regress_other' END FROM generate_series(1, 6) AS i;
CREATE TABLE mal.note (id int PRIMARY KEY, lead_id int, body text, public text);
INSERT INTO mal.note VALUES (1, 1, 'confidential', 'p'), (2, 2, 'confidential', 'p');
CREATE INDEX ON mal.note (lead_id);
GRANT SELECT ON mal.lead TO regress_reader, regress_reader2;
SELECT segments.attach('mal.lead');
SELECT segments.attach_related('mal.lead', 'note', 'mal.note', 'lead_id');
SELECT segments.define_field('mal.lead', 'body', object => 'behaviors', relation => 'note');
SELECT segments.define_field('mal.lead', 'public', object => 'behaviors', relation => 'note');
SELECT segments.define_field('mal.lead', 'looked', expression => 'coalesce((SELECT n.body FROM mal.note n WHERE n.id = lead.id), email)', unfollowed => true);
SELECT segments.create_segment('All', '[{"object": "behaviors", "field": "body", "operator": "!empty"}, {"object": "behaviors", "field": "public", "operator": "!empty", "glue": "or"}, {"field": "looked", "operator": "!empty", "glue": "or"}, {"field": "salary", "operator": "!empty", "glue": "or"}]') IS NOT NULL AS created;
SELECT segments.create_segment('Hidden', '[{"field": "salary", "operator": "gt", "properties": {"filter": 100}}]', is_global => false) IS NOT NULL AS created;
GRANT SELECT (public) ON mal.note TO regress_reader;
SET ROLE regress_reader;
SELECT f -> 'filter' ->> 'field' AS field, f -> 'value' AS value, f -> 'hidden' AS hidden FROM jsonb_array_elements(segments.why('all', 2) -> 'filters' -> 'filters') AS f;
SET ROLE regress_mallory;
SELECT f -> 'filter' ->> 'field' AS field, f -> 'value' AS value, f -> 'hidden' AS hidden FROM jsonb_array_elements(segments.why('all', 2) -> 'filters' -> 'filters') AS f;
-- row security on the contact table: hidden contacts don't exist
ALTER TABLE mal.lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON mal.lead USING (seen_by = current_user);
SET ROLE regress_reader;
SELECT w -> 'exists' AS exists, w -> 'member' AS member, w -> 'filters' -> 'filters' -> 3 -> 'value' AS salary FROM segments.why('all', 2) AS w;
SELECT w -> 'exists' AS exists, w -> 'member' AS member, w -> 'filters' -> 'filters' -> 3 -> 'value' AS salary FROM segments.why('all', 1) AS w;
SELECT k FROM segments.matching('[{"field": "salary", "operator": "gt", "properties": {"filter": 200}}]', key => NULL::int) AS k ORDER BY k;
SELECT exact_count, sample_keys FROM segments.preview('[{"field": "salary", "operator": "gt", "properties": {"filter": 200}}]', exact => true, sample => 9);
SET ROLE regress_reader2;
SELECT exact_count, sample_keys FROM segments.preview('[{"field": "salary", "operator": "gt", "properties": {"filter": 200}}]', exact => true, sample => 9);
SET ROLE regress_mallory;
SELECT exact_count, sample_keys FROM segments.preview('[{"field": "salary", "operator": "gt", "properties": {"filter": 200}}]', exact => true, sample => 9);
-- a segment that one doesn't see does not exist
SET ROLE regress_reader;
SELECT segments.count('hidden');
SELECT segments.why('hidden', 2);
SELECT segments.rebuild('hidden');
SELECT * FROM segments.check('hidden');
SELECT count(*) FROM segments_internal.member_counts('mal.lead');
SELECT segments_internal.bind_check('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["hidden"]}}]', 'mal.lead', 0, true);
SELECT segments_internal.bind_check('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["nowhere"]}}]', 'mal.lead', 0, true);
-- messages that have to speak of them don't name them
SET ROLE regress_mallory;
SELECT segments.create_segment('Base', '[{"field": "salary", "operator": "gt", "properties": {"filter": 100}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Covert', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["base"]}}]', is_global => false) IS NOT NULL AS created;
SELECT segments.create_segment('Overt', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["covert"]}}]') IS NOT NULL AS created;
SELECT segments.delete_segment('base');
SET ROLE regress_reader;
SELECT segments.delete_segment('base');
SELECT segments.update_segment('base', is_published => false);
SELECT segments.update_segment('base', alias => 'other');
SELECT segments.update_segment('base', filters => '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["overt"]}}]');
-- nor does a plan that is kept go on with one that is hidden meanwhile
PREPARE kept AS SELECT count(*) FROM mal.lead AS c WHERE segments.matches(c, '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["overt"]}}]');
EXECUTE kept;
SET ROLE regress_mallory;
SELECT segments.update_segment('overt', is_global => false);
SET ROLE regress_reader;
EXECUTE kept;
DEALLOCATE kept;
-- nobody sets aside, or is told of, what others have
RESET ROLE;
SELECT array_agg(id) AS ids FROM segments.segment WHERE contact_table = 'mal.lead'::regclass \gset
GRANT SELECT ON mal.lead TO regress_other;
SET ROLE regress_other;
CREATE TABLE other.own (id int PRIMARY KEY, email text);
SELECT segments.attach('other.own');
SELECT segments_internal.rebuild_guarded('other.own', :'ids', :'ids');
SELECT segments.detach('other.own');
RESET ROLE;
REVOKE SELECT ON mal.lead FROM regress_other;
SELECT DISTINCT state FROM segments.status WHERE contact_table = 'mal.lead'::regclass;
-- nobody's rights tell nothing
SET ROLE regress_nobody;
SELECT segments.count('all');
SELECT segments.why('all', 2);
SELECT segments.rebuild('all');
SELECT segments_internal.rebuild_guarded('mal.lead', '{}', '{}');
SELECT * FROM segments.check();
SELECT count(*) FROM segments_internal.member_counts('mal.lead');
SELECT segments_internal.bind_check('[]', 'mal.lead', 0, true);
SELECT segments_internal.check_references('[]', 'mal.lead');
SELECT segments.field_operators('mal.lead', 'lead', 'email') IS NULL AS nothing;
SELECT count(*) FROM segments.field;
SELECT count(*) FROM segments.compiled;
SELECT * FROM segments.matching('[]', 'mal.lead');
SELECT * FROM segments.preview('[]', 'mal.lead');
SELECT segments.explain('[]', 'mal.lead');
SELECT segments.trim_changes('0 seconds', 'mal.lead');
CALL segments.rebuild_all();
-- rows that are made up are no contacts of those who may not read them
SELECT segments.matches(ROW(1, 'a', NULL, NULL)::mal.lead, '[{"object": "behaviors", "field": "body", "operator": "empty"}]');
SELECT count(*) FROM json_populate_record(NULL::mal.lead, '{"id": 1}') AS c WHERE segments.matches(c, '[{"object": "behaviors", "field": "body", "operator": "empty"}]');
RESET ROLE;
GRANT pg_monitor TO regress_nobody;
SET ROLE regress_nobody;
SELECT contact_table, segments FROM segments.compiled;
RESET ROLE;

-- An expression that fails for a row refuses the row: the error names the field, the segments and the way out.
ALTER TABLE segments.segment ALTER COLUMN id RESTART WITH 900001;
SET ROLE regress_mallory;
SELECT segments.define_field('mal.lead', 'ratio', expression => '100 / salary');
SELECT segments.define_field('mal.lead', 'weight', object => 'behaviors', relation => 'note', condition => '1 / length(body) >= 0', aggregate => 'count');
SELECT segments.create_segment('Ratio', '[{"field": "ratio", "operator": "gt", "properties": {"filter": 1}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Weight', '[{"object": "behaviors", "field": "weight", "operator": "gt", "properties": {"filter": 0}}]') IS NOT NULL AS created;
\set SHOW_CONTEXT errors
INSERT INTO mal.lead VALUES (7, 'e7', 0, 'regress_reader');
INSERT INTO mal.note VALUES (3, 3, '', 'p');
-- others than the owner are not told the value
SELECT segments.define_field('mal.lead', 'cast', expression => 'email::date');
SELECT k FROM segments.matching('[{"field": "cast", "operator": "gt", "properties": {"filter": "today"}}]', key => NULL::int) AS k;
GRANT UPDATE ON mal.note TO regress_reader;
SELECT segments.define_field('mal.lead', 'bodies', object => 'behaviors', relation => 'note', condition => 'body::int > 0', aggregate => 'count');
UPDATE mal.note SET body = id;
SELECT segments.create_segment('Bodies', '[{"object": "behaviors", "field": "bodies", "operator": "gt", "properties": {"filter": 0}}]') IS NOT NULL AS created;
SET ROLE regress_reader;
SELECT k FROM segments.matching('[{"field": "cast", "operator": "gt", "properties": {"filter": "today"}}]', key => NULL::int) AS k;
SELECT id FROM mal.lead AS c WHERE segments.matches(c, '[{"field": "cast", "operator": "gt", "properties": {"filter": "today"}}]');
UPDATE mal.note SET body = 'x' || public;
SET ROLE regress_mallory;
\set SHOW_CONTEXT never
SELECT count(*) FROM segments.check();

-- What the extension computes itself never fails.
CREATE TABLE mal.sale (id bigserial PRIMARY KEY, lead_id int, amount numeric, price numeric(12, 2), f float8, at timestamp);
CREATE INDEX ON mal.sale (lead_id);
SELECT segments.attach_related('mal.lead', 'sale', 'mal.sale', 'lead_id');
SELECT segments.define_field('mal.lead', 'total', object => 'behaviors', relation => 'sale', column_name => 'amount', aggregate => 'sum');
SELECT segments.define_field('mal.lead', 'prices', object => 'behaviors', relation => 'sale', column_name => 'price', aggregate => 'sum');
SELECT segments.define_field('mal.lead', 'floats', object => 'behaviors', relation => 'sale', column_name => 'f', aggregate => 'sum');
SELECT segments.define_field('mal.lead', 'sold', 'datetime', object => 'behaviors', relation => 'sale', column_name => 'at', timezone => 'America/New_York');
SELECT segments.create_segment('Large sum', '[{"object": "behaviors", "field": "total", "operator": "gt", "properties": {"filter": "1e9999"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Large floats', '[{"object": "behaviors", "field": "floats", "operator": "gt", "properties": {"filter": "1e308"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Exact floats', '[{"object": "behaviors", "field": "floats", "operator": "=", "properties": {"filter": 0.3}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Late', '[{"object": "behaviors", "field": "sold", "operator": "gt", "properties": {"filter": "2026-01-01"}}]') IS NOT NULL AS created;
INSERT INTO mal.sale (lead_id, amount, f, at) SELECT 1, ('9' || repeat('9', 131071))::numeric, 1.7e308, '294276-12-31 23:59:59.999999' FROM generate_series(1, 3);
INSERT INTO mal.sale (lead_id, amount, f, at) SELECT 2, x::numeric, x::float8, '4713-01-01 00:00:00 BC' FROM unnest('{Infinity,-Infinity,NaN}'::text[]) AS x;
INSERT INTO mal.sale (lead_id, amount, f) VALUES (3, -1, 0.1), (3, -1, 0.2);
SELECT s.alias, m.contact_id FROM segments.segment AS s JOIN mal.lead_segment_member AS m ON m.segment_id = s.id WHERE s.alias IN ('large-sum', 'large-floats', 'exact-floats', 'late') ORDER BY 1, 2;
SELECT count(*) FROM segments.check();
SELECT segments.detach('mal.lead');
RESET ROLE;
REVOKE pg_monitor FROM regress_nobody;
REVOKE INSERT, UPDATE, DELETE ON segments.segment FROM regress_reader;
DROP SCHEMA mal CASCADE;
DROP SCHEMA other CASCADE;
DROP ROLE regress_mallory, regress_other, regress_reader, regress_reader2, regress_nobody;
