#!/usr/bin/env bats
# Recordings: they replay what was recorded; pack, unpack, cut, info, verify; windows, --follow, pipes; damaged and other files.
# shellcheck disable=SC2086,SC2016,SC2002 # $tool is a tool and its options; jq; cat makes a pipe, that is what is tested
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

BEGIN=1790000000 # the first sample of count.tape, 2026-09-21 14:13:20 UTC

setup_file() {
	counting "$BATS_FILE_TMPDIR/count" 20
	"$PQ" tape pack "$BATS_FILE_TMPDIR/count" -o "$BATS_FILE_TMPDIR/count.tape"
	# 45 samples, written by three recorders one after another, so in three segments
	for n in 1 2 3; do
		"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o "$BATS_FILE_TMPDIR/three.tape" 5ms 15 runq 2>/dev/null
		stat -c %s "$BATS_FILE_TMPDIR/three.tape" >"$BATS_FILE_TMPDIR/end$n"
	done
}

setup() {
	count=$BATS_FILE_TMPDIR/count.tape
	three=$BATS_FILE_TMPDIR/three.tape
	here
}

# counting DIR N: N samples, a second apart, in which plist_sz is 100, 101, …
counting() {
	local i
	for ((i = 0; i < $2; i++)); do
		mkdir -p "$1/t$i/proc" "$1/t$i/sys/fs/cgroup"
		echo "$((5000000000 + i * 1000000000)) $(((BEGIN + i) * 1000000000))" >"$1/t$i/clock"
		echo "0.10 0.20 0.30 1/$((100 + i)) 4321" >"$1/t$i/proc/loadavg"
		mkdir -p "$1/t$i/proc/pressure"
		echo "some avg10=0.00 avg60=0.00 avg300=0.00 total=$((i * 1000))" >"$1/t$i/proc/pressure/cpu"
		printf 'version 15\ntimestamp %d\ncpu0 0 0 0 0 0 0 %d %d 100\n' $i $((i * 1000000)) $((i * 500000)) >"$1/t$i/proc/schedstat"
		printf 'cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 %d 0 0 %d 0 0 0 0 0 0\nprocs_running 2\nprocs_blocked 0\n' \
			$((i * 25)) $((i * 75)) $((i * 25)) $((i * 75)) >"$1/t$i/proc/stat"
	done
}

# plist OPTIONS…: the plist_sz of each row, in one line.
plist() {
	"$PQ" runq --json -c plist_sz "$@" | jq -s -r 'map(.plist_sz | tostring) | join(" ")'
}

# all_tools FORMAT SOURCE: the rows of every tool, and what it says, but for the name of the source.
all_tools() {
	local tool
	for tool in runq "runq -P ALL" cpu "cpu -P ALL" "throttle -a -w all" "mem -a -w all" throttle mem; do
		printf '== %s\n' "$tool"
		"$PQ" $tool $1 -f "$2" 2>&1 || printf 'exit status %d\n' $?
	done | sed "s|$2|SOURCE|g"
}

# same_bytes PATTERN: the captures of that name read the same as they are, as tapes, as what is unpacked from those, and as tapes of
# that.
same_bytes() {
	local archive name dir
	for archive in "$TESTS"/captures/$1.tgz; do
		name=$(basename "$archive" .tgz)
		dir=$(capture "$name")
		echo "$name"
		"$PQ" tape pack "$dir" -o "$name.tape"
		"$PQ" tape verify "$name.tape"
		"$PQ" tape unpack "$name.tape" -o "$name"
		"$PQ" tape pack "$name" "$name.again.tape"
		"$PQ" tape unpack "$name.again.tape" "$name.again"
		diff -r "$name" "$name.again"
		all_tools --json "$dir" >want
		diff want <(all_tools --json "$name.tape")
		diff want <(all_tools --json "$name")
		all_tools "" "$dir" >want
		diff want <(all_tools "" "$name.tape")
	done
}

@test "captures of 5.10, v1 and hybrid, give the same bytes from a recording" {
	same_bytes '5.10-[hv][y1]*'
}

@test "captures of 5.10, v2, give the same bytes from a recording (first part)" {
	same_bytes '5.10-v2-[a-m]*'
	same_bytes '5.10-v2-[0-9]*'
}

@test "captures of 5.10, v2, give the same bytes from a recording (second part)" {
	same_bytes '5.10-v2-[n-z]*'
}

@test "captures of 6.1, v1 and hybrid, give the same bytes from a recording" {
	same_bytes '6.1-[hv][y1]*'
}

@test "captures of 6.1, v2, give the same bytes from a recording (first part)" {
	same_bytes '6.1-v2-[a-m]*'
	same_bytes '6.1-v2-[0-9]*'
}

@test "captures of 6.1, v2, give the same bytes from a recording (second part)" {
	same_bytes '6.1-v2-[n-z]*'
}

