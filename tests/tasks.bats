#!/usr/bin/env bats
# pq tasks: which tasks wait for a CPU.
# shellcheck disable=SC2030,SC2031 # each test has its own processes
load helper

setup() {
	samples tasks
}

every_sample() {
	echo "$((100 + $1)).00 0.00" >"$now/proc/uptime"
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

@test "waits of all threads are summed, worst process first; an idle process has no row" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 20 20 b R 0 0 0; task 30 30 c S 5 5 5
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 20 20 b R 200 700 7; task 30 30 c S 5 5 5
	show
	[ "$(json '[.pid, .comm, .cpu_pct, .wait_pct, .runs_per_s, .wait_us, .threads, .running, .sleeping]')" = \
		'[20,"b",20,70,7,100000,1,1,0]
[10,"a",60,20,20,10000,2,1,1]' ]
}

@test "-p of a thread is refused, and names its process" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 11 11 a R 0 0 0
	printf 'Name:\tTgid: 7\nState:\tR (running)\nTgid:\t10\n' >"$now/proc/11/status"
	printf 'Name:\tx\nState:\tR (running)\nTgid:\t10\n' >"$now/proc/10/status"
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 11 11 a R 0 0 0
	for words in tasks wait "runqlat --source schedstat"; do
		# shellcheck disable=SC2086
		fails 2 '11 is a thread, not a process: it belongs to process 10 .*-p 10' "$PQ" $words -f "$dir" -p 11
	done
	show -p 10
	[ "$(json .pid)" = '10' ]
}

@test "-G and -t in text leave out columns that are empty or constant" {
	at 0; task 10 10 a R 0 0 0 0 0 50 /x; task 20 20 b R 0 0 0 0 0 50 /x
	at 1; task 10 10 a R 100 50 10 0 0 50 /x; task 20 20 b R 200 700 7 0 0 50 /x
	run --separate-stderr "$PQ" tasks -G -f "$dir"
	[[ ${lines[0]} =~ %CPU\ .*\ thr\ \ cgroup$ ]]
	[[ ! ${lines[0]} =~ PID|Command ]]
	[[ ${lines[1]} =~ \ 75\.0\ .*\ 2\ \ /x$ ]]
	run --separate-stderr "$PQ" tasks -t -w split -f "$dir"
	[[ ${lines[0]} =~ TID.*%cont\ \ Command$ ]]
	[[ ! ${lines[0]} =~ \ thr ]]
}

