# SPDX-License-Identifier: MIT
"""What the readers' filters leave, on stacks of known content."""

import json
import re

import pytest

from harness import needs_perf, perfprof

STACKS = """app;main;parse;memcpy 30
app;main;parse 20
app;main;render;memcpy 10
app;main;render;draw 25
worker;start;loop 15
"""


def report(*options, stacks=STACKS):
    result = perfprof("report", "-", "--format", "json", *options, input=stacks)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


def self_samples(document):
    return {h["function"]: h["self_samples"] for h in document["hotspots"] if h["self_samples"]}


@pytest.mark.parametrize("options, left", [
    (["--focus", "^memcpy$"], {"memcpy": 40}),
    (["--focus", "parse|draw"], {"memcpy": 30, "parse": 20, "draw": 25}),
    (["--ignore", "^parse"], {"memcpy": 10, "draw": 25, "loop": 15}),
    (["--focus", "main", "--ignore", "memcpy"], {"parse": 20, "draw": 25}),
    (["--hide", "memcpy"], {"parse": 50, "render": 10, "draw": 25, "loop": 15}),
    (["--thread", "work"], {"loop": 15}),
    (["--hide", "parse|render", "--thread", "^app$"], {"memcpy": 40, "main": 20, "draw": 25}),
])
def test_a_filter_leaves_what_it_says(options, left):
    document, stderr = report(*options)
    assert self_samples(document) == left
    assert document["capture"]["samples"] == sum(left.values())
    assert document["capture"]["samples_before_selection"] == 100
    assert document["capture"]["selection"] == " ".join(
        f"'{o}'" if i % 2 else o for i, o in enumerate(options))
    assert stderr == ""
    shares = [h["self_percent"] for h in document["hotspots"]]
    assert abs(sum(shares) - 100) < 0.001


def test_a_picture_says_what_it_shows():
    result = perfprof("flame", "-", "--focus", "memcpy", "-o", "-", input=STACKS)
    assert result.returncode == 0
    assert "40 of 100 samples (40.00 %)" in result.stdout
    assert 'data-testid="total">40<' in result.stdout
    assert "draw" not in re.sub(r"<script>.*</script>", "", result.stdout, flags=re.DOTALL)


@pytest.mark.parametrize("option", ["--focus", "--thread"])
@pytest.mark.parametrize("command", ["report", "flame"])
def test_no_match_is_a_sentence_and_no_error(command, option):
    result = perfprof(command, "-", option, "nix", "-o", "-", input=STACKS)
    assert result.returncode == 0
    assert f"matches {option} 'nix'" in result.stderr and len(result.stderr.splitlines()) == 1
    assert "0 of 100 samples" in result.stdout


@pytest.mark.parametrize("time, words", [("3", "not '3'"), ("3-1", "not '3-1'"),
                                         ("1-2", "does not say when its samples were taken")])
def test_a_range_of_time_that_cannot_be_used_is_2(time, words):
    result = perfprof("report", "-", "--time", time, input=STACKS)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_range_of_time(tmp_path):
    """First gzip, then sha256sum: each part of the capture has its own."""
    needs_perf()
    script = "timeout 0.6 gzip -c < /dev/zero > /dev/null; timeout 0.7 sha256sum /dev/zero; true"
    assert perfprof("run", "-o", tmp_path / "x.pb.gz", "--", "sh", "-c", script).returncode == 0
    comms = []
    for time in ("-300ms", "0.9-"):
        result = perfprof("flame", tmp_path / "x.pb.gz", "--time", time, "-o", tmp_path / "x.svg")
        assert result.returncode == 0, result.stderr
        comms.append([c for c in ("gzip", "sha256sum") if f"<title>{c} (" in (tmp_path / "x.svg").read_text()])
    assert comms == [["gzip"], ["sha256sum"]]


@pytest.mark.parametrize("option", ["--focus", "--ignore", "--hide", "--thread"])
def test_no_regular_expression_is_2(option):
    result = perfprof("report", "-", option, "a[b", input=STACKS)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"{option} 'a[b' is no regular expression: " in result.stderr
