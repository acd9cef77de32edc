/* Rows of tasks, from text and to text. */
#include "proc/task_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* ---- To text */

static void
put(struct buf *out, uint64_t v)
{
	buf_u64(out, v, 1);
	buf_char(out, ' ');
}

static void
put_name(struct buf *out, const char *name)
{
	for (size_t n = strnlen(name, TASK_COMM); n > 0; n--, name++) {
		if (*name == '\n' || *name == '\\')
			buf_char(out, '\\');
		buf_char(out, *name == '\n' ? 'n' : *name);
	}
}

void
task_row_print(const struct task_row *r, struct buf *out)
{
	const uint64_t figures[] = { r->run_ns, r->wait_ns, r->slices, r->switches[0],
		r->switches[1], r->majflt, r->gone_majflt };

	put(out, r->pid);
	put(out, r->tid);
	buf_char(out, r->state);
	buf_char(out, ' ');
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		put(out, figures[i]);
	if (r->blkio_ns.known)
		put(out, r->blkio_ns.v);
	else
		buf_text(out, "- ");
	put(out, r->start_ns);
	put(out, r->cgroup[0]);
	put(out, r->cgroup[1]);
	buf_char(out, r->kernel ? 'k' : 'u');
	if (r->call)
		buf_u64(out, r->call, 1);
	buf_char(out, ' ');
	put_name(out, r->comm);
	buf_char(out, '\n');
}

/* ---- From text */

