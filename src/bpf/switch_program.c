/* switch_program: assembles the programs of the rings of scheduler events. */
#include "bpf/switch_program.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "base/fail.h"
#include "bpf/program.h"
#include "bpf/switch_slots.h"

/* ---- The layout of the running kernel */

/* The tracepoints, and their fields for a slot. */
static const struct {
	const char *system, *name, *tid, *other, *more;
} events[SCHED_KINDS] = {
	[SCHED_SWITCH] = { "sched", "sched_switch", "prev_pid", "next_pid", "prev_state" },
	[SCHED_WAKING] = { "sched", "sched_waking", "pid", NULL, "target_cpu" },
	[SCHED_NEW] = { "task", "task_newtask", "pid", NULL, "clone_flags" },
	[SCHED_EXEC] = { "sched", "sched_process_exec", "pid", "old_pid", NULL },
	[SCHED_EXIT] = { "sched", "sched_process_exit", "pid", NULL, NULL },
	[SCHED_MIGRATE] = { "sched", "sched_migrate_task", "pid", NULL, "dest_cpu" },
};

const char *
switch_program_event(enum sched_kind kind)
{
	return events[kind].name;
}

static int
find_tracepoint(const struct btf *b, enum sched_kind kind, uint32_t *id)
{
	char name[64];

	snprintf(name, sizeof name, "btf_trace_%s", events[kind].name);
	return btf_find(b, BTF_TYPEDEF, name, id);
}

/* task_struct.state became __state in Linux 5.14. */
static int
find_members(const struct btf *b, uint32_t task, struct switch_plan *p)
{
	if (btf_member(b, task, "pid", &p->pid) < 0 ||
	    btf_member(b, task, "tgid", &p->tgid_member) < 0)
		return -1;
	return btf_member(b, task, "__state", &p->state) == 0 ?
	    0 :
	    btf_member(b, task, "state", &p->state);
}

/* A member of the thread_info that begins a task. */
static int
find_in_thread_info(const struct btf *b, uint32_t task, const char *name, struct btf_member *m)
{
	struct btf_member outer;
	uint32_t info;

	if (btf_member(b, task, "thread_info", &outer) < 0 ||
	    btf_find(b, BTF_STRUCT, "thread_info", &info) < 0 || btf_member(b, info, name, m) < 0)
		return -1;
	m->offset += outer.offset;
	return 0;
}

/* The CPU of a task moved to thread_info in Linux 5.16. */
static void
find_cpu(const struct btf *b, uint32_t task, struct switch_plan *p)
{
	p->cpu = (struct btf_member){ 0, 0 };
	if (find_in_thread_info(b, task, "cpu", &p->cpu) < 0 &&
	    btf_member(b, task, "cpu", &p->cpu) < 0)
		p->cpu.size = 0;
}

static int
find_distance(const struct btf *b, uint32_t from_at, const char *name, int32_t *distance)
{
	uint32_t id, at;

	if (btf_find(b, BTF_VAR, name, &id) < 0 || btf_place(b, id, &at) < 0)
		return -1;
	*distance = (int32_t)(at - from_at);
	return 0;
}

static void
find_irq_path(const struct btf *b, uint32_t task, struct irq_path *path)
{
	struct btf_member se;
	uint32_t id, rq_at;

	*path = (struct irq_path){ .to_count = 0 };
	if (btf_member(b, task, "se", &se) < 0 ||
	    btf_find(b, BTF_STRUCT, "sched_entity", &id) < 0 ||
	    btf_member(b, id, "cfs_rq", &path->cfs_rq) < 0 ||
	    btf_find(b, BTF_STRUCT, "cfs_rq", &id) < 0 || btf_member(b, id, "rq", &path->rq) < 0 ||
	    btf_find(b, BTF_VAR, "runqueues", &id) < 0 || btf_place(b, id, &rq_at) < 0 ||
	    find_distance(b, rq_at, "current_task", &path->to_current) < 0 ||
	    find_distance(b, rq_at, "__preempt_count", &path->to_count) < 0)
		path->to_count = 0;
	path->cfs_rq.offset += se.offset;
}

