#!/bin/sh
# DuckDB 1.5.6 (npm package @duckdb/node-api 1.5.6-r.1)
#
# Input: a column of numbers in JSON lines or CSV, whole in its first 20,480 rows, and then 0.5.
# Expected: 0.5; or an error that names the row, as for a text in a column of numbers.
# Seen: the type is guessed from the first 20,480 rows, and what follows is rounded to it without a
# word: 0.5 becomes 0 from JSON and 1 from CSV. If the first rows have a decimal point (0.0), the
# figure is kept. So pq prints a decimal point in each figure that may have a fraction.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . @duckdb/node-api@1.5.6-r.1 >/dev/null
cat >read.mjs <<'END'
import { DuckDBInstance, version } from '@duckdb/node-api';
import { writeFileSync } from 'node:fs';

console.log('DuckDB', version());
const db = await (await DuckDBInstance.create(':memory:')).connect();
for (const zero of ['0', '0.0']) {
	const figures = [...Array(20480).fill(zero), '0.5'];
	writeFileSync('a.json', figures.map(x => `{"steal_pct":${x}}\n`).join(''));
	writeFileSync('a.csv', 'steal_pct\n' + figures.map(x => x + '\n').join(''));
	for (const source of ["read_json('a.json')", "read_csv('a.csv')"]) {
		const rows = await db.runAndReadAll(
		    `select typeof(max(steal_pct)), max(steal_pct)::varchar from ${source}`);
		console.log(zero, source, ...rows.getRows()[0]);
	}
}
END
seen=$(node read.mjs)
echo "$seen"
[ "$(echo "$seen" | tail -n +2)" = "0 read_json('a.json') BIGINT 0
0 read_csv('a.csv') BIGINT 1
0.0 read_json('a.json') DOUBLE 0.5
0.0 read_csv('a.csv') DOUBLE 0.5" ]
