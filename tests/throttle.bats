#!/usr/bin/env bats
# pq throttle: how long a quota throttles a cgroup. How the cgroup is found: locate.bats.
load helper

setup() {
	samples throttle /pod/app
}

@test "a row has usage, its percentages, CPUs held back, and stall per throttled period" {
	at 0; cpu_group /pod "max 100000" 0 0 0 0; cpu_group /pod/app "200000 100000" 1000000 100 10 500000
	at 1; cpu_group /pod "max 100000" 0 0 0 0; cpu_group /pod/app "200000 100000" 2500000 110 15 2300000
	show
	[ "$(json '[.cgroup, .limit_cpus, .limit_level, .used_cpus, .used_pct, .periods, .throttled, .throttled_pct, .held_cpus, .stall_ms, .bursts]')" = \
		'["/pod/app",2,"/pod/app",1.5,75,10,5,50,1.8,360,0]' ]
}

@test "the smallest quota of all levels applies, and its level is named and shown" {
	at 0; cpu_group /pod "50000 100000" 0 0 0 0; cpu_group /pod/app "200000 100000" 0 0 0 0
	at 1; cpu_group /pod "50000 100000" 500000 10 10 900000; cpu_group /pod/app "200000 100000" 500000 10 0 0
	show
	[ "$(json '[.cgroup, .limit_cpus, .limit_level, .throttled_pct]')" = '["/pod",0.5,"/pod",100]
["/pod/app",0.5,"/pod",0]' ]
}

@test "throttling by a parent cgroup is unknown without cpu.stat.local, not 0" {
	at 0; cpu_group /pod "50000 100000" 0 0 0 0; cpu_group /pod/app "max 100000" 0 0 0 0
	at 1; cpu_group /pod "50000 100000" 500000 10 10 900000; cpu_group /pod/app "max 100000" 500000 0 0 0
	show
	[ "$(json '[.cgroup, .held_cpus, .throttled_pct]')" = '["/pod",0.9,100]
["/pod/app",null,null]' ]
}

@test "cpu.stat.local gives the throttling by any level" {
	at 0; cpu_group /pod "50000 100000" 0 0 0 0 0; cpu_group /pod/app "max 100000" 0 0 0 0 0
	at 1; cpu_group /pod "50000 100000" 500000 10 10 900000 900000; cpu_group /pod/app "max 100000" 500000 0 0 0 900000
	show
	[ "$(json '[.cgroup, .held_cpus, .hidden_cpus]')" = '["/pod",0.9,0]
["/pod/app",0.9,0]' ]
}

@test "throttling by an invisible parent is what the topmost visible cgroup has beyond its own" {
	at 0; cpu_group "" "100000 100000" 0 0 0 0 0
	at 1; cpu_group "" "100000 100000" 500000 10 5 200000 1700000
	for t in t0 t1; do echo 0::/ >"$dir/$t/proc/self/cgroup"; done
	show
	[ "$(json '[.cgroup, .held_cpus, .hidden_cpus]')" = '["/",1.7,1.5]' ]
	[[ $stderr == *"parent cgroups of / are hidden"* ]]
}

@test "throttling by an invisible parent is unknown before Linux 6.6" {
	at 0; cpu_group "" "100000 100000" 0 0 0 0
	at 1; cpu_group "" "100000 100000" 500000 10 5 200000
	for t in t0 t1; do echo 0::/ >"$dir/$t/proc/self/cgroup"; done
	show
	[ "$(json .hidden_cpus)" = null ]
}

@test "without any quota the limit and its percentage are unknown" {
	at 0; cpu_group /pod max 0 0 0 0; cpu_group /pod/app max 0 0 0 0
	at 1; cpu_group /pod max 0 0 0 0; cpu_group /pod/app max 250000 0 0 0
	show
	[ "$(json '[.cgroup, .limit_cpus, .limit_level, .used_cpus, .used_pct, .throttled_pct, .held_cpus]')" = \
		'["/pod/app",null,null,0.25,null,null,0]' ]
}

@test "-a shows cgroups with a quota, most throttled first" {
	for t in 0 1; do
		at $t
		cpu_group /a "100000 100000" 0 $((10 * t)) $((1 * t)) $((100000 * t))
		cpu_group /b "100000 100000" 0 $((10 * t)) $((9 * t)) $((800000 * t))
		cpu_group /c max 0 0 0 0
	done
	show -a
	[ "$(json .cgroup)" = '"/b"
"/a"' ]
}

@test "-a shows a throttled cgroup first even if no period has ended" {
	for t in 0 1; do
		at $t
		cpu_group /idle "100000 100000" 0 $((10 * t)) 0 0
		cpu_group /hurt "100000 1000000" 0 0 0 $((950000 * t))
	done
	show -a
	[ "$(json .cgroup)" = '"/hurt"
"/idle"' ]
}

@test "a quota that cannot be read makes the limit unknown from there down, with a note" {
	at 0; cpu_group /pod "50000 100000" 0 0 0 0; cpu_group /pod/app "200000 100000" 0 0 0 0
	at 1; cpu_group /pod "50000 100000" 0 0 0 0; cpu_group /pod/app "200000 100000" 250000 10 0 0
	for t in t0 t1; do
		rm "$dir/$t/sys/fs/cgroup/pod/cpu.max"
		echo '13 Permission denied' >"$dir/$t/sys/fs/cgroup/pod/cpu.max.errno"
	done
	show
	[ "$(json 'select(.cgroup == "/pod/app") | [.cgroup, .limit_cpus, .limit_level, .used_cpus]')" = '["/pod/app",null,null,0.25]' ]
	[[ $stderr == *"/pod"*"Permission denied"* ]]
	show -a
	[ "$(json 'select(.cgroup == "/pod") | [.cgroup, .limit_cpus]')" = '["/pod",null]' ]
}

@test "on a terminal a note is shown after a long name" {
	at 0; cpu_group /pod max 0 0 0 0; cpu_group /pod/app "100000 100000" 9000000 100 90 9000000
	at 1; cpu_group /pod max 0 0 0 0; cpu_group /pod/app "100000 100000" 10000 1 0 0
	script -qec "stty cols 80 rows 24; $PQ throttle -f $dir 2>/dev/null" /dev/null </dev/null | grep -q '  reset'
}

@test "counters that restart are marked, and their values unknown in that row" {
	at 0; cpu_group /pod max 0 0 0 0; cpu_group /pod/app "100000 100000" 9000000 100 90 9000000
	at 1; cpu_group /pod max 0 0 0 0; cpu_group /pod/app "100000 100000" 10000 1 0 0
	at 2; cpu_group /pod max 0 0 0 0; cpu_group /pod/app "100000 100000" 510000 11 5 700000
	show
	[ "$(json '[.used_cpus, .throttled, .held_cpus, .note]')" = '[null,null,null,"reset"]
[0.5,5,0.7,null]' ]
}

@test "cpu.stat without the controller's keys gives usage only" {
	at 0; cpu_group /pod max 0 0 0 0; cpu_group /pod/app max 0 0 0 0
	at 1; cpu_group /pod max 0 0 0 0; cpu_group /pod/app max 250000 0 0 0
	for t in t0 t1; do sed -i '/nr_/d; /throttled/d' "$dir/$t/sys/fs/cgroup/pod/app/cpu.stat"; done
	show
	[ "$(json '[.used_cpus, .periods, .throttled, .held_cpus]')" = '[0.25,null,null,null]' ]
}

@test "on v1 without a cpuacct hierarchy the CPU time is unknown, and a note says so" {
	cp -r "$(capture 6.1-v1-throttled)/." "$dir"
	sed -i 's/rw,cpu,cpuacct$/rw,cpu/; s/^1:cpu,cpuacct:/1:cpu:/' "$dir"/t*/proc/self/{mountinfo,cgroup}
	show -g /web
	[ "$(json '[.used_cpus, .used_pct, .limit_cpus == null]' | sort -u)" = '[null,null,false]' ]
	[[ $stderr == *"/web: the cpuacct hierarchy is not visible"*"used and %limit are unknown"* ]]
	run --separate-stderr "$PQ" throttle -f "$dir" -g /web -c periods
	[[ $stderr != *cpuacct* ]]
}

@test "without a cpu hierarchy the status is 3, with one line" {
	at 0
	at 1
	rm "$dir"/t?/sys/fs/cgroup/cgroup.procs
	fails 3 'no cgroup hierarchy with the cpu controller' "$PQ" throttle -f "$dir"
}

stat_of() {
	awk -v key="$1" '$1 == key { print $2 }' "$group/cpu.stat"
}

is_throttled() { [ "$(stat_of nr_throttled)" -gt 0 ]; }

# by_hand: the counters of the cgroup now: time, periods, throttled, ns throttled and ns used.
by_hand() {
	echo "$(date +%s%N) $(stat_of nr_periods) $(stat_of nr_throttled) $(stat_of throttled_time) $(cat "$acct/cpuacct.usage")"
}

# within PQ HAND SLACK: what pq says is no more than what was counted by hand around it, and less only by what came in the time
# that pq did not watch.
within() {
	[ "$(json "$1 <= $2 + 0.01 and $1 >= $2 - 0.01 - $3")" = true ]
}

@test "live: two busy loops under a quota agree with cpu.stat" {
	v1_group 5000
	burn "$group" "$acct"
	burn "$group" "$acct"
	await is_throttled
	local from to i by=()
	read -ra from < <(by_hand)
	run --separate-stderr "$PQ" throttle --json -g "$name" 2 1
	read -ra to < <(by_hand)
	for i in 0 1 2 3 4; do by+=($((to[i] - from[i]))); done
	echo "by hand in ns: ${by[*]}; pq: $output"
	[ "$(json '.limit_cpus == 0.05 and .limit_level == .cgroup and .periods >= 10 and .throttled > 0')" = true ]
	local unseen="(${by[0]} / 1e9 - .interval_s)"
	within .periods "${by[1]}" "($unseen * 10 + 2)"
	within .throttled "${by[2]}" "($unseen * 10 + 2)"
	within '(.held_cpus * .interval_s)' "(${by[3]} / 1e9)" "($unseen * $(nproc) + 0.2)"
	within '(.used_cpus * .interval_s)' "(${by[4]} / 1e9)" "($unseen * $(nproc) + 0.1)"
	[ "$(json '.throttled_pct - 100 * .throttled / .periods | fabs < 0.01')" = true ]
}

@test "live: a cgroup removed while watched ends its rows, not the run" {
	v1_group 20000
	here
	: >rows
	start "$PQ" throttle --json -g "$name" 0.1 200 >rows 2>log
	await test -s rows
	rmdir "$group"
	wait "$last"
	grep -q "its rows end here" log
	[ "$(wc -l <rows)" -lt 200 ]
}

rows_of() {
	grep -c "$name/$1\"" rows
}

has_rows() {
	[ "$(rows_of "$1")" -ge "$2" ]
}

@test "live: with -a, cgroups have rows as soon as they come, also when others go" {
	cd "$BATS_TEST_TMPDIR"
	v1_group
	made=("$group/c" "$group/b" "$group/a" "${made[@]}")
	mkdir "$group/a" && echo 50000 >"$group/a/cpu.cfs_quota_us"
	start "$PQ" throttle -a --json 0.25 >rows
	await grep -q "$name/a" rows
	rmdir "$group/a"
	mkdir "$group/b" && echo 50000 >"$group/b/cpu.cfs_quota_us"
	await grep -q "$name/b" rows
	rmdir "$group/b"
	mkdir "$group/c" && echo 50000 >"$group/c/cpu.cfs_quota_us"
	await grep -q "$name/c" rows
	mkdir "$group/c/d" && echo 50000 >"$group/c/d/cpu.cfs_quota_us"
	made=("$group/c/d" "${made[@]}")
	await grep -q "$name/c/d" rows
	local before
	before=$(rows_of '[ab]')
	await has_rows c 5
	[ "$(rows_of '[ab]')" -eq "$before" ]
}

# Nine cgroups with a quota; the N-th uses N tenths of a CPU.
nine_groups() {
	for n in 9 1 8 2 7 3 6 4 5; do
		at 0; cpu_group /pod/app$n "100000 100000" 0 0 0 0
		at 1; cpu_group /pod/app$n "100000 100000" ${n}00000 10 0 0
	done
}

@test "-n and --sort choose the rows, and the averages follow" {
	nine_groups
	run --separate-stderr "$PQ" throttle -a -f "$dir" --sort cgroup --json
	[ "$(json .cgroup | tail -n 9 | head -2 | xargs)" = "/pod/app1 /pod/app2" ]
	run --separate-stderr "$PQ" throttle -a -f "$dir" --sort used_cpus -n 2 --json
	[ "$(json .cgroup | xargs)" = "/pod/app9 /pod/app8" ]
	run --separate-stderr "$PQ" throttle -a -f "$dir" --sort used_cpus -n 2
	[ "$(awk '/^Average/ && /app/ { print $NF }' <<<"$output" | xargs)" = "/pod/app9 /pod/app8" ]
	fails 2 "unknown column 'used_cpu'; did you mean 'used_cpus'" "$PQ" throttle -a --sort used_cpu
}

# Two groups: app1 uses more CPU time on average, app2 in most rows.
@test "percentiles are of the cgroups that have averages" {
	local t
	for t in {0..12}; do
		at "$t"
		cpu_group /pod/app1 "max 100000" $((t < 12 ? 0 : 6000000)) 0 0 0
		cpu_group /pod/app2 "max 100000" $((t * 100000)) 0 0 0
		echo "400000 100000" | tee "$now"/sys/fs/cgroup/pod/app?/cpu.max >/dev/null
	done
	run --separate-stderr "$PQ" throttle -a -f "$dir" --sort used_cpus -n 1
	[ "$(awk '/^(Average|p50|Max)/ && /app/ { print $1 $NF }' <<<"$output" | xargs)" = "Average:/pod/app1 p50:/pod/app1 Max:/pod/app1" ]
}

@test "on a terminal -a prints what fits, and how many rows are left out" {
	nine_groups
	script -qec "stty cols 80 rows 10; $PQ throttle -a -f $dir 2>/dev/null" /dev/null </dev/null | tr -d '\r' >"$BATS_TEST_TMPDIR/screen"
	grep -qx '  *(3 more rows: -n N prints more)' "$BATS_TEST_TMPDIR/screen"
	[ "$(grep -c '^[0-9].*/pod/app' "$BATS_TEST_TMPDIR/screen")" = 6 ]
	[ "$(grep -c '^Average.*/pod/app' "$BATS_TEST_TMPDIR/screen")" = 6 ]
	[ "$("$PQ" throttle -a -f "$dir" 2>/dev/null | grep -c '^[0-9].*/pod/app')" = 9 ]
}
