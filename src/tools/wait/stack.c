/* stack: on which functions a blocked thread waits. Its memory is read while it waits, and the thread is
 * neither stopped nor traced. If its schedstat has changed meanwhile, it has run, and its place and its
 * stack are read again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "cgroup/process.h"
#include "tools/wait/space.h"
#include "tools/wait/wait.h"

enum { STACKS_MOST = 20000, AGAIN = 2, TEXT_ROOM = 32 << 10, FIRST_READ = 8 << 10 };
enum { MEMOS = 1024, MEMO_WORDS = 64, AHEAD_MOST = 512, READERS = 64 };

/* The memory of one stack, as far as it has been read: [from, from + n). */
struct stack_memory {
	struct space_owner owner;
	uint64_t from;
	size_t n;
	bool ended; /* there is no more */
	char bytes[64 << 10];
};

/* The words of a stack that tell its functions. As long as they are the same, so are these. */
struct memo {
	uint32_t pid, tid;
	struct space_owner owner;
	uint32_t n;     /* words */
	uint32_t bytes; /* from sp on, all of them are in */
	uint64_t sp, pc;
	uint64_t generation;     /* of what is known of the space */
	uint32_t at[MEMO_WORDS]; /* bytes after sp */
	uint64_t word[MEMO_WORDS];
	const char *now; /* these bytes, as they are in this sample; NULL: not read yet */
};

/* The stacks of one process that are read at once, as these threads may wait where they waited before. */
struct ahead {
	uint32_t n;
	struct memo *memo[AHEAD_MOST];
	struct memory_piece piece[AHEAD_MOST + SPACE_HEADS_MOST];
};

/* A process whose first thread has ended, and the thread by whose number its memory was read. */
struct reader {
	uint32_t pid, by;
};

struct wait_stacks {
	struct spaces *spaces;
	struct memo heard;         /* of the stack that is read now; n > MEMO_WORDS: none */
	struct memo *memos[MEMOS]; /* of threads, by their numbers; NULL: none */
	struct ahead ahead;
	struct reader readers[READERS]; /* by pid */
	struct map texts; /* the stacks: frames, each but the last followed by a newline */
	struct stack_memory memory;
	/* for the callbacks of unwind */
	struct watch *watch;
	struct space *space;
	const char *frames[UNWIND_MOST]; /* of the last stack, the innermost first */
	size_t nframes;
	bool complete;
	char text[TEXT_ROOM];
};

static struct wait_stacks *
stacks_of(struct watch *w)
{
	struct waits *s = w->state;

	if (!s->stacks) {
		s->stacks = xmalloc(sizeof *s->stacks);
		memset(s->stacks, 0, sizeof *s->stacks);
		map_put(&s->stacks->texts, text_of("")); /* number 0: unknown */
	}
	s->stacks->watch = w;
	return s->stacks;
}

static uint32_t
number_of(struct wait_stacks *k, const char *text)
{
	int known = map_find(&k->texts, text_of(text));

	if (known >= 0)
		return (uint32_t)known;
	if (k->texts.n >= STACKS_MOST) {
		watch_note(
		    k->watch, "more than %d different stacks: new ones are unknown", STACKS_MOST);
		return 0;
	}
	return map_put(&k->texts, text_of(text));
}

const char *
wait_stack_text(const struct waits *s, uint32_t number)
{
	return number && s->stacks ? map_key(&s->stacks->texts, number).s : NULL;
}

uint32_t
wait_stack_word(struct watch *w, const char *word)
{
	return number_of(stacks_of(w), word);
}

/* ---- What unwind reads */

/* Reads more of the stack; false at its end. */
static bool
read_more(struct wait_stacks *k)
{
	struct stack_memory *m = &k->memory;
	size_t n = m->n ? sizeof m->bytes - m->n : FIRST_READ;
	struct memory_read read;

	if (m->ended || n == 0)
		return false;
	if (host_memory(k->watch->host, m->owner.pid, m->from + m->n, n, &read) < 0 ||
	    (m->n > 0 && read.space != m->owner.number)) {
		m->ended = true;
		return false;
	}
	memcpy(m->bytes + m->n, read.bytes.s, read.bytes.n);
	m->ended = read.bytes.n < n;
	m->n += read.bytes.n;
	m->owner.number = read.space;
	return true;
}

