/* When a trigger fires, and when it fires again. */
#include "commands/recorder/triggers.h"

#include "unit.h"

static const struct column columns[] = { { "x", "x", GAUGE, NO_UNIT, .width = 8 }, { 0 } };
static const struct expr_tool tool = { "tool", columns };
static const int64_t second = 1000000000;

/* Steps through the values, one a second; what comes of each: 'F' fires, 'S' suppressed, '.'
 * nothing. */
static const char *
steps(struct trigger *t, const char *when, int64_t cooldown_s, const double *v, size_t n)
{
	struct cell cell = { .num = 0 };
	struct table table = {
		.columns = columns, .ncolumns = 1, .cells = &cell, .nrows = 1, .cap = 1
	};
	const struct table *tables[] = { &table };
	struct expr_now now = { tables, 1 };
	struct expr_error e;
	struct expr *x = expr_parse(when, &tool, 1, &e);
	struct expr_hit hit;
	char out[100] = "";

	if (!CHECK(x != NULL))
		return "";
	*t = (struct trigger){ .when = x, .cooldown_ns = cooldown_s * second };
	for (size_t i = 0; i < n; i++) {
		cell.num = v[i];
		enum trigger_event event = trigger_step(t, &now, (int64_t)(i + 100) * second, &hit);
		out[i] = ".FS"[event];
		if (event != TRIGGER_NOTHING)
			CHECK_NEAR(hit.value, v[i], 0);
	}
	expr_free(x);
	return unit_copy(out, n + 1);
}

#define CHECK_STEPS(t, when, cooldown_s, want, ...) \
	CHECK_STRING( \
	    steps((t), (when), (cooldown_s), (const double[]){ __VA_ARGS__ }, sizeof(want) - 1), \
	    (want))

static void
once(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25", 0, "..F...", 0, 25, 26, 27, 26, 50);
	CHECK_STEPS(&t, "x > 25", 0, "F......", 26, 24, 26, 23, 26, 24.9, 25.1);
	CHECK(t.disarmed);
	CHECK_U64(t.suppressed, 0);
	CHECK(!t.unknown);
}

static void
again(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25", 0, "F.F.F", 26, 22, 26, 0, 26);
	CHECK_STEPS(&t, "x < 10", 0, "F..F", 9, 10.5, 12, 9);
	CHECK_STEPS(&t, "x < 10", 0, "F...", 9, 10.5, 10.9, 9);
	CHECK_STEPS(&t, "not x > 20", 0, "F..F", 19, 21, 23, 19);
}

static void
cooldown(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25", 5, "F.S.S.F", 26, 0, 26, 0, 26, 0, 26);
	CHECK_U64(t.suppressed, 2);
	CHECK_STEPS(&t, "x > 25", 5, "F.S..F.", 26, 0, 26, 26, 26, 26,
	    26); /* it lasts until the cool-down is over */
	CHECK_U64(t.suppressed, 0);
	CHECK_STEPS(&t, "x > 25", 5, "F.S....", 26, 0, 26, 26, 24, 24, 24); /* not as written */
	CHECK_U64(t.suppressed, 1);
	CHECK_STEPS(&t, "x > 25", 2, "F.F", 26, 0, 26);
}

static void
for_samples(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25 for 3", 0, ".....F.", 26, 26, 0, 26, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 2", 0, ".F.......F", 26, 26, 0, 26, 26, 0, 0, 0, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 2", 0, ".F....", 26, 26, 0, 26, 0, 26);
}

static void
for_time(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25 for 3s", 0, "...F.", 26, 26, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 3s", 0, "......F", 26, 26, 0, 26, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 1s", 0, ".F....F", 26, 26, 0, 0, 0, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 1s", 0, ".F......", 26, 26, 0, 26, 0, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 1ms", 0, ".F", 26, 26);
}

static void
unknown(void)
{
	struct trigger t;

	CHECK_STEPS(&t, "x > 25 for 2", 0, "....F", 26, NAN, NAN, 26, 26);
	CHECK(t.unknown && !t.told);
	CHECK_STEPS(&t, "x > 25 for 2", 0, "..F", 26, NAN,
	    26); /* not for longer than a second: passed over */
	CHECK_STEPS(&t, "x > 25 for 3", 0, ".......F", 26, NAN, 26, NAN, NAN, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25", 0, "F..", 26, NAN, 26);
	CHECK_STEPS(&t, "x > 25", 0, "F..F", 26, NAN, NAN,
	    26); /* a second, and not known to hold: it counts as over */
	CHECK_STEPS(&t, "x > 25 for 2s", 0, "..F......", 26, 26, 26, NAN, NAN, NAN, 26, 26, 26.5);
	CHECK_STEPS(
	    &t, "x > 25 for 2s", 0, "..F.......F", 26, 26, 26, NAN, NAN, NAN, NAN, NAN, 26, 26, 26);
	CHECK_STEPS(&t, "x > 25 for 2", 0, ".F....", 26, 26, 0, NAN, 0, 26);
	CHECK_STEPS(&t, "x > 25", 0, "..", NAN, 0);
	CHECK(t.unknown && !t.disarmed);
}

static void
no_hit_wanted(void)
{
	struct cell cell = { .num = 1 };
	struct table table = {
		.columns = columns, .ncolumns = 1, .cells = &cell, .nrows = 1, .cap = 1
	};
	const struct table *tables[] = { &table };
	struct expr_now now = { tables, 1 };
	struct expr_error e;
	struct expr *x = expr_parse("x > 0", &tool, 1, &e);
	struct trigger t = { .when = x };

	if (CHECK(x != NULL))
		CHECK_INT(trigger_step(&t, &now, 0, NULL), TRIGGER_FIRES);
	expr_free(x);
}

int
main(void)
{
	unit_test("hovering around the threshold fires once", once);
	unit_test("it fires again after the value was clearly below the threshold", again);
	unit_test("within the cool-down it is suppressed and counted", cooldown);
	unit_test("'for N' wants N samples", for_samples);
	unit_test("'for TIME' wants that time", for_time);
	unit_test("an unknown value neither fires nor re-arms", unknown);
	unit_test("the reason is optional", no_hit_wanted);
	return unit_done();
}
