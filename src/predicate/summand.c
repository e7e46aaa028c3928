/*
 * summand.c - segments.summand(): a number that can be summed without end.
 *
 * The sum of two numerics near the end of the type's range fails.  Filters
 * compare with numbers of 1,000 digits and exponents up to 10,000, so what is
 * beyond 1e20000 is as good as that: a sum over it is beyond every such number
 * too, unless others of its kind cancel it out.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(segments_summand);

static Datum
limit(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* segments.summand(numeric): infinities and NaN stay what they are */
Datum
segments_summand(PG_FUNCTION_ARGS)
{
	Numeric number = PG_GETARG_NUMERIC(0);
	Datum value = NumericGetDatum(number);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		PG_RETURN_DATUM(value);
	if (DatumGetBool(DirectFunctionCall2(numeric_gt, value, limit("1e20000"))))
		PG_RETURN_DATUM(limit("1e20000"));
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, value, limit("-1e20000"))))
		PG_RETURN_DATUM(limit("-1e20000"));
	PG_RETURN_DATUM(value);
}
