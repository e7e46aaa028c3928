/*
 * fuzz_coverage.c - which branches an input took.
 *
 * The compiler calls __sanitizer_cov_trace_pc() in every basic block of the
 * extension (-fsanitize-coverage=trace-pc, which gcc and clang both have).  A
 * pair of blocks that follow each other is counted in a cell of a map; an
 * input is of interest when a cell has a count, to a power of two, that it
 * never had.  This file is compiled without that option.
 */
#include "fuzz.h"

#define MAP_SIZE 65536

extern void __sanitizer_cov_trace_pc(void);

static bool counting = false;
static uintptr_t previous;
static uint8 map[MAP_SIZE];
static uint8 seen[MAP_SIZE];
static int cells_seen = 0;

void
__sanitizer_cov_trace_pc(void)
{
	uintptr_t here = (uintptr_t) __builtin_return_address(0);
	uint8 *cell;

	if (!counting)
		return;
	here = (here ^ here >> 16) % MAP_SIZE;
	cell = &map[here ^ previous];
	if (*cell < 255)
		(*cell)++;
	previous = here >> 1;
}

void
FuzzCoverageStart(void)
{
	memset(map, 0, sizeof(map));
	previous = 0;
	counting = true;
}

/* The bit that stands for a count. */
static uint8
bucket(uint8 count)
{
	uint8 bit = 1;

	while (count > 1)
	{
		count >>= 1;
		bit <<= 1;
	}
	return bit;
}

bool
FuzzCoverageStop(void)
{
	bool is_new = false;
	int i;

	counting = false;
	for (i = 0; i < MAP_SIZE; i++)
	{
		if (map[i] == 0 || (seen[i] & bucket(map[i])) != 0)
			continue;
		cells_seen += seen[i] == 0;
		seen[i] |= bucket(map[i]);
		is_new = true;
	}
	return is_new;
}

int
FuzzCoverageSeen(void)
{
	return cells_seen;
}
