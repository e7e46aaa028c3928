-- What values mean: floating-point numbers, patterns, times, ids, spans, and what a refusal says.
SET client_min_messages = warning;
CREATE TABLE valued (id int PRIMARY KEY, t text, tm time, r real, d double precision, day date, flag boolean, n int);
CREATE TABLE amount (id int PRIMARY KEY, valued_id int, r real, d double precision, at timestamptz);
SELECT segments.attach('valued'), segments.attach_related('valued', 'amount', 'amount', 'valued_id'),
    segments.define_field('valued', 'total_r', 'number', object => 'behaviors', relation => 'amount', column_name => 'r', aggregate => 'sum'),
    segments.define_field('valued', 'total_d', 'number', object => 'behaviors', relation => 'amount', column_name => 'd', aggregate => 'sum');
-- who is found, or why not
CREATE FUNCTION who(filters text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
    called text;
    detail text;
BEGIN
    SELECT coalesce(string_agg(k::text, ',' ORDER BY k), 'nobody') INTO found FROM segments.matching(filters::segments.filter, 'valued') AS k;
    SELECT coalesce(string_agg(id::text, ',' ORDER BY id), 'nobody') INTO called FROM public.valued AS v WHERE segments.matches(v, filters::segments.filter);
    RETURN CASE WHEN found = called THEN found ELSE found || ' but called ' || called END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, '|', detail);
