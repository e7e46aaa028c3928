-- Type filter: every refusal, with its place and its code.
SET search_path = segments, pg_catalog;
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION pg_temp.refusal(document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	RETURN 'ACCEPTED ' || document::segments.filter::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s | %s%s', state, message, detail, ' | ' || nullif(hint, ''));
END $$;

-- as the user sees it
SELECT '[{"field":"city","operator":"startz_with","filter":"x"}]'::filter;

-- not JSON
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'', ' ', '[', ']', '[{"field": "city"', '[{''field'':''city''}]', '[],', '[] []', '[1,]', '[01]', '[1.]', '[.5]', '[+1]', '[-]', '[1e]', '[1e+]', '[0x1]',
	'[NaN]', '[Infinity]', '[1 2]', '["a" 1]', '[truefalse]', '[true1]', '[{1:2}]', '[{"a"1}]', '[nul]', '["a', '["\x"]', '["\u12"]',
	'["\ud800"]', '["\ud800\u0041"]', '["\udc00"]', '["\u0000"]', '["\\\u0000"]', '{"\u0000":1}', E'["\t"]', E'["\x01"]', '/* */[]', '["é€" x]',
	E'[\n  {"field": "é",\n   oops}]', E'\uFEFF[]']) AS d;
-- repeated keys
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'[{"field":"city","field":"state","operator":"=","filter":"x"}]',
	'[{"field":"city","operator":"=","properties":{"filter":1,"filter":1}}]',
	'[{"field":"city","f\u0069eld":"x"}]', '[{"a\"b":1, "a\"b":1}]', '[{"":1, "":1}]',
	'[{"field":"city","operator":"=","properties":{"filter":1,"display":{"é":1,"é":2}}}]']) AS d;
-- shape
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'null', '5', '"city"', 'true', '{"field":"city","operator":"=","filter":"x"}', '[[]]', '[null]', '["x"]', '[5]', '[false]',
	'[{"field":"a","operator":"empty"},[]]']) AS d;
-- keys
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'[{"field":"a","operator":"empty","merged_property":[]}]', '[{"field":"a","operator":"empty","Field":"a"}]', '[{"field":"a","operator":"empty","negate":true}]',
	'[{"field":"a","operator":"=","properties":{"filter":1,"value":1}}]', '[{"field":"a","operator":"empty","":1}]', '[{"field":"a","operator":"empty","a \"b\"":1}]',
	'[{"field":"a","operator":"empty","' || repeat('é', 1000) || '":1}]', '[{"filters":[{"field":"a","operator":"empty"}],"field":"a"}]']) AS d;
-- glue, object, field, type, operator
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'[{"glue":"xor","field":"a","operator":"empty"}]', '[{"glue":null,"field":"a","operator":"empty"}]', '[{"glue":1,"field":"a","operator":"empty"}]', '[{"glue":"","field":"a","operator":"empty"}]',
	'[{"object":"leads","field":"a","operator":"empty"}]', '[{"object":null,"field":"a","operator":"empty"}]', '[{"object":"Lead","field":"a","operator":"empty"}]',
	'[{}]', '[{"operator":"empty"}]', '[{"field":null,"operator":"empty"}]', '[{"field":"","operator":"empty"}]', '[{"field":7,"operator":"empty"}]',
	'[{"field":"a","type":7,"operator":"empty"}]', '[{"field":"a","type":["text"],"operator":"empty"}]',
	'[{"field":"a"}]', '[{"field":"a","operator":null}]', '[{"field":"a","operator":""}]', '[{"field":"a","operator":{}}]', '[{"field":"a","operator":"LIKE","filter":"x"}]',
	'[{"field":"a","operator":"starts_with","filter":"x"}]', '[{"field":"a","operator":"date","filter":"x"}]', '[{"field":"a","operator":"' || repeat('é', 1000) || '"}]']) AS d;
