"""Writes of contacts: T1 to T7, and T14.

What changes rows changes them back, so that every round starts from the same.
"""
import os
import random
import statistics
import subprocess
import tempfile

import cases
import data
import sets
from cases import BETWEEN, FORGET, LOOP, LOOP_ROWS, ONE_ROW, choose_keys, compare_one_row, tidy
from harness import Work

BULK = 100000                   # rows of a bulk UPDATE, where there are as many


# ---------------------------------------------------------------------------
# Nothing flips
# ---------------------------------------------------------------------------

UNREAD = ('unread', 'a column changes that no segment reads', "fax = '1'", 'fax = NULL')


def one_contact(bench, kind):
    """T1: UPDATE of one contact that flips nothing."""
    segments = bench.options.segments
    bench.install((kind, segments))
    for key, what, there, back in (('points', 'points change', 'points = points + 1', 'points = points - 1'), UNREAD):
        count = choose_keys(bench, BETWEEN)
        bench.ratio('T1', f'T1 {kind} {key}', f'UPDATE of one contact, {what}; {segments:,} {kind} segments ÷ plain', 1.12,
                    compare_one_row(bench, there, back), count=2 * count)


FEW, FEW_FROM = 100, 10 ** 9


def growing(bench, kind):
    """T2: the same with many segments, against the same with few in another schema; interleaved."""
    session, many = bench.session, bench.options.many
    change = ('points = points + 1', 'points = points - 1')
    bench.install((kind, many))
    data.copy_tables(session, 'few', ('leads',), bench.options.contacts, attached=True)
    try:
        sets.add(session, ((kind, FEW, 0),), 'few', FEW_FROM)
        count = choose_keys(bench, BETWEEN)
        plain = compare_one_row(bench, *change)
        comparison = compare_one_row(bench, *change, floor='few')
        wrong = bench.wrong() + sets.differences(session, ((kind, FEW),), 'few', FEW_FROM)
        bench.add('T2', f'T2 {kind}', f'UPDATE of one contact, points change; {many:,} {kind} segments ÷ {FEW}',
                  comparison.ratios, 1.05, comparison=comparison, count=2 * count, wrong=wrong)
        bench.add('–', f'plain T2 {kind}', f'UPDATE of one contact, points change; {many:,} {kind} segments ÷ plain',
                  plain.ratios, comparison=plain, count=2 * count, wrong=wrong)
    finally:
        bench.forget()
        sets.reset(session)
        data.drop_tables(session, 'few')


