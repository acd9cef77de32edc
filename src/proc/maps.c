#include "proc/maps.h"

#include <string.h>

static bool
take_hex(struct text *t, uint64_t *v)
{
	size_t n = 0;

	*v = 0;
	for (; n < t->n && n < 17; n++) {
		char c = t->s[n];
		if (c >= '0' && c <= '9')
			*v = *v << 4 | (uint64_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*v = *v << 4 | (uint64_t)((c | 32) - 'a' + 10);
		else
			break;
	}
	*t = (struct text){ t->s + n, t->n - n };
	return n > 0 && n < 17;
}

bool
mapping_parse(struct text line, struct mapping *out)
{
	struct text word;

	*out = (struct mapping){ .start = 0 };
	if (!take_hex(&line, &out->start) || !text_skip(&line, "-") ||
	    !take_hex(&line, &out->end) || out->end <= out->start || !text_word(&line, &word) ||
	    word.n != 4)
		return false;
	out->readable = word.s[0] == 'r';
	out->code = word.s[2] == 'x';
	if (!text_skip(&line, " ") || !take_hex(&line, &out->at) || !text_word(&line, &word) ||
	    !text_word(&line, &word))
		return false;
	while (line.n > 0 && *line.s == ' ')
		line = (struct text){ line.s + 1, line.n - 1 };
	out->path = line;
	return true;
}

bool
mapping_path(struct text path, char *out, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < path.n; n++) {
		bool escaped = path.n - i >= 4 && memcmp(path.s + i, "\\012", 4) == 0;
		if (n + 1 >= room || path.s[i] == '\0')
			return false;
		out[n] = escaped ? '\n' : path.s[i];
		i += escaped ? 4 : 1;
	}
	out[n] = '\0';
	return true;
}

static bool
perf_line(struct text line, uint64_t *start, uint64_t *size, struct text *name)
{
	text_skip(&line, "0x");
	if (!take_hex(&line, start) || !text_skip(&line, " "))
		return false;
	text_skip(&line, "0x");
	if (!take_hex(&line, size) || !text_skip(&line, " ") || line.n == 0)
		return false;
	*name = line;
	return true;
}

static void
set_name(struct symbol *s, struct text name)
{
	bool cut = name.n >= SYMBOL_NAME_MOST;
	size_t n = cut ? SYMBOL_NAME_MOST - 4 : name.n;

	memcpy(s->name, name.s, n);
	strcpy(s->name + n, cut ? "..." : "");
}

size_t
perf_map_parse(struct text t, struct symbol *v, size_t n)
{
	const char *end = t.n > 0 ? memrchr(t.s, '\n', t.n) : NULL;
	struct text rest = { t.s, end ? (size_t)(end - t.s) + 1 : 0 }, line, name;
	size_t whole = rest.n;
	uint64_t start, size;

	while (text_line(&rest, &line)) {
		if (!perf_line(line, &start, &size, &name))
			continue;
		for (size_t i = 0; i < n; i++) {
			if (v[i].address < start || v[i].address - start >= size)
				continue;
			set_name(&v[i], name);
			v[i].start = start;
			v[i].end = start + size;
		}
	}
	return whole;
}
