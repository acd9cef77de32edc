#!/usr/bin/env bats
# pq check: verdicts, the plug-in line, unknown values, and --during.
# shellcheck disable=SC2016 # what is in '…' is for the shell of --during, and for jq
load helper

setup() {
	here
	samples check /web
}

# pq is in /web, process 42 is in /db.
every_sample() {
	process 42 /db
	echo "0.10 0.20 0.30 3/100 4321" >"$now/proc/loadavg"
}

# throttled PATH PERIODS THROTTLED
throttled() {
	cpu_group "$1" "200000 100000" 0 "$2" "$3" 0
}

# three_groups: of 100 periods 31 were throttled in /web, 7 in /db; there were none in /idle.
three_groups() {
	at 0; throttled /web 0 0; throttled /db 0 0; throttled /idle 5 5
	at 1; throttled /web 40 31; throttled /db 90 1; throttled /idle 5 5
	at 2; throttled /web 100 31; throttled /db 100 7; throttled /idle 5 5
}

# judges STATUS LINE OPTIONS…: the exit status and the line of pq check.
judges() {
	local wanted=$1 line=$2
	shift 2
	run --separate-stderr "$PQ" check "$@"
	printf '%s: %s\n%s\n' "$status" "$output" "$stderr"
	[ "$status" -eq "$wanted" ]
	[ "$output" = "$line" ]
}

# during STATUS PATTERN OPTIONS…: the same, for a line that matches a pattern.
during() {
	local wanted=$1 pattern=$2
	shift 2
	run --separate-stderr timeout 30 "$PQ" check "$@"
	printf '%s: %s\n%s\n' "$status" "$output" "$stderr"
	[ "$status" -eq "$wanted" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output =~ $pattern ]]
}

@test "OK, WARNING and CRITICAL have their line and their status" {
	three_groups
	judges 0 "PQ OK - throttle.throttled_pct 31 (/web) | 'throttle.throttled_pct'=31%;;50;0;100" -f "$dir" 'throttle.throttled_pct > 50'
	judges 1 "PQ WARNING - throttle.throttled_pct 31 > 10 (/web) | 'throttle.throttled_pct'=31%;10;50;0;100" \
		-f "$dir" -w 'throttle.throttled_pct > 10' -c 'throttle.throttled_pct > 50'
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) | 'throttle.throttled_pct'=31%;10;25;0;100" \
		-f "$dir" -w 'throttle.throttled_pct > 10' -c 'throttle.throttled_pct > 25'
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) | 'throttle.throttled_pct'=31%;;25;0;100" -f "$dir" 'throttled_pct > 25'
}

@test "all reasons are named; the worst row counts, for < the smallest" {
	three_groups
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 5 (/web), throttle.periods 100 >= 100 (/web) | 'throttle.throttled_pct'=31%;;5;0;100 'throttle.periods'=100;;100" \
		-a -f "$dir" 'throttle.throttled_pct > 5' 'throttle.periods >= 100'
	judges 0 "PQ OK - throttle.throttled_pct 7 (/db) | 'throttle.throttled_pct'=7%;;3:;0;100" -a -f "$dir" 'throttle.throttled_pct < 3'
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 5 (/web) and throttle.throttled 31 > 30 (/web) | 'throttle.throttled_pct'=31%;;5;0;100 'throttle.throttled'=31;;30" \
		-a -f "$dir" 'throttle.throttled_pct > 5 and throttle.throttled > 30'
	judges 0 "PQ OK - throttle.throttled_pct 7 (/db) | 'throttle.throttled_pct'=7%;;10;0;100" \
		-a -f "$dir" 'throttle.cgroup == "/db" and throttle.throttled_pct > 10'
}

