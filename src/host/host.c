#include "host/host.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"

bool
sample_before(const struct sample *a, const struct sample *b)
{
	return a->boot != b->boot ? a->boot < b->boot : a->mono_ns < b->mono_ns;
}

int
host_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m)
{
	return h->ops->next(h, deadline_ns, kind, m);
}

static void
tell_observer(const struct observer *o, const char *path, int error, const struct text *text)
{
	struct text t = error ? (struct text){ "", 0 } : *text, word;
	enum observed wants = o->wants(path);
	uint64_t first;

	if (wants == OBSERVED_TEXT)
		o->read(o->about, path, error, t);
	while (wants == OBSERVED_NUMBER && text_word(&t, &word))
		if (text_u64(word, &first) == 0) {
			o->number(o->about, path, first);
			return;
		}
}

int64_t
sample_ahead_ns(const struct sample *m)
{
	return m->real_ns - (m->boot_ns >= m->mono_ns ? m->boot_ns : m->mono_ns);
}

int
host_read(struct host *h, const char *path, struct text *text)
{
	int result = h->ops->read(h, path, text), error = errno;

	if (h->observer)
		tell_observer(h->observer, path, result < 0 ? error : 0, text);
	errno = error;
	return result;
}

void
parser_find(const struct parser *p, struct text t, struct keyed_list *out)
{
	out->n = 0;
	if (p->find)
		p->find(t, out);
	else
		keyed_parse(t, p->keys, p->nkeys, keyed_list_add(out, p->nkeys));
}

int
parser_apply(const struct parser *p, struct text t, void *out)
{
	struct keyed_list found = { 0 };

	if (p->parse)
		return p->parse(t, out);
	parser_find(p, t, &found);
	int result = p->set(found.v, found.n, out);
	keyed_list_free(&found);
	return result;
}

int
host_parse(struct host *h, const char *path, const struct parser *p, void *out)
{
	struct text text;

	if (h->ops->parse)
		return h->ops->parse(h, path, p, out);
	return host_read(h, path, &text) < 0 ? -1 : parser_apply(p, text, out);
}

/* ---- Paths in parts */

