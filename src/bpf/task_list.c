/* task_list: assembles the program that walks over the tasks, runs it, and prints what it found. */
#include "bpf/task_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "bpf/btf.h"
#include "proc/task.h"
#include "proc/task_rows.h"

/* What the program writes of a task. The first 64 bytes, a line of the CPU caches, are all that is read
 * of a task that has not run since. */
struct kernel_row {
	uint32_t pid, tid, exit_state;
	uint32_t written; /* the run that wrote all of it */
	uint64_t state, run_ns, slices, gone_majflt, cgroup[2];
	uint64_t wait_ns, switches[2], majflt;
	uint64_t blkio_ns; /* UINT64_MAX: unknown */
	uint64_t start_ns;
	char comm[TASK_COMM];
	uint32_t flags;
	uint32_t call; /* the task_call_hash of one that does not run; 0: unknown */
};

/* The first entry of the map, before those of the tasks. */
struct head {
	uint64_t found; /* tasks, those without room included */
	uint32_t gone;  /* 1: there is no such process */
	uint32_t run;   /* its number; the first is 1 */
};

enum { CALL_PARTS = 9 };

/* Where the running kernel keeps what the program reads. Sizes are 0 for what it does not have. */
struct layout {
	struct btf_member pid, tid, flags, exit_state, state, run, wait, slices, switches[2],
	    majflt, start, comm, signal, gone_majflt, delays, blkio, swapin, cgroups, v2_cgroup,
	    subsys, css_cgroup, node, id;
	/* of pt_regs, on x86-64: the parts of a task_call in its order */
	struct btf_member call[CALL_PARTS];
	/* the numbers of a task in each pid namespace that it is in */
	struct btf_member thread_pid, process_pids, level, numbers, nr, ns;
	/* functions, by id */
	uint32_t lock, unlock, from_pid, release, new, next, destroy, iterator;
	int32_t cpu; /* the controller's place in subsys; -1: none */
};

/* A line of the last text, and what tells whether its row is still the same. */
struct printed {
	uint64_t key, gone_majflt, cgroup[2];
	uint32_t written;
	uint32_t at, length; /* in the text */
};

/* Where the row of a task is. The key orders tasks by process and thread. */
struct place {
	uint64_t key;
	uint32_t row;
};

struct task_list {
	enum task_list_mode mode;
	uint32_t pid; /* only this process; 0: all */
	bool nested;  /* with the numbers of the pid namespace of this process */
	bool calls;   /* with what tells the call in which a thread sleeps from others */
	struct layout at;
	int loadavg; /* /proc/loadavg, which tells how many tasks there are; -1: unknown */
	int map, program, link; /* -1: none */
	uint32_t room;          /* tasks in the map */
	struct kernel_row *rows;
	uint32_t runs;
	/* the last text, and room for the next; n lines, in order */
	struct buf text, previous;
	struct printed *printed, *spare;
	size_t n;
	struct place *places[2];
	size_t print_room;
};

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
		*v[i].to = (struct btf_member){ 0, 0 };
		if ((!id || btf_member(b, id, v[i].name, v[i].to) < 0) && v[i].needed)
			return fail_with(EINVAL);
		if (v[i].to->size == 0) /* a pointer or an array */
			v[i].to->size = id && v[i].to->offset ? 8 : 0;
	}
	return 0;
}

/* The registers of a system call. */
static int
find_registers(const struct btf *b, struct layout *at)
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
find_pid_members(const struct btf *b, struct layout *at)
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
find_members(const struct btf *b, struct layout *at)
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
		{ "sched_entity", "sum_exec_runtime", &at->run, true },
		{ "sched_info", "run_delay", &at->wait, true },
		{ "sched_info", "pcount", &at->slices, true },
		{ "signal_struct", "maj_flt", &at->gone_majflt, true },
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
knows_calls(const struct layout *at)
{
	size_t n = 0;

	while (n < CALL_PARTS && at->call[n].size == 8)
		n++;
	return n == CALL_PARTS;
}

enum { UPID = 16, PROCESS = 1 }; /* sizeof(struct upid); PIDTYPE_TGID */

/* Whether the program can find the numbers of a pid namespace. */
static bool
knows_numbers(const struct layout *at)
{
	return at->thread_pid.size && at->process_pids.size && at->level.size == 4 &&
	    at->numbers.size && at->nr.size == 4 && at->ns.size && at->ns.offset <= UPID - 8 &&
	    at->nr.offset <= UPID - 4;
}

