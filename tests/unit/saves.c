/* Windows that are saved: their names in a directory that several recorders share. */
#include "commands/recorder/saves.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"
#include "unit.h"

static const struct saving_options usual = SAVING_USUAL;
static const struct host_facts facts = { .name = "web1" };

/* A recorder with one medium, whose copies wait until the test closes its end of the pipe. */
struct recorder {
	struct plan plan;
	struct journal journal;
	struct saves saves;
	const int *gate;
};

static int
copy(void *ctx, const struct save *s, const char *path)
{
	const struct recorder *r = ctx;
	char c;

	(void)s;
	close(r->gate[1]);
	if (read(r->gate[0], &c, 1) != 0)
		return SAVE_FAILED;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void
begin(struct recorder *r, const char *medium, const int *gate)
{
	*r = (struct recorder){ .plan = { .own = &usual, .directory = tree },
		.journal = { .tool = "record" },
		.gate = gate };
	r->saves = (struct saves){ .plan = &r->plan,
		.journal = &r->journal,
		.facts = &facts,
		.media = { { .name = medium, .ctx = r, .copy = copy } },
		.nmedia = 1 };
}

/* Asks for a window, and starts its copy; returns the path that it gets. */
static const char *
start(struct recorder *r)
{
	const struct sample m = { .mono_ns = 1, .real_ns = INT64_C(1795363921250000000) };
	const struct reason why = { .expr = "asked for by SIGUSR1", .asked = true };

	saves_ask(&r->saves, &m, &why, false);
	saves_step(&r->saves, 2, 2);
	return unit_copy(r->saves.v[0].path, strlen(r->saves.v[0].path) + 1);
}

static void
finish(struct recorder *r)
{
	while (r->saves.n > 0) {
		saves_step(&r->saves, 3, 3);
		poll(NULL, 0, 1);
	}
	journal_free(&r->journal);
}

static bool
is_there(const char *path, const char *extension)
{
	char file[SAVE_PATH + 16];
	struct stat st;

	snprintf(file, sizeof file, "%s%s", path, extension);
	return lstat(file, &st) == 0;
}

/* Two recorders fire at once: neither has a file yet when the other chooses a name. */
static void
check_both(const char *medium, const char *other)
{
	struct recorder a, b;
	char extension[2][16];
	int gate[2];

	tree_make();
	if (pipe2(gate, O_CLOEXEC) < 0)
		tree_fail("pipe");
	begin(&a, medium, gate);
	begin(&b, other, gate);
	const char *first = start(&a), *second = start(&b);
	close(gate[1]);
	finish(&a);
	finish(&b);
	close(gate[0]);
	snprintf(extension[0], sizeof extension[0], ".%s", medium);
	snprintf(extension[1], sizeof extension[1], ".%s", other);
	CHECK_STRING(first + strlen(tree), "/pq-web1-20261122T161201.250Z");
	CHECK_STRING(second + strlen(tree), "/pq-web1-20261122T161201.250Z-2");
	CHECK(is_there(first, extension[0]) && !is_there(first, ".part"));
	CHECK(is_there(second, extension[1]) && !is_there(second, ".part"));
	tree_remove();
}

static void
names(void)
{
	check_both("trace", "trace");
	check_both("trace", "tape");
}

/* A file of that name that is not complete, and not of this recorder. */
static void
incomplete(void)
{
	struct recorder r;
	int gate[2];

	tree_make();
	put_bytes("pq-web1-20261122T161201.250Z.tape.part", "theirs", 6);
	if (pipe2(gate, O_CLOEXEC) < 0)
		tree_fail("pipe");
	begin(&r, "tape", gate);
	const char *path = start(&r);
	close(gate[1]);
	finish(&r);
	close(gate[0]);
	CHECK_STRING(path + strlen(tree), "/pq-web1-20261122T161201.250Z-2");
	tree_remove();
}

/* The directory may have gone meanwhile. */
static void
no_directory(void)
{
	struct recorder r;
	int gate[2] = { -1, -1 };

	tree_make();
	begin(&r, "trace", gate);
	const struct sample m = { .mono_ns = 1, .real_ns = 1 };
	const struct reason why = { .expr = "x", .asked = true };
	saves_ask(&r.saves, &m, &why, false);
	CHECK_U64(r.saves.n, 1);
	tree_remove();
	saves_step(&r.saves, 2, 2);
	CHECK_U64(r.saves.n, 0);
	CHECK_U64(r.saves.refused, 1);
	journal_free(&r.journal);
}

int
main(void)
{
	unit_test("recorders that save at once into one directory get different names", names);
	unit_test("a save leaves an incomplete file of somebody else alone", incomplete);
	unit_test("a save into a directory that has gone fails, and is counted", no_directory);
	return unit_done();
}
