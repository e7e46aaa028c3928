"""Data of the Mautic shape, the same tables without segments, and sets of segments.

Schemas of the database: crm is the subject; plain holds identical tables that
nothing is attached to; loaded and plain_loaded hold empty contact tables for
COPY; bench holds specifications of segments, keys and flips.

A segment is a row of bench.spec, from which both its filters and, by plain
joins, its members are computed: the latter is the second opinion on every
result, and lets a set be installed in minutes where building it through the
extension is not what is being measured.
"""
import datetime
import random

KINDS = ('dense', 'sparse', 'range')

PREPARE = """
CREATE EXTENSION segments CASCADE;
SELECT segments.create_mautic_schema('plain');
SELECT segments.detach('plain.leads');
SELECT segments.create_mautic_schema('crm');
ALTER TABLE plain.leads SET (fillfactor = 70);
ALTER TABLE crm.leads SET (fillfactor = 70);
CREATE SCHEMA plain_loaded;
CREATE TABLE plain_loaded.leads (LIKE plain.leads INCLUDING ALL);
CREATE SCHEMA loaded;
CREATE TABLE loaded.leads (LIKE plain.leads INCLUDING ALL);
CREATE SCHEMA bench;
CREATE TABLE bench.spec (
    kind text, n integer, country text, city text, owner_id integer, stage_id integer,
    points_from integer, points_before integer, active_from timestamp, active_before timestamp,
    added_from timestamp, added_before timestamp, url text, recent_days integer, PRIMARY KEY (kind, n));
CREATE TABLE bench.key (n integer PRIMARY KEY, id bigint NOT NULL);
CREATE TABLE bench.flip (segment_id bigint NOT NULL, contact_id bigint NOT NULL, joined boolean NOT NULL);
CREATE TABLE plain.member (segment_id bigint NOT NULL, contact_id bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (segment_id, contact_id));
CREATE INDEX ON plain.member (contact_id, segment_id);
CREATE TABLE plain_loaded.member (LIKE plain.member INCLUDING ALL);

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
        || bench.item('last_active', 'datetime', 'inLast', s.recent_days || ' days')
$$;
"""

# setseed makes the data the same every time.
CONTACTS = """
SELECT setseed(0.5);
INSERT INTO plain.leads (id, owner_id, stage_id, date_added, points, last_active, date_identified, title, firstname,
    lastname, company, position, email, phone, address1, city, state, zipcode, timezone, country, preferred_locale,
    attribution, website)
SELECT n, 1 + floor(random() * 100), 1 + floor(random() * 10),
    timestamp '2024-11-01' + random() * interval '730 days', floor(random() * 1000),
    timestamp '2024-11-01' + random() * interval '730 days',
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
-- companies 1 to 4 are large: 10, 100, 1,000 and 10,000 contacts at most
INSERT INTO plain.companies_leads (company_id, lead_id, is_primary)
SELECT CASE WHEN n <= 10 THEN 1 WHEN n <= 110 THEN 2 WHEN n <= 1110 THEN 3 WHEN n <= 11110 THEN 4
            ELSE 5 + floor(random() * ({companies} - 5)) END, n, true
FROM generate_series(1, {contacts}) AS n;
INSERT INTO plain.page_hits (lead_id, date_hit, url, url_title, referer, source, page_id, user_agent)
SELECT 1 + floor(random() * {contacts}), timestamp '2024-11-01' + random() * interval '730 days',
    'https://www.example.com/page/' || floor(random() * 10000), 'Title ' || floor(random() * 10000),
    'https://search.example/' || floor(random() * 100), 'direct', 1 + floor(random() * 100), 'Mozilla/5.0'
FROM generate_series(1, {hits});
ALTER SEQUENCE plain.page_hits_id_seq RESTART {next_hit};
"""


def columns(session, table):
    """Columns that can be written."""
    return ', '.join(row[0] for row in session.rows(
        f"SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = '{table}'::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"))


def copy_table(session, source, target, order='1'):
    names = columns(session, source)
    session.run(f'INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {source} ORDER BY {order}')


