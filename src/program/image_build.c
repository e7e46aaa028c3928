/*
 * image_build.c - a draft -> an image.
 *
 * Everything is laid out in one piece of memory: sources with their facets, atoms,
 * segments.
 */
#include "postgres.h"

#include "program/image_build.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_atom.h"
#include "program/image_access.h"
#include "program/image_source.h"
#include "program/image_writer.h"

/* A segment that only one value of one facet lets in. */
static void
set_access(const Draft *draft, ImageSegment *image, const DraftSegment *segment)
{
	const DraftAtom *datom;

	image->access_facet = -1;
	if (list_length(segment->access) != 1)
		return;
	datom = &draft->atoms[linitial_int(segment->access)];
	if (datom->atom->test != TEST_ANY || datom->nids != 1)
		return;
	image->access_facet = datom->facet->id;
	image->access_constant = datom->ids[0];
}

static ImageOffset
put_segments(ImageLayout *layout)
{
	const Draft *draft = layout->draft;
	ImageSegment *segments = MemoryContextAllocExtended(
		CurrentMemoryContext, sizeof(ImageSegment) * Max(draft->nsegments, 1),
		MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	IntVector code = {0};
	ImageOffset offset;
	int i;

	for (i = 0; i < draft->nsegments; i++)
	{
		const DraftSegment *segment = &draft->segments[i];
		ImageSegment *image = &segments[i];

		CHECK_FOR_INTERRUPTS();
		code.n = 0;
		ImageAddCode(&code, segment->predicate);
		image->id = segment->id;
		image->code = ImagePut(&layout->writer, code.items, sizeof(uint32) * code.n);
		image->level = segment->level;
		image->flags = (segment->pure ? IMAGE_SEGMENT_PURE : 0) |
					   (segment->moves ? IMAGE_SEGMENT_MOVES : 0) |
					   (segment->predicate->kind == PREDICATE_FALSE ? IMAGE_SEGMENT_NEVER : 0) |
					   (segment->aside ? IMAGE_SEGMENT_ASIDE : 0);
		image->referencing = ImagePutList(&layout->writer, segment->referencing);
		image->references = (segment->references != NIL);
		set_access(draft, image, segment);
	}
	offset = ImagePut(&layout->writer, segments, sizeof(ImageSegment) * draft->nsegments);
	pfree(segments);
	return offset;
}

/* ----- the image ----- */

static ImageList
put_moving(ImageLayout *layout)
{
	const Draft *draft = layout->draft;
	IntVector moving = {0};
	int i;

	for (i = 0; i < draft->nsegments; i++)
		if (draft->segments[i].moves)
			IntVectorAdd(&moving, i);
	return ImagePutInts(&layout->writer, moving.items, moving.n);
}

static ImageList
put_moving_atoms(ImageLayout *layout)
{
	const Draft *draft = layout->draft;
	IntVector moving = {0};
	int i;

	for (i = 0; i < draft->natoms; i++)
		if (draft->atoms[i].atom->moves && !ImageIsQuery(&draft->atoms[i]))
			IntVectorAdd(&moving, i);
	return ImagePutInts(&layout->writer, moving.items, moving.n);
}

static bool
any_source(const Draft *draft, bool (*has)(const DraftSource *))
{
	int i;

	for (i = 0; i < draft->nsources; i++)
		if (has(draft->sources[i]))
			return true;
	for (i = 0; i < draft->nlinks; i++)
		if (has(draft->links[i]))
			return true;
	return false;
}

static bool
has_foreign_functions(const DraftSource *source)
{
	int i;

	for (i = 0; i < source->nfacets; i++)
		if (source->facets[i]->foreign)
			return true;
	return false;
}

/* As the index of the members has them in order; it keeps the function from being dropped. */
static Oid
key_compare(Oid key_type)
{
	Oid function = lookup_type_cache(key_type, TYPECACHE_CMP_PROC)->cmp_proc;

	if (!OidIsValid(function))
		elog(ERROR, "type %s has no order", format_type_be(key_type));
	return function;
}

static void
put_table(ImageLayout *layout, ImageContactTable *image)
{
	const ContactTable *table = layout->draft->table;

	image->key_column = ImagePutString(&layout->writer, table->key_column);
	image->timezone = ImagePutString(&layout->writer, table->timezone);
	image->key_attnum = table->key_attnum;
	image->key_type = table->key_type;
	image->member_table = table->member_table;
	image->override_table = table->override_table;
	image->change_table = table->change_table;
	image->case_sensitive = table->case_sensitive;
	image->has_point_triggers = table->has_point_triggers;
}

/*
 * The image of a draft, in a memory context.  What else is needed on the way
 * goes into the current one.
 */
Image *
ImageBuild(const Draft *draft, MemoryContext context)
{
	ImageLayout layout = {0};
	Image image = {0};
	int at = 0;

	layout.draft = draft;
	layout.writer.context = context;
	(void) ImageReserve(&layout.writer, sizeof(Image));
	ImageCollectSteps(&layout);
	image.magic = IMAGE_MAGIC;
	image.version = draft->version;
	image.database = MyDatabaseId;
	image.relid = draft->relid;
	put_table(&layout, &image.table);
	image.key_compare = key_compare(draft->table->key_type);
	image.natoms = draft->natoms;
	image.nsegments = draft->nsegments;
	image.nsources = draft->nsources;
	image.nlinks = draft->nlinks;
	image.nunbound = draft->nunbound;
	image.foreign_functions = any_source(draft, has_foreign_functions);
	if (layout.nsteps > 0 && layout.steps[0].facet < 0)
		ImagePutBehind(&layout, &at, &image.unrestricted, &image.steps);
	image.sources = ImagePutSources(&layout, &at);
	Assert(at == layout.nsteps);
	image.atoms = ImagePutAtoms(&layout, &image.nqueries);
	image.segments = put_segments(&layout);
	image.moving = put_moving(&layout);
	image.moving_atoms = put_moving_atoms(&layout);
	image.size = (uint32) layout.writer.used;
	memcpy(layout.writer.data, &image, sizeof(Image));
	return repalloc_huge(layout.writer.data, image.size);
}
