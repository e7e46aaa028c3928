-- Related rows: every way to find them, every aggregate, few rows and very many, and what only a query can answer.
SET client_min_messages = warning;
SET segments.now = '2026-01-20 10:00+00';
CREATE SCHEMA s;
CREATE TABLE s.company (id int PRIMARY KEY, size int);
CREATE TABLE s.contact (id bigint PRIMARY KEY, city text, points int, company_id bigint);
CREATE INDEX ON s.contact (company_id);
CREATE TABLE s.event (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id int REFERENCES s.contact ON DELETE CASCADE ON UPDATE CASCADE,
    kind text, n smallint, amount numeric, ratio float8, at timestamptz, day date);
CREATE INDEX ON s.event (contact_id);
CREATE TABLE s.tag (id int PRIMARY KEY, name text);
CREATE TABLE s.tagging (contact_id bigint REFERENCES s.contact ON DELETE CASCADE ON UPDATE CASCADE, tag_id int, PRIMARY KEY (contact_id, tag_id));
INSERT INTO s.company VALUES (1, 10), (2, 100);
INSERT INTO s.contact SELECT n, CASE WHEN n % 2 = 0 THEN 'Oslo' ELSE 'Paris' END, n * 10, 1 + n % 3 FROM generate_series(1, 20) AS n;
INSERT INTO s.tag VALUES (1, 'vip'), (2, 'cold');
SELECT segments.attach('s.contact');
SELECT segments.attach_company('s.contact', 's.company', company_column => 'company_id');
SELECT segments.attach_related('s.contact', 'event', 's.event', 'contact_id');
SELECT segments.attach_related('s.contact', 'tag', 's.tag', 'contact_id', link_table => 's.tagging', link_column => 'tag_id', key_column => 'id');

-- A field of each aggregate.
SELECT segments.define_field('s.contact', 'kind', 'text', object => 'behaviors', relation => 'event');
SELECT segments.define_field('s.contact', 'tag', 'text', object => 'behaviors', relation => 'tag', column_name => 'name');
SELECT count(segments.define_field('s.contact', field, object => 'behaviors', relation => 'event', column_name => column_name,
    aggregate => aggregate, condition => condition, order_by => order_by))
FROM (VALUES ('events', NULL::name, 'count', NULL, NULL::name), ('buys', NULL, 'count', 'kind = ''buy''', NULL),
    ('bought', NULL, 'exists', 'kind = ''buy''', NULL), ('sum_n', 'n', 'sum', NULL, NULL), ('spent', 'amount', 'sum', 'kind = ''buy''', NULL),
    ('sum_ratio', 'ratio', 'sum', NULL, NULL), ('min_n', 'n', 'min', NULL, NULL), ('max_amount', 'amount', 'max', NULL, NULL),
    ('max_ratio', 'ratio', 'max', NULL, NULL), ('last_at', 'at', 'max', NULL, NULL), ('first_day', 'day', 'min', NULL, NULL),
    ('latest_n', 'n', 'latest', NULL, 'at'), ('latest_day', 'day', 'latest', 'kind <> ''sell''', 'id'),
    ('max_kind', 'kind', 'max', NULL, NULL)) AS f (field, column_name, aggregate, condition, order_by);

