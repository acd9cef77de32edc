# pq mem beside the memory files read by hand.
. /vm/lib.sh
mm=$(mem_dir mm)
mkdir "$mm"
if [ "$MODE" = v2 ]; then
	limit=memory.max current=memory.current anon=anon file=file shmem=shmem
	max() { key "$1/memory.events" max; }
	kills() { key "$1/memory.events" oom_kill; }
else
	limit=memory.limit_in_bytes current=memory.usage_in_bytes anon=total_rss file=total_cache shmem=total_shmem
	max() { cat "$1/memory.failcnt"; }
	kills() { key "$1/memory.oom_control" oom_kill; }
fi

# same NAME GOT BEFORE AFTER: what it was when read by hand; the kernel may have lent some pages to a CPU in between.
same() { check "$1" "$2 >= $3 - 262144 && $2 <= $4 + 262144"; }

echo 64M >"$mm/$limit"
inside "$mm" dd if=/dev/zero of=/tmp/file bs=1M count=10 2>/dev/null
inside "$mm" guest mem 40 >taken &
hog=$!
until grep -q taken taken; do sleep 0.2; done
sleep 3 # the kernel adds up memory.stat every two seconds
cat "$mm/$current" >before
cp "$mm/memory.stat" stat
pq mem -g /mm --csv 1 2 >a.csv 2>a.err
is "mem ends well" $? 0
cat "$mm/$current" >after
is "the limit" "$(last a.csv limit_bytes /mm) $(last a.csv limit_level /mm)" "67108864 /mm"
same "used" "$(last a.csv used_bytes /mm)" "$(cat before)" "$(cat after)"
same "anon" "$(last a.csv anon_bytes /mm)" "$(key stat $anon)" "$(key "$mm/memory.stat" $anon)"
same "file" "$(last a.csv file_bytes /mm)" "$(key stat $file)" "$(key "$mm/memory.stat" $file)"
same "shmem" "$(last a.csv shmem_bytes /mm)" "$(key stat $shmem)" "$(key "$mm/memory.stat" $shmem)"
check "shmem is what was written into tmpfs" "$(last a.csv shmem_bytes /mm) >= 10250000 && $(last a.csv shmem_bytes /mm) < 10600000"
check "anon is what was taken" "$(last a.csv anon_bytes /mm) >= 41600000 && $(last a.csv anon_bytes /mm) < 43000000"
check "hard is anon, tmpfs and the kernel's" "$(last a.csv hard_bytes /mm) >= 52428800 && $(last a.csv hard_bytes /mm) <= $(last a.csv used_bytes /mm)"
check "%hard" "$(last a.csv hard_pct /mm) >= 78 && $(last a.csv hard_pct /mm) <= 100"
[ "$MODE" != v2 ] ||
	same "kernel" "$(last a.csv kernel_bytes /mm)" "$(key stat kernel)" "$(key "$mm/memory.stat" kernel)"

pq mem -p $hog --csv 1 1 >p.csv 2>p.err
is "-p finds the process's group" "$(col p.csv cgroup)" /mm
inside "$mm" pq mem --csv 1 1 >self.csv 2>self.err
is "the default is pq's own group" "$(col self.csv cgroup)" /mm
pq mem -a --csv 1 1 >all.csv 2>all.err
is "-a lists the groups with a limit" "$(col all.csv cgroup)" /mm

max=$(max "$mm") kills=$(kills "$mm")
pq mem -g /mm --csv 1 5 >oom.csv 2>oom.err &
sleep 2
inside "$mm" guest mem 100 >/dev/null 2>&1
wait $!
is "an OOM kill ends no run" $? 0
kill -9 $hog 2>/dev/null
wait $hog 2>/dev/null
check "kills are the kernel's" "$(total oom.csv oom_kill /mm) == $(kills "$mm") - $kills && $(kills "$mm") > $kills"
check "max is the kernel's" "$(total oom.csv max /mm) == $(max "$mm") - $max && $(max "$mm") > $max"
[ "$MODE" != v2 ] || check "oom is the kernel's" "$(total oom.csv oom /mm) == $(key "$mm/memory.events" oom)"

if [ "$MODE" = v2 ]; then
	mkdir "$CG/slow"
	echo 16M >"$CG/slow/memory.high"
	pq mem -g /slow --csv 1 4 >high.csv 2>high.err &
	sleep 1.5
	inside "$CG/slow" guest mem 17 >taken &
	hog=$!
	sleep 1.5
	kill -9 $hog
	wait $hog 2>/dev/null
	high=$(key "$CG/slow/memory.events" high)
	wait %1
	check "high is the kernel's" "$(total high.csv high /slow) == $high && $high > 0"
	some=$(sed -n 's/some.*total=//p' "$CG/slow/memory.pressure")
	got=$(whole high.csv mem_some_pct /slow)
	check "%some is memory.pressure's" "$got * 1e4 <= $some + 1000 && $got * 1e4 >= $some * 0.95 - 20000"

	mkdir -p "$CG/top/box"
	echo +memory >"$CG/top/cgroup.subtree_control"
	echo 64M >"$CG/top/memory.max"
	inside "$CG/top/box" guest ns pq mem --csv 1 1 >ns.csv 2>ns.err
	is "in a namespace its group is /" "$(col ns.csv cgroup | tail -n 1)" /
	says "a note says that parent cgroups are hidden" ns.err "parent cgroups of / are hidden"
fi

mkdir "$(mem_dir gone)"
pq mem -g /gone --csv 0.5 6 >gone.csv 2>gone.err &
sleep 1.5
rmdir "$(mem_dir gone)"
wait $!
is "a group that is removed ends its rows, not the run" $? 0
check "it had rows before" "$(col gone.csv cgroup /gone | wc -l) > 0 && $(col gone.csv cgroup /gone | wc -l) < 6"
says "and that is said" gone.err "/gone.*rows end here"
