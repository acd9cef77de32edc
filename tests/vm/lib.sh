# What the tests in a virtual machine share. Time in there is not to be trusted: only what the kernel has counted is, read by
# hand around a run of pq. A run's rows begin after the first reading and end before the second, so what pq counted is at
# most the difference, and less by no more than what happens in a row or two.
n=0
result() { n=$((n + 1)); echo "$1 $n $2"; }

# check NAME EXPRESSION: one of awk's, with the figures in it, so that it tells why it failed.
check() {
	if awk "BEGIN { exit !($2) }" 2>/dev/null; then result ok "$1"; else result "not ok" "$1 # $2"; fi
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then result ok "$1"; else result "not ok" "$1 # '$2' is not '$3'"; fi
}

# says NAME FILE PATTERN: what pq wrote on stderr.
says() {
	if grep -q "$3" "$2"; then result ok "$1"; else result "not ok" "$1 # $(tr '\n' '|' <"$2")"; fi
}

# rows FILE KEY [LABEL]: of a run with --csv, each row's seconds and that column; LABEL is what the fifth field must be, or "all".
rows() {
	awk -F, -v key="$2" -v label="$3" '{ sub(/\r$/, "") } NR == 1 { for (i = 1; i <= NF; i++) if ($i == key) at = i; next }
		!at { print "no column " key; exit } label == "" || $5 == label || label == "all" && $6 == label { print $4 " " $at }' "$1"
}

col() { rows "$@" | cut -d' ' -f2-; }

total() { col "$@" | awk '{ sum += $1 } END { print sum + 0 }'; }
first() { col "$@" | head -n 1; }
last() { col "$@" | tail -n 1; }
most() { col "$@" | awk '$1 > max { max = $1 } END { print max + 0 }'; }

# A mean times its row's seconds, summed: what was counted.
whole() { rows "$@" | awk '{ sum += $1 * $2 } END { print sum + 0 }'; }

# key FILE KEY: the number in a line "KEY number".
key() { awk -v key="$2" '$1 == key { print $2 }' "$1"; }

cpu_dir() { [ "$MODE" = v2 ] && echo "$CG/$1" || echo "$CG/cpu/$1"; }
mem_dir() { [ "$MODE" = v2 ] && echo "$CG/$1" || echo "$CG/memory/$1"; }

# quota NAME: makes the group with 20 ms in each 100 ms.
quota() {
	mkdir -p "$(cpu_dir "$1")"
	if [ "$MODE" = v2 ]; then
		echo "20000 100000" >"$(cpu_dir "$1")/cpu.max"
	else
		echo 100000 >"$(cpu_dir "$1")/cpu.cfs_period_us"
		echo 20000 >"$(cpu_dir "$1")/cpu.cfs_quota_us"
	fi
}

# inside DIR COMMAND…; a program, not a function, so that with & its pid is the command's.
cat >/bin/inside <<'END'
#!/bin/sh
echo $$ >"$1/cgroup.procs"
shift
exec "$@"
END
chmod +x /bin/inside

# burn DIR N: so many busy shells; their pids are in $burners.
burn() {
	burners=''
	while [ "$(echo $burners | wc -w)" -lt "$2" ]; do
		inside "$1" sh -c 'while :; do :; done' &
		burners="$burners $!"
	done
	sleep 1
}

# leaves_none NAME: kills the last command in the background; its BPF programs are gone soon.
leaves_none() {
	kill -9 $!
	wait $! 2>/dev/null
	tries=0
	until [ "$(guest programs)" = 0 ] || [ $tries -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done
	is "$1: kill -9 leaves none" "$(guest programs)" 0
}

stop() {
	kill -9 $burners
	wait $burners 2>/dev/null || :
}
