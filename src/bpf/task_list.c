/* task_list: loads the program that walks over the tasks, runs it, and tells what it found, as rows or as
 * their text. */
#include "bpf/task_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "bpf/task_program.h"

/* A line of the last text, and what tells whether its row is still the same. */
struct printed {
	uint64_t key, gone_majflt, cgroup[2];
	uint32_t written;
	uint32_t at, length; /* in the text */
};

/* Where the row of a task is. The key orders tasks by process and thread. */
struct place {
	uint64_t key;
	uint32_t row;
};

struct task_list {
	struct task_plan plan;
	int loadavg;       /* /proc/loadavg, which tells how many tasks there are; -1: unknown */
	int program, link; /* -1: none, and so is the map of the plan */
	int again;         /* a program that reads some threads again; -1: none */
	struct kernel_row *rows;
	uint32_t runs;
	size_t kept; /* rows of the last reading */
	/* in the order of their keys: sorted is one of the others, of which the second is only needed where the
	 * kernel has another order */
	struct place *places[2], *sorted;
	size_t places_room[2];
	/* the last text, and room for the next; n lines, in order */
	struct buf text, previous;
	struct printed *printed, *spare;
	size_t n, print_room;
};

/* ---- Open */

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The entries of the map: the head, a row for each task, and the list of rows to read again. */
static uint32_t
count_entries(const struct task_list *l)
{
	uint32_t listed = l->plan.loop && l->plan.pid ? l->plan.room / LISTED + 1 : 0;

	return 1 + l->plan.room + listed;
}

static size_t
map_size(const struct task_list *l)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (count_entries(l) * sizeof *l->rows + page - 1) / page * page;
}

static void
unload(struct task_list *l)
{
	int error = errno;

	if (l->rows)
		munmap(l->rows, map_size(l));
	l->rows = NULL;
	drop(&l->link);
	drop(&l->again);
	drop(&l->program);
	drop(&l->plan.map);
	errno = error;
}

/* Before Linux 5.11 maps count as locked memory. */
static int
make_map(struct task_list *l)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	uint32_t n = count_entries(l);

	l->plan.map = bpf_map_create_mappable(sizeof *l->rows, n, "pq_tasks");
	if (l->plan.map < 0 && errno == EPERM && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		l->plan.map = bpf_map_create_mappable(sizeof *l->rows, n, "pq_tasks");
	if (l->plan.map < 0)
		return -1;
	void *p = mmap(NULL, map_size(l), PROT_READ | PROT_WRITE, MAP_SHARED, l->plan.map, 0);
	if (p == MAP_FAILED)
		return -1;
	l->rows = p;
	return 0;
}

static int
load(struct task_list *l)
{
	struct code code = { .n = 0 };
	bool loop = l->plan.loop;

	task_plan_build(&l->plan, &code);
	l->program = bpf_program_load(
	    loop ? BPF_SYSCALL : BPF_ITERATOR, &code, l->plan.at.iterator, "pq_tasks");
	/* before Linux 5.15, or where a kernel refuses it */
	if (l->program < 0 && task_plan_forget_calls(&l->plan))
		return load(l);
	code.n = 0;
	if (l->program >= 0 && task_plan_build_again(&l->plan, &code))
		l->again = bpf_program_load(BPF_SYSCALL, &code, 0, "pq_tasks_again");
	if (l->program < 0 || loop)
		return l->program < 0 ? -1 : 0;
	l->link = bpf_iterator_link(l->program);
	return l->link < 0 ? -1 : 0;
}

static int
failed(struct bpf_failure *f, enum bpf_step step)
{
	f->step = step;
	f->error = errno;
	return -1;
}

static int run(struct task_list *l);

/* Makes the map and the program, with room for that many tasks. */
static int
prepare(struct task_list *l, uint32_t room, struct bpf_failure *f)
{
	unload(l);
	l->plan.room = room;
	if (make_map(l) < 0)
		return failed(f, STEP_MAP);
	if (load(l) < 0)
		return failed(f, l->program < 0 ? STEP_LOAD : STEP_ATTACH);
	return 0;
}

/* How many tasks the machine has: 5123, from "0.10 0.20 0.30 3/5123 4242" of /proc/loadavg. 0:
 * unknown. */
static uint64_t
count_tasks(const struct task_list *l)
{
	char line[128];
	struct text rest = { line, 0 }, word = { line, 0 }, part;
	uint64_t n;

	ssize_t got = l->loadavg < 0 ? -1 : pread(l->loadavg, line, sizeof line, 0);
	rest.n = got > 0 ? (size_t)got : 0;
	for (int i = 0; i < 4 && text_word(&rest, &word);)
		i++;
	return text_split(&word, '/', &part) && text_u64(word, &n) == 0 && n <= 1 << 22 ? n : 0;
}

