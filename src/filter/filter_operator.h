/*
 * filter_operator.h - the one table of operators.
 */
#ifndef SEGMENTS_FILTER_OPERATOR_H
#define SEGMENTS_FILTER_OPERATOR_H

#include "postgres.h"

#include "filter/filter.h"

extern const char *FilterOperatorSymbol(FilterOperator op);

/* 0 = none; symbols and legacy names */
extern FilterOperator FilterOperatorLookup(const char *word);

/* != -> =, itself when positive */
extern FilterOperator FilterOperatorPositive(FilterOperator op);

extern bool FilterOperatorIsNegative(FilterOperator op);

/* false: empty, !empty */
extern bool FilterOperatorTakesValue(FilterOperator op);

/* nearest first, then all */
extern char *FilterOperatorHint(const char *word);

#endif /* SEGMENTS_FILTER_OPERATOR_H */
