# pq tasks: it finds the tasks that wait, and divides their waits correctly into quota and contention.
. /vm/lib.sh
figures=wait_pct,quota_pct,contention_pct,cpu_pct,cgroup,pid,tid

# held NAME: seconds for which the kernel says that the group was held back.
held() {
	if [ "$MODE" = v2 ]; then
		awk '/^throttled_usec/ { print $2 / 1e6 }' "$(cpu_dir "$1")/cpu.stat"
	else
		awk '/^throttled_time/ { print $2 / 1e9 }' "$(cpu_dir "$1")/cpu.stat"
	fi
}

see() { pq tasks --csv --budget 10s -c $figures "$@" 2>see.err; }

# complaints FILE: what pq said, but for that the machine was busy.
complaints() { grep -v -e deadlines -e 'did not run in this row' "$1"; }

# known FILE KEY: seconds and column of the rows behind the first in which the parts are known. In those that a missed deadline made
# short, or that were read late, they are not.
known() {
	rows "$1" quota_pct >parts
	rows "$1" "$2" | awk 'NR == FNR { part[NR] = $2; next } FNR > 1 && part[FNR] != ""' parts -
}

# settled FILE KEY: their seconds of that column.
settled() { known "$1" "$2" | awk '{ sum += $1 * $2 / 100 } END { print sum + 0 }'; }

# mean: of rows with seconds and a column.
mean() { awk '{ sum += $1 * $2; s += $1 } END { print s ? sum / s : 0 }'; }

one_burner() {
	quota web
	inside "$(cpu_dir web)" guest burn 1 &
	web=$!
	sleep 1
	before=$(held web) from=$(cut -d' ' -f1 /proc/uptime)
	see -g /web 2 4 >alone.csv
	is "it ends well" "$? $(complaints see.err)" "0 "
	after=$(held web) passed=$(awk -v from=$from '{ print $1 - from }' /proc/uptime)
	seen=$(known alone.csv quota_pct | awk '{ s += $1 } END { print s + 0 }')
	quota=$(settled alone.csv quota_pct) wait=$(settled alone.csv wait_pct) rest=$(settled alone.csv contention_pct)
	echo "# alone: waited $wait s, $quota for quota"
	check "alone: it waited, for quota" "$wait > 3 && $quota >= 0.9 * $wait && $quota <= $wait"
	check "alone: quota and contention are the wait" "$quota + $rest > 0.999 * $wait && $quota + $rest < 1.001 * $wait"
	check "alone: quota is cpu.stat's" "$quota <= $after - $before && $quota >= $after - $before - ($passed - $seen) - 1"

	inside "$(cpu_dir other)" guest burn 2 &
	other=$!
	sleep 1
	beside_neighbours
	weigh web 10000 1024000
	see -g /web 2 5 >heavy.csv
	quota=$(settled heavy.csv quota_pct) wait=$(settled heavy.csv wait_pct)
	echo "# first in turn: waited $wait s, $quota for quota"
	check "first in turn: nearly all is for quota" "$wait > 3 && $quota >= 0.85 * $wait && $quota <= $wait"
	weigh web 100 1024
	no_quota web
	see -g /web 2 3 >free.csv
	is "without a quota nothing is for quota" "$(settled free.csv quota_pct)" 0
	wait=$(settled free.csv wait_pct)
	check "without a quota all is contention" "$wait > 0 && $(settled free.csv contention_pct) == $wait"
}

weigh() { if [ "$MODE" = v2 ]; then echo "$2" >"$(cpu_dir "$1")/cpu.weight"; else echo "$3" >"$(cpu_dir "$1")/cpu.shares"; fi; }
no_quota() {
	if [ "$MODE" = v2 ]; then echo max >"$(cpu_dir "$1")/cpu.max"; else echo -1 >"$(cpu_dir "$1")/cpu.cfs_quota_us"; fi
}

