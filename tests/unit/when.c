/* Times and sizes of the command line. */
#include "base/units.h"

#include <errno.h>

#include "unit.h"

static const int64_t second = 1000000000;
static const int64_t minute = 60 * INT64_C(1000000000);
static const int64_t midnight_s = 1795305600; /* 2026-11-22T00:00Z, a Sunday */

/* With a fresh TZ: mktime keeps in mind what it was asked last. */
static void
zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static int64_t
hours(int h, int min)
{
	return (h * 60 + min) * minute;
}

/* What the words mean for a recording; INT64_MIN + 7 if they are no time. */
static int64_t
within(const char *words, int64_t first_ns, int64_t last_ns, bool utc)
{
	struct span span = { first_ns, last_ns };
	struct when w;

	return when_parse(TN(words, strlen(words)), &w) == 0 ? when_resolve(&w, &span, utc) :
							       INT64_MIN + 7;
}

/* The same for one that ends then and took two days. */
static int64_t
at(const char *words, int64_t last_ns, bool utc)
{
	return within(words, last_ns - 48 * 3600 * second, last_ns, utc);
}

static void
good(void)
{
	static const struct {
		const char *words;
		enum when_kind kind;
		int64_t ns; /* for a recording from 17:00 to 18:00 UTC of that day */
	} all[] = {
		{ "2026-11-22", WHEN_DATE, 1795305600000000000 },
		{ "2026-11-22 17:12", WHEN_DATE, 1795367520000000000 },
		{ "2026-11-22T17:12", WHEN_DATE, 1795367520000000000 },
		{ "2026-11-22 17:12:01", WHEN_DATE, 1795367521000000000 },
		{ "2026-11-22T17:12:01.250", WHEN_DATE, 1795367521250000000 },
		{ "1970-01-01", WHEN_DATE, 0 },
		{ "2026-11-22T17:12:01.123456789", WHEN_DATE, 1795367521123456789 },
		{ "2028-02-29", WHEN_DATE, 1835395200000000000 },
		{ "2000-02-29", WHEN_DATE, 951782400000000000 },
		{ "2200-12-31 23:59:59", WHEN_DATE, 7289654399000000000 },
		{ "2026-11-22Z", WHEN_INSTANT, 1795305600000000000 },
		{ "2026-11-22+01:00", WHEN_INSTANT, 1795302000000000000 },
		{ "2026-11-22-05:00", WHEN_INSTANT, 1795323600000000000 },
		{ "2026-11-22 17:12Z", WHEN_INSTANT, 1795367520000000000 },
		{ "2026-11-22T17:12:01.250Z", WHEN_INSTANT, 1795367521250000000 },
		{ "2026-11-22T17:12:01.250+01:00", WHEN_INSTANT, 1795363921250000000 },
		{ "2026-11-22T17:12:01+0100", WHEN_INSTANT, 1795363921000000000 },
		{ "2026-11-22 17:12-05:00", WHEN_INSTANT, 1795385520000000000 },
		{ "2026-11-22 17:12+0530", WHEN_INSTANT, 1795347720000000000 },
		{ "2026-11-22T17:12-00:00", WHEN_INSTANT, 1795367520000000000 },
		{ "1970-01-01T00:00+01:00", WHEN_INSTANT, -3600000000000 },
		{ "@1790000000", WHEN_INSTANT, 1790000000000000000 },
		{ "@1790000000.5", WHEN_INSTANT, 1790000000500000000 },
		{ "@1790000000.123456789", WHEN_INSTANT, 1790000000123456789 },
		{ "@0", WHEN_INSTANT, 0 },
		{ "@7289654399.999999999", WHEN_INSTANT, 7289654399999999999 },
		{ "17:12", WHEN_CLOCK, 1795367520000000000 },
		{ "17:12:01", WHEN_CLOCK, 1795367521000000000 },
		{ "17:12:01.250", WHEN_CLOCK, 1795367521250000000 },
		{ "00:00", WHEN_CLOCK, 1795305600000000000 },
		{ "9:05", WHEN_CLOCK, 1795338300000000000 },
		{ "23:59:59", WHEN_CLOCK, 1795391999000000000 },
		{ "+30", WHEN_AFTER_FIRST, 1795366830000000000 },
		{ "+30s", WHEN_AFTER_FIRST, 1795366830000000000 },
		{ "+0", WHEN_AFTER_FIRST, 1795366800000000000 },
		{ "+5m", WHEN_AFTER_FIRST, 1795367100000000000 },
		{ "+250ms", WHEN_AFTER_FIRST, 1795366800250000000 },
		{ "+0.5d", WHEN_AFTER_FIRST, 1795410000000000000 },
		{ "+1.5h", WHEN_AFTER_FIRST, 1795372200000000000 },
		{ "+0.000000001", WHEN_AFTER_FIRST, 1795366800000000001 },
		{ "-0", WHEN_BEFORE_LAST, 1795370400000000000 },
		{ "-90s", WHEN_BEFORE_LAST, 1795370310000000000 },
		{ "-2h", WHEN_BEFORE_LAST, 1795363200000000000 },
		{ "-1d", WHEN_BEFORE_LAST, 1795284000000000000 },
		{ "-0.1m", WHEN_BEFORE_LAST, 1795370394000000000 },
	};
	const struct span span = { (midnight_s + 17 * 3600) * second,
		(midnight_s + 18 * 3600) * second };

	zone("UTC0");
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct when w = { .ns = 7 };
		bool held = CHECK_INT(when_parse(TN(all[i].words, strlen(all[i].words)), &w), 0) &&
		    CHECK_INT(w.kind, all[i].kind);
		held = held && CHECK_INT(when_resolve(&w, &span, true), all[i].ns) &&
		    CHECK_INT(when_resolve(&w, &span, false), all[i].ns);
		if (!held)
			printf("# for '%s'\n", all[i].words);
	}
}

