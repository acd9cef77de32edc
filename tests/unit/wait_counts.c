/* Counts of waits for a CPU: buckets, and their text form. */
#include "proc/wait_counts.h"

#include <errno.h>

#include "unit.h"

static void
buckets(void)
{
	CHECK_INT(WAIT_BUCKETS, 312);
	for (size_t b = 0; b < WAIT_BUCKETS; b++) {
		CHECK_INT(wait_bucket(wait_bucket_low(b)), b);
		CHECK_INT(wait_bucket(wait_bucket_high(b) - 1), b);
		CHECK(wait_bucket_high(b) > wait_bucket_low(b));
		/* at most 12.5 % wide */
		CHECK(
		    b < 8 || (wait_bucket_high(b) - wait_bucket_low(b)) * 8 <= wait_bucket_low(b));
	}
	CHECK_U64(wait_bucket_low(0), 0);
	CHECK_U64(wait_bucket_low(16), 16);
	CHECK_U64(wait_bucket_high(16), 18);
	CHECK_U64(wait_bucket_high(WAIT_BUCKETS - 1), (uint64_t)1 << 41);
	CHECK_INT(wait_bucket(1000), 63);
	CHECK_INT(wait_bucket((uint64_t)1 << 41), WAIT_BUCKETS - 1);
	CHECK_INT(wait_bucket(UINT64_MAX), WAIT_BUCKETS - 1);
}

static void
quantiles(void)
{
	struct wait_counts c = { 0 };

	CHECK_NEAR(wait_counts_quantile(&c, 0.5), NAN, 0);
	c.bucket[87] = 1;
	CHECK_NEAR(wait_counts_quantile(&c, 0), (double)wait_bucket_high(87), 0);
	CHECK_NEAR(wait_counts_quantile(&c, 1), (double)wait_bucket_high(87), 0);
	c.bucket[87] = 50;
	c.bucket[200] = 50;
	CHECK_NEAR(wait_counts_quantile(&c, 0.25),
	    ((double)wait_bucket_low(87) + (double)wait_bucket_high(87)) / 2, 1e-9);
	CHECK_NEAR(wait_counts_quantile(&c, 0.5), (double)wait_bucket_high(87), 1e-9);
	CHECK(wait_counts_quantile(&c, 0.51) > (double)wait_bucket_low(200));
	CHECK_NEAR(wait_counts_quantile(&c, 1), (double)wait_bucket_high(200), 0);
	c.bucket[0] = UINT64_MAX;
	c.bucket[311] = UINT64_MAX;
	CHECK(wait_counts_quantile(&c, 0.999) <= (double)wait_bucket_high(311));
}

static void
differences(void)
{
	struct wait_counts a = {
		.switches = 10, .waits = 4, .sum_ns = 100, .negative = 9, .bucket = { [7] = 4 }
	};
	struct wait_counts b = { .switches = 15,
		.waits = 5,
		.sum_ns = 90,
		.negative = 9,
		.lost = 2,
		.bucket = { [7] = 4, [9] = 1 } };

	wait_counts_since(&a, &b, &b);
	CHECK_U64(b.switches, 5);
	CHECK_U64(b.waits, 1);
	CHECK_U64(b.sum_ns, 0); /* ran backwards */
	CHECK_U64(b.negative, 0);
	CHECK_U64(b.lost, 2);
	CHECK_U64(b.bucket[7], 0);
	CHECK_U64(b.bucket[9], 1);
}

static void
below(void)
{
	/* 3 ns; 16 and 17 ns; the longest */
	struct wait_counts c = { .bucket = { [3] = 2, [16] = 10, [311] = 4 } };

	CHECK_NEAR(wait_counts_below(&c, 0), 0, 0);
	CHECK_NEAR(wait_counts_below(&c, 3), 0, 0);
	CHECK_NEAR(wait_counts_below(&c, 4), 2, 0);
	CHECK_NEAR(wait_counts_below(&c, 16), 2, 0);
	CHECK_NEAR(wait_counts_below(&c, 17), 7, 1e-9); /* within a bucket they lie evenly */
	CHECK_NEAR(wait_counts_below(&c, 18), 12, 1e-9);
	CHECK_NEAR(wait_counts_below(&c, (uint64_t)1 << 40), 12, 1e-9);
	CHECK_NEAR(wait_counts_below(&c, (uint64_t)1 << 41), 16, 1e-9);
	CHECK_NEAR(wait_counts_below(&c, UINT64_MAX), 16, 1e-9);
	CHECK_NEAR(wait_counts_below(&(struct wait_counts){ 0 }, UINT64_MAX), 0, 0);
}

/* Known is a difference only of two that are. */
static void
timed(void)
{
	struct wait_counts a = { .events = keyed_of(100), .events_ns = keyed_of(50000) },
			   none = { 0 };
	struct wait_counts b = { .events = keyed_of(140), .events_ns = keyed_of(70000) }, d;

	wait_counts_since(&a, &b, &d);
	CHECK(d.events.known && d.events_ns.known);
	CHECK_U64(d.events.v, 40);
	CHECK_U64(d.events_ns.v, 20000);
	wait_counts_since(&b, &a, &d);
	CHECK(d.events.known);
	CHECK_U64(d.events.v, 0);
	CHECK_U64(d.events_ns.v, 0);
	wait_counts_since(&none, &b, &d);
	CHECK(!d.events.known && !d.events_ns.known);
	wait_counts_since(&a, &none, &d);
	CHECK(!d.events.known && !d.events_ns.known);
}

static const char text[] =
    "source bpf-btf\nswitches 81234\nwaits 359\nsum_ns 52377411\nnegative 1\nlost 2\n"
    "buckets 0:7 88:340 311:12\n";

