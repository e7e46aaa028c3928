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
#define ereturn(context, dummy_value, ...)                                                         \
	do                                                                                             \
	{                                                                                              \
		(void) (context);                                                                          \
		ereport(ERROR, __VA_ARGS__);                                                               \
		return dummy_value;                                                                        \
	} while (0)
#define errsave(context, ...)                                                                      \
	do                                                                                             \
	{                                                                                              \
		(void) (context);                                                                          \
		ereport(ERROR, __VA_ARGS__);                                                               \
	} while (0)
#define SOFT_ERROR_OCCURRED(escontext) false
#endif

/* A function that does not return says so before its declaration, since 18. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* A prefix of settings is reserved under a better name since 15. */
#if PG_VERSION_NUM >= 150000
#define MarkSettingsReserved(prefix) MarkGUCPrefixReserved(prefix)
#else
#define MarkSettingsReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#define setup_parse_fixed_parameters(pstate, types, count)                                         \
	parse_fixed_parameters(pstate, (Oid *) (types), count)
#endif

/* One function asks for the rights on every kind of object since 16. */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_proc.h"
#define pg_proc_aclcheck(function, role, mode)                                                     \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#endif

/* A generated column gets another expression since 17. */
#if PG_VERSION_NUM >= 170000
#define AltersExpression(part) ((part)->subtype == AT_SetExpression)
#else
#define AltersExpression(part) false
#endif

/* Up to 15 a memory context brings its methods along. */
#if PG_VERSION_NUM < 160000
#define HAVE_CONTEXT_METHODS 1
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
#define QueryReadAs(query, role)                                                                   \
	do                                                                                             \
	{                                                                                              \
		ListCell *cell_;                                                                           \
		foreach (cell_, (query)->rteperminfos)                                                     \
			lfirst_node(RTEPermissionInfo, cell_)->checkAsUser = (role);                           \
	} while (0)
#else
#define QueryReadAs(query, role)                                                                   \
	do                                                                                             \
	{                                                                                              \
		ListCell *cell_;                                                                           \
		foreach (cell_, (query)->rtable)                                                           \
			lfirst_node(RangeTblEntry, cell_)->checkAsUser = (role);                               \
	} while (0)
#endif

