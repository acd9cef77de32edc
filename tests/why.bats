#!/usr/bin/env bats
# pq why: which causes it finds, and which it does not.
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

setup() {
	samples why
}

# answers STATUS RULES OPTIONS…: the rules of the findings, in order, with blanks between them; "" for none.
answers() {
	run --separate-stderr "$PQ" why --json "${@:3}"
	echo "$status: $output $stderr"
	[ "$status" -eq "$1" ]
	[ "$(json -r '[.findings[].rule] | join(" ")')" = "$2" ]
}

# An idle machine of 4 CPUs.
every_sample() {
	mkdir -p "$now/proc/pressure" "$now/sys/devices/system/cpu"
	echo "0.10 0.10 0.10 1/200 4000" >"$now/proc/loadavg"
	echo 0-3 >"$now/sys/devices/system/cpu/online"
	cpus $((100 * ($1 + 1))) 0 0 0 0
}

# cpus IDLE USER0 SOFT0 STEAL USER: clock ticks of each CPU; CPU 0 has its own user and soft time.
cpus() {
	local i
	{
		echo "cpu  $(($2 + 3 * $5)) 0 0 $(($1 * 4 - $2 - $3)) 0 0 $3 $(($4 * 4)) 0 0"
		echo "cpu0 $2 0 0 $(($1 - $2 - $3)) 0 0 $3 $4 0 0"
		for i in 1 2 3; do echo "cpu$i $5 0 0 $(($1 - $5)) 0 0 0 $4 0 0"; done
		echo "processes 4000"
		echo "procs_blocked 0"
	} >"$now/proc/stat"
}

@test "a quota is found: its numbers, its cgroup, and what to do" {
	for kernel in 5.10-v1 5.10-v2 6.1-v2 6.1-hybrid; do
		answers 2 throttled -f "$(capture $kernel-throttled)"
		[ "$(json -r '.findings[0].confidence')" = high ]
		[[ $(json -r '.findings[0].evidence[0]') =~ "throttled in 2"[12]" of 2"[12]" periods; "[0-9.]+" CPUs of demand unmet; limit 0.20 CPUs ("[0-9]+" % used), set on this cgroup" ]]
		[[ $(json -r '.findings[0].advice') == "run at most 1 worker thread (for Go: GOMAXPROCS=1) or raise the quota; see: pq throttle -f $(capture $kernel-throttled) -a 1" ]]
	done
}

@test "the commands in the advice read the recording that was judged" {
	ln -s "$(capture 6.1-v2-throttled)" "$BATS_TEST_TMPDIR/it's one"
	cd "$BATS_TEST_TMPDIR"
	answers 2 throttled -f "it's one"
	advice=$(json -r '.findings[0].advice')
	[[ $advice == *"see: pq throttle -f 'it'\\''s one' -a 1" ]]
	eval "\"$PQ\" ${advice#*see: pq }" | grep -q /web
}

@test "a quota with unknown usage is found, and usage is left out" {
	cp -r "$(capture 6.1-v1-throttled)" "$dir"
	find "$dir" -name 'cpuacct.*' -delete
	answers 2 throttled -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == *"demand unmet; limit 0.20 CPUs, set on this cgroup" ]]
	[[ $output != *nan* ]]
}

@test "an unreadable quota is found by its throttled periods, without a number" {
	cp -r "$(capture 6.1-v2-throttled)" "$dir"
	for at in 0 1; do
		rm "$dir/t$at/sys/fs/cgroup/web/cpu.max"
		echo "13 Permission denied" >"$dir/t$at/sys/fs/cgroup/web/cpu.max.errno"
	done
	answers 2 throttled -g /web -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == *" CPUs of demand unmet; limit unknown" ]]
	[ "$(json -r '.findings[0].advice')" = "raise the quota; see: pq throttle -f $dir -g /web 1" ]
}

@test "the command in the fix has the whole name of a Kubernetes cgroup" {
	local parent=/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod01234567_89ab_cdef_0123_456789abcdef.slice
	local scope=cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope at
	cp -r "$(capture 6.1-v2-throttled)" "$dir"
	for at in "$dir"/t?; do
		mkdir -p "$at/sys/fs/cgroup$parent"
		mv "$at/sys/fs/cgroup/web" "$at/sys/fs/cgroup$parent/$scope"
	done
	answers 2 throttled -g "$parent/$scope" -f "$dir"
	[[ $(json -r '.findings[0].advice') == *"; see: pq throttle -f $dir -g $parent/$scope 1" ]]
}

@test "threads use up a quota no faster than the CPUs run" {
	answers 2 throttled -g /web -f "$(capture 6.1-v2-throttled)"
	[[ $(json -r '.findings[0].evidence[1]') == "on average 2.9 of its threads want to run; together they use up the quota in about the first 7 % of each period" ]]
	cp -r "$(capture 6.1-v2-throttled)" "$dir"
	sed -i '/^cpu[1-9]/d' "$dir"/t?/proc/stat
	answers 2 throttled -g /web -f "$dir"
	[[ $(json -r '.findings[0].evidence[1]') == *"in about the first 20 % of each period" ]]
}

@test "a quota of a parent cgroup is named" {
	answers 2 throttled -f "$(capture 6.1-v2-nested-parent-limited)"
	[[ $(json -r '.findings[0].what') == *"/par" ]]
}

@test "pressure of disks and of memory above memory.high is found" {
	answers 2 io-pressure -f "$(capture 6.1-v2-io)"
	answers 2 memory-high -f "$(capture 6.1-v2-memory-high)"
	[ "$(json -r '.findings[0].what')" = "Slowed down above memory.high: /mh" ]
}

@test "'nothing found' names what could not be checked" {
	answers 0 "" -f "$(capture 6.1-v2-idle)"
	[ "$(json '[.verdict, (.unknown | map(.tool) | index("tasks") != null)]')" = '["ok",true]' ]
	run --separate-stderr "$PQ" why -f "$(capture 6.1-v2-idle)"
	[ "${lines[0]}" = "Nothing found in what could be checked in 2.1 s: CPUs, run queue, CPU quotas, memory, pressure." ]
	[[ $output == *"Not checked, or only partly:"*"tasks: no process is visible in /proc"* ]]
}

@test "if nothing could be checked, the verdict is unknown" {
	sample "$dir/t0" 1000000000
	sample "$dir/t1" 2000000000
	answers 3 "" -f "$dir"
	[ "$(json -r .verdict)" = unknown ]
	run --separate-stderr "$PQ" why -f "$dir"
	[ "$status" -eq 3 ]
	[ "${lines[0]}" = "Nothing could be checked." ]
}

