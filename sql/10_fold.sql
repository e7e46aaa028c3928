-- Text folding -------------------------------------------------------------

CREATE FUNCTION segments.fold(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_fold';

COMMENT ON FUNCTION segments.fold(text) IS
    'text without case and accents: Unicode NFKD, no nonspacing marks, full case folding; the same in every locale and for ever';

CREATE FUNCTION segments.bucket(key text, number bigint) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_bucket';
COMMENT ON FUNCTION segments.bucket(text, bigint) IS 'the share of the contacts, 0 to 9999, that a key is in: the first eight digits of md5(number || '':'' || key), modulo 10000; other numbers give other shares';
