#!/usr/bin/env bats
# scripts/capture on this machine, under each shell, and that pq replays what it wrote.
# shellcheck disable=SC2317,SC2086,SC2016 # functions that in_each calls; a shell is a command and perhaps its argument; jq
load helper

CAPTURE=$TESTS/../scripts/capture
GROUP=pqtest-capture

# The directories of the v1 or v2 hierarchies with these controllers.
tops() {
	for controller in cpu memory; do
		for top in /sys/fs/cgroup/$controller /sys/fs/cgroup; do
			if [ -e "$top/cgroup.procs" ]; then
				echo "$top"
				break
			fi
		done
	done | sort -u
}

setup_file() {
	for top in $(tops); do
		mkdir "$top/$GROUP" || true
		echo $BASHPID 2>/dev/null >"$top/$GROUP/cgroup.procs" || true
	done
	for shell in dash "busybox sh"; do
		! command -v ${shell% *} >/dev/null || $shell "$CAPTURE" "$(kept "$shell")" 3 0.2 >"$(kept "$shell").said" 2>&1
	done
}

teardown_file() {
	for top in $(tops); do
		echo $BASHPID 2>/dev/null >"$top/cgroup.procs" || true
		rmdir "$top/$GROUP" || true
	done
}

# kept SHELL: the directory that it was run for.
kept() {
	echo "$BATS_FILE_TMPDIR/${1// /-}"
}

# in_each COMMAND…: with the directory of each shell's capture as last argument.
in_each() {
	[ -d "$(kept dash)" ]
	for dir in "$BATS_FILE_TMPDIR"/*/; do
		echo "in $dir"
		"$@" "${dir%/}" # no || here: it would switch off -e in the command
	done
}

# close A B: not further apart than a thousandth, and what is lost in printing.
close() {
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 0.001 + 0.001 * b) }' ||
		{ echo "$1 is not $2" >&2; return 1; }
}

# span DIR: seconds from t0 to t1.
span() {
	cat "$1/t0/clock" "$1/t1/clock" | awk '{ t[NR] = $1 } END { printf "%.6f\n", (t[2] - t[1]) / 1e9 }'
}

first_row() {
	run --separate-stderr "$PQ" "$@" --json
	[ "$status" -eq 0 ]
	output=${lines[0]}
}

@test "each shell writes three samples and the facts" {
	has_samples() {
		[ "$(ls "$1")" = $'facts\nt0\nt1\nt2' ]
		for m in t0 t1 t2; do
			[[ $(cat "$1/$m/clock") =~ ^[0-9]+\ [0-9]{19}$ ]]
			[ -s "$1/$m/proc/stat" ]
			[ -s "$1/$m/proc/self/mountinfo" ]
			[ -s "$1/$m/proc/self/cgroup" ]
		done
		[ "$(cut -d' ' -f1 "$1/facts" | tr '\n' ' ')" = "ticks page hostname release machine " ]
		grep -qx "ticks $(getconf CLK_TCK)" "$1/facts"
		grep -Eq '^3 samples, [0-9]+ files, [0-9]+ bytes in .*; to send them: tar ' "$1.said"
		[ "$(wc -l <"$1.said")" -eq 1 ]
	}
	in_each has_samples
}

@test "the clock is right" {
	is_now() {
		read -r mono real <"$1/t0/clock"
		now=$(date +%s)
		[ $((now - real / 1000000000)) -lt 600 ]
		awk -v m="$mono" '{ exit !($1 - m / 1e9 < 600 && $1 >= m / 1e9) }' /proc/uptime
		[ "$(awk -v s="$(span "$1")" 'BEGIN { print (s >= 0.2 && s < 20) }')" = 1 ]
	}
	in_each is_now
}

@test "cpu agrees with proc/stat" {
	agrees() {
		first_row cpu -f "$1"
		want=$(awk '/^cpu[0-9]/ { for (i = 2; i <= 9; i++) { d = $i - was[$1 i]; was[$1 i] = $i
				if (FNR != NR && d > 0) { all += d; if (i == 5) idle += d } } }
			END { print 100 * idle / all }' "$1/t0/proc/stat" "$1/t1/proc/stat")
		[ "$(json -r .row)" = all ]
		close "$(json .idle_pct)" "$want"
		close "$(json .interval_s)" "$(span "$1")"
	}
	in_each agrees
}

@test "runq agrees with proc/loadavg and proc/pressure/cpu" {
	agrees() {
		first_row runq -f "$1"
		want=$(sed 's,[ /], ,g' "$1/t1/proc/loadavg")
		[ "$(json -r '[.ldavg_1, .ldavg_5, .ldavg_15, .runq_sz + 1, .plist_sz] | map(tostring) | join(" ")')" = \
			"$(awk '{ print $1 + 0, $2 + 0, $3 + 0, ($4 > 1 ? $4 : 1), $5 }' <<<"$want")" ]
		[ -s "$1/t0/proc/pressure/cpu" ] || { [ "$(json .cpu_some_pct)" = null ]; return; }
		close "$(json .cpu_some_pct)" "$(sed -n 's/^some.*total=//p' "$1/t0/proc/pressure/cpu" "$1/t1/proc/pressure/cpu" |
			awk -v s="$(span "$1")" '{ t[NR] = $1 } END { p = (t[2] - t[1]) / s / 1e4; print (p > 100 ? 100 : p) }')"
	}
	in_each agrees
}

# in_group DIR MOMENT FILE…: which of the files of the group it has.
in_group() {
	for file in "${@:3}"; do find "$1/$2/sys" -path "*/$GROUP/$file"; done | head -1
}

