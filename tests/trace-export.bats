#!/usr/bin/env bats
# pq trace export: the small trace that tests/trace_sample.c writes, for other programs, with a recording beside it. What the
# bytes are is in tests/unit/perfetto.c and tests/unit/chrome.c.
load helper

setup() {
	here
	"$(dirname "$PQ")/tests/trace_sample" x.trace
}

# export_json OPTIONS…: $output is what jq makes of the events, $stderr what pq said.
export_json() {
	"$PQ" trace export x.trace --json -o - "$@" >x.json 2>said
	run jq -c '.traceEvents[]' x.json
}

# beside: a recording in r, three samples a second apart; the trace is within the first second and a bit.
beside() {
	# shellcheck disable=SC2034 # of the helper
	dir=r own_cgroup=/
	for i in 0 1 2; do
		at "$i"
		echo 'cpu memory' >"$now/sys/fs/cgroup/cgroup.controllers"
		echo 'MemTotal: 1024000 kB' >"$now/proc/meminfo"
		echo "$((5 + i))000000000 $((1790000000 + i))000000000" >"$now/clock"
		cpu_group /shop '20000 100000' $((i * 200000)) $((i * 10)) $((i * 8)) $((i * 500000))
		printf '%s\n' $((4096 * (i + 1))) >"$group/memory.current"
		echo 8192 >"$group/memory.max"
		printf 'anon 4096\nfile 0\ninactive_file 0\n' >"$group/memory.stat"
		printf 'low 0\nhigh 0\nmax 0\noom %s\noom_kill %s\n' $((i / 2)) $((i / 2)) >"$group/memory.events"
		echo "0.10 0.20 0.30 $((i + 2))/100 4321" >"$now/proc/loadavg"
		printf 'cpu  10 0 0 90 0 0 0 0 0 0\ncpu0 10 0 0 90 0 0 0 0 0 0\nprocs_running 2\nprocs_blocked 0\n' >"$now/proc/stat"
	done
}

@test "a file for Perfetto's viewer has all events, within 12 bytes each beside the names" {
	"$PQ" trace export x.trace -o x.perfetto
	[ "$(stat -c %s x.perfetto)" -lt 2000 ]
	[ "$(od -An -tx1 -N 1 x.perfetto)" = " 0a" ]
	grep -qa 'trigger wait > 100ms' x.perfetto
	grep -qa '/shop/api' x.perfetto
	fails 2 'x.perfetto: file exists' "$PQ" trace export x.trace -o x.perfetto
}

@test "JSON shows the wait of 300 ms, with who woke the thread" {
	export_json
	json_is 'select(.tid == 101 and .name == "runnable" and .dur > 100000) | [.dur, .args.waker]' '[300000,"etl"]'
	json_is 'select(.ph == "i") | .name' '"trigger wait > 100ms"'
	grep -q '40 events are lost' said
}

@test "--from and --to select a part" {
	export_json --from +400ms --to +600ms
	[ -n "$output" ]
	[ -z "$(json 'select(.ph == "X" and (.ts < 5499000 or .ts > 5700000))')" ]
	json_is 'select(.ph == "X" and .pid == 0 and .tid == 0) | .args.tid' $'101\n200\n300\n200'
}

@test "-f puts the figures of a recording beside the events" {
	beside
	export_json -f r
	json_is 'select(.ph == "C" and .name == "throttle.held_cpus") | [.ts / 1000, (.args.CPUs > 0)]' '[5000,true]
[6000,true]'
	json_is 'select(.ph == "C" and .name == "throttle.limit_cpus") | .args.CPUs' $'0.2\n0.2'
	json_is 'select(.ph == "C" and .name == "mem.used_bytes") | [.ts / 1000, .args.bytes]' $'[6000,8192]\n[7000,12288]'
	json_is 'select(.ph == "C" and .name == "mem.limit_bytes") | .args.bytes' $'8192\n8192'
	json_is 'select(.ph == "i" and (.name | startswith("OOM"))) | [.name, .ts / 1000]' '["OOM kill in /shop",7000]'
	run jq -r '.traceEvents[] | select(.name == "process_name" and .pid > 4194304) | .args.name' x.json
	[ "$(sort -u <<<"$output" | tr '\n' ' ')" = "/shop machine " ]
}

@test "a recording of another time or another boot is refused" {
	beside
	for at in r/t?; do echo "$(cut -d ' ' -f 1 "$at/clock") 1780000000000000000" >"$at/clock"; done
	fails 2 'r: it is not of the same machine since the same boot' "$PQ" trace export x.trace -o z -f r
	"$PQ" runq -o r.tape 0.01 1 >/dev/null
	fails 2 'r.tape: it is not of the same machine since the same boot' "$PQ" trace export x.trace -o z -f r.tape
	[ ! -e z ]
}

@test "wrong usage" {
	fails 2 '-o FILE is required' "$PQ" trace export x.trace
	fails 2 'export: -p is not allowed' "$PQ" trace export x.trace -o y -p 1
	fails 2 'info: -o is not allowed' "$PQ" trace info x.trace -o y
	fails 2 'text: -f is not allowed' "$PQ" trace text x.trace -f y
	fails 2 'cannot both be stdin' "$PQ" trace export - -f - -o y
	fails 2 'cannot open missing.trace' "$PQ" trace export missing.trace -o y
	[ ! -e y ]
}

# shellcheck disable=SC2016 # bash -c
@test "a signal leaves no half a file" {
	local status=0
	beside
	"$PQ" tape pack r r.tape
	mkfifo pipe
	exec 8<>pipe
	start bash -c 'exec env --default-signal=INT,TERM "$1" trace export x.trace -o x.perfetto -f - <&8 2>said' bash "$PQ"
	cat r.tape >&8 # more may come: pq waits for it, and its file has begun
	await test -e x.perfetto
	kill -INT "$last"
	wait "$last" || status=$?
	exec 8>&-
	[ "$status" -eq 1 ]
	grep -q 'cannot write x.perfetto: stopped by a signal' said
	[ ! -e x.perfetto ]
}

# shellcheck disable=SC2016 # bash -c
@test "a full disk is told, and leaves no file" {
	fails 1 'cannot write stdout: No space left' bash -c '"$1" trace export x.trace -o - >/dev/full 2>all || { status=$?; grep -v lost all >&2; exit $status; }' bash "$PQ"
	small_disk size=4k
	: >disk/filler
	head -c 4096 /dev/zero >disk/filler || :
	fails 1 'cannot write disk/x: No space left' "$PQ" trace export x.trace -o disk/x
	[ ! -e disk/x ]
}
