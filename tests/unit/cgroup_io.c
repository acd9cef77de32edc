/* Files of the I/O controller: io.stat and io.max of v2, blkio.throttle of v1. */
#include "cgroup/io.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct arena arena;
static struct group_io io;

static void
begin(void)
{
	arena_reset(&arena);
	io = (struct group_io){ 0 };
}

static void
stat_of_a_kernel(void)
{
	begin();
	CHECK_INT(io_stat_parse(T("254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"
				  "8:16 rbytes=10 wbytes=20 rios=30 wios=40 dbytes=50 dios=60 "
				  "cost.usage=7 cost.wait=8\n"),
		      &arena, &io),
	    0);
	CHECK_U64(io.n, 2);
	CHECK_U64(io.v[0].major, 254);
	for (int f = 0; f < IO_FIELDS; f++) {
		static const uint64_t want[IO_FIELDS] = { 1, 2, 3, 4, 5, 6 };
		CHECK_U64(io.v[0].v[f].v, want[f]);
		CHECK_U64(io.v[1].v[f].v, 10 * want[f]);
	}
	CHECK(io_find(&io, 8, 16) == &io.v[1]);
	CHECK(io_find(&io, 8, 0) == NULL);
}

/* No I/O yet; a disk without figures, which Linux 5.x does not end with a newline. */
static void
stat_without_figures(void)
{
	begin();
	CHECK_INT(io_stat_parse(T(""), &arena, &io), 0);
	CHECK_U64(io.n, 0);
	CHECK_INT(io_stat_parse(T("8:0 \n8:16 8:32 rbytes=1 wbytes=2\n"), &arena, &io), 0);
	CHECK_U64(io.n, 3);
	CHECK(!io.v[0].v[IO_RBYTES].known && !io.v[1].v[IO_RBYTES].known);
	CHECK_U64(io.v[2].v[IO_RBYTES].v, 1);
	CHECK(!io.v[2].v[IO_RIOS].known);
}

static void
stat_damaged(void)
{
	static const char *const bad[] = { "\n", "x\n", "rbytes=1\n", "8 rbytes=1\n",
		":0 rbytes=1\n", "8: rbytes=1\n", "-8:0 rbytes=1\n", "8:4294967296 rbytes=1\n",
		"8:0 rbytes=1" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin();
		if (!CHECK(io_stat_parse(TN(bad[i], strlen(bad[i])), &arena, &io) < 0))
			printf("# for '%s'\n", bad[i]);
		CHECK_U64(io.n, 0);
	}
	begin();
	CHECK_INT(io_stat_parse(T("8:0 rbytes=x wbytes=-1 rios= wios dbytes=18446744073709551616 "
				  "dios=6\n"),
		      &arena, &io),
	    0);
	for (int f = 0; f < IO_DIOS; f++)
		CHECK(!io.v[0].v[f].known);
	CHECK_U64(io.v[0].v[IO_DIOS].v, 6);
}

static void
max(void)
{
	begin();
	CHECK_INT(
	    io_max_parse(T("8:0 rbps=1048576 wbps=max riops=max wiops=120\n"), &arena, &io), 0);
	CHECK_U64(io.n, 1);
	CHECK_U64(io.v[0].max[IO_RBPS].v, 1048576);
	CHECK(!io.v[0].max[IO_WBPS].known && !io.v[0].max[IO_RIOPS].known);
	CHECK_U64(io.v[0].max[IO_WIOPS].v, 120);
}

static void
v1(void)
{
	begin();
	CHECK_INT(io_serviced_parse(T("8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Async 0\n"
				      "8:0 Discard 4\n8:0 Total 7\n8:16 Read 9\nTotal 16\n"),
		      &arena, true, &io),
	    0);
	CHECK_INT(
	    io_serviced_parse(T("8:0 Read 11\n8:0 Write 12\nTotal 23\n"), &arena, false, &io), 0);
	CHECK_INT(io_v1_limit_parse(T("8:0 2097152\n8:32 5\n"), &arena, IO_WBPS, &io), 0);
	CHECK_U64(io.n, 3);
	CHECK_U64(io.v[0].v[IO_RBYTES].v, 1);
	CHECK_U64(io.v[0].v[IO_WBYTES].v, 2);
	CHECK_U64(io.v[0].v[IO_DBYTES].v, 4);
	CHECK_U64(io.v[0].v[IO_RIOS].v, 11);
	CHECK_U64(io.v[0].v[IO_WIOS].v, 12);
	CHECK_U64(io.v[0].max[IO_WBPS].v, 2097152);
	CHECK(!io.v[0].max[IO_RBPS].known);
	CHECK_U64(io.v[1].v[IO_RBYTES].v, 9);
	CHECK_U64(io.v[2].max[IO_WBPS].v, 5);
}

static void
v1_idle_and_damaged(void)
{
	begin();
	CHECK_INT(io_serviced_parse(T("Total 0\n"), &arena, true, &io), 0);
	CHECK_INT(io_v1_limit_parse(T(""), &arena, IO_RBPS, &io), 0);
	CHECK(io_serviced_parse(T("8:0 Read\n8:0 Read x\n8:0 Reads 5\n"), &arena, true, &io) < 0);
	CHECK(io_v1_limit_parse(T("8:0\n8:0 x\n8:0 -1\n"), &arena, IO_RBPS, &io) < 0);
	CHECK_U64(io.n, 0);
}

int
main(void)
{
	unit_test(
	    "io.stat: two disks of a real text, with keys of a later kernel", stat_of_a_kernel);
	unit_test("io.stat: empty, and disks without figures", stat_without_figures);
	unit_test("io.stat: damaged lines are left out, damaged figures unknown", stat_damaged);
	unit_test("io.max: numbers, and max", max);
	unit_test("blkio.throttle: bytes, requests and limits", v1);
	unit_test("blkio.throttle: no I/O, and damaged lines", v1_idle_and_damaged);
	arena_free(&arena);
	return unit_done();
}
