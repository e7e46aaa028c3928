/*
 * filter_flat.c - tree to stored value, and back.
 *
 * The stored value is what lies on disk, so this layout lives for ever.  It
 * knows no table: names are stored, never OIDs or column numbers.
 *
 *		+-----------+-----------+----------------------------------+
 *		| vl_len_   | header    | node: the top group              |
 *		+-----------+-----------+----------------------------------+
 *
 *	header	bits 0-7 version, bit 8 static (the document is [])
 *
 * Items follow each other in document order, each aligned to 4 bytes and padded
 * with zeros.  Words are uint32 in the server's byte order.
 *
 *	node	+------+-----------------------------+---------------------+
 *			| size | op, glue, flags, 0 (a byte  | body of a group or  |
 *			|      | each)                       | of a filter         |
 *			+------+-----------------------------+---------------------+
 *
 *			size	bytes from the start of this node to the next one: the
 *					link, relative, by which a reader can step over a node
 *			op		0 for a group, else FilterOperator
 *			glue	FilterGlue
 *			flags	1 negate, 2 has a type, 4 has a display; since version 2
 *					8 is a row group, 16 has "of", 32 has "within"
 *
 *	group	| number of nodes | node ...
 *	rows	| FilterAggregate | relation string | [of string] | [within]
 *			| [display string] | value | group		(op 0: exists)
 *	within	| flags: 1 has "from", 2 has "to" | date string | of string
 *			| [from string] | [to string]
 *	filter	| object string | field string | [type string] | [display string]
 *			| value
 *
 *	value	| FilterValueKind |								absent, null
 *			| FilterValueKind | string						boolean, number, string
 *			| FilterValueKind | number of values | value ...	list, date
 *
 *	string	| length in bytes | bytes in server encoding, no terminator | padding
 *
 * A number is the literal as it was written.
 *
 * Invariants: equal trees give equal bytes, so equality and hash are those of
 * the bytes.  The reader trusts nothing: it goes forward only, reads each byte
 * at most once, and checks every length before it uses it.
 */
#include "postgres.h"

#include "filter/filter_flat.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "filter/filter.h"

/*
 * Documents without row groups are written in the first version, so that they
 * are the same bytes as ever.
 */
#define FLAT_VERSION 1
#define FLAT_VERSION_ROWS 2
#define FLAT_VERSION_MASK 0xFF
#define FLAT_STATIC 0x100

#define NODE_NEGATE 1
#define NODE_HAS_TYPE 2
#define NODE_HAS_DISPLAY 4
#define NODE_IS_ROWS 8 /* since FLAT_VERSION_ROWS */
#define NODE_HAS_OF 16
#define NODE_HAS_WITHIN 32
#define NODE_FLAGS (NODE_NEGATE | NODE_HAS_TYPE | NODE_HAS_DISPLAY)
#define NODE_FLAGS_ROWS (NODE_FLAGS | NODE_IS_ROWS | NODE_HAS_OF | NODE_HAS_WITHIN)

#define WITHIN_HAS_FROM 1
#define WITHIN_HAS_TO 2

#define SMALLEST_NODE (3 * sizeof(uint32))
#define SMALLEST_VALUE sizeof(uint32)

typedef struct FlatReader
{
	const char *at;
	const char *end;
	uint32 version;
} FlatReader;

static void write_node(const FilterNode *node, StringInfo out);
static FilterNode *read_node(FlatReader *reader);

static void
write_word(uint32 word, StringInfo out)
{
	appendBinaryStringInfo(out, (const char *) &word, sizeof(word));
}

static void
write_string(const char *string, StringInfo out)
{
	uint32 length = strlen(string);

	write_word(length, out);
	appendBinaryStringInfo(out, string, length);
	while (out->len % sizeof(uint32) != 0)
		appendStringInfoChar(out, '\0');
}

static void
write_value(const FilterValue *value, StringInfo out)
{
	int i;

	write_word(value->kind, out);
	switch (value->kind)
	{
		case FILTER_VALUE_ABSENT:
		case FILTER_VALUE_NULL:
			break;
		case FILTER_VALUE_BOOLEAN:
		case FILTER_VALUE_NUMBER:
		case FILTER_VALUE_STRING:
			write_string(value->text, out);
			break;
		case FILTER_VALUE_LIST:
		case FILTER_VALUE_DATE:
			write_word(value->nitems, out);
			for (i = 0; i < value->nitems; i++)
				write_value(&value->items[i], out);
			break;
	}
}

static void
write_filter(const FilterNode *filter, StringInfo out)
{
	write_string(filter->object, out);
	write_string(filter->field, out);
	if (filter->type != NULL)
		write_string(filter->type, out);
	if (filter->display != NULL)
		write_string(filter->display, out);
	write_value(&filter->value, out);
}

static void
write_group(const FilterNode *group, StringInfo out)
{
	int i;

	write_word(group->nchildren, out);
	for (i = 0; i < group->nchildren; i++)
		write_node(group->children[i], out);
}

