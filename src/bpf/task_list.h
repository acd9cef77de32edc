/*
 * task_list: reads all tasks of the machine at once, by a BPF program that walks over them and
 * writes what it finds into memory that this process shares. Nothing stays loaded after this
 * process ends, however it ends.
 */
#ifndef PQ_BPF_TASK_LIST_H
#define PQ_BPF_TASK_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/wait_counter.h"
#include "proc/task_rows.h"

/* LOOP: a program with a loop over the tasks (Linux 6.7). ITER: a program that the kernel calls for
 * each task (5.8). */
enum task_list_mode { TASK_LIST_ANY, TASK_LIST_LOOP, TASK_LIST_ITER };

struct task_list;

/* Loads the program, in that mode or the first that works. pid: only the threads of this process,
 * which ITER cannot select cheaply: TASK_LIST_ANY does not try it then; 0: all tasks. nested: the
 * tasks of this process's pid namespace, with their numbers there, which is not that of the host;
 * LOOP would walk over all tasks of the host, and is not possible then. calls: rows tell the call in
 * which a thread sleeps from others, if the kernel has that. 0; or -1 with errno and *why. */
int task_list_open(struct task_list **out, enum task_list_mode mode, uint32_t pid, bool nested,
    bool calls, struct bpf_why *why);

/* Reads the tasks. *out was zero, or filled by this list: rows that are still the same are not written
 * again. 0, or -1 with errno: ESRCH there is no such process. */
int task_list_read(struct task_list *l, struct task_rows *out);

/* Reads n tasks again, at these places of *out, which is of the last reading. If the process no longer has the same
 * threads, or if this kernel cannot do so, reads all tasks as task_list_read does, and sets *all. Returns as
 * task_list_read. */
int task_list_read_some(
    struct task_list *l, const uint32_t *wanted, size_t n, struct task_rows *out, bool *all);

/* Reads the tasks, and sets all of *out but the rows. Each is there, for the functions below, until the next
 * reading. Returns as task_list_read. */
int task_list_scan(struct task_list *l, struct task_rows *out);

/* Of row i of the last reading: what tells it from others; and all of it. */
struct task_mark task_list_mark(const struct task_list *l, size_t i);
void task_list_row(const struct task_list *l, size_t i, struct task_row *out);

/* Reads the tasks, and appends the text of their rows. Returns as task_list_read. */
int task_list_print(struct task_list *l, struct buf *out);

/* "bpf-loop" or "bpf-iter" */
const char *task_list_mode(const struct task_list *l);

/* Does nothing for NULL. */
void task_list_close(struct task_list *l);

#endif
