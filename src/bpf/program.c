/* program: reads the layout of the running kernel, and assembles the programs. */
#include "bpf/program.h"

#include <errno.h>
#include <stdio.h>

/* ---- The layout of the running kernel */

const char *
wait_event_name(enum wait_event e)
{
	static const char *const names[] = { "sched_switch", "sched_wakeup", "sched_wakeup_new" };

	return names[e];
}

static int
find_tracepoint(const struct btf *b, enum wait_event e, uint32_t *id)
{
	char name[64];

	snprintf(name, sizeof name, "btf_trace_%s", wait_event_name(e));
	return btf_find(b, BTF_TYPEDEF, name, id);
}

/* task_struct.state became __state in Linux 5.14. */
static int
find_members(const struct btf *b, struct program_plan *p)
{
	uint32_t task;

	if (btf_find(b, BTF_STRUCT, "task_struct", &task) < 0 ||
	    btf_member(b, task, "pid", &p->pid) < 0 ||
	    btf_member(b, task, "tgid", &p->tgid_member) < 0)
		return -1;
	return btf_member(b, task, "__state", &p->state) == 0 ?
	    0 :
	    btf_member(b, task, "state", &p->state);
}

static int
from_types(const struct btf *b, struct program_plan *p)
{
	/* the first parameter of a btf_trace_NAME is a context, and not of the tracepoint */
	enum { CONTEXT = 1, WITH_STATE = 4 };
	uint32_t id;

	for (enum wait_event e = ON_SWITCH; p->mode == MODE_BTF && e < WAIT_EVENTS; e++)
		if (find_tracepoint(b, e, &p->btf_id[e]) < 0)
			return -1;
	p->state_argument =
	    find_tracepoint(b, ON_SWITCH, &id) == 0 && btf_params(b, id) >= CONTEXT + WITH_STATE;
	return find_members(b, p);
}

/* A missing type or member is EINVAL, as ENOENT is a missing file. */
static int
parse_types(struct text blob, struct program_plan *p)
{
	struct btf b;

	if (btf_parse(blob, &b) < 0)
		return -1;
	int status = from_types(&b, p);
	btf_free(&b);
	errno = EINVAL;
	return status;
}

static int
from_btf(struct program_plan *p)
{
	struct bpf_view types;

	if (bpf_view("/sys/kernel/btf/vmlinux", &types) < 0)
		return -1;
	int status = parse_types(types.text, p);
	bpf_unview(&types);
	return status;
}

static int
parse_format(struct text t, enum wait_event e, struct program_plan *p)
{
	if (format_id(t, &p->event_id[e]) < 0 ||
	    format_field(t, e == ON_SWITCH ? "next_pid" : "pid", &p->next_pid[e]) < 0)
		return -1;
	if (e != ON_SWITCH)
		return 0;
	return format_field(t, "prev_pid", &p->prev_pid) == 0 &&
		format_field(t, "prev_state", &p->prev_state) == 0 ?
	    0 :
	    -1;
}

static int
from_formats(struct program_plan *p)
{
	struct buf b = { 0 };
	int status = 0;

	for (enum wait_event e = ON_SWITCH; status == 0 && e < WAIT_EVENTS; e++) {
		status = bpf_read_format("sched", wait_event_name(e), &b);
		if (status == 0 && parse_format((struct text){ b.s, b.n }, e, p) < 0) {
			errno = EINVAL;
			status = -1;
		}
	}
	int error = errno;
	buf_free(&b);
	errno = error;
	return status;
}

int
program_layout(struct program_plan *p)
{
	return p->mode == MODE_TP ? from_formats(p) : from_btf(p);
}

/* ---- Parts of the programs
 *
 * R6 holds the context until it is not needed any more. A part that calls a helper overwrites R0 to
 * R5. These are all parts but load_argument, count_one, and load_task_member in MODE_BTF. */

/* Offsets from R10: the key of a look-up; and the time, or before that is known, a member of a
 * task. */
enum { KEY = -4, NOW = PROGRAM_SCRATCH };

enum {
	SLOT_PID = offsetof(struct wait_slot, pid),
	SLOT_SINCE = offsetof(struct wait_slot, since_ns)
};

/* The arguments of sched_switch(bool preempt, prev, next, unsigned int prev_state) and
 * sched_wakeup(task), as in struct bpf_raw_tracepoint_args. */
enum { ARG_PREEMPT, ARG_PREV, ARG_NEXT, ARG_STATE, ARG_WOKEN = 0 };

void
program_load_argument(struct code *c, unsigned dst, int arg)
{
	asm_load(c, 8, dst, R6, arg * 8);
}

