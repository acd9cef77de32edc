#!/usr/bin/env bats
# pq runqlat on this machine: which source is used, and whether its values are right.
# shellcheck disable=SC2016,SC2030,SC2031 # what is in '' is for another shell; each test is a process of its own
load helper

setup() {
	helper=$(dirname "$PQ")/tests/helper
	[ -x "$helper" ] || skip "no $helper: make check makes it"
	cd "$BATS_TEST_TMPDIR" || return
}

# can_bpf [SOURCE]: that the verifier refuses a program is no reason to skip.
can_bpf() {
	run --separate-stderr "$PQ" runqlat --source "${1:-bpf}" 0.01 1
	[[ $stderr != *"please report"* ]]
	[ "$status" -eq 0 ] || skip "${stderr_lines[0]}"
}

can() {
	local said
	said=$("$@" 2>&1 >/dev/null) || skip "cannot $*: $said"
}

# falls_back PATTERN COMMAND…: it says why no BPF, and goes on with schedstat.
falls_back() {
	run --separate-stderr "${@:2}" "$PQ" runqlat --json 0.05 1
	echo "$output / $stderr"
	[ "$status" -eq 0 ]
	[ "$(json .source)" = '"schedstat"' ]
	[[ ${stderr_lines[0]} =~ $1 ]]
	[[ ${stderr_lines[1]} == *"using schedstat"* ]]
	run --separate-stderr "${@:2}" "$PQ" runqlat --source bpf 0.05 1
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[[ ${stderr_lines[0]} =~ $1 ]]
}

# The CPU that burners are pinned to: the last that we may run on.
last_cpu() {
	taskset -pc $$ | sed 's/.*[ ,-]//'
}

# burners N: a process of N threads that want the last CPU all the time; it is $last.
burners() {
	cpu=$(last_cpu)
	start taskset -c "$cpu" "$helper" burn "$1"
	await eval '[ "$(ls /proc/$last/task 2>/dev/null | wc -l)" -eq '"$1"' ]'
}

# within COMMAND…: in the group.
within() {
	bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' within "$group" "$@"
}

