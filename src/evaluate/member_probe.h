/*
 * member_probe.h - is a contact stored as a member of a segment? By index,
 * without a query.
 */
#ifndef SEGMENTS_MEMBER_PROBE_H
#define SEGMENTS_MEMBER_PROBE_H

#include "postgres.h"

#include "base/index_probe.h"
#include "program/program.h"

typedef struct MemberProbe
{
	Program *program;
	bool open; /* from the first question on */
	IndexProbe probe;
} MemberProbe;

extern void MemberProbeBegin(MemberProbe *members, Program *program);
extern bool MemberProbeAsk(MemberProbe *members, int64 segment, Datum key);
extern void MemberProbeEnd(MemberProbe *members);

#endif /* SEGMENTS_MEMBER_PROBE_H */
