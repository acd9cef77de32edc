#!/usr/bin/env bats
# pq disk: requests, waits and queues of disks, as iostat -x has them.
# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own
load helper

loops=()

teardown() {
	local it
	for it in "${loops[@]}"; do losetup -d "$it" || :; done
}

setup() {
	samples disk
	at 0
	at 2
}

# stats SAMPLE LINE…: /proc/diskstats of that sample.
stats() {
	local t=$1
	shift
	put_at "$t" proc/diskstats "$@"
}

# two NAME FROM TO: the counters of one disk at both ends, 2 s apart.
two() {
	stats t0 "8 0 $1 $2"
	stats t2 "8 0 $1 $3"
}

zeros='0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'

@test "the columns of iostat -x, as it computes them" {
	two sda '100 10 1000 500 200 20 2000 1000 0 300 1500 10 1 100 50 5 20' \
		'300 60 9000 2500 600 120 42000 4000 0 1300 6500 30 6 900 90 15 70'
	show
	json_is '[.device, .r_per_s, .rkb_per_s, .rrqm_per_s, .rrqm_pct, .r_await_ms, .rareq_sz_kb]' '["sda",100,2000,25,20,10,20]'
	json_is '[.w_per_s, .wkb_per_s, .wrqm_per_s, .wrqm_pct, .w_await_ms, .wareq_sz_kb]' '[200,10000,50,20,7.5,50]'
	json_is '[.d_per_s, .dkb_per_s, .drqm_per_s, .drqm_pct, .d_await_ms, .dareq_sz_kb]' '[10,200,2.5,20,2,20]'
	json_is '[.f_per_s, .f_await_ms, .aqu_sz, .util_pct]' '[5,5,2.5,50]'
}

@test "-w iostat has the headings of iostat -x in its order" {
	two sda "$zeros" "$zeros"
	run "$PQ" disk -a -w iostat -f "$dir"
	[[ ${lines[0]} =~ Device\ +r/s\ +rkB/s\ +rrqm/s\ +%rrqm\ +r_await\ +rareq-sz\ +w/s\ +wkB/s\ +wrqm/s\ +%wrqm\ +w_await\ +wareq-sz\ +d/s\ +dkB/s\ +drqm/s\ +%drqm\ +d_await\ +dareq-sz\ +f/s\ +f_await\ +aqu-sz\ +%util ]]
}

@test "the default view fits 80 columns" {
	two nvme10n1 "$zeros" "8000 0 1600000 40000 8000 0 1600000 40000 500 2000 1500000 0 0 0 0 0 0"
	run --separate-stderr "$PQ" disk -f "$dir"
	for line in "${lines[@]}"; do [ "${#line}" -le 80 ]; done
	[[ ${lines[1]} = *" nvme10n1 "* ]]
}

@test "without requests the times and sizes of a request are unknown, not 0" {
	two sda "5 $zeros" "5 $zeros"
	show
	json_is '[.r_per_s, .r_await_ms, .rareq_sz_kb, .rrqm_pct, .aqu_sz, .util_pct, .busy_ms]' '[0,null,null,null,0,0,null]'
}

@test "what a kernel does not count is unknown: 14 and 18 columns" {
	two sda '1 0 0 0 1 0 0 0 0 0 0' '3 0 0 0 3 0 0 0 0 0 0'
	show
	json_is '[.r_per_s, .d_per_s, .dkb_per_s, .d_await_ms, .f_per_s, .f_await_ms, .behind_ms]' '[1,null,null,null,null,null,0]'
	two sda '1 0 0 0 1 0 0 0 0 0 0 4 0 0 0' '3 0 0 0 3 0 0 0 0 0 0 4 0 0 0'
	show
	json_is '[.d_per_s, .d_await_ms, .f_per_s]' '[0,null,null]'
}

@test "a partition of an old kernel has requests and sizes only" {
	stats t0 '8 0 sda 10 0 0 0 0 0 0 0 0 0 0' '8 1 sda1 10 20 30 40'
	stats t2 '8 0 sda 20 0 0 0 0 0 0 0 0 0 0' '8 1 sda1 20 60 30 40'
	show --partitions
	json_is 'select(.device == "sda1") | [.r_per_s, .rkb_per_s, .w_per_s, .r_await_ms, .aqu_sz]' '[5,10,0,null,null]'
}

