/* Threads that come and go between two looks at /proc: commands/who/threads.c. */
#include "commands/who/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

#include "tree.h"
#include "unit.h"

static void
event(struct who_threads *t, enum sched_kind kind, uint32_t tid, uint32_t other, int kin)
{
	who_threads_event(t,
	    &(struct sched_event){ .at_ns = 1000,
		.kind = (uint8_t)kind,
		.tid = tid,
		.other = other,
		.kin = (uint8_t)kin });
}

static void
moved(void *about, uint32_t tid)
{
	(void)about;
	(void)tid;
}

static void
ended(void)
{
	struct who_threads *t = memset(xmalloc(sizeof *t), 0, sizeof *t);
	struct host *h = host_live(tree);

	put("proc/5/task/5/stat", "5 (api) S 1 5 5 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 100 0 0\n");
	put("proc/5/cgroup", "4:cpu:/shop\n");
	who_threads_begin(t, h);
	event(t, SCHED_NEW, 7, 5, SCHED_THREAD);
	event(t, SCHED_EXIT, 7, 0, 0);
	event(t, SCHED_NEW, 8, 5, SCHED_PROCESS);
	event(t, SCHED_EXEC, 8, 8, 0);
	event(t, SCHED_EXIT, 8, 0, 0);
	event(t, SCHED_SWITCH, 0, 9, 0); /* nobody told of it */
	event(t, SCHED_EXIT, 9, 0, 0);
	who_threads_read(t, h, 100, moved, NULL);
	const struct trace_thread *thread = who_threads_find(&t->file, 7, 0),
				  *process = who_threads_find(&t->file, 8, 0),
				  *unknown = who_threads_find(&t->file, 9, 0);
	if (!CHECK(thread && process && unknown))
		return;
	CHECK_STRING(thread->comm, "api");
	CHECK_U64(thread->pid, 5);
	CHECK(thread->cgroup != TRACE_NO_CGROUP);
	CHECK_STRING(process->comm, "(exited)"); /* and not the name of its creator */
	CHECK_U64(process->pid, 8);
	CHECK(process->cgroup == thread->cgroup);
	CHECK_STRING(unknown->comm, "(exited)");
	CHECK_U64(unknown->pid, 0);
	who_threads_free(t);
	free(t);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("a thread that ended before its files were read has what events tell", ended);
	tree_remove();
	return unit_done();
}
