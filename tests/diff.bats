#!/usr/bin/env bats
# pq diff: what changed between two recordings. The statistics: unit/compare.c.
load helper

setup() {
	here
}

# record NAME SECONDS QUOTA_US THROTTLED [FILE…]: NAME.tape has a sample each second of /web, which uses its quota. Of its ten periods a
# second, so many are throttled, one more or less. The functions in $extra add files to each sample.
record() {
	local i name=$1 throttled=0
	for ((i = 0; i <= $2; i++)); do
		now=$name/$(printf 't%04d' "$i")
		sample "$now" $(((i + 1) * 1000000000))
		printf '%s %s\n' $(((i + 1) * 1000000000)) $((1790000000000000000 + i * 1000000000)) >"$now/clock"
		process self /
		: >"$now/sys/fs/cgroup/cgroup.procs"
		printf 'ticks_per_s 100\ncpus 4\nnodename %s\nrelease 6.1.0\n' "${machine:-n1}" >"$now/facts"
		echo '0-3' | install -D /dev/stdin "$now/sys/devices/system/cpu/online"
		cpu_group /web "$3 100000" $((i * $3 * 9)) $((i * 10)) $throttled $((throttled * 50000))
		[ -z "${extra:-}" ] || "$extra" "$i"
		throttled=$((throttled + $4 + ($4 > 0 ? i * 7 % 3 - 1 : 0)))
	done
	"$PQ" tape pack "$name" "$name.tape"
}

@test "a quota that was raised: its change is in the head, and less throttling comes first" {
	record before 40 20000 9
	record after 40 100000 0
	run -0 "$PQ" diff before.tape after.tape
	[[ $output == *"throttle.limit_cpus of /web 0.20 -> 1.00"* ]]
	[[ $output == *$'\n'"BETTER ("* ]]
	[[ $output != *WORSE* ]]
	[ "$(sed -n '/^BETTER/{n;p;}' <<<"$output" | cut -d ' ' -f 1)" = throttle.throttled_pct ]
}

@test "text fits 80 columns" {
	record before 40 20000 9
	record after 40 100000 0
	run -0 "$PQ" diff --all -n 1000 before.tape after.tape
	[ "$(awk '{ if (length($0) > 80) print }' <<<"$output")" = "" ]
}

@test "the figures of both are as pq throttle prints them" {
	record a 40 20000 9
	record b 40 20000 2
	run -0 "$PQ" diff --json a.tape b.tape
	json_is 'select(.figure == "throttle.throttled_pct") | [.change, .row, .a_samples, .a_mean, .b_samples, .b_max]' \
		"[\"better\",\"/web\",40,$("$PQ" throttle --json -g /web -f a.tape | jq -s 'map(.throttled) | add / 4'),40,30.0]"
	json_is 'select(.figure == "throttle.throttled_pct") | .difference < -60 and .ratio < 0.3 and .p < 1e-6' true
}

@test "the same recording twice has no change" {
	record a 40 20000 5
	run -0 "$PQ" diff a.tape a.tape
	[[ $output == *"0 worse, 0 better, 0 otherwise changed;"* ]]
	[[ $output != *"->"* ]]
}

@test "two windows of one recording" {
	at_30() { [ "$1" -ge 30 ] && more=$((more + 9)) || true; cpu_group /web "20000 100000" 0 $(($1 * 10)) $more $((more * 50000)); }
	more=0 extra=at_30
	record a 60 20000 0
	run -0 "$PQ" diff --json a.tape@..+30s @+31s..
	json_is 'select(.figure == "throttle.throttled_pct") | [.change, .a_mean, .b_mean]' '["worse",0.0,90.0]'
	run -0 "$PQ" diff --json a.tape@+0s..+30s a.tape@+31s..+60s
	json_is 'select(.figure == "throttle.throttled_pct") | .change' '"worse"'
	run -0 "$PQ" diff --json --at +30s a.tape
	json_is 'select(.figure == "throttle.throttled_pct") | .change' '"worse"'
	run -0 "$PQ" diff --json --from +5s --to +25s a.tape a.tape@+31s..
	json_is 'select(.change == "recordings") | [.a.samples, .b.samples]' '[20,29]'
}

