SET client_min_messages = warning;

CREATE TYPE mood AS ENUM ('Happy', 'sad');

CREATE TABLE people (k text PRIMARY KEY, c text, v varchar(20), b char(8), m mood, f4 real, f8 double precision,
	n numeric, i2 smallint, i8 bigint, bo boolean, da date, ti time, ts timestamp, tz timestamptz, arr text[],
	attrs jsonb, u uuid);

SELECT segments.attach('people', 'Europe/Paris');

SELECT segments.define_field('people', 'plan', 'select', expression => $$attrs->>'plan'$$);

SELECT segments.define_field('people', 'age', 'number', expression => $$(attrs->>'age')::numeric$$);

INSERT INTO people VALUES
	('a', 'ÉCOLE', 'Straße', 'ab  ', 'Happy', 0.1, 0.1, 1.50, 3, 9999999999, true, '2026-03-18', '09:00',
	 '2026-03-18 10:30', '2026-03-18 10:30+00', array['Sport', null, 'x'], '{"plan": "Pro", "age": "42"}',
	 '00000000-0000-0000-0000-000000000001'),
	('b', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
	('c', '', '%_\', '', 'sad', 'NaN', '-Infinity', 'NaN', -32768, -9223372036854775808, false, '-infinity', '24:00',
	 'infinity', '-infinity', '{}', '{"plan": "", "age": "0"}', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
	('d', 'a|b|c', '+33 6', 'z', 'sad', 3.4e38, 1.7e308, 1e300, 32767, 9223372036854775807, false, '4713-11-24 BC',
	 '00:00', '294276-12-31 23:59:59.999999', '4713-11-24 00:00:00+00 BC', array['a|b', ''], '{"age": "-1e100"}',
	 '12345678-1234-1234-1234-123456789abc'),
	('e', 'été à Oslo', 'x', 'y', 'Happy', 0, -0.0, 0, 0, 0, true, '5874897-12-31', '12:30', '2024-02-29 00:00',
	 '2024-03-31 01:00+00', array['sport'], '{"plan": "free"}', null);
