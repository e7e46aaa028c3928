/*
 * draft_source.c - the tables that a draft reads, and how to get from a row of
 * them to its contacts.
 */
#include "postgres.h"

#include "program/draft_source.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "definition/contact_table.h"
#include "definition/related_sql.h"
#include "predicate/predicate.h"
#include "program/draft.h"
#include "program/draft_facet.h"
#include "program/program.h"

static DraftSource *
new_source(Oid relid, RelatedRows *rows)
{
	DraftSource *source = palloc0(sizeof(DraftSource));
	Relation rel = table_open(relid, AccessShareLock);

	source->relid = relid;
	source->rows = rows;
	source->natts = RelationGetNumberOfAttributes(rel);
	source->columns_hash = ProgramColumnsHash(RelationGetDescr(rel));
	table_close(rel, NoLock);
	return source;
}

/*
 * A further table that the image reads: the contact table, the first one, or
 * that of a relation.
 */
DraftSource *
DraftSourceAdd(Draft *draft, Oid relid, RelatedRows *rows)
{
	DraftSource *source = new_source(relid, rows);

	if (draft->nsources == lengthof(draft->sources))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("segments of one contact table read too many tables")));
	source->index = draft->nsources;
	draft->sources[draft->nsources++] = source;
	return source;
}

static DraftSource *
add_link(Draft *draft, RelatedRows *rows)
{
	DraftSource *link = new_source(rows->link_relid, NULL);

	link->contact = DraftFacetGet(
		link, RowContactKeySql(draft->table, rows->link_relid, "c", rows->contact_column),
		VALUE_NONE);
	link->key =
		DraftFacetGet(link, psprintf("c.%s", quote_identifier(rows->link_column)), VALUE_NONE);
	if (rows->primary_column)
		(void) DraftFacetGet(link, psprintf("c.%s", quote_identifier(rows->primary_column)),
							 VALUE_NONE);
	link->index = draft->nlinks;
	draft->links[draft->nlinks++] = link;
	return link;
}

/*
 * How to get from a changed row to its contacts: the row holds the contact's
 * key; or contacts are found by the row's key, through a link or a column of
 * the contact table.
 */
static void
prepare_path(Draft *draft, DraftSource *source)
{
	RelatedRows *rows = source->rows;

	if (!OidIsValid(rows->link_relid) && rows->contact_reference == NULL)
	{
		source->contact = DraftFacetGet(
			source, RowContactKeySql(draft->table, rows->relid, "r", rows->contact_column),
			VALUE_NONE);
		return;
	}
	source->key =
		DraftFacetGet(source, psprintf("r.%s", quote_identifier(rows->key_column)), VALUE_NONE);
	if (rows->contact_reference)
		source->reference =
			DraftFacetGet(draft->sources[0],
						  psprintf("c.%s", quote_identifier(rows->contact_reference)), VALUE_NONE);
	if (OidIsValid(rows->link_relid))
		source->link = add_link(draft, rows);
}

/*
 * The source of a relation's rows, or with NULL of contacts.
 */
DraftSource *
DraftSourceOf(Draft *draft, RelatedRows *rows)
{
	DraftSource *source;
	int i;

	if (rows == NULL)
		return draft->sources[0];
	for (i = 1; i < draft->nsources; i++)
		if (strcmp(draft->sources[i]->rows->name, rows->name) == 0)
			return draft->sources[i];
	source = DraftSourceAdd(draft, rows->relid, rows);
	prepare_path(draft, source);
	return source;
}
