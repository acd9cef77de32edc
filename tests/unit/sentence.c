/* Sentences: an unknown figure leaves out the sentence, or the optional part that has it. */
#include "base/sentence.h"

#include <math.h>
#include <string.h>

#include "unit.h"

/* The sentence, or "(none)". */
#define CHECK_SAYS(want, ...) \
	do { \
		struct buf b = { 0 }; \
		bool put = sentence_put(&b, SENTENCE(__VA_ARGS__)); \
		CHECK(put == (strcmp(want, "(none)") != 0)); \
		buf_char(&b, '\0'); \
		CHECK_STRING(b.s, put ? want : ""); \
		buf_free(&b); \
	} while (0)

static void
figures(void)
{
	CHECK_SAYS("the CPUs are 100 % busy", "the CPUs are {} % busy", fixed(99.6, 0));
	CHECK_SAYS(
	    "64 MiB in 1.5 s, 0.20", "{} in {}, {}", bytes(64 << 20), seconds(1.5), fixed(0.2, 2));
	CHECK_SAYS("pid 42 (web), 1 process", "pid {} ({}), 1 process{}", name("42"), name("web"),
	    EITHER(true, "", "es"));
	CHECK_SAYS("no figure", "no figure", NO_FIGURE);
	CHECK_SAYS("{ 3 }", "{ {} }", fixed(3, 0));
	CHECK_SAYS("{}[]", "{}", name("{}[]"));
}

static void
unknown(void)
{
	CHECK_SAYS("(none)", "the CPUs are {} % busy", fixed(NAN, 0));
	CHECK_SAYS("(none)", "{}", fixed(INFINITY, 0));
	CHECK_SAYS("(none)", "{}", bytes(NAN));
	CHECK_SAYS("(none)", "{}", seconds(-INFINITY));
	CHECK_SAYS("(none)", "process {}", name(""));
	CHECK_SAYS("(none)", "process {}", name(NULL));
	CHECK_SAYS("(none)", "{} and {}", fixed(1, 0), fixed(NAN, 0));
}

static void
optional(void)
{
	CHECK_SAYS("limit 0.20 CPUs (98 % used), set on /web",
	    "limit {} CPUs[ ({} % used)][, set on {}]", fixed(0.2, 2), fixed(98, 0), name("/web"));
	CHECK_SAYS("limit 0.20 CPUs, set on /web", "limit {} CPUs[ ({} % used)][, set on {}]",
	    fixed(0.2, 2), fixed(NAN, 0), name("/web"));
	CHECK_SAYS("it", "it[: {} of {}]", fixed(1, 0), fixed(NAN, 0));
	CHECK_SAYS("(none)", "[{}] of {}", fixed(1, 0), fixed(NAN, 0));
	CHECK_SAYS("", "[{}]", fixed(NAN, 0));
}

/* Too few or too many figures are a mistake of the caller: nothing is said. */
static void
miscounted(void)
{
	CHECK_SAYS("(none)", "{} of {}", fixed(1, 0));
	CHECK_SAYS("(none)", "{}", fixed(1, 0), fixed(2, 0));
	CHECK_SAYS("(none)", "none", fixed(1, 0));
}

int
main(void)
{
	unit_test("figures stand in the order of their places", figures);
	unit_test("an unknown figure leaves out the sentence", unknown);
	unit_test("an unknown figure in an optional part leaves out that part", optional);
	unit_test("too few or too many figures leave out the sentence", miscounted);
	return unit_done();
}