static void
write_within(const FilterWithin *within, StringInfo out)
{
	write_word(
		(within->from != NULL ? WITHIN_HAS_FROM : 0) | (within->to != NULL ? WITHIN_HAS_TO : 0),
		out);
	write_string(within->date, out);
	write_string(within->of, out);
	if (within->from != NULL)
		write_string(within->from, out);
	if (within->to != NULL)
		write_string(within->to, out);
}

static void
write_rows(const FilterNode *node, StringInfo out)
{
	write_word(node->rows->aggregate, out);
	write_string(node->rows->relation, out);
	if (node->rows->of != NULL)
		write_string(node->rows->of, out);
	if (node->rows->within != NULL)
		write_within(node->rows->within, out);
	if (node->display != NULL)
		write_string(node->display, out);
	write_value(&node->value, out);
	write_group(node, out);
}

static uint8
node_flags(const FilterNode *node)
{
	uint8 flags = (node->negate ? NODE_NEGATE : 0) | (node->type != NULL ? NODE_HAS_TYPE : 0) |
				  (node->display != NULL ? NODE_HAS_DISPLAY : 0);

	if (FilterNodeIsRows(node))
		flags |= NODE_IS_ROWS | (node->rows->of != NULL ? NODE_HAS_OF : 0) |
				 (node->rows->within != NULL ? NODE_HAS_WITHIN : 0);
	return flags;
}

static bool
has_rows(const FilterNode *node)
{
	int i;

	check_stack_depth();
	if (FilterNodeIsRows(node))
		return true;
	for (i = 0; i < node->nchildren; i++)
		if (has_rows(node->children[i]))
			return true;
	return false;
}

static void
write_node(const FilterNode *node, StringInfo out)
{
	int start = out->len;
	uint32 size;

	check_stack_depth();
	write_word(0, out); /* the size, known below */
	appendStringInfoChar(out, (char) node->op);
	appendStringInfoChar(out, (char) node->glue);
	appendStringInfoChar(out, (char) node_flags(node));
	appendStringInfoChar(out, '\0');
	if (FilterNodeIsRows(node))
		write_rows(node, out);
	else if (FilterNodeIsGroup(node))
		write_group(node, out);
	else
		write_filter(node, out);
	size = out->len - start;
	memcpy(out->data + start, &size, sizeof(size));
}

/* The stored value of a tree, in the current memory context. */
Filter *
FilterFlatten(const FilterNode *root)
{
	StringInfoData out;

	initStringInfo(&out);
	write_word(0, &out); /* the varlena header, set below */
	write_word((has_rows(root) ? FLAT_VERSION_ROWS : FLAT_VERSION) |
				   (root->nchildren == 0 ? FLAT_STATIC : 0),
			   &out);
	write_node(root, &out);
	SET_VARSIZE(out.data, out.len);
	return (Filter *) out.data;
}

static void
report_corruption(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored filter is corrupted")));
}

static uint32
bytes_left(const FlatReader *reader)
{
	return reader->end - reader->at;
}

static uint32
read_word(FlatReader *reader)
{
	uint32 word;

	if (bytes_left(reader) < sizeof(word))
		report_corruption();
	memcpy(&word, reader->at, sizeof(word));
	reader->at += sizeof(word);
	return word;
}

/* A number of items, each of which takes at least `smallest` bytes. */
static int
read_count(FlatReader *reader, uint32 smallest)
{
	uint32 count = read_word(reader);

	if (count > bytes_left(reader) / smallest)
		report_corruption();
	return (int) count;
}

static char *
read_string(FlatReader *reader)
{
	uint32 length = read_word(reader);
	char *string;

	/* What remains is a multiple of the alignment, so the padding fits too. */
	if (length > bytes_left(reader) || memchr(reader->at, '\0', length) != NULL)
		report_corruption();
	string = pnstrdup(reader->at, length);
	reader->at += TYPEALIGN(sizeof(uint32), length);
	return string;
}

/* Reads one value; a list or a date holds only values that are neither. */
static void
read_value(FlatReader *reader, FilterValue *value, bool nested)
{
	uint32 kind = read_word(reader);
	int i;

	memset(value, 0, sizeof(*value));
	if (kind > FILTER_VALUE_DATE || (nested && kind >= FILTER_VALUE_LIST))
		report_corruption();
	value->kind = (FilterValueKind) kind;
	if (kind == FILTER_VALUE_BOOLEAN || kind == FILTER_VALUE_NUMBER || kind == FILTER_VALUE_STRING)
		value->text = read_string(reader);
	if (kind < FILTER_VALUE_LIST)
		return;
	value->nitems = read_count(reader, SMALLEST_VALUE);
	if (kind == FILTER_VALUE_DATE && value->nitems != FILTER_DATE_UNIT + 1)
		report_corruption();
	value->items = (FilterValue *) palloc(sizeof(FilterValue) * Max(value->nitems, 1));
	for (i = 0; i < value->nitems; i++)
		read_value(reader, &value->items[i], true);
}

static void
read_filter(FlatReader *reader, FilterNode *filter, uint8 flags)
{
	filter->object = read_string(reader);
	filter->field = read_string(reader);
	if (flags & NODE_HAS_TYPE)
		filter->type = read_string(reader);
	if (flags & NODE_HAS_DISPLAY)
		filter->display = read_string(reader);
	read_value(reader, &filter->value, false);
}

