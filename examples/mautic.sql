-- Mautic's tables: leads, companies, page hits, tags, emails.  psql -f
-- examples/mautic.sql in an empty database, as a superuser.  What it shows is in
-- mautic.out.
\set QUIET on
\pset footer off
CREATE EXTENSION segments;
SELECT segments.create_mautic_schema('crm') \g /dev/null
ALTER TABLE crm.leads ADD COLUMN plan text;        -- a custom field, like any column
SELECT segments.define_field('crm.leads', 'plan', 'select', options => '{free,pro}') \g /dev/null

-- Filters as Mautic's REST API gives them
INSERT INTO segments.segment (name, public_name, is_preference_center, filters) VALUES
('Reads us', 'Reads us', false, '[{"glue": "and", "object": "behaviors", "field": "lead_email_read_count", "type": "number", "operator": "gte", "properties": {"filter": 2}}]'),
('Looked at prices', 'Looked at prices', false, '[
    {"glue": "and", "object": "behaviors", "field": "hit_url", "type": "text", "operator": "contains", "properties": {"filter": "/pricing"}},
    {"glue": "and", "object": "behaviors", "field": "hit_url_date", "type": "datetime", "operator": "inLast", "properties": {"filter": "14 days"}}]'),
('VIP customers of Acme', 'VIP customers of Acme', false, '[
    {"glue": "and", "object": "lead", "field": "tags", "type": "tags", "operator": "in", "properties": {"filter": [1]}},
    {"glue": "and", "object": "company", "field": "companyname", "type": "text", "operator": "startsWith", "properties": {"filter": "Acme"}}]'),
('Newsletter', 'News, once a month', true, '[]');
SELECT segments.create_segment('Call them', '[
    {"field": "leadlist", "operator": "in", "properties": {"filter": ["looked-at-prices"]}},
    {"field": "dnc_unsubscribed", "operator": "=", "properties": {"filter": 0}},
    {"field": "plan", "operator": "!=", "properties": {"filter": "pro"}}]') \g /dev/null

INSERT INTO crm.lead_tags (tag) VALUES ('vip');
INSERT INTO crm.companies (companyname) VALUES ('Acme & Sons');
INSERT INTO crm.leads (firstname, email, points, plan) VALUES
    ('Zoé', 'zoe@example.com', 120, 'free'), ('Jean', 'jean@example.com', 40, 'pro'), ('Ada', 'ada@example.org', 5, NULL);
INSERT INTO crm.companies_leads (company_id, lead_id, is_primary, date_added) VALUES (1, 1, true, '2026-01-01');
INSERT INTO crm.lead_tags_xref (lead_id, tag_id) VALUES (1, 1), (2, 1);
INSERT INTO crm.page_hits (lead_id, url, date_hit, code, tracking_id)
    SELECT l, 'https://example.com/pricing', '2026-03-10 12:00+00', 200, 't' FROM generate_series(1, 3) AS l;
INSERT INTO crm.lead_donotcontact (lead_id, channel, reason, date_added) VALUES (3, 'email', 1, '2026-02-01');

\echo 'Who is where'
SELECT s.alias, l.firstname
FROM crm.leads_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id JOIN crm.leads AS l ON l.id = m.contact_id
ORDER BY s.alias, l.id;

\echo 'A campaign step, and the preference centre'
SELECT segments.add_contact('newsletter', 1) AS added;
SELECT segments.set_preferences(2, '{newsletter}') \g /dev/null
SELECT alias, public_name, subscribed FROM segments.preference_center(2);

\echo 'The REST API, as Mautic has it'
SELECT status, body FROM segments.rest('POST', '/api/segments/4/contact/3/add');
SELECT status, body #> '{lists,4,alias}' AS alias FROM segments.rest('GET', 'segments', '{"search": "ids:4"}');

\echo 'Search'
SELECT l.firstname FROM segments.search('segment:looked-at-prices !segment:call-them') AS k JOIN crm.leads AS l ON l.id = k ORDER BY 1;

\echo 'Prices were looked at long ago now'
SET segments.now = '2026-04-18 10:30:00+00';
SELECT segments.refresh_due() AS moved;
SELECT segments.count('looked-at-prices') AS looked, segments.count('call-them') AS call_them;
SELECT "from"::date, joined, "left", total FROM segments.growth('call-them', since => '2026-03-18', until => '2026-04-19', step => '1 month');
SELECT * FROM segments.check();
