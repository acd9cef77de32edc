# The rings of scheduler events, by each mode, beside what the kernel counts.
. /vm/lib.sh
mount -t tracefs nodev /sys/kernel/tracing

# all NAME COMMAND…: tests/ring.c says of each thing whether it is right.
all() {
	name=$1
	shift
	ring "$@" >said 2>&1
	is "$name" "$? $(grep WRONG said)" "0 "
	sed -n '/^#/p' said
}

for mode in bpf-btf bpf-raw bpf-tp; do
	all "$mode: rings hold what the kernel counts" check $mode 2000
	is "$mode: programs see all switches" "$(sed -n 's/.*switches that no program saw: //p' said)" 0
	all "$mode: a small ring has the last events" small $mode 500
	all "$mode: a long wait wakes up whoever watches" alarm $mode
done
