/* place: where a thread waits (its system call, the file of its descriptor, the kernel function in
 * which it sleeps), and how much time threads spent in each place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "proc/task.h"
#include "tools/wait/wait.h"

/* ---- Where a thread waits */

int
wait_thread_read(struct watch *w, const struct wait_thread *t, const char *file, struct text *text)
{
	char path[64];

	return host_read(w->host, task_path(path, t->pid, t->tid, file), text);
}

/* Copies a text. One that is too long keeps its end. */
static void
set(char *to, size_t room, struct text t)
{
	if (t.n < room)
		snprintf(to, room, "%.*s", (int)t.n, t.s);
	else
		snprintf(to, room, "...%.*s", (int)room - 4, t.s + t.n - (room - 4));
}

static enum wait_state
state_of(char letter)
{
	switch (letter) {
	case 'R':
		return WAIT_RUNNABLE;
	case 'T':
	case 't':
		return WAIT_STOPPED;
	case 'Z':
	case 'X':
	case 'x':
		return WAIT_ENDED;
	default:
		return WAIT_BLOCKED;
	}
}

/* Whether another thread holds the futex: a glibc mutex, which waits with FUTEX_WAIT for the value 2;
 * a mutex of musl, or a robust one, whose value is the thread that holds it and FUTEX_WAITERS, bit
 * 31; or a lock of the kernel's own. Any other wait on a futex may be that of an idle worker: so wait
 * threads of musl for a condition, with the value 2 but on their own stack. The lower bits are the
 * operation, 128 and 256 are flags (linux/futex.h). */
static bool
is_lock(const struct task_call *c)
{
	enum { FUTEX_WAIT = 0, FUTEX_LOCK_PI = 6, FUTEX_LOCK_PI2 = 13, FLAGS = 128 | 256 };
	const uint32_t WAITERS = 0x80000000, PIDS = 1 << 22; /* the most of 64-bit Linux */
	uint64_t operation = c->arg[1] & ~(uint64_t)FLAGS;
	uint32_t value = (uint32_t)c->arg[2];
	bool on_stack = c->arg[0] > c->sp && c->arg[0] - c->sp < 1024;

	return operation == FUTEX_LOCK_PI || operation == FUTEX_LOCK_PI2 ||
	    (operation == FUTEX_WAIT &&
		((value == 2 && !on_stack) || (value > WAITERS && value <= WAITERS + PIDS)));
}

/* Whether idle threads sleep in this kernel function. Used if the system call is unknown. */
static bool
is_idle_function(const char *wchan)
{
	static const char *const names[] = {
		"futex_do_wait",
		"futex_wait_queue",
		"futex_wait_queue_me",
		"ep_poll",
		"do_epoll_wait",
		"poll_schedule_timeout",
		"do_poll",
		"do_select",
		"inet_csk_accept",
		"hrtimer_nanosleep",
		"do_nanosleep",
		"do_sigtimedwait",
		"sigsuspend",
		"do_wait",
		"__do_sys_pause",
		"sys_pause",
		"io_cqring_wait",
		"read_events",
		"wq_sleep",
		"do_msgrcv",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(wchan, names[i], strlen(names[i])) == 0 &&
		    (wchan[strlen(names[i])] == '\0' || wchan[strlen(names[i])] == '.'))
			return true;
	return false;
}

static void
note_unreadable(struct watch *w, struct wait_thread *t, const char *file, int error)
{
	struct text text;

	if (error == EACCES || error == EPERM)
		watch_note(w,
		    "cannot read /proc/PID/%s of some threads: permission denied; their call, or "
		    "what they wait for, is unknown (it needs ptrace access: the same user, or "
		    "CAP_SYS_PTRACE in their user namespace; see kernel.yama.ptrace_scope)",
		    file);
	else if ((error == ENOENT || error == ENODATA || error == ENOSYS) &&
	    wait_thread_read(w, t, "/stat", &text) == 0)
		watch_note(w,
		    "some threads have no /proc/PID/%s (%s): their figures from it are unknown",
		    file, strerror(error));
}

/* The system calls of a 32-bit task have other numbers, which pq does not know. */
static const char *
machine_of(const struct watch *w, const struct task_call *c)
{
	return c->sp >> 32 == 0 && c->pc >> 32 == 0 ? "" : w->host->facts.machine;
}

