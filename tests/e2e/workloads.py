# SPDX-License-Identifier: MIT
"""Real programs from the distribution, each with a second or two of work made up on the spot."""

import json
import random
import subprocess

from harness import needs_program

SQL = """
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250000)
INSERT INTO t SELECT i, 'row ' || (i * 7919 % 9973), i % 1000, i * 1.5 FROM n;
CREATE INDEX ta ON t(a, b);
SELECT a, count(*), sum(c) FROM t GROUP BY a ORDER BY 3 DESC LIMIT 3;
SELECT count(*) FROM t x JOIN t y ON x.a = y.a AND x.b < y.b WHERE x.id < 20000;
SELECT count(*) FROM t WHERE a LIKE '%9_1%';
"""

PYTHON = """
import json, re
words = ["word%d" % (i * 7919 % 5000) for i in range(60000)]
for turn in range(9):
    count = {}
    for w in words:
        count[w] = count.get(w, 0) + 1
    text = json.dumps(sorted(count.items()))
    back = json.loads(text)
    found = sum(1 for w in words if re.match(r"w.*d[0-9]+7$", w))
    order = sorted(words, key=lambda w: (len(w), w[::-1]))
"""

PERL = """my %h; my $n = 0;
for my $i (1 .. 4000000) { my $k = "key" . ($i * 7919 % 5000); $h{$k} .= "x" if length($h{$k} // "") < 50;
  $n++ if $k =~ /^k.*y\\d+7$/; }
my @s = sort { $h{$a} cmp $h{$b} or $a cmp $b } keys %h; print "$n\\n";"""

BASH = """f() { local i s=0; for ((i = 0; i < 300000; i++)); do s=$((s + i * 7 % 13)); done; echo $s; }
f; f; v=; for i in {1..3000}; do v+=x$i; [[ $v == *x$i ]] || exit 1; done"""

AWK = """BEGIN { for (i = 0; i < 9000000; i++) { s += i % 7 * 3; a[i % 1000] = s } ; print s }"""

LUA = """
local t, n = {}, 0
for turn = 1, 1600000 do
  local k = "key" .. (turn * 7919 % 5000)
  t[k] = (t[k] or 0) + 1
  if k:find("^k.*y%d+7$") then n = n + 1 end
end
local step = coroutine.wrap(function() for i = 1, 900000 do coroutine.yield(i) end end)
for i = 1, 900000 do n = n + step() end
local s = {}
for i = 1, 100000 do s[i] = i * 7919 % 65521 end
table.sort(s, function(a, b) return a < b end)
print(n, #s)
"""

# Coroutines and string.gsub stay in the interpreter; the loops become machine code.
LUAJIT = """
local n, t = 0, {}
local function mix(x) for i = 1, 40 do x = (x * 31 + i) % 65521 end return x end
for i = 1, 600000 do n = n + mix(i) end
for i = 1, 200000 do t[i] = i * 7919 % 65521 end
for turn = 1, 3 do table.sort(t, function(a, b) return a < b end) table.sort(t, function(a, b) return a > b end) end
local step = coroutine.wrap(function() for i = 1, 2000000 do coroutine.yield(i) end end)
for i = 1, 2000000 do n = n + step() end
print(n)
"""

