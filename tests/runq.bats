#!/usr/bin/env bats
# pq runq: length of the run queue.
load helper

# two_cpus DIR MONO_NS RUNNING WAIT0_NS WAIT1_NS RUNS SOME_US: a sample of a machine with two CPUs: running tasks, summed wait of each CPU in ns, runs, pressure in µs.
two_cpus() {
	local dir=$1 mono=$2 running=$3 delay0=$4 delay1=$5 runs=$6 some=$7
	sample "$dir" "$mono"
	printf '0.51 0.62 0.71 %s/112 4242\n' "$running" >"$dir/proc/loadavg"
	printf 'cpu  0 0 0 0\ncpu0 1 0 0 9 0 0 0 0 0 0\ncpu1 1 0 0 9 0 0 0 0 0 0\nprocs_running %s\nprocs_blocked 3\n' "$running" >"$dir/proc/stat"
	printf 'version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 5 %s %s\ndomain0 3 0 0\ncpu1 0 0 0 0 0 0 5 %s %s\n' "$delay0" "$runs" "$delay1" "$runs" >"$dir/proc/schedstat"
	mkdir -p "$dir/proc/pressure"
	printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' "$some" >"$dir/proc/pressure/cpu"
}

@test "the columns of sar -q come first, in its order" {
	run "$PQ" runq -f "$(capture 6.1-v2-idle)"
	read -ra words <<<"${lines[0]}"
	[ "${words[*]:1}" = "runq-sz plist-sz ldavg-1 ldavg-5 ldavg-15 blocked runq-max waiting %some" ]
}

@test "runq-sz counts running tasks without pq; a count of 0 is unknown" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 1 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 6 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t2" 3000000000 0 0 0 0 0
	run "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.runq_sz, .runq_max, .plist_sz, .blocked]')" = "[5,5,112,3]
[null,null,112,3]" ]
}

@test "waiting is the wait of all CPUs divided by the elapsed time" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 1 5000000000 0 10 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 3000000000 1 8000000000 1000000000 210 1500000
	run "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.waiting, .cpu_some_pct, .interval_s == 2]')" = "[2,75,true]" ]
}

@test "-P shows waiting, mean wait and runs per second of each CPU" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 1 5000000000 0 10 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 3000000000 1 8000000000 0 210 0
	run "$PQ" runq -P ALL --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.cpu, .waiting, .wait_ms, .runs_per_s, .note]')" = '[0,1.5,15,100,null]
[1,0,0,100,null]' ]
}

@test "a CPU that ran nothing in the interval has no mean wait" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 1 5 5 10 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 1 5 5 10 0
	run "$PQ" runq -P 1 --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.cpu, .waiting, .wait_ms, .runs_per_s]')" = '[1,0,null,0]' ]
}

@test "samples between two rows are ticks: a row has their mean and maximum" {
	for i in 0 1 2 3 4; do
		two_cpus "$BATS_TEST_TMPDIR/t$i" $((1000000000 + i * 250000000)) $((i * i + 1)) 0 0 0 0
	done
	run "$PQ" runq --json -f "$BATS_TEST_TMPDIR" 1
	[ "$(json '[.runq_sz, .runq_max]')" = "[7.5,16]" ]
}

@test "without schedstat waiting is unknown, and one note says so" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 2 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 2 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t2" 3000000000 2 0 0 0 0
	rm "$BATS_TEST_TMPDIR"/t?/proc/schedstat
	run --separate-stderr "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$status" -eq 0 ]
	[ "$(json .waiting)" = "null
null" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *CONFIG_SCHEDSTATS* ]]
}

@test "without pressure %some is unknown and the rest is known" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 2 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 2 1000000000 0 0 0
	rm -r "$BATS_TEST_TMPDIR"/t?/proc/pressure
	run --separate-stderr "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.cpu_some_pct, .waiting]')" = "[null,1]" ]
	[[ $stderr == *CONFIG_PSI* ]]
}

@test "without schedstat -P counts threads in state R, and marks the rows as sampled" {
	local task='%s (x) %s 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 1 0 1516 2240512 2 1 1 1 1 0 0 0 0 0 0 0 0 0 17 %s 0 0 0\n'
	for t in t0 t1; do
		two_cpus "$BATS_TEST_TMPDIR/$t" "${t#t}000000000" 2 0 0 0 0
		rm "$BATS_TEST_TMPDIR/$t/proc/schedstat"
		for pid in 7 8 9; do
			mkdir -p "$BATS_TEST_TMPDIR/$t/proc/$pid/task/$pid"
			# shellcheck disable=SC2059
			printf "$task" $pid R 1 >"$BATS_TEST_TMPDIR/$t/proc/$pid/task/$pid/stat"
		done
		mkdir -p "$BATS_TEST_TMPDIR/$t/proc/9/task/10"
		# shellcheck disable=SC2059
		printf "$task" 10 S 1 >"$BATS_TEST_TMPDIR/$t/proc/9/task/10/stat"
	done
	run --separate-stderr "$PQ" runq -P ALL --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.cpu, .waiting, .wait_ms, .runs_per_s, .note]')" = '[0,0,null,null,"sampled"]
[1,2,null,null,"sampled"]' ]
	[[ $stderr == *sampled* ]]
}

@test "a capture without threads gives unknown waiting, not 0" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 2 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 2 0 0 0 0
	rm "$BATS_TEST_TMPDIR"/t?/proc/schedstat
	run --separate-stderr "$PQ" runq -P 0 --json -f "$BATS_TEST_TMPDIR"
	[ "$(json .waiting)" = null ]
}

@test "damaged files give unknown values or an error, never zeros" {
	two_cpus "$BATS_TEST_TMPDIR/t0" 1000000000 2 0 0 0 0
	two_cpus "$BATS_TEST_TMPDIR/t1" 2000000000 2 0 0 0 0
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/t1/proc/schedstat"
	: >"$BATS_TEST_TMPDIR/t1/proc/pressure/cpu"
	printf 'procs_blocked x\n' >"$BATS_TEST_TMPDIR/t1/proc/stat"
	run --separate-stderr "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$status" -eq 0 ]
	[ "$(json '[.waiting, .cpu_some_pct, .blocked, .runq_sz]')" = "[null,null,null,1]" ]
	echo garbage >"$BATS_TEST_TMPDIR/t1/proc/loadavg"
	run --separate-stderr "$PQ" runq --json -f "$BATS_TEST_TMPDIR"
	[ "$(json '[.runq_sz, .plist_sz, .ldavg_1]')" = "[null,null,null]" ]
	[[ $stderr == *loadavg* ]]
	echo garbage >"$BATS_TEST_TMPDIR/t0/proc/loadavg"
	fails 3 'loadavg' "$PQ" runq -f "$BATS_TEST_TMPDIR"
}

@test "live: four busy loops are always in the run queue" {
	local during
	for _ in 1 2 3 4; do burn; done
	sleep 0.5
	during=$("$PQ" runq --json -c runq_sz 2 1 2>/dev/null | jq .runq_sz)
	echo "$during"
	# other work on the machine may come and go; the loops do not
	jq -en "$during >= 3.7" >/dev/null
}
