/*
 * space: the address space of a process: what is mapped where, by which rules frames are left, and
 * what functions are called. Everything is read when it is first needed, and kept per address.
 *
 * The files belong to the process and lie in its mount namespace. A file is believed if the kernel
 * gives it out as the mapped one, or if its first page is the one in memory. A name that is not
 * certain is not given: an address then has its file and offset, or itself.
 */
#ifndef PQ_WAIT_SPACE_H
#define PQ_WAIT_SPACE_H

#include "proc/unwind.h"
#include "tools/tool.h"

/* What a space belongs to. A process that executes another program, or a new one of the same number,
 * differs. */
struct space_owner {
	uint32_t pid;    /* of another thread, if the first one has ended */
	uint32_t number; /* see struct memory_read */
};

struct space;
struct spaces;

/* The space of the owner. Owned by *all, which is NULL at first. */
struct space *space_find(struct watch *w, struct spaces **all, const struct space_owner *owner);

/* Reads what is mapped, if that was long ago. Returns 0, or -1 with errno. */
int space_look(struct space *s, struct watch *w);

/* One sample checks at most this many files. */
enum { SPACE_HEADS_MOST = 16 };

/* Lists the memory by which space_look checks in each sample whether the mapped files are still the same. The
 * caller may read it together with other memory of the process. Returns the number of pieces. */
size_t space_heads(struct space *s, struct watch *w, struct memory_piece out[SPACE_HEADS_MOST]);

/* Checks the files by these pieces, so that space_look need not do so in this sample. Pieces without bytes are read
 * again. */
void space_take_heads(struct space *s, const struct memory_piece *v);

/* The rule at an address. CODE_NONE: nothing executable is there. */
enum code_kind space_rule(struct space *s, uint64_t pc, const struct frame_rule **out);

size_t space_code(struct space *s, uint64_t at, size_t n, unsigned char *out);

/* Names the functions at these addresses; NULL if there is nothing. The names are valid until the
 * next call of space_find or space_look. */
void space_names(struct space *s, const uint64_t *pcs, size_t n, const char **out);

/* Whether the next call of space_names may tell other names of the same addresses: some are of a JIT
 * compiler, or not known yet. */
bool space_names_change(const struct space *s);

/* A number that changes with what is mapped, and from space to space. */
uint64_t space_generation(const struct space *s);

void spaces_free(struct spaces *all);

#endif