/* Room for n tasks, and some more. All of it is memory of this process. */
static uint32_t
with_spare(uint64_t n)
{
	return (uint32_t)(n + n / 32 + 256);
}

static int
try(struct task_list *l, enum task_list_mode mode, struct bpf_failure *f)
{
	l->plan.loop = mode == TASK_LIST_LOOP;
	*f = (struct bpf_failure){ .mode = MODE_ANY };
	if (task_plan_layout(&l->plan) < 0)
		return failed(f, STEP_LAYOUT);
	if (prepare(l, with_spare(count_tasks(l)), f) < 0)
		return -1;
	return run(l) < 0 && errno != ESRCH ? failed(f, STEP_RUN) : 0;
}

int
task_list_open(struct task_list **out, enum task_list_mode mode, uint32_t pid, bool nested,
    bool calls, struct bpf_why *why)
{
	struct task_list *l = xmalloc(sizeof *l);
	struct bpf_failure f[2];
	struct bpf_rights rights;
	size_t n = 0;

	*l =
	    (struct task_list){ .plan = { .pid = pid, .nested = nested, .calls = calls, .map = -1 },
		    .program = -1,
		    .link = -1,
		    .again = -1 };
	l->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	*out = l;
	if (mode != TASK_LIST_ITER && !nested && try(l, TASK_LIST_LOOP, &f[n++]) == 0)
		return 0;
	if ((mode == TASK_LIST_ITER || (mode == TASK_LIST_ANY && !pid)) &&
	    try(l, TASK_LIST_ITER, &f[n++]) == 0)
		return 0;
	bpf_rights_read(&rights);
	if (n > 0)
		bpf_explain(&f[n - 1], 1, &rights, why);
	else
		snprintf(why->text, sizeof why->text,
		    "in a pid namespace it would read all tasks of the host (--source bpf-iter "
		    "reads those of the namespace)");
	task_list_close(l);
	*out = NULL;
	errno = n > 0 ? f[n - 1].error : EOPNOTSUPP;
	return -1;
}

/* ---- Run */

static struct task_head *
head_of(struct task_list *l)
{
	return (struct task_head *)(void *)l->rows;
}

static int
run_loop(struct task_list *l)
{
	if (bpf_program_run(l->program) < 0)
		return -1;
	return head_of(l)->gone ? fail_with(ESRCH) : 0;
}

