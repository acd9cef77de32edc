/* Sparklines: their characters, their scale, and which row each belongs to. */
#include "base/spark.h"
#include "table/spark.h"

#include "unit.h"

static void
characters(void)
{
	CHECK_STRING(spark_cell(0, true), "▁");
	CHECK_STRING(spark_cell(1e-9, true), "▂");
	CHECK_STRING(spark_cell(0.5, true), "▄");
	CHECK_STRING(spark_cell(1, true), "█");
	CHECK_STRING(spark_cell(7, true), "█");
	CHECK_STRING(spark_cell(INFINITY, true), "█");
	CHECK_STRING(spark_cell(-1, true), "▁");
	CHECK_STRING(spark_cell(NAN, true), " ");
	CHECK_STRING(spark_cell(0, false), "_");
	CHECK_STRING(spark_cell(1e-9, false), ".");
	CHECK_STRING(spark_cell(1, false), "#");
	CHECK_STRING(spark_cell(NAN, false), " ");
}

static void
round_tops(void)
{
	static const struct {
		double most, least, top, of_bytes;
	} want[] = { { 0, 0, 1, 1 }, { 0, 4, 4, 4 }, { 4, 4, 4, 4 }, { 4.1, 4, 5, 16 },
		{ 5.1, 0, 10, 16 }, { 0.3, 0, 0.5, 1 }, { 0.1, 0, 0.1, 1 }, { 200, 0, 200, 256 },
		{ 200.1, 100, 500, 256 }, { 1e6, 0, 1e6, 1 << 20 }, { 65537, 65536, 1e5, 1 << 18 },
		{ NAN, 3, 3, 3 } };

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		CHECK_NEAR(spark_top(want[i].most, want[i].least, false), want[i].top, 1e-9);
		CHECK_NEAR(spark_top(want[i].most, want[i].least, true), want[i].of_bytes, 0);
	}
}

/* It grows at once, and shrinks when the figures have become small. */
static void
lazy_tops(void)
{
	CHECK_NEAR(spark_next_top(0, 3, 1, false), 5, 1e-9);
	CHECK_NEAR(spark_next_top(5, 6, 1, false), 10, 1e-9);
	CHECK_NEAR(spark_next_top(10, 2.1, 1, false), 10, 0);
	CHECK_NEAR(spark_next_top(10, 2, 1, false), 2, 1e-9);
	CHECK_NEAR(spark_next_top(10, 0, 1, false), 1, 0);
}

/* ---- Rows */

enum { NAME, PID, LOAD, FREE, USED, NOTE };

static const struct column columns[] = {
	[NAME] = { "name", "name", LABEL, NO_UNIT, .width = 6 },
	[PID] = { "pid", "PID", LABEL, NO_UNIT, .width = 5, .number = NUMBER },
	[LOAD] = { "load", "load", GAUGE, NO_UNIT, .width = 6, .digits = 1, .full = 2,
	    .per_cpu = true, .high = 1, .very_high = 2 },
	[FREE] = { "free_pct", "%free", SHARE, PERCENT, .width = 7, .digits = 1,
	    .change = LESS_IS_WORSE, .high = 20, .very_high = 5 },
	[USED] = { "used_bytes", "used", GAUGE, BYTES, .width = 7 },
	[NOTE] = { "note", "note", LABEL, NO_UNIT, .width = 6, .remark = true },
	{ 0 },
};

static const int64_t second_ns = 1000000000;

/* Rows that are printed into one buffer, a second after the other. */
struct printed {
	struct table t;
	struct report r;
	struct sparks sparks;
	struct buf b;
	int64_t now_ns;
};

static void
begin(struct printed *p, int column)
{
	*p = (struct printed){ .t = { .columns = columns, .ncolumns = columns_count(columns) },
		.r = { .tool = "tool",
		    .columns = columns,
		    .utc = true,
		    .width = 80,
		    .rows = 24,
		    .cpus = 2 },
		.now_ns = INT64_C(1790000000) * second_ns };
	p->sparks.column[p->sparks.n++] = column;
	p->sparks.utf8 = true;
	p->r.sparks = &p->sparks;
	p->r.shown[p->r.nshown++] = NAME;
	p->r.shown[p->r.nshown++] = column;
}

static struct cell *
add(struct printed *p, const char *name, const char *pid, int column, double value)
{
	struct cell *row = table_row(&p->t);

	cell_label(&row[NAME], name);
	cell_label(&row[PID], pid);
	cell_label(&row[NOTE], value > 1 ? "much" : NULL);
	cell_gauge(&row[column], value, 1);
	return row;
}

/* Prints the rows, which cover a second. Returns the last line without the time, or with the header all
 * lines. */
