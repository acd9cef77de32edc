/*
 * bpf: the BPF interface of the kernel: instructions, and the system calls that load programs, make
 * maps and attach programs to tracepoints. libc has neither, so numbers and layouts are written
 * down here (Documentation/bpf/standardization/instruction-set.rst, include/uapi/linux/bpf.h and
 * perf_event.h of the kernel). Only what Linux 4.7 knows is used: there is no "jump if less".
 */
#ifndef PQ_BPF_BPF_H
#define PQ_BPF_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* ---- Instructions */

struct insn {
	uint8_t op;
	uint8_t regs; /* destination and source, 4 bits each */
	int16_t off;
	int32_t imm;
};

/* R0 is the result of a call. R1 to R5 are its arguments, which it may overwrite. R6 to R9 keep
 * their values. R10 points to the end of 512 bytes of stack. */
enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

enum {
	ASM_ADD = 0x00,
	ASM_SUB = 0x10,
	ASM_MUL = 0x20,
	ASM_OR = 0x40,
	ASM_AND = 0x50,
	ASM_LSH = 0x60,
	ASM_RSH = 0x70,
	ASM_XOR = 0xa0,
	ASM_MOV = 0xb0
};
enum { ASM_JEQ = 0x10, ASM_JGT = 0x20, ASM_JGE = 0x30, ASM_JNE = 0x50, ASM_JSGE = 0x70 };

enum { ASM_MOST = 512, ASM_JUMPS = 16 };

/* Zero-initialise to start. */
struct code {
	struct insn insn[ASM_MOST];
	size_t n;
	/* more than ASM_MOST instructions, too many jumps to one label, or a size or offset that no
	 * instruction can hold */
	bool bad;
};

/* A place further on in the code, and the jumps to it. Zero-initialise to start. */
struct label {
	size_t jump[ASM_JUMPS];
	size_t n;
};

/* dst op= src, or a constant, on all 64 bits. A constant is sign-extended. */
void asm_alu(struct code *c, unsigned op, unsigned dst, unsigned src);
void asm_alu_imm(struct code *c, unsigned op, unsigned dst, int32_t imm);

/* dst = a 64-bit constant; the map with that descriptor; the variable of the kernel with that id of
 * its types (Linux 5.10). Two instructions each. */
void asm_imm64(struct code *c, unsigned dst, uint64_t v);
void asm_map(struct code *c, unsigned dst, int fd);
void asm_variable(struct code *c, unsigned dst, uint32_t btf_id);

/* dst = the unsigned 1, 2, 4 or 8 bytes at src + off. */
void asm_load(struct code *c, size_t size, unsigned dst, unsigned src, int32_t off);

/* The bytes at dst + off = a register, or a constant. */
void asm_store(struct code *c, size_t size, unsigned dst, int32_t off, unsigned src);
void asm_store_imm(struct code *c, size_t size, unsigned dst, int32_t off, int32_t imm);

/* The 8 bytes at dst + off += src, in one step: an interrupt comes before or after it. */
void asm_add_atomic(struct code *c, unsigned dst, int32_t off, unsigned src);

/* Jumps to the label if dst op src, or a constant, holds; or always. */
void asm_jump(struct code *c, struct label *to, unsigned op, unsigned dst, unsigned src);
void asm_jump_imm(struct code *c, struct label *to, unsigned op, unsigned dst, int32_t imm);
void asm_goto(struct code *c, struct label *to);

/* Puts the label before the next instruction. Once for each label that has jumps. */
void asm_here(struct code *c, const struct label *l);

/* Jumps back to an earlier place, which was c->n there. */
void asm_back(struct code *c, size_t place);

/* R0 = helper(R1, …, R5) */
void asm_call(struct code *c, int32_t helper);

/* R0 = the value in the map at the key, which is on the stack at R10 + key. Jumps to `none` if there is
 * no value: the verifier requires that check. Overwrites R1 to R5. */
void asm_look_up(struct code *c, int map, int key, struct label *none);

/* R0 = a function of the kernel that programs may call, by its id in BTF. */
void asm_kernel_call(struct code *c, uint32_t btf_id);

/* Ends the program, which returns R0. */
void asm_exit(struct code *c);

/* The end of a program, where jumps to the label lead: returns 0. */
void asm_finish(struct code *c, const struct label *end);

/* ---- System calls
 *
 * Each returns a descriptor or 0, and -1 with errno. Descriptors are closed on exec. What was loaded
 * or attached ends with its descriptor. */

