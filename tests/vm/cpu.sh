# pq cpu beside /proc/stat, and while a CPU goes and comes back.
. /vm/lib.sh
online=/sys/devices/system/cpu/cpu1/online
parts='usr_pct nice_pct sys_pct iowait_pct irq_pct soft_pct steal_pct guest_pct gnice_pct idle_pct'

# Rows whose percentages do not add up to 100: of them, how many.
wrong_sums() {
	for part in $parts; do col "$1" $part >"part.$part"; done
	paste $(for part in $parts; do echo "part.$part"; done) |
		awk '{ sum = 0; for (i = 1; i <= NF; i++) sum += $i; if (NF != 10 || sum < 99 || sum > 101) bad++ } END { print bad + 0 }'
}

taskset -c 0 sh -c 'while :; do :; done' &
burner=$!
sleep 1
cp /proc/stat before
pq cpu --csv 1 3 >a.csv 2>a.err
is "cpu ends well" $? 0
want=$(cat before /proc/stat | awk '$1 == "cpu0" { all = -all; for (i = 2; i <= 9; i++) all += $i; user = $2 - user }
	END { print 100 * user / all }')
got=$(awk "BEGIN { print $(whole a.csv usr_pct 0) / $(total a.csv interval_s 0) }")
check "%usr is /proc/stat's" "$got > $want - 10 && $got < $want + 10"
is "rows are all, 0 and 1" "$(col a.csv row | head -n 1) $(col a.csv cpu | sed -n 2,3p | tr '\n' ' ')" "all 0 1 "

pq cpu --csv 0.5 14 >b.csv 2>b.err &
sleep 2.2
echo 0 >$online
sleep 2
echo 1 >$online
wait $!
is "a CPU that goes ends no run" $? 0
is "percentages always add up" "$(wrong_sums b.csv)" 0
is "the CPU's row drops out and comes back" "$(awk -F, 'NR > 1 && $6 == "all" { if (NR > 2) print seen; seen = 0 }
	$5 == 1 { seen = 1 } END { print seen }' b.csv | uniq | tr -d '\n')" 101
check "the busy CPU never looks idle" "$(col b.csv idle_pct 0 | sort -n | tail -n 1) < 25"
is "all lies between its CPUs" "$(awk -F, 'function judge() { if (n && (all < low - 0.1 || all > high + 0.1)) bad++ }
	NR == 1 { for (i = 1; i <= NF; i++) if ($i == "idle_pct") at = i; next }
	$6 == "all" { judge(); all = $at; low = 200; high = -1; n++; next }
	{ if ($at < low) low = $at; if ($at > high) high = $at } END { judge(); print bad + 0 }' b.csv)" 0
kill -9 $burner