static int
find_functions(const struct btf *b, enum task_list_mode mode, struct layout *at)
{
	const struct {
		const char *name;
		uint32_t *to;
		enum task_list_mode mode;
	} wanted[] = {
		{ "bpf_iter_task", &at->iterator, TASK_LIST_ITER },
		{ "bpf_rcu_read_lock", &at->lock, TASK_LIST_LOOP },
		{ "bpf_rcu_read_unlock", &at->unlock, TASK_LIST_LOOP },
		{ "bpf_task_from_pid", &at->from_pid, TASK_LIST_LOOP },
		{ "bpf_task_release", &at->release, TASK_LIST_LOOP },
		{ "bpf_iter_task_new", &at->new, TASK_LIST_LOOP },
		{ "bpf_iter_task_next", &at->next, TASK_LIST_LOOP },
		{ "bpf_iter_task_destroy", &at->destroy, TASK_LIST_LOOP },
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (wanted[i].mode == mode &&
		    btf_find(b, BTF_FUNC, wanted[i].name, wanted[i].to) < 0)
			return -1;
	if (btf_enumerator(b, "cgroup_subsys_id", "cpu_cgrp_id", &at->cpu) < 0 || at->cpu < 0)
		at->cpu = -1;
	return 0;
}

/* A missing type or member is EINVAL, as ENOENT is a missing file. */
static int
find_layout(enum task_list_mode mode, bool calls, struct layout *at)
{
	struct bpf_view types;
	struct btf b;
	int status = -1;

	if (bpf_view("/sys/kernel/btf/vmlinux", &types) < 0)
		return -1;
	if (btf_parse(types.text, &b) == 0) {
		status = find_functions(&b, mode, at) < 0 ? -1 : find_members(&b, at);
		btf_free(&b);
	}
	bpf_unview(&types);
	if (!calls)
		at->call[0].size = 0;
	return status < 0 ? fail_with(EINVAL) : 0;
}

/* ---- The program
 *
 * R7 is the task, R8 its row, R9 the head. Where a function or helper is called, R0 to R5 are
 * overwritten. */

/* Offsets from R10. A loop needs 24 bytes. SPACE: the pid namespace, and DEEP: 16 times how deep it
 * is. OF: a struct pid, and LEVEL how deep it is; NUMBER: a number of it, with its namespace. IDS:
 * the numbers of the process and of the thread. */
enum {
	KEY = -4,
	LOOP = -32,
	SPACE = -40,
	DEEP = -48,
	OF = -56,
	LEVEL = -64,
	NUMBER = -80,
	IDS = -88
};
enum { ALL_THREADS = 1, PROCESS_THREADS = 2 };
enum { KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD */

#define ROW(member) ((int32_t)offsetof(struct kernel_row, member))
#define HEAD(member) ((int32_t)offsetof(struct head, member))

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
copy_blkio(struct code *c, const struct layout *at)
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
copy_call(struct code *c, const struct layout *at)
{
	struct label none = { 0 };

	asm_store_imm(c, 4, R8, ROW(call), 0);
	if (!knows_calls(at))
		return;
	asm_load(c, 8, R1, R8, ROW(state));
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
copy_gone_majflt(struct code *c, const struct layout *at)
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
copy_cgroup(struct code *c, const struct layout *at, int32_t to, struct label *none)
{
	follow(c, R2, R2, at->node.offset, none);
	asm_load(c, 8, R1, R2, (int32_t)at->id.offset);
	asm_store(c, 8, R8, to, R1);
}

static void
copy_cgroups(struct code *c, const struct layout *at)
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
probe_level(struct code *c, const struct layout *at)
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
probe_number(struct code *c, const struct layout *at)
{
	asm_load(c, 8, R3, R10, OF);
	asm_load(c, 8, R1, R10, DEEP);
	asm_alu(c, ASM_ADD, R3, R1);
	probe(c, at->numbers.offset, UPID, NUMBER);
}

/* SPACE and DEEP = the namespace of this process, and its level. */
static void
find_namespace(struct code *c, const struct layout *at)
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
copy_number(struct code *c, const struct layout *at, int32_t to, struct label *none)
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
find_numbers(struct code *c, const struct task_list *l, struct label *none)
{
	const struct layout *at = &l->at;

	if (!l->nested) {
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
next_row(struct code *c, const struct task_list *l, struct label *full)
{
	asm_load(c, 8, R1, R9, HEAD(found));
	asm_alu_imm(c, ASM_ADD, R1, 1);
	asm_store(c, 8, R9, HEAD(found), R1);
	asm_store(c, 4, R10, KEY, R1);
	asm_map(c, R1, l->map);
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
compare_row(struct code *c, const struct layout *at, struct label *changed)
{
	asm_load(c, 8, R1, R10, IDS);
	asm_load(c, 8, R2, R8, ROW(pid));
	asm_jump(c, changed, ASM_JNE, R1, R2);
	compare(c, at->state, 8, ROW(state), changed);
	asm_jump_imm(c, changed, ASM_JEQ, R1, 0); /* it runs */
	compare(c, at->slices, 8, ROW(slices), changed);
	asm_jump_imm(c, changed, ASM_JEQ, R1, 0); /* it is new */
	compare(c, at->run, 8, ROW(run_ns), changed);
	compare(c, at->exit_state, 4, ROW(exit_state), changed);
}

/* What changes only while a task runs. */
static void
copy_row(struct code *c, const struct layout *at)
{
	asm_load(c, 8, R1, R10, IDS);
	asm_store(c, 8, R8, ROW(pid), R1);
	asm_load(c, 4, R1, R9, HEAD(run));
	asm_store(c, 4, R8, ROW(written), R1);
	copy(c, at->flags, 4, ROW(flags));
	copy(c, at->exit_state, 4, ROW(exit_state));
	copy(c, at->state, 8, ROW(state));
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

/* Appends the task in R7 to the rows. Jumps to `none` if it is not one of them, or if there is no
 * room. */
static void
append(struct code *c, const struct task_list *l, struct label *none)
{
	struct label changed = { 0 }, rest = { 0 };

	find_numbers(c, l, none);
	if (l->pid && l->mode == TASK_LIST_ITER) {
		asm_load(c, 4, R1, R10, IDS);
		asm_jump_imm(c, none, ASM_JNE, R1, (int32_t)l->pid);
	}
	next_row(c, l, none);
	asm_alu(c, ASM_MOV, R8, R0);
	compare_row(c, &l->at, &changed);
	asm_goto(c, &rest);
	asm_here(c, &changed);
	copy_row(c, &l->at);
	asm_here(c, &rest);
	copy_gone_majflt(c, &l->at);
	copy_cgroups(c, &l->at);
}

/* R9 = the head, in the first entry of the map. */
static void
find_head(struct code *c, const struct task_list *l, struct label *none)
{
	asm_store_imm(c, 4, R10, KEY, 0);
	asm_map(c, R1, l->map);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, KEY);
	asm_call(c, BPF_LOOKUP);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R9, R0);
}

/* The kernel calls it for each task, and with NULL at the end. */
static void
build_iterator(struct code *c, const struct task_list *l)
{
	struct label end = { 0 };

	asm_load(c, 8, R7, R1, 8); /* struct bpf_iter__task */
	asm_jump_imm(c, &end, ASM_JEQ, R7, 0);
	if (l->nested)
		find_namespace(c, &l->at);
	find_head(c, l, &end);
	append(c, l, &end);
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
find_process(struct code *c, const struct task_list *l, struct label *none)
{
	asm_alu_imm(c, ASM_MOV, R1, (int32_t)l->pid);
	asm_kernel_call(c, l->at.from_pid);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R6, R0);
}

/* R2 and R3 = the arguments for a loop over all tasks, or over the threads of the process in R6. */
static void
choose_tasks(struct code *c, const struct task_list *l)
{
	if (l->pid)
		asm_alu(c, ASM_MOV, R2, R6);
	else
		asm_alu_imm(c, ASM_MOV, R2, 0);
	asm_alu_imm(c, ASM_MOV, R3, l->pid ? PROCESS_THREADS : ALL_THREADS);
}

/* It runs once for each reading. */
static void
build_loop(struct code *c, const struct task_list *l)
{
	const struct layout *at = &l->at;
	struct label end = { 0 }, none = { 0 }, done = { 0 }, full = { 0 }, out = { 0 };

	find_head(c, l, &end);
	asm_kernel_call(c, at->lock);
	if (l->pid)
		find_process(c, l, &none);
	choose_tasks(c, l);
	loop_call(c, at->new);
	size_t again = c->n;
	loop_call(c, at->next);
	asm_jump_imm(c, &done, ASM_JEQ, R0, 0);
	asm_alu(c, ASM_MOV, R7, R0);
	append(c, l, &full);
	asm_here(c, &full);
	asm_back(c, again);
	asm_here(c, &done);
	loop_call(c, at->destroy);
	if (l->pid) {
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

/* ---- Open */

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static size_t
map_size(const struct task_list *l)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return ((l->room + 1) * sizeof *l->rows + page - 1) / page * page;
}

static void
unload(struct task_list *l)
{
	int error = errno;

	if (l->rows)
		munmap(l->rows, map_size(l));
	l->rows = NULL;
	drop(&l->link);
	drop(&l->program);
	drop(&l->map);
	errno = error;
}

/* Before Linux 5.11 maps count as locked memory. */
static int
make_map(struct task_list *l)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	l->map = bpf_map_create_mappable(sizeof *l->rows, l->room + 1, "pq_tasks");
	if (l->map < 0 && errno == EPERM && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		l->map = bpf_map_create_mappable(sizeof *l->rows, l->room + 1, "pq_tasks");
	if (l->map < 0)
		return -1;
	void *p = mmap(NULL, map_size(l), PROT_READ | PROT_WRITE, MAP_SHARED, l->map, 0);
	if (p == MAP_FAILED)
		return -1;
	l->rows = p;
	return 0;
}

static int
load(struct task_list *l)
{
	struct code code = { .n = 0 };
	bool loop = l->mode == TASK_LIST_LOOP;

	if (loop)
		build_loop(&code, l);
	else
		build_iterator(&code, l);
	l->program =
	    bpf_program_load(loop ? BPF_SYSCALL : BPF_ITERATOR, &code, l->at.iterator, "pq_tasks");
	if (l->program < 0 &&
	    knows_calls(&l->at)) { /* before Linux 5.15, or where a kernel refuses it */
		l->at.call[0].size = 0;
		return load(l);
	}
	if (l->program < 0 || loop)
		return l->program < 0 ? -1 : 0;
	l->link = bpf_iterator_link(l->program);
	return l->link < 0 ? -1 : 0;
}

static int
failed(struct bpf_failure *f, enum bpf_step step)
{
	f->step = step;
	f->error = errno;
	return -1;
}

static int run(struct task_list *l);

/* Makes the map and the program, with room for that many tasks. */
static int
prepare(struct task_list *l, uint32_t room, struct bpf_failure *f)
{
	unload(l);
	l->room = room;
	if (make_map(l) < 0)
		return failed(f, STEP_MAP);
	if (load(l) < 0)
		return failed(f, l->program < 0 ? STEP_LOAD : STEP_ATTACH);
	return 0;
}

/* How many tasks the machine has: 5123, from "0.10 0.20 0.30 3/5123 4242" of /proc/loadavg. 0:
 * unknown. */
static uint64_t
count_tasks(const struct task_list *l)
{
	char line[128];
	struct text rest = { line, 0 }, word = { line, 0 }, part;
	uint64_t n;

	ssize_t got = l->loadavg < 0 ? -1 : pread(l->loadavg, line, sizeof line, 0);
	rest.n = got > 0 ? (size_t)got : 0;
	for (int i = 0; i < 4 && text_word(&rest, &word);)
		i++;
	return text_split(&word, '/', &part) && text_u64(word, &n) == 0 && n <= 1 << 22 ? n : 0;
}

/* Room for all tasks, and some more. */
static uint32_t
guess_room(const struct task_list *l)
{
	uint64_t n = count_tasks(l);

	return (uint32_t)(n + n / 8 + 512);
}

static int
try(struct task_list *l, enum task_list_mode mode, struct bpf_failure *f)
{
	l->mode = mode;
	*f = (struct bpf_failure){ .mode = MODE_ANY };
	if (find_layout(mode, l->calls, &l->at) < 0 ||
	    (l->nested && !knows_numbers(&l->at) && fail_with(EINVAL) < 0))
		return failed(f, STEP_LAYOUT);
	if (prepare(l, guess_room(l), f) < 0)
		return -1;
	return run(l) < 0 && errno != ESRCH ? failed(f, STEP_RUN) : 0;
}

int
task_list_open(struct task_list **out, enum task_list_mode mode, uint32_t pid, bool nested,
    bool calls, struct bpf_why *why)
{
	struct task_list *l = xmalloc(sizeof *l);
	struct bpf_failure f[2];
	struct bpf_rights rights;
	size_t n = 0;

	*l = (struct task_list){
		.pid = pid, .nested = nested, .calls = calls, .map = -1, .program = -1, .link = -1
	};
	l->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	*out = l;
	if (mode != TASK_LIST_ITER && !nested && try(l, TASK_LIST_LOOP, &f[n++]) == 0)
		return 0;
	if ((mode == TASK_LIST_ITER || (mode == TASK_LIST_ANY && !pid)) &&
	    try(l, TASK_LIST_ITER, &f[n++]) == 0)
		return 0;
	bpf_rights_read(&rights);
	if (n > 0)
		bpf_explain(&f[n - 1], 1, &rights, why);
	else
		snprintf(why->text, sizeof why->text,
		    "in a pid namespace it would read all tasks of the host (--source bpf-iter "
		    "reads those of the namespace)");
	task_list_close(l);
	*out = NULL;
	errno = n > 0 ? f[n - 1].error : EOPNOTSUPP;
	return -1;
}

/* ---- Run */

static struct head *
head_of(struct task_list *l)
{
	return (struct head *)(void *)l->rows;
}

static int
run_loop(struct task_list *l)
{
	if (bpf_program_run(l->program) < 0)
		return -1;
	return head_of(l)->gone ? fail_with(ESRCH) : 0;
}

static int
run_iterator(struct task_list *l)
{
	int fd = bpf_iterator_start(l->link);
	char none[64];
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = read(fd, none, sizeof none);
	while (n > 0 || (n < 0 && errno == EAGAIN));
	int error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

/* Again with more room if there are more tasks than that. */
static int
run(struct task_list *l)
{
	for (;;) {
		struct bpf_failure f;
		*head_of(l) = (struct head){ .run = ++l->runs };
		if ((l->mode == TASK_LIST_LOOP ? run_loop(l) : run_iterator(l)) < 0)
			return -1;
		uint64_t found = head_of(l)->found;
		if (found <= l->room)
			return 0;
		if (prepare(l, (uint32_t)(found + found / 4), &f) < 0)
			return -1;
	}
}

/* ---- Print */

/* task_state_index and task_state_array of fs/proc/array.c: the highest bit counts. */
static char
state_letter(const struct kernel_row *r)
{
	enum { REPORTED = 0x7f, IDLE = 0x402, RTLOCK_WAIT = 0x1000, FROZEN = 0x8000 };
	uint64_t state = (r->state | r->exit_state) & REPORTED;
	int i = 0;

	if ((r->state & IDLE) == IDLE)
		return 'I';
	if (r->state & (RTLOCK_WAIT | FROZEN))
		return 'D';
	while (state >> i)
		i++;
	return "RSDTtXZP"[i];
}

static void
print_row(const struct kernel_row *k, struct buf *out)
{
	struct task_row r = {
		.pid = k->pid,
		.tid = k->tid,
		.state = state_letter(k),
		.kernel = k->flags & KERNEL_THREAD,
		.run_ns = k->run_ns,
		.wait_ns = k->wait_ns,
		.slices = k->slices,
		.switches = { k->switches[0], k->switches[1] },
		.majflt = k->majflt,
		.gone_majflt = k->gone_majflt,
		.start_ns = k->start_ns,
		.call = k->call,
		.cgroup = { k->cgroup[0], k->cgroup[1] },
	};

	if (k->blkio_ns != UINT64_MAX)
		r.blkio_ns = keyed_of(k->blkio_ns);
	memcpy(r.comm, k->comm, TASK_COMM - 1);
	task_row_print(&r, out);
}

static size_t
run_end(const struct place *v, size_t from, size_t n)
{
	size_t to = from + 1;

	while (to < n && v[to - 1].key <= v[to].key)
		to++;
	return to < n ? to : n;
}

static void
merge(const struct place *v, size_t a, size_t b, size_t end, struct place *out)
{
	size_t i = a, j = b;

	for (size_t k = a; k < end; k++)
		out[k] = j == end || (i < b && v[i].key <= v[j].key) ? v[i++] : v[j++];
}

/* Merges ascending runs until there is one. The kernel keeps the tasks in the order of their
 * creation, so there are few, and usually one. Returns v or spare. */
static struct place *
sort(struct place *v, size_t n, struct place *spare)
{
	while (n > 0 && run_end(v, 0, n) < n) {
		for (size_t a = 0, b, end; a < n; a = end) {
			b = run_end(v, a, n);
			end = b < n ? run_end(v, b, n) : n;
			merge(v, a, b, end, spare);
		}
		struct place *sorted = spare;
		spare = v;
		v = sorted;
	}
	return v;
}

static bool
is_same(const struct printed *a, const struct printed *b)
{
	return a->key == b->key && a->written == b->written && a->gone_majflt == b->gone_majflt &&
	    a->cgroup[0] == b->cgroup[0] && a->cgroup[1] == b->cgroup[1];
}

/* Prints the row, or copies its line from the last text if it is still the same. *k is the first
 * line there that may be. */
static void
print_or_copy(struct task_list *l, const struct place *p, size_t *k, struct printed *to)
{
	const struct kernel_row *row = &l->rows[p->row + 1];
	size_t at = l->text.n;

	while (*k < l->n && l->printed[*k].key < p->key)
		++*k;
	*to = (struct printed){ p->key, row->gone_majflt, { row->cgroup[0], row->cgroup[1] },
		row->written, (uint32_t)at, 0 };
	if (*k < l->n && is_same(&l->printed[*k], to))
		buf_add(&l->text, l->previous.s + l->printed[*k].at, l->printed[*k].length);
	else
		print_row(row, &l->text);
	to->length = (uint32_t)(l->text.n - at);
}

/* Fills the text. A task that was found twice, as it moved while the program walked, counts once.
 * Returns how many there are. */
static size_t
print_all(struct task_list *l, const struct place *v, size_t n)
{
	struct buf text = l->previous;
	size_t kept = 0, k = 0;

	l->previous = l->text;
	l->text = text;
	l->text.n = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i].key != v[i - 1].key)
			print_or_copy(l, &v[i], &k, &l->spare[kept++]);
	struct printed *now = l->spare;
	l->spare = l->printed;
	l->printed = now;
	l->n = kept;
	return kept;
}

/* Makes room for n tasks in the arrays that printing needs. */
static void
make_print_room(struct task_list *l, size_t n)
{
	if (n <= l->print_room)
		return;
	l->print_room = n + n / 4;
	l->places[0] = xrealloc(l->places[0], l->print_room * sizeof *l->places[0]);
	l->places[1] = xrealloc(l->places[1], l->print_room * sizeof *l->places[1]);
	l->printed = xrealloc(l->printed, l->print_room * sizeof *l->printed);
	l->spare = xrealloc(l->spare, l->print_room * sizeof *l->spare);
}

/* Prints how many tasks the kernel counts, at most `most`, that the program did not see: some kernels hide
 * processes from BPF. most 0: unknown, "-"; of one process, or of a namespace, no file tells the number. */
static void
print_hidden(const struct task_list *l, uint64_t most, size_t n, struct buf *out)
{
	uint64_t now = most ? count_tasks(l) : 0, least = now < most ? now : most;

	buf_text(out, "hidden ");
	if (least == 0)
		buf_char(out, '-');
	else
		buf_u64(out, least > n ? least - n : 0, 1);
	buf_char(out, '\n');
}

/* Finds the tasks among the rows, in the order of their numbers. *v has room for them. Returns how
 * many they are. */
static size_t
sort_rows(struct task_list *l, struct place **v)
{
	size_t found = (size_t)head_of(l)->found, n = 0;

	make_print_room(l, found);
	for (size_t i = 0; i < found; i++) {
		const struct kernel_row *r = &l->rows[i + 1];
		if (r->tid > 0) /* the idle task of a CPU has no number */
			l->places[0][n++] =
			    (struct place){ (uint64_t)r->pid << 32 | r->tid, (uint32_t)i };
	}
	*v = sort(l->places[0], n, l->places[1]);
	return n;
}

int
task_list_print(struct task_list *l, struct buf *out)
{
	uint64_t before = l->pid || l->nested ? 0 : count_tasks(l);
	struct place *v;

	if (run(l) < 0)
		return -1;
	size_t n = sort_rows(l, &v);
	n = print_all(l, v, n);
	buf_text(out, "source ");
	buf_text(out, task_list_mode(l));
	buf_text(out, "\ntasks ");
	buf_u64(out, n, 1);
	buf_char(out, '\n');
	print_hidden(l, before, n, out);
	buf_add(out, l->text.s, l->text.n);
	return 0;
}

const char *
task_list_mode(const struct task_list *l)
{
	return l->mode == TASK_LIST_LOOP ? "bpf-loop" : "bpf-iter";
}

void
task_list_close(struct task_list *l)
{
	if (!l)
		return;
	unload(l);
	drop(&l->loadavg);
	buf_free(&l->text);
	buf_free(&l->previous);
	free(l->printed);
	free(l->spare);
	free(l->places[0]);
	free(l->places[1]);
	free(l);
}