/* The bits that count interrupts that are served, of hardware, NMI and software. They moved when Linux
 * 7.x began to count there how often interrupts are disabled. */
static uint32_t
find_irq_mask(const struct btf *b)
{
	const uint32_t before = 0x00ff0100, since = 0x1f000100;
	uint32_t id;

	return btf_find(b, BTF_VAR, "local_interrupt_disable_state", &id) == 0 ? since : before;
}

/* x86 had preempt_count in struct pcpu_hot from Linux 6.2 to 6.14. */
static void
find_irq(const struct btf *b, uint32_t task, struct switch_plan *p)
{
	uint32_t hot;

	p->irq = IRQ_VARIABLE;
	p->irq_count = (struct btf_member){ 0, 4 };
	p->irq_mask = find_irq_mask(b);
	find_irq_path(b, task, &p->irq_path);
	if (btf_find(b, BTF_VAR, "__preempt_count", &p->irq_id) == 0)
		return;
	if (btf_find(b, BTF_VAR, "pcpu_hot", &p->irq_id) == 0 &&
	    btf_find(b, BTF_STRUCT, "pcpu_hot", &hot) == 0 &&
	    btf_member(b, hot, "preempt_count", &p->irq_count) == 0)
		return;
	p->irq = find_in_thread_info(b, task, "preempt_count", &p->irq_count) == 0 ? IRQ_TASK :
										     IRQ_UNKNOWN;
}

static int
from_types(const struct btf *b, struct switch_plan *p)
{
	/* the first parameter of a btf_trace_NAME is a context, and not of the tracepoint */
	enum { CONTEXT = 1, WITH_STATE = 4 };
	uint32_t id, task;

	if (btf_find(b, BTF_STRUCT, "task_struct", &task) < 0)
		return -1;
	find_irq(b, task, p);
	if (p->mode == MODE_TP)
		return 0;
	for (enum sched_kind k = SCHED_SWITCH; p->mode == MODE_BTF && k < SCHED_KINDS; k++)
		if (find_tracepoint(b, k, &p->btf_id[k]) < 0)
			return -1;
	p->state_argument =
	    find_tracepoint(b, SCHED_SWITCH, &id) == 0 && btf_params(b, id) >= CONTEXT + WITH_STATE;
	find_cpu(b, task, p);
	return find_members(b, task, p);
}

/* A missing type or member is EINVAL, as ENOENT is a missing file. */
static int
from_btf(struct switch_plan *p)
{
	struct bpf_view types;
	struct btf b;
	int status = -1;

	if (bpf_view("/sys/kernel/btf/vmlinux", &types) < 0)
		return -1;
	if (btf_parse(types.text, &b) == 0) {
		status = from_types(&b, p);
		btf_free(&b);
	}
	bpf_unview(&types);
	return status < 0 ? fail_with(EINVAL) : 0;
}

static int
parse_field(struct text t, const char *name, struct format_field *out)
{
	*out = (struct format_field){ 0, 0 };
	return name ? format_field(t, name, out) : 0;
}

static int
parse_format(struct text t, enum sched_kind k, struct switch_plan *p)
{
	if (format_id(t, &p->event_id[k]) < 0 || parse_field(t, events[k].tid, &p->tid[k]) < 0 ||
	    parse_field(t, events[k].other, &p->other[k]) < 0 ||
	    parse_field(t, events[k].more, &p->more[k]) < 0)
		return fail_with(EINVAL);
	return 0;
}

static int
from_formats(struct switch_plan *p)
{
	struct buf b = { 0 };
	int status = 0;

	for (enum sched_kind k = SCHED_SWITCH; status == 0 && k < SCHED_KINDS; k++) {
		status = bpf_read_format(events[k].system, events[k].name, &b);
		if (status == 0)
			status = parse_format((struct text){ b.s, b.n }, k, p);
	}
	int error = errno;
	buf_free(&b);
	errno = error;
	return status;
}

/* MODE_TP needs no types, but for what is known only by them. */
int
switch_program_layout(struct switch_plan *p)
{
	int status = from_btf(p);

	if (p->mode != MODE_TP)
		return status;
	if (status < 0) {
		p->irq = IRQ_UNKNOWN;
		p->irq_path.to_count = 0;
	}
	return from_formats(p);
}

