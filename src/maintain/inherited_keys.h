/*
 * inherited_keys.h - a contact's key is its own, also where tables that inherit
 * hold contacts.
 */
#ifndef SEGMENTS_INHERITED_KEYS_H
#define SEGMENTS_INHERITED_KEYS_H

#include "postgres.h"

#include "program/program.h"
#include "utils/relcache.h"

#include "maintain/statement_delta.h"

extern void InheritedKeysCheck(Program *program, Relation contacts, StatementDelta *delta);

#endif /* SEGMENTS_INHERITED_KEYS_H */
