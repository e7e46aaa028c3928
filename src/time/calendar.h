/*
 * calendar.h - months and calendar periods.
 */
#ifndef SEGMENTS_CALENDAR_H
#define SEGMENTS_CALENDAR_H

#include "postgres.h"

#include "utils/date.h"

#include "time/phrase.h"

extern DateADT CalendarMonthStart(int64 month);
extern int64 CalendarMonth(DateADT day, int *rest);
extern DateADT CalendarAddMonths(DateADT day, int64 n);
extern void CalendarPeriod(DateADT day, PhraseUnit unit, int offset, DateADT *start, DateADT *end);

#endif /* SEGMENTS_CALENDAR_H */
