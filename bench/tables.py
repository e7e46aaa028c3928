"""Whole tables of Mautic's shape: fourteen segments as people make them, created together and one by one (T20), checked (T31),
kept while page hits come (T30).

They ask of the contact's columns, of visits, mails, tags and companies, and of
each other.  Each is written twice: as a filter, and as a person would write it
in SQL, with one grouped pass where many contacts' related rows are asked.  The
second is the floor, and the second opinion.
"""
import json

import sets
from harness import Work

CLOCK = '2026-10-15 12:00:00+00'
TAGS = 20

FILL = f"""
INSERT INTO crm.lead_tags (id, tag) SELECT n, 'tag ' || n FROM generate_series(1, {TAGS}) AS n ON CONFLICT DO NOTHING;
INSERT INTO crm.lead_tags_xref (lead_id, tag_id)
SELECT id, 1 + (hashint8(id) & 65535) % {TAGS} FROM crm.leads WHERE id % 2 = 0
UNION SELECT id, 1 + (hashint8(id + 1) & 65535) % {TAGS} FROM crm.leads WHERE id % 3 = 0 ON CONFLICT DO NOTHING;
VACUUM ANALYZE crm.lead_tags_xref"""


def condition(field, type, operator, value, object='lead', glue='and'):
    return {'glue': glue, 'object': object, 'field': field, 'type': type, 'operator': operator, 'properties': {'filter': value}}


# name, filter, the condition by hand over crm.leads AS l; {n}: the id of segment n of these
SEGMENTS = (
    ('country', [condition('country', 'country', 'in', ['Country 1', 'Country 2', 'Country 3'])],
     "l.country IN ('Country 1', 'Country 2', 'Country 3')"),
    ('text', [condition('email', 'email', 'contains', '7@example5')], "l.email ILIKE '%7@example5%'"),
    ('added lately', [condition('date_added', 'datetime', 'gte', '-90 days')],
     "l.date_added >= timestamp '2026-10-15' - interval '90 days'"),
    ('asleep', [condition('last_active', 'datetime', 'lt', '2025-06-01'), condition('points', 'number', 'gte', '500')],
     "l.last_active < '2025-06-01' AND l.points >= 500"),
    ('identified', [condition('date_identified', 'datetime', '!empty', ''), condition('title', 'text', '=', 'Dr')],
     "l.date_identified IS NOT NULL AND l.title = 'Dr'"),
    ('reads mails', [condition('lead_email_read_count', 'number', 'gte', '2', 'behaviors')],
     'l.id IN (SELECT lead_id FROM crm.email_stats GROUP BY lead_id HAVING sum(open_count) >= 2)'),
    ('sessions', [condition('sessions', 'number', 'gte', '5', 'behaviors')],
     'l.id IN (SELECT lead_id FROM (SELECT lead_id, email_id, redirect_id, date_hit,'
     ' lag(date_hit) OVER (PARTITION BY lead_id ORDER BY date_hit) AS before FROM crm.page_hits) AS h'
     " WHERE email_id IS NULL AND redirect_id IS NULL AND (before IS NULL OR before <= date_hit - interval '30 minutes')"
     ' GROUP BY lead_id HAVING count(*) >= 5)'),
    ('visitors', [condition('hit_url', 'text', 'contains', '/page/12', 'behaviors'),
                  condition('hit_url_date', 'datetime', 'gte', '2026-06-01', 'behaviors')],
     "l.id IN (SELECT lead_id FROM crm.page_hits WHERE url ILIKE '%/page/12%')"
     " AND l.id IN (SELECT lead_id FROM crm.page_hits WHERE date_hit >= '2026-06-01')"),
    ('tagged', [condition('tags', 'tags', 'in', ['1', '2', '3'])],
     'l.id IN (SELECT lead_id FROM crm.lead_tags_xref WHERE tag_id IN (1, 2, 3))'),
    ('untagged', [condition('tags', 'tags', '!in', ['4', '5']), condition('country', 'country', '=', 'Country 9')],
     "l.id NOT IN (SELECT lead_id FROM crm.lead_tags_xref WHERE tag_id IN (4, 5)) AND l.country = 'Country 9'"),
    ('company', [condition('companyindustry', 'select', '=', 'Industry 3', 'company')],
     'l.id IN (SELECT x.lead_id FROM crm.companies_leads AS x JOIN crm.companies AS c ON c.id = x.company_id'
     " WHERE x.is_primary AND c.companyindustry = 'Industry 3')"),
    ('referring', [condition('leadlist', 'leadlist', 'in', ['{1}']), condition('points', 'number', 'lt', '300')],
     "l.country IN ('Country 1', 'Country 2', 'Country 3') AND l.points < 300"),
    ('but not', [condition('leadlist', 'leadlist', 'in', ['{4}']), condition('leadlist', 'leadlist', '!in', ['{9}'])],
     "l.last_active < '2025-06-01' AND l.points >= 500"
     ' AND l.id NOT IN (SELECT lead_id FROM crm.lead_tags_xref WHERE tag_id IN (1, 2, 3))'),
    ('or', [condition('country', 'country', '=', 'Country 11'), condition('tags', 'tags', 'in', ['7'], glue='or'),
            condition('lead_email_read_count', 'number', 'gte', '5', 'behaviors', 'or'),
            condition('points', 'number', 'gte', '990', glue='or')],
     "l.country = 'Country 11' OR l.points >= 990 OR l.id IN (SELECT lead_id FROM crm.lead_tags_xref WHERE tag_id = 7)"
     ' OR l.id IN (SELECT lead_id FROM crm.email_stats GROUP BY lead_id HAVING sum(open_count) >= 5)'),
)


