/*
 * fuzz_driver.c - runs a target on inputs until the time is over.
 *
 *	fuzz(target, corpus, dictionary, scratch text, seconds float8, seed int8)
 *
 * First every file of the corpus (a directory), then mutations of those inputs
 * that took a new way through the code.  Each input is written to the file
 * scratch before it runs, so that whoever started this process has it when the
 * process dies: of a sanitizer's finding, a crash, or FuzzFail().
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define MAX_CORPUS 20000
#define HANG_SECONDS 20 /* of one input, in processor time */
#define LEAK_TRIES 4    /* a cache grows once, a leak each time */

/* gcc has it, without a header. */
extern size_t __sanitizer_get_current_allocated_bytes(void);

PG_FUNCTION_INFO_V1(fuzz);

static const FuzzTarget *const targets[] = {&document_target, &stored_target, &recv_target,
											&phrase_target,   &text_target,   &value_target};

static FuzzInput corpus[MAX_CORPUS];
static int ncorpus = 0;
static char *scratch;
static const char *must = NULL;

void
FuzzFail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	fflush(stderr);
	_exit(1);
}

void
FuzzMust(const char *what)
{
	must = what;
}

static void
report_hang(int signal_number)
{
	static const char message[] = "fuzz: an input takes too long\n";

	(void) !write(STDERR_FILENO, message, sizeof(message) - 1);
	_exit(1);
}

