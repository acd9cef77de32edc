/* /proc/PID/cgroup */
#include "proc/mountinfo.h"

#include "unit.h"

static void
check(struct text t, const char *controller, int version, const char *path)
{
	struct text got = text_of("(untouched)");

	if (!CHECK_INT(pidcgroup_find(t, controller, &got), version))
		printf("# for %s in %.*s\n", controller ? controller : "v2", (int)t.n, t.s);
	CHECK_TEXT(got, path ? path : "(untouched)");
}

static void
v2(void)
{
	check(T("0::/\n"), "cpu", 2, "/");
	check(T("0::/"), NULL, 2, "/");
	check(T("0::/docker/0123abcd\n"), "memory", 2, "/docker/0123abcd");
	check(T("0::/../../user-1000.slice/session-520.scope\n"), "cpu", 2,
	    "/../../user-1000.slice/session-520.scope");
}

static void
v1(void)
{
	struct text t = T("12:cpuset:/s\n11:memory:/docker/m\n4:cpu,cpuacct:/docker/"
			  "c\n1:name=systemd:/docker/x\n");

	check(t, "memory", 1, "/docker/m");
	check(t, "cpu", 1, "/docker/c");
	check(t, "cpuacct", 1, "/docker/c");
	check(t, "cpuset", 1, "/s");
	check(t, "blkio", 0, NULL);
	check(t, NULL, 0, NULL);
}

/* Per controller: on a hybrid machine the v1 line wins, wherever the v2 line stands. */
static void
hybrid(void)
{
	struct text first = T("0::/two\n2:cpu,cpuacct:/one\n"),
		    last = T("2:cpuacct,cpu:/one\n1:name=systemd:/sys\n0::/two\n");

	check(first, "cpu", 1, "/one");
	check(last, "cpu", 1, "/one");
	check(last, "cpuacct", 1, "/one");
	check(first, "memory", 2, "/two");
	check(last, "memory", 2, "/two");
	check(first, NULL, 2, "/two");
	check(last, NULL, 2, "/two");
}

static void
whole_controllers(void)
{
	check(T("3:cpuacct:/a\n2:cpuset:/s\n"), "cpu", 0, NULL);
	check(T("3:cpuacct:/a\n2:cpuset:/s\n1:cpu:/c\n"), "cpu", 1, "/c");
	check(T("3:net_cls,cpuacct,memory,cpu:/all\n"), "memory", 1, "/all");
	check(T("1:name=cpu:/named\n"), "cpu", 0, NULL);
}

static void
names(void)
{
	check(T("1:cpu:/pq/sp ace:colon::x\n"), "cpu", 1, "/pq/sp ace:colon::x");
	check(T("0::/a:b c\\040\t\x1b[31m\n"), "cpu", 2, "/a:b c\\040\t\x1b[31m");
	check(T("0::/0::/x\n"), "cpu", 2, "/0::/x");
}

static void
deleted(void)
{
	check(T("0::/gone (deleted)\n"), "cpu", 2, "/gone");
	check(T("0::/gone (deleted)"), NULL, 2, "/gone");
	check(T("0::/ (deleted)\n"), NULL, 2, "/");
	check(T("0::/not (deleted) yet\n"), NULL, 2, "/not (deleted) yet");
	check(T("0::/(deleted)\n"), NULL, 2, "/(deleted)");
}

/* Only 0 is the unified hierarchy: others without controllers are v1's named ones, or somebody's
 * invention. */
static void
other_ids(void)
{
	check(T("12::/\n"), "cpu", 0, NULL);
	check(T("12::/\n"), NULL, 0, NULL);
	check(T("12::/x\n0::/y\n"), "cpu", 2, "/y");
	check(T("00::/x\n"), "cpu", 0, NULL);
	check(T("::/x\n"), "cpu", 0, NULL);
	check(T("0:cpu:/x\n"), "cpu", 1, "/x");
	check(T("0:cpu:/x\n"), "memory", 0, NULL);
	check(T("99999999999999999999:cpu:/x\n"), "cpu", 1, "/x");
}

static void
damaged(void)
{
	static const char *const bad[] = { "", "\n", "0", "0:", "0::", "0::\n", "0::x", "0:/", ":",
		"::", ":::", "cpu", "1:cpu", "1:cpu:", "1:cpu:x", "0 ::/", " 0::/" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(TN(bad[i], strlen(bad[i])), "cpu", 0, NULL);
	check(T("\0\xff:\x80:\n0:\0:/\n"), "cpu", 0, NULL);
	check(T("broken\n0::/x\n"), "cpu", 2, "/x");
}

static void
a_long_path(void)
{
	enum { N = 70000 };
	char *s = malloc(N);
	struct text path = { 0 };

	memset(s, 'p', N);
	memcpy(s, "1:cpu:/", 7);
	CHECK_INT(pidcgroup_find(TN(s, N), "cpu", &path), 1);
	CHECK_INT(path.n, N - 6);
	free(s);
}

int
main(void)
{
	unit_test("the v2 line", v2);
	unit_test("the v1 line of a controller", v1);
	unit_test("v1 before v2, per controller", hybrid);
	unit_test("controllers are whole words, in any order", whole_controllers);
	unit_test("a path may have blanks, colons and anything else", names);
	unit_test("the mark of a deleted group is no part of its name", deleted);
	unit_test("no controllers and another id is not v2", other_ids);
	unit_test("damaged lines are skipped", damaged);
	unit_test("a path of 70 KB", a_long_path);
	return unit_done();
}
