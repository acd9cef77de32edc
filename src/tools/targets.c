/* Whose tasks are looked at. */
#include "tools/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cgroup/locate.h"
#include "proc/task.h"

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
		if (line.n == 0 || line.s[0] < '1' || line.s[0] > '9' || text_u64(line, &pid) < 0 ||
		    pid > PID_MOST)
			continue;
		v = arena_grow(a, v, *n, cap, sizeof *v);
		v[(*n)++] = (uint32_t)pid;
	}
	return v;
}

uint32_t *
targets_parse_pids(struct arena *a, struct text t, size_t *n)
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
	const struct place *top; /* rel is below it */
	uint32_t *pids;
	size_t n, cap;
	int failed; /* errno */
};

/* A threaded cgroup (v2) tells no processes: those are listed where its threads' domain is, which
 * is above. */
static void
walk(struct walk *k, const char *rel, int depth)
{
	struct text text, line;

	if (place_read(k->host, k->top, rel, "cgroup.procs", &text) == 0)
		k->pids = add_numbers(k->arena, text, k->pids, &k->n, &k->cap);
	else if (errno != EOPNOTSUPP || depth == DEPTH_MOST)
		k->failed = errno;
	if (k->failed || depth == 0 ||
	    host_list(k->host, arena_printf(k->arena, "%s%s", k->top->top, rel), &text) < 0)
		return;
	struct text names = { arena_copy(k->arena, text), text.n };
	while (text_line(&names, &line)) {
		walk(k, arena_printf(k->arena, "%s/%.*s", rel, (int)line.n, line.s), depth - 1);
		if (k->failed == ENOENT || k->failed == ENODEV)
			k->failed = 0; /* one below has gone meanwhile */
	}
}

int
targets_of_cgroup(struct host *h, struct arena *a, const struct place *top, const char *rel,
    uint32_t **pids, size_t *n)
{
	struct walk k = { .host = h, .arena = a, .top = top };

	walk(&k, rel, DEPTH_MOST);
	*n = k.failed ? 0 : sort(k.pids, k.n);
	*pids = k.pids;
	errno = k.failed;
	return k.failed ? -1 : 0;
}

/* /proc shows a directory for the number of any thread, and there all threads of its process, whose
 * figures these are not. 0 when it is a process, as far as can be told. */
static uint32_t
leader_of(struct watch *w, uint32_t pid)
{
	static const char *const keys[] = { "Tgid:" };
	struct keyed tgid;
	struct text text;
	char path[64];

	if (host_read(w->host, task_path(path, pid, 0, "/status"), &text) < 0 ||
	    keyed_parse(text, keys, 1, &tgid) < 1)
		return 0;
	return tgid.v != pid && tgid.v <= PID_MOST ? (uint32_t)tgid.v : 0;
}

static int
one_pid(struct targets *s, struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	struct text text;
	char path[64];

	*pids = targets_parse_pids(a, text_of(w->ask->target.pid), n);
	bool there = *n == 1 && host_read(w->host, task_path(path, **pids, 0, "/stat"), &text) == 0;
	if (there && !s->seen)
		s->leader = leader_of(w, **pids);
	if (there && !s->leader)
		return 0;
	errno = s->leader ? EINVAL : errno;
	*n = 0;
	return -1;
}

/* In the first hierarchy that has it. */
static int
find_cgroup(struct targets *s, struct watch *w)
{
	struct atlas at;
	int error = ENODEV;

	if (s->place.version)
		return 0;
	arena_reset(&s->arena);
	if (atlas_open(&at, w->host, &s->arena, "self") < 0)
		return -1;
	for (int f = 0; f < FAMILIES; f++) {
		if (locate_name(&at, w->ask->target.cgroup, (enum family)f, &s->place) == 0)
			return 0;
		error = errno == ENODEV ? error : errno;
	}
	s->place.version = 0;
	errno = error;
	return -1;
}

static int
all_pids(struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	struct text names;

	if (host_list(w->host, "proc", &names) < 0)
		return -1;
	*pids = targets_parse_pids(a, names, n);
	errno = ESRCH;
	return *n > 0 ? 0 : -1;
}

int
targets_pids(struct targets *s, struct watch *w, struct arena *a, uint32_t **pids, size_t *n)
{
	const struct target *t = &w->ask->target;

	*pids = NULL;
	*n = 0;
	int got = t->pid          ? one_pid(s, w, a, pids, n) :
	    !t->cgroup            ? all_pids(w, a, pids, n) :
	    find_cgroup(s, w) < 0 ? -1 :
				    targets_of_cgroup(w->host, a, &s->place, s->place.rel, pids, n);
	s->seen |= got == 0;
	return got;
}

static void
fail(const struct targets *s, struct watch *w, int error)
{
	const struct target *t = &w->ask->target;
	bool denied = error == EACCES || error == EPERM;

	if (*w->host->tools && error == ENODATA)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "the tasks asked for are not on this tape: it has those of whom it was "
		    "recorded for (-p, -g)");
	else if (t->pid && s->leader)
		watch_fail(w, EXIT_USAGE,
		    "%s is a thread of process %u: -p takes the process, -p %u", t->pid, s->leader,
		    s->leader);
	else if (t->pid && denied)
		watch_fail(w, EXIT_UNSUPPORTED, "process %s: %s: /proc is mounted with hidepid",
		    t->pid, strerror(error));
	else if (t->pid)
		watch_fail(w, EXIT_USAGE,
		    "no process %s here; -p takes the number of one that runs", t->pid);
	else if (t->cgroup && error == ENOENT)
		watch_fail(w, EXIT_USAGE,
		    "no cgroup %s here; -g takes a name as in /proc/PID/cgroup, or a directory "
		    "below /sys/fs/cgroup",
		    t->cgroup);
	else if (t->cgroup && error == ENODEV)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no cgroup hierarchy can be seen from here: is /sys/fs/cgroup mounted?");
	else if (t->cgroup && error == EOPNOTSUPP)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cgroup %s is threaded, and tells no processes (cgroup.procs): -g takes the "
		    "one above to which they belong",
		    t->cgroup);
	else if (t->cgroup)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cgroup %s: cgroup.procs: %s: its tasks are not known", t->cgroup,
		    strerror(error));
	else if (error == ESRCH)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no process is to be seen in /proc: is it mounted, and not with hidepid?");
	else
		watch_fail(
		    w, EXIT_UNSUPPORTED, "cannot list /proc: %s; is it mounted?", strerror(error));
}

bool
targets_explain(const struct targets *s, struct watch *w, int error)
{
	const struct target *t = &w->ask->target;

	if (!s->seen || (!t->pid && !t->cgroup)) {
		fail(s, w, error);
		return false;
	}
	if (t->cgroup) {
		watch_note(w,
		    "cgroup %s: cgroup.procs: %s: there are no rows until it can be read again",
		    t->cgroup, strerror(error == ENODEV ? ENOENT : error));
		return true;
	}
	watch_note(w, "process %s has ended", t->pid);
	w->ended = true;
	return false;
}

void
targets_free(struct targets *s)
{
	arena_free(&s->arena);
}
