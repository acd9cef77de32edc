/* syscalls: the names of system calls, and what is known of those in which threads wait. */
#ifndef PQ_PROC_SYSCALLS_H
#define PQ_PROC_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/* The name of a call of that machine (uname -m: x86_64, aarch64, riscv64), written to out;
 * "syscall_123" where it is not known. The numbers are those of the kernel's
 * arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl (once asm-generic/unistd.h). */
enum { SYSCALL_NAME_MOST = 32 };
const char *syscall_name(const char *machine, uint64_t number, char out[SYSCALL_NAME_MOST]);

/* Whether the call's first argument is a descriptor, that of what it waits for. */
bool syscall_takes_fd(const char *name);

/* Whether a thread that has nothing to do may wait in it: for its next task, a connection, a time,
 * a signal, or a child. */
bool syscall_is_idle(const char *name);

#endif
