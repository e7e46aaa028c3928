-- What a monitor asks.
SET segments.now = '2026-03-18 10:30:00+00';
SET timezone = 'UTC';
CREATE ROLE regress_monitor;
GRANT pg_monitor TO regress_monitor;
CREATE ROLE regress_reader;
CREATE SCHEMA h;
CREATE TABLE h.person (id bigint PRIMARY KEY, country text, born date, seen timestamptz);
SELECT segments.attach('h.person');
INSERT INTO h.person VALUES (1, 'France', '1990-03-18', '2026-03-18 09:00+00'), (2, 'Spain', NULL, NULL);
SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]') > 0 AS made;
SELECT segments.create_segment('Lately', '[{"field": "seen", "operator": "inLast", "properties": {"filter": "1 day"}}]') > 0 AS made;
SELECT count(*) FROM segments.read_changes('mailer', max => 1);
SELECT kind, name, value, CASE WHEN kind = 'unread' THEN left(detail, 9) ELSE detail END AS detail FROM segments.health;
SELECT segments.refresh_due() >= 0 AS settled;
CREATE INDEX ON h.person (seen);
SELECT kind, value, CASE WHEN kind = 'unread' THEN left(detail, 9) ELSE detail END AS detail FROM segments.health;
-- two days later nobody has refreshed
SET segments.now = '2026-03-20 10:30:00+00';
SELECT kind, value, detail FROM segments.health WHERE kind = 'lag';
SELECT segments.refresh_due();
SELECT kind, value, detail FROM segments.health WHERE kind = 'lag';
-- a segment that can't be evaluated
UPDATE segments.segment SET state = 'failed', error = 'it broke' WHERE alias = 'french';
SELECT kind, name, detail FROM segments.health WHERE kind = 'failed';
-- all for who watches, nothing for who may not read the contacts
SET ROLE regress_monitor;
SELECT DISTINCT kind FROM segments.health ORDER BY kind;
RESET ROLE;
SET ROLE regress_reader;
SELECT kind FROM segments.health;
SELECT segments_internal.health_of_all();
RESET ROLE;
GRANT USAGE ON SCHEMA h TO regress_reader;
GRANT SELECT ON h.person TO regress_reader;
SET ROLE regress_reader;
SELECT kind, name FROM segments.health;
RESET ROLE;
SELECT segments.rebuild('french');
SELECT * FROM segments.check();
SET client_min_messages = warning;
SELECT segments.detach('h.person');
DROP SCHEMA h CASCADE;
DROP ROLE regress_monitor, regress_reader;
