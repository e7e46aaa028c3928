-- What a name means: dots in it, its length, and definitions of several objects.
SET client_min_messages = warning;
CREATE TABLE named (id int PRIMARY KEY);
CREATE TABLE part (named_id int, b text, c text, v text, w text);
SELECT segments.attach('named'), segments.attach_related('named', 'p', 'part', 'named_id'), segments.attach_related('named', 'p.b', 'part', 'named_id'),
    segments.attach_related('named', rpad('long', 63, 'x'), 'part', 'named_id');
SELECT segments.define_field('named', 'b.c', 'text', object => 'behaviors', relation => 'p', column_name => 'b');
SELECT segments.create_segment('By b.c', '[{"rows":"p","filters":[{"field":"b.c","operator":"=","properties":{"filter":"bb"}}]}]', contact_table => 'named') > 0,
    segments.create_segment('By c', '[{"rows":"p.b","filters":[{"field":"c","operator":"=","properties":{"filter":"cc"}}]}]', contact_table => 'named') > 0;
INSERT INTO named VALUES (1), (2);
INSERT INTO part VALUES (1, 'bb', 'cc', 'v1', 'w1'), (2, 'cc', 'bb', 'w1', 'v1');
SELECT alias, contact_id FROM segments.segment, segments.members(alias) ORDER BY 1, 2;
SELECT segments.explain('[{"rows":"p","filters":[{"field":"b.c","operator":"=","properties":{"filter":"bb"}}]},{"rows":"p.b","filters":[{"field":"c","operator":"=","properties":{"filter":"cc"}}]}]', 'named');
-- as long as a name may be
SELECT segments.define_field('named', rpad('n', 128, 'n'), 'text', object => 'behaviors', relation => rpad('long', 63, 'x'), column_name => 'b');
SELECT k FROM segments.matching(format('[{"rows":"%s","filters":[{"field":"%s","operator":"=","properties":{"filter":"bb"}}]}]', rpad('long', 63, 'x'), rpad('n', 128, 'n'))::segments.filter, 'named') AS k;
-- one name of several objects: the first in a fixed order, whenever they were declared
SELECT segments.define_field('named', 'z', 'text', object => 'groups', relation => 'p', column_name => 'w'), segments.define_field('named', 'z', 'text', object => 'behaviors', relation => 'p', column_name => 'v'),
    segments.define_field('named', 'n_*', 'text', object => 'groups', relation => 'p', column_name => 'w', condition => 'named_id >= $1'),
    segments.define_field('named', 'n_*', 'text', object => 'behaviors', relation => 'p', column_name => 'v', condition => 'named_id >= $1');
SELECT segments.create_segment('By z', '[{"rows":"p","filters":[{"field":"z","operator":"=","properties":{"filter":"v1"}}]}]', contact_table => 'named') > 0,
    segments.create_segment('By n', '[{"rows":"p","filters":[{"field":"n_0","operator":"=","properties":{"filter":"v1"}}]}]', contact_table => 'named') > 0;
SELECT alias, contact_id FROM segments.segment, segments.members(alias) WHERE alias IN ('by-z', 'by-n') ORDER BY 1, 2;
SELECT segments.define_field('named', 'z', object => 'groups', label => 'a label'), segments.define_field('named', 'n_*', object => 'groups', label => 'a label');
SELECT alias, contact_id FROM segments.segment, segments.members(alias) WHERE alias IN ('by-z', 'by-n') ORDER BY 1, 2;
SELECT segments.define_field('named', 'z', object => 'behaviors', label => 'a label'), segments.define_field('named', 'n_*', object => 'behaviors', label => 'a label');
SELECT alias, contact_id FROM segments.segment, segments.members(alias) WHERE alias IN ('by-z', 'by-n') ORDER BY 1, 2;
SELECT * FROM segments.check();
SELECT segments.detach('named');
-- rows of all companies: what is declared for these before what is for the primary one
CREATE TABLE firm (id int PRIMARY KEY, v text, w text);
CREATE TABLE named_firm (named_id int, firm_id int, is_primary boolean);
SELECT segments.attach('named'), segments.attach_company('named', 'firm', link_table => 'named_firm', link_contact_column => 'named_id', link_company_column => 'firm_id', primary_column => 'is_primary');
SELECT segments.define_field('named', 'z', 'text', object => 'company', column_name => 'v'), segments.define_field('named', 'z', 'text', object => 'company_all', column_name => 'w');
INSERT INTO firm VALUES (1, 'v1', 'w1');
INSERT INTO named_firm VALUES (1, 1, true);
SELECT word, k FROM (VALUES ('v1'), ('w1')) AS w (word),
    segments.matching(format('[{"rows":"company_all","filters":[{"field":"z","operator":"=","properties":{"filter":"%s"}}]}]', word)::segments.filter, 'named') AS k;
SELECT segments.define_field('named', 'z', object => 'company', label => 'a label'), segments.define_field('named', 'z', object => 'company_all', label => 'a label');
SELECT word, k FROM (VALUES ('v1'), ('w1')) AS w (word),
    segments.matching(format('[{"rows":"company_all","filters":[{"field":"z","operator":"=","properties":{"filter":"%s"}}]}]', word)::segments.filter, 'named') AS k;
SELECT segments.detach('named');
DROP TABLE named, part, firm, named_firm;
-- a field that was withdrawn goes on in filters that are stored, also where these are given again
CREATE TABLE withdrawn (id int PRIMARY KEY, a text, b text);
SELECT segments.attach('withdrawn'), segments.define_field('withdrawn', 'a', 'text');
SELECT segments.create_segment('By a', '[{"field":"a","operator":"=","properties":{"filter":"x"}}]', contact_table => 'withdrawn') > 0;
SELECT segments.define_field('withdrawn', 'a', available => false);
SELECT segments.update_segment('by-a', name => 'By A', filters => '[{"field":"a","operator":"=","properties":{"filter":"x"}}]');
UPDATE segments.segment SET filters = filters WHERE alias = 'by-a';
SELECT segments.update_segment('by-a', filters => '[{"field":"a","operator":"=","properties":{"filter":"y"}}]');
SELECT segments.update_segment('by-a', filters => '[{"field":"b","operator":"=","properties":{"filter":"y"}}]');
SELECT name, filters FROM segments.segment WHERE alias = 'by-a';
SELECT segments.detach('withdrawn');
DROP TABLE withdrawn;
