#include "proc/program.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"

/* ---- Versions */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Copies the digits and single points at the start of t, without a point at the end. False if there
 * are none, or too many. */
static bool
take_version(struct text t, char version[VERSION_MOST])
{
	size_t n = 0;

	while (n < t.n && n < VERSION_MOST &&
	    (is_digit(t.s[n]) || (t.s[n] == '.' && n > 0 && t.s[n - 1] != '.')))
		n++;
	while (n > 0 && t.s[n - 1] == '.')
		n--;
	if (n == 0 || n >= VERSION_MOST)
		return false;
	memcpy(version, t.s, n);
	version[n] = '\0';
	return true;
}

bool
version_after(struct text t, const char *before, char version[VERSION_MOST])
{
	const char *at = text_find(t, before);

	if (!at)
		return false;
	at += strlen(before);
	return take_version((struct text){ at, t.n - (size_t)(at - t.s) }, version);
}

struct version
version_of(const char *version)
{
	struct text rest = text_of(version), part;
	uint64_t v[3] = { 0 };

	for (int i = 0; i < 3 && text_split(&rest, '.', &part); i++)
		if (text_u64(part, &v[i]) < 0 || v[i] > 9999)
			v[i] = 0;
	return (struct version){ (unsigned)v[0], (unsigned)v[1], (unsigned)v[2] };
}

bool
java_release_parse(struct text t, char version[VERSION_MOST])
{
	struct text line;

	while (text_line(&t, &line))
		if (text_skip(&line, "JAVA_VERSION=\""))
			return take_version(line, version);
	return false;
}

static bool
header_number(struct text t, const char *name, uint64_t *v)
{
	struct text line, word;

	while (text_line(&t, &line))
		if (text_word(&line, &word) && text_eq(word, "#define") &&
		    text_word(&line, &word) && text_eq(word, name))
			return text_next_u64(&line, v) == 0 && *v <= 9999;
	return false;
}

bool
node_header_parse(struct text t, char version[VERSION_MOST])
{
	static const char *const names[] = { "NODE_MAJOR_VERSION", "NODE_MINOR_VERSION",
		"NODE_PATCH_VERSION" };
	char *end = version;

	for (int i = 0; i < 3; i++) {
		uint64_t v;
		if (!header_number(t, names[i], &v))
			return false;
		if (i > 0)
			*end++ = '.';
		end = put_digits(end, v, 1);
	}
	*end = '\0';
	return true;
}

/* ---- ELF */

enum { SECTIONS_MOST = 256, NAMES_MOST = 16 << 10 };

struct elf {
	struct program_file *file;
	bool wide, big; /* 64 bits; big endian */
	uint64_t sections, segments;
	size_t section_size, segment_size;
	unsigned nsections, nsegments, names;
};

/* Reads at most n bytes. An offset that is no valid one, and a budget that is used up, give an empty
 * text. */
static int
piece(struct program_file *f, uint64_t at, size_t n, struct text *out)
{
	*out = (struct text){ "", 0 };
	if (n > f->budget)
		n = f->budget;
	if (n == 0 || at > INT64_MAX / 2)
		return 0;
	f->budget -= n;
	if (f->read(f->ctx, at, n, out) < 0)
		return -1;
	if (out->n > n)
		out->n = n;
	return 0;
}

/* The number of n bytes at the offset; 0 beyond the end. */
static uint64_t
number(const struct elf *e, struct text t, size_t at, size_t n)
{
	uint64_t v = 0;

	if (at > t.n || n > t.n - at)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)t.s[at + (e->big ? i : n - 1 - i)];
	return v;
}

/* A number that has 4 bytes in 32 bits and 8 in 64, at these offsets. */
static uint64_t
wide_number(const struct elf *e, struct text t, size_t narrow_at, size_t wide_at)
{
	return e->wide ? number(e, t, wide_at, 8) : number(e, t, narrow_at, 4);
}

