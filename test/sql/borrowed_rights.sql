-- Nobody's code runs with the rights of others: casts of whoever owns a type,
-- tables that others follow already, rights that were taken away, and what
-- messages tell of segments and rows.
\set SHOW_CONTEXT never
CREATE ROLE regress_borrowed_owner;
CREATE ROLE regress_borrowed_other;
CREATE ROLE regress_borrowed_third;
CREATE SCHEMA borrowed;
GRANT ALL ON SCHEMA borrowed TO PUBLIC;

SET ROLE regress_borrowed_other;
CREATE TABLE borrowed.company (id int PRIMARY KEY, name text);
INSERT INTO borrowed.company VALUES (1, 'acme');
CREATE TABLE borrowed.event (id bigint PRIMARY KEY, person_id int, kind text);
CREATE INDEX ON borrowed.event (person_id);
CREATE TYPE borrowed.mood AS ENUM ('sad', 'ok');
GRANT SELECT, TRIGGER ON borrowed.company, borrowed.event TO regress_borrowed_owner;
GRANT SELECT ON borrowed.event TO regress_borrowed_third;

-- a company is looked for with the rights of its owner: not by a cast of others
SET ROLE regress_borrowed_owner;
CREATE TYPE borrowed.number AS ENUM ('1', '2');
CREATE FUNCTION borrowed.to_int(borrowed.number) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'as %', current_user; RETURN $1::text::int; END $$;
CREATE CAST (borrowed.number AS int) WITH FUNCTION borrowed.to_int(borrowed.number) AS IMPLICIT;
CREATE TABLE borrowed.person (id int PRIMARY KEY, company borrowed.number, mood borrowed.mood, moods borrowed.mood[], word text);
SELECT segments.attach('borrowed.person');
SELECT segments.attach_company('borrowed.person', 'borrowed.company', 'company');

-- a value of another's type becomes text by no cast of theirs
SELECT segments.define_field('borrowed.person', 'moods', 'multiselect');
SELECT segments.create_segment('Sad', '[{"field": "mood", "operator": "like", "properties": {"filter": "sa%"}}]') > 0 AS created;
SELECT segments.create_segment('Moods', '[{"field": "moods", "operator": "in", "properties": {"filter": ["sad"]}}]') > 0 AS created;
INSERT INTO borrowed.person VALUES (1, NULL, 'sad', '{sad,NULL}'), (2, NULL, 'ok', NULL);
SET ROLE regress_borrowed_other;
CREATE FUNCTION borrowed.to_text(borrowed.mood) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'as %', current_user; RETURN 'sadness'; END $$;
CREATE CAST (borrowed.mood AS text) WITH FUNCTION borrowed.to_text(borrowed.mood) AS IMPLICIT;
SET ROLE regress_borrowed_owner;
INSERT INTO borrowed.person VALUES (3, NULL, 'ok', '{ok}'), (4, NULL, 'sad', '{}');
RESET ROLE;
SELECT id, segments.matches(p, '[{"field": "mood", "operator": "like", "properties": {"filter": "sa%"}}]') FROM borrowed.person AS p ORDER BY id;
SELECT s.alias, m.contact_id FROM segments.segment AS s JOIN borrowed.person_segment_member AS m ON m.segment_id = s.id ORDER BY 1, 2;
SELECT * FROM segments.check();

-- that others have made our triggers gives nobody the right to them
SET ROLE regress_borrowed_owner;
SELECT segments.attach_related('borrowed.person', 'events', 'borrowed.event', 'person_id');
SET ROLE regress_borrowed_third;
CREATE TABLE borrowed.mine (id int PRIMARY KEY);
SELECT segments.attach('borrowed.mine');
SELECT segments.attach_related('borrowed.mine', 'events', 'borrowed.event', 'person_id', condition => '1 / length(kind) > 0');
SELECT segments.detach('borrowed.mine');
SET ROLE regress_borrowed_other;
INSERT INTO borrowed.event VALUES (1, 1, '');

-- who may not read the contacts isn't told of their segments
SET ROLE regress_borrowed_owner;
SELECT segments.create_segment('Secret', '[{"object": "behaviors", "field": "kind", "operator": "=", "properties": {"filter": "salary > 90"}}]', is_global => false) > 0 AS created
FROM segments.define_field('borrowed.person', 'kind', object => 'behaviors', relation => 'events');
SET ROLE regress_borrowed_other;
ALTER TABLE borrowed.event DROP COLUMN kind;
ALTER TABLE borrowed.event ALTER COLUMN kind TYPE int USING 1;
SET ROLE regress_borrowed_owner;
ALTER TABLE borrowed.person DROP COLUMN mood;

-- nor of values, whatever an expression raises
SELECT segments.define_field('borrowed.person', 'query', 'text', expression => 'to_tsquery(''simple'', word)::text');
GRANT SELECT ON borrowed.person TO regress_borrowed_third;
UPDATE borrowed.person SET word = 'topsecret 99' WHERE id = 1;
SET ROLE regress_borrowed_third;
SELECT * FROM segments.matching('[{"field": "query", "operator": "=", "properties": {"filter": "x"}}]');
SET ROLE regress_borrowed_owner;
SELECT * FROM segments.matching('[{"field": "query", "operator": "=", "properties": {"filter": "x"}}]');
UPDATE borrowed.person SET word = NULL;
SELECT segments.drop_field('borrowed.person', 'query');

-- a function that may not be called any more sets aside what calls it, and no write fails
SET ROLE regress_borrowed_other;
CREATE FUNCTION borrowed.marked(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'z' || $1; END $$;
REVOKE EXECUTE ON FUNCTION borrowed.marked(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION borrowed.marked(text) TO regress_borrowed_owner;
SET ROLE regress_borrowed_owner;
SELECT segments.define_field('borrowed.person', 'marked', 'text', expression => 'borrowed.marked(word)');
SELECT segments.create_segment('Marked', '[{"field": "marked", "operator": "=", "properties": {"filter": "za"}}]') > 0 AS created;
SELECT segments.create_segment('Word', '[{"field": "word", "operator": "=", "properties": {"filter": "a"}}]') > 0 AS created;
UPDATE borrowed.person SET word = 'a' WHERE id = 1;
SET ROLE regress_borrowed_other;
REVOKE EXECUTE ON FUNCTION borrowed.marked(text) FROM regress_borrowed_owner;
\c
\set SHOW_CONTEXT never
UPDATE borrowed.person SET word = 'a' WHERE id = 2;
UPDATE borrowed.person SET word = 'b' WHERE id = 1;
SELECT alias, state, error FROM segments.segment WHERE alias IN ('marked', 'word') ORDER BY alias;
SELECT * FROM segments.check();
SET ROLE regress_borrowed_owner;
SELECT segments.rebuild('marked');
SET ROLE regress_borrowed_other;
GRANT EXECUTE ON FUNCTION borrowed.marked(text) TO regress_borrowed_owner;
SET ROLE regress_borrowed_owner;
SELECT segments.rebuild('marked');
SELECT alias, state, segments.count(alias) FROM segments.segment WHERE alias IN ('marked', 'word') ORDER BY alias;
SELECT * FROM segments.check();

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA borrowed CASCADE;
DROP ROLE regress_borrowed_owner, regress_borrowed_other, regress_borrowed_third;
