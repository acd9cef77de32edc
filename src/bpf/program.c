#include "bpf/program.h"

#include "bpf/parts.h"
#include "bpf/sys.h"

/* R9 = whether prev is preempted: it would go on, and so it waits from now. Preempted tasks may
 * have a state other than running that they were about to sleep in, which is why the first argument
 * counts too. */
static void
preempted(struct code *c, const struct runqlat_plan *p)
{
	struct label yes = { 0 }, known = { 0 };

	if (p->state_argument)
		part_argument(c, R9, ARG_STATE);
	else
		part_task_member(c, p, R9, ARG_PREV, p->state);
	asm_jump_imm(c, &yes, ASM_JEQ, R9, 0);
	part_argument(c, R1, ARG_PREEMPT);
	asm_alu_imm(c, ASM_AND, R1, 0xff); /* a bool */
	asm_jump_imm(c, &yes, ASM_JNE, R1, 0);
	asm_alu_imm(c, ASM_MOV, R9, 0);
	asm_goto(c, &known);
	asm_here(c, &yes);
	asm_alu_imm(c, ASM_MOV, R9, 1);
	asm_here(c, &known);
}

/* The same from the event's field, whose bits above 0xff say that it was preempted. */
static void
preempted_field(struct code *c, const struct runqlat_plan *p)
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

/* R7 = pid of prev, R8 = pid of next, R9 = whether prev waits from now. The context was in R1 and
 * is in R6. */
static void
who_switches(struct code *c, const struct runqlat_plan *p)
{
	asm_alu(c, ASM_MOV, R6, R1);
	if (p->mode == RUNQLAT_TP) {
		asm_load(c, p->prev_pid.size, R7, R6, (int32_t)p->prev_pid.offset);
		asm_load(
		    c, p->next_pid[ON_SWITCH].size, R8, R6, (int32_t)p->next_pid[ON_SWITCH].offset);
		preempted_field(c, p);
		return;
	}
	part_task_member(c, p, R7, ARG_PREV, p->pid);
	part_task_member(c, p, R8, ARG_NEXT, p->pid);
	preempted(c, p);
}

/* The slot in R0 becomes prev's, who is in R7: it waits from now, or not. One who sleeps leaves a
 * slot to another who waits. */
static void
take_slot(struct code *c, struct label *leave)
{
	struct label mine = { 0 }, take = { 0 }, store = { 0 };

	asm_load(c, 4, R1, R0, SLOT_PID);
	asm_jump(c, &mine, ASM_JEQ, R1, R7);
	asm_load(c, 8, R1, R0, SLOT_SINCE);
	asm_jump_imm(c, &take, ASM_JEQ, R1, 0);
	asm_jump_imm(c, leave, ASM_JEQ, R9, 0);
	part_count_one(c, R6, offsetof(struct runqlat_map_counts, lost));
	asm_here(c, &take);
	asm_store(c, 4, R0, SLOT_PID, R7);
	asm_here(c, &mine);
	asm_alu_imm(c, ASM_MOV, R1, 0);
	asm_jump_imm(c, &store, ASM_JEQ, R9, 0);
	asm_load(c, 8, R1, R10, NOW);
	asm_here(c, &store);
	asm_store(c, 8, R0, SLOT_SINCE, R1);
}

/* At a switch the current task is still prev: whether it is one that is asked for is found out
 * here, and kept as the pid in its slot until it wakes. */
static void
leave_cpu(struct code *c, const struct runqlat_plan *p)
{
	struct label done = { 0 }, other = { 0 };

	asm_jump_imm(c, &done, ASM_JEQ, R7, 0); /* the idle task */
	part_current_is_of(c, p, p->tgid > 0, p->cgroup >= 0, &other);
	part_find_slot(c, p, R7, &done);
	take_slot(c, &done);
	if (other.n > 0) {
		asm_goto(c, &done);
		asm_here(c, &other);
		part_find_slot(c, p, R7, &done);
		asm_load(c, 4, R1, R0, SLOT_PID);
		asm_jump(c, &done, ASM_JNE, R1, R7);
		asm_store_imm(c, 4, R0, SLOT_PID, 0);
		asm_store_imm(c, 8, R0, SLOT_SINCE, 0);
	}
	asm_here(c, &done);
}

