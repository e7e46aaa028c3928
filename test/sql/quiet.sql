-- What a mistake shows: the message, its detail and hint, and no more than a line or two of context.
\set VERBOSITY terse
CREATE SCHEMA q;
CREATE TABLE q.person (id bigint PRIMARY KEY, country text);
CREATE TABLE q.visit (id bigint PRIMARY KEY, person_id bigint);
SELECT segments.attach('q.person');
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') > 0 AS made;
CREATE FUNCTION pg_temp.mistake(statement text, OUT code text, OUT lines bigint, OUT message text) LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code := RETURNED_SQLSTATE, message := MESSAGE_TEXT, context := PG_EXCEPTION_CONTEXT;
    SELECT count(*) INTO lines FROM regexp_split_to_table(split_part(context, format(E'SQL statement "%s"', statement), 1), E'\n') AS l
    WHERE l ~ '\S' AND l !~ 'pg_temp_';
END
$$;
SELECT m.lines, m.code, m.message FROM (VALUES
    (1, $$SELECT segments.count('nobody')$$),
    (2, $$SELECT * FROM segments.members('nobody')$$),
    (3, $$SELECT segments.is_member('nobody', 1)$$),
    (4, $$SELECT segments.add_contact('nobody', 1)$$),
    (5, $$SELECT segments.add_contact('french', 99)$$),
    (6, $$SELECT segments.add_contacts('nobody', '{1}')$$),
    (7, $$SELECT segments.change_segments('{1}', '{nobody}')$$),
    (8, $$SELECT segments.create_segment('O', '[{"field": "colour", "operator": "empty"}]')$$),
    (9, $$SELECT segments.create_segment('O', '[{"field": "country", "operator": "gt", "properties": {"filter": "x"}}]')$$),
    (10, $$SELECT segments.create_segment('O', '[{"field": "leadlist", "operator": "in", "properties": {"filter": ["nobody"]}}]')$$),
    (11, $$INSERT INTO segments.segment (name, filters) VALUES ('O', '[{"field": "colour", "operator": "empty"}]')$$),
    (12, $$UPDATE segments.segment SET filters = '[{"field": "colour", "operator": "empty"}]'$$),
    (13, $$SELECT segments.update_segment('nobody', name => 'x')$$),
    (14, $$SELECT segments.update_segment('french', filters => '[{"field": "colour", "operator": "empty"}]')$$),
    (15, $$SELECT segments.delete_segment('nobody')$$),
    (16, $$SELECT segments.matching('[{"field": "colour", "operator": "empty"}]')$$),
    (17, $$SELECT segments.attach('q.nothing')$$),
    (18, $$SELECT segments.attach_related('q.person', 'visits', 'q.visit', 'person')$$),
    (19, $$SELECT segments.define_field('q.person', 'mixed', expression => 'nothing')$$),
    (20, $$SELECT segments.detach('q.visit')$$),
    (21, $$SELECT segments.why('nobody', 1)$$),
    (22, $$SELECT segments.rebuild('nobody')$$),
    (23, $$SELECT segments.export('nobody')$$),
    (24, $$SELECT * FROM segments.growth('nobody')$$),
    (25, $$SELECT segments.create_point_trigger('x', 10, add => '{nobody}')$$),
    (26, $$SELECT segments.import_contacts('nobody', 'q.visit')$$),
    (27, $$ALTER TABLE q.person DROP COLUMN country$$)
) AS s (n, statement), pg_temp.mistake(s.statement) AS m ORDER BY s.n;
SELECT * FROM segments.check();
SET client_min_messages = warning;
SELECT segments.detach('q.person');
DROP SCHEMA q CASCADE;
