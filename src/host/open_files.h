/* kept: files and directories that stay open, found by their paths. */
#ifndef PQ_HOST_OPEN_FILES_H
#define PQ_HOST_OPEN_FILES_H

#include <stdbool.h>
#include <stdint.h>

/* One that is open. */
struct kept {
	char *path; /* NULL: a free place */
	int fd;
	uint32_t hash;
	uint32_t used; /* the row in which it was asked for last */
	bool whole;    /* for who reads it: a file's text comes in one piece, see slurp_file */
	bool counted;  /* for who lists it: a directory's links are counted */
};

/* All of them: open addressing in a power of two of places, at most half of them taken. */
struct kept_files {
	int root; /* the directory that paths begin at */
	struct kept *v;
	uint32_t places, taken;
	uint32_t row, swept;
	/* so many stay open: each costs the kernel some 6 KB, which a container pays from its
	 * limit */
	uint32_t most;
	struct kept passing; /* one beyond them, until the next is asked for */
};

/* Begins with none, of which at most so many stay open; the directory becomes theirs. */
void kept_begin(struct kept_files *k, int root, uint32_t most);

/* The file at the path, opened now if need be; NULL with errno. When there are too many open files,
 * those that are not used in this row are closed. It is valid until the next call. */
struct kept *kept_get(struct kept_files *k, const char *path);

/* Closes one that cannot be read any more. */
void kept_forget(struct kept_files *k, struct kept *one);

/* The same for the directory in which the path is, if it is open. */
void kept_forget_directory_of(struct kept_files *k, const char *path);

/* A new row begins: what nobody has asked for in a while is closed. */
void kept_row(struct kept_files *k);

void kept_end(struct kept_files *k);

#endif
