/*
 * scan_choice.c - segments that a scan of the contacts leaves to queries.
 *
 * What is on the contact's row costs a scan next to nothing, however many
 * segments ask.  Related rows are looked up for each contact: once for all
 * segments that read them, or, where a query must be asked (batch.c), once for
 * each condition.  A query for each segment reads them in one pass, and pays
 * for every segment.  So few segments over related rows are asked by queries,
 * and many are left to the scan.
 *
 * Both sides are counted in the planner's units.  For what is read by index
 * these are measured, as the planner takes each look-up for one from disk.
 */
#include "postgres.h"

#include "build/scan_choice.h"

#include "access/table.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"

#include "base/table_tree.h"
#include "build/difference.h"
#include "build/segment_query.h"
#include "evaluate/related_rows.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "program/program.h"

#define MAX_QUERIES 64 /* planned to find out */

/* In tuples that go through the processor. */
#define PLANNING_COST 2000 /* of a query */
#define CONTACT_COST 12    /* finding the rows of a contact */
#define ROW_COST 3         /* reading one of them */
#define MEMBER_COST 2      /* looking up a contact's membership */

typedef struct ScanChoice
{
	DifferenceSearch *search;
	Program *program;
	Bitmapset **segments; /* indexes, to be scanned */
	double contacts;
	Bitmapset *read;   /* of these, some look up what is read by index */
	Bitmapset *asked;  /* and some what is asked by a query */
	Bitmapset *opaque; /* atoms that are */
	double cost;       /* of looking up, for a scan */
	List *queries;     /* of SegmentQuery: of those that the scan was spared */
} ScanChoice;

static double
tuples_of(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	double sum = 0;
	ListCell *cell;

	foreach (cell, TableTreeLeaves(rel, AccessShareLock))
	{
		Relation leaf = table_open(lfirst_oid(cell), NoLock);
		BlockNumber pages;
		double tuples;
		double visible;

		estimate_rel_size(leaf, NULL, &pages, &tuples, &visible);
		sum += Max(tuples, 0);
		table_close(leaf, NoLock);
	}
	table_close(rel, NoLock);
	return sum;
}

/* Looking up the rows of a source for all contacts. */
static double
source_cost(const ScanChoice *choice, const RowSource *source)
{
	double rows = tuples_of(source->relid);

	if (OidIsValid(source->rows->link_relid))
		rows += tuples_of(source->rows->link_relid);
	return cpu_tuple_cost * (CONTACT_COST * choice->contacts + ROW_COST * rows);
}

/* Those of the segments to be scanned that have an atom. */
static Bitmapset *
with_atom(const ScanChoice *choice, int id)
{
	ImageList list = choice->program->atoms[id].segments;
	Bitmapset *result = NULL;
	uint32 i;

	for (i = 0; i < list.n; i++)
		if (bms_is_member(ProgramItems(choice->program, list)[i], *choice->segments))
			result = bms_add_member(result, ProgramItems(choice->program, list)[i]);
	return result;
}

/* Does a scan read the rows that the atom is about, for all such atoms at once? */
static bool
is_read_by_index(Program *program, int id)
{
	uint8 scope = program->atoms[id].scope;

	return (scope == ATOM_ROWS || scope == ATOM_AGGREGATE) && RelatedRowsReadable(program, id);
}

/* What the segments look up, and what that costs a scan. */
static void
find_lookups(ScanChoice *choice)
{
	Program *program = choice->program;
	List *sources = NIL;
	int id;

	for (id = 0; id < program->natoms; id++)
	{
		Bitmapset *found = program->atoms[id].query < 0 ? NULL : with_atom(choice, id);

		if (found == NULL)
			continue;
		if (program->atoms[id].scope == ATOM_MEMBER)
			choice->cost += cpu_tuple_cost * MEMBER_COST * choice->contacts;
		else if (!is_read_by_index(program, id))
		{
			choice->asked = bms_join(choice->asked, found);
			choice->opaque = bms_add_member(choice->opaque, id);
			continue;
		}
		else if (!list_member_ptr(sources, ProgramAtomGet(program, id)->source))
		{
			sources = lappend(sources, ProgramAtomGet(program, id)->source);
			choice->cost += source_cost(choice, ProgramAtomGet(program, id)->source);
		}
		choice->read = bms_join(choice->read, found);
	}
	choice->read = bms_del_members(choice->read, choice->asked);
}

static void
forget_queries(SegmentQuery *queries, int n)
{
	int i;

	for (i = 0; i < n; i++)
		SegmentQueryForget(&queries[i]);
}

/* The queries of some segments, by index; NULL where one can't be prepared. */
static SegmentQuery *
prepare_queries(ScanChoice *choice, Bitmapset *segments, double *cost)
{
	SegmentQuery *queries = palloc0(sizeof(SegmentQuery) * bms_num_members(segments));
	int index = -1;
	int n = 0;

	*cost = 0;
	while ((index = bms_next_member(segments, index)) >= 0)
	{
		if (!SegmentQueryPrepare(&queries[n], choice->search, choice->program->segments[index].id))
		{
			forget_queries(queries, n);
			return NULL;
		}
		*cost += queries[n++].cost + cpu_tuple_cost * PLANNING_COST;
	}
	return queries;
}

/* Leave the segments to their queries, where that is cheaper. */
static void
leave_if(ScanChoice *choice, Bitmapset *segments, SegmentQuery *queries, bool is_cheaper)
{
	int i;

	if (!is_cheaper)
	{
		forget_queries(queries, bms_num_members(segments));
		return;
	}
	for (i = 0; i < bms_num_members(segments); i++)
		choice->queries = lappend(choice->queries, &queries[i]);
	*choice->segments = bms_del_members(*choice->segments, segments);
}

/* What a scan asks by query it asks once for each atom, contact by contact. */
static double
asking_cost(const ScanChoice *choice, const SegmentQuery *queries)
{
	double cost = 0;
	int id = -1;

	while ((id = bms_next_member(choice->opaque, id)) >= 0)
	{
		int first = bms_next_member(with_atom(choice, id), -1);

		cost += queries[bms_member_index(choice->asked, first)].plain_cost;
	}
	return cost;
}

static bool
are_few(Bitmapset *segments)
{
	return !bms_is_empty(segments) && bms_num_members(segments) <= MAX_QUERIES;
}

/*
 * Take segments that are cheaper by a query each out of the set (indexes) that
 * is to be scanned; returns their queries, SegmentQuery.
 */
List *
ScanLeaveToQueries(DifferenceSearch *search, Program *program, Bitmapset **segments)
{
	ScanChoice choice = {search, program, segments};
	SegmentQuery *queries;
	double cost;

	choice.contacts = tuples_of(program->relid);
	find_lookups(&choice);
	if (are_few(choice.asked) && (queries = prepare_queries(&choice, choice.asked, &cost)) != NULL)
		leave_if(&choice, choice.asked, queries,
				 cost <= asking_cost(&choice, queries) +
							 cpu_tuple_cost * PLANNING_COST * bms_num_members(choice.opaque));
	if (are_few(choice.read) && (queries = prepare_queries(&choice, choice.read, &cost)) != NULL)
		leave_if(&choice, choice.read, queries, cost <= choice.cost);
	return choice.queries;
}
