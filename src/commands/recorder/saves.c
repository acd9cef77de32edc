/* saves: counts, names and starts them. */
#include "commands/recorder/saves.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/units.h"

static const int64_t second = 1000000000;

/* ---- The directory of saved windows */

static const char *const extensions[] = { ".tape", ".trace" };

enum { EXTENSIONS = sizeof extensions / sizeof extensions[0] };

/* Which extension a saved window's file has, or -1: it is none. */
static int
extension_of(const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < EXTENSIONS && strncmp(name, "pq-", 3) == 0; i++) {
		size_t length = strlen(extensions[i]);
		if (n > length && strcmp(name + n - length, extensions[i]) == 0)
			return i;
	}
	return -1;
}

/* Whether the window of this trace has a recording too, which counts. */
static bool
has_tape(int directory, const char *trace)
{
	char tape[NAME_MAX + 1];
	struct stat st;

	snprintf(tape, sizeof tape, "%.*s%s", (int)(strlen(trace) - strlen(extensions[1])), trace,
	    extensions[0]);
	return fstatat(directory, tape, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Counts the saved windows of a directory and their bytes. They are known by their names, so that
 * --max-saves and --max-bytes count those of earlier runs too. The file open as `recorded` does not
 * count. Returns 0, or -1 with errno. */
static int
saved_count(const char *directory, const int *recorded, uint64_t *n, uint64_t *bytes)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	struct stat st, own = { 0 };

	*n = *bytes = 0;
	if (!d)
		return -1;
	if (recorded)
		fstat(*recorded, &own);
	while ((e = readdir(d))) {
		int extension = extension_of(e->d_name);
		if (extension < 0 || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (st.st_dev == own.st_dev && st.st_ino == own.st_ino))
			continue;
		*n += extension == 0 || !has_tape(dirfd(d), e->d_name);
		*bytes += st.st_size > 0 ? (uint64_t)st.st_size : 0;
	}
	closedir(d);
	return 0;
}

static void
file_of(char out[SAVE_PATH + 16], const char *path, const char *extension)
{
	snprintf(out, SAVE_PATH + 16, "%s%s", path, extension);
}

/* The name of the file until it is complete. */
static void
part_of(char out[SAVE_PATH + 32], const char *file)
{
	snprintf(out, SAVE_PATH + 32, "%s.part", file);
}

/* No file of the window exists yet, not even an incomplete one: this recorder may remove all that it finds later. */
static bool
is_free(const char *path)
{
	char file[SAVE_PATH + 16], part[SAVE_PATH + 32];
	struct stat st;

	for (int i = 0; i < EXTENSIONS; i++) {
		file_of(file, path, extensions[i]);
		part_of(part, file);
		if (lstat(file, &st) == 0 || lstat(part, &st) == 0) /* a link is never followed */
			return false;
	}
	return true;
}

static void
claim_of(char out[SAVE_PATH + 16], const char *path)
{
	file_of(out, path, ".part");
}

/* Other recorders may choose the same name now, for files with other extensions: who creates this
 * file, which the last copy removes, has it. 0, or -1 with errno: EEXIST. */
static int
claim(const char *path)
{
	char file[SAVE_PATH + 16];

	claim_of(file, path);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	if (is_free(path))
		return 0;
	unlink(file);
	return fail_with(EEXIST);
}

/* Prints a new name without its extension, from the host and the time (CLOCK_REALTIME), and claims
 * it: "DIR/pq-web1-20261122T171201.250Z". Two triggers may fire at once, and so may those of two
 * recorders. 0, or -1 with errno. */
static int
claim_name(char *out, size_t n, const char *directory, const char *host, int64_t real_ns)
{
	time_t t = (time_t)(real_ns / 1000000000);
	char when[32], name[65], again[16] = "";
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(when, sizeof when, "%04d%02d%02dT%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	snprintf(name, sizeof name, "%s", *host ? host : "host");
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	for (int copy = 2; copy < 1000; copy++) {
		snprintf(out, n, "%s/pq-%s-%s.%03dZ%s", directory, name, when,
		    (int)(real_ns % 1000000000 / 1000000), again);
		if (claim(out) == 0)
			return 0;
		if (errno != EEXIST)
			break;
		snprintf(again, sizeof again, "-%d", copy);
	}
	*out = '\0';
	return -1;
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

/* Windows that have no file in the directory yet. */
static size_t
without_file(const struct saves *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool any = false;
		for (size_t k = 0; k < s->nmedia; k++)
			any |= s->v[i].saved[k];
		n += !any;
	}
	return n;
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
	else if (saved_count(p->directory, s->own_fd, &saved, &bytes) < 0)
		snprintf(out, n, "not saved: cannot read %s: %s", p->directory, strerror(errno));
	else if (saved + without_file(s) >= p->own->max_saves)
		snprintf(out, n, "not saved: %s already holds %llu saved windows (--max-saves)",
		    p->directory, (unsigned long long)p->own->max_saves);
	else if (bytes >= p->own->max_bytes)
		snprintf(out, n, "not saved: the saved windows in %s already take %s (--max-bytes)",
		    p->directory, human_size((double)bytes, size));
	else
		return false;
	return true;
}

void
reason_text(const struct reason *why, char *out, size_t n)
{
	if (!*why->column)
		snprintf(out, n, "%s", why->expr);
	else
		snprintf(out, n, "%s%s%s is %g: %s", why->column, *why->label ? " of " : "",
		    *why->name ? why->name : why->label, why->value, why->expr);
}

/* Of a medium that is overwritten soon, the window ends before the trigger is overwritten. */
static int64_t
after_most(const struct save_medium *m, int64_t after_ns)
{
	int64_t most_ns = m->lasts_ns ? m->lasts_ns(m->ctx) / 2 : INT64_MAX;

	return after_ns < most_ns ? after_ns : most_ns;
}

void
saves_ask(struct saves *s, const struct sample *m, const struct reason *why, bool after)
{
	const struct plan *p = s->plan;
	char message[5600];
	int64_t after_ns = after ? p->own->after_ns : 0;

	reason_text(why, message, sizeof message);
	tell(s, m->real_ns, "fired", why, message);
	journal_end(s->journal);
	if (s->fired)
		s->fired(s->about, m->real_ns, message);
	if (is_refused(s, message, sizeof message)) {
		s->refused += 1 + why->suppressed;
		tell(s, m->real_ns, "refused", why, message);
		journal_end(s->journal);
		return;
	}
	struct save *new = &s->v[s->n++];
	*new = (struct save){ .reason = *why,
		.at_ns = m->real_ns,
		.mono_ns = m->mono_ns,
		.boot_ns = m->mono_ns + clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC),
		.window = { m->mono_ns - p->own->before_ns, m->mono_ns + after_ns } };
	for (size_t i = 0; i < s->nmedia; i++)
		new->due_ns[i] = m->mono_ns + after_most(&s->media[i], after_ns);
	new->reason.suppressed += s->refused;
	s->refused = 0;
}

/* ---- Copying the window, and running the command */

static struct save_medium *
medium_of(struct saves *s)
{
	return &s->media[s->v[s->at].tried];
}

/* The file of this medium. */
static void
medium_file(const struct saves *s, size_t i, char out[SAVE_PATH + 16])
{
	char extension[16];

	snprintf(extension, sizeof extension, ".%s", s->media[i].name);
	file_of(out, s->v[s->at].path, extension);
}

static int
copy_window(void *ctx)
{
	struct saves *s = ctx;
	const struct save *save = &s->v[s->at];
	struct save_medium *m = medium_of(s);
	char file[SAVE_PATH + 16];

	medium_file(s, save->tried, file);
	return m->copy(m->ctx, save, file);
}

static void
drop(struct saves *s)
{
	memmove(s->v + s->at, s->v + s->at + 1, (--s->n - s->at) * sizeof s->v[0]);
	s->running_command = s->running_report = false;
}

static void
set_number(char *out, size_t n, const char *name, double v)
{
	if (isnan(v))
		snprintf(out, n, "%s=", name);
	else
		snprintf(out, n, "%s=%.15g", name, v);
}

enum { FILE_ENV = SAVE_PATH + 32 };

/* Empty if the window has no such file. */
static void
set_file(const struct saves *s, char out[FILE_ENV], const char *name, const char *medium)
{
	char file[SAVE_PATH + 16] = "";

	for (size_t i = 0; i < s->nmedia; i++)
		if (s->v[s->at].saved[i] && strcmp(s->media[i].name, medium) == 0)
			medium_file(s, i, file);
	snprintf(out, FILE_ENV, "%s%s", name, file);
}

/* The environment of the command has the reason. */
static int
run_command(struct saves *s, int64_t mono_ns)
{
	const struct save *save = &s->v[s->at];
	const struct reason *why = &save->reason;
	char expr[4200], column[128], row[1100], name[1100], value[64], threshold[64],
	    tape[FILE_ENV], trace[FILE_ENV], at[80], suppressed[64];
	char *const env[] = { expr, column, row, name, value, threshold, tape, trace, at,
		suppressed, NULL };
	struct buf when = { 0 };

	buf_iso_time(&when, &s->journal->times, save->at_ns);
	snprintf(expr, sizeof expr, "PQ_EXPR=%s", why->expr);
	snprintf(column, sizeof column, "PQ_COLUMN=%s", why->column);
	snprintf(row, sizeof row, "PQ_ROW=%s", why->label);
	snprintf(name, sizeof name, "PQ_NAME=%s", why->name);
	set_number(value, sizeof value, "PQ_VALUE", why->value);
	set_number(threshold, sizeof threshold, "PQ_THRESHOLD", why->threshold);
	set_file(s, tape, "PQ_TAPE=", "tape");
	set_file(s, trace, "PQ_TRACE=", "trace");
	snprintf(at, sizeof at, "PQ_TIME=%.*s", (int)when.n, when.s);
	snprintf(suppressed, sizeof suppressed, "PQ_SUPPRESSED=%llu",
	    (unsigned long long)why->suppressed);
	buf_free(&when);
	return job_exec(&s->job, s->plan->own->command, env, mono_ns, s->plan->own->exec_limit_ns);
}

/* In JSON, the files of the window; null: not saved. */
static void
add_files(struct saves *s)
{
	char file[SAVE_PATH + 16];

	for (size_t i = 0; i < s->nmedia; i++) {
		medium_file(s, i, file);
		journal_text(s->journal, s->media[i].name, s->v[s->at].saved[i] ? file : NULL);
	}
}

static void
tell_saved(struct saves *s, int64_t real_ns, const struct job_end *end)
{
	const struct save *save = &s->v[s->at];
	const struct save_medium *m = medium_of(s);
	char why[5600], file[SAVE_PATH + 16], about[400] = "", message[11000], earlier[80] = "",
					      size[HUMAN_MOST];
	struct stat st;

	medium_file(s, save->tried, file);
	double bytes = stat(file, &st) == 0 ? (double)st.st_size : NAN;
	reason_text(&save->reason, why, sizeof why);
	if (m->about)
		m->about(m->ctx, about, sizeof about);
	if (save->reason.suppressed)
		snprintf(earlier, sizeof earlier,
		    "; %llu more triggers since the last save were not saved",
		    (unsigned long long)save->reason.suppressed);
	snprintf(message, sizeof message, "%s: %s, %s%s%s%s", why, file, human_size(bytes, size),
	    *about ? ", " : "", about, earlier);
	tell(s, real_ns, "saved", &save->reason, message);
	journal_text(s->journal, m->name, file);
	journal_number(s->journal, "bytes", bytes, 0);
	journal_number(s->journal, "took_ms", (double)end->took_ns * 1e-6, 3);
	journal_end(s->journal);
}

static void
tell_failed(struct saves *s, int64_t real_ns, const char *what, const char *why)
{
	char message[4400];

	snprintf(message, sizeof message, "%s: %s", what, why);
	tell(s, real_ns, "failed", &s->v[s->at].reason, message);
	add_files(s);
	journal_end(s->journal);
}

/* The last step of a window that has something saved. */
static void
start_command(struct saves *s, int64_t mono_ns, int64_t real_ns)
{
	bool runs = s->plan->own->command && !(s->stopping && s->n > 1);

	s->running_report = false;
	s->running_command = runs && run_command(s, mono_ns) == 0;
	if (runs && !s->running_command)
		tell_failed(s, real_ns, s->plan->own->command[0], strerror(errno));
	if (!s->running_command)
		drop(s);
}

/* The file of the report, beside the recording. False if that was not saved. */
static bool
report_file(const struct saves *s, char out[SAVE_PATH + 16])
{
	file_of(out, s->v[s->at].path, ".html");
	for (size_t i = 0; i < s->nmedia; i++)
		if (s->v[s->at].saved[i] && strcmp(s->media[i].name, "tape") == 0)
			return true;
	return false;
}

/* This program writes the report in a process of its own; pq and pq-record both know the word. */
static bool
start_report(struct saves *s, int64_t mono_ns)
{
	char program[] = "/proc/self/exe", word[] = "report", out[] = "-o";
	char tape[SAVE_PATH + 16], html[SAVE_PATH + 16];
	char *const argv[] = { program, word, tape, out, html, NULL };

	if (!s->report || (s->stopping && s->n > 1) || !report_file(s, html))
		return false;
	file_of(tape, s->v[s->at].path, ".tape");
	return job_exec(&s->job, argv, NULL, mono_ns, 60 * second) == 0;
}

/* After its last copy: writes the report and runs the command if there is something saved. Otherwise the
 * next save reports its trigger. */
static void
end_save(struct saves *s, int64_t mono_ns, int64_t real_ns)
{
	const struct save *save = &s->v[s->at];
	char claimed[SAVE_PATH + 16];
	bool any = false;

	for (size_t i = 0; i < s->nmedia; i++)
		any |= save->saved[i];
	claim_of(claimed, save->path);
	if (*save->path)
		unlink(claimed);
	if (!any) {
		s->refused += 1 + save->reason.suppressed;
		drop(s);
		return;
	}
	s->running_report = start_report(s, mono_ns);
	if (!s->running_report)
		start_command(s, mono_ns, real_ns);
}

/* The command follows, whether there is a report or not. */
static void
report_ended(struct saves *s, int64_t mono_ns, int64_t real_ns, const struct job_end *end)
{
	char html[SAVE_PATH + 16], how[256], message[SAVE_PATH + 64], took[HUMAN_MOST];

	report_file(s, html);
	if (end->signal || end->status || end->timed_out) {
		job_end_text(end, how, sizeof how);
		tell_failed(s, real_ns, "cannot write the report", how);
	} else {
		snprintf(message, sizeof message, "%s: written in %s", html,
		    human_duration((double)end->took_ns * 1e-9, took));
		tell(s, real_ns, "reported", &s->v[s->at].reason, message);
		journal_text(s->journal, "report", html);
		journal_end(s->journal);
	}
	start_command(s, mono_ns, real_ns);
}

/* Goes to the next medium of the window. */
static void
end_copy(struct saves *s, int64_t mono_ns, int64_t real_ns)
{
	if (++s->v[s->at].tried == s->nmedia)
		end_save(s, mono_ns, real_ns);
}

/* Says why, and removes the incomplete file. */
static void
copy_failed(struct saves *s, int64_t mono_ns, int64_t real_ns, const char *why)
{
	char file[SAVE_PATH + 16], part[SAVE_PATH + 32];

	tell_failed(s, real_ns,
	    strcmp(medium_of(s)->name, "trace") == 0 ? "cannot save the trace" : "cannot save",
	    why);
	if (*s->v[s->at].path) {
		medium_file(s, s->v[s->at].tried, file);
		part_of(part, file);
		unlink(part);
	}
	end_copy(s, mono_ns, real_ns);
}

static void
start_copy(struct saves *s, size_t i, int64_t mono_ns, int64_t real_ns)
{
	struct save *save = &s->v[i];

	s->at = i;
	if ((!*save->path &&
		claim_name(save->path, sizeof save->path, s->plan->directory, s->facts->name,
		    save->at_ns) < 0) ||
	    job_call(&s->job, copy_window, s, mono_ns, 60 * second) < 0)
		copy_failed(s, mono_ns, real_ns, strerror(errno));
}

static void
copy_ended(struct saves *s, int64_t mono_ns, int64_t real_ns, const struct job_end *end)
{
	char why[256];

	job_end_text(end, why, sizeof why);
	if (end->signal == 0 && end->status > 0 && end->status < SAVE_NOTHING)
		snprintf(why, sizeof why, "%s", strerror(end->status));
	if (end->signal == 0 && end->status == SAVE_NOTHING)
		snprintf(why, sizeof why, "the recording has no sample of this window");
	if (end->signal || end->status || end->timed_out) {
		copy_failed(s, mono_ns, real_ns, why);
		return;
	}
	s->v[s->at].saved[s->v[s->at].tried] = true;
	tell_saved(s, real_ns, end);
	end_copy(s, mono_ns, real_ns);
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
		tell(s, real_ns, "ran", &s->v[s->at].reason, message);
		add_files(s);
		journal_end(s->journal);
	}
	drop(s);
}