bool
path_join(const struct path_parts *p, char path[PATH_MAX])
{
	size_t top = strlen(p->top), rel = strlen(p->rel), file = strlen(p->file);
	char *end = path;

	if (top + rel + file + 2 > PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	end = mempcpy(end, p->top, top);
	end = mempcpy(end, p->rel, rel);
	*end++ = '/';
	memcpy(end, p->file, file + 1);
	return true;
}

int
host_read_parts(struct host *h, const struct path_parts *parts, struct text *text)
{
	char path[PATH_MAX];

	if (h->ops->read_parts)
		return h->ops->read_parts(h, parts, text);
	return path_join(parts, path) ? host_read(h, path, text) : -1;
}

int
host_parse_parts(struct host *h, const struct path_parts *parts, const struct parser *p, void *out)
{
	char path[PATH_MAX];

	if (h->ops->parse_parts)
		return h->ops->parse_parts(h, parts, p, out);
	return path_join(parts, path) ? host_parse(h, path, p, out) : -1;
}

/* ---- Other calls */

int
host_list(struct host *h, const char *path, struct text *names)
{
	return h->ops->list(h, path, names);
}

void
host_observe(struct host *h, const struct observer *o)
{
	if (h->ops->observe)
		h->ops->observe(h, o);
	else
		h->observer = o;
}

int
host_link(struct host *h, const char *path, struct text *target)
{
	return h->ops->link(h, path, target);
}

int
host_provide(struct host *h, const char *path, const struct provided *p)
{
	if (h->ops->provide)
		return h->ops->provide(h, path, p);
	return fail_with(EOPNOTSUPP);
}

void
host_unprovide(struct host *h, const char *path)
{
	if (h->ops->unprovide)
		h->ops->unprovide(h, path);
}

const struct provided *
host_measures(struct host *h, const char *path)
{
	return h->ops->measures ? h->ops->measures(h, path) : NULL;
}

int
host_part(struct host *h, const char *path, uint64_t at, size_t n, struct text *text)
{
	return h->ops->part ? h->ops->part(h, path, at, n, text) : fail_with(EOPNOTSUPP);
}

int
host_wait_memory(struct host *h, struct memory_ask *m)
{
	return h->ops->wait_memory ? h->ops->wait_memory(h, m) : fail_with(EOPNOTSUPP);
}

int
host_about(struct host *h, const char *path, struct host_file *out)
{
	return h->ops->about ? h->ops->about(h, path, out) : fail_with(EOPNOTSUPP);
}

int
host_memory(struct host *h, uint32_t pid, uint64_t at, size_t n, struct memory_read *out)
{
	return h->ops->memory ? h->ops->memory(h, pid, at, n, out) : fail_with(EOPNOTSUPP);
}

int
host_memory_pieces(struct host *h, uint32_t pid, struct memory_piece *v, size_t n, uint32_t *space)
{
	return h->ops->pieces ? h->ops->pieces(h, pid, v, n, space) : fail_with(EOPNOTSUPP);
}

int
host_count(struct host *h, const char *path, uint64_t *n)
{
	if (h->ops->count)
		return h->ops->count(h, path, n);
	return fail_with(EOPNOTSUPP);
}

int
host_clock(struct host *h, uint32_t pid, uint64_t *ns)
{
	return h->ops->clock ? h->ops->clock(h, pid, ns) : fail_with(EOPNOTSUPP);
}

int
host_links(struct host *h, const char *path, uint64_t *n)
{
	return h->ops->links ? h->ops->links(h, path, n) : fail_with(EOPNOTSUPP);
}

uint64_t
host_lists(struct host *h)
{
	return h->ops->lists ? h->ops->lists(h) : 0;
}

bool
host_losses(struct host *h, char *out, size_t n)
{
	return h->ops->losses && h->ops->losses(h, out, n);
}

void
host_close(struct host *h)
{
	h->ops->close(h);
}

/* ---- The tools of a sample */

static bool
is_listed(const char *names, const char *name)
{
	const size_t n = strlen(name);

	for (; *names; names += strcspn(names, " "), names += *names == ' ')
		if (strncmp(names, name, n) == 0 && (names[n] == ' ' || names[n] == '\0'))
			return true;
	return false;
}

bool
host_left_out(const struct host *h, const char *tool)
{
	return is_listed(h->left_out, tool) ||
	    (*h->left_out && *h->tools && !is_listed(h->tools, tool));
}

/* A line is the name of a tool and 1 if it read the sample, else 0; more may follow. */
void
host_set_left_out(struct host *h, struct text t)
{
	struct text line, name;
	uint64_t read;
	size_t n = 0;

	while (text_line(&t, &line)) {
		if (!text_word(&line, &name) || text_next_u64(&line, &read) < 0 || read ||
		    n + name.n + 2 > sizeof h->left_out)
			continue;
		memcpy(h->left_out + n, name.s, name.n);
		n += name.n;
		h->left_out[n++] = ' ';
	}
	h->left_out[n] = '\0';
}

/* ---- Facts as text */

enum { FACTS = 6 };

/* A fact is a string or a number. */
struct fact {
	const char *key;
	char *string;
	uint64_t *number;
};

static void
list_facts(struct host_facts *f, struct fact out[FACTS])
{
	const struct fact all[FACTS] = {
		{ "ticks", NULL, &f->ticks_per_s },
		{ "page", NULL, &f->page_size },
		{ "cpus", NULL, &f->cpus },
		{ "hostname", f->name, NULL },
		{ "release", f->release, NULL },
		{ "machine", f->machine, NULL },
	};

	memcpy(out, all, sizeof all);
}

void
facts_begin(struct host_facts *f)
{
	*f = (struct host_facts){ .ticks_per_s = 100, .page_size = 4096 };
}

void
facts_parse(struct text t, struct host_facts *f)
{
	struct fact all[FACTS];
	struct text value, word;
	uint64_t v;

	list_facts(f, all);
	for (int i = 0; i < FACTS; i++) {
		if (!facts_find(t, all[i].key, &value) || !text_word(&value, &word))
			continue;
		if (all[i].string) {
			memset(all[i].string, 0, sizeof f->name);
			memcpy(all[i].string, word.s,
			    word.n < sizeof f->name ? word.n : sizeof f->name - 1);
		} else if (text_u64(word, &v) == 0 && v > 0 && v <= 1 << 24) {
			*all[i].number = v;
		}
	}
}

void
facts_print(const struct host_facts *f, struct buf *b)
{
	struct host_facts copy = *f;
	struct fact all[FACTS];

	list_facts(&copy, all);
	for (int i = 0; i < FACTS; i++) {
		if (all[i].string ? !*all[i].string : !*all[i].number)
			continue;
		buf_text(b, all[i].key);
		buf_char(b, ' ');
		if (all[i].string)
			buf_text(b, all[i].string);
		else
			buf_u64(b, *all[i].number, 1);
		buf_char(b, '\n');
	}
}

bool
facts_find(struct text t, const char *key, struct text *value)
{
	struct text line, word;

	while (text_line(&t, &line)) {
		if (!text_word(&line, &word) || !text_eq(word, key))
			continue;
		while (line.n > 0 && *line.s == ' ')
			line = (struct text){ line.s + 1, line.n - 1 };
		*value = line;
		return true;
	}
	return false;
}
