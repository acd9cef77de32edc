#!/usr/bin/env bats
# Every captured machine through every tool, compared byte by byte.
load helper

# all TOOL OPTIONS…: what the tool makes of each capture.
all() {
	local tool=$1 archive name
	shift
	for archive in "$TESTS"/captures/*.tgz; do
		name=$(basename "$archive" .tgz)
		printf '== %s\n' "$name"
		"$PQ" "$tool" "$@" -f "$(capture "$name")" || printf 'exit status %d\n' $?
	done
}

@test "every capture gives the golden rows of runq" {
	golden runq.txt all runq
}

@test "every capture gives the golden rows of runq -P ALL" {
	golden runq-cpus.txt all runq -P ALL
}

@test "every capture gives the golden rows of cpu" {
	golden cpu.txt all cpu
}

@test "every capture gives the golden rows of throttle -a" {
	golden throttle.txt all throttle -a -w all
}

@test "every capture gives the golden rows of mem -a" {
	golden mem.txt all mem -a -w all
}

@test "every capture gives the golden rows of psi -a" {
	golden psi.txt all psi -a -w all
}

# each OPTIONS…: what each tool makes of its own machines.
each() {
	local dir
	for dir in v2-throttled v1-throttled hybrid-throttled v2-container-cgroupns v2-psi0 v2-offline-cpu; do
		for tool in runq cpu throttle mem; do
			printf '== %s %s\n' "$tool" "$dir"
			"$PQ" "$tool" "$@" -f "$(capture "6.1-$dir")" || printf 'exit status %d\n' $?
		done
	done
}

@test "every tool gives the golden JSON" {
	golden json.txt each --json
}

@test "every tool gives the golden CSV" {
	golden csv.txt each --csv
}

@test "two replays give the same rows" {
	cmp <(each --json 2>&1) <(each --json 2>&1)
	cmp <(all mem -a 2>&1) <(all mem -a 2>&1)
}
