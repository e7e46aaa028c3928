/*
 * ask.h - one value of a query.
 */
#ifndef SEGMENTS_ASK_H
#define SEGMENTS_ASK_H

#include "postgres.h"

extern char *QueryAsk(const char *sql);

#endif /* SEGMENTS_ASK_H */
