#!/usr/bin/env bats
# Counters that grow by more than time and hardware allow, counters that decrease, and parts that are larger than their whole:
# the figure is unknown, one note says so, and no other figure changes.
# shellcheck disable=SC2030,SC2031 # each test has its own machine
load helper

setup() {
	dir=$BATS_TEST_TMPDIR/m
}

# told PATTERN: one line on stderr is like that.
told() {
	[ "$(grep -cE "$1" <<<"$stderr")" -eq 1 ] || { echo "stderr: $stderr" && return 1; }
}

# ---- cpu

fields=(usr nice sys idle iowait irq soft steal guest gnice)

# cpu_sample N FIELD TICKS: one CPU, which in each second is busy for 40 and 10 ticks; FIELD (a number) has TICKS more.
cpu_sample() {
	local v=($((1000 + 40 * $1)) 500 $((1000 + 10 * $1)) $((9000 + 50 * $1)) 500 500 500 500 500 500)
	v[$2]=$((v[$2] + $3))
	sample "$dir/t$1" $((($1 + 1) * 1000000000))
	printf 'cpu  0 0 0 0\ncpu0 %s\nctxt 5\n' "${v[*]}" >"$dir/t$1/proc/stat"
	mkdir -p "$dir/t$1/proc/self"
	echo 'Cpus_allowed_list:	0' >"$dir/t$1/proc/self/status"
}

# What pq cpu must say with the damaged FIELD (a number): unknown there, and what is computed from it.
cpu_wanted() {
	local i out=
	for i in "${!fields[@]}"; do
		case $i-$1 in
		"$1-$1" | 0-8 | 1-9) out+=,null ;;
		0-*) out+=,40 ;;
		2-*) out+=,10 ;;
		3-*) out+=,50 ;;
		*) out+=,0 ;;
		esac
	done
	echo "[${out#,}]"
}