/*
 * Columns that are computed when they are read came with 18: rows in memory
 * have nothing there, so what reads such rows computes them.
 */
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#define ExpandVirtualColumns(expr, rel) expand_generated_columns_in_expr(expr, rel, 1)
#define ColumnIsVirtual(relid, column)                                                             \
	(get_attgenerated(relid, column) == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define ExpandVirtualColumns(expr, rel) (expr)
#define ColumnIsVirtual(relid, column) false
#endif

/*
 * Does the check of a foreign key lock the row that it leads to before the
 * statement's own triggers run?  Since 19 checks are collected, and done after
 * all triggers.
 */
#if PG_VERSION_NUM >= 190000
#define KEYS_LOCK_AT_ONCE false
#else
#define KEYS_LOCK_AT_ONCE true
#endif

/* How rows become those of a partition that was found for them is asked for since 16. */
#if PG_VERSION_NUM >= 160000
#define RootToLeafMap(leaf, estate) ExecGetRootToChildMap(leaf, estate)
#else
#define RootToLeafMap(leaf, estate) ((leaf)->ri_RootToPartitionMap)
#endif

/* Whether a deferrable primary key counts is asked since 18; we take none. */
#if PG_VERSION_NUM >= 180000
#define PrimaryKeyIndex(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define PrimaryKeyIndex(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* An index scan counts itself for EXPLAIN since 18, and takes flags since 19. */
#if PG_VERSION_NUM >= 190000
#define IndexScanBegin(rel, index, snapshot, nkeys)                                                \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define IndexScanBegin(rel, index, snapshot, nkeys)                                                \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define IndexScanBegin(rel, index, snapshot, nkeys) index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

/* What an index keeps open between insertions is given back since 17. */
#if PG_VERSION_NUM >= 170000
#define IndexInsertCleanup(index, info) index_insert_cleanup(index, info)
#else
#define IndexInsertCleanup(index, info) ((void) 0)
#endif

/* Whether a collation compares bytes is told by the collation itself since 18. */
#include "utils/pg_locale.h"
#if PG_VERSION_NUM >= 180000
#define CollationIsC(collation) (pg_newlocale_from_collation(collation)->collate_is_c)
#else
#define CollationIsC(collation) lc_collate_is_c(collation)
#endif

/* Deleting takes a set of options since 19, in place of a flag at the end. */
#if PG_VERSION_NUM >= 190000
#define TableTupleDelete(rel, tid, cid, snapshot, failure)                                         \
	table_tuple_delete(rel, tid, cid, 0, snapshot, InvalidSnapshot, true, failure)
#else
#define TableTupleDelete(rel, tid, cid, snapshot, failure)                                         \
	table_tuple_delete(rel, tid, cid, snapshot, InvalidSnapshot, true, failure, false)
#endif

/*
 * A piece of shared memory by name: from 17 on whoever asks first makes it;
 * before, it has to be asked for while the server starts (PRELOADED_SHARE),
 * in a hook since 15.
 */
#if PG_VERSION_NUM >= 190000
#define NamedShare(name, size, init, found) GetNamedDSMSegment(name, size, init, found, NULL)
#define NAMED_SHARE_INIT(function, memory) function(void *memory, void *arg)
#define NamedLockInitialize(lock, name) LWLockInitialize(lock, LWLockNewTrancheId(name))
#define NamedLockRegister(lock, name) ((void) 0)
#elif PG_VERSION_NUM >= 170000
#define NamedShare(name, size, init, found) GetNamedDSMSegment(name, size, init, found)
#define NAMED_SHARE_INIT(function, memory) function(void *memory)
#define NamedLockInitialize(lock, name) LWLockInitialize(lock, LWLockNewTrancheId())
#define NamedLockRegister(lock, name) LWLockRegisterTranche((lock)->tranche, name)
#else
#define PRELOADED_SHARE
#define NAMED_SHARE_INIT(function, memory) function(void *memory)
#define NamedLockInitialize(lock, name) LWLockInitialize(lock, LWLockNewTrancheId())
#define NamedLockRegister(lock, name) LWLockRegisterTranche((lock)->tranche, name)
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
#if PG_VERSION_NUM >= 150000
#define ShareRequestHook(function, previous)                                                       \
	(previous = shmem_request_hook, shmem_request_hook = function)
#define ShareRequestAtOnce(size) ((void) 0)
#else
#define ShareRequestHook(function, previous) ((void) previous, (void) function)
#define ShareRequestAtOnce(size) RequestAddinShmemSpace(size)
#endif

/* Until 16 a snapshot can be too old: rows that it sees may be removed. */
#if PG_VERSION_NUM < 170000
#define SnapshotsExpire() (old_snapshot_threshold >= 0)
#define TestPageTooOld(snapshot, rel, page) TestForOldSnapshot(snapshot, rel, page)
#else
#define SnapshotsExpire() false
#define TestPageTooOld(snapshot, rel, page) ((void) 0)
#endif

/* Entries of backends by number: renamed in 16, when ids became another thing. */
#if PG_VERSION_NUM >= 160000
#define BackendStatusByIndex(i) pgstat_get_local_beentry_by_index(i)
#else
#define BackendStatusByIndex(i) pgstat_fetch_stat_local_beentry(i)
#endif

#include "access/genam.h"
#include "access/tableam.h"

/* Scans take options since 19. */
#if PG_VERSION_NUM >= 190000
#define TableScanTidRange(rel, snapshot, first, last)                                              \
	table_beginscan_tidrange(rel, snapshot, first, last, 0)
#else
#define TableScanTidRange(rel, snapshot, first, last)                                              \
	table_beginscan_tidrange(rel, snapshot, first, last)
#endif

/* Scans take options, and row types are finished by a call, since 19. */
#if PG_VERSION_NUM >= 190000
#define TableBeginScan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL, SO_NONE)
#else
#define TableBeginScan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL)
#define TupleDescFinalize(desc) ((void) 0)
#endif

#endif /* SEGMENTS_COMPAT_H */
