-- Changes that once escaped maintenance, each with the reason it can.
SET client_min_messages = warning;
CREATE SCHEMA escape_test; SET search_path = escape_test, public;
create table company(id int primary key, name text, city text);
create table contact(id bigint primary key, city text, tags text[], company_id int);
create table hit(id int primary key, contact_id bigint, url text, at timestamptz, source text);
select segments.attach('contact'); select segments.attach_company('contact','company',company_column=>'company_id');
select segments.attach_related('contact','hit','hit','contact_id');
select segments.define_field('contact','mail','datetime',object=>'behaviors',relation=>'hit',column_name=>'at',condition=>$$source='email'$$);
-- the column that orders the rows of latest
SELECT segments.define_field('contact','latest','text',object=>'behaviors',relation=>'hit',column_name=>'url',aggregate=>'latest',order_by=>'at');
-- a related row written after its boundary passed and before the refresh
SET segments.now='2026-03-18 12:00';
INSERT INTO contact VALUES (1);
INSERT INTO hit VALUES (1,1,'x','2026-03-18 01:00','email');
SELECT segments.create_segment('Today','[{"object":"behaviors","field":"mail","operator":"=","properties":{"filter":"today"}}]') IS NOT NULL AS created;
SET segments.now='2026-03-19 12:00';
DELETE FROM hit;
SELECT segments.refresh_due();
SELECT * FROM segments.check();
INSERT INTO hit VALUES (1,1,'a','2026-01-01'),(2,1,NULL,'2025-01-01');
SELECT segments.create_segment('Empty','[{"object":"behaviors","field":"latest","operator":"empty"}]') IS NOT NULL AS created;
UPDATE hit SET at='2027-01-01' WHERE id=2;
SELECT * FROM segments.check();
-- a reference that the rest of the filter makes irrelevant is still one
SELECT segments.create_segment('A','[{"object":"lead","field":"city","operator":"=","properties":{"filter":"x"}}]') IS NOT NULL AS created;
SELECT segments.create_segment('B','[{"object":"lead","field":"tags","operator":"in","properties":{"filter":[""]}},{"object":"lead","field":"leadlist","operator":"in","properties":{"filter":["a"]}}]') IS NOT NULL AS created;
SELECT count(*) FROM segments.segment_reference;
SELECT segments.delete_segment('a');
-- a contact that points at another company
SELECT segments.create_segment('C','[{"object":"company","field":"city","operator":"=","properties":{"filter":"paris"}}]') IS NOT NULL AS created;
insert into company values(1,'a','Paris'),(2,'b','Rom');
update contact set company_id=1; select count(*) from segments.check(); select * from segments.members('c');
update contact set company_id=2; select count(*) from segments.check(); select * from segments.members('c');
update company set city='PARIS' where id=2; select count(*) from segments.check(); select * from segments.members('c');
SELECT segments.detach('contact');
DROP SCHEMA escape_test CASCADE; RESET segments.now;
