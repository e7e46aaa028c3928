/*
 * refresh_read.h - the contacts that have values which moving boundaries passed.
 */
#ifndef SEGMENTS_REFRESH_READ_H
#define SEGMENTS_REFRESH_READ_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "program/program.h"
#include "refresh/passed_contacts.h"
#include "refresh/refresh_window.h"

extern char *PassedIndexAdvice(const Atom *atom, ContactTable *table);
extern void PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts);

#endif /* SEGMENTS_REFRESH_READ_H */
