-- What the generator adds to its database: the questions that must find nothing after every batch.
CREATE SCHEMA gen;
CREATE TABLE gen.replayed (segment_id bigint, contact_id %(type)s, joined boolean, PRIMARY KEY (segment_id, contact_id));
CREATE TABLE gen.position (xact bigint, n integer);
INSERT INTO gen.position VALUES (0, 0);
-- How many members unpublished segments have.
CREATE TABLE gen.frozen (segment_id bigint PRIMARY KEY, members bigint);

-- check() finds nothing, neither by SQL, which shares nothing with what maintains members, nor in one scan.
CREATE FUNCTION gen.checked() RETURNS SETOF text LANGUAGE sql AS $$
    (SELECT 'check() finds ' || c::text FROM segments.check(NULL, NULL::%(type)s, by_query => true) AS c LIMIT 20)
    UNION ALL
    (SELECT 'check() by scan finds ' || c::text FROM segments.check(NULL, NULL::%(type)s, by_query => false) AS c LIMIT 20)
$$;

-- A published segment has the members that its filters and what was done by hand give.
CREATE FUNCTION gen.compared(aliases text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s record;
    counted bigint;
BEGIN
    FOR s IN
        SELECT id, alias, filters FROM segments.segment WHERE is_published AND alias = ANY (aliases) ORDER BY id
    LOOP
        RETURN QUERY
        WITH by_hand AS (SELECT contact_id, included FROM crm.leads_segment_override WHERE segment_id = s.id),
             wanted AS (
                 SELECT k FROM segments.matching(s.filters, 'crm.leads', key => NULL::%(type)s) AS k
                 EXCEPT SELECT contact_id FROM by_hand WHERE NOT included
                 UNION SELECT contact_id FROM by_hand WHERE included),
             stored AS (SELECT contact_id FROM crm.leads_segment_member WHERE segment_id = s.id),
             differing AS (
                 (SELECT 'missing', k FROM (TABLE wanted EXCEPT TABLE stored) AS a (k) LIMIT 10)
                 UNION ALL (SELECT 'too many', k FROM (TABLE stored EXCEPT TABLE wanted) AS b (k) LIMIT 10))
        SELECT format('members of %%s differ from matching(): %%s %%s', s.alias, d.way, d.k) FROM differing AS d (way, k);
        counted := segments.count(s.alias);
        IF counted <> (SELECT count(*) FROM crm.leads_segment_member WHERE segment_id = s.id) THEN
            RETURN NEXT format('count(%%L) says %%s', s.alias, counted);
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT format('status says %%s members of %%s, and there are %%s', t.members, t.alias, n.members)
    FROM segments.status AS t,
    LATERAL (SELECT count(*) AS members FROM crm.leads_segment_member AS m WHERE m.segment_id = t.id) AS n
    WHERE t.members <> n.members;
END
$$;

-- The log, replayed, gives the members; nobody joins twice or leaves twice.
CREATE FUNCTION gen.replay() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE fresh ON COMMIT DROP AS
    SELECT c.* FROM crm.leads_segment_change AS c, gen.position AS p WHERE (c.xact, c.n) > (p.xact, p.n);

    RETURN QUERY
    SELECT 'the log repeats itself: ' || f::text
    FROM (SELECT c.*, lag(c.joined, 1, coalesce(r.joined, false)) OVER (
              PARTITION BY c.segment_id, c.contact_id ORDER BY c.xact, c.n) AS before
          FROM fresh AS c LEFT JOIN gen.replayed AS r USING (segment_id, contact_id)) AS f
    WHERE f.joined = f.before LIMIT 10;

    INSERT INTO gen.replayed
    SELECT DISTINCT ON (segment_id, contact_id) segment_id, contact_id, joined
    FROM fresh ORDER BY segment_id, contact_id, xact DESC, n DESC
    ON CONFLICT (segment_id, contact_id) DO UPDATE SET joined = excluded.joined;
    DELETE FROM gen.replayed WHERE NOT joined OR segment_id NOT IN (SELECT id FROM segments.segment);
    UPDATE gen.position SET (xact, n) = (SELECT xact, n FROM fresh ORDER BY xact DESC, n DESC LIMIT 1)
    WHERE EXISTS (TABLE fresh);

    RETURN QUERY
    SELECT format('the log and the members differ: %%s', coalesce(r::text || ' in the log only', m::text || ' member only'))
    FROM gen.replayed AS r
    FULL JOIN crm.leads_segment_member AS m USING (segment_id, contact_id)
    WHERE r.segment_id IS NULL OR m.segment_id IS NULL LIMIT 10;
    DROP TABLE fresh;
END
$$;

-- From the start, in one go.
CREATE FUNCTION gen.replay_all() RETURNS SETOF text LANGUAGE sql AS $$
    TRUNCATE gen.replayed;
    UPDATE gen.position SET xact = 0, n = 0;
    SELECT * FROM gen.replay();
$$;

-- An unpublished segment does not grow (keys of its members may change); those in `toggled` were published
-- meanwhile, or changed by hand.
CREATE FUNCTION gen.frozen_kept(toggled bigint[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT format('unpublished segment %%s had %%s members and has %%s', f.segment_id, f.members, n.members)
    FROM gen.frozen AS f
    JOIN segments.segment AS s ON s.id = f.segment_id AND NOT s.is_published,
    LATERAL (SELECT count(*) AS members FROM crm.leads_segment_member AS m WHERE m.segment_id = f.segment_id) AS n
    WHERE n.members > f.members AND f.segment_id <> ALL (toggled);

    TRUNCATE gen.frozen;
    INSERT INTO gen.frozen
    SELECT s.id, (SELECT count(*) FROM crm.leads_segment_member AS m WHERE m.segment_id = s.id)
    FROM segments.segment AS s WHERE NOT s.is_published;
END
$$;

-- What segments there are: number, published, static.
CREATE FUNCTION gen.segments() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat(id, CASE WHEN is_published THEN 'p' ELSE 'u' END,
                                      CASE WHEN filters::text = '[]' THEN 's' ELSE 'd' END), ' ' ORDER BY id), '')
    FROM segments.segment
$$;
