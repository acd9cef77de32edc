/* /proc/PID/mountinfo and /proc/PID/cgroup: where the cgroups are. */
#include "proc/mountinfo.h"

#include "unit.h"

/* ---- /proc/PID/mountinfo: the mounts of the cgroup file systems among all others */

/* The first cgroup mount of a text; its strings are the test's. */
static bool
first(struct text t, struct cgroup_mount *m)
{
	struct arena a = { 0 };
	bool found = mountinfo_next(&t, &a, m);

	if (found) {
		m->root = unit_copy(m->root, strlen(m->root) + 1);
		m->point = unit_copy(m->point, strlen(m->point) + 1);
		m->super = unit_copy(m->super, strlen(m->super) + 1);
	}
	arena_free(&a);
	return found;
}

static void
mountinfo_check(struct text t, int version, const char *root, const char *point, const char *super)
{
	struct cgroup_mount m;

	if (!CHECK(first(t, &m))) {
		printf("# for %.*s\n", (int)(t.n < 200 ? t.n : 200), t.s);
		return;
	}
	CHECK_INT(m.version, version);
	CHECK_STRING(m.root, root);
	CHECK_STRING(m.point, point);
	CHECK_STRING(m.super, super);
}

static void
optional_fields(void)
{
	mountinfo_check(T("43 42 0:23 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"), 2, "/",
	    "/sys/fs/cgroup", "rw");
	mountinfo_check(T("43 42 0:23 / /sys/fs/cgroup ro,nosuid master:1 - cgroup2 cgroup rw\n"),
	    2, "/", "/sys/fs/cgroup", "rw");
	mountinfo_check(
	    T("43 42 0:23 / /sys/fs/cgroup ro shared:409 master:1 - cgroup2 cgroup rw\n"), 2, "/",
	    "/sys/fs/cgroup", "rw");
	mountinfo_check(
	    T("43 42 0:23 / /sys/fs/cgroup ro shared:409 master:1 propagate_from:3 unbindable - "
	      "cgroup2 cgroup rw\n"),
	    2, "/", "/sys/fs/cgroup", "rw");
}

static void
hyphens(void)
{
	mountinfo_check(
	    T("1 2 0:23 /system.slice/docker-65-.scope /sys/fs/cgroup/cpu ro master:1 - cgroup "
	      "cgroup rw,cpu\n"),
	    1, "/system.slice/docker-65-.scope", "/sys/fs/cgroup/cpu", "rw,cpu");
	mountinfo_check(
	    T("1 2 0:23 /a\\040-\\040cgroup2\\040x /sys/fs/cgroup ro - cgroup none rw,memory\n"), 1,
	    "/a - cgroup2 x", "/sys/fs/cgroup", "rw,memory");
	mountinfo_check(T("1 2 0:23 / /- - - cgroup2 - rw\n"), 2, "/", "/-", "rw");
}

static void
escapes(void)
{
	mountinfo_check(
	    T("1 2 0:23 /sp\\040ace\\011tab\\012line\\134back /mnt\\040x\\134040 rw - cgroup2 "
	      "none rw\n"),
	    2, "/sp ace\ttab\nline\\back", "/mnt x\\040", "rw");
	mountinfo_check(
	    T("1 2 0:23 /a\\04 /b\\ rw - cgroup2 none rw\n"), 2, "/a\\04", "/b\\", "rw");
	mountinfo_check(T("1 2 0:23 /a\\0 /b\\999\\400 rw - cgroup2 none rw\\04"), 2, "/a\\0",
	    "/b\\999\\400", "rw\\04");
}

static void
super_options(void)
{
	mountinfo_check(
	    T("1 2 0:23 / /x rw - cgroup cgroup rw,path=C:\\134Program Files\\134x, a - b,cpu\n"),
	    1, "/", "/x", "rw,path=C:\\Program Files\\x, a - b,cpu");
	mountinfo_check(T("1 2 0:23 / /x rw - cgroup cgroup\n"), 1, "/", "/x", "");
	mountinfo_check(T("1 2 0:23 / /x rw - cgroup cgroup "), 1, "/", "/x", "");
}

