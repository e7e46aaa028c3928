/*
 * difference.h - contacts whose stored membership is not what it should be.
 */
#ifndef SEGMENTS_DIFFERENCE_H
#define SEGMENTS_DIFFERENCE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/snapshot.h"

/* From so many segments on, one scan for all is cheaper than a query each. */
#define MANY_SEGMENTS 8
/* Contact tables of so few pages are read at once: writers can wait. */
#define SMALL_TABLE_BLOCKS 32

/* A contact whose stored membership is not what it should be */
typedef struct Difference
{
	int64 segment;
	Datum key;
	bool stored;   /* else it should be a member */
	bool exists;   /* the contact */
	bool excluded; /* by hand */
} Difference;

typedef void (*DifferenceVisit)(void *arg, const Difference *difference);

typedef enum DifferenceMethod
{
	DIFFERENCE_CHOOSE = 0,
	DIFFERENCE_QUERY, /* each segment by its SQL, whatever the row engine says */
	DIFFERENCE_SCAN   /* all in one scan, where a segment can be */
} DifferenceMethod;

typedef struct DifferenceSearch
{
	Oid contact_table;
	List *ids;         /* of published segments: int64 * */
	Snapshot snapshot; /* of contacts and members */
	DifferenceMethod method;
	bool by_hand;   /* what was done by hand counts */
	bool redefined; /* evaluate at now even if brought further before */
	bool empty;     /* they have no members yet */
	DifferenceVisit visit;
	void *arg;
} DifferenceSearch;

extern void DifferencesFind(DifferenceSearch *search);

#endif /* SEGMENTS_DIFFERENCE_H */
