/*
 * bind_rows.c - row groups: filters over one row of a relation, and what is
 * made of the rows that satisfy them.
 *
 * Step 3f: binds the filters of a row group to the fields of its rows, and
 * compares the aggregate as if it were a field of the contact (SEMANTICS §8).
 * A row group inside another one is an atom of the outer one's predicate.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "predicate/bind.h"

/* ----- the aggregate ----- */

/* A field that stands for the aggregate, in messages and comparisons. */
static Field *
aggregate_field(const RowGroup *group, FieldClass class, const char *type, Oid value_type)
{
	Field *field = palloc0(sizeof(Field));

	field->object = pstrdup("");
	field->name = pstrdup(FilterAggregateWord(group->aggregate));
	field->type = pstrdup(type);
	field->class = class;
	field->available = true;
	field->value = pstrdup("a.v");
	field->value_type = value_type;
	field->deterministic = true;
	field->timezone = pstrdup("UTC");
	return field;
}

static bool
is_local_instant(const Field *field)
{
	return field->class == FIELD_DATETIME && field->value_type != TIMESTAMPTZOID &&
		   strcmp(field->timezone, "UTC") != 0;
}

/* What a row adds to the number of different values: the same for texts that fold alike. */
static char *
distinct_argument(const Field *field)
{
	bool text =
		field->class == FIELD_TEXT || (field->class == FIELD_ID && field->value_type == TEXTOID);

	if (field->class == FIELD_MULTISELECT)
		return psprintf("segments.elements(%s%s)", field->value,
						field->case_sensitive ? ", false" : "");
	if (!text)
		return field->value;
	return psprintf(
		field->case_sensitive ? "(%s) COLLATE \"C\"" : "segments.fold(%s) COLLATE \"C\"",
		field->value);
}

/* What is aggregated, as SQL over the row. */
static char *
argument_of(const RowGroup *group)
{
	switch (group->aggregate)
	{
		case FILTER_AGGREGATE_SUM:
		case FILTER_AGGREGATE_AVG:
			return BindAddend(group->of);
		case FILTER_AGGREGATE_MIN:
		case FILTER_AGGREGATE_MAX:
			if (is_local_instant(group->of))
				return psprintf("segments.instant(%s, %s)", group->of->value,
								quote_literal_cstr(group->of->timezone));
			return group->of->value;
		case FILTER_AGGREGATE_DISTINCT:
			return distinct_argument(group->of);
		default:
			return NULL;
	}
}

static bool
is_aggregated(FilterAggregate aggregate, FieldClass class)
{
	switch (aggregate)
	{
		case FILTER_AGGREGATE_SUM:
		case FILTER_AGGREGATE_AVG:
			return class == FIELD_NUMBER;
		case FILTER_AGGREGATE_MIN:
		case FILTER_AGGREGATE_MAX:
			return class == FIELD_NUMBER || class == FIELD_DATE || class == FIELD_DATETIME ||
				   class == FIELD_TIME;
		default:
			return true;
	}
}

/* A field of the row at hand; path is where its name stands. */
static Field *
field_of_row(BindPlace *place, const char *path, const char *name)
{
	place->field = FieldOfRow(place->table, place->options->row, name);
	if (place->field == NULL || (place->options->storing && !place->field->available))
		BindRefuseField(place, path, name);
	return place->field;
}

static void
bind_of(RowGroup *group, BindPlace *place)
{
	const FilterRows *rows = place->node->rows;

	if (rows->of == NULL)
		return;
	group->of = field_of_row(place, psprintf("%s.of", place->path), rows->of);
	if (!is_aggregated(group->aggregate, group->of->class))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("aggregate \"%s\" is not of fields of type %s",
							   FilterAggregateWord(group->aggregate), group->of->type),
						errdetail("At %s.of: field \"%s\".", place->path, rows->of),
						errhint("Sums and averages are of numbers, min and max of numbers, dates "
								"and times.")));
	group->argument = argument_of(group);
}

