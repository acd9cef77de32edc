/* Parsers of the files of a task, and their paths. */
#include "proc/task.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* ---- Paths: built by hand, as a row may need thousands of them. */

static char *
put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

const char *
task_path(char out[64], uint32_t pid, uint32_t tid, const char *file)
{
	char *p = put_digits(put(out, "proc/"), pid, 1);

	if (tid)
		p = put_digits(put(p, "/task/"), tid, 1);
	*put(p, file) = '\0';
	return out;
}

bool
task_next_number(struct text *names, uint32_t *out)
{
	struct text line;
	uint64_t v;

	while (text_line(names, &line))
		if (text_u64(line, &v) == 0 && v > 0 && v < TASK_NUMBERS) {
			*out = (uint32_t)v;
			return true;
		}
	return false;
}

/* ---- Files */

/* "160 (a) b) R 119" gives the name "a) b", and leaves " R 119". */
static bool
take_name(struct text *t, struct text *name)
{
	const char *open = t->n ? memchr(t->s, '(', t->n) : NULL;

	for (size_t i = t->n; open && i > 0 && t->s + i - 1 > open; i--) {
		if (t->s[i - 1] != ')')
			continue;
		*name = (struct text){ open + 1, (size_t)(t->s + i - 1 - (open + 1)) };
		*t = (struct text){ t->s + i, t->n - i };
		return true;
	}
	return false;
}

enum { FLAGS = 9, MAJFLT = 12, THREADS = 20, START = 22, PROCESSOR = 39, BLKIO = 42 };

/* The member for a field that may be missing; NULL: the field is not used. */
static struct keyed *
field_of(struct task_stat *s, int field)
{
	switch (field) {
	case MAJFLT:
		return &s->majflt;
	case THREADS:
		return &s->threads;
	case START:
		return &s->start_ticks;
	case PROCESSOR:
		return &s->cpu;
	case BLKIO:
		return &s->blkio_ticks;
	default:
		return NULL;
	}
}

int
task_stat_parse(struct text t, struct task_stat *out)
{
	const uint64_t kthread = 0x00200000; /* PF_KTHREAD */
	struct task_stat s = { .state = '\0' };
	struct text line, word;
	uint64_t v;

	if (!text_word(&t, &word) || text_u64(word, &s.pid) < 0 || !take_name(&t, &s.comm) ||
	    !text_whole_line(&t, &line) || !text_word(&line, &word) || word.n != 1 || !word.s[0])
		return invalid();
	s.state = word.s[0];
	for (int field = 4; field <= BLKIO; field++) {
		bool there = text_word(&line, &word);
		if (field == FLAGS && (!there || text_u64(word, &v) < 0))
			return invalid();
		if (field == FLAGS)
			s.kernel = v & kthread;
		struct keyed *to = there ? field_of(&s, field) : NULL;
		if (to && text_u64(word, &v) == 0)
			*to = keyed_of(v);
	}
	*out = s;
	return 0;
}

struct keyed
task_stat_field(struct text t, int number)
{
	struct text line, word;
	uint64_t v;
	bool there = text_word(&t, &word) && take_name(&t, &word) && text_whole_line(&t, &line);

	for (int field = 3; there && field <= number; field++)
		there = text_word(&line, &word);
	return there && text_u64(word, &v) == 0 ? keyed_of(v) : (struct keyed){ .known = false };
}

int
task_capabilities_parse(struct text t, uint64_t *out)
{
	struct text line, digits;
	uint64_t v = 0;

	do
		if (!text_line(&t, &line))
			return invalid();
	while (!text_skip(&line, "CapEff:"));
	if (!text_word(&line, &digits) || digits.n > 16)
		return invalid();
	for (size_t i = 0; i < digits.n; i++) {
		static const char hex[] = "0123456789abcdef";
		const char *digit = memchr(hex, digits.s[i], 16);
		if (!digit)
			return invalid();
		v = v << 4 | (uint64_t)(digit - hex);
	}
	*out = v;
	return 0;
}

bool
task_in_group(struct text t, uint64_t gid)
{
	struct text line, word;
	uint64_t v;

	while (text_line(&t, &line)) {
		if (!text_skip(&line, "Gid:") && !text_skip(&line, "Groups:"))
			continue;
		while (text_word(&line, &word))
			if (text_u64(word, &v) == 0 && v == gid)
				return true;
	}
	return false;
}

int
task_allowed_parse(struct text t, struct cpulist *out)
{
	struct text line, list;

	while (text_line(&t, &line))
		if (text_skip(&line, "Cpus_allowed_list:"))
			return text_word(&line, &list) ? cpulist_parse(list, out) : invalid();
	return invalid();
}

int
task_sched_parse(struct text t, struct task_sched *out)
{
	struct text line;
	struct task_sched s;

	if (!text_whole_line(&t, &line))
		return invalid();
	if (text_next_u64(&line, &s.run_ns) < 0 || text_next_u64(&line, &s.wait_ns) < 0 ||
	    text_next_u64(&line, &s.slices) < 0)
		return -1;
	*out = s;
	return 0;
}

