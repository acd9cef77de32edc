#!/usr/bin/env bats
# pq limits: which limit applies, from which level, and what runtimes make of it. On captures and on machines made here.
# shellcheck disable=SC2154 # run sets stderr and its lines
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

C=sys/fs/cgroup

setup() {
	dir=$BATS_TEST_TMPDIR/m
	sample "$dir/t0" 1000000000
	put proc/self/status 'Name:	pq' 'Pid:	77' 'Cpus_allowed_list:	0-7'
	put proc/self/stat '77 (pq) R 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
	put proc/self/limits 'Limit                     Soft Limit           Hard Limit           Units     ' \
		'Max processes             1834                 1834                 processes ' \
		'Max open files            1024                 1048576              files     '
	put proc/meminfo 'MemTotal:       8000000 kB' 'MemFree: 400000 kB' 'SwapTotal:      1000000 kB' 'SwapFree: 1000000 kB'
	put sys/devices/system/cpu/online 0-7
}

# waiting_process PID COMM THREADS CGROUP: a process with this many threads, half of them running.
waiting_process() {
	local i tail='1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 '
	put "proc/$1/cgroup" "$4"
	put "proc/$1/status" "Name:	$2" "Pid:	$1" 'Cpus_allowed_list:	0-7'
	put "proc/$1/stat" "$1 ($2) S $tail$3 0 100 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
	put "proc/$1/limits" 'Max open files            1024                 unlimited            files     '
	cp "$dir/t0/proc/self/mountinfo" "$dir/t0/proc/$1/mountinfo"
	for ((i = 0; i < $3; i++)); do
		put "proc/$1/task/$(($1 + i))/stat" \
			"$(($1 + i)) ($2) $([ $((i % 2)) -eq 0 ] && echo R || echo S) $tail$3 0 100 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
	done
}

# level DIR CPU_MAX MEMORY_MAX: a cgroup of v2.
level() {
	put "$1/cgroup.procs" ''
	put "$1/cgroup.type" domain
	put "$1/cpu.max" "$2"
	put "$1/cpu.weight" 100
	put "$1/memory.max" "$3"
	put "$1/memory.high" max
	put "$1/memory.low" 0
	put "$1/memory.min" 0
	put "$1/memory.swap.max" max
	put "$1/pids.max" max
	put "$1/pids.current" 5
}

# v2 MACHINE: mounts v2 with this ROOT and puts pq into this cgroup.
v2() {
	put proc/self/mountinfo "30 20 0:26 $1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
	put proc/self/cgroup "0::$2"
	put $C/cgroup.procs ''
}

# v1 CONTROLLERS ROOT: mounts another v1 hierarchy.
v1() {
	printf '%s\n' "31 20 0:27 $2 /sys/fs/cgroup/$1 rw - cgroup cgroup rw,$1" >>"$dir/t0/proc/self/mountinfo"
}

limits() {
	run --separate-stderr timeout 20 "$PQ" limits -f "$dir" "$@"
	[ "$status" -eq 0 ] || { printf 'status %s: %s\n' "$status" "$stderr"; return 1; }
}

# of_runtime KEY WANT: [cpus, verdict, why, set].
of_runtime() {
	json_is ".runtimes[] | select(.runtime == \"$1\") | [.cpus, .verdict, .why, .set]" "$2"
}

of_heap() {
	json_is ".heaps[] | select(.runtime == \"$1\") | [.heap_bytes, .verdict, .why, .set]" "$2"
}

cpus='[.cpus.limit_cpus, .cpus.limited_by, .cpus.level, .cpus.at_most]'
memory='[.memory.limit_bytes, .memory.limited_by, .memory.level, .memory.at_most]'

# --- captured machines: whole pages

@test "v1: quota and memory of a cgroup" {
	golden limits-v1.txt "$PQ" limits -g /web -f "$(capture 6.1-v1-throttled)"
}

@test "v1: a memory limit" {
	golden limits-v1-memory.txt "$PQ" limits -g /mm -f "$(capture 6.1-v1-memory-near-limit)"
}

@test "v2: quota of a cgroup" {
	golden limits-v2.txt "$PQ" limits -g /web -f "$(capture 6.1-v2-throttled)"
}

@test "v2: the limit of the parent cgroup applies" {
	golden limits-v2-nested.txt "$PQ" limits -g /par/child -f "$(capture 6.1-v2-nested-parent-limited)"
}

@test "v2: memory.high" {
	golden limits-v2-high.txt "$PQ" limits -g /mh -f "$(capture 6.1-v2-memory-high)"
}

@test "hybrid: the limits come from v1" {
	golden limits-hybrid.txt "$PQ" limits -g /web -f "$(capture 6.1-hybrid-throttled)"
}

@test "in a container with its own cgroup namespace the limit is 'at most'" {
	golden limits-cgroupns.txt "$PQ" limits -f "$(capture 6.1-v2-container-cgroupns)"
}

@test "a container in the cgroup namespace of the machine" {
	golden limits-hostcgroupns.txt "$PQ" limits -f "$(capture 6.1-v2-container-hostcgroupns)"
}

@test "64 CPUs and no limit, also from a recording" {
	golden limits-none.txt "$PQ" limits -f "$(capture 6.1-v2-64cpu)"
	"$PQ" tape pack "$(capture 6.1-v2-64cpu)" -o "$BATS_TEST_TMPDIR/none.tape"
	diff -u "$TESTS/golden/limits-none.txt" <("$PQ" limits -f "$BATS_TEST_TMPDIR/none.tape" 2>&1)
}

@test "what a recording lacks is not in it, and no error of the kernel" {
	gzip -dc "$TESTS/captures/spike.tape.gz" >"$BATS_TEST_TMPDIR/spike.tape"
	run "$PQ" limits -f "$BATS_TEST_TMPDIR/spike.tape"
	grep -q '^open files  *-  cannot read /proc/PID/limits: it is not in the recording$' <<<"$output"
	[[ $output != *"No data available"* ]]
}

# --- machines made here

@test "kubepods on v1: the memory limit of the hidden pod level is found" {
	local name=/kubepods/burstable/pod0af1/3f5a
	put proc/self/cgroup "1:cpu,cpuacct:$name" "2:memory:$name" "3:pids:$name"
	put proc/self/mountinfo
	v1 cpu,cpuacct $name
	v1 memory $name
	v1 pids $name
	for at in cpu,cpuacct memory pids; do put $C/$at/cgroup.procs ''; done
	put $C/cpu,cpuacct/cpu.cfs_quota_us 400000
	put $C/cpu,cpuacct/cpu.cfs_period_us 100000
	put $C/cpu,cpuacct/cpu.shares 512
	put $C/memory/memory.limit_in_bytes 1073741824
	put $C/memory/memory.memsw.limit_in_bytes 1073741824
	put $C/memory/memory.stat 'hierarchical_memory_limit 536870912' 'total_rss 1'
	put $C/pids/pids.max 100
	put $C/pids/pids.current 12
	golden limits-kubepods.txt "$PQ" limits -f "$dir"
	limits --json
	json_is "$cpus" '[4,"quota","/kubepods/burstable/pod0af1/3f5a",true]'
	json_is "$memory" '[536870912,"limit","hidden",false]'
	json_is '[.tasks.limit, .tasks.at_most, .tasks.levels[0].current]' '[100,true,12]'
	of_heap java '[134217728,"right","25 % of 512 MiB","-XX:MaxRAMPercentage=75"]'
}

