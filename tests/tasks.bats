#!/usr/bin/env bats
# pq tasks: processes, threads or cgroups that waited for a CPU, worst first.
# shellcheck disable=SC2030,SC2031 # each test has its own processes
load helper

setup() {
	dir=$BATS_TEST_TMPDIR/m
}

teardown() {
	local pid
	for pid in ${started:-}; do
		kill "$pid" 2>/dev/null || :
	done
	if [ -n "${group:-}" ]; then
		for _ in 1 2 3 4 5 6 7 8 9 10; do ! rmdir "$group" 2>/dev/null || break; sleep 0.1; done
	fi
}

# at N: starts sample tN, N seconds after the first one.
at() {
	now=$dir/t$1
	moment "$now" $((($1 + 1) * 1000000000))
	echo "$((100 + $1)).00 0.00" >"$now/proc/uptime"
	mkdir -p "$now/proc/self"
	echo 0::/ >"$now/proc/self/cgroup"
	echo "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw" >"$now/proc/self/mountinfo"
}

# task PID TID NAME STATE RUN_MS WAIT_MS SLICES [VOLUNTARY INVOLUNTARY [START_TICKS [CGROUP]]]
task() {
	local d=$now/proc/$1/task/$2 stat
	mkdir -p "$d"
	printf '%s000000 %s000000 %s\n' "$5" "$6" "$7" >"$d/schedstat"
	printf 'Name:\tx\nState:\t%s (x)\nvoluntary_ctxt_switches:\t%s\nnonvoluntary_ctxt_switches:\t%s\n' \
		"$4" "${8:-0}" "${9:-0}" >"$d/status"
	stat="$2 ($3) $4 1 1 1 0 -1 0 0 0 7 0 0 0 0 0 20 0 1 0 ${10:-50} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0"
	echo "$stat" >"$d/stat"
	[ "$1" != "$2" ] || echo "$stat" >"$now/proc/$1/stat"
	echo "0::${11:-/}" >"$now/proc/$1/cgroup"
}

show() {
	run --separate-stderr "$PQ" tasks --json "$@" -f "$dir"
	[ "$status" -eq 0 ]
}

@test "rows sum the waits of all threads, worst process first; an inactive process has no row" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 20 20 b R 0 0 0; task 30 30 c S 5 5 5
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 20 20 b R 200 700 7; task 30 30 c S 5 5 5
	show
	[ "$(json '[.pid, .comm, .cpu_pct, .wait_pct, .waits_per_s, .wait_us, .threads, .running, .sleeping]')" = \
		'["20","b",20,70,7,100000,1,1,0]
["10","a",60,20,20,10000,2,1,1]' ]
}

@test "-p rejects the ID of a thread and names its process" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 11 11 a R 0 0 0
	printf 'Name:\tTgid: 7\nState:\tR (running)\nTgid:\t10\n' >"$now/proc/11/status"
	printf 'Name:\tx\nState:\tR (running)\nTgid:\t10\n' >"$now/proc/10/status"
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 11 11 a R 0 0 0
	for tool in tasks wait "runqlat --source schedstat"; do
		# shellcheck disable=SC2086 # words
		fails 2 '11 is a thread of process 10.*-p 10' "$PQ" $tool -f "$dir" -p 11
	done
	show -p 10
	[ "$(json .pid)" = '"10"' ]
}

@test "-G and -t leave out columns that would be empty or constant" {
	at 0; task 10 10 a R 0 0 0 0 0 50 /x; task 20 20 b R 0 0 0 0 0 50 /x
	at 1; task 10 10 a R 100 50 10 0 0 50 /x; task 20 20 b R 200 700 7 0 0 50 /x
	run --separate-stderr "$PQ" tasks -G -f "$dir"
	[[ ${lines[0]} =~ %CPU\ .*\ thr\ \ cgroup$ ]] && [[ ! ${lines[0]} =~ PID|Command ]]
	[[ ${lines[1]} =~ \ 75\.0\ .*\ 2\ \ /x$ ]]
	run --separate-stderr "$PQ" tasks -t -w split -f "$dir"
	[[ ${lines[0]} =~ TID.*%cont\ \ Command$ ]] && [[ ! ${lines[0]} =~ \ thr ]]
}

