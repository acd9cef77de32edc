/* live_threads: the threads that /proc has now, with what a trace says of each. */
#ifndef PQ_COMMANDS_LIVE_THREADS_H
#define PQ_COMMANDS_LIVE_THREADS_H

#include "host/host.h"
#include "trace/trace_file.h"

/* Sets the name, the start, and whether it is a kernel thread. With tid 0 it is the thread /proc/PID, which
 * is there for each thread, though not listed. False: it has ended. */
bool live_thread_read(struct host *h, uint32_t pid, uint32_t tid, struct trace_thread *out);

/* Gets a thread, and the path of its cgroup; empty: unknown. t->cgroup is TRACE_NO_CGROUP. */
typedef void live_thread_sink(void *ctx, const struct trace_thread *t, struct text cgroup);

/* Gives the sink all threads of a process; 0: of all processes. */
void live_threads(struct host *h, uint32_t pid, live_thread_sink *sink, void *ctx);

/* Gets the path of a cgroup. */
typedef void live_cgroup_sink(void *ctx, struct text cgroup);

/* Gives the sink the cgroup of each process, or of one. */
void live_cgroups(struct host *h, uint32_t pid, live_cgroup_sink *sink, void *ctx);

#endif
