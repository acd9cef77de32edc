#include "tools/wait/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "proc/maps.h"
#include "proc/mountinfo.h"
#include "proc/task.h"
#include "tools/wait/perf_map.h"

/* What is mapped is looked at again after this long, and read again after SURE_NS, or if its size has
 * changed. */
static const int64_t LOOK_NS = 1000000000, SURE_NS = 8000000000;

static const uint64_t SUM_START = 0xcbf29ce484222325, SUM_FACTOR = 0x100000001b3; /* FNV-1a */

enum {
	SPACES_MOST = 256,
	CODES_MOST = 2048,
	AREAS_MOST = 16384,
	HEAD = 4096,
	PATH_ROOM = 1024,
	LABEL_ROOM = SYMBOL_NAME_MOST + 24
};

/* A file that is mapped. */
struct image {
	struct elf elf;
	bool opened, known; /* it was tried; it is the file that is mapped */
	bool vouched;       /* the kernel says so; else it may be replaced later */
	struct host_file file;
	char *path; /* for host_part; NULL: it is read from memory at `from` */
	uint64_t from;
	char *mapped; /* as in maps */
	bool summed;  /* the sum of its first bytes in memory is known */
	uint64_t sum;
	struct space *space;
};

/* Executable memory. */
struct area {
	uint64_t start, end, at;
	int image; /* -1: anonymous */
};

/* What is known of an address in code. */
struct code {
	uint64_t pc;
	int area;
	enum code_kind kind;
	bool named, unsure;     /* tried; no name is known, and one may come */
	bool jit;               /* its name comes from a perf map */
	struct frame_rule rule; /* in addresses of the process */
	uint64_t address;       /* in the file */
	char label[LABEL_ROOM]; /* the name, or file and offset */
};

struct space {
	struct space_owner owner;
	struct watch *watch;
	int64_t looked_ns; /* 0: never */
	int64_t read_ns;
	struct keyed size; /* pages that were mapped then */
	int64_t used_ns;   /* the last sample that checked images */
	uint64_t generation;
	bool names_change; /* those that were asked for last */
	struct area *areas;
	size_t nareas, areas_room;
	uint64_t sum; /* of the lines about code */
	struct image **images;
	size_t nimages, images_room;
	size_t checked;                      /* the image that is checked next */
	struct image *due[SPACE_HEADS_MOST]; /* the images to check in this sample */
	size_t ndue;
	bool outdated;       /* one is no longer mapped */
	struct code **codes; /* open addressing, 2 * CODES_MOST slots */
	size_t ncodes;
	struct perf_map perf_map;
	bool map_may_wait; /* it is on a file system that may never answer */
};

struct spaces {
	struct space *v[SPACES_MOST];
	size_t n;
	uint64_t made; /* so many were */
};

/* ---- Files */

static int
read_image(void *ctx, uint64_t at, size_t n, struct text *out)
{
	struct image *i = ctx;
	struct host *h = i->space->watch->host;
	struct memory_read m;

	if (i->path)
		return host_part(h, i->path, at, n, out);
	if (host_memory(h, i->space->owner.pid, i->from + at, n, &m) < 0)
		return -1;
	*out = m.bytes;
	return 0;
}

/* Whether the file at the path begins as the mapping does. */
static bool
begins_as_mapped(struct space *s, const char *path, uint64_t start, uint64_t at)
{
	char memory[HEAD];
	struct host *h = s->watch->host;
	struct memory_read m;
	struct text t;

	if (host_memory(h, s->owner.pid, start, HEAD, &m) < 0 || m.bytes.n < HEAD)
		return false;
	memcpy(memory, m.bytes.s, HEAD);
	return host_part(h, path, at, HEAD, &t) == 0 && t.n == HEAD &&
	    memcmp(t.s, memory, HEAD) == 0;
}

static bool
take_path(struct image *i, const char *path, bool vouched)
{
	struct host *h = i->space->watch->host;

	if (host_about(h, path, &i->file) < 0)
		return false;
	i->path = xstrdup(path);
	i->vouched = vouched;
	return true;
}

