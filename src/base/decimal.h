/*
 * decimal.h - the exact decimal that a floating-point number stands for.
 */
#ifndef SEGMENTS_DECIMAL_H
#define SEGMENTS_DECIMAL_H

#include "postgres.h"

extern Datum DecimalOfText(const char *text);
extern Datum DecimalOfFloat(double value, bool single);

#endif /* SEGMENTS_DECIMAL_H */
