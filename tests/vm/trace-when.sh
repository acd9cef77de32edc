# pq trace --when: while nobody looks, a thread waits for a CPU for long, behind a neighbour, for its quota, beside an idle CPU, or
# with a lock; it is caught, and pq who says what it waited for.
. /vm/lib.sh
mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null

mkdir -p "$(cpu_dir api)" "$(cpu_dir batch)" "$(cpu_dir shop)" saved
echo 1 >"$(cpu_dir api)/cpu.weight"
echo 1000 >"$(cpu_dir batch)/cpu.weight"
echo "100000 1000000" >"$(cpu_dir shop)/cpu.max"

await() {
	tries=0
	until grep -q "$2" "$1" 2>/dev/null || [ $tries -eq 300 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
}

spin='while :; do :; done'

# watch_over: begins a recorder that saves what made a thread wait.
watch_over() {
	rm -f saved/*
	pq trace --save saved --when 'wait > 300ms' --before 5s --after 1s --ring 16M --cooldown 0s --max-saves 1000 2>log &
	recorder=$!
	await log records
}

# caught CASE: the victim's wait was saved, in $file; its rows are in "rows".
caught() {
	await log " saved: wait_ms of sh\[$victim\]" # other threads may wait too, on a slow machine
	says "$1: a long wait triggers a save" log "fired: wait_ms of sh\[$victim\] is [0-9.]*: wait > 300ms"
	says "$1: the save succeeds" log "saved: wait_ms of sh\[$victim\] .*, 0 lost"
	kill -9 $victim $others
	kill $recorder
	wait $recorder
	is "$1: pq trace ends" $? 0
	file=$(sed -n "s/.* saved: wait_ms of sh\[$victim\] .*: \(saved[^,]*\),.*/\1/p" log | head -n 1)
	pq trace info "$file" >about
	says "$1: the trigger is a mark" about "^mark .* trigger wait_ms of sh\[$victim\]"
	pq who -f "$file" -n 0 --csv >rows 2>err
	sed 's/^/# /' rows
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
	watch_over
	others=
	for cpu in 1 2; do
		inside "$(cpu_dir batch)" taskset $cpu sh -c "$spin" &
		others="$others $!"
	done
	caught neighbour
	check "the neighbour has most of the wait" "$(share /api neighbour /batch share_pct) > 60"
	check "no CPU was idle meanwhile" "$(share /api neighbour /batch elsewhere_ms) < 0.3 * $(share /api neighbour /batch wait_ms)"
}

affinity() {
	inside "$(cpu_dir api)" taskset 1 sh -c "$spin" &
	victim=$!
	sleep 1
	watch_over
	inside "$(cpu_dir batch)" taskset 1 sh -c "$spin" &
	others=$!
	caught affinity
	check "a CPU was idle meanwhile" "$(share /api neighbour /batch elsewhere_ms) > 0.6 * $(share /api neighbour /batch wait_ms)"
}

quota() {
	watch_over
	inside "$(cpu_dir shop)" sh -c "$spin" &
	victim=$!
	others=
	caught quota
	check "the quota has most of the wait" "$(share /shop quota - share_pct) > 60"
}

# Who holds a lock does not run: who wants it waits as long, but is blocked.
lock() {
	inside "$(cpu_dir api)" taskset 1 sh -c "flock 9; $spin" 9>lock &
	victim=$!
	sleep 1
	watch_over
	inside "$(cpu_dir batch)" taskset 1 sh -c "$spin" &
	others=$!
	inside "$(cpu_dir api)" flock lock true &
	others="$others $!"
	caught lock
	check "who holds the lock waits behind the neighbour" "$(share /api neighbour /batch share_pct) > 60"
}

neighbour
affinity
quota
lock
pq trace --save saved --when 'wait > 1h' 2>log &
await log records
leaves_none "pq trace"
