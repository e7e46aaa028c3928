/*
 * compat.h - the only file that tests the server's version.  The code is
 * written in the newest server's spelling; older ones are helped here.
 */
#ifndef SEGMENTS_COMPAT_H
#define SEGMENTS_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 140000
#error "segments needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#else
/* Soft errors came with 16: before, an input function raises. */
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#define errsave(context, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)
#define SOFT_ERROR_OCCURRED(escontext) false
#endif

/* A prefix of settings is reserved under a better name since 15. */
#if PG_VERSION_NUM >= 150000
#define MarkSettingsReserved(prefix) MarkGUCPrefixReserved(prefix)
#else
#define MarkSettingsReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#define setup_parse_fixed_parameters(pstate, types, count) parse_fixed_parameters(pstate, types, count)
#endif

/* Vars say since 16 which outer joins can null them. */
#if PG_VERSION_NUM >= 160000
#define VarCopyOuter(to, from) ((to)->varnullingrels = (from)->varnullingrels)
#else
#define VarCopyOuter(to, from) ((void) 0)
#endif

/*
 * Let a query read all its tables as this role: permissions moved from the
 * range table entries to a list of their own in 16.
 */
#if PG_VERSION_NUM >= 160000
#define QueryReadAs(query, role) \
	do { \
		ListCell   *cell_; \
		foreach(cell_, (query)->rteperminfos) \
			lfirst_node(RTEPermissionInfo, cell_)->checkAsUser = (role); \
	} while (0)
#else
#define QueryReadAs(query, role) \
	do { \
		ListCell   *cell_; \
		foreach(cell_, (query)->rtable) \
			lfirst_node(RangeTblEntry, cell_)->checkAsUser = (role); \
	} while (0)
#endif

/* Whether a deferrable primary key counts is asked since 18; we take none. */
#if PG_VERSION_NUM >= 180000
#define PrimaryKeyIndex(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define PrimaryKeyIndex(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* Deleting takes a set of options since 19, in place of a flag at the end. */
#if PG_VERSION_NUM >= 190000
#define TableTupleDelete(rel, tid, cid, snapshot, failure) \
	table_tuple_delete(rel, tid, cid, 0, snapshot, InvalidSnapshot, true, failure)
#else
#define TableTupleDelete(rel, tid, cid, snapshot, failure) \
	table_tuple_delete(rel, tid, cid, snapshot, InvalidSnapshot, true, failure, false)
#endif

/* The pages of a bitmap, in their order: the iterator got another name in 18. */
#include "access/genam.h"
#include "access/tableam.h"
#include "nodes/tidbitmap.h"

#if PG_VERSION_NUM >= 180000
#define BitmapPages TBMPrivateIterator
#define BitmapPagesBegin(bitmap) tbm_begin_private_iterate(bitmap)
#define BitmapPagesEnd(pages) tbm_end_private_iterate(pages)
#define BitmapScanBegin(index, snapshot, nkeys) index_beginscan_bitmap(index, snapshot, NULL, nkeys)
#else
#define BitmapPages TBMIterator
#define BitmapPagesBegin(bitmap) tbm_begin_iterate(bitmap)
#define BitmapPagesEnd(pages) tbm_end_iterate(pages)
#define BitmapScanBegin(index, snapshot, nkeys) index_beginscan_bitmap(index, snapshot, nkeys)
#endif

static inline bool
BitmapPagesNext(BitmapPages *pages, BlockNumber *block)
{
#if PG_VERSION_NUM >= 180000
	TBMIterateResult result;

	if (!tbm_private_iterate(pages, &result))
		return false;
	*block = result.blockno;
#else
	TBMIterateResult *result = tbm_iterate(pages);

	if (result == NULL)
		return false;
	*block = result->blockno;
#endif
	return true;
}

/* Scans take options since 19. */
#if PG_VERSION_NUM >= 190000
#define TableScanTidRange(rel, snapshot, first, last) table_beginscan_tidrange(rel, snapshot, first, last, 0)
#else
#define TableScanTidRange(rel, snapshot, first, last) table_beginscan_tidrange(rel, snapshot, first, last)
#endif

#endif							/* SEGMENTS_COMPAT_H */