@test "a file that a later sample lacks is unknown there, in the directory and as a recording" {
	samples throttle
	local i
	for i in 0 1 2 3; do
		at "$i"
		group /
		cpu_group /web '20000 100000' $((i * 200000)) $((i * 10)) $((i * 9)) $((i * 100000))
		[ "$i" -ne 2 ] || rm "$now/sys/fs/cgroup/web/cpu.stat"
	done
	"$PQ" tape pack "$dir" x.tape
	run -0 --separate-stderr "$PQ" throttle -a --json -f "$dir"
	[ "$(jq -s 'map(select(.cgroup == "/web") | .held_cpus)' -c <<<"$output")" = '[0.1,null,null]' ]
	diff <(echo "$output") <("$PQ" throttle -a --json -f x.tape)
}

@test "unpacking gives the files that were packed" {
	dir=$(capture 6.1-v2-throttled)
	"$PQ" tape pack "$dir" x.tape
	"$PQ" tape unpack x.tape x
	for sample in "$dir"/t*; do
		(cd "$sample" && find . -type f ! -name clock ! -name '*.errno') | while read -r file; do
			cmp "$sample/$file" "x/${sample##*/}/$file"
		done
	done
}

@test "a directory is not written to -, and a recording not to a terminal" {
	"$PQ" tape pack "$(capture 6.1-v2-throttled)" x.tape
	fails 2 'a directory cannot be written to stdout' "$PQ" tape unpack x.tape -o -
	[ ! -e - ]
	command -v script >/dev/null || skip "no script"
	for what in 'tape cut x.tape -o -' 'record -o - 0.05 2'; do
		run script -qec "$PQ $what" /dev/null </dev/null
		[ "$status" -eq 2 ]
		[[ $output == "pq ${what%% *}: "*'-o FILE'*$'\r' ]]
		[ "${#lines[@]}" -eq 1 ]
	done
}

@test "-o records beside the rows: the recording gives the same rows and notes" {
	for tool in runq "runq -P ALL" cpu "cpu -P ALL" "cpu -P 0" throttle "throttle -a" mem "mem -a"; do
		echo "$tool"
		rm -f x.tape
		status=0
		"$PQ" $tool --json -o x.tape 0.05 5 >want 2>said || status=$?
		if [ $status -eq 3 ] && [[ $tool == throttle* || $tool == mem* ]]; then
			continue # no cgroups here
		fi
		[ $status -eq 0 ]
		"$PQ" $tool --json -f x.tape >got 2>heard
		cmp want got
		diff <(grep -v ' missed [0-9]* of ' said) heard # live alone
	done
}

@test "a recording by -o gives the same text and CSV" {
	for format in "" --csv; do
		rm -f x.tape
		"$PQ" cpu $format -o x.tape 50ms 5 >want 2>/dev/null
		diff want <("$PQ" cpu $format -f x.tape 50ms 2>/dev/null)
	done
}

@test "a recording of one tool gives an error for another" {
	"$PQ" cpu -o x.tape 20ms 3 >/dev/null 2>&1
	run --separate-stderr "$PQ" runq --json -f x.tape
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *"x.tape: recorded for cpu; "* ]]
	[[ ${stderr_lines[1]} == *"cannot read /proc/loadavg: "* ]]
}

@test "-g finds each cgroup of a recording made with -a, in every form of it" {
	for machine in 6.1-v2-throttled 6.1-v1-throttled; do
		root=$(capture $machine)/t0
		rm -rf all.tape files packed.tape
		"$PQ" record --root "$root" -a -o all.tape 10ms 4 runq cpu throttle mem 2>/dev/null
		"$PQ" tape unpack all.tape -o files
		"$PQ" tape pack files -o packed.tape
		for tool in throttle mem; do
			group=$("$PQ" $tool -a -f all.tape --json 2>/dev/null | jq -r '.cgroup // empty' | grep ^/. | tail -1)
			[ -n "$group" ] || continue
			for source in all.tape files packed.tape; do
				run --separate-stderr "$PQ" $tool -g "$group" -f $source --json
				[ "$status" -eq 0 ]
				[ "$(jq -r --arg g "$group" 'select(.cgroup == $g) | 1' <<<"$output" | wc -l)" -eq 3 ]
				[[ $stderr != *"chosen when"* ]]
			done
			# the same rows as -a gives it
			diff <("$PQ" $tool -a -f all.tape --json 2>/dev/null | jq -c --arg g "$group" 'select(.cgroup == $g)') \
				<("$PQ" $tool -g "$group" -f all.tape --json 2>/dev/null | jq -c --arg g "$group" 'select(.cgroup == $g)')
		done
		run "$PQ" why -g "$group" -f all.tape
		[[ $output != *"chosen when"* ]]
		run "$PQ" check 'throttle.throttled_pct > 101' -g "$group" -f all.tape
		[[ $output != *"chosen when"* ]]
		fails 3 'cgroup /none: not in the first sample .select a time from when it exists on: --from' "$PQ" throttle -g /none -f all.tape
	done
}

@test "--follow takes -g of a recording made with -a" {
	root=$(capture 6.1-v2-throttled)/t0
	start "$PQ" record --root "$root" -a -o all.tape 10ms 40 throttle 2>log
	await test -s all.tape
	"$PQ" throttle -g /web -f all.tape --follow --json --to +200ms >got 2>said
	[ "$(jq -s 'map(select(.cgroup == "/web")) | length' got)" -ge 3 ]
	[ ! -s said ]
}

