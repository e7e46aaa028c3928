/*
 * bind.c - filter tree + contact table -> bound predicate.
 *
 * Walks groups and glue (SEMANTICS §1.1, §1.2), finds the field of each filter,
 * checks that the operator is offered for it, and hands value and operator to
 * bind_value.c.  Every refusal names its place in the document.
 */
#include "postgres.h"

#include "predicate/bind.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "definition/hidden_rows.h"
#include "filter/filter.h"
#include "filter/filter_flat.h"
#include "filter/filter_operator.h"
#include "predicate/bind_place.h"
#include "predicate/bind_rows.h"
#include "predicate/bind_value.h"
#include "predicate/bind_within.h"
#include "predicate/predicate.h"

/* ----- fields and operators ----- */

static bool
is_list_like(const Field *field)
{
	if (field->class == FIELD_MULTISELECT || field->class == FIELD_SEGMENT)
		return true;
	return field->rows != NULL && !field->rows->only_primary &&
		   field->rows->contact_reference == NULL &&
		   (field->class == FIELD_TEXT || field->class == FIELD_ID || field->class == FIELD_NUMBER);
}

#define OP(name) (1u << FILTER_OP_##name)
#define OPS_EQUAL (OP(EQ) | OP(NEQ))
#define OPS_ORDER (OP(GT) | OP(GTE) | OP(LT) | OP(LTE))
#define OPS_EMPTY (OP(EMPTY) | OP(NOT_EMPTY))
#define OPS_PATTERN                                                                                \
	(OP(LIKE) | OP(NOT_LIKE) | OP(CONTAINS) | OP(STARTS_WITH) | OP(ENDS_WITH) | OP(REGEXP) |       \
	 OP(NOT_REGEXP))
#define OPS_IN (OP(IN) | OP(NOT_IN))
#define OPS_ALL (OP(INCLUDING_ALL) | OP(EXCLUDING_ALL))
#define OPS_BETWEEN (OP(BETWEEN) | OP(NOT_BETWEEN))
#define OPS_SPAN (OP(IN_LAST) | OP(IN_NEXT))

/*
 * The operators a field takes (SEMANTICS §3), as a set of bits.
 */
uint32
BindOperatorsOffered(const Field *field)
{
	uint32 all = (field->aggregate == AGGREGATE_NONE && is_list_like(field)) ? OPS_ALL : 0;

	if (field->aggregate == AGGREGATE_COUNT || field->aggregate == AGGREGATE_SUM)
		return OPS_EQUAL | OPS_ORDER | OPS_EMPTY | OPS_PATTERN | OPS_IN | OPS_BETWEEN;
	/* one row has one segment */
	if (field->class == FIELD_SEGMENT && field->row_of != NULL)
		return OPS_EQUAL | OPS_IN;
	switch (field->class)
	{
		case FIELD_TEXT:
			return OPS_EQUAL | OPS_EMPTY | OPS_PATTERN | OPS_IN | all;
		case FIELD_NUMBER:
			return OPS_EQUAL | OPS_ORDER | OPS_EMPTY | OPS_PATTERN | OPS_IN | OPS_BETWEEN | all;
		case FIELD_BOOLEAN:
			return OPS_EQUAL;
		case FIELD_DATE:
		case FIELD_DATETIME:
			return OPS_EQUAL | OPS_ORDER | OPS_EMPTY | OPS_PATTERN | OPS_BETWEEN | OPS_SPAN;
		case FIELD_TIME:
			return OPS_EQUAL | OPS_ORDER | OPS_EMPTY | OPS_PATTERN | OPS_BETWEEN;
		case FIELD_MULTISELECT:
			return OPS_EMPTY | OPS_IN | OPS_ALL;
		case FIELD_ID:
			return OPS_EQUAL | OPS_EMPTY | OPS_IN | all;
		case FIELD_SEGMENT:
			return OPS_EQUAL | OPS_IN | OPS_ALL;
	}
	return 0;
}

static char *
operator_names(uint32 offered)
{
	StringInfoData out;
	int op;

	initStringInfo(&out);
	for (op = 1; op <= FILTER_OP_LAST; op++)
		if (offered & (1u << op))
			appendStringInfo(&out, "%s%s", out.len ? ", " : "", FilterOperatorSymbol(op));
	return out.data;
}

/*
 * A list under = or != is read as in or !in, where those are offered.
 */
static FilterOperator
effective_operator(const Field *field, const FilterNode *node)
{
	uint32 offered = BindOperatorsOffered(field);

	if (node->value.kind == FILTER_VALUE_LIST && (offered & OP(IN)))
	{
		if (node->op == FILTER_OP_EQ)
			return FILTER_OP_IN;
		if (node->op == FILTER_OP_NEQ)
			return FILTER_OP_NOT_IN;
	}
	return node->op;
}

static void
check_operator(BindPlace *place, FilterOperator op)
{
	uint32 offered = BindOperatorsOffered(place->field);

	if (offered & (1u << op))
		return;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
					errmsg("operator \"%s\" is not offered for field \"%s\" of type %s",
						   FilterOperatorSymbol(op), place->field->name, place->field->type),
					errdetail("At %s.operator.", place->path),
					errhint("Operators of this field: %s.", operator_names(offered))));
}

