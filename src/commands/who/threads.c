#include "commands/who/threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cgroup/process.h"
#include "commands/live_threads.h"
#include "proc/task.h"

/* With so many the places of ended threads are used again, the oldest first: until then they may still
 * be the culprits of waits that last. */
enum { REUSE_FROM = 1 << 14, REUSE_LEFT = 1 << 12, FRESH_MOST = 1 << 16 };

/* The start of a thread that has ended. */
#define ENDED UINT64_MAX

static uint32_t *
place_of(struct who_threads *t, uint32_t tid)
{
	uint32_t **page = tid < THREADS_TIDS ? &t->pages[tid / THREADS_PAGE] : NULL;

	if (!page)
		return NULL;
	if (!*page)
		*page =
		    memset(xmalloc(THREADS_PAGE * sizeof **page), 0, THREADS_PAGE * sizeof **page);
	return &(*page)[tid % THREADS_PAGE];
}

const struct trace_thread *
who_threads_find(const struct trace_file *file, uint32_t tid, uint64_t at_ns)
{
	const struct who_threads *t = (const struct who_threads *)(const void *)file;
	const uint32_t *page = tid < THREADS_TIDS ? t->pages[tid / THREADS_PAGE] : NULL;
	uint32_t i = page ? page[tid % THREADS_PAGE] : 0;

	(void)at_ns;
	return i ? &file->threads[i - 1] : NULL;
}

/* ---- Places */

/* The place of the thread that ended first. */
static size_t
take_ended(struct who_threads *t)
{
	size_t i = t->ended[t->first_ended];
	uint32_t *place = place_of(t, t->file.threads[i].tid);

	t->first_ended = (t->first_ended + 1) % t->ended_room;
	t->nended--;
	if (place && *place == i + 1)
		*place = 0;
	return i;
}

static size_t
new_place(struct who_threads *t)
{
	struct trace_file *f = &t->file;

	if (f->nthreads >= REUSE_FROM && t->nended > REUSE_LEFT)
		return take_ended(t);
	f->threads = xgrow(f->threads, f->nthreads, &t->threads_room, sizeof *f->threads);
	return f->nthreads++;
}

static void
put_ended(struct who_threads *t, uint32_t i)
{
	if (t->file.threads[i].start_ns == ENDED)
		return;
	if (t->nended == t->ended_room) {
		size_t room = t->ended_room ? 2 * t->ended_room : 256;
		uint32_t *v = xmalloc(room * sizeof *v);
		for (size_t k = 0; k < t->nended; k++)
			v[k] = t->ended[(t->first_ended + k) % t->ended_room];
		free(t->ended);
		t->ended = v;
		t->first_ended = 0;
		t->ended_room = room;
	}
	t->ended[(t->first_ended + t->nended++) % t->ended_room] = i;
	t->file.threads[i].start_ns = ENDED;
}

void
who_threads_ended(struct who_threads *t, size_t index)
{
	put_ended(t, (uint32_t)index);
}

/* A number that had a thread before has another one now. */
static void
put_thread(struct who_threads *t, const struct trace_thread *new)
{
	uint32_t *place = place_of(t, new->tid);

	if (!place)
		return;
	size_t i = new_place(t);
	t->file.threads[i] = *new;
	*place = (uint32_t)i + 1;
}

static void
put_fresh(struct who_threads *t, uint32_t tid)
{
	if (t->nfresh == FRESH_MOST) /* they are read again later, as all are */
		t->nfresh = 0;
	t->fresh = xgrow(t->fresh, t->nfresh, &t->fresh_room, sizeof *t->fresh);
	t->fresh[t->nfresh++] = tid;
}

/* ---- Files */

static uint32_t
cgroup_number(struct who_threads *t, struct text path)
{
	struct trace_file *f = &t->file;
	int i = map_find(&t->paths, path);

	if (i >= 0)
		return (uint32_t)i;
	f->cgroups = xgrow(f->cgroups, f->ncgroups, &t->cgroups_room, sizeof *f->cgroups);
	f->cgroups[f->ncgroups++] = arena_copy(&t->arena, path);
	return map_put(&t->paths, path);
}

static uint32_t
read_cgroup(struct who_threads *t, struct host *h, uint32_t tid)
{
	struct text path;

	return process_cpu_cgroup(h, tid, &path) ? cgroup_number(t, path) : TRACE_NO_CGROUP;
}

static uint32_t
read_process(struct host *h, uint32_t tid)
{
	static const char *const keys[] = { "Tgid:" };
	struct keyed v;
	struct text text;
	char file[64];

	if (host_read(h, task_path(file, tid, 0, "/status"), &text) < 0 ||
	    keyed_parse(text, keys, 1, &v) < 1)
		return 0;
	return (uint32_t)v.v;
}

/* ---- All at first */

static void
add_live(void *ctx, const struct trace_thread *thread, struct text cgroup)
{
	struct who_threads *t = ctx;
	struct trace_thread new = *thread;

	if (cgroup.n > 0)
		new.cgroup = cgroup_number(t, cgroup);
	put_thread(t, &new);
}

