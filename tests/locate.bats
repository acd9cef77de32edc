#!/usr/bin/env bats
# How pq finds the directory of a process's cgroup: by controller, mount and namespace. Each test makes two samples of a machine,
# a second apart. The right cgroup uses 0.25 CPUs and every wrong one 0.9, so used_cpus shows which files were read.
# shellcheck disable=SC2154 # run sets stderr and its lines
load helper

C=sys/fs/cgroup

setup() {
	dir=$BATS_TEST_TMPDIR/m
	sample "$dir/t0" 1000000000
	sample "$dir/t1" 2000000000
	put proc/self/status 'Name:	pq' 'Pid:	77' 'NSpid:	77'
	put proc/meminfo 'MemTotal: 1000000 kB' 'MemFree: 400000 kB'
}

# in_cgroup LINE…: the /proc/PID/cgroup of pq; of another process with PID set.
in_cgroup() {
	put "proc/${PID:-self}/cgroup" "$@"
}

# mount_line LINE…: more lines of the /proc/PID/mountinfo of pq; of another process with PID set.
mount_line() {
	local at
	for at in "$dir"/t?; do
		mkdir -p "$at/proc/${PID:-self}"
		printf '%s\n' "$@" >>"$at/proc/${PID:-self}/mountinfo"
	done
}

# mount2 POINT ROOT, mount1 POINT ROOT CONTROLLERS: a mount of cgroup v2, of v1, in that mountinfo.
mount2() {
	mount_line "30 20 0:26 $2 $1 rw,nosuid - cgroup2 cgroup2 rw"
}

mount1() {
	mount_line "31 20 0:27 $2 $1 rw,nosuid - cgroup cgroup rw,$3"
}

# v2 DIR CPU_MAX USED_MS [PERIODS THROTTLED THROTTLED_MS]: a cgroup whose counters grow by so much from sample to sample.
v2() {
	local i=0 at
	put "$1/cgroup.procs"
	put "$1/cgroup.type" domain
	put "$1/cpu.max" "$2"
	for at in "$dir"/t?; do
		put_at "${at##*/}" "$1/cpu.stat" "usage_usec $((5000000 + i * $3 * 1000))" "user_usec 1" "system_usec 1" \
			"nr_periods $((100 + i * ${4:-10}))" "nr_throttled $((50 + i * ${5:-0}))" \
			"throttled_usec $((700000 + i * ${6:-0} * 1000))" "nr_bursts 0" "burst_usec 0"
		i=$((i + 1))
	done
}

# v1 DIR QUOTA_US USED_MS [PERIODS THROTTLED THROTTLED_MS]: the same on v1, with cpuacct beside cpu.
v1() {
	local i=0 at
	put "$1/cgroup.procs"
	put "$1/cpu.cfs_quota_us" "$2"
	put "$1/cpu.cfs_period_us" 100000
	for at in "$dir"/t?; do
		put_at "${at##*/}" "$1/cpuacct.usage" "$((5000000000 + i * $3 * 1000000))"
		put_at "${at##*/}" "$1/cpu.stat" "nr_periods $((100 + i * ${4:-10}))" "nr_throttled $((50 + i * ${5:-0}))" \
			"throttled_time $((700000000 + i * ${6:-0} * 1000000))"
		i=$((i + 1))
	done
}

# The top of a whole v2 hierarchy, which has neither a type nor limits.
v2_root() {
	put "$1/cgroup.procs"
	put "$1/cpu.stat" "usage_usec 9" "user_usec 1" "system_usec 1"
}

# psi DIR MS: its CPU pressure grows by so much.
psi() {
	put_at t0 "$1/cpu.pressure" 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' 'full avg10=0.00 avg60=0.00 avg300=0.00 total=0'
	put_at t1 "$1/cpu.pressure" "some avg10=0.00 avg60=0.00 avg300=0.00 total=$(($2 * 1000))" \
		'full avg10=0.00 avg60=0.00 avg300=0.00 total=0'
}

# memory2 DIR MAX CURRENT, memory1 DIR LIMIT HIERARCHICAL USAGE: what the memory controller has there.
memory2() {
	put "$1/cgroup.procs"
	put "$1/cgroup.type" domain
	put "$1/memory.max" "$2"
	put "$1/memory.current" "$3"
	put "$1/memory.stat" "anon $3" 'file 0' 'kernel 0' 'inactive_file 0' 'active_file 0' 'slab_reclaimable 0'
}

memory1() {
	put "$1/cgroup.procs"
	put "$1/memory.limit_in_bytes" "$2"
	put "$1/memory.usage_in_bytes" "$4"
	put "$1/memory.stat" "hierarchical_memory_limit $3" "total_rss $4" 'total_cache 0' 'total_inactive_file 0' 'total_active_file 0'
}

# The machine of most tests: v2, all of it to be seen, and pq in /web, which has 1.5 CPUs.
plain() {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/web
	v2_root $C
	v2 $C/web "150000 100000" 250
}

# pq_says STATUS ARGUMENT…: the tool ends, in time, with that status.
pq_says() {
	local want=$1
	shift
	run --separate-stderr timeout 20 "$PQ" "$@" -f "$dir"
	stderr=$(sed '/they need cgroup v2 and CONFIG_PSI/d' <<<"$stderr") # these machines have none
	mapfile -t stderr_lines < <([ -z "$stderr" ] || printf '%s\n' "$stderr")
	[ "$status" -eq "$want" ] || { printf 'status %s: %s\n%s\n' "$status" "$stderr" "$output"; return 1; }
}

throttle() {
	pq_says 0 throttle --json "$@"
}

mem() {
	pq_says 0 mem --json "$@"
}

# rows WANT [FILTER]: the rows that came out, of each what the filter gives.
rows() {
	json_is "${2:-[.cgroup, .limit_cpus, .used_cpus]}" "$1"
}

memory_rows() {
	rows "$1" '[.cgroup, .limit_bytes, .limit_level, .used_bytes]'
}

# refused STATUS PATTERN ARGUMENT…: pq throttle ends with that status, no row, and one line like that on stderr.
refused() {
	local want=$1 pattern=$2
	shift 2
	fails "$want" "$pattern" timeout 20 "$PQ" throttle --json "$@" -f "$dir"
}

# no_rows: nothing came out, rather than something wrong.
no_rows() {
	[ -z "$output" ] || { printf 'rows where there should be none:\n%s\n' "$output"; return 1; }
}

says() {
	[[ $stderr =~ $1 ]] || { printf 'stderr is: %s\nwanted: %s\n' "$stderr" "$1"; return 1; }
}

says_not() {
	[[ ! $stderr =~ $1 ]] || { printf 'stderr is: %s\nunwanted: %s\n' "$stderr" "$1"; return 1; }
}

# --- the lines of /proc/PID/cgroup

@test "v2: the path is looked up below the mount" {
	plain
	throttle
	rows '["/web",1.5,0.25]'
	says_not .
}

@test "v1: the path is looked up below the controller's mount" {
	in_cgroup 4:memory:/other 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu,cpuacct / cpu,cpuacct
	v1 $C/cpu,cpuacct/web 150000 250 10 4 300
	throttle
	rows '["/web",1.5,0.25,10,4,0.3]' '[.cgroup, .limit_cpus, .used_cpus, .periods, .throttled, .held_cpus]'
}

@test "a cgroup path may have blanks and colons: only the first two colons separate fields" {
	plain
	in_cgroup '0::/sp ace:co::lon: '
	v2 "$C/sp ace:co::lon: " "50000 100000" 250
	v2 "$C/sp" max 900
	throttle
	rows '["/sp ace:co::lon: ",0.5,0.25]'
}

