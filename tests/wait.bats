#!/usr/bin/env bats
# pq wait: what blocked threads are waiting for.
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

# thread DIR PID TID STATE RUN_NS DELAY_NS SLICES CALL WCHAN [COMM]: a thread in a sample, as the kernel shows it. CALL is the
# text of its file syscall.
thread() {
	local task=$1/proc/$2/task/$3 stat
	mkdir -p "$task/fd"
	stat="$3 (${10:-web}) $4 1 1 1 0 -1 4194304 52 0 0 0 0 5 0 0 20 0 1 0 1516 2240512 2 1 1 1 1 0 0 0 0 0 0 0 0 0 17 0 0 0 0"
	echo "$stat" >"$task/stat"
	echo "$stat" >"$1/proc/$2/stat"
	printf '%s %s %s\n' "$5" "$6" "$7" >"$task/schedstat"
	printf '%s\n' "$8" >"$task/syscall"
	printf '%s' "$9" >"$task/wchan"
}

POLL='7 0x7ffe0000 0x1 0x3e8 0x0 0x0 0x0 0x7fff3a3aa978 0x7f43b54fc2ad'
READ='0 0x3 0x7f43b5382000 0x20000 0x0 0x0 0x0 0x7fff3a3aa978 0x7f43b54fc2ad'
SLEEP='230 0x0 0x0 0x7fff3dde69f0 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
LOCK='202 0x7fff0 0x80 0x2 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
POOL='202 0x7fff0 0x189 0x0 0x0 0x0 0xffffffff 0x7fff3dde69d8 0x7fcf0a670503'

setup() {
	dir=$BATS_TEST_TMPDIR/m
	mkdir -p "$dir"
	printf 'machine x86_64\nticks 100\n' >"$dir/facts"
}

# tenth N: begins sample N, a tenth of a second after the one before.
tenth() {
	sample "$dir/t$1" $((1000000000 + $1 * 100000000))
}

@test "time is divided into running, runnable, and each place of waiting" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S $((1000000 + i * 20000000)) $((500000 + i * 10000000)) $((9 + i)) "$POLL" poll_schedule_timeout
		thread "$dir/t$i" 7 8 S 2000000 100 4 "$READ" anon_pipe_read
		ln -s 'pipe:[4242]' "$dir/t$i/proc/7/task/8/fd/3"
	done
	run --separate-stderr "$PQ" wait --json -f "$dir" -p 7
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(json '[.state, .call, .place, .wchan, .time_pct, .threads, .duration_ms]')" = \
		'["blocked","read","pipe","anon_pipe_read",50,1,100]
["blocked","poll","poll_schedule_timeout","poll_schedule_timeout",35,0.7,null]
["running",null,"cpu",null,10,0.2,null]
["runnable",null,"cpu",null,5,0.1,null]' ]
}

