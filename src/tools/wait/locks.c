/*
 * locks: on whom threads wait. The owner of each lock for which a thread of the sample waits is read
 * from the memory of the process (proc/lock_owner.h), and followed to the thread that waits for no
 * lock. The owners are recorded as the text LOCKS_FILE; the memory is not, as it may hold secrets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "tools/wait/wait.h"

#define LOCKS_FILE "pq/locks"

/* Locks of one sample; IDs that a chain shows. A lock whose memory fits nothing is read again after
 * PATIENCE samples. */
enum { LOCKS_MOST = 64, CHAIN_MOST = 12, PATIENCE = 8, HOLDERS_MOST = 1024, MAPS_MOST = 1 << 20 };

struct wait_lock {
	struct lock_line line;
	uint32_t waiter;          /* a thread of line.pid that waits for it */
	struct wait_thread owner; /* if line.seen: what it does */
	int next;                 /* the lock that the owner waits for; -1: none */
	struct wait_holder holder;
};

struct wait_locks {
	size_t n;
	struct wait_lock v[LOCKS_MOST];
};

/* ---- The threads of a process */

/* The number after the key in a file status; 0 if there is none. `last`: of several numbers, the last
 * one. */
static uint32_t
number_of(struct text status, const char *key, bool last, unsigned *n)
{
	struct text line, word;
	uint64_t v = 0;

	*n = 0;
	while (text_line(&status, &line)) {
		if (!text_skip(&line, key))
			continue;
		while ((last || *n == 0) && text_word(&line, &word) && text_u64(word, &v) == 0)
			(*n)++;
		break;
	}
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

/* The ID that the thread has for itself: the last one, if it is in a pid namespace below that of
 * /proc. 0 if it is unknown. */
static uint32_t
read_inner(struct watch *w, struct wait_thread *t)
{
	struct text text;
	unsigned levels;

	if (t->inner)
		return t->inner;
	if (wait_thread_read(w, t, "/status", &text) < 0)
		return 0;
	t->inner = number_of(text, "NSpid:", true, &levels);
	t->nested = levels > 1;
	if (levels == 0) /* before Linux 4.1 */
		t->inner = t->tid;
	return t->inner;
}

static bool
is_there(struct watch *w, uint32_t pid, uint32_t tid)
{
	struct text text;
	char path[64];

	return host_read(w->host, task_path(path, pid, tid, "/stat"), &text) == 0;
}

/* The thread of the process with that ID in its own pid namespace; 0 if it is not known. */
static uint32_t
find_nested(struct watch *w, uint32_t pid, uint32_t inner)
{
	struct waits *s = w->state;

	for (size_t i = 0; i < s->nthreads; i++) {
		struct wait_thread *t = &s->threads[i], now = { .pid = pid, .tid = t->tid };
		if (t->pid == pid && !t->gone && read_inner(w, t) == inner &&
		    read_inner(w, &now) == inner)
			return t->tid;
	}
	return 0;
}

/* ---- Memory that processes share */

struct mapped {
	char file[64]; /* device and inode */
	uint64_t offset;
};

static uint64_t
take_hex(struct text *t, char until)
{
	static const char digits[] = "0123456789abcdef";
	struct text part;
	uint64_t v = 0;

	if (!text_split(t, until, &part))
		return 0;
	for (size_t i = 0; i < part.n; i++) {
		const char *digit = memchr(digits, part.s[i], 16);
		v = v << 4 | (uint64_t)(digit ? digit - digits : 0);
	}
	return v;
}

/* Of a line of maps, "7f0000-7f1000 rw-s 00002000 00:01 4711 /dev/shm/x": the range, and what is
 * there. False if it is not shared. */
static bool
parse_mapping(struct text line, uint64_t *from, uint64_t *to, struct mapped *out)
{
	struct text word, device, inode;

	if (!text_word(&line, &word))
		return false;
	*from = take_hex(&word, '-');
	*to = take_hex(&word, ' ');
	if (!text_word(&line, &word) || word.n != 4 || word.s[3] != 's' || !text_word(&line, &word))
		return false;
	out->offset = take_hex(&word, ' ');
	if (!text_word(&line, &device) || !text_word(&line, &inode) || text_eq(inode, "0") ||
	    device.n + inode.n + 2 > sizeof out->file)
		return false;
	snprintf(out->file, sizeof out->file, "%.*s %.*s", (int)device.n, device.s, (int)inode.n,
	    inode.s);
	return true;
}

/* `number`: of a thread that has not ended. */
static bool
read_maps(struct watch *w, uint32_t number, struct text *text)
{
	char path[64];

	return host_part(w->host, task_path(path, number, 0, "/maps"), 0, MAPS_MOST, text) == 0 &&
	    text->n < MAPS_MOST;
}

static bool
find_mapped(struct watch *w, uint32_t number, uint64_t address, struct mapped *out)
{
	struct text maps, line;
	uint64_t from, to;

	if (!read_maps(w, number, &maps))
		return false;
	while (text_line(&maps, &line))
		if (parse_mapping(line, &from, &to, out) && address >= from && address < to) {
			out->offset += address - from;
			return true;
		}
	return false;
}

static bool
maps_it(struct watch *w, uint32_t number, const struct mapped *it)
{
	struct text maps, line;
	struct mapped here;
	uint64_t from, to;

	if (!read_maps(w, number, &maps))
		return false;
	while (text_line(&maps, &line))
		if (parse_mapping(line, &from, &to, &here) && strcmp(here.file, it->file) == 0 &&
		    it->offset >= here.offset && it->offset - here.offset < to - from)
			return true;
	return false;
}

/* The process of the thread `tid`, if that shares the memory at the address with the waiter; 0 if not. */
static uint32_t
find_sharing(struct watch *w, const struct wait_thread *waiter, uint64_t address, uint32_t tid)
{
	struct mapped it;
	struct text text;
	char path[64];
	unsigned n;

	if (host_read(w->host, task_path(path, tid, 0, "/status"), &text) < 0)
		return 0;
	uint32_t other = number_of(text, "Tgid:", false, &n);
	number_of(text, "NSpid:", true, &n);
	bool shared =
	    other && n <= 1 && find_mapped(w, waiter->tid, address, &it) && maps_it(w, tid, &it);
	return shared ? other : 0;
}

/* ---- The owner of a lock */

/* Sets the owner, whose ID is that in the pid namespace of the waiting process. An owner that does not
 * exist may have ended with the lock, or the memory is no lock. */
static bool
name_owner(
    struct watch *w, const struct lock_guess *g, struct wait_thread *waiter, struct lock_line *out)
{
	out->owner_pid = waiter->pid;
	out->owner_tid = g->owner;
	if (!g->owner)
		return g->readers > 0;
	if (!read_inner(w, waiter))
		return false;
	if (waiter->nested)
		return (out->owner_tid = find_nested(w, waiter->pid, g->owner)) != 0;
	if (is_there(w, waiter->pid, g->owner))
		return true;
	if (g->shared)
		return (out->owner_pid = find_sharing(w, waiter, out->address, g->owner)) != 0;
	return g->sure && !is_there(w, g->owner, g->owner);
}

static int
read_memory(struct watch *w, struct memory_ask *m)
{
	int result, tries = 0;

	do
		result = host_wait_memory(w->host, m);
	while (result < 0 && errno == EAGAIN && ++tries < 3);
	if (result < 0 && (errno == EACCES || errno == EPERM))
		watch_note(w,
		    "cannot read the memory of some processes: permission denied; who holds the "
		    "locks that their threads wait for is unknown (see kernel.yama.ptrace_scope)");
	else if (result < 0 && errno == EOPNOTSUPP)
		watch_note(w,
		    "cannot read the memory of processes below --root: who holds the locks that "
		    "threads wait for is unknown");
	return result;
}

/* What the memory of a lock refers to must fit, too. */
static bool
check_guess(struct watch *w, const struct wait_thread *waiter, struct lock_guess *g)
{
	struct memory_ask m = { .pid = waiter->pid, .tid = waiter->tid, .at = g->link_at };
	uint64_t link;

	m.after = g->link_at ? sizeof link : LOCK_AFTER;
	if (g->link_at) {
		if (read_memory(w, &m) < 0 || m.bytes.n != sizeof link)
			return false;
		memcpy(&link, m.bytes.s, sizeof link);
		return link == g->link;
	}
	for (const unsigned *offset = lock_thread_offsets; g->thread && *offset; offset++) {
		m.at = g->thread + *offset;
		if (read_memory(w, &m) < 0)
			continue;
		const struct lock_memory memory = { m.from, m.bytes.s, m.bytes.n };
		if (lock_thread(&memory, m.at, &g->owner))
			return true;
	}
	return !g->thread;
}

/* Reads the owner of the lock at the address, for which the thread waits now. */
static bool
measure(struct watch *w, struct wait_thread *waiter, uint64_t address, struct lock_line *out)
{
	struct memory_ask m = { .pid = waiter->pid,
		.tid = waiter->tid,
		.at = address,
		.before = LOCK_BEFORE,
		.after = LOCK_AFTER };
	struct lock_guess g;
	struct task_call c;

	*out = (struct lock_line){ .pid = waiter->pid, .address = address };
	if (read_memory(w, &m) < 0 || task_call_parse(m.call, &c) < 0 || c.kind != CALL_SYSTEM ||
	    c.arg[0] != address)
		return false;
	const struct lock_memory memory = { m.from, m.bytes.s, m.bytes.n };
	if (!lock_judge(&c, &memory, &g) || !check_guess(w, waiter, &g) ||
	    !name_owner(w, &g, waiter, out))
		return false;
	out->kind = g.kind;
	out->readers = g.readers;
	return true;
}

/* ---- The locks of a sample */

static int
print_locks(void *ctx, struct buf *out)
{
	const struct waits *s = ctx;

	for (size_t i = 0; i < s->locks->n; i++)
		if (s->locks->v[i].line.kind)
			lock_line_print(&s->locks->v[i].line, out);
	return 0;
}

static int
find_lock(const struct wait_locks *l, uint32_t pid, uint64_t address)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (l->v[i].line.pid == pid && l->v[i].line.address == address)
			return (int)i;
	return -1;
}

