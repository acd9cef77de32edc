/* bpf: BPF instructions, bpf(2) and perf_event_open(2). */
#include "bpf/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Instructions */

/* The class of an instruction, and where its second operand comes from. */
enum { LD = 0x00, LDX = 0x01, ST = 0x02, STX = 0x03, JMP = 0x05, ALU64 = 0x07 };
enum { IMM = 0x00, REG = 0x08, MEM = 0x60, ATOMIC = 0xc0, EIGHT_BYTES = 0x18 };
enum { OP_IMM64 = 0x18, OP_CALL = 0x85, OP_EXIT = 0x95 };
enum { MAP_FD = 1, VARIABLE = 3, KERNEL_FUNCTION = 2 };

static uint8_t
registers(unsigned dst, unsigned src)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ /* bit fields in the kernel's struct bpf_insn */
	return (uint8_t)(dst << 4 | src);
#else
	return (uint8_t)(src << 4 | dst);
#endif
}

static void
emit(struct code *c, unsigned op, unsigned dst, unsigned src, int32_t off, int32_t imm)
{
	if (c->n == ASM_MOST || off < INT16_MIN || off > INT16_MAX) {
		c->bad = true;
		return;
	}
	c->insn[c->n++] = (struct insn){ (uint8_t)op, registers(dst, src), (int16_t)off, imm };
}

void
asm_alu(struct code *c, unsigned op, unsigned dst, unsigned src)
{
	emit(c, ALU64 | REG | op, dst, src, 0, 0);
}

void
asm_alu_imm(struct code *c, unsigned op, unsigned dst, int32_t imm)
{
	emit(c, ALU64 | IMM | op, dst, 0, 0, imm);
}

/* The upper half is in the place of a second instruction. */
static void
wide(struct code *c, unsigned dst, unsigned src, uint64_t v)
{
	emit(c, OP_IMM64, dst, src, 0, (int32_t)(uint32_t)v);
	emit(c, 0, 0, 0, 0, (int32_t)(uint32_t)(v >> 32));
}

void
asm_imm64(struct code *c, unsigned dst, uint64_t v)
{
	wide(c, dst, 0, v);
}

void
asm_map(struct code *c, unsigned dst, int fd)
{
	wide(c, dst, MAP_FD, (uint32_t)fd);
}

void
asm_variable(struct code *c, unsigned dst, uint32_t btf_id)
{
	wide(c, dst, VARIABLE, btf_id);
}

static unsigned
size_bits(struct code *c, size_t size)
{
	switch (size) {
	case 1:
		return 0x10;
	case 2:
		return 0x08;
	case 4:
		return 0x00;
	case 8:
		return EIGHT_BYTES;
	}
	c->bad = true;
	return 0;
}

void
asm_load(struct code *c, size_t size, unsigned dst, unsigned src, int32_t off)
{
	emit(c, LDX | MEM | size_bits(c, size), dst, src, off, 0);
}

void
asm_store(struct code *c, size_t size, unsigned dst, int32_t off, unsigned src)
{
	emit(c, STX | MEM | size_bits(c, size), dst, src, off, 0);
}

void
asm_store_imm(struct code *c, size_t size, unsigned dst, int32_t off, int32_t imm)
{
	emit(c, ST | MEM | size_bits(c, size), dst, 0, off, imm);
}

void
asm_add_atomic(struct code *c, unsigned dst, int32_t off, unsigned src)
{
	emit(c, STX | ATOMIC | EIGHT_BYTES, dst, src, off, 0);
}

static void
add_jump(struct code *c, struct label *to)
{
	if (to->n == ASM_JUMPS)
		c->bad = true;
	else
		to->jump[to->n++] = c->n;
}

void
asm_jump(struct code *c, struct label *to, unsigned op, unsigned dst, unsigned src)
{
	add_jump(c, to);
	emit(c, JMP | REG | op, dst, src, 0, 0);
}

void
asm_jump_imm(struct code *c, struct label *to, unsigned op, unsigned dst, int32_t imm)
{
	add_jump(c, to);
	emit(c, JMP | IMM | op, dst, 0, 0, imm);
}

void
asm_goto(struct code *c, struct label *to)
{
	add_jump(c, to);
	emit(c, JMP | IMM, 0, 0, 0, 0);
}

void
asm_here(struct code *c, const struct label *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->jump[i] < c->n)
			c->insn[l->jump[i]].off = (int16_t)(c->n - l->jump[i] - 1);
}

void
asm_call(struct code *c, int32_t helper)
{
	emit(c, OP_CALL, 0, 0, 0, helper);
}

void
asm_look_up(struct code *c, int map, int key, struct label *none)
{
	asm_map(c, R1, map);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, key);
	asm_call(c, BPF_LOOKUP);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
}

void
asm_back(struct code *c, size_t place)
{
	emit(c, JMP | IMM, 0, 0, (int32_t)((int64_t)place - (int64_t)c->n - 1), 0);
}

