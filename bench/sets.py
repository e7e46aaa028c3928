"""Sets of segments: what they ask, who belongs to them by plain SQL, installing them.

A segment is a row of bench.spec, from which its filters and, by plain joins,
its members are computed.  The joins are a second opinion on every result, and
install a set in seconds where building it is not what is being measured.
"""
import datetime
import random

import data

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


def window(pick, n):
    """A row group that moves with time: so many page hits in the last days, in one city."""
    return {'window_days': 1 + pick.randrange(700), 'hits': 1 + pick.randrange(4), 'city': f'City {pick.randrange(1000)}'}


def visited(pick, n):
    """Visitors of one page, which nobody has seen."""
    return {'url': f'https://www.example.com/unseen/{n}'}


def mentioned(pick, n):
    """Visitors of an address with a part that begins like every address, and that none has."""
    return {'url_part': f'/page/{n}/unseen'}


def counted(pick, n):
    """Contacts with so many page hits, more than anybody has."""
    return {'hits': 30 + n}


SPECIFIERS = {'dense': dense, 'sparse': sparse, 'range': range_only, 'event': event, 'company': company,
              'idle': idle, 'recent': recent, 'window': window, 'visited': visited, 'mentioned': mentioned,
              'counted': counted}
SPEC_COLUMNS = ('country', 'city', 'owner_id', 'stage_id', 'points_from', 'points_before', 'active_from',
                'active_before', 'added_from', 'added_before', 'url', 'url_part', 'industry', 'recent_days', 'window_days', 'hits')


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

# Every join reads the contacts: only what segments ask of them is copied for it.
NARROW = """
DROP TABLE IF EXISTS pg_temp.narrow;
CREATE TEMP TABLE narrow AS SELECT id, country, city, owner_id, stage_id, points, last_active, date_added FROM {schema}.leads;
ANALYZE pg_temp.narrow
"""
# A window of points is so many values, and each of them with a window of dates finds its contacts by an index.
WINDOWS = """
CREATE INDEX ON pg_temp.narrow (points, last_active);
CREATE INDEX ON pg_temp.narrow (points, date_added)
"""
WINDOW = """SELECT {first_id} + s.n AS segment_id, l.id AS contact_id
    FROM bench.spec AS s, generate_series(s.points_from, s.points_before - 1) AS value,
        LATERAL (SELECT id FROM pg_temp.narrow AS l WHERE l.points = value
            AND l.{column} >= s.{name}_from AND l.{column} < s.{name}_before OFFSET 0) AS l
    WHERE s.kind = 'range' AND s.n > {start} AND s.n <= {count} AND s.{name}_from IS NOT NULL"""

# So many page hits in the last days.
HITS = """SELECT {first_id} + s.n AS segment_id, l.id AS contact_id
    FROM bench.spec AS s JOIN pg_temp.narrow AS l ON l.city = s.city JOIN {schema}.page_hits AS h ON h.lead_id = l.id
    WHERE s.kind = 'window' AND s.n > {start} AND s.n <= {count}
        AND h.date_hit BETWEEN (segments.now() AT TIME ZONE 'UTC') - s.window_days * interval '1 day' AND (segments.now() AT TIME ZONE 'UTC')
    GROUP BY s.n, l.id, s.hits HAVING count(*) >= s.hits"""

# Contacts with the least number that is asked for, if any, are few.
COUNTED = """SELECT {first_id} + s.n AS segment_id, h.lead_id AS contact_id
    FROM bench.spec AS s JOIN (SELECT lead_id, count(*) AS n FROM {schema}.page_hits GROUP BY lead_id
        HAVING count(*) >= (SELECT min(hits) FROM bench.spec WHERE kind = 'counted')) AS h ON h.n >= s.hits
    WHERE s.kind = 'counted' AND s.n > {start} AND s.n <= {count}"""

