# The rings of scheduler events, by each mode, beside what the kernel counts.
. /vm/lib.sh
mount -t tracefs nodev /sys/kernel/tracing

# all NAME COMMAND…: tests/ring.c says of each thing whether it is right. A program that is interrupted in the middle misses the
# events of the interrupt, which is rare unless programs are as slow as here: so one of three tries.
all() {
	name=$1
	shift
	for try in 1 2 3; do
		ring "$@" >said 2>&1
		status=$?
		[ $status -ne 0 ] || break
		sed -n "s/^WRONG/# try $try: &/p" said
	done
	is "$name" "$status $(grep WRONG said)" "0 "
	sed -n '/^#/p' said
}

for mode in bpf-btf bpf-raw bpf-tp; do
	all "$mode: rings hold what the kernel counts" check $mode 2000
	is "$mode: programs see all switches" "$(sed -n 's/.*switches that no program saw: //p' said)" 0
	all "$mode: a small ring has the last events" small $mode 500
	all "$mode: a long wait wakes up whoever watches" alarm $mode
done
