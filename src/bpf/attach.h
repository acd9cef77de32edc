/* attach: the programs of runqlat, loaded and running at their tracepoints as long as their
 * descriptors are open. */
#ifndef PQ_BPF_ATTACH_H
#define PQ_BPF_ATTACH_H

#include "bpf/program.h"

/* Descriptors; -1: none. All are -1 to start. */
struct runqlat_attached {
	int program[RUNQLAT_EVENTS], link[RUNQLAT_EVENTS];
};

/* Loads the programs of a plan that has its maps and its layout. 0, or -1 with errno: see
 * bpf_program_load. Where it fails, here and below, runqlat_detach is to follow. */
int runqlat_load(struct runqlat_plan *p, struct runqlat_attached *a);

/* Runs them. 0, or -1 with errno. */
int runqlat_attach(
    const struct runqlat_plan *p, const struct cpulist *possible, struct runqlat_attached *a);

void runqlat_detach(struct runqlat_attached *a);

#endif
