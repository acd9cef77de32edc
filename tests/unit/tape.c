/*
 * Tapes, from the writer to the reader: each sample that is given back is, byte for byte, one that
 * was kept; they come in order, and what is not given back is counted.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/code.h"
#include "base/crc32c.h"
#include "tape/format.h"
#include "tape/file.h"
#include "tape/reader.h"
#include "tree.h"
#include "draw.h"
#include "unit.h"

enum { TRACKS_MOST = 4096 };

/* What the machine is like now, and was like at each sample that was kept: the image has of each
 * track its path with a NUL, its error, when it was read last, its length, and its bytes. */
static struct {
	struct {
		char path[40];
		int error;
		unsigned touched;
		struct buf text;
	} now[TRACKS_MOST];
	size_t ntracks;
	struct {
		struct sample m;
		struct buf image;
	} * kept;
	unsigned n, room;
	struct tape_writer *writer; /* NULL: only this model is kept */
} model;

static void
forget(void)
{
	for (size_t i = 0; i < model.ntracks; i++)
		buf_free(&model.now[i].text);
	for (unsigned i = 0; i < model.n; i++)
		buf_free(&model.kept[i].image);
	free(model.kept);
	memset(&model, 0, sizeof model);
}

static void
keep_bytes(const char *path, int error, struct text t)
{
	size_t i = 0;

	while (i < model.ntracks && strcmp(model.now[i].path, path) != 0)
		i++;
	if (i == TRACKS_MOST)
		abort();
	if (i == model.ntracks) {
		model.ntracks++;
		snprintf(model.now[i].path, sizeof model.now[i].path, "%s", path);
	}
	model.now[i].error = error;
	model.now[i].touched = model.n;
	model.now[i].text.n = 0;
	if (!error)
		buf_add(&model.now[i].text, t.s, t.n);
	if (model.writer)
		tape_writer_keep(model.writer, text_of(path), error, t);
}

static void __attribute__((format(printf, 2, 3))) keep(const char *path, const char *format, ...)
{
	char s[2048];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(s, sizeof s, format, args);
	va_end(args);
	keep_bytes(path, 0, (struct text){ s, (size_t)n });
}

/* The present state becomes a sample that was kept. */
static void
remember(const struct sample *m)
{
	if (model.n == model.room) {
		model.room = model.room ? model.room * 2 : 256;
		model.kept = realloc(model.kept, model.room * sizeof *model.kept);
		if (!model.kept)
			abort();
	}
	struct buf *b = &model.kept[model.n].image;
	model.kept[model.n].m = *m;
	*b = (struct buf){ 0 };
	for (size_t i = 0; i < model.ntracks; i++) {
		uint32_t head[3] = { (uint32_t)model.now[i].error, model.now[i].touched,
			(uint32_t)model.now[i].text.n };
		buf_add(b, model.now[i].path, strlen(model.now[i].path) + 1);
		buf_add(b, (char *)head, sizeof head);
		buf_add(b, model.now[i].text.s, model.now[i].text.n);
	}
	model.n++;
}

/* When the k-th sample is: late now and then; every third one is a tick. */
static struct sample
sample_of(unsigned k)
{
	int64_t late_ns = k % 7 == 3 ? 12345 * (k % 100) : 0,
		mono_ns = 5000000000 + k * (int64_t)100000000 + late_ns;

	return (struct sample){ .mono_ns = mono_ns,
		.real_ns = 1700000000000000000 + mono_ns + (k / 50 % 3) * 1000003,
		.boot_ns = mono_ns + 777,
		.kind = k % 3 ? SAMPLE_ROW : SAMPLE_TICK };
}

/* Four files of counters. */
static void
counters(unsigned k)
{
	keep("proc/loadavg", "0.%02u 0.10 0.05 %u/300 %u\n", k % 100, k % 5, 4000 + k);
	keep("proc/stat", "cpu  %u 0 %u %u\nctxt %u\n", 100 + k * 3, 7 + k, 99000 + 9 * k,
	    123456 + 1001 * k);
	keep("proc/meminfo", "MemFree: %8u kB\nDirty: %6u kB\n", 500000 - k * 37 % 1000,
	    k % 13 * 90);
	keep("proc/pressure/cpu", "some avg10=0.%02u total=%u\n", k % 7, k * k);
}

/* Long enough that a segment is full soon. */
static void
busy(unsigned k)
{
	counters(k);
	for (unsigned i = 0; i < 40; i++) {
		char path[40];
		snprintf(path, sizeof path, "cgroup/%u/cpu.stat", i);
		keep(path, "usage_usec %llu\nnr_periods %u\nnr_throttled %u\n",
		    (unsigned long long)k * (k + i) * 977, k * (i % 9), k * i / 5);
	}
}

static void
keep_any_bytes(const char *path)
{
	static const char *const parts[] = { "0", "00", "9", " ", "  ", ".", "18446744073709551615",
		"9999999999999999999", "\n" };
	struct buf b = { 0 };

	for (uint64_t n = draw(30); n > 0; n--) {
		if (draw(2))
			buf_char(&b, (char)draw(256));
		else
			buf_text(&b, parts[draw(sizeof parts / sizeof parts[0])]);
	}
	keep_bytes(path, 0, (struct text){ b.s, b.n });
	buf_free(&b);
}

/* Errors that come and go, words that change, lists, files that are read now and then, and files
 * that are new in mid-segment. */