@test "v1: a cgroup path may have blanks and colons" {
	in_cgroup '1:cpu,cpuacct:/sp ace:colon'
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 "$C/cpu/sp ace:colon" 50000 250
	throttle
	rows '["/sp ace:colon",0.5,0.25]'
}

@test "the v2 line has the number 0 and no controllers" {
	plain
	in_cgroup 12::/other 0::/web 13::/other
	v2 $C/other max 900
	throttle
	rows '["/web",1.5,0.25]'
}

@test "(deleted) after a v2 path is not part of it" {
	plain
	in_cgroup '0::/web (deleted)'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "(deleted) at the end of a v1 path is part of the name" {
	in_cgroup '2:cpu,cpuacct:/web (deleted)'
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 "$C/cpu/web (deleted)" 50000 250
	v1 $C/cpu/web -1 900
	throttle
	rows '["/web (deleted)",0.5,0.25]'
}

@test "a controller is matched as a whole word: cpu is neither cpuset nor cpuacct" {
	in_cgroup 5:cpuset:/set 4:cpuacct:/acct 3:net_cls,cpu:/web
	mount1 /sys/fs/cgroup/cpuset / cpuset
	mount1 /sys/fs/cgroup/cpuacct / cpuacct
	mount1 /sys/fs/cgroup/cpu / net_cls,cpu
	v1 $C/cpuset/set 90000 900
	v1 $C/cpuacct/acct 90000 900
	v1 $C/cpu/web 50000 0
	throttle
	rows '["/web",0.5]' '[.cgroup, .limit_cpus]'
}

@test "a hierarchy named cpu is not the cpu controller" {
	plain
	in_cgroup 1:name=cpu:/other 0::/web
	mount1 /sys/fs/cgroup/named / name=cpu
	v1 $C/named/other 90000 900
	throttle
	rows '["/web",1.5,0.25]'
}

@test "a controller on v1 is looked up there, not on v2" {
	plain
	in_cgroup 0::/web 3:cpu,cpuacct:/one
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu/one 50000 125
	throttle
	rows '["/one",0.5,0.125]'
}

@test "controllers that v1 lacks are looked up on v2" {
	plain
	in_cgroup 2:freezer:/ice 1:name=systemd:/init 0::/web
	mount1 /sys/fs/cgroup/freezer / freezer
	mount1 /sys/fs/cgroup/systemd / name=systemd
	throttle
	rows '["/web",1.5,0.25]'
}

@test "each controller is looked up by itself: cpu on v1 and memory on v2" {
	plain
	in_cgroup 3:cpu,cpuacct:/one 0::/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu/one 50000 125
	memory2 $C/web 100000000 5000000
	throttle
	rows '["/one",0.5,0.125]'
	mem
	memory_rows '["/web",100000000,"/web",5000000]'
}

@test "/proc/cgroups is not used, as its lines may be missing or wrong" {
	plain
	put proc/cgroups '#subsys_name	hierarchy	num_cgroups	enabled' 'cpu	7	1	0'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "controllers of one line may be in any order" {
	in_cgroup 3:cpuacct,net_cls,cpu:/web
	mount1 /sys/fs/cgroup/all / net_cls,cpuacct,memory,cpu
	v1 $C/all/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "with cpuacct in its own hierarchy the CPU time comes from the cgroup of the same name" {
	in_cgroup 4:cpuacct:/web 3:cpu:/web
	mount1 /sys/fs/cgroup/cpuacct / cpuacct
	mount1 /sys/fs/cgroup/cpu / cpu
	v1 $C/cpu/web 50000 0
	rm "$dir"/t?/$C/cpu/web/cpuacct.usage
	v1 $C/cpuacct/web -1 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "with the process in another cpuacct cgroup, that CPU time is not used" {
	in_cgroup 4:cpuacct:/other 3:cpu:/web
	mount1 /sys/fs/cgroup/cpuacct / cpuacct
	mount1 /sys/fs/cgroup/cpu / cpu
	v1 $C/cpu/web 50000 0
	rm "$dir"/t?/$C/cpu/web/cpuacct.usage
	v1 $C/cpuacct/other -1 900
	throttle
	rows '["/web",0.5,null]'
}

@test "hybrid: pressure comes from the v2 cgroup of the same name" {
	in_cgroup 3:cpu,cpuacct:/web 0::/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	mount2 /sys/fs/cgroup/unified /
	v1 $C/cpu/web 50000 250
	put $C/unified/web/cgroup.procs
	psi $C/unified/web 300
	throttle
	rows '["/web",0.25,30]' '[.cgroup, .used_cpus, .cpu_some_pct]'
}

@test "hybrid: pressure is unknown if the v2 cgroup has another name" {
	in_cgroup 3:cpu,cpuacct:/web 0::/user.slice
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	mount2 /sys/fs/cgroup/unified /
	v1 $C/cpu/web 50000 250
	put $C/unified/cgroup.procs
	put $C/unified/user.slice/cgroup.procs
	psi $C/unified/user.slice 300
	throttle
	rows '["/web",0.25,null]' '[.cgroup, .used_cpus, .cpu_some_pct]'
}

@test "hybrid: a v2 hierarchy without controllers gives used CPUs but no quota" {
	in_cgroup 0::/web
	mount2 /sys/fs/cgroup/unified /
	v2 $C/unified/web x 250
	rm "$dir"/t?/$C/unified/web/cpu.max
	put_at t0 $C/unified/web/cpu.stat 'usage_usec 1000000'
	put_at t1 $C/unified/web/cpu.stat 'usage_usec 1250000'
	put $C/unified/web/cpu.stat.local
	throttle
	rows '["/web",null,0.25,null,null]' '[.cgroup, .limit_cpus, .used_cpus, .periods, .held_cpus]'
}

@test "a path with a NUL byte is not cut at it" {
	plain
	v2 $C/we max 900
	for at in "$dir"/t?; do printf '0::/we\0b\n' >"$at/proc/self/cgroup"; done
	run --separate-stderr timeout 20 "$PQ" throttle --json -f "$dir"
	[ -z "$(json 'select(.note == null)')" ]
}

@test "a /proc/self/cgroup without a usable line gives status 3" {
	plain
	in_cgroup 0:: 7:cpu 1:name=systemd:/init rubbish
	refused 3 'cpu controller'
}

@test "an empty /proc/self/cgroup gives status 3" {
	plain
	in_cgroup
	refused 3 'cpu controller'
}

@test "a missing /proc/self/cgroup gives status 3 and is named" {
	refused 3 '/proc/self/cgroup'
}

@test "random bytes in /proc/self/cgroup give status 3" {
	plain
	for at in "$dir"/t?; do printf '\377\000\001:\n::\n:::::\200/\n0:\n' >"$at/proc/self/cgroup"; done
	refused 3 .
}

@test "an endless /proc/self/cgroup gives status 3" {
	plain
	truncate -s 100M "$dir"/t?/proc/self/cgroup
	refused 3 .
}

# --- the lines of /proc/PID/mountinfo

@test "mountinfo may have no, one or several optional fields" {
	plain
	put proc/self/mountinfo '30 20 0:26 / /sys/fs/cgroup rw shared:409 master:1 propagate_from:2 - cgroup2 cgroup2 rw'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: only a hyphen alone ends the optional fields" {
	plain
	in_cgroup 0::/system.slice/docker-65-a.scope/-
	put proc/self/mountinfo '30 20 0:26 /system.slice/docker-65-a.scope /sys/fs/cgroup rw - cgroup2 - rw'
	v2 $C/- "50000 100000" 250
	throttle
	rows '["/system.slice/docker-65-a.scope/-",0.5,0.25]'
}

@test "mountinfo: the last field may have blanks, as on WSL" {
	plain
	put proc/self/mountinfo '560 77 0:138 / /Docker/host rw,noatime - 9p drvfs rw,dirsync,aname=drvfs;path=C:\Program Files\Docker\Docker\resources;symlinkroot=/mnt/,mmap,access=client' \
		'30 20 0:26 / /sys/fs/cgroup rw - cgroup2 none rw,a b,nsdelegate c - cgroup2'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: v1's controllers are found in a last field with blanks" {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu / 'x y,cpu,cpuacct'
	v1 $C/cpu/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "mountinfo: the source may be any word" {
	plain
	put proc/self/mountinfo '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 systemd rw'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: blank, tab, newline and backslash are written in octal" {
	plain
	in_cgroup '0::/a b\c	d/web'
	put proc/self/mountinfo '30 20 0:26 /a\040b\134c\011d /sys/fs/c\040g\134\011\012 rw - cgroup2 cgroup2 rw'
	v2 'sys/fs/c g\	
/web' "50000 100000" 250
	throttle
	rows '["/a b\\c\td/web",0.5,0.25]'
}

@test "mountinfo: an empty ROOT is a field" {
	plain
	put proc/self/mountinfo '30 20 0:26  /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: an empty ROOT's top is named /" {
	plain
	put proc/self/mountinfo '30 20 0:26  /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	in_cgroup 0::/
	throttle
	rows '"/"' .cgroup
}

@test "mountinfo: a line of 70 KB before the cgroup line is skipped" {
	plain
	local layers
	printf -v layers '%070000d' 0
	put proc/self/mountinfo "29 20 0:25 / / rw - overlay overlay rw,lowerdir=$layers" '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: a cgroup line of 70 KB is read" {
	in_cgroup 3:cpu,cpuacct:/web
	local options
	printf -v options '%070000d' 0
	mount1 /sys/fs/cgroup/cpu / "$options,cpu,cpuacct"
	v1 $C/cpu/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "mountinfo: damaged and truncated lines are skipped" {
	plain
	put proc/self/mountinfo '' '30' '30 20 0:26 / /sys/fs/bad rw' '30 20 0:26 / /sys/fs/bad rw - ' '30 20 0:26 / relative rw - cgroup2 x rw' \
		'30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' '31 20 0:27 / /sys/fs/ba'
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: the last line needs no newline" {
	plain
	for at in "$dir"/t?; do printf '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >"$at/proc/self/mountinfo"; done
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: lines after random bytes are read" {
	plain
	for at in "$dir"/t?; do
		printf '\377\000 \001 - - - \200\n - \n\\\n\\04\n30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n' >"$at/proc/self/mountinfo"
	done
	throttle
	rows '["/web",1.5,0.25]'
}

@test "mountinfo: an endless file gives status 3" {
	plain
	truncate -s 100M "$dir"/t?/proc/self/mountinfo
	refused 3 .
}

@test "mountinfo: without a cgroup mount the status is 3, with a hint" {
	in_cgroup 0::/web
	mount_line '29 20 0:25 / / rw - overlay overlay rw'
	refused 3 'is /sys/fs/cgroup mounted'
}

# --- from the path to a directory

@test "v1 container in the host's namespace: ROOT equals the path, so the mount is the directory" {
	in_cgroup 3:cpu,cpuacct:/docker/01abcd
	mount1 /sys/fs/cgroup/cpu,cpuacct /docker/01abcd cpu,cpuacct
	v1 $C/cpu,cpuacct 50000 250
	v1 $C/cpu,cpuacct/docker/01abcd 90000 900
	throttle
	rows '["/docker/01abcd",0.5,0.25]'
}

@test "of a path below ROOT the rest is looked up in the mount" {
	plain
	put proc/self/mountinfo '30 20 0:26 /kubepods/pod1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	in_cgroup 0::/kubepods/pod1/web
	throttle
	rows '["/kubepods/pod1/web",1.5,0.25]'
}

@test "ROOT is compared by whole names: /docker/01abcd-other is not below /docker/01abcd" {
	in_cgroup 3:cpu,cpuacct:/docker/01abcd-other
	mount1 /sys/fs/cgroup/cpu /docker/01abcd cpu,cpuacct
	mount1 /mnt/other /docker/01abcd-other cpu,cpuacct
	v1 $C/cpu 90000 900
	v1 $C/cpu-other 90000 900
	v1 $C/cpu/-other 90000 900
	v1 mnt/other 50000 250
	throttle
	rows '["/docker/01abcd-other",0.5,0.25]'
}

@test "a path above ROOT is invisible: the mount is used and marked as a guess" {
	plain
	put proc/self/mountinfo '30 20 0:26 /docker/01abcd /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	in_cgroup 0::/docker
	throttle
	rows '"mount-root(guess)"' .note
}

@test "a hierarchy that is not needed may be untranslatable" {
	in_cgroup 3:cpu,cpuacct:/web 2:cpuset:/nomad 1:name=systemd:/elsewhere
	mount1 /sys/fs/cgroup/systemd /system.slice/x.service name=systemd
	mount1 /sys/fs/cgroup/cpuset /docker/01abcd cpuset
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "duplicate mounts: the one under /sys/fs/cgroup is used" {
	plain
	v2 host/sys/fs/cgroup/web max 900
	mount2 /host/sys/fs/cgroup /
	throttle
	rows '["/web",1.5,0.25]'
	put proc/self/mountinfo
	mount2 /host/sys/fs/cgroup /
	mount2 /sys/fs/cgroup /
	throttle
	rows '["/web",1.5,0.25]'
}

@test "duplicate mounts: /sys/fs/cgroup-old is not under /sys/fs/cgroup" {
	plain
	v2 sys/fs/cgroup-old/web max 900
	mount2 /sys/fs/cgroup-old /
	throttle
	rows '["/web",1.5,0.25]'
}

@test "duplicate mounts: a missing directory is skipped" {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /run/lxcfs/controllers/cpu / cpu,cpuacct
	mount1 /cpu / cpu,cpuacct
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 cpu/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "duplicate mounts: a directory without cgroup.procs is skipped" {
	plain
	rm "$dir"/t?/$C/web/cgroup.procs
	v2 mnt/web "50000 100000" 125
	mount2 /mnt /
	throttle
	rows '["/web",0.5,0.125]'
}

@test "duplicate mounts: the one that lists the process is used" {
	plain
	v2 mnt/web "50000 100000" 125
	put mnt/web/cgroup.procs 1 77 100
	mount2 /mnt /
	throttle
	rows '["/web",0.5,0.125]'
}

@test "of mounts on the same directory the last one is used" {
	in_cgroup 3:cpu,cpuacct:/docker/01
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	mount1 /sys/fs/cgroup/cpu /docker/01 cpu,cpuacct
	v1 $C/cpu 50000 250
	v1 $C/cpu/docker/01 90000 900 # of a docker in this docker
	throttle
	rows '["/docker/01",0.5,0.25]'
}

@test "a threaded cgroup is found though its cgroup.procs cannot be read" {
	plain
	rm "$dir"/t?/$C/web/cgroup.procs
	put $C/web/cgroup.procs.errno '95 Operation not supported'
	throttle
	rows '["/web",1.5,0.25]'
}

# --- cgroup namespaces

@test "mount of another cgroup namespace: the cgroup whose cgroup.procs lists pq is used" {
	mount2 /sys/fs/cgroup /../..
	in_cgroup 0::/
	v2_root $C
	v2 $C/sys max 900
	v2 $C/sys/web "150000 100000" 250
	v2 $C/sys/web2 max 900
	put $C/sys/web2/cgroup.procs 7 770 177
	put $C/sys/web/cgroup.procs 3 77
	throttle
	rows '["/../../sys/web",1.5,0.25,"found-by-search"]' '[.cgroup, .limit_cpus, .used_cpus, .note]'
}

@test "mount of another cgroup namespace: limits of the levels above apply" {
	mount1 /sys/fs/cgroup/cpu /../.. cpu,cpuacct
	in_cgroup 3:cpu,cpuacct:/
	v1 $C/cpu -1 900
	v1 $C/cpu/pod 50000 900
	v1 $C/cpu/pod/web -1 250
	put $C/cpu/pod/web/cgroup.procs 77
	throttle
	rows '["/../../pod/web",0.5,"/../../pod",0.25]' 'select(.used_cpus < 0.9) | [.cgroup, .limit_cpus, .limit_level, .used_cpus]'
}

@test "mount of another cgroup namespace: with the true root visible no level is hidden" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	v2_root $C
	v2 $C/web "150000 100000" 250
	put $C/web/cgroup.procs 77
	throttle
	rows '["/../web",1.5,0.25]'
	says_not hidden
}

@test "the search uses pq's number in its own pid namespace" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	put proc/self/status 'Pid:	4242' 'NSpid:	4242	7'
	v2 $C max 900
	v2 $C/web "150000 100000" 250
	put $C/web/cgroup.procs 7
	throttle
	rows '["/../web",1.5,0.25]'
}

@test "the search ignores 0, a process of another pid namespace" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	rm "$dir"/t?/proc/self/status
	v2 $C max 900
	put $C/cgroup.procs 0
	v2 $C/web "150000 100000" 250
	put $C/web/cgroup.procs 0 0
	throttle
	rows '["/..","mount-root(guess)"]' '[.cgroup, .note]'
}

@test "the search tries the mount with fewer .. first" {
	mount2 /sys/fs/cgroup/far /../..
	mount2 /sys/fs/cgroup/near /..
	mount2 /sys/fs/cgroup/far2 /../..
	in_cgroup 0::/
	v2 $C/far/web max 900
	v2 $C/near/web "150000 100000" 250
	v2 $C/far2/web max 900
	put $C/far/web/cgroup.procs 77
	put $C/near/web/cgroup.procs 77
	put $C/far2/web/cgroup.procs 77
	throttle
	rows '["/../web",1.5,0.25]'
}

@test "the search ends in a tree with loops" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	v2 $C max 250
	for at in "$dir"/t?; do for i in 1 2 3 4 5 6 7 8 9; do ln -s . "$at/$C/loop$i"; done; done
	throttle
	rows '["/..","mount-root(guess)"]' '[.cgroup, .note]'
}

@test "the search stays in the mount when a name has a newline" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	v2 $C max 250
	mkdir "$dir"/t0/$C/..$'\n'decoy "$dir"/t1/$C/..$'\n'decoy
	v2 sys/fs/decoy max 900
	put sys/fs/decoy/cgroup.procs 77
	throttle
	rows '["/..",0.25]' '[.cgroup, .used_cpus]'
}

@test "a path with .. at the level of ROOT is translated" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/../web
	v2 $C max 900
	v2 $C/web "150000 100000" 250
	throttle
	rows '["/../web",1.5,0.25]'
}

@test "a path with .. above ROOT does not leave the mount" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/../../user-1000.slice/session-520.scope
	v2 $C max 250
	v2 sys/user-1000.slice/session-520.scope max 900
	v2 $C/user-1000.slice/session-520.scope max 900
	throttle
	rows '["/",0.25,"mount-root(guess)"]' '[.cgroup, .used_cpus, .note]'
}

@test "a path with .. in the middle does not leave the mount" {
	plain
	in_cgroup 0::/web/../../decoy
	v2 sys/fs/decoy max 900
	throttle
	rows '["/","mount-root(guess)"]' '[.cgroup, .note]'
}

@test "a cgroup namespace hides the levels above, and one note says so" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C "150000 100000" 250
	throttle
	rows '["/",1.5,0.25]'
	says '^pq throttle: parent cgroups of / are hidden'
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "a bind mount hides the levels above, and one note says so" {
	in_cgroup 3:cpu,cpuacct:/docker/01abcd
	mount1 /sys/fs/cgroup/cpu /docker/01abcd cpu,cpuacct
	v1 $C/cpu 50000 250
	throttle
	says '^pq throttle: parent cgroups of /docker/01abcd are hidden'
}

@test "v1: with the true root visible no level is hidden" {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu -1 900
	put $C/cpu/cgroup.sane_behavior 0
	v1 $C/cpu/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
	says_not hidden
}

@test "v1: the root of a namespace hides the levels above" {
	in_cgroup 3:cpu,cpuacct:/
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu 50000 250
	throttle
	says '^pq throttle: parent cgroups of / are hidden'
}

@test "for a path that no mount shows, the top of the mount is used and marked as a guess" {
	mount2 /sys/fs/cgroup /kubepods/pod1/other
	in_cgroup 0::/system.slice/crio-1.scope
	v2 $C "150000 100000" 250
	throttle
	rows '["/kubepods/pod1/other",0.25,"mount-root(guess)"]' '[.cgroup, .used_cpus, .note]'
}

@test "a guess is marked in text" {
	mount2 /sys/fs/cgroup /kubepods/pod1/other
	in_cgroup 0::/system.slice/crio-1.scope
	v2 $C "150000 100000" 250
	pq_says 0 throttle
	[[ ${lines[1]} = *'/kubepods/pod1/other  mount-root(guess)' ]]
}

@test "without a cgroup mount the mounts of process 1 are used, through /proc/1/root" {
	in_cgroup 0::/web
	mount_line '29 20 0:25 / / rw - overlay overlay rw'
	PID=1 mount2 /sys/fs/cgroup /
	v2 proc/1/root/$C/web "150000 100000" 250
	throttle
	rows '["/web",1.5,0.25]'
}

@test "--root uses the mounts of its process 1, not pq's own" {
	mount2 /host/sys/fs/cgroup /
	in_cgroup 0::/web
	PID=1 mount2 /sys/fs/cgroup /
	v2 $C/web "150000 100000" 250
	run --separate-stderr timeout 20 "$PQ" throttle --json --root "$dir/t0" 10ms 1
	[ "$status" -eq 0 ]
	rows '["/web",1.5,null]' '[.cgroup, .limit_cpus, .note]'
}

# --- the reason

@test "a mountinfo that may not be read: /sys/fs/cgroup is tried, and one note says so" {
	plain
	rm "$dir"/t?/proc/self/mountinfo
	put proc/self/mountinfo.errno '13 Permission denied'
	put $C/cgroup.controllers cpu
	throttle
	rows '["/web",1.5,0.25]'
	says "cannot read /proc/self/mountinfo: Permission denied"
}

@test "a mountinfo that may not be read: v1 is found at /sys/fs/cgroup too" {
	in_cgroup 3:cpu,cpuacct:/web
	put proc/self/mountinfo.errno '13 Permission denied'
	v1 $C/cpu,cpuacct/web 50000 250
	throttle
	rows '["/web",0.5,0.25]'
}

@test "a mountinfo that may not be read is the reason if nothing is at /sys/fs/cgroup" {
	in_cgroup 0::/web
	put proc/self/mountinfo.errno '13 Permission denied'
	refused 3 "cannot read /proc/self/mountinfo: Permission denied"
}

@test "a root of process 1 that may not be read is not the reason" {
	in_cgroup 0::/web
	mount_line '29 20 0:25 / / rw - overlay overlay rw'
	PID=1 mount2 /sys/fs/cgroup /
	put proc/1/root/$C/web/cgroup.procs.errno '13 Permission denied'
	refused 3 'is /sys/fs/cgroup mounted'
}

@test "mem: a controller that the kernel has disabled is named as such" {
	plain
	put proc/cgroups '#subsys_name	hierarchy	num_cgroups	enabled' 'cpu	0	9	1' 'memory	0	9	0'
	pq_says 0 mem --json
	says "the kernel has the memory controller disabled"
	says_not subtree_control
	rm "$dir"/t?/proc/cgroups
	put $C/cgroup.controllers 'cpuset cpu io pids'
	pq_says 0 mem --json
	says "the kernel has the memory controller disabled"
}

@test "a mount that another one hides does not lend the other cgroup's figures unmarked" {
	in_cgroup 0::/web
	put proc/self/mountinfo '30 20 0:26 /web /sys/fs/cgroup rw - cgroup2 cgroup2 rw' '31 30 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	v2 $C max 900
	put $C/cgroup.procs 78
	throttle
	rows '"process-not-listed"' .note
	put $C/cgroup.procs 78 77
	throttle
	rows null .note
}

# --- another process

@test "-p uses the cgroup of that process, with the levels above that are visible" {
	plain
	PID=42 in_cgroup 0::/pod/app
	PID=42 mount2 /sys/fs/cgroup /pod/app
	v2 $C/pod "50000 100000" 500
	v2 $C/pod/app max 250
	v2 proc/42/root/$C max 900
	throttle -p 42
	rows '["/pod",0.5,"/pod",0.5]
["/pod/app",0.5,"/pod",0.25]' '[.cgroup, .limit_cpus, .limit_level, .used_cpus]'
}

# first_ended LINE…: process 42, whose first thread has ended and whose other one is 43; what the kernel says of the cgroup of 43.
first_ended() {
	put proc/42/stat '42 (web) Z 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 2 0 1516 0 0'
	put proc/42/task/42/stat '42 (web) Z 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 2 0 1516 0 0'
	put proc/42/task/43/stat '43 (web) R 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 2 0 1516 0 0'
	PID=43 in_cgroup "$@"
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu -1 900
}

@test "v1: if the first thread of a process has ended, another tells the cgroup; of the first the kernel says /" {
	first_ended 1:cpu,cpuacct:/web 0::/
	PID=42 in_cgroup 1:cpu,cpuacct:/ 0::/
	v1 $C/cpu/web 50000 250
	throttle -p 42
	rows '["/web",0.5,0.25]'
}

@test "v1: a process whose first thread is alive may be in the root, whatever another thread says" {
	first_ended 1:cpu,cpuacct:/web 0::/
	put proc/42/stat '42 (web) S 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 2 0 1516 0 0'
	PID=42 in_cgroup 1:cpu,cpuacct:/ 0::/
	v1 $C/cpu/web 50000 250
	put $C/cpu/cgroup.procs 42
	throttle -p 42
	rows '["/",null,0.9]'
}

@test "v1: if all threads of a process have ended, it is where the kernel says" {
	first_ended 1:cpu,cpuacct:/web 0::/
	PID=42 in_cgroup 1:cpu,cpuacct:/ 0::/
	rm -r "$dir"/t?/proc/{43,42/task/43}
	put $C/cpu/cgroup.procs 42
	throttle -p 42
	rows '["/",null,0.9]'
}

@test "-p from a debug container uses the mount of the target, through /proc/PID/root" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	PID=42 in_cgroup 0::/../cri-containerd-1.scope
	PID=42 mount2 /sys/fs/cgroup /../cri-containerd-1.scope
	v2 proc/42/root/$C "150000 100000" 250
	throttle -p 42
	rows '["/../cri-containerd-1.scope",1.5,0.25,null]' '[.cgroup, .limit_cpus, .used_cpus, .note]'
	says 'parent cgroups of /../cri-containerd-1.scope are hidden'
}