# waited_ns PID: what the kernel has for all its threads.
waited_ns() {
	cat /proc/"$1"/task/*/schedstat | awk '{ sum += $2 } END { printf "%.0f\n", sum }'
}

@test "bpf(2) refused by seccomp: the message says what would help, and schedstat is used" {
	can "$helper" refuse bpf 1 true
	falls_back "seccomp refuses bpf.2. .docker run --cap-add BPF --cap-add PERFMON" "$helper" refuse bpf 1
	falls_back "no bpf.2.: it is built without CONFIG_BPF_SYSCALL" "$helper" refuse bpf 38
}

@test "without BPF, -H and -P use the probe, and -H -p has no source" {
	can "$helper" refuse bpf 1 true
	run --separate-stderr "$helper" refuse bpf 1 "$PQ" runqlat --json -P "$(last_cpu)" 0.05 1
	[ "$status" -eq 0 ]
	[ "$(json .source)" = '"probe"' ]
	[[ $stderr == *"schedstat is not used: it does not tell which CPU"*"using the probe: "* ]]
	run --separate-stderr "$helper" refuse bpf 1 "$PQ" runqlat --json -H 0.2 1
	[ "$status" -eq 0 ]
	[ "$(json -s 'map(.waits) | add > 0')" = true ]
	[[ $stderr == *"schedstat is not used: it has sums but no histogram"*"using the probe: "* ]]
	run --separate-stderr "$helper" refuse bpf 1 "$PQ" runqlat -H -p $$ 0.05 1
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[[ $stderr == *"the probe is not used: "*"run pq in their cgroup"*"no source of run queue waits"* ]]
}

@test "perf_event_open(2) refused: bpf-tp fails, the other sources work" {
	can_bpf bpf-tp
	run --separate-stderr "$helper" refuse perf_event_open 1 "$PQ" runqlat --source bpf-tp 0.05 1
	[ "$status" -eq 3 ]
	[[ ${stderr_lines[0]} == *"bpf-tp: attaching to a tracepoint: Operation not permitted"* ]]
	can_bpf bpf-btf
	run --separate-stderr "$helper" refuse perf_event_open 1 "$PQ" runqlat --json 0.05 1
	[ "$(json .source)" = '"bpf-btf"' ]
}

@test "without capabilities: the message names them, and schedstat is used" {
	can setpriv --bounding-set=-all --inh-caps=-all true
	falls_back "needs CAP_BPF and CAP_PERFMON .*; this process has capabilities 0000000000000000" \
		setpriv --bounding-set=-all --inh-caps=-all
}

@test "as another user: the message names the capabilities, and schedstat is used" {
	can setpriv --reuid=65534 --regid=65534 --clear-groups "$PQ" --version
	falls_back "needs CAP_BPF and CAP_PERFMON" setpriv --reuid=65534 --regid=65534 --clear-groups
}

@test "CAP_BPF or CAP_PERFMON alone: the missing one is named; both suffice" {
	can_bpf
	can setpriv --bounding-set=-all,+bpf --inh-caps=-all,+bpf true
	falls_back "CAP_PERFMON is missing, CAP_BPF is there" setpriv --bounding-set=-all,+bpf --inh-caps=-all,+bpf
	falls_back "needs CAP_BPF and CAP_PERFMON" setpriv --bounding-set=-all,+perfmon --inh-caps=-all,+perfmon
	run --separate-stderr setpriv --bounding-set=-all,+bpf,+perfmon --inh-caps=-all,+bpf,+perfmon "$PQ" runqlat --json 0.05 1
	[[ $(json .source) == '"bpf-'* ]]
}

@test "root in a user namespace: the message names the namespace, and schedstat is used" {
	can unshare -Ur true
	[[ $("$PQ" runqlat --source bpf 0.01 1 2>&1) != *seccomp* ]] || skip "seccomp refuses bpf(2) here"
	falls_back "not possible in a user namespace" unshare -Ur
}

@test "in a pid namespace -p cannot use BPF, and the message says so" {
	can unshare -pf --mount-proc true
	run --separate-stderr unshare -pf --mount-proc "$PQ" runqlat --json -p 1 0.05 1
	[ "$status" -eq 0 ]
	[ "$(json .source)" = '"schedstat"' ]
	[[ ${stderr_lines[0]} == *"docker run --pid=host"* ]]
}

# without NAMES COMMAND…: run it where these directories below /sys/kernel are empty.
without() {
	mkdir -p "$BATS_TEST_TMPDIR/empty"
	unshare -m bash -c 'empty=$1 names=$2; shift 2
		for name in $names; do
			while umount -l "/sys/kernel/$name" 2>/dev/null; do :; done
			mount --bind "$empty" "/sys/kernel/$name" || exit
		done
		exec "$@"' without "$BATS_TEST_TMPDIR/empty" "$@"
}

@test "without BTF bpf-tp is used, without tracefs bpf-btf, without both schedstat" {
	can without "btf tracing debug" true
	can_bpf bpf-btf
	falls_back "no BTF and tracefs is not mounted .mount -t tracefs nodev /sys/kernel/tracing" without "btf tracing debug"
	run --separate-stderr without "tracing debug" "$PQ" runqlat --json 0.05 1
	[ "$(json .source)" = '"bpf-btf"' ]
	[ -z "$stderr" ]
	run --separate-stderr without btf "$PQ" runqlat --source bpf-raw 0.05 1
	[ "$status" -eq 3 ]
	[[ ${stderr_lines[0]} == *"this kernel has no BTF (/sys/kernel/btf/vmlinux needs CONFIG_DEBUG_INFO_BTF)"* ]]
	run --separate-stderr without "tracing debug" "$PQ" runqlat --source bpf-tp 0.05 1
	[ "$status" -eq 3 ]
	[[ ${stderr_lines[0]} == *"tracefs is not mounted"* ]]
	can_bpf bpf-tp
	run --separate-stderr without btf "$PQ" runqlat --json 0.05 1
	[ "$(json .source)" = '"bpf-tp"' ]
	[ -z "$stderr" ]
}

@test "--root reads only files" {
	mkdir -p root/proc
	run --separate-stderr "$PQ" runqlat --root root 0.05 1
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[[ $stderr == *"--root reads files only"*"CONFIG_SCHED_INFO"*"no source of run queue waits"* ]]
}

# against_kernel SOURCE: three threads on one CPU, two of which wait, or all where others want it too: what it tells, and the growth of
# run_delay from before it to after it. What ends in the rows ends between these two; beside the rows each can wait all the time,
# and for as long as its longest wait before.
against_kernel() {
	local start span ns
	start=$(date +%s%N) ns=$(waited_ns "$last")
	run --separate-stderr "$PQ" runqlat --json --source "$1" -p "$last" 2.5 1
	ns=$(($(waited_ns "$last") - ns)) span=$(($(date +%s%N) - start))
	echo "by hand: $ns ns of $span; pq: $output $stderr"
	[ "$status" -eq 0 ]
	[ "$(json ".waiting > 1.3 and .waiting < 3.3 and .source == \"$1\"")" = true ]
	[ "$(json ".waiting * .interval_s <= $ns / 1e9 * 1.02 + 0.005")" = true ]
	[ "$(json ".waiting * .interval_s >= $ns / 1e9 * 0.98 - 3 * ($span / 1e9 - .interval_s + 2 * (.max_us // 250000) / 1e6)")" = true ]
	[ "$(json '.waiting * 1e6 / .runs_per_s / .mean_us | . > 0.95 and . < 1.05')" = true ]
}

@test "live: busy threads on one CPU agree with the kernel's sum of waits: bpf-btf" {
	can_bpf bpf-btf
	burners 3
	against_kernel bpf-btf
	[ "$(json '.p50_us <= .p90_us and .p90_us <= .p99_us and .p99_9_us <= .max_us and .lost == 0')" = true ]
	run --separate-stderr "$PQ" runqlat --json -P "$cpu" 1 1
	[ "$(json '.waiting > 1.3')" = true ]
}

@test "live: busy threads on one CPU agree with the kernel's sum of waits: bpf-raw and bpf-tp" {
	can_bpf bpf-raw
	can_bpf bpf-tp
	burners 3
	against_kernel bpf-raw
	against_kernel bpf-tp
}

@test "live: busy threads on one CPU agree with the kernel's sum of waits: schedstat" {
	burners 3
	against_kernel schedstat
	[ "$(json '[.p50_us, .max_us]')" = '[null,null]' ]
}

@test "-p counts only a process that wakes up 200 times a second" {
	can_bpf
	burners 2
	start taskset -c "$cpu" "$helper" wake 200
	sleep 0.2
	for source in bpf schedstat; do
		run --separate-stderr "$PQ" runqlat --json --source $source -p "$last" 1 1
		echo "$output"
		[ "$(json '.runs_per_s > 20 and .runs_per_s < 230 and .waiting < 1')" = true ]
	done
	start sleep 60
	run --separate-stderr "$PQ" runqlat --json --source bpf -p "$last" 0.3 1
	[ "$(json '[.runs_per_s, .waiting, .p50_us]')" = '[0,0,null]' ]
}

@test "the probe measures the wait beside busy threads, and keeps its wake-up rate" {
	burners 2
	run --separate-stderr "$PQ" runqlat --json --source probe -P "$cpu" 1 1
	echo "$output"
	[ "$(json '.runs_per_s > 5 and .runs_per_s < 105 and .waiting == null and .max_us >= .p50_us and .corrected_p99_us > 0')" = true ]
}

@test "a long --period does not delay the end" {
	run timeout 30 "$PQ" runqlat --source probe --period 1h 0.05 1
	[ "$status" -eq 0 ]
}

@test "quota: time throttled counts as waiting, with -p by BPF, with -g on v1 by schedstat" {
	v1_group 2000 100000 # so little that it runs out where others want the CPU as well
	burn "$group"
	await grep -q "nr_throttled [1-9]" "$group/cpu.stat"
	run --separate-stderr "$PQ" runqlat --json -g "$name" 2 1
	echo "$output $stderr"
	[ "$(json '.source == "schedstat" and .waiting > 0.3 and .waiting < 1.5')" = true ]
	[[ ${stderr_lines[0]} == *"it needs cgroup v2"* ]]
	can_bpf
	run --separate-stderr "$PQ" runqlat --json --source bpf -p "$last" 2 1
	echo "$output"
	[ "$(json '.max_us > 40000 and .waiting > 0.3 and .waiting < 1.5')" = true ]
}

@test "quota: the probe measures it from inside the cgroup" {
	v1_group 10000 100000
	burn "$group"
	run --separate-stderr within "$PQ" runqlat --json --source probe 2 1
	echo "$output"
	[ "$(json '.max_us > 10000 and .corrected_p99_us > 10000')" = true ]
}

@test "quota: a thread that waits longer than a row is pending" {
	v1_group 1000 1000000
	burn "$group"
	await grep -q "nr_throttled [1-9]" "$group/cpu.stat"
	"$PQ" runqlat --json --source schedstat -p "$last" 0.1 10 >rows 2>said
	jq -es 'map(.pending) | max == 1' rows
	grep -q 'threads have waited for a CPU since before this row' said
}

# ids PID: of the BPF programs of a process.
ids() {
	sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$1"/fdinfo/* 2>/dev/null | sort -u | tr '\n' ' '
}

none_loaded() {
	# shellcheck disable=SC2086 # numbers
	[ "$("$helper" loaded $programs)" -eq 0 ]
}

@test "no BPF program stays in the kernel after an end, SIGINT, SIGTERM or SIGKILL" {
	can_bpf
	can "$helper" loaded 1
	local source signal
	for source in bpf-btf bpf-raw bpf-tp; do
		run --separate-stderr "$PQ" runqlat --source $source 0.01 1
		[ "$status" -eq 0 ] || continue
		for signal in INT TERM KILL; do
			start env --default-signal=INT,TERM "$PQ" runqlat --source $source 0.1
			await eval '[ "$(ids "$last" | wc -w)" -eq 3 ]'
			programs=$(ids "$last")
			# shellcheck disable=SC2086 # numbers
			[ "$("$helper" loaded $programs)" -eq 3 ]
			kill -$signal "$last"
			wait "$last" || [ $signal = KILL ]
			await none_loaded # the kernel takes a moment
		done
	done
	start "$PQ" runqlat --source bpf 0.2 5
	await eval '[ "$(ids "$last" | wc -w)" -eq 3 ]'
	programs=$(ids "$last")
	wait "$last"
	await none_loaded
}

@test "SIGINT ends the rows with their average, from each source" {
	for source in bpf schedstat probe; do
		[ $source != bpf ] || "$PQ" runqlat --source bpf 0.01 1 >/dev/null 2>&1 || continue
		start env --default-signal=INT,TERM "$PQ" runqlat --source $source 0.1 >out
		await eval '[ "$(wc -l <out)" -ge 3 ]'
		kill -INT "$last"
		wait "$last"
		grep -q '^Average:' out
	done
}

@test "a recording replays the same bytes, from each source" {
	local source without=
	for source in bpf-btf bpf-raw bpf-tp schedstat probe; do
		rm -f x.tape
		"$PQ" runqlat --source $source -v --json -o x.tape 0.1 5 >live 2>said || { [ $? -eq 3 ] && without+=" $source"; continue; }
		[ "$(wc -l <live)" -ge 3 ]
		"$PQ" runqlat -v --json -f x.tape >again
		cmp live again
		jq -es --arg s $source 'all(.source == $s)' live
		[[ $source != bpf-* ]] || jq -es 'map(select(.event_ns > 0 and .cost_pct > 0)) | length > 0' live
	done
	[ -z "$without" ] || skip "the others do; cannot be had:$without"
}

@test "a recording gives the histogram and milliseconds; one of pq tasks gives rows by schedstat" {
	"$PQ" record 100ms 5 runqlat -o x.tape 2>said
	run --separate-stderr "$PQ" runqlat --json -f x.tape
	[ "${#lines[@]}" -ge 2 ]
	run --separate-stderr "$PQ" runqlat --json -m -f x.tape
	[ "$(json -s 'all(has("mean_ms") and (has("mean_us") | not))')" = true ]
	if ! grep -q 'using schedstat' said; then
		local rows
		rows=$("$PQ" runqlat --json -f x.tape | jq -s 'map(.runs_per_s * .interval_s) | add | round')
		run --separate-stderr "$PQ" runqlat --json -H -f x.tape
		echo "$rows / $output"
		[ "$(json -s "map(.waits) | add - $rows | fabs <= 2")" = true ]
	fi
	"$PQ" tasks -o tasks.tape 0.1 6 >out 2>&1 # some may be missed
	run --separate-stderr "$PQ" runqlat --json -f tasks.tape
	[ "$(json -s 'length >= 2 and all(.source == "schedstat" and .waiting != null and .p99_us == null)')" = true ]
}

@test "a full disk is an error, a closed pipe is not, and rows end with the process" {
	run --separate-stderr bash -c '"$1" runqlat 0.05 3 >/dev/full' _ "$PQ"
	[ "$status" -eq 1 ]
	[[ $stderr == *"cannot write: No space left on device"* ]]
	run --separate-stderr bash -c '"$1" runqlat --source probe --json 0.05 400 | head -n 2; echo "${PIPESTATUS[0]}"' _ "$PQ"
	[ "${#lines[@]}" -eq 3 ]
	[ -z "$stderr" ]
	[ "${lines[2]}" -eq 0 ]
	for source in bpf schedstat; do
		[ $source != bpf ] || "$PQ" runqlat --source bpf 0.01 1 >/dev/null 2>&1 || continue
		start sleep 1
		run --separate-stderr "$PQ" runqlat --json --source $source -p "$last" 0.2 50
		[ "$status" -eq 0 ]
		[ "${#lines[@]}" -ge 1 ]
		[ "${#lines[@]}" -lt 50 ]
		[[ $stderr =~ "process $last has "(ended|exited) ]]
	done
}