void
program_load_member(
    struct code *c, enum bpf_helper probe, unsigned dst, int arg, struct btf_member m)
{
	if (!probe) {
		program_load_argument(c, R1, arg);
		asm_load(c, m.size, dst, R1, (int32_t)m.offset);
		return;
	}
	program_load_argument(c, R3, arg);
	asm_alu_imm(c, ASM_ADD, R3, (int32_t)m.offset);
	asm_alu_imm(c, ASM_MOV, R2, (int32_t)m.size);
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, PROGRAM_SCRATCH);
	asm_call(c, (int32_t)probe);
	asm_load(c, m.size, dst, R10, PROGRAM_SCRATCH);
}

static void
load_argument(struct code *c, unsigned dst, int arg)
{
	program_load_argument(c, dst, arg);
}

/* dst = a member of the task that is an argument. */
static void
load_task_member(
    struct code *c, const struct program_plan *p, unsigned dst, int arg, struct btf_member m)
{
	enum bpf_helper probe = p->old_probe_read ? BPF_PROBE_READ : BPF_PROBE_READ_KERNEL;

	program_load_member(c, p->mode == MODE_BTF ? BPF_NO_HELPER : probe, dst, arg, m);
}

/* R0 = the counts of this CPU. */
static void
find_counts(struct code *c, const struct program_plan *p, struct label *none)
{
	asm_store_imm(c, 4, R10, KEY, 0);
	asm_look_up(c, p->counts, KEY, none);
}

/* R0 = the slot of the pid in a register, which is R6 or higher. */
static void
find_slot(struct code *c, const struct program_plan *p, unsigned pid, struct label *none)
{
	asm_alu(c, ASM_MOV, R1, pid);
	asm_alu_imm(c, ASM_AND, R1, p->slot_mask);
	asm_store(c, 4, R10, KEY, R1);
	asm_look_up(c, p->slots, KEY, none);
}

/* Adds a register, or 1, to *(at + off), and overwrites R1. No lock is needed: each CPU has its own
 * counts, and no interrupt comes within a switch or a wake-up. */
static void
add(struct code *c, unsigned at, size_t off, unsigned v)
{
	asm_load(c, 8, R1, at, (int32_t)off);
	asm_alu(c, ASM_ADD, R1, v);
	asm_store(c, 8, at, (int32_t)off, R1);
}

static void
count_one(struct code *c, unsigned at, size_t off)
{
	asm_load(c, 8, R1, at, (int32_t)off);
	asm_alu_imm(c, ASM_ADD, R1, 1);
	asm_store(c, 8, at, (int32_t)off, R1);
}

/* Jumps to `no` if the current task is not in the process, or not in the cgroup or one below it. */
static void
check_current(
    struct code *c, const struct program_plan *p, bool process, bool cgroup, struct label *no)
{
	if (process) {
		asm_call(c, BPF_PID_TGID);
		asm_alu_imm(c, ASM_RSH, R0, 32);
		asm_jump_imm(c, no, ASM_JNE, R0, (int32_t)p->tgid);
	}
	if (cgroup) {
		asm_map(c, R1, p->cgroup);
		asm_alu_imm(c, ASM_MOV, R2, 0);
		asm_call(c, BPF_CURRENT_UNDER_CGROUP);
		asm_jump_imm(c, no, ASM_JNE, R0, 1);
	}
}

/* R4 = the bucket of the wait in R2, as wait_bucket computes it. */
static void
bucket(struct code *c)
{
	struct label fits = { 0 }, small = { 0 };

	asm_imm64(c, R3, ((uint64_t)1 << WAIT_OCTAVES) - 1);
	asm_jump(c, &fits, ASM_JGE, R3, R2);
	asm_alu(c, ASM_MOV, R2, R3);
	asm_here(c, &fits);
	asm_alu(c, ASM_MOV, R3, R2);
	asm_alu_imm(c, ASM_RSH, R3, 4); /* 0: the octave is 0 */
	asm_alu_imm(c, ASM_MOV, R4, 0);
	asm_jump_imm(c, &small, ASM_JEQ, R3, 0);
	asm_alu_imm(c, ASM_MOV, R4, 1);
	for (int bits = 32; bits > 0; bits /= 2) {
		struct label below = { 0 };
		asm_alu(c, ASM_MOV, R1, R3);
		asm_alu_imm(c, ASM_RSH, R1, bits);
		asm_jump_imm(c, &below, ASM_JEQ, R1, 0);
		asm_alu(c, ASM_MOV, R3, R1);
		asm_alu_imm(c, ASM_ADD, R4, bits);
		asm_here(c, &below);
	}
	asm_here(c, &small);
	asm_alu(c, ASM_RSH, R2, R4);
	asm_alu_imm(c, ASM_LSH, R4, 3);
	asm_alu(c, ASM_ADD, R4, R2);
}

