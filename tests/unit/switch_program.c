/* The programs that fill the rings of scheduler events, run by a small interpreter. */
#include "bpf/switch_program.h"

#include "bpf/switch_slots.h"
#include "interpreter.h"
#include "unit.h"

enum { HEADS_FD = 11, SLOTS_FD, WAITS_FD, ALARMS_FD, COUNT_ID = 99 };
enum { SLOTS = 8, WAITS = 4, CPU = 1 };

struct task {
	uint64_t front;
	uint32_t pid, tgid, state, cpu;
};

/* The machine that the programs run on. */
static struct {
	uint64_t now;
	uint32_t tid, tgid; /* of the current task */
	uint32_t preempt_count;
	struct switch_head heads[2];
	struct switch_slot slots[SLOTS];
	struct switch_wait waits[WAITS];
	struct switch_alarm alarm;
	int alarms;
} m;

static struct sched_event got[100];
static size_t ngot;
static uint64_t lost;

static uint64_t
look_up(const uint64_t *r)
{
	uint32_t key;

	memcpy(&key, memory(r[R2]), sizeof key);
	if (r[R1] == HEADS_FD && key < 2)
		return address_of(&m.heads[key]);
	if (r[R1] == SLOTS_FD && CHECK(key < SLOTS))
		return address_of(&m.slots[key]);
	return r[R1] == WAITS_FD && CHECK(key < WAITS) ? address_of(&m.waits[key]) : 0;
}

static uint64_t
help(int helper, const uint64_t *r)
{
	switch (helper) {
	case BPF_LOOKUP:
		return look_up(r);
	case BPF_BOOT_NS:
		return m.now;
	case BPF_CPU:
		return CPU;
	case BPF_PID_TGID:
		return (uint64_t)m.tgid << 32 | m.tid;
	case BPF_THIS_CPU:
		CHECK_U64(r[R1], COUNT_ID);
		return address_of(&m.preempt_count);
	case BPF_PROBE_READ_KERNEL:
		memcpy(memory(r[R1]), memory(r[R3]), r[R2]);
		return 0;
	case BPF_RING_OUTPUT:
		CHECK(r[R1] == ALARMS_FD && r[R3] == sizeof m.alarm);
		memcpy(&m.alarm, memory(r[R2]), sizeof m.alarm);
		m.alarms++;
		return 0;
	}
	CHECK_STRING("a helper that is not known", "");
	return 0;
}

static const struct switch_plan btf = {
	.mode = MODE_BTF,
	.heads = HEADS_FD,
	.slots = SLOTS_FD,
	.waits = WAITS_FD,
	.alarms = ALARMS_FD,
	.wait_mask = WAITS - 1,
	.pid = { offsetof(struct task, pid), 4 },
	.tgid_member = { offsetof(struct task, tgid), 4 },
	.state = { offsetof(struct task, state), 4 },
	.cpu = { offsetof(struct task, cpu), 4 },
	.state_argument = true,
	.irq = IRQ_VARIABLE,
	.irq_id = COUNT_ID,
	.irq_mask = 0xff0100,
	.irq_count = { 0, 4 },
	.tid = { { 0, 0 }, { 16, 4 }, { 16, 4 }, { 16, 4 }, { 16, 4 }, { 16, 4 }, { 16, 4 } },
	.other = { [SCHED_SWITCH] = { 24, 4 }, [SCHED_EXEC] = { 24, 4 } },
	.more = { [SCHED_SWITCH] = { 32, 8 },
	    [SCHED_WAKING] = { 40, 4 },
	    [SCHED_MIGRATE] = { 40, 4 } },
};

static struct switch_plan
plan_for(enum bpf_mode mode)
{
	struct switch_plan p = btf;

	p.mode = mode;
	p.state_argument = mode == MODE_BTF;
	return p;
}

static void
empty(void)
{
	memset(&m, 0, sizeof m);
	m.heads[CPU].slots = SLOTS;
	m.now = 1000;
}

static void
put(unsigned char *event, struct format_field f, uint64_t v)
{
	memcpy(event + f.offset, &v, f.size);
}