static void
restless(unsigned k)
{
	static const int errors[] = { ENOENT, EACCES, EOPNOTSUPP, ENODEV, 4095 };
	char path[40];

	counters(k);
	if (draw(9) == 0)
		keep_bytes("proc/pressure/io", errors[draw(5)], T(""));
	else if (draw(3))
		keep("proc/pressure/io", "some avg10=0.00 total=%u\n", k / 3);
	if (draw(5) == 0)
		keep_any_bytes("proc/anything");
	if (draw(4) == 0)
		keep("proc/words", "%s %u\n", k / 8 % 2 ? "odd" : "even", k);
	keep(
	    "proc/padded", "a: %*u kB", (int)draw(12), (unsigned)draw(1000) * (unsigned)draw(1000));
	keep("cgroup/", "%s%s", k / 20 % 3 ? "one\n" : "", k / 30 % 2 ? "two\nthree\n" : "");
	if (k % 11 == 0) {
		snprintf(path, sizeof path, "proc/%u/stat", k / 11 % 60);
		keep(path, "%u (x) R %u", k, k / 2);
	}
	keep("empty", "%s", "");
}

/* Every cgroup is there for a while, and never comes back. */
static void
passing(unsigned k)
{
	char path[40];

	busy(k);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "cgroup/pod%u/cpu.stat", k / 20 + i);
		keep(path, "usage_usec %u\n", k * 7 + i);
	}
}

/* The words change all the time, by much or little, so that segments end early and begin
 * anywhere. */
static void
ragged(unsigned k)
{
	char path[40], words[600];

	counters(k);
	for (unsigned i = 0; i < 8; i++) {
		size_t n = draw(draw(8) ? 60 : sizeof words - 1);
		for (size_t at = 0; at < n; at++)
			words[at] = (char)('a' + draw(26));
		words[n] = '\0';
		snprintf(path, sizeof path, "proc/%u/cmdline", i);
		keep(path, "%s", words);
	}
}

/* The next n samples of that kind onto the tape. */
static void
record(struct tape_writer *w, void (*step)(unsigned), unsigned n)
{
	model.writer = w;
	for (; n > 0; n--) {
		struct sample m = sample_of(model.n);
		step(model.n);
		if (w && !CHECK_INT(tape_writer_sample(w, &m), 0))
			return;
		remember(&m);
	}
	model.writer = NULL;
}

/* Whether the reader has a track as it was; `read` is how it answered. */
static bool
same_track(int read, struct text got, int error, const char *bytes, uint32_t n)
{
	return error ? read < 0 && errno == error :
		       read == 0 && text_same(got, (struct text){ bytes, n });
}

/* Whether the reader has all that was kept, and nothing else. If `dropped`, tracks that were not
 * read for long may be missing. */
static bool
same_texts(struct tape_reader *r, unsigned k, bool dropped)
{
	const struct buf *image = &model.kept[k].image;
	uint32_t found = 0, head[3];

	for (const char *s = image->s; s < image->s + image->n; s += head[2]) {
		const char *path = s;
		struct text got = { NULL, 0 };
		memcpy(head, s + strlen(s) + 1, sizeof head);
		s += strlen(s) + 1 + sizeof head;
		int read = playback_text(&r->tracks, path, &got);
		if (dropped && read < 0 && errno == ENODATA && head[1] + 120 < k)
			continue;
		found++;
		if (!same_track(read, got, (int)head[0], s, head[2]))
			return false;
	}
	return found == r->tracks.paths.n;
}

/* The sample that was kept at that time, at `from` or behind it; model.n when there is none. */
static unsigned
find_kept(const struct sample *m, unsigned from)
{
	while (from < model.n && model.kept[from].m.mono_ns != m->mono_ns)
		from++;
	return from;
}

/* What was read so far. */
struct walk {
	/* of those kept: the next that may come, the first that came, how many came */
	unsigned next, first, given;
	bool dropped;
	struct tape_losses lost;
};

/* All samples up to the end, each one that was kept, in order: 0, or -1. */
static int
read_on(struct tape_reader *r, struct walk *w)
{
	struct sample m;
	int got;

	while ((got = tape_reader_next(r, &m)) > 0) {
		unsigned k = find_kept(&m, w->next);
		if (!CHECK(k < model.n))
			return -1;
		const struct sample *kept = &model.kept[k].m;
		if (!CHECK(m.real_ns == kept->real_ns && m.boot_ns == kept->boot_ns &&
			m.kind == kept->kind && !m.restarted))
			return -1;
		if (!CHECK(same_texts(r, k, w->dropped)))
			return -1;
		if (w->given++ == 0)
			w->first = k;
		w->next = k + 1;
	}
	w->lost = r->lost;
	return got;
}

static int
walk_tape(int fd, bool pipe, struct walk *w)
{
	struct tape_reader r;
	int result = tape_reader_begin(&r, fd, pipe);

	if (result == 0)
		result = read_on(&r, w);
	int error = errno;
	tape_reader_free(&r);
	errno = error;
	return result;
}

static void
check_nothing_lost(const struct walk *w)
{
	const struct tape_losses *l = &w->lost;

	if (!CHECK(l->samples == 0 && l->places == 0 && l->overwritten == 0 && !l->torn))
		printf("# %llu moments, %llu places, %llu overwritten%s\n",
		    (unsigned long long)l->samples, (unsigned long long)l->places,
		    (unsigned long long)l->overwritten, l->torn ? ", torn" : "");
}

/* All that was kept is on the tape. */
static void
check_whole(int fd, bool pipe, bool dropped)
{
	struct walk w = { .dropped = dropped };

	CHECK_INT(walk_tape(fd, pipe, &w), 0);
	CHECK_INT(w.given, model.n);
	check_nothing_lost(&w);
}

static int
memory(void)
{
	int fd = memfd_create("tape", MFD_CLOEXEC);

	if (fd < 0)
		tree_fail("memfd");
	return fd;
}

/* A tape in memory of n samples, in runs of `run`. */
static int
memory_tape(void (*step)(unsigned), unsigned n, unsigned run, uint64_t ring)
{
	struct tape_segment from = { .run = 11, .ring = ring };
	uint64_t at = 0;
	int fd = memory();

	if (ring && ftruncate(fd, (off_t)ring) < 0)
		tree_fail("memfd");
	for (; n > 0; n -= run) {
		struct tape_writer w;
		run = run < n ? run : n;
		tape_writer_begin(&w, fd, false, &from, at);
		record(&w, step, run);
		from = w.segment;
		from.samples = w.samples;
		at = tape_block_up(w.at + TAPE_END);
		tape_writer_end(&w);
	}
	return fd;
}

