#!/usr/bin/env bats
# pq record: what it writes and reports, how it ends and continues; triggers, saved windows, and commands.
# shellcheck disable=SC2016,SC2030,SC2031 # shells and jq of their own; each test is a process, and has its own recorder
load helper

setup() {
	here
	machine root
}

# set_plist N: sets plist_sz to N, three digits. No reader sees half of it.
set_plist() {
	printf %s "$1" | dd of=root/proc/loadavg bs=1 seek=17 conv=notrunc status=none
}

# recorder ARGUMENTS…: starts a recorder of that machine in the background, to x.tape, and waits for its first samples.
recorder() {
	: >log
	start env --default-signal=INT,TERM "$PQ" record --root root -o x.tape "$@" >out 2>log
	recorder=$last
	said 'records'
	samples 2
}

# said PATTERN [TIMES]: waits until the log has that many matching lines (default 1).
said() {
	await has_lines "${2:-1}" "$1"
}

has_lines() { [ "$(grep -cE -- "$2" log)" -ge "$1" ]; }

count() {
	"$PQ" tape info --json x.tape 2>/dev/null | jq .rows
}

# samples N: waits until the recording has N more.
samples() {
	local was
	was=$(count)
	await has_samples $((${was:-0} + $1))
}

has_samples() { [ "$(count)" -ge "$1" ] 2>/dev/null; }

# stop [SIGNAL]: the recorder ends with status 0, and wrote nothing to stdout.
stop() {
	local status=0
	kill -"${1:-TERM}" "$recorder"
	wait "$recorder" || status=$?
	[ $status -eq 0 ] || { echo "status $status" >&2; cat log >&2; return 1; }
	said 'stopped: [0-9]+ samples, '
	[ ! -s out ]
	"$PQ" tape verify x.tape
}

# times PATTERN N: the log has N matching lines.
times() {
	[ "$(grep -cE -- "$1" log)" -eq "$2" ] || { cat log >&2; return 1; }
}

saved() {
	find "${1:-.}" -maxdepth 1 -name 'pq-*.tape' | wc -l
}

@test "without tools it records what one wants after a spike, to pq.tape" {
	run --separate-stderr "$PQ" record --budget 100% 10ms 3
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *"records: runq cpu:1s throttle mem:1s tasks:10s psi:1s disk:1s sock:10s every 10 ms to pq.tape"* ]]
	[[ ${stderr_lines[-1]} == *"stopped: 3 samples, "*" missed, 0 lost, "* ]]
	[ "$("$PQ" tape info --json pq.tape | jq -r '[.tools, .rows] | tostring')" = '["runq cpu throttle mem tasks psi disk sock",3]' ]
	"$PQ" runq --json -f pq.tape >rows 2>/dev/null
	[ "$(jq -r .interval_s rows | wc -l)" -ge 2 ]
}

@test "a condition on disk is about the cgroup of -g, and else about the disks" {
	run --separate-stderr "$PQ" record --root root -o x.tape --when 'disk.limit_pct > 90' 20ms 2
	[ "$status" -eq 2 ]
	[[ $stderr = *"unknown column 'limit_pct' in disk"* ]]
	run --separate-stderr "$PQ" record --root root -g / -o x.tape --when 'disk.w_await_ms > 50' 20ms 2
	[ "$status" -eq 2 ]
	[[ $stderr = *"unknown column 'w_await_ms' in disk"* ]]
}

@test "a tool with an interval of its own has rows at that interval in every replay" {
	"$PQ" record --budget 100% --root root -o x.tape 20ms 31 runq cpu:200ms psi:100ms 2>log
	said 'records: runq cpu:200ms psi:100ms every 20 ms to x.tape$'
	[ "$("$PQ" runq --json -f x.tape 2>/dev/null | wc -l)" -eq 30 ]
	"$PQ" psi --json -f x.tape 2>/dev/null | jq -c .interval_s >rows
	[ "$(wc -l <rows)" -ge 5 ]
	[ "$(jq -s 'min > 0.05' rows)" = true ]
	"$PQ" tape cut --from +50ms -o cut.tape x.tape # its first sample lacks psi
	[ "$("$PQ" psi --json -f cut.tape 2>/dev/null | wc -l)" -ge 4 ]
	"$PQ" tape unpack x.tape unpacked
	diff rows <("$PQ" psi --json -f unpacked 2>/dev/null | jq -c .interval_s)
	"$PQ" why --json -f cut.tape >answer || true
	jq -es 'length > 0' answer >/dev/null
}

@test "a wrong interval of a tool is refused" {
	fails 2 "mem:x: invalid interval 'x'" "$PQ" record --root root 100ms runq mem:x
	fails 2 'mem: an interval of 150 ms is no multiple of the shortest one, 100 ms' \
		"$PQ" record --root root 100ms runq mem:150ms
	fails 2 'pq export has one interval for all tools' "$PQ" export --textfile . runq:1s
}

