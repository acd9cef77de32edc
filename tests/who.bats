#!/usr/bin/env bats
# pq who: behind whom runnable threads waited for a CPU, from a saved trace.
load helper

BUILD=${BUILD:-$(dirname "$PQ")}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# trace NAME: writes a trace from the lines on stdin. A neighbour of /shop/api burns for 300 ms, and then its own threads wait
# for each other.
trace() {
	{
		cat <<-'END'
			clocks 1000000000 1764400000000000000
			cgroup /
			cgroup /shop/api
			cgroup /batch/etl
			thread 101 100 api 1
			thread 102 100 api-worker 1
			thread 201 201 etl 2
			thread 202 202 etl 2
			thread 9 9 ksoftirqd/0 0 kernel
			switch 1000000000 0 0 R 201
			switch 1000000000 1 101 S 0
			waking 1010000000 1 101 0
			switch 1310000000 0 201 P 101
			waking 1311000000 0 102 0
			switch 1331000000 0 101 S 102
			waking 1332000000 1 9 0
			switch 1332500000 0 102 P 9
			switch 1333000000 0 9 S 102
			switch 1340000000 0 102 S 201
		END
		cat
	} | "$BUILD/tests/trace" >"$1"
}

@test "text: victims, and below each its culprits, worst first" {
	trace x.trace </dev/null
	golden who.txt "$PQ" who -f x.trace
	golden who-threads.txt "$PQ" who -f x.trace -t
	golden who-all.txt "$PQ" who -f x.trace -g /shop -w all
}

@test "the rows of the culprits add up to the total, and so do its parts" {
	trace x.trace </dev/null
	for by in "" -t "-p 100"; do
		# shellcheck disable=SC2086 # options
		run --separate-stderr "$PQ" who -f x.trace --json $by
		[ "$status" -eq 0 ]
		[ "$(jq -s 'group_by(.victim) | map(
			(map(select(.behind == "total") | .wait_ms) | add) - (map(select(.behind != "total") | .wait_ms) | add)
			| fabs < 0.0015) | all' <<<"$output")" = true ]
		[ "$(jq -s 'map(select(.behind == "total") | .wait_ms - .self_ms - .neighbour_ms - .kernel_ms - .idle_ms
			- .unknown_ms | fabs < 0.0015) | all and length > 0' <<<"$output")" = true ]
	done
}

@test "the culprit of a wait of 300 ms is named with its share" {
	trace x.trace </dev/null
	run --separate-stderr "$PQ" who -f x.trace --json -g /shop/api
	json_is 'select(.behind == "neighbour") | [.victim, .culprit, .wait_ms, .longest_ms, .waits, .slow]' \
		'["/shop/api","/batch/etl",300,300,1,1]'
	json_is 'select(.behind == "total") | [.wait_ms, .waits, .slow, .quota_ms, .longest_tid, .longest_end]' \
		'[320.5,3,1,null,101,"2025-11-29T07:06:40.310+00:00"]'
}

@test "where all known threads are in one cgroup, a hint says how to tell them apart" {
	trace x.trace </dev/null
	run -0 --separate-stderr "$PQ" who -f x.trace
	[[ $stderr != *"one cgroup"* ]]
	"$BUILD/tests/trace" >y.trace <<-'END'
		clocks 1000000000 1764400000000000000
		cgroup /
		cgroup /shop
		thread 101 100 api 1
		thread 201 201 etl 1
		thread 9 9 ksoftirqd/0 0 kernel
		switch 1000000000 0 0 R 201
		waking 1010000000 1 101 0
		switch 1310000000 0 201 P 101
	END
	run -0 --separate-stderr "$PQ" who -f y.trace
	[[ $stderr == *"all known threads are in one cgroup, /shop: -t tells them apart"* ]]
	for by in -t "-p 100" "-g /shop"; do
		# shellcheck disable=SC2086 # options
		run -0 --separate-stderr "$PQ" who -f y.trace $by
		[[ $stderr != *"one cgroup"* ]]
	done
}

@test "--slow counts waits of at least that time" {
	trace x.trace </dev/null
	for at in "20ms 2" "21ms 1" "300ms 1" "301ms 0"; do
		run --separate-stderr "$PQ" who -f x.trace --json -g /shop/api --slow "${at% *}"
		json_is 'select(.behind == "total") | .slow' "${at#* }"
	done
}

@test "-p is a victim of its own, and -g is a cgroup with those below" {
	trace x.trace </dev/null
	run --separate-stderr "$PQ" who -f x.trace --json -p 201
	json_is 'select(.behind == "total") | .victim' '"etl/201"'
	for name in /shop shop /shop/api/ /sys/fs/cgroup/shop; do
		run --separate-stderr "$PQ" who -f x.trace --json -g "$name"
		json_is 'select(.behind == "total") | .victim' '"/shop/api"'
	done
	run --separate-stderr "$PQ" who -f x.trace --json -g / -t
	json_is 'select(.behind == "total") | .victim' '"api/101"
"etl/201"
"api-worker/102"
"ksoftirqd/0/9"'
	fails 2 "no thread of a cgroup '/sho' is in it" "$PQ" who -f x.trace -g /sho
	fails 2 'no thread of process 4711 is in it' "$PQ" who -f x.trace -p 4711
	fails 2 'no thread of process 9999999999 is in it' "$PQ" who -f x.trace -p 9999999999
}