static void
refuse_field(BindPlace *place)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 place->field ? errmsg("field \"%s\" of object %s is not available for segments",
								   place->node->field, place->node->object)
						  : errmsg("field \"%s\" of object %s does not exist", place->node->field,
								   place->node->object),
			 errdetail("At %s.field.", place->path),
			 errhint("segments.field lists the fields of contact table %s.", place->table->name)));
}

/* The predicate of one filter whose field is known. */
static Predicate *
bind_operator(BindPlace *place)
{
	FilterNode effective = *place->node;

	effective.op = effective_operator(place->field, place->node);
	check_operator(place, effective.op);
	place->node = &effective;
	return BindCondition(place);
}

static Predicate *
bind_condition(const FilterNode *node, ContactTable *table, const BindOptions *options,
			   const char *path)
{
	BindPlace place = {table, options, path, node, NULL};

	if (options->row)
		(void) BindFieldOfRow(&place, psprintf("%s.field", path), node->field);
	else
		place.field = FieldLookup(table, node->object, node->field);
	if (place.field == NULL || (options->storing && !place.field->available))
		refuse_field(&place);
	return bind_operator(&place);
}

/* ----- groups ----- */

static Predicate *bind_node(const FilterNode *node, ContactTable *table, const BindOptions *options,
							const char *path);

/* In order: glue "or" opens a new alternative, "and" joins the present one. */
static Predicate *
bind_group(const FilterNode *group, ContactTable *table, const BindOptions *options,
		   const char *path)
{
	List *alternatives = NIL;
	List *present = NIL;
	Predicate *result;
	int i;

	check_stack_depth();
	for (i = 0; i < group->nchildren; i++)
	{
		const FilterNode *child = group->children[i];
		char *child_path = psprintf("%s[%d]", path, i);

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && child->glue == FILTER_GLUE_OR)
		{
			alternatives = lappend(alternatives, PredicateCombineList(PREDICATE_AND, present));
			present = NIL;
		}
		present = lappend(present, bind_node(child, table, options, child_path));
	}
	alternatives = lappend(alternatives, PredicateCombineList(PREDICATE_AND, present));
	result = PredicateCombineList(PREDICATE_OR, alternatives);
	return group->negate ? PredicateNot(result) : result;
}

/* The filters of a row group, over one of its rows. */
static Predicate *
bind_row_filters(BindPlace *place)
{
	FilterNode filters = *place->node;

	if (filters.nchildren == 0)
		return PredicateConstant(true);
	filters.negate = false;
	return bind_group(&filters, place->table, place->options, psprintf("%s.filters", place->path));
}

/*
 * A row group: a predicate over the contact, or within another row group over
 * the outer row and its contact.
 */
static Predicate *
bind_rows(const FilterNode *node, ContactTable *table, const BindOptions *options, const char *path)
{
	BindOptions own = *options;
	BindPlace outer = {table, options, path, node, NULL};
	BindPlace place = {table, &own, path, node, NULL};
	RowGroup *group;
	Predicate *result;

	check_stack_depth();
	own.row = BindRelation(&place);
	group = BindRowGroup(&place, own.row);
	group->inner = (options->row != NULL);
	group->predicate = bind_row_filters(&place);
	BindRowGroupOf(group, &place);
	if (node->rows->within != NULL)
		group->within = BindWithin(&place, &outer);
	result = BindRowsExist(group, &place);
	if (result == NULL)
		result = bind_operator(&place);
	BindOverGroup(result, group);
	return node->negate ? PredicateNot(result) : result;
}

static Predicate *
bind_node(const FilterNode *node, ContactTable *table, const BindOptions *options, const char *path)
{
	if (FilterNodeIsRows(node))
		return bind_rows(node, table, options, path);
	if (FilterNodeIsGroup(node))
		return bind_group(node, table, options, psprintf("%s.filters", path));
	return bind_condition(node, table, options, path);
}

/*
 * Bind a whole document, in the current memory context.  An empty one is a
 * static segment: nobody matches.
 */
Predicate *
BindFilter(const FilterNode *root, ContactTable *table, const BindOptions *options)
{
	BindOptions own = *options;
	int64 arcs = 0;

	own.regexp_arcs = &arcs;
	if (root->nchildren == 0)
		return PredicateConstant(false);
	return bind_group(root, table, &own, "$");
}

/*
 * Bind filters that are stored, or were when they were given: fields may have
 * been withdrawn since.
 */
Predicate *
BindStored(const Filter *filters, ContactTable *table)
{
	BindOptions options = {false};

	return BindFilter(FilterUnflatten(filters), table, &options);
}

/* Are the rows that an atom looks at, and the groups in it, there to be seen? */
static bool
refuse_hidden(Atom *atom, void *arg)
{
	const ContactTable *table = arg;

	if (atom->rows != NULL)
		HiddenRowsRefuse(atom->rows, table);
	if (atom->group == NULL)
		return false;
	HiddenRowsRefuse(atom->group->rows, table);
	return PredicateWalk(atom->group->predicate, refuse_hidden, arg);
}

/*
 * The same, to be evaluated as the owner of the contact table: an error where row
 * security hides rows from that role.
 */
Predicate *
BindEvaluated(const Filter *filters, ContactTable *table)
{
	Predicate *predicate = BindStored(filters, table);

	(void) PredicateWalk(predicate, refuse_hidden, table);
	return predicate;
}
