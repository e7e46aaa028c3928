-- Every object of the extension with what it may do and who may use it, one a
-- line: a new one cannot be forgotten.  Then the rules that all keep.
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;
CREATE FUNCTION public.to_public(acl aclitem[]) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(coalesce(nullif(a.grantee, 0)::regrole::text, 'public') || ':' || a.privilege_type, ','
                               ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type COLLATE "C"), '-')
    FROM aclexplode(acl) AS a WHERE a.grantee = 0 OR a.grantee < 16384 AND a.grantee <> 10
$$;
CREATE VIEW public.member AS
SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'segments'
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

-- functions: rights, whose, volatility, strictness, parallel safety, settings
SELECT 'function ' || p.oid::regprocedure::text || ' | ' || public.to_public(coalesce(p.proacl, acldefault('f', p.proowner))) || ' | '
    || concat_ws(' ', CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END, l.lanname,
                 CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
                 CASE WHEN p.proisstrict THEN 'strict' END,
                 CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END,
                 CASE WHEN p.prokind = 'p' THEN 'procedure' WHEN p.prokind = 'a' THEN 'aggregate' END,
                 array_to_string(p.proconfig, '; '))
FROM public.member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass JOIN pg_language AS l ON l.oid = p.prolang
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- tables, views, sequences: rights, row security
SELECT CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE c.relkind::text || ' ' END || c.oid::regclass || ' | '
    || public.to_public(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) || ' | '
    || concat_ws(' ', CASE WHEN c.relrowsecurity THEN 'row security' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 array_to_string(c.reloptions, '; '), CASE c.relreplident WHEN 'f' THEN 'replica identity full' END,
                 CASE WHEN c.oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'segments')::oid[]) THEN 'dumped' END)
FROM public.member AS m JOIN pg_class AS c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
ORDER BY c.oid::regclass::text COLLATE "C";

SELECT 'column ' || a.attrelid::regclass || '.' || a.attname || ' | ' || public.to_public(a.attacl)
FROM public.member AS m JOIN pg_attribute AS a ON a.attrelid = m.objid AND m.classid = 'pg_class'::regclass
WHERE public.to_public(a.attacl) <> '-' ORDER BY a.attrelid::regclass::text COLLATE "C", a.attname;

SELECT 'policy ' || p.polname || ' on ' || p.polrelid::regclass || ' | ' || p.polcmd::text || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END
FROM public.member AS m JOIN pg_policy AS p ON p.polrelid = m.objid AND m.classid = 'pg_class'::regclass
ORDER BY p.polrelid::regclass::text COLLATE "C", p.polname;

-- triggers: which function, when, where enabled
SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass || ' | ' || t.tgfoid::regproc || ' | ' || t.tgtype || ' ' || t.tgenabled::text
    || CASE WHEN pg_get_triggerdef(t.oid) LIKE '%NOT segments_internal.is_restoring()%' THEN ' not in a restore'
            WHEN pg_get_triggerdef(t.oid) LIKE '%is_restoring()%' THEN ' in a restore' ELSE '' END
FROM public.member AS m JOIN pg_trigger AS t ON t.tgrelid = m.objid AND m.classid = 'pg_class'::regclass AND NOT t.tgisinternal
ORDER BY t.tgrelid::regclass::text COLLATE "C", t.tgname;

SELECT 'event trigger ' || t.evtname || ' | ' || t.evtfoid::regproc || ' | ' || t.evtevent || ' ' || t.evtenabled::text
FROM public.member AS m JOIN pg_event_trigger AS t ON t.oid = m.objid AND m.classid = 'pg_event_trigger'::regclass
ORDER BY t.evtname;

SELECT 'type ' || t.oid::regtype || ' | ' || public.to_public(coalesce(t.typacl, acldefault('T', t.typowner)))
FROM public.member AS m JOIN pg_type AS t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass AND t.typtype <> 'c' AND t.typcategory <> 'A'
ORDER BY t.oid::regtype::text COLLATE "C";

