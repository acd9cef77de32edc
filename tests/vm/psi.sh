# pq psi beside the pressure files read by hand (v2).
. /vm/lib.sh
some() { sed -n 's/^some.*total=//p' "$1"; }
full() { sed -n 's/^full.*total=//p' "$1"; }
web=$CG/web
quota web
mkdir "$CG/idle"
burn "$web" 3

# near NAME GOT BEFORE AFTER: a share of 4 rows of 1 s, as us, against the file's growth around them.
near() { check "$1" "$2 * 1e4 <= $4 - $3 + 5000 && $2 * 1e4 >= ($4 - $3) * 0.5 - 5000"; }

before=$(some "$web/cpu.pressure") before_full=$(full "$web/cpu.pressure") machine=$(some /proc/pressure/cpu)
pq psi -a --csv 1 4 >a.csv 2>a.err
is "psi ends well" $? 0
after=$(some "$web/cpu.pressure") after_full=$(full "$web/cpu.pressure")
near "cpu some" "$(whole a.csv cpu_some_pct /web)" "$before" "$after"
near "cpu full" "$(whole a.csv cpu_full_pct /web)" "$before_full" "$after_full"
near "cpu some of the machine" "$(whole a.csv cpu_some_pct machine)" "$machine" "$(some /proc/pressure/cpu)"
check "a quota is pressure" "$(whole a.csv cpu_full_pct /web) > 100"
is "cpu full of the machine is unknown" "$(col a.csv cpu_full_pct machine | tr -d '\n')" ""
is "an idle group has none" "$(total a.csv cpu_some_pct /idle) $(total a.csv mem_full_pct /idle)" "0 0"
is "the root is the machine" "$(col a.csv cgroup / | wc -l)" 0
is "the machine first, then the worst" "$(col a.csv cgroup | head -n 2 | tr '\n' ' ')" "machine /web "
pq psi -p "${burners##* }" -w all 1 1 >p.txt 2>p.err
check "-p finds the group" "$(grep -c /web p.txt) > 0"
pq psi -g / --csv 1 1 >root.csv 2>root.err
is "-g / is the root" "$(col root.csv cgroup) $(col root.csv cpu_full_pct)" "/ "
inside "$web" guest ns pq psi -g / --csv 1 2 >ns.csv 2>ns.err
is "in a namespace its group is /" "$(col ns.csv cgroup | uniq)" /
check "which is a group, with cpu full" "$(last ns.csv cpu_full_pct) > 10"

if [ -e "$web/cgroup.pressure" ]; then
	pq psi -g /web --csv 0.5 8 >off.csv 2>off.err &
	sleep 1.6
	echo 0 >"$web/cgroup.pressure"
	sleep 1.2
	echo 1 >"$web/cgroup.pressure"
	wait $!
	is "switched off, its rows pause and the run goes on" $? 0
	check "rows are there before or behind" "$(col off.csv cgroup | wc -l) > 1"
	says "and it is said" off.err "/web: pressure is switched off (write 1"
	echo 0 >"$web/cgroup.pressure"
	pq psi -g /web 1 1 >off.out 2>off.err
	is "switched off from the start is status 3" "$? $(wc -c <off.out)" "3 0"
	pq psi -a --csv 1 1 >off.csv 2>off.err
	is "with -a the others are left" "$? $(col off.csv cgroup | grep -cx /web) $(col off.csv cgroup | grep -cx -e /idle -e machine)" "0 0 2"
	echo 1 >"$web/cgroup.pressure"
fi
stop

mm=$CG/mm
mkdir "$mm"
echo 16M >"$mm/memory.high"
before=$(some "$mm/memory.pressure")
pq psi -g /mm --csv 1 4 >m.csv 2>m.err &
sleep 1.5
inside "$mm" guest mem 17 >taken &
hog=$!
sleep 1.5
kill -9 $hog
wait $hog 2>/dev/null
wait %1
after=$(some "$mm/memory.pressure")
got=$(whole m.csv mem_some_pct)
check "memory some is memory.pressure's" "$got * 1e4 <= $after - $before + 1000 && $got * 1e4 >= ($after - $before) * 0.95 - 20000"

mkdir "$CG/gone"
pq psi -g /gone --csv 0.5 6 >gone.csv 2>gone.err &
sleep 1.5
rmdir "$CG/gone"
wait $!
is "a group that is removed ends its rows, not the run" $? 0
says "and that is said" gone.err "/gone: removed; its rows end here"
