/* The functions on stacks that are made here. */
#include "proc/unwind.h"

#include "unit.h"

/* Code is at CODE, 64 bytes for each function, full of calls of the function before it; the stack is at
 * STACK. A function's rule is in rules[], or it has none. */
enum { CODE = 0x1000, STACK = 0x100000, WORDS = 256, FUNCTIONS = 8 };

static uint64_t stack[WORDS];
static unsigned char code[FUNCTIONS * 64];
static struct frame_rule rules[FUNCTIONS];
static bool ruled[FUNCTIONS];
static unsigned reads;

static bool
read_word(void *ctx, uint64_t at, uint64_t *v)
{
	(void)ctx;
	reads++;
	if (at < STACK || at % 8 != 0 || at - STACK >= sizeof stack)
		return false;
	*v = stack[(at - STACK) / 8];
	return true;
}

static size_t
read_code(void *ctx, uint64_t at, size_t n, unsigned char *out)
{
	(void)ctx;
	if (at < CODE || at - CODE >= sizeof code)
		return 0;
	if (n > sizeof code - (at - CODE))
		n = sizeof code - (size_t)(at - CODE);
	memcpy(out, code + (at - CODE), n);
	return n;
}

static enum code_kind
find_rule(void *ctx, uint64_t pc, const struct frame_rule **out)
{
	(void)ctx;
	if (pc < CODE || pc - CODE >= sizeof code)
		return CODE_NONE;
	*out = &rules[(pc - CODE) / 64];
	return ruled[(pc - CODE) / 64] ? CODE_RULED : CODE_PLAIN;
}

/* The address in function i after its call of function i - 1. */
static uint64_t
after_call(int i)
{
	return CODE + (uint64_t)i * 64 + 32;
}

static void
make(void)
{
	memset(stack, 0, sizeof stack);
	memset(code, 0x90, sizeof code);
	memset(ruled, 0, sizeof ruled);
	memset(rules, 0, sizeof rules);
	reads = 0;
	for (int i = 1; i < FUNCTIONS; i++) {
		unsigned char *call = code + i * 64 + 27;
		uint32_t distance = (uint32_t) - (64 + 32);
		*call = 0xe8;
		memcpy(call + 1, &distance, 4);
	}
}

/* Function i keeps its frame address at this distance from a register. */
static void
put_rule(int i, int base, int64_t offset)
{
	struct frame_rule *r = &rules[i];

	ruled[i] = true;
	r->start = CODE + (uint64_t)i * 64;
	r->end = r->start + 64;
	r->base = (uint8_t)base;
	r->offset = offset;
	r->saved[REG_IP].how = SAVED_AT;
	r->saved[REG_IP].offset = -8;
}

static struct unwound u;

static void
run(uint64_t pc, uint64_t bp)
{
	const struct unwind_source source = { read_word, read_code, find_rule, NULL };
	const struct stack_start start = { pc, STACK, bp, bp != 0 };

	unwind(&source, &start, &u);
}

static void
leaves_by_rules(void)
{
	make();
	put_rule(0, REG_SP, 16);
	put_rule(1, REG_SP, 32);
	put_rule(2, REG_SP, 8);
	rules[2].top = true;
	stack[1] = after_call(1);
	stack[5] = after_call(2);
	run(CODE + 4, 0);
	CHECK_U64(u.n, 3);
	CHECK_U64(u.pc[0], CODE + 4);
	CHECK(u.exact[0]);
	CHECK_U64(u.pc[1], after_call(1));
	CHECK(!u.exact[1]);
	CHECK_U64(u.pc[2], after_call(2));
	CHECK(u.complete);
}

/* The caller counts from its frame pointer, which the function further in has saved. */
static void
takes_saved_frame_pointers(void)
{
	make();
	put_rule(0, REG_SP, 24);
	rules[0].saved[REG_BP].how = SAVED_AT;
	rules[0].saved[REG_BP].offset = -16;
	put_rule(1, REG_BP, 16);
	put_rule(2, REG_SP, 8);
	rules[2].top = true;
	stack[1] = STACK + 64;
	stack[2] = after_call(1);
	stack[9] = after_call(2);
	run(CODE + 4, 0);
	CHECK_U64(u.n, 3);
	CHECK(u.complete);
}

/* It is not saved: exactly one place on the stack may be the frame. */
static void
finds_frame_pointers(void)
{
	make();
	put_rule(0, REG_SP, 8);
	put_rule(1, REG_BP, 16);
	rules[1].saved[REG_BP].how = SAVED_AT;
	rules[1].saved[REG_BP].offset = -16;
	put_rule(2, REG_SP, 8);
	rules[2].top = true;
	memcpy(code + 64, "\x55\x48\x89\xe5\x48\x83\xec\x20", 8); /* sub $32,%rsp */
	stack[0] = after_call(1);
	stack[1 + 4 + 1] = after_call(2);
	run(CODE + 4, 0);
	CHECK_U64(u.n, 3);
	CHECK(u.complete);
	stack[1 + 4 + 1] = CODE + 5; /* no call ends there */
	run(CODE + 4, 0);
	CHECK_U64(u.n, 2);
	CHECK(!u.complete);
}