END $$;
CREATE FUNCTION who(field text, operator text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT public.who(format('[{"field":%s,"operator":%s,"properties":{"filter":%s}}]', to_json(field), to_json(operator), value)) $$;
CREATE FUNCTION of_amounts(aggregate text, "of" text, operator text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT public.who(format('[{"rows":"amount","aggregate":%s,"of":%s,"operator":%s,"properties":{"filter":%s}}]', to_json(aggregate), to_json("of"), to_json(operator), value)) $$;
-- sums and averages are of the decimals that are shown
SELECT segments.create_segment('Sum of real', '[{"rows":"amount","aggregate":"sum","of":"r","operator":"=","properties":{"filter":1234567}}]', contact_table => 'valued') > 0,
    segments.create_segment('Total of real', '[{"field":"total_r","operator":"=","properties":{"filter":1234567}}]', contact_table => 'valued') > 0,
    segments.create_segment('Average of double', '[{"rows":"amount","aggregate":"avg","of":"d","operator":"=","properties":{"filter":9007199254740991}}]', contact_table => 'valued') > 0,
    segments.create_segment('Total of double', '[{"field":"total_d","operator":"=","properties":{"filter":0.3}}]', contact_table => 'valued') > 0;
INSERT INTO valued (id) VALUES (1), (2);
INSERT INTO amount VALUES (1, 1, 1234567, 9007199254740991), (2, 2, 0.1, 0.1), (3, 2, 0.2, 0.2);
SELECT alias, contact_id FROM segments.segment, segments.members(alias) ORDER BY 1, 2;
SELECT of_amounts('sum', 'r', '=', '1234567'), of_amounts('sum', 'r', '=', '1234570'), of_amounts('max', 'r', '=', '1234567'), of_amounts('avg', 'd', '=', '9007199254740991'),
    of_amounts('sum', 'r', '=', '0.3'), of_amounts('avg', 'd', '=', '0.15'), who('total_r', '=', '1234567'), who('total_d', '=', '9007199254740991');
INSERT INTO amount VALUES (4, 2, 'Infinity', 'NaN');
SELECT of_amounts('sum', 'r', 'gt', '1234567'), of_amounts('sum', 'd', 'gt', '0');
SELECT * FROM segments.check();
DELETE FROM amount WHERE id = 4;
SELECT * FROM segments.check();
DELETE FROM amount;
-- a value without a wildcard is wrapped before its escapes are read, as Mautic does; a pattern that ends in its escape is refused
INSERT INTO valued (id, t) VALUES (3, '100%'), (4, '100\');
SELECT who('t', 'like', '"100\\"'), who('t', 'like', '"%100\\"'), who('t', 'like', '"100\\\\"'), who('t', 'like', '"100\\%"'), who('t', 'like', '"00"');
-- times are HH:MM or HH:MM:SS
INSERT INTO valued (id, tm) VALUES (5, '01:02:34'), (6, '01:02');
SELECT value, who('tm', '=', to_json(value)::text) FROM unnest('{01:02:34,01:02,01:02:00,1:2:345,1:2:3:4,1:2,1:02,01:02:,01:2,01:02:3,24:00,01:60,01:02:345,0a:02,""}'::text[]) AS value;
SELECT who('tm', 'between', '["01:02", "01:02:3"]'), who('tm', '=', '12');
-- infinity and NaN are beyond every number that is written
INSERT INTO valued (id, r, d) VALUES (7, 'Infinity', 'Infinity'), (8, 'NaN', 'NaN'), (9, '-Infinity', '-Infinity'), (10, 3e38, 1e308), (11, -3e38, -1e308);
SELECT value, operator, who('r', operator, value) AS r, who('d', operator, value) AS d
FROM unnest('{1e300,1e309,-1e309}'::text[]) AS value, unnest('{gt,gte,lt,lte,=,!=}'::text[]) WITH ORDINALITY AS o (operator, n) ORDER BY value, n;
SELECT who('d', 'between', '[-1e309, 1e309]'), who('d', 'in', '[1e309, 1e308]');
SELECT segments.create_segment('Finite', '[{"field":"d","operator":"lte","properties":{"filter":1e309}},{"field":"r","operator":"gte","properties":{"filter":-1e309}}]', contact_table => 'valued') > 0;
UPDATE valued SET r = 1, d = CASE id WHEN 7 THEN 1e308 WHEN 10 THEN 'Infinity' ELSE d END WHERE id > 6;
SELECT contact_id FROM segments.members('finite') ORDER BY 1;
SELECT * FROM segments.check();
-- a number names a segment by its id, and is no alias
SELECT segments.create_segment('Minus', '[{"field":"id","operator":"=","properties":{"filter":2}}]', alias => '-1', contact_table => 'valued') AS minus \gset
SELECT who('leadlist', 'in', format('[%s.0]', :minus)), who('leadlist', 'in', format('%s.0', :minus)), who('leadlist', 'in', format('[%s, "-1"]', :minus)), who('leadlist', 'in', '["-1"]'), who('leadlist', 'in', '"-1"'),
    who(format('[{"rows":"memberships","filters":[{"field":"segment","operator":"in","properties":{"filter":[%s.0]}}]}]', :minus));
SELECT value, who('leadlist', 'in', value) FROM unnest('{-1,[-1],1.5,"[1.5]",true,"[true]"}'::text[]) AS value;
-- the unit of a relative date is one word
SELECT value, who('day', 'gt', format('{"dateTypeMode":"relative","relativeDateInterval":1,"relativeDateIntervalUnit":%s}', value)) ~ '^nobody'
FROM unnest('{"\"day\"","\"Days\"","\" day \"","\"day +1 year\"","\"day ago\"","\"day 1 year\"","\"\"","1","\"fortnight\""}'::text[]) AS value;
SELECT who('day', 'gt', '{"dateTypeMode":"relative","relativeDateInterval":1,"relativeDateIntervalUnit":"day +1 year"}'), who('day', 'gt', '{"dateTypeMode":"relative","relativeDateInterval":"x","relativeDateIntervalUnit":"day"}'),
    who('day', 'gt', '{"dateTypeMode":"sometime","absoluteDate":"2026-01-01"}');
-- a span that ends before it begins, in whatever units
SELECT "from", "to", regexp_replace(who(format('[{"rows":"amount","filters":[{"rows":"amount","within":{"date":"at","of":"at","from":"%s","to":"%s"}}]}]', "from", "to")), ' [|].*', '')
FROM (VALUES ('13 months', '1 year'), ('12 months', '1 year'), ('32 days', '1 month'), ('31 days', '1 month'), ('367 days', '1 year'), ('366 days', '12 months'), ('1 year', '364 days'), ('1 year', '365 days'), ('1 month', '27 days'),
    ('1 month', '4 weeks'), ('26 hours', '1 day'), ('25 hours', '1 day'), ('1 day', '22 hours'), ('1 day', '23 hours'), ('5 quarters', '1 year'), ('-1 year', '-13 months'), ('-1 year', '-12 months'), ('-28 days', '-1 month'),
    ('-27 days', '-1 month'), ('-1 month', '-32 days'), ('0 days', '0 seconds'), ('0 months', '0 days'), ('61 minutes', '1 hour'), ('0 days', '-1 second'), ('8 years', '2920 days'), ('1465 days', '4 years')) AS s ("from", "to");
-- a refusal names the word that is at fault
SELECT who('t', 'in', '["a", true]'), who('n', 'in', '[1, "abc"]'), who('n', 'in', '"1|abc"'), who('n', 'between', '[1, "x"]'), who('day', 'between', '["2026-01-01", 5]'), who('flag', '=', '"maybe"'), who('t', '=', 'true');
-- the prefix stands before numbers too
SELECT segments.define_field('valued', 't', 'text', default_prefix => 'x::');
INSERT INTO valued (id, t) VALUES (12, 'x::5'), (13, 'y::5'), (14, 'x::1.5');
SELECT who('t', '=', '"5"'), who('t', '=', '5'), who('t', 'in', '[5]'), who('t', 'in', '["y::5", 1.50]'), who('t', 'startsWith', '1');
SELECT segments.detach('valued');
DROP FUNCTION of_amounts, who(text, text, text), who(text);
DROP TABLE valued, amount;
