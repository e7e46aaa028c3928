"""Data of the Mautic shape, the same tables without segments, and sets of segments.

Schemas of the database: crm is the subject; plain holds identical tables that
nothing is attached to; loaded and plain_loaded hold empty contact tables for
COPY; bench holds specifications of segments, keys and flips.

A segment is a row of bench.spec, from which its filters and, by plain joins,
its members are computed.  The joins are a second opinion on every result, and
install a set in seconds where building it is not what is being measured.
"""
import datetime
import random

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
    added_from timestamp, added_before timestamp, url text, industry text, recent_days integer,
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
        || bench.item('companyindustry', 'select', '=', s.industry, 'company')
        || bench.item('last_active', 'datetime', 'inLast', s.recent_days || ' days')
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


def build(session, options):
    """Everything but segments."""
    session.run(PREPARE)
    session.run('ALTER TABLE crm.email_stats DISABLE TRIGGER ALL')
    session.run(FILL.format(contacts=options.contacts, companies=options.companies, hits=options.hits, mails=options.mails))
    session.run('ALTER TABLE crm.email_stats ENABLE TRIGGER ALL')
    for name in ('leads', 'companies', 'companies_leads', 'page_hits'):
        copy_table(session, f'plain.{name}', f'crm.{name}')
    for schema in ('plain', 'crm'):
        session.run(f'ALTER SEQUENCE {schema}.page_hits_id_seq RESTART {options.hits + 1}')
    session.run('VACUUM ANALYZE')


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
# Specifications
# ---------------------------------------------------------------------------

def points(pick):
    """Thresholds are multiples of 5, so that a value can move without crossing one."""
    return 5 * pick.randrange(200)


def date_after(days):
    return str(datetime.datetime(2024, 11, 1) + datetime.timedelta(days=days))


def equality(pick, names):
    values = {'country': f'Country {pick.randrange(50)}', 'city': f'City {pick.randrange(1000)}',
              'owner_id': 1 + pick.randrange(100), 'stage_id': 1 + pick.randrange(10)}
    return {name: values[name] for name in names}


def dense(pick, n):
    """An equality, a range of points, a range of dates: 0.8 % of the contacts; beyond 1,000 a second equality."""
    spec = equality(pick, pick.sample(('country', 'city', 'owner_id', 'stage_id'), 1 if n <= 1000 else 2))
    spec[pick.choice(('points_from', 'points_before'))] = points(pick)
    spec[pick.choice(('active_from', 'active_before', 'added_from', 'added_before'))] = date_after(pick.randrange(730))
    return spec


def sparse(pick, n):
    """Two equalities that together hold for one contact in 100,000, and a range."""
    spec = equality(pick, ('city', 'owner_id'))
    spec[pick.choice(('points_from', 'points_before'))] = points(pick)
    return spec


def range_only(pick, n):
    """No equality: a window of points and one of dates, one contact in 2,500."""
    start, first, name = points(pick), pick.randrange(710), pick.choice(('active', 'added'))
    return {'points_from': start, 'points_before': start + 20,
            name + '_from': date_after(first), name + '_before': date_after(first + 15)}


def event(pick, n):
    """Visitors of one page with enough points."""
    return {'url': f'https://www.example.com/page/{n}', 'points_from': points(pick)}


def company(pick, n):
    """Contacts of companies of one industry, with enough points."""
    return {'industry': f'Industry {pick.randrange(30)}', 'points_from': 950 + pick.randrange(50),
            'owner_id': 1 + pick.randrange(100)}


def idle(pick, n):
    """Contacts of companies of one industry, with more points than anybody has."""
    return {'industry': f'Industry {100 + n}', 'points_from': 5000}


def recent(pick, n):
    """Moves with time: active in the last days, in one country, with enough points."""
    return {'recent_days': 1 + pick.randrange(700), 'country': f'Country {pick.randrange(50)}', 'points_from': points(pick)}


