"""Sessions, measuring and statistics: what every case of the benchmark uses.

A session is one psql, hence one backend, kept open.  CPU time is the
backend's own, read from /proc before and after, so the server must run on
this machine; what psql and this program use is not counted.
"""
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time

STEADY = 0.10                   # how much two runs of the floor may differ
MINIMUM = 3                     # rounds for which a rehearsal is worth its time
TICK = 1e-6                     # seconds: the least that a measurement can say
MARK = '\x01done\x01'

# Both sides of every comparison run with these.
SETTINGS = ('jit=off', 'synchronous_commit=off', 'max_parallel_workers_per_gather=0',
            'max_parallel_maintenance_workers=0', 'work_mem=256MB', 'maintenance_work_mem=512MB',
            'client_min_messages=error', 'TimeZone=UTC', 'DateStyle=ISO')


class SqlError(Exception):
    """A statement failed; the session has been opened anew."""

    @property
    def is_timeout(self):
        return 'statement timeout' in str(self)


class Session:
    """One backend, driven through psql.  The timeout, in seconds, is for what is measured."""

    def __init__(self, database, timeout=0):
        self.database, self.timeout, self.pid = database, timeout, None
        self.open()

    def open(self):
        environment = dict(os.environ, PGDATABASE=self.database,
                           PGOPTIONS=' '.join('-c ' + setting for setting in SETTINGS))
        self.errors = tempfile.TemporaryFile(mode='w+')
        self.psql = subprocess.Popen(['psql', '-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                     text=True, env=environment)
        self.pid = None
        self.pid = int(self.value('SELECT pg_backend_pid()'))

    def rows(self, sql):
        """Run statements; the rows they return, as lists of strings."""
        try:
            self.psql.stdin.write(f'{sql.rstrip().rstrip(";")};\n\\echo {MARK}\n')
            self.psql.stdin.flush()
        except BrokenPipeError:
            pass
        answer = []
        for line in self.psql.stdout:
            line = line.rstrip('\n')
            if line == MARK:
                return answer
            answer.append(line.split('\t'))
        self.psql.wait()
        self.errors.seek(0)
        message = self.errors.read().strip()
        self.close()
        if self.pid is not None:                # else it was the connection that failed
            self.open()
        raise SqlError(f'{message}\nin: {" ".join(sql.split())[:300]}')

    run = rows

    def value(self, sql):
        answer = self.rows(sql)
        return answer[-1][0] if answer else None

    def number(self, sql):
        return int(self.value(sql) or 0)

    def close(self):
        try:
            self.psql.stdin.close()
        except BrokenPipeError:
            pass
        self.psql.wait()
        self.psql.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def cpu_seconds(pid):
    """CPU time a process has used: in nanoseconds where the kernel counts them, else in ticks."""
    try:
        with open(f'/proc/{pid}/schedstat') as file:
            spent = int(file.read().split()[0])
        if spent:
            return spent / 1e9
    except OSError:
        pass
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Work:
    """Something to measure: sql is measured, before and after (SQL or a function of the session) are not."""

    def __init__(self, sql, before=None, after=None):
        self.sql, self.before, self.after = sql, before, after

    def measure(self, session):
        prepare(session, self.before)
        session.run(f"SET statement_timeout = '{session.timeout}s'")
        cpu, wall = cpu_seconds(session.pid), time.perf_counter()
        session.run(self.sql)
        wall, cpu = time.perf_counter() - wall, cpu_seconds(session.pid) - cpu
        prepare(session, self.after)
        session.run('SET statement_timeout = 0')
        return cpu, wall

    def own_session(self, session):
        """The session that it runs in."""
        return contextlib.nullcontext(session)


def prepare(session, step):
    if callable(step):
        step(session)
    elif step:
        session.run(step)


class FreshWork(Work):
    """The same, by sessions that have done nothing yet: the median of some."""

    SESSIONS = 9

    def measure(self, session):
        return medians([self.measure_one(session) for _ in range(self.SESSIONS)])

    def measure_one(self, session):
        with self.own_session(session) as fresh:
            return super().measure(fresh)

    def own_session(self, session):
        return Session(session.database, session.timeout)


class Comparison:
    """What rounds of subject and floor say, as (CPU, wall), in seconds where they are not ratios.

    Ratio and difference are medians of the rounds' own, in which what slows the
    machine for a while is on both sides.
    """

    def __init__(self, subject, first, second, timed_out=False):
        self.rounds, self.timed_out = len(subject), timed_out
        both = [tuple((f[i] + g[i]) / 2 for i in (0, 1)) for f, g in zip(first, second)]
        self.subject, self.floor = medians(subject), medians(first + second)
        self.ratios = medians([divided(s, f) for s, f in zip(subject, both)])
        self.differences = medians([(s[0] - f[0], s[1] - f[1]) for s, f in zip(subject, both)])
        floors = medians([divided(f, g) for f, g in zip(first, second)])[0]
        self.spread = max(floors, 1 / floors) - 1
        self.middle = middle_half([divided(s, f)[0] for s, f in zip(subject, both)])


def divided(a, b):
    """No work takes no time, but a tick may be too coarse to see it."""
    return tuple((a[i] or TICK) / (b[i] or TICK) for i in (0, 1))


def medians(runs):
    return tuple(statistics.median(run[i] for run in runs) for i in (0, 1))


def middle_half(values):
    """Between which values the middle half of them lies; None when there are too few to say."""
    if len(values) < 3:
        return None
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, high


class Budget:
    """How long measuring may take, shared by the comparisons that are left: what one leaves, the others get."""

    def __init__(self, seconds, comparisons):
        self.left, self.comparisons = seconds, max(comparisons, 1)

    def share(self):
        return max(self.left, 0) / max(self.comparisons, 1)

    def spend(self, seconds):
        self.left -= seconds
        self.comparisons -= 1


def compare(session, subject, floor, rounds, budget):
    """Run subject once and floor twice a round, in random order, after a round that isn't measured.

    At most so many rounds, fewer when the budget's share is used up; while the
    two floors differ by more than STEADY, up to twice as many follow, in a
    second share.  Where a share has no room for MINIMUM rounds and a rehearsal,
    the rehearsal counts.  A subject that reaches the session's timeout counts
    with that, once.
    """
    share, start = budget.share(), time.perf_counter()
    comparison = run_rounds(session, {'subject': subject, 'first': floor, 'second': floor}, rounds, share)
    budget.spend(time.perf_counter() - start)
    return comparison


def run_rounds(session, works, rounds, share):
    shuffle, start = random.Random(1), time.perf_counter()
    runs = {name: [] for name in works}
    first_floor = works['first'].measure(session)
    try:
        warm = works['subject'].measure(session)
    except SqlError as error:
        if not error.is_timeout:
            raise
        floors = [works['first'].measure(session) for _ in range(2)]
        return Comparison([(session.timeout, session.timeout)], floors[:1], floors[1:], timed_out=True)
    round_time = time.perf_counter() - start + first_floor[1]
    if round_time * (MINIMUM + 1) > share:
        # too long to be only a rehearsal
        runs = {'subject': [warm], 'first': [first_floor], 'second': [works['second'].measure(session)]}
    while True:
        number, spent = len(runs['subject']), time.perf_counter() - start
        if number:
            comparison = Comparison(**runs)
            enough = number >= rounds or spent + round_time > share
            if enough and (comparison.spread <= STEADY or number >= 3 * rounds or spent + round_time > 2 * share):
                return comparison
        order = list(works)
        shuffle.shuffle(order)
        for name in order:
            runs[name].append(works[name].measure(session))


def profile(session, work, limit=4):
    """Where the time of a work goes, by perf: functions of the extension with what they call, then functions themselves."""
    if not shutil.which('perf'):
        return ''
    with tempfile.TemporaryDirectory() as directory, work.own_session(session) as session:
        path = f'{directory}/perf.data'
        prepare(session, work.before)
        perf = subprocess.Popen(['perf', 'record', '-q', '-e', 'cpu-clock', '-F', '4999', '-g', '-p', str(session.pid), '-o', path],
                                stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        try:
            session.run(work.sql)
        finally:
            perf.terminate()
            perf.wait()
        prepare(session, work.after)
        called = symbols(path, '--children', 'segments.so')
        alone = symbols(path, '--no-children', '')
    return ('with callees: ' + ', '.join(f'{name} {share}' for name, share in called[:2 * limit])
            + '; alone: ' + ', '.join(f'{name} {share}' for name, share in alone[:limit]))


def symbols(path, mode, library):
    """(function, share) of a recording, largest first."""
    text = subprocess.run(['perf', 'report', '-i', path, mode, '-g', 'none', '--percent-limit', '2', '--stdio'],
                          capture_output=True, text=True).stdout
    answer = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].endswith('%') and '[.]' in words and library in line:
            name = words[words.index('[.]') + 1]
            if not name.startswith('0x'):
                answer.append((name, f'{float(words[0][:-1]):.0f} %'))
    return answer
