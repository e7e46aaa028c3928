/*
 * bind_date.c - date and time values -> boundaries.
 *
 * A phrase stands for [S, E) at now (phrase.h); the operator chooses which of
 * the two is the boundary, and on which side (SEMANTICS §4).
 */
#include "postgres.h"

#include "predicate/bind_date.h"

#include <ctype.h>

#include "datatype/timestamp.h"
#include "utils/date.h"

#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/boundary.h"
#include "predicate/predicate.h"
#include "time/phrase.h"
#include "time/phrase_parse.h"

/* ----- reading values ----- */

static void
refuse_phrase(BindPlace *place, const char *text, const char *detail)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
		 errmsg("invalid date \"%s\" for field \"%s\"", text, place->field->name),
		 errdetail("At %s.properties.filter: %s", place->path,
				   detail ? detail : "not a date phrase."),
		 errhint(
			 "Dates are YYYY-MM-DD, YYYY-MM-DD HH:MM, or phrases such as today, last week, -7 days, first day of this month.")));
}

static void
parse_phrase(BindPlace *place, const char *text, Boundary *boundary)
{
	const char *detail = NULL;

	boundary->phrase = palloc0(sizeof(Phrase));
	if (!PhraseParse(text, boundary->phrase, &detail))
		refuse_phrase(place, text, detail);
	boundary->text = pstrdup(text);
}

/* Letters, with blanks around: a unit, and no phrase that goes on. */
static bool
is_one_word(const char *text)
{
	const char *at = text + strspn(text, " \t\r\n");
	const char *word = at;

	while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'))
		at++;
	return at > word && at[strspn(at, " \t\r\n")] == '\0';
}

/* {"dateTypeMode": "relative"}: -N for lt and lte, +N for gt and gte. */
static void
parse_relative(BindPlace *place, const FilterValue *value, FilterOperator op, Boundary *boundary)
{
	const FilterValue *n = &value->items[FILTER_DATE_INTERVAL];
	const FilterValue *unit = &value->items[FILTER_DATE_UNIT];
	bool back = (op == FILTER_OP_LT || op == FILTER_OP_LTE);
	char *end;
	long number;

	if (!back && op != FILTER_OP_GT && op != FILTER_OP_GTE)
		BindRefuseValue(place, value, "a relative date goes with gt, gte, lt and lte only");
	if (n->text == NULL || n->text[strspn(n->text, "0123456789")] != '\0' || strlen(n->text) == 0 ||
		strlen(n->text) > 9)
		BindRefuseValue(place, n, "relativeDateInterval is a whole number");
	if (unit->kind != FILTER_VALUE_STRING || !is_one_word(unit->text))
		BindRefuseValue(place, unit, "relativeDateIntervalUnit is a unit");
	number = strtol(n->text, &end, 10);
	parse_phrase(place, psprintf("%c%ld %s", back ? '-' : '+', number, unit->text), boundary);
}

static void
parse_date_object(BindPlace *place, const FilterValue *value, FilterOperator op, Boundary *boundary)
{
	const char *mode = value->items[FILTER_DATE_MODE].text;
	const FilterValue *absolute = &value->items[FILTER_DATE_ABSOLUTE];

	if (mode && strcmp(mode, "relative") == 0)
		parse_relative(place, value, op, boundary);
	else if (mode && strcmp(mode, "absolute") == 0)
	{
		if (absolute->kind != FILTER_VALUE_STRING)
			BindRefuseValue(place, absolute, "absoluteDate is a date");
		parse_phrase(place, absolute->text, boundary);
	}
	else
		BindRefuseValue(place, &value->items[FILTER_DATE_MODE],
						"dateTypeMode is \"absolute\" or \"relative\"");
}

/* Read one date value, and check that its kind goes with the operator. */
static void
read_date(BindPlace *place, const FilterValue *value, FilterOperator op, Boundary *boundary)
{
	bool order =
		(op == FILTER_OP_GT || op == FILTER_OP_GTE || op == FILTER_OP_LT || op == FILTER_OP_LTE);

	if (value->kind == FILTER_VALUE_DATE)
		parse_date_object(place, value, op, boundary);
	else if (value->kind == FILTER_VALUE_STRING)
		parse_phrase(place, value->text, boundary);
	else
		BindRefuseValue(place, value, "a date is expected");
	if (boundary->phrase->kind == PHRASE_INSTANT && !order)
		refuse_phrase(place, boundary->text,
					  "seconds, minutes and hours go with gt, gte, lt and lte only.");
	if (boundary->phrase->kind == PHRASE_ANNIVERSARY && op != FILTER_OP_EQ)
		refuse_phrase(place, boundary->text, "an anniversary goes with = and != only.");
}

