/* why: what it means that BPF programs could not be loaded or attached, for people. */
#ifndef PQ_BPF_DENIED_H
#define PQ_BPF_DENIED_H

#include "bpf/wait_counter.h"

enum runqlat_step { STEP_NONE, STEP_CGROUP, STEP_MAP, STEP_LAYOUT, STEP_LOAD, STEP_ATTACH };

/* How far a mode came, and the errno there. */
struct runqlat_failure {
	enum runqlat_mode mode;
	enum runqlat_step step;
	int error;
};

/* What this process may do, as far as it can tell. */
struct runqlat_rights {
	int nonsense;          /* errno of a bpf(2) call that no kernel knows */
	bool seccomp;          /* a filter looks at our calls */
	bool lockdown;         /* the kernel keeps itself to itself: lockdown=confidentiality */
	bool namespaced;       /* in a user namespace: capabilities hold only there */
	uint64_t capabilities; /* the effective ones */
};

void runqlat_rights(struct runqlat_rights *r);

/* One line from the failures of the modes that were tried, in their order. */
void runqlat_explain(const struct runqlat_failure *f, size_t n, const struct runqlat_rights *r,
    struct runqlat_why *why);

#endif
