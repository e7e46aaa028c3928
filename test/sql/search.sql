-- Searching contacts.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
ALTER SEQUENCE segments.segment_id_seq RESTART;
-- the tree
SELECT segments_internal.parse_search(q) FROM unnest(ARRAY['', 'paris', '"new york" +exact', '!a !(b OR c) d', 'a AND b OR c AND d', 'a or b',
    'segment:vip', '!segment:"vip"', 'name:+x', 'name:!x', 'http://x.org', '12:30', '((a', 'a) b', 'city:', 'OR', 'AND', '!', '+', '"', '"a\"b\\"',
    'a OR(b)', '(a)(b)', '!!a', '()', 'été:x', 'a.b:1', '2nd-name:x', '+name:x', '!+name:"x"', '"two words":+x', '"x":', 'a"b:c', '"a:\"b":c', '+12:30', ':x', '"":x']) AS q;
SELECT segments_internal.parse_search(repeat('(', 101));
SELECT segments_internal.parse_search(repeat('a', 10001));
SELECT jsonb_typeof(segments_internal.parse_search(repeat('(', 100)));

CREATE SCHEMA srch;
CREATE TABLE srch.person (id bigint PRIMARY KEY, email text, name text, city text, points int, joined date, vip boolean, tags text[], balance numeric);
CREATE INDEX ON srch.person (points);
INSERT INTO srch.person VALUES
    (1, 'ann@example.org', 'Ann Sharp', 'Paris', 10, '2026-01-01', true, '{a,b}', 1.5),
    (2, 'bob@gmail.com', 'Bob Paris', 'London', 100, '2026-02-01', false, '{b}', NULL),
    (3, 'CLO@GMAIL.COM', 'Cloé Été', 'Zürich', 200, '2026-03-01', NULL, NULL, -3),
    (4, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL),
    (5, '100%@x.org', 'a "quoted" or b', 'http://x', 0, '2026-03-01', true, '{}', 0);