@test "throttle agrees with the group's CPU time" {
	agrees() {
		from=$(in_group "$1" t0 cpuacct.usage cpu.stat)
		[ -n "$from" ] || skip "cannot make a cgroup here"
		to=${from/\/t0\//\/t1\/}
		first_row throttle -g "/$GROUP" -f "$1"
		want=$(cat "$from" "$to" | awk -v s="$(span "$1")" 'NF == 1 { ns[++n] = $1 } $1 == "usage_usec" { ns[++n] = $2 * 1000 }
			END { print (ns[2] - ns[1]) / s / 1e9 }')
		[ "$(json -r .cgroup)" = "/$GROUP" ]
		close "$(json .used_cpus)" "$want"
	}
	in_each agrees
}

@test "mem agrees with the group's memory files" {
	agrees() {
		used=$(in_group "$1" t1 memory.current memory.usage_in_bytes)
		[ -n "$used" ] || skip "cannot make a cgroup with memory here"
		run -0 --separate-stderr "$PQ" mem -g "/$GROUP" -f "$1" --json
		[ "$(json --arg g "/$GROUP" 'select(.cgroup == $g) | .used_bytes' | head -1)" = "$(cat "$used")" ]
	}
	in_each agrees
}

@test "the default target replays" {
	replays() {
		for tool in throttle mem; do
			run --separate-stderr "$PQ" $tool -f "$1"
			[ "$status" -eq 0 ]
			[ "${#lines[@]}" -ge 3 ]
		done
	}
	in_each replays
}

@test "links between mount points are kept" {
	same_links() {
		for link in /sys/fs/cgroup/*; do
			[ ! -L "$link" ] || [ "$(readlink "$1/t0$link")" = "$(readlink "$link")" ]
		done
	}
	in_each same_links
}

@test "no command line, environment or memory map is kept, even with -t" {
	dash "$CAPTURE" -t "$BATS_TEST_TMPDIR/with tasks" 1
	[ -s "$BATS_TEST_TMPDIR/with tasks/t0/proc/$$/stat" ]
	[ -s "$BATS_TEST_TMPDIR/with tasks/t0/proc/$$/task/$$/schedstat" ]
	# below proc only: a cgroup may have any name
	run find "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" -path '*/proc/*' '(' -name environ -o -name cmdline -o -name '*maps' -o -name fd \
		-o -name root -o -name cwd -o -name exe -o -name auxv -o -name mem ')'
	echo "$output"
	[ -z "$output" ]
}

@test "-g keeps one cgroup and those above it" {
	top=$(tops | head -1)
	[ -d "$top/$GROUP" ] || skip "cannot make a cgroup here"
	for group in "/$GROUP" "$top/$GROUP"; do
		dir=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
		dash "$CAPTURE" -g "$group" "$dir" 1
		[ -e "$dir/t0$top/cgroup.procs" ]
		[ -e "$dir/t0$top/$GROUP/cgroup.procs" ]
		[ "$(find "$dir/t0$top" -mindepth 1 -type d)" = "$dir/t0$top/$GROUP" ]
	done
}

@test "many samples sort by name" {
	dash "$CAPTURE" -g / "$BATS_TEST_TMPDIR/many" 11 0.01
	[ "$(cd "$BATS_TEST_TMPDIR/many" && echo t*)" = "t00 t01 t02 t03 t04 t05 t06 t07 t08 t09 t10" ]
	run -0 --separate-stderr "$PQ" cpu -f "$BATS_TEST_TMPDIR/many" --csv -c idle_pct
}

@test "a file that cannot be read is noted with its errno" {
	# As root everything here can be read: so a cat and a cp that fail for one file.
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/cp"
	cat >"$BATS_TEST_TMPDIR/bin/cat" <<-END
		#!/bin/sh
		case \$1 in
		*/vmstat) echo "cat: read error: Operation not supported" >&2; exit 1 ;;
		*/schedstat | */meminfo) echo "cat: can't open '\$1': Permission denied" >&2; exit 1 ;;
		esac
		exec $(command -v cat) "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH dash "$CAPTURE" -g / "$BATS_TEST_TMPDIR/kept" 1
	cd "$BATS_TEST_TMPDIR/kept/t0/proc"
	[ "$(cat vmstat.errno meminfo.errno)" = $'95 Operation not supported\n13 Permission denied' ]
	[ ! -e vmstat ]
	[ ! -e meminfo ]
	cmp version /proc/version
}

@test "a full disk gives one error line" {
	here
	small_disk size=48k
	for shell in dash "busybox sh"; do
		command -v ${shell% *} >/dev/null || continue
		run $shell "$CAPTURE" disk/kept 9 0.01
		rm -rf disk/kept
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *": cannot "* ]]
	done
}

