--
-- Text folding: Unicode NFKD, no nonspacing marks, full case folding.
-- Runs in a UTF8 database; code points are written as escapes where they
-- could be mistaken.
--
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
-- How wide psql takes a character to be depends on its version.
\pset format unaligned

-- Case and accents
SELECT input, segments.fold(input)
  FROM (VALUES (1, ''),
               (2, 'Hello, World! 0123456789 @[`{'),
               (3, 'Straße'),
               (4, 'STRASSE'),
               (5, 'Jürgen Müller-Lüdenscheidt'),
               (6, 'Ångström'),
               (7, 'Łódź'),
               (8, 'Ærøskøbing'),
               (9, 'Ὀδυσσεύς'),
               (10, 'ΟΔΥΣΣΕΥΣ'),
               (11, 'Йод и Ёлка'),
               (12, 'Việt Nam'),
               (13, 'ﬁancée ﬃ'),
               (14, 'ＦＵＬＬ　ｗｉｄｔｈ'),
               (15, '㎏ ½ ² ™ Ⅷ'),
               (16, 'ﾊﾟﾋﾟﾌﾟ パピプ')) AS t(n, input)
 ORDER BY n;

-- What is equal, and what is not
SELECT a, b, segments.fold(a) = segments.fold(b) AS equal
  FROM (VALUES (1, 'ß', 'ss'),
               (2, 'ẞ', 'SS'),
               (3, 'ﬁ', 'FI'),
               (4, 'Ł', 'L'),
               (5, 'ł', 'Ł'),
               (6, 'Ø', 'O'),
               (7, 'Đ', 'D'),
               (8, 'é', U&'e\0301'),
               (9, 'É', 'e'),
               (10, 'σ', 'ς'),
               (11, 'ı', 'i'),
               (12, 'İ', 'i'),
               (13, U&'\212A', 'k'),
               (14, U&'\212B', 'å'),
               (15, 'ſ', 's'),
               (16, 'ⓐ', 'A'),
               (17, 'é ', 'e'),
               (18, '각', U&'\1100\1161\11A8'),
               (19, 'Ꭰ', 'ꭰ'),
               (20, '𐐀', '𐐨')) AS t(n, a, b)
 ORDER BY n;

-- Characters whose case folding and decomposition disturb each other
SELECT name, segments.fold(input) COLLATE "C" AS folded,
       encode(convert_to(segments.fold(input), 'UTF8'), 'hex') AS bytes
  FROM (VALUES (1, 'U+00B5', U&'\00B5'),
               (2, 'U+0130', U&'\0130'),
               (3, 'U+0149', U&'\0149'),
               (4, 'U+01F0', U&'\01F0'),
               (5, 'U+0345', U&'\0345'),
               (6, 'U+0390', U&'\0390'),
               (7, 'U+03F4', U&'\03F4'),
               (8, 'U+0587', U&'\0587'),
               (9, 'U+1E9A', U&'\1E9A'),
               (10, 'U+1E9E', U&'\1E9E'),
               (11, 'U+1FB7', U&'\1FB7'),
               (12, 'U+212B', U&'\212B'),
               (13, 'U+FB05', U&'\FB05'),
               (14, 'U+1D400', U&'\+01D400')) AS t(n, name, input)
 ORDER BY n;

-- Marks: nonspacing ones go, wherever they stand; others stay
SELECT segments.fold(U&'\0301') = '' AS lone,
       segments.fold(U&'a\0301\0302b\0303') = 'ab' AS several,
       segments.fold(U&'a\FE0F\+0E0100b') = 'ab' AS variation_selectors,
       segments.fold(U&'a\20DD') = U&'a\20DD' AS enclosing,
       segments.fold(U&'\0915\093E') = U&'\0915\093E' AS spacing,
       segments.fold(U&'a\200Db') = U&'a\200Db' AS joiner;

