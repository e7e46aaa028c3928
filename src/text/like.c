/*
 * like.c - SQL patterns, matched in time that the pattern bounds.
 *
 * The server's LIKE calls itself at each %: a pattern of some thousands of them
 * fails on a long text for want of stack, and takes the length of the text
 * times that of the pattern.  A filter's author must not be able to do that to
 * somebody who writes a contact.  Here a pattern is cut at its %: the first
 * piece stands at the beginning, the last one at the end, and each of the others
 * where it is first found behind the one before, which is the only place that
 * needs to be tried.  A piece without _ is found in time linear in the text.
 *
 * Compares bytes, as LIKE does in the C collation; _ is one character of the
 * server's encoding.
 */
#include "postgres.h"

#include "text/like.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/vector.h"

#define INTERRUPT_EVERY 65536 /* places that are tried between two looks */

/* What stands between two %: bytes, where 0 stands for _ (no text has one). */
typedef struct LikePiece
{
	int len;
	int wild; /* how many _ */
	char *bytes;
} LikePiece;

struct LikePattern
{
	int npieces; /* one more than there are stretches of % */
	LikePiece *pieces;
};

/* ----- compiling ----- */

static int
count_wildcards(const char *pattern, bool *inner)
{
	const char *p = pattern;
	int count = 0;

	*inner = false;
	while (*p)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '_' || (*p == '%' && p[1] != '%'))
		{
			count++;
			if (*p == '_' || (p[1] != '\0' && p != pattern))
				*inner = true;
		}
		p += pg_mblen(p);
	}
	return count;
}

/*
 * Why a text that is given as a pattern, or literally, is refused; or NULL.
 */
const char *
LikeTooCostly(const char *pattern, bool literal)
{
	bool inner = false;

	if (!literal && count_wildcards(pattern, &inner) > LIKE_MAX_WILDCARDS)
		return psprintf("a pattern has at most %d wildcards", LIKE_MAX_WILDCARDS);
	if (inner && strlen(pattern) > LIKE_MAX_WILD_LENGTH)
		return psprintf("a pattern with wildcards within is at most %d bytes long",
						LIKE_MAX_WILD_LENGTH);
	if (strlen(pattern) > LIKE_MAX_LENGTH)
		return psprintf("a pattern is at most %d bytes long", LIKE_MAX_LENGTH);
	return NULL;
}

/* Read the piece at *p, and step to the % or the end behind it. */
static void
read_piece(LikePiece *piece, const char **from)
{
	const char *p = *from;

	piece->bytes = palloc(strlen(p) + 1);
	piece->len = piece->wild = 0;
	while (*p && *p != '%')
	{
		int len;

		if (*p == '_')
		{
			piece->bytes[piece->len++] = '\0';
			piece->wild++;
			p++;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		len = pg_mblen(p);
		memcpy(piece->bytes + piece->len, p, len);
		piece->len += len;
		p += len;
	}
	*from = p;
}

/*
 * Cut a pattern into pieces, in the current memory context.
 */
LikePattern *
LikeCompile(const char *pattern)
{
	LikePattern *like = palloc(sizeof(LikePattern));
	int size = 0;
	const char *p = pattern;

	like->pieces = NULL;
	like->npieces = 0;
	for (;;)
	{
		VectorMakeRoom(like->pieces, like->npieces, size, 4);
		read_piece(&like->pieces[like->npieces++], &p);
		if (*p == '\0')
			return like;
		while (*p == '%')
			p++;
	}
}

/* ----- literals ----- */

/* Take the longest stretch without _ of one piece, where it is longer. */
static void
take_longest(LikeLiteral *literal, const LikePiece *piece, bool first, bool last)
{
	int start = 0;
	int i;

	for (i = 0; i <= piece->len; i++)
	{
		if (i < piece->len && piece->bytes[i] != '\0')
			continue;
		if (i - start > literal->len)
		{
			literal->bytes = piece->bytes + start;
			literal->len = i - start;
			literal->at_start = first && start == 0;
			literal->at_end = last && i == piece->len;
		}
		start = i + 1;
	}
}

/*
 * The longest text that whatever matches the pattern holds, in the current
 * memory context; false where there is none.
 */
bool
LikeLongestLiteral(const char *pattern, LikeLiteral *literal)
{
	LikePattern *like = LikeCompile(pattern);
	int total = 0;
	int i;

	memset(literal, 0, sizeof(LikeLiteral));
	for (i = 0; i < like->npieces; i++)
	{
		take_longest(literal, &like->pieces[i], i == 0, i == like->npieces - 1);
		total += like->pieces[i].len;
	}
	literal->whole = (total == literal->len);
	return literal->len > 0;
}

/* ----- matching ----- */

/* Does the piece stand at p?  *after is behind it. */
static bool
stands_at(const LikePiece *piece, const char *p, const char *end, const char **after)
{
	int i;

	if (piece->wild == 0)
	{
		*after = p + piece->len;
		return end - p >= piece->len && memcmp(p, piece->bytes, piece->len) == 0;
	}
	for (i = 0; i < piece->len; i++)
	{
		if (p >= end)
			return false;
		if (piece->bytes[i] == '\0')
			p += Min(pg_mblen(p), end - p);
		else if (*p++ != piece->bytes[i])
			return false;
	}
	*after = p;
	return true;
}

/* Find the piece from p on; NULL: it is not there.  *after is behind it. */
static const char *
find_piece(const LikePiece *piece, const char *p, const char *end, const char **after)
{
	int tried = 0;

	if (piece->wild == 0)
	{
		p = memmem(p, end - p, piece->bytes, piece->len);
		*after = p ? p + piece->len : NULL;
		return p;
	}
	for (; p < end; p += Min(pg_mblen(p), end - p))
	{
		if (stands_at(piece, p, end, after))
			return p;
		if (++tried % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

/* Where the last piece has to begin, to end with the text; NULL: it is too short. */
static const char *
start_of_last(const LikePiece *piece, const char *p, const char *end)
{
	int characters = 0;
	int i;

	if (piece->wild == 0)
		return end - p >= piece->len ? end - piece->len : NULL;
	for (i = 0; i < piece->len; characters++)
		i += piece->bytes[i] == '\0' ? 1 : Min(pg_mblen(piece->bytes + i), piece->len - i);
	i = pg_mbstrlen_with_len(p, end - p) - characters;
	if (i < 0)
		return NULL;
	for (; i > 0; i--)
		p += Min(pg_mblen(p), end - p);
	return p;
}

/*
 * Is the whole text as the pattern says?
 */
bool
LikeMatches(const LikePattern *like, const char *data, int len)
{
	const LikePiece *last = &like->pieces[like->npieces - 1];
	const char *end = data + len;
	const char *p = data;
	int i;

	if (!stands_at(&like->pieces[0], p, end, &p))
		return false;
	if (like->npieces == 1)
		return p == end;
	for (i = 1; i < like->npieces - 1; i++)
		if (find_piece(&like->pieces[i], p, end, &p) == NULL)
			return false;
	p = start_of_last(last, p, end);
	return p != NULL && stands_at(last, p, end, &p) && p == end;
}
