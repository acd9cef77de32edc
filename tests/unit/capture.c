/* A captured directory, as scripts/capture writes it. */
#include "host/host.h"

#include <errno.h>

#include "host_reads.h"
#include "tree.h"
#include "unit.h"

/* The host of a directory below the tree. */
static struct host *
open_dir(const char *name)
{
	char path[600];

	snprintf(path, sizeof path, "%s/%s", tree, name);
	return host_capture(path);
}

static int
next(struct host *h, struct sample *m)
{
	return host_next(h, INT64_MAX, SAMPLE_TICK, m);
}

static void
in_order_of_names(void)
{
	static const char *const names[] = { "t02", "t00", "t10", "t01", "a", "Z" };
	static const char *const order[] = { "Z", "a", "t00", "t01", "t02", "t10" };
	char path[64];
	struct sample m;

	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "order/%s/clock", names[i]);
		put(path, "5 7\n");
		snprintf(path, sizeof path, "order/%s/proc/name", names[i]);
		put(path, names[i]);
	}
	struct host *h = open_dir("order");
	if (!CHECK(h))
		return;
	CHECK(h->replay);
	for (int i = 0; i < 6; i++) {
		CHECK_INT(next(h, &m), 1);
		check_read(h, "proc/name", order[i]);
	}
	CHECK_INT(next(h, &m), 0);
	CHECK_INT(next(h, &m), 0);
	host_close(h);
}

static void
clock_file(void)
{
	struct sample m;

	put("clock/t0/clock", "1500000000 1790000000250000000\n");
	put("clock/t0/proc/uptime", "99.00 99.00\n");
	put("clock/t1/clock", "1152921504606846975 0");
	make_dirs("clock/t1/proc");
	struct host *h = open_dir("clock");
	if (!CHECK(h))
		return;
	CHECK_INT(next(h, &m), 1);
	CHECK_INT(m.mono_ns, 1500000000);
	CHECK_INT(m.real_ns, 1790000000250000000);
	CHECK(m.kind == SAMPLE_ROW);
	CHECK_INT(next(h, &m), 1);
	CHECK_INT(m.mono_ns, INT64_MAX / 8);
	host_close(h);
}

static void
derived_clock(void)
{
	struct sample m;

	put("derived/t0/proc/uptime", "15.18 51.38\n");
	put("derived/t0/proc/stat", "cpu  1 2 3 4\nbtime 1790000000\nprocesses 1\n");
	put("derived/t1/proc/uptime", "4294967.29 1.00");
	put("derived/t1/proc/stat", "btime 0");
	struct host *h = open_dir("derived");
	if (!CHECK(h))
		return;
	CHECK_INT(next(h, &m), 1);
	CHECK_INT(m.mono_ns, 15180000000);
	CHECK_INT(m.real_ns, 1790000015180000000);
	CHECK_INT(next(h, &m), 1);
	CHECK_INT(m.mono_ns, 4294967290000000);
	CHECK_INT(m.real_ns, 4294967290000000);
	host_close(h);
}

static void
no_clock(void)
{
	static const struct {
		const char *uptime, *stat;
	} bad[] = { { "", "btime 1\n" }, { "x 1\n", "btime 1\n" }, { "-1.00 1\n", "btime 1\n" },
		{ "1e300 1\n", "btime 1\n" }, { "99999999999.00 1\n", "btime 1\n" },
		{ "1.00 1\n", "" }, { "1.00 1\n", "btime x\n" },
		{ "1.00 1\n", "btime 18446744073709551615\n" }, { "1.00 1\n", "xbtime 1\n" } };
	struct sample m;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put("noclock/t0/proc/uptime", bad[i].uptime);
		put("noclock/t0/proc/stat", bad[i].stat);
		struct host *h = open_dir("noclock");
		if (!CHECK(h))
			return;
		if (!CHECK(next(h, &m) < 0 && errno == EINVAL))
			printf("# for '%s' and '%s'\n", bad[i].uptime, bad[i].stat);
		host_close(h);
	}
	make_dirs("nofiles/t0/proc");
	struct host *h = open_dir("nofiles");
	if (CHECK(h)) {
		CHECK(next(h, &m) < 0 && errno == ENOENT);
		host_close(h);
	}
}

