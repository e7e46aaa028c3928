/*
 * hidden_rows.h - does row security hide related rows from the owner of a
 * contact table?
 */
#ifndef SEGMENTS_HIDDEN_ROWS_H
#define SEGMENTS_HIDDEN_ROWS_H

#include "postgres.h"

#include "definition/contact_table.h"

extern bool HiddenRowsOf(const RelatedRows *rows, const ContactTable *table);
extern void HiddenRowsRefuse(const RelatedRows *rows, const ContactTable *table);
extern uint64 HiddenRowsGeneration(void);

#endif /* SEGMENTS_HIDDEN_ROWS_H */
