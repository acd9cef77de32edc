/* Members of structures: those of anonymous ones are their own. */
#include "bpf/btf.h"

#include <errno.h>
#include <string.h>

enum { DEEPEST = 8, MOST_ANONYMOUS = 200 };

struct member {
	uint32_t name, type, offset; /* bits */
};

static int
fail(int error)
{
	errno = error;
	return -1;
}

static bool
is_structure(const struct btf_type *t)
{
	return btf_kind(t) == BTF_STRUCT || btf_kind(t) == BTF_UNION;
}

static bool
member_of(const struct btf *b, uint32_t id, uint32_t i, struct member *m)
{
	struct btf_type t;

	if (!btf_type(b, id, &t) || !is_structure(&t) || i >= btf_count(&t))
		return false;
	memcpy(m, b->types.s + b->at[id - 1] + sizeof t + i * sizeof *m, sizeof *m);
	if (t.info >>
	    31) /* the upper 8 bits are the width of a bit field: taken for one that does not begin at a byte */
		m->offset = (m->offset & 0xffffff) | (m->offset >> 24 ? 7 : 0);
	return true;
}

/* Of a type behind typedefs and qualifiers; 0 when it has none. */
static uint32_t
size_of(const struct btf *b, uint32_t id)
{
	struct btf_type t;

	for (int i = 0; i < DEEPEST && btf_type(b, id, &t); i++) {
		unsigned kind = btf_kind(&t);
		if (kind == BTF_INT || kind == BTF_ENUM || is_structure(&t))
			return t.size;
		if (kind < BTF_TYPEDEF || kind > BTF_RESTRICT)
			return 0;
		id = t.size;
	}
	return 0;
}

/* `looked` bounds a search where a damaged blob has structures that are within themselves. */
struct search {
	const struct btf *b;
	uint32_t place;
	unsigned looked;
};

/* Direct members first, so that anonymous ones, of which there are few, are rarely looked into. */
static int
find_member(struct search *s, uint32_t id, int depth, struct btf_member *out)
{
	struct member m;

	for (uint32_t i = 0; member_of(s->b, id, i, &m); i++) {
		if (m.name != s->place)
			continue;
		*out = (struct btf_member){ m.offset / 8, size_of(s->b, m.type) };
		return m.offset % 8 > 0 ? fail(EINVAL) : 0;
	}
	for (uint32_t i = 0;
	     depth < DEEPEST && s->looked < MOST_ANONYMOUS && member_of(s->b, id, i, &m); i++) {
		if (m.name != 0 || m.offset % 8 > 0 || m.offset / 8 > INT16_MAX)
			continue;
		s->looked++;
		if (find_member(s, m.type, depth + 1, out) < 0)
			continue;
		out->offset += m.offset / 8;
		return 0;
	}
	return fail(ENOENT);
}

int
btf_member(const struct btf *b, uint32_t id, const char *name, struct btf_member *out)
{
	struct search s = { b, btf_name(b, name), 0 };

	if (s.place == 0)
		return fail(ENOENT);
	if (find_member(&s, id, 0, out) < 0)
		return -1;
	return out->offset > INT16_MAX ? fail(EINVAL) : 0;
}
