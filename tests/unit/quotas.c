/* Quotas of more cgroups than are read: commands/trace/quotas.c and commands/who/quotas.c. */
#include "commands/trace/quotas.h"

#include <stdlib.h>

#include "base/fail.h"
#include "commands/who/quotas.h"

#include "tree.h"
#include "unit.h"

static struct text
name_of(size_t i, char out[32])
{
	snprintf(out, 32, "/app%zu", i);
	return text_of(out);
}

static size_t
left_out_of_trace(size_t n)
{
	struct quota_list l = { .n = 0 };
	struct host *h = host_live(tree);
	struct map cgroups = { 0 };
	char name[32];

	for (size_t i = 0; i < n; i++)
		map_put(&cgroups, name_of(i, name));
	quotas_take(&l, h, &cgroups);
	size_t left_out = l.left_out;
	quotas_drop(&l);
	map_free(&cgroups);
	host_close(h);
	return left_out;
}

static size_t
left_out_of_who(size_t n)
{
	struct trace_file t = { .cgroups = xmalloc(n * sizeof *t.cgroups), .ncgroups = n };
	struct parties parties = { .trace = &t };
	struct host *h = host_live(tree);
	struct quotas q = {
		.host = h, .parties = &parties, .blame = blame_new(parties_of, &parties, 1)
	};
	char name[32];

	for (size_t i = 0; i < n; i++)
		t.cgroups[i] = xstrdup(name_of(i, name).s);
	parties_grow(&parties);
	quotas_read(&q);
	quotas_read(&q);
	size_t left_out = q.left_out;
	quotas_free(&q);
	blame_free(q.blame);
	parties_free(&parties);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)t.cgroups[i]);
	free(t.cgroups);
	host_close(h);
	return left_out;
}

static void
left_out(void)
{
	CHECK_U64(left_out_of_trace(THROTTLED_MOST), 0);
	CHECK_U64(left_out_of_trace(THROTTLED_MOST + 3), 3);
	CHECK_U64(left_out_of_who(THROTTLED_MOST), 0);
	CHECK_U64(left_out_of_who(THROTTLED_MOST + 3), 3);
}

int
main(void)
{
	tree_make();
	unit_test("cgroups whose quotas are not read are counted", left_out);
	tree_remove();
	return unit_done();
}