# In % of the time, of the histogram: the waits for which it holds, as long as that field of them has it, in us.
in_waits() {
	awk -F, "NR > 1 && $1"' { sum += $'"$2"' * $7 }
		NR > 1 && !($3 in seen) { seen[$3]; s += $4 } END { print sum / 1e4 / s }' hist.csv
}

# What pq runqlat counted: short waits were for others, as one for quota is 40 ms at least here. What came behind one for quota,
# the turn after it, is part of a long wait there, and contention here.
beside_neighbours() {
	pid="-p $web"
	[ "$MODE" != v2 ] || pid="-g /web"
	pq runqlat $pid -H --csv 10 2 >hist.csv 2>hist.err &
	hist=$!
	pq runqlat $pid --csv 2 7 >lat.csv 2>lat.err &
	lat=$!
	see -g /web 2 7 >near.csv
	wait $hist $lat
	quota=$(known near.csv quota_pct | mean) wait=$(known near.csv wait_pct | mean) rest=$(known near.csv contention_pct | mean)
	counted=$(awk "BEGIN { print 100 * $(rows lat.csv waiting | sed 1d | mean) }")
	short=$(in_waits '$6 < 32768' 5) long=$(in_waits '$6 > 32768' 6)
	echo "# beside neighbours: waited $wait % of the time, $quota for quota, $rest not;" \
		"runqlat: $counted in all, $short in short waits"
	check "neighbours: the wait is runqlat's" "$counted > 30 && $wait >= 0.85 * $counted - 2 && $wait <= 1.15 * $counted + 2"
	check "neighbours: short waits are contention" "$short > 0 && $rest >= 0.8 * $short - 2"
	# at least so much of all the time is for quota: in some rows it may be unknown
	sure=$(awk -v quota="$(settled near.csv quota_pct)" -v all="$(rows near.csv wait_pct | awk 'NR > 1 { s += $1 } END { print s }')" 'BEGIN { print 100 * quota / all }')
	check "neighbours: what is for quota is in long waits" "$sure > 0 && $sure <= $long + 2"
	check "neighbours: some is for quota, and some is not" "$quota > 0.4 * $wait && $rest > 0.01 * $wait"
}

# Two threads in the group: nothing is certain.
two_threads() {
	quota two
	inside "$(cpu_dir two)" guest burn 2 &
	two=$!
	sleep 1
	see -g /two 2 3 >two.csv
	check "two threads: they wait" "$(most two.csv wait_pct) > 20"
	is "two threads: what is for quota is unknown" "$(col two.csv quota_pct | tr -d '\n')" ""
	is "two threads: what is not, too" "$(col two.csv contention_pct | tr -d '\n')" ""
	see -t -g /two 2 2 >two.csv
	is "two threads: of each too" "$(col two.csv quota_pct | tr -d '\n')" ""
	is "there is a row for each" "$(col two.csv tid | sort -u | wc -l)" 2
	kill -9 $two
}

# The quota is that of a level above; beside it another one runs.
nested() {
	quota par
	mkdir "$(cpu_dir par/a)" "$(cpu_dir par/b)"
	[ "$MODE" != v2 ] || echo +cpu >"$CG/par/cgroup.subtree_control"
	[ "$MODE" != v2 ] || echo +cpu >"$CG/par/b/cgroup.subtree_control"
	mkdir "$(cpu_dir par/b)/c"
	inside "$(cpu_dir par/a)" guest burn 1 &
	a=$!
	sleep 1
	see -g /par 2 4 >par.csv
	is "nested: -g finds who is below it" "$(last par.csv pid) $(last par.csv cgroup)" "$a /par/a"
	quota=$(most par.csv quota_pct)
	check "nested: held back by the level above" "$quota > 40 && $quota <= $(most par.csv wait_pct)"
	inside "$(cpu_dir par/b)/c" guest burn 1 &
	b=$!
	sleep 1
	see -g /par 2 4 >par.csv
	is "nested: both are found" "$(col par.csv pid | sort -u | tr '\n' ' ')" "$(printf '%s\n' $a $b | sort | tr '\n' ' ')"
	if [ -e "$(cpu_dir par/a)/cpu.stat.local" ]; then
		known=$(awk -F, 'NR > 1 && $6 > 5 { print $10 }' par.csv | sort -u | wc -l)
		is "nested: by cpu.stat.local both are known" $known 2
	else
		is "nested: two below one quota are unknown" "$(col par.csv quota_pct | tr -d '\n')" ""
	fi
	pq tasks -G -g /par --csv --budget 10s 2 2 >by.csv 2>by.err
	is "-G: a row for each group" "$(col by.csv cgroup | sort -u | tr '\n' ' ')" "/par/a /par/b/c "
	kill -9 $a $b
}

