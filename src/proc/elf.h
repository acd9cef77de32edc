/*
 * elf: what an ELF file of 64 bits says about addresses in it: the name of the function, and by which
 * rule its frame is left (.eh_frame, or the tables of a Go program).
 *
 * The file is somebody's, may be large, and may be cut off or damaged on purpose. It is read in
 * pieces of at most ELF_PIECE bytes, nothing of it stays in memory, and every number in it is
 * checked before use.
 */
#ifndef PQ_PROC_ELF_H
#define PQ_PROC_ELF_H

#include "base/text.h"

enum {
	ELF_PIECE = 64 << 10,
	ELF_SEGMENTS_MOST = 16,
	ELF_SYMBOLS_MOST = 4 << 20, /* entries of a table that are looked at */
	SYMBOL_NAME_MOST = 200,
};

/* A file that is read in pieces. */
struct elf_file {
	/* Reads n bytes from the offset `at`, or fewer at the end of the file. The text is valid
	 * until the next call. Returns 0, or -1 with errno. */
	int (*read)(void *ctx, uint64_t at, size_t n, struct text *out);
	void *ctx;
};

/* A part of the file; size 0: there is none. */
struct elf_part {
	uint64_t address, at, size;
	bool code; /* executable */
};

struct elf {
	struct elf_file file;
	struct elf_part segments[ELF_SEGMENTS_MOST];
	unsigned nsegments;
	struct elf_part frame_index; /* .eh_frame_hdr */
	struct elf_part frames;      /* .eh_frame */
	struct elf_part text, go_table;
	struct elf_part symbols, names;         /* .symtab */
	struct elf_part dynamic, dynamic_names; /* .dynsym */
};

/* Reads the headers. False: it is no such file, or cannot be read. */
bool elf_open(struct elf *e, const struct elf_file *f);

/* The address of code at this offset of the file; false if none is there. */
bool elf_address(const struct elf *e, uint64_t at, uint64_t *address);

/* Reads n bytes at an address of the file, or fewer. False: none are there. */
bool elf_read(const struct elf *e, uint64_t address, size_t n, struct text *out);

/* The little-endian number of n bytes at the offset; 0 beyond the end. */
uint64_t elf_number(struct text t, size_t at, size_t n);

/* ---- Names */

/* A function that covers `address`. */
struct symbol {
	uint64_t address; /* asked for */
	/* the function begins here, by the frame tables: then symbols without a size count, too.
	 * UINT64_MAX: unknown */
	uint64_t begins;
	uint64_t start, end;         /* found; end 0: unknown */
	char name[SYMBOL_NAME_MOST]; /* one that is too long ends in "..." */
};

enum { SYMBOLS_AT_ONCE = 64 };

/* Names up to SYMBOLS_AT_ONCE addresses by one pass over .symtab. Looks up in .dynsym what .symtab does
 * not have. Of several names for one function it takes that without underscores at its start. */
void elf_name(const struct elf *e, struct symbol *v, size_t n);

#endif