# idle_at N: the CPUs of sample N have been idle.
idle_at() {
	now=$dir/t$1
	cpus $((100 * ($1 + 1))) 0 0 0 0
}

@test "hidden processes or a hidden run queue make the verdict unknown if the CPUs are busy" {
	local at
	for at in 0 1; do
		at $at; cpus $((100 * (at + 1))) $((at * 70)) 0 0 $((at * 70))
		memory 20 10 0 0 0
		put_at t$at proc/1/stat "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0"
		put_at t$at proc/1/task/1/stat "$(cat "$now/proc/1/stat")"
		put_at t$at proc/1/task/1/schedstat "9 9 9"
		put_at t$at proc/self/status 'Gid: 100 100 100 100' 'Groups: 100' 'CapEff: 0000000000000000'
	done
	answers 0 "" -f "$dir"
	json_is '[.checked, (.unchecked | map(.question))]' '[["CPUs","run queue","processes","CPU quotas","memory"],["pressure","sockets"]]'
	echo "22 1 0:20 / /proc rw,nosuid - proc proc rw,gid=7,hidepid=invisible" | tee -a "$dir"/t?/proc/self/mountinfo
	answers 3 "" -f "$dir"
	json_is '.unchecked[0]' '{"question":"processes","needed":true,"reason":"processes of other users are hidden: /proc is mounted with hidepid=invisible"}'
	run --separate-stderr "$PQ" why -f "$dir"
	[ "${lines[0]}" = "Nothing found in what could be checked in 1.0 s: CPUs, run queue, CPU quotas, memory." ]
	[ "${lines[1]}" = "The verdict is unknown without: processes." ]
	sed -i 's/^Groups.*/Groups: 7/' "$dir"/t?/proc/self/status # the group that sees all
	answers 0 "" -f "$dir"
	sed -i 's/^Groups.*/Groups: 100/; s/^CapEff.*/CapEff: 0000000000080000/' "$dir"/t?/proc/self/status # CAP_SYS_PTRACE
	answers 0 "" -f "$dir"
	rm "$dir"/t?/proc/loadavg
	answers 3 "" -f "$dir"
	json_is '.unchecked | map(select(.needed) | .question)' '["run queue"]'
	idle_at 0; idle_at 1
	answers 0 "" -f "$dir" # idle CPUs have no queue
}

@test "files that subset=pid hides are not blamed on the kernel" {
	at 0; rm -r "$now/proc/loadavg" "$now/proc/pressure" "$now/proc/stat"
	at 1; rm -r "$now/proc/loadavg" "$now/proc/pressure" "$now/proc/stat"
	echo "22 1 0:20 / /proc rw,nosuid - proc proc rw,subset=pid" | tee -a "$dir"/t?/proc/self/mountinfo
	answers 3 "" -f "$dir"
	for tool in runq cpu psi; do
		[[ $(json -r ".unknown[] | select(.tool == \"$tool\") | .reason") == *"subset=pid"* ]]
	done
	[[ $output != *CONFIG_* ]]
	fails 3 "cannot read /proc/loadavg: No such file or directory \(/proc is mounted with subset=pid\)" "$PQ" runq -f "$dir"
}

# life STATE THREADS [EXIT_CODE]: of process 42, whose parent is 7, in the sample $now.
life() {
	mkdir -p "$now/proc/42" "$now/proc/7"
	echo "42 (web) $1 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 $2 0 500 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 ${3:-0}" >"$now/proc/42/stat"
	echo "7 (super) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0" >"$now/proc/7/stat"
	echo "100.00 1.00" >"$now/proc/uptime"
	process 42 /
}

@test "a zombie, a stopped process and one that ends are called that" {
	local at
	for at in 0 1; do at $at; life Z 1 256; done
	answers 1 zombie -p 42 -f "$dir"
	json_is '.findings[0].evidence' '["it had exited before it was watched (state Z); it began 95 s before","its exit status is 1","its parent super (pid 7) has not waited for it"]'
	for at in 0 1; do at $at; life Z 3; done # only the first thread has exited
	run "$PQ" why --json -p 42 -f "$dir"
	[[ $output != *zombie* ]]
	for at in 0 1; do at $at; life T 1 19; done
	answers 2 stopped -p 42 -f "$dir"
	json_is '.findings[0].evidence' '["it was stopped in 100 % of 2 samples (state T)","signal 19 stopped it"]'
	for at in 0 1; do at $at; life t 1; put_at t$at proc/42/status 'TracerPid: 7'; done
	answers 2 stopped -p 42 -f "$dir"
	json_is '.findings[0].evidence[1]' '"it is traced by super (pid 7)"'
	for at in 0 1 2; do at $at; life S 1; done
	rm -r "$dir/t2/proc/42"
	answers 1 ended -p 42 -f "$dir"
	json_is '.findings[0].evidence' '["it ended after 2.0 s"]'
}

@test "unknown figures stand in no sentence" {
	local at
	at 0; at 1; cpus 200 100 0 0 0
	put_at t0 proc/meminfo "MemTotal: 4000000 kB"; put_at t1 proc/meminfo "MemTotal: 4000000 kB"
	sed -i '/procs_blocked/d' "$dir"/t?/proc/stat
	for at in 0 1; do
		printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' $((at * 800000)) >"$dir/t$at/proc/pressure/io"
	done
	run --separate-stderr "$PQ" why --json -f "$dir"
	echo "$output"
	[ "$(json '[.findings[].rule]')" = '["one-hot-cpu","io-pressure"]' ] || [ "$(json '[.findings[].rule]')" = '["io-pressure","one-hot-cpu"]' ]
	[[ $(json '[.findings[].evidence]') != *nan* && $(json '[.findings[].evidence]') != *blocked* && $(json '[.findings[].evidence]') != *"all non-idle"* ]]
	[ "$(json -r '.findings[] | select(.rule == "io-pressure") | .evidence[0]')" = "some task waited for I/O 80 % of the time (whole machine)" ]
}

# wrote FILE BYTES: what a thread or process has written until the sample $now.
wrote() {
	mkdir -p "$now/proc/${1%/*}"
	printf 'read_bytes: 4096\nwrite_bytes: %s\ncancelled_write_bytes: 0\n' "$2" >"$now/proc/$1"
}

