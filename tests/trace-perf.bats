#!/usr/bin/env bats
# pq trace -p by perf events: switches of one process, without privileges, beside what the kernel counts.
# shellcheck disable=SC2016,SC2030,SC2031 # what is in '' is for another shell; each test is a process of its own
load helper

setup() {
	here
	helper=$(dirname "$PQ")/tests/helper
	nobody=()
	[ "$(id -u)" -ne 0 ] || nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
}

# need_perf: skips where the kernel or a sandbox forbids perf events to users without privileges.
need_perf() {
	local paranoid
	paranoid=$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null) || skip "this kernel has no perf events"
	[ "$paranoid" -le 2 ] || skip "kernel.perf_event_paranoid is $paranoid"
	run "$PQ" trace --source perf -p $$ -o need.trace 10ms
	[[ $output != *"seccomp refuses"* ]] || skip "$output"
	[ "$status" -eq 0 ]
}

# record PQ ARGUMENTS…: records into x.trace, from now on until stop_recording; what pq says is in said.
record() {
	"$@" -o - >x.trace 2>said 3>&- &
	recorder=$!
	started+=("$recorder")
	await grep -q 'using perf' said
}

stop_recording() {
	kill -TERM "$recorder"
	wait "$recorder"
}

# switched N PID: whether each thread of the process has stopped so many times more than when `stops PID >before` was said.
stops() { awk 'FNR == 1 && NR > 1 { print n; n = 0 } /ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/task/"*/status; }
switched() { stops "$2" | paste - before | awk -v n="$1" '$1 < $2 + n { few = 1 } END { exit few }'; }

# slept PID: how often its first thread has. has_slept PID N: whether it has so often.
slept() { awk '/^voluntary/ { print $2 }' "/proc/$1/status"; }
has_slept() { [ "$(slept "$1")" -ge "$2" ]; }

# counter NAME [COMMAND…]: a process that counts to each number it gets from the pipe NAME, and says so in NAME.said; $last.
counter() {
	local name=$1
	shift
	mkfifo "$name"
	start "$@" bash -c 'exec 9<>"$1"; while read -r n <&9; do for ((i = 0; i < n; i++)); do :; done; echo $n; done' bash "$name" >"$name.said"
	await grep -q ') S ' "/proc/$last/stat"
}

# lines FILE [OPTIONS…]
lines() {
	"$PQ" trace text --json "$@" 2>/dev/null
}

ran_ns() { cat "/proc/$1/task/"*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }
waited_ns() { cat "/proc/$1/task/"*/schedstat | awk '{ sum += $2 } END { printf "%.0f\n", sum }'; }

@test "a user without privileges records a process of their own, and is told what is missing" {
	need_nobody
	need_perf
	[ ${#nobody[@]} -gt 0 ] || cp "$PQ" "$BATS_TEST_TMPDIR/pq-nobody"
	start "${nobody[@]}" bash -c 'while :; do for ((i = 0; i < 2000; i++)); do :; done; sleep 0.02; done'
	local pid=$last
	await grep -q bash "/proc/$pid/comm"
	record "${nobody[@]}" "$BATS_TEST_TMPDIR/pq-nobody" trace -p "$pid"
	stops "$pid" >before
	await switched 30 "$pid"
	stop_recording
	grep -q 'BPF is not available: needs CAP_BPF' said
	grep -q 'using perf events: .* not who wakes them' said
	grep -q 'events in .* s, 0 lost' said
	"$PQ" trace info x.trace | grep -qx 'source    perf'
	run "$PQ" trace info --json x.trace
	json_is '[.source, .asked, .lost_events]' "[\"perf\",\"-p $pid\",0]"
	lines x.trace >x.lines
	jq -s -e --argjson pid "$pid" 'length > 5 and all(.pid == $pid and .task == "bash")' x.lines
	# it slept, and nobody knows when it was woken up
	jq -s -e 'map(select(.wait_ms != 0)) | length > 2 and all(.wait_ms == null and .delay_ms == null)' x.lines
	jq -s -e 'map(select(.wait_ms == 0)) | all(.delay_ms > 0)' x.lines
	jq -s -e 'all(.state == null or .state == "R")' x.lines
}

@test "run times add up to what the kernel counts" {
	need_perf
	counter work
	local pid=$last before after
	before=$(ran_ns "$pid")
	record "$PQ" trace --source perf -p "$pid"
	for n in 50000 100000 150000; do echo $n >work; done
	await grep -qx 150000 work.said
	await grep -q ') S ' "/proc/$pid/stat"
	after=$(ran_ns "$pid")
	stop_recording
	lines x.trace >x.lines
	jq -s -e --argjson want $(((after - before) / 1000)) \
		'[.[].run_ms // 0] | add * 1000 | . > $want * 0.98 and . < $want * 1.02' x.lines
}

@test "waits of a thread that is preempted add up to what the kernel counts" {
	need_perf
	counter one taskset -c 0
	local pid=$last before after
	counter two taskset -c 0
	before=$(waited_ns "$pid")
	record "$PQ" trace --source perf -p "$pid"
	echo 400000 >two
	echo 200000 >one
	await grep -qx 200000 one.said
	after=$(waited_ns "$pid")
	stop_recording
	lines x.trace >x.lines
	# the kernel also counts the few waits after a waking
	jq -s -e --argjson want $(((after - before) / 1000)) \
		'map(select(.wait_ms == 0).delay_ms) | length > 10 and (add * 1000 | . > $want * 0.8 - 5000 and . <= $want * 1.02)' x.lines
	"$PQ" who -f x.trace --json >rows 2>said
	jq -s -e '.[0].wait_ms > 1' rows
	grep -q 'perf events do not tell when threads are woken up' said
}

@test "threads that come and go have their names, creation and end" {
	need_perf
	start "$helper" come 50
	record "$PQ" trace --source perf -p "$last"
	local first
	first=$(slept "$last")
	await has_slept "$last" $((first + 100)) # it does for each thread; these end within 0.2 s
	stop_recording
	grep -q ', 0 lost' said
	lines x.trace >x.lines
	# each of them began after it was created, and most ended
	jq -s -e --argjson pid "$last" 'group_by(.tid) | map(select(.[0].tid != $pid)) |
		length > 30 and all(.[0].task == "helper") and
		(map(select(.[0].wait_ms == 0 and .[0].delay_ms > 0)) | length > 20) and
		(map(select(.[-1].state == "X")) | length > 20)' x.lines
}

@test "100 threads are recorded, each on all CPUs" {
	need_perf
	start "$helper" burn 100
	await eval '[ "$(ls "/proc/$last/task" | wc -l)" -ge 100 ]'
	record "$PQ" trace --source perf -p "$last"
	stops "$last" >before
	await switched 1 "$last"
	stop_recording
	lines x.trace >x.lines
	jq -s -e '[.[].tid] | unique | length >= 100' x.lines
	kill -STOP "$last"
	[ "$(ulimit -Sn 64 && "$PQ" trace --source perf -p "$last" -o y.trace 10ms 2>&1 | grep -c 'events in')" -eq 1 ]
	ulimit -n 64
	fails 3 'perf events are not available: .* threads on .* need as many descriptors .* the limit is 64' \
		"$PQ" trace --source perf -p "$last" -o z.trace 10ms
	[ ! -e z.trace ]
}

@test "a small ring keeps the newest, and little locked memory suffices" {
	need_perf
	start "$helper" wake 2000
	stops "$last" >before
	(ulimit -l 0 && record "$PQ" trace --source perf -p "$last" --ring 16K &&
		await grep -q 'the last [0-9]* s are kept' said && await switched 2500 "$last" && stop_recording)
	run "$PQ" trace info --json x.trace
	json_is '[.lost_events, .events < 1500, .events > 100]' '[0,true,true]'
}

@test "a ring of one page of each CPU works, and says how large it is" {
	need_perf
	start "$helper" wake 2000
	stops "$last" >before
	record "$PQ" trace --source perf -p "$last" --ring 1
	await grep -q 'the last [0-9]* s are kept' said
	await switched 2500 "$last"
	stop_recording
	grep -q "the ring of the scheduler's events has $((4 * $(getconf _NPROCESSORS_ONLN)))\(.0\)\? KiB, as each CPU has 4 KiB at least" said
	run "$PQ" trace info --json x.trace
	json_is '[.lost_events, .events < 1500, .events > 100]' '[0,true,true]'
}

@test "windows are saved from these rings, too" {
	need_perf
	start "$helper" wake 200
	stops "$last" >before
	"$PQ" trace --source perf -p "$last" --save . --before 10s 2>said 3>&- &
	recorder=$!
	started+=("$recorder")
	await grep -q 'records' said
	await switched 100 "$last"
	kill -USR1 "$recorder"
	await eval 'compgen -G "pq-*.trace" >/dev/null'
	stop_recording
	"$PQ" trace info --json pq-*.trace >summary
	jq -e '.source == "perf" and .events > 150 and .lost_events == 0' summary
	fails 2 'needs BPF' "$PQ" trace --source perf -p "$last" --when 'wait > 1ms'
}

@test "exports show no thread that nobody knows" {
	need_perf
	start "$helper" burn 3
	record "$PQ" trace --source perf -p "$last"
	stops "$last" >before
	await switched 5 "$last"
	stop_recording
	"$PQ" trace export x.trace -o x.perfetto 2>/dev/null
	grep -qa '(not recorded)' x.perfetto
	"$PQ" trace export x.trace --json -o x.json 2>/dev/null
	jq -e '[.traceEvents[] | select(.ph == "X")] | length > 0 and all(.tid != 4294967295 and .args.tid != 4294967295)' x.json
	jq -e '[.traceEvents[] | select(.name == "running") | .dur] | length > 5' x.json
	"$PQ" trace text x.trace >x.text
	run ! grep -e 4294967295 -e '?' x.text
}

@test "processes of others, and those that are not there" {
	need_nobody
	need_perf
	[ "$(id -u)" -eq 0 ] || skip "needs root, to have a process of another user"
	run as_nobody trace -p 1 -o - 10ms
	[ "$status" -eq 3 ]
	[[ $output == *"BPF is not available: "*"; nor are perf events: process 1 is of another user"* ]]
	fails 2 'no such process: 4194303' "$PQ" trace --source perf -p 4194303 -o y.trace 10ms
	fails 2 'records one process: want -p PID' "$PQ" trace --source perf -o y.trace 10ms
	fails 2 "invalid --source 'probe': want bpf" "$PQ" trace --source probe -o y.trace 10ms
	[ ! -e y.trace ]
}

@test "a process that runs a set-user-ID program is recorded until then, and pq says so" {
	need_nobody
	need_perf
	[ "$(id -u)" -eq 0 ] || skip "needs root, to make such a program"
	cp "$helper" "$BATS_TEST_TMPDIR/suid"
	chmod 4755 "$BATS_TEST_TMPDIR/suid"
	mkfifo -m 666 "$BATS_TEST_TMPDIR/go"
	start "${nobody[@]}" bash -c 'exec 9<>"$1/go"; read -r <&9; exec "$1/suid" rest 1' bash "$BATS_TEST_TMPDIR"
	local pid=$last
	await grep -q ') S ' "/proc/$pid/stat"
	record "${nobody[@]}" "$BATS_TEST_TMPDIR/pq-nobody" trace -p "$pid"
	echo >"$BATS_TEST_TMPDIR/go"
	await grep -q suid "/proc/$pid/comm"
	[[ $(grep Uid "/proc/$pid/status") == *65534$'\t'0$'\t'* ]] || skip "this file system ignores the set-user-ID bit"
	stop_recording
	grep -q "the process runs a program .* recorded only until then" said
	kill -0 "$pid"
}

@test "where a sandbox refuses perf events, what helps is told" {
	refuse() { "$helper" refuse perf_event_open "$1" "$PQ" trace --source perf -p $$ -o y.trace 10ms; }
	fails 3 'seccomp refuses perf_event_open\(2\) \(docker run --cap-add PERFMON' refuse 1
	fails 3 'there is no perf_event_open\(2\): .* CONFIG_PERF_EVENTS, or a sandbox' refuse 38
	fails 3 'kernel.perf_event_paranoid is .* CAP_PERFMON' refuse 13
	fails 3 'perf_event_open\(2\): Invalid argument' refuse 22
	[ ! -e y.trace ]
	need_perf
	run "$helper" refuse bpf 1 "$PQ" trace -p $$ -o x.trace 10ms # as in a container
	[ "$status" -eq 0 ]
	[[ $output == *"BPF is not available: "*"using perf events"* ]]
}
