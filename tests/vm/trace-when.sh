# pq trace --when: while nobody looks, a neighbour cgroup keeps a thread waiting for a CPU, and pq who says which one.
. /vm/lib.sh
mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null

mkdir -p "$(cpu_dir api)" "$(cpu_dir batch)" saved
echo 1 >"$(cpu_dir api)/cpu.weight"
echo 1000 >"$(cpu_dir batch)/cpu.weight"
await() {
	tries=0
	until grep -q "$2" "$1" 2>/dev/null || [ $tries -eq 300 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
}

inside "$(cpu_dir api)" taskset 1 sh -c 'while :; do :; done' &
victim=$!
sleep 1
pq trace --save saved --when 'wait > 300ms' --before 5s --after 1s --ring 16M --cooldown 0s --max-saves 1000 2>log &
recorder=$!
await log records
inside "$(cpu_dir batch)" taskset 1 sh -c 'while :; do :; done' &
culprit=$!
await log " saved: wait_ms of sh\[$victim\]" # other threads may wait too, on a slow machine
says "a long wait triggers a save" log "fired: wait_ms of sh\[$victim\] is [0-9.]*: wait > 300ms"
says "the save succeeds" log "saved: wait_ms of sh\[$victim\] .*, 0 lost"
kill -9 $victim $culprit
file=$(sed -n "s/.* saved: wait_ms of sh\[$victim\] .*: \(saved[^,]*\),.*/\1/p" log | head -n 1)
pq trace info "$file" >info
says "the trigger is a mark" info '^mark .* trigger wait_ms of sh'
pq who -f "$file" --csv >rows 2>err
is "pq who names the culprit" "$(awk -F, '/neighbour/ && /\/api/ { print (/\/batch/ ? "batch" : $0); exit }' rows)" batch
cat rows | sed 's/^/# /'
kill $recorder
wait $recorder
is "pq trace ends" $? 0
pq trace --save saved --when 'wait > 1h' 2>log &
await log records
leaves_none "pq trace"
