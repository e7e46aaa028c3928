/*
 * program_open.c - an image -> a program that this backend can run.
 *
 * Sources and facets with what a backend needs of its own.  Nothing is parsed,
 * prepared or bound before it is asked for: a connection that writes one
 * contact pays for the columns it changes.
 */
#include "postgres.h"

#include "program/program_open.h"

#include "catalog/pg_collation.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"

#include "definition/contact_table.h"
#include "program/image.h"
#include "program/image_use.h"
#include "program/program.h"

/* What the catalogue says is in the image; the rest can change without it. */
static ContactTable *
contact_table(const Image *image)
{
	ContactTable *table = palloc0(sizeof(ContactTable));

	table->relid = image->relid;
	table->key_column = pstrdup(ImageString(image, image->table.key_column));
	table->timezone = pstrdup(ImageString(image, image->table.timezone));
	table->key_attnum = image->table.key_attnum;
	table->key_type = image->table.key_type;
	table->member_table = image->table.member_table;
	table->override_table = image->table.override_table;
	table->change_table = image->table.change_table;
	table->case_sensitive = image->table.case_sensitive;
	table->has_point_triggers = image->table.has_point_triggers;
	CatalogContactTableComplete(table);
	return table;
}

static Bitmapset *
columns_of(const Image *image, ImageList list)
{
	const int32 *columns = IMAGE_ITEMS(image, list);
	Bitmapset *result = NULL;
	uint32 i;

	for (i = 0; i < list.n; i++)
		result = bms_add_member(result, columns[i]);
	return result;
}

static RelatedRows *
related_rows(const Image *image, const ImageSource *source)
{
	RelatedRows *rows = palloc0(sizeof(RelatedRows));

	rows->relid = source->relid;
	rows->link_relid = source->link_relid;
	rows->only_primary = source->only_primary;
	rows->name = unconstify(char *, ImageString(image, source->name));
	rows->contact_column = unconstify(char *, ImageString(image, source->contact_column));
	rows->key_column = unconstify(char *, ImageString(image, source->key_column));
	rows->link_column = unconstify(char *, ImageString(image, source->link_column));
	rows->primary_column = unconstify(char *, ImageString(image, source->primary_column));
	rows->contact_reference = unconstify(char *, ImageString(image, source->contact_reference));
	rows->condition = unconstify(char *, ImageString(image, source->condition));
	return rows;
}

static RowSource *
open_source(const Image *image, int index)
{
	RowSource *source = palloc0(sizeof(RowSource));
	const ImageFacet *facets;
	int i;

	source->image = &IMAGE_AT(image, image->sources, ImageSource)[index];
	source->relid = source->image->relid;
	if (source->image->related)
		source->rows = related_rows(image, source->image);
	source->columns = columns_of(image, source->image->columns);
	source->nfacets = source->image->nfacets;
	source->facets = palloc0(sizeof(Facet) * Max(source->nfacets, 1));
	facets = IMAGE_AT(image, source->image->facets, ImageFacet);
	for (i = 0; i < source->nfacets; i++)
	{
		source->facets[i].id = i;
		source->facets[i].image = &facets[i];
		source->facets[i].source = source;
		source->facets[i].columns = columns_of(image, facets[i].columns);
	}
	return source;
}

static void
open_sources(Program *program)
{
	const Image *image = program->image;
	int i;

	program->nsources = image->nsources;
	program->sources = palloc(sizeof(RowSource *) * (image->nsources + image->nlinks));
	for (i = 0; i < image->nsources + image->nlinks; i++)
		program->sources[i] = open_source(image, i);
	for (i = 0; i < image->nsources; i++)
	{
		RowSource *source = program->sources[i];

		source->contact = SourceFacet(source, source->image->contact);
		source->key = SourceFacet(source, source->image->key);
		source->reference = SourceFacet(program->sources[0], source->image->reference);
		if (source->image->link < 0)
			continue;
		source->link = program->sources[source->image->link];
		source->link->contact = SourceFacet(source->link, source->link->image->contact);
		source->link->key = SourceFacet(source->link, source->link->image->key);
	}
}

static void
find_access(Program *program)
{
	RowSource *contacts = program->sources[0];
	int i;

	program->access = palloc(sizeof(Facet *) * Max(contacts->nfacets, 1));
	for (i = 0; i < contacts->nfacets; i++)
		if (contacts->facets[i].image->lets_in || contacts->facets[i].image->ncells > 0)
			program->access[program->naccess++] = &contacts->facets[i];
}

static void
prepare_keys(Program *program)
{
	ContactTable *table = program->table;

	fmgr_info(program->image->key_compare, &program->key_compare);
	program->key_collation =
		OidIsValid(get_typcollation(table->key_type)) ? C_COLLATION_OID : InvalidOid;
	program->key_array_type = get_array_type(table->key_type);
	get_typlenbyvalalign(table->key_type, &program->key_len, &program->key_byval,
						 &program->key_align);
}

/* Kept plans and the image go with the program's memory. */
static void
close_program(void *arg)
{
	Program *program = arg;
	ListCell *cell;

	foreach (cell, program->plans)
		if (lfirst(cell) != NULL)
			SPI_freeplan(lfirst(cell));
	ImageUseClose(program->use);
}

/*
 * A program over an image, in this memory context.  NULL when the contact
 * table has other columns than it was compiled for.
 */
Program *
ProgramOpen(Oid relid, ImageUse *use, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Program *program = palloc0(sizeof(Program));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	program->relid = relid;
	program->context = context;
	program->use = use;
	program->image = use->image;
	program->atoms = IMAGE_AT(use->image, use->image->atoms, ImageAtom);
	program->segments = IMAGE_AT(use->image, use->image->segments, ImageSegment);
	program->natoms = use->image->natoms;
	program->nqueries = use->image->nqueries;
	program->nsegments = use->image->nsegments;
	program->awake_from = program->awake_until = DT_NOBEGIN;
	ImageUseOpen(use);
	callback->func = close_program;
	callback->arg = program;
	MemoryContextRegisterResetCallback(context, callback);
	program->table = contact_table(use->image);
	program->estate = CreateExecutorState();
	program->econtext = CreateExprContext(program->estate);
	prepare_keys(program);
	open_sources(program);
	find_access(program);
	(void) ProgramSourceDesc(program, program->sources[0]);
	MemoryContextSwitchTo(old);
	if (ProgramColumnsHash(program->sources[0]->desc) != program->sources[0]->image->columns_hash)
		return NULL;
	program->sources[0]->checked = true;
	return program;
}
