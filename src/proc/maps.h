/* maps: the files /proc/PID/maps, with what is executable in a process, and /tmp/perf-PID.map, in
 * which a JIT compiler names its code. */
#ifndef PQ_PROC_MAPS_H
#define PQ_PROC_MAPS_H

#include "proc/elf.h"

/* A line "7f43b5382000-7f43b53a8000 r-xp 00026000 fe:00 4242   /usr/lib/libc.so.6". */
struct mapping {
	uint64_t start, end, at; /* at: offset in the file */
	bool code, readable;
	struct text path; /* "": anonymous; points into the line */
};

/* fs/proc/task_mmu.c, show_map_vma. False: it is no such line. */
bool mapping_parse(struct text line, struct mapping *out);

/* Copies a path of such a line; "\012" is a newline there. False if it is too long. */
bool mapping_path(struct text path, char *out, size_t room);

/* Names the addresses that whole lines "7f00c0de 40 name" of a perf map cover; JDK 25 writes the
 * numbers with 0x. A later line replaces an earlier one, as code may be moved. Returns how many bytes
 * these lines have. */
size_t perf_map_parse(struct text t, struct symbol *v, size_t n);

#endif
