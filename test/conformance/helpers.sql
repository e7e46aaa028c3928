-- What the conformance runner adds to a database: documents to ask, and
-- functions that answer for one of them, so that an error stops only that one.
CREATE SCHEMA conformance;

CREATE TABLE conformance.document (number serial, id text PRIMARY KEY, document text NOT NULL);

CREATE FUNCTION conformance.error_report(message text, detail text, hint text, state text) RETURNS json
LANGUAGE sql AS $$ SELECT json_build_object('error', message, 'detail', detail, 'hint', hint, 'state', state) $$;

CREATE FUNCTION conformance.matching(doc text, at timestamptz) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
    answer text; e_message text; e_detail text; e_hint text; e_state text;
BEGIN
    SELECT string_agg(k::text, ' ') INTO answer
    FROM segments.matching(doc::segments.filter, 'crm.leads', at) AS k;
    RETURN json_build_object('members', coalesce(answer, ''));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS e_message = MESSAGE_TEXT, e_detail = PG_EXCEPTION_DETAIL,
                            e_hint = PG_EXCEPTION_HINT, e_state = RETURNED_SQLSTATE;
    RETURN conformance.error_report(e_message, e_detail, e_hint, e_state);
END
$$;

-- Stores a document as a new segment, or as the filters of one there is.
CREATE FUNCTION conformance.store(new_id bigint, new_alias text, doc text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
    e_message text; e_detail text; e_hint text; e_state text;
BEGIN
    INSERT INTO segments.segment (id, name, alias, filters) OVERRIDING SYSTEM VALUE
    VALUES (new_id, new_alias, new_alias, doc::segments.filter);
    RETURN '{}';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS e_message = MESSAGE_TEXT, e_detail = PG_EXCEPTION_DETAIL,
                            e_hint = PG_EXCEPTION_HINT, e_state = RETURNED_SQLSTATE;
    RETURN conformance.error_report(e_message, e_detail, e_hint, e_state);
END
$$;

CREATE FUNCTION conformance.redefine(segment_id bigint, doc text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
    e_message text; e_detail text; e_hint text; e_state text;
BEGIN
    UPDATE segments.segment SET filters = doc::segments.filter WHERE id = segment_id;
    RETURN '{}';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS e_message = MESSAGE_TEXT, e_detail = PG_EXCEPTION_DETAIL,
                            e_hint = PG_EXCEPTION_HINT, e_state = RETURNED_SQLSTATE;
    RETURN conformance.error_report(e_message, e_detail, e_hint, e_state);
END
$$;

CREATE FUNCTION conformance.members(segment text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
    answer text; counted bigint; e_message text; e_detail text; e_hint text; e_state text;
BEGIN
    SELECT string_agg(m.contact_id::text, ' ') INTO answer FROM segments.members(segment) AS m;
    counted := segments.count(segment);
    RETURN json_build_object('members', coalesce(answer, ''), 'count', counted);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS e_message = MESSAGE_TEXT, e_detail = PG_EXCEPTION_DETAIL,
                            e_hint = PG_EXCEPTION_HINT, e_state = RETURNED_SQLSTATE;
    RETURN conformance.error_report(e_message, e_detail, e_hint, e_state);
END
$$;
