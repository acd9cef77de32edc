#!/usr/bin/env bats
# pq report --diff: what changed from one recording to another, on the page of both. Which changes these are: diff.bats.
load helper

setup() {
	here
	cp "$BATS_FILE_TMPDIR"/*.tape .
}

# record NAME SECOND QUOTA_US THROTTLED: NAME.tape has thirty seconds from that one on. /web has this quota, and so many of its ten periods
# a second are throttled; of $evil they are $of_evil.
evil=$'/<script>window.evil=1<\\script>"\'&<b onclick=evil()>\x1b[31m'
record() {
	local i
	dir=$1
	for ((i = 0; i < 30; i++)); do
		at "$i"
		mv "$now" "$dir/t$((100 + i))" && now=$dir/t$((100 + i))
		echo "$(((i + 1) * 1000000000)) $((1790000000 + $2 + i))000000000" >"$now/clock"
		cpu_group "" "max 100000" 0 0 0 0
		cpu_group /web "$3 100000" $((i * $3)) $((i * 10)) $((i * $4)) $((i * $4 * 10000))
		cpu_group "$evil" "20000 100000" 0 $((i * 10)) $((i * ${of_evil:-0})) 0
	done
	printf 'ticks_per_s 100\ncpus 4\nhostname %s\nrelease 6.1.0\n' "${host-n1}" >"$dir/facts"
	"$PQ" tape pack "$dir" -o "$1.tape"
	rm -r "$dir"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	samples throttle /
	record before 0 20000 9
	of_evil=5 host=$'n2<b>' record after 86400 100000 0
}

# changes: the section as text: a line for each heading, paragraph and row, its cells separated by " | ".
changes() {
	tr -d '\n' <page.html | sed -e 's/.*<div class="changes">//; s/<article.*//' -e 's/<\(tr\|h2\|h3\|p\|div\|summary\)[ >]/\n&/g' |
		sed -e 's/<\/t[dh]>/ | /g; s/<[^>]*>//g; s/ *| *$//; s/ *$//; /^$/d'
}

@test "the page begins with what was changed, and then the figures, the worst first" {
	page --diff before.tape after.tape
	golden report/changes changes
	[ "$(grep -n '<div class="changes">' page.html | cut -d: -f1)" -lt "$(grep -n '<article' page.html | head -n 1 | cut -d: -f1)" ]
	[ "$(grep -c '<article' page.html)" -eq 2 ]
}

@test "the lines are those of pq diff" {
	page --diff before.tape after.tape
	want=$("$PQ" diff --json before.tape after.tape 2>/dev/null |
		jq -r 'select(.change == "worse" or .change == "better" or .change == "changed") | .figure + " " + .change')
	[ "$(changes | sed -n 's/^✖ \([^ ]*\) of.*/\1 worse/p; s/^✓ \([^ ]*\) of.*/\1 better/p; s/^◆ \([^ ]*\) of.*/\1 changed/p')" = "$want" ]
}

@test "each line leads to pictures that are on the page" {
	page --diff before.tape after.tape
	grep -o 'href="#[rs][^"]*"' page.html | sort -u | sed 's/href="#\(.*\)"/\1/' >targets
	[ "$(grep -c '^s' targets)" -ge 2 ]
	while read -r id; do
		grep -q " id=\"$id\"" page.html || { echo "$id is not there" && return 1; }
	done <targets
}

@test "both recordings have one scale, and the rows that are worst in either" {
	page --diff before.tape after.tape
	for id in throttle held; do
		for tape in 0 1; do
			sed -n "/<figure class=\"strip[^>]*id=\"s$tape-$id\"/,/<\/figure>/p" page.html >one
			grep -o '<h4><bdi>[^<]*\|</i>≤ [^<]*\|<span class="top">[^<]*\|>/[a-z]*</bdi></span>' one | sort >"$id$tape"
		done
		diff "$id"0 "$id"1
		grep -q /web "$id"1
	done
}

@test "names from other people are text" {
	page --diff before.tape after.tape
	[ "$(grep -c '<script' page.html)" -eq 1 ]
	run grep -cE '<b onclick|<script>window.evil|n2<b>|'$'\x1b' page.html
	[ "$output" = 0 ]
	changes | grep -qF '&lt;script&gt;window.evil=1&lt;\script&gt;&quot;&#39;&amp;&lt;b onclick=evil()&gt;\033[31m'
	mv before.tape 'a<b>.tape'
	page --diff 'a<b>.tape' after.tape
	run grep -c 'a<b>' page.html
	[ "$output" = 0 ]
}

@test "recordings of different times both begin at the left, with their own clock" {
	page --diff before.tape after.tape
	grep -q '<article id="r1" data-shift="86400.000">' page.html
	grep -q '<body data-from="1790000000.000" data-to="1790000029.000"' page.html
	[ "$(grep -o 'class="part [^"]*" href="#t=1790000000.0,' page.html | wc -l)" -eq 2 ]
	page before.tape after.tape
	run grep -c '<article[^>]*data-shift' page.html
	[ "$output" = 0 ]
	page --diff before.tape before.tape
	run grep -c '<article[^>]*data-shift' page.html
	[ "$output" = 0 ]
}

@test "two windows of a recording, and before and after a time" {
	page --diff before.tape@..+14s @+15s..
	[ "$(grep -c '<article' page.html)" -eq 2 ]
	changes | grep -q '^B *before.tape@+15s.., 2026-09-21 14:13:36.0 UTC, 13 s, 14 samples'
	page --at +15s before.tape
	changes | grep -q '^A *before.tape, before +15s, 2026-09-21 14:13:21.0 UTC, 14 s, 15 samples'
	page before.tape@+5s..+10s
	grep -q '<dd>6, every 1 s' page.html
}

@test "a baseline is compared, and has no pictures" {
	"$PQ" diff --save good before.tape 2>/dev/null
	page --diff good after.tape
	[ "$(grep -c '<article' page.html)" -eq 1 ]
	changes | grep -q '^A *before.tape (baseline), '
	page --diff before.tape after.tape
	changes >both
	page --diff good after.tape
	diff <(grep '^[✖✓◆].*→' both | cut -d'|' -f2-) <(changes | grep '^[✖✓◆].*→' | cut -d'|' -f2-)
	fails 2 'two baselines have no pictures' "$PQ" report --diff good good -o x.html
	fails 2 'good: a baseline has no pictures' "$PQ" report good -o x.html
	chmod 600 good && chmod 644 after.tape
	page --diff good after.tape
	[ "$(stat -c %a page.html)" = 600 ]
}

@test "too few samples to tell: it says so" {
	page --diff before.tape@..+5s before.tape@+10s..+15s
	changes | grep -q '^Too short to tell whether anything is worse or better$'
	changes | grep -q 'with too few samples to tell'
}

@test "one recording, or three, are refused" {
	fails 2 'want two recordings, A and B, or --at TIME' "$PQ" report --diff before.tape -o x.html
	fails 2 "unexpected argument 'c.tape': want two recordings" "$PQ" report --diff before.tape after.tape c.tape -o x.html
	fails 2 "unexpected argument 'after.tape': --at takes one recording" "$PQ" report --at +5s before.tape after.tape -o x.html
	fails 2 "'' names no recording" "$PQ" report --diff before.tape '' -o x.html
	fails 2 "'' names no recording" "$PQ" report '' -o x.html
	fails 2 'cannot open none' "$PQ" report --diff none after.tape -o x.html
	fails 3 'no figures of cgroup /none' "$PQ" report --diff -g /none before.tape after.tape -o x.html
	[ ! -e x.html ]
}
