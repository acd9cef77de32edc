#!/usr/bin/env bats
# The completions of the shells, which scripts/completions makes from what pq prints.
load helper

completions() {
	"$TESTS/../scripts/completions" "$@"
}

setup_file() {
	bash "$TESTS/../scripts/completions" bash "$PQ" >"$BATS_FILE_TMPDIR/pq.bash"
}

# offers WORDS…: what bash offers for the last of these words, sorted.
offers() {
	# shellcheck disable=SC2016 # the inner shell expands it
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pq; printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "' \
		offers "$BATS_FILE_TMPDIR/pq.bash" "$@"
}

@test "bash completes tools, options, columns, sources and cgroups" {
	[ "$(offers pq thr)" = throttle ]
	[ "$(offers pq runq --js)" = --json ]
	[ "$(offers pq runqlat --source bpf-)" = "bpf-btf bpf-raw bpf-tp" ]
	[ "$(offers pq throttle --sort used_)" = "used_cpus used_pct" ]
	[ "$(offers pq record thr)" = throttle ]
	root=/sys/fs/cgroup
	[ -e $root/cgroup.procs ] || root=$root/memory
	[ -e $root/cgroup.procs ] || skip "no cgroups here"
	name=$(cd $root && for dir in */; do [ ! -d "$dir" ] || echo "/${dir%/}"; break; done)
	[ -n "$name" ] || skip "no cgroup below the root here"
	[[ " $(offers pq throttle -g /) " == *" $name "* ]]
	[[ " $(offers pq throttle -g "${name%?}") " == *" $name "* ]]
}

@test "each shell reads its completions" {
	bash -n "$BATS_FILE_TMPDIR/pq.bash"
	for shell in zsh fish; do
		completions $shell "$PQ" >"$BATS_TEST_TMPDIR/pq.$shell"
		grep -q 'bpf-btf bpf-raw bpf-tp schedstat probe' "$BATS_TEST_TMPDIR/pq.$shell"
		if command -v $shell >/dev/null; then $shell -n "$BATS_TEST_TMPDIR/pq.$shell"; fi
	done
}

@test "without a pq that runs there are no completions" {
	# shellcheck disable=SC2016 # the script expands it
	printf '#!/bin/sh\n[ "$1" != --version ] || exec echo pq 0.2.0\nexit 1\n' >"$BATS_TEST_TMPDIR/half"
	chmod +x "$BATS_TEST_TMPDIR/half"
	for shell in bash zsh fish; do
		for pq in /bin/true /bin/false /nonexistent "$BATS_TEST_TMPDIR/half"; do
			run completions $shell "$pq"
			[ "$status" -eq 2 ]
			[[ $output == *"cannot run $pq"* ]]
		done
	done
}