/* The name of the task cannot pass for another line, as the kernel escapes newlines in it here. */
int
task_status_parse(struct text t, struct task_status *out)
{
	struct task_status s = { .state = '\0' };
	struct text line, word;
	uint64_t v;

	while (text_whole_line(&t, &line)) {
		if (line.n == 0 || (line.s[0] != 'S' && line.s[0] != 'v' && line.s[0] != 'n'))
			continue;
		if (text_skip(&line, "State:") && text_word(&line, &word) && !s.state)
			s.state = word.s[0];
		else if (text_skip(&line, "voluntary_ctxt_switches:") &&
		    text_next_u64(&line, &v) == 0)
			s.voluntary = keyed_of(v);
		else if (text_skip(&line, "nonvoluntary_ctxt_switches:") &&
		    text_next_u64(&line, &v) == 0)
			s.involuntary = keyed_of(v);
	}
	if (!s.state)
		return invalid();
	*out = s;
	return 0;
}

/* "0x7f43b5382000" */
static bool
next_hex(struct text *rest, uint64_t *v)
{
	struct text word;
	uint64_t x = 0;

	if (!text_word(rest, &word) || !text_skip(&word, "0x") || word.n == 0 || word.n > 16)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = word.s[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
		    c >= 'a' && c <= 'f'              ? (unsigned)(c - 'a') + 10 :
							16;
		if (digit > 15)
			return false;
		x = x << 4 | digit;
	}
	*v = x;
	return true;
}

int
task_call_parse(struct text t, struct task_call *out)
{
	struct text line, word;

	*out = (struct task_call){ .kind = CALL_NONE };
	if (!text_line(&t, &line) || !text_word(&line, &word))
		return invalid();
	if (text_eq(word, "running"))
		out->kind = CALL_RUNNING;
	if (out->kind == CALL_RUNNING)
		return 0;
	if (text_eq(word, "-1")) {
		if (!next_hex(&line, &out->sp) || !next_hex(&line, &out->pc))
			out->sp = out->pc = 0;
		return 0;
	}
	if (text_u64(word, &out->number) < 0)
		return invalid();
	for (int i = 0; i < 6; i++)
		if (!next_hex(&line, &out->arg[i]))
			return invalid();
	if (!next_hex(&line, &out->sp) || !next_hex(&line, &out->pc))
		return invalid();
	out->kind = CALL_SYSTEM;
	return 0;
}

uint32_t
task_call_hash(const struct task_call *c)
{
	const uint64_t parts[] = { c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4],
		c->arg[5], c->sp, c->pc };
	uint64_t hash = 1;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		hash = (hash ^ hash >> 29 ^ parts[i]) * TASK_CALL_FACTOR;
	return (uint32_t)(hash >> 32);
}

int
task_wchan_parse(struct text t, struct text *name)
{
	struct text line;

	if (!text_line(&t, &line) || line.n == 0 || memchr(line.s, '\0', line.n) ||
	    memchr(line.s, ' ', line.n))
		return invalid();
	if (text_eq(line, "0")) {
		errno = ENODATA;
		return -1;
	}
	*name = line;
	return 0;
}

int
task_left_parse(struct text t, int64_t *ns)
{
	const uint64_t most = INT64_MAX / 1000000 - 1;
	struct text line, word, whole;
	uint64_t ms, rest;

	while (text_whole_line(&t, &line)) {
		if (!text_skip(&line, "se.exec_start"))
			continue;
		if (!text_word(&line, &word) || !text_eq(word, ":") || !text_word(&line, &word) ||
		    !text_split(&word, '.', &whole) || word.n != 6 || text_u64(whole, &ms) < 0 ||
		    ms > most || text_u64(word, &rest) < 0)
			return invalid();
		*ns = (int64_t)(ms * 1000000 + rest);
		return 0;
	}
	return invalid();
}

bool
environ_find(struct text t, const char *name, struct text *value)
{
	struct text one;

	while (text_split(&t, '\0', &one)) {
		if (!text_skip(&one, name) || !text_skip(&one, "="))
			continue;
		*value = one;
		return true;
	}
	return false;
}

/* As text_skip, where '_' and '-' are the same: V8 takes either. */
static bool
skip_option(struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((t->s[i] == '_' ? '-' : t->s[i]) != prefix[i])
			return false;
	*t = (struct text){ t->s + n, t->n - n };
	return true;
}

bool
environ_option(struct text value, const char *prefix, struct text *out)
{
	struct text word;
	bool found = false;

	while (text_word(&value, &word)) {
		if (!skip_option(&word, prefix))
			continue;
		*out = word;
		found = true;
	}
	return found;
}

static void
take_pair(struct text line, struct rlimit_pair *out)
{
	struct rlimit_pair p = { .known = true };

	if (keyed_next(&line, "unlimited", &p.soft) && keyed_next(&line, "unlimited", &p.hard))
		*out = p;
}

int
rlimits_parse(struct text t, struct rlimits *out)
{
	struct text line;

	*out = (struct rlimits){ 0 };
	while (text_whole_line(&t, &line)) {
		if (text_skip(&line, "Max open files "))
			take_pair(line, &out->files);
		else if (text_skip(&line, "Max processes "))
			take_pair(line, &out->processes);
	}
	return out->files.known || out->processes.known ? 0 : invalid();
}
