#!/usr/bin/env bats
# pq wait and pq why: who holds the locks that threads wait for.
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# Live processes whose memory pq must be able to read.
need_memory() {
	[ "$(id -u)" = 0 ] || skip "needs root, to read /proc/PID/mem whatever ptrace_scope says"
	[ -e /proc/self/syscall ] || skip "this kernel has no /proc/PID/syscall"
}

# locks KIND [DOING]: starts that process of tests/locks.c; $pid, $owner and $waiter are its numbers.
locks() {
	: >ids
	"${LOCKS:-$TESTS/../build/tests/locks}" "$@" >ids 3>&- &
	pid=$!
	started+=("$pid")
	await test -s ids
	read -r owner waiter <ids
	await in_state S "${waiter:-$owner}"
}

# held FILTER WANT: what the row of the waiting thread says.
held() {
	run --separate-stderr "$PQ" wait -t --json -p "${of:-$pid}" 0.3 1
	[ "$status" -eq 0 ]
	output=$(json "select(.tid == $waiter and .call == \"futex\")")
	json_is "$1" "$2"
}

@test "each kind of mutex names its owner, and what that does" {
	need_memory
	for kind in mutex recursive errorcheck adaptive timed robust; do
		locks $kind read
		held '[.lock, .owner_pid, .owner_tid, .owner_comm, .owner_pct, .owners, .chain, .deadlock]' "[\"mutex\",$pid,$owner,\"own er\",100,1,null,false]"
		[[ $(json -r .owner_doing) == "in read of pipe:["*"]" ]]
	done
	locks pi run
	held '[.lock, .owner_tid]' "[\"PI-mutex\",$owner]"
	[[ $(json -r .owner_doing) =~ ^(running|waiting\ for\ a\ CPU)$ ]]
	locks pi-robust
	held '[.lock, .owner_tid, .owner_doing]' "[\"PI-mutex\",$owner,\"in clock_nanosleep\"]"
}

@test "a mutex of a process whose first thread has ended names its owner" {
	need_memory
	LEAVE=1 locks mutex read
	await in_state Z "$pid"
	held '[.lock, .owner_pid, .owner_tid, .owner_comm]' "[\"mutex\",$pid,$owner,\"own er\"]"
}

@test "rwlocks name a writer, and count readers" {
	need_memory
	for kind in write-read write-write; do
		locks $kind
		held '[.lock, .owner_tid, .owner_comm]' "[\"rwlock\",$owner,\"own er\"]"
		[[ $(json -r .place) == lock:* ]]
	done
	locks read-write
	held '[.lock, .owner_tid, .held_by]' '["rwlock",null,"rwlock held by 1 reader: it does not keep which"]'
}

@test "a stream names its owner, and pthread_join the thread it waits for" {
	need_memory
	locks stream
	held '[.lock, .owner_tid]' "[\"stream\",$owner]"
	locks join
	held '[.lock, .owner_tid, .place]' "[\"thread\",$owner,\"thread:[$owner]\"]"
}

@test "memory that is no lock names nobody, whatever it looks like" {
	need_memory
	for kind in cond raw raw-counting raw-tid; do
		locks $kind
		held '[.lock, .owner_pid, .owner_tid, .owner_comm, .owner_pct, .owners, .owner_doing, .chain, .deadlock, .held_by] | unique' '[null]'
	done
	locks raw unmap
	await grep -qx unmapped "/proc/$pid/comm"
	held '[.owner_tid, .held_by]' '[null,null]'
}

@test "an owner that ended with the lock is named as such" {
	need_memory
	locks mutex end
	held '[.owner_tid, .owner_comm, .owner_doing]' "[$owner,null,\"ended\"]"
}

