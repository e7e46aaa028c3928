"""The cases: one function for each target of the design, T1 to T16, and one for creating segments.

Each takes a Bench and reports Results.  Work is measured on schema crm, where
segments are kept, and on schema plain, where the same tables have none.  What
changes rows changes them back, so that every round starts from the same.
"""
import os
import statistics
import subprocess
import tempfile

import data
from harness import FreshWork, Session, Work, compare, profile

BULK = 100000                   # rows of a bulk UPDATE, where there are as many
LOOP_ROWS = 20000               # statements of a loop


class Result:
    """A line of the report.

    kind is ratio, excess (seconds over the floor, shown in ms), size (bytes)
    or time (seconds).  goal None: measured for its own sake.
    """

    def __init__(self, target, work, values, goal=None, kind='ratio', comparison=None, count=1, wrong=None, note=''):
        self.target, self.work, self.values, self.goal, self.kind = target, work, values, goal, kind
        self.comparison, self.count, self.wrong, self.note = comparison, count, wrong, note
        self.profile = ''

    @property
    def is_met(self):
        return self.values[0] <= self.goal if self.target != 'T14' else self.values[0] >= self.goal


class Bench:
    def __init__(self, session, options, report):
        self.session, self.options, self.report = session, options, report
        self.installed = None

    def install(self, *sets):
        if self.installed != sets:
            self.installed = None
            data.install(self.session, sets)
            self.installed = sets

    def wrong(self):
        return data.wrong(self.session, self.installed)

    def compare(self, subject, floor, rounds=None):
        comparison = compare(self.session, subject, floor, rounds or self.options.rounds, self.options.patience)
        comparison.subject_work = subject
        return comparison

    def ratio(self, target, work, goal, comparison, count=1, wrong=None, note=''):
        if wrong is None and not comparison.timed_out:
            wrong = self.wrong()
        if comparison.timed_out:
            self.installed = None
        self.add(Result(target, work, comparison.ratios, goal, 'ratio', comparison, count, wrong, note))

    def add(self, result):
        """Report, and say where the time goes when the target was missed."""
        comparison = result.comparison
        if self.options.profile and result.goal and comparison and not comparison.timed_out and not result.is_met:
            result.profile = profile(self.session, comparison.subject_work)
        self.report(result)

    def main_kind(self):
        return self.options.kinds[0]


# ---------------------------------------------------------------------------
# Pieces
# ---------------------------------------------------------------------------

LOOP = """DO $$
DECLARE
    k bigint;
BEGIN
    FOR k IN SELECT id FROM bench.key ORDER BY n LOOP
        {statement}
    END LOOP;
END $$"""
ONE_ROW = 'UPDATE {schema}.leads SET {change} WHERE id = k;'

# VACUUM can make backends compile segments again, so a write follows that isn't measured.
TIDY = 'VACUUM {schema}.leads; VACUUM {member}; UPDATE {schema}.leads SET points = points WHERE id = 1'
FORGET = 'TRUNCATE crm.leads_segment_change'


def tidy(schema):
    member = 'plain.member' if schema == 'plain' else f'{schema}.leads_segment_member'
    return TIDY.format(schema=schema, member=member)


def choose_keys(bench, condition='true', count=LOOP_ROWS, repeat=0):
    """The contacts of a loop, in no order; how many.  repeat: the same ones again until there are that many."""
    bench.session.run(f"""TRUNCATE bench.key;
        INSERT INTO bench.key SELECT row_number() OVER (ORDER BY hashint8(id), id), id FROM (
            SELECT id FROM crm.leads WHERE {condition} ORDER BY hashint8(id), id LIMIT {count}) AS k;
        INSERT INTO bench.key SELECT count + n, (SELECT id FROM bench.key AS k WHERE k.n = 1 + (s.n - 1) % count)
        FROM (SELECT count(*) FROM bench.key) AS c, generate_series(1, {repeat} - count) AS s (n) WHERE count > 0;
        VACUUM ANALYZE bench.key""")
    return bench.session.number('SELECT count(*) FROM bench.key')


def there_and_back(schema, there, back):
    return ';\n'.join(LOOP.format(statement=ONE_ROW.format(schema=schema, change=change)) for change in (there, back))


def compare_one_row(bench, there, back):
    """One-row UPDATEs in a loop, with segments against plain."""
    return bench.compare(*(Work(there_and_back(schema, there, back), before=tidy(schema)) for schema in ('crm', 'plain')))


