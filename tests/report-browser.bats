#!/usr/bin/env bats
# pq report in a browser: headless Chromium, where there is one. PQ_BROWSER=1 installs it; PQ_SHOTS=DIR keeps the pictures for a review.
load helper
load browser

setup() {
	samples throttle /
	here
	spike
}

teardown() {
	end_browser
	for it in "${started[@]}"; do kill -9 "$it" 2>/dev/null || :; done
}

# Thirty seconds, in the last twenty of which /shop is throttled; the name of another cgroup is hostile.
spike() {
	local n late bad=$'/<script>window.evil=1<\\script>"\'><b onmouseover=evil=1>'
	for n in $(seq 0 30); do
		late=$((n > 10 ? n - 10 : 0))
		at "$n"
		echo "$(((n + 1) * 1000000000)) $((1790000000 + n))000000000" >"$now/clock"
		cpu_group "" "max 100000" 0 0 0 0
		cpu_group /shop "50000 100000" $((n * 400000)) $((n * 10)) $((late * 10)) $((late * 1500000))
		cpu_group "$bad" "100000 100000" $((n * 10000)) $((n * 10)) 0 0
		printf '0.50 0.60 0.70 %d/100 4321\n' $((n % 4 + 1)) >"$now/proc/loadavg"
		printf 'cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 %d 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 %d 0 0 0 0 0 0\nprocs_running 2\nprocs_blocked 1\n' \
			$((n * 100)) $((n * 100)) $((n * 100)) $((n * 100)) >"$now/proc/stat"
	done
	"$PQ" tape pack "$dir" -o spike.tape
	"$PQ" report -u spike.tape -o page.html
}

shot() { # NAME
	[ -z "${PQ_SHOTS:-}" ] || screenshot "$PQ_SHOTS/$1.png"
}

# place ID: the middle of that picture in the window, "X Y LEFT WIDTH".
place() {
	script "var f = document.querySelector('#s0-$1 .field'); f.scrollIntoView({block: 'center'}); var b = f.getBoundingClientRect();
		return [Math.round(b.left + b.width / 2), Math.round(b.top + b.height / 2), Math.round(b.left), Math.round(b.width)].join(' ')" | tr -d '"'
}

@test "the page draws, logs nothing, asks nobody, and runs no name" {
	need_browser
	requests >before # those of the empty page
	browse "file://$PWD/page.html"
	[ "$(script 'return document.querySelectorAll("svg.plot path").length > 10')" = true ]
	[ "$(script 'return document.querySelector("h2").textContent')" = '"CPU throttled by quota: /shop high confidence"' ]
	[ "$(script 'return window.evil === undefined && document.querySelectorAll("script").length === 1')" = true ]
	# even a script that were in the page is not run
	script 'var e = document.createElement("div"); e.innerHTML = "<b onclick=\"window.evil=2\">x</b>"; document.body.appendChild(e);
		e.firstChild.click(); e.remove()'
	[ "$(script 'return window.evil === undefined')" = true ]
	run bash -c 'grep -v "violates the following Content Security Policy" <<<"$1" || :' grep "$(browser_log)"
	[ -z "$output" ]
	run requests
	[ "$(sort -u <<<"$output")" = "file://$PWD/page.html" ]
	shot wide-light
}

@test "the page is laid out a few times, not once for each label" {
	need_browser
	driver_do chromium/send_command_and_get_result '{"cmd": "Performance.enable", "params": {}}' >/dev/null
	browse "file://$PWD/page.html"
	driver_do chromium/send_command_and_get_result '{"cmd": "Performance.getMetrics", "params": {}}' >metrics.json
	layouts=$(jq '.value.metrics[] | select(.name == "LayoutCount") | .value' metrics.json)
	[ "$layouts" -ge 1 ]
	[ "$layouts" -le 20 ]
}

@test "what is under the mouse is told" {
	need_browser
	browse "file://$PWD/page.html"
	read -r x y _ <<<"$(place throttle)"
	pointer "$x" "$y"
	await test "$(script 'return document.querySelector(".tip").hidden')" = false
	run script 'return document.querySelector(".tip").textContent'
	[[ $output == *"used: 0.4"* ]]
	[[ $output == *"held back: 1.5"* ]]
	shot hover
}

