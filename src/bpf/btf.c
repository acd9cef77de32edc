/* btf: kernel types, members of structures, and fields of tracepoints. */
#include "bpf/btf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum { MAGIC = 0xeb9f, VERSION = 1 };

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t length, types_at, types_n, strings_at, strings_n;
};

static unsigned
btf_kind(const struct btf_type *t)
{
	return t->info >> 24 & 0x1f;
}

static uint32_t
btf_count(const struct btf_type *t)
{
	return t->info & 0xffff;
}

/* How many bytes follow the start of a type; -1: unknown kind. */
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

/* The type with that id. False if there is none, and for 0, which is void. */
static bool
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
		return fail_with(EINVAL);
	memcpy(&h, blob.s, sizeof h);
	if (h.magic != MAGIC || h.version != VERSION || h.length < sizeof h || h.length > blob.n ||
	    !section(blob, &h, h.types_at, h.types_n, &out->types) ||
	    !section(blob, &h, h.strings_at, h.strings_n, &out->strings))
		return fail_with(EINVAL);
	return out->strings.n > 0 && out->strings.s[out->strings.n - 1] == '\0' ? 0 :
										  fail_with(EINVAL);
}

/* Sets the offset of each type in offsets, if that is not NULL. Returns the number of types, or
 * -1. */
static int64_t
walk(const struct btf *b, uint32_t *offsets)
{
	size_t at = 0;
	uint32_t n = 0;

	for (; at < b->types.n; n++) {
		struct btf_type t;
		if (b->types.n - at < sizeof t)
			return fail_with(EINVAL);
		memcpy(&t, b->types.s + at, sizeof t);
		int64_t more = extra(&t);
		if (more < 0 || (uint64_t)more > b->types.n - at - sizeof t)
			return fail_with(EINVAL);
		if (offsets)
			offsets[n] = (uint32_t)at;
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

/* The offset of a name in the strings; 0: not found. Each name is there once, as pahole writes it
 * when the kernel is built. Comparing offsets is much cheaper than comparing 100,000 names. */
static uint32_t
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
	uint32_t name_at = btf_name(b, name);
	struct btf_type t;

	for (uint32_t i = 1; name_at > 0 && btf_type(b, i, &t); i++) {
		if (t.name != name_at || btf_kind(&t) != kind)
			continue;
		*id = i;
		return 0;
	}
	return fail_with(ENOENT);
}

int
btf_enumerator(const struct btf *b, const char *name, const char *value, int32_t *out)
{
	struct {
		uint32_t name;
		int32_t value;
	} one;
	uint32_t id, value_at = btf_name(b, value);
	struct btf_type t;

	if (value_at == 0 || btf_find(b, BTF_ENUM, name, &id) < 0 || !btf_type(b, id, &t))
		return fail_with(ENOENT);
	for (uint32_t i = 0; i < btf_count(&t); i++) {
		memcpy(&one, b->types.s + b->at[id - 1] + sizeof t + i * sizeof one, sizeof one);
		if (one.name != value_at)
			continue;
		*out = one.value;
		return 0;
	}
	return fail_with(ENOENT);
}

int
btf_params(const struct btf *b, uint32_t id)
{
	struct btf_type t;

	if (!btf_type(b, id, &t) || btf_kind(&t) != BTF_TYPEDEF || !btf_type(b, t.size, &t) ||
	    btf_kind(&t) != BTF_PTR || !btf_type(b, t.size, &t) || btf_kind(&t) != BTF_FUNC_PROTO)
		return fail_with(EINVAL);
	return (int)btf_count(&t);
}

/* Where the variable is in the section with the id `section`. */
static int
place_in(const struct btf *b, uint32_t section, uint32_t id, uint32_t *offset)
{
	struct {
		uint32_t id, offset, size;
	} one;
	struct btf_type t;

	if (!btf_type(b, section, &t))
		return -1;
	for (uint32_t i = 0; i < btf_count(&t); i++) {
		memcpy(
		    &one, b->types.s + b->at[section - 1] + sizeof t + i * sizeof one, sizeof one);
		if (one.id == id) {
			*offset = one.offset;
			return 0;
		}
	}
	return -1;
}

int
btf_place(const struct btf *b, uint32_t id, uint32_t *offset)
{
	struct btf_type t;

	for (uint32_t i = 1; btf_type(b, i, &t); i++)
		if (btf_kind(&t) == BTF_SECTION && place_in(b, i, id, offset) == 0)
			return 0;
	return fail_with(ENOENT);
}

void
btf_free(struct btf *b)
{
	free(b->at);
	*b = (struct btf){ 0 };
}

/* ---- Members of structures */

enum { DEEPEST = 8, MOST_ANONYMOUS = 200 };

struct btf_raw_member {
	uint32_t name, type, offset; /* bits */
};

static bool
is_structure(const struct btf_type *t)
{
	return btf_kind(t) == BTF_STRUCT || btf_kind(t) == BTF_UNION;
}

static bool
member_of(const struct btf *b, uint32_t id, uint32_t i, struct btf_raw_member *m)
{
	struct btf_type t;

	if (!btf_type(b, id, &t) || !is_structure(&t) || i >= btf_count(&t))
		return false;
	memcpy(m, b->types.s + b->at[id - 1] + sizeof t + i * sizeof *m, sizeof *m);
	/* the upper 8 bits may be the width of a bit field: make it one that starts within a byte */
	if (t.info >> 31)
		m->offset = (m->offset & 0xffffff) | (m->offset >> 24 ? 7 : 0);
	return true;
}

/* The size of a type, through typedefs and qualifiers; 0: unknown. */
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

/* A damaged blob can have structures that contain themselves: `looked` bounds the search. */
struct btf_search {
	const struct btf *b;
	uint32_t name_at;
	unsigned looked;
};

/* Searches direct members first, so that anonymous structures are rarely searched. */
static int
find_member(struct btf_search *s, uint32_t id, int depth, struct btf_member *out)
{
	struct btf_raw_member m;

	for (uint32_t i = 0; member_of(s->b, id, i, &m); i++) {
		if (m.name != s->name_at)
			continue;
		*out = (struct btf_member){ m.offset / 8, size_of(s->b, m.type) };
		return m.offset % 8 > 0 ? fail_with(EINVAL) : 0;
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
	return fail_with(ENOENT);
}

int
btf_member(const struct btf *b, uint32_t id, const char *name, struct btf_member *out)
{
	struct btf_search s = { b, btf_name(b, name), 0 };

	if (s.name_at == 0)
		return fail_with(ENOENT);
	if (find_member(&s, id, 0, out) < 0)
		return -1;
	return out->offset > INT16_MAX ? fail_with(EINVAL) : 0;
}

/* ---- Fields of tracepoints */

/* The name in "char prev_comm[16]" is prev_comm. */
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
		return fail_with(EINVAL);
	if (v > INT16_MAX)
		return fail_with(ERANGE);
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
		return out->offset + out->size > INT16_MAX ? fail_with(ERANGE) : 0;
	}
	return fail_with(ENOENT);
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
			return fail_with(EINVAL);
		*id = (uint32_t)v;
		return 0;
	}
	return fail_with(EINVAL);
}
