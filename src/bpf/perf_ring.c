/* perf_ring: makes the events of a process and their rings, and reads them. */
#include "bpf/perf_ring.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "bpf/perf_records.h"

enum {
	RING_MOST = 1 << 20,  /* of a CPU */
	KEEPS_LEAST = 4096,   /* of a CPU */
	MARGIN = 256,         /* of a record that is being written */
	LOOKS_MOST = 8,       /* for new threads */
	TEND_LEAST = 5000000, /* ns */
	TEND_MOST = 1000000000
};

/* A CPU's ring, and the records that were copied from it. */
struct perf_cpu {
	uint32_t cpu;
	int fd;           /* of the event that has the ring; -1: the CPU is offline */
	uint32_t tid;     /* whose event that is */
	const char *page; /* what the kernel says of the ring; the ring follows; NULL */
	uint64_t head;    /* what was copied last begins there */
	uint64_t written; /* bytes, until then */
	struct buf kept;
	bool dropped; /* not all since the start is kept */
};

struct perf_ring {
	uint32_t pid;
	struct perf_cpu *cpus;
	size_t ncpus;
	int *fds; /* of all other events */
	size_t nfds, room;
	size_t bytes; /* of a ring */
	size_t keeps; /* bytes of a CPU */
	bool threads_only;
	uint64_t opened_ns, copied_ns;
	int64_t tended_ns; /* CLOCK_MONOTONIC */
	pid_t owner;       /* rings are not mapped in its children */
	struct buf copy;
};

/* ---- perf_event_open(2): struct perf_event_attr, up to the clock (Linux 4.1) */

struct attr {
	uint32_t type, size;
	uint64_t config, sample_period, sample_type, read_format, flags;
	uint32_t wakeup_events, breakpoint_type;
	uint64_t config1, config2, branch_sample_type, sample_regs_user;
	uint32_t sample_stack_user;
	int32_t clockid;
};

enum {
	INHERIT = 1 << 1,
	EXCLUDE_KERNEL = 1 << 5,
	EXCLUDE_HYPERVISOR = 1 << 6,
	COMM = 1 << 9,
	TASK = 1 << 13,
	SAMPLE_ID_ALL = 1 << 18,
	COMM_EXEC = 1 << 24,
	USE_CLOCKID = 1 << 25,
	CONTEXT_SWITCH = 1 << 26, /* Linux 4.3 */
	WRITE_BACKWARD = 1 << 27  /* Linux 4.7 */
};
static const uint64_t inherit_thread = UINT64_C(1) << 35; /* not by processes; Linux 5.13 */

static int
open_event(const struct perf_ring *r, uint32_t tid, uint32_t cpu)
{
	enum { SOFTWARE = 1, DUMMY = 9, SAMPLE_TID = 2, SAMPLE_TIME = 4, CLOSE_ON_EXEC = 8 };
	struct attr a = { .type = SOFTWARE,
		.size = sizeof a,
		.config = DUMMY,
		.sample_type = SAMPLE_TID | SAMPLE_TIME,
		.flags = INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR | COMM | TASK |
		    SAMPLE_ID_ALL | COMM_EXEC | USE_CLOCKID | CONTEXT_SWITCH | WRITE_BACKWARD |
		    (r->threads_only ? inherit_thread : 0),
		.clockid = CLOCK_BOOTTIME };

	return (int)syscall(SYS_perf_event_open, &a, (pid_t)tid, (int)cpu, -1, CLOSE_ON_EXEC);
}

static int
close_event(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* ---- Threads */

struct tids {
	uint32_t *v; /* sorted */
	size_t n, room;
};

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* 0, or -1 with errno. */
static int
list_threads(uint32_t pid, struct tids *t)
{
	char path[64];
	struct dirent *e;
	uint64_t tid;

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	for (t->n = 0; (e = readdir(dir));) {
		if (text_u64(text_of(e->d_name), &tid) < 0)
			continue;
		t->v = xgrow(t->v, t->n, &t->room, sizeof *t->v);
		t->v[t->n++] = (uint32_t)tid;
	}
	closedir(dir);
	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, by_number);
	return 0;
}

static bool
has(const struct tids *t, uint32_t tid)
{
	return t->n && bsearch(&tid, t->v, t->n, sizeof *t->v, by_number);
}

/* ---- Rings */

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void
unmap_rings(struct perf_ring *r)
{
	int error = errno;

	for (size_t i = 0; i < r->ncpus; i++) {
		if (r->cpus[i].page)
			munmap((void *)(uintptr_t)r->cpus[i].page, page_size() + r->bytes);
		r->cpus[i].page = NULL;
	}
	errno = error;
}

