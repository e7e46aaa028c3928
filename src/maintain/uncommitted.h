/*
 * uncommitted.h - wait for what others have written and not committed.
 */
#ifndef SEGMENTS_UNCOMMITTED_H
#define SEGMENTS_UNCOMMITTED_H

#include "postgres.h"

#include "maintain/statement_delta.h"
#include "program/program.h"

/*
 * A statement that looks for what others have written, after it has written all
 * its own rows.  whole: after a wait, all that it wrote for this table is looked
 * at again.
 */
typedef struct Looking
{
	bool whole;
	CommandId command; /* that wrote the rows */
} Looking;

extern Looking LookingOf(const StatementDelta *delta, bool in_parts);
extern bool UncommittedWaitForContact(Program *program, RowSource *source, const Looking *looking,
									  Datum key);
extern bool UncommittedKeyIsTaken(Program *program, Relation contacts, Datum key);
extern void UncommittedWaitForRows(Program *program, const Looking *looking, Datum *keys,
								   int nkeys);
extern bool UncommittedWaitForCompanies(Program *program, RowSource *source, const Looking *looking,
										Oid type, Datum *keys, int nkeys);
extern void UncommittedWaitForReferences(Program *program, RowSource *source,
										 const Looking *looking, Datum *keys, int nkeys);

#endif /* SEGMENTS_UNCOMMITTED_H */
