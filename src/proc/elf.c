#include "proc/elf.h"

#include <string.h>

uint64_t
elf_number(struct text t, size_t at, size_t n)
{
	uint64_t v = 0;

	if (at > t.n || n > t.n - at)
		return 0;
	while (n-- > 0)
		v = v << 8 | (unsigned char)t.s[at + n];
	return v;
}

static bool
piece(const struct elf *e, uint64_t at, uint64_t n, struct text *out)
{
	if (at > INT64_MAX / 2 ||
	    e->file.read(e->file.ctx, at, n < ELF_PIECE ? (size_t)n : ELF_PIECE, out) < 0)
		return false;
	return out->n > 0;
}

/* Of a part of the file, from this distance on. */
static bool
piece_of(const struct elf *e, const struct elf_part *p, uint64_t from, uint64_t n, struct text *out)
{
	return from < p->size && from <= INT64_MAX / 2 && p->at <= INT64_MAX / 2 &&
	    piece(e, p->at + from, n < p->size - from ? n : p->size - from, out);
}

/* ---- Headers */

enum { SEGMENT_SIZE = 56, SECTION_SIZE = 64, SECTIONS_MOST = 512 };

static void
read_segments(struct elf *e, uint64_t at, uint64_t n)
{
	enum { LOAD = 1, FRAME_INDEX = 0x6474e550, EXECUTABLE = 1 };
	struct text t;

	if (!piece(e, at, n * SEGMENT_SIZE, &t))
		return;
	for (size_t i = 0; i < n && t.n >= (i + 1) * SEGMENT_SIZE; i++) {
		struct text s = { t.s + i * SEGMENT_SIZE, SEGMENT_SIZE };
		struct elf_part p = { elf_number(s, 16, 8), elf_number(s, 8, 8),
			elf_number(s, 32, 8), elf_number(s, 4, 4) & EXECUTABLE };
		uint64_t type = elf_number(s, 0, 4);
		if (type == FRAME_INDEX)
			e->frame_index = p;
		else if (type == LOAD && e->nsegments < ELF_SEGMENTS_MOST)
			e->segments[e->nsegments++] = p;
	}
}

struct sections {
	struct elf_part v[SECTIONS_MOST];
	uint32_t name[SECTIONS_MOST], type[SECTIONS_MOST], link[SECTIONS_MOST];
	size_t n;
};

static void
list_sections(const struct elf *e, uint64_t at, uint64_t n, struct sections *out)
{
	struct text t;

	out->n = 0;
	if (!piece(e, at, (n < SECTIONS_MOST ? n : SECTIONS_MOST) * SECTION_SIZE, &t))
		return;
	for (size_t i = 0; i < SECTIONS_MOST && t.n >= (i + 1) * SECTION_SIZE; i++) {
		struct text s = { t.s + i * SECTION_SIZE, SECTION_SIZE };
		out->name[i] = (uint32_t)elf_number(s, 0, 4);
		out->type[i] = (uint32_t)elf_number(s, 4, 4);
		out->link[i] = (uint32_t)elf_number(s, 40, 4);
		out->v[i] = (struct elf_part){ elf_number(s, 16, 8), elf_number(s, 24, 8),
			elf_number(s, 32, 8), false };
		out->n++;
	}
}

static bool
is_named(struct text names, uint64_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at <= names.n && n <= names.n - at && memcmp(names.s + at, name, n) == 0;
}

static void
read_sections(struct elf *e, uint64_t at, uint64_t n, uint64_t names_at)
{
	enum { SYMBOLS = 2, DYNAMIC_SYMBOLS = 11 };
	struct sections s;
	struct text names = { "", 0 };

	list_sections(e, at, n, &s);
	for (size_t i = 0; i < s.n; i++) {
		if (s.link[i] >= s.n)
			continue;
		if (s.type[i] == SYMBOLS) {
			e->symbols = s.v[i];
			e->names = s.v[s.link[i]];
		} else if (s.type[i] == DYNAMIC_SYMBOLS) {
			e->dynamic = s.v[i];
			e->dynamic_names = s.v[s.link[i]];
		}
	}
	if (names_at >= s.n || !piece(e, s.v[names_at].at, s.v[names_at].size, &names))
		return;
	for (size_t i = 0; i < s.n; i++)
		if (is_named(names, s.name[i], ".text"))
			e->text = s.v[i];
		else if (is_named(names, s.name[i], ".eh_frame"))
			e->frames = s.v[i];
		else if (is_named(names, s.name[i], ".gopclntab") ||
		    is_named(names, s.name[i], ".data.rel.ro.gopclntab"))
			e->go_table = s.v[i];
}

bool
elf_open(struct elf *e, const struct elf_file *f)
{
	enum { WIDE = 2, LITTLE = 1 };
	struct text t;

	*e = (struct elf){ .file = *f };
	if (!piece(e, 0, 64, &t) || t.n < 64 || memcmp(t.s, "\177ELF", 4) != 0 || t.s[4] != WIDE ||
	    t.s[5] != LITTLE)
		return false;
	uint64_t segments = elf_number(t, 32, 8), sections = elf_number(t, 40, 8);
	uint64_t segment_size = elf_number(t, 54, 2), nsegments = elf_number(t, 56, 2);
	uint64_t section_size = elf_number(t, 58, 2), nsections = elf_number(t, 60, 2);
	uint64_t names = elf_number(t, 62, 2);
	if (segment_size == SEGMENT_SIZE)
		read_segments(e, segments, nsegments);
	if (section_size == SECTION_SIZE && nsections > 0)
		read_sections(e, sections, nsections, names);
	return e->nsegments > 0;
}