@test "beyond its budget a tool is read less often, which the log and tape info say" {
	cp -r root many
	for i in $(seq 300); do
		mkdir -p "many/sys/fs/cgroup/g$i"
		printf '50000 100000\n' >"many/sys/fs/cgroup/g$i/cpu.max"
		printf 'usage_usec 1\nnr_periods 1\nnr_throttled 0\nthrottled_usec 0\n' >"many/sys/fs/cgroup/g$i/cpu.stat"
	done
	"$PQ" record --root many --budget 0.1% -a -o x.tape 10ms 40 runq throttle psi 2>log
	grep -E 'note: [a-z]+: reading it every 10 ms takes [0-9.]+ % of a CPU; it is read every [0-9]+ ms, to stay within 0.1 %' log
	"$PQ" tape info x.tape | grep -E '^intervals .* \([a-z]+ .* budget of 0.1 %'
}

@test "a recorder notices that its file is gone, and starts a new one" {
	for loss in 'rm x.tape' 'mv x.tape y.tape' 'truncate -s 0 x.tape'; do
		recorder 10ms runq
		eval "$loss"
		said 'lost: x.tape was (deleted|truncated); starting a new recording there$'
		samples 3
		stop
		rm -f x.tape y.tape
	done
	recorder 10ms runq
	mv x.tape y.tape
	echo 'dear diary' >x.tape
	wait "$recorder" && false
	said '^pq record: x.tape exists and is not a pq recording; not overwriting it$'
	[ "$(cat x.tape)" = 'dear diary' ]
}

@test "it records the named tools, with interval and count" {
	run --separate-stderr "$PQ" record -o x.tape 20ms 4 cpu runq
	[ "$status" -eq 0 ]
	[[ ${stderr_lines[0]} == *"records: cpu runq every 20 ms to x.tape" ]]
	[ "$("$PQ" tape info --json x.tape | jq -r '[.tools, .rows] | tostring')" = '["cpu runq",4]' ]
	fails 2 "unknown tool 'frob': usage is pq record" "$PQ" record frob
	fails 2 "unknown tool 'record'" "$PQ" record record
	fails 2 'runq: named twice' "$PQ" record runq cpu runq
	fails 2 'invalid interval' "$PQ" record 0 runq
	fails 2 'invalid count' "$PQ" record 1 0 runq
	fails 2 "unknown tool '3'" "$PQ" record 1 2 3
	fails 2 'runq: none of these tools supports -a' "$PQ" record -a runq
	fails 2 "unknown option '-f'" "$PQ" record -f x.tape
	fails 2 'cannot write none/x.tape: No such file' "$PQ" record -o none/x.tape 10ms 1
	fails 2 '\.: not a regular file' "$PQ" record -o . 10ms 1
	fails 2 'not a regular file' "$PQ" record -o /dev/null 10ms 1
}

@test "a target is passed to the tools that take one" {
	dir=$(capture 6.1-v2-throttled)
	"$PQ" record --root "$dir/t0" -o x.tape -a 5ms 3 runq throttle mem 2>/dev/null
	diff <("$PQ" throttle -a --json -c cgroup,limit_cpus -f x.tape 2>/dev/null | jq -c '[.cgroup, .limit_cpus]' | sort -u) \
		<("$PQ" throttle -a --json -c cgroup,limit_cpus -f "$dir" 2>/dev/null | jq -c '[.cgroup, .limit_cpus]' | sort -u)
}

@test "--ring takes a size, reserves it at once, and continues a ring" {
	for bad in x -1 0 1.5M 1Q '' 64MM; do
		echo "'$bad'"
		fails 2 'want a size such as' "$PQ" record --root root --ring "$bad" 10ms 1 runq
	done
	for bad in 1 4096 255K; do
		fails 2 'too small for a recording: want 256K or more' "$PQ" record --root root --ring "$bad" 10ms 1 runq
	done
	fails 2 'need a file' "$PQ" record --root root -o - --ring 1M 10ms 1 runq
	"$PQ" record --root root -o x.tape --ring 1M 5ms 3 runq 2>log
	said 'to x.tape, a ring of 1 MiB$'
	[ "$(stat -c %s x.tape)" -eq 1048576 ]
	[ "$(($(stat -c '%b * %B' x.tape)))" -ge 1048576 ]
	fails 2 'already a ring of 1048576 bytes' "$PQ" record --root root -o x.tape --ring 2M 5ms 3 runq
	"$PQ" record --root root -o x.tape --ring 1M 5ms 3 runq 2>log
	said 'a ring of 1 MiB, continuing it$'
	"$PQ" record --root root -o x.tape 5ms 3 runq 2>>log
	[ "$(stat -c %s x.tape)" -eq 1048576 ]
	[ "$(count)" -eq 9 ]
	"$PQ" record --root root -o plain.tape 5ms 3 runq 2>>log
	fails 2 'a recording without a ring' "$PQ" record --root root -o plain.tape --ring 1M 5ms 3 runq
}

