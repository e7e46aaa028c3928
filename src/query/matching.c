/*
 * matching.c - the set-wise calls: matching, explain, bind_check.
 *
 * Filter + contact table -> SQL, run as the owner of the contact table for a
 * caller who may read it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/secure.h"
#include "base/sql_expr.h"
#include "base/srf.h"
#include "base/subtransaction.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/wanted_key.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_operator.h"
#include "predicate/atom_sql.h"
#include "predicate/bind.h"
#include "predicate/bind_place.h"
#include "predicate/moving.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "predicate/predicate_time.h"
#include "query/visible.h"
#include "time/clock.h"

#include "base/vector.h"
#include "refresh/refresh_read.h"

#define FETCH_ROWS 10000

/*
 * The contact table in an argument, or the only one when it is NULL; the
 * caller must be allowed to read it.
 */
static ContactTable *
contact_table_argument(FunctionCallInfo fcinfo, int n)
{
	return AccessContactTable(PG_ARGISNULL(n) ? CatalogDefaultContactTable() : PG_GETARG_OID(n));
}

static Predicate *
bind_argument(Filter *filter, ContactTable *table, Oid viewer)
{
	BindOptions options = {true};

	options.viewer = viewer;
	return BindFilter(FilterUnflatten(filter), table, &options);
}

typedef struct Answer
{
	Tuplestorestate *store;
	TupleDesc desc;
} Answer;

static void
put_key(void *arg, Datum value, bool isnull)
{
	Answer *answer = arg;

	tuplestore_putvalues(answer->store, answer->desc, &value, &isnull);
}

/* As the owner: the query for contacts that match, by `select` over c. */
static char *
matching_sql(FunctionCallInfo fcinfo, ContactTable *table, const char *select, Oid viewer)
{
	Predicate *predicate = bind_argument(PG_GETARG_FILTER_P(0), table, viewer);
	SqlContext context = {0};
	StringInfoData sql;

	context.table = table;
	context.pinned = true;
	context.moving = MovingSegmentsOf(predicate, table);
	context.now = PG_ARGISNULL(2) ? SegmentsNow() : PG_GETARG_TIMESTAMPTZ(2);
	initStringInfo(&sql);
	MovingSql(&sql, &context);
	appendStringInfo(&sql, "SELECT %s FROM %s c WHERE ", select, table->name);
	PredicateSql(&sql, predicate, &context);
	return sql.data;
}

/*
 * segments.matching(filter, contact_table, at, key) -> SETOF key
 */
PG_FUNCTION_INFO_V1(segments_matching);
Datum
segments_matching(PG_FUNCTION_ARGS)
{
	Answer answer;
	ContactTable *table;
	SecureContext secure;
	Tuplestorestate *keys = NULL;
	char *select;

	answer.store = SrfBegin(fcinfo, &answer.desc);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = contact_table_argument(fcinfo, 1);
	select =
		WantedKeySql(table, psprintf("c.%s", table->key), get_fn_expr_argtype(fcinfo->flinfo, 3));
	if (AccessHidesRows(table->relid))
		keys = tuplestore_begin_heap(false, false, work_mem);
	SecureEnter(&secure, table->owner);
	if (keys)
		StoreQuery(table, matching_sql(fcinfo, table, psprintf("c.%s", table->key), secure.userid),
				   keys, KeyDesc(table));
	else
		StoreQuery(table, matching_sql(fcinfo, table, select, secure.userid), answer.store,
				   answer.desc);
	SecureLeave(&secure);
	if (keys)
	{
		VisibleContacts(table, keys, select, put_key, &answer);
		tuplestore_end(keys);
	}
	WantedKeysConstrain(table, answer.store, answer.desc, 1);
	PG_RETURN_NULL();
}

/* ----- explain ----- */

static void
collect_reads(const Predicate *predicate, ContactTable *table, List **names)
{
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		collect_reads(predicate->args[i], table, names);
	if (predicate->kind == PREDICATE_ATOM)
	{
		const Atom *atom = predicate->atom;
		Oid relid = atom->scope == ATOM_MEMBER ? table->member_table
					: atom->rows               ? atom->rows->relid
											   : table->relid;

		*names = list_append_unique_oid(*names, relid);
		if (atom->rows && OidIsValid(atom->rows->link_relid))
			*names = list_append_unique_oid(*names, atom->rows->link_relid);
		if (atom->group)
			collect_reads(atom->group->predicate, table, names);
	}
}

