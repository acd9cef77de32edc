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

# shellcheck disable=SC2016 # bash -c
@test "text prints marks where they are, whatever selects the lines" {
	run "$PQ" trace text -u --slow 300ms x.trace
	[ "${lines[2]}" = '14:13:20.501000     trigger wait > 100ms' ]
	[[ ${lines[3]} == 14:13:20.5015* ]]
	run bash -c '"$1" trace text -u --to -701ms x.trace 2>/dev/null | grep trigger' bash "$PQ"
	[ -z "$output" ]
	run bash -c '"$1" trace text -u --json x.trace 2>/dev/null | grep trigger' bash "$PQ"
	[ -z "$output" ]
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
	[ "${#lines[@]}" -eq 3 ] # the header, and a mark
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
	"$PQ" trace text -p 400 x.trace 2>/dev/null | grep 400 | tail -n 2 | grep -o '[a-z]*\[400]' | diff - <(printf '%s\n' 'lock[400]' 'reborn[400]')
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
	"$PQ" trace text x.trace >of-file 2>&1
	# shellcheck disable=SC2002 # a pipe
	cat x.trace | "$PQ" trace text - 2>&1 | sed 's/: -: /: x.trace: /' >of-pipe
	[ "$(wc -l <of-file)" -gt 10 ]
	diff of-file of-pipe
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
	fails 2 "unknown command 'txt': want text, info, export or save" "$PQ" trace txt x.trace
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

# hardly_any_lost: a trace, told on stdin, has its events. An interrupt may take the slot of another event: one in 100,000 or so.
hardly_any_lost() {
	sed -nE 's/.*[ :]([0-9]+) events in [0-9.]+ s, ([0-9]+) lost.*/\1 \2/p' | awk '{ n++; bad += !($1 > 0 && $2 <= 1 + $1 / 10000) } END { exit !(n == 1 && !bad) }'
}

waited_ns() { cut -d ' ' -f 2 "/proc/$1/schedstat"; }

@test "live: of two loops on one CPU, pq who names one as a culprit of the other" {
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
	echo "$output"
	hardly_any_lost <<<"$output"
	"$PQ" who -f live.trace -t -p $victim --json >rows 2>/dev/null
	jq -s -e --arg culprit "sh/$culprit" 'any(.culprit == $culprit and .behind == "neighbour" and .wait_ms > 20)' rows
	# it cannot have waited for longer than the kernel says
	jq -s -e --argjson most $(((after - before) / 1000000 + 10)) '.[0] | .wait_ms > 100 and .wait_ms < $most' rows
	"$PQ" trace text live.trace --json -p $victim 2>/dev/null >lines
	jq -s -e 'length > 10 and all(.task == "sh" and .cpu == 0) and ([.[].run_ms] | add > 20)' lines
}

@test "live: a process that came and ended meanwhile has the cgroup of who created it" {
	need_ring
	local child
	start "$PQ" trace -o born.trace 2>/dev/null
	await test -e born.trace # it records
	child=$(sh -c 'echo $$; exec sleep 0.05')
	kill -TERM "$last"
	wait "$last"
	"$PQ" trace text born.trace --json -p "$child" 2>/dev/null >lines
	jq -s -e --arg cgroup "$(sed -n 's/^[0-9]*:\(cpu\|cpu,cpuacct\|\):\(.*\)/\2/p' /proc/self/cgroup | head -n 1)" \
		'length > 0 and all(.cgroup == $cgroup)' lines
}

@test "live: Ctrl-C ends a recording without a time, and saves it" {
	need_ring
	: >said
	start env --default-signal=INT,TERM "$PQ" trace -o stop.trace 2>said
	await grep -q 'events per second: the last .* s are kept' said
	kill -INT "$last"
	wait "$last"
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
	fails 1 'cannot write stdout: No space left on device' sh -c '"$1" trace -o - 10ms >/dev/full' sh "$PQ"
}

# shellcheck disable=SC2016 # eval
@test "-p of a thread, or of a process that is not there, is refused before anything is loaded" {
	local helper thread how
	helper=$(dirname "$PQ")/tests/helper
	start "$helper" rest 2
	await eval '[ "$(ls "/proc/$last/task" | wc -l)" -gt 1 ]'
	thread=$(find "/proc/$last/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$last" | head -n 1)
	for how in '-o y.trace' '--save .'; do
		# shellcheck disable=SC2086 # two words
		fails 2 'no such process: 4194300' "$helper" refuse bpf 1 "$PQ" trace -p 4194300 $how 10ms
		# shellcheck disable=SC2086
		fails 2 "$thread is a thread, not a process: it belongs to process $last .use -p $last.\$" \
			"$helper" refuse bpf 1 "$PQ" trace -p "$thread" $how 10ms
	done
	fails 2 'no such process: 99999999999' "$PQ" trace -p 99999999999 -o y.trace 10ms
	[ ! -e y.trace ]
}

# online LIST COMMAND…: as if only these CPUs were online when the command begins.
online() {
	echo "$1" >online
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -m bash -c 'mount --bind online /sys/devices/system/cpu/online && exec "$@"' bash "$@"
}

@test "live: events of a CPU that came online later are lost, and it is told why" {
	need_ring
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	online 0 true 2>/dev/null || skip "no mount namespaces"
	start taskset -c 1 "$(dirname "$PQ")/tests/helper" wake 1000
	run online 0 "$PQ" trace -o late.trace 100ms
	[ "$status" -eq 0 ]
	[[ $output == *"came online after the rings were made and ha"*" none: all events of "*" are lost"* ]]
	"$PQ" trace info --json late.trace | jq -e '.lost_events > 0'
	run --separate-stderr online 0 "$PQ" who --source bpf 0.2 1
	[ "$status" -eq 0 ]
	[[ $stderr == *"a CPU came online after pq began, and has no ring"* ]]
	[[ $stderr != *"faster than pq reads them"* ]]
}

@test "trace without privilege says what would help" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 "$BATS_TEST_TMPDIR"
	fails 3 'BPF is not available' setpriv --reuid=65534 --regid=65534 --clear-groups "$PQ" trace -o - 10ms
}

