/*
 * plain_expr.h - is an expression made of nothing but the server's own parts?
 */
#ifndef SEGMENTS_PLAIN_EXPR_H
#define SEGMENTS_PLAIN_EXPR_H

#include "postgres.h"

#include "nodes/nodes.h"

extern bool SqlExprIsPlain(Node *expr, Oid owner);

#endif /* SEGMENTS_PLAIN_EXPR_H */
