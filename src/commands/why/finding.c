/* finding: keeps what the rules found, and prints it as text or JSON. */
#include "commands/why/why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/limit_words.h"
#include "table/table.h"

static const char *const confidences[] = { "low", "medium", "high" };

/* The sentence in the arena; NULL if a figure that it needs is unknown. */
static const char *
sentence(struct arena *a, const char *words, const struct figure *figures, size_t n)
{
	struct buf b = { 0 };
	bool known = sentence_put(&b, words, figures, n);
	const char *s = known ? arena_copy(a, (struct text){ b.s, b.n }) : NULL;

	buf_free(&b);
	return s;
}

struct finding *
finding_new(struct findings *f, const char *rule, enum verdict severity, enum confidence c,
    double weight, const char *words, const struct figure *figures, size_t n)
{
	const char *what = sentence(&f->arena, words, figures, n);
	bool kept = what && !isnan(weight) && f->n < FINDINGS_MOST;
	struct finding *one = kept ? &f->v[f->n++] : &f->unused;

	*one = (struct finding){ .arena = &f->arena,
		.recording = f->recording,
		.rule = rule,
		.severity = severity,
		.confidence = c,
		.weight = weight,
		.what = what,
		.advice = "" };
	return one;
}

void
finding_of_machine(const struct evidence *e, struct finding *f)
{
	f->of_machine = evidence_has_target(e);
}

void
finding_add_fact(struct finding *f, const char *words, const struct figure *figures, size_t n)
{
	const char *fact = sentence(f->arena, words, figures, n);

	if (fact && f->nfacts < FACTS_MOST)
		f->facts[f->nfacts++] = fact;
}

/* Appends a file name as a word for the shell. */
static void
put_shell_word(struct buf *b, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/+-";

	if (*name && name[strspn(name, plain)] == '\0') {
		buf_text(b, name);
		return;
	}
	buf_char(b, '\'');
	for (; *name; name++)
		if (*name == '\'')
			buf_text(b, "'\\''");
		else
			buf_char(b, *name);
	buf_char(b, '\'');
}

/* The length of a tool's name there; 0: none. */
static size_t
tool_name_at(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; tools[i]; i++)
		if (strlen(tools[i]->name) == n && strncmp(tools[i]->name, s, n) == 0)
			return n;
	return 0;
}

/* The advice, with "-f FILE" in each of its commands "pq TOOL". */
static const char *
about_recording(struct arena *a, const char *advice, const char *file)
{
	struct buf b = { 0 };
	const char *at;

	while ((at = strstr(advice, "pq ")) != NULL) {
		size_t name = tool_name_at(at + 3), n = (size_t)(at - advice) + 3 + name;
		buf_add(&b, advice, n);
		if (name > 0) {
			buf_text(&b, " -f ");
			put_shell_word(&b, file);
		}
		advice += n;
	}
	buf_text(&b, advice);
	advice = arena_copy(a, (struct text){ b.s, b.n });
	buf_free(&b);
	return advice;
}

void
finding_set_advice(struct finding *f, const char *words, const struct figure *figures, size_t n)
{
	const char *advice = sentence(f->arena, words, figures, n);

	f->advice = !advice ? "" :
	    f->recording    ? about_recording(f->arena, advice, f->recording) :
			      advice;
}

static int
likelier(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->of_machine != y->of_machine)
		return x->of_machine - y->of_machine;
	if (x->severity != y->severity)
		return (int)y->severity - (int)x->severity;
	if (x->confidence != y->confidence)
		return (int)y->confidence - (int)x->confidence;
	return (x->weight < y->weight) - (x->weight > y->weight);
}

void
findings_sort(struct findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].nfacts > 0)
			f->v[kept++] = f->v[i];
	f->n = kept;
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

static bool
is_asked(const struct evidence *e, enum question q)
{
	return q != ASKS_TARGET || evidence_has_target(e);
}

enum verdict
findings_verdict(const struct findings *f, const struct evidence *e)
{
	enum verdict worst = VERDICT_OK;

	for (enum question q = 0; q < QUESTIONS && f->n == 0; q++)
		if (is_asked(e, q) && !evidence_answers(e, q) && evidence_needs(e, q))
			worst = VERDICT_UNKNOWN;
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

	if (s->nnotes)
		buf_text(b, "\nNot checked, or only partly:\n");
	for (size_t i = 0; i < s->nnotes; i++) {
		if (!session_note_tools(s, i, "  ", b))
			continue;
		buf_text(b, ": ");
		buf_printable(b, s->notes[i].said);
		buf_char(b, '\n');
	}
}

