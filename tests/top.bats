#!/usr/bin/env bats
# pq top: the screen, in a terminal of tmux, and the rows without one.
# shellcheck disable=SC2030,SC2031,SC2016 # each test runs in a shell of its own; await evaluates
load helper

setup() {
	samples top
}

teardown() {
	! declare -F tmux_is_there >/dev/null || in_tmux kill-server 2>/dev/null || :
	local it
	for it in "${started[@]}"; do kill -9 "$it" 2>/dev/null || :; done
	for it in "${made[@]}"; do remove_group "$it"; done
}

# ---- A terminal

in_tmux() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@"
}

# terminal COLUMNS LINES: a shell in a terminal of that size; its prompt is "ready>".
terminal() {
	command -v tmux >/dev/null || skip "no tmux"
	tmux_is_there() { :; }
	export PQ
	echo "PS1='ready> '" >"$BATS_TEST_TMPDIR/rc"
	in_tmux new-session -d -x "$1" -y "$2" "exec bash --noprofile --rcfile '$BATS_TEST_TMPDIR/rc' -i" 3>&-
	await shows 'ready>'
}

# keys KEY…: as tmux calls them. Words come letter by letter.
keys() {
	in_tmux send-keys "$@"
}

# types TEXT: that line, and Enter.
types() {
	in_tmux send-keys -l "$1"
	in_tmux send-keys Enter
}

screen() {
	in_tmux capture-pane -p
}

# shows TEXT: it is on the screen now.
shows() {
	screen | grep -qF -- "$1"
}

shows_not() {
	! shows "$1"
}

# The words of the screen, whichever lines they are in.
screen_words() {
	screen | tr -s ' \n' ' '
}

has_words() {
	[[ $(screen_words) == *"$1"* ]]
}

# line N: that line of the screen.
line() {
	screen | sed -n "${1}p"
}