-- Canonical order of the spacing marks that have a combining class: equal
-- classes keep their order, and marks that go don't stand between
SELECT segments.fold(U&'a\302E\1B44') = U&'a\1B44\302E' AS sorted,
       segments.fold(U&'a\302F\302E') = U&'a\302F\302E' AS stable,
       segments.fold(U&'a\302E\0941\1B44') = U&'a\1B44\302E' AS across,
       segments.fold(U&'a\302Eb\1B44') = U&'a\302Eb\1B44' AS separate,
       segments.fold(U&'\+01D16D\+01D165\+016FF0') =
       U&'\+016FF0\+01D165\+01D16D' AS three,
       segments.fold(U&'\+01D15F') = U&'\+01D158\+01D165' AS decomposed;

-- A long run costs no more than its length
SELECT segments.fold(repeat(U&'\302E\1B44', 50000)) =
       repeat(U&'\1B44', 50000) || repeat(U&'\302E', 50000) AS sorted;

-- Hangul
SELECT segments.fold('가') = U&'\1100\1161' AS first,
       segments.fold('힣') = U&'\1112\1175\11C2' AS last,
       segments.fold(U&'\D7A4') = U&'\D7A4' AS after_last,
       segments.fold('한국어') = normalize('한국어', NFKD) AS word;

-- The longest replacement, and much growth
SELECT length(segments.fold(U&'\FDFA')) AS one,
       length(segments.fold(repeat(U&'\FDFA', 1000))) AS thousand,
       segments.fold(repeat('ﷺ', 1000)) = repeat(segments.fold('ﷺ'), 1000) AS same;

-- Unassigned, private and noncharacter code points stay
SELECT segments.fold(input) = input AS same
  FROM (VALUES (1, U&'\0378'), (2, U&'\E000'), (3, U&'\FFFF'),
               (4, U&'\+02FA20'), (5, U&'\+0E01F0'), (6, U&'\+10FFFF')) AS t(n, input)
 ORDER BY n;

-- Every length around the fast path's steps, with one letter in every place
SELECT count(*) AS texts,
       bool_and(segments.fold(upper(s COLLATE "C")) = s) AS lowered,
       bool_and(segments.fold(s || 'É') = s || 'e') AS accent_last,
       bool_and(segments.fold('É' || s) = 'e' || s) AS accent_first
  FROM (SELECT substr(repeat('abcdefghijklmnopqrstuvwxyz@[`{09', 3), a, b) AS s
          FROM generate_series(1, 32) AS a, generate_series(0, 40) AS b) AS t;

-- ASCII: letters only
SELECT string_agg(segments.fold(chr(c)), '' ORDER BY c)
  FROM generate_series(32, 126) AS c;
SELECT count(*) AS changed
  FROM generate_series(1, 127) AS c
 WHERE segments.fold(chr(c)) <> chr(c);

-- All code points: stable, and one and the same answer for ever
SELECT count(*) AS code_points,
       count(*) FILTER (WHERE folded <> c) AS changed,
       count(*) FILTER (WHERE folded = '') AS removed,
       count(*) FILTER (WHERE segments.fold(folded) <> folded) AS unstable,
       md5(string_agg(folded, ',' ORDER BY n)) AS digest
  FROM (SELECT n, chr(n) AS c, segments.fold(chr(n)) AS folded
          FROM generate_series(1, 1114111) AS n
         WHERE n NOT BETWEEN 55296 AND 57343) AS t;

-- No settings matter
SET search_path = '';
SELECT segments.fold('ÀÉÎ I İ ı');
RESET search_path;
SELECT segments.fold('TITLE' COLLATE "C");

-- NULL, and what the planner may rely on
SELECT segments.fold(NULL) IS NULL AS strict;
SELECT provolatile, proisstrict, proparallel
  FROM pg_proc
 WHERE oid = 'segments.fold(text)'::regprocedure;
CREATE TEMP TABLE fold_contact (name text);
CREATE INDEX fold_contact_name ON fold_contact ((segments.fold(name) COLLATE "C"));
INSERT INTO fold_contact VALUES ('Müller'), ('MULLER'), ('Möller');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT name FROM fold_contact
 WHERE segments.fold(name) COLLATE "C" = segments.fold('muller')
 ORDER BY name COLLATE "C";

-- Values that are compressed and out of line
CREATE TEMP TABLE fold_long AS SELECT repeat('GRÖSSE ', 20000) AS name;
SELECT segments.fold(name) = repeat('grosse ', 20000) AS long FROM fold_long;
