#include "cli/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/out_file.h"
#include "version.h"

const char *
recording_error(int error)
{
	switch (error) {
	case EINVAL:
		return "not a pq recording (pq record makes one)";
	case ENOTSUP:
		return "recorded by a later version of pq, which this version cannot read";
	case EPROTONOSUPPORT:
		return "a recording of format version 0, made by a pq before 0.1, which this "
		       "version "
		       "cannot read";
	case ENODATA:
		return "empty: the recording has no samples";
	default:
		return strerror(error);
	}
}

int
open_recording(const char *path, bool *pipe)
{
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0)
		die(errno == ENOENT ? EXIT_USAGE : EXIT_FAILED, "cannot open %s: %s", path,
		    strerror(errno));
	*pipe = !S_ISREG(st.st_mode);
	if (S_ISDIR(st.st_mode))
		die(EXIT_USAGE,
		    "%s: a directory, not a recording (pq tape pack converts a captured directory)",
		    path);
	if (*pipe && strcmp(path, "-") != 0)
		die(EXIT_USAGE,
		    "%s: neither a recording nor a captured directory ('-' reads a recording from "
		    "a pipe)",
		    path);
	return fd;
}

struct span
recording_window(const struct options *o, const struct span *whole)
{
	struct span w = SPAN_ALL;

	if (o->from.written)
		w.from_ns = when_resolve(&o->from.when, whole, o->utc);
	if (o->to.written)
		w.to_ns = when_resolve_end(&o->to.when, whole, o->utc);
	if (w.from_ns > w.to_ns)
		die(EXIT_USAGE, "--from %s is later than --to %s", o->from.written, o->to.written);
	return w;
}

/* Times refer to the days of the recording, or to its ends, which a pipe does not show. */
static void
set_window(struct host *h, const struct options *o)
{
	struct span whole = { 0, 0 };

	if (!o->from.written && !o->to.written) {
		host_tape_window(h, SPAN_ALL, o->follow);
		return;
	}
	if (host_tape_span(h, &whole) < 0) {
		if (errno != ESPIPE)
			die(EXIT_FAILED, "%s: %s", o->source, recording_error(errno));
		die(EXIT_USAGE,
		    "--from and --to need a file: the end of a pipe is unknown (pq tape cut -o - "
		    "writes a part of a file to a pipe)");
	}
	host_tape_window(h, recording_window(o, &whole), o->follow);
}

static struct host *
open_tape(const struct options *o)
{
	bool pipe;
	int fd = open_recording(o->source, &pipe);
	struct host *h = host_tape(fd, pipe);

	if (!h)
		die(errno == EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s: %s", o->source,
		    recording_error(errno));
	if (pipe && o->follow)
		die(EXIT_USAGE, "--follow needs a file: a pipe is followed anyway");
	set_window(h, o);
	return h;
}

static struct host *
open_samples(const struct options *o)
{
	struct host *h = host_capture(o->source);

	if (!h && errno == ENOENT)
		die(EXIT_USAGE,
		    "%s: neither a recording nor a captured directory (make one with pq record, "
		    "or with scripts/capture)",
		    o->source);
	if (!h)
		die(EXIT_FAILED, "cannot open %s: %s", o->source, strerror(errno));
	if (o->from.written || o->to.written || o->follow)
		die(EXIT_USAGE,
		    "--from, --to and --follow need a recording, and -f %s is a captured directory "
		    "(pq tape pack converts it)",
		    o->source);
	return h;
}

