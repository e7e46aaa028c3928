/*
 * beside_query.c - questions about members, overrides and the log, asked as
 * the owner of the tables.
 *
 * The tables beside a contact table belong to its owner, who can put code on
 * them that whoever plans or runs a query over them would run: indexes over
 * expressions, statistics, constraints, policies.  Event triggers refuse it, and
 * can be switched off or got round.  So no function of ours reads these tables
 * as its caller: it asks one of the questions that are listed here, whose SQL is
 * ours and whose arguments are values.  The question is planned and run as the
 * owner of the tables, in a security-restricted context, for callers who may
 * read the contact table; of segments that they don't see no row comes out.
 *
 * In the SQL {member}, {override} and {change} stand for the tables, {key X} for
 * a key in the base type in which the caller wants it; $1 is the array of
 * segments that the caller doesn't see, arguments follow.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/secure.h"
#include "base/srf.h"
#include "definition/access.h"
#include "definition/contact_table.h"
#include "definition/segment.h"
#include "definition/segment_find.h"
#include "definition/wanted_key.h"
#include "query/visible.h"

PG_FUNCTION_INFO_V1(segments_ask_beside);
PG_FUNCTION_INFO_V1(segments_members);

#define MAX_ARGUMENTS 3
#define FIRST_ARGUMENT 2 /* after the contact table and the question's name */

/* Type of an argument that is a key, which comes as text. */
#define KEY ANYELEMENTOID

typedef struct Question
{
	const char *name;
	const char *sql;
	int narguments;
	Oid types[MAX_ARGUMENTS];
} Question;

static const Question questions[] = {
	/* segment, after which key, how many: keys, since when, source */
	{"members",
	 "SELECT {key m.contact_id}, m.since, 'manual'::text FROM {member} m "
	 "WHERE m.segment_id = $2 AND $2 <> ALL ($1) AND ($3 IS NULL OR m.contact_id > $3) "
	 "ORDER BY m.contact_id LIMIT $4",
	 3,
	 {INT8OID, KEY, INT8OID}},
	/* the same where there are filters: the page first, then what was done by hand for it alone */
	{"members by filter",
	 "SELECT {key m.contact_id}, m.since, CASE WHEN o.included THEN 'manual' ELSE 'filter' END FROM ("
	 "SELECT m.contact_id, m.since FROM {member} m "
	 "WHERE m.segment_id = $2 AND $2 <> ALL ($1) AND ($3 IS NULL OR m.contact_id > $3) "
	 "ORDER BY m.contact_id LIMIT $4) m "
	 "LEFT JOIN {override} o ON o.segment_id = $2 AND o.contact_id = m.contact_id AND o.included "
	 "ORDER BY m.contact_id",
	 3,
	 {INT8OID, KEY, INT8OID}},
	/* contact: segments, since when, whether included by hand */
	{"memberships",
	 "SELECT m.segment_id, m.since, o.included IS NOT NULL FROM {member} m "
	 "LEFT JOIN {override} o ON o.segment_id = m.segment_id AND o.contact_id = m.contact_id AND o.included "
	 "WHERE m.contact_id = $2 AND m.segment_id <> ALL ($1)",
	 1,
	 {KEY}},
	/* places of entries, in whose order they are given */
	{"entries",
	 "SELECT {key c.contact_id}, c.xact, c.n, c.segment_id, c.joined, c.cause, c.at, c.source, c.reference, e.place "
	 "FROM pg_catalog.unnest($2) WITH ORDINALITY e (entry, place) JOIN {change} c ON c.ctid = e.entry "
	 "WHERE c.segment_id <> ALL ($1) ORDER BY e.place",
	 1,
	 {TIDARRAYOID}},
	/* segment: how many entries there are of it, the instant of the oldest of all, and its joins less its leaves */
	{"reach",
	 "SELECT pg_catalog.count(*) FILTER (WHERE c.segment_id = $2), pg_catalog.min(c.at), "
	 "pg_catalog.count(*) FILTER (WHERE c.segment_id = $2 AND c.joined) - "
	 "pg_catalog.count(*) FILTER (WHERE c.segment_id = $2 AND NOT c.joined) "
	 "FROM {change} c WHERE $2 <> ALL ($1)",
	 1,
	 {INT8OID}},
	/* segment, where steps begin, where the last one ends: number of the step, joins, leaves */
	{"growth",
	 "SELECT CASE WHEN c.at < $4 THEN pg_catalog.width_bucket(c.at, $3) ELSE pg_catalog.cardinality($3) + 1 END, "
	 "pg_catalog.count(*) FILTER (WHERE c.joined), pg_catalog.count(*) FILTER (WHERE NOT c.joined) "
	 "FROM {change} c WHERE c.segment_id = $2 AND $2 <> ALL ($1) AND c.at >= $3[1] GROUP BY 1",
	 3,
	 {INT8OID, TIMESTAMPTZARRAYOID, TIMESTAMPTZOID}},
	/* segment, instant: who was a member.  The first change since then tells what a contact was. */
	{"members at",
	 "WITH since AS (SELECT DISTINCT ON (c.contact_id) c.contact_id, c.joined FROM {change} c "
	 "WHERE c.segment_id = $2 AND $2 <> ALL ($1) AND c.at > $3 ORDER BY c.contact_id, c.lsn, c.xact, c.n) "
	 "SELECT {key m.contact_id} FROM {member} m WHERE m.segment_id = $2 AND $2 <> ALL ($1) "
	 "AND NOT EXISTS (SELECT FROM since s WHERE s.contact_id = m.contact_id) "
	 "UNION ALL SELECT {key s.contact_id} FROM since s WHERE NOT s.joined",
	 2,
	 {INT8OID, TIMESTAMPTZOID}},
	/* segments: which of them contacts are in, where it is more than one, and how many are */
	{"overlap",
	 "SELECT k.ids, pg_catalog.count(*) FROM (SELECT ARRAY(SELECT i FROM pg_catalog.unnest(c.ids) i ORDER BY i) AS ids "
	 "FROM (SELECT pg_catalog.array_agg(m.segment_id) AS ids FROM {member} m "
	 "WHERE m.segment_id = ANY ($2) AND m.segment_id <> ALL ($1) "
	 "GROUP BY m.contact_id HAVING pg_catalog.count(*) > 1) c) k GROUP BY k.ids",
	 1,
	 {INT8ARRAYOID}},
};

