/*
 * open: which files of a machine may be opened, and where their names may lead.
 *
 * Paths below a directory are of one of two kinds:
 *
 *   the machine's  proc/…, sys/… and boot/…: the kernel, or root of that machine, made the names.
 *                  Links are followed (proc/self, sys/fs/cgroup/cpu), but none that /proc makes up
 *                  for a process (root, cwd, exe, fd/3).
 *   somebody's     What is below proc/PID/root/ belongs to that process, and every other path may
 *                  lead through the file tree of a container. No link is followed there. On this
 *                  machine, only files and directories of a cgroup file system are opened, and
 *                  regular files if open_of_program is asked for them.
 *
 * Of var/log on this machine, only directories are opened, without following a link.
 *
 * Below --root and in captured directories no link leads out of the directory. Only regular files
 * and directories are opened there, and opening never waits. EXDEV says that a path breaks one of
 * these rules.
 */
#ifndef PQ_HOST_OPEN_H
#define PQ_HOST_OPEN_H

#include <stdbool.h>

#include "base/buf.h"

/* Opens a file or directory of the machine whose tree is below `root`, for reading. `elsewhere`: it
 * is not the tree of this process. Returns a descriptor, or -1 with errno. */
int open_of_machine(int root, const char *path, bool elsewhere);

/* Opens a program, "proc/PID/exe", its "proc/PID/maps", a mapped file "proc/PID/map_files/…", or a
 * regular file in the file tree of a process, "proc/PID/root/…", for reading. No link is followed but
 * those of exe and map_files. Returns a descriptor, or -1 with errno. */
int open_of_program(int root, const char *path, bool elsewhere);

/* Reads the target of a symbolic link of that machine. Returns 0, or -1 with errno. */
int link_of_machine(int root, const char *path, bool elsewhere, struct buf *b);

/* The same for a directory that no kernel vouches for, such as a captured sample. */
int open_below(int dir, const char *path);
int link_below(int dir, const char *path, struct buf *b);

#endif