@test "the process that wrote most is told by its threads: not one that waited for a child that wrote" {
	local at pid
	for at in 0 1; do
		at $at
		put_at t$at proc/pressure/io "some avg10=0.00 avg60=0.00 avg300=0.00 total=$((at * 800000))"
		for pid in 42 50; do put_at t$at proc/$pid/stat "$pid (name$pid) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0"; done
		wrote 42/io $((at * 900000000))
		wrote 42/task/42/io 0
		wrote 50/io 1000000000
		wrote 50/task/50/io $((at * 2000000))
	done
	wrote 50/task/51/io 3000000 # it began since
	answers 1 io-pressure -f "$dir"
	echo "$output"
	json_is '.findings[0].evidence | map(select(contains("most")))' '["name50 (pid 50) read and wrote most: 5.0 MB/s"]'
	for at in 0 1; do rm -r "$dir"/t$at/proc/{42,50}/task; done
	answers 1 io-pressure -f "$dir"
	json_is '.findings[0].evidence | map(select(contains("most")))' '[]'
}

@test "live: with hidepid=2, each tool says that processes are hidden, and check is unknown" {
	need_nobody
	[ "$(id -u)" -eq 0 ] || skip "not root"
	unshare -m --propagation private -p -f --mount-proc mount -t proc -o hidepid=2 proc /proc 2>/dev/null || skip "cannot mount proc"
	# shellcheck disable=SC2016 # it is the inner shell's
	unshare -m --propagation private -p -f --mount-proc sh -c '
		mount -t proc -o hidepid=2 proc /proc || exit 9
		sh -c "while :; do :; done" & busy=$!
		for a in "tasks 1 1" "tasks -G 1 1" "runqlat --source schedstat 1 1" "wait 1 1" "check tasks.cpu_pct>50" "why --json 1" "wait -p 1 1 1" "throttle -p 1 1 1" "tasks -p 1 1 1" "limits -p 1"; do
			setpriv --reuid=65534 --regid=65534 --clear-groups "$1" $a >"$2/out" 2>&1
			echo "$? $(grep -c hidepid= "$2/out") $a"
		done
		kill $busy' _ "$BATS_TEST_TMPDIR/pq-nobody" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/all"
	cat "$BATS_TEST_TMPDIR/all"
	diff - <(grep -v why "$BATS_TEST_TMPDIR/all") <<-'END'
		0 1 tasks 1 1
		0 1 tasks -G 1 1
		0 1 runqlat --source schedstat 1 1
		0 1 wait 1 1
		3 2 check tasks.cpu_pct>50
		3 1 wait -p 1 1 1
		3 1 throttle -p 1 1 1
		3 1 tasks -p 1 1 1
		3 1 limits -p 1
	END
	grep -q '^[123] 1 why' "$BATS_TEST_TMPDIR/all" # the CPU of the loop is busy
}

@test "one hot CPU is found; if softirqs fill it, interrupts" {
	at 0
	at 2; cpus 300 199 0 0 0
	answers 1 one-hot-cpu -f "$dir"
	[ "$(json '.findings[0].evidence | length')" -eq 1 ] # no process was seen
	[[ $(json -r '.findings[0].evidence[0]') == "CPU 0 is 100 % busy; the others are 0 % busy on average" ]]
	cpus 300 20 120 0 20
	answers 1 interrupts -f "$dir"
}

@test "steal is found" {
	at 0
	at 2; cpus 240 0 0 60 0
	answers 1 steal -f "$dir"
}

@test "busy CPUs with a long run queue are found; busy CPUs alone are not" {
	at 0; cpus 100 0 0 0 0; echo "9.00 9.00 9.00 13/200 4000" >"$now/proc/loadavg"
	at 1; cpus 200 100 0 0 100; echo "9.00 9.00 9.00 13/200 4000" >"$now/proc/loadavg"
	answers 2 cpu-saturated -f "$dir"
	[ "$(json -c '.findings[0].evidence')" = '["the CPUs are 100 % busy","the run queue, sampled, has 12.0 running or waiting tasks on average for 4 CPUs"]' ]
	for at in 0 1; do # a process whose waits are unknown
		put_at t$at proc/42/stat "42 (web) R 1 42 42 0 -1 0 0 0 0 0 $((at * 90)) 0 0 0 20 0 1 0 500 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0"
	done
	answers 2 cpu-saturated -f "$dir"
	echo "4.00 4.00 4.00 5/200 4000" >"$dir/t0/proc/loadavg"
	echo "4.00 4.00 4.00 5/200 4000" >"$dir/t1/proc/loadavg"
	answers 3 "" -f "$dir" # memory is unknown
}

@test "waits for a quota are named beside waits for busy CPUs" {
	local at
	for at in 0 1; do
		at $at; cpus $((100 * (at + 1))) $((at * 100)) 0 0 $((at * 100))
		echo "9.00 9.00 9.00 13/200 4000" >"$now/proc/loadavg"
		process 42 /web
		cpu_group /web "20000 100000" $((at * 190000)) $((at * 10)) $((at * 10)) $((at * 500000))
		echo 42 >"$group/cgroup.procs"
		put_at t$at proc/42/stat "42 (web) R 1 42 42 0 -1 0 0 0 0 0 $((at * 19)) 0 0 0 20 0 1 0 500 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0"
		put_at t$at proc/42/task/42/stat "$(cat "$now/proc/42/stat")"
		put_at t$at proc/42/schedstat "$((at * 190000000)) $((at * 800000000)) 9"
		put_at t$at proc/42/task/42/schedstat "$(cat "$now/proc/42/schedstat")"
	done
	answers 2 "throttled cpu-saturated-by-others" -g /web -f "$dir"
	[ "$(json -r '.findings[1].evidence[0]')" = "it used 0.19 CPUs; on average 0.80 of its threads were runnable but waiting for a CPU or for quota" ]
}

# memory USED ANON REFAULTS MAX KILLED: of the one cgroup, /web, with a limit of 64 MiB; MiB, then counts.
memory() {
	group /web
	printf "MemTotal: 4000000 kB\nMemFree: 3000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n" >"$now/proc/meminfo"
	touch "$now/sys/fs/cgroup/cgroup.controllers"
	echo 67108864 >"$group/memory.max"
	echo $(($1 << 20)) >"$group/memory.current"
	echo 0 | tee "$group/memory.swap.current" >"$group/memory.swap.max"
	printf "%s 0\n" active_file slab_reclaimable shmem kernel sock workingset_refault_anon >"$group/memory.stat"
	printf 'anon %s\nfile %s\ninactive_file %s\nworkingset_refault_file %s\npgmajfault %s\n' $(($2 << 20)) $((($1 - $2) << 20)) \
		$((($1 - $2) << 20)) "$3" "$3" >>"$group/memory.stat"
	printf 'low 0\nhigh 0\nmax %s\noom %s\noom_kill %s\n' "$4" "$5" "$5" >"$group/memory.events"
}