def filters(n):
    text = json.dumps(SEGMENTS[n][1]).replace("'", "''")
    for other in range(len(SEGMENTS)):
        text = text.replace('{%d}' % (other + 1), str(other + 1))
    return text


def value(n):
    return f"({n + 1}, 'crm.leads', '{SEGMENTS[n][0]}', 'whole-{n + 1}', '{filters(n)}')"


INSERT = 'INSERT INTO segments.segment (id, contact_table, name, alias, filters) VALUES '
TOGETHER = INSERT + ', '.join(value(n) for n in range(len(SEGMENTS)))
ONE_BY_ONE = '; '.join(INSERT + value(n) for n in range(len(SEGMENTS)))
BY_HAND = '; '.join(f'INSERT INTO plain.member (segment_id, contact_id) SELECT {n + 1}, l.id FROM crm.leads AS l WHERE {by_hand}'
                    for n, (_, _, by_hand) in enumerate(SEGMENTS))
SAME = """SELECT count(*) FROM (SELECT segment_id, contact_id FROM crm.leads_segment_member) AS s
    FULL JOIN (SELECT segment_id, contact_id FROM plain.member) AS h USING (segment_id, contact_id)
    WHERE s IS NULL OR h IS NULL"""


def no_members_by_hand(session):
    session.run('TRUNCATE plain.member')


def set_up(bench):
    """Tags, and the clock that relative dates are seen by; the floor."""
    bench.forget()
    bench.session.run(FILL)
    bench.session.run(f"SET segments.now = '{CLOCK}'")
    return Work(BY_HAND, before=no_members_by_hand)


def tidy_up(bench):
    bench.session.run("SET segments.now = ''")
    bench.forget()
    sets.reset(bench.session)
    no_members_by_hand(bench.session)


def add_time(bench, target, key, work, comparison, wrong):
    """The goals are times, of a million contacts; what it is by hand is told beside them."""
    bench.add(target, key, work, comparison.subject, 8 * bench.options.contacts / 1e6, 'time', comparison, wrong=wrong,
              note=f'{comparison.ratios[0]:.2f} times INSERT … SELECT of each by hand')


def create(bench):
    """T20: creating them, in one statement and one by one."""
    floor = set_up(bench)
    for key, what, statement in (('together', 'in one statement', TOGETHER), ('one by one', 'one by one', ONE_BY_ONE)):
        comparison = bench.compare(Work(statement, before=sets.reset), floor)
        bench.session.run(f'TRUNCATE plain.member; {BY_HAND}')
        add_time(bench, 'T20', f'T20 {key}', f'creating {len(SEGMENTS)} segments of many kinds {what}', comparison,
                 bench.session.number(SAME))
    tidy_up(bench)


def check(bench):
    """T31: segments.check() of all of them."""
    floor = set_up(bench)
    sets.reset(bench.session)
    bench.session.run(TOGETHER)
    comparison = bench.compare(Work('SELECT count(*) FROM segments.check()'), floor)
    add_time(bench, 'T31', 'T31', f'check() of these {len(SEGMENTS)}', comparison,
             bench.session.number('SELECT count(*) FROM segments.check()'))
    tidy_up(bench)


# Page hits of a day on which three in ten contacts come, one after the other.
COMING = """
CREATE TABLE IF NOT EXISTS bench.hit AS
SELECT 1 + (hashint8(n) & 2147483647) % {contacts} AS lead_id, timestamp '2026-10-15' + n * (interval '12 hours' / {hits}) AS date_hit,
    'https://www.example.com/page/' || (hashint8(n + {hits}) & 2147483647) % 10000 AS url
FROM generate_series(1, {hits}) AS n"""
INSERT_HITS = """INSERT INTO {schema}.page_hits (lead_id, date_hit, url, url_title, page_id)
    SELECT lead_id, date_hit, url, 'Title', 1 FROM bench.hit"""


def page_hits(bench):
    """T30: page hits in one statement, two of the segments reading them."""
    session, contacts = bench.session, bench.options.contacts
    hits = contacts * 3 // 10
    set_up(bench)
    sets.reset(session)
    session.run(TOGETHER)
    session.run(COMING.format(contacts=contacts, hits=hits))
    works = [Work('BEGIN; ' + INSERT_HITS.format(schema=schema), after=f'ROLLBACK; VACUUM {schema}.page_hits; VACUUM {schema}.leads')
             for schema in ('crm', 'plain')]
    comparison = bench.compare(*works)
    session.run(f"BEGIN; {INSERT_HITS.format(schema='crm')}; TRUNCATE plain.member; {BY_HAND}")
    wrong = session.number(SAME)
    session.run('ROLLBACK')
    bench.ratio('T30', 'T30', f'INSERT … SELECT of {hits:,} page hits with these {len(SEGMENTS)}, two of which read them ÷ plain', 1.5,
                comparison, wrong=wrong)
    tidy_up(bench)
