-- What contact tables refuse of an import, and what imports say of it.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE SCHEMA refused;
CREATE FUNCTION refused.reasons() RETURNS TABLE (line bigint, reason text) LANGUAGE sql AS $$
    SELECT line, regexp_replace(reason, '[0-9]{4,}', 'N', 'g') FROM segments.import_rejected
    WHERE import_id = (SELECT max(id) FROM segments.import) ORDER BY line
$$;
-- values that are too long are refused whatever holds them, and not cut off; numbers and times are rounded
CREATE DOMAIN refused.word AS varchar(3);
CREATE DOMAIN refused.words AS varchar(3)[];
CREATE TABLE refused.length (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text,
    tags varchar(3)[], chars char(2)[], b bit(2), bv bit varying(2), bs bit(2)[], word refused.word, words refused.words, each refused.word[],
    price numeric(4,1), prices numeric(4,1)[], at timestamp(0));
SELECT segments.attach('refused.length');
SELECT segments.create_segment('Length', contact_table => 'refused.length') > 0 AS created;
CREATE TABLE refused.long (email text, tags text, chars text, b text, bv text, bs text, word text, words text, each text, price text, prices text, at text);
INSERT INTO refused.long SELECT r.* FROM json_populate_recordset(NULL::refused.long, '[
    {"email": "tags", "tags": "{abcdef}"}, {"email": "chars", "chars": "{abc}"}, {"email": "b", "b": "111"}, {"email": "short b", "b": "1"},
    {"email": "bv", "bv": "111"}, {"email": "bs", "bs": "{111}"}, {"email": "word", "word": "abcd"}, {"email": "words", "words": "{abcd}"},
    {"email": "each", "each": "{abcd}"},
    {"email": "good", "tags": "{abc,d}", "chars": "{ab,c}", "b": "11", "bv": "11", "bs": "{11,10}", "word": "abc", "words": "{abc}", "each": "{abc}",
     "price": "2.04", "prices": "{2.04}", "at": "2026-01-01 12:00:00.4"}]') AS r;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('length', 'refused.long');
SELECT * FROM refused.reasons();
SELECT email, tags, chars, b, bv, bs, word, words, each, price, prices, at FROM refused.length;
-- neither when they update a contact that begins alike; what is rounded is as it was
INSERT INTO refused.length (email, tags, chars, b, bv, bs, word, words, each)
SELECT s.email, '{abc}', '{ab}', '11', '11', '{11}', 'abc', '{abc}', '{abc}' FROM refused.long AS s WHERE s.email <> 'good';
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('length', 'refused.long');
SELECT DISTINCT tags, chars, b, bv, bs, word, words, each FROM refused.length WHERE email <> 'good';
SELECT count(*) FROM segments.check();
DROP SCHEMA refused CASCADE;
