/*
 * image_atom.c - atoms of an image.
 */
#include "postgres.h"

#include "program/image_atom.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "base/vector.h"
#include "definition/field.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_measure.h"
#include "program/image.h"
#include "program/image_access.h"
#include "program/image_source.h"
#include "program/image_writer.h"
#include "time/phrase.h"

static ImageOffset
put_phrase(ImageWriter *writer, const Phrase *phrase)
{
	return phrase == NULL ? 0 : ImagePut(writer, phrase, sizeof(Phrase));
}

static ImageOffset
put_moment(ImageWriter *writer, ValueType type, const Boundary *boundary)
{
	ImageMoment moment;

	if (!boundary->given)
		return 0;
	memset(&moment, 0, sizeof(moment));
	moment.boundary = *boundary;
	moment.boundary.phrase = NULL;
	moment.boundary.text = NULL;
	moment.phrase = put_phrase(writer, boundary->phrase);
	if (boundary->kind == MOMENT_CONSTANT)
		moment.boundary.constant = ImagePutValue(writer, type, boundary->constant);
	return ImagePut(writer, &moment, sizeof(moment));
}

static const uint32 op_of_kind[] = {
	[PREDICATE_FALSE] = IMAGE_OP_FALSE, [PREDICATE_TRUE] = IMAGE_OP_TRUE,
	[PREDICATE_ATOM] = IMAGE_OP_ATOM,   [PREDICATE_NOT] = IMAGE_OP_NOT,
	[PREDICATE_AND] = IMAGE_OP_AND,     [PREDICATE_OR] = IMAGE_OP_OR};

void
ImageAddCode(IntVector *code, const Predicate *predicate)
{
	int start = code->n;
	uint32 operand = 0;
	int i;

	check_stack_depth();
	IntVectorAdd(code, 0);
	if (predicate->kind == PREDICATE_ATOM)
		operand = predicate->atom->id;
	for (i = 0; i < predicate->nargs; i++)
		ImageAddCode(code, predicate->args[i]);
	if (predicate->nargs > 0)
		operand = code->n - start - 1;
	code->items[start] = (int) (op_of_kind[predicate->kind] << IMAGE_OP_SHIFT | operand);
}

static ImageList
put_facet_ids(ImageWriter *writer, List *facets)
{
	IntVector ids = {0};
	ListCell *cell;

	foreach (cell, facets)
		IntVectorAdd(&ids, ((DraftFacet *) lfirst(cell))->id);
	return ImagePutInts(writer, ids.items, ids.n);
}

/* The moving atoms of a predicate on one row; not those of inner groups. */
static bool
add_moving(Atom *atom, void *arg)
{
	if (atom->scope == ATOM_ROW && atom->moves)
		IntVectorAdd((IntVector *) arg, atom->id);
	return false;
}

static ImageList
put_segment_ids(ImageWriter *writer, List *ids)
{
	IntVector halves = {0};
	ListCell *cell;

	foreach (cell, ids)
	{
		uint64 id = (uint64) * (int64 *) lfirst(cell);

		IntVectorAdd(&halves, (int) (uint32) (id >> 32));
		IntVectorAdd(&halves, (int) (uint32) id);
	}
	return ImagePutInts(writer, halves.items, halves.n);
}

static ImageOffset
put_group(ImageLayout *layout, const DraftAtom *datom)
{
	ImageWriter *writer = &layout->writer;
	IntVector code = {0};
	IntVector moving = {0};
	ImageGroup group;

	memset(&group, 0, sizeof(group));
	ImageAddCode(&code, datom->row_predicate);
	(void) PredicateWalk(datom->row_predicate, add_moving, &moving);
	group.code = ImagePut(writer, code.items, sizeof(uint32) * code.n);
	group.outermost = datom->outermost;
	group.plain = DraftGroupIsPlain(layout->draft, datom);
	group.grows = RowGroupGrows(datom->atom->group);
	group.moving = ImagePutInts(writer, moving.items, moving.n);
	group.row_facets = put_facet_ids(writer, datom->row_facets);
	group.value_facets = put_facet_ids(writer, datom->value_facets);
	group.segments = put_segment_ids(writer, RowGroupSegments(datom->atom->group, NIL));
	return ImagePut(writer, &group, sizeof(group));
}

