-- Many tenants in one table, kept apart by row security: each sees its own
-- contacts and its own segments.  psql -f examples/tenants.sql in an empty
-- database, as a superuser; it makes three roles, and drops them at the end.
-- What it shows is in tenants.out.
\set QUIET on
\pset footer off
CREATE EXTENSION segments;
CREATE ROLE readme_saas;                    -- owns the tables
CREATE ROLE readme_red;                     -- two tenants
CREATE ROLE readme_blue;
CREATE SCHEMA saas AUTHORIZATION readme_saas;
GRANT USAGE ON SCHEMA saas TO readme_red, readme_blue;

SET ROLE readme_saas;
-- Keys are random: whoever may read the contact table may read which keys are
-- members, and learns nothing by that.
CREATE TABLE saas.contact (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant name NOT NULL DEFAULT current_user,
    email text, country text, score integer NOT NULL DEFAULT 0
);
CREATE INDEX ON saas.contact (tenant);
ALTER TABLE saas.contact ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON saas.contact USING (tenant = current_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.contact TO readme_red, readme_blue;
SELECT segments.attach('saas.contact') \g /dev/null

-- Filters can ask about every contact, and numbers would tell.  So tenants don't
-- store segments themselves: the application does, private ones, with the
-- tenant's own contacts as their first condition.
CREATE FUNCTION saas.tenant() RETURNS name LANGUAGE sql STABLE
    AS $$ SELECT CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END $$;
CREATE FUNCTION saas.save_segment(name text, filters jsonb) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO segments.segment AS s (name, alias, contact_table, is_global, created_by_user, filters)
    VALUES (name, saas.tenant() || ' ' || name, 'saas.contact', false, saas.tenant(),
            jsonb_build_array(jsonb_build_object('field', 'tenant', 'operator', '=', 'properties', jsonb_build_object('filter', saas.tenant())),
                              jsonb_build_object('glue', 'and', 'filters', filters)))
    ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters
    RETURNING s.alias
$$;
RESET ROLE;

SET ROLE readme_red;
INSERT INTO saas.contact (email, country, score) VALUES ('zoe@red.example', 'France', 80), ('max@red.example', 'Spain', 10);
SELECT saas.save_segment('Rich', '[{"field": "score", "operator": "gt", "properties": {"filter": 50}}]') AS made;
RESET ROLE;
SET ROLE readme_blue;
INSERT INTO saas.contact (email, country, score) VALUES ('ada@blue.example', 'France', 90), ('bob@blue.example', 'France', 60);
SELECT saas.save_segment('Rich', '[{"field": "score", "operator": "gt", "properties": {"filter": 50}}]') AS made;

\echo 'Blue sees its own contacts and segments'
SELECT name, alias, segments.count(id) AS members FROM segments.segment;
SELECT email FROM segments.contacts('readmeblue-rich', NULL::saas.contact) ORDER BY email;
SELECT c.email FROM segments.matching('[{"field": "country", "operator": "=", "properties": {"filter": "France"}}]', key => NULL::uuid) AS k
JOIN saas.contact AS c ON c.id = k ORDER BY c.email;
\echo 'What belongs to red does not exist for it'
\set ON_ERROR_STOP off
\set VERBOSITY terse
SELECT segments.count('readmered-rich');
INSERT INTO segments.segment (name) VALUES ('Everybody');
\set ON_ERROR_STOP on
\echo 'A write moves members, with no rights beyond those on the table'
UPDATE saas.contact SET score = 0 WHERE email = 'bob@blue.example';
SELECT segments.count('readmeblue-rich') AS members;
RESET ROLE;

SET ROLE readme_red;
\echo 'Red changes its segment; the same call again is the same segment'
SELECT saas.save_segment('Rich', '[{"field": "score", "operator": "gte", "properties": {"filter": 10}}]') AS saved;
SELECT email FROM segments.contacts('readmered-rich', NULL::saas.contact) ORDER BY email;
RESET ROLE;

\echo 'The owner of the contact table sees all'
SET ROLE readme_saas;
SELECT alias, created_by_user, members FROM segments.segment JOIN segments.status USING (id, alias) ORDER BY alias;
SELECT * FROM segments.check(NULL, NULL::uuid);
RESET ROLE;

SELECT segments.detach('saas.contact') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA saas CASCADE;
DROP OWNED BY readme_saas, readme_red, readme_blue;
DROP ROLE readme_saas, readme_red, readme_blue;