@test "memory at its limit, thrashing page cache and OOM kills are found; page cache alone is not" {
	at 0; memory 64 60 0 0 0
	at 1; memory 64 60 500 30 0
	answers 1 memory-limit -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = "60 MiB of 64 MiB (94 %) is unreclaimable" ]
	[ "$(json -r '.findings[0].evidence[1]')" = "usage reached the limit 30 times" ]
	at 0; memory 64 10 0 0 0
	at 1; memory 64 10 500 30 0
	answers 1 page-cache -f "$dir"
	memory 64 10 0 30 0
	answers 0 "" -f "$dir"
	memory 64 10 0 0 2
	answers 2 oom-kill -f "$dir"
}

# stalled MICROSECONDS: how long tasks of the cgroup stalled on memory, some and all.
stalled() {
	printf '%s avg10=0.00 avg60=0.00 avg300=0.00 total='"$1"'\n' some full >"$group/memory.pressure"
}

@test "stalls stand in the evidence only where the kernel counts them" {
	at 0; memory 64 60 0 0 0; stalled 0
	at 1; memory 64 60 500 30 0; stalled 80000
	answers 1 memory-limit -f "$dir"
	[ "$(json -c '.findings[0].evidence[1:]')" = '["usage reached the limit 30 times","tasks stalled on memory 8 % of the time"]' ]
	rm "$dir"/t?/sys/fs/cgroup/web/memory.pressure
	answers 1 memory-limit -f "$dir"
	[ "$(json -c '.findings[0].evidence[1:]')" = '["usage reached the limit 30 times"]' ]
	sed -i 's/^max .*/max 0/; s/^high .*/high 40/' "$dir/t1/sys/fs/cgroup/web/memory.events"
	answers 1 memory-high -f "$dir"
	[ "$(json -c '.findings[0].evidence')" = '["it was forced to reclaim memory 40 times","60 MiB of the 64 MiB that it uses are unreclaimable"]' ]
}

@test "kills are counted in the cgroup that the evidence names" {
	at 0; memory 64 10 0 0 0; echo "oom_kill 5" >"$now/proc/vmstat"
	at 1; memory 64 10 0 0 2; echo "oom_kill 8" >"$now/proc/vmstat"
	answers 2 oom-kill -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = "the OOM killer killed 2 processes in /web" ]
}

@test "growing memory is found with the time to its limit; memory that shrinks once is not" {
	at 0; memory 20 10 0 0 0
	at 1; memory 24 14 0 0 0
	at 2; memory 28 18 0 0 0
	at 3; memory 32 22 0 0 0
	answers 2 memory-growth -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == "unreclaimable memory grew by 8 MiB in 2 s; at that rate it reaches the limit in 1"?" s" ]]
	at 2; memory 20 10 0 0 0
	answers 0 "" -f "$dir"
}

# ---- What the threads of a process do

SLEEP='230 0x0 0x0 0x7ffd0 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
PAUSE='34 0x0 0x0 0x0 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
READ='0 0x3 0x7f43b5382000 0x20000 0x0 0x0 0x0 0x7fff3a3aa978 0x7f43b54fc2ad'
LOCK='202 0x7fff0 0x80 0x2 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
MUSL_LOCK='202 0x7fff0 0x80 0x80000009 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
WORKER='202 0x7fff0 0x189 0x0 0x0 0x0 0xffffffff 0x7fff3dde69d8 0x7fcf0a670503'
IDLE_SELECT='23 0x0 0x0 0x0 0x0 0x7ffd0 0x0 0x7fff3dde69d8 0x7fcf0a670503'

# thread TID STATE RUN_MS DELAY_MS SWITCHES CALL WCHAN: a thread of process 7 in the sample $now, as the kernel shows it.
thread() {
	local task=$now/proc/7/task/$1 stat
	mkdir -p "$task/fd"
	stat="$1 (web) $2 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 9 0 1516 2240512 2 1 1 1 1 0 0 0 0 0 0 0 0 0 17 0 0 0 0"
	echo "$stat" >"$task/stat"
	[ "$1" -ne 7 ] || echo "$stat" >"$now/proc/7/stat"
	printf '%s000000 %s000000 %s\n' "$3" "$4" "$5" >"$task/schedstat"
	printf 'voluntary_ctxt_switches:\t%s\nnonvoluntary_ctxt_switches:\t0\nCpus_allowed_list:\t%s\n' "$5" "${allowed:-0-3}" >"$task/status"
	printf '%s\n' "$6" >"$task/syscall"
	printf '%s' "$7" >"$task/wchan"
}

# tenth N: begins sample N, a tenth of a second after the one before; process 7 is in /web.
tenth() {
	at "$1"
	printf '%s 1790000000000000000\n' $((1000000000 + $1 * 100000000)) >"$now/clock"
	facts
	cpus $((100 + 10 * $1)) 0 0 0 0
	process 7 /web
}

@test "a lock for which threads wait is found; workers that wait for work are not" {
	local i call
	for call in "$LOCK" "$MUSL_LOCK" "$WORKER"; do
		rm -rf "$dir"
		for i in 0 1 2 3 4 5 6 7 8 9; do
			tenth "$i"
			thread 7 S 1 1 1 "$PAUSE" __do_sys_pause
			thread 8 R $((i * 90)) $i $((i + 1)) running 0
			# each of them has the lock now and then
			thread 9 S $((1 + i / 4)) 1 $((1 + i / 4)) "$call" futex_do_wait
			thread 10 S $((1 + (i + 2) / 4)) 1 $((1 + (i + 2) / 4)) "$call" futex_do_wait
		done
		if [ "$call" = "$WORKER" ]; then
			answers 3 "" -p 7 -f "$dir"
			continue
		fi
		answers 1 lock-contention -p 7 -f "$dir"
		[[ $(json -r '.findings[0].evidence[0]') == "on average 2.0 of its 4 threads wait for the same lock, lock:[0x7fff0]" ]]
		[ "$(json -r '.findings[0].confidence')" = high ]
		# recordings hold no stacks
		[[ $(json -r '.findings[0].advice') == *"find the code that takes it with: pq wait -f $dir -t -p 7 1" ]]
	done
}