/* What is made of the rows, as far as it is done in memory (row_aggregate.c). */
static FieldAggregate
aggregate_of(const Atom *atom)
{
	if (atom->group == NULL)
		return atom->field ? atom->field->aggregate : AGGREGATE_NONE;
	return AtomGroupAggregate(atom);
}

static ImageOffset
put_detail(ImageLayout *layout, const DraftAtom *datom)
{
	ImageWriter *writer = &layout->writer;
	const Atom *atom = datom->atom;
	ImageDetail detail;

	/* the facet's index says all of a test on one row */
	if (datom->indexed && (atom->scope == ATOM_ROWS || atom->scope == ATOM_ROW))
		return 0;
	memset(&detail, 0, sizeof(detail));
	detail.segment_id = atom->segment_id;
	if (atom->group != NULL)
		detail.group = put_group(layout, datom);
	detail.sql_type = atom->sql_type;
	detail.aggregate = aggregate_of(atom);
	detail.pattern = ImagePutString(writer, atom->pattern);
	detail.day = put_phrase(writer, atom->anniversary);
	detail.lower = put_moment(writer, atom->value_type, &atom->lower);
	detail.upper = put_moment(writer, atom->value_type, &atom->upper);
	return ImagePut(writer, &detail, sizeof(detail));
}

bool
ImageIsQuery(const DraftAtom *datom)
{
	return datom->atom->scope != ATOM_CONTACT || datom->facet->opaque;
}

/* Is it part of a row group, and not asked by itself? */
static bool
is_inner(const DraftAtom *datom)
{
	return datom->atom->scope == ATOM_ROW ||
		   (datom->atom->scope == ATOM_GROUP && datom->atom->group->inner);
}

static bool
reads_memberships(const Atom *atom)
{
	return atom->scope == ATOM_GROUP && RowGroupReadsMemberships(atom->group);
}

static void
put_atom(ImageLayout *layout, ImageAtom *image, const DraftAtom *datom, int *nqueries)
{
	ImageWriter *writer = &layout->writer;
	bool steps = datom->indexed && datom->atom->scope == ATOM_CONTACT;

	image->scope = datom->atom->scope;
	image->test = datom->atom->test;
	image->type = datom->atom->value_type;
	image->flags = (datom->indexed ? IMAGE_ATOM_INDEXED : 0) |
				   (datom->atom->moves ? IMAGE_ATOM_MOVES : 0) |
				   (datom->facet && datom->facet->opaque ? IMAGE_ATOM_OPAQUE : 0) |
				   (reads_memberships(datom->atom) ? IMAGE_ATOM_MEMBERSHIPS : 0);
	image->source = datom->source == NULL ? -1 : datom->source->index;
	image->facet = ImageFacetId(datom->facet);
	image->condition = ImageFacetId(datom->condition);
	image->argument = ImageFacetId(datom->argument);
	image->order = ImageFacetId(datom->order);
	image->measure = ImageFacetId(datom->measure);
	image->ordinal = datom->ordinal;
	image->query = ImageIsQuery(datom) && !is_inner(datom) ? (*nqueries)++ : -1;
	image->lower = datom->lower;
	image->upper = datom->upper;
	image->ids = ImagePutInts(writer, datom->ids, datom->nids);
	image->origin = datom->origin;
	if (!steps)
	{
		image->segments = ImagePutList(writer, datom->segments);
		image->detail = put_detail(layout, datom);
	}
}

ImageOffset
ImagePutAtoms(ImageLayout *layout, int *nqueries)
{
	const Draft *draft = layout->draft;
	ImageAtom *atoms =
		MemoryContextAllocExtended(CurrentMemoryContext, sizeof(ImageAtom) * Max(draft->natoms, 1),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ImageOffset offset;
	int i;

	for (i = 0; i < draft->natoms; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_atom(layout, &atoms[i], &draft->atoms[i], nqueries);
	}
	offset = ImagePut(&layout->writer, atoms, sizeof(ImageAtom) * draft->natoms);
	pfree(atoms);
	return offset;
}
