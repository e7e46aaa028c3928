"""The database in which is interrupted, and what is done in it."""
import collections

SETUP = """
CREATE EXTENSION segments;
SELECT segments.create_mautic_schema('crm');
CREATE TABLE crm.audit (what text);
CREATE SEQUENCE crm.other;
CREATE TABLE crm.many (id bigint PRIMARY KEY, n int, pad text);
CREATE TABLE crm.plain (id bigint PRIMARY KEY, n int);
SELECT segments.attach('crm.many');
INSERT INTO crm.many SELECT i, i, repeat('x', 900) FROM generate_series(1, 400) i;
INSERT INTO crm.companies (id, companyname, companyindustry) SELECT i, 'c' || i, 'i' || i % 3 FROM generate_series(1, 5) i;
INSERT INTO crm.leads (id, points, city, last_active)
    SELECT i, i, 'v' || i % 5, '2026-01-01'::timestamp + i * '1 day'::interval FROM generate_series(1, 40) i;
INSERT INTO crm.companies_leads (company_id, lead_id, is_primary) SELECT 1 + i % 5, i, true FROM generate_series(1, 40) i;
INSERT INTO crm.page_hits (lead_id, url) SELECT i, 'u' || i % 4 FROM generate_series(1, 40) i;
CREATE FUNCTION crm.f(object text, field text, operator text, value text) RETURNS json LANGUAGE sql IMMUTABLE AS
    $$SELECT json_build_object('glue', 'and', 'object', object, 'field', field, 'operator', operator,
                               'properties', json_build_object('filter', value))$$;
SELECT segments.create_segment('points', json_build_array(crm.f('lead', 'points', 'gt', '10'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('city', json_build_array(crm.f('lead', 'city', '=', 'v1'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('like', json_build_array(crm.f('lead', 'city', 'like', '%1%'), crm.f('lead', 'points', 'lt', '30'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('industry', json_build_array(crm.f('company', 'companyindustry', '=', 'i1'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('visited', json_build_array(crm.f('behaviors', 'hit_url', '=', 'u1'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('moving', json_build_array(crm.f('lead', 'last_active', 'gt', '-10 days'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('both', json_build_array(crm.f('lead', 'leadlist', 'in', 'points'))::text::segments.filter, contact_table => 'crm.leads');
SELECT segments.create_segment('big', json_build_array(crm.f('lead', 'n', 'gt', '100'))::text::segments.filter, contact_table => 'crm.many');
SELECT segments.create_segment('list', contact_table => 'crm.leads');
SELECT segments.create_segment('news', contact_table => 'crm.leads', is_preference_center => true);
SELECT segments.create_segment('offers', json_build_array(crm.f('lead', 'points', 'gt', '30'))::text::segments.filter, contact_table => 'crm.leads', is_preference_center => true);
INSERT INTO crm.point_groups (id, name) VALUES (1, 'g');
SELECT segments.create_point_trigger('reached', 500, '{list}', '{points}', contact_table => 'crm.leads');
SELECT segments.create_point_trigger('scored', 500, '{list,news}', contact_table => 'crm.leads', field => 'group_points_1');
CREATE TABLE crm.stage (email text, city text, points text);
INSERT INTO crm.stage SELECT 'e' || i, 'v' || i % 5, CASE i WHEN 7 THEN 'none' ELSE i::text END FROM generate_series(1, 12) i;
CREATE PROCEDURE crm.forget() LANGUAGE sql AS $$
    DELETE FROM segments.point_trigger_log;
    DELETE FROM crm.point_group_contact_score;
    UPDATE crm.leads SET points = id WHERE points > 100;
    DELETE FROM crm.leads WHERE email IS NOT NULL;
    DELETE FROM segments.import_rejected;
    DELETE FROM segments.import;
$$;
"""

# A statement, what undoes it once it has succeeded, and what comes before each attempt.
Case = collections.namedtuple('Case', 'name statement undo before')


