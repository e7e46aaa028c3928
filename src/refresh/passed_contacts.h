/*
 * passed_contacts.h - contacts that have values which moving boundaries passed,
 * in the order of their keys.
 */
#ifndef SEGMENTS_PASSED_CONTACTS_H
#define SEGMENTS_PASSED_CONTACTS_H

#include "postgres.h"

#include "program/program.h"
#include "refresh/refresh_window.h"

/* A contact with a value that was passed. */
typedef struct PassedContact
{
	Datum key;
	const PassedValue *value;
	int64 at;  /* the value */
	int range; /* of the value's, that it lies in */
} PassedContact;

typedef struct PassedContacts PassedContacts;

extern PassedContacts *PassedContactsBegin(Program *program);
extern void PassedContactsAdd(PassedContacts *contacts, Datum key, const PassedValue *value,
							  int64 at, int range);
extern void PassedContactsSort(PassedContacts *contacts);
extern bool PassedContactsPeek(PassedContacts *contacts, PassedContact *next);
extern void PassedContactsAdvance(PassedContacts *contacts);
extern void PassedContactsEnd(PassedContacts *contacts);

#endif /* SEGMENTS_PASSED_CONTACTS_H */