@test "-t prints one row per thread; -n limits the rows" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 20 20 b R 0 0 0
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 20 20 b R 200 700 7
	show -t
	[ "$(json '[.pid, .tid, .wait_pct]')" = '["20","20",70]
["10","11",15]
["10","10",5]' ]
	show -t -n 2
	[ "$(json .tid)" = '"20"
"11"' ]
}

@test "context switches are summed over all threads" {
	at 0; task 10 10 a S 0 0 0 1 1; task 10 11 a R 0 0 0 2 2; task 10 12 a S 1 1 1 5 5
	at 1; task 10 10 a S 1 1 10 7 2; task 10 11 a R 5 1 10 3 9; task 10 12 a S 1 1 1 5 5
	show
	[ "$(json '[.vcsw_per_s, .ivcsw_per_s]')" = '[7,8]' ]
}

@test "new threads and processes count from their creation; ended threads are counted" {
	at 0; task 10 10 a S 0 0 0 0 0; task 10 12 a S 5 5 5
	at 1; task 10 10 a S 10 10 1 1 0; task 10 11 a R 100 200 2 1 1; task 40 40 d R 300 400 4 2 2 10050
	show
	[ "$(json '[.pid, .cpu_pct, .wait_pct, .threads, .born, .ended, .vcsw_per_s]')" = '["40",30,40,1,1,0,2]
["10",11,21,2,1,1,2]' ]
}

@test "a process that becomes visible later does not show what it did before" {
	at 0; task 10 10 a S 0 0 0
	at 1; task 10 10 a S 10 10 1; task 40 40 d R 300 400 4 2 2 20
	at 2; task 10 10 a S 10 10 1; task 40 40 d R 310 420 5 2 3 20
	show
	[ "$(json '[.pid, .cpu_pct, .wait_pct]')" = '["10",1,1]
["40",1,2]' ]
}

@test "a counter that runs backwards gives no figures" {
	at 0; task 10 10 a S 500 500 50
	at 1; task 10 10 a S 10 10 1
	show
	[ "$(json '[.cpu_pct, .wait_pct]')" = '[0,0]' ]
}

@test "a thread that waits all interval is stuck and comes first; its wait counts when it ends" {
	at 0; task 10 10 a R 0 0 0; task 20 20 b R 0 0 0
	at 1; task 10 10 a R 0 0 0; task 20 20 b R 400 600 9
	at 2; task 10 10 a R 1 2000 1; task 20 20 b R 500 700 10
	show
	[ "$(json '[.pid, .wait_pct, .wait_us, .stuck]')" = '["10",0,null,1]
["20",60,66666.667,0]
["10",200,2000000,0]
["20",10,100000,0]' ]
}

@test "tasks that came and went have a row of their own" {
	local t
	for t in 0 1; do
		at $t; task 2 2 kthreadd S 0 0 0; task 10 10 a R $((t * 10)) 0 $t
	done
	task 40 40 d R 3 4 4 2 2 10050
	echo "processes 1000" >"$dir/t0/proc/stat"; echo "processes 1005" >"$dir/t1/proc/stat"
	show
	[ "$(json '[.pid, .comm, .threads, .cpu_pct]' | tail -n 1)" = '[null,"(came and went)",4,null]' ]
}

@test "-G sums by cgroup; -C selects by part of the name; -p shows an inactive process too" {
	at 0; task 10 10 abc S 0 0 0 0 0 1 /x; task 20 20 bcd S 0 0 0 0 0 1 /x; task 30 30 e S 0 0 0 0 0 1 /y; task 50 50 f S 0 0 0
	at 1; task 10 10 abc S 1 10 1 0 0 1 /x; task 20 20 bcd S 1 20 1 0 0 1 /x; task 30 30 e S 1 25 1 0 0 1 /y; task 50 50 f S 0 0 0
	show -G
	[ "$(json '[.cgroup, .pid, .wait_pct, .threads]')" = '["/x",null,3,2]
["/y",null,2.5,1]' ]
	show -C bc
	[ "$(json .comm)" = '"bcd"
"abc"' ]
	show -p 50
	[ "$(json '[.pid, .wait_pct, .threads]')" = '["50",0,1]' ]
}

# quota N THROTTLED_US STEP: cgroup /q has a quota, process 10 and N more processes; process 5 is outside it.
quota() {
	local d=$now/sys/fs/cgroup i
	mkdir -p "$d/q"
	: >"$d/cgroup.procs"
	echo domain >"$d/q/cgroup.type"
	echo "20000 100000" >"$d/q/cpu.max"
	seq 10 $((10 + $1)) >"$d/q/cgroup.procs"
	printf 'usage_usec 0\nnr_periods 1\nnr_throttled 1\nthrottled_usec %s\n' "$2" >"$d/q/cpu.stat"
	printf 'usage_usec 0\n' >"$d/cpu.stat"
	for ((i = 10; i <= 10 + $1; i++)); do task "$i" "$i" q R "$((i * $3))" "$((i * 70 * $3))" "$3" 0 0 1 /q; done
	task 5 5 out R "$3" $((30 * $3)) "$3"
}

@test "quota or contention: known for a single thread, and for a task that was not throttled" {
	at 0; quota 0 0 0
	at 1; quota 0 600000 1
	show
	[ "$(json '[.pid, .wait_pct, .quota_pct, .contention_pct]')" = '["10",70,60,10]
["5",3,0,3]' ]
}

@test "quota or contention: a wait that has not ended counts as neither" {
	at 0; quota 0 0 0
	at 1; quota 0 600000 1
	at 2; quota 0 900000 1
	show -p 10
	[ "$(json '[.stuck, .wait_pct, .quota_pct, .contention_pct]')" = '[0,70,60,10]
[1,0,0,0]' ]
}

@test "quota or contention: unknown with two threads in the cgroup" {
	at 0; quota 1 0 0
	at 1; quota 1 600000 1
	show
	[ "$(json 'select(.cgroup == "/q") | [.quota_pct, .contention_pct]' | sort -u)" = '[null,null]' ]
}

@test "names with control characters are escaped" {
	at 0; task 10 10 $'a\e[31m' S 0 0 0
	at 1; task 10 10 $'a\e[31m' S 1 10 1
	run "$PQ" tasks -f "$dir"
	[[ $output == *'a\033[31m'* ]]
	[[ $output != *$'\e'* ]]
}

@test "live: finds a busy loop, also with -p; the recording replays byte for byte" {
	bash -c 'while :; do :; done' 3>&- &
	started=$!
	"$PQ" tasks --json -o "$BATS_TEST_TMPDIR/x.tape" 0.1 5 >"$BATS_TEST_TMPDIR/live"
	"$PQ" tasks --json -f "$BATS_TEST_TMPDIR/x.tape" >"$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/again"
	jq -es --arg pid "$started" 'map(select(.pid == $pid and .cpu_pct > 0)) | length > 0' "$BATS_TEST_TMPDIR/live"
	run --separate-stderr "$PQ" tasks --json -p "$started" 0.5 1
	[ "$(json '[.pid, .comm, .threads]')" = "[\"$started\",\"bash\",1]" ]
	kill "$started"
}

@test "live: --budget skips threads and says so; the recording replays" {
	for _ in {1..120}; do sleep 30 3>&- & started="${started:-} $!"; done
	"$PQ" tasks --json --budget 1ms -o "$BATS_TEST_TMPDIR/x.tape" 0.1 6 >"$BATS_TEST_TMPDIR/live" 2>"$BATS_TEST_TMPDIR/said"
	"$PQ" tasks --json --budget 1ms -f "$BATS_TEST_TMPDIR/x.tape" >"$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/again"
	[[ $(cat "$BATS_TEST_TMPDIR/said") =~ "threads were not read for this row" ]] || skip "this machine reads all within 1 ms"
}

@test "live: works with a low limit on open files" {
	for _ in {1..150}; do sleep 30 3>&- & started="${started:-} $!"; done
	# shellcheck disable=SC2016 # it is the inner shell's
	run --separate-stderr bash -c 'ulimit -n 128; "$1" tasks --json 0.2 2' _ "$PQ"
	[ "$status" -eq 0 ]
	[ -n "$output" ]
}

@test "live: a busy loop with a quota waits for quota" {
	group=/sys/fs/cgroup/cpu/pq-tasks-$$
	[ -d /sys/fs/cgroup/cpu ] && mkdir "$group" 2>/dev/null || { group=; skip "needs cgroup v1 and the right to make a group"; }
	echo 20000 >"$group/cpu.cfs_quota_us"
	bash -c 'echo $$ >"$1/cgroup.procs"; while :; do :; done' _ "$group" 3>&- &
	started=$!
	sleep 0.3
	run --separate-stderr "$PQ" tasks --json -g "${group#/sys/fs/cgroup/cpu}" 2 1
	json -e '.wait_pct > 20 and .quota_pct > 0 and .quota_pct <= .wait_pct'
}

@test "wrong arguments: one line that says what is wanted" {
	fails 2 "no process 4194303 here" "$PQ" tasks -p 4194303 0.1 1
	fails 2 "invalid -n '0': want" "$PQ" tasks -n 0
	fails 2 "invalid --budget 'x': want" "$PQ" tasks --budget x
	fails 2 "-t and -G exclude each other" "$PQ" tasks -t -G
	fails 2 "no cgroup /nope" "$PQ" tasks -g /nope 0.1 1
	mkdir -p "$BATS_TEST_TMPDIR/root/proc"
	fails 3 "no process is (to be seen|visible) in /proc" "$PQ" tasks --root "$BATS_TEST_TMPDIR/root" 0.1 1
	mkdir -p "$BATS_TEST_TMPDIR/root/proc/7/task/7"
	fails 3 "schedstat: .*CONFIG_SCHED_INFO" "$PQ" tasks --root "$BATS_TEST_TMPDIR/root" 0.1 1
}

@test "pq record includes tasks only if it is named" {
	run "$PQ" record -o "$BATS_TEST_TMPDIR/all.tape" 0.1 1
	[[ $output == *"records: runq cpu throttle mem every"* ]]
	run "$PQ" record -o "$BATS_TEST_TMPDIR/one.tape" 0.1 2 tasks
	[[ $output == *"records: tasks every"* ]]
	"$PQ" tasks --json -f "$BATS_TEST_TMPDIR/one.tape" | jq -es 'length > 0'
}