@test "a ring that is too small says how large it must be, and leaves no file" {
	big=root
	seq -f 'filler%05g 1' 2500 >>root/proc/stat
	"$PQ" record --root "$big" --ring 256K -o x.tape 5ms 2 runq 2>log || status=$?
	[ "$status" -eq 2 ]
	said '--ring: too small for the files that these tools read here: want at least [0-9]+ bytes'
	[ ! -e x.tape ]
	"$PQ" record --root "$big" --ring "$(sed -n 's/.*at least \([0-9]*\) bytes.*/\1/p' log)" -o x.tape 5ms 2 runq 2>/dev/null
}

@test "the rate is told when each tool was read twice after its first sample" {
	"$PQ" record --root root -o x.tape --json 10ms 350 runq mem:1s 2>log
	start_s=$(jq -s 'map(select(.event == "records"))[0].unix_s' log)
	jq -es --argjson from "$start_s" 'map(select(.event == "rate")) | length == 1 and .[0].unix_s - $from >= 2' log >/dev/null
}

@test "record and tape info say how long the ring lasts" {
	recorder --ring 1M 2ms runq
	said 'rate: [0-9.]+ bytes per sample: the ring holds the last [0-9.]+ [a-z]+$'
	stop
	run "$PQ" tape info x.tape
	[[ $output =~ a\ ring\ that\ holds\ the\ last\ [0-9.]+\ [a-z]+ ]]
}

@test "tape info shows no cost of a recording shorter than a second" {
	"$PQ" record --root root -o x.tape 5ms 3 runq 2>/dev/null
	run "$PQ" tape info x.tape
	[ "$status" -eq 0 ]
	[[ $output =~ cost\ +-\ \(known\ after\ a\ second\ of\ recording\) ]]
	[[ $output != *' late'* ]]
	[ "$("$PQ" tape info --json x.tape | jq -c '[.cost_pct, .late_max_ms, .missed, .lost]')" = '[null,null,null,null]' ]
}

@test "the recording has the cost of recording" {
	"$PQ" record --root root -o x.tape 50ms 45 runq 2>/dev/null
	run "$PQ" tape info x.tape
	[[ $output =~ cost\ +[0-9.]+\ %\ of\ one\ CPU,\ at\ most\ [0-9.]+\ ms\ late,\ [0-9]+\ samples\ missed,\ 0\ lost ]]
	[ "$("$PQ" tape info --json x.tape | jq '.cost_pct >= 0 and .lost == 0')" = true ]
}

@test "record continues a recording, and does not overwrite another file" {
	"$PQ" record --root root -o x.tape 5ms 4 runq 2>log
	"$PQ" record --root root -o x.tape 5ms 4 runq 2>log
	said ', continuing it'
	[ "$(count)" -eq 8 ]
	"$PQ" runq --root root -o x.tape 0.005 3 >/dev/null 2>&1
	[ "$("$PQ" runq --json -f x.tape 2>/dev/null | wc -l)" -eq 11 ]
	printf 'dear diary\n' >diary
	cp diary copy
	fails 2 'exists and is not a pq recording' "$PQ" record --root root -o diary 5ms 2 runq
	fails 2 'exists and is not a pq recording' "$PQ" record --root root --ring 1M -o diary 5ms 2 runq
	fails 2 'exists and is not a pq recording' "$PQ" runq --root root -o diary 0.005 2
	cmp diary copy
	: >blank
	"$PQ" record --root root -o blank 5ms 2 runq 2>/dev/null
	"$PQ" tape verify blank
}

@test "a second recorder on one file is refused and names the first" {
	recorder 5ms runq
	fails 1 "x.tape: process $recorder is already recording to it" "$PQ" record --root root -o x.tape 5ms 2 runq
	fails 1 "x.tape: process $recorder is already recording to it" "$PQ" runq --root root -o x.tape 0.005 2
	samples 3
	stop
	"$PQ" record --root root -o x.tape 5ms 2 runq 2>/dev/null # it is free
}

@test "a directory without write permission is an error" {
	mkdir dir
	chmod 555 dir
	need_nobody
	fails 1 'cannot write .*dir/x.tape: Permission denied' as_nobody record --root "$PWD/root" -o "$PWD/dir/x.tape" 5ms 2 runq
}

@test "a read-only disk is an error" {
	small_disk ro,size=64k
	fails 1 'cannot write disk/x.tape: Read-only file system' "$PQ" record --root root -o disk/x.tape 5ms 2 runq
}

@test "a ring larger than the free space is an error and leaves no file" {
	small_disk size=512k
	fails 1 'cannot write disk/x.tape: No space left on device; a ring allocates its full size' \
		"$PQ" record --root root --ring 1M -o disk/x.tape 5ms 2 runq
	[ -z "$(ls disk)" ]
}

# fill: not a byte is left on it.
fill() {
	! dd if=/dev/zero of=disk/fill bs=4096 status=none oflag=append conv=notrunc 2>/dev/null
}

@test "a full disk is reported, and recording resumes when there is space" {
	small_disk size=512k
	ln -s disk/x.tape x.tape
	fill
	: >log
	start "$PQ" record --root root -o disk/x.tape 2ms runq >out 2>log
	recorder=$last
	said 'trouble: cannot write the recording: No space left on device; retrying with each sample$'
	rm disk/fill
	said 'written: writing works again; [0-9]+ samples were lost in all$'
	samples 5
	fill
	said 'trouble: ' 2
	n=$(count)
	rm disk/fill
	said 'written: ' 2
	samples 5
	[ "$(count)" -gt "$n" ]
	stop
	said 'stopped: [0-9]+ samples, [0-9]+ missed, [1-9][0-9]* lost'
	times 'trouble: ' 2
}

