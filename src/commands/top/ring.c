#include "commands/top/ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/open.h"

/* Those of which the session reads all files. */
static const char recorded_tools[] = "runq cpu psi tasks disk throttle mem sock wait";

struct host *
ring_begin(struct ring *r, struct host *inner, uint64_t bytes, int64_t interval_ns)
{
	const struct target all = { .all = true };
	struct buf about = { 0 };

	if (tape_file_memory(&r->tape, bytes - bytes % 4096) < 0)
		return inner;
	r->kept = true;
	recording_about(&about, recorded_tools, interval_ns, &all);
	struct host *h = host_record(inner, &r->tape.writer, (struct text){ about.s, about.n });
	buf_free(&about);
	return h;
}

/* Whether all samplers of the tool were read for this row. */
static bool
was_read(const struct session *s, const char *tool)
{
	bool all = true;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->tool->name, tool) == 0)
			all &= s->v[i]->sampled;
	return all;
}

static void
keep_tools(struct ring *r, const struct session *s)
{
	struct text rest = text_of(recorded_tools), name;
	unsigned long long ms = (unsigned long long)s->interval_ns / 1000000;
	char text[1024], tool[16];
	size_t n = 0;

	while (text_word(&rest, &name)) {
		snprintf(tool, sizeof tool, "%.*s", (int)name.n, name.s);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s %d %llu %llu\n", tool,
		    was_read(s, tool), ms, ms);
	}
	tape_writer_keep(&r->tape.writer, text_of(TAPE_TOOLS), 0, (struct text){ text, n });
}

void
ring_keep(struct ring *r, const struct session *s, bool row)
{
	if (!r->kept)
		return;
	if (row)
		keep_tools(r, s);
	if (host_recorded(s->host, &r->tape) == 0)
		r->samples++;
	else
		r->failed = true;
}

static int
copy(void *ctx)
{
	struct ring *r = ctx;
	struct tape_reader reader;
	const struct span all = SPAN_ALL;

	tape_reader_begin_at(&reader, r->tape.fd, &r->tape.index);
	int64_t copied = cut_save(&reader, all, NULL, r->path);
	return copied > 0 ? 0 : copied == 0 ? 125 : errno > 0 && errno < 125 ? errno : 124;
}

void
ring_save(struct ring *r, int64_t now_ns, int64_t real_ns, char *message, size_t n)
{
	time_t s = (time_t)(real_ns / 1000000000);
	struct tm tm;

	if (!r->kept || r->samples == 0) {
		snprintf(message, n, "nothing to save: %s",
		    !r->kept ? "pq keeps no samples here" : "no sample was kept");
		return;
	}
	if (job_runs(&r->job)) {
		snprintf(message, n, "still saving %s", r->path);
		return;
	}
	localtime_r(&s, &tm);
	strftime(r->path, sizeof r->path, "pq-top-%Y%m%d-%H%M%S.tape", &tm);
	if (job_call(&r->job, copy, r, now_ns, 60 * (int64_t)1000000000) < 0)
		snprintf(message, n, "cannot save %s: %s", r->path, strerror(errno));
	else
		snprintf(message, n, "saving %s", r->path);
}

bool
ring_saved(struct ring *r, int64_t now_ns, char *message, size_t n)
{
	struct job_end end;

	if (!r->kept || !job_poll(&r->job, now_ns, &end))
		return false;
	if (end.status == 0 && !end.signal && !end.timed_out)
		snprintf(message, n, "saved %s (pq why -f %s)", r->path, r->path);
	else
		snprintf(message, n, "cannot save %s: %s", r->path,
		    end.signal || end.timed_out ? "it took too long, or was killed" :
			end.status == 125       ? "there is nothing to save" :
			end.status == 124       ? "it failed" :
						  strerror(end.status));
	return true;
}

void
ring_end(struct ring *r)
{
	if (!r->kept)
		return;
	job_stop(&r->job);
	tape_file_close(&r->tape);
	r->kept = false;
}
