/* take: pq trace -o FILE [seconds]: the rings are filled for that time, and then written. While they
 * are filled, pq sleeps. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/out_file.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "commands/trace/ring.h"
#include "commands/trace/trace.h"

static const int64_t LOOK_NS = 1000000000; /* after this long the rate is told */

/* How long the ring lasts, once that is known. */
static void
tell_rate(const struct trace_ring *t, int64_t for_ns)
{
	struct switch_ring_rate rate;

	switch_ring_rate(t->ring, &rate);
	if (!isfinite(rate.lasts_s))
		return;
	bool short_of = for_ns > 0 && rate.lasts_s < (double)for_ns * 1e-9;
	if (short_of || for_ns == 0)
		warn("%.0f events per second: the last %.0f s are kept%s", rate.per_s, rate.lasts_s,
		    short_of ? " (--ring SIZE: more)" : "");
}

/* Sleeps until then, or a signal ends it. */
static void
sleep_until(struct trace_ring *t, int64_t mono_ns)
{
	while (!signals_stop() && clock_ns(CLOCK_MONOTONIC) < mono_ns)
		signals_wait(-1, trace_ring_tend(t, mono_ns));
}

static void
wait_for_end(struct trace_ring *t, int64_t for_ns)
{
	int64_t start_ns = clock_ns(CLOCK_MONOTONIC),
		end_ns = for_ns ? start_ns + for_ns : INT64_MAX;

	if (for_ns == 0 || for_ns > LOOK_NS) {
		sleep_until(t, start_ns + LOOK_NS);
		if (!signals_stop())
			tell_rate(t, for_ns);
	}
	sleep_until(t, end_ns);
}

static void
say_note(void *ctx, const char *message)
{
	(void)ctx;
	warn("%s", message);
}

static void
tell_saved(const struct trace_ring *t, const char *path)
{
	char words[200];

	trace_saved_words(t->saved, words, sizeof words);
	warn("%s: %s", out_name(path), words);
	trace_saved_notes(t->saved, say_note, NULL);
}

static void
check_options(const struct trace_options *own)
{
	if (!own->out)
		die(EXIT_USAGE,
		    "-o FILE is required ('-' writes to stdout), or --save DIR or --when EXPR to "
		    "save parts");
	check_binary_output(own->out);
}

/* Fails with errno. */
static bool
save(struct trace_ring *t, int fd)
{
	bool saved = trace_ring_write(t, fd, t->begun.boot_ns, UINT64_MAX, NULL) == 0;
	int error = errno;

	if (close(fd) < 0 && saved) /* some file systems report a full disk here */
		return false;
	errno = error;
	return saved;
}

enum exit_status
trace_take(const struct options *o, int64_t for_ns)
{
	const struct trace_options *own = o->ask.options;
	const struct trace_ring_options ask = { .pid = o->ask.target.pid,
		.source = (enum trace_source)own->source,
		.bytes = own->ring,
		.last_ns = own->last_ns };
	struct trace_ring t;

	check_options(own);
	struct host *host = open_host(o);
	signals_catch();
	trace_ring_open(&t, host, &ask);
	int fd = trace_create(own->out, 0600);
	wait_for_end(&t, for_ns);
	bool saved = save(&t, fd);
	int error = errno;
	if (saved)
		tell_saved(&t, own->out);
	trace_ring_close(&t);
	host_close(host);
	if (saved)
		return EXIT_DONE;
	output_incomplete(own->out, error);
}
