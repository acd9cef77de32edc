#include "trace/trace_export.h"

struct text
trace_fact(const struct trace_file *t, const char *key)
{
	struct text facts = { t->facts.s, t->facts.n }, line;

	while (text_line(&facts, &line))
		if (text_skip(&line, key) && text_skip(&line, " "))
			return line;
	return (struct text){ NULL, 0 };
}

bool
trace_outside(const struct trace_file *t, uint32_t tid, uint64_t at_ns)
{
	uint64_t only;

	if (tid == SCHED_TID_UNKNOWN)
		return true;
	if (text_u64(trace_fact(t, "only"), &only) < 0)
		return false;
	const struct trace_thread *thread = tid ? trace_find(t, tid, at_ns) : NULL;
	return thread ? thread->pid != only : tid != only;
}