# What -G shows is the sum over the rows of a recording.
by_cgroup() {
	pq tasks --csv --budget 10s -o g.tape 1 4 >rows.csv 2>rows.err
	pq tasks -G -f g.tape --csv --budget 10s >by.csv 2>by.err
	for key in wait_pct cpu_pct; do
		is "-G: $key is the sum" "$(awk -F, -v key=$key '{ sub(/\r$/, "") }
			FNR == 1 { file++; for (i = 1; i <= NF; i++) { if ($i == key) at = i; if ($i == "cgroup") by = i } next }
			$by == "" { next } { sum[$3 "," $by] += file == 1 ? $at : -$at; if (file == 2) n++ }
			END { for (i in sum) if (sum[i] > 1 || sum[i] < -1) print i, sum[i]; print (n > 3) }' rows.csv by.csv)" 1
	done
}

# Threads may be in cgroups of their own, and held back there.
threaded() {
	mkdir "$(cpu_dir dom)"
	inside "$(cpu_dir dom)" guest burn 2 &
	dom=$!
	sleep 0.5
	mkdir "$(cpu_dir dom/t)"
	thread=$(ls /proc/$dom/task | tail -n 1)
	if [ "$MODE" = v2 ]; then
		echo threaded >"$CG/dom/t/cgroup.type"
		echo +cpu >"$CG/dom/cgroup.subtree_control"
		echo $thread >"$CG/dom/t/cgroup.threads"
	else
		echo $thread >"$(cpu_dir dom/t)/tasks"
	fi
	quota dom/t
	sleep 1
	see -t -p $dom 2 3 >dom.csv
	held_at=$(awk -F, -v tid=$thread '$0 ~ "," tid ","' dom.csv)
	echo "# a thread with a quota of its own: $held_at"
	check "a thread with a quota of its own waits" "$(echo "$held_at" | awk -F, '$4 > 1 { wait = $5 } END { print wait + 0 }') > 40"
	is "its split is not taken from its process's cgroup" "$(echo "$held_at" | cut -d, -f6,7 | sort -u)" ","
	see -p $dom 2 2 >dom.csv
	is "nor is that of the process" "$(last dom.csv quota_pct)" ""
	if [ "$MODE" = v2 ]; then
		see -g /dom 1 2 >dom.csv
		is "-g of the domain has the process" "$? $(last dom.csv pid)" "0 $dom"
		for tool in tasks "runqlat --source schedstat"; do
			pq $tool -g /dom/t --csv 1 1 >t.csv 2>t.err
			is "$tool -g of a threaded cgroup: status 3, no rows" "$? $(sed 1d t.csv)" "3 "
			says "and why" t.err "/dom/t is threaded"
		done
	fi
	kill -9 $dom
}

# Figures of other users' processes are hidden, and are not 0.
hidden() {
	inside "$(cpu_dir other)" guest burn 1 &
	burner=$!
	mount -o remount,hidepid=2 /proc
	chmod 755 /tmp
	guest jail / 65534 /bin/pq tasks --csv 1 2 >hid.csv 2>hid.err
	is "hidepid: a user sees what is his own" "$? $(col hid.csv comm | sort -u)" "0 pq"
	guest jail / 65534 /bin/pq tasks -p $burner --csv 1 1 >hid.csv 2>hid.err
	is "hidepid: -p of another's: status 3, one line" "$? $(wc -l <hid.err)" "3 1"
	for tool in tasks "runqlat --source schedstat"; do
		guest jail / 65534 /bin/pq $tool -g /other --csv 1 1 >hid.csv 2>hid.err
		is "hidepid: $tool -g of others': status 3, no rows" "$? $(sed 1d hid.csv)" "3 "
		says "and why" hid.err "hidepid"
	done
	mount -o remount,hidepid=0 /proc
	kill -9 $burner
}