@test "a file with an @ in its name is a file" {
	record a 10 20000 5
	cp a.tape 'x@+1s..+5s'
	run -0 "$PQ" diff --json 'x@+1s..+5s' a.tape
	json_is 'select(.change == "recordings") | .a.samples' 10
}

@test "--fail: exit 1 where it is worse by more" {
	record a 40 20000 3
	record b 40 20000 6
	run --separate-stderr -1 "$PQ" diff --fail 'throttle.throttled_pct +10%' a.tape b.tape
	[[ $stderr == *"--fail 'throttle.throttled_pct +10%': throttle.throttled_pct of /web is worse"* ]]
	[[ $output == *"! /web"* ]]
	run --separate-stderr -0 "$PQ" diff --fail 'throttle.throttled_pct +200%' a.tape b.tape
	run --separate-stderr -0 "$PQ" diff --fail 'throttle.throttled_pct +40' a.tape b.tape
	run --separate-stderr -1 "$PQ" diff --fail 'throttle.throttled_pct +20' a.tape b.tape
	run --separate-stderr -1 "$PQ" diff --fail 'throttle.throttled_pct p99 +10' a.tape b.tape
	run --separate-stderr -1 "$PQ" diff --fail '* 10%' a.tape b.tape
	run --separate-stderr -1 "$PQ" diff --fail 'throttle.* 10%' a.tape b.tape
	run --separate-stderr -0 "$PQ" diff --fail 'throttle.* 10%' b.tape a.tape
	run --separate-stderr -0 "$PQ" diff --fail '* 1%' a.tape a.tape
}

@test "--fail: from 0 on, any significant increase is more than 10 %" {
	record a 40 20000 0
	record b 40 20000 4
	run --separate-stderr -1 "$PQ" diff --json --fail 'throttle.held_cpus +10%' a.tape b.tape
	json_is 'select(.figure == "throttle.held_cpus") | [.change, .fails, .ratio, .a_mean]' '["worse",true,null,0.0]'
}

@test "--fail: what cannot be judged is exit 3" {
	record a 40 20000 3
	record b 5 20000 9
	run --separate-stderr -3 "$PQ" diff --fail 'throttle.throttled_pct +10%' a.tape b.tape
	[[ $stderr == *"unknown: not in both recordings, or too few samples"* ]]
	run --separate-stderr -3 "$PQ" diff --fail 'mem.used_bytes +64M' a.tape a.tape
}

@test "wrong rules of --fail are refused, and say what would work" {
	record a 10 20000 3
	for rule in '' throttle.held_cpus 'held_cpus +10%' 'throttle.held_cpu +10%' 'throttle.held_cpus -10%' 'throttle.held_cpus +x' \
		'throttle.held_cpus +10% more' 'throttle.cgroup +1' 'throttle.limit_cpus +1' 'runq.plist_sz 10%' '* +10%' 'mem.used_bytes +5ms'; do
		fails 2 "invalid --fail" "$PQ" diff --fail "$rule" a.tape a.tape
	done
	fails 2 "did you mean held_cpus" "$PQ" diff --fail 'throttle.held_cpu +10%' a.tape a.tape
	fails 2 "more is worse: want \+AMOUNT" "$PQ" diff --fail 'throttle.held_cpus -10%' a.tape a.tape
}

@test "a baseline stands for the recording that it was saved from" {
	record a 40 20000 9
	record b 40 20000 2
	run -0 "$PQ" diff --save a.baseline a.tape
	[ -z "$output" ]
	[ "$(head -n 1 a.baseline)" = "pq-baseline 1" ]
	run -0 "$PQ" diff --json a.tape b.tape
	want=$output
	run -0 "$PQ" diff --json a.baseline b.tape
	[ "$output" = "$want" ]
}

@test "damaged baselines are refused" {
	record a 40 20000 9
	"$PQ" diff --save good a.tape
	head -n -1 good >cut
	fails 1 "cut:[0-9]+: damaged baseline" "$PQ" diff cut a.tape
	sed 's/^pq-baseline 1/pq-baseline 2/' good >later
	fails 1 "a baseline of a later version" "$PQ" diff later a.tape
	sed '0,/^counts [0-9]*/s//counts 77777/' good >counts
	fails 1 "counts:[0-9]+: damaged baseline" "$PQ" diff counts a.tape
	fails 2 "a baseline has no window" "$PQ" diff good@+1s.. a.tape
}

