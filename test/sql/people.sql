-- Preference centre, a user's segments, uses, numbers over time, overlap, export.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
ALTER SEQUENCE segments.segment_id_seq RESTART;
CREATE SCHEMA people;
CREATE TABLE people.person (id uuid PRIMARY KEY, email text, points int);
SELECT segments.attach('people.person', timezone => 'Europe/Paris');
CREATE FUNCTION people.key(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid$$;
INSERT INTO people.person SELECT people.key(i), 'p' || i || '@example.org', i FROM generate_series(1, 10) AS i;
SET segments.now = '2026-03-26 12:00+00';
SELECT segments.create_segment('News', '[{"field":"points","operator":"gt","properties":{"filter":5}}]', is_preference_center => true, public_name => 'Our news') > 0 AS created;
SELECT segments.create_segment('Offers', is_preference_center => true, description => 'now and then') > 0 AS created;
SELECT segments.create_segment('Drafts', is_preference_center => true, is_published => false) > 0 AS created;
SELECT segments.create_segment('Private', is_preference_center => true, is_global => false) > 0 AS created;
SELECT segments.create_segment('Inner', '[{"field":"leadlist","operator":"in","properties":{"filter":["news"]}}]') > 0 AS created;

-- preferences
SELECT alias, public_name, description, subscribed FROM segments.preference_center(people.key(8));
SELECT segments.set_preferences(people.key(8), ARRAY['offers', 'drafts', 'private', 'inner', 'no such']);
SELECT alias, subscribed FROM segments.preference_center(people.key(8));
SELECT alias FROM segments.contact_segments(people.key(8)) ORDER BY alias;
SELECT segments.set_preferences(people.key(8), ARRAY[(SELECT id::text FROM segments.segment WHERE alias = 'news')]);
SELECT alias, subscribed FROM segments.preference_center(people.key(8));
SELECT segments.set_preferences(people.key(8), '{offers,NULL}');
SELECT alias, subscribed FROM segments.preference_center(people.key(8));
SELECT segments.set_preferences(people.key(8), NULL);
SELECT alias, subscribed FROM segments.preference_center(people.key(8));
SELECT segments.set_preferences(people.key(99), ARRAY['offers']);
SELECT * FROM segments.preference_center(8);

-- who chooses from what
CREATE ROLE regress_people_reader;
GRANT USAGE ON SCHEMA people TO regress_people_reader;
GRANT SELECT ON people.person TO regress_people_reader;
SELECT name, alias FROM segments.user_segments();
UPDATE segments.segment SET created_by_user = 'regress_people_reader' WHERE alias IN ('drafts', 'private');
SELECT name FROM segments.user_segments();
SET ROLE regress_people_reader;
SELECT name FROM segments.user_segments();
SELECT alias, subscribed FROM segments.preference_center(people.key(9));
SELECT segments.register_usage('news', 'email', 'Spring');
RESET ROLE;

-- who acts for a user of the application has that user's segments, also as the owner of the contact table
SET segments.user_id = '7';
SELECT segments.create_segment('Of 7', is_global => false) > 0 AS created;
SELECT segments.create_segment('Draft of 7', is_published => false) > 0 AS created;
SELECT name FROM segments.user_segments();
SET segments.user_id = '8';
SELECT name FROM segments.user_segments();
SELECT * FROM segments.change_segments(ARRAY[people.key(1)], '{offers,of-7}');
SELECT * FROM segments.change_segments(ARRAY[people.key(1)], '{}', '{of-7}');
SELECT segments.create_point_trigger('Three', 3, '{of-7}');
SELECT status FROM segments.rest('POST', format('segments/%s/contact/%s/add', segments.resolve_segment('of-7'), people.key(1)));
SELECT count(*) FROM segments.members('offers', NULL::uuid);
RESET segments.user_id;
SELECT name FROM segments.user_segments();
SELECT success FROM segments.change_segments(ARRAY[people.key(1)], '{of-7}');
SELECT segments.delete_segment('of-7'), segments.delete_segment('draft-of-7');

-- no segment
SELECT segments.add_contact(NULL, people.key(1));
SELECT * FROM segments.add_contacts(NULL, ARRAY[people.key(1)]);
SELECT segments.export(NULL);
SELECT * FROM segments.growth(NULL::text);
SELECT * FROM segments.members_at(NULL::text, now(), NULL::uuid);

-- uses
SELECT segments.register_usage('news', 'email', 'Spring', true);
SELECT segments.register_usage('news', 'campaign', 'Welcome');
SELECT segments.register_usage('offers', 'campaign', 'Welcome');
SELECT s.alias, u.kind, u.name, u.blocks FROM segments.usage AS u JOIN segments.segment AS s ON s.id = u.segment_id ORDER BY 1, 2, 3;
SELECT segments.delete_segment('inner');
SELECT segments.delete_segment('news');
UPDATE segments.segment SET is_published = false WHERE alias = 'news';
UPDATE segments.segment SET is_published = true WHERE alias = 'news';
SELECT segments.register_usage('news', 'email', 'Spring');
SET client_min_messages = notice;
UPDATE segments.segment SET is_published = false WHERE alias = 'news';
UPDATE segments.segment SET is_published = true WHERE alias = 'news';
SELECT segments.delete_segment('offers');
SET client_min_messages = warning;
SELECT segments.forget_usage('news', 'email', 'Spring'), segments.forget_usage('news', 'email', 'Spring');
SELECT segments.register_usage('news', 'segment', 'other');
SELECT segments.register_usage('nobody', 'email', 'Spring');
SELECT s.alias, u.kind, u.name FROM segments.usage AS u JOIN segments.segment AS s ON s.id = u.segment_id ORDER BY 1, 2, 3;

-- numbers: clocks go forward in the night to the 29th
SET segments.now = '2026-03-28 12:00+00';
UPDATE people.person SET points = 100 WHERE points IN (1, 2);
SET segments.now = '2026-03-29 12:00+00';
UPDATE people.person SET points = 0 WHERE points IN (9, 100);
SET segments.now = '2026-03-30 12:00+00';
DELETE FROM people.person WHERE id = people.key(10);
INSERT INTO people.person VALUES (people.key(11), NULL, 50);
SELECT segments.count('news');
SET timezone = 'Europe/Paris';
SELECT * FROM segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02');
SELECT * FROM segments.growth('news', '2026-03-28 00:00+01', '2026-03-30 00:00+02', '12 hours');
SELECT * FROM segments.growth('news', '2026-03-28 20:00+01', '2026-03-29 20:00+02', '36 hours');
SELECT count(*), sum(joined), sum("left"), max(total) FROM segments.growth('news');
SELECT segments.growth('news', '2026-03-28', '2026-03-28');
SELECT segments.growth('news', '2026-03-28', '2026-03-29', '0 days');
-- a step of mixed signs comes to an end
SELECT count(*) FROM segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02', '1 month -29 days');
-- steps that go beyond what times there are
SELECT count(*), sum(joined) FROM segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02', '30 years');
SELECT count(*), sum(joined) FROM segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02', '1 day 290000 years');
SELECT count(*), sum(joined) FROM segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02', '170000000 years');
SELECT segments.growth('news', '2026-03-26 00:00+01', '2026-03-31 00:00+02', '-170000000 years');
SELECT segments.growth('news', '2026-03-28', '2026-03-29', '8 seconds');
RESET timezone;
SELECT k FROM segments.members_at('news', '2026-03-28 13:00+00', key => NULL::uuid) AS k ORDER BY k;
SELECT k FROM segments.members_at('news', '2026-03-30 13:00+00', key => NULL::uuid) AS k
EXCEPT SELECT contact_id FROM segments.members('news', NULL::uuid);
SELECT count(*) FROM segments.members_at('news', '2026-03-01', key => NULL::uuid);
SELECT segments.members_at('news', now());
SELECT segments.trim_changes('36 hours', 'people.person') > 0 AS trimmed;
SELECT segments.members_at('news', '2026-03-28 13:00+00', key => NULL::uuid);
SELECT segments.growth('news', '2026-03-26', '2026-03-31');
SELECT count(*) FROM segments.members_at('news', '2026-03-30 00:00+00', key => NULL::uuid);
-- with all of it trimmed, back to the last change
SET segments.now = '2026-04-10 12:00+00';
SELECT segments.trim_changes('1 day', 'people.person') > 0 AS trimmed;
SELECT max(last_change) AS last_change, max(members) AS members FROM segments.status WHERE alias = 'news' \gset
SELECT count(*) = :members AS same FROM segments.members_at('news', :'last_change', key => NULL::uuid);
SELECT segments.members_at('news', timestamptz :'last_change' - interval '1 second', key => NULL::uuid);
SELECT sum(joined) AS joined, sum("left") AS "left", bool_and(total = :members) AS same FROM segments.growth('news', '2026-04-01', '2026-04-10');

-- overlap
SELECT segments.create_segment('High', '[{"field":"points","operator":"gte","properties":{"filter":7}}]') > 0 AS created;
SELECT segments.create_segment('Low', '[{"field":"points","operator":"lt","properties":{"filter":8}}]') > 0 AS created;
SELECT segments.create_segment('Nobody') > 0 AS created;
SELECT * FROM segments.overlap(ARRAY['low', 'news', 'high', 'nobody', 'low']);
SELECT count(*) FROM people.person WHERE points >= 7 AND points < 8;
SELECT * FROM segments.overlap(ARRAY['low']);
SELECT * FROM segments.overlap(ARRAY['low', 'no such']);
SELECT * FROM segments.overlap(ARRAY['low', NULL]);

-- export
SELECT segments.export('high', ARRAY['email', 'points']) AS query \gset
\echo :query
COPY (SELECT email FROM people.person WHERE points >= 7 ORDER BY email) TO STDOUT;
SELECT 'COPY (' || segments.export('high', ARRAY['email', 'points']) || ' ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)' \gexec
SELECT segments.export('high', ARRAY['email', 'secret']);
SELECT segments.export('high') LIKE 'SELECT c.* FROM people.person AS c JOIN %' AS whole_rows;
SELECT count(*) FROM segments.check(NULL, NULL::uuid);
RESET segments.now;
SELECT segments.detach('people.person');
DROP SCHEMA people CASCADE;
DROP ROLE regress_people_reader;
