/* Which paths are opened, with openat2 and where a kernel or sandbox does not have it. */
#include "host/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "tree.h"
#include "unit.h"

static int root;

static void
make_link(const char *target, const char *at)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", tree, at);
	if (symlink(target, path) < 0)
		tree_fail(path);
}

static void
make_tree(void)
{
	char path[1024];

	put("m/proc/42/stat", "42");
	put("m/sys/fs/cgroup/cpu,cpuacct/web/cpu.stat", "inside");
	put("m/elsewhere/cpu.stat", "inside");
	put("secret", "outside");
	make_link("42", "m/proc/self");
	make_link("cpu,cpuacct", "m/sys/fs/cgroup/cpu");
	make_link("cpu/web", "m/sys/fs/cgroup/two");
	make_link("../../../elsewhere", "m/sys/fs/cgroup/up");
	make_link("../secret", "m/out");
	make_link("../../secret", "m/proc/out");
	make_link("/etc/passwd", "m/proc/absolute");
	make_link("loop", "m/proc/loop");
	make_link("elsewhere", "m/link");
	snprintf(path, sizeof path, "%s/m/proc/pipe", tree);
	if (mkfifo(path, 0644) < 0)
		tree_fail(path);
	snprintf(path, sizeof path, "%s/m", tree);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* 0, or the errno of opening the path. */
static int
opening(int (*f)(int, const char *), const char *path)
{
	int fd = f(root, path);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
of_other_machine(int dir, const char *path)
{
	return open_of_machine(dir, path, true);
}

static int
of_this_machine(int dir, const char *path)
{
	return open_of_machine(dir, path, false);
}

static void
links_within(void)
{
	static const char *const good[] = { "proc/42/stat", "proc/self/stat", "proc",
		"sys/fs/cgroup", "sys/fs/cgroup/cpu/web/cpu.stat", "sys/fs/cgroup/two/cpu.stat",
		"elsewhere/cpu.stat", "sys//fs/cgroup/cpu//web" };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!CHECK_INT(opening(open_below, good[i]), 0) ||
		    !CHECK_INT(opening(of_other_machine, good[i]), 0))
			printf("# for %s\n", good[i]);
	CHECK_INT(opening(open_below, "proc/43/stat"), ENOENT);
	CHECK_INT(opening(open_below, "proc/42/stat/x"), ENOTDIR);
}

static void
links_out(void)
{
	static const char *const bad[] = { "proc/out", "proc/absolute", "proc/pipe", "out" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK_INT(opening(open_below, bad[i]), EXDEV) ||
		    !CHECK_INT(opening(of_other_machine, bad[i]), EXDEV))
			printf("# for %s\n", bad[i]);
	CHECK(opening(open_below, "proc/loop") != 0);
	CHECK(opening(open_below, "../secret") != 0);
}

/* Outside proc and sys a path may lead through a container's tree. */
static void
no_links(void)
{
	CHECK_INT(opening(of_other_machine, "elsewhere/cpu.stat"), 0);
	CHECK_INT(opening(of_other_machine, "link/cpu.stat"), EXDEV);
	CHECK_INT(opening(of_this_machine, "link/cpu.stat"), EXDEV);
	CHECK_INT(
	    opening(of_this_machine, "elsewhere/cpu.stat"), EXDEV); /* no cgroup file system */
	CHECK_INT(opening(of_this_machine, "proc/self/stat"), 0);
}

/* What the process itself has below its root is not of a cgroup file system. */
static void
below_root_of_process(void)
{
	int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open_of_machine(top, "proc/self/root/etc/passwd", false);

	CHECK_INT(fd < 0 ? errno : 0, EXDEV);
	CHECK((fd = open_of_machine(top, "proc/self/root/", false)) >= 0);
	close(fd);
	CHECK((fd = open_of_machine(top, "proc/self/stat", false)) >= 0);
	close(fd);
	close(top);
}

static void
all(void)
{
	links_within();
	links_out();
	no_links();
	below_root_of_process();
}

/* An instruction of a seccomp filter, and a filter, as in linux/filter.h. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t k;
};

struct program {
	unsigned short n;
	struct instruction *code;
};

/* From now on openat2 fails with that errno, as in a sandbox. */
static bool
refuse_openat2(unsigned error)
{
	struct instruction code[] = {
		{ 0x20, 0, 0, 0 },                   /* load the number of the system call */
		{ 0x15, 0, 1, 437 },                 /* unless it is openat2, skip one */
		{ 0x06, 0, 0, 0x00050000u | error }, /* SECCOMP_RET_ERRNO */
		{ 0x06, 0, 0, 0x7fff0000u },         /* SECCOMP_RET_ALLOW */
	};
	struct program program = { sizeof code / sizeof code[0], code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, 2, &program) == 0; /* SECCOMP_MODE_FILTER */
}

static void
by_hand(void)
{
	if (refuse_openat2(ENOSYS))
		all();
}

static void
in_a_sandbox(void)
{
	if (refuse_openat2(EPERM))
		all();
}

int
main(void)
{
	tree_make();
	make_tree();
	unit_test("links within a directory are followed", links_within);
	unit_test("links out of a directory, and pipes, are not", links_out);
	unit_test("outside proc and sys no link is followed", no_links);
	unit_test("below the root of a process there are only cgroup files", below_root_of_process);
	unit_test("the same before Linux 5.6", by_hand);
	unit_test("the same in a sandbox that refuses openat2", in_a_sandbox);
	tree_remove();
	return unit_done();
}
