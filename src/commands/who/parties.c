#include "commands/who/parties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* The named parties come after these, and the unnamed ones after them. */
enum { KERNEL = BLAME_FIRST, PROCESS, NAMED };

enum { NAMED_MOST = BLAME_PARTIES_MOST - NAMED };

const char *const who_kinds[] = {
	[WHO_TOTAL] = "total",
	[WHO_SELF] = "self",
	[WHO_NEIGHBOUR] = "neighbour",
	[WHO_KERNEL] = "kernel",
	[WHO_IDLE] = "idle",
	[WHO_QUOTA] = "quota",
	[WHO_INTERRUPT] = "interrupt",
	[WHO_STEAL] = "steal",
	[WHO_UNKNOWN] = "unknown",
	[WHO_OTHERS] = "others",
};

static bool
has_process(const struct trace_file *t, uint32_t pid)
{
	for (size_t i = 0; i < t->nthreads; i++)
		if (t->threads[i].pid == pid)
			return true;
	return false;
}

void
parties_grow(struct parties *p)
{
	size_t n = p->by_thread ? p->trace->nthreads : p->trace->ncgroups;

	p->nnamed = n < NAMED_MOST ? (uint32_t)n : (uint32_t)NAMED_MOST;
}

int
parties_begin(struct parties *p)
{
	const struct trace_file *t = p->trace;

	parties_grow(p);
	if (p->pid && !has_process(t, p->pid))
		return fail_with(ESRCH);
	return 0;
}

static uint32_t
named_party(const struct parties *p, size_t i)
{
	return i < p->nnamed ? NAMED + (uint32_t)i : (uint32_t)BLAME_OTHERS;
}

/* At most as many as there are numbers of parties: further ones are the others. */
static uint32_t
unnamed_party(struct parties *p, uint32_t tid)
{
	struct text key = { (const char *)&tid, sizeof tid };
	int number = map_find(&p->unnamed, key);

	if (number < 0 && p->unnamed.n >= BLAME_PARTIES_MOST)
		return BLAME_OTHERS;
	return NAMED + p->nnamed + (number < 0 ? map_put(&p->unnamed, key) : (uint32_t)number);
}

uint32_t
parties_of(void *about, uint32_t tid, uint64_t at_ns)
{
	struct parties *p = about;
	const struct trace_thread *t = p->find(p->trace, tid, at_ns);

	if (p->by_thread)
		return t ? named_party(p, (size_t)(t - p->trace->threads)) : unnamed_party(p, tid);
	if (t && p->pid && t->pid == p->pid)
		return PROCESS;
	if (t && t->kernel)
		return KERNEL;
	return t && t->cgroup != TRACE_NO_CGROUP ? named_party(p, t->cgroup) :
						   (uint32_t)BLAME_UNKNOWN;
}

/* That of its first thread, if it is there. */
static uint32_t
process_cgroup(const struct parties *p)
{
	const struct trace_file *t = p->trace;
	uint32_t cgroup = TRACE_NO_CGROUP;

	for (size_t i = 0; i < t->nthreads; i++)
		if (t->threads[i].pid == p->pid &&
		    (cgroup == TRACE_NO_CGROUP || t->threads[i].tid == p->pid))
			cgroup = t->threads[i].cgroup;
	return cgroup;
}

/* The thread that is a party; NULL: unknown. */
static const struct trace_thread *
thread_of(const struct parties *p, uint32_t party)
{
	bool named = p->by_thread && party >= NAMED && party - NAMED < p->nnamed;

	return named ? &p->trace->threads[party - NAMED] : NULL;
}

uint32_t
parties_cgroup(const struct parties *p, uint32_t party)
{
	const struct trace_thread *t = thread_of(p, party);

	if (t)
		return t->kernel ? PARTIES_FREE : t->cgroup;
	if (p->by_thread || party < BLAME_FIRST)
		return TRACE_NO_CGROUP;
	if (party < NAMED)
		return party == PROCESS ? process_cgroup(p) : PARTIES_FREE;
	return party - NAMED < p->nnamed ? party - NAMED : TRACE_NO_CGROUP;
}

void
parties_each(const struct parties *p, void (*f)(void *about, uint32_t party), void *about)
{
	if (p->by_thread)
		return;
	if (p->pid)
		f(about, PROCESS);
	for (uint32_t i = 0; i < p->nnamed; i++)
		f(about, NAMED + i);
}

