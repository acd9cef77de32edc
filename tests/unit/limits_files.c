/* What pq limits reads beside the others: /proc/PID/limits, /proc/PID/environ */
#include "proc/task.h"

#include <errno.h>

#include "unit.h"

static void
rlimits(void)
{
	struct rlimits r;

	CHECK_INT(
	    rlimits_parse(
		T("Limit                     Soft Limit           Hard Limit           Units     \n"
		  "Max processes             1834                 unlimited            processes \n"
		  "Max open files            1024                 4096                 files     "
		  "\n"),
		&r),
	    0);
	CHECK(r.files.known && r.files.soft.known && r.files.soft.v == 1024 &&
	    r.files.hard.v == 4096);
	CHECK(r.processes.known && r.processes.soft.v == 1834 && !r.processes.hard.known);
}

static void
rlimits_damaged(void)
{
	struct rlimits r;

	CHECK_INT(rlimits_parse(T("Max open files            1024"), &r), -1); /* torn */
	CHECK_INT(errno, EINVAL);
	CHECK_INT(rlimits_parse(T("Max open files            1024\n"), &r), -1);
	CHECK_INT(rlimits_parse(T("Max open files            x 5 files\n"), &r), -1);
	CHECK_INT(rlimits_parse(T(""), &r), -1);
	CHECK_INT(
	    rlimits_parse(
		T("Max open files 1 99999999999999999999999 files\nMax processes 5 6 processes\n"),
		&r),
	    0);
	CHECK(!r.files.known && r.processes.known);
}

static void
environ_names(void)
{
	static const char bytes[] =
	    "XGOMAXPROCS=9\0GOMAXPROCS=\0GOMAXPROCS=8\0GOMAXPROCSX=7\0NAME\0=odd\0LAST=a=b";
	struct text t = TN(bytes, sizeof bytes - 1), v;

	CHECK(environ_find(t, "GOMAXPROCS", &v) && v.n == 0); /* the first */
	CHECK(environ_find(t, "LAST", &v) && text_eq(v, "a=b"));
	CHECK(!environ_find(t, "NAME", &v));
	CHECK(!environ_find(t, "GOMAX", &v));
	CHECK(!environ_find(T(""), "GOMAXPROCS", &v));
}

static void
environ_options(void)
{
	struct text v;

	CHECK(
	    environ_option(T("-Xmx1g -XX:ActiveProcessorCount=2 -Dx=y\t-XX:ActiveProcessorCount=3"),
		"-XX:ActiveProcessorCount=", &v) &&
	    text_eq(v, "3"));
	CHECK(
	    !environ_option(T("-Dq=-XX:ActiveProcessorCount=3"), "-XX:ActiveProcessorCount=", &v));
	CHECK(!environ_option(T(""), "-XX:ActiveProcessorCount=", &v));
}

int
main(void)
{
	unit_test("limits of open files and processes", rlimits);
	unit_test("lines that are torn or make no sense are unknown", rlimits_damaged);
	unit_test("a variable is found by its whole name", environ_names);
	unit_test("an option in a variable", environ_options);
	return unit_done();
}