delays() {
	disk=$(ls /sys/block | grep -v -e loop -e ram -e zram | head -n 1)
	pq tasks --csv --budget 10s -c blkio_pct,pid 1 1 >off.csv 2>off.err
	is "without delay accounting %blkio is unknown" "$(col off.csv blkio_pct | tr -d '\n')" ""
	if [ ! -e /proc/sys/kernel/task_delayacct ]; then
		says "and that is said" off.err "does not tell whether it accounts delays"
		return
	fi
	says "and that is said" off.err "sysctl kernel.task_delayacct=1"
	echo 1 >/proc/sys/kernel/task_delayacct
	guest burn 1 &
	burner=$!
	sleep 0.5
	pq tasks -p $burner --csv --budget 10s -c blkio_pct 1 2 >on.csv 2>on.err
	is "with it, it is known: who reads no disk waits for none" "$(last on.csv blkio_pct) $(complaints on.err)" "0.0 "
	kill -9 $burner
	if [ -z "$disk" ]; then
		echo "# there is no disk to wait for"
		return
	fi
	sh -c "while :; do dd if=/dev/$disk of=/dev/null bs=64k iflag=direct 2>/dev/null; done" &
	reader=$!
	pq tasks --csv --budget 10s -c comm,blkio_pct 1 4 >disk.csv 2>disk.err
	kill -9 $reader
	check "who reads one does" "$(awk -F, '$5 == "dd" && $6 > 0' disk.csv | wc -l) > 0"
}

