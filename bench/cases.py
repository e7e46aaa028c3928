"""The cases, one function for each target of the design."""
import data
from harness import Session, Work, compare

LOOP = """DO $$
DECLARE
    k bigint;
BEGIN
    FOR k IN SELECT id FROM bench.key ORDER BY n LOOP
        {statement}
    END LOOP;
END $$"""

BY_HAND = """DO $$
DECLARE
    k record;
    s bigint;
BEGIN
    FOR k IN SELECT id, joins, leaves FROM bench.key_flip ORDER BY n LOOP
        {statement}
        FOREACH s IN ARRAY k.{joins} LOOP
            INSERT INTO plain.member (segment_id, contact_id) VALUES (s, k.id);{log_joins}
        END LOOP;
        FOREACH s IN ARRAY k.{leaves} LOOP
            DELETE FROM plain.member WHERE segment_id = s AND contact_id = k.id;{log_leaves}
        END LOOP;
    END LOOP;
END $$"""

# VACUUM makes backends compile again: the write after it is not measured.
TIDY = 'VACUUM {schema}.leads; VACUUM {member}; UPDATE {schema}.leads SET points = points WHERE id = 1'
TIDY_LEADS = 'VACUUM {schema}.leads; UPDATE {schema}.leads SET points = points WHERE id = 1'
FORGET = 'TRUNCATE crm.leads_segment_change'


class Result:
    def __init__(self, target, work, comparison, goal, differing=0, unit=None, count=1, note=''):
        self.target, self.work, self.comparison, self.goal = target, work, comparison, goal
        self.differing, self.note = differing, note
        self.subject = comparison.subject[0] / count
        self.floor = comparison.floor[0] / count
        self.unit = unit


class Bench:
    def __init__(self, session, options, report):
        self.session, self.options, self.report = session, options, report
        self.installed = None

    @property
    def rounds(self):
        return self.options.rounds

    def install(self, *sets):
        if self.installed != sets:
            data.install(self.session, sets)
            self.installed = sets

    def differences(self):
        return data.differences(self.session, self.installed)

    def add(self, *arguments, **named):
        self.report(Result(*arguments, **named))


def there_and_back(template, table, there, back):
    """A work that undoes what it did, so that every round starts from the same."""
    return (LOOP.format(statement=template.format(table=table, change=there)) + ';\n'
            + LOOP.format(statement=template.format(table=table, change=back)))


ONE_ROW = 'UPDATE {table} SET {change} WHERE id = k;'


def one_row(bench, there, back, rounds=None):
    """One-row UPDATEs, attached against plain."""
    works = [Work(there_and_back(ONE_ROW, f'{schema}.leads', there, back), before=TIDY_LEADS.format(schema=schema),
                  after=FORGET if schema == 'crm' else None) for schema in ('crm', 'plain')]
    return compare(bench.session, *works, rounds or bench.rounds)


def key_count(bench):
    return bench.session.number('SELECT count(*) FROM bench.key')


def t1(bench):
    """One-row UPDATE that flips nothing."""
    for kind in bench.options.kinds:
        bench.install((kind, bench.options.segments))
        name = f'{bench.options.segments:,} {kind} segments'
        keep_step(bench)
        comparison = one_row(bench, 'points = points + 1', 'points = points - 1')
        bench.add('T1', f'UPDATE of one contact, points change, {name}', comparison, 1.12,
                  bench.differences(), 'µs', 2 * key_count(bench))
        comparison = one_row(bench, "fax = '1'", 'fax = NULL')
        bench.add('T1', f'UPDATE of one contact, a column that no segment reads, {name}', comparison, 1.12,
                  bench.differences(), 'µs', 2 * key_count(bench))


def keep_step(bench):
    """Only contacts that can gain a point without crossing a threshold."""
    bench.session.run(f"""TRUNCATE bench.key;
        INSERT INTO bench.key SELECT row_number() OVER (), id FROM (
            SELECT id FROM crm.leads WHERE points % 5 BETWEEN 1 AND 3 ORDER BY hashint8(id), id LIMIT 20000) AS k;
        VACUUM ANALYZE bench.key""")


