"""Writes of related rows: T13, T17 to T19, events, and T15, companies."""
from cases import LOOP, choose_keys
from harness import Work

EVENT = ("INSERT INTO {schema}.page_hits (lead_id, date_hit, url, url_title, page_id)"
         " VALUES (k, '2026-01-01', 'https://www.example.com/page/{page}', 'Title', 1);")


def event(bench, kind):
    """T13: INSERT of an event that no condition matches, and of one that flips nothing."""
    segments, events = bench.options.segments, min(100, bench.options.segments // 2)
    bench.install((kind, segments), ('event', events))
    visited = "EXISTS (SELECT FROM crm.page_hits AS h WHERE h.lead_id = leads.id AND h.url = 'https://www.example.com/page/{}')"
    threshold = "(SELECT points_from FROM bench.spec WHERE kind = 'event' AND n = {})"
    for key, what, page, condition, goal in (
            ('none', 'no condition matches', 9999, 'true', 1.06),
            ('few points', 'a condition matches, the contact has too few points', 7, 'points < ' + threshold.format(7), 1.5),
            ('member', 'a condition matches, the contact is a member', 7,
             f'points >= {threshold.format(7)} AND {visited.format(7)}', 1.5)):
        count = choose_keys(bench, condition, repeat=300)
        works = [Work('BEGIN;' + LOOP.format(statement=EVENT.format(schema=schema, page=page)),
                      after=f'ROLLBACK; VACUUM {schema}.page_hits; UPDATE {schema}.leads SET points = points WHERE id = 1')
                 for schema in ('crm', 'plain')]
        bench.ratio('T13', f'T13 {key}', f'INSERT of one event: {what}; {segments:,} {kind} segments and {events} over events ÷ plain',
                    goal, bench.compare(*works), count=count)


def many_over_events(bench, target, kind, what, goal):
    """T17, T18, T19: INSERT of an event that meets none of many segments over events."""
    segments = bench.options.segments
    bench.install((kind, segments))
    count = choose_keys(bench)
    works = [Work('BEGIN;' + LOOP.format(statement=EVENT.format(schema=schema, page=9999)),
                  after=f'ROLLBACK; VACUUM {schema}.page_hits; UPDATE {schema}.leads SET points = points WHERE id = 1')
             for schema in ('crm', 'plain')]
    bench.ratio(target, target, f'INSERT of one event; {segments:,} segments {what}, none of which it meets ÷ plain', goal,
                bench.compare(*works), count=count)


READ_CONTACTS = """
CREATE OR REPLACE FUNCTION bench.read_contacts(wanted bigint) RETURNS bigint LANGUAGE sql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$ SELECT count(l.points) FROM plain.companies_leads AS x JOIN plain.leads AS l ON l.id = x.lead_id WHERE x.company_id = wanted $$;
"""


def company(bench):
    """T15: UPDATE of a company that flips no contact, against the UPDATE and reading the contacts by index."""
    session, count = bench.session, min(1000, bench.options.segments)
    idle = 10
    bench.install(('company', count), ('idle', idle))
    session.run(READ_CONTACTS)
    for company, name in ((2, '100'), (3, '1,000'), (4, '10,000')):
        contacts = session.number(f'SELECT count(*) FROM crm.companies_leads WHERE company_id = {company}')
        repeat = max(5000 // max(contacts, 1), 1)
        update = 'UPDATE {schema}.companies SET companyindustry = {industry} WHERE id = ' + str(company)
        body = 'DO $$ BEGIN FOR i IN 1 .. {repeat} LOOP {work} END LOOP; END $$'
        subject = body.format(repeat=repeat, work=''.join(
            update.format(schema='crm', industry=f"'Industry {n}'") + ';' for n in (101, 102)))
        floor = body.format(repeat=repeat, work=''.join(
            update.format(schema='plain', industry=f"'Industry {n}'") + f'; PERFORM bench.read_contacts({company});'
            for n in (101, 102)))
        session.run(update.format(schema='crm', industry="'Industry 102'"))
        session.run(update.format(schema='plain', industry="'Industry 102'"))
        comparison = bench.compare(*(
            Work(work, before=f'VACUUM {schema}.companies; UPDATE {schema}.companies SET score = score WHERE id = 5')
            for schema, work in (('crm', subject), ('plain', floor))))
        bench.ratio('T15', f'T15 {contacts}', f'UPDATE of a company with {contacts:,} contacts, conditions flip, members don\'t;'
                    f' {count + idle:,} segments ÷ UPDATE + reading the contacts by index', 1.5, comparison, count=2 * repeat)
