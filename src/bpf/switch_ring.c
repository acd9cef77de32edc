/* switch_ring: makes the rings, loads and attaches the programs, and reads. */
#include "bpf/switch_ring.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "bpf/perf_records.h"
#include "bpf/perf_ring.h"
#include "bpf/switch_program.h"

enum { MODES = 3, LEAST_SLOTS = 256, WAITS = 1 << 16 };

struct switch_ring {
	struct perf_ring *perf;  /* NULL: BPF */
	struct switch_plan plan; /* with the maps */
	struct switch_slots memory;
	/* descriptors of the programs, and of what attaches them; -1: none */
	int program[SCHED_KINDS], link[SCHED_KINDS];
	const struct cpulist *possible; /* while it is opened */
	uint32_t nslots;                /* of all rings */
	struct switch_place *places;    /* of switch_ring_follow, by CPU; NULL: not called yet */
	/* the ring of alarms: a page that says how far this process has read, a page that says how far the
	 * kernel has written, and its bytes, twice */
	uint64_t *alarms_read;
	const char *alarms;
};

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t = { 0, 0 };

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- Memory */

static size_t
map_size(size_t value, size_t entries)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (value * entries + page - 1) / page * page;
}

/* Before Linux 5.11 maps count as locked memory. */
static int
create(uint32_t value, uint32_t entries, const char *name)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int map = bpf_map_create_mappable(value, entries, name);

	if (map < 0 && errno == EPERM && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		map = bpf_map_create_mappable(value, entries, name);
	return map;
}

