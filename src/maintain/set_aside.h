/*
 * set_aside.h - segments that can't be evaluated are set aside.
 */
#ifndef SEGMENTS_SET_ASIDE_H
#define SEGMENTS_SET_ASIDE_H

#include "postgres.h"

#include "program/program.h"

/* set_aside.c */
extern void SetAsideStore(Oid contact_table);
extern void SetAsideReading(Program *program, RowSource *source, const ErrorData *error);
extern void SetAsideNote(void);
extern bool SetAsideUnbound(Oid contact_table);
extern Program *SetAsideUncompiled(Program *program);

#endif /* SEGMENTS_SET_ASIDE_H */
