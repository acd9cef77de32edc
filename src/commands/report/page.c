/* page: the HTML of the whole file: head, verdicts, events, and a section for each strip. chart.c has the
 * sections. */
#include "commands/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "version.h"

static const char *const style[] = {
#include <page.css.inc>
};

static const char *const script[] = {
#include <page.js.inc>
};

static void
put_lines(struct buf *b, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_text(b, lines[i]);
}

/* ---- Head */

static void
put_title(const struct report_page *p, struct buf *b)
{
	const struct report_tape *t = &p->tapes[0];

	if (p->changes) {
		html_text(b, p->changes->a->path);
		buf_text(b, " → ");
		html_text(b, p->changes->b->path);
		return;
	}
	html_text(b, *t->facts.name ? t->facts.name : "recording");
	if (p->ntapes > 1) {
		buf_text(b, " and ");
		buf_u64(b, p->ntapes - 1, 1);
		buf_text(b, " more");
	}
	buf_text(b, ", ");
	html_time(b, p, p->axis.from_ns, true);
	buf_text(b, " to ");
	html_time(b, p, p->axis.to_ns, false);
}

/* The script with the line ends around it, as the browser hashes it. */
static void
put_script(struct buf *b)
{
	buf_char(b, '\n');
	put_lines(b, script, sizeof script / sizeof *script);
}

static void
put_script_hash(struct buf *b)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char hash[33] = { 0 };
	struct buf text = { 0 };

	put_script(&text);
	sha256(text.s, text.n, hash);
	buf_free(&text);
	for (size_t i = 0; i < 33; i += 3) {
		unsigned v = (unsigned)hash[i] << 16 | (unsigned)hash[i + 1] << 8 | hash[i + 2];
		for (unsigned k = 0; k < 4; k++)
			buf_char(b, i == 30 && k == 3 ? '=' : digits[v >> (18 - 6 * k) & 63]);
	}
}

