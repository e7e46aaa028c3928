/*
 * filter_operator.c - the one table of operators.
 *
 * Takes an operator's word, symbol or legacy name, and gives its number; takes
 * a number and gives its symbol, its positive counterpart and whether it needs
 * a value.  Whether a field offers the operator is decided when a filter is
 * bound.
 *
 * Invariant: row N of the table describes the operator with number N.
 */
#include "postgres.h"

#include "filter/filter_operator.h"

#include "lib/stringinfo.h"
#include "utils/formatting.h"
#include "utils/varlena.h"

#include "filter/filter.h"

/* A longer word resembles no operator. */
#define LONGEST_WORD_COMPARED 32

typedef struct OperatorRow
{
	FilterOperator op;
	const char *symbol;
	const char *legacy;      /* name inside Mautic where it differs, or NULL */
	FilterOperator positive; /* what a negative operator denies, else itself */
	bool takes_value;
} OperatorRow;

static const OperatorRow operators[] = {
	{0, NULL, NULL, 0, false},
	{FILTER_OP_EQ, "=", "eq", FILTER_OP_EQ, true},
	{FILTER_OP_NEQ, "!=", "neq", FILTER_OP_EQ, true},
	{FILTER_OP_GT, "gt", NULL, FILTER_OP_GT, true},
	{FILTER_OP_GTE, "gte", NULL, FILTER_OP_GTE, true},
	{FILTER_OP_LT, "lt", NULL, FILTER_OP_LT, true},
	{FILTER_OP_LTE, "lte", NULL, FILTER_OP_LTE, true},
	{FILTER_OP_EMPTY, "empty", NULL, FILTER_OP_EMPTY, false},
	{FILTER_OP_NOT_EMPTY, "!empty", "notEmpty", FILTER_OP_EMPTY, false},
	{FILTER_OP_LIKE, "like", NULL, FILTER_OP_LIKE, true},
	{FILTER_OP_NOT_LIKE, "!like", "notLike", FILTER_OP_LIKE, true},
	{FILTER_OP_CONTAINS, "contains", NULL, FILTER_OP_CONTAINS, true},
	{FILTER_OP_STARTS_WITH, "startsWith", NULL, FILTER_OP_STARTS_WITH, true},
	{FILTER_OP_ENDS_WITH, "endsWith", NULL, FILTER_OP_ENDS_WITH, true},
	{FILTER_OP_REGEXP, "regexp", NULL, FILTER_OP_REGEXP, true},
	{FILTER_OP_NOT_REGEXP, "!regexp", "notRegexp", FILTER_OP_REGEXP, true},
	{FILTER_OP_IN, "in", NULL, FILTER_OP_IN, true},
	{FILTER_OP_NOT_IN, "!in", "notIn", FILTER_OP_IN, true},
	{FILTER_OP_INCLUDING_ALL, "includingAll", NULL, FILTER_OP_INCLUDING_ALL, true},
	{FILTER_OP_EXCLUDING_ALL, "excludingAll", NULL, FILTER_OP_INCLUDING_ALL, true},
	{FILTER_OP_BETWEEN, "between", NULL, FILTER_OP_BETWEEN, true},
	{FILTER_OP_NOT_BETWEEN, "!between", "notBetween", FILTER_OP_BETWEEN, true},
	{FILTER_OP_IN_LAST, "inLast", NULL, FILTER_OP_IN_LAST, true},
	{FILTER_OP_IN_NEXT, "inNext", NULL, FILTER_OP_IN_NEXT, true}};

StaticAssertDecl(lengthof(operators) == FILTER_OP_LAST + 1, "every operator has its row");

static const OperatorRow *
operator_row(FilterOperator op)
{
	Assert(op >= 1 && op <= FILTER_OP_LAST);
	Assert(operators[op].op == op);
	return &operators[op];
}

const char *
FilterOperatorSymbol(FilterOperator op)
{
	return operator_row(op)->symbol;
}

/* The operator that a word names, exactly as written; 0 when none. */
FilterOperator
FilterOperatorLookup(const char *word)
{
	int op;

	for (op = 1; op <= FILTER_OP_LAST; op++)
	{
		const OperatorRow *row = operator_row(op);

		if (strcmp(row->symbol, word) == 0 ||
			(row->legacy != NULL && strcmp(row->legacy, word) == 0))
			return row->op;
	}
	return 0;
}

/* The operator that a negative one denies; itself when it is positive. */
FilterOperator
FilterOperatorPositive(FilterOperator op)
{
	return operator_row(op)->positive;
}

bool
FilterOperatorIsNegative(FilterOperator op)
{
	return operator_row(op)->positive != op;
}

bool
FilterOperatorTakesValue(FilterOperator op)
{
	return operator_row(op)->takes_value;
}

/* The symbol that a mistyped word was probably meant to be, or NULL. */
static const char *
nearest_symbol(const char *word)
{
	const char *nearest = NULL;
	int length = strlen(word);
	int best = Max(length / 3, 1) + 1; /* as far off is no likeness */
	char *folded = asc_tolower(word, length);
	int op;

	if (length == 0 || length > LONGEST_WORD_COMPARED)
		return NULL;
	for (op = 1; op <= FILTER_OP_LAST; op++)
	{
		const char *symbol = FilterOperatorSymbol(op);
		int width = strlen(symbol);
		int distance =
			varstr_levenshtein(folded, length, asc_tolower(symbol, width), width, 1, 1, 1, true);

		if (distance < best && distance < Min(length, width))
		{
			best = distance;
			nearest = symbol;
		}
	}
	return nearest;
}

/*
 * A hint for a word that is no operator: the nearest one first, then all that
 * are accepted.  In the current memory context.
 */
char *
FilterOperatorHint(const char *word)
{
	StringInfoData hint;
	const char *nearest = nearest_symbol(word);
	int op;

	initStringInfo(&hint);
	if (nearest != NULL)
		appendStringInfo(&hint, "Perhaps you meant \"%s\".  ", nearest);
	appendStringInfoString(&hint, "Operators are");
	for (op = 1; op <= FILTER_OP_LAST; op++)
		appendStringInfo(&hint, "%s %s", op == 1 ? "" : ",", FilterOperatorSymbol(op));
	appendStringInfoChar(&hint, '.');
	return hint.data;
}
