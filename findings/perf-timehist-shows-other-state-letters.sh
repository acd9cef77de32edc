#!/bin/sh
# perf of Debian 12 (package linux-perf 6.1.176-1) on Linux 6.18.44. Needs root.
#
# Input: perf sched record while two threads compete for one CPU and processes end. perf script and
# perf sched timehist --state read the same file.
# Expected: both show the state in which a thread left the CPU by the same letter, that of proc(5):
# R is runnable, I an idle kernel thread, Z a zombie, W paging before Linux 2.6. The kernel describes
# the bits in the file itself (the print format of sched_switch), and adds + to R if the thread was preempted.
# Seen: perf script follows that description. perf sched timehist --state has a table of its own, of
# Linux before 4.14: the preempted thread (R+) is W, the idle kernel thread (I) is K, which is a sleep
# that only a fatal signal ends, and the zombie (Z) is X. So its letters are no evidence that a thread
# blocked, and pq trace text, which has the letters of proc(5), shows others for the same switches.
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
while :; do /bin/true; done &
load="$load $!"
usr/bin/perf sched record -o data -- sleep 2 >/dev/null 2>&1
kill $load
load=
uname -r
# both as "TIME THREAD STATE"
usr/bin/perf script -f -i data -F time,event,trace 2>/dev/null |
	sed -n 's/^ *\([0-9.]*\): .*prev_pid=\([0-9]*\) .*prev_state=\([^ ]*\) .*/\1 \2 \3/p' | sort -u >script
usr/bin/perf sched timehist -f -i data --state 2>/dev/null |
	sed -n 's/^ *\([0-9.]*\) \[[0-9]*\] .*\[\([0-9]*\)[0-9/]*\] .* \([A-Za-z]\) *$/\1 \2 \3/p' | sort -u >timehist
awk 'FNR == NR { state[$1 " " $2] = $3; next } ($1 " " $2) in state && state[$1 " " $2] != $3 { print state[$1 " " $2] " is shown as " $3 }' \
	script timehist | sort | uniq -c >counts
cat counts
sed 's/^ *[0-9]* //' counts >seen
[ "$(cat seen)" = "I is shown as K
R+ is shown as W
Z is shown as X" ]