@test "-p from a debug container works for mem" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	memory2 $C 900000000 9000000
	PID=42 in_cgroup 0::/../app
	PID=42 mount2 /mnt/cg /../app
	memory2 proc/42/root/mnt/cg 100000000 5000000
	mem -p 42
	memory_rows '["/../app",100000000,"/../app",5000000]'
}

@test "-p from a debug container without access to /proc/PID/root gives status 3 and the reason" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	PID=42 in_cgroup 0::/../app
	PID=42 mount2 /sys/fs/cgroup /../app
	put proc/42/root/$C/cgroup.procs.errno '13 Permission denied'
	refused 3 '[Pp]ermi|PTRACE' -p 42
}

@test "-p: a cgroup of the same name in pq's container is not taken for the host's" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	v2 $C/system.slice/cron.service max 900
	PID=1 mount2 /sys/fs/cgroup /../../..
	PID=42 in_cgroup 0::/../../../system.slice/cron.service
	refused 3 . -p 42
}

@test "-p: the top of pq's own mount is no guess for another process" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	PID=42 in_cgroup 0::/../app
	refused 3 . -p 42
}

@test "-p: the top of pq's own mount is no guess even if process 1 has that mount" {
	mount2 /sys/fs/cgroup /
	PID=1 mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	PID=42 in_cgroup 0::/../app
	refused 3 . -p 42
}

