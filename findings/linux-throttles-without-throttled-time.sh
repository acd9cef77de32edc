#!/bin/sh
# Linux 6.18.44 with cgroup v1; Debian's 7.3.4 does the same with v2. 6.1.0-57 and 6.12.117 count 90 to 110 ms each.
# Needs root, taskset and a cpu controller; installs nothing.
#
# Input: a busy loop in a cgroup with a quota of 2 ms in 100 ms shares a CPU with a busy loop in a cgroup of a hundred times
# its weight, until the quota ran out in 20 periods.
# Expected: throttled_time (v2: throttled_usec) grows with nr_throttled. The kernel's documentation of CFS bandwidth control
# says that nr_throttled is how often the group was throttled, and throttled_time for how long.
# Seen: nr_throttled grows by 20, the time by 0. Since 6.18 the kernel stops each thread by itself, on its way back to user
# mode, and the time counts from there. A thread that a neighbour preempts as the quota runs out is stopped when its turn
# comes again; by then the next period has begun. So the fewer neighbours, the more throttled time. A rule that requires a
# time above 0 misses this cgroup, and the time per throttled period means little. pq tasks leaves %quota unknown there.
set -eu
for top in /sys/fs/cgroup /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct; do
	[ ! -e "$top/cpu.cfs_quota_us" ] && [ ! -e "$top/cgroup.controllers" ] || break
done
limited=$top/finding-limited
heavy=$top/finding-heavy
load=
finish() {
	[ -z "$load" ] || kill $load 2>/dev/null || :
	wait
	rmdir "$limited" "$heavy"
}
mkdir "$limited" "$heavy"
trap finish EXIT
if [ -e "$top/cgroup.controllers" ]; then
	echo +cpu >"$top/cgroup.subtree_control"
	echo "2000 100000" >"$limited/cpu.max"
	echo 10000 >"$heavy/cpu.weight"
else
	echo 100000 >"$limited/cpu.cfs_period_us"
	echo 2000 >"$limited/cpu.cfs_quota_us"
	echo 102400 >"$heavy/cpu.shares"
fi
uname -r
cpu=$(taskset -p $$ | awk '{ print $NF }')
cpu=$(printf '%x' $((0x$cpu & -0x$cpu)))
for group in "$heavy" "$limited"; do
	taskset "$cpu" sh -c 'echo $$ >"$0/cgroup.procs"; while :; do :; done' "$group" &
	load="$load $!"
	sleep 1
done
stat() {
	awk -v first="$1" -v second="$2" '$1 == first || $1 == second { print $2 }' "$limited/cpu.stat"
}
was=$(stat nr_throttled -)
time_was=$(stat throttled_time throttled_usec)
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	sleep 5
	n=$(($(stat nr_throttled -) - was))
	[ $n -lt 20 ] || break
done
ms=$((($(stat throttled_time throttled_usec) - time_was) / 1000))
[ -e "$top/cgroup.controllers" ] || ms=$((ms / 1000))
echo "throttled in $n periods, for $ms ms"
[ "$n" -ge 20 ] && [ "$ms" -lt "$n" ]
