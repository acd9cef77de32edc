#!/usr/bin/env bats
# pq runqlat: how long tasks wait for a CPU.

load helper

setup() {
	dir=$BATS_TEST_TMPDIR/m
}

# counted T SOURCE WAITS SUM_NS BUCKETS...: moment tT, T seconds after the first, with what was counted up to then.
counted() {
	local now=$dir/t$1
	moment "$now" $((($1 + 1) * 1000000000))
	mkdir -p "$now/pq"
	printf 'source %s\nswitches %s\nwaits %s\nsum_ns %s\nnegative 0\nlost 0\nbuckets' "$2" $(($3 * 2)) "$3" "$4" >"$now/pq/runqlat"
	printf ' %s' "${@:5}" >>"$now/pq/runqlat"
	echo >>"$now/pq/runqlat"
}

show() {
	run --separate-stderr "$PQ" runqlat --json "$@" -f "$dir"
	[ "$status" -eq 0 ]
}

@test "what was counted between two moments: rate, mean number of waiting tasks, mean wait, percentiles, bound" {
	counted 0 bpf-btf 10 1000000 80:10
	counted 2 bpf-btf 110 9000000 80:90 120:20
	show
	[ "$(json '[.runs_per_s, .waiting, .mean_us, .source]')" = '[50,0.004,80,"bpf-btf"]' ]
	# bucket 80 begins at 2^12 ns = 4.096 us and is 0.512 wide: 80 of 100 waits in it; bucket 120 at 2^17 ns, 16.384 us wide
	[ "$(json '[.p50_us, .p90_us, .max_us]')" = '[4.416,139.264,147.456]' ]
}

@test "-m: milliseconds, and the keys say so" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:80 120:20
	show -m
	[ "$(json '[.mean_ms, .max_ms, .mean_us]')" = '[0.08,0.147,null]' ]
}

@test "-H: powers of two of microseconds that add up; -m: of milliseconds" {
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
	[ "$(json '[.from_ms, .to_ms, .waits, .share_pct]')" = '[0,1,100,100]' ]
}

@test "nothing waited: no percentiles, and not 0" {
	counted 0 bpf-tp 5 1000 80:5
	counted 1 bpf-tp 5 1000 80:5
	show
	[ "$(json '[.runs_per_s, .waiting, .mean_us, .p50_us, .p99_9_us, .max_us]')" = '[0,0,null,null,null,null]' ]
}

@test "--source on a recording must be the one that it has" {
	counted 0 bpf-btf 0 0
	counted 1 bpf-btf 100 8000000 80:100
	show --source bpf
	fails 3 "this recording has the source bpf-btf, not probe" "$PQ" runqlat -f "$dir" --source probe
}

@test "wrong arguments" {
	fails 2 "--source ebpf: it takes bpf" "$PQ" runqlat --source ebpf
	fails 2 "--period 0: it takes a time" "$PQ" runqlat --period 0
	fails 2 "no process 4194000 here" "$PQ" runqlat -p 4194000 1 1
	fails 2 "no column p50_ms; pq runqlat --columns lists them, and with -m or -H others" "$PQ" runqlat -c p50_ms
}
