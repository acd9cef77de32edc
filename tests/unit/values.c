/* Values on the command line: intervals. */
#include "cli/values.h"

#include "unit.h"

static void
good(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} all[] = {
		{ "1", 1000000000 },
		{ "0.1", 100000000 },
		{ "100ms", 100000000 },
		{ "2s", 2000000000 },
		{ "1m", 60000000000 },
		{ "1h", 3600000000000 },
		{ "1ms", 1000000 },
		{ "0.001", 1000000 },
		{ "0.001s", 1000000 },
		{ "1.5", 1500000000 },
		{ "1.5m", 90000000000 },
		{ "0.25h", 900000000000 },
		{ "2.5ms", 2500000 },
		{ "60", 60000000000 },
		{ "00001", 1000000000 },
		{ "744h", 2678400000000000 },
		{ "1d", 86400000000000 },
		{ "31d", 2678400000000000 },
		{ "2678400", 2678400000000000 },
		{ "1.000000001", 1000000001 },
		{ "10.0", 10000000000 },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		int64_t ns = 7;
		if (!CHECK_INT(interval_parse(TN(all[i].text, strlen(all[i].text)), &ns), 0) ||
		    !CHECK_INT(ns, all[i].ns))
			printf("# for '%s'\n", all[i].text);
	}
}

/* None of these is an interval; what was there stays. */
static void
refuses(const char *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t ns = 7;
		if (!CHECK(interval_parse(TN(all[i], strlen(all[i])), &ns) < 0))
			printf("# for '%s'\n", all[i]);
		CHECK_INT(ns, 7);
	}
}

static void
bad(void)
{
	static const char *const all[] = {
		"",
		"0",
		"0.0",
		"0ms",
		"-1",
		"+1",
		"1x",
		"x",
		"x1",
		"s",
		"ms",
		".",
		".5",
		"1.",
		"1.s",
		"1..2",
		"1.2.3",
		"1,5",
		"1e3",
		"0x10",
		"nan",
		"inf",
		" 1",
		"1 ",
		"1 s",
		"1\n",
		"1S",
		"1M",
		"1us",
		"1ns",
		"1sec",
		"1ss",
		"1ms1",
		"1m30s",
		"--1",
		"1-2",
		"1/2",
		"\xd9\xa1",
	};

	refuses(all, sizeof all / sizeof all[0]);
}

static void
out_of_range(void)
{
	static const char *const all[] = { "0.9ms", "0.0009", "0.000001s", "99999999999",
		"99999999999ms", "745h", "2678401", "44641m", "18446744073709551616",
		"99999999999999999999999999999999h" };

	refuses(all, sizeof all / sizeof all[0]);
}

static void
nul_bytes(void)
{
	int64_t ns;

	CHECK(interval_parse(T("1\0"), &ns) < 0);
	CHECK(interval_parse(T("\0"
			       "1"),
		  &ns) < 0);
	CHECK(interval_parse(T("1m\0s"), &ns) < 0);
}

int
main(void)
{
	unit_test("seconds, and numbers with units, are intervals", good);
	unit_test("invalid intervals are refused", bad);
	unit_test("less than 1 ms and more than 31 days are refused", out_of_range);
	unit_test("NUL bytes are refused", nul_bytes);
	return unit_done();
}
