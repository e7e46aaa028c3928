/*
 * program.c - what a program knows: its atoms, segments, sources and plans.
 *
 * What a backend keeps of an atom or of a source is made when it is first asked
 * for (program_open.c makes the program itself).
 */
#include "postgres.h"

#include "program/program.h"

#include "access/table.h"
#include "access/tupdesc.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/secure.h"
#include "definition/guard.h"
#include "definition/hidden_rows.h"
#include "definition/segment.h"
#include "predicate/atom.h"
#include "predicate/bind.h"
#include "predicate/predicate.h"
#include "program/image.h"
#include "text/like.h"
#include "text/regexp.h"
#include "time/phrase.h"

/*
 * A number that differs when the columns do: what an image was compiled for.
 */
uint32
ProgramColumnsHash(TupleDesc desc)
{
	uint32 hash = 0;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		hash = hash_combine(hash, attribute->attisdropped ? 0 : attribute->atttypid);
		hash = hash_combine(
			hash, hash_bytes_uint32((uint32) attribute->atttypmod ^ attribute->attcollation));
		hash = hash_combine(hash, hash_bytes((unsigned char *) NameStr(attribute->attname),
											 strlen(NameStr(attribute->attname))));
	}
	return hash;
}

/*
 * The columns of a source's table, with what columns added later have in rows
 * that were there before.
 */
TupleDesc
ProgramSourceDesc(Program *program, RowSource *source)
{
	MemoryContext old;
	Relation rel;

	if (source->desc != NULL)
		return source->desc;
	rel = table_open(source->relid, AccessShareLock);
	old = MemoryContextSwitchTo(program->context);
	source->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	MemoryContextSwitchTo(old);
	table_close(rel, NoLock);
	return source->desc;
}

/*
 * Is there a source whose rows no foreign key ties to contacts?  Asked when
 * first needed: as keys are now, whatever was compiled.
 */
bool
ProgramIsUnguarded(Program *program)
{
	int i;

	for (i = 1; !program->guards_known && i < program->nsources; i++)
	{
		program->sources[i]->unguarded = GuardIsMissing(program->table, program->sources[i]->rows);
		program->unguarded |= program->sources[i]->unguarded;
	}
	program->guards_known = true;
	return program->unguarded;
}

/* ----- atoms ----- */

static Phrase *
phrase_of(const Image *image, ImageOffset offset)
{
	Phrase *copy;

	if (offset == 0)
		return NULL;
	copy = palloc(sizeof(Phrase));
	*copy = *IMAGE_AT(image, offset, Phrase);
	return copy;
}

static Boundary
boundary_of(const Image *image, ValueType type, ImageOffset offset)
{
	Boundary boundary = {0};
	const ImageMoment *moment;

	if (offset == 0)
		return boundary;
	moment = IMAGE_AT(image, offset, ImageMoment);
	boundary = moment->boundary;
	boundary.phrase = phrase_of(image, moment->phrase);
	if (boundary.kind == MOMENT_CONSTANT)
		boundary.constant = ImageDatum(image, type, boundary.constant);
	return boundary;
}

/* What the image holds of an atom, as far as it is tested on rows. */
static Atom *
atom_of(const Image *image, const ImageAtom *from, int id)
{
	Atom *atom = palloc0(sizeof(Atom));
	const ImageDetail *detail;

	atom->id = id;
	atom->scope = from->scope;
	atom->test = from->test;
	atom->value_type = from->type;
	atom->moves = (from->flags & IMAGE_ATOM_MOVES) != 0;
	if (from->detail == 0)
		return atom;
	detail = IMAGE_AT(image, from->detail, ImageDetail);
	atom->segment_id = detail->segment_id;
	atom->sql_type = detail->sql_type;
	atom->pattern = unconstify(char *, ImageString(image, detail->pattern));
	atom->anniversary = phrase_of(image, detail->day);
	atom->lower = boundary_of(image, atom->value_type, detail->lower);
	atom->upper = boundary_of(image, atom->value_type, detail->upper);
	return atom;
}

