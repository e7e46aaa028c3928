/*
 * table_beside.c - opens the tables beside a contact table, as ours only.
 *
 * Members, overrides and the log belong to the owner of the contact table, who
 * may alter them, put others in their place, or write another type of key into
 * the catalogue; event triggers refuse most of it, and can be switched off.  We
 * read and write rows of these tables by column number, past the parser and
 * past the checks of rights.  So whoever does opens them here: the columns we
 * know must be in their places, with their names and types, and the table must
 * belong to the contact table's owner.  More columns behind ours, other
 * indexes, triggers and checks are the owner's business.
 *
 * What was found in order is remembered until relcache invalidation of the
 * table.  It is looked up after the table is locked, when invalidation has been
 * accepted; so nothing changes between the look and the use.
 */
#include "postgres.h"

#include "definition/table_beside.h"

#include "access/relation.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/index_choice.h"
#include "base/relation_cache.h"
#include "definition/contact_table.h"

/* A column; type InvalidOid is that of the contacts' key. */
typedef struct BesideColumn
{
	const char *name;
	Oid type;
	bool nullable;
} BesideColumn;

static const BesideColumn member_columns[] = {
	{"segment_id", INT8OID, false},
	{"contact_id", InvalidOid, false},
	{"since", TIMESTAMPTZOID, false},
};

static const BesideColumn override_columns[] = {
	{"segment_id", INT8OID, false}, {"contact_id", InvalidOid, false},
	{"included", BOOLOID, false},   {"since", TIMESTAMPTZOID, false},
	{"by_user", TEXTOID, true},     {"source", TEXTOID, true},
	{"reference", TEXTOID, true},
};

static const BesideColumn change_columns[] = {
	{"xact", INT8OID, false},          {"n", INT4OID, false},      {"segment_id", INT8OID, false},
	{"contact_id", InvalidOid, false}, {"joined", BOOLOID, false}, {"cause", TEXTOID, false},
	{"at", TIMESTAMPTZOID, false},     {"lsn", PG_LSNOID, false},  {"source", TEXTOID, true},
	{"reference", TEXTOID, true},
};

static const struct
{
	const char *holds;
	int ncolumns;
	const BesideColumn *columns;
} layouts[] = {
	[BESIDE_MEMBER] = {"members", lengthof(member_columns), member_columns},
	[BESIDE_OVERRIDE] = {"overrides", lengthof(override_columns), override_columns},
	[BESIDE_CHANGE] = {"joins and leaves", lengthof(change_columns), change_columns},
};

/* A table that was found in order. */
typedef struct BesideEntry
{
	RelationCacheEntry cache;
	BesideKind kind;
	Oid key_type;
	Oid owner;
	Oid key_index; /* over segment and contact, or InvalidOid */
} BesideEntry;

static RelationCache entries = {"segments tables beside", sizeof(BesideEntry)};

/* ----- what is not as it was made ----- */

pg_noreturn static void
refuse(Relation rel, BesideKind kind, const char *detail, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table \"%s\" is not as segments keep %s in it",
						   RelationGetRelationName(rel), layouts[kind].holds),
					errdetail_internal("%s", detail), errhint("%s", hint)));
}

static void
check_relation(Relation rel, BesideKind kind, Oid owner)
{
	char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											RelationGetRelationName(rel));

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relispartition)
		refuse(rel, kind, "It is not an ordinary table.",
			   "Put an ordinary table with its columns and rows in its place.");
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		refuse(rel, kind, "It is a temporary table.",
			   "Put a permanent table with its columns and rows in its place.");
	if (rel->rd_rel->relowner != owner)
		refuse(rel, kind, "It belongs to another role than the contact table.",
			   psprintf("Use ALTER TABLE %s OWNER TO %s.", name,
						quote_identifier(GetUserNameFromId(owner, false))));
}

pg_noreturn static void
refuse_column(Relation rel, BesideKind kind, int number, Oid type)
{
	const BesideColumn *column = &layouts[kind].columns[number - 1];
	char *type_name = format_type_be(type);
	char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											RelationGetRelationName(rel));
	Form_pg_attribute found = number <= RelationGetDescr(rel)->natts
								  ? TupleDescAttr(RelationGetDescr(rel), number - 1)
								  : NULL;
	char *detail = psprintf("Column %d should be \"%s\" of type %s%s.", number, column->name,
							type_name, column->nullable ? "" : ", not null");

	if (found == NULL || found->attisdropped || strcmp(NameStr(found->attname), column->name) != 0)
		refuse(
			rel, kind, detail,
			"Make a table with these columns in this order, copy the rows, and let it take this one's place.");
	if (found->atttypid != type)
		refuse(rel, kind, detail,
			   psprintf("Use ALTER TABLE %s ALTER COLUMN %s TYPE %s USING an expression.", name,
						quote_identifier(column->name), type_name));
	if (!column->nullable && !found->attnotnull)
		refuse(rel, kind, detail,
			   psprintf("Use ALTER TABLE %s ALTER COLUMN %s SET NOT NULL.", name,
						quote_identifier(column->name)));
	refuse(rel, kind, detail,
		   "The column must be an ordinary one, with a deterministic collation.");
}

