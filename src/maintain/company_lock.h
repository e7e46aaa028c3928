/*
 * company_lock.h - hold a company while a contact is on its way to it.
 */
#ifndef SEGMENTS_COMPANY_LOCK_H
#define SEGMENTS_COMPANY_LOCK_H

#include "postgres.h"

#include "evaluate/batch.h"
#include "maintain/uncommitted.h"
#include "program/program.h"

extern void CompanyHold(Program *program, RowSource *source, const Looking *looking, Oid type,
						Datum *keys, int nkeys);
extern void CompanyHoldReferenced(Batch *batch, const Looking *looking);

#endif /* SEGMENTS_COMPANY_LOCK_H */
