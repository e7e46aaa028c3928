-- CSV files of the server as people's programs write them.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA csv;
CREATE TABLE csv.person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name text, points int);
SELECT segments.attach('csv.person');
SELECT segments.create_segment('List') IS NOT NULL AS created;
\set file segments_dialect.csv
CREATE PROCEDURE csv.write(file text, contents bytea) LANGUAGE plpgsql AS $$
DECLARE
    object oid := lo_from_bytea(0, contents);
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
END
$$;
CREATE FUNCTION csv.result() RETURNS TABLE (what text) LANGUAGE sql AS $$
    SELECT format('%s lines: %s created, %s updated, %s unchanged, %s rejected', lines, created, updated, unchanged, rejected)
    FROM segments.import WHERE id = (SELECT max(id) FROM segments.import)
    UNION ALL
    (SELECT format('%s: %s %s', line, reason, row) FROM segments.import_rejected WHERE import_id = (SELECT max(id) FROM segments.import) ORDER BY line)
    UNION ALL
    (SELECT format('%s %s %s', email, replace(name, E'\n', '<LF>'), points) FROM csv.person ORDER BY email)
$$;
-- quotes, line breaks in them, blank lines, lines that end too early, none at the end
CALL csv.write(:'file', convert_to(E'email,name,points\n"a@x","Say ""a"", b",1\n\nb@x,"two\nlines",2\n\n\nc@x,short\nd@x\n"e@x",mid"dle, q"uote,5\n\\.\nf@x,after,6', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
SELECT * FROM csv.result();
-- a line with more values than there are columns, unless they are blank
TRUNCATE csv.person;
CALL csv.write(:'file', convert_to(E'email,name,points\na@x,Smith, John,1\nb@x,Bob,2,,\nc@x,Cy,3\n', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
SELECT * FROM csv.result();
-- ends of lines of other systems; a line feed in a file of carriage returns and the other way round is of the value
TRUNCATE csv.person;
CALL csv.write(:'file', convert_to(E'email,name\r\na@x,A\r\n"b@x","c\r\nd"\r\nc@x,e\rf\r\n', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
CALL csv.write(:'file', convert_to(E'email,name\rd@x,D\re@x,e\nf\r', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
SELECT email, to_json(name) FROM csv.person ORDER BY email;
-- other delimiters and encodings, bytes that mean nothing
TRUNCATE csv.person;
CALL csv.write(:'file', convert_to(E'\uFEFFemail;name;points\na@x;"Zo\u00EB; Anne";1\n', 'UTF8'));
CALL segments.import_csv('list', :'file', delimiter => ';') \gset
CALL csv.write(:'file', convert_to(E'email\tname\nb@x\tÅse, Oslo\n', 'LATIN1'));
CALL segments.import_csv('list', :'file', delimiter => E'\t', encoding => 'latin1') \gset
CALL segments.import_csv('list', :'file', delimiter => E'\t') \gset
CALL csv.write(:'file', 'email,name' || '\x0a'::bytea || 'c@x,C' || '\x0a'::bytea || 'd@x,' || '\x00'::bytea || '\x0a'::bytea);
CALL segments.import_csv('list', :'file') \gset
SELECT * FROM csv.result();
-- batches, and going on, read it alike
TRUNCATE csv.person;
SELECT convert_to(E'email;name;points\n' || string_agg(format(E'p%s@x;Åse %s;%s\n%s', n, n, CASE WHEN n = 7 THEN '1;2' ELSE '3' END, CASE WHEN n % 5 = 0 THEN E'\n' END), '' ORDER BY n), 'LATIN1') AS contents FROM generate_series(1, 20) AS n \gset
CALL csv.write(:'file', :'contents');
CREATE FUNCTION csv.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.email = 'p12@x' THEN RAISE EXCEPTION 'stop' USING ERRCODE = 'out_of_memory'; END IF; RETURN NEW; END $$;
CREATE TRIGGER stop BEFORE INSERT ON csv.person FOR EACH ROW EXECUTE FUNCTION csv.stop();
CALL segments.import_csv('list', :'file', delimiter => ';', encoding => 'LATIN1', batch => 6) \gset
DROP TRIGGER stop ON csv.person;
SELECT id AS import FROM segments.import ORDER BY id DESC LIMIT 1 \gset
CALL segments.resume_import(:import);
SELECT lines, done, created, rejected FROM segments.import WHERE id = :import;
SELECT line, reason FROM segments.import_rejected WHERE import_id = :import;
SELECT count(*), count(DISTINCT left(name, 4)) AS names, min(left(name, 4)) AS name FROM csv.person;
-- two sessions that go on with it at once: the later one finds the lines dealt with
DO $$
BEGIN
    PERFORM segments_internal.import_lines((SELECT max(id) FROM segments.import), 1, 6);
EXCEPTION WHEN object_in_use THEN
    RAISE WARNING '%', regexp_replace(SQLERRM, '[0-9]+', 'N');
END
$$;
-- what is no such file
CALL csv.write(:'file', '');
CALL segments.import_csv('list', :'file') \gset
CALL csv.write(:'file', 'email,email' || '\x0a'::bytea);
CALL segments.import_csv('list', :'file') \gset
CALL csv.write(:'file', 'email,' || '\x0a'::bytea);
CALL segments.import_csv('list', :'file') \gset
CALL csv.write(:'file', convert_to(E'email,name\na@x,"A\nb@x,B\n', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
CALL segments.import_csv('list', :'file', delimiter => '') \gset
CALL segments.import_csv('list', :'file', delimiter => ';;') \gset
CALL segments.import_csv('list', :'file', delimiter => '"') \gset
CALL segments.import_csv('list', :'file', delimiter => E'\n') \gset
CALL segments.import_csv('list', :'file', delimiter => NULL) \gset
CALL segments.import_csv('list', :'file', encoding => 'klingon') \gset
CALL segments.import_csv('list', :'file', batch => 0) \gset
CALL segments.import_csv('list', NULL) \gset
SELECT segments.import_contacts('list', NULL);
SELECT segments.import_contacts('list', 'csv.person', match_on => NULL);
CALL csv.write(:'file', convert_to(E'email,what is wrong with the line\na@x,A\n', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
CALL csv.write(:'file', convert_to(E'email,ctid\na@x,A\n', 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
SELECT repeat(E'\u00E9', 40) AS long \gset
CALL csv.write(:'file', convert_to(format(E'email,%1$s1,%1$s2\na@x,A,B\n', :'long'), 'UTF8'));
CALL segments.import_csv('list', :'file') \gset
-- nor does an import go on once its segment is unpublished
TRUNCATE csv.person;
CALL csv.write(:'file', :'contents');
CREATE TRIGGER stop BEFORE INSERT ON csv.person FOR EACH ROW EXECUTE FUNCTION csv.stop();
CALL segments.import_csv('list', :'file', delimiter => ';', encoding => 'LATIN1', batch => 6) \gset
DROP TRIGGER stop ON csv.person;
SELECT id AS import FROM segments.import ORDER BY id DESC LIMIT 1 \gset
UPDATE segments.segment SET is_published = false WHERE alias = 'list';
CALL segments.resume_import(:import);
SELECT done FROM segments.import WHERE id = :import;
UPDATE segments.segment SET is_published = true WHERE alias = 'list';
CALL segments.resume_import(:import);
SELECT done FROM segments.import WHERE id = :import;
SELECT count(*) FROM segments.check();
DROP SCHEMA csv CASCADE;
