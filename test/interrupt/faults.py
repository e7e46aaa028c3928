"""An error at every passage of a statement through our code, one after the other."""
import itertools

from session import Session, Wrong
import world

KINDS = {'cancel': '57014', 'lock': '55P03', 'memory': '53200'}
CAUGHT = 'query_canceled OR out_of_memory OR lock_not_available'

# What a session that has nothing open holds, and what the segments lack.
STATE = """
SELECT 'transaction is open' WHERE pg_current_xact_id_if_assigned() IS NOT NULL
UNION ALL SELECT 'locked: ' || relation::regclass || ' ' || mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384
UNION ALL SELECT 'locked: ' || locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'object', 'tuple')
UNION ALL SELECT 'context: ' || name || ' ' || count(*) FROM pg_backend_memory_contexts
  WHERE name IN ('segments draft', 'segments one segment', 'segments reconciliation', 'segments touched rows', 'segments document')
  GROUP BY name"""
PROGRESS = "SELECT 'progress of ' || command FROM segments.progress"


class Walk:
    def __init__(self, every):
        self.every = every
        self.session = Session()
        self.attempts = self.raised = self.swallowed = 0

    def attempt(self, case, mode, kind, n):
        """One passage in one way.  Was an error raised, and how many passages were there?"""
        self.session.must('TRUNCATE crm.audit', *case.before, "SET segments.fault_kind = '%s'" % kind, 'SET segments.fault_at = %d' % n)
        lines, errors = getattr(self, mode)(case)
        passed = int(self.session.value('SHOW segments.fault_passed').split()[-1])
        left, wrong = self.session.run('SET segments.fault_at = 0', STATE, PROGRESS)
        if left or wrong:
            raise Wrong('afterwards: %s %s' % (left, wrong))
        unexpected = [e for e in errors if e[0] != KINDS[kind]]
        if unexpected:
            raise Wrong('error %s' % unexpected)
        succeeded = self.verify(mode, errors)
        bad, wrong = self.session.run('SELECT * FROM segments.check()')
        if bad or wrong:
            raise Wrong('check() gives %s %s' % (bad[:5], wrong))
        if succeeded:
            self.session.must(*case.undo)
        self.attempts += 1
        self.raised += not succeeded
        self.swallowed += succeeded and passed >= n
        return passed

    # ----- ways -----

    def autocommit(self, case):
        return self.session.run(case.statement)

    def savepoint(self, case):
        self.session.must('BEGIN', "INSERT INTO crm.audit VALUES ('outer')", 'SAVEPOINT s', "INSERT INTO crm.audit VALUES ('inner')")
        lines, errors = self.session.run(case.statement)
        if errors:
            self.session.must('ROLLBACK TO s')
        self.session.must("INSERT INTO crm.audit VALUES ('after')", 'COMMIT')
        return lines, errors

    def block(self, case):
        perform = 'EXECUTE $s$%s$s$' % case.statement
        return self.session.run("""DO $$ BEGIN INSERT INTO crm.audit VALUES ('outer');
            BEGIN INSERT INTO crm.audit VALUES ('inner'); %s;
            EXCEPTION WHEN %s THEN INSERT INTO crm.audit VALUES ('caught'); END;
            INSERT INTO crm.audit VALUES ('after'); END $$""" % (perform, CAUGHT))

    def verify(self, mode, errors):
        """Is the transaction what it should be?  Has the statement succeeded?"""
        if mode == 'autocommit':
            return not errors
        rows = sorted(self.session.must('SELECT what FROM crm.audit'))
        done = ['after', 'inner', 'outer']
        if mode == 'savepoint':
            allowed = [['after', 'outer'] if errors else done]
        else:
            allowed = [[]] if errors else [done, ['after', 'caught', 'outer']]
        if rows not in allowed:
            raise Wrong('rows of the transaction: %s after %s' % (rows, errors))
        return 'inner' in rows

    # ----- the walk -----

    def passages(self):
        """1, 2, 3 ...; in the short form with longer and longer steps."""
        n = 1
        while True:
            yield n
            n += 1 if self.every else max(1, n // 6)

    def walk(self, case, mode, kind, left):
        for n in self.passages():
            if not left():
                return
            try:
                if self.attempt(case, mode, kind, n) < n:
                    return
            except Wrong as wrong:
                raise Wrong('%s, %s, %s at passage %d: %s' % (case.name, mode, kind, n, wrong))

    def run(self, cases, modes, kinds, left):
        """All of them, as long as there is time left."""
        for case, mode, kind in itertools.product(cases, modes, kinds):
            self.walk(case, mode, kind, left)
        return left()