/* ---- The programs
 *
 * R6 holds the context until the event is known, R7 is `what`, R9 the head of this CPU. */

/* Offsets from R10. */
enum { KEY = -4, CURRENT = -24, RUN_QUEUE = -32, MINE = -40, ALARM = -64 };

#define HEAD(member) ((int32_t)offsetof(struct switch_head, member))

/* Arguments: sched_switch(bool preempt, prev, next, unsigned int prev_state), sched_waking(task),
 * task_newtask(task, flags), sched_process_exec(task, old_pid, binary), sched_process_exit(task),
 * sched_migrate_task(task, cpu). */
enum {
	ARG_PREEMPT,
	ARG_PREV,
	ARG_NEXT,
	ARG_STATE,
	ARG_TASK = 0,
	ARG_OLD_PID = 1,
	ARG_FLAGS = 1,
	ARG_CPU = 1
};

static void
load_member(struct code *c, const struct switch_plan *p, unsigned dst, int arg, struct btf_member m)
{
	program_load_member(
	    c, p->mode == MODE_BTF ? BPF_NO_HELPER : BPF_PROBE_READ_KERNEL, dst, arg, m);
}

/* what |= reg << place */
static void
put(struct code *c, unsigned reg, int place)
{
	asm_alu_imm(c, ASM_LSH, reg, place);
	asm_alu(c, ASM_OR, R7, reg);
}

/* The same for a register that may have more bits than its place in the slot. */
static void
put_more(struct code *c, unsigned reg)
{
	asm_alu_imm(c, ASM_AND, reg, SLOT_MORE_MASK);
	put(c, reg, SLOT_MORE);
}

/* The flags of clone(2) in a register tell the kin of a new thread. */
static void
put_kin(struct code *c, unsigned reg)
{
	enum { CLONE_THREAD_BIT = 16 };

	asm_alu_imm(c, ASM_RSH, reg, CLONE_THREAD_BIT);
	asm_alu_imm(c, ASM_AND, reg, 1);
	asm_alu_imm(c, ASM_ADD, reg, SCHED_PROCESS);
	put_more(c, reg);
}

/* R0 = the thread that runs. */
static void
current(struct code *c)
{
	asm_call(c, BPF_PID_TGID);
	asm_alu_imm(c, ASM_LSH, R0, 32);
	asm_alu_imm(c, ASM_RSH, R0, 32);
}

static void
put_current(struct code *c, int place)
{
	current(c);
	put(c, R0, place);
}

/* Jumps to `end` unless the current task is of the process. */
static void
check_current(struct code *c, const struct switch_plan *p, struct label *end)
{
	asm_call(c, BPF_PID_TGID);
	asm_alu_imm(c, ASM_RSH, R0, 32);
	asm_jump_imm(c, end, ASM_JNE, R0, (int32_t)p->tgid);
}

/* Jumps to `end` unless the task of an argument is of the process. */
static void
check_task(struct code *c, const struct switch_plan *p, int arg, struct label *end)
{
	load_member(c, p, R8, arg, p->tgid_member);
	asm_jump_imm(c, end, ASM_JNE, R8, (int32_t)p->tgid);
}

/* Keeps whether prev is of the process. */
static void
check_switch(struct code *c, const struct switch_plan *p, struct label *end)
{
	struct label yes = { 0 };

	asm_store_imm(c, 8, R10, MINE, 1);
	load_member(c, p, R8, ARG_PREV, p->tgid_member);
	asm_jump_imm(c, &yes, ASM_JEQ, R8, (int32_t)p->tgid);
	asm_store_imm(c, 8, R10, MINE, 0);
	check_task(c, p, ARG_NEXT, end);
	asm_here(c, &yes);
}

static bool
is_filtered(const struct switch_plan *p)
{
	return p->tgid > 0 && p->mode != MODE_TP;
}

static void
check(struct code *c, const struct switch_plan *p, enum sched_kind kind, struct label *end)
{
	if (!is_filtered(p))
		return;
	if (kind == SCHED_SWITCH)
		check_switch(c, p, end);
	else if (kind == SCHED_EXEC || kind == SCHED_EXIT)
		check_current(c, p, end);
	else
		check_task(c, p, ARG_TASK, end);
}

