/* task_program: where the running kernel keeps what the program reads, and its instructions. */
#include "bpf/task_program.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"
#include "proc/task.h"

/* ---- The layout of the running kernel */

/* A member of a structure that is a member of another. */
static void
add_offset(struct btf_member *m, const struct btf_member *outer)
{
	m->offset += outer->offset;
}

struct wanted {
	const char *structure, *name;
	struct btf_member *to;
	bool needed;
};

static int
find_wanted(const struct btf *b, const struct wanted *v, size_t n)
{
	const char *last = "";
	uint32_t id = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].structure, last) != 0 &&
		    btf_find(b, BTF_STRUCT, v[i].structure, &id) < 0)
			id = 0;
		last = v[i].structure;
		bool there = id && btf_member(b, id, v[i].name, v[i].to) == 0;
		if (!there && v[i].needed)
			return fail_with(EINVAL);
		if (!there)
			*v[i].to = (struct btf_member){ 0, 0 };
		else if (v[i].to->size == 0) /* a pointer or an array */
			v[i].to->size = 8;
	}
	return 0;
}

/* The registers of a system call. */
static int
find_registers(const struct btf *b, struct task_layout *at)
{
	const struct wanted wanted[] = {
		{ "pt_regs", "orig_ax", &at->call[0], false },
		{ "pt_regs", "di", &at->call[1], false },
		{ "pt_regs", "si", &at->call[2], false },
		{ "pt_regs", "dx", &at->call[3], false },
		{ "pt_regs", "r10", &at->call[4], false },
		{ "pt_regs", "r8", &at->call[5], false },
		{ "pt_regs", "r9", &at->call[6], false },
		{ "pt_regs", "sp", &at->call[7], false },
		{ "pt_regs", "ip", &at->call[8], false },
	};

	return find_wanted(b, wanted, sizeof wanted / sizeof *wanted);
}

/* The numbers of tasks in pid namespaces. */
static int
find_pid_members(const struct btf *b, struct task_layout *at)
{
	const struct wanted wanted[] = {
		{ "task_struct", "thread_pid", &at->thread_pid, false },
		{ "signal_struct", "pids", &at->process_pids, false },
		{ "pid", "level", &at->level, false },
		{ "pid", "numbers", &at->numbers, false },
		{ "upid", "nr", &at->nr, false },
		{ "upid", "ns", &at->ns, false },
	};

	return find_wanted(b, wanted, sizeof wanted / sizeof *wanted);
}

static int
find_members(const struct btf *b, struct task_layout *at)
{
	struct btf_member se, info, old_state, swapin_start;
	const struct wanted wanted[] = {
		{ "task_struct", "tgid", &at->pid, true },
		{ "task_struct", "pid", &at->tid, true },
		{ "task_struct", "flags", &at->flags, true },
		{ "task_struct", "exit_state", &at->exit_state, true },
		{ "task_struct", "__state", &at->state, false },
		{ "task_struct", "state", &old_state, false }, /* before Linux 5.14 */
		{ "task_struct", "se", &se, true },
		{ "task_struct", "sched_info", &info, true },
		{ "task_struct", "nvcsw", &at->switches[0], true },
		{ "task_struct", "nivcsw", &at->switches[1], true },
		{ "task_struct", "maj_flt", &at->majflt, true },
		{ "task_struct", "start_boottime", &at->start, true },
		{ "task_struct", "comm", &at->comm, true },
		{ "task_struct", "signal", &at->signal, true },
		{ "task_struct", "delays", &at->delays, false },
		{ "task_struct", "cgroups", &at->cgroups, false },
		{ "task_struct", "thread_node", &at->thread_node, false },
		{ "sched_entity", "sum_exec_runtime", &at->run, true },
		{ "sched_info", "run_delay", &at->wait, true },
		{ "sched_info", "pcount", &at->slices, true },
		{ "signal_struct", "maj_flt", &at->gone_majflt, true },
		{ "signal_struct", "nr_threads", &at->threads, false },
		{ "signal_struct", "thread_head", &at->thread_list, false },
		{ "task_delay_info", "blkio_delay", &at->blkio, false },
		{ "task_delay_info", "swapin_delay", &at->swapin, false },
		{ "task_delay_info", "swapin_start", &swapin_start, false },
		{ "css_set", "dfl_cgrp", &at->v2_cgroup, false },
		{ "css_set", "subsys", &at->subsys, false },
		{ "cgroup_subsys_state", "cgroup", &at->css_cgroup, false },
		{ "cgroup", "kn", &at->node, false },
		{ "kernfs_node", "id", &at->id, false },
	};

	if (find_wanted(b, wanted, sizeof wanted / sizeof *wanted) < 0 ||
	    find_registers(b, at) < 0 || find_pid_members(b, at) < 0)
		return -1;
	if (at->state.size == 0)
		at->state = old_state;
	/* where swapping has a start of its own, /proc/PID/stat does not add it to block I/O */
	if (swapin_start.size)
		at->swapin.size = 0;
	add_offset(&at->run, &se);
	add_offset(&at->wait, &info);
	add_offset(&at->slices, &info);
	return at->state.size ? 0 : fail_with(EINVAL);
}

