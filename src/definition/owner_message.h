/*
 * owner_message.h - an error in what the owner declared, as others may see it.
 */
#ifndef SEGMENTS_OWNER_MESSAGE_H
#define SEGMENTS_OWNER_MESSAGE_H

#include "postgres.h"

typedef struct OwnerMessage
{
	ErrorContextCallback callback;
	Oid relid;
} OwnerMessage;

extern bool ErrorMayQuoteRow(int code);
extern void OwnerMessageHide(Oid relid, const char *message);
extern void OwnerMessageBegin(OwnerMessage *context, Oid contact_table);
extern void OwnerMessageEnd(OwnerMessage *context);

#endif /* SEGMENTS_OWNER_MESSAGE_H */
