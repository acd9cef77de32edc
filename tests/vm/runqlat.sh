# pq runqlat by each of its sources, beside what the kernel has summed up itself.
. /vm/lib.sh
tracing=/sys/kernel/tracing

# shared FILE KEY FILE KEY: means of two runs over the rows that both have, and how many these are. Rows begin at whole
# seconds, but for the first of a run; one that is longer has missed a deadline.
shared() {
	awk -F, -v keys="$2 $4" 'BEGIN { split(keys, key, " ") }
		FNR == 1 { f++; for (i = 1; i <= NF; i++) if ($i == key[f]) at = i; next }
		FNR == 2 || $4 > 1.5 || $4 < 0.5 { next } { at_s = substr($3, 1, 19) }
		f == 1 { value[at_s] = $at; span[at_s] = $4; next }
		at_s in value { a += value[at_s] * span[at_s]; a_s += span[at_s]; b += $4 * $at; b_s += $4; n++ }
		END { if (n) print a / a_s, b / b_s, n; else print 0, 0, 0 }' "$1" "$3"
}

# near NAME PERCENT FEW A B ROWS: two figures differ by no more than that, and there was something to compare.
near() { check "$1" "$6 > 1 && $4 > 0 && $4 - $5 <= $2 / 100 * $5 + $3 && $5 - $4 <= $2 / 100 * $5 + $3"; }

# What was said but that the machine is slow, and that a wait goes on.
trouble() { grep -v -e 'deadlines: the machine was too busy' -e '--budget' -e 'threads have waited for a CPU since' "$1"; }

# has NAME STATUS FILE SOURCE: rows, and where they are from.
has() { is "$1" "$2 $(col "$3.csv" source | sort -u | tr '\n' ' ')$(trouble "$3.err")" "0 $4 "; }

# Forced: it works, and sums up to what /proc/schedstat has, which pq runq shows; each looks when it gets a CPU.
source_is_right() {
	pq runq --csv 1 7 >runq.csv 2>runq.err &
	runq=$!
	pq runqlat --source $1 --csv 1 7 >$1.csv 2>$1.err
	has "$1 works" $? $1 $1
	wait $runq
	near "$1: the wait is /proc/schedstat's" 10 0.1 $(shared $1.csv waiting runq.csv waiting)
}

# Recorded, both are of the same moments.
at_one_moment() {
	pq record -o $1.tape 1 7 runq runqlat 2>record.err
	pq runq -f $1.tape --csv >runq.csv 2>runq.err
	pq runqlat -f $1.tape --csv >tape.csv 2>tape.err
	has "$1 is on a tape" $? tape $1
	set -- $1 $(shared tape.csv waiting runq.csv waiting)
	echo "# $1 at the same moments: $2 waited, by /proc/schedstat $3"
	near "$1: at the same moments the waits are /proc/schedstat's" 3 0.02 $2 $3 $4
}

percentiles_rise() {
	is "$1: percentiles rise" "$(awk -F, 'NR > 1 && $5 > 0 &&
		!($8 > 0 && $8 <= $9 && $9 <= $10 && $10 <= $11 && $11 <= $12)' $1.csv)" ""
}

sources() {
	burn "$(cpu_dir "")" 4
	for source in bpf-btf bpf-raw; do
		source_is_right $source
		percentiles_rise $source
	done
	pq runqlat --source bpf-tp --csv 1 1 >tp.csv 2>tp.err
	is "bpf-tp without tracefs" "$? $(wc -l <tp.err)" "3 2"
	says "says what to do" tp.err "tracefs is not mounted (mount -t tracefs nodev /sys/kernel/tracing)"
	mount -t tracefs nodev $tracing
	source_is_right bpf-tp
	percentiles_rise bpf-tp
	source_is_right schedstat
	is "schedstat has no percentiles" "$(col schedstat.csv p50_us | tr -d '\n')$(col schedstat.csv max_us | tr -d '\n')" ""
	pq runqlat --source probe --csv 1 3 >probe.csv 2>probe.err
	has "probe works" $? probe probe
	percentiles_rise probe
	is "probe tells nothing of others' waiting" "$(col probe.csv waiting | tr -d '\n')" ""
	at_one_moment bpf-btf
	mount -t tmpfs none /sys/kernel/btf
	at_one_moment bpf-tp
	umount /sys/kernel/btf
	pq runqlat --csv -P 0 1 6 >cpu0.csv 2>cpu.err &
	a=$!
	pq runqlat --csv -P 1 1 6 >cpu1.csv 2>cpu.err &
	b=$!
	pq runqlat --csv 1 6 >cpus.csv 2>cpu.err
	wait $a $b
	near "-P: there are waits on CPU 0" 75 0.5 $(shared cpu0.csv waiting cpu1.csv waiting)
	set -- $(shared cpu0.csv waiting cpus.csv waiting) $(shared cpu1.csv waiting cpus.csv waiting)
	near "-P: the CPUs' waits sum up" 10 0.1 "$(awk "BEGIN { print $1 + $4 }")" "$2" "$3"
	stop
}

