# pq record, pq tape and -o on a real kernel: a spike is saved, and neither what the machine does nor how the recorder ends spoils
# a tape.
. /vm/lib.sh
cpu1=/sys/devices/system/cpu/cpu1/online

# samples FILE: how many samples are readable.
samples() { pq tape verify "$1" 2>/dev/null | sed -n 's/.*: \([0-9]*\) samples readable.*/\1/p'; }

# sound NAME FILE [SAMPLES]: the recording is not damaged.
sound() { is "$1" "$(pq tape verify "$2" 2>&1)" "$2: ${3:-$(samples "$2")} samples readable, no damage"; }

# info FILE KEY: the number that pq tape info has for it.
info() { pq tape info --json "$1" 2>/dev/null | sed -n "s/.*\"$2\":\([^,}]*\).*/\1/p"; }

# told FILE WORD: the number before this word in the recorder's last line.
told() { sed -n "s/.* stopped:.*[ ,]\([0-9]*\) $2.*/\1/p" "$1"; }

# Waits for a line in a file, for as long as a very slow machine may take.
await() {
	tries=0
	until grep -q "$2" "$1" 2>/dev/null || [ $tries -eq 300 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
}

# end PID: as Ctrl-C does, but a background job of a shell does not hear that.
end() {
	kill "$1"
	wait "$1"
}

step_clock() { date -s "@$(($(date +%s) + $1))" >/dev/null; }

# live FILE TOOL…: the rows of a run that is kept, and what comes of the tape, are the same bytes. To be run with &.
live() {
	file=$1
	shift
	pq "$@" --json -o "$file.tape" >"$file.json" 2>"$file.err"
	echo $? >"$file.status"
}

same() {
	what=$1 file=$2 tool=$3
	shift 3
	pq "$tool" "$@" --json -f "$file.tape" >"$file.again" 2>"$file.again.err"
	is "$what: both end well" "$(cat "$file.status") $?" "0 0"
	check "$what: there are rows" "$(wc -l <"$file.json") > 5"
	is "$what: the replay has the same bytes" "$(cmp "$file.json" "$file.again" 2>&1)" ""
	sound "$what: nothing is damaged" "$file.tape"
}

# A spike: idle for some seconds, then two burners that have a fifth of a CPU.
spike() {
	quota web
	web=$(cpu_dir web)
	mkdir saved
	cat >/bin/fetch <<'END'
#!/bin/sh
env | grep ^PQ_ | sort >fetch.env
cp "$1" fetch.stat
echo "$2" >fetch.word
END
	chmod +x /bin/fetch
	pq record -g /web --ring 1M --when 'throttle.throttled_pct > 25 for 3' --before 10s --after 1s --save saved 100ms cpu throttle \
		--exec /bin/fetch "$web/cpu.stat" '$HOME *' 2>spike.err &
	recorder=$!
	sleep 3
	burn "$web" 2
	await spike.err ' ran: '
	sleep 1
	stop
	sleep 1
	end $recorder
	is "the recorder ends well" $? 0
	is "it fires once" "$(grep -c ' fired: ' spike.err)" 1
	is "one tape is saved" "$(ls saved/pq-*.tape | wc -l)" 1
	tape=$(ls saved/pq-*.tape | head -n 1)
	sound "the saved tape is sound" "$tape"
	sound "the ring too" saved/pq.tape "$(told spike.err samples)"
	is "the command has its word as it was given" "$(cat fetch.word)" '$HOME *'
	is "the command knows the tape" "$(grep ^PQ_TAPE= fetch.env)" "PQ_TAPE=$tape"
	is "and the reason" "$(grep -E '^PQ_(EXPR|COLUMN|ROW|THRESHOLD)=' fetch.env | tr '\n' ' ')" \
		"PQ_COLUMN=throttle.throttled_pct PQ_EXPR=throttle.throttled_pct > 25 for 3 PQ_ROW=/web PQ_THRESHOLD=25 "
	value=$(sed -n 's/^PQ_VALUE=//p' fetch.env)
	check "and the value" "$value > 25 && $value <= 100"
	pq throttle -g /web -f "$tape" --json >spike.json 2>spike.json.err
	sed -n 's/.*"cgroup":"\/web".*"throttled":\([0-9]*\).*/\1/p' spike.json >spike.throttled
	is "it begins without throttling" "$(head -n 5 spike.throttled | tr '\n' ' ')" "0 0 0 0 0 "
	check "it ends with throttling" "0$(tail -n 10 spike.throttled | grep -c -v '^0$') > 0"
	got=$(awk '{ sum += $1 } END { print sum + 0 }' spike.throttled)
	check "the command saw that or more in cpu.stat" "$got > 0 && $got <= $(key fetch.stat nr_throttled)"
	pq throttle -g /web -f saved/pq.tape --csv >ring.csv 2>ring.err
	is "throttled periods of the ring are all that cpu.stat has" "$(total ring.csv throttled /web)" \
		"$(key "$web/cpu.stat" nr_throttled)"
	check "no more periods than cpu.stat has" "$(total ring.csv periods /web) <= $(key "$web/cpu.stat" nr_periods)"
	got=$(awk '$1 > 0 && !first { first = NR } END { print (NR - first + 1) / 10 - 1 }' spike.throttled)
	echo "# throttled for $got s before it fired"
	rmdir "$web"
}

# Groups with limits, some under new names and some under the same, until the file busy is gone.
churn() {
	round=0
	while [ -e busy ]; do
		round=$((round + 1))
		for name in "new$round" again; do
			quota $name
			mkdir -p "$(mem_dir $name)"
			[ "$MODE" = v2 ] && echo 64M >"$(mem_dir $name)/memory.max" || echo 64M >"$(mem_dir $name)/memory.limit_in_bytes"
		done
		for name in "new$((round - 3))" again; do
			rmdir "$(cpu_dir "$name")" "$(mem_dir "$name")" 2>/dev/null
		done
	done
	echo $round >rounds
}

groups_come_and_go() {
	touch busy
	churn &
	churner=$!
	quota par
	burn "$(cpu_dir par)" 1
	live all-throttle throttle -a 100ms 40 & a=$!
	live all-mem mem -a 100ms 40 & b=$!
	wait $a $b
	live one-cpu cpu 100ms 30 & a=$!
	live one-runq runq 100ms 30 & b=$!
	wait $a $b
	pq record -o groups.tape -a 50ms 60 2>groups.err
	is "record -a goes on while groups come and go" "$?" 0
	rm busy
	wait $churner
	stop
	same "throttle -a" all-throttle throttle -a
	same "mem -a" all-mem mem -a
	same "cpu" one-cpu cpu
	same "runq" one-runq runq
	sound "all of their samples are there" groups.tape 60
	check "groups came and went meanwhile" "$(cat rounds) > 2"
	for tool in 'throttle -a' 'mem -a' cpu runq; do
		pq $tool --json -f groups.tape >groups.json 2>groups.json.err
		check "$tool has rows of it" "$? == 0 && $(wc -l <groups.json) >= 59"
	done
	check "not of one group only" "$(pq throttle -a --csv -f groups.tape 2>/dev/null | cut -d, -f5 | sort -u | wc -l) > 2"
	for name in $(cd "$CG" && ls -d new* again cpu/new* cpu/again memory/new* memory/again 2>/dev/null); do
		rmdir "$CG/$name"
	done
	rmdir "$(cpu_dir par)"
}

# A CPU that goes changes the lines of /proc/stat, /proc/schedstat and others.
cpus_come_and_go() {
	live cpus-cpu cpu -P ALL 100ms 60 & a=$!
	live cpus-runq runq -P ALL 100ms 60 & b=$!
	pq record --ring 1M -o cpus.tape 50ms 2>cpus.err &
	recorder=$!
	await cpus.err ' records: '
	for _ in 1 2 3 4; do
		sleep 0.7
		echo 0 >$cpu1
		sleep 0.5
		echo 1 >$cpu1
	done
	sleep 0.7
	end $recorder
	is "record goes on while a CPU comes and goes" $? 0
	wait $a $b
	same "cpu -P ALL" cpus-cpu cpu -P ALL
	same "runq -P ALL" cpus-runq runq -P ALL
	sound "nothing on the ring is damaged" cpus.tape "$(told cpus.err samples)"
	pq cpu --csv -P ALL -f cpus.tape >cpus.csv 2>cpus.csv.err
	is "the CPU drops out and comes back four times" "$(awk -F, 'NR > 1 && $6 == "all" { if (NR > 2) print seen; seen = 0 }
		$5 == 1 { seen = 1 } END { print seen }' cpus.csv | uniq | tr -d '\n')" 101010101
}

# The rows of a tape between two times, by how many; and those of them that are of other times.
between() {
	pq cpu --csv -f "$1" --from "@$2" --to "@$3" >between.csv 2>between.err
	col between.csv interval_s all | wc -l
}

# The clock is an hour ahead, then an hour behind, then right again: within a run, and from one run to the next.
clock_steps() {
	live clock cpu 50ms 100 & a=$!
	start=$(date +%s)
	pq record -o clock.ring --ring 1M 50ms cpu throttle runq 2>clock.err &
	recorder=$!
	await clock.err ' records: '
	sleep 2
	step_clock 3600
	ahead=$(date +%s)
	sleep 2
	step_clock -7200
	behind=$(date +%s)
	sleep 2
	end $recorder
	wait $a
	step_clock 3600
	rows=$(($(told clock.err samples) - 1))
	same "the clock is set: cpu" clock cpu
	sound "the clock is set: no sample is lost" clock.ring $((rows + 1))
	pq cpu --csv -f clock.ring >clock.csv 2>clock.csv.err
	is "the clock is set: a row for each interval" "$(col clock.csv interval_s all | wc -l)" $rows
	is "the clock is set: intervals are as before" "$(col clock.csv interval_s all | awk '!($1 > 0 && $1 < 60)' | wc -l)" 0
	n1=$(between clock.ring $((start - 1)) $((start + 600)))
	n2=$(between clock.ring $((ahead - 1)) $((ahead + 600)))
	n3=$(between clock.ring $((behind - 1)) $((behind + 600)))
	check "times before it was set find their rows" "$n1 > 5"
	check "times an hour ahead too" "$n2 > 5"
	check "times an hour behind too" "$n3 > 5"
	check "all have been found, but for a row at each step" "$n1 + $n2 + $n3 >= $rows - 4 && $n1 + $n2 + $n3 <= $rows"

	start=$(date +%s)
	pq record -o runs.ring --ring 1M 50ms 60 cpu 2>runs.err
	step_clock 3600
	ahead=$(date +%s)
	pq record -o runs.ring 50ms 60 cpu 2>>runs.err
	step_clock -7200
	behind=$(date +%s)
	pq record -o runs.ring 50ms 60 cpu 2>>runs.err
	step_clock 3600
	sound "three runs by three clocks" runs.ring 180
	for from in "$start now" "$ahead ahead" "$behind behind"; do
		set -- $from
		n1=$(between runs.ring $(($1 + 1)) $(($1 + 600)))
		check "the run that is ${2} is found from its second second on" "$n1 > 5 && $n1 < 60"
	done

	mkdir stepped
	pq record -o stepped/pq.tape --save stepped --when 'runq.plist_sz > 0' --before 10s --after 3s 50ms runq 2>stepped.err &
	recorder=$!
	await stepped.err ' fired: '
	sleep 1
	step_clock 3600
	await stepped.err ' saved: '
	step_clock -3600
	end $recorder
	tape=$(ls stepped/pq-*.tape | head -n 1)
	check "what comes after a spike is saved though the clock is set" "$(info "$tape" span_s) > 2.5"
}

# Each run of the recorder goes on where the one before was killed.
kills() {
	before=0 damaged=0 grown=0
	for i in 0 1 2 3 4 5 6 7 8 9; do
		pq record --ring 1M -o killed.ring 20ms cpu runq throttle 2>killed.err &
		recorder=$!
		await killed.err ' records: '
		sleep "0.$((5 + i * 7 % 10 / 2))$i"
		kill -9 $recorder
		wait $recorder 2>/dev/null
		now=$(samples killed.ring)
		pq tape verify killed.ring >/dev/null 2>&1 || damaged=$((damaged + 1))
		[ "$now" -gt "$before" ] && grown=$((grown + 1))
		before=$now
	done
	is "killed ten times: never is anything damaged" $damaged 0
	is "killed ten times: each run has added samples" $grown 10
	pq record -o killed.ring 20ms 10 cpu runq throttle 2>killed.err
	is "then a run that ends well" "$? $(told killed.err samples)" "0 10"
	says "which goes on where they ended" killed.err 'continuing it'
	sound "and adds its samples to theirs" killed.ring $((before + 10))
	is "rows are as many" "$(info killed.ring rows)" $((before + 10))
	is "of one boot" "$(info killed.ring boots)" 1
}

# A deadline that has passed is missed, and is not made up for: each deadline has a sample or is missed.
deadlines() {
	got=$(awk "BEGIN { print int($2 / 0.05 + 0.5) }")
	check "$1: each deadline has a sample or is missed" "$3 + $4 - 1 - $got <= 1 && $3 + $4 - 1 - $got >= -1"
}

stopped() {
	pq record -o stopped.tape 50ms cpu 2>stopped.err &
	recorder=$!
	await stopped.err ' records: '
	sleep 1
	kill -STOP $recorder
	sleep 2
	kill -CONT $recorder
	sleep 2.5
	end $recorder
	is "stopped for two seconds, it ends well" $? 0
	sound "all its samples are there" stopped.tape "$(told stopped.err samples)"
	deadlines "stopped" "$(info stopped.tape span_s)" "$(told stopped.err samples)" "$(told stopped.err missed)"
	check "info has what was missed" "$(info stopped.tape missed) >= 38 && $(info stopped.tape missed) <= $(told stopped.err missed)"
	check "and how late it was" "$(info stopped.tape late_max_ms) > 1900"
	is "nothing is lost" "$(info stopped.tape lost)" 0
}

# refused NAME FILE STATUS PATTERN: one line that says so.
refused() {
	is "$1: one line, status 1" "$3 $(wc -l <"$2")" "1 1"
	says "$1: it says why" "$2" "$4"
}

no_room() {
	mkdir ro small locked
	mount -t tmpfs -o ro none ro
	mount -t tmpfs -o size=640k none small
	pq record -o ro/x.tape 50ms 3 cpu 2>ro.err
	refused "a file system that is read-only" ro.err $? 'ro/x.tape: Read-only file system'
	chmod 555 locked
	chmod 1777 .
	guest jail / 65534 /bin/pq record -o /tmp/locked/x.tape 50ms 3 cpu 2>locked.err
	refused "a directory of somebody else" locked.err $? 'locked/x.tape: Permission denied'
	pq record --ring 1M -o small/x.tape 50ms 3 cpu 2>small.err
	refused "no room for the ring" small.err $? 'small/x.tape: No space left on device'
	is "no part of it is left" "$(ls small)" ""

	pq record --save ro -o ro.ring --ring 1M 50ms 3 runq 2>ro.err
	is "a directory for saves that is read-only: one line, status 2" "$? $(wc -l <ro.err)" "2 1"
	says "it says why" ro.err 'cannot save to ro: Read-only file system'
	mount -o remount,rw ro
	pq record --save ro -o ro.ring --ring 1M 50ms runq 2>ro.err &
	recorder=$!
	await ro.err ' records: '
	mount -o remount,ro ro
	pq tape save ro.ring
	is "pq tape save asks the recorder" $? 0
	await ro.err ' failed: '
	sleep 0.5
	end $recorder
	is "should it become read-only, the recorder goes on" "$?" 0
	is "and says so once" "$(grep -c ' failed: .*Read-only file system' ro.err)" 1
	sound "what it records is kept" ro.ring "$(told ro.err samples)"

	dd if=/dev/zero of=small/filler bs=4k count=152 2>/dev/null
	dd if=/dev/zero of=small/rest bs=4k 2>/dev/null
	pq record --save small -o full.ring --ring 1M --when 'runq.plist_sz > 0' --after 0s 50ms 40 runq 2>full.err
	is "nor does one that is full" "$?" 0
	is "which is said once too" "$(grep -c 'No space left on device' full.err)" 1
	is "nothing half saved is left" "$(ls small | tr '\n' ' ')" "filler rest "
	rm small/rest
	pq record -o small/full.tape 10ms runq cpu throttle mem 2>full.err &
	recorder=$!
	await full.err ' trouble: '
	sleep 1
	rm small/filler
	await full.err ' written: '
	sleep 1
	end $recorder
	is "a full disk does not end it" "$?" 0
	is "it is said once" "$(grep -c ' trouble: .*No space left on device' full.err)" 1
	is "and that it is over" "$(grep -c ' written: ' full.err)" 1
	check "lost samples are counted" "$(told full.err lost) > 0"
	sound "what was written before and after is sound" small/full.tape "$(told full.err samples)"
	umount ro small
}

# Bytes and cost are of this machine, whose time is not to be trusted: nothing to check.
sizes() {
	quota web
	mkdir -p "$(mem_dir web)"
	pq record -g /web -o idle.tape 100ms 200 runq cpu throttle mem 2>idle.err
	burn "$(cpu_dir web)" 2
	sh -c 'while :; do ls -lR /sys/devices/system >/tmp/listed; done' &
	burners="$burners $!"
	pq record -g /web -o busy.tape 100ms 200 runq cpu throttle mem 2>busy.err
	stop
	for what in idle busy; do
		sound "$what" $what.tape 200
		echo "# $what: $(info $what.tape bytes_per_sample) bytes per sample, $(info $what.tape cost_pct) % of a CPU," \
			"at most $(info $what.tape late_max_ms) ms late, $(info $what.tape missed) missed"
	done
}

# The clock that deadlines are of stands still meanwhile. Done last: a machine that does not wake up spoils no other test.
suspends() {
	alarm=/sys/class/rtc/rtc0/wakealarm
	if ! grep -qw mem /sys/power/state || ! grep -q deep /sys/power/mem_sleep || ! [ -w $alarm ]; then
		echo "# this machine cannot suspend"
		return
	fi
	live asleep cpu 50ms 60 & a=$!
	pq record -o asleep.ring --ring 1M 50ms cpu runq 2>asleep.err &
	recorder=$!
	await asleep.err ' records: '
	sleep 1
	before=$(date +%s)
	echo 0 >$alarm
	echo +8 >$alarm
	echo mem >/sys/power/state
	status=$?
	slept=$(($(date +%s) - before))
	sleep 1
	end $recorder
	is "suspended: the recorder ends well" $? 0
	wait $a
	if [ $status -ne 0 ]; then
		echo "# this machine did not suspend"
		return
	fi
	echo "# suspended for $slept s"
	same "suspended: cpu" asleep cpu
	sound "suspended: nothing is damaged" asleep.ring "$(told asleep.err samples)"
	deadlines "suspended" "$(info asleep.ring span_s)" "$(told asleep.err samples)" "$(told asleep.err missed)"
	is "suspended: nothing is lost" "$(info asleep.ring lost)" 0
}

for part in ${PARTS:-spike groups_come_and_go cpus_come_and_go clock_steps kills stopped no_room sizes suspends}; do
	$part
done