@test "quota 2.5: runtimes round up, round down, or ignore it" {
	v2 / /web
	level $C/web '250000 100000' 104857600
	limits
	golden limits-2.5.txt "$PQ" limits -f "$dir"
	limits --json
	json_is "$cpus" '[2.5,"quota","/web",false]'
	of_runtime go '[3,"rounds up","rounds up","GOMAXPROCS=2"]'
	of_runtime go_old '[8,"more","ignores the quota","GOMAXPROCS=2"]'
	of_runtime automaxprocs '[2,"rounds down","rounds down",null]'
	of_runtime java '[3,"rounds up","rounds up","-XX:ActiveProcessorCount=2"]'
	of_runtime tokio '[2,"rounds down","rounds down",null]'
	of_runtime nginx '[8,"more","ignores the quota","worker_processes 2;"]'
	of_heap go '[null,"more","no bound by default","GOMEMLIMIT=90MiB"]'
	of_heap java '[52428800,"right","50 % of 100 MiB","-Xmx75m"]'
	of_heap dotnet '[78643200,"right","75 % of 100 MiB",null]'
	of_heap node '[271581184,"more","above the limit","--max-old-space-size=75"]'
}

@test "quota 0.5: runtimes use at least one thread, and Go two" {
	v2 / /web
	level $C/web '50000 100000' max
	golden limits-0.5.txt "$PQ" limits -f "$dir"
	limits --json
	of_runtime go '[2,"more","its minimum is 2","GOMAXPROCS=1"]'
	of_runtime automaxprocs '[1,"least","1 is the minimum",null]'
	of_runtime java '[1,"least","1 is the minimum",null]'
}

@test "a whole quota: only runtimes that ignore it are wrong" {
	v2 / /web
	level $C/web '400000 100000' max
	limits --json
	json_is '[.runtimes[] | select(.usual and .verdict != "right") | .runtime]' '["go_old","nginx","python","python_old"]'
	json_is '[.runtimes[] | select(.why == "ignores the quota") | .cpus] | unique' '[8,12]'
}

@test "runtimes that read only the last level ignore the limit of a parent cgroup" {
	v2 / /pod/app
	level $C/pod '200000 100000' 52428800
	level $C/pod/app '500000 100000' 104857600
	limits --json
	json_is "$cpus" '[2,"quota","/pod",false]'
	of_runtime go '[5,"more","ignores parent levels","GOMAXPROCS=2"]'
	of_runtime java_old '[5,"more","ignores parent levels","-XX:ActiveProcessorCount=2"]'
	of_runtime java '[2,"right","right",null]'
	of_runtime tokio '[2,"right","right",null]'
	of_runtime dotnet '[5,"more","ignores parent levels","DOTNET_PROCESSOR_COUNT=2"]'
	json_is "$memory" '[52428800,"limit","/pod",false]'
	of_heap java '[26214400,"right","50 % of 50 MiB","-Xmx37m"]'
	of_heap java_old '[52428800,"more","all of the limit","-Xmx37m"]'
}

@test "libuv takes the topmost limit, not the smallest" {
	v2 / /pod/app
	level $C/pod '600000 100000' max
	level $C/pod/app '200000 100000' max
	limits --json
	of_runtime libuv '[6,"more","reads another level","workers: 2 (in its code)"]'
}

@test "a quota below one CPU: Node.js 22 divides as integers and ignores 0, libuv 1.52 uses one" {
	v2 / /web
	level $C/web '50000 100000' max
	limits --json
	of_runtime libuv '[8,"more","takes 0 for no quota","workers: 1 (in its code)"]'
	of_runtime libuv_152 '[1,"least","1 is the minimum",null]'
	of_runtime node_20 '[8,"more","ignores the quota","workers: 1 (in its code)"]'
	of_runtime piscina '[2,"least","1 is the minimum",null]'
}

@test "v1: the runtimes that read only v2 ignore the quota" {
	put proc/self/cgroup 3:cpu,cpuacct:/web
	put proc/self/mountinfo '31 20 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct'
	put $C/cpu/web/cgroup.procs
	put $C/cpu/web/cpu.cfs_quota_us 150000
	put $C/cpu/web/cpu.cfs_period_us 100000
	limits --json
	for runtime in libuv libuv_152 nproc; do
		json_is ".runtimes[] | select(.runtime == \"$runtime\") | [.cpus, .why]" '[8,"ignores the quota"]'
	done
	of_runtime ninja '[10,"more","ignores the quota","-j1"]'
	of_runtime bun '[1,"rounds down","rounds down",null]'
	of_runtime deno '[1,"rounds down","rounds down",null]'
}

# cpus_of RUNTIME: what it assumes for 0.5, 1.5, 2.5, 3.5 and 5 CPUs on a machine with 4, of which it may use 2 in the last two.
cpus_of() {
	local quota all=''
	put sys/devices/system/cpu/online 0-3
	for quota in 50000 150000 250000 350000 500000; do
		put $C/web/cpu.max "$quota 100000"
		limits --json
		all+=$(json ".runtimes[] | select(.runtime == \"$1\") | .cpus"),
	done
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	1-2'
	limits --json
	all+=$(json ".runtimes[] | select(.runtime == \"$1\") | .cpus"),
	put $C/web/cpu.max '150000 100000'
	limits --json
	all+=$(json ".runtimes[] | select(.runtime == \"$1\") | .cpus")
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	0-7'
	[ "$all" = "$2" ] || { printf '%s: %s\n' "$1" "$all"; return 1; }
}

@test "the CPUs of each runtime are those that the real one was seen to use" {
	v2 / /web
	level $C/web max max
	cpus_of go 2,2,3,4,4,2,2
	cpus_of go_old 4,4,4,4,4,2,2
	cpus_of tokio 1,1,2,3,4,2,1
	cpus_of num_cpus 1,2,3,4,4,2,2
	cpus_of java 1,2,3,4,4,2,2
	cpus_of libuv 4,1,2,3,4,2,1
	cpus_of deno 1,1,2,3,4,2,1
	cpus_of bun 1,1,2,3,4,2,1
	cpus_of nproc 1,2,3,4,4,2,2
	cpus_of duckdb 1,2,3,4,5,5,2
	cpus_of onetbb 1,2,3,4,4,2,2
	cpus_of ninja 2,2,3,5,6,3,2
	cpus_of xz 4,4,4,4,4,2,2
	cpus_of openmp 4,4,4,4,4,2,2
	cpus_of cxx_threads 4,4,4,4,4,4,4
	cpus_of glibc_nprocs 4,4,4,4,4,4,4
	cpus_of zstd 4,4,4,4,4,4,4
	cpus_of node_cpus 4,4,4,4,4,4,4
}

