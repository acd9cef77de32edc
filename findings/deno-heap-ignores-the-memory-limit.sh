#!/bin/bash
# Deno 2.9.6 (npm package deno 2.9.6)
#
# Input: as root, navigator.hardwareConcurrency and the heap limit of V8 (node:v8, heap_size_limit), in a cgroup with a CPU quota of
# 1 and a memory limit of 256 MiB.
# Expected: 1, and a heap of about 256 MiB, as Node.js 24 has there (259 MiB); both use V8.
# Seen: 1, and the same heap limit as without the memory limit, half of the machine up to 4 GiB. The CPU quota counts, the memory
# limit does not. So pq limits marks the heap of Deno as larger than the limit where that of Node.js fits.
set -eu
dir=$(mktemp -d)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then trees=/sys/fs/cgroup; else trees="/sys/fs/cgroup/cpu /sys/fs/cgroup/memory"; fi
trap 'rm -rf "$dir"; for tree in $trees; do rmdir "$tree/deno-finding" 2>/dev/null || :; done' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . deno@2.9.6 >/dev/null
export DENO_DIR=$dir/cache
deno=$(echo node_modules/@deno/*/deno)
program='import v8 from "node:v8";
console.log(navigator.hardwareConcurrency, Math.round(v8.getHeapStatistics().heap_size_limit / 1048576))'
for tree in $trees; do
	mkdir "$tree/deno-finding"
done
if [ "$trees" = /sys/fs/cgroup ]; then
	echo +cpu +memory >"$trees"/cgroup.subtree_control
	echo "100000 100000" >"$trees"/deno-finding/cpu.max
	echo 256M >"$trees"/deno-finding/memory.max
else
	echo 100000 >/sys/fs/cgroup/cpu/deno-finding/cpu.cfs_quota_us
	echo 256M >/sys/fs/cgroup/memory/deno-finding/memory.limit_in_bytes
fi
free=$("$deno" eval "$program")
limited=$(sh -c 'for tree in $1; do echo $$ >"$tree/deno-finding/cgroup.procs"; done; exec "$2" eval "$3"' - "$trees" "$deno" "$program")
echo "CPUs and heap in MiB: $free; with a quota of 1 and a limit of 256 MiB: $limited"
[ "${limited% *}" = 1 ] && [ "${limited#* }" = "${free#* }" ] && [ "${limited#* }" -gt 1024 ]
