#!/bin/sh
# Linux 6.18.44 with cgroup v1; 5.10.0-46, 6.1.0-56, 6.12.117, 6.17.13 and 7.3.4 of Debian do the same with v2.
# Needs root and a cpu controller; installs nothing.
#
# Input: a cgroup with a quota of 20 ms in 100 ms, in which one process works for about 1 ms, and
# then sleeps for half a second: ten times with its start and its end.
# Expected: nr_periods counts the periods in which the cgroup wanted to run: 10, as in the rest of
# the time it has no runnable task and its bandwidth timer is off.
# Seen: 18 to 20. The timer runs on for one period more after each burst, and only then finds the
# cgroup idle and stops; that empty period counts too. So nr_throttled / nr_periods stays below
# 50 % for requests of one period even if each of them is throttled, and an alert at that share
# never fires. pq why judges by lower shares.
set -eu
for top in /sys/fs/cgroup /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct; do
	[ ! -e "$top/cpu.cfs_quota_us" ] && [ ! -e "$top/cgroup.controllers" ] || break
done
group=$top/finding-idle-periods
mkdir "$group"
trap 'echo $$ >"$top/cgroup.procs"; rmdir "$group"' EXIT
if [ -e "$top/cgroup.controllers" ]; then
	echo +cpu >"$top/cgroup.subtree_control"
	echo "20000 100000" >"$group/cpu.max"
else
	echo 100000 >"$group/cpu.cfs_period_us"
	echo 20000 >"$group/cpu.cfs_quota_us"
fi
uname -r

# work_in_bursts GROUP: from inside the cgroup, once its quota timer has stopped.
work_in_bursts() {
	sh -c '
		echo $$ >"$0/cgroup.procs"
		for burst in 1 2 3 4 5 6 7 8; do
			sleep 0.5
			i=0
			while [ $i -lt 300 ]; do i=$((i + 1)); done
		done
		sleep 0.5' "$1"
}

work_in_bursts "$group"
periods=$(awk '/^nr_periods/ { print $2 }' "$group/cpu.stat")
echo "at most 10 bursts, $periods periods"
[ "$periods" -ge 15 ] && [ "$periods" -le 24 ]