# v1_cpus_of RUNTIME: what it assumes on v1 with 1 CPU in its own cgroup, and with 1 CPU in the parent of it.
v1_cpus_of() {
	local all
	put $C/$at/cpu.cfs_quota_us -1
	put $C/$at/web/cpu.cfs_quota_us 100000
	limits --json
	all=$(json ".runtimes[] | select(.runtime == \"$1\") | .cpus")
	put $C/$at/cpu.cfs_quota_us 100000
	put $C/$at/web/cpu.cfs_quota_us -1
	limits --json
	all+=,$(json ".runtimes[] | select(.runtime == \"$1\") | .cpus")
	[ "$all" = "$2" ] || { printf '%s: %s\n' "$1" "$all"; return 1; }
}

@test "on v1 some runtimes read their own cgroup, the mount point or nothing" {
	for at in cpu cpu,cpuacct; do
		put proc/self/mountinfo '20 1 8:1 / / rw - ext4 disk rw'
		v1 $at /
		put proc/self/cgroup '3:cpu,cpuacct:/web'
		for dir_of in $C/$at $C/$at/web; do
			put "$dir_of/cgroup.procs" ''
			put "$dir_of/tasks" ''
			put "$dir_of/cpu.cfs_period_us" 100000
			put "$dir_of/cpu.shares" 1024
		done
		v1_cpus_of deno 1,1
		v1_cpus_of bun 1,8
		v1_cpus_of onetbb 1,8
		v1_cpus_of libuv 8,8
		v1_cpus_of concurrent_ruby "$([ $at = cpu ] && echo 8,8 || echo 8,1)"
	done
	json_is '.runtimes[] | select(.runtime == "bun") | .why' '"ignores parent levels"'
}

# heaps_mib RUNTIME: the heap in MiB for limits of 256, 512, 1024, 2048 and 4096 MiB on a machine with 5792 MiB.
heaps_mib() {
	local limit all=''
	put proc/meminfo 'MemTotal:       5931008 kB' 'SwapTotal: 0 kB'
	for limit in 256 512 1024 2048 4096; do
		put $C/web/memory.max $((limit << 20))
		limits --json
		all+=$(json ".heaps[] | select(.runtime == \"$1\") | .heap_bytes / 1048576 | floor"),
	done
	[ "$all" = "$2" ] || { printf '%s: %s\n' "$1" "$all"; return 1; }
}

@test "the heap of each runtime is the one that the real one was seen to allow" {
	v2 / /web
	level $C/web max max
	heaps_mib node_20 259,259,524,1048,2096,
	heaps_mib node 259,259,560,1120,2240,
	heaps_mib node_26 262,268,536,1072,2144,
	heaps_mib deno 2992,2992,2992,2992,2992,
	heaps_mib duckdb 204,409,819,1638,3276,
	heaps_mib java 124,128,256,512,1024,
}

@test "a heap of Node.js that leaves no room for the rest of the process is marked" {
	v2 / /web
	for limit in 256 272 288 304; do
		level $C/web max $((limit << 20))
		limits --json
		json_is '.heaps[] | select(.runtime == "node") | .why' \
			"$(case $limit in 256) echo '"above the limit"' ;; 272 | 288) echo '"no room beside it"' ;; *) echo '"85 % of 304 MiB"' ;; esac)"
	done
}

@test "what else follows: the Serial collector of Java, and no server GC of .NET" {
	v2 / /web
	level $C/web '400000 100000' 1879048191
	limits --json
	json_is '.runtimes[] | select(.runtime == "java") | .note' '"uses the Serial collector: less than 1792 MiB of memory"'
	put $C/web/memory.max 1879048192
	limits --json
	json_is '[.runtimes[] | select(.note) | .runtime]' '[]'
	put $C/web/cpu.max '100000 100000'
	limits --json
	json_is '[.runtimes[] | select(.note) | [.runtime, .note]]' '[["java","uses the Serial collector: fewer than 2 CPUs"],["java_old","uses the Serial collector: fewer than 2 CPUs"],["dotnet","server GC is off: fewer than 2 CPUs"]]'
}

@test "the page has the usual runtimes, --all and --json have all, and a rule that was only read says so" {
	v2 / /web
	level $C/web '400000 100000' max
	limits
	run grep -cE '^  (Go|Java|Node|nginx|Python|DuckDB|Envoy)' <<<"$output"
	[ "$output" = 13 ]
	limits --all
	[[ $output == *'  Envoy* '*'  DuckDB '*'*: read in its source or documentation, not measured'* ]]
	[[ $output != *'Other runtimes'* ]]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	limits --json
	json_is '[.runtimes[], .heaps[] | select(.measured != (.last_seen != null) or .versions == null or .rule == null)]' '[]'
	json_is '.runtimes | map(.runtime) | length == (unique | length) and length > 40' true
}

@test "a cpuset smaller than the quota is the limit" {
	v2 / /web
	level $C/web '600000 100000' max
	put $C/cpuset.cpus.effective 0-7
	put $C/web/cpuset.cpus.effective 2-3
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	2-3'
	golden limits-cpuset.txt "$PQ" limits -f "$dir"
	limits --json
	json_is "$cpus" '[2,"cpuset","/web",false]'
	of_runtime go '[2,"right","right",null]'
	of_runtime automaxprocs '[6,"more","ignores the affinity","GOMAXPROCS=2"]'
	of_runtime nginx '[8,"more","ignores the affinity","worker_processes 2;"]'
}

@test "an affinity smaller than the cpuset is the limit" {
	v2 / /web
	level $C/web 'max 100000' max
	put $C/web/cpuset.cpus.effective 0-3
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	1'
	limits --json
	json_is "$cpus" '[1,"affinity",null,false]'
}

@test "offline and absent CPUs do not count" {
	v2 / /
	put sys/devices/system/cpu/online 0-1,3
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	0-127'
	limits --json
	json_is "$cpus" '[3,"machine",null,false]'
	json_is '[.cpus.affinity, .cpus.affinity_cpus]' '["0-1,3",3]'
}

@test "v1 cpuset: effective_cpus is used, or cpus if it is missing" {
	put proc/self/cgroup 1:cpuset:/a
	put proc/self/mountinfo
	v1 cpuset /
	put $C/cpuset/cgroup.procs ''
	put $C/cpuset/a/cgroup.procs ''
	put $C/cpuset/cgroup.sane_behavior 0
	put $C/cpuset/cpuset.cpus 0-7
	put $C/cpuset/a/cpuset.cpus 0-5
	limits --json
	json_is '[.cpus.limit_cpus, .cpus.limited_by, .cpus.level]' '[6,"cpuset","/a"]'
	put $C/cpuset/a/cpuset.effective_cpus 0-4
	limits --json
	json_is '[.cpus.limit_cpus, .cpus.limited_by, .cpus.level]' '[5,"cpuset","/a"]'
}

