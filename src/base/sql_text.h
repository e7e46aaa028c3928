/*
 * sql_text.h - SQL for the text of a value, by nobody's cast.
 */
#ifndef SEGMENTS_SQL_TEXT_H
#define SEGMENTS_SQL_TEXT_H

#include "postgres.h"

extern bool TypesMeetByServer(Oid left, Oid right);
extern char *SqlTextOf(const char *value, Oid type);
extern char *SqlTextsOf(const char *value, Oid type);

#endif /* SEGMENTS_SQL_TEXT_H */
