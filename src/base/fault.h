/*
 * fault.h - a build for tests, in which an error can be raised at any passage
 * of our code through a point where the server itself may raise one.
 *
 * `make FAULT_INJECTION=1` includes this before everything else that is
 * compiled.  Here the points are wrapped, under their own names: where we look
 * for interrupts, where we allocate, where we call parts of the server that
 * wait, lock, read or write.  A normal build knows nothing of it.
 */
#ifndef SEGMENTS_FAULT_H
#define SEGMENTS_FAULT_H

#ifdef SEGMENTS_FAULT_INJECTION

#include "postgres.h"

/* what is wrapped is declared first */
#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/dsm.h"
#include "utils/memutils.h"

extern void FaultDefineSettings(void);
extern void FaultPoint(void);
extern void FaultAllocation(void);

#undef CHECK_FOR_INTERRUPTS
#define CHECK_FOR_INTERRUPTS()                                                                     \
	do                                                                                             \
	{                                                                                              \
		if (INTERRUPTS_PENDING_CONDITION())                                                        \
			ProcessInterrupts();                                                                   \
		FaultPoint();                                                                              \
	} while (0)

/* A macro is not expanded within itself: the names inside are the functions'. */
#define palloc(...) (FaultAllocation(), palloc(__VA_ARGS__))
#define palloc0(...) (FaultAllocation(), palloc0(__VA_ARGS__))
#define repalloc(...) (FaultAllocation(), repalloc(__VA_ARGS__))
#define repalloc_huge(...) (FaultAllocation(), repalloc_huge(__VA_ARGS__))
#define pstrdup(...) (FaultAllocation(), pstrdup(__VA_ARGS__))
#define psprintf(...) (FaultAllocation(), psprintf(__VA_ARGS__))
#define MemoryContextAlloc(...) (FaultAllocation(), MemoryContextAlloc(__VA_ARGS__))
#define MemoryContextAllocZero(...) (FaultAllocation(), MemoryContextAllocZero(__VA_ARGS__))
#define MemoryContextAllocHuge(...) (FaultAllocation(), MemoryContextAllocHuge(__VA_ARGS__))
#define MemoryContextStrdup(...) (FaultAllocation(), MemoryContextStrdup(__VA_ARGS__))
#define AllocSetContextCreateInternal(...)                                                         \
	(FaultAllocation(), AllocSetContextCreateInternal(__VA_ARGS__))
#define CreateExprContext(...) (FaultAllocation(), CreateExprContext(__VA_ARGS__))
#define dsm_create(...) (FaultAllocation(), dsm_create(__VA_ARGS__))
#define dsm_attach(...) (FaultAllocation(), dsm_attach(__VA_ARGS__))
#define dsm_pin_segment(...) (FaultAllocation(), dsm_pin_segment(__VA_ARGS__))

#define table_open(...) (FaultPoint(), table_open(__VA_ARGS__))
#define index_open(...) (FaultPoint(), index_open(__VA_ARGS__))
#define systable_beginscan(...) (FaultPoint(), systable_beginscan(__VA_ARGS__))
#define systable_getnext(...) (FaultPoint(), systable_getnext(__VA_ARGS__))
#define index_getnext_slot(...) (FaultPoint(), index_getnext_slot(__VA_ARGS__))
#define index_insert(...) (FaultPoint(), index_insert(__VA_ARGS__))
#define heap_insert(...) (FaultPoint(), heap_insert(__VA_ARGS__))
#define heap_multi_insert(...) (FaultPoint(), heap_multi_insert(__VA_ARGS__))
#define simple_heap_insert(...) (FaultPoint(), simple_heap_insert(__VA_ARGS__))
#define CatalogTupleInsert(...) (FaultPoint(), CatalogTupleInsert(__VA_ARGS__))
#define table_tuple_lock(...) (FaultPoint(), table_tuple_lock(__VA_ARGS__))
#define table_tuple_insert(...) (FaultPoint(), table_tuple_insert(__VA_ARGS__))
#define ExecEvalExpr(...) (FaultPoint(), ExecEvalExpr(__VA_ARGS__))
#define SPI_connect(...) (FaultPoint(), SPI_connect(__VA_ARGS__))
#define SPI_prepare(...) (FaultPoint(), SPI_prepare(__VA_ARGS__))
#define SPI_prepare_cursor(...) (FaultPoint(), SPI_prepare_cursor(__VA_ARGS__))
#define SPI_execute_plan(...) (FaultPoint(), SPI_execute_plan(__VA_ARGS__))
#define SPI_execute_extended(...) (FaultPoint(), SPI_execute_extended(__VA_ARGS__))
#define SPI_execute_snapshot(...) (FaultPoint(), SPI_execute_snapshot(__VA_ARGS__))
#define SPI_cursor_open(...) (FaultPoint(), SPI_cursor_open(__VA_ARGS__))
#define SPI_cursor_fetch(...) (FaultPoint(), SPI_cursor_fetch(__VA_ARGS__))
#define BeginInternalSubTransaction(...) (FaultPoint(), BeginInternalSubTransaction(__VA_ARGS__))
#define ReleaseCurrentSubTransaction(...) (FaultPoint(), ReleaseCurrentSubTransaction(__VA_ARGS__))
#define CommandCounterIncrement(...) (FaultPoint(), CommandCounterIncrement(__VA_ARGS__))

#endif /* SEGMENTS_FAULT_INJECTION */

#endif /* SEGMENTS_FAULT_H */