static bool
read_header(struct elf *e)
{
	struct text t;

	if (piece(e->file, 0, 64, &t) < 0 || t.n < 52 || memcmp(t.s, "\177ELF", 4) != 0)
		return false;
	e->wide = t.s[4] == 2;
	e->big = t.s[5] == 2;
	e->segments = wide_number(e, t, 28, 32);
	e->sections = wide_number(e, t, 32, 40);
	e->segment_size = (size_t)number(e, t, e->wide ? 54 : 42, 2);
	e->nsegments = (unsigned)number(e, t, e->wide ? 56 : 44, 2);
	e->section_size = (size_t)number(e, t, e->wide ? 58 : 46, 2);
	e->nsections = (unsigned)number(e, t, e->wide ? 60 : 48, 2);
	e->names = (unsigned)number(e, t, e->wide ? 62 : 50, 2);
	if (e->nsections > SECTIONS_MOST)
		e->nsections = SECTIONS_MOST;
	return true;
}

struct place {
	uint64_t at, size, name;
};

/* The places of the sections; returns how many. */
static unsigned
list_sections(struct elf *e, struct place v[SECTIONS_MOST])
{
	struct text t;
	unsigned n = 0;

	if (e->section_size < 40 || e->section_size > 256 || !e->nsections ||
	    piece(e->file, e->sections, e->nsections * e->section_size, &t) < 0)
		return 0;
	while (n < e->nsections && t.n >= (n + 1) * e->section_size) {
		struct text s = { t.s + n * e->section_size, e->section_size };
		v[n++] = (struct place){ wide_number(e, s, 16, 24), wide_number(e, s, 20, 32),
			number(e, s, 0, 4) };
	}
	return n;
}

/* Whether the name at the offset is this one, with its NUL. */
static bool
is_named(struct text names, uint64_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at <= names.n && n <= names.n - at && memcmp(names.s + at, name, n) == 0;
}

/* ---- Go */

static const char go_magic[] = "\xff Go buildinf:";

enum { GO_MAGIC = sizeof go_magic - 1, GO_HEADER = 32, GO_MARKER = 16, GO_MOST = 256 << 10 };

/* A string after its length, in seven bits a byte. */
static bool
take_string(struct text *t, struct text *out)
{
	uint64_t n = 0;
	size_t i = 0;
	unsigned char c;

	do {
		if (i == t->n || i == 9)
			return false;
		c = (unsigned char)t->s[i];
		n |= (uint64_t)(c & 0x7f) << (7 * i++);
	} while (c & 0x80);
	if (n > t->n - i)
		return false;
	*out = (struct text){ t->s + i, (size_t)n };
	*t = (struct text){ out->s + n, t->n - i - (size_t)n };
	return true;
}

/* "build\tDefaultGODEBUG=asynctimerchan=1,containermaxprocs=0,…" */
static void
parse_debug(struct text settings, struct program *out)
{
	struct text setting;

	while (text_split(&settings, ',', &setting))
		if (text_eq(setting, "containermaxprocs=0"))
			out->go_ignores_quota = true;
}

static void
parse_modules(struct text t, struct program *out)
{
	struct text line;

	if (t.n < 2 * GO_MARKER)
		return;
	t = (struct text){ t.s + GO_MARKER, t.n - 2 * GO_MARKER };
	while (text_line(&t, &line)) {
		out->go_modules |= text_skip(&line, "build\t");
		if (text_skip(&line, "DefaultGODEBUG="))
			parse_debug(line, out);
		else if (text_skip(&line, "dep\tgo.uber.org/automaxprocs\t"))
			out->go_automaxprocs = true;
	}
}

/* Before Go 1.18 there are addresses instead of the strings: those are not followed. */
bool
go_build_parse(struct text t, struct program *out)
{
	struct text rest, version, modules;

	if (t.n < GO_HEADER || memcmp(t.s, go_magic, GO_MAGIC) != 0)
		return false;
	if (!(t.s[GO_MAGIC + 1] & 2)) {
		strcpy(out->go, "1.17");
		return true;
	}
	rest = (struct text){ t.s + GO_HEADER, t.n - GO_HEADER };
	if (!take_string(&rest, &version) || !text_skip(&version, "go") ||
	    !take_version(version, out->go))
		return false;
	if (take_string(&rest, &modules))
		parse_modules(modules, out);
	return true;
}

