/*
 * predicate.c - predicates are made here, simplified where a part is constant.
 */
#include "postgres.h"

#include "predicate/predicate.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"

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
