# shellcheck shell=bash
# What the bats files share. PQ is the program under test.
#
#   running    fails, json, json_is, golden, points_at, show, as_nobody
#   machines   capture, here, samples, sample, at, process, group, cpu_group, machine, put, put_at
#   live       start, await, in_state, burn, read_pipe, v1_group, remove_group, small_disk: gone when the test ends
bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PQ=${PQ:-$TESTS/../build/pq}
export TZ=UTC LC_ALL=C

# What start, v1_group and small_disk made is taken away again.
teardown() {
	local it
	for it in "${started[@]}"; do kill -9 "$it" 2>/dev/null || :; done
	for it in "${started[@]}"; do wait "$it" 2>/dev/null || :; done
	for it in "${made[@]}"; do remove_group "$it"; done
	! mountpoint -q disk 2>/dev/null || umount -l disk
}

# ---- running

# fails STATUS PATTERN COMMAND…: the command ends with that status, prints nothing, and says one line like PATTERN on stderr.
fails() {
	local status_wanted=$1 pattern=$2
	shift 2
	run --separate-stderr "$@"
	if [ "$status" -ne "$status_wanted" ] || [ -n "$output" ] || [ "${#stderr_lines[@]}" -ne 1 ] ||
		[[ ! $stderr =~ $pattern ]]; then
		printf 'status %s, stdout: %s\nstderr: %s\nwanted: %s\n' "$status" "$output" "$stderr" "$pattern" >&2
		return 1
	fi
}

# json FILTER: what jq makes of $output's lines.
json() {
	jq -c "$@" <<<"$output"
}

# json_is FILTER WANT: what jq makes of $output's lines is WANT.
json_is() {
	diff -u <(printf '%s\n' "$2") <(json "$1")
}

# golden NAME COMMAND…: what the command writes to both outputs, byte by byte, must be tests/golden/NAME. With UPDATE=1 it
# becomes that: read the difference before you commit it.
golden() {
	local want=$TESTS/golden/$1 got=$BATS_TEST_TMPDIR/got
	shift
	"$@" >"$got" 2>&1 || printf 'exit status %d\n' $? >>"$got"
	if [ -n "${UPDATE:-}" ]; then
		mkdir -p "$(dirname "$want")"
		cp "$got" "$want"
	fi
	diff -u "$want" "$got"
}

# points_at STATUS PATTERN COLUMN COMMAND… EXPRESSION: the command fails, says why, and marks that column of the expression.
points_at() {
	local status_wanted=$1 pattern=$2 column=$3
	shift 3
	run --separate-stderr "$@"
	printf '%s: %s\n%s\n' "$status" "$output" "$stderr"
	[ "$status" -eq "$status_wanted" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 3 ]
	[[ ${stderr_lines[0]} =~ $pattern ]]
	[ "${stderr_lines[1]}" = "  ${*: -1}" ]
	[ "${stderr_lines[2]}" = "  $(printf '%*s' "$column" '')^" ]
}

# show ARGUMENTS…: $output is the JSON of $tool on the samples in $dir.
show() {
	run --separate-stderr "$PQ" "$tool" --json "$@" -f "$dir"
	[ "$status" -eq 0 ]
}

# as_nobody ARGUMENTS…: runs pq as a user without rights. need_nobody, before it, skips the test where that is impossible.
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$BATS_TEST_TMPDIR/pq-nobody" "$@"
	else
		"$PQ" "$@"
	fi
}

need_nobody() {
	[ "$(id -u)" -eq 0 ] || return 0
	command -v setpriv >/dev/null || skip "no setpriv"
	cp "$PQ" "$BATS_TEST_TMPDIR/pq-nobody"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/pq-nobody"
	as_nobody --version >/dev/null 2>&1 || skip "another user cannot reach $BATS_TEST_TMPDIR"
}

# ---- machines

# capture NAME: unpacks tests/captures/NAME.tgz once per file, and prints the directory.
capture() {
	local dir=$BATS_FILE_TMPDIR/captures/$1
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		tar xzf "$TESTS/captures/$1.tgz" -C "$dir"
	fi
	printf '%s\n' "$dir"
}

# here: goes to an empty directory; bats keeps its own files in the one above.
here() {
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
}

# samples TOOL [CGROUP]: this test puts samples into $dir, and show asks TOOL about them. pq is in CGROUP.
samples() {
	dir=$BATS_TEST_TMPDIR/m tool=$1 own_cgroup=${2:-/}
}

# sample DIR MONO_NS: begins a sample in DIR at that time; the test puts the files under it.
sample() {
	mkdir -p "$1/proc" "$1/sys/fs/cgroup"
	printf '%s 1790000000000000000\n' "$2" >"$1/clock"
}

# at N: begins sample tN of $dir, N seconds after the first, on a v2 machine where pq is in $own_cgroup. $now is its directory. If
# the bats file has a function every_sample, that adds its files.
at() {
	now=$dir/t$1
	sample "$now" $((($1 + 1) * 1000000000))
	process self "$own_cgroup"
	: >"$now/sys/fs/cgroup/cgroup.procs"
	! declare -F every_sample >/dev/null || every_sample "$1"
}

