/* threads: who the threads of a trace are. Some exist when it begins or is saved; others came and went
 * meanwhile. */
#ifndef PQ_TRACE_THREADS_H
#define PQ_TRACE_THREADS_H

#include "base/arena.h"
#include "base/map.h"
#include "host/host.h"
#include "trace/trace_file.h"

/* Zero-initialise. */
struct thread_list {
	struct trace_thread *v;
	size_t n, room;
	struct map cgroups; /* by index: their paths */
	struct arena arena;
};

/* Adds the threads that /proc has now of a process; 0: of all processes. */
void threads_read(struct thread_list *l, struct host *host, uint32_t pid);

/* Adds the cgroup of this process, or those of all (0), but no threads. */
void threads_read_cgroups(struct thread_list *l, struct host *host, uint32_t pid);

/* Adds those that were born meanwhile, and are not in the list: events of kind SCHED_NEW and
 * SCHED_EXEC, in any order. A thread begins in the cgroup of who created it, and with its name until
 * it runs another program. */
void threads_add_born(struct thread_list *l, struct sched_event *births, size_t n);

/* Writes the list. Of a thread among the first `before` that is there again, the later entry. */
void threads_put(struct thread_list *l, size_t before, struct trace_writer *w);

/* Prints "api[101/100]", or "thread 101" if it has ended. */
void thread_words(struct host *host, uint32_t tid, char *out, size_t n);

void threads_free(struct thread_list *l);

#endif
