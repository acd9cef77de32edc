#!/usr/bin/env bats
# Every captured machine and every odd input, by every tool in every format: valid output, no crash, and no nan or inf.
# shellcheck disable=SC2086 # $tool is a word
load helper

setup_file() {
	local tgz dir
	for tgz in "$TESTS"/captures/*.tgz; do
		dir=$BATS_FILE_TMPDIR/inputs/$(basename "$tgz" .tgz)
		mkdir -p "$dir" && tar xzf "$tgz" -C "$dir"
	done
	tar xzf "$TESTS/captures/bad/inputs.tgz" -C "$BATS_FILE_TMPDIR/inputs"
}

# Not part of a word, such as info.
unfinite='(^|[^[:alnum:]_/.-])-?(nan|inf|infinity)([^[:alnum:]_/.-]|$)'

# replay COMMAND…: what it prints of each input is in ./NAME, and its messages in ./NAME.err. It may fail, but not crash.
replay() {
	local dir name status
	for dir in "$BATS_FILE_TMPDIR"/inputs/*/; do
		name=$(basename "$dir").${1}
		status=0
		timeout 60 "$PQ" "$@" -f "$dir" >"$name" 2>"$name.err" || status=$?
		if [ $status -gt 3 ] || grep -EiH "$unfinite" "$name" "$name.err" || grep -E 'Sanitizer|runtime error' "$name.err"; then
			echo "pq $* -f $dir: status $status"
			return 1
		fi
	done
}

tools='runq cpu throttle mem tasks runqlat wait psi'

setup() {
	here
}

@test "text" {
	for tool in $tools; do
		if "$PQ" $tool --help | grep -q '^  -w GROUPS'; then replay $tool -w all; else replay $tool; fi
		[ -n "$(cat ./*.$tool)" ]
	done
}

@test "JSON" {
	for tool in $tools; do
		replay $tool --json
		jq -e -n --arg tool $tool 'reduce inputs as $row (0; . + 1) | . > 0' ./*."$tool"
		jq -c 'select(.tool == null or .schema == null or .time == null)' ./*."$tool" | tee wrong
		[ ! -s wrong ]
	done
}

@test "CSV" {
	for tool in $tools; do
		replay $tool --csv
		# Without quotes, each line has as many fields as the header.
		awk -F , -v tool=$tool 'FNR == 1 { n = NF } !/"/ && NF != n { print FILENAME ": " $0; bad = 1 } END { exit bad }' ./*."$tool"
	done
}

@test "metrics" {
	for tool in $tools; do
		replay $tool --metrics
		grep -vhE '^(# (HELP|TYPE|UNIT|EOF).*|pq_[a-z0-9_]+(\{.*\})? -?[0-9.e+-]+( [0-9]+)?)$' ./*."$tool" | tee wrong
		[ ! -s wrong ]
	done
}

@test "limits, why and check" {
	replay limits
	replay limits --json
	jq -e . ./*.limits >/dev/null
	replay why
	replay why --json
	jq -e . ./*.why >/dev/null
	replay check 'runq.plist_sz > 1' 'mem.working_set_pct > 90 or mem.hard_pct > 90' 'throttle.throttled_pct > 25'
	find . -name '*.check' -size +0 -exec grep -LE '^PQ (OK|WARNING|CRITICAL|UNKNOWN) - ' {} + | tee wrong
	[ ! -s wrong ]
	replay check --json 'runq.plist_sz > 1'
	jq -e . ./*.check >/dev/null
}
