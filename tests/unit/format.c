/* format files of tracefs */
#include "bpf/btf.h"

#include <errno.h>

#include "unit.h"

#define COMMON \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"

static const char usual[] =
    "name: sched_switch\nID: 372\nformat:\n" COMMON "\n"
    "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
    "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
    "\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
    "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
    "\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
    "\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n"
    "\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n\n"
    "print fmt: \"prev_comm=%s prev_pid=%d\", REC->prev_comm, REC->prev_pid\n";

/* RHEL 9, and kernels with the patches for real time */
static const char rhel9[] =
    "name: sched_switch\nID: 314\nformat:\n" COMMON
    "\tfield:unsigned char common_preempt_lazy_count;\toffset:8;\tsize:1;\tsigned:0;\n\n"
    "\tfield:char prev_comm[16];\toffset:12;\tsize:16;\tsigned:0;\n"
    "\tfield:pid_t prev_pid;\toffset:28;\tsize:4;\tsigned:1;\n"
    "\tfield:int prev_prio;\toffset:32;\tsize:4;\tsigned:1;\n"
    "\tfield:long prev_state;\toffset:40;\tsize:8;\tsigned:1;\n"
    "\tfield:char next_comm[16];\toffset:48;\tsize:16;\tsigned:0;\n"
    "\tfield:pid_t next_pid;\toffset:64;\tsize:4;\tsigned:1;\n"
    "\tfield:int next_prio;\toffset:68;\tsize:4;\tsigned:1;\n\nprint fmt: \"\"\n";

static void
check_field(struct text t, const char *name, uint32_t offset, uint32_t size)
{
	struct format_field f = { 99, 99 };

	CHECK_INT(format_field(t, name, &f), 0);
	CHECK_INT(f.offset, offset);
	CHECK_INT(f.size, size);
}

static void
fields(void)
{
	struct text t = TN(usual, sizeof usual - 1);
	uint32_t id = 0;

	check_field(t, "prev_pid", 24, 4);
	check_field(t, "prev_state", 32, 8);
	check_field(t, "next_pid", 56, 4);
	check_field(t, "next_comm", 40, 16);
	CHECK(format_id(t, &id) == 0 && id == 372);
}

static void
elsewhere(void)
{
	struct text t = TN(rhel9, sizeof rhel9 - 1);
	uint32_t id = 0;

	check_field(t, "prev_pid", 28, 4);
	check_field(t, "prev_state", 40, 8);
	check_field(t, "next_pid", 64, 4);
	CHECK(format_id(t, &id) == 0 && id == 314);
}

static int
error_of(struct text t, const char *name)
{
	struct format_field f;

	errno = 0;
	return format_field(t, name, &f) < 0 ? errno : 0;
}

static void
damaged(void)
{
	CHECK_INT(error_of(TN(usual, sizeof usual - 1), "pid"), ENOENT);
	CHECK_INT(error_of(TN(usual, sizeof usual - 1), ""), ENOENT);
	CHECK_INT(error_of(T(""), "pid"), ENOENT);
	CHECK_INT(error_of(T("\tfield:;\toffset:8;\tsize:4;"), "pid"), ENOENT);
	CHECK_INT(error_of(T("\tfield:pid_t pid"), "pid"), EINVAL);
	CHECK_INT(error_of(T("\tfield:pid_t pid;\toffset:8;\tsiz:4;"), "pid"), EINVAL);
	CHECK_INT(error_of(T("\tfield:pid_t pid;\toffset:x;\tsize:4;"), "pid"), EINVAL);
	CHECK_INT(error_of(T("\tfield:pid_t pid;\toffset:-8;\tsize:4;"), "pid"), EINVAL);
	CHECK_INT(error_of(T("\tfield:pid_t pid;\toffset:99999;\tsize:4;"), "pid"), ERANGE);
	CHECK_INT(error_of(T("\tfield:pid_t pid;\toffset:32766;\tsize:4;"), "pid"), ERANGE);
	CHECK_INT(error_of(T("\tfield:\0\xff pid;\toffset:8;\tsize:4;"), "pid"), 0);
}

static void
ids(void)
{
	uint32_t id = 7;

	CHECK(format_id(T("name: x\n"), &id) < 0);
	CHECK(format_id(T("ID: \n"), &id) < 0);
	CHECK(format_id(T("ID: 12x\n"), &id) < 0);
	CHECK(format_id(T("ID: 4294967296\n"), &id) < 0);
	CHECK(format_id(T("ID: 37"), &id) < 0); /* may go on */
	CHECK_INT(id, 7);
}

static void
truncated(void)
{
	const char *end = strstr(usual, "next_pid;\toffset:56;\tsize:4;") +
	    strlen("next_pid;\toffset:56;\tsize:4");

	for (size_t n = 0; n < sizeof usual; n++) {
		struct format_field f = { 0 };
		if (format_field(TN(usual, n), "next_pid", &f) == 0)
			CHECK(usual + n >= end && f.offset == 56 && f.size == 4);
		else
			CHECK(usual + n < end);
	}
}

int
main(void)
{
	unit_test("fields and the id", fields);
	unit_test("a common field more", elsewhere);
	unit_test("damaged", damaged);
	unit_test("ids that are none", ids);
	unit_test("truncated anywhere", truncated);
	return unit_done();
}