# Both sources at once, of the same processes: the same threads, and the same figures.
sources() {
	guest burn 3 &
	burners=$!
	sleep 900 &
	sleeper=$!
	sleep 1
	columns=pid,tid,comm
	loop=$(grep -c ' bpf_iter_task_new$' /proc/kallsyms)
	[ "$loop" = 0 ] || loop=bpf-loop
	for source in $loop bpf-iter; do
		[ $source != 0 ] || continue
		pq tasks -t --csv --source proc --budget 10s -c $columns 4 2 >proc.csv 2>proc.err &
		proc=$!
		pq tasks -t --csv --source $source -c $columns 4 2 >bpf.csv 2>bpf.err
		is "$source works" "$?$(complaints bpf.err)" 0
		wait $proc
		for f in proc bpf; do
			awk -F, -v pid=$burners '$5 == pid { print $6, $7 }' $f.csv | tr -d '\r' | sort -u >$f.threads
		done
		is "$source: the same threads and names" "$(tr '\n' ' ' <bpf.threads)" "$(tr '\n' ' ' <proc.threads)"
		check "$source: three threads of the burner" "$(wc -l <bpf.threads) >= 3"
		numbered $source
		stopped $source
		same_tasks $source
		pq tasks --csv --source proc --budget 10s -p $sleeper -c pid,cgroup,comm,threads,sleeping 1 1 2>/dev/null | cut -d, -f5-9 >proc.csv
		pq tasks --csv --source $source -p $sleeper -c pid,cgroup,comm,threads,sleeping 1 1 2>/dev/null | cut -d, -f5-9 >bpf.csv
		is "$source: a process that sleeps" "$(tail -n 1 bpf.csv)" "$(tail -n 1 proc.csv)"
		pq tasks --csv --source $source 0.2 >/dev/null 2>&1 &
		tries=0
		until [ "$(guest programs)" != 0 ] || [ $tries -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done
		check "$source: its program is loaded" "$(guest programs) >= 1"
		leaves_none "$source"
	done
	kill -9 $burners $sleeper
	namespaces
}

# In a pid namespace, and in one within it: its own tasks, with its own numbers.
namespaces() {
	cat >nested.sh <<-'EOF'
		. /vm/lib.sh
		PARTS=none
		. /vm/tasks.sh
		sleep 900 &
		same_tasks bpf-iter "$1"
		is "$1: numbers of the namespace" "$(awk '$1 < 40' read | wc -l)" "$(wc -l <read)"
		kill $!
	EOF
	unshare -p -f --mount-proc sh nested.sh "in a pid namespace"
	unshare -p -f --mount-proc unshare -p -f --mount-proc sh nested.sh "in a namespace of a namespace"
}

none() { :; }

# all_tasks: "PID TID" of every task in /proc.
all_tasks() {
	for t in /proc/[0-9]*/task/*; do echo $t; done | awk -F/ '{ print $3, $5 }'
}

# same_tasks SOURCE: all tasks that stay are read, and none that /proc does not show. Tasks come and go meanwhile: once out of
# five times none does.
same_tasks() {
	for try in 1 2 3 4 5; do
		all_tasks >before
		pq tasks --source $1 -o all.tape 0.2 1 >/dev/null 2>all.err || break
		all_tasks >after
		rm -rf all
		pq tape unpack all.tape all
		for last in all/*; do :; done
		awk 'NR > 3 && $NF != "pq" { print $1, $2 }' $last/pq/tasks >read
		missing=$(awk 'FILENAME == "read" { read[$0]; next } FILENAME == "before" { old[$0]; next } $0 in old && !($0 in read)' read before after)
		many=$(awk 'FILENAME != "read" { ever[$0]; next } !($0 in ever)' before after read)
		[ -n "$missing$many" ] || break
	done
	is "$1${2:+ $2}: the tasks of /proc" "missing: $missing too many: $many $(grep -v deadlines all.err)" "missing:  too many:  "
	check "$1${2:+ $2}: some tasks" "$(wc -l <read) >= 1"
}

# numbered SOURCE: a row has the number of the cgroup of the controller cpu, which is that of its directory.
numbered() {
	mkdir -p "$(cpu_dir counted)"
	inside "$(cpu_dir counted)" sleep 900 &
	until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.1; done
	rm -rf ids
	pq tasks --source $1 -o ids.tape 0.2 1 >/dev/null 2>&1
	pq tape unpack ids.tape ids
	for last in ids/*; do :; done
	is "$1: the number of a cgroup" "$(awk -v pid=$! '$1 == pid { print $14 }' $last/pq/tasks)" "$(stat -c %i "$(cpu_dir counted)")"
	kill -9 $!
}

# stopped SOURCE: of a process that stands still, what BPF read is to the digit what the files say.
stopped() {
	kill -STOP $burners
	sleep 1
	pq tasks --source $1 -o still.tape 0.2 1 >/dev/null 2>&1
	rm -rf still
	pq tape unpack still.tape still
	for tid in $(ls /proc/$burners/task); do
		t=/proc/$burners/task/$tid
		echo $burners $tid T $(cat $t/schedstat) $(awk '/voluntary_ctxt/ { print $2 }' $t/status) $(cut -d' ' -f12 $t/stat)
	done | sort -n -k 2 >files
	for f in still/*/pq/tasks; do last=$f; done
	awk -v pid=$burners '$1 == pid { print $1, $2, $3, $4, $5, $6, $7, $8, $9 }' $last >rows
	is "$1: rows are what the files say" "$(tr '\n' '|' <rows)" "$(tr '\n' '|' <files)"
	check "$1: three threads and more in them" "$(wc -l <rows) >= 3"
	kill -CONT $burners
}

mkdir -p "$(cpu_dir other)"
for part in ${PARTS:-sources one_burner by_cgroup two_threads nested threaded hidden delays}; do $part; done
[ -z "$web$other" ] || kill -9 $web $other