@test "a longer interval combines the samples of a recording" {
	[ "$(plist -f "$count")" = "$(seq -s' ' 101 119)" ]
	[ "$(plist -f "$count" 1)" = "$(seq -s' ' 101 119)" ]
	[ "$("$PQ" runq --json -f "$count" 5 2>/dev/null | jq -s -c 'map([.plist_sz, .interval_s])')" = '[[105,5],[110,5],[115,5]]' ]
	[ "$("$PQ" runq --json -f "$count" 2 2>/dev/null | jq -s -c 'map(.interval_s) | unique')" = '[2]' ]
	# what is counted is counted over all of it: 25 of 100 ticks
	[ "$("$PQ" cpu --json -f "$count" 4 2>/dev/null | jq -s -c 'map([.interval_s, .usr_pct]) | unique')" = '[[4,25]]' ]
	[ "$(plist -f "$count" 5 2)" = "105 110" ]
	# a finer one than was recorded has what there is
	[ "$(plist -f "$count" 0.1)" = "$(seq -s' ' 101 119)" ]
}

@test "--from and --to take times, dates, offsets and spans" {
	want="113 114 115"
	at() { date -u -d "@$((BEGIN + $1))" "+$2"; }
	[ "$(plist -f "$count" --from "$(at 12 %T)" --to "$(at 15 %T)")" = "$want" ]
	[ "$(plist -f "$count" --from "$(at 12 '%F %T')" --to "$(at 15 '%F %T')")" = "$want" ]
	[ "$(plist -f "$count" --from "$(at 12 %FT%T)" --to "$(at 15 %FT%TZ)")" = "$want" ]
	[ "$(plist -f "$count" --from "$(at 12 %FT%TZ)" --to "$(at 15 %FT%T+00:00)")" = "$want" ]
	[ "$(plist -f "$count" --from "$(at $((12 + 3600)) %FT%T+01:00)" --to @$((BEGIN + 15)))" = "$want" ]
	[ "$(plist -f "$count" --from +12s --to +15)" = "$want" ]
	[ "$(plist -f "$count" --from -7s --to -4s)" = "$want" ]
	[ "$(plist -f "$count" --from @$((BEGIN + 12)) --to @$((BEGIN + 15)).2)" = "$want" ]
	[ "$(plist -f "$count" --from +11500ms --to +0.25m)" = "$want" ]
	[ "$(plist -f "$count" --from +17s)" = "118 119" ]
	[ "$(plist -f "$count" --to +2s)" = "101 102" ]
	TZ=UTC-5:30 want_local=$(TZ=UTC-5:30 date -d "@$((BEGIN + 17))" +%T)
	[ "$(TZ=UTC-5:30 plist -f "$count" --from "$want_local")" = "118 119" ]
	[ "$(TZ=UTC-5:30 plist -u -f "$count" --from "$(at 17 %T)")" = "118 119" ]
}

@test "wrong --from and --to are errors" {
	fails 2 '--from \+5s is later than --to \+2s' "$PQ" runq -f "$count" --from +5s --to +2s
	fails 1 'no samples in the selected time' "$PQ" runq -f "$count" --from +1h
	fails 1 'no samples in the selected time' "$PQ" runq -f "$count" --from +3200ms --to +3400ms
	fails 1 'a row needs two samples' "$PQ" runq -f "$count" -c plist_sz --from +3s --to +3s
	for bad in x 25:00 2026-02-30 12 12:60 +x @ '' "+5 s" 99:99:99; do
		echo "'$bad'"
		fails 2 'want a time such as' "$PQ" runq -f "$count" --from "$bad"
	done
	fails 2 'need a recording .-f FILE.' "$PQ" runq --from +5s
	fails 2 'need a recording .-f FILE.' "$PQ" runq --follow
	fails 2 'is a captured directory' "$PQ" runq -f "$BATS_FILE_TMPDIR/count" --from +5s
	fails 2 '-f and -o cannot be combined' "$PQ" runq -f "$count" -o x.tape
	fails 2 'would mix with the rows' "$PQ" runq -o - 1 1
	run --separate-stderr bash -c "'$PQ' runq -f - --from +5s <'$count' | cat; exit \${PIPESTATUS[0]}"
	[ "$status" -eq 0 ] # redirected it is a file
	fails 2 'need a file' bash -c "cat '$count' | '$PQ' runq -f - --from +5s"
	fails 2 'follow.* needs a file' bash -c "cat '$count' | '$PQ' runq -f - --follow"
}

@test "-f - reads a recording from a pipe" {
	for tape in "$count" "$three"; do
		"$PQ" runq --json -f "$tape" >want 2>said
		cat "$tape" | "$PQ" runq --json -f - >got 2>heard
		cmp want got
		diff said heard
	done
}

@test "-f - reads what a recorder writes to a pipe" {
	"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o - 5ms 10 runq 2>log | "$PQ" runq --json -c plist_sz -f - >got 2>said
	[ "$(wc -l <got)" -eq 9 ]
	[ ! -s said ]
	[ "$("$PQ" tape cut "$count" -o - | plist -f -)" = "$(plist -f "$count")" ]
}

# turn RING: writes to it until it has gone round more than once.
turn() {
	local root i
	root=$(capture 6.1-v2-64cpu)/t0
	for i in {1..16}; do
		"$PQ" record --root "$root" --budget 100% --ring 384K -o "$1" 1ms 10 runq cpu throttle mem tasks 2>/dev/null
	done
}

