"""Set-wise work: evaluating (T8), building (T9), the passing of time (T10, T27), matches() (T16), creating many segments."""
import json

import sets
from cases import FORGET
from harness import Work

SCAN = ("SELECT count(*) FROM plain.leads WHERE country = 'Country 7' AND points >= 500"
        " AND last_active < '2026-01-01'")


def evaluate(bench, segments, goal):
    """T8: evaluating all segments, by a statement that does (--evaluate)."""
    statement = bench.options.evaluate
    bench.install(('sparse', segments))
    bench.ratio('T8', f'T8 {segments}', f'{statement} of {segments:,} sparse segments ÷ one scan with three conditions', goal,
                bench.compare(Work(statement if statement.upper().startswith(('CALL', 'SELECT')) else f'SELECT count(*) FROM {statement}'),
                              Work(SCAN)))


def build(bench, segments):
    """T9: building segments, against one scan and INSERT … SELECT of the members."""
    session = bench.session
    bench.install(('dense', segments))
    session.run('DROP TABLE IF EXISTS bench.built; CREATE TABLE bench.built AS'
                ' SELECT segment_id, contact_id FROM crm.leads_segment_member ORDER BY 1, 2')
    floor = f'{SCAN}; INSERT INTO plain.member (segment_id, contact_id) SELECT * FROM bench.built'
    comparison = bench.compare(Work(sets.insert_sql('dense', segments), before=sets.reset), Work(floor, before='TRUNCATE plain.member'))
    bench.ratio('T9', 'T9', f'INSERT … SELECT of {segments} dense segments ÷ one scan + INSERT … SELECT of the members', 0.75, comparison)
    session.run('TRUNCATE plain.member')


def create(bench, kind):
    """Creating many segments by one INSERT … SELECT."""
    segments = bench.options.segments
    bench.forget()
    sets.specify(bench.session, kind, segments)
    comparison = bench.compare(Work(sets.insert_sql(kind, segments), before=sets.reset), Work(SCAN))
    bench.installed = ((kind, segments),)
    bench.ratio('–', f'create {kind}', f'INSERT … SELECT of {segments:,} {kind} segments ÷ one scan with three conditions',
                None, comparison, **({} if comparison.timed_out else {'wrong': bench.wrong(changed=True)}))
    bench.forget()


SCAN_OF_EVENTS = ("SELECT count(*) FROM plain.page_hits WHERE referer = 'https://search.example/7' AND page_id >= 50"
                  " AND date_hit < '2026-01-01'")


def refresh(bench, target, kind, segments, what, scan, floor):
    """T10, T27: refresh_due() a minute later, against one scan."""
    session, start = bench.session, '2026-10-15 12:00:00+00'
    session.run(f"SET segments.now = '{start}'")
    bench.install((kind, segments))
    minutes = iter(range(1, 100000))

    def a_minute_later(session):
        session.run(f"SELECT set_config('segments.now', (timestamptz '{start}' + {next(minutes)} * interval '1 minute')::text, false)")

    # as they were installed, all are due; later only those that a row passes
    a_minute_later(session)
    session.run('SELECT segments.refresh_due()')
    session.run(FORGET)
    comparison = bench.compare(Work('SELECT segments.refresh_due()', before=a_minute_later), Work(scan))
    moved = session.number('SELECT count(*) FROM crm.leads_segment_change') / (comparison.rounds + 1)
    wrong = bench.wrong(changed=True)
    bench.ratio(target, target, f'refresh_due() a minute later, {moved:.1f} joins and leaves; {segments:,} {what} ÷ {floor}', 0.1,
                comparison, wrong=wrong)
    session.run("SET segments.now = ''")
    bench.forget()


def matches(bench):
    """T16: matches() in a query, against the condition written by hand."""
    bench.install(('sparse', 100))
    session = bench.session
    session.run('VACUUM ANALYZE crm.leads')
    for what, spec, by_hand in (
            ('by index', {'country': 'Country 7', 'points_from': 500},
             "segments.fold(l.country) = segments.fold('Country 7') AND l.points >= 500"),
            ('by scan', {'owner_id': 7, 'points_from': 500},
             'l.owner_id = 7 AND l.points >= 500')):
        filters = session.value(f"SELECT bench.filters(jsonb_populate_record(NULL::bench.spec, '{json.dumps(spec)}'))::text").replace("'", "''")
        queries = [f"SELECT count(*) FROM crm.leads AS l WHERE segments.matches(l, '{filters}')",
                   f'SELECT count(*) FROM crm.leads AS l WHERE {by_hand}']
        plans = [[line[0].split('(')[0].strip() for line in session.rows(f'EXPLAIN (COSTS OFF) {query}')
                  if 'Cond' not in line[0] and 'Filter' not in line[0]] for query in queries]
        results = [session.value(query) for query in queries]
        comparison = bench.compare(*(Work('; '.join([query] * 10)) for query in queries))
        bench.ratio('T16', f'T16 {what}', f'matches() in a query {what} ÷ the condition written by hand', 1.02, comparison, count=10,
                    wrong=int(results[0] != results[1]), note='same plan' if plans[0] == plans[1] else 'another plan')