@test "after kill -9 the recording is readable and can be continued" {
	for ring in "" "--ring 1M"; do
		rm -f x.tape
		# shellcheck disable=SC2086 # nothing, or an option and its argument
		recorder $ring 2ms runq
		samples 20
		kill -9 "$recorder"
		wait "$recorder" || true
		run "$PQ" tape verify x.tape
		[ "$status" -eq 1 ]
		[[ $output == *"not closed by its recorder: later samples may be missing"* ]]
		n=$(count)
		[ "$n" -ge 20 ]
		"$PQ" record --root root -o x.tape 2ms 5 runq 2>>log
		said ', continuing it'
		"$PQ" tape verify x.tape
		[ "$(count)" -eq $((n + 5)) ]
	done
}

@test "a recording truncated in its last record can be continued" {
	"$PQ" record --root root -o x.tape 2ms 20 runq 2>log
	truncate -s -13 x.tape # in its last record
	run "$PQ" tape verify x.tape
	[ "$status" -eq 1 ]
	[[ $output == *"incomplete record"* ]]
	n=$(count)
	[ "$n" -ge 18 ]
	"$PQ" record --root root -o x.tape 2ms 5 runq 2>>log
	[ "$(count)" -eq $((n + 5)) ]
}

@test "SIGINT and SIGTERM end the recorder with status 0 and a whole recording" {
	for signal in INT TERM; do
		rm -f x.tape
		recorder 5ms runq
		stop $signal
	done
}

@test "-o - writes to a pipe and ends when its reader ends" {
	"$PQ" record --root root -o - 5ms 10 runq 2>log | "$PQ" runq --json -c plist_sz -f - >rows
	[ "$(wc -l <rows)" -eq 9 ]
	said 'records: runq every 5 ms to stdout'
	run bash -o pipefail -c "timeout 10 '$PQ' record --root root -o - 2ms runq 2>/dev/null | head -c 1000 | wc -c"
	[ "$status" -eq 0 ]
	[ "$output" -eq 1000 ]
}

@test "-o -: SIGTERM ends the recorder when the pipe is full" {
	mkfifo pipe
	exec 9<>pipe # open, and nobody reads
	head -c 65536 /dev/zero >&9 # and it is full
	env --default-signal=TERM timeout -s TERM -k 3 1 "$PQ" record --root root -o - 5ms runq >&9 2>/dev/null 3>&- &
	wait $! || status=$?
	exec 9>&-
	[ "$status" -eq 124 ] # ended by TERM; 137 by KILL
}

@test "-o - fails on a full disk" {
	run --separate-stderr bash -c "'$PQ' record --root root -o - 5ms 3 runq >/dev/full"
	[[ $stderr == *"No space left on device"* ]]
	[ "$status" -eq 1 ]
}

@test "--json makes every line of the log a JSON object" {
	recorder --json 5ms runq --when 'runq.waiting > 0' --when 'runq.plist_sz > 0' --after 0s --exec false
	said '"event":"failed"'
	kill -TERM "$recorder"
	wait "$recorder"
	[ "$(jq -s -c 'map(type) | unique' log)" = '["object"]' ]
	[ "$(jq -s -c 'map(has("time") and has("event") and has("message")) | unique' log)" = '[true]' ]
	for event in records note fired saved failed stopped; do
		jq -r .event log | grep -qx $event
	done
	[ "$(jq -c 'select(.event == "saved") | [.column, .value, .threshold, .expr, .row, .suppressed]' log)" = \
		'["runq.plist_sz",100,0,"runq.plist_sz > 0",null,0]' ]
	[ "$(jq -r 'select(.event == "saved") | .tape' log)" = "$(find . -name 'pq-*.tape')" ]
}

@test "-u writes the log's times in UTC" {
	TZ=UTC-5:30 run "$PQ" record --root root -o x.tape 5ms 2 runq
	[[ $output =~ ^pq\ record:\ [0-9-]{10}T[0-9:.]{12}\+05:30\ records: ]]
	TZ=UTC-5:30 run "$PQ" record -u --root root -o x.tape 5ms 2 runq
	[[ $output =~ ^pq\ record:\ [0-9-]{10}T[0-9:.]{12}Z\ records: ]]
}