def bulk_condition(bench):
    """One contact in so many that BULK of them change; how many do."""
    share = max(bench.options.contacts // BULK, 1)
    condition = f'id % {share} = 0'
    return condition, bench.session.number(f'SELECT count(*) FROM crm.leads WHERE {condition}')


def bulk(schema, condition, there, back):
    return f'UPDATE {schema}.leads SET {there} WHERE {condition}; UPDATE {schema}.leads SET {back} WHERE {condition}'


def many_contacts(bench, kind):
    """T4: UPDATE of many contacts that flips nothing."""
    segments = bench.options.segments
    condition, count = bulk_condition(bench)
    # each contact moves within the interval between two thresholds
    steps = ('points = points - points % 5 + (points + 1) % 5', 'points = points - points % 5 + (points + 4) % 5')
    bench.install((kind, segments))
    for key, what, there, back in (('points', 'points change') + steps, UNREAD):
        comparison = bench.compare(*(Work(bulk(schema, condition, there, back), before=tidy(schema))
                                     for schema in ('crm', 'plain')))
        bench.ratio('T4', f'T4 {kind} {key}', f'UPDATE of {count:,} contacts, {what}; {segments:,} {kind} segments ÷ plain', 1.22,
                    comparison, count=2)


# ---------------------------------------------------------------------------
# Members flip
# ---------------------------------------------------------------------------

BY_HAND = """DO $$
DECLARE
    k record;
    s bigint;
BEGIN
    FOR k IN SELECT id, joins, leaves FROM bench.key_flip ORDER BY n LOOP
        UPDATE plain.leads SET {change} WHERE id = k.id;
        FOREACH s IN ARRAY k.{joins} LOOP
            INSERT INTO plain.member (segment_id, contact_id) VALUES (s, k.id);{joined}
        END LOOP;
        FOREACH s IN ARRAY k.{leaves} LOOP
            DELETE FROM plain.member WHERE segment_id = s AND contact_id = k.id;{left}
        END LOOP;
    END LOOP;
END $$"""
LOGGED = """
            INSERT INTO plain.change (xact, n, segment_id, contact_id, joined, cause, at, lsn)
            VALUES (pg_current_xact_id()::text::bigint, 0, s, k.id, {joined}, 'filter', now(), pg_current_wal_insert_lsn());"""
SAME_LOG = 'DROP TABLE IF EXISTS plain.change; CREATE TABLE plain.change (LIKE crm.leads_segment_change INCLUDING ALL)'


def by_hand(there, back, logged):
    """There and back, with the members that flip; and with a row of a log like ours for each, or without."""
    log = {'joined': LOGGED.format(joined='true'), 'left': LOGGED.format(joined='false')} if logged else {'joined': '', 'left': ''}
    return (BY_HAND.format(change=there, joins='joins', leaves='leaves', **log) + ';\n'
            + BY_HAND.format(change=back, joins='leaves', leaves='joins', **log))


def record_flips(bench, there, back):
    """What a change flips, from the log, into bench.flip; the plain side gets the same members.

    Returns how many, and how many members are wrong after the change, which is then taken back.
    """
    bench.session.run(FORGET)
    bench.session.run(there)
    wrong = bench.wrong(changed=True)
    bench.session.run("""TRUNCATE bench.flip;
        INSERT INTO bench.flip SELECT segment_id, contact_id, joined FROM crm.leads_segment_change ORDER BY 1, 2;
        DROP TABLE IF EXISTS bench.key_flip;
        CREATE TABLE bench.key_flip AS SELECT k.n, k.id,
            coalesce(array_agg(f.segment_id) FILTER (WHERE f.joined), '{}') AS joins,
            coalesce(array_agg(f.segment_id) FILTER (WHERE NOT f.joined), '{}') AS leaves
        FROM bench.key AS k LEFT JOIN bench.flip AS f ON f.contact_id = k.id GROUP BY k.n, k.id;
        VACUUM ANALYZE bench.key_flip; VACUUM ANALYZE bench.flip""")
    bench.session.run(back)
    bench.session.run(f"""{FORGET}; TRUNCATE plain.member""")
    data.suspend_indexes(bench.session, ['plain.member'])
    bench.session.run('INSERT INTO plain.member SELECT segment_id, contact_id, since FROM crm.leads_segment_member ORDER BY 1, 2')
    data.resume_indexes(bench.session, ['plain.member'])
    bench.session.run('VACUUM ANALYZE plain.member')
    return bench.session.number('SELECT count(*) FROM bench.flip'), wrong


def one_contact_flips(bench, kind, segments):
    """T3: UPDATE of one contact with flips, against the UPDATE and prepared INSERTs and DELETEs of the same members."""
    small, large = ('points = points + 10', 'points = points - 10'), \
        ('points = (points + 370) % 1000', 'points = (points + 630) % 1000')
    bench.install((kind, segments))
    for key, (there, back), wanted in (('few', small, LOOP_ROWS), ('many', large, 2000)):
        keys = choose_keys(bench, count=wanted)
        loops = [LOOP.format(statement=ONE_ROW.format(schema='crm', change=change)) for change in (there, back)]
        flips, wrong = record_flips(bench, *loops)
        bench.session.run(SAME_LOG)
        for suffix, what, logged, goal in (('', '', False, 1.0), (' logged', ' and a log of them', True, None)):
            comparison = bench.compare(Work(';\n'.join(loops), before=tidy('crm'), after=FORGET),
                                       Work(by_hand(there, back, logged), before=tidy('plain'), after='TRUNCATE plain.change'))
            bench.ratio('T3', f'T3 {kind} {segments} {key}{suffix}', f'UPDATE of one contact, {flips / keys:.2f} flips; {segments:,} {kind}'
                        f' segments ÷ UPDATE + the same members{what} by hand', goal, comparison, count=2 * keys, wrong=wrong + bench.wrong())


MEMBERS_BY_HAND = """UPDATE plain.leads SET {change} WHERE {condition};
    DELETE FROM plain.member AS m USING bench.flip AS f
    WHERE m.segment_id = f.segment_id AND m.contact_id = f.contact_id AND f.joined = {leaves};
    INSERT INTO plain.member (segment_id, contact_id) SELECT segment_id, contact_id FROM bench.flip WHERE joined = {joins}"""


def many_contacts_flip(bench, kind, segments):
    """T5: UPDATE of many contacts with flips, against the UPDATE, a DELETE and an INSERT … SELECT."""
    condition, rows = bulk_condition(bench)
    there, back = 'points = (points + 150) % 1000', 'points = (points + 850) % 1000'
    bench.install((kind, segments))
    choose_keys(bench, count=1)
    flips, wrong = record_flips(bench, *(f'UPDATE crm.leads SET {change} WHERE {condition}' for change in (there, back)))
    floor = ';\n'.join(MEMBERS_BY_HAND.format(change=change, condition=condition, joins=joins, leaves=leaves)
                       for change, joins, leaves in ((there, 'true', 'false'), (back, 'false', 'true')))
    comparison = bench.compare(Work(bulk('crm', condition, there, back), before=tidy('crm'), after=FORGET),
                               Work(floor, before=tidy('plain')))
    bench.ratio('T5', f'T5 {kind}', f'UPDATE of {rows:,} contacts, {flips / rows:.1f} flips each; {segments:,} {kind} segments'
                ' ÷ UPDATE + the same members by hand', 0.6, comparison, count=2, wrong=wrong + bench.wrong())


# ---------------------------------------------------------------------------
# COPY
# ---------------------------------------------------------------------------

def copy(bench, target, kind, segments, goal, by_hand):
    """T6, T7: COPY into an empty contact table that has segments."""
    session = bench.session
    bench.forget()
    sets.reset(session)
    names, path = cases.contact_file(bench)
    session.run("TRUNCATE loaded.leads; SELECT segments.attach_mautic_schema('loaded')")
    try:
        sets.specify(session, kind, segments)
        session.run(sets.insert_sql(kind, segments, 'loaded', ready=True))
        session.run('SELECT segments_internal.invalidate(contact_table) FROM segments.contact_table')
        subject = f"COPY loaded.leads ({names}) FROM '{path}'"
        floor = f"COPY plain_loaded.leads ({names}) FROM '{path}'"
        # no dead entries of the round before: both sides begin with empty tables
        empty = 'TRUNCATE loaded.leads; TRUNCATE loaded.leads_segment_change; VACUUM loaded.leads_segment_member'
        session.run(empty)
        session.run(subject)
        wrong = sets.wrong(session, ((kind, segments),), 'loaded')
        members = session.number('SELECT count(*) FROM loaded.leads_segment_member')
        what = f'COPY of {bench.options.contacts:,} contacts, {members:,} members; {segments:,} {kind} segments ÷ plain COPY'
        if by_hand:
            session.run('DROP TABLE IF EXISTS bench.loaded_member; CREATE TABLE bench.loaded_member AS'
                        ' SELECT segment_id, contact_id FROM loaded.leads_segment_member ORDER BY 1, 2')
            floor += '; INSERT INTO plain_loaded.member (segment_id, contact_id) SELECT * FROM bench.loaded_member'
            what += ' + INSERT … SELECT of the members'
        comparison = bench.compare(Work(subject, before=empty),
                                   Work(floor, before='TRUNCATE plain_loaded.leads, plain_loaded.member'))
        bench.ratio(target, f'{target} {kind} {segments}', what, goal, comparison, wrong=wrong)
    finally:
        bench.forget()
        sets.reset(session)
        session.run("SELECT segments.detach('loaded.leads'); TRUNCATE loaded.leads, plain_loaded.leads, plain_loaded.member")


# ---------------------------------------------------------------------------
# Writers at the same time
# ---------------------------------------------------------------------------

WRITERS = """\\set k random(1, {contacts} / :clients - 1) * :clients + :client_id
UPDATE {schema}.leads SET points = (points + 10) % 1000 WHERE id = :k;
UPDATE {schema}.leads SET points = (points + 990) % 1000 WHERE id = :k;
"""


def writers(bench, kind, segments):
    """T14: writers of different contacts: how throughput scales, against how it scales plain."""
    bench.install((kind, segments))
    rate = {}
    for _ in range(bench.options.rounds):
        for clients in (1, 2, 4):
            for schema in random.sample(('crm', 'plain'), 2):
                rate.setdefault((schema, clients), []).append(throughput(bench, schema, clients))
    bench.session.run(FORGET)
    typical = {key: statistics.median(values) for key, values in rate.items()}
    for clients in (2, 4):
        scaling = {schema: typical[schema, clients] / typical[schema, 1] for schema in ('crm', 'plain')}
        bench.add('T14', f'T14 {clients}', f'{clients} writers of different contacts, scaling ÷ scaling of plain; {segments:,} {kind} segments',
                  (scaling['crm'] / scaling['plain'],) * 2, 0.95, wrong=bench.wrong(),
                  note=f"scaling {scaling['crm']:.2f} and {scaling['plain']:.2f}; {os.cpu_count()} processors")


def throughput(bench, schema, clients):
    """Scripts a second; client c writes contacts whose id leaves c when divided by the number of clients, there and back."""
    with tempfile.NamedTemporaryFile('w', suffix='.sql') as script:
        script.write(WRITERS.format(contacts=bench.options.contacts, schema=schema))
        script.flush()
        answer = subprocess.run(['pgbench', '-n', '-M', 'prepared', '-c', str(clients), '-j', str(min(clients, 2)), '-T',
                                 str(bench.options.seconds), '-D', f'clients={clients}', '-f', script.name, bench.options.database],
                                env=dict(os.environ, PGOPTIONS='-c synchronous_commit=off'),
                                capture_output=True, text=True, check=True).stdout
    return float(next(line for line in answer.splitlines() if line.startswith('tps')).split()[2])
