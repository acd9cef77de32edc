#!/usr/bin/env bats
# pq psi: pressure of the machine and of cgroups. How the cgroup is found: locate.bats.
load helper

setup() {
	samples psi /pod/app
}

# lines FILE SOME_US [FULL_US]: the averages are 1.25, 2.50 and 3.75 of some, and less by 1 of full.
lines() {
	mkdir -p "${1%/*}"
	printf 'some avg10=1.25 avg60=2.50 avg300=3.75 total=%s\n' "$2" >"$1"
	[ -z "${3:-}" ] || printf 'full avg10=0.25 avg60=1.50 avg300=2.75 total=%s\n' "$3" >>"$1"
}

# pressure CPU MEMORY MEMORY_FULL IO IO_FULL: totals in us.
pressure() {
	lines "$now/proc/pressure/cpu" "$1" "${CPU_FULL-0}"
	lines "$now/proc/pressure/memory" "$2" "$3"
	lines "$now/proc/pressure/io" "$4" "$5"
}

# pressure_group PATH CPU CPU_FULL [MEMORY MEMORY_FULL IO IO_FULL]: the same of a cgroup.
pressure_group() {
	group "$1"
	[ -n "$1" ] || rm "$group/cgroup.type" # the root has none
	echo 1 >"$group/cgroup.pressure"
	lines "$group/cpu.pressure" "$2" "$3"
	lines "$group/memory.pressure" "${4:-0}" "${5:-0}"
	lines "$group/io.pressure" "${6:-0}" "${7:-0}"
}

@test "percentages of the interval come from the totals, not from the kernel's averages" {
	at 0; pressure 1000000 0 0 500000 100000
	at 1; pressure 1250000 100000 50000 600000 100000
	show
	[ "$(json '[.cgroup, .cpu_some_pct, .mem_some_pct, .mem_full_pct, .io_some_pct, .io_full_pct]')" = \
		'["machine",25,10,5,10,0]' ]
	[ "$(json '[.mem_some_avg10_pct, .mem_some_avg60_pct, .mem_some_avg300_pct, .mem_full_avg10_pct]')" = \
		'[1.25,2.5,3.75,0.25]' ]
}

@test "CPU full pressure is unknown for the machine and known for a cgroup" {
	at 0; CPU_FULL=0 pressure 0 0 0 0 0; pressure_group "" 0 0; pressure_group /pod/app 0 0
	at 1; CPU_FULL=900000 pressure 500000 0 0 0 0; pressure_group "" 500000 900000; pressure_group /pod/app 500000 400000
	show
	[ "$(json '[.cpu_some_pct, .cpu_full_pct, .cpu_full_avg10_pct]')" = '[50,null,null]' ]
	show -g /
	[ "$(json '[.cgroup, .cpu_some_pct, .cpu_full_pct]')" = '["/",50,null]' ]
	show -g /pod/app
	[ "$(json '[.cgroup, .cpu_some_pct, .cpu_full_pct, .cpu_full_avg60_pct]')" = '["/pod/app",50,40,1.5]' ]
}

@test "IRQ pressure has full alone; without it the value is unknown and a note says why" {
	for t in 0 1; do
		at $t
		pressure 0 0 0 0 0
	done
	show -c irq_full_pct
	[ "$(json '.irq_full_pct')" = null ]
	[[ $stderr == *irq.pressure*CONFIG_IRQ_TIME_ACCOUNTING* ]]
	show -c cpu_some_pct
	[ -z "$stderr" ]
	for t in 0 1; do
		printf 'full avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' $((t * 20000)) >"$dir/t$t/proc/pressure/irq"
	done
	show
	[ "$(json '.irq_full_pct')" = 2 ]
	[ -z "$stderr" ]
}

@test "full pressure is unknown without its line" {
	for t in 0 1; do
		at $t
		pressure_group /pod/app 0 ""
	done
	show -g /pod/app
	[ "$(json '[.cpu_some_pct, .cpu_full_pct, .io_full_pct]')" = '[0,null,0]' ]
}