@test "a drag zooms all pictures, and the button shows all again" {
	need_browser
	browse "file://$PWD/page.html"
	read -r x y left width <<<"$(place throttle)"
	pointer $((left + width / 3)) "$y" down $((left + width / 2)),"$y" $((left + width * 2 / 3)),"$y" up
	[ "$(script 'return Array.from(document.querySelectorAll("svg.plot")).every(function (s) {
		var v = s.viewBox.baseVal; return Math.abs(v.x - 10) < 0.5 && Math.abs(v.width - 10) < 0.5; })')" = true ]
	run script 'return location.hash'
	[[ $output =~ ^\"#t=1790000010\.[0-9],1790000020\.[0-9]\"$|^\"#t=1790000009\.[0-9],1790000020\.[0-9]\"$|^\"#t=1790000009\.[0-9],1790000019\.[0-9]\"$|^\"#t=1790000010\.[0-9],1790000019\.[0-9]\"$ ]]
	shot zoomed
	script 'document.querySelector("button[data-do=all]").click()'
	[ "$(script 'return document.querySelector("svg.plot").viewBox.baseVal.width')" = 30 ]
	[ "$(script 'return location.hash')" = '""' ]
}

@test "a click is a link to that moment, and such a link shows it" {
	need_browser
	browse "file://$PWD/page.html"
	read -r x y _ <<<"$(place throttle)"
	pointer "$x" "$y" down up
	run script 'return location.hash'
	[[ $output =~ ^\"#t=17900000(14|15)\.[0-9]\"$ ]]
	browse "file://$PWD/page.html?#t=1790000010"
	[ "$(script 'return document.querySelector(".now").textContent')" = '"14:13:30.0"' ]
	[ "$(script 'return document.querySelectorAll(".cursor").length > 3')" = true ]
	browse "file://$PWD/page.html?2#t=14:13:25,14:13:35"
	[ "$(script 'return document.querySelector("svg.plot").viewBox.baseVal.width')" = 10 ]
}

@test "nothing is wider than a telephone" {
	need_browser 390 844
	browse "file://$PWD/page.html"
	[ "$(script 'return document.documentElement.scrollWidth <= 390')" = true ]
	shot narrow-light
}

@test "it is light and dark" {
	need_browser 1400 1000 dark
	browse "file://$PWD/page.html"
	[ "$(script 'return getComputedStyle(document.body).backgroundColor')" = '"rgb(20, 24, 29)"' ]
	shot wide-dark
}

# compared: page.html compares the first ten seconds with the last twenty.
compared() {
	rm page.html
	"$PQ" report -u --diff spike.tape@..+10s @+11s.. -o page.html 2>/dev/null
}

@test "a comparison: its links lead to pictures, which are not below the bar" {
	compared
	need_browser
	browse "file://$PWD/page.html"
	[ "$(script 'return document.querySelector("h2").textContent')" = '"3 figures are worse, 0 are better"' ]
	[ "$(script 'return window.evil === undefined')" = true ]
	[ "$(browser_log)" = "" ]
	shot diff-wide
	script 'document.querySelector(".figures a[href^=\"#s1\"]").click()'
	[ "$(script 'return location.hash')" = '"#s1-throttle"' ]
	[ "$(script 'var bar = document.querySelector(".bar").getBoundingClientRect(), picture = document.querySelector("#s1-throttle").getBoundingClientRect();
		return picture.top >= bar.bottom && picture.top < 300')" = true ]
}

@test "a comparison: each recording has its own clock, and both zoom at once" {
	compared
	need_browser
	browse "file://$PWD/page.html"
	clocks='return ["#r0", "#r1"].map(function (r) { return document.querySelector(r + " .axis span").textContent; }).join(" ")'
	[ "$(script "$clocks")" = '"14:13:20 14:13:32"' ]
	script 'location.hash = "#t=1790000005,1790000010"'
	await test "$(script 'return document.querySelector("svg.plot").viewBox.baseVal.x')" != 0
	[ "$(script "$clocks")" = '"14:13:25.0 14:13:36.0"' ]
	script 'document.querySelector("#s1-throttle .field").scrollIntoView({block: "center"})'
	read -r x y <<<"$(script 'var b = document.querySelector("#s1-throttle .field").getBoundingClientRect(); return Math.round(b.left + 2) + " " + Math.round(b.top + b.height / 2)' | tr -d '"')"
	pointer "$x" "$y"
	run script 'return document.querySelector(".tip b").textContent'
	[[ $output == '"14:13:36.'* ]]
}

@test "a comparison is no wider than a telephone, and on paper" {
	compared
	need_browser 390 844
	browse "file://$PWD/page.html"
	[ "$(script 'return document.documentElement.scrollWidth <= 390')" = true ]
	[ "$(script 'return Array.from(document.querySelectorAll(".wide")).every(function (e) { return e.scrollWidth <= e.clientWidth; })')" = true ]
	shot diff-narrow
}

@test "it prints, with all figures" {
	need_browser
	browse "file://$PWD/page.html"
	driver_do print '{}' | jq -r .value | base64 -d >page.pdf
	[ "$(head -c 5 page.pdf)" = %PDF- ]
	[ "$(stat -c %s page.pdf)" -gt 20000 ]
	script 'window.dispatchEvent(new Event("beforeprint"))'
	[ "$(script 'return Array.from(document.querySelectorAll("details")).every(function (d) { return d.open; })')" = true ]
	script 'window.dispatchEvent(new Event("afterprint"))'
	[ "$(script 'return document.querySelectorAll("details[open]").length')" = 0 ]
	[ -z "${PQ_SHOTS:-}" ] || cp page.pdf "$PQ_SHOTS/"
}

@test "without a script the page has its pictures and figures" {
	need_browser
	driver_do chromium/send_command_and_get_result '{"cmd": "Emulation.setScriptExecutionDisabled", "params": {"value": true}}' >/dev/null
	browse "file://$PWD/page.html"
	driver_do chromium/send_command_and_get_result '{"cmd": "Emulation.setScriptExecutionDisabled", "params": {"value": false}}' >/dev/null
	[ "$(script 'return document.querySelector(".bar").hidden && document.querySelectorAll("svg.plot path").length > 10')" = true ]
	[ "$(script 'return document.querySelectorAll(".axis span").length > 10')" = true ]
	shot no-script
}
