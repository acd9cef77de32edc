/* disks: the rules about disks: a limit of io.max, writers that dirty pages stop, the queue of a disk,
 * and tasks that wait for I/O for another reason. */
#include "commands/why/why.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proc/task.h"
#include "tools/targets.h"

/* ---- Which process reads and writes most */

enum { PROCESSES_MOST = 4096, THREADS_MOST = 32768 };

/* The bytes that each thread of a process has read from disks, and has written or is yet to write. The file of
 * the process would not do: the kernel adds to it what a child did, once the process has waited for the child. */
struct io_of {
	uint32_t pid;
	uint32_t *tids; /* ascending */
	uint64_t *bytes;
	size_t n; /* threads */
};

static bool
read_thread(struct host *h, uint32_t pid, uint32_t tid, uint64_t *bytes)
{
	static const char *const keys[] = { "read_bytes:", "write_bytes:" };
	struct keyed v[2];
	struct text text;
	char path[64];

	if (host_read(h, task_path(path, pid, tid, "/io"), &text) < 0 ||
	    keyed_parse(text, keys, 2, v) < 2)
		return false;
	*bytes = v[0].v + v[1].v;
	return true;
}

/* False if the process has more threads than `most`, or if no file of a thread can be read: that is not
 * permitted, or the recording has none. */
static bool
read_io(struct host *h, struct arena *a, uint32_t pid, size_t most, struct io_of *out)
{
	struct text names;
	char path[64];
	size_t n;

	*out = (struct io_of){ .pid = pid };
	if (host_list(h, task_path(path, pid, 0, "/task"), &names) < 0)
		return false;
	out->tids = targets_parse_pids(a, names, &n);
	out->bytes = arena_alloc(a, n * sizeof *out->bytes);
	for (size_t i = 0; i < n && n <= most; i++)
		if (read_thread(h, pid, out->tids[i], &out->bytes[out->n]))
			out->tids[out->n++] = out->tids[i];
	return out->n > 0;
}

void
disks_look(struct evidence *e)
{
	struct host *h = e->session.host;
	size_t n, threads = 0;
	struct text names;
	uint32_t *pids;

	if (host_list(h, "proc", &names) < 0)
		return;
	pids = targets_parse_pids(&e->arena, names, &n);
	n = n < PROCESSES_MOST ? n : PROCESSES_MOST;
	e->io_first = arena_alloc(&e->arena, n * sizeof *e->io_first);
	for (size_t i = 0; i < n && threads < THREADS_MOST; i++) {
		struct io_of *one = &e->io_first[e->nio];
		e->nio += read_io(h, &e->arena, pids[i], THREADS_MOST - threads, one);
		threads += one->n;
	}
}

/* The bytes that the threads of a process read and wrote between two looks. A thread that began between them
 * counts from 0; one that ended between them does not count. */
static uint64_t
io_growth(const struct io_of *first, const struct io_of *last)
{
	uint64_t sum = 0;
	size_t k = 0;

	for (size_t i = 0; i < last->n; i++) {
		while (k < first->n && first->tids[k] < last->tids[i])
			k++;
		bool known = k < first->n && first->tids[k] == last->tids[i];
		uint64_t from = known ? first->bytes[k] : 0;
		sum += last->bytes[i] > from ? last->bytes[i] - from : 0;
	}
	return sum;
}

/* The process that read and wrote most since then, by bytes per second; 0 if it is unknown. */
static uint32_t
busiest(const struct evidence *e, double *per_s)
{
	struct arena a = { 0 };
	uint64_t most = 0;
	uint32_t pid = 0;

	for (size_t i = 0; i < e->nio; i++) {
		const struct io_of *first = &e->io_first[i];
		struct io_of last;
		uint64_t bytes = read_io(e->session.host, &a, first->pid, THREADS_MOST, &last) ?
		    io_growth(first, &last) :
		    0;
		if (bytes > most) {
			most = bytes;
			pid = first->pid;
		}
		arena_reset(&a);
	}
	arena_free(&a);
	*per_s = (double)most / session_span_s(&e->session);
	return pid;
}

/* Its name, in room of 64 bytes; "" if it has exited. */
static const char *
name_of(const struct evidence *e, uint32_t pid, char out[64])
{
	struct task_stat stat;
	struct text text;
	char path[64];

	out[0] = '\0';
	if (host_read(e->session.host, task_path(path, pid, 0, "/stat"), &text) < 0 ||
	    task_stat_parse(text, &stat) < 0 || stat.comm.n >= 64)
		return out;
	memcpy(out, stat.comm.s, stat.comm.n);
	out[stat.comm.n] = '\0';
	return out;
}

static void
tell_busiest(const struct evidence *e, struct finding *f)
{
	char comm[64], number[16];
	double per_s;
	uint32_t pid = busiest(e, &per_s);

	if (pid == 0 || !(per_s > 100e3) || !*name_of(e, pid, comm))
		return;
	snprintf(number, sizeof number, "%u", pid);
	finding_fact(f, "{} (pid {}) read and wrote most: {} MB/s", name(comm), name(number),
	    fixed(per_s * 1e-6, 1));
}

