/*
 * A saved trace of any bytes: read with all that is in it; then once more with checksums that are
 * right, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/code.h"
#include "base/crc32c.h"
#include "trace/format.h"
#include "trace/trace_file.h"
#include "mended.h"
#include "replay.h"

static uint64_t sum; /* of all that is given: ASan sees it read */

static void
look_at_lists(const struct trace_file *t)
{
	for (size_t i = 0; i < t->nthreads; i++) {
		const struct trace_thread *th = &t->threads[i];
		if (th->cgroup != TRACE_NO_CGROUP && th->cgroup >= t->ncgroups)
			abort();
		if (!trace_find(t, th->tid, th->start_ns))
			abort();
		sum += strlen(th->comm);
	}
	for (size_t i = 0; i < t->ncgroups; i++)
		sum += strlen(t->cgroups[i]);
	for (size_t i = 0; i < t->nmarks; i++)
		sum += strlen(t->marks[i].words);
	for (size_t i = 0; i < t->nlosses; i++)
		if (t->losses[i].from_ns > t->losses[i].to_ns)
			abort();
}

/* All events that the file says it has come, in the order of their times. */
static void
walk(const struct trace_file *t, uint64_t from_ns, uint64_t to_ns, bool whole)
{
	struct trace_cursor *c = trace_begin(t, from_ns, to_ns);
	const struct sched_event *e;
	uint64_t n = 0, last = from_ns;
	int64_t real;

	for (; (e = trace_next(c)); n++) {
		if (e->at_ns < last || e->at_ns > to_ns || e->cpu >= t->cpus || e->kind == 0 ||
		    e->kind >= SCHED_KINDS)
			abort();
		last = e->at_ns;
		trace_real(t, e->at_ns, &real);
	}
	if (whole && (n != t->events || (n > 0 && last != t->to_ns)))
		abort();
	trace_end(c);
}

static void
read_trace(size_t n)
{
	struct trace_file t;

	(void)n;
	if (trace_open(&t, fd) < 0)
		return;
	look_at_lists(&t);
	walk(&t, 0, UINT64_MAX, true);
	uint64_t middle = t.from_ns + (t.to_ns - t.from_ns) / 2;
	walk(&t, middle, UINT64_MAX, false);
	walk(&t, 0, middle, false);
	trace_close(&t);
}

/* Gives the header and the blocks their checksums. */
static void
mend(uint8_t *s, size_t n)
{
	size_t at = 2 * TRACE_HEADER;

	if (n < at)
		return;
	trace_put_header(s);
	trace_put_header(s + TRACE_HEADER);
	while (n - at >= TRACE_HEAD) {
		size_t bytes = (size_t)le_get(s + at, 3), rest = n - at - TRACE_HEAD;
		bytes = bytes < rest ? bytes : rest;
		le_put(s + at, bytes, 3);
		le_put(s + at + 4, crc32c(0, s + at + TRACE_HEAD, bytes), 4);
		le_put(s + at + 8, crc32c(0, s + at, 8), 4);
		at += TRACE_HEAD + bytes;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	read_both(data, n, mend, read_trace);
	return 0;
}