@test "a wait for a CPU counts while it lasts, and only once when it ends" {
	local delay=(0 0 0 250000000)
	for i in 0 1 2 3; do
		tenth $i
		thread "$dir/t$i" 7 7 R $((1000000 + (i == 3) * 50000000)) "${delay[i]}" $((9 + (i == 3))) running 0
	done
	run --separate-stderr "$PQ" wait --json -f "$dir" -p 7
	[ "$(json '[.state, .threads]')" = '["runnable",1]
["runnable",1]
["running",0.5]
["runnable",0.5]' ]
}

@test "a thread that ran and is runnable at the next sample did not sleep" {
	local run=(1 21 51) delay=(0 0 150)
	for i in 0 1 2; do
		tenth $i
		thread "$dir/t$i" 7 7 R "${run[i]}000000" "${delay[i]}000000" $((9 + i)) running 0
	done
	run --separate-stderr "$PQ" wait --json -f "$dir" -p 7
	[ "$(json '[.state, .threads]')" = '["runnable",0.8]
["running",0.2]
["runnable",0.7]
["running",0.3]' ]
}

@test "-t has a row per thread and place, with its share and the name of the file" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$SLEEP" hrtimer_nanosleep
		thread "$dir/t$i" 7 8 D 2 1 1 "$READ" folio_wait_bit_common $'w;\033'
		printf '/srv/a file\n' >"$dir/t$i/proc/7/task/8/fd/3.link"
	done
	run --separate-stderr "$PQ" wait -t --json -f "$dir"
	[ "$(json '[.pid, .tid, .process, .comm, .state, .call, .place, .uninterruptible, .time_pct]')" = \
		'[7,7,"web","web","blocked","clock_nanosleep","hrtimer_nanosleep",false,100]
[7,8,"web","w;\u001b","blocked","read","/srv/a file",true,100]' ]
	run "$PQ" wait --folded -f "$dir"
	[ "$output" = 'web;web;blocked;clock_nanosleep(hrtimer_nanosleep) 2
web;w:\033;blocked;read(/srv/a file) 2' ]
}

@test "a lock has its address with -t, and its name in sums; a call that only waits for its time is a timer" {
	local musl='202 0x7fff0 0x80 0x80000009 0x0 0x0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
	local select='23 0x0 0x0 0x0 0x0 0x7ffd0 0x0 0x7fff3dde69d8 0x7fcf0a670503'
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$select" poll_schedule_timeout
		thread "$dir/t$i" 7 8 S 1 1 1 "$LOCK" futex_do_wait
		thread "$dir/t$i" 7 9 S 1 1 1 "$musl" futex_do_wait
		thread "$dir/t$i" 7 10 S 1 1 1 "$POOL" futex_do_wait
	done
	run --separate-stderr "$PQ" wait -t --json -f "$dir"
	[ "$(json -s 'map(.place) | sort')" = '["futex_do_wait","lock:[0x7fff0]","lock:[0x7fff0]","timer"]' ]
	run --separate-stderr "$PQ" wait --json -f "$dir"
	[ "$(json -s 'map([.place, .threads + 0]) | sort')" = '[["futex_do_wait",1],["lock",2],["timer",1]]' ]
}

@test "--folded carries fractions of a sample over to the next row" {
	for i in 0 1 2 3 4 5; do
		tenth $i
		thread "$dir/t$i" 7 7 S $((1 + i * 30000000)) 1 $((1 + i)) "$SLEEP" hrtimer_nanosleep
	done
	run --separate-stderr "$PQ" wait --folded -f "$dir"
	# 150 ms on a CPU are 3 of 20 samples a second, 350 ms of sleep are 7
	[ "$(awk '/;running;cpu / { n += $NF } END { print n }' <<<"$output")" -eq 3 ]
	[ "$(awk '/;blocked;/ { n += $NF } END { print n }' <<<"$output")" -eq 7 ]
}

@test "--slow prints a long wait while it lasts and at its end; idle waits only with --idle" {
	for i in 0 1 2 3 4 5 6; do
		tenth $i
		thread "$dir/t$i" 7 7 S $((1 + (i >= 6) * 5000)) 1 $((1 + (i >= 6))) "$READ" anon_pipe_read
		thread "$dir/t$i" 7 8 S 1 1 1 "$POOL" futex_do_wait
		thread "$dir/t$i" 7 9 S 1 1 1 "$LOCK" futex_do_wait
	done
	run --separate-stderr "$PQ" wait --slow 300ms --json -f "$dir"
	[ "$(json '[.tid, .call, .duration_ms, .lasting]')" = '[7,"read",300,true]
[9,"futex",300,true]
[7,"read",600,false]' ]
	run --separate-stderr "$PQ" wait --slow 300ms --idle --json -f "$dir"
	[ "$(json 'select(.tid == 8) | .duration_ms')" = 300 ]
	run "$PQ" wait --slow 300ms -f "$dir"
	[[ $output != *Average* ]]
}

# of_many I: sample I of 200 resting threads, a busy one, and four that wake up one sample after another, from two seconds on. Each
# reads for half a second and rests again.
of_many() {
	local i=$1 t now=$((1000 + $1 * 100)) from place ran sched
	tenth "$i"
	mkdir -p "$dir/t$i/proc/100"
	ln -s "$BATS_TEST_TMPDIR/resting/proc/100/task" "$BATS_TEST_TMPDIR/resting/proc/100/stat" "$dir/t$i/proc/100"
	thread "$dir/t$i" 7 7 R $((1 + i * 100000000)) 1 1 running 0
	echo "se.exec_start : $((now - 505)).000000" >"$dir/t$i/proc/7/task/7/sched"
	mkdir "$dir/t$i/proc/self"
	echo "se.exec_start : $((now - 505)).000000" >"$dir/t$i/proc/self/sched"
	for t in 8 9 10 11; do
		from=$((20 + t - 8))
		place=$POLL ran=1 sched=100
		if ((i > from)); then place=$READ ran=2 sched=$((1000 + from * 100 - 500 + 50)); fi
		if ((i > from + 5)); then place=$POLL ran=3 sched=$((sched + 500)); fi
		thread "$dir/t$i" 7 $t S $ran 1 $ran "$place" x
		echo "se.exec_start : $sched.000000" >"$dir/t$i/proc/7/task/$t/sched"
	done
}

@test "--slow finds the first long wait of a rested thread among many, to within a sample" {
	local t i
	for ((t = 100; t < 300; t++)); do thread "$BATS_TEST_TMPDIR/resting" 100 $t S 1 1 1 "$POLL" x; done
	for ((i = 0; i < 36; i++)); do of_many $i; done
	run --separate-stderr "$PQ" wait --slow 400ms --hz 10 --json -f "$dir"
	[ -z "$stderr" ]
	[ "$(json 'select(.lasting | not) | [.tid, (.duration_ms >= 400 and .duration_ms <= 600)]' | sort)" = '[10,true]
[11,true]
[8,true]
[9,true]' ]
	cp -r "$dir" "$BATS_TEST_TMPDIR/without"
	rm "$BATS_TEST_TMPDIR"/without/t*/proc/self/sched
	run --separate-stderr "$PQ" wait --slow 400ms --hz 10 --json -f "$BATS_TEST_TMPDIR/without"
	[ "$(json 'select(.lasting | not) | .duration_ms' | sort -u)" = 500 ]
}

@test "files without permission are unknown, with one reason, and the state is shown" {
	for i in 0 1 2; do
		tenth $i
		for t in 7 8; do
			thread "$dir/t$i" $t $t S 1 1 1 '' 0
			rm "$dir/t$i/proc/$t/task/$t/syscall"
			echo '13 Permission denied' >"$dir/t$i/proc/$t/task/$t/syscall.errno"
		done
	done
	run --separate-stderr "$PQ" wait --json -f "$dir"
	[ "$(json '[.state, .call, .place, .time_pct]' | sort -u)" = '["blocked",null,null,100]' ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *CAP_SYS_PTRACE* ]]
}

@test "without syscall the place comes from wchan; an unknown call has its number; a page fault has no call" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "${POLL/#7/999}" ep_poll
		thread "$dir/t$i" 7 8 D 1 1 1 '-1 0x7fff3a3aa978 0x7f43b54fc2ad' folio_wait_bit_common
		thread "$dir/t$i" 7 9 S 1 1 1 "${READ/0x7fff3a3aa978 0x7f43b54fc2ad/0xff3aa978 0xb54fc2ad}" pipe_read
	done
	run --separate-stderr "$PQ" wait -t --json -f "$dir"
	[ "$(json '[.call, .place]')" = '["syscall_999","ep_poll"]
["none","folio_wait_bit_common"]
["syscall_0","pipe_read"]' ]
}

@test "a sleeping kernel thread is left out unless selected; one in state D is shown" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 I 1 1 1 '' worker_thread
		thread "$dir/t$i" 8 8 D 1 1 1 '' jbd2_log_wait_commit
		sed -i 's/4194304/2129984/' "$dir/t$i"/proc/[78]/task/*/stat
	done
	run --separate-stderr "$PQ" wait --json -f "$dir"
	[ "$(json '[.place, .time_pct]')" = '["jbd2_log_wait_commit",100]' ]
	run --separate-stderr "$PQ" wait --json -f "$dir" -p 7
	[ "$(json .place)" = '"worker_thread"' ]
}

@test "threads that come and go, zombies and damaged files are skipped" {
	for i in 0 1 2 3; do
		tenth $i
		thread "$dir/t$i" 7 7 Z 1 1 1 '' 0
		thread "$dir/t$i" 7 $((8 + i)) S 1 1 1 "$SLEEP" hrtimer_nanosleep
		thread "$dir/t$i" 7 20 S 1 1 1 "$SLEEP" hrtimer_nanosleep
		thread "$dir/t$i" 7 21 S x 1 1 "$SLEEP" hrtimer_nanosleep
	done
	run --separate-stderr "$PQ" wait --json -f "$dir"
	[ "$(json '[.state, .place, .threads]' | sort -u)" = '["blocked","hrtimer_nanosleep",1]' ]
	[[ $stderr == *"unknown format"* ]]
}

@test "the rows end when the process ends" {
	for i in 0 1 2 3; do
		tenth $i
		[ $i -gt 1 ] || thread "$dir/t$i" 7 7 S 1 1 1 "$SLEEP" hrtimer_nanosleep
	done
	run --separate-stderr "$PQ" wait --json -f "$dir" -p 7
	[ "$status" -eq 0 ]
	[ "$(json .threads)" = 1 ]
	[[ $stderr =~ "process 7 has "(ended|exited) ]]
}

@test "wrong arguments give one error line" {
	fails 2 'no (such )?process:? 4194304' "$PQ" wait -p 4194304 0.1 1
	fails 2 "invalid --hz '0'" "$PQ" wait --hz 0
	fails 2 "invalid --hz '101'" "$PQ" wait --hz 101
	fails 2 '--slow is too short.*100ms' "$PQ" wait --slow 10ms
	fails 2 "invalid --slow 'x'" "$PQ" wait --slow x
	fails 2 '--idle needs' "$PQ" wait --idle
	fails 2 'cannot be combined' "$PQ" wait --folded --json
	fails 2 'one figure' "$PQ" wait --folded -c process,place
	fails 2 'one figure' "$PQ" wait --folded -c process,samples,threads
	fails 2 "invalid -n '0'" "$PQ" wait -n 0
	fails 2 'no (such )?cgroup:? /not/there' "$PQ" wait -g /not/there 0.1 1
}

@test "without schedstat or processes the status is 3" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S 0 0 0 "$SLEEP" hrtimer_nanosleep
	done
	fails 3 CONFIG_SCHED_INFO "$PQ" wait -f "$dir"
	printf '1 1 1\n' | tee "$dir"/t?/proc/7/task/7/schedstat >"$BATS_TEST_TMPDIR/same"
	rm "$dir"/t?/proc/7/task/7/stat
	fails 3 'no /proc/PID/task/TID/stat' "$PQ" wait -f "$dir"
	rm "$dir"/t?/proc/7/task/7/schedstat
	fails 3 CONFIG_SCHED_INFO "$PQ" wait -f "$dir"
	rm -r "$dir"/t?/proc/7
	fails 3 hidepid "$PQ" wait -f "$dir"
}

@test "a capture with links gives the same rows as its recording, unpacked too" {
	for i in 0 1 2; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$READ" pipe_read
		ln -s /etc/passwd "$dir/t$i/proc/7/task/7/fd/3"
	done
	"$PQ" tape pack "$dir" -o "$BATS_TEST_TMPDIR/x.tape"
	"$PQ" tape unpack "$BATS_TEST_TMPDIR/x.tape" -o "$BATS_TEST_TMPDIR/back"
	run ! grep -rq root: "$BATS_TEST_TMPDIR/back" "$BATS_TEST_TMPDIR/x.tape"
	run "$PQ" wait -t --json -f "$dir"
	[ "$(json .place | sort -u)" = '"/etc/passwd"' ]
	cmp <(echo "$output") <("$PQ" wait -t --json -f "$BATS_TEST_TMPDIR/x.tape")
	cmp <(echo "$output") <("$PQ" wait -t --json -f "$BATS_TEST_TMPDIR/back")
}

@test "live: a reader of a pipe is blocked in read, also with --slow" {
	read_pipe
	sleep 0.2
	run --separate-stderr "$PQ" wait --json -p "$last" 0.5 1
	[ "$(json '[.state, .call]')" = '["blocked","read"]' ]
	[[ $(json .place) == *fifo* ]]
	run --separate-stderr "$PQ" wait --slow 300ms --json -p "$last" 1 1
	[ "$(json '[.call, .lasting]')" = '["read",true]' ]
}

@test "live: sleeps are found with their durations" {
	start bash -c 'while :; do sleep 0.5; done'
	sleep 0.3
	run --separate-stderr "$PQ" wait --slow 400ms --idle --json -p "$last" 3 1
	echo "$output"
	# a busy machine may make one longer; the first one may have begun before pq did
	[ "$(json 'select(.lasting | not) | .call' | sort -u)" = '"wait4"' ]
	[ "$(json -s 'any(.[]; .duration_ms >= 450)')" = true ]
}

# What a hypervisor takes away is in none of the kernel's figures.
@test "live: a busy loop is running or runnable, not blocked" {
	burn
	sleep 0.3
	run --separate-stderr "$PQ" wait --json -p "$last" 1 1
	echo "$output"
	[ "$(json -s '[.[] | select(.state != "blocked") | .time_pct] | add > 50')" = true ]
}

@test "live: a recording replays the same rows" {
	local options
	read_pipe
	for options in "" "-t" "--slow 200ms --idle --hz 50" "-p $last -t"; do
		rm -f "$BATS_TEST_TMPDIR/x.tape"
		# shellcheck disable=SC2086 # they are words
		"$PQ" wait $options --json -o "$BATS_TEST_TMPDIR/x.tape" 0.1 5 >"$BATS_TEST_TMPDIR/live" 2>/dev/null
		# shellcheck disable=SC2086
		"$PQ" wait $options --json -f "$BATS_TEST_TMPDIR/x.tape" >"$BATS_TEST_TMPDIR/replay" 2>/dev/null
		cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/replay"
		[ "$options" = "--slow 200ms --idle --hz 50" ] || [ -s "$BATS_TEST_TMPDIR/live" ]
	done
}

# rows N LINE…: the rows that BPF read for that sample, of process 7.
rows() {
	local n=$1
	shift
	mkdir -p "$dir/t$n/pq"
	printf '%s\n' "source bpf-loop" "tasks $#" "hidden -" "$@" >"$dir/t$n/pq/tasks-7"
	rm -f "$dir/t$n"/proc/7/task/*/{stat,schedstat} # nothing reads them
}

@test "rows of BPF give the same as the files" {
	for i in 0 1 2; do
		tenth $i
		thread "$dir/t$i" 7 7 S $((1000000 + i * 20000000)) $((500000 + i * 10000000)) $((9 + i)) "$POLL" poll_schedule_timeout
		thread "$dir/t$i" 7 8 D 2000000 100 4 "$READ" anon_pipe_read
		thread "$dir/t$i" 7 9 R 3000000 100 4 running 0
		ln -s 'pipe:[4242]' "$dir/t$i/proc/7/task/8/fd/3"
	done
	"$PQ" wait -t --json -f "$dir" -p 7 | jq -c 'del(.source)' >"$BATS_TEST_TMPDIR/files"
	[ "$(jq -r .source <("$PQ" wait --json -f "$dir" -p 7) | sort -u)" = proc ]
	for i in 0 1 2; do
		rows $i "7 7 S $((1000000 + i * 20000000)) $((500000 + i * 10000000)) $((9 + i)) 1 1 0 0 - 15160000000 1 1 u web" \
			"7 8 D 2000000 100 4 1 1 0 0 - 15160000000 1 1 u web" "7 9 R 3000000 100 4 1 1 0 0 - 15160000000 1 1 u web"
	done
	"$PQ" wait -t --json -f "$dir" -p 7 >"$BATS_TEST_TMPDIR/again"
	[ "$(jq -r .source "$BATS_TEST_TMPDIR/again" | sort -u)" = bpf-loop ]
	jq -c 'del(.source)' "$BATS_TEST_TMPDIR/again" | diff "$BATS_TEST_TMPDIR/files" -
}

@test "a thread whose row is gone has ended" {
	for i in 0 1 2 3; do
		tenth $i
		thread "$dir/t$i" 7 7 S 5 5 5 "$POLL" poll_schedule_timeout
		thread "$dir/t$i" 7 8 S 5 5 5 "$READ" anon_pipe_read
	done
	for i in 0 1; do rows $i "7 7 S 5 5 5 1 1 0 0 - 1 1 1 u web" "7 8 S 5 5 5 1 1 0 0 - 1 1 1 u web"; done
	for i in 2 3; do rows $i "7 7 S 5 5 5 1 1 0 0 - 1 1 1 u web"; done
	run --separate-stderr "$PQ" wait -t --json -f "$dir" -p 7
	[ "$status" -eq 0 ]
	[ "$(json '[.tid, .time_pct]' | tr '\n' ' ')" = '[7,100] [8,100] [7,100] [7,100] ' ]
}

@test "wait --source: a recording by files has no rows, and the other way round" {
	tenth 0; thread "$dir/t0" 7 7 S 5 5 5 "$POLL" poll_schedule_timeout
	tenth 1; thread "$dir/t1" 7 7 S 5 5 5 "$POLL" poll_schedule_timeout
	fails 3 'the recording was made without BPF' "$PQ" wait --source bpf -f "$dir" -p 7
	fails 3 'BPF is not available: --root reads files only' "$PQ" wait --source bpf --root "$BATS_TEST_TMPDIR" 0.1 1
}

# found_rows N: whether the file found has so many lines.
found_rows() { [ "$(wc -l <found)" -ge "$1" ]; }

# need_calls: skips unless BPF tells calls from others here.
need_calls() {
	run --separate-stderr "$PQ" wait --source bpf-loop -p $$ 1 1
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
	[ "$(uname -m)" = x86_64 ] || skip "only on x86-64"
}

@test "live: with BPF, a thread that waits in two calls by turns has both" {
	need_calls
	start "$(dirname "$PQ")/tests/helper" turn
	run --separate-stderr "$PQ" wait --source bpf-loop --json -p "$last" 3 1
	[ "$status" -eq 0 ]
	[ "$(json 'select(.time_pct > 25 and .state == "blocked") | .call' | sort | tr '\n' ' ')" = '"clock_nanosleep" "poll" ' ]
	[ "$(json 'select(.call == "poll") | .place')" = '"timer"' ]
}

@test "live: with BPF, a thread that waits in the same call again is not read again" {
	cd "$BATS_TEST_TMPDIR"
	need_calls
	[ -r /proc/self/io ] || skip "no /proc/PID/io"
	start "$(dirname "$PQ")/tests/helper" wake 200
	start "$PQ" wait --hz 50 --source bpf-loop --json -p "$last" 1 >found
	await found_rows 2
	calls=$(awk '/^syscr/ { print $2 }' "/proc/$last/io")
	await found_rows 8
	[ $(($(awk '/^syscr/ { print $2 }' "/proc/$last/io") - calls)) -lt 60 ] # of 200 and more
}

@test "live: with BPF and many threads, of which those that sleep are skipped, threads that begin, run and end are seen" {
	need_calls
	start "$(dirname "$PQ")/tests/helper" later 300
	run --separate-stderr "$PQ" wait --source bpf-loop -t --json -p "$last" 1 9
	[ "$status" -eq 0 ]
	[ "$(json -s 'group_by(.time) | map(map(.tid) | unique | length) | [.[0], .[-1]] | tojson')" = '"[300,301]"' ]
	[ "$(json -s 'group_by(.time) | map(map(.tid) | unique | length) | max')" = 302 ]
	[ "$(json -s "group_by(.time) | last | map(select(.state == \"running\" or .state == \"runnable\") | .time_pct) | add > 95")" = true ]
	[ "$(json -s "group_by(.time) | last | map(select(.time_pct > 99 and .call == \"pause\")) | length")" = 300 ]
}

@test "live: BPF and /proc find the same waits, and pq wait and pq why replay them" {
	cd "$BATS_TEST_TMPDIR"
	run --separate-stderr "$PQ" wait --source bpf 0.1 1
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
	read_pipe
	for source in proc bpf-loop bpf-iter; do
		"$PQ" wait --source $source -t --json -p "$last" -o $source.tape 0.5 1 >$source.json 2>said || continue
		jq -c '[.tid, .comm, .state, .call, .place, .wchan, .time_pct]' $source.json >$source.places
		"$PQ" wait -t --json -p "$last" -f $source.tape | cmp - $source.json
		diff proc.places $source.places
	done
	[ "$(jq -r .state proc.json)" = blocked ]
	timeout -s INT 2 "$PQ" record -p "$last" -o all.tape 0.5 runq cpu tasks wait 2>/dev/null || :
	"$PQ" tape unpack all.tape all
	grep -q '^source bpf-' all/*/pq/tasks-"$last"
	run --separate-stderr "$PQ" why --json -f all.tape -p "$last"
	[ "$status" -le 2 ]
	[[ ! $(jq -c .not_checked <<<"$output") =~ wait|tasks ]]
}

@test "live: pq record records it only when named" {
	run --separate-stderr "$PQ" record -o "$BATS_TEST_TMPDIR/all.tape" 0.1 2
	[[ $stderr == *"records: runq "* ]]
	[[ $stderr != *" wait "* ]]
	read_pipe
	"$PQ" record -p "$last" -o "$BATS_TEST_TMPDIR/wait.tape" 0.1 3 wait 2>/dev/null
	run --separate-stderr "$PQ" wait --json -f "$BATS_TEST_TMPDIR/wait.tape"
	[ "$(json '[.state, .call]' | sort -u)" = '["blocked","read"]' ]
}

# known FLAGS…: a program with known functions, one chain for each thread. It runs until the test ends.
known() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cc "$@" -pthread -o known "$TESTS/known.c" || return 1
	start ./known >made
	await waits_in clock_nanosleep read futex epoll_wait
}

# waits_in CALL…: threads of the program wait in all of these.
waits_in() {
	local call
	run --separate-stderr "$PQ" wait --json --source proc -p "$last" 0.1 1
	for call in "$@"; do
		has ".call == \"$call\"" || return 1
	done
}

# has FILTER: it is true of some row.
has() {
	json -s -e "any(.[]; $1)" >/dev/null
}

# stack_of FILTER FUNCTIONS: the stack of this row has these one after the other.
stack_of() {
	[[ " $(json -r "select($1) | .stack | join(\" \")") " == *" $2 "* ]]
}

# can_read_stacks: the machine has what the stacks are read with.
can_read_stacks() {
	[ "$(uname -m)" = x86_64 ] || skip "stacks are read on x86_64 only"
	[ -r "/proc/$$/syscall" ] || skip "no /proc/PID/syscall here"
	cc --version >/dev/null 2>&1 || skip "no C compiler"
}

@test "live: --stacks names the functions in which the threads of a C program wait, however it was compiled" {
	local flags
	can_read_stacks
	for flags in "-O2 -fno-omit-frame-pointer" "-O2" "-O0" "-O2 -fcf-protection=none -no-pie" "-O2 -static"; do
		# shellcheck disable=SC2086 # they are words
		known $flags || { [ "$flags" = "-O2 -static" ] && continue; }
		run --separate-stderr "$PQ" wait --stacks --json -p "$last" 0.3 1
		echo "$flags: $output $stderr"
		stack_of '.call == "clock_nanosleep"' "inner_sleep middle_sleep outer_sleep main"
		stack_of '.call == "read"' "inner_read outer_read read_thread"
		stack_of '.place == "lock"' "inner_lock outer_lock lock_thread"
		run ! has 'any(.stack[]?; . == "[...]")'
		kill "$last"
	done
}

@test "live: --stacks names the functions of a process whose first thread has ended, and code of its JIT compiler" {
	local map from
	can_read_stacks
	export LEAVE=1 BEAT=1 JIT=1
	known -O2 -fno-omit-frame-pointer
	await test -s made
	await in_state Z "$last"
	map=/tmp/perf-$last.map
	echo "$(<made) 8 compiled" >"$map"
	for from in "" "--source proc"; do
		# shellcheck disable=SC2086 # they are words
		run --separate-stderr "$PQ" wait --stacks --json $from -p "$last" 0.5 1
		echo "$output $stderr"
		stack_of '.call == "read"' "inner_read outer_read read_thread"
		stack_of '.call == "read"' "inner_read outer_read compiled jit_thread"
		stack_of '.place == "lock"' "inner_lock outer_lock lock_thread"
		stack_of '.call == "clock_nanosleep"' "inner_beat left_beat beat_thread"
	done
	rm "$map"
}

# leaving MODE: starts a process whose first thread ends (tests/leaving.c), and has pq print its rows with stacks for 5 seconds, with
# the options $from.
leaving() {
	can_read_stacks
	cd "$BATS_TEST_TMPDIR" || return 1
	cc -O2 -D_GNU_SOURCE -pthread -o leaving "$TESTS/leaving.c" || return 1
	start ./leaving "$1" >said
	await grep -q leaving "/proc/$last/comm"
	# shellcheck disable=SC2086 # they are words
	run --separate-stderr "$PQ" wait --stacks --json $from -p "$last" 1 5
	echo "$output $stderr"
}

# in_last FILTER: how many threads the rows of the last second have for which the filter is true.
in_last() {
	jq -s "[group_by(.time)[-1][] | select($1).threads] | add // 0 | round" <<<"$output"
}

@test "live: if another process gets the number of a thread that has ended, no function is taken from it" {
	local from
	[ "$(id -u)" = 0 ] || skip "needs root, to choose the number of a process"
	for from in "" "--source proc"; do
		leaving pass
		grep -q passed said || skip "this kernel does not let a process choose numbers"
		[ "$(in_last '.stack // [] | index("after_it")')" = 4 ]
		[ "$(in_last '.stack // [] | index("before_it")')" = 0 ]
		kill "$last"
	done
}

@test "live: if the first thread ends unnoticed, 300 threads that wait anew still have their functions" {
	local from
	for from in "" "--source proc"; do
		leaving many
		[ "$(in_last '.stack // [] | index("after_pipe")')" = 300 ]
		kill "$last"
	done
}

@test "live: the first thread of a program that another thread has executed is shown" {
	local from
	for from in "-t" "-t --source proc"; do
		leaving turn
		[ "$(in_last '.tid == .pid and (.stack // [] | index("after_it"))')" = 1 ]
		kill "$last"
	done
}

@test "live: --stacks has the stack of a thread that waits in the same call again" {
	can_read_stacks
	cd "$BATS_TEST_TMPDIR"
	cc -D_GNU_SOURCE -pthread -o helper "$TESTS/helper.c" # musl has no tables of its frames
	start ./helper wake 100
	run --separate-stderr "$PQ" wait --stacks --idle --json -p "$last" 1 2
	echo "$output" # it failed once in a while on a busy machine, and nobody knows why
	[ "$status" -eq 0 ]
	[ "$(json 'select(.state == "blocked" and .time_pct > 50) | .stack | index("wake") != null' | sort -u)" = true ]
}

@test "live: --stacks --folded prints the outermost function first, and threads that run" {
	can_read_stacks
	export BURN=1
	known -O2
	run --separate-stderr "$PQ" wait --stacks --folded -p "$last" 0.5 1
	echo "$output"
	[[ $output =~ known\;known\;.*\;main\;outer_sleep\;middle_sleep\;inner_sleep\;.*clock_nanosleep\(hrtimer_nanosleep\).*\ [0-9]+ ]]
	[[ $output =~ read_thread\;outer_read\;inner_read\;.*read\(pipe\) ]]
	[[ $output =~ known\;known\;\[(running|runnable)\]\ [0-9]+ ]]
	run ! grep -qvE '^[^ ].* [0-9]+$' <<<"$output"
}

@test "live: text has the stack below its row, within 80 columns; idle threads only with --idle" {
	can_read_stacks
	known -O2
	run "$PQ" wait --stacks -p "$last" 0.3 1
	echo "$output"
	[[ $output == *"inner_read < outer_read < read_thread"* ]]
	run ! grep -E '^.{81}' < <(grep ' < ' <<<"$output")
	run --separate-stderr "$PQ" wait --stacks --json -p "$last" 0.3 1
	run ! has '.call == "epoll_wait"'
	run "$PQ" wait --stacks -p "$last" 0.3 1
	[[ $output == *"1 idle thread is hidden; --idle shows them"* ]]
	run --separate-stderr "$PQ" wait --stacks --idle --json -p "$last" 0.3 1
	has '.call == "epoll_wait"'
}

@test "live: the functions of a file that was replaced on disk stay right; a stripped one has addresses" {
	can_read_stacks
	known -O2
	printf 'int main(void) { return 0; }' | cc -x c -o other -
	mv other known
	run --separate-stderr "$PQ" wait --stacks --json -p "$last" 0.3 1
	echo "$output"
	has '.call == "read" and (.stack[1] // "" | test("^inner_read$|^known.*[+]0x|^\\[...\\]$"))'
	kill "$last"
	known -O2 -s
	run --separate-stderr "$PQ" wait --stacks --json -p "$last" 0.3 1
	echo "$output"
	has '.call == "read" and (.stack[1] | test("^known[+]0x[0-9a-f]+$"))'
}

# changing COMMAND…: of a process whose code changes, no stack has functions of two programs or libraries, and each has those that
# belong to its system call.
changing() {
	start "$@"
	await grep -q . "/proc/$last/stat"
	run --separate-stderr "$PQ" wait --stacks --idle --folded --hz 83 -p "$last" 2 1
	kill "$last"
	echo "$output"
	[[ $output == *"outer_a;inner_a;"*"nanosleep("* ]]
	[[ $output == *"outer_b;inner_b;"*"poll("* ]]
	run ! grep -E '_a;.*(_b;|poll\()|_b;.*(_a;|nanosleep\()' <<<"$output"
}

@test "live: a library in the place of another one, and a program after another one, have their own functions" {
	local name call
	can_read_stacks
	cd "$BATS_TEST_TMPDIR"
	for name in a b; do
		call=SYS_nanosleep
		[ $name = a ] || call=SYS_poll
		cc -O2 -D_GNU_SOURCE -DNAME=$name -DCALL=$call -DLIBRARY -shared -fPIC -o lib$name.so "$TESTS/changing.c"
		cc -O2 -D_GNU_SOURCE -DNAME=$name -DCALL=$call -no-pie -o $name "$TESTS/changing.c"
	done
	cc -O2 -D_GNU_SOURCE -pthread -o changing "$TESTS/changing.c" -ldl
	changing ./changing ./liba.so ./libb.so
	NAPS=1 changing ./changing ./liba.so ./libb.so
	changing ./a ./b ./a
}

@test "live: a library in the place of one with the same calls has its own functions at once" {
	local name naps
	can_read_stacks
	cd "$BATS_TEST_TMPDIR"
	for name in a b; do
		cc -O2 -D_GNU_SOURCE -DNAME=$name -DCALL=SYS_nanosleep -DLIBRARY -shared -fPIC -o lib$name.so "$TESTS/changing.c"
	done
	cc -O2 -D_GNU_SOURCE -pthread -o changing "$TESTS/changing.c" -ldl
	for naps in '' 1; do
		start env ${naps:+NAPS=1} ./changing ./liba.so ./libb.so
		await grep -q changing "/proc/$last/comm"
		run --separate-stderr "$PQ" wait --stacks --idle --folded -p "$last" 0.9 1
		kill "$last"
		echo "$output"
		for name in a b; do
			# A single sample may see either library, so each has to have several.
			[ "$(grep "outer_$name;inner_$name;" <<<"$output" | awk '{ n += $NF } END { print n + 0 }')" -ge 3 ]
		done
	done
}

@test "live: threads that end while their stacks are read have these, or none" {
	can_read_stacks
	cd "$BATS_TEST_TMPDIR"
	cc -D_GNU_SOURCE -pthread -o helper "$TESTS/helper.c"
	for kind in come flash; do
		start ./helper $kind 200
		run --separate-stderr "$PQ" wait --stacks --idle --hz 83 --json -p "$last" 1 1
		[ "$status" -eq 0 ]
		kill "$last"
	done
}

@test "live: without privileges, files that are no longer those that are mapped give no names, and are not waited for" {
	can_read_stacks
	need_nobody
	cd "$BATS_TEST_TMPDIR"
	cc -O2 -D_GNU_SOURCE -DNAME=a -DCALL=SYS_nanosleep -DLIBRARY -shared -fPIC -o liba.so "$TESTS/changing.c"
	cc -O2 -D_GNU_SOURCE -pthread -o changing "$TESTS/changing.c" -ldl
	chmod 755 . liba.so changing
	local as=()
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	start "${as[@]}" ./changing "$PWD/liba.so"
	await grep -q liba "/proc/$last/maps"
	folded() {
		export PQ BATS_TEST_TMPDIR
		run --separate-stderr timeout 20 bash -c "$(declare -f as_nobody); as_nobody wait --stacks --idle --folded -p $last 0.5 1"
		[ "$status" -eq 0 ]
	}
	folded
	[[ $output == *"outer_a;inner_a;"* ]] || skip "another process's memory may not be read here"
	for kind in fifo link other; do
		rm -f liba.so
		case $kind in
		fifo) mkfifo liba.so ;;
		link) ln -s /etc/passwd liba.so ;;
		other) cp changing liba.so ;;
		esac
		folded
		[[ $output == *"nanosleep("* ]]
		run ! grep -q '_a;' <<<"$output"
	done
}

@test "live: a thread that sleeps in one place again and again has the stack of each time" {
	can_read_stacks
	export BEAT=1
	known -O2
	run --separate-stderr "$PQ" wait --stacks --hz 83 --json -p "$last" 1 1
	echo "$output"
	stack_of '.call == "clock_nanosleep"' "inner_beat left_beat beat_thread"
	stack_of '.call == "clock_nanosleep"' "inner_beat right_beat beat_thread"
	run ! has '.call == "clock_nanosleep" and .threads > 0.3 and .stack == null'
	run --separate-stderr "$PQ" wait -t --stacks --hz 83 --json -p "$last" 1 1
	echo "$output"
	jq -es '[.[] | select(.stack // [] | index("beat_thread"))] | group_by(.tid) |
		length == 3 and all(map(.stack[]) | index("left_beat") and index("right_beat"))' <<<"$output"
}

# known_jit: starts the known program, which makes code at $made; $map is where its map would be.
known_jit() {
	can_read_stacks
	export JIT=1
	known -O2 -fno-omit-frame-pointer
	await test -s made
	map=/tmp/perf-$last.map
	made=$(<made)
}

# frame_of_jit: what pq calls that code.
frame_of_jit() {
	timeout 20 "$PQ" wait --stacks --json -p "$last" 0.2 1 |
		jq -r '.stack[]?' | grep -xB1 jit_thread | head -n 1
}

@test "live: code of a JIT compiler has the names of its map, if that is a file of the same user" {
	known_jit
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	echo "$made 8 compiled read /a.js" >"$map"
	[ "$(frame_of_jit)" = "compiled read /a.js" ]
	printf '0x%s 0x8 compiled with 0x\n' "$made" >"$map"
	[ "$(frame_of_jit)" = "compiled with 0x" ]
	mv "$map" real
	ln -s "$PWD/real" "$map"
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	rm "$map"
	mkfifo "$map"
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	rm "$map"
	if [ "$(id -u)" = 0 ]; then
		cp real "$map"
		chown nobody "$map"
		[ "$(frame_of_jit)" = "0x${made%000}005" ]
		rm "$map"
	fi
}

@test "live: of a perf map of 500 MB the end is read, from a whole line on" {
	known_jit
	truncate -s 500M "$map" || skip "no large files here"
	printf '\n%s 8 at its end\n' "$made" >>"$map"
	run --separate-stderr timeout 60 "$PQ" wait --stacks --json -p "$last" 0.2 1
	has 'any(.stack[]?; . == "at its end")'
	[[ $stderr == *"only the last 64 MB of /tmp/perf-$last.map are read"* ]]
	# the line in which the end begins lacks the digits before it
	truncate -s 0 "$map"
	truncate -s 1M "$map"
	printf '12345%s 8 cut off\n' "$made" >>"$map"
	truncate -s "$((1048576 + 5 + (64 << 20)))" "$map"
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	rm "$map"
}

@test "live: a kernel without BTF has stacks and tasks from /proc, and says what is missing if BPF is asked for" {
	can_read_stacks
	# shellcheck disable=SC2016 # it is the inner shell's
	without() { unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' _ "$@"; }
	[ "$(id -u)" = 0 ] && without true 2>/dev/null || skip "needs root, a kernel with BTF, and mount namespaces"
	known -O2
	run --separate-stderr without "$PQ" wait --stacks --json -p "$last" 0.3 1
	[ "$status" -eq 0 ]
	[[ $stderr != *BPF* ]]
	stack_of '.call == "read"' "inner_read outer_read read_thread"
	run --separate-stderr without "$PQ" tasks --json -p "$last" 0.2 1
	[ "$(json .source)" = '"proc"' ]
	for tool in tasks "wait --stacks"; do
		# shellcheck disable=SC2086 # words
		fails 3 'BPF is not available: this kernel has no BTF' without "$PQ" $tool --source bpf -p "$last" 0.2 1
	done
}

@test "live: the perf map of a container is the one in its own /tmp, with its own number; links lead nowhere" {
	can_read_stacks
	[ "$(id -u)" = 0 ] && unshare -mpf true 2>/dev/null || skip "needs namespaces"
	export JIT=1
	cd "$BATS_TEST_TMPDIR"
	cc -O2 -fno-omit-frame-pointer -pthread -o known "$TESTS/known.c"
	# shellcheck disable=SC2016 # it is the inner shell's
	start unshare -mpf --kill-child bash -c 'exec >made 9<known; mount -t tmpfs tmpfs /tmp && exec /proc/self/fd/9'
	await test -s made
	local made root
	made=$(<made)
	last=$(ps -o pid= --ppid "$last" | tr -d ' ')
	root=/proc/$last/root
	echo "$made 8 of another process" >"/tmp/perf-$last.map"
	echo "$made 8 of the container" >"$root/tmp/perf-1.map"
	[ "$(frame_of_jit)" = "of the container" ]
	echo "$made 8 out of it" >outside
	ln -sf "$PWD/outside" "$root/tmp/perf-1.map"
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	ln -sf "/proc/$$/cwd/outside" "$root/tmp/perf-1.map"
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	nsenter -t "$last" -m umount /tmp
	[ "$(frame_of_jit)" = "0x${made%000}005" ]
	rm "/tmp/perf-$last.map"
}

@test "live: functions of JavaScript, which Node has interpreted and compiled" {
	can_read_stacks
	command -v node >/dev/null || skip "no node here"
	cd "$BATS_TEST_TMPDIR"
	cat >known.js <<-'END'
		function innerWait() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e6); }
		function outerWait() { innerWait(); }
		outerWait();
	END
	start node --perf-basic-prof --interpreted-frames-native-stack known.js
	waiting() {
		run --separate-stderr "$PQ" wait --stacks --json -p "$last" 0.2 1
		has '.stack // [] | map(select(test("(inner|outer)Wait"))) | length == 2 and
			(.[0] | contains("innerWait")) and (.[1] | contains("outerWait"))'
	}
	await waiting
	rm -f "/tmp/perf-$last.map"
}

@test "live: --svg draws a flame graph that is valid XML, zooms and searches" {
	can_read_stacks
	known -O2
	run --separate-stderr "$PQ" wait --stacks --svg wait.svg -p "$last" 0.3 1
	[ "$status" -eq 0 ] && [ -z "$output" ]
	grep -q '<title>inner_read (0.[0-9]* s, ' wait.svg
	run ! grep -q 'href\|src=' wait.svg
	! command -v xmllint >/dev/null || xmllint --noout wait.svg
	if command -v node >/dev/null; then
		run node "$TESTS/flame.js" wait.svg
		diff - <(printf '%s\n' "$output") <<-'END'
			all true
			found INNER_: 100.0 % 3
			zoomed 1180 none none 0.5
			reset true true
		END
	fi
}

@test "--svg draws what --folded prints, of recordings too, and says at once what it cannot write" {
	for i in 0 1 2 3; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$SLEEP" hrtimer_nanosleep
	done
	run --separate-stderr "$PQ" wait --svg "$BATS_TEST_TMPDIR/wait.svg" -f "$dir"
	[ "$status" -eq 0 ] && [ -z "$output" ]
	grep -q '<title>clock_nanosleep(hrtimer_nanosleep) (' "$BATS_TEST_TMPDIR/wait.svg"
	grep -q '<title>blocked (' "$BATS_TEST_TMPDIR/wait.svg"
	fails 1 'cannot write /nonexistent/wait.svg: No such file' timeout 20 "$PQ" wait --svg /nonexistent/wait.svg -p $$ 60 1
	fails 1 'cannot write /dev/full: No space left' "$PQ" wait --svg /dev/full -p $$ 0.2 1
	fails 2 'cannot be combined' "$PQ" wait --svg x.svg --folded
}

@test "live: if all samples would cost too much, some are left out, and a note says so" {
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	start "$(dirname "$PQ")/tests/helper" rest 200
	# strace makes each read cost more than they may on any machine
	ASAN_OPTIONS=detect_leaks=0 run -0 --separate-stderr \
		strace -qq -e trace=pread64 -o /dev/null "$PQ" wait --source proc --hz 100 -p "$last" 0.4 6
	[[ $stderr == *"sampled less often than --hz"* ]]
	run -0 --separate-stderr "$PQ" wait --source proc --hz 2 -p "$last" 1 4
	[[ $stderr != *"sampled less often than --hz"* ]]
}

@test "live: --svg writes nothing if there is no row" {
	local at=$BATS_TEST_TMPDIR
	echo before >"$at/old.svg"
	ln -s nowhere.svg "$at/link.svg"
	for file in new old link; do
		run -2 "$PQ" wait --svg "$at/$file.svg" -p 2147483647 60 1
	done
	[ ! -e "$at/new.svg" ]
	[ "$(cat "$at/old.svg")" = before ]
	[ -L "$at/link.svg" ] && [ ! -e "$at/nowhere.svg" ]
}

@test "--svg - prints one flame graph of all rows on stdout" {
	for i in 0 1 2 3; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$SLEEP" hrtimer_nanosleep
	done
	here
	"$PQ" wait --svg wait.svg -f "$dir"
	"$PQ" wait --svg - -f "$dir" >printed
	cmp printed wait.svg
	[ ! -e - ]
	fails 1 'cannot write stdout: No space left' bash -c "'$PQ' wait --svg - -f '$dir' >/dev/full"
	fails 2 'no such process' "$PQ" wait --svg - -p 99999999 0.1 1
}

@test "--stacks says that recordings do not hold stacks, and takes no --slow" {
	for i in 0 1; do
		tenth $i
		thread "$dir/t$i" 7 7 S 1 1 1 "$SLEEP" hrtimer_nanosleep
	done
	fails 3 'recordings do not hold stacks' "$PQ" wait --stacks -f "$dir"
	fails 2 'cannot be combined' "$PQ" wait --stacks --slow 1s
}
