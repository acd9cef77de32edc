#include <stdlib.h>

#include "proc/task_rows.h"
#include "replay.h"

/* What was understood, printed and read again after itself, is the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct task_rows none = { 0 }, first = { 0 }, again = { 0 };
	struct buf b = { 0 };

	if (task_rows_parse((struct text){ (const char *)data, n }, &none, &first) == 0) {
		buf_text(&b, "source again\ntasks ");
		buf_u64(&b, first.n, 1);
		buf_text(&b, "\nhidden -\n");
		for (size_t i = 0; i < first.n; i++)
			task_row_print(&first.v[i], &b);
		if (task_rows_parse((struct text){ b.s, b.n }, &first, &again) < 0 ||
		    again.n != first.n)
			abort();
		for (size_t i = 0; i < first.n; i++)
			if (first.v[i].tid != again.v[i].tid ||
			    first.v[i].run_ns != again.v[i].run_ns)
				abort();
	}
	buf_free(&b);
	task_rows_free(&first);
	task_rows_free(&again);
	return 0;
}
