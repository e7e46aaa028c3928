/*
 * fault.c - raises an error at the n-th passage through our points; only in
 * the build for tests that fault.h describes.
 *
 * segments.fault_at says at which passage, counted from when it was set, and
 * segments.fault_kind which error; segments.fault_passed shows how many there
 * were.  An error is raised once, where the server could raise the same: no
 * cancel while interrupts are held off, nothing in a critical section, and no
 * lost lock where only memory is asked for.
 */
#include "postgres.h"

#ifdef SEGMENTS_FAULT_INJECTION

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/fault.h"

typedef enum FaultKind
{
	FAULT_CANCEL,
	FAULT_MEMORY,
	FAULT_LOCK
} FaultKind;

static const struct config_enum_entry kinds[] = {{"cancel", FAULT_CANCEL, false},
												 {"memory", FAULT_MEMORY, false},
												 {"lock", FAULT_LOCK, false},
												 {NULL, 0, false}};

static const int codes[] = {ERRCODE_QUERY_CANCELED, ERRCODE_OUT_OF_MEMORY,
							ERRCODE_LOCK_NOT_AVAILABLE};

static int fault_at = 0;
static int fault_kind = FAULT_CANCEL;
static int fault_passed = 0; /* what the setting shows */
static int passed = 0;

static void
start_counting(int newval, void *extra)
{
	passed = 0;
}

static const char *
show_passed(void)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", passed);
	return text;
}

void
FaultDefineSettings(void)
{
	DefineCustomIntVariable("segments.fault_at", "Raises an error at this passage; 0: none.", NULL,
							&fault_at, 0, 0, INT_MAX, PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL,
							start_counting, NULL);
	DefineCustomEnumVariable("segments.fault_kind", "Which error is raised.", NULL, &fault_kind,
							 FAULT_CANCEL, kinds, PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("segments.fault_passed", "Passages since segments.fault_at was set.",
							NULL, &fault_passed, 0, 0, INT_MAX, PGC_INTERNAL, GUC_NOT_IN_SAMPLE,
							NULL, NULL, show_passed);
}

static void
pass(void)
{
	if (!IsTransactionState() || CritSectionCount > 0 || ++passed != fault_at)
		return;
	ereport(ERROR, (errcode(codes[fault_kind]),
					errmsg("fault injected at passage %d (%s)", passed, kinds[fault_kind].name)));
}

/* Where the server may look for interrupts, wait for a lock, and much else. */
void
FaultPoint(void)
{
	if (fault_kind == FAULT_MEMORY || (InterruptHoldoffCount == 0 && QueryCancelHoldoffCount == 0))
		pass();
}

/* Where memory may run out. */
void
FaultAllocation(void)
{
	if (fault_kind == FAULT_MEMORY)
		pass();
}

#endif /* SEGMENTS_FAULT_INJECTION */
