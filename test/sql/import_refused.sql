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
-- whatever one row cannot be stored for, the others go in: limits, errors that triggers make up, what is checked when the transaction ends
CREATE TABLE refused.plan (id int PRIMARY KEY);
INSERT INTO refused.plan VALUES (1);
CREATE TABLE refused.kind (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, note text, extra jsonb,
    code int UNIQUE DEFERRABLE INITIALLY DEFERRED, plan int REFERENCES refused.plan DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX ON refused.kind (note);
CREATE FUNCTION refused.own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'own' THEN
        RAISE EXCEPTION 'an error of one''s own' USING ERRCODE = 'U0001';
    ELSIF NEW.note = 'moment' THEN
        RAISE EXCEPTION 'an error of the moment' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER own BEFORE INSERT OR UPDATE ON refused.kind FOR EACH ROW EXECUTE FUNCTION refused.own();
SELECT segments.attach('refused.kind');
SELECT segments.create_segment('Kind', contact_table => 'refused.kind') > 0 AS created;
CREATE TABLE refused.kinds (email text, note text, extra text, code text, plan text);
INSERT INTO refused.kinds (email, code) VALUES ('first', '1');
INSERT INTO refused.kinds (email, note) SELECT 'big', string_agg(md5(i::text), '') FROM generate_series(1, 1000) AS i;
INSERT INTO refused.kinds (email, extra) VALUES ('deep', repeat('[', 100000) || repeat(']', 100000));
INSERT INTO refused.kinds (email, note, code, plan) VALUES ('own', 'own', NULL, NULL), ('plan', NULL, NULL, '2'), ('code', NULL, '1', NULL),
    ('lines', 'one', NULL, '1'), ('lines', 'two', NULL, '2'), ('lines', NULL, '7', NULL), ('last', NULL, '8', '1');
INSERT INTO refused.kinds (email, extra) VALUES ('last', repeat('[', 100000) || repeat(']', 100000));
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('kind', 'refused.kinds');
SELECT * FROM refused.reasons();
SELECT email, note, extra, code, plan FROM refused.kind ORDER BY id;
-- the same when they update contacts; what was deferred stays so
INSERT INTO refused.kind (email) SELECT DISTINCT s.email FROM refused.kinds AS s WHERE NOT EXISTS (SELECT FROM refused.kind AS k WHERE k.email = s.email);
BEGIN;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('kind', 'refused.kinds');
SELECT * FROM refused.reasons();
INSERT INTO refused.kind (email, plan) VALUES ('later', 3);
INSERT INTO refused.plan VALUES (3);
COMMIT;
SELECT email, note, extra, code, plan FROM refused.kind ORDER BY email;
-- contacts that are updated refer to those that are created
CREATE TABLE refused.tree (email text PRIMARY KEY, boss text REFERENCES refused.tree DEFERRABLE INITIALLY DEFERRED);
INSERT INTO refused.tree VALUES ('a');
SELECT segments.attach('refused.tree');
SELECT segments.create_segment('Tree', contact_table => 'refused.tree') > 0 AS created;
CREATE TABLE refused.trees AS SELECT * FROM (VALUES ('a', 'b'), ('b', 'c'), ('c', 'a')) AS v (email, boss);
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('tree', 'refused.trees');
-- what a transaction has left to its end before is no row's fault
BEGIN;
INSERT INTO refused.kind (email, plan) VALUES ('early', 4);
SELECT segments.import_contacts('kind', 'refused.kinds');
ROLLBACK;
-- nor are errors of the moment
UPDATE refused.kinds SET note = 'moment' WHERE email = 'plan';
SELECT segments.import_contacts('kind', 'refused.kinds');
-- a row is refused too by who says nothing of it: row security, triggers that return null; one that a trigger changes is written
CREATE TABLE refused.silent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name text);
INSERT INTO refused.silent (email, name) VALUES ('mine', 'old'), ('theirs', 'old'), ('same', 'Same'), ('kept', 'old'), ('loud', 'old'), ('left', 'old');
CREATE FUNCTION refused.hush() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.email IN ('kept', 'never') THEN
        RETURN NULL;
    ELSIF NEW.email IN ('loud', 'louder') THEN
        NEW.name := upper(NEW.name);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hush BEFORE INSERT OR UPDATE ON refused.silent FOR EACH ROW EXECUTE FUNCTION refused.hush();