static struct wait_lock *
add_lock(struct watch *w, const struct lock_line *line)
{
	struct waits *s = w->state;
	const struct provided text = { .print = print_locks, .ctx = s };

	if (!s->locks) {
		s->locks = arena_alloc(&w->arena, sizeof *s->locks);
		s->locks_before = arena_alloc(&w->arena, sizeof *s->locks);
		if (!w->host->replay)
			s->locks_provided = host_provide(w->host, LOCKS_FILE, &text) == 0;
	}
	if (s->locks->n == LOCKS_MOST) {
		watch_note(w,
		    "threads wait for more than %d locks at a time: who holds the others is "
		    "unknown",
		    LOCKS_MOST);
		return NULL;
	}
	struct wait_lock *l = &s->locks->v[s->locks->n++];
	*l = (struct wait_lock){ .line = *line, .next = -1 };
	return l;
}

/* The lock for which the thread waits, whose owner is read if it is not yet known in this sample.
 * -1 if it cannot be. */
static int
look(struct watch *w, struct wait_thread *t)
{
	struct waits *s = w->state;
	struct lock_line line = { .pid = t->pid, .address = t->place.futex };
	int i = find_lock(s->locks, t->pid, t->place.futex);

	if (i >= 0 || w->host->replay)
		return i;
	struct wait_lock *l = add_lock(w, &line);
	if (!l)
		return -1;
	l->waiter = t->tid;
	measure(w, t, t->place.futex, &l->line);
	return (int)(l - s->locks->v);
}

