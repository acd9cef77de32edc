# A kernel that keeps its memory from BPF (lockdown=confidentiality): of the ways of pq runqlat one is left, which is the first, and
# tasks are read with BTF alone, as everywhere.
. /vm/lib.sh
locked="lockdown=confidentiality): BPF may read kernel memory only through BTF"

left() {
	pq runqlat --csv 1 1 >a.csv 2>a.err
	is "$1: it works, by BTF" "$? $(col a.csv source) $(cat a.err)" "0 bpf-btf "
	for source in bpf-raw bpf-tp; do
		pq runqlat --source $source --csv 1 1 >b.csv 2>b.err
		is "$1: $source does not: status 3" $? 3
		says "$1: and why" b.err "$2"
	done
}

pq runqlat --source bpf-tp --csv 1 1 >b.csv 2>b.err
left "no tracefs, no securityfs" "$locked"
mount -t securityfs none /sys/kernel/security
is "the kernel is locked down" "$(grep -c '\[confidentiality\]' /sys/kernel/security/lockdown)" 1
left "no tracefs" "$locked"
mount -t tracefs nodev /sys/kernel/tracing
left "tracefs is empty" "$locked"
mkdir "$CG/box"
inside "$CG/box" guest burn 3 &
sleep 1
for filter in "-g /box" "-p $!" "-P 1"; do
	pq runqlat $filter --csv 1 3 >c.csv 2>c.err
	is "it works with $filter" "$? $(col c.csv source | sort -u) $(cat c.err)" "0 bpf-btf "
	check "and counts" "$(last c.csv waiting) > 0.2"
done
kill -9 $!

guest burn 2 &
burner=$!
sleep 1
for tool in tasks wait; do
	pq $tool --source proc --csv -p $burner 1 1 >p.csv 2>p.err
	is "$tool works without BPF" "$?" 0
	check "and has rows" "$(sed 1d p.csv | wc -l) >= 1"
	pq $tool --source bpf --csv -p $burner 1 1 >b.csv 2>b.err
	is "$tool works with BPF" "$? $(grep -v deadlines b.err)" "0 "
	check "and has rows" "$(sed 1d b.csv | wc -l) >= 1"
done
pq wait --stacks --csv -p $burner 1 1 >s.csv 2>s.err
is "stacks are read" "$?" 0
unshare -p -f --mount-proc pq tasks --source bpf --csv 1 1 >n.csv 2>n.err
is "in a pid namespace BPF needs memory that it may not read: status 3" "$? $(sed 1d n.csv)" "3 "
says "and why" n.err "lockdown=confidentiality"
unshare -p -f --mount-proc pq tasks --csv -c comm,source 1 1 >n.csv 2>n.err
is "and /proc is read instead" "$? $(last n.csv source)" "0 proc"
kill -9 $burner