static void
follows_frame_pointers(void)
{
	make();
	stack[2] = STACK + 64;
	stack[3] = after_call(1);
	stack[8] = 0;
	stack[9] = after_call(2);
	run(CODE + 4, STACK + 16);
	CHECK_U64(u.n, 3);
	CHECK(!u.complete);
	stack[9] = 0; /* the end of a thread's stack */
	run(CODE + 4, STACK + 16);
	CHECK_U64(u.n, 2);
	CHECK(u.complete);
	stack[3] = after_call(1) + 1; /* no call ends there */
	run(CODE + 4, STACK + 16);
	CHECK_U64(u.n, 1);
	CHECK(!u.complete);
}

/* Whether a call ends after these bytes, by which the frame without a rule is left. */
static bool
ends_call(const char *bytes, size_t n)
{
	make();
	memset(code + 64, 0x90, 64);
	memcpy(code + 64 + 32 - n, bytes, n);
	stack[2] = STACK + 64;
	stack[3] = after_call(1);
	run(CODE + 4, STACK + 16);
	return u.n == 2;
}

/* As the manual of the processor encodes call r/m64. */
static void
knows_indirect_calls(void)
{
	CHECK(ends_call("\xff\xd0", 2));                 /* *%rax */
	CHECK(ends_call("\xff\x10", 2));                 /* *(%rax) */
	CHECK(ends_call("\xff\x50\x08", 3));             /* *8(%rax) */
	CHECK(ends_call("\xff\x14\xc7", 3));             /* *(%rdi,%rax,8) */
	CHECK(ends_call("\xff\x54\x24\x08", 4));         /* *8(%rsp) */
	CHECK(ends_call("\xff\x15\x01\0\0\0", 6));       /* *1(%rip) */
	CHECK(ends_call("\xff\x90\x01\x01\0\0", 6));     /* *257(%rax) */
	CHECK(ends_call("\xff\x14\xc5\x01\0\0\0", 7));   /* *1(,%rax,8) */
	CHECK(ends_call("\xff\x94\x24\x01\x01\0\0", 7)); /* *257(%rsp) */
	CHECK(!ends_call("\xff\x14", 2));                /* its index is behind the end */
	CHECK(!ends_call("\xff\x15\x01\0", 4));          /* so is half of the distance */
	CHECK(!ends_call("\xff\xe0", 2));                /* jmp *%rax */
}

/* Frame pointers that point at themselves, back, past the end, between words. */
static void
ends_loops(void)
{
	static const uint64_t next[] = { STACK + 16, STACK, STACK + 8, STACK + 20, 16, UINT64_MAX,
		UINT64_MAX - 7, STACK + WORDS * 8, STACK + WORDS * 8 - 8, STACK + (1 << 21) };

	for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
		make();
		stack[2] = next[i];
		stack[3] = after_call(1);
		run(CODE + 4, STACK + 16);
		CHECK(u.n <= 2);
		CHECK(!u.complete);
		run(CODE + 4, next[i]);
		CHECK(u.n <= 2);
	}
}

/* A rule whose frame does not grow, or leads anywhere. */
static void
ends_bad_rules(void)
{
	static const int64_t offsets[] = { 0, -8, -1000000, INT64_MAX, INT64_MIN, 1 << 21, 3 };

	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		make();
		put_rule(0, REG_SP, offsets[i]);
		for (int word = 0; word < WORDS; word++)
			stack[word] = CODE + 4;
		run(CODE + 4, 0);
		CHECK_U64(u.n, 1);
		CHECK(!u.complete);
	}
	make();
	put_rule(0, REGISTERS, 8);
	run(CODE + 4, 0);
	CHECK_U64(u.n, 1);
}

static void
ends_deep_stacks(void)
{
	make();
	put_rule(0, REG_SP, 8);
	for (int i = 0; i < WORDS; i++)
		stack[i] = CODE + 4;
	run(CODE + 4, 0);
	CHECK_U64(u.n, UNWIND_MOST);
	CHECK(!u.complete);
	CHECK(reads <= UNWIND_MOST * REGISTERS);
}

static void
knows_no_code(void)
{
	make();
	run(4, 0);
	CHECK_U64(u.n, 0);
	run(UINT64_MAX, STACK);
	CHECK_U64(u.n, 0);
	put_rule(0, REG_SP, 8);
	stack[0] = 0xdead0000; /* nothing executable is there */
	run(CODE + 4, 0);
	CHECK_U64(u.n, 1);
	CHECK(!u.complete);
}

int
main(void)
{
	unit_test("frames with rules", leaves_by_rules);
	unit_test("a frame pointer that was saved further in", takes_saved_frame_pointers);
	unit_test("a frame pointer that is found on the stack", finds_frame_pointers);
	unit_test("frames without rules", follows_frame_pointers);
	unit_test("calls through registers and memory", knows_indirect_calls);
	unit_test("loops of frame pointers", ends_loops);
	unit_test("rules that lead nowhere", ends_bad_rules);
	unit_test("a stack that is too deep", ends_deep_stacks);
	unit_test("addresses without code", knows_no_code);
	return unit_done();
}
