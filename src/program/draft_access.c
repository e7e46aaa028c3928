/*
 * draft_access.c - access predicates: which contacts can match a segment at
 * all, and which rows can count for a row group, told by equality.
 */
#include "postgres.h"

#include "program/draft_access.h"

#include "nodes/pg_list.h"

#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_facet.h"

static bool
has_pattern(Draft *draft, List *atoms)
{
	ListCell *cell;

	foreach (cell, atoms)
	{
		AtomTest test = draft->atoms[lfirst_int(cell)].atom->test;

		if (test == TEST_LIKE || test == TEST_REGEXP)
			return true;
	}
	return false;
}

/* Which of two sets of atoms lets fewer contacts in, as far as can be told? */
static bool
is_more_selective(Draft *draft, List *left, List *right)
{
	if (has_pattern(draft, left) != has_pattern(draft, right))
		return has_pattern(draft, right);
	if (list_length(left) != list_length(right))
		return list_length(left) < list_length(right);
	return draft->atoms[linitial_int(left)].facet->nconstants >
		   draft->atoms[linitial_int(right)].facet->nconstants;
}

/*
 * Atoms one of which holds whenever the predicate does, found by equality in
 * an index: a contact without them cannot match (the access predicate of
 * Fabret et al., SIGMOD 2001).  NIL when there are none.
 */
List *
DraftAccessAtoms(Draft *draft, const Predicate *predicate, AtomScope scope)
{
	List *result = NIL;
	int i;

	switch (predicate->kind)
	{
		case PREDICATE_ATOM:
		{
			DraftAtom *datom = &draft->atoms[predicate->atom->id];

			if (datom->indexed && datom->atom->scope == scope && DraftFacetLetsIn(datom))
				return list_make1_int(predicate->atom->id);
			return NIL;
		}
		case PREDICATE_AND:
			for (i = 0; i < predicate->nargs; i++)
			{
				List *arg = DraftAccessAtoms(draft, predicate->args[i], scope);

				if (arg != NIL && (result == NIL || is_more_selective(draft, arg, result)))
					result = arg;
			}
			return result;
		case PREDICATE_OR:
			for (i = 0; i < predicate->nargs; i++)
			{
				List *arg = DraftAccessAtoms(draft, predicate->args[i], scope);

				if (arg == NIL)
					return NIL;
				result = list_concat_unique_int(result, arg);
			}
			return result;
		default:
			return NIL;
	}
}

/*
 * The same for rows and a row group: it lies behind the constants one of which
 * a row must have to count.
 */
void
DraftAccessGroup(Draft *draft, DraftSource *source, int id)
{
	List *access = DraftAccessAtoms(draft, draft->atoms[id].row_predicate, ATOM_ROW);
	ListCell *cell;
	int i;

	if (access == NIL)
		source->open_groups = lappend_int(source->open_groups, id);
	foreach (cell, access)
	{
		const DraftAtom *datom = &draft->atoms[lfirst_int(cell)];

		for (i = 0; i < datom->nids; i++)
		{
			DraftConstant *constant = &datom->facet->constants[datom->ids[i]];

			/* groups come one after the other */
			if (constant->groups == NIL || llast_int(constant->groups) != id)
				constant->groups = lappend_int(constant->groups, id);
		}
	}
}