# Addresses with such a part are few, if any.
MENTIONED = """SELECT DISTINCT {first_id} + s.n AS segment_id, h.lead_id AS contact_id
    FROM (SELECT lead_id, url FROM {schema}.page_hits WHERE url LIKE '%/unseen%' OFFSET 0) AS h
    JOIN bench.spec AS s ON position(s.url_part IN h.url) > 0 WHERE s.kind = 'mentioned' AND s.n > {start} AND s.n <= {count}"""


def members_sql(session, sets, schema, first_id=0):
    """A query for the (segment_id, contact_id) that sets mean: one join for all specifications of a shape.

    A set is (kind, count), or (kind, count, how many of them to leave out).
    The first segment has the id after first_id.
    """
    session.run(NARROW.format(schema=schema))
    branches = []
    for kind, count, *rest in sets:
        start = rest[0] if rest else 0
        if kind == 'range':
            session.run(WINDOWS)
            branches += [WINDOW.format(first_id=first_id, start=start, count=count, name=name, column=column)
                         for name, column in (('active', 'last_active'), ('added', 'date_added'))]
        elif kind == 'window':
            branches.append(HITS.format(first_id=first_id, start=start, count=count, schema=schema))
        elif kind == 'mentioned':
            branches.append(MENTIONED.format(first_id=first_id, start=start, count=count, schema=schema))
        elif kind == 'counted':
            branches.append(COUNTED.format(first_id=first_id, start=start, count=count, schema=schema))
        else:
            shapes = session.rows(f"SELECT DISTINCT {', '.join(f'{c} IS NOT NULL' for c in EQUALITIES)}, url IS NOT NULL,"
                                  f" industry IS NOT NULL, recent_days IS NOT NULL"
                                  f" FROM bench.spec WHERE kind = '{kind}' AND n > {start} AND n <= {count}")
            branches += [branch(kind, start, count, first_id, [flag == 't' for flag in shape], schema) for shape in shapes]
        first_id += count
    return '\nUNION ALL\n'.join(branches) or 'SELECT 0::bigint AS segment_id, 0::bigint AS contact_id WHERE false'


def branch(kind, start, count, first_id, shape, schema):
    used = [c for c, flag in zip(EQUALITIES, shape) if flag]
    has_url, has_industry, is_recent = shape[4:]
    sources = ['bench.spec AS s', 'pg_temp.narrow AS l']
    conditions = [f"s.kind = '{kind}'", f's.n > {start}', f's.n <= {count}'] + RANGES + [f'l.{c} = s.{c}' for c in used]
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
    return (f'SELECT {first_id} + s.n AS segment_id, l.id AS contact_id FROM {", ".join(sources)}'
            f' WHERE {" AND ".join(conditions)}')


DIGEST = 'SELECT count(*), sum(hashint8extended(contact_id, segment_id)) FROM ({}) AS m'


def differences(session, sets, schema='crm', first_id=0, table='leads_segment_member'):
    """How many memberships differ from what the specifications say: the second opinion.

    They are counted one by one only where count and sum of hashes differ.
    """
    wanted, stored = members_sql(session, sets, schema, first_id), f'SELECT segment_id, contact_id FROM {schema}.{table}'
    if session.rows(DIGEST.format(wanted)) == session.rows(DIGEST.format(stored)):
        return 0
    return session.number(f"""
        SELECT count(*) FROM (SELECT *, true AS wanted FROM ({wanted}) AS w) AS w
        FULL JOIN (SELECT *, true AS stored FROM ({stored}) AS m) AS m
        USING (segment_id, contact_id) WHERE wanted IS NULL OR stored IS NULL""")


def fingerprint(session, schema='crm'):
    """Counts and sums of hashes, of 64 bits each, of the members and of what segments ask of contacts."""
    return session.rows(f"""
        {DIGEST.format(f'SELECT segment_id, contact_id FROM {schema}.leads_segment_member')}
        UNION ALL
        SELECT count(*), sum(hash_record_extended(ROW(id, country, city, owner_id, stage_id, points, last_active, date_added), 0))
        FROM {schema}.leads""")