-- whatever else there is; json is a word of the grammar since PostgreSQL 16, and stands without its schema
SELECT (pg_identify_object(m.classid, m.objid, 0)).type || ' ' ||
       regexp_replace((pg_identify_object(m.classid, m.objid, 0)).identity, 'pg_catalog\.json\M', 'json')
FROM public.member AS m
WHERE m.classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_event_trigger'::regclass, 'pg_type'::regclass)
ORDER BY (pg_identify_object(m.classid, m.objid, 0)).identity COLLATE "C";

\pset tuples_only off
-- SECURITY DEFINER with a search path of its own, in which nobody can put anything
SELECT p.oid::regprocedure AS unpinned FROM public.member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(p.proconfig, '{}')) ORDER BY 1;
-- who can call a SECURITY DEFINER function, but as a trigger
SELECT p.oid::regprocedure AS callable FROM public.member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND public.to_public(coalesce(p.proacl, acldefault('f', p.proowner))) <> '-' ORDER BY p.oid::regprocedure::text COLLATE "C";
-- a trigger function that anybody can put on a table of their own
SELECT p.oid::regprocedure AS on_any_table FROM public.member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND public.to_public(coalesce(p.proacl, acldefault('f', p.proowner))) <> '-' ORDER BY p.oid::regprocedure::text COLLATE "C";
-- what PUBLIC may write: nothing, but rows of its own
SELECT c.oid::regclass AS writable FROM public.member AS m JOIN pg_class AS c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
WHERE public.to_public(c.relacl) ~ '(INSERT|USAGE)' ORDER BY 1;
-- what it may lock in any mode, which comes with these: nothing
SELECT c.oid::regclass AS lockable FROM public.member AS m JOIN pg_class AS c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
WHERE public.to_public(c.relacl) ~ '(UPDATE|DELETE|TRUNCATE|MAINTAIN)' ORDER BY 1;
-- a view reads its tables as its owner: so all rows come from functions, or tables that everybody may read
SELECT DISTINCT v.oid::regclass AS view, r.refobjid::regclass AS reads
FROM public.member AS m JOIN pg_class AS v ON v.oid = m.objid AND m.classid = 'pg_class'::regclass AND v.relkind = 'v'
    JOIN pg_rewrite AS w ON w.ev_class = v.oid
    JOIN pg_depend AS r ON r.classid = 'pg_rewrite'::regclass AND r.objid = w.oid AND r.refclassid = 'pg_class'::regclass AND r.refobjid <> v.oid
    JOIN pg_class AS t ON t.oid = r.refobjid
WHERE t.relrowsecurity OR public.to_public(t.relacl) !~ 'public:SELECT' ORDER BY 1, 2;
-- comments: every object, and every column of what is public
SELECT (pg_identify_object(m.classid, m.objid, 0)).identity AS without_comment FROM public.member AS m
WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL
  AND NOT EXISTS (SELECT FROM pg_type AS t WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid AND (t.typcategory = 'A' OR t.typtype = 'c'))
  AND NOT EXISTS (SELECT FROM pg_class AS c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind = 'S')
ORDER BY 1;
SELECT a.attrelid::regclass || '.' || a.attname AS without_comment
FROM public.member AS m JOIN pg_class AS c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v')
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE col_description(c.oid, a.attnum) IS NULL ORDER BY 1;
SELECT t.tgname AS without_comment FROM public.member AS m JOIN pg_trigger AS t ON t.tgrelid = m.objid AND m.classid = 'pg_class'::regclass
WHERE NOT t.tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL ORDER BY 1;
SELECT p.polname AS without_comment FROM public.member AS m JOIN pg_policy AS p ON p.polrelid = m.objid AND m.classid = 'pg_class'::regclass
WHERE obj_description(p.oid, 'pg_policy') IS NULL ORDER BY 1;
-- a key, or the whole row, identifies every row
SELECT c.oid::regclass AS without_key FROM public.member AS m JOIN pg_class AS c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
WHERE c.relkind = 'r' AND c.relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary) ORDER BY 1;
DROP VIEW public.member;
DROP FUNCTION public.to_public(aclitem[]);
