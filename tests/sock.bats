#!/usr/bin/env bats
# pq sock: queues of sockets whose lengths a test program made (tests/queues.c).
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

QUEUES=${QUEUES:-$TESTS/../build/tests/queues}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# sockets WORDS…: starts that process of tests/queues.c; $port is what it prints, $pid its process.
sockets() {
	local file=$BATS_TEST_TMPDIR/port.$((${#started[@]} + 1))
	: >"$file"
	"$QUEUES" "$@" >"$file" 3>&- &
	pid=$!
	started+=("$pid")
	await test -s "$file"
	read -r port <"$file"
}

# queues_elsewhere ARGUMENTS…: runs the helper in a network namespace of its own: pid, and its port in the file port.
queues_elsewhere() {
	unshare --net true 2>/dev/null || skip "not permitted to make a network namespace"
	: >port
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --net sh -c 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$0" "$@"' "$QUEUES" "$@" >port 3>&- &
	pid=$!
	started+=("$pid")
	await test -s port
}

# A listener with a backlog of 3 and 2 connections.
listener_elsewhere() {
	queues_elsewhere listen 3 2
}

need_netlink() {
	"$PQ" sock -l --json 0.1 1 2>notes >/dev/null
	! grep -q 'no TCP sockets by netlink' notes || skip "this kernel has no tcp_diag"
}

# rows OPTIONS…: $output are the rows of the process $pid.
rows() {
	run --separate-stderr "$PQ" sock --json -p "$pid" "$@"
	[ "$status" -eq 0 ]
}

@test "an accept queue has the length and the cap that a program gave it" {
	need_netlink
	for words in "3 2" "3 4" "0 1" "100 57"; do
		read -r backlog pending <<<"$words"
		sockets listen "$backlog" "$pending"
		rows -l 0.3 1
		output=$(json 'select(.type == "tcp")')
		json_is '[.local, .pid, .process, .processes]' "[\"127.0.0.1:$port\",$pid,\"queues\",1]"
		json_is '[.acceptq, .acceptq_max, .acceptq_min, .backlog]' "[$pending,$pending,$pending,$backlog]"
		json_is .meaning "$([ "$pending" -gt "$backlog" ] && echo '"queue-full"' || echo '"application-late"')"
	done
}

@test "where nothing listens, -l says so" {
	need_netlink
	start sleep 600
	pid=$last
	rows -l 0.1 2
	json_is .type $'"all"\n"all"'
	[ "$(grep -c 'no socket of the target listens for connections' <<<"$stderr")" -eq 1 ]
	sockets listen 5 0
	rows -l 0.1 1
	[[ $stderr != *listens* ]]
	unshare --net true 2>/dev/null || skip "not permitted to make a network namespace"
	run --separate-stderr unshare --net "$PQ" sock -l 0.1 1
	[[ $stderr == *"no socket of this network namespace listens for connections"* ]]
}

@test "connections beyond the backlog are drops of this listener, and overflows of the namespace" {
	need_netlink
	sockets listen 2 6 # 3 are in the queue, and 3 try again and again
	rows -l 2 1
	json_is 'select(.type == "tcp") | [.acceptq_max, .backlog, .full_pct, .drops_per_s > 0, .overflows_per_s]' '[3,2,100,true,null]'
	json_is 'select(.type == "all") | [.overflows_per_s > 0, .drops_per_s > 0, .acceptq]' '[true,true,null]'
	read -r somaxconn </proc/sys/net/core/somaxconn
	sockets listen $((somaxconn + 1000)) 0
	rows -l 0.2 1
	json_is 'select(.type == "tcp") | [.backlog, .acceptq_max, .meaning]' "[$somaxconn,0,null]"
}

@test "a queue that is emptied between rows is seen by the ticks" {
	need_netlink
	sockets listen 100 8 15
	rows -l 1 1
	output=$(json 'select(.type == "tcp")')
	json_is '[.acceptq_max >= 8, .acceptq_max <= 10, .acceptq >= 6, .acceptq <= 9.5, .meaning]' '[true,true,true,true,"application-late"]'
}

@test "bytes that are not read are counted to the byte, and aged" {
	need_netlink
	for bytes in 1 1000 100000; do
		sockets unread "$bytes"
		sleep 0.3
		rows 0.2 1
		output=$(json 'select(.type == "tcp" and .recvq_bytes > 0)')
		json_is '[.local, .recvq_bytes, .sendq_bytes, .meaning]' "[\"127.0.0.1:$port\",$bytes,0,\"application-late\"]"
		# the first row knows it from the last data that came
		json_is '.unread_ms >= 500 and .unread_ms < 20000' true
	done
	sockets unread 77 2 v6
	rows 0.2 1
	json_is 'select(.recvq_bytes == 77) | .local' "\"[::1]:$port\"
\"[::1]:$port\""
	json_is 'select(.type == "all") | .recvq_bytes' 154
}

@test "the end of a connection is not an unread byte" {
	need_netlink
	sockets closed 500
	rows -w state 0.2 1
	json_is 'select(.state == "CLOSE-WAIT") | .recvq_bytes' 500
	sockets closed 0
	rows 0.2 1
	json_is '[.type, .recvq_bytes]' '["all",0]'
}

@test "who reads slowly, but reads, is not taken for one that does not read" {
	need_netlink
	sockets trickle
	rows 0.5 6
	output=$(json -s '[.[] | select(.type == "tcp" and .recvq_bytes > 0)] | last')
	# 1000 bytes are unread all the time, and each is read after 50 reads of 20 bytes, a second or so
	json_is '[.recvq_bytes >= 960, .recvq_bytes <= 1020, .unread_ms < 2500]' '[true,true,true]'
}

@test "a send buffer that is full says so, and the peer has all of it that is not read" {
	need_netlink
	sockets full
	rows -w tcp,buffers 0.3 1
	output=$(json -s '[.[] | select(.type == "tcp")]')
	json_is '[.[] | select(.sendq_bytes > 0)] | [length, .[0].meaning, .[0].wmem_bytes * 3 > .[0].sndbuf_bytes * 2]' '[1,"send-buffer-full",true]'
	json_is '[.[] | select(.recvq_bytes > 0)] | [length, .[0].meaning]' '[1,"application-late"]'
	json_is 'map(select(.sendq_bytes > 0))[0] | .sendq_bytes == .unsent_bytes + .unacked_bytes' true
}

@test "pq sock beside ss: the same queues" {
	need_netlink
	command -v ss >/dev/null || skip "no ss"
	sockets unread 4321
	sockets listen 7 5
	ss -Htln "sport = :$port" | awk '{ print $2, $3 }' >theirs
	"$PQ" sock -l --json -p "$pid" 0.2 1 | jq -r 'select(.type == "tcp") | "\(.acceptq_max) \(.backlog)"' >ours
	diff theirs ours
	kill "${started[0]}"
	sockets unread 1234
	ss -Htn "sport = :$port" | awk '{ print $2, $3 }' >theirs
	"$PQ" sock --json -p "$pid" 0.2 1 | jq -r 'select(.recvq_bytes > 0 and .type == "tcp") | "\(.recvq_bytes) \(.sendq_bytes)"' >ours
	diff theirs ours
}

@test "UDP: the memory of what is not read, its limit, and drops" {
	need_netlink
	sockets udp 60000 20
	rows -w buffers 0.5 1
	output=$(json 'select(.type == "udp")')
	json_is '[.local, .meaning, .drops_per_s > 0, .recvq_bytes > 60000, .recvq_bytes <= .rcvbuf_bytes * 2, .rmem_bytes >= .recvq_bytes]' \
		"[\"127.0.0.1:$port\",\"application-late\",true,true,true,true]"
}

@test "a unix listener: its queue and its cap" {
	need_netlink
	sockets unix 5 3 "$PWD/sock et"
	rows -l 0.2 1
	output=$(json 'select(.type == "unix")')
	[ -n "$output" ] || skip "this kernel has no unix_diag"
	json_is '[.acceptq_max, .backlog, .process]' '[3,5,"queues"]'
	[[ $(json -r .local) == *'/sock\040et' ]]
}

@test "the worst are first, -n limits them, and the sum has all" {
	need_netlink
	sockets unread 10 5
	rows -n 2 0.2 1
	output=$(json -s .)
	json_is '[length, .[0].type, .[0].recvq_bytes]' '[3,"all",50]'
	rows --sort local 0.2 1
	[ "$(json -s 'map(select(.recvq_bytes == 10)) | length')" -eq 5 ]
	sockets idle 30
	rows -w sum 0.2 1
	output=$(json -s .)
	json_is '[length, .[0].sockets]' '[1,61]'
}

@test "text: columns, the process with its number, and a terminal of 80 columns" {
	need_netlink
	sockets unread 10
	run --separate-stderr "$PQ" sock -p "$pid" 0.2 1
	[[ ${lines[0]} =~ type\ +acceptq\ +recv-q\ unread-ms\ +send-q\ +unacked\ +rtt-ms\ +retr/s\ +process\ +local\ +peer\ +meaning$ ]]
	[[ $output == *"queues[$pid]  127.0.0.1:$port "* ]]
	[[ $output == *app-late* ]]
	run --separate-stderr "$PQ" sock -l -p "$pid" 0.2 1
	[[ ${lines[0]} =~ type\ +acceptq\ aq-max\ +cap\ +%full\ +ovf/s\ drops/s\ +process\ +local\ +meaning$ ]]
	script -qec "stty cols 80 rows 24; $PQ sock -p $pid 1 1 2>/dev/null" /dev/null </dev/null | tr -d '\r' >screen
	awk 'length > 80 { exit 1 }' screen
	grep -qE 'tcp +10 +[0-9]+ +0 +q[^ ]*[0-9]\]  [^ ]*:?'"${port: -3}"'  [^ ]+  app-late$' screen
}

@test "a listener of a process whose first thread has ended has its owner" {
	need_netlink
	sockets headless 3
	# shellcheck disable=SC2016 # awk expands it
	await awk '{ exit $3 != "Z" }' "/proc/$pid/stat"
	"$PQ" sock -l --json 0.2 1 >rows
	jq -es --argjson pid "$pid" "map(select(.local == \"127.0.0.1:$port\")) | length == 1 and .[0].pid == \$pid" rows
	"$PQ" sock -l --json -p "$pid" 0.2 1 >rows
	jq -es --argjson pid "$pid" "map(select(.local == \"127.0.0.1:$port\")) | length == 1 and .[0].pid == \$pid" rows
	local other=("/proc/$pid/task"/*) files
	files=("${other[1]}/fd"/*)
	"$PQ" limits --json -p "$pid" >page
	jq -e --argjson files "${#files[@]}" '.process | .open_files == $files and .environment_error == null and .program.error == null' page
}

@test "a process that ends ends the rows; none is refused" {
	need_netlink
	sockets unread 10
	start "$PQ" sock --json -p "$pid" 0.2 >out 2>log
	await test -s out
	kill -9 "$pid"
	wait "$last"
	grep -q "process $pid has exited" log
	fails 2 'no such process: 4194305' "$PQ" sock -p 4194305 0.1 1
	fails 2 'no such cgroup' "$PQ" sock -g /pqtest-none 0.1 1
	fails 2 '-l and -P cannot be combined|-P and -l cannot be combined' "$PQ" sock -l -P ALL
	fails 2 'tick' "$PQ" sock --tick 0
}

@test "another network namespace: -p enters it with a thread, and pq stays" {
	need_netlink
	listener_elsewhere
	rows -l -w netns 0.2 1
	json_is 'select(.type == "tcp") | [.acceptq_max, .backlog, .netns]' "[2,3,\"$(readlink "/proc/$pid/ns/net" | tr -dc 0-9)\"]"
	[ "$(json -r '.netns' | sort -u)" = "$(readlink "/proc/$pid/ns/net" | tr -dc 0-9)" ]
	[ "$("$PQ" sock -l --json 0.1 1 2>/dev/null | jq -r "select(.pid == $pid)")" = "" ]
	"$PQ" sock -a -l --json 0.1 1 2>/dev/null | jq .pid | grep -qx "$pid"
}

@test "a network namespace that goes away ends its rows, and not the others" {
	need_netlink
	listener_elsewhere
	start "$PQ" sock -a -l --json 0.2 >out 2>log
	await grep -q "\"pid\":$pid," out
	kill -9 "$pid"
	own=$(readlink /proc/self/ns/net | tr -dc 0-9)
	wait "$pid" || true
	gone=$(jq -r "select(.pid == $pid) | .netns" out | sort -u)
	[ "$gone" ] && [ "$gone" != "$own" ]
	is_gone() { tail -n 30 out | grep -q "\"netns\":\"$own\"" && ! tail -n 30 out | grep -q "\"netns\":\"$gone\""; }
	await is_gone
	kill "$last"
	wait "$last"
}

@test "without the right to enter a network namespace, its files do, also on a tape" {
	need_netlink
	need_nobody
	queues_elsewhere unread 77
	port=$(cat port)
	chmod 777 .
	run --separate-stderr as_nobody sock --json -o x.tape -p "$pid" 0.2 2
	[ "$status" -eq 0 ]
	[[ $stderr == *"another network namespace needs root"* ]]
	json_is 'select(.recvq_bytes == 77 and .type == "tcp") | [.local, .backlog, .rtt_ms, .pid]' "[\"127.0.0.1:$port\",null,null,null]
[\"127.0.0.1:$port\",null,null,null]"
	live=$output
	"$PQ" sock --json -f x.tape 2>/dev/null >replayed
	diff <(jq -c . <<<"$live") <(jq -c . replayed)
}

@test "as nobody: own namespace without rights, the processes of others unknown" {
	need_netlink
	need_nobody
	sockets listen 3 2
	run --separate-stderr as_nobody sock -l --json 0.2 1
	[ "$status" -eq 0 ]
	json_is "select(.local == \"127.0.0.1:$port\") | [.acceptq_max, .backlog, .pid, .process]" '[2,3,null,null]'
	run --separate-stderr as_nobody sock -l --json -p "$pid" 0.2 1
	[ "$status" -eq 0 ]
	[[ $stderr == *"open files of the process cannot be read"* ]]
}

@test "recorded rows are replayed, for any process of the recording" {
	need_netlink
	sockets unread 999
	run "$PQ" sock --json -o x.tape 0.2 3
	[ "$status" -eq 0 ]
	jq -c "select(.pid == $pid)" <<<"$output" >live
	"$PQ" sock --json -f x.tape 2>/dev/null | jq -c "select(.pid == $pid)" >replayed
	diff live replayed
	[ -s live ]
	"$PQ" sock --json -p "$pid" -f x.tape 2>/dev/null | jq -c 'select(.recvq_bytes == 999 and .type == "tcp") | .local' >rows
	[ "$(sort -u rows)" = "\"127.0.0.1:$port\"" ]
	"$PQ" record -o y.tape 200ms 3 sock 2>log
	"$PQ" sock -l --json -f y.tape 2>/dev/null | jq -c "select(.local == \"127.0.0.1:$port\") | [.backlog, .cgroup != null]" | sort -u >rows
	[ "$(cat rows)" = '[128,true]' ]
}

@test "--totals: a row per listener, and per program in place of its connections" {
	need_netlink
	sockets unread 100 30
	rows --totals 0.2 1
	json_is 'select(.peer == null and .local == null and .type == "tcp") | [.sockets, .recvq_bytes, .process, .pid, .unread_ms > 0, .meaning]' \
		'[30,3000,"queues",null,true,"application-late"]'
	json_is 'select(.local != null) | [.local, .type, .sockets, .acceptq, .backlog, .process, .pid]' \
		"[\"127.0.0.1:$port\",\"tcp\",1,0,128,\"queues\",null]"
	[ "$(json -s length)" -eq 3 ]
	rows --totals -n 1 0.2 1
	[ "$(json -s length)" -eq 2 ]
	fails 2 'totals' "$PQ" sock --totals -l
}

@test "export: the number of series does not depend on the number of connections, and no peer is a label" {
	need_netlink
	local n
	mkdir text
	for n in 2 40; do
		sockets unread 10 $n
		start "$PQ" export --textfile text -p "$pid" 0.2 sock 2>log
		await grep -q '^pq_sock_recvq_bytes{type="tcp"' text/pq.prom
		cp text/pq.prom "$n.prom"
		kill "$last"
		wait "$last"
		grep '^pq_sock_recvq_bytes{type="tcp"' $n.prom >line
		[[ $(cat line) == *'process="queues"'*"} $((n * 10))" ]]
		grep -q "^pq_sock_backlog{.*local=\"127.0.0.1:$port\"" "$n.prom"
		! grep -q 'peer=\|pid=' "$n.prom"
	done
	[ "$(grep -c '^pq_sock' 2.prom)" -eq "$(grep -c '^pq_sock' 40.prom)" ]
}

@test "recorded with -p, -g or -a, with others or alone: pq sock -f shows the same sockets" {
	need_netlink
	local group
	sockets unread 55
	"$PQ" record -p "$pid" -o p.tape 200ms 2 sock throttle 2>log
	"$PQ" record -a -o a.tape 200ms 2 sock 2>log
	group=$("$PQ" sock --json -w cgroup -p "$pid" 0.1 1 2>/dev/null | jq -r 'select(.recvq_bytes == 55 and .type == "tcp") | .cgroup')
	"$PQ" record -g "$group" -o g.tape 200ms 2 sock 2>log
	for tape in p a g; do
		run --separate-stderr "$PQ" sock --json -f $tape.tape
		[ "$status" -eq 0 ]
		json_is "select(.pid == $pid and .recvq_bytes > 0) | .recvq_bytes" 55
		run --separate-stderr "$PQ" sock --json -p "$pid" -f $tape.tape
		json_is "select(.type == \"tcp\" and .recvq_bytes > 0) | [.local, .recvq_bytes, .process]" "[\"127.0.0.1:$port\",55,\"queues\"]"
	done
	run --separate-stderr "$PQ" sock --json -l -p "$pid" -f p.tape
	json_is 'select(.type == "tcp") | .local' "\"127.0.0.1:$port\""
}

@test "the outage: a queue of 512 is full in front of an idle event loop, and pq why says so first" {
	need_netlink
	read -r somaxconn </proc/sys/net/core/somaxconn
	[ "$somaxconn" -ge 512 ] || skip "net.core.somaxconn is only $somaxconn"
	sockets loop 512 700
	run --separate-stderr "$PQ" why --json -p "$pid" 2
	[ "$status" -eq 2 ]
	json_is '.findings[0] | [.rule, .severity, .confidence]' '["accept-idle","critical","high"]'
	text=$("$PQ" why -p "$pid" 2 | sed '/^$/q')
	[[ $text == "Accept queue full while the process is idle"* ]]
	[[ $text == *"513 connections wait to be accepted on average, 513 at most, at 127.0.0.1:$port of queues[$pid]; the queue is full at 513 (backlog 512)"* ]]
	[[ $text =~ [0-9.]+\ connections\ per\ second\ found\ an\ accept\ queue ]]
	[[ $text == *"TID $pid"*"in epoll_wait"* ]]
}

@test "pq why tells who reads late, and does not accuse who reads at once" {
	need_netlink
	sockets late 2500
	run --separate-stderr "$PQ" why --json -p "$pid" 4
	json_is '.findings[0].rule' '"read-late"'
	kill "${started[0]}"
	sockets flow
	run --separate-stderr "$PQ" why --json -p "$pid" 3
	[ "$(json '[.findings[].rule] | any(. == "read-late" or . == "accept-idle")')" = false ]
	sockets served 100
	run --separate-stderr "$PQ" why --json -p "$pid" 3
	[ "$(json '[.findings[].rule] | any(startswith("accept"))')" = false ]
}

# ---- Captured files, without netlink

every_sample() {
	put_at "t$1" proc/net/tcp '  sl  local_address rem_address   st' \
		'   0: 0100007F:1F90 00000000:0000 0A 00000000:00000004 00:00000000 00000000     0        0 81712 1 0 100 0 0 10 0' \
		"   1: 0100007F:1F90 0100007F:A2C4 01 00000000:0000${1}100 00:00000000 00000000    33        0 81713 1 0 20 4 30 10 -1" \
		'   2: 0100007F:A2C8 0100007F:1F90 01 000000FF:00000000 01:00000014 00000002  1000        0 81715 1 0 20 4 30 10 -1'
	put_at "t$1" proc/net/netstat 'TcpExt: SyncookiesSent ListenOverflows ListenDrops' "TcpExt: $1 $((10 * $1)) $((20 * $1))"
	put_at "t$1" proc/net/snmp 'Tcp: RtoMin RetransSegs' "Tcp: 200 $((5 * $1))"
	put_at "t$1" proc/net/softnet_stat "0000000a 0000000$1 00000000 0 0 0 0 0 0 0 0 0000000$((3 + $1)) 00000000" \
		"0000000a 00000000 0000000$1 0 0 0 0 0 0 0 0 00000000 00000003"
	put_at "t$1" proc/net/dev '    lo: 1 2 3 4' "  eth0: 1 2 3 $((7 * $1))"
}

@test "files in place of netlink: queues and counters, and what they lack is unknown" {
	samples sock
	at 0
	at 2
	show -w tcp
	[[ $stderr == *"no TCP sockets by netlink"* ]]
	json_is 'select(.type == "all") | [.recvq_bytes, .sendq_bytes, .overflows_per_s, .drops_per_s, .retrans_per_s, .cookies_per_s]' \
		'[8448,255,10,20,5,1]'
	json_is 'select(.local == "127.0.0.1:8080" and .acceptq_max == null) | [.peer, .recvq_bytes, .unread_ms, .meaning, .pid, .rtt_ms]' \
		'["127.0.0.1:41668",8448,2000,"application-late",null,null]'
	json_is 'select(.sendq_bytes == 255 and .type == "tcp") | [.unread_ms, .unsent_bytes, .zero_window, .meaning]' '[null,null,null,"peer-or-network-late"]'
	show -l
	json_is 'select(.type == "tcp") | [.acceptq, .acceptq_max, .backlog, .full_pct, .local]' '[4,4,null,null,"127.0.0.1:8080"]'
}

@test "-P: the way in, per CPU" {
	samples sock
	at 0
	at 2
	show -P ALL
	json_is '[.cpu, .row, .packets_per_s, .backlog_packets, .backlog_packets_max, .backlog_drops_per_s, .squeezes_per_s, .card_drops_per_s]' \
		'[null,"all",0,5,5,1,1,7]
[0,null,0,5,5,1,0,null]
[3,null,0,0,0,0,1,null]'
	fails 2 'CPU 1 is not online' "$PQ" sock -P 1 -f "$dir"
}
