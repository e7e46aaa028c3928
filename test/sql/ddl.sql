-- DDL on attached tables, and changes of what is declared: refused where a
-- stored filter would lose its meaning, followed everywhere else.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_segments_owner;
CREATE ROLE regress_segments_other;
CREATE SCHEMA crm AUTHORIZATION regress_segments_owner;
CREATE SCHEMA attic;
GRANT ALL ON SCHEMA attic TO PUBLIC;
SET ROLE regress_segments_owner;
CREATE FUNCTION crm.plan(attributes jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT attributes->>'plan'$$;
CREATE TABLE crm.companies (id integer PRIMARY KEY, name text, spare text);
CREATE TABLE crm.leads (id bigint PRIMARY KEY, email text, country text, points integer, spare text, attributes jsonb,
                        seen timestamp, company_id integer REFERENCES crm.companies);
CREATE TABLE crm.event (id bigint PRIMARY KEY, lead_id bigint REFERENCES crm.leads ON DELETE CASCADE, kind text, spare text, at timestamptz);
CREATE TABLE crm.visit (id bigint PRIMARY KEY, lead_id bigint REFERENCES crm.leads ON DELETE CASCADE, url text);
SELECT segments.attach('crm.leads');
SELECT segments.attach_company('crm.leads', 'crm.companies');
SELECT segments.attach_related('crm.leads', 'event', 'crm.event', 'lead_id');
SELECT segments.attach_related('crm.leads', 'visit', 'crm.visit', 'lead_id');
SELECT segments.define_field('crm.leads', 'plan', expression => 'crm.plan(attributes)'),
       segments.define_field('crm.leads', 'unused', expression => 'upper(spare)'),
       segments.define_field('crm.leads', 'mail', 'email', column_name => 'email'),
       segments.define_field('crm.leads', 'kinds', relation => 'event', column_name => 'kind'),
       segments.define_field('crm.leads', 'visits', relation => 'visit', aggregate => 'count'),
       segments.define_field('crm.leads', 'spares', relation => 'event', column_name => 'spare');
INSERT INTO crm.companies VALUES (1, 'Acme'), (2, 'Bolt');
INSERT INTO crm.leads (id, email, country, points, attributes, seen, company_id) VALUES
    (1, 'a@example.com', 'France', 10, '{"plan": "pro"}', '2026-01-01 23:30', 1),
    (2, 'b@example.com', 'Spain', 20, '{"plan": "free"}', '2026-01-02 12:00', 2),
    (3, 'c@example.com', 'france', 9, NULL, NULL, NULL);
INSERT INTO crm.event VALUES (1, 1, 'purchase'), (2, 2, 'refund');
INSERT INTO segments.segment (name, alias, filters) VALUES
    ('French', 'french', '[{"field": "country", "operator": "=", "properties": {"filter": "france"}}]'),
    ('Rich', 'rich', '[{"field": "points", "operator": "gte", "properties": {"filter": 10}}]'),
    ('Pro', 'pro', '[{"field": "plan", "operator": "=", "properties": {"filter": "pro"}}]'),
    ('Buyers', 'buyers', '[{"field": "kinds", "operator": "=", "properties": {"filter": "purchase"}}]'),
    ('Acme', 'acme', '[{"object": "company", "field": "name", "operator": "=", "properties": {"filter": "acme"}}]'),
    ('Seen on New Year', 'seen', '[{"field": "seen", "operator": "=", "properties": {"filter": "2026-01-01"}}]');
INSERT INTO segments.segment (name, alias, filters) VALUES
    ('Rich French', 'rich-french', '[{"field": "leadlist", "operator": "includingAll", "properties": {"filter": ["french", "rich"]}}]');
SELECT CASE WHEN current_setting('server_version_num')::integer >= 150000 THEN 'WITH (security_invoker)' ELSE '' END AS as_caller \gset
CREATE VIEW attic.member :as_caller AS
    SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) FROM crm.leads_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id
    GROUP BY 1 ORDER BY 1;
SELECT * FROM attic.member;
SELECT * FROM segments.check();

-- Columns: needed ones stay, CASCADE or not; others go, with fields that are no more than they.
ALTER TABLE crm.leads DROP COLUMN country;
ALTER TABLE crm.leads DROP COLUMN country CASCADE;
ALTER TABLE crm.leads DROP COLUMN attributes;
ALTER TABLE crm.leads DROP COLUMN spare;
ALTER TABLE crm.leads DROP COLUMN company_id;
ALTER TABLE crm.companies DROP COLUMN name;
ALTER TABLE crm.event DROP COLUMN kind;
ALTER TABLE crm.event DROP COLUMN lead_id;
ALTER TABLE crm.leads DROP COLUMN id CASCADE;
ALTER TABLE crm.leads DROP COLUMN email;
ALTER TABLE crm.event DROP COLUMN spare;
ALTER TABLE crm.companies DROP COLUMN spare;
SELECT object, field FROM segments.field_definition ORDER BY 1, 2;