static void
bad(void)
{
	static const char *const all[] = {
		"",
		" ",
		"x",
		"now",
		"17",
		"1712",
		"17:",
		":12",
		"17:1",
		"17:123",
		"017:12",
		"24:00",
		"25:00",
		"17:60",
		"17:12:60",
		"17:12:61",
		"23:59:60",
		"17:12:",
		"17:12:1",
		"17:12:01.",
		"17:12:01.0000000001",
		"17:12.5",
		"17:12:01,5",
		"17:12 ",
		" 17:12",
		"17:12Z",
		"17:12+01:00",
		"-17:12",
		"5pm",
		"5:12pm",
		"17-12",
		"1:2:3",
		"+1:30",
		"17:12:01:02",
		"2026",
		"2026-11",
		"2026-11-",
		"2026-11-2",
		"2026-1-22",
		"26-11-22",
		"2026/11/22",
		"20261122",
		"2026-02-30",
		"2026-02-29",
		"2100-02-29",
		"2026-04-31",
		"2026-13-01",
		"2026-00-10",
		"2026-01-00",
		"2026-01-32",
		"1969-12-31",
		"2201-01-01",
		"9999-12-31",
		"0000-01-01",
		"12026-11-22",
		"2026-11-22T",
		"2026-11-22 ",
		"2026-11-22  17:12",
		"2026-11-22t17:12",
		"2026-11-22T17",
		"2026-11-22T1712",
		"2026-11-22T24:00",
		"2026-11-22T17:12:60",
		"2026-11-22_17:12",
		"2026-11-22T17:12z",
		"2026-11-22T17:12ZZ",
		"2026-11-22T17:12 Z",
		"2026-11-22T17:12+1",
		"2026-11-22T17:12+01",
		"2026-11-22T17:12+01:",
		"2026-11-22T17:12+01:0",
		"2026-11-22T17:12+01:000",
		"2026-11-22T17:12+01:60",
		"2026-11-22T17:12+24:00",
		"2026-11-22T17:12+01:00Z",
		"2026-11-22T17:12CET",
		"2026-11-22T17:12+-1:00",
		"2026-+1-22",
		"2026--1-22",
		"-2026-11-22",
		"@",
		"@-1",
		"@+1",
		"@x",
		"@1.",
		"@.5",
		"@1s",
		"@1790000000.0000000001",
		"@1e9",
		"@ 1",
		"@7289654400",
		"@18446744073709551616",
		"@99999999999999999999999",
		"@1,5",
		"+",
		"-",
		"+x",
		"+s",
		"+1x",
		"+1 s",
		"+1.s",
		"+.5s",
		"++1",
		"--1",
		"+-1",
		"-+1",
		"+1us",
		"+1w",
		"+1S",
		"+1M",
		"+1m30s",
		"+1e3",
		"+0x10",
		"+nan",
		"+inf",
		"+84371d",
		"-84371d",
		"+7289654400",
		"+18446744073709551616ms",
		"+9223372036854775807h",
		"\xd9\xa1:00",
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct when w = { .ns = 7 };
		errno = 0;
		int result = when_parse(TN(all[i], strlen(all[i])), &w);
		if (!CHECK_INT(result, -1) || !CHECK_INT(errno, EINVAL) || !CHECK_INT(w.ns, 7))
			printf("# for '%s'\n", all[i]);
	}
}

