#!/bin/sh
# Linux 6.18.44, read with perf of Debian 12 (package linux-perf 6.1.176-1).
# Needs root, to make a set-user-ID program. nobody records with perf_event_paranoid at 2 or lower.
#
# Input: a process of nobody sleeps for 2 s, then executes a set-user-ID program that sleeps for 3 s.
# nobody records it with perf record -p, and root records the whole system, each with a dummy event.
# Expected: one PERF_RECORD_EXIT when the process ends. perf_event_open(2) calls that record "a process
# exit event".
# Seen: PERF_RECORD_EXIT 3 s early, at the exec, in both recordings. The kernel protects set-user-ID
# programs: it removes the events of the process itself as it does when a process ends, and writes
# the same record. nobody's recording has nothing after it, and perf record -p ends with status 0.
# The recording of the system has a second EXIT of the same process at its real end.
# So a reader of these records must not take EXIT for the end of a process: it should check whether
# the process still exists. pq trace without privilege does, and says that its recording ended early.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
dir=$(mktemp -d)
process=
system=
paranoid=$(cat /proc/sys/kernel/perf_event_paranoid)
finish() {
	echo "$paranoid" >/proc/sys/kernel/perf_event_paranoid
	for pid in $process $system; do kill "$pid" 2>/dev/null || :; done
	rm -rf "$dir"
}
trap finish EXIT
[ "$paranoid" -le 2 ] || echo 2 >/proc/sys/kernel/perf_event_paranoid
cd "$dir"
chmod 755 .
export HOME="$dir" LC_ALL=C
apt-get -qq -o APT::Sandbox::User=root download linux-perf=6.1.176-1 >/dev/null
dpkg -x linux-perf_6.1.176-1_*.deb .
cp "$(command -v sleep)" other
chown daemon other
chmod 4755 other
mkdir own
chown nobody own

as_nobody() {
	exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# exits RECORDING: for each EXIT of the process, how many seconds later it ended
exits() {
	usr/bin/perf script -f -i "$1" --ns --show-task-events |
		sed -n "s/.* \([0-9.]*\): PERF_RECORD_EXIT($process:.*/\1/p" |
		awk -v ended="$ended" '{ printf " %.0f", ended - $1 }'
}

set -- usr/bin/perf record -q -k realtime -e dummy:u
"$@" -a -o all -- sleep 7 &
system=$!
sleep 1
as_nobody sh -c 'sleep 2; exec ./other 3' &
process=$!
as_nobody "$@" --switch-events -p "$process" -o own/data &
own=$!
sleep 3.5
grep -q "^Uid:.$(id -u nobody).$(id -u daemon)" "/proc/$process/status" ||
	{ echo "this file system ignores the set-user-ID bit"; exit 2; }
wait "$process"
ended=$(date +%s.%N)
wait "$own"
wait "$system"
uname -r
echo "recorded by nobody: EXIT this many seconds before the end:$(exits own/data)" >seen
echo "recorded by root, the whole system:$(exits all)" >>seen
cat seen
[ "$(cat seen)" = "recorded by nobody: EXIT this many seconds before the end: 3
recorded by root, the whole system: 3 0" ]
