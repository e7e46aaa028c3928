/*
 * bind.c - filter tree + contact table -> bound predicate.
 *
 * Step 3a: walks groups and glue (SEMANTICS §1.1, §1.2), finds the field of
 * each filter, checks that the operator is offered for it, and hands value and
 * operator to bind_value.c.  Every refusal names its place in the document.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "predicate/bind.h"

Predicate *
PredicateConstant(bool value)
{
	Predicate *result = palloc0(sizeof(Predicate));

	result->kind = value ? PREDICATE_TRUE : PREDICATE_FALSE;
	return result;
}

Predicate *
PredicateOfAtom(Atom *atom)
{
	Predicate *result = palloc0(sizeof(Predicate));

	result->kind = PREDICATE_ATOM;
	result->atom = atom;
	return result;
}

Predicate *
PredicateNot(Predicate *arg)
{
	Predicate *result;

	if (arg->kind == PREDICATE_NOT)
		return arg->args[0];
	if (arg->kind == PREDICATE_FALSE || arg->kind == PREDICATE_TRUE)
		return PredicateConstant(arg->kind == PREDICATE_FALSE);
	result = palloc0(sizeof(Predicate));
	result->kind = PREDICATE_NOT;
	result->nargs = 1;
	result->args = palloc(sizeof(Predicate *));
	result->args[0] = arg;
	return result;
}

/* AND or OR of a list, simplified where an argument is constant. */
Predicate *
PredicateCombineList(PredicateKind kind, List *args)
{
	PredicateKind absorbing = (kind == PREDICATE_AND) ? PREDICATE_FALSE : PREDICATE_TRUE;
	PredicateKind neutral = (kind == PREDICATE_AND) ? PREDICATE_TRUE : PREDICATE_FALSE;
	Predicate *result = palloc0(sizeof(Predicate));
	ListCell *cell;

	result->kind = kind;
	result->args = palloc(sizeof(Predicate *) * Max(list_length(args), 1));
	foreach (cell, args)
	{
		Predicate *arg = lfirst(cell);

		if (arg->kind == absorbing)
			return arg;
		if (arg->kind != neutral)
			result->args[result->nargs++] = arg;
	}
	if (result->nargs == 0)
		return PredicateConstant(kind == PREDICATE_AND);
	if (result->nargs == 1)
		return result->args[0];
	return result;
}

Predicate *
PredicateCombine(PredicateKind kind, Predicate *left, Predicate *right)
{
	return PredicateCombineList(kind, list_make2(left, right));
}

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

/*
 * Refuse a name that is no field of the rows at hand, or one that is not
 * available; path is where it stands.
 */
void
BindRefuseField(BindPlace *place, const char *path, const char *name)
{
	const char *relation = place->options->row->name;

	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_COLUMN),
		 place->field ? errmsg("field \"%s\" of relation \"%s\" is not available for segments",
							   name, relation)
					  : errmsg("field \"%s\" of relation \"%s\" does not exist", name, relation),
		 errdetail("At %s.", path),
		 errhint("A row has the columns of its table, and the fields that are defined over the "
				 "relation without aggregate.")));
}

/*
 * The predicate of one filter whose field is settled.
 */
Predicate *
BindOperator(BindPlace *place)
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

	place.field = options->row ? FieldOfRow(table, options->row, node->field)
							   : FieldLookup(table, node->object, node->field);
	if (place.field != NULL && (!options->storing || place.field->available))
		return BindOperator(&place);
	if (options->row)
		BindRefuseField(&place, psprintf("%s.field", path), node->field);
	refuse_field(&place);
	return NULL;
}

/* ----- groups ----- */

static Predicate *bind_node(const FilterNode *node, ContactTable *table, const BindOptions *options,
							const char *path);

/*
 * In order: glue "or" opens a new alternative, "and" joins the present one.
 */
Predicate *
BindGroup(const FilterNode *group, ContactTable *table, const BindOptions *options,
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

static Predicate *
bind_node(const FilterNode *node, ContactTable *table, const BindOptions *options, const char *path)
{
	if (FilterNodeIsRows(node))
		return BindRows(node, table, options, path);
	if (FilterNodeIsGroup(node))
		return BindGroup(node, table, options, psprintf("%s.filters", path));
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
	return BindGroup(root, table, &own, "$");
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
