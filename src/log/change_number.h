/*
 * change_number.h - numbers of entries of the log within one transaction.
 */
#ifndef SEGMENTS_CHANGE_NUMBER_H
#define SEGMENTS_CHANGE_NUMBER_H

#include "postgres.h"

extern int ChangeNumberNext(int count);
extern int ChangesLogged(void);
extern int64 ChangesWritten(int64 more);

#endif /* SEGMENTS_CHANGE_NUMBER_H */
