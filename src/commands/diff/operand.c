#include "commands/diff/operand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "commands/diff/baseline.h"

enum { BASELINE_MOST = 64 << 20 };

/* ---- Windows */

static bool
take_when(struct arena *a, struct text t, struct when_option *out)
{
	*out = (struct when_option){ .written = NULL };
	if (t.n == 0)
		return true;
	out->written = arena_copy(a, t);
	return when_parse(t, &out->when) == 0;
}

/* "FROM..TO" */
static bool
take_window(struct arena *a, const char *s, struct operand *o)
{
	const char *dots = strstr(s, "..");

	return dots && take_when(a, (struct text){ s, (size_t)(dots - s) }, &o->from) &&
	    take_when(a, text_of(dots + 2), &o->to);
}

struct operand
operand_of(const char *written, struct arena *a)
{
	struct operand o = { .written = written, .path = written };
	struct stat st;

	if (strcmp(written, "-") == 0 || stat(written, &st) == 0)
		return o;
	for (const char *at = strchr(written, '@'); at; at = strchr(at + 1, '@')) {
		if (!take_window(a, at + 1, &o))
			continue;
		o.path = arena_copy(a, (struct text){ written, (size_t)(at - written) });
		return o;
	}
	const char *at = strrchr(written, '@');
	if (at && strstr(at, ".."))
		die(EXIT_USAGE,
		    "invalid window '%s': want TAPE@FROM..TO, with times such as 17:12, +5m or "
		    "-90s",
		    written);
	return (struct operand){ .written = written, .path = written };
}

/* ---- Both */

/* The recording before a time, and from it on. */
static void
divide(const struct options *o, const struct when_option *at, struct arena *arena,
    struct operand *a, struct operand *b)
{
	if (a->from.written || a->to.written)
		die(EXIT_USAGE, "--at and the window '%s' cannot be combined", a->written);
	*b = *a;
	a->from = o->from;
	a->to = b->from = *at;
	b->to = o->to;
	a->written = arena_printf(arena, "%s, before %s", a->path, at->written);
	b->written = arena_printf(arena, "%s, from %s", a->path, at->written);
}

void
operands_take(const struct options *o, const struct when_option *at, struct arena *arena,
    struct operand *a, struct operand *b)
{
	int most = at->written ? 1 : 2;

	if (o->words > most)
		die(EXIT_USAGE, "unexpected argument '%s': %s", o->word[most],
		    at->written ? "--at takes one recording" : "want two recordings, A and B");
	if (o->words < most)
		die(EXIT_USAGE,
		    "want two recordings, A and B, or --at TIME (the same recording before and "
		    "after)");
	*a = operand_of(o->word[0], arena);
	if (!*a->path)
		die(EXIT_USAGE, "'%s' names no recording", a->written);
	if (at->written)
		divide(o, at, arena, a, b);
	else
		*b = operand_of(o->word[1], arena);
	if (!*b->written)
		die(EXIT_USAGE, "'' names no recording");
	if (!*b->path) {
		b->path = a->path;
		b->written = arena_printf(arena, "%s%s", a->path, b->written);
	}
	if (strcmp(a->path, "-") == 0 && strcmp(b->path, "-") == 0)
		die(EXIT_USAGE, "stdin cannot be both recordings");
}

/* ---- Baselines */

/* The file, if it is a baseline. False if it is something else, or cannot be opened. */
static bool
read_file(const char *path, struct buf *out)
{
	struct stat st;
	int fd =
	    strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 1;

	if (fd < 0)
		return false;
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	while (regular && n > 0 && out->n <= BASELINE_MOST) {
		n = read(fd, buf_room(out, 1 << 16), 1 << 16);
		out->n += n > 0 ? (size_t)n : 0;
		regular = baseline_begins((struct text){ out->s, out->n });
	}
	close(fd);
	return regular && n >= 0;
}

bool
is_baseline(const char *path)
{
	struct buf b = { 0 };
	bool is = read_file(path, &b);

	buf_free(&b);
	return is;
}

static bool
read_baseline(const struct operand *o, struct side *s)
{
	struct buf b = { 0 };
	size_t line;
	bool found = read_file(o->path, &b);

	if (found && (o->from.written || o->to.written))
		die(EXIT_USAGE, "%s: a baseline has no window (save one of the window)", o->path);
	if (found && b.n > BASELINE_MOST)
		die(EXIT_FAILED, "%s: too large for a baseline", o->path);
	if (found && baseline_parse((struct text){ b.s, b.n }, s, &line) < 0) {
		if (errno == ENOTSUP)
			die(EXIT_FAILED, "%s: a baseline of a later version of pq", o->path);
		die(EXIT_FAILED, "%s:%zu: damaged baseline (make it again with pq diff --save)",
		    o->path, line);
	}
	buf_free(&b);
	return found;
}

