-- Type filter: binary form, equality and hash, the stored bytes.
SET search_path = segments, pg_catalog;
\pset format unaligned
\pset tuples_only on

-- a version byte and the canonical document
SELECT encode(filter_send('[]'), 'hex');
SELECT substr(filter_send(f), 1, 1), convert_from(substr(filter_send(f), 2), 'UTF8') = f::text
FROM (SELECT '[{"field":"ville","operator":"=","filter":"Besançon"}]'::filter AS f) AS s;

-- COPY BINARY there and back
SELECT current_setting('data_directory') || '/segments_filter_binary' AS file \gset
CREATE TEMP TABLE original (f filter);
INSERT INTO original VALUES ('[]'), (NULL), ('[{"field":"ville","operator":"=","filter":"Besançon"}]'),
	('[{"negate":true,"filters":[{"field":"a","type":"t","operator":"in","filter":[1.50,"x",true],"display":{"a":1}}]}]'),
	('[{"field":"a","operator":"gt","filter":{"dateTypeMode":"absolute","absoluteDate":"2026-03-18"}}]');
INSERT INTO original SELECT '[{"field":"a","operator":"in","filter":[' || string_agg(i::text, ',') || ']}]' FROM generate_series(1, 20000) AS i;
CREATE TEMP TABLE copied (f filter);
COPY original TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*), count(c.f), bool_and(o.f::text = c.f::text)
FROM original AS o LEFT JOIN copied AS c ON o.f = c.f WHERE o.f IS NOT NULL;

-- what arrives in binary is checked like any other
CREATE TEMP TABLE wire (b bytea);
INSERT INTO wire VALUES ('\x01' || convert_to(' [{"field":"a","operator":"eq","filter":1}]', 'UTF8'));
COPY wire TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT f FROM copied WHERE f = '[{"field":"a","operator":"=","filter":1}]';
UPDATE wire SET b = '\x025b5d';
COPY wire TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
UPDATE wire SET b = '';
COPY wire TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
UPDATE wire SET b = '\x01' || convert_to('[{"field":"a","operator":"nope"}]', 'UTF8');
COPY wire TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
UPDATE wire SET b = '\x015bff5d';
COPY wire TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);

-- equality is that of the canonical document
SELECT '[{"field":"a","operator":"eq","filter":1}]'::filter = '[{"properties":{"filter":1},"operator":"=","field":"a","object":"lead","glue":"AND"}]'::filter;
SELECT '[{"field":"a","operator":"=","filter":1}]'::filter = '[{"field":"a","operator":"=","filter":"1"}]'::filter,
	'[{"field":"a","operator":"=","filter":1}]'::filter <> '[{"field":"a","operator":"=","filter":1.0}]'::filter,
	'[]'::filter <> '[]'::filter;
SELECT filter_hash(a) = filter_hash(b), filter_hash_extended(a, 0) = filter_hash_extended(b, 0),
	filter_hash_extended(a, 1) = filter_hash_extended(a, 2), filter_hash_extended(a, 0) & 4294967295 = filter_hash(a)::bigint & 4294967295
FROM (SELECT '[{"field":"a","operator":"eq","filter":1}]'::filter AS a, '[{"field":"a","operator":"=","properties":{"filter":1}}]'::filter AS b) AS s;
SELECT pg_catalog.count(*), pg_catalog.count(DISTINCT f::text) FROM (SELECT f FROM original UNION ALL SELECT f FROM copied) AS s;
SELECT count(*) FROM (SELECT f FROM original UNION SELECT f FROM copied) AS s;
CREATE INDEX ON original USING hash (f);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM original WHERE f = '[]';
SELECT f FROM original WHERE f = '[]';
RESET enable_seqscan;
CREATE TEMP TABLE parts (f filter) PARTITION BY HASH (f);
CREATE TEMP TABLE part0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TEMP TABLE part1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT * FROM original;
SELECT count(*) FROM parts;

-- long values are compressed and stored out of line like any other
SELECT pg_column_size(f) < 200000 AND length(f::text) > 100000 FROM original WHERE length(f::text) > 100000;

-- stored bytes: whatever they are, an answer or an error, never a crash
CREATE CAST (filter AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS filter) WITHOUT FUNCTION;
SELECT '\x'::bytea::filter;
SELECT '\x03000000'::bytea::filter;
SELECT is_static('\x03000000'::bytea::filter);
SELECT '\x0100000000'::bytea::filter;
DO $$
DECLARE
	good bytea := '[{"glue":"or","negate":true,"filters":[{"field":"a","type":"t","operator":"in","filter":[1.50,"x",true],"display":1},
		{"field":"d","operator":"gt","filter":{"dateTypeMode":"absolute","absoluteDate":"x"}}]},{"field":"b","operator":"empty"}]'::segments.filter::bytea;
	broken bytea; refused int := 0; answered int := 0; unexpected int := 0; sink text;
BEGIN
	FOR at IN 0 .. length(good) - 1 LOOP
		FOREACH sink IN ARRAY '{0,1,2,3,4,7,8,127,128,255,cut,drop}'::text[] LOOP
			BEGIN
				broken := CASE sink WHEN 'cut' THEN substr(good, 1, at)
					WHEN 'drop' THEN substr(good, 1, at) || substr(good, at + 2)
					ELSE set_byte(good, at, sink::int) END;
				sink := broken::segments.filter::text;
				answered := answered + 1;
			EXCEPTION
				WHEN data_corrupted OR feature_not_supported THEN refused := refused + 1;
				WHEN OTHERS THEN unexpected := unexpected + 1; RAISE NOTICE '% %', SQLSTATE, SQLERRM;
			END;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'refused: %, answered: %, unexpected: %', refused > 100, answered > 100, unexpected;
END $$;
DROP CAST (filter AS bytea);
DROP CAST (bytea AS filter);
COPY (SELECT) TO :'file' (FORMAT binary);