@test "partitions have rows with --partitions only, each with its disk" {
	for t in t0 t2; do stats $t "259 0 nvme0n1 $t$zeros" "259 0 nvme0n1 5 $zeros" "259 1 nvme0n1p1 5 $zeros"; done
	show
	json_is .device '"nvme0n1"'
	show --partitions
	json_is '[.device, .disk]' '["nvme0n1",null]
["nvme0n1p1","nvme0n1"]'
}

@test "idle disks: those without I/O since boot, and loop devices, have rows with -a only, and a note says so" {
	for t in t0 t2; do stats $t "8 0 sda 5 $zeros" "8 16 sdb $zeros" "7 0 loop0 5 $zeros" "7 1 loop1 ${t#t} $zeros"; done
	show
	json_is .device '"sda"
"loop1"'
	[ "$stderr" = 'pq disk: idle disks are hidden (-a shows them)' ]
	show -a
	json_is .device '"sda"
"sdb"
"loop0"
"loop1"'
	[ -z "$stderr" ]
}

@test "counters of 32 bits wrap" {
	two sda '4294967290 0 4294967200 4294967290 1 0 0 0 0 4294967000 4294966796 0 0 0 0 0 0' \
		'10 0 304 34 1 0 0 0 0 704 1500 0 0 0 0 0 0'
	show
	json_is '[.r_per_s, .rkb_per_s, .r_await_ms, .util_pct, .aqu_sz]' '[8,100,2.5,50,1]'
}

@test "a device that vanishes or appears has no row, and the others do" {
	stats t0 "8 0 sda 5 $zeros" "8 16 sdb 5 $zeros"
	stats t2 "8 0 sda 6 $zeros" "8 32 sdc 5 $zeros"
	show
	json_is .device '"sda"'
	stats t2 "8 0 sda 6 $zeros" "8 32 sdb 5 $zeros" # another disk of that name
	show
	json_is .device '"sda"'
}

@test "a device whose counters were all reset has no row, and a note says so" {
	two sda '1000 10 1000 500 200 20 2000 1000 0 300 1500' '1 0 8 1 0 0 0 0 0 1 1'
	show
	[ -z "$output" ]
	[[ $stderr = *'sda: its counters were reset: no row for this interval' ]]
}

@test "one damaged counter is unknown and told, the others are known" {
	two sda '1000 10 1000 500 200 20 2000 1000 0 300 1500' '1100 20 500 600 300 20 2000 1000 0 400 1600'
	show
	json_is '[.r_per_s, .rkb_per_s, .rareq_sz_kb, .r_await_ms]' '[50,null,null,1]'
	[[ $stderr = *'rkB/s is unknown in some rows: its counter decreased (/proc/diskstats, field 6)'* ]]
}

@test "requests in flight: mean and maximum of the samples" {
	rm -r "$dir"
	for t in 0 1 2 3 4; do
		at $t
		stats t$t "8 0 sda $((t + 1)) 0 0 0 0 0 0 0 $t 0 0"
		put_at t$t sys/block/sda/inflight "       $t       $((t * t))"
	done
	run --separate-stderr "$PQ" disk --json -f "$dir" 4
	json_is '[.inflight, .inflight_max]' '[10,20]'
	for t in 0 1 2 3 4; do rm "$dir/t$t/sys/block/sda/inflight"; done # as from a recording
	run --separate-stderr "$PQ" disk --json -f "$dir" 4
	json_is '[.inflight, .inflight_max]' '[2.5,4]'
}

@test "without ticks between rows, the requests in flight are those of /proc/diskstats" {
	two sda '1 0 0 0 0 0 0 0 3 0 0' '1 0 0 0 0 0 0 0 3 0 0'
	put sys/block/sda/inflight '       7        0'
	run --separate-stderr "$PQ" disk --root "$dir/t2" --json --tick 20ms 60ms 1
	json_is .inflight_max 7
	run --separate-stderr "$PQ" disk --root "$dir/t2" --json --tick 1s 20ms 1
	json_is .inflight_max 3
}

@test "the queue: room, scheduler, and time in the disk apart from time behind others" {
	two sda '1 0 0 0 0 0 0 0 0 0 0' '101 0 0 2000 0 0 0 0 0 500 2000'
	put sys/block/sda/queue/nr_requests 256
	put sys/block/sda/queue/scheduler 'none [mq-deadline] bfq'
	show
	json_is '[.nr_requests, .scheduler, .r_await_ms, .busy_ms, .behind_ms]' '[256,"mq-deadline",20,5,15]'
}

