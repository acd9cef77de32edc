/* The files of a process and of a thread: stat, status, limits, environ, schedstat, sched, syscall, wchan. */
#include "proc/task.h"

#include <errno.h>

#include "unit.h"

/* ---- /proc/PID/stat and status */

/* What stands behind the name, field 3 on; the 39th field is the 7. */
#define FIELDS \
	"119 160 119 0 -1 4194304 88 0 3 0 5 6 0 0 20 0 4 0 4242 2297856 " \
	"200 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 7 0 0 9 0 0\n"

static void
is(struct keyed k, uint64_t want)
{
	CHECK(k.known);
	CHECK_U64(k.v, want);
}

static void
of_a_kernel(void)
{
	struct task_stat s;

	CHECK_INT(task_stat_parse(T("160 (labtool) R " FIELDS), &s), 0);
	CHECK_U64(s.pid, 160);
	CHECK_TEXT(s.comm, "labtool");
	CHECK_INT(s.state, 'R');
	CHECK(!s.kernel);
	is(s.majflt, 3);
	is(s.threads, 4);
	is(s.start_ticks, 4242);
	is(s.cpu, 7);
	is(s.blkio_ticks, 9);
	CHECK_INT(task_stat_parse(T("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0\n"), &s), 0);
	CHECK(s.kernel && !s.majflt.known && !s.cpu.known && !s.blkio_ticks.known);
}

static void
task_names(void)
{
	static const char *const name[] = { "", " ", ")", "((", ") R 1 2 (", "a b", "a\nb",
		"a) S 1 1 1 1", "\xff\x80", "(sd-pam)", ")))))" };
	struct task_stat s;
	char line[400];

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		int n = snprintf(line, sizeof line, "1 (%s) D " FIELDS, name[i]);
		if (!CHECK_INT(task_stat_parse(TN(line, (size_t)n), &s), 0))
			printf("# for the name '%s'\n", name[i]);
		CHECK_U64(s.pid, 1);
		CHECK_TEXT(s.comm, name[i]);
		CHECK_INT(s.state, 'D');
		is(s.cpu, 7);
		is(task_stat_field(TN(line, (size_t)n), 4), 119);
		is(task_stat_field(TN(line, (size_t)n), 39), 7);
		CHECK(!task_stat_field(TN(line, (size_t)n), 46).known); /* beyond the end */
		CHECK(!task_stat_field(TN(line, (size_t)n), 8).known);  /* -1 */
	}
}