/* ---- Rows */

/* The pressure of the target's cgroup if it is known, else of the machine. */
static struct psi_rows
pressure(const struct evidence *e, bool *own)
{
	*own = !isnan(psi_num(e->target_psi, 0, PSI_IO_SOME)) &&
	    strcmp(psi_text(e->target_psi, 0, PSI_CGROUP), "machine") != 0;
	return *own ? e->target_psi : e->psi;
}

static struct diskg_rows
groups_of(const struct evidence *e)
{
	return evidence_has_target(e) ? e->target_io : e->io;
}

/* The disk with the longest queue. */
static size_t
longest(const struct evidence *e)
{
	return disk_most(e->disks, DISK_AQU_SZ);
}

static void
tell_disk(const struct evidence *e, size_t disk, struct finding *f)
{
	const char *device = disk_text(e->disks, disk, DISK_NAME);
	double length = disk_num(e->disks, disk, DISK_AQU_SZ),
	       most = disk_num(e->disks, disk, DISK_FLIGHT_MAX);

	if (!*device)
		return;
	finding_fact(f,
	    "disk {} has {} requests in flight on average[, at most {}][ (room for {})]; it is "
	    "busy "
	    "{} % of the time",
	    name(device), fixed(length, 1),
	    fixed(most < length ? NAN : most, 0), /* too few samples of it */
	    fixed(disk_num(e->disks, disk, DISK_REQUESTS), 0),
	    fixed(disk_num(e->disks, disk, DISK_UTIL), 0));
	double read = disk_num(e->disks, disk, DISK_R_AWAIT),
	       write = disk_num(e->disks, disk, DISK_W_AWAIT);
	if (!isnan(read))
		finding_fact(f, "a read takes {} ms on average, at {} per second", fixed(read, 2),
		    fixed(disk_num(e->disks, disk, DISK_R), 0));
	if (!isnan(write))
		finding_fact(f, "a write takes {} ms on average, at {} per second", fixed(write, 2),
		    fixed(disk_num(e->disks, disk, DISK_W), 0));
}

/* ---- Rules */

/* Whether tasks wait although the disk has hardly a request. v1 knows only that tasks of the machine do. */
static bool
is_held_before(const struct evidence *e, const char *device, double some)
{
	size_t disk = disk_find(e->disks, DISK_NAME, device);

	some = isnan(some) ? psi_num(e->psi, 0, PSI_IO_SOME) : some;
	return some > 20 && disk_num(e->disks, disk, DISK_AQU_SZ) < 0.3 * some / 100;
}

/* A cgroup that uses up a limit waits before the disk, so that the disk looks idle. A limit that is used
 * up in bursts is not used up on average. */
static void
io_max(const struct evidence *e, struct findings *f)
{
	struct diskg_rows rows = groups_of(e);
	size_t row = diskg_most(rows, DISKG_LIMIT_PCT);
	double used = diskg_num(rows, row, DISKG_LIMIT_PCT),
	       some = diskg_num(rows, row, DISKG_SOME);

	const char *cgroup = diskg_brief(rows, row, DISKG_CGROUP),
		   *device = diskg_text(rows, row, DISKG_DEVICE);
	bool bursts = used > 20 && !(used > IO_LIMIT_HIGH) && is_held_before(e, device, some);
	if (!(used > IO_LIMIT_HIGH || bursts) || some < IO_SOME_HIGH)
		return;
	size_t disk = disk_find(e->disks, DISK_NAME, device);
	struct finding *one = finding_add(f, "io-max",
	    some > IO_SOME_VERY_HIGH || used > IO_LIMIT_VERY_HIGH ? VERDICT_CRITICAL :
								    VERDICT_WARNING,
	    isnan(some) || bursts ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH, used / 100,
	    "A limit of the cgroup holds its I/O back before the disk", NO_FIGURE);
	finding_fact(one, "{} uses {} % of its limit {} on {} (io.max, or blkio.throttle on v1)",
	    name(cgroup), fixed(used, 0), name(diskg_text(rows, row, DISKG_LIMIT)), name(device));
	if (!isnan(some))
		finding_fact(
		    one, "some task of it waited for I/O {} % of the time", fixed(some, 0));
	if (disk < disk_count(e->disks))
		finding_fact(one,
		    "disk {} is busy {} % of the time, with {} requests in flight on average: "
		    "requests that are held back do not count there",
		    name(device), fixed(disk_num(e->disks, disk, DISK_UTIL), 0),
		    fixed(disk_num(e->disks, disk, DISK_AQU_SZ), 1));
	finding_advice(one,
	    "raise the limit of {}, or send fewer or larger requests; see: pq disk{} -w limits 1",
	    name(cgroup), command_option(e, " -G"));
}

