/*
 * pattern_index.c - which of many literals stand in a text, found together.
 *
 * Of each literal a piece of eight bytes (four, two or one of short ones) is
 * entered into a hash table: the one that is rarest among all of the literals,
 * as texts look like what they are searched for.  A text is read once for each
 * length of pieces; at each byte the piece that ends there is looked up, mostly
 * in vain in a bit map that fits into a cache, and where it is found its literals
 * are compared with the text around it.  So the cost follows the length of the text and what
 * nearly stands in it, not the number of literals.  Against an automaton (Aho
 * and Corasick, 1975), whose states are as many as the literals' bytes, this
 * takes a small and bounded number of bytes for each literal.
 *
 * Bytes are compared, in any encoding: where characters can begin within others
 * a literal may be found where none of its characters begin, and the caller
 * tells.  The index holds no pointers; equal literals make equal indexes.
 */
#include "postgres.h"

#include "text/pattern_index.h"

#include "miscadmin.h"

#include "base/vector.h"

#define PIECE 8             /* bytes at most */
#define SKETCH_BITS 18      /* counters of pieces, while the index is built */
#define MAX_PLACES 512      /* where a literal's piece is looked for */
#define FILTER_BITS 16      /* of the bit map, for each literal */
#define MIN_FILTER_WORDS 16 /* of 64 bits */
#define MAX_FILTER_WORDS (1 << 19)
#define INTERRUPT_EVERY 65536 /* bytes or comparisons between two looks */

typedef struct PatternEntry
{
	uint64 piece;
	int32 id;
	uint32 offset; /* of the literal's bytes, from the index's start */
	uint32 len;
	uint32 place;  /* of the piece in the literal */
	uint8 width;   /* of the piece */
	uint8 options; /* ENTRY_ */
} PatternEntry;

#define ENTRY_AT_START 0x01
#define ENTRY_AT_END 0x02
#define ENTRY_ANY_CASE 0x04

/* Followed by the bit map, the buckets, the entries by bucket, and the literals' bytes. */
struct PatternIndex
{
	uint32 nentries;
	uint32 widths;   /* bit n: some piece has n bytes */
	uint32 nwords;   /* of the bit map: a power of two */
	uint32 nbuckets; /* a power of two; one more tells where the last one ends */
	uint32 filter;   /* offsets */
	uint32 buckets;
	uint32 entries;
};

#define PART(index, offset, type) ((const type *) ((const char *) (index) + (offset)))

static inline uint8
lower(uint8 c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Bytes come in at the top: those that came last are the highest. */
static inline uint64
shift_in(uint64 window, uint8 c)
{
	return window >> 8 | (uint64) lower(c) << 56;
}

static inline uint64
newest(uint64 window, int width)
{
	return window >> (8 * (PIECE - width));
}

static inline uint64
hash_piece(uint64 piece, int width)
{
	uint64 h = (piece + (uint64) width) * UINT64CONST(0x9E3779B97F4A7C15);

	h = (h ^ (h >> 32)) * UINT64CONST(0xD6E8FEB86659FD93);
	return h ^ (h >> 32);
}

/* ----- building ----- */

static int
width_of(int len)
{
	return len >= PIECE ? PIECE : len >= 4 ? 4 : len >= 2 ? 2 : 1;
}

/* How many places the piece of a literal can be at. */
static int
places_of(const PatternLiteral *literal)
{
	return Min(literal->len - width_of(literal->len) + 1, MAX_PLACES);
}

static uint64
piece_at(const PatternLiteral *literal, int place)
{
	int width = width_of(literal->len);
	uint64 window = 0;
	int i;

	for (i = 0; i < width; i++)
		window = shift_in(window, literal->bytes[place + i]);
	return newest(window, width);
}

static inline uint32
sketch_at(uint64 piece, int width)
{
	return (uint32) (hash_piece(piece, width) >> (64 - SKETCH_BITS));
}

/* How often pieces stand in the literals, about: different ones may share a counter. */
static uint32 *
count_pieces(const PatternLiteral *literals, int n)
{
	uint32 *sketch = palloc0(sizeof(uint32) << SKETCH_BITS);
	int i;
	int j;

	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < places_of(&literals[i]); j++)
			sketch[sketch_at(piece_at(&literals[i], j), width_of(literals[i].len))]++;
	}
	return sketch;
}

/* The literal's rarest piece; of equal ones the last, as texts begin alike. */
static void
choose_piece(PatternEntry *entry, const PatternLiteral *literal, const uint32 *sketch)
{
	uint32 best = PG_UINT32_MAX;
	int i;

	entry->width = width_of(literal->len);
	for (i = 0; i < places_of(literal); i++)
	{
		uint64 piece = piece_at(literal, i);
		uint32 count = sketch[sketch_at(piece, entry->width)];

		if (count > best)
			continue;
		best = count;
		entry->place = i;
		entry->piece = piece;
	}
}

