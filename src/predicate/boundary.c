/*
 * boundary.c - where the boundary of a range stands at an instant.
 */
#include "postgres.h"

#include "predicate/boundary.h"

#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "time/phrase.h"

bool
BoundaryMoves(const Boundary *boundary)
{
	if (!boundary->given || boundary->kind == MOMENT_CONSTANT)
		return false;
	if (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END)
		return true;
	return PhraseMoves(boundary->phrase);
}

static int64
part_slack(const PhrasePart *part)
{
	if (part->unit >= PHRASE_MONTH)
		return 3 * USECS_PER_DAY + USECS_PER_HOUR;
	return USECS_PER_HOUR;
}

/*
 * How far a boundary can go back while now goes forward, in microseconds: 31
 * days after the end of January and after the 28th are the same 28 February,
 * at an earlier hour; and a clock change can take an hour back.
 */
int64
BoundarySlack(const Boundary *boundary)
{
	int64 slack = 0;
	int i;

	if (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END)
		return part_slack(&boundary->span);
	for (i = 0; boundary->phrase && i < boundary->phrase->nparts; i++)
		slack = Max(slack, part_slack(&boundary->phrase->parts[i]));
	return slack;
}

/*
 * Where the boundary stands at now, as a Datum of the atom's value type.
 * False when it is a constant already.
 */
bool
BoundaryDatum(const Boundary *boundary, ValueType type, ContactTable *table,
			  const char *column_zone, TimestampTz now, Datum *result)
{
	bool start = (boundary->kind == MOMENT_PHRASE_START || boundary->kind == MOMENT_SPAN_START);
	bool span = (boundary->kind == MOMENT_SPAN_START || boundary->kind == MOMENT_SPAN_END);

	if (boundary->kind == MOMENT_CONSTANT)
		return false;
	if (type == VALUE_DATE)
	{
		DateADT first;
		DateADT last;

		if (span)
			PhraseSpanDays(&boundary->span, boundary->forward, table->zone, now, &first, &last);
		else
			PhraseDays(boundary->phrase, table->zone, now, &first, &last);
		*result = DateADTGetDatum(start ? first : last);
	}
	else
	{
		TimestampTz first;
		TimestampTz last;
		TimestampTz chosen;

		if (span)
			PhraseSpanInstants(&boundary->span, boundary->forward, table->zone, now, &first, &last);
		else
			PhraseInstants(boundary->phrase, table->zone, now, &first, &last);
		chosen = start ? first : last;
		/* a timestamp in UTC has the same representation */
		*result = TimestampTzGetDatum(chosen);
	}
	return true;
}