# ---- Kept all the time, and saved when a condition holds

# keeper OPTIONS…: starts a recorder that saves to the directory x, with its log in `log`.
keeper() {
	mkdir -p x
	: >log
	start env --default-signal=INT,TERM "$PQ" trace --ring 16M --save x "$@" >out 2>log
	keeper=$last
	await grep -q ' records: ' log
}

# ends [SIGNAL]: the recorder ends with status 0, and wrote nothing to stdout.
ends() {
	local status=0
	kill -"${1:-TERM}" "$keeper"
	wait "$keeper" || status=$?
	[ $status -eq 0 ] || { echo "status $status" >&2; cat log >&2; return 1; }
	grep -q ' stopped: [0-9]* events, ' log
	[ ! -s out ]
}

# said PATTERN: waits until the log has such a line.
said() { await grep -qE -- "$1" log; }

saved() { find x -name 'pq-*.trace' | wc -l; }

# named FILE: pq who says of this trace that the victim waited long behind the spinner.
named() {
	"$PQ" who -f "$1" -t -p "$victim" --json 2>/dev/null |
		jq -s -e 'any((.culprit | startswith("spinner")) and .behind == "neighbour" and .longest_ms > 250)' >/dev/null
}

# A real-time process runs for 350 ms, whatever else there is to do, so that no other thread of its CPU runs meanwhile. A kernel
# that hides processes from BPF hides who ran at times: then it is tried again.
@test "live: a wait of 300 ms is caught while nobody looks, and pq who names the culprit" {
	need_ring
	chrt -f 1 true 2>/dev/null || skip "real-time scheduling is not permitted"
	local tries n=0 file
	start taskset -c 0 sh -c 'exec 3>&-; while :; do :; done'
	victim=$last
	cp "$(dirname "$PQ")/tests/helper" spinner
	keeper --when 'wait > 300ms' --before 1s --after 500ms --cooldown 0s --max-saves 1000
	for ((tries = 0; tries < 8; tries++)); do
		timeout 0.35 taskset -c 0 chrt -f 1 ./spinner burn 1 3>&- || true
		await has_saved $((n + 1))
		n=$(saved)
		file=$(find x -name 'pq-*.trace' | sort | tail -n 1)
		! named "$file" || break
		sleep 1 # a condition on waits fires once a second at most
	done
	kill "$victim"
	ends
	"$PQ" trace info "$file" >about
	grep -qx 'trigger   wait > 300ms' about
	grep -qE '^mark .* trigger wait_ms of .* is [0-9.]+: wait > 300ms$' about
	grep -qx 'damage    none' about
	"$PQ" trace export "$file" -o x.perfetto
	grep -q 'trigger wait_ms of ' x.perfetto
	named "$file" || { grep -q 'the kernel hides some processes' log && skip "this kernel hides too many switches"; }
}

