/* host: a tape as a host. A file that was not read for a sample is as it was read last. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "host/host.h"
#include "tape/reader.h"

struct tape {
	struct host host;
	struct tape_reader reader;
	struct tape_window window;
	bool begun;
	uint64_t run; /* of the recorder, in which the last sample was */
	bool whole;   /* what is not on the tape was not there */
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

/* Lets the recorder write on for a while. */
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
				return 0; /* it is passed over, and so will be what comes */
			if (wait_for_more(t) < 0)
				return -1;
			continue;
		}
		if (!t->begun || t->run != t->reader.segment.run)
			learn_facts(t);
		t->begun = true;
		t->run = t->reader.segment.run;
		if (tape_window_has(&t->window, m))
			return 1;
		if (m->real_ns > t->window.times.to_ns && t->reader.follow)
			return 0;
	}
}

static int
get(struct tape *t, const char *path, enum path_mark mark, struct text *text)
{
	char name[PATH_LONGEST];

	if (!path_clean(path, mark, name, sizeof name))
		errno = ENODATA;
	else if (playback_text(&t->reader.tracks, name, text) == 0)
		return 0;
	if (errno == ENODATA && t->whole)
		errno = ENOENT;
	return -1;
}

static int
tape_read(struct host *h, const char *path, struct text *text)
{
	return get((struct tape *)h, path, PATH_FILE, text);
}

static int
tape_list(struct host *h, const char *path, struct text *names)
{
	return get((struct tape *)h, path, PATH_DIRECTORY, names);
}

static int
tape_link(struct host *h, const char *path, struct text *target)
{
	return get((struct tape *)h, path, PATH_LINK, target);
}

static bool
tape_losses(struct host *h, char *out, size_t n)
{
	return tape_losses_text(&((struct tape *)h)->reader.lost, out, n);
}

static void
tape_close(struct host *h)
{
	struct tape *t = (struct tape *)h;

	close(t->reader.source.fd);
	tape_reader_free(&t->reader);
	free(t);
}

static const struct host_ops tape_ops = { tape_next, tape_read, tape_list, tape_link, tape_losses,
	NULL, NULL, tape_close };

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

	t->window = (struct tape_window){ .times = window };
	t->reader.follow = follow;
	t->reader.wanted.to_ns = window.to_ns;
	tape_reader_seek(&t->reader, window.from_ns);
}
