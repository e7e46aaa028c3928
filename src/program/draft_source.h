/*
 * draft_source.h - the tables that a draft reads, and how to get from a row of
 * them to its contacts.
 */
#ifndef SEGMENTS_DRAFT_SOURCE_H
#define SEGMENTS_DRAFT_SOURCE_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "program/draft.h"

extern DraftSource *DraftSourceAdd(Draft *draft, Oid relid, RelatedRows *rows);
extern DraftSource *DraftSourceOf(Draft *draft, RelatedRows *rows);

#endif /* SEGMENTS_DRAFT_SOURCE_H */