/* Counts a wait of R2 ns in the counts in R6, and overwrites both. */
static void
count_wait(struct code *c)
{
	struct label forwards = { 0 }, within = { 0 };

	asm_jump_imm(c, &forwards, ASM_JSGE, R2, 0);
	count_one(c, R6, offsetof(struct cpu_counts, negative));
	asm_alu_imm(c, ASM_MOV, R2, 0);
	asm_here(c, &forwards);
	add(c, R6, offsetof(struct cpu_counts, sum_ns), R2);
	bucket(c);
	/* never true, but the verifier requires it */
	asm_jump_imm(c, &within, ASM_JGT, R4, WAIT_BUCKETS - 1);
	asm_alu_imm(c, ASM_LSH, R4, 3);
	asm_alu(c, ASM_ADD, R6, R4);
	count_one(c, R6, offsetof(struct cpu_counts, bucket));
	asm_here(c, &within);
}

/* ---- sched_switch */

/* R9 = whether prev is preempted: it could go on, and starts to wait. A preempted task may already
 * have the state in which it was about to sleep, so the argument `preempt` counts too. */
static void
preempted(struct code *c, const struct program_plan *p)
{
	struct label yes = { 0 }, known = { 0 };

	if (p->state_argument)
		load_argument(c, R9, ARG_STATE);
	else
		load_task_member(c, p, R9, ARG_PREV, p->state);
	asm_jump_imm(c, &yes, ASM_JEQ, R9, 0);
	load_argument(c, R1, ARG_PREEMPT);
	asm_alu_imm(c, ASM_AND, R1, 0xff); /* a bool */
	asm_jump_imm(c, &yes, ASM_JNE, R1, 0);
	asm_alu_imm(c, ASM_MOV, R9, 0);
	asm_goto(c, &known);
	asm_here(c, &yes);
	asm_alu_imm(c, ASM_MOV, R9, 1);
	asm_here(c, &known);
}

/* The same from the field of the event. A preempted task has bits above 0xff, and none below. */
static void
preempted_field(struct code *c, const struct program_plan *p)
{
	struct label yes = { 0 }, known = { 0 };

	asm_load(c, p->prev_state.size, R1, R6, (int32_t)p->prev_state.offset);
	asm_alu_imm(c, ASM_AND, R1, 0xff);
	asm_alu_imm(c, ASM_MOV, R9, 1);
	asm_jump_imm(c, &yes, ASM_JEQ, R1, 0);
	asm_alu_imm(c, ASM_MOV, R9, 0);
	asm_goto(c, &known);
	asm_here(c, &yes);
	asm_here(c, &known);
}

/* R7 = pid of prev, R8 = pid of next, R9 = whether prev starts to wait. Moves the context from R1 to
 * R6. */
static void
who_switches(struct code *c, const struct program_plan *p)
{
	asm_alu(c, ASM_MOV, R6, R1);
	if (p->mode == MODE_TP) {
		asm_load(c, p->prev_pid.size, R7, R6, (int32_t)p->prev_pid.offset);
		asm_load(
		    c, p->next_pid[ON_SWITCH].size, R8, R6, (int32_t)p->next_pid[ON_SWITCH].offset);
		preempted_field(c, p);
		return;
	}
	load_task_member(c, p, R7, ARG_PREV, p->pid);
	load_task_member(c, p, R8, ARG_NEXT, p->pid);
	preempted(c, p);
}

/* Gives the slot in R0 to prev, which starts to wait, or sleeps. A task that sleeps leaves the slot
 * to another one that waits. */
static void
take_slot(struct code *c, struct label *leave)
{
	struct label mine = { 0 }, take = { 0 }, store = { 0 };

	asm_load(c, 4, R1, R0, SLOT_PID);
	asm_jump(c, &mine, ASM_JEQ, R1, R7);
	asm_load(c, 8, R1, R0, SLOT_SINCE);
	asm_jump_imm(c, &take, ASM_JEQ, R1, 0);
	asm_jump_imm(c, leave, ASM_JEQ, R9, 0);
	count_one(c, R6, offsetof(struct cpu_counts, lost));
	asm_here(c, &take);
	asm_store(c, 4, R0, SLOT_PID, R7);
	asm_here(c, &mine);
	asm_alu_imm(c, ASM_MOV, R1, 0);
	asm_jump_imm(c, &store, ASM_JEQ, R9, 0);
	asm_load(c, 8, R1, R10, NOW);
	asm_here(c, &store);
	asm_store(c, 8, R0, SLOT_SINCE, R1);
}

/* At a switch the current task is still prev. Whether it is to be counted is found out here, and kept
 * as the pid in its slot until it wakes up. */
