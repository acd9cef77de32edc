/* cpu_usage: what the CPUs' counters of /proc/stat grew by, by the columns of pq cpu. */
#ifndef PQ_TOOLS_CPU_USAGE_H
#define PQ_TOOLS_CPU_USAGE_H

#include "proc/stat.h"

enum { CPU, USR, NICE, SYS, IOWAIT, IRQ, SOFT, STEAL, GUEST, GNICE, IDLE, ALLOWED };

/* Ticks of an interval, by column; and all of them. */
struct usage {
	double part[IDLE + 1], whole;
	int fields; /* how many the kernel has */
};

/* Ticks of a CPU by column, for metrics: the kernel's counters at first, and then what they grew
 * by, as these run backwards. */
struct counted {
	bool begun;
	double ticks[IDLE + 1];
};

/* The field of /proc/stat in which a column begins to be known. */
enum cpu_field cpu_field_of(int column);

/* What lies between two readings; what ran backwards has not grown. */
struct usage cpu_usage(const struct cpu_time *from, const struct cpu_time *to);

/* Where nothing was counted in an interval of two ticks or more, not even idle time (a tickless
 * CPU), it was idle. */
void cpu_usage_fill(struct usage *u, const struct cpu_time *to, double span_ticks);

void cpu_usage_add(struct usage *sum, const struct usage *u);

/* The counters at the end of an interval in which they grew by this. */
void cpu_count(struct counted *counted, const struct cpu_time *now, const struct usage *u);

#endif
