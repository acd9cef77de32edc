/* take: pq trace [seconds]: records what the scheduler does, and saves it. */
#ifndef PQ_COMMANDS_TRACE_TAKE_H
#define PQ_COMMANDS_TRACE_TAKE_H

#include "cli/args.h"

/* Records for that time (0: until a signal ends it), and writes the trace. */
enum exit_status trace_take(const struct options *o, int64_t for_ns);

#endif
