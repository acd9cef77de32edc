/* The programs that measure waits, run by a small interpreter. */
#include "bpf/program.h"

#include "interpreter.h"
#include "unit.h"

enum { SLOTS_FD = 11, COUNTS_FD = 12, CGROUP_FD = 13, SLOTS = 8 };

/* The machine that the programs run on. */
static struct {
	uint64_t now, tgid; /* the time, and the process of the current task */
	bool in_cgroup;     /* the current task */
	struct wait_slot slots[SLOTS];
	struct cpu_counts counts;
} m;

struct task {
	uint64_t front;
	uint32_t pid, tgid, state;
};

static uint64_t
look_up(const uint64_t *r)
{
	uint32_t key;

	memcpy(&key, memory(r[R2]), sizeof key);
	if (r[R1] == SLOTS_FD && key < SLOTS)
		return address_of(&m.slots[key]);
	return r[R1] == COUNTS_FD && key == 0 ? address_of(&m.counts) : 0;
}

static uint64_t
help(int helper, const uint64_t *r)
{
	switch (helper) {
	case BPF_LOOKUP:
		return look_up(r);
	case BPF_TIME_NS:
		return m.now;
	case BPF_PID_TGID:
		return m.tgid << 32 | 77;
	case BPF_CURRENT_UNDER_CGROUP:
		CHECK(r[R1] == CGROUP_FD && r[R2] == 0);
		return m.in_cgroup;
	case BPF_PROBE_READ:
	case BPF_PROBE_READ_KERNEL:
		memcpy(memory(r[R1]), memory(r[R3]), r[R2]);
		return 0;
	}
	CHECK_STRING("a helper that is not known", "");
	return 0;
}

static void
run(const struct program_plan *p, enum wait_event e, const void *context)
{
	static const struct interpreter machine = { help, NULL, NULL };
	struct code c;

	program_build(p, e, &c);
	interpret(&c, context, &machine);
}

static struct program_plan
plan_for(enum bpf_mode mode)
{
	return (struct program_plan){
		.mode = mode,
		.pid = { offsetof(struct task, pid), 4 },
		.tgid_member = { offsetof(struct task, tgid), 4 },
		.state = { offsetof(struct task, state), 4 },
		.state_argument = mode == MODE_BTF,
		.prev_pid = { 24, 4 },
		.prev_state = { 32, 8 },
		.next_pid = { { 56, 4 }, { 24, 4 }, { 16, 4 } },
		.slots = SLOTS_FD,
		.counts = COUNTS_FD,
		.slot_mask = SLOTS - 1,
		.cgroup = -1,
	};
}

static void
put(unsigned char *event, struct format_field f, uint64_t v)
{
	memcpy(event + f.offset, &v, f.size);
}

static void
switches(
    const struct program_plan *p, uint64_t now, bool preempt, struct task prev, struct task next)
{
	uint64_t args[] = { preempt | 0xff00, address_of(&prev), address_of(&next), prev.state };
	unsigned char event[64] = { 0 };

	m.now = now;
	m.tgid = prev.tgid;
	put(event, p->prev_pid, prev.pid);
	put(event, p->next_pid[ON_SWITCH], next.pid);
	put(event, p->prev_state, preempt ? 0x100 : prev.state);
	run(p, ON_SWITCH, p->mode == MODE_TP ? (const void *)event : args);
}

static void
wakes(const struct program_plan *p, enum wait_event e, uint64_t now, struct task t)
{
	uint64_t args[] = { address_of(&t) };
	unsigned char event[64] = { 0 };

	m.now = now;
	put(event, p->next_pid[e], t.pid);
	run(p, e, p->mode == MODE_TP ? (const void *)event : args);
}

static uint64_t
waits(void)
{
	uint64_t n = 0;

	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		n += m.counts.bucket[b];
	return n;
}

enum { RUNS = 0, SLEEPS = 1 };

static struct task
task(uint32_t pid, uint32_t tgid, uint32_t state)
{
	return (struct task){ 0, pid, tgid, state };
}

static void
in_each_mode(void (*check)(struct program_plan p))
{
	for (enum bpf_mode mode = MODE_BTF; mode <= MODE_TP; mode++) {
		memset(&m, 0, sizeof m);
		check(plan_for(mode));
	}
}

static void
check_wakeup(struct program_plan p)
{
	wakes(&p, ON_WAKEUP, 1000, task(5, 5, RUNS));
	wakes(&p, ON_NEW, 1500, task(6, 5, RUNS));
	switches(&p, 3000, false, task(0, 0, RUNS), task(5, 5, RUNS));
	CHECK_U64(m.counts.sum_ns, 2000);
	CHECK_U64(m.counts.bucket[wait_bucket(2000)], 1);
	switches(&p, 4000, false, task(5, 5, SLEEPS), task(6, 5, RUNS));
	CHECK_U64(m.counts.sum_ns, 4500);
	CHECK_U64(waits(), 2);
	/* of whose wakeup nothing was seen */
	switches(&p, 5000, false, task(6, 5, SLEEPS), task(5, 5, RUNS));
	CHECK_U64(waits(), 2);
	CHECK_U64(m.counts.switches, 3);
	CHECK_U64(m.counts.lost + m.counts.negative, 0);
}

