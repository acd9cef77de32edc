# pq trace --when: while nobody looks, a thread waits for a CPU for long, behind a neighbour, for its quota, beside an idle CPU, or
# with a lock; it is caught, and pq who says what it waited for.
. /vm/lib.sh
mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null

# Victims are on the first CPU. All else is on the second one, so that it makes nobody wait who is watched.
taskset -p 2 $$ >/dev/null
mkdir -p "$(cpu_dir api)" "$(cpu_dir batch)" "$(cpu_dir etl)" "$(cpu_dir shop)" saved
if [ "$MODE" = v2 ]; then
	echo 1 >"$(cpu_dir api)/cpu.weight"
	echo 1000 >"$(cpu_dir batch)/cpu.weight"
	echo "100000 1000000" >"$(cpu_dir shop)/cpu.max"
else
	echo 10 >"$(cpu_dir api)/cpu.shares"
	echo 10240 >"$(cpu_dir batch)/cpu.shares"
	echo 1000000 >"$(cpu_dir shop)/cpu.cfs_period_us"
	echo 100000 >"$(cpu_dir shop)/cpu.cfs_quota_us"
fi

await() {
	tries=0
	until grep -q "$2" "$1" 2>/dev/null || [ $tries -eq 120 ]; do
		tries=$((tries + 1))
		sleep 0.5
	done
}

spin='while :; do :; done'

# watch_over COMM: begins a recorder that saves what made a thread wait.
watch_over() {
	comm=$1
	rm -f log saved/*
	pq trace --save saved --when 'wait > 300ms' --before 60s --after 1s --ring 16M --cooldown 0s --max-saves 1000 2>log &
	recorder=$!
	await log records
}

# caught CASE: the victim's wait was saved, in $file; its rows are in "rows".
caught() {
	await log " saved: wait_ms of $comm\[$victim\]" # other threads may wait too, on a slow machine
	says "$1: a long wait triggers a save" log "fired: wait_ms of $comm\[$victim\] is [0-9.]*: wait > 300ms"
	# an interrupt of an emulated CPU may take the place of an event
	says "$1: the save succeeds" log "saved: wait_ms of $comm\[$victim\] .*, [0-3] lost"
	kill -9 $victim $others
	kill $recorder
	wait $recorder
	is "$1: pq trace ends" $? 0
	file=$(sed -n "s/.* saved: wait_ms of $comm\[$victim\] .*: \(saved[^,]*\),.*/\1/p" log | head -n 1)
	pq trace info "$file" >about
	says "$1: the trigger is a mark" about "^mark .* trigger wait_ms of $comm\[$victim\]"
	pq who -f "$file" --csv >rows 2>err
	grep -h -e "$comm.$victim." -e "^who,.*,/[a-z]" log about rows | sed 's/^/# /'
}

# share VICTIM BEHIND CULPRIT KEY: that column of the row; a culprit may be left out with -.
share() {
	awk -F, -v victim="$1" -v behind="$2" -v culprit="$3" -v key="$4" '{ sub(/\r$/, "") }
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["victim"] == victim && $at["behind"] == behind && (culprit == "-" || $at["culprit"] == culprit) { print $at[key] + 0; exit }' rows
}

neighbour() {
	inside "$(cpu_dir api)" taskset 1 sh -c "$spin" &
	victim=$!
	sleep 1
	watch_over sh
	inside "$(cpu_dir etl)" taskset 2 sh -c "$spin" &
	others=$!
	inside "$(cpu_dir batch)" taskset 1 sh -c "$spin" &
	others="$others $!"
	caught neighbour
	check "the neighbour has most of the wait" "$(share /api neighbour /batch share_pct) > 60"
	check "no CPU was idle meanwhile" "$(share /api neighbour /batch elsewhere_ms) < 0.1 * $(share /api neighbour /batch wait_ms)"
}

affinity() {
	inside "$(cpu_dir api)" taskset 1 sh -c "$spin" &
	victim=$!
	sleep 1
	watch_over sh
	inside "$(cpu_dir batch)" taskset 1 sh -c "$spin" &
	others=$!
	caught affinity
	check "a CPU was idle meanwhile" "$(share /api neighbour /batch elsewhere_ms) > 0.3 * $(share /api neighbour /batch wait_ms)"
}

# pq reads what a quota throttled when it begins, of the cgroups that have processes then.
quota() {
	inside "$(cpu_dir shop)" sleep 1000 &
	others=$!
	await /proc/$others/cgroup /shop
	watch_over sh
	sleep 4 # pq's readings may be a little late: 50 ms, and 5 % of the time
	inside "$(cpu_dir shop)" taskset 1 sh -c "$spin" &
	victim=$!
	caught quota
	check "the quota has most of the wait" "$(share /shop quota - share_pct) > 60"
}

# Who holds a lock does not run. Who wants it waits as long, but is blocked, which is no wait for a CPU.
lock() {
	inside "$(cpu_dir api)" taskset 1 guest hold lock >held &
	victim=$!
	await held held
	watch_over guest
	inside "$(cpu_dir shop)" guest lock lock &
	blocked=$!
	await /proc/locks '[-]> FLOCK'
	inside "$(cpu_dir batch)" taskset 1 sh -c "$spin" &
	others="$! $blocked"
	caught lock
	check "who holds the lock waits behind the neighbour" "$(share /api neighbour /batch share_pct) > 60"
	is "who wants it is blocked to the end" "$(pq trace text --json "$file" | grep "\"tid\":$blocked," | tail -n 1 |
		sed 's/.*"state":"\([^"]*\)".*/\1/')" S
}

for case in ${PARTS:-neighbour affinity quota lock}; do $case; done
pq trace --save saved --when 'wait > 1h' 2>log &
await log records
leaves_none "pq trace"