/* Whether the program can tell calls from others. */
static bool
knows_calls(const struct task_layout *at)
{
	size_t n = 0;

	while (n < CALL_PARTS && at->call[n].size == 8)
		n++;
	return n == CALL_PARTS;
}

enum { UPID = 16, PROCESS = 1 }; /* sizeof(struct upid); PIDTYPE_TGID */

/* Whether the program can find the numbers of a pid namespace. */
static bool
knows_numbers(const struct task_layout *at)
{
	return at->thread_pid.size && at->process_pids.size && at->level.size == 4 &&
	    at->numbers.size && at->nr.size == 4 && at->ns.size && at->ns.offset <= UPID - 8 &&
	    at->nr.offset <= UPID - 4;
}

static int
find_functions(const struct btf *b, bool loop, struct task_layout *at)
{
	const struct {
		const char *name;
		uint32_t *to;
		bool loop, needed;
	} wanted[] = {
		{ "bpf_iter_task", &at->iterator, false, true },
		{ "bpf_rcu_read_lock", &at->lock, true, true },
		{ "bpf_rcu_read_unlock", &at->unlock, true, true },
		{ "bpf_task_from_pid", &at->from_pid, true, true },
		{ "bpf_task_release", &at->release, true, true },
		{ "bpf_iter_task_new", &at->new, true, true },
		{ "bpf_iter_task_next", &at->next, true, true },
		{ "bpf_iter_task_destroy", &at->destroy, true, true },
		{ "bpf_iter_num_new", &at->count_new, true, false },
		{ "bpf_iter_num_next", &at->count_next, true, false },
		{ "bpf_iter_num_destroy", &at->count_destroy, true, false },
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (wanted[i].loop == loop &&
		    btf_find(b, BTF_FUNC, wanted[i].name, wanted[i].to) < 0) {
			*wanted[i].to = 0;
			if (wanted[i].needed)
				return -1;
		}
	if (btf_enumerator(b, "cgroup_subsys_id", "cpu_cgrp_id", &at->cpu) < 0 || at->cpu < 0)
		at->cpu = -1;
	return 0;
}

/* A missing type or member is EINVAL, as ENOENT is a missing file. */
int
task_plan_layout(struct task_plan *p)
{
	struct bpf_view types;
	struct btf b;
	int status = -1;

	if (bpf_view("/sys/kernel/btf/vmlinux", &types) < 0)
		return -1;
	if (btf_parse(types.text, &b) == 0) {
		status = find_functions(&b, p->loop, &p->at) < 0 ? -1 : find_members(&b, &p->at);
		btf_free(&b);
	}
	bpf_unview(&types);
	if (!p->calls)
		p->at.call[0].size = 0;
	return status < 0 || (p->nested && !knows_numbers(&p->at)) ? fail_with(EINVAL) : 0;
}

bool
task_plan_forget_calls(struct task_plan *p)
{
	bool had = knows_calls(&p->at);

	p->at.call[0].size = 0;
	return had;
}

/* ---- The program
 *
 * R7 is the task, R8 its row, R9 the head. Where a function or helper is called, R0 to R5 are
 * overwritten. */

/* Offsets from R10. A loop needs 24 bytes. SPACE: the pid namespace, and DEEP: 16 times how deep it
 * is. OF: a struct pid, and LEVEL how deep it is; NUMBER: a number of it, with its namespace. IDS:
 * the numbers of the process and of the thread. COUNT: a loop over numbers, of which AT is one. */
enum {
	KEY = -4,
	LOOP = -32,
	SPACE = -40,
	DEEP = -48,
	OF = -56,
	LEVEL = -64,
	NUMBER = -80,
	IDS = -88,
	COUNT = -96,
	AT = -100
};
enum { ALL_THREADS = 1, PROCESS_THREADS = 2 };

#define ROW(member) ((int32_t)offsetof(struct kernel_row, member))
#define HEAD(member) ((int32_t)offsetof(struct task_head, member))

/* A member of what R7 points to becomes 8 bytes, or 4, of the row. */
static void
copy(struct code *c, struct btf_member m, size_t size, int32_t to)
{
	asm_load(c, m.size, R1, R7, (int32_t)m.offset);
	asm_store(c, size, R8, to, R1);
}

/* dst = the pointer at src + m. Jumps to `none` if it is NULL. */
static void
follow(struct code *c, unsigned dst, unsigned src, uint32_t offset, struct label *none)
{
	asm_load(c, 8, dst, src, (int32_t)offset);
	asm_jump_imm(c, none, ASM_JEQ, dst, 0);
}

static void
copy_blkio(struct code *c, const struct task_layout *at)
{
	struct label none = { 0 };

	asm_store_imm(c, 8, R8, ROW(blkio_ns), -1);
	if (!at->delays.size || !at->blkio.size)
		return;
	follow(c, R2, R7, at->delays.offset, &none);
	asm_load(c, 8, R1, R2, (int32_t)at->blkio.offset);
	if (at->swapin.size) {
		asm_load(c, 8, R3, R2, (int32_t)at->swapin.offset);
		asm_alu(c, ASM_ADD, R1, R3);
	}
	asm_store(c, 8, R8, ROW(blkio_ns), R1);
	asm_here(c, &none);
}

/* The registers that a task has on its kernel stack are those of its call, as long as it does not run. The
 * rest is task_call_hash. */
static void
copy_call(struct code *c, const struct task_layout *at)
{
	struct label none = { 0 };

	asm_store_imm(c, 4, R8, ROW(call), 0);
	if (!knows_calls(at))
		return;
	asm_load(c, 2, R1, R8, ROW(state));
	asm_jump_imm(c, &none, ASM_JEQ, R1, 0);
	asm_load(c, 4, R1, R8, ROW(flags));
	asm_alu_imm(c, ASM_AND, R1, KERNEL_THREAD);
	asm_jump_imm(c, &none, ASM_JNE, R1, 0);
	asm_alu(c, ASM_MOV, R1, R7);
	asm_call(c, BPF_TASK_PT_REGS);
	asm_alu_imm(c, ASM_MOV, R1, 1);
	asm_imm64(c, R4, TASK_CALL_FACTOR);
	for (size_t i = 0; i < CALL_PARTS; i++) {
		asm_load(c, 8, R2, R0, (int32_t)at->call[i].offset);
		asm_alu(c, ASM_MOV, R3, R1);
		asm_alu_imm(c, ASM_RSH, R3, 29);
		asm_alu(c, ASM_XOR, R1, R3);
		asm_alu(c, ASM_XOR, R1, R2);
		asm_alu(c, ASM_MUL, R1, R4);
	}
	asm_alu_imm(c, ASM_RSH, R1, 32);
	asm_store(c, 4, R8, ROW(call), R1);
	asm_here(c, &none);
}

/* The first thread of a process has the faults of its threads that ended. The others have 0. */
static void
copy_gone_majflt(struct code *c, const struct task_layout *at)
{
	struct label none = { 0 };

	asm_store_imm(c, 8, R8, ROW(gone_majflt), 0);
	asm_load(c, 4, R1, R8, ROW(pid));
	asm_load(c, 4, R2, R8, ROW(tid));
	asm_jump(c, &none, ASM_JNE, R1, R2);
	follow(c, R2, R7, at->signal.offset, &none);
	asm_load(c, 8, R1, R2, (int32_t)at->gone_majflt.offset);
	asm_store(c, 8, R8, ROW(gone_majflt), R1);
	asm_here(c, &none);
}

/* The number of the cgroup that R2 points to. */
static void
copy_cgroup(struct code *c, const struct task_layout *at, int32_t to, struct label *none)
{
	follow(c, R2, R2, at->node.offset, none);
	asm_load(c, 8, R1, R2, (int32_t)at->id.offset);
	asm_store(c, 8, R8, to, R1);
}

static void
copy_cgroups(struct code *c, const struct task_layout *at)
{
	struct label none = { 0 };

	asm_store_imm(c, 8, R8, ROW(cgroup[0]), 0);
	asm_store_imm(c, 8, R8, ROW(cgroup[1]), 0);
	if (!at->cgroups.size || !at->v2_cgroup.size || !at->node.size || at->id.size != 8)
		return;
	follow(c, R3, R7, at->cgroups.offset, &none);
	follow(c, R2, R3, at->v2_cgroup.offset, &none);
	copy_cgroup(c, at, ROW(cgroup[0]), &none);
	if (at->cpu >= 0 && at->css_cgroup.size) {
		/* subsys may be the first member */
		follow(c, R2, R3, at->subsys.offset + 8 * (uint32_t)at->cpu, &none);
		follow(c, R2, R2, at->css_cgroup.offset, &none);
		copy_cgroup(c, at, ROW(cgroup[1]), &none);
	}
	asm_here(c, &none);
}

/* ---- The numbers of a task in a pid namespace
 *
 * struct pid has an array with a number for each namespace from the first one on. */

/* size bytes at R3 + from become those at R10 + to. The verifier lets programs compute with what a
 * probe read, not with pointers. */
static void
probe(struct code *c, uint32_t from, int32_t size, int32_t to)
{
	asm_alu_imm(c, ASM_ADD, R3, (int32_t)from);
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, to);
	asm_alu_imm(c, ASM_MOV, R2, size);
	asm_call(c, BPF_PROBE_READ_KERNEL);
}

