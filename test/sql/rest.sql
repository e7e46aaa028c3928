-- The REST API, endpoint by endpoint.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
ALTER SEQUENCE segments.segment_id_seq RESTART;
CREATE SCHEMA rest;
SELECT segments.create_mautic_schema('rest');
INSERT INTO rest.categories (title, alias) VALUES ('Regions', 'regions');
INSERT INTO rest.leads (firstname, email, city, points) VALUES ('Ann', 'ann@example.org', 'Paris', 10), ('Bob', 'bob@example.org', 'London', 100), ('Clo', NULL, 'Paris', 100);
SET segments.now = '2026-05-01 10:00+00';
CREATE FUNCTION rest.r(method text, path text, query jsonb DEFAULT '{}', body jsonb DEFAULT NULL) RETURNS TABLE (status int, body text)
LANGUAGE sql AS $$SELECT r.status, jsonb_pretty(r.body) FROM segments.rest(method, path, query, body) AS r$$;
CREATE FUNCTION rest.s(method text, path text, query jsonb DEFAULT '{}', body jsonb DEFAULT NULL) RETURNS TABLE (status int, body jsonb)
LANGUAGE sql AS $$SELECT * FROM segments.rest(method, path, query, body)$$;
\pset format unaligned
-- create
SELECT * FROM rest.r('POST', '/api/segments/new', '{}', '{"name": "Parisians", "description": "all of them", "isPublished": 1, "category": 1, "nonsense": 5, "id": 77,
  "filters": [{"glue": "and", "field": "city", "object": "lead", "type": "text", "operator": "=", "properties": {"filter": "Paris"}}]}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "  ", "filters": []}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "filters": [{"field": "cyti", "operator": "=", "properties": {"filter": "Paris"}}]}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "filters": "nonsense"}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "filters": {"a": 1}}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "alias": "parisians"}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "isPublished": "perhaps"}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '{"name": "X", "category": "red"}');
SELECT * FROM rest.s('POST', 'segments/new', '{}', '[1]');
SELECT * FROM rest.s('POST', 'segments/new');
-- a form: numbers are text, lists are objects
SELECT status, body -> 'list' ->> 'alias', body -> 'list' -> 'filters' FROM rest.s('POST', '/segments/new', '{}', '{"name": "Rich", "isGlobal": "0", "isPreferenceCenter": "on",
  "filters": {"0": {"field": "points", "operator": "gte", "properties": {"filter": "100"}}, "1": {"glue": "or", "field": "email", "operator": "empty", "properties": ""}}}');
SELECT status, body -> 'list' ->> 'alias' FROM rest.s('POST', '/segments/new', '{}', '{"name": "Static"}');
SELECT id AS rich FROM segments.segment WHERE alias = 'rich' \gset
SELECT id AS static FROM segments.segment WHERE alias = 'static' \gset
-- read
SELECT * FROM rest.s('GET', '/api/segments/1');
SELECT status, body -> 'list' ->> 'name' FROM rest.s('GET', 'segments/' || :rich || '/');
SELECT * FROM rest.s('GET', '/segments/99');
SELECT * FROM rest.s('GET', '/segments/parisians');
SELECT * FROM rest.s('GET', '/segments', '{"minimal": "1", "limit": "1", "orderBy": "dateAdded", "orderByDir": "DESC"}');
SELECT * FROM rest.s('GET', '/segments', '{"select": "id,is_global"}');
SELECT q, r.status, r.body -> 'total' AS total, ARRAY(SELECT jsonb_object_keys(CASE WHEN r.body -> 'lists' = '[]' THEN '{}' ELSE r.body -> 'lists' END)) AS ids
FROM unnest(ARRAY['{"search": "rich"}', '{"search": "RICH OR static"}', '{"search": "is:published"}', '{"search": "is:unpublished"}', '{"search": "is:mine"}', '{"search": "is:global"}',
  '{"search": "!is:global"}', '{"search": "name:par%"}', '{"search": "name:+rich"}', '{"search": "category:regions"}', '{"search": "ids:1,3"}', '{"search": "nobody"}', '{"search": "x:y"}',
  '{"published": "1"}', '{"publishedOnly": true}', '{"start": 2}', '{"limit": 0}', '{"start": "x"}', '{"orderBy": "color"}', '{"orderByDir": "up"}',
  '{"orderBy": "is_published,name"}', '{"order": [{"col": "name", "dir": "DESC"}]}', '{"where": [{"col": "name", "expr": "like", "val": "R%"}]}',
  '{"where": {"0": {"col": "isGlobal", "expr": "eq", "val": "0"}}}', '{"where": [{"expr": "orX", "val": [{"col": "id", "expr": "eq", "val": 1}, {"col": "id", "expr": "gt", "val": 2}]}]}',
  '{"where": [{"col": "id", "expr": "in", "val": "1,2"}]}', '{"where": [{"col": "id", "expr": "between", "val": [2, 3]}]}', '{"where": [{"col": "description", "expr": "isNull"}]}',
  '{"where": [{"col": "id", "expr": "eq", "val": "x"}]}', '{"where": [{"col": "secret", "expr": "eq", "val": "x"}]}', '{"where": [{"col": "id", "expr": "is", "val": "x"}]}', '{"where": 5}',
  '{"where": [{"col": "name", "expr": "eq", "val": "a'' OR true --"}]}']) AS q, LATERAL (SELECT * FROM rest.s('GET', '/segments', q::jsonb)) AS r;
