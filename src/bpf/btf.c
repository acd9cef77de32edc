#include "bpf/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum { MAGIC = 0xeb9f, VERSION = 1 };

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t length, types_at, types_n, strings_at, strings_n;
};

static int
fail(int error)
{
	errno = error;
	return -1;
}

unsigned
btf_kind(const struct btf_type *t)
{
	return t->info >> 24 & 0x1f;
}

uint32_t
btf_count(const struct btf_type *t)
{
	return t->info & 0xffff;
}

/* How many bytes follow a type; -1: no such kind. */
static int64_t
extra(const struct btf_type *t)
{
	static const struct {
		int8_t fixed, each;
	} follows[] = {
		/* INT, ARRAY, STRUCT, UNION */
		[1] = { 4, 0 },
		[3] = { 12, 0 },
		[4] = { 0, 12 },
		[5] = { 0, 12 },
		/* ENUM, FUNC_PROTO, VAR, DATASEC */
		[6] = { 0, 8 },
		[13] = { 0, 8 },
		[14] = { 4, 0 },
		[15] = { 0, 12 },
		/* DECL_TAG, ENUM64 */
		[17] = { 4, 0 },
		[19] = { 0, 12 },
	};
	unsigned kind = btf_kind(t);

	if (kind == 0 || kind >= sizeof follows / sizeof follows[0])
		return -1;
	return follows[kind].fixed + (int64_t)follows[kind].each * btf_count(t);
}

bool
btf_type(const struct btf *b, uint32_t id, struct btf_type *t)
{
	if (id == 0 || id > b->n)
		return false;
	memcpy(t, b->types.s + b->at[id - 1], sizeof *t);
	return true;
}

static bool
section(struct text blob, const struct header *h, uint32_t at, uint32_t n, struct text *out)
{
	if (at > blob.n - h->length || n > blob.n - h->length - at)
		return false;
	*out = (struct text){ blob.s + h->length + at, n };
	return true;
}

static int
parse_header(struct text blob, struct btf *out)
{
	struct header h;

	if (blob.n < sizeof h)
		return fail(EINVAL);
	memcpy(&h, blob.s, sizeof h);
	if (h.magic != MAGIC || h.version != VERSION || h.length < sizeof h || h.length > blob.n ||
	    !section(blob, &h, h.types_at, h.types_n, &out->types) ||
	    !section(blob, &h, h.strings_at, h.strings_n, &out->strings))
		return fail(EINVAL);
	return out->strings.n > 0 && out->strings.s[out->strings.n - 1] == '\0' ? 0 : fail(EINVAL);
}

/* Goes through the types; writes down where each is when there is room for it. Returns how many
 * there are, or -1. */
static int64_t
walk(const struct btf *b, uint32_t *places)
{
	size_t at = 0;
	uint32_t n = 0;

	for (; at < b->types.n; n++) {
		struct btf_type t;
		if (b->types.n - at < sizeof t)
			return fail(EINVAL);
		memcpy(&t, b->types.s + at, sizeof t);
		int64_t more = extra(&t);
		if (more < 0 || (uint64_t)more > b->types.n - at - sizeof t)
			return fail(EINVAL);
		if (places)
			places[n] = (uint32_t)at;
		at += sizeof t + (size_t)more;
	}
	return n;
}

int
btf_parse(struct text blob, struct btf *out)
{
	int64_t n;

	*out = (struct btf){ 0 };
	if (parse_header(blob, out) < 0 || (n = walk(out, NULL)) < 0)
		return -1;
	out->at = xmalloc(((size_t)n + 1) * sizeof *out->at);
	walk(out, out->at);
	out->n = (uint32_t)n;
	return 0;
}

uint32_t
btf_name(const struct btf *b, const char *name)
{
	size_t n = strlen(name) + 1;
	const char *s = b->strings.s, *end = s + b->strings.n;

	while ((s = memmem(s, (size_t)(end - s), name, n)) != NULL) {
		if (s > b->strings.s && s[-1] == '\0')
			return (uint32_t)(s - b->strings.s);
		s++;
	}
	return 0;
}

int
btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t *id)
{
	uint32_t place = btf_name(b, name);
	struct btf_type t;

	for (uint32_t i = 1; place > 0 && btf_type(b, i, &t); i++) {
		if (t.name != place || btf_kind(&t) != kind)
			continue;
		*id = i;
		return 0;
	}
	return fail(ENOENT);
}

int
btf_params(const struct btf *b, uint32_t id)
{
	struct btf_type t;

	if (!btf_type(b, id, &t) || btf_kind(&t) != BTF_TYPEDEF || !btf_type(b, t.size, &t) ||
	    btf_kind(&t) != BTF_PTR || !btf_type(b, t.size, &t) || btf_kind(&t) != BTF_FUNC_PROTO)
		return fail(EINVAL);
	return (int)btf_count(&t);
}

void
btf_free(struct btf *b)
{
	free(b->at);
	*b = (struct btf){ 0 };
}