static void
wakeup(void)
{
	in_each_mode(check_wakeup);
}

static void
check_preempted(struct program_plan p)
{
	switches(&p, 1000, false, task(3, 3, RUNS), task(4, 4, RUNS));
	switches(&p, 1100, true, task(4, 4, SLEEPS), task(3, 3, RUNS)); /* was about to sleep */
	CHECK_U64(m.counts.sum_ns, 100);
	switches(&p, 1300, false, task(3, 3, SLEEPS), task(4, 4, RUNS));
	CHECK_U64(m.counts.sum_ns, 300);
	switches(&p, 1400, false, task(4, 4, SLEEPS), task(3, 3, RUNS));
	CHECK_U64(waits(), 2);
}

static void
preempted(void)
{
	in_each_mode(check_preempted);
}

static void
check_idle(struct program_plan p)
{
	wakes(&p, ON_WAKEUP, 1000, task(0, 0, RUNS));
	switches(&p, 1100, false, task(0, 0, RUNS), task(8, 8, RUNS));
	switches(&p, 1200, false, task(8, 8, SLEEPS), task(0, 0, RUNS));
	CHECK_U64(waits() + m.counts.lost, 0);
	CHECK_U64(m.counts.switches, 2);
}

static void
idle(void)
{
	in_each_mode(check_idle);
}

/* A running task that is woken, as when it was about to sleep, does not wait; nor does its slot
 * tell so when it sleeps. */
static void
check_woken_while_running(struct program_plan p)
{
	wakes(&p, ON_WAKEUP, 1000, task(3, 3, RUNS));
	switches(&p, 1001, false, task(3, 3, SLEEPS), task(4, 4, RUNS));
	wakes(&p, ON_WAKEUP, 1002, task(3 + SLOTS, 3, RUNS));
	CHECK_U64(m.counts.lost, 0);
	switches(&p, 1003, false, task(4, 4, SLEEPS), task(3, 3, RUNS));
	CHECK_U64(waits(), 0);
}

static void
woken_while_running(void)
{
	in_each_mode(check_woken_while_running);
}

static void
check_lost(struct program_plan p)
{
	wakes(&p, ON_WAKEUP, 1000, task(3, 3, RUNS));
	wakes(&p, ON_WAKEUP, 1010, task(3 + SLOTS, 3, RUNS));
	CHECK_U64(m.counts.lost, 1);
	switches(&p, 1020, false, task(0, 0, RUNS), task(3, 3, RUNS));
	CHECK_U64(waits(), 0);
	/* who sleeps leaves it the slot */
	switches(&p, 1030, false, task(3, 3, SLEEPS), task(3 + SLOTS, 3, RUNS));
	CHECK_U64(m.counts.sum_ns, 20);
	wakes(&p, ON_WAKEUP, 1040, task(3, 3, RUNS));
	switches(&p, 1050, true, task(3 + SLOTS, 3, RUNS), task(4, 4, RUNS));
	CHECK_U64(m.counts.lost, 2);
	CHECK_U64(waits(), 1);
}

static void
lost(void)
{
	in_each_mode(check_lost);
}

static void
check_negative(struct program_plan p)
{
	wakes(&p, ON_WAKEUP, 1000, task(3, 3, RUNS));
	switches(&p, 990, false, task(0, 0, RUNS), task(3, 3, RUNS));
	CHECK_U64(m.counts.negative, 1);
	CHECK_U64(m.counts.bucket[0], 1);
	CHECK_U64(m.counts.sum_ns, 0);
}

static void
negative(void)
{
	in_each_mode(check_negative);
}

static void
one_wait(uint64_t ns)
{
	struct program_plan p = plan_for(MODE_BTF);

	memset(&m, 0, sizeof m);
	wakes(&p, ON_WAKEUP, 7, task(3, 3, RUNS));
	switches(&p, 7 + ns, false, task(0, 0, RUNS), task(3, 3, RUNS));
	CHECK_U64(m.counts.bucket[wait_bucket(ns)], 1);
	CHECK_U64(m.counts.sum_ns, ns);
}

static void
buckets(void)
{
	for (uint64_t ns = 0; ns < 300; ns++)
		one_wait(ns);
	for (int bit = 8; bit < 63; bit++)
		for (int64_t near = -1; near <= 1; near++)
			one_wait(((uint64_t)1 << bit) + (uint64_t)near);
	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		one_wait(wait_bucket_high(b) - 1);
}

/* The process is known at a switch, of the current task; at a wakeup from the task, or else from
 * the switch before. */
