/* psi: pressure stall information: /proc/pressure/{cpu,memory,io,irq} and a cgroup's X.pressure. */
#ifndef PQ_PROC_PSI_FILE_H
#define PQ_PROC_PSI_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* A line "some avg10=55.78 avg60=14.49 avg300=3.23 total=10566264". */
struct psi_line {
	bool known;        /* cpu has no line "full" before Linux 5.13, irq has none "some" */
	double avg[3];     /* % of the last 10, 60 and 300 s, renewed every 2 s */
	uint64_t total_us; /* stalled since boot, or since the cgroup was made */
};

struct psi {
	struct psi_line some, full;
};

/* 0, or -1 with EINVAL when neither line is there whole. (With CONFIG_PSI_DEFAULT_DISABLED reading
 * fails: EOPNOTSUPP.) */
int psi_parse(struct text t, struct psi *out);

#endif
