#include "proc/task_wait.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
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
	if (out->kind == CALL_RUNNING || text_eq(word, "-1"))
		return 0;
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