-- change
SELECT status, body -> 'list' -> 'filters', body -> 'list' -> 'description', body -> 'list' -> 'isPublished' FROM rest.s('PATCH', '/segments/1/edit', '{}', '{"description": "people", "unknown": 1}');
SELECT status, body -> 'list' -> 'filters' FROM rest.s('PATCH', '/segments/1/edit', '{}', '{"filters": [{"field": "city", "operator": "in", "properties": {"filter": ["Paris", "London"]}}]}');
SELECT status, body -> 'list' -> 'isPublished', body -> 'list' -> 'description', body -> 'list' -> 'alias', body -> 'list' -> 'filters', body -> 'list' -> 'category' -> 'id'
FROM rest.s('PUT', '/segments/1/edit', '{}', '{"name": "Capitals", "isPublished": true}');
SELECT * FROM rest.s('PUT', '/segments/1/edit', '{}', '{"isPublished": true}');
SELECT status, body -> 'list' ->> 'id' <> '500' AS new_id, body #> '{list,isPublished}' AS is_published, body #> '{list,isGlobal}' AS is_global
FROM rest.s('PUT', '/segments/500/edit', '{}', '{"name": "By PUT"}');
SELECT * FROM rest.s('PATCH', '/segments/500/edit', '{}', '{"name": "x"}');
SELECT * FROM rest.s('PATCH', '/segments/1/edit', '{}', '{"name": ""}');
SELECT status, body -> 'list' -> 'filters' FROM rest.s('PATCH', '/segments/1/edit', '{}', '{"filters": [{"field": "leadlist", "operator": "in", "properties": {"filter": ["rich"]}}]}');
SELECT * FROM rest.s('PATCH', '/segments/' || :rich || '/edit', '{}', '{"isPublished": false}');
SELECT * FROM rest.s('PATCH', '/segments/' || :rich || '/edit', '{}', '{"filters": [{"field": "leadlist", "operator": "in", "properties": {"filter": [1]}}]}');
SELECT * FROM rest.s('DELETE', '/segments/' || :rich || '/delete');
-- members
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contact/1/add');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contact/1/add');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contact/2/remove');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contact/99/add');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contact/x/add');
SELECT * FROM rest.s('POST', '/segments/99/contact/1/add');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contacts/add', '{}', '{"ids": [1, "2", 99, "x", 2]}');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contacts/add', '{}', '{"contactIds": ["3"]}');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contacts/remove', '{}', '[1, 3]');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contacts/add', '{}', '{"0": "1", "1": "3"}');
SELECT * FROM rest.s('POST', '/segments/' || :static || '/contacts/add', '{}', '{}');
SELECT contact_id, source FROM segments.members('static') ORDER BY 1;
SELECT * FROM rest.s('GET', '/contacts/list/segments');
SELECT * FROM rest.s('GET', '/contacts/1/segments');
SELECT * FROM rest.s('GET', '/contacts/99/segments');
-- jsonb sorts the ids of a list, json keeps its order
SELECT status, ARRAY(SELECT json_object_keys(body -> 'lists')) AS ids, body ->> 'total' AS total
FROM segments.rest_json('GET', '/segments', '{"orderBy": "name", "orderByDir": "DESC"}');
SELECT status, ARRAY(SELECT json_object_keys(body -> 'contacts')) AS ids FROM segments.rest_json('GET', '/contacts', '{"orderBy": "points", "orderByDir": "DESC", "limit": 3}');
SELECT status, body FROM segments.rest_json('GET', '/segments', '{"search": "nobody"}');
SELECT status, body FROM segments.rest_json('GET', '/segments/999');
-- batches
SELECT * FROM rest.s('POST', '/segments/batch/new', '{}', '[{"name": "One"}, {"name": ""}, 5, {"name": "Two", "filters": [{"field": "nope"}]}]') AS r (status, body), LATERAL (SELECT r.body -> 'statusCodes', r.body -> 'errors', r.body -> 'lists' -> '0' ->> 'name') AS x;
SELECT status, body -> 'statusCodes', jsonb_typeof(body -> 'lists') FROM rest.s('POST', '/segments/batch/new', '{}', '[{"name": "Three"}, {"name": "Four"}]');
SELECT status, body -> 'statusCodes', body -> 'lists' -> 'a' ->> 'name' FROM rest.s('PATCH', '/segments/batch/edit', '{}', (SELECT jsonb_build_object('a', jsonb_build_object('id', id, 'name', 'Renamed'), 'b', jsonb_build_object('id', 999, 'name', 'x'), 'c', '{"name": "y"}'::jsonb) FROM segments.segment WHERE name = 'Three'));
SELECT status, body -> 'statusCodes' FROM rest.s('PUT', '/segments/batch/edit', '{}', '[{"id": 999, "name": "Put"}]');
SELECT status, body -> 'statusCodes', body -> 'lists' -> 0 ->> 'name' FROM rest.s('DELETE', '/segments/batch/delete', (SELECT jsonb_build_object('ids', string_agg(id::text, ',') || ',999') FROM segments.segment WHERE name = 'Renamed'));
SELECT status, body -> 'statusCodes' FROM rest.s('DELETE', '/segments/batch/delete', (SELECT jsonb_build_object('ids', jsonb_agg(id)) FROM segments.segment WHERE name IN ('Four', 'Put', 'One')));
SELECT * FROM rest.s('DELETE', '/segments/batch/delete', '{"ids": "1,x"}');
SELECT * FROM rest.s('DELETE', '/segments/batch/delete');
SELECT * FROM rest.s('POST', '/segments/batch/new', '{}', (SELECT jsonb_agg('{"name": "n"}'::jsonb) FROM generate_series(1, 201)));
SELECT * FROM rest.s('POST', '/segments/batch/new', '{}', '5');
-- contacts
SELECT status, body -> 'total', body -> 'contacts' -> '1' -> 'fields' -> 'all' ->> 'email' FROM rest.s('GET', '/contacts', '{"search": "segment:static"}');
SELECT status, body -> 'contacts' -> '1' -> 'fields' -> 'core' -> 'city' FROM rest.s('GET', '/contacts', '{"search": "city:paris", "orderBy": "dateAdded", "limit": 5}');
SELECT * FROM rest.s('GET', '/contacts', '{"orderBy": "nope"}');
SELECT status, body -> 'contact' -> 'points' FROM rest.s('GET', '/contacts/2');
SELECT * FROM rest.s('GET', '/contacts/99');
SELECT * FROM rest.s('GET', '/contacts/x');
SELECT status, body -> 'contact' ->> 'id', body -> 'contact' -> 'fields' -> 'all' ->> 'city' FROM rest.s('POST', '/contacts/new', '{}', '{"firstname": "Dan", "city": "Rome", "points": "7", "id": 1000, "nope": 3}');
SELECT * FROM rest.s('POST', '/contacts/new', '{}', '{"points": "many"}');
SELECT status, body -> 'contact' -> 'points' FROM rest.s('PATCH', '/contacts/4/edit', '{}', '{"points": 500}');
SELECT status FROM rest.s('PATCH', '/contacts/99/edit', '{}', '{"points": 500}');
SELECT segments.is_member('rich', 4::bigint);
SELECT status, body -> 'contact' -> 'id', body -> 'contact' -> 'points' FROM rest.s('DELETE', '/contacts/4/delete');
SELECT status FROM rest.s('DELETE', '/contacts/4/delete');
-- routes
SELECT m || ' ' || p AS request, status, body -> 'errors' -> 0 ->> 'message' AS message FROM unnest(ARRAY['GET', 'POST', 'DELETE', 'HEAD', 'BREW', NULL]) AS m,
  unnest(ARRAY['', '/', '/api', '/nothing', '/segments/1/nothing', '/segments/1/edit', '/contacts/1/edit', '/api/segments/new', 'segments?x=1']) AS p, LATERAL rest.s(m, p) ORDER BY 1, 2, 3;