-- Names.
ALTER TABLE crm.leads RENAME COLUMN country TO land;
ALTER TABLE crm.leads RENAME COLUMN land TO country;
SELECT segments.drop_field('crm.leads', 'country');
ALTER TABLE crm.leads RENAME COLUMN attributes TO json;
ALTER TABLE crm.leads RENAME COLUMN json TO attributes;
ALTER FUNCTION crm.plan RENAME TO tariff;
ALTER FUNCTION crm.tariff RENAME TO plan;
RESET ROLE;
ALTER SCHEMA crm RENAME TO sales;
ALTER SCHEMA sales RENAME TO crm;
SET ROLE regress_segments_owner;
ALTER TABLE crm.event RENAME COLUMN lead_id TO contact;
ALTER TABLE crm.event RENAME COLUMN kind TO what;
ALTER TABLE crm.leads RENAME COLUMN company_id TO employer;
SELECT name, contact_column, contact_reference FROM segments.relation ORDER BY 1;
SELECT field, column_name FROM segments.field_definition WHERE column_name IS NOT NULL ORDER BY 1;
ALTER TABLE crm.leads RENAME COLUMN id TO lead_id;
ALTER TABLE crm.leads RENAME TO contacts;
SELECT contact_table, key_column, member_table FROM segments.contact_table;
UPDATE crm.contacts SET points = 12 WHERE lead_id = 3;
SELECT * FROM attic.member WHERE alias LIKE 'rich%';
SELECT * FROM segments.check();
ALTER TABLE crm.contacts RENAME COLUMN lead_id TO id;
ALTER TABLE crm.contacts RENAME TO leads;
UPDATE crm.leads SET points = 9 WHERE id = 3;

-- Types: what can be compared is compared afresh, what cannot is refused.
ALTER TABLE crm.leads ALTER COLUMN points TYPE text;
ALTER TABLE crm.leads ALTER COLUMN id TYPE numeric;
ALTER TABLE crm.leads ALTER COLUMN points TYPE numeric USING points * 0.5;
SELECT * FROM attic.member WHERE alias LIKE 'rich%';
SET timezone = 'UTC';
ALTER TABLE crm.leads ALTER COLUMN seen TYPE timestamptz;
SET timezone = 'Asia/Tokyo';
ALTER TABLE crm.leads ALTER COLUMN seen TYPE timestamp;
RESET timezone;
SELECT * FROM attic.member WHERE alias = 'seen';
ALTER TABLE crm.companies ALTER COLUMN name TYPE varchar(3) USING left(name, 3);
SELECT * FROM attic.member WHERE alias = 'acme';
SELECT * FROM segments.check();

-- What a table must be.
CREATE TABLE attic.parent (id bigint NOT NULL);
ALTER TABLE crm.leads DROP CONSTRAINT leads_pkey CASCADE;
ALTER TABLE crm.leads SET UNLOGGED;
-- some minor versions refuse it themselves, because of the triggers
DO $$ BEGIN
    ALTER TABLE crm.event INHERIT attic.parent;
EXCEPTION WHEN dependent_objects_still_exist OR object_not_in_prerequisite_state OR feature_not_supported THEN
    RAISE WARNING 'refused';
END $$;
ALTER TABLE crm.event SET UNLOGGED;
ALTER TABLE crm.leads ADD COLUMN added text DEFAULT 'x', ALTER COLUMN email SET NOT NULL;
ALTER TABLE crm.leads ADD COLUMN email text;

-- Tables.
DROP TABLE crm.event;
DROP TABLE crm.event CASCADE;
DROP TABLE crm.companies CASCADE;
DROP TABLE crm.leads_segment_member CASCADE;
DROP TABLE crm.visit;
SELECT name FROM segments.relation ORDER BY 1;
DROP FUNCTION crm.plan;

-- A trigger can be dropped, with a warning; attach creates it again.
DROP TRIGGER segments_after_truncate ON crm.leads;
SELECT segments.attach('crm.leads');

-- What is declared: changes are followed, or refused.
SELECT segments.attach('crm.leads', case_sensitive => true);
SELECT * FROM attic.member WHERE alias = 'french';
SELECT segments.attach('crm.leads', case_sensitive => false);
SELECT * FROM attic.member WHERE alias = 'french';
SELECT segments.define_field('crm.leads', 'plan', 'number', expression => 'points');
SELECT segments.define_field('crm.leads', 'plan', 'number', expression => 'length(email)');
SELECT segments.define_field('crm.leads', 'plan', expression => $$CASE country WHEN 'Spain' THEN 'pro' END$$);
SELECT * FROM attic.member WHERE alias = 'pro';
SELECT segments.drop_field('crm.leads', 'plan');
SELECT segments.detach_related('crm.leads', 'event');
SELECT segments.attach_related('crm.leads', 'event', 'crm.event', 'contact', $$what <> 'purchase'$$);
SELECT * FROM attic.member WHERE alias = 'buyers';
SELECT * FROM segments.check();

-- Nobody else is in the way, nor disturbed.
SET ROLE regress_segments_other;
CREATE TEMPORARY TABLE leads (id integer PRIMARY KEY, name text);
ALTER TABLE leads DROP COLUMN name;
DROP TABLE leads;
CREATE TABLE attic.leads (id integer PRIMARY KEY, name text);
ALTER TABLE attic.leads RENAME COLUMN name TO country;
ALTER TABLE attic.leads DROP COLUMN country;
DROP TABLE attic.leads;

