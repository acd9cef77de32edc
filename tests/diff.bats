#!/usr/bin/env bats
# pq diff: what changed between two recordings. The statistics: unit/compare.c.
load helper

setup() {
	here
	cp "$BATS_FILE_TMPDIR"/*.tape .
}

# record NAME SECONDS QUOTA_US THROTTLED: NAME.tape has a sample each second of /web, which uses its quota. Of its ten periods a second, so
# many are throttled, one more or less. The function $extra adds files to each sample.
record() {
	local i at throttled=0
	for ((i = 0; i <= $2; i++)); do
		printf -v now '%s/t%04d' "$1" "$i"
		group=$now/sys/fs/cgroup/web
		mkdir -p "$now/proc/self" "$group" "$now/sys/devices/system/cpu"
		at=$(((i + 1) * 1000000000))
		echo "$at $((1790000000000000000 + at))" >"$now/clock"
		echo 0::/ >"$now/proc/self/cgroup"
		echo '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >"$now/proc/self/mountinfo"
		echo 0-3 >"$now/sys/devices/system/cpu/online"
		: >"$now/sys/fs/cgroup/cgroup.procs"
		: >"$group/cgroup.procs"
		echo "$3 100000" >"$group/cpu.max"
		printf 'usage_usec %s\nnr_periods %s\nnr_throttled %s\nthrottled_usec %s\n' $((i * $3 * 9)) $((i * 10)) \
			$throttled $((throttled * 50000)) >"$group/cpu.stat"
		[ -z "${extra:-}" ] || "$extra" "$i"
		throttled=$((throttled + $4 + ($4 > 0 ? i * 7 % 3 - 1 : 0)))
	done
	printf 'ticks_per_s 100\ncpus 4\nhostname %s\nrelease 6.1.0\n' "${machine:-n1}" >"$1/facts"
	"$PQ" tape pack "$1" "$1.tape"
}

# another SECOND: for $extra, another cgroup, which is never throttled.
another() {
	mkdir "$now/sys/fs/cgroup/db"
	: >"$now/sys/fs/cgroup/db/cgroup.procs"
	echo 50000 100000 >"$now/sys/fs/cgroup/db/cpu.max"
	printf 'nr_periods %s\nnr_throttled 0\n' $(($1 * 10)) >"$now/sys/fs/cgroup/db/cpu.stat"
}

# The recordings a0, a3, a6 and a9 differ in how many periods are throttled.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	for n in 0 3 6 9; do record a$n 30 20000 $n; done
}

# compare ARGUMENTS…: $output is the JSON of the comparison.
compare() {
	run -0 --separate-stderr "$PQ" diff --json "$@"
}

@test "a quota that was raised: its change is in the head, and less throttling comes first" {
	record after 30 100000 0
	run -0 --separate-stderr "$PQ" diff a9.tape after.tape
	[[ $output == *"throttle.limit_cpus of /web 0.20 -> 1.00"* ]]
	[[ $output != *WORSE* ]]
	[ "$(sed -n '/^BETTER/{n;p;}' <<<"$output" | cut -d ' ' -f 1)" = throttle.throttled_pct ]
}

@test "text fits 80 columns" {
	run -0 --separate-stderr "$PQ" diff --all -n 1000 a9.tape a0.tape
	[ "$(awk 'length($0) > 80' <<<"$output")" = "" ]
	[[ $output == *"NO SIGNIFICANT CHANGE"* ]]
}

@test "the figures of both are as pq throttle prints them" {
	want=$("$PQ" throttle --json -g /web -f a9.tape 2>/dev/null | jq -s 'map(.throttled_pct) | add / length * 1000 | round / 1000')
	compare a9.tape a3.tape
	json_is 'select(.figure == "throttle.throttled_pct") | [.change, .row, .a_samples, .a_mean, .b_samples, .b_max]' \
		"[\"better\",\"/web\",30,$want,30,40]"
	json_is 'select(.figure == "throttle.throttled_pct") | [.p < 1e-6, .difference < -50, .ratio < 0.4]' '[true,true,true]'
}

@test "the same recording twice has no change" {
	run -0 --separate-stderr "$PQ" diff a6.tape a6.tape
	[[ $output == *"0 worse, 0 better, 0 otherwise changed;"* ]]
	[[ $output != *"->"* ]]
}

@test "two windows of one recording" {
	later() {
		[ "$1" -lt 30 ] || more=$((more + 9))
		printf 'nr_periods %s\nnr_throttled %s\n' $(($1 * 10)) $more >"$group/cpu.stat"
	}
	more=0 extra=later
	record w 60 20000 0
	worse='select(.figure == "throttle.throttled_pct") | [.change, .a_mean, .b_mean]'
	compare w.tape@..+29s @+30s..
	json_is "$worse" '["worse",0,90]'
	compare w.tape@+0s..+29s w.tape@+30s..+60s
	json_is "$worse" '["worse",0,90]'
	compare --at +30s w.tape
	json_is "$worse" '["worse",3,90]'
	compare --from +5s --to +25s w.tape @+30s..
	json_is 'select(.change == "recordings") | [.a.samples, .b.samples]' '[20,30]'
}

@test "a file with an @ in its name is a file" {
	cp a3.tape 'x@+1s..+5s'
	compare 'x@+1s..+5s' a3.tape
	json_is 'select(.change == "recordings") | .a.samples' 30
}

@test "--fail: exit 1 where it is worse by more" {
	run --separate-stderr -1 "$PQ" diff --fail 'throttle.throttled_pct +10%' a3.tape a6.tape
	[[ $stderr == *"--fail 'throttle.throttled_pct +10%': throttle.throttled_pct of /web is worse"* ]]
	[[ $output == *"! /web"* ]]
	for rule in 'throttle.throttled_pct +20' 'throttle.throttled_pct p99 +10' '* 10%' 'throttle.* 10%'; do
		run --separate-stderr -1 "$PQ" diff --fail "$rule" a3.tape a6.tape
	done
	for rule in 'throttle.throttled_pct +200%' 'throttle.throttled_pct +40'; do
		run --separate-stderr -0 "$PQ" diff --fail "$rule" a3.tape a6.tape
	done
	run --separate-stderr -0 "$PQ" diff --fail '* 10%' a6.tape a3.tape
	run --separate-stderr -0 "$PQ" diff --fail '* 1%' a3.tape a3.tape
}

@test "--fail: from 0 on, any significant increase is more than 10 %" {
	run --separate-stderr -1 "$PQ" diff --json --fail 'throttle.held_cpus +10%' a0.tape a3.tape
	json_is 'select(.figure == "throttle.held_cpus") | [.change, .fails, .ratio, .a_mean]' '["worse",true,null,0]'
}

@test "--fail: what cannot be judged is exit 3" {
	run --separate-stderr -3 "$PQ" diff --fail 'throttle.throttled_pct +10%' a3.tape a9.tape@..+5s
	[[ $stderr == *"unknown: not in both recordings, or too few samples"* ]]
	run --separate-stderr -3 "$PQ" diff --fail 'mem.used_bytes +64M' a3.tape a3.tape
	run --separate-stderr -3 "$PQ" diff --fail '* 10%' a3.tape@..+5s a3.tape@..+5s
	run --separate-stderr -3 "$PQ" diff --fail 'throttle.bursts +1' a3.tape@..+5s a3.tape@..+5s
	run --separate-stderr -1 "$PQ" diff --fail 'mem.used_bytes +64M' --fail '* 1%' a3.tape a9.tape
}

@test "wrong rules of --fail are refused, and say what would work" {
	for rule in '' throttle.held_cpus 'held_cpus +10%' 'throttle.held_cpu +10%' 'throttle.held_cpus -10%' 'throttle.held_cpus +x' \
		'throttle.held_cpus +10% more' 'throttle.cgroup +1' 'throttle.limit_cpus +1' 'runq.plist_sz 10%' '* +10%' 'mem.used_bytes +5ms'; do
		fails 2 "invalid --fail" "$PQ" diff --fail "$rule" a3.tape a3.tape
	done
	fails 2 "did you mean held_cpus" "$PQ" diff --fail 'throttle.held_cpu +10%' a3.tape a3.tape
	fails 2 "more is worse: want \+AMOUNT" "$PQ" diff --fail 'throttle.held_cpus -10%' a3.tape a3.tape
}

@test "a baseline stands for the recording that it was saved from" {
	run -0 --separate-stderr "$PQ" diff --save a.baseline a9.tape
	[ -z "$output" ]
	[ "$(head -n 1 a.baseline)" = "pq-baseline 1" ]
	compare a9.tape a3.tape
	want=$output
	compare a.baseline a3.tape
	[ "$output" = "$want" ]
	"$PQ" diff --save - a9.tape | cmp - a.baseline
	[ ! -e - ]
}

@test "numbers of a baseline are read exactly, in hexadecimal and in decimal" {
	local number
	"$PQ" diff --save a.baseline a9.tape 2>/dev/null
	"$PQ" diff --save - a.baseline 2>/dev/null | cmp - a.baseline
	number=$(grep -m1 -oE '0x1\.[0-9a-f]{13}p[0-9]+' a.baseline)
	sed "s/$number/$(printf %.20g "$number")/" a.baseline >decimal
	run ! cmp -s decimal a.baseline
	"$PQ" diff --save - decimal 2>/dev/null | cmp - a.baseline
	for number in 0x1.00000000000g0p1 0x1.0000000000000p 0x1.0000000000000p1.5 0x1.0000000000000p1024 inf; do
		sed -E "0,/0x1\.[0-9a-f]{13}p[0-9]+/s//$number/" a.baseline >damaged
		fails 1 "damaged:[0-9]+: damaged baseline" "$PQ" diff damaged a3.tape
	done
}

@test "a baseline replaces an older one, and no other file" {
	"$PQ" diff --save a.baseline a9.tape 2>/dev/null
	run -0 --separate-stderr "$PQ" diff --save a.baseline a3.tape
	compare a.baseline a3.tape
	json_is 'select(.change == "recordings") | [.a.path, .worse, .better]' '["a3.tape",0,0]'
	echo precious >text
	fails 2 "text exists and is not a baseline" "$PQ" diff --save text a3.tape
	run -1 --separate-stderr "$PQ" diff --save no/such a3.tape
	[[ $stderr == *"cannot write no/such: No such file or directory" ]]
	[ ! -e a.baseline.part ]
	echo left >a.baseline.part # by a process that was killed
	run -0 --separate-stderr "$PQ" diff --save a.baseline a9.tape
	[ "$(cat a.baseline.part)" = left ]
}

@test "damaged baselines are refused" {
	"$PQ" diff --save good a3.tape 2>/dev/null
	head -n -1 good >shorter
	fails 1 "shorter:[0-9]+: damaged baseline" "$PQ" diff shorter a3.tape
	sed 's/^pq-baseline 1/pq-baseline 2/' good >later
	fails 1 "a baseline of a later version" "$PQ" diff later a3.tape
	sed '0,/^counts [0-9]*/s//counts 77777/' good >counts
	fails 1 "counts:[0-9]+: damaged baseline" "$PQ" diff counts a3.tape
	fails 2 "a baseline has no window" "$PQ" diff good@+1s.. a3.tape
}