def any_key(bench, count=20000):
    bench.session.run(f"""TRUNCATE bench.key;
        INSERT INTO bench.key SELECT row_number() OVER (), id FROM (
            SELECT id FROM crm.leads ORDER BY hashint8(id), id LIMIT {count}) AS k;
        VACUUM ANALYZE bench.key""")


def t2(bench):
    """The same at 100,000 segments against 100."""
    kind = bench.options.kinds[0]
    many = bench.options.many
    medians = []
    for count in (100, many):
        bench.install((kind, count))
        keep_step(bench)
        medians.append(one_row(bench, 'points = points + 1', 'points = points - 1'))
    few, lots = medians
    lots.floor = few.subject
    bench.add('T2', f'UPDATE of one contact, {many:,} {kind} segments ÷ 100', lots, 1.05,
              bench.differences(), 'µs', 2 * key_count(bench))


def record_flips(bench, change):
    """What one run of a change flips, from the log; the change stays made."""
    bench.session.run(FORGET)
    bench.session.run(change)
    bench.session.run("""TRUNCATE bench.flip;
        INSERT INTO bench.flip SELECT segment_id, contact_id, joined FROM crm.leads_segment_change;
        DROP TABLE IF EXISTS bench.key_flip;
        CREATE TABLE bench.key_flip AS SELECT k.n, k.id,
            coalesce(array_agg(f.segment_id) FILTER (WHERE f.joined), '{}') AS joins,
            coalesce(array_agg(f.segment_id) FILTER (WHERE NOT f.joined), '{}') AS leaves
        FROM bench.key AS k LEFT JOIN bench.flip AS f ON f.contact_id = k.id GROUP BY k.n, k.id;
        VACUUM ANALYZE bench.key_flip; VACUUM ANALYZE bench.flip;
        TRUNCATE crm.leads_segment_change""")
    return bench.session.number('SELECT count(*) FROM bench.flip')


def same_members(bench):
    """The plain side starts with the same members."""
    bench.session.run("""TRUNCATE plain.member;
        INSERT INTO plain.member SELECT segment_id, contact_id, since FROM crm.leads_segment_member ORDER BY 1, 2;
        VACUUM ANALYZE plain.member""")


def t3(bench):
    """One-row UPDATE with flips, against the same changes by hand."""
    session = bench.session
    kind = bench.options.kinds[0]
    for count, there, back in ((min(1000, bench.options.segments), 'points = points + 10', 'points = points - 10'),
                               (bench.options.segments, 'points = points + 10', 'points = points - 10'),
                               (bench.options.segments, 'points = (points + 370) % 1000', 'points = (points + 630) % 1000')):
        bench.install((kind, count))
        any_key(bench, 1000 if '%' in there else 20000)
        same_members(bench)
        flips = record_flips(bench, LOOP.format(statement=ONE_ROW.format(table='crm.leads', change=there)))
        session.run(LOOP.format(statement=ONE_ROW.format(table='crm.leads', change=back)))
        statement = ONE_ROW.replace('= k', '= k.id')
        floor = ';\n'.join((
            BY_HAND.format(statement=statement.format(table='plain.leads', change=there), joins='joins', leaves='leaves',
                           log_joins='', log_leaves=''),
            BY_HAND.format(statement=statement.format(table='plain.leads', change=back), joins='leaves', leaves='joins',
                           log_joins='', log_leaves='')))
        comparison = compare(
            session,
            Work(there_and_back(ONE_ROW, 'crm.leads', there, back),
                 before=TIDY.format(schema='crm', member='crm.leads_segment_member'), after=FORGET),
            Work(floor, before=TIDY.format(schema='plain', member='plain.member')), bench.rounds)
        bench.add('T3', f'UPDATE of one contact, {flips / key_count(bench):.2f} flips, {count:,} {kind} segments ÷ by hand',
                  comparison, 1.0, bench.differences(), 'µs', 2 * key_count(bench))