static void
watch_for_hang(void)
{
	struct itimerval timer = {{0, 0}, {HANG_SECONDS, 0}};

	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* Judges the error that a target raised, and forgets it. */
static void
judge_error(const FuzzTarget *target)
{
	ErrorData *error;
	const char *state;

	MemoryContextSwitchTo(FuzzMemoryContext());
	error = CopyErrorData();
	state = unpack_sql_state(error->sqlerrcode);
	if (must != NULL)
		FuzzFail("%s: %s %s (%s)", must, state, error->message,
				 error->detail != NULL ? error->detail : "");
	if (strstr(target->sqlstates, state) == NULL)
		FuzzFail("unexpected error: %s %s", state, error->message);
	FreeErrorData(error);
	FlushErrorState();
}

/* Runs a target whose errors leave nothing behind but memory. */
static void
run_plain(const FuzzTarget *target, const FuzzInput *input)
{
	PG_TRY();
	{
		target->run(input->data, input->len);
	}
	PG_CATCH();
	{
		judge_error(target);
	}
	PG_END_TRY();
}

static void
run_in_subtransaction(const FuzzTarget *target, const FuzzInput *input)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		target->run(input->data, input->len);
	}
	PG_CATCH();
	{
		judge_error(target);
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* Runs a target once; true when it took a new way. */
static bool
run_once(const FuzzTarget *target, const FuzzInput *input)
{
	/* A chunk of exactly its size: the byte behind it is out of bounds. */
	FuzzInput exact = {input->len, malloc(input->len)};
	MemoryContext old = MemoryContextSwitchTo(FuzzMemoryContext());
	bool is_new;

	memcpy(exact.data, input->data, input->len);
	must = NULL;
	watch_for_hang();
	FuzzCoverageStart();
	if (target->in_subtransaction)
		run_in_subtransaction(target, &exact);
	else
		run_plain(target, &exact);
	is_new = FuzzCoverageStop();
	MemoryContextSwitchTo(old);
	MemoryContextReset(FuzzMemoryContext());
	free(exact.data);
	return is_new;
}

/* Runs a target; again, when memory was kept, to tell caches from leaks. */
static bool
run_input(const FuzzTarget *target, const FuzzInput *input)
{
	bool is_new = false;
	int tries = 0;
	size_t before;

	memcpy(scratch, &input->len, sizeof(int));
	memcpy(scratch + sizeof(int), input->data, input->len);
	do
	{
		before = __sanitizer_get_current_allocated_bytes();
		is_new |= run_once(target, input);
	} while (target->checks_leaks && __sanitizer_get_current_allocated_bytes() > before &&
			 ++tries < LEAK_TRIES);
	if (tries == LEAK_TRIES)
		FuzzFail("memory is lost each time");
	return is_new;
}

static void
add_input(const char *data, int len)
{
	if (ncorpus == MAX_CORPUS)
		return;
	corpus[ncorpus].len = Min(len, FUZZ_MAX_INPUT);
	corpus[ncorpus].data = malloc(FUZZ_MAX_INPUT);
	memcpy(corpus[ncorpus].data, data, corpus[ncorpus].len);
	ncorpus++;
}

/* A file of the corpus as an input; those that end in .bin are inputs as they are. */
static void
add_file(const FuzzTarget *target, const char *directory, const char *name)
{
	char *path = psprintf("%s/%s", directory, name);
	char *data = palloc(FUZZ_MAX_INPUT);
	FILE *file = fopen(path, "rb");
	int len;

	if (file == NULL)
		FuzzFail("could not open \"%s\"", path);
	len = fread(data, 1, FUZZ_MAX_INPUT, file);
	fclose(file);
	if (target->seed != NULL && strstr(name, ".bin") == NULL)
		data = target->seed(data, len, &len);
	add_input(data, len);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Reads the corpus in the order of its names: runs must be repeatable. */
static void
read_corpus(const FuzzTarget *target, const char *directory)
{
	DIR *dir = opendir(directory);
	char **names = palloc(sizeof(char *) * MAX_CORPUS);
	struct dirent *entry;
	int n = 0;
	int i;

	if (dir == NULL)
		FuzzFail("could not open directory \"%s\"", directory);
	while (n < MAX_CORPUS && (entry = readdir(dir)) != NULL)
	{
		if (entry->d_name[0] != '.')
			names[n++] = pstrdup(entry->d_name);
	}
	closedir(dir);
	qsort(names, n, sizeof(char *), compare_names);
	for (i = 0; i < n; i++)
		add_file(target, directory, names[i]);
	if (ncorpus == 0)
		FuzzFail("no corpus in \"%s\"", directory);
}

static void
open_scratch(const char *path)
{
	int file = open(path, O_RDWR | O_CREAT, 0600);

	if (file < 0 || ftruncate(file, sizeof(int) + FUZZ_MAX_INPUT) != 0)
		FuzzFail("could not write \"%s\"", path);
	scratch = mmap(NULL, sizeof(int) + FUZZ_MAX_INPUT, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (scratch == MAP_FAILED)
		FuzzFail("could not map \"%s\"", path);
	close(file);
}

static const FuzzTarget *
find_target(const char *name)
{
	int i;

	for (i = 0; i < lengthof(targets); i++)
	{
		if (strcmp(targets[i]->name, name) == 0)
			return targets[i];
	}
	FuzzFail("there is no target \"%s\"", name);
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Mutates inputs until then; the number of inputs run. */
static int64
mutate_until(const FuzzTarget *target, double end)
{
	FuzzInput input = {0, malloc(FUZZ_MAX_INPUT)};
	int64 n = 0;

	while (seconds_now() < end)
	{
		const FuzzInput *parent = &corpus[FuzzRandom(ncorpus)];

		CHECK_FOR_INTERRUPTS();
		input.len = parent->len;
		memcpy(input.data, parent->data, parent->len);
		FuzzMutate(&input, &corpus[FuzzRandom(ncorpus)]);
		if (run_input(target, &input))
			add_input(input.data, input.len);
		n++;
	}
	free(input.data);
	return n;
}

Datum
fuzz(PG_FUNCTION_ARGS)
{
	const FuzzTarget *target = find_target(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	double end = seconds_now() + PG_GETARG_FLOAT8(4);
	int64 n;
	int i;

	FuzzSeedRandom((uint64) PG_GETARG_INT64(5));
	FuzzReadDictionary(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	open_scratch(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	signal(SIGVTALRM, report_hang);
	read_corpus(target, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	n = ncorpus;
	for (i = 0; i < n; i++)
		run_input(target, &corpus[i]);
	n += mutate_until(target, end);
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
	fprintf(stderr, "fuzz: done, " INT64_FORMAT " inputs, %d of them kept, %d branches\n", n,
			ncorpus, FuzzCoverageSeen());
	PG_RETURN_VOID();
}