/* All rings have the same size. A ring that cannot be written to by this process is overwritten. */
static int
map_rings(struct perf_ring *r)
{
	for (size_t i = 0; i < r->ncpus; i++) {
		struct perf_cpu *c = &r->cpus[i];
		if (c->fd < 0)
			continue;
		void *p = mmap(NULL, page_size() + r->bytes, PROT_READ, MAP_SHARED, c->fd, 0);
		if (p == MAP_FAILED) {
			unmap_rings(r);
			return -1;
		}
		c->page = p;
	}
	return 0;
}

/* A ring has twice what is kept, so that what is overwritten in it would not be kept, either; but it is
 * not larger than the limits allow. */
static int
make_rings(struct perf_ring *r)
{
	size_t least = page_size();
	int status = -1;

	for (r->bytes = RING_MOST; r->bytes > least && r->bytes / 4 >= r->keeps;)
		r->bytes /= 2;
	while (
	    (status = map_rings(r)) < 0 && (errno == EPERM || errno == ENOMEM) && r->bytes > least)
		r->bytes /= 2;
	return status;
}

/* ---- Events */

/* A CPU that goes offline, or a thread that ends, is no error. */
static bool
is_gone(void)
{
	return errno == ESRCH || errno == ENODEV;
}

/* The event of a CPU that gets its ring. */
static int
open_first(struct perf_ring *r, struct perf_cpu *c, const struct tids *threads)
{
	errno = ESRCH;
	for (size_t i = 0; c->fd < 0 && is_gone() && i < threads->n; i++) {
		c->tid = threads->v[i];
		c->fd = open_event(r, c->tid, c->cpu);
		if (c->fd < 0 && errno == EINVAL && r->threads_only) {
			r->threads_only = false;
			c->fd = open_event(r, c->tid, c->cpu);
		}
	}
	return c->fd < 0 && errno != ENODEV ? -1 : 0;
}

static int
join_ring(const struct perf_cpu *c, int fd)
{
	static const unsigned long set_output = 0x2405; /* PERF_EVENT_IOC_SET_OUTPUT */

	return ioctl(fd, (int)set_output, c->fd);
}

/* Adds the thread's event on a CPU. */
static int
add_event(struct perf_ring *r, const struct perf_cpu *c, uint32_t tid)
{
	if (c->fd < 0 || c->tid == tid)
		return 0;
	int fd = open_event(r, tid, c->cpu);
	if (fd < 0)
		return is_gone() ? 0 : -1;
	if (join_ring(c, fd) < 0)
		return close_event(fd);
	r->fds = xgrow(r->fds, r->nfds, &r->room, sizeof *r->fds);
	r->fds[r->nfds++] = fd;
	return 0;
}

static int
add_thread(struct perf_ring *r, uint32_t tid)
{
	for (size_t i = 0; i < r->ncpus; i++)
		if (add_event(r, &r->cpus[i], tid) < 0)
			return -1;
	return 0;
}

/* New threads inherit the events of their creator, if it has them by then. Others are found when threads
 * are listed once more: if it has them already, all of it is recorded twice, which the reader knows. */
static int
add_threads(struct perf_ring *r, struct tids *threads)
{
	struct tids seen = { 0 };
	int status = 0;
	bool more = true;

	for (int look = 0; status == 0 && more && look < LOOKS_MOST; look++) {
		more = false;
		for (size_t i = 0; status == 0 && i < threads->n; i++)
			if (!has(&seen, threads->v[i])) {
				status = add_thread(r, threads->v[i]);
				more = true;
			}
		struct tids swap = seen;
		seen = *threads;
		*threads = swap;
		if (status == 0 && more)
			status = list_threads(r->pid, threads);
	}
	free(seen.v);
	return status;
}

static int
open_all(struct perf_ring *r, struct tids *threads)
{
	if (list_threads(r->pid, threads) < 0) {
		errno = ESRCH;
		return -1;
	}
	for (size_t i = 0; i < r->ncpus; i++)
		if (open_first(r, &r->cpus[i], threads) < 0)
			return -1;
	return make_rings(r) < 0 ? -1 : add_threads(r, threads);
}

/* ---- Why it does not work */

static void
read_paranoid(char out[16])
{
	struct buf b = { 0 };
	struct text rest, line;

	*out = '\0';
	if (bpf_read_file("/proc/sys/kernel/perf_event_paranoid", &b) == 0) {
		rest = (struct text){ b.s, b.n };
		if (text_line(&rest, &line))
			snprintf(out, 16, "%.*s", (int)(line.n < 15 ? line.n : 15), line.s);
	}
	buf_free(&b);
}

