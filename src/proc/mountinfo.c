/* Parsers of the files that say where the cgroups of a process are. */
#include "proc/mountinfo.h"

#include <string.h>

/* The kernel writes blank, tab, newline and backslash as \040 \011 \012 \134. */
static const char *
decode(struct arena *a, struct text t)
{
	char *s = arena_alloc(a, t.n + 1), *to = s;

	for (size_t i = 0; i < t.n; i++) {
		const char *c = t.s + i;
		if (*c == '\\' && t.n - i > 3 && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' &&
		    c[2] <= '7' && c[3] >= '0' && c[3] <= '7') {
			*to++ = (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0'));
			i += 3;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return s;
}

/* Single blanks separate the fields. A field may be empty: ROOT can be. */
static bool
parse_mount(struct text line, struct arena *a, struct cgroup_mount *out)
{
	struct text field[6], word;

	for (int i = 0; i < 6; i++) /* id, parent, major:minor, ROOT, POINT, options */
		if (!text_split(&line, ' ', &field[i]))
			return false;
	do { /* any number of optional fields, then "-" */
		if (!text_split(&line, ' ', &word))
			return false;
	} while (!text_eq(word, "-"));
	if (!text_split(&line, ' ', &word))
		return false;
	out->version = text_eq(word, "cgroup") ? 1 : text_eq(word, "cgroup2") ? 2 : 0;
	if (out->version == 0 || !text_split(&line, ' ', &word)) /* the source: any word */
		return false;
	out->number = 0;
	out->root = decode(a, field[3]);
	out->point = decode(a, field[4]);
	out->super = decode(a, line); /* the whole rest, as it may have blanks */
	return out->point[0] == '/';
}

bool
mountinfo_next(struct text *rest, struct arena *a, struct cgroup_mount *out)
{
	struct text line;

	while (text_line(rest, &line))
		if (parse_mount(line, a, out))
			return true;
	return false;
}

/* Single blanks separate the fields, of which any number may stand before "-". */
static bool
parse_proc_mount(struct text line, struct text *options)
{
	struct text field;

	for (int i = 0; i < 5; i++) /* id, parent, major:minor, root, mount point */
		if (!text_split(&line, ' ', &field))
			return false;
	if (!text_eq(field, "/proc"))
		return false;
	do {
		if (!text_split(&line, ' ', &field))
			return false;
	} while (!text_eq(field, "-"));
	struct text type;
	bool whole = text_split(&line, ' ', &type) && text_split(&line, ' ', &field);
	*options = whole && text_eq(type, "proc") ? line : (struct text){ "", 0 };
	return true;
}

bool
mountinfo_find_proc(struct text t, struct text *options)
{
	struct text line;
	bool found = false;

	while (text_line(&t, &line))
		found |= parse_proc_mount(line, options);
	return found && options->n > 0;
}

/* The fields of such a line: the mount point, and the type after "-". */
static bool
parse_lxcfs(struct text line, const char *path)
{
	struct text point, field;

	for (int i = 0; i < 5; i++)
		if (!text_split(&line, ' ', &point))
			return false;
	do {
		if (!text_split(&line, ' ', &field))
			return false;
	} while (!text_eq(field, "-"));
	return text_split(&line, ' ', &field) && text_eq(field, "fuse.lxcfs") && point.n > 1 &&
	    strncmp(path, point.s, point.n) == 0 && (path[point.n] == '\0' || path[point.n] == '/');
}

bool
mountinfo_has_lxcfs(struct text t, const char *path)
{
	struct text line;

	if (!text_find(t, " fuse.lxcfs "))
		return false; /* almost always */
	while (text_line(&t, &line))
		if (parse_lxcfs(line, path))
			return true;
	return false;
}

bool
comma_list_find(struct text list, const char *key, struct text *value)
{
	while (text_split(&list, ',', value))
		if (text_skip(value, key) && text_skip(value, "="))
			return true;
	return false;
}

bool
comma_list_has(struct text list, const char *word)
{
	struct text part;

	while (text_split(&list, ',', &part))
		if (text_eq(part, word))
			return true;
	return false;
}

static void
strip_deleted(struct text *path)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof mark - 1;

	if (path->n > n && memcmp(path->s + path->n - n, mark, n) == 0)
		path->n -= n;
}

int
pidcgroup_find(struct text t, const char *controller, struct text *path)
{
	struct text line, id, controllers;
	int found = 0;

	while (text_line(&t, &line)) {
		if (!text_split(&line, ':', &id) || !text_split(&line, ':', &controllers) ||
		    line.n == 0 || line.s[0] != '/' || memchr(line.s, '\0', line.n))
			continue;
		if (controller && comma_list_has(controllers, controller)) {
			*path = line;
			return 1;
		}
		if (controllers.n == 0 && text_eq(id, "0")) {
			*path = line;
			strip_deleted(path);
			found = 2;
		}
	}
	return found;
}

/* ---- File systems that may never answer */

/* It asks a server or another program. */
static bool
may_wait(struct text type)
{
	static const char *const remote[] = { "fuse", "nfs", "cifs", "smb", "ceph", "afs" };

	for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
		struct text t = type;
		if (text_skip(&t, remote[i]))
			return true;
	}
	return false;
}

/* The mount point and the type of file system of a line of mountinfo. */
static bool
take_mount(struct text line, struct text *point, struct text *type)
{
	struct text word;

	for (int i = 0; i < 5; i++)
		if (!text_word(&line, point))
			return false;
	while (text_word(&line, &word))
		if (text_eq(word, "-"))
			return text_word(&line, type);
	return false;
}

/* The kernel writes a blank in a mount point as "\040". */
static bool
is_below(const char *path, struct text point)
{
	bool top = text_eq(point, "/");

	for (size_t i = 0; i < point.n && !top; path++) {
		bool octal = point.s[i] == '\\' && point.n - i >= 4;
		char c = octal ? (char)((point.s[i + 1] - '0') << 6 | (point.s[i + 2] - '0') << 3 |
				     (point.s[i + 3] - '0')) :
				 point.s[i];
		if (*path != c)
			return false;
		i += octal ? 4 : 1;
	}
	return *path == '/';
}

bool
mountinfo_may_wait(struct text t, const char *path)
{
	struct text line, point, type;
	size_t longest = 0;
	bool may = false;

	while (text_line(&t, &line))
		if (take_mount(line, &point, &type) && point.n >= longest &&
		    is_below(path, point)) {
			longest = point.n;
			may = may_wait(type);
		}
	return may;
}