/* Whether the path is on a file system that may never answer, by this file. */
static bool
may_wait(struct space *s, const char *mountinfo, const char *path)
{
	struct text t;

	if (host_read(s->watch->host, mountinfo, &t) < 0)
		return true;
	if (!mountinfo_may_wait(t, path))
		return false;
	watch_note(s->watch,
	    "programs on network and FUSE file systems are not read: their functions have no "
	    "names");
	return true;
}

/* The path of a mapped file is one of pq, or, if the process has mounts of its own, one of these. */
static bool
image_may_wait(struct image *i)
{
	char mountinfo[48];

	snprintf(mountinfo, sizeof mountinfo, "proc/%u/mountinfo", i->space->owner.pid);
	return may_wait(i->space, mountinfo, i->mapped) ||
	    may_wait(i->space, "proc/self/mountinfo", i->mapped);
}

/* Finds the mapped file: as the kernel gives it out, which needs privilege; as the program of the
 * process; or by its name, if it begins with what is in memory. The name is that in the root of the
 * process, or of pq. */
static bool
find_file(struct image *i, const struct area *a)
{
	struct space *s = i->space;
	char path[PATH_ROOM + 64];
	struct text link;

	if (image_may_wait(i))
		return false;
	snprintf(path, sizeof path, "proc/%u/map_files/%llx-%llx", s->owner.pid,
	    (unsigned long long)a->start, (unsigned long long)a->end);
	if (take_path(i, path, true))
		return true;
	snprintf(path, sizeof path, "proc/%u/exe", s->owner.pid);
	if (host_link(s->watch->host, path, &link) == 0 && text_eq(link, i->mapped) &&
	    begins_as_mapped(s, path, i->from, 0) && take_path(i, path, true))
		return true;
	snprintf(path, sizeof path, "proc/%u/root%s", s->owner.pid, i->mapped);
	if (begins_as_mapped(s, path, i->from, 0) && take_path(i, path, false))
		return true;
	snprintf(path, sizeof path, "proc/self/root%s", i->mapped);
	return begins_as_mapped(s, path, i->from, 0) && take_path(i, path, false);
}

static uint64_t
sum_of(const char *head)
{
	uint64_t sum = SUM_START, word;

	for (size_t at = 0; at < HEAD; at += sizeof word) {
		memcpy(&word, head + at, sizeof word);
		sum = (sum ^ word ^ sum >> 29) * SUM_FACTOR;
	}
	return sum;
}

/* Sums the first bytes of the image in memory. False: they are not there. */
static bool
sum_head(struct image *i, uint64_t *sum)
{
	struct memory_read m;

	if (host_memory(i->space->watch->host, i->space->owner.pid, i->from, HEAD, &m) < 0 ||
	    m.bytes.n < HEAD)
		return false;
	*sum = sum_of(m.bytes.s);
	return true;
}

static bool
is_as_before(struct image *i)
{
	struct host_file now;

	return host_about(i->space->watch->host, i->path, &now) == 0 && now.size == i->file.size &&
	    now.changed_ns == i->file.changed_ns;
}

/* Whether the file is still mapped there: the process may have mapped another one since. `head`: its first bytes
 * in memory, if they have been read already; else NULL. */
static bool
is_mapped(struct image *i, const char *head)
{
	uint64_t sum;

	if (!i->known || !i->path)
		return true;
	if (i->summed && head)
		return sum_of(head) == i->sum;
	if (i->summed && sum_head(i, &sum))
		return sum == i->sum;
	return !i->vouched || is_as_before(i);
}

static void
open_image(struct image *i, const struct area *a)
{
	struct elf_file file = { read_image, i };
	bool memory = strcmp(i->mapped, "[vdso]") == 0;

	if (i->opened)
		return;
	i->opened = true;
	if (!memory && (*i->mapped != '/' || !find_file(i, a)))
		return;
	i->known = elf_open(&i->elf, &file);
	i->summed = i->known && !memory && sum_head(i, &i->sum);
}

/* Whether the file is still the one that was opened. */
static bool
is_same_file(struct image *i)
{
	if (i->vouched || !i->path)
		return i->known;
	i->known = i->known && is_as_before(i);
	return i->known;
}

/* ---- What is mapped */

static void
free_image(struct image *i)
{
	free(i->path);
	free(i->mapped);
	free(i);
}

