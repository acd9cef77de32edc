/*
 * Saved traces, from the writer to the reader: all events come back as they were put, by time; what is
 * damaged, cut or missing is told; no byte that is wrong goes unnoticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/code.h"
#include "base/crc32c.h"
#include "trace/format.h"
#include "trace/trace_file.h"
#include "draw.h"
#include "unit.h"

enum { CPUS = 8, THREADS = 300 };

static struct sched_event *events; /* that were put */
static size_t nevents, events_room;

static int
file(void)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

static void
put_event(struct trace_writer *w, struct sched_event e)
{
	if (nevents == events_room) {
		events_room = 2 * events_room + 1024;
		events = realloc(events, events_room * sizeof *events);
		if (!events)
			abort();
	}
	events[nevents++] = e;
	trace_put_event(w, &e);
}

static void
forget(void)
{
	free(events);
	events = NULL;
	nevents = events_room = 0;
}

/* ---- A machine that switches and wakes threads */

static uint32_t running[CPUS];

static uint32_t
some_thread(void)
{
	uint64_t a = draw(THREADS), b = draw(THREADS), c = draw(THREADS); /* some run more often */

	return 1500000 + 7 * (uint32_t)(a < b ? (a < c ? a : c) : (b < c ? b : c));
}

static uint32_t
next_thread(uint32_t cpu)
{
	return running[cpu] != 0 && draw(2) ? 0 : some_thread();
}

static void
step(struct trace_writer *w, uint32_t cpu, uint64_t at_ns)
{
	static const char states[] = "SSSSSSSDIPPR";
	struct sched_event e = { .at_ns = at_ns, .cpu = cpu, .tid = running[cpu] };
	uint64_t kind = draw(100);

	if (kind < 55) {
		e.kind = SCHED_SWITCH;
		e.state = running[cpu] ? states[draw(sizeof states - 1)] : 'R';
		e.other = running[cpu] = next_thread(cpu);
	} else if (kind < 97) {
		e.kind = SCHED_WAKING;
		e.tid = some_thread();
		e.other = running[cpu];
		e.to = draw(2) ? cpu : (uint32_t)draw(CPUS);
		e.in_irq = running[cpu] == 0 || draw(4) == 0;
	} else {
		e.kind = (uint8_t)(SCHED_NEW + draw(4));
		e.tid = draw(2) ? running[cpu] : some_thread();
		e.other = draw(2) ? running[cpu] : 0;
		e.to = draw(3) ? 0 : (uint32_t)draw(CPUS);
	}
	put_event(w, e);
}

static uint64_t
pause_ns(void)
{
	return 300 + draw((uint64_t)1 << (8 + draw(9)));
}

/* Puts n events of a busy machine. */
static void
run_machine(struct trace_writer *w, size_t n)
{
	uint64_t now[CPUS];

	memset(running, 0, sizeof running);
	for (int i = 0; i < CPUS; i++)
		now[i] = 5000000000 + draw(100000);
	for (size_t i = 0; i < n; i++) {
		uint32_t cpu = (uint32_t)draw(CPUS);
		now[cpu] += pause_ns();
		step(w, cpu, now[cpu]);
	}
}

static void
put_lists(struct trace_writer *w)
{
	trace_put_facts(w, T("pq 0.2.0\nhost web1\n"));
	trace_put_clocks(w, &(struct trace_clocks){ 5000000000, 1790000000000000000, 4000000000 });
	trace_put_clocks(w, &(struct trace_clocks){ 6000000000, 1790000001000000500, 5000000000 });
	trace_put_cgroup(w, "/");
	trace_put_cgroup(w, "/shop/api");
	trace_put_thread(w, &(struct trace_thread){ 77, 70, "worker-1", 3000000000, 1, false });
	trace_put_thread(w, &(struct trace_thread){ 77, 75, "late", 5500000000, 0, false });
	trace_put_thread(
	    w, &(struct trace_thread){ 2, 2, "fifteen-letters", 0, TRACE_NO_CGROUP, true });
	trace_put_loss(w, &(struct trace_loss){ 3, 5000000000, 5000000700, 12 });
	trace_put_mark(w, 5000000100, "trigger throttle.throttled_pct > 20");
}

/* ---- Reading */

static void
open_file(struct trace_file *t, int fd)
{
	lseek(fd, 0, SEEK_SET);
	if (!CHECK(trace_open(t, fd) == 0))
		exit(1);
}

