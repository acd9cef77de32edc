/* keep: pq trace --save DIR --when EXPR: the rings are filled all the time, and windows of them are
 * saved. A condition on a single wait is decided in the kernel: pq sleeps until it holds. The other
 * conditions need rows of tools, at an interval. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/units.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "commands/recorder/ask.h"
#include "commands/trace/trace.h"
#include "commands/trace/windows.h"
#include "host/read_file.h"
#include "session/session.h"

static const int64_t INTERVAL_NS = 200000000, LOOK_NS = 1000000000;

struct keeper {
	const struct options *options;
	const struct trace_options *own;
	struct plan plan;
	struct journal journal;
	struct trace_ring ring;
	struct session session; /* of the conditions' tools; with the host */
	struct triggers triggers;
	struct saves saves;
	int64_t end_ns;  /* CLOCK_MONOTONIC; INT64_MAX: when a signal says so */
	int64_t rate_ns; /* when the rate is told; INT64_MAX: it was told */
};

/* ---- What it is told */

static void
make_plan(struct keeper *k, const struct options *o)
{
	const struct target *target = &o->ask.target;

	k->options = o;
	k->own = o->ask.options;
	k->plan.own = &k->own->saving;
	if (k->own->out)
		die(EXIT_USAGE,
		    "-o: not allowed with --save, --when or --exec (saved traces are "
		    "in the directory of --save)");
	plan_tools(&k->plan, target, INTERVAL_NS);
	plan_conditions(&k->plan, true);
	if (k->plan.list.n == 0 && (target->cgroup || target->all))
		die(EXIT_USAGE, "%s: no condition of --when names a column of a tool that has it",
		    target->all ? "-a" : "-g");
	plan_directory(&k->plan, k->own->saving.save ? k->own->saving.save : ".");
}

/* ---- The log */

static void
say(struct keeper *k, const char *event, const char *message)
{
	journal_begin(&k->journal, clock_ns(CLOCK_REALTIME), event, message);
	journal_end(&k->journal);
}

static void
say_start(struct keeper *k)
{
	const struct tool_list *l = &k->plan.list;
	struct switch_ring_rate rate;
	char message[5000], size[HUMAN_MOST];

	switch_ring_rate(k->ring.ring, &rate);
	snprintf(message, sizeof message, "the scheduler's events to a ring of %s; saves to %s%s%s",
	    human_size((double)rate.bytes, size), k->plan.directory, l->n ? "; every 200 ms: " : "",
	    l->plan);
	say(k, "records", message);
}

static void
say_end(struct keeper *k)
{
	struct switch_ring_rate rate;
	char message[256];

	switch_ring_rate(k->ring.ring, &rate);
	snprintf(message, sizeof message, "%llu events, %.2f s of CPU time",
	    (unsigned long long)rate.events, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) * 1e-9);
	say(k, "stopped", message);
}

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	char line[1000];

	snprintf(line, sizeof line, "%s: %s", tool->name, message);
	say(about, "note", line);
}

/* ---- Keeping */

static struct sample
sample_now(void)
{
	return (struct sample){ .mono_ns = clock_ns(CLOCK_MONOTONIC),
		.real_ns = clock_ns(CLOCK_REALTIME) };
}

static void
step(struct keeper *k)
{
	const struct reason asked = {
		.expr = "asked for by SIGUSR1", .value = NAN, .threshold = NAN, .asked = true
	};
	const struct sample now = sample_now();

	switch_ring_tend(k->ring.ring);
	trace_take_waits(&k->ring, &k->triggers);
	if (signals_asked())
		saves_ask(&k->saves, &now, &asked, false);
	if (now.mono_ns >= k->rate_ns)
		k->rate_ns =
		    trace_tell_rate(&k->ring, &k->journal) ? INT64_MAX : now.mono_ns + LOOK_NS;
	saves_step(&k->saves, now.mono_ns, now.real_ns);
}

static bool
goes_on(const struct keeper *k)
{
	return !signals_stop() && clock_ns(CLOCK_MONOTONIC) < k->end_ns;
}

/* Without conditions on rows nothing is done until a wait is too long, or somebody asks. */
static void
sleep_and_save(struct keeper *k)
{
	while (goes_on(k)) {
		trace_sleep(&k->ring, &k->triggers, &k->saves,
		    k->rate_ns < k->end_ns ? k->rate_ns : k->end_ns);
		step(k);
	}
}