/* The window whose next copy is due first. */
static size_t
first_due(const struct saves *s)
{
	size_t first = 0;

	for (size_t i = 1; i < s->n; i++)
		if (s->v[i].due_ns[s->v[i].tried] < s->v[first].due_ns[s->v[first].tried])
			first = i;
	return first;
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
		else if (s->running_report)
			report_ended(s, mono_ns, real_ns, &end);
		else
			copy_ended(s, mono_ns, real_ns, &end);
		return;
	}
	size_t i = first_due(s);
	if (mono_ns >= s->v[i].due_ns[s->v[i].tried])
		start_copy(s, i, mono_ns, real_ns);
}

/* The limits of a job are looked at once a second. */
int64_t
saves_due_ns(const struct saves *s, int64_t mono_ns)
{
	if (s->n == 0)
		return INT64_MAX;
	if (job_runs(&s->job))
		return mono_ns + second;
	const struct save *v = &s->v[first_due(s)];
	return v->due_ns[v->tried];
}

static void
stop_command(struct saves *s)
{
	if (!s->running_command && !s->running_report)
		return;
	job_stop(&s->job);
	tell_failed(s, clock_ns(CLOCK_REALTIME),
	    s->running_report ? "cannot write the report" : s->plan->own->command[0],
	    "the recorder is stopping");
	drop(s);
}

/* Gives up the copy that is in progress, or waits. */
static void
give_up(struct saves *s)
{
	const int64_t mono_ns = clock_ns(CLOCK_MONOTONIC), real_ns = clock_ns(CLOCK_REALTIME);

	s->at = job_runs(&s->job) ? s->at : 0;
	job_stop(&s->job);
	copy_failed(s, mono_ns, real_ns, "the recorder is stopping");
	stop_command(s);
}

void
saves_finish(struct saves *s)
{
	int64_t until_ns = clock_ns(CLOCK_MONOTONIC) + 5 * second;

	s->stopping = true;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->nmedia; k++)
			s->v[i].due_ns[k] = 0;
	if (s->n > 1) /* the command's window is saved; the later ones are not */
		stop_command(s);
	while (s->n > 0 && clock_ns(CLOCK_MONOTONIC) < until_ns) {
		saves_step(s, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	stop_command(s);
	while (s->n > 0)
		give_up(s);
}
