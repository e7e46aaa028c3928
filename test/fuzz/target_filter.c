/*
 * target_filter.c - filter documents: as text, as stored bytes, on the wire.
 *
 * What is accepted must survive every round trip; what is refused must be
 * refused by an error with a state of its own.
 */
#include "fuzz.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_json.h"
#include "filter/filter_parse.h"

/* Texts that are none, no JSON, a repeated key, a wrong filter, limits, depth. */
#define DOCUMENT_STATES "22021 22P02 22030 22023 54000 54001 22P05"

extern Datum segments_filter_recv(PG_FUNCTION_ARGS);
extern Datum segments_filter_send(PG_FUNCTION_ARGS);
extern Datum json_in(PG_FUNCTION_ARGS);

static bool
is_text(const char *data, int len)
{
	return pg_verify_mbstr(GetDatabaseEncoding(), data, len, true);
}

static void
check_equal(const Filter *a, const Filter *b, const char *what)
{
	if (VARSIZE(a) != VARSIZE(b) || memcmp(a, b, VARSIZE(a)) != 0)
		FuzzFail("%s: stored bytes differ", what);
}

/* The canonical text of a tree; it must be valid JSON of the server's. */
static StringInfo
canonical_text(const FilterNode *root)
{
	StringInfo out = makeStringInfo();

	FilterToJson(root, out);
	if (strlen(out->data) != out->len || !is_text(out->data, out->len))
		FuzzFail("the canonical text is no text");
	return out;
}

static void
check_round_trip(const Filter *filter)
{
	FilterNode *root = FilterUnflatten(filter);
	StringInfo out = canonical_text(root);
	FilterNode *again;

	check_equal(filter, FilterFlatten(root), "unflatten and flatten");
	DirectFunctionCall1(json_in, CStringGetDatum(out->data));
	again = FilterParse(out->data, out->len, NULL);
	check_equal(filter, FilterFlatten(again), "canonical text parsed");
	if (strcmp(out->data, canonical_text(again)->data) != 0)
		FuzzFail("the canonical text of the canonical text is another one");
	if (FilterIsStatic(filter) != (root->nchildren == 0))
		FuzzFail("static or not");
}

static void
run_document(const char *data, int len)
{
	char *text = pnstrdup(data, len);
	Filter *filter;

	/* The server hands over only what is text. */
	if (strlen(text) != len || !is_text(text, len))
		return;
	filter = FilterFlatten(FilterParse(text, len, NULL));
	FuzzMust("round trip");
	check_round_trip(filter);
}

const FuzzTarget document_target = {"document", run_document, NULL, DOCUMENT_STATES, true, false};

/* A document of the corpus as it is stored, without the length word. */
static char *
seed_stored(const char *data, int len, int *seed_len)
{
	Filter *filter = FilterFlatten(FilterParse(data, len, NULL));

	*seed_len = VARSIZE(filter) - VARHDRSZ;
	return VARDATA(filter);
}

/* Bytes that nobody wrote with FilterFlatten(). */
static void
run_stored(const char *data, int len)
{
	Filter *filter = palloc(VARHDRSZ + len);
	FilterNode *root;
	StringInfoData out;

	SET_VARSIZE(filter, VARHDRSZ + len);
	memcpy(VARDATA(filter), data, len);
	(void) FilterIsStatic(filter);
	root = FilterUnflatten(filter);
	FuzzMust("what was read once");
	initStringInfo(&out);
	FilterToJson(root, &out);
	(void) FilterUnflatten(FilterFlatten(root));
}

const FuzzTarget stored_target = {"stored", run_stored, seed_stored, "XX001 0A000 54001",
								  true,     false};

static char *
seed_recv(const char *data, int len, int *seed_len)
{
	char *message = palloc(len + 1);

	message[0] = 1;
	memcpy(message + 1, data, len);
	*seed_len = len + 1;
	return message;
}

static Filter *
receive(const char *data, int len)
{
	StringInfoData message;

	/* As the server makes it: a NUL behind the bytes. */
	message.data = palloc(len + 1);
	memcpy(message.data, data, len);
	message.data[len] = '\0';
	message.len = len;
	message.maxlen = len + 1;
	message.cursor = 0;
	return (Filter *) DatumGetPointer(
		DirectFunctionCall1(segments_filter_recv, PointerGetDatum(&message)));
}

static void
run_recv(const char *data, int len)
{
	Filter *filter = receive(data, len);
	bytea *sent;

	FuzzMust("sent and received");
	check_round_trip(filter);
	sent = DatumGetByteaP(DirectFunctionCall1(segments_filter_send, PointerGetDatum(filter)));
	check_equal(filter, receive(VARDATA(sent), VARSIZE(sent) - VARHDRSZ), "sent and received");
}

const FuzzTarget recv_target = {"recv", run_recv, seed_recv, DOCUMENT_STATES " 0A000 08P01",
								true,   false};
