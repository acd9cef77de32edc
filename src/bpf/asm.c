#include "bpf/asm.h"

/* Classes of instructions, and where the second operand comes from. */
enum { LD = 0x00, LDX = 0x01, ST = 0x02, STX = 0x03, JMP = 0x05, ALU64 = 0x07 };
enum { IMM = 0x00, REG = 0x08, MEM = 0x60 };
enum { OP_IMM64 = 0x18, OP_CALL = 0x85, OP_EXIT = 0x95, MAP_FD = 1 };

static uint8_t
registers(unsigned dst, unsigned src)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ /* they are bit fields of the kernel's struct bpf_insn */
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

/* The upper half is in an instruction that is none. */
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
		return 0x18;
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

static void
remember(struct code *c, struct label *to)
{
	if (to->n == ASM_JUMPS)
		c->bad = true;
	else
		to->jump[to->n++] = c->n;
}

void
asm_jump(struct code *c, struct label *to, unsigned op, unsigned dst, unsigned src)
{
	remember(c, to);
	emit(c, JMP | REG | op, dst, src, 0, 0);
}

void
asm_jump_imm(struct code *c, struct label *to, unsigned op, unsigned dst, int32_t imm)
{
	remember(c, to);
	emit(c, JMP | IMM | op, dst, 0, 0, imm);
}

void
asm_goto(struct code *c, struct label *to)
{
	remember(c, to);
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
asm_exit(struct code *c)
{
	emit(c, OP_EXIT, 0, 0, 0, 0);
}
