-- Date phrases: grammar, bounds, next moves, and the clock.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';

-- What a phrase stands for, as text: days, instants, or days of the year.
CREATE FUNCTION pg_temp.meaning(phrase text, zone text, at timestamptz, days boolean) RETURNS text
LANGUAGE sql AS $$
    SELECT CASE WHEN phrase ~ '^(anniversary|birthday)' THEN segments.phrase_anniversary(phrase, zone, at)::text
                WHEN days THEN segments.phrase_first_day(phrase, zone, at) || ' ' || segments.phrase_last_day(phrase, zone, at)
                ELSE segments.phrase_start(phrase, zone, at) || ' ' || segments.phrase_end(phrase, zone, at) END
$$;
CREATE FUNCTION pg_temp.refusal(phrase text, span boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    IF span THEN
        PERFORM segments.span_end(phrase, true, 'UTC', '2026-03-18 10:30Z');
    ELSE
        PERFORM segments.phrase_next_move(phrase, 'UTC', '2026-03-18 10:30Z');
    END IF;
    RETURN 'accepted';
EXCEPTION WHEN invalid_datetime_format THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END
$$;

-- Accepted: every form, on a Wednesday.
SELECT phrase, segments.phrase_start(phrase, 'UTC', '2026-03-18 10:30Z') AS s,
       segments.phrase_end(phrase, 'UTC', '2026-03-18 10:30Z') AS e
FROM unnest(ARRAY['today', ' YESTERDAY ', 'Tomorrow', 'this  week', 'last week', 'Next Week', 'this month', 'last month',
    'next month', 'this quarter', 'last quarter', 'next quarter', 'this year', 'last year', 'next year',
    '+1 day', '-1 DAY', '+ 1 day', '-  2 weeks', '1 day', '2weeks', '0 days', '1 quarter', '+1 month -2 days', '-2 days +1 month',
    '5 days ago', '1 month 2 days ago', '1 month ago +2 days', '1 month ago 3 days ago', '-18 years -1 day', '1 day+1 month',
    '+5 minutes', '0 minutes', '1 second', '48 hours ago', '-1 day -2 hours', '1 hour 30 minutes ago', E'\t-90\nminutes ',
    'first day of this month', 'last day of previous month', 'last day of last month', 'First Day Of Next Month',
    'first day of january 2026', 'last day of Feb 2024', 'first day of march', 'LAST DAY OF SEP',
    '2026-03-18', ' 2024-02-29 ', '2026-03-18 10:30', '2026-03-18   10:30:05', '2026-03-18T10:30', '2026-03-18t10:30:05.25',
    '2026-03-18T10:30:00Z', '2026-03-18 12:30+02:00', '2026-03-18 12:30 +02', '2026-03-17 21:30:00-1300', '0001-01-01', '9999-12-31'])
    WITH ORDINALITY AS p (phrase, n) ORDER BY n;

-- Refused, and why.
SELECT phrase, pg_temp.refusal(phrase)
FROM unnest(ARRAY['', '  ', 'now', 'noon', 'garbage', 'last monday', 'this decade', 'this', 'previous week', 'today tomorrow', 'today +1 day',
    '-', '-1', '+5', '5', '+-5 days', '1.5 days', '5 dayz', '5 fortnights', '1 day2 hours', '1 day and 2 hours', '1 day ago2 days',
    'days', 'ago', '-5 days ago', '- 5 days ago', '+1 month 2 days ago', '2 days ago ago', '10001 years', '-120001 months',
    '99999999999999999999 seconds', repeat('+1 day ', 17), 'first day', 'first day of', 'first day of month', 'first day of next year',
    'first day of march 26', 'first day of march 0000', 'last day of smarch', 'birthday tomorrow', 'birthday +1 hour', 'birthday +1',
    '0000-00-00', '0000-01-01', '2026-02-29', '2026-02-30', '2026-13-01', '2026-00-10', '2026-3-18', '03/18/2026', '18.03.2026',
    '20260318', '2026-03-18T', '2026-03-18 10', '2026-03-18 9:30', '2026-03-18 24:00', '2026-03-18 10:60', '2026-03-18 10:30:60',
    '2026-03-18 10:30:', '2026-03-18 10:30:00.', '2026-03-18+02:00', '2026-03-18 10:30 +2', '2026-03-18 10:30+16:00', '2026-03-18 10:30 UTC',
    '2026-03-18 10:30 Europe/Berlin', 'mautic.lead.list.today', 'ｔｏｄａｙ', 'today;'])
    WITH ORDINALITY AS p (phrase, n) ORDER BY n;
SELECT span, pg_temp.refusal(span, true)
FROM unnest(ARRAY['7 days', '2 Weeks', '24 hours', '0 days', '', 'today', '-7 days', '+7 days', '7 days ago', '7', '1 month 2 days'])
    WITH ORDINALITY AS p (span, n) ORDER BY n;

-- Errors, in full.
SELECT segments.phrase_start('last monday', 'UTC', '2026-03-18');
SELECT segments.phrase_start('birthday', 'UTC', '2026-03-18');
SELECT segments.phrase_anniversary('today', 'UTC', '2026-03-18');
SELECT segments.span_start('a while', false, 'UTC', '2026-03-18');
SELECT segments.phrase_start('today', 'Mars/Olympus', '2026-03-18');
SELECT segments.phrase_start('today', 'UTC+3', '2026-03-18');
SELECT segments.phrase_start('today', 'PST', '2026-03-18');

-- Months clamp, in the order written.
SELECT at, phrase, segments.phrase_first_day(phrase, 'UTC', at::timestamptz), segments.phrase_next_move(phrase, 'UTC', at::timestamptz)
FROM (VALUES ('2026-03-31', '-1 month'), ('2026-03-28', '-1 month'), ('2024-03-31', '-1 month'), ('2026-01-31', '+1 month'),
    ('2026-01-31', '+1 month -1 day'), ('2026-01-31', '-1 day +1 month'), ('2024-02-29', '+1 year'), ('2024-02-29', '-4 years'),
    ('2026-05-31', '-1 quarter'), ('2026-03-30', '-1 month -28 days +1 month'), ('2026-12-31', '+2 months'), ('2026-03-18', '-10000 years')) AS c (at, phrase);

-- Bounds where clocks change: New York both ways, a midnight that is skipped
-- (São Paulo), one that is doubled (Havana), Ramadan, and a day that never was.
SELECT zone, at, phrase, segments.phrase_start(phrase, zone, at::timestamptz) AS s, segments.phrase_end(phrase, zone, at::timestamptz) AS e,
       segments.phrase_next_move(phrase, zone, at::timestamptz) AS moves
FROM (VALUES ('America/New_York', '2026-03-08 12:00Z', 'today'), ('America/New_York', '2026-11-01 12:00Z', 'today'),
    ('America/New_York', '2026-03-18 02:00Z', 'today'), ('America/New_York', '2026-03-09 06:30Z', '-1 day'),
    ('America/New_York', '2026-03-09 06:30Z', '-1 day -0 hours'), ('America/New_York', '2026-03-09 06:30Z', '-24 hours'),
    ('America/New_York', '2026-11-01 05:30Z', '0 days 0 hours'), ('America/New_York', '2026-11-02 06:30Z', '-1 day 0 hours'),
    ('America/New_York', '2026-03-18 12:00Z', '2026-03-08 02:30'), ('America/New_York', '2026-03-18 12:00Z', '2026-11-01 01:30'),
    ('America/New_York', '2027-01-01 04:59Z', 'this year'), ('Pacific/Auckland', '2026-03-31 10:59:59Z', 'this month'),
    ('Pacific/Auckland', '2026-03-31 11:00Z', 'this month'), ('Pacific/Auckland', '2026-04-05 01:00Z', 'this week'),
    ('America/Sao_Paulo', '2018-11-04 02:59Z', 'today'), ('America/Sao_Paulo', '2018-11-04 03:00Z', 'today'),
    ('America/Sao_Paulo', '2018-11-10 12:00Z', 'first day of this month'), ('America/Sao_Paulo', '2018-02-18 01:59Z', 'today'),
    ('America/Havana', '2024-11-03 04:30Z', 'today'), ('America/Havana', '2024-11-03 03:30Z', 'today'),
    ('Africa/Casablanca', '2024-03-10 12:00Z', 'today'), ('Africa/Casablanca', '2024-04-14 01:00Z', 'this month'),
    ('Pacific/Apia', '2011-12-30 09:00Z', 'today'), ('Pacific/Apia', '2011-12-30 09:00Z', 'tomorrow'), ('Pacific/Apia', '2011-12-30 10:00Z', 'today')) AS c (zone, at, phrase);

-- Next moves.
SELECT phrase, segments.phrase_next_move(phrase, 'America/New_York', '2026-03-18 10:30Z') AS moves,
       segments.phrase_next_move(phrase, 'America/New_York', '2026-03-18 10:30Z', true) AS days_move
FROM unnest(ARRAY['today', '-30 days', 'this week', 'next month', 'last quarter', 'this year', 'first day of next month', 'last day of june',
    'last day of june 2026', '2026-03-18', '2026-03-18 10:30', '2026-03-18 10:30Z', 'birthday', 'anniversary -2 weeks', '-2 hours', '-1 month -6 hours'])
    WITH ORDINALITY AS p (phrase, n) ORDER BY n;

-- Anniversaries: 28 February stands for the 29th too, in common years.
SELECT phrase, at, segments.phrase_anniversary(phrase, 'America/New_York', at::timestamptz)
FROM (VALUES ('birthday', '2026-03-01 04:00Z'), ('birthday', '2024-02-28 12:00Z'), ('birthday', '2024-02-29 12:00Z'), ('anniversary', '2026-03-18 10:30Z'),
    ('Anniversary +1 month', '2026-01-31 12:00Z'), ('birthday 2 weeks ago', '2026-03-14 12:00Z'), ('birthday+1 day', '2026-12-31 12:00Z')) AS c (phrase, at);

-- inLast and inNext.
SELECT span, forward, segments.span_start(span, forward, 'America/New_York', at) AS s, segments.span_end(span, forward, 'America/New_York', at) AS e
FROM (VALUES ('1 day', false), ('24 hours', false), ('1 day', true), ('1 month', false), ('1 quarter', true), ('0 seconds', true)) AS c (span, forward),
     (VALUES (timestamptz '2026-03-08 20:00Z')) AS t (at);

-- Infinite instants and the ends of the calendar never raise.
SELECT phrase, at, segments.phrase_start(phrase, 'Asia/Tokyo', at::timestamptz) AS s, segments.phrase_end(phrase, 'Asia/Tokyo', at::timestamptz) AS e,
       segments.phrase_last_day(phrase, 'Asia/Tokyo', at::timestamptz) AS last_day, segments.phrase_next_move(phrase, 'Asia/Tokyo', at::timestamptz, true) AS moves
FROM unnest(ARRAY['today', 'this year', 'first day of may', '-10000 years +2 hours']) AS phrase,
     unnest(ARRAY['-infinity', 'infinity', '294276-12-31 23:00Z', '4714-11-24 00:00Z BC']) AS at;

-- A local time means what AT TIME ZONE makes of it.
SELECT zone, count(*) FILTER (WHERE segments.phrase_start(to_char(local, 'YYYY-MM-DD HH24:MI'), zone, '2026-03-18') <> local AT TIME ZONE zone) AS differ
FROM unnest(ARRAY['America/New_York', 'America/Havana', 'Africa/Casablanca', 'Pacific/Apia', 'Europe/Dublin']) AS zone,
     generate_series(timestamp '2010-01-01', timestamp '2012-01-02', interval '28 minutes') AS local
GROUP BY zone ORDER BY zone;

-- Through two years in steps of six hours: the meaning is the same until the
-- next move, and another one from it on.
CREATE TEMP TABLE walk AS
SELECT phrase, zone, days, at, pg_temp.meaning(phrase, zone, at, days) AS meaning, segments.phrase_next_move(phrase, zone, at, days) AS moves
FROM (VALUES ('today', false), ('-1 month', true), ('+1 month -1 day', false), ('this week', false), ('last quarter', true), ('last day of february', false),
             ('birthday', true), ('-1 month -2 hours', true), ('+1 day -30 minutes', true)) AS p (phrase, days),
     (VALUES ('UTC', '2027-06-01'), ('America/New_York', '2026-01-01'), ('Pacific/Auckland', '2026-01-01'), ('Africa/Casablanca', '2025-01-01'),
             ('America/Sao_Paulo', '2017-01-01'), ('America/Havana', '2025-01-01'), ('Pacific/Apia', '2011-01-01')) AS z (zone, since),
     generate_series(since::timestamptz, since::timestamptz + interval '2 years', interval '6 hours') AS at;
SELECT count(*) AS steps, count(*) FILTER (WHERE moves <= at) AS not_later,
       count(*) FILTER (WHERE pg_temp.meaning(phrase, zone, moves - interval '1 microsecond', days) <> meaning) AS moved_before,
       count(*) FILTER (WHERE pg_temp.meaning(phrase, zone, moves, days) = meaning) AS not_moved
FROM walk;
SELECT count(*) AS not_constant
FROM (SELECT *, lead(at) OVER w AS next_at, lead(meaning) OVER w AS next_meaning, lead(moves) OVER w AS next_moves
      FROM walk WINDOW w AS (PARTITION BY phrase, zone, days ORDER BY at)) AS steps
WHERE next_at < moves AND (next_meaning <> meaning OR next_moves <> moves);

-- The clock: the transaction's start, unless it is pinned.  The session's
-- settings do not count when the pin is read.
SELECT segments.now() = now() AS unpinned;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SELECT pin, set_config('segments.now', pin, false) IS NOT NULL AS set, segments.now() AT TIME ZONE 'UTC' = utc AS right
FROM (VALUES ('2026-03-18 10:30', timestamp '2026-03-18 10:30'), ('2026-03-18T10:30:00.5-05:00', '2026-03-18 15:30:00.5'),
    ('2026-03-18 10:30:00+00', '2026-03-18 10:30'), ('2026-03-18 10:30:00 UTC', '2026-03-18 10:30'), ('2026-03-18', '2026-03-18')) AS c (pin, utc);
SET segments.now = 'today';
SET segments.now = '18.03.2026 10:30';
BEGIN;
SET LOCAL segments.now = '2020-01-01 00:00Z';
SELECT segments.now() AT TIME ZONE 'UTC' = timestamp '2020-01-01' AS local_pin;
ROLLBACK;
SHOW segments.now;
RESET segments.now;
SELECT segments.now() = now() AS unpinned;

-- At both ends of the calendar nothing overflows.
SELECT p, days, segments.phrase_next_move(p, 'Europe/Paris', n, days) >= n AS later
FROM unnest(ARRAY['-3 hours', 'today', 'last year', '+100 years', '-2 weeks 5 minutes']) AS p, unnest(ARRAY[false, true]) AS days,
     unnest(ARRAY['4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00']::timestamptz[]) AS n
ORDER BY p, days, n;