@test "a plug-in range means the same as its condition" {
	three_groups
	echo 'ticks 100' >"$dir/facts"
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 >= 25 (/web) | 'throttle.throttled_pct'=31%;;25;0;100" -f "$dir" 'not 25 > throttled_pct'
	judges 2 "PQ CRITICAL - throttle.periods 100 == 100 (/web) | 'throttle.periods'=100;;@100:100" -f "$dir" 'throttle.periods == 100'
	judges 0 "PQ OK - throttle.periods 100 (/web) | 'throttle.periods'=100;;100:100" -f "$dir" 'throttle.periods != 100'
	judges 2 "PQ CRITICAL - throttle.periods 100 > -5 (/web) | 'throttle.periods'=100;;~:-5" -f "$dir" 'throttle.periods > -5'
	judges 2 "PQ CRITICAL - throttle.throttled / throttle.periods > 0.3: 0.31 > 0.3 (/web)" -f "$dir" 'throttle.throttled / throttle.periods > 0.3'
	judges 0 "PQ OK - the condition is false" -f "$dir" 'throttle.cgroup == "/x|y"'
	judges 2 'PQ CRITICAL - throttle.cgroup == "/web" \174\174 throttle.cgroup == "/x" (/web)' \
		-f "$dir" 'throttle.cgroup == "/web" || throttle.cgroup == "/x"'
}

@test "of several targets the worst counts, and the line names it" {
	three_groups
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) | '/db throttle.throttled_pct'=7%;;25;0;100 '/web throttle.throttled_pct'=31%;;25;0;100" \
		-g /db -g /web -f "$dir" 'throttle.throttled_pct > 25'
	judges 1 "PQ WARNING - throttle.throttled_pct 7 > 5 (pid 42, /db) | 'pid 42 throttle.throttled_pct'=7%;5;;0;100 'runq.plist_sz'=100;;200 '/idle throttle.throttled_pct'=U;5;;0;100" \
		-p 42 -g /idle -f "$dir" -w 'throttle.throttled_pct > 5' 'runq.plist_sz > 200'
	judges 2 "PQ CRITICAL - runq.plist_sz 100 > 50 | 'runq.plist_sz'=100;;50 '/db throttle.throttled_pct'=7%;;50;0;100 '/web throttle.throttled_pct'=31%;;50;0;100" \
		-g /db -g /web -f "$dir" 'runq.plist_sz > 50' 'throttle.throttled_pct > 50'
}

@test "an unknown value is UNKNOWN unless another condition holds; 0 of 0 is OK" {
	three_groups
	rm "$dir"/t?/sys/fs/cgroup/db/cpu.stat
	judges 3 "PQ UNKNOWN - throttle.throttled_pct > 25 is unknown (/nosuch): no such cgroup in the cpu hierarchy: /nosuch (want a name as in /proc/PID/cgroup, or a directory below /sys/fs/cgroup) | '/nosuch throttle.throttled_pct'=U;;25;0;100 '/idle throttle.throttled_pct'=U;;25;0;100" \
		-g /nosuch -g /idle -f "$dir" 'throttle.throttled_pct > 25'
	[[ $stderr == "pq check: throttle: no such cgroup in the cpu hierarchy: /nosuch "* ]]
	judges 0 "PQ OK - throttle.throttled_pct - (/idle) | 'throttle.throttled_pct'=U;;25;0;100" -g /idle -f "$dir" 'throttle.throttled_pct > 25'
	run --separate-stderr "$PQ" check -g /web -g /nosuch -f "$dir" 'throttle.throttled_pct > 25'
	[ "$status" -eq 2 ]
	run --separate-stderr "$PQ" check -g /web -g /nosuch -f "$dir" -w 'throttle.throttled_pct > 25'
	[ "$status" -eq 1 ]
	run --separate-stderr "$PQ" check -g /db -f "$dir" 'throttle.throttled_pct > 25'
	[ "$status" -eq 3 ]
	[[ $output == "PQ UNKNOWN - throttle.throttled_pct > 25 is unknown: "* ]]
	run --separate-stderr "$PQ" check -f "$dir" 'throttle.cpu_some_pct > 25'
	[ "$status" -eq 3 ]
	[[ $output == "PQ UNKNOWN - throttle.cpu_some_pct > 25 is unknown: "*pressure* ]]
}

@test "the verdict is the first line where both streams are joined; notes follow" {
	three_groups
	run "$PQ" check -g /nosuch -f "$dir" -w 'throttle.throttled_pct > 10' 'throttle.throttled_pct > 25' 2>&1
	[ "$status" -eq 3 ]
	[[ ${lines[0]} == "PQ UNKNOWN - "*"| 'throttle.throttled_pct'=U;10;25;0;100" ]]
	[[ ${lines[1]} == "pq check: throttle: no such cgroup in the cpu hierarchy: /nosuch "* ]]
	"$PQ" tape pack "$dir" -o x.tape
	truncate -s -30 x.tape
	run "$PQ" check -f x.tape 'throttle.throttled_pct > 25' 2>&1
	printf '%s\n' "$output"
	[[ ${lines[0]} == "PQ "* ]]
	[[ ${lines[1]} == "pq check: x.tape: "* ]]
}

