/* parties: who the threads of a trace belong to: the parties that wait and that others wait for. */
#ifndef PQ_COMMANDS_WHO_PARTIES_H
#define PQ_COMMANDS_WHO_PARTIES_H

#include "base/arena.h"
#include "base/map.h"
#include "trace/blame.h"
#include "trace/trace_file.h"

/* Zero-initialise, then set the first five. */
struct parties {
	const struct trace_file *trace; /* its threads and cgroups */
	/* the thread with that number at that time; NULL: unknown */
	const struct trace_thread *(*find)(
	    const struct trace_file *t, uint32_t tid, uint64_t at_ns);
	bool by_thread;  /* a party is a thread, else a cgroup; kernel threads are one party */
	uint32_t pid;    /* only this process waits, and is a party of its own; 0: not given */
	bool *chosen;    /* only these cgroups wait, by index; NULL: all */
	uint32_t nnamed; /* parties with a name in the trace: of threads or of cgroups. They may get
			     * more as long as there are no others. */
	struct map unnamed; /* by_thread: numbers of threads that the trace does not know */
	struct arena arena;
};

/* What a culprit is to a victim. */
enum who_kind {
	WHO_TOTAL,     /* all culprits together */
	WHO_SELF,      /* the same cgroup; by_thread: the same process */
	WHO_NEIGHBOUR, /* another one */
	WHO_KERNEL,    /* kernel threads */
	WHO_IDLE,      /* nobody: the CPU was idle */
	WHO_QUOTA,
	WHO_INTERRUPT,
	WHO_STEAL,
	WHO_UNKNOWN,
	WHO_OTHERS, /* more culprits than are kept apart */
	WHO_KINDS
};

/* "total", "self", "neighbour" … */
extern const char *const who_kinds[];

/* 0, or -1 with errno: ESRCH the process is not in the trace. */
int parties_begin(struct parties *p);

/* The trace has got more threads or cgroups, after those that it had. */
void parties_grow(struct parties *p);

/* The party of a thread; `about` is the struct parties. */
uint32_t parties_of(void *about, uint32_t tid, uint64_t at_ns);

/* The cgroup, by index, whose quotas hold its threads back; PARTIES_FREE: no quota can, TRACE_NO_CGROUP:
 * unknown. */
#define PARTIES_FREE (TRACE_NO_CGROUP - 1)
uint32_t parties_cgroup(const struct parties *p, uint32_t party);

/* Calls f for each party, unless parties are threads. */
void parties_each(const struct parties *p, void (*f)(void *about, uint32_t party), void *about);

/* The name of a party, valid as long as the parties are; NULL: unknown. */
const char *parties_name(struct parties *p, uint32_t party);

/* The name of the only cgroup, if all threads are in one and rows of cgroups would show nothing. NULL: there
 * are several, or the cgroup is unknown, or the rows are threads or chosen parties. */
const char *parties_only_cgroup(struct parties *p);

/* Whether its waits are asked for. */
bool parties_wait(const struct parties *p, uint32_t party);

enum who_kind parties_kind(const struct parties *p, uint32_t victim, uint32_t culprit);

/* Frees `chosen` too. */
void parties_free(struct parties *p);

#endif
