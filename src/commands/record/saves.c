#include "commands/record/saves.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "tape/file.h"

static const int64_t second = 1000000000;

/* ---- The directory of saved windows */

static bool
is_saved(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, "pq-", 3) == 0 && n > 5 && strcmp(name + n - 5, ".tape") == 0;
}

/* Counts the saved windows of a directory and their bytes. They are known by their names, so that
 * --max-saves and --max-bytes count those of earlier runs too. The file open as `recorded` does not
 * count. Returns 0, or -1 with errno. */
static int
saved_count(const char *directory, int recorded, uint64_t *n, uint64_t *bytes)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	struct stat st, own = { 0 };

	*n = *bytes = 0;
	if (!d)
		return -1;
	fstat(recorded, &own);
	while ((e = readdir(d))) {
		if (!is_saved(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (st.st_dev == own.st_dev && st.st_ino == own.st_ino))
			continue;
		++*n;
		*bytes += st.st_size > 0 ? (uint64_t)st.st_size : 0;
	}
	closedir(d);
	return 0;
}

/* Prints a new name, from the host and the time (CLOCK_REALTIME):
 * "DIR/pq-web1-20261122T171201.250Z.tape". */
static void
saved_name(char *out, size_t n, const char *directory, const char *host, int64_t real_ns)
{
	time_t t = (time_t)(real_ns / 1000000000);
	char when[32], name[65];
	struct stat st;
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(when, sizeof when, "%04d%02d%02dT%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	snprintf(name, sizeof name, "%s", *host ? host : "host");
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	for (int copy = 1; copy < 1000; copy++) { /* two triggers may fire at once */
		char again[8] = "";
		if (copy > 1)
			snprintf(again, sizeof again, "-%d", copy);
		snprintf(out, n, "%s/pq-%s-%s.%03dZ%s.tape", directory, name, when,
		    (int)(real_ns % 1000000000 / 1000000), again);
		if (lstat(out, &st) < 0) /* a link is never followed */
			return;
	}
}

/* ---- Asking for a save */

static void
tell(struct saves *s, int64_t real_ns, const char *event, const struct reason *why,
    const char *message)
{
	journal_begin(s->journal, real_ns, event, message);
	journal_text(s->journal, "expr", why->expr);
	journal_text(s->journal, "column", *why->column ? why->column : NULL);
	journal_text(s->journal, "row", *why->label ? why->label : NULL);
	journal_text(s->journal, "name", *why->name ? why->name : NULL);
	journal_number(s->journal, "value", why->value, 3);
	journal_number(s->journal, "threshold", why->threshold, 3);
	journal_number(s->journal, "suppressed", (double)why->suppressed, 0);
}

/* Prints why a save is refused; false if it is not. */
static bool
is_refused(struct saves *s, char *out, size_t n)
{
	const struct plan *p = s->plan;
	uint64_t saved, bytes;
	char size[HUMAN_MOST];

	if (s->n == SAVES_MOST)
		snprintf(
		    out, n, "not saved: %d windows are already waiting to be saved", SAVES_MOST);
	else if (saved_count(p->directory, s->tape->fd, &saved, &bytes) < 0)
		snprintf(out, n, "not saved: cannot read %s: %s", p->directory, strerror(errno));
	/* the window that the command runs for is in the directory already */
	else if (saved + s->n - s->running_command >= p->own->max_saves)
		snprintf(out, n, "not saved: %s already holds %llu saved windows (--max-saves)",
		    p->directory, (unsigned long long)p->own->max_saves);
	else if (bytes >= p->own->max_bytes)
		snprintf(out, n, "not saved: the saved windows in %s already take %s (--max-bytes)",
		    p->directory, human_size((double)bytes, size));
	else
		return false;
	return true;
}

static void
why_text(const struct reason *why, char *out, size_t n)
{
	if (!*why->column)
		snprintf(out, n, "%s", why->expr);
	else
		snprintf(out, n, "%s%s%s is %g: %s", why->column, *why->label ? " of " : "",
		    *why->name ? why->name : why->label, why->value, why->expr);
}

void
saves_ask(struct saves *s, const struct sample *m, const struct reason *why, bool after)
{
	const struct plan *p = s->plan;
	char message[5600];
	int64_t after_ns = after ? p->own->after_ns : 0;

	why_text(why, message, sizeof message);
	tell(s, m->real_ns, "fired", why, message);
	journal_end(s->journal);
	if (is_refused(s, message, sizeof message)) {
		s->refused += 1 + why->suppressed;
		tell(s, m->real_ns, "refused", why, message);
		journal_end(s->journal);
		return;
	}
	struct save *new = &s->v[s->n++];
	*new = (struct save){ .reason = *why,
		.at_ns = m->real_ns,
		.window = { m->mono_ns - p->own->before_ns, m->mono_ns + after_ns },
		.due_ns = m->mono_ns + after_ns };
	new->reason.suppressed += s->refused;
	s->refused = 0;
}

/* ---- Copying the window, and running the command */

/* Exit statuses of the child that copies a window; lower ones are an errno, 0 is success. */
enum { COPY_NOTHING = 100, COPY_FAILED = 101 };

static int
copy_window(void *ctx)
{
	const struct saves *s = ctx;
	const struct save *save = &s->v[0];
	struct tape_reader r;

	tape_reader_begin_at(&r, s->tape->fd, &s->tape->index);
	int64_t copied = cut_save(&r, save->window, s->tape->writer.segment.boot_id, save->path);
	return copied > 0                     ? 0 :
	    copied == 0                       ? COPY_NOTHING :
	    errno > 0 && errno < COPY_NOTHING ? errno :
						COPY_FAILED;
}

static void
drop_first(struct saves *s)
{
	memmove(s->v, s->v + 1, --s->n * sizeof s->v[0]);
	s->running_command = false;
}

static void
set_number(char *out, size_t n, const char *name, double v)
{
	if (isnan(v))
		snprintf(out, n, "%s=", name);
	else
		snprintf(out, n, "%s=%.15g", name, v);
}

/* The environment of the command has the reason. */
static int
run_command(struct saves *s, int64_t mono_ns)
{
	const struct save *save = &s->v[0];
	const struct reason *why = &save->reason;
	char expr[4200], column[128], row[1100], name[1100], value[64], threshold[64], tape[4200],
	    at[80], suppressed[64];
	char *const env[] = { expr, column, row, name, value, threshold, tape, at, suppressed,
		NULL };
	struct buf when = { 0 };

	buf_iso_time(&when, &s->journal->times, save->at_ns);
	snprintf(expr, sizeof expr, "PQ_EXPR=%s", why->expr);
	snprintf(column, sizeof column, "PQ_COLUMN=%s", why->column);
	snprintf(row, sizeof row, "PQ_ROW=%s", why->label);
	snprintf(name, sizeof name, "PQ_NAME=%s", why->name);
	set_number(value, sizeof value, "PQ_VALUE", why->value);
	set_number(threshold, sizeof threshold, "PQ_THRESHOLD", why->threshold);
	snprintf(tape, sizeof tape, "PQ_TAPE=%s", save->path);
	snprintf(at, sizeof at, "PQ_TIME=%.*s", (int)when.n, when.s);
	snprintf(suppressed, sizeof suppressed, "PQ_SUPPRESSED=%llu",
	    (unsigned long long)why->suppressed);
	buf_free(&when);
	return job_exec(&s->job, s->plan->own->command, env, mono_ns, s->plan->own->exec_limit_ns);
}

static void
tell_saved(struct saves *s, int64_t real_ns, const struct job_end *end)
{
	const struct save *save = &s->v[0];
	char why[5600], message[10000], earlier[80] = "", size[HUMAN_MOST];
	struct stat st;
	double bytes = stat(save->path, &st) == 0 ? (double)st.st_size : NAN;

	why_text(&save->reason, why, sizeof why);
	if (save->reason.suppressed)
		snprintf(earlier, sizeof earlier,
		    "; %llu more triggers since the last save were not saved",
		    (unsigned long long)save->reason.suppressed);
	snprintf(message, sizeof message, "%s: %s, %s%s", why, save->path, human_size(bytes, size),
	    earlier);
	tell(s, real_ns, "saved", &save->reason, message);
	journal_text(s->journal, "tape", save->path);
	journal_number(s->journal, "bytes", bytes, 0);
	journal_number(s->journal, "took_ms", (double)end->took_ns * 1e-6, 3);
	journal_end(s->journal);
}

static void
tell_failed(struct saves *s, int64_t real_ns, const char *what, const char *why)
{
	char message[4400];

	snprintf(message, sizeof message, "%s: %s", what, why);
	tell(s, real_ns, "failed", &s->v[0].reason, message);
	journal_text(s->journal, "tape", s->v[0].path);
	journal_end(s->journal);
}

/* Drops a window that cannot be saved, with its incomplete file. The next save reports its
 * trigger. */
static void
give_up(struct saves *s, int64_t real_ns, const char *why)
{
	char part[4200];

	tell_failed(s, real_ns, "cannot save", why);
	snprintf(part, sizeof part, "%s.part", s->v[0].path);
	if (*s->v[0].path)
		unlink(part);
	s->refused += 1 + s->v[0].reason.suppressed;
	drop_first(s);
}

static void
start_copy(struct saves *s, int64_t mono_ns, int64_t real_ns)
{
	struct save *save = &s->v[0];

	saved_name(save->path, sizeof save->path, s->plan->directory, s->facts->name, save->at_ns);
	if (job_call(&s->job, copy_window, s, mono_ns, 60 * second) == 0)
		return;
	give_up(s, real_ns, strerror(errno));
}

static void
copy_ended(struct saves *s, int64_t mono_ns, int64_t real_ns, const struct job_end *end)
{
	char why[256];

	job_end_text(end, why, sizeof why);
	if (end->signal == 0 && end->status > 0 && end->status < COPY_NOTHING)
		snprintf(why, sizeof why, "%s", strerror(end->status));
	if (end->signal == 0 && end->status == COPY_NOTHING)
		snprintf(why, sizeof why, "the recording has no sample of this window");
	if (end->signal || end->status || end->timed_out) {
		give_up(s, real_ns, why);
		return;
	}
	tell_saved(s, real_ns, end);
	bool runs = s->plan->own->command && !(s->stopping && s->n > 1);
	s->running_command = runs && run_command(s, mono_ns) == 0;
	if (runs && !s->running_command)
		tell_failed(s, real_ns, s->plan->own->command[0], strerror(errno));
	if (!s->running_command)
		drop_first(s);
}

static void
command_ended(struct saves *s, int64_t real_ns, const struct job_end *end)
{
	char how[256], message[4400], took[HUMAN_MOST];

	if (end->signal || end->status || end->timed_out) {
		job_end_text(end, how, sizeof how);
		tell_failed(s, real_ns, s->plan->own->command[0], how);
	} else {
		snprintf(message, sizeof message, "%s: finished in %s", s->plan->own->command[0],
		    human_duration((double)end->took_ns * 1e-9, took));
		tell(s, real_ns, "ran", &s->v[0].reason, message);
		journal_text(s->journal, "tape", s->v[0].path);
		journal_end(s->journal);
	}
	drop_first(s);
}

void
saves_step(struct saves *s, int64_t mono_ns, int64_t real_ns)
{
	struct job_end end;

	if (s->n == 0)
		return;
	if (job_runs(&s->job)) {
		if (!job_poll(&s->job, mono_ns, &end))
			return;
		if (s->running_command)
			command_ended(s, real_ns, &end);
		else
			copy_ended(s, mono_ns, real_ns, &end);
		return;
	}
	if (mono_ns >= s->v[0].due_ns)
		start_copy(s, mono_ns, real_ns);
}

static void
stop_command(struct saves *s)
{
	if (!s->running_command)
		return;
	job_stop(&s->job);
	tell_failed(
	    s, clock_ns(CLOCK_REALTIME), s->plan->own->command[0], "the recorder is stopping");
	drop_first(s);
}

void
saves_finish(struct saves *s)
{
	int64_t until_ns = clock_ns(CLOCK_MONOTONIC) + 5 * second;

	s->stopping = true;
	for (size_t i = 0; i < s->n; i++)
		s->v[i].due_ns = 0;
	if (s->n > 1) /* the command's window is saved; the later ones are not */
		stop_command(s);
	while (s->n > 0 && clock_ns(CLOCK_MONOTONIC) < until_ns) {
		saves_step(s, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	stop_command(s);
	job_stop(&s->job);
	while (s->n > 0)
		give_up(s, clock_ns(CLOCK_REALTIME), "the recorder is stopping");
}