static char *
path_in_tree(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", tree, name);
	return path;
}

static int
open_in_tree(const char *name)
{
	int fd = open(path_in_tree(name), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		tree_fail(name);
	return fd;
}

/* The bytes of a file; the test's end frees them. */
static struct text
bytes_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		tree_fail("fstat");
	struct buf b = { 0 };
	size_t n = (size_t)st.st_size;
	if (pread(fd, buf_room(&b, n), n, 0) != (ssize_t)n)
		tree_fail("pread");
	struct text t = TN(b.s, n);
	buf_free(&b);
	return t;
}

static void
set_bytes(int fd, struct text t)
{
	if (ftruncate(fd, 0) < 0 || pwrite(fd, t.s, t.n, 0) != (ssize_t)t.n)
		tree_fail("pwrite");
}

static void
whole_tape(void (*step)(unsigned), unsigned n, bool dropped)
{
	int fd = memory_tape(step, n, n, 0);

	check_whole(fd, false, dropped);
	close(fd);
	forget();
}

static void
gives_back(void)
{
	whole_tape(counters, 1, false);
	whole_tape(counters, 2000, false);
	whole_tape(busy, 1500, false);
	whole_tape(restless, 4000, true);
	whole_tape(ragged, 1000, false);
}

static void
drops_the_dead(void)
{
	int fd = memory_tape(passing, 4000, 4000, 0);
	struct walk w = { .dropped = true };
	struct tape_reader r;

	CHECK_INT(tape_reader_begin(&r, fd, false), 0);
	CHECK_INT(read_on(&r, &w), 0);
	CHECK_INT(w.given, 4000);
	check_nothing_lost(&w);
	CHECK(r.index.n > 3);
	CHECK(r.tracks.paths.n < model.ntracks);
	tape_reader_free(&r);
	close(fd);
	forget();
}

/* The file is read in two runs, one segment each at least; from the start again, and from the
 * middle. */
static void
seeks(void)
{
	int fd = memory_tape(counters, 300, 50, 0);
	struct tape_reader r;
	struct walk w = { .next = 0 };
	struct span span;

	CHECK_INT(tape_reader_begin(&r, fd, false), 0);
	CHECK_INT(r.index.n, 6);
	CHECK_INT(tape_reader_span(&r, &span), 0);
	CHECK_INT(span.from_ns, model.kept[0].m.real_ns);
	CHECK_INT(span.to_ns, model.kept[299].m.real_ns);
	CHECK_INT(read_on(&r, &w), 0);
	CHECK_INT(w.given, 300);
	tape_reader_rewind(&r);
	tape_reader_seek(&r, model.kept[220].m.real_ns);
	w = (struct walk){ .next = 0 };
	CHECK_INT(read_on(&r, &w), 0);
	CHECK_INT(w.first, 200);
	CHECK_INT(w.given, 100);
	check_nothing_lost(&w);
	tape_reader_rewind(&r);
	r.wanted.to_ns = model.kept[120].m.real_ns;
	w = (struct walk){ .next = 0 };
	CHECK_INT(read_on(&r, &w), 0);
	CHECK_INT(w.given, 150);
	check_nothing_lost(&w);
	tape_reader_free(&r);
	close(fd);
	forget();
}

/* One byte is another one: the samples that still come are as they were, and the others are
 * counted. */
static void
flips_of(int fd)
{
	static const char masks[] = { 0x40, 0x01, (char)0x80, (char)0xff };
	struct text t = bytes_of(fd);
	unsigned most = 0;

	for (size_t i = 0; i < t.n * sizeof masks && !unit.bad; i++) {
		char byte = (char)(t.s[i / sizeof masks] ^ masks[i % sizeof masks]);
		struct walk w = { .next = 0 };
		off_t at = (off_t)(i / sizeof masks);
		if (pwrite(fd, &byte, 1, at) != 1)
			tree_fail("pwrite");
		bool fine = CHECK_INT(walk_tape(fd, false, &w), 0);
		unsigned lost = model.n - w.given;
		fine &= CHECK(lost <= 32);
		fine &= CHECK(lost == 0 || w.lost.samples + w.lost.places > 0);
		fine &= CHECK(w.lost.samples <= lost);
		if (!fine)
			printf("# the byte at %llu: %u lost\n", (unsigned long long)at, lost);
		most = lost > most ? lost : most;
		if (pwrite(fd, t.s + at, 1, at) != 1)
			tree_fail("pwrite");
	}
	CHECK(most > 16);
	check_whole(fd, false, false);
	close(fd);
	forget();
}

static void
flips(void)
{
	flips_of(memory_tape(counters, 80, 80, 0));
	flips_of(memory_tape(counters, 100, 40, 0));
}

/* Segments with both headers gone are missed by those behind them. */
static void
lost_segment(void)
{
	int fd = memory_tape(counters, 150, 50, 0);
	static const char zeros[2 * TAPE_HEADER];
	struct walk w = { .next = 0 };

	CHECK_INT(
	    pwrite(fd, zeros, sizeof zeros, (off_t)tape_block_up((uint64_t)bytes_of(fd).n / 3)),
	    sizeof zeros);
	CHECK_INT(walk_tape(fd, false, &w), 0);
	CHECK_INT(w.given, 100);
	CHECK_INT(w.lost.samples, 50);
	close(fd);
	forget();
}

