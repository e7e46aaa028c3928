/*
 * candidates.h - which segments can a change of a contact's row concern?
 */
#ifndef SEGMENTS_CANDIDATES_H
#define SEGMENTS_CANDIDATES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "base/vector.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/program.h"

typedef struct Candidates
{
	IntVector segments;  /* each once */
	IntVector steps;     /* threes: twice the facet (plus one: constants), from, up to */
	bitmapword *changed; /* columns */
} Candidates;

extern void CandidatesDefineSettings(void);
extern bool PlainEvaluation(void);
extern void CandidatesInit(Candidates *found, Program *program);
extern void CandidatesNewRow(Candidates *found, Program *program);
extern void CandidatesAdd(Candidates *found, Program *program, ImageList segments);
extern void CandidatesAll(Candidates *found, Program *program);
extern void CandidatesOfInsert(Candidates *found, Program *program, RowVersion *row);
extern void CandidatesOfUpdate(Candidates *found, Program *program, RowVersion *old_row,
							   RowVersion *new_row, TimestampTz now);
extern void CandidatesOfTime(Candidates *found, Program *program, RowVersion *row, TimestampTz now);

#endif /* SEGMENTS_CANDIDATES_H */
