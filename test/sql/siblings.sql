-- Values of a related row that depend on the contact's other rows: from rows in memory where the subquery asks
-- no more than that, else by query; both give what the filter gives as SQL.
SET client_min_messages = warning;
SET segments.now = '2026-01-20 10:00+00';
CREATE SCHEMA s;
CREATE TABLE s.contact (id bigint PRIMARY KEY, points int);
CREATE TABLE s.hit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id int REFERENCES s.contact ON DELETE CASCADE ON UPDATE CASCADE,
    kind text, at timestamp, amount numeric, d int NOT NULL DEFAULT 1);
CREATE INDEX ON s.hit (contact_id);
CREATE TABLE s.rate (kind text PRIMARY KEY, rate int);
INSERT INTO s.rate VALUES ('a', 2), ('b', 3);
INSERT INTO s.contact SELECT n, n FROM generate_series(1, 40) AS n;
SELECT segments.attach('s.contact');
SELECT segments.attach_related('s.contact', 'hit', 's.hit', 'contact_id');
SELECT count(segments.define_field('s.contact', field, type, object => 'behaviors', relation => 'hit',
    expression => expression, aggregate => aggregate, condition => condition, order_by => order_by,
    unfollowed => field IN ('rated', 'inner')))
FROM (VALUES
    -- answered in memory
    ('sessions', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id <> hit.id'
        ' AND o.at > hit.at - interval ''30 minutes'' AND o.at < hit.at) THEN 0 ELSE 1 END', 'sum', 'kind <> ''skip''', NULL::name),
    ('alone', 'number', 'CASE WHEN NOT EXISTS (SELECT 1 FROM s.hit AS o WHERE hit.contact_id = o.contact_id AND (o.kind = hit.kind OR o.kind IS NULL)'
        ' AND o.id < hit.id) THEN 1 END', 'sum', NULL, NULL),
    ('dearest', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.amount > hit.amount)'
        ' OR EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.kind = ''b'' AND o.id > hit.id) THEN 0 ELSE hit.amount END', 'max', NULL, NULL),
    ('latest', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.at = hit.at AND o.id <> hit.id) THEN 2::numeric ELSE 1 END',
        'latest', NULL, 'at'),
    -- divides by nothing only in rows that don't count, or are not come to
    ('guarded', 'number', 'CASE WHEN hit.d = 0 THEN 0 WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id / hit.d = 1) THEN 1 ELSE 2 END',
        'sum', NULL, NULL),
    ('counted', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id / hit.d = 2) THEN 1 ELSE 2 END', 'sum', 'd <> 0', NULL),
    -- not these: another table, a number, some of the rows only
    ('rated', 'number', 'CASE WHEN EXISTS (SELECT FROM s.rate AS o WHERE o.kind = hit.kind) THEN 1 ELSE 0 END', 'sum', NULL, NULL),
    ('before', 'number', '(SELECT count(*) FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id < hit.id)', 'sum', NULL, NULL),
    ('first', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id < hit.id OFFSET 1) THEN 0 ELSE 1 END', 'sum', NULL, NULL),
    ('inner', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id < hit.id'
        ' AND EXISTS (SELECT FROM s.rate AS r WHERE r.kind = o.kind)) THEN 0 ELSE 1 END', 'sum', NULL, NULL),
    ('itself', 'number', 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.contact_id = o.contact_id AND o.ctid <> hit.ctid) THEN 0 ELSE 1 END',
        'sum', NULL, NULL)) AS f (field, type, expression, aggregate, condition, order_by);