static void
add_word(List **words, char *word)
{
	ListCell *cell;

	foreach (cell, *words)
		if (strcmp(lfirst(cell), word) == 0)
			return;
	*words = lappend(*words, word);
}

/* Indexes that a refresh would need, once each. */
static void
collect_advice(const Predicate *predicate, ContactTable *table, List **advice)
{
	char *text;
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		collect_advice(predicate->args[i], table, advice);
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->group)
		collect_advice(predicate->atom->group->predicate, table, advice);
	if (predicate->kind == PREDICATE_ATOM &&
		(text = PassedIndexAdvice(predicate->atom, table)) != NULL)
		add_word(advice, text);
}

/* What members don't follow, in words, once each. */
static bool
collect_unfollowed(Atom *atom, void *words)
{
	Field *field = (atom->group && atom->group->of) ? atom->group->of : atom->field;

	if (field != NULL && field->unfollowed)
		add_word(words, psprintf("field \"%s\"", field->name));
	if (atom->rows != NULL && atom->rows->unfollowed)
		add_word(words, psprintf("relation \"%s\"", atom->rows->name));
	return atom->group != NULL && PredicateWalk(atom->group->predicate, collect_unfollowed, words);
}

static const char *
move_text(TimestampTz next, TimestampTz now)
{
	if (next == DT_NOEND)
		return "never";
	if (next <= now)
		return "all the time";
	return timestamptz_to_str(next);
}

/*
 * segments.explain(filter, contact_table) -> text
 */