@test "-p: the top of the process's own mount is a guess and is marked" {
	mount2 /sys/fs/cgroup /
	in_cgroup 0::/
	v2 $C max 900
	PID=42 in_cgroup 0::/../app
	PID=42 mount2 /sys/fs/cgroup /../elsewhere
	v2 proc/42/root/$C max 250
	throttle -p 42
	rows '["/../elsewhere",0.25,"mount-root(guess)"]' '[.cgroup, .used_cpus, .note]'
}

@test "-p: the search looks for that process, not for pq" {
	mount2 /sys/fs/cgroup /..
	in_cgroup 0::/
	v2 $C/self max 900
	put $C/self/cgroup.procs 77
	PID=42 in_cgroup 0::/
	put proc/42/status 'Pid:	42' 'NSpid:	42	1'
	v2 $C/app "150000 100000" 250
	put $C/app/cgroup.procs 42
	throttle -p 42
	rows '["/../app",1.5,0.25]'
}

@test "-p of a missing process gives status 2" {
	plain
	refused 2 'no such process: 42' -p 42
}

@test "-p: the rows end with the process, with status 0" {
	sample "$dir/t2" 3000000000
	plain
	PID=42 in_cgroup 0::/web
	rm -r "$dir/t2/proc/42"
	throttle -p 42
	rows '["/web",1.5,0.25]'
	says 'process 42 has exited'
}