@test "a quotient without a value is UNKNOWN, not OK" {
	three_groups
	judges 3 "PQ UNKNOWN - runq.plist_sz > 0/0 is unknown: it divides by 0 | 'runq.plist_sz'=100;;" -f "$dir" 'runq.plist_sz > 0/0'
	judges 3 "PQ UNKNOWN - throttle.throttled/throttle.periods > 0.3 is unknown: it divides by 0" -g /idle -f "$dir" 'throttle.throttled/throttle.periods > 0.3'
}

@test "performance data follows the plug-in guidelines" {
	three_groups
	number='-?[0-9]+(\.[0-9]+)?'
	range="(@?(~|$number)?:?($number)?)?"
	label="'([^=']|'')+'"
	datum="$label=($number(%|B|us|ms|s|c)?|U)(;$range)?(;$range)?(;($number)?)?(;($number)?)?"
	mkdir "$dir/t0/sys/fs/cgroup/it's=a|b" "$dir/t1/sys/fs/cgroup/it's=a|b" "$dir/t2/sys/fs/cgroup/it's=a|b"
	for at in 0 1 2; do
		cp "$dir/t$at/sys/fs/cgroup/web/"* "$dir/t$at/sys/fs/cgroup/it's=a|b"
	done
	run --separate-stderr "$PQ" check -g "/it's=a|b" -g /web -p 42 -f "$dir" -w 'throttle.throttled_pct > 10.5' -c 'throttle.held_cpus < 0.01' \
		-c 'throttle.stall_ms > 200ms' -c 'runq.plist_sz > 2*cpus' -c 'throttle.periods != 3'
	[ "$status" -eq 2 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ ${output#* | } =~ ^$datum(\ $datum)*$ ]]
	[[ $output == *"'/it''s_a_b throttle.throttled_pct'=31%;10.5;;0;100 "* ]]
	[[ $output == *"(/it's=a\\174b)"* ]]
}

@test "a recording is judged whole, or between --from and --to" {
	three_groups
	for at in 0 1 2; do
		echo "$(((at + 1) * 1000000000)) $(((1790000000 + at) * 1000000000))" >"$dir/t$at/clock"
	done
	"$PQ" tape pack "$dir" -o x.tape
	judges 2 "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) | 'throttle.throttled_pct'=31%;;25;0;100" -f x.tape 'throttle.throttled_pct > 25'
	judges 2 "PQ CRITICAL - throttle.throttled_pct 77.5 > 25 (/web) | 'throttle.throttled_pct'=77.5%;;25;0;100" \
		-f x.tape --to +1s 'throttle.throttled_pct > 25'
	judges 0 "PQ OK - throttle.throttled_pct 0 (/web) | 'throttle.throttled_pct'=0%;;25;0;100" -f x.tape --from -1s 'throttle.throttled_pct > 25'
	fails 3 'only one sample in the selected time; at least two are needed' "$PQ" check -f x.tape --from -0s 'throttle.throttled_pct > 25'
	fails 3 '-i and -f cannot be combined: a recording is judged as a whole' "$PQ" check -f x.tape -i 1s 'throttle.throttled_pct > 25'
	fails 3 'the recording is read twice' "$PQ" check -f - 'throttle.throttled_pct > 25' <x.tape
	fails 3 'the recording is read twice' "$PQ" check -f <(cat x.tape) 'throttle.throttled_pct > 25'
	fails 3 'nosuch' "$PQ" check -f nosuch 'throttle.throttled_pct > 25'
	fails 3 'need a recording .-f FILE.' "$PQ" check --from -1s 'throttle.throttled_pct > 25'
	echo no >no.tape
	fails 3 'no.tape: ' "$PQ" check -f no.tape 'throttle.throttled_pct > 25'
}

@test "ticks at the end of a recording do not lengthen its interval" {
	at 0
	timeout -s INT 1.7 "$PQ" runq --root "$dir/t0" -o x.tape --tick 5ms 0.4 >/dev/null 2>&1 || true
	run --separate-stderr "$PQ" check --json -f x.tape 'runq.runq_sz > 5'
	[ "$status" -eq 0 ]
	[ "$("$PQ" runq --json -f x.tape 2>/dev/null | jq -s --argjson check "$(json .interval_s)" \
		'(map(.interval_s) | add) - $check | fabs < 0.001')" = true ]
}

@test "a recording of another tool, of one target, and across a reboot" {
	three_groups
	timeout 10 "$PQ" record --root "$dir/t2" -g /db -o x.tape 10ms 3 throttle 2>/dev/null
	run --separate-stderr "$PQ" check -f x.tape 'mem.used_bytes > 1'
	[ "$status" -eq 3 ]
	[[ $stderr == *"x.tape: recorded for throttle; other files that mem reads are not in it"* ]]
	run --separate-stderr "$PQ" check -f x.tape 'throttle.cgroup == "/db"'
	[ "$status" -eq 2 ]
	mkdir -p "$dir/t2/proc/sys/kernel/random"
	echo 11111111-2222-3333-4444-555555555555 >"$dir/t2/proc/sys/kernel/random/boot_id"
	timeout 10 "$PQ" record --root "$dir/t2" -g /db -o x.tape 10ms 3 throttle 2>/dev/null
	fails 3 'the machine was rebooted during the recording' "$PQ" check -f x.tape 'throttle.cgroup == "/db"'
}

@test "--json prints an object per target" {
	three_groups
	run --separate-stderr "$PQ" check --json -g /web -g /idle -f "$dir" -w 'throttle.throttled_pct > 25' -c 'throttle.cgroup == "/idle"'
	[ "$status" -eq 2 ]
	[ "$(json '[.tool, .schema, .interval_s, .target, .verdict, .command_status]')" = '["check",2,2,"/web","warning",null]
["check",2,2,"/idle","critical",null]' ]
	[ "$(json '.checks[0] | [.expr, .level, .truth, .column, .value, .threshold, .label]')" = \
		'["throttle.throttled_pct > 25","warning",true,"throttle.throttled_pct",31,25,"/web"]
["throttle.throttled_pct > 25","warning",false,"throttle.throttled_pct",null,25,"/idle"]' ]
	[ "$(json '.checks[1] | [.level, .truth, .column, .value, .label]')" = '["critical",false,null,null,null]
["critical",true,null,null,"/idle"]' ]
	[ "$(json .time | head -n 1)" = '"2026-09-21T14:13:20.000+00:00"' ]
}

@test "a wrong expression is shown with a mark at the error" {
	points_at 3 'EXPR: unknown column .frob. in throttle' 9 "$PQ" check 'throttle.frob > 1'
	points_at 3 '-w: unknown tool .frob.' 0 "$PQ" check -w 'frob.frob > 1'
	points_at 3 '-c: wrong unit .10ms.' 15 "$PQ" check -c 'runq.runq_sz > 10ms'
	points_at 3 'expected a comparison' 12 "$PQ" check 'runq.runq_sz'
	points_at 3 "'for' is not allowed here" 22 "$PQ" check 'throttled_pct > 1.5   for 3'
	points_at 3 "'for' is not allowed here" 17 "$PQ" check -w 'runq.runq_sz > 1 for 3s'
}

@test "wrong arguments are UNKNOWN" {
	fails 3 'no condition given' "$PQ" check
	fails 3 'unknown option' "$PQ" check -x
	fails 3 'no tool in these conditions supports -p' "$PQ" check -p 1 'runq.runq_sz > 1'
	fails 3 "invalid -p 'zz': want" "$PQ" check -p zz 'mem.used_bytes > 1'
	fails 3 'cannot be combined' "$PQ" check -a -g /web 'mem.used_bytes > 1'
	fails 3 'cannot be combined' "$PQ" check --during true -i 2s 'runq.runq_sz > 1'
	fails 3 'cannot be combined' "$PQ" check --during true -f x.tape 'runq.runq_sz > 1'
	fails 3 "invalid -i '0': want" "$PQ" check -i 0 'runq.runq_sz > 1'
	fails 3 '-i: given twice' "$PQ" check -i 1 -i 1 'runq.runq_sz > 1'
	readarray -t many < <(for i in {1..33}; do printf '%s\n' -g "/g$i"; done)
	fails 3 'given too often: at most 32 times' "$PQ" check "${many[@]}" 'mem.used_bytes > 1'
	fails 3 'too many readings: at most' "$PQ" check "${many[@]:0:64}" -w 'mem.used_bytes > 1' -w 'throttle.used_cpus > 1'
	fails 3 'cannot open' "$PQ" check --root /nosuch 'runq.runq_sz > 1'
}

@test "a full disk is UNKNOWN; a closed pipe does not change the verdict" {
	three_groups
	run --separate-stderr bash -c '"$1" check -f "$2" "throttle.throttled_pct > 90" >/dev/full' - "$PQ" "$dir"
	[ "$status" -eq 3 ]
	[[ $stderr == *"cannot write: No space left on device"* ]]
	run bash -c '{ sleep 0.2; "$1" check -f "$2" "throttle.throttled_pct > 25"; echo $? >status; } | true' - "$PQ" "$dir"
	[ "$(cat status)" -eq 2 ]
}

@test "live: conditions hold over the interval" {
	run --separate-stderr timeout 20 "$PQ" check --json -i 300ms 'runq.plist_sz > 100000000' -w 'runq.plist_sz >= 1'
	[ "$status" -eq 1 ]
	[ "$(json '.interval_s >= 0.3')" = true ]
}

@test "--during judges the time of the command and reports its failure separately" {
	during 0 "^PQ OK - runq.plist_sz [0-9]+ \\|" --during true 'runq.plist_sz > 100000000'
	during 2 "^PQ CRITICAL - runq.plist_sz [0-9]+ > 0 \\|" --during true 'runq.plist_sz > 0'
	during 3 "^PQ UNKNOWN - runq.plist_sz [0-9]+; the command exited with status 1 \\|" --during false 'runq.plist_sz > 100000000'
	during 3 "^PQ UNKNOWN - runq.plist_sz [0-9]+ > 0; the command exited with status 5 \\|" --during 'sh -c "exit 5"' -w 'runq.plist_sz > 0'
	during 2 "^PQ CRITICAL - runq.plist_sz [0-9]+ > 0; the command exited with status 5 \\|" --during 'exit 5;' 'runq.plist_sz > 0'
	during 3 "; the command was killed by signal 9 \\(Killed\\) \\|" --during 'kill -9 $$' 'runq.plist_sz > 100000000'
	run --separate-stderr timeout 30 "$PQ" check --json --during 'sleep 0.5; exit 7' 'runq.plist_sz > 100000000'
	[ "$status" -eq 3 ]
	[ "$(json '[.verdict, .command_status, .interval_s >= 0.5]')" = '["unknown",7,true]' ]
}

@test "--during splits words, uses a shell if needed, sends output to stderr, and passes stdin" {
	during 0 '^PQ OK' --during "printf %s, a  b" 'runq.plist_sz > 100000000'
	[[ $stderr == *"a,b,"* ]]
	during 0 '^PQ OK' --during 'X="a  b"; echo "$X"' 'runq.plist_sz > 100000000'
	[[ $stderr == *"a  b"* ]]
	during 0 '^PQ OK' --during 'X=1 env' 'runq.plist_sz > 100000000'
	[[ $stderr == *"X=1"* ]]
	during 0 '^PQ OK' --during cat 'runq.plist_sz > 100000000' <<<"from stdin"
	[[ $stderr == *"from stdin"* ]]
}

@test "--during fails if the command cannot be started" {
	fails 3 "cannot start 'nosuch a b': No such file" "$PQ" check --during 'nosuch a b' 'runq.plist_sz > 1'
	fails 3 '--during: empty command' "$PQ" check --during ' ' 'runq.plist_sz > 1'
	: >script
	fails 3 "cannot start './script': Permission denied" "$PQ" check --during ./script 'runq.plist_sz > 1'
}

ended() { [ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "SIGTERM ends the command and its children without a verdict" {
	start "$PQ" check --during 'sleep 1000 & echo $! >child; echo $$ >command; wait' 'runq.plist_sz > 1' >out 2>err
	await test -s command
	kill -TERM "$last"
	wait "$last" && ended=0 || ended=$?
	[ "$ended" -eq 3 ]
	[ ! -s out ]
	grep -q 'stopped by a signal' err
	await ended "$(cat child)"
	await ended "$(cat command)"
}
