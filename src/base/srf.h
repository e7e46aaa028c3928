/*
 * srf.h - helper of functions that return sets.
 */
#ifndef SEGMENTS_SRF_H
#define SEGMENTS_SRF_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "utils/tuplestore.h"

extern Tuplestorestate *SrfBegin(FunctionCallInfo fcinfo, TupleDesc *desc);

#endif /* SEGMENTS_SRF_H */
