-- Definitions as statements: run into a database without them, they make the same again; run twice, they change nothing.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET segments.now = '2026-03-18 10:30:00+00';
CREATE SCHEMA def;
CREATE TABLE def.firm (id integer PRIMARY KEY, city text);
CREATE TABLE def.person (id bigint PRIMARY KEY, name text, points integer, seen timestamp, firm_id integer REFERENCES def.firm, attributes jsonb);
CREATE TABLE def."Odd one" (key uuid PRIMARY KEY, "what's" text);
CREATE TABLE def.hit (id bigint PRIMARY KEY, person_id bigint, url text, at timestamptz, n integer);
CREATE TABLE def.tag (id bigint PRIMARY KEY, tag text);
CREATE TABLE def.person_tag (person_id bigint, tag_id bigint REFERENCES def.tag, PRIMARY KEY (person_id, tag_id));
CREATE FUNCTION def.wild(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT n';
SELECT segments.definition_sql() AS nothing;
SELECT segments.attach('def.person', 'Europe/Berlin'), segments.attach('def."Odd one"', case_sensitive => true),
       segments.attach_company('def.person', 'def.firm'),
       segments.attach_related('def.person', 'pricing', 'def.hit', 'person_id', condition => 'url LIKE ''%pric\ing%'' AND at > ''2020-01-01'''),
       segments.attach_related('def.person', 'recent', 'def.hit', 'person_id', condition => 'at > now()', unfollowed => true),
       segments.attach_related('def.person', 'tags', 'def.tag', 'person_id', link_table => 'def.person_tag'),
       segments.define_field('def.person', 'prices', 'number', object => 'behaviors', relation => 'pricing', aggregate => 'count'),
       segments.define_field('def.person', 'last', object => 'behaviors', relation => 'pricing', column_name => 'n', aggregate => 'latest', order_by => 'at'),
       segments.define_field('def.person', 'tag', object => 'behaviors', relation => 'tags', label => 'It''s a tag'),
       segments.define_field('def.person', 'n_*', 'number', object => 'behaviors', relation => 'pricing', aggregate => 'count', condition => 'n = $1'),
       segments.define_field('def.person', 'plan', 'select', expression => 'attributes ->> ''plan''', options => '{free,"it''s, \\pro"}', case_sensitive => true),
       segments.define_field('def.person', 'wild', 'number', expression => 'def.wild(points)', unfollowed => true),
       segments.define_field('def.person', 'seen', timezone => 'Europe/Rome'),
       segments.define_field('def.person', 'city', object => 'company', label => 'City');
SELECT segments.create_segment('Zeta', '[{"field": "points", "operator": "gte", "properties": {"filter": 10}}, {"glue": "or", "field": "name", "operator": "regexp", "properties": {"filter": "^\\w''s$"}}]',
           contact_table => 'def.person', description => 'It''s the first', public_name => 'Z', is_preference_center => true) AS zeta \gset
SELECT segments.create_segment('Alpha', format('[{"field": "leadlist", "operator": "in", "properties": {"filter": [%s]}}, {"glue": "or", "filters": [
           {"field": "leadlist", "operator": "!in", "properties": {"filter": "%1$s|zeta"}}, {"glue": "and", "field": "leadlist", "operator": "=", "filter": %1$s}]}]', :'zeta')::segments.filter,
           contact_table => 'def.person') IS NOT NULL AS alpha,
       segments.create_segment('Asleep', '[{"field": "wild", "operator": "gt", "properties": {"filter": 1}}, {"glue": "and", "object": "behaviors", "field": "n_7", "operator": "gt", "properties": {"filter": 0}}]',
           contact_table => 'def.person', is_published => false, is_global => false) IS NOT NULL AS asleep,
       segments.create_segment('By hand', contact_table => 'def.person') IS NOT NULL AS by_hand,
       segments.create_segment('Odd', '[{"field": "what''s", "operator": "=", "properties": {"filter": "Ä"}}]', contact_table => 'def."Odd one"') IS NOT NULL AS odd,
       segments.create_point_trigger('Ten', 10, add => '{by-hand}', contact_table => 'def.person', description => 'Hm') IS NOT NULL AS ten;
