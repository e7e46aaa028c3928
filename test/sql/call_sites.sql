-- A call of matches() in a function is kept for the transaction: what is declared, and who asks, can change meanwhile.
SET client_min_messages = warning;
CREATE ROLE regress_call_sites;
CREATE TABLE called (id int PRIMARY KEY, a text, b text, ts timestamp);
SELECT segments.attach('called'), segments.define_field('called', 'f', 'text', column_name => 'a');
INSERT INTO called VALUES (1, 'x', 'y', '2026-03-01 23:30');
CREATE FUNCTION ask(r called, f segments.filter) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN segments.matches(r, f); END $$;
CREATE FUNCTION of_f() RETURNS text LANGUAGE sql AS $$ SELECT ask(c, '[{"field":"f","operator":"=","properties":{"filter":"x"}}]') || ', ' || (SELECT count(*) FROM segments.matching('[{"field":"f","operator":"=","properties":{"filter":"x"}}]', 'called') AS k) FROM called AS c $$;
CREATE FUNCTION of_day() RETURNS text LANGUAGE sql AS $$ SELECT ask(c, '[{"field":"ts","operator":"=","properties":{"filter":"2026-03-02"}}]') || ', ' || (SELECT count(*) FROM segments.matching('[{"field":"ts","operator":"=","properties":{"filter":"2026-03-02"}}]', 'called') AS k) FROM called AS c $$;
BEGIN;
SELECT of_f();
SELECT segments.define_field('called', 'f', column_name => 'b');
SELECT of_f();
SELECT of_day();
SELECT segments.attach('called', timezone => 'Europe/Berlin');
SELECT of_day();
ROLLBACK;
SELECT of_f(), of_day();
-- who asks
SELECT segments.create_segment('Secret', '[{"field":"id","operator":"=","properties":{"filter":1}}]', contact_table => 'called', is_global => false) > 0;
GRANT SELECT ON called TO regress_call_sites;
BEGIN;
SELECT ask(c, '[{"field":"leadlist","operator":"in","properties":{"filter":["secret"]}}]') FROM called AS c;
SET LOCAL ROLE regress_call_sites;
SELECT ask(c, '[{"field":"leadlist","operator":"in","properties":{"filter":["secret"]}}]') FROM called AS c;
ROLLBACK;
-- and for which user of the application
UPDATE segments.segment SET created_by = 7 WHERE alias = 'secret';
BEGIN;
SET LOCAL ROLE regress_call_sites;
SET LOCAL segments.user_id = 7;
SELECT ask(c, '[{"field":"leadlist","operator":"in","properties":{"filter":["secret"]}}]') FROM called AS c;
SET LOCAL segments.user_id = 8;
SELECT ask(c, '[{"field":"leadlist","operator":"in","properties":{"filter":["secret"]}}]') FROM called AS c;
ROLLBACK;
-- who may read the contacts no longer
BEGIN;
SET LOCAL ROLE regress_call_sites;
CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT c FROM called AS c;
SELECT ask(c, '[{"field":"a","operator":"=","properties":{"filter":"x"}}]') FROM mine;
RESET ROLE;
REVOKE SELECT ON called FROM regress_call_sites;
SET LOCAL ROLE regress_call_sites;
SELECT ask(c, '[{"field":"a","operator":"=","properties":{"filter":"x"}}]') FROM mine;
ROLLBACK;
SELECT segments.detach('called');
DROP FUNCTION of_f, of_day, ask;
DROP TABLE called;
DROP ROLE regress_call_sites;
