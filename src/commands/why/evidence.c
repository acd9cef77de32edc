/* evidence: runs the tools over one span of time, and gives the rules their rows. */
#include "commands/why/why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proc/task.h"
#include "tools/sock/sock.h"
#include "tools/wait/wait.h"

static struct sampler *
add_asked(
    struct evidence *e, const struct tool *tool, const struct target *target, const void *options)
{
	struct request ask = { .target = tool_target(tool, target), .options = options };

	return session_add(e->joined ? e->joined : &e->session, tool, &ask);
}

/* With the default options, but all rows. */
static struct sampler *
add(struct evidence *e, const struct tool *tool, const struct target *target)
{
	return add_asked(e, tool, target, tool_defaults(tool, &e->arena, 0));
}

static void
add_machine(struct evidence *e)
{
	static const int psi_shown[] = { PSI_MEMORY_SOME, PSI_MEMORY_FULL, PSI_IO_SOME,
		PSI_IO_FULL };
	const struct target none = { .pid = NULL }, all = { .all = true };

	struct sampler *runq = add(e, &tool_runq, &none);
	runq->tick_ns = 50000000;
	e->runq.of = runq;
	e->cpus.of = add(e, &tool_cpu, &none);
	struct sampler *psi = add(e, &tool_psi, &all);
	psi->watch.shown = psi_shown; /* it notes what is missing of these */
	psi->watch.nshown = sizeof psi_shown / sizeof *psi_shown;
	e->psi.of = psi;
	e->tasks.of = add(e, &tool_tasks, &none);
	struct sampler *disks = add(e, &tool_disk, &none);
	disks->tick_ns = 50000000;
	e->disks.of = disks;
	e->io.of = add(e, &disk_of_groups, &all);
}

/* A sampler of single steps. Row by row, a step is a row. */
static const struct sampler *
add_step(struct evidence *e, const struct tool *tool, const struct target *target,
    const struct sampler *of_all)
{
	if (!e->session.whole)
		return of_all;
	struct sampler *step = add(e, tool, target);
	step->steps = true;
	return step;
}

/* Accept queues and queues of packets are sampled more rarely than by pq sock: what lasts is looked for. */
static void
add_sockets(struct evidence *e)
{
	const struct target none = { .pid = NULL };
	struct sock_options *cpus = tool_defaults(&sock_cpus, &e->arena, 0);

	cpus->cpus.given = true;
	struct sampler *sock = add(e, &tool_sock, e->about),
		       *softnet = add_asked(e, &sock_cpus, &none, cpus);
	sock->tick_ns = softnet->tick_ns = 50000000;
	e->sock.of = sock;
	e->sock_step.of = add_step(e, &tool_sock, e->about, sock);
	e->softnet.of = softnet;
}

/* The cgroups of the target; without a target, all with a limit. */
static void
add_groups(struct evidence *e)
{
	const struct target all = { .all = true };
	const struct target *target = evidence_has_target(e) ? e->about : &all;

	e->throttle.of = add(e, &tool_throttle, target);
	e->mem.of = add(e, &tool_mem, target);
	e->mem_step.of = add_step(e, &tool_mem, target, e->mem.of);
}

static void
say_nothing(void *about, const struct tool *tool, const char *message)
{
	(void)about;
	(void)tool;
	(void)message;
}

/* It adds who to blame, where it can: without it no question is left open. */
static void
add_who(struct evidence *e)
{
	if (e->session.host->replay || e->session.host->elsewhere || e->joined)
		return;
	struct who_options *o = tool_defaults(&tool_who, &e->arena, 0);
	o->from = WHO_BPF;
	struct sampler *who = add_asked(e, &tool_who, e->about, o);
	who->tick_ns = tool_who.tick_ns(who->ask.options);
	who->say = say_nothing;
	e->who.of = who;
}

