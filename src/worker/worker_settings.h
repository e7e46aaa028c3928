/*
 * worker_settings.h - settings of the launcher and of the workers.
 */
#ifndef SEGMENTS_WORKER_SETTINGS_H
#define SEGMENTS_WORKER_SETTINGS_H

#include "postgres.h"

extern bool WorkerEnabled(void);
extern int WorkerNaptime(void);
extern const char *WorkerRole(void);
extern int WorkerLogRetention(void);
extern void WorkerDefineSettings(void);

#endif /* SEGMENTS_WORKER_SETTINGS_H */