# top OPTIONS…: starts pq top there, and waits for its screen. The shell's next prompt tells its exit status.
top() {
	types "clear; \"\$PQ\" top $*; echo \"status \$?\""
	await shows 'pq top  '
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# The process that the shell of the terminal started.
top_pid() {
	pgrep -P "$(in_tmux display-message -p '#{pane_pid}')"
}

on_alternate_screen() {
	[ "$(in_tmux display-message -p '#{alternate_on}')" = 1 ]
}

# The terminal is as it was: the usual screen with a cursor, and it echoes lines.
restored() {
	await shows 'ready>'
	! on_alternate_screen || return 1
	[ "$(in_tmux display-message -p '#{cursor_flag}')" = 1 ] || return 1
	types 'stty -a | grep -c -e "-echo " -e "-icanon" -e "-isig"; echo check""ed' # the line itself does not match
	await shows 'checked'
	screen | grep -qx 0
}

# ---- A recording: an idle machine of 4 CPUs, and a cgroup that is throttled from the third second on

every_sample() {
	local i
	printf '%s %s\n' $((($1 + 1) * 1000000000)) $(((1790000000 + $1) * 1000000000)) >"$now/clock"
	mkdir -p "$now/proc/pressure" "$now/sys/devices/system/cpu"
	echo "0.10 0.10 0.10 1/200 4000" >"$now/proc/loadavg"
	echo 0-3 >"$now/sys/devices/system/cpu/online"
	{
		echo "cpu  $((40 * $1)) 0 0 $((360 * ($1 + 1))) 0 0 0 0"
		for i in 0 1 2 3; do echo "cpu$i $((10 * $1)) 0 0 $((90 * ($1 + 1))) 0 0 0 0"; done
		printf 'processes 4000\nprocs_running 1\nprocs_blocked 0\n'
	} >"$now/proc/stat"
	printf 'MemTotal: 8000000 kB\nMemFree: 6000000 kB\nMemAvailable: 7000000 kB\n' >"$now/proc/meminfo"
}

# recording SECONDS [MORE]: packs it into x.tape, with so many more cgroups.
recording() {
	local i more throttled=0
	here
	for ((i = 0; i <= $1; i++)); do
		at "$i"
		throttled=$((i > 2 ? i - 2 : 0))
		cpu_group /shop '20000 100000' $((200000 * i)) $((10 * i)) $((10 * throttled)) $((1500000 * throttled))
		cpu_group /quiet '400000 100000' $((1000 * i)) $((10 * i)) 0 0
		for ((more = 0; more < ${2:-0}; more++)); do cpu_group "/more$more" '400000 100000' 0 $((10 * i)) 0 0; done
	done
	find "$dir" -maxdepth 1 -name 't[0-9]' -exec sh -c 'mv "$1" "${1%/*}/t0${1##*/t}"' _ {} \;
	"$PQ" tape pack "$dir" -o x.tape 2>/dev/null || "$PQ" tape pack -o x.tape "$dir"
}

# ---- Without a terminal

@test "without a terminal, it prints the panel and the worst of the list" {
	golden top/throttled.txt "$PQ" top -f "$(capture 6.1-v2-throttled)"
	golden top/throttled-processes.txt "$PQ" top --view processes -f "$(capture 6.1-v2-throttled)"
	golden top/v1.txt "$PQ" top -n 3 -f "$(capture 5.10-v1-throttled)"
	golden top/memory.txt "$PQ" top -f "$(capture 6.1-v2-memory-near-limit)"
}

@test "a recording gives one frame per row, and their figures are those of the tools" {
	recording 6
	run --separate-stderr "$PQ" top -f x.tape
	[ "$status" -eq 0 ]
	[ "$(grep -c '^pq top' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^CRITICAL CPU throttled by quota: /shop' <<<"$output")" -eq 4 ]
	held=$("$PQ" throttle -a -f x.tape --json | jq -r 'select(.cgroup == "/shop") | .held_cpus' | tail -1)
	[[ $(grep '^throttled' <<<"$output" | tail -1) == *" $held"*" CPUs held /shop"* ]]
	run --separate-stderr "$PQ" top -f x.tape --from +3s
	[ "$(grep -c '^pq top' <<<"$output")" -eq 3 ]
}

@test "the sparkline has a hole where there is no row, and a peak keeps its height" {
	recording 6
	run --separate-stderr "$PQ" top -f x.tape
	[[ $(grep '^throttled' <<<"$output" | tail -1) =~ " "_?[_.:=+*#-]+$ ]]
	[[ $(grep '^throttled' <<<"$output" | head -1) =~ " "_$ ]]
}

@test "where the clock is set, a row lasts as long as it took, and so does a verdict" {
	local i mono real
	recording 8
	rm x.tape
	for i in 0 1 2 3 4 5 6 7 8; do
		mono=$(((i + 1) * 1000000000))
		real=$((1790000000000000000 + mono - (i > 4 ? 3600000000000 : 0)))
		echo "$mono $real" >"$dir/t0$i/clock"
		[ "$i" -lt 5 ] || find "$dir/t0$i" -path '*/shop/cpu.stat' \
			-exec sh -c "printf 'nr_periods %s\nnr_throttled 20\nthrottled_usec 3000000\n' $((10 * i)) >\"\$1\"" _ {} \;
	done
	"$PQ" tape pack "$dir" x.tape
	run -0 --separate-stderr "$PQ" top -u -f x.tape
	[ "$(grep -c '^pq top .*  row of 1 s' <<<"$output")" -eq 8 ]
	[[ $(tail -n 12 <<<"$output") == *"CRITICAL (4 s ago)"* ]]
	[ "$(grep -n '^pq top' <<<"$output" | grep -c 'clock set')" -eq 4 ]
	[[ $(grep '^pq top' <<<"$output" | sed -n 4p) == "pq top  14:13:25  row of 1 s"* ]]
	[[ $(grep '^pq top' <<<"$output" | sed -n 5p) == "pq top  13:13:26  row of 1 s  clock set back by 60 minutes"* ]]
	"$PQ" top -f x.tape --svg x.svg
	[[ $(words x.svg | head -1) == *"clock set back by 60 minutes"* ]]
}

@test "a step of the clock is told for a minute, and a pause is none" {
	local i mono
	recording 9
	rm x.tape
	for i in 0 1 2 3 4 5 6 7 8 9; do
		mono=$(((i + 1) * 1000000000 + (i > 2 ? 70000000000 : 0)))
		echo "$mono $((1790000000000000000 + mono + (i > 1 ? 5000000000 : 0)))" >"$dir/t0$i/clock"
	done
	"$PQ" tape pack "$dir" x.tape
	run -0 --separate-stderr "$PQ" top -u -f x.tape
	[ "$(grep -n '^pq top' <<<"$output" | grep -c 'clock set forward by 5 s')" -eq 1 ]
	[[ $(grep '^pq top' <<<"$output" | sed -n 2p) == *"clock set forward by 5 s"* ]]
}

@test "interval and count choose the rows; wrong words are refused" {
	recording 6
	run --separate-stderr "$PQ" top -f x.tape 2 2
	[ "$(grep -c '^pq top' <<<"$output")" -eq 2 ]
	fails 2 "invalid interval" "$PQ" top never
	fails 2 "unexpected argument 'x'" "$PQ" top 1 1 x
	fails 2 'top: --from and --to need a recording .-f FILE.' "$PQ" top --from 17:00
	fails 2 "invalid --view 'trees': want cgroups, processes or threads" "$PQ" top --view trees
	fails 2 "neither a recording nor a captured directory" "$PQ" top -f /dev/null
}

@test "TERM=dumb gets rows without control characters; NO_COLOR a screen without colours" {
	recording 4
	script -qec "TERM=dumb $PQ top -f x.tape" /dev/null </dev/null >rows
	grep -q '^pq top' rows
	run ! grep -q $'\x1b' rows
	terminal 80 24
	types 'export NO_COLOR=1'
	top -f x.tape
	await shows 'end of the recording'
	in_tmux capture-pane -p -e >screen
	run ! grep -q $'\x1b\[3[0-7]' screen
	keys q
	await shows 'status 0'
	types 'unset NO_COLOR'
	top -f x.tape
	await shows 'end of the recording'
	in_tmux capture-pane -p -e | grep -q $'\x1b\[3[1-6]m'
}

@test "--keep has bounds: a whole recording at least, half of the machine at most" {
	fails 2 "invalid --keep: too large: want at most [0-9.]* [KMGT]iB, half of this machine" "$PQ" top --keep 999999T 0.1 1
	fails 2 "invalid --keep: too small: want 256 KiB or more" "$PQ" top --keep 4K 0.1 1
	fails 2 "invalid --keep 'much': want a size such as 64M or 1G" "$PQ" top --keep much 0.1 1
	run -0 "$PQ" top --keep 256K -f "$(capture 6.1-v2-throttled)"
}

# ---- Pictures

# words FILE: what a picture says, a line for each of its lines.
words() {
	sed -n 's/<[^>]*>//g; s/ *$//; /[^ ]/p' <(grep '^<text' "$1")
}

@test "a picture that cannot be written wholly is removed" {
	cd "$BATS_TEST_TMPDIR"
	at 0; at 1; at 2
	ln -s target.svg link.svg
	for file in x link; do
		fails 1 "cannot write $file.svg: File too large" \
			bash -c 'trap "" XFSZ; ulimit -f 1; exec "$PQ" top -f "$0" --svg "$1.svg"' "$dir" "$file"
	done
	[ ! -e x.svg ]
	[ -L link.svg ] # it is the user's
}

@test "--svg draws the last row, as text prints it, and --to chooses the row" {
	recording 6
	run -0 --separate-stderr "$PQ" top -f x.tape --svg x.svg
	[ -z "$output$stderr" ]
	! command -v xmllint >/dev/null || xmllint --noout x.svg
	[ "$(stat -c %s x.svg)" -lt 50000 ]
	[[ $(words x.svg | head -1) == "pq top  14:13:26  row of 1 s"* ]]
	[[ $(words x.svg | sed -n 2p) == "CRITICAL CPU throttled by quota: /shop: "* ]]
	[ "$(words x.svg | tail -n 2 | awk '{ print $NF }')" = $'/shop\n/quiet' ]
	"$PQ" top -f x.tape | tail -n 12 | sed 's/ *[_.:=+*#-]*$//' | grep '^memory' >panel
	[[ $(words x.svg | grep '^memory') == "$(cat panel)"* ]]
	run -0 "$PQ" top -f x.tape --to 14:13:22 --svg x.svg
	[[ $(words x.svg | head -1) == "pq top  14:13:22 "* ]]
	[[ $(words x.svg | sed -n 2p) != *CRITICAL* ]]
	run ! grep -q 'href\|src=\|<script\|url(' x.svg
}

@test "--svg - is the same picture on stdout, and no file of that name" {
	recording 6
	"$PQ" top -f x.tape --svg x.svg
	"$PQ" top -f x.tape --svg - | cmp - x.svg
	[ ! -e - ]
	fails 2 'svg - would overwrite the recording' bash -c '"$1" top -f x.tape --svg - >>x.tape' _ "$PQ"
	fails 2 'svg x.tape would overwrite the recording' bash -c '"$1" top -f - --svg x.tape <x.tape' _ "$PQ"
	fails 1 'cannot write stdout: No space left' bash -c '"$1" top -f x.tape --svg - >/dev/full' _ "$PQ"
}

@test "a picture that cannot be written is an error at once" {
	recording 4
	fails 1 'cannot write /nonexistent/x.svg: No such file' timeout 20 "$PQ" top --svg /nonexistent/x.svg 60 1
	fails 1 'cannot write /dev/full: No space left' "$PQ" top -f x.tape --svg /dev/full
	fails 2 'cannot be combined' "$PQ" top --plain --svg x.svg
	fails 2 "invalid --svg '': want a file" "$PQ" top --svg ''
	ln -s x.tape same
	cp x.tape before
	fails 2 'svg same would overwrite the recording' "$PQ" top -f x.tape --svg same
	fails 2 'svg x.tape would overwrite the recording' "$PQ" wait -f x.tape --svg x.tape
	cmp x.tape before
}

@test "who may not read a recording may not read a picture of it" {
	recording 4
	chmod 640 x.tape
	umask 022
	"$PQ" top -f x.tape --svg x.svg
	[ "$(stat -c %a x.svg)" = 640 ]
}

@test "names with markup are text in a picture" {
	for i in 0 1; do
		at "$i"
		cpu_group $'/<script>"&\x1b[2J' '20000 100000' $((200000 * i)) $((10 * i)) $((10 * i)) $((1500000 * i))
	done
	run -0 "$PQ" top -f "$dir" --svg "$BATS_TEST_TMPDIR/x.svg"
	cd "$BATS_TEST_TMPDIR"
	! command -v xmllint >/dev/null || xmllint --noout x.svg
	grep -qF '/&lt;script&gt;&quot;&amp;\033[2J</tspan>' x.svg
	run ! grep -q '<script' x.svg
}

@test "a closed stdout is an error, whichever other files are closed" {
	recording 6
	for closed in '>&-' '<&- >&-' '<&- >&- 2>&-'; do
		run -1 bash -c "'$PQ' top 0.05 2 $closed"
		run -1 bash -c "'$PQ' top -f x.tape $closed"
	done
}

@test "a reader that has gone ends it, with status 0" {
	recording 6
	[ "$("$PQ" top -f x.tape | head -1 | cut -c1-6)" = "pq top" ]
	run "$PQ" top --plain -f x.tape
	[ "$status" -eq 0 ]
}

@test "the first row has figures of memory, which is read more rarely" {
	run --separate-stderr "$PQ" top 0.2 1
	[[ $output == *"
memory    ["*" GiB"* || $output == *"
memory    ["*" MiB"* ]]
	[[ $output != *UNKNOWN* ]]
}

# ---- The screen

@test "the screen of a recording at 80x24" {
	terminal 80 24
	types "clear; \"\$PQ\" top -f $(capture 6.1-v2-throttled)"
	await shows 'end of the recording'
	golden top/screen.txt screen
}

@test "a terminal of 20x5 shows the verdict and the worst; 500x200 is filled, and a change of size too" {
	recording 4
	terminal 20 5
	types '"$PQ" top -f x.tape'
	await shows 'CRITICAL CPU thrott'
	await shows '/shop'
	[ "$(screen | wc -L)" -le 20 ]
	in_tmux resize-window -x 500 -y 200
	await shows 'end of the recording'
	await shows 'demand unmet; limit 0.20 CPUs'
	[[ $(screen | grep ^throttled) =~ "held /shop "+[_.:=+*#-]+$ ]]
	in_tmux resize-window -x 60 -y 12
	await shows 'sort: waits'
	await has_words 'demand unmet; limit 0.20 CPUs'
	in_tmux resize-window -x 60 -y 11
	await shows_not 'limit 0.20 CPUs'
	keys q
	restored
}

@test "the list: views, order and filter" {
	recording 4
	terminal 80 24
	top -f x.tape
	await shows 'end of the recording'
	[[ $(line 11) == *"  /shop" && $(line 12) == *"  /quiet" ]]
	keys S
	await shows 'sort: name'
	await eval '[[ $(line 11) == *"  /quiet" ]]'
	keys s s
	await shows 'sort: %CPU'
	keys s s s
	await shows 'sort: %mem'
	keys p
	await shows '%wait %quota   %I/O  %lock  command' # pressure is that of cgroups
	keys S s
	await shows 'sort: %I/O'
	keys g S S S S S S
	await shows 'sort: name'
	keys /
	await shows 'filter:'
	keys s h
	await shows_not '/quiet'
	keys Enter
	await shows 'Enter more'
	await shows_not '/quiet'
	keys Escape
	await shows '/quiet'
	keys p
	await shows 'command'
	keys g
	await shows '/quiet'
	keys h
	await shows 'Keys'
	keys Escape
	await shows '/quiet'
}

@test "the help stops at its last line" {
	local i
	recording 4
	terminal 80 15
	top -f x.tape
	await shows 'end of the recording'
	keys h
	await shows 'Keys'
	keys End
	await shows_not 'Up, Down, PgUp'
	for i in {1..15}; do keys Down Down Down Down Down Down Down Down; done
	for i in {1..5}; do keys Up Up Up Up Up Up Up Up Up Up; done
	await shows 'Up, Down, PgUp'
}

@test "on 40 columns nothing is cut: verdict, help, notes and details are folded" {
	local verdict="CRITICAL CPU throttled by quota: /shop: throttled in 10 of 10 periods; 1.50 CPUs of demand unmet; limit 0.20 CPUs"
	recording 4
	terminal 120 40
	top -f x.tape
	await shows 'end of the recording'
	shows "$verdict"
	in_tmux resize-window -x 40 -y 24
	await shows 'filter  q quit'
	has_words "$verdict"
	shows 'disks'
	keys h
	await has_words 'Enter details of the selected cgroup or process: verdict, waits, limits Esc back'
	keys End
	await has_words 'wait: no process is visible in /proc (is it mounted, without hidepid?) Esc'
	keys Escape
	await shows 'Enter more'
	keys Enter
	await has_words 'CPU throttled by quota'
	has_words '-> run at most 1 worker thread (for Go: GOMAXPROCS=1) or raise the quota; see: pq throttle -g /shop 1'
	keys PgDn
	await has_words 'What its threads wait for (100 % is one thread) unknown Limits'
	[ "$(screen | wc -L)" -le 40 ]
}

@test "on a narrow terminal, rows of text are as many as -n wants" {
	recording 1 8
	terminal 59 60
	for columns in 59 79 100; do
		in_tmux resize-window -x "$columns" -y 60
		types "clear; \"\$PQ\" top --plain -n 9 -f x.tape; echo at $columns: \$?"
		await shows "at $columns: 0"
		[ "$(screen | grep -cE '  /(shop|quiet|more[0-9])$')" = 9 ]
	done
}

@test "keys that come with the one that opens a page scroll it" {
	recording 4
	terminal 60 24
	top -f x.tape
	await shows 'end of the recording'
	keys h End
	await has_words '(is it mounted, without hidepid?) Esc'
	keys Escape
	await shows 'Enter more'
	keys Enter End
	await shows_not 'What its threads wait for'
	shows 'Esc back'
}

@test "a long filter shows its end and a mark, and then that it is on" {
	recording 4
	terminal 40 24
	top -f x.tape
	await shows 'end of the recording'
	keys /
	await shows 'filter:'
	keys -l abcdefghijklmnopqrstuvwxyz0123456789xyz
	await eval '[[ $(line 24) == "filter: <"*"0123456789xyz" || $(line 24) == "filter: …"*"0123456789xyz" ]]'
	[ "$(line 24 | wc -L)" -le 40 ]
	keys Enter
	await shows '/ filtered'
	keys Escape
	await shows '/ filter  '
}

# The details of a recording: page by page, none of their lines is left out.
@test "PgDn shows what comes next on a narrow screen, and leaves out no line" {
	recording 4
	terminal 40 24
	top -f x.tape
	await shows 'end of the recording'
	keys Enter
	await shows 'cgroup /shop'
	local last
	last=$(line 23)
	[ -n "$last" ]
	keys PgDn
	await eval '[ "$(line 23)" != "'"$last"'" ]'
	screen | head -n 22 | grep -qF -- "$last" || {
		keys Up
		await shows "$last"
	}
}

@test "a narrow screen shows whole parts of its first and last line, or none" {
	recording 4
	terminal 40 24
	top -f x.tape
	await shows 'end of the recording'
	[[ $(line 1) == "pq top  14:13:24"*" end of the recording" ]]
	[ "$(line 24)" = 'h help  Enter more  / filter  q quit' ]
	in_tmux resize-window -x 30 -y 24
	await eval '[[ $(line 24) == "h help  Enter more  q quit" ]]'
	[[ $(line 1) == "pq top    end of the recording" ]]
}

@test "details of a cgroup: verdict, figures and limits; Esc goes back" {
	recording 4
	terminal 80 40
	top -f x.tape
	await shows 'end of the recording'
	keys Enter
	await shows 'cgroup /shop'
	await shows 'CPU throttled by quota'
	shows 'limit 0.20 CPUs'
	shows 'Limits, as pq limits shows them'
	keys Escape
	await shows '%wait'
	keys Down Enter
	await shows 'cgroup /quiet'
}

@test "arrows go through the time of a recording; space plays it on" {
	recording 6
	terminal 80 24
	top -f x.tape
	keys Space
	await shows 'paused'
	keys '<'
	await eval '[[ $(line 1) == *"14:13:21"*paused ]]'
	await shows_not CRITICAL
	keys Right Right
	await eval '[[ $(line 1) == *"14:13:23"* ]]'
	await shows CRITICAL
	keys Left
	await eval '[[ $(line 1) == *"14:13:22"* ]]'
	await shows_not CRITICAL
	keys Left Left Left
	await shows 'the recording begins here'
	keys Space
	await shows 'end of the recording'
	[[ $(line 1) == *"14:13:26"* ]]
}

@test "arrows go back over a gap, and over a time where the clock was set back" {
	local i by
	recording 8
	for by in gap set; do
		for i in 5 6 7 8; do
			if [ "$by" = gap ]; then
				echo "$((i + 601))000000000 $((1790000000 + i + 600))000000000" >"$dir/t0$i/clock"
			else
				echo "$((i + 1))000000000 $((1790000000 + i - 3600))000000000" >"$dir/t0$i/clock"
			fi
		done
		"$PQ" tape pack "$dir" "$by.tape"
	done
	terminal 80 24
	top -f gap.tape
	keys '>' '>' '>'
	await eval '[[ $(line 1) == *"14:23:28"* ]]'
	keys Left Left Left
	await eval '[[ $(line 1) == *"14:23:25"*"row of 10 minutes"* ]]'
	keys Left Left
	await eval '[[ $(line 1) == *"14:13:23"* ]]'
	keys '>' '>' '>' '<'
	await eval '[[ $(line 1) == *"14:23:25"* ]]'
	keys '<'
	await eval '[[ $(line 1) == *"14:13:24"* ]]'
	keys q
	await shows 'status 0'
	top -f set.tape
	keys '>'
	await eval '[[ $(line 1) == *"13:13:28"* ]]'
	keys Left Left Left
	await eval '[[ $(line 1) == *"13:13:25"* ]]'
	keys Left
	await eval '[[ $(line 1) == *"14:13:24"* ]]'
}

@test "names with control characters, and of any length, stay in their line" {
	for i in 0 1; do
		at "$i"
		cpu_group $'/ev\x1b[2Jil' '20000 100000' $((200000 * i)) $((10 * i)) $((10 * i)) $((1500000 * i))
		cpu_group /"$(printf 'x%.0s' {1..200})" '20000 100000' 0 0 0 0
	done
	terminal 80 24
	top -f "$dir"
	await shows 'end of the recording'
	shows '/ev\033[2Jil'
	[ "$(screen | wc -L)" -le 80 ]
	[[ $(line 1) == "pq top"* ]]
	[[ $(screen | grep -c 'xxxxxxxx$') -eq 1 ]]
}

# ---- The terminal afterwards

@test "q, Ctrl-C and SIGTERM end it, and the terminal is as before" {
	terminal 80 24
	for how in q C-c TERM; do
		top 1
		on_alternate_screen
		case $how in
		TERM) kill -TERM "$(top_pid)" ;;
		*) keys $how ;;
		esac
		await shows 'status '
		restored
		types clear
		await shows_not 'status '
	done
}

@test "a crash, SIGHUP and SIGQUIT restore the terminal" {
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0 # else a sanitizer has the handlers
	terminal 80 24
	for signal in SEGV ABRT BUS HUP QUIT; do
		top 1
		kill -$signal "$(top_pid)"
		await shows 'status '
		restored
		types clear
		await shows_not 'status '
	done
}

@test "SIGKILL of its parent restores the terminal" {
	terminal 80 24
	types "clear; sh -c '\"\$PQ\" top 1; true'"
	await shows 'pq top  '
	parent=$(top_pid)
	child=$(pgrep -P "$parent")
	kill -KILL "$parent"
	await ended "$child"
	keys Enter # the shell's prompt may have gone to the other screen
	restored
}

@test "Ctrl-Z suspends it, and fg draws it again" {
	terminal 80 24
	top 1
	keys C-z
	await shows 'Stopped'
	restored
	types fg
	await on_alternate_screen
	await shows 'live'
	keys q
	await shows 'ready>'
	restored
}

@test "the end of the terminal ends it" {
	terminal 80 24
	top 1
	pid=$(top_pid)
	in_tmux kill-server
	await ended "$pid"
}

# ---- Live

@test "space freezes a live screen, and it goes on where it is then" {
	terminal 80 24
	top 0.1
	await shows live
	keys Space
	await shows frozen
	before=$(screen)
	rows=$(in_tmux display-message -p '#{cursor_y}')
	keys Down Up
	[ "$(screen)" = "$before" ]
	[ -n "$rows" ]
	keys Space
	await shows live
	await eval '[ "$(line 1)" != "$(head -1 <<<"$before")" ]'
}

@test "r saves what was read as a recording, which pq top and pq why read" {
	here
	terminal 80 24
	top 0.2
	await eval '[ "$(line 3 | grep -o "[_.:=+*#-]*$" | wc -c)" -gt 1 ]'
	keys r
	await shows 'saved pq-top-'
	keys q
	await shows 'status 0'
	tape=(pq-top-*.tape)
	[ "$(stat -c %a "${tape[0]}")" = 600 ]
	"$PQ" top -f "${tape[0]}" | grep -q '^CPU  '
	run "$PQ" why -f "${tape[0]}" --json
	json '.verdict' | grep -q '"'
}

@test "P saves the screen as a picture, and never over a file" {
	here
	terminal 80 24
	top -f "$(capture 6.1-v2-throttled)"
	await shows 'end of the recording'
	keys P
	await shows 'saved pq-top-'
	picture=(pq-top-*.svg)
	[[ $(words "${picture[0]}" | head -1) == "pq top "*"end of the recording" ]]
	words "${picture[0]}" | grep -q ' /web$'
	words "${picture[0]}" | grep -q '^h help  Enter more  s sort: waits '
	grep -q 'class="r"' "${picture[0]}" # the selected row
	rm -f ./*.svg
	i=$(date +%s)
	for ((n = i; n < i + 60; n++)); do echo mine >"pq-top-$(date -d "@$n" +%Y%m%d-%H%M%S).svg"; done
	keys P
	await shows 'cannot save pq-top-'
	shows 'File exists'
	[ "$(cat ./*.svg | sort -u)" = mine ]
}

@test "it finds a live spike: a throttled cgroup, by its name" {
	v1_group 2000
	terminal 80 24
	burn "$group" "$acct"
	top --filter "$name" 1
	await eval '[[ $(line 11) == *"  $name" && $(awk "{ print (\$3 > 0) }" <<<"$(line 11)") == 1 ]]'
	keys Enter
	await shows "cgroup $name"
	await shows 'CPU throttled by quota'
}

# One sample a row would give a place all of the row or nothing of it.
@test "details of a process show the shares of the places in which its threads wait" {
	cp "${PQ%/*}/tests/helper" "$BATS_TEST_TMPDIR/turns$$"
	start "$BATS_TEST_TMPDIR/turns$$" turn
	terminal 100 40
	top --view processes --filter "turns$$" 1
	await shows "  turns$$"
	keys Enter
	await shows 'What its threads wait for'
	await eval '[ "$(screen | grep -cE "^ +[3-6][0-9]\.[0-9] %  blocked +(clock_nanosleep|poll) ")" = 2 ]'
	await shows_not 'two samples are needed'
	for _ in 1 2 3; do
		sleep 1
		screen | grep -E ' %  blocked ' | awk '{ if ($1 < 20 || $1 > 80) exit 1 }' || { screen && return 1; }
	done
	kill "$last"
	wait "$last" || :
}