/* ----- within ----- */

/*
 * The instant that a date field has, as SQL; of a day its first one.
 */
char *
BindInstant(const Field *field, ContactTable *table)
{
	if (field->class == FIELD_DATE)
		return psprintf("segments.instant(%s, %s)", field->value,
						quote_literal_cstr(table->timezone));
	if (field->value_type == TIMESTAMPTZOID)
		return field->value;
	return psprintf("segments.instant(%s, %s)", field->value, quote_literal_cstr(field->timezone));
}

static Field *
date_of_row(BindPlace *place, const char *key, const char *name)
{
	char *path = psprintf("%s.within.%s", place->path, key);
	Field *field = field_of_row(place, path, name);

	if (field->class != FIELD_DATE && field->class != FIELD_DATETIME)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("field \"%s\" of type %s is not a date", name, field->type),
						errdetail("At %s.", path)));
	return field;
}

/* A length of time, which may have a sign. */
static void
read_span(BindPlace *place, const char *key, const char *text, char **length, bool *back,
		  PhrasePart *part)
{
	const char *at = text;
	const char *detail = NULL;

	if (text == NULL)
		return;
	at += strspn(at, " \t\r\n");
	*back = (*at == '-');
	if (*at == '-' || *at == '+')
		at++;
	if (!PhraseParseSpan(at, part, &detail))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT), errmsg("invalid span \"%s\"", text),
				 errdetail("At %s.within.%s: %s", place->path, key,
						   detail ? detail : "not a length of time."),
				 errhint("A span is \"N unit\" or \"-N unit\", such as \"24 hours\".")));
	*length = pstrdup(at);
	if (*back)
		part->n = -part->n;
}

/* The least or the most that a span can take, in hours. */
static double
span_hours(const PhrasePart *part, bool least)
{
	static const double shortest[] = {0, 1.0 / 3600, 1.0 / 60, 1, 23, 167, 671, 2135, 8735};
	static const double longest[] = {0, 1.0 / 3600, 1.0 / 60, 1, 25, 169, 745, 2233, 8809};

	return (double) part->n * ((part->n < 0) == least ? longest[part->unit] : shortest[part->unit]);
}

static void
refuse_empty_span(BindPlace *place, const FilterWithin *within, const PhrasePart *from,
				  const PhrasePart *to)
{
	bool empty =
		from->unit == to->unit ? from->n > to->n : span_hours(from, true) > span_hours(to, false);

	if (within->from != NULL && within->to != NULL && empty)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("span from \"%s\" to \"%s\" is empty", within->from, within->to),
						errdetail("At %s.within: from is after to.", place->path)));
}

static RowWithin *
bind_within(BindPlace *inner, BindPlace *outer)
{
	const FilterWithin *within = inner->node->rows->within;
	RowWithin *result = palloc0(sizeof(RowWithin));
	Field *date = date_of_row(inner, "date", within->date);
	Field *of = date_of_row(outer, "of", within->of);
	PhrasePart from = {0};
	PhrasePart to = {0};
	Atom *atom = BindDateAtom(inner);

	read_span(inner, "from", within->from, &result->from, &result->from_back, &from);
	read_span(inner, "to", within->to, &result->to, &result->to_back, &to);
	refuse_empty_span(inner, within, &from, &to);
	result->days = (date->class == FIELD_DATE || of->class == FIELD_DATE);
	result->as_local = (!result->days && atom->value_type == VALUE_TIMESTAMP);
	result->of = BindInstant(of, inner->table);
	if (!result->days || date->class == FIELD_DATE)
		result->date = atom->value;
	else
		result->date = psprintf("segments.local_day(%s, %s)", BindInstant(date, inner->table),
								quote_literal_cstr(inner->table->timezone));
	return result;
}

/* ----- memberships ----- */

static bool names_segments(const FilterNode *group);