static const Question *
find_question(const char *name)
{
	int i;

	for (i = 0; i < lengthof(questions); i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized question \"%s\"", name)));
}

/* ----- the question as SQL ----- */

static void
append_place(StringInfo sql, const char *place, const ContactTable *table, Oid wanted)
{
	if (strncmp(place, "key ", 4) == 0)
		appendStringInfoString(sql, WantedKeySql(table, place + 4, wanted));
	else
		appendStringInfoString(
			sql, CatalogRelationName(strcmp(place, "member") == 0     ? table->member_table
									 : strcmp(place, "override") == 0 ? table->override_table
																	  : table->change_table));
}

/* As the owner.  Keys are wanted in the type of the first column. */
static char *
question_sql(const Question *question, const ContactTable *table, Oid wanted)
{
	StringInfoData sql;
	const char *rest = question->sql;
	const char *open;

	initStringInfo(&sql);
	while ((open = strchr(rest, '{')) != NULL)
	{
		const char *close = strchr(open, '}');

		appendBinaryStringInfo(&sql, rest, open - rest);
		append_place(&sql, pnstrdup(open + 1, close - open - 1), table, wanted);
		rest = close + 1;
	}
	appendStringInfoString(&sql, rest);
	return sql.data;
}

/* ----- arguments ----- */

static void
set_param(ParamExternData *param, Oid type, bool isnull, Datum value)
{
	param->ptype = type;
	param->isnull = isnull;
	param->value = value;
	param->pflags = PARAM_FLAG_CONST;
}

/* The type that the SQL has an argument in, and the one in which it is given. */
static Oid
argument_type(const ContactTable *table, Oid type, Oid *given)
{
	Oid key = getBaseType(table->key_type);
	Oid result = type == KEY ? key : type;

	*given = type == KEY ? TEXTOID : result;
	return result;
}

