# Perf events of one process: at which values of perf_event_paranoid an ordinary user has them, and what they say.
. /vm/lib.sh
mkdir jail jail/proc jail/bin jail/sys
cp /bin/pq /bin/guest jail/bin
mount --bind /proc jail/proc
mount --rbind /sys jail/sys
chmod 755 . jail

# nobody COMMAND…; a program, so that with & its pid is the command's.
cat >/bin/nobody <<END
#!/bin/sh
exec guest jail $PWD/jail 65534 "\$@"
END
chmod +x /bin/nobody

# paranoid N
paranoid() { echo "$1" >/proc/sys/kernel/perf_event_paranoid; }

# traced SECONDS: the process $pid, into the file x.trace; what pq says is in said.
traced() { nobody /bin/pq trace -p "$pid" -o - "$1" >x.trace 2>said; }

# ran FILE: the sum of run times in it, in ms.
ran() { pq trace text --json "$1" 2>/dev/null | sed -n 's/.*"run_ms":\([0-9.]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'; }

nobody /bin/guest burn 3 &
pid=$!
sleep 2
for value in -1 0 1 2; do
	paranoid $value
	traced 1
	is "paranoid $value: an ordinary user records a process of its own" $? 0
	check "paranoid $value: it has events" "$(pq trace info --json x.trace | sed 's/.*"events":\([0-9]*\).*/\1/') > 0"
done
for value in 3 4; do
	paranoid $value
	traced 1
	is "paranoid $value: Debian's kernels refuse it" $? 3
	says "paranoid $value: and pq says what helps" said "kernel.perf_event_paranoid is $value, .*sysctl kernel.perf_event_paranoid=2"
done
paranoid 2
echo 0 >/proc/sys/kernel/perf_event_mlock_kb
(ulimit -l 0 && traced 1)
is "without any locked memory it is refused" $? 3
says "and pq says why" said 'locked memory of this user is used up'
echo 16 >/proc/sys/kernel/perf_event_mlock_kb
(ulimit -l 0 && traced 1)
is "16 KiB suffice" $? 0
echo 516 >/proc/sys/kernel/perf_event_mlock_kb

# Three burners on two CPUs are preempted. What they ran before the first switch and after the last one is not known.
before=$(cat /proc/$pid/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }')
traced 4
after=$(cat /proc/$pid/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }')
ran=$(ran x.trace) counted=$(((after - before) / 1000000))
check "run times are what the kernel counts, but for the start of pq" "$ran <= $counted * 1.02 && $ran > $counted * 0.5"
check "threads that run are runnable when they stop" "$(pq trace text --json x.trace 2>/dev/null | grep -c '"state":"R"') > 10"
is "none of them blocks" "$(pq trace text --json x.trace 2>/dev/null | grep -c '"state":null')" 0
kill $pid

pid=1
traced 1
says "another user's process" said 'process 1 is of another user'
