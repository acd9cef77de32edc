#include "task_usage.h"

#include <errno.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* "160 (a) b) R 119" gives the name "a) b", and leaves " R 119". */
static bool
take_name(struct text *t, struct text *name)
{
	size_t open = 0, close = t->n;

	while (open < t->n && t->s[open] != '(')
		open++;
	while (close > open && t->s[close - 1] != ')')
		close--;
	if (open == t->n || close < open + 2)
		return false;
	*name = (struct text){ t->s + open + 1, close - open - 2 };
	t->s += close;
	t->n -= close;
	return true;
}

int
task_usage_parse(struct text t, struct task_usage *out)
{
	enum { MAJFLT = 12, THREADS = 20, START = 22, BLKIO = 42 };
	struct task_usage u = { .state = '\0' };
	struct text line, word;
	uint64_t v;

	if (!take_name(&t, &u.name) || !text_line(&t, &line) || !text_word(&line, &word) || word.n != 1)
		return invalid();
	u.state = word.s[0];
	for (int field = 4; field <= BLKIO && text_word(&line, &word); field++) {
		bool wanted = field == MAJFLT || field == THREADS || field == START || field == BLKIO;
		if (wanted && text_u64(word, &v) < 0)
			return invalid();
		if (field == MAJFLT)
			u.majflt = v;
		else if (field == THREADS)
			u.threads = v;
		else if (field == START)
			u.start_ticks = v;
		else if (field == BLKIO)
			u.blkio_ticks = keyed_of(v);
	}
	if (u.threads == 0 || !u.blkio_ticks.known)
		return invalid();
	*out = u;
	return 0;
}
