/* A recording as a host: what a parser makes of its files, and what it need not look at again. */
#include <fcntl.h>

#include "base/fail.h"
#include "cgroup/pressure.h"
#include "host/host.h"
#include "tape/file.h"
#include "tree.h"
#include "unit.h"

static struct tape_file tape;
static unsigned samples;

static void
begin_tape(void)
{
	char path[300];

	snprintf(path, sizeof path, "%s/a.tape", tree);
	unlink(path);
	samples = 0;
	tape = (struct tape_file){ 0 };
	if (tape_file_create(&tape, path) < 0)
		tree_fail(path);
}

static void
keep(const char *path, int error, const char *text)
{
	tape_writer_keep(&tape.writer, text_of(path), error, text_of(text));
}

static void
end_sample(void)
{
	const int64_t at_ns = INT64_C(1000000000) * ++samples;
	struct sample m = {
		.mono_ns = at_ns, .boot_ns = at_ns, .real_ns = INT64_C(1700000000000000000) + at_ns
	};

	CHECK(tape_file_sample(&tape, &m) == 0);
}

static struct host *
end_tape(void)
{
	char path[300];

	CHECK(tape_file_close(&tape) == 0);
	snprintf(path, sizeof path, "%s/a.tape", tree);
	return host_tape(open(path, O_RDONLY | O_CLOEXEC), false);
}

static bool
next(struct host *h)
{
	struct sample m;

	return host_next(h, 0, SAMPLE_ROW, &m) == 1;
}

/* ---- Keys */

enum { KEYS = 4 };
static const char *const keys[KEYS] = { "usage", "held", "left", "size" };
static unsigned set_count;

struct numbers {
	struct keyed v[KEYS];
};

static int
set_numbers(const struct keyed *v, size_t n, void *out)
{
	CHECK_INT(n, KEYS);
	set_count++;
	memcpy(((struct numbers *)out)->v, v, sizeof((struct numbers *)out)->v);
	return v[0].known ? 0 : fail_with(EINVAL);
}

static const struct parser by_key = { sizeof(struct numbers), .keys = keys, .nkeys = KEYS,
	.set = set_numbers };

/* Each text, and the numbers of its keys; the last is larger than a number may be, which is what a negative
 * one looks like. */
static const struct {
	const char *text;
	struct keyed v[KEYS];
	int error;
} readings[] = {
	{ "usage 1\nheld 2\nsize     104 kB\n", { { true, 1 }, { true, 2 }, { 0 }, { true, 104 } },
	    0 },
	{ "usage 10\nheld 2\nsize  123456 kB\n",
	    { { true, 10 }, { true, 2 }, { 0 }, { true, 123456 } }, 0 },
	{ "usage 10\nheld 2\nsize  123456 kB\n",
	    { { true, 10 }, { true, 2 }, { 0 }, { true, 123456 } }, 0 },
	{ "usage 9\nheld 0.05\nsize  123456 kB\n", { { true, 9 }, { 0 }, { 0 }, { true, 123456 } },
	    0 },
	{ "usage 9\nheld 0.07\nsize  123457 kB\n", { { true, 9 }, { 0 }, { 0 }, { true, 123457 } },
	    0 },
	{ "held 7\nusage 5\nleft 3\nsize       1\n",
	    { { true, 5 }, { true, 7 }, { true, 3 }, { true, 1 } }, 0 },
	{ "held 8\nusage 5\nleft 007\nsize      1\n",
	    { { true, 5 }, { true, 8 }, { true, 7 }, { true, 1 } }, 0 },
	{ "held 8\nusage 6\nleft 02305843009213693952\nsize      1\n",
	    { { true, 6 }, { true, 8 }, { true, UINT64_C(2305843009213693952) }, { true, 1 } }, 0 },
	{ "other 1\n", { { 0 } }, EINVAL },
	{ "other 2\n", { { 0 } }, EINVAL },
	{ "usage 18446744073709551\n", { { true, UINT64_C(18446744073709551) } }, 0 },
	{ "usage 9223372036854775808\n", { { 0 } }, EINVAL },
	{ "", { { 0 } }, EINVAL },
};

static void
must_be(const struct numbers *got, const struct keyed *want)
{
	for (int k = 0; k < KEYS; k++) {
		CHECK_INT(got->v[k].known, want[k].known);
		if (want[k].known)
			CHECK_U64(got->v[k].v, want[k].v);
	}
}

