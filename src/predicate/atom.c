/*
 * atom.c - identity and copies of atoms.
 *
 * Segments are bound one after the other in scratch memory; of each atom the
 * program keeps one copy, whatever the number of segments that have it.  Two
 * atoms are the same when their keys are.
 */
#include "postgres.h"

#include "predicate/atom.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datum.h"

#include "definition/contact_table.h"
#include "definition/field.h"
#include "predicate/atom_sql.h"
#include "predicate/predicate.h"
#include "predicate/predicate_sql.h"
#include "time/phrase.h"

/*
 * What an atom asks, as text: which rows, under which condition, which test.
 */
char *
AtomKey(const Atom *atom, ContactTable *table)
{
	SqlContext context = {0};
	StringInfoData out;

	initStringInfo(&out);
	if (atom->scope == ATOM_MEMBER)
	{
		appendStringInfo(&out, "member " INT64_FORMAT, atom->segment_id);
		return out.data;
	}
	context.table = table;
	context.now_sql = "now";
	if (atom->scope == ATOM_GROUP)
	{
		appendStringInfoString(&out, "group ");
		AtomSql(&out, atom, &context);
		return out.data;
	}
	if (atom->scope == ATOM_ROW)
		appendStringInfo(&out, "row of %s ", atom->rows->name);
	if (atom->scope == ATOM_ROWS)
		appendStringInfo(&out, "%s %s ", atom->rows->name,
						 atom->field->condition ? atom->field->condition : "");
	AtomRowSql(&out, atom, &context);
	return out.data;
}

static char *
copy_string(const char *string)
{
	return string ? pstrdup(string) : NULL;
}

static Phrase *
copy_phrase(const Phrase *phrase)
{
	Phrase *copy;

	if (phrase == NULL)
		return NULL;
	copy = palloc(sizeof(Phrase));
	*copy = *phrase;
	return copy;
}

static Datum
copy_constant(ValueType type, Datum value)
{
	bool by_value = ValueTypeIsWord(type);

	return datumCopy(value, by_value, by_value ? sizeof(Datum) : -1);
}

static void
copy_boundary(Boundary *boundary, ValueType type)
{
	bool constant = boundary->given && boundary->kind == MOMENT_CONSTANT;

	/* a phrase that stays is its constant */
	boundary->phrase = constant ? NULL : copy_phrase(boundary->phrase);
	boundary->text = constant ? NULL : copy_string(boundary->text);
	if (constant)
		boundary->constant = copy_constant(type, boundary->constant);
}

static Predicate *
copy_predicate(const Predicate *predicate)
{
	Predicate *copy = palloc(sizeof(Predicate));
	int i;

	check_stack_depth();
	*copy = *predicate;
	if (predicate->atom != NULL)
		copy->atom = AtomCopy(predicate->atom);
	if (predicate->nargs > 0)
		copy->args = palloc(sizeof(Predicate *) * predicate->nargs);
	for (i = 0; i < predicate->nargs; i++)
		copy->args[i] = copy_predicate(predicate->args[i]);
	return copy;
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

/* Relations belong to the contact table's description and are shared. */
static RowGroup *
copy_group(const RowGroup *group)
{
	RowGroup *copy = palloc(sizeof(RowGroup));

	*copy = *group;
	copy->condition = copy_string(group->condition);
	copy->argument = copy_string(group->argument);
	copy->predicate = copy_predicate(group->predicate);
	if (group->within != NULL)
		copy->within = copy_within(group->within);
	return copy;
}

/*
 * A copy in the current memory context; the field and its relation belong to
 * the contact table's description and are shared.
 */
Atom *
AtomCopy(const Atom *atom)
{
	Atom *copy = palloc(sizeof(Atom));
	int i;

	*copy = *atom;
	copy->value = copy_string(atom->value);
	if (atom->group != NULL)
	{
		/* the field stands for its aggregate, and is its own */
		copy->field = palloc(sizeof(Field));
		*copy->field = *atom->field;
		copy->group = copy_group(atom->group);
	}
	copy->pattern = copy_string(atom->pattern);
	copy->anniversary = copy_phrase(atom->anniversary);
	copy->anniversary_text = copy_string(atom->anniversary_text);
	copy_boundary(&copy->lower, atom->value_type);
	copy_boundary(&copy->upper, atom->value_type);
	if (atom->nconstants > 0)
	{
		copy->constants = palloc(sizeof(Datum) * atom->nconstants);
		for (i = 0; i < atom->nconstants; i++)
			copy->constants[i] = copy_constant(atom->value_type, atom->constants[i]);
	}
	return copy;
}
