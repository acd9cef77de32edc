#!/usr/bin/env bats
# pq report: what is in the page. How a browser shows it: report-browser.bats. What a bucket keeps: unit/report_series.c.
load helper

setup() {
	samples throttle /
	here
}

# every_sample N: 20 CPU seconds of a machine with two CPUs, of which one is busy.
every_sample() {
	printf '0.50 0.60 0.70 %d/100 4321\n' $(($1 % 4 + 1)) >"$now/proc/loadavg"
	printf 'cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 %d 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 %d 0 0 0 0 0 0\nprocs_running 2\nprocs_blocked 1\n' \
		$(($1 * 100)) $(($1 * 100)) $(($1 * 100)) $(($1 * 100)) >"$now/proc/stat"
	printf 'version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 %d000000000 %d500000000 %d00\ncpu1 0 0 0 0 0 0 0 0 0\n' "$1" "$1" "$1" >"$now/proc/schedstat"
	printf 'MemTotal: 1000000 kB\nMemFree: 500000 kB\nMemAvailable: 600000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n' >"$now/proc/meminfo"
}

# spike N…: samples at these seconds, in which /shop is throttled from the third second on.
spike() {
	local n late
	for n; do
		late=$((n > 2 ? n - 2 : 0))
		at "$n"
		echo "$(((n + 1) * 1000000000)) $((1790000000 + n))000000000" >"$now/clock"
		cpu_group "" "max 100000" 0 0 0 0
		cpu_group "${shop-/shop}" "50000 100000" $((n * 400000)) $((n * 10)) $((late * 10)) $((late * 1500000))
		cpu_group /calm "100000 100000" $((n * 10000)) $((n * 10)) 0 0
	done
}

# tables: the figures of the page as text: a line per row, its cells separated by " | ".
tables() {
	tr -d '\n' <page.html | sed -e 's/<figure/\n<figure/g; s/<tr>/\n<tr>/g; s/<\/table>/\n/g' |
		sed -n -e 's/^<figure class="strip [^>]*id="\([^"]*\)".*/# \1/p' \
			-e '/^<tr>/{s/<\/t[dh]>/ | /g; s/<[^>]*>//g; s/ | $//; p}'
}

# section ID: that picture with all that belongs to it.
section() {
	sed -n "/<figure class=\"strip[^>]*id=\"s0-$1\"/,/<\/figure>/p" page.html
}

@test "the page is whole, and nothing in it refers to anything outside" {
	spike 0 1 2 3 4 5
	page "$dir"
	[ "$(head -c 15 page.html)" = '<!DOCTYPE html>' ]
	[ "$(tail -n 1 page.html)" = '</html>' ]
	run grep -ciE 'src=|https?:|url\(|@import|<(img|link|iframe|object|embed|base|form)[ >]' page.html
	[ "$output" = 0 ]
	grep -q "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';" page.html
	for tag in html head body article figure table details nav; do
		[ "$(grep -oE "<$tag( |>)" page.html | wc -l)" -eq "$(grep -o "</$tag>" page.html | wc -l)" ] || { echo "$tag" && return 1; }
	done
}

@test "the cause is the headline, and its picture is the first" {
	spike 0 1 2 3 4 5
	page "$dir"
	grep -q '<h2>CPU throttled by quota: /shop ' page.html
	grep -q '<section class="verdict v-critical">' page.html
	[ "$(grep -o '<figure class="strip [^>]*id="[^"]*"' page.html | head -n 1)" = '<figure class="strip throttle cause" id="s0-throttle"' ]
	[ "$(grep -c 'shows the cause' page.html)" -ge 1 ]
}

@test "the tables have the figures" {
	spike 0 1 2 3 4 5
	page "$dir"
	golden report/tables tables
}

