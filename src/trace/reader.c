#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/code.h"
#include "base/crc32c.h"
#include "base/fail.h"
#include "proc/cpulist.h"
#include "trace/events.h"
#include "trace/format.h"
#include "trace/trace_file.h"

/* What the end says about a CPU. */
struct total {
	uint64_t cpu, events, last_ns;
};

/* ---- Blocks, one after another */

/* What is known while the file is read. */
struct scan {
	struct trace_file *t;
	size_t room, clocks_room, cgroups_room, threads_room, losses_room, marks_room, quotas_room;
	struct trace_stream checked; /* its memory is used again */
	uint64_t good;               /* blocks that were read, and skipped ones of unknown kinds */
	uint64_t bad;                /* places with damage */
	bool ended;
	uint64_t blocks; /* by the end: how many there are before it */
	struct total *totals;
	size_t ntotals, totals_room;
};

static bool
get_time(struct text *rest, uint64_t *ns)
{
	return code_get(rest, ns) && *ns < TRACE_TIME_MOST;
}

static bool
get_events(struct scan *s, struct text rest)
{
	struct trace_blocks *blocks = s->t->blocks;
	struct trace_block b;
	uint64_t span;

	if (!code_get_u32(&rest, &b.cpu) || b.cpu >= CPULIST_MOST || !get_time(&rest, &b.before) ||
	    !code_get(&rest, &b.count) || b.count == 0 || b.count > rest.n ||
	    !get_time(&rest, &b.from_ns) || !get_time(&rest, &span))
		return false;
	b.to_ns = b.from_ns + span;
	b.events = rest;
	if (b.to_ns >= TRACE_TIME_MOST || !trace_block_check(&s->checked, &b))
		return false;
	blocks->v = xgrow(blocks->v, blocks->n, &s->room, sizeof *blocks->v);
	blocks->v[blocks->n++] = b;
	return true;
}

static bool
get_facts(struct scan *s, struct text rest)
{
	if (memchr(rest.s, '\0', rest.n))
		return false;
	buf_add(&s->t->facts, rest.s, rest.n);
	return true;
}

/* A text without zero bytes, as a string. */
static bool
get_string(struct scan *s, struct text *rest, char **out)
{
	struct text t;

	if (!code_get_text(rest, &t) || memchr(t.s, '\0', t.n))
		return false;
	*out = arena_copy(&s->t->blocks->strings, t);
	return true;
}

static bool
get_clocks(struct scan *s, struct text *rest)
{
	struct trace_file *t = s->t;

	t->clocks = xgrow(t->clocks, t->nclocks, &s->clocks_room, sizeof *t->clocks);
	struct trace_clocks *c = &t->clocks[t->nclocks];
	if (!get_time(rest, &c->boot_ns) || !get_time(rest, &c->real_ns) ||
	    !get_time(rest, &c->mono_ns))
		return false;
	t->nclocks++;
	return true;
}

/* A cgroup's number is known although blocks before are missing: those have no path. */
static bool
get_cgroup(struct scan *s, struct text *rest, uint64_t index)
{
	struct trace_file *t = s->t;
	char *path;

	if (index >= t->blocks->bytes.n || !get_string(s, rest, &path))
		return false;
	while (index >= t->ncgroups) {
		t->cgroups = xgrow(t->cgroups, t->ncgroups, &s->cgroups_room, sizeof *t->cgroups);
		t->cgroups[t->ncgroups++] = NULL;
	}
	t->cgroups[index] = path;
	return true;
}

static bool
get_cgroups(struct scan *s, struct text rest)
{
	uint64_t index;
	bool good = code_get(&rest, &index);

	while (good && rest.n > 0)
		good = get_cgroup(s, &rest, index++);
	return good;
}

static bool
get_thread(struct scan *s, struct text *rest)
{
	struct trace_file *t = s->t;
	struct text comm;
	uint32_t cgroup, kernel;

	t->threads = xgrow(t->threads, t->nthreads, &s->threads_room, sizeof *t->threads);
	struct trace_thread *th = &t->threads[t->nthreads];
	memset(th, 0, sizeof *th);
	if (!code_get_u32(rest, &th->tid) || !code_get_u32(rest, &th->pid) ||
	    !code_get_text(rest, &comm) || comm.n >= TRACE_COMM || memchr(comm.s, '\0', comm.n) ||
	    !get_time(rest, &th->start_ns) || !code_get_u32(rest, &cgroup) ||
	    !code_get_u32(rest, &kernel) || kernel > 1)
		return false;
	memcpy(th->comm, comm.s, comm.n);
	th->cgroup = cgroup - 1; /* 0: TRACE_NO_CGROUP */
	th->kernel = kernel;
	t->nthreads++;
	return true;
}

