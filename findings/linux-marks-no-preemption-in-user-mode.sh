#!/bin/sh
# Linux 6.18.44; 5.10.0-46, 6.1.0-57, 6.12.117 and 7.3.4 of Debian do the same. Needs root and tracefs;
# installs nothing.
#
# Input: two busy loops compete for one CPU for 2 s. The event sched_switch records when they leave it.
# Expected: prev_state=R+ each time. The kernel's header calls the state behind the + "preempted",
# neither loop ever gives up the CPU, and /proc/PID/status counts only nonvoluntary_ctxt_switches.
# Seen: prev_state=R, all or nearly all. The + says that the kernel's own code was preempted. A thread that runs in user
# mode is preempted as well, but on its way back from the interrupt it calls the scheduler itself, as
# sched_yield does. So R without + does not mean that a thread yielded, and most preemptions of a program
# have no +. pq trace text --json has P for R+, and R for both others: the event does not tell them apart.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
own=
top=/sys/kernel/tracing
if [ ! -e $top/instances ]; then
	own=$(mktemp -d)
	top=$own
	mount -t tracefs nodev "$top"
fi
trace=$top/instances/finding-preemption
mkdir "$trace"
load=
finish() {
	[ -z "$load" ] || kill $load 2>/dev/null || :
	rmdir "$trace"
	[ -z "$own" ] || { umount "$own"; rmdir "$own"; }
}
trap finish EXIT
filter=
for i in 1 2; do
	taskset 1 sh -c 'while :; do :; done' &
	load="$load $!"
	filter="${filter:+$filter || }prev_pid == $!"
done
sleep 0.5
counted() {
	for pid in $load; do cat "/proc/$pid/status"; done | awk -v key="$1:" '$1 == key { sum += $2 } END { print sum }'
}
echo 4096 >"$trace/buffer_size_kb"
echo "$filter" >"$trace/events/sched/sched_switch/filter"
echo 1 >"$trace/events/sched/sched_switch/enable"
yielded=$(counted voluntary_ctxt_switches) preempted=$(counted nonvoluntary_ctxt_switches)
sleep 2
yielded=$(($(counted voluntary_ctxt_switches) - yielded)) preempted=$(($(counted nonvoluntary_ctxt_switches) - preempted))
echo 0 >"$trace/events/sched/sched_switch/enable"
uname -r
cat "$trace/trace" | awk -v yielded="$yielded" -v preempted="$preempted" '
	match($0, /prev_state=[^ ]*/) { n[substr($0, RSTART + 11, RLENGTH - 11)]++; all++ }
	END { printf("voluntary switches: %d, others: %d; with R: %d, with R+: %d\n", yielded, preempted, n["R"], n["R+"])
		exit !(yielded == 0 && preempted > 50 && n["R"] > 0.7 * preempted && n["R+"] < 0.3 * preempted) }'
