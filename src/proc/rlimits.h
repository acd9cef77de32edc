/* rlimits: /proc/PID/limits, of which there is wanted how many files it may open, and how many
 * processes its user may have. */
#ifndef PQ_PROC_RLIMITS_H
#define PQ_PROC_RLIMITS_H

#include "base/keyed.h"

/* A limit that is known and has no figure is "unlimited". */
struct rlimit_pair {
	bool known;
	struct keyed soft, hard;
};

struct rlimits {
	struct rlimit_pair files, processes;
};

/* Lines "Max open files            1024                 4096                 files"; those that are
 * not there, or make no sense, are unknown. 0, or -1 with EINVAL when both are. */
int rlimits_parse(struct text t, struct rlimits *out);

#endif
