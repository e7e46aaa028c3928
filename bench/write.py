#!/usr/bin/env python3
"""What writing joins and leaves costs, by type of key and by pattern, against doing it by hand.

Next to nothing is evaluated here: every segment asks for the same column, and
all of them flip at once.  The floor writes the same rows without a log.
Takes the connection from the usual PG* variables, of a superuser and a server
on this machine; makes and drops a database of its own.
"""
import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

from harness import Session, Work, compare, profile

DATABASE = 'segments_bench_write'

# A key for contact n: in order, or scattered.
KEYS = {'bigint': 'n', 'integer': 'n::integer', 'uuid': "md5(n::text)::uuid", 'text': "'contact-' || md5(n::text)",
        'numeric': 'n::numeric'}

SCHEMA = """
DROP SCHEMA IF EXISTS w CASCADE;
CREATE SCHEMA w;
CREATE TABLE w.contact (id {type} PRIMARY KEY, n bigint NOT NULL, level integer NOT NULL) WITH (fillfactor = 70);
CREATE TABLE w.plain (LIKE w.contact INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE w.member (segment_id bigint NOT NULL, contact_id {type} NOT NULL, since timestamptz NOT NULL DEFAULT now(),
                       PRIMARY KEY (segment_id, contact_id));
CREATE INDEX ON w.member (contact_id, segment_id);
SELECT segments.attach('w.contact');
INSERT INTO segments.segment (contact_table, name, alias, filters)
SELECT 'w.contact', 'segment ' || s, 'segment-' || s,
       json_build_array(json_build_object('field', 'level', 'type', 'number', 'operator', 'gte', 'object', 'lead',
                                          'glue', 'and', 'properties', json_build_object('filter', (s / {step} + 1)::text)))::text::segments.filter
FROM generate_series(0, {segments} - 1) AS s;
INSERT INTO w.contact SELECT {key}, n, 0 FROM generate_series(1, {contacts}) AS n;
INSERT INTO w.plain SELECT * FROM w.contact;
CREATE TABLE w.key AS SELECT id FROM w.contact ORDER BY hashint8(n) LIMIT {loop};
VACUUM ANALYZE w.contact; VACUUM ANALYZE w.plain; VACUUM ANALYZE w.key;
"""

TIDY = """VACUUM w.contact; VACUUM w.plain; VACUUM w.member; VACUUM w.contact_segment_member;
TRUNCATE w.contact_segment_change; UPDATE w.contact SET level = level WHERE n = 1"""

BULK = 'UPDATE w.{table} SET level = {level}'
JOINS = 'INSERT INTO w.member (segment_id, contact_id) SELECT s.id, c.id FROM segments.segment AS s, w.plain AS c ORDER BY 1, 2'
LEAVES = 'DELETE FROM w.member'

# one statement for each contact; by hand, a prepared one for each member too
LOOP = """DO $$
DECLARE
    k record;
    s bigint;
    all_segments bigint[] := ARRAY(SELECT id FROM segments.segment ORDER BY id);
BEGIN
    FOR k IN SELECT id FROM w.key LOOP
        UPDATE w.{table} SET level = {level} WHERE id = k.id;
        {by_hand}
    END LOOP;
END $$"""
EACH = 'FOREACH s IN ARRAY all_segments LOOP {statement}; END LOOP;'
JOIN = EACH.format(statement='INSERT INTO w.member (segment_id, contact_id) VALUES (s, k.id)')
LEAVE = EACH.format(statement='DELETE FROM w.member WHERE segment_id = s AND contact_id = k.id')


def loop(table, level, by_hand=''):
    return LOOP.format(table=table, level=level, by_hand=by_hand)


def set_up(session, key, contacts, segments, rows):
    session.run('SELECT segments.detach(contact_table) FROM segments.contact_table')
    session.run(SCHEMA.format(type=key, key=KEYS[key], contacts=contacts, segments=segments, step=segments, loop=rows))


def cases(session, key, options):
    """Name, subject, floor, and how many joins and leaves there are."""
    few, many = options.few, options.many
    both = (BULK.format(table='contact', level=1) + ';' + BULK.format(table='contact', level=0),
            ';'.join([BULK.format(table='plain', level=1), JOINS, BULK.format(table='plain', level=0), LEAVES]))
    set_up(session, key, options.contacts, many, options.loop)
    yield f'joins and leaves of all contacts, {many} segments', *both, 2 * options.contacts * many
    yield f'one contact after another, {many} flips each', *one_by_one(), 2 * options.loop * many
    set_up(session, key, options.contacts, few, options.loop)
    yield f'one contact after another, {few} flip each', *one_by_one(), 2 * options.loop * few


def one_by_one():
    return (';'.join([loop('contact', 1), loop('contact', 0)]), ';'.join([loop('plain', 1, JOIN), loop('plain', 0, LEAVE)]))


def wrong(session):
    return session.number('SELECT count(*) FROM segments.check()')


def measure(session, key, options):
    for name, subject, floor, changes in cases(session, key, options):
        work = Work(subject, before=TIDY)
        comparison = compare(session, work, Work(floor, before=TIDY), options.rounds, 60)
        spent, given = comparison.subject[0] / changes * 1e6, comparison.floor[0] / changes * 1e6
        print(f'| {key} | {name} | {comparison.ratios[0]:.2f} | {spent:.2f} µs / {given:.2f} µs a change |', flush=True)
        if wrong(session):
            sys.exit(f'{key}, {name}: members are wrong')
        if options.profile:
            print(profile(session, work, 12), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--keys', default='bigint,uuid,text', help=f'of {", ".join(KEYS)} (default: %(default)s)')
    parser.add_argument('--contacts', type=int, default=20000)
    parser.add_argument('--loop', type=int, default=4000, help='contacts that are updated one by one')
    parser.add_argument('--few', type=int, default=1, help='segments, in the smaller set')
    parser.add_argument('--many', type=int, default=16, help='and in the larger one')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--profile', action='store_true', help='say where the time goes (needs perf)')
    options = parser.parse_args()
    subprocess.run(['dropdb', '--if-exists', '--force', DATABASE], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(['createdb', '--template=template0', '--encoding=UTF8', '--locale=C', DATABASE], check=True)
    try:
        with Session(DATABASE) as session:
            session.run('CREATE EXTENSION segments')
            print('| key | work ÷ the same by hand, without a log | CPU | |\n|---|---|---|---|')
            for key in options.keys.split(','):
                measure(session, key, options)
    finally:
        subprocess.run(['dropdb', '--if-exists', '--force', DATABASE], check=True)


if __name__ == '__main__':
    main()
