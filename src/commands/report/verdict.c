/* verdict: runs the rules of pq why on the whole window of a recording, and on equal parts of it. */
#include "cli/open.h"
#include "commands/limit_words.h"
#include "commands/report/report.h"

#include <stdlib.h>
#include <string.h>

static const int64_t SECOND = 1000000000;

/* What could not be checked belongs to the answer. */
static void
keep_unknown(struct judged *j, const struct session *s)
{
	for (size_t i = 0; i < s->nnotes; i++) {
		if (!session_note_tools(s, i, "", &j->unknown))
			continue;
		buf_text(&j->unknown, ": ");
		buf_text(&j->unknown, s->notes[i].said);
		buf_char(&j->unknown, '\n');
	}
}

static void
keep_changes(struct report_tape *t, const struct limit_changes *c)
{
	for (size_t i = 0; i < limit_changes_kept(c) && t->nchanges < MARKS_MOST; i++) {
		const struct limit_change *one = limit_changes_get(c, i);
		struct buf b = { 0 };
		limit_change_text(one, &b);
		buf_char(&b, '\0');
		t->changes[t->nchanges++] = (struct mark){ one->at.real_ns, b.s };
	}
}

/* Of the window of an open recording. */
static void
judge(struct report_tape *t, const struct options *o, struct host *h, struct judged *j)
{
	struct evidence *e = xmalloc(sizeof *e);

	j->findings.recording = t->path;
	if (evidence_begin_counted(e, o, &j->count, h)) {
		evidence_watch(e);
		causes_find(e, &j->findings);
		j->verdict = findings_verdict(&j->findings, e);
		j->sampled = true;
		keep_unknown(j, &e->session);
		if (j == &t->whole)
			keep_changes(t, &e->changes);
	}
	evidence_end(e);
	free(e);
}

/* A minute; of a short recording ten seconds, of one longer than an hour a sixtieth. */
void
judge_parts(struct report_tape *t, const struct span *whole)
{
	int64_t span_ns = whole->to_ns - whole->from_ns;

	t->part_ns = span_ns < 120 * SECOND ? 10 * SECOND : 60 * SECOND;
	if (span_ns > PARTS_MOST * t->part_ns)
		t->part_ns = span_ns / PARTS_MOST + 1;
	t->nparts =
	    span_ns < 2 * t->part_ns ? 0 : (size_t)((span_ns + t->part_ns - 1) / t->part_ns);
	for (size_t i = 0; i < t->nparts; i++) {
		struct judged *j = &t->parts[i];
		j->from_ns = whole->from_ns + (int64_t)i * t->part_ns;
		j->to_ns = j->from_ns + t->part_ns;
		j->to_ns = j->to_ns < whole->to_ns ? j->to_ns : whole->to_ns;
		j->window.times = (struct span){ j->from_ns, j->to_ns };
	}
}

/* A sample at the border of two parts is in both: it ends one and begins the other. */
void
judge_count(struct report_tape *t, const struct host *h, const struct sample *m)
{
	int64_t since_ns = t->nparts ? m->real_ns - t->parts[0].from_ns : 0;
	size_t at = t->nparts && since_ns > 0 ? (size_t)(since_ns / t->part_ns) : 0;

	samples_count_add(&t->whole.count, h, m);
	for (size_t i = at > 0 ? at - 1 : 0; i < t->nparts && i <= at; i++)
		if (tape_window_has(&t->parts[i].window, m))
			samples_count_add(&t->parts[i].count, h, m);
}

void
judge_tape(struct report_tape *t, const struct options *o)
{
	const struct options one = tape_options(t, o);

	if (t->rows < 2 || t->boots > 1)
		return;
	struct host *h = open_host(&one);
	judge(t, &one, h, &t->whole);
	for (size_t i = 0; i < t->nparts; i++) {
		struct judged *j = &t->parts[i];
		if (j->count.rows < 2)
			continue;
		host_tape_window(h, (struct span){ j->from_ns, j->to_ns }, false);
		judge(t, &one, h, j);
	}
	host_close(h);
}

void
judged_free(struct judged *j)
{
	findings_free(&j->findings);
	buf_free(&j->unknown);
}