static void
put_changes(const struct evidence *e, struct buf *b)
{
	const struct limit_changes *c = &e->changes;
	size_t n = limit_changes_kept(c);

	for (size_t i = 0; i < n; i++) {
		struct buf line = { 0 };
		buf_text(b, i ? "  " : "\nLimits that were changed:\n  ");
		if (i == CHANGES_END && c->total > n) {
			buf_text(b, "... ");
			buf_u64(b, c->total - n, 1);
			buf_text(b, " more changes ...\n  ");
		}
		limit_change_text(limit_changes_get(c, i), &line);
		limit_change_when(limit_changes_get(c, i), e->utc, false, &line);
		buf_char(&line, '\0');
		buf_printable(b, line.s);
		buf_char(b, '\n');
		buf_free(&line);
	}
}

/* The questions with an answer, or without one, joined by commas. Returns how many there are. */
static int
put_questions(const struct evidence *e, bool answered, bool needed, struct buf *b)
{
	int n = 0;

	for (enum question q = 0; q < QUESTIONS; q++) {
		if (!is_asked(e, q) || evidence_answers(e, q) != answered ||
		    (needed && !evidence_needs(e, q)))
			continue;
		buf_text(b, n++ ? ", " : "");
		buf_text(b, question_name(q));
	}
	return n;
}

/* A line for each question whose answer the verdict needs and does not have. */
static void
put_reasons(const struct evidence *e, struct buf *b)
{
	for (enum question q = 0; q < QUESTIONS; q++)
		if (is_asked(e, q) && !evidence_answers(e, q) && evidence_needs(e, q)) {
			buf_text(b, "  ");
			buf_text(b, question_name(q));
			buf_text(b, ": ");
			buf_printable(b, question_reason(e, q));
			buf_char(b, '\n');
		}
}

static void
put_nothing(const struct evidence *e, struct buf *b)
{
	struct figure span = fixed(session_span_s(&e->session), 1);
	struct buf checked = { 0 }, lacks = { 0 }, needs = { 0 };
	int n = put_questions(e, true, false, &checked);
	int lacked = put_questions(e, false, false, &lacks);
	int needed = put_questions(e, false, true, &needs);

	buf_char(&checked, '\0');
	buf_char(&needs, '\0');
	if (n == 0)
		buf_text(b, "Nothing could be checked.\n");
	else if (lacked == 0)
		sentence_put(
		    b, SENTENCE("Nothing found in {} s: no long queue, no throttling.\n", span));
	else
		sentence_put(b,
		    SENTENCE("Nothing found in what could be checked in {} s: {}.\n", span,
			name(checked.s)));
	if (n > 0 && needed > 0)
		sentence_put(b, SENTENCE("The verdict is unknown without: {}.\n", name(needs.s)));
	put_reasons(e, b);
	buf_free(&checked);
	buf_free(&lacks);
	buf_free(&needs);
}

void
findings_text(const struct findings *f, const struct evidence *e, struct buf *b)
{
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_char(b, '\n');
		put_finding(&f->v[i], b);
	}
	if (f->n == 0)
		put_nothing(e, b);
	put_changes(e, b);
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

static void
json_questions(const struct evidence *e, bool answered, struct buf *b)
{
	int n = 0;

	for (enum question q = 0; q < QUESTIONS; q++) {
		if (!is_asked(e, q) || evidence_answers(e, q) != answered)
			continue;
		buf_text(b, n++ ? "," : "");
		if (answered) {
			buf_json_string(b, question_name(q));
			continue;
		}
		buf_char(b, '{');
		buf_json_text(b, "question", question_name(q));
		buf_json_bool(b, "needed", evidence_needs(e, q));
		buf_json_text(b, "reason", question_reason(e, q));
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
	buf_text(b, "],\"checked\":[");
	json_questions(e, true, b);
	buf_text(b, "],\"unchecked\":[");
	json_questions(e, false, b);
	buf_text(b, "],\"unknown\":[");
	json_unknown(s, b);
	buf_char(b, ']');
	limit_changes_json(&e->changes, e->utc, b);
	buf_text(b, "}\n");
}

void
findings_free(struct findings *f)
{
	arena_free(&f->arena);
}
