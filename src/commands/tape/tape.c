/* tape: what can be done with a tape that is there. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/open.h"
#include "cli/words.h"
#include "tape/cut.h"
#include "commands/tape/tapework.h"

void
tapework_open(struct tape_reader *r, const char *path)
{
	bool pipe;
	int fd = tapes_file(path, &pipe);

	if (tape_reader_begin(r, fd, pipe) < 0)
		die(errno == EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s: %s", path, tapes_why(errno));
}

struct host_window
tapework_window(struct tape_reader *r, const struct options *o)
{
	int64_t first_ns, last_ns;

	if (!o->from && !o->to)
		return (struct host_window){ INT64_MIN, INT64_MAX, false };
	if (tape_reader_span(r, &first_ns, &last_ns) < 0)
		die(EXIT_USAGE, "--from and --to need a file: %s",
		    errno == ESPIPE ? "where a pipe ends is not known" : strerror(errno));
	return tapes_window(o, first_ns, last_ns);
}

enum exit_status
tapework_end(struct tape_reader *r, const char *path)
{
	char line[256];
	bool lost = tape_losses_text(&r->lost, line, sizeof line);

	if (lost)
		warn("%s: %s", path, line);
	close(r->source.fd);
	tape_reader_free(r);
	return lost ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status
verify(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct moment m;
	uint64_t moments = 0;
	int got;

	(void)o;
	(void)to;
	tapework_open(&r, path);
	while ((got = tape_reader_next(&r, &m)) > 0)
		moments++;
	if (got < 0)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	enum exit_status status = tapework_end(&r, path);
	printf("%s: %llu moments can be read%s\n", path, (unsigned long long)moments,
	    status == EXIT_DONE ? ", and nothing is damaged" : "");
	return status;
}

static enum exit_status
cut(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct tape_file out;
	int64_t copied;

	tapework_open(&r, path);
	struct host_window asked = tapework_window(&r, o);
	struct cut_window w = { asked.from_ns, asked.to_ns, NULL };
	if (strcmp(to, "-") == 0) {
		tapes_create(&out, to, 0);
		copied = cut_copy(&r, &w, &out);
		if (copied < 0 && errno == EPIPE)
			return EXIT_DONE;
		if (tape_file_close(&out) < 0)
			copied = -1;
	} else {
		copied = cut_save(&r, &w, to);
	}
	if (copied < 0 && errno == EEXIST)
		die(EXIT_USAGE, "%s exists: give a new file", to);
	if (copied < 0)
		die(EXIT_FAILED, "cannot write %s: %s", to, strerror(errno));
	if (copied == 0)
		die(EXIT_FAILED, "%s: there is no moment in it%s", path,
		    o->from || o->to ? " between these times" : "");
	tapework_end(&r, path);
	return EXIT_DONE;
}

static enum exit_status
info(const struct options *o, const char *path, const char *to)
{
	(void)to;
	return tape_info(o, path);
}

/* "SigCgt:	0000000000014a02" in /proc/PID/status: what does not catch SIGUSR1 would be ended by
 * it. */
static bool
catches_requests(int pid)
{
	char path[64], line[256];
	unsigned long long caught = 0;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "SigCgt:", 7) == 0)
			caught = strtoull(line + 7, NULL, 16);
	fclose(f);
	return caught >> (SIGUSR1 - 1) & 1;
}

/* The recorder holds a lock on its tape, which tells who it is. */
static enum exit_status
save(const struct options *o, const char *path, const char *to)
{
	int owner = tape_file_owner(path);

	(void)o;
	(void)to;
	if (owner < 0)
		die(errno == ENOENT ? EXIT_USAGE : EXIT_FAILED, "cannot open %s: %s", path,
		    strerror(errno));
	if (owner == 0)
		die(EXIT_FAILED, "%s: nobody records to it; pq tape cut copies a part of it", path);
	if (!catches_requests(owner))
		die(EXIT_FAILED,
		    "%s: process %d writes it, and is no recorder; pq tape cut copies a part of it",
		    path, owner);
	if (kill(owner, SIGUSR1) < 0)
		die(EXIT_FAILED, "%s: cannot ask process %d, which records to it: %s", path, owner,
		    strerror(errno));
	return EXIT_DONE;
}

static const struct work {
	const char *name;
	enum exit_status (*f)(const struct options *, const char *from, const char *to);
	const char *needs; /* what is to be written; NULL: nothing */
	bool window;
} works[] = {
	{ "info", info, NULL, false },
	{ "verify", verify, NULL, false },
	{ "cut", cut, "a file for the part that is cut out", true },
	{ "unpack", tape_unpack, "a directory for its moments", true },
	{ "pack", tape_pack, "a file for the tape", false },
	{ "save", save, NULL, false },
};

static const struct work *
find_work(const char *name)
{
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	die(EXIT_USAGE, "no %s; there are info, verify, cut, unpack, pack and save", name);
}

/* Ends the program when these words and options are not for this work. */
static void
check_words(const struct work *w, const struct options *o)
{
	const struct given *g = o->given;
	int most = w->needs && !o->out ? 3 : 2;
	if (g->words < 2)
		die(EXIT_USAGE, "%s needs %s", w->name,
		    w->f == tape_pack ? "a directory of moments" : "a tape");
	if (w->needs && !o->out && g->words < 3)
		die(EXIT_USAGE, "%s needs %s: pq tape %s %s -o NAME", w->name, w->needs, w->name,
		    g->word[1]);
	if (g->words > most)
		die(EXIT_USAGE, "one argument too many: %s", g->word[most]);
	if (!w->needs && o->out)
		die(EXIT_USAGE, "%s writes nothing: it takes no -o", w->name);
	if (!w->window && (o->from || o->to))
		die(EXIT_USAGE, "%s takes no --from and --to", w->name);
	if (g->seen[OPT_INFO_JSON] && w->f != info)
		die(EXIT_USAGE, "%s takes no --json", w->name);
}

static enum exit_status
tape(const struct options *o)
{
	const struct given *g = o->given;

	if (g->words == 0)
		die(EXIT_USAGE,
		    "what is to be done? info, verify, cut, unpack, pack or save, and a tape");
	const struct work *w = find_work(g->word[0]);
	check_words(w, o);
	enum exit_status status = w->f(o, g->word[1], o->out ? o->out : g->word[2]);
	if (status == EXIT_DONE)
		exit_printed();
	fflush(stdout);
	return status;
}

const struct tool tool_tape = {
	.name = "tape",
	.brief = "what is on a tape; cuts, checks and unpacks it",
	.usage = "info|verify|cut|unpack|pack|save FILE [-o OUT] [options]",
	.examples =
	    "  pq tape info ring.tape               span, tools, host, size, damage\n"
	    "  pq tape cut ring.tape --from 17:11 --to 17:13 -o spike.tape\n"
	    "  pq tape unpack spike.tape -o spike   files as they were, in spike/t0, t1, ...\n"
	    "  pq tape save ring.tape               its recorder saves the last minute\n",
	.takes = TAKES_WORK,
	.command = tape,
};
