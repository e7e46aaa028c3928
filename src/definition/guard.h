/*
 * guard.h - does a foreign key tie related rows to their contacts?
 */
#ifndef SEGMENTS_GUARD_H
#define SEGMENTS_GUARD_H

#include "postgres.h"

#include "definition/contact_table.h"

extern bool GuardIsMissing(ContactTable *table, const RelatedRows *rows);

#endif /* SEGMENTS_GUARD_H */
