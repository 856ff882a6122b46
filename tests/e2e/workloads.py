# SPDX-License-Identifier: MIT
"""Real programs from the distribution, each with some two seconds of work made up on the spot."""

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


def text_file(path, megabytes):
    """Words that compress as text does, the same on each call."""
    r = random.Random(7)
    words = ["".join(r.choice("etaoinshrdlucmfw") for _ in range(r.randint(2, 9))) for _ in range(4000)]
    with open(path, "w") as f:
        size = 0
        while size < megabytes * 1_000_000:
            line = " ".join(words[int(4000 * r.random() ** 2)] for _ in range(12)) + "\n"
            f.write(line)
            size += len(line)
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


def command(name, folder):
    """@return the argument list of a workload; skips if its program is not installed"""
    if name == "sqlite3":
        return [needs_program(name), ":memory:", SQL]
    if name == "xz":
        return [needs_program(name), "-T1", "-6", "-k", "-c", str(text_file(folder / "in.txt", 4))]
    if name == "gzip":
        return [needs_program(name), "-9", "-k", "-c", str(text_file(folder / "in.txt", 24))]
    if name == "git":
        needs_program(name)
        return ["git", "-C", str(git_repository(folder / "repository")), "--no-pager", "log", "-p", "--stat",
                "--find-copies-harder", "--format=%H"]
    if name == "python3":
        return ["env", "PYTHONHASHSEED=0", needs_program(name), "-c", PYTHON]
    if name == "perl":
        # The same order of hashes on each run, or two runs have different costs.
        return ["env", "PERL_HASH_SEED=0", needs_program(name), "-e", PERL]
    if name == "bash":
        return [needs_program(name), "-c", BASH]
    if name == "mawk":
        return [needs_program(name), AWK]
    if name == "openssl":
        return [needs_program(name), "speed", "-seconds", "1", "-bytes", "16384", "sha256", "aes-128-cbc"]
    if name == "sort":
        return [needs_program(name), "-k3,3", "-k1,1", str(text_file(folder / "in.txt", 30))]
    if name == "gcc":
        return [needs_program(name), "-O2", "-c", str(c_source(folder / "in.c")), "-o", "/dev/null"]
    raise KeyError(name)


ALL = ["sqlite3", "xz", "git", "python3", "gzip", "perl", "bash", "mawk", "openssl", "sort", "gcc"]