@test "names: device mapper, loop, RAID and model; a slash in a name is found in /sys" {
	for t in t0 t2; do
		stats $t "253 0 dm-0 5 $zeros" "7 0 loop0 ${t#t} $zeros" "9 0 md127 5 $zeros" "104 0 cciss/c0d0 5 $zeros" "8 0 sda 5 $zeros"
	done
	put sys/block/dm-0/dm/name vg0-root
	put sys/block/loop0/loop/backing_file '/var/lib/my image.img'
	put sys/block/md127/md/level raid1
	put 'sys/block/cciss!c0d0/device/model' 'LOGICAL VOLUME  '
	show
	json_is '[.device, .name]' '["dm-0","vg0-root"]
["loop0","/var/lib/my image.img"]
["md127","raid1"]
["cciss/c0d0","LOGICAL VOLUME"]
["sda",null]'
}

@test "tasks wait while no request is in flight: a note says what may hold them back" {
	two sda '1 0 0 0 0 0 0 0 0 0 0' '2 0 0 0 0 0 0 0 0 20 20'
	put_at t0 proc/pressure/io 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000'
	put_at t2 proc/pressure/io 'some avg10=90.00 avg60=0.00 avg300=0.00 total=1901000'
	show
	[[ $stderr = *'tasks wait for I/O much of the time, but hardly any request is in flight: io.max of a cgroup or a network file system may hold them back'* ]]
	two sda '1 0 0 0 0 0 0 0 0 0 0' '2 0 0 0 0 0 0 0 0 1900 1900'
	show
	[ -z "$stderr" ]
}

@test "no /proc/diskstats, or one without disks, is not supported" {
	fails 3 'pq disk: cannot use /proc/diskstats: No such file' "$PQ" disk -f "$dir"
	stats t0 'nonsense'
	fails 3 'pq disk: cannot use /proc/diskstats: it lists no disk' "$PQ" disk -f "$dir"
}

@test "metrics have the kernel's counters in base units" {
	two sda '1 0 0 0 0 0 0 0 0 0 0' '101 0 2048 2500 0 0 0 0 0 500 2000'
	run --separate-stderr "$PQ" disk --metrics -f "$dir"
	for line in 'pq_disk_reads_total{device="sda"} 101' 'pq_disk_read_bytes_total{device="sda"} 1048576' \
		'pq_disk_read_wait_seconds_total{device="sda"} 2.5' 'pq_disk_busy_seconds_total{device="sda"} 0.5' \
		'pq_disk_queue_seconds_total{device="sda"} 2' 'pq_disk_util_ratio{device="sda"} 0.25'; do
		grep -qxF "$line" <<<"$output" || { echo "no $line" && return 1; }
	done
	two sda '1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0' '11 0 80 20 10 0 80 20 0 50 60 10 0 80 20 10 20'
	run --separate-stderr "$PQ" disk --metrics -f "$dir"
	for kind in read write discard flush; do grep -q "^pq_disk_${kind}_await_seconds{" <<<"$output" || return 1; done
	run ! grep "^pq_disk_d_" <<<"$output" # promtool takes d for a unit
}

# ---- Per cgroup

# io_group PATH STAT MAX SOME_US FULL_US [DIRTY WRITEBACK]: a v2 cgroup with these files.
io_group() {
	group "$1"
	printf '%b' "$2" >"$group/io.stat"
	printf '%b' "$3" >"$group/io.max"
	printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%s\n' "$4" "$5" >"$group/io.pressure"
	[ -z "${6:-}" ] || printf 'anon 1\nfile_dirty %s\nfile_writeback %s\n' "$6" "$7" >"$group/memory.stat"
}

# two_groups: /a is held back by its io.max, /b writes to another disk, /c is idle; 2 s.
two_groups() {
	rm -r "$dir"
	at 0
	io_group /a '8:0 rbytes=0 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n' '8:0 rbps=max wbps=1048576 riops=max wiops=100\n' 0 0
	io_group /b '8:0 rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n' '' 0 0
	io_group /c '8:0 rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n' '' 0 0
	at 2
	io_group /a '8:0 rbytes=4096 wbytes=819200 rios=4 wios=198 dbytes=2048 dios=2\n' \
		'8:0 rbps=max wbps=1048576 riops=max wiops=100\n' 1900000 1800000 4096 8192
	io_group /b '8:0 rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n8:16 rbytes=0 wbytes=204800 rios=0 wios=20 dbytes=0 dios=0 cost.usage=7\n' \
		'' 20000 0
	io_group /c '8:0 rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n' '' 0 0
	for t in t0 t2; do stats $t "8 0 sda 5 $zeros" "8 16 sdb 5 $zeros"; done
}

