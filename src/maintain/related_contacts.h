/*
 * related_contacts.h - rows of a company or of something linked -> the contacts
 * that they belong to.
 */
#ifndef SEGMENTS_RELATED_CONTACTS_H
#define SEGMENTS_RELATED_CONTACTS_H

#include "postgres.h"

#include "base/vector.h"
#include "program/program.h"

extern void RelatedContacts(Program *program, RowSource *source, Datum *keys, int nkeys,
							DatumVector *contacts);

#endif /* SEGMENTS_RELATED_CONTACTS_H */