static bool
find_word(struct wait_stacks *k, uint64_t at, uint64_t *v)
{
	struct stack_memory *m = &k->memory;

	if (at < m->from || at - m->from > sizeof m->bytes - 8)
		return false;
	while (at - m->from + 8 > m->n)
		if (!read_more(k))
			return false;
	memcpy(v, m->bytes + (at - m->from), 8);
	return true;
}

static bool
read_word(void *ctx, uint64_t at, uint64_t *v)
{
	struct wait_stacks *k = ctx;
	struct memo *m = &k->heard;

	if (!find_word(k, at, v)) {
		m->n = MEMO_WORDS + 1;
		return false;
	}
	if (m->n < MEMO_WORDS) {
		m->at[m->n] = (uint32_t)(at - k->memory.from);
		m->word[m->n] = *v;
		m->bytes = m->bytes > m->at[m->n] + 8 ? m->bytes : m->at[m->n] + 8;
	}
	m->n += m->n <= MEMO_WORDS;
	return true;
}

static size_t
read_code(void *ctx, uint64_t at, size_t n, unsigned char *out)
{
	return space_code(((struct wait_stacks *)ctx)->space, at, n, out);
}

static enum code_kind
find_rule(void *ctx, uint64_t pc, const struct frame_rule **out)
{
	return space_rule(((struct wait_stacks *)ctx)->space, pc, out);
}

/* ---- The stack of the program */

/* Begins to read the stack, by the number of the process or of one of its threads, and finds the space that the
 * stack is in. Tries again if the process has begun another program. */
static bool
begin_by(struct wait_stacks *k, const struct wait_thread *t, uint32_t by)
{
	struct stack_memory *m = &k->memory;
	int tries = 0;

	do {
		m->owner.pid = by;
		m->from = t->sp;
		m->n = 0;
		m->ended = false;
		errno = 0;
	} while (!read_more(k) && errno == EFAULT && ++tries < 3);
	if (m->n == 0)
		return false;
	k->space = space_find(k->watch, &k->spaces, &m->owner);
	return space_look(k->space, k->watch) == 0;
}

/* The number by which the memory of the process was read last, if that thread is still there. */
static uint32_t
last_reader(struct wait_stacks *k, const struct wait_thread *t)
{
	const struct reader *r = &k->readers[t->pid % READERS];
	const struct wait_thread *by =
	    r->pid == t->pid ? wait_thread_find(k->watch->state, r->pid, r->by) : NULL;

	return by && !by->gone ? r->by : t->pid;
}

/* If the first thread of the process has ended, begins to read the stack by another one. */
static bool
begin_by_another(struct wait_stacks *k, const struct wait_thread *t)
{
	char number[PROCESS_NUMBER];
	uint64_t by;

	*put_digits(number, t->pid, 1) = '\0';
	process_living(k->watch->host, number);
	if (text_u64(text_of(number), &by) < 0 || by == t->pid || !begin_by(k, t, (uint32_t)by))
		return false;
	k->readers[t->pid % READERS] = (struct reader){ t->pid, (uint32_t)by };
	return true;
}

static bool
begin_stack(struct wait_stacks *k, const struct wait_thread *t)
{
	if (begin_by(k, t, last_reader(k, t)))
		return true;
	if (errno != EACCES && errno != EPERM)
		return begin_by_another(k, t);
	watch_note(k->watch,
	    "cannot read the memory of some processes: permission denied; their stacks are "
	    "unknown (see kernel.yama.ptrace_scope)");
	return false;
}

static void
name_frames(struct wait_stacks *k, const struct unwound *u)
{
	uint64_t pcs[UNWIND_MOST];

	for (size_t i = 0; i < u->n; i++)
		pcs[i] = u->pc[i] - !u->exact[i];
	space_names(k->space, pcs, u->n, k->frames);
	k->nframes = 0;
	while (k->nframes < u->n && k->frames[k->nframes])
		k->nframes++;
	k->complete = u->complete && k->nframes == u->n;
}

static bool
read_user(struct wait_stacks *k, const struct wait_thread *t)
{
	const struct unwind_source source = { read_word, read_code, find_rule, k };
	const struct stack_start start = { .pc = t->pc, .sp = t->sp };
	struct unwound u;

	k->nframes = 0;
	k->heard = (struct memo){ .n = MEMO_WORDS + 1 };
	if (!t->sp || !begin_stack(k, t))
		return false;
	k->heard = (struct memo){
		.pid = t->pid, .tid = t->tid, .owner = k->memory.owner, .sp = t->sp, .pc = t->pc
	};
	unwind(&source, &start, &u);
	name_frames(k, &u);
	return k->nframes > 0;
}