@test "a full ring gives its newest samples in order, from a file and from a pipe" {
	turn ring.tape
	[ "$(stat -c %s ring.tape)" -eq 393216 ]
	"$PQ" tape verify ring.tape
	rows=$("$PQ" tape info --json ring.tape | jq .rows)
	[ "$rows" -ge 20 ]
	[ "$rows" -lt 160 ]
	"$PQ" runq --json -f ring.tape >want 2>said
	[ "$(wc -l <want)" -eq $((rows - 1)) ]
	[ "$(jq -r .time want)" = "$(jq -r .time want | sort)" ]
	cat ring.tape | "$PQ" runq --json -f - >got 2>heard
	cmp want got
	diff said heard
	"$PQ" tape cut ring.tape -o cut.tape
	diff want <("$PQ" runq --json -f cut.tape 2>/dev/null)
	"$PQ" tape verify cut.tape
}

@test "joined recordings: the first one is read, and the loss of the others is told" {
	for samples in 10 300; do
		for name in a b; do
			rm -f $name
			"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" --budget 100% -o $name 2ms $samples runq 2>>log
		done
		"$PQ" runq --json -f a >want
		for aligned in no yes; do
			cp a joined
			[ $aligned = no ] || truncate -s %4096 joined
			cat b >>joined
			"$PQ" runq --json -f joined >got 2>said
			diff got want
			grep -q 'several recordings were joined: .* not read$' said
			run --separate-stderr "$PQ" tape verify joined
			[ "$status" -eq 1 ]
			[[ $stderr == *"several recordings were joined"* ]]
		done
	done
}

ended() { ! kill -0 "$1" 2>/dev/null; }
has_rows() { [ "$(wc -l <"$1")" -ge "$2" ]; }

@test "--follow shows new samples, also of a new segment and after a kill" {
	more() { "$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o x.tape 5ms "$1" runq 2>>log; }
	more 10
	start "$PQ" runq --json -c plist_sz -f x.tape --follow >got 2>said
	follower=$last
	await has_rows got 9
	more 10
	await has_rows got 19
	start "$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o x.tape 5ms runq 2>>log
	await has_rows got 29
	kill -9 "$last"
	wait "$last" || true
	n=$("$PQ" tape info --json x.tape | jq .rows)
	await has_rows got $((n - 1))
	more 10
	await has_rows got $((n + 9))
	kill -TERM "$follower"
	wait "$follower"
	[ "$(wc -l <got)" -eq $((n + 9)) ]
	[ ! -s said ]
	diff got <("$PQ" runq --json -c plist_sz -f x.tape)
}

@test "--follow continues when the ring wraps" {
	root=$(capture 6.1-v2-64cpu)/t0
	more() { "$PQ" record --root "$root" --budget 100% --ring 384K -o ring.tape 1ms 5 runq cpu throttle mem tasks 2>>log; }
	more
	start "$PQ" runq --json -c plist_sz -f ring.tape --follow >got 2>said
	follower=$last
	for n in {1..16}; do
		await has_rows got $((n * 5 - 1))
		more
	done
	await has_rows got 84
	kill -TERM "$follower"
	wait "$follower"
	[ ! -s said ]
	[ "$("$PQ" tape info --json ring.tape | jq .rows)" -lt 85 ]
}

@test "a ring overwritten while read gives correct rows and reports the lost ones" {
	root=$(capture 6.1-v2-64cpu)/t0
	for _ in 1 2 3 4 5 6 7; do
		"$PQ" record --root "$root" --budget 100% --ring 1M -o ring.tape 1ms 100 runq cpu throttle mem 2>/dev/null
	done
	mkfifo pipe
	# shellcheck disable=SC2016 # the inner shell opens the pipe, which waits for its reader
	start bash -c 'exec "$1" runq --json -f ring.tape >pipe 2>said' _ "$PQ"
	follower=$last
	exec 8<pipe
	read -r _ <&8 # it knows by now where everything was
	for _ in {1..40}; do
		"$PQ" record --root "$root" --budget 100% -o ring.tape 1ms 3 runq cpu throttle mem 2>/dev/null
	done
	cat <&8 >rows
	exec 8<&-
	wait "$follower"
	[ "$(jq -r .plist_sz rows | sort -u)" = 436 ]
	jq -r .time rows | sort -c
	[ "$(wc -l <said)" -eq 1 ]
	grep -qE 'segments? (was|were) overwritten by the recorder before being read$' said
}

@test "--follow ends when the recording is deleted, replaced or cut short, and says so" {
	for change in 'rm x.tape' 'cp other.tape new.tape; mv new.tape x.tape' ': >x.tape' 'truncate -s 1000 x.tape'; do
		rm -f x.tape other.tape
		"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o x.tape 5ms 10 runq 2>>log
		"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o other.tape 5ms 20 runq 2>>log
		start "$PQ" runq --json -f x.tape --follow >got 2>said
		follower=$last
		await has_rows got 9
		eval "$change"
		await ended "$follower"
		wait "$follower"
		[ "$(wc -l <got)" -eq 9 ]
		grep -q 'deleted or cut short while it was followed$' said
	done
}

@test "--follow ends at --to and after a count" {
	[ "$(plist -f "$count" --follow --from +3s --to +6s 2>/dev/null)" = "104 105 106" ]
	[ "$(timeout 10 "$PQ" runq --json -c plist_sz -f "$count" --follow 1 7 | wc -l)" -eq 7 ]
}

@test "tape info describes a recording" {
	run --separate-stderr "$PQ" tape info "$three"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *"tools     runq, by pq "* && $output == *"45 rows, 0 ticks"* && $output == *"damage    none"* ]]
	[[ $output != *nan* && $output != *inf* ]]
	run --separate-stderr "$PQ" tape info --json -u "$count"
	[ "$(json '[.rows, .ticks, .boots, .span_s, .from, .to, .damaged_places, .damaged_samples]')" = \
		'[20,0,1,19,"2026-09-21T14:13:20.000Z","2026-09-21T14:13:39.000Z",0,0]' ]
	[ "$(json .bytes)" -eq "$(stat -c %s "$count")" ]
}