/* Sets the file of the descriptor that the call waits for. */
static void
read_target(struct watch *w, struct wait_thread *t, uint64_t fd)
{
	char name[24], path[64];
	struct text target;

	if (fd > INT32_MAX)
		return;
	snprintf(name, sizeof name, "/fd/%llu", (unsigned long long)fd);
	if (host_link(w->host, task_path(path, t->pid, t->tid, name), &target) == 0)
		set(t->place.where, sizeof t->place.where, target);
	else if (errno == EACCES || errno == EPERM) /* else it has been closed since */
		note_unreadable(w, t, "fd", errno);
}

/* Whether a call for descriptors names none, so that it only waits for its time. */
static bool
is_timer(const char *call, const uint64_t arg[])
{
	return ((strcmp(call, "poll") == 0 || strcmp(call, "ppoll") == 0) && arg[1] == 0) ||
	    ((strcmp(call, "select") == 0 || strcmp(call, "pselect6") == 0) && arg[0] == 0);
}

/* Names a lock by its address, and a call without descriptors, which some runtimes sleep with. */
static void
set_place_of_call(struct wait_place *p, const struct task_call *c, bool idle)
{
	bool lock = strcmp(p->call, "futex") == 0 && is_lock(c);

	p->idle = idle && !lock;
	if (strcmp(p->call, "futex") == 0 && !lock_may_be(c, &p->futex))
		p->futex = 0;
	if (lock)
		snprintf(p->where, sizeof p->where, "lock:[%#llx]", (unsigned long long)c->arg[0]);
	else if (is_timer(p->call, c->arg))
		snprintf(p->where, sizeof p->where, "timer");
}

static struct wait_call
describe_call(const char *machine, uint64_t number)
{
	const uint64_t x32 = 0x40000000; /* __X32_SYSCALL_BIT */
	struct wait_call call = { .number = number };

	syscall_name(machine, number & ~x32, call.name);
	call.idle = syscall_is_idle(call.name);
	call.takes_fd = syscall_takes_fd(call.name);
	call.one_place = call.idle && (!call.takes_fd || strncmp(call.name, "epoll_", 6) == 0);
	return call;
}

/* The tables of names are searched once for each call that threads wait in now. */
static struct wait_call
find_call(struct watch *w, const struct task_call *c)
{
	const char *machine = machine_of(w, c);
	struct waits *s = w->state;
	struct wait_call *known = &s->calls[c->number % (sizeof s->calls / sizeof *s->calls)];

	if (!*machine)
		return describe_call(machine, c->number);
	if (!*known->name || known->number != c->number)
		*known = describe_call(machine, c->number);
	return *known;
}

/* Sets the call. True if it is the one of the wait before, in which threads wait in one kernel function. */
static bool
read_call(struct watch *w, struct wait_thread *t)
{
	uint32_t before = t->call_hash;
	struct wait_place *p = &t->place;
	struct task_call c;
	struct text text;

	t->call_hash = 0;
	if (wait_thread_read(w, t, "/syscall", &text) < 0) {
		note_unreadable(w, t, "syscall", errno);
		return false;
	}
	if (task_call_parse(text, &c) < 0 || c.kind == CALL_RUNNING)
		return false;
	t->sp = c.sp;
	t->pc = c.pc;
	if (c.kind == CALL_NONE) { /* mostly a page fault */
		snprintf(p->call, sizeof p->call, "none");
		return false;
	}
	const struct wait_call call = find_call(w, &c);
	memcpy(p->call, call.name, sizeof p->call);
	set_place_of_call(p, &c, call.idle);
	if (call.takes_fd)
		read_target(w, t, c.arg[0]);
	t->call_hash = task_call_hash(&c);
	t->one_place = call.one_place;
	return call.one_place && before && t->call_hash == before;
}

/* before: the place of the wait before, if the thread waits in the same place; else NULL. */
static void
read_wchan(struct watch *w, struct wait_thread *t, const struct wait_place *before)
{
	struct wait_place *p = &t->place;
	struct text text, name;

	if (before)
		memcpy(p->wchan, before->wchan, sizeof p->wchan);
	else if (wait_thread_read(w, t, "/wchan", &text) < 0)
		note_unreadable(w, t, "wchan", errno);
	else if (task_wchan_parse(text, &name) == 0)
		set(p->wchan, sizeof p->wchan, name);
	if (!*p->call)
		p->idle |= is_idle_function(p->wchan);
	if (!*p->where) /* without the suffix of a compiler: "do_wait.constprop.0" */
		snprintf(p->where, sizeof p->where, "%.*s", (int)strcspn(p->wchan, "."), p->wchan);
}