/* The arguments of a tracepoint, or its fields: of a task, and what else there is. */
static int
run_at(const struct switch_plan *p, enum sched_kind k, const struct task *t, uint64_t other,
    uint64_t more, void (*before)(void *, int), void *ctx)
{
	uint64_t args[] = { address_of(t), k == SCHED_EXEC ? other : more };
	unsigned char event[64] = { 0 };
	struct interpreter machine = { help, before, ctx };
	struct code c;

	put(event, p->tid[k], t->pid);
	put(event, p->other[k], other);
	put(event, p->more[k], more);
	switch_program_build(p, k, &c);
	return interpret(&c, p->mode == MODE_TP ? (const void *)event : args, &machine);
}

static void
run(const struct switch_plan *p, enum sched_kind k, const struct task *t, uint64_t other,
    uint64_t more)
{
	run_at(p, k, t, other, more, NULL, NULL);
}

static void
switches(const struct switch_plan *p, bool preempt, struct task prev, struct task next)
{
	uint64_t args[] = { preempt | 0xff00, address_of(&prev), address_of(&next), prev.state };
	unsigned char event[64] = { 0 };
	struct interpreter machine = { help, NULL, NULL };
	struct code c;

	m.tid = prev.pid;
	m.tgid = prev.tgid;
	put(event, p->tid[SCHED_SWITCH], prev.pid);
	put(event, p->other[SCHED_SWITCH], next.pid);
	put(event, p->more[SCHED_SWITCH], preempt ? 0x100 : prev.state);
	switch_program_build(p, SCHED_SWITCH, &c);
	interpret(&c, p->mode == MODE_TP ? (const void *)event : args, &machine);
}

static void
wakes(const struct switch_plan *p, uint32_t waker, struct task t)
{
	m.tid = waker;
	run(p, SCHED_WAKING, &t, 0, t.cpu);
}

static void
on_event(void *ctx, const struct sched_event *e)
{
	(void)ctx;
	got[ngot++] = *e;
}

static void
on_loss(void *ctx, const struct switch_loss *l)
{
	(void)ctx;
	lost += l->lost;
}

static void
read_all(enum bpf_mode mode)
{
	static const struct switch_sink sink = { NULL, on_event, on_loss };
	struct switch_slots s = { m.heads, m.slots, 2, .field = mode == MODE_TP,
		.knows_irq = true };
	struct switch_span span;
	const uint64_t late_ns = m.now + 200000000; /* slots that are not filled will not be */

	ngot = 0;
	lost = 0;
	switch_slots_read(&s, CPU, switch_slots_events(&s, CPU), 0, late_ns, &sink, &span);
}

static void
each_event_is_kept_in_each_mode(void)
{
	struct task a = { 0, 4194303, 40, 1, 3 }, b = { 0, 77, 50, 0, 5 };

	for (enum bpf_mode mode = MODE_BTF; mode <= MODE_TP; mode++) {
		struct switch_plan p = plan_for(mode);
		empty();
		switches(&p, false, a, b);
		switches(&p, true, b, a);
		wakes(&p, 7, a);
		run(&p, SCHED_EXEC, &b, 78, 0);
		run(&p, SCHED_MIGRATE, &b, 0, 6);
		read_all(mode);
		CHECK(ngot == 5 && lost == 0 && m.heads[CPU].events == 5);
		CHECK(got[0].kind == SCHED_SWITCH && got[0].tid == a.pid && got[0].other == 77 &&
		    got[0].state == 'S' && got[0].at_ns == 1000 && got[0].cpu == CPU);
		CHECK(got[1].state == SCHED_PREEMPTED && got[1].tid == 77 && got[1].other == a.pid);
		CHECK(got[2].kind == SCHED_WAKING && got[2].tid == a.pid && got[2].other == 7 &&
		    got[2].to == 3 && got[2].in_irq == 0);
		CHECK(got[3].kind == SCHED_EXEC && got[3].tid == 77 && got[3].other == 78);
		CHECK(got[4].kind == SCHED_MIGRATE && got[4].tid == 77 && got[4].to == 6);
		m.tid = 40;
		run(&p, SCHED_NEW, &b, 0, 0);
		run(&p, SCHED_EXIT, &b, 0, 0);
		read_all(mode);
		CHECK(got[ngot - 2].kind == SCHED_NEW && got[ngot - 2].other == 40);
		CHECK(got[ngot - 1].kind == SCHED_EXIT && got[ngot - 1].tid == 77);
	}
}