static void
numbers_of_keys(void)
{
	const size_t n = sizeof readings / sizeof *readings;
	struct numbers got, text;

	begin_tape();
	for (size_t i = 0; i < n; i++) {
		keep("a/stat", 0, readings[i].text);
		end_sample();
	}
	struct host *h = end_tape();
	for (size_t i = 0; i < n && next(h); i++) {
		errno = 0;
		CHECK_INT(
		    host_parse(h, "a/stat", &by_key, &got) < 0 ? errno : 0, readings[i].error);
		must_be(&got, readings[i].v);
		CHECK_INT(parser_apply(&by_key, text_of(readings[i].text), &text) < 0 ? errno : 0,
		    readings[i].error);
		must_be(&text, readings[i].v);
	}
	CHECK(!next(h));
	host_close(h);
}

/* The digits of names are numbers of the recording too. */
static void
numbers_in_names(void)
{
	static const struct {
		const char *text;
		struct keyed usage1, usage2;
	} of[] = {
		{ "usage1 5\nusage2 6\n", { true, 5 }, { true, 6 } },
		{ "usage1 7\nusage2 6\n", { true, 7 }, { true, 6 } },
		{ "usage3 7\nusage2 6\n", { 0 }, { true, 6 } },
		{ "usage2 8\nusage1 9\n", { true, 9 }, { true, 8 } },
		{ "usage2 1\nusage9 9\n", { 0 }, { true, 1 } },
		{ "usage1 2\nusage2 3\n", { true, 2 }, { true, 3 } },
	};
	static const char *const named[KEYS] = { "usage1", "usage2", "", "" };
	static const struct parser by_name = { sizeof(struct numbers), .keys = named, .nkeys = KEYS,
		.set = set_numbers };
	const size_t n = sizeof of / sizeof *of;
	struct numbers got;

	begin_tape();
	for (size_t i = 0; i < n; i++) {
		keep("a/stat", 0, of[i].text);
		end_sample();
	}
	struct host *h = end_tape();
	for (size_t i = 0; i < n && next(h); i++) {
		const struct keyed want[KEYS] = { of[i].usage1, of[i].usage2 };
		host_parse(h, "a/stat", &by_name, &got);
		must_be(&got, want);
	}
	CHECK(!next(h));
	host_close(h);
}

static void
pressure_as_of_its_text(void)
{
	static const char *const texts[] = {
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		"some avg10=5.07 avg60=100.00 avg300=3.23 total=1019\n"
		"full avg10=1.99 avg60=0.49 avg300=0.20 total=18\n",
		"some avg10=5.7 avg60=0.00 avg300=0.00 total=5\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=20\n",
		"some avg10=5.8 avg60=0.00 avg300=0.00 total=6\n"
		"full avg10=0.01 avg60=0.00 avg300=0.00 total=21\n",
		"full avg10=0.01 avg60=0.00 avg300=0.00 total=22\n",
		"full avg10=0.01 avg60=0.00 avg300=0.00 total=9223372036854775809\n",
		"full avg10=0.01 avg60=0.00 avg300=9300000000000000000.07 total=24\n",
		"some avg10=1.00 avg60=0.00 avg900=0.00 total=7\n",
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=8\n",
	};
	const size_t n = sizeof texts / sizeof *texts;
	struct psi got, want;

	begin_tape();
	for (size_t i = 0; i < n; i++) {
		keep("a/cpu.pressure", 0, texts[i]);
		end_sample();
	}
	struct host *h = end_tape();
	for (size_t i = 0; i < n && next(h); i++) {
		int error = psi_parse(text_of(texts[i]), &want) < 0 ? errno : 0;
		CHECK_INT(
		    host_parse(h, "a/cpu.pressure", &psi_parser, &got) < 0 ? errno : 0, error);
		CHECK(memcmp(&got, &want, sizeof got) == 0);
	}
	CHECK(!next(h));
	host_close(h);
}

/* A list has the numbers of the text after each change, and as many as the text has. It is not cached. */
static int
copy_list(const struct keyed *v, size_t n, void *out)
{
	struct keyed_list *to = out;

	to->n = 0;
	struct keyed *room = keyed_list_add(to, n);
	for (size_t i = 0; i < n; i++)
		room[i] = v[i];
	return 0;
}