@test "a trigger fires once, and the samples before and after it are saved" {
	recorder 10ms runq --when 'runq.plist_sz > 200' --after 400ms --save .
	samples 5
	set_plist 300
	said 'fired: runq.plist_sz is 300: runq.plist_sz > 200$'
	said 'saved: runq.plist_sz is 300: runq.plist_sz > 200: ./pq-.*Z.tape, [0-9.]+ ([KMG]iB|bytes)$'
	samples 5
	stop
	times 'fired: ' 1
	[ "$(saved)" -eq 1 ]
	"$PQ" tape verify pq-*.tape
	"$PQ" runq --json -f pq-*.tape 2>/dev/null | jq -r .plist_sz >rows
	[ "$(grep -c '^100$' rows)" -ge 5 ] # from before it
	[ "$(grep -c '^300$' rows)" -ge 2 ] # and after
	[ "$(sort -u rows | wc -l)" -eq 2 ]
	# it is a part of the tape
	"$PQ" runq --json -f pq-*.tape 2>/dev/null | jq -c '[.time, .plist_sz]' >part
	"$PQ" runq --json -f x.tape 2>/dev/null | jq -c '[.time, .plist_sz]' | grep -cxFf part >n
	[ "$(cat n)" -eq "$(wc -l <part)" ]
}

@test "--before limits how far back a saved window goes" {
	recorder 5ms runq --before 50ms --after 0s
	samples 60
	kill -USR1 "$recorder"
	said 'saved: .*SIGUSR1: ./pq-'
	stop
	[ "$("$PQ" tape info --json pq-*.tape | jq '.rows >= 1 and .span_s <= 0.06')" = true ]
}

@test "'for N' wants N samples, and a value near the threshold fires once" {
	recorder 5ms runq --when 'runq.plist_sz > 200 for 3' --after 0s --cooldown 0s
	set_plist 205
	said 'fired: '
	for n in 199 205 195 201; do # not clearly over
		set_plist $n
		samples 5
	done
	times 'fired: ' 1
	set_plist 150
	samples 5
	set_plist 300
	said 'fired: runq.plist_sz is 300'
	said 'saved: ' 2
	stop
	times 'fired: ' 2
	[ "$(saved)" -eq 2 ]
}

@test "--cooldown suppresses triggers and reports how many with the next one" {
	local n
	recorder 5ms runq --when 'runq.plist_sz > 200' --after 0s --cooldown 5s
	set_plist 300
	said 'fired: '
	for ((n = -1; n < 200; n++)); do # until the cool-down is over
		set_plist 100
		samples 3
		set_plist 300
		samples 3
		! has_lines 2 'fired: ' || break
	done
	[ "$n" -ge 0 ] # else nothing was suppressed
	said "saved: .*; $((n + 1)) more triggers since the last save were not saved$"
	stop
	times 'fired: ' 2
}

@test "--exec passes the arguments without a shell, and the reason in the environment" {
	cat >./command <<-'END'
		#!/bin/sh
		for word; do printf '%s\n' "$word"; done >words
		env | grep ^PQ_ | sort >reason
		test -s "$PQ_TAPE" && "$PQ" tape verify "$PQ_TAPE" >verified
		echo this is from the command
	END
	chmod 755 command
	export PQ
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec ./command 'a b' '$HOME; touch evil' '*' ''
	said 'ran: ./command: finished in '
	stop
	diff words <(printf '%s\n' 'a b' '$HOME; touch evil' '*' '')
	[ ! -e evil ]
	grep -q 'no damage' verified
	said '^this is from the command$' # its output is the log's
	tape=$(find . -maxdepth 1 -name 'pq-*.tape')
	diff <(grep -v -e '^PQ_TIME=' -e '^PQ_TESTS_RUN=' reason) <(printf '%s\n' PQ_COLUMN=runq.plist_sz 'PQ_EXPR=runq.plist_sz > 50' PQ_NAME= PQ_ROW= PQ_SUPPRESSED=0 \
		"PQ_TAPE=$tape" PQ_THRESHOLD=50 PQ_TRACE= PQ_VALUE=100)
	grep -qE '^PQ_TIME=[0-9-]{10}T[0-9:.]{12}[+-][0-9:]{5}$' reason
}

@test "PQ_ROW names the row that fired" {
	throttled=$(capture 6.1-v2-throttled)/t0
	"$PQ" record --root "$throttled" -a -o x.tape 5ms 60 throttle --when 'throttle.limit_cpus > 0' --after 0s \
		--exec sh -c 'echo "row <$PQ_ROW> $PQ_COLUMN $PQ_VALUE"' 2>log
	row=$("$PQ" throttle -a --json -f x.tape 2>/dev/null | jq -r 'select(.limit_cpus > 0) | "row <\(.cgroup)> throttle.limit_cpus \(.limit_cpus)"' | head -n 1)
	grep -qxF "$row" log
}

@test "a trigger may combine tools, and compare text" {
	throttled=$(capture 6.1-v2-throttled)/t0
	fires() {
		rm -f pq-* x.tape
		"$PQ" record --root "$throttled" -a -o x.tape 5ms 4 throttle runq mem --when "$1" --after 0s 2>log
		grep -c 'fired: ' log || true
	}
	[ "$(fires 'limit_cpus > 0 and runq.plist_sz > 1')" -eq 1 ]
	[ "$(fires 'limit_cpus > 0 and runq.plist_sz > 99999')" -eq 0 ]
	[ "$(fires 'not (limit_cpus > 100) or runq.plist_sz > 99999')" -eq 1 ]
	[ "$(fires 'throttle.cgroup == "/web" && limit_cpus < 0.5')" -eq 1 ]
	[ "$(fires 'throttle.cgroup == "/web" && limit_cpus > 0.5')" -eq 0 ]
	[ "$(fires 'runq.plist_sz > 1 for 10')" -eq 0 ]
	[ "$(fires 'runq.plist_sz > 100*cpus*1000')" -eq 0 ]
}