@test "a CPU that stays idle is told, as a quota may do that" {
	trace x.trace <<-'END'
		switch 1345000000 0 201 P 0
		switch 1400000000 0 0 R 201
	END
	run --separate-stderr "$PQ" who -f x.trace --json -g /batch
	json_is 'select(.behind == "idle") | [.culprit, .wait_ms]' '["(idle CPU)",55]'
	[[ $stderr = *"/batch/etl waited 55.0 ms in queues of idle CPUs"* ]]
}

@test "waits across lost events are left out, and told" {
	trace x.trace <<-'END'
		loss 0 1350000000 1360000000 7
		waking 1341000000 1 101 0
		switch 1370000000 0 202 S 101
	END
	run --separate-stderr "$PQ" who -f x.trace --json -p 100
	json_is 'select(.behind == "total") | [.waits, .left_out]' '[3,1]'
	[[ $stderr = *"left out: 1 wait that began before the trace, or during which events were lost (in 1 place)"* ]]
}

@test "a wait that lasts when the last events are lost is left out" {
	trace x.trace <<-'END'
		waking 1350000000 1 101 0
		switch 1400000000 1 0 R 9
		loss 0 1360000000 1390000000 3
	END
	run --separate-stderr "$PQ" who -f x.trace --json -p 100
	json_is 'select(.behind == "total") | [.waits, .lasting, .left_out]' '[3,0,1]'
}

@test "a trace of one process shows only its waits, and says what it does not know" {
	trace x.trace <<-'END'
		fact asked -p 100
	END
	run --separate-stderr "$PQ" who -f x.trace --json
	json_is 'select(.behind == "total") | .victim' '"api/100"'
	[[ $stderr = *'recorded with -p: who ran between the events of that process is mostly unknown'* ]]
	fails 2 'recorded with -p 100: has only waits of that process' "$PQ" who -f x.trace -p 201
	fails 2 'recorded with -p 100: has only waits of that process' "$PQ" who -f x.trace -g /shop
}

@test "a wait that lasts at the end counts up to there" {
	trace x.trace <<-'END'
		waking 1350000000 1 101 0
		switch 1400000000 1 0 R 9
	END
	run --separate-stderr "$PQ" who -f x.trace --json -p 100
	json_is 'select(.behind == "total") | [.waits, .lasting, .wait_ms]' '[4,1,370.5]'
}

@test "intervals and windows have their part of a wait" {
	trace x.trace </dev/null
	run --separate-stderr "$PQ" who -f x.trace --json -p 100 0.1
	json_is 'select(.behind == "total") | [.time[17:23], .interval_s, .wait_ms, .longest_ms, .waits, .lasting, .slow]' \
		'["40.100",0.1,90,90,1,1,1]
["40.200",0.1,100,190,1,1,0]
["40.300",0.1,100,290,1,1,0]
["40.340",0.04,30.5,300,3,0,0]'
	run --separate-stderr "$PQ" who -f x.trace --json -p 100 0.32
	json_is 'select(.behind == "total") | [.time[17:23], .wait_ms, .waits]' '["40.320",309,2]
["40.340",11.5,2]'
	run --separate-stderr "$PQ" who -f x.trace --json -p 100 0.32 1
	json_is 'select(.behind == "total") | .waits' 2
	run --separate-stderr "$PQ" who -f x.trace --json -p 100 --from +320ms
	json_is 'select(.behind == "total") | [.waits, .wait_ms]' '[2,11.5]'
	run --separate-stderr "$PQ" who -f x.trace --json -p 100 --to +200ms
	json_is 'select(.behind == "total") | [.waits, .lasting, .wait_ms]' '[1,1,190]'
	fails 1 'no events in the selected time' "$PQ" who -f x.trace --from 09:00 --to 10:00
}

@test "-n and --sort choose rows, and text says how many more there are" {
	trace x.trace </dev/null
	run --separate-stderr "$PQ" who -f x.trace -n 2
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[3]} = *'more rows: -n N prints more)' ]]
	run --separate-stderr "$PQ" who -f x.trace --json --sort longest_ms -n 2 -c longest_ms
	json_is .longest_ms '300
300'
}

@test "CSV has one header; a pipe is read" {
	trace x.trace </dev/null
	run --separate-stderr "$PQ" who -f - --csv -c victim,behind,wait_ms 0.32 <x.trace
	[[ ${lines[0]} = *,victim,behind,wait_ms,* ]]
	[ "$(grep -c victim <<<"$output")" -eq 1 ]
	run --separate-stderr "$PQ" who -f <(cat x.trace) -n 1
	[ "$status" -eq 0 ]
}

