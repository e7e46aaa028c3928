/*
 * refresh_window.h - the values that moving boundaries passed.
 */
#ifndef SEGMENTS_REFRESH_WINDOW_H
#define SEGMENTS_REFRESH_WINDOW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "program/program.h"

/*
 * Values that a moving boundary of an atom passed, as integers: days,
 * microseconds, or month and day.  Both ends included.
 */
typedef struct PassedWindow
{
	int64 low;
	int64 high;
	int atom;
} PassedWindow;

/* Windows that overlap: [first, last] of the value's. */
typedef struct PassedRange
{
	int64 low;
	int64 high;
	int first;
	int last;
} PassedRange;

/* One value, of contacts or of related rows, and what was passed on its line. */
typedef struct PassedValue
{
	const Atom *atom;      /* any of those over it */
	const char *sql;       /* the value */
	const char *condition; /* of its rows; or NULL */
	int nwindows;
	int windows_size;
	PassedWindow *windows; /* sorted by low */
	int nranges;
	PassedRange *ranges; /* sorted, apart from each other */
} PassedValue;

/* SQL of an atom's value; a value as the integer that windows are in. */
extern const char *PassedRowValue(const Atom *atom, ContactTable *table);
extern int64 PassedInteger(ValueType type, Datum value);

extern List *PassedValues(Program *program, TimestampTz from, TimestampTz to);

#endif /* SEGMENTS_REFRESH_WINDOW_H */