static bool
take_id(struct text *line, uint32_t *out)
{
	uint64_t v;

	if (text_next_u64(line, &v) < 0 || v == 0 || v > INT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
take_letter(struct text *line, char *out)
{
	struct text word;

	if (!text_word(line, &word) || word.n != 1)
		return false;
	*out = *word.s;
	return true;
}

/* "k", "u" or "u4711" */
static bool
take_kind(struct text *line, struct task_row *r)
{
	struct text word;
	uint64_t call = 0;

	if (!text_word(line, &word) || (*word.s != 'u' && *word.s != 'k'))
		return false;
	r->kernel = *word.s == 'k';
	if (word.n > 1 &&
	    (text_u64((struct text){ word.s + 1, word.n - 1 }, &call) < 0 || call > UINT32_MAX))
		return false;
	r->call = (uint32_t)call;
	return true;
}

/* The rest of the line, after one blank. */
static bool
take_name(struct text *line, char out[TASK_COMM])
{
	size_t n = 0;

	memset(out, 0, TASK_COMM);
	if (!text_skip(line, " "))
		return false;
	for (size_t i = 0; i < line->n; i++) {
		char c = line->s[i];
		if (c == '\\' && ++i == line->n)
			return false;
		if (n == TASK_COMM - 1)
			return false;
		out[n++] = c == '\\' && line->s[i] == 'n' ? '\n' : line->s[i];
	}
	return true;
}

static int
parse_row(struct text line, struct task_row *r)
{
	uint64_t *const figures[] = { &r->run_ns, &r->wait_ns, &r->slices, &r->switches[0],
		&r->switches[1], &r->majflt, &r->gone_majflt };

	if (!take_id(&line, &r->pid) || !take_id(&line, &r->tid) || !take_letter(&line, &r->state))
		return fail_with(EINVAL);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		if (text_next_u64(&line, figures[i]) < 0)
			return -1;
	if (!keyed_next(&line, "-", &r->blkio_ns) || text_next_u64(&line, &r->start_ns) < 0 ||
	    text_next_u64(&line, &r->cgroup[0]) < 0 || text_next_u64(&line, &r->cgroup[1]) < 0 ||
	    !take_kind(&line, r) || !take_name(&line, r->comm))
		return fail_with(EINVAL);
	return 0;
}

/* "source bpf-loop", "tasks 2", "hidden 0" */
static int
parse_head(struct text *t, struct task_rows *out, size_t *n)
{
	struct text line, word;
	uint64_t tasks;

	if (!text_whole_line(t, &line) || !text_skip(&line, "source ") ||
	    !text_word(&line, &word) || word.n >= TASK_ROWS_SOURCE)
		return fail_with(EINVAL);
	memset(out->source, 0, TASK_ROWS_SOURCE);
	memcpy(out->source, word.s, word.n);
	/* a line of a task has more bytes than this */
	if (!text_whole_line(t, &line) || !text_skip(&line, "tasks ") ||
	    text_u64(line, &tasks) < 0 || tasks > t->n / 32)
		return fail_with(EINVAL);
	*n = (size_t)tasks;
	if (!text_whole_line(t, &line) || !text_skip(&line, "hidden ") ||
	    !keyed_next(&line, "-", &out->hidden))
		return fail_with(EINVAL);
	return 0;
}

static struct text
line_of(const struct task_rows *r, size_t i)
{
	return (struct text){ r->text.s + r->at[i], r->at[i + 1] - r->at[i] - 1 };
}

static bool
comes_before(const struct task_row *a, const struct task_row *b)
{
	return a->pid < b->pid || (a->pid == b->pid && a->tid < b->tid);
}

void
task_rows_room(struct task_rows *r, size_t n)
{
	size_t had = r->room;

	if (n <= had)
		return;
	r->room = n + n / 8 + 64;
	r->v = xrealloc(r->v, r->room * sizeof *r->v);
	memset(r->v + had, 0, (r->room - had) * sizeof *r->v);
}

/* Makes room for n rows, and for where each and the end of the last is in the text. */
static void
make_room(struct task_rows *r, size_t n)
{
	task_rows_room(r, n);
	if (n < r->text_room)
		return;
	r->text_room = n + n / 8 + 64;
	r->at = xrealloc(r->at, r->text_room * sizeof *r->at);
}

/* Takes the row from the text before if its line is the same. *k is the first line there that may
 * be. */
static int
take_row(struct text line, const struct task_rows *before, size_t *k, struct task_row *r)
{
	if (*k < before->n && text_same(line, line_of(before, *k))) {
		*r = before->v[(*k)++];
		return 0;
	}
	if (parse_row(line, r) < 0)
		return -1;
	r->written = before->texts + 1;
	while (*k < before->n && comes_before(&before->v[*k], r))
		++*k;
	if (*k < before->n && !comes_before(r, &before->v[*k]))
		++*k;
	return 0;
}

/* How many whole lines, from line k of the text before, are at the start of t, or somewhat fewer. */
static size_t
count_same(struct text t, const struct task_rows *before, size_t k)
{
	enum { BLOCK = 256 };
	size_t from = before->n ? before->at[k] : 0, n = k;
	size_t most = before->n ? before->at[before->n] - from : 0, same = 0;

	while (same + BLOCK <= t.n && same + BLOCK <= most &&
	    memcmp(t.s + same, before->text.s + from + same, BLOCK) == 0)
		same += BLOCK;
	while (n < before->n && before->at[n + 1] - from <= same)
		n++;
	return n - k;
}

/* Takes rows i and following from the text before, from row *k on, as long as their lines are the same. at is
 * where the line of row i begins. Returns how many. */
static size_t
take_rows(struct text *t, size_t at, const struct task_rows *before, size_t *k,
    struct task_rows *out, size_t i, size_t most)
{
	size_t n = count_same(*t, before, *k);

	n = n < most ? n : most;
	if (n == 0)
		return 0;
	memcpy(&out->v[i], &before->v[*k], n * sizeof *out->v);
	for (size_t j = 0; j < n; j++)
		out->at[i + j + 1] = (uint32_t)(at + before->at[*k + j + 1] - before->at[*k]);
	size_t bytes = before->at[*k + n] - before->at[*k];
	*t = (struct text){ t->s + bytes, t->n - bytes };
	*k += n;
	return n;
}

int
task_rows_parse(struct text t, const struct task_rows *before, struct task_rows *out)
{
	const char *start = t.s;
	struct text line;
	size_t n, k = 0;

	out->n = 0;
	if (t.n > UINT32_MAX || parse_head(&t, out, &n) < 0)
		return fail_with(EINVAL);
	make_room(out, n);
	out->text.n = 0;
	out->texts = before->texts + 1;
	buf_add(&out->text, start, (size_t)(t.s - start) + t.n);
	out->at[0] = (uint32_t)(t.s - start);
	for (size_t i = 0; i < n; i++) {
		size_t first = i;
		i += take_rows(&t, (size_t)(t.s - start), before, &k, out, i, n - i);
		if (i > first && first > 0 && !comes_before(&out->v[first - 1], &out->v[first]))
			return fail_with(EINVAL);
		if (i == n)
			break;
		if (!text_whole_line(&t, &line))
			return fail_with(EINVAL);
		/* the line after one that is gone may still be the same: look one further */
		if (k + 1 < before->n && !text_same(line, line_of(before, k)) &&
		    text_same(line, line_of(before, k + 1)))
			k++;
		if (take_row(line, before, &k, &out->v[i]) < 0)
			return -1;
		if (i > 0 && !comes_before(&out->v[i - 1], &out->v[i]))
			return fail_with(EINVAL);
		out->at[i + 1] = (uint32_t)(t.s - start);
	}
	out->n = n;
	return t.n == 0 ? 0 : fail_with(EINVAL);
}

void
task_rows_free(struct task_rows *r)
{
	free(r->v);
	free(r->at);
	buf_free(&r->text);
	*r = (struct task_rows){ 0 };
}