# 8 blocks suffice for a test, but at this level not even the clearest change would be significant.
@test "--fail: recordings in which no change could be significant are exit 3, not a pass" {
	for rule in 'throttle.throttled_pct +10%' '* 10%' 'throttle.bursts +1'; do
		run --separate-stderr -3 "$PQ" diff --level 0.1% --fail "$rule" a0.tape@..+9s a9.tape@..+9s
		[[ $stderr == *"--fail '$rule': unknown: too short for any change to be significant (record 30 s or more)"* ]]
		[[ $stderr != *judged* ]]
	done
	[[ $output == *"note: too short: no change among "*" figures could be significant"* ]]
	[[ $output =~ [0-9]+" with too few samples to tell" ]]
	compare --level 0.1% a0.tape@..+9s a9.tape@..+9s
	json_is 'select(.figure == "throttle.throttled_pct") | .change' '"few-samples"'
	run --separate-stderr -1 "$PQ" diff --level 0.1% --fail "* 10%" a0.tape a9.tape
}

# pressure_later SECOND: for $extra, pressure files, but only in the last samples.
pressure_later() {
	[ "$1" -lt 26 ] || {
		mkdir -p "$now/proc/pressure"
		for it in cpu memory io; do
			printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' $(($1 * 100000)) >"$now/proc/pressure/$it"
		done
	}
}