static bool
names_segment(const FilterNode *node)
{
	if (FilterNodeIsRows(node))
		return false;
	if (FilterNodeIsGroup(node))
		return !node->negate && names_segments(node);
	return strcmp(node->field, "segment") == 0 &&
		   (node->op == FILTER_OP_EQ || node->op == FILTER_OP_IN);
}

/* Does every alternative name the segments that rows are of? */
static bool
names_segments(const FilterNode *group)
{
	bool named = false;
	int i;

	check_stack_depth();
	for (i = 0; i < group->nchildren; i++)
	{
		if (i > 0 && group->children[i]->glue == FILTER_GLUE_OR)
		{
			if (!named)
				return false;
			named = false;
		}
		named |= names_segment(group->children[i]);
	}
	return named;
}

static void
check_memberships(BindPlace *place)
{
	if (names_segments(place->node))
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("rows of \"%s\" need a filter of field \"segment\"", MEMBERSHIPS),
					errdetail("At %s.filters: the segments are named with = or in, not under a "
							  "negation, in every alternative.",
							  place->path)));
}

/* ----- the group ----- */

static RelatedRows *
relation_of(BindPlace *place)
{
	const char *name = place->node->rows->relation;
	RelatedRows *rows = FieldRelation(place->table, name);

	if (rows == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("relation \"%s\" of contact table %s does not exist", name,
							   place->table->name),
						errdetail("At %s.rows.", place->path),
						errhint("Relations are declared with segments.attach_related().")));
	return rows;
}

/* The filters of the group, over one of its rows. */
static Predicate *
bind_filters(BindPlace *place)
{
	FilterNode filters = *place->node;

	if (filters.nchildren == 0)
		return PredicateConstant(true);
	filters.negate = false;
	return BindGroup(&filters, place->table, place->options, psprintf("%s.filters", place->path));
}

/* Make atoms over the aggregate of those over a field of the contact. */
static void
set_group(Predicate *predicate, RowGroup *group, bool moves)
{
	int i;

	for (i = 0; i < predicate->nargs; i++)
		set_group(predicate->args[i], group, moves);
	if (predicate->kind != PREDICATE_ATOM)
		return;
	predicate->atom->scope = ATOM_GROUP;
	predicate->atom->rows = group->rows;
	predicate->atom->group = group;
	predicate->atom->moves |= moves;
}

static Predicate *
rows_exist(RowGroup *group)
{
	Atom *atom = palloc0(sizeof(Atom));

	atom->field = aggregate_field(group, FIELD_BOOLEAN, "boolean", BOOLOID);
	atom->test = TEST_EXISTS;
	return PredicateOfAtom(atom);
}

static Field *
compared_field(const RowGroup *group)
{
	const Field *of = group->of;

	switch (group->aggregate)
	{
		case FILTER_AGGREGATE_SUM:
		case FILTER_AGGREGATE_AVG:
			return aggregate_field(group, FIELD_NUMBER, "number", NUMERICOID);
		case FILTER_AGGREGATE_MIN:
		case FILTER_AGGREGATE_MAX:
			return aggregate_field(group, of->class, of->type,
								   is_local_instant(of) ? TIMESTAMPTZOID : of->value_type);
		default:
			return aggregate_field(group, FIELD_NUMBER, "number", INT8OID);
	}
}

/* Is what is made of no rows 0? */
static bool
is_zero_over_none(FilterAggregate aggregate)
{
	return aggregate == FILTER_AGGREGATE_COUNT || aggregate == FILTER_AGGREGATE_SUM ||
		   aggregate == FILTER_AGGREGATE_DISTINCT;
}

