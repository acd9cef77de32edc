#include "commands/who/sampled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "proc/cpulist.h"
#include "proc/task.h"

/* What is known of a thread, by its index among the threads. */
struct task {
	struct task_sched last;
	uint32_t tid, cpu;
	uint64_t run_ns; /* in this row */
	uint32_t sample; /* that saw it last */
	bool known;
};

/* A thread that ran or waited since the previous sample. */
struct active {
	uint32_t index, cpu, party;
	uint64_t run_ns, wait_ns, waits;
};

/* How long each party ran on a CPU in this row. */
struct cpu {
	uint64_t *run_ns; /* by party */
	uint32_t n;
};

struct sampled {
	struct host *host;
	struct who_threads *threads;
	struct parties *parties;
	struct blame *blame;
	struct task *tasks;
	uint32_t tasks_room;
	struct active *active;
	size_t nactive, active_room;
	struct cpu *cpus;
	uint32_t cpus_room;
	uint32_t sample; /* its number */
	/* CLOCK_MONOTONIC: of the last sample, of the start of the row, of the next sample */
	int64_t at_ns, row_ns, due_ns;
	struct part *parts;
	uint32_t nparts, parts_room;
	struct arena arena, of_process;
};

int
sampled_open(struct sampled **out, struct host *h, struct who_threads *threads,
    struct parties *parties, struct blame *blame)
{
	struct task_sched own;
	struct text text;

	if (host_read(h, "proc/self/schedstat", &text) < 0)
		return -1;
	if (task_sched_parse(text, &own) < 0 || (own.run_ns == 0 && own.slices == 0))
		return fail_with(ENOSYS);
	*out = memset(xmalloc(sizeof **out), 0, sizeof **out);
	(*out)->host = h;
	(*out)->threads = threads;
	(*out)->parties = parties;
	(*out)->blame = blame;
	return 0;
}

/* ---- A sample */

static uint32_t
read_cpu(struct sampled *s, uint32_t pid, uint32_t tid)
{
	struct task_stat stat;
	struct text text;
	char path[64];

	if (host_read(s->host, task_path(path, pid, tid, "/stat"), &text) < 0 ||
	    task_stat_parse(text, &stat) < 0 || !stat.cpu.known || stat.cpu.v >= CPULIST_MOST)
		return SCHED_CPU_UNKNOWN;
	return (uint32_t)stat.cpu.v;
}

/* A counter that fell is that of another thread. */
static void
add_active(struct sampled *s, uint32_t pid, uint32_t index, const struct task_sched *now)
{
	struct task *t = &s->tasks[index];
	const struct task_sched *last = &t->last;

	if (now->run_ns < last->run_ns || now->wait_ns < last->wait_ns ||
	    now->slices < last->slices ||
	    (now->run_ns == last->run_ns && now->wait_ns == last->wait_ns))
		return;
	t->cpu = read_cpu(s, pid, t->tid);
	s->active = xgrow(s->active, s->nactive, &s->active_room, sizeof *s->active);
	s->active[s->nactive++] = (struct active){ index, t->cpu, parties_of(s->parties, t->tid, 0),
		now->run_ns - last->run_ns, now->wait_ns - last->wait_ns,
		now->slices - last->slices };
}

static void
read_thread(struct sampled *s, uint32_t pid, uint32_t tid)
{
	struct task_sched now;
	struct text text;
	char path[64];

	if (host_read(s->host, task_path(path, pid, tid, "/schedstat"), &text) < 0 ||
	    task_sched_parse(text, &now) < 0)
		return;
	uint32_t i = (uint32_t)who_threads_see(s->threads, s->host, pid, tid);
	parties_grow(s->parties);
	s->tasks = sums_grow(s->tasks, i, &s->tasks_room, sizeof *s->tasks);
	struct task *t = &s->tasks[i];
	if (t->tid != tid) /* all that a new thread did is new, unless this is the first sample */
		*t = (struct task){ .tid = tid, .known = s->at_ns != 0 };
	if (t->known)
		add_active(s, pid, i, &now);
	t->last = now;
	t->known = true;
	t->sample = s->sample;
}

static void
read_process(struct sampled *s, uint32_t pid)
{
	struct text names;
	uint32_t tid;
	char path[64];

	if (host_list(s->host, task_path(path, pid, 0, "/task"), &names) < 0)
		return;
	arena_reset(&s->of_process);
	names.s = arena_copy(&s->of_process, names);
	while (task_next_number(&names, &tid))
		read_thread(s, pid, tid);
}

static void
read_all(struct sampled *s)
{
	struct text names;
	uint32_t pid;

	s->nactive = 0;
	s->sample++;
	if (host_list(s->host, "proc", &names) < 0)
		return;
	arena_reset(&s->arena);
	names.s = arena_copy(&s->arena, names);
	while (task_next_number(&names, &pid))
		read_process(s, pid);
	for (uint32_t i = 0; i < s->tasks_room; i++)
		if (s->tasks[i].known && s->tasks[i].sample != s->sample) {
			who_threads_ended(s->threads, i);
			s->tasks[i] = (struct task){ .tid = 0 };
		}
}

/* ---- Behind whom */

