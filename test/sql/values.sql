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
SELECT segments.detach('valued');
DROP FUNCTION of_amounts, who(text, text, text), who(text);
DROP TABLE valued, amount;