uint64_t
wait_locks_next(const struct waits *s, const struct wait_thread *t)
{
	if (!t->place.futex || t->place.state != WAIT_BLOCKED)
		return UINT64_MAX;
	return t->look > s->round ? t->look : s->round + 1;
}

void
wait_locks_look(struct watch *w, struct wait_thread *t)
{
	struct waits *s = w->state;
	struct wait_place *p = &t->place;

	if (!p->futex || p->state != WAIT_BLOCKED || t->look > s->round)
		return;
	int i = look(w, t);
	const struct lock_line *l = i >= 0 ? &s->locks->v[i].line : NULL;
	if (!l || !l->kind) {
		t->look = s->round + PATIENCE;
		return;
	}
	if (l->kind == LOCK_THREAD) {
		snprintf(p->where, sizeof p->where, "thread:[%u]", l->owner_tid);
		return;
	}
	snprintf(p->where, sizeof p->where, "lock:[%#llx]", (unsigned long long)p->futex);
	p->idle = false;
}

/* A recording has the owners. Live, they are read while threads are sampled. */
void
wait_locks_begin(struct watch *w)
{
	struct waits *s = w->state;
	struct wait_locks *before = s->locks_before;
	struct lock_line line;
	struct text text;

	s->locks_before = s->locks;
	s->locks = before;
	if (before)
		before->n = 0;
	if (!w->host->replay || host_read(w->host, LOCKS_FILE, &text) < 0)
		return;
	while (lock_line_next(&text, &line))
		if (!add_lock(w, &line))
			return;
}