/* Of the struct pid at OF: its level at LEVEL, times the size of a number. */
static void
probe_level(struct code *c, const struct task_layout *at)
{
	asm_store_imm(c, 8, R10, LEVEL, 0);
	asm_load(c, 8, R3, R10, OF);
	probe(c, at->level.offset, 4, LEVEL);
	asm_load(c, 8, R1, R10, LEVEL);
	asm_alu_imm(c, ASM_LSH, R1, 4);
	asm_store(c, 8, R10, LEVEL, R1);
}

/* Of the struct pid at OF: its number at DEEP. */
static void
probe_number(struct code *c, const struct task_layout *at)
{
	asm_load(c, 8, R3, R10, OF);
	asm_load(c, 8, R1, R10, DEEP);
	asm_alu(c, ASM_ADD, R3, R1);
	probe(c, at->numbers.offset, UPID, NUMBER);
}

/* SPACE and DEEP = the namespace of this process, and its level. */
static void
find_namespace(struct code *c, const struct task_layout *at)
{
	asm_call(c, BPF_CURRENT_TASK);
	asm_alu(c, ASM_MOV, R3, R0);
	probe(c, at->thread_pid.offset, 8, OF);
	probe_level(c, at);
	asm_load(c, 8, R1, R10, LEVEL);
	asm_store(c, 8, R10, DEEP, R1);
	probe_number(c, at);
	asm_load(c, 8, R1, R10, NUMBER + (int32_t)at->ns.offset);
	asm_store(c, 8, R10, SPACE, R1);
}

