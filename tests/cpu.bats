#!/usr/bin/env bats
# pq cpu: CPU time per core.
load helper

setup() {
	dir=$BATS_TEST_TMPDIR/m
}

# cpus N MONO_NS LINE…: sample tN with these lines of /proc/stat, each "N user nice system idle iowait irq softirq steal guest gnice".
cpus() {
	local at=$dir/t$1 mono=$2 line
	shift 2
	sample "$at" "$mono"
	echo 'cpu  9 9 9 9 9 9 9 9 9 9' >"$at/proc/stat"
	for line; do
		echo "cpu$line" >>"$at/proc/stat"
	done
	mkdir -p "$at/proc/self"
	printf 'Name:\tx\nCpus_allowed:\t1\nCpus_allowed_list:\t%s\n' "${ALLOWED:-0-63}" >"$at/proc/self/status"
}

shares() {
	run --separate-stderr "$PQ" cpu --json "$@" -f "$dir"
	[ "$status" -eq 0 ]
	json '[.cpu // .row, .usr_pct, .nice_pct, .sys_pct, .iowait_pct, .irq_pct, .soft_pct, .steal_pct, .guest_pct, .gnice_pct, .idle_pct]'
}

@test "columns have the headings and the order of mpstat" {
	run "$PQ" cpu -f "$(capture 6.1-v2-idle)"
	read -ra words <<<"${lines[0]}"
	[ "${words[*]:1:11}" = "CPU %usr %nice %sys %iowait %irq %soft %steal %guest %gnice %idle" ]
}

@test "each field is a share; guest time is subtracted from user and nice" {
	cpus 0 1000000000 "0 0 0 0 0 0 0 0 0 0 0"
	cpus 1 2000000000 "0 30 10 5 40 4 3 2 6 20 1"
	[ "$(shares -P 0)" = '[0,10,9,5,4,3,2,6,20,1,40]' ]
}

@test "the row all sums the CPU lines, not the kernel's own sum line" {
	cpus 0 1000000000 "0 0 0 0 0 0 0 0 0 0 0" "1 0 0 0 0 0 0 0 0 0 0"
	cpus 1 2000000000 "0 40 0 0 0 0 0 0 0 0 0" "1 0 0 0 120 0 0 0 0 0 0"
	[ "$(shares | head -1)" = '["all",25,0,0,0,0,0,0,0,0,75]' ]
}

@test "idle time that decreases does not make a busy CPU look idle" {
	cpus 0 1000000000 "0 100 0 100 5000 0 0 0 0 0 0"
	cpus 1 2000000000 "0 160 0 140 4980 0 0 0 0 0 0"
	[ "$(shares -P 0)" = '[0,60,0,40,0,0,0,0,0,0,null]' ]
}

@test "iowait and user times that decrease are unknown, and the others are shares of the elapsed time" {
	cpus 0 1000000000 "0 500 0 100 5000 900 0 0 0 0 0"
	cpus 1 2000000000 "0 200 0 150 5050 800 0 0 0 0 0"
	[ "$(shares -P 0)" = '[0,null,0,50,null,0,0,0,0,0,50]' ]
}

@test "a CPU without any ticks for a second is idle" {
	cpus 0 1000000000 "0 5 0 5 500 0 0 0 0 0 0"
	cpus 1 2000000000 "0 5 0 5 500 0 0 0 0 0 0"
	[ "$(shares -P 0)" = '[0,0,0,0,0,0,0,0,0,0,100]' ]
}

@test "a CPU without any ticks is unknown in less than two clock ticks" {
	cpus 0 1000000000 "0 5 0 5 500 0 0 0 0 0 0"
	cpus 1 1010000000 "0 5 0 5 500 0 0 0 0 0 0"
	[ "$(shares -P 0)" = '[0,null,null,null,null,null,null,null,null,null,null]' ]
}

