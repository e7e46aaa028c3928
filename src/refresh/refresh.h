/*
 * refresh.h - time passes: clocks, windows of values that boundaries passed,
 * contacts whose truth can have changed.
 */
#ifndef SEGMENTS_REFRESH_H
#define SEGMENTS_REFRESH_H

#include "postgres.h"

#include "maintain/maintain.h"

/* How far segments were brought, and where that leaves the next refresh. */
typedef struct ClockWindow
{
	TimestampTz from; /* covered_until */
	TimestampTz evaluated_at;
	TimestampTz pending_at;
	int64 pending_xmax; /* 0: none */
	TimestampTz next_covered;
	TimestampTz next_pending_at;
	int64 next_pending_xmax;
} ClockWindow;

/* The segments of a contact table that a refresh brings forward. */
typedef struct ClockMove
{
	Oid contact_table;
	TimestampTz now;
	bool any;
	bool together;      /* those that go by contact_clock; else they are ahead of us */
	ClockWindow window; /* of all that move */
	DatumVector apart;  /* ids of those that stand apart */
} ClockMove;

/* segment_clock.c */
extern List *ClockDueTables(TimestampTz now);
extern bool ClockBegin(ClockMove *move, Oid contact_table, TimestampTz now);
extern void ClockAdvance(const ClockMove *move);
extern List *ClockCovered(const ClockMove *move);
extern void ClockSetNextMoves(DatumVector *ids, DatumVector *next_moves);
extern void ClockFailed(Oid contact_table, const ErrorData *error);

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
	const Atom *atom; /* any of those over it */
	const char *sql;  /* the value */
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

/* refresh_window.c */
extern List *PassedValues(Program *program, TimestampTz from, TimestampTz to);
extern char *PassedIndexAdvice(const Atom *atom, ContactTable *table);
extern void PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts,
					   PassedFull full, void *arg);

/* refresh_compare.c */
extern void PassedReconcile(Program *program, PassedContacts *contacts, TimestampTz now);

/* value_index.c */
extern bool ValueIsIndexed(const char *value, Oid relid, const char *alias, Oid type);
extern char *ValueIndexAdvice(const char *value, Oid relid, const char *alias, Oid type);

#endif /* SEGMENTS_REFRESH_H */