static int
run_iterator(struct task_list *l)
{
	int fd = bpf_iterator_start(l->link);
	char none[64];
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = read(fd, none, sizeof none);
	while (n > 0 || (n < 0 && errno == EAGAIN));
	int error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

/* Again with more room if there are more tasks than that. */
static int
run(struct task_list *l)
{
	for (;;) {
		struct bpf_failure f;
		*head_of(l) = (struct task_head){ .run = ++l->runs };
		if ((l->plan.loop ? run_loop(l) : run_iterator(l)) < 0)
			return -1;
		uint64_t found = head_of(l)->found;
		if (found <= l->plan.room)
			return 0;
		if (prepare(l, with_spare(found), &f) < 0)
			return -1;
	}
}

/* ---- Rows */

/* task_state_index and task_state_array of fs/proc/array.c: the highest bit counts. */
static char
state_letter(const struct kernel_row *r)
{
	enum { REPORTED = 0x7f, IDLE = 0x402, RTLOCK_WAIT = 0x1000, FROZEN = 0x8000 };
	uint64_t state = (r->state | r->exit_state) & REPORTED;
	int i = 0;

	if ((r->state & IDLE) == IDLE)
		return 'I';
	if (r->state & (RTLOCK_WAIT | FROZEN))
		return 'D';
	while (state >> i)
		i++;
	return "RSDTtXZP"[i];
}

static void
set_row(const struct kernel_row *k, struct task_row *r)
{
	*r = (struct task_row){
		.pid = k->pid,
		.tid = k->tid,
		.written = k->written,
		.state = state_letter(k),
		.kernel = k->flags & KERNEL_THREAD,
		.run_ns = k->run_ns,
		.wait_ns = k->wait_ns,
		.slices = k->slices,
		.switches = { k->switches[0], k->switches[1] },
		.majflt = k->majflt,
		.gone_majflt = k->gone_majflt,
		.start_ns = k->start_ns,
		.call = k->call,
		.cgroup = { k->cgroup[0], k->cgroup[1] },
	};

	if (k->blkio_ns != UINT64_MAX)
		r->blkio_ns = keyed_of(k->blkio_ns);
	memcpy(r->comm, k->comm, TASK_COMM - 1);
}

static size_t
run_end(const struct place *v, size_t from, size_t n)
{
	size_t to = from + 1;

	while (to < n && v[to - 1].key <= v[to].key)
		to++;
	return to < n ? to : n;
}

static void
merge(const struct place *v, size_t a, size_t b, size_t end, struct place *out)
{
	size_t i = a, j = b;

	for (size_t k = a; k < end; k++)
		out[k] = j == end || (i < b && v[i].key <= v[j].key) ? v[i++] : v[j++];
}

/* Makes room for n places in one of the two arrays. */
static struct place *
make_room(struct task_list *l, int i, size_t n)
{
	if (n > l->places_room[i]) {
		l->places_room[i] = n + n / 4;
		l->places[i] = xrealloc(l->places[i], l->places_room[i] * sizeof *l->places[i]);
	}
	return l->places[i];
}

/* Merges ascending runs of the first n places until there is one. The kernel keeps the tasks in the order
 * of their creation, so there are few, and usually one. */
static struct place *
sort(struct task_list *l, size_t n)
{
	struct place *v = l->places[0];

	for (int i = 1; n > 0 && run_end(v, 0, n) < n; i = 1 - i) {
		struct place *sorted = make_room(l, i, n);
		for (size_t a = 0, b, end; a < n; a = end) {
			b = run_end(v, a, n);
			end = b < n ? run_end(v, b, n) : n;
			merge(v, a, b, end, sorted);
		}
		v = sorted;
	}
	return v;
}

/* Finds the tasks among the rows, in the order of their numbers. A task that was found twice, as it moved
 * while the program walked, counts once. Returns how many they are. */
static size_t
sort_rows(struct task_list *l)
{
	size_t found = (size_t)head_of(l)->found, n = 0, kept = 0;
	struct place *v = make_room(l, 0, found);

	for (size_t i = 0; i < found; i++) {
		const struct kernel_row *r = &l->rows[i + 1];
		if (r->tid > 0) /* the idle task of a CPU has no number */
			v[n++] = (struct place){ (uint64_t)r->pid << 32 | r->tid, (uint32_t)i + 1 };
	}
	v = sort(l, n);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i].key != v[kept - 1].key)
			v[kept++] = v[i];
	l->sorted = v;
	l->kept = kept;
	return kept;
}

/* How many tasks of the machine the kernel counts; 0: unknown. Of one process, or of a namespace, no file
 * tells the number. */
static uint64_t
count_all(const struct task_list *l)
{
	return l->plan.pid || l->plan.nested ? 0 : count_tasks(l);
}

/* How many tasks the kernel counts that the program did not see: some kernels hide processes from BPF.
 * before: their number before it ran. */
static struct keyed
count_hidden(const struct task_list *l, uint64_t before, size_t n)
{
	uint64_t now = before ? count_tasks(l) : 0, least = now < before ? now : before;

	if (least == 0)
		return (struct keyed){ 0 };
	return keyed_of(least > n ? least - n : 0);
}

static bool
is_as_before(const struct task_row *r, const struct kernel_row *k)
{
	return r->tid == k->tid && r->pid == k->pid && r->written == k->written &&
	    r->gone_majflt == k->gone_majflt && r->cgroup[0] == k->cgroup[0] &&
	    r->cgroup[1] == k->cgroup[1];
}

int
task_list_scan(struct task_list *l, struct task_rows *out)
{
	uint64_t before = count_all(l);

	if (run(l) < 0)
		return -1;
	out->n = sort_rows(l);
	out->hidden = count_hidden(l, before, out->n);
	snprintf(out->source, sizeof out->source, "%s", task_list_mode(l));
	return 0;
}

struct task_mark
task_list_mark(const struct task_list *l, size_t i)
{
	const struct kernel_row *k = &l->rows[l->sorted[i].row];

	return (struct task_mark){ k->pid, k->tid, k->written, k->gone_majflt };
}

void
task_list_row(const struct task_list *l, size_t i, struct task_row *out)
{
	set_row(&l->rows[l->sorted[i].row], out);
}

int
task_list_read(struct task_list *l, struct task_rows *out)
{
	if (task_list_scan(l, out) < 0)
		return -1;
	task_rows_room(out, out->n);
	for (size_t i = 0; i < out->n; i++) {
		const struct kernel_row *k = &l->rows[l->sorted[i].row];
		if (!is_as_before(&out->v[i], k))
			set_row(k, &out->v[i]);
	}
	return 0;
}

