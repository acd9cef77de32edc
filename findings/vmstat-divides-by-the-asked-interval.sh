#!/bin/sh
# vmstat of procps-ng 4.0.2 (Debian package procps 2:4.0.2-3)
#
# Input: vmstat 1, which is stopped for 8 s after its first rows and then continued, as Ctrl-Z and fg do. In that time a
# program makes 40,000 context switches.
# Expected: cs in the next row is an average over the 9 s since the previous row, as in sar -w. vmstat(8) calls it the
# number of context switches per second.
# Seen: all of the 40,000 in one second: the growth is divided by the interval that was asked for, not by the time that went
# by. The same holds for in, si, so, bi and bo, and for anything that makes vmstat late: a CPU quota, a paused virtual
# machine, a busy CPU. So the rates are too high just when the machine is slow. pq divides by the time between its readings.
set -eu
dir=$(mktemp -d)
vmstat=
trap '[ -z "$vmstat" ] || kill -9 "$vmstat" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download procps=2:4.0.2-3 libproc2-0=2:4.0.2-3 >/dev/null
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH LC_ALL=C
usr/bin/vmstat -V
switches() { awk '$1 == "ctxt" { print $2 }' /proc/stat; }
: >seen
usr/bin/vmstat -n 1 >seen &
vmstat=$!
while [ "$(wc -l <seen)" -lt 4 ]; do sleep 0.1; done
kill -STOP "$vmstat"
rows=$(wc -l <seen)
was=$(switches)
# two processes that wake one another by a byte in a pipe, on one CPU
taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" python3 -c '
import os, time
(a, b), (c, d) = os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(b)
    while os.read(a, 1):
        os.write(d, b"x")
    os._exit(0)
for i in range(20000):
    os.write(b, b"x")
    os.read(c, 1)
os.close(b)
os.wait()'
sleep 8
kill -CONT "$vmstat"
n=$(($(switches) - was))
while [ "$(wc -l <seen)" -lt $((rows + 3)) ]; do sleep 0.1; done
# Columns of a row: r b swpd free buff cache si so bi bo in cs us sy id wa st
awk -v rows="$rows" -v n="$n" 'NR > rows && NR < rows + 3 && $12 > most { most = $12 }
END {
	printf("%d context switches in more than 8 s, cs up to %d per second\n", n, most)
	exit !(n > 40000 && most > 40000)
}' seen
