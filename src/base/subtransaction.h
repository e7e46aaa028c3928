/*
 * subtransaction.h - code whose errors may be caught.
 */
#ifndef SEGMENTS_SUBTRANSACTION_H
#define SEGMENTS_SUBTRANSACTION_H

#include "postgres.h"

typedef void (*SubtransactionBody)(void *arg);
typedef bool (*ExpectedError)(const ErrorData *error);

extern bool SubtransactionPossible(void);
extern ErrorData *InSubtransaction(SubtransactionBody body, void *arg, ExpectedError expected);

#endif /* SEGMENTS_SUBTRANSACTION_H */
