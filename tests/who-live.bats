#!/usr/bin/env bats
# pq who on this machine: whether it names who runs while others wait, and counts what the kernel counts.
# shellcheck disable=SC2016,SC2030,SC2031 # what is in '' is for another shell; each test is a process of its own
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cpu=$(taskset -pc $$ | sed 's/.*[ ,-]//') # the last that we may run on
}

# can_bpf: that the verifier refuses a program is no reason to skip.
can_bpf() {
	run --separate-stderr "$PQ" who --source bpf 0.01 1
	[[ $stderr != *"please report"* ]]
	[ "$status" -eq 0 ] || skip "${stderr_lines[0]}"
}

# cgroup NAME: an empty cgroup; its directory is $group, and pq calls it $name. It has the weight of ten threads, so that most of
# its threads' waits are for each other whatever else runs here.
cgroup() {
	local top=/sys/fs/cgroup
	[ ! -e $top/cpu/cpu.shares ] && [ ! -e $top/cpu/cpu.cfs_quota_us ] || top=$top/cpu
	[ -e $top/cgroup.procs ] || skip "no cgroup hierarchy here"
	name=/pqtest-$$-$BATS_TEST_NUMBER-$1 group=$top/pqtest-$$-$BATS_TEST_NUMBER-$1
	mkdir "$group" 2>/dev/null || skip "not permitted to make a cgroup"
	made+=("$group")
	echo 10240 2>/dev/null >"$group/cpu.shares" || echo 1000 2>/dev/null >"$group/cpu.weight" || true
}

# burner [SECONDS [COMMAND…]]: a busy loop on the CPU, in the cgroup $group; then it ends, or is that command. The file early.PID
# has the nanoseconds that it waited before it was there.
burner() {
	start taskset -c "$cpu" bash -c 'echo $$ >"$1/cgroup.procs"; read -r _ ns _ </proc/$$/schedstat; echo "$ns" >early.$$
		end=$((SECONDS + $2)); while ((SECONDS < end)); do :; done
		shift 2; [ $# -eq 0 ] || exec "$@"' burner "$group" "${1:-60}" "${@:2}"
	await grep -q pqtest "/proc/$last/cgroup"
}

# sleeps PID: it runs the program sleep, and waits for no CPU.
sleeps() { grep -q '(sleep) S ' "/proc/$1/stat"; }

# lived PID: puts into the file life how many ns it waited in the cgroup, and in all. It sleeps, so that it waits for no CPU now.
lived() {
	local all early
	read -r _ all _ <"/proc/$1/schedstat"
	read -r early <"early.$1"
	echo "$((all - early)) $all" >life
}

# rows_go_on: waits until two more intervals are in the file rows.
rows_go_on() {
	local n
	n=$(intervals)
	await has_intervals $((n + 2))
}

intervals() { jq -r .time rows 2>/dev/null | sort -u | wc -l; } # the last line may not be whole yet
has_intervals() { [ "$(intervals)" -ge "$1" ]; }

@test "the neighbour that takes the CPU is named, and the parts add up" {
	can_bpf
	cgroup etl
	local neighbour=$name
	burner
	cgroup api
	burner
	run --separate-stderr "$PQ" who -g "$name" --json 1 1
	echo "$output" "$stderr"
	[ "$(json 'select(.behind == "total") | .victim')" = "\"$name\"" ]
	[ "$(json "select(.culprit == \"$neighbour\") | .behind == \"neighbour\" and .share_pct > 5 and .wait_ms > 50")" = true ]
	[ "$(jq -s 'map(select(.behind != "total").wait_ms) | add' <<<"$output")" = \
		"$(json 'select(.behind == "total").wait_ms')" ] ||
		[ "$(jq -s '(map(select(.behind != "total").wait_ms) | add) - map(select(.behind == "total").wait_ms)[0] | fabs < 0.01' \
			<<<"$output")" = true ]
	[ "$(jq -s 'map(.victim) | unique | length' <<<"$output")" -eq 1 ] # -g chooses victims, and not culprits
}

@test "what a thread waited in all intervals is its run delay" {
	can_bpf
	cgroup etl
	burner
	cgroup api
	burner # there are rows from the first interval on
	"$PQ" who -g "$name" -t --json 0.3 >rows 2>notes 3>&- &
	local pq=$!
	started+=("$pq")
	rows_go_on
	burner 2 sleep 600
	local victim=$last
	await sleeps "$victim"
	rows_go_on
	kill "$pq"
	wait "$pq"
	lived "$victim"
	cat life notes
	run jq -s --arg tid "/$victim" 'map(select(.behind == "total" and (.victim | endswith($tid))) | .wait_ms) | add' rows
	echo "pq: $output ms"
	awk -v pq="$output" '{ exit !(pq > $1 * 0.98e-6 && pq < $2 * 1.02e-6) }' life
}

@test "two threads that are pinned to one CPU wait for each other, although another CPU is idle" {
	can_bpf
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	cgroup api
	burner
	burner
	local before after
	before=$(awk '/^cpu0 / { print $5 + $6 }' /proc/stat)
	run --separate-stderr "$PQ" who -g "$name" --json 1 1
	after=$(awk '/^cpu0 / { print $5 + $6 }' /proc/stat)
	echo "$output" "$stderr"
	[ "$(json 'select(.behind == "self") | .wait_ms > 20 and .share_pct > 1')" = true ]
	[ "$cpu" = 0 ] || [ $((after - before)) -lt 60 ] ||
		[ "$(json 'select(.behind == "total") | .elsewhere_ms > 100 and .elsewhere_ms <= .wait_ms')" = true ]
}

@test "-p is the process; without rows of others, and it ends with the process" {
	cgroup api
	burner
	burner 2
	run --separate-stderr "$PQ" who -p "$last" --json 0.5
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr == *"process $last has exited"* ]]
	[ "$(jq -r .victim <<<"$output" | sort -u)" = "bash/$last" ]
}