CREATE FUNCTION f(obj text, field text, op text, v text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('glue', 'and', 'object', obj, 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', v)) $$;
SELECT count(segments.create_segment(field || ' ' || op || ' ' || coalesce(v, ''), jsonb_build_array(f('behaviors', field, op, v))::segments.filter))
FROM (VALUES ('kind', '=', 'buy'), ('kind', '!=', 'buy'), ('kind', 'like', 'se'), ('kind', 'empty', NULL), ('tag', '=', 'VIP'), ('tag', '!=', 'vip'),
    ('events', 'gte', '3'), ('events', 'lt', '3'), ('events', '=', '2'), ('events', 'gt', '300'), ('buys', 'gte', '2'), ('buys', '=', '0'), ('bought', '=', '1'), ('bought', '=', '0'),
    ('sum_n', 'gt', '5'), ('sum_n', '=', '0'), ('spent', 'gte', '10.5'), ('spent', 'lt', '1'), ('sum_ratio', 'gt', '0.3'), ('min_n', 'lt', '0'), ('min_n', 'empty', NULL),
    ('max_amount', 'gt', '9.99'), ('max_amount', '!=', '7'), ('max_ratio', 'gt', '0.2'), ('last_at', 'gte', '2026-01-01'), ('last_at', '!empty', NULL), ('last_at', 'inLast', '1 month'),
    ('first_day', 'lt', '2026-01-01'), ('latest_n', '=', '7'), ('latest_n', 'empty', NULL), ('latest_day', 'gte', '2026-01-01'), ('max_kind', '=', 'sell'))
    AS v (field, op, v);
SELECT count(segments.create_segment(name, filters::segments.filter))
FROM (VALUES
    ('Paris and sold', jsonb_build_array(f('lead', 'city', '=', 'Paris'), f('behaviors', 'kind', '=', 'sell'))),
    ('Paris or sold', jsonb_build_array(f('lead', 'city', '=', 'Paris'), f('behaviors', 'kind', '=', 'sell') || '{"glue": "or"}')),
    ('Big and bought', jsonb_build_array(f('company', 'size', 'gte', '50'), f('behaviors', 'bought', '=', '1'))),
    ('Not big, three', jsonb_build_array(f('company', 'size', '!=', '100'), f('behaviors', 'events', 'gte', '3'))),
    ('Bought or not big', jsonb_build_array(f('behaviors', 'bought', '=', '1'), f('company', 'size', '!=', '100') || '{"glue": "or"}'))) AS v (name, filters);
-- rises by what happens, falls by the segment that it refers to
SELECT segments.create_segment('Sold, or not in the first', jsonb_build_array(f('behaviors', 'kind', '=', 'sell'),
    f('lead', 'leadlist', '!=', 'kind--buy') || '{"glue": "or"}')::segments.filter) > 0;

INSERT INTO s.event (contact_id, kind, n, amount, ratio, at, day)
    SELECT 1 + i % 15, (ARRAY['buy', 'sell', NULL, 'look'])[1 + i % 4], i % 9 - 4, CASE WHEN i % 5 > 0 THEN i / 3.0 END, i / 10.0,
        CASE WHEN i % 7 > 0 THEN timestamptz '2025-12-20 00:00+00' + i * interval '1 day' END, date '2025-12-20' + i FROM generate_series(0, 40) AS i;
SELECT * FROM segments.check();
-- one statement: some buy, and one sells
INSERT INTO s.event (contact_id, kind) VALUES (16, 'buy'), (17, 'sell'), (18, 'buy');
SELECT * FROM segments.check();
UPDATE s.event SET n = 7, at = '2027-01-01', kind = 'buy' WHERE contact_id IN (3, 4, 5);
SELECT * FROM segments.check();
UPDATE s.event SET contact_id = 1 + (contact_id + 3) % 20 WHERE id % 3 = 0;
SELECT * FROM segments.check();
DELETE FROM s.event WHERE kind = 'buy' AND id % 2 = 0;
SELECT * FROM segments.check();
UPDATE s.event SET kind = CASE kind WHEN 'buy' THEN 'sell' ELSE 'buy' END, amount = -amount, day = NULL WHERE id % 4 > 1;
SELECT * FROM segments.check();
INSERT INTO s.tagging SELECT n, 1 + n % 2 FROM generate_series(1, 20) AS n;
UPDATE s.tag SET name = 'Vip ' WHERE id = 2;
UPDATE s.tag SET name = CASE id WHEN 1 THEN 'none' ELSE 'vip' END;
DELETE FROM s.tag WHERE id = 2;
SELECT * FROM segments.check();
UPDATE s.company SET size = 110 - size;
INSERT INTO s.company VALUES (3, 100);
UPDATE s.company SET id = 4 WHERE id = 1;
UPDATE s.contact SET company_id = 4, city = 'Paris' WHERE id < 6;
SELECT * FROM segments.check();
WITH e AS (INSERT INTO s.event (contact_id, kind) VALUES (19, 'buy'), (19, 'sell')), c AS (UPDATE s.company SET size = 100)
UPDATE s.contact SET city = 'Paris', id = id + 100 WHERE id IN (19, 20);
SELECT * FROM segments.check();

-- More rows than are read: counts, sums and tests of contact 1 are asked of the database.
INSERT INTO s.event (contact_id, kind, n, amount, at) SELECT 1, 'look', 0, 0, '2020-01-01' FROM generate_series(1, 700);
SELECT * FROM segments.check();
INSERT INTO s.event (contact_id, kind, n, amount, at) VALUES (1, 'buy', -9, 99, '2028-01-01');
SELECT * FROM segments.check();
DELETE FROM s.event WHERE contact_id = 1 AND (kind <> 'look' OR id % 4 > 0);
SELECT * FROM segments.check();
UPDATE s.event SET kind = 'sell' WHERE contact_id = 1;
SELECT * FROM segments.check();

-- Without an index.
DROP INDEX s.event_contact_id_idx;
INSERT INTO s.event (contact_id, kind, n) VALUES (2, 'sell', 9), (6, 'buy', 7);
SELECT * FROM segments.check();
CREATE INDEX ON s.event (contact_id);
DELETE FROM s.event WHERE contact_id IN (2, 6);
SELECT * FROM segments.check();
SELECT alias, string_agg(contact_id::text, ' ' ORDER BY contact_id) AS members
FROM segments.segment AS g JOIN s.contact_segment_member AS m ON m.segment_id = g.id GROUP BY alias ORDER BY alias COLLATE "C";
SELECT segments.detach('s.contact');

-- Keys of text in an order that is not that of bytes.
DO $$ BEGIN
    CREATE TABLE s.person (id text COLLATE "en-x-icu" PRIMARY KEY, city text);
EXCEPTION WHEN undefined_object THEN
    CREATE TABLE s.person (id text PRIMARY KEY, city text);
END $$;
INSERT INTO s.person SELECT (ARRAY['a', 'B', 'c', 'D', 'Z', 'z', 'É'])[1 + n % 7] || n, 'Oslo' FROM generate_series(1, 2000) AS n;
CREATE TABLE s.visit (id int GENERATED ALWAYS AS IDENTITY, person_id text, url text);
CREATE INDEX ON s.visit (person_id);
SELECT segments.attach('s.person');
SELECT segments.attach_related('s.person', 'visit', 's.visit', 'person_id');
SELECT segments.define_field('s.person', 'url', 'text', object => 'behaviors', relation => 'visit');
SELECT segments.create_segment('Seen', jsonb_build_array(f('behaviors', 'url', '=', '/a'), f('lead', 'city', '=', 'Oslo'))::segments.filter, contact_table => 's.person') > 0;
DO $$ DECLARE k text; BEGIN FOR k IN SELECT id FROM s.person WHERE length(id) = 3 ORDER BY id COLLATE "C" LOOP INSERT INTO s.visit (person_id, url) VALUES (k, '/a'); END LOOP; END $$;
SELECT count(*) FROM s.person_segment_member;
SELECT * FROM segments.check(NULL, NULL::text);
DO $$ DECLARE k text; BEGIN FOR k IN SELECT id FROM s.person WHERE length(id) = 3 ORDER BY id COLLATE "C" LOOP DELETE FROM s.visit WHERE person_id = k; END LOOP; END $$;
SELECT count(*) FROM s.person_segment_member;
SELECT segments.detach('s.person');
DROP SCHEMA s CASCADE;
DROP FUNCTION f;