static void
nul_bytes(void)
{
	struct when w;
	uint64_t v;

	CHECK(when_parse((struct text){ NULL, 0 }, &w) < 0);
	CHECK(when_parse(T("17:12\0"), &w) < 0);
	CHECK(when_parse(T("17:\0"
			   "2"),
		  &w) < 0);
	CHECK(when_parse(T("2026-11-22\0"), &w) < 0);
	CHECK(when_parse(T("@1\0"), &w) < 0);
	CHECK(when_parse(T("+1\0"), &w) < 0);
	CHECK(when_parse(T("+1s\0"), &w) < 0);
	CHECK(size_parse((struct text){ NULL, 0 }, &v) < 0);
	CHECK(size_parse(T("1\0"), &v) < 0);
	CHECK(size_parse(T("1K\0"), &v) < 0);
}

/* A recording from Saturday evening to 01:30 of Sunday has both days' times. */
static void
over_midnight(void)
{
	const int64_t day = midnight_s * second, last = day + hours(1, 30);

	zone("UTC0");
	CHECK_INT(at("01:00", last, true), day + hours(1, 0));
	CHECK_INT(at("01:30", last, true), last);
	CHECK_INT(at("01:30:00.000000001", last, true), last + 1 - hours(24, 0));
	CHECK_INT(at("23:00", last, true), day - hours(1, 0));
	CHECK_INT(at("00:00", last, true), day);
	CHECK_INT(at("00:00", day, true), day);
	CHECK_INT(at("00:00", day - 1, true), day - hours(24, 0));
	/* At the first of a month, and of a year. */
	CHECK_INT(
	    at("23:00", at("2027-01-01T00:30Z", 0, true), true), at("2026-12-31T23:00Z", 0, true));
	CHECK_INT(
	    at("23:00", at("2028-03-01T00:30Z", 0, true), true), at("2028-02-29T23:00Z", 0, true));
}

/* A time of day outside the recording is the one next to it. */
static void
beside_the_recording(void)
{
	const int64_t day = midnight_s * second, first = day - hours(1, 0),
		      last = day + hours(1, 30);

	zone("UTC0");
	CHECK_INT(
	    within("13:00", day + hours(10, 0), day + hours(12, 0), true), day + hours(13, 0));
	CHECK_INT(within("09:00", day + hours(10, 0), day + hours(12, 0), true), day + hours(9, 0));
	CHECK_INT(within("22:50", first, last, true), first - hours(0, 10));
	CHECK_INT(within("01:40", first, last, true), last + hours(0, 10));
}

/* Up to a day means that day too. */
static void
up_to_a_day(void)
{
	struct span span = { 0, 0 };
	struct when w;

	zone("UTC0");
	when_parse(T("2026-11-22"), &w);
	CHECK_INT(when_resolve_end(&w, &span, true), (midnight_s + 86400) * second - 1);
	when_parse(T("2026-11-30"), &w);
	CHECK_INT(when_resolve_end(&w, &span, true), (midnight_s + 9 * 86400) * second - 1);
	when_parse(T("2026-11-22 00:00"), &w);
	CHECK_INT(when_resolve_end(&w, &span, true), midnight_s * second);
}

/* The day is the one that people there live in, an hour or half a day away from UTC's. */
static void
local_times(void)
{
	const int64_t last = midnight_s * second - minute; /* 23:59 UTC, 00:59 in Berlin */

	zone(berlin);
	CHECK_INT(at("00:30", last, false), last - hours(0, 29));
	CHECK_INT(at("00:30", last, true), last - hours(23, 29));
	CHECK_INT(at("23:30", last, false), last - hours(1, 29));
	CHECK_INT(at("23:30", last, true), last - hours(0, 29));
	CHECK_INT(at("2026-11-22", 0, false), midnight_s * second - hours(1, 0));
	CHECK_INT(at("2026-11-22", 0, true), midnight_s * second);
	CHECK_INT(at("2026-07-22 12:00", 0, false), at("2026-07-22T10:00Z", 0, false));
	CHECK_INT(at("2026-07-22T12:00+02:00", 0, false), at("2026-07-22T10:00Z", 0, true));
	CHECK_INT(
	    at("1970-01-01 00:59:59", 0, false), -1 * second); /* mktime's -1 is no error here */
	zone("NPT-5:45");
	CHECK_INT(at("2026-11-22 05:45", 0, false), midnight_s * second);
	zone("<-12>12");
	CHECK_INT(at("2026-11-21 12:00", 0, false), midnight_s * second);
	CHECK_INT(at("12:00", midnight_s * second, false), midnight_s * second);
}

