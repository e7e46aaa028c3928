"""How the cost of a write grows with segments and contacts."""
import cases
import data
from harness import Work, compare

SEGMENTS = (10, 100, 1000, 10000, 100000)
CONTACTS = (10000, 100000, 1000000)
ROWS = 10000                    # of a bulk UPDATE and of a COPY
EVENTS = 5                      # segments over events in each set


def tables(session, contacts):
    """Two schemas with so many contacts, one of them attached."""
    for schema, attach in (('grown', True), ('plain_grown', False)):
        session.run(f'CREATE SCHEMA {schema}')
        for name in ('leads', 'page_hits'):
            session.run(f'CREATE TABLE {schema}.{name} (LIKE plain.{name} INCLUDING ALL)')
        session.run(f'ALTER TABLE {schema}.leads SET (fillfactor = 70);'
                    f' ALTER TABLE {schema}.page_hits ADD FOREIGN KEY (lead_id) REFERENCES {schema}.leads')
        data.copy_table(session, 'plain.leads', f'{schema}.leads', f'id <= {contacts}')
        if attach:
            session.run(f"SELECT segments.attach_mautic_schema('{schema}')")
    session.run('VACUUM ANALYZE')


def drop(session):
    if session.value("SELECT to_regclass('grown.leads')"):
        data.reset(session)
        session.run("SELECT segments.detach('grown.leads')")
    session.run('DROP SCHEMA IF EXISTS grown CASCADE; DROP SCHEMA IF EXISTS plain_grown CASCADE')


def works(bench, contacts, names, path):
    """Of each kind of write: its name, the work on a schema, and how many statements or rows it has."""
    def one_row(schema):
        return Work(cases.there_and_back(schema, 'points = points + 1', 'points = points - 1'), before=tidy(schema))

    def bulk(schema):
        return Work(cases.bulk(schema, f'id <= {ROWS}', "fax = '1'", 'fax = NULL'), before=tidy(schema))

    def copy(schema):
        return Work(f"BEGIN; COPY {schema}.leads ({names}) FROM '{path}'", before=tidy(schema), after='ROLLBACK')

    def event(schema):
        return Work('BEGIN;' + cases.LOOP.format(statement=cases.EVENT.format(schema=schema, page=9999)),
                    before=tidy(schema), after='ROLLBACK')

    def tidy(schema):
        members = 'VACUUM grown.leads_segment_member;' if schema == 'grown' else ''
        return f'VACUUM {schema}.leads; VACUUM {schema}.page_hits; {members} UPDATE {schema}.leads SET points = points WHERE id = 1'

    return (('UPDATE of one contact', one_row), (f'UPDATE of {min(ROWS, contacts):,}', bulk),
            (f'COPY of {ROWS:,}', copy), ('INSERT of one event', event))


def measure(bench):
    """Rows (contacts, segments, [(name, CPU ratio, wall ratio, spread, wrong)])."""
    options = bench.options
    session, answer = bench.session, []
    bench.installed = None
    data.reset(session)
    for contacts in [n for n in CONTACTS if n <= options.contacts]:
        drop(session)
        tables(session, contacts)
        # contacts that are not there yet
        names = data.columns(session, 'plain.leads')
        path = f'{options.scratch}/more'
        others = names.split(', ', 1)[1]
        session.run(f"COPY (SELECT id + 100000000, {others} FROM plain.leads ORDER BY id LIMIT {ROWS}) TO '{path}'")
        for count in [n for n in SEGMENTS if n <= (100000 if options.full else options.segments)]:
            sets = (('sparse', count - EVENTS), ('event', EVENTS))
            data.install(session, sets, 'grown')
            session.run(f"""TRUNCATE bench.key; INSERT INTO bench.key SELECT row_number() OVER (ORDER BY hashint8(id), id), id
                FROM (SELECT id FROM grown.leads WHERE points % 5 BETWEEN 1 AND 2 ORDER BY hashint8(id), id LIMIT 10000) AS k;
                VACUUM ANALYZE bench.key""")
            cells = []
            for name, work in works(bench, contacts, names, path):
                comparison = compare(session, work('grown'), work('plain_grown'), max(options.rounds // 2, 2), options.patience)
                cells.append((name, *comparison.ratios, comparison.spread))
            wrong = data.wrong(session, sets, 'grown')
            answer.append((contacts, count, cells, wrong))
            print(f'growth: {contacts:,} contacts, {count:,} segments: '
                  + ', '.join(f'{cell[0]} {cell[1]:.2f}' for cell in cells) + f', wrong {wrong}', flush=True)
    drop(session)
    return answer