SELECT segments.attach('refused.silent');
SELECT segments.create_segment('Silent', contact_table => 'refused.silent') > 0 AS created;
CREATE ROLE regress_refused;
ALTER TABLE refused.silent ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON refused.silent FOR SELECT USING (true);
CREATE POLICY made ON refused.silent FOR INSERT WITH CHECK (true);
CREATE POLICY changed ON refused.silent FOR UPDATE USING (email <> 'theirs');
GRANT USAGE ON SCHEMA refused TO regress_refused;
GRANT SELECT, INSERT, UPDATE ON refused.silent TO regress_refused;
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO regress_refused;
CREATE TABLE refused.silence (email text, name text);
GRANT SELECT ON refused.silence TO regress_refused;
INSERT INTO refused.silence VALUES ('mine', 'new'), ('theirs', 'new'), ('same', 'Same'), ('kept', 'new'), ('loud', 'new'), ('never', 'new'), ('louder', 'new'),
    ('theirs', 'newer'), ('left', ''), ('new', 'new');
SET ROLE regress_refused;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('silent', 'refused.silence');
SELECT * FROM refused.reasons();
RESET ROLE;
SELECT s.email, s.name, m.contact_id IS NOT NULL AS is_member FROM refused.silent AS s LEFT JOIN segments.members('silent', NULL::int) AS m ON m.contact_id = s.id ORDER BY s.id;
-- a line is refused for what its columns refuse, also where another line of its contact replaces the value
CREATE TABLE refused.twice (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, word varchar(3), tags varchar(3)[], b bit(2), own refused.word);
SELECT segments.attach('refused.twice');
SELECT segments.create_segment('Twice', contact_table => 'refused.twice') > 0 AS created;
CREATE TABLE refused.lines (email text, word text, tags text, b text, own text);
INSERT INTO refused.lines VALUES ('a', 'long', '', '', ''), ('a', 'abc', '', '', ''), ('b', '', '{long}', '', ''), ('b', '', '{abc}', '', ''),
    ('c', '', '', '111', ''), ('c', '', '', '11', ''), ('d', '', '', '', 'long'), ('d', '', '', '', 'abc'), ('e', 'abc', '', '', ''), ('e', 'ab', '{a}', '10', 'a');
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('twice', 'refused.lines');
SELECT * FROM refused.reasons();
SELECT email, word, tags, b, own FROM refused.twice ORDER BY id;
-- who is the contact is compared as filters compare the field: by code point where it is case-sensitive
CREATE TABLE refused.exact (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, code text COLLATE "C", name text);
INSERT INTO refused.exact (email, code, name) VALUES ('AbC', 'X', 'old'), ('abd', 'y', 'old');
CREATE TABLE refused.letters (email text, code text COLLATE "POSIX", name text);
INSERT INTO refused.letters VALUES ('aBc', 'x', 'new'), (' abd ', ' y', 'new'), ('ABD', 'Y', 'new'), ('abD', 'Y ', 'last');
SELECT segments.attach('refused.exact', case_sensitive => true);
SELECT segments.create_segment('Exact', contact_table => 'refused.exact') > 0 AS created;
SELECT segments.define_field('refused.exact', 'code', case_sensitive => false);
BEGIN;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('exact', 'refused.letters');
SELECT email, code, name FROM refused.exact ORDER BY id;
ROLLBACK;
BEGIN;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('exact', 'refused.letters', match_on => 'code');
SELECT email, code, name FROM refused.exact ORDER BY id;
ROLLBACK;
SELECT segments.attach('refused.exact', case_sensitive => false);
SELECT segments.define_field('refused.exact', 'email', case_sensitive => true);
BEGIN;
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('exact', 'refused.letters');
SELECT email, code, name FROM refused.exact ORDER BY id;
ROLLBACK;
-- a contact is found by what cannot be written too: by a key that is always generated those that are there are updated
CREATE TABLE refused.always (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name text, low text GENERATED ALWAYS AS (lower(email)) STORED);
INSERT INTO refused.always (email, name) VALUES ('A@x', 'old'), ('B@x', 'old'), ('C@x', 'old');
SELECT segments.attach('refused.always');
SELECT segments.create_segment('Always', contact_table => 'refused.always') > 0 AS created;
CREATE TABLE refused.ids (id text, low text, name text);
INSERT INTO refused.ids VALUES ('1', 'a@x', 'new'), ('2', 'b@x', 'old');
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('always', 'refused.ids', match_on => 'id');
INSERT INTO refused.ids VALUES ('3', 'c@x', 'new'), ('9', 'd@x', 'new');
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('always', 'refused.ids', match_on => 'id', columns => '{"id": "id", "name": "name"}');
SELECT * FROM refused.reasons();
SELECT created, updated, unchanged, added, rejected FROM segments.import_contacts('always', 'refused.ids', match_on => 'low');
SELECT * FROM refused.reasons();
SELECT id, email, name FROM refused.always ORDER BY id;
SELECT segments.import_contacts('always', 'refused.ids', match_on => 'name', columns => '{"low": "low", "name": "name"}');
SELECT segments.import_contacts('always', 'refused.ids', match_on => 'name', columns => '{"id": "id", "name": "name"}');
SELECT count(*) FROM segments.check();
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM regress_refused;
DROP SCHEMA refused CASCADE;
DROP ROLE regress_refused;
