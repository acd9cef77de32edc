/* runq -P: the run queue of each CPU. */
#ifndef PQ_TOOLS_RUNQ_CPUS_H
#define PQ_TOOLS_RUNQ_CPUS_H

#include "tools/tool.h"

extern const struct tool tool_runq_cpus;

#endif