static void
empty_fields(void)
{
	mountinfo_check(T("26 23 0:22  /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"), 2, "",
	    "/sys/fs/cgroup", "rw");
	mountinfo_check(T("26 23 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2  rw\n"), 2, "/",
	    "/sys/fs/cgroup", "rw");
	mountinfo_check(T("26 23 0:22 / /sys/fs/cgroup rw,nosuid  - cgroup2 cgroup2 rw\n"), 2, "/",
	    "/sys/fs/cgroup", "rw");
}

static void
relative_roots(void)
{
	mountinfo_check(T("1 2 0:23 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n"), 2, "/../..",
	    "/sys/fs/cgroup", "rw");
	mountinfo_check(T("1 2 0:23 /../sib /sys/fs/cgroup rw - cgroup2 cgroup rw\n"), 2, "/../sib",
	    "/sys/fs/cgroup", "rw");
}

static void
others(void)
{
	struct cgroup_mount m;

	CHECK(!first(T("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), &m));
	CHECK(!first(T("22 1 8:1 / /x rw - cgroup3 cgroup rw\n"), &m));
	CHECK(!first(T("22 1 8:1 / /cgroup2 rw - tmpfs cgroup rw,mode=755\n"), &m));
	CHECK(!first(T("22 1 8:1 / /x rw - 9p drvfs rw,dirsync,aname=drvfs;path=C:\\134Program "
		       "Files - cgroup2 x\n"),
	    &m));
	mountinfo_check(T("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 1 0:1 / /a rw - cgroup none "
			  "rw,name=systemd\n"),
	    1, "/", "/a", "rw,name=systemd");
}

static void
mountinfo_damaged(void)
{
	static const char *const bad[] = { "", "\n\n", " ", "1 2 0:23 / /x rw",
		"1 2 0:23 / /x rw -", "1 2 0:23 / /x rw - ", "1 2 0:23 / /x rw - cgroup2",
		"1 2 0:23 / /x rw cgroup2 cgroup2 rw", "1 2 0:23 /  rw - cgroup2 cgroup2 rw",
		"1 2 0:23 / relative rw - cgroup2 cgroup2 rw" };
	struct cgroup_mount m;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK(!first(TN(bad[i], strlen(bad[i])), &m)))
			printf("# for '%s'\n", bad[i]);
	CHECK(!first(T("\0\0\xff - \x80\n"), &m));
}

static void
long_lines(void)
{
	enum { N = 70000 };
	static const char head[] = "30 1 0:40 / / rw - overlay overlay rw,lowerdir=";
	static const char cgroup[] = "\n43 30 0:23 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
	char *s = malloc(N + sizeof cgroup);

	memset(s, 'l', N);
	memcpy(s, head, sizeof head - 1);
	memcpy(s + N, cgroup, sizeof cgroup);
	mountinfo_check(TN(s, N + sizeof cgroup - 1), 2, "/", "/sys/fs/cgroup", "rw");
	free(s);
}

static void
a_long_root(void)
{
	enum { N = 70000 };
	char *root = malloc(N + 1), *line = malloc(N + 100);

	memset(root, 'r', N);
	root[0] = '/';
	root[N] = '\0';
	int n = sprintf(line, "1 2 0:23 %s /x rw - cgroup none rw,cpu", root);
	mountinfo_check(TN(line, (size_t)n), 1, root, "/x", "rw,cpu");
	free(root);
	free(line);
}

static void
all_of_them(void)
{
	struct text t = T("1 0 8:1 / / rw - ext4 /dev/x rw\n"
			  "2 1 0:1 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
			  "broken\n"
			  "3 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
			  "4 1 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n"
			  "5 1 0:3 / /host/sys/fs/cgroup/unified rw - cgroup2 cgroup rw");
	static const char *const points[] = { "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory",
		"/sys/fs/cgroup/unified", "/host/sys/fs/cgroup/unified" };
	struct arena a = { 0 };
	struct cgroup_mount m;

	for (int i = 0; i < 4; i++)
		if (CHECK(mountinfo_next(&t, &a, &m)))
			CHECK_STRING(m.point, points[i]);
	CHECK(!mountinfo_next(&t, &a, &m));
	CHECK(!mountinfo_next(&t, &a, &m));
	arena_free(&a);
}

static void
truncated(void)
{
	static const char line[] =
	    "43 42 0:23 /a\\040b /sys/fs/cgroup ro shared:1 - cgroup2 cgroup rw\n";
	struct cgroup_mount m;

	for (size_t n = 0; n < sizeof line; n++)
		if (first(TN(line, n), &m)) {
			CHECK(n > strlen(line) - strlen("cgroup rw\n"));
			CHECK_STRING(m.root, "/a b");
		}
}

static void
controllers(void)
{
	CHECK(comma_list_has(T("rw,cpu,cpuacct"), "cpu"));
	CHECK(comma_list_has(T("rw,cpuacct,cpu"), "cpu"));
	CHECK(comma_list_has(T("cpu"), "cpu"));
	CHECK(comma_list_has(T("rw,net_cls,cpuacct,memory,cpu,blkio"), "memory"));
	CHECK(!comma_list_has(T("rw,cpuacct"), "cpu"));
	CHECK(!comma_list_has(T("rw,cpuset"), "cpu"));
	CHECK(!comma_list_has(T("rw,cpu"), "cpuacct"));
	CHECK(!comma_list_has(T("rw,xcpu,cpu x"), "cpu"));
	CHECK(!comma_list_has(T("rw,name=systemd"), "systemd"));
	CHECK(!comma_list_has(T(""), "cpu"));
	CHECK(comma_list_has(T(",,cpu,,"), "cpu"));
}

/* ---- /proc/PID/cgroup */

static void
pidcgroup_check(struct text t, const char *controller, int version, const char *path)
{
	struct text got = text_of("(untouched)");

	if (!CHECK_INT(pidcgroup_find(t, controller, &got), version))
		printf("# for %s in %.*s\n", controller ? controller : "v2", (int)t.n, t.s);
	CHECK_TEXT(got, path ? path : "(untouched)");
}

static void
v2(void)
{
	pidcgroup_check(T("0::/\n"), "cpu", 2, "/");
	pidcgroup_check(T("0::/"), NULL, 2, "/");
	pidcgroup_check(T("0::/docker/0123abcd\n"), "memory", 2, "/docker/0123abcd");
	pidcgroup_check(T("0::/../../user-1000.slice/session-520.scope\n"), "cpu", 2,
	    "/../../user-1000.slice/session-520.scope");
}

static void
v1(void)
{
	struct text t = T("12:cpuset:/s\n11:memory:/docker/m\n4:cpu,cpuacct:/docker/"
			  "c\n1:name=systemd:/docker/x\n");

	pidcgroup_check(t, "memory", 1, "/docker/m");
	pidcgroup_check(t, "cpu", 1, "/docker/c");
	pidcgroup_check(t, "cpuacct", 1, "/docker/c");
	pidcgroup_check(t, "cpuset", 1, "/s");
	pidcgroup_check(t, "blkio", 0, NULL);
	pidcgroup_check(t, NULL, 0, NULL);
}

/* Per controller: on a hybrid machine the v1 line wins, wherever the v2 line stands. */
static void
hybrid(void)
{
	struct text first = T("0::/two\n2:cpu,cpuacct:/one\n"),
		    last = T("2:cpuacct,cpu:/one\n1:name=systemd:/sys\n0::/two\n");

	pidcgroup_check(first, "cpu", 1, "/one");
	pidcgroup_check(last, "cpu", 1, "/one");
	pidcgroup_check(last, "cpuacct", 1, "/one");
	pidcgroup_check(first, "memory", 2, "/two");
	pidcgroup_check(last, "memory", 2, "/two");
	pidcgroup_check(first, NULL, 2, "/two");
	pidcgroup_check(last, NULL, 2, "/two");
}

static void
whole_controllers(void)
{
	pidcgroup_check(T("3:cpuacct:/a\n2:cpuset:/s\n"), "cpu", 0, NULL);
	pidcgroup_check(T("3:cpuacct:/a\n2:cpuset:/s\n1:cpu:/c\n"), "cpu", 1, "/c");
	pidcgroup_check(T("3:net_cls,cpuacct,memory,cpu:/all\n"), "memory", 1, "/all");
	pidcgroup_check(T("1:name=cpu:/named\n"), "cpu", 0, NULL);
}

static void
names(void)
{
	pidcgroup_check(T("1:cpu:/pq/sp ace:colon::x\n"), "cpu", 1, "/pq/sp ace:colon::x");
	pidcgroup_check(T("0::/a:b c\\040\t\x1b[31m\n"), "cpu", 2, "/a:b c\\040\t\x1b[31m");
	pidcgroup_check(T("0::/0::/x\n"), "cpu", 2, "/0::/x");
}

static void
deleted(void)
{
	pidcgroup_check(T("0::/gone (deleted)\n"), "cpu", 2, "/gone");
	pidcgroup_check(T("0::/gone (deleted)"), NULL, 2, "/gone");
	pidcgroup_check(T("0::/ (deleted)\n"), NULL, 2, "/");
	pidcgroup_check(T("0::/not (deleted) yet\n"), NULL, 2, "/not (deleted) yet");
	pidcgroup_check(T("0::/(deleted)\n"), NULL, 2, "/(deleted)");
}

/* Only 0 is the unified hierarchy: others without controllers are v1's named ones, or somebody's
 * invention. */
static void
other_ids(void)
{
	pidcgroup_check(T("12::/\n"), "cpu", 0, NULL);
	pidcgroup_check(T("12::/\n"), NULL, 0, NULL);
	pidcgroup_check(T("12::/x\n0::/y\n"), "cpu", 2, "/y");
	pidcgroup_check(T("00::/x\n"), "cpu", 0, NULL);
	pidcgroup_check(T("::/x\n"), "cpu", 0, NULL);
	pidcgroup_check(T("0:cpu:/x\n"), "cpu", 1, "/x");
	pidcgroup_check(T("0:cpu:/x\n"), "memory", 0, NULL);
	pidcgroup_check(T("99999999999999999999:cpu:/x\n"), "cpu", 1, "/x");
}

static void
pidcgroup_damaged(void)
{
	static const char *const bad[] = { "", "\n", "0", "0:", "0::", "0::\n", "0::x", "0:/", ":",
		"::", ":::", "cpu", "1:cpu", "1:cpu:", "1:cpu:x", "0 ::/", " 0::/" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		pidcgroup_check(TN(bad[i], strlen(bad[i])), "cpu", 0, NULL);
	pidcgroup_check(T("\0\xff:\x80:\n0:\0:/\n"), "cpu", 0, NULL);
	pidcgroup_check(T("broken\n0::/x\n"), "cpu", 2, "/x");
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

static void
proc_options(void)
{
	struct text options, value;

	CHECK(
	    mountinfo_find_proc(T("22 1 0:20 / /proc rw - proc proc rw\n"
				  "23 22 0:21 / /proc rw shared:1 - proc none rw,hidepid=2,gid=7\n"
				  "24 22 0:22 / /proc/sys ro - proc proc rw,hidepid=4\n"),
		&options));
	CHECK_TEXT(options, "rw,hidepid=2,gid=7");
	CHECK(comma_list_find(options, "hidepid", &value));
	CHECK_TEXT(value, "2");
	CHECK(comma_list_find(options, "gid", &value));
	CHECK_TEXT(value, "7");
	CHECK(!comma_list_find(options, "hide", &value));
	CHECK(
	    !mountinfo_find_proc(T("22 1 0:20 / /proc rw - tmpfs none rw,hidepid=2\n"), &options));
	CHECK(!mountinfo_find_proc(T("22 1 0:20 / /proc rw\n/proc - proc\n"), &options));
	CHECK(!mountinfo_find_proc(T(""), &options));
}

#define MOUNT(point, type) "40 20 0:50 / " point " rw,nosuid shared:1 - " type " x rw\n"

static void
may_wait(void)
{
	CHECK(mountinfo_may_wait(T(MOUNT("/", "nfs4")), "/usr/bin/x"));
	CHECK(mountinfo_may_wait(T(MOUNT("/", "ext4") MOUNT("/srv", "fuse.sshfs")), "/srv/x"));
	CHECK(!mountinfo_may_wait(T(MOUNT("/", "ext4") MOUNT("/srv", "fuse")), "/srvx/x"));
	CHECK(!mountinfo_may_wait(T(MOUNT("/", "nfs") MOUNT("/usr", "xfs")), "/usr/bin/x"));
	/* of two on one place, the later one is seen */
	CHECK(!mountinfo_may_wait(T(MOUNT("/", "nfs") MOUNT("/", "overlay")), "/x"));
	CHECK(mountinfo_may_wait(T(MOUNT("/", "overlay") MOUNT("/", "cifs")), "/x"));
	/* a blank in a name, and a damaged one */
	CHECK(mountinfo_may_wait(T(MOUNT("/", "ext4") MOUNT("/a\\040b", "fuse")), "/a b/x"));
	CHECK(!mountinfo_may_wait(T(MOUNT("/", "ext4") MOUNT("/a\\04", "fuse")), "/a b/x"));
	CHECK(!mountinfo_may_wait(T("40 20 0:50 / /\n" MOUNT("/", "ext4")), "/x"));
	CHECK(!mountinfo_may_wait(T(""), "/x"));
}

#define LXCFS(point) "40 20 0:50 /x " point " rw,nosuid - fuse.lxcfs lxcfs rw\n"

static void
lxcfs(void)
{
	const char *path = "/proc/stat";

	CHECK(mountinfo_has_lxcfs(T(LXCFS("/proc/stat")), path));
	CHECK(mountinfo_has_lxcfs(T(LXCFS("/proc/meminfo") LXCFS("/proc")), path));
	CHECK(!mountinfo_has_lxcfs(T(LXCFS("/proc/sta")), path));
	CHECK(!mountinfo_has_lxcfs(T(LXCFS("/proc/stat/x")), path));
	CHECK(!mountinfo_has_lxcfs(T(LXCFS("/")), path));
	CHECK(!mountinfo_has_lxcfs(T(LXCFS("/var/lib/lxcfs")), path));
	CHECK(!mountinfo_has_lxcfs(T("40 20 0:50 / /proc/stat rw - ext4 fuse.lxcfs rw\n"), path));
	CHECK(!mountinfo_has_lxcfs(T("40 20 0:50 / /proc/stat fuse.lxcfs rw\n"), path));
	CHECK(!mountinfo_has_lxcfs(T(" fuse.lxcfs "), path));
}

int
main(void)
{
	unit_test("the options of the last proc on /proc", proc_options);
	unit_test("mountinfo: no optional field, one, two and more", optional_fields);
	unit_test("mountinfo: the separator is a field '-', not one with a '-' in it", hyphens);
	unit_test(
	    "mountinfo: ROOT and the mount point are decoded, half an escape is not", escapes);
	unit_test(
	    "mountinfo: the super options are the rest of the line, with blanks", super_options);
	unit_test("mountinfo: an empty field is a field", empty_fields);
	unit_test("mountinfo: roots outside of the cgroup namespace", relative_roots);
	unit_test("mountinfo: other file systems are skipped, whatever their options say", others);
	unit_test("mountinfo: damaged lines are skipped", mountinfo_damaged);
	unit_test("mountinfo: a line of 70 KB before the cgroup line is skipped", long_lines);
	unit_test("mountinfo: a root of 70 KB", a_long_root);
	unit_test("mountinfo: mounts come in their order", all_of_them);
	unit_test("mountinfo: text truncated anywhere is safe", truncated);
	unit_test("mountinfo: controllers are whole words, in any order", controllers);
	unit_test("mountinfo: lxcfs over a file or above it", lxcfs);
	unit_test("pidcgroup: the v2 line", v2);
	unit_test("pidcgroup: the v1 line of a controller", v1);
	unit_test("pidcgroup: v1 comes before v2, per controller", hybrid);
	unit_test("pidcgroup: controllers are whole words, in any order", whole_controllers);
	unit_test("pidcgroup: a path may have blanks, colons and anything else", names);
	unit_test("pidcgroup: the mark of a deleted cgroup is not part of its name", deleted);
	unit_test("file systems that may never answer", may_wait);
	unit_test("pidcgroup: no controllers and another id is not v2", other_ids);
	unit_test("pidcgroup: damaged lines are skipped", pidcgroup_damaged);
	unit_test("pidcgroup: a path of 70 KB", a_long_path);
	return unit_done();
}