/* ----- boundaries ----- */

static void
set_boundary(Boundary *boundary, const Boundary *model, MomentKind kind, bool inclusive)
{
	*boundary = *model;
	boundary->given = true;
	boundary->kind = kind;
	boundary->inclusive = inclusive;
}

/*
 * The instant T of a sub-day phrase is both S and E: gt excludes it.  On a
 * date column it stands for the local day that holds it, an ordinary [S, E).
 */
static void
set_order_boundary(Atom *atom, FilterOperator op, const Boundary *date)
{
	bool point = (date->phrase->kind == PHRASE_INSTANT && atom->value_type != VALUE_DATE);

	switch (op)
	{
		case FILTER_OP_GT:
			set_boundary(&atom->lower, date, MOMENT_PHRASE_END, !point);
			break;
		case FILTER_OP_GTE:
			set_boundary(&atom->lower, date, MOMENT_PHRASE_START, true);
			break;
		case FILTER_OP_LT:
			set_boundary(&atom->upper, date, MOMENT_PHRASE_START, false);
			break;
		default:
			set_boundary(&atom->upper, date, MOMENT_PHRASE_END, point);
			break;
	}
}

static Predicate *
bind_anniversary(BindPlace *place, Atom *atom, const Boundary *date)
{
	/* of the value itself, whatever is compared otherwise */
	atom->value = BindLocalCall(place, "month_day", BindRawValue(place));
	atom->value_type = VALUE_MONTH_DAY;
	atom->test = TEST_ANY;
	atom->anniversary = date->phrase;
	atom->anniversary_text = date->text;
	atom->moves = true;
	return PredicateOfAtom(atom);
}

/* "anniversary N days"; false for a plain span. */
static bool
parse_anniversary_span(BindPlace *place, const char *text, bool forward, Boundary *model)
{
	const char *detail = NULL;

	model->phrase = palloc0(sizeof(Phrase));
	model->text = pstrdup(text);
	if (PhraseParseAnniversarySpan(text, forward, model->phrase, &detail))
		return true;
	if (detail != NULL)
		refuse_phrase(place, text, detail);
	model->phrase = NULL;
	return false;
}

static Predicate *
bind_span(BindPlace *place, Atom *atom, bool forward)
{
	const FilterValue *value = &place->node->value;
	Boundary model = {0};
	const char *detail = NULL;

	if (value->kind != FILTER_VALUE_STRING)
		BindRefuseValue(place, value, "inLast and inNext take \"N unit\"");
	if (parse_anniversary_span(place, value->text, forward, &model))
		return bind_anniversary(place, atom, &model);
	if (!PhraseParseSpan(value->text, &model.span, &detail))
		refuse_phrase(place, value->text, detail);
	model.text = pstrdup(value->text);
	model.forward = forward;
	set_boundary(&atom->lower, &model, MOMENT_SPAN_START, true);
	set_boundary(&atom->upper, &model, MOMENT_SPAN_END, true);
	atom->moves = true;
	return PredicateOfAtom(atom);
}

static Predicate *
bind_between(BindPlace *place, Atom *atom)
{
	const FilterValue *value = &place->node->value;
	Boundary first = {0};
	Boundary last = {0};

	if (value->kind != FILTER_VALUE_LIST || value->nitems != 2)
		BindRefuseValue(place, value, "between takes a list of two dates");
	read_date(place, &value->items[0], FILTER_OP_BETWEEN, &first);
	read_date(place, &value->items[1], FILTER_OP_BETWEEN, &last);
	set_boundary(&atom->lower, &first, MOMENT_PHRASE_START, true);
	set_boundary(&atom->upper, &last, MOMENT_PHRASE_END, false);
	return PredicateOfAtom(atom);
}

/* ----- times of day ----- */

/* Two digits that are less than a limit, at `at`; else -1. */
static int
two_digits(const char *at, int limit)
{
	int number;

	if (!isdigit((unsigned char) at[0]) || !isdigit((unsigned char) at[1]))
		return -1;
	number = (at[0] - '0') * 10 + (at[1] - '0');
	return number < limit ? number : -1;
}