/* ---- Recordings */

void
target_has_rows(const struct side *s, const struct target *asked)
{
	if (!asked->pid && !asked->cgroup)
		return;
	for (size_t i = 0; tools[i]; i++)
		if (s->tool[i].samples > 0 && tool_takes_target(tools[i], asked))
			return;
	die(EXIT_UNSUPPORTED,
	    "%s: no figures of %s %s: it does not exist, or was not chosen when the recording was "
	    "made "
	    "(-p, -g, -a)",
	    s->path, asked->pid ? "process" : "cgroup", asked->pid ? asked->pid : asked->cgroup);
}

void
operand_read(const struct operand *o, const struct options *options, struct side *s)
{
	static struct recorded r; /* it is large */
	struct options own = *options;

	if (read_baseline(o, s))
		return;
	if (o->from.written || o->to.written) {
		own.from = o->from;
		own.to = o->to;
	}
	r = (struct recorded){ .path = NULL };
	recorded_open(&r, &own, o->path);
	recorded_add_all(&r);
	side_begin(s, o->written, &r.session.host->facts);
	side_read(s, &r, 0);
	target_has_rows(s, &options->ask.target);
	if (s->samples == 0)
		die(EXIT_FAILED,
		    "%s: no rows: a row needs two samples, an interval apart (see pq tape info)",
		    o->written);
	recorded_close(&r);
}

/* ---- Two at once */

/* Whether another process can read it: not from stdin, and a baseline takes no time. */
static bool
is_recording(const struct operand *o)
{
	return strcmp(o->path, "-") != 0 && !is_baseline(o->path);
}

static void
send_all(int fd, const struct buf *b)
{
	for (size_t done = 0; done < b->n;) {
		ssize_t n = write(fd, b->s + done, b->n - done);
		if (n < 0 && errno != EINTR)
			_exit(EXIT_FAILED);
		done += n > 0 ? (size_t)n : 0;
	}
}

/* Starts a process that reads the recording and sends its figures as a baseline. Returns the pipe, or
 * -1. */
static int
start_reading(const struct operand *o, const struct options *options, struct side *s, pid_t *child)
{
	struct buf b = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*child = fork();
	if (*child == 0) {
		close(ends[0]);
		signal(SIGPIPE, SIG_DFL); /* see end_with_a */
		operand_read(o, options, s);
		baseline_print(s, &b);
		send_all(ends[1], &b);
		_exit(EXIT_DONE);
	}
	close(ends[1]);
	if (*child < 0)
		close(ends[0]);
	return *child < 0 ? -1 : ends[0];
}

/* The process has said why it failed, unless a signal ended it. */
static void
end_reading(const struct operand *o, pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die(EXIT_FAILED, "%s: %s", o->written, strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_DONE)
		exit(WEXITSTATUS(status));
	if (!WIFEXITED(status))
		die(EXIT_FAILED, "%s: the process that read it was killed", o->written);
}

static pid_t reading;
static int figures_of_a; /* the pipe */

/* If both cannot be read, the process that reads A has said so, and one line is enough. If A can be read, that
 * process may be waiting for somebody to take its figures: nobody will, and SIGPIPE ends it. */
static void
end_with_a(void)
{
	int status;

	close(figures_of_a);
	if (waitpid(reading, &status, 0) == reading && WIFEXITED(status) &&
	    WEXITSTATUS(status) != EXIT_DONE)
		_exit(WEXITSTATUS(status));
}

void
operands_read(const struct operand *a, const struct operand *b, const struct options *options,
    struct side *from, struct side *to)
{
	pid_t child = -1;
	struct buf sent = { 0 };
	ssize_t n = 1;
	size_t line;
	int fd = is_recording(a) && is_recording(b) ? start_reading(a, options, from, &child) : -1;

	if (fd < 0) {
		operand_read(a, options, from);
		operand_read(b, options, to);
		return;
	}
	reading = child;
	figures_of_a = fd;
	fail_before(end_with_a);
	warn_hold(); /* A's notes come before B's */
	operand_read(b, options, to);
	fail_before(NULL);
	while (n > 0 || (n < 0 && errno == EINTR)) {
		n = read(fd, buf_room(&sent, 1 << 16), 1 << 16);
		sent.n += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	end_reading(a, child);
	warn_release();
	if (baseline_parse((struct text){ sent.s, sent.n }, from, &line) < 0)
		die(EXIT_FAILED, "%s: cannot be read", a->written);
	buf_free(&sent);
}