static const char *
thread_name(struct parties *p, uint32_t party)
{
	const struct trace_thread *t = thread_of(p, party);
	uint32_t tid;

	if (t && *t->comm)
		return arena_printf(&p->arena, "%.*s/%u", TRACE_COMM, t->comm, t->tid);
	if (t)
		return arena_u64(&p->arena, t->tid);
	struct text key = map_key(&p->unnamed, party - NAMED - p->nnamed);
	memcpy(&tid, key.s, sizeof tid);
	return arena_u64(&p->arena, tid);
}

static const char *
process_name(struct parties *p)
{
	const struct trace_file *t = p->trace;
	const char *comm = "";

	for (size_t i = 0; i < t->nthreads; i++)
		if (t->threads[i].pid == p->pid && (!*comm || t->threads[i].tid == p->pid))
			comm = t->threads[i].comm;
	return arena_printf(&p->arena, "%.*s/%u", TRACE_COMM, comm, p->pid);
}

const char *
parties_name(struct parties *p, uint32_t party)
{
	static const char *const special[BLAME_FIRST] = { [BLAME_IDLE] = "(idle CPU)",
		[BLAME_QUOTA] = "(quota)",
		[BLAME_OTHERS] = "(others)",
		[BLAME_IRQ] = "(interrupts)",
		[BLAME_STEAL] = "(hypervisor)" };

	if (party < BLAME_FIRST)
		return special[party];
	if (p->by_thread)
		return thread_name(p, party);
	if (party < NAMED)
		return party == PROCESS ? process_name(p) : "(kernel threads)";
	const char *path = p->trace->cgroups[party - NAMED];
	return *path ? path : NULL;
}

const char *
parties_only_cgroup(struct parties *p)
{
	const struct trace_file *t = p->trace;
	uint32_t only = TRACE_NO_CGROUP;

	if (p->by_thread || p->pid || p->chosen)
		return NULL;
	for (size_t i = 0; i < t->nthreads; i++) {
		uint32_t cgroup = t->threads[i].cgroup;
		if (t->threads[i].kernel || cgroup == TRACE_NO_CGROUP)
			continue;
		if (only != TRACE_NO_CGROUP && cgroup != only)
			return NULL;
		only = cgroup;
	}
	return only < p->nnamed ? parties_name(p, NAMED + only) : NULL;
}

bool
parties_wait(const struct parties *p, uint32_t party)
{
	const struct trace_thread *t = thread_of(p, party);
	uint32_t cgroup = p->by_thread ? t ? t->cgroup : TRACE_NO_CGROUP : party - NAMED;

	if (p->pid)
		return p->by_thread ? t && t->pid == p->pid : party == PROCESS;
	return !p->chosen || (party >= NAMED && cgroup < p->trace->ncgroups && p->chosen[cgroup]);
}

static enum who_kind
kind_of_thread(const struct parties *p, uint32_t victim, uint32_t culprit)
{
	const struct trace_thread *a = thread_of(p, victim), *b = thread_of(p, culprit);

	if (victim == culprit || (a && b && a->pid && a->pid == b->pid))
		return WHO_SELF;
	return b && b->kernel ? WHO_KERNEL : WHO_NEIGHBOUR;
}

enum who_kind
parties_kind(const struct parties *p, uint32_t victim, uint32_t culprit)
{
	static const enum who_kind special[BLAME_FIRST] = { [BLAME_IDLE] = WHO_IDLE,
		[BLAME_QUOTA] = WHO_QUOTA,
		[BLAME_UNKNOWN] = WHO_UNKNOWN,
		[BLAME_OTHERS] = WHO_OTHERS,
		[BLAME_IRQ] = WHO_INTERRUPT,
		[BLAME_STEAL] = WHO_STEAL };

	if (culprit < BLAME_FIRST)
		return special[culprit];
	if (p->by_thread)
		return kind_of_thread(p, victim, culprit);
	if (victim == culprit)
		return WHO_SELF;
	return culprit == KERNEL ? WHO_KERNEL : WHO_NEIGHBOUR;
}

void
parties_free(struct parties *p)
{
	map_free(&p->unnamed);
	arena_free(&p->arena);
	free(p->chosen);
}
