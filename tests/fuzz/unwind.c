#include <stdlib.h>
#include <string.h>

#include "proc/unwind.h"
#include "replay.h"

/* The bytes are the stack, the code, and the rules. */
enum { CODE = 0x10000, STACK = 0x70000000 };

struct process {
	const uint8_t *bytes;
	size_t n;
	struct frame_rule rule;
	unsigned reads;
};

static bool
read_word(void *ctx, uint64_t at, uint64_t *v)
{
	struct process *p = ctx;

	if (++p->reads > 10000000)
		abort();
	if (at < STACK || p->n < 8 || at - STACK > p->n - 8)
		return false;
	memcpy(v, p->bytes + (at - STACK), 8);
	return true;
}

static size_t
read_code(void *ctx, uint64_t at, size_t n, unsigned char *out)
{
	const struct process *p = ctx;

	if (at < CODE || at - CODE >= p->n)
		return 0;
	if (n > p->n - (at - CODE))
		n = p->n - (size_t)(at - CODE);
	memcpy(out, p->bytes + (at - CODE), n);
	return n;
}

static enum code_kind
find_rule(void *ctx, uint64_t pc, const struct frame_rule **out)
{
	struct process *p = ctx;
	struct frame_rule *r = &p->rule;
	uint64_t at = pc - CODE;

	if (pc < CODE || at >= p->n || p->n - at < 8)
		return CODE_NONE;
	const uint8_t *b = p->bytes + at;
	*r = (struct frame_rule){ .start = pc - b[7] % 64, .end = pc + 64 };
	r->base = b[0] % (REGISTERS + 1);
	r->indirect = b[1] & 1;
	r->signal = b[1] & 2;
	r->top = (b[1] & 12) == 12;
	r->stop = (b[1] & 48) == 48;
	r->offset = (int8_t)b[2] * 8;
	r->saved[REG_IP].how = b[3] % 4;
	r->saved[REG_IP].offset = (int8_t)b[4];
	r->saved[REG_BP].how = b[5] % 4;
	r->saved[REG_BP].offset = b[6] == 255 ? INT64_MIN : (int8_t)b[6];
	r->saved[REG_SP].how = b[7] % 8 == 7 ? SAVED_AT : SAVED_NOT;
	*out = r;
	return b[0] & 128 ? CODE_PLAIN : CODE_RULED;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct process p = { .bytes = data, .n = n };
	const struct unwind_source source = { read_word, read_code, find_rule, &p };
	struct stack_start start = { CODE, STACK, STACK, n & 1 };
	struct unwound u;

	unwind(&source, &start, &u);
	if (u.n > UNWIND_MOST)
		abort();
	return 0;
}