/* Lists the tasks for the program. False if *out is not of the last reading. */
static bool
list_wanted(struct task_list *l, const uint32_t *wanted, size_t n, const struct task_rows *out)
{
	uint32_t *list = (uint32_t *)(void *)&l->rows[1 + l->plan.room];

	if (l->again < 0 || out->n != l->kept || n > l->kept)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct place *p = &l->sorted[wanted[i]];
		if (wanted[i] >= l->kept || out->v[wanted[i]].tid != (uint32_t)p->key)
			return false;
		list[i] = p->row;
	}
	return true;
}

/* False if all tasks must be read. */
static bool
run_again(struct task_list *l, size_t n)
{
	struct task_head *head = head_of(l);

	head->run = ++l->runs;
	head->wanted = (uint32_t)n;
	head->last = l->rows[head->found].tid;
	head->changed = 0;
	return bpf_program_run(l->again) == 0 && !head->changed && !head->gone;
}

int
task_list_read_some(
    struct task_list *l, const uint32_t *wanted, size_t n, struct task_rows *out, bool *all)
{
	*all = !list_wanted(l, wanted, n, out) || !run_again(l, n);
	if (*all)
		return task_list_read(l, out);
	for (size_t i = 0; i < n; i++) {
		const struct kernel_row *k = &l->rows[l->sorted[wanted[i]].row];
		if (!is_as_before(&out->v[wanted[i]], k))
			set_row(k, &out->v[wanted[i]]);
	}
	return 0;
}

/* ---- Text */

static bool
is_same(const struct printed *a, const struct printed *b)
{
	return a->key == b->key && a->written == b->written && a->gone_majflt == b->gone_majflt &&
	    a->cgroup[0] == b->cgroup[0] && a->cgroup[1] == b->cgroup[1];
}

/* Prints the row, or copies its line from the last text if it is still the same. *k is the first
 * line there that may be. */
static void
print_or_copy(struct task_list *l, const struct place *p, size_t *k, struct printed *to)
{
	const struct kernel_row *row = &l->rows[p->row];
	struct task_row r;
	size_t at = l->text.n;

	while (*k < l->n && l->printed[*k].key < p->key)
		++*k;
	*to = (struct printed){ p->key, row->gone_majflt, { row->cgroup[0], row->cgroup[1] },
		row->written, (uint32_t)at, 0 };
	if (*k < l->n && is_same(&l->printed[*k], to)) {
		buf_add(&l->text, l->previous.s + l->printed[*k].at, l->printed[*k].length);
	} else {
		set_row(row, &r);
		task_row_print(&r, &l->text);
	}
	to->length = (uint32_t)(l->text.n - at);
}

static void
make_print_room(struct task_list *l, size_t n)
{
	if (n <= l->print_room)
		return;
	l->print_room = n + n / 4;
	l->printed = xrealloc(l->printed, l->print_room * sizeof *l->printed);
	l->spare = xrealloc(l->spare, l->print_room * sizeof *l->spare);
}

/* Fills the text. */
static void
print_all(struct task_list *l, const struct place *v, size_t n)
{
	struct buf text = l->previous;
	size_t k = 0;

	make_print_room(l, n);
	l->previous = l->text;
	l->text = text;
	l->text.n = 0;
	for (size_t i = 0; i < n; i++)
		print_or_copy(l, &v[i], &k, &l->spare[i]);
	struct printed *now = l->spare;
	l->spare = l->printed;
	l->printed = now;
	l->n = n;
}

static void
print_number(struct buf *out, const char *key, struct keyed v)
{
	buf_text(out, key);
	if (v.known)
		buf_u64(out, v.v, 1);
	else
		buf_char(out, '-');
	buf_char(out, '\n');
}

int
task_list_print(struct task_list *l, struct buf *out)
{
	uint64_t before = count_all(l);

	if (run(l) < 0)
		return -1;
	size_t n = sort_rows(l);
	print_all(l, l->sorted, n);
	buf_text(out, "source ");
	buf_text(out, task_list_mode(l));
	print_number(out, "\ntasks ", keyed_of(n));
	print_number(out, "hidden ", count_hidden(l, before, n));
	buf_add(out, l->text.s, l->text.n);
	return 0;
}

const char *
task_list_mode(const struct task_list *l)
{
	return l->plan.loop ? "bpf-loop" : "bpf-iter";
}

void
task_list_close(struct task_list *l)
{
	if (!l)
		return;
	unload(l);
	drop(&l->loadavg);
	buf_free(&l->text);
	buf_free(&l->previous);
	free(l->printed);
	free(l->spare);
	free(l->places[0]);
	free(l->places[1]);
	free(l);
}
