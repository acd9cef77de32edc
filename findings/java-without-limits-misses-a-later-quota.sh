#!/bin/bash
# OpenJDK 25 (package openjdk-25-jdk-headless of Debian 13); with 21.0.13 and 26.0.2 the same was seen, 17 does follow.
#
# Input: as root, on a machine with two or more CPUs: a cgroup without any limit, in which Java prints availableProcessors(), then gets
# a quota of one CPU, and prints it again after some seconds. The same in a cgroup that has a memory limit from the start.
# Expected: all CPUs, then 1, in both; the documentation of availableProcessors() says that the value may change, and Java 17 prints it.
# Seen: 1 only with the memory limit. Without, Java goes on with the number of its start.
# So a quota that is set on a running service without a memory limit reaches its JVM only at the next start.
set -eu
n=$(getconf _NPROCESSORS_ONLN)
[ "$n" -ge 2 ] || { echo "needs two CPUs"; exit 1; }
dir=$(mktemp -d -p /var/tmp)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then trees=/sys/fs/cgroup; else trees="/sys/fs/cgroup/cpu /sys/fs/cgroup/memory"; fi
trap 'for tree in $trees; do rmdir "$tree/java-finding" 2>/dev/null || :; done; rm -rf "$dir"' EXIT
debootstrap --variant=minbase --include=openjdk-25-jdk-headless trixie "$dir/root" >"$dir/log" 2>&1
cat >"$dir/root/tmp/Count.java" <<'END'
public class Count {
	public static void main(String[] args) throws Exception {
		for (int i = 0; i < 2; i++) {
			System.out.println(Runtime.getRuntime().availableProcessors());
			System.out.flush();
			Thread.sleep(8000);
		}
	}
}
END
# run [MEMORY_LIMIT]
run() {
	local tree
	for tree in $trees; do
		mkdir "$tree/java-finding"
	done
	if [ "$trees" = /sys/fs/cgroup ]; then
		echo +cpu +memory >/sys/fs/cgroup/cgroup.subtree_control
		[ -z "${1:-}" ] || echo "$1" >/sys/fs/cgroup/java-finding/memory.max
	else
		[ -z "${1:-}" ] || echo "$1" >/sys/fs/cgroup/memory/java-finding/memory.limit_in_bytes
	fi
	: >"$dir/out"
	# shellcheck disable=SC2016
	TREES=$trees unshare -m bash -c '
		for d in proc sys dev; do mount --rbind /$d "$1/$d"; done
		for tree in $TREES; do echo $$ >"$tree/java-finding/cgroup.procs"; done
		exec chroot "$1" java /tmp/Count.java' - "$dir/root" >"$dir/out" &
	while [ ! -s "$dir/out" ]; do sleep 0.2; done
	if [ "$trees" = /sys/fs/cgroup ]; then
		echo "100000 100000" >/sys/fs/cgroup/java-finding/cpu.max
	else
		echo 100000 >/sys/fs/cgroup/cpu/java-finding/cpu.cfs_quota_us
	fi
	wait $!
	for tree in $trees; do rmdir "$tree/java-finding"; done
	tr '\n' ' ' <"$dir/out"
}
free=$(run)
limited=$(run 1073741824)
echo "without a limit: $free; with a memory limit: $limited"
[ "$free" = "$n $n " ] && [ "$limited" = "$n 1 " ]
