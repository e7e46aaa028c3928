/*
 * launcher.h - the launcher, which gives each database its worker, and by which
 * types pg_stat_activity shows the two.
 */
#ifndef SEGMENTS_LAUNCHER_H
#define SEGMENTS_LAUNCHER_H

#include "postgres.h"

#define LAUNCHER_TYPE "segments launcher"
#define WORKER_TYPE "segments worker"

extern void LauncherRegister(void);

#endif /* SEGMENTS_LAUNCHER_H */
