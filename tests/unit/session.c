/* The session: which events come when, over a host whose clock is a number. */
#include "session/session.h"

#include <errno.h>

#include "unit.h"

static const int64_t ms = 1000000, second = 1000000000;

/* Sleeps by setting its clock, or plays samples that were kept. */
struct fake {
	struct host host;
	int64_t now_ns, late_ns; /* it wakes this late, once */
	const struct sample *kept;
	size_t left;
	const char *has; /* by sample: 'y' if it has the tool; NULL: all have it */
	bool other;      /* has is about another tool, and each sample has this one */
};

static int
fake_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m)
{
	struct fake *f = (struct fake *)h;

	if (h->replay) {
		if (f->left-- == 0)
			return 0;
		*m = *f->kept++;
		if (f->has) {
			char line[20];
			snprintf(line, sizeof line, "%s %d 3 3\n", f->other ? "other" : "fake",
			    *f->has++ == 'y');
			host_set_left_out(h, text_of(line));
		}
		return 1;
	}
	if (deadline_ns > f->now_ns)
		f->now_ns = deadline_ns;
	f->now_ns += f->late_ns;
	f->late_ns = 0;
	*m = (struct sample){ .mono_ns = f->now_ns, .real_ns = f->now_ns, .kind = kind };
	return 1;
}

static void
fake_close(struct host *h)
{
	(void)h;
}

static int
fake_get(struct host *h, const char *path, struct text *text)
{
	(void)h;
	(void)path;
	(void)text;
	errno = ENOENT;
	return -1;
}

static const struct host_ops fake_ops = {
	.next = fake_next, .read = fake_get, .list = fake_get, .link = fake_get, .close = fake_close
};

/* The tool has nothing to read between these times. */
static int64_t gone_ns, back_ns;
static int ticks, reads;

static void
fake_tick(struct watch *w)
{
	(void)w;
	ticks++;
}

static void *
fake_read(struct watch *w, struct arena *a)
{
	reads++;
	if (w->now_ns >= gone_ns && w->now_ns < back_ns)
		return watch_fail(w, EXIT_UNSUPPORTED, "gone");
	return arena_alloc(a, 1);
}

static void *
fake_refuse(struct watch *w, struct arena *a)
{
	(void)a;
	return watch_fail(w, EXIT_USAGE, "no such process");
}

static void
fake_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	(void)w;
	(void)from;
	(void)to;
	cell_gauge(&table_row(out)[0], span_s, span_s);
}

static const struct column columns[] = { { "x", "x", GAUGE, NO_UNIT, .width = 8 }, { 0 } };
static const struct tool tool = {
	.name = "fake", .columns = columns, .tick = fake_tick, .read = fake_read, .rows = fake_rows
};
static const struct option *const takes_all[] = { &option_all, NULL };
static const struct tool tool_of_cgroups = { .name = "fake",
	.columns = columns,
	.shared = takes_all,
	.read = fake_read,
	.rows = fake_rows };
static const struct tool tool_refusing = {
	.name = "refusing", .columns = columns, .read = fake_refuse, .rows = fake_rows
};
static const struct request ask;
static const struct options options;
static char said[400];

static void
say(void *about, const struct tool *t, const char *message)
{
	size_t n = strlen(said);

	(void)about;
	(void)t;
	snprintf(said + n, sizeof said - n, "%s;", message);
}

static struct session
session_of(struct fake *f)
{
	f->host.ops = &fake_ops;
	gone_ns = back_ns = 0;
	ticks = reads = 0;
	*said = '\0';
	return (struct session){ .host = &f->host, .options = &options, .say = say };
}

/* The next n events and when they came, in ms since the first sample: "T30 R100". */
static const char *
events(struct session *s, int n)
{
	static char out[1000];
	size_t at = 0;

	*out = '\0';
	for (int i = 0; i < n; i++) {
		enum session_event event = session_next(s);
		at += (size_t)snprintf(
		    out + at, sizeof out - at, "%s%c", i ? " " : "", "ERSTW"[event]);
		if (event != SESSION_END)
			at += (size_t)snprintf(out + at, sizeof out - at, "%lld",
			    (long long)((s->now.mono_ns - s->from.mono_ns) / ms));
	}
	return out;
}

static bool
begin(struct session *s)
{
	return session_start(s) && session_begin(s);
}

static void
rows_and_ticks(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = 100 * ms;
	session_add(&s, &tool, &ask)->tick_ns = 30 * ms;
	CHECK(begin(&s));
	CHECK(!sampler_table(s.v[0]));
	CHECK_STRING(events(&s, 8), "T30 T60 T90 R100 T120 T150 T180 R200");
	CHECK_INT(ticks, 9);
	CHECK_INT(reads, 3);
	if (CHECK(sampler_table(s.v[0]) != NULL))
		CHECK_NEAR(table_at(sampler_table(s.v[0]), 0)->num, 0.1, 1e-9);
	session_end(&s);
}