# limits_at N QUOTA MEMORY [USAGE_US]: sample tN, in which /web has these limits and has used so much CPU time.
limits_at() {
	at "$1"
	printf '%s000000000 %s000000000\n' "$(($1 + 1))" "$((1790000000 + $1))" >"$now/clock"
	cpu_group /web "$2" "${4:-$(($1 * 1000))}" "$1" 0 0
	echo "$3" >"$group/memory.max"
	echo 1000 >"$group/memory.current"
}

# limit_lines: the lines about limits of what was packed from $dir.
limit_lines() {
	rm -f packed.tape
	"$PQ" tape pack "$dir" -o packed.tape
	"$PQ" tape info -u packed.tape | sed -n 's/^limits *//p'
}

@test "tape info tells which limits were changed, and when" {
	samples throttle
	limits_at 0 '100000 100000' max
	limits_at 1 '100000 100000' max
	limits_at 2 '400000 100000' 67108864
	limits_at 3 'max 100000' 134217728
	limits_at 9 '25000 50000' 134217728
	diff -u - <(limit_lines) <<-'END'
		quota of /web changed 1.00 -> 4.00 CPUs at 2026-09-21T14:13:22.000Z
		memory limit of /web changed unlimited -> 64 MiB at 2026-09-21T14:13:22.000Z
		quota of /web changed 4.00 -> unlimited at 2026-09-21T14:13:23.000Z
		memory limit of /web changed 64 MiB -> 128 MiB at 2026-09-21T14:13:23.000Z
		quota of /web changed unlimited -> 0.50 CPUs between 2026-09-21T14:13:23.000Z and 2026-09-21T14:13:29.000Z
	END
	run "$PQ" tape info --json -u packed.tape
	json_is '.limit_changes[0] | [.cgroup, .limit, .from, .to, .at]' '["/web","quota",1,4,"2026-09-21T14:13:22.000Z"]'
	json_is '.limit_changes[2] | [.from, .from_text, .to, .to_text]' '[4,"4.00",null,"unlimited"]'
	json_is .limit_changes_total 5
}

@test "an unknown limit, another cgroup of the same name and 2^63 are no changes; a period is one" {
	samples throttle
	limits_at 0 '100000 100000' 9223372036854771712
	limits_at 1 '9223372036854775808 100000' max
	limits_at 2 '100000 100000' 9223372036854775808
	limits_at 3 '50000 50000' max
	limits_at 4 '400000 100000' 67108864 1 # used less than before: it was made again
	diff -u - <(limit_lines) <<-'END'
		quota period of /web changed 100 ms -> 50 ms, at the same quota of 1.00 CPUs at 2026-09-21T14:13:23.000Z
	END
}

@test "many changes are counted, and the first and last ones told" {
	samples throttle
	local n
	for n in {10..60}; do limits_at "$n" "$((100000 + n % 2 * 100000)) 100000" max; done
	run limit_lines
	[ "${#lines[@]}" -eq 33 ]
	[ "${lines[16]}" = "... 18 more changes ..." ]
}

@test "tape cut makes a recording of a window, and leaves no half file" {
	"$PQ" tape cut "$count" --from +5s --to +9s -o cut.tape
	[ "$(plist -f cut.tape)" = "106 107 108 109" ]
	[ "$("$PQ" tape info --json cut.tape | jq .rows)" -eq 5 ]
	"$PQ" tape verify cut.tape
	fails 2 'cut.tape: file exists' "$PQ" tape cut "$count" -o cut.tape
	fails 1 'no samples in the selected time' "$PQ" tape cut "$count" --from +1h -o none.tape
	fails 1 'cannot write' "$PQ" tape cut "$count" -o none/none.tape
	fails 2 'is later than' "$PQ" tape cut "$count" --from +3s --to +1s -o none.tape
	[ "$(ls)" = cut.tape ]
	"$PQ" tape cut "$three" -o all.tape
	diff <("$PQ" runq --json -f "$three") <("$PQ" runq --json -f all.tape)
}

