/* export: pq export: writes the metrics of tools to a file, which the textfile collector of
 * node_exporter reads. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fail.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "cli/tool_list.h"
#include "session/session.h"
#include "table/metrics.h"
#include "table/table.h"
#include "version.h"

/* ---- The file. A new one replaces it, so that a reader sees either whole. */

/* The collector reads the files of its directory that end in .prom. */
struct textfile {
	char *path, *fresh; /* DIR/pq.prom, and DIR/.pq.prom.new, which replaces it */
	int lock;           /* the open directory, which is locked */
};

static char *
join(const char *directory, const char *name)
{
	size_t n = strlen(directory) + strlen(name) + 2;
	char *path = xmalloc(n);

	snprintf(path, n, "%s/%s", directory, name);
	return path;
}

/* Always creates the file, so that it never writes through a link or to another's file. The name is
 * fixed, so that killed exporters leave at most one. */
static int
begin_fresh(struct textfile *f)
{
	if (unlink(f->fresh) < 0 && errno != ENOENT)
		return -1;
	return open(f->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static void
drop_fresh(struct textfile *f)
{
	int error = errno;

	unlink(f->fresh);
	errno = error;
}

static int
try_directory(struct textfile *f)
{
	int fd = begin_fresh(f);

	if (fd < 0)
		return is_full(errno) ? 0 : -1;
	close(fd);
	drop_fresh(f);
	return 0;
}

/* A file system without locks lets several exporters in. */
static int
take_lock(struct textfile *f, const char *directory)
{
	f->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->lock < 0)
		return -1;
	return flock(f->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? -1 : 0;
}

static void
release(struct textfile *f)
{
	int error = errno;

	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f->fresh);
	errno = error;
}

/* Checks that files can be made in the directory, and locks it. A full disk is no error: it may get
 * room. Returns 0, or -1 with errno: EWOULDBLOCK if another exporter has the lock. */
static int
textfile_open(struct textfile *f, const char *directory)
{
	*f = (struct textfile){ join(directory, "pq.prom"), join(directory, ".pq.prom.new"), -1 };
	if (take_lock(f, directory) == 0 && try_directory(f) == 0)
		return 0;
	release(f);
	return -1;
}

/* Replaces the file; everybody may read it, whatever the umask. Returns 0, or -1 with errno: the
 * old file stays. */
static int
textfile_put(struct textfile *f, const struct buf *text)
{
	int fd = begin_fresh(f);

	if (fd < 0)
		return -1;
	bool written = write_whole(fd, text->s, text->n) == 0 && fchmod(fd, 0644) == 0;
	int error = errno;
	if (close(fd) < 0 && written) { /* some file systems report a full disk here */
		error = errno;
		written = false;
	}
	errno = error;
	if (written && rename(f->fresh, f->path) == 0)
		return 0;
	drop_fresh(f);
	return -1;
}

static void
textfile_close(struct textfile *f)
{
	unlink(f->path);
	release(f);
}

/* ---- The exporter */

/* The interval of ticks, and the time until the first file. */
static const int64_t TICK_NS = 1000000000;

struct export_options {
	const char *directory;
	double budget; /* share of a CPU */
};

struct exporter {
	struct tool_list list;
	struct session session;
	struct textfile file;
	struct buf text;
	uint64_t errors; /* failed attempts to write the file */
	bool troubled;   /* the last attempt failed */
};

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	(void)about;
	warn("%s: %s", tool->name, message);
}

/* Without -p and -g, all cgroups are exported. */
static void
choose_all(struct tool_list *l, const struct target *t)
{
	if (t->pid || t->cgroup)
		return;
	for (size_t i = 0; i < l->n; i++)
		l->ask[i].target.all = tool_takes(l->tool[i], &option_all);
}

static void
choose_options(struct tool_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->tool[i]->exported)
			l->ask[i].options = l->tool[i]->exported;
}

static void
open_file(struct exporter *e, const char *directory)
{
	if (!directory)
		die(EXIT_USAGE,
		    "--textfile DIR is required: the directory that node_exporter reads (its "
		    "--collector.textfile.directory)");
	if (textfile_open(&e->file, directory) == 0)
		return;
	if (errno == EWOULDBLOCK)
		die(EXIT_FAILED, "--textfile %s: another pq export is writing there", directory);
	die(EXIT_USAGE, "--textfile %s: cannot write there: %s", directory, strerror(errno));
}

/* A metric of one sample, without labels. */
static void
put_one(struct buf *b, const char *key, bool counter, double value, const char *help)
{
	struct metric m = { .key = key, .help = help, .counter = counter };

	metrics_family(b, &m);
	metrics_sample(b, &m, text_of(""), value);
}

static void
put_version(struct buf *b)
{
	struct metric m = { .key = "build", .help = "the version of pq", .info = true };

	metrics_family(b, &m);
	metrics_sample(b, &m, text_of("version=\"" PQ_VERSION "\""), 1);
}

static void
put_tools(struct exporter *e)
{
	struct metric m = { .key = "export_tool_up",
		.help = "1 if the tool has data to read, else 0" };
	struct buf labels = { 0 }, scratch = { 0 };

	metrics_family(&e->text, &m);
	for (size_t i = 0; i < e->list.n; i++) {
		labels.n = 0;
		metrics_label(&labels, &scratch, "tool", e->list.tool[i]->name);
		metrics_sample(
		    &e->text, &m, (struct text){ labels.s, labels.n }, !e->session.v[i]->over);
	}
	buf_free(&labels);
	buf_free(&scratch);
}

