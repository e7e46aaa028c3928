-- Tables that inherit: the rows of a table are its own and those of its children, and so are contacts and what
-- belongs to them.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA heir;
SET search_path = heir;
CREATE TABLE company (id integer PRIMARY KEY, name text);
CREATE TABLE big_company (id integer PRIMARY KEY, stock text) INHERITS (company);
CREATE TABLE person (id bigint PRIMARY KEY, country text, company_id integer);
CREATE TABLE customer (since date, id bigint PRIMARY KEY) INHERITS (person);
CREATE TABLE vip (level integer) INHERITS (customer);
CREATE TABLE event (person_id bigint REFERENCES person, kind text);
CREATE TABLE click (url text) INHERITS (event);
CREATE INDEX ON event (person_id);
SELECT segments.attach('customer');
SELECT segments.attach('person');
ALTER TABLE vip ADD PRIMARY KEY (id);
SELECT segments.attach('person');
SELECT segments.attach_company('person', 'company', 'company_id');
SELECT segments.attach_related('person', 'event', 'event', 'person_id');
SELECT segments.define_field('person', 'kind', relation => 'event', column_name => 'kind', object => 'behaviors'),
       segments.define_field('person', 'events', relation => 'event', aggregate => 'count', object => 'behaviors');
SELECT count(*) FROM (SELECT segments.create_segment('French', '[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]'),
       segments.create_segment('Acme', '[{"object": "company", "field": "name", "operator": "=", "properties": {"filter": "acme"}}]'),
       segments.create_segment('Buyers', '[{"object": "behaviors", "field": "kind", "operator": "=", "properties": {"filter": "buy"}}]'),
       segments.create_segment('Busy', '[{"object": "behaviors", "field": "events", "operator": "gte", "properties": {"filter": 2}}]')) AS s;
CREATE VIEW member AS
    SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) AS contacts
    FROM person_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1;
INSERT INTO company VALUES (1, 'Acme');
INSERT INTO big_company (id, name, stock) VALUES (2, 'ACME', 'ACM');
INSERT INTO person VALUES (1, 'France', 1), (2, 'Spain', 2);
INSERT INTO customer (since, id, country, company_id) VALUES ('2026-01-01', 10, 'France', 2);
INSERT INTO vip (level, id, country, company_id, since) VALUES (1, 20, 'France', 1, '2026-02-02'), (2, 21, 'Italy', 1, '2026-02-02');
INSERT INTO event VALUES (1, 'buy'), (2, 'view');
-- no foreign key of the parent's ties these
INSERT INTO click (person_id, kind, url) VALUES (1, 'view', '/'), (20, 'buy', '/a'), (20, 'view', '/b'), (30, 'buy', '/');
SELECT * FROM member;
SELECT * FROM segments.check();
INSERT INTO vip (id, country) VALUES (30, 'Spain');
UPDATE person SET country = 'France' WHERE id IN (21, 2);
UPDATE customer SET country = 'Spain' WHERE id IN (10, 20);
UPDATE big_company SET name = 'Bolt';
DELETE FROM event WHERE person_id = 20 AND kind = 'view';
UPDATE ONLY person SET company_id = 2;
SELECT * FROM member;
SELECT * FROM segments.check();

-- One key is one contact's.
INSERT INTO vip (id, country) VALUES (1, 'France');
UPDATE customer SET id = 2 WHERE id = 10;
INSERT INTO person VALUES (20, 'France');
UPDATE vip SET id = 22 WHERE id = 20;
INSERT INTO person VALUES (20, 'France');
SELECT * FROM member;
SELECT * FROM segments.check();

-- Children come and go, with rows.
CREATE TABLE guest (LIKE person INCLUDING INDEXES);
INSERT INTO guest VALUES (40, 'France', 1);
INSERT INTO click (person_id, kind) VALUES (40, 'buy');
ALTER TABLE guest INHERIT person;
SELECT * FROM member;
SELECT * FROM segments.check();
ALTER TABLE guest NO INHERIT person;
SELECT * FROM member;
ALTER TABLE guest INHERIT person;
CREATE TABLE twin (LIKE person INCLUDING INDEXES);
INSERT INTO twin VALUES (2, 'France', 1);
ALTER TABLE twin INHERIT person;
CREATE TABLE robot (id bigint PRIMARY KEY) INHERITS (person);
INSERT INTO robot VALUES (50, 'France', 1);
ALTER TABLE click NO INHERIT event;
SELECT * FROM member;
SELECT * FROM segments.check();
ALTER TABLE click INHERIT event;
DROP TABLE guest;
SELECT * FROM member;
TRUNCATE customer;
SELECT * FROM member;
TRUNCATE ONLY person CASCADE;
SELECT * FROM member;
SELECT * FROM segments.check();

-- What can't be followed doesn't come in.
CREATE TEMPORARY TABLE visitor () INHERITS (person);
CREATE TABLE stray (id bigint PRIMARY KEY, country text, company_id integer);
CREATE TABLE both_of () INHERITS (person, stray);
CREATE TABLE keyless () INHERITS (person);
ALTER TABLE robot DROP CONSTRAINT robot_pkey;
-- Some releases refuse it themselves, as they take our triggers for triggers of rows.
CREATE FUNCTION pg_temp.refusal(statement text, ours text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLERRM LIKE 'trigger "segments_after_%" prevents table %' THEN ours ELSE SQLERRM END;
END
$$;
SELECT pg_temp.refusal('ALTER TABLE robot INHERIT stray', 'segments cannot follow table "robot", which holds rows of table "person"');
SELECT pg_temp.refusal('ALTER TABLE event INHERIT company', 'child table is missing column "id"');
INSERT INTO robot SELECT i, CASE i % 2 WHEN 0 THEN 'France' END, 1 FROM generate_series(100, 200) AS i;
INSERT INTO click SELECT i % 60 + 100, 'buy' FROM generate_series(1, 100) AS i;
SELECT count(*) FROM segments.check(by_query => true) UNION ALL SELECT count(*) FROM segments.check(by_query => false);
DROP VIEW member;
SELECT segments.detach('person');
SELECT count(*) FROM segments.table_part;
DROP SCHEMA heir CASCADE;