@test "a thread that works and sleeps in between is found; a daemon that only looks around is not" {
	local i work call
	for work in 2 0; do
		for call in "$SLEEP" "$IDLE_SELECT"; do
			rm -rf "$dir"
			for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
				tenth "$i"
				thread 7 S $((1 + i * work + i / 20)) 1 $((1 + i)) "$call" hrtimer_nanosleep
			done
			if [ "$work" -eq 0 ]; then
				answers 3 "" -p 7 -f "$dir"
				continue
			fi
			answers 1 sleeping -p 7 -f "$dir"
			[[ $(json -r '.findings[0].evidence[0]') == "thread web (TID 7) spent "[5-9]?" % of its time in "* ]]
			[ "$(json -r '.findings[0].confidence')" = low ]
		done
	done
}

@test "of blocked threads, the one that waits for a file or a lock is named" {
	local i
	for i in 0 1 2 3 4; do
		tenth "$i"
		thread 7 S 1 1 1 "$PAUSE" __do_sys_pause
		thread 8 S 1 1 1 "$READ" anon_pipe_read
		ln -s 'pipe:[4242]' "$now/proc/7/task/8/fd/3"
	done
	answers 1 blocked -p 7 -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = "thread web (TID 8) was blocked 100 % of its time in read, waiting on pipe:[4242]" ]
	for i in 0 1 2 3 4; do
		tenth "$i"
		thread 8 S 1 1 1 "$LOCK" futex_do_wait
	done
	answers 1 blocked -p 7 -f "$dir" # all wait for good: a deadlock
	[[ $(json -r '.findings[0].evidence[0]') == *"in futex, waiting on lock:[0x7fff0]" ]]
}

@test "stopped threads of a cgroup are found" {
	local i
	for i in 0 1 2; do
		tenth "$i"
		group /web
		echo 7 >"$group/cgroup.procs"
		thread 7 T 1 1 1 "$PAUSE" do_signal_stop
	done
	answers 2 stopped -g /web -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = "on average 1.0 of its 1 threads were stopped" ]
}

# facts: what the samples share.
facts() {
	printf 'machine x86_64\nticks 100\n' >"$dir/facts"
}

# queue ALLOWED USER0 USER OWN_RUN OWN_DELAY OTHERS_DELAY: a second in which each thread of process 7 ($threads) ran
# and waited so long, in ms, and each of six other processes waited.
queue() {
	local i t allowed=$1
	rm -rf "$dir"
	for i in 0 1; do
		at $i
		cpus $((100 + 100 * i)) $((i * $2)) 0 0 $((i * $3))
		process 7 /web
		for t in $threads; do thread "$t" R $((1 + i * $4)) $((1 + i * $5)) $((1 + i)) running 0; done
		for t in 42 43 44 45 46 47; do
			put_at t$i proc/$t/stat "$t (batch) R 1 $t $t 0 -1 0 0 0 0 0 $((i * 90)) 0 0 0 20 0 1 0 500 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0"
			put_at t$i proc/$t/task/$t/stat "$(cat "$now/proc/$t/stat")"
			put_at t$i proc/$t/schedstat "$((i * 100000000)) $((i * $6))000000 $((9 + i))"
			put_at t$i proc/$t/task/$t/schedstat "$(cat "$now/proc/$t/schedstat")"
		done
		echo "9.00 9.00 9.00 ${7:-9}/200 4000" >"$now/proc/loadavg"
	done
}

@test "whose threads are queued decides whether a process waits for itself or for others" {
	local threads="7 8 9 10 11 12"
	queue 0-3 10 10 100 900 100 4 # idle, but they all wake up at once
	answers 2 cpu-saturated-by-itself -p 7 -f "$dir"
	threads="7 8 9"
	queue 0-3 100 100 10 980 900 9
	answers 2 cpu-saturated-by-others -p 7 -f "$dir"
	queue 1 0 100 330 660 900 9 # pinned to one CPU: others cannot be in the way there
	answers 2 cpu-saturated-by-itself -p 7 -f "$dir"
	[ "$(json -r '.findings[0].evidence[1]')" = "its affinity allows 1 of 4 CPUs (1), which are 100 % busy" ]
}

@test "waits are not blamed on others while it is unknown how much of them is for quota" {
	local threads="7 8 9 10 11 12" at
	queue 0-3 10 10 100 900 100 4
	for at in t0 t1; do
		put_at $at sys/fs/cgroup/web/cgroup.procs 7
		put_at $at sys/fs/cgroup/web/cgroup.type domain
		put_at $at sys/fs/cgroup/web/cpu.max "20000 100000"
		put_at $at sys/fs/cgroup/web/cpu.stat.errno "13 Permission denied"
	done
	cp -r "$dir" /tmp/keepdir; 	run --separate-stderr "$PQ" why -p 7 -f "$dir" --json
	[ "$(json '[.findings[].rule | select(startswith("cpu-saturated") or . == "wait-beside-idle")]')" = "[]" ]
}

@test "a group whose every single request is throttled shows 33 %, and that is critical" {
	local i
	for i in 0 2; do
		at $i
		cpu_group /web "20000 100000" $((i * 73500)) $((i * 21 / 2)) $((i * 7 / 2)) $((i * 175000))
	done
	answers 2 throttled -g /web -f "$dir"
	[[ $(json -r '.findings[0].evidence[1]') == "held back 50 ms per throttled period; Linux counts an idle period after each burst"* ]]
	cpu_group /web "20000 100000" 42000 15 1 15000 # a rare request
	answers 1 throttled -g /web -f "$dir"
	cpu_group /web "20000 100000" 42000 15 1 5000
	answers 3 "" -g /web -f "$dir"
}

@test "memory.high is found by its events; page cache alone is not" {
	at 0; memory 64 60 0 0 0
	at 1; memory 64 60 0 0 0
	sed -i 's/^high .*/high 500/' "$group/memory.events"
	answers 1 memory-high -f "$dir"
	[ "$(json -r '.findings[0].what')" = "Slowed down above memory.high: /web" ]
	memory 64 10 0 0 0
	sed -i 's/^high .*/high 500/' "$group/memory.events"
	answers 0 "" -f "$dir"
}

