# The static file alone in an empty root with /proc and /sys, as root and as nobody; and what scripts/capture keeps.
. /vm/lib.sh
mkdir jail jail/proc jail/sys
cp /bin/pq jail/pq
mount --bind /proc jail/proc
mount --rbind /sys jail/sys
mkdir -p "$(mem_dir box)" "$(cpu_dir box)"
echo $$ >"$(cpu_dir box)/cgroup.procs"
echo $$ >"$(mem_dir box)/cgroup.procs"
for uid in 0 65534; do
	for tool in "runq" "runq -P ALL" cpu throttle mem; do
		guest jail jail $uid /pq $tool --csv 1 1 >out 2>err
		is "$tool alone as user $uid" "$? $(sed '/no visible cgroup level has a memory limit/d; /they need cgroup v2 and/d' err)" "0 "
		check "$tool has rows" "$(wc -l <out) > 1"
	done
	is "it finds the group as user $uid" "$(last out cgroup)" /box
done
quota box
capture kept 3 1 >said
is "capture works with busybox alone" $? 0
for tool in runq cpu throttle mem; do
	pq $tool -f kept --csv >out 2>err
	is "$tool replays it" "$? $(sed '/no visible cgroup level has a memory limit/d; /they need cgroup v2 and/d' err)" "0 "
done
is "with the group's limit" "$(pq throttle -f kept --csv | tail -n 1 | cut -d, -f5,6)" /box,0.2