# Points that can grow by one or two without reaching a threshold.
STEADY = 'points % 5 BETWEEN 1 AND 2'


# ---------------------------------------------------------------------------
# Changes of contacts
# ---------------------------------------------------------------------------

def t1(bench):
    """UPDATE of one contact that flips nothing."""
    for kind in bench.options.kinds:
        bench.install((kind, bench.options.segments))
        for what, there, back in (('points change', 'points = points + 1', 'points = points - 1'),
                                  ('a column changes that no segment reads', "fax = '1'", 'fax = NULL')):
            count = choose_keys(bench, STEADY)
            bench.ratio('T1', f'UPDATE of one contact, {what}; {bench.options.segments:,} {kind} segments ÷ plain', 1.12,
                        compare_one_row(bench, there, back), 2 * count)


def t2(bench):
    """How that grows with the number of segments: both as multiples of the plain UPDATE of their own time."""
    kind, runs = bench.main_kind(), []
    for segments in (100, bench.options.many):
        bench.install((kind, segments))
        count = choose_keys(bench, STEADY)
        runs.append(compare_one_row(bench, 'points = points + 1', 'points = points - 1'))
    few, many = runs
    bench.add(Result('T2', f'UPDATE of one contact, points change; {bench.options.many:,} {kind} segments ÷ 100',
                        tuple(m / f for m, f in zip(many.ratios, few.ratios)), 1.05, 'ratio', many, 2 * count, bench.wrong(),
                        f'÷ plain: {many.ratios[0]:.2f} and {few.ratios[0]:.2f}'))


BY_HAND = """DO $$
DECLARE
    k record;
    s bigint;
BEGIN
    FOR k IN SELECT id, joins, leaves FROM bench.key_flip ORDER BY n LOOP
        UPDATE plain.leads SET {change} WHERE id = k.id;
        FOREACH s IN ARRAY k.{joins} LOOP
            INSERT INTO plain.member (segment_id, contact_id) VALUES (s, k.id);
        END LOOP;
        FOREACH s IN ARRAY k.{leaves} LOOP
            DELETE FROM plain.member WHERE segment_id = s AND contact_id = k.id;
        END LOOP;
    END LOOP;
END $$"""


def record_flips(bench, there, back):
    """What a change flips, from the log, into bench.flip; and the plain side gets the same members."""
    bench.session.run(FORGET)
    bench.session.run(there)
    bench.session.run("""TRUNCATE bench.flip;
        INSERT INTO bench.flip SELECT segment_id, contact_id, joined FROM crm.leads_segment_change ORDER BY 1, 2;
        DROP TABLE IF EXISTS bench.key_flip;
        CREATE TABLE bench.key_flip AS SELECT k.n, k.id,
            coalesce(array_agg(f.segment_id) FILTER (WHERE f.joined), '{}') AS joins,
            coalesce(array_agg(f.segment_id) FILTER (WHERE NOT f.joined), '{}') AS leaves
        FROM bench.key AS k LEFT JOIN bench.flip AS f ON f.contact_id = k.id GROUP BY k.n, k.id;
        VACUUM ANALYZE bench.key_flip; VACUUM ANALYZE bench.flip""")
    bench.session.run(back)
    bench.session.run(f"""{FORGET}; TRUNCATE plain.member;
        INSERT INTO plain.member SELECT segment_id, contact_id, since FROM crm.leads_segment_member ORDER BY 1, 2;
        VACUUM ANALYZE plain.member""")
    return bench.session.number('SELECT count(*) FROM bench.flip')


def t3(bench):
    """UPDATE of one contact with flips, against the UPDATE and prepared INSERTs and DELETEs of the same members."""
    kind, segments = bench.main_kind(), bench.options.segments
    small, large = ('points = points + 10', 'points = points - 10'), \
        ('points = (points + 370) % 1000', 'points = (points + 630) % 1000')
    for count, (there, back), keys in [(count, *work) for count in sorted({min(1000, segments), segments})
                                       for work in ((small, LOOP_ROWS), (large, 2000))]:
        bench.install((kind, count))
        keys = choose_keys(bench, count=keys)
        loops = [LOOP.format(statement=ONE_ROW.format(schema='crm', change=change)) for change in (there, back)]
        flips = record_flips(bench, *loops)
        floor = (BY_HAND.format(change=there, joins='joins', leaves='leaves') + ';\n'
                 + BY_HAND.format(change=back, joins='leaves', leaves='joins'))
        comparison = bench.compare(Work(';\n'.join(loops), before=tidy('crm'), after=FORGET), Work(floor, before=tidy('plain')))
        bench.ratio('T3', f'UPDATE of one contact, {flips / keys:.2f} flips; {count:,} {kind} segments'
                    ' ÷ UPDATE + the same members by hand', 1.0, comparison, 2 * keys)


