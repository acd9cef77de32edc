#!/usr/bin/env bats
# pq trace: lines for times on a CPU, and sums, of the small trace that tests/trace_sample.c writes.
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

setup() {
	here
	"$(dirname "$PQ")/tests/trace_sample" x.trace
}

# lines OPTIONS…: task, wait, delay and run of each line, in one line each.
lines() {
	"$PQ" trace text x.trace --json "$@" 2>/dev/null |
		jq -r 'map_values(if type == "number" then . + 0 else . end) | "\(.tid) \(.wait_ms) \(.delay_ms) \(.run_ms)"'
}

# damage OFFSET: flips a bit of x.trace.
damage() {
	local byte
	byte=$(od -An -tu1 -j "$1" -N 1 x.trace)
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$(printf %o $((byte ^ 4)))" | dd of=x.trace bs=1 seek="$1" conv=notrunc status=none
}

@test "text has a line for each time on a CPU" {
	golden trace/text.txt "$PQ" trace text -u x.trace
}

@test "text --json has the same times, with all digits and the cgroup" {
	golden trace/text-json.txt "$PQ" trace text -u --json x.trace
}

@test "info sums a trace up" {
	golden trace/info.txt "$PQ" trace info -u x.trace
	golden trace/info-json.txt "$PQ" trace info -u --json x.trace
}

@test "a trace without a reading of the clock has times since boot" {
	"$(dirname "$PQ")/tests/trace_sample" x.trace no-clock
	golden trace/no-clock.txt "$PQ" trace text x.trace
	golden trace/no-clock-info.txt "$PQ" trace info x.trace
	run "$PQ" trace text --json x.trace
	json_is 'select(.tid == 12) | [.time, .unix_s, .boot_s + 0]' '[null,null,5.1006]'
	fails 1 'x.trace: --from and --to need a reading of the clock' "$PQ" trace text --from -1s x.trace
}

@test "-p selects a process with its threads, or a thread" {
	run lines -p 100
	[ "$(cut -d ' ' -f 1 <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')" = " 2 100 4 101 " ]
	run lines -p 101
	[ "${#lines[@]}" -eq 4 ]
	run lines -p 999 # not in the list of threads
	[ "${lines[0]}" = "999 null null 10" ]
}

@test "-g selects a cgroup and those below it, by its path or by a name in it" {
	for name in /batch /batch/etl/ etl /sys/fs/cgroup/batch; do
		run lines -g "$name"
		[ "$(cut -d ' ' -f 1 <<<"$output" | sort -u | tr '\n' ' ')" = "200 300 " ]
	done
	run lines -g /
	[ "${#lines[@]}" -eq 10 ] # all threads with a cgroup
	fails 2 "x.trace: no thread of a cgroup '/bat' is in it" "$PQ" trace text -g /bat x.trace
}

@test "--slow selects waits for a CPU, not idle CPUs or blocked threads" {
	run lines --slow 10ms
	[ "$output" = "101 98.9 300 1.5" ]
	run lines --slow 300ms
	[ "${#lines[@]}" -eq 1 ]
	run --separate-stderr "$PQ" trace text --slow 301ms x.trace
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ] # the header
	[[ ${stderr_lines[0]} == *"no thread left a CPU, of what the options select"* ]]
}

@test "--from and --to select by time, and do not change the times" {
	run lines -u --from 14:13:20.5015 --to 14:13:20.5015
	[ "$output" = "101 98.9 300 1.5" ]
	run lines --from -200ms
	[ "$(cut -d ' ' -f 1 <<<"$output" | tr '\n' ' ')" = "0 101 200 " ]
}

