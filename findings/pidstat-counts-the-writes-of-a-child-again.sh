#!/bin/sh
# pidstat of sysstat 12.6.1 (Debian package sysstat 12.6.1-1) on Linux 6.18.44.
#
# Input: a shell starts a child, which writes 64 MiB to a disk and then sleeps. Then pidstat -d -p looks for 8 s at the
# shell, which only waits. In that time the child ends, without having written anything more.
# Expected: kB_wr/s 0. pidstat(1) calls it the kilobytes that the task has caused, or shall cause, to be written per second.
# Seen: 8192, all of the 64 MiB, for a process that wrote nothing in that time. When a process has waited for a child, the
# kernel adds the counters of the child in /proc/PID/io to its own, while CPU time and page faults of children have fields of
# their own. So pidstat counts a child's bytes twice, the second time in one interval, whenever they were written: after a
# long backup, its shell seems to write faster than any disk. pq why adds up the files of the threads,
# /proc/PID/task/TID/io, which do not include children.
set -eu
dir=$(mktemp -d -p /var/tmp)
shell=
trap '[ -z "$shell" ] || kill "$shell" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download sysstat=12.6.1-1 >/dev/null
dpkg -x sysstat_12.6.1-1_*.deb .
cat >shell.sh <<'END'
(
	dd if=/dev/zero of=file bs=1M count=64 conv=fsync 2>/dev/null
	: >written
	while [ ! -e end ]; do sleep 0.2; done
)
sleep 30 &
wait
END
sh shell.sh &
shell=$!
while [ ! -e written ]; do sleep 0.2; done
LC_ALL=C usr/bin/pidstat -V | head -1
LC_ALL=C usr/bin/pidstat -d -p "$shell" 8 1 >seen &
pidstat=$!
sleep 3
before=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$shell/io")
: >end
wait "$pidstat"
# Columns of an Average row: Average: UID PID kB_rd/s kB_wr/s kB_ccwr/s iodelay Command
awk -v before="$before" '$1 == "Average:" && $3 ~ /^[0-9]+$/ {
	printf("the shell wrote %d kB before its child ended; pidstat says %.0f kB in 8 s\n", before / 1024, $5 * 8)
	found = before < 1e6 && $5 * 8 > 64000 && $5 * 8 < 70000
}
END { exit !found }' seen
