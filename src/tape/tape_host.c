/* tape_host: a recording as a host, and a host that records what is read through another one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "host/host.h"
#include "tape/abridge.h"
#include "tape/file.h"
#include "tape/lookup.h"

/* ---- Replay. A file that was not read for a sample is as it was read last. */

struct tape {
	struct host host;
	struct tape_reader reader;
	struct lookup lookup;
	struct tape_window window;
	struct sample skip_to; /* samples before it are left out */
	bool begun;
	uint64_t run;     /* of the recorder, at the last sample */
	bool whole;       /* it has all files: others did not exist */
	bool tools_known; /* host.left_out was set since the text of TAPE_TOOLS changed */
	const struct observer *observer;
};

static void
copy_fact(struct text about, const char *key, char *out, size_t n)
{
	struct text value;

	memset(out, 0, n);
	if (facts_find(about, key, &value) && value.n < n)
		memcpy(out, value.s, value.n);
}

static void
learn_facts(struct tape *t)
{
	struct text about, value;

	facts_begin(&t->host.facts);
	if (playback_text(&t->reader.tracks, TAPE_FACTS, &about) < 0)
		return;
	facts_parse(about, &t->host.facts);
	t->host.elsewhere = facts_find(about, "elsewhere", &value) && text_eq(value, "1");
	t->whole = facts_find(about, "whole", &value) && text_eq(value, "1");
	copy_fact(about, t->whole ? "" : "tools", t->host.tools, sizeof t->host.tools);
	copy_fact(about, "asked", t->host.asked, sizeof t->host.asked);
}

/* Learns which tools read this sample. */
static void
learn_tools(struct tape *t)
{
	int i = map_find(&t->reader.tracks.paths, text_of(TAPE_TOOLS));
	struct text tools = { NULL, 0 };

	if (i >= 0 && !playback_is_fresh(&t->reader.tracks, (uint32_t)i) && t->tools_known)
		return;
	if (i < 0 || playback_track(&t->reader.tracks, (uint32_t)i, &tools) < 0)
		tools = (struct text){ NULL, 0 };
	host_set_left_out(&t->host, tools);
	t->tools_known = true;
}

/* Waits until the recorder may have written more. */
static int
wait_for_more(struct tape *t)
{
	struct timespec some = { 0, 20000000 };

	if (nanosleep(&some, NULL) < 0)
		return -1;
	return tape_reader_again(&t->reader);
}

static int
tape_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m)
{
	struct tape *t = (struct tape *)h;

	(void)deadline_ns;
	(void)kind;
	for (;;) {
		int got = tape_reader_next(&t->reader, m);
		if (got < 0 || (got == 0 && !t->reader.follow))
			return got;
		if (got == 0) {
			if (t->reader.index.v[t->reader.index.n - 1].segment.real_ns >
			    t->window.times.to_ns)
				return 0; /* all later segments are after the window */
			if (wait_for_more(t) < 0)
				return -1;
			continue;
		}
		if (!t->begun || t->run != t->reader.segment.run)
			learn_facts(t);
		t->begun = true;
		t->run = t->reader.segment.run;
		if (!sample_before(m, &t->skip_to) && tape_window_has(&t->window, m)) {
			learn_tools(t);
			if (t->observer)
				playback_observe(&t->reader.tracks, t->observer);
			return 1;
		}
		t->tools_known = false;
		if (m->real_ns > t->window.times.to_ns && t->reader.follow)
			return 0;
	}
}

/* Why the recording has no track of a file. */
static int
no_track(const struct tape *t)
{
	return fail_with(t->whole ? ENOENT : ENODATA);
}

static int
get(struct tape *t, int track, struct text *text)
{
	if (track < 0)
		return no_track(t);
	if (playback_track(&t->reader.tracks, (uint32_t)track, text) == 0)
		return 0;
	return errno == ENODATA ? no_track(t) : -1;
}