/* ---- What the owner does */

/* Reads the owner again, and then what it does. */
static void
see_owner(struct watch *w, size_t i)
{
	struct waits *s = w->state;
	struct wait_lock *l = &s->locks->v[i];
	struct wait_thread waiter = { .pid = l->line.pid, .tid = l->waiter },
			   *known = wait_thread_find(s, waiter.pid, waiter.tid);
	struct lock_line again;

	if (!w->host->replay &&
	    (l->line.seen = measure(w, known ? known : &waiter, l->line.address, &again))) {
		l->line = again;
		l->line.seen = true;
	}
	if (!l->line.owner_tid)
		return;
	l->owner = (struct wait_thread){ .pid = l->line.owner_pid, .tid = l->line.owner_tid };
	if (!wait_place_read(w, &l->owner) || !l->line.seen ||
	    l->owner.place.state != WAIT_BLOCKED || !l->owner.place.futex)
		return;
	int next = look(w, &l->owner);
	l = &s->locks->v[i];
	l->next = next >= 0 && s->locks->v[next].line.kind ? next : -1;
}

/* Whether the thread has waited for its lock since the previous sample, and still does. */
static bool
still_waits(struct watch *w, const struct wait_lock *of)
{
	struct waits *s = w->state;
	const struct wait_thread *t = wait_thread_find(s, of->owner.pid, of->owner.tid);
	struct task_sched now;
	struct text text;

	return t && t->known && t->placed < s->round && t->place.futex == of->owner.place.futex &&
	    wait_thread_read(w, t, "/schedstat", &text) == 0 && task_sched_parse(text, &now) == 0 &&
	    memcmp(&now, &t->sched, sizeof now) == 0;
}

static void
set_doing(struct watch *w, const struct wait_lock *l, char *out, size_t room)
{
	const struct wait_place *p = &l->owner.place;
	const struct wait_thread *t = wait_thread_find(w->state, l->owner.pid, l->owner.tid);
	const char *call = strcmp(p->call, "none") == 0 ? "" : p->call;

	if (!l->line.seen || !l->owner.tid)
		*out = '\0';
	else if (p->state == WAIT_ENDED)
		snprintf(out, room, "ended");
	else if (p->state == WAIT_STOPPED)
		snprintf(out, room, "stopped");
	else if (p->state != WAIT_BLOCKED)
		snprintf(out, room, t && t->starved ? "waiting for a CPU" : "running");
	else if (*call && syscall_takes_fd(call) && strcmp(p->where, p->wchan) != 0)
		snprintf(out, room, "in %s of %s", call, p->where);
	else if (*call || *p->wchan)
		snprintf(out, room, "in %s", *call ? call : p->wchan);
	else
		snprintf(out, room, "blocked");
}

