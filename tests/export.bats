#!/usr/bin/env bats
# pq export: the file that it writes and its errors; the Prometheus rules and the dashboard; and the values that Prometheus gets
# through node_exporter.
# shellcheck disable=SC2016,SC2030,SC2031 # $ of eval and of Grafana; each test is a process, and has its own exporter
load helper

setup() {
	here
	mkdir text
	PATH=$PATH:$TESTS/../build/prometheus/usr/bin
}

need() {
	command -v "$1" >/dev/null || skip "no $1: scripts/need-prometheus fetches it"
}

# exporter ARGUMENTS…: an exporter in the background, every 0.2 s into text/.
exporter() {
	start env --default-signal=INT,TERM "$PQ" export --textfile text 0.2 "$@" >out 2>log
	exporter=$last
}

there() { [ -s text/pq.prom ]; }
absent() { [ ! -e "$1" ]; }

# stop SIGNAL [STATUS]
stop() {
	local status=0
	kill -"$1" "$exporter"
	wait "$exporter" || status=$?
	[ "$status" -eq "${2:-0}" ] || { echo "status $status" >&2; cat log >&2; return 1; }
	[ ! -s out ]
}

# web_machine: under root/, a v2 machine where /web has a quota of 0.2 CPUs.
web_machine() {
	machine root
	echo 'MemTotal: 1048576 kB' >root/proc/meminfo
	process self /
	: >root/sys/fs/cgroup/cgroup.procs
	cpu_group /web "20000 100000" 7250000 40 30 1500000
}

@test "the file has every cgroup with a limit, is well formed, and is removed at the end" {
	web_machine
	exporter --root root runq cpu throttle mem
	await there
	cp text/pq.prom .
	[ "$(stat -c %a text/pq.prom)" = 644 ]
	[ "$(find text -name '*.prom')" = text/pq.prom ]
	grep -qx 'pq_throttle_throttled_seconds_total{cgroup="/web"} 1.5' pq.prom
	grep -qx 'pq_throttle_limit_cpus{cgroup="/web"} 0.2' pq.prom
	grep -qx 'pq_runq_plist_sz 100' pq.prom
	grep -qx 'pq_build_info{version="[0-9.]*"} 1' pq.prom
	grep -qx 'pq_export_tool_up{tool="throttle"} 1' pq.prom
	grep -qx 'pq_export_interval_seconds 0.2' pq.prom
	grep -qx 'pq_export_errors_total 0' pq.prom
	grep -qE '^pq_export_cpu_seconds_total 0\.[0-9]+$' pq.prom
	local age
	age=$(($(date +%s) - $(sed -nE 's/^pq_export_last_success_timestamp_seconds ([0-9]+).*/\1/p' pq.prom)))
	((age >= 0 && age < 60))
	[ "$(tail -n 1 pq.prom)" = "# EOF" ]
	! command -v promtool || promtool check metrics <pq.prom
	stop TERM
	[ -z "$(ls -A text)" ]
}

@test "SIGINT removes the file; after kill -9 it stays, and the next exporter replaces it" {
	exporter cpu
	await there
	stop INT
	absent text/pq.prom
	exporter cpu
	await there
	kill -9 "$exporter"
	wait "$exporter" || true
	there
	exporter runq
	await grep -q pq_runq text/pq.prom
	stop TERM
	absent text/pq.prom
}

@test "the file is readable whatever the umask, and never half written" {
	umask 077
	exporter cpu throttle
	await there
	local n
	for ((n = 0; n < 200; n++)); do
		[ "$(tail -n 1 text/pq.prom)" = "# EOF" ]
	done
	[ "$(stat -c %a text/pq.prom)" = 644 ]
	stop TERM
}

@test "wrong arguments" {
	fails 2 '--textfile DIR is required' "$PQ" export cpu
	fails 2 '--textfile nowhere: .*No such file' "$PQ" export --textfile nowhere
	: >file
	fails 2 '--textfile file: .*Not a directory' "$PQ" export --textfile file
	fails 2 'unexpected count' "$PQ" export --textfile text 1 5 cpu
	fails 2 "unknown tool 'sar': usage is pq export" "$PQ" export --textfile text sar
	fails 2 'cpu: named twice' "$PQ" export --textfile text cpu cpu
	fails 2 'cpu: none of these tools supports -a' "$PQ" export --textfile text -a cpu
	fails 2 "unknown option '--json'" "$PQ" export --textfile text --json
	fails 2 'no such cgroup .*: /nope' "$PQ" export --textfile text -g /nope throttle
	[ -z "$(ls -A text)" ]
}