@test "each picture has a title, a unit, an axis, a legend and a table" {
	spike 0 1 2 3 4 5
	page "$dir"
	grep -o 'id="s0-[a-z-]*"' page.html | cut -d'"' -f2 >ids
	while read -r id; do
		section "${id#s0-}" >one
		for what in '<h3>' '<p>' '<svg class="plot' 'class="field axis"' 'class="legend"' '<details><summary>Figures' '<table>'; do
			grep -q -- "$what" one || { echo "$id has no $what" && return 1; }
		done
	done <ids
	[ "$(grep -c 'id="s0-' page.html)" -ge 5 ]
}

@test "a gap is a hole in each picture, and the head counts it" {
	spike 0 1 2 3 50 51 52
	page "$dir"
	grep -q '<dt>gaps</dt><dd>1 gap, 47 ' page.html
	section throttle >one
	# four seconds and two are known of 52
	grep -q '<tr><td><bdi>/shop</bdi></td><td>used</td><td>0.4 CPUs</td><td>0.4 CPUs</td><td></td><td>5 s</td></tr>' one
	grep -oE 'data-m="[^"]*"' one | head -n 1 | grep -qF '..(4'
	# two areas: one on each side
	[ "$(grep -o 'class="area f1" d="[^"]*"' one | head -n 1 | grep -o z | wc -l)" -eq 2 ]
}

@test "the run queue is a distribution" {
	spike 0 1 2 3 4 5 6 7
	page "$dir"
	section runq >one
	[ "$(grep -o '<span class="row" data-m' one | wc -l)" -ge 4 ]
	grep -q '<td>2</td><td>' one || { cat one && return 1; }
}

@test "names from other people are text, whatever is in them" {
	shop=$'/<script>window.evil=1<\\script>"\'&<b onclick=evil()>\x1b[31m\xff\u202e'
	spike 0 1 2 3 4 5
	page "$dir"
	[ "$(grep -c '<script' page.html)" -eq 1 ]
	run grep -cE '<b onclick|<script>window.evil|'$'\x1b''|'$'\xff' page.html
	[ "$output" = 0 ]
	grep -qF '&lt;script&gt;window.evil=1&lt;\script&gt;&quot;&#39;&amp;&lt;b onclick=evil()&gt;\033[31m\377' page.html
}

@test "a name of 4 KB is cut, and says so" {
	long=$(printf 'x%.0s' {1..240})
	shop=/$long/$long/$long/$long
	spike 0 1 2 3 4 5
	page "$dir"
	grep -q '… ([0-9]* bytes)</bdi>' page.html
	[ "$(stat -c %s page.html)" -lt 200000 ]
}

@test "a recording is also judged in parts, and links lead to them" {
	spike $(seq 0 35)
	"$PQ" tape pack "$dir" -o x.tape
	page x.tape
	[ "$(grep -o '<a class="part ' page.html | wc -l)" -eq 4 ]
	grep -q 'What pq why says of each 10 s' page.html
	grep -qE '<a class="part v-critical" href="#t=[0-9.]+,[0-9.]+"' page.html
}

@test "a part shows all that was found, not only the first" {
	spike $(seq 0 35)
	for at in $(seq 0 35); do
		put_at "t$at" proc/pressure/io "some avg10=0.00 avg60=0.00 avg300=0.00 total=$((at * 800000))"
	done
	"$PQ" tape pack "$dir" -o x.tape
	page x.tape
	[ "$(grep -oE '<span>CPU throttled by quota: /shop; also: [^<]*; also: Tasks wait for disks [^<]*</span>' page.html | wc -l)" -eq 4 ]
}

@test "a part without samples is said to have none" {
	spike 0 1 2 3 25 26 27 28 29
	"$PQ" tape pack "$dir" -o x.tape
	page x.tape
	tables | grep -q '| unknown | no samples$'
}

@test "--from and --to select a part, and a time without samples is an error" {
	spike $(seq 0 9)
	"$PQ" tape pack "$dir" -o x.tape
	page x.tape --from +2s --to +5s
	grep -q '<dd>4, every 1 s' page.html
	rm page.html
	fails 1 '^pq report: x.tape: no samples in the selected time$' "$PQ" report x.tape --from +2h -o page.html
	[ ! -e page.html ] && [ ! -e page.html.part ]
}

@test "one sample is not enough for pictures, and the page says so" {
	spike 0
	page "$dir"
	grep -q 'Only one sample: nothing can be compared.' page.html
}

@test "several recordings are one below the other, on one axis" {
	spike 0 1 2 3
	"$PQ" tape pack "$dir" -o a.tape
	rm -r "$dir"
	spike 6 7 8 9
	"$PQ" tape pack "$dir" -o b.tape
	page a.tape b.tape
	[ "$(grep -c '<article' page.html)" -eq 2 ]
	grep -q 'id="s0-throttle"' page.html
	grep -q 'id="s1-throttle"' page.html
	[ "$(grep -oE 'data-(from|to)="[0-9.]*"' page.html | tr -dc '0-9.\n' | awk '{ v[NR] = $1 } END { print v[2] - v[1] }')" = 9 ]
}

@test "-g is about one cgroup" {
	spike 0 1 2 3 4 5
	page "$dir" -g /calm
	tables | grep -q '^/calm | used'
	run grep -c '/shop' page.html
	[ "$output" = 0 ]
}

@test "damage is told in the head" {
	spike $(seq 0 79)
	"$PQ" tape pack "$dir" -o x.tape
	size=$(stat -c %s x.tape)
	dd if=/dev/zero of=x.tape bs=1 seek=$((size / 2)) count=600 conv=notrunc status=none
	page x.tape
	grep -qE '<dt>gaps</dt><dd>.*damaged: ' page.html
	head -c $((size - 1)) x.tape >cut.tape
	dd if=/dev/zero of=cut.tape bs=1 seek=300 count=$((size - 301)) conv=notrunc status=none
	fails 1 'cut.tape: no samples can be read: .*damaged' "$PQ" report cut.tape -o cut.html
}

@test "wrong arguments are refused, and no file is left" {
	spike 0 1 2
	fails 2 'missing argument: want a recording' "$PQ" report -o page.html
	fails 2 'missing option: want -o FILE' "$PQ" report "$dir"
	fails 2 "invalid -o '': want a file name" "$PQ" report "$dir" -o ''
	fails 2 'not a regular file' "$PQ" report - -o page.html
	fails 2 'cannot open none.tape' "$PQ" report none.tape -o page.html
	[ ! -e page.html ] && [ ! -e page.html.part ]
}

@test "a file that exists is not overwritten, and a full disk is an error" {
	spike 0 1 2
	echo mine >page.html
	fails 2 'page.html: file exists \(choose a new name\)' "$PQ" report "$dir" -o page.html
	[ "$(cat page.html)" = mine ]
	fails 1 'cannot write none/page.html: No such file or directory' "$PQ" report "$dir" -o none/page.html
	echo mine >new.html.part
	"$PQ" report "$dir" -o new.html
	[ -s new.html ] && [ "$(cat new.html.part)" = mine ]
	[ -e /dev/full ] || skip "no /dev/full"
	! "$PQ" report "$dir" -o - >/dev/full 2>err || return 1
	grep -q 'No space left' err
}

@test "the page can be read by those who can read its recordings" {
	spike 0 1 2
	"$PQ" tape pack "$dir" -o x.tape
	cp x.tape y.tape
	umask 022
	for modes in '600 600 600' '644 600 600' '644 644 644' '640 644 640'; do
		read -r x y want <<<"$modes"
		chmod "$x" x.tape
		chmod "$y" y.tape
		rm -f page.html
		"$PQ" report x.tape y.tape -o page.html
		[ "$(stat -c %a page.html)" = "$want" ]
	done
}

@test "-o - writes the same page to stdout" {
	spike 0 1 2
	page "$dir"
	"$PQ" report -u "$dir" -o - | cmp - page.html
}

@test "record --report writes a report beside each saved recording, and the trigger is marked" {
	machine root
	start "$PQ" record --root root -o ring.tape --save . --report --when 'runq.plist_sz > 50' --after 300ms 50ms runq 2>log
	await grep -q 'reported: ./pq-.*\.html: written in ' log || await grep -q '\.html: written in ' log
	kill "$last"
	wait "$last"
	html=$(find . -name 'pq-*.html')
	[ -s "$html" ]
	[ -s "${html%.html}.tape" ]
	[ "$(stat -c %a "$html")" = 600 ] # as the recording
	grep -q 'trigger: runq.plist_sz is 100: runq.plist_sz &gt; 50' "$html"
	[ -z "$(find . -name '*.part')" ]
}

@test "a trigger is in the window that ends with it" {
	machine root
	"$PQ" record --root root -o ring.tape --save . --when 'runq.plist_sz > 50' --after 0s 50ms 3 runq 2>log
	"$PQ" report pq-*.tape -o page.html
	grep -q 'trigger: runq.plist_sz is 100: runq.plist_sz &gt; 50' page.html
}

@test "each captured machine makes a page" {
	for name in "$TESTS"/captures/*-v2-throttled.tgz "$TESTS"/captures/*-memory-near-limit.tgz "$TESTS"/captures/*-64cpu.tgz; do
		name=${name##*/}
		page "$(capture "${name%.tgz}")"
		[ "$(tail -n 1 page.html)" = '</html>' ]
	done
}

@test "a wall clock that was set is told in the head" {
	spike $(seq 0 9)
	for n in 6 7 8 9; do echo "$(((n + 1) * 1000000000)) $((1790000000 + n - 3))000000000" >"$dir/t$n/clock"; done
	page "$dir"
	grep -q '<dt>clock</dt><dd>set back by 3 s at 14:13:23.0; the axis has its times</dd>' page.html
	for n in 2 3 4 5; do echo "$(((n + 1) * 1000000000)) $((1790000000 + n + 7200))000000000" >"$dir/t$n/clock"; done
	page "$dir"
	grep -q '<dt>clock</dt><dd>set back by 2.0 hours at 14:13:23, the largest of 2 steps; the axis has its times</dd>' page.html
	for n in $(seq 0 9); do echo "$(((n + 1) * 1000000000)) $((1790000000 * 10 + n * 12))00000000" >"$dir/t$n/clock"; done
	page "$dir"
	grep -q '<dt>clock</dt><dd>1.8 s fast; the axis has its times</dd>' page.html
}

@test "a wall clock that runs as the other one is not told" {
	spike 0 1 2 50 51 52
	page "$dir"
	run grep -c '<dt>clock' page.html
	[ "$output" = 0 ]
}

@test "a reader that has gone is no error" {
	spike 0 1 2
	exec {gone}> >(:)
	wait $!
	"$PQ" report "$dir" -o - 1>&"$gone" 2>err
	[ ! -s err ]
}

@test "pq-record, which has to write reports, is pq report if its first word is" {
	spike 0 1 2
	"$PQ" tape pack "$dir" -o x.tape
	ln -s "$PQ" pq-record
	./pq-record report -u x.tape -o page.html
	"$PQ" report -u x.tape -o - | cmp - page.html
}
