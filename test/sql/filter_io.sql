-- Type filter: what is accepted, its canonical form, casts, and the round trip.
SET search_path = segments, pg_catalog;
\pset format unaligned
\pset tuples_only on

-- the canonical document
SELECT '[]'::filter;
SELECT ' [ ] '::filter;
SELECT '[{"properties":{"filter":"Paris"},"operator":"=","type":"text","field":"city","object":"lead","glue":"and"}]'::filter;
SELECT '[{"field":"city","operator":"="  ,
  "properties":{"filter":"x","display":"X"}}, {"glue":"or","field":"points","operator":"gt","properties":{"filter":5}}]'::filter;

-- legacy spellings: value and display in the filter itself, unless properties has a value
SELECT '[{"field":"city","operator":"=","filter":"Lyon"}]'::filter;
SELECT '[{"field":"city","operator":"=","filter":"Lyon","properties":{}}]'::filter;
SELECT '[{"field":"city","operator":"=","filter":"Lyon","display":"L","properties":[]}]'::filter;
SELECT '[{"field":"city","operator":"=","filter":"Lyon","display":"L","properties":{"display":"P"}}]'::filter;
SELECT '[{"field":"city","operator":"=","filter":"Paris","properties":{"filter":"Lyon","display":"x"},"display":null}]'::filter;
SELECT '[{"field":"city","operator":"=","filter":"Paris","display":"x","properties":{"filter":"Lyon"}}]'::filter;
SELECT '[{"field":"city","operator":"empty","filter":"Paris","properties":{"filter":null}}]'::filter;

-- every operator, and every legacy name
SELECT format('[{"field":"f","operator":%s,"filter":1}]', to_json(o))::filter::json -> 0 ->> 'operator'
FROM unnest('{=,!=,gt,gte,lt,lte,empty,!empty,like,!like,contains,startsWith,endsWith,regexp,!regexp,in,!in,includingAll,excludingAll,between,!between,inLast,inNext}'::text[]) AS o;
SELECT o, format('[{"field":"f","operator":%s,"filter":1}]', to_json(o))::filter::json -> 0 ->> 'operator'
FROM unnest('{eq,neq,notEmpty,notLike,notIn,notRegexp,notBetween}'::text[]) AS o;

-- glue: any case, missing is and; the first one means nothing and is kept
SELECT '[{"glue":"OR","field":"a","operator":"empty"},{"glue":"Or","field":"b","operator":"empty"},{"glue":"AND","field":"c","operator":"empty"},{"field":"d","operator":"empty"}]'::filter;

-- objects
SELECT '[{"object":"company","field":"a","operator":"empty"},{"object":"company_all","field":"b","operator":"empty"},{"object":"behaviors","field":"c","operator":"empty"},{"object":"groups","field":"group_points_1","operator":"empty"}]'::filter;

-- the type is kept, whatever it is
SELECT '[{"field":"a","type":"no such \"type\"","operator":"empty"},{"field":"a","type":"","operator":"empty"},{"field":"a","type":null,"operator":"empty"}]'::filter;

-- values are kept as written; an operator without one ignores it
SELECT format('[{"field":"f","operator":"=","properties":{"filter":%s}}]', v)::filter::json #> '{0,properties,filter}'
FROM unnest(ARRAY['true', 'false', '""', '" a "', '0', '-0', '1.0', '1.50', '1e2', '-1.5E+10', '0.1',
				  '123456789012345678901234567890', '0.1000000000000000055511151231257827',
				  '[1]', '["a", 1, true, "", 1e400]',
				  '{"dateTypeMode":"absolute","absoluteDate":"2026-03-18"}',
				  '{"relativeDateIntervalUnit":"day","relativeDateInterval":3,"dateTypeMode":"relative"}',
				  '{"absoluteDate":null,"relativeDateIntervalUnit":"day","relativeDateInterval":"3","dateTypeMode":"relative"}']) AS v;
SELECT format('[{"field":"f","operator":"!empty","properties":{"filter":%s}}]', v)::filter
FROM unnest(ARRAY['null', '""', '[]', '[null, 1]', '"x"', '5']) AS v;