@test "a command that cannot run, fails or is killed is reported, and recording goes on" {
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec /none/such
	said 'failed: /none/such: No such file or directory$'
	samples 3
	stop
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec ./root
	said 'failed: ./root: Permission denied$'
	samples 3
	stop
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec sh -c 'exit 3'
	said 'failed: sh: exit status 3$'
	samples 3
	stop
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec sh -c 'kill -9 $$'
	said 'failed: sh: killed by signal 9'
	samples 3
	stop
	[ "$(saved)" -eq 4 ] || { ls -la && cat log && false; }
}

@test "a command that hangs is killed at --exec-limit, with its children" {
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec-limit 200ms --exec sh -c 'echo $$ >pid; sleep 600; true'
	said 'saved: '
	samples 3 # it does not wait for it
	said 'failed: sh: timed out after 200 ms and was killed$'
	samples 3
	[ -z "$(ps -o pid= -g "$(cat pid)")" ]
	stop
}

@test "commands run one at a time" {
	recorder 5ms runq --after 0s --exec sh -c 'echo begin >>order; sleep 0.2; echo end >>order'
	kill -USR1 "$recorder"
	said 'saved: .*SIGUSR1: '
	kill -USR1 "$recorder"
	samples 2
	said 'ran: ' 2
	stop
	[ "$(tr '\n' ' ' <order)" = "begin end begin end " ]
}

@test "SIGTERM while a command hangs ends the command and the recorder" {
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 0s --exec-limit 300ms --exec sh -c 'echo $$ >pid; exec sleep 600'
	said 'saved: '
	await test -s pid
	stop
	said 'failed: sh: '
	[ -z "$(ps -o pid= -p "$(cat pid)")" ]
}

@test "SIGTERM before the end of a window saves it and runs the command" {
	recorder 5ms runq --when 'runq.plist_sz > 50' --after 60s --exec sh -c 'echo "ran for $PQ_TAPE"'
	said 'fired: '
	samples 3
	stop
	said 'saved: runq.plist_sz is 100'
	said "ran for $(find . -maxdepth 1 -name 'pq-*.tape')"
	[ "$(saved)" -eq 1 ]
	"$PQ" tape verify pq-*.tape
	# all that was recorded after it
	[ "$("$PQ" tape info --json pq-*.tape | jq .rows)" -eq "$(count)" ]
}

@test "SIGUSR1 and pq tape save make the recorder save" {
	mkdir saves
	recorder 5ms runq --save saves
	kill -USR1 "$recorder"
	said 'saved: .*SIGUSR1: saves/pq-.*Z.tape, [0-9.]+ ([KMG]iB|bytes)$'
	"$PQ" tape save x.tape
	said 'saved: .*SIGUSR1: ' 2
	stop
	[ "$(saved saves)" -eq 2 ]
	for tape in saves/pq-*.tape; do
		"$PQ" tape verify "$tape"
	done
	fails 1 'x.tape: no recorder is writing it' "$PQ" tape save x.tape
}

@test "--max-saves refuses further saves and reports them with the next, also after a restart" {
	recorder 5ms runq --max-saves 1
	kill -USR1 "$recorder"
	said 'saved: '
	kill -USR1 "$recorder"
	said 'refused: not saved: \. already holds 1 saved windows .--max-saves.$'
	kill -USR1 "$recorder"
	said 'refused: ' 2
	rm pq-*.tape
	kill -USR1 "$recorder"
	said 'saved: .*; 2 more triggers since the last save were not saved$'
	stop
	recorder 5ms runq --max-saves 1 --when 'runq.plist_sz > 50' --after 0s
	said 'refused: '
	stop
	times '[0-9] saved: ' 0
	[ "$(saved)" -eq 1 ]
	fails 2 "invalid --max-saves '0'" "$PQ" record --max-saves 0 runq
}

@test "--max-bytes refuses further saves" {
	recorder 5ms runq --max-bytes 1K
	kill -USR1 "$recorder"
	said 'saved: '
	kill -USR1 "$recorder"
	said 'refused: not saved: the saved windows in \. already take .* .--max-bytes.$'
	samples 3
	stop
	[ "$(saved)" -eq 1 ]
}

@test "the recording itself does not count as a saved window, whatever its name" {
	: >log
	start "$PQ" record --root root -o pq-ring.tape --ring 1M --max-saves 1 --max-bytes 1M 5ms runq >out 2>log
	recorder=$last
	said 'records: '
	kill -USR1 "$recorder"
	said '(saved|refused): '
	kill -TERM "$recorder"
	wait "$recorder"
	times '[0-9] saved: ' 1
}