SELECT count(segments.create_segment(field || ' ' || op || ' ' || v,
    jsonb_build_array(jsonb_build_object('glue', 'and', 'object', 'behaviors', 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', v)))::segments.filter))
FROM unnest(ARRAY['sessions', 'alone', 'dearest', 'latest', 'guarded', 'counted', 'rated', 'before', 'first', 'inner', 'itself']) AS field,
    (VALUES ('gte', '2'), ('lt', '3'), ('gt', '60')) AS o (op, v);

-- members that the filter as SQL does not give, or that are missing
CREATE FUNCTION s.wrong() RETURNS TABLE (name text, contact bigint) LANGUAGE sql AS $$
    SELECT s.name, d FROM segments.segment AS s, LATERAL (
        (SELECT contact_id FROM s.contact_segment_member WHERE segment_id = s.id EXCEPT SELECT segments.matching(s.filters, key => NULL::bigint))
        UNION ALL
        (SELECT segments.matching(s.filters, key => NULL::bigint) EXCEPT SELECT contact_id FROM s.contact_segment_member WHERE segment_id = s.id)) AS w (d) $$;
CREATE PROCEDURE s.some(seed int, rows int) LANGUAGE sql AS $$
    INSERT INTO s.hit (contact_id, kind, at, amount, d)
    SELECT 1 + (hashint4(n * 7 + seed) & 65535) % 30, (ARRAY['a', 'b', 'c', 'skip', NULL])[1 + (hashint4(n * 11 + seed) & 65535) % 5],
        timestamp '2026-01-10' + (hashint4(n * 13 + seed) & 65535) % 200 * interval '10 minutes',
        nullif((hashint4(n * 17 + seed) & 65535) % 9, 0), (hashint4(n * 19 + seed) & 65535) % 4
    FROM generate_series(1, rows) AS n $$;
CALL s.some(1, 40);
SELECT * FROM s.wrong();
DO $$ BEGIN FOR i IN 2 .. 20 LOOP CALL s.some(i, 1); END LOOP; END $$;
SELECT * FROM s.wrong();
SELECT s.name, count(*) FROM s.contact_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id
WHERE s.name ~ '(gte 2|lt 3)' GROUP BY s.name ORDER BY s.name COLLATE "C";
-- one becomes another's, changes, goes
UPDATE s.hit SET contact_id = 1 + (contact_id + 3) % 30 WHERE id % 5 = 0;
SELECT * FROM s.wrong();
UPDATE s.hit SET at = at + interval '20 minutes', kind = 'b' WHERE id % 7 = 0;
SELECT * FROM s.wrong();
DO $$ BEGIN FOR i IN 1 .. 10 LOOP UPDATE s.hit SET amount = 9, at = timestamp '2026-01-10' WHERE id = i; END LOOP; END $$;
SELECT * FROM s.wrong();
DELETE FROM s.hit WHERE id % 4 = 1;
SELECT * FROM s.wrong();
-- more rows than are compared with each other, and than are read
INSERT INTO s.hit (contact_id, kind, at) SELECT 31 + n % 3, 'a', timestamp '2026-01-12' + n * interval '7 minutes' FROM generate_series(1, 240) AS n;
INSERT INTO s.hit (contact_id, kind, at) SELECT 35, 'a', timestamp '2026-01-12' + n * interval '31 minutes' FROM generate_series(1, 300) AS n;
SELECT * FROM s.wrong();
INSERT INTO s.hit (contact_id, kind, at, d) VALUES (31, 'b', '2026-01-10', 0), (35, 'b', '2026-01-13', 0), (36, NULL, NULL, 0);
SELECT * FROM s.wrong();
-- an error in an expression is the writer's, by the name of the field
SELECT segments.define_field('s.contact', 'refusing', 'number', object => 'behaviors', relation => 'hit', aggregate => 'sum',
    expression => 'CASE WHEN EXISTS (SELECT FROM s.hit AS o WHERE o.contact_id = hit.contact_id AND o.id / hit.d = 1) THEN 1 ELSE 2 END');
DELETE FROM s.hit WHERE d = 0;
INSERT INTO segments.segment (id, name, filters)
    VALUES (7001, 'refusing', '[{"glue": "and", "object": "behaviors", "field": "refusing", "operator": "gte", "properties": {"filter": "5"}}]');
INSERT INTO s.hit (contact_id, kind, d) VALUES (39, 'a', 1), (39, 'a', 0);
INSERT INTO s.hit (contact_id, kind, d) VALUES (39, 'a', 1), (39, 'a', 1);
SELECT * FROM segments.check();
SELECT segments.detach('s.contact');
DROP SCHEMA s CASCADE;