@test "a memory limit above the memory of the machine is not the limit" {
	v2 / /web
	level $C/web 'max 100000' 99999999999
	golden limits-above.txt "$PQ" limits -f "$dir"
	limits --json
	json_is "$memory" '[8192000000,"machine",null,false]'
	of_heap go '[null,"right","no limit is set",null]'
}

@test "v1: a very large number is no memory limit" {
	put proc/self/cgroup 1:memory:/
	put proc/self/mountinfo
	v1 memory /
	put $C/memory/cgroup.procs ''
	put $C/memory/cgroup.sane_behavior 0
	put $C/memory/memory.limit_in_bytes 9223372036854771712
	put $C/memory/memory.stat 'hierarchical_memory_limit 9223372036854771712'
	limits --json
	json_is "$memory" '[8192000000,"machine",null,false]'
	json_is '.memory.levels[0].limit' '"none"'
}

@test "the page has burst, weight, idle, high, low, min, swap and tasks" {
	v2 / /web
	level $C/web '50000 100000' 104857600
	put $C/web/cpu.max.burst 20000
	put $C/web/cpu.weight 39
	put $C/web/memory.high 94371840
	put $C/web/memory.low 10485760
	put $C/web/memory.min 5242880
	put $C/web/memory.swap.max 0
	put $C/web/pids.max 64
	golden limits-all.txt "$PQ" limits -f "$dir"
	golden limits.json "$PQ" limits --json -u -f "$dir"
	put $C/web/cpu.idle 1
	limits
	[[ $output =~ weight\ +idle ]]
}

@test "cpu.max may have max alone, a number alone, or no newline" {
	v2 / /web
	level $C/web max max
	limits --json
	json_is '.cpus.levels[1].quota' '"none"'
	put $C/web/cpu.max 200000
	limits --json
	json_is '[.cpus.levels[1].quota_cpus, .cpus.levels[1].period_ms]' '[2,100]'
	printf '50000 100000' >"$dir/t0/$C/web/cpu.max"
	limits --json
	json_is "$cpus" '[0.5,"quota","/web",false]'
}

@test "a cpu.max with a period of 0, or with words after it, is unknown, not none" {
	v2 / /web
	level $C/web max max
	for text in '100000 0' '100000 100000 more' 'max 100000 more' 'max x'; do
		put $C/web/cpu.max "$text"
		limits --json
		json_is '[.cpus.levels[1].quota, .cpus.at_most]' '[null,true]'
	done
}

@test "a v1 quota without its period is unknown, not none" {
	put proc/self/cgroup 3:cpu,cpuacct:/web
	put proc/self/mountinfo '31 20 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct'
	put $C/cpu/web/cgroup.procs
	put $C/cpu/web/cpu.cfs_quota_us 50000
	limits --json
	json_is '[.cpus.levels[1].quota, .cpus.at_most]' '[null,true]'
}

@test "memory.max 0 is a limit that nothing fits into, without nan" {
	v2 / /web
	level $C/web max 0
	limits
	[[ ! $output =~ nan ]]
	limits --json
	json_is '.memory.limit_bytes' 0
}

@test "a controller that the kernel has disabled has no limits, and the page says why" {
	v2 / /web
	level $C/web max max
	rm "$dir/t0/$C/web/memory.max"
	put proc/cgroups '#subsys_name	hierarchy	num_cgroups	enabled' 'cpu	0	9	1' 'memory	0	9	0'
	limits
	[[ $output =~ limit\ +none\ +"cannot be set: the kernel has the controller disabled" ]]
}

@test "a level that cannot be read makes the limit 'at most'" {
	v2 / /pod/app
	level $C/pod '200000 100000' 52428800
	level $C/pod/app '500000 100000' 104857600
	rm "$dir/t0/$C/pod/cpu.max" "$dir/t0/$C/pod/memory.max"
	put $C/pod/cpu.max.errno '13 Permission denied'
	put $C/pod/memory.max.errno '13 Permission denied'
	limits
	[[ $output =~ "cannot be read: /pod" ]]
	limits --json
	json_is "$cpus" '[5,"quota","/pod/app",true]'
	json_is "$memory" '[104857600,"limit","/pod/app",true]'
	json_is '.cpus.levels[1].quota' null
}

# --- processes

@test "-p shows threads against the quota, open files, and runtime variables" {
	v2 / /
	level $C/web '200000 100000' 104857600
	waiting_process 4242 api 17 0::/web
	mkdir -p "$dir/t0/proc/4242/fd/0" "$dir/t0/proc/4242/fd/1"
	printf '%s\0' SECRET=hunter2 'XGOMAXPROCS=9' GOMAXPROCS=8 'JAVA_TOOL_OPTIONS=-Dpassword=hunter2 -XX:ActiveProcessorCount=3' \
		'NODE_OPTIONS=--require /secret' >"$dir/t0/proc/4242/environ"
	golden limits-process.txt "$PQ" limits -p 4242 -f "$dir"
	limits -p 4242 --json
	[[ $output != *hunter2* && $output != *secret* ]]
	json_is '[.pid, .process.comm, .process.threads, .process.runnable, .process.open_files]' '[4242,"api",17,9,2]'
	json_is '[.process.files.soft, .process.files.hard, .process.files.known]' '[1024,null,true]'
	json_is '.process.environment' '[{"name":"GOMAXPROCS","option":null,"value":"8"},{"name":"JAVA_TOOL_OPTIONS","option":"-XX:ActiveProcessorCount=","value":"3"}]'
	of_runtime go '[8,"more","set explicitly","GOMAXPROCS=2"]'
	of_runtime java '[3,"more","set explicitly","-XX:ActiveProcessorCount=2"]'
	of_runtime tokio '[2,"right","right",null]'
}

# heaps VARIABLE=VALUE…: the page of a process with this environment, in a cgroup of 2 GiB.
heaps() {
	printf '%s\0' "$@" >"$dir/t0/proc/77/environ"
	limits --json -p 77
}

