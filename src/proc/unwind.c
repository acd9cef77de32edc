#include "proc/unwind.h"

#include <string.h>

/* How far from the stack pointer a frame may reach. */
static const uint64_t FRAME_MOST = 1 << 20;

struct state {
	const struct unwind_source *source;
	uint64_t v[REGISTERS];
	bool known[REGISTERS];
};

static bool
word(const struct state *s, uint64_t at, uint64_t *v)
{
	return s->source->word(s->source->ctx, at, v);
}

/* ---- Calls */

struct call {
	bool is;         /* a call ends there */
	bool direct;     /* its target is in the code */
	uint64_t target; /* of a direct one */
};

/* Whether the n bytes end in a call through a register or memory: ff /2, with a prefix or without. */
static bool
is_indirect_call(const unsigned char *end, size_t n)
{
	for (size_t length = 2; length <= 7 && length <= n; length++) {
		const unsigned char *code = end - length;
		unsigned mode = code[1] >> 6, base = code[1] & 7;
		if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
			continue;
		size_t want = mode != 3 && base == 4 ? 3 : 2; /* a byte for the index */
		if (want > length)
			continue;
		if (want == 3)
			base = code[2] & 7;
		want += mode == 1 ? 1 : mode == 2 || (mode == 0 && base == 5) ? 4 : 0;
		if (want == length)
			return true;
	}
	return false;
}

static struct call
call_before(const struct state *s, uint64_t at)
{
	enum { BYTES = 8 };
	unsigned char code[BYTES];
	struct call c = { .is = false };
	const unsigned char *end = code + BYTES;

	if (at < 4096 || s->source->code(s->source->ctx, at - BYTES, BYTES, code) < BYTES)
		return c;
	c.direct = end[-5] == 0xe8;
	if (c.direct) {
		uint32_t distance = (uint32_t)end[-4] | (uint32_t)end[-3] << 8 |
		    (uint32_t)end[-2] << 16 | (uint32_t)end[-1] << 24;
		c.target = at + (uint64_t)(int64_t)(int32_t)distance;
	}
	c.is = c.direct || is_indirect_call(end, BYTES);
	return c;
}

/* ---- The frame pointer */

/* Whether the frame pointer of the function with this rule can be `at`. `sure`: the call names the
 * function. */
static bool
may_be_frame(const struct state *s, const struct frame_rule *rule, uint64_t at, bool *sure)
{
	const struct frame_rule *called;
	uint64_t returns;

	if (at < s->v[REG_SP] || at - s->v[REG_SP] > FRAME_MOST || at % 8 != 0 ||
	    !word(s, at + 8, &returns))
		return false;
	struct call c = call_before(s, returns);
	*sure = c.direct && c.target == rule->start;
	if (!c.is || *sure || !c.direct)
		return c.is;
	/* a call of another function is not one of this function; that of a stub which jumps to it
	 * may be */
	enum code_kind kind = s->source->rule(s->source->ctx, c.target, &called);
	return kind == CODE_PLAIN || (kind == CODE_RULED && called->start != c.target);
}

/* The distance of the frame pointer from the stack pointer, by "sub $N,%rsp" at the start of the
 * function and the registers that it pushes before; there may be several such bytes. */
static size_t
list_distances(const struct state *s, const struct frame_rule *rule, uint64_t out[8])
{
	unsigned char code[CODE_MOST];
	uint64_t pushed = 0;
	size_t n = s->source->code(s->source->ctx, rule->start, sizeof code, code), found = 0;

	for (int i = 0; i < REGISTERS; i++)
		if (rule->saved[i].how == SAVED_AT && rule->saved[i].offset < -16 &&
		    -(uint64_t)rule->saved[i].offset - 16 > pushed)
			pushed = -(uint64_t)rule->saved[i].offset - 16;
	out[found++] = pushed;
	for (size_t i = 0; i + 7 <= n && found < 8; i++) {
		if (code[i] != 0x48 || code[i + 2] != 0xec)
			continue;
		if (code[i + 1] == 0x83 && code[i + 3] < 0x80)
			out[found++] = pushed + code[i + 3];
		else if (code[i + 1] == 0x81)
			out[found++] = pushed +
			    ((uint64_t)code[i + 3] | (uint64_t)code[i + 4] << 8 |
				(uint64_t)code[i + 5] << 16);
	}
	return found;
}

