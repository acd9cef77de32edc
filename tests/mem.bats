#!/usr/bin/env bats
# pq mem: cgroup memory against its limit. How the cgroup is found: locate.bats.
load helper

setup() {
	samples mem /pod/app
}

# The machine has 1000 MB.
every_sample() {
	printf 'MemTotal: 1024000 kB\nMemFree: 512000 kB\nBuffers: 1024 kB\nCached: 102400 kB\nActive(file): 10240 kB\nInactive(file): 20480 kB\nAnonPages: 204800 kB\nShmem: 1024 kB\nSlab: 2048 kB\nSReclaimable: 1024 kB\nKernelStack: 0 kB\nPageTables: 0 kB\nSwapTotal: %s kB\nSwapFree: %s kB\n' \
		"${SWAP:-0}" "${SWAP:-0}" >"$now/proc/meminfo"
}

# memory_group PATH MAX CURRENT ANON INACTIVE_FILE ACTIVE_FILE SLAB_RECLAIMABLE [SWAP_MAX SWAP_CURRENT]
memory_group() {
	group "$1"
	echo "$2" >"$group/memory.max"
	echo "$3" >"$group/memory.current"
	printf 'anon %s\nfile %s\nkernel 4096\nsock 512\nshmem 0\ninactive_file %s\nactive_file %s\nslab_reclaimable %s\nworkingset_refault_anon %s\nworkingset_refault_file %s\npgmajfault %s\n' \
		"$4" $(($5 + $6)) "$5" "$6" "$7" "${REFAULT:-0}" "${REFAULT:-0}" "${MAJFAULT:-0}" >"$group/memory.stat"
	printf 'low 0\nhigh %s\nmax %s\noom %s\noom_kill %s\n' "${HIGH:-0}" "${MAX:-0}" "${OOM:-0}" "${KILL:-0}" >"$group/memory.events"
	[ -z "${8:-}" ] || { echo "$8" >"$group/memory.swap.max"; echo "$9" >"$group/memory.swap.current"; }
}

@test "the working set excludes inactive page cache; hard excludes all reclaimable memory" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 1000000 900000 300000 200000 350000 40000
	done
	show
	[ "$(json '[.cgroup, .limit_bytes, .limit_level, .used_bytes, .working_set_bytes, .working_set_pct, .hard_bytes, .hard_pct]')" = \
		'["/pod/app",1000000,"/pod/app",900000,700000,70,310000,31]' ]
}

@test "page cache at the limit is not unreclaimable, anonymous memory is" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /cache 1000000 1000000 10000 500000 480000 0
		memory_group /anon 1000000 1000000 990000 0 0 0
	done
	show -a
	[ "$(json '[.cgroup, .hard_pct]')" = '["/anon",100]
["/cache",2]' ]
}

@test "anonymous memory is reclaimable if swap has room for it" {
	for t in 0 1; do
		SWAP=1000000 at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 1000000 900000 800000 0 0 0 300000 100000
	done
	show
	[ "$(json '[.hard_bytes, .swap_bytes]')" = '[700000,100000]' ]
}

@test "a parent cgroup without swap leaves none to its children" {
	for t in 0 1; do
		SWAP=1000000 at $t
		memory_group /pod max 0 0 0 0 0 0 0
		memory_group /pod/app 1000000 900000 800000 0 0 0 max 0
	done
	show
	[ "$(json .hard_bytes)" = 900000 ]
}

@test "the smallest limit of all levels applies, or the size of the machine" {
	for t in 0 1; do
		at $t
		memory_group /pod 500000 400000 0 0 0 0
		memory_group /pod/app 1000000 300000 0 0 0 0
		memory_group /huge 99999999999999 0 0 0 0 0
	done
	show
	[ "$(json '[.cgroup, .limit_bytes, .limit_level]')" = '["/pod",500000,"/pod"]
["/pod/app",500000,"/pod"]' ]
	show -g /huge
	[ "$(json 'select(.cgroup == "/huge") | [.limit_bytes, .limit_level]')" = '[1048576000,"machine"]' ]
}

@test "without any limit it says so and shows the machine" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app max 300000 100000 0 0 0
	done
	show
	[ "$(json '[.cgroup, .limit_bytes, .limit_level, .used_bytes]')" = '["machine",1048576000,"machine",524288000]
["/pod/app",1048576000,"machine",300000]' ]
	[[ $stderr == *"no visible cgroup level has a memory limit"* ]]
}

@test "events, refaults and faults count the interval" {
	at 0
	memory_group /pod max 0 0 0 0 0
	HIGH=1 MAX=2 OOM=3 KILL=4 REFAULT=100 MAJFAULT=10 memory_group /pod/app 1000 900 0 0 0 0
	at 1
	memory_group /pod max 0 0 0 0 0
	HIGH=3 MAX=12 OOM=4 KILL=5 REFAULT=150 MAJFAULT=17 memory_group /pod/app 1000 900 0 0 0 0
	show
	[ "$(json '[.high, .max, .oom, .oom_kill, .refaults_per_s, .majflt_per_s]')" = '[2,10,1,1,100,7]' ]
}

@test "values that the kernel does not have are unknown" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 1000000 900000 300000 200000 350000 40000
		rm "$now/sys/fs/cgroup/pod/app/memory.events"
		sed -i '/inactive_file/d; /sock/d; /refault/d' "$now/sys/fs/cgroup/pod/app/memory.stat"
	done
	show
	[ "$(json '[.working_set_bytes, .hard_bytes, .hard_pct, .sock_bytes, .max, .oom_kill, .refaults_per_s, .mem_some_pct]')" = \
		'[null,null,null,null,null,null,null,null]' ]
}