bool
elf_address(const struct elf *e, uint64_t at, uint64_t *address)
{
	for (unsigned i = 0; i < e->nsegments; i++) {
		const struct elf_part *p = &e->segments[i];
		if (p->code && at >= p->at && at - p->at < p->size) {
			*address = p->address + (at - p->at);
			return true;
		}
	}
	return false;
}

bool
elf_read(const struct elf *e, uint64_t address, size_t n, struct text *out)
{
	for (unsigned i = 0; i < e->nsegments; i++) {
		const struct elf_part *p = &e->segments[i];
		uint64_t from = address - p->address;
		if (address >= p->address && from < p->size)
			return piece_of(e, p, from, n, out);
	}
	return false;
}

/* ---- Names */

enum { SYMBOL_SIZE = 24, ALIASES_MOST = 6 };

/* The symbols that cover an address. */
struct candidates {
	struct {
		uint64_t start, end;
		uint32_t name;
	} v[ALIASES_MOST];
	size_t n;
};

/* A symbol that ends before another one of the same address is nearer. */
static void
add_candidate(struct candidates *c, uint64_t start, uint64_t end, uint32_t name)
{
	if (c->n > 0 && start < c->v[0].start)
		return;
	if (c->n > 0 && start > c->v[0].start)
		c->n = 0;
	if (c->n == ALIASES_MOST)
		return;
	c->v[c->n].start = start;
	c->v[c->n].end = end;
	c->v[c->n++].name = name;
}

static void
try_symbol(struct text s, const struct symbol *v, size_t n, struct candidates *c)
{
	enum { FUNCTION = 2, INDIRECT = 10, NO_TYPE = 0 };
	unsigned type = (unsigned)s.s[4] & 15;
	uint64_t start = elf_number(s, 8, 8), size = elf_number(s, 16, 8);

	if ((type != FUNCTION && type != INDIRECT && type != NO_TYPE) || elf_number(s, 6, 2) == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		bool covers = v[i].address >= start && v[i].address - start < size;
		if (*v[i].name || !(covers || (size == 0 && start == v[i].begins)))
			continue;
		add_candidate(
		    &c[i], start, covers ? start + size : 0, (uint32_t)elf_number(s, 0, 4));
	}
}

static void
find_symbols(const struct elf *e, const struct elf_part *table, const struct symbol *v, size_t n,
    struct candidates *c)
{
	const size_t step = ELF_PIECE / SYMBOL_SIZE * SYMBOL_SIZE;
	uint64_t size = table->size < (uint64_t)ELF_SYMBOLS_MOST * SYMBOL_SIZE ?
	    table->size :
	    (uint64_t)ELF_SYMBOLS_MOST * SYMBOL_SIZE;
	struct text t;

	for (uint64_t done = 0; done + SYMBOL_SIZE <= size; done += step) {
		uint64_t left = size - done;
		if (!piece_of(e, table, done, left < step ? left : step, &t))
			return;
		for (size_t i = 0; i + SYMBOL_SIZE <= t.n; i += SYMBOL_SIZE)
			try_symbol((struct text){ t.s + i, SYMBOL_SIZE }, v, n, c);
		if (t.n < step)
			return;
	}
}

static bool
read_name(
    const struct elf *e, const struct elf_part *names, uint32_t at, char out[SYMBOL_NAME_MOST])
{
	struct text t;

	if (!piece_of(e, names, at, SYMBOL_NAME_MOST, &t))
		return false;
	const char *end = memchr(t.s, '\0', t.n);
	size_t n = end ? (size_t)(end - t.s) : t.n;
	if (!end && t.n < SYMBOL_NAME_MOST)
		return false;
	bool cut = n >= SYMBOL_NAME_MOST;
	n = cut ? SYMBOL_NAME_MOST - 4 : n;
	memcpy(out, t.s, n);
	strcpy(out + n, cut ? "..." : "");
	return n > 0;
}

/* Of read, __read and __libc_read, the first is what people write. */
static bool
is_plainer(const char *a, const char *b)
{
	size_t n = strspn(a, "_"), m = strspn(b, "_");

	if (n != m)
		return n < m;
	return strlen(a) != strlen(b) ? strlen(a) < strlen(b) : strcmp(a, b) < 0;
}

static void
choose(
    const struct elf *e, const struct elf_part *names, const struct candidates *c, struct symbol *s)
{
	char name[SYMBOL_NAME_MOST];

	for (size_t i = 0; i < c->n; i++) {
		if (!read_name(e, names, c->v[i].name, name) ||
		    (*s->name && !is_plainer(name, s->name)))
			continue;
		memcpy(s->name, name, sizeof name);
		s->start = c->v[i].start;
		s->end = c->v[i].end;
	}
}

void
elf_name(const struct elf *e, struct symbol *v, size_t n)
{
	const struct elf_part *tables[2][2] = { { &e->symbols, &e->names },
		{ &e->dynamic, &e->dynamic_names } };
	struct candidates c[SYMBOLS_AT_ONCE];

	n = n < SYMBOLS_AT_ONCE ? n : SYMBOLS_AT_ONCE;
	for (size_t i = 0; i < n; i++)
		*v[i].name = '\0';
	for (int table = 0; table < 2; table++) {
		memset(c, 0, sizeof c);
		find_symbols(e, tables[table][0], v, n, c);
		for (size_t i = 0; i < n; i++)
			if (!*v[i].name)
				choose(e, tables[table][1], &c[i], &v[i]);
	}
}
