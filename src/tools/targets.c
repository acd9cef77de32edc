/* Which processes -p and -g select, and why there are none. */
#include "tools/targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cgroup/locate.h"
#include "proc/task.h"
#include "tools/hidden.h"

enum { PID_MOST = 4194304, DEPTH_MOST = 32 };

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts, unless the kernel has done so already, and drops repeats. Returns how many are left. */
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

/* A threaded cgroup (v2) lists no processes: the parent that is their domain does. */
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
			k->failed = 0; /* a child cgroup was removed meanwhile */
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

/* The process of a thread, else 0. /proc/TID exists for each thread, and has the figures of its
 * process. */
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

/* Finds the cgroup in the first hierarchy that has it. */
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

const char *
recording_lacks_cgroup(const struct host *h, const struct target *t)
{
	if (t->pid && strstr(h->asked, "-a"))
		return "the recording does not tell in which cgroup it is (select its cgroup with "
		       "-g, or record it with -p)";
	return strstr(h->asked, "-a") ?
	    "not in the first sample (select a time from when it exists on: --from)" :
	    "the recording holds only the cgroups chosen when it was made (-p, -g, -a)";
}

const char *
target_words(const struct target *t, char out[320])
{
	const char *kind = t->cgroup ? "cgroup " :
	    t->pid                   ? "process " :
				       "",
		   *which = t->cgroup ? t->cgroup :
	    t->pid                    ? t->pid :
	    t->all                    ? "all cgroups" :
					"pq itself";

	snprintf(out, 320, "%s%s", kind, which);
	return out;
}

/* "-g app: 3 cgroups are named so: shop/web-0/app, shop/web-1/app, …" */
static void
say_ambiguous(const struct names_found *f, const char *name, char why[1024])
{
	size_t n = (size_t)snprintf(
	    why, 1024, "-g %.100s: %zu cgroups are named so; want one of: ", name, f->n);
	bool same = false;

	for (size_t i = 1; i < f->n && i < FOUND_MOST; i++)
		same |= strcmp(f->name[i], f->name[i - 1]) == 0;
	for (size_t i = 0; i < f->n && i < FOUND_MOST && n < 1024; i++)
		n += (size_t)snprintf(
		    why + n, 1024 - n, "%s%.240s", i ? ", " : "", same ? f->path[i] : f->name[i]);
	if (f->n > FOUND_MOST && n < 1024)
		snprintf(why + n, 1024 - n, ", …");
}

/* A path that is not there has no name to look for. The shortened ones may begin with '/'. */
static bool
is_path(struct atlas *at, const char *cgroup)
{
	struct place place;

	for (int f = 0; f < FAMILIES; f++)
		if (locate_name(at, cgroup, (enum family)f, &place) == 0)
			return true;
	return *cgroup == '/' && !strchr(cgroup, '<');
}

bool
targets_resolve(struct host *h, struct arena *a, struct target *t, char why[1024])
{
	struct names_found found;
	struct atlas at;

	if (!t->cgroup || atlas_open(&at, h, a, "self") < 0 || is_path(&at, t->cgroup))
		return true;
	names_find(&at, t->cgroup, &found);
	if (found.n > 1) {
		say_ambiguous(&found, t->cgroup, why);
		return false;
	}
	if (found.n == 1)
		t->cgroup = found.path[0];
	return true;
}

void *
targets_gone(struct watch *w, bool first)
{
	const char *pid = w->ask->target.pid, *hidden = first ? hidden_processes(w) : NULL;

	if (hidden)
		return watch_fail(
		    w, EXIT_UNSUPPORTED, "process %s does not exist or is hidden: %s", pid, hidden);
	if (first)
		return watch_fail(w, EXIT_USAGE, "no such process: %s", pid);
	watch_note(w, "process %s has exited", pid);
	w->ended = true;
	return NULL;
}

static void
fail_process(const struct targets *s, struct watch *w, int error)
{
	const char *pid = w->ask->target.pid;

	if (s->leader)
		watch_fail(w, EXIT_USAGE,
		    "%s is a thread, not a process: it belongs to process %u (use -p %u)", pid,
		    s->leader, s->leader);
	else if (error == EACCES || error == EPERM)
		watch_fail(w, EXIT_UNSUPPORTED, "process %s: %s (%s)", pid, strerror(error),
		    hidden_why(w));
	else
		targets_gone(w, true);
}

static void
fail_cgroup(struct watch *w, int error)
{
	const char *cgroup = w->ask->target.cgroup;

	if (error == ENOENT)
		watch_fail(w, EXIT_USAGE,
		    "no such cgroup: %s (want a name as in /proc/PID/cgroup, or a directory below "
		    "/sys/fs/cgroup)",
		    cgroup);
	else if (error == ENODEV)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no cgroup hierarchy is visible from here: is /sys/fs/cgroup mounted?");
	else if (error == EOPNOTSUPP)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cgroup %s is threaded and lists no processes in cgroup.procs (use -g with the "
		    "parent cgroup that owns them)",
		    cgroup);
	else
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cgroup %s: cannot read cgroup.procs: %s; its tasks are unknown", cgroup,
		    strerror(error));
}

/* Whether it was made with other tasks, without this tool, or before they began. */
static void
fail_recorded(struct watch *w)
{
	const char *asked = w->host->asked;
	char words[320];

	if (strstr(asked, "-p") || strstr(asked, "-g"))
		watch_fail(w, EXIT_UNSUPPORTED,
		    "%s: the recording holds only the tasks chosen when it was made (%s)",
		    target_words(&w->ask->target, words), asked);
	else
		watch_fail(w, EXIT_UNSUPPORTED,
		    "%s: its threads are not in the first sample (record them with -p or -g, or "
		    "select a later time with --from)",
		    target_words(&w->ask->target, words));
}

static void
fail(const struct targets *s, struct watch *w, int error)
{
	if (*w->host->tools && (error == ENODATA || (error == ENOENT && w->ask->target.cgroup)))
		fail_recorded(w);
	else if (w->ask->target.pid)
		fail_process(s, w, error);
	else if (w->ask->target.cgroup)
		fail_cgroup(w, error);
	else if (error == ESRCH)
		watch_fail(
		    w, EXIT_UNSUPPORTED, "no process is visible in /proc (%s)", hidden_why(w));
	else
		watch_fail(
		    w, EXIT_UNSUPPORTED, "cannot list /proc: %s (is it mounted?)", strerror(error));
}

bool
targets_explain(const struct targets *s, struct watch *w, int error)
{
	const struct target *t = &w->ask->target;

	if (!s->seen || (!t->pid && !t->cgroup)) {
		fail(s, w, error);
		return false;
	}
	if (t->pid)
		return targets_gone(w, false);
	watch_note(w, "cgroup %s: cannot read cgroup.procs: %s; no rows until it can be read again",
	    t->cgroup, strerror(error == ENODEV ? ENOENT : error));
	return true;
}

static void
keep_note(struct watch *w, const char *message)
{
	snprintf(w->state, 1024, "%s", message);
}

enum exit_status
targets_process(struct host *h, const char *pid, char why[1024])
{
	const struct request ask = { .target = { .pid = pid } };
	struct watch w = { .host = h, .ask = &ask, .state = why, .note = keep_note };
	struct targets s = { .seen = false };
	struct arena a = { 0 };
	uint32_t *pids;
	size_t n;

	if (targets_pids(&s, &w, &a, &pids, &n) < 0)
		targets_explain(&s, &w, errno);
	arena_free(&a);
	arena_free(&w.arena);
	targets_free(&s);
	return w.fail;
}

void
targets_free(struct targets *s)
{
	arena_free(&s->arena);
}
