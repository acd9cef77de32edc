/*
 * frames: by which rule the frame of a function is left, at one address in it. x86_64.
 *
 *   .eh_frame    call frame information, which compilers of C, C++ and Rust write by default
 *   .gopclntab   the table of a Go program, which has the depth of the stack and the names
 *
 * A rule is exact: no frame pointer is needed, and nothing is guessed.
 */
#ifndef PQ_PROC_FRAMES_H
#define PQ_PROC_FRAMES_H

#include "proc/elf.h"

/* Registers by their numbers in DWARF. */
enum { REG_BX = 3, REG_BP = 6, REG_SP = 7, REG_IP = 16, REGISTERS = 17 };

/* How the caller's value of a register is found. */
enum saved {
	SAVED_NOT, /* it is the same as here */
	SAVED_AT,  /* in memory, `offset` from the frame's address */
	SAVED_SP,  /* in memory, `offset` from the stack pointer here */
	SAVED_LOST /* it is not known; for REG_IP: there is no caller */
};

/* The frame's address is the caller's stack pointer: that of `base` plus offset, or if `indirect`,
 * the word in memory there. */
struct frame_rule {
	uint64_t start, end; /* the function, in addresses of the file */
	uint8_t base;        /* a register */
	bool indirect;
	bool signal; /* it was interrupted: the caller's address is no return address */
	bool top;    /* there is no caller */
	bool stop;   /* the caller is not on this stack */
	int64_t offset;
	struct {
		enum saved how;
		int64_t offset;
	} saved[REGISTERS];
	char name[SYMBOL_NAME_MOST]; /* "": unknown */
};

/* The rule at an address of the file, from .eh_frame. False if there is none, or one that is not
 * understood. */
bool frames_of_elf(const struct elf *e, uint64_t address, struct frame_rule *out);

/* The same from the table of a Go program. */
bool frames_of_go(const struct elf *e, uint64_t address, struct frame_rule *out);

#endif