def check_some(session, schema='crm', sample=3):
    """What segments.check() finds in a few segments."""
    return session.number(f"""
        SELECT count(*) FROM (SELECT id::text FROM segments.segment WHERE contact_table = '{schema}.leads'::regclass
                              ORDER BY random() LIMIT {sample}) AS s, segments.check(s.id)""")


def wrong(session, sets, schema='crm'):
    """Differences from the second opinion, and what segments.check() says of some segments."""
    return differences(session, sets, schema) + check_some(session, schema)


# ---------------------------------------------------------------------------
# Sets of segments
# ---------------------------------------------------------------------------

def reset(session):
    """No segments.  Not by DELETE, which does it properly and is not what is measured."""
    tables = [row[0] for row in session.rows(
        'SELECT unnest(ARRAY[member_table, override_table, change_table]) FROM segments.contact_table')]
    session.run(f"""
SET session_replication_role = replica;
DELETE FROM segments.segment_clock; DELETE FROM segments.contact_clock; DELETE FROM segments.segment_reference; DELETE FROM segments.segment;
TRUNCATE {', '.join(tables)};
SET session_replication_role = origin;
SELECT segments_internal.invalidate(contact_table) FROM segments.contact_table;
VACUUM ANALYZE segments.segment; VACUUM ANALYZE segments.segment_clock""")


def insert_sql(kind, count, schema='crm', first_id=0, ready=False, start=0):
    """One INSERT … SELECT that creates a set; ready: as from a dump, its members are there."""
    names, values = 'id, contact_table, name, alias, filters', ''
    if ready:
        names, values = names + ', state, public_name, date_added', f", 'ready', '{kind} ' || n, now()"
    return (f"INSERT INTO segments.segment ({names}) SELECT {first_id} + n, '{schema}.leads', '{kind} ' || n,"
            f" '{schema}-{kind}-' || n, bench.filters(s)::segments.filter{values}"
            f" FROM bench.spec AS s WHERE kind = '{kind}' AND n > {start} AND n <= {count} ORDER BY n")


def extends(sets, installed):
    """Whether sets begin with what is installed: the same sets, the last of which may have grown if nothing follows."""
    if not installed or len(installed) > len(sets):
        return False
    kinds = [kind for kind, _ in installed] == [kind for kind, _ in sets[:len(installed)]]
    last = len(installed) - 1
    may_grow = len(installed) == len(sets)
    return kinds and all(old == new or (i == last and may_grow and old < new)
                         for i, ((_, old), (_, new)) in enumerate(zip(installed, sets)))


def install(session, sets, schema='crm', installed=None):
    """These sets of segments and no others, ((kind, count), …), ready, with their members; what is installed is kept if it is a part."""
    if not extends(sets, installed):
        reset(session)
        installed = ()
    add(session, [(kind, count, installed[i][1] if i < len(installed) else 0) for i, (kind, count) in enumerate(sets)], schema)


# Brought forward to now, and due at once.
CLOCKS = """INSERT INTO segments.segment_clock (segment_id, contact_table, evaluated_at, covered_until, next_move)
    SELECT id, contact_table, segments.now(), segments.now(), '-infinity' FROM segments.segment WHERE id > {first_id} AND id <= {last_id}"""


def add(session, parts, schema, first_id=0):
    """Segments and their members, ((kind, count, how many of these are there), …)."""
    start_id = first_id
    for kind, count, start in parts:
        specify(session, kind, count)
        session.run(insert_sql(kind, count, schema, start_id, ready=True, start=start))
        if kind in ('recent', 'window'):
            session.run(CLOCKS.format(first_id=start_id + start, last_id=start_id + count))
        start_id += count
    table = f'{schema}.leads_segment_member'
    wanted = members_sql(session, parts, schema, first_id)
    data.suspend_indexes(session, [table])
    session.run(f'INSERT INTO {table} (segment_id, contact_id) SELECT segment_id, contact_id FROM ({wanted}) AS m ORDER BY 1, 2')
    data.resume_indexes(session, [table])
    session.run(f'SELECT segments_internal.invalidate(contact_table) FROM segments.contact_table;'
                f' VACUUM ANALYZE {table}; VACUUM ANALYZE segments.segment')