/* Either copy of the header, and of the key frame, will do. */
static void
copies(void)
{
	int fd = memory_tape(counters, 40, 40, 0);
	struct text t = bytes_of(fd);
	size_t key =
	    TAPE_HEAD + (size_t)(unsigned char)t.s[256] + ((size_t)(unsigned char)t.s[257] << 8);
	const struct {
		size_t at, n;
	} gone[] = { { 0, TAPE_HEADER }, { TAPE_HEADER, TAPE_HEADER }, { 2 * TAPE_HEADER, key },
		{ 2 * TAPE_HEADER + key, key }, { TAPE_HEADER, TAPE_HEADER + key } };

	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
		struct walk w = { .next = 0 };
		set_bytes(fd, t);
		for (size_t at = 0; at < gone[i].n; at++)
			CHECK(pwrite(fd, "x", 1, (off_t)(gone[i].at + at)) == 1);
		CHECK_INT(walk_tape(fd, false, &w), 0);
		CHECK_INT(w.given, 40);
		CHECK_INT(w.lost.samples, 0);
		CHECK(w.lost.places > 0);
	}
	close(fd);
	forget();
}

/* Cut anywhere: what was before is all there. */
static void
truncation(void)
{
	int fd = memory_tape(counters, 150, 60, 0);
	struct text t = bytes_of(fd);
	unsigned before = 150;

	for (size_t n = t.n; n-- > 0 && !unit.bad;) {
		struct walk w = { .next = 0 };
		if (ftruncate(fd, (off_t)n) < 0)
			tree_fail("ftruncate");
		if (walk_tape(fd, false, &w) < 0) {
			CHECK(n < 2 * TAPE_HEADER && errno == (n == 0 ? ENODATA : EINVAL));
			CHECK(before == 0);
		}
		bool fine = CHECK(w.given == w.next && w.lost.samples == 0); /* a prefix */
		fine &= CHECK(w.given == before || w.given + 1 == before);
		if (!fine)
			printf("# cut at %llu: %u moments, %u before\n", (unsigned long long)n,
			    w.given, before);
		before = w.given;
	}
	close(fd);
	forget();
}

/* The last samples of a ring are all there. */
static void
check_ring(int fd, bool pipe, unsigned least)
{
	struct walk w = { .dropped = true };

	CHECK_INT(walk_tape(fd, pipe, &w), 0);
	CHECK_INT(w.next, model.n);
	CHECK_INT(w.given, model.n - w.first);
	CHECK(w.given >= least && w.given < model.n);
	check_nothing_lost(&w);
}

static void
ring(void)
{
	for (int i = 0; i < 4; i++) {
		int fd = memory_tape(i < 2 ? busy : ragged, 9000 + 1000 * (unsigned)i,
		    i % 2 ? 877 : 20000, 256 << 10);
		check_ring(fd, false, 60);
		close(fd);
		forget();
	}
}

/* At every sample the ring reads well, however old and new lie beside each other. */
static void
ring_at_each_sample(void)
{
	struct tape_segment from = { .run = 3, .ring = 256 << 10 };
	struct tape_writer w;
	int fd = memory();

	if (ftruncate(fd, 256 << 10) < 0)
		tree_fail("memfd");
	tape_writer_begin(&w, fd, false, &from, 0);
	record(&w, ragged, 2000);
	for (int i = 0; i < 600 && !unit.bad; i++) {
		record(&w, ragged, 1 + (unsigned)draw(5));
		check_ring(fd, false, 20);
	}
	tape_writer_end(&w);
	close(fd);
	forget();
}

/* A child that writes bytes into a pipe, in pieces; the end that they come out of. */
static int
pour(struct text t, size_t piece, pid_t *child)
{
	int ends[2];

	fflush(stdout);
	if (pipe(ends) < 0 || (*child = fork()) < 0)
		tree_fail("pipe");
	if (*child > 0) {
		close(ends[1]);
		return ends[0];
	}
	close(ends[0]);
	for (size_t at = 0; at < t.n; at += piece)
		if (write(ends[1], t.s + at, piece < t.n - at ? piece : t.n - at) < 0)
			_exit(1);
	_exit(0);
}

static void
check_pipe(struct text t, size_t piece, void (*check)(int fd))
{
	pid_t child;
	int fd = pour(t, piece, &child);

	check(fd);
	close(fd);
	waitpid(child, NULL, 0);
}

static void
check_whole_pipe(int fd)
{
	check_whole(fd, true, false);
}

static void
check_ring_pipe(int fd)
{
	check_ring(fd, true, 60);
}

static void
pipes(void)
{
	int fd = memory_tape(restless, 300, 300, 0);

	check_pipe(bytes_of(fd), 1, check_whole_pipe);
	check_pipe(bytes_of(fd), 4095, check_whole_pipe);
	check_pipe(bytes_of(fd), 1 << 20, check_whole_pipe);
	close(fd);
	forget();
	fd = memory_tape(busy, 6000, 6000, 256 << 10);
	check_pipe(bytes_of(fd), 999, check_ring_pipe);
	check_pipe(bytes_of(fd), 1 << 20, check_ring_pipe);
	close(fd);
	forget();
}

/* The recorder writes into a pipe: what comes out is a tape, and one may put several behind each
 * other. */
static void
stream(void)
{
	struct tape_segment from = { .run = 5 };
	char s[65536];
	struct buf b = { 0 };
	int ends[2];
	struct tape_writer w;

	if (pipe2(ends, O_NONBLOCK) < 0)
		tree_fail("pipe");
	tape_writer_begin(&w, ends[1], true, &from, 0);
	for (int i = 0; i < 1500; i++) {
		record(&w, busy, 1);
		for (ssize_t n; (n = read(ends[0], s, sizeof s)) > 0;)
			buf_add(&b, s, (size_t)n);
	}
	tape_writer_end(&w);
	close(ends[0]);
	close(ends[1]);
	check_pipe((struct text){ b.s, b.n }, 4096, check_whole_pipe);
	check_pipe((struct text){ b.s, b.n }, 777, check_whole_pipe);
	int fd = memory();
	set_bytes(fd, (struct text){ b.s, b.n });
	struct walk walk = { .next = 0 };
	CHECK_INT(walk_tape(fd, false, &walk), 0);
	CHECK_INT(walk.given, 1500);
	CHECK_INT(walk.lost.samples, 0);
	close(fd);
	buf_free(&b);
	forget();
}