/* The metrics about pq export itself. */
static void
put_self(struct exporter *e)
{
	struct buf *b = &e->text;

	put_version(b);
	put_tools(e);
	put_one(b, "export_interval_seconds", false, (double)e->list.interval_ns * 1e-9,
	    "interval at which this file is written");
	put_one(b, "export_last_success_timestamp_seconds", false,
	    (double)e->session.now.real_ns * 1e-9, "time when this file was last written");
	put_one(b, "export_cpu_seconds", true, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) * 1e-9,
	    "CPU time used by pq export");
	put_one(b, "export_errors", true, (double)e->errors, "failed attempts to write this file");
	put_one(b, "export_missed", true, (double)e->session.missed,
	    "intervals skipped because pq export woke up too late");
}

static void
put_rows(struct exporter *e, size_t i)
{
	struct sampler *s = e->session.v[i];
	struct rows rows = sampler_rows(s);
	struct report report = { .tool = s->tool->name,
		.columns = s->tool->columns,
		.nshown = (int)columns_count(s->tool->columns) };

	for (int k = 0; k < report.nshown; k++)
		report.shown[k] = k;
	report.labels = columns_labels(s->tool->columns, e->session.options->labels);
	if (rows.table)
		metrics_rows(&e->text, &report, &rows);
}

/* A failure is reported once; the next interval tries again. */
static void
write_file(struct exporter *e)
{
	e->text.n = 0;
	for (size_t i = 0; i < e->list.n; i++)
		put_rows(e, i);
	put_self(e);
	metrics_end(&e->text);
	bool failed = textfile_put(&e->file, &e->text) < 0;
	e->errors += failed;
	if (failed && !e->troubled)
		warn("cannot write %s: %s; retrying every %g s", e->file.path, strerror(errno),
		    (double)e->list.interval_ns * 1e-9);
	if (!failed && e->troubled)
		warn("%s: writing works again", e->file.path);
	e->troubled = failed;
}

static void
begin(struct exporter *e, const struct options *o)
{
	const struct tool_list *l = &e->list;

	e->session = (struct session){ .host = open_host(o),
		.options = o,
		.interval_ns = l->interval_ns,
		.first_ns = l->interval_ns < TICK_NS ? l->interval_ns : TICK_NS,
		.lasting = true,
		.budget = ((const struct export_options *)o->ask.options)->budget,
		.say = say_note };
	for (size_t i = 0; i < l->n; i++)
		session_add(&e->session, l->tool[i], &l->ask[i])->tick_ns =
		    l->tool[i]->tick && !l->tool[i]->tick_walks ? TICK_NS : 0;
}

static enum exit_status
loop(struct exporter *e)
{
	struct session *s = &e->session;
	enum session_event event;

	if (!session_start(s) || !session_begin(s))
		return session_status(s);
	while ((event = session_next(s)) != SESSION_END)
		if (event == SESSION_ROW)
			write_file(e);
	return e->troubled ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status
export_run(const struct options *o)
{
	struct exporter *e = xmalloc(sizeof *e);

	memset(e, 0, sizeof *e);
	tool_list_parse(&e->list, o, INT64_C(15000000000));
	if (e->list.count)
		die(EXIT_USAGE,
		    "unexpected count: pq export runs until it is stopped (usage: --textfile DIR "
		    "[interval] [TOOL...])");
	columns_labels(tool_throttle.columns, o->labels); /* checks them before the file is made */
	choose_all(&e->list, &o->ask.target);
	choose_options(&e->list);
	open_file(e, ((const struct export_options *)o->ask.options)->directory);
	begin(e, o);
	signals_catch();
	enum exit_status status = loop(e);
	session_end(&e->session);
	textfile_close(&e->file);
	buf_free(&e->text);
	tool_list_free(&e->list);
	free(e);
	return status;
}

static const struct option options[] = {
	{ 0, "textfile", "DIR", OPTION_PATH, offsetof(struct export_options, directory),
	    .help = "the directory that node_exporter reads" },
	{ 0, "budget", "SHARE", OPTION_SHARE, offsetof(struct export_options, budget),
	    .help = "use at most this share of a CPU, else read less often (1%)",
	    .want = "a share of a CPU such as 1% or 0.02, at least 0.1%" },
	{ .type = OPTION_END },
};

static const struct export_options usual_options = { .budget = 0.01 };

const struct tool tool_export = {
	.name = "export",
	.brief = "write metrics for Prometheus (node_exporter textfile)",
	.usage = "--textfile DIR [options] [interval] [TOOL...]",
	.examples =
	    "  pq export --textfile /var/lib/prometheus/node-exporter\n"
	    "  pq export --textfile DIR 30 throttle mem    every 30 s, cgroups with a limit\n"
	    "  pq export --textfile DIR --root /host       in a container, for its node\n",
	.shared = (const struct option *const[]){ &option_root, &option_pid, &option_cgroup,
	    &option_all, &option_labels, NULL },
	.shared_help = { .pid = "export this process, or its cgroup (depends on the tool)",
	    .cgroup = "export this cgroup and its parents: /web, or its directory",
	    .all = "cgroups with a limit (psi, disk: all); default, except disk" },
	.options = options,
	.options_size = sizeof(struct export_options),
	.defaults = &usual_options,
	.command = export_run,
};