void
who_threads_begin(struct who_threads *t, struct host *h)
{
	live_threads(h, 0, add_live, t);
}

/* ---- Then by events */

/* It runs another program, whose name files tell. */
static void
take_exec(struct who_threads *t, uint32_t tid)
{
	uint32_t *place = place_of(t, tid);

	if (place && *place)
		*t->file.threads[*place - 1].comm = '\0';
	put_fresh(t, tid);
}

/* Its files were not read in time, after it began or ran another program. */
static void
name_ended(struct who_threads *t, uint32_t i)
{
	struct trace_thread *th = &t->file.threads[i];

	if (!*th->comm)
		snprintf(th->comm, sizeof th->comm, "(exited)");
}

/* A thread that nobody told of. */
static void
see(struct who_threads *t, uint32_t tid)
{
	if (tid == 0 || tid >= THREADS_TIDS || who_threads_find(&t->file, tid, 0))
		return;
	put_thread(t, &(struct trace_thread){ .tid = tid, .cgroup = TRACE_NO_CGROUP });
	put_fresh(t, tid);
}

/* It begins in the cgroup of who created it, and with its name. */
static void
add_child(struct who_threads *t, const struct sched_event *e)
{
	const struct trace_thread *parent = who_threads_find(&t->file, e->other, 0);
	struct trace_thread new = { .cgroup = TRACE_NO_CGROUP };

	if (parent)
		new = *parent;
	new.tid = e->tid;
	new.pid = trace_pid_of_new(e, parent);
	new.start_ns = e->at_ns;
	put_thread(t, &new);
	put_fresh(t, e->tid);
}

void
who_threads_event(struct who_threads *t, const struct sched_event *e)
{
	if (e->kind == SCHED_NEW) {
		add_child(t, e);
		return;
	}
	see(t, e->tid);
	if (e->kind == SCHED_SWITCH)
		see(t, e->other);
	else if (e->kind == SCHED_EXEC)
		take_exec(t, e->tid);
	else if (e->kind == SCHED_EXIT && e->tid && e->tid < THREADS_TIDS)
		put_ended(t, *place_of(t, e->tid) - 1);
}

/* Whether it is of another process or cgroup than before. */
static bool
read_thread(struct who_threads *t, struct host *h, uint32_t tid)
{
	const struct trace_thread *old = who_threads_find(&t->file, tid, 0);
	struct trace_thread new;

	if (!old)
		return false;
	new = *old;
	if (!live_thread_read(h, tid, 0, &new)) {
		name_ended(t, (uint32_t)(old - t->file.threads));
		return false;
	}
	new.start_ns = old->start_ns; /* it may have ended */
	new.pid = read_process(h, tid);
	new.cgroup = read_cgroup(t, h, tid);
	if (new.cgroup == TRACE_NO_CGROUP) /* it has just ended */
		new.cgroup = old->cgroup;
	size_t i = (size_t)(old - t->file.threads);
	bool moved = new.pid != old->pid || new.cgroup != old->cgroup || new.kernel != old->kernel;
	t->file.threads[i] = new;
	return moved;
}

void
who_threads_read(struct who_threads *t, struct host *h, size_t most,
    void (*moved)(void *about, uint32_t tid), void *about)
{
	size_t n = 0;

	for (; n < most && t->nfresh > 0; n++) {
		uint32_t tid = t->fresh[--t->nfresh];
		if (read_thread(t, h, tid))
			moved(about, tid);
	}
	for (size_t i = 0, all = t->file.nthreads; n < most && i < all; i++) {
		t->refreshed = t->refreshed + 1 < all ? t->refreshed + 1 : 0;
		const struct trace_thread *th = &t->file.threads[t->refreshed];
		if (th->kernel || th->start_ns == ENDED)
			continue;
		uint32_t tid = th->tid;
		n++;
		if (read_thread(t, h, tid))
			moved(about, tid);
	}
}

size_t
who_threads_see(struct who_threads *t, struct host *h, uint32_t pid, uint32_t tid)
{
	const struct trace_thread *old = who_threads_find(&t->file, tid, 0);

	if (!old || old->pid != pid) {
		if (old)
			put_ended(t, (uint32_t)(old - t->file.threads));
		put_thread(
		    t, &(struct trace_thread){ .tid = tid, .pid = pid, .cgroup = TRACE_NO_CGROUP });
		read_thread(t, h, tid);
		old = who_threads_find(&t->file, tid, 0);
	}
	return (size_t)(old - t->file.threads);
}

void
who_threads_free(struct who_threads *t)
{
	for (size_t i = 0; i < sizeof t->pages / sizeof t->pages[0]; i++)
		free(t->pages[i]);
	free(t->file.threads);
	free(t->file.cgroups);
	free(t->fresh);
	free(t->ended);
	map_free(&t->paths);
	arena_free(&t->arena);
}
