/*
 * addend.c - numbers that can be added up without end.
 *
 * A numeric has room for 131,072 digits before the point, and the sum of two
 * may not fit.  No filter may fail a write for that, so greater ones count as
 * the greatest that a sum of any number of rows has room for.  No value of a
 * filter is nearly as great.
 */
#include "postgres.h"

#include "base/addend.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/decimal.h"

#define GREATEST "1e131000"

static Datum
constant(const char *text)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Datum result = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	MemoryContextSwitchTo(old);
	return result;
}

/*
 * The number, or the end of the range on its side.  NaN and infinity stay.
 */
Datum
Addend(Datum number)
{
	static Datum least = 0;
	static Datum greatest = 0;
	Numeric value = DatumGetNumeric(number);

	if (numeric_is_nan(value) || numeric_is_inf(value))
		return number;
	if (greatest == 0)
		least = constant("-" GREATEST);
	if (greatest == 0)
		greatest = constant(GREATEST);
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, greatest)) > 0)
		return greatest;
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, least)) < 0 ? least : number;
}

/* segments_internal.addend(numeric): the same in SQL. */
PG_FUNCTION_INFO_V1(segments_addend);
Datum
segments_addend(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(Addend(PG_GETARG_DATUM(0)));
}

/*
 * segments_internal.addend(real), (double precision): the decimal that is shown,
 * which a cast to numeric rounds.  There is room for sums of these.
 */
PG_FUNCTION_INFO_V1(segments_addend_float4);
Datum
segments_addend_float4(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DecimalOfFloat(PG_GETARG_FLOAT4(0), true));
}

PG_FUNCTION_INFO_V1(segments_addend_float8);
Datum
segments_addend_float8(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DecimalOfFloat(PG_GETARG_FLOAT8(0), false));
}