/* State and name, from the row or from a file. The name of a kernel thread may be longer than its row
 * says. False when the thread has ended. */
static bool
read_stat(struct watch *w, struct wait_thread *t, char *state)
{
	const struct task_row *row = ((const struct waits *)w->state)->row;
	struct task_stat stat;
	struct text text;

	if (row && !row->kernel) {
		*state = row->state;
		t->cpu = UINT64_MAX;
		set(t->comm, sizeof t->comm,
		    (struct text){ row->comm, strnlen(row->comm, TASK_COMM) });
		return true;
	}
	if (wait_thread_read(w, t, "/stat", &text) < 0 || task_stat_parse(text, &stat) < 0)
		return false;
	*state = stat.state;
	t->place.kernel = stat.kernel;
	t->cpu = stat.cpu.known ? stat.cpu.v : UINT64_MAX;
	set(t->comm, sizeof t->comm, stat.comm);
	return true;
}

/* Whether the row tells that the thread waits as before. A lock may have another owner now, or none. */
static bool
row_tells_same(const struct waits *s, const struct wait_thread *t, const struct wait_place *before)
{
	return s->row && s->row->call && s->row->call == t->call_hash && t->one_place &&
	    before->state == WAIT_BLOCKED && !before->uninterruptible && *before->wchan &&
	    !before->futex;
}

bool
wait_place_read(struct watch *w, struct wait_thread *t)
{
	const struct wait_place before = t->place;
	const uint64_t sp = t->sp, pc = t->pc;
	struct wait_place *p = &t->place;
	char state;

	*p = (struct wait_place){ .state = WAIT_ENDED };
	t->sp = t->pc = 0;
	t->same = false;
	if (!read_stat(w, t, &state))
		return false;
	p->state = state_of(state);
	p->uninterruptible = state == 'D';
	t->ended = p->state == WAIT_ENDED;
	if (p->state == WAIT_RUNNABLE)
		snprintf(p->where, sizeof p->where, "cpu");
	if (p->state != WAIT_BLOCKED)
		return !t->ended;
	if (state == 'S' && row_tells_same(w->state, t, &before)) {
		*p = before;
		t->same = true;
		t->sp = sp;
		t->pc = pc;
		return true;
	}
	bool same = !p->kernel && read_call(w, t) && before.state == WAIT_BLOCKED &&
	    !before.uninterruptible && !p->uninterruptible && *before.wchan;
	read_wchan(w, t, same ? &before : NULL);
	p->idle = (p->idle || p->kernel) && !p->uninterruptible;
	return true;
}

/* ---- Time per place */

static int
by_leader(const void *key, const void *thread)
{
	const struct wait_thread *t = thread;
	uint32_t pid = *(const uint32_t *)key;

	if (pid != t->pid)
		return pid < t->pid ? -1 : 1;
	return pid < t->tid ? -1 : pid > t->tid;
}

/* The name of a process is that of its first thread. */
void
wait_set_owner(const struct waits *s, const struct wait_thread *t, struct wait_owner *out)
{
	const struct wait_thread *leader =
	    s->nthreads ? bsearch(&t->pid, s->threads, s->nthreads, sizeof *t, by_leader) : NULL;

	out->pid = t->pid;
	out->tid = t->tid;
	memcpy(out->comm, t->comm, sizeof out->comm);
	snprintf(out->process, sizeof out->process, "%s", leader ? leader->comm : "");
}

/* "socket:[4242]" becomes "socket": one row for all threads would else be many. */
size_t
wait_where_length(const char *where)
{
	const char *bracket = text_find(text_of(where), ":[");

	return bracket && bracket[2] >= '0' && bracket[2] <= '9' ? (size_t)(bracket - where) :
								   strlen(where);
}

/* A frame of a flame graph: "read(pipe)". */
static void
join_call(struct wait_place *p)
{
	char both[sizeof p->where + sizeof p->call + 2];

	if (!*p->call)
		return;
	snprintf(both, sizeof both, "%s(%s)", p->call, p->where);
	memcpy(p->where, both, sizeof p->where - 1);
	p->call[0] = p->wchan[0] = '\0';
}