SPECIFIERS = {'dense': dense, 'sparse': sparse, 'range': range_only, 'event': event, 'company': company,
              'idle': idle, 'recent': recent}
SPEC_COLUMNS = ('country', 'city', 'owner_id', 'stage_id', 'points_from', 'points_before', 'active_from',
                'active_before', 'added_from', 'added_before', 'url', 'industry', 'recent_days')


def specify(session, kind, count):
    """Rows of bench.spec; a larger set begins with the smaller one."""
    if session.number(f"SELECT count(*) FROM bench.spec WHERE kind = '{kind}'") >= count:
        return
    pick = random.Random(kind)
    specs = [SPECIFIERS[kind](pick, n) for n in range(1, count + 1)]
    session.run(f"DELETE FROM bench.spec WHERE kind = '{kind}'")
    for start in range(0, count, 1000):
        values = ',\n'.join(
            '(' + ', '.join([f"'{kind}'", str(start + i)] + [literal(spec.get(c)) for c in SPEC_COLUMNS]) + ')'
            for i, spec in enumerate(specs[start:start + 1000], 1))
        session.run(f"INSERT INTO bench.spec (kind, n, {', '.join(SPEC_COLUMNS)}) VALUES {values}")
    session.run('VACUUM ANALYZE bench.spec')


def literal(value):
    if value is None:
        return 'NULL'
    return str(value) if isinstance(value, int) else f"'{value}'"


# ---------------------------------------------------------------------------
# Members, in plain SQL
# ---------------------------------------------------------------------------

EQUALITIES = ('country', 'city', 'owner_id', 'stage_id')
RANGES = ['(s.points_from IS NULL OR l.points >= s.points_from)', '(s.points_before IS NULL OR l.points < s.points_before)',
          '(s.active_from IS NULL OR l.last_active >= s.active_from)',
          '(s.active_before IS NULL OR l.last_active < s.active_before)',
          '(s.added_from IS NULL OR l.date_added >= s.added_from)',
          '(s.added_before IS NULL OR l.date_added < s.added_before)']

# Windows of points find their contacts by an index that the tables themselves don't have.
NARROW = """
DROP TABLE IF EXISTS pg_temp.narrow;
CREATE TEMP TABLE narrow AS SELECT id, points, last_active, date_added FROM {schema}.leads;
CREATE INDEX ON pg_temp.narrow (points, last_active) INCLUDE (id, date_added);
VACUUM ANALYZE pg_temp.narrow;
"""


def members_sql(session, sets, schema):
    """A query for the (segment_id, contact_id) that sets mean: one join for all specifications of a shape."""
    branches, first_id = [], 0
    for kind, count in sets:
        shapes = session.rows(f"SELECT DISTINCT {', '.join(f'{c} IS NOT NULL' for c in EQUALITIES)}, url IS NOT NULL,"
                              f" industry IS NOT NULL, recent_days IS NOT NULL"
                              f" FROM bench.spec WHERE kind = '{kind}' AND n <= {count}")
        branches += [branch(session, kind, count, first_id, [flag == 't' for flag in shape], schema) for shape in shapes]
        first_id += count
    return '\nUNION ALL\n'.join(branches)


