#!/usr/bin/env bats
# Sparklines beside figures (--spark), and marks on figures that hurt (--color).
load helper

# Two cgroups with a quota over ten seconds: /web is throttled more and more, /db never. /db is gone from 4 s to 5 s, and counters of
# /web cannot be read at 7 s.
setup() {
	local i
	samples throttle
	for i in 0 1 2 3 4 5 6 7 8 9; do
		at "$i"
		group /
		cpu_group /web '20000 100000' $((i * 200000)) $((i * 10)) $((i * 9)) $((i * i * 100000))
		[ "$i" -eq 4 ] || [ "$i" -eq 5 ] || cpu_group /db '50000 100000' $((i * 10000)) $((i * 10)) 0 0
		[ "$i" -ne 7 ] || : >"$now/sys/fs/cgroup/web/cpu.stat"
	done
	here
}

blocks() {
	LC_ALL=C.UTF-8 "$PQ" "$@"
}

@test "sparklines of two cgroups, in blocks and in ASCII, with holes and a new scale" {
	golden spark.txt blocks throttle -a --spark -f "$dir"
	diff <(blocks throttle -a --spark -f "$dir" | sed 's/▁/_/g; s/▂/./g; s/▃/:/g; s/▄/-/g; s/▅/=/g; s/▆/+/g; s/▇/*/g; s/█/#/g') \
		<("$PQ" throttle -a --spark -f "$dir")
}

@test "a recording gives the same sparklines as the directory" {
	"$PQ" tape pack "$dir" x.tape
	diff <(blocks throttle -a --spark -f "$dir") <(blocks throttle -a --spark -f x.tape)
}

@test "without --spark nothing of it is printed" {
	run -0 blocks throttle -a -f "$dir"
	[[ $output != *..* && $output != *█* && $output != *$'\e'* ]]
}

@test "-n hides rows, but their sparklines go on" {
	run -0 --separate-stderr blocks throttle -a -n 1 --sort used_pct --spark=used_pct -f "$dir"
	[[ ${lines[6]} == *' ██████ '*/web ]]
	# /db, which was hidden, is shown when /web is unknown
	[[ ${lines[7]} == *' ▂▂▂   ▂ '*/db ]]
	[[ ${lines[9]} == *' █████  █ '*/web ]]
}

@test "--spark takes columns that are shown; with -c it is the main figure, or the first" {
	run -0 --separate-stderr "$PQ" throttle --spark=used_cpus,throttled_pct -g /web -f "$dir"
	[[ ${lines[0]} == *' used     0..1 %limit periods thrtl %thrtl  0..100%  held  cgroup' ]]
	run -0 --separate-stderr "$PQ" throttle --spark -c used_cpus,held_cpus,cgroup -g /web -f "$dir"
	[[ ${lines[0]} == *' used  held     0..1  cgroup' ]]
	run -0 --separate-stderr "$PQ" throttle --spark -c cgroup,used_cpus,used_pct -g /web -f "$dir"
	[[ ${lines[0]} == *' used     0..1 %limit  cgroup' ]]
	run -0 --separate-stderr "$PQ" throttle -w more --spark=stall_ms -g /web -f "$dir"
	[[ ${lines[0]} == *' stall-ms    0..20 '* ]]
}

@test "--spark refuses columns that are unknown, hidden, no figures, or twice" {
	fails 2 "unknown column 'helt_cpus'; did you mean 'held_cpus'?" "$PQ" throttle --spark=helt_cpus -f "$dir"
	fails 2 "spark: column 'stall_ms' is not shown .-c or -w shows it." "$PQ" throttle --spark=stall_ms -f "$dir"
	fails 2 "spark: column 'cgroup' is not a figure" "$PQ" throttle --spark=cgroup -f "$dir"
	fails 2 "spark: column 'held_cpus' is named twice" "$PQ" throttle --spark=held_cpus,held_cpus -f "$dir"
	fails 2 "spark: -c shows no figure" "$PQ" throttle --spark -c cgroup -f "$dir"
	fails 2 "spark: too many columns .at most 8." "$PQ" psi -w avg10,avg60 \
		--spark=cpu_some_avg10_pct,cpu_some_avg60_pct,cpu_some_pct,io_some_avg10_pct,io_some_avg60_pct,io_some_pct,mem_some_avg10_pct,mem_some_avg60_pct,mem_some_pct -f "$dir"
}

