/*
 * bind_within.c - the span around a date of the outer row, in which rows of an
 * inner row group count.
 */
#include "postgres.h"

#include "predicate/bind_within.h"

#include "catalog/pg_type.h"
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

/* The least or the most that a span can take, in hours. */
static double
span_hours(const PhrasePart *part, bool least)
{
	static const double shortest[] = {0, 1.0 / 3600, 1.0 / 60, 1, 23, 167, 671, 2135, 8735};
	static const double longest[] = {0, 1.0 / 3600, 1.0 / 60, 1, 25, 169, 745, 2233, 8809};

	return (double) part->n * ((part->n < 0) == least ? longest[part->unit] : shortest[part->unit]);
}

static void
refuse_empty_span(BindPlace *place, const FilterWithin *within, const PhrasePart *from,
				  const PhrasePart *to)
{
	bool empty =
		from->unit == to->unit ? from->n > to->n : span_hours(from, true) > span_hours(to, false);

	if (within->from != NULL && within->to != NULL && empty)
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