static void
check_process(struct program_plan p)
{
	bool learns = p.mode == MODE_TP;

	p.tgid = 40;
	m.tgid = 40; /* the waker's */
	wakes(&p, ON_WAKEUP, 1000, task(3, 30, RUNS));
	switches(&p, 1100, false, task(3, 30, RUNS), task(1, 40, RUNS));
	switches(&p, 1200, false, task(1, 40, SLEEPS), task(3, 30, RUNS));
	CHECK_U64(waits(), 0);
	m.tgid = 30;
	wakes(&p, ON_WAKEUP, 1300, task(1, 40, RUNS));
	switches(&p, 1400, false, task(3, 30, SLEEPS), task(1, 40, RUNS));
	CHECK_U64(m.counts.sum_ns, 100);
	wakes(&p, ON_NEW, 1500, task(2, 40, RUNS));
	switches(&p, 1600, false, task(1, 40, SLEEPS), task(2, 40, RUNS));
	CHECK_U64(m.counts.sum_ns, learns ? 100 : 200);
	switches(&p, 1700, true, task(2, 40, RUNS), task(3, 30, RUNS));
	switches(&p, 1800, true, task(3, 30, RUNS), task(2, 40, RUNS));
	CHECK_U64(m.counts.sum_ns, learns ? 200 : 300);
	/* a pid that is used again */
	switches(&p, 1900, true, task(2, 41, RUNS), task(1, 40, RUNS));
	switches(&p, 2000, true, task(1, 40, SLEEPS), task(2, 41, RUNS));
	CHECK_U64(m.counts.sum_ns, learns ? 200 : 300);
}

static void
process(void)
{
	in_each_mode(check_process);
}

static void
check_cgroup(struct program_plan p)
{
	p.cgroup = CGROUP_FD;
	m.in_cgroup = true; /* the waker; a parent */
	wakes(&p, ON_WAKEUP, 1000, task(3, 3, RUNS));
	wakes(&p, ON_NEW, 1000, task(1, 1, RUNS));
	m.in_cgroup = false;
	switches(&p, 1100, false, task(0, 0, RUNS), task(3, 3, RUNS));
	CHECK_U64(waits(), 0);
	switches(&p, 1100, false, task(3, 3, RUNS), task(1, 1, RUNS));
	CHECK_U64(m.counts.sum_ns, 100);
	m.in_cgroup = true;
	switches(&p, 1200, false, task(1, 1, SLEEPS), task(3, 3, RUNS));
	m.in_cgroup = false;
	wakes(&p, ON_WAKEUP, 1300, task(1, 1, RUNS));
	wakes(&p, ON_NEW, 1300, task(2, 1, RUNS));
	switches(&p, 1350, false, task(3, 3, RUNS), task(1, 1, RUNS));
	CHECK_U64(m.counts.sum_ns, 150);
	switches(&p, 1400, true, task(1, 1, RUNS), task(2, 1, RUNS)); /* has left the cgroup */
	switches(&p, 1500, false, task(2, 1, SLEEPS), task(1, 1, RUNS));
	CHECK_U64(m.counts.sum_ns, 150);
}

static void
cgroup(void)
{
	in_each_mode(check_cgroup);
}

/* Linux 5.4: no argument with the state, which is a long, and another helper to read it. */
static void
older(void)
{
	struct program_plan p = plan_for(MODE_RAW);

	memset(&m, 0, sizeof m);
	p.old_probe_read = true;
	check_preempted(p);
	memset(&m, 0, sizeof m);
	p = plan_for(MODE_BTF);
	p.state_argument = false;
	check_preempted(p);
}

/* RHEL 9: a common field more before those of the event. */
static void
other_offsets(void)
{
	struct program_plan p = plan_for(MODE_TP);

	memset(&m, 0, sizeof m);
	p.prev_pid.offset = 28;
	p.prev_state.offset = 40;
	p.next_pid[ON_SWITCH].offset = 60;
	p.next_pid[ON_WAKEUP].offset = 28;
	check_wakeup(p);
	memset(&m, 0, sizeof m);
	check_preempted(p);
}

static void
impossible(void)
{
	struct program_plan p = plan_for(MODE_BTF), q = plan_for(MODE_TP);
	struct code c;

	p.pid.size = 0;
	program_build(&p, ON_WAKEUP, &c);
	CHECK(c.bad);
	q.next_pid[ON_SWITCH].offset = 40000;
	program_build(&q, ON_SWITCH, &c);
	CHECK(c.bad);
}

int
main(void)
{
	if (*(const unsigned char *)&(const unsigned short){ 1 } == 0) {
		printf("ok 1 # skip the interpreter knows a little-endian machine only\n1..1\n");
		return 0;
	}
	unit_test("a task that wakes waits until it is switched to", wakeup);
	unit_test("a task that is preempted waits", preempted);
	unit_test("the idle task neither waits nor is preempted", idle);
	unit_test("a running task that is woken does not wait", woken_while_running);
	unit_test("waits that are forgotten are counted", lost);
	unit_test("a negative wait counts as 0", negative);
	unit_test("each wait is counted in its bucket", buckets);
	unit_test("the process filter uses the task that wakes up", process);
	unit_test("the cgroup filter uses the task that wakes up", cgroup);
	unit_test("older kernels have their own fields", older);
	unit_test("fields may have other offsets", other_offsets);
	unit_test("a program that cannot be built is an error", impossible);
	return unit_done();
}