@test "-t shows each thread, -n limits the rows" {
	at 0; task 10 10 a S 0 0 0; task 10 11 a R 0 0 0; task 20 20 b R 0 0 0
	at 1; task 10 10 a S 100 50 10; task 10 11 a R 500 150 10; task 20 20 b R 200 700 7
	show -t
	[ "$(json '[.pid, .tid, .wait_pct]')" = '[20,20,70]
[10,11,15]
[10,10,5]' ]
	show -t -n 2
	[ "$(json .tid)" = '20
11' ]
}

@test "--sort chooses among all tasks, and -n keeps the first" {
	local pids=(2 10 {21..90})
	at 0; for pid in "${pids[@]}"; do task "$pid" "$pid" x R 0 0 0; done
	at 1; for pid in "${pids[@]}"; do task "$pid" "$pid" x R $((100 - pid)) "$pid" 1; done
	show -n 2
	[ "$(json .pid | xargs)" = '90 89' ]
	show -n 2 --sort cpu_pct
	[ "$(json '[.pid, .cpu_pct]' | xargs)" = '[2,9.8] [10,9]' ]
	show -n 2 --sort pid
	[ "$(json .pid | xargs)" = '2 10' ]
	fails 2 "unknown column 'cpu'; did you mean 'cpu_pct'" "$PQ" tasks --sort cpu
}

@test "context switches are summed over the threads" {
	at 0; task 10 10 a S 0 0 0 1 1; task 10 11 a R 0 0 0 2 2; task 10 12 a S 1 1 1 5 5
	at 1; task 10 10 a S 1 1 10 7 2; task 10 11 a R 5 1 10 3 9; task 10 12 a S 1 1 1 5 5
	show
	[ "$(json '[.vcsw_per_s, .ivcsw_per_s]')" = '[7,8]' ]
}

@test "threads and processes that start in the interval count from their start; ended ones are counted" {
	at 0; task 10 10 a S 0 0 0 0 0; task 10 12 a S 5 5 5
	at 1; task 10 10 a S 10 10 1 1 0; task 10 11 a R 100 200 2 1 1; task 40 40 d R 300 400 4 2 2 10050
	show
	[ "$(json '[.pid, .cpu_pct, .wait_pct, .threads, .born, .ended, .vcsw_per_s]')" = '[40,30,40,1,1,0,2]
[10,11,21,2,1,1,2]' ]
}

@test "a process seen for the first time shows nothing from before" {
	at 0; task 10 10 a S 0 0 0
	at 1; task 10 10 a S 10 10 1; task 40 40 d R 300 400 4 2 2 20
	at 2; task 10 10 a S 10 10 1; task 40 40 d R 310 420 5 2 3 20
	show
	[ "$(json '[.pid, .cpu_pct, .wait_pct]')" = '[10,1,1]
[40,1,2]' ]
}

@test "a counter that decreases is unknown" {
	at 0; task 10 10 a S 500 500 50
	at 1; task 10 10 a S 10 10 1
	show
	[ "$(json '[.cpu_pct, .wait_pct]')" = '[null,null]' ]
}

@test "a thread that waits all the time is stuck and comes first; its wait counts when it ends" {
	at 0; task 10 10 a R 0 0 0; task 20 20 b R 0 0 0
	at 1; task 10 10 a R 0 0 0; task 20 20 b R 400 600 9
	at 2; task 10 10 a R 1 2000 1; task 20 20 b R 500 700 10
	show
	[ "$(json '[.pid, .wait_pct, .wait_us, .stuck]')" = '[10,0,null,1]
[20,60,66666.667,0]
[10,200,2000000,0]
[20,10,100000,0]' ]
}

@test "tasks that started and ended within the interval have one row" {
	local t
	for t in 0 1; do
		at $t; task 2 2 kthreadd S 0 0 0; task 10 10 a R $((t * 10)) 0 $t
	done
	task 40 40 d R 3 4 4 2 2 10050
	echo "processes 1000" >"$dir/t0/proc/stat"; echo "processes 1005" >"$dir/t1/proc/stat"
	show
	[ "$(json '[.pid, .comm, .threads, .cpu_pct]' | tail -n 1)" = '[null,"(came and went)",4,null]' ]
}

@test "-G sums by cgroup, -C selects by name, -p shows an idle process" {
	at 0; task 10 10 abc S 0 0 0 0 0 1 /x; task 20 20 bcd S 0 0 0 0 0 1 /x; task 30 30 e S 0 0 0 0 0 1 /y; task 50 50 f S 0 0 0
	at 1; task 10 10 abc S 1 10 1 0 0 1 /x; task 20 20 bcd S 1 20 1 0 0 1 /x; task 30 30 e S 1 25 1 0 0 1 /y; task 50 50 f S 0 0 0
	show -G
	[ "$(json '[.cgroup, .pid, .wait_pct, .threads]')" = '["/x",null,3,2]
["/y",null,2.5,1]' ]
	show -C bc
	[ "$(json .comm)" = '"bcd"
"abc"' ]
	show -p 50
	[ "$(json '[.pid, .wait_pct, .threads]')" = '[50,0,1]' ]
}

# quota N THROTTLED_US: a machine with a cgroup /q that has a quota, and its process 10; N other ones in it.
quota() {
	local i
	cpu_group /q "20000 100000" 0 1 1 "$2"
	seq 10 $((10 + $1)) >"$group/cgroup.procs"
	printf 'usage_usec 0\n' >"$now/sys/fs/cgroup/cpu.stat"
	for ((i = 10; i <= 10 + $1; i++)); do task "$i" "$i" q R "$((i * $3))" "$((i * 70 * $3))" "$3" 0 0 1 /q; done
	task 5 5 out R "$3" $((30 * $3)) "$3"
}

@test "quota and contention are known for a single thread, and without throttling" {
	at 0; quota 0 0 0
	at 1; quota 0 600000 1
	show
	[ "$(json '[.pid, .wait_pct, .quota_pct, .contention_pct]')" = '[10,70,60,10]
[5,3,0,3]' ]
}

@test "quota and contention leave out a wait that has not ended" {
	at 0; quota 0 0 0
	at 1; quota 0 600000 1
	at 2; quota 0 900000 1
	show -p 10
	[ "$(json '[.stuck, .wait_pct, .quota_pct, .contention_pct]')" = '[0,70,60,10]
[1,0,0,0]' ]
}

@test "quota and contention are unknown for two threads in one cgroup" {
	at 0; quota 1 0 0
	at 1; quota 1 600000 1
	show
	[ "$(json 'select(.cgroup == "/q") | [.quota_pct, .contention_pct]' | sort -u)" = '[null,null]' ]
}

@test "quota and contention of two threads are unknown in rows with throttled periods, even if no thread was held back" {
	at 0; quota 1 0 0
	at 1; quota 1 0 1
	sed -i 's/^nr_throttled .*/nr_throttled 11/' "$group/cpu.stat"
	show
	[ "$(json 'select(.cgroup == "/q") | [.quota_pct, .contention_pct]' | sort -u)" = '[null,null]' ]
	[ "$(json 'select(.pid == 5) | [.quota_pct, .contention_pct]')" = '[0,3]' ]
}

# in_tenths STEP THROTTLED_US: a sample 0.1 s after the one before, of a thread that waited for 70 ms.
in_tenths() {
	at "$1"
	printf '%s 1790000000000000000\n' "$((1000000000 + $1 * 100000000))" >"$now/clock"
	quota 0 "$2" "$1"
	task 10 10 q R "$1" $((70 * $1)) "$1" 0 0 1 /q
	sed -i "s/^nr_throttled .*/nr_throttled $(($2 > 0))/" "$group/cpu.stat"
}

@test "quota and contention are unknown in a row that is short for the periods of the quota, unless none was throttled of late" {
	in_tenths 0 0
	in_tenths 1 0
	in_tenths 2 80000
	in_tenths 3 80000
	in_tenths 4 80000
	show -p 10
	[ "$(json '[.wait_pct, .quota_pct, .contention_pct]')" = '[70,0,70]
[70,null,null]
[70,null,null]
[70,0,70]' ]
}

# read_at MS…: when the quotas of each sample were read, after its begin.
read_at() {
	local i=0
	for ms in "$@"; do
		mkdir -p "$dir/t$i/pq"
		echo "$(((i + 1) * 1000000000 + ms * 1000000))" >"$dir/t$i/pq/quotas_read"
		i=$((i + 1))
	done
}

@test "quota and contention are unknown if the quotas were read late: they have what passed since" {
	at 0; quota 0 0 0
	at 1; quota 0 600000 1
	read_at 5 20
	show -p 10
	[ "$(json '[.quota_pct, .contention_pct]')" = '[60,10]' ]
	for late in "5 200" "200 5"; do
		# shellcheck disable=SC2086 # words
		read_at $late
		show -p 10
		[ "$(json '[.wait_pct, .quota_pct, .contention_pct]')" = '[70,null,null]' ]
	done
	sed -i '/throttled/s/ .*/ 0/' "$dir"/t?/sys/fs/cgroup/q/cpu.stat
	show -p 10
	[ "$(json '[.quota_pct, .contention_pct]')" = '[0,70]' ]
}

@test "names with control characters are escaped" {
	at 0; task 10 10 $'a\e[31m' S 0 0 0
	at 1; task 10 10 $'a\e[31m' S 1 10 1
	run "$PQ" tasks -f "$dir"
	[[ $output == *'a\033[31m'* ]]
	[[ $output != *$'\e'* ]]
}

@test "live: a busy loop is found, and a recording replays the same bytes" {
	burn
	"$PQ" tasks --json -o "$BATS_TEST_TMPDIR/x.tape" 0.1 5 >"$BATS_TEST_TMPDIR/live"
	"$PQ" tasks --json -f "$BATS_TEST_TMPDIR/x.tape" >"$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/again"
	jq -es --argjson pid "$last" 'map(select(.pid == $pid and .cpu_pct > 0)) | length > 0' "$BATS_TEST_TMPDIR/live"
	run --separate-stderr "$PQ" tasks --json -p "$last" 0.5 1
	[ "$(json '[.pid, .comm, .threads]')" = "[$last,\"bash\",1]" ]
}

# two_at_once SOURCE: what it and /proc say of the same process at once, as records "tid cpu_pct runs".
two_at_once() {
	"$PQ" tasks --source proc -t --json -p "$last" 2 1 >proc.json &
	"$PQ" tasks --source "$1" -t --json -p "$last" 2 1 >bpf.json || return
	wait $!
	jq -s '.[0].cpu_pct - .[1].cpu_pct | fabs < 10' proc.json bpf.json | grep true
	jq -s '[.[] | [.pid, .tid, .comm]] | .[0] == .[1]' proc.json bpf.json | grep true
}

@test "live: BPF and /proc tell the same of a busy loop" {
	cd "$BATS_TEST_TMPDIR"
	run --separate-stderr "$PQ" tasks --source bpf 0.1 1
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
	burn
	for source in bpf-loop bpf-iter; do
		run --separate-stderr "$PQ" tasks --source $source 0.1 1
		[ "$status" -ne 0 ] || two_at_once $source
	done
}

@test "live: rows of a process that stands still are what its files say" {
	cd "$BATS_TEST_TMPDIR"
	run --separate-stderr "$PQ" tasks --source bpf 0.1 1
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
	burn
	sleep 0.2
	kill -STOP "$last"
	await in_state T "$last"
	for source in bpf-loop bpf-iter; do
		run --separate-stderr "$PQ" tasks --source $source -o $source.tape 0.1 1
		[ "$status" -eq 0 ] || continue
		"$PQ" tape unpack $source.tape $source
		run awk -v pid="$last" '$1 == pid { print $3, $4, $5, $6, $7, $8, $9, $NF; exit }' $source/*/pq/tasks
		# shellcheck disable=SC2046 # words
		set -- T $(cat /proc/"$last"/schedstat) $(awk '/voluntary_ctxt/ { print $2 }' /proc/"$last"/status) \
			$(cut -d' ' -f12 /proc/"$last"/task/"$last"/stat) "$(cat /proc/"$last"/comm)"
		[ "$output" = "$*" ]
	done
}

@test "live: rows of BPF have the number of the cgroup, and one process tells its name for all in it" {
	need_bpf
	cd "$BATS_TEST_TMPDIR"
	v1_group
	for _ in {1..8}; do
		start sleep 60
		echo "$last" >"$group/cgroup.procs"
	done
	for source in bpf-loop bpf-iter; do
		rm -rf x.tape x
		"$PQ" tasks --source $source -o x.tape 0.1 1 >/dev/null 2>&1 || continue
		"$PQ" tape unpack x.tape x
		set -- x/*/pq
		[ "$(awk -v pid="$last" '$1 == pid { print $14 }' "$1/tasks")" = "$(stat -c %i "$group")" ]
		for pid in "${started[@]}"; do ! [ -e "${1%/pq}/proc/$pid/cgroup" ] || echo "$pid"; done >"read"
		[ "$(wc -l <"read")" -le 1 ]
	done
}

@test "live: a recording says that BPF was the source, and its rows can be asked for" {
	cd "$BATS_TEST_TMPDIR"
	run --separate-stderr "$PQ" tasks --source bpf -o x.tape 0.1 2
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
	"$PQ" tape unpack x.tape samples
	grep -h '^source bpf-' samples/*/pq/tasks
	run "$PQ" tasks --source bpf -f x.tape
	[ "$status" -eq 0 ]
}

@test "live: rows of BPF tell which cgroup of the cpu controller a task is in" {
	cd "$BATS_TEST_TMPDIR"
	need_bpf
	v1_group
	start sleep 60
	echo "$last" >"$group/cgroup.procs"
	for source in bpf-loop bpf-iter; do
		"$PQ" tasks --source $source -o $source.tape 0.1 1 >/dev/null 2>&1 || continue
		"$PQ" tape unpack $source.tape $source
		run awk -v pid="$last" '$1 == pid { print $(NF - 2); exit }' $source/*/pq/tasks
		[ "$output" = "$(stat -c %i "$group")" ]
	done
}

@test "a recording without BPF has no rows for --source bpf" {
	at 0; task 10 10 a S 0 0 0
	at 1; task 10 10 a S 1 10 1
	fails 3 'the recording was made without BPF' "$PQ" tasks --source bpf -f "$dir"
	run "$PQ" tasks --source proc -f "$dir"
	[ "$status" -eq 0 ]
}

# all_tasks: "PID TID" of every task in /proc.
all_tasks() {
	printf '%s\n' /proc/[0-9]*/task/* | awk -F/ '{ print $3, $5 }' | sort
}

# bpf_tasks ARGUMENTS…: "PID TID" of every task that pq tasks read, but for its own: rows, and files of others.
bpf_tasks() {
	rm -rf rows x.tape
	"$PQ" tasks "$@" -o x.tape 0.1 1 >/dev/null &
	local own=$!
	wait $own || return
	"$PQ" tape unpack x.tape rows
	for last in rows/*; do :; done
	{
		awk -v own=$own 'NR > 3 && $1 != own { print $1, $2 }' "$last/pq/tasks"
		find "$last"/proc/[0-9]* -path '*/task/*/schedstat' 2>/dev/null | awk -F/ '{ print $(NF - 3), $(NF - 1) }'
	} | sort
}

# same_tasks ARGUMENTS…: all tasks that stayed for longer than a row are read, and none that /proc does not show. Those that came
# and went meanwhile, which have the next numbers, are left out. A number may be used again meanwhile: once out of ten times none is.
same_tasks() {
	local newest missing many most
	most=$(cat /proc/sys/kernel/pid_max)
	for _ in {1..10}; do
		newest=$(cut -d' ' -f5 /proc/loadavg)
		all_tasks >before
		bpf_tasks "$@" >"read" || return
		all_tasks >after
		missing=$(comm -12 before after | comm -23 - "read")
		many=$(sort -u before after | comm -13 - "read" |
			awk -v newest="$newest" -v most="$most" '($2 - newest + most) % most > 3000')
		[ -n "$missing$many" ] || return 0
	done
	echo "missing: $missing; too many: $many"
	return 1
}

need_bpf() {
	run --separate-stderr "$PQ" tasks --source "${1:-bpf}" 0.1 1
	[ "$status" -eq 0 ] || skip "${stderr:-no BPF}"
}

@test "live: BPF shows the tasks that /proc shows" {
	cd "$BATS_TEST_TMPDIR"
	need_bpf
	for source in bpf-loop bpf-iter; do
		"$PQ" tasks --source $source 0.1 1 >/dev/null 2>&1 || continue
		same_tasks --source $source
	done
}

@test "live: in a pid namespace BPF shows its tasks, with its numbers" {
	cd "$BATS_TEST_TMPDIR"
	need_bpf bpf-iter
	unshare -pf --mount-proc true || skip "no pid namespaces"
	export -f all_tasks bpf_tasks same_tasks
	export PQ
	for command in "same_tasks --source bpf-iter" "same_tasks --source bpf" "unshare -pf --mount-proc bash -c 'same_tasks --source bpf'"; do
		# shellcheck disable=SC2016 # it is the inner shell's
		run unshare -pf --mount-proc bash -c 'sleep 60 & eval "$1"; status=$?; kill $!; [ "$(wc -l <read)" -ge 1 ] || exit 3; exit $status' _ "$command"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	fails 3 'in a pid namespace it would read all tasks of the host' unshare -pf --mount-proc "$PQ" tasks --source bpf-loop 0.1 1
}

@test "live: BPF is not used where /proc shows other tasks" {
	cd "$BATS_TEST_TMPDIR"
	need_bpf
	unshare -pf --mount-proc true || skip "no pid namespaces"
	fails 3 '/proc is that of another pid namespace' unshare -pf "$PQ" tasks --source bpf 0.1 1
	command -v setpriv >/dev/null || skip "no setpriv"
	need_nobody
	hidden() {
		# shellcheck disable=SC2016 # it is the inner shell's
		unshare -m bash -c 'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups \
			--inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon --bounding-set=-all,+bpf,+perfmon "$@"' _ "$@"
	}
	hidden true || skip "cannot mount /proc with hidepid"
	fails 3 'it would show what /proc hides: /proc is mounted with hidepid=' hidden "$BATS_TEST_TMPDIR/pq-nobody" tasks --source bpf 0.1 1
	run --separate-stderr hidden "$BATS_TEST_TMPDIR/pq-nobody" tasks --json 0.1 1
	[ "$status" -eq 0 ]
	[ "$(jq -r 'select(.pid) | .source' <<<"$output" | sort -u)" = proc ]
}

@test "JSON says the source" {
	at 0; task 10 10 a S 0 0 0
	at 1; task 10 10 a S 1 10 1
	show
	[ "$(json .source)" = '"proc"' ]
}

@test "--root reads files only" {
	fails 3 'BPF is not available: --root reads files only' "$PQ" tasks --source bpf --root "$BATS_TEST_TMPDIR" 0.1 1
}

@test "live: nobody is told why there is no BPF" {
	need_nobody
	fails 3 'BPF is not available' as_nobody tasks --source bpf 0.1 1
	run --separate-stderr as_nobody tasks 0.1 1
	[ "$status" -eq 0 ]
	[ -n "$output" ]
}

@test "live: --budget skips threads, says so, and replays the same" {
	for _ in {1..120}; do start sleep 30; done
	"$PQ" tasks --source proc --json --budget 1ms -o "$BATS_TEST_TMPDIR/x.tape" 0.1 6 >"$BATS_TEST_TMPDIR/live" 2>"$BATS_TEST_TMPDIR/said"
	"$PQ" tasks --json --budget 1ms -f "$BATS_TEST_TMPDIR/x.tape" >"$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/again"
	[[ $(cat "$BATS_TEST_TMPDIR/said") =~ "threads were not read for this row" ]] || skip "this machine reads all within 1 ms"
}

# has_rows N: whether pq has printed so many.
has_rows() {
	[ "$(wc -l <rows)" -ge "$1" ]
}

@test "live: threads that stand still are not read again" {
	cd "$BATS_TEST_TMPDIR"
	[ -r /proc/self/io ] || skip "no /proc/PID/io"
	start "$(dirname "$PQ")/tests/helper" rest 300
	rest=$last
	await [ -e "/proc/$rest/task" ]
	start "$PQ" tasks --source proc --json -p "$rest" 0.1 >rows
	await has_rows 8
	calls=$(awk '/^syscr/ { print $2 }' "/proc/$last/io")
	await has_rows 18
	[ $(($(awk '/^syscr/ { print $2 }' "/proc/$last/io") - calls)) -lt 1500 ] # of 3000 threads
}

@test "live: threads that come and go are counted, and their time is that of the process" {
	cd "$BATS_TEST_TMPDIR"
	start "$(dirname "$PQ")/tests/helper" come 200
	come=$last
	await [ -e "/proc/$come/task" ]
	start "$PQ" tasks --source proc --json -p "$come" 0.05 >rows
	await has_rows 12
	kill -STOP "$come"
	await has_rows $(($(wc -l <rows) + 3))
	[ "$(tail -n 1 rows | jq .threads)" -eq "$(awk '/^Threads/ { print $2 }' "/proc/$come/status")" ]
	[ "$(jq -s 'map(.born) | add' rows)" -gt 20 ]
	[ "$(jq -s 'map(.ended) | add' rows)" -gt 20 ]
	[ "$(jq -s '.[0].threads + (.[1:] | map(.born - .ended) | add) == .[-1].threads' rows)" = true ]
}

@test "live: it works with a low limit of open files" {
	for _ in {1..150}; do start sleep 30; done
	# shellcheck disable=SC2016 # it is the inner shell's
	run --separate-stderr bash -c 'ulimit -n 128; "$1" tasks --source proc --json 0.2 2' _ "$PQ"
	[ "$status" -eq 0 ]
	[ -n "$output" ]
}

@test "live: a busy loop under a quota waits for its quota" {
	v1_group 2000 # so little that it runs out where others want the CPU as well
	burn "$group"
	await grep -q "nr_throttled [1-9]" "$group/cpu.stat"
	run --separate-stderr "$PQ" tasks --json -g "$name" 2 1
	json -e '.wait_pct > 20 and .quota_pct > 0 and .quota_pct <= .wait_pct'
}

@test "wrong arguments give one line that says what is wanted" {
	fails 2 "no (such )?process:? 4194303" "$PQ" tasks -p 4194303 0.1 1
	fails 2 "invalid -n '0': want" "$PQ" tasks -n 0
	fails 2 "invalid --budget 'x': want" "$PQ" tasks --budget x
	fails 2 "-t and -G cannot be combined" "$PQ" tasks -t -G
	fails 2 "no (such )?cgroup:? /nope" "$PQ" tasks -g /nope 0.1 1
	mkdir -p "$BATS_TEST_TMPDIR/root/proc"
	fails 3 "no process is visible in /proc" "$PQ" tasks --root "$BATS_TEST_TMPDIR/root" 0.1 1
	mkdir -p "$BATS_TEST_TMPDIR/root/proc/7/task/7"
	fails 3 "schedstat: .*CONFIG_SCHED_INFO" "$PQ" tasks --root "$BATS_TEST_TMPDIR/root" 0.1 1
}

@test "pq record records it rarely, or as often as it is told when named" {
	run "$PQ" record -o "$BATS_TEST_TMPDIR/all.tape" 0.1 1
	[[ $output == *"records: runq "*" tasks:10s "* ]]
	run "$PQ" record -o "$BATS_TEST_TMPDIR/one.tape" 0.1 2 tasks
	[[ $output == *"records: tasks every"* ]]
	"$PQ" tasks --json -f "$BATS_TEST_TMPDIR/one.tape" | jq -es 'length > 0'
}
