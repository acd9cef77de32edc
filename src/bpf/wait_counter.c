/* wait_counter: makes the maps, loads and attaches the programs, and reads what they counted. */
#include "bpf/wait_counter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "bpf/program.h"

enum { SLOTS = 1 << 16, FEWER_SLOTS = 1 << 11, MODES = 3 };

struct wait_counter {
	struct program_plan plan; /* with the maps */
	/* descriptors of the programs, and of what attaches them; -1: none */
	int program[WAIT_EVENTS], link[WAIT_EVENTS];
	int stats; /* while it is open, the kernel measures the time of the programs; -1 */
	struct cpulist cpus, possible;
	struct cpu_counts *values; /* of all possible CPUs, in their order */
};

/* The kernel writes one value per possible CPU, and may have more of them than the list in /sys
 * says. So there is room for as many CPUs as a kernel can have. Pages that are not written to take
 * no memory. */
static const size_t values_size = CPULIST_MOST * sizeof(struct cpu_counts);

/* ---- Maps */

/* Before Linux 5.11 maps count as locked memory. A process that may not raise its limit has 64
 * KiB. */
static int
make_slots(struct program_plan *p)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint32_t n = SLOTS;

	p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct wait_slot), n, "pq_slots");
	if (p->slots < 0 && errno == EPERM && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct wait_slot), n, "pq_slots");
	if (p->slots < 0 && errno == EPERM) {
		n = FEWER_SLOTS;
		p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct wait_slot), n, "pq_slots");
	}
	p->slot_mask = (int32_t)n - 1;
	return p->slots < 0 ? -1 : 0;
}

static enum bpf_step
failed(struct bpf_failure *f, enum bpf_step step)
{
	f->step = step;
	f->error = errno;
	return step;
}

static int
put_cgroup(int map, const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int status = bpf_map_put_cgroup(map, 0, fd), error = errno;
	close(fd);
	errno = error;
	return status;
}

static enum bpf_step
make_maps(struct wait_counter *c, const struct wait_filter *filter, struct bpf_failure *f)
{
	struct program_plan *p = &c->plan;

	if (make_slots(p) < 0)
		return failed(f, STEP_MAP);
	p->counts = bpf_map_create(BPF_PERCPU_ARRAY, sizeof(struct cpu_counts), 1, "pq_counts");
	if (p->counts < 0)
		return failed(f, STEP_MAP);
	if (!filter->cgroup)
		return STEP_NONE;
	p->cgroup = bpf_map_create(BPF_CGROUP_ARRAY, sizeof(uint32_t), 1, "pq_cgroup");
	if (p->cgroup < 0)
		return failed(f, STEP_MAP);
	return put_cgroup(p->cgroup, filter->cgroup) < 0 ? failed(f, STEP_CGROUP) : STEP_NONE;
}

/* ---- Programs */

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A program without a link does not run any more, so links are closed first. */
static void
detach(struct wait_counter *c)
{
	for (int e = 0; e < WAIT_EVENTS; e++)
		drop(&c->link[e]);
	for (int e = 0; e < WAIT_EVENTS; e++)
		drop(&c->program[e]);
}

static int
load_one(struct wait_counter *c, enum wait_event e)
{
	static const enum bpf_program types[] = {
		[MODE_BTF] = BPF_TRACING,
		[MODE_RAW] = BPF_RAW_TRACEPOINT,
		[MODE_TP] = BPF_TRACEPOINT,
	};
	static const char *const names[] = { "pq_switch", "pq_wakeup", "pq_new" };
	const struct program_plan *p = &c->plan;
	struct code code;

	program_build(p, e, &code);
	c->program[e] = bpf_program_load(types[p->mode], &code, p->btf_id[e], names[e]);
	return c->program[e] < 0 ? -1 : 0;
}

static int
load_all(struct wait_counter *c)
{
	for (enum wait_event e = ON_SWITCH; e < WAIT_EVENTS; e++)
		if (load_one(c, e) < 0)
			return -1;
	return 0;
}

/* bpf_probe_read_kernel came with Linux 5.5. Before that there was only bpf_probe_read. */
static int
load(struct wait_counter *c)
{
	if (load_all(c) == 0)
		return 0;
	if (c->plan.mode != MODE_RAW || errno == EPERM)
		return -1;
	detach(c);
	c->plan.old_probe_read = true;
	return load_all(c);
}

/* On the first CPU that is online. */
static int
attach_event(const struct wait_counter *c, enum wait_event e)
{
	int fd = -1;

	errno = ENODEV;
	for (unsigned cpu = 0; fd < 0 && errno == ENODEV && cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(&c->possible, cpu))
			fd = bpf_attach_event(c->program[e], c->plan.event_id[e], (int)cpu);
	return fd;
}

/* The switch comes first: before it is attached, no wait would be seen to end. */
static int
attach(struct wait_counter *c)
{
	enum bpf_mode mode = c->plan.mode;

	for (enum wait_event e = ON_SWITCH; e < WAIT_EVENTS; e++) {
		c->link[e] = mode == MODE_TP ?
		    attach_event(c, e) :
		    bpf_attach_raw(c->program[e], mode == MODE_RAW ? wait_event_name(e) : NULL);
		if (c->link[e] < 0)
			return -1;
	}
	return 0;
}

