/*
 * sql_rights.h - may a role evaluate an expression?
 */
#ifndef SEGMENTS_SQL_RIGHTS_H
#define SEGMENTS_SQL_RIGHTS_H

#include "postgres.h"

#include "nodes/nodes.h"

extern void SqlExprCheckRights(Node *expr, Oid role);

#endif /* SEGMENTS_SQL_RIGHTS_H */