@test "-p: a process that moves has no row across two cgroups, then rows of the new one" {
	sample "$dir/t2" 3000000000
	plain
	PID=42 in_cgroup 0::/web
	v2 $C/other "50000 100000" 125
	put_at t1 proc/42/cgroup 0::/other
	put_at t2 proc/42/cgroup 0::/other
	throttle -p 42
	rows '["/other",0.5,0.125]'
	says 'process 42 has moved to another cgroup: /other'
}

@test "-p: when a process moves down, the level above keeps its rows" {
	plain
	in_cgroup 0::/web
	v2 $C/web/scope max 125
	put_at t1 proc/self/cgroup 0::/web/scope
	throttle
	rows '["/web",1.5,0.25]'
}

@test "-p: a deleted cgroup ends its rows, and no other cgroup replaces it" {
	sample "$dir/t2" 3000000000
	plain
	PID=1 mount2 /sys/fs/cgroup /
	PID=42 in_cgroup 0::/web
	put_at t2 proc/42/cgroup '0::/web (deleted)'
	rm -r "$dir/t2/$C/web"
	throttle -p 42
	rows '["/web",1.5,0.25]'
}

# --- by name, and all

@test "-g takes a name with or without slashes around it" {
	plain
	in_cgroup 0::/elsewhere
	for name in /web web /web/; do
		throttle -g "$name"
		rows '["/web",1.5,0.25]'
	done
}