static void
forget_codes(struct space *s)
{
	for (size_t i = 0; s->codes && i < 2 * CODES_MOST; i++) {
		free(s->codes[i]);
		s->codes[i] = NULL;
	}
	s->ncodes = 0;
}

static void
forget(struct space *s)
{
	forget_codes(s);
	s->generation++;
	for (size_t i = 0; i < s->nimages; i++)
		free_image(s->images[i]);
	s->nimages = s->nareas = s->ndue = 0;
}

/* The image of a file; `from`: where its first byte is mapped. */
static int
add_image(struct space *s, const char *mapped, uint64_t from)
{
	for (size_t i = s->nimages; i-- > 0;)
		if (strcmp(s->images[i]->mapped, mapped) == 0 && s->images[i]->from == from)
			return (int)i;
	struct image *image = xmalloc(sizeof *image);
	*image = (struct image){ .mapped = xstrdup(mapped), .from = from, .space = s };
	s->images = xgrow(s->images, s->nimages, &s->images_room, sizeof(struct image *));
	s->images[s->nimages] = image;
	return (int)s->nimages++;
}

/* The file that was mapped last from its first byte on: the kernel lists mappings by address, and
 * linkers lay out a file in one piece. */
struct first {
	char path[PATH_ROOM];
	uint64_t start;
};

static void
add_mapping(struct space *s, const struct mapping *m, struct first *first)
{
	char path[PATH_ROOM];

	if (!mapping_path(m->path, path, sizeof path))
		return;
	if (*path && m->at == 0 && m->readable) {
		memcpy(first->path, path, sizeof path);
		first->start = m->start;
	}
	if (!m->code || s->nareas == AREAS_MOST)
		return;
	bool file = *path == '/' || strcmp(path, "[vdso]") == 0;
	if (*path && !file && strncmp(path, "[anon", 5) != 0 && strcmp(path, "[heap]") != 0)
		return;
	s->areas = xgrow(s->areas, s->nareas, &s->areas_room, sizeof *s->areas);
	struct area *a = &s->areas[s->nareas++];
	*a = (struct area){ m->start, m->end, m->at, -1 };
	if (file)
		a->image = add_image(s, path, strcmp(first->path, path) == 0 ? first->start : 0);
}

static uint64_t
add_sum(uint64_t sum, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		sum = (sum ^ (unsigned char)t.s[i]) * SUM_FACTOR;
	return sum;
}

/* Goes through the lines of maps. Its text comes in parts, and lines may be cut by them. */
static int
each_mapping(struct space *s, void (*f)(struct space *, struct text line, void *), void *ctx)
{
	struct host *h = s->watch->host;
	struct buf lines = { 0 };
	char path[48];
	struct text t, rest, line;
	uint64_t at = 0;

	snprintf(path, sizeof path, "proc/%u/maps", s->owner.pid);
	for (;;) {
		if (host_part(h, path, at, ELF_PIECE, &t) < 0) {
			int error = errno;
			buf_free(&lines);
			return fail_with(error);
		}
		if (t.n == 0 || at > 64 << 20)
			break;
		at += t.n;
		buf_add(&lines, t.s, t.n);
	}
	for (rest = (struct text){ lines.s, lines.n }; text_whole_line(&rest, &line);)
		f(s, line, ctx);
	buf_free(&lines);
	return at > 0 ? 0 : fail_with(ESRCH);
}

static void
sum_line(struct space *s, struct text line, void *ctx)
{
	struct mapping m;

	(void)s;
	if (mapping_parse(line, &m) && m.code)
		*(uint64_t *)ctx = add_sum(*(uint64_t *)ctx, line);
}

static void
take_line(struct space *s, struct text line, void *ctx)
{
	struct mapping m;

	if (mapping_parse(line, &m))
		add_mapping(s, &m, ctx);
}

/* How many pages are mapped: the first number of statm. */
static struct keyed
read_size(struct space *s)
{
	char path[48];
	struct text text;
	uint64_t v;

	snprintf(path, sizeof path, "proc/%u/statm", s->owner.pid);
	if (host_read(s->watch->host, path, &text) < 0 || text_next_u64(&text, &v) < 0)
		return (struct keyed){ 0 };
	return keyed_of(v);
}