/* A member of the row becomes the number of the struct pid at OF. Jumps to `none` if it has none in
 * the namespace. */
static void
copy_number(struct code *c, const struct task_layout *at, int32_t to, struct label *none)
{
	asm_load(c, 8, R1, R10, OF);
	asm_jump_imm(c, none, ASM_JEQ, R1, 0);
	probe_level(c, at);
	asm_load(c, 8, R1, R10, LEVEL);
	asm_load(c, 8, R2, R10, DEEP);
	asm_jump(c, none, ASM_JGT, R2, R1);
	probe_number(c, at);
	asm_load(c, 8, R1, R10, NUMBER + (int32_t)at->ns.offset);
	asm_load(c, 8, R2, R10, SPACE);
	asm_jump(c, none, ASM_JNE, R1, R2);
	asm_load(c, 4, R1, R10, NUMBER + (int32_t)at->nr.offset);
	asm_store(c, 4, R10, to, R1);
}

/* The numbers of the process and thread in R7, at R10 + IDS. Jumps to `none` if it is not in the
 * namespace. */
static void
find_numbers(struct code *c, const struct task_plan *p, struct label *none)
{
	const struct task_layout *at = &p->at;

	if (!p->nested) {
		asm_load(c, at->pid.size, R1, R7, (int32_t)at->pid.offset);
		asm_store(c, 4, R10, IDS, R1);
		asm_load(c, at->tid.size, R1, R7, (int32_t)at->tid.offset);
		asm_store(c, 4, R10, IDS + 4, R1);
		return;
	}
	asm_alu(c, ASM_MOV, R3, R7);
	probe(c, at->thread_pid.offset, 8, OF);
	copy_number(c, at, IDS + 4, none);
	follow(c, R3, R7, at->signal.offset, none);
	probe(c, at->process_pids.offset + 8 * PROCESS, 8, OF);
	copy_number(c, at, IDS, none);
}