@test "-g takes a line of /proc/PID/cgroup, with its controllers" {
	in_cgroup 3:cpu,cpuacct:/
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu 100000 900
	v1 $C/cpu/web 50000 250
	v1 "$C/cpu/a:b" 70000 250
	for name in cpu:/web cpu,cpuacct:/web/ 3:cpu,cpuacct:/web; do
		throttle -g "$name"
		rows '0.5' 'select(.cgroup == "/web") | .limit_cpus'
	done
	for name in /a:b a:b; do
		throttle -g $name
		rows '0.7' 'select(.cgroup == "/a:b") | .limit_cpus'
	done
}

@test "-g takes a directory below /sys/fs/cgroup" {
	plain
	in_cgroup 0::/elsewhere
	throttle -g /sys/fs/cgroup/web
	rows '["/web",1.5,0.25]'
}

@test "-g: a directory in a container gets the kernel's name" {
	in_cgroup 0::/docker/01
	mount2 /sys/fs/cgroup /docker/01
	v2 $C max 900
	v2 $C/web "150000 100000" 250
	throttle -g /sys/fs/cgroup/web
	rows '["/docker/01/web",1.5,0.25]'
}

@test "-g: the directory of one controller selects the cgroup of the other" {
	in_cgroup 3:cpu,cpuacct:/ 4:memory:/
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	mount1 /sys/fs/cgroup/memory / memory
	v1 $C/cpu/web 50000 250
	put $C/cpu/cgroup.procs
	memory1 $C/memory/web 100000000 100000000 5000000
	mem -g /sys/fs/cgroup/cpu/web
	memory_rows '["/web",100000000,"/web",5000000]'
}

@test "-g / is the root" {
	plain
	throttle -g /
	rows '["/",null]' '[.cgroup, .limit_cpus]'
}

@test "-g takes a name with .. as pq prints it" {
	in_cgroup 0::/
	mount2 /sys/fs/cgroup /../..
	v2 $C max 900
	v2 $C/web "150000 100000" 250
	throttle -g /../../web
	rows '["/../../web",1.5,0.25]'
}

@test "-g refuses a name with .. in the middle" {
	plain
	v2 sys/fs/decoy max 900
	refused 2 'no such cgroup' -g /web/../../decoy
}

@test "-g of a missing cgroup gives status 2" {
	plain
	refused 2 'no such cgroup in the cpu hierarchy: /nothing' -g /nothing
}

@test "-g: limits of the levels above apply" {
	plain
	v2 $C/pod "50000 100000" 500
	v2 $C/pod/app "80000 100000" 250
	throttle -g pod/app
	rows '["/pod",0.5,"/pod",0.5]
["/pod/app",0.5,"/pod",0.25]' '[.cgroup, .limit_cpus, .limit_level, .used_cpus]'
}

@test "-a shows every cgroup with a quota, at any depth, worst first" {
	plain
	v2 $C/idle max 900
	v2 $C/a/b/c "50000 100000" 100 10 5 400
	v2 $C/d "50000 100000" 200 10 9 800
	throttle -a
	rows '["/d",0.5,0.2]
["/a/b/c",0.5,0.1]
["/web",1.5,0.25]'
}

@test "-a without any quota gives no row, and one note says so" {
	plain
	put $C/web/cpu.max "max 100000"
	throttle -a
	no_rows
	says 'has a CPU quota'
}

@test "-a in a container shows its subtree" {
	in_cgroup 3:cpu,cpuacct:/docker/01
	mount1 /sys/fs/cgroup/cpu /docker/01 cpu,cpuacct
	v1 $C/cpu 50000 250
	v1 $C/cpu/sub 20000 125
	throttle -a
	rows '["/docker/01",0.5,0.25]
["/docker/01/sub",0.2,0.125]'
}

@test "-a: a new cgroup has its first row one sample later, a removed one has none" {
	sample "$dir/t2" 3000000000
	plain
	v2 $C/new "50000 100000" 125
	v2 $C/old "50000 100000" 900
	rm -r "$dir/t0/$C/new" "$dir/t1/$C/old" "$dir/t2/$C/old"
	throttle -a -c cgroup
	rows '"/web"
"/new"
"/web"' .cgroup
}

# --- the limit that holds

@test "a level without a quota has the quota of the level above" {
	plain
	in_cgroup 0::/kubepods/pod/app
	v2 $C/kubepods max 900
	v2 $C/kubepods/pod "150000 100000" 500
	v2 $C/kubepods/pod/app max 250
	throttle
	rows '["/kubepods/pod",1.5,"/kubepods/pod"]
["/kubepods/pod/app",1.5,"/kubepods/pod"]' '[.cgroup, .limit_cpus, .limit_level]'
}

@test "the smallest quota of all levels applies" {
	plain
	in_cgroup 0::/a/b/c
	v2 $C/a "300000 100000" 250
	v2 $C/a/b "50000 100000" 250
	v2 $C/a/b/c "200000 100000" 250
	throttle
	rows '["/a",3,"/a"]
["/a/b",0.5,"/a/b"]
["/a/b/c",0.5,"/a/b"]' '[.cgroup, .limit_cpus, .limit_level]'
}

@test "of equal quotas the nearest one is named" {
	plain
	in_cgroup 0::/a/b
	v2 $C/a "50000 100000" 250
	v2 $C/a/b "25000 50000" 250
	throttle
	rows '["/a/b",0.5,"/a/b"]' 'select(.cgroup == "/a/b") | [.cgroup, .limit_cpus, .limit_level]'
}

@test "a level without the controller is skipped" {
	plain
	in_cgroup 0::/a/b
	v2 $C/a "50000 100000" 250
	v2 $C/a/b max 250
	rm "$dir"/t?/$C/a/b/cpu.max
	throttle
	rows '["/a/b",0.5,"/a"]' 'select(.cgroup == "/a/b") | [.cgroup, .limit_cpus, .limit_level]'
}

@test "the root of v2 has a row without a limit" {
	plain
	in_cgroup 0::/
	throttle
	rows '["/",null,null,null]' '[.cgroup, .limit_cpus, .limit_level, .periods]'
}

@test "mem at the root of v2 shows the machine" {
	plain
	in_cgroup 0::/
	mem
	memory_rows '["machine",1024000000,"machine",614400000]'
}

@test "mem: the smallest limit of all levels applies" {
	plain
	in_cgroup 0::/pod/app
	memory2 $C/pod 50000000 9000000
	memory2 $C/pod/app 100000000 5000000
	mem
	memory_rows '["/pod",50000000,"/pod",9000000]
["/pod/app",50000000,"/pod",5000000]'
}

@test "mem: without any limit the size of the machine is used, and one note says so" {
	plain
	memory2 $C/web max 5000000
	mem
	memory_rows '["machine",1024000000,"machine",614400000]
["/web",1024000000,"machine",5000000]'
	says 'no visible cgroup level has a memory limit'
}

