# pq disk: a real disk, with requests that are counted by hand, and a limit that holds them back before the disk.
. /vm/lib.sh
disk=nvme0n1 # scripts/vm --disk
tries=0
until [ -b /dev/$disk ] || [ $tries -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done

# counted N: that field of the disk in /proc/diskstats.
counted() { awk -v disk=$disk -v n="$1" '$3 == disk { print $n }' /proc/diskstats; }

# rows_follow FILE N: waits until the file has N rows more.
rows_follow() {
	want=$(($(wc -l <"$1") + $2)) tries=0
	until [ "$(wc -l <"$1")" -ge $want ] || [ $tries -eq 300 ]; do tries=$((tries + 1)); sleep 0.2; done
}

# near NAME GOT WANTED: up to what rounded figures of a few rows may lose.
near() { check "$1" "$2 > $3 - 3 && $2 < $3 + 3"; }

# rule ARGUMENTS…: the first finding of pq why.
rule() { pq why --json "$@" 2>/dev/null | grep -o '"rule":"[^"]*"' | head -n 1 | cut -d'"' -f4; }

# 200 writes and 50 reads.
dd if=/dev/zero of=/dev/$disk bs=4k count=1 oflag=direct 2>/dev/null # a disk without I/O since boot has no row
writes=$(counted 8) written=$(counted 10) reads=$(counted 4)
: >rows
pq disk --csv -w all 1 >rows 2>err &
rows_follow rows 2
dd if=/dev/zero of=/dev/$disk bs=16k count=200 oflag=direct 2>/dev/null
dd if=/dev/$disk of=/dev/null bs=64k count=50 iflag=direct 2>/dev/null
rows_follow rows 2
kill $!
wait $!
is "the kernel counts 200 writes" "$(($(counted 8) - writes))" 200
is "of 3200 kB" "$((($(counted 10) - written) / 2))" 3200
near "pq counts the same writes" "$(whole rows w_per_s $disk)" 200
near "the same kB" "$(whole rows wkb_per_s $disk)" 3200
near "and reads" "$(whole rows r_per_s $disk)" "$(($(counted 4) - reads))"
check "a write takes time" "$(most rows w_await_ms $disk) > 0"
check "the disk was busy at times" "$(most rows util_pct $disk) > 0"
check "and its queue has room" "$(first rows nr_requests $disk) > 0"

# 32 KiB per second, in requests that come one after the other: few enough for an emulated machine.
limit="$(cat /sys/block/$disk/dev) wbps=32768"
if [ "$MODE" = v2 ]; then
	dir=$CG/io
	mkdir $dir
	echo "$limit" >$dir/io.max
else
	dir=$CG/blkio/io
	mkdir $dir
	echo "${limit% *} 32768" >$dir/blkio.throttle.write_bps_device
fi
inside $dir dd if=/dev/zero of=/dev/$disk bs=32k oflag=direct 2>/dev/null &
writer=$!
sleep 3
blocked=0 flying=0 samples=0
while [ $samples -lt 40 ]; do
	samples=$((samples + 1))
	[ "$(cut -d' ' -f3 /proc/$writer/stat)" != D ] || blocked=$((blocked + 1))
	[ "$(awk '{ print $1 + $2 }' /sys/block/$disk/inflight)" = 0 ] || flying=$((flying + 1))
	sleep 0.1
done
check "held back by a limit, its task is blocked" "$blocked >= 30"
check "while no request is in flight" "$flying <= 10"
pq disk --csv 2 2 >rows 2>err
check "the disk looks idle" "$(most rows aqu_sz $disk) < 0.5"
says "and a note says what may hold I/O back" err 'tasks wait for I/O much of the time, but hardly any request is in flight: io.max'
pq disk -G --csv -w limits 4 2 >rows 2>err
near "-G has the share of the limit" "$(last rows limit_pct /io)" "$(last rows wkb_per_s /io) / 0.32"
is "which is wbps" "$(last rows limited_by /io)" wbps
if [ "$(most rows limit_pct /io | cut -d. -f1)" -gt 80 ]; then # a busy machine may not reach it
	says "and a note says so" err "cgroup /io: its wbps limit on $disk holds requests back before the disk"
fi
is "pq why -g names it" "$(rule -g /io 10)" io-max
is "and pq why" "$(rule 10)" io-max
pq check -i 4s -g /io 'disk.limit_pct > 30' >out 2>/dev/null
is "pq check is critical" $? 2
pq record -o io.tape -g /io 500ms 6 disk 2>/dev/null
pq disk -G --json -f io.tape >rows 2>/dev/null
check "a recording has the limit" "$(grep -c '"limited_by":"wbps"' rows) >= 4"
kill -9 $writer