static const char *
print(struct printed *p, bool whole)
{
	struct rows rows = { &p->t, p->now_ns + second_ns, p->now_ns, 1.0 };

	p->now_ns += second_ns;
	p->b.n = 0;
	sparks_take(&p->sparks, &p->r, &rows);
	format_text.rows(&p->b, &p->r, &rows);
	table_clear(&p->t);
	buf_char(&p->b, '\0');
	if (p->b.n > 1)
		p->b.s[p->b.n - 2] = '\0'; /* the last newline */
	const char *last = strrchr(p->b.s, '\n');
	const char *from = whole ? p->b.s : (last ? last + 1 : p->b.s) + strlen("14:13:21");
	return unit_copy(from, strlen(from) + 1);
}

static void
end(struct printed *p)
{
	sparks_free(&p->sparks);
	table_free(&p->t);
	buf_free(&p->b);
}

static void
scale_in_the_heading(void)
{
	struct printed p;

	begin(&p, LOAD);
	add(&p, "a", "1", LOAD, 2);
	CHECK_STRING(
	    print(&p, true), "14:13:20  name  load     0..4\n14:13:21     a   2.0        ▄");
	add(&p, "a", "1", LOAD, 4);
	CHECK_STRING(print(&p, true), "14:13:22     a   4.0       ▄█");
	add(&p, "a", "1", LOAD, 7);
	CHECK_STRING(
	    print(&p, true), "\n14:13:22  name  load    0..10\n14:13:23     a   7.0      ▂▄▆");
	end(&p);
	begin(&p, USED);
	add(&p, "a", "1", USED, 3000);
	CHECK_STRING(
	    print(&p, true), "14:13:20  name   used    0..4K\n14:13:21     a   2.9K        ▆");
	end(&p);
}

static void
eight_cells(void)
{
	struct printed p;

	begin(&p, LOAD);
	for (int i = 0; i < 9; i++) {
		add(&p, "a", "1", LOAD, i / 2.0);
		CHECK(strstr(print(&p, false), "█") == NULL || i >= 7);
	}
	add(&p, "a", "1", LOAD, 0);
	CHECK_STRING(print(&p, false), "     a   0.0 ▂▃▄▅▆▇█▁");
	end(&p);
}

/* An unknown figure, a row that was not there, and time that no row covers. */
static void
holes(void)
{
	struct printed p;

	begin(&p, LOAD);
	add(&p, "a", "1", LOAD, 4);
	print(&p, false);
	add(&p, "a", "1", LOAD, NAN);
	CHECK_STRING(print(&p, false), "     a     -       █");
	add(&p, "b", "2", LOAD, 0);
	print(&p, false);
	p.now_ns += 60 * second_ns;
	add(&p, "a", "1", LOAD, 4);
	CHECK_STRING(print(&p, false), "     a   4.0    █   █");
	end(&p);
}

static void
the_less_the_higher(void)
{
	struct printed p;

	begin(&p, FREE);
	add(&p, "a", "1", FREE, 100);
	CHECK_STRING(
	    print(&p, true), "14:13:20  name  %free  100..0%\n14:13:21     a  100.0        ▁");
	add(&p, "a", "1", FREE, 0);
	CHECK_STRING(print(&p, false), "     a    0.0       ▁█");
	end(&p);
}

/* By all labels but remarks: a PID that is not shown too. */
static void
identity(void)
{
	struct printed p;

	begin(&p, LOAD);
	add(&p, "a", "1", LOAD, 4);
	add(&p, "a", "2", LOAD, 0);
	print(&p, false);
	add(&p, "a", "2", LOAD, 0);
	add(&p, "a", "1", LOAD, 0.5);
	CHECK_STRING(print(&p, false), "     a   0.5       █▂");
	add(&p, "a", NULL, LOAD, 1);
	CHECK_STRING(print(&p, false), "     a   1.0        ▂");
	end(&p);
}

static void
same_names(void)
{
	struct printed p;

	begin(&p, LOAD);
	add(&p, "a", "1", LOAD, 4);
	add(&p, "a", "1", LOAD, 2);
	CHECK_STRING(print(&p, false), "     a   2.0        █");
	end(&p);
}

static void
rows_that_go(void)
{
	struct printed p;

	begin(&p, LOAD);
	add(&p, "gone", "1", LOAD, 4);
	for (int i = 0; i < SPARK_CELLS; i++) {
		add(&p, "a", "2", LOAD, 0);
		print(&p, false);
		CHECK_INT(p.sparks.names.n, 2);
	}
	add(&p, "a", "2", LOAD, 0);
	print(&p, false);
	CHECK_INT(p.sparks.names.n, 1);
	end(&p);
}

static void
too_many_rows(void)
{
	struct printed p;
	char name[16];

	begin(&p, LOAD);
	for (int i = 0; i <= SPARK_ROWS_MOST + 1; i++) {
		snprintf(name, sizeof name, "%d", i);
		add(&p, unit_copy(name, strlen(name) + 1), "1", LOAD, 1);
	}
	print(&p, false);
	CHECK_INT(p.sparks.names.n, SPARK_ROWS_MOST);
	CHECK_U64(p.sparks.left_out, 2);
	end(&p);
}

