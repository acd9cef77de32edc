/*
 * threads: the threads of this machine by number, kept up to date with the events of the scheduler, so
 * that each event can be told whose it is. Files tell what events do not: the process, its cgroup and
 * names.
 */
#ifndef PQ_COMMANDS_WHO_THREADS_H
#define PQ_COMMANDS_WHO_THREADS_H

#include "proc/task.h"
#include "base/arena.h"
#include "base/map.h"
#include "host/host.h"
#include "trace/trace_file.h"

enum { THREADS_TIDS = TASK_NUMBERS, THREADS_PAGE = 1 << 10 };

/* Zero-initialise. */
struct who_threads {
	struct trace_file file; /* first; only its threads, in no order, and its cgroups */
	size_t threads_room, cgroups_room;
	struct map paths; /* of the cgroups, by index */
	struct arena arena;
	uint32_t *pages[THREADS_TIDS / THREADS_PAGE]; /* the index of a thread, plus 1 */
	uint32_t *fresh; /* numbers of threads that files are still to be read about */
	size_t nfresh, fresh_room;
	uint32_t *ended; /* indexes of threads that have ended, oldest first, in a ring */
	size_t nended, first_ended, ended_room;
	size_t refreshed; /* up to this index */
};

/* Adds all threads that are there. */
void who_threads_begin(struct who_threads *t, struct host *h);

/* To be called with each event, before anybody asks for its threads. */
void who_threads_event(struct who_threads *t, const struct sched_event *e);

/* The thread with that number now; NULL: unknown. The first argument is that of a struct who_threads. */
const struct trace_thread *who_threads_find(
    const struct trace_file *t, uint32_t tid, uint64_t at_ns);

/* Reads files about new threads, and again about some others, as these may have moved: at most `most` in
 * all. Calls moved for each whose process or cgroup was another one. */
void who_threads_read(struct who_threads *t, struct host *h, size_t most,
    void (*moved)(void *about, uint32_t tid), void *about);

/* The index of a thread that /proc has, for who follows no events: a new one is added, and read. */
size_t who_threads_see(struct who_threads *t, struct host *h, uint32_t pid, uint32_t tid);

/* /proc has it no more. */
void who_threads_ended(struct who_threads *t, size_t index);

void who_threads_free(struct who_threads *t);

#endif
