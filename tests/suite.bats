#!/usr/bin/env bats
# scripts/tests: what it says of tests that fail, always or only sometimes.
load helper

setup() {
	here
	test_file right
	shaky="[ -d '$PWD/been' ] || ! mkdir '$PWD/been'" # fails the first time
}

# test_file NAME [COMMAND…]: NAME.bats, with a test "NAME N" for each of these commands; without one, with a test that passes.
test_file() {
	local n=0 name=$1
	shift
	for command in "${@:-true}"; do
		n=$((n + 1))
		printf '@test "%s %d" {\n\t%s\n}\n' "$name" "$n" "$command"
	done >"$name.bats"
}

# suite NAME…: runs these test files. $output names them without their directory.
suite() {
	local files=("${@/#/$PWD/}")
	run "$TESTS/../scripts/tests" "${PQ%/*}" "${files[@]/%/.bats}"
	output=${output//"$PWD/"/}
	echo "$output"
}

ends_with() {
	diff -u <(printf '%s\n' "$@") <(tail -n $# <<<"$output")
}

@test "a test that fails twice is a failed test, with its output at the end" {
	test_file wrong true 'echo "this is why"; false'
	suite right wrong
	[ "$status" -eq 1 ]
	ends_with 'wrong.bats: not ok 2 wrong 2' '    # (in test file wrong.bats, line 5)' \
		"    #   \`echo \"this is why\"; false' failed" '    # this is why' '2 passed, 1 failed, 0 skipped'
}

@test "a test that passes on the second try, alone, has passed, and the end says so" {
	test_file shaky "echo 'the first time'; $shaky"
	suite right shaky
	[ "$status" -eq 0 ]
	grep -x 'once more, alone:' <<<"$output"
	ends_with 'shaky.bats: not ok 1 shaky 1 [passed on the second try, alone]' '    # (in test file shaky.bats, line 2)' \
		"    #   \`echo 'the first time'; [ -d 'been' ] || ! mkdir 'been'' failed" '    # the first time' '2 passed, 0 failed, 0 skipped'
}

@test "a second try in which another test fails does not count" {
	test_file odd "[ -d '$PWD/been' ]" "mkdir '$PWD/been'"
	suite right odd
	[ "$status" -eq 1 ]
	grep -x 'odd.bats: not ok 2 odd 2 \[only on the second try, alone\]' <<<"$output"
	grep -x 'odd.bats: not ok 1 odd 1 \[passed on the second try, but another test failed\]' <<<"$output"
	ends_with '2 passed, 1 failed, 0 skipped'
}

@test "what a sanitizer found has no second try" {
	test_file shaky "echo 'ERROR: AddressSanitizer: heap-use-after-free'; $shaky"
	suite right shaky
	[ "$status" -eq 1 ]
	ends_with '1 passed, 1 failed, 0 skipped'
}

@test "a file that is the only one has no second try" {
	test_file shaky "$shaky"
	suite shaky
	[ "$status" -eq 1 ]
	ends_with '0 passed, 1 failed, 0 skipped'
}

@test "a file that cannot run is a failed test, with what was printed" {
	test_file twice
	sed -i p twice.bats
	suite right twice
	[ "$status" -eq 1 ]
	ends_with 'twice.bats: not ok ended with status 1' \
		'    # Error: Duplicate test name(s) in file "twice.bats": test_twice_1' '1 passed, 1 failed, 0 skipped'
}
