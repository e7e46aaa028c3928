"""Errors while segments are compiled, as they are met: a timeout in a fresh session, a lock that a migration holds."""
from session import Session, Wrong

SETUP = """
CREATE EXTENSION segments;
CREATE SCHEMA crm;
CREATE TABLE crm.leads (id bigint PRIMARY KEY, t text, n int);
CREATE TABLE crm.event (id bigint PRIMARY KEY, lead_id bigint REFERENCES crm.leads, kind text);
CREATE TABLE crm.audit (what text);
SELECT segments.attach('crm.leads');
SELECT segments.attach_related('crm.leads', 'event', 'crm.event', 'lead_id');
SELECT segments.define_field('crm.leads', 'kind', 'text', object => 'behaviors', relation => 'event', column_name => 'kind');
INSERT INTO segments.segment (name, filters)
SELECT 's' || i, (SELECT json_agg(json_build_object('field', 't', 'operator', '=', 'glue', 'or',
                                                    'properties', json_build_object('filter', 'v' || j || '_' || i)))::text::segments.filter
                  FROM generate_series(1, 100) AS j)
FROM generate_series(1, 60) AS i;
SELECT segments.create_segment('kind', '[{"object":"behaviors","field":"kind","operator":"=","properties":{"filter":"a"}}]');
"""

BLOCK = """DO $$ BEGIN BEGIN INSERT INTO crm.audit VALUES ('inner'); INSERT INTO crm.leads VALUES (%d, 'v1_1');
EXCEPTION WHEN query_canceled OR lock_not_available THEN NULL; END; END $$"""
INSERT = "INSERT INTO crm.leads VALUES (%d, 'v1_1')"


class Situations:
    def __init__(self):
        self.other = Session('situations', 'other')
        self.number = 0
        self.interrupted = 0

    def fresh(self, *settings):
        """A session that has to compile: the definitions have just changed."""
        self.other.must("SELECT segments_internal.invalidate('crm.leads')", 'TRUNCATE crm.audit')
        session = Session('situations')
        session.must(*settings)
        self.number += 1
        return session

    def must_be(self, what, sql, expected):
        found = self.other.must(sql)
        if found != expected:
            raise Wrong('%s: %s gives %s' % (what, sql, found))

    @staticmethod
    def unlimited(session):
        """Where the limit is a millisecond, it may be over before it is lifted."""
        for _ in range(1000):
            if not session.run('SET statement_timeout = 0')[1]:
                return
        raise Wrong('a limit can not be lifted')

    def both_or_none(self, what, session, code, errors):
        """What the block did is undone with it; the session goes on, and commits."""
        if [e for e in errors if e[0] != code]:
            raise Wrong('%s: %s' % (what, errors))
        self.unlimited(session)
        session.must('SET lock_timeout = 0', "INSERT INTO crm.audit VALUES ('next')")
        self.must_be(what, "SELECT count(*) FROM crm.audit WHERE what = 'next'", ['1'])
        written = self.other.value('SELECT count(*) FROM crm.leads WHERE id = %d' % self.number)
        self.interrupted += written == '0'
        self.must_be(what, 'SELECT * FROM segments.check()', [])
        session.close()
        return written

    def timeout(self, ms):
        session = self.fresh("SET statement_timeout = '%dms'" % ms)
        self.both_or_none('autocommit, %d ms' % ms, session, '57014', session.run(INSERT % self.number)[1])
        session = self.fresh("SET statement_timeout = '%dms'" % ms)
        written = self.both_or_none('block, %d ms' % ms, session, '57014', session.run(BLOCK % self.number)[1])
        self.must_be('block, %d ms' % ms, "SELECT count(*) FROM crm.audit WHERE what = 'inner'", [written])

    def locked(self, statement, inner):
        """A migration holds a related table while a new connection writes its first contact."""
        session = self.fresh("SET lock_timeout = '20ms'")
        self.other.must('BEGIN', 'LOCK TABLE crm.event IN ACCESS EXCLUSIVE MODE')
        errors = session.run(statement % self.number)[1]
        if inner is None and not errors:
            raise Wrong('a lock timeout went unnoticed')
        self.other.must('COMMIT')
        if self.both_or_none('locked', session, '55P03', errors) != '0':
            raise Wrong('a contact was written without its segments')
        self.must_be('locked', "SELECT count(*) FROM crm.audit WHERE what = 'inner'", ['0'])

    def run(self):
        self.other.must(SETUP)
        for ms in (1, 2, 5, 10, 20, 40, 80, 160, 500):
            self.timeout(ms)
        self.locked(INSERT, None)
        self.locked(BLOCK, 'inner')
        self.other.close()
        return '%d sessions, %d interrupted' % (self.number, self.interrupted)