@test "--spark is for text: other formats refuse it" {
	local format
	for format in --json --csv --metrics; do
		fails 2 "spark and $format cannot be combined" "$PQ" throttle --spark $format -f "$dir"
	done
	fails 2 "spark and -H cannot be combined" "$PQ" runqlat -H --spark 1 1
	fails 2 "spark and --slow cannot be combined" "$PQ" wait --slow 1s --spark 1 1
	fails 2 "spark and --folded cannot be combined" "$PQ" wait --folded --spark 1 1
}

@test "every tool draws its main figure, and its forms do" {
	local tool
	for tool in runq 'runq -P ALL' cpu throttle mem psi tasks wait runqlat 'runqlat -m' disk 'disk -G' sock 'sock -P ALL'; do
		# shellcheck disable=SC2086 # a tool and its options
		"$PQ" $tool --spark 0.1 2 >out 2>err || [ ! -s out ] # this machine may not have it
		[ ! -s out ] || head -n 1 out | grep -qE ' (0\.\.[0-9]+[kMKG%]?|100\.\.0%) ' || { cat out; false; }
	done
}

@test "--color marks figures that hurt, and moves nothing" {
	"$PQ" throttle -a --spark -f "$dir" >plain
	"$PQ" throttle -a --spark --color always -f "$dir" >marked
	grep -q $' \e\\[1;4;31m100.0\e\\[0m' marked || grep -q $' \e\\[1;4;31m90.0\e\\[0m' marked
	run ! grep -q $'\e.*/db$' marked
	diff plain <(sed $'s/\e\\[[0-9;]*m//g' marked)
	"$PQ" throttle -a --spark --color auto -f "$dir" | diff plain -
	fails 2 "invalid --color 'red': want auto, always or never" "$PQ" throttle --color red -f "$dir"
	diff <("$PQ" throttle -a --json --color always -f "$dir") <("$PQ" throttle -a --json -f "$dir")
}

# on_terminal WORDS…: what pq writes to a terminal.
on_terminal() {
	script -qec "TERM=${term-xterm} NO_COLOR=${no_color-} '$PQ' $* 2>/dev/null" /dev/null </dev/null >out
}

@test "on a terminal there are marks, but not with NO_COLOR, TERM=dumb or --color never" {
	command -v script >/dev/null || skip "no script"
	on_terminal throttle -a -f "$dir"
	grep -q $'\e\\[1;4;31m90.0\e\\[0m' out
	no_color=1 on_terminal throttle -a -f "$dir"
	run ! grep -q $'\e' out
	term=dumb on_terminal throttle -a -f "$dir"
	run ! grep -q $'\e' out
	on_terminal throttle -a --color never -f "$dir"
	run ! grep -q $'\e' out
	no_color=1 on_terminal throttle -a --color always -f "$dir"
	grep -q $'\e\\[1;4;31m90.0\e\\[0m' out
}

@test "on 80 columns no line is longer, and the sparkline stays" {
	command -v script >/dev/null || skip "no script"
	on_terminal throttle -a --spark -f "$dir"
	tr -d '\r' <out | sed $'s/\e\\[[0-9;]*m//g' | awk 'length > 80 { exit 1 }'
	grep -q '0..1' out
	grep -q '%thrtl' out
}

@test "a full disk is an error, a closed pipe is none" {
	fails 1 'cannot write: No space left on device' bash -c "'$PQ' throttle -a --spark --color always -f '$dir' >/dev/full"
	run -0 --separate-stderr bash -c "set -o pipefail; '$PQ' throttle -a --spark -f '$dir' | head -n 2"
	[ "${#lines[@]}" -eq 2 ]
}
