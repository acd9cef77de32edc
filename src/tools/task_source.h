/*
 * task_source: where the figures of tasks come from: rows that a BPF program reads of all of them at
 * once, or the files of each. BPF gives the rows as the text of a file that the host provides, so that
 * a recording has them too. The rows are of the tasks that /proc shows, with their numbers there. Some
 * kernels hide tasks from BPF: these are not among the rows, and are counted.
 */
#ifndef PQ_TOOLS_TASK_SOURCE_H
#define PQ_TOOLS_TASK_SOURCE_H

#include "proc/task_rows.h"
#include "tools/tool.h"

struct task_list;

/* Zero-initialise to start. */
struct task_source {
	char file[24];       /* the name of the text of the rows; "": files are read */
	bool measured;       /* the text is made now, not recorded */
	bool calls;          /* set before task_source_begin: rows tell calls from others */
	const char *missing; /* why there is no BPF; NULL: it is not known, or there is BPF */
	struct task_rows
	    rows[2];           /* of the last two texts, in turn; without texts, the first only */
	struct task_rows *now; /* one of them; NULL: none */
	const struct task_list *list; /* after task_source_scan: what has the rows; NULL: s->now */
};

/* The names of the sources in the order of enum tasks_source, but for the first. */
extern const char *const task_sources[];

/* Finds out whether there are rows of the target: in the recording, or by BPF, if this is wanted. If
 * not, s->file is "". Nothing else of the host may have been used. False after watch_fail: what was
 * named is not available. */
bool task_source_begin(struct task_source *s, struct watch *w, enum tasks_source wanted);

/* Whether the recording has rows of the target, which are used then. */
bool task_source_find(struct task_source *s, struct watch *w);

/* Reads the rows of this sample. Those of the sample before are not valid any more. 0, or -1 with errno, and
 * without rows: ESRCH if the process of -p is not there. */
int task_source_read(struct task_source *s, struct watch *w);

/* Reads again the n rows at these places of the previous sample, in s->now. If the target has other threads now,
 * or if there is no cheaper way, reads all as task_source_read does, and sets *all. */
int task_source_read_some(
    struct task_source *s, struct watch *w, const uint32_t *wanted, size_t n, bool *all);

/* As task_source_read, for whoever wants few of the rows: s->now has everything but these. */
int task_source_scan(struct task_source *s, struct watch *w);

/* Of row i, until the next reading; task_source_row may write it to *room. */
struct task_mark task_source_mark(const struct task_source *s, size_t i);
const struct task_row *task_source_row(
    const struct task_source *s, size_t i, struct task_row *room);

void task_source_end(struct task_source *s, struct watch *w);

#endif