@test "a CPU that goes offline has no row; one that returns starts from its new counters" {
	cpus 0 1000000000 "0 0 0 0 0 0 0 0 0 0 0" "1 900 0 0 0 0 0 0 0 0 0"
	cpus 1 2000000000 "0 50 0 0 50 0 0 0 0 0 0"
	cpus 2 3000000000 "0 100 0 0 100 0 0 0 0 0 0" "1 5 0 0 0 0 0 0 0 0 0"
	cpus 3 4000000000 "0 150 0 0 150 0 0 0 0 0 0" "1 5 0 0 100 0 0 0 0 0 0"
	[ "$(shares | jq -c '[.[0], .[1], .[10]]')" = '["all",50,50]
[0,50,50]
["all",50,50]
[0,50,50]
["all",25,75]
[0,50,50]
[1,0,100]' ]
}

@test "fields that an old kernel lacks are unknown" {
	cpus 0 1000000000 "0 0 0 0 0"
	cpus 1 2000000000 "0 25 0 0 75"
	[ "$(shares -P 0)" = '[0,25,0,0,null,null,null,null,null,null,75]' ]
}

@test "a /proc/stat of zeros, as in some sandboxes, gives unknown values" {
	cpus 0 1000000000 "0 0 0 0 0 0 0 0 0 0 0"
	cpus 1 2000000000 "0 0 0 0 0 0 0 0 0 0 0"
	[ "$(shares | jq -c '[.[0], .[1], .[10]]')" = '["all",null,null]
[0,null,null]' ]
}

@test "a truncated last line is ignored" {
	cpus 0 1000000000 "0 0 0 0 1000" "1 1000 0 1000 50000"
	cpus 1 2000000000 "0 0 0 0 1100" "1 1001 0 1000 50099"
	printf 'cpu  0 0 0 0\ncpu0 0 0 0 1100\ncpu1 1001 0 1000 50' >"$dir/t1/proc/stat"
	[ "$(shares | jq -c '[.[0], .[1], .[10]]')" = '["all",0,100]
[0,0,100]' ]
}

@test "the CPUs allowed to the process are marked; --allowed shows only them and sums them" {
	ALLOWED=1-2 cpus 0 1000000000 "0 0 0 0 0" "1 0 0 0 0" "2 0 0 0 0"
	ALLOWED=1-2 cpus 1 2000000000 "0 100 0 0 0" "1 50 0 0 50" "2 0 0 0 100"
	run --separate-stderr "$PQ" cpu --json -f "$dir"
	[ "$(json '[.cpu // .row, .allowed]')" = '["all",null]
[0,false]
[1,true]
[2,true]' ]
	[ "$(shares --allowed | jq -c '[.[0], .[1]]')" = '["own",25]
[1,50]
[2,0]' ]
}

@test "-p marks the CPUs of that process" {
	cpus 0 1000000000 "0 0 0 0 0" "1 0 0 0 0"
	cpus 1 2000000000 "0 100 0 0 0" "1 50 0 0 50"
	for t in t0 t1; do
		mkdir "$dir/$t/proc/42"
		printf 'Cpus_allowed_list:\t1\n' >"$dir/$t/proc/42/status"
	done
	run --separate-stderr "$PQ" cpu --json -p 42 -f "$dir"
	[ "$(json '[.cpu // .row, .allowed]')" = '["all",null]
[0,false]
[1,true]' ]
}

@test "the run ends when the process ends" {
	for t in 0 1 2; do
		cpus $t $((t + 1))000000000 "0 0 0 0 ${t}00"
	done
	for t in t0 t1; do
		mkdir "$dir/$t/proc/42"
		printf 'Cpus_allowed_list:\t0\n' >"$dir/$t/proc/42/status"
	done
	run --separate-stderr "$PQ" cpu --json -p 42 -f "$dir"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *"process 42 has exited"* ]]
}

@test "--busiest N shows the N busiest CPUs; iowait is not busy" {
	cpus 0 1000000000 "0 0 0 0 0 0" "1 0 0 0 0 0" "2 0 0 0 0 0" "3 0 0 0 0 0"
	cpus 1 2000000000 "0 10 0 0 90 0" "1 0 0 0 0 100" "2 70 0 0 30 0" "3 40 0 0 60 0"
	[ "$(shares --busiest 2 | jq -c '.[0]')" = '"all"
2
3' ]
}

@test "--sort cpu counts: CPU 2 comes before CPU 10" {
	run --separate-stderr "$PQ" cpu --json -n 4 --sort cpu -f "$(capture 6.1-v2-64cpu)"
	[ "$(json '.cpu | tostring' | xargs)" = "null 0 1 2 3" ]
}

@test "-P with a list shows those CPUs without the sum" {
	run --separate-stderr "$PQ" cpu --json -P 3,1 -f "$(capture 6.1-v2-64cpu)"
	[ "$(json '.cpu // .row')" = '1
3' ]
}

@test "a damaged CPU line is skipped; a file without CPUs is an error" {
	cpus 0 1000000000 "0 0 0 0 0" "1 0 0 0 0"
	cpus 1 2000000000 "0 100 0 0 0" "1 99999999999999999999999 0 0 0"
	[ "$(shares | jq -c '.[0]')" = '"all"
0' ]
	echo 'nothing here' >"$dir/t0/proc/stat"
	fails 3 '/proc/stat' "$PQ" cpu -f "$dir"
}

@test "live: a busy loop fills the CPU that it is pinned to" {
	local cpu
	cpu=$(taskset -cp $$ | sed 's/.*[-, ]//')
	burn
	taskset -cp "$cpu" "$last"
	sleep 0.3
	run --separate-stderr "$PQ" cpu --json -P "$cpu" 2 1
	echo "$output"
	[ "$(json '.idle_pct < 3 and .usr_pct > 50')" = true ]
}
