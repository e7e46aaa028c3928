-- What each client meets: contacts by uuid, by text and by number, with segments of each.
CREATE EXTENSION segments;
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id uuid PRIMARY KEY, email text, country text);
CREATE TABLE shop.visitor (id text PRIMARY KEY, country text);
CREATE TABLE shop.account (id integer PRIMARY KEY, country text);
SELECT segments.attach(t) FROM unnest('{shop.customer,shop.visitor,shop.account}'::regclass[]) AS t;
INSERT INTO shop.customer VALUES
    ('11111111-0000-4000-8000-000000000001', 'zoe@example.com', 'France'),
    ('11111111-0000-4000-8000-000000000002', 'ana@example.com', 'Spain');
INSERT INTO shop.visitor VALUES ('cookie-1', 'France'), ('cookie-2', 'Spain');
INSERT INTO shop.account VALUES (1, 'France'), (2, 'Spain');
