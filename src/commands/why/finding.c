/* finding: keeps what the rules found, and prints it as text or JSON. */
#include "commands/why/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/table.h"

static const char *const confidences[] = { "low", "medium", "high" };

struct finding *
finding_add(struct findings *f, const char *rule, enum verdict severity, enum confidence c,
    double weight, const char *what, ...)
{
	struct finding *one = &f->v[f->n < FINDINGS_MOST - 1 ? f->n++ : FINDINGS_MOST - 1];
	va_list ap;

	*one = (struct finding){
		.rule = rule, .severity = severity, .confidence = c, .weight = weight
	};
	va_start(ap, what);
	vsnprintf(one->what, sizeof one->what, what, ap);
	va_end(ap);
	return one;
}

void
finding_fact(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	if (f->nfacts == FACTS_MOST)
		return;
	va_start(ap, fmt);
	vsnprintf(f->facts[f->nfacts++], sizeof f->facts[0], fmt, ap);
	va_end(ap);
}

void
finding_advice(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->advice, sizeof f->advice, fmt, ap);
	va_end(ap);
}

static int
likelier(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return (int)y->severity - (int)x->severity;
	if (x->confidence != y->confidence)
		return (int)y->confidence - (int)x->confidence;
	return (x->weight < y->weight) - (x->weight > y->weight);
}

void
findings_sort(struct findings *f)
{
	qsort(f->v, f->n, sizeof *f->v, likelier);
}

bool
findings_has(const struct findings *f, const char *rule)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].rule, rule) == 0)
			return true;
	return false;
}

enum verdict
findings_verdict(const struct findings *f, const struct evidence *e)
{
	enum verdict worst = evidence_is_empty(e) ? VERDICT_UNKNOWN : VERDICT_OK;

	for (size_t i = 0; i < f->n; i++)
		worst = f->v[i].severity > worst ? f->v[i].severity : worst;
	return worst;
}

static void
put_finding(const struct finding *f, struct buf *b)
{
	enum { WIDTH = 64 };
	size_t start = b->n;

	buf_printable(b, f->what);
	buf_pad(b, b->n - start < WIDTH ? WIDTH - (b->n - start) : 1);
	buf_text(b, confidences[f->confidence]);
	buf_text(b, " confidence\n");
	for (int i = 0; i < f->nfacts; i++) {
		buf_text(b, "  ");
		buf_printable(b, f->facts[i]);
		buf_char(b, '\n');
	}
	if (!*f->advice)
		return;
	buf_text(b, "  -> ");
	buf_printable(b, f->advice);
	buf_char(b, '\n');
}

/* The notes of the tools: what they could not measure belongs to the answer. */
static void
put_unknown(const struct evidence *e, struct buf *b)
{
	const struct session *s = &e->session;

	for (size_t i = 0; i < s->nnotes; i++) {
		buf_text(b, i ? "\n  " : "\nNot checked, or only partly:\n  ");
		buf_text(b, s->notes[i].tool->name);
		buf_text(b, ": ");
		buf_printable(b, s->notes[i].said);
	}
	if (s->nnotes)
		buf_char(b, '\n');
}

void
findings_text(const struct findings *f, const struct evidence *e, struct buf *b)
{
	char nothing[120];

	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_char(b, '\n');
		put_finding(&f->v[i], b);
	}
	if (evidence_is_empty(e)) {
		buf_text(b, "Nothing could be checked.\n");
	} else if (f->n == 0) {
		snprintf(nothing, sizeof nothing,
		    "Nothing found in %.1f s: no long queue, no throttling.\n",
		    session_span_s(&e->session));
		buf_text(b, nothing);
	}
	put_unknown(e, b);
}

static void
json_finding(const struct finding *f, struct buf *b)
{
	buf_char(b, '{');
	buf_json_text(b, "rule", f->rule);
	buf_json_text(b, "severity", verdict_name(f->severity));
	buf_json_text(b, "confidence", confidences[f->confidence]);
	buf_json_text(b, "what", f->what);
	buf_json_key(b, "evidence");
	buf_char(b, '[');
	for (int i = 0; i < f->nfacts; i++) {
		if (i)
			buf_char(b, ',');
		buf_json_string(b, f->facts[i]);
	}
	buf_char(b, ']');
	buf_json_text(b, "advice", f->advice);
	buf_char(b, '}');
}

static void
json_unknown(const struct session *s, struct buf *b)
{
	for (size_t i = 0; i < s->nnotes; i++) {
		buf_text(b, i ? ",{" : "{");
		buf_json_text(b, "tool", s->notes[i].tool->name);
		buf_json_text(b, "reason", s->notes[i].said);
		buf_char(b, '}');
	}
}

void
findings_json(const struct findings *f, const struct evidence *e, struct buf *b)
{
	const struct session *s = &e->session;
	struct report times = { .utc = e->utc };

	buf_json_begin(b, "why", &times, s->now.real_ns);
	buf_text(b, ",\"interval_s\":");
	buf_fixed(b, session_span_s(s), 3);
	buf_json_text(b, "verdict", verdict_name(findings_verdict(f, e)));
	buf_json_key(b, "findings");
	buf_char(b, '[');
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_char(b, ',');
		json_finding(&f->v[i], b);
	}
	buf_text(b, "],\"unknown\":[");
	json_unknown(s, b);
	buf_text(b, "]}\n");
}