static int
tape_read(struct host *h, const char *path, struct text *text)
{
	struct tape *t = (struct tape *)h;

	return get(t, lookup_file(&t->lookup, &t->reader.tracks, path), text);
}

static int
parse(struct tape *t, int track, const struct parser *p, void *out)
{
	return track < 0 ? no_track(t) : playback_parse(&t->reader.tracks, (uint32_t)track, p, out);
}

static int
tape_parse(struct host *h, const char *path, const struct parser *p, void *out)
{
	struct tape *t = (struct tape *)h;

	return parse(t, lookup_file(&t->lookup, &t->reader.tracks, path), p, out);
}

static int
tape_read_parts(struct host *h, const struct path_parts *path, struct text *text)
{
	struct tape *t = (struct tape *)h;

	return get(t, lookup_parts(&t->lookup, &t->reader.tracks, path), text);
}

static int
tape_parse_parts(struct host *h, const struct path_parts *path, const struct parser *p, void *out)
{
	struct tape *t = (struct tape *)h;

	return parse(t, lookup_parts(&t->lookup, &t->reader.tracks, path), p, out);
}

static uint64_t
tape_lists(struct host *h)
{
	return ((struct tape *)h)->reader.tracks.lists + 1;
}

static int
tape_list(struct host *h, const char *path, struct text *names)
{
	struct tape *t = (struct tape *)h;

	return get(t, lookup_other(&t->reader.tracks, path, PATH_DIRECTORY), names);
}

static int
tape_link(struct host *h, const char *path, struct text *target)
{
	struct tape *t = (struct tape *)h;

	return get(t, lookup_other(&t->reader.tracks, path, PATH_LINK), target);
}

static bool
tape_losses(struct host *h, char *out, size_t n)
{
	return tape_losses_text(&((struct tape *)h)->reader.lost, out, n);
}

static void
tape_observe(struct host *h, const struct observer *o)
{
	((struct tape *)h)->observer = o;
}

static void
tape_close(struct host *h)
{
	struct tape *t = (struct tape *)h;

	close(t->reader.source.fd);
	tape_reader_free(&t->reader);
	lookup_free(&t->lookup);
	free(t);
}

static const struct host_ops tape_ops = {
	.next = tape_next,
	.read = tape_read,
	.parse = tape_parse,
	.read_parts = tape_read_parts,
	.parse_parts = tape_parse_parts,
	.lists = tape_lists,
	.list = tape_list,
	.link = tape_link,
	.losses = tape_losses,
	.observe = tape_observe,
	.close = tape_close,
};

struct host *
host_tape(int fd, bool pipe)
{
	struct tape *t = xmalloc(sizeof *t);

	*t = (struct tape){ .host = { .ops = &tape_ops, .replay = true },
		.window = { .times = SPAN_ALL } };
	facts_begin(&t->host.facts);
	if (tape_reader_begin(&t->reader, fd, pipe) == 0)
		return &t->host;
	int error = errno;
	tape_close(&t->host);
	errno = error;
	return NULL;
}

int
host_tape_span(struct host *h, struct span *out)
{
	return tape_reader_span(&((struct tape *)h)->reader, out);
}

void
host_tape_window(struct host *h, struct span window, bool follow)
{
	struct tape *t = (struct tape *)h;

	tape_reader_rewind(&t->reader);
	t->begun = t->tools_known = false;
	t->observer = NULL;
	t->window = (struct tape_window){ .times = window };
	t->skip_to = (struct sample){ .mono_ns = 0 };
	t->reader.follow = follow;
	t->reader.wanted.to_ns = window.to_ns;
	tape_reader_seek(&t->reader, window.from_ns);
}

void
host_tape_skip(struct host *h, const struct sample *to)
{
	struct tape *t = (struct tape *)h;

	t->skip_to = *to;
	tape_reader_skip(&t->reader, to);
}

/* ---- Recording */