/* Patterns that are found by a literal are compiled with their facet (facet.c). */
static void
prepare_pattern(ProgramAtom *patom)
{
	if (patom->image->flags & IMAGE_ATOM_INDEXED)
		return;
	if (patom->atom->test == TEST_LIKE)
		patom->like = LikeCompile(patom->atom->pattern);
	if (patom->atom->test == TEST_REGEXP)
		patom->regexp = RegexpPrepare(patom->atom->pattern);
}

/*
 * What this backend keeps of an atom.
 */
ProgramAtom *
ProgramAtomGet(Program *program, int id)
{
	MemoryContext old;
	ProgramAtom *patom;

	if (program->states != NULL && program->states[id] != NULL)
		return program->states[id];
	old = MemoryContextSwitchTo(program->context);
	if (program->states == NULL)
		program->states = palloc0(sizeof(ProgramAtom *) * program->natoms);
	patom = palloc0(sizeof(ProgramAtom));
	patom->image = &program->atoms[id];
	patom->atom = atom_of(program->image, patom->image, id);
	patom->at = patom->at_until = DT_NOBEGIN;
	if (patom->image->source >= 0)
	{
		patom->source = program->sources[patom->image->source];
		patom->facet = SourceFacet(patom->source, patom->image->facet);
		patom->condition = SourceFacet(patom->source, patom->image->condition);
		patom->argument = SourceFacet(patom->source, patom->image->argument);
		patom->order = SourceFacet(patom->source, patom->image->order);
	}
	if (patom->image->detail != 0)
		patom->aggregate = IMAGE_AT(program->image, patom->image->detail, ImageDetail)->aggregate;
	prepare_pattern(patom);
	program->states[id] = patom;
	MemoryContextSwitchTo(old);
	return patom;
}

/* The atom of a predicate that is met as the n-th. */
static Atom *
nth_atom(const Predicate *predicate, int *n)
{
	Atom *found = NULL;
	int i;

	if (predicate->kind == PREDICATE_ATOM && (*n)-- == 0)
		return predicate->atom;
	if (predicate->kind == PREDICATE_ATOM && predicate->atom->scope == ATOM_GROUP)
		return nth_atom(predicate->atom->group->predicate, n);
	for (i = 0; found == NULL && i < predicate->nargs; i++)
		found = nth_atom(predicate->args[i], n);
	return found;
}

/*
 * A segment's filter bound, kept until another one's is asked for; NULL: the
 * segment is gone.
 */
static Predicate *
bound_filter(Program *program, int segment)
{
	MemoryContext context;
	MemoryContext old;
	SegmentRow *row;

	if (program->bound_context && program->bound_segment == segment)
		return program->bound;
	if (program->bound_context)
		MemoryContextDelete(program->bound_context);
	program->bound_context = NULL;
	context =
		AllocSetContextCreate(CurrentMemoryContext, "segments bound filter", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	row = SegmentById(program->segments[segment].id);
	program->bound = row ? BindStored(row->filters, program->table) : NULL;
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, program->context);
	program->bound_segment = segment;
	program->bound_context = context;
	return program->bound;
}

/* The atom in its filter as that is stored now; NULL: the filter is another, or gone. */
static Atom *
stored_atom(Program *program, const ProgramAtom *patom)
{
	Predicate *filter = bound_filter(program, patom->image->origin);
	int n = patom->image->ordinal;
	Atom *atom = filter ? nth_atom(filter, &n) : NULL;

	if (atom == NULL || atom->test != patom->atom->test || atom->scope != patom->atom->scope)
		return NULL;
	return atom;
}

/*
 * The whole atom, to write SQL from: the filter that it is of is bound again.
 * NULL: that has been changed or deleted since the program was compiled, which
 * can be until the contact table is locked.
 */
const Atom *
ProgramAtomStored(Program *program, int id)
{
	ProgramAtom *patom = ProgramAtomGet(program, id);
	SecureContext secure;
	Atom *atom;

	if (patom->bound != NULL)
		return patom->bound;
	SecureEnter(&secure, program->table->owner);
	atom = stored_atom(program, patom);
	if (atom != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(program->context);

		patom->bound = AtomCopy(atom);
		patom->bound->id = id;
		MemoryContextSwitchTo(old);
	}
	SecureLeave(&secure);
	return patom->bound;
}

