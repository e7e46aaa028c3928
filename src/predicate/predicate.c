/*
 * predicate.c - predicates are made here, simplified where a part is constant,
 * and looked through.
 */
#include "postgres.h"

#include "predicate/predicate.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "definition/field.h"
#include "filter/filter.h"

Predicate *
PredicateConstant(bool value)
{
	Predicate *result = palloc0(sizeof(Predicate));

	result->kind = value ? PREDICATE_TRUE : PREDICATE_FALSE;
	return result;
}

Predicate *
PredicateOfAtom(Atom *atom)
{
	Predicate *result = palloc0(sizeof(Predicate));

	result->kind = PREDICATE_ATOM;
	result->atom = atom;
	return result;
}

Predicate *
PredicateNot(Predicate *arg)
{
	Predicate *result;

	if (arg->kind == PREDICATE_NOT)
		return arg->args[0];
	if (arg->kind == PREDICATE_FALSE || arg->kind == PREDICATE_TRUE)
		return PredicateConstant(arg->kind == PREDICATE_FALSE);
	result = palloc0(sizeof(Predicate));
	result->kind = PREDICATE_NOT;
	result->nargs = 1;
	result->args = palloc(sizeof(Predicate *));
	result->args[0] = arg;
	return result;
}

/* AND or OR of a list, simplified where an argument is constant. */
Predicate *
PredicateCombineList(PredicateKind kind, List *args)
{
	PredicateKind absorbing = (kind == PREDICATE_AND) ? PREDICATE_FALSE : PREDICATE_TRUE;
	PredicateKind neutral = (kind == PREDICATE_AND) ? PREDICATE_TRUE : PREDICATE_FALSE;
	Predicate *result = palloc0(sizeof(Predicate));
	ListCell *cell;

	result->kind = kind;
	result->args = palloc(sizeof(Predicate *) * Max(list_length(args), 1));
	foreach (cell, args)
	{
		Predicate *arg = lfirst(cell);

		if (arg->kind == absorbing)
			return arg;
		if (arg->kind != neutral)
			result->args[result->nargs++] = arg;
	}
	if (result->nargs == 0)
		return PredicateConstant(kind == PREDICATE_AND);
	if (result->nargs == 1)
		return result->args[0];
	return result;
}

/*
 * Show each atom of a predicate, in order, to `visit`, until it returns true:
 * then so does this.
 */
bool
PredicateWalk(const Predicate *predicate, PredicateVisit visit, void *arg)
{
	int i;

	check_stack_depth();
	if (predicate->kind == PREDICATE_ATOM)
		return visit(predicate->atom, arg);
	for (i = 0; i < predicate->nargs; i++)
		if (PredicateWalk(predicate->args[i], visit, arg))
			return true;
	return false;
}

/*
 * A copy in `context`, with what `replace` gives for each atom, in order.
 */
Predicate *
PredicateCopy(const Predicate *predicate, MemoryContext context, PredicateReplace replace,
			  void *arg)
{
	Predicate *copy = MemoryContextAllocZero(context, sizeof(Predicate));
	int i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	copy->kind = predicate->kind;
	copy->nargs = predicate->nargs;
	if (predicate->nargs > 0)
		copy->args = MemoryContextAlloc(context, sizeof(Predicate *) * predicate->nargs);
	for (i = 0; i < predicate->nargs; i++)
		copy->args[i] = PredicateCopy(predicate->args[i], context, replace, arg);
	if (predicate->kind == PREDICATE_ATOM)
		copy->atom = replace(predicate->atom, arg);
	return copy;
}

/*
 * What a row group makes of its rows, where fields can too; else NONE.
 */
FieldAggregate
RowGroupAggregate(const RowGroup *group)
{
	switch (group->aggregate)
	{
		case FILTER_AGGREGATE_EXISTS:
			return AGGREGATE_EXISTS;
		case FILTER_AGGREGATE_COUNT:
			return AGGREGATE_COUNT;
		case FILTER_AGGREGATE_SUM:
			return AGGREGATE_SUM;
		case FILTER_AGGREGATE_MIN:
			return AGGREGATE_MIN;
		case FILTER_AGGREGATE_MAX:
			return AGGREGATE_MAX;
		default:
			return AGGREGATE_NONE;
	}
}

/*
 * Does a row more make the aggregate more, or leave it?
 */
bool
RowGroupGrows(const RowGroup *group)
{
	return group->aggregate == FILTER_AGGREGATE_COUNT ||
		   group->aggregate == FILTER_AGGREGATE_DISTINCT;
}

/*
 * The same for an atom that compares that with constants, as it is; NONE where
 * it compares something made of it.
 */
FieldAggregate
AtomGroupAggregate(const Atom *atom)
{
	if (atom->test != TEST_EXISTS && strcmp(atom->value, ROW_GROUP_VALUE) != 0)
		return AGGREGATE_NONE;
	return RowGroupAggregate(atom->group);
}

static bool
add_segments_named(Atom *atom, void *arg)
{
	List **ids = arg;
	int i;

	if (atom->scope == ATOM_GROUP)
	{
		*ids = RowGroupSegments(atom->group, *ids);
		return false;
	}
	for (i = 0; atom->field->class == FIELD_SEGMENT && i < atom->nconstants; i++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(atom->constants[i]);
		*ids = lappend(*ids, id);
	}
	return false;
}

/*
 * Add the segments whose memberships a group reads, itself or by inner ones,
 * to a List of int64 *; some more than once.
 */
List *
RowGroupSegments(const RowGroup *group, List *ids)
{
	(void) PredicateWalk(group->predicate, add_segments_named, &ids);
	return ids;
}

static bool
reads_memberships(Atom *atom, void *arg)
{
	return atom->scope == ATOM_GROUP && RowGroupReadsMemberships(atom->group);
}

/*
 * Are its own rows memberships?
 */
bool
RowGroupIsMemberships(const RowGroup *group)
{
	return FieldRowsAreMemberships(group->rows);
}

/*
 * Does a group read memberships, itself or by inner ones?
 */
bool
RowGroupReadsMemberships(const RowGroup *group)
{
	return RowGroupIsMemberships(group) || PredicateWalk(group->predicate, reads_memberships, NULL);
}
