/*
 * refresh_window.h - the values that moving boundaries passed, and the contacts
 * that have them.
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

/* A contact with a value that was passed. */
typedef struct PassedContact
{
	Datum key;
	const PassedValue *value;
	int64 at;
	int range;
} PassedContact;

typedef struct PassedContacts
{
	MemoryContext context; /* keys are copied here */
	int n;
	int size;
	PassedContact *items;
} PassedContacts;

typedef void (*PassedFull)(PassedContacts *contacts, void *arg);

extern List *PassedValues(Program *program, TimestampTz from, TimestampTz to);
extern char *PassedIndexAdvice(const Atom *atom, ContactTable *table);
extern void PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts,
					   PassedFull full, void *arg);

#endif /* SEGMENTS_REFRESH_WINDOW_H */