@test "a save directory that is removed is reported, and saving resumes when it returns" {
	mkdir dir
	recorder 5ms runq --save dir --when 'runq.plist_sz > 200' --after 300ms
	rm -r dir
	kill -USR1 "$recorder"
	said 'refused: not saved: cannot read dir: No such file or directory$'
	samples 3
	mkdir dir
	set_plist 300
	said 'fired: ' 2
	rm -r dir
	said 'failed: cannot save: No such file or directory$'
	samples 3
	mkdir dir
	kill -USR1 "$recorder"
	said 'saved: .*SIGUSR1: dir/pq-'
	stop
	[ "$(saved dir)" -eq 1 ]
}

@test "--save with a missing directory is refused at the start" {
	fails 2 'cannot save to none: No such file or directory' timeout 5 "$PQ" record --root root -o x.tape --save none 5ms 3 runq
	[ ! -e x.tape ]
}

@test "a save without free space is reported and leaves no half file" {
	small_disk size=64k
	fill
	recorder 5ms runq --save disk --after 0s
	kill -USR1 "$recorder"
	said 'failed: cannot save: No space left on device$'
	samples 3
	[ "$(ls disk)" = fill ] # nor is half a tape left
	rm disk/fill
	kill -USR1 "$recorder"
	said 'saved: '
	stop
}

@test "a trigger with an unknown value never fires, and is reported once" {
	recorder 5ms runq --when 'runq.waiting > 0' --when 'not runq.waiting > 0' --after 0s
	samples 10
	stop
	times 'note: no value yet for runq.waiting; the trigger cannot fire until there is one$' 2
	times 'fired: ' 0
	[ "$(saved)" -eq 0 ]
}

# points PATTERN COLUMN EXPRESSION: it is wrong there.
points() {
	points_at 2 "$1" "$2" "$PQ" record --root root -o x.tape 5ms 2 runq cpu --when "$3"
	[ ! -e x.tape ]
}

@test "a wrong expression is shown with a mark at the error" {
	points 'unknown column .frob. in runq' 5 'runq.frob > 1'
	points 'unknown tool .mem.' 0 'mem.used_pct > 1'
	points 'expected a column or a number' 15 'runq.plist_sz >'
	points 'expected a column or a number' 21 'runq.plist_sz > 1 and'
	points "'\)'" 18 '(runq.plist_sz > 1'
	points "unmatched '\)'" 17 'runq.plist_sz > 1)'
	points 'a number of samples' 21 'runq.plist_sz > 1 for'
	points 'a number of samples' 22 'runq.plist_sz > 1 for x'
	points "'~'" 14 'runq.plist_sz ~ 1'
	points 'expected a column or a number' 0 ''
	points "unit 'Q'" 18 'runq.plist_sz > 12Q'
}

@test "wrong options name the value and what is wanted" {
	fails 2 "invalid --before 'x': want" "$PQ" record --before x runq
	fails 2 "invalid --after '-1': want" "$PQ" record --after -1 runq
	fails 2 "invalid --cooldown '1y': want" "$PQ" record --cooldown 1y runq
	fails 2 "invalid --exec-limit 'frob': want" "$PQ" record --exec-limit frob runq
	fails 2 "invalid --max-bytes 'x': want" "$PQ" record --max-bytes x runq
	fails 2 "invalid --max-saves 'x': want" "$PQ" record --max-saves x runq
	fails 2 '--exec: missing argument' "$PQ" record runq --when 'runq.plist_sz > 1' --exec
	fails 2 "unknown option '--ring'" "$PQ" runq --ring 1M
	fails 2 "unknown option '--when'" "$PQ" cpu --when 'cpu.usr_pct > 1'
	fails 2 'need a file' "$PQ" record -o - --when 'runq.plist_sz > 1' runq
}

@test "a file that begins with zeros is not overwritten" {
	{ head -c 70000 /dev/zero; echo precious; } >disk.img
	cp disk.img copy.img
	fails 2 'exists and is not a pq recording' "$PQ" record --root root -o disk.img 10ms 2 runq
	cmp disk.img copy.img
	head -c 70000 /dev/zero >room.tape # room that was made for a tape, and no more came of it
	"$PQ" record --root root -o room.tape 10ms 2 runq 2>log
	"$PQ" tape verify room.tape
}

@test "windows waiting to be saved are saved when the recorder is stopped during a command" {
	recorder 5ms runq --when 'cpus > 0' --when 'runq.plist_sz > 50' --when 'runq.plist_sz > 60' --after 0s --exec sleep 60
	said 'fired: ' 3
	said 'saved: '
	stop
	times 'saved: ' 3
	times 'failed: sleep: the recorder is stopping' 2 # the last one's command was run, and had five seconds
	[ "$(saved)" -eq 3 ]
	[ -z "$(find . -name '*.part')" ]
}

@test "refused saves are reported with the next save" {
	recorder 5ms runq --max-saves 1 --when 'runq.plist_sz > 150' --cooldown 0s --after 0s
	kill -USR1 "$recorder"
	said 'saved: '
	set_plist 200
	said 'refused: '
	set_plist 100
	samples 3
	set_plist 200
	said 'refused: ' 2
	rm pq-*.tape
	kill -USR1 "$recorder"
	said 'saved: .*; 2 more triggers since the last save were not saved'
	stop
}

