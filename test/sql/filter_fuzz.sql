-- Type filter under fire: mutated documents are an error or a value that
-- survives every round trip, and neither kind leaks.
SET search_path = segments, pg_catalog;
\pset format unaligned
\pset tuples_only on

CREATE TEMP TABLE seed (id serial PRIMARY KEY, doc bytea);
INSERT INTO seed (doc) SELECT convert_to(d, 'UTF8') FROM unnest(ARRAY[
	'[]',
	'[{"glue":"and","object":"lead","field":"city","type":"text","operator":"=","properties":{"filter":"Besançon","display":"é😀"}}]',
	'[{"field":"points","operator":"gt","filter":-1.5e+10},{"glue":"or","field":"points","operator":"in","filter":[1,2.50,"3",true]}]',
	'[{"glue":"or","negate":true,"filters":[{"field":"a","operator":"notEmpty"},{"filters":[{"field":"b","operator":"lt","filter":{"dateTypeMode":"relative","relativeDateInterval":3,"relativeDateIntervalUnit":"day"}}]}]}]',
	'[{"field":"a","operator":"like","properties":{"filter":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00","display":{"k":[1,{"x":null}]}}}]',
	'[{"filters":[{"filters":[{"filters":[{"filters":[{"filters":[{"field":"a","operator":"between","filter":[1,2]}]}]}]}]}]}]']) AS d;

