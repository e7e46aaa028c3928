"""T28: importing contacts into a segment, half of whom are there already, against COPY and merging by hand."""
from cases import FORGET
from harness import Work


# The same rows for both sides: every second one is a contact, by an address in other letters.
PREPARE = """
DROP TABLE IF EXISTS bench.stage;
CREATE TABLE bench.stage (email text, firstname text, lastname text, city text, points text);
COPY (SELECT CASE WHEN id % 2 = 0 THEN upper(email) ELSE 'new' || email END, 'First' || id % 5000, 'Last' || id % 20000, 'City ' || id % 1000, id % 1000
      FROM plain.leads ORDER BY hashint8(id), id) TO '{path}';
SELECT setval(pg_get_serial_sequence(name, 'id'), (SELECT max(id) FROM plain.leads)) FROM (VALUES ('crm.leads'), ('plain.leads')) AS t (name);
DELETE FROM segments.segment WHERE alias = 'imported';
SELECT segments.create_segment('Imported', contact_table => 'crm.leads');
"""
LOAD = "BEGIN; TRUNCATE bench.stage; COPY bench.stage FROM '{path}'"
IMPORT = "SELECT * FROM segments.import_contacts('imported', 'bench.stage')"
BY_HAND = """
CREATE TEMP TABLE merged ON COMMIT DROP AS
    SELECT l.id, s.* FROM bench.stage AS s LEFT JOIN plain.leads AS l ON segments.fold(l.email) = segments.fold(btrim(s.email));
UPDATE plain.leads AS l SET firstname = m.firstname, lastname = m.lastname, city = m.city, points = m.points::integer FROM merged AS m
    WHERE l.id = m.id AND (l.firstname, l.lastname, l.city, l.points) IS DISTINCT FROM (m.firstname, m.lastname, m.city, m.points::integer);
WITH added AS (INSERT INTO plain.leads (email, firstname, lastname, city, points)
    SELECT email, firstname, lastname, city, points::integer FROM merged WHERE id IS NULL RETURNING id)
INSERT INTO plain.member (segment_id, contact_id) SELECT 1, id FROM added UNION ALL SELECT 1, id FROM merged WHERE id IS NOT NULL"""
DIGEST = """SELECT count(*), sum(hash_record_extended(ROW(lower(l.email), firstname, lastname, city, points, m.contact_id IS NOT NULL), 0))
    FROM {schema}.leads AS l LEFT JOIN {member} AS m ON m.contact_id = l.id"""


def measure(bench):
    session, rows = bench.session, bench.options.contacts
    path = f'{bench.options.scratch}/import'
    bench.forget()
    session.run(PREPARE.format(path=path))
    load = LOAD.format(path=path)
    sides = (('crm', 'crm.leads_segment_member', IMPORT), ('plain', 'plain.member', BY_HAND))
    works = [Work(f'{load}; {statement}', before=f'VACUUM {schema}.leads; VACUUM {member}', after='ROLLBACK') for schema, member, statement in sides]
    comparison = bench.compare(*works)
    digests = []
    for schema, member, statement in sides:
        session.run(f'{load}; {statement}')
        digests.append(session.rows(DIGEST.format(schema=schema, member=member)))
        session.run('ROLLBACK')
    bench.ratio('T28', 'T28', f'import of {rows:,} rows into {rows:,} contacts ÷ COPY and merge by hand', 1.5, comparison,
                wrong=int(digests[0] != digests[1]))
    session.run("DELETE FROM segments.segment WHERE alias = 'imported'")
    session.run(FORGET)
    bench.forget()
