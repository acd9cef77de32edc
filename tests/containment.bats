#!/usr/bin/env bats
# Another container's files are never followed out of their file system: links, pipes and other files in the place of cgroup
# files, as seen through /proc/PID/root, below --root and in captured directories.
# shellcheck disable=SC2016,SC2154 # the shells in the namespaces expand; run sets stderr
load helper

setup() {
	here
	# A number and words that no kernel file has. Both are in files that pq, as root, could read.
	echo 31337000000 >number
	printf 'marker-words 31337\nnr_periods 31337\nanon 31337000000\n' >words
}

# ---- /proc/PID/root

# Starts a process $pid with a tmpfs over each of its cgroup mounts. Its directories have links to the marker files in the place
# of cgroup files, for every cgroup of the process. With "pipe", cgroup.procs is a named pipe.
start_hostile() {
	local ready=$PWD/ready
	mkfifo "$ready"
	start unshare -m bash -c '
		mount --make-rprivate /
		while IFS=: read -r _ _ path; do paths+=("$path"); done </proc/self/cgroup
		mapfile -t points < <(awk '\''/ - cgroup2? / { print $5 }'\'' /proc/self/mountinfo)
		for point in "${points[@]}"; do
			mount -t tmpfs none "$point" || exit
			for path in / "${paths[@]}"; do
				mkdir -p "$point$path" && cd "$point$path" || exit
				for f in cpu.stat cpu.stat.local memory.stat cpu.pressure memory.pressure io.pressure cpu.max; do
					ln -sf "$1/words" "$f"
				done
				for f in cgroup.procs cpuacct.usage memory.current memory.usage_in_bytes memory.max \
					memory.limit_in_bytes cpu.cfs_quota_us cpu.cfs_period_us pids.current pids.max; do
					ln -sf "$1/number" "$f"
				done
				[ "$3" != pipe ] || { rm cgroup.procs && mkfifo cgroup.procs; }
			done
		done
		echo $$ >"$2"
		exec sleep 100' - "$PWD" "$ready" "${1:-links}"
	read -r -t 10 pid <"$ready"
}

# apart COMMAND…: runs it in a mount namespace without any cgroup mount, as in a debug container, so that only the mounts of
# its target are left.
apart() {
	unshare -m bash -c '
		mount --make-rprivate / && awk '\''/ - cgroup2? / { print $5 }'\'' /proc/self/mountinfo | tac | xargs -n 1 umount -l
		exec timeout 20 "$@"' - "$@"
}

need_namespaces() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	unshare -m mount --make-rprivate / 2>/dev/null || skip "needs mount namespaces"
	grep -q -- ' - cgroup' /proc/self/mountinfo || skip "no cgroup mount"
}

@test "-p: links in the place of cgroup files are not followed, by no tool" {
	need_namespaces
	start_hostile
	for tool in throttle mem psi cpu limits tasks wait why; do
		local row=(0.05 1)
		[ $tool != limits ] || row=()
		run apart "$PQ" "$tool" -p "$pid" "${row[@]}"
		printf '%s: %s %s\n' "$tool" "$status" "$output"
		[ "$status" -ne 124 ]
		[[ $output != *31337* ]] && [[ $output != *marker* ]]
	done
}

@test "-p: links in the place of cgroup files are not followed into a tape" {
	need_namespaces
	start_hostile
	run apart timeout -s INT 2 "$PQ" record 50ms throttle mem psi -p "$pid" -o x.tape
	echo "$output"
	run apart "$PQ" throttle -p "$pid" 0.05 2 -o y.tape
	for tape in *.tape; do
		run ! grep -qa 'marker-words\|31337' "$tape"
		run "$PQ" tape unpack "$tape" "$tape.d"
		run ! grep -r 'marker-words\|31337' "$tape.d"
	done
}

@test "-p: the reason is the file system, not permission" {
	need_namespaces
	start_hostile
	fails 3 "throttle: process $pid: its cgroup mount is hidden under another file system, which is not followed" \
		apart "$PQ" throttle -p "$pid" 0.05 1
}