@test "tape unpack takes a window, and refuses an existing directory" {
	"$PQ" tape unpack "$count" --from +5s --to +9s -o out
	[ "$(plist -f out)" = "106 107 108 109" ]
	fails 2 'it exists already' "$PQ" tape unpack "$count" -o out
	fails 1 'cannot create directory' "$PQ" tape unpack "$count" -o none/none
	fails 2 'count.tape: file exists' "$PQ" tape pack out -o "$count"
	fails 2 'not a captured directory' "$PQ" tape pack none -o x.tape
	fails 2 'not a captured directory' "$PQ" tape pack "$count" -o x.tape
}

@test "tape unpack writes into no directory that a link or a recording chose" {
	mkdir elsewhere
	ln -s elsewhere link
	ln -s nowhere dangling
	for name in link dangling; do
		fails 2 'it exists already' "$PQ" tape unpack "$count" -o $name
	done
	mkdir -p evil/t0/proc evil/t0/sys/fs/cgroup
	echo '5000000000 1790000000000000000' >evil/t0/clock
	ln -s "$PWD/elsewhere" evil/t0/proc/out # kept as a link, and unpacked as a file
	ln -s ../../../elsewhere evil/t0/sys/fs/cgroup/up
	"$PQ" tape pack evil -o evil.tape 2>/dev/null
	"$PQ" tape unpack evil.tape -o files
	[ -z "$(find files -type l)" ]
	[ -z "$(ls -A elsewhere)" ]
	[ ! -e nowhere ]
}

@test "pq tape reports wrong words and options" {
	fails 2 'missing command: want info' "$PQ" tape
	fails 2 "unknown command 'frob'" "$PQ" tape frob "$count"
	fails 2 'info: missing argument: want a recording' "$PQ" tape info
	fails 2 'pack: missing argument: want a captured directory' "$PQ" tape pack
	fails 2 'cut: missing output file' "$PQ" tape cut "$count"
	fails 2 'unpack: missing output directory' "$PQ" tape unpack "$count"
	fails 2 "unexpected argument 'x'" "$PQ" tape info "$count" x
	fails 2 "unexpected argument 'y'" "$PQ" tape cut "$count" x y
	fails 2 'verify: -o is not allowed' "$PQ" tape verify "$count" -o x
	fails 2 'info: --from and --to are not allowed' "$PQ" tape info "$count" --from +1s
	fails 2 'verify: --json is not allowed' "$PQ" tape verify --json "$count"
	fails 1 'no recorder is writing it' "$PQ" tape save "$count"
	fails 2 'cannot open none' "$PQ" tape save none
}

@test "tape info, verify and cut report a full disk" {
	for work in info verify "info --json"; do
		run --separate-stderr bash -c "'$PQ' tape $work '$count' >/dev/full"
		[ "$status" -eq 1 ]
		[[ $stderr == *"No space left on device"* ]]
	done
	run --separate-stderr bash -c "'$PQ' tape cut '$count' -o - >/dev/full"
	[ "$status" -eq 1 ]
	[[ $stderr == *"No space left on device"* ]]
}

# each_reader STATUS PATTERN FILE: all that read tapes say the same of it, and make nothing.
each_reader() {
	local n
	n=$(find . | wc -l)
	fails "$1" "$2" "$PQ" runq -f "$3"
	fails "$1" "$2" "$PQ" cpu --json -f "$3" --from +1s
	fails "$1" "$2" "$PQ" tape info "$3"
	fails "$1" "$2" "$PQ" tape info --json "$3"
	fails "$1" "$2" "$PQ" tape verify "$3"
	fails "$1" "$2" "$PQ" tape cut "$3" -o cut.out
	fails "$1" "$2" "$PQ" tape unpack "$3" -o unpack.out
	[ "$(find . | wc -l)" -eq "$n" ]
}

