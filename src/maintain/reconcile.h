/*
 * reconcile.h - what is stored of some contacts against what is so.
 */
#ifndef SEGMENTS_RECONCILE_H
#define SEGMENTS_RECONCILE_H

#include "postgres.h"

#include "nodes/bitmapset.h"

#include "evaluate/batch.h"
#include "evaluate/flips.h"
#include "maintain/passed_atoms.h"
#include "member/change_set.h"
#include "program/program.h"

/* Contacts that are locked, and what is to be brought in line for them. */
typedef struct Reconciliation
{
	Program *program;
	Batch *batch;
	ChangeSet *pending;
	Bitmapset *todo;        /* indexes of segments still to evaluate */
	Bitmapset *original;    /* those that the caller asked for */
	const char *cause;      /* of the original ones */
	const AtomFlips *flips; /* by related rows alone; NULL when anything may have changed */
	PassedAtoms passed;     /* by values made of these */
	Bitmapset *disturbed;   /* segments that refer to some that changed on the way */
	bool stale;             /* statements inside ours changed what we have read */
	bool clock_read;        /* is `ahead` known? */
	bool ahead;             /* some segment may be ahead of the batch */
} Reconciliation;

extern void ReconcileSegments(Reconciliation *work, Bitmapset *segments, bool asked);

#endif /* SEGMENTS_RECONCILE_H */