static bool
same_event(const struct sched_event *a, const struct sched_event *b)
{
	return a->at_ns == b->at_ns && a->cpu == b->cpu && a->tid == b->tid &&
	    a->other == b->other && a->to == b->to && a->kind == b->kind && a->state == b->state &&
	    a->in_irq == b->in_irq;
}

/* The events that were put, by time and CPU. */
static int
compare(const void *a, const void *b)
{
	const struct sched_event *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/* How many of the events that were put between these times come, all as they are and in order. */
static size_t
count_same(const struct trace_file *t, uint64_t from_ns, uint64_t to_ns)
{
	struct trace_cursor *c = trace_begin(t, from_ns, to_ns);
	const struct sched_event *e;
	size_t i = 0, n = 0;

	while (i < nevents && events[i].at_ns < from_ns)
		i++;
	for (; (e = trace_next(c)); i++, n++)
		if (i >= nevents || !same_event(e, &events[i]))
			break;
	CHECK(!e);
	trace_end(c);
	return n;
}

static void
all_events_come_back(void)
{
	int fd = file();
	struct trace_file t;
	struct trace_writer *w = trace_writer_new(fd);

	run_machine(w, 200000);
	CHECK_INT(trace_writer_end(w), 0);
	qsort(events, nevents, sizeof *events, compare);
	open_file(&t, fd);
	CHECK_U64(t.events, 200000);
	CHECK_U64(t.damaged, 0);
	CHECK(!t.cut);
	CHECK_U64(t.cpus, CPUS);
	CHECK_U64(t.nlosses, 0);
	CHECK_U64(t.from_ns, events[0].at_ns);
	CHECK_U64(t.to_ns, events[nevents - 1].at_ns);
	CHECK_U64(count_same(&t, 0, UINT64_MAX), 200000);
	/* windows: of one event, of none, and of a part */
	uint64_t a = events[70000].at_ns, b = events[170000].at_ns;
	size_t n = 0;
	for (size_t i = 0; i < nevents; i++)
		n += events[i].at_ns >= a && events[i].at_ns <= b;
	CHECK_U64(count_same(&t, a, b), n);
	CHECK_U64(count_same(&t, t.to_ns, UINT64_MAX), 1);
	CHECK_U64(count_same(&t, t.to_ns + 1, UINT64_MAX), 0);
	CHECK_U64(count_same(&t, 0, t.from_ns - 1), 0);
	CHECK_U64(count_same(&t, b, a), 0);
	trace_close(&t);
	close(fd);
	forget();
}

static void
all_values_come_back(void)
{
	static const char states[] = "RSDTtXZIKWPN?x";
	const uint32_t most = UINT32_MAX;
	struct trace_writer *w;
	struct trace_file t;
	int fd = file();

	w = trace_writer_new(fd);
	for (size_t i = 0; i < sizeof states; i++) /* with 0, an unknown state */
		put_event(w,
		    (struct sched_event){
			10 + i, 8191, most, 0, 0, SCHED_SWITCH, states[i], 0, 0 });
	for (uint8_t kind = SCHED_WAKING; kind < SCHED_KINDS; kind++)
		put_event(w,
		    (struct sched_event){ 100 + kind, 8191, most, most - 1, most, kind, 0, 1, 0 });
	for (uint32_t i = 0; i < 20000; i++) /* more threads than a block has numbers for */
		put_event(
		    w, (struct sched_event){ 200 + i, 8191, i, i + 1, 0, SCHED_SWITCH, 'S', 0, 0 });
	put_event(
	    w, (struct sched_event){ TRACE_TIME_MOST - 1, 8191, 1, 2, 0, SCHED_SWITCH, 'S', 0, 0 });
	trace_writer_end(w);
	open_file(&t, fd);
	CHECK_U64(t.damaged, 0);
	CHECK_U64(count_same(&t, 0, UINT64_MAX), nevents);
	trace_close(&t);
	close(fd);
	forget();
}

static void
lists_come_back(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);
	struct trace_file t;
	int64_t real = 0;

	put_lists(w);
	CHECK_INT(trace_writer_end(w), 0);
	open_file(&t, fd);
	CHECK_U64(t.damaged, 0);
	CHECK_TEXT(t.facts, "pq 0.2.0\nhost web1\n");
	CHECK_U64(t.nclocks, 2);
	CHECK_U64(t.ncgroups, 2);
	CHECK_STRING(t.cgroups[1], "/shop/api");
	CHECK_U64(t.nthreads, 3);
	CHECK(t.threads[0].kernel && t.threads[0].cgroup == TRACE_NO_CGROUP);
	CHECK_U64(t.nlosses, 1);
	CHECK(t.losses[0].cpu == 3 && t.losses[0].from_ns == 5000000000 &&
	    t.losses[0].to_ns == 5000000700 && t.losses[0].lost == 12);
	CHECK_U64(t.nmarks, 1);
	CHECK_U64(t.marks[0].at_ns, 5000000100);
	CHECK_STRING(t.marks[0].words, "trigger throttle.throttled_pct > 20");
	/* a number that was used again */
	CHECK_STRING(trace_find(&t, 2, 1)->comm, "fifteen-letters");
	CHECK(!trace_find(&t, 77, 2999999999));
	CHECK_STRING(trace_find(&t, 77, 5499999999)->comm, "worker-1");
	CHECK_STRING(trace_find(&t, 77, 5500000000)->comm, "late");
	CHECK(!trace_find(&t, 76, UINT64_MAX) && !trace_find(&t, 78, UINT64_MAX));
	/* the clock was 500 ns ahead at the second reading */
	CHECK(trace_real(&t, 4999999999, &real) && real == 1789999999999999999);
	CHECK(trace_real(&t, 5999999999, &real) && real == 1790000000999999999);
	CHECK(trace_real(&t, 6000000001, &real) && real == 1790000001000000501);
	trace_close(&t);
	close(fd);
}

