/* runqlat: what the rows and the histogram of pq runqlat share. */
#ifndef PQ_RUNQLAT_RUNQLAT_H
#define PQ_RUNQLAT_RUNQLAT_H

#include "tools/runqlat/latency.h"

/* Beside the rows in microseconds. */
extern const struct tool tool_runqlat_ms, tool_runqlat_hist, tool_runqlat_hist_ms;

enum { RUNQLAT_TAKES = TAKES_PID | TAKES_CGROUP | TAKES_CPUS | TAKES_LATENCY | TAKES_BUDGET };

#endif