@test "a tool of which there are too few samples is named" {
	extra=pressure_later record few 30 20000 3
	run -0 --separate-stderr "$PQ" diff few.tape few.tape
	[[ $output == *"note: psi: fewer than 8 samples in A or B are too few to compare (record for longer, or read the tool more often, as with tasks:1s)"* ]]
	run -0 --separate-stderr "$PQ" diff a3.tape a6.tape
	[[ $output != *"fewer than 8"* ]]
}

@test "few samples: said, and no change is significant" {
	run -0 --separate-stderr "$PQ" diff a0.tape@..+5s a9.tape@..+5s
	[[ $output == *"0 worse, 0 better, 0 otherwise changed;"* ]]
	[[ $output =~ [0-9]+" with too few samples to tell" ]]
	compare a0.tape@..+5s a9.tape@..+5s
	json_is 'select(.figure == "throttle.throttled_pct") | [.change, .p]' '["few-samples",null]'
}

@test "what only one of them knows is said, and is not 0" {
	extra=another
	record b 30 20000 3
	compare a3.tape b.tape
	json_is 'select(.figure == "throttle.throttled_pct" and .row == "/db") | [.change, .a_samples, .a_mean, .b_mean, .difference]' \
		'["only-b",0,null,0,null]'
	run -0 --separate-stderr "$PQ" diff a3.tape b.tape
	[[ $output == *" only in B"* ]]
}