# The waker is outside of the group, and so are burners of another one: neither counts.
groups() {
	box=$(cpu_dir box)
	mkdir -p "$box" "$(cpu_dir out)"
	[ "$MODE" != v2 ] || echo +cpu >"$box/cgroup.subtree_control" # processes are below it only
	mkdir -p "$(cpu_dir box/in)" "$(cpu_dir box/deep)" "$(cpu_dir box/deep/er)"
	burn "$(cpu_dir out)" 2
	inside "$(cpu_dir box/in)" guest burn 1 &
	burners="$burners $!"
	mkfifo pipe
	sh -c 'while :; do echo x; usleep 10000; done' >pipe &
	burners="$burners $!"
	inside "$(cpu_dir box/deep/er)" sh -c 'while read -r x; do :; done' <pipe &
	burners="$burners $!"
	sleep 1
	for source in bpf-btf bpf-raw bpf-tp; do
		pq runqlat --source schedstat -g /box --csv 1 7 >read.csv 2>read.err &
		reader=$!
		pq runqlat --csv 1 7 >all.csv 2>all.err &
		all=$!
		pq runqlat --source $source -g /box --csv 1 7 >box.csv 2>box.err
		has "-g: $source" $? box $source
		wait $reader $all
		near "-g: $source: runs are those in it and below it" 10 2 $(shared box.csv runs_per_s read.csv runs_per_s)
		near "-g: $source: so are waits" 10 0.1 $(shared box.csv waiting read.csv waiting)
		set -- $(shared box.csv runs_per_s all.csv runs_per_s)
		check "-g: $source: the machine has more" "$1 < 0.9 * $2"
	done
	pq runqlat -g /box/deep --csv 1 3 >deep.csv 2>deep.err
	check "-g: a burner beside the group does not count" "$(total deep.csv waiting) < 0.9 * $(total read.csv waiting)"
	stop
}

# A wait for quota is what is left of the period; the kernel's own sum of these is beside it.
quota_waits() {
	quota web
	inside "$(cpu_dir web)" guest burn 1 &
	burners=$!
	sleep 1
	set -- $(key "$(cpu_dir web)/cpu.stat" nr_throttled) $(key "$(cpu_dir web)/cpu.stat" throttled_usec)
	pq runqlat -g /web -H --csv 6 1 >hist.csv 2>hist.err &
	hist=$!
	pq runqlat -g /web --csv 1 6 >web.csv 2>web.err
	wait $hist
	set -- $(($(key "$(cpu_dir web)/cpu.stat" nr_throttled) - $1)) $(($(key "$(cpu_dir web)/cpu.stat" throttled_usec) - $2))
	got=$(whole web.csv waiting)
	check "quota: the wait is cpu.stat's" "$got <= $2 / 1e6 * 1.1 + 0.2 && $got >= $2 / 1e6 * 0.8 - 2"
	check "quota: the longest is 80 of 100 ms at least, by and large" "$(most web.csv max_us) > 60000"
	set -- $(awk -F, '$5 == 65536 { print $7, $4 }' hist.csv)
	check "quota: so is one for most periods" "$1 > 10 && $1 <= 11 * $2 && $1 >= 5 * $2"
	stop
}

