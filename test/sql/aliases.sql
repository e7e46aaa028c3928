-- Aliases and ids: a text of digits is an id, no alias is, and what a stored filter means stays.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE alias_person (id int PRIMARY KEY, v int);
INSERT INTO alias_person SELECT i, i FROM generate_series(1, 20) AS i;
SELECT segments.attach('alias_person');

-- Made from a name: a word before the digits, and a number after it when it is taken.
SELECT segments.create_segment('2026', '[{"field":"v","operator":"lte","properties":{"filter":5}}]') IS NOT NULL AS created;
SELECT segments.create_segment('2026', '[]') IS NOT NULL AS created;
SELECT segments.create_segment(' ２０２６! ', '[]') IS NOT NULL AS created;
SELECT alias FROM segments.segment ORDER BY id;
-- Given: refused, however it is given.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT segments.create_segment('Year', alias => '2027');
\set VERBOSITY terse
SELECT segments.create_segment('Year', alias => '2027!');
INSERT INTO segments.segment (name, alias) VALUES ('Year', '2027');
INSERT INTO segments.segment (name, alias, filters, state, public_name, date_added, contact_table)
VALUES ('Year', '2027', '[]', 'ready', 'Year', now(), 'alias_person');
SELECT segments.update_segment('segment-2026', alias => '2027');
UPDATE segments.segment SET alias = '2027' WHERE alias = 'segment-2026';
SELECT status, body -> 'errors' -> 0 ->> 'code' AS code FROM segments.rest('POST', 'segments/new', body => '{"name":"Year","alias":"2027"}');
SELECT status, body -> 'list' ->> 'alias' AS alias FROM segments.rest('POST', 'segments/new', body => '{"name":"2027"}');
-- an alias left out of a change is made from the name again
UPDATE segments.segment SET name = '2028', alias = NULL WHERE alias = 'segment-2027';
SELECT alias FROM segments.segment ORDER BY alias;
DELETE FROM segments.segment WHERE segments.is_static(filters);

-- Digits are an id only, in filters and in functions, of any length.
SELECT segments.create_segment('Ref', '[{"field":"leadlist","operator":"in","properties":{"filter":["2026"]}}]');
SELECT segments.create_segment('Ref', '[{"field":"leadlist","operator":"in","properties":{"filter":["99999999999999999999"]}}]');
SELECT segments.create_segment('Ref', '[{"field":"leadlist","operator":"in","properties":{"filter":[2026]}}]');
SELECT segments.count('2026');
SELECT segments.count('99999999999999999999');
SELECT segments.create_segment('Ref', '[{"field":"leadlist","operator":"in","properties":{"filter":["segment-2026"]}}]') IS NOT NULL AS created;
SELECT segments.create_segment('Id', format('[{"field":"leadlist","operator":"in","properties":{"filter":["000%s"]}}]', id)::segments.filter) IS NOT NULL AS created
FROM segments.segment WHERE alias = 'segment-2026';
SELECT segments.count('ref'), segments.count('id');

-- A segment created or renamed later never becomes what a filter names.
INSERT INTO segments.segment (id, name, filters) VALUES (2026, 'Late', '[{"field":"v","operator":"gt","properties":{"filter":10}}]');
INSERT INTO alias_person VALUES (21, 1), (22, 50);
UPDATE alias_person SET v = v;
SELECT segments.count('ref'), segments.count('id'), segments.count('2026'), segments.count('late');
CALL segments.rebuild_all();
SELECT segments.count('ref'), segments.count('id');
SELECT segments.update_segment('segment-2026', alias => 'other');
SELECT segments.update_segment('ref', filters => (SELECT format('[{"field":"leadlist","operator":"in","properties":{"filter":[%s]}}]', id)::segments.filter
                                                  FROM segments.segment WHERE alias = 'segment-2026'));
SELECT segments.update_segment('segment-2026', alias => 'other');
SELECT segments.update_segment('late', alias => 'segment-2026');
SELECT segments.count('ref'), segments.count('id'), segments.count('other');
-- nor can a cycle be stored by it
SELECT segments.create_segment('4', '[{"field":"v","operator":"lte","properties":{"filter":5}}]') IS NOT NULL AS created;
SELECT segments.update_segment('other', filters => '[{"field":"leadlist","operator":"!in","properties":{"filter":["id"]}}]');
SELECT count(*) FROM segments.check();
SELECT count(*) FROM segments.check(by_query => true);
SELECT segments.detach('alias_person');
DROP TABLE alias_person;