/* ---- As text */

static size_t
add(struct wait_stacks *k, size_t n, const char *frame, size_t length, const char *after)
{
	size_t more = length + strlen(after);

	if (n + more + 2 > sizeof k->text)
		return n;
	if (n > 0)
		k->text[n++] = '\n';
	memcpy(k->text + n, frame, length);
	memcpy(k->text + n + length, after, strlen(after) + 1);
	return n + more;
}

static size_t
add_word(struct wait_stacks *k, size_t n, const char *word)
{
	return add(k, n, word, strlen(word), "");
}

/* The line "[<0>] do_nanosleep+0x67/0x1a0": its function. */
static bool
kernel_frame(struct text line, struct text *name)
{
	struct text word;

	if (!text_word(&line, &word) || !text_word(&line, name))
		return false;
	const char *plus = memchr(name->s, '+', name->n);
	if (plus)
		name->n = (size_t)(plus - name->s);
	return name->n > 0 && name->n < 128 && !memchr(name->s, '\0', name->n) &&
	    !text_skip(name, "0x");
}

/* Lists the kernel's functions, the innermost first; returns how many. */
static size_t
list_kernel(struct watch *w, const struct wait_thread *t, char names[32][128])
{
	struct text text, line, name;
	size_t n = 0;

	if (wait_thread_read(w, t, "/stack", &text) < 0) {
		if (errno == EACCES || errno == EPERM)
			watch_note(w,
			    "cannot read /proc/PID/stack: permission denied; stacks lack the "
			    "functions of the kernel (needs root)");
		return 0;
	}
	while (n < 32 && text_line(&text, &line))
		if (kernel_frame(line, &name)) {
			memcpy(names[n], name.s, name.n);
			names[n++][name.n] = '\0';
		}
	return n;
}

static void
set_stacks(struct wait_stacks *k, struct wait_place *p, char kernel[32][128], size_t nkernel)
{
	size_t n = 0;

	for (size_t i = 0; i < k->nframes; i++)
		n = add_word(k, n, k->frames[i]);
	if (k->nframes > 0 && !k->complete)
		n = add_word(k, n, "[...]");
	p->stack = n ? number_of(k, k->text) : 0;
	n = 0;
	for (size_t i = 0; i < nkernel; i++)
		n = add_word(k, n, kernel[i]);
	p->kernel_stack = n ? number_of(k, k->text) : 0;
}

/* For flame graphs: one stack, the outermost first; the call and its file between the program and
 * the kernel. */
static void
set_folded(struct wait_stacks *k, struct wait_place *p, char kernel[32][128], size_t nkernel)
{
	char call[sizeof p->call + sizeof p->where + 2];
	size_t n = 0;

	if (k->nframes > 0 && !k->complete)
		n = add_word(k, n, "[...]");
	for (size_t i = k->nframes; i-- > 0;)
		n = add_word(k, n, k->frames[i]);
	if (*p->call && strncmp(p->where, "lock:", 5) == 0)
		snprintf(call, sizeof call, "%s(lock)", p->call);
	else if (*p->call)
		snprintf(call, sizeof call, "%s(%.*s)", p->call, (int)wait_where_length(p->where),
		    p->where);
	else
		snprintf(call, sizeof call, "%s", *p->where ? p->where : "[blocked]");
	n = add_word(k, n, call);
	for (size_t i = nkernel; i-- > 0;)
		n = add(k, n, kernel[i], strlen(kernel[i]), "_[k]");
	p->stack = number_of(k, k->text);
}

/* ---- Idle threads of runtimes */

static bool
is_listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool
begins_with_one(const char *const *starts, const char *name)
{
	for (; *starts; starts++)
		if (strncmp(name, *starts, strlen(*starts)) == 0)
			return true;
	return false;
}

static bool
has_one(const char *const *parts, const char *name)
{
	for (; *parts; parts++)
		if (strstr(name, *parts))
			return true;
	return false;
}

/* Whether the thread waits until there is work: in a call that does nothing else, or by its name or a
 * function in which a runtime parks its threads. */