SELECT status FROM segments.rest(NULL, NULL, NULL, NULL);
SELECT status, body -> 'total' FROM segments.rest('GET', '/contacts', '{"contact_table": "rest.leads"}');
SELECT * FROM segments.rest('GET', '/contacts', '{"contact_table": "rest.nothing"}');
-- rights
CREATE ROLE regress_rest_reader;
GRANT USAGE ON SCHEMA rest TO regress_rest_reader;
SET ROLE regress_rest_reader;
SELECT * FROM segments.rest('GET', '/segments');
SELECT * FROM segments.rest('GET', '/segments/1');
SELECT * FROM segments.rest('GET', '/contacts');
RESET ROLE;
GRANT SELECT ON rest.leads TO regress_rest_reader;
SET ROLE regress_rest_reader;
SELECT status, body -> 'total' FROM segments.rest('GET', '/segments');
SELECT status, body -> 'total' FROM segments.rest('GET', '/contacts');
SELECT * FROM segments.rest('GET', '/segments/' || :rich);
SELECT * FROM segments.rest('POST', '/contacts/new', '{}', '{"firstname": "Eve"}');
SELECT * FROM segments.rest('DELETE', '/contacts/1/delete');
RESET ROLE;
-- contacts that row security hides are none, however many are named
GRANT EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) TO regress_rest_reader;
ALTER TABLE rest.leads ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON rest.leads USING (id <> 2);
SELECT segments.add_contact('static', 2);
SET ROLE regress_rest_reader;
SELECT p, status, body FROM unnest(ARRAY['contact/2/add', 'contact/1/add', 'contact/2/remove', 'contact/99/add']) AS p, LATERAL segments.rest('POST', '/segments/' || :static || '/' || p);
SELECT * FROM segments.rest('POST', '/segments/' || :static || '/contacts/add', '{}', '{"ids": [1, 2, 3, 99, "x"]}');
SELECT * FROM segments.rest('POST', '/segments/' || :static || '/contacts/remove', '{}', '{"ids": [2, 3]}');
RESET ROLE;
SELECT contact_id, source FROM segments.members('static') ORDER BY 1;
SELECT segments.remove_contact('static', 2);
SET ROLE regress_rest_reader;
SELECT * FROM segments.rest('POST', '/segments/' || :static || '/contacts/add', '{}', '{"ids": [2]}');
RESET ROLE;
SELECT contact_id, source FROM segments.members('static') ORDER BY 1;
REVOKE EXECUTE ON FUNCTION segments.change_by_hand(bigint, anyarray, text) FROM regress_rest_reader;
SELECT count(*) FROM segments.check();
RESET segments.now;
SELECT segments.detach('rest.leads');
DROP SCHEMA rest CASCADE;
DROP ROLE regress_rest_reader;
