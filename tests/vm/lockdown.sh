# pq runqlat on a kernel that keeps its memory from BPF (lockdown=confidentiality): of its ways one is left, which is the first.
. /vm/lib.sh
locked="lockdown=confidentiality): it lets BPF read nothing of its memory but with BTF"

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