SELECT segments.define_field('def.person', 'wild', available => false);
INSERT INTO def.person (id, name, points) SELECT n, 'n' || n, n FROM generate_series(1, 20) AS n;
SELECT segments.definition_sql() AS sql \gset
\echo :sql
SELECT segments.definition_sql('def."Odd one"');

-- again: nothing changes
CREATE VIEW def.now AS
SELECT 'relation' AS kind, (to_jsonb(r) - 'contact_table')::text AS what FROM segments.relation AS r
UNION ALL SELECT 'field', (to_jsonb(d) - 'contact_table')::text FROM segments.field_definition AS d
UNION ALL SELECT 'table', t.contact_table || ' ' || t.timezone || t.case_sensitive FROM segments.contact_table AS t
UNION ALL SELECT 'segment', concat_ws(' ', s.alias, s.name, s.public_name, s.description, s.is_published, s.is_global, s.is_preference_center, segments_internal.portable_filters(s.filters::jsonb)) FROM segments.segment AS s
UNION ALL SELECT 'point trigger', concat_ws(' ', t.name, t.description, t.points, t.field, segments_internal.alias_of(array_to_string(t.add_segments, ' ')), t.remove_segments) FROM segments.point_trigger AS t;
CREATE TABLE def.before AS TABLE def.now;
\o /dev/null
:sql
\o
(TABLE def.before EXCEPT TABLE def.now) UNION ALL (TABLE def.now EXCEPT TABLE def.before) ORDER BY 1, 2;
SELECT segments.definition_sql() = :'sql' AS is_the_same;

-- where there is nothing
SELECT segments.detach('def.person'), segments.detach('def."Odd one"');
SELECT setval('segments.segment_id_seq', 1000 + nextval('segments.segment_id_seq')) > 0 AS other_ids;
\o /dev/null
:sql
\o
SELECT segments.definition_sql() = :'sql' AS is_the_same;
(TABLE def.before EXCEPT TABLE def.now) UNION ALL (TABLE def.now EXCEPT TABLE def.before) ORDER BY 1, 2;
SELECT s.alias, count(*) FROM def.person_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();

-- what the caller may see
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA def TO regress_reader;
GRANT SELECT ON def.person TO regress_reader;
SET ROLE regress_reader;
SELECT segments.definition_sql('def."Odd one"');
SELECT segments.definition_sql() LIKE '%Asleep%' AS sees_hidden, segments.definition_sql() LIKE '%Odd%' AS sees_other, segments.definition_sql() LIKE '%Alpha%' AS sees_own;
RESET ROLE;
SELECT segments.definition_sql('pg_class');
SELECT segments.detach('def.person'), segments.detach('def."Odd one"');

-- fields that are named like those of segments, with values that look like ids
CREATE TABLE def.site (id integer PRIMARY KEY, leadlist text, segment text);
CREATE TABLE def.member (id bigint PRIMARY KEY, site_id integer REFERENCES def.site);
CREATE TABLE def.visit (member_id bigint, leadlist integer, segment text);
SELECT segments.attach('def.member'), segments.attach_company('def.member', 'def.site'),
       segments.attach_related('def.member', 'visits', 'def.visit', 'member_id'),
       segments.define_field('def.member', 'leadlist', 'number', object => 'behaviors', relation => 'visits', aggregate => 'count');