@test "-g and -p show one cgroup; -p follows a process that moves" {
	for t in 0 1 2 3; do
		at $t
		pressure $((t * 1000)) 0 0 0 0
		pressure_group /pod 0 0
		pressure_group /pod/app $((t * 100000)) 0
		pressure_group /pod/other $((t * 300000)) 0
		process 42 "$([ $t -lt 2 ] && echo /pod/app || echo /pod/other)"
	done
	show -g /pod/app
	[ "$(json '[.cgroup, .cpu_some_pct]' | uniq)" = '["/pod/app",10]' ]
	show -p 42
	[ "$(json '[.cgroup, .cpu_some_pct]')" = '["/pod/app",10]
["/pod/other",30]' ]
	[[ $stderr == *"process 42 has moved to another cgroup: /pod/other"* ]]
	fails 2 'no such cgroup in the v2 hierarchy: /nix' "$PQ" psi -g /nix -f "$dir"
	fails 2 'no such process: 43' "$PQ" psi -p 43 -f "$dir"
}

@test "-a shows the machine in place of the root, then the worst cgroups first" {
	at 0; pressure 0 0 0 0 0; pressure_group "" 0 0; pressure_group /a 0 0; pressure_group /b 0 0; pressure_group /b/c 0 0; pressure_group /idle 0 0
	at 1; pressure 900000 0 0 0 0; pressure_group "" 900000 0; pressure_group /a 500000 0; pressure_group /b 100000 0 0 0 600000 600000
	pressure_group /b/c 550000 550000; pressure_group /idle 0 0
	show -a
	[ "$(json .cgroup | tr '\n' ' ')" = '"machine" "/b" "/b/c" "/a" "/idle" ' ]
}

@test "-a in a container shows its root as a cgroup" {
	for t in 0 1; do
		at $t
		pressure 0 0 0 0 0
		pressure_group "" 0 0
		echo domain >"$now/sys/fs/cgroup/cgroup.type"
		echo 0::/ >"$now/proc/self/cgroup"
	done
	show -a
	[ "$(json '[.cgroup, .cpu_full_pct]')" = '["machine",null]
["/",0]' ]
}

@test "a total that decreases means a new cgroup, and is marked" {
	at 0; pressure_group /pod/app 500000 400000
	at 1; pressure_group /pod/app 600 500
	at 2; pressure_group /pod/app 100600 500
	show -g /pod/app
	[ "$(json '[.cpu_some_pct, .cpu_full_pct, .io_some_pct, .cpu_some_avg10_pct, .note]')" = '[null,null,null,1.25,"reset"]
[10,0,0,1.25,null]' ]
}

@test "a stall longer than the interval is 100 %" {
	at 0; pressure 0 0 0 0 0
	at 1; pressure 1004000 0 0 0 0
	show
	[ "$(json .cpu_some_pct)" = 100 ]
}

@test "without pressure files the status is 3 and the message says what would help" {
	for t in 0 1; do
		at $t
		mkdir -p "$now/sys/fs/cgroup/pod/app"
		: >"$now/sys/fs/cgroup/pod/app/cgroup.procs"
	done
	for of in "" -a "-g /pod/app"; do
		# shellcheck disable=SC2086 # an option and its argument
		fails 3 '/proc/pressure: .*CONFIG_PSI, or needs psi=1 at boot' "$PQ" psi $of -f "$dir"
	done
	echo "release 6.1.0-test" >"$dir/facts"
	mkdir -p "$dir"/t{0,1}/boot
	echo "# CONFIG_PSI is not set" | tee "$dir/t0/boot/config-6.1.0-test" >"$dir/t1/boot/config-6.1.0-test"
	fails 3 'built without CONFIG_PSI' "$PQ" psi -f "$dir"
	printf 'CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n' | tee "$dir/t0/boot/config-6.1.0-test" >"$dir/t1/boot/config-6.1.0-test"
	fails 3 'pressure is disabled in this kernel \(boot it with psi=1\)' "$PQ" psi -g /pod/app -f "$dir"
}

@test "with pressure disabled at boot the message says so" {
	for t in 0 1; do
		at $t
		mkdir -p "$now/proc/pressure" "$now/sys/fs/cgroup/pod/app"
		: >"$now/sys/fs/cgroup/pod/app/cgroup.procs"
		for file in proc/pressure/{cpu,memory,io} sys/fs/cgroup/pod/app/{cpu,memory,io}.pressure; do
			echo "95 Operation not supported" >"$now/$file.errno"
		done
	done
	for of in "" -a "-g /pod/app"; do
		# shellcheck disable=SC2086 # an option and its argument
		fails 3 'pressure is disabled in this kernel \(boot it with psi=1\)' "$PQ" psi $of -f "$dir"
	done
}

@test "pressure switched off for a cgroup is named, and its rows stop until it is on again" {
	for t in 0 1 2 3 4 5; do
		at $t
		pressure 0 0 0 0 0
		pressure_group /pod/app $((t * 100000)) 0
		pressure_group /web 0 0
	done
	for t in 2 3; do
		rm "$dir/t$t/sys/fs/cgroup/pod/app"/{cpu,memory,io}.pressure
		echo 0 >"$dir/t$t/sys/fs/cgroup/pod/app/cgroup.pressure"
	done
	show -g /pod/app
	[ "$(json '.cpu_some_pct' | tr '\n' ' ')" = "10 10 " ]
	[[ $stderr == *"/pod/app: pressure is switched off (write 1 to its cgroup.pressure)"* ]]
	show -a
	[ "$(json 'select(.cgroup != "machine") | .cgroup' | sort | uniq -c | tr -s ' \n' ' ')" = ' 2 "/pod/app" 5 "/web" ' ]
	rm -r "$dir"/t[01]
	fails 3 '/pod/app: pressure is switched off' "$PQ" psi -g /pod/app -f "$dir"
}

@test "a removed cgroup ends its rows, not the run" {
	for t in 0 1 2 3; do
		at $t
		pressure 0 0 0 0 0
		pressure_group /pod/app 0 0
	done
	rm -r "$dir"/t[23]/sys/fs/cgroup/pod/app
	show -g /pod/app
	[ "$(json .cgroup)" = '"/pod/app"' ]
	[[ $stderr == *"/pod/app: removed; its rows end here"* ]]
	show -a
	[ "$(json 'select(.cgroup == "machine") | .cgroup' | wc -l)" -eq 3 ]
	[[ $stderr != *gone* ]]
}

@test "pressure of the machine but not of cgroups is named" {
	for t in 0 1; do
		at $t
		pressure 0 0 0 0 0
		mkdir -p "$now/sys/fs/cgroup/pod/app"
		: >"$now/sys/fs/cgroup/pod/app/cgroup.procs"
	done
	fails 3 'cgroup_disable=pressure' "$PQ" psi -g /pod/app -f "$dir"
	show -a
	[ "$(json .cgroup)" = '"machine"' ]
	[[ $stderr == *cgroup_disable=pressure* ]]
}

@test "v1: cgroups have no pressure, the machine is shown" {
	fails 3 'only v2 has pressure per cgroup: .*unified_cgroup_hierarchy=1' "$PQ" psi -g /web -f "$(capture 6.1-v1-throttled)"
	run --separate-stderr "$PQ" psi --json -a -f "$(capture 6.1-v1-throttled)"
	[ "$status" -eq 0 ]
	[ "$(json .cgroup)" = '"machine"' ]
	[[ $stderr == *"only v2 has pressure per cgroup"* ]]
}

@test "a pressure file that is damaged or denied makes only its resource unknown" {
	for t in 0 1; do
		at $t
		pressure 0 0 0 0 0
		echo "some avg10=" >"$now/proc/pressure/memory"
		pressure_group /pod/app 0 0
		rm "$now/sys/fs/cgroup/pod/app/io.pressure"
		echo "13 Permission denied" >"$now/sys/fs/cgroup/pod/app/io.pressure.errno"
	done
	show -c cpu_some_pct,mem_some_pct,io_full_avg10_pct
	[ "$(json '[.cpu_some_pct, .mem_some_pct]')" = '[0,null]' ]
	[[ $stderr == *"cannot use /proc/pressure/memory"* ]]
	show -c cpu_some_pct,io_full_avg10_pct -g /pod/app
	[ "$(json '[.cpu_some_pct, .io_full_avg10_pct]')" = '[0,null]' ]
	[[ $stderr == *"/pod/app: cannot use io.pressure"* ]]
}

@test "text fits 80 columns with the cgroup name; -w adds averages" {
	for t in 0 1; do
		at $t
		pressure $((t * 1000000)) 0 0 0 0
		pressure_group /pod/app $((t * 1000000)) $((t * 1000000)) $((t * 1000000)) $((t * 1000000)) $((t * 1000000)) $((t * 1000000))
	done
	run --separate-stderr "$PQ" psi -g /pod/app -f "$dir"
	[[ ${lines[0]} =~ \ %scpu\ +%fcpu\ +%sio\ +%fio\ +%smem\ +%fmem\ +%firq\ +cgroup$ ]]
	[[ ${lines[1]} =~ \ 100.0\ .*\ -\ +/pod/app$ ]]
	[ ${#lines[1]} -le 70 ]
	run --separate-stderr "$PQ" psi -g /pod/app -w avg10,avg300 -f "$dir"
	[[ ${lines[0]} == *%scpu-10* && ${lines[0]} == *%fio-300* && ${lines[0]} != *-60* ]]
}

@test "live: a recording replays the same rows" {
	cd "$BATS_TEST_TMPDIR" || return 1
	for of in "" -a; do
		rm -f psi.tape
		run --separate-stderr "$PQ" psi $of --json -o psi.tape 0.1 3
		[ "$status" -ne 3 ] || skip "no pressure on this machine: $stderr"
		[ "$status" -eq 0 ]
		local live=$output
		run --separate-stderr "$PQ" psi --json -f psi.tape
		[ "$output" = "$live" ]
	done
}

@test "live: pq record records it when named" {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -e /proc/pressure/cpu ] || skip "no pressure on this machine"
	run --separate-stderr "$PQ" record -o named.tape 50ms 3 psi --when 'psi.cpu_some_pct > 1000'
	[ "$status" -eq 0 ]
	run --separate-stderr "$PQ" psi --json -c cgroup,cpu_some_pct -f named.tape
	[ "$(json .cgroup | uniq -c | tr -s ' ')" = ' 2 "machine"' ]
}

@test "live: a busy v2 cgroup agrees with its file, also when switched off" {
	local mount
	mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	group=$mount/pqtest-psi-$$
	[ -n "$mount" ] && mkdir "$group" 2>/dev/null || skip "not permitted to make a v2 cgroup"
	made+=("$group")
	[ -e "$group/cpu.pressure" ] || skip "no pressure of cgroups here"
	local before after
	total() { sed -n 's/^some.*total=//p' "$group/cpu.pressure"; }
	for _ in 1 2 3 4 5 6 7 8; do burn "$group"; done
	sleep 0.3
	before=$(total)
	run --separate-stderr "$PQ" psi --json -g "/${group##*/}" 0.5 1
	after=$(total)
	local rows=$output
	if [ -e "$group/cgroup.pressure" ]; then
		echo 0 >"$group/cgroup.pressure"
		run --separate-stderr "$PQ" psi -g "/${group##*/}" 0.1 1
	fi
	local off=$status said=$stderr
	output=$rows
	echo "by hand: $before $after; pq: $rows; then $off $said"
	[ "$(json ".interval_s * .cpu_some_pct * 1e4 <= $after - $before + 1000")" = true ]
	[ "$(json ".cpu_full_pct != null and .cpu_full_pct <= .cpu_some_pct")" = true ]
	[[ $off -eq 0 || ( $off -eq 3 && $said == *"switched off"* ) ]]
}
