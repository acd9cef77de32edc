/* read_file: reads a whole file, a directory or a link into a buffer, for hosts that read a file
 * tree. */
#ifndef PQ_HOST_READ_FILE_H
#define PQ_HOST_READ_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The largest text that pq reads; larger ones fail with EFBIG. */
enum { SLURP_MOST = 64 << 20 };

/* Reads an open file from its start into b. Returns 0, or -1 with errno. A text can come in pieces:
 * seq_file of the kernel returns what fits its page, and the next line may be long (mountinfo,
 * schedstat). So slurp_file reads until nothing comes. For short texts it saves that last call: it
 * sets *whole once a file came in one piece, and with *whole set takes a text of less than half a
 * page as complete. */
int slurp_file(int fd, struct buf *b, bool *whole);

/* Lists the subdirectories of an open directory, as host_list does. */
int slurp_directories(int fd, struct buf *b);

/* The same in the order of their bytes. The kernel gives the cgroups of a machine in one order at
 * all times, but other file systems give copies of them in any order. */
int slurp_sorted_directories(int fd, struct buf *b);

/* Whether host_list of this path also lists links: in the directories of the kubelet. */
bool lists_links(const char *path);

/* Lists the subdirectories and the symbolic links of an open directory, in the order of their bytes.
 * EFBIG: the names have more than 1 MB. */
int slurp_sorted_links(int fd, struct buf *b);

/* Reads the target of the symbolic link at the path below an open directory. Returns 0, or -1 with
 * the errno of readlinkat(2). */
int slurp_link(int dir, const char *path, struct buf *b);

/* Reads up to n bytes at the offset; fewer at the end. Returns 0, or -1 with errno. */
int slurp_part(int fd, uint64_t at, size_t n, struct buf *b);

/* Counts the entries of any kind in an open directory. Returns 0, or -1 with errno. */
int slurp_count(int fd, uint64_t *n);

#endif