enum bpf_map { BPF_ARRAY = 2, BPF_PERCPU_ARRAY = 6, BPF_CGROUP_ARRAY = 8 };
enum bpf_program {
	BPF_TRACEPOINT = 5,
	BPF_RAW_TRACEPOINT = 17,
	BPF_TRACING = 26,
	BPF_SYSCALL = 31, /* Linux 5.14: it runs when bpf_program_run says so */
	BPF_ITERATOR = -1 /* a BPF_TRACING that is called for each object of a kind */
};

enum bpf_helper {
	BPF_NO_HELPER = 0,
	BPF_LOOKUP = 1,
	BPF_PROBE_READ = 4,
	BPF_TIME_NS = 5,   /* CLOCK_MONOTONIC */
	BPF_CPU = 8,       /* the number of this CPU */
	BPF_PID_TGID = 14, /* of the current task; the upper half is the process */
	BPF_CURRENT_TASK = 35,
	BPF_CURRENT_UNDER_CGROUP = 37,
	BPF_PROBE_READ_KERNEL = 113, /* Linux 5.5 */
	BPF_BOOT_NS = 125,           /* CLOCK_BOOTTIME, Linux 5.8 */
	BPF_RING_OUTPUT = 130,       /* into a BPF_RING, Linux 5.8 */
	BPF_THIS_CPU = 154,          /* where this CPU has a variable, Linux 5.10 */
	BPF_TASK_PT_REGS = 175,      /* Linux 5.15 */
};

/* How programs are attached. BTF: Linux 5.5 with /sys/kernel/btf/vmlinux; RAW: 4.17, with the
 * same file; TP: 4.7 with tracefs and perf_event_open(2). */
enum bpf_mode { MODE_ANY, MODE_BTF, MODE_RAW, MODE_TP };

/* Makes a map. Names, which tools show that list maps, have at most 15 letters. */
int bpf_map_create(enum bpf_map type, uint32_t value_size, uint32_t entries, const char *name);

/* Makes a BPF_ARRAY that this process maps into its memory (Linux 5.5). */
int bpf_map_create_mappable(uint32_t value_size, uint32_t entries, const char *name);

/* Makes a ring of messages to this process: poll(2) of its descriptor waits for one (Linux 5.8). `bytes`
 * is a power of two, and whole pages. */
int bpf_ring_create(uint32_t bytes, const char *name);

/* Copies the value of a key. A per-CPU map gives the values of all possible CPUs in turn, each
 * padded to whole 8 bytes. */
int bpf_map_read(int map, uint32_t key, void *value);

/* Puts a cgroup, by a descriptor of its directory, into a BPF_CGROUP_ARRAY. EBADF: it is not on
 * cgroup v2. */
int bpf_map_put_cgroup(int map, uint32_t key, int cgroup);

/* Lets the verifier check a program, and loads it, under the GPL as the helpers are. btf_id: for
 * BPF_TRACING, the type "btf_trace_NAME" of its tracepoint; for BPF_ITERATOR, the function
 * "bpf_iter_NAME"; else 0. EPERM: not permitted; EACCES,
 * EINVAL and others: rejected. */
int bpf_program_load(
    enum bpf_program type, const struct code *code, uint32_t btf_id, const char *name);

/* Runs a program at a tracepoint; NULL: at the one of its btf_id. */
int bpf_attach_raw(int program, const char *tracepoint);

/* Runs a program at the tracepoint with that id, on all CPUs, by an event on any one CPU. ENODEV:
 * this CPU is not online. */
int bpf_attach_event(int program, uint32_t id, int cpu);

/* Runs a BPF_SYSCALL program once. */
int bpf_program_run(int program);

/* Binds a BPF_ITERATOR to its objects, and starts a walk over them, which read(2) of the descriptor
 * performs (Linux 5.8). */
int bpf_iterator_link(int program);
int bpf_iterator_start(int link);

/* Makes the kernel measure the time of all BPF programs while the descriptor is open (Linux
 * 5.8). */
int bpf_stats(void);

/* Makes a call that no kernel knows. errno tells who refuses: EINVAL the kernel, ENOSYS there is no
 * bpf(2), EPERM seccomp. */
int bpf_nonsense(void);

/* ---- Files of the running kernel, which tell how it can be used, and are no data to record */

/* Reads a whole file into b, which is emptied first. */
int bpf_read_file(const char *path, struct buf *b);

/* Reads events/SYSTEM/NAME/format of tracefs into b. */
int bpf_read_format(const char *system, const char *name, struct buf *b);

/* A large file that does not change: mapped if the kernel allows that, and else a copy. */
struct bpf_view {
	struct text text;
	struct buf copy;
	bool mapped;
};

/* 0, and bpf_unview must follow; or -1 with errno. bpf_unview keeps errno. */
int bpf_view(const char *path, struct bpf_view *v);
void bpf_unview(struct bpf_view *v);

#endif