/* The comparison of the aggregate, over atoms of the contact. */
static Predicate *
bind_comparison(RowGroup *group, BindPlace *place)
{
	FilterOperator op = place->node->op;

	if (group->aggregate == FILTER_AGGREGATE_EXISTS)
		return rows_exist(group);
	place->field = compared_field(group);
	/* empty is that there is no row behind it */
	if (is_zero_over_none(group->aggregate) && (op == FILTER_OP_EMPTY || op == FILTER_OP_NOT_EMPTY))
		return op == FILTER_OP_EMPTY ? PredicateNot(rows_exist(group)) : rows_exist(group);
	return BindOperator(place);
}

/*
 * The predicate of a row group: over the contact, or within another row group,
 * over the outer row and its contact.
 */
Predicate *
BindRows(const FilterNode *node, ContactTable *table, const BindOptions *options, const char *path)
{
	BindOptions own = *options;
	BindPlace outer = {table, options, path, node, NULL};
	BindPlace place = {table, &own, path, node, NULL};
	RowGroup *group = palloc0(sizeof(RowGroup));
	Predicate *result;

	check_stack_depth();
	group->rows = own.row = relation_of(&place);
	group->inner = (options->row != NULL);
	if (group->rows == table->memberships)
		check_memberships(&place);
	group->condition = FieldRelationCondition(group->rows);
	group->aggregate = node->rows->aggregate;
	group->predicate = bind_filters(&place);
	bind_of(group, &place);
	if (node->rows->within != NULL)
		group->within = bind_within(&place, &outer);
	result = bind_comparison(group, &place);
	set_group(result, group, PredicateMoves(group->predicate));
	return node->negate ? PredicateNot(result) : result;
}

/* ----- copies, and what a group refers to ----- */

static char *
copy_string(const char *string)
{
	return string ? pstrdup(string) : NULL;
}

static RowWithin *
copy_within(const RowWithin *within)
{
	RowWithin *copy = palloc(sizeof(RowWithin));

	*copy = *within;
	copy->date = copy_string(within->date);
	copy->of = copy_string(within->of);
	copy->from = copy_string(within->from);
	copy->to = copy_string(within->to);
	return copy;
}

/*
 * A copy in the current memory context; fields and relations belong to the
 * contact table's description and are shared.
 */
RowGroup *
RowGroupCopy(const RowGroup *group)
{
	RowGroup *copy = palloc(sizeof(RowGroup));

	*copy = *group;
	copy->condition = copy_string(group->condition);
	copy->argument = copy_string(group->argument);
	copy->predicate = PredicateCopy(group->predicate);
	if (group->within != NULL)
		copy->within = copy_within(group->within);
	return copy;
}

static List *
segments_named(const Predicate *predicate, List *ids)
{
	const Atom *atom = predicate->atom;
	int i;

	check_stack_depth();
	for (i = 0; i < predicate->nargs; i++)
		ids = segments_named(predicate->args[i], ids);
	if (predicate->kind != PREDICATE_ATOM)
		return ids;
	if (atom->scope == ATOM_GROUP)
		return RowGroupSegments(atom->group, ids);
	for (i = 0; atom->field->class == FIELD_SEGMENT && i < atom->nconstants; i++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(atom->constants[i]);
		ids = lappend(ids, id);
	}
	return ids;
}

/*
 * Add the segments whose memberships a group reads, itself or by inner ones,
 * to a List of int64 *; some more than once.
 */
List *
RowGroupSegments(const RowGroup *group, List *ids)
{
	return segments_named(group->predicate, ids);
}

static bool
reads_memberships(const Predicate *predicate)
{
	int i;

	check_stack_depth();
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->scope == ATOM_GROUP)
		return RowGroupReadsMemberships(predicate->atom->group);
	for (i = 0; i < predicate->nargs; i++)
		if (reads_memberships(predicate->args[i]))
			return true;
	return false;
}

/*
 * Does a group read memberships, itself or by inner ones?
 */
bool
RowGroupReadsMemberships(const RowGroup *group)
{
	return strcmp(group->rows->name, MEMBERSHIPS) == 0 || reads_memberships(group->predicate);
}