/* Is the column in its place, and what is stored in it what we take it for? */
static bool
is_column(Form_pg_attribute found, const BesideColumn *column, Oid type)
{
	int16 len;
	bool byval;

	get_typlenbyval(type, &len, &byval);
	return !found->attisdropped && strcmp(NameStr(found->attname), column->name) == 0 &&
		   found->atttypid == type && found->attlen == len && found->attbyval == byval &&
		   (column->nullable || found->attnotnull) && found->attgenerated == '\0' &&
		   (!OidIsValid(found->attcollation) || get_collation_isdeterministic(found->attcollation));
}

static void
check_columns(Relation rel, BesideKind kind, Oid key_type)
{
	TupleDesc desc = RelationGetDescr(rel);
	int i;

	for (i = 0; i < layouts[kind].ncolumns; i++)
	{
		const BesideColumn *column = &layouts[kind].columns[i];
		Oid type = OidIsValid(column->type) ? column->type : key_type;

		if (i >= desc->natts || !is_column(TupleDescAttr(desc, i), column, type))
			refuse_column(rel, kind, i + 1, type);
	}
}

/* ----- the index ----- */

/*
 * The primary key, where rows can be looked up by segment and contact with the
 * server's own operators; InvalidOid where they cannot.
 */
static Oid
find_key_index(Relation rel, Oid key_type)
{
	Oid id = PrimaryKeyIndex(rel);
	Relation index;
	bool fits;

	if (!OidIsValid(id))
		return InvalidOid;
	index = index_open(id, AccessShareLock);
	fits = index->rd_index->indnkeyatts == 2 && index->rd_index->indkey.values[0] == 1 &&
		   index->rd_index->indkey.values[1] == 2 && IndexIsOfServer(index, 0, INT8OID) &&
		   IndexIsOfServer(index, 1, key_type);
	index_close(index, NoLock);
	return fits ? id : InvalidOid;
}

/*
 * The index of an open table of members or overrides by which rows are found
 * by segment and contact, or InvalidOid.
 */
Oid
BesideKeyIndex(Relation rel)
{
	BesideEntry *entry = RelationCacheFind(&entries, RelationGetRelid(rel));

	if (entry->cache.valid)
		return entry->key_index;
	return find_key_index(rel, TupleDescAttr(RelationGetDescr(rel), 1)->atttypid);
}

/*
 * The same; an error where there is none.
 */
Oid
BesideKeyIndexNeeded(Relation rel)
{
	Oid index = BesideKeyIndex(rel);

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key over segment_id and contact_id",
						RelationGetRelationName(rel)),
				 errhint("Use ALTER TABLE %s ADD PRIMARY KEY (segment_id, contact_id).",
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													RelationGetRelationName(rel)))));
	return index;
}

/* ----- opening ----- */

static void
check(BesideEntry *entry, Relation rel, BesideKind kind, Oid key_type, Oid owner)
{
	uint64 before = entries.generation;

	check_relation(rel, kind, owner);
	check_columns(rel, kind, key_type);
	entry->kind = kind;
	entry->key_type = key_type;
	entry->owner = owner;
	entry->key_index = kind == BESIDE_CHANGE ? InvalidOid : find_key_index(rel, key_type);
	entry->cache.valid = (before == entries.generation);
}

/*
 * Lock and open a table beside a contact table whose keys are of a type and
 * whose owner is this role.  An error when it is not as we make such tables,
 * or is gone.
 */
Relation
BesideOpen(Oid relid, BesideKind kind, Oid key_type, Oid owner, LOCKMODE lock)
{
	Relation rel = try_relation_open(relid, lock);
	BesideEntry *entry;

	if (rel == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("the table of %s of a contact table does not exist", layouts[kind].holds),
			 errhint("Restore it, or use segments.detach() and attach the contact table anew.")));
	entry = RelationCacheFind(&entries, relid);
	if (!entry->cache.valid || entry->kind != kind || entry->key_type != key_type ||
		entry->owner != owner)
		check(entry, rel, kind, key_type, owner);
	return rel;
}

/*
 * The same for a contact table that was read from the catalogue.
 */
Relation
BesideOpenOf(const ContactTable *table, BesideKind kind, LOCKMODE lock)
{
	Oid relid = kind == BESIDE_MEMBER     ? table->member_table
				: kind == BESIDE_OVERRIDE ? table->override_table
										  : table->change_table;

	return BesideOpen(relid, kind, table->key_type, table->owner, lock);
}

/*
 * Does the table of members exist, once whoever has locked it is done?
 */
bool
BesideIsThere(const ContactTable *table)
{
	Relation rel = try_relation_open(table->member_table, AccessShareLock);

	if (rel == NULL)
		return false;
	relation_close(rel, NoLock);
	return true;
}

static void
check_key(const ContactTable *table)
{
	Oid type = get_atttype(table->relid, table->key_attnum);

	if (type != table->key_type)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(
				 "key column \"%s\" of contact table \"%s\" is not of the type that was attached",
				 table->key_column, get_rel_name(table->relid)),
			 errdetail("It is of type %s, and was of type %s.",
					   OidIsValid(type) ? format_type_be(type) : "?",
					   format_type_be_qualified(table->key_type)),
			 errhint("Give the column its type back.")));
}

/*
 * Raise an error unless the key is of the type that was registered and the
 * tables beside are as we make them.
 */
void
BesideCheck(const ContactTable *table)
{
	int kind;

	check_key(table);
	for (kind = BESIDE_MEMBER; kind <= BESIDE_CHANGE; kind++)
		relation_close(BesideOpenOf(table, kind, AccessShareLock), NoLock);
}