@test "wrong files and arguments end with one line" {
	trace x.trace </dev/null
	fails 2 'are for a saved trace' "$PQ" who --from 12:00
	fails 2 'not a saved trace' "$PQ" who -f "$BATS_TEST_FILENAME"
	fails 2 'irectory' "$PQ" who -f .
	fails 2 'No such file' "$PQ" who -f nowhere
	fails 2 'unknown column' "$PQ" who -f x.trace -c nothing
	fails 2 "invalid --slow '0'" "$PQ" who -f x.trace --slow 0
	fails 2 'later than --to' "$PQ" who -f x.trace --from +300ms --to +100ms
	"$BUILD/tests/trace" </dev/null >empty.trace
	fails 1 'no events' "$PQ" who -f empty.trace
	# shellcheck disable=SC2016
	[ ! -e /dev/full ] || fails 1 'cannot write: No space' sh -c '"$1" who -f x.trace >/dev/full' sh "$PQ"
}

@test "a trace that is cut off or damaged: what is left has rows, and the rest is told" {
	trace x.trace </dev/null
	head -c -20 x.trace >cut.trace
	run --separate-stderr "$PQ" who -f cut.trace --json
	[ "$status" -eq 0 ]
	[[ $stderr = *'the end of the trace is missing'* ]]
}

@test "names of others cannot control the terminal" {
	{
		printf 'clocks 1000 1000\ncgroup /a\033[31m\ncgroup /b\nthread 1 1 x 0\nthread 2 2 y 1\n'
		printf 'switch 1000 0 0 R 2\nwaking 2000000 0 1 0\nswitch 9000000 0 2 S 1\n'
	} | "$BUILD/tests/trace" >x.trace
	run --separate-stderr "$PQ" who -f x.trace
	[[ $output = *'/a\033[31m'* && $output != *$'\033'* ]]
}

# throttled QUOTA…: a trace of a cgroup with a quota: its threads wait for 200 ms on an idle CPU, and 50 ms for each other.
throttled() {
	{
		cat <<-'END'
			clocks 1000000000 1764400000000000000
			cgroup /
			cgroup /shop/api
			thread 101 100 api 1
			thread 102 100 api 1
			switch 1000000000 0 0 R 101
			switch 1010000000 0 101 P 0
			switch 1210000000 0 0 R 101
			waking 1220000000 0 102 0
			switch 1270000000 0 101 S 102
			switch 1280000000 0 102 S 0
		END
		printf '%s\n' "$@"
	} | "$BUILD/tests/trace" >x.trace
}

@test "a trace with what quotas throttled has a part for quota" {
	throttled 'quota 1 999000000 70000000 limited' 'quota 1 1281000000 220000000 limited'
	run --separate-stderr "$PQ" who -f x.trace --json
	json_is 'select(.behind == "total") | [.wait_ms, .quota_ms, .idle_ms, .self_ms]' '[250,150,50,50]'
	json_is 'select(.behind == "quota") | [.culprit, .wait_ms, .share_pct]' '["(quota)",150,60]'
	# of a thread and of an interval it is not known how long it was for that
	run --separate-stderr "$PQ" who -f x.trace --json -t
	json_is 'select(.behind == "total") | .quota_ms' 'null
null'
	run --separate-stderr "$PQ" who -f x.trace --json 0.1
	[ "$(jq -s 'map(select(.behind == "total").quota_ms) | unique' <<<"$output" -c)" = '[null]' ]
	[[ $stderr == *'waited 200.0 ms in queues of idle CPUs'* ]]
	# no quota, or nothing throttled
	throttled 'quota 1 999000000 0' 'quota 1 1281000000 0'
	run --separate-stderr "$PQ" who -f x.trace --json 0.1
	[ "$(jq -s 'map(select(.behind == "total").quota_ms) | unique' <<<"$output" -c)" = '[0]' ]
	# a reading that is a little late, on a slow machine: 50 ms, and 5 % of the interval
	throttled 'quota 1 1062000000 70000000 limited' 'quota 1 1281000000 220000000 limited'
	run --separate-stderr "$PQ" who -f x.trace --json
	json_is 'select(.behind == "total") | .quota_ms' 150
	# readings that do not enclose it, a counter that fell, a cgroup that is not there
	throttled 'quota 1 1200000000 0 limited' 'quota 1 1281000000 9000000 limited' 'quota 7 999000000 1'
	run --separate-stderr "$PQ" who -f x.trace --json
	json_is 'select(.behind == "total") | .quota_ms' null
	throttled 'quota 1 999000000 5 limited' 'quota 1 1281000000 4 limited'
	run --separate-stderr "$PQ" who -f x.trace --json
	json_is 'select(.behind == "total") | .quota_ms' null
}