static void
leave_cpu(struct code *c, const struct program_plan *p)
{
	struct label done = { 0 }, other = { 0 };

	asm_jump_imm(c, &done, ASM_JEQ, R7, 0); /* the idle task */
	check_current(c, p, p->tgid > 0, p->cgroup >= 0, &other);
	find_slot(c, p, R7, &done);
	take_slot(c, &done);
	if (other.n > 0) {
		asm_goto(c, &done);
		asm_here(c, &other);
		find_slot(c, p, R7, &done);
		asm_load(c, 4, R1, R0, SLOT_PID);
		asm_jump(c, &done, ASM_JNE, R1, R7);
		asm_store_imm(c, 4, R0, SLOT_PID, 0);
		asm_store_imm(c, 8, R0, SLOT_SINCE, 0);
	}
	asm_here(c, &done);
}

static void
enter_cpu(struct code *c, const struct program_plan *p, struct label *end)
{
	asm_jump_imm(c, end, ASM_JEQ, R8, 0); /* the idle task */
	find_slot(c, p, R8, end);
	asm_load(c, 4, R1, R0, SLOT_PID);
	asm_jump(c, end, ASM_JNE, R1, R8);
	asm_load(c, 8, R3, R0, SLOT_SINCE);
	asm_jump_imm(c, end, ASM_JEQ, R3, 0);
	asm_store_imm(c, 8, R0, SLOT_SINCE, 0);
	asm_load(c, 8, R2, R10, NOW);
	asm_alu(c, ASM_SUB, R2, R3);
	count_wait(c);
}

static void
on_switch(struct code *c, const struct program_plan *p)
{
	struct label end = { 0 };

	who_switches(c, p);
	asm_call(c, BPF_TIME_NS);
	asm_store(c, 8, R10, NOW, R0);
	find_counts(c, p, &end);
	asm_alu(c, ASM_MOV, R6, R0);
	count_one(c, R6, offsetof(struct cpu_counts, switches));
	leave_cpu(c, p);
	enter_cpu(c, p, &end);
	asm_finish(c, &end);
}

/* ---- sched_wakeup, sched_wakeup_new */

/* R7 = pid of the task that wakes up. Jumps to `end` if it is not to be counted. */
static void
who_wakes(struct code *c, const struct program_plan *p, enum wait_event e, struct label *end)
{
	const struct format_field *field = &p->next_pid[e];

	asm_alu(c, ASM_MOV, R6, R1);
	if (p->mode == MODE_TP)
		asm_load(c, field->size, R7, R6, (int32_t)field->offset);
	else
		load_task_member(c, p, R7, ARG_WOKEN, p->pid);
	asm_jump_imm(c, end, ASM_JEQ, R7, 0);
	if (p->mode == MODE_TP || p->tgid == 0)
		return;
	load_task_member(c, p, R8, ARG_WOKEN, p->tgid_member);
	asm_jump_imm(c, end, ASM_JNE, R8, (int32_t)p->tgid);
}

/* Whether only the slot tells if the task is to be counted. The process is a member of the task, but
 * not in the event. The cgroup is known for a new task only: it is that of its parent, which is the
 * current task. */
static bool
slot_tells(const struct program_plan *p, enum wait_event e)
{
	return (p->tgid > 0 && p->mode == MODE_TP) || (p->cgroup >= 0 && e != ON_NEW);
}

/* Gives the slot in R9 to the pid in R7. */
static void
take_from_waiting(struct code *c, const struct program_plan *p)
{
	struct label mine = { 0 }, take = { 0 };

	asm_load(c, 4, R1, R9, SLOT_PID);
	asm_jump(c, &mine, ASM_JEQ, R1, R7);
	asm_load(c, 8, R1, R9, SLOT_SINCE);
	asm_jump_imm(c, &take, ASM_JEQ, R1, 0);
	find_counts(c, p, &take);
	count_one(c, R0, offsetof(struct cpu_counts, lost));
	asm_here(c, &take);
	asm_store(c, 4, R9, SLOT_PID, R7);
	asm_here(c, &mine);
}

static void
on_wakeup(struct code *c, const struct program_plan *p, enum wait_event e)
{
	struct label end = { 0 };

	who_wakes(c, p, e, &end);
	if (!slot_tells(p, e))
		check_current(c, p, false, p->cgroup >= 0, &end);
	asm_call(c, BPF_TIME_NS);
	asm_alu(c, ASM_MOV, R8, R0);
	find_slot(c, p, R7, &end);
	asm_alu(c, ASM_MOV, R9, R0);
	if (slot_tells(p, e)) {
		asm_load(c, 4, R1, R9, SLOT_PID);
		asm_jump(c, &end, ASM_JNE, R1, R7);
	} else {
		take_from_waiting(c, p);
	}
	asm_store(c, 8, R9, SLOT_SINCE, R8);
	asm_finish(c, &end);
}

void
program_build(const struct program_plan *p, enum wait_event e, struct code *code)
{
	*code = (struct code){ 0 };
	if (e == ON_SWITCH)
		on_switch(code, p);
	else
		on_wakeup(code, p, e);
}
