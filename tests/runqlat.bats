#!/usr/bin/env bats
# pq runqlat: how long tasks wait for a CPU.

load helper

setup() {
	samples runqlat
}

# counted T SOURCE WAITS SUM_NS BUCKETS...: sample tT, T seconds after the first, with what was counted up to then.
counted() {
	local now=$dir/t$1
	sample "$now" $((($1 + 1) * 1000000000))
	mkdir -p "$now/pq"
	printf 'source %s\nswitches %s\nwaits %s\nsum_ns %s\nnegative 0\nlost 0\nbuckets' "$2" $(($3 * 2)) "$3" "$4" >"$now/pq/runqlat"
	printf ' %s' "${@:5}" >>"$now/pq/runqlat"
	echo >>"$now/pq/runqlat"
}

@test "a row has rate, waiting tasks, mean wait and percentiles between two samples" {
	counted 0 bpf-btf 10 1000000 80:10
	counted 2 bpf-btf 110 9000000 80:90 120:20
	show
	[ "$(json '[.runs_per_s, .waiting, .mean_us, .source]')" = '[50,0.004,80,"bpf-btf"]' ]
	# bucket 80 begins at 2^12 ns = 4.096 us and is 0.512 wide: 80 of 100 waits in it; bucket 120 at 2^17 ns, 16.384 us wide
	[ "$(json '[.p50_us, .p90_us, .max_us]')" = '[4.416,139.264,147.456]' ]
}

@test "-m gives milliseconds, and keys with _ms" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:80 120:20
	show -m
	[ "$(json '[.mean_ms, .max_ms, .mean_us]')" = '[0.08,0.147,null]' ]
}

@test "-H gives a histogram in powers of two of microseconds, with -m of milliseconds" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:80 120:20
	show -H
	[ "$(json '[.from_us, .to_us, .waits]')" = '[0,1,0]
[2,3,0]
[4,7,80]
[8,15,0]
[16,31,0]
[32,63,0]
[64,127,0]
[128,255,20]' ]
	show -H -m
	[ "$(json '[.from_ms, .to_ms, .waits, .waits_pct]')" = '[0,1,100,100]' ]
}

@test "without waits percentiles are unknown, not 0" {
	counted 0 bpf-tp 5 1000 80:5
	counted 1 bpf-tp 5 1000 80:5
	show
	[ "$(json '[.runs_per_s, .waiting, .mean_us, .p50_us, .p99_9_us, .max_us]')" = '[0,0,null,null,null,null]' ]
}

@test "--source must match the source of a recording" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:100
	show --source bpf
	fails 3 "the recording has the source bpf-btf, not probe" "$PQ" runqlat -f "$dir" --source probe
}

@test "wrong arguments" {
	fails 2 "invalid --source 'ebpf': want" "$PQ" runqlat --source ebpf
	fails 2 "invalid --period '0': want" "$PQ" runqlat --period 0
	fails 2 "no (such )?process:? 4194000" "$PQ" runqlat -p 4194000 1 1
	fails 2 "CPU [0-9]* is not online" "$PQ" runqlat -P 6000-8000 0.1 1
	fails 2 "CPU 8000 is not online" "$PQ" runqlat -P 8000 0.1 1
	fails 2 "unknown column 'p50_ms'; did you mean 'p50_us'" "$PQ" runqlat -c p50_ms
}

@test "-v shows what the BPF programs cost; without it that is unknown" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:100
	show
	[ "$(json '[.switches_per_s, .event_ns, .cost_pct]')" = '[200,null,null]' ]
	sed -i 's/^buckets/events 1000\nevents_ns 400000\nbuckets/' "$dir/t0/pq/runqlat"
	sed -i 's/^buckets/events 3000\nevents_ns 1000000\nbuckets/' "$dir/t1/pq/runqlat"
	show
	[ "$(json '[.event_ns, .cost_pct]')" = '[300,0.06]' ]
}

@test "the probe has corrected percentiles in their own columns, and waiting is unknown" {
	counted 0 probe 0 0
	counted 1 probe 100 8000000 80:100
	sed 's/80:100/80:50 200:50/' "$dir/t1/pq/runqlat" >"$dir/t1/pq/runqlat-corrected"
	cp "$dir/t0/pq/runqlat" "$dir/t0/pq/runqlat-corrected"
	show
	[ "$(json '[.runs_per_s, .waiting, .p99_us < 5, .corrected_p99_us > 1000, .lost, .source]')" = '[100,null,true,true,null,"probe"]' ]
}

@test "-P with a recording gives a note that it has no effect" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:100
	show -P 0
	[[ $stderr == *"-P: the recording holds the waits of the CPUs chosen when it was made"* ]]
}

@test "damaged counts are an error" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:99
	fails 1 "cannot read the counted waits" "$PQ" runqlat -f "$dir"
}

# thread STATE RUN_NS WAIT_NS SLICES: in the sample $now, the one thread of process 10.
thread() {
	mkdir -p "$now/proc/10/task/10"
	echo "$2 $3 $4" >"$now/proc/10/task/10/schedstat"
	printf 'Name:\tx\nState:\t%s (x)\nvoluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n' "$1" \
		>"$now/proc/10/task/10/status"
}

@test "schedstat: a waiting thread is pending, and its wait counts when it gets a CPU" {
	now=$dir/t0; sample "$now" 1000000000; thread R 5000000 0 7
	now=$dir/t1; sample "$now" 2000000000; thread R 5000000 0 7
	now=$dir/t2; sample "$now" 3000000000; thread R 6000000 1990000000 8
	show
	[ "$(json '[.runs_per_s, .waiting, .mean_us, .p50_us, .max_us, .pending, .source]')" = '[0,0,null,null,null,1,"schedstat"]
[1,1.99,1990000,null,null,0,"schedstat"]' ]
	[[ $stderr == *"some threads have waited for a CPU since before this row"* ]]
	fails 3 "the recording has no histogram" "$PQ" runqlat -H -f "$dir"
	fails 3 "the recording has the source schedstat, not bpf" "$PQ" runqlat --source bpf -f "$dir"
}

@test "schedstat: a sleeping thread is not pending" {
	for t in 0 1; do now=$dir/t$t; sample "$now" $((t * 1000000000 + 1)); thread S 5000000 0 7; done
	show
	[ "$(json '[.waiting, .pending]')" = '[0,0]' ]
}