/* Whether this process may record itself. */
static bool
may_record_itself(void)
{
	const struct perf_ring r = { 0 };
	int fd = open_event(&r, 0, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EACCES;
}

/* The call that failed is perf_event_open(2), and not mmap(2). */
static const char *
why_refused(int error)
{
	struct bpf_rights rights;

	if (error == ENOSYS)
		return "there is no perf_event_open(2): this kernel is built without "
		       "CONFIG_PERF_EVENTS, or a sandbox hides it";
	bpf_rights_read(&rights);
	if (error == EPERM && rights.seccomp)
		return "seccomp refuses perf_event_open(2) (docker run --cap-add PERFMON, or a "
		       "seccomp profile that allows it)";
	return NULL;
}

static void
explain_access(const struct perf_ring *r, struct bpf_why *why)
{
	char paranoid[16];

	read_paranoid(paranoid);
	if (may_record_itself())
		snprintf(why->text, sizeof why->text,
		    "process %" PRIu32 " is of another user, or is a program whose memory its "
		    "user may not read, such as a set-user-ID one",
		    r->pid);
	else
		snprintf(why->text, sizeof why->text,
		    "kernel.perf_event_paranoid is %s, which allows perf events only with "
		    "CAP_PERFMON (sysctl kernel.perf_event_paranoid=2)",
		    *paranoid ? paranoid : "unknown");
}

static void
explain_descriptors(const struct perf_ring *r, size_t threads, struct bpf_why *why)
{
	struct rlimit files = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	snprintf(why->text, sizeof why->text,
	    "%zu threads on %zu CPUs need as many descriptors as their product; the limit is %llu "
	    "(ulimit -n)",
	    threads, r->ncpus, (unsigned long long)files.rlim_cur);
}

static void
explain(const struct perf_ring *r, int error, size_t threads, struct bpf_why *why)
{
	bool opened = r->cpus[0].fd >= 0;
	const char *refused = opened ? NULL : why_refused(error);
	size_t n = sizeof why->text;

	if (refused)
		snprintf(why->text, n, "%s", refused);
	else if (error == EACCES)
		explain_access(r, why);
	else if (error == EMFILE || error == ENFILE)
		explain_descriptors(r, threads, why);
	else if (error == ESRCH)
		snprintf(why->text, n, "there is no process %" PRIu32, r->pid);
	else if (error == EPERM && opened)
		snprintf(why->text, n,
		    "the locked memory of this user is used up (ulimit -l, "
		    "kernel.perf_event_mlock_kb)");
	else
		snprintf(why->text, n, "perf_event_open(2): %s", strerror(error));
}

/* ---- Open and close */

static struct perf_ring *
make(uint32_t pid, uint64_t bytes, const struct cpulist *online)
{
	struct perf_ring *r = xmalloc(sizeof *r);
	uint32_t n = cpulist_count(online);

	*r = (struct perf_ring){ .pid = pid, .threads_only = true };
	r->cpus = xmalloc((n + 1) * sizeof *r->cpus);
	for (uint32_t cpu = 0; cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(online, cpu))
			r->cpus[r->ncpus++] = (struct perf_cpu){ .cpu = cpu, .fd = -1 };
	r->cpus[r->ncpus] = (struct perf_cpu){ .fd = -1 };
	r->keeps = (size_t)(bytes / (n ? n : 1));
	r->keeps = r->keeps > KEEPS_LEAST ? r->keeps : KEEPS_LEAST;
	return r;
}

static void
raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int
perf_ring_open(struct perf_ring **out, uint32_t pid, uint64_t bytes, const struct cpulist *online,
    struct bpf_why *why)
{
	struct perf_ring *r = make(pid, bytes, online);
	struct tids threads = { 0 };

	raise_limit();
	int status = open_all(r, &threads), error = errno;
	size_t nthreads = threads.n;
	free(threads.v);
	*out = r;
	if (status == 0) {
		r->opened_ns = r->copied_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME);
		r->owner = getpid();
		r->tended_ns = clock_ns(CLOCK_MONOTONIC);
		return 0;
	}
	explain(r, error, nthreads, why);
	perf_ring_close(r);
	*out = NULL;
	errno = error;
	return -1;
}

void
perf_ring_close(struct perf_ring *r)
{
	if (!r)
		return;
	unmap_rings(r);
	for (size_t i = 0; i < r->nfds; i++)
		close(r->fds[i]);
	for (size_t i = 0; i < r->ncpus; i++) {
		if (r->cpus[i].fd >= 0)
			close(r->cpus[i].fd);
		buf_free(&r->cpus[i].kept);
	}
	buf_free(&r->copy);
	free(r->cpus);
	free(r->fds);
	free(r);
}

/* ---- Copy. The kernel writes backwards from 0: it has written -head bytes, the newest of which are at
 * the head, modulo the size of the ring. */

static uint64_t
head_of(const struct perf_cpu *c)
{
	enum { DATA_HEAD = 1024 }; /* in struct perf_event_mmap_page */
	const char *at = c->page + DATA_HEAD;

	return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

/* Of n bytes that were at the head, as many as cannot have been overwritten meanwhile. */
static size_t
intact(const struct perf_ring *r, const struct perf_cpu *c, uint64_t head, size_t n)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	uint64_t since = head - head_of(c) + MARGIN;
	size_t most = since < r->bytes ? (size_t)(r->bytes - since) : 0;

	return n < most ? n : most;
}