@test "a directory without write permission is refused" {
	need_nobody
	mkdir -m 755 closed
	fails 2 '--textfile .*closed: cannot write there: Permission denied' as_nobody export --textfile "$PWD/closed" cpu
}

@test "a second exporter in one directory is refused" {
	exporter cpu
	await there
	fails 1 'another pq export is writing there' "$PQ" export --textfile text runq
	there
	stop TERM
}

@test "on a full disk the old file stays whole, one line says so, and export resumes when there is space" {
	small_disk size=64k
	rmdir text && ln -s disk text
	exporter cpu runq
	await there
	dd if=/dev/zero of=disk/ballast bs=1k count=200 status=none 2>/dev/null || true
	await grep -q 'cannot write text/pq.prom: No space left on device; retrying every 0.2 s' log
	[ "$(tail -n 1 text/pq.prom)" = "# EOF" ]
	sleep 0.5
	[ "$(grep -c 'cannot write' log)" -eq 1 ]
	rm disk/ballast
	await grep -q 'text/pq.prom: writing works again' log
	await grep -qE '^pq_export_errors_total [1-9]' text/pq.prom
	stop TERM
}

@test "export resumes when its directory returns; ended without the directory, its status is 1" {
	exporter cpu
	await there
	rm -r text
	await grep -q 'cannot write text/pq.prom: No such file or directory' log
	mkdir text
	await there
	rm -r text
	await eval '[ "$(grep -c "cannot write" log)" -eq 2 ]'
	stop TERM 1
}

@test "a symbolic link in place of the file is replaced, not followed" {
	echo precious >other
	ln -s ../other text/pq.prom
	ln -s ../other text/.pq.prom.new
	exporter cpu
	await eval '[ ! -L text/pq.prom ]'
	stop TERM
	[ "$(cat other)" = precious ]
}

@test "a tool that cannot read anything is marked down and the others go on; if none can, status 3" {
	web_machine
	rm root/proc/stat
	exporter --root root cpu throttle
	await there
	grep -qx 'pq_export_tool_up{tool="cpu"} 0' text/pq.prom
	grep -qx 'pq_export_tool_up{tool="throttle"} 1' text/pq.prom
	run ! grep '^pq_cpu_' text/pq.prom
	grep -q 'cpu: cannot read /proc/stat' log
	printf 'cpu  10 0 0 90 0 0 0 0 0 0\ncpu0 10 0 0 90 0 0 0 0 0 0\nprocs_blocked 0\n' >root/proc/stat
	await grep -qx 'pq_export_tool_up{tool="cpu"} 1' text/pq.prom
	stop TERM
	rm root/proc/stat
	fails 3 'cannot read /proc/stat' "$PQ" export --textfile text --root root 0.2 cpu
	[ -z "$(ls -A text)" ]
}

@test "-p: export ends with the process and removes the file" {
	start sleep 100
	local target=$last
	exporter -p "$target" cpu
	await there
	kill "$target"
	wait "$target" || true
	await eval '! kill -0 $exporter'
	absent text/pq.prom
}

# idle NN: from now on CPU 0 of root/ was idle for so many ticks; no reader sees half of it.
idle() {
	local file=root/proc/stat
	printf %s "$1" | dd of=$file bs=1 seek="$(grep -ob 'cpu0 10 0 0 ' $file | awk -F: '{ print $1 + 12 }')" conv=notrunc status=none
}

@test "exported counters never decrease, even if the kernel's do" {
	web_machine
	exporter --root root cpu
	await grep -qx 'pq_cpu_idle_seconds_total{cpu="0"} 0.9' text/pq.prom
	idle 80
	sleep 1
	idle 85
	await grep -qx 'pq_cpu_idle_seconds_total{cpu="0"} 0.95' text/pq.prom
	stop TERM
}

@test "promtool accepts the rules and their tests pass" {
	need promtool
	promtool check rules "$TESTS/../scripts/examples/prometheus/rules.yaml"
	promtool test rules "$TESTS/../scripts/examples/prometheus/rules_test.yaml"
}