static void
damaged(void)
{
	struct task_stat s;

	CHECK(task_stat_parse(T(""), &s) < 0);
	CHECK(task_stat_parse(T("160"), &s) < 0);
	CHECK(task_stat_parse(T("160 labtool R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 )labtool( R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool)"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) RR " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("x (labtool) R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("-1 (labtool) R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) R 1 2 3\n"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) R 1 2 3 4 5 -6\n"), &s) < 0);
	CHECK(task_stat_parse(T("\0\xff) \x80"), &s) < 0);
	CHECK(errno == EINVAL);
}

/* As field 39 of a text with 38 fields before it. */
static int
with_processor(const char *processor, struct task_stat *s)
{
	char line[400];
	int n = snprintf(line, sizeof line,
	    "1 (x) S 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 "
	    "31 32 33 34 35 36 37 %s",
	    processor);

	return task_stat_parse(TN(line, (size_t)n), s);
}

static void
processors(void)
{
	struct task_stat s;

	CHECK_INT(with_processor("0 40\n", &s), 0);
	is(s.cpu, 0);
	CHECK_INT(with_processor("8191\n", &s), 0);
	is(s.cpu, 8191);
	CHECK(!s.blkio_ticks.known);
	CHECK(with_processor("8191", &s) < 0);
	CHECK_INT(with_processor("\n", &s), 0);
	CHECK(!s.cpu.known);
	CHECK_INT(with_processor("-1 40\n", &s), 0);
	CHECK(!s.cpu.known);
	CHECK_INT(with_processor("18446744073709551616 40\n", &s), 0);
	CHECK(!s.cpu.known);
}

static void
truncated(void)
{
	static const char line[] = "160 (a) b) R " FIELDS;
	struct task_stat s = { .pid = 5 };

	for (size_t n = 0; n < sizeof line - 1; n++)
		CHECK(task_stat_parse(TN(line, n), &s) < 0);
	CHECK_U64(s.pid, 5);
	CHECK_INT(task_stat_parse(TN(line, sizeof line - 1), &s), 0);
}

static void
allowed(void)
{
	struct cpulist l;

	CHECK_INT(
	    task_allowed_parse(
		T("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-1,4\nMems_allowed:\t1\n"),
		&l),
	    0);
	CHECK(
	    cpulist_has(&l, 0) && cpulist_has(&l, 1) && !cpulist_has(&l, 2) && cpulist_has(&l, 4));
	CHECK_INT(task_allowed_parse(T("Cpus_allowed_list:\t5"), &l), 0);
	CHECK(cpulist_has(&l, 5) && !cpulist_has(&l, 0));
}

static void
not_allowed(void)
{
	struct cpulist l;

	CHECK(task_allowed_parse(T(""), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Name:\tx\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\tx\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Name:\tCpus_allowed_list:\t1\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\t0-9999\n"), &l) < 0 && errno == ERANGE);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\t3-\n"), &l) < 0 && errno == EINVAL);
}

/* ---- /proc/PID/limits, /proc/PID/environ */

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

/* ---- schedstat and status of a thread */

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

/* ---- syscall, wchan and sched of a thread, and the names of system calls */

static void
call(void)
{
	struct task_call c;

	CHECK_INT(task_call_parse(T("0 0x3 0x7f43b5382000 0x20000 0x7f43b5413b60 0xffffffff 0x0 "
				    "0x7fff3a3aa978 0x7f43b54fc2ad\n"),
		      &c),
	    0);
	CHECK_INT(c.kind, CALL_SYSTEM);
	CHECK_U64(c.number, 0);
	CHECK_U64(c.arg[0], 3);
	CHECK_U64(c.arg[1], 0x7f43b5382000);
	CHECK_U64(c.sp, 0x7fff3a3aa978);
	CHECK_U64(c.pc, 0x7f43b54fc2ad);
	CHECK_INT(task_call_parse(T("running\n"), &c), 0);
	CHECK_INT(c.kind, CALL_RUNNING);
	CHECK_INT(task_call_parse(T("-1 0x7fff3a3aa978 0x7f43b54fc2ad\n"), &c), 0);
	CHECK_INT(c.kind, CALL_NONE);
}

static void
call_damaged(void)
{
	static const char *const bad[] = { "", "\n", "0\n", "x\n",
		"0 3 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n", "0 0x 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n",
		"0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n",
		"0 0x11112222333344445 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n", "-2 0x0 0x0\n",
		"0 0xg 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n" };
	struct task_call c;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK(task_call_parse(TN(bad[i], strlen(bad[i])), &c) < 0 && errno == EINVAL))
			printf("# for '%s'\n", bad[i]);
}

static void
wchan(void)
{
	struct text name;

	CHECK_INT(task_wchan_parse(T("hrtimer_nanosleep"), &name), 0);
	CHECK_TEXT(name, "hrtimer_nanosleep");
	CHECK_INT(task_wchan_parse(T("ep_poll\n"), &name), 0);
	CHECK_TEXT(name, "ep_poll");
	CHECK(task_wchan_parse(T("0"), &name) < 0 && errno == ENODATA);
	CHECK(task_wchan_parse(T(""), &name) < 0 && errno == EINVAL);
	CHECK(task_wchan_parse(T("a b"), &name) < 0 && errno == EINVAL);
	CHECK(task_wchan_parse(T("a\0b"), &name) < 0 && errno == EINVAL);
}

static void
left(void)
{
	static const char line[] = "x (32546, #threads: 1)\n---\nse.exec_start                     "
				   "           :      22895136.549886\n";
	int64_t ns = 1;

	for (size_t n = 0; n < sizeof line - 1; n++)
		CHECK(task_left_parse(TN(line, n), &ns) < 0 && errno == EINVAL);
	CHECK_INT(ns, 1);
	CHECK_INT(task_left_parse(TN(line, sizeof line - 1), &ns), 0);
	CHECK_INT(ns, 22895136549886);
	CHECK_INT(task_left_parse(T("se.exec_start : 0.000001\nse.x : 1\n"), &ns), 0);
	CHECK_INT(ns, 1);
	CHECK(task_left_parse(T("se.exec_start : -1.000001\n"), &ns) < 0);
	CHECK(task_left_parse(T("se.exec_start : 1.1\n"), &ns) < 0);
	CHECK(task_left_parse(T("se.exec_start : 18446744073709551615.000001\n"), &ns) < 0);
}

static void
is_named(const char *machine, uint64_t number, const char *want)
{
	char name[SYSCALL_NAME_MOST];

	syscall_name(machine, number, name);
	if (!CHECK(strcmp(name, want) == 0))
		printf(
		    "# %s %llu: %s, wanted %s\n", machine, (unsigned long long)number, name, want);
}