/* ---- A row */

/* R0 = the row for the next task. Jumps to `full` if there is no room. */
static void
next_row(struct code *c, const struct task_plan *p, struct label *full)
{
	asm_load(c, 8, R1, R9, HEAD(found));
	asm_alu_imm(c, ASM_ADD, R1, 1);
	asm_store(c, 8, R9, HEAD(found), R1);
	asm_store(c, 4, R10, KEY, R1);
	asm_map(c, R1, p->map);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, KEY);
	asm_call(c, BPF_LOOKUP);
	asm_jump_imm(c, full, ASM_JEQ, R0, 0);
}

/* Jumps to `changed` unless a member of the task in R7 is what the row says. */
static void
compare(struct code *c, struct btf_member m, size_t size, int32_t with, struct label *changed)
{
	asm_load(c, m.size, R1, R7, (int32_t)m.offset);
	asm_load(c, size, R2, R8, with);
	asm_jump(c, changed, ASM_JNE, R1, R2);
}

/* Jumps to `changed` unless the row is of this task, and the task has not run since it was written.
 * Most tasks have not, and their data is not in the CPU caches. */
static void
compare_row(struct code *c, const struct task_layout *at, struct label *changed)
{
	asm_load(c, 8, R1, R10, IDS);
	asm_load(c, 8, R2, R8, ROW(pid));
	asm_jump(c, changed, ASM_JNE, R1, R2);
	compare(c, at->state, 2, ROW(state), changed);
	asm_jump_imm(c, changed, ASM_JEQ, R1, 0); /* it runs */
	compare(c, at->slices, 8, ROW(slices), changed);
	asm_jump_imm(c, changed, ASM_JEQ, R1, 0); /* it is new */
	compare(c, at->run, 8, ROW(run_ns), changed);
	compare(c, at->exit_state, 2, ROW(exit_state), changed);
}

/* What changes only while a task runs. */
static void
copy_row(struct code *c, const struct task_layout *at)
{
	asm_load(c, 8, R1, R10, IDS);
	asm_store(c, 8, R8, ROW(pid), R1);
	asm_load(c, 4, R1, R9, HEAD(run));
	asm_store(c, 4, R8, ROW(written), R1);
	copy(c, at->flags, 4, ROW(flags));
	copy(c, at->exit_state, 2, ROW(exit_state));
	copy(c, at->state, 2, ROW(state));
	copy(c, at->run, 8, ROW(run_ns));
	copy(c, at->wait, 8, ROW(wait_ns));
	copy(c, at->slices, 8, ROW(slices));
	copy(c, at->switches[0], 8, ROW(switches[0]));
	copy(c, at->switches[1], 8, ROW(switches[1]));
	copy(c, at->majflt, 8, ROW(majflt));
	copy(c, at->start, 8, ROW(start_ns));
	for (uint32_t i = 0; i < TASK_COMM; i++)
		copy(c, (struct btf_member){ at->comm.offset + i, 1 }, 1, ROW(comm) + (int32_t)i);
	copy_blkio(c, at);
	copy_call(c, at);
}

/* Brings the row in R8 up to date. */
static void
update_row(struct code *c, const struct task_layout *at)
{
	struct label changed = { 0 }, rest = { 0 };

	compare_row(c, at, &changed);
	asm_goto(c, &rest);
	asm_here(c, &changed);
	copy_row(c, at);
	asm_here(c, &rest);
	copy_gone_majflt(c, at);
	copy_cgroups(c, at);
}

/* Appends the task in R7 to the rows. Jumps to `none` if it is not one of them, or if there is no
 * room. */