/* Ten samples of the threads per second are enough: the rules look for waits that last. */
static void
add_target(struct evidence *e)
{
	struct wait_options *waits = tool_defaults(&tool_wait, &e->arena, 0);

	waits->hz = 10;
	waits->threads = true;
	struct tasks_options *each = tool_defaults(&tool_tasks, &e->arena, 0);
	each->threads = true;
	e->target.of = add(e, &tool_tasks, e->about);
	e->threads.of = add_asked(e, &tool_tasks, e->about, each);
	e->target_psi.of = add(e, &tool_psi, e->about);
	e->target_io.of = add(e, &disk_of_groups, e->about);
	struct sampler *wait = add_asked(e, &tool_wait, e->about, waits);
	wait->tick_ns = 100000000;
	e->wait.of = wait;
	add_who(e);
}

static struct growth *
growth_of(struct evidence *e, size_t row, double hard)
{
	const char *cgroup = mem_text(e->mem_step, row, MEM_CGROUP);
	const int64_t now_ns = e->session.now.mono_ns;

	for (size_t i = 0; i < e->ngrowth; i++)
		if (strcmp(e->growth[i].cgroup, cgroup) == 0)
			return &e->growth[i];
	if (e->ngrowth == GROWTHS_MOST)
		return NULL;
	e->growth[e->ngrowth] = (struct growth){
		.cgroup = xstrdup(cgroup),
		.name = xstrdup(mem_brief(e->mem_step, row, MEM_CGROUP)),
		.first = hard,
		.least_step = INFINITY,
		.first_ns = now_ns,
	};
	return &e->growth[e->ngrowth++];
}

static void
note_growth(struct evidence *e)
{
	for (size_t i = 0; i < mem_count(e->mem_step); i++) {
		double hard = mem_num(e->mem_step, i, MEM_HARD);
		struct growth *g = isnan(hard) ? NULL : growth_of(e, i, hard);
		if (!g)
			continue;
		if (g->steps++ > 0)
			g->least_step = fmin(g->least_step, hard - g->last);
		g->last = hard;
		g->last_ns = e->session.now.mono_ns;
		g->limit = mem_num(e->mem_step, i, MEM_LIMIT);
	}
}

/* What comes all the time is never unread for the whole watch: each step may find it so. */
static void
note_unread(struct evidence *e)
{
	struct unread *u = &e->unread;
	struct sock_rows rows = e->sock_step;

	for (size_t i = 0; i < sock_count(rows); i++) {
		double ms = sock_num(rows, i, SOCK_UNREAD_MS);
		bool tcp = strcmp(sock_text(rows, i, SOCK_TYPE), "tcp") == 0;
		/* a socket of a target has a known process, or may be somebody else's */
		if (!(ms > u->ms) ||
		    !(evidence_has_target(e) ? *sock_text(rows, i, SOCK_PID) != '\0' : tcp))
			continue;
		*u = (struct unread){ .ms = ms,
			.bytes = sock_num(rows, i, SOCK_RECV),
			.local = arena_printf(&e->row, "%s", sock_text(rows, i, SOCK_LOCAL)),
			.peer = arena_printf(&e->row, "%s", sock_text(rows, i, SOCK_PEER)),
			.process = arena_printf(&e->row, "%s", sock_brief(rows, i, SOCK_PROCESS)),
			.pid = arena_printf(&e->row, "%s", sock_text(rows, i, SOCK_PID)) };
	}
}

/* Only limits of the target's cgroup and of its parents count. */
static void
find_cgroups(struct evidence *e)
{
	static const enum family families[ONLY_MOST] = { FAMILY_CPU, FAMILY_MEMORY };
	const struct target *t = e->about;
	struct atlas at;
	struct place p;

	if (!evidence_has_target(e) ||
	    atlas_open(&at, e->session.host, &e->arena, t->pid ? t->pid : "self") < 0)
		return;
	for (int i = 0; i < ONLY_MOST; i++)
		if ((t->cgroup ? locate_name(&at, t->cgroup, families[i], &p) :
				 locate_process(&at, families[i], &p)) == 0)
			e->changes.only[i] = place_name(&e->arena, &p, p.rel);
}