@test "live: with a condition on waits only, pq sleeps: no wake-ups" {
	need_ring
	keeper --when 'wait > 1h'
	said ' rate: '
	before=$(grep ctxt "/proc/$keeper/status")
	sleep 1
	[ "$before" = "$(grep ctxt "/proc/$keeper/status")" ]
	ends
}

@test "live: SIGUSR1 and pq trace save save what was up to now" {
	need_ring
	keeper
	fails 2 "save: invalid process 'x'" "$PQ" trace save x
	fails 1 "save: process $$ is not a pq trace with --save or --when" "$PQ" trace save $$
	fails 2 "unexpected argument '2'" "$PQ" trace save 1 2
	sh -c 'exec sleep 0.01'
	kill -USR1 "$keeper"
	said 'fired: asked for by SIGUSR1$'
	said 'saved: asked for by SIGUSR1: x/pq-.*\.trace, [0-9.]+ [KM]iB, [0-9]+ events in [0-9.]+ s, [0-9]+ lost'
	hardly_any_lost <log
	"$PQ" trace save "$keeper"
	await_saved 2
	ends INT
	for f in x/pq-*.trace; do
		"$PQ" trace info "$f" >about
		grep -qE '^mark .* asked for by SIGUSR1$' about
		run ! grep -q '^trigger' about
		grep -qx 'damage    none' about
	done
}

await_saved() { await has_saved "$1"; }
has_saved() { [ "$(saved)" -ge "$1" ]; }

@test "live: conditions of tools, the command, and limits are those of pq record" {
	need_ring
	# shellcheck disable=SC2016 # the command's shell
	keeper --when 'runq.runq_sz >= 0' --cooldown 0s --after 0s --max-saves 1 --exec sh -c 'echo "command: $PQ_TRACE $PQ_TAPE. $PQ_COLUMN"'
	said '^command: x/pq-.*\.trace \. runq.runq_sz$'
	said 'ran: sh: finished in'
	kill -USR1 "$keeper"
	said 'refused: not saved: x already holds 1 saved windows \(--max-saves\)'
	ends
	[ "$(saved)" -eq 1 ]
	"$PQ" trace info x/pq-*.trace | grep -qE '^mark .* trigger runq.runq_sz is [0-9.e+]+: runq.runq_sz >= 0$'
}

@test "live: --last measures for a second, whatever signals come" {
	need_ring
	local begun=${EPOCHREALTIME/[.,]/}
	: >log
	start env --default-signal=INT,TERM "$PQ" trace --save . --last 1s 2>log
	await grep -q nanosleep "/proc/$last/wchan"
	kill -USR1 "$last"
	said ' records: '
	[ $((${EPOCHREALTIME/[.,]/} - begun)) -ge 1000000 ]
	said 'fired: asked for by SIGUSR1'
	kill -TERM "$last"
	wait "$last"
}

@test "live: --json logs objects" {
	need_ring
	mkdir x
	"$PQ" trace --ring 1M --save x --when 'wait > 1h' --json 20ms 2>log
	jq -s -e 'map(.tool == "trace" and .event) | all' log
	jq -s -e '[.[].event] | index("records") == 0 and index("stopped") > 0' log
}

@test "live: a full disk loses the saved trace, is told, and recording goes on" {
	need_ring
	small_disk size=64k
	ln -s disk x
	keeper
	dd if=/dev/zero of=disk/fill bs=1k 2>/dev/null || true
	kill -USR1 "$keeper"
	said 'failed: cannot save the trace: No space left on device$'
	[ "$(ls disk)" = fill ]
	rm disk/fill
	mount -o remount,size=64m disk
	kill -USR1 "$keeper"
	said 'saved: asked for by SIGUSR1: .*; 1 more triggers since the last save were not saved$'
	ends
	"$PQ" trace info x/pq-*.trace | grep -qx 'damage    none'
}