static void
add_loss(struct scan *s, struct trace_loss l)
{
	struct trace_file *t = s->t;

	t->losses = xgrow(t->losses, t->nlosses, &s->losses_room, sizeof *t->losses);
	t->losses[t->nlosses++] = l;
}

static bool
get_loss(struct scan *s, struct text *rest)
{
	struct trace_loss l;

	if (!code_get_u32(rest, &l.cpu) || l.cpu >= CPULIST_MOST || !get_time(rest, &l.from_ns) ||
	    !get_time(rest, &l.to_ns) || l.from_ns > l.to_ns || !get_time(rest, &l.lost))
		return false;
	add_loss(s, l);
	return true;
}

static bool
get_quota(struct scan *s, struct text *rest)
{
	struct trace_file *t = s->t;
	struct trace_quota q;
	uint32_t limited;

	if (!code_get_u32(rest, &q.cgroup) || !get_time(rest, &q.at_ns) ||
	    !get_time(rest, &q.throttled_ns) || !code_get_u32(rest, &limited) || limited > 1)
		return false;
	q.limited = limited;
	t->quotas = xgrow(t->quotas, t->nquotas, &s->quotas_room, sizeof *t->quotas);
	t->quotas[t->nquotas++] = q;
	return true;
}

static bool
get_mark(struct scan *s, struct text *rest)
{
	struct trace_file *t = s->t;

	t->marks = xgrow(t->marks, t->nmarks, &s->marks_room, sizeof *t->marks);
	struct trace_mark *m = &t->marks[t->nmarks];
	if (!get_time(rest, &m->at_ns) || !get_string(s, rest, &m->words))
		return false;
	t->nmarks++;
	return true;
}

static bool
get_end(struct scan *s, struct text rest)
{
	bool good = code_get(&rest, &s->blocks);

	while (good && rest.n > 0) {
		struct total t = { 0 };
		good = get_time(&rest, &t.cpu) && t.cpu < CPULIST_MOST &&
		    get_time(&rest, &t.events) && get_time(&rest, &t.last_ns);
		s->totals = xgrow(s->totals, s->ntotals, &s->totals_room, sizeof t);
		s->totals[s->ntotals] = t;
		s->ntotals += good;
	}
	s->ended = good;
	return good;
}

/* Reads items up to the end of the payload. Those before one that is not valid stay. */
static bool
get_items(struct scan *s, struct text rest, bool (*get)(struct scan *, struct text *))
{
	bool good = true;

	while (good && rest.n > 0)
		good = get(s, &rest);
	return good;
}

static bool
get_payload(struct scan *s, unsigned kind, struct text payload)
{
	switch (kind) {
	case TRACE_EVENTS:
		return get_events(s, payload);
	case TRACE_FACTS:
		return get_facts(s, payload);
	case TRACE_CLOCKS:
		return get_items(s, payload, get_clocks);
	case TRACE_CGROUPS:
		return get_cgroups(s, payload);
	case TRACE_THREADS:
		return get_items(s, payload, get_thread);
	case TRACE_LOSSES:
		return get_items(s, payload, get_loss);
	case TRACE_MARKS:
		return get_items(s, payload, get_mark);
	case TRACE_QUOTAS:
		return get_items(s, payload, get_quota);
	case TRACE_END:
		return get_end(s, payload);
	default:
		return true;
	}
}

/* The next place at or after `at` that has the head of a block; the end of the bytes if none has. */
static size_t
find_head(struct text file, size_t at, struct trace_head *h)
{
	while (at + TRACE_HEAD <= file.n && !trace_get_head((const unsigned char *)file.s + at, h))
		at++;
	return at + TRACE_HEAD <= file.n ? at : file.n;
}

/* Reads all blocks from `at` on. After a head that is damaged it goes on at the next valid one; after
 * a payload that is damaged, at its end. */
static void
scan_blocks(struct scan *s, struct text file, size_t at)
{
	struct trace_head h;

	while (file.n - at >= TRACE_HEAD && !s->ended) {
		size_t next = find_head(file, at, &h);
		s->bad += next != at;
		at = next;
		if (file.n - at < TRACE_HEAD + h.n || file.n == at)
			return;
		struct text payload = { file.s + at + TRACE_HEAD, h.n };
		bool good =
		    crc32c(0, payload.s, payload.n) == h.crc && get_payload(s, h.kind, payload);
		s->good += good && !s->ended;
		s->bad += !good;
		at += TRACE_HEAD + h.n;
	}
	s->bad += s->ended && at < file.n;
}

/* ---- What is missing */

static int
compare_blocks(const void *a, const void *b)
{
	const struct trace_block *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	return (x->events.s > y->events.s) - (x->events.s < y->events.s);
}