static void
wakings_by_interrupts_are_marked(void)
{
	static const uint32_t counts[] = { 0x1, 0x200, 0x10000, 0x100000, 0x100, 0x10201 };

	empty();
	for (int i = 0; i < 6; i++) {
		m.preempt_count = counts[i];
		wakes(&btf, 7, (struct task){ 0, 8, 8, 1, 0 });
	}
	wakes(&btf, 8, (struct task){ 0, 8, 8, 1, 0 }); /* itself */
	read_all(MODE_BTF);
	CHECK(ngot == 5);
	CHECK(got[0].in_irq == 0 && got[1].in_irq == 1 && got[2].in_irq == 1 &&
	    got[3].in_irq == 1 && got[4].in_irq == 1);
}

static void
laps_follow_on_one_another(void)
{
	struct task a = { 0, 1, 1, 1, 0 }, b = { 0, 2, 2, 1, 0 };

	empty();
	for (int i = 1; i < 50; i++) {
		m.now++;
		switches(&btf, false, i % 2 ? a : b, i % 2 ? b : a);
		if (i < SLOTS - 2)
			continue;
		read_all(MODE_BTF);
		CHECK(ngot == SLOTS - 3 && lost == 0);
		CHECK_U64(got[ngot - 1].at_ns, m.now);
		CHECK_U64(m.heads[CPU].lap % SLOTS, 0);
	}
	m.heads[CPU].slots = 0;
	switches(&btf, false, a, b);
	CHECK_INT(m.heads[CPU].events, 50);
}

/* ---- Interrupts */

struct interrupt {
	int at, times;
	uint32_t tid;
};

static void
interrupt(void *ctx, int steps)
{
	struct interrupt *i = ctx;

	if (steps != i->at)
		return;
	for (int n = 0; n < i->times; n++) {
		m.now++;
		wakes(&btf, 7, (struct task){ 0, i->tid, 0, 1, 0 });
	}
}

/* Reads after so many other events and a new task, with interrupts before one of its instructions. */
static int
interrupted(int before, int at, int times)
{
	struct task t = { 0, 500, 0, 0, 0 };
	struct interrupt i = { at, times, 600 };
	uint64_t wakings = 0, births = 0;

	empty();
	for (int n = 0; n < before; n++) {
		m.now++;
		wakes(&btf, 7, (struct task){ 0, 8, 8, 1, 0 });
	}
	m.tid = 40;
	int steps = run_at(&btf, SCHED_NEW, &t, 0, 0, interrupt, &i);
	m.now++;
	wakes(&btf, 7, (struct task){ 0, 9, 8, 1, 0 });
	read_all(MODE_BTF);
	CHECK_INT(m.heads[CPU].events, before + times + 2);
	for (size_t k = 0; k < ngot; k++) {
		wakings += got[k].tid == 600;
		births += got[k].tid == 500;
		CHECK(k == 0 || got[k].at_ns >= got[k - 1].at_ns);
	}
	CHECK(wakings == (uint64_t)times && births + lost == 1 && lost == m.heads[CPU].clashes);
	CHECK(got[ngot - 1].tid == 9);
	return steps;
}

static void
an_interrupt_anywhere_loses_nothing_else(void)
{
	for (int before = 0; before < 3 * SLOTS; before++)
		for (int times = 1; times < 3; times++) {
			int steps = 1000;
			for (int at = 0; at < steps; at++)
				steps = interrupted(before, at, times);
		}
}

/* ---- Waits */

static const struct task idle = { 0, 0, 0, 0, 0 };

/* Runs it so much later. Returns whether it was told, and checks how long it waited. */
static bool
gets_cpu(const struct switch_plan *p, uint64_t later, struct task t)
{
	int before = m.alarms;

	m.now += later;
	switches(p, false, idle, t);
	if (m.alarms == before)
		return false;
	CHECK(m.alarm.tid == t.pid && m.alarm.at_ns == m.now);
	return true;
}