@test "-G: rows per cgroup and disk, the one that its io.max holds back first, and a note" {
	two_groups
	show -G
	json_is '[.cgroup, .device, .r_per_s, .rkb_per_s, .w_per_s, .wkb_per_s, .d_per_s, .dkb_per_s, .limit_pct, .limited_by]' \
		'["/a","sda",2,2,99,400,1,1,99,"wiops"]
["/b","sdb",0,0,10,100,0,0,null,null]'
	show -G -c cgroup,wkb_max,w_max,rkb_max,r_max,io_some_pct,io_full_pct,dirty_bytes,writeback_bytes
	json_is '[.cgroup, .wkb_max, .w_max, .rkb_max, .r_max, .io_some_pct, .io_full_pct, .dirty_bytes, .writeback_bytes]' \
		'["/a",1024,100,null,null,95,90,4096,8192]
["/b",null,null,null,null,1,0,null,null]'
	[[ $stderr = *'cgroup /a: its wiops limit on sda holds requests back before the disk, which may look idle'* ]]
}

@test "-G -a shows idle cgroups too, and -n the worst" {
	two_groups
	show -G -a -c cgroup,device
	json_is '[.cgroup, .device]' '["/a","sda"]
["/b","sdb"]
["/b","sda"]
["/c","sda"]'
	show -G -n 1 -c cgroup,device
	json_is '.cgroup' '"/a"'
}

@test "-g: one cgroup and its parents with a limit; without the controller it says so" {
	two_groups
	for t in t0 t2; do mkdir -p "$dir/$t/sys/fs/cgroup/a/in" && cp "$dir/$t/sys/fs/cgroup/b/"* "$dir/$t/sys/fs/cgroup/a/in"; done
	show -g /a/in
	json_is '[.cgroup, .device]' '["/a","sda"]
["/a/in","sda"]
["/a/in","sdb"]'
	rm "$dir"/t?/sys/fs/cgroup/a/in/io.stat
	run --separate-stderr "$PQ" disk -f "$dir" -g /a/in
	[ "$status" -eq 3 ]
	[[ $stderr = *'cgroup /a/in: io.stat: No such file or directory; the controller is not enabled'* ]]
}

@test "-G: the machine with its dirty pages against the limit that stops writers" {
	two_groups
	for t in 0 2; do
		put_at t$t proc/vmstat 'nr_dirty 700' 'nr_writeback 100' 'nr_dirty_threshold 1000' 'nr_dirty_background_threshold 500' \
			"pgpgin $((t * 100))" "pgpgout $((t * 50))"
	done
	show -G -n 1
	output=${output%%$'\n'*}
	json_is '[.cgroup, .device, .rkb_per_s, .wkb_per_s, .dirty_bytes, .writeback_bytes, .dirty_pct]' \
		'["machine",null,100,50,2867200,409600,80]'
	[[ $stderr = *'dirty pages are near the limit of vm.dirty_ratio or vm.dirty_bytes: writers wait for the disks'* ]]
}

@test "-G and a cgroup that was created again: its counters are unknown, and the row says reset" {
	two_groups
	printf '8:0 rbytes=1 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n' >"$dir/t2/sys/fs/cgroup/b/io.stat"
	show -g /b
	json_is '[.device, .rkb_per_s, .r_per_s, .note]' '["sda",null,null,"reset"]'
}

@test "-G, -g and -p cannot be combined" {
	fails 2 '-G and -g cannot be combined' "$PQ" disk -G -g /a -f "$dir"
	fails 2 '-G and -p cannot be combined' "$PQ" disk -G -p 1 -f "$dir"
}

@test "v1: blkio.throttle has the same figures" {
	rm -r "$dir"
	for t in 0 2; do
		at $t
		echo '4:blkio:/v' >"$now/proc/self/cgroup"
		echo '31 20 0:27 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio' >"$now/proc/self/mountinfo"
		put_at t$t proc/diskstats "8 0 sda 5 $zeros"
		v=sys/fs/cgroup/blkio/v
		put_at t$t $v/cgroup.procs
		put_at t$t $v/blkio.throttle.io_service_bytes "8:0 Read 0" "8:0 Write $((t * 102400))" '8:0 Sync 0' "8:0 Total $((t * 102400))" 'Total 1'
		put_at t$t $v/blkio.throttle.io_serviced "8:0 Read 0" "8:0 Write $((t * 25))" "8:0 Total $((t * 25))" 'Total 1'
		put_at t$t $v/blkio.throttle.write_bps_device '8:0 204800'
		put_at t$t $v/blkio.throttle.write_iops_device
	done
	show -g /v
	json_is '[.cgroup, .device, .w_per_s, .wkb_per_s, .limit_pct, .limited_by, .io_some_pct]' '["/v","sda",25,100,50,"wbps",null]'
}