static bool
is_parked(const struct wait_stacks *k, const struct wait_thread *t)
{
	static const char *const calls[] = { "epoll_wait", "epoll_pwait", "epoll_pwait2", "accept",
		"accept4", "rt_sigtimedwait", "rt_sigsuspend", "pause", "io_getevents", NULL };
	/* of the JVM and of libuv */
	static const char *const threads[] = { "GC Thread", "G1 ", "C1 Compiler", "C2 Compiler",
		"VM Thread", "VM Periodic", "Service Thread", "Monitor Deflati", "Signal Dispatch",
		"Reference Handl", "Finalizer", "Common-Cleaner", "Sweeper thread",
		"Notification Th", "Attach Listener", "libuv-worker", "V8Worker", NULL };
	static const char *const functions[] = { "runtime.stopm", "runtime.sysmon", "runtime.mPark",
		"runtime.templateThread", "os/signal.signal_recv", "PlatformWorkerThread",
		"DelayedTaskScheduler", "StartIoThread", "uv_cond_wait", "ForkJoinPool.awaitWork",
		"ThreadPoolExecutor.getTask", "rayon_core5sleep", "tokio7runtime4park",
		"CompileQueue3get", NULL };

	if (is_listed(calls, t->place.call))
		return true;
	if (strcmp(t->place.call, "futex") == 0 && !t->place.idle)
		return false;
	if (t->place.idle && begins_with_one(threads, t->comm))
		return true;
	for (size_t i = 0; t->place.idle && i < k->nframes; i++)
		if (has_one(functions, k->frames[i]))
			return true;
	return false;
}

/* ---- The same stack again: most threads that ran wait where they waited before */

static struct memo **
memo_of(struct wait_stacks *k, const struct wait_thread *t)
{
	return &k->memos[(t->pid * 31 + t->tid) % MEMOS];
}

/* Keeps the words of the stack that was read last, if it may be asked for again. */
static void
keep_memo(struct wait_stacks *k, const struct wait_thread *t)
{
	struct memo **m = memo_of(k, t);

	if (!t->known || k->nframes == 0 || k->heard.n > MEMO_WORDS ||
	    space_names_change(k->space)) {
		if (*m && (*m)->tid == t->tid)
			(*m)->tid = 0;
		return;
	}
	if (!*m)
		*m = xmalloc(sizeof **m);
	**m = k->heard;
	(*m)->generation = space_generation(k->space);
}

/* The words of a stack that are kept for the thread in its present call; NULL: none are. */
static struct memo *
find_memo(struct wait_stacks *k, const struct wait_thread *t)
{
	struct memo *m = *memo_of(k, t);
	bool same = m && m->pid == t->pid && m->tid == t->tid && m->sp == t->sp && m->pc == t->pc;

	return same ? m : NULL;
}

static void
forget_ahead(struct ahead *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		a->memo[i]->now = NULL;
	a->n = 0;
}

void
wait_stacks_begin(struct watch *w)
{
	forget_ahead(&stacks_of(w)->ahead);
}

void
wait_stacks_want(struct watch *w, const struct wait_thread *t)
{
	struct wait_stacks *k = stacks_of(w);
	struct ahead *a = &k->ahead;
	struct memo *m = find_memo(k, t);

	/* pieces are not read by the number of another thread: see host_memory_pieces */
	if (!m || m->owner.pid != t->pid || a->n == AHEAD_MOST)
		return;
	a->memo[a->n] = m;
	a->piece[a->n++] = (struct memory_piece){ .at = m->sp, .n = m->bytes };
}

void
wait_stacks_read(struct watch *w)
{
	struct wait_stacks *k = stacks_of(w);
	struct ahead *a = &k->ahead;
	uint32_t number;

	if (a->n < 2)
		return;
	const struct space_owner *owner = &a->memo[0]->owner;
	struct space *space = space_find(w, &k->spaces, owner);
	size_t heads = space_heads(space, w, a->piece + a->n);
	if (host_memory_pieces(w->host, owner->pid, a->piece, a->n + heads, &number) < 0)
		return;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->memo[i]->owner.number == number && a->piece[i].bytes.n > 0)
			a->memo[i]->now = a->piece[i].bytes.s;
	if (number == owner->number)
		space_take_heads(space, a->piece + a->n);
}

