#!/usr/bin/env bats
# pq why: which causes it finds, and which it does not.
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
		[[ $(json -r '.findings[0].advice') == "run at most 1 worker thread (for Go: GOMAXPROCS=1) or raise the quota; see: pq throttle -a 1" ]]
	done
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
	[ "$(json -r '.findings[0].advice')" = "raise the quota; see: pq throttle -g /web 1" ]
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
	[[ $(json -r '.findings[0].advice') == *"; see: pq throttle -g $parent/$scope 1" ]]
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
	[ "$(json -r '.findings[0].what')" = "Slowed down by memory.high: /mh" ]
}

@test "'nothing found' names what could not be checked" {
	answers 0 "" -f "$(capture 6.1-v2-idle)"
	[ "$(json '[.verdict, (.unknown | map(.tool) | index("tasks") != null)]')" = '["ok",true]' ]
	run --separate-stderr "$PQ" why -f "$(capture 6.1-v2-idle)"
	[ "${lines[0]}" = "Nothing found in 2.1 s: no long queue, no throttling." ]
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
	at 2; cpus 300 0 0 100 0
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
	answers 0 "" -f "$dir"
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
	[ "$(json -c '.findings[0].evidence')" = '["it was forced to reclaim memory 40 times"]' ]
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
	[[ $evidence == "its threads were blocked 100 % of their time"* && $evidence != *" in ,"* && $evidence != *", waiting on " ]]
}

@test "live: a quota is found" {
	v1_group 10000
	burn "$group"
	sleep 0.3
	run --separate-stderr "$PQ" why --json -g "$name" 2
	echo "$output"
	[ "$(json -r '[.findings[].rule] | index("throttled") != null')" = true ]
	[ "$status" -eq 2 ]
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