@test "wrong arguments" {
	cd "$BATS_TEST_TMPDIR"
	fails 2 "usage: capture" dash "$CAPTURE"
	fails 2 "usage: capture" dash "$CAPTURE" ''
	fails 2 "usage: capture" dash "$CAPTURE" new 1 1 1
	fails 2 "unknown option '-x'" dash "$CAPTURE" -x new
	fails 2 "-g: missing argument" dash "$CAPTURE" -g
	fails 2 "no cgroup 'nosuch'" dash "$CAPTURE" -g /nosuch new
	fails 2 "no cgroup 'a/../b'" dash "$CAPTURE" -g /a/../b new
	for n in 0 -1 1x 1.5 '' 01 999999; do fails 2 "invalid N '$n'" dash "$CAPTURE" new "$n"; done
	for i in 0 0.0 -1 1x .5 5. 1.2.3 '' 1e3; do fails 2 "invalid INTERVAL '$i'" dash "$CAPTURE" new 1 "$i"; done
	[ ! -e new ]
}

@test "a file and a directory that is not empty are refused" {
	cd "$BATS_TEST_TMPDIR"
	mkdir full && : >full/.hidden && : >file
	fails 2 "full: exists and is not an empty directory" dash "$CAPTURE" full
	fails 2 "file: exists and is not an empty directory" dash "$CAPTURE" file
	fails 1 "cannot create directory" dash "$CAPTURE" file/below
	[ "$(ls -A full)" = .hidden ]
	mkdir empty
	dash "$CAPTURE" empty 1
	[ -s empty/t0/clock ]
}

@test "-h" {
	run -0 dash "$CAPTURE" -h
	[[ $output == "usage: capture [-ht] [-g CGROUP] DIR [N] [INTERVAL]"* ]]
}
