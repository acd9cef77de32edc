/* Records of perf events, as the kernel writes them, and as it does not. */
#include "bpf/perf_records.h"

#include "unit.h"

enum { LOST = 2, COMM = 3, EXIT = 4, FORK = 7, SWITCH = 14 };
enum { OUT = 1 << 13, BY_EXEC = 1 << 13, RUNNABLE = 1 << 14 };

enum { PID = 500 };

/* Records, in the order in which they are made. */
static struct buf records;
static struct perf_records_of of = { 3, PID, 1000, 100000 };

static struct sched_event got[4096];
static size_t ngot;
static struct switch_loss losses[16];
static size_t nlosses;
static struct switch_span span;

static void
put(const void *p, size_t n)
{
	buf_add(&records, p, n);
}

static void
put_u32(uint32_t v)
{
	put(&v, sizeof v);
}

static void
put_u64(uint64_t v)
{
	put(&v, sizeof v);
}

static void
head(uint32_t type, uint16_t flags, uint16_t n)
{
	put_u32(type);
	put(&flags, sizeof flags);
	put(&n, sizeof n);
}

static void
tail(uint32_t pid, uint32_t tid, uint64_t at_ns)
{
	put_u32(pid);
	put_u32(tid);
	put_u64(at_ns);
}

static void
switches(uint16_t flags, uint32_t tid, uint64_t at_ns)
{
	head(SWITCH, flags, 24);
	tail(PID, tid, at_ns);
}

/* FORK or EXIT */
static void
task(uint32_t type, uint32_t pid, uint32_t tid, uint32_t parent_pid, uint32_t parent, uint64_t at)
{
	head(type, 0, 48);
	put_u32(pid);
	put_u32(parent_pid);
	put_u32(tid);
	put_u32(parent);
	put_u64(at);
	tail(PID, type == FORK ? parent : tid, at);
}

static void
comm(uint16_t flags, uint32_t tid, uint64_t at_ns)
{
	head(COMM, flags, 40);
	put_u32(PID);
	put_u32(tid);
	put("program", 8);
	tail(PID, tid, at_ns);
}

static void
on_event(void *ctx, const struct sched_event *e)
{
	(void)ctx;
	got[ngot++] = *e;
}

static void
on_loss(void *ctx, const struct switch_loss *l)
{
	(void)ctx;
	losses[nlosses++] = *l;
}

static void
read_text(struct text t)
{
	static const struct switch_sink sink = { NULL, on_event, on_loss };

	ngot = nlosses = 0;
	span = (struct switch_span){ 0 };
	perf_records_read(t, &of, &sink, &span);
}

/* Reads what was made, and empties it. */
static void
read_all(void)
{
	read_text(TN(records.s, records.n));
	records.n = 0;
}

static bool
is_stop(const struct sched_event *e, uint32_t tid, char state, uint64_t at_ns)
{
	return e->kind == SCHED_SWITCH && e->tid == tid && e->other == SCHED_TID_UNKNOWN &&
	    e->state == state && e->at_ns == at_ns && e->cpu == 3;
}

static bool
is_start(const struct sched_event *e, uint32_t tid, uint64_t at_ns)
{
	return e->kind == SCHED_SWITCH && e->tid == SCHED_TID_UNKNOWN && e->other == tid &&
	    e->state == SCHED_STATE_UNKNOWN && e->at_ns == at_ns && e->cpu == 3;
}

static void
a_switch_has_one_side(void)
{
	switches(0, 501, 2000);
	switches(OUT | RUNNABLE, 501, 3000);
	switches(0, 502, 3500);
	switches(OUT, 502, 4000);
	read_all();
	CHECK_INT(ngot, 4);
	CHECK(is_start(&got[0], 501, 2000));
	CHECK(is_stop(&got[1], 501, 'R', 3000));
	CHECK(is_start(&got[2], 502, 3500));
	CHECK(is_stop(&got[3], 502, SCHED_STATE_UNKNOWN, 4000));
	CHECK(span.events == 4 && span.lost == 0 && nlosses == 0);
}

