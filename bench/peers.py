"""Other ways to keep segments, on the same data: what each costs.

All keep the members of the same dense segments over at most 100,000 contacts;
each is compared with the plain tables.  Sizes are small because most of them
would not finish otherwise.
"""
import cases
import data
import sets
from harness import Work
from whole import SCAN

CONTACTS = 100000
UPDATES = 500                   # one-row UPDATEs of a loop

SETUP = """
CREATE SCHEMA peer;
CREATE TABLE peer.leads (LIKE plain.leads INCLUDING ALL);
CREATE TABLE peer.member (LIKE plain.member INCLUDING ALL);
CREATE SCHEMA plain_peer;
CREATE TABLE plain_peer.leads (LIKE plain.leads INCLUDING ALL);
"""


def condition(session, n, row):
    """The WHERE of one specification, written out, over a row variable or alias."""
    names = sets.SPEC_COLUMNS[:10]
    values = session.rows(f"SELECT {', '.join(names)} FROM bench.spec WHERE kind = 'dense' AND n = {n}")[0]
    column = {'points_from': 'points', 'points_before': 'points', 'active_from': 'last_active',
              'active_before': 'last_active', 'added_from': 'date_added', 'added_before': 'date_added'}
    terms = []
    for name, value in zip(names, values):
        if value:
            operator = '>=' if name.endswith('_from') else '<' if name.endswith('_before') else '='
            terms.append(f"{row}.{column.get(name, name)} {operator} '{value}'")
    return ' AND '.join(terms)


def row_trigger(session, count):
    """A PL/pgSQL row trigger with one IF for each segment."""
    body = ''.join(f"""
    IF TG_OP = 'UPDATE' THEN was := coalesce({condition(session, n, 'OLD')}, false); ELSE was := false; END IF;
    IF coalesce({condition(session, n, 'NEW')}, false) <> was THEN
        IF was THEN DELETE FROM peer.member WHERE segment_id = {n} AND contact_id = NEW.id;
        ELSE INSERT INTO peer.member (segment_id, contact_id) VALUES ({n}, NEW.id); END IF;
    END IF;""" for n in range(1, count + 1))
    session.run(f"""CREATE FUNCTION peer.maintain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was boolean;
BEGIN{body}
    RETURN NULL;
END $$;
CREATE TRIGGER maintain AFTER INSERT OR UPDATE ON peer.leads FOR EACH ROW EXECUTE FUNCTION peer.maintain()""")


def statement_trigger(session, count):
    """A statement trigger with one DELETE and one INSERT … SELECT from the transition table for each segment."""
    for event, drop in (('UPDATE', True), ('INSERT', False)):
        body = ''.join((f"""
    DELETE FROM peer.member AS m USING changed AS l WHERE m.segment_id = {n} AND m.contact_id = l.id
        AND NOT coalesce({condition(session, n, 'l')}, false);""" if drop else '') + f"""
    INSERT INTO peer.member (segment_id, contact_id) SELECT {n}, l.id FROM changed AS l
        WHERE {condition(session, n, 'l')} ON CONFLICT DO NOTHING;""" for n in range(1, count + 1))
        session.run(f"""CREATE FUNCTION peer.after_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{body}
    RETURN NULL;
END $$;
CREATE TRIGGER after_{event} AFTER {event} ON peer.leads REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION peer.after_{event}()""")


def no_trigger(session, count):
    """Empty statement triggers: what PostgreSQL itself charges for transition tables, and PL/pgSQL for being called."""
    session.run("""CREATE FUNCTION peer.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER after_insert AFTER INSERT ON peer.leads REFERENCING NEW TABLE AS segments_new
    FOR EACH STATEMENT EXECUTE FUNCTION peer.nothing();
CREATE TRIGGER after_update AFTER UPDATE ON peer.leads REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new
    FOR EACH STATEMENT EXECUTE FUNCTION peer.nothing()""")


def clear(session):
    session.run('DROP SCHEMA IF EXISTS peer CASCADE; DROP SCHEMA IF EXISTS plain_peer CASCADE')


def updated(bench):
    """A loop of one-row UPDATEs, against the plain table."""
    loops = [Work(cases.there_and_back(schema, 'points = (points + 150) % 1000', 'points = (points + 850) % 1000'),
                  before=f'VACUUM {schema}.leads') for schema in ('peer', 'plain_peer')]
    return bench.compare(*loops)


def loaded(bench, names, path):
    """COPY, against that of the plain table."""
    loads = [Work(f"COPY {schema}.leads ({names}) FROM '{path}'",
                  before=f'TRUNCATE {schema}.leads' + ('; TRUNCATE peer.member' if schema == 'peer' else ''))
             for schema in ('peer', 'plain_peer')]
    return bench.compare(*loads)


