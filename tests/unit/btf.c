/* The types of a kernel, from its BTF and from the format files of tracefs. */
#include "bpf/btf.h"

#include <errno.h>

#include "unit.h"

/* ---- BTF, from a blob made here */

/* Types and strings as they are put together. */
static struct {
	uint32_t types[200];
	size_t n;
	char strings[400];
	size_t strings_n;
	uint32_t ids;
} made;

static void
begin(void)
{
	memset(&made, 0, sizeof made);
	made.strings_n = 1;
}

static uint32_t
string(const char *s)
{
	size_t at = made.strings_n;

	memcpy(made.strings + at, s, strlen(s) + 1);
	made.strings_n += strlen(s) + 1;
	return (uint32_t)at;
}

static void
word(uint32_t w)
{
	made.types[made.n++] = w;
}

static uint32_t
type(uint32_t name, unsigned kind, uint32_t count, uint32_t size)
{
	word(name);
	word(kind << 24 | count);
	word(size);
	return ++made.ids;
}

static void
three(uint32_t a, uint32_t b, uint32_t c)
{
	word(a);
	word(b);
	word(c);
}

/* The whole: a header, the types, the strings. */
static struct text
blob(void)
{
	static char out[2000];
	uint32_t n = (uint32_t)(made.n * 4),
		 header[] = { 0x0001eb9f, 24, 0, n, n, (uint32_t)made.strings_n };

	memcpy(out, header, sizeof header);
	memcpy(out + 24, made.types, n);
	memcpy(out + 24 + n, made.strings, made.strings_n);
	return TN(out, 24 + n + made.strings_n);
}

static uint32_t task, event;

/* One type of every kind, so that the walk is right past each. */
static struct text
kernel(void)
{
	begin();
	uint32_t state = string("__state"), pid = string("pid"), deep = string("deep"),
		 bits = string("bits");
	uint32_t tgid = string("tgid"), name = string("task_struct");
	uint32_t integer = type(string("int"), BTF_INT, 0, 4);
	word(32);
	uint32_t pid_t_ = type(string("pid_t"), BTF_TYPEDEF, 0, integer),
		 state_t = type(0, 9, 0, integer); /* volatile */
	type(0, 3, 0, 0);                          /* array */
	three(integer, integer, 7);
	type(string("state"), BTF_ENUM, 1, 4);
	word(tgid);
	word(0);
	type(name, 7, 0, 0); /* declared only */
	uint32_t inner = type(0, BTF_UNION, 1, 8);
	three(deep, pid_t_, 0);
	uint32_t outer = type(0, BTF_STRUCT, 2, 16);
	three(string("other"), integer, 0);
	three(0, inner, 64);
	task = type(name, BTF_STRUCT, 5, 64);
	three(state, state_t, 8 * 24);
	three(0, outer, 8 * 32);
	three(pid, pid_t_, 8 * 1264);
	three(bits, integer, 8 * 8 | 1);
	three(string("far"), integer, 8 * 40000);
	type(string("fn"), 12, 0, 0);
	type(string("v"), 14, 0, integer);
	word(0);
	type(string(".data"), 15, 1, 8);
	three(1, 0, 4);
	type(string("double"), 16, 0, 8);
	type(string("tag"), 17, 0, task);
	word(0);
	type(string("tag2"), 18, 0, task);
	type(string("e64"), 19, 1, 8);
	three(tgid, 0, 0);
	uint32_t function = type(0, BTF_FUNC_PROTO, 5, 0);
	for (int i = 0; i < 10; i++)
		word(0);
	uint32_t to = type(0, BTF_PTR, 0, function);
	event = type(string("btf_trace_sched_switch"), BTF_TYPEDEF, 0, to);
	return blob();
}

static void
finds(void)
{
	struct btf b;
	uint32_t id;

	if (!CHECK(btf_parse(kernel(), &b) == 0))
		return;
	CHECK_INT(b.n, made.ids);
	CHECK(btf_find(&b, BTF_TYPEDEF, "btf_trace_sched_switch", &id) == 0 && id == event);
	CHECK(btf_find(&b, BTF_STRUCT, "task_struct", &id) == 0 && id == task);
	CHECK(btf_find(&b, BTF_TYPEDEF, "task_struct", &id) < 0);  /* of another kind */
	CHECK(btf_find(&b, BTF_TYPEDEF, "sched_switch", &id) < 0); /* the end of a name */
	CHECK(btf_find(&b, BTF_TYPEDEF, "btf_trace_sched", &id) < 0);
	CHECK(btf_find(&b, BTF_TYPEDEF, "", &id) < 0);
	btf_free(&b);
}