void
asm_kernel_call(struct code *c, uint32_t btf_id)
{
	emit(c, OP_CALL, 0, KERNEL_FUNCTION, 0, (int32_t)btf_id);
}

void
asm_exit(struct code *c)
{
	emit(c, OP_EXIT, 0, 0, 0, 0);
}

void
asm_finish(struct code *c, const struct label *end)
{
	asm_here(c, end);
	asm_alu_imm(c, ASM_MOV, R0, 0);
	asm_exit(c);
}

/* ---- System calls */

enum {
	MAP_CREATE = 0,
	MAP_LOOKUP = 1,
	MAP_UPDATE = 2,
	PROG_LOAD = 5,
	PROG_RUN = 10,
	RAW_TRACEPOINT_OPEN = 17,
	LINK_CREATE = 28,
	ENABLE_STATS = 32,
	ITER_CREATE = 33
};
enum { NAME = 16, ATTACH_TRACE_RAW_TP = 23, ATTACH_TRACE_ITER = 28 };
enum { MAPPABLE = 1 << 10, SLEEPABLE = 1 << 4 };

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

struct program_run {
	uint32_t program, result, data_in_size, data_out_size;
	uint64_t data_in, data_out;
	uint32_t repeat, duration, context_in_size, context_out_size;
	uint64_t context_in, context_out;
};

struct link_create {
	uint32_t program, target, attach_type, flags;
};

struct raw_tracepoint {
	uint64_t name;
	uint32_t program, padding;
};

/* The first version of struct perf_event_attr. */
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

/* A kernel that does not know the last members rejects them with E2BIG, or EINVAL, unless they are 0. */
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
bpf_map_create_mappable(uint32_t value_size, uint32_t entries, const char *name)
{
	struct map_create a = { .type = BPF_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = value_size,
		.entries = entries,
		.flags = MAPPABLE };

	memcpy(a.name, name, strnlen(name, NAME - 1));
	return call(MAP_CREATE, &a, sizeof a);
}

int
bpf_ring_create(uint32_t bytes, const char *name)
{
	enum { RING = 27 };
	struct map_create a = { .type = RING, .entries = bytes };

	memcpy(a.name, name, strnlen(name, NAME - 1));
	return call(MAP_CREATE, &a, sizeof a);
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

int
bpf_program_load(enum bpf_program type, const struct code *code, uint32_t btf_id, const char *name)
{
	struct program_load a = {
		.type = (uint32_t)(type == BPF_ITERATOR ? BPF_TRACING : type),
		.count = (uint32_t)code->n,
		.insns = pointer(code->insn),
		.license = pointer("GPL"),
		.flags = type == BPF_SYSCALL ? SLEEPABLE : 0, /* it must be */
	};

	if (code->bad) {
		errno = EINVAL;
		return -1;
	}
	memcpy(a.name, name, strnlen(name, NAME - 1));
	if (type != BPF_TRACING && type != BPF_ITERATOR)
		return call_or_shorter(PROG_LOAD, &a, offsetof(struct program_load, ifindex),
		    offsetof(struct program_load, name));
	a.attach_type = type == BPF_ITERATOR ? ATTACH_TRACE_ITER : ATTACH_TRACE_RAW_TP;
	a.attach_btf_id = btf_id;
	return call(PROG_LOAD, &a, sizeof a);
}

int
bpf_attach_raw(int program, const char *tracepoint)
{
	struct raw_tracepoint a = { .name = pointer(tracepoint), .program = (uint32_t)program };

	return call(RAW_TRACEPOINT_OPEN, &a, sizeof a);
}

int
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
bpf_program_run(int program)
{
	struct program_run a = { .program = (uint32_t)program };

	return call(PROG_RUN, &a, sizeof a);
}

int
bpf_iterator_link(int program)
{
	struct link_create a = { .program = (uint32_t)program, .attach_type = ATTACH_TRACE_ITER };

	return call(LINK_CREATE, &a, sizeof a);
}

int
bpf_iterator_start(int link)
{
	struct {
		uint32_t link, flags;
	} a = { (uint32_t)link, 0 };

	return call(ITER_CREATE, &a, sizeof a);
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

/* ---- Files */

static int
read_all(int fd, struct buf *b)
{
	struct stat st;
	ssize_t n;

	b->n = 0;
	buf_room(b,
	    fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < 1 << 28 ? (size_t)st.st_size + 1 :
									    1);
	do {
		char *room = buf_room(b, 1);
		n = read(fd, room, b->cap - b->n);
		b->n += n > 0 ? (size_t)n : 0;
	} while (n > 0);
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

/* tracefs has its own mount point since Linux 4.1. ENOENT from the old one must not hide the error of
 * the new one. */
int
bpf_read_format(const char *system, const char *name, struct buf *b)
{
	static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int error = ENOENT;

	for (size_t i = 0; i < 2; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/events/%s/%s/format", mounts[i], system, name);
		if (bpf_read_file(path, b) == 0)
			return 0;
		if (error == ENOENT)
			error = errno;
	}
	errno = error;
	return -1;
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