@test "with a target, its findings come first, and growth of the machine's memory is none of them" {
	local i
	for i in 0 1 2 3 4; do
		at $i
		cpus $((80 * (i + 1))) 0 0 $((i * 20)) 0
		process 7 /web
		thread 7 S 1 1 1 "$PAUSE" __do_sys_pause
		thread 8 S 1 1 1 "$READ" anon_pipe_read
		facts
		printf '%s kB\n' "MemTotal: 4000000" "MemFree: $((2000000 - i * 90000))" "AnonPages: $((2000000 + i * 90000))" "Active(anon): 0" \
			"Inactive(anon): 0" "Active(file): 0" "Inactive(file): 0" "Buffers: 0" "Cached: 0" "SwapCached: 0" "Shmem: 0" \
			"SReclaimable: 0" "SUnreclaim: 0" "SwapTotal: 0" "SwapFree: 0" >"$now/proc/meminfo"
	done
	answers 1 "blocked steal" -p 7 -f "$dir"
	answers 2 "memory-growth steal" -f "$dir"
}

@test "the machine's memory grows when a program starts: only growth that fills it in ten minutes is found" {
	local i step
	for step in 3000 4000; do
		for i in 0 1 2 3 4; do
			at $i
			printf '%s kB\n' "MemTotal: 4000000" "MemFree: $((2000000 - i * step))" "AnonPages: $((2000000 + i * step))" "Active(anon): 0" \
				"Inactive(anon): 0" "Active(file): 0" "Inactive(file): 0" "Buffers: 0" "Cached: 0" "SwapCached: 0" "Shmem: 0" \
				"SReclaimable: 0" "SUnreclaim: 0" "SwapTotal: 0" "SwapFree: 0" >"$now/proc/meminfo"
		done
		if [ $step = 3000 ]; then answers 0 "" -f "$dir"; else answers 1 memory-growth -f "$dir"; fi
	done
}

@test "live: a process that sleeps is said to sleep, not to be blocked" {
	start sleep 60
	await grep -qx sleep "/proc/$last/comm"
	await grep -q ') S ' "/proc/$last/stat"
	run --separate-stderr "$PQ" why --json -p "$last" 1
	[ "$(json -r '.findings[] | select(.rule == "blocked") | .what, .confidence' | paste -sd,)" = "All its threads sleep or wait for work,low" ]
}

@test "live: a process blocked in read is found" {
	read_pipe
	sleep 0.5
	run --separate-stderr "$PQ" why --json -p "$last" 1
	echo "$output"
	[ "$(json -r '.findings[] | select(.rule == "blocked") | .evidence[0]' | grep -c 'in read')" -eq 1 ]
	[ "$status" -ge 1 ]
}

@test "live: what is unknown of a blocked process is left out" {
	need_nobody
	[ "$(id -u)" -eq 0 ] || skip "not root: no process of another user"
	read_pipe
	sleep 0.5
	run --separate-stderr as_nobody why --json -p "$last" 1
	echo "$output"
	evidence=$(json -r '.findings[] | select(.rule == "blocked") | .evidence[0]')
	[[ $evidence == "thread cat (TID $last) was blocked 100 % of its time"* && $evidence != *" in ,"* && $evidence != *", waiting on " ]]
	[ "$(json -r '.findings[] | select(.rule == "blocked") | .confidence')" = low ]
}

@test "live: a quota is found" {
	v1_group 2000 # so little that it runs out where others want the CPU as well
	burn "$group"
	await grep -q "nr_throttled [1-9]" "$group/cpu.stat"
	run --separate-stderr "$PQ" why --json -g "$name" 2
	echo "$output"
	[ "$(json -r '[.findings[].rule] | index("throttled") != null')" = true ]
	[ "$status" -eq 2 ]
	[[ $(json -r '.findings[] | select(.rule == "throttled") | .advice') == "raise the quota; "* ]] # it has no thread to spare
}

@test "wrong arguments and a full disk give status 3" {
	fails 3 "no such process: 4194000" "$PQ" why -p 4194000 1
	fails 3 "invalid time '0.1': want a time to watch" "$PQ" why 0.1
	fails 3 "unexpected argument '2'" "$PQ" why 1 2
	fails 3 "with -f the whole recording is judged" "$PQ" why -f "$(capture 6.1-v2-idle)" 5
	fails 3 "the recording is read twice" "$PQ" why -f -
	# shellcheck disable=SC2016 # it is the inner shell's
	run --separate-stderr bash -c '"$1" why -f "$2" >/dev/full' _ "$PQ" "$(capture 6.1-v2-idle)"
	[ "$status" -eq 3 ]
	[[ $stderr == *"cannot write"* ]]
}

@test "a cgroup that exists only in the middle of the time is judged, by why and by check" {
	local i
	for i in 0 1 2 3 4 5; do
		at $i
		group ""
		[ $i -lt 2 ] || [ $i -gt 4 ] || cpu_group /job "20000 100000" $((i * 200000)) $((i * 10)) $((i * 9)) $((i * 800000))
	done
	answers 2 throttled -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == "throttled in 18 of 20 periods; 0.80 CPUs of demand unmet; limit 0.20 CPUs (100 % used), set on this cgroup" ]]
	run --separate-stderr "$PQ" check -a -f "$dir" 'throttle.throttled_pct > 25'
	[ "$status" -eq 2 ]
	[[ $output == "PQ CRITICAL - throttle.throttled_pct 90 > 25 (/job) "* ]]
}

@test "no verdict on throttling or memory whose counters cannot be understood" {
	local at group=sys/fs/cgroup/web
	cp -r "$(capture 6.1-v2-throttled)" "$dir"
	sed -i 's/^nr_throttled/nr_thr/' "$dir"/t?/$group/cpu.stat
	answers 3 "" -g /web -f "$dir"
	json_is '.unchecked[0]' '{"question":"CPU quotas","needed":true,"reason":"counters of a cgroup with a quota are unknown (cpu.stat)"}'
	: | tee "$dir"/t?/$group/cpu.stat
	answers 3 "" -g /web -f "$dir"
	rm -r "$dir" && cp -r "$(capture 6.1-v2-after-oom)" "$dir"
	echo garbage | tee "$dir"/t?/sys/fs/cgroup/mm/memory.events
	answers 3 "" -f "$dir"
	json_is '.unchecked | map(select(.needed).question)' '["memory"]'
	rm -r "$dir" && cp -r "$(capture 6.1-v2-idle)" "$dir"
	echo garbage | tee "$dir"/t?/proc/pressure/memory
	run --separate-stderr "$PQ" why --json -f "$dir"
	json_is '.checked | index("pressure")' null
}

