/*
 * sql_expr.h - SQL text -> analysed expression, and the settings in which our
 * own SQL is read and run.
 */
#ifndef SEGMENTS_SQL_EXPR_H
#define SEGMENTS_SQL_EXPR_H

#include "postgres.h"

#include "nodes/primnodes.h"

typedef struct SecureContext
{
	Oid userid;
	int flags;
	int nestlevel;
} SecureContext;

/* secure.c: act as a table's owner, with fixed settings */
extern void SecureBecome(SecureContext *context, Oid owner);
extern void SecureEnter(SecureContext *context, Oid owner);
extern void SecureLeave(SecureContext *context);

/* sql_expr.c */
extern Node *SqlExprParse(const char *sql, Oid relid, const char *alias);
extern char *SqlExprQualify(const char *sql, Oid relid, const char *alias, const char *new_alias,
							Oid *type, bool *deterministic);

/* plain_expr.c */
extern bool SqlExprIsPlain(Node *expr, Oid owner);

#endif /* SEGMENTS_SQL_EXPR_H */