static void
prints(void)
{
	struct wait_counts c = {
		.switches = 81234,
		.waits = 359,
		.sum_ns = 52377411,
		.negative = 1,
		.lost = 2,
		.bucket = { [0] = 7, [88] = 340, [311] = 12 },
	};
	struct buf b = { 0 };

	CHECK_INT(wait_counts_print(&c, "bpf-btf", &b), 0);
	CHECK_TEXT(b, text);
	b.n = 0;
	c = (struct wait_counts){ 0 };
	CHECK_INT(wait_counts_print(&c, "probe", &b), 0);
	CHECK_TEXT(b, "source probe\nswitches 0\nwaits 0\nsum_ns 0\nnegative 0\nlost 0\nbuckets\n");
	CHECK_INT(wait_counts_print(&c, "", &b), -1);
	CHECK_INT(wait_counts_print(&c, "a b", &b), -1);
	CHECK_INT(wait_counts_print(&c, "a-name-of-twenty-four-or", &b), -1);
	buf_free(&b);
}

static void
parses(void)
{
	char source[WAIT_COUNTS_SOURCE];
	struct wait_counts c;

	CHECK_INT(wait_counts_parse(TN(text, sizeof text - 1), &c, source), 0);
	CHECK_STRING(source, "bpf-btf");
	CHECK_U64(c.switches, 81234);
	CHECK_U64(c.waits, 359);
	CHECK_U64(c.sum_ns, 52377411);
	CHECK_U64(c.negative, 1);
	CHECK_U64(c.lost, 2);
	CHECK_U64(c.bucket[0], 7);
	CHECK_U64(c.bucket[88], 340);
	CHECK_U64(c.bucket[311], 12);
	CHECK_INT(wait_counts_parse(T("later 7\nbuckets\nlost 0\nnegative 0\nsum_ns 0\nwaits "
				      "0\nswitches 3\nsource probe\n"),
		      &c, source),
	    0);
	CHECK_U64(c.switches, 3);
	CHECK_STRING(source, "probe");
}

static void
events(void)
{
	static const char with[] =
	    "source bpf-tp\nswitches 9\nwaits 2\nsum_ns 7\nnegative 0\nlost 0\n"
	    "events 12\nevents_ns 3400\nbuckets 3:2\n";
	char source[WAIT_COUNTS_SOURCE];
	struct wait_counts c;
	struct buf b = { 0 };

	CHECK_INT(wait_counts_parse(TN(with, sizeof with - 1), &c, source), 0);
	CHECK(c.events.known && c.events_ns.known);
	CHECK_U64(c.events.v, 12);
	CHECK_U64(c.events_ns.v, 3400);
	CHECK_INT(wait_counts_print(&c, source, &b), 0);
	CHECK_TEXT(b, with);
	b.n = 0;
	c.events_ns = (struct keyed){ .known = false };
	CHECK_INT(wait_counts_print(&c, source, &b), 0); /* one of them alone is not printed */
	CHECK_TEXT(
	    b, "source bpf-tp\nswitches 9\nwaits 2\nsum_ns 7\nnegative 0\nlost 0\nbuckets 3:2\n");
	CHECK_INT(wait_counts_parse(T("source x\nswitches 9\nwaits 0\nsum_ns 7\nnegative 0\nlost "
				      "0\nevents 12\nbuckets\n"),
		      &c, source),
	    0);
	CHECK(!c.events.known && !c.events_ns.known); /* nor read */
	CHECK_INT(wait_counts_parse(T("source x\nswitches 9\nwaits 0\nsum_ns 7\nnegative 0\nlost "
				      "0\nevents -1\nevents_ns 4\nbuckets\n"),
		      &c, source),
	    0);
	CHECK(!c.events.known && !c.events_ns.known);
	buf_free(&b);
}

static int
error_of(const char *source_line, const char *waits, const char *last)
{
	char source[WAIT_COUNTS_SOURCE], whole[400];
	struct wait_counts c;
	int n = snprintf(whole, sizeof whole,
	    "%sswitches 3\nwaits %s\nsum_ns 4\nnegative 0\nlost 0\n%s", source_line, waits, last);

	errno = 0;
	return wait_counts_parse(TN(whole, (size_t)n), &c, source) < 0 ? errno : 0;
}

static void
damaged(void)
{
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:7\n"), 0);
	CHECK_INT(error_of("", "7", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source\n", "7", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source \033[2J\n", "7", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source a-name-of-twenty-four-or\n", "7", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "8", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "-7", "buckets 3:7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", ""), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:7"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets :7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 312:7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:0 4:7\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:3 3:4\n"), EINVAL);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 4:3 3:4\n"), EINVAL);
	CHECK_INT(
	    error_of("source bpf-btf\n", "7", "buckets 3:18446744073709551615 4:8\n"), ERANGE);
	CHECK_INT(error_of("source bpf-btf\n", "7", "buckets 3:18446744073709551616\n"), ERANGE);
}

static void
truncated(void)
{
	char source[WAIT_COUNTS_SOURCE];
	struct wait_counts c;

	for (size_t n = 0; n < sizeof text - 1; n++)
		CHECK(wait_counts_parse(TN(text, n), &c, source) < 0);
}

int
main(void)
{
	unit_test("a bucket's bounds are its own", buckets);
	unit_test("quantiles", quantiles);
	unit_test("differences", differences);
	unit_test("how many waits were shorter", below);
	unit_test("the time of the BPF programs", timed);
	unit_test("counts are printed", prints);
	unit_test("counts are parsed in any order, with unknown keys", parses);
	unit_test("runs of the programs are printed and read in pairs", events);
	unit_test("damaged counts are errors", damaged);
	unit_test("text truncated anywhere is safe", truncated);
	return unit_done();
}