# changing_at N QUOTA PERIODS THROTTLED [MEMORY HITS]: sample tN, N seconds after the first by both clocks, of the cgroup
# /par/web; the limits are those of /par.
changing_at() {
	at "$1"
	printf '%s000000000 %s000000000\n' "$(($1 + 1))" "$((1790000000 + $1))" >"$now/clock"
	printf 'cpu  %s 0 0 %s 0 0 0 0 0 0\ncpu0 %s 0 0 %s 0 0 0 0 0 0\n' "$(($1 * 50))" "$(($1 * 50))" "$(($1 * 50))" \
		"$(($1 * 50))" >"$now/proc/stat"
	printf 'MemTotal: 8000000 kB\nMemFree: 4000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n' >"$now/proc/meminfo"
	cpu_group /par "$2" "$(($1 * 100000))" "$3" "$4" "$(($4 * 50000))"
	[ -z "${5:-}" ] || echo "$5" >"$group/memory.max"
	echo 64000000 >"$group/memory.current"
	printf 'anon 62000000\nfile 0\ninactive_file 0\nactive_file 0\nslab_reclaimable 0\n' >"$group/memory.stat"
	printf 'low 0\nhigh 0\nmax %s\noom 0\noom_kill 0\n' "${6:-0}" >"$group/memory.events"
	cpu_group /par/web max "$(($1 * 100000))" 0 0 0
}

@test "a quota that was changed: the time before is judged by the old one, and the change is named" {
	samples why
	changing_at 0 '20000 100000' 0 0
	changing_at 1 '20000 100000' 10 10
	changing_at 2 '20000 100000' 20 20
	changing_at 3 '400000 100000' 30 24
	changing_at 4 '400000 100000' 40 24
	changing_at 5 '400000 100000' 50 24
	answers 2 throttled -f "$dir"
	json_is '.findings[0].evidence' "$(jq -nc '[
		"14:13:20 to 14:13:22, limit 0.20 CPUs: throttled in 20 of 20 periods; 0.50 CPUs of demand unmet",
		"quota of /par changed 0.20 -> 4.00 CPUs at 14:13:23; throttling ended then",
		"14:13:23 to 14:13:25, limit 4.00 CPUs: throttled in 0 of 20 periods; 0.00 CPUs of demand unmet"]')"
	[[ $(json -r '.findings[0].advice') == "do not go back to a quota of 0.20 CPUs; see: "* ]]
	json_is '.limit_changes | map([.cgroup, .from, .to])' '[["/par",0.2,4]]'
	answers 2 throttled -f "$dir" -g /par/web # the limit of a parent
	json_is '.limit_changes | map([.cgroup, .from, .to])' '[["/par",0.2,4]]'
	run --separate-stderr "$PQ" why -f "$dir"
	[[ $output == *"Limits that were changed:
  quota of /par changed 0.20 -> 4.00 CPUs at 14:13:23"* ]]
}

@test "a quota that was lowered or removed, and one that flips" {
	samples why
	changing_at 0 '400000 100000' 0 0
	changing_at 1 '400000 100000' 10 0
	changing_at 2 '20000 100000' 20 5
	changing_at 3 '20000 100000' 30 15
	answers 2 throttled -f "$dir"
	[[ $(json -r '.findings[0].evidence[1]') == *"4.00 -> 0.20 CPUs at 14:13:22; throttling began then" ]]
	[[ $(json -r '.findings[0].advice') == *"raise the quota; see: "* ]]
	rm -r "$dir"
	changing_at 0 '20000 100000' 0 0
	changing_at 1 '20000 100000' 10 10
	changing_at 2 'max 100000' 15 15
	changing_at 3 'max 100000' 15 15
	answers 2 throttled -f "$dir"
	[ "$(json -r '.findings[0].evidence[1]')" = "quota of /par changed 0.20 -> unlimited at 14:13:22" ]
	rm -r "$dir"
	local n
	for n in {10..60}; do changing_at "$n" "$((20000 + n % 2 * 10000)) 100000" "$((n * 10))" "$((n * 10))"; done
	run --separate-stderr "$PQ" why -f "$dir" --json
	json_is .limit_changes_total 50
	json_is '.limit_changes | length' 32
}

@test "a memory limit that was raised: hits before are judged by the old limit" {
	samples why
	changing_at 0 max 0 0 64000000 0
	changing_at 1 max 0 0 64000000 5
	changing_at 2 max 0 0 256000000 5
	changing_at 3 max 0 0 256000000 5
	answers 2 memory-limit -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == "14:13:20 to 14:13:21, limit 61 MiB: usage reached the limit 5 times; at most "* ]]
	[[ $(json -r '.findings[0].evidence[1]') == "memory limit of /par changed 61 MiB -> 244 MiB at 14:13:22" ]]
}

# io_waits SAMPLE US: the total of the machine's I/O pressure.
io_waits() {
	put_at "$1" proc/pressure/io "some avg10=0.00 avg60=0.00 avg300=0.00 total=$2" "full avg10=0.00 avg60=0.00 avg300=0.00 total=$2"
}

# A machine with /proc/meminfo, whose tasks wait for I/O nearly all of one second.
waits_for_io() {
	at 0; at 1; cpus 200 0 0 0 0
	put proc/meminfo 'MemTotal: 4000000 kB'
	io_waits t0 0
	io_waits t1 900000
}

@test "a disk with a queue is found: the disk, its queue and its waits" {
	waits_for_io
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0' '8 16 sdb 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 101 0 0 9800 16 980 9800' '8 16 sdb 2 0 0 0 1 0 0 0 0 1 1'
	put sys/block/sda/queue/nr_requests 256
	answers 2 disk-queue -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = \
		"disk sda has 9.8 requests in flight on average, at most 16 (room for 256); it is busy 98 % of the time" ]
	[ "$(json -r '.findings[0].evidence[1]')" = "a write takes 98.00 ms on average, at 100 per second" ]
	[ "$(json -r '.findings[0].evidence[2]')" = "of the time of a request, 88.20 ms are behind or beside other requests" ]
}

@test "many short requests at once on a disk for which nobody waits are no queue" {
	waits_for_io
	io_waits t1 50000
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 20001 0 0 9800 16 980 9800'
	answers 3 "" -f "$dir" # without the files about processes and memory, nothing can be called well
}

