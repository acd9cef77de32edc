#!/bin/sh
# Linux 6.18.44; 5.10.0-46, 6.1.0-57, 6.12.117 and 7.3.4 of Debian do the same.
# Needs io_uring, PSI and a C compiler; installs nothing.
#
# Input: a process asks io_uring for a message of a socket pair that nobody writes to, and waits for the completion, as a
# server without requests does. It reads and writes no file.
# Expected: as for a process that waits for the same message in recv(2): it is not counted as blocked, and adds no I/O pressure.
# The kernel's documentation calls iowait "waiting for I/O to complete", and PSI the time lost to contention for a resource.
# Seen: the process sleeps (S, not D), but procs_blocked is one higher, the idle time of its CPU is iowait, and "some" of
# /proc/pressure/io shows 100 % (divided by the number of CPUs, if the others are busy). The kernel takes each wait
# for completions as disk I/O while a request is under way, whatever the request is. So an idle server looks like one that waits
# for a disk, in vmstat (b, wa), in sar, and in alerts on I/O pressure, while the disks are idle. pq why judges I/O pressure with
# less confidence when no disk has requests.
set -eu
dir=$(mktemp -d)
waits=
trap '[ -z "$waits" ] || kill "$waits" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
cat >wait.c <<'END'
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct io_uring_params p = { 0 };
	char message;
	int pair[2], ring;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (argc > 1 && strcmp(argv[1], "recv") == 0)
		return recv(pair[0], &message, 1, 0) != 1;
	if ((ring = syscall(SYS_io_uring_setup, 4, &p)) < 0) {
		perror("io_uring_setup");
		return 2;
	}
	char *queue = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry =
	    mmap(NULL, p.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	entry->opcode = IORING_OP_RECV;
	entry->fd = pair[0];
	entry->addr = (unsigned long)&message;
	entry->len = 1;
	*(unsigned *)(queue + p.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(queue + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1;
}
END
cc -O1 -o wait wait.c

some() { sed -n 's/^some .*total=//p' /proc/pressure/io; }
# pressure HOW: the I/O pressure in percent of 4 s while a process waits, at the least of three times
pressure() {
	least=100
	for _ in 1 2 3; do
		./wait "$1" &
		waits=$!
		sleep 0.5
		was=$(some)
		sleep 4
		kill -0 "$waits" || exit 2
		state=$(awk '{ print $3 }' "/proc/$waits/stat")
		percent=$((($(some) - was) / 40000))
		blocked=$(awk '$1 == "procs_blocked" { print $2 }' /proc/stat)
		kill "$waits"
		waits=
		[ "$percent" -ge "$least" ] || least=$percent
	done
	echo "$1: state $state, I/O pressure $least %, blocked $blocked"
}
uname -r
pressure recv | tee recv
pressure io_uring | tee ring
# a busy CPU without I/O wait lowers the share of the others
awk -v n="$(getconf _NPROCESSORS_ONLN)" '{ gsub(",", "") } FNR == NR { quiet = $6; next }
	{ exit !($3 == "S" && $NF >= 1 && $6 >= 80 / n && quiet < $6 / 2) }' recv ring
