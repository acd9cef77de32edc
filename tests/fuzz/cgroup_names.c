/* The path of a cgroup, and the names in the kubelet's directories. */
#include "cgroup/names.h"

#include <stdlib.h>
#include <string.h>

#include "replay.h"

static void
check_inside(struct text part, struct text whole)
{
	if (part.n > 0 && (part.s < whole.s || part.s + part.n > whole.s + whole.n))
		abort();
}

static void
parse_line(struct text line)
{
	struct name_parts p;
	struct text a, b, c, d;

	name_parts_of(line, &p);
	const struct text parts[] = { p.uid, p.id, p.runtime, p.machine, p.manager, p.unit, p.job,
		p.step, p.below };
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		check_inside(parts[i], line);
	if (name_of_log(line, &a, &b, &c, &d) && (!a.n || !b.n || !c.n || d.n != 64))
		abort();
	if (name_of_pod_directory(line, &a, &b, &c) && (!a.n || !b.n || c.n < 32))
		abort();
}

static int
no_list(struct host *h, const char *path, struct text *names)
{
	(void)h;
	(void)path;
	*names = text_of("");
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct host_ops ops = { .list = no_list };
	struct text rest = { (const char *)data, n }, line;
	struct host h = { .ops = &ops };
	struct names names = { .row = 0 };

	names_row(&names, &h);
	while (text_line(&rest, &line)) {
		char *path = malloc(line.n + 1);
		if (!path)
			abort();
		memcpy(path, line.s, line.n);
		path[line.n] = '\0';
		parse_line(line);
		const struct group_names *g = names_of(&names, &h, path);
		/* it names the cgroup only if there is something to read */
		if ((g->brief && !*g->brief) || (g->unit && !*g->unit) || (g->job && !*g->job))
			abort();
		free(path);
	}
	names_free(&names);
	return 0;
}
