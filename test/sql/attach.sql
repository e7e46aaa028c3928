-- Attaching tables and declaring fields: what is set up, and every refusal.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_segments_owner;
CREATE ROLE regress_segments_other;
CREATE SCHEMA crm AUTHORIZATION regress_segments_owner;
CREATE SCHEMA tools;
GRANT USAGE ON SCHEMA tools TO PUBLIC;

-- The SQLSTATE, message, detail and hint of what a statement is refused with.
CREATE FUNCTION tools.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    -- where a function may be is said in other words by every server
    IF message LIKE 'function % does not exist' THEN
        RETURN state || ' ' || message;
    END IF;
    RETURN concat_ws(E'\n  ', state || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END
$$;
CREATE FUNCTION tools.refusals(VARIADIC statements text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        RETURN NEXT statement || E'\n  ' || tools.refusal(statement);
    END LOOP;
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tools TO PUBLIC;
\pset format unaligned
\pset tuples_only on

SET ROLE regress_segments_owner;
CREATE TYPE crm.tier AS ENUM ('gold', 'tin');
CREATE DOMAIN crm.code AS text CHECK (VALUE <> '');
CREATE TABLE crm.companies (id integer PRIMARY KEY, name text, size integer);
CREATE TABLE crm.leads (
    id bigint PRIMARY KEY, name varchar(50), email text, points smallint, balance numeric, ratio real, active boolean,
    born date, added timestamptz, seen timestamp, wakes time, tags text[], notes varchar[], ref uuid, tier crm.tier, code crm.code,
    attributes jsonb, area box, company_id integer REFERENCES crm.companies);
CREATE TABLE crm.works_for (lead_id bigint REFERENCES crm.leads ON DELETE CASCADE, company_id integer REFERENCES crm.companies,
                            is_primary boolean, priority integer);
CREATE TABLE crm.event (id bigint PRIMARY KEY, lead_id bigint REFERENCES crm.leads, kind text, amount numeric, at timestamptz, owner uuid);
CREATE TABLE crm.tag (id integer PRIMARY KEY, name text);
CREATE TABLE crm.tagged (lead bigint, tag_id integer REFERENCES crm.tag);

-- What cannot be a contact table.
CREATE VIEW crm.a_view AS SELECT * FROM crm.leads;
CREATE MATERIALIZED VIEW crm.a_matview AS SELECT * FROM crm.leads;
CREATE TABLE crm.partitioned (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE crm.a_partition PARTITION OF crm.partitioned DEFAULT;
CREATE TABLE crm.parent (id integer PRIMARY KEY);
CREATE TABLE crm.child (PRIMARY KEY (id)) INHERITS (crm.parent);
CREATE TABLE crm.no_key (id integer UNIQUE NOT NULL);
CREATE TABLE crm.two_keys (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE crm.late_key (id integer PRIMARY KEY DEFERRABLE);
CREATE TABLE crm.money_key (id money PRIMARY KEY);
CREATE SEQUENCE crm.a_sequence;
CREATE TYPE crm.a_row AS (id integer);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER regress_segments_wrapper;
CREATE SERVER regress_segments_server FOREIGN DATA WRAPPER regress_segments_wrapper;
CREATE FOREIGN TABLE crm.a_foreign_table (id integer) SERVER regress_segments_server;
SET ROLE regress_segments_owner;
CREATE TEMPORARY TABLE temporary_table (id integer PRIMARY KEY);
SELECT tools.refusals(
    'SELECT segments.attach(NULL)',
    'SELECT segments.attach(4294967295::oid)',
    'SELECT segments.attach(''crm.a_view'')',
    'SELECT segments.attach(''crm.a_matview'')',
    'SELECT segments.attach(''crm.a_foreign_table'')',
    'SELECT segments.attach(''crm.a_sequence'')',
    'SELECT segments.attach(''crm.a_row'')',
    'SELECT segments.attach(''crm.leads_pkey'')',
    'SELECT segments.attach(''temporary_table'')',
    'SELECT segments.attach(''crm.partitioned'')',
    'SELECT segments.attach(''crm.a_partition'')',
    'SELECT segments.attach(''crm.parent'')',
    'SELECT segments.attach(''crm.child'')',
    'SELECT segments.attach(''pg_class'')',
    'SELECT segments.attach(''segments.relation'')',
    'SELECT segments.attach(''crm.no_key'')',
    'SELECT segments.attach(''crm.two_keys'')',
    'SELECT segments.attach(''crm.late_key'')',
    'SELECT segments.attach(''crm.money_key'')',
    'SELECT segments.attach(''crm.leads'', ''Europe/Nowhere'')',
    'SELECT segments.detach(''crm.leads'')',
    'SELECT segments.define_field(''crm.leads'', ''x'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'')');
SET ROLE regress_segments_other;
SELECT tools.refusals('SELECT segments.attach((SELECT oid FROM pg_class WHERE relname = ''leads''))');

-- Attached, by its owner: three tables beside it, four triggers.
SET ROLE regress_segments_owner;
SELECT segments.attach('crm.leads');
\pset format aligned
\pset tuples_only off
SELECT segments.detach('crm.partitioned'), segments.detach('crm.parent');
SELECT * FROM segments.contact_table;
\d crm.leads_segment_member
\d crm.leads_segment_override
\d crm.leads_segment_change
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'crm.leads'::regclass AND tgname LIKE 'segments%' ORDER BY 1;
SELECT field, type, column_name, source, operators IS NOT NULL AS has_operators FROM segments.field WHERE contact_table = 'crm.leads'::regclass ORDER BY field;

-- Again: the settings given, or their defaults.
SELECT segments.attach('crm.leads', 'Europe/Berlin', true);
SELECT contact_table, timezone, case_sensitive FROM segments.contact_table;
SELECT segments.attach('crm.leads');
SELECT contact_table, timezone, case_sensitive FROM segments.contact_table;

-- By another role with the owner's rights, and by a superuser: the owner stays.
-- Long names, names that are taken, keys of other types.
RESET ROLE;
CREATE TABLE crm."Leute mit einem sehr langen Namen, der fast 63 Bytes hat: äöü" (id uuid PRIMARY KEY);
CREATE TABLE crm."text" (id varchar(20) COLLATE "C" PRIMARY KEY);
CREATE TABLE crm.text_segment_override (id integer PRIMARY KEY);
ALTER TABLE crm."text" OWNER TO regress_segments_owner;
SELECT segments.attach('crm."Leute mit einem sehr langen Namen, der fast 63 Bytes hat: äöü"'), segments.attach('crm.text');
SELECT key_column, key_type, member_table, override_table, change_table FROM segments.contact_table WHERE key_column = 'id' AND key_type <> 'bigint'::regtype ORDER BY key_type::text;
SELECT c.oid::regclass, pg_get_userbyid(relowner) AS owner, format_type(atttypid, atttypmod) AS contact_id, collname
FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid AND attname = 'contact_id' LEFT JOIN pg_collation AS l ON l.oid = attcollation
WHERE relkind = 'r' AND relname LIKE 'text%' ORDER BY c.oid::regclass::text;
SELECT segments.detach('crm.text'), segments.detach('crm."Leute mit einem sehr langen Namen, der fast 63 Bytes hat: äöü"');

-- Companies.
SET ROLE regress_segments_owner;
\pset format unaligned
\pset tuples_only on
CREATE UNLOGGED TABLE crm.unlogged_companies (id integer PRIMARY KEY);
SELECT tools.refusals(
    'SELECT segments.attach_company(''crm.leads'', NULL)',
    'SELECT segments.attach_company(''crm.leads'', ''crm.a_view'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.no_key'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.unlogged_companies'', ''company_id'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.leads_segment_member'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.tag'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', ''employer_id'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', ''attributes'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', ''company_id'', link_table => ''crm.works_for'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', primary_column => ''is_primary'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', link_table => ''crm.tagged'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', link_table => ''crm.works_for'', primary_column => ''main'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'', link_table => ''crm.works_for'', primary_column => ''priority'')');
RESET ROLE;
CREATE TABLE crm.foreign_companies (id integer PRIMARY KEY);
SELECT tools.refusals('SELECT segments.attach_company(''crm.leads'', ''crm.foreign_companies'', ''company_id'')');
ALTER TABLE crm.foreign_companies ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON crm.foreign_companies TO regress_segments_owner;
SELECT tools.refusals('SELECT segments.attach_company(''crm.leads'', ''crm.foreign_companies'', ''company_id'')');
ALTER TABLE crm.foreign_companies DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_owner;
SELECT tools.refusals('SELECT segments.attach_company(''crm.leads'', ''crm.foreign_companies'', ''company_id'')');
\pset format aligned
\pset tuples_only off
SELECT segments.attach_company('crm.leads', 'crm.companies');
SELECT name, related_table, key_column, only_primary, contact_reference FROM segments.relation ORDER BY name;
SELECT segments.attach_company('crm.leads', 'crm.companies', link_table => 'crm.works_for', primary_column => 'is_primary');
SELECT name, related_table, key_column, link_table, contact_column, link_column, primary_column, only_primary, contact_reference
FROM segments.relation ORDER BY name;
SELECT tgrelid::regclass::text AS relation, count(*) FROM pg_trigger WHERE tgfoid = 'segments_internal.maintain'::regproc GROUP BY 1 ORDER BY 1;
SELECT segments.define_field('crm.leads', 'name', label => 'Company', object => 'company');
SELECT segments.define_field('crm.leads', 'size', 'text', object => 'company_all');
SELECT object, field, label, type, source FROM segments.field WHERE object LIKE 'company%' ORDER BY 1, 2;

-- Related rows.
\pset format unaligned
\pset tuples_only on
SELECT tools.refusals(
    'SELECT segments.attach_related(''crm.leads'', NULL, ''crm.event'', ''lead_id'')',
    'SELECT segments.attach_related(''crm.leads'', '''', ''crm.event'', ''lead_id'')',
    'SELECT segments.attach_related(''crm.leads'', ''company'', ''crm.event'', ''lead_id'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.a_view'', ''id'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', NULL)',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''contact'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''owner'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'', ''weight > 1'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'', ''kind ||'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'', ''kind || kind'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'', ''random() < 1'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'', key_column => ''id'')',
    'SELECT segments.attach_related(''crm.leads'', ''tag'', ''crm.tag'', ''lead'', link_table => ''crm.works_for'')',
    'SELECT segments.attach_related(''crm.leads'', ''tag'', ''crm.tag'', ''lead'', link_table => ''crm.tagged'', link_column => ''tag'')',
    'SELECT segments.detach_related(''crm.leads'', ''event'')');
-- names are those of the caller's search path, and stay what they mean
CREATE FUNCTION crm.is_purchase(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT kind = 'purchase'$$;
CREATE FUNCTION crm.plan(attributes jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT attributes->>'plan'$$;
SET search_path = crm;
SELECT segments.attach_related('leads', 'purchase', 'event', 'lead_id', 'is_purchase(kind)');
SELECT segments.attach_related('leads', 'event', 'event', 'lead_id');
SELECT segments.attach_related('leads', 'tag', 'tag', 'lead', link_table => 'tagged');
RESET search_path;
\pset format aligned
\pset tuples_only off
SELECT name, related_table, contact_column, key_column, link_table, link_column, condition
FROM segments.relation WHERE name NOT LIKE 'company%' ORDER BY name;

-- Fields.
\pset format unaligned
\pset tuples_only on
SELECT tools.refusals(
    'SELECT segments.define_field(''crm.leads'', NULL)',
    'SELECT segments.define_field(''crm.leads'', '''')',
    'SELECT segments.define_field(''crm.leads'', ''leadlist'', ''text'')',
    'SELECT segments.define_field(''crm.leads'', ''email'', ''e-mail'')',
    'SELECT segments.define_field(''crm.leads'', ''email'', ''number'')',
    'SELECT segments.define_field(''crm.leads'', ''points'', ''date'')',
    'SELECT segments.define_field(''crm.leads'', ''email'', object => ''contact'')',
    'SELECT segments.define_field(''crm.leads'', ''mail'')',
    'SELECT segments.define_field(''crm.leads'', ''mail'', column_name => ''e_mail'')',
    'SELECT segments.define_field(''crm.leads'', ''area'')',
    'SELECT segments.define_field(''crm.leads'', ''mail'', column_name => ''email'', expression => ''lower(email)'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''attributes->>'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''attributes->>1, 2'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''plan(attributes)'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''1 FROM crm.event'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''clock_timestamp()'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''attributes'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''count(*)'')',
    'SELECT segments.define_field(''crm.leads'', ''plan'', expression => ''amount'')',
    'SELECT segments.define_field(''crm.leads'', ''seen'', timezone => ''Nowhere'')',
    'SELECT segments.define_field(''crm.leads'', ''email'', condition => ''active'')',
    'SELECT segments.define_field(''crm.leads'', ''email'', aggregate => ''count'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''visit'')',
    'SELECT segments.define_field(''crm.leads'', ''name'', object => ''company'', relation => ''event'')',
    'SELECT segments.define_field(''crm.leads'', ''name'', relation => ''company'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', aggregate => ''avg'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', aggregate => ''sum'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', aggregate => ''latest'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', aggregate => ''latest'', order_by => ''when'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', aggregate => ''max'', order_by => ''at'')',
    'SELECT segments.define_field(''crm.leads'', ''visits'', ''text'', relation => ''event'', aggregate => ''count'')',
    'SELECT segments.define_field(''crm.leads'', ''visited'', ''number'', relation => ''event'', aggregate => ''exists'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', condition => ''amount'')',
    'SELECT segments.define_field(''crm.leads'', ''spent_*'', relation => ''event'', column_name => ''amount'', aggregate => ''sum'')',
    'SELECT segments.define_field(''crm.leads'', ''spent'', relation => ''event'', column_name => ''amount'', condition => ''id = $1'')',
    'SELECT segments.define_field(''crm.leads'', ''kind'', relation => ''event'', default_prefix => '''')',
    'SELECT segments.drop_field(''crm.leads'', ''kind'')');
\pset format aligned
\pset tuples_only off
SET search_path = crm;
SELECT segments.define_field('leads', 'email', 'email', label => 'Email'),
       segments.define_field('leads', 'plan', expression => 'plan(attributes)'),
       segments.define_field('leads', 'colour', 'select', options => '{red,green}', expression => $$attributes->>'colour'$$, case_sensitive => true),
       segments.define_field('leads', 'notes', available => false),
       segments.define_field('leads', 'seen', timezone => 'Europe/Berlin'),
       segments.define_field('leads', 'kinds', relation => 'event', column_name => 'kind', object => 'behaviors'),
       segments.define_field('leads', 'visits', relation => 'event', aggregate => 'count', object => 'behaviors'),
       segments.define_field('leads', 'bought', relation => 'event', aggregate => 'exists', condition => 'is_purchase(kind)'),
       segments.define_field('leads', 'spent_*', relation => 'event', column_name => 'amount', aggregate => 'sum',
                             condition => $$id = $1 AND kind <> '917263548'$$, object => 'groups'),
       segments.define_field('leads', 'last_amount', relation => 'event', column_name => 'amount', aggregate => 'latest', order_by => 'at');
RESET search_path;
SELECT object, field, type, label, available, relation, column_name, expression, condition, aggregate, options, operators[1:3] AS operators, source
FROM segments.field WHERE source = 'defined' AND contact_table = 'crm.leads'::regclass AND object NOT LIKE 'company%' ORDER BY 1, 2;
-- again: declared anew; dropped: as the column is
SELECT segments.define_field('crm.leads', 'email', 'text'), segments.drop_field('crm.leads', 'seen');
SELECT field, type, label, source FROM segments.field WHERE field IN ('email', 'seen') ORDER BY 1;

-- Only the owner changes what is declared, by functions or by hand.
RESET ROLE;
GRANT USAGE ON SCHEMA crm TO regress_segments_other;
SET ROLE regress_segments_other;
SELECT count(*) FROM segments.field WHERE contact_table = 'crm.leads'::regclass;
\pset format unaligned
\pset tuples_only on
SELECT tools.refusals(
    'SELECT segments.attach(''crm.leads'')',
    'SELECT segments.detach(''crm.leads'')',
    'SELECT segments.attach_company(''crm.leads'', ''crm.companies'')',
    'SELECT segments.attach_related(''crm.leads'', ''event'', ''crm.event'', ''lead_id'')',
    'SELECT segments.detach_related(''crm.leads'', ''event'')',
    'SELECT segments.define_field(''crm.leads'', ''email'')',
    'SELECT segments.drop_field(''crm.leads'', ''email'')',
    'INSERT INTO segments.field_definition (contact_table, object, field) VALUES (''crm.leads'', ''lead'', ''name'')',
    'SELECT segments_internal.rebuild_segments(''crm.leads'', NULL, ''definition'')');
\pset format aligned
\pset tuples_only off
DELETE FROM segments.relation;
UPDATE segments.contact_table SET timezone = 'Asia/Tokyo';
SELECT contact_table, timezone FROM segments.contact_table;

-- Nor does the owner make another's table a table of members.
SET ROLE regress_segments_owner;
\pset format unaligned
\pset tuples_only on
SELECT tools.refusals(
    'UPDATE segments.contact_table SET member_table = ''crm.foreign_companies''',
    'INSERT INTO segments.contact_table VALUES (''crm.event'', ''id'', ''bigint'', ''UTC'', false, ''crm.foreign_companies'', ''crm.tag'', ''crm.tag'')');
\pset format aligned
\pset tuples_only off
SELECT segments.attach('crm.leads', timezone => 'Asia/Tokyo');
SELECT contact_table, timezone FROM segments.contact_table;

-- A relation goes with its fields and, where nothing else reads it, its triggers.
SET ROLE regress_segments_owner;
SELECT segments.detach_related('crm.leads', 'event');
SELECT tgrelid::regclass::text AS relation, count(*) FROM pg_trigger WHERE tgfoid = 'segments_internal.maintain'::regproc GROUP BY 1 ORDER BY 1;
SELECT segments.detach_related('crm.leads', 'purchase');
SELECT segments.detach_related('crm.leads', 'company_all');
SELECT tgrelid::regclass::text AS relation, count(*) FROM pg_trigger WHERE tgfoid = 'segments_internal.maintain'::regproc GROUP BY 1 ORDER BY 1;

-- Detached: nothing is left.
SELECT segments.detach('crm.leads');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'segments_internal.maintain'::regproc;
SELECT (SELECT count(*) FROM segments.contact_table), (SELECT count(*) FROM segments.relation), (SELECT count(*) FROM segments.field_definition);
SELECT relname FROM pg_class WHERE relname LIKE '%\_segment\_%' AND relnamespace = 'crm'::regnamespace ORDER BY 1;

RESET ROLE;
DROP SCHEMA crm, tools CASCADE;
DROP FOREIGN DATA WRAPPER regress_segments_wrapper CASCADE;
DROP OWNED BY regress_segments_owner, regress_segments_other;
DROP ROLE regress_segments_owner, regress_segments_other;
