/*
 * refresh_read.h - the contacts that have values which moving boundaries passed.
 */
#ifndef SEGMENTS_REFRESH_READ_H
#define SEGMENTS_REFRESH_READ_H

#include "postgres.h"

#include "definition/contact_table.h"
#include "predicate/predicate.h"
#include "program/program.h"
#include "refresh/refresh_window.h"

/* A contact with a value that was passed. */
typedef struct PassedContact
{
	Datum key;
	const PassedValue *value;
	int64 at;
	int range;
} PassedContact;

typedef struct PassedContacts
{
	MemoryContext context; /* keys are copied here */
	int n;
	int size;
	PassedContact *items;
} PassedContacts;

typedef void (*PassedFull)(PassedContacts *contacts, void *arg);

extern char *PassedIndexAdvice(const Atom *atom, ContactTable *table);
extern void PassedFind(Program *program, const PassedValue *value, PassedContacts *contacts,
					   PassedFull full, void *arg);

#endif /* SEGMENTS_REFRESH_READ_H */
