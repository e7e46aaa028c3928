/*
 * field_context.c - what an error in a field's expression says to a writer who
 * has never heard of the field.
 *
 * An expression or a condition that its owner declared may raise for some row,
 * and then refuses the row, as an expression index does.  The context of the
 * error names the field, the contact table and the segments that need it, the
 * hint the way out.
 *
 * Runs inside of an error: reads the image, and who owns the table
 * (owner_message.c).
 */
#include "postgres.h"

#include "evaluate/field_context.h"

#include "definition/owner_message.h"
#include "program/image.h"
#include "program/program.h"

#define SHOWN_SEGMENTS 5

/* Is the atom computed from this facet of this source? */
static bool
is_of_facet(const ImageAtom *atom, int source, int facet)
{
	return atom->source == source && (atom->facet == facet || atom->condition == facet ||
									  atom->argument == facet || atom->order == facet);
}

static bool
concerns(const FieldContext *context, int id)
{
	const Program *program = context->program;

	if (context->facet == NULL)
		return context->atom == id;
	return is_of_facet(&program->atoms[id], context->source, context->facet->id);
}

static bool
has_atom(const FieldContext *context, const uint32 *code)
{
	const uint32 *end = IMAGE_NEXT(code);
	const uint32 *arg;

	if (IMAGE_OP(code) == IMAGE_OP_ATOM)
		return concerns(context, IMAGE_OPERAND(code));
	for (arg = code + 1; arg < end; arg = IMAGE_NEXT(arg))
		if (has_atom(context, arg))
			return true;
	return false;
}

/* Ids of the segments that need the value: "5, 7 and others". */
static void
list_segments(const FieldContext *context, char *out, size_t size)
{
	const Program *program = context->program;
	int shown = 0;
	size_t n = 0;
	int i;

	out[0] = '\0';
	for (i = 0; i < program->nsegments; i++)
	{
		if (!has_atom(context, ProgramCode(program, i)))
			continue;
		if (shown == SHOWN_SEGMENTS)
		{
			snprintf(out + n, size - n, " and others");
			return;
		}
		n += snprintf(out + n, size - n, "%s" INT64_FORMAT, shown++ > 0 ? ", " : "",
					  program->segments[i].id);
	}
}

/* Is it an error in the expression, not a notice, nor something from outside? */
static bool
is_of_expression(int code)
{
	int category = ERRCODE_TO_CATEGORY(code);

	return category != ERRCODE_SUCCESSFUL_COMPLETION && category != ERRCODE_WARNING &&
		   category != ERRCODE_OPERATOR_INTERVENTION && category != ERRCODE_TRANSACTION_ROLLBACK &&
		   category != ERRCODE_INSUFFICIENT_RESOURCES;
}

static void
explain_error(void *arg)
{
	const FieldContext *context = arg;
	char segments[160];
	char message[320];

	list_segments(context, segments, sizeof(segments));
	snprintf(message, sizeof(message), "field \"%s\" cannot be computed for some contact of %s",
			 context->name ? context->name : "?", context->program->table->name);
	OwnerMessageHide(context->program->relid, message);
	errcontext("field \"%s\" of contact table %s, used by segments %s",
			   context->name ? context->name : "?", context->program->table->name, segments);
	if (is_of_expression(geterrcode()))
		errhint("Change the expression with segments.define_field(), or unpublish the segments.");
}

static void
push(FieldContext *context)
{
	context->callback.callback = explain_error;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

/*
 * From here on errors are about a facet, which is of one of the program's
 * sources.
 */
void
FieldContextOfFacet(FieldContext *context, Program *program, const Facet *facet)
{
	context->program = program;
	context->facet = facet;
	context->source = 0;
	while (context->source < program->nsources &&
		   program->sources[context->source] != facet->source)
		context->source++;
	context->name = ImageString(program->image, facet->image->field);
	push(context);
}

/*
 * From here on errors are about an atom that is asked by a query.
 */
void
FieldContextOfAtom(FieldContext *context, Program *program, int atom)
{
	context->program = program;
	context->facet = NULL;
	context->atom = atom;
	context->name = ProgramAtomBound(program, atom)->field->name;
	push(context);
}

void
FieldContextEnd(FieldContext *context)
{
	error_context_stack = context->callback.previous;
}
