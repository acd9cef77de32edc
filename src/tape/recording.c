/* recording: a host around a host, which puts what is read through it on a tape. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "host/host.h"
#include "tape/file.h"

struct recording {
	struct host host;
	struct host *inner;
	struct tape_writer *writer;
	struct sample now;
};

static int
record_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m)
{
	struct recording *r = (struct recording *)h;
	int got = host_next(r->inner, deadline_ns, kind, m);

	if (got > 0)
		r->now = *m;
	return got;
}

/* A file is read once for a sample: two tools see the same text. */
static const struct track *
read_before(const struct recording *r, const char *path)
{
	const struct tape_writer *w = r->writer;
	int i = map_find(&w->tracks.paths, text_of(path));

	return i >= 0 && w->tracks.v[i].touched == w->turn ? &w->tracks.v[i] : NULL;
}

static int
give(const struct track *t, struct text *text)
{
	if (t->error) {
		errno = t->error;
		return -1;
	}
	*text = (struct text){ t->now.text.s, t->now.text.n };
	return 0;
}

static int
ask(struct host *h, const char *path, enum path_mark mark, struct text *text)
{
	return mark == PATH_DIRECTORY ? host_list(h, path, text) :
	    mark == PATH_LINK         ? host_link(h, path, text) :
					host_read(h, path, text);
}

static int
get(struct recording *r, const char *path, enum path_mark mark, struct text *text)
{
	char name[PATH_LONGEST];
	bool kept = path_clean(path, mark, name, sizeof name);
	const struct track *before = kept ? read_before(r, name) : NULL;

	if (before)
		return give(before, text);
	int result = ask(r->inner, path, mark, text);
	int error = errno;
	if (kept)
		tape_writer_keep(r->writer, text_of(name), result < 0 ? error : 0, *text);
	errno = error;
	return result;
}

static int
record_read(struct host *h, const char *path, struct text *text)
{
	return get((struct recording *)h, path, PATH_FILE, text);
}

static int
record_list(struct host *h, const char *path, struct text *names)
{
	return get((struct recording *)h, path, PATH_DIRECTORY, names);
}

static int
record_link(struct host *h, const char *path, struct text *target)
{
	return get((struct recording *)h, path, PATH_LINK, target);
}

static bool
record_losses(struct host *h, char *out, size_t n)
{
	return host_losses(((struct recording *)h)->inner, out, n);
}

static int
record_provide(struct host *h, const char *path, const struct provided *p)
{
	return host_provide(((struct recording *)h)->inner, path, p);
}

static void
record_close(struct host *h)
{
	host_close(((struct recording *)h)->inner);
	free(h);
}

static const struct host_ops record_ops = { record_next, record_read, record_list, record_link,
	record_losses, record_provide, NULL, record_close };

/* "c0ffee00-…\n" */
static void
read_boot_id(struct host *inner, unsigned char id[16])
{
	static const char hex[] = "0123456789abcdef";
	struct text text;
	int digits = 0;

	if (host_read(inner, "proc/sys/kernel/random/boot_id", &text) < 0)
		return;
	memset(id, 0, 16);
	for (size_t i = 0; i < text.n && digits < 32; i++) {
		const char *digit = text.s[i] ? strchr(hex, text.s[i]) : NULL;
		if (!digit)
			continue;
		id[digits / 2] = (unsigned char)(id[digits / 2] << 4 | (digit - hex));
		digits++;
	}
}

struct host *
host_record(struct host *inner, struct tape_writer *w, struct text about)
{
	struct recording *r = xmalloc(sizeof *r);
	struct buf facts = { 0 };

	*r = (struct recording){ .host = *inner, .inner = inner, .writer = w };
	r->host.ops = &record_ops;
	facts_print(&inner->facts, &facts);
	if (inner->elsewhere)
		buf_text(&facts, "elsewhere 1\n");
	buf_add(&facts, about.s, about.n);
	tape_writer_keep(w, text_of(TAPE_FACTS), 0, (struct text){ facts.s, facts.n });
	buf_free(&facts);
	if (!inner->replay)
		read_boot_id(inner, w->segment.boot_id);
	return &r->host;
}

int
host_recorded(struct host *h, struct tape_file *f)
{
	return tape_file_sample(f, &((struct recording *)h)->now);
}
