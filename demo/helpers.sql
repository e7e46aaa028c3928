-- What the demo adds to its database: it remembers the members, and says who
-- joined and left since.
SELECT setval(pg_get_serial_sequence('crm.' || name, 'id'), 100000)
FROM unnest('{leads,companies,page_hits,email_stats}'::text[]) AS name;

CREATE SCHEMA demo;
CREATE TABLE demo.member (segment_id bigint, contact_id bigint);
CREATE TABLE demo.person (id bigint PRIMARY KEY, name text);

CREATE PROCEDURE demo.remember() LANGUAGE sql AS $$
    DELETE FROM demo.member;
    INSERT INTO demo.member SELECT segment_id, contact_id FROM crm.leads_segment_member;
    -- names are kept for contacts that are deleted
    INSERT INTO demo.person
    SELECT id, trim(concat_ws(' ', firstname, lastname)) || format(' (%s, %s points)', coalesce(country, '?'), points)
    FROM crm.leads
    ON CONFLICT (id) DO UPDATE SET name = excluded.name;
$$;

CREATE FUNCTION demo.changes(OUT line text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    change record;
    nobody boolean := true;
BEGIN
    CREATE TEMP TABLE before ON COMMIT DROP AS TABLE demo.member;
    CALL demo.remember();
    FOR change IN
        SELECT sign, s.alias, count(*) AS n,
               array_to_string((array_agg(p.name ORDER BY p.id DESC))[1:3], ', ') AS names
        FROM (SELECT '+' AS sign, segment_id, contact_id
              FROM (TABLE demo.member EXCEPT TABLE before) AS joined
              UNION ALL
              SELECT '-', segment_id, contact_id
              FROM (TABLE before EXCEPT TABLE demo.member) AS gone) AS d
        JOIN segments.segment AS s ON s.id = d.segment_id
        JOIN demo.person AS p ON p.id = d.contact_id
        GROUP BY sign, s.id, s.alias ORDER BY s.id, sign
    LOOP
        nobody := false;
        line := format('%s %s  %s%s', change.sign, rpad(change.alias, 18), change.names,
                       CASE WHEN change.n > 3 THEN format(' and %s more', change.n - 3) ELSE '' END);
        RETURN NEXT;
    END LOOP;
    IF nobody THEN
        line := '(nobody joined or left)';
        RETURN NEXT;
    END IF;
END
$$;