static void
add_part(struct sampled *s, uint32_t who, uint64_t ns)
{
	if (ns == 0)
		return;
	s->parts = sums_grow(s->parts, s->nparts, &s->parts_room, sizeof *s->parts);
	s->parts[s->nparts++] = (struct part){ .who = who, .ns = ns };
}

/* Those that ran on its CPU since the previous sample; returns their time together. */
static uint64_t
find_recent(struct sampled *s, const struct active *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->nactive; i++)
		if (s->active[i].cpu == v->cpu && s->active[i].index != v->index) {
			add_part(s, s->active[i].party, s->active[i].run_ns);
			sum += s->active[i].run_ns;
		}
	return sum;
}

/* Those that ran there in this row: a wait counts when it ends, and may have lasted for long. */
static uint64_t
find_in_row(struct sampled *s, const struct active *v)
{
	const struct cpu *c = &s->cpus[v->cpu];
	uint64_t own_ns = s->tasks[v->index].run_ns, sum = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		uint64_t ns = c->run_ns[i];
		if (i == v->party)
			ns = ns > own_ns ? ns - own_ns : 0;
		add_part(s, i, ns);
		sum += ns;
	}
	return sum;
}

/* Of all CPUs, since the previous sample. */
static double
idle_share(const struct sampled *s, int64_t now_ns)
{
	double all_ns = (double)(now_ns - s->at_ns) * (double)s->host->facts.cpus, ran_ns = 0;

	for (size_t i = 0; i < s->nactive; i++)
		ran_ns += (double)s->active[i].run_ns;
	return ran_ns < all_ns ? 1 - ran_ns / all_ns : 0;
}

/* Scales the parts to what it waited. Of what is left, the share in which the machine was idle counts as an
 * idle CPU, at most as long as this one was idle. The thread may have moved: of the rest nobody knows. */
static void
share_out(struct sampled *s, const struct active *v, uint64_t sum, uint64_t span_ns, int64_t now_ns)
{
	uint64_t wait_ns = v->wait_ns < sum ? v->wait_ns : sum, left = v->wait_ns;
	uint64_t busy = sum + v->run_ns, idle = span_ns > busy ? span_ns - busy : 0;
	double share = idle_share(s, now_ns);

	for (uint32_t i = 0; i < s->nparts; i++) {
		uint64_t ns = (uint64_t)((double)s->parts[i].ns / (double)sum * (double)wait_ns);
		s->parts[i].ns = ns < left ? ns : left;
		left -= s->parts[i].ns;
	}
	idle = (uint64_t)((double)(idle < left ? idle : left) * share);
	add_part(s, BLAME_IDLE, idle);
	add_part(s, BLAME_UNKNOWN, left - idle);
}

static void
blame(struct sampled *s, const struct active *v, int64_t now_ns)
{
	uint64_t span_ns = (uint64_t)(now_ns - s->at_ns), sum = 0;

	s->nparts = 0;
	if (v->cpu == SCHED_CPU_UNKNOWN) {
		add_part(s, BLAME_UNKNOWN, v->wait_ns);
	} else {
		if (v->wait_ns <= span_ns) {
			sum = find_recent(s, v);
		} else {
			sum = find_in_row(s, v);
			span_ns = (uint64_t)(now_ns - s->row_ns);
		}
		share_out(s, v, sum, span_ns, now_ns);
	}
	blame_add(s->blame, v->party, v->waits > 0 ? v->waits : 1, s->parts, s->nparts);
}

static void
add_runs(struct sampled *s)
{
	for (size_t i = 0; i < s->nactive; i++) {
		const struct active *a = &s->active[i];
		s->tasks[a->index].run_ns += a->run_ns;
		if (a->cpu == SCHED_CPU_UNKNOWN)
			continue;
		s->cpus = sums_grow(s->cpus, a->cpu, &s->cpus_room, sizeof *s->cpus);
		struct cpu *c = &s->cpus[a->cpu];
		c->run_ns = sums_grow(c->run_ns, a->party, &c->n, sizeof *c->run_ns);
		c->run_ns[a->party] += a->run_ns;
	}
}

void
sampled_tick(struct sampled *s, bool needed)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC), before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (!needed && now_ns < s->due_ns)
		return;
	read_all(s);
	add_runs(s);
	for (size_t i = 0; s->at_ns && i < s->nactive; i++)
		if (s->active[i].wait_ns > 0)
			blame(s, &s->active[i], now_ns);
	s->row_ns = s->row_ns ? s->row_ns : now_ns;
	s->at_ns = now_ns;
	s->due_ns = now_ns + 20 * (clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns);
}

void
sampled_clear(struct sampled *s)
{
	for (uint32_t i = 0; i < s->cpus_room; i++)
		if (s->cpus[i].run_ns)
			memset(s->cpus[i].run_ns, 0, s->cpus[i].n * sizeof *s->cpus[i].run_ns);
	for (uint32_t i = 0; i < s->tasks_room; i++)
		s->tasks[i].run_ns = 0;
	s->row_ns = s->at_ns;
}

void
sampled_close(struct sampled *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->cpus_room; i++)
		free(s->cpus[i].run_ns);
	free(s->cpus);
	free(s->tasks);
	free(s->active);
	free(s->parts);
	arena_free(&s->arena);
	arena_free(&s->of_process);
	free(s);
}
