/* diff: pq diff: what has changed between two recordings, two windows of one, or a baseline and a
 * recording. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out_file.h"
#include "base/publish.h"
#include "cli/output.h"
#include "commands/diff/baseline.h"
#include "commands/diff/fail.h"
#include "commands/diff/operand.h"
#include "commands/diff/text.h"

struct diff_options {
	struct option_list fail;
	const char *save;
	struct when_option at;
	double level, least;
	unsigned most;
	bool all, json, csv;
};

struct diff {
	const struct options *options;
	const struct diff_options *own;
	struct arena arena;
	struct operand a, b;
	struct side from, to;
	struct fail_rule rule[OPTION_LIST_MOST];
	struct comparison c;
};

/* ---- The command line */

static void
take_rules(struct diff *d)
{
	char why[200];

	for (int i = 0; i < d->own->fail.n; i++)
		if (fail_parse(d->own->fail.v[i], &d->rule[i], why) < 0)
			die(EXIT_USAGE, "invalid --fail '%s': %s", d->own->fail.v[i], why);
}

static void
take_operands(struct diff *d)
{
	const struct options *o = d->options;

	if (o->words == 0)
		die(EXIT_USAGE, "no recording given: usage is pq diff [options] A [B]");
	if (!d->own->save) {
		operands_take(o, &d->own->at, &d->arena, &d->a, &d->b);
		return;
	}
	if (o->words > 1)
		die(EXIT_USAGE, "unexpected argument '%s': --save takes one recording", o->word[1]);
	d->a = operand_of(o->word[0], &d->arena);
	if (!*d->a.path)
		die(EXIT_USAGE, "'%s' names no recording", d->a.written);
}

/* ---- Output */

static void
json_side(struct buf *b, const char *key, const struct side *s, struct report *times)
{
	buf_json_key(b, key);
	buf_char(b, '{');
	buf_json_text(b, "path", s->path);
	buf_json_key(b, "from");
	buf_char(b, '"');
	buf_iso_time(b, times, s->from_ns);
	buf_text(b, "\",\"to\":\"");
	buf_iso_time(b, times, s->to_ns);
	buf_char(b, '"');
	buf_json_number(b, "samples", (double)s->samples, 0);
	buf_json_text(b, "machine", *s->facts.name ? s->facts.name : NULL);
	buf_json_text(b, "kernel", *s->facts.release ? s->facts.release : NULL);
	buf_json_number(b, "cpus", s->facts.cpus ? (double)s->facts.cpus : NAN, 0);
	buf_json_text(b, "losses", s->losses);
	buf_char(b, '}');
}

/* The first line, as its change is "recordings". */
static void
json_head(struct diff *d, struct report *report, struct buf *b)
{
	struct buf notes = { 0 };
	struct text rest, line;

	buf_json_begin(b, "diff", report, d->to.to_ns);
	buf_json_text(b, "change", "recordings");
	json_side(b, "a", &d->from, report);
	json_side(b, "b", &d->to, report);
	buf_json_number(b, "tests", (double)d->c.tests, 0);
	for (int k = 0; k < LINE_KINDS; k++) {
		char key[32];
		snprintf(key, sizeof key, "%s", line_kind_name((enum line_kind)k));
		for (char *s = key; *s; s++)
			*s = *s == '-' ? '_' : *s;
		buf_json_number(b, key, (double)d->c.of[k], 0);
	}
	comparison_notes(&d->c, "", &notes);
	rest = (struct text){ notes.s, notes.n };
	buf_json_key(b, "notes");
	buf_char(b, '[');
	for (bool first = true; text_line(&rest, &line); first = false) {
		buf_text(b, first ? "" : ",");
		buf_json_string(b, arena_copy(&d->arena, line));
	}
	buf_text(b, "]}\n");
	buf_free(&notes);
}

static void
print_rows(struct diff *d, struct buf *b)
{
	const struct format *format = d->own->csv ? &format_csv : &format_json;
	struct report report = { .tool = "diff",
		.columns = diff_columns,
		.utc = d->options->utc,
		.on_terminal = isatty(STDOUT_FILENO) };
	struct table t = { .columns = NULL };

	for (; diff_columns[report.nshown].key; report.nshown++)
		report.shown[report.nshown] = report.nshown;
	comparison_rows(&d->c, &d->arena, &t);
	if (format->begin)
		format->begin(b, &report);
	if (!d->own->csv)
		json_head(d, &report, b);
	format->rows(b, &report,
	    &(struct rows){
		&t, d->to.to_ns, d->to.from_ns, (double)(d->to.to_ns - d->to.from_ns) * 1e-9 });
	table_free(&t);
}