/* ---- What happened */

/* R1 = size bytes at R3 + off. */
static void
probe(struct code *c, size_t size, int32_t off)
{
	asm_alu_imm(c, ASM_ADD, R3, off);
	asm_alu_imm(c, ASM_MOV, R2, (int32_t)size);
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, PROGRAM_SCRATCH);
	asm_call(c, BPF_PROBE_READ_KERNEL);
	asm_load(c, size, R1, R10, PROGRAM_SCRATCH);
}

/* The member irq_at of the head becomes known, once. Where the path leads to is right if it has the
 * current task where it should be. */
static void
find_irq_at(struct code *c, const struct switch_plan *p, struct label *unknown)
{
	const struct irq_path *path = &p->irq_path;

	asm_call(c, BPF_CURRENT_TASK);
	asm_store(c, 8, R10, CURRENT, R0);
	asm_alu(c, ASM_MOV, R3, R0);
	probe(c, 8, (int32_t)path->cfs_rq.offset);
	asm_alu(c, ASM_MOV, R3, R1);
	probe(c, 8, (int32_t)path->rq.offset);
	asm_store(c, 8, R10, RUN_QUEUE, R1);
	asm_alu(c, ASM_MOV, R3, R1);
	probe(c, 8, path->to_current);
	asm_load(c, 8, R2, R10, CURRENT);
	asm_jump(c, unknown, ASM_JNE, R1, R2);
	asm_load(c, 8, R1, R10, RUN_QUEUE);
	asm_alu_imm(c, ASM_ADD, R1, path->to_count);
	asm_store(c, 8, R9, HEAD(irq_at), R1);
}

/* R1 = preempt_count. */
static void
load_irq_count(struct code *c, const struct switch_plan *p, struct label *unknown)
{
	struct label known = { 0 };

	if (p->irq == IRQ_VARIABLE) {
		asm_variable(c, R1, p->irq_id);
		asm_call(c, BPF_THIS_CPU);
		asm_load(c, 4, R1, R0, (int32_t)p->irq_count.offset);
	} else if (p->irq == IRQ_TASK) {
		asm_call(c, BPF_CURRENT_TASK);
		asm_alu(c, ASM_MOV, R3, R0);
		probe(c, p->irq_count.size, (int32_t)p->irq_count.offset);
	} else {
		asm_load(c, 8, R3, R9, HEAD(irq_at));
		asm_jump_imm(c, &known, ASM_JNE, R3, 0);
		find_irq_at(c, p, unknown);
		asm_load(c, 8, R3, R9, HEAD(irq_at));
		asm_here(c, &known);
		probe(c, 4, 0);
	}
}

static void
put_in_irq(struct code *c, const struct switch_plan *p)
{
	struct label no = { 0 };

	if (p->irq == IRQ_UNKNOWN)
		return;
	load_irq_count(c, p, &no);
	asm_alu_imm(c, ASM_AND, R1, (int32_t)p->irq_mask);
	asm_jump_imm(c, &no, ASM_JEQ, R1, 0);
	asm_alu_imm(c, ASM_MOV, R1, 1);
	put(c, R1, SLOT_FLAG);
	asm_here(c, &no);
}

/* The current thread wakes the one in R7 up, unless they are the same. */
static void
put_waker(struct code *c, const struct switch_plan *p, struct label *end)
{
	current(c);
	asm_jump(c, end, ASM_JEQ, R0, R7);
	put(c, R0, SLOT_OTHER);
	put_in_irq(c, p);
}

static void
put_switch(struct code *c, const struct switch_plan *p)
{
	load_member(c, p, R7, ARG_PREV, p->pid);
	load_member(c, p, R8, ARG_NEXT, p->pid);
	put(c, R8, SLOT_OTHER);
	if (p->state_argument)
		program_load_argument(c, R8, ARG_STATE);
	else
		load_member(c, p, R8, ARG_PREV, p->state);
	put_more(c, R8);
	program_load_argument(c, R8, ARG_PREEMPT);
	put(c, R8, SLOT_FLAG); /* the lowest bit of a bool */
}