/* Nothing is loaded, and no script runs but this one: other people's names cannot bring any. */
static void
put_head(const struct report_page *p, struct buf *b)
{
	buf_text(b,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'; script-src 'sha256-");
	put_script_hash(b);
	buf_text(b,
	    "'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"generator\" content=\"pq " PQ_VERSION "\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>pq report: ");
	put_title(p, b);
	buf_text(b, "</title>\n<style>\n");
	put_lines(b, style, sizeof style / sizeof *style);
	buf_text(b, "</style>\n</head>\n");
}

struct report_page
page_of(const struct report_page *p, const struct report_tape *t)
{
	struct report_page own = *p;

	own.axis = t->axis;
	own.offset_s = t->offset_s;
	own.shift_ns = t->axis.from_ns - p->axis.from_ns;
	return own;
}

/* The times of the axis, for the script. */
static void
begin_body(const struct report_page *p, struct buf *b)
{
	buf_text(b, "<body data-from=\"");
	buf_fixed(b, (double)p->axis.from_ns * 1e-9, 3);
	buf_text(b, "\" data-to=\"");
	buf_fixed(b, (double)p->axis.to_ns * 1e-9, 3);
	buf_text(b, "\" data-n=\"");
	buf_u64(b, p->axis.n, 1);
	buf_text(b, "\" data-offset=\"");
	buf_fixed(b, (double)p->offset_s, 0);
	buf_text(b, "\">\n<header><h1>");
	put_title(p, b);
	buf_text(b, "</h1></header>\n");
}

/* ---- Verdicts */

static const char *
icon_of(enum verdict v)
{
	static const char *const icons[] = { [VERDICT_OK] = "✓",
		[VERDICT_WARNING] = "!",
		[VERDICT_CRITICAL] = "✖",
		[VERDICT_UNKNOWN] = "?" };

	return icons[v];
}

static void
put_badge(enum verdict v, struct buf *b)
{
	buf_text(b, "<p class=\"badge v-");
	buf_text(b, verdict_name(v));
	buf_text(b, "\"><span aria-hidden=\"true\">");
	buf_text(b, icon_of(v));
	buf_text(b, "</span> ");
	buf_text(b, verdict_name(v));
	buf_text(b, "</p>\n");
}

static void
put_what(const struct finding *f, struct buf *b)
{
	static const char *const confidences[] = { "low", "medium", "high" };

	html_text(b, f->what);
	buf_text(b, " <small>");
	buf_text(b, confidences[f->confidence]);
	buf_text(b, " confidence</small>");
}

static void
put_evidence(const struct finding *f, struct buf *b)
{
	buf_text(b, "<ul class=\"facts\">\n");
	for (int i = 0; i < f->nfacts; i++) {
		buf_text(b, "<li>");
		html_text(b, f->facts[i]);
		buf_text(b, "</li>\n");
	}
	buf_text(b, "</ul>\n");
	if (!*f->advice)
		return;
	buf_text(b, "<p class=\"fix\"><b>What helps:</b> ");
	html_text(b, f->advice);
	buf_text(b, "</p>\n");
}

static void
put_no_finding(const struct report_tape *t, struct buf *b)
{
	const char *why = t->rows == 0 ? "No samples in this time." :
	    t->rows == 1               ? "Only one sample: nothing can be compared." :
	    t->boots > 1               ? "The machine was rebooted in this time: not judged." :
					 "";

	buf_text(b, "<h2>");
	buf_text(b,
	    *why ? why :
		t->whole.verdict == VERDICT_UNKNOWN ?
		   "The cause is unknown: not all was recorded." :
		   "Nothing found: no long queue, no throttling.");
	buf_text(b, "</h2>\n");
}

void
page_list(const char *summary, struct text lines, struct buf *b)
{
	struct text line;

	if (lines.n == 0)
		return;
	buf_text(b, "<details><summary>");
	buf_text(b, summary);
	buf_text(b, "</summary><ul>\n");
	while (text_line(&lines, &line)) {
		struct buf one = { 0 };
		buf_add(&one, line.s, line.n);
		buf_char(&one, '\0');
		buf_text(b, "<li>");
		html_text(b, one.s);
		buf_text(b, "</li>\n");
		buf_free(&one);
	}
	buf_text(b, "</ul></details>\n");
}

static void
put_verdict(const struct report_tape *t, struct buf *b)
{
	const struct judged *j = &t->whole;
	enum verdict v = j->sampled ? j->verdict : VERDICT_UNKNOWN;

	buf_text(b, "<section class=\"verdict v-");
	buf_text(b, verdict_name(v));
	buf_text(b, "\">\n");
	put_badge(v, b);
	if (j->findings.n == 0)
		put_no_finding(t, b);
	for (size_t i = 0; i < j->findings.n; i++) {
		const struct finding *f = &j->findings.v[i];
		buf_text(b, i ? "<details class=\"also\"><summary>Also: " : "<h2>");
		put_what(f, b);
		buf_text(b, i ? "</summary>\n" : "</h2>\n");
		put_evidence(f, b);
		buf_text(b, i ? "</details>\n" : "");
	}
	page_list("Not checked, or only partly", (struct text){ j->unknown.s, j->unknown.n }, b);
	buf_text(b, "</section>\n");
}

/* ---- What was recorded */

static void
begin_fact(struct buf *b, const char *name)
{
	buf_text(b, "<div><dt>");
	buf_text(b, name);
	buf_text(b, "</dt><dd>");
}

static void
end_fact(struct buf *b)
{
	buf_text(b, "</dd></div>\n");
}

static void
put_host(const struct report_tape *t, struct buf *b)
{
	begin_fact(b, "machine");
	html_name(b, *t->facts.name ? t->facts.name : "-");
	buf_text(b, ", Linux ");
	html_name(b, *t->facts.release ? t->facts.release : "-");
	buf_text(b, ", ");
	if (t->facts.cpus)
		buf_u64(b, t->facts.cpus, 1);
	else
		buf_char(b, '-');
	buf_text(b, " CPUs");
	end_fact(b);
}

static void
put_recorded(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	begin_fact(b, "recorded");
	html_time(b, p, t->from_ns, true);
	buf_text(b, " to ");
	html_time(b, p, t->to_ns, false);
	buf_text(b, p->utc || p->offset_s == 0 ? " UTC, " : ", ");
	html_duration(b, (double)(t->to_ns - t->from_ns) * 1e-9);
	end_fact(b);
	begin_fact(b, "samples");
	buf_u64(b, t->samples, 1);
	buf_text(b, ", every ");
	html_duration(b, (double)t->step_ns * 1e-9);
	if (*t->tools) {
		buf_text(b, ", of ");
		html_text(b, t->tools);
	}
	if (*t->asked) {
		buf_text(b, ", ");
		html_name(b, t->asked);
	}
	end_fact(b);
}

/* Holes are what a reader must know before she believes a picture. */
static void
put_gaps(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	begin_fact(b, "gaps");
	if (t->ngaps == 0) {
		buf_text(b, "none");
	} else {
		buf_u64(b, t->ngaps, 1);
		buf_text(b, t->ngaps == 1 ? " gap, " : " gaps, ");
		html_duration(b, t->gaps_s);
		buf_text(b, t->ngaps == 1 ? ", at " : " in all, the first at ");
		html_time(b, p, t->gaps[0].from_ns, false);
	}
	if (*t->losses) {
		buf_text(b, "; damaged: ");
		html_text(b, t->losses);
	}
	end_fact(b);
}

/* The axis shows wall-clock time, and somebody may have set that clock. */
static void
put_clock(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	const struct clock_steps *c = &t->clock;

	if (c->n == 0 && llabs(c->parted_ns) <= CLOCK_STEP_NS)
		return;
	begin_fact(b, "clock");
	if (c->n > 0) {
		buf_text(b, "set ");
		buf_text(b, c->most_ns < 0 ? "back by " : "forward by ");
		html_duration(b, fabs((double)c->most_ns) * 1e-9);
		buf_text(b, " at ");
		html_time(b, p, c->at_ns, false);
	} else {
		html_duration(b, fabs((double)c->parted_ns) * 1e-9);
		buf_text(b, c->parted_ns < 0 ? " slow" : " fast");
	}
	if (c->n > 1) {
		buf_text(b, ", the largest of ");
		buf_u64(b, c->n, 1);
		buf_text(b, " steps");
	}
	buf_text(b, "; the axis has its times");
	end_fact(b);
}

static void
put_about(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	struct buf lines = { 0 };

	buf_text(b, "<dl class=\"about\">\n");
	begin_fact(b, "file");
	html_name(b, t->path);
	end_fact(b);
	if (t->samples > 0) {
		put_host(t, b);
		put_recorded(p, t, b);
		put_gaps(p, t, b);
		put_clock(p, t, b);
	}
	buf_text(b, "</dl>\n");
	for (size_t i = 0; i < t->nnotes; i++) {
		buf_text(&lines, t->notes[i]);
		buf_char(&lines, '\n');
	}
	page_list("Notes of the tools", (struct text){ lines.s, lines.n }, b);
	buf_free(&lines);
}

/* ---- Verdicts of parts, and events, on the axis */

static double
place_of(const struct report_page *p, int64_t real_ns)
{
	return (double)(real_ns - p->axis.from_ns) / (double)(p->axis.to_ns - p->axis.from_ns);
}

void
html_place(struct buf *b, const struct report_page *p, int64_t from_ns, int64_t to_ns)
{
	double x = place_of(p, from_ns), w = place_of(p, to_ns) - x;

	buf_text(b, " data-x=\"");
	buf_trimmed(b, x, 5);
	if (to_ns > from_ns) {
		buf_text(b, "\" data-w=\"");
		buf_trimmed(b, w, 5);
	}
	buf_text(b, "\" style=\"left:");
	buf_trimmed(b, 100 * x, 3);
	buf_char(b, '%');
	if (to_ns > from_ns) {
		buf_text(b, ";width:");
		buf_trimmed(b, 100 * w, 3);
		buf_char(b, '%');
	}
	buf_char(b, '"');
}

/* All findings, the worst first. */
static void
put_findings_of(const struct judged *j, struct buf *b)
{
	for (size_t i = 0; i < j->findings.n; i++) {
		html_text(b, i > 0 ? "; also: " : "");
		html_text(b, j->findings.v[i].what);
	}
	if (j->findings.n == 0)
		html_text(b,
		    !j->sampled                       ? "no samples" :
			j->verdict == VERDICT_UNKNOWN ? "unknown: not all was recorded" :
							"nothing found");
}

/* Links have the times of the page's axis. */
static void
put_target(const struct report_page *p, const struct judged *j, struct buf *b)
{
	buf_text(b, "#t=");
	buf_fixed(b, (double)(j->from_ns - p->shift_ns) * 1e-9, 1);
	buf_char(b, ',');
	buf_fixed(b, (double)(j->to_ns - p->shift_ns) * 1e-9, 1);
}

static void
put_link(const struct report_page *p, const struct judged *j, struct buf *b)
{
	buf_text(b, "<a href=\"");
	put_target(p, j, b);
	buf_text(b, "\">");
	html_time(b, p, j->from_ns, false);
	buf_text(b, "</a>");
}

static void
put_part(const struct report_page *p, const struct judged *j, struct buf *b)
{
	enum verdict v = j->sampled ? j->verdict : VERDICT_UNKNOWN;

	buf_text(b, "<a class=\"part v-");
	buf_text(b, verdict_name(v));
	buf_text(b, "\" href=\"");
	put_target(p, j, b);
	buf_char(b, '"');
	html_place(b, p, j->from_ns, j->to_ns);
	buf_text(b, " title=\"");
	html_time(b, p, j->from_ns, false);
	buf_text(b, " ");
	html_text(b, verdict_name(v));
	buf_text(b, ": ");
	put_findings_of(j, b);
	buf_text(b, "\"><b>");
	buf_text(b, j->sampled ? icon_of(v) : "");
	buf_text(b, "</b> <span>");
	put_findings_of(j, b);
	buf_text(b, "</span></a>");
}

static void
put_parts(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	if (t->nparts == 0)
		return;
	buf_text(b,
	    "<figure class=\"strip\">\n<figcaption><h3>Verdict over time</h3><p>What pq why says "
	    "of each ");
	html_duration(b, (double)t->part_ns * 1e-9);
	buf_text(b,
	    ". ✖ critical, ! warning, ✓ nothing found, ? unknown.</p></figcaption>\n"
	    "<div class=\"chart\"><div class=\"side\"></div><div class=\"field parts\">");
	for (size_t i = 0; i < t->nparts; i++)
		put_part(p, &t->parts[i], b);
	buf_text(b, "</div></div>\n");
	chart_axis(p, b);
	buf_text(b,
	    "<details><summary>Figures</summary><div class=\"wide\"><table><thead><tr><th>from"
	    "</th><th>verdict</th><th>what</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < t->nparts; i++) {
		const struct judged *j = &t->parts[i];
		buf_text(b, "<tr><td>");
		put_link(p, j, b);
		buf_text(b, "</td><td>");
		buf_text(b, verdict_name(j->sampled ? j->verdict : VERDICT_UNKNOWN));
		buf_text(b, "</td><td>");
		put_findings_of(j, b);
		buf_text(b, "</td></tr>\n");
	}
	buf_text(b, "</tbody></table></div></details>\n</figure>\n");
}

static void
put_marks(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	if (t->nmarks == 0)
		return;
	buf_text(b, "<section class=\"events\"><h3>Events</h3><ol type=\"A\">\n");
	for (size_t i = 0; i < t->nmarks; i++) {
		buf_text(b, "<li>");
		html_time(b, p, t->marks[i].real_ns, false);
		buf_char(b, ' ');
		html_text(b, t->marks[i].text);
		buf_text(b, "</li>\n");
	}
	buf_text(b, "</ol></section>\n");
}

/* ---- The strips: first the pictures that show the cause */

static bool
shows(const struct strip_plan *plan, const char *rule)
{
	for (size_t i = 0; i < sizeof plan->rules / sizeof *plan->rules && plan->rules[i]; i++)
		if (strcmp(plan->rules[i], rule) == 0)
			return true;
	return false;
}

static bool
shows_cause(const struct report_tape *t, const struct strip *s)
{
	return t->whole.findings.n > 0 && shows(s->plan, t->whole.findings.v[0].rule);
}

static void
put_missing(const struct report_tape *t, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nstrips; i++) {
		if (!strip_is_empty(&t->strips[i]))
			continue;
		buf_text(b,
		    n++ ? "; " :
			  "<p class=\"missing\">Not in this recording, or nothing to show: ");
		buf_text(b, t->strips[i].plan->title);
	}
	if (n > 0)
		buf_text(b, ".</p>\n");
}

