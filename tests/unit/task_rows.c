/* Rows of tasks that BPF read: text and back. */
#include "proc/task_rows.h"

#include <string.h>

#include "unit.h"

static const struct task_row first = {
	.pid = 42,
	.tid = 42,
	.state = 'S',
	.run_ns = 7120033,
	.wait_ns = 81733,
	.slices = 96,
	.switches = { 90, 6 },
	.majflt = 3,
	.gone_majflt = 2,
	.start_ns = 7349231518402,
	.cgroup = { 4521, 1 },
	.call = 4711,
	.comm = "a b\n\\c",
};
static const struct task_row second = {
	.pid = 42,
	.tid = 43,
	.state = 'R',
	.kernel = true,
	.blkio_ns = { true, 5 },
	.start_ns = UINT64_MAX,
	.comm = "123456789012345",
};

static const char lines[] =
    "42 42 S 7120033 81733 96 90 6 3 2 - 7349231518402 4521 1 u4711 a b\\n\\\\c\n"
    "42 43 R 0 0 0 0 0 0 0 5 18446744073709551615 0 0 k 123456789012345\n";

static void
to_text(void)
{
	struct buf b = { 0 };

	task_row_print(&first, &b);
	task_row_print(&second, &b);
	struct text printed = { b.s, b.n };
	CHECK_TEXT(printed, lines);
	buf_free(&b);
}

static int
parse(const char *head, const char *body, const struct task_rows *before, struct task_rows *out)
{
	struct buf b = { 0 };

	buf_text(&b, head);
	buf_text(&b, body);
	int status = task_rows_parse((struct text){ b.s, b.n }, before, out);
	buf_free(&b);
	return status;
}

static void
from_text(void)
{
	struct task_rows a = { 0 }, b = { 0 };

	CHECK_INT(parse("source bpf-loop\ntasks 2\nhidden 13\n", lines, &b, &a), 0);
	CHECK_INT(a.n, 2);
	CHECK(a.hidden.known && a.hidden.v == 13);
	CHECK_STRING(a.source, "bpf-loop");
	CHECK_STRING(a.v[0].comm, "a b\n\\c");
	CHECK_U64(a.v[0].run_ns, 7120033);
	CHECK_U64(a.v[0].switches[1], 6);
	CHECK_U64(a.v[0].gone_majflt, 2);
	CHECK(!a.v[0].blkio_ns.known && !a.v[0].kernel);
	CHECK_U64(a.v[0].cgroup[0], 4521);
	CHECK(a.v[0].call == 4711 && a.v[1].call == 0);
	CHECK(a.v[1].blkio_ns.known && a.v[1].kernel && a.v[1].state == 'R');
	CHECK_U64(a.v[1].start_ns, UINT64_MAX);
	task_rows_free(&a);
	task_rows_free(&b);
}