/* Finds the frame pointer by the code of the function. If that is of no use, as memory of any size
 * was taken from the stack, by the first call of this function that the stack has. */
static bool
find_frame(struct state *s, const struct frame_rule *rule)
{
	const uint64_t search = 16 << 10;
	uint64_t distances[8], found = 0;
	size_t n = list_distances(s, rule, distances);
	bool sure, one = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = s->v[REG_SP] + distances[i];
		if (!may_be_frame(s, rule, at, &sure) || (one && at == found))
			continue;
		if (one)
			return false;
		one = true;
		found = at;
	}
	for (uint64_t at = s->v[REG_SP]; !one && at < s->v[REG_SP] + search; at += 8) {
		if (!may_be_frame(s, rule, at, &sure) || !sure)
			continue;
		one = true;
		found = at;
	}
	s->v[REG_BP] = found;
	s->known[REG_BP] = one;
	return one;
}

/* ---- One frame */

/* Sets the caller's registers by the rule. */
static bool
restore(struct state *s, const struct frame_rule *rule, uint64_t frame)
{
	struct state from = *s;

	for (int i = 0; i < REGISTERS; i++) {
		int64_t offset = rule->saved[i].offset;
		uint64_t base = rule->saved[i].how == SAVED_SP ? from.v[REG_SP] : frame;
		if (rule->saved[i].how == SAVED_NOT)
			continue;
		s->known[i] = rule->saved[i].how != SAVED_LOST &&
		    word(&from, base + (uint64_t)offset, &s->v[i]);
	}
	if (!(rule->signal && s->known[REG_SP]))
		s->v[REG_SP] = frame;
	s->known[REG_SP] = true;
	return s->known[REG_IP];
}

static bool
leave_by_rule(struct state *s, const struct frame_rule *rule)
{
	uint64_t frame;

	if (rule->base == REG_BP && !s->known[REG_BP] && !find_frame(s, rule))
		return false;
	if (rule->base >= REGISTERS || !s->known[rule->base])
		return false;
	frame = s->v[rule->base] + (uint64_t)rule->offset;
	if (rule->indirect && !word(s, frame, &frame))
		return false;
	if (!rule->signal && (frame <= s->v[REG_SP] || frame - s->v[REG_SP] > FRAME_MOST))
		return false;
	return restore(s, rule, frame);
}

/* Code without a rule: by the frame pointer, which must be known. */
static bool
leave_plain(struct state *s)
{
	uint64_t at = s->v[REG_BP];
	bool known = s->known[REG_BP];

	memset(s->known, 0, sizeof s->known);
	if (!known || at % 8 != 0 || at < s->v[REG_SP] || at - s->v[REG_SP] > FRAME_MOST ||
	    !word(s, at, &s->v[REG_BP]) || !word(s, at + 8, &s->v[REG_IP]))
		return false;
	s->v[REG_SP] = at + 16;
	s->known[REG_BP] = s->known[REG_IP] = s->known[REG_SP] = true;
	return s->v[REG_IP] == 0 || call_before(s, s->v[REG_IP]).is;
}

static bool
leave(struct state *s, enum code_kind kind, const struct frame_rule *rule)
{
	return kind == CODE_RULED ? leave_by_rule(s, rule) : leave_plain(s);
}

void
unwind(const struct unwind_source *source, const struct stack_start *start, struct unwound *out)
{
	struct state s = { .source = source };
	bool exact = true;

	s.v[REG_SP] = start->sp;
	s.v[REG_IP] = start->pc;
	s.v[REG_BP] = start->bp;
	s.known[REG_SP] = s.known[REG_IP] = true;
	s.known[REG_BP] = start->bp_known;
	out->n = 0;
	out->complete = false;
	while (out->n < UNWIND_MOST) {
		const struct frame_rule *rule = NULL;
		enum code_kind kind = source->rule(source->ctx, s.v[REG_IP] - !exact, &rule);
		if (kind == CODE_NONE)
			return;
		out->exact[out->n] = exact;
		out->pc[out->n++] = s.v[REG_IP];
		out->complete = kind == CODE_RULED && rule->top;
		if (out->complete || (kind == CODE_RULED && rule->stop && out->n > 1))
			return;
		exact = kind == CODE_RULED && rule->signal;
		if (!leave(&s, kind, rule))
			return;
		out->complete = s.v[REG_IP] == 0;
		if (out->complete)
			return;
	}
}