@test "the heap that the environment sets is the one that is judged" {
	v2 / /
	level $C/web '200000 100000' 2147483648
	waiting_process 77 api 1 0::/web
	heaps GOMEMLIMIT=3000MiB DOTNET_GCHeapHardLimit=C800000 NODE_OPTIONS=--max-old-space-size=4096 \
		JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=90.0 _JAVA_OPTIONS=-Xmx3g
	of_heap go '[3145728000,"more","set explicitly","GOMEMLIMIT=1843MiB"]'
	of_heap dotnet '[209715200,"right","set explicitly",null]'
	of_heap node '[4294967296,"more","set explicitly","--max-old-space-size=1536"]'
	of_heap java '[3221225472,"more","set explicitly","-Xmx1536m"]'
	json_is '[.process.environment[] | .option // .name]' \
		'["GOMEMLIMIT","DOTNET_GCHeapHardLimit","--max-old-space-size=","-XX:MaxRAMPercentage=","-Xmx"]'
	heaps GOMEMLIMIT=1073741824 DOTNET_GCHeapHardLimit=0xC8000000 NODE_OPTIONS=--max_old_space_size=4096 \
		'JAVA_TOOL_OPTIONS=-Xmx1g -XX:MaxHeapSize=512m' JDK_JAVA_OPTIONS=-XX:MaxRAMPercentage=90
	of_heap go '[1073741824,"right","set explicitly",null]'
	of_heap dotnet '[3355443200,"more","set explicitly","DOTNET_GCHeapHardLimit=0x60000000"]'
	of_heap node '[4294967296,"more","set explicitly","--max-old-space-size=1536"]'
	of_heap java '[536870912,"right","set explicitly",null]'
	heaps GOMEMLIMIT= DOTNET_GCHeapHardLimit=fffffffffffffffff
	of_heap go '[null,"more","set explicitly","GOMEMLIMIT=1843MiB"]'
	of_heap dotnet '[null,null,"setting is not valid",null]'
	heaps GOMEMLIMIT=off DOTNET_GCHeapHardLimitPercent=32 'NODE_OPTIONS=--max-old-space-size=9 --max-old-space-size-percentage=80' \
		JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=90.0
	of_heap go '[null,"more","set explicitly","GOMEMLIMIT=1843MiB"]'
	of_heap dotnet '[1073741824,"right","set explicitly",null]'
	of_heap node '[1717986918,"right","set explicitly",null]'
	of_heap java '[1932735283,"right","set explicitly",null]'
	heaps NODE_OPTIONS=--max-old-space-size-percentage=100 JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=100
	of_heap node '[2147483648,"more","set explicitly","--max-old-space-size-percentage=75"]'
	of_heap java '[2147483648,"more","set explicitly","-XX:MaxRAMPercentage=75"]'
}

@test "a heap setting that is not valid is unknown; 0 leaves the default" {
	v2 / /
	level $C/web '200000 100000' 2147483648
	waiting_process 77 api 1 0::/web
	heaps GOMEMLIMIT=3000MB DOTNET_GCHeapHardLimit=0xg NODE_OPTIONS=--max-old-space-size=x JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=900
	for runtime in go dotnet node java; do of_heap $runtime '[null,null,"setting is not valid",null]'; done
	heaps DOTNET_GCHeapHardLimit=0 NODE_OPTIONS=--max-old-space-size=0 JAVA_TOOL_OPTIONS=-Xmxm
	of_heap dotnet '[1610612736,"right","75 % of 2 GiB",null]'
	of_heap node '[1174405120,"right","55 % of 2 GiB",null]'
	of_heap java '[null,null,"setting is not valid",null]'
}

@test "a heap as large as the limit is too large; in a limit of 0 nothing fits" {
	v2 / /web
	level $C/web '200000 100000' 268435456
	limits --json
	of_heap node '[271581184,"more","above the limit","--max-old-space-size=192"]'
	put $C/web/memory.max 0
	limits --json
	[[ $output != *nan* ]]
	json_is '[.heaps[] | .verdict, .why, .set] | unique' '[null,"more","nothing fits in 0"]'
	json_is "$memory" '[0,"limit","/web",false]'
	limits
	[[ $output != *nan* && $output != *inf* ]]
}

@test "-p from the node names the levels that the container itself cannot see" {
	v2 / /
	level $C/pod '200000 100000' max
	level $C/pod/app '500000 100000' max
	waiting_process 4242 app 1 0::/pod/app
	put proc/4242/mountinfo '30 20 0:26 /pod/app /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	limits -p 4242 --json
	json_is "$cpus" '[2,"quota","/pod",false]'
	of_runtime java '[5,"more","cannot see that level","-XX:ActiveProcessorCount=2"]'
	of_runtime go '[5,"more","cannot see that level","GOMAXPROCS=2"]'
	put proc/4242/mountinfo '30 20 0:20 / /proc rw - proc proc rw'
	limits -p 4242 --json
	of_runtime go '[8,"more","cannot see that level","GOMAXPROCS=2"]'
}

@test "-p of a process in an invisible cgroup shows what else is known" {
	v2 /elsewhere /elsewhere/a
	waiting_process 4242 app 3 0::/../other
	rm "$dir/t0/proc/4242/mountinfo"
	limits -p 4242
	[[ $stderr == "pq limits: process 4242: its cgroup is not visible from here; its limits are unknown" ]]
	[[ $output =~ "its cgroup is not visible: there may be a quota" ]]
	limits -p 4242 --json
	json_is "$cpus" '[8,"machine",null,true]'
	json_is '[.cgroup, .cpus.version, .process.threads]' '[null,null,3]'
	of_runtime go '[null,null,"unknown",null]'
	of_runtime go_old '[8,null,"quota unknown",null]'
}

@test "an environment, limits and files without permission are unknown, with the reason" {
	v2 / /
	level $C/web '200000 100000' max
	waiting_process 4242 api 1 0::/web
	rm "$dir/t0/proc/4242/limits"
	for file in environ limits fd; do put proc/4242/$file.errno '13 Permission denied'; done
	limits -p 4242
	[[ $output =~ environment\ +-\ +"cannot be read: Permission denied" ]]
	[[ $output =~ open\ files\ +-\ +"cannot read /proc/PID/limits: Permission denied" ]]
	limits -p 4242 --json
	json_is '[.process.environment_error, .process.open_files, .process.files.known]' '["Permission denied",null,false]'
}

@test "control characters in names and values are escaped" {
	v2 / /
	level $C/web '200000 100000' max
	waiting_process 4242 $'a\e[31mb' 1 0::/web
	printf 'GOMAXPROCS=\e[2J\0' >"$dir/t0/proc/4242/environ"
	limits -p 4242
	[[ $output != *$'\e'* && $output == *'a\033[31mb'* && $output == *'GOMAXPROCS=\033[2J'* ]]
	limits -p 4242 --json
	json_is '.process.comm' '"a\u001b[31mb"'
}

# --- which runtime a process has

# program PID PATH FILE: the process runs FILE, whose path it sees as PATH.
program() {
	cp "$3" "$dir/t0/proc/$1/exe"
	printf '%s\n' "$2" >"$dir/t0/proc/$1/exe.link"
}

# detected: the keys of the runtimes and heaps that the process has, its runtime, version and what else is known of it.
detected() {
	limits --json -p 77
	json '[[.runtimes[] | select(.detected) | .runtime], [.heaps[] | select(.detected) | .runtime], (.process.program | .runtime, .version, .detail)]'
}

detects() {
	[ "$(detected)" = "$1" ] || { detected; return 1; }
}

a_process() {
	v2 / /
	level $C/web '150000 100000' 536870912
	waiting_process 77 api 1 0::/web
}

