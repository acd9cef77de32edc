/*
 * asm: eBPF instructions, put together by hand.
 * Documentation/bpf/standardization/instruction-set.rst of the kernel has what they mean. Only what
 * Linux 4.7 knows is used: there is no "jump if less".
 */
#ifndef PQ_BPF_ASM_H
#define PQ_BPF_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct insn {
	uint8_t op;
	uint8_t regs; /* destination and source, 4 bits each */
	int16_t off;
	int32_t imm;
};

/* R0 is what a call returns, R1 to R5 are its arguments and lost in it, R6 to R9 stay, R10 points
 * behind 512 bytes of stack. */
enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

enum {
	ASM_ADD = 0x00,
	ASM_SUB = 0x10,
	ASM_AND = 0x50,
	ASM_LSH = 0x60,
	ASM_RSH = 0x70,
	ASM_MOV = 0xb0
};
enum { ASM_JEQ = 0x10, ASM_JGT = 0x20, ASM_JGE = 0x30, ASM_JNE = 0x50, ASM_JSGE = 0x70 };

enum { ASM_MOST = 256, ASM_JUMPS = 8 };

/* Zero-initialise to start. */
struct code {
	struct insn insn[ASM_MOST];
	size_t n;
	/* more than ASM_MOST, too many jumps to one label, a size or an offset that no instruction
	 * has */
	bool bad;
};

/* A place further on, and the jumps that go there. Zero-initialise to start. */
struct label {
	size_t jump[ASM_JUMPS];
	size_t n;
};

/* dst op= src, or a constant, on all 64 bits; a constant's sign is extended. */
void asm_alu(struct code *c, unsigned op, unsigned dst, unsigned src);
void asm_alu_imm(struct code *c, unsigned op, unsigned dst, int32_t imm);

/* dst = a 64-bit constant; dst = the map with that descriptor. Two instructions each. */
void asm_imm64(struct code *c, unsigned dst, uint64_t v);
void asm_map(struct code *c, unsigned dst, int fd);

/* dst = the 1, 2, 4 or 8 bytes at src + off, without sign; the same to *(dst + off), from a
 * register, or a constant. */
void asm_load(struct code *c, size_t size, unsigned dst, unsigned src, int32_t off);
void asm_store(struct code *c, size_t size, unsigned dst, int32_t off, unsigned src);
void asm_store_imm(struct code *c, size_t size, unsigned dst, int32_t off, int32_t imm);

/* Jumps to the label if dst op src, or a constant, holds; or always. */
void asm_jump(struct code *c, struct label *to, unsigned op, unsigned dst, unsigned src);
void asm_jump_imm(struct code *c, struct label *to, unsigned op, unsigned dst, int32_t imm);
void asm_goto(struct code *c, struct label *to);

/* The label is here: before the next instruction. Once for each label that is jumped to. */
void asm_here(struct code *c, const struct label *l);

/* R0 = helper(R1, …, R5); the end of the program, with R0 as what it returns. */
void asm_call(struct code *c, int32_t helper);
void asm_exit(struct code *c);

#endif