def bulk_condition(bench):
    """One contact in so many that BULK of them change; how many do."""
    share = max(bench.options.contacts // BULK, 1)
    condition = f'id % {share} = 0'
    return condition, bench.session.number(f'SELECT count(*) FROM crm.leads WHERE {condition}')


def bulk(schema, condition, there, back):
    return f'UPDATE {schema}.leads SET {there} WHERE {condition}; UPDATE {schema}.leads SET {back} WHERE {condition}'


def t4(bench):
    """UPDATE of many contacts that flips nothing."""
    condition, count = bulk_condition(bench)
    # each contact moves within the interval between two thresholds
    steps = ('points = points - points % 5 + (points + 1) % 5', 'points = points - points % 5 + (points + 4) % 5')
    for kind in bench.options.kinds:
        bench.install((kind, bench.options.segments))
        for what, there, back in (('points change',) + steps,
                                  ('a column changes that no segment reads', "fax = '1'", 'fax = NULL')):
            comparison = bench.compare(*(Work(bulk(schema, condition, there, back), before=tidy(schema))
                                         for schema in ('crm', 'plain')))
            bench.ratio('T4', f'UPDATE of {count:,} contacts, {what}; {bench.options.segments:,} {kind} segments ÷ plain', 1.22,
                        comparison, 2)


MEMBERS_BY_HAND = """UPDATE plain.leads SET {change} WHERE {condition};
    DELETE FROM plain.member AS m USING bench.flip AS f
    WHERE m.segment_id = f.segment_id AND m.contact_id = f.contact_id AND f.joined = {leaves};
    INSERT INTO plain.member (segment_id, contact_id) SELECT segment_id, contact_id FROM bench.flip WHERE joined = {joins}"""


def t5(bench):
    """UPDATE of many contacts with flips, against the UPDATE, a DELETE and an INSERT … SELECT."""
    count = min(1000, bench.options.segments)
    condition, rows = bulk_condition(bench)
    there, back = 'points = (points + 150) % 1000', 'points = (points + 850) % 1000'
    bench.install(('dense', count))
    choose_keys(bench, count=1)
    flips = record_flips(bench, *(f'UPDATE crm.leads SET {change} WHERE {condition}' for change in (there, back)))
    floor = ';\n'.join(MEMBERS_BY_HAND.format(change=change, condition=condition, joins=joins, leaves=leaves)
                       for change, joins, leaves in ((there, 'true', 'false'), (back, 'false', 'true')))
    comparison = bench.compare(Work(bulk('crm', condition, there, back), before=tidy('crm'), after=FORGET),
                               Work(floor, before=tidy('plain')))
    bench.ratio('T5', f'UPDATE of {rows:,} contacts, {flips / rows:.1f} flips each; {count:,} dense segments'
                ' ÷ UPDATE + the same members by hand', 0.6, comparison, 2)


# ---------------------------------------------------------------------------
# COPY
# ---------------------------------------------------------------------------

def t6(bench):
    copy(bench, 'T6', 'dense', 100, 0.92, True)
    copy(bench, 'T6', 'dense', 1000, 0.60, True)


def t7(bench):
    copy(bench, 'T7', 'sparse', bench.options.segments, 1.8, False)


def copy(bench, target, kind, count, goal, by_hand):
    """COPY into an empty contact table that has segments."""
    session = bench.session
    bench.installed = None
    data.reset(session)
    names, path = contact_file(bench)
    session.run("TRUNCATE loaded.leads; SELECT segments.attach_mautic_schema('loaded')")
    try:
        data.specify(session, kind, count)
        session.run(data.insert_sql(kind, count, 'loaded', ready=True))
        session.run('SELECT segments.invalidate(contact_table) FROM segments.contact_table')
        subject = f"COPY loaded.leads ({names}) FROM '{path}'"
        floor = f"COPY plain_loaded.leads ({names}) FROM '{path}'"
        empty = 'TRUNCATE loaded.leads; TRUNCATE loaded.leads_segment_change'
        session.run(empty)
        session.run(subject)
        wrong = data.wrong(session, ((kind, count),), 'loaded')
        members = session.number('SELECT count(*) FROM loaded.leads_segment_member')
        what = f'COPY of {bench.options.contacts:,} contacts, {members:,} members; {count:,} {kind} segments ÷ plain COPY'
        if by_hand:
            session.run('DROP TABLE IF EXISTS bench.loaded_member; CREATE TABLE bench.loaded_member AS'
                        ' SELECT segment_id, contact_id FROM loaded.leads_segment_member ORDER BY 1, 2')
            floor += '; INSERT INTO plain_loaded.member (segment_id, contact_id) SELECT * FROM bench.loaded_member'
            what += ' + INSERT … SELECT of the members'
        comparison = bench.compare(Work(subject, before=empty),
                                   Work(floor, before='TRUNCATE plain_loaded.leads, plain_loaded.member'))
        bench.ratio(target, what, goal, comparison, wrong=wrong)
    finally:
        data.reset(session)
        session.run("SELECT segments.detach('loaded.leads'); TRUNCATE loaded.leads, plain_loaded.leads, plain_loaded.member")


def contact_file(bench, condition='true'):
    """Contacts in a file that the server can read: its columns and its name."""
    names, path = data.columns(bench.session, 'plain.leads'), f'{bench.options.scratch}/contacts'
    bench.session.run(f"COPY (SELECT {names} FROM plain.leads WHERE {condition} ORDER BY id) TO '{path}'")
    return names, path


# ---------------------------------------------------------------------------
# Set-wise: evaluating, building, and the passing of time
# ---------------------------------------------------------------------------

SCAN = ("SELECT count(*) FROM plain.leads WHERE country = 'Country 7' AND points >= 500"
        " AND last_active < '2026-01-01'")


def t8(bench):
    """Evaluating all segments: segments.check(), which reads the members too."""
    for count, goal in ((100, 3), (1000, 4.5), (10000, 12)):
        if count <= bench.options.segments:
            bench.install(('sparse', count))
            bench.ratio('T8', f'segments.check() of {count:,} sparse segments ÷ one scan with three conditions', goal,
                        bench.compare(Work('SELECT count(*) FROM segments.check()'), Work(SCAN)))


def t9(bench):
    """Building segments, against one scan and INSERT … SELECT of the members."""
    session, count = bench.session, min(100, bench.options.segments)
    bench.install(('dense', count))
    session.run('DROP TABLE IF EXISTS bench.built; CREATE TABLE bench.built AS'
                ' SELECT segment_id, contact_id FROM crm.leads_segment_member ORDER BY 1, 2')
    bench.installed = None
    floor = f'{SCAN}; INSERT INTO plain.member (segment_id, contact_id) SELECT * FROM bench.built'
    comparison = bench.compare(Work(data.insert_sql('dense', count), before=data.reset), Work(floor, before='TRUNCATE plain.member'))
    bench.installed = (('dense', count),)
    bench.ratio('T9', f'INSERT … SELECT of {count} dense segments ÷ one scan + INSERT … SELECT of the members', 0.75, comparison)
    bench.installed = None


def created(bench):
    """Creating many segments by one INSERT … SELECT."""
    for kind in bench.options.kinds:
        data.specify(bench.session, kind, bench.options.segments)
        comparison = bench.compare(Work(data.insert_sql(kind, bench.options.segments), before=data.reset), Work(SCAN), 1)
        bench.installed = ((kind, bench.options.segments),)
        bench.ratio('–', f'INSERT … SELECT of {bench.options.segments:,} {kind} segments ÷ one scan with three conditions',
                    None, comparison)
        bench.installed = None


def t10(bench):
    """refresh_due() a minute later, against one scan."""
    session, count, start = bench.session, min(1000, bench.options.segments), '2026-10-15 12:00:00+00'
    data.reset(session)
    bench.installed = None
    data.specify(session, 'recent', count)
    session.run(f"SET segments.now = '{start}'")
    session.run(data.insert_sql('recent', count))
    minutes = iter(range(1, 100000))

    def a_minute_later(session):
        session.run(f"SELECT set_config('segments.now', (timestamptz '{start}' + {next(minutes)} * interval '1 minute')::text, false)")

    session.run(FORGET)
    comparison = bench.compare(Work('SELECT segments.refresh_due()', before=a_minute_later), Work(SCAN))
    moved = session.number('SELECT count(*) FROM crm.leads_segment_change') / (comparison.rounds + 1)
    bench.installed = (('recent', count),)
    bench.ratio('T10', f'refresh_due() a minute later, {moved:.1f} joins and leaves; {count:,} segments that move with time'
                ' ÷ one scan with three conditions', 0.1, comparison)
    session.run("SET segments.now = ''")
    bench.installed = None


# ---------------------------------------------------------------------------
# Connections and memory
# ---------------------------------------------------------------------------

def t11(bench):
    """The first write of a connection."""
    kind = bench.main_kind()
    for count, goal in ((bench.options.segments, 0.5), (bench.options.many, 1.0)):
        bench.install((kind, count))
        comparison = bench.compare(*(FreshWork(f'UPDATE {schema}.leads SET points = points WHERE id = 1')
                                     for schema in ('crm', 'plain')), 2 * bench.options.rounds)
        bench.add(Result('T11', f'first write of a new connection, over plain; {count:,} {kind} segments',
                            comparison.differences, goal / 1000, 'excess', comparison, 1, bench.wrong()))


MEMORY = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts'


def t12(bench):
    """What a backend that writes holds for each segment."""
    kind, count, grown = bench.main_kind(), bench.options.segments, []
    for segments in (count, 1):
        bench.install((kind, segments))
        with Session(bench.options.database) as fresh:
            fresh.run("UPDATE crm.leads SET points = points WHERE id = 1")
            grown.append(fresh.number(MEMORY))
    bench.add(Result('T12', f'memory of a backend for each segment, bytes; {count:,} {kind} segments',
                        ((grown[0] - grown[1]) / (count - 1),) * 2, 350, 'size'))


# ---------------------------------------------------------------------------
# Events, companies, writers at the same time, matches()
# ---------------------------------------------------------------------------

EVENT = ("INSERT INTO {schema}.page_hits (lead_id, date_hit, url, url_title, page_id)"
         " VALUES (k, '2026-01-01', 'https://www.example.com/page/{page}', 'Title', 1);")


def t13(bench):
    """INSERT of an event that no condition matches, and of one that flips nothing."""
    events = min(100, bench.options.segments // 2)
    bench.install((bench.main_kind(), bench.options.segments - events), ('event', events))
    visited = "EXISTS (SELECT FROM crm.page_hits AS h WHERE h.lead_id = leads.id AND h.url = 'https://www.example.com/page/{}')"
    threshold = "(SELECT points_from FROM bench.spec WHERE kind = 'event' AND n = {})"
    for what, page, condition, goal in (
            ('no condition matches', 9999, 'true', 1.06),
            ('a condition matches, the contact has too few points', 7, 'points < ' + threshold.format(7), 1.5),
            ('a condition matches, the contact is a member', 7,
             f'points >= {threshold.format(7)} AND {visited.format(7)}', 1.5)):
        count = choose_keys(bench, condition, repeat=300)
        works = [Work('BEGIN;' + LOOP.format(statement=EVENT.format(schema=schema, page=page)),
                      after=f'ROLLBACK; VACUUM {schema}.page_hits; UPDATE {schema}.leads SET points = points WHERE id = 1')
                 for schema in ('crm', 'plain')]
        bench.ratio('T13', f'INSERT of one event: {what}; {bench.options.segments:,} segments, {events} of them over events'
                    ' ÷ plain', goal, bench.compare(*works), count)


def t14(bench):
    """Writers of different contacts at the same time: how throughput scales, against how it scales plain."""
    count = min(1000, bench.options.segments)
    bench.install(('dense', count))
    rate = {}
    for _ in range(bench.options.rounds):
        for clients in (1, 2, 4):
            for schema in ('crm', 'plain'):
                rate.setdefault((schema, clients), []).append(throughput(bench, schema, clients))
    typical = {key: statistics.median(values) for key, values in rate.items()}
    for clients in (2, 4):
        scaling = {schema: typical[schema, clients] / typical[schema, 1] for schema in ('crm', 'plain')}
        bench.add(Result('T14', f'{clients} writers of different contacts, scaling ÷ scaling of plain; {count:,} dense segments',
                            (scaling['crm'] / scaling['plain'],) * 2, 0.95, 'ratio', wrong=bench.wrong(),
                            note=f"scaling {scaling['crm']:.2f} and {scaling['plain']:.2f}; {os.cpu_count()} processors"))


def throughput(bench, schema, clients):
    """Transactions a second; client c writes contacts whose id leaves c when divided by the number of clients."""
    with tempfile.NamedTemporaryFile('w', suffix='.sql') as script:
        script.write(f'\\set k random(1, {bench.options.contacts // clients - 1}) * {clients} + :client_id\n'
                     f'UPDATE {schema}.leads SET points = (points + 10) % 1000 WHERE id = :k;\n')
        script.flush()
        answer = subprocess.run(['pgbench', '-n', '-M', 'prepared', '-c', str(clients), '-j', str(min(clients, 2)), '-T',
                                 str(bench.options.seconds), '-f', script.name, bench.options.database],
                                env=dict(os.environ, PGOPTIONS='-c synchronous_commit=off'),
                                capture_output=True, text=True, check=True).stdout
    return float(next(line for line in answer.splitlines() if line.startswith('tps')).split()[2])


READ_CONTACTS = """
CREATE OR REPLACE FUNCTION bench.read_contacts(wanted bigint) RETURNS bigint LANGUAGE sql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$ SELECT count(l.points) FROM plain.companies_leads AS x JOIN plain.leads AS l ON l.id = x.lead_id WHERE x.company_id = wanted $$;
"""


def t15(bench):
    """UPDATE of a company that flips no contact, against the UPDATE and reading the contacts by index."""
    session, count = bench.session, min(1000, bench.options.segments)
    idle = 10
    bench.install(('company', count), ('idle', idle))
    session.run(READ_CONTACTS)
    for company, name in ((2, '100'), (3, '1,000'), (4, '10,000')):
        contacts = session.number(f'SELECT count(*) FROM crm.companies_leads WHERE company_id = {company}')
        repeat = max(5000 // max(contacts, 1), 1)
        update = 'UPDATE {schema}.companies SET companyindustry = {industry} WHERE id = ' + str(company)
        body = 'DO $$ BEGIN FOR i IN 1 .. {repeat} LOOP {work} END LOOP; END $$'
        subject = body.format(repeat=repeat, work=''.join(
            update.format(schema='crm', industry=f"'Industry {n}'") + ';' for n in (101, 102)))
        floor = body.format(repeat=repeat, work=''.join(
            update.format(schema='plain', industry=f"'Industry {n}'") + f'; PERFORM bench.read_contacts({company});'
            for n in (101, 102)))
        session.run(update.format(schema='crm', industry="'Industry 102'"))
        session.run(update.format(schema='plain', industry="'Industry 102'"))
        comparison = bench.compare(*(
            Work(work, before=f'VACUUM {schema}.companies; UPDATE {schema}.companies SET score = score WHERE id = 5')
            for schema, work in (('crm', subject), ('plain', floor))))
        bench.ratio('T15', f'UPDATE of a company with {contacts:,} contacts, conditions flip, members don\'t;'
                    f' {count + idle:,} segments ÷ UPDATE + reading the contacts by index', 1.5, comparison, 2 * repeat)


def t16(bench):
    """matches() in a query, against the condition written by hand."""
    bench.install(('sparse', 100))
    session = bench.session
    session.run('VACUUM ANALYZE crm.leads')
    for what, spec, by_hand in (
            ('by index', "ROW('', 0, 'Country 7', NULL, NULL, NULL, 500, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::bench.spec",
             "segments.fold(l.country) = segments.fold('Country 7') AND l.points >= 500"),
            ('by scan', "ROW('', 0, NULL, NULL, 7, NULL, 500, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::bench.spec",
             'l.owner_id = 7 AND l.points >= 500')):
        filters = session.value(f'SELECT bench.filters({spec})::text').replace("'", "''")
        queries = [f"SELECT count(*) FROM crm.leads AS l WHERE segments.matches(l, '{filters}')",
                   f'SELECT count(*) FROM crm.leads AS l WHERE {by_hand}']
        plans = [[line[0].split('(')[0].strip() for line in session.rows(f'EXPLAIN (COSTS OFF) {query}')
                  if 'Cond' not in line[0] and 'Filter' not in line[0]] for query in queries]
        results = [session.value(query) for query in queries]
        comparison = bench.compare(*(Work('; '.join([query] * 10)) for query in queries))
        bench.ratio('T16', f'matches() in a query {what} ÷ the condition written by hand', 1.02, comparison, 10,
                    int(results[0] != results[1]), 'same plan' if plans[0] == plans[1] else 'another plan')


# In this order, which installs each set of segments as seldom as possible.
ALL = {'T1': t1, 'T4': t4, 'T3': t3, 'T5': t5, 'T11': t11, 'T2': t2, 'T12': t12, 'T13': t13, 'T14': t14, 'T15': t15,
       'T16': t16, 'T6': t6, 'T7': t7, 'T8': t8, 'T9': t9, 'T10': t10, 'created': created}
