#include "bpf/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MAP_CREATE = 0,
	MAP_LOOKUP = 1,
	MAP_UPDATE = 2,
	PROG_LOAD = 5,
	RAW_TRACEPOINT_OPEN = 17,
	ENABLE_STATS = 32
};
enum { NAME = 16, ATTACH_TRACE_RAW_TP = 23 };

struct map_create {
	uint32_t type, key_size, value_size, entries, flags, inner_map, numa_node;
	char name[NAME]; /* Linux 4.15 */
};

struct map_element {
	uint32_t map, unused;
	uint64_t key, value, flags;
};

struct program_load {
	uint32_t type, count;
	uint64_t insns, license;
	uint32_t log_level, log_size;
	uint64_t log;
	uint32_t kernel_version, flags;
	char name[NAME]; /* Linux 4.15 */
	uint32_t ifindex, attach_type;
	uint32_t btf_fd, func_info_size;
	uint64_t func_info;
	uint32_t func_info_count, line_info_size;
	uint64_t line_info;
	uint32_t line_info_count, attach_btf_id, attach_fd, padding;
};

struct raw_tracepoint {
	uint64_t name;
	uint32_t program, padding;
};

/* struct perf_event_attr as of its first version. */
struct event {
	uint32_t type, size;
	uint64_t config, sample_period, sample_type, read_format, flags;
	uint32_t wakeup_events, breakpoint_type;
	uint64_t config1;
};

static uint64_t
pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int
call(int command, const void *attr, size_t n)
{
	return (int)syscall(SYS_bpf, command, attr, n);
}

/* A kernel that does not know the end of what it is given wants zeros there, or says E2BIG. */
static int
call_or_shorter(int command, const void *attr, size_t n, size_t shorter)
{
	int fd = call(command, attr, n);

	return fd < 0 && (errno == E2BIG || errno == EINVAL) ? call(command, attr, shorter) : fd;
}

int
bpf_map_create(enum bpf_map type, uint32_t value_size, uint32_t entries, const char *name)
{
	struct map_create a = { .type = type,
		.key_size = sizeof(uint32_t),
		.value_size = value_size,
		.entries = entries };

	memcpy(a.name, name, strnlen(name, NAME - 1));
	return call_or_shorter(MAP_CREATE, &a, sizeof a, offsetof(struct map_create, inner_map));
}

int
bpf_map_read(int map, uint32_t key, void *value)
{
	struct map_element a = {
		.map = (uint32_t)map, .key = pointer(&key), .value = pointer(value)
	};

	return call(MAP_LOOKUP, &a, sizeof a);
}

int
bpf_map_put_cgroup(int map, uint32_t key, int cgroup)
{
	uint32_t fd = (uint32_t)cgroup;
	struct map_element a = {
		.map = (uint32_t)map, .key = pointer(&key), .value = pointer(&fd)
	};

	return call(MAP_UPDATE, &a, sizeof a);
}

/* Has the verifier look at a program, which is under the GPL, as the helpers are. btf_id: for
 * BPF_TRACING, the type "btf_trace_NAME" of the tracepoint that it is for; else 0. EPERM: not
 * allowed; EACCES, EINVAL and others: refused. */
static int
bpf_program_load(enum bpf_program type, const struct code *code, uint32_t btf_id, const char *name)
{
	struct program_load a = {
		.type = type,
		.count = (uint32_t)code->n,
		.insns = pointer(code->insn),
		.license = pointer("GPL"),
	};

	if (code->bad) {
		errno = EINVAL;
		return -1;
	}
	memcpy(a.name, name, strnlen(name, NAME - 1));
	if (type != BPF_TRACING)
		return call_or_shorter(PROG_LOAD, &a, offsetof(struct program_load, ifindex),
		    offsetof(struct program_load, name));
	a.attach_type = ATTACH_TRACE_RAW_TP;
	a.attach_btf_id = btf_id;
	return call(PROG_LOAD, &a, sizeof a);
}

/* Runs a program at a tracepoint; NULL: where its btf_id says. */
static int
bpf_attach_raw(int program, const char *tracepoint)
{
	struct raw_tracepoint a = { .name = pointer(tracepoint), .program = (uint32_t)program };

	return call(RAW_TRACEPOINT_OPEN, &a, sizeof a);
}

/* Runs a program at the tracepoint with that id, on all CPUs: an event on any one of them will do,
 * and `cpu` must be online, else ENODEV. */
