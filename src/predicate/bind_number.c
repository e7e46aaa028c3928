/*
 * bind_number.c - numbers: exact values, and boundaries in the column's type.
 *
 * A JSON number or numeric string -> numeric; a comparison with it ->
 * boundaries of the column's own type, so that the column's index serves and
 * the comparison stays exact: points > 100.5 is points >= 101, and on a float
 * column the boundary is the nearest float, included or not as exactness asks.
 */
#include "postgres.h"

#include "predicate/bind_number.h"

#include <float.h>
#include <math.h>

#include "nodes/pg_list.h"
#include "utils/fmgrprotos.h"

#include "base/decimal.h"
#include "filter/filter.h"
#include "predicate/bind_place.h"
#include "predicate/predicate.h"

#define MAX_EXPONENT 10000

static int
compare(Datum a, Datum b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
}

/*
 * Decimal syntax only: [sign] digits [. digits] [e exponent], blanks around.
 */
static bool
is_decimal(const char *p)
{
	int digits = 0;
	int exponent = 0;

	p += strspn(p, " \t\r\n");
	if (*p == '+' || *p == '-')
		p++;
	for (; *p >= '0' && *p <= '9'; p++)
		digits++;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++)
			digits++;
	if (digits == 0 || digits > 1000)
		return false;
	if (*p == 'e' || *p == 'E')
	{
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++)
			exponent = Min(exponent * 10 + (*p - '0'), MAX_EXPONENT + 1);
	}
	p += strspn(p, " \t\r\n");
	return *p == '\0' && exponent <= MAX_EXPONENT;
}

/*
 * The value as numeric; refuses what is no decimal number.
 */
Datum
BindNumber(BindPlace *place, const FilterValue *value)
{
	if ((value->kind != FILTER_VALUE_NUMBER && value->kind != FILTER_VALUE_STRING) ||
		!is_decimal(value->text))
		BindRefuseValue(place, value, "a decimal number is expected");
	return DecimalOfText(value->text);
}

/*
 * Shortest decimal form: no exponent, no trailing zeros.
 */
char *
NumberShortest(Datum numeric)
{
	Datum trimmed = DirectFunctionCall1(numeric_trim_scale, numeric);

	return DatumGetCString(DirectFunctionCall1(numeric_out, trimmed));
}

/* ----- boundaries in the column's type ----- */

typedef enum Fit
{
	FIT_VALUE, /* *boundary holds it */
	FIT_BELOW, /* below everything the type holds */
	FIT_ABOVE
} Fit;

/* Round up (for a lower boundary) or down to an int8. */
static Fit
fit_int(Datum number, bool up, Boundary *boundary)
{
	Datum whole = DirectFunctionCall1(up ? numeric_ceil : numeric_floor, number);

	if (compare(whole, DecimalOfText("9223372036854775807")) > 0)
		return FIT_ABOVE;
	if (compare(whole, DecimalOfText("-9223372036854775808")) < 0)
		return FIT_BELOW;
	if (compare(whole, number) != 0)
		boundary->inclusive = true;
	boundary->constant = DirectFunctionCall1(numeric_int8, whole);
	return FIT_VALUE;
}

/*
 * The nearest float.  Where its decimal is not the number itself, it is on one
 * side of it, and in or out of the range accordingly.
 */
static void
fit_float(Datum number, bool lower, bool single, Boundary *boundary)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	double nearest = single ? (double) strtof(text, NULL) : strtod(text, NULL);
	int side;

	/* a column can hold infinity, which is beyond every number */
	if (isinf(nearest))
		nearest = copysign(single ? FLT_MAX : DBL_MAX, nearest);
	side = compare(DecimalOfFloat(nearest, single), number);
	if (side != 0)
		boundary->inclusive = lower ? (side > 0) : (side < 0);
	boundary->constant = single ? Float4GetDatum((float) nearest) : Float8GetDatum(nearest);
}

static Fit
fit(Atom *atom, Datum number, bool lower, Boundary *boundary)
{
	boundary->given = true;
	boundary->kind = MOMENT_CONSTANT;
	switch (atom->value_type)
	{
		case VALUE_INT:
			return fit_int(number, lower, boundary);
		case VALUE_FLOAT4:
			fit_float(number, lower, true, boundary);
			return FIT_VALUE;
		case VALUE_FLOAT8:
			fit_float(number, lower, false, boundary);
			return FIT_VALUE;
		default:
			boundary->constant = number;
			return FIT_VALUE;
	}
}

/*
 * lower <[=] value <[=] upper, either side optional.
 */
Predicate *
BindNumberRange(BindPlace *place, Atom *atom, Datum lower, bool lower_inclusive, bool lower_given,
				Datum upper, bool upper_inclusive, bool upper_given)
{
	Fit result;

	atom->test = TEST_RANGE;
	if (lower_given)
	{
		atom->lower.inclusive = lower_inclusive;
		result = fit(atom, lower, true, &atom->lower);
		if (result == FIT_ABOVE)
			return PredicateConstant(false);
		atom->lower.given = (result == FIT_VALUE);
	}
	if (upper_given)
	{
		atom->upper.inclusive = upper_inclusive;
		result = fit(atom, upper, false, &atom->upper);
		if (result == FIT_BELOW)
			return PredicateConstant(false);
		atom->upper.given = (result == FIT_VALUE);
	}
	return PredicateOfAtom(atom);
}

/* The number in the column's type, if the column can hold exactly it. */
static bool
exact_constant(Atom *atom, Datum number, Datum *constant)
{
	Boundary boundary = {0};

	boundary.inclusive = false;
	if (fit(atom, number, true, &boundary) != FIT_VALUE)
		return false;
	*constant = boundary.constant;
	if (atom->value_type == VALUE_INT)
		return !boundary.inclusive;
	if (atom->value_type == VALUE_FLOAT4)
		return compare(DecimalOfFloat(DatumGetFloat4(*constant), true), number) == 0;
	if (atom->value_type == VALUE_FLOAT8)
		return compare(DecimalOfFloat(DatumGetFloat8(*constant), false), number) == 0;
	return true;
}

/*
 * value = any of the numbers (a List of numeric Datums).
 */
Predicate *
BindNumberAny(BindPlace *place, Atom *atom, List *numbers)
{
	ListCell *cell;

	atom->test = TEST_ANY;
	atom->constants = palloc(sizeof(Datum) * Max(list_length(numbers), 1));
	foreach (cell, numbers)
	{
		Datum constant;

		if (exact_constant(atom, PointerGetDatum(lfirst(cell)), &constant))
			atom->constants[atom->nconstants++] = constant;
	}
	if (atom->nconstants == 0)
		return PredicateConstant(false);
	return PredicateOfAtom(atom);
}
