/*
 * A trace of any threads, losses and events, as a damaged file may have them, for other programs: no
 * crash, and no field of Perfetto's format that reaches beyond its packet.
 *
 * Each record of the input has 16 bytes: what it is, and its numbers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fail.h"
#include "trace/trace_export.h"
#include "replay.h"

enum { RECORD = 16, MOST = 256 };

static struct trace_thread threads[MOST];
static struct trace_loss losses[MOST];
static struct sched_event events[MOST];
static char facts[] = "release 6.1.0\nonly 5\n";
static char *cgroups[] = { (char[]){ "/a" }, (char[]){ "" } };

static int
by_tid(const void *a, const void *b)
{
	const struct trace_thread *t = a, *u = b;

	if (t->tid != u->tid)
		return t->tid < u->tid ? -1 : 1;
	return (t->start_ns > u->start_ns) - (t->start_ns < u->start_ns);
}

static int
by_end(const void *a, const void *b)
{
	const struct trace_loss *l = a, *m = b;

	return (l->to_ns > m->to_ns) - (l->to_ns < m->to_ns);
}

/* The reader gives events in the order of their times. */
static int
by_time(const void *a, const void *b)
{
	const struct sched_event *e = a, *f = b;

	return (e->at_ns > f->at_ns) - (e->at_ns < f->at_ns);
}

static uint64_t
number(const uint8_t *s, size_t n)
{
	uint64_t v = 0;

	while (n > 0)
		v = v << 8 | s[--n];
	return v;
}

static void
take(struct trace_file *t, size_t *nevents, const uint8_t *s)
{
	uint64_t at = number(s + 1, s[0] & 0x80 ? 8 : 3);

	if (s[0] % 8 == 0 && t->nthreads < MOST) {
		struct trace_thread *new = &threads[t->nthreads++];
		*new = (struct trace_thread){ s[9], s[10], "", at, s[11] % 4, s[12] & 1 };
		memcpy(new->comm, s + 13, 3);
	} else if (s[0] % 8 == 7 && t->nlosses < MOST) {
		losses[t->nlosses++] = (struct trace_loss){ s[9], at, at + s[10], s[11] };
	} else if (*nevents < MOST) {
		events[(*nevents)++] = (struct sched_event){ at, s[9] % 16, s[10], s[11],
			(uint32_t)number(s + 12, 2), (uint8_t)(s[0] % 8), "RPSDXZI?"[s[14] % 8],
			s[15] & 1, SCHED_KIN_UNKNOWN };
	}
}

/* Aborts if packets do not fill the file. */
static void
check_packets(int fd)
{
	size_t size = (size_t)lseek(fd, 0, SEEK_END), at = 0;
	uint8_t *s = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (s == MAP_FAILED)
		abort();
	while (at < size) {
		uint64_t n = 0;
		int shift = 0;
		if (s[at++] != 0x0a)
			abort();
		do
			n |= (uint64_t)(s[at] & 0x7f) << shift;
		while (shift += 7, at < size && s[at++] & 0x80);
		at += n;
	}
	if (at != size)
		abort();
	munmap(s, size);
}

static void export(struct trace_export *(*begin)(int, const struct trace_file *),
    const struct trace_file *t, size_t nevents, int fd)
{
	struct trace_export *x = begin(fd, t);
	struct export_sums sums;

	for (size_t i = 0; i < nevents; i++)
		x->ops->event(x, &events[i]);
	if (x->ops->end(x, &sums) < 0 || sums.bytes != (uint64_t)lseek(fd, 0, SEEK_CUR))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct trace_file t = {
		.threads = threads, .losses = losses, .cgroups = cgroups, .ncgroups = 2
	};
	size_t nevents = 0;

	t.facts = (struct buf){ facts, n & 1 ? sizeof facts - 1 : 14, sizeof facts };
	for (; n >= RECORD; n -= RECORD, data += RECORD)
		take(&t, &nevents, data);
	qsort(threads, t.nthreads, sizeof *threads, by_tid);
	qsort(losses, t.nlosses, sizeof *losses, by_end);
	qsort(events, nevents, sizeof *events, by_time);
	t.from_ns = nevents ? events[0].at_ns : 0;
	t.to_ns = nevents ? events[nevents - 1].at_ns : 0;
	int fd = memfd_create("export", MFD_CLOEXEC);
	export(perfetto_new, &t, nevents, fd);
	check_packets(fd);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	export(chrome_new, &t, nevents, fd);
	close(fd);
	return 0;
}