TRIGGERS = (('empty statement triggers in PL/pgSQL', no_trigger), ('row trigger in PL/pgSQL, an IF for each', row_trigger),
            ('statement trigger, a query for each', statement_trigger))
SIZES = (10, 100)
LARGE = 1000                    # where COPY and queries would take minutes
COMPARISONS = 2 + len(SIZES) * (2 + 2 + 2 + 2) + 2


def measure(bench):
    """A line for each way and number of segments."""
    session, contacts = bench.session, min(CONTACTS, bench.options.contacts)
    bench.forget()
    sets.reset(session)
    sets.specify(session, 'dense', 1000)
    names, path = cases.contact_file(bench, f'id <= {contacts}')
    cases.choose_keys(bench, f'id <= {contacts}', UPDATES)
    try:
        for count in SIZES:
            for what, make in TRIGGERS:
                if make is not no_trigger or count == SIZES[0]:
                    plain = by_trigger(bench, what, make, count, names, path)
            clear(session)
            session.run(SETUP)
            by_query(bench, count, contacts, plain)
            clear(session)
        for what, make in TRIGGERS[1:]:
            by_trigger(bench, what, make, LARGE, names, path)
        clear(session)
        # the extension itself at the same sizes
        for count in SIZES:
            by_extension(bench, count, names, path)
    finally:
        clear(session)
        bench.forget()


def add(bench, what, count, one=None, load=None, note='', wrong=None):
    bench.results.add({'key': f'{what} {count}', 'what': what, 'segments': count, 'one': one,
                       'load': load, 'note': note, 'wrong': wrong}, 'peers')


def by_trigger(bench, what, make, count, names, path):
    """Members that a trigger writes; returns the seconds of a plain UPDATE."""
    session, kept = bench.session, 0 if make is no_trigger else count
    clear(session)
    session.run(SETUP)
    if count == LARGE:
        for schema in ('peer', 'plain_peer'):
            data.copy_table(session, 'plain.leads', f'{schema}.leads', f'id <= {CONTACTS}')
    make(session, count)
    load = loaded(bench, names, path) if count < LARGE else None
    one = updated(bench)
    wrong = sets.differences(session, (('dense', kept),), 'peer', table='member') if kept and load else None
    add(bench, what, kept, one.ratios[0], load and load.ratios[0], wrong=wrong)
    return one.floor[0] / (2 * UPDATES)


def by_query(bench, count, contacts, plain):
    """Members that are computed when somebody asks, kept or not; a plain UPDATE takes so many seconds."""
    session = bench.session
    queries = [f'SELECT {n} AS segment_id, l.id AS contact_id FROM peer.leads AS l WHERE {condition(session, n, "l")}'
               for n in range(1, count + 1)]
    data.copy_table(session, 'plain.leads', 'peer.leads', f'id <= {contacts}')
    session.run('ANALYZE peer.leads; CREATE MATERIALIZED VIEW peer.members AS ' + '\nUNION ALL\n'.join(queries)
                + '; CREATE UNIQUE INDEX ON peer.members (segment_id, contact_id)')
    scan = Work(SCAN.replace('plain.leads', 'peer.leads'))
    for what, work, is_kept in (
            ('materialized view, REFRESH CONCURRENTLY after a change', 'UPDATE peer.leads SET points = points + 1 WHERE id = 1;'
             ' REFRESH MATERIALIZED VIEW CONCURRENTLY peer.members', True),
            ('a query for each segment when somebody asks', '; '.join(f'SELECT count(*) FROM ({query}) AS q' for query in queries), False)):
        comparison = bench.compare(Work(work), scan)
        add(bench, what, count, one=comparison.subject[0] / plain if is_kept else None,
            note=f'{comparison.ratios[0]:,.0f} scans, {comparison.subject[1]:.2f} s each time')


def by_extension(bench, count, names, path):
    session = bench.session
    session.run('CREATE SCHEMA peer; CREATE TABLE peer.leads (LIKE plain.leads INCLUDING ALL);'
                ' CREATE SCHEMA plain_peer; CREATE TABLE plain_peer.leads (LIKE plain.leads INCLUDING ALL);'
                " SELECT segments.attach_mautic_schema('peer'); CREATE TABLE peer.member ()")
    try:
        session.run(sets.insert_sql('dense', count, 'peer', 10 ** 9, ready=True))
        load, one = loaded(bench, names, path), updated(bench)
        add(bench, 'segments', count, one.ratios[0], load.ratios[0],
            wrong=sets.differences(session, (('dense', count),), 'peer', 10 ** 9))
    finally:
        sets.reset(session)
        session.run("SELECT segments.detach('peer.leads')")
        clear(session)
