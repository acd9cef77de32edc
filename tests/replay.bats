#!/usr/bin/env bats
# Every captured machine through every tool, byte by byte.
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

@test "runq of every capture" {
	golden runq.txt all runq
}

@test "runq -P ALL of every capture" {
	golden runq-cpus.txt all runq -P ALL
}

@test "cpu of every capture" {
	golden cpu.txt all cpu
}

@test "throttle -a of every capture, all columns" {
	golden throttle.txt all throttle -a -w all
}

@test "mem -a of every capture, all columns" {
	golden mem.txt all mem -a -w all
}

@test "psi -a of every capture, all columns" {
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

@test "every tool in JSON" {
	golden json.txt each --json
}

@test "every tool in CSV" {
	golden csv.txt each --csv
}

@test "a replay is the same every time" {
	cmp <(each --json 2>&1) <(each --json 2>&1)
	cmp <(all mem -a 2>&1) <(all mem -a 2>&1)
}