struct host *
open_host(const struct options *o)
{
	const char *path = o->root ? o->root : "/";
	struct stat st;

	if (o->source && strcmp(o->source, "-") != 0 && stat(o->source, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		return open_samples(o);
	if (o->source)
		return open_tape(o);
	struct host *h = host_live(path);
	if (!h)
		die(o->root && (errno == ENOENT || errno == ENOTDIR) ? EXIT_USAGE : EXIT_FAILED,
		    "cannot open %s: %s", path, strerror(errno));
	return h;
}

void
recording_about(struct buf *b, const char *names, int64_t interval_ns, const struct target *t)
{
	const char *name = t->pid ? t->pid : t->cgroup ? t->cgroup : "";

	buf_text(b, "pq " PQ_VERSION "\ntools ");
	buf_text(b, names);
	buf_char(b, '\n');
	if (t->pid || t->cgroup || t->all) {
		buf_text(b, t->pid ? "asked -p " : t->cgroup ? "asked -g " : "asked -a");
		buf_text(b, strchr(name, '\n') ? "" : name);
		buf_char(b, '\n');
	}
	if (interval_ns == 0)
		return;
	buf_text(b, "interval_ms ");
	buf_u64(b, (uint64_t)interval_ns / 1000000, 1);
	buf_char(b, '\n');
}

void
recording_target(const struct host *h, const struct tool *tool, struct target *t)
{
	const char *asked = h->asked;
	bool one = asked[0] == '-' && (asked[1] == 'p' || asked[1] == 'g');

	if (tool->suits && one)
		t->all = false;
	if (t->pid || t->cgroup || t->all || asked[0] != '-')
		return;
	t->all = asked[1] == 'a' && tool_takes(tool, &option_all);
	if (asked[2] != ' ' || asked[3] == '\0')
		return;
	if (asked[1] == 'p' && tool_takes(tool, &option_pid))
		t->pid = asked + 3;
	if (asked[1] == 'g' && tool_takes(tool, &option_cgroup))
		t->cgroup = asked + 3;
}

bool
recording_has(const struct host *h, const struct tool *tool)
{
	struct text rest = text_of(h->tools), word;

	if (rest.n == 0)
		return true;
	while (text_word(&rest, &word))
		if (text_eq(word, tool->name))
			return true;
	return false;
}

/* Says why the file cannot be written, from errno. */
static _Noreturn void
output_failed(const struct tape_file *f, const char *path)
{
	switch (errno) {
	case EBUSY:
		if (f->owner)
			die(EXIT_FAILED, "%s: process %d is already recording to it", path,
			    f->owner);
		die(EXIT_FAILED, "%s: another process is already recording to it", path);
	case EINVAL:
		die(EXIT_USAGE, "%s exists and is not a pq recording; not overwriting it", path);
	case ENOTSUP:
		die(EXIT_USAGE, "%s: recorded by a later version of pq (record to another file)",
		    path);
	case EPROTONOSUPPORT:
		die(EXIT_USAGE,
		    "%s: a recording of format version 0, made by a pq before 0.1 (record to "
		    "another "
		    "file)",
		    path);
	case ERANGE:
		if (f->ring)
			die(EXIT_USAGE,
			    "%s: already a ring of %llu bytes (omit --ring to continue it, or "
			    "record to another file)",
			    path, (unsigned long long)f->ring);
		die(EXIT_USAGE,
		    "%s: a recording without a ring (omit --ring to continue it, or record to "
		    "another file)",
		    path);
	case ELOOP:
		die(EXIT_USAGE, "%s: a symbolic link, which pq does not write to (name its target)",
		    path);
	case EISDIR:
	case ENOTTY:
		die(EXIT_USAGE, "%s: not a regular file (-o - writes to a pipe)", path);
	default:
		die(errno == ENOENT || errno == ENOTDIR ? EXIT_USAGE : EXIT_FAILED,
		    "cannot write %s: %s%s", path, strerror(errno),
		    is_full(errno) ? "; a ring allocates its full size at the start" : "");
	}
}

void
check_binary_output(const char *path)
{
	if (out_is_stdout(path) && isatty(STDOUT_FILENO))
		die(EXIT_USAGE, "-o -: stdout is a terminal (-o FILE writes to a file)");
}

void
output_incomplete(const char *path, int error)
{
	if (!out_is_stdout(path))
		unlink(path);
	else if (error == EPIPE)
		exit(EXIT_DONE);
	die(EXIT_FAILED, "cannot write %s: %s", out_name(path),
	    error == ECANCELED ? "stopped by a signal" : strerror(error));
}

void
open_output(struct tape_file *f, const char *path, uint64_t ring)
{
	check_binary_output(path);
	if (tape_file_open(f, path, ring) == 0)
		return;
	output_failed(f, path);
}

void
create_output(struct tape_file *f, const char *path)
{
	check_binary_output(path);
	if (tape_file_create(f, path) == 0)
		return;
	if (errno == EEXIST)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", path);
	output_failed(f, path);
}
