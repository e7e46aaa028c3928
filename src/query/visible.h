/*
 * visible.h - contacts that row security lets the caller see, and keys given as
 * text.
 */
#ifndef SEGMENTS_VISIBLE_H
#define SEGMENTS_VISIBLE_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "definition/contact_table.h"

typedef void (*VisibleVisit)(void *arg, Datum value, bool isnull);

/* visible.c */
extern TupleDesc KeyDesc(const ContactTable *table);
extern Datum KeyOfText(const ContactTable *table, const char *text);
extern Datum KeyOfTextIn(Oid relid, Oid type, char *text);
extern char *ValueText(Datum value, Oid type);
extern void StoreQuery(const ContactTable *table, const char *sql, Tuplestorestate *store,
					   TupleDesc desc);
extern void VisibleContacts(const ContactTable *table, Tuplestorestate *keys, const char *select,
							VisibleVisit visit, void *arg);
extern bool ContactIsVisible(const ContactTable *table, Datum key);

#endif /* SEGMENTS_VISIBLE_H */
