#!/usr/bin/env bats
# Cost is linear: twice the text costs each parser about twice the instructions, as valgrind counts them. The programs are those
# of tests/fuzz, which parse what a file has.
load helper

setup() {
	command -v valgrind >/dev/null || skip "no valgrind"
	! nm "$PQ" 2>/dev/null | grep -q __asan_init || skip "valgrind and ASan exclude each other"
}

# instructions PROGRAM ARGUMENT…: how many it takes.
instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -nE 's/.*Collected : ([0-9]+).*/\1/p'
}

# repeated BYTES FILE: the file again and again, cut at that size.
repeated() {
	yes "$(tr -d '\0' <"$2")" | head -c "$1"
}

# is_linear PARSER FILE: from 20 to 40 KB of that text the cost grows about twice, beyond that of a start.
is_linear() {
	local program empty once twice
	program=$(dirname "$PQ")/replay/$1
	[ -x "$program" ] || skip "no $program: make check builds it"
	: >none && repeated 20000 "$2" >once && repeated 40000 "$2" >twice
	empty=$(instructions "$program" none) once=$(instructions "$program" once) twice=$(instructions "$program" twice)
	echo "$1 of $2: $empty $once $twice"
	[ $((twice - empty)) -lt $(((once - empty) * 5 / 2 + 20000)) ]
}

@test "twice the text costs a parser twice the instructions" {
	here
	for parser in mountinfo pidcgroup keyed stat schedstat meminfo psi loadavg cpulist cgroup_memory cgroup_quota task task_files \
		task_limits task_wait wait_counts; do
		is_linear $parser "$(find "$TESTS/fuzz/corpus/$parser" -type f -size -100k -printf '%s %p\n' | sort -rn | sed -n '1s/[0-9]* //p')"
	done
}

@test "twice the mounts cost twice the instructions" {
	here
	for n in 2000 4000; do
		mkdir -p m$n/proc/self
		seq $n | awk '{ print $1, 1, "0:29 / /m/" $1, "rw - cgroup2 cgroup2 rw" }' >m$n/proc/self/mountinfo
		echo 0::/web >m$n/proc/self/cgroup
		echo 'cpu 1 0 1 9 0 0 0 0 0 0' >m$n/proc/stat
	done
	once=$(instructions "$PQ" limits --root m2000) twice=$(instructions "$PQ" limits --root m4000)
	echo "$once $twice"
	[ "$twice" -lt $((once * 5 / 2)) ]
}