static void *
map_memory(int map, size_t value, size_t entries)
{
	void *p = map < 0 ?
	    MAP_FAILED :
	    mmap(NULL, map_size(value, entries), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Each CPU that is online gets the same share. */
static void
share_out(struct switch_head *heads, uint32_t cpus, const struct cpulist *online, uint32_t share)
{
	uint32_t first = 0;

	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		if (!cpulist_has(online, cpu))
			continue;
		heads[cpu].first = first;
		heads[cpu].slots = share;
		first += share;
	}
}

static uint32_t
share_of(uint64_t bytes, uint32_t cpus)
{
	uint64_t share = bytes / sizeof(struct switch_slot) / cpus, most = UINT32_MAX / cpus;

	share = share > LEAST_SLOTS ? share : LEAST_SLOTS;
	return (uint32_t)(share < most ? share : most);
}

static uint32_t
highest(const struct cpulist *l)
{
	uint32_t cpu = CPULIST_MOST - 1;

	while (cpu > 0 && !cpulist_has(l, cpu))
		cpu--;
	return cpu;
}

static int
make_memory(struct switch_ring *r, uint64_t bytes, const struct cpulist *online)
{
	struct switch_slots *m = &r->memory;
	uint32_t n = cpulist_count(online), share = share_of(bytes, n ? n : 1);

	m->cpus = highest(r->possible) + 1;
	r->nslots = share * (n ? n : 1);
	r->plan.heads = create(sizeof *m->heads, m->cpus, "pq_ring_heads");
	if (r->plan.heads < 0)
		return -1;
	r->plan.slots = create(sizeof *m->slots, r->nslots, "pq_ring");
	struct switch_head *heads = map_memory(r->plan.heads, sizeof *m->heads, m->cpus);
	m->heads = heads;
	m->slots = map_memory(r->plan.slots, sizeof *m->slots, r->nslots);
	if (!heads || !m->slots)
		return -1;
	share_out(heads, m->cpus, online, share);
	return 0;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int
make_alarms(struct switch_ring *r)
{
	struct switch_plan *p = &r->plan;
	size_t page = page_size();

	if (p->wait_over_ns == 0)
		return 0;
	p->wait_mask = WAITS - 1;
	p->waits = create(sizeof(struct switch_wait), WAITS, "pq_ring_waits");
	p->alarms = p->waits < 0 ? -1 : bpf_ring_create((uint32_t)page, "pq_ring_alarms");
	if (p->alarms < 0)
		return -1;
	void *mine = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, p->alarms, 0);
	r->alarms_read = mine == MAP_FAILED ? NULL : mine;
	void *theirs = mmap(NULL, 3 * page, PROT_READ, MAP_SHARED, p->alarms, (off_t)page);
	r->alarms = theirs == MAP_FAILED ? NULL : theirs;
	return r->alarms_read && r->alarms ? 0 : -1;
}

static void
unmap(const void *p, size_t n)
{
	if (p)
		munmap((void *)(uintptr_t)p, n);
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
detach(struct switch_ring *r)
{
	int error = errno;

	for (int k = 0; k < SCHED_KINDS; k++)
		drop(&r->link[k]);
	for (int k = 0; k < SCHED_KINDS; k++)
		drop(&r->program[k]);
	errno = error;
}

static int
load_one(struct switch_ring *r, enum sched_kind kind)
{
	static const enum bpf_program types[] = {
		[MODE_BTF] = BPF_TRACING,
		[MODE_RAW] = BPF_RAW_TRACEPOINT,
		[MODE_TP] = BPF_TRACEPOINT,
	};
	static const char *const names[] = { "", "pq_ring_switch", "pq_ring_waking", "pq_ring_new",
		"pq_ring_exec", "pq_ring_exit", "pq_ring_migrate" };
	const struct switch_plan *p = &r->plan;
	struct code code;

	switch_program_build(p, kind, &code);
	r->program[kind] = bpf_program_load(types[p->mode], &code, p->btf_id[kind], names[kind]);
	return r->program[kind] < 0 ? -1 : 0;
}

static int
load_all(struct switch_ring *r)
{
	for (enum sched_kind k = SCHED_SWITCH; k < SCHED_KINDS; k++)
		if (load_one(r, k) < 0) {
			detach(r);
			return -1;
		}
	return 0;
}

/* The next thing to try without, where the kernel rejects the programs: it may know neither variables
 * of CPUs nor CLOCK_BOOTTIME. */
static bool
do_without(struct switch_plan *p)
{
	if (p->irq == IRQ_VARIABLE && p->irq_path.to_count)
		p->irq = IRQ_ADDRESS;
	else if (p->irq != IRQ_UNKNOWN)
		p->irq = IRQ_UNKNOWN;
	else if (!p->old_clock)
		p->old_clock = true;
	else
		return false;
	return true;
}

static int
load(struct switch_ring *r)
{
	int status = load_all(r), error = errno;

	while (status < 0 && errno != EPERM && do_without(&r->plan))
		status = load_all(r);
	if (status < 0)
		errno = error;
	return status;
}

/* On the first CPU that is online. */
static int
attach_event(const struct switch_ring *r, enum sched_kind kind)
{
	int fd = -1;

	errno = ENODEV;
	for (unsigned cpu = 0; fd < 0 && errno == ENODEV && cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(r->possible, cpu))
			fd = bpf_attach_event(r->program[kind], r->plan.event_id[kind], (int)cpu);
	return fd;
}

static int
attach(struct switch_ring *r)
{
	enum bpf_mode mode = r->plan.mode;

	for (enum sched_kind k = SCHED_SWITCH; k < SCHED_KINDS; k++) {
		r->link[k] = mode == MODE_TP ?
		    attach_event(r, k) :
		    bpf_attach_raw(
			r->program[k], mode == MODE_RAW ? switch_program_event(k) : NULL);
		if (r->link[k] < 0)
			return -1;
	}
	r->memory.opened_ns = clock_ns(CLOCK_BOOTTIME);
	r->memory.field = mode == MODE_TP;
	r->memory.all = r->plan.tgid == 0 || mode == MODE_TP;
	r->memory.knows_irq = r->plan.irq != IRQ_UNKNOWN;
	r->memory.needs_irq_at = r->plan.irq == IRQ_ADDRESS;
	return 0;
}

/* ---- Open */

static enum bpf_step
failed(struct bpf_failure *f, enum bpf_step step)
{
	f->step = step;
	f->error = errno;
	return step;
}

static enum bpf_step
try_mode(struct switch_ring *r, enum bpf_mode mode, struct bpf_failure *f)
{
	r->plan.mode = f->mode = mode;
	r->plan.old_clock = false;
	if (switch_program_layout(&r->plan) < 0)
		return failed(f, STEP_LAYOUT);
	if (load(r) < 0)
		return failed(f, STEP_LOAD);
	return attach(r) < 0 ? failed(f, STEP_ATTACH) : STEP_NONE;
}

/* Tries one mode, or all. Returns 0 when one works, else how many failed. */
static size_t
try_modes(struct switch_ring *r, enum bpf_mode wanted, struct bpf_failure *f)
{
	size_t n = 0;

	for (enum bpf_mode mode = MODE_BTF; mode <= MODE_TP; mode++) {
		if (wanted != MODE_ANY && mode != wanted)
			continue;
		if (try_mode(r, mode, &f[n++]) == STEP_NONE)
			return 0;
		detach(r);
	}
	return n;
}

static struct switch_ring *
make(const struct switch_ring_options *o, const struct cpulist *possible)
{
	struct switch_ring *r = xmalloc(sizeof *r);

	*r = (struct switch_ring){
		.plan = { .heads = -1,
		    .slots = -1,
		    .waits = -1,
		    .alarms = -1,
		    .tgid = o->tgid,
		    .wait_over_ns = o->wait_over_ns },
		.possible = possible,
	};
	for (int k = 0; k < SCHED_KINDS; k++)
		r->program[k] = r->link[k] = -1;
	return r;
}

static int
open_bpf(struct switch_ring **out, const struct switch_ring_options *o,
    const struct cpulist *online, const struct cpulist *possible, struct bpf_why *why)
{
	struct bpf_failure f[MODES] = { { MODE_ANY, STEP_NONE, 0 } };
	struct bpf_rights rights;
	struct switch_ring *r = make(o, possible);
	size_t n = 1;

	if (make_memory(r, o->bytes, online) < 0 || make_alarms(r) < 0)
		failed(f, STEP_MAP);
	else
		n = try_modes(r, o->mode, f);
	r->possible = NULL;
	*out = r;
	if (n == 0)
		return 0;
	bpf_rights_read(&rights);
	bpf_explain(f, n, &rights, why);
	switch_ring_close(r);
	*out = NULL;
	errno = f[0].error;
	return -1;
}

static int
open_perf(struct switch_ring **out, const struct switch_ring_options *o,
    const struct cpulist *online, struct bpf_why *why)
{
	*out = make(o, NULL);
	if (perf_ring_open(&(*out)->perf, o->perf_pid, o->bytes, online, why) == 0)
		return 0;
	switch_ring_close(*out);
	*out = NULL;
	return -1;
}

int
switch_ring_open(struct switch_ring **out, const struct switch_ring_options *o,
    const struct cpulist *online, const struct cpulist *possible, struct bpf_why *why)
{
	struct bpf_why no_perf;

	*why = (struct bpf_why){ "" };
	if (o->only_perf)
		return open_perf(out, o, online, why);
	if (open_bpf(out, o, online, possible, why) == 0)
		return 0;
	if (o->perf_pid == 0 || o->wait_over_ns > 0)
		return -1;
	if (open_perf(out, o, online, &no_perf) == 0)
		return 0;
	int error = errno;
	size_t n = strlen(why->text);
	snprintf(why->text + n, sizeof why->text - n, "; nor are perf events: %s", no_perf.text);
	errno = error;
	return -1;
}

int64_t
switch_ring_tend(struct switch_ring *r)
{
	return r->perf ? perf_ring_tend(r->perf) : INT64_MAX;
}

/* ---- Read */

static uint64_t
perf_events(const struct switch_ring *r, uint64_t *most)
{
	uint64_t sum = 0;

	*most = 0;
	for (size_t i = 0; i < perf_ring_cpus(r->perf); i++) {
		uint64_t n = perf_ring_records(r->perf, i);
		sum += n;
		*most = n > *most ? n : *most;
	}
	return sum;
}

static void
perf_rate(const struct switch_ring *r, struct switch_ring_rate *out)
{
	double s = (double)(clock_ns(CLOCK_BOOTTIME) - perf_ring_opened_ns(r->perf)) / 1e9;
	uint64_t most, keeps = perf_ring_keeps(r->perf);

	out->events = perf_events(r, &most);
	out->bytes = keeps * perf_ring_cpus(r->perf) * PERF_RECORD_BYTES;
	out->lasts_s = most ? (double)keeps * s / (double)most : INFINITY;
	out->per_s = s > 0 ? (double)out->events / s : 0;
}

void
switch_ring_rate(const struct switch_ring *r, struct switch_ring_rate *out)
{
	if (r->perf) {
		perf_rate(r, out);
		return;
	}
	double s = (double)(clock_ns(CLOCK_BOOTTIME) - r->memory.opened_ns) / 1e9;

	*out = (struct switch_ring_rate){ .lasts_s = INFINITY,
		.bytes = (uint64_t)r->nslots * sizeof *r->memory.slots };
	for (uint32_t cpu = 0; cpu < r->memory.cpus; cpu++) {
		uint64_t n = switch_slots_events(&r->memory, cpu);
		double lasts = n ? r->memory.heads[cpu].slots * s / (double)n : INFINITY;
		out->events += n;
		if (lasts < out->lasts_s && r->memory.heads[cpu].slots > 0)
			out->lasts_s = lasts;
	}
	out->per_s = s > 0 ? (double)out->events / s : 0;
}

/* The line "recursion_misses:	0" of each program: the kernel does not run one within itself. */
static struct keyed
read_missed(const struct switch_ring *r)
{
	static const char *const keys[] = { "recursion_misses:" };
	struct buf b = { 0 };
	struct keyed v;
	uint64_t sum = 0;
	bool known = true;

	for (enum sched_kind k = SCHED_SWITCH; known && k < SCHED_KINDS; k++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fdinfo/%d", r->program[k]);
		known = bpf_read_file(path, &b) == 0 &&
		    keyed_parse((struct text){ b.s, b.n }, keys, 1, &v) == 1;
		sum += known ? v.v : 0;
	}
	buf_free(&b);
	return known ? keyed_of(sum) : (struct keyed){ 0 };
}

static void
add_span(struct switch_ring_found *found, const struct switch_span *span)
{
	found->events += span->events;
	found->lost += span->lost;
	found->unseen += span->unseen;
}

static bool
is_late(const struct switch_ring *r, const struct switch_span *span)
{
	return span->lost > 0 && r->memory.heads[span->cpu].slots == 0;
}

static void
read_cpu(struct switch_ring *r, uint32_t cpu, uint64_t end, uint64_t since_ns, uint64_t now_ns,
    const struct switch_sink *sink, struct switch_ring_found *found)
{
	struct switch_span span;

	switch_slots_read(&r->memory, cpu, end, since_ns, now_ns, sink, &span);
	add_span(found, &span);
	found->late_cpus += is_late(r, &span);
	if (span.from_ns > found->from_ns)
		found->from_ns = span.from_ns;
	if (span.to_ns < found->to_ns)
		found->to_ns = span.to_ns;
}

static void
read_perf(struct switch_ring *r, uint64_t since_ns, const struct switch_sink *sink,
    struct switch_ring_found *found)
{
	struct switch_span span;

	perf_ring_tend(r->perf);
	*found = (struct switch_ring_found){ .to_ns = perf_ring_copied_ns(r->perf) };
	for (size_t i = 0; i < perf_ring_cpus(r->perf); i++) {
		perf_ring_read(r->perf, i, since_ns, sink, &span);
		add_span(found, &span);
		if (span.from_ns > found->from_ns)
			found->from_ns = span.from_ns;
	}
}

/* Where the events of all CPUs end now: all rings are read up to the same time. To be freed. */
static uint64_t *
begin_reading(struct switch_ring *r, struct switch_ring_found *found)
{
	uint64_t *ends = xmalloc(r->memory.cpus * sizeof *ends);

	for (uint32_t cpu = 0; cpu < r->memory.cpus; cpu++)
		ends[cpu] = switch_slots_events(&r->memory, cpu);
	*found = (struct switch_ring_found){ .to_ns = clock_ns(CLOCK_BOOTTIME) };
	if (r->plan.old_clock)
		r->memory.shift_ns = found->to_ns - clock_ns(CLOCK_MONOTONIC);
	return ends;
}

void
switch_ring_read(struct switch_ring *r, uint64_t since_ns, const struct switch_sink *sink,
    struct switch_ring_found *found)
{
	if (r->perf) {
		read_perf(r, since_ns, sink, found);
		return;
	}
	uint64_t *ends = begin_reading(r, found), now_ns = found->to_ns;

	for (uint32_t cpu = 0; cpu < r->memory.cpus; cpu++)
		read_cpu(r, cpu, ends[cpu], since_ns, now_ns, sink, found);
	found->missed = read_missed(r);
	free(ends);
}

static void
begin_places(struct switch_ring *r)
{
	r->places = xmalloc(r->memory.cpus * sizeof *r->places);
	for (uint32_t cpu = 0; cpu < r->memory.cpus; cpu++)
		r->places[cpu] = (struct switch_place){ .runs = SWITCH_NOBODY };
}

void
switch_ring_follow(
    struct switch_ring *r, const struct switch_sink *sink, struct switch_ring_found *found)
{
	uint64_t *ends = begin_reading(r, found);

	if (!r->places)
		begin_places(r);
	uint64_t to_ns = found->to_ns;
	for (uint32_t cpu = 0; cpu < r->memory.cpus; cpu++) {
		struct switch_span span;
		switch_slots_follow(
		    &r->memory, cpu, ends[cpu], found->to_ns, &r->places[cpu], sink, &span);
		add_span(found, &span);
		found->late_cpus += is_late(r, &span);
		to_ns = span.to_ns < to_ns ? span.to_ns : to_ns;
	}
	found->from_ns = r->memory.opened_ns;
	found->to_ns = to_ns;
	found->missed = read_missed(r);
	free(ends);
}

/* ---- Alarms */

int
switch_ring_alarm_fd(const struct switch_ring *r)
{
	return r->plan.alarms;
}

/* A message has a header of 8 bytes, with its length, and bit 31 while it is written
 * (Documentation/bpf/ringbuf.rst of the kernel). */
bool
switch_ring_take_alarm(struct switch_ring *r, struct switch_alarm *out)
{
	const uint32_t busy = UINT32_C(1) << 31, discarded = UINT32_C(1) << 30;
	const size_t header = 8, page = page_size();

	if (!r->alarms)
		return false;
	uint64_t at = *r->alarms_read;
	if (at >= __atomic_load_n((const uint64_t *)(const void *)r->alarms, __ATOMIC_ACQUIRE))
		return false;
	const char *message = r->alarms + page + at % page;
	uint32_t length =
	    __atomic_load_n((const uint32_t *)(const void *)message, __ATOMIC_ACQUIRE);
	if ((length & busy) || (length & ~discarded) != sizeof *out)
		return false;
	memcpy(out, message + header, sizeof *out);
	__atomic_store_n(r->alarms_read, at + header + sizeof *out, __ATOMIC_RELEASE);
	if (r->plan.old_clock)
		out->at_ns += clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
	return true;
}

bool
switch_ring_knows_irq(const struct switch_ring *r)
{
	return r->memory.knows_irq;
}

const char *
switch_ring_mode(const struct switch_ring *r)
{
	static const char *const names[] = { "", "bpf-btf", "bpf-raw", "bpf-tp" };

	return r->perf ? "perf" : names[r->plan.mode];
}

bool
switch_ring_knows_pids(const struct switch_ring *r)
{
	return r->perf || wait_counter_knows_pids();
}

void
switch_ring_close(struct switch_ring *r)
{
	if (!r)
		return;
	perf_ring_close(r->perf);
	detach(r);
	unmap(r->memory.heads, map_size(sizeof *r->memory.heads, r->memory.cpus));
	unmap(r->memory.slots, map_size(sizeof *r->memory.slots, r->nslots));
	drop(&r->plan.heads);
	drop(&r->plan.slots);
	unmap(r->alarms_read, page_size());
	unmap(r->alarms, 3 * page_size());
	drop(&r->plan.waits);
	drop(&r->plan.alarms);
	free(r->places);
	free(r);
}
