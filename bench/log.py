"""T22: reading the log of joins and leaves, by a consumer that has much to read, and by one that has read nearly all.

Ten segments that everybody joins, one after the other, make a log of ten
entries for each contact.  What is compared gives the same number of entries on
both sides, so that only what is unread behind them differs.  A page is rolled
back and read again, but for those in a row, which are committed, far from
either end of the log.
"""
import json

import data
import sets
from harness import Work
from tables import condition

SEGMENTS, CALLS = 10, 50
READ = "SELECT count(*) FROM segments.read_changes('{consumer}', {page})"
AGAIN = 'BEGIN; {read}; ROLLBACK; '
STEP = 100000                   # entries that a consumer is brought forward by at once
CONSUMERS = (('middle', None), ('page', 1000), ('ten', 10))     # with so many unread; None: half of all


def fill(bench):
    """The log; how many entries it has."""
    bench.forget()
    sets.reset(bench.session)
    filters = json.dumps([condition('points', 'number', 'gte', '0')])
    for n in range(1, SEGMENTS + 1):
        bench.session.run(f"INSERT INTO segments.segment (id, contact_table, name, alias, filters) VALUES ({n}, 'crm.leads', 'all {n}', 'log-{n}', '{filters}')")
    bench.session.run('VACUUM ANALYZE crm.leads_segment_change; VACUUM ANALYZE crm.leads_segment_member')
    return bench.session.number('SELECT count(*) FROM crm.leads_segment_change')


def bring_forward(session, entries):
    """Consumers with so much unread, the most first.  One reads the log, and the others stand where it came by."""
    read, columns = 0, data.columns(session, 'segments.consumer')
    for consumer, unread in CONSUMERS:
        wanted = entries // 2 if unread is None else entries - unread
        while read < wanted:
            read += session.number(READ.format(consumer='reader', page=min(wanted - read, STEP)))
        literal = f"'{consumer}'"
        session.run(f"INSERT INTO segments.consumer ({columns}) SELECT {columns.replace('name', literal)}"
                    " FROM segments.consumer WHERE name = 'reader'")


def order_is_right(session, consumer):
    """A page is what the log's order says follows: entries that differ."""
    session.run('BEGIN')
    differ = session.number(f"""
        SELECT count(*) FROM (SELECT n, xact FROM segments.read_changes('{consumer}', 1000)) AS given
        FULL JOIN (SELECT n, xact FROM crm.leads_segment_change ORDER BY lsn, xact, n LIMIT 1000) AS wanted USING (n, xact)
        WHERE given IS NULL OR wanted IS NULL""")
    session.run('ROLLBACK')
    return differ


def measure(bench):
    session = bench.session
    entries = fill(bench)
    session.run("SELECT segments.drop_consumer(name) FROM segments.consumer")
    try:
        bring_forward(session, entries)
        wrong = order_is_right(session, 'behind')
        for key, page, consumer in (('ten', 10, 'ten'), ('page', 1000, 'page')):
            works = [Work(AGAIN.format(read=READ.format(consumer=name, page=page)) * CALLS, before='VACUUM segments.consumer')
                     for name in ('behind', consumer)]
            bench.ratio('T22', f'T22 {key}', f'read_changes(…, {page:,}), {entries:,} entries unread ÷ the same with {page:,} unread', 1.2,
                        bench.compare(*works), count=CALLS, wrong=wrong)
        works = [Work((READ.format(consumer='middle', page=1000) + '; ') * CALLS, before='VACUUM segments.consumer'),
                 Work(AGAIN.format(read=READ.format(consumer='page', page=1000)) * CALLS, before='VACUUM segments.consumer')]
        bench.ratio('T22', 'T22 middle', f'pages of read_changes(…, 1,000) in a row, {entries // 2:,} entries before and after'
                    ' ÷ the same with 1,000 unread', 1.2, bench.compare(*works), count=CALLS, wrong=wrong)
    finally:
        session.run('SELECT segments.drop_consumer(name) FROM segments.consumer')
        bench.forget()
        sets.reset(session)
