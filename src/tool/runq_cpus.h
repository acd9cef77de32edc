/* runq -P: the run queue of each CPU. */
#ifndef PQ_RUNQ_CPUS_H
#define PQ_RUNQ_CPUS_H

#include "tool.h"

extern const struct tool tool_runq_cpus;

#endif
