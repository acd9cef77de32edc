#!/bin/sh
# perf of Debian 12 (package linux-perf 6.1.176-1) on Linux 6.18.44. Needs root.
#
# Input: perf sched record while two busy threads compete for one CPU for 2 s. perf sched latency and
# perf sched timehist read the same file.
# Expected: both name the same delays of these threads. Each is runnable all the time, and runs half of it.
# Seen: perf sched latency has the waits, such as a max delay of 4 ms. perf sched timehist has "sch delay"
# 0.000 in each line: it measures from a wake-up, and nobody wakes a thread that was preempted. The
# waits are in "wait time", together with the time that other threads sleep. So the thread that
# suffers most from a busy CPU has no delay there, and sorting by "sch delay" does not find it.
# pq trace text has the wait of a preempted thread in "sch delay", as /proc/PID/schedstat counts it.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
dir=$(mktemp -d)
load=
trap '[ -z "$load" ] || kill $load 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir" LC_ALL=C
apt-get -qq -o APT::Sandbox::User=root download linux-perf=6.1.176-1 >/dev/null
dpkg -x linux-perf_6.1.176-1_*.deb .
for i in 1 2; do
	taskset -c 0 sh -c 'while :; do :; done' &
	load="$load $!"
done
sleep 0.5
usr/bin/perf sched record -o data -- sleep 2 >/dev/null 2>&1
uname -r
for pid in $load; do
	usr/bin/perf sched latency -f -p -i data 2>/dev/null |
		awk -v pid="$pid" '$1 ~ ":" pid "$" { for (i = 1; i < NF; i++) if ($i == "max:") max = $(i + 1) }
			END { print "latency: max delay " (max + 0 > 1 ? "above" : "below") " 1 ms" }'
	usr/bin/perf sched timehist -f -i data --tid="$pid" 2>/dev/null |
		awk '$2 ~ /^\[/ && $1 + 0 > 0 { n++; if ($(NF - 1) > max) max = $(NF - 1); if ($(NF - 2) > wait) wait = $(NF - 2) }
			END { printf("timehist: %s lines, max sch delay %.3f, max wait time %s 1 ms\n", (n > 10 ? "many" : "few"), max, (wait > 1 ? "above" : "below")) }'
done >seen
cat seen
[ "$(cat seen)" = "latency: max delay above 1 ms
timehist: many lines, max sch delay 0.000, max wait time above 1 ms
latency: max delay above 1 ms
timehist: many lines, max sch delay 0.000, max wait time above 1 ms" ]