size_t
space_heads(struct space *s, struct watch *w, struct memory_piece out[SPACE_HEADS_MOST])
{
	s->watch = w;
	s->ndue = 0;
	for (size_t i = 0; i < s->nimages && s->ndue < SPACE_HEADS_MOST; i++) {
		struct image *image = s->images[s->checked++ % s->nimages];
		if (!image->known || !image->path)
			continue;
		out[s->ndue] = (struct memory_piece){ .at = image->from, .n = HEAD };
		s->due[s->ndue++] = image;
	}
	return s->ndue;
}

void
space_take_heads(struct space *s, const struct memory_piece *v)
{
	for (size_t i = 0; i < s->ndue && !s->outdated; i++)
		s->outdated = !is_mapped(s->due[i], v[i].bytes.n == HEAD ? v[i].bytes.s : NULL);
	s->used_ns = s->watch->now_ns;
}

int
space_look(struct space *s, struct watch *w)
{
	struct first first = { .start = 0 };
	uint64_t sum = SUM_START;
	struct keyed size;

	s->watch = w;
	if (s->used_ns != w->now_ns) {
		struct memory_piece unread[SPACE_HEADS_MOST];
		space_heads(s, w, unread);
		space_take_heads(s, unread);
	}
	if (s->outdated) {
		forget(s);
		s->looked_ns = 0;
		s->outdated = false;
	}
	if (s->looked_ns && w->now_ns - s->looked_ns < LOOK_NS)
		return 0;
	size = read_size(s);
	if (s->looked_ns && w->now_ns - s->read_ns < SURE_NS && size.known && s->size.known &&
	    size.v == s->size.v) {
		s->looked_ns = w->now_ns;
		return 0;
	}
	if (each_mapping(s, sum_line, &sum) < 0)
		return -1;
	if (!s->looked_ns || sum != s->sum) {
		forget(s);
		if (each_mapping(s, take_line, &first) < 0)
			return -1;
	}
	s->sum = sum;
	s->size = size;
	s->looked_ns = s->read_ns = w->now_ns;
	return 0;
}

static int
find_area(const struct space *s, uint64_t pc)
{
	size_t from = 0, to = s->nareas;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (pc < s->areas[middle].start)
			to = middle;
		else if (pc >= s->areas[middle].end)
			from = middle + 1;
		else
			return (int)middle;
	}
	return -1;
}

size_t
space_code(struct space *s, uint64_t at, size_t n, unsigned char *out)
{
	int area = find_area(s, at);
	struct memory_read m;

	if (area < 0 || host_memory(s->watch->host, s->owner.pid, at, n, &m) < 0)
		return 0;
	uint64_t room = s->areas[area].end - at;
	n = m.bytes.n < room ? m.bytes.n : (size_t)room;
	memcpy(out, m.bytes.s, n);
	return n;
}

/* ---- What is known of addresses */

static struct code **
slot_of(struct space *s, uint64_t pc)
{
	size_t i = (size_t)((pc * 0x9e3779b97f4a7c15) >> 40) % (2 * CODES_MOST);

	while (s->codes[i] && s->codes[i]->pc != pc)
		i = (i + 1) % (2 * CODES_MOST);
	return &s->codes[i];
}

/* Sets the rule, moved from addresses of the file to those of the process. */
static void
find_rule(struct space *s, struct code *c)
{
	const struct area *a = &s->areas[c->area];
	struct image *i = a->image >= 0 ? s->images[a->image] : NULL;

	c->kind = CODE_PLAIN;
	if (!i)
		return;
	open_image(i, a);
	if (!is_same_file(i) || !elf_address(&i->elf, c->pc - a->start + a->at, &c->address))
		return;
	if (!frames_of_elf(&i->elf, c->address, &c->rule) &&
	    !frames_of_go(&i->elf, c->address, &c->rule))
		return;
	uint64_t moved = c->pc - c->address;
	c->kind = CODE_RULED;
	c->rule.start += moved;
	c->rule.end += moved;
}