static PatternEntry *
make_entries(const PatternLiteral *literals, int n)
{
	PatternEntry *entries = MemoryContextAllocExtended(
		CurrentMemoryContext, sizeof(PatternEntry) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32 *sketch = count_pieces(literals, n);
	int i;

	for (i = 0; i < n; i++)
	{
		const PatternLiteral *literal = &literals[i];

		CHECK_FOR_INTERRUPTS();
		Assert(literal->len > 0);
		choose_piece(&entries[i], literal, sketch);
		entries[i].id = literal->id;
		entries[i].len = literal->len;
		entries[i].options = (literal->at_start ? ENTRY_AT_START : 0) |
							 (literal->at_end ? ENTRY_AT_END : 0) |
							 (literal->any_case ? ENTRY_ANY_CASE : 0);
	}
	pfree(sketch);
	return entries;
}

static uint32
power_of_two(uint64 least, uint32 low, uint32 high)
{
	uint32 result = low;

	while (result < least && result < high)
		result *= 2;
	return result;
}

static uint32
bucket_of(const PatternIndex *index, uint64 hash)
{
	return (uint32) hash & (index->nbuckets - 1);
}

/* Where everything is; false where the offsets don't reach that far. */
static bool
lay_out(PatternIndex *header, const PatternLiteral *literals, int n, Size *size)
{
	uint64 at = MAXALIGN(sizeof(PatternIndex));
	int i;

	header->nentries = n;
	header->nwords =
		power_of_two((uint64) n * FILTER_BITS / 64, MIN_FILTER_WORDS, MAX_FILTER_WORDS);
	header->nbuckets = power_of_two(n, 1, 1 << 30);
	header->filter = (uint32) at;
	at += sizeof(uint64) * header->nwords;
	header->buckets = (uint32) at;
	at = MAXALIGN(at + sizeof(uint32) * ((uint64) header->nbuckets + 1));
	header->entries = (uint32) at;
	at += sizeof(PatternEntry) * (uint64) n;
	for (i = 0; i < n; i++)
		at += literals[i].len;
	*size = MAXALIGN(at);
	return at <= PG_UINT32_MAX;
}

/* Enter the pieces, those of a bucket side by side, and the literals behind them. */
static void
fill(PatternIndex *index, const PatternEntry *from, const PatternLiteral *literals)
{
	uint64 *filter = (uint64 *) PART(index, index->filter, uint64);
	uint32 *buckets = (uint32 *) PART(index, index->buckets, uint32);
	PatternEntry *entries = (PatternEntry *) PART(index, index->entries, PatternEntry);
	uint32 bytes = index->entries + sizeof(PatternEntry) * index->nentries;
	uint32 i;

	/* ends of the buckets, from which they are filled downwards */
	for (i = 0; i < index->nentries; i++)
		buckets[bucket_of(index, hash_piece(from[i].piece, from[i].width))]++;
	for (i = 1; i <= index->nbuckets; i++)
		buckets[i] += buckets[i - 1];
	for (i = index->nentries; i-- > 0;)
	{
		uint64 hash = hash_piece(from[i].piece, from[i].width);
		PatternEntry *entry = &entries[--buckets[bucket_of(index, hash)]];

		*entry = from[i];
		entry->offset = bytes;
		memcpy((char *) index + bytes, literals[i].bytes, entry->len);
		bytes += entry->len;
		filter[(hash >> 38) & (index->nwords - 1)] |= UINT64CONST(1) << (hash >> 32 & 63);
		index->widths |= 1u << entry->width;
	}
}

/*
 * An index over n > 0 literals, one piece of memory of this size in the current
 * memory context, that can be copied.
 */
PatternIndex *
PatternIndexBuild(const PatternLiteral *literals, int n, Size *size)
{
	PatternIndex header = {0};
	PatternIndex *index;
	PatternEntry *entries;

	if (!lay_out(&header, literals, n, size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("patterns of one column exceed 4 GB")));
	entries = make_entries(literals, n);
	index =
		MemoryContextAllocExtended(CurrentMemoryContext, *size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*index = header;
	fill(index, entries, literals);
	pfree(entries);
	return index;
}

/* ----- searching ----- */

/* What was found, each once. */
typedef struct FoundSet
{
	IntVector *found;
	int start;   /* what was there before */
	uint32 size; /* power of two, or 0 while there are few */
	int *slots;  /* place in found + 1 */
} FoundSet;

#define FEW_FOUND 16

static uint32
slot_of(const FoundSet *set, int id)
{
	uint32 at = ((uint32) id * 2654435761u) & (set->size - 1);

	while (set->slots[at] != 0 && set->found->items[set->slots[at] - 1] != id)
		at = (at + 1) & (set->size - 1);
	return at;
}

static void
grow_set(FoundSet *set)
{
	int i;

	if (set->slots)
		pfree(set->slots);
	set->size = Max(FEW_FOUND * 4, set->size * 2);
	set->slots = palloc0(sizeof(int) * set->size);
	for (i = set->start; i < set->found->n; i++)
		set->slots[slot_of(set, set->found->items[i])] = i + 1;
}

static bool
is_found(const FoundSet *set, int id)
{
	int i;

	if (set->size > 0)
		return set->slots[slot_of(set, id)] != 0;
	for (i = set->start; i < set->found->n; i++)
		if (set->found->items[i] == id)
			return true;
	return false;
}

static void
add_found(FoundSet *set, int id)
{
	int n = set->found->n - set->start;

	if (is_found(set, id))
		return;
	if (n >= FEW_FOUND && (uint32) n * 2 >= set->size)
		grow_set(set);
	IntVectorAdd(set->found, id);
	if (set->size > 0)
		set->slots[slot_of(set, id)] = set->found->n;
}

static bool
equal_any_case(const char *a, const char *b, uint32 len)
{
	uint32 i;

	for (i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* Does the literal stand where its piece ends before `end`? */
static bool
stands(const PatternIndex *index, const PatternEntry *entry, const char *text, int len, int end)
{
	int64 start = (int64) end - entry->width - entry->place;
	const char *literal = PART(index, entry->offset, char);

	if (start < 0 || start + entry->len > len || ((entry->options & ENTRY_AT_START) && start > 0) ||
		((entry->options & ENTRY_AT_END) && start + entry->len < len))
		return false;
	return (entry->options & ENTRY_ANY_CASE) ? equal_any_case(literal, text + start, entry->len)
											 : memcmp(literal, text + start, entry->len) == 0;
}

/* A search of one text. */
typedef struct Search
{
	const PatternIndex *index;
	const char *text;
	int len;
	uint32 work;
	FoundSet set;
} Search;

static inline void
look_up_interrupts(Search *search)
{
	if (++search->work % INTERRUPT_EVERY == 0)
		CHECK_FOR_INTERRUPTS();
}

/* A piece that may be that of some literals ends before `end`. */
static void
compare_bucket(Search *search, uint64 hash, uint64 piece, int width, int end)
{
	const PatternIndex *index = search->index;
	const uint32 *buckets = PART(index, index->buckets, uint32);
	const PatternEntry *entries = PART(index, index->entries, PatternEntry);
	uint32 bucket = bucket_of(index, hash);
	uint32 i;

	for (i = buckets[bucket]; i < buckets[bucket + 1]; i++)
	{
		look_up_interrupts(search);
		if (entries[i].piece == piece && entries[i].width == width &&
			stands(index, &entries[i], search->text, search->len, end))
			add_found(&search->set, entries[i].id);
	}
}

/*
 * Look up the pieces of one width that end in a stretch of the text.  The width
 * is a constant where this is called, and the loop is made for it.
 */
static pg_attribute_always_inline void
search_width(Search *search, int width, int from, int to)
{
	const PatternIndex *index = search->index;
	const uint64 *filter = PART(index, index->filter, uint64);
	uint32 mask = index->nwords - 1;
	uint64 window = 0;
	int end;

	if (!(index->widths & 1u << width))
		return;
	for (end = Max(from - width, 0); end < from; end++)
		window = shift_in(window, search->text[end]);
	for (end = from + 1; end <= to; end++)
	{
		uint64 piece;
		uint64 hash;

		window = shift_in(window, search->text[end - 1]);
		piece = newest(window, width);
		hash = hash_piece(piece, width);
		if ((filter[(hash >> 38) & mask] & UINT64CONST(1) << (hash >> 32 & 63)) && end >= width)
			compare_bucket(search, hash, piece, width, end);
	}
}

/*
 * Append the ids of the literals that stand in a text, each once, in an order
 * that the text and the index decide.
 */
void
PatternIndexSearch(const PatternIndex *index, const char *text, int len, IntVector *found)
{
	Search search = {index, text, len, 0, {found, found->n, 0, NULL}};
	int from;

	for (from = 0; from < len; from += INTERRUPT_EVERY)
	{
		int to = Min(len, from + INTERRUPT_EVERY);

		CHECK_FOR_INTERRUPTS();
		search_width(&search, 8, from, to);
		search_width(&search, 4, from, to);
		search_width(&search, 2, from, to);
		search_width(&search, 1, from, to);
	}
	if (search.set.slots)
		pfree(search.set.slots);
}