/* Sorts the blocks, and leaves out each that repeats events or times of the one before. */
static void
order_blocks(struct scan *s)
{
	struct trace_blocks *b = s->t->blocks;
	size_t kept = 0;

	if (b->n > 0)
		qsort(b->v, b->n, sizeof *b->v, compare_blocks);
	for (size_t i = 0; i < b->n; i++) {
		const struct trace_block *last = kept > 0 ? &b->v[kept - 1] : NULL;
		if (last && last->cpu == b->v[i].cpu &&
		    (b->v[i].from_ns < last->to_ns || b->v[i].before < last->before + last->count))
			s->bad++;
		else
			b->v[kept++] = b->v[i];
	}
	b->n = kept;
}

static void
sum_up(struct scan *s)
{
	struct trace_file *t = s->t;

	for (size_t i = 0; i < t->blocks->n; i++) {
		const struct trace_block *b = &t->blocks->v[i];
		t->events += b->count;
		t->from_ns = i == 0 || b->from_ns < t->from_ns ? b->from_ns : t->from_ns;
		t->to_ns = b->to_ns > t->to_ns ? b->to_ns : t->to_ns;
		t->cpus = b->cpu + 1;
	}
}

/* Events of missing blocks are lost, between those that are there. */
static void
tell_gaps(struct scan *s)
{
	const struct trace_blocks *b = s->t->blocks;

	for (size_t i = 0; i < b->n; i++) {
		bool first = i == 0 || b->v[i - 1].cpu != b->v[i].cpu;
		uint64_t had = first ? 0 : b->v[i - 1].before + b->v[i - 1].count;
		if (b->v[i].before > had)
			add_loss(s,
			    (struct trace_loss){ b->v[i].cpu,
				first ? s->t->from_ns : b->v[i - 1].to_ns, b->v[i].from_ns,
				b->v[i].before - had });
	}
}

/* The last block of the CPU, or NULL. */
static const struct trace_block *
last_block(const struct trace_blocks *b, uint64_t cpu)
{
	size_t from = 0, to = b->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (b->v[middle].cpu <= cpu)
			from = middle + 1;
		else
			to = middle;
	}
	return from > 0 && b->v[from - 1].cpu == cpu ? &b->v[from - 1] : NULL;
}

/* The same for blocks that are missing after the last one of a CPU. */
static void
tell_missing_ends(struct scan *s)
{
	for (size_t i = 0; i < s->ntotals; i++) {
		const struct total *t = &s->totals[i];
		const struct trace_block *last = last_block(s->t->blocks, t->cpu);
		uint64_t had = last ? last->before + last->count : 0;
		uint64_t from = last ? last->to_ns : s->t->events ? s->t->from_ns : t->last_ns;
		if (t->events > had)
			add_loss(s,
			    (struct trace_loss){ (uint32_t)t->cpu, from,
				t->last_ns > from ? t->last_ns : from, t->events - had });
		s->t->cpus = t->cpu >= s->t->cpus ? (uint32_t)t->cpu + 1 : s->t->cpus;
	}
}

/* ---- A whole file */

