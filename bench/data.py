"""Data of the Mautic shape, and the same tables without segments.

Schemas of the database: crm is the subject; plain holds identical tables that
nothing is attached to; loaded and plain_loaded hold empty contact tables for
COPY; bench holds specifications of segments, keys and flips.
"""

PREPARE = """
CREATE EXTENSION segments CASCADE;
SELECT segments.create_mautic_schema('plain');
SELECT segments.detach('plain.leads');
SELECT segments.create_mautic_schema('crm');
ALTER TABLE plain.leads SET (fillfactor = 70);
ALTER TABLE crm.leads SET (fillfactor = 70);
CREATE TABLE plain.member (segment_id bigint NOT NULL, contact_id bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (segment_id, contact_id));
CREATE INDEX ON plain.member (contact_id, segment_id);
CREATE SCHEMA plain_loaded;
CREATE TABLE plain_loaded.leads (LIKE plain.leads INCLUDING ALL);
CREATE TABLE plain_loaded.member (LIKE plain.member INCLUDING ALL);
CREATE SCHEMA loaded;
CREATE TABLE loaded.leads (LIKE plain.leads INCLUDING ALL);
CREATE SCHEMA bench;
CREATE TABLE bench.key (n integer PRIMARY KEY, id bigint NOT NULL);
CREATE TABLE bench.flip (segment_id bigint NOT NULL, contact_id bigint NOT NULL, joined boolean NOT NULL);
CREATE TABLE bench.spec (
    kind text, n integer, country text, city text, owner_id integer, stage_id integer,
    points_from integer, points_before integer, active_from timestamp, active_before timestamp,
    added_from timestamp, added_before timestamp, url text, url_part text, industry text, recent_days integer, window_days integer, hits integer,
    PRIMARY KEY (kind, n));
CREATE FUNCTION bench.item(field text, type text, operator text, value text, object text DEFAULT 'lead') RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('glue', 'and', 'object', object,
        'field', field, 'type', type, 'operator', operator, 'properties', jsonb_build_object('filter', value))) END
$$;
CREATE FUNCTION bench.filters(s bench.spec) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT bench.item('country', 'country', '=', s.country) || bench.item('city', 'text', '=', s.city)
        || bench.item('owner_id', 'id', '=', s.owner_id::text) || bench.item('stage', 'id', '=', s.stage_id::text)
        || bench.item('points', 'number', 'gte', s.points_from::text)
        || bench.item('points', 'number', 'lt', s.points_before::text)
        || bench.item('last_active', 'datetime', 'gte', to_char(s.active_from, 'YYYY-MM-DD HH24:MI:SS'))
        || bench.item('last_active', 'datetime', 'lt', to_char(s.active_before, 'YYYY-MM-DD HH24:MI:SS'))
        || bench.item('date_added', 'datetime', 'gte', to_char(s.added_from, 'YYYY-MM-DD HH24:MI:SS'))
        || bench.item('date_added', 'datetime', 'lt', to_char(s.added_before, 'YYYY-MM-DD HH24:MI:SS'))
        || bench.item('hit_url', 'text', '=', s.url, 'behaviors')
        || bench.item('hit_url', 'text', 'contains', s.url_part, 'behaviors')
        || bench.item('hit_url_count', 'number', 'gte', CASE WHEN s.window_days IS NULL THEN s.hits END::text, 'behaviors')
        || bench.item('companyindustry', 'select', '=', s.industry, 'company')
        || bench.item('last_active', 'datetime', 'inLast', s.recent_days || ' days')
        || CASE WHEN s.window_days IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('rows', 'page_hits',
            'filters', jsonb_build_array(jsonb_build_object('field', 'date_hit', 'operator', 'inLast',
                                                            'properties', jsonb_build_object('filter', s.window_days || ' days'))),
            'aggregate', 'count', 'operator', 'gte', 'properties', jsonb_build_object('filter', s.hits))) END
$$;
"""