/* Finds the magic bytes, which are aligned to 16, in a writable segment. */
static void
search_go(struct elf *e, uint64_t at, uint64_t size, struct program *out)
{
	enum { STEP = 64 << 10, SEARCH_MOST = 1 << 20 };
	struct text t;

	for (uint64_t done = 0; done < size && done < SEARCH_MOST; done += STEP) {
		if (piece(e->file, at + done, STEP, &t) < 0 || t.n == 0)
			return;
		for (size_t i = 0; i + GO_MAGIC <= t.n; i += 16) {
			if (memcmp(t.s + i, go_magic, GO_MAGIC) != 0)
				continue;
			if (piece(e->file, at + done + i, GO_MOST, &t) == 0)
				go_build_parse(t, out);
			return;
		}
	}
}

static void
search_segments(struct elf *e, struct program *out)
{
	enum { LOAD = 1, WRITABLE = 2, SEGMENTS_MOST = 32 };
	struct place v[SEGMENTS_MOST];
	struct text t;
	unsigned n = 0;

	if (e->segment_size < 32 || e->segment_size > 256 || !e->nsegments ||
	    piece(e->file, e->segments,
		(e->nsegments < SEGMENTS_MOST ? e->nsegments : SEGMENTS_MOST) * e->segment_size,
		&t) < 0)
		return;
	for (size_t i = 0; n < SEGMENTS_MOST && t.n >= (i + 1) * e->segment_size; i++) {
		struct text s = { t.s + i * e->segment_size, e->segment_size };
		if (number(e, s, 0, 4) == LOAD && number(e, s, e->wide ? 4 : 24, 4) & WRITABLE)
			v[n++] =
			    (struct place){ wide_number(e, s, 4, 8), wide_number(e, s, 16, 32), 0 };
	}
	for (unsigned i = 0; i < n && !*out->go; i++)
		search_go(e, v[i].at, v[i].size, out);
}

/* ---- Sections */

static void
read_go(struct elf *e, const struct place *p, struct program *out)
{
	struct text t;

	if (piece(e->file, p->at, p->size < GO_MOST ? (size_t)p->size : GO_MOST, &t) == 0)
		go_build_parse(t, out);
}

static void
read_comment(struct elf *e, const struct place *p, struct program *out)
{
	struct text t;

	if (piece(e->file, p->at, p->size < 8192 ? (size_t)p->size : 8192, &t) == 0)
		version_after(t, "rustc version ", out->rust);
}

/* The version is in the first half megabyte of the constants. */
static void
read_constants(struct elf *e, const struct place *p, struct program *out)
{
	enum { STEP = 256 << 10, OVERLAP = 64, SEARCH_MOST = 2 << 20 };
	struct text t;

	for (uint64_t done = 0; done < p->size && done < SEARCH_MOST; done += STEP - OVERLAP)
		if (piece(e->file, p->at + done, STEP, &t) < 0 || t.n == 0 ||
		    version_after(t, "/download/release/v", out->node))
			return;
}

static void
read_sections(struct elf *e, struct program *out)
{
	static const struct {
		const char *name;
		void (*read)(struct elf *, const struct place *, struct program *);
	} known[] = { { ".go.buildinfo", read_go }, { ".comment", read_comment },
		{ ".rodata", read_constants } };
	enum { KNOWN = sizeof known / sizeof known[0] };
	struct place v[SECTIONS_MOST], found[KNOWN] = { { 0, 0, 0 } };
	unsigned n = list_sections(e, v);
	struct text names;

	if (e->names >= n ||
	    piece(e->file, v[e->names].at,
		v[e->names].size < NAMES_MOST ? (size_t)v[e->names].size : NAMES_MOST, &names) < 0)
		return;
	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < KNOWN; k++)
			if (is_named(names, v[i].name, known[k].name))
				found[k] = v[i];
	for (int k = 0; k < KNOWN; k++)
		if (found[k].size > 0 && (known[k].read != read_constants || e->file->node))
			known[k].read(e, &found[k], out);
}

int
program_parse(struct program_file *f, struct program *out)
{
	struct elf e = { .file = f };
	struct text t;

	*out = (struct program){ 0 };
	f->budget = PROGRAM_MOST;
	if (piece(f, 0, 4, &t) < 0)
		return -1;
	if (!read_header(&e))
		return 0;
	out->elf = true;
	read_sections(&e, out);
	if (!*out->go && !*out->rust && !f->node)
		search_segments(&e, out);
	return 0;
}