@test "a missing, empty, short or other file is not read as a recording" {
	each_reader 2 'cannot open none: No such file' none
	: >empty
	each_reader 1 'empty: the recording has no samples' empty
	head -c 100 "$count" >short
	each_reader 2 'short: not a pq recording' short
	each_reader 2 'not a pq recording' "$PQ"
	each_reader 2 'not a pq recording' "$TESTS/tape.bats"
	head -c 1M /dev/zero >zeros
	each_reader 2 'not a pq recording' zeros
	head -c 20000 "$PQ" | tail -c 15000 >noise
	each_reader 2 'not a pq recording' noise
	for file in empty short noise; do
		run --separate-stderr bash -c "cat $file | '$PQ' runq -f -"
		[ "$status" -ne 0 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "a recording of a later version is refused and not overwritten" {
	# a header of version 3, with the checksum that is right for it
	{
		printf '\x89pqtape\n\x03\0\0\0\x80\0\0\0\x01'
		head -c 107 /dev/zero
		printf '\xfb\x82\x85\x8e'
	} >header
	[ "$(stat -c %s header)" -eq 128 ]
	{ cat header header; head -c 8000 /dev/zero; } >later.tape
	each_reader 1 'recorded by a later version of pq, which this version cannot read' later.tape
	run --separate-stderr bash -c "cat later.tape | '$PQ' runq -f -"
	[ "$status" -eq 1 ]
	[[ $stderr == *"later version"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	cp later.tape copy
	fails 2 'recorded by a later version of pq .record to another file' "$PQ" runq -o later.tape 0.01 1
	cmp later.tape copy
}

@test "a recording of format version 0 is called by its name and not overwritten" {
	{
		printf '\x89pqtape\n\0\0\0\0\x80\0\0\0\x01'
		head -c 107 /dev/zero
		printf '\x21\x15\x39\xb5'
	} >header
	{ cat header header; head -c 8000 /dev/zero; } >old.tape
	each_reader 1 'format version 0, made by a pq before 0.1' old.tape
	cp old.tape copy
	fails 2 'format version 0, made by a pq before 0.1 .record to another file' "$PQ" runq -o old.tape 0.01 1
	cmp old.tape copy
}

@test "a ring that lost its end is told at any length, by each reader" {
	"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o ring.tape --ring 384K 2ms 40 runq 2>/dev/null
	"$PQ" tape verify ring.tape
	for size in 4096 65536 131072 200001 393215; do
		head -c $size ring.tape >cut.tape
		missing="cut short: $((393216 - size)) of the 393216 bytes of its ring are missing"
		run --separate-stderr "$PQ" tape verify cut.tape
		[ "$status" -eq 1 ]
		[[ $stderr == *"$missing"* ]]
		[[ $output != *"no damage"* ]]
		run --separate-stderr "$PQ" tape info cut.tape
		[[ $output == *"$missing"* ]]
		[ "$("$PQ" tape info --json cut.tape 2>/dev/null | jq .missing_bytes)" -eq $((393216 - size)) ]
		run --separate-stderr "$PQ" runq -f cut.tape
		[ "$(grep -c "$missing" <<<"$stderr")" -eq 1 ]
		run --separate-stderr bash -c "'$PQ' runq -f - <cut.tape; cat cut.tape | '$PQ' runq -f -"
		[ "$(grep -c "$missing" <<<"$stderr")" -eq 2 ]
	done
}

@test "a ring of version 0.1 that lost its end between two segments is told" {
	gzip -dc "$TESTS/captures/ring-cut.tape.gz" >cut.tape
	run --separate-stderr "$PQ" tape verify cut.tape
	[ "$status" -eq 1 ]
	[[ $stderr == *"131072 of the 262144 bytes of its ring are missing"* ]]
}

@test "a growing recording that lost segments at an end is told" {
	cp -r "$BATS_FILE_TMPDIR/count" steps
	for i in {0..19}; do # the clock is set after each five samples: a segment begins
		echo "$((5000000000 + i * 1000000000)) $(((BEGIN + i + (i - i % 5) * 20) * 1000000000))" >steps/t$i/clock
	done
	"$PQ" tape pack steps -o steps.tape
	"$PQ" tape verify steps.tape
	[ "$(stat -c %s steps.tape)" -gt 12288 ]
	for segments in 1 2 3; do
		head -c $((segments * 4096)) steps.tape >cut.tape
		run --separate-stderr "$PQ" tape verify cut.tape
		[ "$status" -eq 1 ]
		[[ $output == *": $((segments * 5)) samples readable" ]]
		[[ $stderr == *"not closed by its recorder: later samples may be missing"* ]]
		for reader in "runq -f cut.tape" "runq -f -"; do
			run --separate-stderr "$PQ" $reader <cut.tape
			[ "$(grep -c "not closed" <<<"$stderr")" -eq 1 ]
		done
		tail -c +$((segments * 4096 + 1)) steps.tape >cut.tape
		run --separate-stderr "$PQ" tape verify cut.tape
		[ "$status" -eq 1 ]
		[[ $stderr =~ $((segments * 5))\ samples\ lost.*\;\ $segments\ segments?\ (is|are)\ missing\ at\ its\ start ]]
	done
	# one in the middle
	cp steps.tape cut.tape
	head -c 4096 /dev/zero | dd of=cut.tape bs=4096 seek=1 conv=notrunc status=none
	run --separate-stderr "$PQ" tape verify cut.tape
	[ "$status" -eq 1 ]
	[[ $stderr == *"damaged in 1 place: 5 samples lost" ]]
}

@test "a recorder that writes is no loss, one that was killed is told" {
	start "$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o x.tape 5ms runq
	last=${started[-1]}
	until "$PQ" tape verify x.tape >out 2>&1; do sleep 0.01; done
	grep -q 'no damage' out
	kill -9 "$last"
	wait "$last" || true
	run --separate-stderr "$PQ" tape verify x.tape
	[ "$status" -eq 1 ]
	[[ $stderr == *"not closed by its recorder"* ]]
}

@test "recordings are readable by their owner only, and no link is written through" {
	umask 0
	"$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o x.tape 2ms 3 runq 2>/dev/null
	"$PQ" tape cut x.tape -o cut.tape
	"$PQ" tape unpack x.tape -o files
	"$PQ" tape pack files -o packed.tape
	[ "$(stat -c %a x.tape cut.tape packed.tape files)" = $'600\n600\n600\n700' ]
	: >empty
	ln -s empty link
	ln -s nowhere dangling
	for name in link dangling; do
		fails 2 'a symbolic link, which pq does not write to' "$PQ" record --root "$BATS_FILE_TMPDIR/count/t0" -o $name 2ms 3 runq
		fails 2 'file exists' "$PQ" tape cut x.tape -o $name
		fails 2 'file exists' "$PQ" tape pack files -o $name
	done
	ln -s empty cut2.tape.part
	echo mine >cut2.tape.2.part
	"$PQ" tape cut x.tape -o cut2.tape
	[ ! -s empty ]
	[ ! -e nowhere ]
	[ -L cut2.tape.part ]
	[ "$(cat cut2.tape.2.part)" = mine ]
	"$PQ" tape verify cut2.tape
}

@test "a directory, a FIFO and a device are not read as a recording" {
	mkdir dir
	fails 2 'neither a recording nor a captured directory' "$PQ" runq -f dir
	for work in "info dir" "verify dir" "cut dir -o x" "unpack dir -o x"; do
		fails 2 'a directory, not a recording' "$PQ" tape $work
	done
	mkfifo fifo
	for file in fifo /dev/null; do
		each_reader 2 'neither a recording nor a captured directory' $file
	done
}

@test "a recording without read permission is an error" {
	cp "$count" secret.tape
	chmod 0 secret.tape
	need_nobody
	fails 1 'cannot open .*: Permission denied' as_nobody runq -f "$PWD/secret.tape"
	for work in info verify; do
		fails 1 'cannot open .*: Permission denied' as_nobody tape $work "$PWD/secret.tape"
	done
}

@test "a recording damaged in the middle reports the lost samples and gives the others" {
	cp "$three" x.tape
	at=$(($(cat "$BATS_FILE_TMPDIR/end2") - 48)) # some samples before the end of the second segment
	printf 'damage' | dd of=x.tape bs=1 seek=$at conv=notrunc status=none
	run --separate-stderr "$PQ" runq --json -c plist_sz -f x.tape
	[ "$status" -eq 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr =~ x.tape:\ damaged\ in\ 1\ place:\ [0-9]+\ samples?\ lost ]]
	[ "${#lines[@]}" -ge 29 ]
	[ "${#lines[@]}" -lt 44 ]
	run --separate-stderr "$PQ" tape verify x.tape
	[ "$status" -eq 1 ]
	[[ $output =~ [0-9]+\ samples\ readable$ ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"damaged in 1 place"* ]]
	run --separate-stderr "$PQ" tape info x.tape
	[[ $output =~ damage\ +"damaged in 1 place" ]]
	[ "$("$PQ" tape info --json x.tape 2>/dev/null | jq '.rows + .damaged_samples')" -eq 45 ]
	"$PQ" tape cut x.tape -o cut.tape 2>said
	[ "$(wc -l <said)" -eq 1 ]
	"$PQ" tape verify cut.tape
}

@test "a recording damaged everywhere but in its headers is an error" {
	cp "$count" x.tape
	size=$(stat -c %s x.tape)
	head -c $((size - 256)) /dev/zero | tr '\0' 'x' | dd of=x.tape bs=1 seek=256 conv=notrunc status=none
	fails 1 'x.tape' "$PQ" runq -f x.tape
	run --separate-stderr "$PQ" tape verify x.tape
	[ "$status" -eq 1 ]
	[ -n "$stderr" ]
	fails 1 'no readable samples' "$PQ" tape info x.tape
}

@test "a truncated recording gives the rows before the cut, and a note" {
	"$PQ" runq --json -c plist_sz -f "$count" >whole
	size=$(stat -c %s "$count")
	for ((n = 256; n < size; n += size / 20)); do
		head -c $n "$count" >x.tape
		run --separate-stderr "$PQ" runq --json -c plist_sz -f x.tape
		[ "$status" -le 2 ]
		cmp <(printf '%s' "${output:+$output$'\n'}") <(head -n "${#lines[@]}" whole)
		[ "$n" -ge $((size - 8)) ] || [ -n "$stderr" ]
		run --separate-stderr "$PQ" tape verify x.tape
		[ "$status" -le 2 ]
	done
}

@test "a flipped byte gives no false row and no silent loss" {
	"$PQ" runq --json -c plist_sz -f "$count" >whole
	jq -c '[.time, .plist_sz]' whole >pairs
	size=$(stat -c %s "$count")
	for flip in {0..23}; do
		at=$((flip * size / 24))
		cp "$count" x.tape
		byte=$(od -An -tu1 -j $at -N1 "$count")
		printf %b "\\x$(printf %x $((byte ^ (1 << flip % 8))))" | dd of=x.tape bs=1 seek=$at conv=notrunc status=none
		run --separate-stderr "$PQ" runq --json -c plist_sz -f x.tape
		[ "$status" -le 2 ]
		[ "$(json '[.time, .plist_sz]' | grep -cvxFf pairs)" -eq 0 ]
		[ "$output" = "$(cat whole)" ] || [ -n "$stderr" ]
	done
}

@test "control characters in a recording are escaped" {
	cp -r "$BATS_FILE_TMPDIR/count" evil
	printf 'ticks 100\nhostname a\033[31mb\007\n' >evil/facts
	"$PQ" tape pack evil -o evil.tape
	run "$PQ" tape info evil.tape
	[[ $output != *$'\033'* && $output != *$'\007'* ]]
	run "$PQ" tape info --json evil.tape
	[ "$(json -r '.host | length')" -ge 2 ]
	[[ $output != *$'\033'* ]]
}
