/* syscall, wchan and sched of a thread, and the names of system calls */
#include "proc/task.h"

#include <errno.h>

#include "proc/syscalls.h"
#include "unit.h"

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
names(void)
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

int
main(void)
{
	unit_test("the system call, its arguments, and none", call);
	unit_test("a damaged call is an error", call_damaged);
	unit_test("wchan; 0 is unknown", wchan);
	unit_test("sched: when a thread was last on a CPU", left);
	unit_test("system calls have their names on each machine", names);
	unit_test("those that are not known have their number", no_names);
	unit_test("which calls wait for a descriptor, and which may be idle", kinds);
	return unit_done();
}