static void
append(char *out, size_t room, const char *text)
{
	size_t n = strlen(out);

	snprintf(out + n, room - n, "%s", text);
}

/* "4712 -> 4713 -> 4711". Of many IDs the first ones, "...", and the last one. */
static void
print_chain(const uint32_t *tids, size_t n, char *out, size_t room)
{
	char id[24];

	snprintf(out, room, "%u", tids[0]);
	for (size_t i = 1; i < n; i++) {
		if (n > CHAIN_MOST && i == CHAIN_MOST - 1) {
			append(out, room, " -> ...");
			i = n - 1;
		}
		snprintf(id, sizeof id, " -> %u", tids[i]);
		append(out, room, id);
	}
}

/* Follows the owners from lock i on. Sets the chain of their IDs, and whether it comes back to a
 * thread in it for sure. Returns the last lock. */
static size_t
follow(struct watch *w, size_t i, struct wait_holder *h)
{
	const struct waits *s = w->state;
	const struct wait_lock *v = s->locks->v;
	bool visited[LOCKS_MOST] = { false }, sure = true;
	uint32_t tids[LOCKS_MOST + 1] = { v[i].line.owner_tid };
	size_t n = 1;

	while (v[i].next >= 0 && !visited[i] && v[v[i].next].line.owner_tid) {
		visited[i] = true;
		sure = sure && still_waits(w, &v[i]);
		i = (size_t)v[i].next;
		tids[n++] = v[i].line.owner_tid;
	}
	h->deadlock = sure && visited[i];
	if (n > 1 && (sure || !visited[i]))
		print_chain(tids, n, h->chain, sizeof h->chain);
	return i;
}

static void
set_holder(struct watch *w, size_t i)
{
	struct waits *s = w->state;
	struct wait_lock *v = s->locks->v, *l = &v[i];
	struct wait_holder *h = &l->holder;

	*h = (struct wait_holder){ .kind = l->line.kind,
		.pid = l->line.owner_pid,
		.tid = l->line.owner_tid,
		.readers = l->line.readers };
	if (!h->tid)
		return;
	memcpy(h->comm, l->owner.comm, sizeof h->comm);
	size_t last = follow(w, i, h);
	if (h->deadlock)
		return;
	const struct wait_lock *end = &v[last];
	if (end->next >= 0 && v[end->next].line.readers)
		snprintf(h->doing, sizeof h->doing, "waiting for a rwlock held by %u readers",
		    v[end->next].line.readers);
	else if (end->next < 0)
		set_doing(w, end, h->doing, sizeof h->doing);
}

/* ---- Counting */

static bool
is_same_holder(const struct wait_holder *a, const struct wait_holder *b)
{
	return a->sum == b->sum && a->pid == b->pid && a->tid == b->tid && a->kind == b->kind;
}

/* Counts it, and keeps what it does most of the time, if that is most of the time. */
static void
count_holder(struct waits *s, const struct wait_holder *h, uint32_t sum)
{
	struct wait_holder new = *h;
	size_t i = 0;

	new.sum = sum;
	while (i < s->nholders && !is_same_holder(&s->holders[i], &new))
		i++;
	if (i == HOLDERS_MOST)
		return; /* the others have more */
	if (i == s->nholders) {
		if (s->nholders == s->holders_room) {
			s->holders_room = s->holders_room ? s->holders_room * 2 : 16;
			s->holders = xrealloc(s->holders, s->holders_room * sizeof *s->holders);
		}
		s->holders[s->nholders++] = new;
	}
	struct wait_holder *to = &s->holders[i];
	bool same = strcmp(to->doing, new.doing) == 0 && strcmp(to->chain, new.chain) == 0;
	new.found = to->found + 1;
	new.votes = same ? to->votes + 1 : 1;
	if (same || to->votes == 0) {
		*to = new;
		return;
	}
	to->found++;
	to->votes--;
}