/* Reads on as the tape is written: every sample once. */
static void
follow_of(uint64_t size, void (*step)(unsigned), unsigned n, unsigned at_a_time)
{
	struct tape_segment from = { .run = 3, .ring = size };
	struct tape_writer w;
	struct tape_reader r;
	struct walk walk = { .dropped = true };
	int fd = memory();

	if (ftruncate(fd, (off_t)size) < 0)
		tree_fail("memfd");
	tape_writer_begin(&w, fd, false, &from, 0);
	record(&w, step, 1);
	CHECK_INT(tape_reader_begin(&r, fd, false), 0);
	r.follow = true;
	while (model.n < n && !unit.bad) {
		CHECK_INT(read_on(&r, &walk), 0);
		CHECK_INT(walk.next, model.n);
		record(&w, step, (unsigned)draw(at_a_time));
		CHECK_INT(tape_reader_again(&r), 0);
		read_on(&r, &walk); /* the rest of a segment; the next one is found again */
		CHECK_INT(tape_reader_again(&r), 0);
	}
	CHECK_INT(walk.given, walk.next);
	check_nothing_lost(&walk);
	tape_reader_free(&r);
	tape_writer_end(&w);
	close(fd);
	forget();
}

static void
follow(void)
{
	follow_of(0, counters, 500, 4);
	follow_of(0, busy, 3000, 4);
	follow_of(256 << 10, busy, 5000, 4);
	follow_of(256 << 10, ragged, 3000, 4);
}

/* The ring goes round while nobody reads: those samples are gone, and the rest comes. */
static void
overtaken(void)
{
	struct tape_segment from = { .run = 3, .ring = 256 << 10 };
	struct tape_writer w;
	struct tape_reader r;
	struct walk walk = { .dropped = true };
	int fd = memory();

	if (ftruncate(fd, 256 << 10) < 0)
		tree_fail("memfd");
	tape_writer_begin(&w, fd, false, &from, 0);
	record(&w, busy, 10);
	CHECK_INT(tape_reader_begin(&r, fd, false), 0);
	r.follow = true;
	CHECK_INT(read_on(&r, &walk), 0);
	CHECK_INT(walk.given, 10);
	record(&w, busy, 9000);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(tape_reader_again(&r), 0);
		CHECK_INT(read_on(&r, &walk), 0);
	}
	CHECK_INT(walk.next, model.n);
	CHECK(walk.given < model.n && walk.given > 70);
	CHECK_INT(walk.lost.places, 0); /* it is not damaged */
	tape_reader_free(&r);
	tape_writer_end(&w);
	close(fd);
	forget();
}

/* The reader looks while a record is half written: it comes when it is there, and so do those
 * behind it. */
static void
half_seen(void)
{
	int fd = memory_tape(counters, 40, 40, 0), shown = memory();
	struct text t = bytes_of(fd);
	struct tape_reader r;
	struct walk w = { .next = 0 };
	size_t least = t.n - 200;

	CHECK(pwrite(shown, t.s, least, 0) == (ssize_t)least);
	CHECK_INT(tape_reader_begin(&r, shown, false), 0);
	r.follow = true;
	CHECK_INT(read_on(&r, &w), 0);
	for (size_t n = least; n < t.n; n++) {
		CHECK(pwrite(shown, t.s + n, 1, (off_t)n) == 1);
		CHECK_INT(tape_reader_again(&r), 0);
		CHECK_INT(read_on(&r, &w), 0);
	}
	CHECK_INT(w.given, 40);
	check_nothing_lost(&w);
	tape_reader_free(&r);
	close(shown);
	close(fd);
	forget();
}

/* Another process writes as fast as it can while this one reads. */
static void
follow_another(uint64_t size, unsigned n)
{
	struct tape_file f;
	struct walk w = { .dropped = true };
	struct tape_reader r;
	struct timespec some = { 0, 200000 };

	record(NULL, busy, n); /* what the other one is going to keep */
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		tree_fail("fork");
	if (child == 0) {
		forget();
		if (tape_file_open(&f, path_in_tree("followed"), size) < 0)
			_exit(1);
		for (unsigned k = 0; k < n; k++) {
			struct sample m = sample_of(k);
			model.writer = &f.writer;
			busy(k);
			nanosleep(&some, NULL);
			if (tape_file_sample(&f, &m) < 0)
				_exit(1);
		}
		_exit(tape_file_close(&f) < 0);
	}
	int fd, waited = 0, status, ended = 0;
	while ((fd = open(path_in_tree("followed"), O_RDONLY | O_CLOEXEC)) < 0 && waited++ < 10000)
		nanosleep(&some, NULL);
	while (tape_reader_begin(&r, fd, false) < 0 && waited++ < 10000) {
		tape_reader_free(&r);
		nanosleep(&some, NULL);
	}
	r.follow = true;
	/* at the end, twice more */
	for (int tries = 0; tries < 3 && !unit.bad; tries += ended > 0) {
		ended = ended > 0 ? ended : waitpid(child, &status, WNOHANG);
		CHECK_INT(read_on(&r, &w), 0);
		CHECK_INT(tape_reader_again(&r), 0);
	}
	if (ended <= 0)
		waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	CHECK_INT(w.next, n);
	CHECK(size || w.given == n);
	if (size == 0)
		check_nothing_lost(&w);
	tape_reader_free(&r);
	close(fd);
	unlink(path_in_tree("followed"));
	forget();
}