static void
note_steps(struct evidence *e)
{
	note_growth(e);
	note_unread(e);
}

static void
note_step(struct evidence *e)
{
	limit_changes_sample(&e->changes, &e->session.now, e->session.host);
	phases_take(e);
}

static void
begin_for(struct evidence *e, const struct options *o)
{
	const struct target *t = &o->ask.target;

	*e = (struct evidence){ .about = t, .option = "", .utc = o->utc };
	if (evidence_has_target(e))
		e->option = arena_printf(
		    &e->arena, " %s %s", t->pid ? "-p" : "-g", t->pid ? t->pid : t->cgroup);
}

/* The session is open. */
static bool
begin_watch(struct evidence *e, int64_t span_ns)
{
	e->session.interval_ns = e->session.host->replay ? 0 : span_ns;
	e->session.step_ns = 1000000000;
	add_machine(e);
	add_groups(e);
	add_sockets(e);
	if (evidence_has_target(e))
		add_target(e);
	e->observer = limit_changes_observer(&e->changes);
	host_observe(e->session.host, &e->observer);
	if (!session_start(&e->session))
		return false;
	find_cgroups(e);
	session_begin(&e->session);
	note_step(e);
	target_look(e);
	disks_look(e);
	return true;
}

bool
evidence_begin(struct evidence *e, const struct options *o, int64_t span_ns)
{
	begin_for(e, o);
	session_open_whole(&e->session, o);
	return begin_watch(e, span_ns);
}

bool
evidence_begin_counted(
    struct evidence *e, const struct options *o, const struct samples_count *c, struct host *lent)
{
	begin_for(e, o);
	session_open_counted(&e->session, o, c, lent);
	return begin_watch(e, 0);
}

/* ---- Row by row */

static const struct target no_target = { .pid = NULL };
static const int64_t second_ns = 1000000000;

/* What ticks sample is sampled once a row. Two things are sampled more often, as one sample says nothing of them:
 * the run queue, and where the threads of a target wait. */
static void
set_ticks(struct session *s, size_t from)
{
	for (size_t i = from; i < s->n; i++)
		if (s->v[i]->tool == &tool_runq)
			s->v[i]->tick_ns = 500000000;
		else if (s->v[i]->tool != &tool_wait)
			s->v[i]->tick_ns = 0;
}

/* Reads a tool live only so often. */
static void
read_rarely(struct session *s, const struct sampler *of, int64_t rarely_ns)
{
	const int64_t often_ns = s->interval_ns ? s->interval_ns : 1000000000;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == of && !s->host->replay && often_ns < rarely_ns) {
			s->v[i]->planned = (uint64_t)(rarely_ns / often_ns);
			s->v[i]->early = true;
		}
}

void
evidence_of_rows(
    struct evidence *e, const struct options *o, struct host *host, int64_t interval_ns)
{
	*e = (struct evidence){ .about = &no_target, .option = "", .utc = o->utc };
	e->session = (struct session){
		.host = host, .options = o, .interval_ns = interval_ns, .lasting = true
	};
	add_machine(e);
	add_groups(e);
	add_sockets(e);
	set_ticks(&e->session, 0);
	/* sockets cost most: their owners are looked for in all processes */
	read_rarely(&e->session, e->sock.of, 10 * second_ns);
	read_rarely(&e->session, e->softnet.of, 10 * second_ns);
	read_rarely(&e->session, e->mem.of, 2 * second_ns);
	read_rarely(&e->session, e->psi.of, 2 * second_ns);
	read_rarely(&e->session, e->io.of, 2 * second_ns);
}

void
evidence_row(struct evidence *e, const struct sample *from)
{
	if (e->joined)
		e->session.now = e->joined->now;
	e->session.from = *from;
	e->unread = (struct unread){ .ms = 0 };
	e->wait_ticks[0] = e->wait_ticks[1];
	e->wait_ticks[1] = e->wait.of ? e->wait.of->ticks : 0;
	arena_reset(&e->row);
	note_unread(e);
}