-- Owner and schema: the tables beside it follow.
RESET ROLE;
GRANT regress_segments_other TO regress_segments_owner;
GRANT CREATE, USAGE ON SCHEMA crm, attic TO regress_segments_other;
GRANT SELECT ON crm.event, crm.companies TO regress_segments_other;
ALTER TABLE crm.leads OWNER TO regress_segments_other;
SELECT c.oid::regclass AS relation, pg_get_userbyid(relowner) FROM pg_class AS c WHERE relkind = 'r' AND relname LIKE 'leads%' ORDER BY c.oid::regclass::text;
CREATE VIEW attic.leads_segment_member AS SELECT 1 AS one;
ALTER TABLE crm.leads SET SCHEMA attic;
ALTER TABLE crm.leads_segment_member RENAME TO leads_members;
CREATE TYPE attic.leads_segment_override AS ENUM ('a');
ALTER TABLE crm.leads SET SCHEMA attic;
DROP VIEW attic.leads_segment_member;
DROP TYPE attic.leads_segment_override;
ALTER TABLE crm.leads_members RENAME TO leads_segment_member;
ALTER TABLE crm.leads SET SCHEMA attic;
SELECT contact_table, member_table, override_table, change_table FROM segments.contact_table;
SELECT * FROM segments.check();

-- What refers to another row of the catalogue refers to one that is there, except while a dump is restored.
INSERT INTO segments.relation (contact_table, name, related_table) VALUES ('crm.event', 'x', 'crm.event');
INSERT INTO segments.field_definition (contact_table, object, field) VALUES ('crm.event', 'lead', 'x');
INSERT INTO segments.field_definition (contact_table, object, field, relation) SELECT contact_table, 'behaviors', 'x', 'nothing' FROM segments.contact_table;
UPDATE segments.field_definition SET contact_table = 'crm.event';
INSERT INTO segments.segment (contact_table, name, public_name, alias, date_added, state) VALUES ('crm.event', 'x', 'x', 'x', now(), 'ready');
INSERT INTO segments.segment_reference SELECT id, 0 FROM segments.segment;
INSERT INTO segments.segment_reference SELECT 0, id FROM segments.segment;
INSERT INTO segments.segment_clock VALUES (0, 'crm.event', now(), now(), now());
INSERT INTO segments.consumer VALUES ('x', 'crm.event', 0, 0, '0/0', 0);
UPDATE segments.contact_table SET contact_table = 'crm.event';
TRUNCATE segments.contact_table;
TRUNCATE segments.relation;
BEGIN;
SET LOCAL check_function_bodies = off;
INSERT INTO segments.segment_reference VALUES (0, -1);
INSERT INTO segments.segment_clock VALUES (0, 'crm.event', now(), now(), now());
INSERT INTO segments.field_definition (contact_table, object, field, relation) VALUES ('crm.event', 'behaviors', 'x', 'x');
INSERT INTO segments.relation (contact_table, name, related_table) VALUES ('crm.event', 'x', 'crm.event');
INSERT INTO segments.segment (id, contact_table, name, public_name, alias, date_added, state) VALUES (1000, 'crm.event', 'x', 'x', 'x', now(), 'ready');
ROLLBACK;

-- The contact table goes with everything that belonged to it.
INSERT INTO segments.consumer (name, contact_table, low, high, lsn, n) SELECT 'mailer', contact_table, 0, 0, '0/0', 0 FROM segments.contact_table;
SET ROLE regress_segments_other;
DROP TABLE attic.leads CASCADE;
RESET ROLE;
DROP VIEW attic.member;
SET ROLE regress_segments_other;
DROP TABLE attic.leads CASCADE;
RESET ROLE;
SELECT (SELECT count(*) FROM segments.contact_table), (SELECT count(*) FROM segments.relation), (SELECT count(*) FROM segments.field_definition),
       (SELECT count(*) FROM segments.segment), (SELECT count(*) FROM segments.segment_reference), (SELECT count(*) FROM segments.segment_clock),
       (SELECT count(*) FROM segments.consumer);
SELECT c.oid::regclass FROM pg_class AS c WHERE relname LIKE 'leads%';

-- So it does with its schema, and when the extension goes.
SELECT segments.create_mautic_schema('mautic');
INSERT INTO segments.segment (name, filters) VALUES ('Clicked', '[{"object": "behaviors", "field": "email_id", "operator": "=", "properties": {"filter": 1}}]');
DROP SCHEMA mautic CASCADE;
SELECT (SELECT count(*) FROM segments.contact_table), (SELECT count(*) FROM segments.segment);
SELECT segments.create_mautic_schema('mautic');
\set VERBOSITY terse
DROP EXTENSION segments;
DROP EXTENSION segments CASCADE;
CREATE EXTENSION segments;
DROP SCHEMA mautic, crm, attic CASCADE;
DROP ROLE regress_segments_owner, regress_segments_other;