CREATE FUNCTION pg_temp.mutated(doc bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	tokens text[] := ARRAY['[', ']', '{', '}', '"', ',', ':', '\', '\u0000', '\ud800', '-', '0', '1e', '.', 'null', 'true', '1e999999999', 'filters', '{"filters":[', '"field":', '"filter":null', E'\n', '😀'];
	n int := length(doc); at int := floor(random() * (n + 1)); size int := floor(random() * 12);
	token bytea := convert_to(tokens[1 + floor(random() * array_length(tokens, 1))], 'UTF8');
BEGIN
	RETURN CASE floor(random() * 8)
		WHEN 0 THEN CASE WHEN at < n THEN set_byte(doc, at, floor(random() * 256)::int) ELSE doc END
		WHEN 1 THEN CASE WHEN at < n THEN set_byte(doc, at, get_byte(doc, at) # (1 << floor(random() * 7)::int)) ELSE doc END
		WHEN 2 THEN substr(doc, 1, at)
		WHEN 3 THEN substr(doc, 1, at) || substr(doc, at + 1 + size)
		WHEN 4 THEN substr(doc, 1, at + size) || substr(doc, at + 1)
		WHEN 5 THEN substr(doc, 1, at) || token || substr(doc, at + 1)
		WHEN 6 THEN substr(doc, 1, at) || token || substr(doc, at + 1 + length(token))
		ELSE substr(doc, 1, at) || substr(doc, 1 + floor(random() * n)::int, size) || substr(doc, at + 1)
	END;
END $$;

-- thousands of mutants, one to four mutations each
CREATE TEMP TABLE survivor (f filter);
SELECT setseed(0.42) \g /dev/null
DO $$
DECLARE
	doc bytea; value segments.filter; state text; refused int := 0;
BEGIN
	FOR i IN 1 .. 20000 LOOP
		SELECT s.doc INTO doc FROM seed AS s WHERE id = 1 + i % 6;
		FOR j IN 0 .. i % 4 LOOP
			doc := pg_temp.mutated(doc);
		END LOOP;
		BEGIN
			value := convert_from(doc, 'UTF8')::segments.filter;
			IF value::text::segments.filter <> value OR value::json::segments.filter <> value
				OR segments.filter_send(value) <> '\x01' || convert_to(value::text, 'UTF8') THEN
				RAISE WARNING 'does not round-trip: %', convert_from(doc, 'UTF8');
			END IF;
			-- what jsonb keeps is JSON by another parser's opinion
			PERFORM convert_from(doc, 'UTF8')::json;
			INSERT INTO survivor VALUES (value);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
			refused := refused + 1;
			-- not text, not JSON, repeated key, wrong filter, limits
			IF state NOT IN ('22021', '22P02', '22030', '22023', '54000', '54001') THEN
				RAISE WARNING '% % %', state, SQLERRM, encode(doc, 'escape');
			ELSIF state IN ('22P02', '22023') AND SQLERRM LIKE '%json%' THEN
				RAISE WARNING 'accepted, but no JSON: %', convert_from(doc, 'UTF8');
			END IF;
		END;
	END LOOP;
	RAISE NOTICE 'refused many: %, accepted many: %', refused > 5000, (SELECT count(*) > 500 FROM survivor);
END $$;

-- the survivors through COPY BINARY
SELECT current_setting('data_directory') || '/segments_filter_fuzz' AS file \gset
CREATE TEMP TABLE copied (f filter);
COPY survivor TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
COPY (SELECT) TO :'file' (FORMAT binary);
SELECT count(*) FROM (SELECT f FROM survivor EXCEPT SELECT f FROM copied) AS lost;

-- random bytes
DO $$
DECLARE
	doc bytea; accepted int := 0;
BEGIN
	FOR i IN 1 .. 2000 LOOP
		BEGIN
			doc := substr(decode(md5(i::text) || md5(i::text || 'x'), 'hex'), 1, i % 33);
			PERFORM convert_from('[' || doc || ']', 'UTF8')::segments.filter;
			accepted := accepted + 1;
		EXCEPTION WHEN character_not_in_repertoire OR invalid_text_representation OR invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
	RAISE NOTICE 'accepted: %', accepted;
END $$;

-- extremes
DO $$
DECLARE
	doc text;
BEGIN
	FOREACH doc IN ARRAY ARRAY[repeat('[', 1000000), repeat('{"a":', 200000), repeat('[1,', 300000), repeat('"', 1000000), repeat('\', 1000000), '[' || repeat('[],', 300000) || '[]]',
		repeat('9', 1000000), '-' || repeat('0', 1000000), '[' || repeat('1,', 500000) || '1]', repeat(' ', 1000000), '["' || repeat('\ud83d\ude00', 80000) || '"]', repeat('é', 500000),
		'[{"field":"a","operator":"=","filter":1,"display":' || repeat('[', 2000) || repeat(']', 2000) || '}]'] LOOP
		BEGIN
			PERFORM doc::segments.filter::text::segments.filter;
			RAISE NOTICE 'accepted %', left(doc, 20);
		EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR program_limit_exceeded OR statement_too_complex THEN
			RAISE NOTICE '% %', SQLSTATE, SQLERRM;
		END;
	END LOOP;
END $$;

-- 100,000 documents, good and bad, leave memory where it was
CREATE FUNCTION pg_temp.parse_many(times int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	docs text[] := ARRAY(SELECT convert_from(doc, 'UTF8') FROM seed ORDER BY id);
	doc text;
BEGIN
	FOR i IN 1 .. times LOOP
		doc := docs[1 + i % 6];
		BEGIN
			-- good; cut short; right JSON but wrong at its end
			PERFORM CASE i % 3 WHEN 0 THEN doc WHEN 1 THEN left(doc, -1) ELSE left(doc, -1) || ',{"field":1}]' END::segments.filter;
		EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
END $$;
-- of this process, in kB; 0 where there is no /proc
CREATE FUNCTION pg_temp.resident() RETURNS bigint LANGUAGE sql VOLATILE AS
	$$ SELECT coalesce(substring(pg_read_file('/proc/self/status', 0, 10000, true) FROM 'VmRSS:\s+(\d+)')::bigint, 0) $$;
SELECT pg_temp.parse_many(2000) \g /dev/null
SELECT sum(total_bytes) AS contexts, pg_temp.resident() AS resident FROM pg_backend_memory_contexts \gset
SELECT pg_temp.parse_many(100000) \g /dev/null
SELECT sum(total_bytes) - :contexts < 1024 * 1024 AS contexts_flat, pg_temp.resident() - :resident < 4096 AS resident_flat
FROM pg_backend_memory_contexts;
