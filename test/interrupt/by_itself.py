"""Errors at every passage of a worker: it comes again, and brings members forward."""
import time

from session import Session, Wrong

SETUP = """
CREATE EXTENSION segments;
CREATE TABLE seen (id bigint PRIMARY KEY, at timestamptz);
SELECT segments.attach('seen');
SELECT segments.create_segment('lately', '[{"field": "at", "operator": "gt", "properties": {"filter": "-1 second"}}]');
"""
PATIENCE = 240      # seconds; the pause before another worker doubles with each that fails at once, up to a minute


class ByItself:
    def __init__(self, every):
        self.every = every
        Session('postgres').must('CREATE DATABASE worker')
        self.session = Session('worker', 'other')
        self.session.must(SETUP)
        self.attempts = self.ended = 0

    def pid(self):
        return self.session.value("SELECT pid FROM pg_stat_activity WHERE datname = 'worker' AND backend_type = 'segments worker'")

    def wait(self, what, sql):
        until = time.time() + PATIENCE
        while self.session.value(sql) != 't':
            if time.time() > until:
                raise Wrong('the worker has not %s within %d s' % (what, PATIENCE))
            time.sleep(0.05)

    def attempt(self, kind, n):
        """A worker that fails at its n-th passage, while somebody is a member no longer."""
        self.session.must("ALTER DATABASE worker SET segments.fault_kind = '%s'" % kind,
                          'ALTER DATABASE worker SET segments.fault_at = %d' % n,
                          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'worker' AND backend_type = 'segments worker'",
                          'INSERT INTO seen VALUES (%d, clock_timestamp())' % (self.attempts + 1))
        before = self.pid()
        time.sleep(1.2)
        # one that fails before it has done anything would fail for ever
        self.session.must('ALTER DATABASE worker RESET segments.fault_at')
        self.wait('brought members forward', 'SELECT NOT EXISTS (SELECT FROM seen_segment_member)')
        self.ended += before != self.pid()
        bad, wrong = self.session.run('SELECT * FROM segments.check()')
        if bad or wrong:
            raise Wrong('%s at passage %d of a worker: check() gives %s %s' % (kind, n, bad[:5], wrong))
        self.attempts += 1

    def run(self, seconds):
        until = time.time() + seconds
        n = 1
        while time.time() < until:
            for kind in 'cancel', 'lock', 'memory':
                self.attempt(kind, n)
            n += 1 if self.every else max(1, n // 2)
        self.session.must('SELECT segments.detach(\'seen\')')
        return 'up to passage %d, %d failures, %d workers ended' % (n - 1, self.attempts, self.ended)
