/* Who the threads of a trace are that came while it was recorded: commands/trace/threads.c. */
#include "commands/trace/threads.h"

#include <fcntl.h>
#include <unistd.h>

#include "tree.h"
#include "unit.h"

static const uint64_t second = 1000000000;

static void
births(void)
{
	struct thread_list l = { 0 };
	struct sched_event e[] = {
		{ .at_ns = 2 * second,
		    .kind = SCHED_NEW,
		    .tid = 7,
		    .other = 5,
		    .kin = SCHED_THREAD },
		{ .at_ns = 2 * second,
		    .kind = SCHED_NEW,
		    .tid = 8,
		    .other = 5,
		    .kin = SCHED_PROCESS },
		{ .at_ns = 3 * second, .kind = SCHED_EXEC, .tid = 8, .other = 8 },
		{ .at_ns = 4 * second,
		    .kind = SCHED_NEW,
		    .tid = 9,
		    .other = 7,
		    .kin = SCHED_THREAD },
		{ .at_ns = 4 * second, .kind = SCHED_NEW, .tid = 10, .other = 7 },
	};
	struct host *h = host_live(tree);

	put("proc/5/task/5/stat", "5 (api) S 1 5 5 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 100 0 0\n");
	put("proc/5/cgroup", "4:cpu:/shop\n");
	threads_read(&l, h, 0);
	if (!CHECK_U64(l.n, 1))
		return;
	threads_add_born(&l, e, sizeof e / sizeof e[0]);
	if (!CHECK_U64(l.n, 5))
		return;
	CHECK(l.v[1].tid == 7 && l.v[1].pid == 5 && l.v[1].cgroup == l.v[0].cgroup);
	CHECK_STRING(l.v[1].comm, "api");
	CHECK(l.v[2].tid == 8 && l.v[2].pid == 8);
	CHECK_STRING(l.v[2].comm, "");
	CHECK(l.v[3].tid == 9 && l.v[3].pid == 5);
	CHECK(l.v[4].tid == 10 && l.v[4].pid == 0);
	threads_free(&l);
	host_close(h);
}

/* Where pq does not know the numbers that the kernel records, the list is empty. */
static void
empty(void)
{
	struct thread_list l = { 0 };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct trace_writer *w = trace_writer_new(fd);

	threads_put(&l, 0, w);
	CHECK_INT(trace_writer_end(w), 0);
	threads_free(&l);
	close(fd);
}

int
main(void)
{
	tree_make();
	unit_test("a new thread is of its creator's process, or the first of a new one", births);
	unit_test("an empty list is written", empty);
	tree_remove();
	return unit_done();
}