static struct code *
find_code(struct space *s, uint64_t pc)
{
	if (!s->codes) {
		s->codes = xmalloc(2 * CODES_MOST * sizeof *s->codes);
		memset(s->codes, 0, 2 * CODES_MOST * sizeof *s->codes);
	}
	struct code **slot = slot_of(s, pc), *known = *slot;
	if (known)
		return known;
	int area = find_area(s, pc);
	if (area < 0 || s->ncodes >= CODES_MOST + UNWIND_MOST)
		return NULL;
	struct code *c = xmalloc(sizeof *c);
	memset(c, 0, sizeof *c);
	c->pc = pc;
	c->area = area;
	find_rule(s, c);
	s->ncodes++;
	*slot = c;
	return c;
}

enum code_kind
space_rule(struct space *s, uint64_t pc, const struct frame_rule **out)
{
	struct code *c = find_code(s, pc);

	if (!c)
		return CODE_NONE;
	*out = &c->rule;
	return c->kind;
}

/* ---- Names */

/* A name must not look like several. */
static void
set_label(struct code *c, const char *name)
{
	size_t n = 0;

	for (; n < sizeof c->label - 1 && name[n]; n++)
		c->label[n] = (unsigned char)name[n] < ' ' || name[n] == 0x7f ? '?' : name[n];
	c->label[n] = '\0';
}

/* The file and the address in it; an anonymous address has no file. */
static void
label_unnamed(struct space *s, struct code *c)
{
	const struct area *a = &s->areas[c->area];
	const struct image *i = a->image >= 0 ? s->images[a->image] : NULL;
	uint64_t address = c->address ? c->address : c->pc - a->start + a->at;
	char text[LABEL_ROOM];

	if (i) {
		const char *slash = strrchr(i->mapped, '/');
		snprintf(text, sizeof text, "%.*s+0x%llx", SYMBOL_NAME_MOST,
		    slash ? slash + 1 : i->mapped, (unsigned long long)address);
	} else {
		snprintf(text, sizeof text, "0x%llx", (unsigned long long)c->pc);
	}
	set_label(c, text);
}

/* Takes the next codes of the same image that have no name yet. */
static size_t
collect(struct space *s, struct code **codes, size_t n, int image, struct code **out)
{
	size_t found = 0;

	for (size_t i = 0; i < n && found < SYMBOLS_AT_ONCE; i++) {
		bool again = false;
		if (!codes[i] || codes[i]->named || s->areas[codes[i]->area].image != image)
			continue;
		for (size_t j = 0; j < found; j++)
			again |= out[j] == codes[i];
		if (!again)
			out[found++] = codes[i];
	}
	return found;
}

static void
name_of_image(struct space *s, int image, struct code **v, size_t n)
{
	struct symbol symbols[SYMBOLS_AT_ONCE];
	struct image *i = s->images[image];

	for (size_t k = 0; k < n; k++) {
		bool ruled = v[k]->kind == CODE_RULED;
		symbols[k].address = v[k]->address;
		symbols[k].begins =
		    ruled ? v[k]->rule.start - v[k]->pc + v[k]->address : UINT64_MAX;
		symbols[k].name[0] = '\0';
	}
	if (is_same_file(i))
		elf_name(&i->elf, symbols, n);
	for (size_t k = 0; k < n; k++) {
		const char *name = *v[k]->rule.name ? v[k]->rule.name : symbols[k].name;
		v[k]->named = true;
		if (*name && v[k]->address)
			set_label(v[k], name);
		else
			label_unnamed(s, v[k]);
	}
}

/* Go's names come with their rules. */
static void
name_ruled(struct code *c)
{
	if (!c->named && *c->rule.name) {
		set_label(c, c->rule.name);
		c->named = true;
	}
}

/* ---- Names of code that is in no file */

/* Whether the perf map of the process can be trusted. If it has changed, names from it are forgotten,
 * as code may have moved. */
static bool
check_perf_map(struct space *s)
{
	char mountinfo[48];
	bool changed;

	if (!*s->perf_map.own) {
		perf_map_find(&s->perf_map, s->watch, s->owner.pid);
		snprintf(mountinfo, sizeof mountinfo, "proc/%u/mountinfo", s->owner.pid);
		s->map_may_wait = may_wait(s, mountinfo, s->perf_map.own);
	}
	if (s->map_may_wait || !perf_map_check(&s->perf_map, s->watch, &changed))
		return false;
	for (size_t i = 0; changed && i < 2 * CODES_MOST; i++)
		if (s->codes[i] && s->codes[i]->jit)
			s->codes[i]->named = false;
	return true;
}

