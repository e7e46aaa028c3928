-- Type filter --------------------------------------------------------------

CREATE TYPE segments.filter;

CREATE FUNCTION segments.filter_in(cstring) RETURNS segments.filter
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_in';

CREATE FUNCTION segments.filter_out(segments.filter) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_out';

CREATE FUNCTION segments.filter_recv(internal) RETURNS segments.filter
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_recv';

CREATE FUNCTION segments.filter_send(segments.filter) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_send';

CREATE TYPE segments.filter (
    INPUT = segments.filter_in,
    OUTPUT = segments.filter_out,
    RECEIVE = segments.filter_recv,
    SEND = segments.filter_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);

COMMENT ON TYPE segments.filter IS
    'which contacts belong to a segment: a JSON list of filters and groups of filters; [] for a segment without filters';
COMMENT ON FUNCTION segments.filter_in(cstring) IS 'input of type filter';
COMMENT ON FUNCTION segments.filter_out(segments.filter) IS 'output of type filter';
COMMENT ON FUNCTION segments.filter_recv(internal) IS 'binary input of type filter';
COMMENT ON FUNCTION segments.filter_send(segments.filter) IS 'binary output of type filter';

-- Equality and hash: those of the canonical form.

CREATE FUNCTION segments.filter_eq(segments.filter, segments.filter) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_eq';

CREATE FUNCTION segments.filter_ne(segments.filter, segments.filter) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_ne';

CREATE FUNCTION segments.filter_hash(segments.filter) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_hash';

CREATE FUNCTION segments.filter_hash_extended(segments.filter, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_hash_extended';

CREATE OPERATOR segments.= (
    LEFTARG = segments.filter,
    RIGHTARG = segments.filter,
    FUNCTION = segments.filter_eq,
    COMMUTATOR = OPERATOR(segments.=),
    NEGATOR = OPERATOR(segments.<>),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES
);

CREATE OPERATOR segments.<> (
    LEFTARG = segments.filter,
    RIGHTARG = segments.filter,
    FUNCTION = segments.filter_ne,
    COMMUTATOR = OPERATOR(segments.<>),
    NEGATOR = OPERATOR(segments.=),
    RESTRICT = neqsel,
    JOIN = neqjoinsel
);

CREATE OPERATOR CLASS segments.filter_hash_ops
    DEFAULT FOR TYPE segments.filter USING hash AS
    OPERATOR 1 segments.= (segments.filter, segments.filter),
    FUNCTION 1 segments.filter_hash(segments.filter),
    FUNCTION 2 segments.filter_hash_extended(segments.filter, bigint);

COMMENT ON FUNCTION segments.filter_eq(segments.filter, segments.filter) IS 'implementation of = operator';
COMMENT ON FUNCTION segments.filter_ne(segments.filter, segments.filter) IS 'implementation of <> operator';
COMMENT ON FUNCTION segments.filter_hash(segments.filter) IS 'hash of a filter';
COMMENT ON FUNCTION segments.filter_hash_extended(segments.filter, bigint) IS 'hash of a filter, with a seed';
COMMENT ON OPERATOR segments.= (segments.filter, segments.filter) IS 'the same canonical document';
COMMENT ON OPERATOR segments.<> (segments.filter, segments.filter) IS 'not the same canonical document';
COMMENT ON OPERATOR FAMILY segments.filter_hash_ops USING hash IS 'equality of filters';
COMMENT ON OPERATOR CLASS segments.filter_hash_ops USING hash IS 'equality of filters';

-- Casts.  Those to json and jsonb have functions, so that to_jsonb() and
-- row_to_json() nest a filter instead of quoting it.  Those from json and jsonb
-- are implicit, as drivers send documents in these types; no way back is, so
-- that no call becomes ambiguous.

CREATE FUNCTION segments.filter_to_json(segments.filter) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_to_json';

CREATE FUNCTION segments.filter_to_jsonb(segments.filter) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_filter_to_jsonb';

CREATE CAST (segments.filter AS json) WITH FUNCTION segments.filter_to_json(segments.filter) AS ASSIGNMENT;
CREATE CAST (segments.filter AS jsonb) WITH FUNCTION segments.filter_to_jsonb(segments.filter) AS ASSIGNMENT;
CREATE CAST (segments.filter AS text) WITH INOUT AS ASSIGNMENT;
CREATE CAST (json AS segments.filter) WITH INOUT AS IMPLICIT;
CREATE CAST (jsonb AS segments.filter) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS segments.filter) WITH INOUT AS IMPLICIT;       -- as drivers send their strings
CREATE CAST (varchar AS segments.filter) WITH INOUT AS IMPLICIT;

COMMENT ON FUNCTION segments.filter_to_json(segments.filter) IS 'the document of a filter as json';
COMMENT ON FUNCTION segments.filter_to_jsonb(segments.filter) IS 'the document of a filter as jsonb';
COMMENT ON CAST (segments.filter AS json) IS 'the document of a filter';
COMMENT ON CAST (segments.filter AS jsonb) IS 'the document of a filter';
COMMENT ON CAST (segments.filter AS text) IS 'the document of a filter';
COMMENT ON CAST (json AS segments.filter) IS 'the filter of a document';
COMMENT ON CAST (jsonb AS segments.filter) IS 'the filter of a document';
COMMENT ON CAST (text AS segments.filter) IS 'the filter of a document';
COMMENT ON CAST (varchar AS segments.filter) IS 'the filter of a document';

CREATE FUNCTION segments.is_static(filter segments.filter) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_is_static';

COMMENT ON FUNCTION segments.is_static(segments.filter) IS
    'is this the empty list, a segment whose members are chosen by hand?';
