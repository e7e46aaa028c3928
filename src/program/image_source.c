/*
 * image_source.c - sources of an image: the contact table, related rows.
 */
#include "postgres.h"

#include "program/image_source.h"


#include "base/compat.h"
#include "base/vector.h"
#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/image.h"
#include "program/image_facet.h"
#include "program/image_access.h"
#include "program/image_writer.h"

int
ImageFacetId(const DraftFacet *facet)
{
	return facet == NULL ? -1 : facet->id;
}

static void
put_rows(ImageWriter *writer, ImageSource *image, const RelatedRows *rows)
{
	image->related = true;
	image->link_relid = rows->link_relid;
	image->only_primary = rows->only_primary;
	image->name = ImagePutString(writer, rows->name);
	image->contact_column = ImagePutString(writer, rows->contact_column);
	image->key_column = ImagePutString(writer, rows->key_column);
	image->link_column = ImagePutString(writer, rows->link_column);
	image->primary_column = ImagePutString(writer, rows->primary_column);
	image->contact_reference = ImagePutString(writer, rows->contact_reference);
	image->condition = ImagePutString(writer, rows->condition);
}

/*
 * Atoms over related rows that have to be looked at whenever a row changes, or
 * when one does that stays: whose fixed condition can change while the value
 * that they test does not.
 */
static void
put_unindexed(ImageLayout *layout, ImageSource *image, const DraftSource *source)
{
	IntVector loose = {0};
	IntVector conditional = {0};
	ListCell *cell;

	foreach (cell, source->atoms)
	{
		const DraftAtom *datom = &layout->draft->atoms[lfirst_int(cell)];
		bool tests_row =
			datom->atom->scope == ATOM_ROWS && datom->facet != NULL && !datom->facet->opaque;

		if (datom->atom->scope == ATOM_GROUP || datom->atom->scope == ATOM_ROW || datom->measure)
			continue;
		if (!tests_row || datom->atom->moves || (datom->condition && datom->condition->opaque))
			IntVectorAdd(&loose, lfirst_int(cell));
		else if (datom->condition)
			IntVectorAdd(&conditional, lfirst_int(cell));
	}
	image->loose = ImagePutInts(&layout->writer, loose.items, loose.n);
	image->conditional = ImagePutInts(&layout->writer, conditional.items, conditional.n);
	image->groups = ImagePutList(&layout->writer, source->groups);
	image->open_groups = ImagePutList(&layout->writer, source->open_groups);
}

static void
put_source(ImageLayout *layout, ImageSource *image, const DraftSource *source, bool contacts,
		   int *at)
{
	ImageWriter *writer = &layout->writer;

	image->relid = source->relid;
	image->columns_hash = source->columns_hash;
	if (source->rows)
		put_rows(writer, image, source->rows);
	image->nfacets = source->nfacets;
	image->facets = ImagePutFacets(layout, source, contacts, at);
	image->contact = ImageFacetId(source->contact);
	image->key = ImageFacetId(source->key);
	image->reference = ImageFacetId(source->reference);
	image->link = source->link == NULL ? -1 : layout->draft->nsources + source->link->index;
	image->columns = ImagePutColumns(writer, source->columns);
	image->atoms = ImagePutList(writer, source->atoms);
	image->nmeasures = list_length(source->measures);
	image->measures = ImagePutMeasures(layout, source);
	if (!contacts)
		put_unindexed(layout, image, source);
}

ImageOffset
ImagePutSources(ImageLayout *layout, int *at)
{
	const Draft *draft = layout->draft;
	int n = draft->nsources + draft->nlinks;
	ImageSource *sources = palloc0(sizeof(ImageSource) * n);
	int i;

	for (i = 0; i < draft->nsources; i++)
		put_source(layout, &sources[i], draft->sources[i], i == 0, at);
	for (i = 0; i < draft->nlinks; i++)
		put_source(layout, &sources[draft->nsources + i], draft->links[i], false, at);
	return ImagePut(&layout->writer, sources, sizeof(ImageSource) * n);
}
