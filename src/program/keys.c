/*
 * keys.c - keys of contacts: their order, arrays of them, and how an index is
 * asked for one.
 */
#include "postgres.h"

#include "program/keys.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/index_probe.h"
#include "program/program.h"

int
ProgramCompareKeys(Program *program, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(&program->key_compare, program->key_collation, a, b));
}

static int
compare_keys(const void *a, const void *b, void *arg)
{
	return ProgramCompareKeys(arg, *(const Datum *) a, *(const Datum *) b);
}

/*
 * Sort keys and drop duplicates.
 */
void
ProgramSortKeys(Program *program, Datum *keys, int *nkeys)
{
	int kept = 0;
	int i;

	qsort_arg(keys, *nkeys, sizeof(Datum), compare_keys, program);
	for (i = 0; i < *nkeys; i++)
		if (kept == 0 || compare_keys(&keys[kept - 1], &keys[i], program) != 0)
			keys[kept++] = keys[i];
	*nkeys = kept;
}

/*
 * Position of a key among sorted ones, or -1.
 */
int
ProgramFindKey(Program *program, const Datum *keys, int nkeys, Datum key)
{
	int low = 0;
	int high = nkeys - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = ProgramCompareKeys(program, keys[middle], key);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/*
 * Keys as an array Datum, for a query's parameter.
 */
Datum
ProgramKeyArray(Program *program, Datum *keys, int nkeys)
{
	return PointerGetDatum(construct_array(keys, nkeys, program->table->key_type, program->key_len,
										   program->key_byval, program->key_align));
}

/* The next column is the key of a contact. */
void
ProgramProbeKey(IndexProbe *probe, Program *program)
{
	Oid operator= lookup_type_cache(program->table->key_type, TYPECACHE_EQ_OPR)->eq_opr;

	IndexProbeKey(probe, InvalidOid, get_opcode(operator));
}
