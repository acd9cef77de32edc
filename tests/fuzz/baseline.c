#include <stdlib.h>
#include <string.h>

#include "commands/diff/baseline.h"
#include "commands/diff/lines.h"
#include "replay.h"

/* What was read is printed, read and printed again: the same bytes. It is compared with itself: no
 * change. */
static void
read_again(const struct side *s)
{
	struct buf first = { 0 }, second = { 0 };
	struct comparison c = { .level = 0.01, .least = 0.05 };
	struct side again;
	size_t line;

	baseline_print(s, &first);
	if (baseline_parse((struct text){ first.s, first.n }, &again, &line) < 0)
		abort();
	baseline_print(&again, &second);
	if (first.n != second.n || memcmp(first.s, second.s, first.n) != 0)
		abort();
	comparison_make(&c, s, &again);
	if (c.of[LINE_WORSE] + c.of[LINE_BETTER] + c.of[LINE_OTHER] > 0)
		abort();
	comparison_free(&c);
	side_free(&again);
	buf_free(&first);
	buf_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct side s;
	size_t line;

	if (baseline_parse(t, &s, &line) == 0)
		read_again(&s);
	side_free(&s);
	return 0;
}
