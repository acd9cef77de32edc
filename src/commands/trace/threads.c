/* threads: reads the threads from /proc, and adds threads that only events name. */
#include "commands/trace/threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "commands/live_threads.h"
#include "proc/task.h"

/* ---- Threads in /proc */

static struct trace_thread *
add(struct thread_list *l, const struct trace_thread *new)
{
	l->v = xgrow(l->v, l->n, &l->room, sizeof *l->v);
	l->v[l->n] = *new;
	return &l->v[l->n++];
}

static uint32_t
cgroup_number(struct thread_list *l, struct text path)
{
	int i = map_find(&l->cgroups, path);

	return i >= 0 ? (uint32_t)i : map_put(&l->cgroups, path);
}

static void
add_cgroup(void *ctx, struct text path)
{
	cgroup_number(ctx, path);
}

static void
add_live(void *ctx, const struct trace_thread *t, struct text cgroup)
{
	struct thread_list *l = ctx;
	struct trace_thread *new = add(l, t);

	if (cgroup.n > 0)
		new->cgroup = cgroup_number(l, cgroup);
}

void
threads_read(struct thread_list *l, struct host *host, uint32_t pid)
{
	live_threads(host, pid, add_live, l);
}

void
threads_read_cgroups(struct thread_list *l, struct host *host, uint32_t pid)
{
	live_cgroups(host, pid, add_cgroup, l);
}

/* ---- Those that events tell of */

static int
by_time(const void *a, const void *b)
{
	const struct sched_event *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static int
by_number_and_start(const void *a, const void *b)
{
	const struct trace_thread *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* A copy of the list in that order. */
static struct trace_thread *
sorted(const struct thread_list *l)
{
	struct trace_thread *v = xmalloc((l->n + 1) * sizeof *v);

	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	qsort(v, l->n, sizeof *v, by_number_and_start);
	return v;
}

/* The last of the sorted threads with that number that had begun by then; NULL: none. Numbers are used
 * again. */
static const struct trace_thread *
latest(const struct trace_thread *v, size_t n, uint32_t tid, uint64_t at_ns)
{
	size_t from = 0;

	while (n > 0) {
		const struct trace_thread *t = &v[from + n / 2];
		bool before = t->tid < tid || (t->tid == tid && t->start_ns <= at_ns);
		from += before ? n / 2 + 1 : 0;
		n = before ? n - n / 2 - 1 : n / 2;
	}
	return from > 0 && v[from - 1].tid == tid ? &v[from - 1] : NULL;
}

static uint32_t
largest_number(const struct thread_list *l, const struct sched_event *births, size_t n)
{
	uint32_t most = 0;

	for (size_t i = 0; i < l->n; i++)
		most = l->v[i].tid > most ? l->v[i].tid : most;
	for (size_t i = 0; i < n; i++)
		most = births[i].tid > most ? births[i].tid : most;
	return most;
}

struct born {
	struct thread_list *l;
	struct trace_thread *known; /* those of /proc, sorted */
	size_t known_n;
	uint32_t *last; /* by number, the last one that was added, plus 1; 0: none */
	uint32_t numbers;
};

/* /proc tells the start in ticks, which are earlier by up to 10 ms, and the kernel sets it a little
 * before the event. */
static bool
is_known(const struct born *b, const struct sched_event *e)
{
	const uint64_t most_ns = 30000000;
	const struct trace_thread *t = latest(b->known, b->known_n, e->tid, e->at_ns);

	return t && e->at_ns - t->start_ns < most_ns;
}

static const struct trace_thread *
thread_at(const struct born *b, uint32_t tid, uint64_t at_ns)
{
	const struct trace_thread *t = latest(b->known, b->known_n, tid, at_ns);
	const struct trace_thread *added =
	    tid < b->numbers && b->last[tid] ? &b->l->v[b->last[tid] - 1] : NULL;

	return added && (!t || added->start_ns > t->start_ns) ? added : t;
}

static void
take_birth(struct born *b, const struct sched_event *e)
{
	const struct trace_thread *parent = thread_at(b, e->other, e->at_ns);

	if (!parent || is_known(b, e))
		return;
	struct trace_thread new = *parent;
	new.tid = e->tid;
	new.pid = trace_pid_of_new(e, parent);
	new.start_ns = e->at_ns;
	add(b->l, &new);
	b->last[e->tid] = (uint32_t)b->l->n;
}

void
threads_add_born(struct thread_list *l, struct sched_event *births, size_t n)
{
	struct born b = { .l = l, .known = sorted(l), .known_n = l->n };

	b.numbers = largest_number(l, births, n) + 1;
	b.last = xmalloc(b.numbers * sizeof *b.last);
	memset(b.last, 0, b.numbers * sizeof *b.last);
	if (n)
		qsort(births, n, sizeof *births, by_time);
	for (size_t i = 0; i < n; i++) {
		const struct sched_event *e = &births[i];
		if (e->kind == SCHED_NEW)
			take_birth(&b, e);
		else if (b.last[e->tid])
			*l->v[b.last[e->tid] - 1].comm = '\0';
	}
	free(b.last);
	free(b.known);
}

/* ---- In the file */

void
threads_put(struct thread_list *l, size_t before, struct trace_writer *w)
{
	const struct thread_list rest = { .v = l->v ? l->v + before : NULL, .n = l->n - before };
	struct trace_thread *later = sorted(&rest);

	for (uint32_t i = 0; i < l->cgroups.n; i++)
		trace_put_cgroup(w, arena_copy(&l->arena, map_key(&l->cgroups, i)));
	for (size_t i = 0; i < before; i++)
		if (!bsearch(&l->v[i], later, rest.n, sizeof *later, by_number_and_start))
			trace_put_thread(w, &l->v[i]);
	for (size_t i = 0; i < rest.n; i++)
		trace_put_thread(w, &later[i]);
	free(later);
}

/* /proc/TID is there for each thread, though it is not listed. */
void
thread_words(struct host *host, uint32_t tid, char *out, size_t n)
{
	static const char *const keys[] = { "Tgid:" };
	struct text status, stat;
	struct task_stat s;
	struct keyed pid;
	char path[64];

	snprintf(out, n, "thread %" PRIu32, tid);
	if (host_read(host, task_path(path, tid, 0, "/status"), &status) < 0 ||
	    keyed_parse(status, keys, 1, &pid) != 1 ||
	    host_read(host, task_path(path, tid, 0, "/stat"), &stat) < 0 ||
	    task_stat_parse(stat, &s) < 0)
		return;
	int at = snprintf(out, n, "%.*s[%" PRIu32, (int)s.comm.n, s.comm.s, tid);
	if (at > 0 && (size_t)at < n && pid.v != tid)
		at += snprintf(out + at, n - (size_t)at, "/%" PRIu64, pid.v);
	if (at > 0 && (size_t)at < n)
		snprintf(out + at, n - (size_t)at, "]");
}

void
threads_free(struct thread_list *l)
{
	free(l->v);
	map_free(&l->cgroups);
	arena_free(&l->arena);
}