static void
follow_others(void)
{
	follow_another(0, 2000);
	follow_another(256 << 10, 4000);
}

/* Goes on with n samples of that kind on the file. */
static void
go_on_with(void (*step)(unsigned), const char *name, uint64_t size, unsigned n)
{
	struct tape_file f;

	if (!CHECK_INT(tape_file_open(&f, path_in_tree(name), size), 0))
		return;
	CHECK_U64(f.writer.samples, model.n);
	model.writer = &f.writer;
	for (; n > 0; n--) {
		struct sample m = sample_of(model.n);
		step(model.n);
		CHECK_INT(tape_file_sample(&f, &m), 0);
		remember(&m);
	}
	model.writer = NULL;
	CHECK_INT(tape_file_close(&f), 0);
}

static void
go_on(const char *name, uint64_t size, unsigned n)
{
	go_on_with(counters, name, size, n);
}

static void
check_file(const char *name)
{
	int fd = open_in_tree(name);

	check_whole(fd, false, false);
	close(fd);
}

static void
resumes(void)
{
	go_on("resumed", 0, 0);
	for (unsigned n = 1; n < 8; n++) {
		go_on("resumed", 0, n * 5);
		check_file("resumed");
		go_on("resumed", 0, 0);
		check_file("resumed");
	}
	unlink(path_in_tree("resumed"));
	forget();
	for (unsigned n = 1; n < 8; n++) {
		go_on("resumed", 256 << 10, n * 5);
		check_file("resumed");
	}
	unlink(path_in_tree("resumed"));
	forget();
}

/* The place of the end of the first n samples of a tape of one segment. */
static size_t
end_of(struct text t, unsigned n)
{
	size_t at = 2 * TAPE_HEADER, bytes;
	unsigned type;
	uint32_t crc;

	for (unsigned samples = 0; samples < n; at += TAPE_HEAD + bytes) {
		if (tape_get_head((const unsigned char *)t.s + at, &type, &bytes, &crc) < 0)
			abort();
		samples += type != TAPE_KEY;
	}
	return at;
}

/* The recorder was killed when so many bytes of the last record were written; the bytes behind are
 * what was there before. */
static void
killed_at(struct text t, size_t at, size_t size, unsigned samples)
{
	struct buf b = { 0 };
	unsigned whole = model.n;

	buf_add(&b, t.s, at);
	while (b.n < size)
		buf_char(&b, '\0');
	put_bytes("killed", b.s, b.n);
	buf_free(&b);
	model.n = samples;
	go_on("killed", 0, 20);
	check_file("killed");
	for (unsigned i = whole; i < model.n; i++)
		buf_free(&model.kept[i].image);
}

static void
half_written(void)
{
	int fd = memory_tape(counters, 50, 50, 0);
	struct text t = bytes_of(fd);
	size_t from = end_of(t, 49), to = end_of(t, 50);

	close(fd);
	for (size_t at = from; at < to && !unit.bad; at++) {
		forget();
		record(NULL, counters, 49);
		killed_at(t, at, at, 49);
		forget();
		record(NULL, counters, 49);
		killed_at(t, at, to + 5000, 49);
	}
	/* nothing but the beginning of a segment */
	for (size_t at = 2 * TAPE_HEADER; at < end_of(t, 1) && !unit.bad; at++) {
		forget();
		killed_at(t, at, at, 0);
	}
	forget();
}

/* A process that records until it is killed. */
static _Noreturn void
record_until_killed(const char *name, uint64_t size)
{
	struct tape_file f;

	if (tape_file_open(&f, path_in_tree(name), size) < 0)
		_exit(1);
	for (;;) {
		struct sample m = sample_of((unsigned)f.writer.samples);
		model.writer = &f.writer;
		counters((unsigned)f.writer.samples);
		if (f.writer.samples > 100000 || tape_file_sample(&f, &m) < 0)
			pause();
	}
}

static void
kills_of(uint64_t size)
{
	struct walk w = { .next = 0 };

	unlink(path_in_tree("killed"));
	for (int i = 0; i < 25 && !unit.bad; i++) {
		struct timespec some = { 0, (long)draw(4000000) };
		fflush(stdout);
		pid_t child = fork();
		int status;
		if (child < 0)
			tree_fail("fork");
		if (child == 0)
			record_until_killed("killed", size);
		nanosleep(&some, NULL);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status));
	}
	record(NULL, counters, 110000);
	int fd = open(path_in_tree("killed"), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && walk_tape(fd, false, &w) == 0) { /* or none came as far as a segment */
		CHECK_INT(w.given, w.next - w.first);
		CHECK(size || w.first == 0);
		CHECK_INT(w.lost.samples, 0);
		CHECK_INT(w.lost.overwritten, 0);
		CHECK(w.lost.places == 0 || (w.lost.places == 1 && w.lost.torn));
	}
	if (fd >= 0)
		close(fd);
	unlink(path_in_tree("killed"));
	forget();
}

static void
kills(void)
{
	kills_of(0);
	kills_of(256 << 10);
}