static void
lists_as_of_their_text(void)
{
	static const char *const texts[] = {
		"version 15\ncpu0 0 0 0 0 0 0 1 2 3\ndomain0 3 1 2\ncpu1 0 0 0 0 0 0 4 5 6\n",
		"version 15\ncpu0 0 0 0 0 0 0 7 2 3\ndomain0 3 1 9\ncpu1 0 0 0 0 0 0 4 5 8\n",
		"version 15\ncpu0 0 0 0 0 0 0 7 2 3\ndomain0 3 1 9\ncpu2 0 0 0 0 0 0 4 5 9\n",
		"version 15\ncpu1 0 0 0 0 0 0 4 5 9\ncpu2 0 0 0 0 0 0 4 5 1\n",
		"version 15\ncpu0 0 0 0 0 0 0 8 2\ncpu1 0 0 0 0 0 0 4 5 9223372036854775809\n",
		"version 15\ncpu0 0 0 0 0 0 0 8 2\ncpu1 0 0 0 0 0 0 4 5 18446744073709551615\n",
		"version 15\n",
	};
	static const struct parser by_line = { .find = schedstat_numbers, .set = copy_list };
	const size_t n = sizeof texts / sizeof *texts;
	struct keyed_list got = { 0 }, want = { 0 };

	begin_tape();
	for (size_t i = 0; i < n; i++) {
		keep("proc/schedstat", 0, texts[i]);
		end_sample();
	}
	struct host *h = end_tape();
	for (size_t i = 0; i < n && next(h); i++) {
		CHECK_INT(host_parse(h, "proc/schedstat", &by_line, &got), 0);
		parser_find(&by_line, text_of(texts[i]), &want);
		CHECK_INT(got.n, want.n);
		for (size_t k = 0; k < got.n && k < want.n; k++)
			CHECK_U64(got.v[k].v, want.v[k].v);
	}
	CHECK(!next(h));
	host_close(h);
	keyed_list_free(&got);
	keyed_list_free(&want);
}

static void
parses_once(void)
{
	struct numbers got;

	begin_tape();
	for (int i = 0; i < 5; i++) {
		keep("a/stat", 0, i < 3 ? "usage 1\n" : "usage 2\n");
		keep("b/stat", 0, i % 2 ? "usage 7\n" : "usage 8\n");
		end_sample();
	}
	struct host *h = end_tape();
	set_count = 0;
	while (next(h)) {
		CHECK(host_parse(h, "a/stat", &by_key, &got) == 0);
		CHECK(host_parse(h, "./a//stat", &by_key, &got) == 0);
	}
	CHECK_U64(got.v[0].v, 2);
	CHECK_INT(set_count, 2);
	host_close(h);
}

/* ---- Any parser */

static int
take_text(struct text t, void *out)
{
	char *to = out;

	memset(to, 0, 16);
	memcpy(to, t.s, t.n < 15 ? t.n : 15);
	return t.n > 0 ? 0 : fail_with(EINVAL);
}

static const struct parser as_text = { 16, .parse = take_text };

static void
errors_pass(void)
{
	char got[16] = "before";
	struct numbers numbers;

	begin_tape();
	keep("a/max", 0, "max 100");
	end_sample();
	keep("a/max", EACCES, "");
	end_sample();
	keep("a/max", 0, "9 100");
	end_sample();
	struct host *h = end_tape();
	CHECK(next(h));
	CHECK(host_parse(h, "a/max", &as_text, got) == 0);
	CHECK_STRING(got, "max 100");
	CHECK(host_parse(h, "a/max", &by_key, &numbers) < 0 && errno == EINVAL);
	CHECK(host_parse(h, "a/max", &as_text, got) == 0);
	CHECK_STRING(got, "max 100");
	CHECK(next(h));
	CHECK(host_parse(h, "a/max", &as_text, got) < 0 && errno == EACCES);
	CHECK_STRING(got, "max 100");
	CHECK(host_parse(h, "a/none", &as_text, got) < 0 && errno == ENODATA);
	CHECK(next(h));
	CHECK(host_parse(h, "a/max", &as_text, got) == 0);
	CHECK_STRING(got, "9 100");
	host_close(h);
}

/* ---- Files that come and go */

enum { FILES = 9, TURNS = 200 };

/* File i is there in some samples; later ones of a recording number the files in another way. */
static bool
is_there(int i, int turn)
{
	return (turn / (i + 1)) % 3 != 0 || turn % 41 == i;
}

static void
keep_files(int from, int to)
{
	char path[32], text[32];

	for (int turn = from; turn < to; turn++) {
		for (int k = 0; k < FILES; k++) {
			int i = (k + turn / 50) % FILES;
			snprintf(path, sizeof path, "a/%d", i);
			snprintf(text, sizeof text, "%s %d\n", i % 2 ? "odd" : "even", turn);
			if (turn == 0 || turn == TURNS / 2 || is_there(i, turn))
				keep(path, is_there(i, turn) ? 0 : ENOENT, text);
		}
		end_sample();
	}
}

