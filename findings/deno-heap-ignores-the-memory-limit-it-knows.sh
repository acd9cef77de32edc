#!/bin/sh
# Deno 2.9.6 and Node.js 26.10.0 (npm packages deno 2.9.6, node 26.10.0)
#
# Input: a process in a cgroup with a memory limit of 512 MiB (memory.max; v1: memory.limit_in_bytes),
# on a machine with 4 GiB of memory or more.
# Expected: a largest heap of about half of the limit, as in Node.js, which has the same engine (V8).
# Deno knows the limit: process.constrainedMemory() gives 536870912.
# Seen: Deno's largest heap (v8.getHeapStatistics().heap_size_limit) comes from the machine's memory
# alone, so it is several times the limit, and the heap of a growing program reaches the limit of the
# cgroup first. That of Node.js stays below the limit.
set -eu
dir=$(mktemp -d)
top=/sys/fs/cgroup limit=memory.max
[ -e $top/cgroup.controllers ] || { top=/sys/fs/cgroup/memory limit=memory.limit_in_bytes; }
group=$top/finding-$$
trap 'rm -rf "$dir"; rmdir "$group" 2>/dev/null || :' EXIT
if ! mkdir "$group" || ! echo 536870912 >"$group/$limit"; then
	echo "needs root, and a cgroup with the memory controller" >&2
	exit 2
fi
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . deno@2.9.6 node@26.10.0 >/dev/null
cat >heap.mjs <<'END'
import { getHeapStatistics } from 'node:v8';
import { versions, constrainedMemory } from 'node:process';

const heap = getHeapStatistics().heap_size_limit, limit = constrainedMemory();
console.log(versions.deno ? `Deno ${versions.deno}` : `Node.js ${versions.node}`,
    `limit ${limit >> 20} MiB, heap ${Math.round(heap / 1048576)} MiB:`, heap > limit ? 'above' : 'below');
END
# in_group COMMAND…: runs it in the cgroup.
in_group() {
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}
seen=$(in_group node_modules/.bin/deno run --allow-all --quiet heap.mjs; in_group node_modules/.bin/node heap.mjs)
echo "$seen"
[ "$(echo "$seen" | sed 's/, heap [0-9]* MiB//')" = "Deno 2.9.6 limit 512 MiB: above
Node.js 26.10.0 limit 512 MiB: below" ]