static void
put_event(struct code *c, const struct switch_plan *p, enum sched_kind kind, struct label *end)
{
	load_member(c, p, R7, ARG_TASK, p->pid);
	if (kind == SCHED_WAKING) {
		asm_alu_imm(c, ASM_MOV, R8, SLOT_NO_CPU);
		if (p->cpu.size)
			load_member(c, p, R8, ARG_TASK, p->cpu);
		put_waker(c, p, end);
		put_more(c, R8);
	} else if (kind == SCHED_MIGRATE) {
		program_load_argument(c, R8, ARG_CPU);
		put_more(c, R8);
	} else if (kind == SCHED_EXEC) {
		program_load_argument(c, R8, ARG_OLD_PID);
		asm_alu_imm(c, ASM_AND, R8, SLOT_TIDS - 1);
		put(c, R8, SLOT_OTHER);
	} else if (kind == SCHED_NEW) {
		program_load_argument(c, R8, ARG_FLAGS);
		put_kin(c, R8);
		put_current(c, SLOT_OTHER);
	}
}

static void
load_field(struct code *c, unsigned dst, struct format_field f)
{
	asm_load(c, f.size, dst, R6, (int32_t)f.offset);
}

static void
put_fields(struct code *c, const struct switch_plan *p, enum sched_kind kind, struct label *end)
{
	load_field(c, R7, p->tid[kind]);
	if (p->other[kind].size) {
		load_field(c, R8, p->other[kind]);
		put(c, R8, SLOT_OTHER);
	}
	if (kind == SCHED_WAKING)
		put_waker(c, p, end);
	else if (kind == SCHED_NEW)
		put_current(c, SLOT_OTHER);
	if (p->more[kind].size) {
		load_field(c, R8, p->more[kind]);
		(kind == SCHED_NEW ? put_kin : put_more)(c, R8);
	}
}

/* ---- Its slot: R6 is its number, R8 the time */

static void
find_head(struct code *c, const struct switch_plan *p, struct label *end)
{
	asm_call(c, BPF_CPU);
	asm_store(c, 4, R10, KEY, R0);
	asm_look_up(c, p->heads, KEY, end);
	asm_alu(c, ASM_MOV, R9, R0);
}

/* R6 = the number of the event, R3 = the lap. An interrupt may take the number, too: then nobody
 * knows who has which. */
static void
reserve(struct code *c, struct label *clash)
{
	asm_load(c, 8, R6, R9, HEAD(events));
	asm_alu_imm(c, ASM_MOV, R1, 1);
	asm_add_atomic(c, R9, HEAD(events), R1);
	asm_load(c, 8, R2, R9, HEAD(events));
	asm_alu_imm(c, ASM_SUB, R2, 1);
	asm_jump(c, clash, ASM_JNE, R2, R6);
	asm_load(c, 8, R3, R9, HEAD(lap));
	asm_jump(c, clash, ASM_JGT, R3, R6);
}

/* R1 = the slot of event R6, which is in the lap R3 or begins the next one. An interrupt may begin it
 * meanwhile. */
static void
find_place(struct code *c, struct label *none)
{
	struct label within = { 0 };

	asm_load(c, 4, R4, R9, HEAD(slots));
	asm_alu(c, ASM_MOV, R1, R6);
	asm_alu(c, ASM_SUB, R1, R3);
	asm_jump(c, &within, ASM_JGT, R4, R1);
	asm_jump_imm(c, none, ASM_JEQ, R4, 0);
	asm_alu(c, ASM_SUB, R1, R4);
	asm_alu(c, ASM_ADD, R3, R4);
	asm_store(c, 8, R9, HEAD(lap), R3);
	asm_here(c, &within);
	asm_load(c, 4, R2, R9, HEAD(first));
	asm_alu(c, ASM_ADD, R1, R2);
}

static void
fill(struct code *c, const struct switch_plan *p, enum sched_kind kind, struct label *none)
{
	find_place(c, none);
	asm_store(c, 4, R10, KEY, R1);
	asm_look_up(c, p->slots, KEY, none);
	asm_imm64(c, R1, (uint64_t)kind << SLOT_KIND);
	asm_alu(c, ASM_OR, R7, R1);
	asm_store(c, 8, R0, offsetof(struct switch_slot, at_ns), R8);
	asm_store(c, 8, R0, offsetof(struct switch_slot, what), R7);
}

