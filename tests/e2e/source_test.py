# SPDX-License-Identifier: MIT
"""`report --source` and `annotate`: lines with their cost, from what the capture itself holds."""

import json
import re
import subprocess

import pytest

from harness import needs_perf, perfprof

SOURCE = """#include <stdio.h>
static unsigned long twice(unsigned long x)
{
\treturn x * 6364136223846793005UL + 1;
}
__attribute__((noinline)) unsigned long hot(unsigned long n)
{
\tunsigned long x = n;
\tfor (unsigned long i = 0; i < n; i++)
\t\tx = twice(x) ^ (x >> 7); /* the <hot> line */
\treturn x;
}
int main(void)
{
\tprintf("%lu\\n", hot(200000000));
}
"""


@pytest.fixture(name="capture", scope="module")
def capture_of_a_program_whose_source_is_gone(tmp_path_factory):
    needs_perf()
    folder = tmp_path_factory.mktemp("source")
    (folder / "hot.c").write_text(SOURCE)
    subprocess.run(["gcc", "-g", "-O2", folder / "hot.c", "-o", folder / "hot"], check=True)
    path = folder / "x.pb.gz"
    assert perfprof("run", "-o", path, "--", folder / "hot").returncode == 0
    (folder / "hot.c").unlink()
    (folder / "hot").unlink()
    return path


@pytest.mark.parametrize("words", [["report", "--source", "hot"], ["annotate", "hot"]])
def test_lines_stand_with_their_cost(capture, words):
    result = perfprof(*words, capture)
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if "the <hot> line" in line]
    assert len(rows) == 1
    number, self_percent, total_percent, _ = rows[0].split()[:4]
    assert number == "10" and float(total_percent) >= float(self_percent)
    assert "unsigned long x = n;" in result.stdout  # beside those with samples
    assert "not at hand" not in result.stdout and "may have moved" not in result.stdout


def test_inlined_copies_and_callers_share_the_samples(capture):
    document = json.loads(perfprof("annotate", "hot|twice", capture, "--format", "json").stdout)
    cost = {(f["function"], line["line"]): line for f in document["source"] for line in f["lines"]}
    assert {f["function"] for f in document["source"]} == {"hot", "twice"}
    assert cost["twice", 4]["text"].strip().startswith("return x * 6364136223846793005UL")
    assert cost["hot", 10]["total_samples"] >= cost["hot", 10]["self_samples"] + cost["twice", 4]["self_samples"]
    for f in document["source"]:
        assert sum(line["self_samples"] for line in f["lines"]) == f["self_samples"]


def test_markdown_has_a_table(capture):
    text = perfprof("annotate", "hot", capture, "--format", "md").stdout
    assert re.search(r"^\| 10 \| [\d.]+ \| [\d.]+ \| \d+ \| `.*the <hot> line.*` \|$", text, re.M)


def test_a_filter_applies_to_lines_too(capture):
    whole = json.loads(perfprof("annotate", "hot", capture, "--format", "json").stdout)
    part = json.loads(perfprof("annotate", "hot", capture, "--format", "json", "--ignore", "^twice$").stdout)
    assert part["source"][0]["total_samples"] < whole["source"][0]["total_samples"]


def test_without_lines_it_says_what_to_do(tmp_path):
    (tmp_path / "x.folded").write_text("app;main;work 30\n")
    result = perfprof("annotate", "work", tmp_path / "x.folded")
    assert result.returncode == 0
    assert "No lines are known: build it with -g" in result.stdout


def test_an_unknown_function_is_told(capture):
    result = perfprof("report", "--source", "nix", capture)
    assert (result.returncode, result.stdout) == (3, "")
    assert "no sampled function is called 'nix'" in result.stderr


def test_annotate_without_a_function_is_2(tmp_path):
    result = perfprof("annotate", cwd=tmp_path)
    assert result.returncode == 2 and "annotate wants a function" in result.stderr