static void
threads_begin_and_end(void)
{
	task(FORK, PID, 503, PID, 501, 2000);
	switches(0, 503, 2100);
	comm(BY_EXEC, 503, 2200);
	comm(0, 503, 2300); /* a new name */
	task(EXIT, PID, 503, PID, 501, 2500);
	read_all();
	CHECK_INT(ngot, 5);
	CHECK(got[0].kind == SCHED_NEW && got[0].tid == 503 && got[0].other == 501);
	CHECK(is_start(&got[1], 503, 2100));
	CHECK(got[2].kind == SCHED_EXEC && got[2].tid == 503 && got[2].at_ns == 2200);
	CHECK(got[3].kind == SCHED_EXIT && got[3].tid == 503);
	CHECK(is_stop(&got[4], 503, 'X', 2500));
}

static void
other_processes_are_left_out(void)
{
	head(SWITCH, 0, 24);
	tail(PID + 100, 601, 2000);
	task(EXIT, PID + 100, 601, PID, PID, 2100);
	task(FORK, 700, 700, PID + 100, 601, 2200);
	task(FORK, 600, 600, PID, 501, 2300); /* a child process has a creator here */
	read_all();
	CHECK_INT(ngot, 1);
	CHECK(got[0].kind == SCHED_NEW && got[0].tid == 600);
}

static void
what_is_recorded_twice_counts_once(void)
{
	for (int i = 0; i < 2; i++)
		task(FORK, PID, 503, PID, 501, 1900);
	for (int i = 0; i < 2; i++)
		switches(0, 503, 2000 + (uint64_t)i);
	for (int i = 0; i < 2; i++)
		comm(BY_EXEC, 503, 2010);
	for (int i = 0; i < 2; i++)
		switches(OUT, 503, 2100 + (uint64_t)i);
	for (int i = 0; i < 2; i++)
		switches(0, 503, 2200 + (uint64_t)i);
	for (int i = 0; i < 2; i++)
		task(EXIT, PID, 503, PID, 501, 2300);
	read_all();
	CHECK_INT(ngot, 7);
	CHECK(is_start(&got[1], 503, 2000) && is_stop(&got[3], 503, '?', 2100));
	CHECK(is_start(&got[4], 503, 2200) && is_stop(&got[6], 503, 'X', 2300));
}

static void
a_number_is_used_again(void)
{
	for (uint64_t at = 2000; at < 2200; at += 100) {
		task(FORK, PID, 503, PID, 501, at);
		switches(0, 503, at + 10);
		comm(BY_EXEC, 503, at + 20);
		task(EXIT, PID, 503, PID, 501, at + 30);
	}
	read_all();
	CHECK_INT(ngot, 10);
}

static void
a_time_leaves_out_the_rest(void)
{
	switches(0, 501, 900);
	switches(OUT, 501, 1000);
	switches(0, 501, 100000);
	switches(OUT, 501, 100001);
	read_all();
	CHECK_INT(ngot, 2);
	CHECK(is_stop(&got[0], 501, '?', 1000) && is_start(&got[1], 501, 100000));
}

static void
a_time_before_the_last_is_that_of_the_last(void)
{
	switches(0, 501, 5000);
	switches(OUT, 501, 4000);
	read_all();
	CHECK(ngot == 2 && got[1].at_ns == 5000);
}

static void
losses_are_told(void)
{
	switches(0, 501, 2000);
	perf_records_lose(&records, 7, 3000);
	switches(0, 501, 3000);
	perf_records_lose(&records, 0, 3500);
	switches(OUT, 501, 4000);
	read_all();
	CHECK_INT(nlosses, 1);
	CHECK(losses[0].cpu == 3 && losses[0].from_ns == 2000 && losses[0].to_ns == 3000);
	CHECK(losses[0].lost == 7 && span.lost == 7);
	CHECK_INT(ngot, 3); /* that it runs is said once more */
	perf_records_lose(&records, 5, 3000);
	read_all();
	CHECK(nlosses == 1 && losses[0].from_ns == of.since_ns);
}

