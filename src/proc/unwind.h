/*
 * unwind: the functions on the stack of a thread that is blocked, from its stack pointer and program
 * counter alone. x86_64.
 *
 * The kernel tells no other register of a thread that is not stopped. Most frames need none: their
 * rule (proc/frames.h) counts from the stack pointer. A function that counts from the frame pointer
 * (%rbp) needs its value:
 *
 *   - a function further in has saved it, and where is in that function's rule; or
 *   - it is found on the stack. The frame pointer of a function points at a word with a return
 *     address after it, to just after a call of this function; and the code at the start of the
 *     function tells how far from the stack pointer it is. It counts only if exactly one place
 *     fits.
 *
 * Code without rules (JIT compilers, and what is built without tables) is taken to keep frame
 * pointers, and each return address must follow a call. Where nothing is certain, the stack ends.
 */
#ifndef PQ_PROC_UNWIND_H
#define PQ_PROC_UNWIND_H

#include "proc/frames.h"

enum { UNWIND_MOST = 128, CODE_MOST = 96 };

/* Where a thread is. */
struct stack_start {
	uint64_t pc, sp, bp;
	bool bp_known;
};

enum code_kind {
	CODE_NONE,  /* nothing executable is there */
	CODE_RULED, /* there is a rule */
	CODE_PLAIN, /* no rule */
};

/* What unwinding reads of the process. */
struct unwind_source {
	/* The word of the stack there; false if it cannot be read. */
	bool (*word)(void *ctx, uint64_t at, uint64_t *v);
	/* Reads n bytes that are executable, or fewer; returns how many. */
	size_t (*code)(void *ctx, uint64_t at, size_t n, unsigned char *out);
	/* The rule at that address, with addresses of the process in it. It stays valid while this
	 * stack is unwound. */
	enum code_kind (*rule)(void *ctx, uint64_t pc, const struct frame_rule **out);
	void *ctx;
};

struct unwound {
	/* the innermost first; but for it, and where a signal came, these follow a call */
	uint64_t pc[UNWIND_MOST];
	bool exact[UNWIND_MOST]; /* pc is in the function; else it may be just after it */
	size_t n;
	bool complete; /* the last one has no caller */
};

void unwind(const struct unwind_source *s, const struct stack_start *start, struct unwound *out);

#endif
