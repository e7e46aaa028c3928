-- attach() and define_field() again change what is given and keep what isn't.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE again (id int PRIMARY KEY, name text, seen timestamptz, code text);
CREATE TABLE again_row (id int PRIMARY KEY, contact_id int, at timestamptz, amount int, kind text);
SELECT segments.attach('again');
SELECT timezone, case_sensitive FROM segments.contact_table WHERE contact_table = 'again'::regclass;
SELECT segments.attach('again', timezone => 'Europe/Paris');
SELECT segments.attach('again', case_sensitive => true);
INSERT INTO again VALUES (1, 'Zoé', '2026-01-01 23:30+00', 'a'), (2, 'zoe', '2026-01-02 23:30+00', 'B');
SELECT segments.create_segment('second', '[{"field":"seen","operator":"=","properties":{"filter":"2026-01-02"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('zoe', '[{"field":"name","operator":"=","properties":{"filter":"Zoé"}}]') IS NOT NULL AS created;
SELECT segments.attach('again');
SELECT timezone, case_sensitive FROM segments.contact_table WHERE contact_table = 'again'::regclass;
SELECT s.alias, m.contact_id FROM segments.segment AS s, segments.members(s.alias, NULL::int) AS m ORDER BY 1, 2;
SELECT segments.attach('again', timezone => NULL, case_sensitive => false);
SELECT timezone, case_sensitive FROM segments.contact_table WHERE contact_table = 'again'::regclass;
SELECT s.alias, m.contact_id FROM segments.segment AS s, segments.members(s.alias, NULL::int) AS m ORDER BY 1, 2;
SELECT segments.attach('again', timezone => 'UTC');
SELECT s.alias, m.contact_id FROM segments.segment AS s, segments.members(s.alias, NULL::int) AS m ORDER BY 1, 2;
SELECT segments.attach('again', timezone => 'Nowhere/Land');

-- Fields: every property by itself.
SELECT segments.attach_related('again', 'rows', 'again_row', 'contact_id');
SELECT segments.define_field('again', 'code', 'select', label => 'Code', available => false, options => '{a,b}', case_sensitive => true);
SELECT segments.define_field('again', 'code', label => 'The code');
SELECT segments.define_field('again', 'code', available => true);
SELECT segments.define_field('again', 'code', options => '{a,b,c}');
SELECT segments.define_field('again', 'code', expression => 'upper(code)');
SELECT field, type, label, available, column_name, expression, options, case_sensitive FROM segments.field_definition;
SELECT segments.define_field('again', 'code', column_name => 'name');
SELECT segments.define_field('again', 'code', case_sensitive => false);
SELECT field, type, label, available, column_name, expression, options, case_sensitive FROM segments.field_definition;
SELECT segments.drop_field('again', 'code');
SELECT segments.define_field('again', 'last', 'number', object => 'behaviors', relation => 'rows', column_name => 'amount',
                             condition => 'kind = ''x''', aggregate => 'latest', order_by => 'at', timezone => 'Europe/Paris');
SELECT segments.define_field('again', 'last', object => 'behaviors', label => 'Last');
SELECT field, type, label, relation, column_name, condition, aggregate, order_by, timezone FROM segments.field_definition;
SELECT segments.define_field('again', 'last', object => 'behaviors', aggregate => 'max');
SELECT field, type, label, relation, column_name, condition, aggregate, order_by, timezone FROM segments.field_definition;
-- what contradicts what is kept is refused
SELECT segments.define_field('again', 'last', object => 'behaviors', aggregate => 'exists');
SELECT segments.define_field('again', 'last', object => 'behaviors', column_name => 'amount', expression => 'amount + 1');
-- members follow
INSERT INTO again_row VALUES (1, 1, '2026-01-01', 5, 'x'), (2, 1, '2026-01-02', 9, 'y'), (3, 2, '2026-01-03', 7, 'y');
SELECT segments.create_segment('five', '[{"object":"behaviors","field":"last","operator":"gte","properties":{"filter":5}}]') IS NOT NULL AS created;
SELECT segments.define_field('again', 'last', object => 'behaviors', condition => 'kind = ''y''');
SELECT s.alias, m.contact_id FROM segments.segment AS s, segments.members(s.alias, NULL::int) AS m WHERE s.alias = 'five' ORDER BY 1, 2;
SELECT count(*) FROM segments.check();
SELECT segments.detach('again');
DROP TABLE again, again_row;
