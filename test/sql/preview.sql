-- What preview estimates, where there are no statistics, and where there are.
SET segments.now = '2026-03-18 10:30:00+00';
SET timezone = 'UTC';
CREATE SCHEMA v;
CREATE TABLE v.person (id bigint PRIMARY KEY, country text, email text, seen timestamptz, pad text) WITH (autovacuum_enabled = off);
CREATE TABLE v.purchase (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person_id bigint, amount integer) WITH (autovacuum_enabled = off);
CREATE INDEX ON v.purchase (person_id);
INSERT INTO v.person
SELECT i, (ARRAY['France', 'SPAIN', 'Éire', 'Italy', 'Peru'])[1 + i * 7 % 5], 'Someone' || i || '@Example.com',
       segments.now() - i % 1000 * interval '1 hour', repeat('x', 500)
FROM generate_series(1, 12000) AS i;
INSERT INTO v.purchase (person_id, amount) SELECT i % 12000, i % 100 FROM generate_series(1, 24000) AS i;
SELECT segments.attach('v.person');
SELECT segments.attach_related('v.person', 'purchases', 'v.purchase', 'person_id');
SELECT segments.define_field('v.person', 'spent', object => 'behaviors', relation => 'purchases', column_name => 'amount', aggregate => 'sum');
CREATE VIEW v.asked AS
SELECT a.n, p.exact_count, p.estimate BETWEEN p.exact_count / 2.0 AND p.exact_count * 2.0 AS close, p.sample_keys IS NULL AS no_sample
FROM (VALUES
    (1, '[{"field": "country", "operator": "=", "properties": {"filter": "france"}}]'::segments.filter),
    (2, '[{"field": "country", "operator": "!=", "properties": {"filter": "eire"}}]'),
    (3, '[{"field": "email", "operator": "contains", "properties": {"filter": "99@"}}]'),
    (4, '[{"field": "seen", "operator": "inLast", "properties": {"filter": "5 days"}}]'),
    (5, '[{"object": "behaviors", "field": "spent", "operator": "gt", "properties": {"filter": 120}}]'),
    (6, '[{"field": "country", "operator": "=", "properties": {"filter": "spain"}}, {"field": "seen", "operator": "inLast", "properties": {"filter": "5 days"}}]'),
    (7, '[{"field": "country", "operator": "empty"}, {"glue": "or", "field": "id", "operator": "gt", "properties": {"filter": 6000}}]')) AS a (n, filter),
    segments.preview(a.filter, exact => true) AS p;
SELECT * FROM v.asked ORDER BY n;
ANALYZE v.person, v.purchase;
SELECT bool_and(close) FROM v.asked;
-- one of many, which a sample does not find
SELECT estimate BETWEEN 1 AND 2 AS close, exact_count, sample_keys
FROM segments.preview('[{"field": "email", "operator": "=", "properties": {"filter": "someone77@example.com"}}]', exact => true, sample => 3);
-- and none
SELECT estimate <= 2 AS close, exact_count FROM segments.preview('[{"field": "email", "operator": "=", "properties": {"filter": "nobody"}}]', exact => true);
-- related rows without an index are not read for each contact
DROP INDEX v.purchase_person_id_idx;
ALTER TABLE v.purchase SET (parallel_workers = 0);
SELECT estimate >= 0 AS answered FROM segments.preview('[{"object": "behaviors", "field": "spent", "operator": "gt", "properties": {"filter": 120}}]');
-- a small table is read
DELETE FROM v.person WHERE id > 10;
VACUUM v.person;
SELECT estimate, exact_count FROM segments.preview('[{"field": "country", "operator": "=", "properties": {"filter": "france"}}]', exact => true);
SELECT estimate FROM segments.preview('[]');
-- a moving segment among what is asked
SELECT segments.create_segment('Lately', '[{"field": "seen", "operator": "inLast", "properties": {"filter": "5 hours"}}]') > 0 AS made;
SELECT exact_count, estimate >= 0 AS answered FROM segments.preview('[{"field": "leadlist", "operator": "in", "properties": {"filter": ["lately"]}}]', exact => true);
SELECT * FROM segments.check();
SET client_min_messages = warning;
SELECT segments.detach('v.person');
DROP SCHEMA v CASCADE;
