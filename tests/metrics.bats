#!/usr/bin/env bats
# --metrics of every tool: promtool accepts them, and the values are right.
load helper

setup() {
	promtool=$(command -v promtool || echo "$TESTS/../build/prometheus/usr/bin/promtool")
}

# checked COMMAND…: what it writes to stdout is what promtool finds well, and ends as it should; it is in $output.
checked() {
	run --separate-stderr "$@"
	[ "$status" -eq 0 ] || { echo "status $status: $stderr" >&2; return 1; }
	[ "$(tail -n 1 <<<"$output")" = "# EOF" ]
	[ -z "$(grep -v '^#' <<<"$output" | sed 's/ [^ ]*$//' | sort | uniq -d)" ] # no labels twice
	if [ -x "$promtool" ]; then
		"$promtool" check metrics <<<"$output"
	fi
}

need_promtool() {
	[ -x "$promtool" ] || skip "no promtool: scripts/need-prometheus fetches it"
}

# value_of NAME{LABELS}
value_of() {
	name="$1 " awk 'index($0, ENVIRON["name"]) == 1 { print $NF }' <<<"$output"
}

tools() {
	"$PQ" --help | awk '/^  [a-z]/ { print $1 }'
}

@test "live: promtool accepts the metrics of every tool" {
	need_promtool
	local tool
	for tool in $(tools); do
		"$PQ" "$tool" --help | grep -q -- '--metrics' || continue
		checked "$PQ" "$tool" --metrics 0.1
		grep -q "^pq_${tool}_interval_seconds 0\.[0-9]" <<<"$output"
	done
	checked "$PQ" runq -P ALL --metrics 0.1
	checked "$PQ" tasks -t --metrics 0.1
	checked "$PQ" tasks -G --metrics 0.1
	checked "$PQ" runqlat -m --source probe --metrics 0.1
}

@test "promtool accepts the metrics of captured machines" {
	need_promtool
	local name tool
	for name in 5.10-v2-throttled 5.10-v1-memory-near-limit 5.10-v2-after-oom 6.1-hybrid-throttled 6.1-v2-64cpu 6.1-v2-psi0; do
		for tool in runq cpu throttle mem; do
			checked "$PQ" "$tool" --metrics -f "$(capture "$name")"
		done
		for tool in throttle mem; do
			checked "$PQ" "$tool" -a --metrics -f "$(capture "$name")"
		done
	done
}

@test "Prometheus reads the metrics as OpenMetrics" {
	need_promtool
	checked "$PQ" cpu --metrics -f "$(capture 6.1-v2-idle)"
	awk '!/^#/ { $0 = $0 " 1790000000" } { print }' <<<"$output" >"$BATS_TEST_TMPDIR/om"
	"$promtool" tsdb create-blocks-from openmetrics "$BATS_TEST_TMPDIR/om" "$BATS_TEST_TMPDIR/tsdb"
}

@test "the metrics of throttle, mem and runq stay the same" {
	golden metrics-throttle.txt "$PQ" throttle -a --metrics -f "$(capture 5.10-v2-throttled)"
	golden metrics-mem.txt "$PQ" mem -g /mm --metrics -f "$(capture 5.10-v2-memory-near-limit)"
	golden metrics-runq.txt "$PQ" runq --metrics -f "$(capture 6.1-v2-idle)"
}

@test "--metrics writes one sample, and refuses a count above 1" {
	checked "$PQ" cpu --metrics -f "$(capture 5.10-v2-throttled)"
	[ "$(grep -c '^pq_cpu_interval_seconds ' <<<"$output")" -eq 1 ]
	checked "$PQ" cpu --metrics 0.1 1
	fails 2 '--metrics prints one sample.*pq export' "$PQ" cpu --metrics 0.1 2
}

@test "--metrics excludes the other formats and the histogram" {
	fails 2 '--json and --metrics cannot be combined' "$PQ" cpu --metrics --json
	fails 2 '--csv and --metrics cannot be combined' "$PQ" cpu --csv --metrics
	fails 2 '-H and --metrics cannot be combined' "$PQ" runqlat --metrics -H
	fails 2 "unknown option '--metrics'" "$PQ" record --metrics
}

# one_cpu T JIFFIES_IDLE JIFFIES_IOWAIT: the sample at T seconds of a machine with one CPU.
one_cpu() {
	sample "$BATS_TEST_TMPDIR/m/t$1" "$(($1 * 1000000000))"
	printf 'cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 150 20 30 %s %s 0 0 0 50 5\nprocs_blocked 0\n' "$2" "$3" >"$BATS_TEST_TMPDIR/m/t$1/proc/stat"
}

@test "counters are the kernel's in seconds, and guest time is not counted twice" {
	one_cpu 1 1000 300
	one_cpu 2 1080 310
	checked "$PQ" cpu --metrics -f "$BATS_TEST_TMPDIR/m"
	[ "$(value_of 'pq_cpu_user_seconds_total{cpu="0"}')" = 1 ]
	[ "$(value_of 'pq_cpu_nice_seconds_total{cpu="0"}')" = 0.15 ]
	[ "$(value_of 'pq_cpu_idle_seconds_total{cpu="0"}')" = 10.8 ]
	[ "$(value_of 'pq_cpu_iowait_ratio{cpu="all"}')" = 0.111111111 ]
	[ -z "$(value_of 'pq_cpu_idle_seconds_total{cpu="all"}')" ]
}

@test "cgroup names with quotes, backslashes, control characters and invalid UTF-8 are escaped" {
	local t name
	samples throttle
	for t in 1 2; do
		at "$t"
		for name in 'say "no"' 'system-a\x2db' $'tab\there' $'latin\xe9'; do
			cpu_group "/$name" "20000 100000" "${t}000000" 0 0 0
		done
	done
	checked "$PQ" throttle -a --metrics -f "$dir"
	[ "$(value_of 'pq_throttle_used_seconds_total{cgroup="/say \"no\""}')" = 2 ]
	[ "$(grep -c '^pq_throttle_used_seconds_total{' <<<"$output")" -eq 4 ]
	grep -qF 'pq_throttle_limit_cpus{cgroup="/system-a\\x2db"} 0.2' <<<"$output"
	grep -qF 'pq_throttle_limit_cpus{cgroup="/tab\\011here"} 0.2' <<<"$output"
	grep -qF 'pq_throttle_limit_cpus{cgroup="/latin\\351"} 0.2' <<<"$output"
}

@test "unknown values are omitted" {
	checked "$PQ" runq --metrics -f "$(capture 5.10-v2-psi0)"
	run ! grep some <<<"$output"
}