corpus=$TESTS/fuzz/corpus/program

@test "-p: a Go program is known by its build information, and what go.mod asks for decides" {
	a_process
	sed 's/containermaxprocs=0/containermaxprocs=1/; s,go.uber.org/automaxprocs,go.uber.org/automaxprocx,' "$corpus/go-segment" >"$BATS_TEST_TMPDIR/go"
	program 77 /app/api "$BATS_TEST_TMPDIR/go"
	detects '[["go"],["go"],"Go","1.25.12",null]'
	golden limits-go.txt "$PQ" limits -p 77 -f "$dir"
	printf '%s\0' GODEBUG=x=1,containermaxprocs=0 >"$dir/t0/proc/77/environ"
	detects '[["go_old"],["go"],"Go","1.25.12","containermaxprocs=0: it ignores the quota"]'
	program 77 /app/api "$corpus/go-section"
	detects '[["go_old","automaxprocs"],["go"],"Go","1.25.12","with automaxprocs, which decides"]'
	printf '%s\0' GODEBUG=containermaxprocs=1 >"$dir/t0/proc/77/environ"
	detects '[["go","automaxprocs"],["go"],"Go","1.25.12","with automaxprocs, which decides"]'
	sed 's/go1\.25\.12/go1.24.12/; s/automaxprocs/automaxprocx/' "$corpus/go-section" >"$BATS_TEST_TMPDIR/go"
	program 77 /app/api "$BATS_TEST_TMPDIR/go"
	detects '[["go_old"],["go"],"Go","1.24.12",null]'
}

@test "-p: forged and truncated Go build information is not believed" {
	a_process
	head -c 170 "$corpus/go-segment" >"$BATS_TEST_TMPDIR/go"
	program 77 /app/api "$BATS_TEST_TMPDIR/go"
	detects '[[],[],null,null,null]'
	sed 's/go1\.25\.12/g\x1b[2Jx.12/' "$corpus/go-segment" >"$BATS_TEST_TMPDIR/go"
	program 77 /app/api "$BATS_TEST_TMPDIR/go"
	detects '[[],[],null,null,null]'
	limits -p 77
	[[ $output == *'runtime             -  none recognised in /app/api'*'Java 24 and later'* ]]
}

@test "-p: Java is known by the file release beside it, and its updates by their number" {
	a_process
	for version in 17.0.15:java_old 21.0.8:java_old 21.0.9:java 21.0.13:java 23.0.2:java_old 25.0.5:java 1.8.0_402:java_old; do
		program 77 /opt/jdk/bin/java /dev/null
		put proc/77/root/opt/jdk/release 'IMPLEMENTOR="x"' "JAVA_VERSION=\"${version%:*}\""
		limits --json -p 77
		json_is '[.runtimes[], .heaps[] | select(.detected) | .runtime] | unique' "[\"${version#*:}\"]"
	done
	rm "$dir/t0/proc/77/root/opt/jdk/release"
	detects '[["java","java_old"],["java","java_old"],"Java",null,null]'
	program 77 /usr/bin/jsvc /dev/null
	put proc/77/maps '7f00-7f01 r-xp 00000000 08:01 99                   /opt/jre/lib/server/libjvm.so'
	put proc/77/root/opt/jre/release 'JAVA_VERSION="21.0.9"'
	detects '[["java"],["java"],"Java","21.0.9",null]'
}

@test "-p: Node.js is known by its constants, its headers, its directory or its library" {
	a_process
	program 77 /usr/bin/node "$corpus/node"
	detects '[["libuv_152","node_cpus","libuv_pool"],["node"],"Node.js","24.21.0",null]'
	program 77 /opt/node/bin/node /dev/null
	put proc/77/root/opt/node/include/node/node_version.h '#define NODE_MAJOR_VERSION 20' '#define NODE_MINOR_VERSION 1' '#define NODE_PATCH_VERSION 2'
	detects '[["node_20","node_cpus","libuv_pool"],["node_20"],"Node.js","20.1.2",null]'
	program 77 /root/.nvm/versions/node/v26.1.0/bin/node /dev/null
	detects '[["libuv_152","node_cpus","libuv_pool"],["node_26"],"Node.js","26.1.0",null]'
	program 77 /root/.nvm/versions/node/v24.15.0/bin/node /dev/null
	detects '[["libuv","node_cpus","libuv_pool"],["node"],"Node.js","24.15.0",null]'
	program 77 /usr/bin/nodejs /dev/null
	put proc/77/maps '7f00-7f01 r-xp 00000000 08:01 99    /usr/lib/x86_64-linux-gnu/libnode.so.108'
	limits --json -p 77
	json_is '[.process.program.runtime, .process.program.version]' '["Node.js","18"]'
}

@test "-p: Python, .NET, Rust, and servers by their names; and the libraries that a process has mapped" {
	a_process
	program 77 /usr/bin/python3.13 /dev/null
	detects '[["python","python_pool"],[],"Python","3.13",null]'
	program 77 /usr/bin/python3 /dev/null
	put proc/77/maps '7f00-7f01 r-xp 00000000 08:01 99   /usr/lib/libpython3.11.so.1.0' \
		'7f02-7f03 r-xp 00000000 08:01 98   /usr/lib/libgomp.so.1 (deleted)' '7f04-7f05 rw-p 00000000 00:00 0 [heap]'
	limits --json -p 77
	json_is '[.runtimes[] | select(.detected) | .runtime]' '["python","python_old","python_pool","openmp"]'
	program 77 /usr/bin/dotnet /dev/null
	put proc/77/maps '7f00-7f01 r-xp 00000000 08:01 99   /usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.1/libcoreclr.so'
	detects '[["dotnet"],["dotnet"],".NET","10.0.1",null]'
	program 77 /app/api /dev/null
	detects '[["dotnet"],["dotnet"],".NET","10.0.1",null]'
	rm "$dir/t0/proc/77/maps"
	program 77 /app/api "$corpus/rust"
	detects '[["tokio","rayon","num_cpus"],[],"Rust","1.95.0",null]'
	program 77 '/usr/sbin/php-fpm8.4 (deleted)' /dev/null
	detects '[["php_fpm"],[],"PHP-FPM","8.4",null]'
	program 77 /usr/bin/redis-check-rdb /dev/null
	detects '[["redis"],["redis"],"Redis",null,null]'
	program 77 /usr/lib/postgresql/18/bin/postgres /dev/null
	detects '[["postgresql"],[],"PostgreSQL","18",null]'
	program 77 /usr/bin/ruby /dev/null
	put proc/77/maps '7f00-7f01 r-xp 00000000 08:01 99   /usr/lib/libruby-3.3.so.3.3.8'
	detects '[["ruby"],[],"Ruby","3.3",null]'
	rm "$dir/t0/proc/77/maps"
	program 77 /usr/bin/nginxx /dev/null
	detects '[[],[],null,null,null]'
}

