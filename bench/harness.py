"""Sessions, measuring and statistics: what every case of the benchmark uses.

A session is one psql, hence one backend, kept open.  CPU time is the
backend's own, read from /proc before and after, so the server must run on
this machine; what psql and this program use is not counted.
"""
import os
import random
import statistics
import subprocess
import tempfile
import time

MARK = '\x01done\x01'

# Both sides of every comparison run with these.
SETTINGS = ['jit=off', 'synchronous_commit=off', 'max_parallel_workers_per_gather=0',
            'max_parallel_maintenance_workers=0', 'work_mem=256MB', 'maintenance_work_mem=512MB',
            'client_min_messages=warning', 'TimeZone=UTC', 'DateStyle=ISO']


class SqlError(Exception):
    pass


class Session:
    """One backend, driven through psql."""

    def __init__(self, database, settings=()):
        self.errors = tempfile.TemporaryFile(mode='w+')
        options = ' '.join('-c ' + setting for setting in SETTINGS + list(settings))
        environment = dict(os.environ, PGOPTIONS=options, PGDATABASE=database)
        self.psql = subprocess.Popen(['psql', '-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                     text=True, env=environment)
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
        raise SqlError(f'{self.errors.read().strip()}\nin: {sql[:400]}')

    run = rows

    def value(self, sql):
        answer = self.rows(sql)
        return answer[-1][0] if answer else None

    def number(self, sql):
        return int(self.value(sql) or 0)

    def cpu(self):
        return cpu_seconds(self.pid)

    def close(self):
        self.psql.stdin.close()
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
    """Something to measure: sql is measured, before and after are not."""

    def __init__(self, sql, before=None, after=None):
        self.sql, self.before, self.after = sql, before, after

    def measure(self, session):
        if self.before:
            session.run(self.before)
        cpu, wall = session.cpu(), time.perf_counter()
        session.run(self.sql)
        wall, cpu = time.perf_counter() - wall, session.cpu() - cpu
        if self.after:
            session.run(self.after)
        return cpu, wall


class Comparison:
    """Medians of subject and floor, in seconds, and what follows from them."""

    def __init__(self, subject, first_floor, second_floor):
        def median(runs, index):
            return statistics.median(run[index] for run in runs)
        self.rounds = len(subject)
        self.subject = median(subject, 0), median(subject, 1)
        floor = first_floor + second_floor
        self.floor = median(floor, 0), median(floor, 1)
        first, second = median(first_floor, 0), median(second_floor, 0)
        self.spread = abs(first - second) / min(first, second) if min(first, second) > 0 else 0.0

    def ratio(self, index=0):
        return self.subject[index] / self.floor[index] if self.floor[index] > 0 else float('nan')

    @property
    def is_steady(self):
        return self.spread <= 0.10


def compare(session, subject, floor, rounds, seed=1):
    """Run subject once and floor twice a round, in random order; one unmeasured round before."""
    shuffle = random.Random(seed)
    runs = {'subject': [], 'first': [], 'second': []}
    works = {'subject': subject, 'first': floor, 'second': floor}
    subject.measure(session)
    floor.measure(session)
    for _ in range(rounds):
        order = list(works)
        shuffle.shuffle(order)
        for name in order:
            runs[name].append(works[name].measure(session))
    return Comparison(runs['subject'], runs['first'], runs['second'])
