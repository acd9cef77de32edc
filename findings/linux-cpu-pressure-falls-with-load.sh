#!/bin/sh
# Linux 6.18.44; 5.10.0-46, 6.12.117 and 7.3.4 of Debian do the same (with 4 CPUs: 100 % with loops on one CPU, 50 % with loops on
# two, and 25 % with loops on all four, which this script does not try). Needs root, cgroup2 with PSI, two CPUs, taskset and chrt;
# installs nothing.
#
# Input: two busy loops share CPU 0, and nothing else runs in their cgroup. Then a third loop starts, on CPU 1, where it waits
# for nobody.
# Expected: "some" of cpu.pressure stays at 100 %. The kernel's documentation of PSI calls it the share of time in which at
# least some tasks are stalled on a resource, and one of the two loops waits at any time.
# Seen: 100 %, and then about 50 %. The kernel counts per CPU, and averages over the CPUs that are not idle. So more load
# lowers the pressure. A pressure of 100 % may mean one full CPU and 99 idle ones; on a busy machine, the same queue hardly shows.
# A threshold on CPU pressure finds pinned threads on an idle node and misses them on a full one. pq psi's manual page says so;
# pq runq counts the threads that wait.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$top/finding-pressure
load=
mkdir "$group"
finish() {
	[ -z "$load" ] || kill $load 2>/dev/null || :
	wait
	rmdir "$group"
}
trap finish EXIT
[ -e "$group/cpu.pressure" ] || { echo "no pressure files of cgroups here"; exit 2; }
# start CPU_MASK COMMAND...: first the cgroup, then the CPU, as joining a cgroup may reset it
start() {
	mask=$1
	shift
	"$@" sh -c 'echo $$ >"$0/cgroup.procs"; exec taskset "$1" sh -c "while :; do :; done"' "$group" "$mask" &
	load="$load $!"
}
some() { sed -n 's/^some .*total=//p' "$group/cpu.pressure"; }
uptime() { cut -d' ' -f1 /proc/uptime; }
# pressure [PID]: of about 5 s, in percent; and how much of them the process waited for its CPU
pressure() {
	sleep 1
	was=$(some) since=$(uptime) waited=$(cut -d' ' -f2 "/proc/${1:-$$}/schedstat")
	sleep 5
	awk -v us="$(($(some) - was))" -v ns="$(($(cut -d' ' -f2 "/proc/${1:-$$}/schedstat") - waited))" -v since="$since" -v now="$(uptime)" \
		'BEGIN { printf("%.0f %.0f\n", us / (now - since) / 10000, ns / (now - since) / 10000000) }'
}
uname -r
start 1 nice -n -20
start 1 nice -n -20
alone=$(pressure)
alone=${alone% *}
start 2 chrt -f 1 # so that it does not wait for other programs
for _ in 1 2 3 4 5; do
	more=$(pressure $!)
	waits=${more#* } more=${more% *}
	[ "$waits" -gt 50 ] || break
done
echo "two loops on one CPU: $alone %; with a third on another CPU, which waits $waits % of the time: $more %"
[ "$waits" -le 75 ] || { echo "too busy"; exit 2; }
expected=$(((100 + waits) / 2))
[ "$alone" -ge 85 ] && [ "$more" -le $((alone - 5)) ] && [ "$more" -ge $((expected - 12)) ] && [ "$more" -le $((expected + 12)) ]