/* ---- Open */

static enum bpf_step
try_mode(struct wait_counter *c, enum bpf_mode mode, struct bpf_failure *f)
{
	c->plan.mode = f->mode = mode;
	if (program_layout(&c->plan) < 0)
		return failed(f, STEP_LAYOUT);
	if (load(c) < 0)
		return failed(f, STEP_LOAD);
	return attach(c) < 0 ? failed(f, STEP_ATTACH) : STEP_NONE;
}

/* Tries one mode, or all. Returns 0 when one works, else how many failed. */
static size_t
try_modes(struct wait_counter *c, enum bpf_mode wanted, struct bpf_failure *f)
{
	size_t n = 0;

	for (enum bpf_mode mode = MODE_BTF; mode <= MODE_TP; mode++) {
		if (wanted != MODE_ANY && mode != wanted)
			continue;
		if (try_mode(c, mode, &f[n++]) == STEP_NONE)
			return 0;
		detach(c);
	}
	return n;
}

static struct wait_counter *
make(const struct wait_filter *filter, const struct cpulist *possible)
{
	struct wait_counter *c = xmalloc(sizeof *c);

	*c = (struct wait_counter){
		.plan = { .slots = -1, .counts = -1, .cgroup = -1, .tgid = filter->tgid },
		.program = { -1, -1, -1 },
		.link = { -1, -1, -1 },
		.stats = -1,
		.cpus = filter->cpus ? *filter->cpus : *possible,
		.possible = *possible,
	};
	c->values = mmap(NULL, values_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->values == MAP_FAILED)
		out_of_memory();
	return c;
}

int
wait_counter_open(struct wait_counter **out, enum bpf_mode mode, const struct wait_filter *filter,
    const struct cpulist *possible, struct bpf_why *why)
{
	struct bpf_failure f[MODES] = { { MODE_ANY, STEP_NONE, 0 } };
	struct bpf_rights rights;
	struct wait_counter *c = make(filter, possible);
	size_t n = make_maps(c, filter, f) == STEP_NONE ? try_modes(c, mode, f) : 1;

	*out = c;
	if (n == 0)
		return 0;
	bpf_rights_read(&rights);
	bpf_explain(f, n, &rights, why);
	wait_counter_close(c);
	*out = NULL;
	errno = f[0].error;
	return -1;
}

static void
add(struct wait_counts *c, const struct cpu_counts *v)
{
	c->switches += v->switches;
	c->sum_ns += v->sum_ns;
	c->negative += v->negative;
	c->lost += v->lost;
	for (size_t b = 0; b < WAIT_BUCKETS; b++) {
		c->bucket[b] += v->bucket[b];
		c->waits += v->bucket[b];
	}
}

/* ---- Read */

/* Adds the lines "run_time_ns:	5213" and "run_cnt:	41" of a program. */
static bool
add_cost(int program, struct buf *b, uint64_t *ns, uint64_t *n)
{
	static const char *const keys[] = { "run_time_ns:", "run_cnt:" };
	struct keyed v[2];
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", program);
	if (bpf_read_file(path, b) < 0 || keyed_parse((struct text){ b->s, b->n }, keys, 2, v) < 2)
		return false;
	*ns += v[0].v;
	*n += v[1].v;
	return true;
}

/* Unknown unless the kernel measures the time of its programs. */
static void
read_cost(const struct wait_counter *c, struct wait_counts *out)
{
	struct buf b = { 0 };
	uint64_t ns = 0, n = 0;
	bool known = c->stats >= 0;

	for (int e = 0; known && e < WAIT_EVENTS; e++)
		known = add_cost(c->program[e], &b, &ns, &n);
	buf_free(&b);
	if (!known)
		return;
	out->events = keyed_of(n);
	out->events_ns = keyed_of(ns);
}

int
wait_counter_read(struct wait_counter *c, struct wait_counts *out)
{
	const struct cpu_counts *v = c->values;

	*out = (struct wait_counts){ 0 };
	if (bpf_map_read(c->plan.counts, 0, c->values) < 0)
		return -1;
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++) {
		if (!cpulist_has(&c->possible, cpu))
			continue;
		if (cpulist_has(&c->cpus, cpu))
			add(out, v);
		v++;
	}
	read_cost(c, out);
	return 0;
}

int
wait_counter_measure_cost(struct wait_counter *c)
{
	c->stats = bpf_stats();
	return c->stats < 0 ? -1 : 0;
}

/* The first pid namespace always has this inode number. */
bool
wait_counter_knows_pids(void)
{
	const ino_t first = 0xeffffffc; /* PROC_PID_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == first;
}

const char *
wait_counter_mode(const struct wait_counter *c)
{
	static const char *const names[] = { "", "bpf-btf", "bpf-raw", "bpf-tp" };

	return names[c->plan.mode];
}

void
wait_counter_close(struct wait_counter *c)
{
	if (!c)
		return;
	detach(c);
	for (size_t i = 0; i < 4; i++) {
		int fd =
		    (const int[]){ c->plan.slots, c->plan.counts, c->plan.cgroup, c->stats }[i];
		if (fd >= 0)
			close(fd);
	}
	munmap(c->values, values_size);
	free(c);
}