static void
append(struct code *c, const struct task_plan *p, struct label *none)
{
	find_numbers(c, p, none);
	if (p->pid && !p->loop) {
		asm_load(c, 4, R1, R10, IDS);
		asm_jump_imm(c, none, ASM_JNE, R1, (int32_t)p->pid);
	}
	next_row(c, p, none);
	asm_alu(c, ASM_MOV, R8, R0);
	update_row(c, &p->at);
}

/* R9 = the head, in the first entry of the map. */
static void
find_head(struct code *c, const struct task_plan *p, struct label *none)
{
	asm_store_imm(c, 4, R10, KEY, 0);
	asm_map(c, R1, p->map);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, KEY);
	asm_call(c, BPF_LOOKUP);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R9, R0);
}

/* The kernel calls it for each task, and with NULL at the end. */
static void
build_iterator(struct code *c, const struct task_plan *p)
{
	struct label end = { 0 };

	asm_load(c, 8, R7, R1, 8); /* struct bpf_iter__task */
	asm_jump_imm(c, &end, ASM_JEQ, R7, 0);
	if (p->nested)
		find_namespace(c, &p->at);
	find_head(c, p, &end);
	append(c, p, &end);
	asm_finish(c, &end);
}

static void
loop_call(struct code *c, uint32_t function)
{
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, LOOP);
	asm_kernel_call(c, function);
}

/* R6 = the process to select, which the kernel then keeps until it is released. */
static void
find_process(struct code *c, const struct task_plan *p, struct label *none)
{
	asm_alu_imm(c, ASM_MOV, R1, (int32_t)p->pid);
	asm_kernel_call(c, p->at.from_pid);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R6, R0);
}

/* R2 and R3 = the arguments for a loop over all tasks, or over the threads of the process in R6. */
static void
choose_tasks(struct code *c, const struct task_plan *p)
{
	if (p->pid)
		asm_alu(c, ASM_MOV, R2, R6);
	else
		asm_alu_imm(c, ASM_MOV, R2, 0);
	asm_alu_imm(c, ASM_MOV, R3, p->pid ? PROCESS_THREADS : ALL_THREADS);
}

/* It runs once for each reading. */
static void
build_loop(struct code *c, const struct task_plan *p)
{
	const struct task_layout *at = &p->at;
	struct label end = { 0 }, none = { 0 }, done = { 0 }, full = { 0 }, out = { 0 };

	find_head(c, p, &end);
	asm_kernel_call(c, at->lock);
	if (p->pid)
		find_process(c, p, &none);
	choose_tasks(c, p);
	loop_call(c, at->new);
	size_t again = c->n;
	loop_call(c, at->next);
	asm_jump_imm(c, &done, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R7, R0);
	append(c, p, &full);
	asm_here(c, &full);
	asm_back(c, again);
	asm_here(c, &done);
	loop_call(c, at->destroy);
	if (p->pid) {
		asm_alu(c, ASM_MOV, R1, R6);
		asm_kernel_call(c, at->release);
		asm_goto(c, &out);
		asm_here(c, &none);
		asm_store_imm(c, 4, R9, HEAD(gone), 1);
		asm_here(c, &out);
	}
	asm_kernel_call(c, at->unlock);
	asm_finish(c, &end);
}

void
task_plan_build(const struct task_plan *p, struct code *c)
{
	if (p->loop)
		build_loop(c, p);
	else
		build_iterator(c, p);
}

/* ---- Some threads again
 *
 * Visiting a task costs mostly because its data is not in the CPU caches. Most threads of most processes sleep, and
 * need not be visited each time. */

/* Jumps to `changed` unless the process in R6 still has the threads that were found. The kernel appends a new
 * thread to its list, so the number of threads and the last one tell. */
static void
compare_threads(struct code *c, const struct task_layout *at, struct label *changed)
{
	follow(c, R3, R6, at->signal.offset, changed);
	asm_load(c, 4, R1, R3, (int32_t)at->threads.offset);
	asm_load(c, 8, R2, R9, HEAD(found));
	asm_jump(c, changed, ASM_JNE, R1, R2);
	probe(c, at->thread_list.offset + 8, 8, OF); /* the previous one of a struct list_head */
	asm_load(c, 8, R3, R10, OF);
	asm_store_imm(c, 8, R10, NUMBER, 0);
	probe(c, at->tid.offset - at->thread_node.offset, 4, NUMBER);
	asm_load(c, 4, R1, R10, NUMBER);
	asm_load(c, 4, R2, R9, HEAD(last));
	asm_jump(c, changed, ASM_JNE, R1, R2);
}

