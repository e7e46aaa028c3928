-- Text is compared by code point or folded, whatever collation a column has: a nondeterministic one finds more alike.
SET client_min_messages = warning;
CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE reader (id int PRIMARY KEY, topics text COLLATE alike, shelves text[] COLLATE alike);
CREATE TABLE loan (id int PRIMARY KEY, reader_id int, lent int, topics text COLLATE alike, place text COLLATE alike);
SELECT segments.attach('reader', case_sensitive => true), segments.attach_related('reader', 'loan', 'loan', 'reader_id'),
    segments.define_field('reader', 'topics', 'multiselect'), segments.define_field('reader', 'shelves', 'multiselect'),
    segments.define_field('reader', 'loan_topics', 'multiselect', object => 'behaviors', relation => 'loan', column_name => 'topics'),
    segments.define_field('reader', 'last_place', 'text', object => 'behaviors', relation => 'loan', column_name => 'place', aggregate => 'latest', order_by => 'lent'),
    segments.define_field('reader', 'least_place', 'text', object => 'behaviors', relation => 'loan', column_name => 'place', aggregate => 'min');
CREATE TABLE asked (name text, filters segments.filter);
INSERT INTO asked VALUES
    ('any', '[{"field":"topics","operator":"in","properties":{"filter":["a"]}}]'),
    ('all', '[{"field":"topics","operator":"includingAll","properties":{"filter":["a","b"]}}]'),
    ('none', '[{"field":"topics","operator":"!in","properties":{"filter":["a"]}}]'),
    ('array', '[{"field":"shelves","operator":"in","properties":{"filter":["a"]}}]'),
    ('rows', '[{"field":"loan_topics","operator":"includingAll","properties":{"filter":["a","b"]}}]'),
    ('last', '[{"field":"last_place","operator":"=","properties":{"filter":"x"}}]'),
    ('least', '[{"field":"least_place","operator":"=","properties":{"filter":"x"}}]'),
    ('different', '[{"rows":"loan","aggregate":"distinct","of":"loan_topics","operator":"=","properties":{"filter":2}}]');
SELECT count(segments.create_segment('By ' || name, filters, contact_table => 'reader')) FROM asked;
INSERT INTO reader VALUES (1, 'a|b', '{a}'), (2, 'A|B', '{A}'), (3, 'a|B', '{b,A}');
INSERT INTO loan VALUES (1, 1, 1, 'a|b', 'x'), (2, 1, 1, 'A|b', 'X'), (3, 2, 1, 'A|B', 'X'), (4, 2, 1, 'B|A', 'x'), (5, 3, 1, 'a|b', 'X');
SELECT name, ARRAY(SELECT contact_id FROM segments.members('by-' || name) ORDER BY 1) AS members, ARRAY(SELECT k FROM segments.matching(filters, 'reader') AS k ORDER BY 1) AS found,
    ARRAY(SELECT id FROM reader AS r WHERE segments.matches(r, filters) ORDER BY 1) AS called
FROM asked ORDER BY name;
SELECT * FROM segments.check();
-- one for the other
UPDATE loan SET place = 'x' WHERE id = 5;
UPDATE loan SET topics = 'a|B' WHERE id = 4;
UPDATE reader SET topics = 'a|b', shelves = '{A,a}' WHERE id = 2;
DELETE FROM loan WHERE id = 2;
SELECT name, ARRAY(SELECT contact_id FROM segments.members('by-' || name) ORDER BY 1) AS members FROM asked ORDER BY name;
SELECT * FROM segments.check();
-- a deterministic collation is left as it is, so that an index serves
CREATE TABLE plainly (id int PRIMARY KEY, topics text COLLATE "C");
SELECT segments.attach('plainly'), segments.define_field('plainly', 'topics', 'multiselect');
SELECT segments.explain('[{"field":"topics","operator":"in","properties":{"filter":["a"]}}]', 'plainly');
SELECT segments.detach('reader'), segments.detach('plainly');
DROP TABLE reader, loan, asked, plainly;
DROP COLLATION alike;