@test "wakings that come early or twice do not change the times, nor does a number that is used again" {
	run lines -p 400
	[ "$output" = "400 null null 1
400 0 0.2 0.8
400 8 0.1 0.9
400 0 1 1
400 0 1 1" ]
	"$PQ" trace text -p 400 x.trace 2>/dev/null | tail -n 2 | grep -o '[a-z]*\[400]' | diff - <(printf '%s\n' 'lock[400]' 'reborn[400]')
}

@test "times across a loss are unknown" {
	# 100 began to run before events of its CPU were lost; 200 ran on the other CPU meanwhile
	run lines
	grep -qx '100 null null null' <<<"$output"
	grep -qx '200 0 1.3 598.5' <<<"$output"
}

@test "damage is told, and what it hides is lost and not made up" {
	run "$PQ" trace info --json x.trace
	events=$(json .events)
	damage 120
	run --separate-stderr "$PQ" trace text x.trace
	[ "$status" -eq 0 ]
	[[ $stderr == *"x.trace: 1 block is damaged"* ]]
	run "$PQ" trace info --json x.trace
	[ $(($(json .events) + $(json .lost_events))) -eq $((events + 40)) ]
	json_is '[.damaged_blocks, .cut]' '[1,false]'
	[ "$(json .events)" -lt "$events" ]
	"$PQ" trace info x.trace | grep -qx 'damage    1 block is damaged'
}

@test "a trace that was cut is told" {
	head -c 400 x.trace >cut.trace
	run --separate-stderr "$PQ" trace text cut.trace
	[ "$status" -eq 0 ]
	[[ $stderr == *"cut.trace: the end is missing"* ]]
	"$PQ" trace info cut.trace | grep -qx 'damage    the end is missing'
}

@test "a trace without events has no times" {
	head -c 32 x.trace >empty.trace
	golden trace/empty.txt "$PQ" trace info empty.trace
	run "$PQ" trace info --json empty.trace
	json_is '[.time, .from, .to, .span_s, .events, .events_per_s, .bytes_per_event]' '[null,null,null,null,0,null,null]'
	run "$PQ" trace text empty.trace
	[ "$status" -eq 0 ]
}

@test "a trace comes from a pipe too" {
	# shellcheck disable=SC2002 # a pipe
	diff <("$PQ" trace text x.trace 2>&1) <(cat x.trace | "$PQ" trace text - 2>&1 | sed 's/: -: /: x.trace: /')
}

@test "names in a trace do not obey the terminal" {
	"$PQ" trace text x.trace 2>/dev/null >out
	grep -qF 'sh\033[1m[300]' out
	run ! grep -q $'\033' out
}

# shellcheck disable=SC2016 # bash -c
@test "a full disk and a reader that has gone" {
	fails 1 'cannot write: No space left on device' bash -c '"$1" trace text x.trace >/dev/full' bash "$PQ"
	fails 1 'cannot write: No space left on device' bash -c '"$1" trace info x.trace >/dev/full' bash "$PQ"
	run bash -c '"$1" trace text x.trace 2>&1 | head -n 2' bash "$PQ"
	[ "${#lines[@]}" -eq 2 ]
}

# shellcheck disable=SC2016 # bash -c
@test "wrong arguments, and files that are no trace" {
	fails 2 'missing argument: want -o FILE' "$PQ" trace
	fails 2 "unknown command 'txt': want text, info or export" "$PQ" trace txt x.trace
	fails 2 'text: missing argument: want a saved trace' "$PQ" trace text
	fails 2 "unexpected argument 'y'" "$PQ" trace text x.trace y
	fails 2 "invalid -p 'api': want the number of a process" "$PQ" trace text -p api x.trace
	fails 2 'info: --slow is not allowed' "$PQ" trace info --slow 1s x.trace
	fails 2 'info: -p is not allowed' "$PQ" trace info -p 1 x.trace
	fails 2 'cannot open none: No such file' "$PQ" trace text none
	fails 2 'x: not a saved trace' bash -c 'echo >x; "$1" trace text x' bash "$PQ"
	fails 2 '/: Is a directory' "$PQ" trace text /
	fails 2 'from 14:14:00 is later than --to 14:13:20' "$PQ" trace text -u --from 14:14:00 --to 14:13:20 x.trace
	damage 0 # the other copy of the header serves
	"$PQ" trace info x.trace | grep -qx 'damage    1 block is damaged'
	damage 16
	fails 2 'x.trace: not a saved trace' "$PQ" trace info x.trace
}

# need_ring: skips where BPF is not available.
need_ring() {
	run "$PQ" trace -o need.trace 10ms
	[ "$status" -ne 3 ] || skip "$output"
	[ "$status" -eq 0 ]
}

waited_ns() { cut -d ' ' -f 2 "/proc/$1/schedstat"; }

@test "live: of two loops on one CPU, pq who names each as the culprit of the other" {
	need_ring
	taskset -c 0 sh -c 'while :; do :; done' 3>&- &
	local victim=$! before after
	taskset -c 0 sh -c 'while :; do :; done' 3>&- &
	local culprit=$!
	before=$(waited_ns $victim)
	run "$PQ" trace -o live.trace 1
	after=$(waited_ns $victim)
	kill $victim $culprit
	[ "$status" -eq 0 ]
	[[ $output == *"live.trace: "*" events in "[1-9].[0-9]" s, 0 lost"* ]]
	"$PQ" who -f live.trace -t -p $victim --json >rows 2>/dev/null
	jq -s -e --arg culprit "sh/$culprit" '.[1] | .culprit == $culprit and .behind == "neighbour" and .share_pct > 40' rows
	# it cannot have waited for longer than the kernel says
	jq -s -e --argjson most $(((after - before) / 1000000 + 10)) '.[0] | .wait_ms > 100 and .wait_ms < $most' rows
	"$PQ" trace text live.trace --json -p $victim 2>/dev/null >lines
	jq -s -e 'length > 10 and all(.task == "sh" and .cpu == 0) and ([.[].run_ms] | add > 200)' lines
}

@test "live: a process that came and ended meanwhile has the cgroup of who created it" {
	need_ring
	"$PQ" trace -o born.trace 1 2>/dev/null &
	sleep 0.4
	local child
	child=$(sh -c 'echo $$; exec sleep 0.05')
	child=$(tail -n 1 <<<"$child")
	wait $!
	"$PQ" trace text born.trace --json -p "$child" 2>/dev/null >lines
	jq -s -e --arg cgroup "$(sed -n 's/^[0-9]*:\(cpu\|cpu,cpuacct\|\):\(.*\)/\2/p' /proc/self/cgroup | head -n 1)" \
		'length > 0 and all(.cgroup == $cgroup)' lines
}

@test "live: Ctrl-C ends a recording without a time, and saves it" {
	need_ring
	"$PQ" trace -o stop.trace 2>said &
	local pid=$!
	sleep 1.3
	kill -INT $pid 2>/dev/null || kill -TERM $pid
	kill -TERM $pid 2>/dev/null || true # background jobs of a script ignore SIGINT
	wait $pid
	grep -q 'events per second: the last .* s are kept' said
	grep -q 'stop.trace: .* events in' said
	run "$PQ" trace info stop.trace
	[[ $output == *"damage    none"* ]]
}

# shellcheck disable=SC2016 # sh -c
@test "trace says at once what it cannot do" {
	fails 2 'missing argument: want -o FILE' "$PQ" trace
	fails 2 '-o FILE is required' "$PQ" trace 1
	fails 2 "unexpected argument '2'" "$PQ" trace -o y.trace 1 2
	fails 2 '--slow: not allowed while recording' "$PQ" trace -o y.trace --slow 1ms 1
	fails 2 '--ring is not allowed' "$PQ" trace text --ring 1M x.trace
	fails 2 "unknown command 'rec'" "$PQ" trace rec x.trace
	[ ! -e y.trace ]
	need_ring
	fails 2 'x.trace: file exists' "$PQ" trace -o x.trace 10ms
	fails 1 'cannot write /nonexistent/y.trace' "$PQ" trace -o /nonexistent/y.trace 10ms
	fails 1 'cannot write -: No space left on device' sh -c '"$1" trace -o - 10ms >/dev/full' sh "$PQ"
}

@test "trace without privilege says what would help" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 "$BATS_TEST_TMPDIR"
	fails 3 'BPF is not available' setpriv --reuid=65534 --regid=65534 --clear-groups "$PQ" trace -o - 10ms
}
