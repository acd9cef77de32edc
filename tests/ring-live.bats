#!/usr/bin/env bats
# The rings of scheduler events on this machine: whether they hold what the kernel counts.
# shellcheck disable=SC2016,SC2030,SC2031 # what is in '' is for another shell; each test is a process of its own
load helper

setup() {
	helper=$(dirname "$PQ")/tests/helper
	ring=$(dirname "$PQ")/tests/ring
	[ -x "$ring" ] || skip "no $ring: make check makes it"
	cd "$BATS_TEST_TMPDIR" || return
}

# agrees WHAT MODE ARG…: tests/ring.c says of each thing that it is right. That the verifier refuses a program is no reason to skip.
agrees() {
	run "$ring" "$@"
	echo "$output"
	[[ $output != *"please report"* ]]
	[ "$status" -ne 3 ] || skip "${lines[0]}"
	[ "$status" -eq 0 ]
	[[ $output != *WRONG* ]]
}

@test "bpf-btf: switches, wakers, new and ended threads are those that happened" {
	agrees check bpf-btf 5000
}

@test "bpf-raw: switches, wakers, new and ended threads are those that happened" {
	agrees check bpf-raw 5000
}

@test "bpf-tp: switches, wakers, new and ended threads are those that happened" {
	agrees check bpf-tp 5000
}

@test "a small ring has the last events, and says since when" {
	agrees small bpf 2000
}

@test "a wait that is longer than the limit wakes up whoever watches" {
	agrees alarm bpf
}

@test "reading goes on while events come, and counts what is overwritten" {
	agrees race bpf
}

@test "without the right to use BPF the reason is said" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become nobody"
	run setpriv --reuid 65534 --clear-groups --bounding-set=-all "$ring" check bpf 1
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *"needs CAP_BPF and CAP_PERFMON"* ]]
}

# ids PID: the BPF programs it has.
ids() {
	sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$1"/fdinfo/* 2>/dev/null | sort -u | tr '\n' ' '
}

@test "no BPF program stays in the kernel after SIGKILL" {
	local mode programs
	run "$helper" loaded 1
	[ "$status" -eq 0 ] || skip "${lines[0]}"
	for mode in bpf-btf bpf-raw bpf-tp; do
		run "$ring" small $mode 1
		[ "$status" -ne 3 ] || continue
		start "$ring" hold $mode
		await eval '[ "$(ids "$last" | wc -w)" -eq 6 ]'
		programs=$(ids "$last")
		# shellcheck disable=SC2086 # numbers
		[ "$("$helper" loaded $programs)" -eq 6 ]
		kill -KILL "$last"
		wait "$last" || :
		# shellcheck disable=SC2086 # numbers
		await eval '[ "$("$helper" loaded '"$programs"')" -eq 0 ]' # the kernel takes a moment
	done
}
