/* Which threads pq wait looks at: those of the processes asked for. */
#include <errno.h>
#include <stdlib.h>

#include "tools/wait/wait.h"

static bool
add_id(struct wait_threads *all, uint32_t pid, uint32_t tid)
{
	if (all->nids == WAIT_THREADS_MOST) {
		all->cut = true;
		return false;
	}
	if (all->nids == all->ids_room) {
		all->ids_room = all->ids_room ? all->ids_room * 2 : 64;
		all->ids = xrealloc(all->ids, all->ids_room * sizeof *all->ids);
	}
	all->ids[all->nids++] = (struct wait_id){ pid, tid };
	return true;
}

/* The threads of a process; one that may not be listed, or has ended, has none. */
static void
list_process(struct watch *w, struct wait_threads *all, uint32_t pid)
{
	struct text names;
	char path[64];
	size_t n;

	if (host_list(w->host, whose_path(path, pid, 0, "/task"), &names) < 0)
		return;
	const uint32_t *tids = whose_numbers(&all->scratch, names, &n);
	for (size_t i = 0; i < n; i++)
		if (!add_id(all, pid, tids[i]))
			return;
}

/* "4242 (pq) R …" */
static void
learn_self(struct watch *w, struct wait_threads *all)
{
	struct task_stat stat;
	struct text text;

	all->begun = true;
	if (!w->ask->target.pid && host_read(w->host, "proc/self/stat", &text) == 0 &&
	    task_stat_parse(text, &stat) == 0)
		all->self = stat.pid;
}

/* pids and tids come in order, and so do the ids. */
static int
list_target(struct watch *w, struct wait_threads *all)
{
	uint32_t *pids;
	size_t n;

	if (!all->begun)
		learn_self(w, all);
	arena_reset(&all->scratch);
	all->nids = 0;
	all->cut = false;
	if (whose_pids(&all->whose, w, &all->scratch, &pids, &n) < 0)
		return -1;
	for (size_t i = 0; i < n && !all->cut; i++)
		if (pids[i] != all->self)
			list_process(w, all, pids[i]);
	return 0;
}

static int
compare(const struct wait_thread *t, uint32_t pid, uint32_t tid)
{
	if (t->pid != pid)
		return t->pid < pid ? -1 : 1;
	return t->tid < tid ? -1 : t->tid > tid;
}

/* Mostly nobody has come or gone. */
static bool
is_same(const struct wait_threads *all)
{
	if (all->n != all->nids)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (compare(&all->v[i], all->ids[i].pid, all->ids[i].tid) != 0 ||
		    (all->v[i].gone && !all->v[i].ended))
			return false;
	return true;
}

/* Both are in order: those in both are kept, the old ones that are not listed any more are lost. */
static void
merge(struct wait_threads *all, void (*lost)(void *, struct wait_thread *), void *about)
{
	struct wait_thread *v = xmalloc((all->nids ? all->nids : 1) * sizeof *v);
	size_t old = 0;

	for (size_t i = 0; i < all->nids; i++) {
		const struct wait_id *id = &all->ids[i];
		for (; old < all->n && compare(&all->v[old], id->pid, id->tid) < 0; old++)
			lost(about, &all->v[old]);
		struct wait_thread *t =
		    old < all->n && compare(&all->v[old], id->pid, id->tid) == 0 ? &all->v[old++] :
										   NULL;
		v[i] = t && (!t->gone || t->ended) ?
		    *t :
		    (struct wait_thread){ .pid = id->pid, .tid = id->tid };
	}
	for (; old < all->n; old++)
		lost(about, &all->v[old]);
	free(all->v);
	all->v = v;
	all->n = all->nids;
}

int
wait_threads_list(struct watch *w, struct wait_threads *all,
    void (*lost)(void *about, struct wait_thread *t), void *about)
{
	int got = list_target(w, all), error = errno;

	if (!is_same(all))
		merge(all, lost, about);
	errno = error;
	return got;
}

const struct wait_thread *
wait_threads_find(const struct wait_threads *all, uint32_t pid, uint32_t tid)
{
	size_t from = 0, to = all->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;
		int c = compare(&all->v[at], pid, tid);
		if (c == 0)
			return &all->v[at];
		if (c < 0)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

void
wait_threads_free(struct wait_threads *all)
{
	free(all->v);
	free(all->ids);
	arena_free(&all->scratch);
	whose_free(&all->whose);
}

int
wait_thread_read(struct watch *w, const struct wait_thread *t, const char *file, struct text *text)
{
	char path[64];

	return host_read(w->host, whose_path(path, t->pid, t->tid, file), text);
}
