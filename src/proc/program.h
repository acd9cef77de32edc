/*
 * program: what a program file and the files beside it tell about the runtime in it. All of them may
 * be somebody else's: nothing is followed that they say but offsets within the file, and no more
 * than PROGRAM_MOST bytes are read.
 *
 *   Go     the section .go.buildinfo, or the start of the data: the version of the compiler, the
 *          modules, and by DefaultGODEBUG the behaviour that the go line of go.mod asks for
 *   Rust   the section .comment: "rustc version 1.95.0 (…)"
 *   Node   the section .rodata: ".../download/release/v24.21.0/..."
 */
#ifndef PQ_PROC_PROGRAM_H
#define PQ_PROC_PROGRAM_H

#include "base/text.h"

enum { PROGRAM_MOST = 4 << 20, VERSION_MOST = 32 };

/* A file that is read in pieces. */
struct program_file {
	/* Reads n bytes from the offset `at`, or fewer at the end of the file. The text is valid
	 * until the next call. Returns 0, or -1 with errno. */
	int (*read)(void *ctx, uint64_t at, size_t n, struct text *out);
	void *ctx;
	bool node;     /* look for the version of Node.js */
	size_t budget; /* how many bytes may still be read: set by program_parse */
};

struct program {
	bool elf;
	char go[VERSION_MOST];   /* the compiler, "1.25.12"; "": not Go */
	bool go_modules;         /* its build settings are known */
	bool go_ignores_quota;   /* DefaultGODEBUG has containermaxprocs=0 */
	bool go_automaxprocs;    /* go.uber.org/automaxprocs is in it */
	char rust[VERSION_MOST]; /* "1.95.0" */
	char node[VERSION_MOST]; /* "24.21.0" */
};

/* Reads what the program tells. Returns 0, also if it is no ELF file, or tells nothing; -1 with errno
 * if it cannot be read. */
int program_parse(struct program_file *f, struct program *out);

/* Go's build information, from its first byte on. False if it is damaged. */
bool go_build_parse(struct text t, struct program *out);

/* The file `release` of a JVM: JAVA_VERSION="21.0.13". */
bool java_release_parse(struct text t, char version[VERSION_MOST]);

/* The file include/node/node_version.h. */
bool node_header_parse(struct text t, char version[VERSION_MOST]);

/* The number after the first place of `before` in t, "3.13" of "libpython3.13.so.1.0". */
bool version_after(struct text t, const char *before, char version[VERSION_MOST]);

/* The three numbers of a version such as "21.0.13". A missing number is 0. */
struct version {
	unsigned major, minor, patch;
};
struct version version_of(const char *version);

#endif
