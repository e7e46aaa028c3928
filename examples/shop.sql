-- A shop whose customers have uuid keys.  Segments over customers, their
-- companies, their orders and a JSON column; psql -f examples/shop.sql in an
-- empty database, as a superuser.  What it shows is in shop.out.
\set QUIET on
\pset footer off
CREATE EXTENSION segments;

CREATE SCHEMA shop;
CREATE TABLE shop.account (id uuid PRIMARY KEY, name text NOT NULL, country text, employees integer);
CREATE TABLE shop.customer (
    id uuid PRIMARY KEY,
    email text UNIQUE NOT NULL,
    name text,
    account_id uuid REFERENCES shop.account,
    birthday date,
    signed_up timestamptz NOT NULL DEFAULT now(),
    settings jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE shop.purchase (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES shop.customer ON DELETE CASCADE,
    product text NOT NULL,
    amount numeric NOT NULL,
    status text NOT NULL DEFAULT 'paid',
    bought_at timestamptz NOT NULL
);
CREATE INDEX ON shop.customer (account_id);
CREATE INDEX ON shop.customer (signed_up);
CREATE INDEX ON shop.purchase (customer_id);
CREATE INDEX ON shop.purchase (bought_at);

-- What is what
SELECT segments.attach('shop.customer', timezone => 'Europe/Paris') \g /dev/null
SELECT segments.attach_company('shop.customer', 'shop.account', company_column => 'account_id') \g /dev/null
SELECT segments.attach_related('shop.customer', 'purchases', 'shop.purchase', 'customer_id', condition => 'status <> ''cancelled''') \g /dev/null
SELECT segments.define_field('shop.customer', f.field, object => 'behaviors', relation => 'purchases', column_name => f.column_name, aggregate => f.aggregate)
FROM (VALUES ('bought', 'product', NULL), ('bought_at', 'bought_at', NULL), ('last_bought', 'bought_at', 'max'),
             ('spent', 'amount', 'sum'), ('orders', 'id', 'count')) AS f (field, column_name, aggregate) \g /dev/null
SELECT segments.define_field('shop.customer', 'plan', 'select', expression => 'settings->>''plan''', options => '{free,pro}') \g /dev/null

-- Segments first or data first: it makes no difference
INSERT INTO segments.segment (name, filters) VALUES
('Big spenders', '[{"object": "behaviors", "field": "spent", "operator": "gte", "properties": {"filter": 500}}]'),
('Bought a bike', '[{"object": "behaviors", "field": "bought", "operator": "contains", "properties": {"filter": "bike"}}]'),
('Asleep', '[{"object": "behaviors", "field": "orders", "operator": "gt", "properties": {"filter": 0}},
             {"object": "behaviors", "field": "last_bought", "operator": "lt", "properties": {"filter": "-90 days"}}]'),
('Pro plan in large companies', '[{"field": "plan", "operator": "=", "properties": {"filter": "pro"}},
                                  {"object": "company", "field": "employees", "operator": "gte", "properties": {"filter": 100}}]'),
('New this week', '[{"field": "signed_up", "operator": "=", "properties": {"filter": "this week"}}]');
SELECT segments.create_segment('Win back', '[
    {"field": "leadlist", "operator": "in", "properties": {"filter": ["asleep"]}},
    {"field": "leadlist", "operator": "in", "properties": {"filter": ["big-spenders"]}}]') \g /dev/null

INSERT INTO shop.account VALUES
    ('a0000000-0000-4000-8000-000000000001', 'Atelier', 'France', 12),
    ('a0000000-0000-4000-8000-000000000002', 'Velocorp', 'Germany', 900);
INSERT INTO shop.customer (id, email, name, account_id, signed_up, settings) VALUES
    ('c0000000-0000-4000-8000-000000000001', 'zoe@example.com', 'Zoé', 'a0000000-0000-4000-8000-000000000001', '2024-05-01', '{"plan": "free"}'),
    ('c0000000-0000-4000-8000-000000000002', 'jens@example.com', 'Jens', 'a0000000-0000-4000-8000-000000000002', '2025-01-10', '{"plan": "pro"}'),
    ('c0000000-0000-4000-8000-000000000003', 'ada@example.com', 'Ada', NULL, '2026-03-17 09:00+01', '{}');
INSERT INTO shop.purchase (customer_id, product, amount, status, bought_at) VALUES
    ('c0000000-0000-4000-8000-000000000001', 'Road bike', 1200, 'paid', '2025-06-01'),
    ('c0000000-0000-4000-8000-000000000002', 'Helmet', 60, 'paid', '2026-03-01'),
    ('c0000000-0000-4000-8000-000000000003', 'E-Bike', 2900, 'cancelled', '2026-03-17');

\echo 'Who is where'
SELECT s.name AS segment, c.name AS customer
FROM shop.customer_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id JOIN shop.customer AS c ON c.id = m.contact_id
ORDER BY s.name, c.name;

\echo 'Ada pays for her bike after all: one statement, two segments'
UPDATE shop.purchase SET status = 'paid' WHERE product = 'E-Bike';
SELECT s.name AS segment FROM segments.contact_segments('c0000000-0000-4000-8000-000000000003') AS s;

\echo 'Zoé buys again, and needs not be won back'
INSERT INTO shop.purchase (customer_id, product, amount, bought_at) VALUES ('c0000000-0000-4000-8000-000000000001', 'Lock', 40, '2026-03-18');
SELECT segments.count('win-back') AS win_back, segments.count('asleep') AS asleep;

\echo 'What the mailer hears of it'
SELECT r.segment, c.name, r.joined, r.cause
FROM segments.read_changes('mailer', key => NULL::uuid) AS r JOIN shop.customer AS c ON c.id = r.contact_id
WHERE r.segment IN ('win-back', 'bought-a-bike', 'big-spenders') ORDER BY r.segment COLLATE "C", c.name COLLATE "C", r.joined DESC;

\echo 'A week later, nothing was written'
SET segments.now = '2026-03-25 10:30:00+00';
SELECT segments.refresh_due() AS moved;
SELECT segments.count('new-this-week') AS new_this_week;

\echo 'Why Jens is where he is'
SELECT segments.why('pro-plan-in-large-companies', 'c0000000-0000-4000-8000-000000000002') -> 'member' AS member;
SELECT * FROM segments.check(NULL, NULL::uuid);
