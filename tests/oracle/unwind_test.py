# SPDX-License-Identifier: MIT
# check: serial
"""The walker against libunwind, over the same registers and stack copies of real programs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))

SQL = """CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO t SELECT i, 'text' || (i * 7919 % 10007) FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*) FROM t x JOIN t y ON x.b = y.b WHERE x.a < 40000;"""

PYTHON = """import json, re
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
f(20)
text = json.dumps([{"a": i, "b": str(i) * 3} for i in range(20000)])
json.loads(text), re.findall(r"(\\d+)x", text), sorted(text[:200000])"""


def compare(tmp_path, *command):
    """@return (stacks, whole): how many were compared, how many reached an outermost frame"""
    done = subprocess.run([str(BUILD / "oracle/unwind"), "-n", "600", *map(str, command)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path, text=True,
                          errors="replace", timeout=120)
    if done.returncode == 77:
        pytest.skip(f"needs perf: {done.stdout.strip()}")
    found = re.search(r"(\d+) stacks, (\d+) identical, (\d+) explained, (\d+) different", done.stdout)
    assert found, done.stdout
    stacks, identical, explained, different = map(int, found.groups())
    assert identical + explained + different == stacks
    assert done.returncode == 0 and different * 1000 <= stacks, done.stdout
    root = re.search(r"^root: (\d+)", done.stdout, re.M)
    return stacks, int(root.group(1)) if root else 0


def installed(name):
    if not shutil.which(name):
        pytest.skip(f"needs program: {name} is not installed")


def program(name):
    path = BUILD / "programs" / name
    if not path.exists():
        pytest.skip(f"needs program: {name} is not built")
    return path


def test_sqlite3(tmp_path):
    stacks, whole = compare(tmp_path, "sqlite3", ":memory:", SQL)
    assert stacks > 30 and whole >= stacks * 0.98


def test_python3(tmp_path):
    stacks, whole = compare(tmp_path, "/usr/bin/python3", "-c", PYTHON)
    assert stacks > 30 and whole >= stacks * 0.95  # some are inside execve: nothing is mapped yet


def test_xz(tmp_path):
    (tmp_path / "data").write_bytes(os.urandom(1 << 21))
    stacks, whole = compare(tmp_path, "xz", "-k", "-T2", "data")
    assert stacks > 30 and whole >= stacks * 0.98


def test_git(tmp_path):
    (tmp_path / "file").write_text("".join(f"line {i * 7919 % 1000}\n" for i in range(100000)))
    (tmp_path / "other").write_text("".join(f"line {i * 7907 % 1000}\n" for i in range(100000)))
    stacks, whole = compare(tmp_path, "git", "diff", "--no-index", "--stat", "file", "other")
    assert stacks > 30 and whole >= stacks * 0.98


def test_threads_of_zstd(tmp_path):
    """Nothing but the functions at its border has a name; its threads are most of it."""
    installed("zstd")
    (tmp_path / "data").write_text("".join(f"line {i * 7919 % 10007}\n" for i in range(300000)))
    stacks, whole = compare(tmp_path, "zstd", "-T2", "-15", "-q", "data", "-o", "out")
    assert stacks > 30 and whole >= stacks * 0.98


def test_rust(tmp_path):
    installed("rsvg-convert")
    curves = "".join(f'<path opacity="0.5" d="M{i * 7919 % 800} 0 C{i * 31 % 800} 600 0 {i * 17 % 600} 800 300"/>'
                     for i in range(150))
    (tmp_path / "in.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600">{curves}</svg>')
    stacks, whole = compare(tmp_path, "rsvg-convert", "-o", "out.png", "in.svg")
    assert stacks > 30 and whole >= stacks * 0.98


def test_compiler(tmp_path):
    source = HERE / "programs/templates.cc"
    # cc1plus recurses: a few of its stacks are deeper than any copy
    stacks, whole = compare(tmp_path, "g++", "-O2", "-c", source, "-o", "out.o")
    assert stacks > 30 and whole >= stacks * 0.85


@pytest.mark.parametrize("name", ["assembly", "tailcall", "vdso", "altstack", "shape", "shape_no_pie",
                                  "shape_clang", "shape_fp", "shape_O0"])
def test_hard_programs(tmp_path, name):
    compare(tmp_path, program(name), "0.5")
