/*
 * tree_delta.h - what a statement on a partition changed, as rows of the table
 * that is attached.
 */
#ifndef SEGMENTS_TREE_DELTA_H
#define SEGMENTS_TREE_DELTA_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/relcache.h"

extern TriggerData *TreeDeltaBegin(TriggerData *data, Relation attached);
extern void TreeDeltaEnd(TriggerData *mapped, TriggerData *data);

#endif /* SEGMENTS_TREE_DELTA_H */