@test "cpu: a time that jumps or decreases is unknown; the others stay shares of the elapsed time" {
	local field change keys
	keys=$(printf ', .%s_pct' "${fields[@]}")
	for field in "${!fields[@]}"; do
		for change in 832457423 400 -150 -1; do
			rm -rf "$dir"
			cpu_sample 0 0 0
			cpu_sample 1 "$field" $((change < 0 && (field == 0 || field == 3) ? change - 50 : change < 0 && field == 2 ? change - 10 : change))
			run --separate-stderr "$PQ" cpu --json -f "$dir"
			echo "field $field change $change: $output / $stderr"
			[ "$(json "[${keys#, }]" | uniq)" = "$(cpu_wanted "$field")" ]
			told "%${fields[field]} is unknown in some rows: its counter"
		done
	done
}

@test "cpu: one tick of a second is 1 %, whatever idle does; average and counters leave the damage out" {
	local idle
	for idle in -9000 -1 0 100000 18446744073709; do
		rm -rf "$dir"
		cpu_sample 0 0 0
		cpu_sample 1 3 $((idle - 50))
		sed -i 's/^cpu0 1040 500 1010/cpu0 1001 500 1000/' "$dir/t1/proc/stat"
		run --separate-stderr "$PQ" cpu --json -P 0 -f "$dir"
		json_is '[.usr_pct, .sys_pct, .idle_pct]' '[1,0,null]'
	done
	run --separate-stderr "$PQ" cpu -P 0 --metrics -f "$dir"
	grep -qx 'pq_cpu_idle_seconds_total{cpu="0"} 90' <<<"$output"
	grep -qx 'pq_cpu_user_seconds_total{cpu="0"} 5.01' <<<"$output"
	cpu_sample 2 3 $((idle - 50))
	run --separate-stderr "$PQ" cpu -P 0 -c idle_pct -f "$dir"
	[[ ${lines[-1]} =~ Average:\ +(-|[0-9.]+)$ ]]
	[ "${BASH_REMATCH[1]}" != 100.0 ]
}

@test "cpu: the sum has an unknown part if one CPU has; times that exceed the interval together are all unknown" {
	cpu_sample 0 0 0
	cpu_sample 1 0 0
	echo 'cpu1 100 0 0 0 0 0 0 0 0 0' >>"$dir/t0/proc/stat"
	echo 'cpu1 200 0 100 100 0 0 0 0 0 0' >>"$dir/t1/proc/stat"
	sed -i '/ctxt/d' "$dir"/t?/proc/stat
	run --separate-stderr "$PQ" cpu --json -f "$dir"
	json_is '[.cpu, .usr_pct, .idle_pct]' $'[null,null,null]\n[0,40,50]\n[1,null,null]'
	told 'add up to much more than the interval'
}

@test "cpu: a /proc/stat that ends early is named" {
	local t
	for t in 0 1; do
		cpu_sample $t 0 0
		mkdir -p "$dir/t$t/sys/devices/system/cpu"
		echo 0-39 >"$dir/t$t/sys/devices/system/cpu/online"
		printf 'cpu  0 0 0 0\ncpu0 1 1 1 %s 0 0 0 0 0 0\ncpu1 12 3' "$t" >"$dir/t$t/proc/stat"
	done
	run --separate-stderr "$PQ" cpu --json -f "$dir"
	told '/proc/stat ends early: it has 1 of 40 CPUs'
	printf 'cpu  0 0 0 0\ncpu0 1 1 1 1 0 0 0 0 0 0\n' >"$dir/t1/proc/stat"
	run --separate-stderr "$PQ" cpu --json -f "$dir"
	[[ $stderr == *'it has 1 of 40 CPUs'* ]]
}

# ---- cgroups

@test "throttle: each counter that jumps or decreases makes its own figures unknown" {
	local which was=(5000000 1000 500 9000000) is v change names=(used periods thrtl held) null
	for which in 0 1 2 3; do
		for change in 1000000000000 -400; do
			samples throttle; at 0; cpu_group /c "50000 100000" "${was[@]}"
			is=(5200000 1010 505 9500000) v=$which
			is[v]=$((was[v] + change))
			at 1; cpu_group /c "50000 100000" "${is[@]}"
			show -g /c
			null=(.2 10 5 0.5)
			null[v]=null
			printf '%s %s: %s\n' "${names[v]}" "$change" "$output"
			json_is '[.used_cpus, .periods, .throttled, .held_cpus]' \
				"$(jq -cn "[${null[0]/#./0.}, ${null[1]}, ${null[2]}, ${null[3]}]")"
			[ "$change" -lt 0 ] || told "^pq throttle: ${names[v]} is unknown in some rows: its counter grew by more than"
			[ "$change" -gt 0 ] || [ "$(json .note)" = '"reset"' ]
		done
	done
	run --separate-stderr "$PQ" throttle --metrics -g /c -f "$dir"
	[[ $output == *'throttle_used_seconds_total{cgroup="/c"} 5.2'* ]]
}

@test "throttle: a hundred CPUs on a machine of four are unknown, four are not" {
	local t
	for t in 0 1; do
		samples throttle; at $t; cpu_group /c "50000 100000" $((t * 100000000)) 0 0 0; cpu_group /d "50000 100000" $((t * 4000000)) 0 0 0
		mkdir -p "$now/sys/devices/system/cpu"
		echo 0-3 >"$now/sys/devices/system/cpu/online"
	done
	show -a
	[ "$(json -s 'sort_by(.cgroup) | map(.used_cpus)')" = '[null,4]' ]
}

@test "throttle: a limit stands in its row though cpu.stat cannot be read" {
	local t
	samples throttle
	for t in 0 1; do
		at $t; cpu_group /c "50000 100000" 0 0 0 0
		rm "$now/sys/fs/cgroup/c/cpu.stat"
		echo '13 Permission denied' >"$now/sys/fs/cgroup/c/cpu.stat.errno"
	done
	show -g /c
	json_is '[.limit_cpus, .used_cpus, .throttled]' '[0.5,null,null]'
	told 'cpu.stat: Permission denied; only its limit is known'
}

@test "psi: a total that jumps or decreases is unknown, also of the machine" {
	local change want t
	samples psi
	for change in 300000 1200000 1500000 999999999999 -5; do
		for t in 0 1; do
			at $t
			mkdir -p "$now/proc/pressure"
			for f in cpu memory io; do
				printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' \
					$((1000 + t * 100000)) $((1000 + t * 100000)) >"$now/proc/pressure/$f"
			done
			[ $t -eq 0 ] || sed -i "1s/total=.*/total=$((1000 + change))/" "$now/proc/pressure/io"
		done
		show
		case $change in 300000) want=30 ;; 1200000) want=100 ;; *) want=null ;; esac
		json_is '[.mem_some_pct, .io_some_pct, .io_full_pct]' "[10,$want,10]"
		[ $want != null ] || told '%sio is unknown in some rows: its counter'
	done
}

# memory_case CURRENT ANON INACTIVE ACTIVE SLAB: a cgroup in both samples.
memory_case() {
	local t
	rm -rf "$dir"
	samples mem
	for t in 0 1; do
		at $t
		printf 'MemTotal: 8000 kB\nMemFree: 4000 kB\nInactive(file): 100 kB\nActive(file): 100 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n' >"$now/proc/meminfo"
		group /c
		echo 2000000 >"$group/memory.max"
		echo "$1" >"$group/memory.current"
		printf 'anon %s\nfile 10\ninactive_file %s\nactive_file %s\nslab_reclaimable %s\nworkingset_refault_anon 0\nworkingset_refault_file 0\npgmajfault %s\n' \
			"$2" "$3" "$4" "$5" $((100 + t * 10)) >"$group/memory.stat"
		printf 'low 0\nhigh %s\nmax %s\noom 5\noom_kill 5\n' $((100 + t * 10)) $((100 + t * 10)) >"$group/memory.events"
	done
}

@test "mem: a part that is larger than its whole is unknown, with what is computed from it" {
	memory_case 1000000 500000 300000 100000 50000
	show -g /c
	json_is '[.working_set_bytes, .hard_bytes, .anon_bytes]' '[700000,550000,500000]'
	memory_case 1000000 500000 2000000 100000 50000
	show -g /c
	json_is '[.working_set_bytes, .working_set_pct, .hard_bytes, .anon_bytes]' '[null,null,null,500000]'
	[[ $stderr == *'/c: a part of the memory is larger than the whole (memory.stat)'* ]]
	memory_case 1000000 5000000 300000 100000 50000
	show -g /c
	json_is '[.working_set_bytes, .hard_bytes, .anon_bytes]' '[700000,null,null]'
	memory_case 1000000 500000 300000 100000 5000000
	show -g /c
	json_is '[.working_set_bytes, .hard_bytes]' '[700000,null]'
	memory_case 1000000 500000 1010000 0 0
	show -g /c
	json_is '[.working_set_bytes, .hard_bytes]' '[0,0]'
}

@test "mem: of the machine too; no swap has no room, and free swap above all swap is unknown" {
	local change want
	while IFS=/ read -r change want; do
		memory_case 1000000 0 0 0 0
		sed -i 's/.*/max/' "$dir"/t?/sys/fs/cgroup/c/memory.max
		sed -i "$change" "$dir"/t?/proc/meminfo
		show
		echo "$change: $output $stderr"
		json_is 'select(.cgroup == "machine") | [.used_bytes, .working_set_bytes, .hard_bytes, .swap_bytes]' "$want"
	done <<-'EOF'
	s:x:x:/[4096000,3993600,3891200,0]
	s:^Inactive.*:Inactive(file)\: 9000 kB:/[4096000,null,null,0]
	s:^MemFree.*:MemFree\: 9000 kB:/[null,null,null,0]
	s:^SwapFree.*:SwapFree\: 18446744073709346016 kB:/[4096000,3993600,3891200,0]
	s:^SwapFree.*:SwapFree\: 5000 kB:/[4096000,3993600,3891200,0]
	s:^SwapTotal.*:SwapTotal\: 100 kB:;s:^SwapFree.*:SwapFree\: 5000 kB:/[4096000,3993600,null,null]
	EOF
}

@test "mem: events that jump or decrease are unknown, and the others are not" {
	local change
	for change in 99999999999 9223372036854775807 5; do
		memory_case 1000000 0 0 0 0
		sed -i "s/pgmajfault .*/pgmajfault $change/" "$dir/t1/sys/fs/cgroup/c/memory.stat"
		show -g /c
		json_is '[.majflt_per_s, .high, .max]' '[null,10,10]'
	done
	memory_case 1000000 0 0 0 0
	sed -i "s/max .*/max 9223372036854775807/" "$dir/t1/sys/fs/cgroup/c/memory.events"
	show -g /c
	json_is '[.majflt_per_s, .high, .max]' '[10,10,null]'
}

@test "mem: memory.high is a limit: a row with -a, and its size" {
	local t
	memory_case 1000000 900000 0 0 0
	for t in 0 1; do
		echo max >"$dir/t$t/sys/fs/cgroup/c/memory.max"
		echo 950000 >"$dir/t$t/sys/fs/cgroup/c/memory.high"
	done
	show -a
	json_is '[.cgroup, .limit_level, .high_bytes, .used_bytes, .high]' '["/c","machine",950000,1000000,10]'
	[ -z "$stderr" ]
	[[ $("$PQ" mem -a -f "$dir") == *mhigh* ]]
}

@test "mem: without any cgroup file system the machine is shown; a limit is shown without its usage" {
	memory_case 1000000 0 0 0 0
	rm "$dir"/t?/sys/fs/cgroup/c/memory.current
	show -g /c
	json_is '[.limit_bytes, .used_bytes]' '[2000000,null]'
	told 'memory.current: No such file or directory; what it uses is unknown'
	rm -r "$dir"/t?/sys
	show
	json_is '[.cgroup, .used_bytes]' '["machine",4096000]'
	told 'no cgroup hierarchy'
	show -a
	json_is '[.cgroup, .used_bytes]' '["machine",4096000]'
	fails 3 'no cgroup hierarchy' "$PQ" mem -p self -f "$dir" || fails 2 '' "$PQ" mem -g /c -f "$dir" ||
		fails 3 '' "$PQ" mem -g /c -f "$dir"
}

# ---- run queue and tasks

# runq_sample N DELAY_NS RUNS: of two CPUs; the second one waits half a second in each.
runq_sample() {
	sample "$dir/t$1" $((($1 + 100) * 1000000000))
	echo '0.51 0.62 0.71 2/112 4242' >"$dir/t$1/proc/loadavg"
	printf 'processes 9\nprocs_blocked 3\n' >"$dir/t$1/proc/stat"
	printf 'cpu0 0 0 0 0 0 0 5 %s %s\ncpu1 0 0 0 0 0 0 5 %s %s\n' "$2" "$3" $((5000000000 + $1 * 500000000)) $((100 + $1 * 10)) >"$dir/t$1/proc/schedstat"
	mkdir -p "$dir/t$1/proc/pressure"
	printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' $((1000 + $1 * 100000)) >"$dir/t$1/proc/pressure/cpu"
}

@test "runq: a wait that jumps or decreases is unknown, and counters leave it out" {
	local delay
	runq_sample 0 9000000000 10
	for delay in 18446744073709551000 9999000000000000 8999999999; do
		runq_sample 1 $delay 20
		run --separate-stderr "$PQ" runq --json -f "$dir"
		json_is '[.waiting, .cpu_some_pct]' '[null,10]'
		told '^pq runq: waiting is unknown in some rows: its counter'
		run --separate-stderr "$PQ" runq -P ALL --json -f "$dir"
		json_is '[.waiting, .wait_ms, .runs_per_s]' $'[null,null,10]\n[0.5,50,10]'
		run --separate-stderr "$PQ" runq --metrics -f "$dir"
		[[ $output == *'pq_runq_wait_seconds_total 14'* ]]
	done
	runq_sample 1 39000000000 11 # one task that waited for 30 s
	run --separate-stderr "$PQ" runq --json -f "$dir"
	json_is '.waiting' 30.5
	[ -z "$stderr" ]
}

@test "runq: figures that a sandbox makes up are unknown" {
	local t
	for t in 0 1; do
		runq_sample $t 0 0
		echo '0.00 0.00 0.00 0/0 0' >"$dir/t$t/proc/loadavg"
		printf 'cpu  0 0 0 0\ncpu0 0 0 0 0\nctxt 0\nprocesses 0\nprocs_running 0\nprocs_blocked 0\n' >"$dir/t$t/proc/stat"
	done
	run --separate-stderr "$PQ" runq --json -f "$dir"
	json_is '[.runq_sz, .plist_sz, .ldavg_1, .ldavg_15, .blocked, .runq_max, .cpu_some_pct]' '[null,null,null,null,null,null,10]'
	[[ $stderr == *'/proc/loadavg counts no tasks'* ]]
}

# thread SECOND STATE RUN_MS WAIT_MS SLICES
thread() {
	samples tasks; at "$1"
	mkdir -p "$now/proc/10/task/10"
	echo "$((100 + $1)).00 0.00" >"$now/proc/uptime"
	echo "${3}000000 ${4}000000 $5" >"$now/proc/10/task/10/schedstat"
	printf 'State:\t%s (x)\nvoluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n' "$2" >"$now/proc/10/task/10/status"
	echo "10 (a) $2 1 1 1 0 -1 0 0 0 7 0 0 0 0 0 20 0 1 0 50" >"$now/proc/10/task/10/stat"
	cp "$now/proc/10/task/10/stat" "$now/proc/10/stat"
}

@test "tasks: run time or a wait that jumps or decreases is unknown, and the other is not" {
	local to
	thread 0 S 5000 5000 100
	thread 1 S 5100 5200 110
	for to in 9999 18446744073700 4999; do
		thread 2 S 5200 "$to" 120
		show
		json_is '[.cpu_pct, .wait_pct, .wait_us]' $'[10,20,20000]\n[10,null,null]'
		thread 2 S "$to" 5400 120
		show
		json_is '[.cpu_pct, .wait_pct, .wait_us]' $'[10,20,20000]\n[null,20,20000]'
	done
	thread 2 S 5200 5400 99
	show
	json_is '[.cpu_pct, .runs_per_s]' $'[10,10]\n[10,null]'
}

@test "tasks: a wait that lasted for several rows counts in the row in which it ends" {
	thread 0 R 5000 5000 100
	thread 1 R 5100 5200 110
	for t in 2 3 4 5; do thread $t R 5100 5200 110; done
	thread 6 S 5150 10100 111
	show
	[ "$(json '[.wait_pct]' | tail -1)" = '[490]' ]
	[[ $stderr != *unknown* ]]
}

@test "tasks: a wait that ended between the reading of two files of a thread is possible" {
	thread 0 R 5000 5000 100
	thread 1 R 5100 5200 110
	for t in 2 3 4; do thread $t R 5100 5200 110; done
	thread 5 S 5100 5200 110 # schedstat is of before the wait ended, status of later
	thread 6 S 5150 10100 111
	show
	[ "$(json '[.wait_pct]' | tail -1)" = '[490]' ]
	[[ $stderr != *unknown* ]]
}

# ---- live

# unharmed TOOL ARGUMENTS…: no figure of it was impossible.
unharmed() {
	run --separate-stderr "$PQ" "$@"
	[ "$status" -eq 0 ] || { echo "$output $stderr" && return 1; }
	[[ $stderr != *'is unknown in some rows'* && $stderr != *'add up to'* && $stderr != *'larger than the whole'* &&
		$stderr != *'is left out'* ]] || { echo "pq $*: $stderr" && return 1; }
}

@test "live: a busy machine has no impossible figure, at 10 ms, 100 ms and 1 s" {
	local each
	for each in 1 2 3 4 5; do burn; done
	# shellcheck disable=SC2016 # the inner shell expands it
	start bash -c 'while ((SECONDS < 60)); do /bin/true; done'
	for each in "10ms 50" "100ms 5" "1 1"; do
		# shellcheck disable=SC2086 # two words
		for tool in cpu runq mem "psi -a" "tasks -n 1000000 -w more" "wait"; do
			unharmed $tool --json $each || [ "$status" -eq 3 ] || return 1
		done
	done
}

@test "live: a throttled v1 cgroup has no impossible figure" {
	v1_group 20000
	burn "$group" "$acct"
	burn "$group" "$acct"
	burn "$group" "$acct"
	for each in "10ms 100" "100ms 10" "1 1"; do
		# shellcheck disable=SC2086 # two words
		unharmed throttle -g "${name:?}" --json $each
		[ "$(json 'select(.used_cpus == null or .held_cpus == null)' | wc -l)" -eq 0 ]
		# shellcheck disable=SC2086 # two words
		unharmed tasks -n 1000000 --json $each
	done
}
