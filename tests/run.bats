#!/usr/bin/env bats
# What all tools have in common: command line, time, output, signals, exit status.
# shellcheck disable=SC2086 # $tool is a tool and its options
load helper

setup() {
	idle=$(capture 6.1-v2-idle)
}

@test "pq, pq help and pq version answer; the list of tools fits a screen" {
	local list words
	list=$("$PQ")
	[ "$(wc -l <<<"$list")" -le 23 ] # and the prompt
	for words in help --help -h 'help help'; do [ "$("$PQ" $words)" = "$list" ]; done
	for words in 'help runq' 'runq help' '--help runq' '-h runq'; do [ "$("$PQ" $words)" = "$("$PQ" runq --help)" ]; done
	for words in version --version -V; do [[ $("$PQ" $words) =~ ^pq\ [0-9]+\.[0-9]+\.[0-9]+$ ]]; done
}

@test "an unknown tool is an error, and a near name is suggested" {
	fails 2 "unknown tool 'frob'" "$PQ" frob
	fails 2 "unknown tool 'xyzzy'" "$PQ" help xyzzy
	fails 2 "unexpected argument 'x': usage is pq help [[]TOOL[]]" "$PQ" help runq x
	fails 2 "no tool before '--json'" "$PQ" --json runq
	for word in rnq:runq RUNQ:runq runqu:runq thr:throttle memory:mem task:tasks ps:tasks htop:top mpstat:cpu rec:record expotr:export; do
		fails 2 "unknown tool '${word%:*}'; did you mean '${word#*:}'\?" "$PQ" "${word%:*}"
	done
	for tool in record export; do
		fails 2 "unknown tool 'thrtle'; did you mean 'throttle'\?" "$PQ" $tool 1 runq thrtle
	done
	fails 2 "no such process" "$PQ" throttle -p 99999999
}

@test "--help and --version print on stdout" {
	run --separate-stderr "$PQ" --help
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *throttle* ]]
	run "$PQ" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^pq\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	for tool in runq cpu throttle mem; do
		run --separate-stderr "$PQ" $tool --help
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[[ $output == *Examples:* ]]
		run "$PQ" $tool --version
		[ "$status" -eq 0 ]
	done
}

@test "an invalid interval is an error" {
	for bad in x 1x 0 0.0 -1 0.0001 .5 1e3 99999999999 1s2 "" " 1" 1,5 32d nan; do
		echo "interval '$bad'"
		fails 2 'invalid (interval|number)' "$PQ" runq -f "$idle" "$bad"
	done
}

@test "an invalid count is an error" {
	for bad in x 0 1.5 99999999999999999999; do
		fails 2 'invalid count' "$PQ" runq -f "$idle" 1 "$bad"
	done
	fails 2 "invalid count '-5'" "$PQ" runq -f "$idle" 1 -- -5
	fails 2 "unexpected argument '3'" "$PQ" runq -f "$idle" 1 2 3
}

@test "a process in the place of the interval is told" {
	start sleep 60
	[ "$last" -ge 600 ] || skip "the numbers of processes are low here"
	for tool in wait why "tasks --json"; do
		# shellcheck disable=SC2086 # words
		run -124 --separate-stderr timeout 1 "$PQ" $tool "$last"
		[[ $stderr == *"$last is taken for seconds; the process of this number is -p $last"* ]]
	done
	run -124 --separate-stderr timeout 1 "$PQ" wait -p $$ "$last"
	[[ $stderr != *"taken for"* ]]
	kill "$last"
	wait "$last" || :
	run -124 --separate-stderr timeout 1 "$PQ" tasks "$last"
	[[ $stderr != *"taken for"* ]]
}

