#include "trace/trace_file.h"

const struct trace_thread *
trace_find(const struct trace_file *t, uint32_t tid, uint64_t at_ns)
{
	size_t from = 0, to = t->nthreads;

	while (from < to) { /* the first one after it */
		size_t i = from + (to - from) / 2;
		const struct trace_thread *o = &t->threads[i];
		if (o->tid < tid || (o->tid == tid && o->start_ns <= at_ns))
			from = i + 1;
		else
			to = i;
	}
	return from > 0 && t->threads[from - 1].tid == tid ? &t->threads[from - 1] : NULL;
}
