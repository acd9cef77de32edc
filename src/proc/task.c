#include "task.h"

#include <errno.h>
#include <limits.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* Cuts t behind the command's name: "160 (a) b) R 119" leaves " R 119". */
static bool
skip_name(struct text *t)
{
	for (size_t i = t->n; i > 0; i--) {
		if (t->s[i - 1] != ')')
			continue;
		t->s += i;
		t->n -= i;
		return true;
	}
	return false;
}

int
task_stat_parse(struct text t, struct task_stat *out)
{
	enum { STATE = 3, PROCESSOR = 39 };
	struct text word;
	uint64_t cpu;

	if (!text_word(&t, &word) || text_u64(word, &out->pid) < 0 || !skip_name(&t))
		return invalid();
	if (!text_word(&t, &word) || word.n != 1)
		return invalid();
	out->state = word.s[0];
	for (int field = STATE; field < PROCESSOR; field++)
		if (!text_word(&t, &word))
			return invalid();
	if (text_u64(word, &cpu) < 0 || cpu > INT_MAX)
		return invalid();
	out->cpu = (unsigned)cpu;
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