/* A process that holds the tape until its end of the pipe is closed. */
static pid_t
hold(const char *name, int *end)
{
	int ready[2], done[2];
	char c;

	fflush(stdout);
	if (pipe(ready) < 0 || pipe(done) < 0)
		tree_fail("pipe");
	pid_t child = fork();
	if (child == 0) {
		struct tape_file f;
		close(done[1]);
		if (tape_file_open(&f, path_in_tree(name), 0) < 0 || write(ready[1], "x", 1) != 1 ||
		    read(done[0], &c, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(done[0]);
	close(ready[1]);
	CHECK(child > 0 && read(ready[0], &c, 1) == 1);
	close(ready[0]);
	*end = done[1];
	return child;
}

static void
two_writers(void)
{
	struct tape_file f;
	int end, status;

	go_on("held", 0, 30);
	CHECK_INT(tape_file_owner(path_in_tree("held")), 0);
	pid_t child = hold("held", &end);
	CHECK_INT(tape_file_owner(path_in_tree("held")), child);
	CHECK(tape_file_open(&f, path_in_tree("held"), 0) < 0 && errno == EBUSY);
	CHECK_INT(f.owner, child);
	check_file("held");
	close(end);
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	CHECK_INT(tape_file_owner(path_in_tree("held")), 0);
	CHECK(tape_file_owner(path_in_tree("nowhere")) < 0 && errno == ENOENT);
	go_on("held", 0, 30);
	check_file("held");
	unlink(path_in_tree("held"));
	forget();
}

/* Is refused with that errno, by the writer and, as no tape, by the reader; and is as before. */
static void
refused(const char *s, size_t n, int error)
{
	struct tape_file f;
	struct walk w = { .next = 0 };

	for (uint64_t size = 0; size < 2; size++) {
		put_bytes("other", s, n);
		CHECK(tape_file_open(&f, path_in_tree("other"), size * (256 << 10)) < 0);
		CHECK_INT(errno, error);
		int fd = open_in_tree("other");
		CHECK(text_same(bytes_of(fd), (struct text){ s, n }));
		CHECK(walk_tape(fd, false, &w) < 0 && errno == error);
		close(fd);
	}
	unlink(path_in_tree("other"));
}

static void
later_version(void)
{
	unsigned char bytes[8192] = { 0 };
	struct tape_segment s = { .sequence = 1, .run = 1 };

	tape_put_header(&s, bytes);
	bytes[8] = TAPE_VERSION + 1;
	uint32_t crc = crc32c(0, bytes, TAPE_HEADER - 4);
	for (int i = 0; i < 4; i++)
		bytes[TAPE_HEADER - 4 + i] = (unsigned char)(crc >> 8 * i);
	memcpy(bytes + TAPE_HEADER, bytes, TAPE_HEADER);
	refused((char *)bytes, sizeof bytes, ENOTSUP);
}

static void
something_else(void)
{
	struct tape_file f;
	char zeros_and_more[9000] = { 0 };

	refused("hello\n", 6, EINVAL);
	refused("\x7f"
		"ELF",
	    4, EINVAL);
	zeros_and_more[100] = 'x';
	refused(zeros_and_more, sizeof zeros_and_more, EINVAL);
	later_version();
	make_dirs("dir");
	CHECK(tape_file_open(&f, path_in_tree("dir"), 0) < 0 && errno == EISDIR);
	CHECK_INT(mkfifo(path_in_tree("fifo"), 0600), 0);
	CHECK(tape_file_open(&f, path_in_tree("fifo"), 0) < 0 && errno == ENOTTY);
	CHECK(tape_file_open(&f, path_in_tree("no/where"), 0) < 0 && errno == ENOENT);
}

/* Room that was taken for a tape which never began. */
static void
blank_files(void)
{
	static const char zeros[20000];
	const size_t sizes[] = { 0, 1, 4096, sizeof zeros };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		put_bytes("blank", zeros, sizes[i]);
		go_on("blank", 0, 10);
		check_file("blank");
		unlink(path_in_tree("blank"));
		forget();
	}
}

static void
other_ring(void)
{
	struct tape_file f;

	go_on("sized", 256 << 10, 10);
	CHECK(tape_file_open(&f, path_in_tree("sized"), 512 << 10) < 0 && errno == ERANGE);
	CHECK_U64(f.ring, 256 << 10);
	go_on("sized", 256 << 10, 10);
	check_file("sized");
	unlink(path_in_tree("sized"));
	forget();
	CHECK(tape_file_open(&f, path_in_tree("huge"), (uint64_t)1 << 60) < 0);
	CHECK(access(path_in_tree("huge"), F_OK) < 0); /* nothing is left of it */
}

/* A ring that is too small for one key frame says so, and the next sample may do. */
static void
no_room(void)
{
	struct tape_segment from = { .run = 3, .ring = 64 << 10 };
	struct sample m = sample_of(0);
	struct tape_writer w;
	int fd = memory();

	tape_writer_begin(&w, fd, false, &from, 0);
	tape_writer_keep(&w, T("proc/stat"), 0, T("cpu 1\n"));
	CHECK(tape_writer_sample(&w, &m) < 0 && errno == EMSGSIZE);
	CHECK_U64(tape_writer_least_ring(&w), 256 << 10);
	CHECK_U64(w.samples, 0);
	tape_writer_end(&w);
	close(fd);
}

/* A write that fails loses its sample, and no other. */
static void
failed_writes(void)
{
	struct tape_segment from = { .run = 3 };
	struct tape_writer w;
	int fd = memory(), full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	tape_writer_begin(&w, fd, false, &from, 0);
	for (int i = 0; i < 200; i++) {
		struct sample m = sample_of(model.n + 1000 * (unsigned)i);
		model.writer = &w;
		counters(model.n);
		bool fails = draw(5) == 0;
		w.fd = fails ? full : fd;
		CHECK_INT(tape_writer_sample(&w, &m), fails ? -1 : 0);
		if (!fails)
			remember(&m);
	}
	tape_writer_end(&w);
	check_whole(fd, false, false);
	close(full);
	close(fd);
	forget();
}

/* ---- Damage of any kind to recordings as a recorder leaves them */

/* What the damaged bytes are: some flipped, a part overwritten by zeros or by noise, an end or the
 * start cut off, a part that is missing in the middle, blocks in another order. Returns their number. */
static size_t
damage(char *s, size_t n)
{
	size_t at = draw(n), some = 1 + draw(draw(4) ? 40 : 9000), block = TAPE_BLOCK;

	some = some < n - at ? some : n - at;
	switch (draw(8)) {
	case 0:
	case 1:
		for (unsigned flips = 1 + (unsigned)draw(3); flips > 0; flips--)
			s[draw(n)] ^= (char)(1 << draw(8));
		return n;
	case 2:
		memset(s + at, 0, some);
		return n;
	case 3:
		while (some-- > 0)
			s[at++] = (char)draw(256);
		return n;
	case 4:
		return at;
	case 5:
		return at / block * block;
	case 6:
		at = draw(2) ? at : at / block * block;
		memmove(s, s + at, n - at);
		return n - at;
	default:
		some = some / block * block + block;
		at = at / block * block;
		some = some < n - at ? some : n - at;
		memmove(s + at, s + at + some, n - at - some);
		return n - some;
	}
}

/* Every sample of the damaged file is one that was kept, and if one is missing, this is told: by a
 * file or by a pipe. */
static void
check_damaged(int fd, unsigned whole, bool pipe)
{
	struct walk w = { .dropped = true };
	char line[400];
	bool read = walk_tape(fd, pipe, &w) == 0;

	CHECK(!read || w.given == whole || tape_losses_text(&w.lost, line, sizeof line));
}

static void
damaged_file(const char *name, unsigned rounds)
{
	int fd = open_in_tree(name), copy = memory();
	struct text t = bytes_of(fd);
	struct walk w = { .dropped = true };
	char *s = malloc(t.n), line[400];

	if (!s)
		abort();
	CHECK_INT(walk_tape(fd, false, &w), 0);
	CHECK(!tape_losses_text(&w.lost, line, sizeof line));
	for (unsigned i = 0; i < rounds && !unit.bad; i++) {
		memcpy(s, t.s, t.n);
		size_t n = damage(s, t.n);
		set_bytes(copy, TN(s, n));
		check_damaged(copy, w.given, false);
		lseek(copy, 0, SEEK_SET);
		check_damaged(copy, w.given, true);
		if (unit.bad)
			printf("# %s, round %u of damage: %u samples\n", name, i, w.given);
	}
	free(s);
	close(copy);
	close(fd);
	unlink(path_in_tree(name));
	forget();
}

/* DAMAGE_ROUNDS=N: as many for each recording. */
static void
damaged(void)
{
	const char *asked = getenv("DAMAGE_ROUNDS");
	unsigned rounds = asked ? (unsigned)strtoul(asked, NULL, 10) : 40;
	static const struct {
		void (*step)(unsigned);
		uint64_t ring;
		unsigned n, run;
	} kinds[] = {
		{ counters, 0, 300, 300 },
		{ counters, 0, 300, 60 },
		{ busy, 0, 900, 900 },
		{ counters, 256 << 10, 500, 500 },
		{ busy, 256 << 10, 4000, 4000 },
		{ ragged, 256 << 10, 2000, 377 },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		for (unsigned n = 0; n < kinds[i].n; n += kinds[i].run)
			go_on_with(kinds[i].step, "damaged", kinds[i].ring, kinds[i].run);
		damaged_file("damaged", rounds);
	}
}

/* Whether a key frame with one track of that name is taken. */
static bool
takes_name(struct text name)
{
	struct playback p = { 0 };
	struct buf b = { 0 };

	code_put(&b, 1);
	code_put_text(&b, name);
	code_put(&b, 0);
	code_put_text(&b, T("text"));
	bool taken = playback_key(&p, (struct text){ b.s, b.n }) == 0;
	playback_free(&p);
	buf_free(&b);
	return taken;
}

/* Unpacking creates files of these names. */
static void
names(void)
{
	CHECK(takes_name(T("proc/stat")));
	CHECK(takes_name(T("a/..b/c..")));
	CHECK(!takes_name(T("")));
	CHECK(!takes_name(T("/etc/passwd")));
	CHECK(!takes_name(T("..")));
	CHECK(!takes_name(T("../x")));
	CHECK(!takes_name(T("proc/../../x")));
	CHECK(!takes_name(T("proc/..")));
	CHECK(!takes_name(T("proc/../")));
	CHECK(!takes_name(T("./x")));
	CHECK(!takes_name(T("proc//x")));
	CHECK(!takes_name(TN("proc/x\0/../../y", 15)));
	CHECK(!takes_name(TN("proc/x\0", 7)));
}

int
main(void)
{
	tree_make();
	signal(SIGPIPE, SIG_IGN);
	unit_test("every sample is read back", gives_back);
	unit_test("tracks of removed files are dropped", drops_the_dead);
	unit_test("reading starts at a time and stops at a time", seeks);
	unit_test("a flipped byte loses few samples and is reported", flips);
	unit_test("the samples of a lost segment are counted", lost_segment);
	unit_test("either copy of a header or key frame suffices", copies);
	unit_test("a recording truncated at any byte gives all samples before", truncation);
	unit_test("a ring keeps the newest samples", ring);
	unit_test("a ring is readable after every sample", ring_at_each_sample);
	unit_test("a recording is read from a pipe", pipes);
	unit_test("a recording is written into a pipe", stream);
	unit_test("a reader follows the writer", follow);
	unit_test("a reader overtaken by the ring counts the lost samples", overtaken);
	unit_test("a record seen half written is read once it is whole", half_seen);
	unit_test("a reader follows another process", follow_others);
	unit_test("a recording is continued", resumes);
	unit_test("a half-written record is replaced when continued", half_written);
	unit_test("a writer killed at any point leaves a readable recording", kills);
	unit_test("a second writer is refused", two_writers);
	unit_test("a file that is not a recording is not changed", something_else);
	unit_test("an empty file becomes a recording", blank_files);
	unit_test("a ring of another size is refused", other_ring);
	unit_test("a ring without free space is refused", no_room);
	unit_test("writing resumes after failed writes", failed_writes);
	unit_test("a name that leads out of the recording is refused", names);
	unit_test("damage of any kind gives no false sample and no silent loss", damaged);
	tree_remove();
	return unit_done();
}