@test "threads that end before pq can read about them are of their process" {
	can_bpf
	cgroup api
	burner
	start taskset -c "$cpu" "$(dirname "$PQ")/tests/helper" flash 500
	await grep -qx helper "/proc/$last/comm"
	run --separate-stderr "$PQ" who -p "$last" -t --json 1 1
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(jq -s 'map(.victim) | unique | length > 10 and all(startswith("helper/"))' <<<"$output")" = true ]
	# new threads are no neighbours of their process
	[ "$(jq -s 'map(select(.behind == "neighbour") | .culprit) | all(startswith("helper/") | not)' <<<"$output")" = true ]
}

@test "wrong targets and arguments end with one line" {
	local helper thread
	helper=$(dirname "$PQ")/tests/helper
	start "$helper" rest 2
	await eval '[ "$(ls "/proc/$last/task" | wc -l)" -gt 1 ]'
	thread=$(find "/proc/$last/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$last" | head -n 1)
	# before anything is loaded
	fails 2 'no such process: 4194300' "$helper" refuse bpf 1 "$PQ" who -p 4194300 0.1 1
	fails 2 "$thread is a thread, not a process: it belongs to process $last" "$helper" refuse bpf 1 "$PQ" who -p "$thread" 0.1 1
	fails 2 'no such cgroup' "$PQ" who -g /nothing/such 0.1 1
	fails 2 'are for a saved trace' "$PQ" who --from 12:00
}

@test "text has a header, and a signal ends it" {
	"$PQ" who 0.2 >out 2>err 3>&- &
	local pq=$!
	started+=("$pq")
	await test -s out
	kill "$pq"
	wait "$pq"
	[[ $(head -1 out) == *behind*wait-ms*victim*culprit* ]]
	if [ -e /dev/full ]; then
		run --separate-stderr sh -c '"$1" who 0.1 1 >/dev/full' sh "$PQ"
		[ "$status" -eq 1 ]
		[[ ${stderr_lines[-1]} == *'cannot write: No space'* ]]
	fi
}

@test "what a quota holds back is a part of its own" {
	can_bpf
	cgroup api
	if [ -e "$group/cpu.max" ]; then
		echo '3000 100000' >"$group/cpu.max"
	else
		echo 3000 >"$group/cpu.cfs_quota_us" 2>/dev/null || skip "no quota can be set here"
	fi
	burner
	burner
	run --separate-stderr "$PQ" who -g "$name" --json 1 1
	echo "$output" "$stderr"
	[ "$(json 'select(.behind == "total") | .quota_ms > 100')" = true ]
	[ "$(jq -s 'map(select(.behind == "quota").wait_ms)[0] - map(select(.behind == "total").quota_ms)[0] | fabs < 0.01' \
		<<<"$output")" = true ]
}

@test "pq why names the neighbour" {
	can_bpf
	local i
	cgroup etl
	local neighbour=$name
	echo 100000 >"$group/cpu.shares" 2>/dev/null || echo 10000 >"$group/cpu.weight" 2>/dev/null || skip "no weight can be set"
	for ((i = 0; i < 3 * $(nproc); i++)); do burn "$group"; done
	cgroup api
	burn "$group"
	run --separate-stderr "$PQ" why -g "$name" --json 2
	echo "$output" "$stderr"
	[[ $(json '.findings[] | select(.rule == "cpu-saturated-by-others") | .evidence[]') == \
		*"$name waited "*" ms, by the scheduler's events: "*" % behind $neighbour"* ]]
	[[ $(json '.findings[] | select(.rule == "cpu-saturated-by-others") | .advice') == *"limit $neighbour; see: pq who -g $name 1"* ]]
}

@test "without BPF it is sampled, and says so: the total is the run delay" {
	cgroup etl
	local neighbour=$name
	burner
	cgroup api
	burner
	local victim=$last
	run --separate-stderr "$PQ" who --source proc -p "$victim" --json 1 1
	echo "$output" "$stderr"
	[[ $stderr == *"behind whom is an estimate"* ]]
	[ "$(json 'select(.behind == "total") | [.note, .source, .longest_ms, .slow]')" = '["sampled","proc",null,null]' ]
	[ "$(json "select(.culprit == \"$neighbour\") | .behind == \"neighbour\" and .share_pct > 5")" = true ]
	# the parts are the total
	[ "$(jq -s '(map(select(.behind != "total").wait_ms) | add) - map(select(.behind == "total").wait_ms)[0] | fabs < 0.01' \
		<<<"$output")" = true ]
	# all that it waited in its life
	"$PQ" who --source proc -g "$name" -t --json 0.3 >rows 2>notes 3>&- &
	local pq=$!
	started+=("$pq")
	rows_go_on
	burner 6 sleep 600 # samples may be a second apart, if there are many threads
	victim=$last
	await sleeps "$victim"
	rows_go_on
	kill "$pq"
	wait "$pq"
	lived "$victim"
	cat life
	run jq -s --arg tid "/$victim" 'map(select(.behind == "total" and (.victim | endswith($tid))) | .wait_ms) | add' rows
	echo "pq: $output ms"
	awk -v pq="$output" '{ exit !(pq > $1 * 0.98e-6 && pq <= $2 * 1.001e-6) }' life
}

@test "without rights it is sampled; --source bpf says what it needs" {
	need_nobody
	run --separate-stderr as_nobody who --json 0.1 1
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr == *"BPF is not available"* && $stderr == *"behind whom is an estimate"* ]]
	run --separate-stderr as_nobody who --source bpf 0.1 1
	[ "$status" -eq 3 ]
	[ -z "$output" ]
}
