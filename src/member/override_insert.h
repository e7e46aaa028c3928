/*
 * override_insert.h - what was done by hand, written straight into its table.
 */
#ifndef SEGMENTS_OVERRIDE_INSERT_H
#define SEGMENTS_OVERRIDE_INSERT_H

#include "postgres.h"

#include "base/vector.h"
#include "member/change_set.h"
#include "program/program.h"

/* What the rows of some contacts have in common. */
typedef struct Override
{
	int64 segment;
	bool included;
	const char *user; /* who did it */
	ChangeOrigin origin;
} Override;

extern void OverrideInsert(Program *program, const Override *override, Datum *keys, int nkeys,
						   DatumVector *left);

#endif /* SEGMENTS_OVERRIDE_INSERT_H */
