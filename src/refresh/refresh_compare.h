/*
 * refresh_compare.h - contacts with a value that a boundary passed: which
 * members differ, without a lock; then those are evaluated under one.
 */
#ifndef SEGMENTS_REFRESH_COMPARE_H
#define SEGMENTS_REFRESH_COMPARE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "program/program.h"
#include "refresh/passed_contacts.h"

extern void PassedReconcile(Program *program, PassedContacts *contacts, TimestampTz now);

#endif /* SEGMENTS_REFRESH_COMPARE_H */