-- values
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'[{"field":"a","operator":"="}]', '[{"field":"a","operator":"=","properties":{}}]', '[{"field":"a","operator":"=","properties":{"filter":null}}]', '[{"field":"a","operator":"=","filter":null}]',
	'[{"field":"a","operator":"=","filter":"Lyon","properties":{"filter":null}}]', '[{"field":"a","operator":"in","filter":[]}]', '[{"field":"a","operator":"in","filter":["x",null]}]',
	'[{"field":"a","operator":"in","filter":["x",["y"]]}]', '[{"field":"a","operator":"in","filter":[{}]}]', '[{"field":"a","operator":"empty","filter":[[]]}]',
	'[{"field":"a","operator":"=","properties":null}]', '[{"field":"a","operator":"=","properties":"x"}]', '[{"field":"a","operator":"=","properties":[1]}]',
	'[{"field":"a","operator":"=","filter":{}}]', '[{"field":"a","operator":"=","filter":{"date":"x"}}]', '[{"field":"a","operator":"=","filter":{"dateTypeMode":"sometime"}}]', '[{"field":"a","operator":"=","filter":{"dateTypeMode":1}}]',
	'[{"field":"a","operator":"=","filter":{"dateTypeMode":"absolute"}}]', '[{"field":"a","operator":"=","filter":{"dateTypeMode":"absolute","absoluteDate":null}}]', '[{"field":"a","operator":"=","filter":{"dateTypeMode":"absolute","absoluteDate":["x"]}}]',
	'[{"field":"a","operator":"=","filter":{"dateTypeMode":"relative","relativeDateInterval":1}}]', '[{"field":"a","operator":"=","filter":{"dateTypeMode":"relative","relativeDateIntervalUnit":"day"}}]']) AS d;
-- groups
SELECT pg_temp.refusal(d) FROM unnest(ARRAY[
	'[{"filters":[]}]', '[{"filters":null}]', '[{"filters":{}}]', '[{"filters":[{"field":"a","operator":"empty"},{"glue":"or","filters":[]}]}]',
	'[{"filters":[{"field":"a","operator":"empty"}],"negate":"yes"}]', '[{"filters":[{"field":"a","operator":"empty"}],"negate":1}]', '[{"filters":[{"field":"a","operator":"empty"}],"glue":"not"}]',
	'[{"filters":[{"field":"a","operator":"empty"},{"filters":[{"field":"a","operator":"nope"}]}]}]']) AS d;
-- limits
SELECT pg_temp.refusal('[' || repeat('{"filters":[', 33) || '{"field":"a","operator":"empty"}' || repeat(']}', 33) || ']');
SELECT pg_temp.refusal('[' || repeat('{"field":"a","operator":"empty"},', 10000) || '{"field":"a","operator":"empty"}]');
SELECT pg_temp.refusal('[{"filters":[' || repeat('{"field":"a","operator":"empty"},', 9999) || '{"field":"a","operator":"empty"}]}]');
SELECT pg_temp.refusal('[{"field":"a","operator":"=","filter":"' || repeat('x', 1024 * 1024 - 41) || '"}]');
SELECT pg_temp.refusal('[{"glue": "and", "object": "lead", "field": "a", "operator": "=", "properties": {"filter": "' || repeat('x', 1024 * 1024) || '"}}]');
SELECT pg_temp.refusal('[' || repeat(' ', 1024 * 1024) || ']');
SELECT pg_temp.refusal('[' || repeat(' ', 4 * 1024 * 1024) || ']');
SELECT pg_temp.refusal('[{"field":"a","operator":"=","filter":' || repeat('9', 1001) || '}]');
SELECT pg_temp.refusal(repeat('[', 5000) || repeat(']', 5000));
SELECT pg_temp.refusal('[{"field":"a","operator":"=","properties":{"filter":1,"display":' || repeat('[', 5000) || repeat(']', 5000) || '}}]');

-- the codes
\set VERBOSITY sqlstate
SELECT '[}'::filter;
SELECT '[{"a":1,"a":1}]'::filter;
SELECT '{}'::filter;
SELECT '[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]'::filter;
