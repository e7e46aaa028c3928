/*
 * change_set.h - joins and leaves, collected and put in order.
 */
#ifndef SEGMENTS_CHANGE_SET_H
#define SEGMENTS_CHANGE_SET_H

#include "postgres.h"

#include "program/program.h"

/* By what members are changed by hand, and which one of it; NULL: not said. */
typedef struct ChangeOrigin
{
	const char *source;
	const char *reference;
} ChangeOrigin;

/* Joins and leaves, in no order yet. */
typedef struct Change
{
	int64 segment;
	Datum key;
	int index;      /* of the segment in the program, or -1 */
	uint32 ordinal; /* of the key among those of a sorted set */
	bool joined;
} Change;

typedef struct ChangeSet
{
	MemoryContext context; /* keys are copied here */
	int n;
	int size;
	Change *changes;
	Size key_bytes;
	ChangeOrigin origin;
} ChangeSet;

extern ChangeSet *ChangeSetCreate(void);
extern void ChangeSetReset(ChangeSet *set);
extern bool ChangeSetIsFull(const ChangeSet *set);
extern void ChangeSetAdd(Program *program, ChangeSet *set, int64 segment, int index, Datum key,
						 bool joined);
extern void ChangeSetSort(Program *program, ChangeSet *set);
extern int *ChangesByContact(const Change *changes, int n);
extern bool ChangesPutByContact(Change *changes, int n);

#endif /* SEGMENTS_CHANGE_SET_H */
