/* Rows as Prometheus reads them: names, units, labels, what is left out; and that the tools'
 * columns make good families. */
#include "table/metrics.h"

#include <math.h>

#include "table/table.h"
#include "tools/tool.h"
#include "unit.h"

enum { NAME, LOAD, DELAY, USED, SEEN, MARK, NOTE };

static const struct column columns[] = {
	[NAME] = { "cgroup", "cgroup", LABEL, NO_UNIT, .help = "who" },
	[LOAD] = { "load_pct", "%load", SHARE, PERCENT, .counter = "tool_load_seconds",
	    .help = "load" },
	[DELAY] = { "delay_us", "delay", GAUGE, MICROSECONDS, .help = "delay" },
	[USED] = { "used_bytes", "used", GAUGE, BYTES, .help = "used" },
	[SEEN] = { "seen", "seen", COUNT, NO_UNIT, .counter = "tool_seen", .help = "seen" },
	[MARK] = { "mark", "m", FLAG, NO_UNIT, .help = "mark" },
	[NOTE] = { "note", "", LABEL, NO_UNIT, .remark = true, .help = "note" },
	{ 0 },
};

#define SPAN \
	"# HELP pq_tool_interval_seconds measured interval of the gauges\n" \
	"# TYPE pq_tool_interval_seconds gauge\n# UNIT pq_tool_interval_seconds " \
	"seconds\npq_tool_interval_seconds 1.5\n# EOF\n"

/* What is made of a table, which is freed. */
static const char *
written(struct table *t, const int *shown, int nshown)
{
	struct report r = { .tool = "tool", .columns = columns, .nshown = nshown };
	struct rows rows = { t, 0, 0, 1.5 };
	struct buf b = { 0 };

	for (int i = 0; i < nshown; i++)
		r.shown[i] = shown ? shown[i] : i;
	format_metrics.rows(&b, &r, &rows);
	buf_char(&b, '\0');
	const char *s = unit_copy(b.s, b.n);
	buf_free(&b);
	table_free(t);
	return s;
}

static struct table
empty(void)
{
	return (struct table){ .columns = columns, .ncolumns = columns_count(columns) };
}

static void
all_kinds(void)
{
	struct table t = empty();
	struct cell *row = table_row(&t);

	cell_label(&row[NAME], "/web");
	cell_share(&row[LOAD], 1, 4);
	row[LOAD].raw = 12.25;
	cell_gauge(&row[DELAY], 1500, 1);
	cell_gauge(&row[USED], 65011712, 1);
	cell_count(row, SEEN, &(struct interval){ .columns = columns, .span_s = 1 }, keyed_of(5),
	    keyed_of(12));
	cell_flag(&row[MARK], true);
	cell_label(&row[NOTE], "reset");
	CHECK_STRING(written(&t, NULL, NOTE + 1),
	    "# HELP pq_tool_load_ratio load; here 1 is 100 %\n# TYPE pq_tool_load_ratio gauge\n# "
	    "UNIT pq_tool_load_ratio ratio\n"
	    "pq_tool_load_ratio{cgroup=\"/web\"} 0.25\n"
	    "# HELP pq_tool_load_seconds_total the counter of load_pct: load\n# TYPE "
	    "pq_tool_load_seconds_total counter\n"
	    "# UNIT pq_tool_load_seconds seconds\npq_tool_load_seconds_total{cgroup=\"/web\"} "
	    "12.25\n"
	    "# HELP pq_tool_delay_seconds delay\n# TYPE pq_tool_delay_seconds gauge\n# UNIT "
	    "pq_tool_delay_seconds seconds\n"
	    "pq_tool_delay_seconds{cgroup=\"/web\"} 0.0015\n"
	    "# HELP pq_tool_used_bytes used\n# TYPE pq_tool_used_bytes gauge\n# UNIT "
	    "pq_tool_used_bytes bytes\n"
	    "pq_tool_used_bytes{cgroup=\"/web\"} 65011712\n"
	    "# HELP pq_tool_seen_total the counter of seen: seen\n# TYPE pq_tool_seen_total "
	    "counter\n"
	    "pq_tool_seen_total{cgroup=\"/web\"} 12\n"
	    "# HELP pq_tool_mark mark\n# TYPE pq_tool_mark gauge\npq_tool_mark{cgroup=\"/web\"} 1\n"
	    "# HELP pq_tool_note_info note\n# TYPE pq_tool_note_info "
	    "gauge\npq_tool_note_info{cgroup=\"/web\",note=\"reset\"} 1\n" SPAN);
}

static void
unknown_is_no_sample(void)
{
	struct table t = empty();

	cell_label(&table_row(&t)[NAME], "/a");
	struct cell *row = table_row(&t);
	cell_label(&row[NAME], "/b");
	cell_gauge(&row[DELAY], INFINITY, 1);
	cell_gauge(&row[USED], 0, 1);
	CHECK_STRING(written(&t, NULL, NOTE + 1),
	    "# HELP pq_tool_used_bytes used\n# TYPE pq_tool_used_bytes gauge\n"
	    "# UNIT pq_tool_used_bytes bytes\npq_tool_used_bytes{cgroup=\"/b\"} 0\n" SPAN);
	t = empty();
	CHECK_STRING(written(&t, NULL, NOTE + 1), SPAN);
}