def branch(session, kind, count, first_id, shape, schema):
    used = [c for c, flag in zip(EQUALITIES, shape) if flag]
    has_url, has_industry, is_recent = shape[4:]
    sources = ['bench.spec AS s', f'{schema}.leads AS l']
    conditions = [f"s.kind = '{kind}'", f's.n <= {count}'] + RANGES + [f'l.{c} = s.{c}' for c in used]
    conditions += [f's.{c} IS NULL' for c in EQUALITIES if c not in used]
    if has_url:
        sources.append(f'(SELECT DISTINCT url, lead_id FROM {schema}.page_hits) AS h')
        conditions.append('h.url = s.url AND l.id = h.lead_id')
    if has_industry:
        sources.append(f'{schema}.companies_leads AS x JOIN {schema}.companies AS c ON c.id = x.company_id AND x.is_primary')
        conditions.append('c.companyindustry = s.industry AND l.id = x.lead_id')
    if is_recent:
        now = "(segments.now() AT TIME ZONE 'UTC')"
        conditions.append(f"l.last_active BETWEEN {now} - s.recent_days * interval '1 day' AND {now}")
    if not (used or has_url or has_industry):
        session.run(NARROW.format(schema=schema))
        sources[1] = 'pg_temp.narrow AS l'
        conditions.append('l.points >= s.points_from AND l.points < s.points_before')
    return (f'SELECT {first_id} + s.n AS segment_id, l.id AS contact_id FROM {", ".join(sources)}'
            f' WHERE {" AND ".join(conditions)}')


def differences(session, sets, schema='crm'):
    """How many memberships differ from what the specifications say."""
    return session.number(f"""
        SELECT count(*) FROM (SELECT segment_id, contact_id, true AS wanted FROM ({members_sql(session, sets, schema)}) AS w) AS w
        FULL JOIN (SELECT segment_id, contact_id, true AS stored FROM {schema}.leads_segment_member) AS m
        USING (segment_id, contact_id) WHERE wanted IS NULL OR stored IS NULL""")


def wrong(session, sets, schema='crm', sample=10):
    """Differences from the second opinion, and what segments.check() says of some segments."""
    return differences(session, sets, schema) + session.number(f"""
        SELECT count(*) FROM (SELECT id::text FROM segments.segment WHERE contact_table = '{schema}.leads'::regclass
                              ORDER BY hashint8(id) LIMIT {sample}) AS s, segments.check(s.id)""")


# ---------------------------------------------------------------------------
# Sets of segments
# ---------------------------------------------------------------------------

def reset(session):
    """No segments.  Not by DELETE, which does it properly and is not what is measured."""
    tables = [row[0] for row in session.rows(
        'SELECT unnest(ARRAY[member_table, override_table, change_table]) FROM segments.contact_table')]
    session.run(f"""
SET session_replication_role = replica;
DELETE FROM segments.segment_clock; DELETE FROM segments.segment_reference; DELETE FROM segments.segment;
TRUNCATE {', '.join(tables)};
SET session_replication_role = origin;
SELECT segments.invalidate(contact_table) FROM segments.contact_table;
VACUUM ANALYZE segments.segment; VACUUM ANALYZE segments.segment_clock""")


def insert_sql(kind, count, schema='crm', first_id=0, ready=False):
    """One INSERT … SELECT that creates a set; ready: as from a dump, its members are there."""
    names, values = 'id, contact_table, name, alias, filters', ''
    if ready:
        names, values = names + ', state, public_name, date_added', f", 'ready', '{kind} ' || n, now()"
    return (f"INSERT INTO segments.segment ({names}) SELECT {first_id} + n, '{schema}.leads', '{kind} ' || n,"
            f" '{kind}-' || n, bench.filters(s)::segments.filter{values}"
            f" FROM bench.spec AS s WHERE kind = '{kind}' AND n <= {count} ORDER BY n")


def install(session, sets, schema='crm'):
    """Only these sets of segments, ((kind, count), …), ready, with their members."""
    reset(session)
    first_id = 0
    for kind, count in sets:
        specify(session, kind, count)
        session.run(insert_sql(kind, count, schema, first_id, ready=True))
        first_id += count
    session.run(f'INSERT INTO {schema}.leads_segment_member (segment_id, contact_id)'
                f' SELECT segment_id, contact_id FROM ({members_sql(session, sets, schema)}) AS m ORDER BY 1, 2')
    session.run(f'SELECT segments.invalidate(contact_table) FROM segments.contact_table;'
                f' VACUUM ANALYZE {schema}.leads_segment_member; VACUUM ANALYZE segments.segment')