static int
compare_threads(const void *a, const void *b)
{
	const struct trace_thread *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int
compare_losses(const void *a, const void *b)
{
	const struct trace_loss *x = a, *y = b;

	if (x->to_ns != y->to_ns)
		return x->to_ns < y->to_ns ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static int
compare_quotas(const void *a, const void *b)
{
	const struct trace_quota *x = a, *y = b;

	if (x->cgroup != y->cgroup)
		return x->cgroup < y->cgroup ? -1 : 1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int
compare_marks(const void *a, const void *b)
{
	const struct trace_mark *x = a, *y = b;

	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int
compare_clocks(const void *a, const void *b)
{
	const struct trace_clocks *x = a, *y = b;

	return (x->boot_ns > y->boot_ns) - (x->boot_ns < y->boot_ns);
}

static void
sort(void *v, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n > 0)
		qsort(v, n, size, compare);
}

/* A cgroup whose path is missing is unknown. */
static void
resolve_cgroups(struct trace_file *t)
{
	static char unknown[] = "";

	for (size_t i = 0; i < t->nthreads; i++)
		if (t->threads[i].cgroup >= t->ncgroups || !t->cgroups[t->threads[i].cgroup])
			t->threads[i].cgroup = TRACE_NO_CGROUP;
	for (size_t i = 0; i < t->ncgroups; i++)
		t->cgroups[i] = t->cgroups[i] ? t->cgroups[i] : unknown;
}

static void
sort_lists(struct trace_file *t)
{
	sort(t->clocks, t->nclocks, sizeof *t->clocks, compare_clocks);
	sort(t->threads, t->nthreads, sizeof *t->threads, compare_threads);
	sort(t->losses, t->nlosses, sizeof *t->losses, compare_losses);
	sort(t->quotas, t->nquotas, sizeof *t->quotas, compare_quotas);
	while (t->nquotas > 0 && t->quotas[t->nquotas - 1].cgroup >= t->ncgroups)
		t->nquotas--;
	sort(t->marks, t->nmarks, sizeof *t->marks, compare_marks);
}

/* Reads up to n bytes; fewer at the end. */
static int
read_bytes(int fd, struct buf *b, size_t n)
{
	char *to = buf_room(b, n);

	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, to + at, n - at);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got == 0)
			break;
		at += got > 0 ? (size_t)got : 0;
		b->n += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* Both copies of the header. Sets *bad if one of them is damaged. */
static int
read_header(int fd, struct buf *b, uint64_t *bad)
{
	if (read_bytes(fd, b, 2 * TRACE_HEADER) < 0)
		return -1;
	if (b->n < 2 * TRACE_HEADER)
		return fail_with(EINVAL);
	const unsigned char *s = (const unsigned char *)b->s;
	int first = trace_get_header(s) == 0 ? 0 : errno,
	    second = trace_get_header(s + TRACE_HEADER) == 0 ? 0 : errno;
	if (first == 0 || second == 0) {
		*bad += first != 0 || second != 0;
		return 0;
	}
	return fail_with(first == ENOTSUP || second == ENOTSUP ? ENOTSUP : EINVAL);
}

/* Reads the rest, in parts that grow. */
static int
read_rest(int fd, struct buf *b)
{
	size_t before = 0, part = 1 << 20;

	while (b->n != before) {
		before = b->n;
		if (read_bytes(fd, b, part) < 0)
			return -1;
		part = b->n;
	}
	return 0;
}

int
trace_open(struct trace_file *out, int fd)
{
	struct scan s = { .t = out };

	*out = (struct trace_file){ .blocks = xmalloc(sizeof *out->blocks) };
	*out->blocks = (struct trace_blocks){ 0 };
	struct buf *bytes = &out->blocks->bytes;
	if (read_header(fd, bytes, &s.bad) < 0 || read_rest(fd, bytes) < 0) {
		int error = errno;
		trace_close(out);
		return fail_with(error);
	}
	scan_blocks(&s, (struct text){ bytes->s, bytes->n }, 2 * TRACE_HEADER);
	order_blocks(&s);
	sum_up(&s);
	tell_gaps(&s);
	tell_missing_ends(&s);
	resolve_cgroups(out);
	sort_lists(out);
	out->bytes = bytes->n;
	out->cut = !s.ended;
	uint64_t missing = s.ended && s.blocks > s.good ? s.blocks - s.good : 0;
	out->damaged = s.bad > missing ? s.bad : missing;
	free(s.checked.tids);
	free(s.totals);
	return 0;
}

void
trace_close(struct trace_file *t)
{
	buf_free(&t->facts);
	free(t->clocks);
	free(t->cgroups);
	free(t->threads);
	free(t->losses);
	free(t->marks);
	free(t->quotas);
	if (t->blocks) {
		buf_free(&t->blocks->bytes);
		free(t->blocks->v);
		arena_free(&t->blocks->strings);
	}
	free(t->blocks);
	*t = (struct trace_file){ 0 };
}

const struct trace_thread *
trace_find(const struct trace_file *t, uint32_t tid, uint64_t at_ns)
{
	const struct trace_thread wanted = { .tid = tid, .start_ns = at_ns };
	size_t from = 0, to = t->nthreads;

	while (from < to) { /* the first that is later than wanted */
		size_t middle = from + (to - from) / 2;
		if (compare_threads(&t->threads[middle], &wanted) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from > 0 && t->threads[from - 1].tid == tid ? &t->threads[from - 1] : NULL;
}

bool
trace_real(const struct trace_file *t, uint64_t boot_ns, int64_t *real_ns)
{
	size_t from = 0, to = t->nclocks;

	if (t->nclocks == 0)
		return false;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (t->clocks[middle].boot_ns <= boot_ns)
			from = middle + 1;
		else
			to = middle;
	}
	const struct trace_clocks *c = &t->clocks[from > 0 ? from - 1 : 0];
	*real_ns = (int64_t)c->real_ns + (int64_t)(boot_ns - c->boot_ns);
	return true;
}

uint32_t
trace_pid_of_new(const struct sched_event *e, const struct trace_thread *creator)
{
	if (e->kin == SCHED_PROCESS)
		return e->tid;
	return e->kin == SCHED_THREAD && creator ? creator->pid : 0;
}