/* The bytes of the stack in which the words were; NULL: it cannot be read, or not in that space. */
static const char *
read_bytes(struct wait_stacks *k, const struct memo *m)
{
	struct memory_read read;

	if (m->now)
		return m->now;
	if (host_memory(k->watch->host, m->owner.pid, m->sp, m->bytes, &read) < 0 ||
	    read.bytes.n < m->bytes || read.space != m->owner.number)
		return NULL;
	return read.bytes.s;
}

/* Whether the thread, which waits in the same call as before, came to it by the same functions. */
static bool
is_same_stack(struct wait_stacks *k, const struct wait_thread *t)
{
	const struct memo *m = find_memo(k, t);
	const char *bytes = m ? read_bytes(k, m) : NULL;
	uint64_t word;

	if (!bytes)
		return false;
	for (uint32_t i = 0; i < m->n; i++) {
		memcpy(&word, bytes + m->at[i], sizeof word);
		if (word != m->word[i])
			return false;
	}
	struct space *space = space_find(k->watch, &k->spaces, &m->owner);
	return space_look(space, k->watch) == 0 && space_generation(space) == m->generation;
}

/* ---- One thread */

static bool
read_sched(struct watch *w, const struct wait_thread *t, struct task_sched *out)
{
	struct text text;

	return wait_thread_read(w, t, "/schedstat", &text) == 0 && task_sched_parse(text, out) == 0;
}

/* Whether the thread still has that schedstat. If not, it is set to the present one. */
static bool
has_not_run(struct watch *w, const struct wait_thread *t, struct task_sched *before)
{
	struct task_sched after;

	if (!read_sched(w, t, &after))
		return false;
	bool still = memcmp(before, &after, sizeof after) == 0;
	*before = after;
	return still;
}

/* Reads both stacks while the thread does not run. False if it has run since it had that schedstat, which
 * is set to the present one then. */
static bool
read_still(struct wait_stacks *k, const struct wait_thread *t, struct task_sched *before,
    char kernel[32][128], size_t *nkernel)
{
	if (!t->place.kernel)
		read_user(k, t);
	if (wait_options(k->watch)->folded || watch_shows(k->watch, WAIT_KERNEL_STACK))
		*nkernel = list_kernel(k->watch, t, kernel);
	return has_not_run(k->watch, t, before);
}

/* The place of the thread now; from files, as rows of BPF are of the sample. */
static bool
read_again(struct watch *w, struct wait_thread *t)
{
	struct waits *s = w->state;
	const struct task_row *row = s->row;

	s->row = NULL;
	bool there = wait_place_read(w, t);
	s->row = row;
	return there && t->place.state == WAIT_BLOCKED;
}

void
wait_stack_look(struct watch *w, struct wait_thread *t, struct task_sched *now)
{
	const struct wait_options *o = wait_options(w);
	struct wait_stacks *k;
	char kernel[32][128];
	size_t nkernel = 0;
	bool there = true;

	if (!o->stacks || t->place.state != WAIT_BLOCKED || w->host->replay)
		return;
	k = stacks_of(w);
	k->nframes = 0;
	/* if it has run since its row was read, it is back where it was, or not yet far from there */
	if (t->same && is_same_stack(k, t))
		return;
	for (int i = 0; there && !read_still(k, t, now, kernel, &nkernel); i++) {
		k->nframes = nkernel = 0;
		there = i < AGAIN && read_again(w, t);
	}
	if (t->place.state != WAIT_BLOCKED)
		return;
	keep_memo(k, t);
	t->place.parked = is_parked(k, t);
	(o->folded ? set_folded : set_stacks)(k, &t->place, kernel, nkernel);
}

void
wait_stacks_tell_hidden(struct watch *w)
{
	const struct waits *s = w->state;
	size_t n = 0;

	if (!wait_options(w)->stacks || wait_options(w)->idle)
		return;
	for (size_t i = 0; i < s->nthreads; i++)
		n += !s->threads[i].gone && s->threads[i].place.parked;
	if (n > 0 && s->rows <= 1)
		watch_note(
		    w, "%zu idle thread%s hidden; --idle shows them", n, n == 1 ? " is" : "s are");
}

void
wait_stacks_free(struct waits *s)
{
	if (!s->stacks)
		return;
	spaces_free(s->stacks->spaces);
	for (size_t i = 0; i < MEMOS; i++)
		free(s->stacks->memos[i]);
	map_free(&s->stacks->texts);
	free(s->stacks);
}