static void
task_wait_names(void)
{
	is_named("x86_64", 0, "read");
	is_named("x86_64", 14, "rt_sigprocmask");
	is_named("x86_64", 15, "rt_sigreturn");
	is_named("x86_64", 202, "futex");
	is_named("x86_64", 230, "clock_nanosleep");
	is_named("x86_64", 232, "epoll_wait");
	is_named("x86_64", 334, "rseq");
	is_named("x86_64", 424, "pidfd_send_signal");
	is_named("x86_64", 441, "epoll_pwait2");
	is_named("x86_64", 469, "file_setattr");
	is_named("x86_64", 471, "rseq_slice_yield");
	is_named("aarch64", 0, "io_setup");
	is_named("aarch64", 63, "read");
	is_named("aarch64", 98, "futex");
	is_named("aarch64", 115, "clock_nanosleep");
	is_named("riscv64", 22, "epoll_pwait");
	is_named("riscv64", 73, "ppoll");
	is_named("riscv64", 258, "riscv_hwprobe");
	is_named("riscv64", 293, "rseq");
	is_named("riscv64", 441, "epoll_pwait2");
	is_named("riscv64", 462, "mseal");
}

static void
no_names(void)
{
	is_named("x86_64", 400, "syscall_400");
	is_named("x86_64", 999, "syscall_999");
	is_named("x86_64", UINT64_MAX, "syscall_18446744073709551615");
	is_named("aarch64", 250, "syscall_250");
	is_named("i686", 3, "syscall_3");
	is_named("", 0, "syscall_0");
}

static void
kinds(void)
{
	CHECK(syscall_takes_fd("read") && syscall_takes_fd("epoll_wait") &&
	    !syscall_takes_fd("poll") && !syscall_takes_fd("futex"));
	CHECK(syscall_is_idle("futex") && syscall_is_idle("msgrcv") && !syscall_is_idle("read") &&
	    !syscall_is_idle("") && !syscall_is_idle("fute"));
}

static void
credentials(void)
{
	uint64_t v;

	CHECK_INT(task_capabilities_parse(T("CapPrm:\t1\nCapEff:\t000001ffffffffff\n"), &v), 0);
	CHECK_U64(v, 0x1ffffffffff);
	CHECK_INT(task_capabilities_parse(T("CapPrm:\t1\n"), &v), -1);
	CHECK_INT(task_capabilities_parse(T("CapEff:\txyz\n"), &v), -1);
	CHECK_INT(task_capabilities_parse(T("CapEff:\t11112222333344445\n"), &v), -1);
	CHECK_INT(task_capabilities_parse(T("CapEff:"), &v), -1);
	CHECK(task_in_group(T("Gid:\t1\t2\t3\t4\nGroups:\t10 20 \n"), 20));
	CHECK(task_in_group(T("Gid:\t1\t2\t3\t4\nGroups:\t\n"), 2));
	CHECK(!task_in_group(T("Gid:\t1\t2\t3\t4\nGroups:\t10 20 \n"), 30));
	CHECK(!task_in_group(T(""), 0));
}

int
main(void)
{
	unit_test("capabilities and groups", credentials);
	unit_test("pid, state and CPU of a real text", of_a_kernel);
	unit_test("names may have parentheses, blanks and newlines", task_names);
	unit_test("a damaged text is an error", damaged);
	unit_test("the CPU is field 39", processors);
	unit_test("text truncated anywhere is safe", truncated);
	unit_test("the CPUs that a task may run on", allowed);
	unit_test("no list of CPUs is an error", not_allowed);
	unit_test("limits of open files and processes", rlimits);
	unit_test("truncated and senseless lines are unknown", rlimits_damaged);
	unit_test("a variable is found by its whole name", environ_names);
	unit_test("an option in a variable", environ_options);
	unit_test("schedstat of a thread", sched);
	unit_test("schedstat, truncated and damaged", damaged_sched);
	unit_test("status of a thread: state and switches", status);
	unit_test("the system call, its arguments, and none", call);
	unit_test("a damaged call is an error", call_damaged);
	unit_test("wchan; 0 is unknown", wchan);
	unit_test("sched: when a thread was last on a CPU", left);
	unit_test("system calls have the names of each architecture", task_wait_names);
	unit_test("unknown system calls have their number", no_names);
	unit_test("which calls wait for a descriptor, and which may be idle", kinds);
	return unit_done();
}
