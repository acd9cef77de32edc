# shellcheck shell=bash
# What the bats files share. PQ is the program under test.
bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PQ=${PQ:-$TESTS/../build/pq}
export TZ=UTC LC_ALL=C

# capture NAME: unpacks tests/captures/NAME.tgz once per file, and prints the directory.
capture() {
	local dir=$BATS_FILE_TMPDIR/captures/$1
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		tar xzf "$TESTS/captures/$1.tgz" -C "$dir"
	fi
	printf '%s\n' "$dir"
}

# golden NAME COMMAND…: what the command writes to both outputs, byte by byte, must be tests/golden/NAME. With UPDATE=1 it
# becomes that: read the difference before you commit it.
golden() {
	local want=$TESTS/golden/$1 got=$BATS_TEST_TMPDIR/got
	shift
	"$@" >"$got" 2>&1 || printf 'exit status %d\n' $? >>"$got"
	if [ -n "${UPDATE:-}" ]; then
		mkdir -p "$(dirname "$want")"
		cp "$got" "$want"
	fi
	diff -u "$want" "$got"
}

# fails STATUS PATTERN COMMAND…: the command ends with that status, prints nothing, and says one line like PATTERN on stderr.
fails() {
	local status_wanted=$1 pattern=$2
	shift 2
	run --separate-stderr "$@"
	if [ "$status" -ne "$status_wanted" ] || [ -n "$output" ] || [ "${#stderr_lines[@]}" -ne 1 ] ||
		[[ ! $stderr =~ $pattern ]]; then
		printf 'status %s, stdout: %s\nstderr: %s\nwanted: %s\n' "$status" "$output" "$stderr" "$pattern" >&2
		return 1
	fi
}

# moment DIR MONO_NS: begins a moment in DIR (a capture made by a test) at that time; the files are put under it by the test.
moment() {
	mkdir -p "$1/proc" "$1/sys/fs/cgroup"
	printf '%s 1790000000000000000\n' "$2" >"$1/clock"
}

# json FILTER: what jq makes of $output's lines.
json() {
	jq -c "$@" <<<"$output"
}