def build(session, contacts):
    """Everything but segments."""
    session.run(PREPARE)
    session.run(CONTACTS.format(contacts=contacts, companies=max(contacts // 5, 10), hits=contacts * 3, next_hit=contacts * 3 + 1))
    for name in ('leads', 'companies', 'companies_leads', 'page_hits'):
        copy_table(session, f'plain.{name}', f'crm.{name}')
    session.run(f"ALTER SEQUENCE crm.page_hits_id_seq RESTART {contacts * 3 + 1}")
    session.run(f"""
SELECT setseed(0.25);
INSERT INTO crm.email_stats (email_id, lead_id, email_address, date_sent, is_read, date_read, open_count)
SELECT 1 + floor(random() * 200), lead, 'contact' || lead || '@example.com', sent, is_read,
    CASE WHEN is_read THEN sent + interval '1 hour' END, CASE WHEN is_read THEN 1 ELSE 0 END
FROM (SELECT 1 + floor(random() * {contacts})::bigint AS lead, random() < 0.3 AS is_read,
             timestamp '2024-11-01' + random() * interval '730 days' AS sent
      FROM generate_series(1, {contacts * 3})) AS mail;
INSERT INTO bench.key SELECT row_number() OVER (), id
FROM (SELECT id FROM plain.leads ORDER BY hashint8(id), id LIMIT {min(20000, contacts)}) AS k;
""")
    session.run('VACUUM ANALYZE')


def specify(session, kind, count):
    """Rows of bench.spec; the first ones of a larger set are those of a smaller one."""
    if session.number(f"SELECT count(*) FROM bench.spec WHERE kind = '{kind}'") >= count:
        return
    pick = random.Random(kind)
    lines = []
    for n in range(1, count + 1):
        lines.append(SPECIFIERS[kind](pick, n))
    session.run(f"DELETE FROM bench.spec WHERE kind = '{kind}'")
    for start in range(0, count, 1000):
        values = ',\n'.join(
            '(' + ', '.join([f"'{kind}'", str(start + i + 1)] + [literal(spec.get(c)) for c in SPEC_COLUMNS]) + ')'
            for i, spec in enumerate(lines[start:start + 1000]))
        session.run(f"INSERT INTO bench.spec (kind, n, {', '.join(SPEC_COLUMNS)}) VALUES {values}")
    session.run('ANALYZE bench.spec')


SPEC_COLUMNS = ('country', 'city', 'owner_id', 'stage_id', 'points_from', 'points_before', 'active_from',
                'active_before', 'added_from', 'added_before', 'url', 'recent_days')


def literal(value):
    if value is None:
        return 'NULL'
    return str(value) if isinstance(value, int) else f"'{value}'"


def points(pick):
    """Thresholds are multiples of 5, so that a value may move without crossing one."""
    return 5 * pick.randrange(200)


def day(pick):
    return f'{2024 + pick.randrange(3)}-{1 + pick.randrange(12):02}-{1 + pick.randrange(28):02} 00:00:00'


def equality(pick, names):
    values = {'country': f'Country {pick.randrange(50)}', 'city': f'City {pick.randrange(1000)}',
              'owner_id': 1 + pick.randrange(100), 'stage_id': 1 + pick.randrange(10)}
    return {name: values[name] for name in names}


def dense(pick, n):
    """An equality, a range of points, a range of dates: 1 % of the contacts; from 1,000 on a second equality."""
    names = pick.sample(('country', 'city', 'owner_id', 'stage_id'), 1 if n <= 1000 else 2)
    spec = equality(pick, names)
    spec[pick.choice(('points_from', 'points_before'))] = points(pick)
    spec[pick.choice(('active_from', 'active_before', 'added_from', 'added_before'))] = day(pick)
    return spec


def sparse(pick, n):
    """Two equalities that together hold for one contact in 100,000, and a range."""
    spec = equality(pick, ('city', 'owner_id'))
    spec[pick.choice(('points_from', 'points_before'))] = points(pick)
    return spec


def range_only(pick, n):
    """No equality: windows of points and of dates, 1 in 2,500 contacts."""
    start = points(pick)
    first = pick.randrange(710)
    name = pick.choice(('active', 'added'))
    return {'points_from': start, 'points_before': start + 20,
            name + '_from': date_after(first), name + '_before': date_after(first + 15)}


def date_after(days):
    return str(datetime.datetime(2024, 11, 1) + datetime.timedelta(days=days))


def event(pick, n):
    """Visitors of one page with enough points."""
    return {'url': f'https://www.example.com/page/{n}', 'points_from': points(pick)}


def recent(pick, n):
    """Moves with time: active in the last days, in one of the countries."""
    return {'recent_days': 1 + pick.randrange(700), 'country': f'Country {pick.randrange(50)}', 'points_from': points(pick)}


SPECIFIERS = {'dense': dense, 'sparse': sparse, 'range': range_only, 'event': event, 'recent': recent}


# Which contacts a specification means, in plain SQL: one join for all
# specifications with the same equalities.
EQUALITIES = ('country', 'city', 'owner_id', 'stage_id')
RANGES = """(s.points_from IS NULL OR l.points >= s.points_from) AND (s.points_before IS NULL OR l.points < s.points_before)
 AND (s.active_from IS NULL OR l.last_active >= s.active_from) AND (s.active_before IS NULL OR l.last_active < s.active_before)
 AND (s.added_from IS NULL OR l.date_added >= s.added_from) AND (s.added_before IS NULL OR l.date_added < s.added_before)"""


def members_sql(session, leads, first_id, kind, count):
    """A query for (segment_id, contact_id), independent of the extension."""
    branches = []
    session.run(NARROW.format(leads=leads))
    for row in session.rows(f"SELECT DISTINCT {', '.join(f'{c} IS NOT NULL' for c in EQUALITIES)}, url IS NOT NULL,"
                            f" recent_days IS NOT NULL FROM bench.spec WHERE kind = '{kind}' AND n <= {count}"):
        used = [c for c, flag in zip(EQUALITIES, row) if flag == 't']
        shape = ' AND '.join(f"s.{c} IS {'NOT ' if c in used else ''}NULL" for c in EQUALITIES)
        conditions = [f"s.kind = '{kind}'", f's.n <= {count}', shape, RANGES] + [f'l.{c} = s.{c}' for c in used]
        source = f'{leads} AS l'
        if row[4] == 't':
            source += f", (SELECT DISTINCT url, lead_id FROM {leads.split('.')[0]}.page_hits) AS h"
            conditions.append('h.url = s.url AND l.id = h.lead_id')
        if row[5] == 't':
            conditions.append("l.last_active >= (segments.now() AT TIME ZONE 'UTC') - s.recent_days * interval '1 day'")
        if not used and row[4] == 'f':
            source = 'pg_temp.narrow AS l'
            conditions.append('l.points >= s.points_from AND l.points < s.points_before')
        branches.append(f'SELECT {first_id} + s.n AS segment_id, l.id AS contact_id FROM bench.spec AS s, {source}'
                        f' WHERE {" AND ".join(conditions)}')
    return '\nUNION ALL\n'.join(branches)


# Windows of points find their contacts by an index that the tables themselves don't have.
NARROW = """
DROP TABLE IF EXISTS pg_temp.narrow;
CREATE TEMP TABLE narrow AS SELECT id, points, last_active, date_added FROM {leads};
CREATE INDEX ON pg_temp.narrow (points, last_active) INCLUDE (id, date_added);
VACUUM ANALYZE pg_temp.narrow;
"""

RESET = """
SET session_replication_role = replica;
DELETE FROM segments.segment_clock; DELETE FROM segments.segment_reference; DELETE FROM segments.segment;
TRUNCATE {members};
SET session_replication_role = origin;
SELECT segments.invalidate(contact_table) FROM segments.contact_table;
VACUUM ANALYZE segments.segment;
"""


def reset(session):
    """No segments.  Not DELETE, which does it properly and isn't what is measured."""
    tables = [row[0] for row in session.rows(
        'SELECT unnest(ARRAY[member_table, override_table, change_table]) FROM segments.contact_table')]
    session.run(RESET.format(members=', '.join(tables)))


def insert_sql(kind, count, contact_table, first_id=0, state=None):
    """One INSERT … SELECT that creates a set."""
    return (f"INSERT INTO segments.segment (id, contact_table, name, alias, filters{', state, public_name, date_added' if state else ''})"
            f" SELECT {first_id} + n, '{contact_table}', '{kind} ' || n, '{kind}-' || n, bench.filters(s)::segments.filter"
            + (f", '{state}', '{kind} ' || n, now()" if state else '') +
            f" FROM bench.spec AS s WHERE kind = '{kind}' AND n <= {count} ORDER BY n")


def install(session, sets, schema='crm'):
    """Only these sets of segments, ready, with their members: ((kind, count), …)."""
    reset(session)
    first_id = 0
    for kind, count in sets:
        specify(session, kind, count)
        session.run(insert_sql(kind, count, f'{schema}.leads', first_id, 'ready'))
        session.run(f'INSERT INTO {schema}.leads_segment_member (segment_id, contact_id)'
                    f' SELECT segment_id, contact_id FROM ({members_sql(session, schema + ".leads", first_id, kind, count)}) AS m'
                    ' ORDER BY 1, 2')
        first_id += count
    session.run(f'SELECT segments.invalidate(contact_table) FROM segments.contact_table;'
                f' VACUUM ANALYZE {schema}.leads_segment_member; VACUUM ANALYZE segments.segment')


def differences(session, sets, schema='crm'):
    """How many memberships differ from what the specifications say."""
    first_id, queries = 0, []
    for kind, count in sets:
        queries.append(members_sql(session, schema + '.leads', first_id, kind, count))
        first_id += count
    wanted = '\nUNION ALL\n'.join(queries)
    return session.number(f"""
        SELECT count(*) FROM (SELECT segment_id, contact_id, true AS w FROM ({wanted}) AS a) AS w
        FULL JOIN (SELECT segment_id, contact_id, true AS m FROM {schema}.leads_segment_member) AS m
        USING (segment_id, contact_id) WHERE w.w IS NULL OR m.m IS NULL""")
