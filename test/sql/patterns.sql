-- Patterns: many over one column, found by their literals in one pass over the text.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS segments;
CREATE SCHEMA t;
CREATE TABLE t.contact (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, exact text, points int);
CREATE TABLE t.hit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint NOT NULL REFERENCES t.contact ON DELETE CASCADE, url text, counts boolean DEFAULT true);
CREATE INDEX ON t.hit (contact_id);
SELECT segments.attach('t.contact');
SELECT segments.define_field('t.contact', 'exact', 'text', case_sensitive => true);
SELECT segments.attach_related('t.contact', 'hit', 't.hit', 'contact_id');
SELECT segments.define_field('t.contact', 'url', 'text', object => 'behaviors', relation => 'hit');
SELECT segments.define_field('t.contact', 'counted', 'text', object => 'behaviors', relation => 'hit', column_name => 'url', condition => 'counts');

CREATE FUNCTION t.f(object text, field text, op text, value text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('glue', 'and', 'object', object, 'field', field, 'operator', op, 'properties', jsonb_build_object('filter', value));

-- What is asked of each column, and texts that hold it, nearly hold it, or are made of it.
CREATE TABLE t.pattern (n int GENERATED ALWAYS AS IDENTITY, op text, value text);
INSERT INTO t.pattern (op, value)
SELECT op, word FROM unnest(ARRAY['contains', 'startsWith', 'endsWith', 'like']) AS op,
    unnest(ARRAY['a', 'ab', 'abcd', 'abcdefgh', 'bcdefghijkl', 'straße', 'ab%cd', 'a_c', '/shop/71', 'aaaaaaaaaaab', '日本']) AS word;
INSERT INTO t.pattern (op, value) SELECT 'like', value FROM unnest(ARRAY['%', '_', '__%', 'ab%', '%ab', 'ab', 'ab%gh', '%ab%gh%', '%b\_c%', 'a%', '%_cdefgh%', 'x%y%z']) AS value;
INSERT INTO t.pattern (op, value) SELECT 'regexp', value FROM unnest(ARRAY['abc', '^abc', 'abc$', 'ab+c', 'ab*cde', 'abc?d', 'abc{0}d', 'ab(c|d)ef', '(abc)?def', 'a[bc]cdefgh', 'abc|xyz', '(?c)ABC', '***=a.c', 'shop/\d+',
    'shop\/71', 'a\.c', '(?:abc)+d', 'ABCDEFGH', '(?#x(y)abc', 'k', 'straße', 'ab.*gh', 'a{2}b', '日本', 'a\x62cd', '(a(b)c)\w', '', 'c{}d', 'x\(y']) AS value;
CREATE TABLE t.word (n int GENERATED ALWAYS AS IDENTITY, value text);
INSERT INTO t.word (value) SELECT value FROM unnest(ARRAY['', 'a', 'ab', 'abc', 'abcd', 'Abcdefgh', 'xxabcdefghijkl', 'abcdefghijkl', 'STRASSE', 'àb', 'ab%cd', 'ab - cd', 'a_c', 'axc', 'a.c', 'b_c', '/shop/7', 'https://x/shop/712?a', '/shop/71',
    'aaaaaaaaaaaaaaaaaaaaaaaab', 'aaaa', 'aaaaaaaaaaab', 'Xabcdefg', 'def', 'abdef', 'abcef', 'abbbc', 'ac', 'abd', 'accdefgh', 'K', 'K', '日本語', 'x', '\', 'ABC', 'abcabcd', 'aab', 'c{}d', 'x(y', 'xaybz', 'abgh', 'ab' || repeat('-', 5000) || 'gh']) AS value;
INSERT INTO t.word (value) SELECT NULL;

SELECT count(segments.create_segment(format('%s %s', object || field, n), jsonb_build_array(t.f(object, field, op, value))::segments.filter, contact_table => 't.contact'))
FROM t.pattern, (VALUES ('lead', 'title', 1), ('lead', 'exact', 4), ('behaviors', 'url', 1), ('behaviors', 'counted', 4)) AS f(object, field, every) WHERE n % every = 0;
-- Behind and in front of other conditions.
SELECT count(segments.create_segment(format('and %s', n), jsonb_build_array(t.f('lead', 'title', op, value), t.f('lead', 'points', 'gte', (n % 5)::text), t.f('lead', 'title', 'contains', 'b'))::segments.filter, contact_table => 't.contact'))
FROM t.pattern WHERE n % 6 = 0;
SELECT count(segments.create_segment(format('not %s', n), jsonb_build_array(t.f('lead', 'title', 'contains', 'b'), jsonb_build_object('glue', 'and', 'negate', true, 'filters', jsonb_build_array(t.f('lead', 'exact', op, value), t.f('behaviors', 'url', op, value) || '{"glue": "or"}')))::segments.filter, contact_table => 't.contact'))
FROM t.pattern WHERE n % 6 = 1;

-- Contacts come, all at once and one by one.
INSERT INTO t.contact (title, exact, points) SELECT value, value, n % 7 FROM t.word ORDER BY n;
DO $$ DECLARE w record; BEGIN FOR w IN SELECT * FROM t.word ORDER BY n LOOP INSERT INTO t.contact (title, exact, points) VALUES (w.value, upper(w.value), w.n % 6); END LOOP; END $$;
-- Rows come.
INSERT INTO t.hit (contact_id, url, counts) SELECT n, value, n % 2 = 0 FROM t.word;
DO $$ DECLARE w record; BEGIN FOR w IN SELECT * FROM t.word ORDER BY n LOOP INSERT INTO t.hit (contact_id, url, counts) VALUES (w.n + 20, w.value, w.n % 3 > 0); END LOOP; END $$;
SELECT count(*) > 2000 AS members, (SELECT count(*) FROM segments.check(NULL, NULL::bigint)) AS wrong FROM t.contact_segment_member;
-- They change, from each text to another, and to NULL.
DO $$
DECLARE step int;
BEGIN
    FOR step IN 1 .. 4 LOOP
        UPDATE t.contact SET title = w.value, points = points + 1 FROM t.word AS w WHERE w.n = (contact.id * 7 + step * 5) % 44 + 1 AND contact.id % 4 = step % 4;
        UPDATE t.contact SET exact = w.value FROM t.word AS w WHERE w.n = (contact.id * 5 + step * 3) % 44 + 1 AND contact.id % 3 = step % 3;
        UPDATE t.hit SET url = w.value, counts = hit.id % 2 = step % 2 FROM t.word AS w WHERE w.n = (hit.id * 3 + step * 7) % 44 + 1 AND hit.id % 4 = step % 4;
    END LOOP;
END $$;
UPDATE t.contact SET title = NULL WHERE id % 3 = 0;
UPDATE t.hit SET counts = NOT counts WHERE id % 2 = 0;
DELETE FROM t.hit WHERE id % 5 = 0;
SELECT count(*) AS wrong FROM segments.check(NULL, NULL::bigint);

-- Without the index it is the same.
CREATE TEMPORARY TABLE found AS SELECT segment_id, contact_id FROM t.contact_segment_member;
SET segments.plain_evaluation = on;
UPDATE t.contact SET title = title || 'x', exact = exact || 'x';
UPDATE t.contact SET title = left(title, -1), exact = left(exact, -1);
RESET segments.plain_evaluation;
(TABLE found EXCEPT SELECT segment_id, contact_id FROM t.contact_segment_member) UNION ALL (SELECT segment_id, contact_id FROM t.contact_segment_member EXCEPT TABLE found);

-- Thousands of literals that differ in little, each found by itself.
SELECT count(segments.create_segment('p' || n, jsonb_build_array(t.f('behaviors', 'url', 'contains', '/product/' || n))::segments.filter, contact_table => 't.contact')) FROM generate_series(1000, 1199) AS n;
DO $$ BEGIN FOR i IN 1 .. 40 LOOP INSERT INTO t.hit (contact_id, url) VALUES (i, 'https://shop/product/' || 990 + i * 5 || '/'); END LOOP; END $$;
SELECT count(*) FROM t.contact_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id WHERE s.name ~ '^p\d';
SELECT count(*) AS wrong FROM segments.check(NULL, NULL::bigint);

SELECT segments.detach('t.contact');
DROP SCHEMA t CASCADE;
