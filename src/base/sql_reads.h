/*
 * sql_reads.h - what an expression depends on beside its row.
 */
#ifndef SEGMENTS_SQL_READS_H
#define SEGMENTS_SQL_READS_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "nodes/pg_list.h"

typedef struct SqlReads
{
	bool clock;      /* CURRENT_DATE, now() */
	List *tables;    /* OIDs, of subqueries */
	List *functions; /* OIDs: stable, and not the server's own */
} SqlReads;

extern void SqlReadsOf(Node *expr, SqlReads *reads);

#endif /* SEGMENTS_SQL_READS_H */
