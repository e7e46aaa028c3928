-- Writing joins and leaves: any type of key, any order of keys, rows that are
-- there already or not.
SET client_min_messages = warning;
CREATE SCHEMA w;
SET search_path = w;

CREATE FUNCTION level(bottom integer) RETURNS segments.filter LANGUAGE sql AS $$
    SELECT format('[{"field":"level","type":"number","operator":"gte","object":"lead","glue":"and","properties":{"filter":"%s"}}]', bottom)::segments.filter
$$;

-- Keys in an order that is not that of their bytes ----------------------------

-- any collation of a language, where the server has one
DO $$
BEGIN
    EXECUTE format('CREATE TABLE word (id text COLLATE %s PRIMARY KEY, level integer NOT NULL)',
        coalesce((SELECT format('%I.%I', n.nspname, c.collname)
                  FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                  WHERE c.collname IN ('en-x-icu', 'en_US.utf8', 'en_US', 'de_DE.utf8') AND c.collisdeterministic
                    AND c.collencoding IN (-1, 6)
                  ORDER BY c.collname LIMIT 1), '"C"'));
END $$;
SELECT segments.attach('word');
INSERT INTO segments.segment (contact_table, name, alias, filters) SELECT 'word', 'word ' || n, 'word-' || n, level(n) FROM generate_series(1, 3) AS n;
INSERT INTO word SELECT chr(65 + n % 26 + 32 * (n % 2)) || n, 0 FROM generate_series(1, 3000) AS n;
UPDATE word SET level = 3;
SELECT count(*) FROM word_segment_member;
UPDATE word SET level = 0 WHERE id = (SELECT id FROM word ORDER BY id COLLATE "C" LIMIT 1);
UPDATE word SET level = 0 WHERE id = (SELECT id FROM word ORDER BY id LIMIT 1 OFFSET 1000);
SELECT count(*) FROM word_segment_member;
UPDATE word SET level = 1;
SELECT s.alias, count(m) FROM segments.segment AS s LEFT JOIN word_segment_member AS m ON m.segment_id = s.id
WHERE s.contact_table = 'word'::regclass GROUP BY 1 ORDER BY 1;
SELECT segment_id IS NOT NULL AS wrong FROM segments.check(NULL, NULL::text);
-- one contact, locked and looked up without a query
CREATE TABLE mail (id integer PRIMARY KEY, word_id text NOT NULL, size integer NOT NULL);
SELECT segments.attach_related('word', 'mails', 'mail', 'word_id');
SELECT segments.define_field('word', 'mailed', object => 'behaviors', relation => 'mails', column_name => 'size', aggregate => 'sum');
INSERT INTO segments.segment (contact_table, name, alias, filters)
VALUES ('word', 'mailed', 'mailed', '[{"object": "behaviors", "field": "mailed", "operator": "gt", "properties": {"filter": 1}}]');
INSERT INTO mail SELECT row_number() OVER (ORDER BY id), id, 1 FROM (SELECT id FROM word ORDER BY id LIMIT 10 OFFSET 1200) AS w;
DO $$
DECLARE
    k integer;
BEGIN
    FOR k IN SELECT id FROM mail LOOP
        UPDATE mail SET size = 2 WHERE id = k;
    END LOOP;
END $$;
SELECT count(*) FROM word_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id WHERE s.alias = 'mailed';
UPDATE mail SET size = 0 WHERE id = 3;
SELECT count(*) FROM word_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id WHERE s.alias = 'mailed';
SELECT segment_id IS NOT NULL AS wrong FROM segments.check(NULL, NULL::text);

-- The end ---------------------------------------------------------------------

SELECT segments.detach('word');
DROP SCHEMA w CASCADE;