static void
whole_seconds(void)
{
	struct fake f = { .now_ns = 100 * second + 300 * ms };
	struct session s = session_of(&f);

	s.interval_ns = second;
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 2), "R1700 R2700");
	session_end(&s);
	f.now_ns = 100 * second + 900 * ms;
	s = session_of(&f);
	s.interval_ns = second;
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 2), "R1100 R2100");
	session_end(&s);
}

static void
early_first_row(void)
{
	struct fake f = { .now_ns = 100 * second + 300 * ms };
	struct session s = session_of(&f);

	s.interval_ns = 3 * second;
	s.first_ns = second;
	session_add(&s, &tool, &ask)->tick_ns = 2 * second;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 4), "R1000 T3000 R4700 T5000");
	session_end(&s);
}

/* Two samplers, of which one is read at every third row only. */
static void
own_intervals(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = 100 * ms;
	session_add(&s, &tool, &ask);
	session_add(&s, &tool, &ask)->planned = 3;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 2), "R100 R200");
	CHECK_INT(reads, 4);
	CHECK(!s.v[1]->sampled);
	CHECK(!sampler_table(s.v[1]));
	CHECK_STRING(events(&s, 1), "R300");
	CHECK(s.v[1]->sampled);
	if (CHECK(sampler_table(s.v[1]) != NULL))
		CHECK_NEAR(table_at(sampler_table(s.v[1]), 0)->num, 0.3, 1e-9);
	f.late_ns =
	    350 * ms; /* the third row of the grid is late, and so in the row that it missed */
	CHECK_STRING(events(&s, 2), "R750 R800");
	CHECK_U64(s.missed, 3);
	CHECK_INT(reads, 9);
	session_end(&s);
}

static void
rare_rows_only(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = 100 * ms;
	session_add(&s, &tool, &ask)->planned = 5;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 2), "R500 R1000");
	CHECK_U64(s.missed, 0);
	session_end(&s);
}

static void
missed(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = 100 * ms;
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	f.late_ns = 250 * ms;
	CHECK_STRING(events(&s, 2), "R350 R400");
	CHECK_U64(s.missed, 2);
	CHECK_U64(s.rows, 2);
	session_end(&s);
}

static int samples_left;

static bool
is_over(void *about)
{
	(void)about;
	return samples_left-- == 0;
}

static void
one_row(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.whole = true;
	s.step_ns = 100 * ms;
	s.over = is_over;
	samples_left = 2;
	session_add(&s, &tool, &ask)->steps = true;
	session_add(&s, &tool, &ask)->tick_ns = 150 * ms;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 4), "S100 T150 R200 E");
	CHECK_INT(reads, 5); /* two at first, one at the step, two at the end */
	CHECK_NEAR(table_at(sampler_table(s.v[0]), 0)->num, 0.1, 1e-9);
	CHECK_NEAR(table_at(sampler_table(s.v[1]), 0)->num, 0.2, 1e-9);
	session_end(&s);
}

static void
one_row_of_a_time(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.whole = true;
	s.interval_ns = 250 * ms;
	session_add(&s, &tool, &ask)->tick_ns = 100 * ms;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 4), "T100 T200 R250 E");
	session_end(&s);
}

static void
ends(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = 500 * ms;
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	gone_ns = 101 * second;
	back_ns = 200 * second;
	CHECK_STRING(events(&s, 2), "R500 E");
	CHECK_STRING(said, "gone;");
	CHECK_INT(session_status(&s), EXIT_UNSUPPORTED);
	session_end(&s);
}

static void
is_tried_again(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.interval_ns = second;
	s.lasting = true;
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	gone_ns = 102 * second;
	back_ns = 105 * second;
	events(&s, 5);
	CHECK_INT(reads, 4); /* at 0, 1, 2 and, two seconds later, at 4 */
	CHECK(s.v[0]->over);
	CHECK_STRING(said, "gone;");
	CHECK_STRING(events(&s, 1), "R6000");
	CHECK(!s.v[0]->over);
	CHECK(!sampler_table(s.v[0]));
	CHECK_STRING(said, "gone;data is available again;");
	events(&s, 1);
	CHECK(sampler_table(s.v[0]) != NULL);
	session_end(&s);
}

static void
refuses(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.lasting = true;
	session_add(&s, &tool_refusing, &ask);
	session_add(&s, &tool, &ask);
	CHECK(!begin(&s));
	CHECK_INT(session_status(&s), EXIT_USAGE);
	CHECK_INT(reads, 0);
	session_end(&s);
}

/* Sample times in ms; a negative one is a tick's. */
static void
keep(struct fake *f, struct sample *m, const int *at, size_t n)
{
	f->host.replay = true;
	f->kept = m;
	f->left = n;
	for (size_t i = 0; i < n; i++)
		m[i] = (struct sample){ .mono_ns = second + abs(at[i]) * ms,
			.kind = at[i] < 0 ? SAMPLE_TICK : SAMPLE_ROW };
}

