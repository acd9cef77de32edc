/* taken: the time of CPUs that interrupts and a hypervisor take, from /proc/stat, for blame_taken. */
#ifndef PQ_COMMANDS_WHO_TAKEN_H
#define PQ_COMMANDS_WHO_TAKEN_H

#include "base/arena.h"
#include "host/host.h"
#include "proc/machine.h"
#include "trace/blame.h"

/* Zero-initialise. */
struct taken_times {
	struct stat_file last;
	struct arena arena[2]; /* the last one, and the one before */
	unsigned now;
	bool known; /* two readings have told it */
};

/* To be called before blame gets the events since the last call. */
void taken_read(struct taken_times *t, struct host *h, struct blame *b);

void taken_free(struct taken_times *t);

#endif