/* A clock that cannot be read as one is not believed. */
static void
damaged_clock(void)
{
	static const char *const bad[] = { "", "\n", "1", "1\n2", "x 1\n", "-1 1\n",
		"9223372036854775808 1\n", "1 9223372036854775808\n", "1.5 1\n" };
	struct sample m;

	put("damaged/t0/proc/uptime", "3.00 1.00\n");
	put("damaged/t0/proc/stat", "btime 1000\n");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put("damaged/t0/clock", bad[i]);
		struct host *h = open_dir("damaged");
		if (!CHECK(h))
			return;
		if (next(h, &m) > 0 && !CHECK_INT(m.mono_ns, 3000000000))
			printf("# for '%s'\n", bad[i]);
		host_close(h);
	}
}

/* One sample with a clock, ready to be read. */
static struct host *
at_one(const char *dir)
{
	char path[64];
	struct sample m;

	snprintf(path, sizeof path, "%s/t0/clock", dir);
	put(path, "1 2\n");
	snprintf(path, sizeof path, "%s/t0/proc", dir);
	make_dirs(path);
	struct host *h = open_dir(dir);
	if (!h || next(h, &m) != 1)
		tree_fail(dir);
	return h;
}

static void
captured_errors(void)
{
	static const struct {
		const char *note;
		int error;
	} all[] = { { "95 Operation not supported\n", EOPNOTSUPP }, { "13", EACCES },
		{ "1\n", EPERM }, { "", EIO }, { "0\n", EIO }, { "x\n", EIO }, { "-5\n", EIO },
		{ "99999\n", EIO }, { "18446744073709551616\n", EIO } };
	struct host *h = at_one("errors");
	struct text t;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		put("errors/t0/proc/pressure/cpu.errno", all[i].note);
		if (!CHECK_INT(error_of(host_read(h, "proc/pressure/cpu", &t)), all[i].error))
			printf("# for '%s'\n", all[i].note);
	}
	put("errors/t0/proc/pressure/cpu", "some\n");
	check_read(h, "proc/pressure/cpu", "some\n");
	CHECK_INT(error_of(host_read(h, "proc/pressure/io", &t)), ENOENT);
	CHECK_INT(error_of(host_read(h, "nowhere/at/all", &t)), ENOENT);
	host_close(h);
}

static void
long_paths(void)
{
	struct host *h = at_one("long");
	char path[6000];
	struct text t;

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	CHECK_INT(error_of(host_read(h, path, &t)), ENAMETOOLONG);
	for (size_t i = 0; i < sizeof path - 1; i += 100)
		path[i] = '/';
	CHECK_INT(error_of(host_read(h, path + 1, &t)), ENAMETOOLONG);
	host_close(h);
}

static void
lists(void)
{
	struct host *h = at_one("lists");
	struct text t, line;
	int dirs = 0, others = 0;

	put("lists/t0/sys/cg/cpu.stat", "");
	put("lists/t0/sys/cg/a/cpu.stat", "");
	put("lists/t0/sys/cg/b\nc/cpu.stat", "");
	CHECK_INT(host_list(h, "sys/cg", &t), 0);
	while (text_line(&t, &line)) {
		dirs += text_eq(line, "a");
		others += !text_eq(line, "a");
	}
	CHECK_INT(dirs, 1);
	CHECK_INT(others, 0);
	CHECK_INT(error_of(host_list(h, "sys/none", &t)), ENOENT);
	CHECK_INT(error_of(host_list(h, "sys/cg/cpu.stat", &t)), ENOTDIR);
	host_close(h);
}

