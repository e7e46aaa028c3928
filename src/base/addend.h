/*
 * addend.h - numbers that can be added up without end.
 */
#ifndef SEGMENTS_ADDEND_H
#define SEGMENTS_ADDEND_H

#include "postgres.h"

extern Datum Addend(Datum number);

#endif /* SEGMENTS_ADDEND_H */