static void
count_one(struct code *c, int32_t member)
{
	asm_load(c, 8, R1, R9, member);
	asm_alu_imm(c, ASM_ADD, R1, 1);
	asm_store(c, 8, R9, member, R1);
}

static void
append(struct code *c, const struct switch_plan *p, enum sched_kind kind)
{
	struct label none = { 0 };

	asm_load(c, 8, R6, R9, HEAD(events));
	asm_load(c, 8, R3, R9, HEAD(lap));
	fill(c, p, kind, &none);
	asm_here(c, &none);
	asm_alu_imm(c, ASM_ADD, R6, 1);
	asm_store(c, 8, R9, HEAD(events), R6);
}

static void
append_interruptible(struct code *c, const struct switch_plan *p, enum sched_kind kind)
{
	struct label clash = { 0 }, done = { 0 };

	reserve(c, &clash);
	fill(c, p, kind, &done);
	asm_goto(c, &done);
	asm_here(c, &clash);
	count_one(c, HEAD(clashes));
	asm_here(c, &done);
}

/* ---- Waits that are too long: R7 is `what`, R8 the time */

#define WAIT(member) ((int32_t)offsetof(struct switch_wait, member))

/* A waking on another CPU may be seen so long before the switch that it follows. */
enum { RACE_NS = 50000 };

/* R6 = the tid at a place of `what`; R0 = what is kept of it. The idle task is none. */
static void
find_wait(struct code *c, const struct switch_plan *p, int place, struct label *none)
{
	asm_alu(c, ASM_MOV, R6, R7);
	asm_alu_imm(c, ASM_RSH, R6, place);
	asm_alu_imm(c, ASM_AND, R6, SLOT_TIDS - 1);
	asm_jump_imm(c, none, ASM_JEQ, R6, 0);
	asm_alu(c, ASM_MOV, R1, R6);
	asm_alu_imm(c, ASM_AND, R1, p->wait_mask);
	asm_store(c, 4, R10, KEY, R1);
	asm_look_up(c, p->waits, KEY, none);
}

static void
begin_wait(struct code *c, int queued)
{
	asm_store(c, 4, R0, WAIT(tid), R6);
	asm_store_imm(c, 4, R0, WAIT(queued), queued);
	asm_store(c, 8, R0, WAIT(since_ns), R8);
}

/* A thread that was stopped when it was about to sleep waits already. */
static void
wait_from_waking(struct code *c, const struct switch_plan *p, struct label *end)
{
	struct label other = { 0 };

	find_wait(c, p, SLOT_TID, end);
	asm_load(c, 4, R1, R0, WAIT(tid));
	asm_jump(c, &other, ASM_JNE, R1, R6);
	asm_load(c, 4, R1, R0, WAIT(queued));
	asm_jump_imm(c, end, ASM_JNE, R1, 0);
	asm_here(c, &other);
	begin_wait(c, 0);
}

/* Jumps to `yes` if prev can go on. */
static void
jump_if_runnable(struct code *c, const struct switch_plan *p, struct label *yes)
{
	/* of the field; or of the task, with RTLOCK_WAIT and FROZEN */
	int32_t stopped = p->mode == MODE_TP ? 0xff : 0x90ff;

	asm_alu(c, ASM_MOV, R1, R7);
	asm_alu_imm(c, ASM_RSH, R1, SLOT_FLAG);
	asm_jump_imm(c, yes, ASM_JNE, R1, 0);
	asm_alu(c, ASM_MOV, R1, R7);
	asm_alu_imm(c, ASM_RSH, R1, SLOT_MORE);
	asm_alu_imm(c, ASM_AND, R1, stopped);
	asm_jump_imm(c, yes, ASM_JEQ, R1, 0);
}