/* Lists of more than one block. */
static void
long_lists_come_back(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);
	struct trace_file t;
	char path[32];

	for (uint32_t i = 0; i < 20000; i++) {
		snprintf(path, sizeof path, "/slice/%u", i);
		trace_put_cgroup(w, path);
		trace_put_thread(w, &(struct trace_thread){ 20000 - i, 1, "t", 0, i, false });
	}
	trace_writer_end(w);
	open_file(&t, fd);
	CHECK_U64(t.damaged, 0);
	CHECK_U64(t.ncgroups, 20000);
	const struct trace_thread *th = trace_find(&t, 1, 0);
	CHECK(th && th->cgroup == 19999);
	CHECK_STRING(t.cgroups[19999], "/slice/19999");
	trace_close(&t);
	close(fd);
}

static void
times_do_not_go_back(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);
	struct trace_file t;

	put_event(w, (struct sched_event){ 500, 0, 1, 2, 0, SCHED_SWITCH, 'S', 0, 0 });
	put_event(w, (struct sched_event){ 400, 0, 2, 1, 0, SCHED_SWITCH, 'S', 0, 0 });
	trace_put_event(w, &(struct sched_event){ 600, 8192, 2, 1, 0, SCHED_SWITCH, 'S', 0, 0 });
	trace_put_event(w, &(struct sched_event){ 600, 0, 2, 1, 0, SCHED_KINDS, 'S', 0, 0 });
	trace_put_event(w, &(struct sched_event){ 600, 0, 2, 1, 0, 0, 'S', 0, 0 });
	events[1].at_ns = 500;
	trace_writer_end(w);
	open_file(&t, fd);
	CHECK_U64(count_same(&t, 0, UINT64_MAX), 2);
	trace_close(&t);
	close(fd);
	forget();
}

/* ---- Damage */

static struct buf image;

/* The bytes of a small trace, in a few dozen blocks. */
static void
make_image(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);

	image.n = 0;
	put_lists(w);
	run_machine(w, 2000);
	trace_writer_end(w);
	qsort(events, nevents, sizeof *events, compare);
	off_t n = lseek(fd, 0, SEEK_END);
	char *to = buf_room(&image, (size_t)n);
	if (pread(fd, to, (size_t)n, 0) != n)
		abort();
	image.n += (size_t)n;
	close(fd);
}

static int
open_image(struct trace_file *t, size_t n)
{
	int fd = file();

	if (write(fd, image.s, n) != (ssize_t)n)
		abort();
	lseek(fd, 0, SEEK_SET);
	int result = trace_open(t, fd);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

/* Whether all events that are read were put, in the order of their times. */
static bool
only_true_events(const struct trace_file *t)
{
	struct trace_cursor *c = trace_begin(t, 0, UINT64_MAX);
	const struct sched_event *e;
	size_t i = 0, n = 0;

	while ((e = trace_next(c))) {
		while (i < nevents && !same_event(e, &events[i]))
			i++;
		n += i < nevents;
	}
	trace_end(c);
	return i < nevents ? n == t->events : t->events == 0;
}

static uint64_t
lost(const struct trace_file *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->nlosses; i++)
		n += t->losses[i].lost;
	return n;
}

