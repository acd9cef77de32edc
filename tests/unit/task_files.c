/* schedstat and status of a thread */
#include <errno.h>

#include "proc/task.h"
#include "unit.h"

static void
sched(void)
{
	struct task_sched s;

	CHECK_INT(task_sched_parse(T("4120934 81733 96\n"), &s), 0);
	CHECK_U64(s.run_ns, 4120934);
	CHECK_U64(s.wait_ns, 81733);
	CHECK_U64(s.slices, 96);
	CHECK_INT(task_sched_parse(T("0 18446744073709551615 0 7\n"), &s), 0);
	CHECK_U64(s.wait_ns, UINT64_MAX);
}

static void
damaged_sched(void)
{
	static const char line[] = "4120934 81733 96\n";
	struct task_sched s = { .slices = 5 };

	for (size_t n = 0; n + 1 < sizeof line - 1; n++)
		CHECK(task_sched_parse(TN(line, n), &s) < 0);
	CHECK(task_sched_parse(T("4120934 81733\n"), &s) < 0 && errno == EINVAL);
	CHECK(task_sched_parse(T("1 -1 1\n"), &s) < 0 && errno == EINVAL);
	CHECK(task_sched_parse(T("1 18446744073709551616 1\n"), &s) < 0 && errno == ERANGE);
	CHECK_U64(s.slices, 5);
}

static void
status(void)
{
	struct task_status s;

	CHECK_INT(task_status_parse(T("Name:\tState: R\nState:\tS "
				      "(sleeping)\nThreads:\t1\nvoluntary_ctxt_switches:\t12\n"
				      "nonvoluntary_ctxt_switches:\t3\n"),
		      &s),
	    0);
	CHECK_INT(s.state, 'S');
	CHECK(s.voluntary.known && s.involuntary.known);
	CHECK_U64(s.voluntary.v, 12);
	CHECK_U64(s.involuntary.v, 3);
	CHECK_INT(task_status_parse(T("State:\tR (running)\nvoluntary_ctxt_switches:\t1"), &s), 0);
	CHECK(!s.voluntary.known && !s.involuntary.known);
	CHECK(task_status_parse(T("Name:\tx\n"), &s) < 0 && errno == EINVAL);
	CHECK(task_status_parse(T(""), &s) < 0);
	CHECK(task_status_parse(T("State:\n"), &s) < 0);
}

int
main(void)
{
	unit_test("schedstat of a thread", sched);
	unit_test("schedstat, torn and damaged", damaged_sched);
	unit_test("status of a thread: state and switches", status);
	return unit_done();
}