@test "-p: Bun and Deno, which have Rust in them, are known by their names, and from npm by their packages" {
	a_process
	program 77 /app/node_modules/bun/bin/bun.exe "$corpus/rust"
	detects '[["bun"],["bun"],"Bun",null,null]'
	put proc/77/root/app/node_modules/bun/package.json '{' '  "name": "bun",' '  "version": "1.4.5",'
	detects '[["bun"],["bun"],"Bun","1.4.5",null]'
	program 77 /app/node_modules/@deno/linux-x64-glibc/deno "$corpus/rust"
	put proc/77/root/app/node_modules/@deno/linux-x64-glibc/package.json '{"name": "@deno/linux-x64-glibc", "version": "2.9.6"}'
	detects '[["deno"],["deno"],"Deno","2.9.6",null]'
	program 77 /usr/bin/deno "$corpus/rust"
	detects '[["deno"],["deno"],"Deno",null,null]'
}

@test "-p: a program that cannot be read is named by its command name, and the page says why" {
	a_process
	put proc/77/stat '77 (nginx) S 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
	put proc/77/exe.link.errno '13 Permission denied'
	limits -p 77
	[[ $output == *'runtime                nginx, version unknown: Permission denied'*'nginx, auto'* ]]
	[[ $output != *'Go before'* ]]
	limits --json -p 77 --all
	json_is '.process.program' '{"path":null,"error":null,"runtime":"nginx","version":null,"detail":null}'
}

@test "-p: a program on a network or FUSE file system is not opened: it could make pq wait" {
	a_process
	program 77 /app/api "$corpus/go-section"
	put proc/77/mountinfo '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' '31 20 0:27 / /app rw - fuse.sshfs x rw' '32 20 0:28 / / rw - ext4 x rw'
	limits --json -p 77
	json_is '.process.program | [.runtime, .error]' '[null,"on a network or FUSE file system"]'
	put proc/77/mountinfo '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' '31 20 0:27 / /ap rw - fuse.sshfs x rw'
	detects '[["go_old","automaxprocs"],["go"],"Go","1.25.12","with automaxprocs, which decides"]'
}

@test "live: scripts, static programs, deleted programs, other mount namespaces, other users" {
	here
	[ "$(uname -s)" = Linux ]
	of_live() {
		run --separate-stderr timeout 20 "$PQ" limits --json -p "$last"
		[ "$status" -eq 0 ]
		json_is '.process.program | [.path, .runtime, .version, .error]' "$1"
	}
	printf '#!%s\nread -r x </dev/zero\n' "$(realpath "$(command -v bash)")" >script
	chmod +x script
	start ./script
	await grep -qx script "/proc/$last/comm"
	of_live "[\"$(realpath "$(command -v bash)")\",null,null,null]"
	cp "$(command -v sleep)" "$PWD/nginx"
	start ./nginx 30
	await grep -qx nginx "/proc/$last/comm"
	rm nginx
	of_live "[\"$PWD/nginx\",\"nginx\",null,null]"
	command -v objcopy >/dev/null || skip "no objcopy"
	objcopy --add-section .go.buildinfo="$corpus/go-build" "$(command -v sleep)" api
	start ./api 30
	await grep -qx api "/proc/$last/comm"
	rm api
	of_live "[\"$PWD/api\",\"Go\",\"1.25.12\",null]"
	[ "$(id -u)" -eq 0 ] || skip "not root"
	need_nobody
	run --separate-stderr as_nobody limits --json -p "$last"
	[ "$status" -eq 0 ]
	json_is '.process.program | [.path, .runtime, .error]' '[null,null,"Permission denied"]'
	mkdir -p in/opt/jdk/bin
	cp "$(command -v sleep)" in/opt/jdk/bin/java
	echo 'JAVA_VERSION="21.0.13"' >in/opt/jdk/release
	unshare -m true 2>/dev/null || skip "no mount namespaces"
	start unshare -m bash -c 'mount -t tmpfs x /opt && cp -r in/opt/jdk /opt && exec /opt/jdk/bin/java 30'
	await grep -qx java "/proc/$last/comm"
	of_live '["/opt/jdk/bin/java","Java","21.0.13",null]'
	# a link instead of the file leads nowhere, not even inside
	nsenter -m -t "$last" sh -c 'mv /opt/jdk/release /opt/r && ln -s /opt/r /opt/jdk/release'
	of_live '["/opt/jdk/bin/java","Java",null,null]'
	nsenter -m -t "$last" sh -c 'rm /opt/jdk/release && mkfifo /opt/jdk/release'
	of_live '["/opt/jdk/bin/java","Java",null,null]'
}

@test "-p: threads that a runtime started for each CPU are compared with what it would start now" {
	a_process
	put $C/web/cpu.max '300000 100000'
	program 77 /usr/share/dotnet/dotnet /dev/null
	for tid in 77 78 79 80; do
		put "proc/77/task/$tid/comm" "$([ "$tid" -gt 77 ] && echo .NET Server GC || echo dotnet)"
	done
	limits --json -p 77
	json_is '.runtimes[] | select(.detected) | [.cpus, .running_threads, .restart]' '[3,3,false]'
	put $C/web/cpu.max '200000 100000'
	limits --json -p 77
	json_is '.runtimes[] | select(.detected) | [.cpus, .running_threads, .restart]' '[2,3,true]'
	limits -p 77
	[[ $output == *'runs 3 threads for it since its start: restart it'* ]]
	rm -r "$dir"/t0/proc/77/task/7[89] "$dir/t0/proc/77/task/80"
	limits --json -p 77
	json_is '.runtimes[] | select(.detected) | [.running_threads, .restart]' '[null,null]'
}

@test "-p: Go from 1.25 on follows a quota that changes, unless GOMAXPROCS is set" {
	a_process
	sed 's/containermaxprocs=0/containermaxprocs=1/; s,go.uber.org/automaxprocs,go.uber.org/automaxprocx,' "$corpus/go-segment" >"$BATS_TEST_TMPDIR/go"
	program 77 /app/api "$BATS_TEST_TMPDIR/go"
	limits --json -p 77
	json_is '.runtimes[] | select(.detected) | .restart' false
	printf '%s\0' GOMAXPROCS=8 >"$dir/t0/proc/77/environ"
	limits --json -p 77
	json_is '.runtimes[] | select(.detected) | [.cpus, .restart]' '[8,null]'
	json_is '[.runtimes[] | select(.restart != null)]' '[]'
}

# --- files that show another world

