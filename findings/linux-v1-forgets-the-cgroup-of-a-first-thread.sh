#!/bin/sh
# Linux 6.18.44, ps of procps 4.0.2 (Debian package procps 2:4.0.2-3). Needs root, a cgroup v1 cpu controller and a C compiler;
# installs nothing.
#
# Input: a server in the cgroup /finding-first. Its first thread has ended by pthread_exit, as POSIX permits, while another
# thread serves on.
# Expected: /proc/PID/cgroup says /finding-first, as before: cgroup.procs still lists the process, its quota holds, and
# cgroups(7) calls the file the control groups to which the process belongs.
# Seen: /. On v1, the kernel writes the root for each task that has ended, and the file of a process is that of its first thread;
# /proc/PID/task/TID/cgroup of the other thread has the right path. On v2 both have it. So software that finds the cgroup of a
# process by this file, such as ps -o cgroup, takes a limited process for an unlimited one. pq reads the file of another thread.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
for top in /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct; do
	if [ -e "$top/cpu.cfs_quota_us" ] || [ -e "$top/cgroup.procs" ]; then break; fi
done
[ -e "$top/cgroup.procs" ] || { echo "no cgroup v1 here"; exit 2; }
dir=$(mktemp -d)
server=
mkdir "$top/finding-first"
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	wait
	rmdir "$top/finding-first"
	rm -rf "$dir"
}
trap finish EXIT
cd "$dir"
cat >server.c <<'END'
#include <pthread.h>
#include <unistd.h>

static void *
serve(void *none)
{
	sleep(60);
	return none;
}

int
main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, serve, NULL);
	sleep(2);
	pthread_exit(NULL);
}
END
cc -O1 -pthread -o server server.c
sh -c 'echo $$ >"$0/cgroup.procs"; exec ./server' "$top/finding-first" &
server=$!
of_cpu() { sed -n 's/^[0-9]*:cpu[a-z,]*:\(.*\)/\1/p' "$1/cgroup" | tail -n 1; }
uname -r
sleep 1
before=$(of_cpu "/proc/$server")
sleep 3
after=$(of_cpu "/proc/$server")
for thread in "/proc/$server/task"/*; do other=$(of_cpu "$thread"); done
listed=$(grep -cx "$server" "$top/finding-first/cgroup.procs")
echo "cgroup of the process: $before, after the end of the first thread $after; of its other thread: $other; listed: $listed"
ps -o cgroup= -p "$server" | grep -q finding-first && exit 1
[ "$before $after $other $listed" = "/finding-first / /finding-first 1" ]
