/* Rows and columns, and what the formats and the summary write. */
#include "base/printable.h"
#include "table/table.h"

#include "table/summary.h"
#include "unit.h"

enum { NAME, LOAD, USED, SEEN, MARK, NOTE };

static const struct column columns[] = {
	[NAME] = { "name", "name", LABEL, NO_UNIT, .width = 8 },
	[LOAD] = { "load_pct", "%load", SHARE, PERCENT, .width = 8, .digits = 2 },
	[USED] = { "used_bytes", "used", GAUGE, BYTES, .width = 7 },
	[SEEN] = { "seen", "seen", COUNT, NO_UNIT, .width = 6 },
	[MARK] = { "mark", "m", FLAG, NO_UNIT, .width = 3 },
	[NOTE] = { "note", "note", LABEL, NO_UNIT, .width = 0, .remark = true },
	{ 0 },
};

static const int64_t when = 1790000000250000000, before = 1789999999250000000;

/* A table with one row; formats write it into `out`, which is the test's. */
struct one {
	struct table t;
	struct cell *row;
	struct report r;
};

static struct one
one(void)
{
	struct one o = { .t = { .columns = columns, .ncolumns = columns_count(columns) },
		.r = { .tool = "tool", .columns = columns, .utc = true, .width = 80, .rows = 24 } };

	for (int i = 0; i <= NOTE; i++)
		o.r.shown[o.r.nshown++] = i;
	o.row = table_row(&o.t);
	return o;
}

static const char *
taken(struct buf *b)
{
	buf_char(b, '\0');
	char *s = unit_copy(b->s, b->n);
	buf_free(b);
	return s;
}

static const char *
written(struct one *o, const struct format *f, bool with_begin)
{
	struct rows rows = { &o->t, when, before, 1.0 };
	struct buf b = { 0 };

	if (with_begin && f->begin)
		f->begin(&b, &o->r);
	f->rows(&b, &o->r, &rows);
	table_free(&o->t);
	return taken(&b);
}

static void
fill(struct one *o)
{
	cell_label(&o->row[NAME], "web");
	cell_share(&o->row[LOAD], 1, 3);
	cell_gauge(&o->row[USED], 65011712, 1);
	cell_count(o->row, SEEN, &(struct interval){ .columns = columns, .span_s = 1 }, keyed_of(5),
	    keyed_of(12));
	cell_flag(&o->row[MARK], true);
	cell_label(&o->row[NOTE], "as it is");
}

static void
json(void)
{
	struct one o = one();

	fill(&o);
	CHECK_STRING(written(&o, &format_json, true),
	    "{\"tool\":\"tool\",\"schema\":2,\"time\":\"2026-09-21T14:13:20.250Z\",\"unix_s\":"
	    "1790000000.250,\"interval_s\":1.000000,\"name\":\"web\",\"load_pct\":33.333,\"used_"
	    "bytes\":65011712,\"seen\":7,"
	    "\"mark\":true,\"note\":\"as it is\"}\n");
}

/* The value of one cell, as JSON has it. */
static const char *
json_of(const char *label, int column, double num)
{
	struct one o = one();

	o.r.nshown = 1;
	o.r.shown[0] = label ? NAME : column;
	cell_label(&o.row[NAME], label);
	o.row[column].num = num;
	const char *s = written(&o, &format_json, true);
	const char *value = strstr(s, label ? "\"name\":" : "interval_s\":");
	if (!label)
		value = strchr(value, ',') + 1;
	value = strchr(value, ':') + 1;
	char *end = strrchr(value, '}');
	*end = '\0';
	return value;
}

