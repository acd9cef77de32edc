/*
 * task_rows: what a BPF program read of all tasks at once, and the text that keeps it:
 *
 *   source bpf-loop
 *   tasks 2
 *   hidden 0
 *   4242 4242 S 7120033 81733 96 90 6 0 0 - 7349231518402 4521 0 u java
 *   4242 4243 R …
 *
 * "hidden" is the number of tasks that the kernel counts and that the program did not see; "-":
 * unknown. Each further line has a task: process, thread, state, time on a CPU, time waiting for one, times it got
 * one, voluntary and involuntary context switches, major faults, those of threads of its process
 * that ended (of the first thread only), time blocked on I/O ("-": unknown), start after boot, its
 * cgroup in the v2 hierarchy and the one of the cpu controller, u or k for a kernel thread, name. A u is
 * followed by a number that tells the call in which the thread sleeps from others, if it is known.
 * Times are in ns. In the name a newline is "\n" and a backslash "\\". The lines are in the order
 * of their numbers. The kernel has no such file: src/bpf makes it.
 */
#ifndef PQ_PROC_TASK_ROWS_H
#define PQ_PROC_TASK_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum { TASK_COMM = 16, TASK_ROWS_SOURCE = 16 };

/* The members that are used of a task that has not run come first. */
struct task_row {
	uint32_t pid, tid;
	uint32_t written;     /* the reading or the text that last changed this row */
	uint32_t call;        /* task_call_hash of a thread that sleeps in a call; 0: unknown */
	uint64_t gone_majflt; /* of threads of its process that have ended */
	/* two tasks with the same numbers are in the same cgroups; 0: unknown */
	uint64_t cgroup[2];
	uint64_t run_ns, wait_ns, slices; /* as in task_sched */
	uint64_t switches[2];             /* voluntary, involuntary */
	uint64_t majflt;                  /* of the task */
	struct keyed blkio_ns;
	uint64_t start_ns; /* after boot */
	char state;        /* as in task_stat */
	bool kernel;       /* a kernel thread; a longer name than comm is in /proc only */
	char comm[TASK_COMM];
};

/* What tells a row from others, and whether it is still that of an earlier reading. Only its gone_majflt
 * and cgroups may be others although `written` is the same. */
struct task_mark {
	uint32_t pid, tid, written;
	uint64_t gone_majflt;
};

/* Rows of a text, and of the text before it, whose lines need not be parsed again if they are still
 * the same. Zero-initialise to start, and free with task_rows_free. */
struct task_rows {
	struct task_row *v;
	size_t n;
	char source[TASK_ROWS_SOURCE]; /* "bpf-loop" */
	struct keyed hidden;           /* tasks that are not among them */
	/* the texts of the rows, and where each begins */
	struct buf text;
	uint32_t *at;
	size_t room, text_room; /* of v; of at */
	uint32_t texts;         /* the number of this text */
};

/* Appends the line of a task. */
void task_row_print(const struct task_row *r, struct buf *out);

/* Parses the text; `before` has the rows of an earlier one. 0, or -1 with errno: EINVAL or ERANGE if
 * the text is damaged or not in order. *out may have been used before. */
int task_rows_parse(struct text t, const struct task_rows *before, struct task_rows *out);

/* Makes room for n rows. New ones are zero. */
void task_rows_room(struct task_rows *r, size_t n);

void task_rows_free(struct task_rows *r);

#endif