bool
evidence_has_shares(const struct evidence *e)
{
	const unsigned least = 5;

	return e->wait.of && e->wait.of->ticks - e->wait_ticks[0] >= least;
}

void
evidence_join(struct evidence *e, struct evidence *machine, const struct target *t)
{
	struct session *s = &machine->session;
	size_t from = s->n;

	*e = (struct evidence){ .about = t,
		.joined = s,
		.utc = machine->utc,
		.runq = machine->runq,
		.cpus = machine->cpus,
		.psi = machine->psi,
		.tasks = machine->tasks,
		.disks = machine->disks,
		.io = machine->io };
	e->session = (struct session){ .host = s->host, .options = s->options };
	e->option =
	    arena_printf(&e->arena, " %s %s", t->pid ? "-p" : "-g", t->pid ? t->pid : t->cgroup);
	add_groups(e);
	add_sockets(e);
	add_target(e);
	set_ticks(s, from);
	for (size_t i = from; i < s->n; i++)
		session_join(s, s->v[i]);
}

void
evidence_part(struct evidence *e)
{
	const struct sampler *of[] = { e->throttle.of, e->mem.of, e->sock.of, e->softnet.of,
		e->target.of, e->threads.of, e->target_psi.of, e->target_io.of, e->wait.of };
	struct session *s = e->joined;

	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		for (size_t k = 0; k < s->n; k++)
			if (s->v[k] == of[i])
				session_leave(s, s->v[k]);
	arena_free(&e->arena);
	arena_free(&e->row);
}

/* The CPUs that the threads which waited most may run on. */
static void
read_allowed(struct evidence *e)
{
	enum { THREADS = 32 };
	struct text text;
	struct cpulist one;
	char path[64];

	for (size_t i = 0; i < tasks_count(e->threads) && i < THREADS; i++) {
		unsigned long pid = strtoul(tasks_text(e->threads, i, TASKS_PID), NULL, 10),
			      tid = strtoul(tasks_text(e->threads, i, TASKS_TID), NULL, 10);
		task_path(path, (uint32_t)pid, (uint32_t)tid, "/status");
		if (!(tasks_num(e->threads, i, TASKS_WAIT) > 1) ||
		    host_read(e->session.host, path, &text) < 0 ||
		    task_allowed_parse(text, &one) < 0)
			continue;
		for (size_t k = 0; k < sizeof one.bits / sizeof one.bits[0]; k++)
			e->allowed.bits[k] |= one.bits[k];
		e->allowed_known = true;
	}
}

void
evidence_watch(struct evidence *e)
{
	enum session_event event;

	while ((event = session_next(&e->session)) != SESSION_END) {
		target_look(e);
		note_step(e);
		if (event == SESSION_STEP || event == SESSION_ROW)
			note_steps(e);
	}
	read_allowed(e);
}

size_t
rows_count(const struct sampler *s)
{
	return s && sampler_table(s) ? sampler_table(s)->nrows : 0;
}

static const struct cell *
cell_of(const struct sampler *s, size_t row, int column)
{
	return row < rows_count(s) ? &table_at(sampler_table(s), row)[column] : NULL;
}

double
rows_num(const struct sampler *s, size_t row, int column)
{
	const struct cell *c = cell_of(s, row, column);

	return c ? c->num : NAN;
}

const char *
rows_text(const struct sampler *s, size_t row, int column)
{
	const struct cell *c = cell_of(s, row, column);

	return c && c->label ? c->label : "";
}

const char *
rows_brief(const struct sampler *s, size_t row, int column)
{
	const struct cell *c = cell_of(s, row, column);

	return c && c->brief ? c->brief : rows_text(s, row, column);
}