/* From about 75 % of the threshold on, the kernel makes writers wait. */
static void
dirty(const struct evidence *e, struct findings *f)
{
	size_t machine = diskg_find(e->io, DISKG_CGROUP, "machine");
	double share = diskg_num(e->io, machine, DISKG_DIRTY_PCT),
	       some = diskg_num(e->io, machine, DISKG_SOME);

	if (!(share > DIRTY_PCT_HIGH) || !(some > IO_SOME_HIGH))
		return;
	struct finding *one = finding_add(f, "dirty-pages",
	    some > IO_SOME_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    some / 100, "Writers wait until dirty pages are written to disk", NO_FIGURE);
	finding_of_machine(e, one);
	finding_fact(one,
	    "{} MB are dirty and {} MB being written, together {} % of the threshold that stops "
	    "writers (vm.dirty_ratio or vm.dirty_bytes)",
	    fixed(diskg_num(e->io, machine, DISKG_DIRTY) * 1e-6, 0),
	    fixed(diskg_num(e->io, machine, DISKG_WRITEBACK) * 1e-6, 0), fixed(share, 0));
	finding_fact(
	    one, "some task waited for I/O {} % of the time (whole machine)", fixed(some, 0));
	tell_disk(e, longest(e), one);
	tell_busiest(e, one);
	finding_advice(one,
	    "write less at once (fsync in between, O_DIRECT), lower vm.dirty_background_bytes so "
	    "that writing begins earlier, or use a faster disk; see: pq disk -G -w dirty 1",
	    NO_FIGURE);
}

/* Requests spend most of their time behind others, on a disk that is never idle. */
static void
disk_queue(const struct evidence *e, struct findings *f)
{
	size_t disk = longest(e);
	double length = disk_num(e->disks, disk, DISK_AQU_SZ),
	       busy = disk_num(e->disks, disk, DISK_BUSY),
	       behind = disk_num(e->disks, disk, DISK_BEHIND);
	bool own;
	struct psi_rows rows = pressure(e, &own);
	double some = psi_num(rows, 0, PSI_IO_SOME);

	if (!(length > 2) || !(disk_num(e->disks, disk, DISK_UTIL) > UTIL_HIGH) ||
	    !(behind > busy) || some < IO_SOME_HIGH || (isnan(some) && !(behind > 20)))
		return;
	struct finding *one = finding_add(f, "disk-queue",
	    some > IO_SOME_VERY_HIGH || behind > 100 ? VERDICT_CRITICAL : VERDICT_WARNING,
	    isnan(some) ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH, length,
	    "A disk has more requests than it can serve at once", NO_FIGURE);
	if (!own)
		finding_of_machine(e, one);
	tell_disk(e, disk, one);
	finding_fact(one, "of the time of a request, {} ms are behind or beside other requests",
	    fixed(behind, 2));
	if (!isnan(some))
		finding_fact(one, "some task waited for I/O {} % of the time{}", fixed(some, 0),
		    EITHER(own, "", " (whole machine)"));
	tell_busiest(e, one);
	finding_advice(one,
	    "send fewer requests at once, move one of the users to another disk, or limit it with "
	    "io.max; see: pq disk -w queue,names 1, pq disk -G 1",
	    NO_FIGURE);
}

/* A shortage of memory makes disks busy: then the disks are a consequence, not the cause. If no disk has
 * requests, tasks may not wait for a disk: the kernel counts each wait in io_uring_enter as I/O. */
static void
io_pressure(const struct evidence *e, struct findings *f)
{
	bool own;
	struct psi_rows rows = pressure(e, &own);
	double some = psi_num(rows, 0, PSI_IO_SOME), full = psi_num(rows, 0, PSI_IO_FULL);

	if (!(some > IO_SOME_HIGH) || findings_has(f, "io-max") || findings_has(f, "dirty-pages") ||
	    findings_has(f, "disk-queue"))
		return;
	bool follows = findings_has(f, "page-cache") || findings_has(f, "memory-limit") ||
	    findings_has(f, "swap");
	bool idle = is_held_before(e, disk_text(e->disks, longest(e), DISK_NAME), some);
	struct finding *one = finding_add(f, "io-pressure",
	    full > FULL_VERY_HIGH && !follows && !idle ? VERDICT_CRITICAL : VERDICT_WARNING,
	    follows || idle ? CONFIDENCE_LOW :
		own         ? CONFIDENCE_HIGH :
			      CONFIDENCE_MEDIUM,
	    some / 100, "Tasks wait for {}",
	    EITHER(idle, "I/O, but the disks are idle", "disks (I/O pressure)"));
	if (!own)
		finding_of_machine(e, one);
	finding_fact(one, "some task waited for I/O {} % of the time[, all non-idle tasks {} %]{}",
	    fixed(some, 0), fixed(full, 0), EITHER(own, "", " (whole machine)"));
	tell_disk(e, longest(e), one);
	if (!idle)
		tell_busiest(e, one);
	if (idle)
		finding_advice(one,
		    "find the threads with pq wait{} 1. The kernel counts io_uring_enter as I/O "
		    "even "
		    "if it only waits for a socket; other threads wait for io.max or a network "
		    "file "
		    "system",
		    command_option(e, ""));
	else
		finding_advice(one,
		    "find the threads and their system calls with pq wait{} 1, the device with pq "
		    "disk 1",
		    command_option(e, ""));
}

void
disks_judge(const struct evidence *e, struct findings *f)
{
	io_max(e, f);
	dirty(e, f);
	disk_queue(e, f);
	io_pressure(e, f);
}
