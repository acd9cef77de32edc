#!/bin/sh
# Linux 6.18.44 with cgroup v1; 6.1.0-57, 6.12.117 and 7.3.4 of Debian do the same with v2. Needs root and a cpu controller;
# installs nothing.
#
# Input: a busy loop in a cgroup with a quota of 20 ms in 100 ms. Then root writes the same quota again, up to 100 times a second.
# Expected: 20 % of a CPU all the time. The kernel's documentation says that the quota is replenished in each period, and that
# an update of it ends a throttling; it does not say that an update replenishes the quota, or that the same value is an update.
# Seen: 20 %, and then more than twice as much. Each write gives the cgroup a whole new quota and lets it run at once, whatever it
# used before. So software that sets limits again on each pass (a controller that reconciles them, a reload of all units)
# weakens them, and a cgroup can use more than its quota without cpu.max.burst. The manual page of pq throttle says so.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
for top in /sys/fs/cgroup /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct; do
	if [ -e "$top/cpu.cfs_quota_us" ] || [ -e "$top/cgroup.controllers" ]; then break; fi
done
group=$top/finding-rewritten
load=
mkdir "$group"
finish() {
	[ -z "$load" ] || kill "$load" 2>/dev/null || :
	wait
	rmdir "$group"
}
trap finish EXIT
if [ -e "$top/cgroup.controllers" ]; then
	echo +cpu >"$top/cgroup.subtree_control"
	quota=$group/cpu.max value="20000 100000"
else
	quota=$group/cpu.cfs_quota_us value=20000
fi
echo "$value" >"$quota"
sh -c 'echo $$ >"$0/cgroup.procs"; while :; do :; done' "$group" &
load=$!
now() { awk '{ printf("%d\n", $1 * 100) }' /proc/uptime; }
used() { awk '{ print $14 + $15 }' "/proc/$load/stat"; }
uname -r
sleep 1
for writes in 0 600; do
	was=$(used) since=$(now)
	if [ $writes = 0 ]; then sleep 6; fi
	i=0
	while [ $i -lt $writes ]; do
		echo "$value" >"$quota"
		sleep 0.01
		i=$((i + 1))
	done
	percent=$((($(used) - was) * 100 / ($(now) - since)))
	echo "$writes writes: $percent % of a CPU"
	[ $writes = 0 ] && alone=$percent
done
[ "$alone" -le 24 ] && [ "$percent" -ge 40 ]
