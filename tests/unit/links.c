/* Symbolic links read through each host: live, captured, recorded. */
#include "base/fail.h"
#include "host/host.h"
#include "tape/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tree.h"
#include "unit.h"

static void
make_link(const char *target, const char *at)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", tree, at);
	unlink(path);
	if (symlink(target, path) < 0)
		tree_fail(path);
}

static void
check_link(struct host *h, const char *path, const char *want)
{
	struct text t;

	if (CHECK_INT(host_link(h, path, &t) < 0 ? errno : 0, 0))
		CHECK_TEXT(t, want);
	else
		printf("# for %s\n", path);
}

static void
check_error(struct host *h, const char *path, int want)
{
	struct text t;

	CHECK_INT(host_link(h, path, &t) < 0 ? errno : 0, want);
}

static void
live(void)
{
	struct host *h = host_live(tree);

	put("proc/7/stat", "7 (x) S\n");
	make_dirs("proc/7/fd");
	make_link("socket:[4242]", "proc/7/fd/3");
	check_link(h, "proc/7/fd/3", "socket:[4242]");
	make_link("/var/log/a b", "proc/7/fd/3");
	check_link(h, "proc/7/fd/3", "/var/log/a b");
	check_error(h, "proc/7/fd/4", ENOENT);
	check_error(h, "proc/7/stat", EINVAL);
	host_close(h);
}

static struct host *
begin_samples(void)
{
	struct sample m;

	put("m/t0/proc/uptime", "1.00 1.00\n");
	put("m/t0/proc/7/fd/4.link", "pipe:[1]\n");
	put("m/t0/proc/7/fd/5.link.errno", "13 Permission denied\n");
	put("m/t0/clock", "1000000000 1790000000000000000\n");
	make_link("socket:[4242]", "m/t0/proc/7/fd/3");
	char dir[1024];
	snprintf(dir, sizeof dir, "%s/m", tree);
	struct host *h = host_capture(dir);
	if (!h)
		tree_fail(dir);
	CHECK_INT(host_next(h, 0, SAMPLE_ROW, &m), 1);
	return h;
}

static void
samples(void)
{
	struct host *h = begin_samples();

	check_link(h, "proc/7/fd/3", "socket:[4242]");
	check_link(h, "proc/7/fd/4", "pipe:[1]");
	check_error(h, "proc/7/fd/5", EACCES);
	check_error(h, "proc/7/fd/6", ENOENT);
	host_close(h);
}

static void
recorded(void)
{
	struct tape_file f;
	struct sample m;
	char path[1024];

	snprintf(path, sizeof path, "%s/link.tape", tree);
	if (!CHECK_INT(tape_file_open(&f, path, 0), 0))
		return;
	struct host *h = host_record(begin_samples(), &f.writer, (struct text){ "", 0 });
	for (int twice = 0; twice < 2; twice++) {
		check_link(h, "proc/7/fd/3", "socket:[4242]");
		check_error(h, "proc/7/fd/5", EACCES);
	}
	check_error(h, "proc/7/fd/6", ENOENT);
	CHECK_INT(host_recorded(h, &f), 0);
	host_close(h);
	CHECK_INT(tape_file_close(&f), 0);
	h = host_tape(open(path, O_RDONLY | O_CLOEXEC), false);
	if (!CHECK(h != NULL) || !CHECK_INT(host_next(h, 0, SAMPLE_ROW, &m), 1))
		return;
	check_link(h, "proc/7/fd/3", "socket:[4242]");
	check_error(h, "proc/7/fd/5", EACCES);
	check_error(h, "proc/7/fd/6", ENOENT);
	check_error(h, "proc/7/fd/8", ENODATA);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("a live link is read again for each sample", live);
	unit_test("a captured link, and a .link file", samples);
	unit_test("a recording keeps links", recorded);
	tree_remove();
	return unit_done();
}
