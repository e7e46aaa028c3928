"""Interrupts at random moments, in all the ways in which a statement can be ended from outside."""
import random
import threading
import time

from session import Session, Wrong
import world

# What somebody who is interrupted may be told.
ALLOWED = {'57014', '57P01', '55P03', '40P01', '40001', '25P02', '23505', '08006'}
# A statement that undoes fails where what it undoes was never done; so does its like.
ALREADY = {'P0002', '42701', '42703', '55000', '42704', '3B001', '2201B', '22023', '23503'}


class Interrupter:
    """Statements of one session, each ended at a random moment."""

    def __init__(self, rng, other):
        self.rng = rng
        self.other = other
        self.session = None
        self.interrupted = self.statements = 0
        self.longest = 0

    def connect(self):
        if self.session:
            self.session.close()
        self.session = Session()
        self.session.pid = self.session.value('SELECT pg_backend_pid()')

    def moment(self):
        """Most statements take some milliseconds, some a hundred."""
        return min(0.2, self.rng.expovariate(1 / self.rng.choice([0.002, 0.01, 0.05])))

    # ----- ways of ending a statement -----

    def statement_timeout(self, send):
        self.session.must('SET statement_timeout = %d' % max(1, self.moment() * 1000))
        answer = send()
        # which the timeout may hit as well
        for _ in range(1000):
            if not self.session.alive or not self.session.run('SET statement_timeout = 0')[1]:
                break
        return answer

    def signal(self, send, function):
        result = []
        thread = threading.Thread(target=lambda: result.append(send()))
        thread.start()
        time.sleep(self.moment())
        started = time.time()
        self.other.run('SELECT %s(%s)' % (function, self.session.pid))
        thread.join()
        self.longest = max(self.longest, time.time() - started)
        return result[0]

    def cancel(self, send):
        return self.signal(send, 'pg_cancel_backend')

    def terminate(self, send):
        return self.signal(send, 'pg_terminate_backend')

    def lock_timeout(self, send):
        table = self.rng.choice(['crm.leads', 'crm.page_hits', 'crm.companies', 'crm.companies_leads', 'crm.leads_segment_member'])
        self.other.must('BEGIN', 'LOCK TABLE %s IN %s MODE' % (table, self.rng.choice(['ACCESS EXCLUSIVE', 'SHARE'])))
        self.session.must('SET lock_timeout = %d' % max(1, self.moment() * 1000))
        answer = send()
        self.other.must('ROLLBACK')
        self.session.must('SET lock_timeout = 0')
        return answer

    # ----- ways of running it -----

    def autocommit(self, sql):
        lines, errors = self.session.run(sql)
        return errors, [[]]

    def savepoint(self, sql):
        lines, errors = self.session.run(sql)
        if errors and self.session.alive:
            for step in ('ROLLBACK TO s', "INSERT INTO crm.audit VALUES ('after')", 'COMMIT'):
                errors += self.session.run(step)[1]
        elif self.session.alive:
            errors += self.session.run("INSERT INTO crm.audit VALUES ('after')", 'COMMIT')[1]
        return errors, [[], ['after', 'outer'], ['after', 'inner', 'outer']]

    def block(self, sql):
        lines, errors = self.session.run("""DO $$ BEGIN INSERT INTO crm.audit VALUES ('outer');
            BEGIN INSERT INTO crm.audit VALUES ('inner'); EXECUTE $s$%s$s$;
            EXCEPTION WHEN query_canceled OR OTHERS THEN INSERT INTO crm.audit VALUES ('caught'); END;
            INSERT INTO crm.audit VALUES ('after'); END $$""" % sql)
        return errors, [[], ['after', 'caught', 'outer'], ['after', 'inner', 'outer']]

    # ----- one -----

    def one(self):
        chosen = self.rng.choice(world.CASES)
        sql = self.rng.choice([chosen.statement] + [s for s in chosen.undo + chosen.before])
        way = self.rng.choice([self.autocommit, self.savepoint, self.block])
        end = self.rng.choice([self.statement_timeout, self.statement_timeout, self.cancel, self.cancel,
                               self.lock_timeout, self.terminate])
        if self.session is None or not self.session.alive or self.rng.random() < 0.1:
            self.connect()
        self.session.must('TRUNCATE crm.audit')
        if way == self.savepoint:
            self.session.must('BEGIN', "INSERT INTO crm.audit VALUES ('outer')", 'SAVEPOINT s',
                              "INSERT INTO crm.audit VALUES ('inner')")
        errors, allowed = end(lambda: way(sql))
        self.statements += 1
        self.interrupted += any(e[0] in ('57014', '57P01', '55P03') for e in errors) or not self.session.alive
        self.verify('%s %s %s' % (end.__name__, way.__name__, sql), errors, allowed)

    def verify(self, what, errors, allowed):
        unexpected = [e for e in errors if e[0] not in ALLOWED | ALREADY]
        if unexpected:
            raise Wrong('%s: %s' % (what, unexpected))
        if self.session.alive:
            self.goes_on(what)
        rows = sorted(self.other.must('SELECT what FROM crm.audit'))
        if rows not in allowed:
            raise Wrong('%s: rows of the transaction are %s' % (what, rows))
        bad, wrong = self.other.run('SELECT * FROM segments.check()')
        if bad or wrong:
            raise Wrong('%s: check() gives %s %s' % (what, bad[:5], wrong))

    def goes_on(self, what):
        """A signal that came too late may hit one more statement, of the session or of a transaction of its own."""
        if 'savepoint' in what:
            self.session.run('ROLLBACK')
        for _ in range(3):
            if not self.session.alive or self.session.run('SELECT 1 + 1')[0] == ['2']:
                break
        else:
            raise Wrong('%s: the next statement does not work' % what)
        state = self.other.must("SELECT state FROM pg_stat_activity WHERE pid = %s AND state NOT IN ('idle', 'active')"
                                % self.session.pid)
        if state:
            raise Wrong('%s: the session is %s' % (what, state))


def run(seed, seconds, statements):
    """How many, until the time is over."""
    interrupter = Interrupter(random.Random(seed), Session(name='other'))
    interrupter.connect()
    until = time.time() + seconds
    while interrupter.statements < statements and time.time() < until:
        interrupter.one()
    interrupter.session.close()
    return 'seed %d, %d statements, %d interrupted, an answer to a signal after %.2f s at most' % (
        seed, interrupter.statements, interrupter.interrupted, interrupter.longest)