@test "errors name the unknown or wrong option" {
	fails 2 "unknown option '-x'" "$PQ" runq -x
	fails 2 "unknown option '--frob'" "$PQ" runq --frob
	fails 2 "unknown option '-g'" "$PQ" runq -g /x
	fails 2 "unknown option '--busiest'" "$PQ" throttle --busiest 3
	fails 2 'missing argument' "$PQ" throttle -g
	fails 2 'missing argument' "$PQ" runq --tick
	# an option is not the file whose name was forgotten
	fails 2 '--svg: missing argument: want FILE \(write \./--stacks if a file of this name is meant\)' "$PQ" wait --svg --stacks 1 1
	fails 2 '-o: missing argument: want FILE' "$PQ" runq -uo --csv 1 1
	fails 2 '-f: missing argument: want FILE' "$PQ" runq -f -u
	fails 2 '--root: missing argument: want DIR' "$PQ" runq --root -u
	[ ! -e --stacks ] && [ ! -e --csv ]
	fails 2 'takes no argument' "$PQ" runq --json=yes
	fails 2 'given twice' "$PQ" runq --json --json
	fails 2 'cannot be combined' "$PQ" runq --json --csv
	fails 2 'cannot be combined' "$PQ" runq -f "$idle" --root /
	fails 2 "invalid --tick '1x'" "$PQ" runq --tick 1x
	fails 2 "invalid --busiest '0'" "$PQ" cpu --busiest 0
}

@test "two targets exclude each other" {
	fails 2 '-p and -g cannot be combined' "$PQ" throttle -p 1 -g /
	fails 2 '-p and -a cannot be combined' "$PQ" mem -p 1 -a
	fails 2 '-g and -a cannot be combined' "$PQ" mem -g / -a
}

@test "errors name the unknown column, group of columns, CPU, process or cgroup" {
	fails 2 "unknown column 'frob'" "$PQ" cpu -c usr_pct,frob
	fails 2 "unknown column '%thrtl'; did you mean 'throttled_pct'" "$PQ" throttle -c %thrtl
	fails 2 "column 'usr_pct' is named twice" "$PQ" cpu -c usr_pct,usr_pct
	fails 2 '-c: empty list' "$PQ" cpu -c ''
	fails 2 "unknown column group 'frob'" "$PQ" mem -w frob
	fails 2 'CPU 99 is not online' "$PQ" cpu -P 99 -f "$idle"
	fails 2 'CPU 99 is not online' "$PQ" runq -P 0,99 -f "$idle"
	for bad in abc 1- -1 3-1 1,,2 9999 ''; do
		fails 2 'a list of CPUs' "$PQ" cpu -P "$bad" -f "$idle"
	done
	for bad in x 0 -1 1.5 ''; do
		fails 2 'number of a process' "$PQ" throttle -p "$bad" -f "$idle"
	done
	fails 2 'no such process: 99999999999' "$PQ" throttle -p 99999999999 -f "$idle"
	fails 2 'no such process: 4194303' "$PQ" throttle -p 4194303
	fails 2 'no such process: 4194303' "$PQ" cpu -p 4194303
	fails 2 'no such cgroup in the cpu hierarchy: /frob' "$PQ" throttle -g /frob -f "$idle"
	fails 2 'no such cgroup in the memory hierarchy: frob' "$PQ" mem -g frob -f "$idle"
}

@test "-f refuses a directory that is not a capture, another file, and a missing one" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	fails 2 'neither a recording nor a captured directory' "$PQ" cpu -f "$BATS_TEST_TMPDIR/empty"
	fails 2 'cannot open .*none: No such file' "$PQ" cpu -f "$BATS_TEST_TMPDIR/none"
	fails 2 'run.bats: not a pq recording' "$PQ" cpu -f "$TESTS/run.bats"
	fails 2 'cannot open' "$PQ" cpu --root "$BATS_TEST_TMPDIR/none"
	fails 3 '/proc' "$PQ" cpu --root "$BATS_TEST_TMPDIR/empty"
}

@test "a capture of one sample has no row" {
	mkdir "$BATS_TEST_TMPDIR/one"
	cp -r "$idle/t0" "$BATS_TEST_TMPDIR/one/"
	fails 1 'a row needs two samples' "$PQ" runq -f "$BATS_TEST_TMPDIR/one"
}

