/* The files about disks: /proc/diskstats, and inflight and scheduler of /sys/block. */
#include "proc/disks.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct arena arena;

static int
parse(const char *s, struct diskstats *out)
{
	arena_reset(&arena);
	return diskstats_parse(TN(s, strlen(s)), &arena, out);
}

/* ---- /proc/diskstats */

static void
all_fields(void)
{
	struct diskstats s;

	CHECK_INT(parse(" 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", &s), 0);
	CHECK_U64(s.n, 1);
	CHECK_STRING(s.v[0].name, "nvme0n1");
	CHECK_U64(s.v[0].major, 259);
	CHECK_U64(s.v[0].minor, 0);
	for (int i = 0; i < DISK_FIELDS; i++) {
		CHECK(s.v[0].v[i].known);
		CHECK_U64(s.v[0].v[i].v, (unsigned)i + 1);
	}
}

/* What a kernel does not have is unknown; what a later one adds is ignored. */
static void
fields_of_kernels(void)
{
	struct diskstats s;

	CHECK_INT(parse("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n"
			"8 16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"
			"8 32 sdc 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n",
		      &s),
	    0);
	CHECK_U64(s.n, 3);
	CHECK(s.v[0].v[DISK_WEIGHTED_MS].known && !s.v[0].v[DISK_DISCARDS].known);
	CHECK(s.v[1].v[DISK_DISCARD_MS].known && !s.v[1].v[DISK_FLUSHES].known);
	CHECK(s.v[2].v[DISK_FLUSH_MS].known);
}

static void
old_partition(void)
{
	struct diskstats s;

	CHECK_INT(parse("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 1 sda1 21 22 23 24\n", &s), 0);
	CHECK_U64(s.n, 2);
	CHECK_U64(s.v[1].v[DISK_READS].v, 21);
	CHECK_U64(s.v[1].v[DISK_READ_SECTORS].v, 22);
	CHECK_U64(s.v[1].v[DISK_WRITES].v, 23);
	CHECK_U64(s.v[1].v[DISK_WRITTEN_SECTORS].v, 24);
	CHECK(!s.v[1].v[DISK_READ_MS].known && !s.v[1].v[DISK_WEIGHTED_MS].known);
}

#define ZEROS " 0 0 0 0 0 0 0 0 0 0 0\n"

static void
partitions(void)
{
	static const struct {
		const char *name, *whole;
	} want[] = { { "sda", NULL }, { "sda1", "sda" }, { "sda15", "sda" }, { "sdaa", NULL },
		{ "nvme0n1", NULL }, { "nvme0n1p1", "nvme0n1" }, { "nvme0n12", NULL },
		{ "mmcblk0", NULL }, { "mmcblk0p2", "mmcblk0" }, { "mmcblk0boot0", NULL },
		{ "loop1", NULL }, { "loop10", NULL }, { "loop10p", NULL }, { "dm-1", NULL },
		{ "dm-10", NULL }, { "cciss/c0d0", NULL }, { "cciss/c0d0p1", "cciss/c0d0" },
		{ "xvda1", NULL }, { "sda2", NULL } };
	struct diskstats s;
	char text[2000] = "";

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		strcat(text, "8 0 ");
		strcat(text, want[i].name);
		strcat(text, ZEROS);
	}
	CHECK_INT(parse(text, &s), 0);
	CHECK_U64(s.n, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < s.n; i++) {
		CHECK_STRING(s.v[i].name, want[i].name);
		CHECK(!s.v[i].whole == !want[i].whole);
		if (s.v[i].whole && want[i].whole)
			CHECK_STRING(s.v[i].whole, want[i].whole);
	}
}

/* Damaged lines are skipped, the others are there. */
static void
damaged(void)
{
	static const char *const bad[] = { "", "\n", "8\n", "8 0\n", "8 0 sda\n", "8 0 sda 1 2 3\n",
		"8 0 sda 1 2 3 4 5 6 7 8 9 10\n", "8 0 sda 1 2 3 4 5 6 7 8 9 10 x\n",
		"8 0 sda 1x 2 3 4 5 6 7 8 9 10 11\n", "-8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
		"8 4294967296 sda 1 2 3 4 5 6 7 8 9 10 11\n",
		"8 0 sda 18446744073709551616 2 3 4 5 6 7 8 9 10 11\n",
		"8 0 sda 1 2 3 4 5 6 7 8 9 10 11" };
	struct diskstats s;
	char text[200];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (!CHECK(parse(bad[i], &s) < 0))
			printf("# for '%s'\n", bad[i]);
		snprintf(text, sizeof text, "8 16 sdb%s%s", ZEROS, bad[i]);
		CHECK_INT(parse(text, &s), 0);
		CHECK_U64(s.n, 1);
	}
	arena_reset(&arena);
	CHECK(diskstats_parse(T("8 0 s\0a 1 2 3 4 5 6 7 8 9 10 11\n"), &arena, &s) < 0);
}