static void
name_of_jit(struct space *s, struct code **v, size_t n, bool may_read)
{
	struct symbol symbols[SYMBOLS_AT_ONCE];

	for (size_t k = 0; k < n; k++) {
		symbols[k].address = v[k]->pc;
		symbols[k].name[0] = '\0';
	}
	if (may_read)
		perf_map_read(&s->perf_map, s->watch, symbols, n);
	for (size_t k = 0; k < n; k++) {
		v[k]->named = true;
		v[k]->jit = true;
		if (*symbols[k].name)
			set_label(v[k], symbols[k].name);
		else
			label_unnamed(s, v[k]);
	}
}

/* Whether the files of all these codes are still mapped. If not, everything is read again. */
static bool
have_mapped(struct space *s, struct code **codes, size_t n)
{
	int last = -1;

	for (size_t i = 0; i < n; i++) {
		int image = codes[i] ? s->areas[codes[i]->area].image : -1;
		if (image >= 0 && image != last && !is_mapped(s->images[image], NULL)) {
			s->outdated = true;
			return false;
		}
		last = image;
	}
	return true;
}

void
space_names(struct space *s, const uint64_t *pcs, size_t n, const char **out)
{
	struct code *codes[UNWIND_MOST], *some[SYMBOLS_AT_ONCE];
	size_t found;

	n = n < UNWIND_MOST ? n : UNWIND_MOST;
	for (size_t i = 0; i < n; i++) {
		codes[i] = find_code(s, pcs[i]);
		if (codes[i])
			name_ruled(codes[i]);
	}
	bool jit = false, may_read = false;
	for (size_t i = 0; i < n; i++)
		jit |= codes[i] && s->areas[codes[i]->area].image < 0;
	if (jit)
		may_read = check_perf_map(s) && perf_map_may_read(&s->perf_map, s->watch);
	while ((found = collect(s, codes, n, -1, some)) > 0)
		name_of_jit(s, some, found, may_read);
	for (int image = 0; image < (int)s->nimages; image++)
		while ((found = collect(s, codes, n, image, some)) > 0)
			name_of_image(s, image, some, found);
	bool mapped = have_mapped(s, codes, n);
	s->names_change = jit || !mapped;
	for (size_t i = 0; i < n; i++) {
		out[i] = codes[i] && mapped ? codes[i]->label : NULL;
		s->names_change |= !codes[i] || !codes[i]->named || codes[i]->unsure;
	}
}

bool
space_names_change(const struct space *s)
{
	return s->names_change;
}

uint64_t
space_generation(const struct space *s)
{
	return s->generation;
}

/* ---- All spaces */

static void
free_space(struct space *s)
{
	forget(s);
	free(s->areas);
	free(s->images);
	free(s->codes);
	free(s);
}

/* The place of the space that was used least recently. */
static size_t
oldest(const struct spaces *all)
{
	size_t at = 0;

	for (size_t i = 1; i < all->n; i++)
		if (all->v[i]->used_ns < all->v[at]->used_ns)
			at = i;
	return at;
}

struct space *
space_find(struct watch *w, struct spaces **all, const struct space_owner *owner)
{
	if (!*all) {
		*all = xmalloc(sizeof **all);
		(*all)->n = 0;
	}
	struct spaces *a = *all;
	size_t i = 0;
	while (i < a->n && a->v[i]->owner.pid != owner->pid)
		i++;
	if (i < a->n && a->v[i]->owner.number == owner->number) {
		if (a->v[i]->ncodes >= CODES_MOST)
			forget_codes(a->v[i]);
		return a->v[i];
	}
	if (i == SPACES_MOST)
		i = oldest(a);
	if (i < a->n)
		free_space(a->v[i]);
	else
		a->n++;
	a->v[i] = xmalloc(sizeof *a->v[i]);
	/* each has 2^32 generations of its own */
	*a->v[i] = (struct space){ .owner = *owner, .watch = w, .generation = ++a->made << 32 };
	return a->v[i];
}

void
spaces_free(struct spaces *all)
{
	for (size_t i = 0; all && i < all->n; i++)
		free_space(all->v[i]);
	free(all);
}