# ---- In recordings, checks and exports

# recorded ARGUMENTS…: x.tape, of two samples of the machine of two_groups at its end.
recorded() {
	dir=$BATS_TEST_TMPDIR/m
	two_groups
	rm -f x.tape
	"$PQ" record --root "$dir/t2" -o x.tape 20ms 2 "$@" disk 2>/dev/null
}

@test "a recording made with -g has the cgroup: -G and -g replay it, and without them the disks" {
	here
	recorded -g /a
	dir=x.tape
	show -G
	json_is '[.cgroup, .device, .r_per_s]' '["/a","sda",0]'
	show -g /a
	json_is '[.cgroup, .device, .r_per_s]' '["/a","sda",0]'
	show
	json_is '[.device, .r_per_s]' '["sda",0]
["sdb",0]'
	run --separate-stderr "$PQ" disk -g /b -f x.tape
	[ "$status" -eq 3 ]
	[[ $stderr = *'cgroup /b: the recording holds only the cgroups chosen when it was made'* ]]
}

@test "a recording made with -a has all cgroups and the machine, one without a target the disks alone" {
	here
	recorded -a
	dir=x.tape
	show -G -a
	json_is '[.cgroup, .device]' '["/a","sda"]
["/b","sda"]
["/b","sdb"]
["/c","sda"]'
	show -g /b
	json_is '[.cgroup, .device]' '["/b","sda"]
["/b","sdb"]'
	recorded
	dir=x.tape
	show
	json_is .device '"sda"
"sdb"'
	run --separate-stderr "$PQ" disk -G -f x.tape
	[ "$status" -eq 3 ]
	[[ $stderr = *'all cgroups: the recording holds only the cgroups chosen when it was made'* ]]
}

@test "without a visible cgroup, -G has the row of the machine" {
	two_groups
	rm -r "$dir"/t?/proc/self "$dir"/t?/sys
	put_at t0 proc/vmstat 'nr_dirty 7' 'pgpgin 0'
	put_at t2 proc/vmstat 'nr_dirty 7' 'pgpgin 200'
	show -G
	json_is '[.cgroup, .rkb_per_s]' '["machine",100]'
}

@test "pq check -g finds a cgroup that uses up its io.max; without such a limit that is unknown" {
	two_groups
	run --separate-stderr "$PQ" check -f "$dir" -g /a -w 'disk.limit_pct > 70' -c 'disk.limit_pct > 90'
	[ "$status" -eq 2 ]
	[ "$output" = "PQ CRITICAL - disk.limit_pct 99 > 90 (/a) | 'disk.limit_pct'=99%;70;90;0;100" ]
	run --separate-stderr "$PQ" check -f "$dir" -g /a 'disk.limit_pct > 99.5'
	[ "$status" -eq 0 ]
	run --separate-stderr "$PQ" check -f "$dir" -g /b 'disk.limit_pct > 90'
	[ "$status" -eq 3 ]
	[[ $output = 'PQ UNKNOWN - disk.limit_pct > 90 is unknown'* ]]
	run --separate-stderr "$PQ" check -f "$dir" -a 'disk.limit_pct > 90 and disk.io_some_pct > 20'
	[ "$status" -eq 2 ]
	[[ $output = 'PQ CRITICAL - '*'(/a)'* ]]
}

@test "in a condition, a column that disks and cgroups have is that of the disks unless there is a target" {
	two_groups
	stats t2 "8 0 sda 5 0 0 0 14 $zeros" "8 16 sdb 5 $zeros"
	run --separate-stderr "$PQ" check -f "$dir" 'disk.w_per_s > 5'
	[ "$output" = "PQ CRITICAL - disk.w_per_s 7 > 5 (sda) | 'disk.w_per_s'=7;;5" ]
	run --separate-stderr "$PQ" check -f "$dir" -g /b 'disk.w_per_s > 5'
	[ "$output" = "PQ CRITICAL - disk.w_per_s 10 > 5 (/b) | 'disk.w_per_s'=10;;5" ]
	run --separate-stderr "$PQ" check -f "$dir" -g /b 'disk.w_per_s > 5 and disk.aqu_sz < 1'
	[ "$status" -eq 2 ]
	run --separate-stderr "$PQ" check -f "$dir" 'disk.limit_pc > 1'
	[ "$status" -eq 3 ]
	[[ $stderr = *"unknown column 'limit_pc' in disk; did you mean 'limit_pct'?"* ]]
}

