# pq sock: queues that tests/queues.c made, on this kernel; and its files where netlink has no sockets.
. /vm/lib.sh
# The modules of sock_diag, if they were given (PQ_VM_MODULES of scripts/vmtest); without them the files must do.
for m in inet_diag tcp_diag udp_diag unix_diag; do
	[ ! -e "/vm/$m.ko" ] || insmod "/vm/$m.ko"
done
ip link set lo up 2>/dev/null || ifconfig lo up

# made ARGUMENTS…: starts that process; $port is what it prints, $pid its process.
made() {
	: >port
	queues "$@" >port 2>/dev/null &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		[ -s port ] && break
		sleep 0.3
	done
	port=$(cat port)
}

# field KEY FILTER: of the rows in the file rows that have FILTER, that figure of the first.
field() { grep "$2" rows | head -n 1 | sed -n "s/.*\"$1\":\"*\([^,\"}]*\).*/\1/p"; }

made listen 3 2
pq sock -l --json 0.5 1 >rows 2>err
is "a listener has a row" "$?" 0
netlink=yes
grep -q 'no TCP sockets by netlink' err && netlink=''
is "the length of its queue" "$(field acceptq_max "127.0.0.1:$port")" 2
if [ "$netlink" ]; then
	is "its backlog" "$(field backlog "127.0.0.1:$port")" 3
	is "its process" "$(field pid "127.0.0.1:$port")" $pid
else
	is "without netlink, no backlog" "$(field backlog "127.0.0.1:$port")" null
fi
kill $pid

made listen 2 6
pq sock -l --json 3 1 >rows 2>err
is "a full queue holds one more than the backlog" "$(field acceptq_max "127.0.0.1:$port")" 3
check "overflows are counted" "$(field overflows_per_s '"type":"all"') > 0"
if [ "$netlink" ]; then
	is "what that means" "$(field meaning "127.0.0.1:$port")" queue-full
	check "drops of this listener" "$(field drops_per_s "127.0.0.1:$port") > 0"
fi
kill $pid

made unread 4321
pq sock --json 0.5 2 >rows 2>err
is "bytes that are not read" "$(grep "127.0.0.1:$port" rows | grep -v '"recvq_bytes":0' | tail -n 1 | sed 's/.*"recvq_bytes":\([0-9]*\).*/\1/')" 4321
if [ "$netlink" ]; then
	check "for how long" "$(grep '"recvq_bytes":4321' rows | tail -n 1 | sed 's/.*"unread_ms":\([0-9]*\).*/\1/') >= 500"
fi
kill $pid

made closed 500
pq sock --json 0.3 1 >rows 2>err
is "the end of a connection is not a byte" "$(grep "\"local\":\"127.0.0.1:$port\"" rows | sed 's/.*"recvq_bytes":\([0-9]*\).*/\1/' | sort -n | tail -n 1)" 500
kill $pid

made udp 1000 2000
pq sock --json 1 1 >rows 2>err
check "drops of UDP" "$(field drops_per_s "127.0.0.1:$port") > 0"
is "what that means" "$(field meaning "127.0.0.1:$port")" application-late
kill $pid

pq sock -P ALL --json 1 1 >rows 2>err
is "the way in: a row for each CPU and one for all" "$(grep -c '"tool":"sock"' rows)" "$(($(grep -c ^processor /proc/cpuinfo) + 1))"
is "the backlog is known" "$(field backlog_packets '"row":"all"' | grep -c '^[0-9]')" 1

made listen 5 3
pq sock -l --json -o t.tape 0.3 2 >live 2>err
pq sock -l --json -f t.tape >replayed 2>err
is "a recording replays as it was" "$(cmp live replayed && echo same)" same
kill $pid