size_t
rows_most(const struct sampler *s, int column)
{
	size_t n = rows_count(s), best = n;

	for (size_t i = 0; i < n; i++) {
		double x = rows_num(s, i, column);
		if (!isnan(x) && (best == n || x > rows_num(s, best, column)))
			best = i;
	}
	return best;
}

size_t
rows_find(const struct sampler *s, int column, const char *label)
{
	size_t n = rows_count(s);

	for (size_t i = 0; i < n; i++)
		if (strcmp(rows_text(s, i, column), label) == 0)
			return i;
	return n;
}

size_t
evidence_all_cpus(const struct evidence *e)
{
	return cpu_find(e->cpus, CPU_NAME, "all");
}

double
evidence_busy(const struct evidence *e, size_t row)
{
	return 100 - cpu_num(e->cpus, row, CPU_IDLE) - cpu_num(e->cpus, row, CPU_IOWAIT);
}

/* ---- What could be checked */

static double
busy_all(const struct evidence *e)
{
	return evidence_busy(e, evidence_all_cpus(e));
}

static bool
failed(const struct sampler *s)
{
	return !s || s->watch.fail != EXIT_DONE || s->taken < 2;
}

/* Rows were made of all tasks. There may be none: idle tasks have none. */
static bool
is_complete(const struct sampler *s)
{
	return s && sampler_table(s) && !s->watch.hidden;
}

/* Whether the throttling of each cgroup with a quota is known. Where there is none, throttle has no
 * rows, and has not failed. */
static bool
knows_throttling(const struct evidence *e)
{
	for (size_t i = 0; i < throttle_count(e->throttle); i++)
		if (isnan(throttle_num(e->throttle, i, THROTTLE_THROTTLED)) ||
		    isnan(throttle_num(e->throttle, i, THROTTLE_HELD)))
			return false;
	return !failed(e->throttle.of);
}

/* Whether the usage is known, and of each cgroup its parts and its events. */
static bool
knows_memory(const struct evidence *e)
{
	for (size_t i = 0; i < mem_count(e->mem); i++)
		if (isnan(mem_num(e->mem, i, MEM_USED)) || isnan(mem_num(e->mem, i, MEM_HARD)) ||
		    (strcmp(mem_text(e->mem, i, MEM_CGROUP), "machine") != 0 &&
			isnan(mem_num(e->mem, i, MEM_MAX)) &&
			isnan(mem_num(e->mem, i, MEM_OOM_KILL))))
			return false;
	return mem_count(e->mem) > 0;
}

static bool
knows_pressure(struct psi_rows rows)
{
	return !isnan(psi_num(rows, 0, PSI_MEMORY_SOME)) && !isnan(psi_num(rows, 0, PSI_IO_SOME));
}

bool
evidence_answers(const struct evidence *e, enum question q)
{
	switch (q) {
	case ASKS_CPU:
		return !isnan(busy_all(e));
	case ASKS_QUEUE:
		return !isnan(runq_num(e->runq, 0, RUNQ_SZ)) ||
		    !isnan(runq_num(e->runq, 0, RUNQ_WAITING));
	case ASKS_PROCESSES:
		return is_complete(e->tasks.of);
	case ASKS_QUOTA:
		return knows_throttling(e);
	case ASKS_MEMORY:
		return knows_memory(e);
	case ASKS_PRESSURE:
		return knows_pressure(e->psi) || knows_pressure(e->target_psi);
	case ASKS_SOCKETS:
		return sock_count(e->sock) > 0;
	case ASKS_TARGET:
	default:
		return is_complete(e->target.of) && is_complete(e->wait.of);
	}
}

/* Threads that a quota throttles wait, too: where none wait, no quota matters. */
static bool
tasks_wait(const struct evidence *e)
{
	double waits = 0;

	for (size_t i = 0; i < tasks_count(e->tasks); i++)
		waits += fmax(0, tasks_num(e->tasks, i, TASKS_WAIT));
	return !evidence_answers(e, ASKS_PROCESSES) || waits > 10;
}