# setseed makes the data the same every time.  Companies 1 to 4 have 10, 100,
# 1,000 and 10,000 contacts, as far as there are that many.
FILL = """
SELECT setseed(0.5);
INSERT INTO plain.leads (id, owner_id, stage_id, date_added, points, last_active, date_identified, title, firstname,
    lastname, company, position, email, phone, address1, city, state, zipcode, timezone, country, preferred_locale,
    attribution, website)
SELECT n, 1 + floor(random() * 100), 1 + floor(random() * 10),
    date_trunc('second', timestamp '2024-11-01' + random() * interval '730 days'), floor(random() * 1000),
    date_trunc('second', timestamp '2024-11-01' + random() * interval '730 days'),
    CASE WHEN random() < 0.7 THEN timestamp '2024-11-01' + random() * interval '730 days' END,
    CASE WHEN random() < 0.5 THEN (ARRAY['Ms', 'Mr', 'Dr'])[1 + floor(random() * 3)] END,
    'First' || floor(random() * 5000), 'Last' || floor(random() * 20000), 'Company ' || floor(random() * 200000),
    'Position ' || floor(random() * 200), 'contact' || n || '@example' || floor(random() * 1000) || '.com',
    '+49 30 ' || floor(random() * 10000000), floor(random() * 200) || ' High Street', 'City ' || floor(random() * 1000),
    'State ' || floor(random() * 100), lpad(floor(random() * 100000)::text, 5, '0'), 'Europe/Berlin',
    'Country ' || floor(random() * 50), 'en', round((random() * 1000)::numeric, 2), 'https://www.example.com/' || n
FROM generate_series(1, {contacts}) AS n;
INSERT INTO plain.companies (id, companyname, companyemail, companycity, companycountry, companyindustry,
    companynumber_of_employees, companyannual_revenue)
SELECT n, 'Company ' || n, 'info@company' || n || '.com', 'City ' || floor(random() * 1000),
    'Country ' || floor(random() * 50), 'Industry ' || floor(random() * 30), floor(random() * 5000),
    floor(random() * 1e8) FROM generate_series(1, {companies}) AS n;
INSERT INTO plain.companies_leads (company_id, lead_id, is_primary)
SELECT CASE WHEN n <= 10 THEN 1 WHEN n <= 110 THEN 2 WHEN n <= 1110 THEN 3 WHEN n <= 11110 THEN 4
            ELSE 5 + floor(random() * ({companies} - 5)) END, n, true
FROM generate_series(1, {contacts}) AS n;
INSERT INTO plain.page_hits (lead_id, date_hit, url, url_title, referer, source, page_id, user_agent)
SELECT 1 + floor(random() * {contacts}), timestamp '2024-11-01' + random() * interval '730 days',
    'https://www.example.com/page/' || floor(random() * 10000), 'Title ' || floor(random() * 10000),
    'https://search.example/' || floor(random() * 100), 'direct', 1 + floor(random() * 100), 'Mozilla/5.0'
FROM generate_series(1, {hits});
INSERT INTO crm.email_stats (email_id, lead_id, email_address, date_sent, is_read, date_read, open_count)
SELECT 1 + floor(random() * 200), lead, 'contact' || lead || '@example.com', sent, is_read,
    CASE WHEN is_read THEN sent + interval '1 hour' END, CASE WHEN is_read THEN 1 ELSE 0 END
FROM (SELECT 1 + floor(random() * {contacts})::bigint AS lead, random() < 0.3 AS is_read,
             timestamp '2024-11-01' + random() * interval '730 days' AS sent
      FROM generate_series(1, {mails})) AS mail;
"""

TABLES = ('leads', 'companies', 'companies_leads', 'page_hits')


def build(session, options):
    """Everything but segments."""
    session.run(PREPARE)
    tables = [f'{schema}.{name}' for schema in ('plain', 'crm') for name in TABLES] + ['crm.email_stats']
    # no triggers: foreign keys hold by construction, and there are no segments yet
    session.run('SET session_replication_role = replica')
    suspend_indexes(session, tables)
    session.run(FILL.format(contacts=options.contacts, companies=options.companies, hits=options.hits, mails=options.mails))
    for name in TABLES:
        copy_table(session, f'plain.{name}', f'crm.{name}')
    resume_indexes(session, tables)
    session.run('SET session_replication_role = origin')
    for schema in ('plain', 'crm'):
        session.run(f'ALTER SEQUENCE {schema}.page_hits_id_seq RESTART {options.hits + 1}')
    session.run('VACUUM ANALYZE')


def suspend_indexes(session, tables):
    """Rows of these tables get no index entries until the indexes are resumed: they are built faster than they grow."""
    session.run('UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid IN ('
                + ', '.join(f"'{table}'::regclass" for table in tables) + ')')


def resume_indexes(session, tables):
    for table in tables:
        session.run(f'REINDEX TABLE {table}')


def copy_table(session, source, target, condition='true'):
    names = columns(session, source)
    session.run(f'INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE'
                f' SELECT {names} FROM {source} WHERE {condition} ORDER BY 1')


def columns(session, table):
    """Columns that can be written, the first of them first."""
    return ', '.join(row[0] for row in session.rows(
        f"SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = '{table}'::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"))


# ---------------------------------------------------------------------------
# More tables with the same contacts
# ---------------------------------------------------------------------------

def copy_tables(session, schema, names, contacts, attached):
    """A schema with tables like those of plain, with the first contacts; and with no other rows."""
    session.run(f'CREATE SCHEMA {schema}')
    for name in names:
        session.run(f'CREATE TABLE {schema}.{name} (LIKE plain.{name} INCLUDING ALL)')
    if 'page_hits' in names:
        session.run(f'ALTER TABLE {schema}.page_hits ADD FOREIGN KEY (lead_id) REFERENCES {schema}.leads')
    session.run(f'ALTER TABLE {schema}.leads SET (fillfactor = 70)')
    suspend_indexes(session, [f'{schema}.leads'])
    copy_table(session, 'plain.leads', f'{schema}.leads', f'id <= {contacts}')
    resume_indexes(session, [f'{schema}.leads'])
    if attached:
        session.run(f"SELECT segments.attach_mautic_schema('{schema}')")
    session.run(f'VACUUM ANALYZE {schema}.leads')


def drop_tables(session, schema):
    """The same, gone; its segments must be gone before."""
    if session.value(f"SELECT count(*) FROM segments.contact_table WHERE contact_table = to_regclass('{schema}.leads')") != '0':
        session.run(f"SELECT segments.detach('{schema}.leads')")
    session.run(f'DROP SCHEMA IF EXISTS {schema} CASCADE')
