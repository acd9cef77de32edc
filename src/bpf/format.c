#include "bpf/format.h"

#include <errno.h>
#include <stdint.h>

static int
fail(int error)
{
	errno = error;
	return -1;
}

/* "char prev_comm[16]" has the name prev_comm. */
static struct text
name_of(struct text declaration)
{
	struct text word, last = { declaration.s, 0 }, name = last;

	while (text_word(&declaration, &word))
		last = word;
	text_split(&last, '[', &name);
	return name;
}

/* "	offset:24" */
static int
number(struct text *line, const char *key, uint32_t *out)
{
	struct text part, word;
	uint64_t v;

	if (!text_split(line, ';', &part) || !text_word(&part, &word) || !text_skip(&word, key) ||
	    text_u64(word, &v) < 0)
		return fail(EINVAL);
	if (v > INT16_MAX)
		return fail(ERANGE);
	*out = (uint32_t)v;
	return 0;
}

int
format_field(struct text t, const char *name, struct format_field *out)
{
	struct text line, declaration;

	while (text_line(&t, &line)) {
		if (!text_skip(&line, "\tfield:") || !text_split(&line, ';', &declaration) ||
		    !text_eq(name_of(declaration), name))
			continue;
		if (number(&line, "offset:", &out->offset) < 0 ||
		    number(&line, "size:", &out->size) < 0)
			return -1;
		return out->offset + out->size > INT16_MAX ? fail(ERANGE) : 0;
	}
	return fail(ENOENT);
}

int
format_id(struct text t, uint32_t *id)
{
	struct text line;
	uint64_t v;

	while (text_whole_line(&t, &line)) {
		if (!text_skip(&line, "ID: "))
			continue;
		if (text_u64(line, &v) < 0 || v > UINT32_MAX)
			return fail(EINVAL);
		*id = (uint32_t)v;
		return 0;
	}
	return fail(EINVAL);
}