/* Tells the script by how many seconds the clock of this part differs from that of the page. */
static void
begin_tape(const struct report_page *p, size_t index, double shift_s, struct buf *b)
{
	const struct report_tape *t = &p->tapes[index];

	buf_text(b, "<article id=\"r");
	buf_u64(b, index, 1);
	if (shift_s != 0) {
		buf_text(b, "\" data-shift=\"");
		buf_fixed(b, shift_s, 3);
	}
	buf_text(b, "\">\n");
	if (!p->changes)
		return;
	buf_text(b, "<p class=\"side-name\"><b>");
	buf_char(b, t == p->side[0] ? 'A' : 'B');
	buf_text(b, "</b> ");
	html_name(b, t->written);
	buf_text(b, "</p>\n");
}

static void
put_tape(const struct report_page *page, size_t index, struct buf *b)
{
	const struct report_tape *t = &page->tapes[index];
	const struct report_page own = page_of(page, t), *p = &own;

	begin_tape(
	    p, index, (double)p->shift_ns * 1e-9 + (double)(p->offset_s - page->offset_s), b);
	put_verdict(t, b);
	put_about(p, t, b);
	put_parts(p, t, b);
	put_marks(p, t, b);
	for (int cause = 1; cause >= 0; cause--)
		for (size_t i = 0; i < t->nstrips; i++)
			if (!strip_is_empty(&t->strips[i]) &&
			    shows_cause(t, &t->strips[i]) == (cause == 1))
				chart_print(p, index, &t->strips[i], cause == 1, b);
	put_missing(t, b);
	buf_text(b, "</article>\n");
}

