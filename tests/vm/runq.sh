# pq runq beside /proc/schedstat. Four burners on two CPUs: two of them wait.
. /vm/lib.sh
delay_s() { awk '/^cpu[0-9]/ { sum += $9 } END { printf "%.3f\n", sum / 1e9 }' /proc/schedstat; }
burners=''
for _ in 1 2 3 4; do
	sh -c 'while :; do :; done' &
	burners="$burners $!"
done
sleep 1
before=$(delay_s)
pq runq --csv 2 3 >a.csv 2>a.err
is "runq ends well" $? 0
waited=$(awk "BEGIN { print $(delay_s) - $before }")
got=$(whole a.csv waiting)
check "waiting is /proc/schedstat's" "$got > 0 && $got <= $waited * 1.001 && $got >= $waited - 5"
got=$(awk "BEGIN { print $got / $(total a.csv interval_s) }")
check "about two of four wait on two CPUs" "$got > 1.4 && $got < 2.6"
got=$(awk "BEGIN { print $(whole a.csv runq_sz) / $(total a.csv interval_s) }")
check "about four are in the run queue" "$got > 3.2 && $got < 5"
if [ -e /proc/pressure/cpu ]; then
	is "nothing is unknown" "$(cat a.err)" ""
	check "%some: nearly always somebody waits" "$(most a.csv cpu_some_pct) > 80 && $(most a.csv cpu_some_pct) <= 100"
else
	is "without pressure %some is unknown" "$(col a.csv cpu_some_pct | tr -d '\n')" ""
	is "and one line says so" "$(wc -l <a.err)" 1
	says "which names the file" a.err "/proc/pressure/cpu"
fi

before=$(delay_s)
pq runq -P ALL --csv 2 3 >cpus.csv 2>cpus.err
waited=$(awk "BEGIN { print $(delay_s) - $before }")
got=$(whole cpus.csv waiting)
check "the CPUs' waits sum up to it" "$got > 0 && $got <= $waited * 1.001 && $got >= $waited - 5"
is "a row for each CPU" "$(col cpus.csv cpu | sort -u | tr '\n' ' ')" "0 1 "
is "none of them sampled" "$(col cpus.csv note | tr -d '\n')" ""
kill -9 $burners
for tool in throttle mem; do
	pq $tool -g / --csv 1 1 >/dev/null 2>&1
	is "$tool works on this kernel" $? 0
done