hotplug() {
	burn "$(cpu_dir "")" 3
	for source in bpf-btf bpf-raw bpf-tp schedstat probe; do
		pq runqlat --source $source --csv 0.5 12 >$source.plug.csv 2>$source.plug.err &
		eval "${source#bpf-}=$!"
	done
	sleep 2
	echo 0 >/sys/devices/system/cpu/cpu1/online
	sleep 2
	echo 1 >/sys/devices/system/cpu/cpu1/online
	for source in bpf-btf bpf-raw bpf-tp schedstat probe; do
		eval "wait \$${source#bpf-}"
		is "a CPU that goes ends no run: $source" "$? $(trouble $source.plug.err)" "0 "
		seconds=$(rows $source.plug.csv runs_per_s | awk '{ sum += $1 } END { print sum }')
		check "its rows go on: $source" "$seconds > 5 && $(last $source.plug.csv runs_per_s) > 0"
	done
	check "waits are still counted" "$(last bpf-btf.plug.csv waiting) > 0.3"
	stop
}

killed() {
	is "no programs are loaded" "$(guest programs)" 0
	for source in bpf-btf bpf-raw bpf-tp; do
		pq runqlat --source $source --csv 0.2 >/dev/null 2>&1 &
		sleep 2
		check "$source: programs are loaded" "$(guest programs) >= 2"
		leaves_none "$source"
	done
}

nobody() {
	chmod 755 /tmp
	guest jail / 65534 /bin/pq runqlat --csv 1 2 >user.csv 2>user.err
	is "a user gets schedstat" "$? $(col user.csv source | sort -u)" "0 schedstat"
	says "and why" user.err "BPF is not available: needs CAP_BPF and CAP_PERFMON"
	for source in bpf bpf-btf bpf-raw bpf-tp; do
		guest jail / 65534 /bin/pq runqlat --source $source --csv 1 1 >user.csv 2>user.err
		is "a user asks for $source: status 3, two lines" "$? $(wc -l <user.err)" "3 2"
	done
	guest jail / 65534 /bin/pq runqlat --source probe --csv 1 2 >user.csv 2>user.err
	has "a user gets the probe" $? user probe
}

# As on a kernel that was built without it.
no_btf() {
	mount -t tmpfs none /sys/kernel/btf
	pq runqlat --csv 1 1 >tp.csv 2>tp.err
	has "without BTF it is bpf-tp" $? tp bpf-tp
	pq runqlat --source bpf-btf 1 1 >btf.csv 2>btf.err
	is "without BTF bpf-btf has status 3" $? 3
	says "and says why" btf.err "no BTF (/sys/kernel/btf/vmlinux needs CONFIG_DEBUG_INFO_BTF)"
	umount $tracing
	pq runqlat --csv 1 1 >none.csv 2>none.err
	is "without BTF and tracefs it is schedstat" "$? $(col none.csv source)" "0 schedstat"
	says "which says why" none.err "this kernel has no BTF and tracefs is not mounted (mount"
	umount /sys/kernel/btf
	mount -t tracefs nodev $tracing
}

# Programs know no cgroups of version 1.
groups_v1() {
	mkdir "$(cpu_dir box)"
	inside "$(cpu_dir box)" guest burn 3 &
	burners=$!
	sleep 1
	pq runqlat -g /box --csv 1 4 >v1.csv 2>v1.err
	is "-g of v1 is schedstat's" "$? $(col v1.csv source | sort -u)" "0 schedstat"
	says "and that is said" v1.err "it needs cgroup v2"
	check "three on two CPUs: one waits" "$(total v1.csv waiting) / 4 > 0.5 && $(total v1.csv waiting) / 4 < 1.7"
	stop
}

gone() {
	for source in bpf schedstat; do
		mkdir "$(cpu_dir gone)"
		pq runqlat --source $source -g /gone --csv 0.5 8 >gone.csv 2>gone.err &
		sleep 1.5
		rmdir "$(cpu_dir gone)"
		wait $!
		echo "# a group that goes, $source: status $?, $(wc -l <gone.csv) lines, $(tr '\n' '|' <gone.err)"
	done
}

if [ "$MODE" = v2 ]; then
	for part in ${PARTS:-sources groups quota_waits hotplug killed nobody no_btf gone}; do $part; done
else
	for part in ${PARTS:-sources killed groups_v1 nobody}; do $part; done
fi
