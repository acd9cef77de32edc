# pq trace in each way that this kernel offers, beside what the kernel counts; CPUs that come and go; what stays loaded.
. /vm/lib.sh
tracing=/sys/kernel/tracing

# info KEY: of x.trace.
info() { pq trace info --json x.trace 2>/dev/null | sed "s/.*\"$1\":\"*//; s/[\",}].*//"; }

# record OPTION…: begins a trace; ends when the programs are attached.
record() {
	rm -f x.trace
	pq trace -o x.trace "$@" 2>x.err &
	recorder=$!
	tries=0
	until [ "$(guest programs)" -ge 6 ] || [ $tries -eq 100 ]; do tries=$((tries + 1)); sleep 0.1; done
	sleep 0.3
}

saved() {
	kill $recorder
	wait $recorder
}

# The threads of a process: "TID RUN_MS WAIT_MS", by the kernel.
counted() {
	for task in /proc/$1/task/*; do
		awk -v tid=${task##*/} '{ printf "%s %.3f %.3f\n", tid, $1 / 1e6, $2 / 1e6 }' $task/schedstat
	done
}

# The same, by the lines of a trace.
traced() {
	pq trace text --json -p $1 x.trace 2>/dev/null | sed 's/.*"tid":\([0-9]*\).*"delay_ms":\([^,]*\),"run_ms":\([^,]*\),.*/\1 \3 \2/' |
		awk '{ run[$1] += $2; wait[$1] += $3 } END { for (tid in run) print tid, run[tid], wait[tid] }'
}

# differ COLUMN PERCENT: the threads that differ by more than that, and by more than 40 ms.
differ() {
	awk -v c=$1 -v pct=$2 'FNR == NR { by[$1] = $c; next } { d = $c - by[$1]; d = d < 0 ? -d : d }
		!($1 in by) || d > 40 && d > by[$1] * pct / 100 { print "# thread " $1 ": " $c ", by the kernel " by[$1] }' counted traced
}

# near NAME PERCENT A B
near() { check "$1" "$4 > 0 && $3 - $4 <= $2 / 100 * $4 && $4 - $3 <= $2 / 100 * $4"; }

sum() { awk -v c=$1 '{ sum += $c } END { printf "%.3f\n", sum }' $2; }

# far COLUMN PERCENT: whether the sums differ by more.
far() {
	awk -v a=$(sum $1 traced) -v b=$(sum $1 counted) -v pct=$2 'BEGIN { d = a < b ? b - a : a - b; exit d <= b * pct / 100 }'
}

# All that the load does is in the trace: it begins later, and sleeps when it is counted.
trace_load() {
	record
	mkfifo done
	guest work 6 6000 >done &
	load=$!
	read -r _ <done
	rm done
	sleep 0.2
	counted $load >counted
	saved
	status=$?
	kill -9 $load
	wait $load 2>/dev/null
	traced $load >traced
	differ 2 5 >differ.run
	differ 3 10 >differ.wait
}

# The machine that emulates this one may stop it between the moment at which the kernel takes the time of a switch and the
# event: then one thread has more, and the next one less. A program that is stopped may miss the events of an interrupt. So the sums
# must be right, and the threads by and large, in one of five tries.
load_is_right() {
	for try in 1 2 3 4 5; do
		trace_load
		[ -s differ.run ] || [ -s differ.wait ] || far 2 1 || far 3 2 || grep -q "did not pass" x.err || break
		sed "s/^# /# try $try: /" differ.run differ.wait
	done
	is "$1: it works" "$status $(pq trace info x.trace | sed -n 's/^damage *//p')" "0 none"
	is "$1: nothing is lost" "$(info lost_events) $(grep -e "did not pass" -e "are missing" x.err)" "0 "
	is "$1: all threads are there" "$(cut -d' ' -f1 traced | sort)" "$(cut -d' ' -f1 counted | sort)"
	is "$1: each thread's run time is the kernel's, by and large" "$(cat differ.run)" ""
	is "$1: so is its wait" "$(cat differ.wait)" ""
	near "$1: together they ran as long as the kernel says within 1 %" 1 $(sum 2 traced) $(sum 2 counted)
	pq who -f x.trace -p $load --csv >who.csv 2>who.err
	who=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $at["behind"] == "total" { print $at["wait_ms"] }' who.csv)
	echo "# $1: waited $who ms, by the kernel $(sum 3 counted); $(info events) events"
	near "$1: pq who has the kernel's wait within 2 %" 2 $who $(sum 3 counted)
}

modes() {
	load_is_right bpf-btf
	umount $tracing 2>/dev/null # another test may have mounted it
	mount -t tmpfs none /sys/kernel/btf
	pq trace -o none.trace 0.1 2>none.err
	is "without BTF and tracefs: status 3, no file" "$? $(ls none.trace 2>/dev/null)" "3 "
	says "and why" none.err "this kernel has no BTF and tracefs is not mounted (mount"
	mount -t tracefs nodev $tracing
	load_is_right bpf-tp
	umount /sys/kernel/btf
}

