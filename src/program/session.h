/*
 * session.h - a session of maintenance: SPI and the owner's rights, when
 * needed.
 */
#ifndef SEGMENTS_SESSION_H
#define SEGMENTS_SESSION_H

#include "postgres.h"

#include "program/program.h"

extern void SessionBegin(Program *program);

/* Was there maintenance since a statement began, or since a count was taken? */
extern bool SessionRanInside(void);

extern uint64 SessionsBegun(void);
extern void SessionEnter(void);
extern void SessionEnd(void);

#endif /* SEGMENTS_SESSION_H */