PG_FUNCTION_INFO_V1(segments_explain);
Datum
segments_explain(PG_FUNCTION_ARGS)
{
	ContactTable *table;
	Predicate *predicate;
	SqlContext context = {0};
	StringInfoData out;
	SecureContext secure;
	List *reads = NIL;
	List *advice = NIL;
	List *unfollowed = NIL;
	ListCell *cell;
	const char *separator = "";

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = contact_table_argument(fcinfo, 1);
	SecureEnter(&secure, table->owner);
	predicate = bind_argument(PG_GETARG_FILTER_P(0), table, secure.userid);
	context.table = table;
	initStringInfo(&out);
	appendStringInfo(&out, "SELECT c.%s FROM %s c WHERE ", table->key, table->name);
	PredicateSql(&out, predicate, &context);
	collect_reads(predicate, table, &reads);
	appendStringInfoString(&out, "\nReads: ");
	foreach (cell, reads)
	{
		appendStringInfo(&out, "%s%s", separator, CatalogRelationName(lfirst_oid(cell)));
		separator = ", ";
	}
	appendStringInfo(&out, "\nMoves: %s",
					 move_text(PredicateNextMove(predicate, table, SegmentsNow()), SegmentsNow()));
	(void) PredicateWalk(predicate, collect_unfollowed, &unfollowed);
	foreach (cell, unfollowed)
		appendStringInfo(&out, "%s%s", cell == list_head(unfollowed) ? "\nNot followed: " : ", ",
						 (char *) lfirst(cell));
	collect_advice(predicate, table, &advice);
	foreach (cell, advice)
		appendStringInfo(&out, "\nMissing for refresh_due: %s", (char *) lfirst(cell));
	SecureLeave(&secure);
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

/* ----- bind_check ----- */

/*
 * segments_internal.bind_check(filters, contact_table, segment_id, storing) -> bigint[]:
 * raises where the filter cannot be bound, else the segments it refers to.
 * Called by others than our own triggers, it knows the segments that these see.
 */
PG_FUNCTION_INFO_V1(segments_bind_check);
Datum
segments_bind_check(PG_FUNCTION_ARGS)
{
	ContactTable *table = AccessContactTable(PG_GETARG_OID(1));
	SecureContext secure;
	List *ids = NIL;
	BindOptions options = {PG_GETARG_BOOL(3), PG_GETARG_INT64(2), &ids};
	ListCell *cell;
	Datum *values;
	int n = 0;

	SecureEnter(&secure, table->owner);
	options.viewer = AccessViewer(secure.userid);
	(void) BindFilter(FilterUnflatten(PG_GETARG_FILTER_P(0)), table, &options);
	SecureLeave(&secure);
	values = palloc(sizeof(Datum) * Max(list_length(ids), 1));
	foreach (cell, ids)
		values[n++] = Int64GetDatum(*(int64 *) lfirst(cell));
	PG_RETURN_DATUM(Int64Array(values, n));
}

/*
 * segments_internal.check_references(filters, contact_table): raises where a filter
 * names a segment that the current role does not see.
 */
PG_FUNCTION_INFO_V1(segments_check_references);
Datum
segments_check_references(PG_FUNCTION_ARGS)
{
	ContactTable *table = AccessContactTable(PG_GETARG_OID(1));
	SecureContext secure;

	SecureEnter(&secure, table->owner);
	(void) bind_argument(PG_GETARG_FILTER_P(0), table, secure.userid);
	SecureLeave(&secure);
	PG_RETURN_VOID();
}

/* A field that is asked for its operators. */
typedef struct OperatorsAsked
{
	Oid contact_table;
	char *object;
	char *field;
	ArrayBuildState *operators; /* NULL: there is no such field, or one may not know */
} OperatorsAsked;

static OperatorsAsked
operators_argument(FunctionCallInfo fcinfo)
{
	OperatorsAsked asked = {PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
							text_to_cstring(PG_GETARG_TEXT_PP(2)), NULL};

	return asked;
}

static void
find_operators(void *arg)
{
	OperatorsAsked *asked = arg;
	ContactTable *table = CatalogContactTable(asked->contact_table, false);
	ArrayBuildState *state = NULL;
	SecureContext secure;
	Field *field;
	int op;

	if (!AccessMayRead(table->relid))
		return;
	SecureEnter(&secure, table->owner);
	field = FieldLookup(table, asked->object, asked->field);
	SecureLeave(&secure);
	if (field == NULL)
		return;
	for (op = 1; op <= FILTER_OP_LAST; op++)
		if (BindOperatorsOffered(field) & (1u << op))
			state = accumArrayResult(state, CStringGetTextDatum(FilterOperatorSymbol(op)), false,
									 TEXTOID, CurrentMemoryContext);
	asked->operators = state;
}

/*
 * segments.field_operators(contact_table, object, field) -> text[]
 */
PG_FUNCTION_INFO_V1(segments_field_operators);
Datum
segments_field_operators(PG_FUNCTION_ARGS)
{
	OperatorsAsked asked = operators_argument(fcinfo);

	find_operators(&asked);
	if (asked.operators == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(makeArrayResult(asked.operators, CurrentMemoryContext));
}

/*
 * segments_internal.offered_operators(contact_table, object, field) -> text[], for the view
 * field, which shows all contact tables: null for a field without meaning, too.
 */
PG_FUNCTION_INFO_V1(segments_offered_operators);
Datum
segments_offered_operators(PG_FUNCTION_ARGS)
{
	OperatorsAsked asked = operators_argument(fcinfo);

	if (InSubtransaction(find_operators, &asked, NULL) != NULL || asked.operators == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(makeArrayResult(asked.operators, CurrentMemoryContext));
}

static char *
relation_name(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	return name;
}

/*
 * segments_internal.qualify_expression(expression, relation) -> text
 */
PG_FUNCTION_INFO_V1(segments_qualify_expression);
Datum
segments_qualify_expression(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(1);

	PG_RETURN_TEXT_P(
		cstring_to_text(SqlExprQualify(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid,
									   relation_name(relid), NULL, InvalidOid, NULL, NULL)));
}

/*
 * segments_internal.expression_type(expression, relation) -> regtype
 */
PG_FUNCTION_INFO_V1(segments_expression_type);
Datum
segments_expression_type(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(1);
	Oid type =
		exprType(SqlExprParse(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid, relation_name(relid)));

	PG_RETURN_OID(type == UNKNOWNOID ? TEXTOID : type);
}