def case(name, statement, undo=(), before=()):
    return Case(name, statement, tuple(undo), tuple(before))


CREATE = ("SELECT segments.create_segment('new', json_build_array(crm.f('lead', '%s', 'gt', '20'))::text::segments.filter,"
          " contact_table => '%s')")
DROP = "DELETE FROM segments.segment WHERE alias = 'new'"

CASES = [
    case('write', "INSERT INTO crm.leads (id, points, city) VALUES (1000, 20, 'v1')", ["DELETE FROM crm.leads WHERE id = 1000"]),
    case('compile', "UPDATE crm.leads SET points = 50 - points WHERE id = 5", (), ["SELECT segments_internal.invalidate('crm.leads')"]),
    case('bulk', "UPDATE crm.leads SET points = 41 - points, city = 'v' || id % 3"),
    case('event', "INSERT INTO crm.page_hits (lead_id, url) VALUES (2, 'u1')", ["DELETE FROM crm.page_hits WHERE lead_id = 2 AND url = 'u1'"]),
    case('events', "INSERT INTO crm.page_hits (lead_id, url, url_title) SELECT id, 'u1', 'many' FROM crm.leads", ["DELETE FROM crm.page_hits WHERE url_title = 'many'"]),
    case('company', "UPDATE crm.companies SET companyindustry = CASE companyindustry WHEN 'i1' THEN 'i2' ELSE 'i1' END WHERE id <= 2"),
    case('delete', "DELETE FROM crm.leads WHERE id = 2000", (), ["INSERT INTO crm.leads (id, points, city) VALUES (2000, 20, 'v1') ON CONFLICT DO NOTHING"]),
    case('add', "SELECT segments.add_contact('city', 3::bigint)", ["SELECT segments.remove_contact('city', 3::bigint)"]),
    case('remove', "SELECT segments.remove_contact('points', 30::bigint)", ["SELECT segments.add_contact('points', 30::bigint)"]),
    case('create', CREATE % ('points', 'crm.leads'), [DROP]),
    case('create large', CREATE % ('n', 'crm.many'), [DROP]),
    case('change', "SELECT segments.update_segment('points', filters => json_build_array(crm.f('lead', 'points', 'gt',"
         " (10 + nextval('crm.other') % 7)::text))::text::segments.filter)"),
    case('change large', "SELECT segments.update_segment('big', filters => json_build_array(crm.f('lead', 'n', 'gt',"
         " (100 + nextval('crm.other') % 7)::text))::text::segments.filter)"),
    case('drop', "SELECT segments.delete_segment('new')", (),
         [CREATE % ('points', 'crm.leads') + " WHERE NOT EXISTS (SELECT FROM segments.segment WHERE alias = 'new')"]),
    case('rebuild', "SELECT segments.rebuild('points')"),
    case('refresh', "SELECT segments.refresh_due()"),
    case('count', "SELECT segments.count(alias) FROM segments.segment"),
    case('settle', "SELECT segments_internal.settle_counts('crm.leads', 'upkeep')"),
    case('check', "SELECT * FROM segments.check()"),
    case('matching', "SELECT count(*) FROM crm.leads l WHERE segments.matches(l, "
         "'[{\"glue\":\"and\",\"object\":\"lead\",\"field\":\"points\",\"operator\":\"gt\",\"properties\":{\"filter\":\"3\"}}]')"),
    case('attach', "SELECT segments.attach('crm.plain')", ["SELECT segments.detach('crm.plain')"]),
    case('detach', "SELECT segments.detach('crm.plain')", (), ["SELECT segments.attach('crm.plain')"]),
    case('points', "UPDATE crm.leads SET points = points + 500 WHERE id <= 3", ['CALL crm.forget()'], ['CALL crm.forget()']),
    case('score', "INSERT INTO crm.point_group_contact_score (contact_id, group_id, score) SELECT i, 1, 600 FROM generate_series(1, 3) AS i",
         ['CALL crm.forget()'], ['CALL crm.forget()']),
    case('trigger', "SELECT segments.create_point_trigger('new', 30, '{list}', '{points}', apply_to_existing => true, contact_table => 'crm.leads')",
         ["DELETE FROM segments.point_trigger WHERE name = 'new'"]),
    case('trigger changed', "UPDATE segments.point_trigger SET is_published = NOT is_published WHERE name = 'scored'"),
    case('action', "SELECT * FROM segments.change_segments('{1,2,20,30}'::bigint[], add => '{city,list}', remove => '{points}',"
         " source => 'campaign', reference => 'c')",
         ["SELECT * FROM segments.reset_contacts('city', '{1,2,20,30}'::bigint[])", "SELECT * FROM segments.reset_contacts('points', '{1,2,20,30}'::bigint[])"]),
    case('preferences', "SELECT segments.set_preferences(nextval('crm.other') % 40 + 1, CASE nextval('crm.other') % 2 WHEN 0 THEN '{news}' ELSE '{offers}' END::text[], 'crm.leads')"),
    case('import', "SELECT * FROM segments.import_contacts('list', 'crm.stage')", ['CALL crm.forget()'], ['CALL crm.forget()']),
    case('rest member', "SELECT * FROM segments.rest('POST', 'segments/' || (SELECT id FROM segments.segment WHERE alias = 'list') || '/contacts/add',"
         " body => jsonb_build_object('ids', jsonb_build_array(3, 4, 'x')), contact_table => 'crm.leads')",
         ["SELECT * FROM segments.remove_contacts('list', '{3,4}'::bigint[])"]),
    case('rest segment', "SELECT * FROM segments.rest('POST', 'segments/new', body => '{\"name\": \"new\", \"filters\": [{\"field\": \"points\","
         " \"operator\": \"gt\", \"properties\": {\"filter\": 5}}]}', contact_table => 'crm.leads')", [DROP]),
    case('rest contact', "SELECT * FROM segments.rest('POST', 'contacts/new', body => '{\"email\": \"r\", \"points\": 600}', contact_table => 'crm.leads')",
         ['CALL crm.forget()'], ['CALL crm.forget()']),
    case('rest list', "SELECT * FROM segments.rest('GET', 'contacts', query => '{\"search\": \"segment:points points:>5\"}', contact_table => 'crm.leads')"),
    case('usage', "SELECT segments.register_usage('city', 'email', 'e')", ["SELECT segments.forget_usage('city', 'email', 'e')"]),
    case('numbers', "SELECT (SELECT sum(total) FROM segments.growth('points')), (SELECT count(*) FROM segments.members_at('points', now())),"
         " (SELECT sum(o.both) FROM segments.overlap('{points,city,list}') AS o)"),
    case('members', "SELECT (SELECT count(*) FROM segments.members('points')), (SELECT count(*) FROM segments.contacts('city', NULL::crm.leads)),"
         " (SELECT count(*) FROM segments.contact_segments(7, 'crm.leads')), (SELECT count(*) FROM segments.preference_center(7, 'crm.leads'))"),
    case('search', "SELECT count(*) FROM segments.search('v1 segment:points ids:1,2,x', 'crm.leads')"),
    case('read', "SELECT count(*) FROM segments.read_changes('reader', 100, 'crm.leads')", ["SELECT segments.drop_consumer('reader', 'crm.leads')"]),
    case('trim', "SELECT segments.trim_changes('1 hour', 'crm.leads')"),
    case('watch', 'SELECT (SELECT count(*) FROM segments.health), (SELECT count(*) FROM segments.status), (SELECT count(*) FROM segments.compiled)'),
    case('why', "SELECT segments.why(alias, 7::bigint) FROM segments.segment WHERE contact_table = 'crm.leads'::regclass"),
    case('alter', "ALTER TABLE crm.leads ADD COLUMN extra int", ["ALTER TABLE crm.leads DROP COLUMN extra"]),
]

