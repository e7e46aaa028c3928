"""T21: one contact in a hundred changes in every way, with the fourteen segments of tables.py, on top of the same writes without them.

Each of these contacts gets other fields, loses its tags and gets one, opens a
mail, visits a page and changes its company, in six statements of one
transaction, which is rolled back.
"""
import data
import sets
import tables
from harness import Work

# What the plain schema has none of: filled for this, and emptied again.
OTHERS = ('email_stats', 'lead_tags', 'lead_tags_xref')
CHANGING = 'id % 100 = 0'
CHANGES = (
    "UPDATE {schema}.leads SET points = (points + 370) % 1000, country = 'Country ' || id / 100 % 50, title = 'Dr',"
    f" last_active = '2026-10-15', email = 'new' || email WHERE {CHANGING}",
    'DELETE FROM {schema}.lead_tags_xref WHERE lead_id % 100 = 0',
    f'INSERT INTO {{schema}}.lead_tags_xref (lead_id, tag_id) SELECT id, 1 + id / 100 % {tables.TAGS} FROM {{schema}}.leads WHERE {CHANGING}',
    'INSERT INTO {schema}.email_stats (email_id, lead_id, email_address, date_sent, is_read, date_read, open_count)'
    f" SELECT 1 + id % 200, id, 'contact' || id || '@example.com', '2026-10-14', true, '2026-10-15', 1 FROM {{schema}}.leads WHERE {CHANGING}",
    'INSERT INTO {schema}.page_hits (lead_id, date_hit, url, url_title, page_id)'
    f" SELECT id, '2026-10-15', 'https://www.example.com/page/' || id / 100 % 10000, 'Title', 1 FROM {{schema}}.leads WHERE {CHANGING}",
    'UPDATE {schema}.companies_leads SET company_id = 5 + lead_id / 100 % ({companies} - 5) WHERE lead_id % 100 = 0',
)


def changes(bench, schema):
    """Statements of a transaction that stays open."""
    return 'BEGIN; ' + '; '.join(CHANGES).format(schema=schema, companies=bench.options.companies)


def fill_plain(session):
    """The plain schema's mails and tags are those of the other."""
    session.run('SET session_replication_role = replica')
    indexed = [f'plain.{name}' for name in OTHERS]
    data.suspend_indexes(session, indexed)
    for name in OTHERS:
        data.copy_table(session, f'crm.{name}', f'plain.{name}')
    data.resume_indexes(session, indexed)
    session.run("""SET session_replication_role = origin;
        SELECT setval(pg_get_serial_sequence('plain.email_stats', 'id'), (SELECT max(id) FROM plain.email_stats));
        VACUUM ANALYZE plain.email_stats; VACUUM ANALYZE plain.lead_tags_xref""")


def empty_plain(session):
    session.run('TRUNCATE ' + ', '.join(f'plain.{name}' for name in OTHERS))


def rows_changed(bench):
    """How many rows the statements change; the members that are wrong after them."""
    session = bench.session
    session.run(changes(bench, 'crm'))
    rows = session.number("""SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables
        WHERE schemaname = 'crm' AND relname IN ('leads', 'lead_tags_xref', 'email_stats', 'page_hits', 'companies_leads')""")
    session.run(f'TRUNCATE plain.member; {tables.BY_HAND}')
    wrong = session.number(tables.SAME)
    session.run('ROLLBACK')
    return rows, wrong


def measure(bench):
    """T21: the time on top of the plain writes; the ratio is told beside it."""
    session = bench.session
    tables.set_up(bench)
    sets.reset(session)
    try:
        session.run(tables.TOGETHER)
        fill_plain(session)
        written = ('leads', 'page_hits', 'email_stats', 'lead_tags_xref', 'companies_leads')
        works = [Work(changes(bench, schema), after='ROLLBACK; ' + '; '.join(f'VACUUM {schema}.{name}' for name in written))
                 for schema in ('crm', 'plain')]
        comparison = bench.compare(*works)
        rows, wrong = rows_changed(bench)
        bench.add('T21', 'T21', f'one contact in a hundred changes in every way, {rows:,} rows, over plain; these {len(tables.SEGMENTS)}',
                  comparison.differences, 0.8 * bench.options.contacts / 1e6, 'excess', comparison, wrong=wrong,
                  note=f'{comparison.ratios[0]:.2f} times the plain writes')
    finally:
        empty_plain(session)
        tables.tidy_up(bench)
