#!/bin/sh
# pidstat of sysstat 12.6.1 (Debian package sysstat 12.6.1-1; 12.7.5 does the same)
#
# Input: a process whose first thread sleeps while three others compete for one CPU.
# Expected: the row of the process has the sum of its threads in %wait, as it has in %CPU. The
# manual page says that %wait is the time a task waited to run, and has no exception for -t.
# Seen: %CPU of the process is the sum over its threads, but %wait is that of the first thread alone:
# nearly 0, while each of the three threads waits two thirds of the time. So pq tasks and pidstat
# differ for processes with several threads: pq sums over all threads.
set -eu
dir=$(mktemp -d)
load=
trap '[ -z "$load" ] || kill "$load" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download sysstat=12.6.1-1 >/dev/null
dpkg -x sysstat_12.6.1-1_*.deb .
cat >load.c <<'END'
#include <pthread.h>
#include <unistd.h>

static void *
burn(void *none)
{
	for (volatile int on = 1; on;)
		;
	return none;
}

int
main(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, burn, NULL);
	sleep(30);
	return 0;
}
END
cc -O1 -pthread -o load load.c
taskset -c 0 ./load &
load=$!
sleep 1
LC_ALL=C usr/bin/pidstat -V | head -1
LC_ALL=C usr/bin/pidstat -t -p "$load" 4 1 >seen
grep '^Average' seen
# Columns of an Average row: Average: UID TGID TID %usr %system %guest %wait %CPU CPU Command
awk '$1 == "Average:" && $3 ~ /^[0-9]+$/ { process = $8; cpu = $9 }
$1 == "Average:" && $4 ~ /^[0-9]+$/ { threads += $8 }
END {
	print (cpu > 50 ? "uses its CPU" : "is idle"), (process < 10 ? "does not wait" : "waits")
	print "its threads", (threads > 100 ? "wait" : "do not wait")
}' seen >verdict
cat verdict
[ "$(cat verdict)" = "uses its CPU does not wait
its threads wait" ]
