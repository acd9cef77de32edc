#!/bin/sh
# Linux 6.18.44 with cgroup v1; 5.10.0-46 and 6.1.0-56 of Debian do the same.
# Needs root and a v1 memory controller; installs nothing.
#
# Input: a cgroup right below the root, in which a process makes 20,000 directory entries, and so some
# 20 MB of kernel memory.
# Expected: the usage of the root includes that. The kernel's documentation of cgroup v1 says that
# kernel memory is charged to the main counter as well, and that a parent is charged for its
# children; so memory.kmem.usage_in_bytes is at most memory.usage_in_bytes.
# Seen: the usage of the root is the sum of total_cache and total_rss, without any kernel
# memory, though memory.kmem.usage_in_bytes of the same root has it. On a machine with little
# else in memory a child "uses" more than the root, and the kernel part more than the whole. pq
# mem leaves the kernel memory of the root unknown.
set -eu
top=/sys/fs/cgroup/memory
[ -e "$top/cgroup.sane_behavior" ] || { echo "no root of a v1 memory hierarchy here"; exit 2; }
group=$top/finding-root-usage
made=$(mktemp -d)
mkdir "$group"
trap 'rm -rf "$made"; rmdir "$group"' EXIT
uname -r
sh -c '
	echo $$ >"$1/cgroup.procs"
	i=0
	while [ $i -lt 20000 ]; do : >"$2/$i"; i=$((i + 1)); done' sh "$group" "$made"

# Other programs allocate in between: the closest of ten readings counts.
least=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	usage=$(cat "$top/memory.usage_in_bytes")
	sum=$(awk '/^total_(cache|rss) / { n += $2 } END { printf "%.0f", n }' "$top/memory.stat")
	apart=$((usage > sum ? usage - sum : sum - usage))
	[ -n "$least" ] && [ "$apart" -ge "$least" ] || least=$apart
done
kernel=$(cat "$top/memory.kmem.usage_in_bytes")
echo "root: usage $usage, cache + rss within $((least >> 10)) KiB of it, kernel memory $((kernel >> 10)) KiB"
usage=$(cat "$group/memory.usage_in_bytes")
of_kernel=$(cat "$group/memory.kmem.usage_in_bytes")
echo "child: usage $((usage >> 10)) KiB, of which kernel memory $((of_kernel >> 10)) KiB"
[ "$of_kernel" -gt 4000000 ] && [ "$usage" -ge "$of_kernel" ] && [ "$least" -lt $((kernel / 4)) ]