def t4(bench):
    """UPDATE of many contacts, nothing flips."""
    limit = 100000
    condition = f'id <= {limit}'
    for kind in bench.options.kinds:
        bench.install((kind, bench.options.segments))
        works = [Work(f"UPDATE {schema}.leads SET fax = '1' WHERE {condition}; UPDATE {schema}.leads SET fax = NULL WHERE {condition}",
                      before=TIDY_LEADS.format(schema=schema)) for schema in ('crm', 'plain')]
        comparison = compare(bench.session, *works, bench.rounds)
        bench.add('T4', f'UPDATE of 100,000 contacts, a column that no segment reads, {bench.options.segments:,} {kind} segments',
                  comparison, 1.22, bench.differences(), 'ms', 2)
        step = f'{condition} AND points % 5 BETWEEN 1 AND 2'
        works = [Work(f"UPDATE {schema}.leads SET points = points + 2 WHERE {step};"
                      f" UPDATE {schema}.leads SET points = points - 2 WHERE {condition} AND points % 5 BETWEEN 3 AND 4 AND fax = 'moved'"
                      .replace('points = points + 2', "points = points + 2, fax = 'moved'")
                      .replace('points = points - 2', 'points = points - 2, fax = NULL'),
                      before=TIDY_LEADS.format(schema=schema)) for schema in ('crm', 'plain')]
        comparison = compare(bench.session, *works, bench.rounds)
        bench.add('T4', f'UPDATE of 40,000 contacts, points change, {bench.options.segments:,} {kind} segments',
                  comparison, 1.22, bench.differences(), 'ms', 2)


def t5(bench):
    """UPDATE of many contacts with flips, against the same changes set-wise by hand."""
    session = bench.session
    count = min(1000, bench.options.segments)
    condition = 'id <= 100000'
    bench.install(('dense', count))
    bench.session.run('TRUNCATE bench.key; INSERT INTO bench.key SELECT id, id FROM crm.leads WHERE id <= 100000')
    same_members(bench)
    there, back = 'points = (points + 370) % 1000', 'points = (points + 630) % 1000'
    flips = record_flips(bench, f'UPDATE crm.leads SET {there} WHERE {condition}')
    session.run(f'UPDATE crm.leads SET {back} WHERE {condition}')
    by_hand = """UPDATE plain.leads SET {change} WHERE {condition};
        DELETE FROM plain.member AS m USING bench.flip AS f
        WHERE m.segment_id = f.segment_id AND m.contact_id = f.contact_id AND {leaves};
        INSERT INTO plain.member (segment_id, contact_id) SELECT segment_id, contact_id FROM bench.flip AS f WHERE {joins}"""
    comparison = compare(
        session,
        Work(f'UPDATE crm.leads SET {there} WHERE {condition}; UPDATE crm.leads SET {back} WHERE {condition}',
             before=TIDY.format(schema='crm', member='crm.leads_segment_member'), after=FORGET),
        Work(by_hand.format(change=there, condition=condition, leaves='NOT joined', joins='joined') + ';\n'
             + by_hand.format(change=back, condition=condition, leaves='joined', joins='NOT joined'),
             before=TIDY.format(schema='plain', member='plain.member')), bench.rounds)
    bench.add('T5', f'UPDATE of 100,000 contacts with {flips / 100000:.1f} flips each, {count:,} dense segments ÷ by hand',
              comparison, 0.6, bench.differences(), 'ms', 2)


def load_table(bench):
    """A file of contacts, and an attached empty table to COPY it into."""
    session = bench.session
    path = f'{bench.options.scratch}/contacts'
    names = data.columns(session, 'plain.leads')
    session.run(f"COPY (SELECT {names} FROM plain.leads ORDER BY id) TO '{path}'")
    return path, names