static void
with_facts(void)
{
	put("facts/facts",
	    "ticks 250\npage 65536\nhostname web-1\nrelease 6.1.0-39-amd64\nmachine aarch64\nnews "
	    "7\n");
	struct host *h = at_one("facts");

	CHECK_U64(h->facts.ticks_per_s, 250);
	CHECK_U64(h->facts.page_size, 65536);
	CHECK_STRING(h->facts.name, "web-1");
	CHECK_STRING(h->facts.release, "6.1.0-39-amd64");
	CHECK_STRING(h->facts.machine, "aarch64");
	host_close(h);
}

static void
without_facts(void)
{
	struct host *h = at_one("nofacts");

	CHECK_U64(h->facts.ticks_per_s, 100);
	CHECK_U64(h->facts.page_size, 4096);
	host_close(h);
}

/* Nothing may be divided by 0 or overflow for what a capture says. */
static void
damaged_facts(void)
{
	char facts[4000] = "ticks 0\npage 18446744073709551615\nrelease\nmachine \n\nhostname ";

	memset(facts + strlen(facts), 'h', 3000);
	put("badfacts/facts", facts);
	struct host *h = at_one("badfacts");
	CHECK_U64(h->facts.ticks_per_s, 100);
	CHECK_U64(h->facts.page_size, 4096);
	CHECK_INT(strlen(h->facts.name), sizeof h->facts.name - 1);
	CHECK_STRING(h->facts.release, "");
	host_close(h);
	put_bytes("badfacts/facts", "ticks -1\n\0\xff\x80 1\npage x", 21);
	h = at_one("badfacts");
	CHECK_U64(h->facts.ticks_per_s, 100);
	CHECK_U64(h->facts.page_size, 4096);
	host_close(h);
}

static void
no_captures(void)
{
	CHECK(!open_dir("nowhere") && errno == ENOENT);
	make_dirs("empty");
	CHECK(!open_dir("empty") && errno == ENOENT);
	put("other/README", "x");
	put("other/t0/file", "x");
	put("other/proc", "x");
	CHECK(!open_dir("other") && errno == ENOENT);
	put("file", "x");
	CHECK(!open_dir("file") && errno == ENOTDIR);
}

/* Beside the samples there may be anything. */
static void
only_samples(void)
{
	struct sample m;
	int n = 0;

	put("mixed/t0/clock", "1 2\n");
	put("mixed/t0/proc/name", "t0");
	put("mixed/notes/file", "x");
	put("mixed/t1", "a file");
	put("mixed/t2/proc", "a file too");
	struct host *h = open_dir("mixed");
	if (!CHECK(h))
		return;
	while (next(h, &m) == 1)
		n++;
	CHECK_INT(n, 1);
	host_close(h);
}

static void
sample_vanishes(void)
{
	char path[600];
	struct sample m;

	put("vanish/t0/clock", "1 2\n");
	make_dirs("vanish/t0/proc");
	put("vanish/t1/clock", "1 2\n");
	make_dirs("vanish/t1/proc");
	struct host *h = open_dir("vanish");
	if (!CHECK(h))
		return;
	CHECK_INT(next(h, &m), 1);
	snprintf(path, sizeof path, "%s/vanish/t1", tree);
	remove_tree(path);
	CHECK(next(h, &m) < 0 && errno == ENOENT);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("samples come in the order of their names", in_order_of_names);
	unit_test("the file clock gives the time", clock_file);
	unit_test("without the file clock, uptime and btime give the time", derived_clock);
	unit_test("a sample without any clock is an error", no_clock);
	unit_test("a damaged clock file is not used", damaged_clock);
	unit_test("captured errors are returned", captured_errors);
	unit_test("paths above the maximum length are errors", long_paths);
	unit_test("the directories in a directory", lists);
	unit_test("facts about the machine", with_facts);
	unit_test("missing facts have defaults", without_facts);
	unit_test("damaged facts have defaults", damaged_facts);
	unit_test("a directory that is not a capture is an error", no_captures);
	unit_test("files and other directories beside the samples are ignored", only_samples);
	unit_test("a sample removed while replayed is an error", sample_vanishes);
	tree_remove();
	return unit_done();
}
