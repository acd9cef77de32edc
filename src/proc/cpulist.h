/* cpulist: a set of CPUs, written "1-2,3,5-9" as in /proc/PID/status, in cpusets and after -P. */
#ifndef PQ_PROC_CPULIST_H
#define PQ_PROC_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { CPULIST_MOST = 8192 }; /* the largest CONFIG_NR_CPUS of x86_64 */

struct cpulist {
	uint64_t bits[CPULIST_MOST / 64];
};

/* 0, or -1 with errno: EINVAL the text is empty or no list, ERANGE a number is CPULIST_MOST or
 * more. */
int cpulist_parse(struct text t, struct cpulist *out);

/* Ignores a number of CPULIST_MOST or more. */
void cpulist_add(struct cpulist *l, unsigned cpu);

bool cpulist_has(const struct cpulist *l, unsigned cpu);
unsigned cpulist_count(const struct cpulist *l);

/* Writes the list as the kernel does: "0-3,5". If n bytes are too few, out ends in "..." and the
 * result is false. */
bool cpulist_print(const struct cpulist *l, char *out, size_t n);

#endif