TCC = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static unsigned mix(unsigned n) { unsigned h = n; for (int i = 0; i < 60; i++) h = h * 31 ^ h >> 7; return h; }
int main(void)
{
	static char *words[60000];
	unsigned sum = 0;
	for (int turn = 0; turn < 24; turn++) {
		for (int i = 0; i < 60000; i++) {
			char b[32];
			snprintf(b, sizeof(b), "w%u", mix(i * 7919));
			words[i] = strdup(b);
		}
		qsort(words, 60000, sizeof(*words), compare);
		for (int i = 0; i < 60000; i++) {
			sum += mix(words[i][1]);
			free(words[i]);
		}
	}
	printf("%u\\n", sum);
}
"""

NODE = """
const count = new Map();
let n = 0;
function fib(x) { return x < 2 ? x : fib(x - 1) + fib(x - 2); }
for (let i = 0; i < 3000000; i++) {
  const k = "key" + (i * 7919 % 5000);
  count.set(k, (count.get(k) || 0) + 1);
  if (/^k.*y\\d+7$/.test(k)) n++;
}
const text = JSON.stringify([...count.entries()]);
for (let i = 0; i < 250; i++) n += JSON.parse(text).length;
const s = Array.from({ length: 400000 }, (_, i) => (i * 7919) % 65521);
s.sort((a, b) => a - b);
console.log(n, fib(34), s.length);
"""

PHP = """
function numbers() { for ($i = 0; $i < 1500000; $i++) yield $i; }
$t = []; $n = 0;
for ($i = 1; $i < 3000000; $i++) { $k = "key" . ($i * 7919 % 5000); $t[$k] = ($t[$k] ?? 0) + 1; }
foreach (numbers() as $i) $n += $i;
for ($i = 0; $i < 250; $i++) $n += count(json_decode(json_encode($t), true));
for ($i = 0; $i < 2000000; $i++) if (preg_match('/^k.*y\\d+7$/', "key" . $i)) $n++;
$f = new Fiber(function () { for ($i = 0; $i < 500000; $i++) Fiber::suspend(md5("$i")); });
$f->start();
while (!$f->isTerminated()) { $n++; $f->resume(); }
uksort($t, fn($a, $b) => strrev($a) <=> strrev($b));
echo $n, "\\n";
"""

JQ = """[.[] | select(.v[0] > 2) | {n: (.name | ascii_upcase), s: (.v | add), t: (.name | test("row.*7$"))}]
| group_by(.n) | map({k: .[0].n, s: (map(.s) | add)}) | length"""

CXX = """
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>
template <int N> struct Tree {
	std::map<std::string, std::vector<Tree<N - 1>>> children;
	int sum() const { int s = N; for (auto &[k, v] : children) for (auto &t : v) s += t.sum() + k.size(); return s; }
};
template <> struct Tree<0> { int sum() const { return 1; } };
int main() { Tree<6> t; std::cout << t.sum(); }
"""


def text_file(path, megabytes, again=1):
    """Words that compress as text does, the same on each call; the file holds them `again` times."""
    r = random.Random(7)
    words = ["".join(r.choice("etaoinshrdlucmfw") for _ in range(r.randint(2, 9))) for _ in range(4000)]
    with open(path, "w") as f:
        size = 0
        while size < megabytes * 1_000_000:
            line = " ".join(words[int(4000 * r.random() ** 2)] for _ in range(12)) + "\n"
            f.write(line)
            size += len(line)
    text = path.read_bytes()
    with open(path, "ab") as f:
        for _ in range(1, again):
            f.write(text)
    return path


def git_repository(folder):
    """600 commits that each change a line of two of 60 files."""
    r = random.Random(3)
    files = [[f"line {i} of {n} {r.random()}\n" for i in range(300)] for n in range(60)]
    out = []
    for commit in range(600):
        message = f"commit {commit}"
        out.append(f"commit refs/heads/main\nmark :{commit + 1}\ncommitter A <a@b> {1700000000 + commit} +0000\n"
                   f"data {len(message)}\n{message}\n")
        for n in (r.randrange(60), r.randrange(60)) if commit else range(60):
            files[n][r.randrange(300)] = f"changed in {commit} {r.random()}\n"
            body = "".join(files[n])
            out.append(f"M 100644 inline dir{n % 7}/file{n}.txt\ndata {len(body)}\n{body}\n")
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input="".join(out), text=True, check=True)
    return folder


def c_source(path):
    body = "".join(f"int f{i}(int *a, int n) {{ int s = {i}; for (int k = 0; k < n; k++) {{ if (a[k] % {i + 2}) "
                   f"s += a[k] * {i}; else s ^= a[n - k - 1] << ({i} % 7); switch (s & 7) {{ case 1: s += 3; break; "
                   f"case 5: s *= 7; break; default: s -= a[k]; }} }} return s; }}\n" for i in range(250))
    path.write_text(body)
    return path


def sparse_file(path, megabytes):
    """Zeros, which need no space."""
    with open(path, "wb") as f:
        f.truncate(megabytes * 1_000_000)
    return path


def json_file(path):
    path.write_text(json.dumps([{"id": i, "name": f"row{i * 7919 % 9973}", "v": [i % 7, i % 11, i * 1.5]}
                                for i in range(70000)]))
    return path


def picture(path):
    """An SVG of many transparent curves and of blurred circles."""
    r = random.Random(5)
    curves = "".join(f'<g opacity="0.7"><path d="M{r.randrange(900)} {r.randrange(700)} C{r.randrange(900)} '
                     f'{r.randrange(700)} {r.randrange(900)} {r.randrange(700)} {r.randrange(900)} {r.randrange(700)}" '
                     f'fill="#{r.randrange(1 << 24):06x}" stroke="black"/></g>' for _ in range(1000))
    circles = "".join(f'<circle cx="{r.randrange(900)}" cy="{r.randrange(700)}" r="30" filter="url(#b)"/>'
                      for _ in range(40))
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="700"><defs><filter id="b">'
                    f'<feGaussianBlur stdDeviation="6"/></filter></defs>{curves}{circles}</svg>')
    return path


def raw_video(path, frames=120, width=480, height=272):
    """I420 with a pattern that moves."""
    line = bytes(range(256)) * 16
    with open(path, "wb") as f:
        for k in range(frames):
            f.write(b"".join(line[(y * y // 7 + k * 5) % 2048:][:width] for y in range(height)))
            f.write(bytes(width * height // 2))
    return path


def written(path, text):
    path.write_text(text)
    return str(path)


def age_recipient(folder):
    """@return the public key of a new identity; what it costs does not depend on it"""
    needs_program("age-keygen")
    subprocess.run(["age-keygen", "-o", folder / "key"], capture_output=True, check=True)
    return subprocess.run(["age-keygen", "-y", folder / "key"], capture_output=True, text=True,
                          check=True).stdout.strip()


# Of each workload the arguments behind the program's name.
ARGUMENTS = {
    "sqlite3": lambda folder: [":memory:", SQL],
    "xz": lambda folder: ["-T1", "-6", "-k", "-c", text_file(folder / "in.txt", 4)],
    "gzip": lambda folder: ["-9", "-k", "-c", text_file(folder / "in.txt", 4, again=6)],
    "git": lambda folder: ["-C", git_repository(folder / "repository"), "--no-pager", "log", "-p", "--stat",
                           "--find-copies-harder", "--format=%H"],
    "python3": lambda folder: ["-c", PYTHON],
    "perl": lambda folder: ["-e", PERL],
    "bash": lambda folder: ["-c", BASH],
    "mawk": lambda folder: [AWK],
    "openssl": lambda folder: ["speed", "-seconds", "1", "-bytes", "16384", "sha256", "aes-128-cbc"],
    "sort": lambda folder: ["-k3,3", "-k1,1", text_file(folder / "in.txt", 30)],
    "gcc": lambda folder: ["-O2", "-c", c_source(folder / "in.c"), "-o", "/dev/null"],
    "lua5.4": lambda folder: ["-e", LUA],
    "luajit": lambda folder: ["-e", LUAJIT],
    "tcc": lambda folder: ["-run", written(folder / "in.c", TCC)],
    "node": lambda folder: ["-e", NODE],
    "php": lambda folder: ["-n", "-r", PHP],
    "jq": lambda folder: ["-c", JQ, json_file(folder / "in.json")],
    "zstd": lambda folder: ["-T2", "-B1M", "-15", "-q", "-c", text_file(folder / "in.txt", 4)],
    "rsvg-convert": lambda folder: [picture(folder / "in.svg")],
    "clang++": lambda folder: ["-std=c++17", "-O2", "-c", written(folder / "in.cc", CXX), "-o", "/dev/null"],
    "vpxenc": lambda folder: ["--i420", "--width=480", "--height=272", "--threads=2", "--passes=1", "--cpu-used=3",
                              "-q", "-o", "/dev/null", raw_video(folder / "in.yuv")],
    "age": lambda folder: ["-r", age_recipient(folder), "-o", "/dev/null", sparse_file(folder / "in", 900)],
    "fzf": lambda folder: ["--filter=wrd"],
}

# The same order of hashes on each run, or two runs have different costs.
ENVIRONMENT = {"python3": ["env", "PYTHONHASHSEED=0"], "perl": ["env", "PERL_HASH_SEED=0"]}

ALL = list(ARGUMENTS)


def command(name, folder):
    """@return the argument list of a workload; skips if its program is not installed"""
    path = needs_program(name)
    argv = [path, *map(str, ARGUMENTS[name](folder))]
    if name == "fzf":
        argv = ["sh", "-c", 'exec "$@" <"$0"', text_file(folder / "in.txt", 4, again=4), *argv]
    return ENVIRONMENT.get(name, []) + argv