def copy_case(bench, target, kind, count, goal, by_hand):
    session = bench.session
    path, names = load_table(bench)
    data.reset(session)
    bench.installed = None
    session.run("TRUNCATE loaded.leads; SELECT segments.attach_mautic_schema('loaded')")
    try:
        data.specify(session, kind, count)
        session.run(data.insert_sql(kind, count, 'loaded.leads', 0, 'ready'))
        session.run('SELECT segments.invalidate(contact_table) FROM segments.contact_table')
        subject = f"COPY loaded.leads ({names}) FROM '{path}'"
        floor = f"COPY plain_loaded.leads ({names}) FROM '{path}'"
        forget = 'TRUNCATE loaded.leads; TRUNCATE loaded.leads_segment_change'
        session.run(forget)
        session.run(subject)
        differing = data.differences(session, ((kind, count),), 'loaded')
        members = session.number('SELECT count(*) FROM loaded.leads_segment_member')
        session.run('DROP TABLE IF EXISTS bench.loaded_member; CREATE TABLE bench.loaded_member AS'
                    ' SELECT segment_id, contact_id FROM loaded.leads_segment_member ORDER BY 1, 2')
        if by_hand:
            floor += '; INSERT INTO plain_loaded.member (segment_id, contact_id) SELECT segment_id, contact_id FROM bench.loaded_member'
        comparison = compare(session, Work(subject, before=forget),
                             Work(floor, before='TRUNCATE plain_loaded.leads, plain_loaded.member'), bench.rounds)
        contacts = session.number('SELECT count(*) FROM plain.leads')
        bench.add(target, f'COPY of {contacts:,} contacts, {count:,} {kind} segments, {members:,} members ÷ plain COPY'
                  + (' + INSERT … SELECT of the members' if by_hand else ''), comparison, goal, differing, 'ms')
    finally:
        data.reset(session)
        session.run("SELECT segments.detach('loaded.leads'); TRUNCATE loaded.leads")


def t6(bench):
    copy_case(bench, 'T6', 'dense', 100, 0.92, True)
    copy_case(bench, 'T6', 'dense', 1000, 0.60, True)


def t7(bench):
    copy_case(bench, 'T7', 'sparse', bench.options.segments, 1.8, False)


class NewConnection(Work):
    """The first write of a session of its own."""

    def __init__(self, database, sql):
        super().__init__(sql)
        self.database = database

    def measure(self, session):
        with Session(self.database) as fresh:
            return super().measure(fresh)


class Excess:
    """A difference in place of a ratio."""


def t11(bench):
    kind = bench.options.kinds[0]
    for count, goal in ((bench.options.segments, 0.5), (bench.options.many, 1.0)):
        bench.install((kind, count))
        keep_step(bench)
        key = bench.session.value('SELECT id FROM bench.key WHERE n = 1')
        works = [NewConnection(bench.options.database, f"UPDATE {schema}.leads SET points = points WHERE id = {key}")
                 for schema in ('crm', 'plain')]
        comparison = compare(bench.session, *works, 2 * bench.rounds + 1)
        bench.add('T11', f'first write of a connection, {count:,} {kind} segments, ms over plain', comparison, goal,
                  bench.differences(), 'ms', note='difference')


def t13(bench):
    """INSERT of an event."""
    kind = bench.options.kinds[0]
    events = 100
    bench.install((kind, bench.options.segments - events), ('event', events))
    any_key(bench)
    insert = ("INSERT INTO {schema}.page_hits (lead_id, date_hit, url, url_title, page_id)"
              " VALUES (k, '2026-01-01', 'https://www.example.com/page/{page}', 'Title', 1);")
    for what, page, goal in (('that no condition matches', '9999', 1.06), ('that a condition matches, nothing flips', '7', 1.5)):
        if page == '7':
            # those whose membership cannot change: too few points, or members already
            bench.session.run("""TRUNCATE bench.key; INSERT INTO bench.key SELECT row_number() OVER (), id FROM (
                SELECT id FROM crm.leads AS l
                WHERE points < (SELECT points_from FROM bench.spec WHERE kind = 'event' AND n = 7)
                ORDER BY hashint8(id), id LIMIT 20000) AS k; VACUUM ANALYZE bench.key""")
        works = [Work('BEGIN;' + LOOP.format(statement=insert.format(schema=schema, page=page)),
                      after='ROLLBACK') for schema in ('crm', 'plain')]
        comparison = compare(bench.session, *works, bench.rounds)
        bench.add('T13', f'INSERT of one event {what}, {bench.options.segments:,} segments', comparison, goal,
                  bench.differences(), 'µs', max(key_count(bench), 1))
