"""What the cases share: the Bench, loops of statements, choosing contacts."""
import data
import results
import sets
from harness import Work, compare, profile

LOOP_ROWS = 20000               # statements of a loop


class Bench:
    """What the cases need: a session, the options, what is installed, and where results go."""

    def __init__(self, session, options, results):
        self.session, self.options, self.results = session, options, results
        self.budget = None
        self.forget()

    def forget(self):
        """Nobody knows what is installed."""
        self.installed, self.base = (), None

    def install(self, *wanted):
        if self.installed != wanted:
            before = self.installed
            self.forget()
            sets.install(self.session, wanted, installed=before)
            self.installed, self.base = wanted, sets.fingerprint(self.session)

    def wrong(self, changed=False):
        """Members that are not what they should be.

        Cases change contacts back, so that members must be again the ones that
        the second opinion gave when the set was installed; if they or the
        contacts are not, or changed says so, the second opinion is asked.
        """
        if not changed and self.base and sets.fingerprint(self.session) == self.base:
            return sets.check_some(self.session)
        return sets.wrong(self.session, self.installed)

    def compare(self, subject, floor):
        comparison = compare(self.session, subject, floor, self.options.rounds, self.budget)
        comparison.subject_work = subject
        if comparison.timed_out:
            self.forget()
        return comparison

    def ratio(self, target, key, work, goal, comparison, **more):
        if 'wrong' not in more and not comparison.timed_out:
            more['wrong'] = self.wrong()
        self.add(target, key, work, comparison.ratios, goal, comparison=comparison, **more)

    def add(self, target, key, work, values, goal=None, kind='ratio', comparison=None, **more):
        """Report a line (results.py says what belongs to it), and where the time goes when the target was missed."""
        line = results.line(target, key, work, values, goal, kind, comparison, **more)
        if self.options.profile and comparison and not comparison.timed_out and results.is_missed(line):
            line['profile'] = profile(self.session, comparison.subject_work)
        self.results.add(line)


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


def compare_one_row(bench, there, back, subject='crm', floor='plain'):
    """One-row UPDATEs in a loop, with segments against plain."""
    return bench.compare(*(Work(there_and_back(schema, there, back), before=tidy(schema)) for schema in (subject, floor)))


# Points that can grow by one or two without reaching a threshold.
BETWEEN = 'points % 5 BETWEEN 1 AND 2'


def contact_file(bench, condition='true'):
    """Contacts in a file that the server can read: its columns and its name."""
    names, path = data.columns(bench.session, 'plain.leads'), f'{bench.options.scratch}/contacts'
    bench.session.run(f"COPY (SELECT {names} FROM plain.leads WHERE {condition} ORDER BY id) TO '{path}'")
    return names, path
