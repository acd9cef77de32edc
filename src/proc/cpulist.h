/* cpulist: "1-2,3,5-9", as in Cpus_allowed_list of /proc/PID/status, in cpusets, and after -P. */
#ifndef PQ_PROC_CPULIST_H
#define PQ_PROC_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { CPULIST_MOST = 8192 }; /* CONFIG_NR_CPUS is at most 8192 on x86_64 */

struct cpulist {
	uint64_t bits[CPULIST_MOST / 64];
};

/* 0, or -1 with EINVAL (not such a list, or empty) or ERANGE (a CPU of CPULIST_MOST or more). */
int cpulist_parse(struct text t, struct cpulist *out);

/* Adds a CPU; one of CPULIST_MOST or more is ignored. */
void cpulist_add(struct cpulist *l, unsigned cpu);

bool cpulist_has(const struct cpulist *l, unsigned cpu);

/* How many there are. */
unsigned cpulist_count(const struct cpulist *l);

/* The list as the kernel writes it, "0-3,5"; false when n bytes are too few: what is in out then
 * ends with "...". */
bool cpulist_print(const struct cpulist *l, char *out, size_t n);

#endif
