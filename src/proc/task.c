#include "proc/task.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

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

/* Where a field is kept that may be missing; NULL: it is not wanted. */
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
	    !text_whole_line(&t, &line) || !text_word(&line, &word) || word.n != 1)
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

int
task_allowed_parse(struct text t, struct cpulist *out)
{
	struct text line, list;

	while (text_line(&t, &line))
		if (text_skip(&line, "Cpus_allowed_list:"))
			return text_word(&line, &list) ? cpulist_parse(list, out) : invalid();
	return invalid();
}
