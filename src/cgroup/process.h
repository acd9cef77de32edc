/* process: the files of a process whose first thread has ended. Under the number of the process, /proc then shows
 * no open files, memory or namespaces, and on cgroup v1 the wrong cgroup; it shows them under the number of
 * each other thread. */
#ifndef PQ_CGROUP_PROCESS_H
#define PQ_CGROUP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/host.h"

/* "self", or the number of a process or thread. */
enum { PROCESS_NUMBER = 40 };

/* If the first thread of the process has ended (state Z) and another has not, *number becomes that of the other
 * one. Reads /proc/PID/stat and lists /proc/PID/task. */
void process_living(struct host *h, char number[PROCESS_NUMBER]);

/* Reads /proc/PID/cgroup as host_read does. If that is the wrong one since the first thread has ended, reads that of
 * another thread, whose number *number becomes. Linux, kernel/cgroup/cgroup.c, proc_cgroup_show. */
int process_cgroup(struct host *h, char number[PROCESS_NUMBER], struct text *out);

/* The path of its cgroup in the hierarchy of the CPU controller, as pidcgroup_find finds it, valid until the next
 * read of the host; false if it is unknown. */
bool process_cpu_cgroup(struct host *h, uint32_t pid, struct text *path);

#endif