static void
count_thread(struct watch *w, struct wait_thread *t)
{
	struct waits *s = w->state;
	int i = t->gone || !t->place.futex || t->place.state != WAIT_BLOCKED ?
	    -1 :
	    find_lock(s->locks, t->pid, t->place.futex);
	struct wait_sum *sum = i >= 0 && s->locks->v[i].line.kind ? wait_sum_of(w, t) : NULL;

	if (!sum)
		return;
	sum->lock_samples++;
	count_holder(s, &s->locks->v[i].holder, (uint32_t)(sum - s->sums));
}

void
wait_locks_end(struct watch *w)
{
	struct waits *s = w->state;
	struct text text;

	if (!s->locks)
		return;
	for (size_t i = 0; i < s->locks->n; i++)
		if (s->locks->v[i].line.kind)
			see_owner(w, i);
	for (size_t i = 0; i < s->locks->n; i++)
		set_holder(w, i);
	for (size_t i = 0; i < s->nthreads && s->locks->n > 0; i++)
		count_thread(w, &s->threads[i]);
	if (!w->host->replay && host_read(w->host, LOCKS_FILE, &text) < 0)
		watch_note(w, "cannot record the owners of locks: %s", strerror(errno));
}

/* ---- For rows */

const struct wait_holder *
wait_locks_holder(const struct waits *s, const struct wait_thread *t, bool lasts)
{
	const struct wait_locks *l = lasts ? s->locks : s->locks_before;
	int i = t->place.futex ? find_lock(l, t->pid, t->place.futex) : -1;

	return i >= 0 && l->v[i].line.kind ? &l->v[i].holder : NULL;
}

/* "mutex held by 4711 worker-3, in fsync of /srv/data" */
static const char *
words_of(const struct wait_holder *h, struct arena *a)
{
	const char *rest = strchr(h->chain, '>'), *part = "", *what = lock_kind_name(h->kind);
	double share = 100.0 * h->found / h->samples;

	if (!h->tid)
		return arena_printf(a, "%s held by %u reader%s: it does not keep which", what,
		    h->readers, h->readers == 1 ? "" : "s");
	if (h->deadlock)
		return arena_printf(a, "deadlock: %s", h->chain);
	if (share < 99.5 && h->others == 0)
		part = arena_printf(a, " (%.0f %% of samples)", share);
	else if (share < 99.5)
		part = arena_printf(a, " (%.0f %% of samples) and %u other%s", share, h->others,
		    h->others == 1 ? "" : "s");
	return arena_printf(a, "%s %u%s%s%s%s%s%s%s",
	    h->kind == LOCK_THREAD ? "end of thread" : arena_printf(a, "%s held by", what), h->tid,
	    *h->comm ? " " : "", h->comm, part, rest ? ", which waits for" : "",
	    rest ? rest + 1 : "", *h->doing ? ", " : "", h->doing);
}

const struct wait_holder *
wait_holder_label(const struct wait_holder *h, struct arena *a)
{
	struct wait_holder *copy = arena_alloc(a, sizeof *copy);

	*copy = *h;
	if (copy->samples == 0)
		copy->samples = copy->found = copy->votes = 1;
	if (copy->votes == 0)
		*copy->doing = *copy->chain = '\0';
	if (copy->tid) {
		copy->pid_label = arena_u64(a, h->pid);
		copy->tid_label = arena_u64(a, h->tid);
	}
	copy->words = words_of(copy, a);
	return copy;
}

const struct wait_holder *
wait_locks_most(const struct waits *s, uint32_t sum, struct arena *a)
{
	struct wait_holder *most = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < s->nholders; i++) {
		struct wait_holder *h = &s->holders[i];
		n += h->sum == sum;
		if (h->sum == sum && (!most || h->found > most->found))
			most = h;
	}
	if (!most)
		return NULL;
	most->samples = s->sums[sum].lock_samples;
	most->others = n - 1;
	return wait_holder_label(most, a);
}

void
wait_locks_free(struct watch *w)
{
	struct waits *s = w->state;

	if (s->locks_provided)
		host_unprovide(w->host, LOCKS_FILE);
	free(s->holders);
	arena_free(&s->told_holders);
}