bool
evidence_needs(const struct evidence *e, enum question q)
{
	switch (q) {
	case ASKS_QUEUE:
		return !(busy_all(e) < 50);
	case ASKS_PROCESSES:
		return !evidence_has_target(e) && !(busy_all(e) < 50);
	case ASKS_QUOTA:
		return evidence_has_target(e) || (!(busy_all(e) < 5) && tasks_wait(e));
	case ASKS_PRESSURE:
	case ASKS_SOCKETS:
		return false;
	case ASKS_TARGET:
		return evidence_has_target(e);
	case ASKS_CPU:
	case ASKS_MEMORY:
	default:
		return true;
	}
}

const char *
question_name(enum question q)
{
	static const char *const names[] = {
		[ASKS_CPU] = "CPUs",
		[ASKS_QUEUE] = "run queue",
		[ASKS_PROCESSES] = "processes",
		[ASKS_QUOTA] = "CPU quotas",
		[ASKS_MEMORY] = "memory",
		[ASKS_PRESSURE] = "pressure",
		[ASKS_SOCKETS] = "sockets",
		[ASKS_TARGET] = "threads of the target",
	};

	return names[q];
}

const char *
question_reason(const struct evidence *e, enum question q)
{
	const struct sampler *of[] = {
		[ASKS_CPU] = e->cpus.of,
		[ASKS_QUEUE] = e->runq.of,
		[ASKS_PROCESSES] = e->tasks.of,
		[ASKS_QUOTA] = e->throttle.of,
		[ASKS_MEMORY] = e->mem.of,
		[ASKS_PRESSURE] = e->psi.of,
		[ASKS_SOCKETS] = e->sock.of,
		[ASKS_TARGET] = is_complete(e->target.of) ? e->wait.of : e->target.of,
	};
	static const char *const unknown[] = {
		[ASKS_CPU] = "the idle time is unknown (/proc/stat)",
		[ASKS_QUEUE] = "its length is unknown (/proc/loadavg)",
		[ASKS_PROCESSES] = "there are no two samples of them",
		[ASKS_QUOTA] = "counters of a cgroup with a quota are unknown (cpu.stat)",
		[ASKS_MEMORY] =
		    "memory of a cgroup is unknown (memory.current, memory.stat, memory.events)",
		[ASKS_PRESSURE] = "pressure of memory or I/O is unknown",
		[ASKS_SOCKETS] = "there are no two samples of them",
		[ASKS_TARGET] = "there are no two samples of them",
	};
	const struct sampler *s = of[q];

	return s && s->watch.hidden ? s->watch.hidden :
	    s && s->notes.n > 0     ? s->notes.said[s->watch.fail ? s->notes.n - 1 : 0] :
				      unknown[q];
}

double
evidence_cpus(const struct evidence *e)
{
	size_t n = cpu_count(e->cpus);

	return n > 1 ? (double)n - 1 : NAN; /* the first row sums up all CPUs */
}

double
tasks_sum(struct tasks_rows tasks, enum tasks_column column)
{
	double sum = NAN;

	for (size_t i = 0; i < tasks_count(tasks); i++) {
		double x = tasks_num(tasks, i, column);
		if (!isnan(x))
			sum = isnan(sum) ? x : sum + x;
	}
	return sum;
}

struct figure
command_option(const struct evidence *e, const char *otherwise)
{
	return figure_words(evidence_has_target(e) ? e->option : otherwise);
}

bool
evidence_has_target(const struct evidence *e)
{
	return e->about->pid || e->about->cgroup;
}

void
evidence_end(struct evidence *e)
{
	session_end(&e->session);
	limit_changes_free(&e->changes);
	phases_free(&e->quota_phases);
	phases_free(&e->memory_phases);
	arena_free(&e->arena);
	arena_free(&e->row);
	for (size_t i = 0; i < e->ngrowth; i++) {
		free(e->growth[i].cgroup);
		free(e->growth[i].name);
	}
}
