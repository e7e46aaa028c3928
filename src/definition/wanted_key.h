/*
 * wanted_key.h - contacts' keys in the type that the caller wants them in.
 */
#ifndef SEGMENTS_WANTED_KEY_H
#define SEGMENTS_WANTED_KEY_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

#include "definition/contact_table.h"

extern Oid WantedKeyType(const ContactTable *table, Oid wanted);
extern char *WantedKeySql(const ContactTable *table, const char *key, Oid wanted);
extern Datum WantedKeyValue(const ContactTable *table, Datum key, Oid wanted);
extern void WantedKeysConstrain(const ContactTable *table, Tuplestorestate *store, TupleDesc desc,
								int column);

#endif /* SEGMENTS_WANTED_KEY_H */