# ---- Beside iostat, and live

# iostat_of FROM TO: what iostat -x makes of the counters of a disk that are 2 s apart, as one line of JSON. It reads them from
# /sys/block.
iostat_of() {
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -m bash -c '
		mount -t tmpfs none /sys/block && mkdir /sys/block/sda && cd /sys/block/sda || exit
		echo "1000.00 1000.00" >uptime && mount --bind uptime /proc/uptime || exit
		echo "$1" >stat
		iostat -x -y -o JSON sda 3 1 &
		until grep -q "(iostat) S " "/proc/$!/stat"; do :; done # it has read them once
		echo "1002.00 1002.00" >uptime; echo "$2" >stat
		wait' iostat_of "$1" "$2" >out || return
	jq -c '.sysstat.hosts[0].statistics[-1].disk[] | select(.disk_device == "sda")' out
}

@test "the same snapshots give the figures of iostat -x: waits, queue length and all others" {
	here
	command -v iostat >/dev/null || skip "no iostat"
	unshare -m true 2>/dev/null || skip "no mount namespace"
	from='2573454 250749 452108210 3155383 3283362 5911037 195302896 2865894 0 1121172 6653914 5826112 48 364041016 592699 442124 39935'
	to='2573754 250799 452116210 3157383 3283762 5911137 195342896 2868894 9 1122172 6658914 5826132 53 364041816 592739 442134 39985'
	iostat_of "$from" "$to" >theirs
	two sda "$from" "$to"
	show
	keys='r_per_s rkb_per_s rrqm_per_s rrqm_pct r_await_ms rareq_sz_kb w_per_s wkb_per_s wrqm_per_s wrqm_pct w_await_ms wareq_sz_kb
		d_per_s dkb_per_s drqm_per_s drqm_pct d_await_ms dareq_sz_kb f_per_s f_await_ms aqu_sz util_pct'
	set -- r/s rkB/s rrqm/s rrqm r_await rareq-sz w/s wkB/s wrqm/s wrqm w_await wareq-sz d/s dkB/s drqm/s drqm d_await dareq-sz f/s \
		f_await aqu-sz util
	for key in $keys; do
		ours=$(json ".$key") iostat=$(jq ".\"$1\"" theirs)
		awk -v a="$ours" -v b="$iostat" 'BEGIN { exit !(b > 0 && a / b > 0.99 && a / b < 1.01) }' ||
			{ echo "$key: pq $ours, iostat $1 $iostat" && return 1; }
		shift
	done
}

# sum_of_disk KEY: what the disk did in all rows so far, of a rate in KEY. The last line may not be whole yet.
sum_of_disk() {
	head -n "$(wc -l <rows)" rows | jq -s "map(select(.device == \"${disk#/dev/}\") | .$1 * .interval_s) | add // 0 | round"
}

has_written() { [ "$(sum_of_disk w_per_s)" -ge "$1" ]; }

@test "live: requests that a program made on a loop device are counted, and its queue is seen" {
	here
	[ "$(id -u)" -eq 0 ] && command -v losetup >/dev/null || skip "not root"
	truncate -s 64M image
	disk=$(losetup -f --show image 2>/dev/null) || skip "no loop device"
	loops+=("$disk")
	: >rows
	start env --default-signal=TERM "$PQ" disk --json 0.5 >rows 2>/dev/null
	await test -s rows
	dd if=/dev/zero of="$disk" bs=64k count=100 oflag=direct 2>/dev/null
	await has_written 100
	kill "$last"
	wait "$last"
	[ "$(sum_of_disk w_per_s)" -eq 100 ]
	[ "$(sum_of_disk wkb_per_s)" -eq 6400 ]
	output=$(grep "\"${disk#/dev/}\"" rows)
	echo "$output"
	# the kernel counts busy time by ticks of its clock: 100 short requests may miss them all
	[ "$(json -s '[(map(.w_await_ms) | max > 0), (map(.util_pct, .inflight_max) | all(. != null))]')" = '[true,true]' ]
}