static void
set_argument(FunctionCallInfo fcinfo, int n, const ContactTable *table, Oid type,
			 ParamExternData *param)
{
	Oid given;
	Oid wanted = argument_type(table, type, &given);
	Datum value = PG_ARGISNULL(n) ? (Datum) 0 : PG_GETARG_DATUM(n);

	if (get_fn_expr_argtype(fcinfo->flinfo, n) != given)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("argument %d must be of type %s", n + 1, format_type_be(given))));
	if (type == KEY && !PG_ARGISNULL(n))
		value = KeyOfText(table, TextDatumGetCString(value));
	set_param(param, wanted, PG_ARGISNULL(n), value);
}

/* As the caller, whose segments these are to see. */
static ParamListInfo
read_arguments(FunctionCallInfo fcinfo, const Question *question, const ContactTable *table)
{
	ParamListInfo params = makeParamList(question->narguments + 1);
	int i;

	if (PG_NARGS() != question->narguments + FIRST_ARGUMENT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("question \"%s\" takes %d arguments", question->name,
							   question->narguments)));
	set_param(&params->params[0], INT8ARRAYOID, false,
			  PointerGetDatum(SegmentsHiddenArray(table->relid)));
	for (i = 0; i < question->narguments; i++)
		set_argument(fcinfo, i + FIRST_ARGUMENT, table, question->types[i], &params->params[i + 1]);
	return params;
}

/* ----- the answer ----- */

/* As the owner: rows go straight into the store. */
static void
run(const char *sql, ParamListInfo params, Tuplestorestate *store, MemoryContext context,
	TupleDesc desc)
{
	SPIExecuteOptions options = {0};
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	int result;

	SetTuplestoreDestReceiverParams(receiver, store, context, false, desc,
									"answer has other columns than were asked for");
	options.params = params;
	options.read_only = true;
	options.dest = receiver;
	SPI_connect();
	result = SPI_execute_extended(sql, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read tables beside a contact table: %s",
			 SPI_result_code_string(result));
	receiver->rDestroy(receiver);
	SPI_finish();
}

/* Answer a question, whose arguments the caller has given, for the caller. */
static void
answer(const Question *question, const ContactTable *table, ParamListInfo params,
	   FunctionCallInfo fcinfo, Tuplestorestate *store, TupleDesc desc)
{
	SecureContext secure;

	SecureEnter(&secure, table->owner);
	run(question_sql(question, table, TupleDescAttr(desc, 0)->atttypid), params, store,
		((ReturnSetInfo *) fcinfo->resultinfo)->econtext->ecxt_per_query_memory, desc);
	SecureLeave(&secure);
}

/*
 * segments_internal.ask_beside(contact_table, question, arguments ...) -> SETOF record
 */
Datum
segments_ask_beside(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	ContactTable *table;
	const Question *question;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	table = AccessContactTable(PG_GETARG_OID(0));
	question = find_question(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	answer(question, table, read_arguments(fcinfo, question, table), fcinfo, store, desc);
	PG_RETURN_NULL();
}

/*
 * segments.members(segment, key, after, max) -> (contact_id, since, source)
 *
 * By itself, as there can be a million: rows go where the query reads them.
 */
Datum
segments_members(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = SrfBegin(fcinfo, &desc);
	TupleDesc base;
	SegmentHandle segment;
	SegmentRow *row;
	ContactTable *table;
	ParamListInfo params = makeParamList(4);

	if (!PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("key must be null"),
						errdetail("Only its type counts, in which keys are wanted.")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SegmentFindVisible(text_to_cstring(PG_GETARG_TEXT_PP(0)), &segment);
	table = AccessContactTable(segment.contact_table);
	/* none, where an earlier snapshot still sees it */
	row = SegmentById(segment.id);
	set_param(&params->params[0], INT8ARRAYOID, false,
			  PointerGetDatum(construct_empty_array(INT8OID)));
	set_param(&params->params[1], INT8OID, false, Int64GetDatum(segment.id));
	set_argument(fcinfo, 2, table, KEY, &params->params[2]);
	set_argument(fcinfo, 3, table, INT8OID, &params->params[3]);
	base = CreateTupleDescCopy(desc);
	TupleDescInitEntry(base, 1, "contact_id",
					   WantedKeyType(table, TupleDescAttr(desc, 0)->atttypid), -1, 0);
	TupleDescFinalize(base);
	answer(find_question(row != NULL && row->is_static ? "members" : "members by filter"), table,
		   params, fcinfo, store, base);
	WantedKeysConstrain(table, store, desc, 1);
	PG_RETURN_NULL();
}
