/*
 * regexp.c - regular expressions: compiled once, of bounded cost, and the
 * collation by which they ignore case.
 *
 * ICU's root collation knows the case of every script and is the same on every
 * machine; a server built without ICU has the C collation only, which knows the
 * case of ASCII.
 *
 * Whoever may store filters decides what every write of a contact does.  So
 * what can take long is refused when it is stored: back references and
 * look-around, which search by trial, and automata with too many arcs.  What is
 * left is matched in one pass over the text, and each character costs no more
 * than a look at all of the arcs.  A superuser can allow more
 * (segments.allow_expensive_regexps).
 *
 * The server keeps the last 32 expressions that a session used; more segments
 * than that would compile them anew for each row.  So ours are kept with who
 * uses them.
 */
#include "postgres.h"

#include "text/regexp.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "regex/regex.h"
#include "regex/regexport.h"
#include "utils/guc.h"

#define ROOT_COLLATION "und-x-icu"

/*
 * OID of the collation.
 */
static Oid
regexp_collation(void)
{
	static Oid collation = InvalidOid;

	if (!OidIsValid(collation))
	{
		collation = get_collation_oid(
			list_make2(makeString("pg_catalog"), makeString(ROOT_COLLATION)), true);
		if (!OidIsValid(collation))
			collation = C_COLLATION_OID;
	}
	return collation;
}

/*
 * The collation for SQL text.
 */
const char *
RegexpCollationSql(void)
{
	return regexp_collation() == C_COLLATION_OID ? "pg_catalog.\"C\""
												 : "pg_catalog.\"" ROOT_COLLATION "\"";
}

static bool allow_expensive = false;

