-- Contact tables of every kind of column: what is inferred, how it compares, and that it is maintained.
SET client_min_messages = warning;
CREATE SCHEMA types_test; SET search_path = types_test, public;
CREATE EXTENSION IF NOT EXISTS citext;
create type mood as enum('Happy','sad');
create domain dom as varchar(30);
create table people(k text primary key, c citext, v varchar(20), b char(8), m mood, d dom, f4 real, f8 double precision, n numeric, i2 smallint, i8 bigint, bo boolean, da date, ti time, ts timestamp, tz timestamptz, arr text[], varr varchar[], attrs jsonb, u uuid);
select segments.attach('people','Europe/Paris');
select segments.define_field('people','plan','select',expression=>$$attrs->>'plan'$$);
select segments.define_field('people','age','number',expression=>$$(attrs->>'age')::numeric$$);
select segments.define_field('people','langs','multiselect',column_name=>'v');
insert into people values ('a','ÉCOLE','Straße','ab  ','Happy','Dom',0.1,0.1,1.50,3,9999999999,true,'2026-03-18','09:00','2026-03-18 10:30','2026-03-18 10:30+00',array['Sport',null,'x'],array['y'],'{"plan":"Pro","age":"42"}','00000000-0000-0000-0000-000000000001'),('b',null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null);
select field,type from segments.field where object='lead' order by 1;
create function t(f text) returns text language plpgsql as $$ declare r text; begin select coalesce(string_agg(k,','),'-') into r from segments.matching(f::segments.filter, key=>null::text) k; perform segments.create_segment('t', f::segments.filter); return r; exception when others then return sqlstate||' '||sqlerrm; end $$;
select t('[{"field":"c","operator":"=","filter":"ecole"}]'), t('[{"field":"v","operator":"=","filter":"strasse"}]'), t('[{"field":"b","operator":"=","filter":"AB"}]'), t('[{"field":"m","operator":"in","filter":["happy"]}]'), t('[{"field":"d","operator":"startsWith","filter":"do"}]');
select t('[{"field":"f4","operator":"=","filter":0.1}]'), t('[{"field":"f8","operator":"gte","filter":"0.1"}]'), t('[{"field":"f8","operator":"gt","filter":"0.1"}]'), t('[{"field":"f8","operator":"like","filter":"0.1"}]'),t('[{"field":"n","operator":"like","filter":"1.5"}]'), t('[{"field":"i2","operator":"gt","filter":2.5}]'), t('[{"field":"i8","operator":"=","filter":"9999999999"}]'),t('[{"field":"i2","operator":"lt","filter":"1e30"}]');
select t('[{"field":"bo","operator":"!=","filter":1}]'), t('[{"field":"da","operator":"=","filter":"2026-03-18"}]'), t('[{"field":"ti","operator":"lte","filter":"09:00"}]'), t('[{"field":"ts","operator":"=","filter":"2026-03-18 11:30"}]'), t('[{"field":"tz","operator":"=","filter":"2026-03-18 11:30"}]'), t('[{"field":"arr","operator":"in","filter":["sport"]}]'), t('[{"field":"varr","operator":"includingAll","filter":["Y"]}]'), t('[{"field":"plan","operator":"=","filter":"pro"}]'), t('[{"field":"age","operator":"gt","filter":41}]'), t('[{"field":"langs","operator":"in","filter":["strasse"]}]'), t('[{"field":"u","operator":"=","filter":"00000000-0000-0000-0000-000000000001"}]'), t('[{"field":"plan","operator":"empty"}]'), t('[{"field":"arr","operator":"empty"}]'), t('[{"field":"tz","operator":"like","filter":"11:30:00"}]'), t('[{"field":"ti","operator":"regexp","filter":"^09"}]');
insert into people select 'x'||i, 'École'||i, 'v'||i, 'z', case when i%2=0 then 'sad'::mood else 'Happy' end, 'dom', i/10.0, i/10.0, i, i, i, i%2=0, date '2026-03-10'+i, '10:00', '2026-03-18 10:30', '2026-03-18 10:30+00', array['sport'], null, jsonb_build_object('plan','pro','age',i), null from generate_series(1,50) i;
update people set f8=0.1, m='Happy', attrs='{"plan":"PRO"}' where k like 'x1%'; update people set arr='{}', tz=null where k like 'x2%'; delete from people where k='x30'; update people set k='zz' where k='x31';
select count(*) from segments.segment; select * from segments.check(null, null::text) limit 5;
SELECT segments.detach('people');
-- arrays of anything are sets
CREATE DOMAIN numbers AS integer[];
CREATE TABLE sets (id integer PRIMARY KEY, i integer[], d numbers, m mood[], c char(3)[]);
SELECT segments.attach('sets');
SELECT count(segments.define_field('sets', f, 'multiselect')) FROM unnest('{i,d,m,c}'::text[]) AS f;
SELECT count(segments.create_segment(f, format('[{"field": "%s", "operator": "in", "properties": {"filter": ["1", "sad", "a"]}}]', f)::segments.filter)),
       count(segments.create_segment(f || ' all', format('[{"field": "%s", "operator": "includingAll", "properties": {"filter": ["2", "1"]}}]', f)::segments.filter)),
       count(segments.create_segment(f || ' none', format('[{"field": "%s", "operator": "empty"}]', f)::segments.filter)) FROM unnest('{i,d,m,c}'::text[]) AS f;
INSERT INTO sets VALUES (1, '{1,2}', '{1,NULL}', '{sad,Happy}', '{a,b}'), (2, '{12}', '{{2},{1}}', '{Happy}', '{abc}'), (3, '{}', NULL, NULL, '{NULL}');
SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) FROM sets_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
UPDATE sets SET i = i || 1, d = CASE id WHEN 2 THEN d ELSE d || 2 END, m = '{sad}';
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
SELECT s.alias, array_agg(m.contact_id ORDER BY m.contact_id) FROM sets_segment_member AS m JOIN segments.segment AS s ON s.id = m.segment_id GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differences FROM segments.check();
SELECT segments.detach('sets');
DROP SCHEMA types_test CASCADE;