# process PID CGROUP: in the sample $now that process is in this v2 cgroup, and sees all of them.
process() {
	mkdir -p "$now/proc/$1"
	echo "0::$2" >"$now/proc/$1/cgroup"
	echo "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw" >"$now/proc/$1/mountinfo"
}

# group PATH: a v2 cgroup in the sample $now; $group is its directory.
group() {
	group=$now/sys/fs/cgroup$1
	mkdir -p "$group"
	: >"$group/cgroup.procs"
	echo domain >"$group/cgroup.type"
}

# cpu_group PATH QUOTA USAGE_US PERIODS THROTTLED THROTTLED_US [LOCAL_US]
cpu_group() {
	group "$1"
	echo "$2" >"$group/cpu.max"
	printf 'usage_usec %s\nuser_usec 0\nsystem_usec 0\nnr_periods %s\nnr_throttled %s\nthrottled_usec %s\nnr_bursts 2\nburst_usec 0\n' \
		"$3" "$4" "$5" "$6" >"$group/cpu.stat"
	[ -z "${7:-}" ] || printf 'throttled_usec %s\n' "$7" >"$group/cpu.stat.local"
}

# machine DIR: the files of a machine of one CPU without cgroups, for --root: plist_sz is 100, waiting is unknown. $now is DIR.
machine() {
	now=$1
	mkdir -p "$1/proc/pressure" "$1/sys/fs/cgroup"
	echo '0.10 0.20 0.30 1/100 4321' >"$1/proc/loadavg"
	printf 'cpu  10 0 0 90 0 0 0 0 0 0\ncpu0 10 0 0 90 0 0 0 0 0 0\nprocs_running 2\nprocs_blocked 0\n' >"$1/proc/stat"
	echo 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000' >"$1/proc/pressure/cpu"
}

# put FILE LINE…: that file, in all samples of $dir.
put() {
	local at
	for at in "$dir"/t?; do put_at "${at##*/}" "$@"; done
}

# put_at SAMPLE FILE LINE…: that file, in one sample.
put_at() {
	local file=$dir/$1/$2
	shift 2
	[ -d "${file%/*}" ] || mkdir -p "${file%/*}"
	: >"$file"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$file"
}

# ---- live

started=() made=()

# start COMMAND…: runs it in the background until the test ends; its process is $last.
start() {
	"$@" 3>&- &
	last=$!
	started+=("$last")
}

# await COMMAND…: repeats it until it succeeds, for as long as a slow machine may take.
await() {
	local n
	for ((n = 0; n < 600; n++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "still not true: $*" >&2
	[ ! -s log ] || cat log >&2
	return 1
}

# in_state LETTERS PID: the process or thread is in one of these states of ps, such as S or T.
in_state() {
	grep -q ") [$1] " "/proc/$2/stat"
}

# burn [CGROUP…]: a busy loop in the cgroups with these directories.
burn() {
	# shellcheck disable=SC2016 # the inner shell expands it
	start bash -c 'for dir; do echo $$ >"$dir/cgroup.procs"; done; while ((SECONDS < 60)); do :; done' burn "$@"
}

# read_pipe: a process that reads from a pipe to which nobody writes.
read_pipe() {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	# shellcheck disable=SC2016 # the inner shell expands it
	start bash -c 'exec 9<>"$1" && exec cat <&9 >/dev/null' read_pipe "$BATS_TEST_TMPDIR/fifo"
	await grep -qx cat "/proc/$last/comm"
	await grep -q ') S ' "/proc/$last/stat"
}

# v1_group [QUOTA_US [PERIOD_US]]: an empty cgroup with that quota, if this machine has v1 and lets us make one. Its directories
# are $group and, for the controller cpuacct, $acct; pq calls it $name.
v1_group() {
	name=/pqtest-$$-$BATS_TEST_NUMBER
	[ -e /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] || skip "no cgroup v1 cpu hierarchy here (make vmtest runs this on v2)"
	mkdir "/sys/fs/cgroup/cpu$name" 2>/dev/null || skip "not permitted to make a cgroup"
	group=/sys/fs/cgroup/cpu$name acct=/sys/fs/cgroup/cpuacct$name
	made+=("$group" "$acct")
	mkdir -p "$acct"
	[ -z "${2:-}" ] || echo "$2" >"$group/cpu.cfs_period_us"
	[ -z "${1:-}" ] || echo "$1" >"$group/cpu.cfs_quota_us"
}

# remove_group DIR: as soon as its processes have ended.
remove_group() {
	local n
	for ((n = 0; n < 50; n++)); do
		[ -d "$1" ] || return 0
		rmdir "$1" 2>/dev/null || sleep 0.1
	done
}

# small_disk OPTIONS: a disk of our own on the directory disk.
small_disk() {
	[ "$(id -u)" -eq 0 ] || skip "only root can mount a small disk"
	mkdir disk
	mount -t tmpfs -o "$1" pqtest disk 2>/dev/null || skip "no disk can be mounted here"
}

# page ARGUMENTS…: pq report writes page.html, which has to be there then.
page() {
	rm -f page.html
	run --separate-stderr "$PQ" report -u "$@" -o page.html
	[ "$status" -eq 0 ] || { printf '%s\n' "$stderr" && return 1; }
	[ -s page.html ]
}