@test "a clock that stands still or goes back gives no row" {
	for t in 0 1 2 3; do
		mkdir -p "$BATS_TEST_TMPDIR/c"
		cp -r "$idle/t0" "$BATS_TEST_TMPDIR/c/t$t"
	done
	echo 2000000000 1790000000000000000 >"$BATS_TEST_TMPDIR/c/t0/clock"
	echo 2000000000 1790000000000000000 >"$BATS_TEST_TMPDIR/c/t1/clock"
	echo 1000000000 1790000000000000000 >"$BATS_TEST_TMPDIR/c/t2/clock"
	echo 3000000000 1790000000000000000 >"$BATS_TEST_TMPDIR/c/t3/clock"
	run --separate-stderr "$PQ" runq --json -f "$BATS_TEST_TMPDIR/c"
	[ "${#lines[@]}" -eq 1 ]
	[[ $stderr == *"clock did not advance"* ]]
}

@test "a broken clock is an error that names it" {
	mkdir "$BATS_TEST_TMPDIR/c"
	cp -r "$idle/t0" "$idle/t1" "$BATS_TEST_TMPDIR/c/"
	echo garbage >"$BATS_TEST_TMPDIR/c/t0/clock"
	: >"$BATS_TEST_TMPDIR/c/t0/proc/uptime"
	fails 1 'cannot read the first sample' "$PQ" runq -f "$BATS_TEST_TMPDIR/c"
}

@test "every line of JSON is an object with tool, schema, time and interval" {
	run --separate-stderr "$PQ" cpu --json -f "$(capture 6.1-v2-throttled)"
	[ "${#lines[@]}" -eq 5 ]
	[ "$(json '[.tool, .schema, .time, .interval_s == 2.18]' | sort -u)" = '["cpu",2,"2026-11-22T07:16:20.360+00:00",true]' ]
}

@test "times follow TZ, and -u gives UTC" {
	TZ=UTC-5:30 run "$PQ" runq --json -f "$idle"
	[[ ${lines[0]} == *"+05:30\""* ]]
	TZ=UTC-5:30 run "$PQ" runq -u --json -f "$idle"
	[[ ${lines[0]} == *"Z\",\"unix_s\":"* ]]
	[ "$(json '.unix_s | floor | todate')" = "$(json -r '.time | sub("[.].*"; "Z") | tojson')" ]
}

@test "CSV has a header, CRLF, and empty fields for unknown values" {
	run --separate-stderr "$PQ" runq --csv -f "$(capture 6.1-v2-psi0)"
	[[ ${lines[0]} == $'tool,schema,time,interval_s,runq_sz,'*$',cpu_some_pct,unix_s\r' ]]
	[[ ${lines[1]} == *,,[0-9]*.[0-9][0-9][0-9]$'\r' ]]
}

@test "-c chooses columns and their order, in every format" {
	run --separate-stderr "$PQ" runq --csv -c plist_sz,runq_sz -f "$idle"
	[[ ${lines[0]} == $'tool,schema,time,interval_s,plist_sz,runq_sz,unix_s\r' ]]
	run --separate-stderr "$PQ" runq -c plist_sz,runq_sz -f "$idle"
	[[ ${lines[0]} =~ plist-sz\ runq-sz$ ]]
	run --separate-stderr "$PQ" runq --json -c plist_sz -f "$idle"
	[ "$(json 'keys')" = '["interval_s","plist_sz","schema","time","tool","unix_s"]' ]
}

@test "--columns lists every key of the JSON" {
	for tool in runq "runq -P ALL" cpu throttle mem; do
		diff <("$PQ" $tool --columns | awk '{ print $1 }') \
			<("$PQ" $tool -f "$idle" --json 2>/dev/null | head -1 | jq -r 'keys_unsorted[]' | tail -n +6 | grep -vx row)
	done
}

