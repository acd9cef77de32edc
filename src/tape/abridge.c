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

/* Fields of /proc/PID/stat whose value is kept; 1 and 2, the number and the name, always are. The
 * others become 0: most of them change with each sample. */
static bool
is_kept_field(int field)
{
	enum {
		STATE = 3,
		PPID,
		FLAGS = 9,
		MAJFLT = 12,
		THREADS = 20,
		START = 22,
		PROCESSOR = 39,
		BLKIO = 42
	};

	return field == STATE || field == PPID || field == FLAGS || field == MAJFLT ||
	    field == THREADS || field == START || field == PROCESSOR || field == BLKIO;
}

static struct text
abridge_stat(struct text text, struct buf *room)
{
	size_t name = text.n;
	struct text rest, word;

	while (name > 0 && text.s[name - 1] != ')')
		name--;
	if (name == 0)
		return text;
	rest = (struct text){ text.s + name, text.n - name };
	buf_add(room, text.s, name);
	for (int field = 3; text_word(&rest, &word); field++) {
		buf_char(room, ' ');
		buf_add(
		    room, is_kept_field(field) ? word.s : "0", is_kept_field(field) ? word.n : 1);
	}
	buf_char(room, '\n');
	return (struct text){ room->s, room->n };
}

static bool
is_stat_of_process(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(path, "proc/", 5) == 0 && strcmp(slash, "/stat") == 0 && slash > path + 5;
}

struct text
abridge(const char *path, struct text text, struct buf *room)
{
	const struct rule *r = rule_of(path);
	struct text rest = text;

	room->n = 0;
	if (is_stat_of_process(path))
		return abridge_stat(text, room);
	while (r && rest.n > 0) {
		const char *end = memchr(rest.s, '\n', rest.n);
		struct text line = { rest.s, end ? (size_t)(end - rest.s) + 1 : rest.n };
		if (has_prefix(r, line) == r->keep)
			buf_add(room, line.s, line.n);
		rest = (struct text){ rest.s + line.n, rest.n - line.n };
	}
	return r ? (struct text){ room->s, room->n } : text;
}