/* Lines that are the same as before are not parsed again; others are, wherever they stand. */
static void
after_another(void)
{
	static const char head[] = "source bpf-iter\ntasks 3\nhidden 0\n";
	struct task_rows a = { 0 }, b = { 0 }, c = { 0 };

	CHECK_INT(parse(head,
		      "1 1 S 1 0 0 0 0 0 0 - 0 0 0 u a\n2 2 S 2 0 0 0 0 0 0 - 0 0 0 u b\n"
		      "4 4 S 4 0 0 0 0 0 0 - 0 0 0 u d\n",
		      &c, &a),
	    0);
	/* 1 is gone, 3 and 5 are new, 4 has changed */
	CHECK_INT(parse("source bpf-iter\ntasks 4\nhidden 0\n",
		      "2 2 S 2 0 0 0 0 0 0 - 0 0 0 u b\n3 3 S 3 0 0 0 0 0 0 - 0 0 0 u c\n"
		      "4 4 R 5 0 0 0 0 0 0 - 0 0 0 u d\n5 5 S 5 0 0 0 0 0 0 - 0 0 0 u e\n",
		      &a, &b),
	    0);
	CHECK_INT(b.n, 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_U64(b.v[i].tid, i + 2);
	CHECK_STRING(b.v[0].comm, "b");
	CHECK_U64(b.v[2].run_ns, 5);
	CHECK(b.v[2].state == 'R');
	task_rows_free(&a);
	task_rows_free(&b);
}

/* A text of rows, of which some are left out, and some have other figures than at first. */
static void
put_rows(struct buf *b, unsigned seed)
{
	struct buf rows = { 0 };
	uint64_t n = 0;

	for (uint32_t i = 1; i <= 300; i++) {
		unsigned random = seed ? (seed * 7919 + i * 104729) % 97 : 50;
		struct task_row r = first;
		r.pid = r.tid = i;
		r.run_ns = random < seed ? i * 1000 + seed : i;
		if (random == 0)
			continue;
		task_row_print(&r, &rows);
		n++;
	}
	b->n = 0;
	buf_text(b, "source bpf-loop\ntasks ");
	buf_u64(b, n, 1);
	buf_text(b, "\nhidden 0\n");
	buf_add(b, rows.s, rows.n);
	buf_free(&rows);
}

/* The rows of a text are those that it says, whatever the text before was. */
static void
many(void)
{
	struct task_rows rows[2] = { { 0 }, { 0 } };
	struct buf text = { 0 }, again = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct task_rows *now = &rows[i % 2], *before = &rows[1 - i % 2];
		put_rows(&text, i * 5 % 13);
		CHECK_INT(task_rows_parse((struct text){ text.s, text.n }, before, now), 0);
		again.n = 0;
		for (size_t k = 0; k < now->n; k++)
			task_row_print(&now->v[k], &again);
		CHECK(again.n < text.n && memcmp(text.s + text.n - again.n, again.s, again.n) == 0);
		CHECK_U64(now->at[now->n], text.n);
	}
	task_rows_free(&rows[0]);
	task_rows_free(&rows[1]);
	buf_free(&text);
	buf_free(&again);
}

static void
damaged(void)
{
	static const char *const bodies[] = {
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 u a", /* no newline */
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 x a\n",
		"1 1 SS 1 0 0 0 0 0 0 - 0 0 0 u a\n",
		"1 1 S 1 0 0 0 0 0 0 ? 0 0 0 u a\n",
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 u 1234567890123456\n",
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 u a\\\n",
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 u1x a\n",
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 x1 a\n",
		"0 1 S 1 0 0 0 0 0 0 - 0 0 0 u a\n",
		"1 1 S 99999999999999999999 0 0 0 0 0 0 - 0 0 0 u a\n",
		"1 1 S 1 0 0 0 0 0 0 - 0 0 0 u a\n2 2 S 1 0 0 0 0 0 0 - 0 0 0 u a\n",
	};
	struct task_rows a = { 0 }, none = { 0 };

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		CHECK_INT(parse("source bpf-loop\ntasks 1\nhidden 0\n", bodies[i], &none, &a), -1);
	CHECK_INT(
	    parse("source bpf-loop\ntasks 2\nhidden 0\n",
		"2 2 S 1 0 0 0 0 0 0 - 0 0 0 u a\n1 1 S 1 0 0 0 0 0 0 - 0 0 0 u a\n", &none, &a),
	    -1);
	CHECK_INT(
	    parse("source bpf-loop\ntasks 18446744073709551615\nhidden 0\n", "", &none, &a), -1);
	CHECK_INT(parse("tasks 0\nhidden 0\n", "", &none, &a), -1);
	CHECK_INT(parse("source bpf-loop\ntasks 0\nhidden x\n", "", &none, &a), -1);
	CHECK_INT(parse("source bpf-loop\ntasks 0\nhidden -\n", "", &none, &a), 0);
	CHECK(!a.hidden.known);
	CHECK_INT(parse("", "", &none, &a), -1);
	task_rows_free(&a);
}

int
main(void)
{
	unit_test("rows are printed", to_text);
	unit_test("rows are parsed", from_text);
	unit_test("rows that come, go, change and stay are told apart", after_another);
	unit_test("many rows, of which some are as before", many);
	unit_test("damaged rows are errors", damaged);
	return unit_done();
}