@test "a cgroup without the controller is named, and the level that accounts its memory is shown" {
	for t in 0 1; do
		at $t
		memory_group /pod max 300000 100000 0 0 0
		memory_group /pod/app max 0 0 0 0 0
		rm "$now"/sys/fs/cgroup/pod/app/memory.*
	done
	show
	[ "$(json 'select(.cgroup != "machine") | [.cgroup, .used_bytes]')" = '["/pod",300000]' ]
	[[ $stderr == *"/pod/app"*"the controller is not enabled"* ]]
}

@test "a removed cgroup is not replaced by the machine" {
	for t in 0 1 2 3; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 300000 200000 100000 0 0 0
	done
	rm -r "$dir"/t[23]/sys/fs/cgroup/pod/app
	show
	[ "$(json .cgroup)" = '"/pod/app"' ]
	[[ $stderr == *"its rows end here"* && $stderr != *"has a memory limit"* ]]
}

@test "a limit that cannot be read is unknown, not the size of the machine" {
	for t in 0 1; do
		at $t
		memory_group /pod 500000 400000 0 0 0 0
		memory_group /pod/app max 300000 100000 0 0 0
		rm "$now/sys/fs/cgroup/pod/memory.max"
		echo '13 Permission denied' >"$now/sys/fs/cgroup/pod/memory.max.errno"
	done
	show
	[ "$(json '[.cgroup, .limit_bytes, .limit_level, .hard_pct, .used_bytes]')" = '["/pod/app",null,null,null,300000]' ]
	[[ $stderr == *"Permission denied"* && $stderr != *"has a memory limit"* ]]
}

@test "a limit of 0 gives no percentage" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 0 4096 4096 0 0 0
	done
	show
	[ "$(json '[.limit_bytes, .working_set_pct]')" = '[0,null]' ]
}

@test "text shows bytes with K, M and G" {
	for t in 0 1; do
		at $t
		memory_group /pod max 0 0 0 0 0
		memory_group /pod/app 67108864 900 0 0 0 0
	done
	run --separate-stderr "$PQ" mem -c limit_bytes,used_bytes -f "$dir"
	[[ ${lines[1]} =~ 64.0M\ +900$ ]]
}

@test "v1: the kernel memory of the root is not a part of its usage" {
	local t root
	for t in 0 1; do
		at $t
		root=$now/sys/fs/cgroup/memory
		mkdir -p "$root"
		echo 5:memory:/ >"$now/proc/self/cgroup"
		echo '31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory' >"$now/proc/self/mountinfo"
		: >"$root/cgroup.procs"
		echo 0 >"$root/cgroup.sane_behavior"
		echo 9223372036854771712 >"$root/memory.limit_in_bytes"
		echo 800000000 >"$root/memory.usage_in_bytes"
		echo 1100000000 >"$root/memory.kmem.usage_in_bytes"
		printf '%s\n' 'total_cache 500000000' 'total_rss 300000000' 'total_shmem 0' 'total_inactive_file 100000000' \
			'total_active_file 400000000' >"$root/memory.stat"
	done
	run --separate-stderr "$PQ" mem --json -g / -f "$dir"
	json_is 'select(.cgroup == "/") | [.used_bytes, .anon_bytes, .kernel_bytes, .hard_bytes]' '[800000000,300000000,null,300000000]'
	[[ $stderr != *larger* ]]
}

@test "live: a v1 cgroup near its limit agrees with its files" {
	local group=/sys/fs/cgroup/memory/pqtest-$$
	[ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ] || skip "no cgroup v1 memory hierarchy here (make vmtest runs this on v2)"
	mkdir "$group" 2>/dev/null || skip "not permitted to make a cgroup"
	made+=("$group")
	echo $((256 << 20)) >"$group/memory.limit_in_bytes"
	mkfifo "$BATS_TEST_TMPDIR/never"
	# shellcheck disable=SC2016 # a shell that holds some 20 MB and waits
	start bash -c 'echo $$ >"$1/cgroup.procs"; x=$(head -c 20000000 /dev/zero | tr "\0" x); echo ready; read -r -t 30 _ <>"$2"; echo "${#x}"' \
		hog "$group" "$BATS_TEST_TMPDIR/never" >"$BATS_TEST_TMPDIR/hog"
	await grep -q ready "$BATS_TEST_TMPDIR/hog"
	run --separate-stderr "$PQ" mem --json -g "/${group##*/}" 0.2 1
	local usage rss
	usage=$(cat "$group/memory.usage_in_bytes") rss=$(awk '$1 == "total_rss" { print $2 }' "$group/memory.stat")
	echo "by hand: usage $usage rss $rss; pq: $output"
	[ "$(json ".limit_bytes == 268435456 and .limit_level == .cgroup")" = true ]
	[ "$(json "(.used_bytes - $usage | fabs) < 1e6 and (.anon_bytes - $rss | fabs) < 1e6 and .anon_bytes > 19e6")" = true ]
	[ "$(json ".hard_pct > 7 and .hard_pct <= 100")" = true ]
}