static void
no_flip_is_silent(void)
{
	int silent = 0, wrong = 0, uncounted = 0;
	struct trace_file t;

	make_image();
	for (int i = 0; i < 10000; i++) {
		size_t bit = draw(8 * image.n);
		image.s[bit / 8] = (char)(image.s[bit / 8] ^ 1 << bit % 8);
		if (CHECK(open_image(&t, image.n) == 0)) {
			silent += t.damaged != 1;
			wrong += !only_true_events(&t);
			/* 12 were lost by the recorder; the end may be what was damaged */
			uncounted += !t.cut && t.nlosses > 0 && t.losses[0].lost == 12 &&
			    t.events + lost(&t) != 2012;
			trace_close(&t);
		}
		image.s[bit / 8] = (char)(image.s[bit / 8] ^ 1 << bit % 8);
	}
	CHECK_INT(silent, 0);
	CHECK_INT(wrong, 0);
	CHECK_INT(uncounted, 0);
	forget();
}

static void
every_cut_is_told(void)
{
	struct trace_file t;
	int silent = 0, wrong = 0;

	make_image();
	for (size_t n = 0; n < image.n; n++) {
		if (open_image(&t, n) < 0) {
			silent += errno != EINVAL || n >= 2 * TRACE_HEADER;
			continue;
		}
		silent += !t.cut || t.damaged != 0;
		wrong += !only_true_events(&t);
		trace_close(&t);
	}
	CHECK_INT(silent, 0);
	CHECK_INT(wrong, 0);
	buf_text(&image, "more");
	CHECK(open_image(&t, image.n) == 0);
	CHECK(t.damaged == 1 && !t.cut && t.events == 2000);
	trace_close(&t);
	forget();
}

/* The position of the head of the nth block of that kind. */
static size_t
block_at(unsigned kind, int nth)
{
	size_t at = 2 * TRACE_HEADER;
	struct trace_head h;

	while (trace_get_head((unsigned char *)image.s + at, &h)) {
		if (h.kind == kind && nth-- == 0)
			return at;
		at += TRACE_HEAD + h.n;
	}
	abort();
}

static void
take_out(size_t at)
{
	struct trace_head h;

	trace_get_head((unsigned char *)image.s + at, &h);
	size_t n = TRACE_HEAD + h.n;
	memmove(image.s + at, image.s + at + n, image.n - at - n);
	image.n -= n;
}

static void
missing_blocks_are_losses(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);
	struct trace_file t;

	for (uint32_t i = 0; i < 40000; i++)
		put_event(w,
		    (struct sched_event){
			1000 + i, 5, i % 100, (i + 1) % 100, 0, SCHED_SWITCH, 'S', 0, 0 });
	trace_writer_end(w);
	image.n = 0;
	off_t n = lseek(fd, 0, SEEK_END);
	if (pread(fd, buf_room(&image, (size_t)n), (size_t)n, 0) != n)
		abort();
	image.n = (size_t)n;
	close(fd);
	/* the second block: the events between the two others are lost */
	size_t at = block_at(TRACE_EVENTS, 1);
	image.s[at + 100] ^= 1;
	CHECK_INT(open_image(&t, image.n), 0);
	CHECK_U64(t.damaged, 1);
	CHECK_U64(t.nlosses, 1);
	CHECK_U64(t.events + lost(&t), 40000);
	CHECK_U64(t.losses[0].cpu, 5);
	CHECK_U64(t.losses[0].to_ns - t.losses[0].from_ns, t.losses[0].lost + 1);
	trace_close(&t);
	/* it is not there at all */
	take_out(at);
	CHECK_INT(open_image(&t, image.n), 0);
	CHECK_U64(t.damaged, 1);
	CHECK_U64(t.events + lost(&t), 40000);
	trace_close(&t);
	/* nor is any block after the first */
	while (block_at(TRACE_END, 0) != at)
		take_out(at);
	CHECK_INT(open_image(&t, image.n), 0);
	CHECK(t.damaged > 0 && !t.cut);
	CHECK_U64(t.nlosses, 1);
	CHECK_U64(t.events + lost(&t), 40000);
	CHECK_U64(t.losses[0].from_ns, t.to_ns);
	CHECK_U64(t.losses[0].to_ns, 1000 + 39999);
	trace_close(&t);
	forget();
}

