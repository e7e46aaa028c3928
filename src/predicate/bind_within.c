/*
 * bind_within.c - the span around a date of the outer row, in which rows of an
 * inner row group count.
 */
#include "postgres.h"

#include "predicate/bind_within.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "utils/builtins.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/bind_value.h"
#include "predicate/predicate.h"
#include "time/phrase.h"
#include "time/phrase_parse.h"

/* The instant that a date field has, as SQL; of a day its first one. */
static char *
instant(const Field *field, ContactTable *table)
{
	if (field->class == FIELD_DATE)
		return psprintf("segments.instant(%s, %s)", field->value,
						quote_literal_cstr(table->timezone));
	if (field->value_type == TIMESTAMPTZOID)
		return field->value;
	return psprintf("segments.instant(%s, %s)", field->value, quote_literal_cstr(field->timezone));
}

static Field *
date_of_row(BindPlace *place, const char *key, const char *name)
{
	char *path = psprintf("%s.within.%s", place->path, key);
	Field *field = BindFieldOfRow(place, path, name);

	if (field->class != FIELD_DATE && field->class != FIELD_DATETIME)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("field \"%s\" of type %s is not a date", name, field->type),
						errdetail("At %s.", path)));
	return field;
}

/* A length of time, which may have a sign. */
static void
read_span(BindPlace *place, const char *key, const char *text, char **length, bool *back,
		  PhrasePart *part)
{
	const char *at = text;
	const char *detail = NULL;

	if (text == NULL)
		return;
	at += strspn(at, " \t\r\n");
	*back = (*at == '-');
	if (*at == '-' || *at == '+')
		at++;
	if (!PhraseParseSpan(at, part, &detail))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT), errmsg("invalid span \"%s\"", text),
				 errdetail("At %s.within.%s: %s", place->path, key,
						   detail ? detail : "not a length of time."),
				 errhint("A span is \"N unit\" or \"-N unit\", such as \"24 hours\".")));
	*length = pstrdup(at);
	if (*back)
		part->n = -part->n;
}

/* What a length is made of; each is made of the one before it, more or less. */
typedef enum Measure
{
	MEASURE_SECONDS,
	MEASURE_DAYS,
	MEASURE_MONTHS
} Measure;

static Measure
measure_of(const PhrasePart *part)
{
	if (part->unit >= PHRASE_MONTH)
		return MEASURE_MONTHS;
	return part->unit >= PHRASE_DAY ? MEASURE_DAYS : MEASURE_SECONDS;
}

/* How many seconds, days or months. */
static int64
amount_of(const PhrasePart *part)
{
	static const int64 size[] = {0, 1, 60, 3600, 1, 7, 1, 3, 12};

	return part->n * size[part->unit];
}

/* The least or the most days that so many months can have. */
static int64
days_of_months(int64 months, bool least)
{
	static const int64 shortest[] = {0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334};
	static const int64 longest[] = {0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337};
	int64 years = months / 12;

	if (months < 0)
		return -days_of_months(-months, !least);
	/* around 1900 eight years went by without a leap day */
	if (least)
		return years * 365 + Max(years * 97 / 400 - 1, 0) + shortest[months % 12];
	return years * 365 + (years + 3) / 4 + longest[months % 12];
}

/* The clocks may be turned by an hour meanwhile. */
static int64
seconds_of_days(int64 days, bool least)
{
	return days * SECS_PER_DAY + (days == 0 ? 0 : least ? -SECS_PER_HOUR : SECS_PER_HOUR);
}

/* The least or the most that a length can be in a measure it is made of. */
static int64
length_in(const PhrasePart *part, Measure measure, bool least)
{
	int64 amount = amount_of(part);

	if (measure_of(part) == MEASURE_MONTHS && measure < MEASURE_MONTHS)
		amount = days_of_months(amount, least);
	if (measure_of(part) > MEASURE_SECONDS && measure == MEASURE_SECONDS)
		amount = seconds_of_days(amount, least);
	return amount;
}

/* Refuse one whose end comes before its beginning, whenever it begins. */
static void
refuse_empty_span(BindPlace *place, const FilterWithin *within, const PhrasePart *from,
				  const PhrasePart *to)
{
	Measure measure = Min(measure_of(from), measure_of(to));

	if (within->from != NULL && within->to != NULL &&
		length_in(from, measure, true) > length_in(to, measure, false))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("span from \"%s\" to \"%s\" is empty", within->from, within->to),
						errdetail("At %s.within: from is after to.", place->path)));
}

/*
 * The span of an inner row group: both places are of the group, with options
 * for its own rows and for the outer ones.
 */
RowWithin *
BindWithin(BindPlace *inner, BindPlace *outer)
{
	const FilterWithin *within = inner->node->rows->within;
	RowWithin *result = palloc0(sizeof(RowWithin));
	Field *date = date_of_row(inner, "date", within->date);
	Field *of = date_of_row(outer, "of", within->of);
	PhrasePart from = {0};
	PhrasePart to = {0};
	Atom *atom = BindDateAtom(inner);

	read_span(inner, "from", within->from, &result->from, &result->from_back, &from);
	read_span(inner, "to", within->to, &result->to, &result->to_back, &to);
	refuse_empty_span(inner, within, &from, &to);
	result->days = (date->class == FIELD_DATE || of->class == FIELD_DATE);
	result->as_local = (!result->days && atom->value_type == VALUE_TIMESTAMP);
	result->of = instant(of, inner->table);
	if (!result->days || date->class == FIELD_DATE)
		result->date = atom->value;
	else
		result->date = psprintf("segments_internal.local_day(%s, %s)", instant(date, inner->table),
								quote_literal_cstr(inner->table->timezone));
	return result;
}