@test "mem: a limit above the size of the machine is no limit" {
	plain
	memory2 $C/web 99999999999999 5000000
	mem
	memory_rows '["machine",1024000000,"machine",614400000]
["/web",1024000000,"machine",5000000]'
}

# v1_memory LIMIT HIERARCHICAL: a v1 container that shows no level above its own.
v1_memory() {
	in_cgroup 4:memory:/docker/01
	mount1 /sys/fs/cgroup/memory /docker/01 memory
	memory1 $C/memory "$1" "$2" 5000000
}

@test "mem v1: a hierarchical_memory_limit below all visible limits is of a hidden level" {
	v1_memory 128000000 64000000
	mem
	memory_rows '["/docker/01",64000000,"hidden",5000000]'
}

@test "mem v1: hierarchical_memory_limit applies if the size of the machine is unknown" {
	v1_memory 9223372036854771712 64000000
	rm "$dir"/t?/proc/meminfo
	mem
	memory_rows '["/docker/01",64000000,"hidden",5000000]'
}

@test "mem v1: 9223372036854771712 is no limit" {
	v1_memory 9223372036854771712 9223372036854771712
	mem
	memory_rows '["machine",1024000000,"machine",614400000]
["/docker/01",1024000000,"machine",5000000]'
}

@test "mem v1: 9223372036854710272, with pages of 64 KB, is no limit" {
	v1_memory 9223372036854710272 9223372036854710272
	mem
	rows '"machine"
"machine"' .limit_level
}

# --- texts of the kernel that are unusual

@test "cpu.max: max alone is no quota" {
	plain
	put $C/web/cpu.max max
	throttle
	rows '["/web",null,0.25]'
	says_not .
}

@test "cpu.max: a quota alone has a period of 100 ms" {
	plain
	put $C/web/cpu.max 200000
	throttle
	rows '["/web",2,0.25]'
}

@test "cpu.max needs no newline at the end" {
	plain
	printf '200000 100000' | tee "$dir"/t0/$C/web/cpu.max >"$dir"/t1/$C/web/cpu.max
	throttle
	rows '["/web",2,0.25]'
}

@test "cpu.max: the quota is not rounded to hundredths" {
	plain
	put $C/web/cpu.max "12300 100000"
	throttle
	rows '["/web",0.123,0.25]'
}

@test "cpu.max: with a period of 0 the quota is unknown, and one note says so" {
	plain
	put $C/web/cpu.max "200000 0"
	throttle
	rows '["/web",null,0.25]'
	says cpu.max
}

@test "v1: with a period of 0 the quota is unknown, and one note says so" {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu 100000 900
	v1 $C/cpu/web 50000 250
	put $C/cpu/web/cpu.cfs_period_us 0
	throttle -g /web
	rows '["/web",null,null,0.25]' 'select(.cgroup == "/web") | [.cgroup, .limit_cpus, .limit_level, .used_cpus]'
	says cpu.cfs_period_us
}

@test "v1: any negative quota is no quota" {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu/web -1000 250
	throttle
	rows '["/web",null,0.25]'
}

@test "cpu.stat: without nr_ lines the periods are unknown, not 0" {
	plain
	put_at t0 $C/web/cpu.stat 'usage_usec 1000000'
	put_at t1 $C/web/cpu.stat 'usage_usec 1250000'
	throttle
	rows '["/web",0.25,null,null,null,null]' '[.cgroup, .used_cpus, .periods, .throttled, .throttled_pct, .held_cpus]'
}

@test "cpu.stat: unknown keys are skipped" {
	plain
	put_at t0 $C/web/cpu.stat 'usage_usec 0' 'user_usec 0' 'nice_usec 9' 'core_sched.force_idle_usec 9' 'nr_periods 0' 'x y z' 'nr_throttled 0' 'throttled_usec 0'
	put_at t1 $C/web/cpu.stat 'new_usec 0' 'usage_usec 250000' 'nr_periods 10' 'nr_new' 'nr_throttled 4' 'sock_throttled 9' 'throttled_usec 300000'
	throttle
	rows '["/web",0.25,10,4,0.3]' '[.cgroup, .used_cpus, .periods, .throttled, .held_cpus]'
}

@test "cpu.stat: throttled_time on v2 is in ns" {
	plain
	put_at t0 $C/web/cpu.stat 'nr_periods 0' 'nr_throttled 0' 'throttled_time 0'
	put_at t1 $C/web/cpu.stat 'nr_periods 10' 'nr_throttled 4' 'throttled_time 300000000'
	throttle
	rows 0.3 .held_cpus
}

# throttled_time FROM TO: a v1 group whose throttled_time goes from the one to the other.
throttled_time() {
	in_cgroup 3:cpu,cpuacct:/web
	mount1 /sys/fs/cgroup/cpu / cpu,cpuacct
	v1 $C/cpu/web 50000 250
	put_at t0 $C/cpu/web/cpu.stat 'nr_periods 100' 'nr_throttled 50' "throttled_time $1"
	put_at t1 $C/cpu/web/cpu.stat 'nr_periods 110' 'nr_throttled 54' "throttled_time $2"
}

@test "cpu.stat: throttled_time that becomes 2^64-1 is unknown" {
	throttled_time 5000000 18446744073709551615
	throttle
	rows '["/web",null]' '[.cgroup, .held_cpus]'
}

@test "cpu.stat: throttled_time that returns from 2^64-1 is small or unknown" {
	throttled_time 18446744073709551615 5000000
	throttle
	rows '["/web",true]' '[.cgroup, .held_cpus == null or .held_cpus == 0.005]'
}

@test "cpu.stat: a number above 64 bits is unknown" {
	plain
	put_at t1 $C/web/cpu.stat 'usage_usec 5250000' 'nr_periods 99999999999999999999999' 'nr_throttled 54' 'throttled_usec 18446744073709551615'
	throttle
	rows '["/web",0.25,null,4,null]' '[.cgroup, .used_cpus, .periods, .throttled, .held_cpus]'
}

@test "cpu.stat: values missing from a truncated file are unknown" {
	plain
	for at in "$dir"/t?; do truncate -s 22 "$at/$C/web/cpu.stat"; done
	throttle
	rows '["/web",0.25,null,null]' '[.cgroup, .used_cpus, .periods, .held_cpus]'
}

@test "cpu.stat: an empty file gives unknown values" {
	plain
	put $C/web/cpu.stat
	throttle
	rows '["/web",1.5,null,null,null,null]' '[.cgroup, .limit_cpus, .used_cpus, .periods, .throttled_pct, .held_cpus]'
}

@test "cpu.stat: random bytes give unknown values" {
	plain
	for at in "$dir"/t?; do printf 'usage_usec 12\0003\nnr_periods\nnr_throttled -\n\377\376\n\nthrottled_usec 0x10' >"$at/$C/web/cpu.stat"; done
	throttle
	rows '["/web",null,null,null,null]' '[.cgroup, .used_cpus, .periods, .throttled, .held_cpus]'
}

@test "cpu.stat: of an endless file only the limit is known, and one note says why" {
	plain
	truncate -s 100M "$dir"/t?/$C/web/cpu.stat
	throttle
	rows '["/web",1.5,null,null]' '[.cgroup, .limit_cpus, .used_cpus, .held_cpus]'
	says 'cpu.stat'
}