struct recording {
	struct host host;
	struct host *inner;
	struct tape_writer *writer;
	struct sample now;
	struct buf abridged;
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

/* The track of a path that was read for this sample; NULL: not yet. */
static const struct track *
find_read(const struct recording *r, const char *path)
{
	const struct tape_writer *w = r->writer;
	int i = map_find(&w->tracks.paths, text_of(path));

	return i >= 0 && w->tracks.v[i].touched == w->turn ? &w->tracks.v[i] : NULL;
}

static int
give_again(const struct track *t, struct text *text)
{
	if (t->error) {
		errno = t->error;
		return -1;
	}
	*text = (struct text){ t->now.text.s, t->now.text.n };
	return 0;
}

static int
read_inner(struct host *h, const char *path, enum path_mark mark, struct text *text)
{
	return mark == PATH_DIRECTORY ? host_list(h, path, text) :
	    mark == PATH_LINK         ? host_link(h, path, text) :
					host_read(h, path, text);
}

static int
record_get(struct recording *r, const char *path, enum path_mark mark, struct text *text)
{
	char name[PATH_LONGEST];
	bool kept = path_clean(path, mark, name, sizeof name);
	const struct track *before = kept ? find_read(r, name) : NULL;

	if (before)
		return give_again(before, text);
	int result = read_inner(r->inner, path, mark, text);
	int error = errno;
	if (kept)
		tape_writer_keep(r->writer, text_of(name), result < 0 ? error : 0,
		    result < 0 ? *text : abridge(name, *text, &r->abridged));
	errno = error;
	return result;
}

static int
record_read(struct host *h, const char *path, struct text *text)
{
	return record_get((struct recording *)h, path, PATH_FILE, text);
}

static int
record_list(struct host *h, const char *path, struct text *names)
{
	return record_get((struct recording *)h, path, PATH_DIRECTORY, names);
}

static int
record_link(struct host *h, const char *path, struct text *target)
{
	return record_get((struct recording *)h, path, PATH_LINK, target);
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

/* What these read is not recorded: it may hold secrets. What follows from it is, see host_provide. */
static int
record_part(struct host *h, const char *path, uint64_t at, size_t n, struct text *text)
{
	return host_part(((struct recording *)h)->inner, path, at, n, text);
}

static int
record_wait_memory(struct host *h, struct memory_ask *m)
{
	return host_wait_memory(((struct recording *)h)->inner, m);
}

static int
record_about(struct host *h, const char *path, struct host_file *out)
{
	return host_about(((struct recording *)h)->inner, path, out);
}

static int
record_memory(struct host *h, uint32_t pid, uint64_t at, size_t n, struct memory_read *out)
{
	return host_memory(((struct recording *)h)->inner, pid, at, n, out);
}

static int
record_pieces(struct host *h, uint32_t pid, struct memory_piece *v, size_t n, uint32_t *space)
{
	return host_memory_pieces(((struct recording *)h)->inner, pid, v, n, space);
}

static void
record_unprovide(struct host *h, const char *path)
{
	host_unprovide(((struct recording *)h)->inner, path);
}

static void
record_close(struct host *h)
{
	struct recording *r = (struct recording *)h;

	host_close(r->inner);
	buf_free(&r->abridged);
	free(r);
}

static const struct host_ops record_ops = {
	.next = record_next,
	.read = record_read,
	.list = record_list,
	.link = record_link,
	.losses = record_losses,
	.provide = record_provide,
	.unprovide = record_unprovide,
	.part = record_part,
	.about = record_about,
	.memory = record_memory,
	.pieces = record_pieces,
	.wait_memory = record_wait_memory,
	.close = record_close,
};

/* Reads the 32 hexadecimal digits of "c0ffee00-…". */
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
	/* an earlier run of this recording may have left tools out */
	tape_writer_keep(w, text_of(TAPE_TOOLS), 0, (struct text){ "", 0 });
	if (!inner->replay)
		read_boot_id(inner, w->segment.boot_id);
	return &r->host;
}

int
host_recorded(struct host *h, struct tape_file *f)
{
	return tape_file_sample(f, &((struct recording *)h)->now);
}
