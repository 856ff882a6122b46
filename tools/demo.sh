#!/bin/sh
# Profiles real work: the sqlite3 shell builds and queries a database while xz compresses it.
# Writes demo.pb.gz, demo.svg and report.txt into BUILD/demo and prints the report.
# Where the user may not sample, it records with `sudo -n`; where that fails too, it says which
# right is missing and shows the recorded capture of tests/golden. usage: tools/demo.sh BUILD
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(cd "$1" && pwd) || exit 1
perfprof=$build/perfprof
out=$build/demo
mkdir -p "$out" || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cat > "$work/load.sql" <<SQL
PRAGMA journal_mode = OFF;
CREATE TABLE trip(id INTEGER PRIMARY KEY, city TEXT, day INTEGER, km REAL, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO trip SELECT i, 'city ' || (i * 7919 % 997), i % 365, (i * 31 % 10007) / 10.0,
	hex(i * 2654435761 % 4294967296) FROM n;
CREATE INDEX trip_city ON trip(city, day);
SQL
cat > "$work/query.sql" <<SQL
SELECT city, count(*), avg(km) FROM trip GROUP BY city ORDER BY 3 DESC LIMIT 3;
SELECT count(*) FROM trip a JOIN trip b ON b.city = a.city AND b.day = a.day WHERE a.id % 40 = 0;
SELECT count(*) FROM trip WHERE note LIKE '%C0FFEE%' OR note GLOB '*F00D*';
SELECT day, sum(km), group_concat(DISTINCT substr(note, 1, 2)) FROM trip GROUP BY day LIMIT 3;
SQL
cat > "$work/sqlite3-and-xz.sh" <<WORK
sqlite3 trips.db < load.sql
xz -T1 -0 -k -f trips.db &
sqlite3 trips.db < query.sql
sqlite3 trips.db < query.sql
sqlite3 trips.db < query.sql
wait
WORK

record()
{
	(cd "$work" && "$@" "$perfprof" run -o "$out/demo.pb.gz" -o "$out/demo.svg" -- \
		sh sqlite3-and-xz.sh) > "$work/stdout" 2> "$work/stderr"
}

rm -f "$out/demo.pb.gz" "$out/demo.svg" "$out/report.txt"
capture=$out/demo.pb.gz
if ! record; then
	why=$(tail -n 3 "$work/stderr")
	if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && record sudo -n; then
		echo "recorded with sudo, since: $why"
	else
		echo "this user may not sample: $why"
		capture=tests/golden/demo.pb.gz
		if [ ! -f "$capture" ]; then
			exit 3
		fi
		echo "what follows was recorded elsewhere and is kept as $capture"
		"$perfprof" flame "$capture" -o "$out/demo.svg" || exit 1
	fi
fi
# Notes about lost samples and the like.
[ "$capture" = "$out/demo.pb.gz" ] && cat "$work/stderr" >&2
"$perfprof" report "$capture" > "$out/report.txt" || exit 1
cat "$out/report.txt"
echo
echo "the picture: $out/demo.svg"
echo "the capture: $capture"
echo "the report:  $out/report.txt"
