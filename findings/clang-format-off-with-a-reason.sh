#!/bin/sh
# clang-format 15.0.0 (npm package clang-format 1.8.0; 14.0.6 of Debian 12 does the same)
#
# Input: a comment that switches formatting off and says why, "clang-format off: one row per line".
# Expected: formatting is off, as after "clang-format off" alone; or an error.
# Seen: the comment is ignored without a word, and the code after it is formatted. So a table that
# somebody laid out by hand is lost at the next `make format`. pq writes the reason into a comment
# of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --prefix . clang-format@1.8.0 >/dev/null
program=node_modules/clang-format/bin/linux_x64/clang-format
"$program" --version

code='int rows[] = {1,\n      2};\n'
# shellcheck disable=SC2059 # the newlines in $code are meant
{
	printf "/* clang-format off */\n$code" >plain.c
	printf "/* clang-format off: one row per line */\n$code" >reason.c
}
kept() {
	"$program" "$1" | cmp -s - "$1" && echo "$1 keeps its layout" || echo "$1 is formatted"
}
seen=$(kept plain.c && kept reason.c)
echo "$seen"
[ "$seen" = 'plain.c keeps its layout
reason.c is formatted' ]