static enum exit_status
sample_and_save(struct keeper *k)
{
	struct session *s = &k->session;
	enum session_event event = SESSION_ROW;

	if (!session_start(s) || !session_begin(s))
		return session_status(s);
	while (event != SESSION_END && goes_on(k)) {
		event = session_next(s);
		if (event == SESSION_ROW)
			triggers_step(&k->triggers, s);
		step(k);
	}
	return EXIT_DONE;
}

static void
begin(struct keeper *k, int64_t for_ns)
{
	const struct trace_ring_options ask = { .pid = k->options->ask.target.pid,
		.source = (enum trace_source)k->own->source,
		.bytes = k->own->ring,
		.last_ns = k->own->last_ns,
		.wait_over_ns = plan_least_wait_ns(&k->plan) };
	struct plan *p = &k->plan;

	k->session = (struct session){ .host = open_host(k->options),
		.options = k->options,
		.interval_ns = INTERVAL_NS,
		.lasting = true,
		.budget = p->own->budget,
		.say = say_note,
		.about = k };
	for (size_t i = 0; i < p->list.n; i++)
		session_add(&k->session, p->list.tool[i], &p->list.ask[i]);
	trace_ring_open(&k->ring, k->session.host, &ask);
	k->saves = (struct saves){ .plan = p,
		.journal = &k->journal,
		.facts = &k->session.host->facts,
		.media = { trace_medium(&k->ring) },
		.nmedia = 1 };
	triggers_begin(&k->triggers, &k->saves);
	k->rate_ns = clock_ns(CLOCK_MONOTONIC) + LOOK_NS;
	k->end_ns = for_ns ? clock_ns(CLOCK_MONOTONIC) + for_ns : INT64_MAX;
}

enum exit_status
trace_keep(const struct options *o, int64_t for_ns)
{
	struct keeper *k = xmalloc(sizeof *k);
	enum exit_status status = EXIT_DONE;

	memset(k, 0, sizeof *k);
	make_plan(k, o);
	k->journal =
	    (struct journal){ .json = k->own->json, .tool = "trace", .times = { .utc = o->utc } };
	signals_catch();
	signals_catch_asking();
	begin(k, for_ns);
	say_start(k);
	if (k->plan.list.n > 0)
		status = sample_and_save(k);
	else
		sleep_and_save(k);
	saves_finish(&k->saves);
	say_end(k);
	trace_ring_close(&k->ring);
	session_end(&k->session);
	journal_free(&k->journal);
	plan_free(&k->plan);
	free(k);
	return status;
}

/* ---- Asking another one to save */

/* "pq\0trace\0--save\0…", or "pq-trace\0…" */
static bool
is_trace(const char *words, size_t n)
{
	const char *second = memchr(words, '\0', n), *slash;

	if (!second || words[n - 1] != '\0')
		return false;
	slash = strrchr(words, '/');
	const char *name = slash ? slash + 1 : words;
	return strcmp(name, "pq-trace") == 0 ||
	    (strcmp(name, "pq") == 0 && ++second < words + n && strcmp(second, "trace") == 0);
}

/* Whether the process is a pq trace that saves when it is asked. */
static bool
keeps(int pid)
{
	struct buf b = { 0 };
	bool whole, is = false;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is = slurp_file(fd, &b, &whole) == 0 && b.n > 0 && is_trace(b.s, b.n);
	buf_free(&b);
	close(fd);
	return is && ask_is_caught(pid);
}

/* The only process that does; 0: there is none. */
static int
find_keeper(void)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	uint64_t v;
	int pid = 0;

	while (d && (e = readdir(d))) {
		if (text_u64(text_of(e->d_name), &v) < 0 || v > INT32_MAX || !keeps((int)v))
			continue;
		if (pid)
			die(EXIT_USAGE,
			    "save: several processes record: %d, %d (name one: pq trace save PID)",
			    pid, (int)v);
		pid = (int)v;
	}
	if (d)
		closedir(d);
	return pid;
}

enum exit_status
trace_ask(const char *pid)
{
	uint64_t v = 0;

	if (pid && (text_u64(text_of(pid), &v) < 0 || v == 0 || v > INT32_MAX))
		die(EXIT_USAGE, "save: invalid process '%s': want its number", pid);
	if (pid && !keeps((int)v))
		die(EXIT_FAILED, "save: process %s is not a pq trace with --save or --when", pid);
	int keeper = pid ? (int)v : find_keeper();
	if (keeper == 0)
		die(EXIT_FAILED, "save: no pq trace with --save or --when is running");
	if (kill(keeper, SIGUSR1) < 0)
		die(EXIT_FAILED, "save: cannot signal process %d: %s", keeper, strerror(errno));
	return EXIT_DONE;
}