static void
members(void)
{
	struct btf_member m = { 0 };
	struct btf b;

	if (!CHECK(btf_parse(kernel(), &b) == 0))
		return;
	CHECK(btf_member(&b, task, "pid", &m) == 0 && m.offset == 1264 && m.size == 4);
	CHECK(btf_member(&b, task, "__state", &m) == 0 && m.offset == 24 && m.size == 4);
	CHECK(btf_member(&b, task, "deep", &m) == 0 && m.offset == 32 + 8 && m.size == 4);
	CHECK(btf_member(&b, task, "tgid", &m) < 0); /* a name, but none of its members */
	CHECK(btf_member(&b, task, "nothing", &m) < 0);
	CHECK(btf_member(&b, task, "bits", &m) < 0);
	CHECK(btf_member(&b, task, "far", &m) < 0);
	CHECK(btf_member(&b, event, "pid", &m) < 0);
	CHECK(btf_member(&b, 0, "pid", &m) < 0);
	CHECK(btf_member(&b, made.ids + 1, "pid", &m) < 0);
	btf_free(&b);
}

/* With the flag, the upper 8 bits of an offset are the width of a bit field. */
static void
flagged(void)
{
	struct btf_member m = { 0 };
	struct btf b;

	begin();
	uint32_t one = string("one"), two = string("two");
	uint32_t integer = type(string("int"), BTF_INT, 0, 4);
	word(32);
	uint32_t id = type(string("s"), BTF_STRUCT | 0x80, 2, 16);
	three(one, integer, 64);
	three(two, integer, 3 << 24 | 32);
	CHECK_INT(btf_parse(blob(), &b), 0);
	CHECK(btf_member(&b, id, "one", &m) == 0 && m.offset == 8);
	CHECK(btf_member(&b, id, "two", &m) < 0);
	btf_free(&b);
}

static void
parameters(void)
{
	struct btf b;

	if (!CHECK(btf_parse(kernel(), &b) == 0))
		return;
	CHECK_INT(btf_params(&b, event), 5);
	CHECK_INT(btf_params(&b, event - 1), -1);
	CHECK_INT(btf_params(&b, 0), -1);
	CHECK_INT(btf_params(&b, 1000), -1);
	btf_free(&b);
}

static void
within_itself(void)
{
	struct btf_member m = { 0 };
	struct btf b;

	begin();
	string("pid");
	uint32_t id = type(string("s"), BTF_STRUCT, 30, 4);
	for (int i = 0; i < 30; i++)
		three(0, id, 8);
	CHECK_INT(btf_parse(blob(), &b), 0);
	CHECK(btf_member(&b, id, "pid", &m) < 0);
	btf_free(&b);
}

static void
btf_truncated(void)
{
	struct text t = kernel();
	struct btf b;

	for (size_t n = 0; n < t.n; n++)
		CHECK(btf_parse(TN(t.s, n), &b) < 0);
}

/* One byte of the blob is another. */
static bool
parses_with(size_t at, char byte)
{
	struct text t = kernel();
	char *copy = unit_copy(t.s, t.n);
	struct btf b;

	copy[at] = byte;
	if (btf_parse((struct text){ copy, t.n }, &b) < 0)
		return false;
	btf_free(&b);
	return true;
}

static void
btf_damaged(void)
{
	struct text t = kernel();

	CHECK(parses_with(t.n - 2, 'x'));
	CHECK(!parses_with(0, 0));  /* the magic */
	CHECK(!parses_with(2, 2));  /* the version */
	CHECK(!parses_with(4, 8));  /* a header that is too short */
	CHECK(!parses_with(7, 1));  /* or too long */
	CHECK(!parses_with(11, 1)); /* sections that lie outside */
	CHECK(!parses_with(15, 1));
	CHECK(!parses_with(19, 1));
	CHECK(!parses_with(23, 1));
	CHECK(!parses_with(24 + 7, 31)); /* no such kind */
	CHECK(!parses_with(24 + 7, 0));
	CHECK(!parses_with(t.n - 1, 'x')); /* strings without an end */
}

/* ---- format files of tracefs */

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
format_damaged(void)
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
format_truncated(void)
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
	unit_test("BTF: types by kind and name", finds);
	unit_test("BTF: members of anonymous members are found", members);
	unit_test("BTF: bit fields by the structure's flag", flagged);
	unit_test("BTF: parameters of a tracepoint", parameters);
	unit_test("BTF: a structure that contains itself does not loop", within_itself);
	unit_test("BTF: text truncated anywhere is safe", btf_truncated);
	unit_test("BTF: damaged", btf_damaged);
	unit_test("format file: fields and the id", fields);
	unit_test("format file: an extra common field is accepted", elsewhere);
	unit_test("format file: damaged", format_damaged);
	unit_test("format file: invalid ids are errors", ids);
	unit_test("format file: text truncated anywhere is safe", format_truncated);
	return unit_done();
}
