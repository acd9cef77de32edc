/*
 * interpreter: runs a BPF program in a test. Its pointers are those of the test, so that ASan sees wrong
 * ones.
 */
#ifndef INTERPRETER_H
#define INTERPRETER_H

#include "bpf/bpf.h"
#include "unit.h"

struct interpreter {
	/* What a helper returns, by its number and the registers. */
	uint64_t (*help)(int helper, const uint64_t *r);
	/* Is called before each instruction, with how many were executed; NULL: nobody. */
	void (*before)(void *ctx, int steps);
	void *ctx;
};

static inline uint64_t
address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static inline void *
memory(uint64_t at)
{
	return (void *)(uintptr_t)at;
}

static inline uint64_t
calculate(unsigned op, uint64_t a, uint64_t b)
{
	switch (op) {
	case ASM_ADD:
		return a + b;
	case ASM_SUB:
		return a - b;
	case ASM_OR:
		return a | b;
	case ASM_AND:
		return a & b;
	case ASM_LSH:
		return a << (b & 63);
	case ASM_RSH:
		return a >> (b & 63);
	case ASM_MOV:
		return b;
	}
	CHECK_STRING("an operation that is not known", "");
	return 0;
}

static inline bool
holds(unsigned op, uint64_t a, uint64_t b)
{
	switch (op) {
	case 0:
		return true;
	case ASM_JEQ:
		return a == b;
	case ASM_JNE:
		return a != b;
	case ASM_JGT:
		return a > b;
	case ASM_JGE:
		return a >= b;
	case ASM_JSGE:
		return (int64_t)a >= (int64_t)b;
	}
	CHECK_STRING("a jump that is not known", "");
	return false;
}

static inline size_t
size_of(unsigned op)
{
	static const size_t sizes[] = { 4, 2, 1, 8 };

	return sizes[op >> 3 & 3];
}

static inline uint64_t
load(uint64_t at, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, memory(at), n);
	return v;
}

/* One instruction; returns how many to go on by. */
static inline int
step(const struct insn *i, uint64_t *r, const struct interpreter *m)
{
	unsigned dst = i->regs & 15, src = i->regs >> 4, op = i->op & 0xf0;
	uint64_t other = i->op & 8 ? r[src] : (uint64_t)(int64_t)i->imm;

	if (i->op == 0x18) {
		r[dst] = (uint32_t)i->imm | (uint64_t)(uint32_t)i[1].imm << 32;
		return 2;
	}
	if (i->op == 0xdb && i->imm == 0) {
		uint64_t sum = load(r[dst] + (uint64_t)(int64_t)i->off, 8) + r[src];
		memcpy(memory(r[dst] + (uint64_t)(int64_t)i->off), &sum, sizeof sum);
		return 1;
	}
	if (i->op == 0x85) {
		r[R0] = m->help(i->imm, r);
		for (int lost = R1; lost <= R5; lost++)
			r[lost] = 0xdead0000dead0000;
		return 1;
	}
	switch (i->op & 7) {
	case 1:
		r[dst] = load(r[src] + (uint64_t)(int64_t)i->off, size_of(i->op));
		return 1;
	case 2:
	case 3:
		other = (i->op & 7) == 3 ? r[src] : (uint64_t)(int64_t)i->imm;
		memcpy(memory(r[dst] + (uint64_t)(int64_t)i->off), &other, size_of(i->op));
		return 1;
	case 5:
		return holds(op, r[dst], other) ? 1 + i->off : 1;
	case 7:
		r[dst] = calculate(op, r[dst], other);
		return 1;
	}
	CHECK_STRING("an instruction that is not known", "");
	return 1;
}

/* Runs the program with that context. It must end, and return 0. Returns how many instructions it
 * took. */
static inline int
interpret(const struct code *c, const void *context, const struct interpreter *m)
{
	uint64_t stack[64], r[11] = { 0 };
	int steps = 0;

	CHECK(!c->bad);
	r[R1] = address_of(context);
	r[R10] = address_of(stack + 64);
	for (size_t at = 0; at < c->n && c->insn[at].op != 0x95;) {
		if (m->before)
			m->before(m->ctx, steps);
		if (!CHECK(++steps < 1000))
			return steps;
		at += (size_t)step(&c->insn[at], r, m);
	}
	CHECK_U64(r[R0], 0);
	return steps;
}

#endif