static void
long_waits_are_told(void)
{
	struct task a = { 0, 5, 50, 1, 0 }, ready = { 0, 5, 50, 0, 0 };

	for (enum bpf_mode mode = MODE_BTF; mode <= MODE_TP; mode++) {
		struct switch_plan p = plan_for(mode);
		p.wait_over_ns = 1000000;
		empty();
		wakes(&p, 7, a);
		CHECK(!gets_cpu(&p, 1000000, a));
		switches(&p, false, a, idle); /* it sleeps */
		CHECK(!gets_cpu(&p, 90000000, a));
		switches(&p, false, a, idle);
		m.now += 60000000;
		wakes(&p, 7, a);
		CHECK(gets_cpu(&p, 1000001, a) && m.alarm.wait_ns == 1000001);
		switches(&p, true, a, idle);
		CHECK(gets_cpu(&p, 2000000, a) && m.alarm.wait_ns == 2000000);
		switches(&p, false, ready, idle);
		CHECK(gets_cpu(&p, 3000000, a) && m.alarm.wait_ns == 3000000);
		run(&p, SCHED_NEW, &(struct task){ 0, 6, 50, 0, 0 }, 0, 0);
		CHECK(gets_cpu(&p, 4000000, (struct task){ 0, 6, 50, 0, 0 }));
		CHECK(!gets_cpu(&p, 4000000, idle));
	}
}

/* A waking on another CPU comes a little before the switch; one that stops a thread from sleeping is
 * not the beginning of its next wait. */
static void
wakings_may_come_early(void)
{
	struct switch_plan p = btf;
	struct task a = { 0, 5, 50, 1, 0 };

	p.wait_over_ns = 1000000;
	empty();
	wakes(&p, 7, a);
	m.now += 300;
	switches(&p, false, a, idle);
	CHECK(gets_cpu(&p, 5000000, a) && m.alarm.wait_ns == 5000300);
	wakes(&p, 7, a);
	m.now += 9000000; /* it goes on */
	switches(&p, false, a, idle);
	CHECK(!gets_cpu(&p, 5000000, a));
	switches(&p, true, a, idle); /* it was about to sleep */
	m.now += 3000000;
	wakes(&p, 7, a);
	CHECK(gets_cpu(&p, 1, a) && m.alarm.wait_ns == 3000001);
}

static void
a_process_is_selected(void)
{
	struct switch_plan p = btf;
	struct task mine = { 0, 5, 50, 0, 0 }, other = { 0, 6, 60, 0, 0 };

	p.tgid = 50;
	p.wait_over_ns = 1000000;
	empty();
	switches(&p, false, other, mine);
	switches(&p, false, mine, other);
	switches(&p, false, other, idle);
	wakes(&p, 7, other);
	wakes(&p, 6, mine);
	run(&p, SCHED_MIGRATE, &other, 0, 0);
	m.tgid = 60;
	run(&p, SCHED_EXIT, &other, 0, 0);
	read_all(MODE_BTF);
	CHECK(ngot == 3 && got[0].other == 5 && got[1].tid == 5 && got[2].tid == 5);
	empty();
	switches(&p, true, other, mine);
	m.now += 5000000;
	switches(&p, true, mine, other);
	CHECK_INT(m.alarms, 0); /* of the other one */
	CHECK(gets_cpu(&p, 2000000, mine));
}

int
main(void)
{
	if (*(const unsigned char *)&(const unsigned short){ 1 } == 0) {
		printf("ok 1 # skip the interpreter is for a little-endian machine\n1..1\n");
		return 0;
	}
	unit_test("each event is kept in each mode", each_event_is_kept_in_each_mode);
	unit_test("wakings by interrupts are marked", wakings_by_interrupts_are_marked);
	unit_test("laps follow on one another", laps_follow_on_one_another);
	unit_test("an interrupt anywhere loses nothing but what it interrupts",
	    an_interrupt_anywhere_loses_nothing_else);
	unit_test("waits that are too long are told", long_waits_are_told);
	unit_test("wakings may come before the switch", wakings_may_come_early);
	unit_test("a process can be selected", a_process_is_selected);
	return unit_done();
}