/* ---- Marks */

static void
marks(void)
{
	struct printed p;

	begin(&p, LOAD);
	p.r.colour = true;
	add(&p, "a", "1", LOAD, 1);
	print(&p, false);
	add(&p, "a", "1", LOAD, 2);
	CHECK_STRING(print(&p, false), "     a   \033[1;33m2.0\033[0m       ▂\033[33m▄\033[0m");
	add(&p, "a", "1", LOAD, 4);
	CHECK_STRING(
	    print(&p, false), "     a   \033[1;4;31m4.0\033[0m      ▂\033[33m▄\033[31m█\033[0m");
	p.r.cpus = 0;
	add(&p, "a", "1", LOAD, 4);
	CHECK_STRING(print(&p, false), "     a   4.0     ▂▄██");
	end(&p);
}

static void
levels(void)
{
	CHECK_INT(column_level(&columns[LOAD], 2, 2), LEVEL_HIGH);
	CHECK_INT(column_level(&columns[LOAD], 1.9, 2), LEVEL_USUAL);
	CHECK_INT(column_level(&columns[LOAD], NAN, 2), LEVEL_USUAL);
	CHECK_INT(column_level(&columns[FREE], 21, 0), LEVEL_USUAL);
	CHECK_INT(column_level(&columns[FREE], 20, 0), LEVEL_HIGH);
	CHECK_INT(column_level(&columns[FREE], 0, 0), LEVEL_VERY_HIGH);
	CHECK_INT(column_level(&columns[USED], 1e18, 2), LEVEL_USUAL);
}

/* ---- A narrow terminal */

static const struct column wide[] = {
	{ "cpu", "CPU", LABEL, NO_UNIT, .width = 5, .number = NUMBER },
	{ "first", "first", GAUGE, NO_UNIT, .width = 8 },
	{ "main", "main", GAUGE, NO_UNIT, .width = 8, .high = 1, .very_high = 2 },
	{ "last", "last", GAUGE, NO_UNIT, .width = 8 },
	{ "name", "name", LABEL, NO_UNIT, .width = 0, .room = 8 },
	{ 0 },
};

/* The row on a terminal of that width. */
static const char *
on_terminal(int width, bool colour, double value)
{
	struct printed p;

	begin(&p, 2);
	p.t.columns = p.r.columns = wide;
	p.t.ncolumns = 5;
	p.r.nshown = 5;
	for (int i = 0; i < 5; i++)
		p.r.shown[i] = i;
	p.r.terminal = true;
	p.r.colour = colour;
	p.r.width = width;
	struct cell *row = table_row(&p.t);
	cell_label(&row[0], "0");
	for (int i = 1; i < 4; i++)
		cell_gauge(&row[i], value, 1);
	cell_label(&row[4], "a-name-of-a-cgroup-that-is-long");
	const char *line = print(&p, false);
	end(&p);
	return line;
}

/* Other figures go first, then the sparkline. */
static void
narrow(void)
{
	CHECK_STRING(on_terminal(80, false, 1),
	    "    0       1       1        █       1  a-name-of-a-cgroup-that-is-long");
	CHECK_STRING(on_terminal(56, false, 1), "    0       1       1        █       1  a<s-long");
	CHECK_STRING(on_terminal(50, false, 1), "    0       1       1        █    a<s-long");
	CHECK_STRING(on_terminal(42, false, 1), "    0       1        █    a<s-long");
	CHECK_STRING(on_terminal(31, false, 1), "    0       1    a<long");
	CHECK_STRING(on_terminal(20, false, 1), "    a<s-long");
}

/* Bytes that take no column do not shorten the names. */
static void
narrow_with_marks(void)
{
	CHECK_STRING(on_terminal(56, true, 1),
	    "    0       1       \033[1;33m1\033[0m        \033[33m█\033[0m       1  a<s-long");
}

int
main(void)
{
	unit_test("eight characters, and a blank", characters);
	unit_test("scales end at round numbers", round_tops);
	unit_test("scales change rarely", lazy_tops);
	unit_test("the heading says the scale; a new one gets a new header", scale_in_the_heading);
	unit_test("a sparkline has the last eight figures", eight_cells);
	unit_test("what is unknown is a hole", holes);
	unit_test("of a share of which less is worse, less is higher", the_less_the_higher);
	unit_test("a sparkline belongs to a row by its names", identity);
	unit_test("rows of the same names show the larger figure", same_names);
	unit_test("rows that are gone are forgotten", rows_that_go);
	unit_test("further rows are counted, not kept", too_many_rows);
	unit_test("marks on figures and in sparklines", marks);
	unit_test("levels", levels);
	unit_test("on a narrow terminal other columns are left out first", narrow);
	unit_test("marks take no room", narrow_with_marks);
	return unit_done();
}