/* HH:MM or HH:MM:SS, and nothing else. */
static bool
parse_time(const char *text, TimeADT *time)
{
	size_t len = strlen(text);
	int hour;
	int minute;
	int second;

	if ((len != 5 && len != 8) || text[2] != ':' || (len == 8 && text[5] != ':'))
		return false;
	hour = two_digits(text, HOURS_PER_DAY);
	minute = two_digits(text + 3, MINS_PER_HOUR);
	second = len == 8 ? two_digits(text + 6, SECS_PER_MINUTE) : 0;
	*time = (((TimeADT) hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE + second) * USECS_PER_SEC;
	return hour >= 0 && minute >= 0 && second >= 0;
}

static TimeADT
read_time(BindPlace *place, const FilterValue *value)
{
	TimeADT time = 0;

	if (value->kind != FILTER_VALUE_STRING || !parse_time(value->text, &time))
		BindRefuseValue(place, value, "a time is HH:MM or HH:MM:SS");
	return time;
}

static void
set_time(BindPlace *place, Boundary *boundary, const FilterValue *value, bool inclusive)
{
	boundary->given = true;
	boundary->kind = MOMENT_CONSTANT;
	boundary->inclusive = inclusive;
	boundary->constant = TimeADTGetDatum(read_time(place, value));
}

static Predicate *
bind_time(BindPlace *place, Atom *atom, FilterOperator op)
{
	const FilterValue *value = &place->node->value;
	const FilterValue *last = value;

	if (op == FILTER_OP_BETWEEN)
	{
		if (value->kind != FILTER_VALUE_LIST || value->nitems != 2)
			BindRefuseValue(place, value, "between takes a list of two times");
		last = &value->items[1];
		value = &value->items[0];
	}
	if (op == FILTER_OP_EQ)
	{
		atom->test = TEST_ANY;
		atom->nconstants = 1;
		atom->constants = palloc(sizeof(Datum));
		atom->constants[0] = TimeADTGetDatum(read_time(place, value));
		return PredicateOfAtom(atom);
	}
	if (op == FILTER_OP_GT || op == FILTER_OP_GTE || op == FILTER_OP_BETWEEN)
		set_time(place, &atom->lower, value, op != FILTER_OP_GT);
	if (op == FILTER_OP_LT || op == FILTER_OP_LTE || op == FILTER_OP_BETWEEN)
		set_time(place, &atom->upper, last, op != FILTER_OP_LT);
	return PredicateOfAtom(atom);
}

/* A boundary that stays where it is becomes a constant. */
static void
fix_boundary(BindPlace *place, Atom *atom, Boundary *boundary)
{
	Datum constant;

	if (!boundary->given || boundary->kind == MOMENT_CONSTANT)
		return;
	if (BoundaryMoves(boundary))
	{
		atom->moves = true;
		return;
	}
	if (BoundaryDatum(boundary, atom->value_type, place->table, "UTC", 0, &constant))
	{
		boundary->kind = MOMENT_CONSTANT;
		boundary->constant = constant;
	}
}

/*
 * The predicate of a filter on a date, an instant or a time of day.
 */
Predicate *
BindDateCondition(BindPlace *place, Atom *atom, FilterOperator op)
{
	Boundary date = {0};

	if (atom->value_type == VALUE_TIME)
		return bind_time(place, atom, op);
	if (op == FILTER_OP_IN_LAST || op == FILTER_OP_IN_NEXT)
		return bind_span(place, atom, op == FILTER_OP_IN_NEXT);
	if (op == FILTER_OP_BETWEEN)
		(void) bind_between(place, atom);
	else
	{
		read_date(place, &place->node->value, op, &date);
		if (date.phrase->kind == PHRASE_ANNIVERSARY)
			return bind_anniversary(place, atom, &date);
		if (op == FILTER_OP_EQ)
		{
			set_boundary(&atom->lower, &date, MOMENT_PHRASE_START, true);
			set_boundary(&atom->upper, &date, MOMENT_PHRASE_END, false);
		}
		else
			set_order_boundary(atom, op, &date);
	}
	fix_boundary(place, atom, &atom->lower);
	fix_boundary(place, atom, &atom->upper);
	return PredicateOfAtom(atom);
}
