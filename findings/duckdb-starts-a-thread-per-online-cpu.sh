#!/bin/sh
# DuckDB 1.5.6 (npm package @duckdb/node-api 1.5.6-r.1)
#
# Input: a process that may run on one CPU only, by its affinity, on a machine with more CPUs.
# Expected: one thread; the DuckDB documentation says that the default of `threads` is the number of
# CPU cores, and nproc and Node.js (os.availableParallelism) count those that the process may use.
# Seen: as many threads as CPUs are online. DuckDB does take the quota of its cgroup into account, so
# a container with a quota and one with a cpuset of the same size start different numbers of threads.
set -eu
[ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] || { echo "needs two CPUs" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . @duckdb/node-api@1.5.6-r.1 >/dev/null
cat >threads.mjs <<'END'
import { DuckDBInstance, version } from '@duckdb/node-api';
import { availableParallelism, cpus } from 'node:os';

const db = await (await DuckDBInstance.create(':memory:')).connect();
const rows = await db.runAndReadAll("select current_setting('threads')");
const threads = Number(rows.getRows()[0][0]);
console.log(`DuckDB ${version()}: online ${cpus().length}, allowed ${availableParallelism()}, threads ${threads}`);
process.exit(availableParallelism() === 1 && threads === cpus().length ? 0 : 1);
END
taskset -c "$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')" node threads.mjs