@test "few samples: said, and no change is significant" {
	record a 5 20000 0
	record b 5 20000 9
	run -0 "$PQ" diff a.tape b.tape
	[[ $output == *"0 worse, 0 better, 0 otherwise changed;"* ]]
	[[ $output =~ [0-9]+" with too few samples to tell" ]]
	run -0 "$PQ" diff --json a.tape b.tape
	json_is 'select(.figure == "throttle.throttled_pct") | [.change, .p]' '["few-samples",null]'
}

@test "what only one of them knows is said, and is not 0" {
	other() { cpu_group /db "50000 100000" $(($1 * 1000)) $(($1 * 10)) 0 0; }
	record a 40 20000 3
	extra=other
	record b 40 20000 3
	run -0 "$PQ" diff --json a.tape b.tape
	json_is 'select(.figure == "throttle.throttled_pct" and .row == "/db") | [.change, .a_samples, .a_mean, .b_mean, .difference]' \
		'["only-b",0,null,0.0,null]'
	run -0 "$PQ" diff a.tape b.tape
	[[ $output == *" only in B"* ]]
}

@test "another machine, and another interval, are in the head" {
	record a 40 20000 3
	machine=n2
	record b 40 20000 3
	run -0 "$PQ" diff a.tape b.tape
	[[ $output == *"machine n1 -> n2"* ]]
	[[ $output == *"kernel 6.1.0"$'\n'* ]]
	for i in b/t???[13579]; do rm -r "$i"; done
	"$PQ" tape pack b half.tape
	run -0 "$PQ" diff a.tape half.tape
	[[ $output == *"throttle: a row of A covers 1 s, one of B 2 s: do not compare their p90, p99 and max"* ]]
}

@test "hostile names of cgroups do nothing to a terminal" {
	evil() { cpu_group $'/x\e[31m\nB' "50000 100000" 0 $(($1 * 10)) $(($1 * $bad)) $(($1 * bad * 1000)); }
	extra=evil bad=1
	record a 40 20000 3
	bad=9
	record b 40 20000 3
	run -0 "$PQ" diff --all a.tape b.tape
	[[ $output != *$'\e'* ]]
	"$PQ" diff --save base a.tape
	run -0 "$PQ" diff --json base b.tape
	[ "$(jq -s length <<<"$output")" -gt 1 ]
}

@test "a damaged recording is compared, and its holes are in the head" {
	record a 60 20000 3
	cp a.tape hole.tape
	printf 'xxxxxxxxxxxxxxxx' | dd of=hole.tape bs=1 seek=$(($(stat -c %s a.tape) / 2)) conv=notrunc status=none
	run -0 --separate-stderr "$PQ" diff a.tape hole.tape
	[[ $output == *"note: B: "* ]]
}

@test "windows without samples, and other things than recordings, are refused" {
	record a 10 20000 3
	fails 1 "no samples|no rows" "$PQ" diff a.tape a.tape@+10m..+20m
	fails 2 "invalid window 'a.tape@x..y'" "$PQ" diff a.tape@x..y a.tape
	fails 2 "cannot open gone.tape" "$PQ" diff gone.tape a.tape
	echo text >text
	fails 2 "not a pq recording" "$PQ" diff text a.tape
	fails 2 "no recording given" "$PQ" diff
	fails 2 "want two recordings" "$PQ" diff a.tape
	fails 2 "unexpected argument 'a.tape'" "$PQ" diff a.tape a.tape a.tape
	fails 2 "stdin cannot be both" "$PQ" diff - -
	fails 2 "names no recording" "$PQ" diff @+1s.. @+2s..
}

@test "CSV has a header and as many fields in each line" {
	record a 40 20000 3
	run -0 "$PQ" diff --csv a.tape a.tape
	[ "$(awk -F, '{ print NF }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
	[[ ${lines[0]} == tool,schema,time,interval_s,change,figure,row,* ]]
}