static void
read_group(FlatReader *reader, FilterNode *group)
{
	int i;

	group->nchildren = read_count(reader, SMALLEST_NODE);
	group->children = (FilterNode **) palloc(sizeof(FilterNode *) * Max(group->nchildren, 1));
	for (i = 0; i < group->nchildren; i++)
		group->children[i] = read_node(reader);
}

static FilterWithin *
read_within(FlatReader *reader)
{
	FilterWithin *within = (FilterWithin *) palloc0(sizeof(FilterWithin));
	uint32 flags = read_word(reader);

	if ((flags & ~(WITHIN_HAS_FROM | WITHIN_HAS_TO)) != 0)
		report_corruption();
	within->date = read_string(reader);
	within->of = read_string(reader);
	if (flags & WITHIN_HAS_FROM)
		within->from = read_string(reader);
	if (flags & WITHIN_HAS_TO)
		within->to = read_string(reader);
	return within;
}

static void
read_rows(FlatReader *reader, FilterNode *node, uint8 flags)
{
	uint32 aggregate = read_word(reader);

	if (aggregate == 0 || aggregate > FILTER_AGGREGATE_LAST ||
		(aggregate == FILTER_AGGREGATE_EXISTS) != (node->op == 0) ||
		(aggregate > FILTER_AGGREGATE_COUNT) != ((flags & NODE_HAS_OF) != 0) ||
		(flags & NODE_HAS_TYPE) != 0)
		report_corruption();
	node->rows = (FilterRows *) palloc0(sizeof(FilterRows));
	node->rows->aggregate = (FilterAggregate) aggregate;
	node->rows->relation = read_string(reader);
	if (flags & NODE_HAS_OF)
		node->rows->of = read_string(reader);
	if (flags & NODE_HAS_WITHIN)
		node->rows->within = read_within(reader);
	if (flags & NODE_HAS_DISPLAY)
		node->display = read_string(reader);
	read_value(reader, &node->value, false);
	read_group(reader, node);
}

/* Reads the four small members of a node; returns its flags. */
static uint8
read_node_bits(FlatReader *reader, FilterNode *node)
{
	uint8 bits[4];

	if (bytes_left(reader) < sizeof(bits))
		report_corruption();
	memcpy(bits, reader->at, sizeof(bits));
	reader->at += sizeof(bits);
	if (bits[0] > FILTER_OP_LAST ||
		bits[2] > (bits[2] & NODE_IS_ROWS && reader->version >= FLAT_VERSION_ROWS ? NODE_FLAGS_ROWS
																				  : NODE_FLAGS) ||
		bits[3] != 0 || (bits[1] != FILTER_GLUE_AND && bits[1] != FILTER_GLUE_OR))
		report_corruption();
	node->op = (FilterOperator) bits[0];
	node->glue = (FilterGlue) bits[1];
	node->negate = (bits[2] & NODE_NEGATE) != 0;
	return bits[2];
}

static FilterNode *
read_node(FlatReader *reader)
{
	const char *start = reader->at;
	uint32 size = read_word(reader);
	FilterNode *node = (FilterNode *) palloc0(sizeof(FilterNode));
	uint8 flags = read_node_bits(reader, node);

	check_stack_depth();
	if (flags & NODE_IS_ROWS)
		read_rows(reader, node, flags);
	else if (FilterNodeIsGroup(node))
		read_group(reader, node);
	else
		read_filter(reader, node, flags);
	if ((uint32) (reader->at - start) != size)
		report_corruption();
	return node;
}

static void
check_header(uint32 header)
{
	uint32 version = header & FLAT_VERSION_MASK;

	if (version < FLAT_VERSION || version > FLAT_VERSION_ROWS)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("unsupported filter format version %u", version),
						errdetail("This version of segments reads format versions %d to %d.",
								  FLAT_VERSION, FLAT_VERSION_ROWS)));
	if ((header & ~(FLAT_VERSION_MASK | FLAT_STATIC)) != 0)
		report_corruption();
}

/*
 * The tree of a stored value (already detoasted), in the current memory
 * context.  Raises when the bytes are not what FilterFlatten writes.
 */
FilterNode *
FilterUnflatten(const Filter *filter)
{
	Size size = VARSIZE(filter);
	FlatReader reader;
	FilterNode *root;

	if (size < offsetof(Filter, data) || size % sizeof(uint32) != 0)
		report_corruption();
	check_header(filter->header);
	reader.at = filter->data;
	reader.end = (const char *) filter + size;
	reader.version = filter->header & FLAT_VERSION_MASK;
	root = read_node(&reader);
	if (!FilterNodeIsGroup(root) || reader.at != reader.end)
		report_corruption();
	return root;
}

/* Is this the document [], a segment without filters?  Reads only the header. */
bool
FilterIsStatic(const Filter *filter)
{
	if (VARSIZE(filter) < offsetof(Filter, data))
		report_corruption();
	check_header(filter->header);
	return (filter->header & FLAT_STATIC) != 0;
}
