/* task_source: rows of tasks by BPF, or from a recording. */
#include "tools/task_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/task_list.h"
#include "tools/hidden.h"

const char *const task_sources[] = { "bpf", "bpf-loop", "bpf-iter", "proc", NULL };

/* ---- Whether BPF shows what /proc shows */

/* Times after boot are those of the first time namespace, which always has this inode number. */
static bool
knows_times(void)
{
	const ino_t first = 0xeffffffa; /* PROC_TIME_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/time", &st) < 0 || st.st_ino == first;
}

/* Whether /proc has the numbers of the pid namespace of this process. */
static bool
is_own_proc(void)
{
	char target[24];
	ssize_t n = readlink("/proc/self", target, sizeof target - 1);

	target[n > 0 ? n : 0] = '\0';
	return strtol(target, NULL, 10) == (long)getpid();
}

/* NULL, or why the tasks of BPF would not be those of /proc. */
static const char *
differs(struct watch *w)
{
	const char *hidden;

	if (w->host->elsewhere)
		return "--root reads files only";
	if (!is_own_proc())
		return "/proc is that of another pid namespace";
	if (!knows_times())
		return "times are those of the host, and this is a time namespace";
	hidden = hidden_processes(w);
	return hidden ? arena_printf(&w->arena, "it would show what /proc hides: %s", hidden) :
			NULL;
}

/* ---- Begin */

static int
print_rows(void *ctx, struct buf *out)
{
	return task_list_print(ctx, out);
}

static void
close_list(void *ctx)
{
	task_list_close(ctx);
}

/* The rows of one process are another file than those of all. */
static void
name_file(struct task_source *s, const struct watch *w)
{
	const char *pid = w->ask->target.pid;

	snprintf(s->file, sizeof s->file, pid ? "pq/tasks-%.10s" : "pq/tasks", pid);
}

/* NULL with *why. */
static struct task_list *
open_list(struct watch *w, enum tasks_source wanted, bool calls, const char **why)
{
	static const enum task_list_mode modes[] = { [TASKS_BPF_LOOP] = TASK_LIST_LOOP,
		[TASKS_BPF_ITER] = TASK_LIST_ITER,
		[TASKS_PROC] = TASK_LIST_ANY };
	const char *target = w->ask->target.pid;
	struct task_list *list;
	struct bpf_why reason;
	uint64_t pid = 0;

	if (target && text_u64(text_of(target), &pid) < 0)
		pid = 0;
	if (task_list_open(&list, modes[wanted], (uint32_t)pid, !wait_counter_knows_pids(), calls,
		&reason) == 0)
		return list;
	*why = arena_printf(&w->arena, "%s", reason.text);
	return NULL;
}

/* Begins to measure, or takes what another sampler measures already. */
static bool
begin_rows(struct task_source *s, struct watch *w, enum tasks_source wanted)
{
	struct provided p = { print_rows, close_list, NULL };

	name_file(s, w);
	s->missing = differs(w);
	s->measured = !s->missing && host_provide(w->host, s->file, NULL) == 0;
	if (!s->missing && !s->measured && (p.ctx = open_list(w, wanted, s->calls, &s->missing))) {
		s->measured = host_provide(w->host, s->file, &p) == 0;
		if (!s->measured)
			task_list_close(p.ctx);
	}
	if (!s->measured)
		*s->file = '\0';
	return s->measured;
}

bool
task_source_find(struct task_source *s, struct watch *w)
{
	struct text text;

	name_file(s, w);
	if (host_read(w->host, s->file, &text) < 0)
		snprintf(s->file, sizeof s->file, "pq/tasks");
	if (host_read(w->host, s->file, &text) == 0)
		return true;
	*s->file = '\0';
	return false;
}

bool
task_source_begin(struct task_source *s, struct watch *w, enum tasks_source wanted)
{
	if (wanted == TASKS_PROC ||
	    (w->host->replay ? task_source_find(s, w) : begin_rows(s, w, wanted)) ||
	    wanted == TASKS_ANY)
		return true;
	if (w->host->replay)
		watch_fail(w, EXIT_UNSUPPORTED, "the recording was made without BPF");
	else
		watch_fail(w, EXIT_UNSUPPORTED, "BPF is not available: %s",
		    s->missing ? s->missing : strerror(errno));
	return false;
}

/* ---- Read */

/* Rows whose text is not wanted need not become one. */
static int
read_direct(struct task_source *s, struct task_list *list,
    int (*read)(struct task_list *, struct task_rows *))
{
	s->now = &s->rows[0];
	if (read(list, s->now) == 0)
		return 0;
	s->now->n = 0;
	return -1;
}

static int
read_text(struct task_source *s, struct watch *w)
{
	struct task_rows *before = &s->rows[s->now == &s->rows[0] ? 0 : 1];
	struct text text;

	s->now = &s->rows[before == &s->rows[0] ? 1 : 0];
	s->now->n = 0;
	s->now->hidden = (struct keyed){ 0 };
	if (host_read(w->host, s->file, &text) < 0)
		return -1;
	if (task_rows_parse(text, before, s->now) == 0)
		return 0;
	s->now->n = 0;
	return -1;
}

/* The list of which a text would be made; NULL: there is only the text. */
static struct task_list *
list_of(const struct task_source *s, struct watch *w)
{
	const struct provided *p = host_measures(w->host, s->file);

	return p && p->print == print_rows ? p->ctx : NULL;
}

int
task_source_read(struct task_source *s, struct watch *w)
{
	struct task_list *list = list_of(s, w);

	return list ? read_direct(s, list, task_list_read) : read_text(s, w);
}

int
task_source_read_some(
    struct task_source *s, struct watch *w, const uint32_t *wanted, size_t n, bool *all)
{
	struct task_list *list = list_of(s, w);

	*all = true;
	if (!list || s->now != &s->rows[0])
		return task_source_read(s, w);
	if (task_list_read_some(list, wanted, n, s->now, all) == 0)
		return 0;
	s->now->n = 0;
	return -1;
}

int
task_source_scan(struct task_source *s, struct watch *w)
{
	struct task_list *list = list_of(s, w);

	s->list = list;
	return list ? read_direct(s, list, task_list_scan) : read_text(s, w);
}

struct task_mark
task_source_mark(const struct task_source *s, size_t i)
{
	if (s->list)
		return task_list_mark(s->list, i);
	const struct task_row *r = &s->now->v[i];
	return (struct task_mark){ r->pid, r->tid, r->written, r->gone_majflt };
}

const struct task_row *
task_source_row(const struct task_source *s, size_t i, struct task_row *room)
{
	if (!s->list)
		return &s->now->v[i];
	task_list_row(s->list, i, room);
	return room;
}

void
task_source_end(struct task_source *s, struct watch *w)
{
	if (s->measured)
		host_unprovide(w->host, s->file);
	task_rows_free(&s->rows[0]);
	task_rows_free(&s->rows[1]);
	*s = (struct task_source){ .measured = false };
}
