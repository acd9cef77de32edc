/*
 * threads: which threads the target has, and which row of BPF is that of a thread.
 *
 * Threads, their ids and rows all are in the order of PID and TID, so that one pass merges them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "tools/wait/wait.h"

struct ids {
	struct wait_id {
		uint32_t pid, tid;
	} * v;
	size_t n, cap;
};

/* False at the limit. */
static bool
add_id(struct watch *w, struct ids *all, uint32_t pid, uint32_t tid)
{
	struct waits *s = w->state;

	if (all->n == WAIT_THREADS_MOST) {
		watch_note(w,
		    "more than %d threads: the others are omitted (select fewer with -p or -g)",
		    WAIT_THREADS_MOST);
		return false;
	}
	all->v = arena_grow(&s->listing, all->v, all->n, &all->cap, sizeof *all->v);
	all->v[all->n++] = (struct wait_id){ pid, tid };
	return true;
}

/* The end of the rows of this sample. */
static const struct task_row *
end_of_rows(const struct waits *s)
{
	return s->source.now->v + s->source.now->n;
}

/* The row of the first thread of a process; NULL: it has none. */
static const struct task_row *
first_row(const struct waits *s, uint32_t pid)
{
	size_t low = 0, high = *s->source.file ? s->source.now->n : 0, n = high;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (s->source.now->v[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && s->source.now->v[low].pid == pid ? &s->source.now->v[low] : NULL;
}

const struct task_row *
wait_thread_row(const struct waits *s, const struct wait_thread *t, const struct task_row **next)
{
	const struct task_row *r = *next, *end = *s->source.file ? end_of_rows(s) : NULL;

	if (!end)
		return NULL;
	while (r < end && (r->pid < t->pid || (r->pid == t->pid && r->tid < t->tid)))
		r++;
	*next = r;
	return r < end && r->pid == t->pid && r->tid == t->tid ? r : NULL;
}

/* A process that has ended, or whose threads may not be listed, has none. False at the limit. */
static bool
list_process(struct watch *w, uint32_t pid, struct ids *all)
{
	struct waits *s = w->state;
	struct text names;
	char path[64];
	size_t n;

	const struct task_row *row = first_row(s, pid);
	for (; row && row < end_of_rows(s) && row->pid == pid; row++)
		if (!add_id(w, all, pid, row->tid))
			return false;
	if (first_row(s, pid) || host_list(w->host, task_path(path, pid, 0, "/task"), &names) < 0)
		return true;
	const uint32_t *tids = targets_parse_pids(&s->listing, names, &n);
	for (size_t i = 0; i < n; i++)
		if (!add_id(w, all, pid, tids[i]))
			return false;
	return true;
}

/* Whether rows alone tell which threads the target has: that of all, unless the kernel hides some, and
 * a process that is among them. */
static bool
rows_have_target(struct watch *w)
{
	const struct target *t = &w->ask->target;
	struct waits *s = w->state;
	uint64_t pid;

	if (!*s->source.file || t->cgroup)
		return false;
	if (!t->pid)
		return s->source.now->hidden.known && s->source.now->hidden.v == 0;
	if (text_u64(text_of(t->pid), &pid) < 0 || !first_row(s, (uint32_t)pid))
		return false;
	return s->targets.seen = true;
}

static void
list_rows(struct watch *w, struct ids *all)
{
	const struct waits *s = w->state;
	const char *pid = w->ask->target.pid;
	uint64_t only = 0;

	if (pid && text_u64(text_of(pid), &only) < 0)
		return;
	for (const struct task_row *r = s->source.now->v; r < end_of_rows(s); r++)
		if (pid ? r->pid == only : r->pid != s->self)
			if (!add_id(w, all, r->pid, r->tid))
				return;
}

/* PIDs and TIDs come in ascending order, and so do the ids. */
static void
list_target(struct watch *w, struct ids *all)
{
	struct waits *s = w->state;
	uint32_t *pids;
	size_t n;

	arena_reset(&s->listing);
	if (rows_have_target(w)) {
		s->list_error = 0;
		list_rows(w, all);
		return;
	}
	s->list_error = targets_pids(&s->targets, w, &s->listing, &pids, &n) < 0 ? errno : 0;
	for (size_t i = 0; !s->list_error && i < n; i++)
		if (pids[i] != s->self && !list_process(w, pids[i], all))
			return;
}

static int
compare(const struct wait_thread *t, const struct wait_id *id)
{
	if (t->pid != id->pid)
		return t->pid < id->pid ? -1 : 1;
	return t->tid < id->tid ? -1 : t->tid > id->tid;
}

static int
by_id(const void *id, const void *thread)
{
	return -compare(thread, id);
}

struct wait_thread *
wait_thread_find(const struct waits *s, uint32_t pid, uint32_t tid)
{
	const struct wait_id id = { pid, tid };

	return s->nthreads ? bsearch(&id, s->threads, s->nthreads, sizeof *s->threads, by_id) :
			     NULL;
}

bool
wait_thread_over(const struct wait_thread *t)
{
	return t->gone && !t->ended;
}

/* Mostly no thread was created or has ended. */
static bool
is_same(const struct waits *s, const struct ids *all)
{
	if (s->nthreads != all->n)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (compare(&s->threads[i], &all->v[i]) != 0 || wait_thread_over(&s->threads[i]))
			return false;
	return true;
}

/* Keeps the threads that are still listed, and ends the others. Both lists are in order. */
static void
merge(struct watch *w, const struct ids *all)
{
	struct waits *s = w->state;
	struct wait_thread *v = xmalloc((all->n ? all->n : 1) * sizeof *v);
	struct wait_thread *old = s->threads, *end = old ? old + s->nthreads : NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct wait_id *id = &all->v[i];
		for (; old < end && compare(old, id) < 0; old++)
			wait_thread_end(w, old);
		struct wait_thread *t = old < end && compare(old, id) == 0 ? old++ : NULL;
		v[i] = t && !wait_thread_over(t) ?
		    *t :
		    (struct wait_thread){ .pid = id->pid, .tid = id->tid };
	}
	for (; old < end; old++)
		wait_thread_end(w, old);
	free(s->threads);
	s->threads = v;
	s->nthreads = all->n;
	s->turn = xrealloc(s->turn, (all->n ? all->n : 1) * sizeof *s->turn);
	memset(s->turn, 0, all->n * sizeof *s->turn);
}

void
wait_threads_list(struct watch *w)
{
	struct waits *s = w->state;
	struct ids all = { NULL, 0, 0 };

	if (s->partly) /* then the threads are still the same */
		return;
	if (!rows_have_target(w) && s->until_list > 0 && s->until_list-- > 0)
		return;
	list_target(w, &all);
	if (!is_same(s, &all))
		merge(w, &all);
	unsigned hz = wait_options(w)->hz;
	s->until_list = s->nthreads / 64 < hz ? (unsigned)(s->nthreads / 64) : hz;
}