-- text: escapes, every plane, nothing that looks like a marked number is one
SELECT '[{"field":"f","operator":"=","filter":"\"\\\/\b\f\n\r\t\u0001\u00e9\u20ac\ud83d\ude00 é €"}]'::filter;
SELECT '[{"field":"f","operator":"in","filter":["\\u0000", "\\\\u0000", "\\u00001", "1", "-", "[1,2]", "\u005cu0000"]}]'::filter;
SELECT '[{"\u0066ield":"\u0066","oper\u0061tor":"\u003d","filter":"x"}]'::filter;

-- the display is any JSON
SELECT format('[{"field":"f","operator":"=","properties":{"filter":1,"display":%s}}]', d)::filter::json #> '{0,properties,display}'
FROM unnest(ARRAY['null', '"x"', '1.50', '[]', '{}', '[1,[2,{"a":null}]]', '{"b":1,"a":{"10":1e3,"":[true,false]}}', '"\"\u0041"']) AS d;

-- groups
SELECT '[{"filters":[{"field":"a","operator":"empty"}]}]'::filter;
SELECT '[{"negate":true,"filters":[{"field":"a","operator":"empty"},{"glue":"or","negate":false,"filters":[{"field":"b","operator":"empty"}]}],"glue":"or"}]'::filter;

-- limits: 32 levels, 10,000 filters and groups, 1 MiB
CREATE FUNCTION pg_temp.nested(depth int) RETURNS text LANGUAGE sql AS
	$$ SELECT '[' || repeat('{"filters":[', depth) || '{"field":"a","operator":"empty"}' || repeat(']}', depth) || ']' $$;
CREATE FUNCTION pg_temp.repeated(times int) RETURNS text LANGUAGE sql AS
	$$ SELECT '[' || repeat('{"field":"a","operator":"empty"},', times - 1) || '{"field":"a","operator":"empty"}]' $$;
CREATE FUNCTION pg_temp.long(bytes int) RETURNS text LANGUAGE sql AS
	$$ SELECT '[{"field":"a","operator":"=","filter":"' || repeat('x', bytes - 42) || '"}]' $$;
SELECT length(pg_temp.nested(32)::filter::text);
SELECT length(pg_temp.repeated(10000)::filter::text);
-- what is printed is longer than what was given, and still read back
SELECT octet_length(pg_temp.long(1024 * 1024)), length(pg_temp.long(1024 * 1024)::filter::text);
SELECT pg_temp.long(1024 * 1024)::filter::text::filter = pg_temp.long(1024 * 1024)::filter;
SELECT length(f::text), f::text::filter = f
FROM (SELECT format('[%s{"field":"a","operator":"empty"}]', repeat('{"field":"' || repeat('a', 70) || '","operator":"empty"},', 9999))::filter AS f) AS s;
SELECT length(f::text), f::text::filter = f
FROM (SELECT format('[{"field":"a","operator":"in","filter":[%s1]}]', repeat('1,', 500000))::filter AS f) AS s;
SELECT length(('[{"field":"a","operator":"=","filter":' || repeat('9', 1000) || '}]')::filter::text);

-- casts
CREATE TEMP TABLE stored (id serial, f filter, j json, b jsonb, t text);
INSERT INTO stored (f) VALUES ('[{"field":"a","operator":"=","filter":1.0}]'::json), ('[{"field":"a","operator":"=","filter":1.0}]'::jsonb), ('[{"field":"a","operator":"=","filter":1.0}]'::text), (NULL), ('[]');
UPDATE stored SET j = f, b = f, t = f;
SELECT * FROM stored ORDER BY id;
SELECT bool_and(j::filter = f AND b::filter = f AND t::filter = f) FROM stored;
SELECT to_jsonb(s) - '{j,b,t}'::text[] FROM stored AS s WHERE id = 1;
SELECT row_to_json(s) FROM (SELECT f FROM stored WHERE id = 1) AS s;
SELECT json_agg(f) FROM stored WHERE id IN (1, 5);

-- a segment without filters
SELECT id, is_static(f) FROM stored ORDER BY id;