static void
print(struct diff *d)
{
	const struct text_view view = { d->options->utc, d->own->all, d->own->most };
	struct buf b = { 0 };

	if (d->own->json || d->own->csv)
		print_rows(d, &b);
	else
		comparison_text(&d->c, &view, &b);
	output_write(&b); /* a reader that has gone does not change the exit status */
	buf_free(&b);
}

/* ---- Notes */

static bool
has_rows(const struct side *s, const struct tool *tool)
{
	for (size_t t = 0; tools[t]; t++)
		if (tools[t] == tool)
			return s->tool[t].samples > 0;
	return false;
}

/* Of tools with rows; what both recordings said, once. */
static void
tell_notes(const struct diff *d)
{
	for (size_t i = 0; i < d->from.notes; i++)
		if (has_rows(&d->from, d->from.note[i].tool))
			warn("%s%s: %s", side_noted(&d->to, &d->from.note[i]) ? "" : "A: ",
			    d->from.note[i].tool->name, d->from.note[i].message);
	for (size_t i = 0; i < d->to.notes; i++)
		if (has_rows(&d->to, d->to.note[i].tool) && !side_noted(&d->from, &d->to.note[i]))
			warn("B: %s: %s", d->to.note[i].tool->name, d->to.note[i].message);
}

/* ---- The baseline */

/* Writes a new file, and then gives it the name. It is as private as the recording, for it has the same
 * names; one that is replaced keeps its mode. */