@test "cpu.pressure: values missing from the file are unknown" {
	plain
	psi $C/web 300
	put $C/web/cpu.pressure
	throttle
	rows '[null,null]' '[.cpu_some_pct, .cpu_full_pct]'
	put $C/web/cpu.pressure 'some avg10=0.00 avg60=0.00 avg300=0.00 tot'
	throttle
	rows '[null,null]' '[.cpu_some_pct, .cpu_full_pct]'
	put $C/web/cpu.pressure 'some avg10=0.00 avg60=0.00 avg300=0.00 total=5'
	throttle
	rows '[0,null]' '[.cpu_some_pct, .cpu_full_pct]'
}

@test "usage above the limit is shown unchanged" {
	plain
	v2 $C/web "20000 100000" 250
	throttle
	rows '["/web",0.2,0.25]'
	memory2 $C/web 4000000 5000000
	mem
	memory_rows '["/web",4000000,"/web",5000000]'
}

@test "memory.stat: negative values and values computed from them are unknown" {
	plain
	memory2 $C/web 100000000 5000000
	put $C/web/memory.stat 'anon 1000' 'file -8192' 'kernel 0' 'inactive_file -307200' 'active_file -4096' 'dirty -307200' 'slab_reclaimable -1'
	mem
	rows '["/web",null,null,null]' '[.cgroup, .file_bytes, .working_set_bytes, .hard_bytes]'
}

@test "memory.stat: negative values printed as unsigned are not 16 EB" {
	plain
	memory2 $C/web 100000000 5000000
	put $C/web/memory.stat 'anon 1000' 'file 2000' 'slab 18446744073709547520' 'kernel_stack 0' 'inactive_file 18446744073709244416' 'active_file 0'
	mem
	rows '["/web",true,true]' '[.cgroup, .kernel_bytes == null or .kernel_bytes == 0, .working_set_bytes == null or .working_set_bytes == 5000000]'
}

@test "memory.stat: an empty file gives unknown parts, not 0" {
	plain
	memory2 $C/web 100000000 5000000
	put $C/web/memory.stat
	mem
	rows '["/web",5000000,null,null,null,null]' '[.cgroup, .used_bytes, .anon_bytes, .file_bytes, .working_set_bytes, .hard_bytes]'
}

@test "memory.current: an empty file gives unknown usage, not 0" {
	plain
	memory2 $C/web 100000000 5000000
	put $C/web/memory.current
	mem
	rows '["/web",100000000,null,null]' '[.cgroup, .limit_bytes, .used_bytes, .hard_pct]'
}

@test "memory.max: an unreadable value is reported" {
	plain
	memory2 $C/web rubbish 5000000
	mem
	says memory.max
	says_not 'no visible cgroup level has a memory limit'
}

# --- groups that go and come

# t2_t3: two more samples.
t2_t3() {
	sample "$dir/t2" 3000000000
	sample "$dir/t3" 4000000000
}

@test "a removed cgroup ends its rows, with status 0" {
	t2_t3
	plain
	rm -r "$dir/t2/$C/web" "$dir/t3/$C/web"
	throttle -g /web
	rows '["/web",1.5,0.25]'
	says 'cgroup /web: cpu.stat: No such file'
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "a cgroup removed while its file is read gives no row" {
	plain
	rm "$dir/t1/$C/web/cpu.stat"
	put_at t1 $C/web/cpu.stat.errno '19 No such device'
	throttle
	no_rows
	says 'cpu.stat: No such device'
}

@test "mem: a removed cgroup ends its rows" {
	t2_t3
	plain
	memory2 $C/web 100000000 5000000
	rm -r "$dir/t2/$C/web" "$dir/t3/$C/web"
	mem -g /web
	[ "$(json 'select(.cgroup == "/web") | .used_bytes')" = 5000000 ]
	says 'memory.current: No such file'
}

@test "a cgroup that is removed and made again has rows again, none across the gap" {
	t2_t3
	sample "$dir/t4" 5000000000
	plain
	rm -r "$dir/t2/$C/web"
	throttle -g /web
	rows '["/web",1.5,0.25]
["/web",1.5,0.25]'
}

@test "a cgroup made again between two samples is marked as reset, with unknown values" {
	plain
	put_at t1 $C/web/cpu.stat 'usage_usec 100' 'nr_periods 1' 'nr_throttled 0' 'throttled_usec 0'
	throttle
	rows '["/web","reset",null,null,null,null,null]' '[.cgroup, .note, .used_cpus, .periods, .throttled, .throttled_pct, .held_cpus]'
}

@test "a counter that fell makes only its own figure unknown" {
	plain
	put_at t1 $C/web/cpu.stat 'usage_usec 100' 'nr_periods 150' 'nr_throttled 90' 'throttled_usec 800000'
	throttle
	rows '["/web","reset",null,50,40,0.1]' '[.cgroup, .note, .used_cpus, .periods, .throttled, .held_cpus]'
}

@test "mem: a cgroup made again is marked as reset, with unknown events" {
	plain
	memory2 $C/web 100000000 5000000
	put_at t0 $C/web/memory.events 'low 0' 'high 5' 'max 7' 'oom 2' 'oom_kill 2'
	put_at t1 $C/web/memory.events 'low 0' 'high 0' 'max 0' 'oom 0' 'oom_kill 0'
	mem
	rows '["/web","reset",5000000,null,null,null]' '[.cgroup, .note, .used_bytes, .high, .max, .oom_kill]'
}

# --- names that are somebody else's bytes

# named NAME: pq is in a group of that name.
named() {
	plain
	in_cgroup "0::/$1"
	v2 "$C/$1" "50000 100000" 250
}

@test "names: control characters are written in octal in text" {
	named $'a\e[31mb\tc\rd\177'
	pq_says 0 throttle
	[[ ${lines[1]} = *'/a\033[31mb\011c\015d\177' ]]
}

@test "names: control characters are escaped in JSON" {
	named $'a\e[31mb\tc"\\d'
	throttle
	rows '"/a\u001b[31mb\tc\"\\d"' .cgroup
}

@test "names: C1 control characters are escaped in text" {
	named $'a\xc2\x9b31mb\x9bc'
	pq_says 0 throttle
	[[ $output != *$'\x9b'* ]]
}

@test "names: control characters are escaped on stderr" {
	plain
	refused 2 'no such cgroup in the cpu hierarchy: /a' -g $'/a\e[31mb'
	[[ $stderr != *$'\e'* ]]
}

@test "names: a newline is escaped in text" {
	in_cgroup 0::/elsewhere
	mount2 /sys/fs/cgroup '/a\012b'
	v2 $C "50000 100000" 250
	pq_says 0 throttle
	[[ ${lines[1]} = *'/a\012b  mount-root(guess)' ]]
}

@test "names: a newline is escaped in JSON" {
	in_cgroup 0::/elsewhere
	mount2 /sys/fs/cgroup '/a\012b'
	v2 $C "50000 100000" 250
	throttle
	[ "${#lines[@]}" -eq 1 ]
	rows '"/a\nb"' .cgroup
}

@test "names: UTF-8 is kept, other bytes give valid JSON" {
	named $'gr\xc3\xb6\xc3\x9fe\xff'
	throttle
	rows $'"/gr\xc3\xb6\xc3\x9fe\xc3\xbf"' .cgroup
}

@test "names: 255 bytes each, twelve levels deep" {
	local name path
	printf -v name '%0255d' 0
	path=$name/$name/$name/$name/$name/$name/$name/$name/$name/$name/$name/$name
	named "$path"
	throttle
	rows '[3072,0.5,0.25]' '[(.cgroup | length), .limit_cpus, .used_cpus]'
}

@test "names: a path above the maximum length is not truncated" {
	plain
	local long
	printf -v long '/%05000d' 0
	in_cgroup "0::/web$long"
	refused 3 'no cgroup hierarchy'
}
