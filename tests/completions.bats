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
	[ "$(offers pq runq --color = "")" = "always auto never" ]
	[ "$(offers pq runq --color a)" = "always auto" ]
	[ "$(offers pq top --view '')" = "cgroups processes threads" ]
	[ "$(offers pq top --sort l)" = lock ]
	[ "$(offers pq throttle --labels pod,u)" = pod,unit ]
	[ "$(offers pq throttle --spark = held)" = held_cpus ]
	[ "$(offers pq throttle --spark = cgr)" = "" ] # no figure
	[ "$(offers pq throttle --spark --js)" = --json ] # its argument needs a "="
	root=/sys/fs/cgroup
	[ -e $root/cgroup.procs ] || root=$root/memory
	[ -e $root/cgroup.procs ] || skip "no cgroups here"
	name=$(cd $root && for dir in */; do [ ! -d "$dir" ] || echo "/${dir%/}"; break; done)
	[ -n "$name" ] || skip "no cgroup below the root here"
	[[ " $(offers pq throttle -g /) " == *" $name "* ]]
	[[ " $(offers pq throttle -g "${name%?}") " == *" $name "* ]]
}

# zsh_takes LIST TOOL: what the completion of zsh gives to _arguments, or to _values for a list; a line for each.
zsh_takes() {
	# shellcheck disable=SC2016 # zsh expands it
	zsh -f -c '_arguments() { [[ $list == _arguments ]] && print -rl -- "$@" || { unfunction _arguments; $list } }
		_values() { print -rl -- "$@" }
		list=$2 service=pq words=(pq $3 "") CURRENT=3
		. $1' zsh "$BATS_TEST_TMPDIR/pq.zsh" "$1" "$2"
}

@test "zsh completes the words that an option takes, and the columns of --spark" {
	command -v zsh >/dev/null || skip "no zsh"
	completions zsh "$PQ" >"$BATS_TEST_TMPDIR/pq.zsh"
	zsh_takes _arguments runq | grep -qFx -- \
		'--color=[mark figures that hurt\: auto (on a terminal), always, never]:color:(auto always never)'
	zsh_takes _arguments top | grep -qE -- '^--view=.*:view:\(cgroups processes threads\)$'
	zsh_takes _arguments throttle | grep -qE -- '^--labels=.*:labels:_values -s , label pod namespace container unit job$'
	zsh_takes _arguments throttle | grep -qE -- '^--spark=-.*::columns:_pq_figures$'
	zsh_takes _pq_figures throttle >"$BATS_TEST_TMPDIR/figures"
	grep -q '^held_cpus\[' "$BATS_TEST_TMPDIR/figures"
	run ! grep -q '^cgroup\[' "$BATS_TEST_TMPDIR/figures"
}

@test "fish completes the words that an option takes, and the columns of --spark" {
	command -v fish >/dev/null || skip "no fish"
	completions fish "$PQ" >"$BATS_TEST_TMPDIR/pq.fish"
	# shellcheck disable=SC2016 # fish expands it
	fish_offers() { fish -c 'source $argv[1]; complete -C $argv[2]' "$BATS_TEST_TMPDIR/pq.fish" "$1" | cut -f 1 | sort | paste -sd ' '; }
	[ "$(fish_offers 'pq runq --color ')" = "always auto never" ]
	[ "$(fish_offers 'pq top --view ')" = "cgroups processes threads" ]
	[ "$(fish_offers 'pq throttle --labels=u')" = --labels=unit ]
	[[ " $(fish_offers 'pq throttle --spark=') " == *" --spark=held_cpus "* ]]
	[[ " $(fish_offers 'pq throttle --spark=') " != *" --spark=cgroup "* ]]
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
