/* BPF instructions, byte for byte as instruction-set.rst of the kernel describes them. */
#include "bpf/bpf.h"

#include "unit.h"

/* The instructions as hexadecimal: op, registers, offset, constant, little-endian; one per
 * blank. */
static const char *
hex(const struct code *c)
{
	static char out[ASM_MOST * 17 + 1];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->n && i < 20; i++) {
		struct insn n = c->insn[i];
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%02x.%02x.%04x.%08x",
		    i ? " " : "", n.op, n.regs, (unsigned)(uint16_t)n.off, (unsigned)n.imm);
	}
	return out;
}

static void
arithmetic(void)
{
	struct code c = { 0 };

	asm_alu(&c, ASM_MOV, R6, R1);
	asm_alu_imm(&c, ASM_MOV, R0, 0);
	asm_alu_imm(&c, ASM_ADD, R2, -16);
	asm_alu(&c, ASM_SUB, R2, R3);
	asm_alu_imm(&c, ASM_AND, R1, 0xff);
	asm_alu(&c, ASM_RSH, R2, R4);
	asm_alu_imm(&c, ASM_LSH, R4, 3);
	CHECK_STRING(hex(&c),
	    "bf.16.0000.00000000 b7.00.0000.00000000 07.02.0000.fffffff0 1f.32.0000.00000000 "
	    "57.01.0000.000000ff 7f.42.0000.00000000 67.04.0000.00000003");
	CHECK(!c.bad);
}

static void
constants(void)
{
	struct code c = { 0 };

	asm_imm64(&c, R3, 0x1fffedcba98);
	asm_map(&c, R1, 5);
	CHECK_STRING(hex(&c),
	    "18.03.0000.fedcba98 00.00.0000.000001ff 18.11.0000.00000005 00.00.0000.00000000");
}

static void
memory(void)
{
	struct code c = { 0 };

	asm_load(&c, 1, R1, R6, 3);
	asm_load(&c, 2, R1, R6, 4);
	asm_load(&c, 4, R7, R6, 24);
	asm_load(&c, 8, R1, R10, -16);
	asm_store(&c, 4, R10, -4, R1);
	asm_store(&c, 8, R0, 8, R2);
	asm_store_imm(&c, 4, R10, -4, 0);
	asm_store_imm(&c, 8, R0, 8, -1);
	CHECK_STRING(hex(&c),
	    "71.61.0003.00000000 69.61.0004.00000000 61.67.0018.00000000 79.a1.fff0.00000000 "
	    "63.1a.fffc.00000000 7b.20.0008.00000000 62.0a.fffc.00000000 7a.00.0008.ffffffff");
	CHECK(!c.bad);
}

static void
jumps(void)
{
	struct code c = { 0 };
	struct label end = { 0 }, next = { 0 };

	asm_jump_imm(&c, &end, ASM_JEQ, R0, 0);
	asm_jump(&c, &next, ASM_JNE, R1, R8);
	asm_goto(&c, &end);
	asm_here(&c, &next);
	asm_jump_imm(&c, &end, ASM_JSGE, R2, -1);
	asm_call(&c, 5);
	asm_here(&c, &end);
	asm_exit(&c);
	CHECK_STRING(hex(&c),
	    "15.00.0004.00000000 5d.81.0001.00000000 05.00.0002.00000000 75.02.0001.ffffffff "
	    "85.00.0000.00000005 95.00.0000.00000000");
	CHECK(!c.bad);
}

static void
too_long(void)
{
	struct code c = { 0 };
	struct label l = { 0 };

	for (int i = 0; i < ASM_MOST; i++)
		asm_exit(&c);
	CHECK(!c.bad);
	asm_goto(&c, &l);
	CHECK(c.bad);
	asm_here(&c, &l);
	CHECK_INT(c.n, ASM_MOST);
}

static void
impossible(void)
{
	struct code size = { 0 }, none = { 0 }, far = { 0 }, many = { 0 };
	struct label l = { 0 };

	asm_load(&size, 3, R1, R2, 0);
	CHECK(size.bad);
	asm_load(&none, 0, R1, R2, 0);
	CHECK(none.bad);
	asm_load(&far, 4, R1, R2, 32768);
	CHECK(far.bad);
	for (int i = 0; i <= ASM_JUMPS; i++)
		asm_goto(&many, &l);
	CHECK(many.bad);
}

int
main(void)
{
	if (*(const unsigned char *)&(const unsigned short){ 1 } == 0) {
		printf("ok 1 # skip the bytes here are those of a little-endian machine\n1..1\n");
		return 0;
	}
	unit_test("arithmetic", arithmetic);
	unit_test("constants of 64 bits, and maps", constants);
	unit_test("memory of each size", memory);
	unit_test("jumps go to their labels", jumps);
	unit_test("a program that is too long is an error", too_long);
	unit_test("an impossible instruction is an error", impossible);
	return unit_done();
}