static void
copy_ring(struct perf_ring *r, const struct perf_cpu *c, uint64_t head, size_t n)
{
	const char *ring = c->page + page_size();
	size_t at = (size_t)(head & (r->bytes - 1)), first = r->bytes - at;

	first = first < n ? first : n;
	r->copy.n = 0;
	buf_add(&r->copy, ring + at, first);
	buf_add(&r->copy, ring, n - first);
}

/* Drops the oldest when there are a quarter too many. */
static void
drop_old(const struct perf_ring *r, struct perf_cpu *c)
{
	if (c->kept.n <= r->keeps + r->keeps / 4)
		return;
	struct text all = { c->kept.s, c->kept.n };
	size_t n = perf_records_skip(all, c->kept.n - r->keeps);
	memmove(c->kept.s, c->kept.s + n, c->kept.n - n);
	c->kept.n -= n;
	c->dropped = true;
}

/* Between two copies some may be lost, unless later ones are all that is kept. */
static void
keep(struct perf_ring *r, struct perf_cpu *c, uint64_t written, size_t n)
{
	struct buf turned = { 0 };
	uint64_t at_ns;
	size_t whole = perf_records_turn(&turned, (struct text){ r->copy.s, n });
	struct text records = { turned.s, turned.n };

	if (whole < written && turned.n >= r->keeps) {
		c->kept.n = 0;
		c->dropped = true;
	} else if (whole < written) {
		if (!perf_records_time(records, &at_ns))
			at_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME);
		perf_records_lose(
		    &c->kept, (written - whole + PERF_RECORD_BYTES - 1) / PERF_RECORD_BYTES, at_ns);
	}
	buf_add(&c->kept, turned.s, turned.n);
	buf_free(&turned);
	drop_old(r, c);
}

/* Returns the bytes that are new. */
static uint64_t
copy_new(struct perf_ring *r, struct perf_cpu *c)
{
	if (!c->page)
		return 0;
	uint64_t head = head_of(c), written = c->head - head;
	size_t n = written < r->bytes ? (size_t)written : r->bytes;
	if (written == 0)
		return 0;
	copy_ring(r, c, head, n);
	keep(r, c, written, intact(r, c, head, n));
	c->head = head;
	c->written += written;
	return written;
}

int64_t
perf_ring_tend(struct perf_ring *r)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC), took = now - r->tended_ns;
	uint64_t most = 1;

	if (getpid() != r->owner)
		return INT64_MAX;
	r->copied_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME);
	for (size_t i = 0; i < r->ncpus; i++) {
		uint64_t n = copy_new(r, &r->cpus[i]);
		most = n > most ? n : most;
	}
	r->tended_ns = now;
	if (r->bytes / 2 >= r->keeps) /* the rings have all that is kept */
		return TEND_MOST;
	double next = (double)took * fmin((double)r->bytes / 4 / (double)most, 8);
	return next < TEND_LEAST ? TEND_LEAST : next > TEND_MOST ? TEND_MOST : (int64_t)next;
}

/* ---- Read */

size_t
perf_ring_cpus(const struct perf_ring *r)
{
	return r->ncpus;
}

uint64_t
perf_ring_opened_ns(const struct perf_ring *r)
{
	return r->opened_ns;
}

uint64_t
perf_ring_copied_ns(const struct perf_ring *r)
{
	return r->copied_ns;
}

uint64_t
perf_ring_records(const struct perf_ring *r, size_t cpu)
{
	const struct perf_cpu *c = &r->cpus[cpu];
	uint64_t later = c->page ? c->head - head_of(c) : 0;

	return (c->written + later) / PERF_RECORD_BYTES;
}

uint64_t
perf_ring_keeps(const struct perf_ring *r)
{
	return r->keeps / PERF_RECORD_BYTES;
}

void
perf_ring_read(const struct perf_ring *r, size_t cpu, uint64_t since_ns,
    const struct switch_sink *sink, struct switch_span *span)
{
	const struct perf_cpu *c = &r->cpus[cpu];
	struct text records = { c->kept.s, c->kept.n };
	uint64_t since = since_ns > r->opened_ns ? since_ns : r->opened_ns, first;
	const struct perf_records_of of = { c->cpu, r->pid, since, r->copied_ns };

	*span = (struct switch_span){ .cpu = c->cpu, .from_ns = since, .to_ns = r->copied_ns };
	if (c->dropped && perf_records_time(records, &first) && first > since)
		span->from_ns = first;
	if (c->kept.n)
		perf_records_read(records, &of, sink, span);
}