@test "a save asked for between two samples is done at once" {
	start env --default-signal=INT,TERM "$PQ" record --root root -o slow.tape 20s runq >out 2>log
	recorder=$last
	said 'records'
	kill -USR1 "$recorder"
	said 'saved: '
	kill -TERM "$recorder"
	wait "$recorder"
}

@test "pq tape save refuses a file that no recorder writes" {
	start "$PQ" runq --root root -o x.tape 0.05 >/dev/null 2>&1
	recorder=$last
	await test -s x.tape
	fails 1 "process $recorder is writing it, but is not pq record" "$PQ" tape save x.tape
	kill -TERM "$recorder"
	wait "$recorder"
	fails 1 'no recorder is writing it' "$PQ" tape save x.tape
}

@test "a recording continued for another tool is readable for both" {
	"$PQ" record --root root -o x.tape 10ms 3 runq 2>/dev/null
	"$PQ" record --root root -o x.tape 10ms 4 cpu 2>/dev/null
	rm root/proc/loadavg
	run -0 --separate-stderr "$PQ" cpu --json -f x.tape
	[ "$(json -s 'map(select(.row == "all")) | length')" -ge 3 ]
	run -0 --separate-stderr "$PQ" runq --json -f x.tape
	[ "$(json -s 'map(select(.plist_sz == 100)) | length')" -eq 2 ]
}

@test "a removed cgroup ends its rows, and the recorder ends with status 0" {
	[ -d /sys/fs/cgroup/cpu ] && mkdir /sys/fs/cgroup/cpu/pq-test-$$ 2>/dev/null || skip "no cgroup v1 with a cpu controller, or no right to make one"
	start "$PQ" record -g "/pq-test-$$" -o x.tape 20ms throttle 2>log
	recorder=$last
	said 'records'
	samples 2
	rmdir "/sys/fs/cgroup/cpu/pq-test-$$"
	said 'its rows end here'
	kill -TERM "$recorder"
	wait "$recorder"
}

@test "a full disk and a used-up quota lead to the same advice" {
	local helper
	helper=$(dirname "$PQ")/tests/helper
	for error in 28 122; do # ENOSPC, EDQUOT
		fails 1 'a ring allocates its full size at the start' "$helper" refuse fallocate $error "$PQ" record --root root -o x.tape --ring 1M 5ms 2 runq
		[ ! -e x.tape ]
	done
}

@test "windows are saved on a file system without hard links" {
	start env --default-signal=INT,TERM "$(dirname "$PQ")/tests/helper" refuse link 1 "$PQ" record --root root -o x.tape 5ms runq 2>log
	recorder=$last
	: >out
	said 'records'
	samples 2
	kill -USR1 "$recorder"
	said 'saved: '
	stop
	"$PQ" tape verify pq-*.tape
	[ -z "$(find . -name '*.part')" ]
}

@test "a file size limit is reported and does not end the recorder" {
	(ulimit -f 8 && exec env --default-signal=XFSZ "$PQ" record --root root -o x.tape 1ms 1000 runq cpu) 2>log || true
	grep -q 'trouble: cannot write the recording: File too large' log
	run "$PQ" tape verify x.tape # the last record may be cut off at the limit
	[[ $output == *' samples readable'* ]]
}

@test "-g of a v1 cgroup that exists in one hierarchy only records what there is" {
	local group=/sys/fs/cgroup/memory/pqtest-$$-$BATS_TEST_NUMBER
	[ -e /sys/fs/cgroup/memory/memory.usage_in_bytes ] || skip "no cgroup v1 memory hierarchy here"
	mkdir "$group" 2>/dev/null || skip "not permitted to make a cgroup"
	made+=("$group")
	run timeout -s INT 1 "$PQ" record 50ms throttle mem -g "/${group##*/}" -o "$BATS_TEST_TMPDIR/one.tape"
	[[ $output == *"throttle: no such cgroup in the cpu hierarchy: /${group##*/} (it is in that of memory)"* ]]
	run --separate-stderr "$PQ" mem --json -f "$BATS_TEST_TMPDIR/one.tape"
	[ "$status" -eq 0 ]
	[[ $output == *"\"cgroup\":\"/${group##*/}\""* ]]
}

@test "a tool that was not recorded has rows only between samples that have all files" {
	"$PQ" record -o x.tape 100ms 22 runq tasks:1s 2>/dev/null
	run --separate-stderr "$PQ" runqlat --source schedstat --json -f x.tape
	[ "${#lines[@]}" -eq 2 ]
	[ "$(json '.interval_s > 0.8' | sort -u)" = true ]
	fails 1 'no rows: a row needs two samples that have tasks, an interval apart' "$PQ" tasks -f x.tape --to +500ms
}

@test "why reads no sample of a tool twice" {
	"$PQ" record -a -o x.tape 100ms 25 runq cpu throttle mem:1s 2>/dev/null
	run "$PQ" why --json -f x.tape
	[[ $output == '{"tool":"why"'* && $output != *'did not advance'* ]]
}