static void
wait_from_switch(struct code *c, const struct switch_plan *p)
{
	struct label done = { 0 }, runnable = { 0 };

	if (is_filtered(p)) {
		asm_load(c, 8, R1, R10, MINE);
		asm_jump_imm(c, &done, ASM_JEQ, R1, 0);
	}
	find_wait(c, p, SLOT_TID, &done);
	jump_if_runnable(c, p, &runnable);
	asm_load(c, 4, R1, R0, WAIT(tid));
	asm_jump(c, &done, ASM_JNE, R1, R6);
	asm_store_imm(c, 4, R0, WAIT(queued), 0);
	asm_load(c, 8, R1, R0, WAIT(since_ns));
	asm_alu_imm(c, ASM_ADD, R1, RACE_NS);
	asm_jump(c, &done, ASM_JGE, R1, R8);
	asm_store_imm(c, 8, R0, WAIT(since_ns), 0);
	asm_goto(c, &done);
	asm_here(c, &runnable);
	begin_wait(c, 1);
	asm_here(c, &done);
}

/* Tells a wait of R8 ns that ends at R9. */
static void
tell(struct code *c, const struct switch_plan *p)
{
	asm_store(c, 8, R10, ALARM + (int32_t)offsetof(struct switch_alarm, at_ns), R9);
	asm_store(c, 8, R10, ALARM + (int32_t)offsetof(struct switch_alarm, wait_ns), R8);
	asm_store(c, 4, R10, ALARM + (int32_t)offsetof(struct switch_alarm, tid), R6);
	asm_store_imm(c, 4, R10, ALARM + (int32_t)offsetof(struct switch_alarm, unused), 0);
	asm_map(c, R1, p->alarms);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, ALARM);
	asm_alu_imm(c, ASM_MOV, R3, sizeof(struct switch_alarm));
	asm_alu_imm(c, ASM_MOV, R4, 0);
	asm_call(c, BPF_RING_OUTPUT);
}

/* The clocks of two CPUs may differ a little. */
static void
end_wait(struct code *c, const struct switch_plan *p, struct label *end)
{
	struct label forwards = { 0 };

	find_wait(c, p, SLOT_OTHER, end);
	asm_load(c, 4, R1, R0, WAIT(tid));
	asm_jump(c, end, ASM_JNE, R1, R6);
	asm_load(c, 8, R1, R0, WAIT(since_ns));
	asm_store_imm(c, 4, R0, WAIT(queued), 0);
	asm_store_imm(c, 8, R0, WAIT(since_ns), 0);
	asm_jump_imm(c, end, ASM_JEQ, R1, 0);
	asm_alu(c, ASM_MOV, R9, R8);
	asm_alu(c, ASM_SUB, R8, R1);
	asm_jump_imm(c, &forwards, ASM_JSGE, R8, 0);
	asm_goto(c, end);
	asm_here(c, &forwards);
	asm_imm64(c, R1, p->wait_over_ns);
	asm_jump(c, end, ASM_JGE, R1, R8);
	tell(c, p);
}

static void
watch_waits(struct code *c, const struct switch_plan *p, enum sched_kind kind, struct label *end)
{
	if (p->wait_over_ns == 0)
		return;
	if (kind == SCHED_WAKING || kind == SCHED_NEW)
		wait_from_waking(c, p, end);
	if (kind != SCHED_SWITCH)
		return;
	wait_from_switch(c, p);
	end_wait(c, p, end);
}

void
switch_program_build(const struct switch_plan *p, enum sched_kind kind, struct code *code)
{
	struct code *c = code;
	struct label end = { 0 };

	*c = (struct code){ 0 };
	asm_alu(c, ASM_MOV, R6, R1);
	check(c, p, kind, &end);
	find_head(c, p, &end);
	if (p->mode == MODE_TP)
		put_fields(c, p, kind, &end);
	else if (kind == SCHED_SWITCH)
		put_switch(c, p);
	else
		put_event(c, p, kind, &end);
	asm_call(c, p->old_clock ? BPF_TIME_NS : BPF_BOOT_NS);
	asm_alu(c, ASM_MOV, R8, R0);
	if (kind == SCHED_NEW || kind == SCHED_EXEC || kind == SCHED_EXIT)
		append_interruptible(c, p, kind);
	else
		append(c, p, kind);
	watch_waits(c, p, kind, &end);
	asm_here(c, &end);
	asm_alu_imm(c, ASM_MOV, R0, 0);
	asm_exit(c);
}