/* What stands behind the name of mark in a row with that label. */
static const char *
labels_of(const char *label)
{
	static const int shown[] = { MARK };
	struct table t = empty();
	struct cell *row = table_row(&t);

	cell_label(&row[NAME], label);
	cell_flag(&row[MARK], false);
	const char *s = strstr(written(&t, shown, 1), "\npq_tool_mark") + strlen("\npq_tool_mark");
	*strchr(s, '\n') = '\0';
	return s;
}

static void
labels(void)
{
	CHECK_STRING(labels_of(NULL), " 0");
	CHECK_STRING(labels_of(""), "{cgroup=\"\"} 0");
	CHECK_STRING(labels_of("a{b}=,c"), "{cgroup=\"a{b}=,c\"} 0");
	CHECK_STRING(labels_of("say \"no\\\""), "{cgroup=\"say \\\"no\\\\\\\"\"} 0");
	CHECK_STRING(labels_of("two\nlines\r\x7f"), "{cgroup=\"two\\\\012lines\\\\015\\\\177\"} 0");
	CHECK_STRING(
	    labels_of("gr\xc3\xbc\xc3\x9f\xff"), "{cgroup=\"gr\xc3\xbc\xc3\x9f\\\\377\"} 0");
}

/* What names a row is there also when it is not shown: with -c. And the same labels are there
 * once. */
static void
doubles(void)
{
	static const int shown[] = { USED, NOTE };
	static const char *const names[] = { "/b", "/a", "/b", NULL, NULL, "/b" };
	struct table t = empty();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct cell *row = table_row(&t);
		cell_label(&row[NAME], names[i]);
		cell_gauge(&row[USED], (double)i, 1);
		cell_label(&row[NOTE], "n");
	}
	CHECK_STRING(written(&t, shown, 2),
	    "# HELP pq_tool_used_bytes used\n# TYPE pq_tool_used_bytes gauge\n# UNIT "
	    "pq_tool_used_bytes bytes\n"
	    "pq_tool_used_bytes{cgroup=\"/b\"} 0\npq_tool_used_bytes{cgroup=\"/a\"} "
	    "1\npq_tool_used_bytes 3\n"
	    "# HELP pq_tool_note_info note\n# TYPE pq_tool_note_info gauge\n"
	    "pq_tool_note_info{cgroup=\"/b\",note=\"n\"} "
	    "1\npq_tool_note_info{cgroup=\"/a\",note=\"n\"} 1\n"
	    "pq_tool_note_info{note=\"n\"} 1\n" SPAN);
}

static const char *
name_of(const char *key, bool counter, double value)
{
	struct metric m = { .tool = "t", .key = key, .help = "", .counter = counter };
	struct buf b = { 0 };

	metrics_family(&b, &m);
	b.n = 0;
	metrics_sample(&b, &m, text_of(""), value);
	b.s[b.n - 1] = '\0';
	const char *s = unit_copy(b.s, b.n);
	buf_free(&b);
	return s;
}

static void
units(void)
{
	CHECK_STRING(name_of("wait_pct", false, 250), "pq_t_wait_ratio 2.5");
	CHECK_STRING(name_of("stall_ms", false, 12.5), "pq_t_stall_seconds 0.0125");
	CHECK_STRING(name_of("event_ns", false, 3), "pq_t_event_seconds 0.000000003");
	CHECK_STRING(name_of("runs_per_s", false, 7), "pq_t_runs_per_second 7");
	CHECK_STRING(name_of("interval_s", false, 7), "pq_t_interval_seconds 7");
	CHECK_STRING(name_of("ldavg_15", false, 1e-12), "pq_t_ldavg_15 0");
	CHECK_STRING(name_of("x_seconds", true, 1795353121.5), "pq_t_x_seconds_total 1795353121.5");
	CHECK_STRING(name_of("x_pages", true, 18446744073709549568.0),
	    "pq_t_x_pages_total 18446744073709549568");
}

/* "pq_mem_" and the like begin all names of a tool; no two columns make the same one; and a note is
 * never what names a row. */
static void
check_columns(const struct tool *t)
{
	const char *names[2 * COLUMNS_MOST];
	size_t n = 0;

	for (const struct column *c = t->columns; c->key; c++) {
		if (strcmp(c->key, "note") == 0 || strcmp(c->key, "limit_level") == 0)
			CHECK(c->kind == LABEL && c->remark);
		if (c->counter) {
			CHECK(strncmp(c->counter, t->name, strlen(t->name)) == 0 &&
			    c->counter[strlen(t->name)] == '_');
			CHECK(!strstr(c->counter, "_total"));
			names[n++] = name_of(c->counter + strlen(t->name) + 1, true, 0);
		}
		if (c->kind != LABEL && (c->kind != COUNT || !c->counter))
			names[n++] = name_of(c->key, false, 0);
		CHECK(!strpbrk(c->help, "\\\n"));
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(names[i], names[k]) != 0);
}

static void
columns_of_tools(void)
{
	for (size_t i = 0; tools[i]; i++) {
		check_columns(tools[i]);
		for (size_t k = 0; tools[i]->forms && tools[i]->forms[k]; k++)
			check_columns(tools[i]->forms[k]);
	}
}

int
main(void)
{
	unit_test("a row of all kinds of columns", all_kinds);
	unit_test("unknown values and empty families are omitted", unknown_is_no_sample);
	unit_test("labels are escaped", labels);
	unit_test("the labels of a row are always present, and once", doubles);
	unit_test("names and values are in base units", units);
	unit_test("no two tools have the same metric family", columns_of_tools);
	return unit_done();
}