@test "another machine, and another interval, are in the head" {
	machine=n2
	record b 30 20000 3
	for i in b/t???[13579]; do rm -r "$i"; done
	"$PQ" tape pack b half.tape
	run -0 --separate-stderr "$PQ" diff a3.tape half.tape
	[[ $output == *"machine n1 -> n2"* ]]
	[[ $output == *"kernel 6.1.0"$'\n'* ]]
	[[ $output == *"throttle"*": a row of A covers 1 s, one of B 2 s: do not compare their p90, p99 and max"* ]]
	[ "$(grep -c 'a row of A covers' <<<"$output")" -eq 1 ]
}

@test "a figure that changed within A is named, as nothing is significant between A and B" {
	record calm 40 20000 0
	record spike 40 20000 9
	for i in spike/t????; do
		n=$((10#${i#*/t} + 41))
		mv "$i" "calm/t$(printf %04d $n)"
		echo "$(((n + 1) * 1000000000)) $((1790000000000000000 + (n + 1) * 1000000000))" >"calm/t$(printf %04d $n)/clock"
		sed -i "s/^nr_periods .*/nr_periods $((n * 10))/" "calm/t$(printf %04d $n)/sys/fs/cgroup/web/cpu.stat"
	done
	"$PQ" tape pack calm changing.tape
	run -0 --separate-stderr "$PQ" diff changing.tape a0.tape
	[[ $output == *"0 worse, 0 better, 0 otherwise changed"* ]]
	[[ $output == *"note: throttle."*" of /web changed within A or B: compare parts, FILE@FROM..TO"* ]]
	run -0 --separate-stderr "$PQ" diff changing.tape@+45s.. a0.tape
	[[ $output == *BETTER* && $output != *"changed within"* ]]
}

# cpus SECOND: for $extra, two CPUs, of which the second is busy in $busy % of the time.
cpus() {
	mkdir -p "$now/proc"
	printf 'cpu  %s 0 0 %s 0 0 0 0 0 0\ncpu0 %s 0 0 %s 0 0 0 0 0 0\ncpu1 %s 0 0 %s 0 0 0 0 0 0\n' \
		$(($1 * (busy + 10))) $(($1 * (190 - busy))) $(($1 * 10)) $(($1 * 90)) $(($1 * busy)) $(($1 * (100 - busy))) >"$now/proc/stat"
}

@test "people read which CPU a figure is of; programs get the key of the row" {
	extra=cpus busy=10
	record a 30 20000 3
	busy=80
	record b 30 20000 3
	run -0 --separate-stderr "$PQ" diff a.tape b.tape
	[[ $output == *$'\n'"  CPU 1 "* && $output == *$'\n'"  all CPUs "* ]]
	compare a.tape b.tape
	json_is 'select(.figure == "cpu.usr_pct" and .change == "changed" and .row == "1") | .row' '"1"'
}

@test "hostile names of cgroups do nothing to a terminal" {
	evil() {
		local dir=$now/sys/fs/cgroup/$'x\e[31m%"'
		mkdir "$dir"
		: >"$dir/cgroup.procs"
		echo 50000 100000 >"$dir/cpu.max"
		printf 'nr_periods %s\nnr_throttled %s\n' $(($1 * 10)) $(($1 * bad)) >"$dir/cpu.stat"
	}
	extra=evil bad=1
	record a 30 20000 3
	bad=9
	record b 30 20000 3
	run -0 --separate-stderr "$PQ" diff a.tape b.tape
	[[ $output == *'/x\033[31m%"'* ]]
	[[ $output != *$'\e'* ]]
	"$PQ" diff --save base a.tape
	compare base b.tape
	json_is 'select(.figure == "throttle.throttled_pct" and .change == "worse") | .row' '"/x\u001b[31m%\""'
}

@test "a damaged recording is compared, and its holes are in the head" {
	cp a3.tape hole.tape
	printf 'xxxxxxxxxxxxxxxx' | dd of=hole.tape bs=1 seek=$(($(stat -c %s a3.tape) / 2)) conv=notrunc status=none
	run -0 --separate-stderr "$PQ" diff a3.tape hole.tape
	[[ $output == *"note: B: "* ]]
}

@test "what is wrong with A is told before what is wrong with B" {
	gzip -dc "$TESTS/captures/spike.tape.gz" >long.tape
	for tape in long a3; do
		printf 'xxxxxxxxxxxxxxxx' | dd of=$tape.tape bs=1 seek=$(($(stat -c %s $tape.tape) / 2)) conv=notrunc status=none
	done
	run -0 --separate-stderr "$PQ" diff long.tape a3.tape
	echo "$stderr"
	[[ $stderr == *long.tape*a3.tape* ]]
	[[ $stderr != *a3.tape*long.tape* ]]
}

@test "windows without samples, and other things than recordings, are refused" {
	fails 1 "no samples|no rows" "$PQ" diff a3.tape a3.tape@+10m..+20m
	fails 2 "invalid window 'a3.tape@x..y'" "$PQ" diff a3.tape@x..y a3.tape
	fails 2 "cannot open gone.tape" "$PQ" diff gone.tape a3.tape
	echo text >text
	fails 2 "not a pq recording" "$PQ" diff text a3.tape
	fails 2 "no recording given" "$PQ" diff
	fails 2 "want two recordings" "$PQ" diff a3.tape
	fails 2 "unexpected argument 'a3.tape'" "$PQ" diff a3.tape a3.tape a3.tape
	fails 2 "stdin cannot be both" "$PQ" diff - -
	fails 2 "names no recording" "$PQ" diff @+1s.. @+2s..
	mkdir empty
	mkfifo pipe
	fails 2 '^pq diff: empty: neither a recording' "$PQ" diff empty a3.tape
	fails 2 "^pq diff: pipe: neither a recording .*\('-' reads" "$PQ" diff pipe a3.tape
}

@test "two recordings that cannot be read give one line, about the first" {
	for _ in 1 2 3 4 5; do
		fails 2 "cannot open none: No such file" "$PQ" diff none neither
		fails 1 "a3.tape.*no samples in the selected time" "$PQ" diff a3.tape@+500s.. a9.tape@+500s..
	done
}

@test "the second cannot be read, and the figures of the first do not fit into a pipe" {
	gzip -dc "$TESTS/captures/spike.tape.gz" >large.tape
	echo text >text
	fails 2 '^pq diff: text: not a pq recording' timeout 60 "$PQ" diff large.tape text
	# also if a closed pipe does not end processes
	fails 2 '^pq diff: text: not a pq recording' env --ignore-signal=PIPE timeout 60 "$PQ" diff large.tape text
	fails 1 'large.tape.*no samples in the selected time' timeout 60 "$PQ" diff --at +1h large.tape
}

@test "a process or cgroup without figures is an error" {
	fails 3 "a3.tape: no figures of cgroup /none" "$PQ" diff -g /none a3.tape a9.tape
	fails 3 "a9.tape: no figures of process 99" "$PQ" diff -p 99 --save b a9.tape
	[ ! -e b ]
	"$PQ" diff --save good a3.tape 2>/dev/null
	fails 3 "a9.tape: no figures of cgroup /none" "$PQ" check --baseline good -g /none -f a9.tape
}

@test "CSV has a header and as many fields in each line" {
	run -0 --separate-stderr "$PQ" diff --csv a3.tape a3.tape
	[ "$(awk -F, '{ print NF }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
	[[ ${lines[0]} == tool,schema,time,interval_s,change,figure,row,* ]]
}

@test "pq check --baseline: CRITICAL if a figure is worse by more than a rule allows" {
	"$PQ" diff --save good a3.tape 2>/dev/null
	run -2 --separate-stderr "$PQ" check --baseline good -f a9.tape
	[[ $output == "PQ CRITICAL - "*"throttle.throttled_pct "*", was "*" (/web)"*"; worse than in good | 'worse'="* ]]
	run -0 --separate-stderr "$PQ" check --baseline good -f a0.tape
	[[ $output == "PQ OK - "* ]]
	run -0 --separate-stderr "$PQ" check --baseline good --fail 'throttle.throttled_pct +90' -f a9.tape
	run -2 --separate-stderr "$PQ" check --json --baseline good --fail 'throttle.throttled_pct +10' -f a9.tape
	json_is '[.verdict, .baseline, .checks[0].expr, .checks[0].label]' '["critical","good","throttle.throttled_pct +10","/web"]'
	run -3 --separate-stderr "$PQ" check --baseline good --fail 'mem.used_bytes +1M' -f a9.tape
	[[ $output == "PQ UNKNOWN - "* ]]
	run -3 --separate-stderr "$PQ" check --baseline good -f a9.tape --to +5s
	[[ $output == "PQ UNKNOWN - "* ]]
	fails 3 "cannot be combined with conditions" "$PQ" check --baseline good 'mem.hard_pct > 90'
	fails 3 "16s or more" "$PQ" check --baseline good -i 2s
	fails 3 "needs --baseline" "$PQ" check --fail '* 10%' 'mem.hard_pct > 90'
}

@test "a baseline is as private as its recording, and one that is replaced keeps its mode" {
	umask 022
	chmod 600 a3.tape
	chmod 644 a9.tape
	"$PQ" diff --save private a3.tape 2>/dev/null
	"$PQ" diff --save public a9.tape 2>/dev/null
	"$PQ" diff --save piped - <a9.tape 2>/dev/null
	[ "$(stat -c %a private public piped | xargs)" = '600 644 600' ]
	chmod 640 private
	"$PQ" diff --save private a9.tape 2>/dev/null
	[ "$(stat -c %a private)" = 640 ]
}

@test "--fail: says how many figures were judged, and what was not" {
	run --separate-stderr -0 "$PQ" diff --fail '* 10%' a3.tape a3.tape
	[[ $stderr =~ "--fail '* 10%': "[0-9]+" figures judged" ]]
	extra=another
	record b 30 20000 3
	run --separate-stderr -0 "$PQ" diff --fail 'throttle.throttled_pct 10%' a3.tape b.tape
	[[ $stderr == *"--fail 'throttle.throttled_pct 10%': 1 figure judged; 0 with too few samples, 1 in only one of the recordings, such as throttle.throttled_pct of /db"* ]]
	"$PQ" diff --save good a3.tape 2>/dev/null
	run -0 --separate-stderr "$PQ" check --baseline good --fail 'throttle.throttled_pct 10%' -f b.tape
	[[ $output == "PQ OK - 1 figure is not worse than in good, 1 not judged | "* ]]
}

@test "a reader that has gone does not change the exit status" {
	exec {gone}> >(:)
	wait $!
	"$PQ" diff a3.tape a9.tape 1>&"$gone" 2>/dev/null
	run -1 "$PQ" diff --fail '* 10%' a3.tape a9.tape
	local status=0
	"$PQ" diff --fail '* 10%' a3.tape a9.tape 1>&"$gone" 2>/dev/null || status=$?
	[ "$status" -eq 1 ]
}
