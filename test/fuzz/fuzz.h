/*
 * fuzz.h - what the fuzz targets and their driver share.
 *
 * Targets run inside a standalone backend, on the extension's own objects,
 * which are compiled with sanitizers.  So memory contexts, errors, encodings,
 * time zones and regular expressions are the server's, not imitations.
 */
#ifndef SEGMENTS_FUZZ_H
#define SEGMENTS_FUZZ_H

#include "postgres.h"

#define FUZZ_MAX_INPUT 4096

/* An input: any bytes.  There is nothing behind them. */
typedef void (*FuzzFunction)(const char *data, int len);

/* Turns a file of the corpus into an input, in the current memory context. */
typedef char *(*FuzzSeed)(const char *data, int len, int *seed_len);

typedef struct FuzzTarget
{
	const char *name;
	FuzzFunction run;
	FuzzSeed seed;          /* NULL: files are inputs */
	const char *sqlstates;  /* of errors that are answers, blank between them */
	bool checks_leaks;      /* does nothing that caches */
	bool in_subtransaction; /* runs queries */
} FuzzTarget;

extern const FuzzTarget document_target;
extern const FuzzTarget stored_target;
extern const FuzzTarget recv_target;
extern const FuzzTarget phrase_target;
extern const FuzzTarget text_target;
extern const FuzzTarget value_target;

/* fuzz_driver.c: a finding ends the process. */
extern void FuzzFail(const char *format, ...) pg_attribute_printf(1, 2) pg_attribute_noreturn();

/*
 * From here on an error is a finding; NULL ends that.  The driver ends it
 * with each input.
 */
extern void FuzzMust(const char *what);

/* fuzz_memory.c: a context in which every chunk is one malloc */
extern MemoryContext FuzzMemoryContext(void);

/* fuzz_coverage.c: which branches the present input took */
extern void FuzzCoverageStart(void);
extern bool FuzzCoverageStop(void); /* anything not seen before? */
extern int FuzzCoverageSeen(void);

/* fuzz_mutate.c */
typedef struct FuzzInput
{
	int len;
	char *data;
} FuzzInput;

extern void FuzzSeedRandom(uint64 seed);
extern uint32 FuzzRandom(uint32 below);
extern void FuzzReadDictionary(const char *path);
extern void FuzzMutate(FuzzInput *input, const FuzzInput *other);

/* FNV-1a, for choices that depend on an input's bytes */
static inline uint64
FuzzHash(const char *data, int len)
{
	uint64 hash = UINT64CONST(14695981039346656037);
	int i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) data[i]) * UINT64CONST(1099511628211);
	return hash;
}

#endif /* SEGMENTS_FUZZ_H */
