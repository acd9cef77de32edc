/* Whom pq tasks looks at: all processes, one, or those of a cgroup and the cgroups below it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroups.h"
#include "tasks.h"

enum { PID_MOST = 4194304, DEPTH_MOST = 32 };

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts, which the kernel has mostly done, and drops what is there twice. */
static size_t
sort(uint32_t *v, size_t n)
{
	size_t kept = 0;
	bool sorted = true;

	for (size_t i = 1; i < n; i++)
		sorted &= v[i - 1] < v[i];
	if (sorted)
		return n;
	qsort(v, n, sizeof *v, ascending);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i] != v[i - 1])
			v[kept++] = v[i];
	return kept;
}

static uint32_t *
add_numbers(struct arena *a, struct text t, uint32_t *v, size_t *n, size_t *cap)
{
	struct text line;
	uint64_t pid;

	while (text_line(&t, &line)) {
		if (line.n == 0 || line.s[0] < '1' || line.s[0] > '9' || text_u64(line, &pid) < 0 || pid > PID_MOST)
			continue;
		v = arena_grow(a, v, *n, cap, sizeof *v);
		v[(*n)++] = (uint32_t)pid;
	}
	return v;
}

uint32_t *
tasks_numbers(struct arena *a, struct text t, size_t *n)
{
	size_t cap = 0;

	*n = 0;
	uint32_t *v = add_numbers(a, t, NULL, n, &cap);
	*n = sort(v, *n);
	return v;
}

struct walk {
	struct host *host;
	struct arena *arena;
	const struct place *top;
	uint32_t *pids;
	size_t n, cap;
	int failed; /* errno */
};

/* A threaded cgroup (v2) tells no processes: those are listed where its threads' domain is, which is above. */
static void
walk(struct walk *k, const char *rel, int depth)
{
	struct text text, line;

	if (place_read(k->host, k->top, rel, "cgroup.procs", &text) == 0)
		k->pids = add_numbers(k->arena, text, k->pids, &k->n, &k->cap);
	else if (errno != EOPNOTSUPP)
		k->failed = errno;
	if (k->failed || depth == 0 || host_list(k->host, arena_printf(k->arena, "%s%s", k->top->top, rel), &text) < 0)
		return;
	struct text names = { arena_copy(k->arena, text), text.n };
	while (text_line(&names, &line)) {
		walk(k, arena_printf(k->arena, "%s/%.*s", rel, (int)line.n, line.s), depth - 1);
		if (k->failed == ENOENT || k->failed == ENODEV)
			k->failed = 0; /* one below has gone meanwhile */
	}
}

int
tasks_members(struct host *h, struct arena *a, const struct groups *groups, const struct group *g, uint32_t **pids,
	      size_t *n)
{
	struct walk k = { .host = h, .arena = a, .top = &groups->top[FAMILY_CPU] };

	if (!g->rel[FAMILY_CPU]) {
		errno = ENODEV;
		return -1;
	}
	walk(&k, g->rel[FAMILY_CPU], DEPTH_MOST);
	*n = sort(k.pids, k.n);
	*pids = k.pids;
	errno = k.failed;
	return k.failed ? -1 : 0;
}

/* The process must have been there at first. */
static bool
one_pid(struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	struct state *state = w->state;
	const char *pid = w->ask->target.pid;
	char path[64];
	struct text text;

	*pids = tasks_numbers(a, text_of(pid), n);
	if (*n == 1 && host_read(w->host, tasks_path(path, **pids, 0, "/stat"), &text) == 0)
		return true;
	if (state->scans == 0 && (errno == EACCES || errno == EPERM))
		watch_fail(w, EXIT_UNSUPPORTED, "process %s: %s: /proc is mounted with hidepid", pid, strerror(errno));
	else if (state->scans == 0)
		watch_fail(w, EXIT_USAGE, "no process %s here; -p takes the number of one that runs", pid);
	else {
		watch_note(w, "process %s has ended", pid);
		w->ended = true;
	}
	return false;
}

static bool
pids_of_cgroup(struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	struct groups groups;

	if (!cgroups_read(w, FAMILY_CPU, a, &groups))
		return false;
	*n = 0;
	if (groups.n == 0 || tasks_members(w->host, a, &groups, &groups.v[groups.n - 1], pids, n) == 0)
		return true;
	watch_note(w, "cgroup %s: cgroup.procs: %s: its tasks are not known", w->ask->target.cgroup, strerror(errno));
	return true;
}

bool
tasks_pids(struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	const struct target *t = &w->ask->target;
	struct text names;

	*pids = NULL;
	if (t->pid)
		return one_pid(w, a, pids, n);
	if (t->cgroup)
		return pids_of_cgroup(w, a, pids, n);
	if (host_list(w->host, "proc", &names) < 0) {
		watch_fail(w, EXIT_UNSUPPORTED, "cannot list /proc: %s; is it mounted?", strerror(errno));
		return false;
	}
	*pids = tasks_numbers(a, names, n);
	if (*n > 0)
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "no process is to be seen in /proc: is it mounted, and not with hidepid?");
	return false;
}
