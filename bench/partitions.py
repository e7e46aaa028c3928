"""T26: writes to a contact table in 64 partitions, against the same writes to one that is not partitioned.

Partitioning costs something without segments too, which isn't ours.  So each
table is first compared with one like it that has no segments, and the figure
is the quotient of these two ratios: how much dearer segments make a write
where there are partitions, by how much dearer they make it where there are
none.
"""
import cases
import data
import growth
import sets
from harness import Work
from writes import FEW_FROM, bulk, bulk_condition

LEAVES = 64
SCHEMAS = (('split', True), ('plain_split', False))     # and whether it has segments
NEW_ROWS = 10000                # of COPY

# New contacts, from others' numbers: some of them are members.
INSERT_ONE = """INSERT INTO {schema}.leads (id, country, city, owner_id, stage_id, points, last_active)
    VALUES (200000000 + k, 'Country ' || k % 50, 'City ' || k % 1000, 1 + k % 100, 1 + k % 10, k % 997, '2026-01-01');"""


def make(session, schema, attached):
    """A contact table of LEAVES partitions by hash, with the same contacts."""
    session.run(f"""CREATE SCHEMA {schema};
        CREATE TABLE {schema}.leads (LIKE plain.leads INCLUDING ALL) PARTITION BY HASH (id)""")
    leaves = [f'{schema}.leads_{n}' for n in range(LEAVES)]
    for n, leaf in enumerate(leaves):
        session.run(f'CREATE TABLE {leaf} PARTITION OF {schema}.leads FOR VALUES WITH (MODULUS {LEAVES}, REMAINDER {n}) WITH (fillfactor = 70)')
    data.suspend_indexes(session, leaves)
    data.copy_table(session, 'plain.leads', f'{schema}.leads')
    data.resume_indexes(session, leaves)
    if attached:
        session.run(f"SELECT segments.attach_mautic_schema('{schema}')")
    session.run(f'VACUUM ANALYZE {schema}.leads')


def tidy(schema):
    member = {'plain': '', 'plain_split': ''}.get(schema, f'VACUUM {schema}.leads_segment_member;')
    return f'VACUUM {schema}.leads; {member} UPDATE {schema}.leads SET points = points WHERE id = 1'


def works(bench):
    """Of each kind of write: key, name, how many statements, and the work on a schema."""
    condition, rows = bulk_condition(bench)
    names, path = growth.new_contacts(bench)
    loop = cases.choose_keys(bench, cases.BETWEEN)
    steps = ('points = points - points % 5 + (points + 1) % 5', 'points = points - points % 5 + (points + 4) % 5')
    return (('one', 'UPDATE of one contact', 2 * loop, lambda schema:
             Work(cases.there_and_back(schema, 'points = points + 1', 'points = points - 1'), before=tidy(schema))),
            ('insert', 'INSERT of one contact', loop, lambda schema:
             Work('BEGIN;' + cases.LOOP.format(statement=INSERT_ONE.format(schema=schema)), before=tidy(schema), after='ROLLBACK')),
            ('many', f'UPDATE of {rows:,} contacts', 2, lambda schema: Work(bulk(schema, condition, *steps), before=tidy(schema))),
            ('copy', f'COPY of {NEW_ROWS:,} contacts', 1, lambda schema:
             Work(f"BEGIN; COPY {schema}.leads ({names}) FROM '{path}'", before=tidy(schema), after='ROLLBACK')))


def wrong_in_partitions(session, kind, segments):
    return sets.differences(session, ((kind, segments),), 'split', FEW_FROM) + sets.check_some(session, 'split')


def measure(bench, kind, segments):
    session = bench.session
    bench.install((kind, segments))
    try:
        for schema, attached in SCHEMAS:
            make(session, schema, attached)
        sets.add(session, ((kind, segments, 0),), 'split', FEW_FROM)
        for key, what, count, work in works(bench):
            split, whole = (bench.compare(work(subject), work(floor)) for subject, floor in (('split', 'plain_split'), ('crm', 'plain')))
            wrong = bench.wrong() + wrong_in_partitions(session, kind, segments)
            quotient = tuple(s / w for s, w in zip(split.ratios, whole.ratios))
            bench.add('T26', f'T26 {key}', f'{what} in {LEAVES} partitions, {segments:,} {kind} segments ÷ plain'
                      ' ÷ the same quotient without partitions', quotient, 1.05, comparison=split, count=count, wrong=wrong,
                      spread=max(split.spread, whole.spread), middle=None, note=f'{split.ratios[0]:.2f} and {whole.ratios[0]:.2f}')
    finally:
        bench.forget()
        sets.reset(session)
        for schema, _ in SCHEMAS:
            data.drop_tables(session, schema)