@test "-p: a named pipe in the place of a cgroup file is not waited for" {
	need_namespaces
	start_hostile pipe
	run apart "$PQ" throttle -p "$pid" 0.05 1
	[ "$status" -eq 3 ]
}

@test "-p: the cgroup mount of another mount namespace is still found" {
	need_namespaces
	start unshare -m bash -c 'mount --make-rprivate / && exec sleep 100'
	for _ in {1..50}; do [ "$(cat /proc/$!/comm)" = sleep ] && break || sleep 0.1; done
	run --separate-stderr apart "$PQ" throttle --json -p "${started[0]}" 0.05 1
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	json_is '.tool' '"throttle"'
}

# ---- --root and captured directories

# Puts a machine into $1 whose cgroup /web has links in the place of files.
put_machine() {
	mkdir -p "$1/proc/self" "$1/sys/fs/cgroup/cpu,memory/web"
	echo '1:cpu,memory:/web' >"$1/proc/self/cgroup"
	echo '9 1 0:9 / /sys/fs/cgroup/cpu,memory rw - cgroup cgroup rw,cpu,memory' >"$1/proc/self/mountinfo"
	printf 'cpu 1 0 1 9 0 0 0 0 0 0\nbtime 1790000000\n' >"$1/proc/stat"
	echo '5.00 5.00' >"$1/proc/uptime"
	printf 'MemTotal: 1000 kB\nMemFree: 5 kB\n' >"$1/proc/meminfo"
	ln -s cpu,memory "$1/sys/fs/cgroup/memory"
	ln -s "$PWD/number" "$1/sys/fs/cgroup/cpu,memory/web/memory.usage_in_bytes"
	ln -s ../../../../../../number "$1/sys/fs/cgroup/cpu,memory/web/memory.limit_in_bytes"
	ln -s "$PWD/words" "$1/sys/fs/cgroup/cpu,memory/web/cpu.stat"
	: >"$1/sys/fs/cgroup/cpu,memory/web/cgroup.procs"
}

@test "--root: no link leads out of the directory" {
	put_machine root
	for tool in throttle mem limits; do
		run timeout 10 "$PQ" "$tool" --root root
		echo "$output"
		[[ $output != *31337* ]]
		[[ $output != *29.*G* ]]
	done
}

@test "-f: no link leads out of a captured sample" {
	put_machine cap/t0
	put_machine cap/t1
	echo '6.00 6.00' >cap/t1/proc/uptime
	for tool in throttle mem limits; do
		run timeout 10 "$PQ" "$tool" -f cap
		echo "$output"
		[[ $output != *31337* ]]
		[[ $output != *29.*G* ]]
	done
}

@test "tape pack follows links within a sample, keeps others as links, and says so" {
	put_machine cap/t0
	mkdir -p outside/secret-name && echo 31337 >outside/secret-name/file
	ln -s "$PWD/outside" cap/t0/sys/fs/cgroup/away
	ln -s .. cap/t0/sys/fs/cgroup/cpu,memory/loop1
	ln -s .. cap/t0/sys/fs/cgroup/cpu,memory/loop2
	run --separate-stderr timeout 10 "$PQ" tape pack cap x.tape
	echo "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr =~ "t0/sys/fs/cgroup/away: a link that leads out of the sample: not followed" ]]
	run ! grep -qa 'marker-words\|secret-name\|31337' x.tape
	"$PQ" tape unpack x.tape back
	[ -f back/t0/sys/fs/cgroup/memory/web/cgroup.procs ]
	run ! grep -r 31337 back
	[ -z "$(find back -name 'secret-name*')" ]
}

@test "a named pipe in a captured directory is not waited for" {
	put_machine cap/t0
	put_machine cap/t1
	echo '6.00 6.00' >cap/t1/proc/uptime
	rm cap/t?/proc/meminfo
	mkfifo cap/t0/proc/meminfo cap/t1/proc/meminfo
	run timeout 10 "$PQ" mem -f cap
	[ "$status" -ne 124 ]
	run timeout 10 "$PQ" tape pack cap x.tape
	[ "$status" -eq 0 ]
}
