#include "proc/rlimits.h"

#include <errno.h>

/* A number, or "unlimited", which leaves *out unknown. */
static bool
take_figure(struct text *line, struct keyed *out)
{
	struct text word;
	uint64_t v;

	*out = (struct keyed){ 0 };
	if (!text_word(line, &word))
		return false;
	if (text_eq(word, "unlimited"))
		return true;
	if (text_u64(word, &v) < 0)
		return false;
	*out = keyed_of(v);
	return true;
}

static void
take_pair(struct text line, struct rlimit_pair *out)
{
	struct rlimit_pair p = { .known = true };

	if (take_figure(&line, &p.soft) && take_figure(&line, &p.hard))
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
	if (out->files.known || out->processes.known)
		return 0;
	errno = EINVAL;
	return -1;
}
