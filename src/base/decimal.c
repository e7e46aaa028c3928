/*
 * decimal.c - the exact decimal that a floating-point number stands for: its
 * shortest form, which is what people see of it.
 */
#include "postgres.h"

#include "base/decimal.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"

/*
 * The numeric that a text shows.
 */
Datum
DecimalOfText(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/*
 * A double, or with `single` a float, as numeric.  NaN and infinity stay.
 */
Datum
DecimalOfFloat(double value, bool single)
{
	char text[64];

	if (single)
		float_to_shortest_decimal_buf((float) value, text);
	else
		double_to_shortest_decimal_buf(value, text);
	return DecimalOfText(text);
}