/* Kernels have printed a negative number of requests in flight. */
static void
negative_in_flight(void)
{
	struct diskstats s;

	CHECK_INT(parse("8 0 sda 1 2 3 4 5 6 7 8 -1 10 11\n", &s), 0);
	CHECK(!s.v[0].v[DISK_IN_FLIGHT].known);
	CHECK_U64(s.v[0].v[DISK_WEIGHTED_MS].v, 11);
}

static void
found_by_name_and_number(void)
{
	struct disk like = { .name = "sdb", .major = 8, .minor = 16 };
	struct diskstats s;

	CHECK_INT(parse("8 0 sda" ZEROS "8 16 sdb" ZEROS, &s), 0);
	CHECK(diskstats_find(&s, &like, 0) == &s.v[1]);
	CHECK(diskstats_find(&s, &like, 7) == &s.v[1]);
	like.minor = 32;
	CHECK(diskstats_find(&s, &like, 0) == NULL);
}

static void
wraps(void)
{
	struct keyed to = keyed_of(100);

	disk_unwrap(keyed_of(UINT32_MAX - 99), &to, 1000);
	CHECK_U64(to.v, 100 + (UINT64_C(1) << 32));
	to = keyed_of(100);
	disk_unwrap(keyed_of(UINT32_MAX - 99), &to, 199); /* it would be 200 */
	CHECK_U64(to.v, 100);
	to = keyed_of(100);
	disk_unwrap(keyed_of(UINT64_C(1) << 32), &to, 1e12); /* never wraps there */
	CHECK_U64(to.v, 100);
	to = keyed_of(100);
	disk_unwrap(keyed_of(50), &to, 1e12);
	CHECK_U64(to.v, 100);
	to = (struct keyed){ 0 };
	disk_unwrap(keyed_of(50), &to, 1e12);
	CHECK(!to.known);
}

/* ---- /sys/block */

static void
in_flight(void)
{
	uint64_t n = 7;

	CHECK_INT(disk_inflight_parse(T("       3        5\n"), &n), 0);
	CHECK_U64(n, 8);
	CHECK_INT(disk_inflight_parse(T("0 0"), &n), 0);
	CHECK_U64(n, 0);
	CHECK(disk_inflight_parse(T(""), &n) < 0);
	CHECK(disk_inflight_parse(T("3\n5\n"), &n) < 0);
	CHECK(disk_inflight_parse(T("3 x\n"), &n) < 0);
	CHECK(disk_inflight_parse(T("3 -5\n"), &n) < 0);
	CHECK(disk_inflight_parse(T("4294967296 1\n"), &n) < 0);
	CHECK_U64(n, 0);
}

static void
schedulers(void)
{
	struct text out;

	CHECK_INT(disk_scheduler_parse(T("none [mq-deadline] bfq\n"), &out), 0);
	CHECK(text_eq(out, "mq-deadline"));
	CHECK_INT(disk_scheduler_parse(T("[none] \n"), &out), 0);
	CHECK(text_eq(out, "none"));
	CHECK_INT(disk_scheduler_parse(T("none\n"), &out), 0); /* of loop and dm before 5.16 */
	CHECK(text_eq(out, "none"));
	CHECK(disk_scheduler_parse(T(""), &out) < 0);
	CHECK(disk_scheduler_parse(T("\n"), &out) < 0);
	CHECK(disk_scheduler_parse(T("none bfq\n"), &out) < 0);
	CHECK(disk_scheduler_parse(T("[] bfq\n"), &out) < 0);
}

int
main(void)
{
	unit_test("diskstats: all fields of a line", all_fields);
	unit_test("diskstats: lines with 14, 18, 20 and more columns", fields_of_kernels);
	unit_test("diskstats: a partition of a kernel before 2.6.25", old_partition);
	unit_test("diskstats: partitions follow their disk and have its name", partitions);
	unit_test("diskstats: damaged lines are left out", damaged);
	unit_test("diskstats: a negative number in flight is unknown", negative_in_flight);
	unit_test("diskstats: a device is found by its name and number", found_by_name_and_number);
	unit_test("diskstats: a counter of 32 bits that wraps goes on", wraps);
	unit_test("inflight: reads and writes together", in_flight);
	unit_test("scheduler: the word in brackets, or the only one", schedulers);
	arena_free(&arena);
	return unit_done();
}