static int
bpf_attach_event(int program, uint32_t id, int cpu)
{
	enum { TRACEPOINT = 2, SAMPLE_RAW = 1 << 10, CLOSE_ON_EXEC = 8, ALL = -1, NO_GROUP = -1 };
	static const unsigned long set_bpf = 0x40042408, enable = 0x2400; /* PERF_EVENT_IOC_… */
	struct event a = { .type = TRACEPOINT,
		.size = sizeof a,
		.config = id,
		.sample_period = 1,
		.sample_type = SAMPLE_RAW };
	int fd = (int)syscall(SYS_perf_event_open, &a, ALL, cpu, NO_GROUP, CLOSE_ON_EXEC);

	if (fd < 0 || (ioctl(fd, (int)set_bpf, program) == 0 && ioctl(fd, (int)enable, 0) == 0))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
bpf_stats(void)
{
	uint32_t run_time = 0;

	return call(ENABLE_STATS, &run_time, sizeof run_time);
}

int
bpf_nonsense(void)
{
	return call(9999, NULL, 0);
}

static int
read_all(int fd, struct buf *b)
{
	struct stat st;
	ssize_t n;

	b->n = 0;
	buf_room(b,
	    fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < 1 << 28 ? (size_t)st.st_size + 1 :
									    1);
	while ((n = read(fd, buf_room(b, 1), b->cap - b->n)) > 0)
		b->n += (size_t)n;
	return (int)n;
}

int
bpf_read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int status = read_all(fd, b), error = errno;
	close(fd);
	errno = error;
	return status;
}

/* BTF can be mapped since Linux 6.16. */
static void
map(int fd, struct bpf_view *v)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	v->mapped = p != MAP_FAILED;
	if (v->mapped)
		v->text = (struct text){ p, (size_t)st.st_size };
}

int
bpf_view(const char *path, struct bpf_view *v)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*v = (struct bpf_view){ 0 };
	if (fd < 0)
		return -1;
	map(fd, v);
	close(fd);
	if (v->mapped)
		return 0;
	if (bpf_read_file(path, &v->copy) < 0) {
		bpf_unview(v);
		return -1;
	}
	v->text = (struct text){ v->copy.s, v->copy.n };
	return 0;
}

void
bpf_unview(struct bpf_view *v)
{
	int error = errno;

	if (v->mapped)
		munmap((void *)(uintptr_t)v->text.s, v->text.n);
	buf_free(&v->copy);
	errno = error;
}

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Links first: a program without one does nothing any more. */
void
runqlat_detach(struct runqlat_attached *a)
{
	for (int e = 0; e < RUNQLAT_EVENTS; e++)
		drop(&a->link[e]);
	for (int e = 0; e < RUNQLAT_EVENTS; e++)
		drop(&a->program[e]);
}

static int
load(const struct runqlat_plan *p, enum runqlat_event e, struct runqlat_attached *a)
{
	static const enum bpf_program types[] = {
		[RUNQLAT_BTF] = BPF_TRACING,
		[RUNQLAT_RAW] = BPF_RAW_TRACEPOINT,
		[RUNQLAT_TP] = BPF_TRACEPOINT,
	};
	static const char *const names[] = { "pq_switch", "pq_wakeup", "pq_new" };
	struct code code;

	runqlat_program(p, e, &code);
	a->program[e] = bpf_program_load(types[p->mode], &code, p->btf_id[e], names[e]);
	return a->program[e] < 0 ? -1 : 0;
}

static int
load_all(const struct runqlat_plan *p, struct runqlat_attached *a)
{
	for (enum runqlat_event e = ON_SWITCH; e < RUNQLAT_EVENTS; e++)
		if (load(p, e, a) < 0)
			return -1;
	return 0;
}

/* Not every kernel has both ways to read its memory: bpf_probe_read_kernel came with Linux 5.5. */
int
runqlat_load(struct runqlat_plan *p, struct runqlat_attached *a)
{
	if (load_all(p, a) == 0)
		return 0;
	if (p->mode != RUNQLAT_RAW || errno == EPERM)
		return -1;
	runqlat_detach(a);
	p->old_probe_read = true;
	return load_all(p, a);
}

/* On the first CPU that is online. */
static int
attach_event(
    const struct runqlat_plan *p, enum runqlat_event e, const struct cpulist *possible, int program)
{
	int fd = -1;

	errno = ENODEV;
	for (unsigned cpu = 0; fd < 0 && errno == ENODEV && cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(possible, cpu))
			fd = bpf_attach_event(program, p->event_id[e], (int)cpu);
	return fd;
}

/* The switch first: wakeups before it would be waits of which no end is seen. */
int
runqlat_attach(
    const struct runqlat_plan *p, const struct cpulist *possible, struct runqlat_attached *a)
{
	for (enum runqlat_event e = ON_SWITCH; e < RUNQLAT_EVENTS; e++) {
		if (p->mode == RUNQLAT_TP)
			a->link[e] = attach_event(p, e, possible, a->program[e]);
		else
			a->link[e] = bpf_attach_raw(
			    a->program[e], p->mode == RUNQLAT_RAW ? runqlat_event_name(e) : NULL);
		if (a->link[e] < 0)
			return -1;
	}
	return 0;
}