/* Reads "a/NAME" by its path, and by its parts where its seat is kept, which must give the same. */
static int
read_both(struct host *h, const char *name, struct seat *seat, struct text *text)
{
	const struct path_parts parts = { "a", "", name, seat };
	struct text by_parts;
	char path[32];

	snprintf(path, sizeof path, "a/%s", name);
	int result = host_read(h, path, text), error = errno;
	CHECK_INT(host_read_parts(h, &parts, &by_parts), result);
	CHECK_INT(errno, error);
	if (result == 0)
		CHECK(text_same(*text, by_parts));
	return result;
}

/* A file that was not read is as it was read last. */
static void
must_have(struct host *h, int i, int turn)
{
	static struct seat seats[FILES];
	char name[16], want[32];
	struct text got;
	int begin = turn < TURNS / 2 ? 0 : TURNS / 2, last = turn;

	while (last > begin && !is_there(i, last))
		last--;
	snprintf(name, sizeof name, "%d", i);
	if (!is_there(i, last)) {
		CHECK(read_both(h, name, &seats[i], &got) < 0 && errno == ENOENT);
		return;
	}
	snprintf(want, sizeof want, "%s %d\n", i % 2 ? "odd" : "even", last);
	CHECK(read_both(h, name, &seats[i], &got) == 0);
	CHECK_TEXT(got, want);
}

/* In an order that is mostly, but not always, that of the sample before. */
static void
read_in_any_order(void)
{
	struct seat seat = { .tracks = 0 };
	struct text none;
	char path[300];

	begin_tape();
	keep_files(0, TURNS / 2);
	CHECK(tape_file_close(&tape) == 0);
	snprintf(path, sizeof path, "%s/a.tape", tree);
	CHECK(tape_file_open(&tape, path, 0) == 0);
	keep_files(TURNS / 2, TURNS);
	struct host *h = end_tape();
	for (int turn = 0; turn < TURNS && CHECK(next(h)); turn++)
		for (int k = 0; k < FILES; k++) {
			must_have(h, (k * (turn % 7 == 0 ? 2 : 1) + turn / 30) % FILES, turn);
			CHECK(read_both(h, "none", &seat, &none) < 0 && errno == ENODATA);
		}
	host_close(h);
}

/* A file may come between two key frames, after it was asked for. */
static void
comes_later(void)
{
	struct seat seat = { .tracks = 0 };
	struct text got;

	begin_tape();
	for (int i = 0; i < 6; i++) {
		keep("a/first", 0, "1\n");
		if (i >= 3)
			keep("a/later", 0, i < 5 ? "x\n" : "y\n");
		end_sample();
	}
	struct host *h = end_tape();
	for (int i = 0; i < 6 && CHECK(next(h)); i++) {
		CHECK(host_read(h, "a/first", &got) == 0);
		if (i < 3) {
			CHECK(read_both(h, "later", &seat, &got) < 0 && errno == ENODATA);
			continue;
		}
		CHECK(read_both(h, "later", &seat, &got) == 0);
		CHECK_TEXT(got, i < 5 ? "x\n" : "y\n");
	}
	host_close(h);
}

/* ---- Directories, and the way back */

static void
lists_change(void)
{
	struct text names;

	begin_tape();
	keep("a/", 0, "g1\n");
	keep("a/stat", 0, "usage 1\n");
	end_sample();
	keep("a/stat", 0, "usage 2\n");
	end_sample();
	keep("a/", 0, "g2\n"); /* only a number has changed */
	end_sample();
	keep("a/", 0, "g2\nh\n");
	end_sample();
	struct host *h = end_tape();
	CHECK(next(h));
	uint64_t first = host_lists(h);
	CHECK(first > 0);
	CHECK(next(h));
	CHECK_U64(host_lists(h), first);
	CHECK(next(h));
	uint64_t second = host_lists(h);
	CHECK(second != first);
	CHECK(host_list(h, "a", &names) == 0);
	CHECK_TEXT(names, "g2\n");
	CHECK(next(h));
	CHECK(host_lists(h) != second && host_lists(h) != first);
	host_close(h);
}

