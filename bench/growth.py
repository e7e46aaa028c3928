"""How the cost of a write grows with segments and contacts."""
import cases
import data
import sets
from harness import Work
from related import EVENT
from writes import bulk

SEGMENTS = (10, 100, 1000, 10000, 100000)
CONTACTS = (10000, 100000, 1000000)
ROWS = 10000                    # of a bulk UPDATE and of a COPY
LOOP_ROWS = 10000               # of loops
EVENTS = 5                      # segments over events in each set
COLUMNS = 4                     # kinds of writes


def sizes(options):
    """(contacts, numbers of segments), …"""
    segments = [n for n in SEGMENTS if n <= options.many]
    return [(n, segments) for n in CONTACTS if n <= options.contacts]


def comparisons(options):
    return COLUMNS * sum(len(segments) for _, segments in sizes(options))


def works(contacts, names, path):
    """Of each kind of write: its name, and the work on a schema."""
    def one_row(schema):
        return Work(cases.there_and_back(schema, 'points = points + 1', 'points = points - 1'), before=tidy(schema))

    def many_rows(schema):
        return Work(bulk(schema, f'id <= {ROWS}', "fax = '1'", 'fax = NULL'), before=tidy(schema))

    def copy(schema):
        return Work(f"BEGIN; COPY {schema}.leads ({names}) FROM '{path}'", before=tidy(schema), after='ROLLBACK')

    def event(schema):
        return Work('BEGIN;' + cases.LOOP.format(statement=EVENT.format(schema=schema, page=9999)),
                    before=tidy(schema), after='ROLLBACK')

    def tidy(schema):
        members = 'VACUUM grown.leads_segment_member;' if schema == 'grown' else ''
        return f'VACUUM {schema}.leads; VACUUM {schema}.page_hits; {members} UPDATE {schema}.leads SET points = points WHERE id = 1'

    return (('UPDATE of one contact', one_row), (f'UPDATE of {min(ROWS, contacts):,}', many_rows),
            (f'COPY of {ROWS:,}', copy), ('INSERT of one event', event))


def measure(bench):
    """A line for each number of contacts and of segments."""
    session = bench.session
    bench.forget()
    sets.reset(session)
    drop(session)
    try:
        for contacts, counts in sizes(bench.options):
            for schema in ('grown', 'plain_grown'):
                data.copy_tables(session, schema, ('leads', 'page_hits'), contacts, attached=schema == 'grown')
            grow(bench, contacts, counts)
            drop(session)
    finally:
        drop(session)


def drop(session):
    sets.reset(session)
    for schema in ('grown', 'plain_grown'):
        data.drop_tables(session, schema)


def grow(bench, contacts, counts):
    session, installed = bench.session, ()
    names, path = new_contacts(bench)
    cases.choose_keys(bench, f'id <= {contacts} AND {cases.BETWEEN}', LOOP_ROWS)
    for count in counts:
        wanted = (('event', EVENTS), ('sparse', count - EVENTS))
        sets.install(session, wanted, 'grown', installed)
        installed = wanted
        cells = []
        for name, work in works(contacts, names, path):
            comparison = bench.compare(work('grown'), work('plain_grown'))
            cells.append({'name': name, 'ratio': comparison.ratios[0], 'spread': comparison.spread, 'rounds': comparison.rounds})
        bench.results.add({'key': f'{contacts} {count}', 'contacts': contacts, 'segments': count, 'cells': cells,
                           'wrong': sets.wrong(session, wanted, 'grown')}, 'growth')


def new_contacts(bench):
    """Contacts that are not there yet, in a file that the server can read."""
    names, path = data.columns(bench.session, 'plain.leads'), f'{bench.options.scratch}/more'
    others = names.split(', ', 1)[1]
    bench.session.run(f"COPY (SELECT id + 100000000, {others} FROM plain.leads ORDER BY id LIMIT {ROWS}) TO '{path}'")
    return names, path