/* Both copies of the header say so, with the right checksum. */
static void
set_version(uint32_t version)
{
	for (size_t at = 0; at <= TRACE_HEADER; at += TRACE_HEADER) {
		le_put((unsigned char *)image.s + at + 8, version, 4);
		le_put((unsigned char *)image.s + at + 12, crc32c(0, image.s + at, 12), 4);
	}
}

static void
other_files_are_refused(void)
{
	struct trace_file t;

	make_image();
	set_version(2);
	CHECK(open_image(&t, image.n) < 0 && errno == ENOTSUP);
	set_version(TRACE_VERSION);
	image.s[0] ^= 1;
	image.s[TRACE_HEADER] ^= 1;
	CHECK(open_image(&t, image.n) < 0 && errno == EINVAL);
	CHECK(open_image(&t, 0) < 0 && errno == EINVAL);
	int fd = open("/", O_RDONLY | O_CLOEXEC);
	CHECK(trace_open(&t, fd) < 0 && errno == EISDIR);
	close(fd);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC); /* endless */
	CHECK(trace_open(&t, fd) < 0 && errno == EINVAL);
	close(fd);
	forget();
}

/* Blocks of a kind that a later version may add do not disturb. */
static void
unknown_blocks_are_skipped(void)
{
	struct buf payload = { 0 };
	struct trace_file t;

	make_image();
	size_t end = block_at(TRACE_END, 0);
	buf_text(&payload, "new");
	image.n = end;
	trace_put_block(&image, (enum trace_kind)(TRACE_KINDS - 1), &payload);
	payload.n = 0;
	CHECK_INT(open_image(&t, image.n), 0);
	CHECK(t.damaged == 0 && t.events == 2000);
	trace_close(&t);
	buf_free(&payload);
	forget();
}

/* Checksums do not make numbers true: a CPU that no kernel has would be a place outside of all arrays. */
static void
an_end_with_wrong_numbers_is_damage(void)
{
	static const uint64_t cpus[] = { 8192, UINT32_MAX, (uint64_t)1 << 40 };
	struct buf payload = { 0 };
	struct trace_file t;

	for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
		make_image();
		image.n = block_at(TRACE_END, 0);
		payload.n = 0;
		code_put(&payload, 1);
		code_put(&payload, cpus[i]);
		code_put(&payload, 5);
		code_put(&payload, 7);
		trace_put_block(&image, TRACE_END, &payload);
		CHECK_INT(open_image(&t, image.n), 0);
		CHECK(t.cut && t.damaged == 1 && t.cpus == CPUS);
		CHECK_U64(t.nlosses, 1); /* that of put_lists */
		trace_close(&t);
		forget();
	}
	buf_free(&payload);
}

static void
failed_writes_are_told(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct trace_writer *w = trace_writer_new(fd);

	run_machine(w, 100000); /* far more than is written at once */
	errno = 0;
	CHECK(trace_writer_end(w) < 0 && errno == ENOSPC);
	close(fd);
	forget();
}

/* ---- Cost */

static void
events_are_small(void)
{
	int fd = file();
	struct trace_writer *w = trace_writer_new(fd);

	run_machine(w, 200000);
	trace_writer_end(w);
	double bytes = (double)lseek(fd, 0, SEEK_END) / 200000;
	printf("# %.2f bytes per event\n", bytes);
	CHECK(bytes < 6);
	close(fd);
	forget();
}

int
main(void)
{
	unit_test(
	    "all events of a busy machine come back, by time, and by window", all_events_come_back);
	unit_test("all values that an event can have come back", all_values_come_back);
	unit_test("facts, clocks, cgroups, threads, losses and marks come back", lists_come_back);
	unit_test("lists of several blocks come back", long_lists_come_back);
	unit_test("events of a CPU never go back in time", times_do_not_go_back);
	unit_test("no single bit that is wrong goes unnoticed, of 10,000", no_flip_is_silent);
	unit_test("a file that was cut says so, wherever it was cut", every_cut_is_told);
	unit_test(
	    "events of blocks that are missing are counted as lost", missing_blocks_are_losses);
	unit_test("files that are no trace are refused", other_files_are_refused);
	unit_test("blocks of unknown kinds are skipped", unknown_blocks_are_skipped);
	unit_test("an end that names a CPU that cannot be is damage",
	    an_end_with_wrong_numbers_is_damage);
	unit_test("a write that fails is told", failed_writes_are_told);
	unit_test("an event takes less than 6 bytes", events_are_small);
	buf_free(&image);
	return unit_done();
}