@test "tasks that wait for a disk without a queue: I/O pressure, with the disk" {
	waits_for_io
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 101 0 0 900 1 900 900'
	answers 2 io-pressure -f "$dir"
	[[ $(json -r '.findings[0].evidence[1]') == "disk sda has 0.9 requests in flight on average, at most 1; it is busy 90 % of the time" ]]
}

@test "I/O pressure while no disk has requests does not blame the disks: io_uring counts its waits as I/O" {
	waits_for_io
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 2 0 0 1 0 1 1'
	answers 1 io-pressure -f "$dir"
	[ "$(json -r '.findings[0] | .what, .confidence')" = $'Tasks wait for I/O, but the disks are idle\nlow' ]
	[[ $(json -r '.findings[0].advice') == *io_uring_enter* ]]
}

# io_files SAMPLE CGROUP WIOS SOME_US
io_files() {
	group "$2"
	printf '8:0 rbytes=0 wbytes=%s rios=0 wios=%s dbytes=0 dios=0\n' $(($3 * 4096)) "$3" >"$dir/$1/sys/fs/cgroup$2/io.stat"
	printf '8:0 rbps=max wbps=max riops=max wiops=100\n' >"$dir/$1/sys/fs/cgroup$2/io.max"
	put_at "$1" "sys/fs/cgroup$2/io.pressure" "some avg10=0.00 avg60=0.00 avg300=0.00 total=$4" "full avg10=0.00 avg60=0.00 avg300=0.00 total=$4"
}

@test "io.max is found though the disk looks idle: the cgroup, its limit, and the disk" {
	at 0; io_files t0 /web 0 0
	at 1; io_files t1 /web 99 950000
	cpus 200 0 0 0 0
	put proc/meminfo 'MemTotal: 4000000 kB'
	io_waits t0 0; io_waits t1 950000
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 100 0 0 10 0 10 10'
	answers 2 io-max -f "$dir"
	json_is '.findings[0].evidence' '["/web uses 99 % of its limit wiops on sda (io.max, or blkio.throttle on v1)","some task of it waited for I/O 95 % of the time","disk sda is busy 1 % of the time, with 0.0 requests in flight on average: requests that are held back do not count there"]'
	[[ $(json -r '.findings[0].advice') == "raise the limit of /web, "* ]]
}

@test "io.max that is used up in bursts is found where tasks wait and the disk is idle, not where the disk is busy" {
	at 0; io_files t0 /web 0 0
	at 1; io_files t1 /web 50 600000
	cpus 200 0 0 0 0
	put proc/meminfo 'MemTotal: 4000000 kB'
	io_waits t0 0; io_waits t1 600000
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 51 0 0 10 0 10 10'
	answers 2 io-max -f "$dir"
	[ "$(json -r '.findings[0].confidence')" = medium ]
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 51 0 0 700 1 700 700'
	answers 2 io-pressure -f "$dir"
}

@test "writers that dirty pages hold are found, with the threshold" {
	waits_for_io
	for t in 0 1; do
		put_at t$t proc/vmstat 'nr_dirty 7000' 'nr_writeback 1000' 'nr_dirty_threshold 10000' 'nr_dirty_background_threshold 5000' "pgpgin 1" "pgpgout 1"
	done
	put_at t0 proc/diskstats '8 0 sda 1 0 0 0 1 0 0 0 0 0 0'
	put_at t1 proc/diskstats '8 0 sda 1 0 0 0 101 0 0 900 1 900 900'
	answers 2 dirty-pages -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = \
		"29 MB are dirty and 4 MB being written, together 80 % of the threshold that stops writers (vm.dirty_ratio or vm.dirty_bytes)" ]
}

# sockets_at SAMPLE LINE…: the sockets that netlink listed then, in a network namespace.
sockets_at() {
	put_at "$1" pq/sockets 'netns 4026531840 0' 'type tcp netlink 3 0 0 0' 'type udp netlink 0 0 0 0' 'type unix netlink 0 0 0 0' "${@:2}"
}

# counters_at SAMPLE OVERFLOWS RETRANSMITS SOFTNET_DROPS
counters_at() {
	put_at "$1" proc/net/netstat 'TcpExt: ListenOverflows ListenDrops' "TcpExt: $2 $2"
	put_at "$1" proc/net/snmp 'Tcp: RetransSegs' "Tcp: $3"
	put_at "$1" proc/net/softnet_stat "00001000 $(printf %08x "$4") 00000000 0 0 0 0 0 0 0 0 00000000 00000000"
}

@test "a full accept queue is found: its length, its cap and the overflows" {
	at 0
	at 1
	for t in t0 t1; do
		sockets_at $t 'socket tcp LISTEN 0.0.0.0:80 0.0.0.0:0 81712 5001 0 512 511 4242 1 nginx drops=9'
	done
	counters_at t0 0 0 0
	counters_at t1 30 0 0
	answers 2 accept-queue -f "$dir"
	[ "$(json -r '.findings[0].evidence[0]')" = \
		"512 connections wait to be accepted on average, 512 at most, at 0.0.0.0:80 of nginx[4242]; the queue is full at 512 (backlog 511)" ]
	[ "$(json -r '.findings[0].evidence[1]')" = "30.0 connections per second found an accept queue of this network namespace full (ListenOverflows)" ]
	for t in t0 t1; do # the same queue, nearly empty
		sockets_at $t 'socket tcp LISTEN 0.0.0.0:80 0.0.0.0:0 81712 5001 0 5 511 4242 1 nginx drops=9'
	done
	answers 3 "" -f "$dir" # there is no memory to judge
}

@test "packets that are dropped on their way in, and segments that are sent again, are found" {
	at 0
	at 1
	for t in t0 t1; do sockets_at $t; done
	counters_at t0 0 0 0
	counters_at t1 0 0 150
	answers 2 softnet-drops -f "$dir"
	[[ $(json -r '.findings[0].evidence[0]') == "150.0 packets per second were dropped, as the queue of a CPU was full (softnet_stat): 150.0 of them on CPU 0"* ]]
	counters_at t1 0 30 0
	answers 1 network-late -f "$dir"
	counters_at t1 0 2 0
	answers 3 "" -f "$dir" # there is no memory to judge
}

@test "a file that the recording does not have is not blamed on /proc" {
	cd "$BATS_TEST_TMPDIR"
	"$PQ" runq -o runq.tape 0.1 2 >/dev/null 2>&1
	run "$PQ" why -f runq.tape
	[[ $output == *"/proc/diskstats: it is not in the recording"* ]]
	[[ $output != *"is /proc mounted"* ]]
}