/*
 * The same for those who need it: an error where it is not as it was compiled.
 */
const Atom *
ProgramAtomBound(Program *program, int id)
{
	const Atom *atom = ProgramAtomStored(program, id);

	if (atom == NULL)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("segments of contact table \"%s\" are being changed concurrently",
							   get_rel_name(program->relid)),
						errhint("Try again.")));
	return atom;
}

/* ----- segments ----- */

/*
 * The index of a published segment with filters by its id, or -1.
 */
int
ProgramSegmentById(Program *program, int64 id)
{
	int low = 0;
	int high = program->nsegments - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (program->segments[middle].id == id)
			return middle;
		if (program->segments[middle].id < id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/*
 * Indexes of the segments that look at rows of a source, not the contacts'.
 */
Bitmapset *
ProgramSegmentsReading(Program *program, const RowSource *source)
{
	const int32 *atoms = ProgramItems(program, source->image->atoms);
	Bitmapset *result = NULL;
	uint32 i;
	uint32 j;

	for (i = 0; i < source->image->atoms.n; i++)
	{
		ImageList segments = program->atoms[atoms[i]].segments;

		for (j = 0; j < segments.n; j++)
			result = bms_add_member(result, ProgramItems(program, segments)[j]);
	}
	return result;
}

/*
 * Do segments look at rows that are hidden from the owner of the contacts?
 */
bool
ProgramReadsHidden(Program *program)
{
	int i;

	for (i = 1; i < program->nsources; i++)
		if (HiddenRowsOf(program->sources[i]->rows, program->table) &&
			!bms_is_empty(ProgramSegmentsReading(program, program->sources[i])))
			return true;
	return false;
}

/*
 * Add the segments that refer to one.
 */
Bitmapset *
ProgramAddReferencing(Program *program, Bitmapset *segments, int index)
{
	ImageList referencing = program->segments[index].referencing;
	uint32 i;

	for (i = 0; i < referencing.n; i++)
		segments = bms_add_member(segments, ProgramItems(program, referencing)[i]);
	return segments;
}

static Bitmapset *
add_segment(Program *program, Bitmapset *segments, int64 id)
{
	int index = ProgramSegmentById(program, id);

	return index < 0 ? segments : bms_add_member(segments, index);
}

/* The segments whose memberships a row group reads. */
static Bitmapset *
add_group_segments(Program *program, Bitmapset *segments, int id)
{
	const ImageGroup *group = ProgramGroup(program, id);
	const int32 *halves = ProgramItems(program, group->segments);
	uint32 i;

	for (i = 0; i < group->segments.n; i += 2)
		segments = add_segment(program, segments, ImageId(halves[i], halves[i + 1]));
	return segments;
}

/*
 * Indexes of the published segments that a segment refers to itself.
 */
Bitmapset *
ProgramReferences(Program *program, int index)
{
	const uint32 *code = ProgramCode(program, index);
	const uint32 *end = IMAGE_NEXT(code);
	Bitmapset *result = NULL;

	/* every word of a predicate is the head of one of its parts */
	for (; code < end; code++)
	{
		int id = IMAGE_OPERAND(code);

		if (IMAGE_OP(code) != IMAGE_OP_ATOM)
			continue;
		if (program->atoms[id].scope == ATOM_MEMBER)
			result = add_segment(program, result, ProgramAtomGet(program, id)->atom->segment_id);
		if (program->atoms[id].scope == ATOM_GROUP)
			result = add_group_segments(program, result, id);
	}
	return result;
}

/* ----- plans ----- */

/*
 * A kept plan, prepared when first asked for.
 */
SPIPlanPtr
ProgramPlan(Program *program, SPIPlanPtr *slot, const char *sql, int nargs, Oid *types)
{
	MemoryContext old;
	SPIPlanPtr plan;

	if (*slot != NULL)
		return *slot;
	plan = SPI_prepare(sql, nargs, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	/* room for it first: from when it is kept on nothing may be raised */
	old = MemoryContextSwitchTo(program->context);
	program->plans = lappend(program->plans, NULL);
	MemoryContextSwitchTo(old);
	SPI_keepplan(plan);
	llast(program->plans) = plan;
	*slot = plan;
	return plan;
}