/* R8 = the row that is listed at that place, which is in R0. */
static void
find_listed(struct code *c, const struct task_plan *p, struct label *none)
{
	asm_load(c, 4, R1, R0, 0);
	asm_store(c, 4, R10, AT, R1);
	asm_alu_imm(c, ASM_RSH, R1, 5); /* / LISTED */
	asm_alu_imm(c, ASM_ADD, R1, (int32_t)p->room + 1);
	asm_store(c, 4, R10, KEY, R1);
	asm_look_up(c, p->map, KEY, none);
	asm_load(c, 4, R1, R10, AT);
	asm_alu_imm(c, ASM_AND, R1, LISTED - 1);
	asm_alu_imm(c, ASM_LSH, R1, 2);
	asm_alu(c, ASM_ADD, R0, R1);
	asm_load(c, 4, R1, R0, 0);
	asm_store(c, 4, R10, KEY, R1);
	asm_look_up(c, p->map, KEY, none);
	asm_alu(c, ASM_MOV, R8, R0);
}

/* Brings the row in R8 up to date. Jumps to `none` if there is no such task. */
static void
update_again(struct code *c, const struct task_plan *p, struct label *none)
{
	struct label other = { 0 }, done = { 0 };

	asm_load(c, 8, R1, R8, ROW(pid));
	asm_store(c, 8, R10, IDS, R1);
	asm_load(c, 4, R1, R8, ROW(tid));
	asm_kernel_call(c, p->at.from_pid);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R7, R0);
	asm_load(c, p->at.pid.size, R1, R7, (int32_t)p->at.pid.offset);
	asm_jump_imm(c, &other, ASM_JNE, R1, (int32_t)p->pid);
	update_row(c, &p->at);
	asm_goto(c, &done);
	asm_here(c, &other);
	asm_store_imm(c, 4, R9, HEAD(changed), 1);
	asm_here(c, &done);
	asm_alu(c, ASM_MOV, R1, R7);
	asm_kernel_call(c, p->at.release);
}

static void
count_call(struct code *c, uint32_t function)
{
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, COUNT);
	asm_kernel_call(c, function);
}

/* For each place of the list, of which R9 has the length. */
static void
update_listed(struct code *c, const struct task_plan *p)
{
	struct label done = { 0 }, none = { 0 };

	asm_alu_imm(c, ASM_MOV, R2, 0);
	asm_load(c, 4, R3, R9, HEAD(wanted));
	count_call(c, p->at.count_new);
	size_t again = c->n;
	count_call(c, p->at.count_next);
	asm_jump_imm(c, &done, ASM_JEQ, R0, 0);
	find_listed(c, p, &none);
	update_again(c, p, &none);
	asm_back(c, again);
	asm_here(c, &none);
	asm_store_imm(c, 4, R9, HEAD(changed), 1);
	asm_back(c, again);
	asm_here(c, &done);
	count_call(c, p->at.count_destroy);
}

bool
task_plan_build_again(const struct task_plan *p, struct code *c)
{
	const struct task_layout *at = &p->at;
	struct label end = { 0 }, none = { 0 }, changed = { 0 }, out = { 0 };

	if (!p->loop || !p->pid || !at->count_new || !at->count_next || !at->count_destroy ||
	    at->threads.size != 4 || !at->thread_list.size || !at->thread_node.size)
		return false;
	find_head(c, p, &end);
	asm_kernel_call(c, at->lock);
	find_process(c, p, &none);
	compare_threads(c, at, &changed);
	update_listed(c, p);
	asm_goto(c, &out);
	asm_here(c, &changed);
	asm_store_imm(c, 4, R9, HEAD(changed), 1);
	asm_here(c, &out);
	asm_alu(c, ASM_MOV, R1, R6);
	asm_kernel_call(c, at->release);
	asm_kernel_call(c, at->unlock);
	asm_goto(c, &end);
	asm_here(c, &none);
	asm_store_imm(c, 4, R9, HEAD(gone), 1);
	asm_kernel_call(c, at->unlock);
	asm_finish(c, &end);
	return true;
}
