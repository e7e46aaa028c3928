/*
 * fuzz_mutate.c - new inputs from old ones.
 *
 * Bytes change, go, are doubled, come from another input or from a dictionary
 * of words.  All randomness comes from one seed, so a run can be had again.
 */
#include "fuzz.h"

#define MAX_WORDS 512
#define MAX_WORD 64

static uint64 state = 1;
static FuzzInput words[MAX_WORDS];
static int nwords = 0;

void
FuzzSeedRandom(uint64 seed)
{
	state = seed * UINT64CONST(0x9E3779B97F4A7C15) | 1;
}

/* A number from 0 to below - 1: xorshift64*. */
uint32
FuzzRandom(uint32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32) ((state * UINT64CONST(0x2545F4914F6CDD1D)) >> 32) % below;
}

/* One word a line; \xHH stands for a byte. */
static void
add_word(const char *line)
{
	FuzzInput *word = &words[nwords++];
	unsigned int byte;

	word->data = malloc(MAX_WORD);
	word->len = 0;
	while (*line != '\0' && *line != '\n' && word->len < MAX_WORD)
	{
		if (line[0] == '\\' && line[1] == 'x' && sscanf(line + 2, "%2x", &byte) == 1)
			line += 4;
		else
			byte = (unsigned char) *line++;
		word->data[word->len++] = (char) byte;
	}
}

void
FuzzReadDictionary(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[4 * MAX_WORD];

	if (file == NULL)
		FuzzFail("could not open \"%s\"", path);
	while (nwords < MAX_WORDS && fgets(line, sizeof(line), file) != NULL)
	{
		if (line[0] != '\n')
			add_word(line);
	}
	fclose(file);
}

/* Replaces `old` bytes at a place, or as many as there are; what gets too long is cut. */
static void
replace(FuzzInput *input, int at, int old, const char *data, int len)
{
	char copy[FUZZ_MAX_INPUT];
	int tail;

	old = Min(old, input->len - at);
	len = Min(len, FUZZ_MAX_INPUT - at);
	memcpy(copy, data, len);
	tail = Min(input->len - at - old, FUZZ_MAX_INPUT - at - len);
	memmove(input->data + at + len, input->data + at + old, tail);
	memcpy(input->data + at, copy, len);
	input->len = at + len + tail;
}

static void
change_byte(FuzzInput *input, int at)
{
	if (at == input->len)
		return;
	if (FuzzRandom(2) == 0)
		input->data[at] ^= (char) (1 << FuzzRandom(8));
	else
		input->data[at] = (char) FuzzRandom(256);
}

/* Binary numbers: an aligned word becomes a small, large or negative one. */
static void
change_number(FuzzInput *input, int at)
{
	static const uint32 numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
	uint32 number;

	at &= ~3;
	if (at + 4 > input->len)
		return;
	memcpy(&number, input->data + at, 4);
	if (FuzzRandom(2) == 0)
		number += FuzzRandom(17) - 8;
	else
		number = numbers[FuzzRandom(lengthof(numbers))];
	memcpy(input->data + at, &number, 4);
}

static void
insert_from(FuzzInput *input, int at, const FuzzInput *from, int most)
{
	int start = FuzzRandom(from->len + 1);
	int len = 1 + FuzzRandom(most);

	replace(input, at, 0, from->data + start, Min(len, from->len - start));
}

static void
insert_word(FuzzInput *input, int at, bool over)
{
	const FuzzInput *word = nwords > 0 ? &words[FuzzRandom(nwords)] : NULL;

	if (word != NULL)
		replace(input, at, over ? word->len : 0, word->data, word->len);
}

static void
mutate_once(FuzzInput *input, const FuzzInput *other)
{
	int at = FuzzRandom(input->len + 1);
	int length = 1 + FuzzRandom(16);
	char digit = '0' + FuzzRandom(10);

	switch (FuzzRandom(10))
	{
		case 0:
		case 1:
			change_byte(input, at);
			break;
		case 2:
			replace(input, at, length, "", 0);
			break;
		case 3:
			replace(input, at, input->len, "", 0);
			break;
		case 4:
			insert_from(input, at, input, 64);
			break;
		case 5:
			insert_from(input, at, other, 256);
			break;
		case 6:
			change_number(input, at);
			break;
		case 7:
			replace(input, at, 1, &digit, 1);
			break;
		default:
			insert_word(input, at, FuzzRandom(2) == 0);
			break;
	}
}

/* Changes an input, which has room for FUZZ_MAX_INPUT bytes. */
void
FuzzMutate(FuzzInput *input, const FuzzInput *other)
{
	int n = 1 + FuzzRandom(1 + FuzzRandom(8));

	while (n-- > 0)
		mutate_once(input, other);
}
