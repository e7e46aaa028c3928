"""T29: asking for one segment by REST: in the database, against the SELECT that a person would write; and over HTTP.

A rate is requests a second of CPU time, of the daemon and of the backends that
work for it together: what one core gives that has nothing else to do, and
serves no client that runs on it.
"""
import time

import serving
from harness import Work, cpu_seconds

CALLS, REQUESTS, CLIENTS = 2000, 2000, 4

LOOP = """DO $$
DECLARE
    answer record;
BEGIN
    FOR k IN 1 .. {calls} LOOP
        {statement} INTO answer{tail};
    END LOOP;
END $$"""
REST = "SELECT * FROM segments.rest('GET', 'segments/' || 1 + k % {segments})"
BY_HAND = ('SELECT s.*, {count} AS members', ' FROM segments.segment AS s WHERE s.id = 1 + k % {segments}')
COUNTED = '(SELECT count(*) FROM crm.leads_segment_member AS m WHERE m.segment_id = s.id)'


def measure(bench, kind, segments):
    bench.install((kind, segments))
    in_database(bench, segments)
    over_http(bench, segments)


def loop(statement, tail, segments):
    return LOOP.format(calls=CALLS, statement=statement.format(segments=segments), tail=tail.format(segments=segments))


def in_database(bench, segments):
    """segments.rest() by plain SELECTs, which count the members or take the number that is kept."""
    for key, what, count in (('counted', 'SELECT of its row and count(*) of its members', COUNTED),
                             ('count', 'SELECT of its row and segments.count()', 'segments.count(s.id::text)')):
        head, tail = BY_HAND
        floor = loop(head.replace('{count}', count), tail, segments)
        bench.ratio('T29', f'T29 {key}', f'segments.rest() GET of one of {segments:,} segments ÷ {what}', 3,
                    bench.compare(Work(loop(REST, '', segments)), Work(floor)), count=CALLS)


def over_http(bench, segments):
    program = serving.build(bench.options.scratch)
    if program is None:
        return
    with serving.Role(bench.session), serving.Daemon(program, bench.options.database) as daemon:
        serving.request_all(daemon.port, CLIENTS, REQUESTS // 10, segments)
        rates = sorted(rate(bench.session, daemon, segments) for _ in range(bench.options.rounds))
        bench.add('T29', 'T29 http', f'segments_http: GET of one of {segments:,} segments, requests a second on one core',
                  rates[len(rates) // 2], 2000, 'rate', wrong=bench.wrong(), note=f'{CLIENTS} clients that keep their connections')


def rate(session, daemon, segments):
    """Requests a second of CPU time, and of wall time with all else that runs here."""
    before, start = cpu_of(session, daemon), time.perf_counter()
    serving.request_all(daemon.port, CLIENTS, REQUESTS, segments)
    wall, after = time.perf_counter() - start, cpu_of(session, daemon)
    return REQUESTS * CLIENTS / sum(after[pid] - before.get(pid, 0) for pid in after), REQUESTS * CLIENTS / wall


def cpu_of(session, daemon):
    """CPU time of the daemon and of its backends, by process."""
    backends = session.rows(f"SELECT pid FROM pg_stat_activity WHERE usename = '{serving.Role.NAME}'")
    return {'daemon': daemon.cpu_seconds()} | {pid: cpu_seconds(pid) for (pid,) in backends}
