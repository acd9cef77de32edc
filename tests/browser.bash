# shellcheck shell=bash
# A headless Chromium for bats files, driven by chromedriver: need_browser, browse, script, move, screenshot, browser_log.

# need_browser: starts it at this size, or skips the test. Installs it as root where apt-get can, if PQ_BROWSER=1 asks for that.
need_browser() {
	local width=${1:-1400} height=${2:-1000} dark=${3:-light}
	if ! command -v chromedriver >/dev/null && [ "${PQ_BROWSER:-}" = 1 ]; then
		"$TESTS/../scripts/need" chromium=chromium chromedriver=chromium-driver curl=curl >&2
	fi
	for it in chromium chromedriver curl jq; do
		command -v "$it" >/dev/null || skip "no $it (PQ_BROWSER=1 installs it)"
	done
	start chromedriver --port=0 >driver.log 2>&1
	await grep -q 'started successfully on port' driver.log
	driver=http://127.0.0.1:$(sed -n 's/.*successfully on port \([0-9]*\).*/\1/p' driver.log)
	driver_ask POST /session "$(jq -n --arg w "$width" --arg h "$height" --arg profile "$PWD/profile" '{capabilities: {alwaysMatch: {
		browserName: "chrome", "goog:loggingPrefs": {browser: "ALL", performance: "ALL"},
		"goog:chromeOptions": {binary: "/usr/bin/chromium",
			args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
				"--user-data-dir=\($profile)", "--window-size=\($w),\($h)"]}}}}')" >session.json
	session=$(jq -r '.value.sessionId // empty' session.json)
	[ -n "$session" ] || { cat session.json && skip "Chromium does not start here"; }
	# the window of a headless Chromium is never narrower than 500 pixels
	driver_do chromium/send_command_and_get_result "$(jq -n --argjson w "$width" --argjson h "$height" \
		'{cmd: "Emulation.setDeviceMetricsOverride", params: {width: $w, height: $h, deviceScaleFactor: 1, mobile: false}}')" >/dev/null
	driver_do chromium/send_command_and_get_result "$(jq -n --arg dark "$dark" \
		'{cmd: "Emulation.setEmulatedMedia", params: {features: [{name: "prefers-color-scheme", value: $dark}]}}')" >/dev/null
}

driver_ask() { # METHOD PATH [BODY]
	curl -sS --max-time 120 -X "$1" -H 'Content-Type: application/json' ${3+-d "$3"} "$driver$2"
}

driver_do() { # COMMAND BODY
	driver_ask POST "/session/$session/$1" "$2"
}

# browse URL
browse() {
	driver_do url "$(jq -n --arg u "$1" '{url: $u}')" >/dev/null
}

# script JAVASCRIPT: prints what it returns, as JSON.
script() {
	driver_do execute/sync "$(jq -n --arg s "$1" '{script: $s, args: []}')" | jq -c '.value'
}

# pointer X Y ACTION…: moves the mouse to that place of the window; then down, up, or to X,Y.
pointer() {
	local actions='[]' it
	actions=$(jq -c -n --argjson x "$1" --argjson y "$2" '[{type: "pointerMove", duration: 0, x: $x, y: $y}]')
	shift 2
	for it; do
		case $it in
		down) actions=$(jq -c '. + [{type: "pointerDown", button: 0}]' <<<"$actions") ;;
		up) actions=$(jq -c '. + [{type: "pointerUp", button: 0}]' <<<"$actions") ;;
		*) actions=$(jq -c --argjson x "${it%,*}" --argjson y "${it#*,}" '. + [{type: "pointerMove", duration: 50, x: $x, y: $y}]' <<<"$actions") ;;
		esac
	done
	driver_do actions "$(jq -n --argjson a "$actions" '{actions: [{type: "pointer", id: "mouse", parameters: {pointerType: "mouse"}, actions: $a}]}')" >/dev/null
}

# screenshot FILE: the whole page.
screenshot() {
	local size
	size=$(script 'return [document.documentElement.clientWidth, document.documentElement.scrollHeight]')
	driver_do chromium/send_command_and_get_result "$(jq -n --argjson s "$size" '{cmd: "Page.captureScreenshot", params: {
		captureBeyondViewport: true, clip: {x: 0, y: 0, width: $s[0], height: $s[1], scale: 1}}}')" |
		jq -r .value.data | base64 -d >"$1"
}

# browser_log: what the page logged, its errors too, a line each.
browser_log() {
	driver_do se/log '{"type": "browser"}' | jq -r '.value[] | "\(.level) \(.message)"'
}

# requests: the addresses that the page asked for, a line each.
requests() {
	driver_do se/log '{"type": "performance"}' | jq -r '.value[].message | fromjson | .message | select(.method == "Network.requestWillBeSent") | .params.request.url'
}

end_browser() {
	[ -z "${session:-}" ] || driver_ask DELETE "/session/$session" >/dev/null 2>&1 || :
}