/* On 2026-03-29 clocks go from 02:00 to 03:00: the hour between is left out. */
static void
clocks_set_forward(void)
{
	zone(berlin);
	const int64_t change = at("2026-03-29T01:00Z", 0, false);
	CHECK_INT(at("2026-03-29 01:59:59", 0, false), change - second);
	CHECK_INT(at("2026-03-29 03:00", 0, false), change);
	CHECK_INT(at("2026-03-29 02:30", 0, false), change + hours(0, 30));
	CHECK_INT(at("2026-03-29", 0, false), change - hours(2, 0));
	CHECK_INT(at("2026-03-30", 0, false), change + hours(21, 0));
	CHECK_INT(at("2026-03-28 02:30", 0, false), change - hours(23, 30));
	CHECK_INT(at("2026-03-30 02:30", 0, false), change + hours(23, 30));
	/* The recording ends at 03:10 of the day: from there on back it is an hour less to
	 * yesterday. */
	const int64_t last = change + hours(0, 10);
	CHECK_INT(at("03:05", last, false), change + hours(0, 5));
	CHECK_INT(at("01:30", last, false), change - hours(0, 30));
	CHECK_INT(at("02:05", last, false), change + hours(0, 5));
	CHECK_INT(at("02:30", last, false), change - hours(23, 30));
	CHECK_INT(at("23:00", last, false), change - hours(3, 0));
	CHECK_INT(at("03:30", last + hours(24, 0), false), change + hours(0, 30));
	CHECK_INT(at("02:30", change + hours(21, 0), true), change + hours(1, 30));
}

/* On 2026-10-25 clocks go from 03:00 back to 02:00: the hour comes twice. */
static void
clocks_set_back(void)
{
	static const char *const asked_before[] = { "2026-07-01", "2026-12-01", "2026-10-25 02:30",
		"2026-10-25 04:00" };

	zone(berlin);
	const int64_t change = at("2026-10-25T01:00Z", 0, false);
	for (size_t i = 0; i < sizeof asked_before / sizeof asked_before[0]; i++) {
		at(asked_before[i], 0, false);
		CHECK_INT(at("2026-10-25 02:30", 0, false), change - hours(0, 30));
	}
	CHECK_INT(at("2026-10-25 02:00", 0, false), change - hours(1, 0));
	CHECK_INT(at("2026-10-25 01:59", 0, false), change - hours(1, 1));
	CHECK_INT(at("2026-10-25 03:00", 0, false), change + hours(1, 0));
	CHECK_INT(at("2026-10-25 02:30+01:00", 0, false), change + hours(0, 30));
	CHECK_INT(at("2026-10-25", 0, false), change - hours(3, 0));
	CHECK_INT(at("2026-10-26", 0, false), change + hours(22, 0));
	/* The recording ends at 02:10 for the second time. */
	const int64_t last = change + hours(0, 10);
	CHECK_INT(at("02:05", last, false), change - hours(0, 55));
	CHECK_INT(at("02:30", last, false), change - hours(0, 30));
	CHECK_INT(at("03:00", last, false), change - hours(24, 0));
	CHECK_INT(at("03:00", change + hours(1, 0), false), change + hours(1, 0));
	CHECK_INT(at("02:30", change + hours(24, 0), false), change - hours(0, 30));
	CHECK_INT(at("02:30", change + hours(25, 0), false), change + hours(24, 30));
}

