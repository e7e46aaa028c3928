/*
 * contact_delta.h - what a statement changed in a contact table -> joins and
 * leaves.
 */
#ifndef SEGMENTS_CONTACT_DELTA_H
#define SEGMENTS_CONTACT_DELTA_H

#include "postgres.h"

#include "maintain/statement_delta.h"
#include "program/program.h"

extern void ContactDelta(Program *program, StatementDelta *delta);

#endif /* SEGMENTS_CONTACT_DELTA_H */