SELECT segments.create_segment('Referred to', '[{"field": "id", "operator": "lte", "properties": {"filter": 2}}]') AS id \gset
INSERT INTO def.site VALUES (1, :'id', 'x'), (2, 'x', '0'), (3, 'x', 'x');
INSERT INTO def.member VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO def.visit VALUES (1, :'id', 'x'), (2, 0, '7'), (3, 0, 'x');
SELECT segments.create_segment(name, filters::segments.filter) IS NOT NULL AS created
FROM (VALUES ('Company', format('[{"object": "company", "field": "leadlist", "operator": "=", "properties": {"filter": "%s"}}, {"object": "company", "field": "segment", "operator": "=", "glue": "or", "properties": {"filter": "0"}}]', :'id')),
             ('Behaviour', format('[{"object": "behaviors", "field": "leadlist", "operator": "lt", "properties": {"filter": %s}}]', :'id')),
             ('Rows', format('[{"rows": "visits", "filters": [{"field": "leadlist", "operator": "=", "properties": {"filter": %s}}, {"glue": "or", "filters": [{"field": "segment", "operator": "in", "properties": {"filter": ["%1$s", "7"]}}]}]}]', :'id')),
             ('Membership', format('[{"rows": "memberships", "filters": [{"filters": [{"field": "segment", "operator": "in", "properties": {"filter": [%s]}}]}]}, {"field": "leadlist", "operator": "in", "properties": {"filter": "%1$s"}}]', :'id'))) AS v (name, filters);
SELECT alias, segments.count(id) FROM segments.segment ORDER BY id;
SELECT regexp_replace(definition, '\m' || :'id' || '\M', 'N', 'g') AS definition
FROM string_to_table(segments.definition_sql(), E'\n') AS definition WHERE definition ~ 'leadlist|"segment"';
CREATE TABLE def.stored AS SELECT s.alias, s.filters, segments.count(s.id) AS members FROM segments.segment AS s;
SELECT segments.definition_sql() AS sql \gset
\o /dev/null
:sql
\o
-- a segment may be named in another way, and means the same
SELECT s.alias, segments.count(s.id) = o.members AS as_many, s.filters::text = o.filters::text AS as_stored
FROM segments.segment AS s JOIN def.stored AS o USING (alias) ORDER BY s.id;
SELECT * FROM segments.check();

-- point triggers of one name, and what they were asked for
SELECT count(segments.create_point_trigger(name, points, add => add, contact_table => 'def.member', field => 'site_id', is_published => published, apply_to_existing => existing)) AS created
FROM (VALUES ('One', 10, '{company,rows}'::text[], false, true), ('Many', 20, '{rows}', true, false), ('Many', 20, '{rows}', true, false), ('Many', 20, '{company}', true, true), ('Many', 2, '{rows,company}', true, true))
     AS v (name, points, add, published, existing);
CREATE VIEW def.triggers AS
SELECT t.name, t.points, t.field, ARRAY(SELECT segments_internal.alias_of(w) FROM unnest(t.add_segments) AS w) AS added, t.is_published, t.apply_to_existing FROM segments.point_trigger AS t;
CREATE TABLE def.asked AS TABLE def.triggers;
SELECT definition FROM regexp_split_to_table(segments.definition_sql(), E'(?<=;)\n') AS definition WHERE definition ~ 'create_point_trigger';
SELECT segments.definition_sql() AS sql \gset
\o /dev/null
:sql
\o
(TABLE def.asked EXCEPT ALL TABLE def.triggers) UNION ALL (TABLE def.triggers EXCEPT ALL TABLE def.asked);
-- those that are missing come back; what was changed stays as it is
DELETE FROM segments.point_trigger WHERE add_segments && ARRAY(SELECT id::text FROM segments.segment WHERE alias = 'company') OR id = (SELECT min(id) FROM segments.point_trigger WHERE name = 'Many');
\o /dev/null
:sql
\o
(TABLE def.asked EXCEPT ALL TABLE def.triggers) UNION ALL (TABLE def.triggers EXCEPT ALL TABLE def.asked);
UPDATE segments.point_trigger SET points = points + 1;
\o /dev/null
:sql
\o
SELECT name, points FROM def.triggers ORDER BY 1, 2;
DELETE FROM segments.point_trigger;
UPDATE def.member SET site_id = 1;
\o /dev/null
:sql
\o
(TABLE def.asked EXCEPT ALL TABLE def.triggers) UNION ALL (TABLE def.triggers EXCEPT ALL TABLE def.asked);
SELECT segments.definition_sql() = :'sql' AS is_the_same;
SELECT segments.detach('def.member');
DROP SCHEMA def CASCADE;
DROP ROLE regress_reader;
