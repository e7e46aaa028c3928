/*
 * secure.h - act as the owner of a contact table, with fixed settings.
 */
#ifndef SEGMENTS_SECURE_H
#define SEGMENTS_SECURE_H

#include "postgres.h"

typedef struct SecureContext
{
	Oid userid;
	int flags;
	int nestlevel;
} SecureContext;

extern void SecureEnter(SecureContext *context, Oid owner);
extern void SecureLeave(SecureContext *context);
extern void SecureBecome(SecureContext *context, Oid owner);

#endif /* SEGMENTS_SECURE_H */
