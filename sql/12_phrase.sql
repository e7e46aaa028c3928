-- ---------------------------------------------------------------------------
-- Date phrases: what they stand for at an instant, and the clock
-- ---------------------------------------------------------------------------

-- Zone names are taken as immutable, as the server itself does in timezone().

CREATE FUNCTION segments.now() RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_now';
COMMENT ON FUNCTION segments.now() IS 'the instant at which segments are evaluated: setting segments.now, else the start of the transaction';

CREATE FUNCTION segments.phrase_start(phrase text, zone text, at timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_start';
COMMENT ON FUNCTION segments.phrase_start(text, text, timestamptz) IS 'the first instant that a date phrase stands for';

CREATE FUNCTION segments.phrase_end(phrase text, zone text, at timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_end';
COMMENT ON FUNCTION segments.phrase_end(text, text, timestamptz) IS 'the first instant after those that a date phrase stands for';

CREATE FUNCTION segments.phrase_first_day(phrase text, zone text, at timestamptz) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_first_day';
COMMENT ON FUNCTION segments.phrase_first_day(text, text, timestamptz) IS 'the first local day that a date phrase stands for';

CREATE FUNCTION segments.phrase_last_day(phrase text, zone text, at timestamptz) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_last_day';
COMMENT ON FUNCTION segments.phrase_last_day(text, text, timestamptz) IS 'the last local day that a date phrase stands for';

CREATE FUNCTION segments.phrase_anniversary(phrase text, zone text, at timestamptz) RETURNS integer[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_anniversary';
COMMENT ON FUNCTION segments.phrase_anniversary(text, text, timestamptz) IS 'the days of the year, as month * 100 + day, that an anniversary phrase stands for';

CREATE FUNCTION segments.span_anniversary(span text, forward boolean, zone text, at timestamptz) RETURNS integer[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_span_anniversary';
COMMENT ON FUNCTION segments.span_anniversary(text, boolean, text, timestamptz) IS 'the days of the year, as month * 100 + day, with an anniversary within "anniversary N days" of inLast, or of inNext when forward';

CREATE FUNCTION segments.phrase_next_move(phrase text, zone text, at timestamptz, days boolean DEFAULT false) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_phrase_next_move';
COMMENT ON FUNCTION segments.phrase_next_move(text, text, timestamptz, boolean) IS 'the next instant at which a date phrase stands for something else (with days, for other local days); infinity when never';

CREATE FUNCTION segments.span_start(span text, forward boolean, zone text, at timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_span_start';
COMMENT ON FUNCTION segments.span_start(text, boolean, text, timestamptz) IS 'the first instant of inLast, or of inNext when forward';

CREATE FUNCTION segments.span_end(span text, forward boolean, zone text, at timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_span_end';
COMMENT ON FUNCTION segments.span_end(text, boolean, text, timestamptz) IS 'the last instant of inLast, or of inNext when forward';

-- The text of dates and instants, and their month and day: never fail.

CREATE FUNCTION segments.instant(value timestamp, zone text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_instant';
COMMENT ON FUNCTION segments.instant(timestamp, text) IS 'the instant at which clocks of a zone show a time: value AT TIME ZONE zone, but infinite where that is out of range';

CREATE FUNCTION segments.instant(value date, zone text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_day_instant';
COMMENT ON FUNCTION segments.instant(date, text) IS 'the first instant of a day of a zone; infinite where that is out of range';

CREATE FUNCTION segments_internal.local_day(value timestamptz, zone text) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_local_day';
COMMENT ON FUNCTION segments_internal.local_day(timestamptz, text) IS 'the day that clocks of a zone show at an instant; infinite where that is out of range';

CREATE FUNCTION segments_internal.addend(value numeric) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_addend';
COMMENT ON FUNCTION segments_internal.addend(numeric) IS 'the number as it is added up: what would make a sum overflow counts as less';

CREATE FUNCTION segments_internal.addend(value real) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_addend_float4';
COMMENT ON FUNCTION segments_internal.addend(real) IS 'the number as it is added up: its shortest decimal form';

CREATE FUNCTION segments_internal.addend(value double precision) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_addend_float8';
COMMENT ON FUNCTION segments_internal.addend(double precision) IS 'the number as it is added up: its shortest decimal form';

CREATE FUNCTION segments.text_form(value date) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_text_form_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.text_form(date) IS 'YYYY-MM-DD, as the like family sees a date; infinity gives null';

CREATE FUNCTION segments.text_form(value timestamp, value_zone text, zone text) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_text_form_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.text_form(timestamp, text, text) IS 'YYYY-MM-DD HH:MM:SS of a timestamp of one zone as seen in another; infinity gives null';

CREATE FUNCTION segments.text_form(value timestamptz, zone text) RETURNS text
    AS 'MODULE_PATHNAME', 'segments_text_form_timestamptz' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.text_form(timestamptz, text) IS 'YYYY-MM-DD HH:MM:SS of an instant as seen in a zone; infinity gives null';

CREATE FUNCTION segments.month_day(value date) RETURNS integer
    AS 'MODULE_PATHNAME', 'segments_month_day_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.month_day(date) IS 'month * 100 + day, for anniversaries; infinity gives null';

CREATE FUNCTION segments.month_day(value timestamp, value_zone text, zone text) RETURNS integer
    AS 'MODULE_PATHNAME', 'segments_month_day_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.month_day(timestamp, text, text) IS 'month * 100 + day of a timestamp of one zone as seen in another, for anniversaries; infinity gives null';

CREATE FUNCTION segments.month_day(value timestamptz, zone text) RETURNS integer
    AS 'MODULE_PATHNAME', 'segments_month_day_timestamptz' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segments.month_day(timestamptz, text) IS 'month * 100 + day of an instant as seen in a zone, for anniversaries; infinity gives null';