# awaits COMMAND…: waits until it succeeds.
awaits() {
	tries=0
	until "$@" >/dev/null 2>&1 || [ $tries -eq 150 ]; do tries=$((tries + 1)); sleep 0.2; done
}

# sums FILE COLUMN [BEHIND]: of all rows of pq who, or of pq runqlat in ms.
sums() {
	awk -F, -v key=$2 -v behind=$3 '{ sub(/\r$/, "") } NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		behind == "" || $at["behind"] == behind || behind == "parts" && $at["behind"] != "total" {
			sum += $at[key] * (key == "waiting" ? $at["interval_s"] * 1000 : 1) }
		END { printf "%.3f\n", sum }' $1
}

# The cgroup is empty when both begin, and asleep when both end: each has all its waits, and none that it has not seen begin.
waits_in_group() {
	: >live.csv >runqlat.csv
	pq runqlat -g /load --csv 1 >runqlat.csv 2>runqlat.err &
	counter=$!
	awaits test -s runqlat.csv
	pq who -g /load --csv -w parts 1 >live.csv 2>live.err &
	live=$!
	awaits grep -q prog_id /proc/$live/fdinfo/*
	sleep 1
	rm -f done
	mkfifo done
	inside "$(cpu_dir load)" guest work 6 4000 >done &
	load=$!
	read -r _ <done
	sleep 3
	kill $counter $live
	wait $counter $live
	kill -9 $load
	wait $load 2>/dev/null
}

# Of a v1 cgroup, pq runqlat counts waits without BPF.
beside_runqlat() {
	[ "$MODE" = v2 ] || return 0
	mkdir -p "$(cpu_dir load)"
	for try in 1 2 3 4 5; do
		waits_in_group
		who=$(sums live.csv wait_ms total) counted=$(sums runqlat.csv waiting)
		echo "# try $try: by pq who $who ms, by pq runqlat $counted; $(sums live.csv waits total) waits"
		! awk "BEGIN { exit !($counted > 0 && $who - $counted < 0.02 * $counted && $counted - $who < 0.02 * $counted) }" || break
	done
	is "pq runqlat and pq who use BPF" "$(col runqlat.csv source | sort -u) $(sed -n 's/.*,\(bpf-[a-z]*\),.*/\1/p' live.csv | sort -u)" "bpf-btf bpf-btf"
	near "pq who has the waits that pq runqlat counts within 2 %" 2 $who $counted
	near "its culprits sum up to its totals" 0.01 $(sums live.csv wait_ms parts) $who
	parts=0
	for part in self neighbour kernel idle quota interrupt steal unknown; do
		parts=$(awk "BEGIN { print $parts + $(sums live.csv ${part}_ms total) }")
	done
	near "and so do the parts in them" 0.01 $parts $who
}

# cpus N: lines of that CPU.
lines_of() { pq trace text --json x.trace 2>/dev/null | grep -c "\"cpu\":$1,"; }

hotplug() {
	record
	echo 0 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	saved
	is "a CPU goes and comes back: nothing is lost" "$? $(info lost_events)" "0 0"
	check "it has lines" "$(lines_of 1) > 10"
	echo 0 >/sys/devices/system/cpu/cpu1/online
	record
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	saved
	is "a CPU comes that has no ring: status 0" $? 0
	check "its events are lost, which is said" "$(info lost_events) > 0"
	says "on standard error" x.err " [1-9][0-9]* lost"
	is "it has no lines" "$(lines_of 1)" 0
}

killed() {
	is "no programs are loaded" "$(guest programs)" 0
	record
	kill -9 $recorder
	wait $recorder 2>/dev/null
	tries=0
	until [ "$(guest programs)" = 0 ] || [ $tries -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done
	is "kill -9 leaves none" "$(guest programs)" 0
}

nobody() {
	chmod 777 /tmp
	guest jail / 65534 /bin/pq trace -o /tmp/user.trace 0.1 2>user.err
	is "a user cannot record: status 3, no file" "$? $(ls /tmp/user.trace 2>/dev/null)" "3 "
	says "and learns why" user.err "BPF is not available: needs CAP_BPF and CAP_PERFMON"
}

# A machine with many CPUs.
many() {
	record
	sleep 2
	saved
	is "$(nproc) CPUs: it works" $? 0
	is "nothing is lost" "$(info lost_events) $(info damaged_blocks)" "0 0"
	check "most have lines" "$(pq trace text --json x.trace 2>/dev/null | sed 's/.*"cpu":\([0-9]*\),.*/\1/' | sort -u | wc -l) > $(nproc) / 2"
	pq who -f x.trace --csv >who.csv 2>who.err
	is "pq who reads it" "$? $(head -n 1 who.csv | cut -d, -f1)" "0 tool"
}

if [ "$(nproc)" -gt 8 ]; then
	many
	killed
else
	for part in ${PARTS:-modes beside_runqlat hotplug killed nobody}; do $part; done
fi