@test "a chain is followed, and a deadlock is named" {
	need_memory
	locks chain
	main=$pid
	run --separate-stderr "$PQ" wait -t --json -p "$pid" 0.3 1
	local middle last
	middle=$(json "select(.owner_tid == $main) | .tid")
	last=$(json "select(.owner_tid == $middle) | .tid")
	[ "$(json -r "select(.tid == $last) | .chain, .owner_doing, .held_by")" = "$middle -> $main
in pause
mutex held by $middle locks, which waits for $main, in pause" ]

	locks cycle
	run --separate-stderr "$PQ" wait -t --json -p "$pid" 0.3 1
	middle=$(json "select(.owner_tid == $pid) | .tid")
	[ "$(json -r "select(.tid == $pid) | .deadlock, .held_by")" = "true
deadlock: $middle -> $pid -> $middle" ]
	run "$PQ" why -p "$pid" --json 2
	[ "$(json -r '.findings[0].rule, .findings[0].severity')" = "deadlock
critical" ]
	[[ $(json -r '.findings[0].evidence[0]') == *": $pid -> $middle -> $pid" || $(json -r '.findings[0].evidence[0]') == *": $middle -> $pid -> $middle" ]]

	locks self
	held '[.deadlock, .chain]' "[true,\"$waiter -> $waiter\"]"
}

@test "the owner of a mutex that processes share is found in the other process" {
	need_memory
	locks shared
	of=$waiter held '[.owner_pid, .owner_tid, .owner_comm]' "[$pid,$pid,\"locks\"]"
}

@test "the owner's number is translated from its pid namespace" {
	need_memory
	unshare -pf --mount-proc true 2>/dev/null || skip "needs namespaces"
	unshare -pf --kill-child --mount-proc "$TESTS/../build/tests/locks" mutex >ids 3>&- &
	started+=("$!")
	await test -s ids
	pid=$(ps -o pid= --ppid "$!" | tr -d ' ')
	read -r owner waiter <ids
	[ "$owner" -lt 10 ]
	run --separate-stderr "$PQ" wait -t --json -p "$pid" 0.3 1
	kill "$pid"
	local tid
	tid=$(json 'select(.call == "futex") | .owner_tid')
	[ "$tid" -gt 10 ]
	[ "$tid" = "$(json 'select(.comm == "own er") | .tid')" ]
}

@test "a recording has the owners, and not the memory" {
	need_memory
	locks mutex read
	run --separate-stderr "$PQ" wait -t --json -p "$pid" -o x.tape 0.3 2
	local live
	live=$(json '[.tid, .owner_tid, .owner_comm, .owner_doing, .held_by]')
	kill -9 "$pid"
	run --separate-stderr "$PQ" wait -t --json -f x.tape
	[ "$(json '[.tid, .owner_tid, .owner_comm, .owner_doing, .held_by]')" = "$live" ]
	[[ $live == *"own er"* ]]
	run --separate-stderr "$PQ" wait --slow 200ms --json -f x.tape
	json_is "select(.call == \"futex\" and .lasting) | [.tid, .owner_tid]" "[$waiter,$owner]"
	run "$PQ" tape unpack x.tape out
	[ -z "$(find out -name mem)" ]
}

@test "text has the owner below the row, in 80 columns" {
	need_memory
	locks mutex read
	run --separate-stderr "$PQ" wait -p "$pid" 0.3 1
	[[ $output =~ lock$'\n'[0-9:.]+\ +"mutex held by $owner own er, in read of pipe:["[0-9]+"]" ]]
	run --separate-stderr "$PQ" wait -p "$pid" -c call,held_by 0.3 1
	[[ $output =~ futex$'\n'[0-9:.]+\ +"mutex held by $owner own er" ]]
}

@test "pq why says who holds the lock" {
	need_memory
	locks mutex read
	run "$PQ" why -p "$pid" --json 2
	[[ $(json -r '.findings[].evidence[]') == *"thread own er (TID $owner) holds it in 100 % of the samples, in read of pipe:"* ]]
}

@test "without permission the owner is unknown, with a note" {
	need_memory
	need_nobody
	locks mutex read
	run --separate-stderr as_nobody wait -t --json -p "$pid" 0.3 1
	[ "$(json '.owner_tid' | sort -u)" = null ]
	[[ $stderr == *"permission denied"* ]]
}

@test "locks of musl: the owner, unless the mutex is a normal one" {
	need_memory
	command -v musl-gcc >/dev/null || skip "needs musl-gcc"
	musl-gcc -static -D_GNU_SOURCE -o locks-musl "$TESTS/locks.c" || skip "musl-gcc does not work"
	LOCKS=./locks-musl
	for kind in recursive errorcheck robust; do
		locks $kind
		held '[.lock, .owner_tid]' "[\"mutex\",$owner]"
	done
	for kind in mutex cond join write-read; do
		locks $kind
		held '[.lock, .owner_tid]' '[null,null]'
	done
}

# of_locks LINE…: a recording's text of owners, with a thread 8 that waits for the lock at 0x7fff0, in two samples.
# $threads: others than 7, 8 and 9.
of_locks() {
	dir=$BATS_TEST_TMPDIR/m
	rm -rf "$dir"
	mkdir -p "$dir"
	printf 'machine x86_64\nticks 100\n' >"$dir/facts"
	local i stat
	for i in 0 1; do
		sample "$dir/t$i" $((1000000000 + i * 100000000))
		for t in ${threads:-7 8 9}; do
			mkdir -p "$dir/t$i/proc/7/task/$t"
			stat="$t (web$t) S 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 1 0 1516 2240512 2 1 1 1 1 0 0 0 0 0 0 0 0 0 17 0 0 0 0"
			echo "$stat" >"$dir/t$i/proc/7/task/$t/stat"
			echo "1 1 1" >"$dir/t$i/proc/7/task/$t/schedstat"
			echo "202 0x7fff0 0x80 0x2 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503" >"$dir/t$i/proc/7/task/$t/syscall"
			printf futex_do_wait >"$dir/t$i/proc/7/task/$t/wchan"
		done
		cp "$dir/t$i/proc/7/task/7/stat" "$dir/t$i/proc/7/stat"
		echo "75 0x0 0x0 0x0 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503" >"$dir/t$i/proc/7/task/9/syscall"
		mkdir "$dir/t$i/pq"
		printf '%s\n' "$@" >"$dir/t$i/pq/locks"
	done
}

@test "damaged and hostile lines of a recording name nobody" {
	of_locks '7 0x7fff0 mutex 7 9 0 1'
	run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
	[ "$(json 'select(.tid == 8) | [.owner_tid, .owner_comm, .owner_doing]')" = '[9,"web9","in fdatasync"]' ]
	for line in '7 0x7fff0 mutex 7 9 0' '7 0x7fff0 mutex 7 99999999999 0 1' '7 7fff0 mutex 7 9 0 1' '7 0x7fff0 x 7 9 0 1' '' '8 0x7fff0 mutex 7 9 0 1'; do
		of_locks "$line"
		run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
		[ "$status" -eq 0 ]
		[ "$(json '.owner_tid' | sort -u)" = null ]
	done
	# more locks than pq keeps
	mapfile -t lines < <(for i in {1..200}; do echo "7 0x$i mutex 7 9 0 1"; done)
	of_locks "${lines[@]}"
	run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
	[ "$status" -eq 0 ]
	[[ $stderr == *"more than 64 locks at a time"* ]]
}

# in_line N OWNER: threads 7, 8, 9 and 4000001 to 4000000+N. The i-th of these waits for the lock at 4096
# times i, which the next one owns; the last lock is OWNER's.
in_line() {
	local n=$1 i threads lines=()
	threads=$(seq 7 9 && seq 4000001 $((4000000 + n)))
	for ((i = 1; i <= n; i++)); do
		lines+=("$(printf '7 0x%x mutex 7 %d 0 1' $((i * 4096)) $((i < n ? 4000001 + i : $2)))")
	done
	of_locks "${lines[@]}"
	for ((i = 1; i <= n; i++)); do
		printf '202 0x%x 0x80 0x2 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503\n' $((i * 4096)) |
			tee "$dir"/t{0,1}/proc/7/task/$((4000000 + i))/syscall >/dev/null
	done
}

@test "a chain of many owners shows the first ones, and what the last one does" {
	in_line 20 9
	run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
	[ "$(json 'select(.tid == 4000001) | [.chain, .owner_doing, .deadlock]')" = "[\"4000002 -> 4000003 -> 4000004 -> 4000005 -> 4000006 -> 4000007 -> 4000008 -> 4000009 -> 4000010 -> 4000011 -> 4000012 -> ... -> 9\",\"in fdatasync\",false]" ]
	[ "$(json -r 'select(.tid == 4000010) | .chain')" = "4000011 -> 4000012 -> 4000013 -> 4000014 -> 4000015 -> 4000016 -> 4000017 -> 4000018 -> 4000019 -> 4000020 -> 9" ]
}

@test "a deadlock of many threads is found, and its chain ends where it began" {
	in_line 30 4000001
	run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
	[ "$(json -s 'map(select(.tid > 4000000) | .deadlock) | [length, unique]')" = '[30,[true]]' ]
	[ "$(json -r 'select(.tid == 4000005) | .held_by')" = "deadlock: 4000006 -> 4000007 -> 4000008 -> 4000009 -> 4000010 -> 4000011 -> 4000012 -> 4000013 -> 4000014 -> 4000015 -> 4000016 -> ... -> 4000006" ]
}
