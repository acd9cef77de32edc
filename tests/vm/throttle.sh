# pq throttle beside cpu.stat read by hand.
. /vm/lib.sh
web=$(cpu_dir web)
unit=1e6
[ "$MODE" = v2 ] || unit=1e9
throttled_s() { awk -v unit=$unit '/^throttled_(usec|time)/ { print $2 / unit }' "$1"; }

quota web
burn "$web" 3
periods=$(key "$web/cpu.stat" nr_periods) throttled=$(key "$web/cpu.stat" nr_throttled) held=$(throttled_s "$web/cpu.stat")
pq throttle -g /web --csv 2 3 >a.csv 2>a.err
status=$?
periods=$(($(key "$web/cpu.stat" nr_periods) - periods))
throttled=$(($(key "$web/cpu.stat" nr_throttled) - throttled))
held=$(awk "BEGIN { print $(throttled_s "$web/cpu.stat") - $held }")
is "throttle ends well" $status 0
is "three rows" "$(col a.csv cgroup | wc -l)" 3
got=$(total a.csv periods)
check "periods are cpu.stat's" "$got > 0 && $got <= $periods && $got >= $periods - 10"
got=$(total a.csv throttled)
check "throttled periods are cpu.stat's" "$got > 0 && $got <= $throttled && $got >= $throttled - 10"
got=$(whole a.csv held_cpus)
check "held is cpu.stat's throttled time" "$got > 0 && $got <= $held * 1.01 + 0.1 && $got >= $held - 2"
got=$(awk "BEGIN { print $(whole a.csv used_cpus) / $(total a.csv interval_s) }")
check "used is about the limit" "$got > 0.15 && $got < 0.25"
is "the limit" "$(first a.csv limit_cpus) $(first a.csv limit_level)" "0.2 /web"

set -- $burners
pq throttle -p $1 --csv 1 1 >p.csv 2>p.err
is "-p finds the process's group" "$(col p.csv cgroup)" /web
inside "$web" pq throttle --csv 1 1 >self.csv 2>self.err
is "the default is pq's own group" "$(col self.csv cgroup)" /web
pq throttle -a --csv 1 1 >all.csv 2>all.err
is "-a lists the groups with a quota" "$(col all.csv cgroup)" /web

mkdir "$(cpu_dir other)"
pq throttle -p $1 --csv 1 5 >move.csv 2>move.err &
sleep 2.5
echo $1 >"$(cpu_dir other)/cgroup.procs"
wait $!
is "a process that moves is followed" "$? $(col move.csv cgroup | uniq | tr '\n' ' ')" "0 /web /other "
says "and that is said" move.err "has moved to another cgroup: /other"
stop

mkdir "$(cpu_dir gone)"
pq throttle -g /gone --csv 0.5 6 >gone.csv 2>gone.err &
sleep 1.5
rmdir "$(cpu_dir gone)"
wait $!
is "a group that is removed ends its rows, not the run" $? 0
check "it had rows before" "$(col gone.csv cgroup | wc -l) > 0 && $(col gone.csv cgroup | wc -l) < 6"
says "and that is said" gone.err "/gone.*rows end here"

quota par
mkdir "$(cpu_dir par/child)"
[ "$MODE" != v2 ] || echo +cpu >"$CG/par/cgroup.subtree_control"
child=$(cpu_dir par/child)
burn "$child" 3
local_before=$(throttled_s "$child/cpu.stat.local" 2>/dev/null) par=$(throttled_s "$(cpu_dir par)/cpu.stat")
pq throttle -g /par/child --csv 2 3 >c.csv 2>c.err
par=$(awk "BEGIN { print $(throttled_s "$(cpu_dir par)/cpu.stat") - $par }")
is "the child's own counters stay 0" "$(total c.csv periods /par/child) $(total c.csv throttled /par/child)" "0 0"
is "the child's limit is its parent's" "$(first c.csv limit_cpus /par/child) $(first c.csv limit_level /par/child)" "0.2 /par"
got=$(whole c.csv held_cpus /par)
check "the parent's row has its throttled time" "$got > 0 && $got <= $par * 1.01 + 0.1 && $got >= $par - 2"
if [ -e "$child/cpu.stat.local" ]; then
	here=$(awk "BEGIN { print $(throttled_s "$child/cpu.stat.local") - $local_before }")
	got=$(whole c.csv held_cpus /par/child)
	check "the child's held is cpu.stat.local's" "$got > 0 && $got <= $here * 1.01 + 0.1 && $got >= $here - 2"
else
	is "without cpu.stat.local the child's held is unknown" "$(col c.csv held_cpus /par/child | tr -d '\n')" ""
fi
is "nothing is hidden from the root" "$(col c.csv hidden_cpus /par/child | sort -u)" 0.0
if [ "$MODE" = v2 ]; then
	inside "$child" guest ns pq throttle --csv 2 3 >ns.csv 2>ns.err
	is "in a namespace its group is /" "$(col ns.csv cgroup | uniq)" /
	says "a note says that parent cgroups are hidden" ns.err "parent cgroups of / are hidden"
	is "no limit is seen" "$(first ns.csv limit_cpus)" ""
	if [ -e "$child/cpu.stat.local" ]; then
		got=$(whole ns.csv hidden_cpus) held=$(whole ns.csv held_cpus)
		check "what a level above holds back is hidden_cpus" "$got > 0 && $got <= $held * 1.01 && $got >= $held * 0.99"
	else
		is "without cpu.stat.local it is unknown" "$(col ns.csv hidden_cpus | tr -d '\n')" ""
	fi
fi
stop