@test "lxcfs numbers CPUs anew: its numbers are not intersected with those of the kernel, and are no limit" {
	v2 / /web
	level $C/web max max
	put sys/devices/system/cpu/online 0-1
	put proc/self/status 'Name:	pq' 'Cpus_allowed_list:	1,4-6'
	printf '%s\n' '40 20 0:50 /sys/devices/system/cpu /sys/devices/system/cpu rw - fuse.lxcfs lxcfs rw' \
		'41 20 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw' >>"$dir/t0/proc/self/mountinfo"
	limits
	[[ $output =~ online\ +2\ +"0-1  (virtual, shown by lxcfs)" ]]
	[[ $output =~ machine\ +7.6\ GiB\ +"(virtual, shown by lxcfs)" ]]
	limits --json
	json_is "$cpus" '[4,"affinity",null,false]'
	json_is '.cpus | [.online_cpus, .affinity, .online_from, .virtual_by]' '[2,"1,4-6","/sys/devices/system/cpu/online","lxcfs"]'
	put $C/web/cpuset.cpus.effective 4-5
	limits --json
	json_is '.cpus | [.limit_cpus, .affinity]' '[2,"4-5"]'
}

@test "without /sys the CPUs are those of /proc/stat, and the page says so" {
	v2 / /web
	rm "$dir/t0/sys/devices/system/cpu/online"
	put proc/stat 'cpu  1 1 1 1 1 1 1 0 0 0' 'cpu0 1 1 1 1 1 1 1 0 0 0' 'cpu1 1 1 1 1 1 1 1 0 0 0'
	limits
	[[ $output =~ online\ +2\ +"0-1  (/proc/stat)" ]]
	printf '%s\n' '41 20 0:50 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw' >>"$dir/t0/proc/self/mountinfo"
	limits
	[[ $output =~ online\ +2\ +"0-1  (/proc/stat, virtual, shown by lxcfs)" ]]
}

@test "gVisor is named: by its release, or by the date that all its kernels had" {
	v2 / /web
	echo 'release 4.19.0-gvisor' >"$dir/facts"
	limits --json
	json_is '[.cpus.virtual_by, .memory.virtual_by]' '["gVisor","gVisor"]'
	echo 'release 4.4.0' >"$dir/facts"
	limits --json
	json_is '.cpus.virtual_by' null
	put proc/version 'Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016'
	limits --json
	json_is '.cpus.virtual_by' '"gVisor"'
}

@test "a mountinfo that may not be read is mentioned, also where the cgroup is found without it" {
	v2 / /web
	level $C/web '200000 100000' max
	put $C/cgroup.controllers cpu
	rm "$dir/t0/proc/self/mountinfo"
	put proc/self/mountinfo.errno '13 Permission denied'
	limits
	[[ $stderr == 'pq limits: cannot read /proc/self/mountinfo: Permission denied; cgroups are looked for at /sys/fs/cgroup' ]]
	[[ $output == *'quota of /web'* ]]
}

@test "a recording of tools that do not read all these files says what it has" {
	"$PQ" runq -o "$BATS_TEST_TMPDIR/r.tape" 100ms 1 >/dev/null 2>&1
	run --separate-stderr "$PQ" limits -f "$BATS_TEST_TMPDIR/r.tape"
	[ "$status" -eq 0 ]
	[[ $stderr == 'pq limits: the recording has the files of runq only, which pq limits reads in part; what it lacks is unknown' ]]
}

@test "a quota of 2^63 or more, and odd periods, are limits or unknown, never 0" {
	v2 / /web
	level $C/web max max
	put $C/web/cpu.max '9223372036854775807 100000'
	limits --json
	json_is "$cpus" '[8,"machine",null,false]'
	put $C/web/cpu.max '9223372036854775808 100000'
	limits --json
	json_is '.cpus.limit_cpus' 8
	put $C/web/cpu.max '99999999999999999999 100000'
	limits --json
	json_is '[.cpus.limit_cpus, .cpus.levels[1].quota, .cpus.at_most]' '[8,null,true]'
	put $C/web/cpu.max '25000 10000'
	limits --json
	json_is '[.cpus.limit_cpus, .cpus.levels[1].period_ms]' '[2.5,10]'
	put $C/web/cpu.max '2500000 1000000'
	limits --json
	json_is '[.cpus.limit_cpus, .cpus.levels[1].period_ms]' '[2.5,1000]'
}

# --- wrong arguments, and processes of other users

@test "wrong arguments give one error line" {
	v2 / /
	fails 2 '--from and --to need a recording .-f FILE.' "$PQ" limits --from 17:00
	fails 2 "unexpected argument '1'" "$PQ" limits 1
	fails 2 "invalid --share '2': want a share of the memory limit" "$PQ" limits --share 2
	fails 2 "invalid --share 'x'" "$PQ" limits --share x
	fails 2 '-p and -g cannot be combined' "$PQ" limits -p 1 -g /
	fails 2 'no such process: 4000000' "$PQ" limits -p 4000000
	fails 2 'no such cgroup: /nope' "$PQ" limits -f "$dir" -g /nope
	fails 2 "unknown option '-a'" "$PQ" limits -a
	fails 3 'process 4242: cannot read its cgroup: permission denied' bash -c "mkdir -p '$dir/t0/proc/4242' &&
		echo '13 x' >'$dir/t0/proc/4242/cgroup.errno' && exec '$PQ' limits -p 4242 -f '$dir'"
}

@test "--share sets the part of the memory limit for the heap" {
	v2 / /web
	level $C/web '400000 100000' 1073741824
	limits --json --share 0.8
	of_heap go '[null,"more","no bound by default","GOMEMLIMIT=819MiB"]'
	of_heap java '[268435456,"right","25 % of 1 GiB","-XX:MaxRAMPercentage=80"]'
}

@test "the page fits 80 columns with long names" {
	local name=/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod01234567_89ab_cdef_0123_456789abcdef.slice/cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope
	v2 / $name
	level "$C$name" '12800000 100000' 104857600
	put "$C$name/cpuset.cpus.effective" 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44,46,48,50,52,54,56
	put sys/devices/system/cpu/online 0-63
	put proc/self/status 'Cpus_allowed_list:	0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44,46,48,50,52,54,56'
	limits
	[ -z "$(awk 'length > 80' <<<"$output")" ] || { echo "$output"; return 1; }
	[[ $output == *"12800 ms of CPU time per 100 ms  <"*abcdef.scope* ]]
}

@test "live: CPUs agree with nproc, and a process of another user shows what is permitted" {
	run --separate-stderr "$PQ" limits --json
	[ "$status" -eq 0 ]
	[ "$(jq .cpus.affinity_cpus <<<"$output")" -eq "$(nproc)" ]
	[ "$(jq .process.files.soft <<<"$output")" = "$(ulimit -Sn)" ]
	[ "$(id -u)" -eq 0 ] || skip "not root: there is no other user to be"
	need_nobody
	start env GOMAXPROCS=3 sleep 30
	await grep -qx sleep "/proc/$last/comm" # until then it is the shell, with another environment
	run --separate-stderr "$PQ" limits --json -p "$last"
	json_is '.process.environment' '[{"name":"GOMAXPROCS","option":null,"value":"3"}]'
	run --separate-stderr as_nobody limits --json -p "$last"
	[ "$status" -eq 0 ]
	json_is '[.process.environment_error, .process.open_files, .process.threads]' '["Permission denied",null,1]'
}