@test "live: killed by force, it leaves nothing attached" {
	need_ring
	local ids
	keeper --when 'wait > 1h'
	readarray -t ids < <(sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$keeper"/fdinfo/* | sort -u)
	[ "$(loaded "${ids[@]}")" -ge 6 ]
	kill -9 "$keeper"
	wait "$keeper" || true
	await none_loaded "${ids[@]}"
}

loaded() { "$(dirname "$PQ")/tests/helper" loaded "$@"; }
none_loaded() { [ "$(loaded "$@")" -eq 0 ]; } # the kernel takes a moment

@test "conditions with nothing to decide on are refused" {
	fails 2 "--when '1 > 0': there is nothing to decide on: name a column such as runq.runq_sz" "$PQ" trace --save . --when '1 > 0'
	fails 2 'a single wait stands alone' "$PQ" trace --save . --when 'wait < 100ms'
	fails 2 'a single wait stands alone' "$PQ" trace --save . --when 'wait > 100'
	fails 2 'a single wait stands alone' "$PQ" trace --save . --when 'wait > 100ms and runq.runq_sz > 1'
	run "$PQ" trace --save . --when 'frob.x > 1'
	[ "$status" -eq 2 ]
	[ "${lines[1]}" = '  frob.x > 1' ]
	fails 2 'cannot save to none: No such file or directory' "$PQ" trace --save none
	fails 2 '-o: not allowed with --save' "$PQ" trace --save . -o y.trace
	fails 2 '--last: cannot be combined with --ring' "$PQ" trace --save . --ring 1M --last 1s
	fails 2 '-a: no condition of --when names a column of a tool that has it' "$PQ" trace --save . -a --when 'wait > 1s'
	fails 2 'info: --when is not allowed' "$PQ" trace info --when 'wait > 1s' x.trace
	fails 2 "--when 'wait > 1s': a single wait is known only with --trace" "$PQ" record --when 'wait > 1s' 10ms 1
}

@test "live: pq record --trace saves both, beside each other" {
	need_ring
	# shellcheck disable=SC2016 # the command's shell
	"$PQ" record --trace=4M --save . --when 'runq.runq_sz >= 0' --after 0s 50ms 20 runq --exec sh -c 'echo "both: $PQ_TAPE $PQ_TRACE"' 2>log
	tape=$(echo pq-*.tape)
	[ "$(echo pq-*.trace)" = "${tape%.tape}.trace" ]
	grep -qx "both: ./$tape ./${tape%.tape}.trace" log
	"$PQ" tape verify "$tape"
	"$PQ" trace info "${tape%.tape}.trace" | grep -qx 'trigger   runq.runq_sz >= 0'
	"$PQ" trace export "${tape%.tape}.trace" -f "$tape" -o both.perfetto
	# one window of two files
	"$PQ" record --trace=4M --save . --max-saves 2 --when 'runq.runq_sz >= 0' --after 0s 50ms 20 runq 2>log
	[ "$(find . -name 'pq-*.tape' | wc -l)" -eq 2 ]
	"$PQ" record --trace=4M --save . --max-saves 2 --when 'runq.runq_sz >= 0' --after 0s 50ms 5 runq 2>log
	said 'refused: not saved: . already holds 2 saved windows'
}

@test "live: pq record --trace takes conditions on waits" {
	need_ring
	start taskset -c 0 sh -c 'exec 3>&-; while :; do :; done'
	start taskset -c 0 sh -c 'exec 3>&-; while :; do :; done'
	"$PQ" record --trace --save . --when 'wait > 1ms' --after 200ms 50ms 20 runq 2>log
	said 'saved: wait_ms of .* is [0-9.]+: wait > 1ms: ./pq-.*.trace, '
	said 'saved: wait_ms of .* is [0-9.]+: wait > 1ms: ./pq-.*.tape, '
}

@test "live: pq record --trace saves after a long wait, and not at its next sample" {
	need_ring
	start taskset -c 0 sh -c 'exec 3>&-; while :; do :; done'
	start taskset -c 0 sh -c 'exec 3>&-; while :; do :; done'
	: >log
	start env --default-signal=INT,TERM "$PQ" record --trace=4M --save . --when 'wait > 1ms' --after 0s 10m runq 2>log
	said 'saved: wait_ms of .* is [0-9.]+: wait > 1ms: ./pq-.*.trace, '
	said 'saved: wait_ms of .* is [0-9.]+: wait > 1ms: ./pq-.*.tape, '
	kill -TERM "$last"
	wait "$last"
	said 'stopped: 1 sample, '
}

@test "live: without saved windows, the trace of pq record is saved at the end" {
	need_ring
	for _ in 1 2; do "$PQ" record --trace=4M -o w.tape 20ms 10 runq 2>log; done
	said 'saved: w-2.trace: [0-9]+ events in '
	"$PQ" trace info w.trace | grep -qx 'damage    none'
	"$PQ" trace info w-2.trace | grep -qx 'damage    none'
	fails 2 "--trace: not allowed with -o -" "$PQ" record --trace -o - 10ms 1
	fails 2 "--trace: not allowed with --root" "$PQ" record --trace --root . 10ms 1
	fails 2 "invalid --trace '0'" "$PQ" record --trace=0 10ms 1
}
