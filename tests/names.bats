#!/usr/bin/env bats
# Names of cgroups: pods, containers, units and jobs. What paths say is in unit/cgroup_names.c.
load helper

id_1=$(printf 'a1%.0s' {1..32}) id_2=$(printf 'b2%.0s' {1..32}) id_3=$(printf 'c3%.0s' {1..32})
uid=1b4e28ba-2fa1-11d2-883f-0016d3cca427
slice=/kubepods.slice/kubepods-pod${uid//-/_}.slice

# kubelet POD_NAMESPACE_CONTAINER-ID…: its directories in the sample $now.
kubelet() {
	local name
	mkdir -p "$now/var/log/containers" "$now/var/log/pods/shop_web-0_$uid"
	for name; do ln -s /nowhere "$now/var/log/containers/$name.log"; done
}

# limited PATH…: cgroups with a quota of 0.5 CPUs, in the sample $now, N seconds after the first.
limited() {
	local path
	for path; do cpu_group "$path" "50000 100000" $((250000 * n)) $((10 * n)) $((5 * n)) 0; done
}

# two SAMPLES: a node with a pod of one container, its sandbox, a unit, a job and a container of Docker.
node() {
	samples throttle
	for n in 0 1; do
		at $n
		kubelet "web-0_shop_app-$id_1"
		limited "$slice" "$slice/cri-containerd-$id_1.scope" "$slice/cri-containerd-$id_2.scope" \
			/system.slice/nginx.service /system.slice/slurmstepd.scope/job_7/step_0 "/docker/$id_3"
	done
}

setup() {
	node
}

@test "rows name the pod, namespace, container, unit and job, and null where there is none" {
	show -a
	[ "$(json '[.pod, .namespace, .container, .unit, .job]' | sort)" = "$(sort <<<'["web-0","shop",null,null,null]
["web-0","shop","app",null,null]
["web-0","shop",null,null,null]
[null,null,null,"nginx.service",null]
[null,null,null,"slurmstepd.scope","7.0"]
[null,null,null,null,null]')" ]
}

@test "text prints the name, and with --full the path; the summary too" {
	run "$PQ" throttle -a -f "$dir"
	[ "$(awk '$NF != "cgroup" && NF { print $NF }' <<<"$output" | sort -u)" = "$(sort <<<"shop/web-0
shop/web-0/app
shop/web-0/b2b2b2b2b2b2<b2b2
nginx.service
slurm/7.0
docker/c3c3c3c3c3c3<c3c3")" ]
	run "$PQ" throttle --full -g "$slice" -f "$dir"
	[ "${lines[1]##* }" = "$slice" ]
	[[ $output == *"$slice"* ]]
	at 2
	kubelet "web-0_shop_app-$id_1"
	n=2 limited "$slice"
	run "$PQ" throttle -g "$slice" -f "$dir"
	[ "$(grep -c '  shop/web-0$' <<<"$output")" -eq 3 ] # two rows and the average
	[[ $output != *kubepods* ]]
}

@test "-w names prints them as columns" {
	run "$PQ" throttle -a -w names -f "$dir"
	[[ ${lines[0]} == *"  cgroup  pod  namespace  container  unit  job" ]]
	[[ $output == *"  shop/web-0/app  web-0  shop  app  -  -"* ]]
}

@test "mem, psi and tasks have the names too" {
	for n in 0 1; do
		at $n
		limited "$slice"
		put_at t$n sys/fs/cgroup"$slice"/memory.current 1000
		put_at t$n sys/fs/cgroup"$slice"/memory.max 2000
		put_at t$n sys/fs/cgroup"$slice"/memory.stat 'anon 10'
		put_at t$n sys/fs/cgroup"$slice"/cpu.pressure 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0'
		put_at t$n proc/meminfo 'MemTotal: 100 kB'
	done
	for tool in mem psi; do
		run --separate-stderr "$PQ" $tool --json -g web-0 -f "$dir"
		[ "$status" -eq 0 ]
		[ "$(json 'select(.pod) | [.pod, .namespace]')" = '["web-0","shop"]' ]
	done
	run --separate-stderr "$PQ" tasks --columns
	[[ $output == *$'\npod '* ]]
}

@test "-g takes the name of a pod, container, unit or job, or the start of an ID" {
	for name in web-0 shop/web-0 "$slice"; do
		show -g "$name"
		[ "$(json .cgroup)" = "\"$slice\"" ]
	done
	for name in app shop/web-0/app a1a1a1; do
		show -g "$name"
		[ "$(json .cgroup | tail -1)" = "\"$slice/cri-containerd-$id_1.scope\"" ]
	done
	for name in c3c3c3c3 'docker/c3c3c3c3c3c3<c3c3'; do
		show -g "$name"
		[ "$(json .cgroup)" = "\"/docker/$id_3\"" ]
	done
	show -g nginx.service
	[ "$(json .cgroup)" = '"/system.slice/nginx.service"' ]
	show -g 7.0
	[ "$(json .cgroup)" = '"/system.slice/slurmstepd.scope/job_7/step_0"' ]
	run "$PQ" limits --json -g web-0 -f "$dir"
	[ "$(json '[.cgroup, .pod, .container]')" = "[\"$slice\",\"web-0\",null]" ]
}

@test "-g refuses a name that several cgroups have, and lists them; a path comes first" {
	for n in 0 1; do
		at $n
		kubelet "web-0_shop_app-$id_2"
	done
	fails 2 "-g app: 2 cgroups are named so; want one of: .*$id_1.*$id_2" "$PQ" throttle -g app -f "$dir"
	fails 2 "-g app: 2 cgroups" "$PQ" limits -g app -f "$dir"
	fails 2 'no such cgroup' "$PQ" throttle -g a1a1a -f "$dir"
	fails 2 'no such cgroup' "$PQ" throttle -g nothing -f "$dir"
	for n in 0 1; do
		at $n
		limited /app
	done
	show -g app
	[ "$(json .cgroup)" = '"/app"' ]
}

@test "--labels adds the names to metrics, and only there" {
	run "$PQ" throttle -a --metrics -f "$dir"
	[[ $output == *"pq_throttle_limit_cpus{cgroup=\"$slice\"} 0.5"* ]]
	run "$PQ" throttle -a --metrics --labels pod,container,job -f "$dir"
	[[ $output == *"pq_throttle_limit_cpus{cgroup=\"$slice\",pod=\"web-0\"} 0.5"* ]]
	[[ $output == *"scope\",pod=\"web-0\",container=\"app\"} 0.5"* ]]
	[[ $output == *"step_0\",slurm_job=\"7.0\"} 0.5"* ]]
	[[ $output != *namespace=* ]]
	fails 2 "unknown label 'cgroup'" "$PQ" throttle --metrics --labels pod,cgroup -f "$dir"
	fails 2 'invalid --labels|unknown label' "$PQ" throttle --metrics --labels '' -f "$dir"
	fails 2 'needs --metrics' "$PQ" throttle --labels pod -f "$dir"
	mkdir "$BATS_TEST_TMPDIR/metrics"
	fails 2 "unknown label 'x'" "$PQ" export --textfile "$BATS_TEST_TMPDIR/metrics" --labels x throttle
}

@test "pq export adds the labels" {
	machine "$BATS_TEST_TMPDIR/root"
	process self /
	kubelet "web-0_shop_app-$id_1"
	n=1 limited "$slice/cri-containerd-$id_1.scope"
	: >"$now/sys/fs/cgroup/cgroup.procs"
	mkdir "$BATS_TEST_TMPDIR/metrics"
	start "$PQ" export --textfile "$BATS_TEST_TMPDIR/metrics" --root "$now" --labels pod,namespace,container throttle
	await grep -q 'throttle_limit_cpus{.*,pod="web-0",namespace="shop",container="app"} 0.5' "$BATS_TEST_TMPDIR/metrics/pq.prom"
}

@test "check, expressions and their JSON know the names" {
	run "$PQ" check -a 'throttle.container == "app" and throttle.throttled_pct >= 50' -f "$dir"
	[ "$status" -eq 2 ]
	[[ $output == "PQ CRITICAL - "*"(shop/web-0/app)"* ]]
	run "$PQ" check --json -a 'throttle.pod == "web-0" and throttle.throttled_pct > 90' -f "$dir"
	[ "$status" -eq 0 ]
	run "$PQ" check --json -a 'throttle.container == "app" and throttle.throttled_pct >= 50' -f "$dir"
	[ "$(json '.checks[0] | [.label, .name]')" = "[\"$slice/cri-containerd-$id_1.scope\",\"shop/web-0/app\"]" ]
}

@test "a recording keeps the names, read once, also where they are first read in the middle" {
	here
	machine root
	process self /
	: >"$now/sys/fs/cgroup/cgroup.procs"
	kubelet "web-0_shop_app-$id_1"
	n=1 limited "$slice/cri-containerd-$id_1.scope"
	"$PQ" throttle -a --root root -o x.tape 0.1 4
	run "$PQ" throttle -a --json -f x.tape
	[ "$(json '[.pod, .container]' | sort -u)" = '["web-0","app"]' ]
	run --separate-stderr "$PQ" throttle -g app --json -f x.tape
	[ "$(json .pod | sort -u)" = '"web-0"' ]
	"$PQ" tape unpack x.tape tree
	run "$PQ" throttle -a --json -f tree
	[ "$(json '[.pod, .container]' | sort -u)" = '["web-0","app"]' ]
	"$PQ" tape pack tree y.tape
	run "$PQ" throttle -a --json -f y.tape
	[ "$(json '[.pod, .container]' | sort -u)" = '["web-0","app"]' ]
}

@test "hostile names are printed, not obeyed" {
	for n in 0 1; do
		at $n
		kubelet "we\"b$(printf '\033')0_..sh\\op_$(printf 'x%.0s' {1..100})-$id_2"
	done
	run "$PQ" throttle -a -f "$dir"
	[[ $output == *'..sh\op/we"b\0330/xxx'* ]]
	[[ $output != *$'\033'* ]]
	run "$PQ" throttle -a --json -f "$dir"
	json_is 'select(.namespace == "..sh\\op") | .pod' '"we\"b\u001b0"'
	run "$PQ" throttle -a --metrics --labels pod,namespace -f "$dir"
	[[ $output == *',pod="we\"b\\0330",namespace="..sh\\op"}'* ]]
}

@test "no link leads out of the log directories, and none is needed" {
	machine "$BATS_TEST_TMPDIR/root"
	process self /
	: >"$now/sys/fs/cgroup/cgroup.procs"
	limited "$slice/cri-containerd-$id_1.scope"
	mkdir -p "$BATS_TEST_TMPDIR/outside" "$now/var/log"
	ln -s /nowhere "$BATS_TEST_TMPDIR/outside/web-0_shop_app-$id_1.log"
	ln -s "$BATS_TEST_TMPDIR/outside" "$now/var/log/containers"
	run --separate-stderr "$PQ" throttle -a --json --root "$now" 0.1 1
	[ "$(json '[.cgroup, .pod]')" = "[\"$slice/cri-containerd-$id_1.scope\",null]" ]
}