# expressions: the dashboard's, as Prometheus would get them.
expressions() {
	jq -r '.panels[].targets[]?.expr' "$TESTS/../scripts/examples/prometheus/dashboard.json" | sed 's/\$__rate_interval/5m/g'
}

@test "promtool accepts the expressions of the dashboard, and no panels overlap" {
	need promtool
	{
		printf 'groups:\n- name: dashboard\n  rules:\n'
		expressions | jq -R -r '"  - {record: \"panel:\(input_line_number)\", expr: \(tojson)}"'
	} >dashboard.yaml
	promtool check rules dashboard.yaml
	[ "$(jq '[.panels[] | select(.type != "row") | .gridPos | [.x, .y]] | length == (unique | length)' \
		"$TESTS/../scripts/examples/prometheus/dashboard.json")" = true ]
}

@test "pq has every metric that the rules and the dashboard use" {
	local tool
	exporter cpu
	await there
	{
		cat text/pq.prom
		for tool in runq cpu; do
			"$PQ" $tool --metrics -f "$(capture 6.1-v2-idle)"
		done
		"$PQ" throttle -a --metrics -f "$(capture 5.10-v2-throttled)"
		"$PQ" mem -a --metrics -f "$(capture 5.10-v2-memory-near-limit)"
	} | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort -u >known
	cat "$TESTS"/../scripts/examples/prometheus/*.yaml "$TESTS/../scripts/examples/prometheus/dashboard.json" | grep -oE '(^|[^a-z:_])pq_[a-z_0-9]+' |
		grep -oE 'pq_.*' | sort -u >named
	stop TERM
	[ "$(wc -l <named)" -gt 15 ]
	[ -z "$(comm -23 named known)" ] || { comm -23 named known >&2; return 1; }
}

# ---- Prometheus and node_exporter

# free_port: one that nobody listens on.
free_port() {
	local port
	while :; do
		port=$((RANDOM % 20000 + 20000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
}

# get PORT PATH: by HTTP, the body.
get() {
	exec 9<>"/dev/tcp/127.0.0.1/$1" || return 1
	printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&9
	sed '1,/^\r$/d' <&9
	exec 9>&-
}

# query EXPR: the values that Prometheus has for it now, a line each.
query() {
	get "$prometheus" "/api/v1/query?query=$(jq -rn --arg q "$1" '$q | @uri')" | jq -r '.data.result[].value[1]'
}

answers() { [ -n "$(query "$1")" ]; }

# daemons: node_exporter on the directory text, and Prometheus that asks it every second, with our rules.
daemons() {
	local node
	node=$(free_port)
	start prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$PWD/text" \
		--web.listen-address="127.0.0.1:$node" >node.log 2>&1
	cp "$TESTS/../scripts/examples/prometheus/rules.yaml" .
	cat >prometheus.yaml <<-END
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: [rules.yaml]
		scrape_configs:
		  - job_name: node
		    static_configs: [{targets: ["127.0.0.1:$node"]}]
	END
	prometheus=$(free_port)
	start prometheus --config.file=prometheus.yaml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$prometheus" \
		>prometheus.log 2>&1
}

@test "Prometheus gets the values from pq export through node_exporter" {
	need prometheus
	need prometheus-node-exporter
	web_machine
	exporter --root root throttle cpu
	await there
	daemons
	await answers 'pq_throttle_throttled_seconds_total{cgroup="/web"}'
	[ "$(query 'pq_throttle_throttled_seconds_total{cgroup="/web"}')" = 1.5 ]
	[ "$(query 'pq_throttle_limit_cpus{cgroup="/web"}')" = 0.2 ]
	[ "$(query 'node_textfile_scrape_error')" = 0 ]
	await answers 'instance:pq_cpus:count'
	[ "$(query 'instance:pq_cpus:count')" = 1 ]
	# What the kernel counts from now on arrives too.
	printf 'usage_usec 9250000\nnr_periods 60\nnr_throttled 50\nthrottled_usec 4500000\n' >root/sys/fs/cgroup/web/cpu.stat
	await answers 'pq_throttle_throttled_seconds_total{cgroup="/web"} == 4.5'
	await answers 'pq:throttled:ratio_rate5m{cgroup="/web"} == 1'
	# Behind the end nothing of it is left: Prometheus sees it vanish.
	stop TERM
	await eval '! answers pq_build_info'
	[ "$(query 'up')" = 1 ]
}