static void
put_foot(const struct report_page *p, struct buf *b)
{
	buf_text(b, "<footer><p>Each picture has ");
	buf_u64(b, p->axis.n, 1);
	buf_text(b, " columns of ");
	html_duration(b, axis_width_ns(&p->axis) * 1e-9);
	buf_text(b,
	    ". A column shows the largest value in it (areas: the mean, and the largest as a "
	    "line); "
	    "lines also have a band from the least to the largest. Hatched: not known. Made by "
	    "pq " PQ_VERSION ".</p></footer>\n");
}

void
page_print(const struct report_page *p, struct buf *b)
{
	put_head(p, b);
	begin_body(p, b);
	buf_text(b,
	    "<nav class=\"bar\" hidden><button data-do=\"in\">zoom in</button>"
	    "<button data-do=\"out\">zoom out</button><button data-do=\"left\" "
	    "aria-label=\"earlier\">"
	    "◀</button><button data-do=\"right\" aria-label=\"later\">▶</button>"
	    "<button data-do=\"all\">all</button><output class=\"now\"></output></nav>\n");
	if (p->changes)
		changes_print(p, b);
	for (size_t i = 0; i < p->ntapes; i++)
		put_tape(p, i, b);
	put_foot(p, b);
	buf_text(b, "<div class=\"tip\" hidden></div>\n<script>");
	put_script(b);
	buf_text(b, "</script>\n</body>\n</html>\n");
}
