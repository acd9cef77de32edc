/*
 * task: the files of /proc/PID and /proc/PID/task/TID that describe one task, each from text to a
 * struct, and the names of system calls. If not said otherwise, a parser returns 0, or -1 with
 * EINVAL if the text is not what it expects.
 */
#ifndef PQ_PROC_TASK_H
#define PQ_PROC_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "proc/cpulist.h"

/* Writes "proc/PID/stat" of a process (tid 0) or "proc/PID/task/TID/stat" of a thread, for the file
 * "/stat", whose name has at most 31 characters. Returns out. */
const char *task_path(char out[64], uint32_t pid, uint32_t tid, const char *file);

enum { TASK_NUMBERS = 1 << 22 }; /* they are below that: PID_MAX_LIMIT of the kernel */

/* The next number of a process or thread in the list of /proc or /proc/PID/task: a name in each line,
 * and others are passed over. Takes the lines away. False: there is none. */
bool task_next_number(struct text *names, uint32_t *out);

/* ---- stat: "160 (labtool) R 119 …". That of /proc/PID is about the whole process, that of
 * /proc/PID/task/TID about one thread. */

struct task_stat {
	uint64_t pid;     /* of a thread: its own number */
	struct text comm; /* field 2; points into the text */
	/* field 3: R runs or waits for a CPU, S sleeps, D sleeps uninterruptibly, T is stopped, Z
	 * has exited, I is idle … */
	char state;
	bool kernel;              /* a kernel thread: PF_KTHREAD in field 9 */
	struct keyed majflt;      /* field 12; of a process: of all threads, exited ones too */
	struct keyed threads;     /* field 20 */
	struct keyed start_ticks; /* field 22: after boot, in ticks_per_s */
	struct keyed cpu;         /* field 39: the CPU on which it ran last */
	/* field 42: time blocked on I/O; of a process: of its first thread. 0 if delay accounting
	 * is off */
	struct keyed blkio_ticks;
};

/* The name stands between the first '(' and the last ')', as it may have blanks, parentheses and
 * newlines in it. Fields 1, 2, 3 and 9 and the newline must be there. Other fields that are missing
 * or no numbers are unknown. fs/proc/array.c, do_task_stat. */
int task_stat_parse(struct text t, struct task_stat *out);

/* A field of the same text that is a number, by its place in proc(5), 4 or more. Unknown if it is not
 * there. */
struct keyed task_stat_field(struct text t, int number);

/* ---- schedstat of a task: "4120934 81733 96" */

struct task_sched {
	uint64_t run_ns; /* on a CPU, since the task was created */
	/* runnable but on no CPU; a wait is added when the task gets a CPU, not while it lasts */
	uint64_t wait_ns;
	uint64_t slices; /* how often it got a CPU */
};

/* Needs CONFIG_SCHED_INFO; if that is turned off, the text is "0 0 0". ERANGE: a number is too
 * large. */
int task_sched_parse(struct text t, struct task_sched *out);

/* ---- status */

struct task_status {
	char state; /* R S D T t Z X I … */
	/* context switches since the task was created: it slept, or another task got its CPU */
	struct keyed voluntary, involuntary;
};

/* The line "State:" must be there. */
int task_status_parse(struct text t, struct task_status *out);

/* Its line "CapEff:	000001ffffffffff": the capabilities, by number. -1 with EINVAL if it is not
 * there. */
int task_capabilities_parse(struct text t, uint64_t *out);

/* Whether its lines "Gid:" and "Groups:" have that group: for access to files. */
bool task_in_group(struct text t, uint64_t gid);

/* Its line "Cpus_allowed_list:	0-3". ERANGE: a number is too large. */
int task_allowed_parse(struct text t, struct cpulist *out);

/* ---- Where a thread sleeps */

/* Of the file syscall: "0 0x3 0x7f43b5382000 0x20000 0x7f43b5413b60 0xffffffff 0x0 0x7fff3a3aa978
 * 0x7f43b54fc2ad" is the number of the call, its arguments, stack pointer and program counter. "-1
 * 0x… 0x…" means that the thread sleeps outside a call, "running" that it does not sleep. */
enum call_kind { CALL_RUNNING, CALL_NONE, CALL_SYSTEM };

struct task_call {
	enum call_kind kind;
	uint64_t number; /* this and the arguments: of CALL_SYSTEM */
	uint64_t arg[6];
	uint64_t sp, pc; /* 0: unknown */
};

/* fs/proc/base.c, proc_pid_syscall. */
int task_call_parse(struct text t, struct task_call *out);

/* A number that tells the call from others: number, arguments, sp and pc, in this order. Each part goes into
 * it so that a BPF program can do the same: hash = (hash ^ hash >> 29 ^ part) * TASK_CALL_FACTOR, from 1
 * on. The upper half is the number. */
#define TASK_CALL_FACTOR UINT64_C(0x9e3779b97f4a7c15)
uint32_t task_call_hash(const struct task_call *c);

/* Of the file wchan: the kernel function in which the thread sleeps; points into the text. -1 with
 * ENODATA for "0", which the kernel writes for no function and for a thread of others. */
int task_wchan_parse(struct text t, struct text *name);

/* Of the file sched, "se.exec_start : 7349231.518402", which is in ms: when the thread was last on
 * a CPU, by a clock of that CPU that starts at boot. Needs CONFIG_SCHED_DEBUG, or Linux 6.15.
 * kernel/sched/debug.c, proc_sched_show_task. */
int task_left_parse(struct text t, int64_t *ns);

/* ---- environ: "NAME=value", each ended by a NUL byte. It may hold secrets, so these functions
 * give out only the value that the caller names. */

/* The value of that name, the first one as in getenv(3); false if it is not set. It points into
 * t. */
bool environ_find(struct text t, const char *name, struct text *value);

/* In a list of options such as "-Xmx1g -XX:ActiveProcessorCount=2": the rest of the last word that
 * begins with the prefix, where '_' stands for '-' too; false if there is none. */
bool environ_option(struct text value, const char *prefix, struct text *out);

/* ---- limits: "Max open files            1024                 4096                 files" */

/* If the pair is known, an unknown number means "unlimited". */
struct rlimit_pair {
	bool known;
	struct keyed soft, hard;
};

struct rlimits {
	struct rlimit_pair files, processes; /* files that it can open; processes of its user */
};

/* A missing or damaged line is unknown; one of the two must be known. */
int rlimits_parse(struct text t, struct rlimits *out);

/* ---- Names of system calls */

enum { SYSCALL_NAME_MOST = 32 };

/* Writes the name of the call on that machine (uname -m: x86_64, aarch64, riscv64) to out, or
 * "syscall_123" if it is unknown. The numbers are those of the kernel's
 * arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl (formerly
 * asm-generic/unistd.h). */
const char *syscall_name(const char *machine, uint64_t number, char out[SYSCALL_NAME_MOST]);

/* Whether the first argument of the call is the descriptor that it waits for. */
bool syscall_takes_fd(const char *name);

/* Whether idle threads wait in this call: for work, a connection, a time, a signal or a child. */
bool syscall_is_idle(const char *name);

#endif