SELECT segments.attach('srch.person');
SELECT segments.create_segment('Rich', '[{"field":"points","operator":"gte","properties":{"filter":100}}]') > 0 AS created;
SELECT segments.create_segment('Mail', '[{"field":"email","operator":"!empty"}]') > 0 AS created;
SELECT segments.create_segment('Old', is_published => false) > 0 AS created;
SELECT segments.add_contact('old', 1);
SELECT q, ARRAY(SELECT segments.search(q)) FROM unnest(ARRAY['', 'paris', 'PARIS gmail', 'paris OR zurich', '!paris', '!(paris OR zurich)', '"ann sharp"', '+"Ann Sharp"', '+ann',
    'ete', 'city:paris', 'city:+london', 'city:lon%', 'email:%@gmail.com', 'points:>100', 'points:>=100', 'points:<100', 'points:100', 'points:many', 'balance:<0',
    'joined:>=2026-02-01', 'joined:someday', 'vip:yes', 'vip:no', 'vip:perhaps', 'tags:b', 'segment:rich', 'segment:RICH', '!segment:rich', 'segment:nobody', '!segment:nobody',
    'segment:old', 'segment:1', 'segment:001', 'common:01+mail', 'common:rich+mail', 'common:rich+nobody', 'is:anonymous', 'is:strange', 'ids:1,3', 'ids:1,x,99', '!ids:1', 'http://x', 'color:red', '%', '100%', '"100%"', '+100%@x.org',
    '\', '"quoted"', 'or', 'name:"a \"quoted\""', 'paris AND (london OR zurich)', 'id:3', 'leadlist:1']) AS q;
SELECT segments.search('gmail', key => NULL::int, max => 1);
SELECT segments.search('gmail', key => NULL::int, after => '2', max => 1);
SELECT segments.search('gmail', key => NULL::uuid);
-- any field of the catalogue: of related rows, of the company, numbered ones; the contact's own goes first
CREATE TABLE srch.company (id int PRIMARY KEY, name text, town text);
ALTER TABLE srch.person ADD company_id int;
CREATE TABLE srch.visit (id int PRIMARY KEY, person_id bigint, page text, day date);
SELECT segments.attach_company('srch.person', 'srch.company', company_column => 'company_id');
SELECT segments.attach_related('srch.person', 'visits', 'srch.visit', 'person_id');
SELECT segments.define_field('srch.person', 'page', 'text', object => 'behaviors', relation => 'visits', column_name => 'page');
SELECT segments.define_field('srch.person', 'visits', 'number', object => 'behaviors', relation => 'visits', aggregate => 'count');
INSERT INTO srch.company VALUES (1, 'Acme', 'Oslo');
UPDATE srch.person SET company_id = 1 WHERE id IN (1, 2);
INSERT INTO srch.visit VALUES (1, 2, '/pricing', '2026-01-01'), (2, 3, '/about', '2026-01-01'), (3, 2, '/about', '2026-01-02');
SELECT q, ARRAY(SELECT segments.search(q)) FROM unnest(ARRAY['page:pricing', 'page:about', '!page:about', 'page:+/about', 'visits:>1', 'visits:0', 'town:oslo', '!town:oslo', 'name:acme', 'name:ann',
    'bucket_3:>=0', 'bucket_3:>9999', '!bucket_3:>=0', 'bucket_x:1', 'group_points_1:0']) AS q;
-- fields of any name: exactly this one first, then one that differs in case or accents
CREATE TABLE srch.odd (id int PRIMARY KEY, "firstName" text, "lastname" text, "lastName" text, "a.b" int, "last-seen" date, "two words" text, "été" text, "a:b" text, "2nd" text, "say ""hi""" text, "Segment" text);
INSERT INTO srch.odd VALUES (1, 'Zoe', 'low', 'camel', 1, '2026-01-01', 'one', 'chaud', 'c', 'd', 'e', 'f'), (2, 'Ann', 'camel', 'low', 2, '2026-02-01', 'two', NULL, NULL, NULL, NULL, NULL);
SELECT segments.attach('srch.odd');
SELECT q, ARRAY(SELECT segments.search(q, 'srch.odd')) FROM unnest(ARRAY['firstName:zoe', '!firstName:zoe', 'firstname:zoe', 'FIRSTNAME:+zoe', '+firstName:zo', 'lastname:low', 'lastName:low', 'LastName:low', 'a.b:1', 'A.B:>1', '!a.b:1',
    'last-seen:>2026-01-15', '"two words":on', '!"Two Words":on', '+"two words":on', 'été:chaud', 'ETE:chaud', '"a:b":c', 'a:b:c', '2nd:d', '"say \"hi\"":e', 'Segment:f', '12:30', 'Bucket_3:>=0']) AS q;
SELECT body -> 'total' AS total FROM segments.rest('GET', 'contacts', '{"search": "firstName:zoe"}', contact_table => 'srch.odd');
SELECT segments.detach('srch.odd');
-- a command without a value is satisfied by nobody, as one with a value that nothing has
SELECT q, ARRAY(SELECT segments.search(q)) FROM unnest(ARRAY['common:""', '!common:""', 'common:"+"', 'common:+', 'ids:""', 'segment:""', 'points:""', 'color:""', 'city:"" common:""']) AS q;
SELECT q, body -> 'total' AS total FROM unnest(ARRAY['ids:""', '!ids:""', 'name:""', 'category:""']) AS q, LATERAL segments.rest('GET', 'segments', jsonb_build_object('search', q));
-- planned like a condition that a person wrote
INSERT INTO srch.person (id, points) SELECT i, i FROM generate_series(1000, 3000) AS i;
ANALYZE srch.person;
SELECT segments_internal.search_condition(segments_internal.parse_search('points:>2990 segment:rich'), t) FROM segments.contact_table AS t;
SET enable_seqscan = off;
SELECT format('EXPLAIN (COSTS OFF) SELECT id FROM srch.person AS c WHERE %s', segments_internal.search_condition(segments_internal.parse_search('points:>2990'), t)) FROM segments.contact_table AS t \gexec
RESET enable_seqscan;
-- with the rights of who asks
CREATE ROLE regress_srch;
GRANT USAGE ON SCHEMA srch TO regress_srch;
SET ROLE regress_srch;
SELECT segments.search('paris');
RESET ROLE;
GRANT SELECT ON srch.person TO regress_srch;
ALTER TABLE srch.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON srch.person FOR SELECT USING (id > 1);
SET ROLE regress_srch;
SELECT segments.search('paris');
RESET ROLE;
SELECT count(*) FROM segments.check();
SELECT segments.detach('srch.person');
DROP SCHEMA srch CASCADE;
DROP ROLE regress_srch;
