/*
 * sql_expr.h - SQL text of one expression over one relation -> analyzed tree.
 */
#ifndef SEGMENTS_SQL_EXPR_H
#define SEGMENTS_SQL_EXPR_H

#include "postgres.h"

#include "nodes/nodes.h"

extern Node *SqlExprParse(const char *sql, Oid relid, const char *alias);
extern Node *SqlExprAnalyze(const char *sql, Oid relid, const char *alias);
extern char *SqlExprText(Node *expr, Oid relid);
extern char *SqlExprQualify(const char *sql, Oid relid, const char *alias, const char *new_alias,
							Oid role, Oid *type, bool *deterministic);

#endif /* SEGMENTS_SQL_EXPR_H */