void
RegexpDefineSettings(void)
{
	DefineCustomBoolVariable(
		"segments.allow_expensive_regexps",
		"Allows filters with regular expressions that can make writes slow.",
		"Back references, look-around, and automata of any size.  Asked when a filter is stored.",
		&allow_expensive, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

struct Regexp
{
	regex_t compiled;
	MemoryContextCallback callback;
};

static void
free_regexp(void *arg)
{
	pg_regfree(&((Regexp *) arg)->compiled);
}

/*
 * Compile, in the current memory context.  NULL when it is no regular
 * expression; *problem says why.  What interrupts the session is raised as
 * what it is.
 */
Regexp *
RegexpCompile(const char *pattern, char **problem)
{
	int len = strlen(pattern);
	pg_wchar *wide = palloc((len + 1) * sizeof(pg_wchar));
	Regexp *regexp = palloc0(sizeof(Regexp));
	char message[100];
	int result;

	result = pg_regcomp(&regexp->compiled, wide, pg_mb2wchar_with_len(pattern, wide, len),
						REG_ADVANCED | REG_ICASE | REG_NOSUB, regexp_collation());
	pfree(wide);
	if (result == REG_OKAY)
	{
		regexp->callback.func = free_regexp;
		regexp->callback.arg = regexp;
		MemoryContextRegisterResetCallback(CurrentMemoryContext, &regexp->callback);
		return regexp;
	}
	CHECK_FOR_INTERRUPTS();
	pg_regerror(result, &regexp->compiled, message, sizeof(message));
	*problem = pstrdup(message);
	return NULL;
}

/*
 * Compile what is stored; what does not compile is an error.
 */
Regexp *
RegexpPrepare(const char *pattern)
{
	char *problem = NULL;
	Regexp *regexp = RegexpCompile(pattern, &problem);

	if (regexp == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
						errmsg("invalid regular expression: %s", problem)));
	return regexp;
}

/* A bound {m}, {m,} or {m,n} at p: its greater number, else 1.  *end is behind it. */
static int
bound_at(const char *p, const char **end)
{
	int numbers[2] = {0, 0};
	int i = 0;
	const char *q = p + 1;

	*end = p;
	if (*p != '{' || *q < '0' || *q > '9')
		return 1;
	for (; *q != '\0' && *q != '}'; q++)
	{
		if (*q == ',' && i == 0)
			i = 1;
		else if (*q < '0' || *q > '9')
			return 1;
		else
			numbers[i] = Min(numbers[i] * 10 + (*q - '0'), REGEXP_MAX_BOUND + 1);
	}
	if (*q == '}')
		*end = q + 1;
	return Max(Max(numbers[0], numbers[1]), 1);
}

/* What is known of a group that is being read, and of what stands last in it. */
typedef struct Shape
{
	int product;     /* greatest product of bounds within */
	bool constraint; /* is there a ^, $ or \\y in it, at any depth? */
} Shape;

typedef struct ShapeScan
{
	const char *p;
	int depth;
	Shape groups[REGEXP_MAX_DEPTH + 1];
	Shape last;
} ShapeScan;

/* Step over [...]; [[:<:]] is a constraint. */
static void
scan_brackets(ShapeScan *scan)
{
	const char *p = scan->p + 1;

	scan->last.constraint =
		strncmp(scan->p, "[[:<:]]", 7) == 0 || strncmp(scan->p, "[[:>:]]", 7) == 0;
	p += (*p == '^');
	p += (*p == ']');
	while (*p && *p != ']')
	{
		char name[3] = {p[1], ']', '\0'};
		const char *end = (*p == '[' && p[1] && strchr(":.=", p[1])) ? strstr(p + 2, name) : NULL;

		if (*p == '\\' && p[1])
			p++;
		p = end ? end + 2 : p + pg_mblen(p);
	}
	scan->p = p + (*p == ']');
}

/* An escape: \\y and its kin are constraints. */
static void
scan_escape(ShapeScan *scan)
{
	scan->last.constraint = scan->p[1] != '\0' && strchr("AmMyYZ", scan->p[1]) != NULL;
	scan->p++;
	scan->p += *scan->p ? pg_mblen(scan->p) : 0;
}

/* A quantifier of what stands last; why it is refused, or NULL. */
static const char *
scan_quantifier(ShapeScan *scan)
{
	const char *end = scan->p + 1;
	int bound = *scan->p == '{' ? bound_at(scan->p, &end) : 1;
	bool repeats = *scan->p == '*' || *scan->p == '+' || bound > 1;

	if (repeats && scan->last.constraint)
		return "it repeats what holds a constraint such as ^, $ or \\y";
	scan->last.product = (int) Min((int64) scan->last.product * bound, REGEXP_MAX_BOUND + 1);
	scan->groups[scan->depth].product = Max(scan->groups[scan->depth].product, scan->last.product);
	scan->p = Max(end, scan->p + 1);
	if (scan->last.product > REGEXP_MAX_BOUND)
		return psprintf("bounds multiply to more than %d", REGEXP_MAX_BOUND);
	return NULL;
}

static void
close_group(ShapeScan *scan)
{
	Shape *outer;

	scan->p++;
	if (scan->depth == 0)
		return;
	scan->last = scan->groups[scan->depth--];
	outer = &scan->groups[scan->depth];
	outer->product = Max(outer->product, scan->last.product);
}

/* What is neither a group nor a quantifier. */
static void
scan_atom(ShapeScan *scan)
{
	scan->last.product = 1;
	scan->last.constraint = (*scan->p == '^' || *scan->p == '$');
	if (*scan->p == '\\')
		scan_escape(scan);
	else if (*scan->p == '[')
		scan_brackets(scan);
	else
		scan->p += pg_mblen(scan->p);
}

/*
 * Options for expanded and for basic syntax, in which the same signs mean
 * something else, go with expressions that repeat nothing.
 */
static const char *
check_syntax(const char *pattern)
{
	const char *p = strncmp(pattern, "***:", 4) == 0 ? pattern + 4 : pattern;
	size_t letters;

	if (strncmp(p, "(?", 2) != 0)
		return NULL;
	letters = strspn(p + 2, "bceimnpqstwx");
	if (p[2 + letters] != ')' || strcspn(p, "xb") >= letters + 2)
		return NULL;
	return strpbrk(p + letters + 2, "*+{") == NULL
			   ? NULL
			   : "it repeats something in expanded or basic syntax";
}

/*
 * How deep parentheses nest, the greatest product of bounds along a path, and
 * whether constraints are repeated, for which the server's compiler can take
 * for ever.  Why the expression is refused, or NULL.
 */
static const char *
check_shape(const char *pattern)
{
	ShapeScan scan = {pattern, 0, {{1, false}}, {1, false}};
	const char *reason = check_syntax(pattern);

	while (*scan.p && reason == NULL)
	{
		if (strncmp(scan.p, "(?#", 3) == 0)
		{
			const char *end = strchr(scan.p, ')');

			scan.p = end ? end + 1 : scan.p + strlen(scan.p);
			continue;
		}
		if (*scan.p == '(')
		{
			if (++scan.depth > REGEXP_MAX_DEPTH)
				return psprintf("parentheses nest more than %d deep", REGEXP_MAX_DEPTH);
			scan.groups[scan.depth] = (Shape){1, false};
			scan.p++;
		}
		else if (*scan.p == ')')
			close_group(&scan);
		else if (strchr("*+?{", *scan.p) != NULL)
			reason = scan_quantifier(&scan);
		else
			scan_atom(&scan);
		scan.groups[scan.depth].constraint |= scan.last.constraint;
	}
	return reason;
}

static int64
count_arcs(const regex_t *compiled)
{
	int64 arcs = 0;
	int n = pg_reg_getnumstates(compiled);
	int i;

	for (i = 0; i < n; i++)
		arcs += pg_reg_getnumoutarcs(compiled, i);
	return arcs;
}

/*
 * Why a regular expression that compiles is refused, or NULL: it can cost more
 * than a look at some arcs for each character.  *total adds up the arcs of a
 * filter's expressions.
 */
const char *
RegexpTooCostly(const char *pattern, int64 *total)
{
	int64 arcs;
	const char *reason;
	char *problem;
	Regexp *regexp;

	if (allow_expensive)
		return NULL;
	if (pg_mbstrlen(pattern) > REGEXP_MAX_LENGTH)
		return psprintf("it is longer than %d characters", REGEXP_MAX_LENGTH);
	reason = check_shape(pattern);
	if (reason != NULL)
		return reason;
	regexp = RegexpCompile(pattern, &problem);
	if (regexp == NULL)
		return NULL;
	if (regexp->compiled.re_info & REG_UBACKREF)
		return "it has a back reference";
	if (regexp->compiled.re_info & REG_ULOOKAROUND)
		return "it looks ahead or behind";
	arcs = count_arcs(&regexp->compiled);
	if (arcs > REGEXP_MAX_ARCS)
		return psprintf("its automaton has more than %d transitions", REGEXP_MAX_ARCS);
	if ((*total += arcs) > REGEXP_MAX_TOTAL)
		return psprintf("the automata of a filter have more than %d transitions", REGEXP_MAX_TOTAL);
	return NULL;
}

/*
 * Does some part of the text match?
 */
bool
RegexpMatches(Regexp *regexp, const char *data, int len)
{
	pg_wchar *wide =
		MemoryContextAllocHuge(CurrentMemoryContext, ((Size) len + 1) * sizeof(pg_wchar));
	int wide_len = pg_mb2wchar_with_len(data, wide, len);
	int result = pg_regexec(&regexp->compiled, wide, wide_len, 0, NULL, 0, NULL, 0);
	char message[100];

	pfree(wide);
	if (result == REG_OKAY || result == REG_NOMATCH)
		return result == REG_OKAY;
	CHECK_FOR_INTERRUPTS();
	pg_regerror(result, &regexp->compiled, message, sizeof(message));
	ereport(ERROR, (errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
					errmsg("regular expression failed: %s", message)));
}
