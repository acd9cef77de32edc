/* What is known of the waits at a moment. */
#include <errno.h>
#include <string.h>

#include "tools/runqlat/latency.h"
#include "tools/tasks/tasks_detail.h"

/* On a tape is what was measured when it was made, or the files. */
static bool
find_source(struct watch *w)
{
	static const char *const names[] = { "", "bpf", "bpf-btf", "bpf-raw", "bpf-tp", "schedstat",
		"probe" };
	struct latency *l = w->state;
	const char *wanted = names[w->ask->source];
	struct runqlat_counts c;
	char source[RUNQLAT_SOURCE] = "schedstat";
	struct text text;

	l->reads_threads = host_read(w->host, LATENCY_TEXT, &text) < 0;
	if (!l->reads_threads && runqlat_parse(text, &c, source) < 0)
		return true; /* it is told when it is read */
	if (l->reads_threads && w->ask->histogram) {
		watch_fail(w, EXIT_UNSUPPORTED,
		    "this recording has no histogram: it was made with schedstat, or without pq "
		    "runqlat");
		return false;
	}
	if (!l->reads_threads && !w->ask->all_cpus)
		watch_note(w,
		    "-P: the waits on a recording are of the CPUs that were asked for when it was "
		    "made");
	if (strncmp(source, wanted, strlen(wanted)) == 0)
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "this recording has the source %s, not %s", source, wanted);
	return false;
}

/* Whether who was asked for is still there; counts do not tell. */
static bool
target_is_there(struct watch *w, struct arena *a)
{
	const struct target *t = &w->ask->target;
	struct latency *l = w->state;
	uint32_t *pids;
	size_t n;

	if ((!t->pid && !t->cgroup) || whose_pids(&l->tasks.whose, w, a, &pids, &n) == 0 ||
	    errno == EOPNOTSUPP)
		/* a threaded cgroup (v2) tells no processes, and can be counted nevertheless */
		return true;
	l->gone = whose_tell(&l->tasks.whose, w, errno);
	return l->gone;
}

static bool
read_counts(struct watch *w, struct arena *a, struct latency_snapshot *s)
{
	char source[RUNQLAT_SOURCE];
	struct text text;

	if (host_read(w->host, LATENCY_TEXT, &text) < 0 ||
	    runqlat_parse(text, &s->each, source) < 0) {
		watch_fail(w, EXIT_FAILED, "the counted waits cannot be read: %s", strerror(errno));
		return false;
	}
	s->source = arena_copy(a, text_of(source));
	s->has_corrected = strcmp(source, "probe") == 0 &&
	    host_read(w->host, LATENCY_CORRECTED, &text) == 0 &&
	    runqlat_parse(text, &s->corrected, source) == 0;
	return true;
}

/* Who waits already when we begin stands still from then on: who waited most ever is asked
 * first. */
static void
read_states(struct reader *r)
{
	for (size_t i = 0; i < r->s->nunits; i++) {
		struct process *p = r->s->units[i].p;
		for (size_t k = p->first; k < p->first + p->n && r->left > 0; k++)
			tasks_read_status(r, p, &r->s->tasks[k]);
	}
}

/* Who waits since before the last look, and is in no counter yet, is found as pq tasks finds it. */
static bool
read_threads(struct watch *w, struct arena *a, struct latency_snapshot *s)
{
	enum { STATUS_MOST = 256, STATUS_AT_FIRST = 1024 };
	struct latency *l = w->state;
	struct reader r = { .w = w, .arena = a, .left = STATUS_MOST };

	s->source = "schedstat";
	s->threads = tasks_scan(w, a);
	if (!s->threads)
		return false;
	r.s = s->threads;
	tasks_rank(&r);
	if (s->threads->first) {
		r.left = STATUS_AT_FIRST;
		read_states(&r);
	}
	for (size_t i = 0; i < s->threads->n; i++)
		s->pending += s->threads->v[i].stuck;
	l->tasks.last = s->threads;
	return true;
}

void *
latency_read(struct watch *w, struct arena *a)
{
	struct latency *l = w->state;
	struct latency_snapshot *s = arena_alloc(a, sizeof *s);

	*s = (struct latency_snapshot){ .source = NULL };
	l->gone = false;
	if (!l->reads_threads && !target_is_there(w, a))
		return NULL;
	if (!l->begun && !(w->host->replay ? find_source(w) : latency_begin(w)))
		return NULL;
	if (l->gone)
		return s;
	if (!(l->reads_threads ? read_threads(w, a, s) : read_counts(w, a, s)))
		return NULL;
	l->begun = true;
	return s;
}