/* South of the equator it is the other way round, and half an hour at Lord Howe. */
static void
other_summers(void)
{
	zone("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
	const int64_t back = at("2026-04-05T02:00+1100", 0, false),
		      forward = at("2026-10-04T02:00+1030", 0, false);
	CHECK_INT(at("2026-04-05 01:29", 0, false), back - hours(0, 31));
	CHECK_INT(at("2026-04-05 01:45", 0, false), back - hours(0, 15));
	CHECK_INT(at("2026-04-05 02:00", 0, false), back + hours(0, 30));
	CHECK_INT(at("2026-10-04 01:59", 0, false), forward - hours(0, 1));
	CHECK_INT(at("2026-10-04 02:15", 0, false), forward + hours(0, 15));
	CHECK_INT(at("2026-10-04 02:30", 0, false), forward);
}

static void
hostile_recordings(void)
{
	const struct span low = { INT64_MIN, INT64_MIN }, high = { INT64_MAX, INT64_MAX };
	struct when w;

	zone(berlin);
	when_parse(T("+5m"), &w);
	CHECK_INT(when_resolve(&w, &low, false), INT64_MIN + 5 * minute);
	CHECK_INT(when_resolve(&w, &high, false), INT64_MAX);
	when_parse(T("-5m"), &w);
	CHECK_INT(when_resolve(&w, &low, false), INT64_MIN);
	CHECK_INT(when_resolve(&w, &high, false), INT64_MAX - 5 * minute);
	when_parse(T("23:59:59.999999999"), &w);
	for (int utc = 0; utc < 2; utc++) {
		CHECK(when_resolve(&w, &high, utc) < INT64_MAX);
		CHECK(when_resolve(&w, &low, utc) < 0);
	}
	CHECK_INT(at("23:00", -1 * second, true),
	    hours(-1, 0)); /* a clock that was not set: the last day of 1969 */
	CHECK_INT(at("23:59:59.5", -second / 2, true), -second / 2);
}

static void
sizes(void)
{
	static const struct {
		const char *words;
		uint64_t bytes;
	} all[] = {
		{ "1", 1 },
		{ "4096", 4096 },
		{ "512K", 524288 },
		{ "64M", 67108864 },
		{ "64MiB", 67108864 },
		{ "1G", 1073741824 },
		{ "1KiB", 1024 },
		{ "2GiB", 2147483648 },
		{ "1T", 1099511627776 },
		{ "3TiB", 3298534883328 },
		{ "007K", 7168 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18014398509481983K", UINT64_MAX - 1023 },
		{ "16777215T", UINT64_C(16777215) << 40 },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		uint64_t bytes = 7;
		if (!CHECK_INT(size_parse(TN(all[i].words, strlen(all[i].words)), &bytes), 0) ||
		    !CHECK_U64(bytes, all[i].bytes))
			printf("# for '%s'\n", all[i].words);
	}
}

static void
no_sizes(void)
{
	static const struct {
		const char *words;
		int error;
	} all[] = {
		{ "", EINVAL },
		{ "0", EINVAL },
		{ "0M", EINVAL },
		{ "000", EINVAL },
		{ "M", EINVAL },
		{ "KiB", EINVAL },
		{ "-1", EINVAL },
		{ "+1", EINVAL },
		{ "1.5G", EINVAL },
		{ "1e3", EINVAL },
		{ "0x10", EINVAL },
		{ " 1", EINVAL },
		{ "1 ", EINVAL },
		{ "1 M", EINVAL },
		{ "64MB", EINVAL },
		{ "64Mi", EINVAL },
		{ "64iB", EINVAL },
		{ "64MiBs", EINVAL },
		{ "64MM", EINVAL },
		{ "64KM", EINVAL },
		{ "1B", EINVAL },
		{ "1P", EINVAL },
		{ "1m", EINVAL },
		{ "99999999999999999999x", EINVAL },
		{ "18446744073709551616", ERANGE },
		{ "18014398509481984K", ERANGE },
		{ "17592186044416M", ERANGE },
		{ "17179869184G", ERANGE },
		{ "16777216T", ERANGE },
		{ "18446744073709551615KiB", ERANGE },
		{ "99999999999999999999999999G", ERANGE },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		uint64_t bytes = 7;
		errno = 0;
		if (!CHECK_INT(size_parse(TN(all[i].words, strlen(all[i].words)), &bytes), -1) ||
		    !CHECK_INT(errno, all[i].error))
			printf("# for '%s'\n", all[i].words);
		CHECK_U64(bytes, 7);
	}
}

int
main(void)
{
	unit_test("every form of a time is read", good);
	unit_test("an invalid time leaves the result unchanged", bad);
	unit_test("NUL bytes and empty text are refused", nul_bytes);
	unit_test("a time of day is its last occurrence in the recording", over_midnight);
	unit_test("times are local", local_times);
	unit_test("a time of day outside the recording is the nearest one", beside_the_recording);
	unit_test("--to with a date includes that day", up_to_a_day);
	unit_test("the day when the clock is set forward", clocks_set_forward);
	unit_test("the day when the clock is set back", clocks_set_back);
	unit_test("daylight saving of half an hour in the south", other_summers);
	unit_test("a recording with impossible times", hostile_recordings);
	unit_test("sizes with units are read", sizes);
	unit_test("invalid and too large sizes are refused", no_sizes);
	return unit_done();
}
