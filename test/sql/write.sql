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

-- Every type of key: close together in the index, far apart, not there ---------

CREATE FUNCTION make_contacts(type text, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE contact (id %s PRIMARY KEY, n integer NOT NULL, level integer NOT NULL)', type);
    PERFORM segments.attach('contact');
    -- identifiers far apart
    INSERT INTO segments.segment (id, contact_table, name, alias, filters)
    SELECT 7000000000 + n * n * n * 12345, 'contact', 'contact ' || n, 'contact-' || n, level(n) FROM generate_series(1, 9) AS n;
    EXECUTE format('INSERT INTO contact SELECT %s, n, 0 FROM generate_series(1, 1200) AS n ORDER BY hashint4(n)', key);
END $$;

-- Nobody joins or leaves twice in a row, and the log gives the members.
CREATE FUNCTION wrong_log() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE replayed ON COMMIT DROP AS
        SELECT segment_id, contact_id, sum(CASE WHEN joined THEN 1 ELSE -1 END) AS times FROM contact_segment_change GROUP BY 1, 2;
    RETURN (SELECT count(*) FROM replayed AS r FULL JOIN contact_segment_member AS m USING (segment_id, contact_id)
            WHERE coalesce(r.times, 0) <> CASE WHEN m.segment_id IS NULL THEN 0 ELSE 1 END);
END $$;

CREATE FUNCTION exercise(type text, key text) RETURNS TABLE (step text, members bigint, logged bigint, wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
    work record;
BEGIN
    PERFORM make_contacts(type, key);
    FOR work IN SELECT * FROM (VALUES
        ('all join', 'UPDATE contact SET level = 9'),
        ('few leave', 'UPDATE contact SET level = 0 WHERE n % 397 = 0'),
        ('half leave', 'UPDATE contact SET level = 4 WHERE n % 2 = 0'),
        ('a stretch leaves', 'UPDATE contact SET level = 1 WHERE n BETWEEN 100 AND 900'),
        ('one contact', 'UPDATE contact SET level = 0 WHERE n = 5'),
        ('the same comes back', 'UPDATE contact SET level = 9 WHERE n = 5'),
        ('a few contacts', 'UPDATE contact SET level = 0 WHERE n IN (7, 207, 1111)'),
        ('some in, some out', 'UPDATE contact SET level = n % 10'),
        ('by hand', 'SELECT segments.add_contacts(''contact-9'', array_agg(id)) FROM contact WHERE n % 70 = 0'),
        ('by hand, out', 'SELECT segments.remove_contacts(''contact-3'', array_agg(id)) FROM contact WHERE n % 50 = 0'),
        ('all but some join', 'UPDATE contact SET level = 9'),
        ('one, in and out by hand', 'UPDATE contact SET level = 0 WHERE n = 350'),
        ('all but some leave', 'UPDATE contact SET level = 0'),
        ('it joins', 'UPDATE contact SET level = 9 WHERE n = 350'),
        ('most go', 'DELETE FROM contact WHERE n > 100'),
        ('nothing happens', 'UPDATE contact SET level = level')) AS w (step, command)
    LOOP
        EXECUTE work.command;
        RETURN QUERY SELECT work.step, (SELECT count(*) FROM contact_segment_member), (SELECT count(*) FROM contact_segment_change),
            (SELECT count(*) FROM segments.check(NULL, NULL::text)) + wrong_log();
        DROP TABLE replayed;
    END LOOP;
    PERFORM segments.detach('contact');
    DROP TABLE contact;
END $$;

CREATE TABLE as_bigint AS SELECT row_number() OVER () AS n, e.* FROM exercise('bigint', '(n - 600) * 10000000000') AS e;
SELECT * FROM as_bigint ORDER BY n;
-- the others do the same
CREATE TABLE as_other (type text, key text);
INSERT INTO as_other VALUES ('smallint', '(n - 600)::smallint'), ('uuid', 'md5(n::text)::uuid'),
    ('text COLLATE "C"', 'repeat(md5(n::text), 20)'), ('name', $$('n' || n)::name$$), ('numeric', '(n - 600) / 7.0');
SELECT o.type, d.*
FROM as_other AS o, LATERAL (SELECT * FROM exercise(o.type, o.key) EXCEPT SELECT step, members, logged, wrong FROM as_bigint) AS d;

-- Rows that somebody took away or put there -----------------------------------

SELECT make_contacts('bigint', 'n');
UPDATE contact SET level = 9 WHERE n <= 100;
TRUNCATE contact_segment_change;
DELETE FROM contact_segment_member WHERE contact_id <= 10;
INSERT INTO contact_segment_member SELECT id, 101 FROM segments.segment WHERE alias IN ('contact-1', 'contact-2');
UPDATE contact SET level = 0 WHERE n BETWEEN 5 AND 20;
UPDATE contact SET level = 3 WHERE n IN (101, 102);
-- what really changed is in the log, and nothing else
SELECT contact_id, joined, count(*) FROM contact_segment_change WHERE contact_id IN (5, 11, 101, 102) GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) FROM contact_segment_member WHERE contact_id BETWEEN 5 AND 20;

-- Indexes that attach() did not make ------------------------------------------

SELECT segments.rebuild('contact-' || n) FROM generate_series(1, 9) AS n;
DROP INDEX contact_segment_member_contact_id_segment_id_idx;
UPDATE contact SET level = 9 WHERE n IN (1, 500);
CREATE INDEX ON contact_segment_member (contact_id DESC, segment_id DESC);
UPDATE contact SET level = 0 WHERE n IN (1, 500);
CREATE INDEX ON contact_segment_change (contact_id, xact);
CREATE INDEX ON contact_segment_change USING brin (xact, at);
TRUNCATE contact_segment_change;
UPDATE contact SET level = 2 WHERE n BETWEEN 400 AND 1100;
SET enable_seqscan = off;
SELECT count(*) FROM contact_segment_change WHERE contact_id = 1000;
SELECT count(*) FROM contact_segment_change WHERE xact >= 0;
RESET enable_seqscan;
-- past the event trigger, which refuses that
ALTER EVENT TRIGGER segments_2_after_alter DISABLE;
ALTER TABLE contact_segment_override DROP CONSTRAINT contact_segment_override_pkey;
ALTER EVENT TRIGGER segments_2_after_alter ENABLE;
INSERT INTO contact_segment_override SELECT id, 7, false, now() FROM segments.segment WHERE alias = 'contact-1';
UPDATE contact SET level = 9 WHERE n BETWEEN 6 AND 10;
SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) FROM contact_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id
WHERE m.contact_id BETWEEN 6 AND 8 AND s.alias < 'contact-3' GROUP BY 1 ORDER BY 1;
SELECT segment_id IS NOT NULL AS wrong FROM segments.check(NULL, NULL::text);

-- The end ---------------------------------------------------------------------

SELECT segments.detach('word'), segments.detach('contact');
DROP SCHEMA w CASCADE;
