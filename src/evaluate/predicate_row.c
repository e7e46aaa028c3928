/*
 * predicate_row.c - predicates on a contact in memory.
 */
#include "postgres.h"

#include "evaluate/predicate_row.h"

#include "datatype/timestamp.h"
#include "portability/instr_time.h"

#include "evaluate/batch.h"
#include "evaluate/row.h"
#include "program/image.h"
#include "program/program.h"
#include "program/segment_cost.h"

/*
 * A predicate of the image on a contact (IMAGE_OP).  Atoms that are not on its
 * row are asked of its batch.
 */
bool
PredicateOnRow(Program *program, RowVersion *row, const uint32 *code, TimestampTz now)
{
	uint32 operand = IMAGE_OPERAND(code);
	ImageOp op = IMAGE_OP(code);
	const uint32 *end = code + 1 + operand;
	const uint32 *arg;

	switch (op)
	{
		case IMAGE_OP_FALSE:
			return false;
		case IMAGE_OP_TRUE:
			return true;
		case IMAGE_OP_ATOM:
			if (program->atoms[operand].query < 0)
				return AtomOnRow(program, row, operand, now);
			return BatchAnswer(row->batch, row->position, operand);
		case IMAGE_OP_NOT:
			return !PredicateOnRow(program, row, code + 1, now);
		case IMAGE_OP_AND:
		case IMAGE_OP_OR:
			for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
				if (PredicateOnRow(program, row, arg, now) == (op == IMAGE_OP_OR))
					return op == IMAGE_OP_OR;
			return op == IMAGE_OP_AND;
	}
	return false;
}

/*
 * A segment's whole filter on a contact.
 */
bool
SegmentOnRow(Program *program, RowVersion *row, int segment, TimestampTz now)
{
	const uint32 *code = ProgramCode(program, segment);
	instr_time start;
	bool result;

	if (!SegmentCostCount(program, segment))
		return PredicateOnRow(program, row, code, now);
	INSTR_TIME_SET_CURRENT(start);
	result = PredicateOnRow(program, row, code, now);
	SegmentCostTimed(program, segment, start);
	return result;
}

/*
 * Does the contact's own row decide the filter?
 */
bool
BatchIsDecided(Batch *batch, int position, int segment)
{
	batch->is_dry = true;
	batch->was_asked = false;
	(void) PredicateOnRow(batch->program, &batch->rows[position],
						  ProgramCode(batch->program, segment), batch->now);
	batch->is_dry = false;
	return !batch->was_asked;
}

/*
 * A segment's whole filter on a contact whose row decides it, whatever is to be
 * looked up: which is not, though it may be met before what decides.
 */
bool
SegmentOnRowAlone(Batch *batch, int position, int segment)
{
	bool result;

	batch->is_dry = true;
	result = SegmentOnRow(batch->program, &batch->rows[position], segment, batch->now);
	batch->is_dry = false;
	return result;
}
