-- Text folding -------------------------------------------------------------

CREATE FUNCTION segments.fold(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'segments_fold';

COMMENT ON FUNCTION segments.fold(text) IS
    'text without case and accents: Unicode NFKD, no nonspacing marks, full case folding; the same in every locale and for ever';