@test "the default view of every tool fits 80 columns" {
	for tool in runq "runq -P ALL" cpu throttle mem psi tasks wait disk runqlat sock "sock -l" "sock -P ALL" who; do
		script -qec "stty cols 80 rows 24; $PQ $tool 0.1 3 2>/dev/null" /dev/null </dev/null | tr -d '\r' |
			sed $'s/\e\\[[0-9;]*m//g' >"$BATS_TEST_TMPDIR/screen" # without marks
		[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' "$BATS_TEST_TMPDIR/screen")" -le 80 ]
		grep -qE "Average:|^[0-9:.]{12} " "$BATS_TEST_TMPDIR/screen"
	done
	script -qec "stty cols 80 rows 24; $PQ runq 1 1" /dev/null </dev/null | grep -q '%some'
}

@test "a narrow terminal shows fewer columns, and the header says so" {
	script -qec "stty cols 80 rows 24; $PQ cpu 0.1 1" /dev/null </dev/null | grep -q '%guest %idle \* >'
	script -qec "stty cols 60 rows 24; NO_COLOR=1 $PQ mem -w all 0.1 1 2>/dev/null" /dev/null </dev/null | tr -d '\r' >"$BATS_TEST_TMPDIR/screen"
	grep -q '>  cgroup$' "$BATS_TEST_TMPDIR/screen"
	[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' "$BATS_TEST_TMPDIR/screen")" -le 60 ]
}

@test "a pipe gets one header, a terminal one header per screen" {
	[ "$("$PQ" runq --tick 10ms 0.02 40 2>/dev/null | grep -c runq-sz)" -eq 1 ]
	[ "$(script -qec "stty cols 100 rows 10; $PQ runq 0.02 40" /dev/null </dev/null | grep -c runq-sz)" -ge 4 ]
}

@test "the summary has Average, and percentiles from ten rows on" {
	run --separate-stderr "$PQ" runq 0.02 9
	[[ ${lines[10]} == Average:* ]]
	[ "${#lines[@]}" -eq 11 ]
	run --separate-stderr "$PQ" runq 0.02 10
	[[ ${lines[11]} == Average:* && ${lines[12]} == p50:* && ${lines[13]} == p90:* && ${lines[14]} == p99:* && ${lines[15]} == Max:* ]]
	run --separate-stderr "$PQ" runq --json 0.02 10
	[ "${#lines[@]}" -eq 10 ]
}

@test "without an interval pq prints one row, over one second" {
	run --separate-stderr "$PQ" cpu --json -P "$(taskset -cp $$ | sed 's/.*[-, ]//')"
	[ "${#lines[@]}" -eq 1 ]
	[ "$(json '.interval_s >= 0.99 and .interval_s < 1.5')" = true ]
}

@test "with a whole-second interval rows end at whole seconds of the clock" {
	run --separate-stderr "$PQ" runq --json 1 2
	# a busy machine may be late, never early
	[ "$(json '.time | capture("\\.(?<ms>[0-9]{3})").ms | tonumber < 500' | sort -u)" = true ]
}

@test "deadlines of rows do not drift" {
	run --separate-stderr "$PQ" runq --json 0.05 20
	[ "$status" -eq 0 ]
	# the sum of the measured intervals is that of the grid, whatever single rows were late
	jq -es '(map(.interval_s) | add) as $s | ($s / 0.05) as $n | ($n - ($n | round) | fabs) < 0.5 and $n >= 19.5' <<<"$output" >/dev/null
}

@test "SIGINT and SIGTERM end with the summary and status 0" {
	for signal in INT TERM; do
		# a shell starts a background job with SIGINT ignored
		start env --default-signal=INT,TERM "$PQ" runq 0.05 >"$BATS_TEST_TMPDIR/out" 2>/dev/null
		await grep -qE '^[0-9:.]+ +[0-9]' "$BATS_TEST_TMPDIR/out" # a row
		kill -$signal "$last"
		wait "$last"
		grep -q '^Average:' "$BATS_TEST_TMPDIR/out"
	done
}

# catches PID: it catches SIGINT.
catches() {
	local mask
	mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
	((0x$mask & 2))
}

# stopped SECONDS WORDS…: pq with these words, and SIGINT so long after it catches that. Its rows are in rows.
stopped() {
	start env --default-signal=INT "$PQ" "${@:2}" >rows 2>/dev/null
	await catches "$last"
	sleep "$1"
	kill -INT "$last" || : # it may have ended by itself
	wait "$last"
}

@test "a signal before the first row makes it, of the time so far; later ones make none" {
	cd "$BATS_TEST_TMPDIR"
	for tool in 'runq 60' 'cpu 60 1' 'mem 60' runq; do
		stopped 0.4 $tool --json
		jq -es 'map(.interval_s) | unique | length == 1 and .[0] >= 0.1 and .[0] < 60' rows >/dev/null
	done
	stopped 0.4 runq 60 -o x.tape --json
	"$PQ" runq -f x.tape --json | diff - rows
	# the row that the signal cuts short would be one of 0.1 s
	stopped 0.5 runq 0.2 --json
	jq -es 'length > 0 and all(.interval_s > 0.19)' rows >/dev/null
}

# A tick is due when the signal comes, and the row takes one of its own: of the two, the recording has one.
@test "a recording of the row that a signal makes replays to the same figures" {
	local it
	cd "$BATS_TEST_TMPDIR"
	start "${PQ%/*}/tests/helper" burn 3
	sleep 0.2
	for _ in 1 2 3; do
		rm -f x.tape
		env --default-signal=INT "$PQ" runq -o x.tape --json 60 >rows 2>/dev/null 3>&- &
		it=$!
		sleep 0.4
		kill -STOP "$it"
		sleep 0.1
		kill -INT "$it"
		kill -CONT "$it"
		wait "$it"
		"$PQ" runq -f x.tape --json | diff - rows
	done
	kill "$last"
	wait "$last" || :
}

@test "JSON consists of whole lines when a signal ends pq" {
	for _ in 1 2 3; do
		run --separate-stderr env --default-signal=TERM timeout -s TERM 0.4 "$PQ" cpu --json 0.01
		[ "$status" -eq 124 ]
		jq -es 'length > 0' <<<"$output" >/dev/null
	done
}

@test "pq ends silently when its reader ends" {
	run --separate-stderr bash -o pipefail -c "timeout 10 '$PQ' cpu 0.05 2>'$BATS_TEST_TMPDIR/err' | head -2"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "SIGTERM ends pq when its pipe is full" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 9<>"$BATS_TEST_TMPDIR/pipe" # open, and nobody reads
	env --default-signal=TERM timeout -s TERM -k 10 1 "$PQ" cpu --json 0.001 >&9 2>/dev/null 3>&- || status=$?
	exec 9>&-
	[ "$status" -eq 124 ] # ended by TERM; 137 by KILL
}

@test "a full disk and a closed output are errors" {
	for tool in runq cpu; do
		run --separate-stderr bash -c "'$PQ' $tool -f '$idle' >/dev/full"
		[ "$status" -eq 1 ]
		[[ $stderr == *"No space left on device"* ]]
		run --separate-stderr bash -c "'$PQ' $tool -f '$idle' >&-"
		[ "$status" -eq 1 ]
		[[ $stderr == *"cannot write"* ]]
	done
	run --separate-stderr bash -c "'$PQ' runq --help >/dev/full"
	[ "$status" -eq 1 ]
	run --separate-stderr bash -c "'$PQ' --help >/dev/full"
	[ "$status" -eq 1 ]
	run --separate-stderr bash -c "'$PQ' --version >/dev/full"
	[ "$status" -eq 1 ]
}

can_trace() {
	command -v strace >/dev/null || skip "no strace"
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

@test "the rows of one sample are one write" {
	can_trace
	ASAN_OPTIONS=detect_leaks=0 strace -e trace=write -o "$BATS_TEST_TMPDIR/trace" "$PQ" cpu 0.05 5 >/dev/null 2>&1
	# five rows and the summary
	[ "$(grep -c '^write(1' "$BATS_TEST_TMPDIR/trace")" -eq 6 ]
}

@test "a row costs one read per file, one write and one sleep" {
	can_trace
	# trace ROWS: how often each system call was made; without writes to stderr, which tell of missed deadlines
	trace() {
		ASAN_OPTIONS=detect_leaks=0 strace -o "$BATS_TEST_TMPDIR/trace" "$PQ" cpu --json 0.05 "$1" >/dev/null 2>&1
		grep -v '^write(2' "$BATS_TEST_TMPDIR/trace" | sed -n 's/(.*//p' | sort | uniq -c >"$BATS_TEST_TMPDIR/$1"
	}
	trace 4
	trace 14
	join -1 2 -2 2 "$BATS_TEST_TMPDIR/4" "$BATS_TEST_TMPDIR/14" | awk '$2 != $3 { print $1, $3 - $2 }' >"$BATS_TEST_TMPDIR/more"
	# the kernel gives a long /proc/stat in two pieces
	local reads=10
	[ "$(wc -c </proc/stat)" -lt 4096 ] || reads=20
	diff "$BATS_TEST_TMPDIR/more" - <<<"clock_nanosleep 10
pread64 $reads
write 10"
}

@test "pq under the name pq-TOOL is that tool" {
	ln -s "$PQ" "$BATS_TEST_TMPDIR/pq-runq"
	run --separate-stderr "$BATS_TEST_TMPDIR/pq-runq" -f "$idle"
	[[ ${lines[0]} == *runq-sz* ]]
}

@test "pq needs no privilege" {
	need_nobody
	cd /
	for tool in runq "runq -P ALL" cpu throttle mem; do
		run "$PQ" $tool 0.05 1
		local as_root=$status
		run --separate-stderr as_nobody $tool 0.05 1
		echo "$tool: $status, root: $as_root; $stderr"
		[ "$status" -eq "$as_root" ]
		[ "$status" -eq 0 ] || [[ $status -eq 3 && $tool != runq* && $tool != cpu ]] # a machine without cgroups
	done
}

@test "help says what -p, -g and -a choose in this tool" {
	help() { "$PQ" "$1" --help | grep "^  $2 "; }
	help cpu -p | grep -q 'CPUs that this process may run on'
	help cpu -n | grep -q 'the busiest CPUs'
	help throttle -p | grep -q 'cgroup of this process, and its parents'
	help mem -a | grep -q 'with a limit, fullest first'
	help psi -a | grep -q 'the machine and every cgroup'
	help wait -p | grep -q 'threads of this process'
	help record -a | grep -q 'record all cgroups with a limit'
	help check -a | grep -q 'check all cgroups with a limit'
	for tool in cpu limits why check; do ! help $tool '-[pga]' | grep -q 'worst first\|only this process'; done
}

@test "help fits 80 columns" {
	for tool in runq cpu throttle mem psi record tape; do
		[ -z "$("$PQ" "$tool" --help | awk 'length > 80')" ] || { echo "$tool" && false; }
	done
}

@test "bytes that a terminal would obey are printed as octal numbers in messages and echoed conditions" {
	fails 2 'r\\205nq' "$PQ" $'r\x85nq'
	run --separate-stderr "$PQ" check $'runq.runq_sz > \x1b[31m1'
	[ "$status" -eq 3 ]
	[ "${stderr_lines[1]}" = '  runq.runq_sz > \033[31m1' ]
	[ "${stderr_lines[2]}" = '                 ^' ]
}

@test "a name with control characters controls no terminal, in text, CSV or JSON" {
	cp /bin/sleep "$BATS_TEST_TMPDIR/"$'\e[31mred'
	"$BATS_TEST_TMPDIR/"$'\e[31mred' 20 3>&- &
	local pid=$! format
	for format in "" --csv --json; do
		script -qec "$PQ tasks $format -u -p $pid 0.1 1" /dev/null </dev/null >"$BATS_TEST_TMPDIR/screen"
		grep -q 'red' "$BATS_TEST_TMPDIR/screen"
		! grep -q $'\e\\[31m' "$BATS_TEST_TMPDIR/screen" || false
	done
	"$PQ" tasks --csv -p $pid 0.1 1 | grep -q $'\e\\[31mred'
	kill $pid
}

# on_terminal KEYS COMMAND: what the command prints on a terminal, where these keys arrive after a second, and then its modes.
on_terminal() {
	(sleep 1 && printf %s "$1" && sleep 1) |
		timeout 20 script -qec "stty icanon echo; $2; echo status \$?; stty -a" /dev/null
}

@test "q on a terminal ends a run, with its averages; the terminal is as before" {
	run on_terminal xq "'$PQ' runq 0.2"
	echo "$output"
	[[ $output == *Average:*'status 0'* && $output == *' icanon '* && $output == *' echo '* ]]
	run on_terminal '' "'$PQ' runq 0.2 3 </dev/null"
	[[ $output == *Average:*'status 0'* ]]
}

@test "q ends the watch of why, which judges what it saw" {
	run on_terminal q "'$PQ' why 30"
	echo "$output"
	[[ $output == *'Not checked'* || $output == *'Nothing found'* ]]
	[[ $output == *'status '[0123]* && $output == *' icanon '* ]]
}

@test "q ends a job that the shell brought to the foreground" {
	run on_terminal q "bash -c 'set -m; \"$PQ\" runq 0.2 & sleep 0.3; fg'"
	echo "$output"
	[[ $output == *Average:*'status 0'* && $output == *' icanon '* && $output == *' echo '* ]]
}

@test "the terminal is as before when a signal ends a run" {
	for signal in INT TERM QUIT HUP; do
		rm -f "$BATS_TEST_TMPDIR/pid"
		on_terminal '' "sh -c 'echo \$\$ >$BATS_TEST_TMPDIR/pid; exec \"$PQ\" runq 0.2'" >"$BATS_TEST_TMPDIR/out" &
		job=$!
		await test -s "$BATS_TEST_TMPDIR/pid"
		await grep -q runq-sz "$BATS_TEST_TMPDIR/out"
		kill -s $signal "$(cat "$BATS_TEST_TMPDIR/pid")"
		wait "$job" # not the timer of bats, which is a job of this shell too
		cat "$BATS_TEST_TMPDIR/out"
		grep -q ' icanon ' "$BATS_TEST_TMPDIR/out"
		grep -q ' echo ' "$BATS_TEST_TMPDIR/out"
	done
}

@test "a background job on a terminal does not stop" {
	run on_terminal q "bash -c 'set -m; \"$PQ\" runq 0.2 8 & wait'"
	echo "$output"
	[[ $output == *Average:*'status 0'* && $output != *Stopped* ]]
}

# The commands that print, with the idle machine as x.tape and as the directory $idle, and a trace.
printing() {
	cat <<-END
		--help
		--version
		help wait
		top --help
		limits
		limits --json
		tape info x.tape
		tape verify x.tape
		tape cut x.tape -o -
		tape pack $idle -o -
		trace info x.trace
		trace text x.trace
		trace text --json x.trace
		trace export x.trace -o -
		trace export x.trace --json -o -
		who -f x.trace
		report x.tape -o -
		diff x.tape x.tape
		diff --save - x.tape
		why -f x.tape
		check -f x.tape runq.plist_sz<0
		check -f x.tape runq.plist_sz>0
		top -f x.tape
		top -f x.tape --svg -
		wait --svg - -p $$ 0.05 1
		wait --folded -p $$ 0.05 1
		record -o - 0.01 3 runq
	END
	for tool in runq cpu throttle mem psi disk; do
		printf '%s -f x.tape\n%s --columns\n' $tool $tool
	done
}

@test "a reader that has gone does not change the exit status of any command, and is not told" {
	local words gone want got bad=0
	here
	"$PQ" tape pack "$idle" -o x.tape
	"$(dirname "$PQ")/tests/trace_sample" x.trace
	mkfifo gone
	exec {reader}<>gone
	exec {gone}>gone
	exec {reader}<&-
	while read -r words; do
		want=0 got=0
		timeout 60 "$PQ" $words >/dev/null 2>said </dev/null || want=$?
		timeout 60 "$PQ" $words 1>&"$gone" 2>heard </dev/null || got=$?
		if [ $got -ne $want ] || grep -i 'pipe\|write' heard; then
			echo "pq $words: status $got, and $want with a reader"
			bad=1
		fi
	done < <(printing)
	[ $bad -eq 0 ]
	echo precious >-
	"$PQ" tape pack "$idle" -o - 1>&"$gone"
	[ "$(cat ./-)" = precious ]
}