static void
enter_cpu(struct code *c, const struct runqlat_plan *p, struct label *end)
{
	asm_jump_imm(c, end, ASM_JEQ, R8, 0); /* the idle task */
	part_find_slot(c, p, R8, end);
	asm_load(c, 4, R1, R0, SLOT_PID);
	asm_jump(c, end, ASM_JNE, R1, R8);
	asm_load(c, 8, R3, R0, SLOT_SINCE);
	asm_jump_imm(c, end, ASM_JEQ, R3, 0);
	asm_store_imm(c, 8, R0, SLOT_SINCE, 0);
	asm_load(c, 8, R2, R10, NOW);
	asm_alu(c, ASM_SUB, R2, R3);
	part_count_wait(c);
}

static void
finish(struct code *c, const struct label *end)
{
	asm_here(c, end);
	asm_alu_imm(c, ASM_MOV, R0, 0);
	asm_exit(c);
}

static void
on_switch(struct code *c, const struct runqlat_plan *p)
{
	struct label end = { 0 };

	who_switches(c, p);
	asm_call(c, BPF_TIME_NS);
	asm_store(c, 8, R10, NOW, R0);
	part_find_counts(c, p, &end);
	asm_alu(c, ASM_MOV, R6, R0);
	part_count_one(c, R6, offsetof(struct runqlat_map_counts, switches));
	leave_cpu(c, p);
	enter_cpu(c, p, &end);
	finish(c, &end);
}

/* R7 = pid of the task that wakes; goes to `end` if nothing of it is asked for. */
static void
who_wakes(struct code *c, const struct runqlat_plan *p, enum runqlat_event e, struct label *end)
{
	const struct format_field *field = &p->next_pid[e];

	asm_alu(c, ASM_MOV, R6, R1);
	if (p->mode == RUNQLAT_TP)
		asm_load(c, field->size, R7, R6, (int32_t)field->offset);
	else
		part_task_member(c, p, R7, ARG_WOKEN, p->pid);
	asm_jump_imm(c, end, ASM_JEQ, R7, 0);
	if (p->mode == RUNQLAT_TP || p->tgid == 0)
		return;
	part_task_member(c, p, R8, ARG_WOKEN, p->tgid_member);
	asm_jump_imm(c, end, ASM_JNE, R8, (int32_t)p->tgid);
}

/* Whether only the slot tells that the task is asked for. Its process is in the task, but not in
 * the event; of its cgroup a new one is known to be in its parent's, who is the current task. */
static bool
slot_tells(const struct runqlat_plan *p, enum runqlat_event e)
{
	return (p->tgid > 0 && p->mode == RUNQLAT_TP) || (p->cgroup >= 0 && e != ON_NEW);
}

/* The slot in R9 becomes that of the pid in R7. */
static void
take_from_waiting(struct code *c, const struct runqlat_plan *p)
{
	struct label mine = { 0 }, take = { 0 };

	asm_load(c, 4, R1, R9, SLOT_PID);
	asm_jump(c, &mine, ASM_JEQ, R1, R7);
	asm_load(c, 8, R1, R9, SLOT_SINCE);
	asm_jump_imm(c, &take, ASM_JEQ, R1, 0);
	part_find_counts(c, p, &take);
	part_count_one(c, R0, offsetof(struct runqlat_map_counts, lost));
	asm_here(c, &take);
	asm_store(c, 4, R9, SLOT_PID, R7);
	asm_here(c, &mine);
}

static void
on_wakeup(struct code *c, const struct runqlat_plan *p, enum runqlat_event e)
{
	struct label end = { 0 };

	who_wakes(c, p, e, &end);
	if (!slot_tells(p, e))
		part_current_is_of(c, p, false, p->cgroup >= 0, &end);
	asm_call(c, BPF_TIME_NS);
	asm_alu(c, ASM_MOV, R8, R0);
	part_find_slot(c, p, R7, &end);
	asm_alu(c, ASM_MOV, R9, R0);
	if (slot_tells(p, e)) {
		asm_load(c, 4, R1, R9, SLOT_PID);
		asm_jump(c, &end, ASM_JNE, R1, R7);
	} else {
		take_from_waiting(c, p);
	}
	asm_store(c, 8, R9, SLOT_SINCE, R8);
	finish(c, &end);
}

void
runqlat_program(const struct runqlat_plan *p, enum runqlat_event e, struct code *code)
{
	*code = (struct code){ 0 };
	if (e == ON_SWITCH)
		on_switch(code, p);
	else
		on_wakeup(code, p, e);
}
