/*
 * bind_text.c - values of text, sets and patterns.
 *
 * JSON values -> words, SQL patterns and checked regular expressions.
 */
#include "postgres.h"

#include "predicate/bind_text.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "filter/filter.h"
#include "predicate/bind_number.h"
#include "predicate/bind_place.h"
#include "text/fold.h"
#include "text/like.h"
#include "text/regexp.h"

/*
 * One word: a string, or a number in its shortest decimal form.
 */
char *
BindTextValue(BindPlace *place, const FilterValue *value)
{
	const char *prefix = place->field->default_prefix;
	char *text = value->text;

	if (value->kind == FILTER_VALUE_NUMBER)
		text = NumberShortest(BindNumber(place, value));
	else if (value->kind != FILTER_VALUE_STRING)
		BindRefuseValue(place, value, "a text is expected");
	if (prefix && strstr(text, "::") == NULL)
		return psprintf("%s%s", prefix, text);
	return text;
}

/* Split on |; the empty text is one blank word. */
static List *
split_words(BindPlace *place, const char *text)
{
	List *words = NIL;
	const char *start = text;

	for (;;)
	{
		const char *end = strchr(start, '|');
		FilterValue word = {FILTER_VALUE_STRING, NULL, 0, NULL};

		word.text = end ? pnstrdup(start, end - start) : pstrdup(start);
		words = lappend(words, BindTextValue(place, &word));
		if (end == NULL)
			return words;
		start = end + 1;
	}
}

/*
 * The words of in and its kin: a list, a text split on |, or one number.
 */
List *
BindListValue(BindPlace *place, const FilterValue *value)
{
	List *words = NIL;
	int i;

	if (value->kind == FILTER_VALUE_STRING)
		return split_words(place, value->text);
	if (value->kind != FILTER_VALUE_LIST)
		return list_make1(BindTextValue(place, value));
	for (i = 0; i < value->nitems; i++)
		words = lappend(words, BindTextValue(place, &value->items[i]));
	return words;
}

/* ----- labels of enums ----- */

static bool
is_label(const char *word, const char *label, bool fold)
{
	return strcmp(fold ? FoldCString(word) : word, fold ? FoldCString(label) : label) == 0;
}

/*
 * The word as one of the labels; else these, as a list for people.
 */
static bool
find_label(BindPlace *place, const char *word, StringInfo labels)
{
	CatCList *list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(place->field->enum_type));
	bool found = false;
	int i;

	for (i = 0; i < list->n_members && !found; i++)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(&list->members[i]->tuple);

		found = is_label(word, NameStr(label->enumlabel), !place->field->case_sensitive);
		appendStringInfo(labels, "%s%s", i > 0 ? ", " : "", NameStr(label->enumlabel));
	}
	ReleaseSysCacheList(list);
	return found;
}

/*
 * New filters name labels that the enum has: another finds nobody, now and
 * later, and is a slip.  Those that are stored keep what they have.
 */
void
BindCheckLabels(BindPlace *place, List *words)
{
	ListCell *cell;

	if (!place->options->storing || !OidIsValid(place->field->enum_type))
		return;
	foreach (cell, words)
	{
		StringInfoData labels;

		initStringInfo(&labels);
		if (!find_label(place, lfirst(cell), &labels))
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value \"%s\" for field \"%s\" of type %s", (char *) lfirst(cell),
						place->field->name, format_type_be(place->field->enum_type)),
				 errdetail("At %s.properties.filter: the enum has no such label.", place->path),
				 errhint("Labels: %s.", labels.data)));
	}
}

/* ----- patterns ----- */

/* Append text with %, _ and \ escaped, folded first where wanted. */
static void
append_literal(StringInfo out, const char *text, bool fold)
{
	const char *p;

	for (p = fold ? FoldCString(text) : text; *p; p++)
	{
		if (*p == '%' || *p == '_' || *p == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *p);
	}
}

/*
 * Append an SQL pattern, its literal runs folded.  Server encodings other than
 * UTF-8 keep %, _ and \ as single bytes in every character, but some use those
 * byte values as second bytes: step by character.
 */
static void
append_pattern(BindPlace *place, StringInfo out, const char *pattern, bool fold)
{
	StringInfoData run;
	const char *p = pattern;

	initStringInfo(&run);
	while (*p)
	{
		int len = pg_mblen(p);

		if (len == 1 && (*p == '%' || *p == '_'))
		{
			append_literal(out, run.data, fold);
			resetStringInfo(&run);
			appendStringInfoChar(out, *p);
			p++;
			continue;
		}
		if (len == 1 && *p == '\\')
		{
			p++;
			if (*p == '\0')
				BindRefuseValue(place, &place->node->value,
								"a pattern must not end with its escape character");
			len = pg_mblen(p);
		}
		appendBinaryStringInfo(&run, p, len);
		p += len;
	}
	append_literal(out, run.data, fold);
}

static char *
like_pattern(BindPlace *place, FilterOperator op, const char *text, bool fold)
{
	StringInfoData out;

	initStringInfo(&out);
	if (op == FILTER_OP_LIKE)
	{
		bool wrap = (strchr(text, '%') == NULL);

		/* wrapped before escapes are read, as Mautic does: one at the end is of the % */
		append_pattern(place, &out, wrap ? psprintf("%%%s%%", text) : text, fold);
		return out.data;
	}
	if (op != FILTER_OP_STARTS_WITH)
		appendStringInfoChar(&out, '%');
	append_literal(&out, text, fold);
	if (op != FILTER_OP_ENDS_WITH)
		appendStringInfoChar(&out, '%');
	return out.data;
}

pg_noreturn static void
refuse_costly(BindPlace *place, const char *what, const char *reason, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("%s of field \"%s\" could make writes slow", what, place->field->name),
					errdetail("At %s.properties.filter: %s.", place->path, reason),
					hint ? errhint("%s", hint) : 0));
}

/*
 * The SQL pattern of like, contains, startsWith, endsWith.
 */
char *
BindLikePattern(BindPlace *place, FilterOperator op, const char *text, bool fold)
{
	const char *reason = place->options->storing ? LikeTooCostly(text, op != FILTER_OP_LIKE) : NULL;

	if (reason != NULL)
		refuse_costly(place, "pattern", reason, NULL);
	return like_pattern(place, op, text, fold);
}

/*
 * Compile a regular expression once, to refuse what does not compile; and, in
 * a filter that is being stored, what costs too much.
 */
void
BindCheckRegexp(BindPlace *place, const char *pattern)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "segments regular expression", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const char *reason =
		place->options->storing ? RegexpTooCostly(pattern, place->options->regexp_arcs) : NULL;
	char *problem = NULL;

	if (reason != NULL)
		refuse_costly(place, "regular expression", reason,
					  "A superuser can allow it by setting segments.allow_expensive_regexps.");
	if (RegexpCompile(pattern, &problem) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
						errmsg("invalid regular expression: %s", problem),
						errdetail("At %s.properties.filter.", place->path)));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