static void
of_a_recording(void)
{
	static const int at[] = { -10, 0, 90, 190, -200, 280, 390, 480 };
	struct sample m[sizeof at / sizeof at[0]];
	struct fake f = { 0 };
	struct session s = session_of(&f);

	keep(&f, m, at, sizeof at / sizeof at[0]);
	s.interval_ns = 200 * ms;
	session_add(&s, &tool, &ask)->tick_ns = 10 * ms;
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 7), "T90 R190 T200 T280 R390 T480 E");
	CHECK_INT(ticks, 7);
	session_end(&s);
	s = session_of(&f);
	keep(&f, m, at, sizeof at / sizeof at[0]);
	session_add(&s, &tool, &ask);
	CHECK(begin(&s));
	CHECK_STRING(events(&s, 3), "R90 R190 T200");
	session_end(&s);
}

/* A recorder read the tool at every third sample only: the others make no rows and no ticks. */
static void
left_out(void)
{
	static const int at[] = { 0, 100, 200, 300, 400, 500, 600 };
	struct sample m[sizeof at / sizeof at[0]];
	struct fake f = { .has = "nynnyny" };
	struct session s = session_of(&f);

	keep(&f, m, at, sizeof at / sizeof at[0]);
	session_add(&s, &tool, &ask)->tick_ns = 10 * ms;
	CHECK(begin(&s));
	CHECK_INT(reads, 1);
	CHECK_STRING(events(&s, 6), "T100 T200 R300 T400 R500 E");
	CHECK_INT(reads, 3);
	CHECK_INT(ticks, 3);
	session_end(&s);
}

/* The recorder read the tool at each sample, for a target of its own, and another at every third one:
 * files of a further target are surely read where both are. */
static void
other_target(void)
{
	static const int at[] = { 0, 100, 200, 300, 400, 500, 600 };
	static const struct {
		const char *asked, *events;
		struct target target;
	} tests[] = {
		{ "", "T100 T200 R300 T400 R500 E", { .cgroup = "/a" } },
		{ "-g /b", "T100 T200 R300 T400 R500 E", { .cgroup = "/a" } },
		{ "-p 4", "T100 T200 R300 T400 R500 E", { .pid = "42" } },
		{ "-g /b", "T100 T200 R300 T400 R500 E", { .all = true } },
		{ "-g /a", "R100 R200 R300 R400 R500 R600", { .cgroup = "/a" } },
		{ "-p 42", "R100 R200 R300 R400 R500 R600", { .pid = "42" } },
		{ "-a", "R100 R200 R300 R400 R500 R600", { .cgroup = "/a" } },
		{ "-g /b", "R100 R200 R300 R400 R500 R600", { 0 } },
	};

	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct sample m[sizeof at / sizeof at[0]];
		struct fake f = { .has = "nynnyny", .other = true };
		struct session s = session_of(&f);
		const struct request of = { .target = tests[i].target };

		keep(&f, m, at, sizeof at / sizeof at[0]);
		snprintf(f.host.asked, sizeof f.host.asked, "%s", tests[i].asked);
		session_add(&s, &tool_of_cgroups, &of);
		CHECK(begin(&s));
		CHECK_STRING(events(&s, 6), tests[i].events);
		session_end(&s);
	}
}

static void
notes_once(void)
{
	struct fake f = { .now_ns = 100 * second };
	struct session s = session_of(&f);

	s.say = NULL;
	session_add(&s, &tool_refusing, &ask);
	session_add(&s, &tool_refusing, &ask);
	CHECK(!begin(&s));
	if (CHECK_U64(s.nnotes, 1))
		CHECK_STRING(s.notes[0].said, "no such process");
	session_end(&s);
}

int
main(void)
{
	unit_test("a row for each interval, with ticks between rows", rows_and_ticks);
	unit_test("a sampler with an interval of its own is read at some rows only", own_intervals);
	unit_test("without a sampler for them, there are no rows in between", rare_rows_only);
	unit_test("samples of a recording that lack the tool make no rows", left_out);
	unit_test("a target that was not recorded has samples of all tools", other_target);
	unit_test("intervals of whole seconds end at whole seconds of the clock", whole_seconds);
	unit_test("a first row that comes early starts the schedule again", early_first_row);
	unit_test("deadlines that pass are counted, and the grid stays", missed);
	unit_test("one row, with steps, until it is over", one_row);
	unit_test("one row over a time", one_row_of_a_time);
	unit_test("a session ends when no sampler can be read", ends);
	unit_test("a lasting session tries again every two seconds", is_tried_again);
	unit_test("a lasting session ends if a sampler refuses", refuses);
	unit_test("of a recording the samples nearest to the grid make rows", of_a_recording);
	unit_test("notes that nobody takes are kept once", notes_once);
	return unit_done();
}
