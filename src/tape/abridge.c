#include "tape/abridge.h"

#include <stdbool.h>
#include <string.h>

enum { PREFIXES_MOST = 10 };

/* Lines with one of these prefixes are left out; with `keep`, all others are. */
struct rule {
	bool keep;
	const char *prefix[PREFIXES_MOST];
};

static const struct rule stat_rule = { false, { "intr ", "softirq ", NULL } };
static const struct rule schedstat_rule = { false, { "domain", NULL } };
static const struct rule status_rule = { true,
	{ "Name:", "State:", "Tgid:", "Pid:", "NSpid:", "Threads:", "Cpus_allowed_list:",
	    "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:", NULL } };

static const struct rule *
rule_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strncmp(path, "proc/", 5) != 0)
		return NULL;
	if (strcmp(slash, "/status") == 0)
		return &status_rule;
	if (strcmp(path, "proc/stat") == 0)
		return &stat_rule;
	return strcmp(path, "proc/schedstat") == 0 ? &schedstat_rule : NULL;
}

static bool
has_prefix(const struct rule *r, struct text line)
{
	for (int i = 0; r->prefix[i]; i++)
		if (text_skip(&line, r->prefix[i]))
			return true;
	return false;
}

struct text
abridge(const char *path, struct text text, struct buf *room)
{
	const struct rule *r = rule_of(path);
	struct text rest = text;

	room->n = 0;
	while (r && rest.n > 0) {
		const char *end = memchr(rest.s, '\n', rest.n);
		struct text line = { rest.s, end ? (size_t)(end - rest.s) + 1 : rest.n };
		if (has_prefix(r, line) == r->keep)
			buf_add(room, line.s, line.n);
		rest = (struct text){ rest.s + line.n, rest.n - line.n };
	}
	return r ? (struct text){ room->s, room->n } : text;
}