/* A flame graph with stacks tells nothing else apart. */
static void
keep_stack(struct watch *w, struct wait_place *p)
{
	static const char *const words[] = { [WAIT_RUNNING] = "[running]",
		[WAIT_RUNNABLE] = "[runnable]",
		[WAIT_BLOCKED] = "[blocked]",
		[WAIT_STOPPED] = "[stopped]",
		[WAIT_ENDED] = "[ended]" };
	struct wait_place only = { .state = p->state,
		.stack = p->stack ? p->stack : wait_stack_word(w, words[p->state]) };

	*p = only;
}

/* What the rows tell apart, as a key: numbers, then texts, each with its NUL. */
static struct text
key_of(const struct wait_sum *s, char out[sizeof(struct wait_sum)])
{
	const struct wait_owner *o = &s->owner;
	const struct wait_place *p = &s->place;
	const uint32_t numbers[] = { o->pid, o->tid, (uint32_t)p->state, p->uninterruptible,
		p->stack, p->kernel_stack };
	const char *const texts[] = { o->process, o->comm, p->call, p->where, p->wchan };
	char *to = out;

	memcpy(to, numbers, sizeof numbers);
	to += sizeof numbers;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		to = stpcpy(to, texts[i]) + 1;
	return (struct text){ out, (size_t)(to - out) };
}

/* The number of the sum with the same key, which is added. */
static uint32_t
put_sum(struct waits *s, const struct wait_sum *like)
{
	char key[sizeof(struct wait_sum)];
	uint32_t n = s->keys.n, i = map_put(&s->keys, key_of(like, key));

	if (i < n)
		return i;
	if (n == s->sums_room) {
		s->sums_room = s->sums_room ? s->sums_room * 2 : 32;
		s->sums = xrealloc(s->sums, s->sums_room * sizeof *s->sums);
	}
	s->sums[i] = *like;
	return i;
}

/* Sleeping kernel threads wait for work. Among all threads they would take most of the time. */
static bool
is_left_out(const struct watch *w, const struct wait_place *p)
{
	if (p->parked && !wait_options(w)->idle)
		return true;
	return p->kernel && p->idle && p->state == WAIT_BLOCKED && !w->ask->target.pid;
}

/* With -t, a sum is of one thread. */
static struct wait_sum
sum_like(struct watch *w, const struct wait_thread *t, const struct wait_place *place)
{
	const struct wait_options *o = wait_options(w);
	struct wait_sum like = { .place = *place };

	if (o->threads || o->folded)
		wait_set_owner(w->state, t, &like.owner);
	if (!o->threads) {
		like.owner.pid = like.owner.tid = 0;
		like.place.where[wait_where_length(like.place.where)] = '\0';
	}
	if (o->stacks && o->folded)
		keep_stack(w, &like.place);
	else if (o->folded)
		join_call(&like.place);
	return like;
}

/* The sum of the thread's time in that place; valid until the next call. Making its key is slow. So where sums do
 * not tell threads apart, the sum that was used last is tried first: it is the right one if its place is equal. */
static struct wait_sum *
find_sum(struct watch *w, struct wait_thread *t, const struct wait_place *place)
{
	const struct wait_options *o = wait_options(w);
	struct waits *s = w->state;
	bool each = o->threads || o->folded;
	uint32_t *last = place->state == WAIT_BLOCKED ? &t->sum : &s->sum_of[place->state];

	if (!each && *last < s->keys.n && memcmp(&s->sums[*last].added, place, sizeof *place) == 0)
		return &s->sums[*last];
	struct wait_sum like = sum_like(w, t, place);
	*last = put_sum(s, &like);
	s->sums[*last].added = *place;
	return &s->sums[*last];
}

struct wait_sum *
wait_sum_of(struct watch *w, struct wait_thread *t)
{
	if (wait_options(w)->slow_ns || is_left_out(w, &t->place))
		return NULL;
	return find_sum(w, t, &t->place);
}

void
wait_add_time(struct watch *w, struct wait_thread *t, const struct wait_place *place, int64_t ns,
    int64_t lasting_ns)
{
	struct wait_sum *sum;

	if (ns <= 0 || wait_options(w)->slow_ns || is_left_out(w, place))
		return;
	sum = find_sum(w, t, place);
	sum->ns += (double)ns;
	if (lasting_ns > sum->longest_ns)
		sum->longest_ns = lasting_ns;
}