static void
json_labels(void)
{
	CHECK_STRING(json_of("", NAME, 0), "\"\"");
	CHECK_STRING(json_of("a\"b\\c/d", NAME, 0), "\"a\\\"b\\\\c/d\"");
	CHECK_STRING(
	    json_of("\n\t\x01\x1f\x7f", NAME, 0), "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
	CHECK_STRING(json_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", NAME, 0),
	    "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\"");
}

static void
json_invalid_utf8(void)
{
	CHECK_STRING(json_of("\x80"
			     "a",
			 NAME, 0),
	    "\"\\u0080a\"");
	CHECK_STRING(json_of("a\xff", NAME, 0), "\"a\\u00ff\"");
	CHECK_STRING(json_of("\xc3", NAME, 0), "\"\\u00c3\"");
	CHECK_STRING(json_of("\xe2\x82", NAME, 0), "\"\\u00e2\\u0082\"");
	CHECK_STRING(json_of("\xe2\x82\"", NAME, 0), "\"\\u00e2\\u0082\\\"\"");
	CHECK_STRING(json_of("\xc0\xaf", NAME, 0), "\"\\u00c0\\u00af\"");            /* overlong */
	CHECK_STRING(json_of("\xe0\x80\xaf", NAME, 0), "\"\\u00e0\\u0080\\u00af\""); /* overlong */
	CHECK_STRING(
	    json_of("\xed\xa0\x80", NAME, 0), "\"\\u00ed\\u00a0\\u0080\""); /* a surrogate */
	CHECK_STRING(json_of("\xf4\x90\x80\x80", NAME, 0), "\"\\u00f4\\u0090\\u0080\\u0080\"");
	CHECK_STRING(json_of("\xf5\x80", NAME, 0), "\"\\u00f5\\u0080\"");
}

static void
json_numbers(void)
{
	CHECK_STRING(json_of(NULL, LOAD, NAN), "null");
	CHECK_STRING(json_of(NULL, LOAD, INFINITY), "null");
	CHECK_STRING(json_of(NULL, USED, -INFINITY), "null");
	CHECK_STRING(json_of(NULL, NAME, 3), "null");
	CHECK_STRING(json_of(NULL, LOAD, 0), "0.0");
	CHECK_STRING(json_of(NULL, LOAD, 100), "100.0");
	CHECK_STRING(json_of(NULL, LOAD, 12.5), "12.5");
	CHECK_STRING(json_of(NULL, LOAD, -0.0001), "0.0");
	CHECK_STRING(json_of(NULL, SEEN, 10), "10");
	CHECK_STRING(json_of(NULL, SEEN, 0.6), "1");
	CHECK_STRING(json_of(NULL, MARK, 0), "false");
}

/* A rate of a counter that jumped to 2^64-1: the zeros at the end of a whole number count. */
static void
json_large_numbers(void)
{
	CHECK_STRING(json_of(NULL, LOAD, 1e14), "100000000000000.0");
	CHECK_STRING(json_of(NULL, LOAD, 1e15), "1000000000000000.0");
	CHECK_STRING(json_of(NULL, LOAD, 5e17), "500000000000000000.0");
	CHECK_NEAR(
	    strtod(json_of(NULL, LOAD, 18446744073709551615.0), NULL), 18446744073709551615.0, 1e6);
	CHECK_NEAR(
	    strtod(json_of(NULL, USED, 18446744073709551615.0), NULL), 18446744073709551615.0, 1e6);
}

static void
csv(void)
{
	struct one o = one();

	fill(&o);
	CHECK_STRING(written(&o, &format_csv, true),
	    "tool,schema,time,interval_s,name,load_pct,used_bytes,seen,mark,note,unix_s\r\n"
	    "tool,2,2026-09-21T14:13:20.250Z,1.000000,web,33.333,65011712,7,1,as it is,"
	    "1790000000.250\r\n");
}

static void
csv_unknown(void)
{
	struct one o = one();

	o.row[USED].num = INFINITY;
	CHECK_STRING(written(&o, &format_csv, false),
	    "tool,2,2026-09-21T14:13:20.250Z,1.000000,,,,,,,1790000000.250\r\n");
}

static const char *
csv_of(const char *label)
{
	struct one o = one();

	o.r.nshown = 1;
	cell_label(&o.row[NAME], label);
	const char *s = strstr(written(&o, &format_csv, false), "1.000000,") + strlen("1.000000,");
	*strstr(s, ",1790000000.250") = '\0';
	return s;
}

static void
csv_quotes(void)
{
	CHECK_STRING(csv_of("plain 'text'; x"), "plain 'text'; x");
	CHECK_STRING(csv_of("cpu,cpuacct"), "\"cpu,cpuacct\"");
	CHECK_STRING(csv_of("say \"no\""), "\"say \"\"no\"\"\"");
	CHECK_STRING(csv_of("\""), "\"\"\"\"");
	CHECK_STRING(csv_of("two\nlines"), "\"two\nlines\"");
	CHECK_STRING(csv_of("a\xff\x80z"), "a\xc3\xbf\xc2\x80z"); /* never invalid UTF-8 */
	CHECK_STRING(csv_of("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
	CHECK_STRING(csv_of("\r"), "\"\r\"");
	CHECK_STRING(csv_of(""), "");
}

static void
text(void)
{
	struct one o = one();

	fill(&o);
	CHECK_STRING(written(&o, &format_text, true),
	    "14:13:19    name   %load   used  seen  m  note\n"
	    "14:13:20     web   33.33  62.0M     7  *  as it is\n");
}

static void
text_unknown(void)
{
	struct one o = one();

	o.row[SEEN].num = INFINITY;
	o.r.fractions = true;
	CHECK_STRING(written(&o, &format_text, true),
	    "14:13:19.250    name   %load   used  seen  m  note\n"
	    "14:13:20.250       -       -      -     -\n");
}

static const char *
text_of_bytes(double x)
{
	struct one o = one();

	o.r.nshown = 1;
	o.r.shown[0] = USED;
	o.row[USED].num = x;
	const char *s = strrchr(written(&o, &format_text, false), ' ') + 1;
	return s;
}

static void
text_bytes(void)
{
	CHECK_STRING(text_of_bytes(0), "0\n");
	CHECK_STRING(text_of_bytes(1023), "1023\n");
	CHECK_STRING(text_of_bytes(1024), "1.0K\n");
	CHECK_STRING(text_of_bytes(99.9 * 1024), "99.9K\n");
	CHECK_STRING(text_of_bytes(100 * 1024), "100K\n");
	CHECK_STRING(text_of_bytes(1023.6 * 1024), "1.0M\n");
	CHECK_STRING(text_of_bytes(64.0 * 1024 * 1024 * 1024), "64.0G\n");
	CHECK_STRING(text_of_bytes(18446744073709551615.0), "16.0E\n");
}

/* Digits after the point give way, so that columns stay below their headings. A wider number keeps a
 * blank before it. */
static void
text_wide_numbers(void)
{
	static const struct {
		double x;
		const char *row;
	} all[] = { { 1234.5, "14:13:20 1234.50\n" }, { 12345.6, "14:13:20 12345.6\n" },
		{ 1234567.8, "14:13:20 1234568\n" }, { 123456789, "14:13:20 123456789\n" } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct one o = one();
		o.r.nshown = 1;
		o.r.shown[0] = LOAD;
		o.row[LOAD].num = all[i].x;
		const char *s = written(&o, &format_text, false);
		CHECK_STRING(strchr(s, '\n') + 1, all[i].row);
	}
}

static void
text_clipped(void)
{
	struct one o = one();

	cell_label(&o.row[NAME], "kubepods/pod0123");
	CHECK(strstr(written(&o, &format_text, false), "14:13:20 k<d0123       -"));
	o = one();
	cell_label(&o.row[NAME], "1234567");
	CHECK(strstr(written(&o, &format_text, false), "14:13:20 1234567 "));
}

/* The rows of a terminal of that width, whose only column is a label of any length. */
static const char *
clipped_to(int width, const char *const *labels, size_t n)
{
	struct one o = one();

	o.r.nshown = 1;
	o.r.shown[0] = NOTE;
	o.r.terminal = true;
	o.r.width = width;
	for (size_t i = 0; i < n; i++)
		cell_label(&(i ? table_row(&o.t) : o.row)[NOTE], labels[i]);
	return strchr(written(&o, &format_text, false), '\n') + 1;
}

static const char *
clipped(const char *const *labels, size_t n)
{
	return clipped_to(40, labels, n);
}

/* Whatever tells a label from its neighbours stays: its end, its start or its middle. */
static void
text_labels_differ(void)
{
	static const char *const ends[] = { "/kubepods/burstable/pod-one/container-1",
		"/kubepods/burstable/pod-one/container-2" };
	static const char *const middles[] = { "/kubepods/burstable/pod-1/a-container-with-a-name",
		"/kubepods/burstable/pod-2/a-container-with-a-name" };
	static const char *const starts[] = { "/web-1/a-container-with-a-long-name/worker",
		"/web-2/a-container-with-a-long-name/worker" };
	static const char *const both[] = {
		"/kubepods/burstable/besteffort/pod-1/a-container-with-a-long-name",
		"/kubepods/burstable/besteffort/pod-2/a-container-with-a-long-name"
	};

	/* they differ within a character, and end in one */
	static const char *const bytes[] = {
		"/paaaaaaaaaaaa\xf0\x9f\x98\x80xxxxxxxxxxxxxxxxxxxxxxxx\xf0\x9f\x98\x80",
		"/paaaaaaaaaaaa\xf0\x9f\x99\x80xxxxxxxxxxxxxxxxxxxxxxxx\xf0\x9f\x98\x80"
	};

	for (int width = 12; width < 60; width++) {
		const char *s = clipped_to(width, bytes, 2);

		while (*s && utf8_length(s) > 0)
			s += utf8_length(s);
		CHECK(!*s);
	}
	CHECK_STRING(clipped(ends, 2),
	    "14:13:20  /kubepo<le/pod-one/container-1\n"
	    "14:13:20  /kubepo<le/pod-one/container-2\n");
	CHECK_STRING(clipped(middles, 2),
	    "14:13:20  /kub<1/a-container-with-a-name\n"
	    "14:13:20  /kub<2/a-container-with-a-name\n");
	CHECK_STRING(clipped(starts, 2),
	    "14:13:20  /web-1<with-a-long-name/worker\n"
	    "14:13:20  /web-2<with-a-long-name/worker\n");
	CHECK_STRING(clipped(both, 2),
	    "14:13:20  <teffort/pod-1<ith-a-long-name\n"
	    "14:13:20  <teffort/pod-2<ith-a-long-name\n");
}

/* A long label has what is left of a terminal's line, and all of a pipe's. */
static void
text_long_label(void)
{
	char label[200] = { 0 };

	memset(label, 'x', sizeof label - 1);
	for (int terminal = 0; terminal < 2; terminal++) {
		struct one o = one();
		cell_label(&o.row[NOTE], label);
		o.r.terminal = terminal;
		const char *row = strchr(written(&o, &format_text, false), '\n') + 1;
		CHECK_INT(strlen(row) - 1, terminal ? 80 : 8 + 8 + 8 + 7 + 6 + 3 + 2 + 199);
		CHECK((strchr(row, '<') != NULL) == terminal);
	}
}

/* Three labels of any length, after a column of 8. */
static const struct column three_labels[] = {
	{ "q", "q", GAUGE, NO_UNIT, .width = 8 },
	{ "from", "from", LABEL, NO_UNIT, .room = 3 },
	{ "to", "to", LABEL, NO_UNIT, .width = 0 },
	{ "because", "because", LABEL, NO_UNIT, .remark = true },
	{ 0 },
};

static const char *
three_text(int width, const char *from, const char *to, const char *because)
{
	struct table t = { .columns = three_labels, .ncolumns = columns_count(three_labels) };
	struct report r = { .tool = "tool",
		.columns = three_labels,
		.shown = { 0, 1, 2, 3 },
		.nshown = 4,
		.utc = true,
		.terminal = true,
		.width = width,
		.rows = 24 };
	struct rows rows = { &t, when, before, 1 };
	struct buf b = { 0 };
	struct cell *row = table_row(&t);

	row[0].num = 1;
	row[1].label = from;
	row[2].label = to;
	row[3].label = because;
	format_text.rows(&b, &r, &rows);
	table_free(&t);
	return taken(&b);
}

/* The short ones keep their width, and the long ones have the same. */
static void
text_labels_share(void)
{
	CHECK_STRING(three_text(48, "127.0.0.1:52665", "me", "10.11.12.13:44430"),
	    "14:13:19       q  from  to  because\n"
	    "14:13:20       1  12<0.1:52665  me  10<.13:44430\n");
	CHECK_STRING(three_text(60, "127.0.0.1:52665", "me", "10.11.12.13:44430"),
	    "14:13:19       q  from  to  because\n"
	    "14:13:20       1  127.0.0.1:52665  me  10.11.12.13:44430\n");
	CHECK_STRING(three_text(40, "127.0.0.1:52665", NULL, "late"),
	    "14:13:19       q  from  to  because\n"
	    "14:13:20       1  127<0.1:52665  -  late\n");
}

static void
text_control_characters(void)
{
	struct one o = one();

	cell_label(&o.row[NOTE], "a\x1b[2J\nb");
	CHECK(strstr(written(&o, &format_text, false), "  a\\033[2J\\012b\n"));
}

/* Nine columns of 9 and the time make 89. */
static const struct column wide[] = {
	{ "a", "a-a", GAUGE, NO_UNIT, .width = 9 },
	{ "b", "b-b", GAUGE, NO_UNIT, .width = 9 },
	{ "c", "c-c", GAUGE, NO_UNIT, .width = 9 },
	{ "d", "d-d", GAUGE, NO_UNIT, .width = 9 },
	{ "e", "e-e", GAUGE, NO_UNIT, .width = 9 },
	{ "f", "f-f", GAUGE, NO_UNIT, .width = 9 },
	{ "g", "g-g", GAUGE, NO_UNIT, .width = 9 },
	{ "h", "h-h", GAUGE, NO_UNIT, .width = 9 },
	{ "i", "i-i", GAUGE, NO_UNIT, .width = 9 },
	{ 0 },
};

static const char *
wide_text(const struct column *of, bool terminal, int width)
{
	struct table t = { .columns = of, .ncolumns = columns_count(of) };
	struct report r = { .tool = "tool",
		.columns = of,
		.utc = true,
		.terminal = terminal,
		.width = width,
		.rows = 24 };
	struct rows rows = { &t, when, before, 1 };
	struct buf b = { 0 };
	struct cell *row = table_row(&t);

	for (int i = 0; of[i].key; i++) {
		r.shown[r.nshown++] = i;
		row[i].num = i + 1;
		row[i].label = "/kubepods/burstable/pod0123456789";
	}
	format_text.rows(&b, &r, &rows);
	table_free(&t);
	return taken(&b);
}

static void
text_squeezed(void)
{
	const char *s = wide_text(wide, true, 80), *second = strchr(s, '\n') + 1;

	CHECK_INT(second - s - 1, 80);
	CHECK_INT(strlen(second) - 1, 80);
	CHECK(strstr(s, "14:13:19      aa      bb"));
	CHECK(strstr(s, "14:13:20       1       2"));
	CHECK(strstr(wide_text(wide, false, 80), "14:13:19      a-a      b-b"));
	CHECK(strstr(wide_text(wide, true, 89), "      h-h      i-i\n"));
	CHECK(strstr(wide_text(wide, true, 88),
	    "      h-h      ii\n")); /* from the right, as few as will do */
}

static void
text_left_out(void)
{
	CHECK_STRING(wide_text(wide, true, 79),
	    "14:13:19      aa      bb      cc      dd      ee      ff      gg      hh >\n"
	    "14:13:20       1       2       3       4       5       6       7       8\n");
	CHECK_STRING(wide_text(wide, true, 18), "14:13:19      aa >\n14:13:20       1\n");
	CHECK_STRING(wide_text(wide, true, 17), "14:13:19 >\n14:13:20\n");
	CHECK_STRING(wide_text(wide, true, 1), "14:13:19 >\n14:13:20\n");
}

/* The label that names the row stands last, but is not what gives way. */
static const struct column named[] = {
	{ "cgroup", "cgroup", LABEL, NO_UNIT, .width = 0 },
	{ "a", "a-a", GAUGE, NO_UNIT, .width = 9 },
	{ "b", "b-b", GAUGE, NO_UNIT, .width = 9 },
	{ "c", "c-c", GAUGE, NO_UNIT, .width = 9 },
	{ 0 },
};

static void
text_named(void)
{
	CHECK_STRING(wide_text(named, true, 80),
	    "14:13:19      a-a      b-b      c-c  cgroup\n"
	    "14:13:20        2        3        4  /kubepods/burstable/pod0123456789\n");
	for (int width = 40; width > 20; width--) {
		const char *s = wide_text(named, true, width), *second = strchr(s, '\n') + 1;
		CHECK(second - s - 1 <= width);
		CHECK(strlen(second) - 1 <= (size_t)width);
		CHECK(strstr(s, "  cgroup\n"));
		CHECK(strstr(second, "456789\n"));
	}
}

/* How many headers there are in so many samples of n rows each. */
static int
headers(bool terminal, int screen, int samples, int n)
{
	struct one o = one();
	struct rows rows = { &o.t, when, before, 1.0 };
	struct buf b = { 0 };
	int count = 0;

	o.r.terminal = terminal;
	o.r.rows = screen;
	while (o.t.nrows < (size_t)n)
		table_row(&o.t);
	format_text.begin(&b, &o.r);
	for (int i = 0; i < samples; i++)
		format_text.rows(&b, &o.r, &rows);
	for (const char *s = taken(&b); (s = strstr(s, "%load")); s++)
		count++;
	table_free(&o.t);
	return count;
}

static void
text_headers(void)
{
	CHECK_INT(headers(false, 24, 1000, 1), 1);
	CHECK_INT(headers(true, 24, 10, 1), 1);
	CHECK_INT(headers(true, 24, 22, 1), 2);
	CHECK(headers(true, 24, 220, 1) >= 10);
	CHECK(headers(true, 24, 220, 1) <= 12);
	CHECK_INT(headers(true, 24, 5, 30), 5); /* each sample fills the screen */
	CHECK_INT(headers(true, 0, 3, 1), 3);
}

static void
text_without_rows(void)
{
	struct one o = one();

	table_clear(&o.t);
	CHECK_STRING(written(&o, &format_text, true), "");
	o = one();
	table_clear(&o.t);
	CHECK_STRING(written(&o, &format_json, true), "");
}

static void
cells(void)
{
	struct cell c = { 0 }, row[NOTE + 1] = { 0 };
	struct interval t = { .columns = columns, .span_s = 2 };

	cell_share(&c, 1, 0);
	CHECK_NEAR(c.num, NAN, 0);
	cell_rate(row, SEEN, &t, keyed_of(10), keyed_of(30), 1e-3);
	CHECK_NEAR(row[SEEN].num, 0.01, 1e-15);
	CHECK_NEAR(row[SEEN].raw, 0.03, 1e-15);
	cell_count(row, SEEN, &t, (struct keyed){ 0 }, keyed_of(10));
	CHECK_NEAR(row[SEEN].num, NAN, 0);
	CHECK_U64(t.fell, 0);
	cell_rate(row, SEEN, &t, keyed_of(30), keyed_of(10), 1);
	CHECK_NEAR(row[SEEN].num, NAN, 0);
	CHECK_U64(t.fell, 1 << SEEN);
	CHECK_U64(t.jumped, 0);
}

static const struct column bounded[] = {
	{ "events", "events", .kind = COUNT },
	{ "time", "time", .kind = RATE, .bound = BY_TIME },
	{ "cpus", "cpus", .kind = RATE, .bound = BY_CPUS },
	{ "tasks", "tasks", .kind = RATE, .bound = BY_TASKS },
	{ "periods", "periods", .kind = COUNT, .bound = BY_PERIODS },
};

/* The most that each kind of counter may grow by in 10 s, and a little more. */
static void
bounds(void)
{
	static const double per_s[] = { 1e9, 1, 4, 100, 1000 };
	struct interval t = { .columns = bounded, .span_s = 10, .cpus = 4, .tasks = 100 };

	for (int i = 0; i < 5; i++) {
		double most = per_s[i] * (10 * 1.05 + 0.25);
		CHECK_NEAR(interval_most(&t, i), most, 1e-9 * most);
		uint64_t us = (uint64_t)(most * 1e6);
		double grown = interval_growth(&t, i, keyed_of(7), keyed_of(7 + us), 1e-6);
		CHECK_NEAR(grown, most, 1e-5);
		CHECK_U64(t.jumped, 0);
		CHECK_NEAR(interval_growth(&t, i, keyed_of(7), keyed_of(9 + us), 1e-6), NAN, 0);
		CHECK_U64(t.jumped, 1u << i);
		t.jumped = 0;
	}
	t.late_s = 30;
	CHECK_NEAR(interval_growth(&t, 1, keyed_of(0), keyed_of(40), 1), 40, 0);
	CHECK_NEAR(interval_growth(&t, 1, keyed_of(0), keyed_of(UINT64_MAX), 1), NAN, 0);
}

static void
stalled(void)
{
	struct interval t = { .columns = bounded, .span_s = 1 };
	struct cell row[5] = { [1] = { .raw = NAN } };

	cell_stalled(row, 1, &t, keyed_of(0), keyed_of(500000));
	CHECK_NEAR(row[1].num, 50, 1e-12);
	CHECK_NEAR(row[1].raw, 0.5, 1e-12);
	cell_stalled(row, 1, &t, keyed_of(0), keyed_of(1010000));
	CHECK_NEAR(row[1].num, 100, 0);
	row[1].raw = NAN;
	cell_stalled(row, 1, &t, keyed_of(0), keyed_of(UINT64_MAX));
	CHECK_NEAR(row[1].num, NAN, 0);
	CHECK_NEAR(row[1].raw, NAN, 0);
	cell_stalled(row, 1, &t, keyed_of(5), keyed_of(4));
	CHECK_NEAR(row[1].num, NAN, 0);
	cell_stalled(row, 1, &t, keyed_of(5), (struct keyed){ 0 });
	CHECK_NEAR(row[1].num, NAN, 0);
	cell_stalled(row, 1, &t, (struct keyed){ 0 }, keyed_of(5));
	CHECK_NEAR(row[1].num, NAN, 0);
}

static void
finds_columns(void)
{
	CHECK_INT(columns_count(columns), NOTE + 1);
	CHECK_INT(columns_find(columns, T("used_bytes")), USED);
	CHECK_INT(columns_find(columns, T("used")), -1);
	CHECK_INT(columns_find(columns, T("used_bytes_")), -1);
	CHECK_INT(columns_find(columns, T("")), -1);
}

static double
by_load(const struct cell *row)
{
	return row[LOAD].num;
}

static void
sorts(void)
{
	static const double in[] = { 100, 1, NAN, 3, 2, 3, NAN, -1 },
			    out[] = { 100, 3, 3, 2, 1, -1, NAN, NAN };
	static const double at[] = { 0, 3, 5, 4, 1, 7, 2, 6 };
	struct table t = { .columns = columns, .ncolumns = columns_count(columns) };

	for (int i = 0; i < 8; i++) {
		struct cell *row = table_row(&t);
		row[LOAD].num = in[i];
		row[SEEN].num = i;
	}
	table_sort(&t, 1, by_load);
	for (size_t i = 0; i < 8; i++) {
		CHECK_NEAR(table_at(&t, i)[LOAD].num, out[i], 0);
		CHECK_NEAR(table_at(&t, i)[SEEN].num, at[i], 0);
	}
	table_keep(&t, 100);
	CHECK_INT(t.nrows, 8);
	table_keep(&t, 2);
	CHECK_INT(t.nrows, 2);
	table_sort(&t, 5, by_load);
	table_free(&t);
}

/* Samples of two series: load in % of 1 s, then in % of 3 s. */
static const char *
summed(int samples, double (*load)(int), double (*weight)(int), int nseries)
{
	struct one o = one();
	struct summary s = { 0 };
	struct buf b = { 0 };
	char names[16][8];

	o.r.nshown = 2;
	for (int i = 0; i < samples; i++) {
		table_clear(&o.t);
		for (int n = 0; n < nseries; n++) {
			struct cell *row = table_row(&o.t);
			snprintf(names[n], sizeof names[n], "s%d", n);
			cell_label(&row[NAME], names[n]);
			row[LOAD] =
			    (struct cell){ .num = load(i), .weight = weight(i), .raw = NAN };
		}
		summary_add(&s, &o.r, &o.t);
	}
	summary_print(&s, &b, &o.r);
	summary_free(&s, &o.r);
	table_free(&o.t);
	return taken(&b);
}

static double
index_of(int i)
{
	return i + 1;
}

static double
evenly(int i)
{
	(void)i;
	return 1;
}

static double
unknown_at_odd(int i)
{
	return i % 2 ? NAN : 8;
}

static void
averages(void)
{
	CHECK_STRING(summed(4, index_of, evenly, 1), "Average:      s0    2.50\n");
	CHECK_STRING(summed(3, index_of, index_of, 1),
	    "Average:      s0    2.33\n"); /* (1·1 + 2·2 + 3·3) / 6 */
	CHECK_STRING(summed(4, unknown_at_odd, evenly, 1), "Average:      s0    8.00\n");
	CHECK_STRING(summed(2, index_of, evenly, 2),
	    "\nAverage:    name   %load\nAverage:      s0    1.50\nAverage:      s1    1.50\n");
	CHECK_STRING(summed(0, index_of, evenly, 1), "");
}

static double
unknown(int i)
{
	(void)i;
	return NAN;
}

static void
unknown_averages(void)
{
	CHECK_STRING(summed(12, unknown, evenly, 1),
	    "Average:      s0       -\np50:          s0       -\np90:          s0       -\np99:    "
	    "      s0       -\nMax:          s0       -\n");
}

static void
percentiles(void)
{
	CHECK(!strstr(summed(9, index_of, evenly, 1), "p50:"));
	const char *s = summed(100, index_of, evenly, 1);
	double p50 = strtod(strstr(s, "p50:") + 17, NULL),
	       p90 = strtod(strstr(s, "p90:") + 17, NULL),
	       p99 = strtod(strstr(s, "p99:") + 17, NULL);

	CHECK_NEAR(p50, 50, 0.51);
	CHECK_NEAR(p90, 90, 0.91);
	CHECK_NEAR(p99, 99, 1);
	CHECK(strstr(s, "Max:          s0  100.00\n"));
	CHECK(strstr(summed(10, index_of, evenly, 1), "Max:          s0   10.00\n"));
}

static void
many_series(void)
{
	CHECK(strstr(summed(10, index_of, evenly, SERIES_WITH_PERCENTILES), "p99:"));
	const char *s = summed(10, index_of, evenly, SERIES_WITH_PERCENTILES + 1);
	int n = 0;

	for (s = strstr(s, "p99:"); s; s = strstr(s + 1, "p99:"))
		n++;
	CHECK_INT(n, SERIES_WITH_PERCENTILES);
}

/* A row that comes and goes is averaged over the time that it was there. */
static void
coming_and_going(void)
{
	struct one o = one();
	struct summary s = { 0 };
	struct buf b = { 0 };

	o.r.nshown = 2;
	for (int i = 0; i < 6; i++) {
		table_clear(&o.t);
		for (int n = 0; n < 2; n++) {
			struct cell *row = table_row(&o.t);
			cell_label(&row[NAME], (n + i) % 2 ? "odd" : "even");
			cell_gauge(&row[LOAD], (n + i) % 2 ? 10 : 20, 1);
		}
		if (i == 5)
			cell_label(&table_row(&o.t)[NAME], NULL);
		summary_add(&s, &o.r, &o.t);
	}
	CHECK_INT(s.labels.n, 3);
	summary_print(&s, &b, &o.r);
	const char *text = taken(&b);
	CHECK(strstr(text, "Average:    even   20.00\n"));
	CHECK(strstr(text, "Average:     odd   10.00\n"));
	CHECK(strstr(text, "Average:       -       -\n"));
	summary_free(&s, &o.r);
	table_free(&o.t);
}

static void
too_many_series(void)
{
	struct one o = one();
	struct summary s = { 0 };
	static char names[SERIES_MOST + 5][8];

	table_clear(&o.t);
	for (int i = 0; i < SERIES_MOST + 5; i++) {
		snprintf(names[i], sizeof names[i], "%d", i);
		cell_label(&table_row(&o.t)[NAME], names[i]);
	}
	summary_add(&s, &o.r, &o.t);
	CHECK_INT(s.labels.n, SERIES_MOST);
	CHECK_U64(s.left_out, 5);
	summary_free(&s, &o.r);
	table_free(&o.t);
}

int
main(void)
{
	unit_test("JSON", json);
	unit_test("JSON: labels are escaped", json_labels);
	unit_test("JSON: invalid UTF-8 becomes valid, and no byte is lost", json_invalid_utf8);
	unit_test("JSON: numbers, and null for NaN and infinity", json_numbers);
	unit_test("JSON: large numbers keep their size", json_large_numbers);
	unit_test("CSV", csv);
	unit_test("CSV: unknown fields are empty", csv_unknown);
	unit_test("CSV: fields are quoted where they must be", csv_quotes);
	unit_test("text", text);
	unit_test("text: unknown values, and milliseconds", text_unknown);
	unit_test("text: bytes in three or four digits", text_bytes);
	unit_test("text: wide numbers lose digits after the point", text_wide_numbers);
	unit_test("text: a label too long loses its middle", text_clipped);
	unit_test("text: shortened labels still differ", text_labels_differ);
	unit_test("text: a long label in the rest of the line", text_long_label);
	unit_test("text: control characters", text_control_characters);
	unit_test("text: headings lose their hyphens on 80 columns", text_squeezed);
	unit_test("text: long labels share the rest of a line", text_labels_share);
	unit_test("text: columns without room are left out", text_left_out);
	unit_test("text: the name of a row always has room", text_named);
	unit_test("text: the header again on each screen of a terminal", text_headers);
	unit_test("no rows, no output", text_without_rows);
	unit_test("cells from counters", cells);
	unit_test("the most that counters can grow by", bounds);
	unit_test("cells from stall times", stalled);
	unit_test("columns are found by their keys", finds_columns);
	unit_test("rows are sorted, unknown ones last", sorts);
	unit_test("averages are weighted", averages);
	unit_test("a value that was never known has no average", unknown_averages);
	unit_test("percentiles from ten rows on", percentiles);
	unit_test("percentiles for the first of many series", many_series);
	unit_test("rows may change places and lack a label", coming_and_going);
	unit_test("further series are counted, not kept", too_many_series);
	return unit_done();
}
