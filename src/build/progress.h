/*
 * progress.h - how far building, rebuilding and checking are: the view
 * segments.progress.
 */
#ifndef SEGMENTS_PROGRESS_H
#define SEGMENTS_PROGRESS_H

#include "postgres.h"

/* What other sessions see of it */
typedef enum ProgressCommand
{
	PROGRESS_CREATE = 1,
	PROGRESS_REBUILD,
	PROGRESS_CHECK,
	PROGRESS_IMPORT
} ProgressCommand;

typedef enum ProgressPhase
{
	PROGRESS_EVALUATING = 1,
	PROGRESS_COMPARING,
	PROGRESS_WAITING,
	PROGRESS_CATCHING_UP,
	PROGRESS_WRITING,
	PROGRESS_READING,
	PROGRESS_MATCHING,
	PROGRESS_ADDING
} ProgressPhase;

extern void ProgressBegin(ProgressCommand command, Oid contact_table, int segments);
extern void ProgressEnd(void);
extern void ProgressEnter(ProgressPhase phase);
extern void ProgressTotal(double contacts);
extern void ProgressContacts(int64 more);
extern void ProgressChanges(int64 more);

#endif /* SEGMENTS_PROGRESS_H */