static void
write_file(const char *path, const char *recording, const struct buf *b)
{
	char part[PUBLISH_PATH];
	struct stat old;
	bool replaces = stat(path, &old) == 0;
	int fd = publish_begin(path, publish_mode(recording), part);

	if (fd < 0)
		die(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	bool written =
	    (!replaces || fchmod(fd, old.st_mode & 0666) == 0) && write_whole(fd, b->s, b->n) == 0;
	int error = errno;
	if (close(fd) == 0 && written && rename(part, path) == 0)
		return;
	error = written ? errno : error;
	unlink(part);
	die(EXIT_FAILED, "cannot write %s: %s", path, strerror(error));
}

static void
save(struct diff *d)
{
	const char *path = d->own->save;
	struct buf b = { 0 };

	if (!out_is_stdout(path) && access(path, F_OK) == 0 && !is_baseline(path))
		die(EXIT_USAGE, "%s exists and is not a baseline; not overwriting it", path);
	operand_read(&d->a, d->options, &d->from);
	tell_notes(d);
	baseline_print(&d->from, &b);
	if (out_is_stdout(path)) {
		output_write(&b);
	} else {
		write_file(path, d->a.path, &b);
	}
	buf_free(&b);
	side_free(&d->from);
}

/* ---- The verdict */

static void
tell_failed(const struct diff *d, const char *rule)
{
	size_t n = 0;
	const struct line *worst = NULL;

	for (size_t i = d->c.n; i-- > 0;)
		if (d->c.v[i].fails) {
			worst = &d->c.v[i];
			n++;
		}
	if (!worst)
		return;
	struct buf figure = { 0 };
	line_figure(worst, &figure);
	warn("--fail '%s': %.*s%s%s is worse%s", rule, (int)figure.n, figure.s,
	    *worst->row ? " of " : "", worst->row, n > 1 ? ", and others are" : "");
	buf_free(&figure);
}

/* A rule that no figure breaks says little if few could be judged. */
static void
tell_judged(const struct diff *d, const char *rule, bool many)
{
	struct fail_counts n = fail_count(&d->c);
	struct buf figure = { 0 };

	const char *s = n.judged == 1 ? "" : "s";
	if (!n.unknown) {
		if (many)
			warn("--fail '%s': %zu figure%s judged", rule, n.judged, s);
		return;
	}
	line_figure(n.unknown, &figure);
	warn("--fail '%s': %zu figure%s judged; %zu with too few samples, %zu in only one of the "
	     "recordings, such as %.*s%s%s",
	    rule, n.judged, s, n.few, n.only_one, (int)figure.n, figure.s,
	    *n.unknown->row ? " of " : "", n.unknown->row);
	buf_free(&figure);
}

/* Each rule is told with its own lines; at the end the lines of all of them have a mark. */
static enum exit_status
judge(struct diff *d)
{
	enum exit_status status = EXIT_DONE;
	bool *fails = arena_alloc(&d->arena, d->c.n + 1);

	for (int i = 0; i < d->own->fail.n; i++) {
		enum fail_result result = fail_apply(&d->rule[i], &d->c);
		if (result == FAIL_YES)
			tell_failed(d, d->own->fail.v[i]);
		else if (result == FAIL_UNKNOWN)
			warn("--fail '%s': unknown: %s", d->own->fail.v[i],
			    d->c.too_short ?
				"too short for any change to be significant (record 30 s or more)" :
				"not in both recordings, or too few samples");
		if (result != FAIL_UNKNOWN)
			tell_judged(d, d->own->fail.v[i], d->rule[i].column < 0);
		if (result == FAIL_YES)
			status = EXIT_FAILED;
		else if (result == FAIL_UNKNOWN && status == EXIT_DONE)
			status = EXIT_UNSUPPORTED;
		for (size_t l = 0; l < d->c.n; l++) {
			fails[l] |= d->c.v[l].fails;
			d->c.v[l].fails = d->c.v[l].asked = false;
		}
	}
	for (size_t l = 0; l < d->c.n; l++)
		d->c.v[l].fails = fails[l];
	return status;
}

static enum exit_status
diff(const struct options *o)
{
	static struct diff d; /* it is large */
	enum exit_status status = EXIT_DONE;

	d = (struct diff){ .options = o, .own = o->ask.options };
	take_rules(&d);
	take_operands(&d);
	if (d.own->save) {
		save(&d);
		arena_free(&d.arena);
		return EXIT_DONE;
	}
	operands_read(&d.a, &d.b, o, &d.from, &d.to);
	d.c.level = d.own->level;
	d.c.least = d.own->least;
	comparison_make(&d.c, &d.from, &d.to);
	tell_notes(&d);
	status = judge(&d);
	print(&d);
	comparison_free(&d.c);
	side_free(&d.from);
	side_free(&d.to);
	arena_free(&d.arena);
	return status;
}

#define AT(member) offsetof(struct diff_options, member)

static const struct option options[] = {
	{ 0, "json", NULL, OPTION_FLAG, AT(json),
	    .help = "print one JSON object per figure and line", .format = &format_json,
	    .not_with = "--csv --save" },
	{ 0, "csv", NULL, OPTION_FLAG, AT(csv), .help = "print CSV (RFC 4180) with one header",
	    .format = &format_csv, .not_with = "--save" },
	{ 0, "at", "TIME", OPTION_WHEN, AT(at),
	    .help = "compare a recording before TIME with the same one after it" },
	{ 0, "fail", "RULE", OPTION_LIST, AT(fail),
	    .help = "exit 1 if worse: 'throttle.held_cpus +10%'; repeatable",
	    .not_with = "--save" },
	{ 0, "save", "FILE", OPTION_PATH, AT(save), .want = "a file name", .writes = true,
	    .help = "write the figures of A to FILE, a baseline ('-': to stdout)" },
	{ 'n', NULL, "N", OPTION_ROWS, AT(most),
	    .help = "at most N figures of each section (default: 10)", .want = "a number",
	    .most = 1000000 },
	{ 0, "all", NULL, OPTION_FLAG, AT(all), .help = "also show figures that have not changed" },
	{ 0, "level", "SHARE", OPTION_SHARE, AT(level), .want = "a share such as 1%",
	    .help = "chance of a wrong mark in all figures (default 1%)" },
	{ 0, "least", "SHARE", OPTION_SHARE, AT(least), .want = "a share such as 5%",
	    .help = "do not mark changes smaller than this (default 5%)" },
	{ .type = OPTION_END },
};

static const struct diff_options usual_options = {
	.level = USUAL_LEVEL, .least = USUAL_LEAST, .most = 10
};

const struct tool tool_diff = {
	.name = "diff",
	.brief = "show what changed between two recordings, worst first",
	.usage = "[options] A [B]",
	.examples = "  pq diff before.tape after.tape\n"
		    "  pq diff x.tape@17:00..17:10 @17:20..17:30    two windows of one recording\n"
		    "  pq diff --at 17:12 x.tape                    before and after a change\n"
		    "  pq diff --save good.baseline before.tape\n"
		    "  pq diff --fail 'throttle.held_cpus +10%' good.baseline after.tape\n",
	.shared = (const struct option *const[]){ &option_from, &option_to, &option_pid,
	    &option_cgroup, NULL },
	.options = options,
	.options_size = sizeof(struct diff_options),
	.defaults = &usual_options,
	.command = diff,
};