static void
numbers_that_no_thread_has_are_left_out(void)
{
	switches(0, 0, 2000);
	switches(0, UINT32_MAX, 2000); /* of a thread that has ended */
	switches(OUT, 1 << 22, 2000);
	task(FORK, PID, UINT32_MAX, PID, 501, 2100);
	task(EXIT, PID, 0, PID, 501, 2100);
	read_all();
	CHECK_INT(ngot, 0);
}

/* In the ring the newest is first, and the oldest may be cut off. */
static void
the_order_is_turned(void)
{
	struct buf out = { 0 };
	uint64_t at_ns = 0;

	buf_text(&out, "before  ");
	switches(OUT, 502, 4000);
	task(FORK, PID, 503, PID, 501, 3000);
	switches(0, 501, 2000);
	size_t whole = records.n;
	switches(0, 501, 1900);
	CHECK_INT(perf_records_turn(&out, TN(records.s, records.n - 1)), whole);
	records.n = 0;
	CHECK_INT(out.n, 8 + whole);
	CHECK(memcmp(out.s, "before  ", 8) == 0);
	struct text t = TN(out.s + 8, whole);
	CHECK(perf_records_time(t, &at_ns) && at_ns == 2000);
	CHECK_INT(perf_records_skip(t, 0), 0);
	CHECK_INT(perf_records_skip(t, 1), 24);
	CHECK_INT(perf_records_skip(t, 25), 72);
	CHECK_INT(perf_records_skip(t, 1000), whole);
	read_text(t);
	CHECK(ngot == 3 && is_start(&got[0], 501, 2000) && is_stop(&got[2], 502, '?', 4000));
	buf_free(&out);
}

/* A length, type or content that does not fit: what follows a bad length is not read. */
static void
bad_bytes_end_nothing_else(void)
{
	static const uint16_t bad[] = { 0, 1, 7, 9, 23, 32768 };
	struct buf out = { 0 };
	uint64_t at_ns;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		switches(0, 501, 2000);
		head(SWITCH, 0, bad[i]);
		put_u64(0);
		struct text t = TN(records.s, records.n);
		CHECK_INT(perf_records_turn(&out, t), 24);
		read_all();
		CHECK(ngot == 1 && is_start(&got[0], 501, 2000));
	}
	for (uint16_t n = 8; n < 64; n = (uint16_t)(n + 8)) /* too short for their type */
		for (uint32_t type = 0; type < 20; type++) {
			head(type, 0, n);
			for (int i = 8; i < n; i += 8)
				put_u64(0);
			switches(0, 501, 2000);
			read_all();
			CHECK_INT(ngot, 1);
		}
	head(SWITCH, 0, 8);
	CHECK(!perf_records_time(TN(records.s, records.n), &at_ns));
	CHECK(!perf_records_time(T(""), &at_ns));
	read_text(T(""));
	CHECK(ngot == 0);
	records.n = 0;
	buf_free(&out);
}

int
main(void)
{
	unit_test("a switch has one known side", a_switch_has_one_side);
	unit_test("threads begin, run other programs and end", threads_begin_and_end);
	unit_test("other processes are left out", other_processes_are_left_out);
	unit_test("what is recorded twice counts once", what_is_recorded_twice_counts_once);
	unit_test("a number is used again", a_number_is_used_again);
	unit_test("a time leaves out the rest", a_time_leaves_out_the_rest);
	unit_test("a time before the last is that of the last",
	    a_time_before_the_last_is_that_of_the_last);
	unit_test("losses are told", losses_are_told);
	unit_test(
	    "numbers that no thread has are left out", numbers_that_no_thread_has_are_left_out);
	unit_test("the order is turned, and a cut record left out", the_order_is_turned);
	unit_test("bad bytes end nothing else", bad_bytes_end_nothing_else);
	buf_free(&records);
	return unit_done();
}
