#!/bin/bash
# DuckDB 1.5.6 (npm package @duckdb/node-api 1.5.6-r.1)
#
# Input: select current_setting('threads') on a machine with two or more CPUs, N, as root: in a process that may use one CPU
# (taskset), and in a cgroup whose CPU quota is N + 1.
# Expected: 1 and N. DuckDB looks at the quota of its cgroup, so it means to fit into its container; nproc prints 1 and N.
# Seen: N and N + 1. The affinity does not count, so that all threads share one CPU; and where there is a quota, it is taken even if
# the machine has fewer CPUs. So pq does not take the lowest of all for DuckDB.
set -eu
n=$(getconf _NPROCESSORS_ONLN)
[ "$n" -ge 2 ] || { echo "needs two CPUs"; exit 1; }
dir=$(mktemp -d)
cpu=/sys/fs/cgroup
[ -e $cpu/cgroup.controllers ] || cpu=/sys/fs/cgroup/cpu
group=$cpu/duckdb-finding
trap 'rm -rf "$dir"; rmdir "$group" 2>/dev/null' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . @duckdb/node-api@1.5.6-r.1 >/dev/null
cat >threads.mjs <<'END'
import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create(':memory:')).connect();
console.log(String((await db.runAndReadAll("select current_setting('threads')")).getRows()[0][0]));
END
mkdir "$group"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	echo +cpu >$cpu/cgroup.subtree_control
	echo "$(((n + 1) * 100000)) 100000" >"$group/cpu.max"
else
	echo $(((n + 1) * 100000)) >"$group/cpu.cfs_quota_us"
fi
affinity=$(taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" node threads.mjs)
quota=$(sh -c 'echo $$ >"$1/cgroup.procs"; exec node threads.mjs' - "$group")
echo "$n CPUs; threads with an affinity of one CPU: $affinity; with a quota of $((n + 1)): $quota"
[ "$affinity" = "$n" ] && [ "$quota" = $((n + 1)) ]