/* A later run of the recorder may list no directory. */
static void
lists_vanish(void)
{
	char path[300];
	struct text names;

	begin_tape();
	keep("a/", 0, "g\n");
	end_sample();
	CHECK(tape_file_close(&tape) == 0);
	snprintf(path, sizeof path, "%s/a.tape", tree);
	CHECK(tape_file_open(&tape, path, 0) == 0);
	keep("a/stat", 0, "usage 1\n");
	end_sample();
	struct host *h = end_tape();
	CHECK(next(h));
	uint64_t first = host_lists(h);
	CHECK(host_list(h, "a", &names) == 0);
	CHECK(next(h));
	CHECK(host_list(h, "a", &names) < 0);
	CHECK(host_lists(h) != first);
	host_close(h);
}

static void
goes_back(void)
{
	struct numbers got;
	struct sample m;

	begin_tape();
	for (int i = 0; i < 4; i++) {
		char text[32];
		snprintf(text, sizeof text, "usage %d\n", i);
		keep("a/stat", 0, text);
		end_sample();
	}
	struct host *h = end_tape();
	while (next(h))
		;
	for (int64_t k = 2; k < 5; k++) {
		const int64_t at_ns = INT64_C(1700000000000000000) + k * INT64_C(1000000000);
		host_tape_window(h, (struct span){ at_ns, INT64_MAX }, false);
		CHECK(host_next(h, 0, SAMPLE_ROW, &m) == 1);
		CHECK_INT(m.real_ns, at_ns);
		CHECK(!m.restarted);
		CHECK(host_parse(h, "a/stat", &by_key, &got) == 0);
		CHECK_U64(got.v[0].v, (uint64_t)k - 1);
	}
	host_close(h);
}

/* Ends a sample of that boot. */
static void
end_sample_of(unsigned char boot, int64_t mono_s, int64_t real_s)
{
	struct sample m = { .mono_ns = mono_s * INT64_C(1000000000),
		.real_ns = INT64_C(1700000000000000000) + real_s * INT64_C(1000000000) };

	m.boot_ns = m.mono_ns;
	if (tape.writer.segment.boot_id[0] != boot) {
		tape.writer.segment.boot_id[0] = boot;
		tape.writer.begun = false;
	}
	keep("a/stat", 0, "usage 1\n");
	CHECK(tape_file_sample(&tape, &m) == 0);
}

/* The first boot had been up for longer, and the clock is set back in the second one. */
static void
skips_over_boots(void)
{
	struct sample all[6], m;

	begin_tape();
	for (int i = 0; i < 3; i++)
		end_sample_of(1, 5000 + i, i);
	end_sample_of(2, 10, 300);
	end_sample_of(2, 11, 301);
	end_sample_of(2, 12, 20);
	struct host *h = end_tape();
	for (int i = 0; i < 6; i++) {
		CHECK(host_next(h, 0, SAMPLE_ROW, &all[i]) == 1);
		CHECK_INT(all[i].boot, i > 2);
		CHECK_INT(all[i].restarted, i == 3);
		CHECK(i == 0 || sample_before(&all[i - 1], &all[i]));
		CHECK(i == 0 || !sample_before(&all[i], &all[i - 1]));
	}
	for (int i = 0; i < 6; i++) {
		host_tape_window(h, SPAN_ALL, false);
		host_tape_skip(h, &all[i]);
		CHECK(host_next(h, 0, SAMPLE_ROW, &m) == 1);
		CHECK_INT(m.real_ns, all[i].real_ns);
		CHECK_INT(m.boot, all[i].boot);
	}
	host_tape_window(h, SPAN_ALL, false);
	CHECK(host_next(h, 0, SAMPLE_ROW, &m) == 1);
	CHECK_INT(m.real_ns, all[0].real_ns);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("numbers of keys are those of the text", numbers_of_keys);
	unit_test("numbers in names are not those of keys", numbers_in_names);
	unit_test("pressure is that of the text", pressure_as_of_its_text);
	unit_test("lists of numbers as of their text", lists_as_of_their_text);
	unit_test("a file that has not changed is parsed once", parses_once);
	unit_test("errors of reading and of parsing pass through", errors_pass);
	unit_test("files that come and go are read in any order", read_in_any_order);
	unit_test("a file may come later", comes_later);
	unit_test("a directory that may have changed is known", lists_change);
	unit_test("a directory that a later run does not list has changed", lists_vanish);
	unit_test("a recording is read again from any time", goes_back);
	unit_test(
	    "samples are found after a reboot, and where the clock was set", skips_over_boots);
	tree_remove();
	return unit_done();
}
