/* windows: saves windows of the rings, and tells the conditions of single waits. Both pq trace and pq
 * record do that. */
#ifndef PQ_TRACE_WINDOWS_H
#define PQ_TRACE_WINDOWS_H

#include "commands/recorder/triggers.h"
#include "commands/trace/ring.h"

/* The rings as what windows are saved of. */
struct save_medium trace_medium(struct trace_ring *t);

/* Takes the waits that were too long, and lets conditions fire. */
void trace_take_waits(struct trace_ring *t, struct triggers *triggers);

/* Sleeps until then, or until a wait that a condition is about was too long, a window is due to be saved,
 * or a signal arrives. Does what the rings need meanwhile. */
void trace_sleep(struct trace_ring *t, const struct triggers *triggers, const struct saves *saves,
    int64_t until_ns);

/* Logs, once the rate is known, how long the ring lasts. False: it is not known yet. */
bool trace_tell_rate(const struct trace_ring *t, struct journal *j);

#endif
