/* ask: asks another process that records to save now. */
#ifndef PQ_RECORDER_ASK_H
#define PQ_RECORDER_ASK_H

#include <stdbool.h>

/* Whether the process catches SIGUSR1, which would kill it otherwise. */
bool ask_is_caught(int pid);

#endif
