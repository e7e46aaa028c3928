/*
 * bind_rows.c - row groups: filters over one row of a relation, and what is
 * made of the rows that satisfy them.
 *
 * bind.c binds the filters of a row group to the fields of its rows, and
 * compares the aggregate as if it were a field of the contact (SEMANTICS §8);
 * here is what a group has besides.  A row group inside another one is an atom
 * of the outer one's predicate.
 */
#include "postgres.h"

#include "predicate/bind_rows.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "filter/filter.h"
#include "filter/filter_aggregate.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

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
	field->value = pstrdup(ROW_GROUP_VALUE);
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

/*
 * What a row adds to the number of different values: the same for texts that
 * fold alike, and for sets of the same elements.
 */
static char *
distinct_argument(const Field *field)
{
	bool text =
		field->class == FIELD_TEXT || (field->class == FIELD_ID && field->value_type == TEXTOID);

	if (field->class == FIELD_MULTISELECT)
		return psprintf("segments_internal.element_set(segments.elements(%s%s)) COLLATE \"C\"",
						field->value, field->case_sensitive ? ", false" : "");
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

/* The field that is aggregated. */
void
BindRowGroupOf(RowGroup *group, BindPlace *place)
{
	const FilterRows *rows = place->node->rows;

	if (rows->of == NULL)
		return;
	group->of = BindFieldOfRow(place, psprintf("%s.of", place->path), rows->of);
	if (!is_aggregated(group->aggregate, group->of->class))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("aggregate \"%s\" is not of fields of type %s",
							   FilterAggregateWord(group->aggregate), group->of->type),
						errdetail("At %s.of: field \"%s\".", place->path, rows->of),
						errhint("Sums and averages are of numbers, min and max of numbers, dates "
								"and times.")));
	group->argument = argument_of(group);
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

/*
 * The relation that a row group is over.
 */
RelatedRows *
BindRelation(BindPlace *place)
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

/*
 * A row group without its filters; place->options are for its rows.
 */
RowGroup *
BindRowGroup(BindPlace *place, RelatedRows *rows)
{
	RowGroup *group = palloc0(sizeof(RowGroup));

	group->rows = rows;
	if (rows == place->table->memberships)
		check_memberships(place);
	group->condition = FieldRelationCondition(rows, place->table->owner);
	group->aggregate = place->node->rows->aggregate;
	return group;
}

static Predicate *
rows_exist(const RowGroup *group)
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

/*
 * The comparison of the aggregate where it is one of existence, else NULL, with
 * place->field set to one that stands for the aggregate.
 */
Predicate *
BindRowsExist(const RowGroup *group, BindPlace *place)
{
	FilterOperator op = place->node->op;
	bool of_rows = (op == FILTER_OP_EMPTY || op == FILTER_OP_NOT_EMPTY);

	if (group->aggregate == FILTER_AGGREGATE_EXISTS)
		return rows_exist(group);
	/* empty is that there is no row behind it */
	if (of_rows && is_zero_over_none(group->aggregate))
		return op == FILTER_OP_EMPTY ? PredicateNot(rows_exist(group)) : rows_exist(group);
	place->field = compared_field(group);
	return NULL;
}

static bool
moves(Atom *atom, void *arg)
{
	return atom->moves;
}

static bool
set_group(Atom *atom, void *arg)
{
	RowGroup *group = arg;

	atom->scope = ATOM_GROUP;
	atom->rows = group->rows;
	atom->group = group;
	atom->moves |= PredicateWalk(group->predicate, moves, NULL);
	return false;
}

/*
 * Make atoms over the group of those of a comparison, which were bound as over
 * a field of the contact.
 */
void
BindOverGroup(Predicate *comparison, RowGroup *group)
{
	(void) PredicateWalk(comparison, set_group, group);
}
